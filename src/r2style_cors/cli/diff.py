"""`r2style-cors diff`: whether two policies mean the same."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from .._desk.bucket import refuse_misplaced
from .._text import shown
from ._live import read_any
from ._shared import FINDINGS, AsJson, EndpointUrl, Jurisdiction, Profile, fail

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

    from rich.console import RenderableType

    from .._desk.diff import Difference, GrantDifference, HeaderDifference

_SHOWN = 3  # origins of one difference that are shown
_SOURCE = "A policy in any form: a file, -, s3://BUCKET or r2://ACCOUNT/BUCKET."


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help=_SOURCE)],
    b: Annotated[str, typer.Argument(metavar="B", help="Another.")],
    *,
    profile: Profile = "r2",
    endpoint_url: EndpointUrl = None,
    jurisdiction: Jurisdiction = None,
    as_json: AsJson = False,
) -> None:
    """Tell whether two policies mean the same: the same answer for every origin, method and set of request headers.

    First come the requests that only one of them grants, as examples; then what both grant with other response headers.

    --json prints one object: `same`, `a` and `b` (the sources), `grants` (each with `only`, `rule`, `origins`,
    `methods` and `request_headers`) and `headers` (each with `header`, `a`, `b`, `rules`, `origins`, `methods` and
    `request_headers`).

    Exits with 0 if they mean the same, with 1 if not or if a bucket has no policy, with 2 if one cannot be read.
    """
    from .._desk.diff import diff as difference_of

    _check(a, b, endpoint_url, jurisdiction)
    policies = [read_any(source, profile, endpoint_url, jurisdiction) for source in (a, b)]
    found = difference_of(policies[0], policies[1], profile=profile)
    names = {"a": _name(a), "b": _name(b)}
    if as_json:
        typer.echo(json.dumps({"same": not found, **names, **asdict(found)}, indent=2))
    else:
        console = Console(highlight=False)
        for line in _report(found, names["a"], names["b"]):
            console.print(line)
    if found:
        raise typer.Exit(FINDINGS)


def _check(a: str, b: str, endpoint_url: str | None, jurisdiction: str | None) -> None:
    """Refuse what cannot be carried out, before anything is read."""
    if a == b == "-":
        fail("Only one of the two can be standard input.")
    try:
        refuse_misplaced((a, b), endpoint_url, jurisdiction)
    except ValueError as error:
        fail(str(error))


def _name(source: str) -> str:
    return "standard input" if source == "-" else source


def _report(found: Difference, a: str, b: str) -> Iterator[RenderableType]:
    """The whole of it, as a person reads it."""
    if not found:
        yield Text.assemble(f"{shown(a)} and {shown(b)} ", ("mean the same", "green"), ".")
        return
    yield Text.assemble(f"{shown(a)} and {shown(b)} ", ("do not mean the same", "yellow"), ".")
    for only, name, mark, style in (("a", a, "-", "red"), ("b", b, "+", "green")):
        grants = [grant for grant in found.grants if grant.only == only]
        if grants:
            yield Text(f"\nOnly {shown(name)} grants, for example", style="bold")
        for grant in grants:
            yield from _requests(grant, mark, style)
            yield _line(4, (f"by rule {grant.rule}", "dim"))
    if found.headers:
        yield Text("\nBoth grant, with other response headers", style="bold")
    for headers in _together(found.headers):
        yield from _requests(headers[0], "~", "cyan")
        for header in headers:
            yield _line(4, header.header)
            yield from (_value(*one) for one in zip((a, b), header.rules, (header.a, header.b), strict=True))


def _together(headers: Iterable[HeaderDifference]) -> Iterable[list[HeaderDifference]]:
    """The differences of the same requests together."""
    groups: dict[Hashable, list[HeaderDifference]] = {}
    for one in headers:
        groups.setdefault((one.rules, one.origins, one.methods, one.request_headers), []).append(one)
    return groups.values()


def _requests(one: GrantDifference | HeaderDifference, mark: str, style: str) -> Iterator[RenderableType]:
    """The requests that one difference speaks of."""
    yield _line(2, (mark, style), " ", (", ".join(one.methods), style), " from ", _some(one.origins))
    if one.request_headers:
        yield _line(4, f"with {shown(', '.join(one.request_headers))}")


def _some(origins: Sequence[str]) -> str:
    """The first origins, and how many more there are."""
    first = ", ".join(shown(origin) for origin in origins[:_SHOWN])
    return first if len(origins) <= _SHOWN else f"{first} and {len(origins) - _SHOWN} more"


def _value(name: str, rule: int, value: str | None) -> RenderableType:
    told = ("absent", "italic") if value is None else shown(value)
    return _line(6, told, f"  in {shown(name)}, rule {rule}")


def _line(indent: int, *parts: str | tuple[str, str]) -> RenderableType:
    return Padding(Text.assemble(*parts), (0, 0, 0, indent), expand=False)
