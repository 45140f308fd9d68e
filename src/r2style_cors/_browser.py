"""The browser's side of CORS: when it asks first, what it checks, and where a redirect takes it. Nothing here is sent.

Laws of this room:
- the steps are the Fetch standard's, in its order, and the first one that fails ends the walk as it ends a fetch;
- a check sees what a page's browser would see, no more: a status, and header lines.
"""

from __future__ import annotations

import string
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import urljoin, urlsplit

from ._fetch import (
    ALLOW_CREDENTIALS,
    ALLOW_HEADERS,
    ALLOW_METHODS,
    ALLOW_ORIGIN,
    NORMALIZED_METHODS,
    OPTIONAL_WHITESPACE,
    is_token,
)
from ._hosts import host_of, is_loopback
from ._origins import is_serialized_origin
from ._text import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Lines: TypeAlias = tuple[tuple[str, str], ...]
Check: TypeAlias = Literal[
    "same-origin", "allow-origin", "allow-credentials", "status", "list-syntax", "allow-methods", "authorization",
    "allow-headers", "redirect-count", "redirect-location",
]  # fmt: skip

SAFELISTED_METHODS = frozenset({"GET", "HEAD", "POST"})  # Fetch, section 2.2.1
REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})  # Fetch, section 2.2.3
MAX_REDIRECTS = 20  # Fetch, section 4.5
DEFAULT_PORTS = {"http": 80, "https": 443}

# Fetch, section 2.2.2: the one header that a `*` in Access-Control-Allow-Headers does not cover.
NON_WILDCARD_HEADER = "authorization"
# Fetch, section 2.2.2: the headers that describe a body, dropped with it.
BODY_HEADERS = frozenset({"content-encoding", "content-language", "content-location", "content-type"})

# Fetch, section 2.2.2: CORS-unsafe request-header bytes, and what a language list may hold.
_UNSAFE_CHARACTERS = frozenset('"():<>?@[\\]{}\x7f').union(map(chr, range(0x20))) - {"\t"}
_LANGUAGE_CHARACTERS = frozenset(string.ascii_letters + string.digits + " *,-.;=")
_SAFELISTED_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
_MAX_VALUE, _MAX_VALUES = 128, 1024  # bytes of one safelisted value, and of all of them


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
    """What a page asks for, as it stands at one hop.

    Attributes:
        url: where to.
        origin: the page's own origin.
        method: the method, normalized.
        headers: the headers that the page sets.
        credentials: whether the credentials mode is `include`.
        cross_origin: whether the response is checked: from the first URL of another origin on.
        tainted: whether redirects made the request's origin `null`.
        redirects: how many were followed.

    """

    url: str
    origin: str
    method: str
    headers: Lines
    credentials: bool
    cross_origin: bool
    tainted: bool = False
    redirects: int = 0

    @property
    def serialized_origin(self) -> str:
        """What Origin says (Fetch, section 3.2)."""
        return "null" if self.tainted else self.origin

    @property
    def unsafe_names(self) -> tuple[str, ...]:
        """The header names that a preflight asks for."""
        return unsafe_header_names(self.headers)


def normalized_method(method: str) -> str:
    """`method` as a browser sends it: some are put in upper case, `patch` is not (Fetch, section 2.2.1)."""
    return method.upper() if method.upper() in NORMALIZED_METHODS else method


def is_safelisted_header(name: str, value: str) -> bool:
    """Whether it is a CORS-safelisted request-header, sent without asking first (Fetch, section 2.2.2)."""
    test = _SAFELISTED_VALUES.get(name.lower())
    return test is not None and len(value) <= _MAX_VALUE and test(value)


def unsafe_header_names(headers: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The CORS-unsafe request-header names, lower-cased and sorted (Fetch, section 2.2.2)."""
    headers = list(headers)
    unsafe = {name.lower() for name, value in headers if not is_safelisted_header(name, value)}
    safe = [(name.lower(), value) for name, value in headers if is_safelisted_header(name, value)]
    if sum(len(value) for _, value in safe) > _MAX_VALUES:
        unsafe.update(name for name, _ in safe)
    return tuple(sorted(unsafe))


def preflight_reasons(method: str, headers: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Why a browser asks first, in words; empty where it does not (Fetch, section 4.1)."""
    of_method = [f"the method {method} is not CORS-safelisted"] if method not in SAFELISTED_METHODS else []
    names = unsafe_header_names(headers)
    of_headers = [_header_reason(name) for name in names]
    return (*of_method, *of_headers)


def _header_reason(name: str) -> str:
    suffix = " with this value" if name in _SAFELISTED_VALUES else ""
    return f"the header {name} is not CORS-safelisted{suffix}"


def header_value(headers: Iterable[tuple[str, str]], name: str) -> str | None:
    """The value of all lines named `name`, joined as a browser joins them; None where there is none."""
    found = [value for key, value in headers if key.lower() == name.lower()]
    return ", ".join(found) if found else None


def list_values(headers: Iterable[tuple[str, str]], name: str) -> tuple[str, ...] | None:
    """The tokens that all lines named `name` list; None where they are no list of tokens (Fetch, section 2.2.2)."""
    value = header_value(headers, name) or ""
    items = tuple(item for part in value.split(",") if (item := part.strip(OPTIONAL_WHITESPACE)))
    return items if all(map(is_token, items)) else None


def origin_of(url: str) -> str:
    """The serialized origin of an absolute `http` or `https` URL (HTML, section 7.1.1)."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    bracketed = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{bracketed}{port}"


def is_mixed_content(request: PageRequest) -> bool:
    """Whether a secure page asks for what is not secure, and not on this machine (Mixed Content, section 4.4)."""
    target = origin_of(request.url)
    return request.origin.startswith("https://") and target.startswith("http://") and not is_loopback(host_of(target))


def preflight_steps(request: PageRequest, status: int, headers: Lines) -> tuple[Step, ...]:
    """What a browser checks in the answer to a preflight (Fetch, section 4.8, step 7)."""
    return _until_failure(
        chain(
            _cors_check(request, headers),
            [_ok_status(status)],
            _list_syntax(headers),
            [_allow_methods(request, headers)],
            _allow_headers(request, headers),
        )
    )


def actual_steps(request: PageRequest, status: int, headers: Lines) -> tuple[Step, ...]:
    """What a browser checks in the response to the request itself (Fetch, sections 4.4 and 4.5)."""
    checked = _cors_check(request, headers) if request.cross_origin else iter([_SAME_ORIGIN])
    followed = _redirect(request, headers) if is_redirect(status, headers) else iter(())
    return _until_failure(chain(checked, followed))


def is_redirect(status: int, headers: Lines) -> bool:
    """Whether a browser follows the response: a redirect status with a Location (Fetch, section 4.5)."""
    return status in REDIRECT_STATUSES and header_value(headers, "Location") is not None


def redirected(request: PageRequest, status: int, headers: Lines) -> PageRequest:
    """The request after a redirect that passed its steps (Fetch, section 4.5)."""
    target = _location(request, headers)
    here, there = origin_of(request.url), origin_of(target)
    method, kept = request.method, request.headers
    if (status in (301, 302) and method == "POST") or (status == 303 and method not in ("GET", "HEAD")):  # noqa: PLR2004
        method = "GET"
        kept = tuple(line for line in kept if line[0].lower() not in BODY_HEADERS)
    if here != there:
        kept = tuple(line for line in kept if line[0].lower() != NON_WILDCARD_HEADER)
    return replace(
        request,
        url=target,
        method=method,
        headers=kept,
        cross_origin=request.cross_origin or there != request.origin,
        # Fetch, section 2.2.5: a third origin on the way may not pass for the page's.
        tainted=request.tainted or here not in (there, request.origin),
        redirects=request.redirects + 1,
    )


def _location(request: PageRequest, headers: Lines) -> str:
    return urljoin(request.url, header_value(headers, "Location") or "")


def _until_failure(steps: Iterable[Step]) -> tuple[Step, ...]:
    taken: list[Step] = []
    for step in steps:
        taken.append(step)
        if not step.passed:
            break
    return tuple(taken)


_SAME_ORIGIN = Step("4.1", "same-origin", passed=True, sentence="page and URL have one origin: nothing to check")


def _cors_check(request: PageRequest, headers: Lines) -> Iterator[Step]:
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
    return Step("4.8", "status", 200 <= status <= 299, f"the preflight's status is {status}; it has to be 200 to 299")  # noqa: PLR2004 - an ok status


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
    return Step("4.8", "allow-methods", passed=False, sentence=f"{ALLOW_METHODS} does not list {request.method}")


def _allow_headers(request: PageRequest, headers: Lines) -> Iterator[Step]:
    listed = {name.lower() for name in list_values(headers, ALLOW_HEADERS) or ()}
    star = "*" in listed and not request.credentials
    for name in request.unsafe_names:
        check: Check = "authorization" if name == NON_WILDCARD_HEADER else "allow-headers"
        passed = name in listed or (star and check == "allow-headers")
        verb = "allows" if passed else "does not allow"
        yield Step("4.8", check, passed, f"{ALLOW_HEADERS} {verb} {name}")


def _redirect(request: PageRequest, headers: Lines) -> Iterator[Step]:
    few = request.redirects < MAX_REDIRECTS
    yield Step("4.5", "redirect-count", few, f"redirect {request.redirects + 1} of at most {MAX_REDIRECTS}")
    target = _location(request, headers)
    yield Step("4.5", "redirect-location", _may_follow(request, target), f"the redirect leads to {shown(target)}")


def _may_follow(request: PageRequest, target: str) -> bool:
    """Whether a browser follows to `target`: HTTP, and no user or password where origins change."""
    try:
        parts, there = urlsplit(target), origin_of(target)
    except ValueError:  # a port that is no number, brackets that do not close
        return False
    if parts.scheme not in DEFAULT_PORTS or (there.isascii() and not is_serialized_origin(there)):
        return False
    return "@" not in parts.netloc or (there == request.origin and not request.cross_origin)


def _is_safelisted_type(value: str) -> bool:
    return not _UNSAFE_CHARACTERS.intersection(value) and _essence(value) in _SAFELISTED_TYPES


def _essence(value: str) -> str:
    """The type and subtype of a MIME type, in lower case (MIME Sniffing, section 4.4)."""
    return value.partition(";")[0].strip(" \t\r\n").lower()


def _is_safelisted_range(value: str) -> bool:
    """Whether `value` is `bytes=FIRST-` or `bytes=FIRST-LAST` (Fetch, section 2.2.2)."""
    unit, _, span = value.partition("=")
    first, dash, last = span.partition("-")
    if unit != "bytes" or not dash or not _is_number(first):
        return False
    return last == "" or (_is_number(last) and int(first) <= int(last))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


_SAFELISTED_VALUES = {
    "accept": lambda value: not _UNSAFE_CHARACTERS.intersection(value),
    "accept-language": _LANGUAGE_CHARACTERS.issuperset,
    "content-language": _LANGUAGE_CHARACTERS.issuperset,
    "content-type": _is_safelisted_type,
    "range": _is_safelisted_range,
}
