"""Every problem code, defined once: how severe it is, what it means, why it matters, and what to write instead.

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
        instead: what to write or to do, where a problem has no fix of its own.

    """

    severity: Severity
    meaning: str
    why: str
    instead: str


def _error(meaning: str, why: str, instead: str) -> Code:
    return Code("error", meaning, why, instead)


def _warning(meaning: str, why: str, instead: str) -> Code:
    return Code("warning", meaning, why, instead)


def _note(meaning: str, why: str, instead: str) -> Code:
    return Code("note", meaning, why, instead)


_READING = {
    "file": _error(
        "The file is missing, a directory, or cannot be read.",
        "There is no policy to enforce.",
        "Name a policy file that can be read.",
    ),
    "too-large": _error(
        "The policy is larger than 1 MiB.",
        "No bucket accepts it, and reading it would waste memory.",
        "Cover hosts beneath one domain with a wildcard host, such as `https://*.example.com`.",
    ),
    "encoding": _error(
        "The text is not UTF-8.",
        "JSON is exchanged in UTF-8; every other reading is a guess.",
        "Save the file as UTF-8.",
    ),
    "empty-file": _error(
        "The file holds nothing, or white space alone.",
        "There is no policy to enforce.",
        "Write at least one rule.",
    ),
    "json-syntax": _error(
        "The text breaks the JSON grammar.",
        "Readers disagree about what broken JSON means.",
        "Write plain JSON: double quotes, no comments, a comma between members and none after the last.",
    ),
    "trailing-comma": _warning(
        "A comma stands before a closing bracket.",
        "It is read here, because it is so often pasted; R2 refuses it, and so it is an error for `check`.",
        "Remove the comma.",
    ),
    "duplicate-key": _error(
        "One key is written twice in the same place.",
        "Readers disagree about which of the two values counts.",
        "Keep one of them, with all the values.",
    ),
    "too-deep": _error(
        "The document is nested more than 64 levels deep.",
        "No policy is; it is not read any further.",
        "Write one of the five forms.",
    ),
    "xml-syntax": _error(
        "The text is not well-formed XML.",
        "XML forbids readers to guess what was meant.",
        "Close every element, and write `&amp;` for `&`.",
    ),
    "xml-entity": _error(
        "The XML has a document type declaration.",
        "Entities can make a small file enormous.",
        "Remove the declaration.",
    ),
    "unknown-form": _error(
        "The document has none of the five known forms.",
        "Nothing in it can be relied on.",
        "Write one of the five forms; the message shows the nearest.",
    ),
    "unknown-key": _error(
        "A key is not known in this form.",
        "A misspelt key would silently be without effect.",
        "Write the key as this form spells it, or remove it.",
    ),
    "missing-key": _error(
        "A required key is missing.",
        "The rule could never apply.",
        "Add the key: a rule needs origins and methods.",
    ),
    "wrong-type": _error(
        "A value has the wrong type.",
        "It cannot mean what its key promises.",
        "Write a list of strings for origins, methods and headers, and a whole number for the max age.",
    ),
}

_ORIGINS = {
    "origin-syntax": _error(
        "The origin breaks the grammar `scheme://host[:port]`.",
        "No browser sends such an origin.",
        "Write `scheme://host`, or `scheme://host:port`, and nothing else.",
    ),
    "origin-port": _error(
        "The port is not a number from 1 to 65535 without a leading zero.",
        "No browser sends such an origin.",
        "Write the port of the page, or none.",
    ),
    "origin-path": _error(
        "The origin has a path, if only a `/`.",
        "Browsers send origins without a path, so it could never match.",
        "End the origin after its host or port.",
    ),
    "origin-wildcards": _error(
        "The origin has more than one `*`, or one outside the host.",
        "R2 refuses it; it would not match as hoped.",
        "Write one `*`, in the host: `https://*.example.com` covers all names beneath `example.com`, however deep.",
    ),
    "origin-port-wildcard": _error(
        "The port is a `*`.",
        "R2 refuses it, and so it would allow nothing.",
        "List every port as an origin of its own.",
    ),
    "origin-null": _error(
        "The origin is the literal `null`.",
        "Any page can send `null`, from a sandboxed frame; R2 refuses it.",
        "Serve the page from an origin and list that: a file opened from disk sends `null`, a local server does not.",
    ),
    "origin-scheme": _error(
        "The origin has no scheme.",
        "Browsers send origins with their scheme, so it could never match.",
        "Begin the origin with `https://` or `http://`.",
    ),
    "origin-host": _error(
        "The host is empty or ends in a dot.",
        "R2 refuses it.",
        "Write the host of the page, without a dot at its end.",
    ),
    "origin-non-ascii": _error(
        "The host is not ASCII.",
        "Browsers send the host in Punycode, so it could never match as written.",
        "Write the host in Punycode: `https://xn--bcher-kva.example` for `https://bücher.example`.",
    ),
    "origin-case": _warning(
        "The scheme or the host has upper-case letters.",
        "Browsers only send lower case; the policy is read so.",
        "Write the origin in lower case.",
    ),
    "origin-default-port": _warning(
        "The origin names the default port of its scheme.",
        "Browsers leave that port out, so it can never match.",
        "Leave the port out.",
    ),
    "origin-wildcard-end": _warning(
        "The host ends with a `*`.",
        "Anyone can register a host that matches.",
        "Put the `*` in front of a domain of your own, or list the hosts one by one.",
    ),
    "origin-scheme-unusual": _note(
        "The scheme is neither `http` nor `https`.",
        "Only embedded browsers and extensions send it.",
        "Leave it, if that is who asks.",
    ),
    "origin-unreachable": _warning(
        "The host fits the grammar, but no browser sends it so.",
        "The origin can never match.",
        "Copy the value of `Origin` from the browser's network panel.",
    ),
}

_VALUES = {
    "empty-list": _error(
        "A required list is empty.",
        "The rule could never apply.",
        "Write at least one entry, or remove the rule.",
    ),
    "method-options": _error(
        "OPTIONS is listed as a method.",
        "No preflight asks for it, and R2 refuses it.",
        "Remove OPTIONS.",
    ),
    "method-unsupported": _error(
        "The method is not one of GET, PUT, POST, DELETE, HEAD.",
        "R2 allows no others.",
        "Remove it; what a server allows beyond R2, such as PATCH, is `extra_methods` of the middleware.",
    ),
    "method-case": _error(
        "The method is not in upper case.",
        "Methods are case-sensitive; R2 refuses it.",
        "Write the method in upper case.",
    ),
    "header-token": _error(
        "The header name is not an HTTP token.",
        "No header can have such a name.",
        "Write one name for each entry, without colon, comma or space.",
    ),
    "header-wildcards": _error(
        "The header name has more than one `*`.",
        "R2 refuses it.",
        "Write one `*`, such as `x-amz-*`, or the names.",
    ),
    "header-empty": _error(
        "The header name is empty.",
        "R2 refuses it; no header has an empty name.",
        "Remove the entry.",
    ),
    "expose-wildcard": _warning(
        "An exposed header contains a `*`.",
        "With credentials browsers take it literally; S3 refuses it.",
        "List the headers that pages read, one by one.",
    ),
    "max-age": _error(
        "The max age is negative or has a fraction.",
        "It is sent as a whole number of seconds, 0 or more.",
        "Write a whole number of seconds.",
    ),
    "max-age-limit": _warning(
        "The max age is above 86400 seconds.",
        "R2 and every browser cut it to a day or less.",
        "Write 86400 or less.",
    ),
    "id-characters": _error(
        "The id has characters that XML 1.0 cannot carry.",
        "Buckets keep ids as XML.",
        "Write the id without them.",
    ),
    "id-length": _warning(
        "The id is longer than 255 characters.",
        "S3 refuses it.",
        "Write a shorter id.",
    ),
    "empty-policy": _error(
        "The policy has no rule.",
        "It would allow nothing: remove it instead.",
        "Write at least one rule, or remove the policy.",
    ),
    "too-many-rules": _warning(
        "The policy has more than 100 rules or is larger than 64 KB.",
        "S3 refuses it.",
        "Join rules that say the same, and cover hosts beneath one domain with a wildcard host.",
    ),
    "empty-optional-list": _warning(
        "An optional list is empty.",
        "It means the same as no list, but R2's API refuses it.",
        "Leave the key out.",
    ),
}

# Valid, but seldom what was meant: what only the checker says.
_UNWISE = {
    "star-beside-origins": _warning(
        "A rule lists `*` and other origins.",
        "`*` matches every origin, so the others restrict nothing and only look as if they did.",
        "Remove `*` to allow the others alone, or the others to allow everyone.",
    ),
    "rule-shadowed": _warning(
        "A rule can never win: earlier ones take every request that it would.",
        "The first rule that matches decides, so its headers and its max age are never sent.",
        "Move the rule up, narrow the earlier one, or remove this one.",
    ),
    "duplicate-value": _warning(
        "A list has the same entry twice.",
        "The second has no effect, and may be a mistyped third.",
        "Remove the repeated entry.",
    ),
    "origin-http": _warning(
        "An origin is `http://` and not this machine.",
        "Anyone on the network in between can change that page, and so act with its rights.",
        "Serve the page over https and list that origin.",
    ),
    "origin-wildcard-label": _warning(
        "A `*` cuts a label of a domain that anyone can register.",
        "`https://*example.com` matches `https://evilexample.com` too.",
        "Put a dot after the `*`, and list the domain itself as an origin of its own if pages are served from it.",
    ),
    "origin-public-suffix": _warning(
        "A `*` stands for every name beneath a public suffix.",
        "Anyone can get a name beneath `com` or `pages.dev`, and it would match.",
        "Put the `*` in front of a domain of your own: `https://*.example.com`, `https://*.my-project.pages.dev`.",
    ),
    "header-safelisted": _warning(
        "A listed header is always allowed.",
        "Browsers send and show CORS-safelisted headers without asking, so listing one changes nothing.",
        "Remove the header.",
    ),
    "header-forbidden": _warning(
        "A listed header is one that no page can set or read.",
        "Browsers keep forbidden headers to themselves, so listing one changes nothing.",
        "Remove the header.",
    ),
    "content-type-missing": _warning(
        "PUT or POST is allowed, but not the header `content-type`.",
        "A page that uploads JSON or an image sets `content-type`, and its preflight is refused.",
        "Add `content-type` to the allowed headers.",
    ),
    "etag-not-exposed": _warning(
        "PUT is allowed, but `ETag` is not exposed.",
        "To complete a multipart upload, the page has to name the ETag of every part.",
        "Add `ETag` to the exposed headers.",
    ),
    "range-incomplete": _warning(
        "`range` is allowed without `content-range` exposed, or the reverse.",
        "To fetch a file in parts, a page has to ask for a range, and to read which it got.",
        "List `range` among the allowed and `content-range` among the exposed headers.",
    ),
    "head-missing": _warning(
        "GET is allowed, but not HEAD.",
        "Players and download libraries ask with HEAD for size and type before they GET.",
        "Add HEAD to the methods.",
    ),
    "max-age-browser": _note(
        "The max age is above 7200 seconds.",
        "Most browsers ask again sooner, and the others learn of a changed policy later.",
        "Leave it, or write 7200 or less.",
    ),
    "wrong-form": _error(
        "The form is not one that the target reads.",
        "`api` and `dashboard` are easily mixed up, and the error that follows does not say so.",
        "Convert the file, with `r2style-cors convert --to FORM`.",
    ),
}

# What a server's own options make of a good policy, or have wrong themselves.
_CONSTRUCTION = {
    "credentials-wide": _error(
        "Credentials are allowed to an origin that anyone can have.",
        "Any page could read, as the person who visits it, what the server shows that person.",
        "List the origins that you trust, one by one, or beneath a domain of your own.",
    ),
    "credentials-http": _warning(
        "Credentials are allowed to an `http://` origin that is not this machine.",
        "Anyone on the network in between can change that page, and use the visitor's cookies.",
        "Serve the page over https and list that origin.",
    ),
    "credentials-expose": _error(
        "Credentials are allowed, and `*` is exposed.",
        "With credentials browsers take `*` for the literal name of a header.",
        "List the headers that pages read, one by one.",
    ),
    "extra-method-token": _error(
        "An extra method is not an HTTP token.",
        "No request can have such a method.",
        "Write one method for each entry, such as `PATCH`.",
    ),
    "extra-method-forbidden": _error(
        "An extra method is OPTIONS, CONNECT, TRACE or TRACK.",
        "Preflights are answered by the policy itself, and no browser lets a page send the others.",
        "Remove it.",
    ),
    "extra-method-case": _warning(
        "An extra method is not in upper case.",
        "Methods are compared with their case, and browsers mend the case of a few only.",
        "Write the method in upper case, if that is how pages send it.",
    ),
    "path-prefix": _error(
        "PathPolicies has no path, one that no request could begin with, or one twice.",
        "The policy would never be enforced, or nobody could tell which one is.",
        "Write paths that begin with `/`, each once.",
    ),
    "websocket-star": _error(
        "WebSocket handshakes are to be checked, and only `*` may GET.",
        "Handshakes carry cookies, so `*` grants none, and every handshake from another site would be refused.",
        "List the origins that may open a WebSocket, with GET.",
    ),
}

CODES: dict[str, Code] = _READING | _ORIGINS | _VALUES | _UNWISE | _CONSTRUCTION
UNWISE = frozenset(_UNWISE)
CONSTRUCTION = frozenset(_CONSTRUCTION)
