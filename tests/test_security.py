"""The page on security is true: every threat names tests, and the tests that it names are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
THREATS = dict(re.findall(r"^### (.+)\n([^#]*)", PAGE, re.MULTILINE))
NAMED = sorted(set(re.findall(r"`(tests/\w+\.py)::(\w+)`", PAGE)))


@pytest.mark.parametrize("threat", THREATS)
def test_a_threat_names_a_test(threat: str) -> None:
    """Each threat has at least one test that covers it."""
    assert re.search(r"^- `tests/\w+\.py::test_\w+`$", THREATS[threat], re.MULTILINE)


@pytest.mark.parametrize(("file", "test"), NAMED, ids=["::".join(one) for one in NAMED])
def test_a_named_test_is_there(file: str, test: str) -> None:
    """The file that a threat names has the test of that name."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
