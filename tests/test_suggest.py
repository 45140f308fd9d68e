"""The smallest change: what it adds and to which rule, what no file can grant, and that it is true."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import r2style_cors
from r2style_cors import Policy, PolicyError
from r2style_cors._desk.explain import explain
from r2style_cors._desk.suggest import Suggestion, suggest
from support.cases import Case, load_cases

A, B, C = "https://a.example", "https://b.example", "https://c.example"


def rule(origins: list[str], methods: str, headers: str = "", **more: Any) -> dict[str, Any]:
    """One dashboard rule; methods and headers are separated by spaces."""
    listed = {"AllowedHeaders": headers.split()} if headers else {}
    return {"AllowedOrigins": origins, "AllowedMethods": methods.split(), **listed, **more}


def suggested(rules: list[dict[str, Any]], origin: str, method: str, headers: str = "", **more: Any) -> Suggestion:
    """The suggestion that there has to be."""
    profile = more.get("profile", "r2")
    found = suggest(Policy.parse(rules, profile), origin=origin, method=method, headers=headers.split(), **more)
    assert found is not None
    return found


# name, rules, request (origin, method, headers), the rule to change, whether it is new, and what is added to it
Added = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
CHANGES: list[tuple[str, list[dict[str, Any]], tuple[str, str, str], int, bool, Added]] = [
    ("origin", [rule([A], "GET")], (B, "GET", ""), 0, False, ((B,), (), ())),
    ("method", [rule([A], "GET")], (A, "PUT", ""), 0, False, ((), ("PUT",), ())),
    ("headers", [rule([A], "GET", "x-a")], (A, "GET", "x-a x-b X-C"), 0, False, ((), (), ("x-b", "x-c"))),
    ("first headers", [rule([A], "GET")], (A, "GET", "x-a"), 0, False, ((), (), ("x-a",))),
    ("origin and header", [rule([A], "PUT")], (B, "PUT", "x-a"), 0, False, ((B,), (), ("x-a",))),
    ("fewest values", [rule([A], "GET"), rule([B], "PUT", "x-a")], (A, "PUT", "x-a"), 1, False, ((A,), (), ())),
    ("least reach of an origin", [rule([A], "GET PUT"), rule([B], "GET")], (C, "GET", ""), 1, False, ((C,), (), ())),
    ("least reach of a method", [rule([A, B], "GET"), rule([A], "HEAD")], (A, "PUT", ""), 1, False, ((), ("PUT",), ())),
    ("exact before wildcard", [rule(["https://*.example"], "GET"), rule([A, B], "HEAD")], (A, "PUT", ""), 1, False,
     ((), ("PUT",), ())),
    ("first of equals", [rule([A], "GET"), rule([A], "GET")], (B, "GET", ""), 0, False, ((B,), (), ())),
    ("wildcard header", [rule([A], "PUT", "x-*")], (B, "PUT", "x-a"), 0, False, ((B,), (), ())),
    ("none near", [rule([A], "GET", "*")], (B, "PUT", "x-a"), 1, True, ((B,), ("PUT",), ("x-a",))),
    ("reading for every page", [rule(["*"], "GET")], (A, "HEAD", ""), 0, False, ((), ("HEAD",), ())),
    ("header for every page", [rule(["*"], "PUT")], (A, "PUT", "x-a"), 0, False, ((), (), ("x-a",))),
    ("no writing for every page", [rule(["*"], "GET")], (A, "PUT", ""), 1, True, ((A,), ("PUT",), ())),
    ("null where * matches it", [rule(["*"], "GET")], ("null", "GET", "range"), 0, False, ((), (), ("range",))),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "asked", "at", "new", "added"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES]
)
def test_change(rules: list[dict[str, Any]], asked: tuple[str, str, str], at: int, *, new: bool, added: Added) -> None:
    """The rule that lacks the fewest values gets them; a new one where none is near, or `*` would gain too much."""
    found = suggested(rules, *asked)
    assert (found.rule, found.new) == (at, new)
    assert (found.origins, found.methods, found.headers) == added
    assert found.extra_methods == ()


def test_changed_policy_keeps_the_rest() -> None:
    """What is changed is only what is added: ids, exposed headers, max age and the other rules stay."""
    rules = [rule([A], "GET", ID="one", ExposeHeaders=["ETag"], MaxAgeSeconds=5), rule([B], "HEAD")]
    found = suggested(rules, C, "GET")
    rules[0]["AllowedOrigins"] = [A, C]
    assert found.policy == Policy.parse(rules)
    assert found.message == f"In rule 0 (one), add {C} to AllowedOrigins."


DASHBOARD_RULE = json.dumps({"AllowedOrigins": [A], "AllowedMethods": ["GET", "PUT"]}, indent=2)
API_RULE = json.dumps({"allowed": {"origins": [A], "methods": ["GET", "PUT"]}}, indent=2)
XML_RULE = f"""\
<CORSRule>
  <AllowedOrigin>{A}</AllowedOrigin>
  <AllowedMethod>GET</AllowedMethod>
  <AllowedMethod>PUT</AllowedMethod>
</CORSRule>"""
FRAGMENTS = {
    "dashboard": ("AllowedMethods", DASHBOARD_RULE),
    "s3": ("AllowedMethods", DASHBOARD_RULE),
    "api": ("allowed.methods", API_RULE),
    "terraform": ("allowed.methods", API_RULE),
    "xml": ("AllowedMethod", XML_RULE),
}


@pytest.mark.parametrize(
    ("form", "key", "fragment"), [(form, *want) for form, want in FRAGMENTS.items()], ids=FRAGMENTS
)
def test_fragment_in_the_form_of_the_file(form: str, key: str, fragment: str) -> None:
    """The fragment is the rule alone, as the file's own form writes it, and the message has that form's key."""
    names = {"account_id": "1", "bucket_name": "b"} if form == "terraform" else {}
    policy = Policy.parse(Policy.parse([rule([A], "GET")]).dump(form, **names))
    found = suggest(policy, origin=A, method="PUT")
    assert found is not None
    assert found.fragment == fragment
    assert found.message == f"In rule 0, add PUT to {key}."


ENDS = "An origin ends after its host or port, without a path and without a `/`."
CAPITALS = "Browsers send scheme and host in lower case; this has capitals."
SCHEME = "An origin starts with its scheme, such as `https://`; this has none."
NO_HOST = "No browser writes a host like this one, so it can never match."
STAR = "No browser sends an origin with a `*`: ask with the origin of one page."
NAMES_LIMIT = "the requested headers are no list of header names of at most 8192 bytes."
CASE = "methods are compared with their case, and"
REFUSED: list[tuple[str, str, str, str, str]] = [
    ("null", "null", "GET", "", "any page can send it. Only `*` matches it, and so every page."),
    ("path", f"{A}/", "GET", "", f"{ENDS} Ask with {A}."),
    ("capitals", "https://B.example", "GET", "", f"{CAPITALS} Ask with {B}."),
    ("no scheme", "b.example", "GET", "", f"{SCHEME} Ask with {B}."),
    ("too long", "https://" + "b" * 1020, "GET", "", NO_HOST),
    ("default port", f"{B}:443", "GET", "", f"Browsers leave out :443, so this can never match. Ask with {B}."),
    ("no browser's host", "https://[0::1]", "GET", "", f"{NO_HOST} Ask with https://[::1]."),
    ("star", "*", "GET", "", STAR),
    ("pattern", "https://*.example", "GET", "", STAR),
    ("starred header", A, "GET", "x-*", "The header x-* cannot be listed by itself: an entry with a `*` allows more."),
    ("broken header", A, "GET", "x:y", NAMES_LIMIT),
    ("forbidden header", A, "GET", "x-a, cookie", "no page can set cookie; only the browser does."),
    ("long headers", A, "GET", "x" * 8193, NAMES_LIMIT),
    ("no method", A, "GET,PUT", "", "'GET,PUT' is no single method."),
    ("empty method", A, "", "", "'' is no single method."),
    ("lower case", A, "put", "", f"{CASE} put is not PUT. Ask for PUT."),
    ("lower-case patch", A, "patch", "", f"{CASE} patch is not PATCH. Ask for PATCH."),
    ("options", A, "OPTIONS", "", "'OPTIONS' cannot be added: preflights are answered by the policy itself."),
    ("trace", A, "trace", "", "'trace' cannot be added: no browser lets a page send it (Fetch, section 2.2.1)."),
]

# S3 compares origins as text, so it can list these.
R2_ALONE = ("null", "path", "capitals", "no scheme")
UNDER_PROFILES = [(p, *case) for p in ("r2", "s3") for case in REFUSED if p == "r2" or case[0] not in R2_ALONE]


@pytest.mark.parametrize(
    ("profile", "origin", "method", "headers", "why"),
    [(case[0], *case[2:]) for case in UNDER_PROFILES],
    ids=[f"{case[0]} {case[1]}" for case in UNDER_PROFILES],
)
def test_what_no_file_can_grant(profile: str, origin: str, method: str, headers: str, why: str) -> None:
    """Where no policy file can grant a request, that is said, with what to ask instead, and nothing is suggested."""
    found = suggested([rule([A], "GET", "x-a")], origin, method, headers, profile=profile)
    assert found.message.startswith(("No policy can grant this: ", "No rule can help: "))
    assert found.message.endswith(why)
    assert (found.rule, found.fragment, found.policy) == (None, None, None)


def test_s3_lists_what_r2_does_not() -> None:
    """Under S3's rules `null` is an origin like any other."""
    found = suggested([rule([A], "GET")], "null", "GET", profile="s3")
    assert (found.rule, found.origins) == (0, ("null",))


GIVE = 'No policy file can hold PATCH: give the server extra_methods=("PATCH",).'
TO_WRITING = "The server adds its methods to rules that allow PUT, POST or DELETE, and to no others."
# rules, request headers, extra methods that the server has; then what is said, the methods added to the file, the rule
EXTRA: dict[str, tuple[list[dict[str, Any]], str, tuple[str, ...], str, tuple[str, ...], int | None]] = {
    "server alone": ([rule([A], "PUT")], "", (), GIVE, (), None),
    "header too": ([rule([A], "PUT")], "x-a", (), f"{GIVE} In rule 0, add x-a to AllowedHeaders.", (), 0),
    "reading rule": ([rule([A], "GET")], "", ("PATCH",), f"In rule 0, add PUT to AllowedMethods. {TO_WRITING}", ("PUT",), 0),
    "new rule": (
        [rule([B], "GET")], "", ("PATCH",), f"No rule is near: add rule 1, after the others. {TO_WRITING}", ("PUT",), 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("profile", ["r2", "s3"])
@pytest.mark.parametrize(("rules", "headers", "server", "message", "methods", "at"), EXTRA.values(), ids=EXTRA)
def test_methods_of_the_server(
    rules: list[dict[str, Any]], headers: str, server: tuple[str, ...], message: str, methods: tuple[str, ...],
    at: int | None, profile: str,
) -> None:  # fmt: skip
    """PATCH is no file's to grant: the server adds it, and the file changes only where that is not enough."""
    found = suggested(rules, A, "PATCH", headers, extra_methods=server, profile=profile)
    assert (found.message, found.methods, found.rule) == (message, methods, at)
    assert found.extra_methods == (() if server else ("PATCH",))


def test_new_rule_says_why_not_the_one_for_all() -> None:
    """Where a rule that lists `*` is passed over, the message says so; where none is there, that none is near."""
    spared = suggested([rule(["*"], "GET")], A, "PUT")
    assert spared.message == "A rule that lists `*` would let every page write: add rule 1, after the others."
    assert suggested([rule([B], "GET")], A, "PUT").message == "No rule is near: add rule 1, after the others."


def test_null_cannot_write_with_the_servers_method() -> None:
    """What the server has to add is said even where the file cannot be changed."""
    found = suggested([rule([A], "GET")], "null", "PATCH")
    assert found.message.startswith('No policy file can hold PATCH: give the server extra_methods=("PATCH",). No rule')
    assert (found.rule, found.extra_methods) == (None, ("PATCH",))


@pytest.mark.parametrize(
    ("origin", "method"), [(A, "GET"), ("", "GET"), ("", "x y")], ids=["granted", "none", "neither"]
)
def test_nothing_to_suggest(origin: str, method: str) -> None:
    """A granted request needs no change, and one without Origin is no CORS request."""
    assert suggest(Policy.parse([rule([A], "GET")]), origin=origin, method=method) is None


def test_actual_request_needs_no_headers() -> None:
    """The headers of an actual request take no part, so none are suggested."""
    found = suggested([rule([A], "GET")], A, "PUT", "x-a x:y", actual=True)
    assert (found.methods, found.headers) == (("PUT",), ())
    explained = explain(Policy.parse([rule([A], "GET")]), origin=A, method="GET", headers=["x-a"], actual=True)
    assert explained.decision.kind == "actual"
    assert explained.decision.allowed


def test_headers_may_be_one_value() -> None:
    """One string is the header's value, not a list of its letters."""
    policy = Policy.parse([rule([A], "GET", "x-a x-b")])
    assert explain(policy, origin=A, method="GET", headers="x-a, X-B").decision.allowed
    assert not explain(policy, origin=A, method="GET", headers="x-c").decision.allowed


def test_options_of_the_server_count() -> None:
    """With credentials the answer says so, and a policy too wide for them is refused."""
    explained = explain(Policy.parse([rule([A], "GET")]), origin=A, method="GET", credentials=True)
    assert ("Access-Control-Allow-Credentials", "true") in explained.headers
    with pytest.raises(PolicyError, match="credentials-wide"):
        explain(Policy.parse([rule(["*"], "GET")]), origin=A, method="GET", credentials=True)
    with pytest.raises(PolicyError, match="credentials-wide"):
        suggest(Policy.parse([rule(["*"], "GET")]), origin=A, method="PUT", credentials=True)


def test_names_of_the_package() -> None:
    """The functions are importable from the package."""
    assert (r2style_cors.explain, r2style_cors.suggest, r2style_cors.Suggestion) == (explain, suggest, Suggestion)


def refused_preflights() -> list[Case]:
    """The cases whose preflight is refused with 403."""
    return [case for case in load_cases() if case.expect.get("status") == 403 and case.request.method == "OPTIONS"]


@pytest.mark.parametrize("case", refused_preflights(), ids=str)
def test_refused_cases(case: Case) -> None:
    """Each refused preflight of the cases gets a change that grants it, or a reason why there is none."""
    lines = [(name.lower(), value) for name, value in case.request.headers]
    asked: dict[str, str] = {name: ", ".join(value for one, value in lines if one == name) for name, _ in lines}
    profile = case.options.get("profile", "r2")
    options = {name: case.options[name] for name in ("credentials", "extra_methods") if name in case.options}
    policy = Policy.parse(case.policy, profile)
    request: dict[str, Any] = {
        "origin": asked["origin"],
        "method": asked["access-control-request-method"],
        "headers": asked.get("access-control-request-headers", ""),
    }
    found = suggest(policy, profile=profile, **options, **request)
    assert found is not None
    if found.policy is not None:
        options["extra_methods"] = (*options.get("extra_methods", ()), *found.extra_methods)
        assert explain(found.policy, profile=profile, **options, **request).decision.allowed
    else:
        assert found.extra_methods or found.message.startswith("No ")


ORIGINS, METHODS, NAMES = [A, B, C], ["GET", "PUT", "HEAD"], ["x-a", "x-b", "x-c"]
RULES = st.builds(
    lambda origins, methods, headers: rule(origins, " ".join(methods), " ".join(headers)),
    st.lists(st.sampled_from(ORIGINS[:2]), min_size=1, unique=True),
    st.lists(st.sampled_from(METHODS), min_size=1, unique=True),
    st.lists(st.sampled_from(NAMES), unique=True),
)
REQUESTS = st.tuples(st.sampled_from(ORIGINS), st.sampled_from(METHODS), st.lists(st.sampled_from(NAMES), unique=True))


def lacks(one: dict[str, Any], origin: str, method: str, names: list[str]) -> int | None:
    """The slow, obvious twin: how many values a rule lacks; None where it is not near."""
    no_origin, no_method = origin not in one["AllowedOrigins"], method not in one["AllowedMethods"]
    if no_origin and no_method:
        return None
    return no_origin + no_method + len(set(names).difference(one.get("AllowedHeaders", [])))


@settings(deadline=None)
@given(rules=st.lists(RULES, min_size=1, max_size=4), asked=REQUESTS)
def test_change_is_the_smallest(rules: list[dict[str, Any]], asked: tuple[str, str, list[str]]) -> None:
    """For any policy: the change grants the request, takes nothing away, and no near rule would need fewer values."""
    policy, (origin, method, names) = Policy.parse(rules), asked
    missing = [count for one in rules if (count := lacks(one, *asked)) is not None]
    found = suggest(policy, origin=origin, method=method, headers=names)
    assert (found is None) == (0 in missing)
    if found is None or found.policy is None:
        return
    assert len(found.origins + found.methods + found.headers) == min(missing, default=2 + len(names))
    assert found.new == (not missing)
    before, after = policy.compile(), found.policy.compile()
    assert after.decide("OPTIONS", origin, method, ",".join(names)).allowed
    for other in ORIGINS:
        for verb in METHODS:
            for header in (None, *NAMES):
                if before.decide("OPTIONS", other, verb, header).allowed:
                    assert after.decide("OPTIONS", other, verb, header).allowed
