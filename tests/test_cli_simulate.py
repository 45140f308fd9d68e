"""`simulate` as a person reads it, as a program reads it, and its exit status."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from r2style_cors import load_policy
from r2style_cors.browser import Fetch, Response, Site, simulate
from support.renderings import POLICIES, TERMINALS, assert_golden, assert_keys_are_told, run

if TYPE_CHECKING:
    from pathlib import Path

EDITOR, URL = "https://editor.example.com", "https://notes.example.com/notes/7"
API = POLICIES / "api.json"
COLOURED = re.compile("\x1b\\[(?:[0-9]+;)*3[0-7]m")
JSON_PUT = f"--page {EDITOR} --url {URL} --method PUT --body application/json"

# name: the fetch, and the exit status
RENDERINGS: dict[str, tuple[str, int]] = {
    "readable": (f"{JSON_PUT} --response-header ETag:7 --response-header X-A:1", 0),
    "refused": (f"{JSON_PUT} --header x-trace:1", 1),
    "refused-actual": (f"--page https://www.example.net --url {URL}", 1),
    "same-origin": (f"--page {EDITOR} --url /a --method DELETE --status 404", 0),
    "credentials": (f"--as xhr --page {EDITOR} --url {URL} --credentials include", 1),
    "allow-credentials": (f"--page {EDITOR} --url {URL} --credentials include --allow-credentials", 0),
    "image": (f"--as img --page {EDITOR} --url {URL}", 0),
    "image-anonymous": (f"--as img --crossorigin anonymous --page {EDITOR} --url {URL}", 0),
    "font": (f"--as font --page https://www.example.net --url {URL}", 1),
    "module": (f"--as module --page {EDITOR} --url {URL}", 0),
    "upload": (f"--as xhr --page {EDITOR} --url {URL} --method PUT --body bytes --upload-listener", 0),
    "patch": (f"--page {EDITOR} --url {URL} --method PATCH --extra-method PATCH", 0),
    "throws": (f"--page {EDITOR} --url {URL} --method TRACE", 1),
    "mode": (f"--page {EDITOR} --url {URL} --mode same-origin", 1),
    "redirect": (f"--page {EDITOR} --url {URL} --status 302 --response-header Location:/b --redirect manual", 0),
    "webkit": (f"--page null --url {URL} --browser webkit", 1),
    "s3": (f"--page {EDITOR} --url {URL} --profile s3", 0),
}


@pytest.mark.parametrize(("name", "asked", "status"), [(n, *c) for n, c in RENDERINGS.items()], ids=RENDERINGS)
def test_rendering(name: str, asked: str, status: int) -> None:
    """What is sent and checked, and what came of it, at 80 columns."""
    ran = run(["simulate", str(API), *asked.split(" ")])
    assert (ran.status, ran.err) == (status, "")
    assert_golden(f"simulate-{name}", ran.out)


def test_hostile_values_are_escaped() -> None:
    """Nothing that is described writes to the terminal."""
    asked = ["--page", EDITOR, "--url", URL, "--response-header", "ETag: \x1b[31m\x9b", "--header", "x-a: \x1b[31m"]
    ran = run(["simulate", str(POLICIES / "s3.json"), *asked])
    assert ("\x1b" in ran.out, "\x9b" in ran.out) == (False, False)
    asked = ["--page", EDITOR, "--url", URL, "--method", "\x1b[31m"]
    ran = run(["simulate", str(API), *asked])
    assert ("\x1b" in ran.out, ran.status) == (False, 1)
    assert_golden("simulate-hostile", ran.out)


@pytest.mark.parametrize("terminal", TERMINALS)
def test_colour_carries_nothing_alone(terminal: str) -> None:
    """Piped, and with NO_COLOR in a terminal, the same words stand as in colour."""
    ran = run(["simulate", str(API), *RENDERINGS["refused"][0].split(" ")], terminal=terminal)
    assert_golden(f"simulate-refused-{terminal}", ran.out.replace("\x1b", "<ESC>"))
    assert (COLOURED.search(ran.out) is not None) is (terminal == "colour")


def test_narrow() -> None:
    """At 40 columns every line still fits."""
    ran = run(["simulate", str(API), *RENDERINGS["readable"][0].split(" ")], width=40)
    assert max(map(len, ran.out.splitlines())) <= 40
    assert_golden("simulate-narrow", ran.out)


def test_json() -> None:
    """The documented keys, and the same as the function gives."""
    ran = run(["simulate", str(API), *RENDERINGS["readable"][0].split(" "), "--browser", "chromium", "--json"])
    found = json.loads(ran.out)
    assert (ran.status, found["outcome"], found["type"], found["status"]) == (0, "readable", "cors", 200)
    assert found.keys() == {
        "fetch", "browser", "outcome", "type", "url", "status", "headers", "exchanges", "blocked_by", "console",
    }  # fmt: skip
    fetch = Fetch(EDITOR, URL, "PUT", body="blob", blob_type="application/json")
    site = Site(load_policy(API).compile(), default=Response(200, (("ETag", "7"), ("X-A", "1"))))
    same = json.loads(json.dumps(simulate(site, fetch).as_json()))
    assert {**found, "browser": "standard"} == same
    assert found["headers"] == [["etag", "7"]]


def test_json_keys_are_told() -> None:
    """The description names every key that is printed, and no other."""
    ran = run(["simulate", str(API), *RENDERINGS["refused-actual"][0].split(" "), "--json"])
    assert_keys_are_told("simulate", ran.out, named={"console"})


def test_json_of_a_refusal() -> None:
    """The step that failed and each browser's words; and a policy from standard input."""
    arguments = ["simulate", "-", *RENDERINGS["refused-actual"][0].split(" "), "--json"]
    ran = run(arguments, text=API.read_text(encoding="utf-8"))
    found = json.loads(ran.out)
    assert (ran.status, found["outcome"]) == (1, "blocked")
    assert found["blocked_by"] == found["exchanges"][0]["steps"][-1]
    assert list(found["blocked_by"]) == ["section", "check", "passed", "sentence"]
    assert found["console"].keys() == {"chromium", "firefox", "webkit"}


ASKED = ["--page", EDITOR, "--url", URL]
MISUSES: dict[str, tuple[list[str], str]] = {
    "no file": (["missing.json", *ASKED], "missing.json: 1 error"),
    "no page": ([str(API), "--url", URL], "--page"),
    "page": ([str(API), "--page", f"{EDITOR}/", "--url", URL], "is no origin"),
    "url": ([str(API), "--page", EDITOR, "--url", "ftp://a/"], "is no http or https URL"),
    "body": ([str(API), *ASKED, "--body", "json"], "body must be one of text"),
    "an element's method": ([str(API), *ASKED, "--as", "img", "--method", "PUT"], "--as img does not go with --method"),
    "a font's attribute": ([str(API), *ASKED, "--as", "font", "--crossorigin", "anonymous"], "--as font does not go"),
    "a script's attribute": ([str(API), *ASKED, "--crossorigin", "anonymous"], "--as fetch does not go with --cross"),
    "a fetch's upload": ([str(API), *ASKED, "--upload-listener"], "does not go with --upload-listener"),
    "an xhr's mode": (
        [str(API), *ASKED, "--as", "xhr", "--mode", "no-cors", "--redirect", "error"],
        "--as xhr does not go with --mode, --redirect",
    ),
    "an xhr's credentials": (
        [str(API), *ASKED, "--as", "xhr", "--credentials", "omit"],
        "does not go with --credentials",
    ),
    "server's credentials": ([str(POLICIES / "s3.xml"), *ASKED, "--allow-credentials"], "[credentials-wide]"),
}


@pytest.mark.parametrize(("arguments", "said"), MISUSES.values(), ids=MISUSES)
def test_misuse(arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no page asks for, and what there is no policy for, is said on standard error, with the status 2."""
    monkeypatch.chdir(tmp_path)
    ran = run(["simulate", *arguments])
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err
