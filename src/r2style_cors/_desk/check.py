"""Everything that is to be said of a policy before a browser meets it: what it may not say, and what is unwise.

Choices, where SEMANTICS names a finding and no more:
- what could not be read, or is an error already, is never the ground of another finding: one mistake, one problem;
- `content-type` and `range` are CORS-safelisted for some values only, so listing them is not needless;
- a wildcard host that cuts a label is unwise only where the domain behind it is nobody's: `https://*-app.example.dev`
  matches nothing but what the owner of `example.dev` named.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from .._codes import CODES
from .._fetch import (
    FORBIDDEN_RESPONSE_HEADERS,
    SAFELISTED_REQUEST_HEADERS,
    SAFELISTED_RESPONSE_HEADERS,
    is_forbidden_request_header,
)
from .._forms import FORMS, KEYS, literal, path_of, read, read_file
from .._hosts import host_of, is_loopback, registrable_domain, wildcard_domain
from .._judge import document_of, judge_reading
from .._origins import HOST_CHARACTERS, Wildcards
from .._rules import LISTS, MAX_AGE_LIMIT, REQUIRED, is_error, judge_rule, rulebook
from ..errors import PolicyError, Problem
from ..policy import Policy

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from .._forms import Draft, Reading
    from .._profiles import ProfileName
    from .._rules import Location

Source: TypeAlias = "Policy | str | bytes | os.PathLike[str] | list[Any] | dict[str, Any]"

BROWSER_MAX_AGE: Final = 7200
# Safelisted for some values only, so that a policy has reason to list them (Fetch, section 2.2.2).
_SOMETIMES_SAFELISTED: Final = frozenset({"content-type", "range"})
_ALWAYS_SAFELISTED: Final = SAFELISTED_REQUEST_HEADERS - _SOMETIMES_SAFELISTED


class Target(NamedTuple):
    """Who is to read the file: the profile that judges it, and the forms that are understood, the usual one first."""

    profile: ProfileName
    forms: tuple[str, ...]


TARGETS: Final[Mapping[str, Target]] = {
    "r2": Target("r2", FORMS),
    "s3": Target("s3", ("s3", "dashboard", "xml")),
    "wrangler": Target("r2", ("api",)),
    "dashboard": Target("r2", ("dashboard",)),
}


class _Found(NamedTuple):
    """One unwise thing about one rule.

    Attributes:
        at: the field, or the entry of it; empty for the rule.
        mended: the value to write there instead, or None.
        added: a header or a method to add to the list there.
    """

    code: str
    at: Location
    message: str
    mended: Any = None
    added: str | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What can be relied on in one rule.

    Attributes:
        index: 0-based place in the policy.
        draft: the rule as it was written.
        entries: by field, the entries of its list that have no error, by their places.
        whole: the fields of which everything could be read.
        max_age: the max age, or None where there is none to rely on.
    """

    index: int
    draft: Draft
    entries: Mapping[str, Mapping[int, str]]
    whole: frozenset[str]
    max_age: int | None

    def names(self, field: str) -> list[str]:
        """The header names of a list, in lower case."""
        return [name.lower() for name in self.entries[field].values()]

    def lacks(self, field: str, name: str) -> bool:
        """Whether a list of header names, all of it understood, does not cover `name`."""
        return field in self.whole and not Cover([(0, self.names(field))]).rules(name)

    def methods(self) -> frozenset[str]:
        """The methods that are meant, whatever their case."""
        written = self.draft.values.get("allowed_methods")
        items = written if isinstance(written, list | tuple) else ()
        return frozenset(item.strip().upper() for item in items if isinstance(item, str))


class Cover:
    """Which rules list what covers a text: the rules are the bits of an integer."""

    def __init__(self, lists: Iterable[tuple[int, Iterable[str]]], characters: str | None = None) -> None:
        """Take each rule's list. `characters` are those that a `*` stands for; None means any."""
        self._bits: dict[str, int] = {}
        for rule, texts in lists:
            for text in texts:
                self._bits[text] = self._bits.get(text, 0) | 1 << rule
        self._patterns = Wildcards((text for text in self._bits if "*" in text and text != "*"), characters)

    def rules(self, text: str) -> int:
        """The rules that cover `text`, which may be a pattern itself: its `*` then counts as a character of its own."""
        found = self._bits.get("*", 0) | self._bits.get(text, 0)
        for pattern in self._patterns.matching(text):
            found |= self._bits[pattern]
        return found


def check(policy: Source, profile: ProfileName = "r2", *, forms: Collection[str] = FORMS) -> tuple[Problem, ...]:
    """Everything that is wrong, doubtful or unwise about a policy (SEMANTICS 1.4, and 2 with the list under its table).

    Args:
        policy: a policy; a file's path; or the text of one, as bytes, or as a string that begins with a bracket; or
            parsed JSON.
        profile: `r2`, or `s3` to judge it as S3 would.
        forms: the forms that whoever reads the file understands; any other is `wrong-form`.

    Returns:
        The problems in the order of the file. A comma too many is an error here, since R2 refuses it (SEMANTICS 1.2).

    Raises:
        ValueError: there is no such profile.
    """
    rulebook(profile)
    try:
        return examine(_reading_of(policy), profile, forms)
    except PolicyError as error:
        return error.problems


def examine(reading: Reading, profile: ProfileName, forms: Collection[str]) -> tuple[Problem, ...]:
    """What `check` says of a document that has been read."""
    judged = judge_reading(reading, profile).problems
    problems = [_as_r2_has_it(problem) for problem in judged]
    views = views_of(reading, profile)
    problems += _wrong_form(reading, forms)
    for view in views:
        problems += (_problem(found, view, str(reading.form)) for found in _unwise(view))
    problems += (_problem(found, view, str(reading.form)) for view, found in _shadowed(views, profile))
    return tuple(sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0)))


def views_of(reading: Reading, profile: ProfileName) -> list[View]:
    """What can be relied on in each rule of a document that has been read."""
    torn = any(problem.code == "json-syntax" for problem in reading.report.problems())
    return [_view(index, reading, profile, torn=torn) for index in range(len(reading.drafts or ()))]


def _reading_of(policy: Source) -> Reading:
    if isinstance(policy, Policy):
        return document_of(policy)
    if isinstance(policy, str) and not policy.lstrip("\ufeff \t\r\n").startswith(("[", "{", "<")):
        return read(read_file(policy), strict=True)
    return read(read_file(policy) if isinstance(policy, os.PathLike) else policy, strict=True)


def _as_r2_has_it(problem: Problem) -> Problem:
    """A policy that was read leniently is checked strictly (SEMANTICS 1.2)."""
    lenient = problem.code == "trailing-comma" and problem.severity == "warning"
    return replace(problem, severity="error") if lenient else problem


def _wrong_form(reading: Reading, forms: Collection[str]) -> Iterator[Problem]:
    if reading.form is not None and reading.form not in forms:
        message = f"This is the form `{reading.form}`, where {' or '.join(f'`{form}`' for form in forms)} is wanted."
        spot = reading.spot
        yield Problem("wrong-form", CODES["wrong-form"].severity, "", spot.line, spot.column, reading.form, message)


def _view(index: int, reading: Reading, profile: ProfileName, *, torn: bool) -> View:
    draft = (reading.drafts or [])[index]
    clean, findings = judge_rule(draft.values, profile, any_case=reading.form == "terraform")
    bad = {finding.at for finding in findings if is_error(finding)}
    entries = {name: _entries(name, clean.get(name), bad) for name in LISTS}
    whole = {name for name in LISTS if not torn and _is_whole(name, clean, entries[name])}
    max_age = clean.get("max_age_seconds")
    known = isinstance(max_age, int) and ("max_age_seconds",) not in bad
    return View(index, draft, entries, frozenset(whole), max_age if known else None)


def _entries(name: str, values: object, bad: Collection[Location]) -> dict[int, str]:
    items = enumerate(values) if isinstance(values, list | tuple) else ()
    return {index: item for index, item in items if isinstance(item, str) and (name, index) not in bad}


def _is_whole(name: str, clean: Mapping[str, Any], entries: Mapping[int, str]) -> bool:
    if name not in clean:
        return name not in REQUIRED
    written = clean[name]
    # OPTIONS among the methods is an error, and yet nobody need guess what it means: nothing.
    idle = written.count("OPTIONS") if isinstance(written, list) and name == "allowed_methods" else 0
    return isinstance(written, list | tuple) and len(entries) + idle == len(written)


def _problem(found: _Found, view: View, form: str) -> Problem:
    """Turn a finding into a problem, with its place in the author's own form."""
    field, draft = str(found.at[0]) if found.at else "", view.draft
    if field in draft.values:
        path, spot, value = path_of(form, draft, found.at), draft.spot_of(found.at), _value_at(draft, found.at)
    else:
        (path, spot), value = draft.home_of(field), None
    severity = CODES[found.code].severity
    fix = _fix(found, view, form)
    return Problem(found.code, severity, path, spot.line, spot.column, value, found.message, fix)


def _value_at(draft: Draft, at: Location) -> Any:
    field, *indexes = at
    value = draft.values[str(field)]
    return value[indexes[0]] if indexes else value


def _fix(found: _Found, view: View, form: str) -> str | None:
    if found.added is not None:
        return _with_added(found.added, str(found.at[0]), view, form)
    if found.mended is None:
        return None
    return str(found.mended) if form == "xml" else literal(found.mended)


def _with_added(added: str, field: str, view: View, form: str) -> str:
    """A list with one more entry, as the form spells it; with its key where there is no list yet."""
    key = KEYS[form][field][-1]
    if form == "xml":
        return f"<{key}>{added}</{key}>"
    text = literal([*view.entries[field].values(), added])
    return text if field in view.draft.values else f"{literal(key)}: {text}"


def _unwise(view: View) -> Iterator[_Found]:
    for look in (_star, _duplicates, _origins, _request_headers, _response_headers, _lacking, _max_age):
        yield from look(view)


def _star(view: View) -> Iterator[_Found]:
    origins = view.entries["allowed_origins"]
    others = len(set(origins.values()) - {"*"})
    at = next((index for index, origin in origins.items() if origin == "*"), None)
    if at is not None and others:
        what = "the other origin" if others == 1 else f"the {others} other origins"
        message = f"`*` already matches {what} in this list, and everyone else."
        yield _Found("star-beside-origins", ("allowed_origins", at), message)


def _duplicates(view: View) -> Iterator[_Found]:
    for name, entries in view.entries.items():
        first: dict[str, int] = {}
        for index, item in entries.items():
            same = item.lower() if name in ("allowed_headers", "expose_headers") else item
            before = first.setdefault(same, index)
            if before != index:
                yield _Found("duplicate-value", (name, index), f"Entry {before + 1} of this list says the same.")


def _origins(view: View) -> Iterator[_Found]:
    for index, origin in view.entries["allowed_origins"].items():
        if "://" in origin and not is_loopback(host_of(origin)):
            yield from (found._replace(at=("allowed_origins", index)) for found in _origin(origin))


def _origin(origin: str) -> Iterator[_Found]:
    if origin.startswith("http://"):
        has_port = ":" in origin.removeprefix("http://")
        mended = None if has_port else f"https{origin.removeprefix('http')}"
        yield _Found("origin-http", (), "Over http anyone on the network in between can be this origin.", mended)
    after = host_of(origin).partition("*")[2]
    domain = wildcard_domain(origin)
    if not after or (domain and registrable_domain(domain) is not None):
        return
    if after[0] == ".":
        message = f"Anyone can get a name beneath the public suffix `{domain}`."
        yield _Found("origin-public-suffix", (), message)
    else:
        message = f"The `*` cuts a label: anyone can get a name that ends in `{after}`."
        yield _Found("origin-wildcard-label", (), message, _with_dot(origin, after))


def _with_dot(origin: str, after: str) -> str | None:
    """The wildcard over the whole labels of a domain, where what stands behind the `*` is one."""
    return origin.replace("*", "*.") if after[0].isalnum() and registrable_domain(after) is not None else None


def _request_headers(view: View) -> Iterator[_Found]:
    for index, written in view.entries["allowed_headers"].items():
        name, at = written.lower(), ("allowed_headers", index)
        if is_forbidden_request_header(name):
            yield _Found("header-forbidden", at, "No page can set this header; only the browser does.")
        elif name in _ALWAYS_SAFELISTED:
            yield _Found("header-safelisted", at, "This request header is CORS-safelisted: no preflight asks for it.")


def _response_headers(view: View) -> Iterator[_Found]:
    for index, written in view.entries["expose_headers"].items():
        name, at = written.lower(), ("expose_headers", index)
        if name in FORBIDDEN_RESPONSE_HEADERS:
            yield _Found("header-forbidden", at, "No page can read this header, exposed or not.")
        elif name in SAFELISTED_RESPONSE_HEADERS:
            yield _Found("header-safelisted", at, "This response header is CORS-safelisted: every page may read it.")


def _lacking(view: View) -> Iterator[_Found]:
    """What rules of this kind usually need, and this one does not have."""
    methods = view.methods()
    writing = " and ".join(method for method in ("PUT", "POST") if method in methods)
    if writing and view.lacks("allowed_headers", "content-type"):
        message = f"A page that sends {writing} may not set `content-type`."
        yield _Found("content-type-missing", ("allowed_headers",), message, added="content-type")
    if "PUT" in methods and view.lacks("expose_headers", "etag"):
        message = "A page that uploads in parts cannot read the `ETag` of a part."
        yield _Found("etag-not-exposed", ("expose_headers",), message, added="ETag")
    if "GET" in methods and "HEAD" not in methods and "allowed_methods" in view.whole:
        yield _Found("head-missing", ("allowed_methods",), "GET is allowed here, and HEAD is not.", added="HEAD")
    yield from _range(view)


def _range(view: View) -> Iterator[_Found]:
    if "range" in view.names("allowed_headers") and view.lacks("expose_headers", "content-range"):
        message = "A page may ask for a range, but not read `Content-Range`, which says what it got."
        yield _Found("range-incomplete", ("expose_headers",), message, added="Content-Range")
    if "content-range" in view.names("expose_headers") and view.lacks("allowed_headers", "range"):
        message = "A page may read `Content-Range`, but its preflight may not ask for `range`."
        yield _Found("range-incomplete", ("allowed_headers",), message, added="range")


def _max_age(view: View) -> Iterator[_Found]:
    if view.max_age is not None and BROWSER_MAX_AGE < view.max_age <= MAX_AGE_LIMIT:  # above that, R2 has its say
        message = "Browsers keep it for less: WebKit 600 seconds, Chromium 7200, Firefox 86400."
        yield _Found("max-age-browser", ("max_age_seconds",), message)


def _shadowed(views: list[View], profile: ProfileName) -> Iterator[tuple[View, _Found]]:
    """The rules that can never win (SEMANTICS 3.1).

    Exact for what a request can ask: a rule is dead if, for each of its origins and methods, some earlier rule has both
    and allows every header that it allows; that one then wins, whichever of the headers are asked for.
    """
    characters = HOST_CHARACTERS + "*" if rulebook(profile).lowers else None
    origins = Cover(((view.index, view.entries["allowed_origins"].values()) for view in views), characters)
    methods = Cover((view.index, view.entries["allowed_methods"].values()) for view in views)
    headers = Cover((view.index, view.names("allowed_headers")) for view in views)
    for view in views:
        if {*REQUIRED, "allowed_headers"} <= view.whole:
            earlier = (1 << view.index) - 1
            for name in view.names("allowed_headers"):
                earlier &= headers.rules(name)
            winners = _winners(view, earlier, origins, methods)
            if winners:
                yield view, _Found("rule-shadowed", (), _always_win(winners))


def _winners(view: View, earlier: int, origins: Cover, methods: Cover) -> int:
    """Of the `earlier` rules, those that win in place of this one; none if it wins for some origin and method."""
    winners = 0
    having = [earlier & methods.rules(method) for method in view.entries["allowed_methods"].values()]
    for origin in view.entries["allowed_origins"].values() if all(having) else ():
        listing = origins.rules(origin)
        for rules in having:
            taken = rules & listing
            if not taken:
                return 0
            winners |= taken & -taken
    return winners


def _always_win(winners: int) -> str:
    names = [str(index) for index in range(winners.bit_length()) if winners >> index & 1]
    if len(names) == 1:
        return f"Rule {names[0]} stands before this one and takes every request that it matches."
    return (
        f"Rules {', '.join(names[:-1])} and {names[-1]} stand before this one and take every request that it matches."
    )
