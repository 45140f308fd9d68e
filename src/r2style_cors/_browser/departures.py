"""Where browsers depart from the Fetch standard in one exchange: what each is, `r2style_cors.browser.QUIRKS` says.

Law of this room: every function gives what the standard has, unless the request's browser departs from it there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from .safelist import is_client_hint, is_safelisted_header, without_lines

if TYPE_CHECKING:
    from .exchange import PageRequest
    from .safelist import Lines

Quirk: TypeAlias = Literal[
    # what a page may send, and what needs a preflight
    "lines-joined", "last-line-counts", "names-repeated", "no-sum-limit", "user-agent-dropped",
    "client-hints-safelisted", "range-any-case", "bytes-over-127-unsafe", "comma-in-type-unsafe",
    "get-keeps-params-type", "no-cors-keeps-body-type", "no-streams", "streams-are-text", "stream-leaves-same-origin",
    "listener-needs-body",
    # elements
    "elements-name-origin", "media-name-origin", "media-without-range", "fonts-no-cors",
    # what a preflight has to allow
    "star-covers-authorization", "forced-method-listed",
    # the preflight cache
    "negative-max-age", "odd-max-age", "cache-ignores-star", "kept-star-literal", "kept-star-without-credentials",
    "kept-star-covers-authorization", "cache-by-credentials", "one-cache-entry", "null-not-cached", "tainted-forgotten",
    "cached-for-forced", "conditional-asks-again", "fetch-conditional-asks-again", "failure-keeps-cache",
    "refused-preflight-kept", "error-mode-keeps-cache",
    # where a redirect leads
    "empty-location-ignored", "error-mode-needs-location", "same-location-twice", "location-is-text",
    "no-user-in-redirect",
    # what a redirect makes of a request
    "no-cors-redirect-from-null", "preflight-names-page", "client-hints-stay", "delete-becomes-get",
    "redirect-keeps-origin", "redirect-asks-again", "redirect-restores-headers", "redirect-restores-type",
    "redirect-judges-first-headers", "leaves-home-with-credentials",
]  # fmt: skip

_SINGLE = frozenset({"authorization", "content-type", "if-modified-since", "if-unmodified-since"})


def judged_lines(request: PageRequest) -> Lines:
    """The headers that may need a preflight, so written that the standard's rules say what the browser's own would."""
    lines = request.headers if request.judged is None else request.judged
    if "client-hints-safelisted" in request.quirks:
        lines = tuple(line for line in lines if not is_client_hint(*line))
    return tuple((name, _as_judged(request, name.lower(), value)) for name, value in lines)


def _as_judged(request: PageRequest, name: str, value: str) -> str:
    if name == "range" and "range-any-case" in request.quirks:
        return value.lower()
    strict = name in ("accept", "content-type") and "bytes-over-127-unsafe" in request.quirks
    single = name == "content-type" and "comma-in-type-unsafe" in request.quirks
    return "\x7f" if (strict and not value.isascii()) or (single and "," in value) else value


def listed_names(request: PageRequest) -> tuple[str, ...]:
    """The header names that a preflight asks for, as it lists them."""
    if "names-repeated" not in request.quirks:
        return request.unsafe_names
    names = [name.lower() for name, value in judged_lines(request) if not is_safelisted_header(name, value)]
    return tuple(name for name in request.unsafe_names for _ in range(max(1, names.count(name))))


def sent_headers(request: PageRequest) -> Lines:
    """The page's headers that are sent."""
    if "last-line-counts" not in request.quirks:
        return request.headers
    lines = request.headers
    if request.body and not request.redirects:  # the first Content-Type, that of the body, is put last
        types = tuple(line for line in lines if line[0].lower() == "content-type")
        lines = (*without_lines(lines, frozenset({"content-type"})), *types[1:], *types[:1])
    kept: Lines = ()
    for name, value in lines:
        if name.lower() in _SINGLE or value == "":
            kept = without_lines(kept, frozenset({name.lower()}))
        kept = (*kept, (name, value))
    return kept


def preflighted(request: PageRequest) -> PageRequest:
    """The request as its preflight speaks for it."""
    return replace(request, tainted=False) if "preflight-names-page" in request.quirks else request


def locations(request: PageRequest, values: list[str]) -> list[str]:
    """The values of Location, of which there has to be one."""
    if "same-location-twice" in request.quirks:
        return list(dict.fromkeys(values))
    if "location-is-text" in request.quirks:
        return [text] if (text := ", ".join(values)) else []
    return values


def allows_user(request: PageRequest, *, allowed: bool) -> bool:
    """Whether a redirect may lead to a URL with a user; `allowed` is what the standard says."""
    if "no-user-in-redirect" in request.quirks:
        return False
    later = "leaves-home-with-credentials" in request.quirks and not request.cross_origin
    return allowed or later  # a browser that departs so notices after the preflight
