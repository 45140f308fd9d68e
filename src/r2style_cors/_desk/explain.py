"""The walk with reasons: the answer that an engine gives, and what every rule said to get there. Used at the desk."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from .._compile import expect_policy
from .._engine import MAX_REQUEST_HEADERS, grants_for, profile_of, requested_names, rules_of
from .._fetch import is_token
from .._origins import Wildcards
from .._text import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._decision import Decision
    from .._engine import Engine, Grant
    from .._profiles import ProfileName
    from ..policy import Policy

MAX_COMPARED = 1000  # listed origins that an unlisted one is compared with


@dataclass(frozen=True, slots=True)
class HeaderWhy:
    """Whether a rule allows one requested header."""

    name: str
    allowed: bool


@dataclass(frozen=True, slots=True)
class RuleWhy:
    """What one rule said: each of its tests, in the order in which they are made.

    Attributes:
        index: 0-based place of the rule in the policy.
        id: the rule's own name, if it has one.
        origin: whether it lists the origin.
        method: whether it lists the method.
        headers: the requested headers, each with whether the rule allows it.
    """

    index: int
    id: str | None
    origin: bool
    method: bool
    headers: tuple[HeaderWhy, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision, and why.

    Attributes:
        decision: the same that `Engine.decide` gives for these arguments.
        method: the method that was tested: Access-Control-Request-Method for a preflight.
        origin: the Origin, or None.
        request_headers: Access-Control-Request-Headers, or None where it took no part.
        size: the bytes of its lines, where they were several.
        nearest: the listed origin that is spelt most like an unlisted one, and its rule, in words; else None.
        rules: every rule's why, in the policy's order; empty where the request is malformed or has no Origin.
    """

    decision: Decision
    method: str
    origin: str | None
    request_headers: str | None
    size: int | None
    nearest: str | None
    rules: tuple[RuleWhy, ...]

    @property
    def sentence(self) -> str:
        """Why, in one sentence. Values from the request are escaped and cut (SEMANTICS 8.2)."""
        return _SENTENCES[self.decision.reason](self)

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """As they go out: all of them where the policy answers, else what it adds, Vary included (SEMANTICS 5.4)."""
        added = () if self.decision.kind == "preflight" else self.decision.answer.vary_pair
        return (*self.decision.headers, *added)


class Wish(NamedTuple):
    """The request that is asked about."""

    origin: str
    method: str
    headers: str | None
    actual: bool


def joined(headers: Sequence[str]) -> str | None:
    """Access-Control-Request-Headers as a browser writes it; one string is the value itself, never its letters."""
    return (headers if isinstance(headers, str) else ",".join(headers)) or None


def ask(engine: Engine, wish: Wish) -> Explanation:
    """What `engine` says of it: of the actual request, or of the preflight before it."""
    if wish.actual:
        return engine.explain(wish.method, wish.origin)
    return engine.explain("OPTIONS", wish.origin, wish.method, wish.headers)


def explain(
    policy: Policy,
    *,
    origin: str,
    method: str,
    headers: Sequence[str] = (),
    actual: bool = False,
    profile: ProfileName = "r2",
    credentials: bool | None = None,
    extra_methods: Sequence[str] = (),
) -> Explanation:
    """What a policy answers to one request, and what each of its rules said to get there (SEMANTICS 3, 8.3).

    Args:
        policy: the policy.
        origin: the value of Origin: that of the page.
        method: the method that the page uses.
        headers: the names of the headers that the page sets, or the value of Access-Control-Request-Headers.
        actual: whether the request is the actual one, and not the preflight before it. Its headers take no part.

    `profile`, `credentials` and `extra_methods` are those of `Policy.compile`.

    Raises:
        PolicyError: the profile refuses the policy, or the options do not go with it.
        TypeError: `policy` is no Policy.
        ValueError: there is no such profile.
    """
    engine = expect_policy(policy).compile(profile, credentials, extra_methods)
    return ask(engine, Wish(origin, method, joined(headers), actual))


def explain_with(
    engine: Engine,
    method: str,
    origin: str | None,
    request_method: str | None,
    request_headers: str | None,
    size: int | None,
) -> Explanation:
    """See `Engine.explain`."""
    decision = engine.decide(method, origin, request_method, request_headers, size)
    takes_part = decision.kind == "preflight" or profile_of(engine).actual_like_preflight
    tested = request_method if takes_part and request_method is not None else method
    asked = request_headers if takes_part else None
    names = requested_names(asked, size) or ()
    rules: tuple[RuleWhy, ...] = ()
    if decision.reason not in ("malformed", "no-origin"):
        matching = frozenset(grants_for(engine, origin or "").rules)
        rules = tuple(_why(grant, grant.index in matching, tested, names) for grant in rules_of(engine))
    nearest = _nearest(engine, origin) if origin and decision.reason == "origin" else None
    return Explanation(decision, tested, origin, asked, size, nearest, rules)


def _nearest(engine: Engine, origin: str) -> str | None:
    """The listed origin that is spelt most like `origin`: usually a typing mistake in one of the two."""
    listed = {listed: grant.index for grant in reversed(rules_of(engine)) for listed in grant.origins[:MAX_COMPARED]}
    close = get_close_matches(shown(origin), list(listed)[-MAX_COMPARED:], n=1, cutoff=0)
    return f"rule {listed[close[0]]}, which lists {shown(close[0])}" if close else None


def _why(grant: Grant, origin: bool, method: str, names: Sequence[str]) -> RuleWhy:
    patterns = Wildcards(grant.headers.patterns, None)
    headers = tuple(
        HeaderWhy(name, grant.headers.every or name in grant.headers.names or bool(patterns.matching(name)))
        for name in names
    )
    return RuleWhy(grant.index, grant.id, origin, method in grant.methods, headers)


def _rule(explanation: Explanation) -> str:
    why = explanation.rules[explanation.decision.rule or 0]
    return f"Rule {rule_name(why.index, why.id)}"


def rule_name(index: int, rule_id: str | None) -> str:
    """A rule as people are told of it: its number, and its id if it has one."""
    return str(index) if rule_id is None else f"{index} ({shown(rule_id)})"


def _no_origin(_: Explanation) -> str:
    return "The request has no Origin: it is no CORS request."


def _allowed(explanation: Explanation) -> str:
    return f"{_rule(explanation)} allows it."


def _origin(explanation: Explanation) -> str:
    sentence = f"No rule lists the origin {shown(explanation.origin or '')}."
    return f"{sentence} Nearest is {explanation.nearest}." if explanation.nearest else sentence


def _method(explanation: Explanation) -> str:
    origin, method = shown(explanation.origin or ""), shown(explanation.method)
    return f"{_rule(explanation)} lists the origin {origin}, but no rule that does allows the method {method}."


def _headers(explanation: Explanation) -> str:
    why = explanation.rules[explanation.decision.rule or 0]
    refused = shown(", ".join(header.name for header in why.headers if not header.allowed))
    origin, method = shown(explanation.origin or ""), shown(explanation.method)
    return (
        f"{_rule(explanation)} lists the origin {origin} and the method {method}, "
        f"but its AllowedHeaders lacks: {refused}."
    )


def _malformed(explanation: Explanation) -> str:
    if explanation.decision.status == HTTPStatus.BAD_REQUEST:
        return "Access-Control-Request-Method is absent, or none that a rule can list."
    if explanation.method != "" and is_token(explanation.method):
        if requested_names(explanation.request_headers, explanation.size) is not None:
            return f"Origin is no serialized origin: {shown(explanation.origin or '')}"
        value = explanation.request_headers or ""
        if (len(value) if explanation.size is None else explanation.size) > MAX_REQUEST_HEADERS:
            return f"Access-Control-Request-Headers has more than {MAX_REQUEST_HEADERS} bytes."
        return f"Access-Control-Request-Headers is no list of header names: {shown(value)}"
    return f"Access-Control-Request-Method is no single method: {shown(explanation.method)}"


_SENTENCES = {
    "no-origin": _no_origin,
    "allowed": _allowed,
    "origin": _origin,
    "method": _method,
    "headers": _headers,
    "malformed": _malformed,
}
