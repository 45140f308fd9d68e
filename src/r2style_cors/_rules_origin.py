"""What may be written as an allowed origin: the tests of SEMANTICS 2, their order, and what to write instead.

The grammar itself is `_origins`'. Here is only what binds policies, and not the origins that requests carry.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Any, NamedTuple

import idna

from ._codes import CODES
from ._hosts import DEFAULT_PORTS, MAX_IDNA_INPUT, ends_in_number
from ._origins import MAX_ORIGIN_LENGTH, is_host, is_port, is_scheme, split_host_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .errors import Severity

# Only these fold: `str.lower` would also turn the Kelvin sign into a `k`, which no browser does to an ASCII host.
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_AROUND = "'\"`,;"  # what is left around an entry that was cut out of a list


class Fault(NamedTuple):
    """One thing that is wrong or doubtful about one value.

    Attributes:
        code: its code in `CODES`.
        message: what the rule is and what was found.
        mended: the value to write instead, or None.
        severity: what the code usually has, or what a profile makes of it.

    """

    code: str
    message: str
    mended: Any
    severity: Severity


def fault(code: str, message: str, mended: Any = None) -> Fault:
    """Make a fault of the code's usual severity."""
    return Fault(code, message, mended, CODES[code].severity)


class _Parts(NamedTuple):
    scheme: str
    separator: str
    userinfo: str
    host: str
    port: str | None
    tail: str


def lower(text: str) -> str:
    """Lower the ASCII letters of `text`, and no others."""
    return text.translate(_LOWER)


def _split(text: str) -> _Parts:
    scheme, separator, rest = lower(text).partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    userinfo, at, host_port = authority.rpartition("@")
    host, port = split_host_port(host_port)
    return _Parts(scheme, separator, userinfo + at, host, port, rest[len(authority) :])


def r2_origin(text: str) -> Iterator[Fault]:
    """Everything to say about an allowed origin under profile `r2`: one refusal, or any number of doubts."""
    if text == "*":
        return
    refusal = _refusal(text)
    if refusal is None:
        yield from _doubts(text)
    elif _is_several(text):
        yield refusal._replace(message="Every origin is an entry of its own; this looks like several in one.")
    else:
        yield refusal._replace(mended=_mend(text))


def s3_origin(text: str) -> Iterator[Fault]:
    """Say the same under profile `s3`, which refuses a second `*` and what XML cannot carry; the rest are warnings."""
    if re.search(NOT_XML, text):
        yield fault("origin-syntax", "An origin cannot contain characters that XML 1.0 cannot carry.")
    elif text.count("*") > 1:
        yield fault("origin-wildcards", "An origin may contain one `*`; this has more.", _mend(text))
    else:
        yield from (found._replace(severity="warning") for found in r2_origin(text))


# XML 1.0, section 2.2: the complement of Char.
NOT_XML = "[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]"


def _refusal(text: str) -> Fault | None:
    """Apply the tests in the order that SEMANTICS 2 gives them; the first that fails names the code."""
    parts = _split(text)
    tests = (_test_scheme, _test_wildcards, _test_extras, _test_path, _test_host, _test_port)
    found = (test(text, parts) for test in tests)
    return next((one for one in found if one is not None), None)


def _test_scheme(text: str, parts: _Parts) -> Fault | None:
    if text == "null":
        return fault("origin-null", "The origin `null` cannot be allowed: any page can send it.")
    if not parts.separator or not parts.scheme:
        return fault("origin-scheme", "An origin starts with its scheme, such as `https://`; this has none.")
    if "*" not in parts.scheme and not is_scheme(parts.scheme):
        return fault("origin-syntax", "A scheme is a letter, then letters, digits, `+`, `.` or `-`; this is not.")
    return None


def _test_wildcards(text: str, parts: _Parts) -> Fault | None:
    count = text.count("*")
    if count > 1:
        return fault("origin-wildcards", f"An origin may contain one `*`, in its host; this has {count}.")
    if parts.port is not None and "*" in parts.port:
        return fault("origin-port-wildcard", "A port cannot be a `*`: list every port as an origin of its own.")
    if count and "*" not in parts.host:
        return fault("origin-wildcards", "A `*` may stand only in the host of an origin; this has one elsewhere.")
    return None


def _test_extras(text: str, parts: _Parts) -> Fault | None:
    if parts.userinfo:
        return fault("origin-syntax", "An origin has no user name or password; this has.")
    if "?" in parts.tail or "#" in parts.tail:
        return fault("origin-syntax", "An origin has no query and no fragment; this has.")
    if re.search(r"[\s\x00-\x1f\x7f]", text):
        return fault("origin-syntax", "An origin contains no white space and no control characters; this does.")
    return None


def _test_path(_text: str, parts: _Parts) -> Fault | None:
    if parts.tail:
        return fault("origin-path", "An origin ends after its host or port, without a path and without a `/`.")
    return None


def _test_host(_text: str, parts: _Parts) -> Fault | None:
    host = parts.host
    if not host.isascii():
        return fault("origin-non-ascii", "Browsers send the host of an origin in Punycode; this is not ASCII.")
    if not host or host.endswith("."):
        return fault("origin-host", "The host of an origin is neither empty nor ends in a dot; this is or does.")
    fixed = host.replace("*", "")
    if host != "*" and (not is_host(fixed) or (fixed != host and host[0] == "[")):
        return fault("origin-syntax", "A host is letters, digits, `.`, `_` and `-`, or an IPv6 address in brackets.")
    return None


def _test_port(_text: str, parts: _Parts) -> Fault | None:
    if parts.port is None or is_port(parts.port):
        return None
    return fault("origin-port", "A port is a number from 1 to 65535 without a leading zero.")


def _doubts(text: str) -> Iterator[Fault]:
    """Everything that can be said of an origin that is accepted."""
    lowered, parts = lower(text), _split(text)
    if lowered != text:
        yield fault("origin-case", "Browsers send scheme and host in lower case; this has capitals.", lowered)
    if parts.port is not None and int(parts.port) == DEFAULT_PORTS.get(parts.scheme):
        mended = lowered.removesuffix(f":{parts.port}")
        yield fault("origin-default-port", f"Browsers leave out :{parts.port}, so this can never match.", mended)
    if parts.host.endswith("*"):
        yield fault("origin-wildcard-end", "A `*` at the end of the host lets anyone register a host that matches.")
    if parts.scheme not in DEFAULT_PORTS:
        yield fault("origin-scheme-unusual", f"The scheme `{parts.scheme}` is not one that web pages have.")
    if len(text) - text.count("*") > MAX_ORIGIN_LENGTH or not _is_sent(parts.host):
        port = "" if parts.port is None else f":{parts.port}"
        host = _canonical_ipv6(parts.host)
        sent = None if host is None else f"{parts.scheme}://{host}{port}"
        yield fault("origin-unreachable", "No browser writes a host like this one, so it can never match.", sent)


def _is_sent(host: str) -> bool:
    """Whether some browser could send `host`, which fits the grammar (URL, sections 3.5 and 4.5.3)."""
    if host[0] == "[":
        return _canonical_ipv6(host) == host
    if host[0] == "." or ".." in host:
        return False
    return "*" in host or not ends_in_number(host) or _is_ipv4(host)


def _is_ipv4(host: str) -> bool:
    try:
        IPv4Address(host)
    except AddressValueError:
        return False
    return True


def _canonical_ipv6(host: str) -> str | None:
    """Spell a bracketed address as browsers do (URL, section 3.5): compressed, and without dotted IPv4."""
    if host[0] != "[":
        return None
    address = IPv6Address(host[1:-1])
    if address.ipv4_mapped is None:
        return f"[{address.compressed}]"
    high, low = divmod(int(address.ipv4_mapped), 0x10000)
    return f"[::ffff:{high:x}:{low:x}]"


def _is_several(text: str) -> bool:
    return sum("://" in part for part in re.split(r"[\s,;|]", text)) > 1


def _mend(text: str) -> str | None:
    """Find the nearest origin that is not refused, or None where only the author can know."""
    bare = text.strip().strip(_AROUND)
    if bare == "*":
        return bare
    scheme, separator, rest = lower(bare).partition("://")
    if not separator:
        scheme, rest = _guess_scheme(scheme)
    parts = _split(f"{scheme.replace('*', '') or _usual_scheme(rest)}://{rest}")
    host = _mend_host(parts.host)
    port = _mend_port(host, parts.port)
    candidate = f"{parts.scheme}://{host}" if port is None else f"{parts.scheme}://{host}:{port}"
    return candidate if candidate != text and _refusal(candidate) is None else None


def _guess_scheme(text: str) -> tuple[str, str]:
    """Guess the scheme of a text that has none: only names with a dot, and loopback, look like a host."""
    given = re.match("(https?):?/+", text)
    rest = text[given.end() :] if given else text.removeprefix("//")
    if not rest.startswith(_LOOPBACK) and "." not in rest:
        return "https", ""
    return given[1] if given else _usual_scheme(rest), rest


def _usual_scheme(rest: str) -> str:
    return "http" if rest.startswith(_LOOPBACK) else "https"


def _mend_host(host: str) -> str:
    """Mend a host; what stands between two `*`, or before a last dot, may be what keeps it from matching anyone's."""
    host = re.sub(r"\*(?:\.?\*)+", "*", host)
    host = re.sub(r"(?<=[^*.])\.+\Z", "", host)
    if host.isascii() or len(host) > MAX_IDNA_INPUT:
        return host
    star = "*." if host.startswith("*.") else ""
    try:
        return star + idna.encode(host.removeprefix(star), uts46=True).decode("ascii")
    except UnicodeError:
        return host


def _mend_port(host: str, port: str | None) -> str | None:
    """Mend a port; a `*` becomes the port that most development servers use, where the host is loopback."""
    if not port or "*" in port:
        return "3000" if port and host in _LOOPBACK else None
    return port.lstrip("0")
