"""Where in the text of a policy a problem's value stands, and where it ends: for the eye, and for the pen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from .._forms import LineIndex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..errors import Problem

# A JSON token; a string that is not closed ends with its line.
_JSON: Final = re.compile(r'"(?:[^"\\\r\n]|\\[^\r\n])*"?|[^\s\[\]{},:"]+|.?', re.DOTALL)
# A tag, or text, which is shown without the white space around it.
_XML: Final = re.compile(r"<[^<>\r\n]*>?|[^<\r\n]*[^<\s]|.?", re.DOTALL)
_LINE_END: Final = re.compile(r"[\r\n]")
_REACH: Final = 4096  # characters in which a bracket has to be closed: no text is searched over and over
_CLOSERS: Final = {"[": "]", "{": "}"}


class PolicyText:
    """The text of a policy, in which places are found.

    Attributes:
        text: the whole of it, without a byte order mark.
        is_xml: whether it is read as XML.
    """

    def __init__(self, text: str) -> None:
        """Index the lines of `text`."""
        self.text = text
        self.is_xml = text.lstrip().startswith("<")
        self._lines = LineIndex(text)

    def start_of(self, problem: Problem) -> int:
        """Where a problem of this text begins, as an offset."""
        return self._lines.offset(problem.line or 1, (problem.column or 1) - 1)

    def line_of(self, problem: Problem) -> str:
        """The line of a problem."""
        start = self._lines.offset(problem.line or 1, 0)
        return self.text[start : self._line_end(start)]

    def before(self, problem: Problem) -> str:
        """What stands before a problem on its line."""
        return self.line_of(problem)[: (problem.column or 1) - 1]

    def value_of(self, problem: Problem) -> str:
        """The part of the line that a problem is about: a token, or what brackets hold that close on the same line."""
        start = self.start_of(problem)
        token = self.token_at(start)
        if token in _CLOSERS and not self.is_xml:
            return self.text[start : self._closed(start) or start + 1]
        return token

    def _line_end(self, offset: int) -> int:
        """Where the line that `offset` is in ends."""
        found = _LINE_END.search(self.text, offset)
        return found.start() if found else len(self.text)

    def token_at(self, offset: int) -> str:
        """The token that begins at `offset`; empty at the end of the text."""
        found = (_XML if self.is_xml else _JSON).match(self.text, offset)
        return found[0] if found else ""

    def _closed(self, start: int) -> int | None:
        """Where the bracket at `start` is closed, if that is near, and on its line."""
        open_ones: list[str] = []
        for at, token in self._tokens(start, min(self._line_end(start), start + _REACH)):
            if token in _CLOSERS:
                open_ones.append(_CLOSERS[token])
            elif open_ones and token == open_ones[-1]:
                open_ones.pop()
                if not open_ones:
                    return at + 1
        return None

    def _tokens(self, start: int, end: int) -> Iterator[tuple[int, str]]:
        while start < end:
            token = self.token_at(start)
            yield start, token
            start += len(token)
