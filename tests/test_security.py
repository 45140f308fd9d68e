"""The pages on security and on mutants are true: every threat names tests, and the tests that a page names are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
THREATS = dict(re.findall(r"^### (.+)\n([^#]*)", PAGE, re.MULTILINE))
NAMED = sorted(
    {
        (file, test)
        for page in ("security", "mutation")
        for line in (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8").splitlines()
        for file, tests in re.findall(r"`(tests/\w+\.py)::(\w+`(?:, `\w+`)*)", line)
        for test in re.findall(r"\w+", tests)
    }
)


@pytest.mark.parametrize("threat", THREATS)
def test_a_threat_names_a_test(threat: str) -> None:
    """Each threat has at least one test that covers it."""
    assert re.search(r"^- `tests/\w+\.py::test_\w+`$", THREATS[threat], re.MULTILINE)


@pytest.mark.parametrize(("file", "test"), NAMED, ids=["::".join(one) for one in NAMED])
def test_a_named_test_is_there(file: str, test: str) -> None:
    """The file that a page names has the test of that name."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
