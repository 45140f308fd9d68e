"""What compiling refuses or warns of (SEMANTICS 7.1 and 7.2), and what an Engine and a Decision are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import r2style_cors
from r2style_cors import Policy, PolicyError, convert, diff, explain, fix, matrix, probe, suggest
from r2style_cors._fetch import is_forbidden_request_header
from r2style_cors.wsgi import CORSMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable

HTTPS = "https://app.example"


def rule(*origins: str, **more: Any) -> dict[str, Any]:
    """One rule of the dashboard's form."""
    return {"AllowedOrigins": list(origins), "AllowedMethods": ["GET", "PUT"], **more}


COM, PAGES, ANY = (
    f"anyone can register a name {which}" for which in ("under 'com'", "under 'pages.dev'", "that it matches")
)
REFUSED = [
    ("every origin", "*", "it is every page on the web"),
    ("a wildcard over every host", "https://*", ANY),
    ("a wildcard over a public suffix", "https://*.com", COM),
    ("a wildcard over a private suffix", "https://*.pages.dev", PAGES),
    ("a wildcard that cuts a label", "https://*example.com", COM),
    ("a wildcard at the end", "https://example.*", ANY),
    ("a wildcard over addresses", "http://*.168.1.1", ""),
]


@pytest.mark.parametrize(("origin", "why"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_credentials_refused(origin: str, why: str) -> None:
    """7.1: with credentials, what is open to everybody cannot be configured, and it is said where and why."""
    with pytest.raises(PolicyError) as caught:
        Policy.parse([rule(HTTPS, origin)]).compile(credentials=True)
    [problem] = caught.value.problems
    assert (problem.code, problem.path) == ("credentials-wide", "[0].AllowedOrigins[1]")
    assert f"too wide: {why}" in problem.message


def test_credentials_refuse_to_expose_everything() -> None:
    """7.1: with credentials an exposed `*` is a name like any other, which nobody means."""
    with pytest.raises(PolicyError) as caught:
        Policy.parse([rule(HTTPS, ExposeHeaders=["ETag", "*"])]).compile(credentials=True)
    assert [(problem.code, problem.path) for problem in caught.value.problems] == [
        ("credentials-expose", "[0].ExposeHeaders[1]")
    ]


PLACES = {
    "api": ("rules[0].allowed.origins[0]", (2, 13)),
    "xml": ("/CORSConfiguration/CORSRule[1]/AllowedOrigin[1]", (2, 16)),
}
WIDE = {
    "api": '{"rules": [{"allowed": {"methods": ["GET"],\n"origins": ["*"]}}]}',
    "xml": (
        "<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod>\n"
        "<AllowedOrigin>*</AllowedOrigin></CORSRule></CORSConfiguration>"
    ),
}


@pytest.mark.parametrize("form", PLACES)
def test_refusal_says_where_in_the_file(form: str) -> None:
    """1.4: what construction refuses stands somewhere in the file too, in the author's own form."""
    with pytest.raises(PolicyError) as caught:
        Policy.parse(WIDE[form]).compile(credentials=True)
    problem = caught.value.problems[0]
    assert (problem.path, (problem.line, problem.column)) == PLACES[form]


def test_refusal_names_the_file(tmp_path: Path) -> None:
    """A door names the file that it was given, or else the path that the policy was given for."""
    file = tmp_path / "cors.json"
    file.write_text(json.dumps([rule("*")]), encoding="utf-8")
    given: list[tuple[Any, str]] = [
        (file, str(file)),
        (r2style_cors.PathPolicies({"/files": str(file)}), str(file)),
        (r2style_cors.PathPolicies({"/api": Policy.parse([rule("*")])}), "/api"),
        (r2style_cors.PathPolicies({"/": Policy.parse([rule("*")])}), "/"),
    ]
    for policy, named in given:
        with pytest.raises(PolicyError) as caught:
            CORSMiddleware(None, policy, credentials=True)  # type: ignore[arg-type]  # the wrong type is what is tested
        assert caught.value.source == named


WRONG_TYPES: list[tuple[str, Any]] = [
    ("credentials", "false"),
    ("credentials", 1),
    ("star_always", "no"),
    ("star_always", 0),
    ("extra_methods", None),
]


@pytest.mark.parametrize(("option", "given"), WRONG_TYPES, ids=repr)
def test_option_of_the_wrong_type(option: str, given: Any) -> None:
    """A text such as `"false"` is no switch, nor is a number that equals one: it is refused, and by name."""
    with pytest.raises(TypeError, match=f"^{option} is "):
        Policy.parse([rule(HTTPS)]).compile(**{option: given})


ACCEPTED = [
    "https://*.example.com", "https://*-app.example.dev", "https://*.team.pages.dev", "https://*.example.unheardof",
    "http://*.localhost:3000", "http://127.0.0.1:3000", "http://[::1]:3000", "http://localhost",
]  # fmt: skip


@pytest.mark.parametrize("origin", ACCEPTED)
def test_credentials_accepted(origin: str) -> None:
    """7.1: under a registrable domain, or on this machine, a wildcard goes with credentials, without a warning."""
    engine = Policy.parse([rule(origin)]).compile(credentials=True)
    assert [problem.code for problem in engine.problems] == []
    assert engine.credentials


@pytest.mark.parametrize("origin", ["", "!", "null"], ids=repr)
def test_s3_takes_odd_origins_for_what_they_are(origin: str) -> None:
    """6: under `s3` any text may be listed, and one without `*` is one origin, not every one."""
    engine = Policy.parse([rule(origin)], "s3").compile("s3", credentials=True)
    assert "credentials-wide" not in {problem.code for problem in engine.problems}
    assert engine.decide("GET", HTTPS).reason == "origin"
    assert engine.decide("GET", origin).allowed is (origin != ""), "an empty Origin is none"


def test_credentials_over_http_warn() -> None:
    """7.1: an http origin that is not this machine is a warning, and the fix is https."""
    [problem] = Policy.parse([rule("http://a.example")]).compile(credentials=True).problems
    assert (problem.code, problem.severity, problem.fix) == ("credentials-http", "warning", '"https://a.example"')


@pytest.mark.parametrize("credentials", [None, True, False])
def test_s3_warns_of_wide_credentials(credentials: bool | None) -> None:
    """6: under `s3` a wide origin is a warning, whether credentials were asked for or not, unless they are switched off."""
    engine = Policy.parse([rule("*", HTTPS)], "s3").compile("s3", credentials)
    assert [problem.code for problem in engine.problems] == ([] if credentials is False else ["credentials-wide"])


@pytest.mark.parametrize(
    ("origin", "codes"),
    [
        ("https://app.example:*", []),
        ("http*://app.example", []),
        ("https://*.com:8443", ["credentials-wide"]),
        ("*.app.example", ["credentials-wide"]),
        ("*", ["credentials-wide"]),
    ],
)
def test_s3_wildcards_outside_the_host(origin: str, codes: list[str]) -> None:
    """6, 7.1: a `*` in the port or the scheme of one host lets nobody else in; one that may stand for a host does."""
    engine = Policy.parse([rule(origin)], "s3").compile("s3")
    assert [problem.code for problem in engine.problems if problem.code.startswith("credentials")] == codes


ANSWERED, FORBIDDEN = "preflights are answered by the policy itself.", "no browser lets a page send it"
METHODS: list[tuple[Any, list[tuple[str, str, str]]]] = [
    (("OPTIONS",), [("extra-method-forbidden", "extra_methods[0]", ANSWERED)]),
    (("PATCH", "trace"), [("extra-method-forbidden", "extra_methods[1]", FORBIDDEN)]),
    (
        ("CONNECT", "options", "Track"),
        [
            ("extra-method-forbidden", "extra_methods[0]", FORBIDDEN),
            ("extra-method-forbidden", "extra_methods[1]", ANSWERED),
            ("extra-method-forbidden", "extra_methods[2]", FORBIDDEN),
        ],
    ),
    (("A B",), [("extra-method-token", "extra_methods[0]", "a method is a token")]),
    ((7,), [("extra-method-token", "extra_methods[0]", "7 is no method")]),
    ("PATCH", [("wrong-type", "extra_methods", "not one string")]),
]


@pytest.mark.parametrize(("methods", "found"), METHODS, ids=[str(case[0]) for case in METHODS])
def test_extra_methods_refused(methods: Any, found: list[tuple[str, str, str]]) -> None:
    """7.2: what is no method, or none that may be added, is refused, all of it at once, and each for its own reason."""
    with pytest.raises(PolicyError) as caught:
        Policy.parse([rule(HTTPS)]).compile(extra_methods=methods)
    for problem, (code, path, why) in zip(caught.value.problems, found, strict=True):
        assert (problem.code, problem.path, why in problem.message) == (code, path, True)


def test_lower_case_patch_warns() -> None:
    """7.2: `patch` is another method than `PATCH`, which is a warning with its fix."""
    [problem] = Policy.parse([rule(HTTPS)]).compile(extra_methods=("patch",)).problems
    assert (problem.code, problem.fix) == ("extra-method-case", '"PATCH"')


@pytest.mark.parametrize(("name", "forbidden"), [("cookie", True), ("sec-x", True), ("proxy-a", True), ("x-a", False)])
def test_forbidden_names(name: str, forbidden: bool) -> None:
    """Fetch 2.2.2: names that only the browser sets."""
    assert is_forbidden_request_header(name) is forbidden


POLICY = Policy.parse([{"AllowedOrigins": ["https://a.example"], "AllowedMethods": ["GET"]}])
ASKED: dict[str, Any] = {"origin": "https://a.example", "method": "GET"}
NO_TEXT = "it must be the text of a policy, as bytes or str, and not a path"
NO_POLICY = "it must be a Policy, as load_policy and Policy.parse give one"


@pytest.mark.parametrize("given", [[], "cors.json", Path("cors.json"), None, 1], ids=repr)
@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("policy", matrix),
        ("policy", lambda given: explain(given, **ASKED)),
        ("policy", lambda given: suggest(given, **ASKED)),
        ("a", lambda given: diff(given, POLICY)),
        ("b", lambda given: diff(POLICY, given)),
    ],
    ids=["matrix", "explain", "suggest", "diff", "diff-other"],
)
def test_what_is_no_policy(given: Any, name: str, call: Callable[[Any], object]) -> None:
    """A function that takes a Policy says so, and what it was given instead."""
    with pytest.raises(TypeError, match=f"^{name} is a {type(given).__name__}; {NO_POLICY}$"):
        call(given)


def test_what_is_no_policy_to_probe() -> None:
    """A probe says the same, before it asks anything."""
    with pytest.raises(TypeError, match=f"^policy is a list; {NO_POLICY}$"):
        probe("http://nowhere.invalid/", origin="null", policy=[])  # type: ignore[arg-type]  # the wrong type is what is tested


@pytest.mark.parametrize("given", [[], {}, Path("cors.json"), None, bytearray(b"[]")], ids=repr)
@pytest.mark.parametrize("call", [lambda given: convert(given, "api"), fix], ids=["convert", "fix"])
def test_what_is_no_text(given: Any, call: Callable[[Any], object]) -> None:
    """A function that takes the text of a policy says so, and what it was given instead."""
    with pytest.raises(TypeError, match=f"^data is a {type(given).__name__}; {NO_TEXT}$"):
        call(given)
