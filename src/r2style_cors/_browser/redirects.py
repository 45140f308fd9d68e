"""Where a redirect takes a request: by the standard (Fetch, section 4.5), and then by browsers that depart from it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .exchange import NON_WILDCARD_HEADER, cors_check, location, location_url
from .safelist import CLIENT_HINTS, without_lines
from .url import fragment_of, has_user, origin_of

if TYPE_CHECKING:
    from .exchange import PageRequest
    from .safelist import Lines

# Fetch, section 2.2.2: the headers that describe a body, dropped with it.
BODY_HEADERS = frozenset({"content-encoding", "content-language", "content-location", "content-type"})


def redirected(request: PageRequest, status: int, headers: Lines) -> PageRequest:
    """The request after a redirect that passed its steps (Fetch, section 4.5)."""
    target = location_url(request, headers)
    here, there = origin_of(request.url), origin_of(target)
    moved = replace(
        request,
        url=target,
        fragment=fragment_of(location(request, headers)) or request.fragment,
        method="GET" if _becomes_get(status, request.method) else request.method,
        headers=without_lines(request.headers, _gone(status, request.method, crosses=here != there)),
        cross_origin=request.cross_origin or there != request.origin,
        # Fetch, section 2.2.5: a third origin on the way may not pass for the page's.
        tainted=request.tainted or here not in (there, request.origin),
        redirects=request.redirects + 1,
    )
    return _departed(request, moved, status, headers) if request.quirks else moved


def _becomes_get(status: int, method: str) -> bool:
    return (status in (301, 302) and method == "POST") or (status == 303 and method not in ("GET", "HEAD"))  # noqa: PLR2004 - the statuses that section 4.5 names


def _gone(status: int, method: str, *, crosses: bool) -> frozenset[str]:
    """The names of the headers that a redirect takes away: to another origin, and with the body."""
    secret = frozenset({NON_WILDCARD_HEADER}) if crosses else frozenset[str]()
    return secret | BODY_HEADERS if _becomes_get(status, method) else secret


# --- Where browsers depart: what `r2style_cors.browser.QUIRKS` says of redirects.


def _departed(request: PageRequest, moved: PageRequest, status: int, headers: Lines) -> PageRequest:
    """`moved`, the request as the standard has it after the redirect, as its browser has it."""
    crosses = origin_of(request.url) != origin_of(moved.url)
    deletes = crosses and request.method == "DELETE" and "delete-becomes-get" in request.quirks
    hides = crosses and request.mode == "no-cors" and "no-cors-redirect-from-null" in request.quirks
    moved = replace(
        moved,
        method="GET" if deletes else moved.method,
        tainted=moved.tainted or hides,
        forced=_forced_again(request),
        names_origin=_names_origin(request) and not (crosses and moved.tainting == "opaque"),
        first=request.first or request,
        stopped=_stopped(request, moved, headers),
    )
    kept, judged = _restored(request, moved, status, crosses=crosses)
    if "client-hints-stay" in request.quirks and origin_of(moved.url) != request.origin:
        kept = without_lines(kept, CLIENT_HINTS)
    return replace(moved, headers=kept, judged=judged)


def _names_origin(request: PageRequest) -> bool:
    return request.names_origin or (request.sends_origin and "redirect-keeps-origin" in request.quirks)


def _forced_again(request: PageRequest) -> str:
    """Why there is a preflight after a redirect to another origin, where a browser makes one in any case."""
    asked = request.asks_first or (request.first or request).unsafe_names
    return (
        "there was a preflight before a redirect"
        if asked and "redirect-asks-again" in request.quirks
        else request.forced
    )


def _restored(request: PageRequest, moved: PageRequest, status: int, *, crosses: bool) -> tuple[Lines, Lines | None]:
    """The headers after a redirect, and those that a preflight is about where these are others."""
    first = moved.first or request
    gone = _gone(status, request.method, crosses=crosses)
    if "redirect-restores-headers" in request.quirks:
        lost = {"content-type"} if moved.typed and moved.method != first.method else frozenset[str]()
        return (
            without_lines(first.headers, _gone(status, first.method, crosses=crosses) | lost),
            without_lines(first.headers, gone | lost),
        )
    if "redirect-judges-first-headers" in request.quirks and moved.tainting == "cors":
        return without_lines(first.headers, gone), first.headers
    if status in (307, 308) and "redirect-restores-type" in request.quirks:
        types = tuple(line for line in first.headers if line[0].lower() == "content-type")
        return (*without_lines(moved.headers, frozenset({"content-type"})), *types), None
    return moved.headers, None


def _stopped(request: PageRequest, moved: PageRequest, headers: Lines) -> str:
    """Why a browser that only notices after a preflight does not follow a redirect."""
    if "leaves-home-with-credentials" not in request.quirks or moved.tainting != "cors":
        return ""
    left_home = request.cross_origin and request.first is not None and not request.first.cross_origin
    as_at_home = replace(request, credentials=request.credentials_at_home)
    if left_home and not all(step.passed for step in cors_check(as_at_home, headers)):
        return "the redirect is judged with the credentials that the fetch had at the page's own origin"
    return "the redirect leads to a URL with a user" if has_user(moved.url) else ""
