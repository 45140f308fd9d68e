"""The engine and the doors against their slow twin, and what holds for every policy and every request."""

from __future__ import annotations

import json
import logging
import re
from itertools import product
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

import twin
from r2style_cors import _engine
from r2style_cors._origins import Wildcards
from support.doors import DOORS
from support.messages import Answer, Request, error_elements, list_items
from support.worlds import METHODS, Rules, World, compiled, policies, worlds

PHASES = [phase for phase in Phase if phase is not Phase.explain]  # which takes minutes to say what can be seen
SMALL = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=PHASES)
LARGE = settings(SMALL, max_examples=300)

PUBLIC = World(
    [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}], twin.Options(star_always=True), ["GET"], [[]], [[]], [[]]
)


def check_engine(world: World) -> None:
    """Rules in a loop and the compiled engine answer every request alike."""
    engine = world.engine()
    for request, verdict in world.answers():
        assert twin.verdict(twin.ask(engine.decide, request)) == verdict, (world.rules, request)


@LARGE
@given(worlds())
@example(PUBLIC)
def test_engine_equals_twin(world: World) -> None:
    """Whatever the policy, its options and the request, the engine decides as the twin does."""
    check_engine(world)


ORIGIN_LISTS = [
    ["*"], ["https://b.a.example"], ["https://*.a.example"], ["https://b*.example"], ["https://*"], ["https://*a.example"],
    ["https://b.a.example", "https://b*.example"], ["https://*.a.example", "*"], ["https://b*", "https://*.a.example"],
]  # fmt: skip
ORIGINS = [
    "https://b.a.example",
    "https://bb.a.example",
    "https://ba.example",
    "https://c.a.example",
    "http://c",
    "https://c/",
]
OPTIONS = [twin.Options(), twin.Options("s3", star_always=True)]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: options.profile)
def test_three_rules_of_origins(options: twin.Options) -> None:
    """3.1 to 3.3: every three rules over a few lists of origins, asked from origins that several of them match, or none."""
    methods = (["GET"], ["GET", "PUT"], ["PUT"])
    for lists in product(ORIGIN_LISTS, repeat=3):
        rules = [{"AllowedOrigins": one, "AllowedMethods": two} for one, two in zip(lists, methods, strict=True)]
        check_engine(World(rules, options, ["OPTIONS", "GET"], [[one] for one in ORIGINS], [[], ["PUT"]], [[]]))


HEADER_LISTS = [
    [], ["*"], ["x-a"], ["X-B"], ["x-*"], ["*-a"], ["x*a"], ["x-a", "x-b"], ["x-b", "*-a"],
]  # fmt: skip
HEADERS = ["x-a", "x-b", "x-c", "z-a", "x-a,x-b", "x-a,x-c", "x-b,z-a", "x-c,z-a", "x-a,x-b,z-a"]


def test_three_rules_of_headers() -> None:
    """3.1, 3.5: every three rules over a few lists of headers, asked for names that several of them allow, or none."""
    for lists in product(HEADER_LISTS, repeat=3):
        rules = [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], "AllowedHeaders": one} for one in lists]
        check_engine(World(rules, OPTIONS[0], ["OPTIONS"], [["https://a"]], [["GET"]], [[one] for one in HEADERS]))


@SMALL
@given(worlds())
@example(PUBLIC)
def test_explain_decides_alike(world: World) -> None:
    """`explain` gives the decision of `decide`, and a sentence of printable ASCII."""
    engine = world.engine()
    for request, _ in world.answers()[::13]:
        explanation = twin.ask(engine.explain, request)
        assert explanation.decision == twin.ask(engine.decide, request), request
        assert re.fullmatch(r"[\x20-\x7e]+", explanation.sentence)


def request_of(asked: twin.Lines) -> Request:
    """The same request, its headers in one list."""
    names = ("Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers")
    found = (asked.origin, asked.request_method, asked.request_headers)
    return Request(asked.method, tuple((name, line) for name, some in zip(names, found, strict=True) for line in some))


@pytest.mark.parametrize("door", DOORS)
def test_doors_equal_twin(door: str) -> None:
    """Through a door the answers are the twin's too, twice over: what a door remembers, and forgets, never shows."""

    @SMALL
    @given(worlds().map(World.joined) if door == "wsgi" else worlds())
    @example(PUBLIC)
    def check(world: World) -> None:
        answers = world.answers()
        with patch.object(_engine, "MAX_MEMO", 7):
            ask = DOORS[door](Answer(), world.rules, vars(world.options))
            for request, verdict in [*answers, *reversed(answers)]:
                response = ask(request_of(request))
                assert (response.status, dict(response.cors())) == (verdict.status or 200, verdict.headers), request
                assert response.vary() == [*verdict.vary], request
                assert response.reached is (verdict.status is None), request
                assert not response.reached or twin.verdict(response.decision) == verdict, request

    check()


TEXT = st.none() | st.text() | st.text(st.characters(max_codepoint=255))


@SMALL
@given(policies(), st.text() | st.sampled_from(METHODS), TEXT, TEXT, TEXT)
@example(([{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}], twin.Options()), *["\ud800"] * 4)
def test_decide_never_raises(
    policy: tuple[Rules, twin.Options], method: str, origin: str | None, requested: str | None, names: str | None
) -> None:
    """Any text gives a decision, lone surrogates and astral characters included, and its headers are encodable."""
    engine = compiled(*policy)
    for decision in (
        engine.decide(method, origin, requested, names),
        engine.decide("OPTIONS", origin, requested, names),
    ):
        assert decision.allowed is (decision.reason == "allowed")
        assert decision.raw_headers == tuple((k.lower().encode(), v.encode("latin-1")) for k, v in decision.headers)


# What may stand in a response header, by the header's name.
TOKENS = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+(, )?)*")
GRAMMAR = {
    "access-control-allow-origin": re.compile(r"\*|[\x21-\x2b\x2d-\x7e]{1,1024}"),
    "access-control-allow-methods": TOKENS,
    "access-control-allow-headers": TOKENS,
    "access-control-expose-headers": TOKENS,
    "access-control-allow-credentials": re.compile("true"),
    "access-control-max-age": re.compile("[0-9]+"),
    "vary": TOKENS,
    "content-type": re.compile(r"application/xml|text/plain"),
    "content-length": re.compile("[0-9]+"),
    "cache-control": re.compile("no-store"),
}
ANY_POLICY: Rules = [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], "AllowedHeaders": ["*"]}]
TEXT_POLICY: Rules = [{"AllowedOrigins": ["a*", "*z"], "AllowedMethods": ["GET"], "AllowedHeaders": ["*"]}]
HOST_POLICY: Rules = [{"AllowedOrigins": ["https://*.a.example"], "AllowedMethods": ["GET"], "AllowedHeaders": ["x-*"]}]
HOSTILE = st.text(st.characters(max_codepoint=255), max_size=60)


def hostile(left: str, right: str) -> st.SearchStrategy[str]:
    """Any bytes, alone or inside a value that would match without them."""
    return HOSTILE | HOSTILE.map(lambda middle: left + middle + right)


SETTINGS: dict[str, tuple[Rules, dict[str, Any]]] = {
    "any origin": (ANY_POLICY, {}),
    "debug": (HOST_POLICY, {"debug": True}),
    "s3 texts": (TEXT_POLICY, {"profile": "s3"}),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_nothing_reaches_a_header_unchecked(setting: str, door: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever bytes a request holds, headers keep to their grammars; bodies are XML; logs have no control bytes."""
    caplog.set_level(logging.DEBUG, logger="r2style_cors")
    ask = DOORS[door](Answer(), *SETTINGS[setting])

    @SMALL
    @given(
        st.just("OPTIONS") | st.just("GET"),
        hostile("https://", ".a.example") | hostile("a", "z"),
        st.just("GET") | hostile("G", "T"),
        hostile("x-a,", ",x-b"),
    )
    @example("OPTIONS", "https://.a.example", "PUT", ":")
    @example("OPTIONS", "\x00", "\r\n", "\x7f\x80")
    def check(method: str, origin: str, requested: str, names: str) -> None:
        caplog.clear()
        headers = (
            ("Origin", origin),
            ("Access-Control-Request-Method", requested),
            ("Access-Control-Request-Headers", names),
        )
        response = ask(Request(method, headers))
        for name, value in response.headers:
            assert GRAMMAR[name.lower()].fullmatch(value), (name, value)
        check_error_body(response.body, reached=response.reached)
        check_records(caplog.records)

    check()


def check_error_body(body: bytes, *, reached: bool) -> None:
    """A body of ours is printable ASCII, and well-formed XML unless it is empty."""
    if body and not reached:
        assert re.fullmatch(rb"[\x20-\x7e\n]*", body)
        assert "Code" in error_elements(body)


def check_records(records: list[logging.LogRecord]) -> None:
    """A log record's text and its fields hold printable ASCII."""
    for record in records:
        assert re.fullmatch(r"[\x20-\x7e]*", record.getMessage())
        assert re.fullmatch(r"[\x20-\x7e]*", json.dumps(getattr(record, "cors", {}), ensure_ascii=False))


VARY_NAMES = st.sampled_from(
    ["Origin", "origin", "Accept", "accept-encoding", "Cookie", "X-Origin", "Origin-Agent-Cluster"]
)
VARY_LINES = st.lists(
    st.lists(st.sampled_from(["", " "]) | VARY_NAMES, max_size=4).map(",".join)
    | st.lists(VARY_NAMES, max_size=4).map(" , ".join)
    | st.just("*"),
    max_size=3,
)
VARY_SETTINGS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "r2": ({}, ["Origin"]),
    "s3": ({"profile": "s3"}, ["Origin", "Access-Control-Request-Headers", "Access-Control-Request-Method"]),
}


def merged(items: list[str], names: list[str]) -> list[str]:
    """SEMANTICS 5.4, said slowly."""
    if "*" in items:
        return items
    return items + [name for name in names if name.lower() not in [item.lower() for item in items]]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("profile", VARY_SETTINGS)
def test_vary_is_merged(profile: str, door: str) -> None:
    """Order is kept, nothing is lost, nothing is added twice, `*` is left alone, and merging again changes nothing."""
    options, names = VARY_SETTINGS[profile]
    request = Request("GET", (("Origin", "https://b.example"),))

    def through(lines: list[str]) -> tuple[list[str], list[str]]:
        answer = Answer(200, (("Content-Type", "text/plain"), *(("Vary", line) for line in lines)))
        response = DOORS[door](answer, ANY_POLICY, options)(request)
        return response.lines("vary"), response.vary()

    @SMALL
    @given(VARY_LINES)
    def check(lines: list[str]) -> None:
        out, items = through(lines)
        assert items == merged(list_items(lines), names)
        assert through(out) == (out, items)

    check()


PATTERN_PARTS = st.text("ab.", max_size=5)
PATTERNS = st.lists(st.builds(lambda left, right: f"{left}*{right}", PATTERN_PARTS, PATTERN_PARTS), max_size=6)


@LARGE
@given(PATTERNS, st.text("ab.:", max_size=12), st.sampled_from([twin.HOST_CHARACTERS, None, "a."]))
def test_wildcards_equal_a_naive_matcher(patterns: list[str], text: str, characters: str | None) -> None:
    """The index finds exactly the patterns that match one by one."""
    inside = ".*" if characters is None else f"[{re.escape(characters)}]*"
    naive = {
        pattern
        for pattern in patterns
        if re.fullmatch(inside.join(map(re.escape, pattern.split("*"))), text, re.DOTALL)
    }
    found = Wildcards(patterns, characters).matching(text)
    assert set(found) == naive
    assert len(found) == len(set(found)), "no pattern is found twice"


@SMALL
@given(st.text("ab.*", max_size=8), st.text("ab.:", max_size=8))
def test_twin_reads_wildcards_as_scanning_does(pattern: str, text: str) -> None:
    """The twin's regular expression is right: it agrees with trying every length of the middle."""
    if pattern.count("*") != 1:
        assert twin.wildcard_matches(pattern.replace("*", ""), text) is (pattern.replace("*", "") == text)
        return
    prefix, suffix = pattern.split("*")
    middles = [text[len(prefix) : len(text) - len(suffix)]] if len(text) >= len(prefix) + len(suffix) else []
    scanned = any(prefix + middle + suffix == text and set(middle) <= set(twin.HOST_CHARACTERS) for middle in middles)
    assert twin.wildcard_matches(pattern, text) is scanned
