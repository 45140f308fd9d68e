"""JSON Schemas of the JSON forms: the model's own schema, put into the shape of each form.

A schema refuses what it can and accepts every good policy; what needs more than a grammar is left to the judge.
"""

from __future__ import annotations

from typing import Any, Final

from ._engine import METHODS
from ._forms import BODY_KEYS, KEYS, REPLY_KEYS, RULES_KEY
from ._rules import REQUIRED

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

# ECMA 262's `$` ends the text, Python's also stands before a last line feed: the look-ahead makes both the same.
_END: Final = r"$(?!\n)"
_NAME: Final = "[A-Za-z0-9._-]"
_HOST: Final = rf"(?:{_NAME}*\*)?{_NAME}*[A-Za-z0-9_-]|{_NAME}*\*|\[[0-9A-Fa-f:.]+\]"
_PORT: Final = "[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]"
_TCHAR: Final = "!#$%&'+.^_`|~0-9A-Za-z-"

ORIGIN: Final = {
    "type": "string",
    "pattern": rf"^(?:\*|[A-Za-z][A-Za-z0-9+.-]*://(?:{_HOST})(?::(?:{_PORT}))?){_END}",
}
METHOD: Final = {"type": "string", "enum": list(METHODS)}
HEADER: Final = {"type": "string", "pattern": rf"^(?=[\s\S])[{_TCHAR}]*\*?[{_TCHAR}]*{_END}"}
TOKEN: Final = {"type": "string", "pattern": rf"^[*{_TCHAR}]+{_END}"}
MAX_AGE: Final = {"type": "integer", "minimum": 0}
ID: Final = {
    "type": "string",
    "pattern": rf"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\uD800-\uDFFF\uFFFE\uFFFF]*{_END}",
}
# Terraform alone reads methods in any case (SEMANTICS 1).
_METHOD_IN_ANY_CASE: Final = {
    "type": "string",
    "pattern": "^(?:" + "|".join("".join(f"[{c}{c.lower()}]" for c in method) for method in METHODS) + ")" + _END,
}
_TEXT: Final = {"type": "string"}
_ANYTHING: Final[dict[str, Any]] = {}


def schema_of(form: str, model: dict[str, Any]) -> dict[str, Any]:
    """Make the schema of a JSON form from that of the model `Rule`, whose properties are the dashboard's keys."""
    schema = _document(form, {"type": "array", "minItems": 1, "items": _rule(form, model["properties"])})
    return {"$schema": _DIALECT, "title": f"CORS policy, form {form}", **schema}


def _rule(form: str, properties: dict[str, Any]) -> dict[str, Any]:
    rule = _object({}, [])
    for name, keys in KEYS[form].items():
        level = rule
        for key in keys[:-1]:
            level = level["properties"].setdefault(key, _object({}, []))
        level["properties"][keys[-1]] = _field(form, name, properties)
        if name in REQUIRED:
            level["required"].append(keys[-1])
            rule["required"] = sorted({*rule["required"], keys[0]})
    return rule


def _field(form: str, name: str, properties: dict[str, Any]) -> dict[str, Any]:
    (dashboard_key,) = KEYS["dashboard"][name]
    field = {key: value for key, value in properties[dashboard_key].items() if key not in ("title", "default")}
    if form == "terraform" and name == "allowed_methods":
        field["items"] = _METHOD_IN_ANY_CASE
    return field


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _document(form: str, rules: dict[str, Any]) -> dict[str, Any]:
    """Put the list of rules into the document of a form."""
    key = RULES_KEY[form]
    if form == "dashboard":
        return rules
    if form == "s3":
        return _object({key: rules, "ResponseMetadata": _ANYTHING}, [key])
    if form == "api":
        body = _object({key: rules}, [key])
        ignored = dict.fromkeys(REPLY_KEYS, _ANYTHING)
        return {"anyOf": [body, _object({**ignored, "result": body}, ["result"])]}
    body = _object({**dict.fromkeys(BODY_KEYS, _TEXT), key: rules}, [key])
    named = {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": body}
    resource = _object({"cloudflare_r2_bucket_cors": named}, ["cloudflare_r2_bucket_cors"])
    return {"anyOf": [body, _object({"resource": resource}, ["resource"])]}
