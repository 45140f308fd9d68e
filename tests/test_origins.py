"""The grammar of origins, part by part, the index of patterns, and what a host is (SEMANTICS 2, 3.2 to 3.4, 7.1, 8.2)."""

from __future__ import annotations

from typing import Any

import pytest

from r2style_cors._hosts import host_of, is_loopback, registrable_domain, wildcard_domain
from r2style_cors._origins import (
    HOST_CHARACTERS,
    MAX_ORIGIN_LENGTH,
    Wildcards,
    is_echoable,
    is_host,
    is_ipv6,
    is_port,
    is_scheme,
    is_serialized_origin,
    split_host_port,
)

SCHEMES = {
    "good": ["http", "a", "z9", "a+b", "a.b", "a-b", "chrome-extension"],
    "bad": ["", "1a", "+a", ".a", "-a", "HTTP", "hTtp", "a_b", "a b", " a", "a ", "a:", "é", "a\n", "a\x00b"],
}
HOSTS = {
    "good": ["a", "a.b", "a_b", "-", "..", "a.", "1.2.3.4", "xn--bcher-kva.example", "[::1]", "[2001:db8::1]"],
    "bad": [
        "", "A", "a b", "a/b", "a:1", "a@b", "a*", "é", "a\r\n", "[", "]", "[]", "[::1", "[::1a", "::1]", "[a.b]", "[::1]a",
    ],
}  # fmt: skip
IPV6 = {
    "good": ["::", "::1", "1::", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4", "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"],
    "bad": [
        "", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "g::", "::A", "::1%eth0", "::1%25eth0",
        "::1/64", "::ffff:1.2.3", "::ffff:256.0.0.1", "1.2.3.4", " ::1", "[::1]", ":" * 46, "::" + "0" * 60,
    ],
}  # fmt: skip
PORTS = {
    "good": ["1", "80", "443", "8080", "65535"],
    "bad": [
        "", "0", "01", "080", "65536", "99999", "100000", "9" * 5000, "-1", "+1", "1.0", "1e3", " 1", "1 ", "a", "*", "1X",
        "\u0663", "1\u0662", "\u00b2", "1_0", "1\n",
    ],
}  # fmt: skip
ORIGINS = {
    "good": [
        "null", "https://a.example", "http://a.example:8080", "http://[::1]", "http://[::1]:1", "app://x", "https://-",
        "https://a.example.",  # no policy may list it, but a browser may send it (SEMANTICS 3.4)
        "a+b.c-1://b", "https://[::1]:8080", "https://a:65535", "https://" + "a" * (MAX_ORIGIN_LENGTH - 8),
    ],
    "bad": [
        "", "*", "NULL", "null ", "a.example", "//a.example", "https:a.example", "https:/a.example", "https://",
        "https://:1", "https:///", "https://a.example/", "https://a.example?", "https://a.example#", "https://u@a.example",
        "https://a.example:", "https://a.example:1:2", "https://a.example,https://b.example", "https://*.example",
        "https://A.example", "HTTPS://a.example", "https://a.example\x00", "https://a.example\r\nX: y", "https://a\\b",
        "https://\u0430.example", "https://\uff41.example", "https://a.example\u3002b", "\udc80", "https://\udc80",
        "https://[::1]:0", "https://[::1]x:1", "https://a://b", "://a", "1a://b", "https://[::A]", "https://a:65536",
        "https://" + "a" * (MAX_ORIGIN_LENGTH - 7),
    ],
}  # fmt: skip
ECHOABLE = {
    "good": ["!", "~", "null", "https://a.example", "<script>", "a" * MAX_ORIGIN_LENGTH],
    "bad": [
        "", " ", "a b", "a,b", "a\tb", "a\r\n", "\x00", "\x1f", "\x7f", "\x80", "é", "\u2028", "\udc80",
        "a" * (MAX_ORIGIN_LENGTH + 1),
    ],
}  # fmt: skip
GRAMMARS: list[tuple[Any, dict[str, list[str]]]] = [
    (is_scheme, SCHEMES),
    (is_host, HOSTS),
    (is_ipv6, IPV6),
    (is_port, PORTS),
    (is_serialized_origin, ORIGINS),
    (is_echoable, ECHOABLE),
]
TEXTS = [(grammar, text, kind == "good") for grammar, kinds in GRAMMARS for kind in kinds for text in kinds[kind]]


@pytest.mark.parametrize(
    ("grammar", "text", "good"),
    TEXTS,
    ids=[f"{grammar.__name__} {ascii(text)[1:-1][:40]}" for grammar, text, _ in TEXTS],
)
def test_grammar(grammar: Any, text: str, good: bool) -> None:
    """A text is one of its grammar, or it is not; no text makes a grammar raise."""
    assert grammar(text) is good


IN_A_HOST = "abcdefghijklmnopqrstuvwxyz0123456789._-"  # SEMANTICS 2, once more
IN_A_SCHEME = "abcdefghijklmnopqrstuvwxyz0123456789+.-"


def test_every_byte_of_an_origin() -> None:
    """8.1, 8.2: of the characters that a server can deliver, exactly those of the grammars pass, wherever they stand."""
    for code in range(256):
        character = chr(code)
        assert is_scheme(f"a{character}a") is (character in IN_A_SCHEME), code
        assert is_scheme(character) is (character in IN_A_SCHEME[:26]), code
        for text in (f"https://{character}a", f"https://a{character}a", f"https://a{character}"):
            assert is_serialized_origin(text) is (character in IN_A_HOST), (code, text)
            assert is_echoable(text) is (0x21 <= code <= 0x7E and character != ","), (code, text)


SPLIT = [
    ("a", "a", None),
    ("a:1", "a", "1"),
    ("a:", "a", ""),
    (":1", "", "1"),
    ("a:1:2", "a", "1:2"),
    ("", "", None),
    ("[::1]", "[::1]", None),
    ("[::1]:1", "[::1]", "1"),
    ("[::1]:", "[::1]", ""),
    ("[::1]x:1", "[::1]x:1", None),
    ("[::1", "[::1", None),
]


@pytest.mark.parametrize(("authority", "host", "port"), SPLIT, ids=[case[0] or "empty" for case in SPLIT])
def test_split_host_port(authority: str, host: str, port: str | None) -> None:
    """The colons inside of brackets are the host's own; nothing is lost in splitting."""
    assert split_host_port(authority) == (host, port)
    assert authority == (host if port is None else f"{host}:{port}")


MATCHES = [
    ("https://*.example.com", "https://a.example.com", True),
    ("https://*.example.com", "https://a.b.example.com", True),
    ("https://*.example.com", "https://.example.com", True),
    ("https://*.example.com", "https://example.com", False),
    ("https://*.example.com", "https://xexample.com", False),
    ("https://*.example.com", "https://a.example.com.evil.com", False),
    ("https://*.example.com", "https://evil.com/.example.com", False),
    ("https://*.example.com", "https://evil.com:1.example.com", False),
    ("https://*.example.com", "https://evil.com@.example.com", False),
    ("https://*.example.com", "http://a.example.com", False),
    ("https://*.example.com", "https://a.example.com:8443", False),
    ("https://*.example.com:8443", "https://a.example.com:8443", True),
    ("https://*-app.example.dev", "https://pr-1-app.example.dev", True),
    ("https://*-app.example.dev", "https://-app.example.dev", True),
    ("https://*-app.example.dev", "https://app.example.dev", False),
    ("https://a*a.example", "https://aa.example", True),
    ("https://a*a.example", "https://a.example", False),
    ("https://*", "https://", True),
    ("https://*", "https://a.b", True),
    ("https://*", "https://a:1", False),
    ("https://a.*", "https://a.b.c", True),
    ("*.a", ".a", True),
    ("*.a", "a", False),
]


@pytest.mark.parametrize(("pattern", "text", "matches"), MATCHES, ids=[f"{case[0]} {case[1]}" for case in MATCHES])
def test_pattern(pattern: str, text: str, matches: bool) -> None:
    """3.3: a `*` stands for host characters, across labels, anchored at both ends, without overlap."""
    assert Wildcards([pattern], HOST_CHARACTERS).matching(text) == ([pattern] if matches else [])


def test_a_pattern_is_found_once() -> None:
    """A text with fewer dots than some pattern is not searched a second time."""
    assert Wildcards(["*.a", "*.b.c.d"], HOST_CHARACTERS).matching("x.a") == ["*.a"]


KINDS = [
    ("prefixes alone", ["x-*", "abc*"], {"x-1", "x-2", "abcd", "ab"}, {"x-1", "x-2", "abc", "ab"}),
    ("suffixes alone", ["*-a", "*b"], {"x-a", "yy-a", "-a", "a"}, {"-a", "a"}),
    ("both", ["x-*-yz", "*z"], {"x-1-yz", "x-22-yz", "x--yz", "x-yz"}, {"x--yz", "x-yz"}),
]


@pytest.mark.parametrize(("patterns", "texts", "kinds"), [case[1:] for case in KINDS], ids=[case[0] for case in KINDS])
def test_kinds(patterns: list[str], texts: set[str], kinds: set[str]) -> None:
    """3.6: of texts that only differ where no pattern looks, one is asked for; shorter ones are left whole."""
    assert sorted(Wildcards(patterns, None).kinds(texts)) == sorted(kinds)


def test_no_patterns() -> None:
    """An index without patterns matches nothing and is false."""
    assert not Wildcards([], None)
    assert Wildcards([], None).matching("https://a.example") == []
    assert Wildcards(["*"], None)


LOOPBACK = {
    "good": ["localhost", "a.localhost", "*.localhost", "127.0.0.1", "127.255.0.9", "[::1]"],
    "bad": [
        "localhost.example",
        "xlocalhost",
        "*localhost",
        "128.0.0.1",
        "127.0.0.1.example",
        "127.1",
        "[::2]",
        "",
        "*",
    ],
}


@pytest.mark.parametrize(
    ("host", "loopback"), [(host, kind == "good") for kind, hosts in LOOPBACK.items() for host in hosts], ids=str
)
def test_loopback(host: str, loopback: bool) -> None:
    """7.1: what is this machine, and what only looks like it."""
    assert is_loopback(host) is loopback


DOMAINS = [
    ("https://*.example.com", "example.com", "example.com"),
    ("https://*.a.example.co.uk:8443", "a.example.co.uk", "example.co.uk"),
    ("https://*-app.example.dev", "example.dev", "example.dev"),
    ("https://*.co.uk", "co.uk", None),
    ("https://*.pages.dev", "pages.dev", None),
    ("https://*.team.pages.dev", "team.pages.dev", "team.pages.dev"),
    ("https://*.unheardof", "unheardof", None),
    ("https://*.example.unheardof", "example.unheardof", "example.unheardof"),
    ("https://*example.com", "com", None),
    ("https://example.*", "", None),
]


@pytest.mark.parametrize(("pattern", "fixed", "registered"), DOMAINS, ids=[case[0] for case in DOMAINS])
def test_registrable_domain(pattern: str, fixed: str, registered: str | None) -> None:
    """7.1: the fixed text behind a `*`, from its first dot on, and the registrable domain that it is or lies beneath."""
    assert wildcard_domain(pattern) == fixed
    assert registrable_domain(fixed) == registered


@pytest.mark.parametrize(
    ("origin", "host"), [("https://a.example:1", "a.example"), ("http://[::1]:1", "[::1]"), ("a", "")], ids=str
)
def test_host_of(origin: str, host: str) -> None:
    """The host of an origin is without its scheme and its port."""
    assert host_of(origin) == host
