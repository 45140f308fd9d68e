"""`r2style-cors explain`: what a policy answers to one request, rule by rule, and what would grant a refused one."""

from __future__ import annotations

import json
from http import HTTPStatus
from textwrap import indent
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .._browser.safelist import is_forbidden_header, needs_preflight, normalized_method, unsafe_header_names
from .._text import shown
from ._exchange import page_headers
from ._shared import (
    FINDINGS,
    AsJson,
    Credentials,
    ExtraMethods,
    File,
    Headers,
    Method,
    Origin,
    Profile,
    fail,
    read_policy,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from .._desk.explain import Explanation, RuleWhy
    from .._desk.suggest import Suggestion
    from .._profiles import ProfileName
    from ..policy import Policy

    _Headers: TypeAlias = Sequence[tuple[str, str | None]]  # names, and values where they are told

_VERDICTS = {"allowed": ("GRANTED", "bold green"), "no-origin": ("NO CORS REQUEST", "bold yellow")}
_YES, _NO = ("yes", "green"), ("NO", "bold red")
_MARGIN = "  "


def explain(
    file: File,
    *,
    origin: Origin,
    method: Method,
    header: Headers = None,
    actual: Annotated[
        bool, typer.Option("--actual", help="Explain the actual request, not the preflight before it.")
    ] = False,
    profile: Profile = "r2",
    credentials: Credentials = False,
    extra_method: ExtraMethods = None,
    as_json: AsJson = False,
) -> None:
    """Say what a policy answers to one request, and why: rule by rule, and the response as it is sent.

    Where the request is refused, the smallest change of the policy that grants it is shown, tried out. The preflight is
    that of a browser: it does not ask for a header that is CORS-safelisted with its value. A name alone may have any.

    --json prints one object: `kind`, `allowed`, `reason`, `rule`, `status`, `headers` (values by name), `rules` (each
    with `index`, `id`, `origin`, `method`, and `headers` with `name` and `allowed`), and `suggestion` (`message`,
    `rule`, `new`, `origins`, `methods`, `headers`, `extra_methods` and `fragment`) or null.

    Exits with 0 if the request is granted, with 1 if it is not, with 2 if there is no policy to ask.
    """
    headers = page_headers(header or [])
    asked: dict[str, Any] = {
        "origin": origin,
        "method": normalized_method(method),
        "headers": _requested(headers),
        "actual": actual,
        "profile": profile,
        "credentials": credentials or None,
        "extra_methods": extra_method or [],
    }
    explained, suggestion = _answers(file, profile, asked)
    if as_json:
        typer.echo(json.dumps(_as_json(explained, suggestion), indent=2))
    else:
        console = Console(highlight=False)
        console.print(_request(asked))
        _print(console, explained, suggestion, _browser_notes(method, headers, actual=actual))
    raise typer.Exit(0 if explained.decision.allowed else FINDINGS)


def _requested(headers: _Headers) -> list[str]:
    """The names that a preflight asks for: the CORS-unsafe ones, and those whose values may make them so."""
    unsafe = unsafe_header_names((name, value) for name, value in headers if value is not None)
    return [name for name, value in headers if value is None or name.lower() in unsafe]


def _answers(file: str, profile: ProfileName, asked: dict[str, Any]) -> tuple[Explanation, Suggestion | None]:
    from .._desk.explain import explain as explanation_of
    from .._desk.suggest import suggest

    try:
        policy: Policy = read_policy(file, profile)
        return explanation_of(policy, **asked), suggest(policy, **asked)
    except ValueError as error:  # PolicyError too
        fail(str(error))


def _as_json(explained: Explanation, suggestion: Suggestion | None) -> dict[str, Any]:
    """The documented keys."""
    decision = explained.decision
    return {
        "kind": decision.kind,
        "allowed": decision.allowed,
        "reason": decision.reason,
        "rule": decision.rule,
        "status": decision.status,
        "headers": dict(explained.headers),
        "rules": [_rule_as_json(rule) for rule in explained.rules],
        "suggestion": None if suggestion is None else _suggestion_as_json(suggestion),
    }


def _rule_as_json(rule: RuleWhy) -> dict[str, Any]:
    return {
        "index": rule.index,
        "id": rule.id,
        "origin": rule.origin,
        "method": rule.method,
        "headers": [{"name": header.name, "allowed": header.allowed} for header in rule.headers],
    }


def _suggestion_as_json(suggestion: Suggestion) -> dict[str, Any]:
    names = ("message", "rule", "new", "origins", "methods", "headers", "extra_methods", "fragment")
    return {name: getattr(suggestion, name) for name in names}


def _request(asked: Mapping[str, Any]) -> Text:
    kind = "Actual request" if asked["actual"] else "Preflight"
    page = shown(asked["origin"]) or "a page without origin"
    asking = "" if asked["actual"] or not asked["headers"] else f", asking for {shown(', '.join(asked['headers']))}"
    return Text(f"{kind}: {shown(asked['method'])} from {page}{asking}")


def _print(console: Console, explained: Explanation, suggestion: Suggestion | None, notes: Iterable[Text]) -> None:
    for line in (_verdict(explained), *notes):
        console.print(Text(), line, sep="\n")
    if explained.rules:
        console.print(Text(), Text("Rules, in order; the first wins that passes every test", style="bold"), sep="\n")
        console.print(_rules(explained))
    console.print(Text(), Text("Response", style="bold"), *_response(explained), sep="\n", soft_wrap=True)
    if suggestion is not None:
        _print_suggestion(console, suggestion)


def _verdict(explained: Explanation) -> Text:
    word, style = _VERDICTS.get(explained.decision.reason, ("REFUSED", "bold red"))
    return Text.assemble((f"{word}:", style), f" {explained.sentence} [{explained.decision.reason}]")


def _browser_notes(method: str, headers: _Headers, *, actual: bool) -> Iterator[Text]:
    """What a browser does with such a request, where that is not what was asked about (Fetch, sections 2.2 and 4.1)."""
    sent = normalized_method(method)
    if sent != method:
        yield Text(f"A browser sends the method {shown(method)} as {sent}.")
    forbidden = [name for name, value in headers if is_forbidden_header(name, value or "")]
    if forbidden:
        yield Text(f"No page can set {shown(', '.join(forbidden))}: a browser never asks for it.")
    first = needs_preflight(sent, headers)
    if actual and first:
        yield Text("A browser sends a preflight first, and this request only if it is granted: leave out --actual.")
    elif not actual and first:
        yield from _unasked_note(headers)
    elif not actual:
        yield _no_preflight_note(shown(sent), headers, first)


def _unasked_note(headers: _Headers) -> Iterator[Text]:
    """Which headers a preflight does not ask for."""
    asked = _requested(headers)
    safelisted = [name for name, _ in headers if name not in asked]
    if safelisted:
        yield Text(f"CORS-safelisted by value, and so not asked for: {shown(', '.join(safelisted))}.")


def _no_preflight_note(method: str, headers: _Headers, first: bool | None) -> Text:
    """That there is no preflight; where `first` is None, for some values of headers."""
    if first is None:
        unknown = [name.lower() for name, value in headers if value is None]
        values = f"the values of {shown(', '.join(unknown))} are CORS-safelisted"
        return Text(f"A browser sends no preflight for this {method} where {values}: see --actual.")
    return Text(f"A browser sends no preflight for a plain {method}, but the actual request at once: see --actual.")


def _rules(explained: Explanation) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in (f"{_MARGIN}rule", "origin", "method", "headers"):
        table.add_column(name, overflow="fold", no_wrap=name in ("origin", "method"))
    for rule in explained.rules:
        wins = explained.decision.allowed and rule.index == explained.decision.rule
        table.add_row(_rule_cell(rule, wins=wins), _test(rule.origin), _test(rule.method), _headers(rule))
    return table


def _rule_cell(rule: RuleWhy, *, wins: bool) -> Text:
    from .._desk.explain import rule_name

    name = f"{_MARGIN}{rule_name(rule.index, rule.id)}"
    return Text.assemble((name, "bold"), "  <- wins") if wins else Text(name)


def _test(passed: bool) -> Text:
    return Text(*(_YES if passed else _NO))


def _headers(rule: RuleWhy) -> Text:
    """Each requested header with whether it is allowed."""
    parts = [Text.assemble(shown(header.name), " ", _test(header.allowed)) for header in rule.headers]
    return Text(", ").join(parts) if parts else Text("none asked for", style="dim")


def _response(explained: Explanation) -> Iterator[Text]:
    decision = explained.decision
    lines = [f"{name}: {value}" for name, value in explained.headers]
    if decision.status is None:
        cannot = "" if decision.reason == "no-origin" else ": the page cannot read it"
        cors = "these headers:" if decision.headers else f"no CORS header{cannot}."
        yield Text(f"{_MARGIN}The application's own, with {cors}")
    else:
        yield Text(f"{_MARGIN}{decision.status} {HTTPStatus(decision.status).phrase}")
    body = ["", decision.body.decode("ascii")] if decision.body else []
    yield from (Text(f"{_MARGIN}{line}".rstrip()) for line in [*lines, *body])


def _print_suggestion(console: Console, suggestion: Suggestion) -> None:
    changes = suggestion.fragment is not None or suggestion.extra_methods
    heading = "What would grant it" if changes else "Nothing would grant it"
    console.print(Text(), Text(heading, style="bold"), sep="\n")
    console.print(Text(suggestion.message))
    if suggestion.fragment is not None:
        what = "The new rule:" if suggestion.new else f"Rule {suggestion.rule} then is:"
        console.print(Text(what), Text(), Text(indent(suggestion.fragment, _MARGIN)), sep="\n", soft_wrap=True)
