"""The five spellings of a policy: recognise them, read them with positions, write them.

Whatever was wrong with the syntax or the shape is in the reading's report; what the rules say is judged elsewhere.
"""

from __future__ import annotations

import json

from ._json import read_json
from ._keys import BODY_KEYS, FORMS, KEYS, REPLY_KEYS, RULES_KEY, nearest_field, normal, spelled
from ._reading import Draft, Reading, path_of, reading_of
from ._shapes import read_shape
from ._text import read_file, read_standard_input, to_text
from ._tree import MAX_BYTES, PARSED, LineIndex, Report, literal, plain, quoted, refuse, step, wrap
from ._write import write
from ._xml import read_xml

__all__ = [
    "BODY_KEYS",
    "FORMS",
    "KEYS",
    "MAX_BYTES",
    "REPLY_KEYS",
    "RULES_KEY",
    "Draft",
    "LineIndex",
    "Reading",
    "Report",
    "literal",
    "nearest_field",
    "normal",
    "path_of",
    "plain",
    "quoted",
    "read",
    "read_file",
    "read_json",
    "read_standard_input",
    "reading_of",
    "spelled",
    "step",
    "to_text",
    "write",
]


def read(data: object, *, strict: bool) -> Reading:
    """Read a policy from bytes, from text, or from parsed JSON; `strict` makes a trailing comma an error.

    Raises:
        PolicyError: where there is nothing to read at all (`too-large`, `encoding`, `empty-file`).

    """
    if isinstance(data, bytes | str):
        return _read_text(to_text(data), strict=strict)
    if not isinstance(data, list | tuple | dict | int | float | None):
        raise refuse(PARSED, "unknown-form", f"A policy is text or parsed JSON, not a Python {type(data).__name__}.")
    root = wrap(data)
    reading = read_shape(root, Report())
    reading.size = len(json.dumps(plain(root), default=str))
    return reading


def _read_text(text: str, *, strict: bool) -> Reading:
    report = Report()
    if text.lstrip().startswith("<"):
        reading = read_xml(text, report)
    else:
        reading = read_shape(read_json(text, report, strict=strict), report)
    reading.size = len(text.encode("utf-8", "surrogatepass"))
    return reading
