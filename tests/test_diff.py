"""`diff`: whether two policies mean the same, held against what their engines say of requests."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import r2style_cors
from r2style_cors import Difference, Policy, PolicyError, diff
from r2style_cors._desk.diff import GrantDifference, HeaderDifference

if TYPE_CHECKING:
    from r2style_cors import Decision, Engine
    from r2style_cors._profiles import ProfileName

Rules: TypeAlias = list[dict[str, Any]]
Asked: TypeAlias = tuple[str, str, tuple[str, ...]]

FEW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# One small alphabet, so that patterns meet, overlap and shadow each other.
HOSTS = ["a", "ab", "a.b", "b.a.b", "ab.b", "*", "a*", "*b", "*.b", "a*b", "ab*", "*a.b", "*.a.b", "a*.b"]
NAMES = ["x-a", "x-b", "X-A", "x-ab", "*", "x-*", "*-a", "x*b", "x-a*"]
MIDDLES = ["", "a", "b", ".", "ab", "a.b", "z"]
R2_ORIGINS = st.one_of(
    st.just("*"),
    st.builds(
        "{}://{}{}".format, st.sampled_from(["https", "http"]), st.sampled_from(HOSTS), st.sampled_from(["", "", ":81"])
    ),
)
S3_ORIGINS = st.one_of(
    R2_ORIGINS, st.sampled_from(["null", "n*", "*b", "A*", "https://a:*", "", "a b", "https", "\xe9*"])
)


def rules(origins: st.SearchStrategy[str], exposed: list[str]) -> st.SearchStrategy[Rules]:
    """One to four rules over small pools."""
    rule = st.fixed_dictionaries(
        {
            "AllowedOrigins": st.lists(origins, min_size=1, max_size=3),
            "AllowedMethods": st.lists(st.sampled_from(["GET", "PUT", "HEAD"]), min_size=1, max_size=2),
        },
        optional={
            "AllowedHeaders": st.lists(st.sampled_from(NAMES), min_size=1, max_size=3),
            "ExposeHeaders": st.lists(st.sampled_from(exposed), min_size=1, max_size=2),
            "MaxAgeSeconds": st.sampled_from([0, 60]),
        },
    )
    return st.lists(rule, min_size=1, max_size=4)


R2_RULES = rules(R2_ORIGINS, ["ETag", "etag", "x-b", "*"])
S3_RULES = rules(S3_ORIGINS, ["ETag", "etag", "x-b"])


@st.composite
def alike(draw: st.DrawFn, first: st.SearchStrategy[Rules]) -> tuple[Rules, Rules]:
    """Two policies that have most of their rules in common."""
    a = draw(first)
    b = [dict(rule) for rule in draw(st.one_of(st.permutations(a), st.just(a)))]
    if draw(st.booleans()):
        b[draw(st.integers(0, len(b) - 1))] = draw(first)[0]
    return a, b


@st.composite
def asked(draw: st.DrawFn, policies: tuple[Rules, Rules]) -> Asked:
    """An origin, a method and request headers that have to do with the policies."""
    every = [rule for policy in policies for rule in policy]
    origins = [origin for rule in every for origin in rule["AllowedOrigins"]]
    origin = draw(st.sampled_from([*origins, "null", "https://z.example", "a, b"])).replace(
        "*", draw(st.sampled_from(MIDDLES))
    )
    names = draw(st.lists(st.sampled_from(NAMES), max_size=3))
    headers = tuple(name.replace("*", draw(st.sampled_from(MIDDLES))).replace(".", "") for name in names)
    return origin, draw(st.sampled_from(["GET", "PUT", "HEAD", "DELETE", "PATCH"])), headers


def decisions(engine: Engine, request: Asked) -> tuple[Decision, Decision]:
    """What the engine says to the preflight and to the actual request."""
    origin, method, headers = request
    return (
        engine.decide("OPTIONS", origin, method, ", ".join(headers) or None),
        engine.decide(method, origin, None, ", ".join(headers) or None),
    )


def meaning(decision: Decision) -> tuple[Any, ...]:
    """A decision without what no browser can tell apart, and without what only a person reads of a refusal."""
    if not decision.allowed:
        return (decision.kind, False)
    headers: dict[str, Any] = dict(decision.headers)
    for name in ("Access-Control-Allow-Methods", "Access-Control-Expose-Headers"):
        if name in headers:
            headers[name] = frozenset(headers[name].lower().split(", "))
    return (decision.kind, True, headers)


def unlike(engines: tuple[Engine, Engine], request: Asked) -> bool:
    """Whether the engines answer the preflight or the actual request differently."""
    one, other = (decisions(engine, request) for engine in engines)
    return [meaning(decision) for decision in one] != [meaning(decision) for decision in other]


def compiled(policies: tuple[Rules, Rules], profile: ProfileName) -> tuple[Engine, Engine]:
    """The engines of two policies."""
    one, other = (Policy.parse(policy, profile).compile(profile, credentials=False) for policy in policies)
    return one, other


def compare(a: Rules, b: Rules, profile: ProfileName = "r2") -> Difference:
    """`diff` of two policies written as rules."""
    return diff(Policy.parse(a, profile), Policy.parse(b, profile), profile=profile)


def requests(one: GrantDifference | HeaderDifference) -> list[Asked]:
    """Every request that a difference speaks of."""
    return [(origin, method, one.request_headers) for origin, method in product(one.origins, one.methods)]


def confirm_grant(engines: tuple[Engine, Engine], one: GrantDifference) -> None:
    """One engine grants every request of the difference, by the rule it names; the other none."""
    granting, refusing = engines if one.only == "a" else engines[::-1]
    for request in requests(one):
        assert not decisions(refusing, request)[0].allowed
        preflight = decisions(granting, request)[0]
        assert (preflight.allowed, preflight.rule) == (True, one.rule)


def confirm_header(engines: tuple[Engine, Engine], one: HeaderDifference) -> None:
    """Both engines grant every request of the difference, by the rules it names, with the values it names."""
    exposed = one.header == "Access-Control-Expose-Headers"
    for request in requests(one):
        for engine, rule, value in zip(engines, one.rules, (one.a, one.b), strict=True):
            decision = decisions(engine, request)[exposed]
            expected = request[0] if value == "the request's origin" else value
            assert (decision.allowed, decision.rule) == (True, rule)
            assert dict(decision.headers).get(one.header) == expected


@pytest.mark.parametrize(("profile", "policies"), [("r2", alike(R2_RULES)), ("s3", alike(S3_RULES))], ids=["r2", "s3"])
def test_differences_are_what_the_engines_say(
    profile: ProfileName, policies: st.SearchStrategy[tuple[Rules, Rules]]
) -> None:
    """Every difference is confirmed by both engines, and no sampled request differs where `diff` finds nothing."""

    @given(st.data())
    @FEW
    def holds(data: st.DataObject) -> None:
        two = data.draw(policies)
        engines = compiled(two, profile)
        found = compare(*two, profile)
        for grant in found.grants:
            confirm_grant(engines, grant)
        for header in found.headers:
            confirm_header(engines, header)
        for request in data.draw(st.lists(asked(two), min_size=20, max_size=20)):
            one, other = (decisions(engine, request)[0].allowed for engine in engines)
            assert one == other or found.grants, request
            assert found or not unlike(engines, request), request

    holds()


@st.composite
def rewritten(draw: st.DrawFn) -> tuple[Rules, Rules]:
    """A policy, and the same in other words: lists reordered and doubled, rules split and repeated, names respelt."""
    a = draw(R2_RULES)
    b: Rules = []
    for rule in a:
        other = {
            name: draw(st.permutations(value)) if isinstance(value, list) else value for name, value in rule.items()
        }
        other["AllowedHeaders"] = [name.swapcase() for name in other.get("AllowedHeaders", [])] * 2
        other["ExposeHeaders"] = [name.upper() for name in other.get("ExposeHeaders", [])]
        other["ID"] = draw(st.sampled_from(["one", "two"]))
        halves = [other]
        if "*" not in other["AllowedOrigins"]:  # else one half would echo the origin that the other does not
            halves = [{**other, "AllowedOrigins": [origin]} for origin in other["AllowedOrigins"]]
        b += [{name: value for name, value in half.items() if value != []} for half in halves]
    return a, b + draw(st.lists(st.sampled_from(b), max_size=2))


@given(rewritten())
@FEW
def test_other_words_for_the_same_are_no_difference(policies: tuple[Rules, Rules]) -> None:
    """Order, repeats, split rules, shadowed rules, ids and the case of header names mean nothing."""
    a, b = policies
    assert (compare(a, b), compare(b, a)) == (Difference((), ()), Difference((), ()))


BASE = {"AllowedOrigins": ["https://app.example.com"], "AllowedMethods": ["GET"]}
APP = ("https://app.example.com",)


def rule(**changes: Any) -> dict[str, Any]:
    """The base rule with changes."""
    return {**BASE, **changes}


CASES: list[Any] = [
    pytest.param([rule()], [rule()], Difference((), ()), id="same"),
    pytest.param(
        [rule()],
        [rule(AllowedOrigins=["https://new.example.com"])],
        Difference(
            (
                GrantDifference("a", 0, APP, ("GET",), ()),
                GrantDifference("b", 0, ("https://new.example.com",), ("GET",), ()),
            ),
            (),
        ),
        id="origin-exchanged",
    ),
    pytest.param(
        [rule()],
        [rule(AllowedOrigins=["https://*.example.com"])],
        Difference((GrantDifference("b", 0, ("https://www.example.com",), ("GET",), ()),), ()),
        id="wildcard-host-instead-of-one-of-its-origins",
    ),
    pytest.param(
        [rule(AllowedOrigins=["*"])],
        [rule(AllowedOrigins=["https://*", "http://*"])],
        Difference(
            (GrantDifference("a", 0, ("app0://unlisted.example",), ("GET",), ()),),
            (
                HeaderDifference(
                    "Access-Control-Allow-Origin",
                    "*",
                    "the request's origin",
                    (0, 0),
                    ("https://unlisted.example",),
                    ("GET",),
                    (),
                ),
            ),
        ),
        id="star-or-every-host",
    ),
    pytest.param(
        [rule(AllowedHeaders=["x-a", "x-b"])],
        [rule(AllowedHeaders=["x-a"]), rule(AllowedHeaders=["x-b"])],
        Difference((GrantDifference("a", 0, APP, ("GET",), ("x-a", "x-b")),), ()),
        id="headers-only-together",
    ),
    pytest.param(
        [rule(AllowedHeaders=["x-amz-*"])],
        [rule(AllowedHeaders=["*"])],
        Difference((GrantDifference("b", 0, APP, ("GET",), ("x-unlisted",)),), ()),
        id="header-that-no-rule-names",
    ),
    pytest.param(
        [rule(MaxAgeSeconds=60, ExposeHeaders=["ETag"])],
        [rule(ExposeHeaders=["x-b", "etag"])],
        Difference(
            (),
            (
                HeaderDifference("Access-Control-Expose-Headers", "ETag", "x-b, etag", (0, 0), APP, ("GET",), ()),
                HeaderDifference("Access-Control-Max-Age", "60", None, (0, 0), APP, ("GET",), ()),
            ),
        ),
        id="max-age-and-exposed-headers",
    ),
    pytest.param(
        [rule(), rule(AllowedHeaders=["x-a"], MaxAgeSeconds=60, ExposeHeaders=["ETag"])],
        [rule(), rule(AllowedHeaders=["x-a"], MaxAgeSeconds=61, ExposeHeaders=["x-b"])],
        Difference((), (HeaderDifference("Access-Control-Max-Age", "60", "61", (1, 1), APP, ("GET",), ("x-a",)),)),
        id="exposed-headers-of-a-rule-that-no-actual-request-reaches",
    ),
    pytest.param(
        [rule(AllowedMethods=["GET", "PUT"])],
        [rule(AllowedMethods=["GET"])],
        Difference(
            (GrantDifference("a", 0, APP, ("PUT",), ()),),
            (HeaderDifference("Access-Control-Allow-Methods", "GET, PUT", "GET", (0, 0), APP, ("GET",), ()),),
        ),
        id="method-less",
    ),
]


@pytest.mark.parametrize(("a", "b", "expected"), CASES)
def test_what_is_told(a: Rules, b: Rules, expected: Difference) -> None:
    """Differences are few, and name the fewest headers, the rules, and every listed origin."""
    found = compare(a, b)
    assert found == expected
    assert bool(found) == (expected != Difference((), ()))


@pytest.mark.parametrize(("a", "b", "expected"), CASES)
def test_other_way_round(a: Rules, b: Rules, expected: Difference) -> None:
    """With the policies exchanged the same differences are told, with their sides exchanged."""
    found = compare(b, a)
    other: dict[str, Literal["a", "b"]] = {"a": "b", "b": "a"}
    assert {(other[one.only], one.rule, frozenset(one.origins)) for one in found.grants} == {
        (one.only, one.rule, frozenset(one.origins)) for one in expected.grants
    }
    assert [(one.header, one.b, one.a) for one in found.headers] == [
        (one.header, one.a, one.b) for one in expected.headers
    ]


def test_many_origins_of_one_cause_are_one_difference() -> None:
    """Origins that differ for the same reason are told together, all that are listed."""
    origins = [f"https://tenant{number}.example.com" for number in range(100)]
    found = compare([rule(AllowedOrigins=origins)], [rule(AllowedOrigins=origins, AllowedMethods=["GET", "HEAD"])])
    assert [[len(one.origins) for one in found.grants], [len(one.origins) for one in found.headers]] == [[100], [100]]


def test_scheme_that_is_taken_is_no_stranger() -> None:
    """The origin that stands for all that no rule lists is one that no rule lists, whatever the rules list."""
    taken = ["https://unlisted.example", "https://*.example.com", "app0://unlisted.example"]
    found = compare([rule(AllowedOrigins=["*"])], [rule(AllowedOrigins=["*"]), rule(AllowedOrigins=taken)])
    assert not found
    (grant,) = compare([rule(AllowedOrigins=["*", *taken])], [rule(AllowedOrigins=taken)]).grants
    assert grant.origins == ("https://app",)
    taken[1] = "https://*"
    (grant,) = compare([rule(AllowedOrigins=["*", *taken])], [rule(AllowedOrigins=taken)]).grants
    assert grant.origins == ("app1://unlisted.example",)


def test_the_profile_judges_both() -> None:
    """A policy that only `s3` accepts is refused under `r2`, and compared under `s3`."""
    wide = Policy.parse([rule(AllowedOrigins=["http://localhost:*"])], "s3")
    with pytest.raises(PolicyError, match="origin-port-wildcard"):
        diff(wide, wide)
    assert not diff(wide, wide, profile="s3")
    with pytest.raises(ValueError, match="profile"):
        diff(wide, wide, profile="minio")  # type: ignore[arg-type]  # the wrong name is what is tested


def test_diff_is_importable_from_the_package() -> None:
    """The command's function and its result are the package's."""
    assert {"diff", "Difference"} <= set(r2style_cors.__all__)
