"""URLs as a browser reads them: their origin, and how they are written. For the desk, and `http` and `https` alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

import idna

from .._hosts import DEFAULT_PORTS, MAX_IDNA_INPUT
from .._origins import is_serialized_origin
from .._text import shown

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_LEFT_ALONE = "%!$&'()*+,;=:@/[]|^~"  # URL, section 1.3: what the path percent-encode set leaves as it is
_ABSOLUTE = re.compile("https?://", re.IGNORECASE)  # urljoin takes one without a host for relative


def origin_of(url: str) -> str:
    """The serialized origin of an absolute `http` or `https` URL (HTML, section 7.1.1)."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    bracketed = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{bracketed}{port}"


def normal_url(url: str, base: str = "") -> str:
    """`url`, which may be relative to `base`, as a browser writes it, without its fragment (URL, section 4.5).

    Raises:
        ValueError: it is no `http` or `https` URL.

    """
    reference = url.strip(" \t\r\n").partition("#")[0]
    if reference == "?":  # an empty query, which urljoin takes for none
        base = base.partition("?")[0]
    try:
        user, origin, parts = _read(reference if _ABSOLUTE.match(reference) else urljoin(base, reference))
    except ValueError:  # a port that is no number, brackets that do not close, a name that IDNA refuses
        user, origin, parts = "", "", urlsplit("")
    if parts.scheme not in DEFAULT_PORTS or not is_serialized_origin(origin):
        message = f"'{shown(url)}' is no http or https URL"
        raise ValueError(message)
    authority = user + origin.partition("://")[2]
    path, query = quote(parts.path or "/", safe=_LEFT_ALONE), quote(parts.query, safe=f"{_LEFT_ALONE}?`{{}}\\")
    return urlunsplit((parts.scheme, authority, path, query, ""))


def fragment_of(url: str) -> str:
    """The fragment of a URL with its `#`, as a browser writes it; empty where there is none (URL, section 4.5)."""
    _, hash_sign, fragment = url.strip(" \t\r\n").partition("#")
    return hash_sign + quote(fragment, safe=f"{_LEFT_ALONE}?#{{}}\\")


def _read(url: str) -> tuple[str, str, SplitResult]:
    """The user with its `@`, the origin, and the parts of an absolute URL, its host in ASCII."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    return user + at, origin_of(parts._replace(netloc=_ascii(host)).geturl()), parts


def has_user(url: str) -> bool:
    """Whether there is a user or a password in the URL (URL, section 4.1, includes credentials)."""
    parts = urlsplit(url)
    return bool(parts.username or parts.password)


def without_user(url: str) -> str:
    """The URL without a user and a password, as it goes over the wire."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _ascii(host: str) -> str:
    """A host, with its port, in lower case and Punycode (URL, section 3.3)."""
    if host.isascii():
        return host.lower()
    if len(host) > MAX_IDNA_INPUT:
        message = "too long a host"
        raise ValueError(message)
    name, colon, port = host.partition(":")
    return idna.encode(name, uts46=True).decode("ascii") + colon + port
