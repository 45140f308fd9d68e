"""What an engine keeps between requests, how much it looks at, and how it explains itself."""

from __future__ import annotations

import copy
import pickle
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from r2style_cors import Policy, _engine
from r2style_cors._engine import MAX_REMEMBERED, MAX_REQUEST_HEADERS, requested_names
from r2style_cors._profiles import PROFILES, profile_named
from r2style_cors._text import MAX_SHOWN, error_xml, shown
from support.doors import DOORS
from support.messages import Answer, Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from r2style_cors import Decision, Engine
    from r2style_cors._profiles import ProfileName
    from support.doors import Ask
    from support.messages import Response

ORIGIN = "https://app.example"
RULES: list[dict[str, Any]] = [
    {"AllowedOrigins": [ORIGIN], "AllowedMethods": ["GET"], "AllowedHeaders": ["x-a"], "ID": "pages"},
    {"AllowedOrigins": ["https://*.example", "*"], "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["x-*", "y"]},
]
R2 = Policy.parse(RULES).compile()

NAMES: list[tuple[str, str | None, list[str] | None]] = [
    ("absent", None, []),
    ("empty", "", []),
    ("lower-cased", "X-A", ["x-a"]),
    ("in the order asked", "b,a", ["b", "a"]),
    ("once each", "a,b,A", ["a", "b"]),
    ("white space around", " a\t,\t b ", ["a", "b"]),
    ("white space makes no second name", "a, a", ["a"]),
    ("empty items", ",,a, ,\t,b,", ["a", "b"]),
    ("only empty items", " , ,", []),
    ("every character of a token", "!#$%&'*+-.^_`|~09az", ["!#$%&'*+-.^_`|~09az"]),
    ("more white space around", "  a  ,  b  ", ["a", "b"]),
    ("a space inside", "a b", None),
    ("two inside", "x ,a  b", None),
    ("a tab inside, beside a good one", "x,a\tb", None),
    ("a line break", "a\r\nb", None),
    ("a vertical tab around", "\x0ba", None),
    ("a colon", "a:b", None),
    ("quotes", '"a"', None),
    ("a no-break space around", "\xa0a", None),
    ("a letter whose lower case is ASCII", "\u212a", None),
    ("a lone surrogate", "\udc80", None),
    ("as long as may be", "a" * MAX_REQUEST_HEADERS, ["a" * MAX_REQUEST_HEADERS]),
    ("longer", "a" * (MAX_REQUEST_HEADERS + 1), None),
]


@pytest.mark.parametrize(("value", "names"), [case[1:] for case in NAMES], ids=[case[0] for case in NAMES])
def test_requested_names(value: str | None, names: list[str] | None) -> None:
    """3.5, 3.6: the names of Access-Control-Request-Headers, or None where there is something else in it."""
    assert requested_names(value) == names


def test_joiners_are_free() -> None:
    """3.6: where the lines were joined, their own bytes count, and not what joins them."""
    lines = ["a" * 1023] * 8
    value = ", ".join(lines)
    assert len(value) > MAX_REQUEST_HEADERS > sum(map(len, lines))
    assert requested_names(value) is None
    assert requested_names(value, sum(map(len, lines))) == ["a" * 1023]
    assert requested_names("a", MAX_REQUEST_HEADERS + 1) is None


FIRSTS = [f"{letter}-*" for letter in "abcdefghijk"]
LISTS: list[tuple[str, list[list[str]], str, int | None]] = [
    ("one pattern", [["x-*"]], "x-a,x-b", 0),
    ("not one of it", [["x-*"]], "x-a,y", None),
    ("its beginning inside a name", [["x-*"]], "a-x-b", None),
    ("a pattern within a pattern", [["x-*", "x-amz-*"]], "x-amz-a,x-b", 0),
    ("which does not count twice", [["x-*", "x-amz-*"]], "x-amz-a,y", None),
    ("a name within a pattern", [["x-*", "x-a", "y"]], "x-a,y,x-b", 0),
    ("which does not count twice either", [["x-*", "x-a"]], "x-a,y", None),
    ("a pattern that ends in more", [["x-*", "*-id", "x-*-z"]], "x-a,b-id,x-id,x-a-z", 0),
    ("not one of them", [["x-*", "*-id"]], "x-a,b-id,b-i", None),
    ("many patterns", [FIRSTS], "a-1,e-1,k-1", 0),
    ("none of the many", [FIRSTS], "a-1,l-1", None),
    ("the second rule", [["x-*"], ["*"]], "x-a,y", 1),
    ("the third rule", [["x-*"], ["y-*"], ["x-*", "y-*", "z"]], "x-a,y-a,z", 2),
    ("no rule alone", [["x-*"], ["y-*", "*-z"]], "x-a,y-a", None),
]


@pytest.mark.parametrize(("rules", "asked", "rule"), [case[1:] for case in LISTS], ids=[case[0] for case in LISTS])
def test_all_names_of_one_rule(rules: list[list[str]], asked: str, rule: int | None) -> None:
    """3.1, 3.5: the first rule is chosen that allows all the names, however its patterns overlap."""
    engine = Policy.parse(
        [{"AllowedOrigins": [ORIGIN], "AllowedMethods": ["PUT"], "AllowedHeaders": names} for names in rules]
    ).compile()
    decision = engine.decide("OPTIONS", ORIGIN, "PUT", asked)
    assert (decision.rule if decision.allowed else None) == rule


LONG = "a" * (MAX_REMEMBERED + 1)


def flood(count: int, *, long: bool) -> Iterator[Request]:
    """Requests of which no two are alike, each of its parts different in turn, short or long."""
    for number in range(count):
        part = f"{LONG if long else 'x-'}{number}"
        for method, values in (("GET", (f"https://{part}.example",)), (part, (ORIGIN,)), ("GET", (part,)),
                               ("OPTIONS", (f"https://{part}", "GET")), ("OPTIONS", (ORIGIN, part)),
                               ("OPTIONS", (ORIGIN, "PUT", part)), ("OPTIONS", (ORIGIN, part, part))):  # fmt: skip
            names = ("Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers")
            yield Request(method, tuple(zip(names, values, strict=False)))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> int:
    """The room of a memo, made small."""
    monkeypatch.setattr(_engine, "MAX_MEMO", 50)
    return 50


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("profile", PROFILES)
def test_memory_is_flat(profile: ProfileName, door: str, small: int) -> None:
    """8: a flood of requests that are all different leaves a bounded number of decisions behind, and no long one."""
    engine = Policy.parse(RULES, profile).compile(profile)
    ask = DOORS[door](Answer(), engine, {})
    send(ask, flood(2 * small, long=False))
    kept = remembered(engine)
    assert 0 < len(kept) <= 2 * small, "of GET and of OPTIONS"
    send(ask, flood(2 * small, long=True))
    assert remembered(engine) == kept, "what is long is not remembered"


def send(ask: Ask, requests: Iterable[Request]) -> None:
    """Send all of `requests`."""
    for request in requests:
        ask(request)


def remembered(engine: Engine) -> set[Any]:
    """What an engine remembers decisions by."""
    memos = (engine.memo, engine.raw_memo)
    actual = {(method, origin) for memo in memos for method, origins in memo.actual.items() for origin in origins}
    preflights = {
        (origin, method, names)
        for memo in memos
        for origin, methods in memo.preflights.items()
        for method, headers in methods.items()
        for names in headers
    }
    unlisted = {(origin, method) for memo in memos for origin, methods in memo.unlisted.items() for method in methods}
    return actual | preflights | unlisted


def test_listed_origins_are_all_remembered(small: int) -> None:
    """A policy that lists more origins than a memo holds gets a larger one, up to a bound."""
    origins = [f"https://o{number}.example" for number in range(2 * small)]
    engine = Policy.parse([{"AllowedOrigins": origins, "AllowedMethods": ["GET"]}]).compile()
    send(DOORS["wsgi"](Answer(), engine, {}), (Request("GET", (("Origin", origin),)) for origin in origins))
    assert remembered(engine) == {("GET", origin) for origin in origins}


def test_preflights_are_all_remembered() -> None:
    """One preflight does not push out another, while there is room."""
    engine = Policy.parse(RULES[:1]).compile()
    unlisted = "https://b.example"
    asked = [(origin, method) for origin in (ORIGIN, unlisted) for method in ("GET", "PUT")]
    names = ("Origin", "Access-Control-Request-Method")
    requests = (Request("OPTIONS", tuple(zip(names, one, strict=True))) for one in asked)
    send(DOORS["wsgi"](Answer(), engine, {}), requests)
    assert remembered(engine) == {(ORIGIN, "GET", None), (ORIGIN, "PUT", None), (unlisted, "GET"), (unlisted, "PUT")}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("profile", PROFILES)
def test_an_unlisted_origin_is_refused_for_its_own_reason(profile: ProfileName, door: str) -> None:
    """8.3: what an origin that no rule matches was told once is not told where another test has failed."""
    line, names = "Access-Control-Request-Method", "Access-Control-Request-Headers"
    more: list[tuple[tuple[str, str], ...]] = [(), *(((names, value),) for value in ("x-a", "(", LONG))]
    asked = [
        Request("OPTIONS", (("Origin", "https://b.example"), *((line, method) for method in methods), *one))
        for methods in (["PUT"], [], ["("], [""], ["put"], ["PUT", "GET"])
        for one in more
    ]

    def answers(requests: list[Request]) -> list[Response]:
        return [*map(DOORS[door](Answer(), RULES[:1], {"profile": profile, "debug": True}), requests)]

    alone = [answers([request])[0] for request in asked]
    assert answers(asked + asked) == alone + alone


WINNERS: list[tuple[str, list[list[str]], str, int]] = [
    ("a pattern of the second rule alone", [["x-a"], ["y-*"]], "y-1", 1),
    ("a name that an earlier pattern matches", [["x-*"], ["x-a"]], "x-a", 0),
    ("a name that a later pattern matches", [["x-a"], ["x-*"]], "x-a", 0),
    ("a name and a pattern, in one rule only", [["x-*"], ["y"], ["x-*", "y"]], "x-1, y", 2),
    ("a star after a pattern", [["x-*"], ["*"]], "x-1, y", 1),
]


@pytest.mark.parametrize(("lists", "names", "rule"), [case[1:] for case in WINNERS], ids=[case[0] for case in WINNERS])
def test_the_first_rule_that_allows_every_name(lists: list[list[str]], names: str, rule: int) -> None:
    """3.1: of the rules of one origin and method, the first wins whose names and patterns allow all that is requested."""
    rules = [{"AllowedOrigins": [ORIGIN], "AllowedMethods": ["GET"], "AllowedHeaders": one} for one in lists]
    assert Policy.parse(rules).compile().decide("OPTIONS", ORIGIN, "GET", names).rule == rule


@pytest.mark.parametrize("pattern", ["#*", "x-*", "*#"])
def test_patterns_of_header_names(pattern: str) -> None:
    """2, 3.5: a `*` stands in a name beside any of a token's characters, also those that sort before it."""
    engine = Policy.parse(
        [{"AllowedOrigins": [ORIGIN], "AllowedMethods": ["GET"], "AllowedHeaders": [pattern]}]
    ).compile()
    asked = [engine.decide("OPTIONS", ORIGIN, "GET", name).allowed for name in (pattern.replace("*", "y"), "z")]
    assert asked == [True, False]


def test_unions_of_patterns_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Origins that several patterns match share what those give together; only so many unions are kept."""
    monkeypatch.setattr(_engine, "MAX_MEMO", 3)
    letters = "abcdef"
    rules = [
        {
            "AllowedOrigins": [f"https://{letter}*", f"https://*{letter}"],
            "AllowedMethods": ["GET"],
            "ExposeHeaders": [letter],
        }
        for letter in letters
    ]
    engine = Policy.parse(rules).compile()
    for first in letters:
        for last in letters:
            decisions = [engine.decide("GET", f"https://{first}-{middle}-{last}") for middle in "xy"]
            assert {decision.rule for decision in decisions} == {letters.index(min(first, last))}
            assert len(engine._unions) <= 3  # noqa: SLF001 - what is remembered shows nowhere else


def test_patterns_of_one_rule_need_no_union() -> None:
    """An origin that several patterns match, all of the same rules, has what each of them gives."""
    rules = [{"AllowedOrigins": ["https://*.a.example", "https://x.*", "https://*.example"], "AllowedMethods": ["GET"]}]
    engine = Policy.parse(rules).compile()
    assert engine.decide("GET", "https://x.a.example").rule == 0
    assert engine._unions == {}  # noqa: SLF001 - the same


def test_requests_that_ask_the_same_share_a_decision() -> None:
    """A refused actual request and one without Origin make no new decision, whoever asks."""
    engine = Policy.parse(RULES[:1]).compile()
    assert engine.decide("PUT", ORIGIN) is engine.decide("DELETE", ORIGIN)
    assert engine.decide("GET", "https://a.other") is engine.decide("PUT", "https://b.other")
    assert engine.decide("GET", None) is engine.decide("POST", "")


DECISIONS = [
    R2.decide("GET", None),
    R2.decide("GET", ORIGIN),
    R2.decide("OPTIONS", "https://b.example", "PUT", "x-b, Y"),
    R2.decide("OPTIONS", "https://b.example", "DELETE"),
]


def pickled(decision: Decision) -> Decision:
    """The decision, through bytes and back."""
    again: Decision = pickle.loads(pickle.dumps(decision))  # noqa: S301 - its own bytes
    return again


@pytest.mark.parametrize("twin", [copy.copy, copy.deepcopy, pickled])
@pytest.mark.parametrize("decision", DECISIONS, ids=lambda decision: f"{decision.kind} {decision.reason}")
def test_a_decision_can_be_copied(decision: Decision, twin: Any) -> None:
    """A copy is equal, has all that the doors need, and cannot be changed either."""
    again = twin(decision)
    assert again == decision
    assert (again.extra, again.raw_extra, again.raw_headers) == (
        decision.extra,
        decision.raw_extra,
        decision.raw_headers,
    )
    with pytest.raises(AttributeError, match=r"^Decision is immutable: headers cannot be set$"):
        again.headers = ()


def test_a_decision_says_all_that_matters() -> None:
    """Decisions are equal where all of them is, whoever made them; a decision's text says what it is."""
    for one, other in product(DECISIONS, repeat=2):
        assert (one == other) is (one is other)
    again = Policy.parse(RULES).compile().decide("GET", ORIGIN)
    assert (again, hash(again)) == (DECISIONS[1], hash(DECISIONS[1]))
    assert again != "a decision"
    assert repr(again) == (
        "Decision(kind='actual', allowed=True, reason='allowed', rule=0, status=None, "
        "headers=(('Access-Control-Allow-Origin', 'https://app.example'),), vary=('Origin',))"
    )
    assert (DECISIONS[3].status, DECISIONS[3].body[:7], DECISIONS[3].vary[0]) == (403, b"<Error>", "Origin")


ARGUMENTS: list[tuple[Any, ...]] = [
    ("", None),
    ("", ""),
    ("\x00", "\x00", "\x00", "\x00"),
    ("OPTIONS", "\udc80", "\udc80", "\udc80"),
    ("OPTIONS", ORIGIN, "\ud83d\ude00", None),
    ("OPTIONS", ORIGIN, "PUT", "\U0001f600"),
    ("OPTIONS", "https://\U0001f600.example", "PUT", None),
    ("OPTIONS", "a" * 10**6, "b" * 10**6, "c" * 10**6),
    ("OPTIONS", ORIGIN, "PUT", "," * MAX_REQUEST_HEADERS),
    ("OPTIONS", ORIGIN, "PUT", "x", 10**9),
    ("OPTIONS", ORIGIN, "PUT", None, 0),
]


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=lambda arguments: ascii(arguments)[:50])
@pytest.mark.parametrize("profile", PROFILES)
def test_no_strings_make_it_raise(profile: ProfileName, arguments: tuple[Any, ...]) -> None:
    """8.1, 8.2: any strings give a decision, also such as no server delivers, and an explanation in printable ASCII."""
    engine = Policy.parse(RULES, profile).compile(profile)
    decision = engine.decide(*arguments)
    explanation = engine.explain(*arguments)
    assert explanation.decision == decision
    assert explanation.sentence.isascii()
    assert explanation.sentence.isprintable()
    assert decision.raw_headers == tuple((name.lower().encode(), value.encode()) for name, value in decision.headers)


SENTENCES: list[tuple[str, tuple[Any, ...], str]] = [
    ("no Origin", ("GET", None), "The request has no Origin: it is no CORS request."),
    ("allowed by an id", ("GET", ORIGIN), "Rule 0 (pages) allows it."),
    ("allowed by a number", ("PUT", ORIGIN), "Rule 1 allows it."),
    (
        "method",
        ("DELETE", ORIGIN),
        f"Rule 0 (pages) lists the origin {ORIGIN}, but no rule that does allows the method DELETE.",
    ),
    (
        "headers",
        ("OPTIONS", ORIGIN, "PUT", "z, X-B, w"),
        f"Rule 1 lists the origin {ORIGIN} and the method PUT, but its AllowedHeaders lacks: z, w.",
    ),
    (
        "malformed method",
        ("OPTIONS", ORIGIN, "a b\n"),
        "Access-Control-Request-Method is no single method: a b\\x0a",
    ),
    (
        "malformed names",
        ("OPTIONS", ORIGIN, "PUT", "a b"),
        "Access-Control-Request-Headers is no list of header names: a b",
    ),
    (
        "long names",
        ("OPTIONS", ORIGIN, "PUT", "a" * 8193),
        "Access-Control-Request-Headers has more than 8192 bytes.",
    ),
]


@pytest.mark.parametrize(
    ("arguments", "sentence"), [case[1:] for case in SENTENCES], ids=[case[0] for case in SENTENCES]
)
def test_sentences(arguments: tuple[Any, ...], sentence: str) -> None:
    """An explanation is one sentence that names the rule, the test that failed, and the values."""
    assert R2.explain(*arguments).sentence == sentence


def test_an_unlisted_origin_is_told_the_nearest() -> None:
    """The sentence on an unlisted origin names the listed one that is spelt most like it, and its rule."""
    rules = [{"AllowedOrigins": [origin], "AllowedMethods": ["GET"]} for origin in ("https://b.example", ORIGIN)]
    explanation = Policy.parse(rules).compile().explain("GET", ORIGIN + "s")
    assert explanation.sentence == (f"No rule lists the origin {ORIGIN}s. Nearest is rule 1, which lists {ORIGIN}.")


def test_a_malformed_origin_is_told() -> None:
    """An Origin outside the grammar is told as such, escaped and cut."""
    explanation = Policy.parse(RULES[:1]).compile().explain("GET", "https://a.example/\x00" + "a" * 500)
    head = "Origin is no serialized origin: "
    assert explanation.sentence.startswith(f"{head}https://a.example/\\x00aaa")
    assert len(explanation.sentence) == len(head) + MAX_SHOWN


def test_every_rule_says_why() -> None:
    """Each rule tells whether it lists the origin, the method, and each of the requested headers."""
    explanation = R2.explain("OPTIONS", ORIGIN, "PUT", "x-b, Y, z")
    first, second = explanation.rules
    assert (first.index, first.id, first.origin, first.method) == (0, "pages", True, False)
    assert (second.index, second.id, second.origin, second.method) == (1, None, True, True)
    assert [(why.name, why.allowed) for why in first.headers] == [("x-b", False), ("y", False), ("z", False)]
    assert [(why.name, why.allowed) for why in second.headers] == [("x-b", True), ("y", True), ("z", False)]


def test_an_explanation_has_the_headers_as_they_go_out() -> None:
    """Of a preflight they are the whole answer's, of an actual request those that are added, Vary included."""
    preflight = R2.explain("OPTIONS", ORIGIN, "GET")
    assert preflight.headers == preflight.decision.headers
    assert [name for name, _ in preflight.headers].count("Vary") == 1
    assert R2.explain("GET", ORIGIN).headers == (("Access-Control-Allow-Origin", ORIGIN), ("Vary", "Origin"))
    assert R2.explain("GET", None).headers == (("Vary", "Origin"),)


S3_ACTUAL = [
    ("x-a", "allowed", "Rule 0 (pages) allows it."),
    ("x-a, x-b", "headers", "but its AllowedHeaders lacks: x-b."),
    ("a b", "malformed", "is no list of header names: a b"),
]


@pytest.mark.parametrize(("names", "reason", "end"), S3_ACTUAL, ids=[case[0] for case in S3_ACTUAL])
def test_s3_tells_of_an_actual_request_s_headers(names: str, reason: str, end: str) -> None:
    """6: under `s3` Access-Control-Request-Headers takes part in an actual request, and is told where it fails."""
    explanation = Policy.parse(RULES[:1], "s3").compile("s3").explain("GET", ORIGIN, None, names)
    assert (explanation.decision.kind, explanation.decision.reason) == ("actual", reason)
    assert explanation.sentence.endswith(end)


@pytest.mark.parametrize(
    "arguments", [("GET", ORIGIN, None, "z"), ("OPTIONS", ORIGIN, "GET", "z")], ids=["actual", "preflight"]
)
def test_the_first_of_the_furthest_rules_is_named(arguments: tuple[Any, ...]) -> None:
    """8.3: where several rules fail at the headers, the first of them is named, also to an actual request of `s3`."""
    decision = Policy.parse(RULES, "s3").compile("s3").decide(*arguments)
    assert (decision.reason, decision.rule) == ("headers", 0)


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"])
def test_s3_refuses_what_it_knows(method: str) -> None:
    """6: under `s3` a method that no rule lists is a refusal, if it is one of the five or an extra one, and no bad request."""
    engine = Policy.parse([{"AllowedOrigins": [ORIGIN], "AllowedMethods": ["GET"]}], "s3").compile(
        "s3", extra_methods=("PATCH",)
    )
    assert engine.decide("OPTIONS", "https://other.example", method).status == 403
    assert engine.decide("OPTIONS", "https://other.example", f"X{method}").status == 400


@pytest.mark.parametrize("profile", ["", "R2", "gcs", None, [], {}], ids=str)
def test_no_such_profile(profile: Any) -> None:
    """A profile that does not exist is a ValueError that names the two, whatever it is."""
    with pytest.raises(ValueError, match="it must be 'r2' or 's3'"):
        profile_named(profile)


SHOWN = [
    ("printable", " a~", " a~"),
    ("control bytes", "\x00\x1f\x7f\r\n", "\\x00\\x1f\\x7f\\x0d\\x0a"),
    ("8-bit", "\x80\xff", "\\x80\\xff"),
    ("beyond latin-1", "\u20ac\U0001f600\udc80", "\\u20ac\\U0001f600\\udc80"),
    ("cut", "a" * 201, "a" * 200),
    ("cut after it is escaped", "\x00" * 200, "\\x00" * 50),
]


@pytest.mark.parametrize(("value", "text"), [case[1:] for case in SHOWN], ids=[case[0] for case in SHOWN])
def test_shown(value: str, text: str) -> None:
    """4.3, 8.2: what is shown of a value is printable ASCII, and never more than 200 characters."""
    assert shown(value) == text


def test_error_xml() -> None:
    """4.3: the values in an error document are escaped, its elements in their order."""
    assert error_xml("A", "<&>", ("Method", "é")) == (
        b"<Error><Code>A</Code><Message>&lt;&amp;&gt;</Message><Method>&#233;</Method></Error>"
    )
