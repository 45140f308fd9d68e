"""A JSON reader that knows where everything stands, and reads on after a mistake (SEMANTICS 1.1 to 1.4).

Laws of this room:
- RFC 8259 decides what is right; whatever else is understood is reported, with what to write instead;
- no recursion, and every character is looked at a bounded number of times, whatever the text;
- what could not be understood becomes a HOLE, so that nothing is reported twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .._rules import HOLE
from ._tree import MAX_DEPTH, MAX_DIGITS, LineIndex, Node, Report, literal, quoted, step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..errors import Severity

# Typographic quotes, in the escapes that the grammar below understands; not every font tells them apart.
_DOUBLE = r"\u201c\u201d\u201e\u201f\u00ab\u00bb"
_SINGLE = r"\u2018\u2019\u201a\u201b`"

_TOKEN = re.compile(
    rf"""
      (?P<space>[ \t\r\n]+)
    | (?P<mark>[\[\]{{}},:])
    | (?P<string>"[^"\\\r\n]*(?:\\[^\r\n][^"\\\r\n]*)*"?)
    | (?P<quoted>'[^'\\\r\n]*(?:\\[^\r\n][^'\\\r\n]*)*'?
               | [{_DOUBLE}][^{_DOUBLE}"\r\n]*[{_DOUBLE}"]?
               | [{_SINGLE}][^{_SINGLE}'\r\n]*[{_SINGLE}']?)
    | (?P<comment>//[^\r\n]* | \#[^\r\n]* | /\*.*?(?:\*/|\Z))
    | (?P<number>[-+]?\.?[0-9][0-9A-Za-z_.+-]*)
    | (?P<word>[A-Za-z][A-Za-z0-9+.-]*://[^\s\[\]{{}},"'{_DOUBLE}{_SINGLE}]*
             | [-+]?[A-Za-z_$][A-Za-z0-9_$-]*)
    | (?P<blank>\s+|\ufeff)
    | (?P<junk>[^\s\[\]{{}},:"'{_DOUBLE}{_SINGLE}\ufeff]+|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_LOOSE_NUMBER = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([eE][+-]?[0-9]+)?")
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[\x00-\x1f]", re.DOTALL
)
_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "/": "/"}
_LITERALS: Final = {"true": True, "false": False, "null": None}
_FOREIGN_LITERALS: Final = {"True": "true", "False": "false", "None": "null", "undefined": None}
_NO_NUMBERS: Final = {"NaN", "Infinity", "-Infinity", "+Infinity"}

_LINE_END = re.compile(r"[\r\n]")
_LAST_QUOTE = {'"': re.compile('"'), "'": re.compile("'")}
_LAST_TYPOGRAPHIC_QUOTE = re.compile(f"[{_DOUBLE}{_SINGLE}\"']")

# Where a container stands in its grammar.
_FIRST = "first"  # just opened
_NEXT = "next"  # after a comma
_COLON = "colon"  # after a key
_VALUE = "value"  # after a colon
_AFTER = "after"  # after a value


class _Token(NamedTuple):
    kind: str
    text: str
    start: int


@dataclass(slots=True)
class _Frame:
    """A container that is still open, and what has been read of it."""

    node: Node
    closer: str
    path: str
    state: str = _FIRST
    key: str = ""
    comma: int = 0

    @property
    def place(self) -> str:
        """The path of what is read next: of the member whose key has been read, or of the container."""
        return self.path + step(self.key) if self.state in (_COLON, _VALUE) else self.path


def read_json(text: str, report: Report, *, strict: bool) -> Node:
    """Read a text into nodes, and put what is wrong with its syntax into `report`.

    Args:
        text: the whole text.
        report: where problems go.
        strict: whether a trailing comma is an error (SEMANTICS 1.2).

    Returns:
        The outermost value; its value is HOLE where there is none that makes sense.

    """
    return _Reader(text, report, strict=strict).read()


class _Reader:
    def __init__(self, text: str, report: Report, *, strict: bool) -> None:
        self._text = text
        self._lines = LineIndex(text)
        self._report = report
        self._comma_severity: Severity = "error" if strict else "warning"
        # The document is the one member of a container without brackets.
        self._document = _Frame(Node([], self._lines.spot(0)), "", "", state=_NEXT)
        self._stack = [self._document]
        self._done = False

    def read(self) -> Node:
        for token in self._tokens():
            self._take(token)
            if self._done:
                break
        else:
            self._finish()
        members: list[Node] = self._document.node.value
        return members[0] if members else Node(HOLE, self._lines.spot(0))

    def _tokens(self) -> Iterator[_Token]:
        at = 0
        while match := _TOKEN.match(self._text, at):
            token = _Token(str(match.lastgroup), match[0], at)
            if token.kind in ("string", "quoted") and not _is_closed(token.text):
                token = self._unclosed_string(token)
            at += len(token.text)
            if token.kind != "space":
                yield token

    def _unclosed_string(self, token: _Token) -> _Token:
        """Take a string without its end: up to the end of the line, but for the marks that usually follow a string."""
        line_end = _LINE_END.search(self._text, token.start)
        end = line_end.start() if line_end else len(self._text)
        return _Token("unclosed", self._text[token.start : end].rstrip(" \t]},"), token.start)

    def _say(self, token: _Token, message: str, fix: str | None = None, value: Any = None) -> None:
        self._problem("json-syntax", token.start, token.text if value is None else value, message, fix)

    def _problem(self, code: str, at: int, value: object, message: str, fix: str | None = None) -> None:
        if not self._report.is_full(code):
            severity = self._comma_severity if code == "trailing-comma" else None
            path, spot = self._stack[-1].place, self._lines.spot(at)
            self._report.add(code, path, spot, message, value=value, fix=fix, severity=severity)

    def _take(self, token: _Token) -> None:
        if token.kind == "comment":
            self._say(token, "JSON has no comments; remove this one.")
        elif token.kind == "blank":
            self._say(token, "This white space is none that JSON knows; write an ordinary space.")
        elif self._is_out_of_place(token):
            self._stop(token)
        elif token.kind == "mark":
            self._mark(token)
        elif token.kind == "junk":
            self._stack[-1].node.torn = True
            self._say(token, f"{quoted(token.text)} means nothing in JSON.")
        else:
            self._scalar(token)

    def _is_out_of_place(self, token: _Token) -> bool:
        """Whether, outside all brackets, this is neither a beginning nor the end of a JSON document."""
        if len(self._stack) > 1:
            return False
        if self._document.state == _AFTER:
            return True
        if token.kind == "word":
            return token.text not in _LITERALS
        return token.kind in ("quoted", "junk") or (token.kind == "mark" and token.text not in "[{")

    def _stop(self, token: _Token) -> None:
        """Give up: after the document, or on something that never was JSON, more problems would be noise."""
        if self._document.state == _AFTER:
            self._say(token, "The document ended before this; a policy is one JSON value with nothing after it.")
        else:
            message = f"A JSON policy begins with a bracket; this begins with {quoted(token.text)}."
            self._say(token, f"{message} YAML, HCL and scripts are not read.")
        self._done = True

    def _mark(self, token: _Token) -> None:
        if token.text in "[{":
            self._open(token)
        elif token.text in "]}":
            self._close(token)
        elif token.text == ",":
            self._comma(token)
        elif self._stack[-1].state == _COLON:
            self._stack[-1].state = _VALUE
        else:
            self._say(token, "There is no key before this colon; remove it.")

    def _open(self, token: _Token) -> None:
        if len(self._stack) > MAX_DEPTH:
            message = f"The document is nested more than {MAX_DEPTH} levels deep."
            self._report.add("too-deep", "", self._lines.spot(token.start), message)
            self._document.node.value.clear()  # half a document is not judged
            self._done = True
            return
        node = Node([] if token.text == "[" else {}, self._lines.spot(token.start))
        path = self._place(node, token, token.text)
        self._stack.append(_Frame(node, "]" if token.text == "[" else "}", path))

    def _close(self, token: _Token) -> None:
        if all(frame.closer != token.text for frame in self._stack):
            self._say(token, f"No bracket is open that `{token.text}` could close; remove it.")
            return
        while self._stack[-1].closer != token.text:
            self._unclosed(self._stack[-1])
            self._end(self._stack[-1])
            self._stack.pop()
        self._end(self._stack[-1])
        self._stack.pop()

    def _comma(self, token: _Token) -> None:
        frame = self._stack[-1]
        if frame.state in (_FIRST, _NEXT):
            self._say(token, "There is no value before this comma; remove it.")
            return
        self._fill(frame)
        frame.state, frame.comma = _NEXT, token.start

    def _end(self, frame: _Frame) -> None:
        """Close a container whose bracket has come."""
        if frame.state == _NEXT:
            self._problem("trailing-comma", frame.comma, ",", "JSON has no comma before a closing bracket; remove it.")
        self._fill(frame)

    def _fill(self, frame: _Frame) -> None:
        """Put a HOLE where a key has no value."""
        if frame.state in (_COLON, _VALUE):
            spot = frame.node.keys[frame.key]
            self._problem("json-syntax", spot.rank, frame.key, f"The key {quoted(frame.key)} has no value.")
            frame.node.value[frame.key] = Node(HOLE, spot)
            frame.state = _AFTER

    def _unclosed(self, frame: _Frame) -> None:
        opener = "[" if frame.closer == "]" else "{"
        frame.node.torn = True
        message = f"This bracket is never closed; a `{frame.closer}` is missing."
        self._problem("json-syntax", frame.node.spot.rank, opener, message)

    def _finish(self) -> None:
        """Close whatever the end of the text left open."""
        while len(self._stack) > 1:
            frame = self._stack[-1]
            self._unclosed(frame)
            self._fill(frame)
            self._stack.pop()

    def _scalar(self, token: _Token) -> None:
        frame = self._stack[-1]
        is_key = frame.closer == "}" and (frame.state in (_FIRST, _NEXT) or self._is_late_key(frame, token))
        value, fix = self._read_scalar(token, is_key=is_key)
        if is_key:
            self._key(frame, token, value if isinstance(value, str) else token.text, fix)
        else:
            self._place(Node(value, self._lines.spot(token.start)), token, fix)

    def _is_late_key(self, frame: _Frame, token: _Token) -> bool:
        """Whether this is the next key, with its comma missing."""
        return frame.state == _AFTER and token.kind != "number"

    def _key(self, frame: _Frame, token: _Token, key: str, text: str) -> None:
        if frame.state == _AFTER:
            self._say(token, "A comma is missing before this.", f", {text}")
        if key in frame.node.keys:
            path = frame.path + step(key)
            if not self._report.is_full("duplicate-key"):
                message = f"The key {quoted(key)} is written twice here; keep one of them."
                self._report.add("duplicate-key", path, self._lines.spot(token.start), message, value=key)
        frame.key, frame.state = key, _COLON
        frame.node.keys[key] = self._lines.spot(token.start)

    def _place(self, node: Node, token: _Token, text: str) -> str:
        """Put a value into the innermost container; returns its path."""
        frame = self._stack[-1]
        if frame.closer == "}":
            return self._place_member(frame, node, token, text)
        if frame.state == _AFTER:
            self._say(token, "A comma is missing before this.", f", {text}")
        frame.state = _AFTER
        frame.node.value.append(node)
        return frame.path if frame is self._document else f"{frame.path}[{len(frame.node.value) - 1}]"

    def _place_member(self, frame: _Frame, node: Node, token: _Token, text: str) -> str:
        if frame.state not in (_COLON, _VALUE):
            frame.node.torn = True
            self._say(token, "A key in quotes and a colon are missing before this.")
            frame.state = _AFTER
            return frame.path
        if frame.state == _COLON:
            self._say(token, "A colon is missing before this.", f": {text}")
        frame.state = _AFTER
        frame.node.value[frame.key] = node
        return frame.path + step(frame.key)

    def _read_scalar(self, token: _Token, *, is_key: bool) -> tuple[Any, str]:
        """Read a token that stands for one value; returns it and how it should have been written."""
        if token.kind == "string":
            return self._unescape(token), token.text
        if token.kind in ("quoted", "unclosed"):
            return self._misquoted(token, is_key=is_key)
        if token.kind == "number" and not is_key:
            return self._number(token)
        if token.text in _LITERALS and not is_key:
            return _LITERALS[token.text], token.text
        return self._word(token, is_key=is_key)

    def _unescape(self, token: _Token, *, report: bool = True) -> str:
        def replace(match: re.Match[str]) -> str:
            return self._escape(match, token.start + 1, report=report)

        inner = token.text[1:] if token.kind == "unclosed" else token.text[1:-1]
        return _ESCAPE.sub(replace, inner)

    def _escape(self, match: re.Match[str], start: int, *, report: bool) -> str:
        """Decode one escape; a lone surrogate is grammatical, and it is left to the fields to refuse it."""
        text = match[0]
        if text[0] == "\\" and text[1] == "u" and len(text) > 2:  # noqa: PLR2004 - more than the two themselves
            units = "".join(chr(int(unit, 16)) for unit in text.split("\\u")[1:])
            return units.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        if text[0] == "\\" and text[1] in _ESCAPES:
            return _ESCAPES[text[1]]
        if report:
            self._bad_escape(text, start + match.start())
        return text if text[0] != "\\" else text[1]

    def _bad_escape(self, text: str, at: int) -> None:
        if text[0] == "\\":
            message, fix = f"JSON has no escape `{text}`; a backslash itself is written twice.", "\\\\" + text[1:]
        else:
            message, fix = "A control character must be written as an escape.", literal(text)[1:-1]
        self._problem("json-syntax", at, text, message, fix)

    def _misquoted(self, token: _Token, *, is_key: bool) -> tuple[Any, str]:
        content = self._unescape(token, report=False)
        fix = literal(content)
        if token.kind == "unclosed":
            self._say(token, "This string has no closing quote on its line.", fix)
            return content if is_key else HOLE, fix
        self._say(token, 'JSON strings stand in straight double quotes, `"`.', fix)
        return content, fix

    def _number(self, token: _Token) -> tuple[Any, str]:
        if _NUMBER.fullmatch(token.text):
            return _to_number(token.text), token.text
        mended = _mend_number(token.text)
        self._say(token, f"{quoted(token.text)} is no number as JSON writes them.", mended)
        return (HOLE, token.text) if mended is None else (_to_number(mended), mended)

    def _word(self, token: _Token, *, is_key: bool) -> tuple[Any, str]:
        """Read a word that stands without quotes."""
        if is_key:
            self._say(token, "A key stands in double quotes.", literal(token.text))
        elif token.text in _NO_NUMBERS:
            self._say(token, f"JSON has no {token.text}.")
            return HOLE, token.text
        elif token.text in _FOREIGN_LITERALS:
            fix = _FOREIGN_LITERALS[token.text]
            self._say(token, f"JSON has no `{token.text}`.", fix)
            return (HOLE if fix is None else _LITERALS[fix]), fix or token.text
        else:
            self._say(token, "A string stands in double quotes.", literal(token.text))
        return token.text, literal(token.text)


def _is_closed(text: str) -> bool:
    """Whether the text of a string token ends with a quote of its own."""
    if len(text) < 2 or not _LAST_QUOTE.get(text[0], _LAST_TYPOGRAPHIC_QUOTE).match(text[-1]):  # noqa: PLR2004 - a quote at either end
        return False
    backslashes = len(text) - 1 - len(text[:-1].rstrip("\\"))
    return text[0] not in _LAST_QUOTE or backslashes % 2 == 0


def _to_number(text: str) -> int | float:
    """Convert a JSON number; one that is beyond reason becomes an infinity, which no field accepts."""
    if re.fullmatch("-?[0-9]+", text):
        return int(text) if len(text) <= MAX_DIGITS else float(text)
    return float(text)


def _mend_number(text: str) -> str | None:
    """Rewrite `+1`, `01`, `.5`, `5.` and `1_000` as JSON does; None for what is no number at all."""
    found = _LOOSE_NUMBER.fullmatch(text.replace("_", ""))
    if found is None or not (found[2] or found[3]):
        return None
    sign, whole, fraction, exponent = (part or "" for part in found.groups())
    return f"{sign.strip('+')}{whole.lstrip('0') or '0'}{'.' + fraction if fraction else ''}{exponent}"
