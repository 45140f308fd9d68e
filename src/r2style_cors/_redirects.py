"""Where a redirect takes a request, by the standard and by browsers that depart from it (Fetch, section 4.5)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ._browser import NON_WILDCARD_HEADER, cors_check, location_url, without_lines
from ._safelist import CLIENT_HINTS, unsafe_header_names
from ._url import has_user, origin_of

if TYPE_CHECKING:
    from ._browser import PageRequest
    from ._safelist import Lines

# Fetch, section 2.2.2: the headers that describe a body, dropped with it.
BODY_HEADERS = frozenset({"content-encoding", "content-language", "content-location", "content-type"})


def redirected(request: PageRequest, status: int, headers: Lines) -> PageRequest:
    """The request after a redirect that passed its steps (Fetch, section 4.5)."""
    target = location_url(request, headers)
    here, there = origin_of(request.url), origin_of(target)
    moved = replace(
        request,
        url=target,
        method=_redirected_method(request, status, crosses=here != there),
        first=request.first or (request.method, request.headers),
        cross_origin=request.cross_origin or there != request.origin,
        # Fetch, section 2.2.5: a third origin on the way may not pass for the page's.
        tainted=request.tainted or here not in (there, _trusted(request)),
        redirects=request.redirects + 1,
        forced=_forced_again(request),
    )
    stays = moved.tainting != "opaque" or here == there
    keeps = "redirect-keeps-origin" in request.quirks and request.sends_origin
    moved = replace(moved, names_origin=(request.names_origin or keeps) and stays)
    moved = replace(moved, began_at_home=_began_at_home(request, moved), stopped=_stopped(request, moved, headers))
    kept, judged = _redirected_headers(request, moved, status)
    if "client-hints-stay" in request.quirks and there != request.origin:
        kept = without_lines(kept, CLIENT_HINTS)
    return replace(moved, headers=kept, judged=judged)


def _began_at_home(request: PageRequest, moved: PageRequest) -> bool:
    return request.began_at_home or (moved.tainting == "cors" and request.tainting == "basic")


def _stopped(request: PageRequest, moved: PageRequest, headers: Lines) -> str:
    """Why a browser that only notices after a preflight does not follow a redirect."""
    if "leaves-home-with-credentials" not in request.quirks or moved.tainting != "cors":
        return ""
    as_at_home = replace(request, credentials=request.credentials_at_home)
    if request.began_at_home and not all(step.passed for step in cors_check(as_at_home, headers)):
        return "the redirect is judged with the credentials that the fetch had at the page's own origin"
    return "the redirect leads to a URL with a user" if has_user(moved.url) else ""


def _redirected_method(request: PageRequest, status: int, *, crosses: bool) -> str:
    if _becomes_get(status, request.method):
        return "GET"
    deletes = request.method == "DELETE" and "delete-becomes-get" in request.quirks
    return "GET" if crosses and deletes else request.method


def _becomes_get(status: int, method: str) -> bool:
    return (status in (301, 302) and method == "POST") or (status == 303 and method not in ("GET", "HEAD"))  # noqa: PLR2004


def _redirected_headers(request: PageRequest, moved: PageRequest, status: int) -> tuple[Lines, Lines | None]:
    """The headers after a redirect, and those that a preflight is about where these are others."""
    crosses = origin_of(request.url) != origin_of(moved.url)
    gone = frozenset({NON_WILDCARD_HEADER}) if crosses else frozenset[str]()
    described = gone | BODY_HEADERS if _becomes_get(status, request.method) else gone
    method, first = moved.first or (request.method, request.headers)
    if "redirect-restores-headers" in request.quirks:
        if moved.typed and moved.method != method:
            first = without_lines(first, frozenset({"content-type"}))
        sent = gone | BODY_HEADERS if _becomes_get(status, method) else gone
        return without_lines(first, sent), without_lines(first, described)
    if "redirect-judges-first-headers" in request.quirks and moved.tainting == "cors":
        return without_lines(first, described), first
    kept = without_lines(request.headers, described)
    if status in (307, 308) and "redirect-restores-type" in request.quirks:
        types = tuple(line for line in first if line[0].lower() == "content-type")
        kept = (*without_lines(kept, frozenset({"content-type"})), *types)
    return kept, None


def _forced_again(request: PageRequest) -> str:
    """Why there is a preflight after a redirect to another origin, where a browser makes one in any case."""
    _, headers = request.first or (request.method, request.headers)
    again = "redirect-asks-again" in request.quirks and request.asks_first
    unsafe = unsafe_header_names(headers, limited="no-sum-limit" not in request.quirks)
    at_first = "redirect-asks-as-first" in request.quirks and unsafe
    return "there was a preflight before a redirect" if again or at_first else request.forced


def _trusted(request: PageRequest) -> str | None:
    """The origin that may redirect to any other without making the request's own `null`: the page's."""
    nobody = request.mode == "no-cors" and "no-cors-redirect-from-null" in request.quirks
    return None if nobody else request.origin
