"""What the checker says of a policy beyond what refuses it, and what it says nothing about."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r2style_cors import Policy, check, diff
from r2style_cors._desk.check import TARGETS

if TYPE_CHECKING:
    from pathlib import Path

PAGE = "https://www.example.com"
NAMES = ("https://a.example", "https://b.example")
# Each case takes a rule that nothing can be said of, and changes what it names.
GOOD: dict[str, Any] = {"AllowedOrigins": [PAGE], "AllowedMethods": ["GET", "HEAD"]}


def origins(*texts: str) -> dict[str, Any]:
    """These origins."""
    return {"AllowedOrigins": list(texts)}


def methods(*names: str, **more: Any) -> dict[str, Any]:
    """These methods, and what goes with them."""
    return {"AllowedMethods": list(names), **more}


# By name: what is changed, and what is said: code, path, fix.
CASES: dict[str, tuple[dict[str, Any], list[tuple[str, str, str | None]]]] = {
    "nothing": ({}, []),
    "star-alone": (origins("*"), []),
    "star-beside-one": (origins(PAGE, "*"), [("star-beside-origins", "AllowedOrigins[1]", None)]),
    "star-twice": (origins("*", "*"), [("duplicate-value", "AllowedOrigins[1]", None)]),
    "origin-twice": (origins(PAGE, PAGE), [("duplicate-value", "AllowedOrigins[1]", None)]),
    "header-twice": ({"AllowedHeaders": ["x-a", "X-A"]}, [("duplicate-value", "AllowedHeaders[1]", None)]),
    "method-twice": (methods("GET", "HEAD", "GET"), [("duplicate-value", "AllowedMethods[2]", None)]),
    "exposed-twice": ({"ExposeHeaders": ["ETag", "etag"]}, [("duplicate-value", "ExposeHeaders[1]", None)]),
    "http": (origins("http://a.example"), [("origin-http", "AllowedOrigins[0]", '"https://a.example"')]),
    "http-with-port": (origins("http://a.example:8080"), [("origin-http", "AllowedOrigins[0]", None)]),
    "http-loopback": (origins("http://localhost:3000", "http://127.0.0.9", "http://[::1]", "http://a.localhost"), []),
    "http-private": (origins("http://192.168.0.1"), [("origin-http", "AllowedOrigins[0]", '"https://192.168.0.1"')]),
    "wildcard-below-own-name": (origins("https://*.example.com", "https://*-app.example.dev"), []),
    "wildcard-in-loopback": (origins("http://*.localhost:3000"), []),
    "wildcard-cuts-a-name": (
        origins("https://*example.com"),
        [("origin-wildcard-label", "AllowedOrigins[0]", '"https://*.example.com"')],
    ),
    "wildcard-cuts-a-suffix": (
        origins("https://*-app.pages.dev"),
        [("origin-wildcard-label", "AllowedOrigins[0]", None)],
    ),
    "wildcard-cuts-a-top-level": (origins("https://*dev"), [("origin-wildcard-label", "AllowedOrigins[0]", None)]),
    "wildcard-over-top-level": (origins("https://*.com"), [("origin-public-suffix", "AllowedOrigins[0]", None)]),
    "wildcard-over-private-suffix": (
        origins("https://a-*.pages.dev:8443"),
        [("origin-public-suffix", "AllowedOrigins[0]", None)],
    ),
    "request-header-safelisted": ({"AllowedHeaders": ["Accept"]}, [("header-safelisted", "AllowedHeaders[0]", None)]),
    "request-header-safelisted-by-value": ({"AllowedHeaders": ["content-type"]}, []),
    "request-header-forbidden": (
        {"AllowedHeaders": ["Cookie", "sec-x"]},
        [("header-forbidden", "AllowedHeaders[0]", None), ("header-forbidden", "AllowedHeaders[1]", None)],
    ),
    "response-header-safelisted": (
        {"ExposeHeaders": ["Content-Length", "x-a"]},
        [("header-safelisted", "ExposeHeaders[0]", None)],
    ),
    "response-header-forbidden": ({"ExposeHeaders": ["Set-Cookie"]}, [("header-forbidden", "ExposeHeaders[0]", None)]),
    "post-without-content-type": (
        methods("POST", AllowedHeaders=["x-a"]),
        [("content-type-missing", "AllowedHeaders", '["x-a", "content-type"]')],
    ),
    "post-without-headers": (methods("POST"), [("content-type-missing", "", '"AllowedHeaders": ["content-type"]')]),
    "post-with-any-header": (methods("POST", AllowedHeaders=["*"]), []),
    "post-with-a-pattern": (methods("POST", AllowedHeaders=["content-*"]), []),
    "put-without-etag": (
        methods("PUT", AllowedHeaders=["content-type"]),
        [("etag-not-exposed", "", '"ExposeHeaders": ["ETag"]')],
    ),
    "put-with-everything": (methods("PUT", AllowedHeaders=["*"], ExposeHeaders=["etag"]), []),
    "range-without-content-range": (
        {"AllowedHeaders": ["Range"]},
        [("range-incomplete", "", '"ExposeHeaders": ["Content-Range"]')],
    ),
    "content-range-without-range": (
        {"ExposeHeaders": ["Content-Range"]},
        [("range-incomplete", "", '"AllowedHeaders": ["range"]')],
    ),
    "range-whole": ({"AllowedHeaders": ["range"], "ExposeHeaders": ["content-range"]}, []),
    "get-without-head": (methods("GET"), [("head-missing", "AllowedMethods", '["GET", "HEAD"]')]),
    "get-without-head-but-options": (
        methods("GET", "OPTIONS"),
        [("head-missing", "AllowedMethods", '["GET", "HEAD"]'), ("method-options", "AllowedMethods[1]", None)],
    ),
    "max-age-7200": ({"MaxAgeSeconds": 7200}, []),
    "max-age-7201": ({"MaxAgeSeconds": 7201}, [("max-age-browser", "MaxAgeSeconds", None)]),
    "max-age-86401": ({"MaxAgeSeconds": 86401}, [("max-age-limit", "MaxAgeSeconds", "86400")]),
    # What is an error already, or could not be read, is no ground for anything else.
    "errors-alone": (
        {**origins("null"), **methods("put", AllowedHeaders="x", ExposeHeaders=["a b"], MaxAgeSeconds=-7201)},
        [
            ("origin-null", "AllowedOrigins[0]", None),
            ("method-case", "AllowedMethods[0]", '"PUT"'),
            ("wrong-type", "AllowedHeaders", '["x"]'),
            ("header-token", "ExposeHeaders[0]", None),
            ("max-age", "MaxAgeSeconds", "0"),
        ],
    ),
    "list-with-an-object": (
        methods("GET", {"not": "a method"}),  # type: ignore[arg-type]  # the wrong type is what is tested
        [("wrong-type", "AllowedMethods[1]", None)],
    ),
}


def told(policy: Any, **options: Any) -> list[tuple[str, str, str | None]]:
    """Code, path and fix of everything that is said of one rule."""
    problems = check(policy, **options)
    return [(one.code, one.path.removeprefix("[0]").removeprefix("."), one.fix) for one in problems]


@pytest.mark.parametrize("name", CASES)
def test_one_rule(name: str) -> None:
    """Exactly what is to be said, where, and with what to write instead."""
    changed, expected = CASES[name]
    assert told(json.dumps([{**GOOD, **changed}])) == expected


def rules(*changes: dict[str, Any]) -> list[dict[str, Any]]:
    """A policy of good rules, each with one of the changes."""
    return [{**GOOD, **change} for change in changes]


# By name: rules, and those of them that can never win, with the ones that win in their place.
SHADOWS: dict[str, tuple[list[dict[str, Any]], dict[int, str]]] = {
    "same": (rules({}, {}), {1: "Rule 0 stands"}),
    "star": (rules(origins("*"), {}), {1: "Rule 0 stands"}),
    "star-with-fewer-methods": (rules({**origins("*"), "AllowedMethods": ["HEAD"]}, {}), {}),
    "pattern": (rules(origins("https://*.example.com"), {}), {1: "Rule 0 stands"}),
    "pattern-over-pattern": (
        rules(origins("https://*.example.com"), origins("https://*.a.example.com", "https://b-*.example.com")),
        {1: "Rule 0 stands"},
    ),
    "pattern-over-a-wider": (rules(origins("https://*.a.example.com"), origins("https://*.example.com")), {}),
    "pattern-is-no-text": (rules(origins("https://*.example.com"), origins("https://example.com")), {}),
    "fewer-headers": (rules({"AllowedHeaders": ["x-a"]}, {}), {1: "Rule 0 stands"}),
    "more-headers": (rules({}, {"AllowedHeaders": ["x-a"]}), {}),
    "header-pattern": (rules({"AllowedHeaders": ["x-*"]}, {"AllowedHeaders": ["X-A"]}), {1: "Rule 0 stands"}),
    "any-header-needs-any": (rules({"AllowedHeaders": ["x-*"]}, {"AllowedHeaders": ["*"]}), {}),
    "two-together": (
        rules({"AllowedMethods": ["GET", "HEAD"]}, origins("https://a.example"), origins(PAGE, "https://a.example")),
        {2: "Rules 0 and 1 stand"},
    ),
    "three-together": (
        rules({}, *map(origins, NAMES), origins(PAGE, *NAMES)),
        {3: "Rules 0, 1 and 2 stand"},
    ),
    "not-by-an-error": (rules(origins("https://www.example.com/"), {}), {}),
    "not-an-error": (rules({}, {"AllowedMethods": ["GET", "FLY"]}), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", SHADOWS)
def test_rules_that_never_win(name: str) -> None:
    """A rule is dead where earlier ones take all of it, alone or together; the message names them."""
    policy, expected = SHADOWS[name]
    found = {one.path: one.message for one in check(json.dumps(policy)) if one.code == "rule-shadowed"}
    assert found.keys() == {f"[{index}]" for index in expected}
    assert all(found[f"[{index}]"].startswith(start) for index, start in expected.items())


ORIGINS = st.sampled_from(
    ["*", PAGE, "https://a.example", "https://*.example.com", "https://*.a.example", "https://x.a.example"]
)
RULE = st.fixed_dictionaries(
    {
        "AllowedOrigins": st.lists(ORIGINS, min_size=1, max_size=2),
        "AllowedMethods": st.lists(st.sampled_from(["GET", "PUT"]), min_size=1, max_size=2),
    },
    optional={"AllowedHeaders": st.lists(st.sampled_from(["*", "x-*", "x-a", "y"]), min_size=1, max_size=2)},
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(RULE, min_size=2, max_size=4))
def test_a_shadowed_rule_is_not_missed(policy: list[dict[str, Any]]) -> None:
    """Without the rules that can never win, a policy means the same; and every other rule wins somewhere."""
    dead = {one.path for one in check(policy) if one.code == "rule-shadowed"}
    alive = [index for index in range(len(policy)) if f"[{index}]" not in dead]
    # Each rule has a max age of its own, which shows that it answered.
    aged = [{**rule, "MaxAgeSeconds": index} for index, rule in enumerate(policy)]
    assert not diff(Policy.parse(aged), Policy.parse([aged[index] for index in alive]))
    for index in alive:
        assert diff(Policy.parse(aged), Policy.parse(aged[:index] + aged[index + 1 :]))


def test_s3_profile() -> None:
    """Under `s3` capitals are kept, so they shadow nothing in lower case, and its own severities hold."""
    policy = rules(origins("https://*.Example.com"), origins("https://a.example.com"), {"ExposeHeaders": ["*"]})
    found = {(one.code, one.severity) for one in check(policy, "s3")}
    assert found == {("origin-case", "warning"), ("expose-wildcard", "error")}
    assert "rule-shadowed" in {one.code for one in check(policy)}


def test_every_way_in(tmp_path: Path) -> None:
    """A policy, its text, its bytes, parsed JSON and a file say the same; only what has a text has places."""
    text = json.dumps([{**GOOD, "AllowedMethods": ["GET"]}])
    file = tmp_path / "cors.json"
    file.write_text(text)
    ways = [text, text.encode(), json.loads(text), Policy.parse(text), str(file), file, "\ufeff " + text]
    assert {tuple(told(way)) for way in ways} == {(("head-missing", "AllowedMethods", '["GET", "HEAD"]'),)}
    assert [check(way)[0].line for way in (text, json.loads(text), file)] == [1, None, 1]


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A file that is not there is a problem as any other."""
    (problem,) = check(tmp_path / "missing.json")
    assert (problem.code, problem.severity) == ("file", "error")


def test_trailing_comma_is_an_error() -> None:
    """R2 refuses it, so it is an error here, whether the policy is read here or was read leniently before."""
    text = '[{"AllowedOrigins": ["https://a.example"], "AllowedMethods": ["HEAD",]}]'
    for policy in (text, Policy.parse(text)):
        assert [(one.code, one.severity) for one in check(policy)] == [("trailing-comma", "error")]


def test_torn_lists_are_not_judged() -> None:
    """Where the syntax is broken, nothing is said to be missing: it may have been there."""
    text = '[{"AllowedOrigins": ["https://a.example"], "AllowedMethods": ["GET", "PUT" "x]}]'
    assert {one.code for one in check(text)} == {"json-syntax"}


def test_order_is_that_of_the_file() -> None:
    """What is unwise stands among what is wrong, in the order of the file."""
    text = json.dumps(rules(methods("GET"), origins("https://a.example/"), methods("POST")), indent=1)
    found = check(text)
    assert [one.code for one in found] == ["head-missing", "origin-path", "content-type-missing"]
    assert [one.line for one in found] == sorted(one.line or 0 for one in found)


@pytest.mark.parametrize(
    ("target", "form", "wrong"),
    [
        ("r2", "api", False),
        ("r2", "terraform", False),
        ("s3", "api", True),
        ("s3", "xml", False),
        ("wrangler", "dashboard", True),
        ("wrangler", "api", False),
        ("dashboard", "s3", True),
    ],
)
def test_wrong_form(target: str, form: str, *, wrong: bool) -> None:
    """Each target reads some of the forms; another is one error, which names both."""
    text = Policy.parse([GOOD]).dump(form)
    found = check(text, TARGETS[target].profile, forms=TARGETS[target].forms)
    assert [one.code for one in found] == ["wrong-form"] * wrong
    assert all(f"`{form}`" in one.message and f"`{TARGETS[target].forms[0]}`" in one.message for one in found)


def test_xml_fix_is_an_element() -> None:
    """In XML what is to be added is an element of its own."""
    text = Policy.parse([{**GOOD, "AllowedMethods": ["GET", "POST"]}]).dump("xml")
    assert {one.fix for one in check(text)} == {
        "<AllowedHeader>content-type</AllowedHeader>",
        "<AllowedMethod>HEAD</AllowedMethod>",
    }
    text = Policy.parse([{**GOOD, "AllowedOrigins": ["http://a.example"]}]).dump("xml")
    assert [one.fix for one in check(text)] == ["https://a.example"]


def test_terraform_method_case() -> None:
    """Terraform's methods are read in any case, here as well."""
    rule = {"allowed": {"origins": [PAGE], "methods": ["get", "head"]}}
    assert check({"bucket_name": "b", "rules": [rule]}) == ()


def test_what_is_no_policy() -> None:
    """Of what has no rules nothing more is said."""
    assert [one.code for one in check("{}")] == ["unknown-form"]


def test_forty_problems_are_forty() -> None:
    """Nothing is left out of a file with forty problems."""
    assert len(check(rules(*[origins(f"https://{number}.example/") for number in range(40)]))) == 40


def test_unknown_profile() -> None:
    """A profile that there is not is a ValueError, also where the policy could not be read."""
    with pytest.raises(ValueError, match="gcs"):
        check("missing.json", "gcs")  # type: ignore[arg-type]  # the wrong name is what is tested
