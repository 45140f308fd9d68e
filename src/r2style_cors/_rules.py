"""What a rule may say (SEMANTICS 2): every value check, over plain values, in the model's names.

Laws of this room:
- it knows neither a form's keys nor where a value was written; it answers with the field and the index;
- nothing raises; whatever is wrong is a Finding, and everything is found in one pass;
- what differs between the profiles is a Rulebook, looked up once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from ._engine import METHODS
from ._fetch import is_token
from ._profiles import profile_named
from ._rules_origin import NOT_XML, Fault, fault, lower, r2_origin, s3_origin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ._profiles import ProfileName
    from .errors import Severity

FIELDS = ("id", "allowed_origins", "allowed_methods", "allowed_headers", "expose_headers", "max_age_seconds")
REQUIRED = ("allowed_origins", "allowed_methods")
LISTS = ("allowed_origins", "allowed_methods", "allowed_headers", "expose_headers")

MAX_AGE_LIMIT = 86400
MAX_ID_LENGTH = 255
MAX_RULES = 100
MAX_SIZE = 64 * 1024

Location: TypeAlias = tuple[str | int, ...]


class Hole(Enum):
    """A value that could not be read, and whose problem is already reported."""

    HOLE = "hole"


HOLE: Final = Hole.HOLE


class Finding(NamedTuple):
    """A fault with the field, and the index in it, that it was found at."""

    at: Location
    value: Any
    fault: Fault


@dataclass(frozen=True, slots=True)
class Rulebook:
    """How one profile judges a policy (the end of SEMANTICS 6).

    Attributes:
        origin: the faults of one allowed origin.
        lowers: whether scheme and host of an accepted origin are lowered.
        severities: the codes whose severity differs from the usual one.

    """

    origin: Callable[[str], Iterable[Fault]]
    lowers: bool
    severities: Mapping[str, Severity] = field(default_factory=dict)


RULEBOOKS: Final[Mapping[str, Rulebook]] = {
    "r2": Rulebook(r2_origin, lowers=True),
    "s3": Rulebook(s3_origin, lowers=False, severities={"expose-wildcard": "error"}),
}


def rulebook(profile: ProfileName) -> Rulebook:
    """Look up the rulebook of `profile`; raises ValueError for a name that is no profile."""
    return RULEBOOKS[profile_named(profile).name]


def judge_rule(
    values: Mapping[str, Any], profile: ProfileName, *, any_case: bool = False
) -> tuple[dict[str, Any], list[Finding]]:
    """Judge one rule and clean it.

    Args:
        values: the rule's values by field; HOLE for one that could not be read.
        profile: the name of a profile.
        any_case: whether methods may be written in any case (SEMANTICS 1, form `terraform`).

    Returns:
        The values to build the model from, which are right if no finding is an error, and the findings.

    """
    book = rulebook(profile)
    findings = list(_find(values, book, any_case=any_case))
    return _clean(values, book, any_case=any_case), findings


def is_error(finding: Finding) -> bool:
    """Whether the finding makes the policy bad."""
    return finding.fault.severity == "error"


def judge_size(rules: int, size: int) -> Iterator[Fault]:
    """Say what is to be said of the policy as a whole: its number of rules, and its size in bytes."""
    if rules == 0:
        yield fault("empty-policy", "A policy has at least one rule; this has none.")
    if rules > MAX_RULES:
        yield fault("too-many-rules", f"S3 accepts {MAX_RULES} rules at most; this policy has {rules}.")
    elif size > MAX_SIZE:
        yield fault("too-many-rules", f"S3 accepts 64 KB at most; this policy has {size} bytes.")


def _find(values: Mapping[str, Any], book: Rulebook, *, any_case: bool) -> Iterator[Finding]:
    checks = {
        "allowed_origins": book.origin,
        "allowed_methods": lambda text: _method(_upper(text) if any_case else text),
        "allowed_headers": _allowed_header,
        "expose_headers": _expose_header,
    }
    for name in FIELDS:
        if values.get(name) is HOLE:
            continue
        if name not in values:
            found = _missing(name)
        elif name in checks:
            found = _list(name, values[name], checks[name])
        else:
            found = (Finding((name,), values[name], one) for one in _SCALARS[name](values[name]))
        yield from (_weigh(one, book) for one in found)


def _weigh(finding: Finding, book: Rulebook) -> Finding:
    severity = book.severities.get(finding.fault.code, finding.fault.severity)
    return finding._replace(fault=finding.fault._replace(severity=severity))


def _missing(name: str) -> Iterator[Finding]:
    if name in REQUIRED:
        yield Finding((name,), None, fault("missing-key", f"The required `{name}` is missing."))


def _list(name: str, value: object, check: Callable[[str], Iterable[Fault]]) -> Iterator[Finding]:
    """Judge a list of strings and each string in it."""
    if not isinstance(value, list | tuple):
        mended = _entries(value) if isinstance(value, str) else None
        found = kind(value) if name in REQUIRED else _given(value)
        yield Finding((name,), value, fault("wrong-type", f"This must be a list of strings, not {found}.", mended))
    elif not value:
        yield Finding((name,), value, _empty(name))
    else:
        for index, item in enumerate(value):
            yield from (Finding((name, index), item, one) for one in _item(item, check))


def _entries(text: str) -> list[str] | None:
    """Read a string that should have been a list: no entry of any list has a comma in it."""
    return [entry.strip() for entry in text.split(",") if entry.strip()] or None


def _given(value: object) -> str:
    """Name what stands where an optional field has another type."""
    return "null: leave the key out" if value is None else kind(value)


def _empty(name: str) -> Fault:
    if name in REQUIRED:
        return fault("empty-list", "This list must have at least one entry; this is empty.")
    return fault("empty-optional-list", "An empty list means no list, and R2's API refuses it: leave the key out.")


def _item(item: object, check: Callable[[str], Iterable[Fault]]) -> Iterator[Fault]:
    if isinstance(item, str):
        yield from check(item)
    elif item is not HOLE:
        yield fault("wrong-type", f"Every entry of this list must be a string, not {kind(item)}.")


def _upper(text: str) -> str:
    """Raise the case of an ASCII text; `str.upper` would also turn a long s into an `S`."""
    return text.upper() if text.isascii() else text


def _method(text: str) -> Iterator[Fault]:
    if text in METHODS:
        return
    likely = _upper(text.strip())
    mended = likely if likely in METHODS else None
    if likely == "OPTIONS":
        yield fault("method-options", "Preflights are answered by the policy itself; remove OPTIONS.")
    elif _upper(text) in METHODS:
        yield fault("method-case", "Methods are case-sensitive, and written in upper case.", mended)
    else:
        more = " `extra_methods` of the server adds it." if likely == "PATCH" else ""
        if "," in text:
            more = " Write each as an entry of its own."
        yield fault("method-unsupported", f"A method is one of {', '.join(METHODS)}.{more}", mended)


def _allowed_header(text: str) -> Iterator[Fault]:
    yield from _header(text)
    if is_token(text) and text.count("*") > 1:
        mended = re.sub(r"\*.*\*", "*", text)
        yield fault("header-wildcards", "A header name may contain one `*`; this has more.", mended)


def _expose_header(text: str) -> Iterator[Fault]:
    yield from _header(text)
    if is_token(text) and "*" in text:
        yield fault("expose-wildcard", "List the exposed headers by name: `*` is not honoured everywhere.")


def _header(text: str) -> Iterator[Fault]:
    if not text:
        yield fault("header-empty", "A header name is not empty; this is.")
    elif not is_token(text):
        likely = text.strip().rstrip(":").rstrip()
        message = "A header name is letters, digits and any of !#$%&'*+-.^_`|~, one name per entry."
        yield fault("header-token", message, likely if is_token(likely) else None)


def _max_age(value: object) -> Iterator[Fault]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        mended = _whole(value) if isinstance(value, str) else None
        yield fault("wrong-type", f"The max age must be a whole number of seconds, not {_given(value)}.", mended)
    elif isinstance(value, float) and not value.is_integer():
        mended = max(0, int(value)) if math.isfinite(value) else None
        yield fault("max-age", "The max age must be a whole number of seconds.", mended)
    elif value < 0:
        yield fault("max-age", "The max age must not be negative; 0 means that nothing is kept.", 0)
    elif value > MAX_AGE_LIMIT:
        yield fault("max-age-limit", "A max age above 86400 seconds has no effect beyond 86400.", MAX_AGE_LIMIT)


def _whole(text: str) -> int | None:
    """Read a string that should have been a number, such as `3600`."""
    found = re.fullmatch(r"\s*([0-9]{1,15})(?:\.0*)?\s*", text)
    return int(found[1]) if found else None


def _id(value: object) -> Iterator[Fault]:
    if not isinstance(value, str):
        mended = str(value) if isinstance(value, int) and not isinstance(value, bool) else None
        yield fault("wrong-type", f"The id must be a string, not {_given(value)}.", mended)
        return
    if re.search(NOT_XML, value):
        mended = re.sub(NOT_XML, "", value)
        yield fault("id-characters", "The id has characters that XML 1.0 cannot carry.", mended)
    if len(value) > MAX_ID_LENGTH:
        yield fault("id-length", f"S3 accepts ids of {MAX_ID_LENGTH} characters at most; this has {len(value)}.")


_SCALARS: Final[Mapping[str, Callable[[Any], Iterator[Fault]]]] = {"id": _id, "max_age_seconds": _max_age}


def _clean(values: Mapping[str, Any], book: Rulebook, *, any_case: bool) -> dict[str, Any]:
    """Write the values as the model keeps them; only what has no error needs to come out right."""
    clean = {name: value for name, value in values.items() if name in FIELDS}
    if isinstance(clean.get("max_age_seconds"), float) and clean["max_age_seconds"].is_integer():
        clean["max_age_seconds"] = int(clean["max_age_seconds"])
    if book.lowers:
        _change(clean, "allowed_origins", lower)
    if any_case:
        _change(clean, "allowed_methods", _upper)
    return clean


def _change(clean: dict[str, Any], name: str, change: Callable[[str], str]) -> None:
    value = clean.get(name)
    if isinstance(value, list | tuple):
        clean[name] = [change(item) if isinstance(item, str) else item for item in value]


_KINDS: Final[tuple[tuple[type | tuple[type, ...], str], ...]] = (
    (bool, "true or false"),
    (str, "a string"),
    ((int, float), "a number"),
    ((list, tuple), "a list"),
    (Mapping, "an object"),
)


def kind(value: object) -> str:
    """Name the JSON type of a value, for a message."""
    if value is None:
        return "null"
    for types, name in _KINDS:
        if isinstance(value, types):
            return name
    return f"a Python {type(value).__name__}"
