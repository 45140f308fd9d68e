"""What a host in an origin is: loopback, or a name that somebody registered. For construction and the desk only."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from ._origins import split_host_port

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

DEFAULT_PORTS = {"http": 80, "https": 443}  # URL, section 4.2, of the schemes that pages have
MAX_IDNA_INPUT = 253  # no DNS name is longer, and IDNA's tables are slow


def host_of(origin: str) -> str:
    """The host of `scheme://host[:port]`, brackets included."""
    return split_host_port(origin.partition("://")[2])[0]


def is_loopback(host: str) -> bool:
    """Whether `host`, which may hold a `*`, is this machine: `localhost`, names beneath it, 127.0.0.0/8, `[::1]`."""
    return host == "localhost" or host.endswith(".localhost") or host == "[::1]" or _is_loopback_address(host)


def _is_loopback_address(host: str) -> bool:
    from ipaddress import AddressValueError, IPv4Address

    try:
        return IPv4Address(host).is_loopback
    except AddressValueError:
        return False


def ends_in_number(host: str) -> bool:
    """Whether the last label is a number, so that browsers take the host for an IPv4 address (URL, section 3.5)."""
    last = host.rpartition(".")[2]
    return last.isdigit() or re.fullmatch("0x[0-9a-f]*", last) is not None


def registrable_domain(name: str) -> str | None:
    """The registrable domain that `name` is or lies beneath, or None: the public suffix list, private section included.

    A name that the list lacks follows its default rule: its last label is the suffix. An address has no registrable
    domain, nor has what only an address can end with (URL, section 3.2).
    """
    if ends_in_number(name):
        return None
    domain: str | None = _suffixes().privatesuffix(name)
    return domain


def wildcard_domain(pattern: str) -> str:
    """The fixed text after the `*` of an origin, from its first dot on, without that dot and without the port."""
    return host_of(pattern).partition("*")[2].partition(".")[2]


@cache
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()
