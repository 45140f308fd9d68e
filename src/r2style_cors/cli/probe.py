"""`r2style-cors probe`: ask a live server as a browser would, and say why a page may not read the answer."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer
from rich.console import Console, Group
from rich.text import Text

from .._fetch import CORS_RESPONSE_HEADERS
from .._text import shown
from ._exchange import exchange_parts, indented, page_headers, row, shown_lines
from ._shared import FINDINGS, MISUSE, AsJson, ExtraMethods, Headers, Method, Origin, Profile, fail, read_policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import RenderableType

    from .._browser.safelist import Lines
    from .._desk.probe import Compared, Probe
    from .._desk.suspects import Suspect
    from .._engine import Engine
    from .._profiles import ProfileName
    from ..browser import Exchange

# What an answer is judged by, and what tells who gave it.
RELEVANT = frozenset(name.lower() for name in CORS_RESPONSE_HEADERS) | {
    "age", "cf-cache-status", "etag", "location", "server", "vary", "via", "www-authenticate", "x-cache",
}  # fmt: skip

_VERDICTS = {
    "readable": ("READABLE", "green", "a browser lets the page read the response."),
    "blocked": ("BLOCKED", "red", "a browser does not let the page read the response."),
    "preflight-passed": (
        "PREFLIGHT PASSED",
        "green",
        "a browser goes on to send the request, which was not sent here.",
    ),
    "not-sent": ("NOT SENT", "yellow", "a browser sends this request without a preflight; nothing was sent here."),
    "unreachable": ("UNREACHABLE", "red", "there is no answer to judge; a browser reports a failed fetch."),
}
_STATUSES = {"readable": 0, "preflight-passed": 0, "blocked": FINDINGS, "not-sent": MISUSE, "unreachable": MISUSE}
_STYLES = {"error": "red", "warning": "yellow", "note": "cyan"}

_BodyType: TypeAlias = Annotated[
    str | None, typer.Option(metavar="TYPE", help="The Content-Type of what the page sends.")
]
_Credentials: TypeAlias = Annotated[bool, typer.Option("--credentials", help="The page asks with credentials.")]
_PolicyFile: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="FILE", help="A policy file; compare what the server does with what it says. - is standard input."
    ),
]
_Send: TypeAlias = Annotated[
    bool, typer.Option("--send", help="Send methods other than GET and HEAD too, without a body.")
]
_Timeout: TypeAlias = Annotated[float, typer.Option(min=0.001, metavar="SECONDS", help="Seconds for all of it.")]


def probe(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where the page asks.")],
    *,
    origin: Origin,
    method: Method = "GET",
    header: Headers = None,
    body_type: _BodyType = None,
    credentials: _Credentials = False,
    policy: _PolicyFile = None,
    profile: Profile = "r2",
    extra_method: ExtraMethods = None,
    send: _Send = False,
    timeout: _Timeout = 10.0,
    as_json: AsJson = False,
) -> None:
    """Ask a live server as a browser would, and say whether the page may read the answer, and why not.

    Sends the preflight where a browser sends one, then GET or HEAD; any other method only with --send, since it may
    change something. Redirects are followed as a browser follows them, and each one is shown.

    --json prints one object: `exit_status`, `url`, `origin`, `method`, `credentials`, `verdict`, `exchanges` (each with
    `kind`, `method`, `url`, `why`, `request_headers`, `status`, `reason`, `response_headers`, and `steps` with
    `section`, `check`, `passed` and `sentence`), `suspects` (each with `code`, `severity`, `message` and `advice`) and
    `compared` (each with `exchange`, `name`, `expected`, `seen` and `agrees`).

    Exits with 0 if nothing stands in the page's way, with 1 if the page is blocked or the server does not do what the
    policy says, with 2 if there was no answer or nothing to send.
    """
    ask = _asker()
    if policy is None and (extra_method or profile != "r2"):
        fail("--profile and --extra-method go with --policy.")
    headers = [(name, value or "") for name, value in page_headers(header or [])]
    headers += [("content-type", body_type)] if body_type else []
    try:
        engine = None if policy is None else _engine(policy, profile, extra_method or [], credentials=credentials)
        found = ask(
            url, origin=origin, method=method, headers=headers, credentials=credentials, policy=engine, send=send,
            timeout=timeout,
        )  # fmt: skip
    except ValueError as error:
        fail(str(error))
    if as_json:
        typer.echo(json.dumps(_as_json(found), indent=2))
    else:
        Console(highlight=False).print(_report(found))
    raise typer.Exit(_status(found))


def _asker() -> Callable[..., Probe]:
    try:
        from .._desk.probe import probe as ask
    except ModuleNotFoundError as error:
        if error.name != "httpx":
            raise
        fail("probe needs httpx: pip install 'r2style-cors[cli]'")
    return ask


def _engine(file: str, profile: ProfileName, extra_methods: list[str], *, credentials: bool) -> Engine:
    from .._desk.probe import compiled

    return compiled(read_policy(file, profile), profile, credentials=credentials, extra_methods=extra_methods)


def _status(found: Probe) -> int:
    return _STATUSES[found.verdict] or (0 if found.agrees else FINDINGS)


def _as_json(found: Probe) -> dict[str, Any]:
    """The documented keys: the fields of Probe, and of what it holds."""
    return {"exit_status": _status(found), **asdict(found)}


def _report(found: Probe) -> Group:
    head = (
        f"{found.method} {found.url}\nfrom a page at {found.origin}{', with credentials' if found.credentials else ''}"
    )
    exchanges = [part for exchange in found.exchanges for part in ("", *exchange_parts(exchange, _relevant(exchange)))]
    compared = ["", *_comparison(found)] if found.compared else []
    suspects = [part for suspect in found.suspects for part in ("", *_suspect(suspect))]
    return Group(Text(shown_lines(head)), *map(_renderable, [*exchanges, *compared, "", _verdict(found), *suspects]))


def _renderable(part: RenderableType) -> RenderableType:
    return Text(part) if isinstance(part, str) else part


def _verdict(found: Probe) -> RenderableType:
    word, style, sentence = _VERDICTS[found.verdict]
    if found.exchanges and found.exchanges[-1].kind == "preflight" and found.verdict == "blocked":
        sentence = "a browser does not even send the request."
    return row(Text(f"{word}:", style=f"bold {style}"), Text(sentence))


def _relevant(exchange: Exchange) -> Lines:
    """The header lines that matter for CORS, and those that tell who answered."""
    return tuple((name, value) for name, value in exchange.response_headers if name.lower() in RELEVANT)


def _comparison(found: Probe) -> Iterator[RenderableType]:
    yield Text("Policy against server", style="bold")
    for one in found.compared:
        yield indented(_compared(one, found.exchanges[one.exchange].kind))


def _compared(one: Compared, kind: str) -> RenderableType:
    if one.agrees:
        return row(Text("same", style="green"), Text(f"{kind}, {one.name}: {_value(one.seen)}"))
    said = f"{kind}, {one.name}: the policy says {_value(one.expected)}, the server {_value(one.seen)}"
    return row(Text("DIFFERS", style="bold red"), Text(said))


def _value(value: str | None) -> str:
    return "nothing" if value is None else shown(value)


def _suspect(suspect: Suspect) -> Iterator[RenderableType]:
    yield row(
        Text(suspect.severity, style=f"bold {_STYLES[suspect.severity]}"), Text(f"{suspect.message} [{suspect.code}]")
    )
    yield indented(Text(suspect.advice))
