"""A policy as a table: what each origin gets by each method. The answers are the engine's own; nothing is matched here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from .._compile import expect_policy
from .._engine import METHODS, grants_for, rules_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .._engine import Engine, Grant, Grants
    from .._profiles import ProfileName
    from ..policy import Policy

OriginKind: TypeAlias = Literal["listed", "wildcard", "unlisted", "null"]
HeaderKind: TypeAlias = Literal["none", "named", "all"]

UNLISTED = "any other origin"

# What a `*` may stand for. Of several origins that a pattern matches, the one that the fewest other rules match shows
# what every one of them gets.
_STAND_INS = ("unlisted", "x", "q", "0", "7")
_UNLISTED = (
    "https://unlisted.invalid",
    *(f"{first}://{last}" for first in "abcdefghijklmnopqrstuvwxyz" for last in "0x"),
)


@dataclass(frozen=True, slots=True)
class CellGrant:
    """What one rule gives in one cell.

    Attributes:
        rule: 0-based index of the rule.
        headers: whether a preflight may ask for no header, for the named ones, or for all.
        names: the named ones, in lower case and in order; `x-*` stands for many.
    """

    rule: int
    headers: HeaderKind
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """What one origin gets by one method.

    Attributes:
        method: the method.
        grants: what the rules give that apply, in their order; empty where the request is refused. A preflight has to
            ask for no more than one of them gives.
    """

    method: str
    grants: tuple[CellGrant, ...]

    @property
    def granted(self) -> bool:
        """Whether a request without further headers is granted."""
        return bool(self.grants)

    @property
    def headers(self) -> HeaderKind | None:
        """What the most generous of its grants gives; None where there is none."""
        kinds = {grant.headers for grant in self.grants}
        generous: tuple[HeaderKind, ...] = ("all", "named", "none")
        return next((kind for kind in generous if kind in kinds), None)


@dataclass(frozen=True, slots=True)
class Row:
    """What one origin gets.

    Attributes:
        origin: as the policy lists it; `any other origin` for those that it does not list; or `null`.
        kind: `listed`, `wildcard` (a `*` in it), `unlisted` or `null`.
        cells: one for each method.
    """

    origin: str
    kind: OriginKind
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A policy as a table.

    Attributes:
        methods: the columns: the five, then those that the server adds.
        rows: the origins that the policy lists, in its order; then any other origin, and `null`.
    """

    methods: tuple[str, ...]
    rows: tuple[Row, ...]


def matrix(
    policy: Policy, *, profile: ProfileName = "r2", credentials: bool | None = None, extra_methods: Sequence[str] = ()
) -> Matrix:
    """What each origin of `policy`, an unlisted one, and `null` get by each method.

    `profile`, `credentials` and `extra_methods` are those of `Policy.compile`.

    Raises:
        PolicyError: the profile refuses the policy, or the options do not go with it.
        TypeError: `policy` is no Policy.
        ValueError: there is no such profile.
    """
    engine = expect_policy(policy).compile(profile, credentials, extra_methods)
    methods = tuple(dict.fromkeys((*METHODS, *engine.extra_methods)))
    return Matrix(methods, tuple(_rows(engine, methods)))


def _rows(engine: Engine, methods: tuple[str, ...]) -> Iterator[Row]:
    listed = dict.fromkeys(origin for grant in rules_of(engine) for origin in grant.origins if origin != "*")
    for origin in listed:
        kind: OriginKind = "wildcard" if "*" in origin else "listed"
        stand_ins = [origin.replace("*", text) for text in _STAND_INS]
        yield Row(origin, kind, _cells(_least(engine, stand_ins), methods))
    yield Row(UNLISTED, "unlisted", _cells(_least(engine, _UNLISTED), methods))
    yield Row("null", "null", _cells(grants_for(engine, "null"), methods))


def _least(engine: Engine, origins: Iterable[str]) -> Grants:
    return min((grants_for(engine, origin) for origin in origins), key=lambda grants: len(grants.rules))


def _cells(grants: Grants, methods: tuple[str, ...]) -> tuple[Cell, ...]:
    return tuple(Cell(method, _of_chain(grants, method)) for method in methods)


def _of_chain(grants: Grants, method: str) -> tuple[CellGrant, ...]:
    chain = grants.chains.get(method)
    return tuple(map(_of_rule, chain.grants)) if chain is not None else ()


def _of_rule(grant: Grant) -> CellGrant:
    if grant.headers.every:
        return CellGrant(grant.index, "all", ())
    names = tuple(sorted({*grant.headers.names, *grant.headers.patterns}))
    return CellGrant(grant.index, "named" if names else "none", names)
