"""`explain`: what a person reads, what a program reads, and the exit status."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from r2style_cors import Policy, load_policy
from r2style_cors.browser import Fetch, simulate
from support.renderings import POLICIES, TERMINALS, assert_golden, assert_keys_are_told, run

if TYPE_CHECKING:
    from pathlib import Path

EDITOR, SITE = "https://editor.example.com", "https://www.example.com"

COLOURED = re.compile("\x1b\\[(?:[0-9]+;)*3[0-7]m")

# name: the file, the request, and the exit status
RENDERINGS: dict[str, tuple[str, str, int]] = {
    "granted": ("api.json", f"--origin {EDITOR} --method PUT --header Content-Type", 0),
    "granted-star": ("s3.xml", "--origin null --method GET", 0),
    "granted-s3": ("api.json", f"--origin {EDITOR} --method PUT --profile s3", 0),
    "granted-actual": ("api.json", f"--origin {EDITOR} --method PUT --actual --header x-any", 0),
    "granted-actual-plain": ("dashboard.json", f"--origin {SITE} --method GET --actual", 0),
    "refused-origin": ("api.json", "--origin https://editor.example.org --method PUT --header content-type", 1),
    "refused-method": ("s3.xml", f"--origin {SITE} --method PUT", 1),
    "refused-headers": ("api.json", f"--origin {EDITOR} --method PUT --header content-type --header x-request-id", 1),
    "refused-safelisted": ("dashboard.json", f"--origin {SITE} --method GET --header range", 1),
    "refused-null": ("dashboard.json", "--origin null --method GET", 1),
    "refused-patch": ("bucket.tf.json", "--origin https://a.preview.example.com --method PATCH", 1),
    "refused-forbidden": ("dashboard.json", f"--origin {SITE} --method GET --header Cookie --header x-a", 1),
    "refused-slash": ("dashboard.json", f"--origin {SITE}/ --method GET", 1),
    "refused-value": ("api.json", f"--origin {EDITOR} --method put --header accept:*/* --header x-a:1", 1),
    "plain": ("api.json", f"--origin {EDITOR} --method post --header content-type:text/plain", 1),
    "refused-s3": ("s3.json", "--origin https://player.example.com --method PUT --profile s3", 1),
    "refused-actual": ("dashboard.json", f"--origin {SITE} --method DELETE --actual", 1),
    "hostile": ("dashboard.json", "--origin https://a\x1b[31m --method G\x1bT", 1),
}


@pytest.mark.parametrize(
    ("name", "file", "request_", "status"), [(n, *c) for n, c in RENDERINGS.items()], ids=RENDERINGS
)
def test_rendering(name: str, file: str, request_: str, status: int) -> None:
    """The answer as it is read at 80 columns: verdict, rules, response, and what would grant it."""
    ran = run(["explain", str(POLICIES / file), *request_.split(" ")])
    assert (ran.status, ran.err) == (status, "")
    assert "\x1b" not in ran.out
    assert_golden(f"explain-{name}", ran.out)


def test_no_origin() -> None:
    """A request without Origin is neither granted nor refused, and nothing is suggested."""
    ran = run(["explain", str(POLICIES / "dashboard.json"), "--origin", "", "--method", "GET"])
    assert ran.status == 1
    assert_golden("explain-no-origin", ran.out)


@pytest.mark.parametrize("terminal", TERMINALS)
def test_colour_carries_nothing_alone(terminal: str) -> None:
    """Piped, and with NO_COLOR in a terminal, the same words stand as in colour."""
    arguments = ["explain", str(POLICIES / "api.json"), *RENDERINGS["refused-headers"][1].split(" ")]
    ran = run(arguments, terminal=terminal)
    assert_golden(f"explain-refused-headers-{terminal}", ran.out.replace("\x1b", "<ESC>"))
    assert (COLOURED.search(ran.out) is not None) is (terminal == "colour")


def test_narrow() -> None:
    """At 40 columns sentences wrap; the response and the fragment, which are copied, do not."""
    arguments = ["explain", str(POLICIES / "api.json"), *RENDERINGS["refused-headers"][1].split(" ")]
    assert_golden("explain-narrow", run(arguments, width=40).out)


def test_json_of_a_refusal() -> None:
    """The keys that the description tells, and no others; the suggestion, as data, is what would grant it."""
    file = POLICIES / "api.json"
    ran = run(["explain", str(file), "--origin", SITE, "--method", "DELETE", "--header", "X-A", "--json"])
    assert ran.status == 1
    assert_keys_are_told("explain", ran.out, named={"headers"})
    assert_golden("explain-json", ran.out)
    document = json.loads(file.read_text(encoding="utf-8"))
    document["rules"][1] = json.loads(json.loads(ran.out)["suggestion"]["fragment"])
    assert Policy.parse(document).compile().decide("OPTIONS", SITE, "DELETE", "x-a").allowed


def test_json_of_a_grant() -> None:
    """A granted actual request has no status of the policy's own, its Vary, and no suggestion."""
    ran = run(["explain", str(POLICIES / "api.json"), "--origin", EDITOR, "--method", "GET", "--actual", "--json"])
    found = json.loads(ran.out)
    assert (ran.status, found["kind"], found["allowed"], found["status"]) == (0, "actual", True, None)
    assert (found["reason"], found["rule"], found["suggestion"]) == ("allowed", 0, None)
    assert found["headers"] == {
        "Access-Control-Allow-Origin": EDITOR,
        "Access-Control-Expose-Headers": "ETag",
        "Vary": "Origin",
    }


@pytest.mark.parametrize("file", sorted(path.name for path in POLICIES.iterdir() if path.suffix != ".md"))
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "put", "a b"])
def test_json_is_what_the_engine_decides(file: str, method: str) -> None:
    """What is printed is what a server with that policy does, and the suggested change fits into the file."""
    engine = load_policy(POLICIES / file).compile(extra_methods=("PATCH",))
    for origin in (EDITOR, SITE, "https://x.preview.example.com", "null", "https://elsewhere.example"):
        arguments = ["--origin", origin, "--method", method, "--header", "Range", "--extra-method", "PATCH", "--json"]
        ran = run(["explain", str(POLICIES / file), *arguments])
        found = json.loads(ran.out)
        decision = engine.decide("OPTIONS", origin, method.upper() if method == "put" else method, "Range")
        assert ran.status == (0 if decision.allowed else 1)
        assert (found["status"], found["reason"], found["rule"]) == (decision.status, decision.reason, decision.rule)
        assert found["headers"] == dict(decision.headers)
        assert (found["suggestion"] is None) == decision.allowed


def test_standard_input_and_credentials() -> None:
    """A policy is read from standard input too, and the server's options count."""
    text = (POLICIES / "api.json").read_text(encoding="utf-8")
    arguments = ["explain", "-", "--origin", EDITOR, "--method", "GET", "--credentials", "--json"]
    ran = run(arguments, text=text)
    assert ran.status == 0
    assert json.loads(ran.out)["headers"]["Access-Control-Allow-Credentials"] == "true"


@pytest.mark.parametrize(
    ("header", "asked"),
    [
        ("Content-Type", ["content-type"]),
        ("Content-Type:", ["content-type"]),
        ("Content-Type: application/json", ["content-type"]),
        ("Content-Type: text/plain;charset=utf-8", []),
        ("Accept-Language:de", []),
        ("X-A: 1", ["x-a"]),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "put"])
def test_asks_as_a_browser_does(header: str, asked: list[str], method: str) -> None:
    """The method is normalized, and the preflight names the headers that it names in a simulated browser."""
    ran = run(
        ["explain", str(POLICIES / "api.json"), "--origin", EDITOR, "--method", method, "--header", header, "--json"]
    )
    found = json.loads(ran.out)
    assert [one["name"] for one in found["rules"][0]["headers"]] == asked
    assert found["rules"][0]["method"] is True
    name, colon, value = header.partition(":")
    if colon:
        fetch = Fetch(EDITOR, "https://notes.example.com/", method, ((name, value.strip()),))
        sent = simulate(load_policy(POLICIES / "api.json"), fetch).exchanges[0]
        assert (sent.kind, dict(sent.request_headers).get("Access-Control-Request-Headers")) == (
            "preflight",
            ",".join(asked) or None,
        )


ASKED = ["--origin", SITE, "--method", "GET"]
MISUSES: dict[str, tuple[list[str], str]] = {
    "no file": (["missing.json", *ASKED], "missing.json: 1 error"),
    "bad policy": (["bad.json", *ASKED], "[origin-path]"),
    "no origin": (["bad.json", "--method", "GET"], "--origin"),
    "credentials": (["good.json", *ASKED, "--credentials"], "[credentials-wide]"),
    "header": (["good.json", *ASKED, "--header", "a b\x1b: c"], "'a b\\x1b' is no header name"),
    "no header": (["good.json", *ASKED, "--header", ": c"], "'' is no header name"),
    "extra method": (["good.json", *ASKED, "--extra-method", "TRACE"], "[extra-method-forbidden]"),
}


@pytest.mark.parametrize(("arguments", "said"), MISUSES.values(), ids=MISUSES)
def test_misuse(arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a policy to ask, the reason stands on standard error, nothing on standard output, and the status is 2."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.json").write_text('[{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}]', encoding="utf-8")
    (tmp_path / "bad.json").write_text(
        '[{"AllowedOrigins": ["https://a/"], "AllowedMethods": ["GET"]}]', encoding="utf-8"
    )
    ran = run(["explain", *arguments])
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err
