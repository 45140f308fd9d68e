"""How each form spells the fields of a rule, and so how it writes paths. The one place that knows the keys."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from .._rules import REQUIRED
from ._tree import literal, step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .._rules import Location

# A field's keys, from the rule inwards.
Keys: TypeAlias = tuple[str, ...]
# The same turned round: what may stand in a rule, and inside what. Leaves are fields.
Tree: TypeAlias = "dict[str, str | Tree]"

_DASHBOARD: Final[Mapping[str, Keys]] = {
    "id": ("ID",),
    "allowed_origins": ("AllowedOrigins",),
    "allowed_methods": ("AllowedMethods",),
    "allowed_headers": ("AllowedHeaders",),
    "expose_headers": ("ExposeHeaders",),
    "max_age_seconds": ("MaxAgeSeconds",),
}
_API: Final[Mapping[str, Keys]] = {
    "id": ("id",),
    "allowed_origins": ("allowed", "origins"),
    "allowed_methods": ("allowed", "methods"),
    "allowed_headers": ("allowed", "headers"),
    "expose_headers": ("exposeHeaders",),
    "max_age_seconds": ("maxAgeSeconds",),
}
_TERRAFORM: Final[Mapping[str, Keys]] = {
    **_API,
    "expose_headers": ("expose_headers",),
    "max_age_seconds": ("max_age_seconds",),
}
_XML: Final[Mapping[str, Keys]] = {
    **_DASHBOARD,
    "allowed_origins": ("AllowedOrigin",),
    "allowed_methods": ("AllowedMethod",),
    "allowed_headers": ("AllowedHeader",),
    "expose_headers": ("ExposeHeader",),
}
KEYS: Final[Mapping[str, Mapping[str, Keys]]] = {
    "dashboard": _DASHBOARD,
    "api": _API,
    "s3": _DASHBOARD,
    "xml": _XML,
    "terraform": _TERRAFORM,
}
FORMS: Final = tuple(KEYS)

# Where the rules stand in the document; the dashboard's document is the array itself.
RULES_KEY: Final = {"dashboard": "", "api": "rules", "s3": "CORSRules", "terraform": "rules"}

# What may stand beside the rules, or beside the result that holds them.
BODY_KEYS: Final = ("account_id", "bucket_name", "jurisdiction")  # of `terraform`
REPLY_KEYS: Final = ("success", "errors", "messages", "result_info")  # of `api`


def tree(form: str) -> Tree:
    """Turn a form's keys round: from a key to its field, or to the keys inside it."""
    root: Tree = {}
    for name, keys in KEYS[form].items():
        level: Any = root
        for key in keys[:-1]:
            level = level.setdefault(key, {})
        level[keys[-1]] = name
    return root


def rule_path(form: str, prefix: str, index: int) -> str:
    """Write the path of a rule; XML counts from one."""
    if form == "xml":
        return f"/CORSConfiguration/CORSRule[{index + 1}]"
    return f"{prefix}{RULES_KEY[form]}[{index}]"


def field_path(form: str, at: Location) -> str:
    """Write the path from a rule to a field, or to one of its entries."""
    name, *indexes = at
    keys = KEYS[form][str(name)]
    if form == "xml":
        return f"/{keys[0]}" + "".join(f"[{int(index) + 1}]" for index in indexes)
    return "".join(step(key) for key in keys) + "".join(f"[{index}]" for index in indexes)


def normal(key: str) -> str:
    """A key without case and punctuation."""
    return "".join(character for character in key.lower() if character.isalnum())


# Every spelling of every form, without case and punctuation, and the field that it means.
_MEANINGS: Final = {
    normal(spelling): name
    for keys_of in KEYS.values()
    for name, keys in keys_of.items()
    for spelling in ("".join(keys), keys[-1])
}

_OUTER: Final = {keys[0] for keys_of in KEYS.values() for keys in keys_of.values() if len(keys) > 1}
_CREDENTIALS: Final = "credentials"
_MAX_GUESSED = 64  # comparing costs the square of the length


def nearest_field(key: str) -> str | None:
    """Find what an unknown key of a rule probably means: a field, or the key of a form that holds fields."""
    if _CREDENTIALS in normal(key):
        return None
    meanings = _MEANINGS | {normal(one): one for one in _OUTER}
    close = _closest(normal(key), meanings)
    return None if close is None else meanings[close]


def nearest_key(key: str, known: Iterable[str]) -> str | None:
    """Find the known key that an unknown one outside the rules probably means."""
    spellings = {normal(one): one for one in known}
    close = _closest(normal(key), spellings)
    return None if close is None else spellings[close]


def _closest(key: str, known: Iterable[str]) -> str | None:
    if len(key) > _MAX_GUESSED:
        return None
    found = difflib.get_close_matches(key, list(known), 1)
    return found[0] if found else None


def hint(key: str, fix: str | None) -> str:
    """Say more of an unknown key: what was meant, where that is known."""
    if _CREDENTIALS in normal(key):
        return " Credentials are no part of a policy: the server allows them, with `credentials=True`."
    return f" Did you mean {fix}?" if fix else ""


def spelled(form: str, name: str) -> str:
    """Show how a form spells a field: the key, inside what it belongs. What is no field is a key that holds some."""
    if name in _OUTER and all(len(keys) == 1 for keys in KEYS[form].values()):
        return ", ".join(spelled(form, field) for field in REQUIRED)
    *outer, key = KEYS[form].get(name, (name,))
    if form == "xml":
        return f"<{key}>"
    return f'"{outer[0]}": {{{literal(key)}: …}}' if outer else literal(key)
