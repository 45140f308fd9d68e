"""The documents are true: their code runs, their policies are read, and their commands are those that are tested."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import r2style_cors.browser
from r2style_cors import Policy
from r2style_cors.cli import app

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")
CORS_JSON = json.dumps(
    [
        {
            "AllowedOrigins": ["https://www.example.com"],
            "AllowedMethods": ["GET", "HEAD", "PUT"],
            "AllowedHeaders": ["content-type"],
            "ExposeHeaders": ["ETag"],
            "MaxAgeSeconds": 600,
        }
    ]
)


@dataclass(frozen=True)
class Block:
    """One fenced block of a page: its language, its text, and the line on which its text begins."""

    page: Path
    language: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in their order."""
    text = page.read_text(encoding="utf-8")
    return [Block(page, m[1], m[2], text.count("\n", 0, m.start(2)) + 1) for m in FENCE.finditer(text)]


def name(thing: Path | Block) -> str:
    """A readable test id: the page, and the line of the block."""
    page = thing.page if isinstance(thing, Block) else thing
    return str(page.relative_to(ROOT)) + (f":{thing.line}" if isinstance(thing, Block) else "")


BLOCKS = [block for page in PAGES for block in blocks(page)]
PYTHON_PAGES = [page for page in PAGES if any(block.language == "python" for block in blocks(page))]
COMMAND = re.compile(r"(?:^|[\s/])r2style-cors (?!utils)([^|>&\n#]+)", re.MULTILINE)
COMMAND_LINES = sorted(
    {
        line.strip()
        for block in BLOCKS
        if block.language in ("sh", "console") and block.page.name != "commands.md"
        for line in COMMAND.findall(block.text.replace("\\\n", " "))
    }
)
POLICIES = [block for block in BLOCKS if block.language in ("json", "xml")]


@pytest.mark.parametrize("page", PYTHON_PAGES, ids=name)
def test_python_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python blocks of a page run one after the other, as a reader would type them, beside a `cors.json`."""
    (tmp_path / "cors.json").write_text(CORS_JSON, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": page.stem}
    for block in blocks(page):
        if block.language == "python":
            text = "\n" * (block.line - 1) + block.text  # so that a traceback names the line of the page
            exec(compile(text, str(page), "exec"), names)


@pytest.mark.parametrize("block", POLICIES, ids=name)
def test_policy_of_a_page_is_good(block: Block) -> None:
    """Every JSON or XML block of a page is a policy that is read without a warning."""
    assert Policy.parse(block.text, strict=True).problems == ()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    """Every link of a page to a file of this repository names one that exists."""
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


SITE = [ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]


@pytest.mark.parametrize("page", SITE, ids=name)
def test_links_of_the_site_stay_there(page: Path) -> None:
    """A page of the site links to pages of the site: the rest of the repository is not there, and mkdocs does not say so."""
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    assert [one for one in targets if not (page.parent / one).resolve().is_relative_to(ROOT / "docs")] == []


@pytest.mark.parametrize("block", BLOCKS, ids=name)
def test_block_says_its_language(block: Block) -> None:
    """Every block of a page names a language that these tests know how to treat."""
    assert block.language in {"python", "json", "xml", "sh", "text", "html", "javascript", "toml", "console", "yaml"}


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_a_shown_command_can_be_typed(line: str) -> None:
    """Every command line of a page names a command, options and values that there are."""
    name, *arguments = shlex.split(line)
    commands: Any = get_command(app)
    commands.commands[name].make_context(name, arguments)


def readme_commands() -> list[str]:
    """The command lines of the README's first shell block."""
    first = next(block for block in blocks(ROOT / "README.md") if block.language == "sh")
    return first.text.splitlines()


def test_readme_shows_the_demo_and_the_tests() -> None:
    """The README's first commands are two lines: one that ends in the demo, one that ends in the tests."""
    assert [line.rpartition("/bin/")[2] for line in readme_commands()] == ["r2style-cors demo", "python -m pytest"]


def test_ci_runs_the_command_that_the_readme_shows() -> None:
    """What `.ci/run` runs is the README's test command, character for character."""
    shown = subprocess.run([str(ROOT / ".ci" / "run"), "--show"], capture_output=True, text=True, check=True).stdout
    assert shown == readme_commands()[1] + "\n"


def test_reference_names_everything_public() -> None:
    """The reference has one entry for every name of the package and of its browser."""
    page = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    entries = re.findall(r"^::: r2style_cors\.((?:browser\.)?(?!_)\w+)$", page, re.MULTILINE)
    assert sorted(entries) == sorted(
        [*r2style_cors.__all__, *(f"browser.{name}" for name in r2style_cors.browser.__all__)]
    )


def test_commands_are_told_as_they_are() -> None:
    """docs/commands.md is what typer writes of the commands. To write it anew: the command below, into that file."""
    command = [sys.executable, "-m", "typer", "r2style_cors.cli", "utils", "docs"]
    title = ["--name", "r2style-cors", "--title", "The command line"]
    told = subprocess.run([*command, *title], capture_output=True, text=True, check=True).stdout
    assert (ROOT / "docs" / "commands.md").read_text(encoding="utf-8").rstrip() == told.rstrip()


def test_contributing_names_every_room() -> None:
    """The table in CONTRIBUTING.md names every module and folder of the package, and none that is gone."""
    package = ROOT / "src" / "r2style_cors"
    rooms = {path.name for path in package.glob("*.py")} - {"__init__.py"}
    folders = {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    first_cells = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    assert set(re.findall(r"`([^`]+)`", " ".join(first_cells))) == rooms | folders


@pytest.mark.parametrize("folder", ["_browser", "_desk"])
def test_a_folder_tells_what_is_in_it(folder: str) -> None:
    """The docstring of a folder names each of its files as an item, or in one, and none that is gone."""
    package = ROOT / "src" / "r2style_cors" / folder
    listed = [line for line in (package / "__init__.py").read_text(encoding="utf-8").splitlines() if line[:2] == "- "]
    named = re.findall(r"`(\w+)`", " ".join(listed))
    assert sorted(named) == sorted({path.stem for path in package.glob("*.py")} - {"__init__"})
