"""The browser's side of one exchange: what it sends, what it checks, and where a redirect takes it. Nothing here is sent.

Laws of this room:
- the steps are the Fetch standard's, in its order, and the first one that fails ends the walk as it ends a fetch;
- a check sees what a page's browser would see, no more: a status, and header lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Literal, TypeAlias

from .._fetch import (
    ALLOW_CREDENTIALS,
    ALLOW_HEADERS,
    ALLOW_METHODS,
    ALLOW_ORIGIN,
    EXPOSE_HEADERS,
    FORBIDDEN_RESPONSE_HEADERS,
    OPTIONAL_WHITESPACE,
    ORIGIN,
    REQUEST_HEADERS,
    REQUEST_METHOD,
    SAFELISTED_METHODS,
    SAFELISTED_RESPONSE_HEADERS,
    is_token,
)
from .._hosts import host_of, is_loopback
from .._text import shown
from .departures import (
    allows_user,
    judged_lines,
    listed_names,
    locations,
    preflighted,
    sent_headers,
)
from .safelist import (
    Lines,
    preflight_reasons,
    unsafe_header_names,
)
from .url import has_user, normal_url, origin_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .departures import Quirk

Kind: TypeAlias = Literal["preflight", "actual"]
Mode: TypeAlias = Literal["cors", "no-cors", "same-origin"]
RedirectMode: TypeAlias = Literal["follow", "error", "manual"]
Tainting: TypeAlias = Literal["basic", "cors", "opaque"]
Check: TypeAlias = Literal[
    "url-user", "method-token", "method-forbidden", "method-no-cors", "header-name", "header-value", "body-method",
    "body-stream", "same-origin-mode", "no-cors-redirect", "network", "preflight-cache", "same-origin", "opaque",
    "allow-origin", "allow-credentials", "status", "list-syntax", "allow-methods", "authorization", "allow-headers",
    "redirect-mode", "redirect-count", "redirect-location", "redirect-body",
]  # fmt: skip

REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})  # Fetch, section 2.2.3
MAX_REDIRECTS = 20  # Fetch, section 4.5

# Fetch, section 2.2.2: the one header that a `*` in Access-Control-Allow-Headers does not cover.
NON_WILDCARD_HEADER = "authorization"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the Fetch standard, taken.

    Attributes:
        section: the section of the standard, such as `4.10`.
        check: what was tested.
        passed: whether the fetch goes on.
        sentence: what was found.

    """

    section: str
    check: Check
    passed: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What a page asks for, as it stands at one hop: a request (Fetch, section 2.2.5).

    Attributes:
        url: where to.
        origin: the page's own origin.
        method: the method, normalized.
        headers: the headers that the page sets.
        credentials: whether the credentials mode is `include`.
        cross_origin: whether the response tainting is no longer `basic`: from the first URL of another origin on.
        tainted: whether redirects made the request's origin `null`.
        redirects: how many were followed.
        mode: the request's mode.
        redirect: the request's redirect mode.
        forced: why a preflight is made in any case, in words (the use-CORS-preflight flag); else empty.
        fragment: the fragment of the URL with its `#`, which nobody sees but the preflight cache; else empty.
        body: what kind of body the page gave it, or None; a `stream` cannot be sent twice.
        quirks: where the browser departs from the standard. All that follows is for browsers that do:
        names_origin: whether Origin is said to the page's own origin too (`elements-name-origin`, `redirect-keeps-origin`).
        asks_again: whether the preflight cache is passed by (`conditional-asks-again`).
        typed: whether the body of an XMLHttpRequest has brought the Content-Type (`redirect-restores-headers`).
        credentials_at_home: whether the page's own origin gets credentials (`leaves-home-with-credentials`).
        first: the request before the first redirect, once there was one (`redirect-…`).
        judged: the headers that a preflight is about, where they are not those that are sent (`redirect-…`).
        stopped: why it is not sent although a redirect has led here; else empty (`leaves-home-with-credentials`).

    """

    url: str
    origin: str
    method: str
    headers: Lines
    credentials: bool
    cross_origin: bool
    tainted: bool = False
    redirects: int = 0
    mode: Mode = "cors"
    redirect: RedirectMode = "follow"
    forced: str = ""
    fragment: str = ""
    body: str | None = None
    quirks: frozenset[Quirk] = frozenset()
    names_origin: bool = False
    asks_again: bool = False
    typed: bool = False
    credentials_at_home: bool = True
    first: PageRequest | None = None
    judged: Lines | None = None
    stopped: str = ""

    @property
    def serialized_origin(self) -> str:
        """What Origin says (Fetch, section 3.2)."""
        return "null" if self.tainted else self.origin

    @property
    def unsafe_names(self) -> tuple[str, ...]:
        """The header names that a preflight asks for."""
        return unsafe_header_names(judged_lines(self), limited=self._limited)

    @property
    def tainting(self) -> Tainting:
        """How much of the response the page is given (Fetch, section 2.2.5, response tainting)."""
        if not self.cross_origin:
            return "basic"
        return "opaque" if self.mode == "no-cors" else "cors"

    @property
    def sends_origin(self) -> bool:
        """Whether the request itself says Origin (Fetch, section 3.2)."""
        return self.tainting == "cors" or self.method not in ("GET", "HEAD") or self.names_origin

    @property
    def asks_first(self) -> tuple[str, ...]:
        """Why a preflight is needed, in words; empty where none is (Fetch, section 4.1)."""
        if self.tainting != "cors":
            return ()
        reasons = preflight_reasons(self.method, judged_lines(self), limited=self._limited)
        return (self.forced, *reasons) if self.forced else reasons

    @property
    def _limited(self) -> bool:
        """Whether all safelisted values together have a limit."""
        return "no-sum-limit" not in self.quirks


def sent_lines(request: PageRequest, kind: Kind) -> tuple[str, Lines]:
    """The method and the headers that a browser sends (Fetch, sections 3.2 and 4.8)."""
    if kind == "preflight":
        origin = (ORIGIN, preflighted(request).serialized_origin)
        names = listed_names(request)
        asked = ((REQUEST_HEADERS, ",".join(names)),) if names else ()
        return "OPTIONS", (origin, (REQUEST_METHOD, request.method), *asked)
    says = ((ORIGIN, request.serialized_origin),) if request.sends_origin else ()
    return request.method, says + sent_headers(request)


def header_value(headers: Iterable[tuple[str, str]], name: str) -> str | None:
    """The value of all lines named `name`, joined as a browser joins them; None where there is none."""
    found = [value for key, value in headers if key.lower() == name.lower()]
    return ", ".join(found) if found else None


def list_values(headers: Iterable[tuple[str, str]], name: str) -> tuple[str, ...] | None:
    """The tokens that all lines named `name` list; None where they are no list of tokens (Fetch, section 2.2.2)."""
    value = header_value(headers, name) or ""
    items = tuple(item for part in value.split(",") if (item := part.strip(OPTIONAL_WHITESPACE)))
    return items if all(map(is_token, items)) else None


def is_mixed_content(request: PageRequest) -> bool:
    """Whether a secure page asks for what is not secure, and not on this machine (Mixed Content, section 4.4)."""
    target = origin_of(request.url)
    return request.origin.startswith("https://") and target.startswith("http://") and not is_loopback(host_of(target))


def preflight_steps(request: PageRequest, status: int, headers: Lines) -> tuple[Step, ...]:
    """What a browser checks in the answer to a preflight (Fetch, section 4.8, step 7)."""
    return _until_failure(
        chain(
            _preflight_cors_check(request, headers),
            [_ok_status(status)],
            _list_syntax(headers),
            [_allow_methods(request, headers)],
            _allow_headers(request, headers),
        )
    )


def _preflight_cors_check(request: PageRequest, headers: Lines) -> Iterator[Step]:
    if "preflight-names-page" in request.quirks and request.origin == origin_of(request.url):
        return iter(())
    return cors_check(preflighted(request), headers)


def actual_steps(request: PageRequest, status: int, headers: Lines) -> tuple[Step, ...]:
    """What a browser checks in the response to the request itself (Fetch, sections 4.4 and 4.5)."""
    checked = cors_check(request, headers) if request.tainting == "cors" else iter([_UNCHECKED[request.tainting]])
    return _until_failure(chain(checked, _redirect_mode(request, status, headers), _redirect(request, status, headers)))


def is_redirect(status: int, headers: Lines, quirks: frozenset[Quirk] = frozenset()) -> bool:
    """Whether a browser follows the response: a redirect status with a Location (Fetch, section 4.5)."""
    location = header_value(headers, "Location")
    empty = location == "" and "empty-location-ignored" in quirks
    return status in REDIRECT_STATUSES and location is not None and not empty


def location_url(request: PageRequest, headers: Lines) -> str:
    """Where a redirect leads (Fetch, section 2.2.6, location URL).

    Raises:
        ValueError: to no `http` or `https` URL, or to several.

    """
    return normal_url(location(request, headers), request.url)


def location(request: PageRequest, headers: Lines) -> str:
    """What Location says.

    Raises:
        ValueError: nothing, or several things.

    """
    values = locations(request, [value for name, value in headers if name.lower() == "location"])
    if len(values) != 1:
        message = f"there are {len(values)} Location lines" if values else "Location is empty"
        raise ValueError(message)
    return values[0]


def visible_lines(request: PageRequest, headers: Lines) -> Lines:
    """The response headers that the page can read, as it reads them: lower-cased, sorted, lines of one name joined.

    Fetch, section 2.2.6: basic, CORS and opaque filtered responses.
    """
    names = {name.lower() for name, _ in headers} - FORBIDDEN_RESPONSE_HEADERS
    if request.tainting == "opaque":
        return ()
    if request.tainting == "cors":
        names &= SAFELISTED_RESPONSE_HEADERS | _exposed(request, headers)
    return tuple((name, header_value(headers, name) or "") for name in sorted(names))


def _exposed(request: PageRequest, headers: Lines) -> set[str]:
    """The CORS-exposed header-name list (Fetch, section 4.1); empty where it is no list."""
    listed = {name.lower() for name in list_values(headers, EXPOSE_HEADERS) or ()}
    star = "*" in listed and not request.credentials
    return {name.lower() for name, _ in headers} if star else listed


def _until_failure(steps: Iterable[Step]) -> tuple[Step, ...]:
    taken: list[Step] = []
    for step in steps:
        taken.append(step)
        if not step.passed:
            break
    return tuple(taken)


_UNCHECKED: dict[Tainting, Step] = {
    "basic": Step("4.1", "same-origin", passed=True, sentence="page and URL have one origin: nothing to check"),
    "opaque": Step("4.1", "opaque", passed=True, sentence="the mode is no-cors: nothing is checked, and nothing shown"),
}


def cors_check(request: PageRequest, headers: Lines) -> Iterator[Step]:
    """The CORS check (Fetch, section 4.10)."""
    yield _allow_origin(request, header_value(headers, ALLOW_ORIGIN))
    if request.credentials:
        value = header_value(headers, ALLOW_CREDENTIALS)
        yield Step("4.10", "allow-credentials", value == "true", _value_sentence(ALLOW_CREDENTIALS, value))


def _allow_origin(request: PageRequest, value: str | None) -> Step:
    origin = request.serialized_origin
    sentence = _value_sentence(ALLOW_ORIGIN, value)
    if value == origin or (value == "*" and not request.credentials):
        return Step("4.10", "allow-origin", passed=True, sentence=sentence)
    return Step("4.10", "allow-origin", passed=False, sentence=f"{sentence}; the origin that asks is {origin}")


def _value_sentence(name: str, value: str | None) -> str:
    return f"{name} is missing" if value is None else f"{name} is {shown(value) or 'empty'}"


def _ok_status(status: int) -> Step:
    return Step("4.8", "status", 200 <= status <= 299, f"the preflight's status is {status}; it has to be 200 to 299")  # noqa: PLR2004 - Fetch calls these ok


def _list_syntax(headers: Lines) -> Iterator[Step]:
    for name in (ALLOW_METHODS, ALLOW_HEADERS):
        if list_values(headers, name) is None:
            yield Step("4.8", "list-syntax", passed=False, sentence=f"{name} is no list of names")


def _allow_methods(request: PageRequest, headers: Lines) -> Step:
    listed = list_values(headers, ALLOW_METHODS) or ()
    if request.method in listed:
        return Step("4.8", "allow-methods", passed=True, sentence=f"{ALLOW_METHODS} lists {request.method}")
    if request.method in SAFELISTED_METHODS:
        sentence = f"{request.method} is CORS-safelisted: {ALLOW_METHODS} need not list it"
        return Step("4.8", "allow-methods", passed=True, sentence=sentence)
    if "*" in listed and not request.credentials:
        return Step("4.8", "allow-methods", passed=True, sentence=f"{ALLOW_METHODS} is *")
    # Section 4.8, step 7.4: without a list, a forced preflight grants its own method.
    if request.forced and "forced-method-listed" not in request.quirks and header_value(headers, ALLOW_METHODS) is None:
        sentence = f"{ALLOW_METHODS} is missing, and the preflight was forced"
        return Step("4.8", "allow-methods", passed=True, sentence=sentence)
    return Step("4.8", "allow-methods", passed=False, sentence=f"{ALLOW_METHODS} does not list {request.method}")


def _allow_headers(request: PageRequest, headers: Lines) -> Iterator[Step]:
    listed = {name.lower() for name in list_values(headers, ALLOW_HEADERS) or ()}
    star = "*" in listed and not request.credentials
    for name in sorted(request.unsafe_names, key=lambda name: name != NON_WILDCARD_HEADER):  # step 7.6 comes first
        check: Check = "authorization" if name == NON_WILDCARD_HEADER else "allow-headers"
        covered = star and (check == "allow-headers" or "star-covers-authorization" in request.quirks)
        passed = name in listed or covered
        verb = "allows" if passed else "does not allow"
        yield Step("4.8", check, passed, f"{ALLOW_HEADERS} {verb} {name}")


def _redirect_mode(request: PageRequest, status: int, headers: Lines) -> Iterator[Step]:
    """Whether the redirect mode lets a redirect pass (Fetch, section 4.4)."""
    leads = bool(header_value(headers, "Location")) or "error-mode-needs-location" not in request.quirks
    stops = status in REDIRECT_STATUSES and leads
    if stops and request.redirect == "error":
        yield Step(
            "4.4", "redirect-mode", passed=False, sentence=f"the redirect mode is error, and the status {status}"
        )


def _redirect(request: PageRequest, status: int, headers: Lines) -> Iterator[Step]:
    """Whether the redirect is followed (Fetch, section 4.5)."""
    if request.redirect != "follow" or not is_redirect(status, headers, request.quirks):
        return
    few = request.redirects < MAX_REDIRECTS
    yield Step("4.5", "redirect-count", few, f"redirect {request.redirects + 1} of at most {MAX_REDIRECTS}")
    yield Step("4.5", "redirect-location", *_may_follow(request, headers))
    if request.body == "stream" and status != 303:  # noqa: PLR2004 - 303 drops the body
        yield Step("4.5", "redirect-body", passed=False, sentence="the body is a stream, which cannot be sent twice")


def _may_follow(request: PageRequest, headers: Lines) -> tuple[bool, str]:
    """Whether a browser follows to the Location, and what was found: no user or password where origins change."""
    try:
        target = location_url(request, headers)
    except ValueError as error:
        return False, f"the redirect leads nowhere: {error}"
    at_home = origin_of(target) == request.origin and not request.cross_origin
    allowed = allows_user(request, allowed=at_home or request.mode == "no-cors")
    return allowed or not has_user(target), f"the redirect leads to {shown(target)}"
