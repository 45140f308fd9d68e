"""`r2style-cors simulate`: what a browser does with a page's fetch under a policy, and what the page may read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer
from rich.console import Console, Group
from rich.text import Text

from .._text import shown
from ._exchange import exchange_parts, header_line, indented, row, shown_lines
from ._shared import FINDINGS, AsJson, ExtraMethods, File, Origin, Profile, fail, read_policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from .._browser.safelist import Lines
    from .._engine import Engine
    from ..browser import Fetch, Simulation

_VERDICTS = {
    "readable": ("READABLE", "green", "the page can read the response."),
    "opaque": ("OPAQUE", "yellow", "the page gets a response, and can read nothing of it."),
    "blocked": ("BLOCKED", "red", "the page gets no response."),
}
_ELEMENTS: dict[str, Any] = {
    "img": "image",
    "script": "script",
    "css": "stylesheet",
    "video": "video",
    "audio": "audio",
}
_SCRIPTED = ("fetch", "xhr")
_DEFAULTS: dict[str, Any] = {
    "method": "GET", "headers": (), "body": None, "mode": "cors", "credentials": "same-origin", "redirect": "follow",
    "upload_listener": False,
}  # fmt: skip


# What this command takes alone, in its order.
_Url: TypeAlias = Annotated[str, typer.Option(metavar="URL", help="What the page asks for.")]
_Kind: TypeAlias = Annotated[
    Literal["fetch", "xhr", "img", "script", "css", "video", "audio", "module", "font"],
    typer.Option("--as", metavar="fetch|xhr|img|script|css|video|audio|module|font", help="What asks."),
]
_Method: TypeAlias = Annotated[str, typer.Option(metavar="METHOD", help="The method that the script uses.")]
_Header: TypeAlias = Annotated[
    list[str] | None, typer.Option(metavar="NAME:VALUE", help="A header that the script sets. Repeatable.")
]
_Body: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="BODY", help="What is sent: text, search-params, form-data, bytes, stream, or a blob's type: a/b."
    ),
]
_Credentials: TypeAlias = Annotated[
    Literal["omit", "same-origin", "include"],
    typer.Option(metavar="omit|same-origin|include", help="The credentials mode."),
]
_Mode: TypeAlias = Annotated[
    Literal["cors", "no-cors", "same-origin"], typer.Option(metavar="cors|no-cors|same-origin", help="The mode.")
]
_Redirect: TypeAlias = Annotated[
    Literal["follow", "error", "manual"], typer.Option(metavar="follow|error|manual", help="The redirect mode.")
]
_Crossorigin: TypeAlias = Annotated[
    Literal["anonymous", "use-credentials"] | None,
    typer.Option(metavar="anonymous|use-credentials", help="An element's attribute."),
]
_UploadListener: TypeAlias = Annotated[
    bool, typer.Option("--upload-listener", help="With --as xhr: a script listens to the upload.")
]
_Browser: TypeAlias = Annotated[
    Literal["standard", "chromium", "firefox", "webkit"],
    typer.Option(
        metavar="standard|chromium|firefox|webkit", help="Whose limits, departures from the standard and words."
    ),
]
_Status: TypeAlias = Annotated[
    int, typer.Option(min=200, max=599, metavar="STATUS", help="The status that the application answers.")
]
_ResponseHeader: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME:VALUE", help="A header that the application answers. Repeatable."),
]
_AllowCredentials: TypeAlias = Annotated[
    bool, typer.Option("--allow-credentials", help="The server allows credentials.")
]


def simulate(
    file: File,
    *,
    page: Origin,
    url: _Url,
    kind: _Kind = "fetch",
    method: _Method = "GET",
    header: _Header = None,
    body: _Body = None,
    credentials: _Credentials = "same-origin",
    mode: _Mode = "cors",
    redirect: _Redirect = "follow",
    crossorigin: _Crossorigin = None,
    upload_listener: _UploadListener = False,
    browser: _Browser = "standard",
    status: _Status = 200,
    response_header: _ResponseHeader = None,
    profile: Profile = "r2",
    allow_credentials: _AllowCredentials = False,
    extra_method: ExtraMethods = None,
    as_json: AsJson = False,
) -> None:
    """Say what a browser does with a page's fetch under a policy: what it sends, what it checks, what the page may read.

    It follows the Fetch standard in this process; nothing is sent. `probe` asks a real server. With --browser it departs
    from the standard where that browser was seen to, and keeps a preflight's answer no longer than that browser does.

    --json prints one object: `outcome` (readable, opaque or blocked), `type`, `status`, `headers` (pairs of name and
    value that the page can read), `url`, `blocked_by` (a step, or null), `console` (messages by browser), `browser`,
    `fetch` (`page`, `url`, `method`, `headers`, `body`, `blob_type`, `mode`, `credentials`, `redirect`, `initiator` and
    `upload_listener`), and `exchanges` (each with `kind`, `method`, `url`, `why`, `request_headers`, `status`,
    `reason`, `response_headers`, and `steps` with `section`, `check`, `passed` and `sentence`).

    Exits with 0 if the page gets a response, readable or opaque, with 1 if it is blocked, with 2 if there is no such
    fetch or policy.
    """
    script = {
        "method": method, "headers": tuple(map(header_line, header or [])), "body": body, "mode": mode,
        "credentials": credentials, "redirect": redirect, "upload_listener": upload_listener,
    }  # fmt: skip
    answer = (status, tuple(map(header_line, response_header or [])))
    try:
        policy, extra = read_policy(file, profile), extra_method or []
        engine = policy.compile(profile, credentials=allow_credentials or None, extra_methods=extra)
        found = _simulated(engine, answer, _fetch(kind, page, url, crossorigin, script), browser)
    except ValueError as error:  # PolicyError too
        fail(str(error))
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2))
    else:
        Console(highlight=False).print(_report(found))
    raise typer.Exit(FINDINGS if found.outcome == "blocked" else 0)


def _simulated(engine: Engine, answer: tuple[int, Lines], fetch: Fetch, browser: str) -> Simulation:
    from ..browser import BROWSERS, Response, Site
    from ..browser import simulate as simulation

    return simulation(Site(engine, default=Response(*answer)), fetch, browser=BROWSERS[browser])


def _fetch(kind: str, page: str, url: str, crossorigin: str | None, script: dict[str, Any]) -> Fetch:
    """What is asked for; a script and an element may choose different things."""
    from ..browser import Fetch

    if kind in _SCRIPTED:
        _refuse(kind, {"crossorigin": crossorigin})
        return _scripted(kind, page, url, {**script, **_body(script["body"])})
    _refuse(kind, {name: value for name, value in script.items() if value != _DEFAULTS[name]})
    attribute: Any = crossorigin
    if kind == "font":
        _refuse(kind, {"crossorigin": crossorigin})
        return Fetch.font(page, url)
    return (
        Fetch.module(page, url, attribute) if kind == "module" else Fetch.element(page, url, _ELEMENTS[kind], attribute)
    )


def _scripted(kind: str, page: str, url: str, script: dict[str, Any]) -> Fetch:
    from ..browser import Fetch

    if kind == "fetch":
        _refuse(kind, {"upload-listener": script["upload_listener"]})
        return Fetch(page, url, **script)
    _refuse(kind, {name: script[name] for name in ("mode", "redirect") if script[name] != _DEFAULTS[name]})
    _refuse(kind, {"credentials": script["credentials"] == "omit"})  # withCredentials knows two of the three
    return replace(Fetch(page, url, **script), initiator="xhr")


def _refuse(kind: str, given: dict[str, Any]) -> None:
    """Refuse options that `kind` does not have."""
    names = [f"--{name.replace('_', '-')}" for name, value in given.items() if value]
    if names:
        message = f"--as {kind} does not go with {', '.join(names)}"
        raise ValueError(message)


def _body(text: str | None) -> dict[str, Any]:
    """What is sent: a kind of body, or the type of a blob."""
    return {"body": "blob", "blob_type": text} if text and "/" in text else {"body": text}


def _report(found: Simulation) -> Group:
    fetch = found.fetch
    head = f"{fetch.method} {fetch.url}\nfrom a page at {fetch.page}, by {fetch.initiator}, mode {fetch.mode}, "
    exchanges = [part for each in found.exchanges for part in (Text(), *exchange_parts(each, each.response_headers))]
    return Group(Text(shown_lines(f"{head}credentials {fetch.credentials}")), *exchanges, Text(), *_verdict(found))


def _verdict(found: Simulation) -> Iterator[RenderableType]:
    """What came of it: what the page sees, or what stopped it and what the console says."""
    word, style, sentence = _VERDICTS[found.outcome]
    if found.outcome == "blocked" and found.exchanges and found.exchanges[-1].kind == "preflight":
        sentence = "the request itself is not sent."
    yield row(Text(f"{word}:", style=f"bold {style}"), Text(sentence))
    if found.outcome == "readable":
        yield indented(row(Text("status", style="dim"), Text(str(found.status))))
    for name, value in found.headers:
        yield indented(row(Text("header", style="dim"), Text(f"{shown(name)}: {shown(value)}")))
    step = found.blocked_by
    if step is not None and not any(step in each.steps for each in found.exchanges):
        yield indented(row(Text(f"Fetch {step.section}", style="dim"), Text(step.sentence)))
    if found.message is not None:
        yield indented(row(Text("console", style="dim"), Text(found.message)))
