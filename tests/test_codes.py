"""Every code is documented: by the table that the program reads, and by pages that are made from it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from r2style_cors import check
from r2style_cors._codes import CODES, CONSTRUCTION, UNWISE
from r2style_cors._desk.check import TARGETS
from r2style_cors._desk.fix import FIXABLE

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "r2style_cors"
# No page can show a file with these problems.
WITHOUT_EXAMPLE = {"file", "too-large", "encoding", "empty-file", "too-deep", "id-length", "too-many-rules"}


def generator() -> ModuleType:
    """The script that makes the pages."""
    spec = importlib.util.spec_from_file_location("generate_codes", ROOT / "docs" / "generate_codes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATOR = generator()
PAGES: dict[str, str] = GENERATOR.pages()
EXAMPLES: dict[str, Any] = GENERATOR.EXAMPLES


@pytest.mark.parametrize("name", CODES)
def test_code_is_told_in_sentences(name: str) -> None:
    """What was found, why it matters and what to do are a sentence each, and a severity is one of three."""
    code = CODES[name]
    assert code.severity in ("error", "warning", "note")
    assert all(re.fullmatch(r"[A-Z`].*\.", text) for text in (code.meaning, code.why, code.instead))
    assert len({code.meaning, code.why, code.instead}) == 3
    assert re.fullmatch("[a-z]+(-[a-z]+)*", name)


def test_pages_are_those_that_are_generated() -> None:
    """The folder holds what the generator writes, and nothing else."""
    kept = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "codes").iterdir()}
    assert kept == PAGES, "run docs/generate_codes.py"
    assert kept.keys() == {"index.md", *(f"{name}.md" for name in CODES)}


def test_pages_are_written_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The generator writes every page, and takes that of a code away that is gone."""
    monkeypatch.setattr(GENERATOR, "FOLDER", tmp_path / "codes")
    GENERATOR.main()
    (tmp_path / "codes" / "gone.md").write_text("")
    GENERATOR.main()
    assert {path.name for path in (tmp_path / "codes").iterdir()} == PAGES.keys()


def test_examples_are_complete() -> None:
    """Every code that a file can have is shown by an example, but for those that no page can show."""
    assert EXAMPLES.keys() == CODES.keys() - CONSTRUCTION - WITHOUT_EXAMPLE


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_has_its_problem(name: str) -> None:
    """The example has the problem that its page is about; the page says where."""
    text, target = EXAMPLES[name]
    profile, forms = TARGETS[target]
    problem = next(one for one in check(text.encode(), profile, forms=forms) if one.code == name)
    assert f"cors.json:{problem.line}:{problem.column}: {problem.severity} {name}" in PAGES[f"{name}.md"]


def test_codes_in_use_are_all_there_are() -> None:
    """Each code of the table is named in some room, so none is left over from another time."""
    rooms = [path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py") if path.name != "_codes.py"]
    assert [name for name in CODES if not any(f'"{name}"' in room for room in rooms)] == []
    assert CODES.keys() >= FIXABLE
    assert not UNWISE & CONSTRUCTION


def test_index_tells_every_code() -> None:
    """The index tells every code once."""
    assert re.findall(r"^\| \[`([a-z-]+)`\]", PAGES["index.md"], re.MULTILINE) == list(CODES)
