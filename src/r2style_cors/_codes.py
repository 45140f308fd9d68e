"""Every problem code, defined once: how severe it is, what it means, and why it matters.

Whatever reports, documents or filters problems reads this table, so no code exists that is not in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .errors import Severity


class Code(NamedTuple):
    """What one code stands for.

    Attributes:
        severity: the usual severity; a profile, or `strict`, may change it.
        meaning: what was found, in one sentence.
        why: why it matters, in one sentence.

    """

    severity: Severity
    meaning: str
    why: str


def _error(meaning: str, why: str) -> Code:
    return Code("error", meaning, why)


def _warning(meaning: str, why: str) -> Code:
    return Code("warning", meaning, why)


_READING = {
    "file": _error("The file is missing, a directory, or cannot be read.", "There is no policy to enforce."),
    "too-large": _error("The policy is larger than 1 MiB.", "No bucket accepts it, and reading it would waste memory."),
    "encoding": _error("The text is not UTF-8.", "JSON is exchanged in UTF-8; every other reading is a guess."),
    "empty-file": _error("The file holds nothing, or white space alone.", "There is no policy to enforce."),
    "json-syntax": _error("The text breaks the JSON grammar.", "Readers disagree about what broken JSON means."),
    "trailing-comma": _warning(
        "A comma stands before a closing bracket.",
        "JSON forbids it; it is read here because it is so often pasted, but R2 refuses it.",
    ),
    "duplicate-key": _error(
        "One key is written twice in the same place.", "Readers disagree about which of the two values counts."
    ),
    "too-deep": _error("The document is nested more than 64 levels deep.", "No policy is; it is not read any further."),
    "xml-syntax": _error("The text is not well-formed XML.", "XML forbids readers to guess what was meant."),
    "xml-entity": _error("The XML has a document type declaration.", "Entities can make a small file enormous."),
    "unknown-form": _error("The document has none of the five known forms.", "Nothing in it can be relied on."),
    "unknown-key": _error("A key is not known in this form.", "A misspelt key would silently be without effect."),
    "missing-key": _error("A required key is missing.", "The rule could never apply."),
    "wrong-type": _error("A value has the wrong type.", "It cannot mean what its key promises."),
}

_ORIGINS = {
    "origin-syntax": _error(
        "The origin breaks the grammar `scheme://host[:port]`.", "No browser sends such an origin."
    ),
    "origin-port": _error(
        "The port is not a number from 1 to 65535 without a leading zero.", "No browser sends such an origin."
    ),
    "origin-path": _error(
        "The origin has a path, if only a `/`.", "Browsers send origins without a path, so it could never match."
    ),
    "origin-wildcards": _error(
        "The origin has more than one `*`, or one outside the host.", "R2 refuses it; it would not match as hoped."
    ),
    "origin-port-wildcard": _error("The port is a `*`.", "R2 refuses it: list the ports one by one."),
    "origin-null": _error(
        "The origin is the literal `null`.", "Any page can send `null`, from a sandboxed frame; R2 refuses it."
    ),
    "origin-scheme": _error(
        "The origin has no scheme.", "Browsers send origins with their scheme, so it could never match."
    ),
    "origin-host": _error("The host is empty or ends in a dot.", "R2 refuses it."),
    "origin-non-ascii": _error(
        "The host is not ASCII.", "Browsers send the host in Punycode, so it could never match as written."
    ),
    "origin-case": _warning(
        "The scheme or the host has upper-case letters.", "Browsers only send lower case; the policy is read so."
    ),
    "origin-default-port": _warning(
        "The origin names the default port of its scheme.", "Browsers leave that port out, so it can never match."
    ),
    "origin-wildcard-end": _warning("The host ends with a `*`.", "Anyone can register a host that matches."),
    "origin-scheme-unusual": Code(
        "note", "The scheme is neither `http` nor `https`.", "Only embedded browsers and extensions send it."
    ),
    "origin-unreachable": _warning(
        "The host fits the grammar, but no browser sends it so.", "The origin can never match."
    ),
}

_VALUES = {
    "empty-list": _error("A required list is empty.", "The rule could never apply."),
    "method-options": _error("OPTIONS is listed as a method.", "Preflights are answered by the policy itself."),
    "method-unsupported": _error("The method is not one of GET, PUT, POST, DELETE, HEAD.", "R2 allows no others."),
    "method-case": _error("The method is not in upper case.", "Methods are case-sensitive; R2 refuses it."),
    "header-token": _error("The header name is not an HTTP token.", "No header can have such a name."),
    "header-wildcards": _error("The header name has more than one `*`.", "R2 refuses it."),
    "header-empty": _error("The header name is empty.", "R2 refuses it; no header has an empty name."),
    "expose-wildcard": _warning(
        "An exposed header contains a `*`.", "With credentials browsers take it literally; S3 refuses it."
    ),
    "max-age": _error(
        "The max age is negative or has a fraction.", "It is sent as a whole number of seconds, 0 or more."
    ),
    "max-age-limit": _warning("The max age is above 86400 seconds.", "R2 and every browser cut it to a day or less."),
    "id-characters": _error("The id has characters that XML 1.0 cannot carry.", "Buckets keep ids as XML."),
    "id-length": _warning("The id is longer than 255 characters.", "S3 refuses it."),
    "empty-policy": _error("The policy has no rule.", "It would allow nothing: remove it instead."),
    "too-many-rules": _warning("The policy has more than 100 rules or is larger than 64 KB.", "S3 refuses it."),
    "empty-optional-list": _warning(
        "An optional list is empty.", "It means the same as no list, but R2's API refuses it."
    ),
}

CODES: dict[str, Code] = _READING | _ORIGINS | _VALUES
