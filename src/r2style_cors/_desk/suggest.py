"""Where a policy refuses a request: the smallest change of the policy that would grant it.

Laws of this room:
- a suggestion is tried before it is made: the changed policy has been read, compiled, and asked again;
- it adds what this request lacks and nothing else: never a `*`, and never a writing method for every page.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from textwrap import dedent
from typing import TYPE_CHECKING, NamedTuple

from .._compile import WRITING_METHODS, expect_policy
from .._engine import MAX_REQUEST_HEADERS, METHODS, requested_names, rules_of
from .._fetch import is_forbidden_request_header, is_token
from .._forms import KEYS, RULES_KEY
from .._profiles import profile_named
from .._rules import rulebook
from .._text import shown
from ..errors import PolicyError
from ..policy import Policy
from .explain import Wish, ask, joined, rule_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .._engine import Engine, Grant
    from .._profiles import ProfileName
    from .explain import Explanation, RuleWhy

_NEVER_SENT = ("origin-default-port", "origin-unreachable")  # a rule may list such an origin, and no browser sends it
_STANDS_IN = "PUT"  # what a rule has to allow before the server adds its own methods to it (SEMANTICS 7.2)
_STANDS_IN_WHY = " The server adds its methods to rules that allow PUT, POST or DELETE, and to no others."


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What would grant a refused request; or why no policy can.

    Attributes:
        message: what to do, in words.
        rule: 0-based index of the rule to change or to add; None where the file cannot grant the request, or need not.
        new: whether that rule is a new one, after all others.
        origins: the origins to add to it.
        methods: the methods to add to it.
        headers: the request headers to add to it.
        extra_methods: the methods that the server has to add, since no file can (SEMANTICS 7.2).
        fragment: the rule as it should be written, in the policy's own form; None without a rule.
        policy: the whole policy, changed; None without a rule.
    """

    message: str
    rule: int | None = None
    new: bool = False
    origins: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    extra_methods: tuple[str, ...] = ()
    fragment: str | None = None
    policy: Policy | None = None


def suggest(
    policy: Policy,
    *,
    origin: str,
    method: str,
    headers: Sequence[str] = (),
    actual: bool = False,
    profile: ProfileName = "r2",
    credentials: bool | None = None,
    extra_methods: Sequence[str] = (),
) -> Suggestion | None:
    """The smallest change that would grant a request, tried; None where it is granted, or has no Origin.

    Values are added to the rule that lacks the fewest; of several such rules, to the one that then grants the least
    beside this request. A rule that has neither the origin nor the method is not near: a new one says less.

    `policy`, `origin`, `method`, `headers`, `actual`, `profile`, `credentials` and `extra_methods` are those of `explain`.

    Raises:
        PolicyError: the profile refuses the policy, or the options do not go with it.
        TypeError: `policy` is no Policy.
        ValueError: there is no such profile.
    """
    wish = Wish(origin, method, joined(headers), actual)
    search = _Search(expect_policy(policy).validated_for(profile), wish, profile, credentials, tuple(extra_methods))
    return search.suggestion()


class _Change(NamedTuple):
    """Values to add to one rule; `rule` is the number of rules where it is a new one."""

    rule: int
    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...]
    reach: tuple[bool, int]  # what else it grants: whether to a wildcard, and how many pairs of origin and method

    def cost(self) -> tuple[int, bool, int, int]:
        size = len(self.origins) + len(self.methods) + len(self.headers)
        return (size, *self.reach, self.rule)

    def by_field(self) -> dict[str, tuple[str, ...]]:
        """The values by the model's field, those that there are."""
        fields = {
            "allowed_origins": self.origins,
            "allowed_methods": self.methods,
            "allowed_headers": self.headers,
        }
        return {name: values for name, values in fields.items() if values}


class _Search:
    """One search for the smallest change."""

    def __init__(
        self,
        policy: Policy,
        wish: Wish,
        profile: ProfileName,
        credentials: bool | None,
        extra_methods: tuple[str, ...],
    ) -> None:
        self.policy = policy
        self.wish = wish
        self.profile: ProfileName = profile
        self.credentials = credentials
        self.extra_methods = extra_methods

    def suggestion(self) -> Suggestion | None:
        if self._ask(self.policy).decision.reason in ("allowed", "no-origin"):
            return None
        asked = None if self.wish.actual else self.wish.headers
        names = requested_names(asked)
        if names is None:
            limit = f"of at most {MAX_REQUEST_HEADERS} bytes"
            return Suggestion(f"No policy can grant this: the requested headers are no list of header names {limit}.")
        refusal = _method_refusal(self.wish.method) or _forbidden_headers(names)
        if refusal is not None:
            return Suggestion(f"No policy can grant this: {refusal}")
        added: tuple[str, ...] = ()
        if self.wish.method not in (*METHODS, *self.extra_methods):
            added = (self.wish.method,)
            self.extra_methods += added
        try:
            return self._file_change(tuple(names), added)
        except PolicyError as error:  # the server refuses the method as well
            return Suggestion(f"No policy can grant this: {error.problems[0].message}")

    def _file_change(self, names: tuple[str, ...], added: tuple[str, ...]) -> Suggestion:
        """What to change in the file, where the server adds the methods `added`."""
        lead = (
            f"No policy file can hold {added[0]}: give the server extra_methods=({json.dumps(added[0])},). "
            if added
            else ""
        )
        explained = self._ask(self.policy)
        if explained.decision.allowed:
            return Suggestion(lead.rstrip(), extra_methods=added)
        refusals = {
            "allowed_origins": _origin_refusal(self.wish.origin, self.profile),
            "allowed_headers": _headers_refusal(names),
        }
        changes = self._changes(explained.rules, names)
        possible = [change for change in changes if not any(refusals.get(name) for name in change.by_field())]
        tried = ((change, self._changed(change)) for change in sorted(possible, key=_Change.cost))
        found = next((pair for pair in tried if self._ask(pair[1]).decision.allowed), None)
        if found is not None:
            return self._as_suggestion(*found, lead, added)
        why = " ".join(refusal for refusal in refusals.values() if refusal)
        return Suggestion(f"{lead}No rule can help: {why}", extra_methods=added)

    def _changes(self, rules: tuple[RuleWhy, ...], names: tuple[str, ...]) -> Iterator[_Change]:
        """The near rules, each with what it lacks; and a new rule with all of it."""
        method = self.wish.method if self.wish.method in METHODS else _STANDS_IN
        for why, grant in zip(rules, rules_of(self._compile(self.policy)), strict=False):
            change = _lacking(why, grant, self.wish.origin, method)
            if change is not None:
                yield change
        yield _Change(len(self.policy.rules), (self.wish.origin,), (method,), names, (False, 0))

    def _as_suggestion(self, change: _Change, policy: Policy, lead: str, added: tuple[str, ...]) -> Suggestion:
        new = change.rule == len(self.policy.rules)
        form = self.policy.form
        name = rule_name(change.rule, policy.rules[change.rule].id)
        words = self._why_new(change, name) if new else _in_words(change, form, name)
        beside = self.wish.method not in METHODS and change.methods
        return Suggestion(
            f"{lead}{words}{_STANDS_IN_WHY if beside else ''}",
            rule=change.rule,
            new=new,
            origins=change.origins,
            methods=change.methods,
            headers=change.headers,
            extra_methods=added,
            fragment=_fragment(policy, change.rule, form),
            policy=policy,
        )

    def _why_new(self, change: _Change, name: str) -> str:
        for_all = any("*" in rule.allowed_origins for rule in self.policy.rules)
        writing = WRITING_METHODS.intersection(change.methods)
        why = "A rule that lists `*` would let every page write" if for_all and writing else "No rule is near"
        return f"{why}: add rule {name}, after the others."

    def _changed(self, change: _Change) -> Policy:
        rules = json.loads(self.policy.dump("dashboard"))
        rules += [{}] * (change.rule == len(rules))
        rule = rules[change.rule] = dict(rules[change.rule])
        for name, values in change.by_field().items():
            (key,) = KEYS["dashboard"][name]
            rule[key] = [*rule.get(key, []), *values]
        return Policy.parse(rules, self.profile)

    def _ask(self, policy: Policy) -> Explanation:
        return ask(self._compile(policy), self.wish)

    def _compile(self, policy: Policy) -> Engine:
        return policy.compile(self.profile, self.credentials, self.extra_methods)


def _lacking(why: RuleWhy, grant: Grant, origin: str, method: str) -> _Change | None:
    """What a rule lacks; None where it is not near, or every page would gain a method that writes."""
    if not why.origin and not why.method:
        return None
    if grant.star and not why.method and method in WRITING_METHODS:
        return None
    pairs = len(grant.origins) * (not why.method) if why.origin else len(grant.methods)
    wide = why.origin and any("*" in listed for listed in grant.origins)
    return _Change(
        why.index,
        () if why.origin else (origin,),
        () if why.method else (method,),
        tuple(header.name for header in why.headers if not header.allowed),
        (wide, pairs),
    )


def _forbidden_headers(names: Iterable[str]) -> str | None:
    """Why no page asks for some of `names`, or None (Fetch, section 2.2.2)."""
    forbidden = [shown(name) for name in names if is_forbidden_request_header(name)]
    return f"no page can set {', '.join(forbidden)}; only the browser does." if forbidden else None


def _method_refusal(method: str) -> str | None:
    """Why a method is no method, or not the one that was meant."""
    if not is_token(method):
        return f"{shown(method)!r} is no single method."
    upper = method.upper()
    if method != upper and upper in (*METHODS, "PATCH"):
        return f"methods are compared with their case, and {method} is not {upper}. Ask for {upper}."
    return None


def _origin_refusal(origin: str, profile: ProfileName) -> str | None:
    """Why an origin cannot be listed, or would not match if it were."""
    if "*" in origin:
        return "No browser sends an origin with a `*`: ask with the origin of one page."
    faults = list(rulebook(profile).origin(origin))
    against = [fault for fault in faults if fault.severity == "error" or fault.code in _NEVER_SENT]
    if not against and profile_named(profile).is_origin(origin):
        return None
    fault = (against or faults)[0]
    if origin == "null":
        return f"{fault.message} Only `*` matches it, and so every page."
    return fault.message if fault.mended is None else f"{fault.message} Ask with {fault.mended}."


def _headers_refusal(names: tuple[str, ...]) -> str | None:
    """Why a name cannot be listed: as an entry it would stand for many."""
    starred = [name for name in names if "*" in name]
    return (
        f"The header {shown(starred[0])} cannot be listed by itself: an entry with a `*` allows more."
        if starred
        else None
    )


def _in_words(change: _Change, form: str, rule: str) -> str:
    parts = [
        f"{', '.join(map(shown, values))} to {'.'.join(KEYS[form][name])}" for name, values in change.by_field().items()
    ]
    return f"In rule {rule}, add {' and '.join(parts)}."


def _fragment(policy: Policy, index: int, form: str) -> str:
    """One rule as the form writes it, without the document around it."""
    rule = json.loads(policy.dump("dashboard"))[index]
    text = Policy.parse([rule], policy.profile).dump(form)
    if form == "xml":
        _, _, *lines, _, _ = text.split("\n")
        return dedent("\n".join(lines))
    document = json.loads(text)
    rules = document[RULES_KEY[form]] if RULES_KEY[form] else document
    return json.dumps(rules[0], indent=2, ensure_ascii=False)
