"""What a rule may say: every check of SEMANTICS 2, by data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from r2style_cors._codes import CODES
from r2style_cors.errors import PolicyError, Problem
from r2style_cors.policy import Policy

if TYPE_CHECKING:
    from r2style_cors._profiles import ProfileName

ORIGINS = json.loads(Path(__file__).with_name("policies_problems.json").read_text("utf-8"))


def problems_of(data: Any, profile: ProfileName = "r2", *, strict: bool = False) -> tuple[Problem, ...]:
    """Everything that is said of a policy, good or bad."""
    try:
        return Policy.parse(data, profile, strict).problems
    except PolicyError as error:
        return error.problems


def rule(**members: Any) -> dict[str, Any]:
    """A good dashboard rule, but for `members`."""
    return {"AllowedOrigins": ["https://example.com"], "AllowedMethods": ["GET"], **members}


@pytest.mark.parametrize("case", ORIGINS, ids=lambda case: case["name"])
def test_origin(case: dict[str, Any]) -> None:
    """An allowed origin gets the code, the severity and the fix that the table says, and nothing else."""
    (problem,) = problems_of([rule(AllowedOrigins=["https://good.example", case["origin"]])])
    assert (problem.code, problem.severity) == (case["code"], case["severity"])
    assert problem.fix == (None if case["fix"] is None else json.dumps(case["fix"]))
    assert (problem.path, problem.value) == ("[0].AllowedOrigins[1]", case["origin"])


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "https://example.com",
        "http://localhost:3000",
        "https://*.example.com",
        "https://*-app.example.dev:8443",
        "https://*example.com",
        "http://[::1]:3000",
        "http://127.0.0.1",
        "https://a_b.example",
        "http://[::ffff:102:304]",
        "https://*.1",
    ],
)
def test_good_origin(origin: str) -> None:
    """An origin that R2 accepts and that a browser can send needs no word."""
    assert problems_of([rule(AllowedOrigins=[origin])]) == ()


def test_long_origin() -> None:
    """An origin of over 1 KiB can never match, and is warned about."""
    (problem,) = problems_of([rule(AllowedOrigins=["https://" + "a" * 1017])])
    assert problem.code == "origin-unreachable"
    assert problems_of([rule(AllowedOrigins=["https://" + "a" * 1016])]) == ()


VALUES: list[tuple[dict[str, Any], str, str, str, str | None]] = [
    ({"AllowedOrigins": []}, "empty-list", "error", "[0].AllowedOrigins", None),
    ({"AllowedMethods": []}, "empty-list", "error", "[0].AllowedMethods", None),
    ({"AllowedOrigins": "*"}, "wrong-type", "error", "[0].AllowedOrigins", '["*"]'),
    ({"AllowedOrigins": {}}, "wrong-type", "error", "[0].AllowedOrigins", None),
    ({"AllowedOrigins": [1]}, "wrong-type", "error", "[0].AllowedOrigins[0]", None),
    ({"AllowedOrigins": [None]}, "wrong-type", "error", "[0].AllowedOrigins[0]", None),
    ({"AllowedOrigins": [object()]}, "wrong-type", "error", "[0].AllowedOrigins[0]", None),
    ({"AllowedMethods": ["OPTIONS"]}, "method-options", "error", "[0].AllowedMethods[0]", None),
    ({"AllowedMethods": ["options"]}, "method-options", "error", "[0].AllowedMethods[0]", None),
    ({"AllowedMethods": ["PATCH"]}, "method-unsupported", "error", "[0].AllowedMethods[0]", None),
    ({"AllowedMethods": ["*"]}, "method-unsupported", "error", "[0].AllowedMethods[0]", None),
    ({"AllowedMethods": ["GET, PUT"]}, "method-unsupported", "error", "[0].AllowedMethods[0]", None),
    ({"AllowedMethods": "GET, PUT"}, "wrong-type", "error", "[0].AllowedMethods", '["GET", "PUT"]'),
    ({"AllowedMethods": ""}, "wrong-type", "error", "[0].AllowedMethods", None),
    ({"AllowedMethods": ["GET", "PUT "]}, "method-unsupported", "error", "[0].AllowedMethods[1]", '"PUT"'),
    ({"AllowedMethods": ["po\u017ft"]}, "method-unsupported", "error", "[0].AllowedMethods[0]", None),
    ({"AllowedMethods": ["get"]}, "method-case", "error", "[0].AllowedMethods[0]", '"GET"'),
    ({"AllowedHeaders": [""]}, "header-empty", "error", "[0].AllowedHeaders[0]", None),
    ({"AllowedHeaders": ["x y"]}, "header-token", "error", "[0].AllowedHeaders[0]", None),
    ({"AllowedHeaders": ["Range: "]}, "header-token", "error", "[0].AllowedHeaders[0]", '"Range"'),
    ({"AllowedHeaders": ["x-*-y-*"]}, "header-wildcards", "error", "[0].AllowedHeaders[0]", '"x-*"'),
    ({"AllowedHeaders": []}, "empty-optional-list", "warning", "[0].AllowedHeaders", None),
    ({"AllowedHeaders": None}, "wrong-type", "error", "[0].AllowedHeaders", None),
    ({"ExposeHeaders": []}, "empty-optional-list", "warning", "[0].ExposeHeaders", None),
    ({"ExposeHeaders": [""]}, "header-empty", "error", "[0].ExposeHeaders[0]", None),
    ({"ExposeHeaders": ["e tag"]}, "header-token", "error", "[0].ExposeHeaders[0]", None),
    ({"ExposeHeaders": ["*"]}, "expose-wildcard", "warning", "[0].ExposeHeaders[0]", None),
    ({"ExposeHeaders": ["x-*"]}, "expose-wildcard", "warning", "[0].ExposeHeaders[0]", None),
    ({"MaxAgeSeconds": -1}, "max-age", "error", "[0].MaxAgeSeconds", "0"),
    ({"MaxAgeSeconds": 1.5}, "max-age", "error", "[0].MaxAgeSeconds", "1"),
    ({"MaxAgeSeconds": float("nan")}, "max-age", "error", "[0].MaxAgeSeconds", None),
    ({"MaxAgeSeconds": 86401}, "max-age-limit", "warning", "[0].MaxAgeSeconds", "86400"),
    ({"MaxAgeSeconds": True}, "wrong-type", "error", "[0].MaxAgeSeconds", None),
    ({"MaxAgeSeconds": None}, "wrong-type", "error", "[0].MaxAgeSeconds", None),
    ({"MaxAgeSeconds": "3600"}, "wrong-type", "error", "[0].MaxAgeSeconds", "3600"),
    ({"MaxAgeSeconds": "an hour"}, "wrong-type", "error", "[0].MaxAgeSeconds", None),
    ({"ID": 7}, "wrong-type", "error", "[0].ID", '"7"'),
    ({"ID": False}, "wrong-type", "error", "[0].ID", None),
    ({"ID": None}, "wrong-type", "error", "[0].ID", None),
    ({"ID": "a\u0000b"}, "id-characters", "error", "[0].ID", '"ab"'),
    ({"ID": "\ud800"}, "id-characters", "error", "[0].ID", '""'),
    ({"ID": "\ufffe"}, "id-characters", "error", "[0].ID", '""'),
    ({"ID": "a" * 256}, "id-length", "warning", "[0].ID", None),
]


@pytest.mark.parametrize(
    ("members", "code", "severity", "path", "fix"), VALUES, ids=[f"{case[1]} {ascii(case[0])[:50]}" for case in VALUES]
)
def test_value(members: dict[str, Any], code: str, severity: str, path: str, fix: str | None) -> None:
    """Each other value gets the code, the severity, the path and the fix that the table says, and nothing else."""
    (problem,) = problems_of([rule(**members)])
    assert (problem.code, problem.severity, problem.path, problem.fix) == (code, severity, path, fix)
    assert (problem.line, problem.column) == (None, None)
    assert problem.message.encode("utf-8")


SAID: list[tuple[dict[str, Any], str]] = [
    ({"AllowedMethods": ["GET, PUT"]}, "Write each as an entry of its own."),
    ({"AllowedOrigins": ["https://a.example,https://b.example"]}, "this looks like several in one."),
    ({"AllowedHeaders": None}, "not null: leave the key out."),
    ({"MaxAgeSeconds": None}, "not null: leave the key out."),
    ({"ID": None}, "not null: leave the key out."),
    ({"AllowedOrigins": None}, "not null."),
]


@pytest.mark.parametrize(("members", "end"), SAID, ids=[ascii(case[0])[:60] for case in SAID])
def test_message_says_what_to_do(members: dict[str, Any], end: str) -> None:
    """Where there is no fix, but something to do, the message says it."""
    [problem] = problems_of([rule(**members)])
    assert problem.message.endswith(end)


@pytest.mark.parametrize("number", [10**5000, -(10**5000)], ids=["large", "small"])
def test_number_that_cannot_be_written(number: int) -> None:
    """A number that Python does not even write is one that no field accepts, and nothing that raises."""
    for data, code in (
        ([rule(MaxAgeSeconds=number)], "max-age"),
        ([rule(ID=number)], "wrong-type"),
        (number, "unknown-form"),
    ):
        [problem] = problems_of(data)
        assert problem.code == code


@pytest.mark.parametrize(
    "members",
    [
        {"AllowedHeaders": ["*"]},
        {"AllowedHeaders": ["x-amz-*", "Content-Type"]},
        {"MaxAgeSeconds": 0},
        {"MaxAgeSeconds": 86400},
        {"ID": ""},
        {"ID": "tab\tline\nreturn\r \U0001f600 ü"},
        {"ID": "a" * 255},
    ],
    ids=ascii,
)
def test_good_value(members: dict[str, Any]) -> None:
    """The edges of what is allowed need no word."""
    assert problems_of([rule(**members)]) == ()


@pytest.mark.parametrize(("written", "seconds"), [("3600.0", 3600), ("3.6e3", 3600), ("-0", 0), ("1E2", 100)])
def test_whole_numbers(written: str, seconds: int) -> None:
    """A whole number is one however JSON writes it."""
    text = '[{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], "MaxAgeSeconds": ' + written + "}]"
    assert repr(Policy.parse(text).rules[0].max_age_seconds) == repr(seconds)


def test_policy_of_101_rules() -> None:
    """S3's limit of 100 rules is a warning, at the list of rules."""
    assert problems_of([rule()] * 100) == ()
    (problem,) = problems_of([rule()] * 101)
    assert (problem.code, problem.severity, problem.path) == ("too-many-rules", "warning", "")


def test_policy_of_65_kilobytes() -> None:
    """S3's limit of 64 KB is a warning, for text and for parsed data alike."""
    rules = [rule(AllowedOrigins=[f"https://{n:0500}.a" for n in range(132)])]
    assert [problem.code for problem in problems_of(rules)] == ["too-many-rules"]
    assert [problem.code for problem in problems_of(json.dumps(rules))] == ["too-many-rules"]


def test_nothing_is_lowered_but_origins() -> None:
    """Scheme and host are lowered; header names keep the policy's spelling."""
    (only,) = Policy.parse([rule(AllowedOrigins=["HTTPS://*.Example.com"], AllowedHeaders=["X-A"])]).rules
    assert only.allowed_origins == ("https://*.example.com",)
    assert only.allowed_headers == ("X-A",)


S3_ORIGINS = [
    ("http://localhost:*", "origin-port-wildcard", "warning"),
    ("*.example.com", "origin-scheme", "warning"),
    ("example.com", "origin-scheme", "warning"),
    ("*://example.com", "origin-wildcards", "warning"),
    ("https://example.com/*", "origin-wildcards", "warning"),
    ("", "origin-scheme", "warning"),
    ("null", "origin-null", "warning"),
    ("https://example.com/", "origin-path", "warning"),
    ("capacitor://localhost", "origin-scheme-unusual", "warning"),
    ("HTTPS://Example.com", "origin-case", "warning"),
    ("https://*.*", "origin-wildcards", "error"),
    ("https://a\u0000", "origin-syntax", "error"),
    ("https://\ud800", "origin-syntax", "error"),
]


@pytest.mark.parametrize(("origin", "code", "severity"), S3_ORIGINS, ids=[ascii(case[0]) for case in S3_ORIGINS])
def test_s3_origin(origin: str, code: str, severity: str) -> None:
    """Under `s3` all but a second wildcard, and what XML cannot carry, is accepted with a warning, and not lowered."""
    found = problems_of([rule(AllowedOrigins=[origin])], "s3")
    assert [(problem.code, problem.severity) for problem in found] == [(code, severity)]
    if severity == "warning":
        assert Policy.parse([rule(AllowedOrigins=[origin])], "s3").rules[0].allowed_origins == (origin,)


@pytest.mark.parametrize("name", ["*", "x-*"])
def test_s3_refuses_exposed_wildcards(name: str) -> None:
    """Under `s3` a wildcard among the exposed headers is an error."""
    (problem,) = problems_of([rule(ExposeHeaders=[name])], "s3")
    assert (problem.code, problem.severity) == ("expose-wildcard", "error")


def test_every_code_is_explained() -> None:
    """The table of codes is complete sentences, each code in the spelling that people filter by."""
    for code, entry in CODES.items():
        assert code == code.lower().replace("_", "-")
        assert entry.meaning.endswith(".")
        assert entry.why.endswith(".")
