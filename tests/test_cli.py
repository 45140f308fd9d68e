"""The command line: how it starts, how it says what is missing, and the command `demo`."""

from __future__ import annotations

import json
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
from contextlib import closing
from io import FileIO, TextIOWrapper
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, get_args

import httpx
import pytest
from typer.testing import CliRunner

from r2style_cors import PolicyError, __main__, __version__
from r2style_cors._browser.exchange import Mode, RedirectMode
from r2style_cors._browser.page import Credentials, CrossOrigin
from r2style_cors._desk.check import TARGETS
from r2style_cors._forms import FORMS
from r2style_cors._profiles import PROFILES
from r2style_cors.browser import BROWSERS
from r2style_cors.cli import app
from r2style_cors.cli._shared import read_bytes
from r2style_cors.demo import _serve
from support.listening import PATIENCE_SECONDS, PIPED, started
from support.renderings import run

if TYPE_CHECKING:
    from collections.abc import Collection

RUNNER = CliRunner()


def forget(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Have modules imported anew."""
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)


def lose(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let the module `name` be missing."""
    monkeypatch.setitem(sys.modules, name, None)


def page_origin(text: str) -> str:
    """The origin that the command printed for the page."""
    found = re.search(r"http://localhost:\d+", text)
    assert found is not None, text
    return found[0]


def test_version() -> None:
    """`--version` prints the version and nothing else."""
    result = RUNNER.invoke(app, ["--version"])
    assert (result.exit_code, result.output) == (0, f"{__version__}\n")


def test_no_command_shows_the_commands() -> None:
    """Without a command the help names them, and the status is that of misuse."""
    result = RUNNER.invoke(app, [])
    assert result.exit_code == 2
    assert "demo" in result.output


def test_unknown_command_is_misuse() -> None:
    """A command that there is not is misuse."""
    assert RUNNER.invoke(app, ["whatever"]).exit_code == 2


def test_short_help() -> None:
    """`-h` is `--help`, for the whole and for each command."""
    for arguments in ([], ["check"]):
        assert RUNNER.invoke(app, [*arguments, "-h"]).output == RUNNER.invoke(app, [*arguments, "--help"]).output != ""


JSON_FORMS = [form for form in FORMS if form != "xml"]
CHOICES: dict[str, Collection[str]] = {
    "check --for": TARGETS,
    "check --format": ("text", "json", "github", "sarif"),
    "explain --profile": PROFILES,
    "matrix --profile": PROFILES,
    "simulate --as": ("fetch", "xhr", "img", "script", "css", "video", "audio", "module", "font"),
    "simulate --credentials": get_args(Credentials),
    "simulate --mode": get_args(Mode),
    "simulate --redirect": get_args(RedirectMode),
    "simulate --crossorigin": get_args(CrossOrigin),
    "simulate --browser": BROWSERS,
    "simulate --profile": PROFILES,
    "probe --profile": PROFILES,
    "diff --profile": PROFILES,
    "pull --to": FORMS,
    "pull --profile": PROFILES,
    "convert --to": FORMS,
    "convert --profile": PROFILES,
    "schema FORM": JSON_FORMS,
}


@pytest.mark.parametrize("where", CHOICES)
def test_no_such_choice(where: str) -> None:
    """A value that is none of an option's is misuse, told with the option's name and with all that there are."""
    command, option = where.split(" ")
    ran = run([command, *([option] if option.startswith("-") else []), "gcs\x1b[31m"])
    assert (ran.status, ran.out) == (2, "")
    assert f"Invalid value for '{option}'" in ran.told
    assert f"is not one of {', '.join(map(repr, CHOICES[where]))}." in ran.told
    assert "\x1b" not in ran.err


def test_module_is_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m r2style_cors` is the same command."""
    forget(monkeypatch, "r2style_cors.__main__")
    monkeypatch.setattr(sys, "argv", ["r2style-cors", "--version"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("r2style_cors", run_name="__main__")
    assert (ended.value.code, capsys.readouterr().out) == (0, f"{__version__}\n")


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_missing_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    """Without typer or rich one line says what to install, and the status is that of misuse."""
    forget(monkeypatch, "r2style_cors.cli", "r2style_cors.cli.demo", "rich.console")
    lose(monkeypatch, missing)
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    assert said.err == "The command line needs typer and rich: pip install 'r2style-cors[cli]'\n"


def test_other_missing_modules_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that we did not foresee is reported as Python does."""
    forget(monkeypatch, "r2style_cors.cli")
    lose(monkeypatch, "r2style_cors.cli.demo")
    with pytest.raises(ModuleNotFoundError, match="demo"):
        __main__.main()


def as_process(
    command: str, folder: Path, encoding: str = "utf-8", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command line as a shell does, with `$CLI` for the command."""
    cli = f'"{sys.executable}" -m r2style_cors'
    return subprocess.run(
        ["/bin/sh", "-c", command.replace("$CLI", cli)],
        cwd=folder,
        env={**os.environ, "COLUMNS": "80", **environment},
        capture_output=True,
        encoding=encoding,
        check=False,
    )


POLICY = '[{"ID": "b\u00fccher \u6f22", "AllowedOrigins": ["https://a.example"], "AllowedMethods": ["GET"]}]'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a policy whose name and text are not ASCII."""
    (tmp_path / "b\u00fccher.json").write_text(POLICY, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("check --strict b\u00fccher.json", 1, "warning head-missing"),
        ("explain b\u00fccher.json --origin https://a.example --method GET", 0, "(b\\xfccher \\u6f22)"),
        ("check '\u6f22.json'", 2, "\\u6f22.json:1:1: error file"),
        ("matrix '\u6f22.json'", 2, "\\u6f22.json: 1 error"),
    ],
    ids=["report", "values", "name", "failure"],
)
def test_whatever_the_terminal_can_encode(folder: Path, encoding: str, command: str, status: int, said: str) -> None:
    """A character that the output cannot encode is escaped, and nothing fails by it."""
    ran = as_process(f"$CLI {command}", folder, encoding, PYTHONIOENCODING=encoding)
    assert ran.returncode == status
    assert said in ran.stdout + ran.stderr


def test_a_policy_on_standard_output_is_utf_8(folder: Path) -> None:
    """A converted policy can be read again, whatever the terminal's encoding."""
    command = "$CLI convert b\u00fccher.json --to api | $CLI convert - --to dashboard"
    ran = as_process(command, folder, PYTHONIOENCODING="latin-1")
    assert (ran.returncode, json.loads(ran.stdout), ran.stderr) == (0, json.loads(POLICY), "")


def test_standard_input_that_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where standard input is closed, that is said, and the status is that of misuse."""
    ran = as_process("$CLI matrix - <&-", tmp_path)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "standard input: 1 error\n  the policy: Standard input is closed. [file]\n"
    assert as_process("$CLI check - <&-", tmp_path).returncode == 2
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(PolicyError, match="Standard input is closed"):
        read_bytes("-")


def test_standard_input_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system does not let it be read, as where it is for writing alone, its reason is told."""
    ran = as_process("$CLI check - 0>written", tmp_path)
    assert (ran.returncode, ran.stderr) == (2, "")
    assert "Standard input cannot be read: Bad file descriptor." in ran.stdout
    with (tmp_path / "written").open("w", encoding="utf-8") as file, monkeypatch.context() as patched:
        patched.setattr(sys, "stdin", TextIOWrapper(FileIO(os.dup(file.fileno()))))
        with pytest.raises(PolicyError, match=re.escape("Standard input cannot be read: Bad file descriptor.")):
            read_bytes("-")
        sys.stdin.close()


FULL = "The command cannot go on: [Errno 28] No space left on device\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("$CLI check --list >/dev/full", FULL),
        ("$CLI schema api >/dev/full", FULL),
        ("$CLI convert b\u00fccher.json --to xml >/dev/full", FULL),
        ("$CLI --help >/dev/full", FULL),
        ("$CLI schema api >/dev/full 2>&1", ""),
        ("$CLI schema api >/dev/full 2>&-", ""),
        ("$CLI schema none 2>/dev/full", ""),
        ("$CLI schema none 2>/dev/full >&-", ""),
    ],
)
def test_full_disk(folder: Path, command: str, said: str) -> None:
    """What cannot be written is told in a line, where even that can be written, and the status is that of misuse."""
    ran = as_process(command, folder)
    assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", said)


def test_a_reader_that_has_gone_is_no_trouble(tmp_path: Path) -> None:
    """Where nobody reads on, as behind `head`, the command ends quietly."""
    ran = as_process("$CLI check --list | head -n 1; $CLI schema api | head -n 1", tmp_path)
    assert (ran.stdout.splitlines()[1], ran.stderr) == ("{", "")


def test_what_the_system_refuses_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An error of the system that no command expects is one line; what the output still holds is dropped."""

    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied", "a\nb")

    monkeypatch.setattr("r2style_cors.cli.app", refuse)
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    monkeypatch.undo()
    assert ended.value.code == 2
    assert capsys.readouterr().err == "The command cannot go on: [Errno 13] Permission denied: 'a\\nb'\n"


def test_failures_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    """What a failure quotes is shown, and does nothing: neither control characters nor names of emoji."""
    ran = as_process("$CLI matrix \"$(printf 'a\\tb\\033[31m:bug:.json')\"", tmp_path)
    assert ran.stderr == "a\\tb\\x1b[31m:bug:.json: 1 error\n  the policy: There is no such file. [file]\n"


@pytest.mark.parametrize(("module", "room"), [("uvicorn", "_serve"), ("boto3", "endpoint.client")])
def test_demo_says_what_to_install(monkeypatch: pytest.MonkeyPatch, module: str, room: str) -> None:
    """Without uvicorn or boto3 one line says what to install."""
    for name in ("_serve", "_page", "_uploads", room):
        forget(monkeypatch, f"r2style_cors.demo.{name}")
    lose(monkeypatch, module)
    result = RUNNER.invoke(app, ["demo"])
    expected = "The demo needs uvicorn and boto3: pip install 'r2style-cors[demo]'\n"
    assert (result.exit_code, result.stderr) == (2, expected)


def test_demo_does_not_hide_other_missing_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other module that is missing is reported as Python does."""
    forget(monkeypatch, "r2style_cors.demo._serve")
    lose(monkeypatch, "werkzeug.serving")
    result = RUNNER.invoke(app, ["demo"])
    assert isinstance(result.exception, ModuleNotFoundError)


def test_demo_explains_a_broken_policy(tmp_path: Path) -> None:
    """A policy file with errors is shown with all of them, and left as it is."""
    file = tmp_path / "cors.json"
    file.write_text('[{"AllowedOrigins": ["example.com/"], "AllowedMethods": ["OPTIONS"]}]', encoding="utf-8")
    before = file.read_bytes()
    result = RUNNER.invoke(app, ["demo", "--port", "0", "--policy", str(file)])
    assert result.exit_code == 2
    assert "2 errors" in result.stderr
    assert "[method-options]" in result.stderr
    assert file.read_bytes() == before


def test_an_empty_name_of_a_file() -> None:
    """A name that is empty, as of a variable that is not set, is not taken for the working directory."""
    result = RUNNER.invoke(app, ["check", ""])
    assert result.exit_code == 2
    assert "The name of the policy file is empty." in result.output


def test_demo_explains_a_policy_that_is_no_file(tmp_path: Path) -> None:
    """A directory is no policy file; that is said, and the status is that of misuse."""
    result = RUNNER.invoke(app, ["demo", "--port", "0", "--policy", str(tmp_path)])
    assert result.exit_code == 2
    assert "This is a directory" in result.stderr


def test_demo_says_that_its_port_is_taken(tmp_path: Path) -> None:
    """A port in use is one line that names the way out."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        result = RUNNER.invoke(app, ["demo", "--port", port, "--policy", str(tmp_path / "cors.json")])
    assert result.exit_code == 2
    assert f"port {port}" in result.stderr
    assert result.stderr.count("\n") == 1
    assert "--port" in result.stderr


def test_demo_says_that_its_file_cannot_be_made(tmp_path: Path) -> None:
    """A policy file that cannot be made is named, and no other port is proposed."""
    (tmp_path / "file").touch()
    ran = run(["demo", "--port", "0", "--policy", str(tmp_path / "file" / "cors.json")])
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(f"{tmp_path / 'file'}")
    assert "cannot be written" in ran.err
    assert "--port" not in ran.err


def test_demo_says_that_there_is_no_such_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host name that is not known is told, and no other port is proposed."""

    def unknown(*_: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(_serve, "Demo", unknown)
    ran = run(["demo", "--host", "there.invalid", "--port", "8000"])
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == "Cannot start on there.invalid, port 8000: [Errno -2] Name or service not known.\n"


@pytest.mark.parametrize("there", [False, True], ids=["new", "there"])
def test_demo_opens_the_page_and_stops(*, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    """With `--open` the page is opened; Ctrl-C ends the command with status 0, and the policy file stays."""
    file = tmp_path / "cors.json"
    arguments = ["demo", "--port", "0", "--policy", str(file), "--open"]
    opened: list[str] = []
    threads: list[Thread] = []

    def interrupt(url: str) -> None:
        httpx.get(url, trust_env=False).raise_for_status()  # answered once the server handles signals
        os.kill(os.getpid(), signal.SIGINT)

    def pretend(url: str) -> bool:
        opened.append(url)
        threads.append(Thread(target=interrupt, args=[url]))
        threads[-1].start()
        return True

    monkeypatch.setattr("webbrowser.open", pretend)
    if there:
        file.write_text('[{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}]', encoding="utf-8")
    result = RUNNER.invoke(app, arguments)
    threads[0].join()
    assert result.exit_code == 0, result.output
    assert opened == [page_origin(result.output)]
    assert str(file) in result.output
    assert ("left as it is" in result.output) is there
    assert result.output.endswith("Stopped.\n")
    assert file.exists()


@pytest.mark.parametrize(
    ("origin", "said"), [("https://elsewhere.example", True), ("*", False)], ids=["elsewhere", "any"]
)
def test_demo_notices_a_policy_without_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, origin: str, *, said: bool
) -> None:
    """Where the policy does not let the page read anything, as after a change of port, the command says so."""

    def interrupted(_site: _serve.Demo) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_serve.Demo, "run", interrupted)
    file = tmp_path / "cors\x1b.json"
    file.write_text(json.dumps([{"AllowedOrigins": [origin], "AllowedMethods": ["GET"]}]), encoding="utf-8")
    result = RUNNER.invoke(app, ["demo", "--port", "0", "--policy", str(file)])
    assert result.exit_code == 0
    assert (f"add {page_origin(result.output)} to it" in result.output) is said
    assert ("cors\\x1b.json" in result.output, "\x1b" in result.output) == (True, False)


def test_demo_runs_as_a_user_starts_it(tmp_path: Path) -> None:
    """Started in a terminal it serves, keeps its policy in the folder where it was started, and stops on Ctrl-C."""
    command = [sys.executable, "-m", "r2style_cors", "demo", "--port", "0"]
    with started(*command, cwd=tmp_path, **PIPED) as process:
        assert process.stdout is not None
        lines: list[str] = []
        while "Ctrl-C" not in "".join(lines):
            lines.append(process.stdout.readline())
            assert lines[-1], process.communicate()
        page = page_origin("".join(lines))
        text = httpx.get(f"{page}/policy", trust_env=False).json()["text"]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, out, err) == (0, "Stopped.\n", "")
    assert (tmp_path / "r2style-cors-demo" / "cors.json").read_text(encoding="utf-8") == text
    assert page in text
