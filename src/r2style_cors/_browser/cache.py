"""The CORS-preflight cache (Fetch, section 4.9): what earlier preflights allow, and until when."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .._fetch import ALLOW_HEADERS, ALLOW_METHODS, MAX_AGE, SAFELISTED_METHODS
from .exchange import NON_WILDCARD_HEADER, header_value, list_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .departures import Quirk
    from .exchange import PageRequest
    from .safelist import Lines

DEFAULT_MAX_AGE = 5  # seconds, where the header is missing or no number (Fetch, section 4.8, step 7.9)
_DIGITS = 12  # of a number of seconds that are read: more would be thousands of years


_TAINTED = "null after redirects"
_FORGOTTEN: Mapping[Quirk, str] = {
    "null-not-cached": "null",
    "tainted-forgotten": _TAINTED,
}  # the origins, with each fetch


class _Entry(NamedTuple):
    """What one entry allows: `method` or `header`, the other being None."""

    origin: str
    url: str
    credentials: bool
    method: str | None
    header: str | None


class PreflightCache:
    """The CORS-preflight cache of one browser, empty at first (Fetch, section 4.9).

    Give the same one to several simulations, each with its `now`: they find what those before them were allowed.
    The network partition key has no part in it: all pages are taken to be in one tab.
    """

    def __init__(self) -> None:
        self._entries = Entries()

    def __len__(self) -> int:
        """How many entries there are, those that have expired included."""
        return len(self._entries)


def entries_of(cache: PreflightCache) -> Entries:
    """For a walk: what a cache holds."""
    return cache._entries  # noqa: SLF001 - its own room, and no part of what users build on


class Entries:
    """What preflights allowed, and until when: the cache as a fetch asks and fills it."""

    def __init__(self) -> None:
        self._expiry: dict[_Entry, float] = {}

    def __len__(self) -> int:
        return len(self._expiry)

    def allows(self, request: PageRequest, now: float) -> bool:
        """Whether `request` needs no preflight of its own (Fetch, section 4.4, step 4.1)."""
        known = any(True for _ in self._matches(request, now)) and "cached-for-forced" in request.quirks
        free = request.method in SAFELISTED_METHODS and (known or not request.forced)
        allowed = (free or self._match_method(request, request.method, now) is not None) and all(
            self._match_header(request, name, now) is not None for name in request.unsafe_names
        )
        if not allowed and "one-cache-entry" in request.quirks:
            self.clear(request)
        return allowed

    def store(self, request: PageRequest, headers: Lines, now: float, cap: int | None) -> None:
        """Keep what a preflight that passed allows, at most `cap` seconds (Fetch, section 4.8, steps 7.8 to 7.15)."""
        if _is_unknown(request):
            return
        if "one-cache-entry" in request.quirks:
            self.clear(request)
        expiry = now + max_age(request, headers, cap)
        if "cached-for-forced" in request.quirks:
            self._expiry[_entry(request)] = expiry  # there was an answer, whatever it allows
        granted = request.forced and "forced-method-listed" not in request.quirks
        methods = list_values(headers, ALLOW_METHODS) or ((request.method,) if granted else ())
        for method in methods:
            entry = self._match_method(request, method, now) or _entry(request, method=method)
            self._expiry[entry] = expiry
        for name in list_values(headers, ALLOW_HEADERS) or ():
            entry = self._match_header(request, name.lower(), now) or _entry(request, header=name.lower())
            self._expiry[entry] = expiry

    def clear(self, request: PageRequest) -> None:
        """Forget what was allowed for the request's origin and URL, since it failed (Fetch, section 4.1)."""
        place = (_origin(request), _url(request))
        self._expiry = {entry: expiry for entry, expiry in self._expiry.items() if entry[:2] != place}

    def begin(self, request: PageRequest) -> None:
        """A fetch begins: a browser may no longer know an origin `null` of an earlier one."""
        gone = {name for quirk, name in _FORGOTTEN.items() if quirk in request.quirks}
        self._expiry = {entry: expiry for entry, expiry in self._expiry.items() if entry.origin not in gone}

    def _match_method(self, request: PageRequest, method: str, now: float) -> _Entry | None:
        return next(
            (entry for entry in self._matches(request, now) if entry.method in _or_star(request, entry, method)), None
        )

    def _match_header(self, request: PageRequest, name: str, now: float) -> _Entry | None:
        entries = self._matches(request, now)
        if name == NON_WILDCARD_HEADER and "kept-star-covers-authorization" not in request.quirks:
            return next((entry for entry in entries if entry.header == name), None)
        return next((entry for entry in entries if entry.header in _or_star(request, entry, name)), None)

    def _matches(self, request: PageRequest, now: float) -> Iterator[_Entry]:
        """The entries for the request's origin and URL: those of credentials serve all, the others only their like."""
        for entry, expiry in self._expiry.items():
            here = entry[:2] == (_origin(request), _url(request))
            if here and now < expiry and _serves(entry, request):
                yield entry


def _origin(request: PageRequest) -> str:
    """The request's serialized origin, or what takes its place where a browser tells one `null` from another."""
    made = request.tainted and request.origin != "null" and "tainted-forgotten" in request.quirks
    return _TAINTED if made else request.serialized_origin


def _url(request: PageRequest) -> str:
    """The request's current URL: two that differ in their fragments are two (URL, section 4.6)."""
    return request.url + request.fragment


def _is_unknown(request: PageRequest) -> bool:
    """Whether the origin is `null` in a way that the browser never sees again (`null-not-cached`)."""
    unknown = request.tainted or (request.origin == "null" and not request.redirects)
    return unknown and "null-not-cached" in request.quirks


def _serves(entry: _Entry, request: PageRequest) -> bool:
    """Whether an entry is for requests with such credentials."""
    if "cache-by-credentials" in request.quirks:
        return entry.credentials == request.credentials
    return entry.credentials or not request.credentials


def _or_star(request: PageRequest, entry: _Entry, name: str) -> set[str]:
    literal = entry.credentials and "kept-star-literal" in request.quirks
    literal = literal or (request.credentials and "kept-star-without-credentials" in request.quirks)
    return {name} if literal or "cache-ignores-star" in request.quirks else {name, "*"}


def _entry(request: PageRequest, *, method: str | None = None, header: str | None = None) -> _Entry:
    return _Entry(_origin(request), _url(request), request.credentials, method, header)


def max_age(request: PageRequest, headers: Lines, cap: int | None) -> int:
    """For how many seconds a preflight's answer is kept (Fetch, section 4.8, steps 7.8 to 7.10)."""
    value = header_value(headers, MAX_AGE) or ""
    if "negative-max-age" in request.quirks and value[:1] == "-" and _is_number(value[1:]):
        return 0
    if "odd-max-age" in request.quirks and value and not _is_number(value):
        return 0
    seconds = int(value.lstrip("0")[:_DIGITS] or "0") if _is_number(value) else DEFAULT_MAX_AGE
    return seconds if cap is None else min(seconds, cap)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
