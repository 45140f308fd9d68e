"""`r2style-cors diff`: what a person sees, what a program reads, and how it ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from support.buckets import ACCOUNT, Server, api_error, api_reply, set_credentials
from support.renderings import TERMINALS, assert_golden, assert_keys_are_told, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APP = {
    "AllowedOrigins": ["https://app.example.com"],
    "AllowedMethods": ["GET", "PUT"],
    "AllowedHeaders": ["content-type"],
}
OLD: list[dict[str, Any]] = [
    {**APP, "MaxAgeSeconds": 3600, "ExposeHeaders": ["ETag"]},
    {"AllowedOrigins": [f"https://tenant{number}.example" for number in range(12)], "AllowedMethods": ["DELETE"]},
]
NEW: list[dict[str, Any]] = [
    {**APP, "AllowedHeaders": ["content-type", "x-amz-*"]},
    {"AllowedOrigins": ["*"], "AllowedMethods": ["HEAD"]},
    {"AllowedOrigins": ["https://*.example.com"], "AllowedMethods": ["GET"]},
]


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two policies, under short names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.json").write_text(json.dumps(OLD))
    (tmp_path / "new.json").write_text(json.dumps(NEW))


@pytest.fixture
def cloudflare(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A running Cloudflare API, with credentials for it."""
    set_credentials(monkeypatch)
    server = Server()
    monkeypatch.setenv("CLOUDFLARE_BASE_URL", server.url)
    yield server
    server.close()


@pytest.mark.parametrize("terminal", TERMINALS)
def test_differences(terminal: str) -> None:
    """Grants come first, of the one and of the other, then headers; no colour is needed to tell them apart."""
    ran = run(["diff", "old.json", "new.json"], terminal=terminal)
    assert (ran.status, ran.err) == (1, "")
    assert_golden(f"diff-{terminal}", ran.out.replace("\x1b", "<ESC>"))


def test_other_way_round() -> None:
    """With the files exchanged, so are their parts."""
    ran = run(["diff", "new.json", "old.json"])
    assert ran.status == 1
    assert_golden("diff-reversed", ran.out)


def test_same() -> None:
    """Policies that mean the same are said to, and that is all."""
    ran = run(["diff", "old.json", "-"], text=json.dumps({"CORSRules": OLD[::-1]}))
    assert (ran.status, ran.out) == (0, "old.json and standard input mean the same.\n")


def test_only_grants() -> None:
    """Where no header differs, headers are not spoken of."""
    ran = run(["diff", "old.json", "-"], text=json.dumps(OLD[:1]))
    assert ran.status == 1
    assert "Only old.json grants, for example\n  - DELETE from" in ran.out
    assert "Both grant" not in ran.out


def test_hostile_names() -> None:
    """What an id, an origin or a file's name holds is text, and no markup."""
    ran = run(["diff", "[red].json", "new.json"])
    assert (ran.status, ran.out) == (2, "")
    assert "[red].json" in ran.err


def test_json() -> None:
    """The documented keys and no others."""
    ran = run(["diff", "old.json", "-", "--json"], text=json.dumps([{**OLD[0], "MaxAgeSeconds": 60}]))
    told: dict[str, Any] = {"origins": ["https://app.example.com"], "methods": ["GET", "PUT"], "request_headers": []}
    deleted = {
        "only": "a",
        "rule": 1,
        "origins": OLD[1]["AllowedOrigins"],
        "methods": ["DELETE"],
        "request_headers": [],
    }
    assert ran.status == 1
    assert json.loads(ran.out) == {
        "same": False,
        "a": "old.json",
        "b": "standard input",
        "grants": [deleted],
        "headers": [{"header": "Access-Control-Max-Age", "a": "3600", "b": "60", "rules": [0, 0], **told}],
    }


def test_json_keys_are_told() -> None:
    """The description names every key that is printed, and no other."""
    assert_keys_are_told("diff", run(["diff", "old.json", "new.json", "--json"]).out)


def test_json_of_the_same() -> None:
    """Without a difference the keys are there all the same."""
    ran = run(["diff", "old.json", "old.json", "--json"])
    expected = {"same": True, "a": "old.json", "b": "old.json", "grants": [], "headers": []}
    assert (ran.status, json.loads(ran.out)) == (0, expected)


def test_live_bucket(cloudflare: Server) -> None:
    """A live bucket is compared with a file: the check that neither has drifted."""
    bucket = f"r2://{ACCOUNT}/bucket"
    rule = {"allowed": {"origins": ["https://app.example.com"], "methods": ["GET"]}}
    (cloudflare.answer, text) = (api_reply([rule]), json.dumps({"rules": [rule]}))
    assert run(["diff", bucket, "-"], text=text).out == f"{bucket} and standard input mean the same.\n"
    assert run(["diff", "new.json", bucket]).status == 1


def test_options_go_to_the_buckets_that_they_are_for(cloudflare: Server) -> None:
    """A jurisdiction goes with the one bucket of two that can have it."""
    bucket = f"r2://{ACCOUNT}/bucket"
    cloudflare.answer = api_reply([{"allowed": {"origins": ["https://a.example"], "methods": ["GET"]}}])
    run(["diff", "new.json", bucket, "--jurisdiction", "eu"])
    assert cloudflare.asked[0][1]["cf-r2-jurisdiction"] == "eu"


def test_live_bucket_without_a_policy(cloudflare: Server) -> None:
    """A bucket that has lost its policy has drifted: that is a finding, and no misuse."""
    cloudflare.answer = api_error(404, 10059, "none")
    ran = run(["diff", "new.json", f"r2://{ACCOUNT}/bucket"])
    assert (ran.status, ran.out, ran.err) == (1, "", f"r2://{ACCOUNT}/bucket has no CORS policy.\n")


def test_live_bucket_with_a_bad_policy(cloudflare: Server) -> None:
    """A bucket's policy that the profile refuses is told with its problems."""
    cloudflare.answer = api_reply([{"allowed": {"origins": ["null"], "methods": ["GET"]}}])
    ran = run(["diff", "new.json", f"r2://{ACCOUNT}/bucket"])
    assert ran.status == 2
    assert "[origin-null]" in ran.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["-", "-"], "Only one of the two can be standard input."),
        (["old.json", "missing.json"], "missing.json"),
        (["r2://bucket", "old.json"], "This has too few slashes behind r2://."),
        (["old.json", "new.json", "--endpoint-url", "http://127.0.0.1:1"], "An endpoint URL is for a bucket"),
        (["old.json", "s3://bucket", "--jurisdiction", "eu"], "A jurisdiction is for a bucket"),
    ],
    ids=["two-inputs", "missing-file", "no-bucket", "endpoint", "jurisdiction"],
)
def test_misuse(arguments: list[str], told: str) -> None:
    """What cannot be carried out is told in a line, and ends with 2."""
    ran = run(["diff", *arguments], text="")
    assert (ran.status, ran.out) == (2, "")
    assert told in ran.err
