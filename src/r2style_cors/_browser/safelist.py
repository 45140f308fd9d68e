"""What a page may send: the CORS-safelisted request-headers, the CORS-unsafe names, and the forbidden ones."""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING, TypeAlias

from .._fetch import (
    FORBIDDEN_METHODS,
    NO_CORS_SAFELISTED_NAMES,
    NORMALIZED_METHODS,
    SAFELISTED_METHODS,
    SAFELISTED_REQUEST_HEADERS,
    is_forbidden_request_header,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

Lines: TypeAlias = tuple[tuple[str, str], ...]

# Fetch, section 2.2.2: headers by which some servers take one method for another.
_METHOD_OVERRIDES = frozenset({"x-http-method", "x-http-method-override", "x-method-override"})

# Fetch, section 2.2.2: CORS-unsafe request-header bytes, and what a language list may hold.
_UNSAFE_CHARACTERS = frozenset('"():<>?@[\\]{}\x7f').union(map(chr, range(0x20))) - {"\t"}
_LANGUAGE_CHARACTERS = frozenset(string.ascii_letters + string.digits + " *,-.;=")
_SAFELISTED_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
# Chromium's own safelist: what a page may say of its device and its line.
_NUMBER, _DECIMAL = re.compile("[0-9]+"), re.compile(r"[0-9]+(\.[0-9]+)?")
_CLIENT_HINTS = {
    "device-memory": _DECIMAL, "downlink": _DECIMAL, "dpr": _DECIMAL, "ect": re.compile("slow-2g|2g|3g|4g"), "rtt": _NUMBER,
    "save-data": re.compile("on", re.IGNORECASE), "viewport-width": _NUMBER, "width": _NUMBER,
}  # fmt: skip
CLIENT_HINTS = frozenset(_CLIENT_HINTS) - {"save-data"}
_MAX_VALUE, _MAX_VALUES = 128, 1024  # bytes of one safelisted value, and of all of them


def normalized_method(method: str) -> str:
    """`method` as a browser sends it: some are put in upper case, `patch` is not (Fetch, section 2.2.1)."""
    return method.upper() if method.upper() in NORMALIZED_METHODS else method


def is_forbidden_header(name: str, value: str) -> bool:
    """Whether it is a forbidden request-header, which a page may try to set in vain (Fetch, section 2.2.2)."""
    lowered = name.lower()
    if lowered in _METHOD_OVERRIDES:
        return any(method.strip(" \t").upper() in FORBIDDEN_METHODS for method in value.split(","))
    return is_forbidden_request_header(lowered)


def without_lines(headers: Lines, names: frozenset[str]) -> Lines:
    """The header lines, less those of some names, which are in lower case."""
    return tuple(line for line in headers if line[0].lower() not in names)


def is_safelisted_header(name: str, value: str) -> bool:
    """Whether it is a CORS-safelisted request-header, sent without asking first (Fetch, section 2.2.2)."""
    test = _SAFELISTED_VALUES.get(name.lower())
    return test is not None and len(value) <= _MAX_VALUE and test(value)


def is_client_hint(name: str, value: str) -> bool:
    """Whether it is a client hint that Chromium sends without asking first."""
    syntax = _CLIENT_HINTS.get(name.lower())
    return syntax is not None and len(value) <= _MAX_VALUE and syntax.fullmatch(value) is not None


def is_no_cors_safelisted_header(name: str, value: str) -> bool:
    """Whether a page may set it in the mode no-cors (Fetch, section 2.2.2)."""
    return name.lower() in NO_CORS_SAFELISTED_NAMES and is_safelisted_header(name, value)


def unsafe_header_names(headers: Iterable[tuple[str, str]], *, limited: bool = True) -> tuple[str, ...]:
    """The CORS-unsafe request-header names, lower-cased and sorted; all safelisted values count up to a limit (2.2.2)."""
    headers = list(headers)
    unsafe = {name.lower() for name, value in headers if not is_safelisted_header(name, value)}
    safe = [(name.lower(), value) for name, value in headers if is_safelisted_header(name, value)]
    if limited and sum(len(value) for _, value in safe) > _MAX_VALUES:
        unsafe.update(name for name, _ in safe)
    return tuple(sorted(unsafe))


def preflight_reasons(method: str, headers: Iterable[tuple[str, str]], *, limited: bool = True) -> tuple[str, ...]:
    """Why a browser asks first, in words; empty where it does not (Fetch, section 4.1)."""
    of_method = [f"the method {method} is not CORS-safelisted"] if method not in SAFELISTED_METHODS else []
    names = unsafe_header_names(headers, limited=limited)
    of_headers = [_header_reason(name) for name in names]
    return (*of_method, *of_headers)


def needs_preflight(method: str, headers: Iterable[tuple[str, str | None]]) -> bool | None:
    """Whether a browser asks first; None where that hangs on values that are not known, which are None (Fetch, 4.1)."""
    headers = list(headers)
    told = [(name, value) for name, value in headers if value is not None]
    untold = {name.lower() for name, value in headers if value is None}
    if preflight_reasons(method, told) or untold - SAFELISTED_REQUEST_HEADERS:
        return True
    return None if untold else False


def _header_reason(name: str) -> str:
    suffix = " with this value" if name in _SAFELISTED_VALUES else ""
    return f"the header {name} is not CORS-safelisted{suffix}"


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
