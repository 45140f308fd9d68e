"""`r2style-cors pull`: once, and for as long as it runs."""

from __future__ import annotations

import json
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

from r2style_cors import Policy, load_policy
from support.buckets import ACCOUNT, S3, SECRET, TOKEN, Server, api_error, api_reply, set_credentials
from support.listening import PATIENCE_SECONDS, PIPED, started
from support.renderings import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUCKET = f"r2://{ACCOUNT}/bucket"
RULE = {"AllowedOrigins": ["https://app.example.com"], "AllowedMethods": ["GET"]}
REPLY = api_reply([{"allowed": {"origins": RULE["AllowedOrigins"], "methods": RULE["AllowedMethods"]}}])


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    set_credentials(monkeypatch)


@pytest.fixture
def cloudflare(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A running Cloudflare API."""
    server = Server()
    server.answer = REPLY
    monkeypatch.setenv("CLOUDFLARE_BASE_URL", server.url)
    yield server
    server.close()


@pytest.mark.parametrize("output", [[], ["-o", "-"]], ids=["no-file", "dash"])
@pytest.mark.parametrize("form", ["dashboard", "api", "s3", "xml", "terraform"])
def test_once_to_standard_output(cloudflare: Server, form: str, output: list[str]) -> None:
    """Without a file the policy goes to standard output, in any form, and nothing besides."""
    ran = run(["pull", BUCKET, "--to", form, *output])
    assert (ran.status, ran.err) == (0, "")
    assert ran.out == Policy.parse([RULE]).dump(form)


def test_once_to_a_file(cloudflare: Server, tmp_path: Path) -> None:
    """With a file the policy is in the file, and one line says so."""
    ran = run(["pull", BUCKET, "-o", "cors.json"])
    assert (ran.status, ran.out, ran.err) == (0, f"Wrote cors.json from {BUCKET}.\n", "")
    assert load_policy(tmp_path / "cors.json") == Policy.parse([RULE])


def test_names_cannot_write_to_the_terminal(cloudflare: Server) -> None:
    """A file's name is shown with what cannot be seen escaped."""
    assert run(["pull", BUCKET, "-o", "\x1b[31m"]).out == f"Wrote \\x1b[31m from {BUCKET}.\n"


def test_no_policy_leaves_the_file(cloudflare: Server, tmp_path: Path) -> None:
    """A bucket without a policy deletes nothing, and ends with 1."""
    (tmp_path / "cors.json").write_text("mine")
    cloudflare.answer = api_error(404, 10059, "none")
    ran = run(["pull", BUCKET, "-o", "cors.json"])
    assert (ran.status, ran.out, ran.err) == (1, "", f"{BUCKET} has no CORS policy.\n")
    assert (tmp_path / "cors.json").read_text() == "mine"


def test_no_secret_is_shown(cloudflare: Server) -> None:
    """A service that repeats the credentials in its error is not repeated."""
    cloudflare.answer = api_error(403, 10000, f"{SECRET} {{headers}}")
    ran = run(["pull", BUCKET])
    assert TOKEN in cloudflare.asked[0][1]["authorization"]
    assert (ran.status, ran.out) == (2, "")
    assert not any(secret in ran.err for secret in (SECRET, TOKEN))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["bucket"], "A live bucket is written s3://BUCKET or r2://ACCOUNT/BUCKET. This begins with neither.\n"),
        (
            [BUCKET, "--endpoint-url", "http://127.0.0.1:1"],
            "An endpoint URL is for a bucket that is written s3://, and none is.\n",
        ),
        (
            ["s3://bucket", "--jurisdiction", "eu"],
            "A jurisdiction is for a bucket that is written r2://, and none is.\n",
        ),
        ([BUCKET, "--every", "60"], "--every needs a file to keep: -o FILE\n"),
        ([BUCKET, "-o", "missing/cors.json"], "missing/cors.json cannot be written: No such file or directory.\n"),
    ],
    ids=["no-bucket", "endpoint", "jurisdiction", "no-file", "no-folder"],
)
def test_misuse(cloudflare: Server, arguments: list[str], told: str) -> None:
    """What cannot be carried out is told in a line, and ends with 2."""
    ran = run(["pull", *arguments])
    assert (ran.status, ran.out, ran.err) == (2, "", told)


@pytest.mark.parametrize(
    ("module", "extra", "bucket"), [("boto3.session", "s3", "s3://bucket"), ("cloudflare", "cloudflare", BUCKET)]
)
def test_missing_extra(monkeypatch: pytest.MonkeyPatch, module: str, extra: str, bucket: str) -> None:
    """Without the library one line says how to install it, and the status is that of misuse."""
    monkeypatch.setitem(sys.modules, module, None)
    ran = run(["pull", bucket])
    assert ran.status == 2
    assert ran.err.endswith(f"pip install 'r2style-cors[{extra}]'\n")


def test_kept_until_interrupted(cloudflare: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks, waits, looks again, and ends cleanly when it is interrupted."""
    waits: list[float] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        cloudflare.answer = api_error(403, 10000, "no")
        if len(waits) > 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    try:
        ran = run(["pull", BUCKET, "-o", "cors.json", "--every", "60"])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert waits == [60, 120, 240]
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        f"Following {BUCKET} in cors.json.",
        f"Wrote cors.json from {BUCKET}: there was no good policy.",
        f"{BUCKET} cannot be read: the service answers 403 10000. cors.json is left as it is.",
        "Stopped.",
    ]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_ends_on_a_signal(tmp_path: Path, name: str) -> None:
    """As a process of its own it keeps the file, and ends with 0 and a word on either signal."""
    server = S3()
    server.put("fleet", [RULE])
    arguments = ["pull", "s3://fleet", "--endpoint-url", server.url, "-o", "cors.xml", "--to", "xml", "--every", "3600"]
    with started(sys.executable, "-m", "r2style_cors", *arguments, cwd=tmp_path, **PIPED) as process:
        assert process.stdout is not None
        said = [process.stdout.readline(), process.stdout.readline()]
        process.send_signal(getattr(signal, name))
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    server.stop()
    assert said == [
        "Following s3://fleet in cors.xml.\n",
        "Wrote cors.xml from s3://fleet: there was no good policy.\n",
    ]
    assert (process.returncode, out, err) == (0, "Stopped.\n", "")
    assert load_policy(tmp_path / "cors.xml").form == "xml"
    assert json.loads(load_policy(tmp_path / "cors.xml").dump("dashboard")) == [RULE]
