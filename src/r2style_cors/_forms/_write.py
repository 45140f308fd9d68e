"""Writes a policy in any of the five forms, so that reading it gives an equal policy (SEMANTICS 1.5)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from ._keys import KEYS, RULES_KEY
from ._xml import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# XML turns line ends into LF on the way in (XML 1.0, section 2.11), so they are written as references.
_REFERENCES = {"\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}


def write(rules: Sequence[Mapping[str, Any]], form: str, envelope: Mapping[str, str]) -> str:
    """Write rules, given by field and without what is absent; `envelope` stands beside them in `terraform`."""
    if form == "xml":
        return _xml(rules)
    document = [_member(rule, form) for rule in rules]
    key = RULES_KEY[form]
    return json.dumps({**envelope, key: document} if key else document, indent=2, ensure_ascii=False) + "\n"


def _member(rule: Mapping[str, Any], form: str) -> dict[str, Any]:
    """Write one rule with the form's keys, nested where the form nests."""
    root: dict[str, Any] = {}
    for name, keys in KEYS[form].items():
        if name in rule:
            level = root
            for key in keys[:-1]:
                level = level.setdefault(key, {})
            level[keys[-1]] = rule[name]
    return root


def _xml(rules: Sequence[Mapping[str, Any]]) -> str:
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<CORSConfiguration xmlns="{NAMESPACE}">']
    for rule in rules:
        lines += ["  <CORSRule>", *_elements(rule), "  </CORSRule>"]
    return "\n".join([*lines, "</CORSConfiguration>", ""])


def _elements(rule: Mapping[str, Any]) -> Iterator[str]:
    for name, (key,) in KEYS["xml"].items():
        value = rule.get(name, [])
        for text in value if isinstance(value, list | tuple) else [value]:
            yield f"    <{key}>{escape(str(text), _REFERENCES)}</{key}>"
