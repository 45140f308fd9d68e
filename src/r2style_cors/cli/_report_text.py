"""What `check` found, for people: the line with the offending part underlined, why it matters, what to write instead."""

from __future__ import annotations

from difflib import unified_diff
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.padding import Padding
from rich.text import Text

from .._codes import CODES
from .._text import visible
from ._report import SEVERITIES, counts, instead

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from .._desk.spans import PolicyText
    from ..errors import Problem
    from ._report import Checked

STYLES = {"error": "bold red", "warning": "bold yellow", "note": "bold cyan"}
_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}
_TAB = "    "
_ELLIPSIS = "…"
_SHOWN = 400  # characters of a replacement


def report(files: Sequence[Checked], width: int) -> Iterator[RenderableType]:
    """Every problem of every file, for a terminal of `width` columns."""
    for file in files:
        for problem in file.problems:
            yield from _problem(problem, file, width)
            yield ""


def _problem(problem: Problem, file: Checked, width: int) -> Iterator[RenderableType]:
    where = f"{visible(file.name)}:{problem.line}:{problem.column}:"
    yield Text.assemble((where, "bold"), " ", (problem.severity, STYLES[problem.severity]), f" {problem.code}")
    if file.text is not None:
        yield from _excerpt(problem, file.text, width)
    for sentence in (problem.message, CODES[problem.code].why):
        yield _indented(sentence)
    yield _indented(_cut(instead(problem)), "green")


def _indented(text: str, style: str = "") -> Padding:
    return Padding(Text(visible(text), style), (0, 0, 0, 2), expand=False)


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + _ELLIPSIS


def _excerpt(problem: Problem, text: PolicyText, width: int) -> Iterator[Text]:
    gutter = f"{problem.line:>5} | "
    column = (problem.column or 1) - 1
    length = max(1, len(text.value_of(problem)))
    shown, marks = excerpt(text.line_of(problem), column, column + length, max(width - len(gutter), 20))
    yield Text.assemble((gutter, "dim"), shown)
    yield Text.assemble((" " * 5 + " | ", "dim"), (marks, STYLES[problem.severity]))


def excerpt(line: str, start: int, end: int, room: int) -> tuple[str, str]:
    """A line as it can be shown in `room` columns, and the underlining of what stands from `start` to `end`.

    A line that is too long is cut around that part; a part that is too long is cut itself. Wide characters count
    double, tabs become spaces, and what cannot be seen is escaped.
    """
    first, last = max(0, start - room), min(len(line), start + room)  # no more can be seen
    cells = [_cell(one) for one in line[first:last]]
    widths = [cell_len(cell) for cell in cells]
    left, right = _window(widths, start - first, room - 2)
    head, tail = _ELLIPSIS * (first + left > 0), _ELLIPSIS * (first + right < len(line))
    part = slice(start - first, max(left, min(end - first, right)))
    shown = head + "".join(cells[left:right]) + tail
    indent = len(head) + sum(widths[left : start - first])
    return shown, " " * indent + "^" * max(1, sum(widths[part]))


def _cell(character: str) -> str:
    return _TAB if character == "\t" else visible(character)


def _window(widths: Sequence[int], start: int, room: int) -> tuple[int, int]:
    """The characters to show: from a third of the room before `start`, or more where the line ends soon."""
    if sum(widths) <= room:
        return 0, len(widths)
    left = _reach(widths[:start][::-1], room // 3)
    right = _reach(widths[start - left :], room) + start - left
    left = _reach(widths[:right][::-1], room)
    return right - left, right


def _reach(widths: Sequence[int], room: int) -> int:
    """How many of the first characters fit."""
    taken = 0
    for count, width in enumerate(widths):
        taken += width
        if taken > room:
            return count
    return len(widths)


def diff(name: str, before: str, after: str) -> Iterator[Text]:
    """What changes in a file, as a unified diff."""
    texts = [text.removesuffix("\n").split("\n") for text in (before, after)]
    lines = list(unified_diff(texts[0], texts[1], visible(name), visible(name), lineterm=""))
    for line in lines:
        yield Text("\t".join(map(visible, line.removesuffix("\r").split("\t"))), _DIFF_STYLES.get(line[0], ""))
    if lines:
        yield Text()


def summary(files: Sequence[Checked], *, fixed: bool) -> Text:
    """All of it in one sentence."""
    of = f"{len(files)} file{'s' * (len(files) != 1)}"
    counted = counts(files)
    parts = [_number(counted[severity], severity) for severity in SEVERITIES if counted[severity]]
    mended = sum(file.mended for file in files)
    told = f"{', '.join(parts) or 'No problems'} in {of}."
    if mended:
        told += f" {mended} mended." if fixed else f" --fix mends {mended}."
    worst = next((STYLES[severity] for severity in SEVERITIES if counted[severity]), "green")
    return Text(told, worst)


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"
