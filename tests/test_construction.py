"""What compiling refuses or warns of (SEMANTICS 7.1 and 7.2), and what an Engine and a Decision are."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import r2style_cors
from r2style_cors import Decision, Policy, PolicyError, convert, diff, explain, fix, matrix, probe, suggest
from r2style_cors._fetch import is_forbidden_request_header
from r2style_cors._origins import MAX_ORIGIN_LENGTH, is_serialized_origin
from r2style_cors.wsgi import CORSMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable

HTTPS = "https://app.example"


def rule(*origins: str, **more: Any) -> dict[str, Any]:
    """One rule of the dashboard's form."""
    return {"AllowedOrigins": list(origins), "AllowedMethods": ["GET", "PUT"], **more}


REFUSED = [
    ("every origin", rule("*"), "credentials-wide", "[0].AllowedOrigins[0]"),
    ("a wildcard over every host", rule("https://*"), "credentials-wide", "[0].AllowedOrigins[0]"),
    ("a wildcard over a public suffix", rule(HTTPS, "https://*.com"), "credentials-wide", "[0].AllowedOrigins[1]"),
    ("a wildcard over a private suffix", rule("https://*.pages.dev"), "credentials-wide", "[0].AllowedOrigins[0]"),
    ("a wildcard that cuts a label", rule("https://*example.com"), "credentials-wide", "[0].AllowedOrigins[0]"),
    ("a wildcard at the end", rule("https://example.*"), "credentials-wide", "[0].AllowedOrigins[0]"),
    ("exposing everything", rule(HTTPS, ExposeHeaders=["*"]), "credentials-expose", "[0].ExposeHeaders[0]"),
    ("a wildcard over addresses", rule("http://*.168.1.1"), "credentials-wide", "[0].AllowedOrigins[0]"),
]


@pytest.mark.parametrize(("one", "code", "path"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_credentials_refused(one: dict[str, Any], code: str, path: str) -> None:
    """7.1: with credentials, what is open to everybody cannot be configured, and the reason says where."""
    with pytest.raises(PolicyError) as caught:
        Policy.parse([one]).compile(credentials=True)
    assert [(problem.code, problem.path) for problem in caught.value.problems] == [(code, path)]


TOO_WIDE = [
    ("*", "it is every page on the web"),
    ("https://*.com", "anyone can register a name under 'com'"),
    ("https://example.*", "anyone can register a name that it matches"),
]


@pytest.mark.parametrize(("origin", "why"), TOO_WIDE, ids=[case[0] for case in TOO_WIDE])
def test_credentials_refused_with_a_reason(origin: str, why: str) -> None:
    """7.1: who else could be trusted with the credentials is said."""
    with pytest.raises(PolicyError) as caught:
        Policy.parse([rule(origin)]).compile(credentials=True)
    assert f"too wide: {why}." in caught.value.problems[0].message


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


METHODS: list[tuple[Any, list[tuple[str, str]]]] = [
    (("OPTIONS",), [("extra-method-forbidden", "extra_methods[0]")]),
    (("PATCH", "trace"), [("extra-method-forbidden", "extra_methods[1]")]),
    (
        ("CONNECT", "Track"),
        [("extra-method-forbidden", "extra_methods[0]"), ("extra-method-forbidden", "extra_methods[1]")],
    ),
    (("A B",), [("extra-method-token", "extra_methods[0]")]),
    ((7,), [("extra-method-token", "extra_methods[0]")]),
    ("PATCH", [("wrong-type", "extra_methods")]),
]


@pytest.mark.parametrize(("methods", "found"), METHODS, ids=[str(case[0]) for case in METHODS])
def test_extra_methods_refused(methods: Any, found: list[tuple[str, str]]) -> None:
    """7.2: what is no method, or none that may be added, is refused, all of it at once."""
    with pytest.raises(PolicyError) as caught:
        Policy.parse([rule(HTTPS)]).compile(extra_methods=methods)
    assert [(problem.code, problem.path) for problem in caught.value.problems] == found


FORBIDDEN_METHODS = [
    ("OPTIONS", "preflights are answered by the policy itself."),
    ("CONNECT", "no browser lets a page send it (Fetch, section 2.2.1)."),
    ("TRACE", "no browser lets a page send it (Fetch, section 2.2.1)."),
]


@pytest.mark.parametrize(("method", "why"), FORBIDDEN_METHODS, ids=[case[0] for case in FORBIDDEN_METHODS])
def test_forbidden_methods_say_why(method: str, why: str) -> None:
    """7.2: OPTIONS is refused for another reason than what Fetch forbids."""
    with pytest.raises(PolicyError) as caught:
        Policy.parse([rule(HTTPS)]).compile(extra_methods=(method,))
    assert [problem.message for problem in caught.value.problems] == [f"{method!r} cannot be added: {why}"]


def test_lower_case_patch_warns() -> None:
    """7.2: `patch` is another method than `PATCH`, which is a warning with its fix."""
    [problem] = Policy.parse([rule(HTTPS)]).compile(extra_methods=("patch",)).problems
    assert (problem.code, problem.fix) == ("extra-method-case", '"PATCH"')


def test_unknown_profile() -> None:
    """A profile that does not exist is a ValueError that names the two."""
    with pytest.raises(ValueError, match="'r2' or 's3'"):
        Policy.parse([rule(HTTPS)]).compile("r3")  # type: ignore[arg-type]  # the wrong name is what is tested


def test_compile_for_another_profile() -> None:
    """A policy read for one profile is judged again for the other, and may be refused there."""
    policy = Policy.parse([rule("http://localhost:*")], "s3")
    with pytest.raises(PolicyError) as caught:
        policy.compile("r2")
    assert [problem.code for problem in caught.value.problems if problem.severity == "error"] == [
        "origin-port-wildcard"
    ]


DECISION = Policy.parse([rule(HTTPS)]).compile().decide("GET", HTTPS)


def test_decisions_are_values() -> None:
    """A Decision cannot be changed, is equal to the same one made again, and can be hashed and read."""
    again = Policy.parse([rule(HTTPS)]).compile().decide("GET", HTTPS)
    assert again == DECISION
    assert hash(DECISION) == hash(again)
    assert DECISION.__eq__("a decision") is NotImplemented
    other = Policy.parse([rule(HTTPS)]).compile().decide("HEAD", HTTPS)
    assert (again == other, other == again) == (False, False)
    assert "allowed=True" in repr(DECISION)
    with pytest.raises(AttributeError, match=r"^Decision is immutable: allowed cannot be set$"):
        DECISION.allowed = False  # type: ignore[misc]  # that it cannot be set is what is tested


def test_decisions_may_be_copied() -> None:
    """A scope or an environ that holds a decision may be copied whole, and pickled."""
    assert copy.deepcopy(DECISION) == DECISION
    assert pickle.loads(pickle.dumps(DECISION)).raw_headers == DECISION.raw_headers  # noqa: S301 - made here


@pytest.mark.parametrize("names", ["\u212a", "k k", "k\tk", "k, (", "k\r\nk"], ids=ascii)
def test_names_that_are_no_tokens(names: str) -> None:
    """3.6: a name that is no token is refused, also one whose lower case would be a token."""
    decision = Policy.parse([rule(HTTPS, AllowedHeaders=["*"])]).compile().decide("OPTIONS", HTTPS, "PUT", names)
    assert decision.reason == "malformed"


def test_sentences_name_rules() -> None:
    """An explanation names the rule, by its id where it has one, and says who asks without an Origin."""
    engine = Policy.parse([rule(HTTPS, ID="pages")]).compile()
    assert engine.explain("GET", HTTPS).sentence == "Rule 0 (pages) allows it."
    assert engine.explain("GET", None).sentence == "The request has no Origin: it is no CORS request."


ORIGINS = [
    ("https://[::1]:8080", True), ("https://[::1", False), ("https://[::1]x", False), ("https://[1]", False),
    ("https://[::1%25eth0]", False), ("https://[::A]", False), ("https://" + "[" + ":" * 50 + "]", False),
    ("https://a:0", False), ("https://a:01", False), ("https://a:65535", True), ("https://a:65536", False),
    ("https://a:", False), ("https://", False), ("://a", False), ("1a://b", False), ("a+b.c-1://b", True),
    ("https://a b", False), ("https://é", False), ("null", True), ("", False),
    ("https://" + "a" * (MAX_ORIGIN_LENGTH - 8), True), ("https://" + "a" * (MAX_ORIGIN_LENGTH - 7), False),
]  # fmt: skip


@pytest.mark.parametrize(("text", "sound"), ORIGINS, ids=[text[:24] or "empty" for text, _ in ORIGINS])
def test_origin_grammar(text: str, sound: bool) -> None:
    """3.4: what is a serialized origin, and what is not."""
    assert is_serialized_origin(text) is sound


@pytest.mark.parametrize(("name", "forbidden"), [("cookie", True), ("sec-x", True), ("proxy-a", True), ("x-a", False)])
def test_forbidden_names(name: str, forbidden: bool) -> None:
    """Fetch 2.2.2: names that only the browser sets."""
    assert is_forbidden_request_header(name) is forbidden


def test_public_names() -> None:
    """Every exported name is there, `dir` lists it, and another is an AttributeError."""
    for name in r2style_cors.__all__:
        assert getattr(r2style_cors, name) is not None
        assert name in dir(r2style_cors)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        r2style_cors.nonsense  # noqa: B018 - the access is what is tested
    assert r2style_cors.Decision is Decision


HEAVY = {"starlette", "pydantic", "werkzeug", "typing", "re", "dataclasses", "asyncio", "logging", "enum", "inspect"}


@pytest.mark.parametrize("door", ["asgi", "wsgi"])
def test_importing_a_door_costs_little(door: str) -> None:
    """A door imports the standard library's lightest rooms alone; heavy ones come when a door is made, if at all."""
    code = f"import sys; before = set(sys.modules); import r2style_cors.{door}; print(*(set(sys.modules) - before))"
    found = subprocess.run([sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"],
                           capture_output=True, text=True, check=True).stdout.split()  # fmt: skip
    assert not HEAVY & {name.partition(".")[0] for name in found}
    assert not {"r2style_cors.asgi", "r2style_cors.wsgi"} - {f"r2style_cors.{door}"} & set(found)


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
