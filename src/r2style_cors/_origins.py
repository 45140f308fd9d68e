"""Whether an origin matches: the grammar of a serialized origin, and the index of wildcard patterns.

Laws of this room:
- an origin is compared byte for byte; nothing is folded, decoded or normalised (SEMANTICS 3.2);
- a `*` is anchored at both ends and never eats more than its pattern leaves it (SEMANTICS 3.3);
- a look-up costs what the text costs, never what the number of patterns costs.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypeAlias

    # length of a head -> head -> length of a prefix -> prefix -> pattern
    _Heads: TypeAlias = dict[int, dict[str, dict[int, dict[str, str]]]]

# SEMANTICS 2, the row on origins. Lower case only: browsers serialize hosts in lower case (URL, section 3.5).
LETTERS = "abcdefghijklmnopqrstuvwxyz"
SCHEME_CHARACTERS = LETTERS + "0123456789+.-"
HOST_CHARACTERS = LETTERS + "0123456789._-"
_HOST_BYTES = HOST_CHARACTERS.encode()

MAX_ORIGIN_LENGTH = 1024  # SEMANTICS 3.4
MAX_PORT = 65535
_MAX_PORT_LENGTH = len(str(MAX_PORT))
_MAX_IPV6_LENGTH = len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")


def is_scheme(text: str) -> bool:
    """Whether `text` is `[a-z][a-z0-9+.-]*`."""
    return text[:1] in LETTERS and text != "" and not text.strip(SCHEME_CHARACTERS)


def is_host(text: str) -> bool:
    """Whether `text` is `[a-z0-9._-]+` or a bracketed IPv6 address in lower case."""
    if text[:1] == "[":
        return text[-1:] == "]" and is_ipv6(text[1:-1])
    return text != "" and not text.strip(HOST_CHARACTERS)


def is_ipv6(text: str) -> bool:
    """Whether `text` is an IPv6 address in lower case, without a zone (URL, section 3.3)."""
    if len(text) > _MAX_IPV6_LENGTH or text.strip("0123456789abcdef:."):
        return False
    from ipaddress import AddressValueError, IPv6Address  # here, since hardly any request has one

    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True


def is_port(text: str) -> bool:
    """Whether `text` is a port, 1 to 65535, without a leading zero."""
    return (
        0 < len(text) <= _MAX_PORT_LENGTH and text[0] != "0" and not text.strip("0123456789") and int(text) <= MAX_PORT
    )


def split_host_port(authority: str) -> tuple[str, str | None]:
    """Split `host[:port]`; the port is None where there is no colon outside the brackets of an IPv6 address."""
    if authority[:1] == "[":
        host, bracket, rest = authority.partition("]")
        host += bracket
        if rest[:1] == ":":
            return host, rest[1:]
        return host + rest, None
    host, colon, port = authority.partition(":")
    return host, port if colon else None


def is_serialized_origin(text: str) -> bool:
    """Whether `text` is `null` or `scheme://host[:port]` in SEMANTICS 2's grammar, at most 1 KiB long."""
    if text == "null":
        return True
    if len(text) > MAX_ORIGIN_LENGTH:
        return False
    scheme, separator, authority = text.partition("://")
    if not separator or not is_scheme(scheme):
        return False
    if authority.isascii() and authority and not authority.encode().translate(None, _HOST_BYTES):
        return True  # the usual case: a host alone
    host, port = split_host_port(authority)
    return is_host(host) and (port is None or is_port(port))


def is_echoable(text: str) -> bool:
    """Whether `text` may ever be echoed into a header: 1 to 1024 of 0x21-0x7E, no comma (SEMANTICS 8.2)."""
    return (
        0 < len(text) <= MAX_ORIGIN_LENGTH
        and text.isascii()
        and text.isprintable()
        and " " not in text
        and "," not in text
    )


class Wildcards:
    """Patterns with one `*` each, indexed so that their number does not matter.

    A pattern is a prefix and a suffix. The suffix is filed under its *key*, the part from its first dot on (`.example.dev`
    of `-app.example.dev`), or the empty string; then under its *head*, what stands before the key (`-app`); then under the
    prefix. A text has few dots, and only as many of the last ones are tried as some key has; heads and prefixes are tried
    by their lengths. So a look-up is a handful of slices and dict reads, with one pattern or with a hundred thousand.
    """

    __slots__ = ("_characters", "_dots", "_head", "_keys", "_tail")

    def __init__(self, patterns: Iterable[str], characters: str | None) -> None:
        """Index `patterns`. `characters` are those that a `*` stands for; None means any (profile `s3`)."""
        self._characters = characters
        self._dots = 0
        self._head = self._tail = 0  # the lengths of the longest prefix and of the longest suffix
        self._keys: dict[str, _Heads] = {}
        for pattern in patterns:
            prefix, _, suffix = pattern.partition("*")
            head, dot, rest = suffix.partition(".")
            key = dot + rest
            self._dots = max(self._dots, key.count("."))
            heads = self._keys.setdefault(key, {}).setdefault(len(head), {})
            heads.setdefault(head, {}).setdefault(len(prefix), {})[prefix] = pattern
            self._head = max(self._head, len(prefix))
            self._tail = max(self._tail, len(suffix))

    def __bool__(self) -> bool:
        return bool(self._keys)

    def matching(self, text: str) -> list[str]:
        """Every pattern that matches `text`, in no particular order."""
        found: list[str] = []
        end = len(text)
        keys = self._keys
        if "" in keys:
            self._collect(keys[""], text, end, found)
        for _ in range(self._dots):
            end = text.rfind(".", 0, end)
            if end < 0:
                break
            heads = keys.get(text[end:])
            if heads is not None:
                self._collect(heads, text, end, found)
        return found

    def kinds(self, texts: Iterable[str]) -> Iterator[str]:
        """Texts that match what `texts` match, all of them, where a `*` stands for any characters. Mostly far fewer.

        No pattern looks further into a text than its longest prefix and its longest suffix, so the rest is cut out.
        """
        head, tail = self._head, self._tail
        seen: set[str] = set()
        for text in texts:
            kind = text[:head] + text[len(text) - tail :] if len(text) > head + tail else text
            if kind not in seen:
                seen.add(kind)
                yield kind

    def _collect(self, by_length: _Heads, text: str, end: int, found: list[str]) -> None:
        """Add to `found` the patterns of one key, which matched from `end` on."""
        for length, heads in by_length.items():
            start = end - length
            prefixes = heads.get(text[start:end]) if start >= 0 else None
            if prefixes is not None:
                for before, patterns in prefixes.items():
                    # A prefix and a suffix may touch, but not overlap.
                    pattern = patterns.get(text[:before]) if before <= start else None
                    if pattern is not None and self._covers(text[before:start]):
                        found.append(pattern)

    def _covers(self, middle: str) -> bool:
        """Whether a `*` may stand for `middle`."""
        return self._characters is None or not middle.strip(self._characters)
