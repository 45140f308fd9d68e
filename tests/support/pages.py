"""The pages of the documentation, the blocks on them, and the Python that they show."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


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
    return [Block(page, m[1], m[2], text.count("\n", 0, m.start(2)) + 1) for m in _FENCE.finditer(text)]


def python(page: Path) -> str:
    """The Python blocks of a page as one program, as a reader types it, each line with the number that it has on the page."""
    program = ""
    for block in blocks(page):
        if block.language == "python":
            program += "\n" * (block.line - 1 - program.count("\n")) + block.text
    return program


def name(thing: Path | Block) -> str:
    """A readable test id: the page, and the line of the block."""
    page = thing.page if isinstance(thing, Block) else thing
    return str(page.relative_to(ROOT)) + (f":{thing.line}" if isinstance(thing, Block) else "")


BLOCKS = [block for page in PAGES for block in blocks(page)]
PYTHON_PAGES = [page for page in PAGES if python(page)]
