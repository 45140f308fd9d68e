"""A document as it was read: every value with the place where it stands, and the problems met on the way.

JSON text and already parsed data both become a tree of nodes, so what comes after knows of one shape alone.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .._codes import CODES
from .._rules import HOLE
from ..errors import PolicyError, Problem

if TYPE_CHECKING:
    from ..errors import Severity

MAX_DEPTH = 64
MAX_BYTES = 1024 * 1024
MAX_VALUES = MAX_BYTES // 2  # as many as fit into a text of that size
MAX_PROBLEMS_OF_A_KIND = 100

MAX_DIGITS = 4000  # Python converts no more than 4300, and no policy has a use for them

_BEYOND_REASON: Final = 10**MAX_DIGITS
_MAX_SHOWN = 80


class Spot(NamedTuple):
    """Where something stands: its rank in the document, and its 1-based line and column, None for parsed data."""

    rank: int
    line: int | None
    column: int | None


START: Final = Spot(0, 1, 1)
PARSED: Final = Spot(0, None, None)


class LineIndex:
    """The lines of a text, to turn offsets into places. A line ends with CR, LF or CRLF, as in XML."""

    def __init__(self, text: str) -> None:
        """Index the starts of the lines of `text`."""
        self._starts = [0, *(end.end() for end in re.finditer("\r\n|\r|\n", text))]

    def spot(self, offset: int) -> Spot:
        """Turn an offset into a place."""
        line = bisect_right(self._starts, offset)
        return Spot(offset, line, offset - self._starts[line - 1] + 1)

    def offset(self, line: int, column: int) -> int:
        """Turn a 1-based line and a 0-based column, as expat gives them, into an offset."""
        return self._starts[line - 1] + column


@dataclass(slots=True)
class Node:
    """One JSON value.

    Attributes:
        value: a scalar, a list of nodes, a dict of nodes, or HOLE.
        spot: where it begins.
        keys: in an object, where each key stands.
        torn: whether some of the members may be lost to broken syntax.

    """

    value: Any
    spot: Spot
    keys: dict[str, Spot] = field(default_factory=dict)
    torn: bool = False


def plain(node: Node) -> Any:
    """Turn a node back into plain data; the depth of every tree is bounded by MAX_DEPTH."""
    if isinstance(node.value, list):
        return [plain(item) for item in node.value]
    if isinstance(node.value, dict):
        return {key: plain(item) for key, item in node.value.items()}
    return None if node.value is HOLE else node.value


class Report:
    """The problems of one document, in the order of the document when they are asked for."""

    def __init__(self) -> None:
        """Begin without problems."""
        self._entries: list[tuple[int, Problem]] = []
        self._counts: Counter[str] = Counter()

    def add(
        self,
        code: str,
        path: str,
        spot: Spot,
        message: str,
        *,
        value: Any = None,
        fix: str | None = None,
        severity: Severity | None = None,
    ) -> None:
        """Add a problem; without `severity` it has the code's usual one."""
        usual = CODES[code].severity
        path = path.removeprefix(".")  # the document itself has no name
        problem = Problem(code, severity or usual, path, spot.line, spot.column, value, message, fix)
        self._entries.append((spot.rank, problem))

    def is_full(self, code: str) -> bool:
        """Count one more problem of reading, and say whether there are too many of its kind to be of use.

        Noise, such as an image, must not become a hundred thousand problems. Counting by code keeps a flood of warnings
        from hiding an error.
        """
        self._counts[code] += 1
        return self._counts[code] > MAX_PROBLEMS_OF_A_KIND

    def problems(self) -> tuple[Problem, ...]:
        """List all problems in the order of the document, then what was left out."""
        ordered = tuple(problem for _, problem in sorted(self._entries, key=lambda entry: entry[0]))
        return (*ordered, *self._left_out())

    def _left_out(self) -> list[Problem]:
        left = {code: count - MAX_PROBLEMS_OF_A_KIND for code, count in self._counts.items()}
        message = "{} more problems of this kind are not listed."
        places = {problem.code: (problem.line, problem.column) for _, problem in self._entries}
        return [
            Problem(code, "note", "", *places[code], None, message.format(count))
            for code, count in left.items()
            if count > 0
        ]

    def copy(self) -> Report:
        """Make a report that begins with the same problems."""
        twin = Report()
        twin._entries = list(self._entries)
        twin._counts = Counter(self._counts)
        return twin


def refuse(spot: Spot, code: str, message: str) -> PolicyError:
    """Make the error for a document that is not even read."""
    report = Report()
    report.add(code, "", spot, message)
    return PolicyError(report.problems())


def quoted(value: object) -> str:
    """Quote a value for a message: cut to a readable length, without control characters and lone surrogates."""
    text = str(value)
    cut = text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"
    return json.dumps(cut, ensure_ascii=not cut.isprintable())


def literal(value: object) -> str:
    """Write a value as JSON, without lone surrogates."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value)


def step(key: str) -> str:
    """Write the step of a JSON path into the member `key`."""
    return f".{key}" if re.fullmatch("[A-Za-z0-9_$-]+", key) else f"[{literal(key)}]"


class _Wrapper:
    """Turns parsed data into nodes.

    Depth and size are bounded, so that data that holds itself is refused. A number that cannot even be written becomes an
    infinity, as in a text.
    """

    def __init__(self) -> None:
        self._rank = 0

    def wrap(self, value: Any, depth: int = 0) -> Node:
        node = Node(value, self._next())
        if depth > MAX_DEPTH:
            raise refuse(PARSED, "too-deep", f"The data is nested more than {MAX_DEPTH} levels deep.")
        if isinstance(value, Mapping):
            node.value = {}
            for key, member in value.items():
                node.keys[str(key)] = self._next()
                node.value[str(key)] = self.wrap(member, depth + 1)
        elif isinstance(value, list | tuple):
            node.value = [self.wrap(item, depth + 1) for item in value]
        elif isinstance(value, int) and abs(value) >= _BEYOND_REASON:
            node.value = inf if value > 0 else -inf
        return node

    def _next(self) -> Spot:
        self._rank += 1
        if self._rank > MAX_VALUES:
            raise refuse(PARSED, "too-large", f"The data has more than {MAX_VALUES} values.")
        return Spot(self._rank, None, None)


def wrap(data: object) -> Node:
    """Turn parsed JSON into nodes; raises PolicyError where it is nested too deep or too large."""
    return _Wrapper().wrap(data)
