"""What is around a release: lower bounds, workflows, the issue template; `release/check.py` builds and tries the package."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest

import r2style_cors
from support.renderings import run

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TEMPLATE = (ROOT / ".github" / "ISSUE_TEMPLATE" / "unexpected-answer.yml").read_text(encoding="utf-8")

# A version by its tag, or the hash of a commit where somebody has looked it up in the action's own repository.
PINNED = re.compile(r"\./\S+|[\w-]+/[\w-]+@(v\d+|release/v\d+|[0-9a-f]{40} # v\d+\.\d+\.\d+)")


def requirements() -> list[str]:
    """What the package and its extras ask for."""
    extras = PROJECT["project"]["optional-dependencies"].values()
    return [*PROJECT["project"]["dependencies"], *(one for extra in extras for one in extra)]


@pytest.mark.parametrize("requirement", requirements())
def test_a_bound_is_a_lower_one(requirement: str) -> None:
    """Every dependency has a lower bound, which `release/oldest.py` tests, and no upper one."""
    assert re.fullmatch(r"[a-z0-9-]+>=\d+(\.\d+)*", requirement)


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.name)
def test_an_example_is_run(example: Path) -> None:
    """Every example of one file is named by the tests that serve it."""
    tests = [(ROOT / "tests" / name).read_text(encoding="utf-8") for name in ("test_examples.py", "test_django.py")]
    assert any(f'"{example.name}"' in text for text in tests)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned(path: Path) -> None:
    """Every action that a workflow uses is pinned, and a workflow may read, unless one job says more."""
    text = path.read_text(encoding="utf-8")
    used = re.findall(r"uses: (.+)", text)
    assert used
    assert [one for one in used if not PINNED.fullmatch(one)] == []
    assert "\npermissions:\n  contents: read\n" in text


def test_an_action_is_pinned_once() -> None:
    """All workflows use the same version of an action."""
    used = {one for path in WORKFLOWS for one in re.findall(r"uses: (.+@.+)", path.read_text(encoding="utf-8"))}
    assert len({one.partition("@")[0] for one in used}) == len(used)


def test_every_python_is_tested() -> None:
    """The tests run on every Python that the package says it is for, from the oldest that it allows on."""
    text = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    [listed] = re.findall(r"python: (\[.*\])", text)
    tested: list[str] = json.loads(listed)
    classifiers = PROJECT["project"]["classifiers"]
    told = re.findall(r"Python :: (3\.\d+)", "\n".join(classifiers))
    assert tested == told
    assert f">={tested[0]}" == PROJECT["project"]["requires-python"]
    assert re.search(
        r"run: \.ci/run --show \| bash .*\n +shell: bash ", text
    )  # whose `pipefail` has no empty command pass
    assert f"![Python {told[0]} to {told[-1]}]" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_changelog_tells_this_version() -> None:
    """The changelog opens with what is not released yet; below it the newest release is this version, with its date."""
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    assert re.fullmatch(rf"\[{re.escape(r2style_cors.__version__)}\] - \d{{4}}-\d{{2}}-\d{{2}}", headings[1])


def test_the_template_asks_for_a_command_that_works() -> None:
    """What the issue template asks people to run is a command, and its output is JSON."""
    [command] = re.findall(r"`r2style-cors (explain --json .*?)`", TEMPLATE)
    policy = (ROOT / "examples" / "policies" / "dashboard.json").read_text(encoding="utf-8")
    ran = run([part.replace("cors.json", "-") for part in shlex.split(command)], text=policy)
    assert json.loads(ran.out)
    assert ran.err == ""
