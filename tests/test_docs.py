"""The documents are true: their code runs, their policies are read, and their commands are those that are tested."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

import r2style_cors.browser
from r2style_cors import Policy
from r2style_cors.cli import app
from support.pages import BLOCKS, PAGES, PYTHON_PAGES, ROOT, Block, blocks, name, python

if TYPE_CHECKING:
    from pathlib import Path

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
    """The Python of a page runs, beside a `cors.json`."""
    (tmp_path / "cors.json").write_text(CORS_JSON, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": page.stem}
    exec(compile(python(page), str(page), "exec", dont_inherit=True), names)


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
