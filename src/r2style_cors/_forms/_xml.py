"""The XML form, read by the standard library's expat (SEMANTICS 1).

Choices, where the form's own documentation is silent:
- the elements may be in S3's namespace of 2006-03-01 or in none; in any other they are unknown elements;
- text is taken as it stands, white space included, as S3 does; an origin with a line break around it is refused, with
  the origin alone as the fix;
- the text is UTF-8 whatever the XML declaration says; attributes are ignored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final
from xml.parsers import expat

from .._rules import HOLE
from ..errors import PolicyError
from ._keys import KEYS, hint, nearest_field, rule_path, spelled
from ._reading import Draft, Reading, is_list_field
from ._tree import MAX_DEPTH, LineIndex, Report, Spot, quoted, refuse

NAMESPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"
_SEPARATOR: Final = " "  # no namespace contains a space
_SHOW: Final = (
    "<CORSConfiguration><CORSRule><AllowedOrigin>https://example.com</AllowedOrigin>"
    "<AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>"
)


@dataclass(slots=True)
class _Element:
    """One element: its children, and its own text with the place where that begins."""

    name: str
    spot: Spot
    children: list[_Element] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    text_spot: Spot | None = None

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def value_spot(self) -> Spot:
        return self.text_spot or self.spot


class _Builder:
    """Builds the tree from expat's events."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = LineIndex(text)
        self._document = _Element("", self._lines.spot(0))
        self._stack = [self._document]
        self._parser = expat.ParserCreate("utf-8", _SEPARATOR)
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._data
        self._parser.StartDoctypeDeclHandler = self._doctype

    def build(self) -> _Element:
        """Parse the text; raises PolicyError for what is not well-formed, too deep, or has a DTD."""
        try:
            self._parser.Parse(self._text.encode("utf-8"), True)  # noqa: FBT003 - expat's signature
        except expat.ExpatError as error:
            reason = expat.errors.messages[error.code]
            spot = self._spot(error.lineno, error.offset)
            raise refuse(spot, "xml-syntax", f"The XML is not well-formed: {reason}.") from None
        return self._document.children[0]

    def _spot(self, line: int, column: int) -> Spot:
        """Turn expat's place into ours; the end of the text is shown as its last character."""
        offset = self._lines.offset(line, column)
        return self._lines.spot(min(offset, len(self._text.rstrip()) - 1))

    def _here(self) -> Spot:
        return self._spot(self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber)

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        if len(self._stack) > MAX_DEPTH:
            raise refuse(self._here(), "too-deep", f"The document is nested more than {MAX_DEPTH} levels deep.")
        element = _Element(name.removeprefix(NAMESPACE + _SEPARATOR), self._here())
        self._stack[-1].children.append(element)
        self._stack.append(element)

    def _end(self, _name: str) -> None:
        self._stack.pop()

    def _data(self, data: str) -> None:
        element = self._stack[-1]
        element.pieces.append(data)
        element.text_spot = element.text_spot or self._here()

    def _doctype(self, *_names: object) -> None:
        """Refuse the document before any entity is declared, let alone expanded."""
        offset = self._text.rfind("<!DOCTYPE", 0, self._here().rank + 1)
        message = "A policy has no document type declaration; remove it."
        raise refuse(self._lines.spot(offset), "xml-entity", message)


def read_xml(text: str, report: Report) -> Reading:
    """Read the XML form; what is wrong goes into `report`, and where it is not XML there are no rules to judge."""
    reading = Reading(None, report, path="/CORSConfiguration")
    try:
        root = _Builder(text).build()
    except PolicyError as error:
        (problem,) = error.problems
        spot = Spot(0, problem.line, problem.column)
        report.add(problem.code, "", spot, problem.message)
        return reading
    if root.name == "CORSConfiguration":
        reading.form, reading.spot = "xml", root.spot
        reading.drafts = _rules(root, report)
    else:
        report.add("unknown-form", "", root.spot, f"This XML is no policy: {_foreign(root.name)}", fix=_SHOW)
    return reading


def _foreign(name: str) -> str:
    """What a root is that is not the form's."""
    namespace, _, local = name.rpartition(_SEPARATOR)
    if local == "CORSConfiguration":
        return f"its namespace is {quoted(namespace)}, where {quoted(NAMESPACE)} or none is wanted."
    return f"its root is <{_name_of(name)}>, where <CORSConfiguration> is wanted."


def _name_of(name: str) -> str:
    """The name of an element for a message, without a namespace."""
    return quoted(name.rpartition(_SEPARATOR)[2])[1:-1]


def _rules(root: _Element, report: Report) -> list[Draft]:
    drafts: list[Draft] = []
    _no_text(root, "/CORSConfiguration", report)
    for element in root.children:
        if element.name == "CORSRule":
            draft = Draft(rule_path("xml", "", len(drafts)), element.spot)
            drafts.append(draft)
            _take(element, draft, report)
        else:
            _unknown(element, "/CORSConfiguration", "<CORSRule>", report)
    return drafts


def _take(rule: _Element, draft: Draft, report: Report) -> None:
    """Take one rule apart: its elements come in any order, and those of lists once for each entry."""
    _no_text(rule, draft.path, report)
    fields = {keys[0]: name for name, keys in KEYS["xml"].items()}
    for element in rule.children:
        name = fields.get(element.name)
        if name is None:
            _unknown_field(element, draft, report)
        elif is_list_field(name):
            _append(name, element, draft, report)
        else:
            _set(name, element, draft, report)


def _unknown_field(element: _Element, draft: Draft, report: Report) -> None:
    name = nearest_field(element.name)
    _unknown(element, draft.path, name and spelled("xml", name), report)
    if name is not None:
        draft.values.setdefault(name, HOLE)


def _append(name: str, element: _Element, draft: Draft, report: Report) -> None:
    if not isinstance(draft.values.get(name), list):  # none yet, or a HOLE for one that was misspelt
        draft.values[name] = []
    entries: list[Any] = draft.values[name]
    draft.spots[(name, len(entries))] = element.value_spot
    entries.append(_leaf(element, f"{draft.path}/{element.name}[{len(entries) + 1}]", report))


def _set(name: str, element: _Element, draft: Draft, report: Report) -> None:
    path = f"{draft.path}/{element.name}"
    if name in draft.values and not report.is_full("duplicate-key"):
        message = f"A rule has one <{element.name}> at most; keep one of them."
        report.add("duplicate-key", path, element.spot, message, value=element.text)
    value = _leaf(element, path, report)
    draft.values[name] = _number(value) if name == "max_age_seconds" else value
    draft.spots[(name,)] = element.value_spot


def _leaf(element: _Element, path: str, report: Report) -> Any:
    """Take the text of an element that has nothing else in it."""
    for child in element.children:
        _unknown(child, path, None, report)
    return HOLE if element.children else element.text


def _number(text: Any) -> Any:
    """Read a number without exponent: `3600.0` is 3600, and a fraction is refused as one (SEMANTICS 2)."""
    if not isinstance(text, str):
        return text
    if re.fullmatch("-?[0-9]{1,4000}", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?[0-9]{1,100}\.[0-9]+", text) else text


def _unknown(element: _Element, path: str, fix: str | None, report: Report) -> None:
    if report.is_full("unknown-key"):
        return
    name = _name_of(element.name)
    message = f"The element <{name}> is not known here.{hint(name, fix)}"
    report.add("unknown-key", f"{path}/{name}", element.spot, message, value=element.name, fix=fix)


def _no_text(element: _Element, path: str, report: Report) -> None:
    text = element.text.strip()
    if text:
        message = f"Text has no place here, between elements: {quoted(text)}."
        report.add("wrong-type", path, element.value_spot, message, value=text)
