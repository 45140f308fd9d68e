"""What `check` found, for programs: one JSON object, or annotations of a GitHub workflow."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._codes import CODES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .._desk.spans import PolicyText
    from ..errors import Problem

SEVERITIES = ("error", "warning", "note")
_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


@dataclass(frozen=True, slots=True)
class Checked:
    """One file that was checked.

    Attributes:
        name: as it was given; `standard input` for `-`.
        text: what it says, or None where that is no text.
        problems: those that are to be told.
        mended: how many were mended, or can be.
    """

    name: str
    text: PolicyText | None
    problems: tuple[Problem, ...]
    mended: int = 0

    def value_of(self, problem: Problem) -> str:
        """The offending part of the line, as it is written."""
        return self.text.value_of(problem) if self.text else ""

    def end_column(self, problem: Problem) -> int:
        """The column behind it."""
        return (problem.column or 1) + len(self.value_of(problem))


def counts(files: Iterable[Checked]) -> Counter[str]:
    """How many problems there are of each severity."""
    return Counter(problem.severity for file in files for problem in file.problems)


def instead(problem: Problem) -> str:
    """What to write, or to do, in one sentence."""
    return CODES[problem.code].instead if problem.fix is None else f"Write {problem.fix}"


def as_json(files: Sequence[Checked], *, fixed: bool) -> str:
    """The documented object."""
    counted = counts(files)
    told = {
        "files": [_file(file, fixed=fixed) for file in files],
        **{f"{severity}s": counted[severity] for severity in SEVERITIES},
    }
    return json.dumps(told, indent=2)


def _file(file: Checked, *, fixed: bool) -> dict[str, Any]:
    problems = [_problem(problem, file) for problem in file.problems]
    return {"file": file.name, "fixed" if fixed else "fixable": file.mended, "problems": problems}


def _problem(problem: Problem, file: Checked) -> dict[str, Any]:
    code = CODES[problem.code]
    return {
        "code": problem.code,
        "severity": problem.severity,
        "path": problem.path,
        "line": problem.line,
        "column": problem.column,
        "end_column": file.end_column(problem),
        "value": _plain(problem.value),
        "message": problem.message,
        "why": code.why,
        "fix": problem.fix,
        "instead": code.instead,
    }


def _plain(value: Any) -> Any:
    """The value, or its text where JSON has none like it, as for a number that is too large."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return str(value)
    return value


def github(files: Iterable[Checked]) -> Iterator[str]:
    """The annotations, a line each."""
    for file in files:
        for problem in file.problems:
            yield _annotation(problem, file)


def _annotation(problem: Problem, file: Checked) -> str:
    properties = {
        "file": file.name,
        "line": problem.line,
        "endLine": problem.line,
        "col": problem.column,
        "endColumn": max(
            file.end_column(problem) - 1, problem.column or 1
        ),  # GitHub's is the last one, and not the one behind it
        "title": problem.code,
    }
    told = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    message = f"{problem.message} {CODES[problem.code].why} {instead(problem)}"
    return f"::{_COMMANDS[problem.severity]} {told}::{_escaped(message)}"


def _escaped(value: object) -> str:
    """As GitHub's runner unescapes it."""
    return str(value).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: object) -> str:
    return _escaped(value).replace(":", "%3A").replace(",", "%2C")
