"""The Python of the documents is typed: whoever pastes it into a project that is checked strictly hears nothing of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from support.pages import PYTHON_PAGES, ROOT, name, python

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    not (find_spec("mypy") and find_spec("pyright")),
    reason="mypy and pyright, of the dependency group `lint`, are not installed",
)

# What each checker is told about a page, and why. Everywhere else it is as strict as it can be.
EXCEPTIONS = {
    "mypy": {
        "README.md": "allow-redefinition",  # its blocks are for one framework each, and both call their application `app`
        "docs/frameworks/bottle.md": "disable-error-code=untyped-decorator",  # Bottle publishes no types
        # Quart has its users assign to `asgi_app`, which by its types is a method.
        "docs/frameworks/quart.md": 'disable-error-code="method-assign, assignment"',
    },
    "pyright": {
        "docs/frameworks/bottle.md": "basic, reportCallIssue=false",  # Bottle publishes no types
        "docs/frameworks/pyramid.md": "basic, reportOptionalSubscript=false",  # Pyramid publishes no types
        "docs/frameworks/quart.md": "reportAttributeAccessIssue=false",  # as above
        "docs/uploads.md": "basic",  # boto3 publishes no types
        "examples/bucket/README.md": "basic",  # as above
    },
}
WRONG = '# A page\n\n```python\nfrom r2style_cors.starlette import install\n\ninstall("app", "cors.json")\n```\n'


@dataclass(frozen=True)
class Report:
    """What a checker says of the programs, and the lines of it that are errors, by the program and its line."""

    checker: str
    text: str

    def errors(self) -> set[tuple[str, int]]:
        """The places of the errors: a program's name, and a line."""
        return {(m[1], int(m[2])) for m in re.finditer(r"(\w+)\.py:(\d+):.* error: ", self.text)}


def mypy(folder: Path) -> list[str]:
    """How mypy is run over a folder: with the settings of this project, and what it remembers of its sources."""
    return ["mypy", *map(str, folder.glob("*.py"))]


def pyright(folder: Path) -> list[str]:
    """How pyright is run over a folder."""
    settings = {"typeCheckingMode": "strict", "extraPaths": [str(ROOT / "src")]}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    return ["pyright", "--pythonpath", sys.executable, "--project", str(folder)]


def module(page: str) -> str:
    """What a page's program is called: so that it hides no module that another imports."""
    return re.sub(r"\W", "_", page)


@pytest.fixture(scope="module", params=[mypy, pyright], ids=lambda checker: checker.__name__)
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A checker's report of every page, of those that are excepted as they are and as it is told, and of a wrong one."""
    checker = request.param.__name__
    wrong = tmp_path_factory.mktemp("pages") / "wrong"
    wrong.write_text(WRONG, encoding="utf-8")
    programs = {name(page): python(page) for page in PYTHON_PAGES} | {"wrong": python(wrong)}
    for page, exception in EXCEPTIONS[checker].items():
        programs[f"excepted {page}"] = f"# {checker}: {exception}{programs[page]}"  # which begins with empty lines
    folder = tmp_path_factory.mktemp("programs")
    for page, program in programs.items():
        (folder / f"{module(page)}.py").write_text(program, encoding="utf-8")
    command = [sys.executable, "-m", *request.param(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return Report(checker, done.stdout + done.stderr)


def test_pages_are_typed(report: Report) -> None:
    """Errors are in no page but in those that are excepted, each of which has one; and in none of them as excepted."""
    excepted = {module(page) for page in EXCEPTIONS[report.checker]}
    assert {program for program, _ in report.errors()} - {"wrong"} == excepted, report.text


def test_wrong_page_is_found(report: Report) -> None:
    """In the page that is wrong, there is one error, on the line on which it stands."""
    assert {line for program, line in report.errors() if program == "wrong"} == {6}, report.text
