"""The engine against its slow twin, and what holds for every policy and every request."""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import twin
from r2style_cors import Policy
from r2style_cors._origins import HOST_CHARACTERS, Wildcards
from support.doors import DOORS
from support.messages import Answer, Request, error_elements, list_items

if TYPE_CHECKING:
    from r2style_cors import Decision, Engine

SMALL = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LARGE = settings(SMALL, max_examples=600)

Rules: TypeAlias = list[dict[str, Any]]
FIVE = ["GET", "PUT", "POST", "DELETE", "HEAD"]

# Small pools over one alphabet, so that values match, nearly match, and match in several rules at once.
HOSTS = ["a.example", "b.a.example", "aa.example", "a.b", "localhost", "1.2.3.4", "-a.example"]
HOST_PATTERNS = ["*.a.example", "*a.example", "*-a.example", "a.*", "*", "b*.example", "a*a.example", "*.b"]
PORTS = ["", "", "", ":8080", ":1"]
SCHEMES = ["https", "https", "http"]
NAMES = ["x-a", "x-b", "content-type", "x-", "-a", "a"]
NAME_PATTERNS = ["*", "x-*", "*-a", "x*a", "X-B", "Content-Type"]
S3_PATTERNS = [
    "*",
    "*a.example",
    "https://*",
    "http://localhost:*",
    "",
    "https",
    "null",
    "A*",
    "*/",
    "https://a.example",
]
NEAR = "a.b-*/:@,X \x00\xe9"


def origins(hosts: list[str]) -> st.SearchStrategy[str]:
    """Origins over the pools."""
    return st.builds(
        lambda scheme, host, port: f"{scheme}://{host}{port}",
        st.sampled_from(SCHEMES),
        st.sampled_from(hosts),
        st.sampled_from(PORTS),
    )


OFTEN = st.sampled_from([True] * 8 + [False])
SELDOM = st.sampled_from([False] * 8 + [True])


@st.composite
def nearly(draw: st.DrawFn, value: str) -> str:
    """Mostly `value` as it is, else with one character put in, taken out or replaced."""
    kind = draw(st.sampled_from(["as it is"] * 6 + ["put in", "take out", "replace"]))
    if kind == "as it is":
        return value
    at = draw(st.integers(0, max(0, len(value) - 1)))
    middle = "" if kind == "take out" else draw(st.sampled_from(NEAR))
    return value[:at] + middle + value[at + (kind != "put in") :]


@st.composite
def rules_of(draw: st.DrawFn, patterns: st.SearchStrategy[str]) -> Rules:
    """One to five rules that share a few origins, methods and headers, so that several match one request."""

    def pool(values: st.SearchStrategy[str], most: int) -> st.SearchStrategy[str]:
        return st.sampled_from(draw(st.lists(values, min_size=1, max_size=most)))

    shared_origins = pool(patterns, 3)
    shared_methods = pool(st.sampled_from(FIVE), 3)
    shared_headers = pool(st.sampled_from(NAMES + NAME_PATTERNS), 4)
    rule = st.fixed_dictionaries(
        {
            "AllowedOrigins": st.lists(shared_origins, min_size=1, max_size=2),
            "AllowedMethods": st.lists(shared_methods, min_size=1, max_size=3),
            "AllowedHeaders": st.lists(shared_headers, max_size=3),
        },
        optional={
            "ExposeHeaders": st.lists(st.sampled_from(["ETag", "x-B", "ETag2"]), min_size=1, max_size=2),
            "MaxAgeSeconds": st.sampled_from([0, 1, 86400]),
        },
    )
    return draw(st.lists(rule, min_size=1, max_size=5))


R2_ORIGINS = st.one_of(st.just("*"), origins(HOSTS), origins(HOST_PATTERNS), st.just("HTTPS://A.Example"))
S3_ORIGINS = st.one_of(st.sampled_from(S3_PATTERNS), origins(HOSTS), origins(HOST_PATTERNS))
SAFE_ORIGINS = st.one_of(origins(HOSTS), st.just("https://*.a.example"))
EXTRA = st.sampled_from([(), ("PATCH",), ("PATCH", "PURGE"), ("PURGE", "PATCH")])


def r2_policies() -> st.SearchStrategy[tuple[Rules, twin.Options]]:
    """Policies under profile `r2`, with and without `star_always`."""
    options = st.builds(twin.Options, extra_methods=EXTRA, star_always=st.booleans(), credentials=st.none())
    return st.tuples(rules_of(R2_ORIGINS), options)


def credentialed_policies() -> st.SearchStrategy[tuple[Rules, twin.Options]]:
    """Policies that may be served with `credentials=True`."""
    options = st.builds(twin.Options, extra_methods=EXTRA, credentials=st.just(value=True))
    return st.tuples(rules_of(SAFE_ORIGINS), options)


def s3_policies() -> st.SearchStrategy[tuple[Rules, twin.Options]]:
    """Policies under profile `s3`."""
    options = st.builds(
        twin.Options,
        profile=st.just("s3"),
        extra_methods=EXTRA,
        star_always=st.booleans(),
        credentials=st.sampled_from([None, False]),
    )
    return st.tuples(rules_of(S3_ORIGINS), options)


POLICIES = st.one_of(r2_policies(), credentialed_policies(), s3_policies())

OTHER_ORIGINS = st.one_of(origins(HOSTS), st.sampled_from(["null", "", "https://[::1]", "https://a:0", "a, b"]))
OTHER_METHODS = st.sampled_from([*FIVE, "OPTIONS", "PATCH", "PURGE", "get", "GE", "GET ", "", "G,T", "*"])
MIDDLES = ["", "a", "a.b", "-", "x-", "/", ":8080", "b.a"]
SEPARATORS = [",", ",", ", ", ",\t,", " , x-a,"]


@st.composite
def origin_for(draw: st.DrawFn, rules: Rules) -> str:
    """An origin that one of the rules matches, or nearly, or that none has heard of."""
    pattern = draw(st.sampled_from(draw(st.sampled_from(rules))["AllowedOrigins"]))
    if pattern == "*" or draw(SELDOM):
        return draw(OTHER_ORIGINS)
    return draw(nearly(pattern.replace("*", draw(st.sampled_from(MIDDLES)))))


@st.composite
def method_for(draw: st.DrawFn, rules: Rules) -> str:
    """A method that one of the rules allows, or another."""
    if draw(SELDOM):
        return draw(OTHER_METHODS)
    methods: list[str] = draw(st.sampled_from(rules))["AllowedMethods"]
    return draw(st.sampled_from(methods))


@st.composite
def names_for(draw: st.DrawFn, rules: Rules) -> str:
    """A list of header names that the rules allow, or nearly."""
    patterns: list[str] = [pattern for rule in rules for pattern in rule["AllowedHeaders"]] or NAMES
    chosen = draw(st.lists(st.sampled_from(patterns), min_size=1, max_size=3))
    names = [name.replace("*", "a") for name in chosen]
    return draw(nearly(draw(st.sampled_from(SEPARATORS)).join(names)))


@st.composite
def one_or_more(draw: st.DrawFn, lines: st.SearchStrategy[str]) -> list[str]:
    """Mostly one line, sometimes several."""
    return draw(st.lists(lines, min_size=2, max_size=3)) if draw(SELDOM) else [draw(lines)]


@st.composite
def requests_for(draw: st.DrawFn, rules: Rules) -> twin.Lines:
    """A preflight or an actual request; any of its headers may be missing."""
    preflight = draw(st.booleans())
    method = "OPTIONS" if preflight else draw(method_for(rules))
    origin = [] if draw(SELDOM) else draw(one_or_more(origin_for(rules)))
    requested = draw(one_or_more(method_for(rules))) if draw(OFTEN if preflight else SELDOM) else []
    names = draw(one_or_more(names_for(rules))) if draw(st.booleans()) else []
    return twin.Lines(method, origin, requested, names)


Exchange: TypeAlias = tuple[Rules, twin.Options, list[twin.Lines]]


@st.composite
def exchanges(draw: st.DrawFn, most: int = 1) -> Exchange:
    """A policy, its options, and requests that have to do with it."""
    rules, options = draw(POLICIES)
    return rules, options, draw(st.lists(requests_for(rules), min_size=most, max_size=most))


def compile_rules(rules: Rules, options: twin.Options) -> Engine:
    """The engine for `rules`."""
    return Policy.parse(rules, profile=options.profile).compile(
        profile=options.profile,
        credentials=options.credentials,
        extra_methods=options.extra_methods,
        star_always=options.star_always,
    )


def joined(values: list[str]) -> str | None:
    """Several lines as the engine takes them."""
    return ", ".join(values) if values else None


def ask(engine: Engine, request: twin.Lines) -> Decision:
    """Ask the engine as a door does."""
    return engine.decide(
        request.method,
        joined(list(request.origin)),
        joined(list(request.request_method)),
        joined(list(request.request_headers)),
        size=sum(map(len, request.request_headers)),
    )


def verdict(decision: Decision) -> twin.Verdict:
    """The engine's decision in the twin's words; Vary of an answered preflight stands among its headers."""
    headers = {name.lower(): value for name, value in decision.headers}
    assert len(headers) == len(decision.headers), "no header comes twice"
    vary = decision.vary if decision.status is None else tuple(list_items([headers.get("vary", "")]))
    cors = {name: value for name, value in headers.items() if name.startswith("access-control-")}
    return twin.Verdict(decision.kind, decision.allowed, decision.reason, decision.rule, decision.status, cors, vary)


@LARGE
@given(exchanges())
def test_engine_equals_twin(exchange: Exchange) -> None:
    """Rules in a loop and the compiled engine answer every request alike."""
    rules, options, (request,) = exchange
    assert verdict(ask(compile_rules(rules, options), request)) == twin.answer(rules, options, request)


@SMALL
@given(exchanges(most=8), st.permutations(range(8)))
def test_decisions_do_not_depend_on_earlier_ones(exchange: Exchange, order: list[int]) -> None:
    """What an engine remembers never shows: in any order, twice over, the answers are those of a fresh engine."""
    rules, options, requests = exchange
    fresh = [verdict(ask(compile_rules(rules, options), request)) for request in requests]
    engine = compile_rules(rules, options)
    for index in [*order, *order]:
        assert verdict(ask(engine, requests[index])) == fresh[index]


PUBLIC: Exchange = (
    [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], "AllowedHeaders": []}],
    twin.Options(star_always=True),
    [twin.Lines("GET")],
)


@LARGE
@given(exchanges())
@example(PUBLIC)
def test_explain_decides_alike(exchange: Exchange) -> None:
    """`explain` gives the decision of `decide`, and a sentence of printable ASCII."""
    rules, options, (request,) = exchange
    engine = compile_rules(rules, options)
    origin, names = joined(list(request.origin)), joined(list(request.request_headers))
    requested = joined(list(request.request_method))
    explanation = engine.explain(request.method, origin, requested, names)
    assert explanation.decision == engine.decide(request.method, origin, requested, names)
    assert re.fullmatch(r"[\x20-\x7e]+", explanation.sentence)


TEXT = st.none() | st.text() | st.text(st.characters(max_codepoint=255))


@SMALL
@given(POLICIES, st.text() | OTHER_METHODS, TEXT, TEXT, TEXT)
@example(
    ([{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}], twin.Options()), "\ud800", "\ud800", "\ud800", "\ud800"
)
def test_decide_never_raises(
    policy: tuple[Rules, twin.Options], method: str, origin: str | None, requested: str | None, names: str | None
) -> None:
    """Any text gives a decision, lone surrogates and astral characters included, and its headers are encodable."""
    engine = compile_rules(*policy)
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


class DoorKeywords(TypedDict):
    """The keywords of one hostile setting."""

    policy: Rules
    options: dict[str, Any]


SETTINGS: dict[str, DoorKeywords] = {
    "any origin": {"policy": ANY_POLICY, "options": {}},
    "debug": {"policy": HOST_POLICY, "options": {"debug": True}},
    "s3 texts": {"policy": TEXT_POLICY, "options": {"profile": "s3"}},
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_nothing_reaches_a_header_unchecked(setting: str, door: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever bytes a request holds, headers keep to their grammars; bodies are XML; logs have no control bytes."""
    caplog.set_level(logging.DEBUG, logger="r2style_cors")
    keywords = SETTINGS[setting]

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
        response = DOORS[door](Answer(), keywords["policy"], keywords["options"], Request(method, headers))
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
        response = DOORS[door](answer, ANY_POLICY, options, request)
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
@given(PATTERNS, st.text("ab.:", max_size=12), st.sampled_from([HOST_CHARACTERS, None, "a."]))
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
    scanned = any(prefix + middle + suffix == text and set(middle) <= set(HOST_CHARACTERS) for middle in middles)
    assert twin.wildcard_matches(pattern, text) is scanned
