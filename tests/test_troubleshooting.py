"""The troubleshooting page is played: its server runs, its commands are typed, and what they print is what it shows."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from typer.main import get_command

from r2style_cors._desk.suspects import SUSPECTS
from r2style_cors.cli import app
from support.listening import free_port, started, wait_for
from support.pages import ROOT, blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = ROOT / "docs" / "troubleshooting" / "blocked.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = [(block.language, block.text) for block in blocks(PAGE)]
COMMANDS = frozenset(get_command(app).commands)  # type: ignore[attr-defined]  # typer's type leaves out that it is a group
PORT = "8000"  # the page's; any free one takes its place


def words(text: str, port: str = PORT) -> list[str]:
    """What `text` says, wherever its lines break, and whichever port it names."""
    return text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{PORT}").split()


@contextmanager
def served(command: str, folder: Path, port: str) -> Iterator[None]:
    """The page's server, started as the page says."""
    arguments = [sys.executable, *shlex.split(command.replace(PORT, port))[1:]]
    with started(*arguments, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_for(process, int(port))
        yield


def typed(command: str, folder: Path, port: str) -> str:
    """What a command of the page prints, 80 columns wide."""
    arguments = shlex.split(command.replace(f":{PORT}", f":{port}"))
    assert arguments[0] == "r2style-cors"
    environment = {"COLUMNS": "80", "NO_COLOR": "1", "PYTHONUTF8": "1"}
    ran = subprocess.run(
        [sys.executable, "-m", "r2style_cors", *arguments[1:]],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode in (0, 1), ran.stderr
    return ran.stdout


def written(command: str) -> str:
    """What the page's `cat > FILE <<'END'` writes."""
    first, text = command.split("\n", 1)
    assert first == "cat > examples/policies/api.json <<'END'"
    return text.removesuffix("END\n")


def test_page_is_true(tmp_path: Path) -> None:
    """From top to bottom: the server, each command with the output below it, and the policy as it is changed."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    policy = tmp_path / "examples" / "policies" / "api.json"
    port, printed, start, compared = str(free_port()), "", "", 0
    with ExitStack() as running:
        for language, text in BLOCKS:
            if language == "text":
                assert words(printed, port) == words(text)
                compared += 1
            elif language == "json":
                assert policy.read_text(encoding="utf-8") == text
                running.close()
                running.enter_context(served(start, tmp_path, port))
            elif text.startswith("cat > "):
                policy.write_text(written(text), encoding="utf-8")
            elif text.startswith("python "):
                start = text
                running.enter_context(served(start, tmp_path, port))
            elif shlex.split(text)[1] in COMMANDS:
                printed = typed(text, tmp_path, port)
    assert compared == 5


def test_page_uses_commands_that_exist() -> None:
    """Every command that the page names is one of ours."""
    named = {shlex.split(text)[1] for language, text in BLOCKS if language == "sh" and text.startswith("r2style-cors")}
    assert {"probe", "explain", "check"} <= named <= COMMANDS


def test_page_tells_every_code() -> None:
    """The table of codes is the program's own, word for word."""
    rows = re.findall(r"^\| `([a-z-]+)` \| (\w+) \| (.*) \|$", TEXT, re.MULTILINE)
    assert rows == [(code, kind.severity, kind.advice) for code, kind in SUSPECTS.items()]
