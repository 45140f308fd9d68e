"""What the model foresees of a case, and what a browser did, in the same words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from r2style_cors._browser.safelist import is_forbidden_header
from r2style_cors._browser.url import without_user
from r2style_cors.browser import PreflightCache, simulate

from .cases import Json, fetches, named, servers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from r2style_cors.browser import Browser, Simulation

    from .server import Arrived

# What a browser sends for the page's sake, so that its absence counts too.
_COUNTED = {"origin", "access-control-request-method", "access-control-request-headers", "content-type", "range"}
# What a browser sends of its own accord as well: compared only where the page has set it.
_BROWSERS_OWN = {"accept", "accept-language", "user-agent", "cache-control", "pragma"}
_SCRIPTED = ("fetch", "xhr")
_OK, _NOT_FOUND = 200, 404
_ZEROS = re.compile(r"\b0+(?=\d)|\s")  # which Chromium leaves out of a Range, and writes it in lower case
_MEDIA = ("video", "audio")
_BOUNDARY = re.compile("boundary=.*")


def foreseen(case: Json, name: str, browser: Browser) -> Json:
    """What the model says: the requests on the wire, and what the page sees of each fetch."""
    case = named(case, name)
    answering, cache, now = servers(case), PreflightCache(), 0.0
    found: list[Simulation] = []
    for ask, fetch in zip(case["fetches"], fetches(case), strict=True):
        now += ask.get("pause", 0)
        found.append(simulate(answering, fetch, browser=browser, cache=cache, now=now))
    answered = [each for one in found for each in one.exchanges if each.status]
    wire = [_request(case, each.method, each.url, each.request_headers) for each in answered]
    return {
        "wire": _settled(case, wire),
        "pages": [_page(ask, one) for ask, one in zip(case["fetches"], found, strict=True)],
    }


def _page(ask: Json, found: Simulation) -> Json:
    by = ask.get("by", "fetch")
    outcome: Json = {"outcome": found.outcome}
    if by not in _SCRIPTED and found.outcome != "blocked":
        return {"outcome": _element_outcome(by, found)}
    if by == "fetch" and found.outcome != "blocked":
        outcome["type"] = found.type
    if found.outcome == "readable":
        outcome |= {"status": found.status, "url": found.url, "headers": [list(line) for line in found.headers]}
    return outcome


def _element_outcome(by: str, found: Simulation) -> str:
    """What an element tells: only images and style sheets tell whether they can be read."""
    if (status := found.exchanges[-1].status) not in (_OK, _NOT_FOUND):
        message = f"an element may use what has the status {status}, or not"
        raise ValueError(message)
    if status == _NOT_FOUND:
        return "blocked"
    return found.outcome if by in ("image", "stylesheet") else "loaded"


def happened(case: Json, name: str, results: list[Json], arrived: Iterable[Arrived]) -> Json:
    """What the browser did: the requests that arrived, and what its page said of each fetch."""
    case = named(case, name)
    wire = [_request(case, each.method, each.url, each.headers) for each in arrived]
    return {"wire": _settled(case, wire), "pages": [_told(result) for result in results]}


def _told(result: Json) -> Json:
    """An opaque response has no status, no URL and no headers for anybody. Firefox adds a header of its own over HTTP/2."""
    if "headers" in result:
        result = {**result, "headers": [line for line in result["headers"] if line[0] != "x-firefox-spdy"]}
    if result["outcome"] == "opaque" and "status" in result:
        empty = result["status"] == 0 and not result["headers"]
        return {"outcome": "opaque", "type": result["type"]} | ({} if empty else {"shown": result})
    return result


def _request(case: Json, method: str, url: str, headers: Iterable[tuple[str, str]]) -> Json:
    own = {name.lower() for ask in case["fetches"] for name, value in ask.get("headers", ())}
    lines: dict[str, list[str]] = {}
    for name, value in headers:
        lines.setdefault(name.lower(), []).append(_from_utf8(value))
    kept = {name: ", ".join(values).strip() for name, values in lines.items() if name in _COUNTED | own}
    kept = {name: _BOUNDARY.sub("boundary=", value) for name, value in kept.items() if _counts(name)}
    if "range" in kept:
        kept["range"] = _ZEROS.sub("", kept["range"].lower())
    if "content-type" in kept:  # Chromium writes `charset` as it likes
        kept["content-type"] = kept["content-type"].lower()
    # ASGI servers hand methods over in upper case (ASGI, HTTP connection scope).
    return {"method": method.upper(), "url": without_user(url), **dict(sorted(kept.items()))}


def _from_utf8(value: str) -> str:
    """A header value, if WebKit may have written its bytes as UTF-8."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:
        return value


def _counts(name: str) -> bool:
    """Whether the page alone decides over a header; those of the CORS protocol are the browser's, and what this is about."""
    return name in _COUNTED or not (name in _BROWSERS_OWN or is_forbidden_header(name, ""))


def _settled(case: Json, wire: list[Json]) -> list[Json]:
    """The requests; for sound and pictures, a player's further ones of the same kind left out."""
    if not any(ask.get("by") in _MEDIA for ask in case["fetches"]):
        return wire
    first: list[Any] = []
    for request in wire:
        if request | {"range": ""} not in [each | {"range": ""} for each in first]:
            first.append(request)
    return first
