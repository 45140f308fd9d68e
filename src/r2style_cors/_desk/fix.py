"""Mending a policy file where there is one safe answer, and leaving every other byte of it as it was.

Laws of this room:
- an edit takes the place of a token that is what it was read as, so that nothing else can change by it;
- a policy that was good still means the same; in one that was not, whatever was understood is still said;
- nothing gets worse: an edit that brings an error to light is not made;
- what has been mended is not mended again.

Safe is to leave out what has no meaning (a comma too many, a slash or white space around an origin, OPTIONS), and to
write what was meant as the form has it. A value that decides who may ask is never guessed.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple
from xml.sax.saxutils import escape

from .._forms import FORMS, KEYS, literal, normal, read, step, to_text
from .._rules import FIELDS, rulebook
from .._rules_origin import lower
from .check import examine, views_of
from .convert import convert
from .spans import PolicyText

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .._forms import Draft
    from .._profiles import ProfileName
    from ..errors import Problem
    from .check import View

_MARK: Final = "\ufeff"
_ALIKE: Final = 0.6  # how much of two keys has to be the same, at least
_STEP_END: Final = re.compile(r"(?=[.\[/])|\Z")
_NEXT_ITEM: Final = re.compile(r"\s*,\s*(?=\")")
_OPEN_TAG: Final = re.compile(r"<([\w.:-]+)(?:\s[^<>]*)?>\Z")
_CLOSE_TAG: Final = re.compile(r"</([\w.:-]+)\s*>")
_ELEMENT: Final = re.compile(r"<(?P<name>[\w.-]+)(?P<inner>(?:\s[^<>]*)?>[^<]*</)(?P=name)(?P<end>\s*>)")
_PLAIN_KEY: Final = re.compile("[A-Za-z][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class Fixed:
    """A policy file, mended.

    Attributes:
        text: the whole text; with a byte order mark where there was one.
        found: the problems that it had, as `check` tells them.
        mended: those that were mended; some come to light only when others are.
        problems: those that are left.
    """

    text: str
    found: tuple[Problem, ...]
    mended: tuple[Problem, ...]
    problems: tuple[Problem, ...]


class _Edit(NamedTuple):
    """What stands from `start` to `end` becomes `text`.

    Attributes:
        opens: the path of what can be judged only after this, or None.
    """

    start: int
    end: int
    text: str
    problem: Problem
    opens: str | None = None


class Look:
    """A text that has been read and judged."""

    def __init__(self, text: str, profile: ProfileName, forms: Sequence[str]) -> None:
        self.at = PolicyText(text)
        self.reading = read(text, strict=True)
        self.form = str(self.reading.form)
        self.profile: ProfileName = profile
        self.lowers = rulebook(profile).lowers
        self.problems = examine(self.reading, profile, forms)
        self.errors = [problem for problem in self.problems if problem.severity == "error"]
        self.beneath = Counter((place, problem.code) for problem in self.errors for place in _places(problem.path))
        self._drafts = {draft.path: draft for draft in self.reading.drafts or ()}

    @cached_property
    def views(self) -> list[View]:
        """What can be relied on in each rule."""
        return views_of(self.reading, self.profile)

    def draft_of(self, path: str) -> Draft | None:
        """The rule in which `path` is."""
        return next((self._drafts[place] for place in _places(path) if place in self._drafts), None)


def _places(path: str) -> list[str]:
    """A path, and those of all that it lies in."""
    return [path[: end.start()] for end in _STEP_END.finditer(path)]


def fix(
    data: bytes | str,
    profile: ProfileName = "r2",
    *,
    forms: Sequence[str] = FORMS,
    wanted: Callable[[str], bool] = lambda _code: True,
) -> Fixed:
    """Mend what has one safe answer, and keep the rest to the byte.

    Args:
        data: the text of a policy file in any form, as bytes or str. A str is never a path.
        profile: `r2`, or `s3` to judge it as S3 would.
        forms: the forms that whoever reads the file understands. A file that has another, and no other error, is
            written in the first of them, where nothing is lost by that.
        wanted: says of a code whether its problems are to be mended.

    Returns:
        The text, what was mended, and what is left.

    Raises:
        PolicyError: it cannot be read as text at all (`too-large`, `encoding`, `empty-file`).
        TypeError: `data` is neither bytes nor str.
        ValueError: there is no such profile.
    """
    bare = to_text(data)
    mark = _MARK if data[:3] == _MARK.encode() or data[:1] == _MARK else ""

    def look(text: str) -> Look:
        return Look(text, profile, forms)

    before = look(bare)
    after, edits = _mended(before, look, wanted)
    mended = tuple(edit.problem for edit in edits)
    stages: list[tuple[Look, tuple[Problem, ...]]] = [(before, ()), (after, mended)]
    text = _in_form(after, profile, forms) if wanted("wrong-form") else None
    if text is not None:
        stages.append((look(text), (*mended, *after.errors)))
    best, mended = next(stage for stage in reversed(stages) if stage[0] is before or is_better(before, stage[0]))
    return Fixed(mark + best.at.text, before.problems, mended, best.problems)


def is_better(before: Look, after: Look) -> bool:
    """Whether there is no new error, and whatever was understood is still said: a good policy means the same."""
    new = Counter(problem.code for problem in after.errors) - Counter(problem.code for problem in before.errors)
    # Under its right name, a key may add to what is there.
    exactly = all(problem.code != "unknown-key" for problem in before.errors)
    kept = (_keeps(old, now, exactly=exactly) for old, now in zip(before.views, after.views, strict=False))
    return not new and len(before.views) == len(after.views) and all(kept)


def _keeps(before: View, after: View, *, exactly: bool) -> bool:
    """Whether a rule still says what could be relied on."""
    name = before.draft.values.get("id")
    if isinstance(name, str) and name != after.draft.values.get("id"):
        return False
    return before.max_age in (None, after.max_age) and all(
        _is_within(entries.values(), after.entries[field].values(), exactly=exactly and field in before.whole)
        for field, entries in before.entries.items()
    )


def _is_within(before: Iterable[str], after: Iterable[str], *, exactly: bool) -> bool:
    if exactly:
        return list(before) == list(after)
    rest = iter(after)
    return all(item in rest for item in before)


def _in_form(look: Look, profile: ProfileName, forms: Sequence[str]) -> str | None:
    """The policy in the first of `forms`, where that is all that it needs and nothing is lost."""
    if [problem.code for problem in look.errors] != ["wrong-form"] or "<!--" in look.at.text:
        return None
    try:
        converted = convert(look.at.text, forms[0], profile=profile)
    except ValueError:  # it would be too large
        return None
    return None if converted.dropped else converted.text


def _mended(before: Look, again: Callable[[str], Look], wanted: Callable[[str], bool]) -> tuple[Look, list[_Edit]]:
    """Make every edit but those that bring errors to light, which are found by making them."""
    spared: set[str] = set()
    while True:
        look, done = before, list[_Edit]()
        while edits := _edits(look, wanted, spared):
            done += edits
            look = again(_apply(edits, look.at.text))
        spoilt = {edit.problem.path for edit in done if _spoils(edit, before, look)}
        if not spoilt:
            return look, done
        spared |= spoilt


def _spoils(edit: _Edit, before: Look, after: Look) -> bool:
    """Whether there are more errors in what an edit opens than there were."""
    return edit.opens is not None and any(
        count > before.beneath[place, code] for (place, code), count in after.beneath.items() if place == edit.opens
    )


def _edits(look: Look, wanted: Callable[[str], bool], spared: set[str]) -> list[_Edit]:
    """The edits of one round, in order; one that would overlap is left for the next."""
    problems = [problem for problem in look.problems if problem.code in _MENDERS and wanted(problem.code)]
    found = [_MENDERS[problem.code](problem, look) for problem in problems]
    edits: list[_Edit] = []
    for edit in sorted((edit for edit in found if edit is not None), key=lambda edit: edit[:2]):
        is_spared = edit.opens is not None and edit.problem.path in spared
        if not is_spared and (not edits or edit.start >= edits[-1].end):
            edits.append(edit)
    return edits


def _apply(edits: Iterable[_Edit], text: str) -> str:
    pieces, at = list[str](), 0
    for edit in edits:
        pieces += (text[at : edit.start], edit.text)
        at = edit.end
    return "".join([*pieces, text[at:]])


# The menders: each makes the edit for a problem of its code, or None where that is not safe.


def _comma(problem: Problem, look: Look) -> _Edit:
    start = look.at.start_of(problem)
    return _Edit(start, start + 1, "", problem)


def _origin(problem: Problem, look: Look) -> _Edit | None:
    """An origin in lower case, without white space around it and slashes at its end; else it is for the author to say."""
    if problem.severity != "error" and not look.lowers:  # S3 takes it as it is, and so it would mean something else
        return None
    bare = lower(problem.value.strip()).rstrip("/")
    return _value(problem, look) if problem.fix in (bare, literal(bare)) else None


def _value(problem: Problem, look: Look) -> _Edit | None:
    """The problem's own fix in place of its value."""
    span = _span(problem, look)
    if span is None or problem.fix is None:
        return None
    return _Edit(*span, escape(problem.fix) if look.at.is_xml else problem.fix, problem)


def _span(problem: Problem, look: Look) -> tuple[int, int] | None:
    """Where the problem's value stands, if it stands there as it was read."""
    start = look.at.start_of(problem)
    if look.at.is_xml:
        end = look.at.text.find("<", start)
        raw = look.at.text[start:end].replace("\r\n", "\n").replace("\r", "\n")
        return (start, end) if raw == problem.value else None
    token = look.at.token_at(start)
    return (start, start + len(token)) if _is_json(token, problem.value) else None


def _is_json(token: str, value: object) -> bool:
    try:
        return bool(json.loads(token) == value)
    except ValueError:
        return False


def _options(problem: Problem, look: Look) -> _Edit | None:
    """The entry taken out of its list, unless the list would be empty then."""
    draft = look.draft_of(problem.path)
    methods = draft.values["allowed_methods"] if draft else ()
    span = _span(problem, look)
    if span is None or all(_is_options(method) for method in methods):
        return None
    cut = _around_element(*span, look.at.text) if look.at.is_xml else _around_item(*span, look.at.text)
    return cut and _Edit(*cut, "", problem)


def _is_options(method: object) -> bool:
    return isinstance(method, str) and method.strip().upper() == "OPTIONS"


def _around_item(start: int, end: int, text: str) -> tuple[int, int] | None:
    """An item with the comma before it; the first with the one behind it."""
    before = _end_before(start, text) - 1
    if text[before] == ",":
        return before, end
    after = _NEXT_ITEM.match(text, end) if text[before] == "[" else None
    return (start, after.end()) if after else None


def _around_element(start: int, end: int, text: str) -> tuple[int, int] | None:
    """An element with the white space before it."""
    opening = text.rfind("<", 0, start)
    tag = _OPEN_TAG.match(text[opening:start])
    closing = _CLOSE_TAG.match(text, end)
    if not tag or not closing or tag[1] != closing[1]:  # a comment, for example
        return None
    return _end_before(opening, text), closing.end()


def _end_before(at: int, text: str) -> int:
    """Where the last thing before `at` ends that is no white space."""
    while text[at - 1].isspace():
        at -= 1
    return at


def _wrong_type(problem: Problem, look: Look) -> _Edit | None:
    """A list around a string; a number, or a string, where the other of the two is wanted."""
    edit = _value(problem, look)
    if edit is None or not edit.text.startswith("["):
        return edit
    text = f"[{look.at.text[edit.start : edit.end]}]"
    return edit._replace(text=text, opens=f"{problem.path}[0]")


def _key(problem: Problem, look: Look) -> _Edit | None:
    """The one key that was meant, for a misspelt one."""
    edit = _element_renamed if look.at.is_xml else _member_renamed
    target = _meant(problem, look)
    return None if target is None else edit(problem, target, look)


def _member_renamed(problem: Problem, target: str, look: Look) -> _Edit | None:
    start = look.at.start_of(problem)
    token = look.at.token_at(start)
    opens = problem.path.removesuffix(step(problem.value)) + step(target)
    return _Edit(start, start + len(token), literal(target), problem, opens) if _is_json(token, problem.value) else None


def _element_renamed(problem: Problem, target: str, look: Look) -> _Edit | None:
    start = look.at.start_of(problem)
    element = _ELEMENT.match(look.at.text, start)
    if not element or element["name"] != problem.value:
        return None
    opens = f"{problem.path.rpartition('/')[0]}/{target}"
    return _Edit(start, element.end(), f"<{target}{element['inner']}{target}{element['end']}", problem, opens)


def _meant(problem: Problem, look: Look) -> str | None:
    """The key that an unknown one surely means: the only one, where it stands, that is spelt so nearly."""
    draft = look.draft_of(problem.path)
    if draft is None:
        known = {json.loads(problem.fix)} if problem.fix and not look.at.is_xml else set()
        return _surely(problem.value, {key: {key} for key in known - {problem.value}})
    last = f"/{problem.value}" if look.at.is_xml else step(problem.value)
    outer = problem.path.removeprefix(draft.path).removesuffix(last).split(".")[1:]
    return _surely(problem.value, _standing_in(tuple(outer), look.form))


def _standing_in(outer: tuple[str, ...], form: str) -> dict[str, set[str]]:
    """What may stand in the object `outer` of a rule: each key, with the ways in which other forms spell it."""
    depth = len(outer)
    found: dict[str, set[str]] = {}
    for name, keys in KEYS[form].items():
        if keys[:depth] == outer and len(keys) > depth:
            ways = _SPELLINGS[name] if len(keys) == depth + 1 else set()
            found.setdefault(keys[depth], {keys[depth]}).update(ways)
    return found


_SPELLINGS: Final = {
    name: {spelling for keys_of in KEYS.values() for spelling in (keys_of[name][-1], "".join(keys_of[name]))}
    for name in FIELDS
}


def _surely(key: str, known: Mapping[str, set[str]]) -> str | None:
    """The one of the `known` keys that `key` is nearly; None where there are several, as `Headers` is two."""
    if not _PLAIN_KEY.fullmatch(key):  # `_AllowedOrigins` may have been put out of use like this
        return None
    found = [one for one, ways in known.items() if any(_is_near(normal(key), normal(way)) for way in ways)]
    return found[0] if len(found) == 1 else None


def _is_near(key: str, way: str) -> bool:
    """Whether `key` is `way` with letters left out, and at most one too many within: not `DisallowedOrigins`."""
    common = sum(block.size for block in SequenceMatcher(None, key, way, autojunk=False).get_matching_blocks())
    is_whole = common == len(key) or (common == len(key) - 1 and (key[0], key[-1]) == (way[0], way[-1]))
    return is_whole and 2 * common >= _ALIKE * (len(key) + len(way))


# Of these problems each has one safe answer, or none.
_MENDERS: Final[Mapping[str, Callable[[Problem, Look], _Edit | None]]] = {
    "trailing-comma": _comma,
    "unknown-key": _key,
    "wrong-type": _wrong_type,
    "origin-case": _origin,
    "origin-path": _origin,
    "origin-syntax": _origin,
    "method-case": _value,
    "method-options": _options,
    "method-unsupported": _value,
    "header-token": _value,
}
FIXABLE: Final = frozenset({*_MENDERS, "wrong-form"})
