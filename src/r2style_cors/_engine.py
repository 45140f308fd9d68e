"""The rule engine: which rule applies to a request, and what it answers.

Laws of this room:
- deciding never raises, and never changes what another request sees (SEMANTICS 8);
- the first rule wins whose origin, method and every requested header match (SEMANTICS 3.1);
- what changes is a bounded memo or two, and nothing can be told from them but how long an answer took;
- the work of one request is bounded by its own bytes, not by the number of origins or wildcards, and a requested header
  name is looked up in the first rule and once in all of them, not once per rule (SEMANTICS 3.6);
- whatever the policy alone determines was finished when it was compiled.
"""

from __future__ import annotations

from ._decision import Answer, Decision
from ._fetch import OPTIONAL_WHITESPACE, TOKEN_CHARACTERS, is_token
from ._text import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, TypeAlias

    from ._desk.explain import Explanation
    from ._origins import Wildcards
    from ._profiles import Profile, ProfileName
    from .errors import Problem

    Text: TypeAlias = str | bytes | None  # of a request's header

METHODS = ("GET", "PUT", "POST", "DELETE", "HEAD")  # those that a policy may list (SEMANTICS 2)
MAX_MEMO = 1024  # decisions of one method that a memo holds, if the policy does not list more origins than that
MAX_MEMO_OF_LISTED = 16_384  # and if it does: each takes some 600 bytes
MAX_REMEMBERED = 512  # characters of a request that a memo keeps; longer ones are not even looked up
MAX_STARTS = 8  # patterns of a rule that are counted in a list of names before any name is looked up
MAX_REQUEST_HEADERS = 8192  # bytes of Access-Control-Request-Headers that are read (SEMANTICS 3.6)

_TOKENS_AND_COMMAS = TOKEN_CHARACTERS.encode() + b","
_WHITESPACE = OPTIONAL_WHITESPACE.encode()
_SHAPE = bytes.maketrans(  # what is in a list of names: x, a comma, or a space
    TOKEN_CHARACTERS.encode() + _WHITESPACE, b"x" * len(TOKEN_CHARACTERS) + b" " * len(_WHITESPACE)
)


def requested_names(value: str | None, size: int | None = None) -> list[str] | None:
    """The names in Access-Control-Request-Headers, lower-cased, in order, once each; None where it is malformed.

    List syntax is RFC 9110, section 5.6.1: optional white space and empty items are allowed. `size` is the number of
    bytes received where that differs from the length of `value`, that is, where several lines were joined.
    """
    if (len(value or "") if size is None else size) > MAX_REQUEST_HEADERS:
        return None
    if not value:
        return []
    if not value.isascii():
        return None
    lowered = value.lower()
    received = lowered.encode()
    odd = received.translate(None, _TOKENS_AND_COMMAS)
    if odd:
        if odd.translate(None, _WHITESPACE) or _has_inner_space(received):
            return None
        lowered = received.translate(None, _WHITESPACE).decode()
    names = lowered.split(",")
    if len(names) * 3 <= len(lowered):  # shorter ones soon repeat themselves
        distinct = set(names)
        if len(distinct) == len(names) and "" not in distinct:
            return names
    in_order = dict.fromkeys(names)
    in_order.pop("", None)
    return list(in_order)


def _has_inner_space(received: bytes) -> bool:
    """Whether white space stands between two characters of names, not beside a comma or at an end."""
    shape = received.translate(_SHAPE)
    if b"  " in shape:
        shape = b" ".join(shape.split())
    return b"x x" in shape


def remember(memo: dict[Any, Any], key: object, value: object, room: int) -> None:
    """Keep `value`. When there are too many, start afresh: cheaper in a flood of misses than keeping any order."""
    if len(memo) >= room:
        memo.clear()
    memo[key] = value


class Memo:
    """What `decide` said lately: to str for the one door, to bytes for the other. Bounded, whatever is asked.

    One look-up after the other costs half of what one by a tuple does.

    Attributes:
        actual: method -> origin -> decision, for the methods that a policy can list.
        preflights: origin -> Access-Control-Request-Method -> Access-Control-Request-Headers -> decision.
        unlisted: origin -> Access-Control-Request-Method -> decision, for origins that no rule matches: whatever names
            they ask for, the answer is the same.
    """

    __slots__ = ("_preflights_kept", "_room", "actual", "preflights", "unlisted")

    def __init__(self, methods: Iterable[str], room: int) -> None:
        """`room` is how many decisions are kept of each method, OPTIONS included."""
        self._room = room
        self._preflights_kept = 0
        self.actual: dict[str, dict[str | bytes, Decision]] = {method: {} for method in methods}
        self.preflights: dict[Text, dict[Text, dict[Text, Decision]]] = {}
        self.unlisted: dict[Text, dict[Text, Decision]] = {}

    def keep_actual(self, method: str, origin: str | bytes, decision: Decision) -> None:
        """Remember what was said to an actual request, unless it is too long to be worth it or has an odd method."""
        memo = self.actual.get(method)
        if memo is not None and len(origin) <= MAX_REMEMBERED:
            remember(memo, origin, decision, self._room)

    def keep_preflight(self, origin: Text, request_method: Text, request_headers: Text, decision: Decision) -> None:
        """Remember what was said to a request of method OPTIONS, unless it is too long to be worth it or no preflight."""
        if origin is None or request_method is None:
            return
        if len(origin) + len(request_method) + len(request_headers or ()) <= MAX_REMEMBERED:
            if self._preflights_kept >= self._room:
                self.preflights.clear()
                self.unlisted.clear()
                self._preflights_kept = 0
            self._preflights_kept += 1
            if decision.reason == "origin":
                self.unlisted.setdefault(origin, {})[request_method] = decision
            else:
                by_method = self.preflights.setdefault(origin, {})
                by_method.setdefault(request_method, {})[request_headers] = decision


class HeaderTest:
    """The request headers that one rule allows, in lower case (SEMANTICS 2 and 3.5)."""

    __slots__ = ("_others", "_starts", "countable", "every", "names", "patterns")

    def __init__(self, every: bool, names: frozenset[str], patterns: tuple[str, ...]) -> None:
        self.every = every  # the rule lists `*`
        self.names = names
        self.patterns = patterns  # names with one `*` inside
        starts = [pattern[:-1] for pattern in patterns[:MAX_STARTS] if pattern[-1] == "*"]
        self.countable = len(starts) == len(patterns)  # whether counting tells all
        # What patterns like `x-amz-*` begin with. None of these begins another, and none of `_others` begins with one: so
        # what a list holds of them all adds up.
        starts = [start for start in starts if not start.startswith(tuple({*starts} - {start}))]
        self._starts = tuple("," + start for start in starts)
        self._others = frozenset(name for name in names if not name.startswith(tuple(starts)))

    def allows(self, names: list[str]) -> bool:
        """Whether it allows all of `names`, as far as counting tells: where not `countable`, False says nothing."""
        if self.every or self.names.issuperset(names):
            return True
        if not self._starts:
            return False
        text = "," + ",".join(names)
        return len(self._others.intersection(names)) + sum(map(text.count, self._starts)) == len(names)


class Grant:
    """What one rule gives: its methods, its test of headers, and its finished answers."""

    __slots__ = ("actual", "headers", "id", "index", "methods", "origins", "preflight", "star")

    def __init__(
        self,
        index: int,
        *,
        id: str | None,
        origins: tuple[str, ...],
        methods: tuple[str, ...],
        headers: HeaderTest,
        star: bool,
        actual: Answer,
        preflight: Answer,
    ) -> None:
        self.index = index
        self.id = id
        self.origins = origins
        self.methods = methods
        self.headers = headers
        self.star = star  # the rule lists `*`, so that its answers name no origin (SEMANTICS 5.3)
        self.actual = actual
        self.preflight = preflight


class Chain:
    """The rules, in order, that give some origin one method. One of them is chosen by the requested headers.

    The first rule mostly decides, and is asked first. Else each name is looked up once, however many rules there are: its
    entry is the set of rules that allow it, as the bits of an integer.
    """

    __slots__ = (
        "_bits", "_every", "_pattern_bits", "_patterns", "actual_refusal", "grants", "preflight_refusal",
    )  # fmt: skip

    def __init__(
        self,
        grants: tuple[Grant, ...],
        *,
        actual_refusal: Answer,
        preflight_refusal: Answer,
        bits: Mapping[str, int],  # name -> the rules that allow it
        every: int,  # the rules that allow all names
        patterns: Wildcards,
        pattern_bits: Mapping[str, int],  # pattern -> the rules that list it
    ) -> None:
        self.grants = grants
        self.actual_refusal = actual_refusal
        self.preflight_refusal = preflight_refusal
        self._bits = bits
        self._every = every
        self._patterns = patterns
        self._pattern_bits = pattern_bits

    def choose(self, names: list[str]) -> Grant | None:
        """The first rule that allows all of `names`, or None."""
        grants = self.grants
        first = grants[0].headers
        if not names or first.allows(names):
            return grants[0]
        if first.countable and len(grants) == 1:
            return None  # the usual refusal
        bits = self._bits
        allowed = -1  # all of them: its bits are all set
        if not all(map(bits.__contains__, names)):
            if not self._every and not self._patterns:
                return None  # found at the first unknown name
            allowed = self._rules_for_unnamed(name for name in names if name not in bits)
        for rules in set(map(bits.get, names)):  # a handful of distinct sets, however many the names
            if rules is not None:
                allowed &= rules
        return grants[(allowed & -allowed).bit_length() - 1] if allowed else None

    def _rules_for_unnamed(self, names: Iterable[str]) -> int:
        """The rules that allow all of `names`, none of which is spelt out by any of them."""
        allowed = -1
        for name in self._patterns.kinds(names):
            rules = self._every
            for pattern in self._patterns.matching(name):
                rules |= self._pattern_bits[pattern]
            allowed &= rules
            if allowed == self._every:
                break  # no name takes away from these
        return allowed


class Grants:
    """What the rules that match one origin give it, by method. Origins that the same rules match share it."""

    __slots__ = ("actual", "actual_refusal", "chains", "preflight_refusal", "rules")

    def __init__(
        self,
        rules: tuple[int, ...],
        *,
        actual: Mapping[str, Answer],  # method -> the answer of the first rule that has it
        chains: Mapping[str, Chain],  # method -> all the rules that have it
        actual_refusal: Decision,
        preflight_refusal: Answer,
    ) -> None:
        self.rules: tuple[int, ...] = rules
        self.actual: Mapping[str, Answer] = actual
        self.chains: Mapping[str, Chain] = chains
        self.actual_refusal: Decision = actual_refusal
        self.preflight_refusal: Answer = preflight_refusal


class Engine:
    """A compiled policy: immutable, safe to share between threads, and replaced whole when the policy changes.

    Made by `Policy.compile`. Nothing here raises because of a request (SEMANTICS 8.1).

    Attributes:
        profile: `r2` or `s3`, the column of SEMANTICS 6 that it follows.
        credentials: whether answers carry Access-Control-Allow-Credentials (SEMANTICS 7.1).
        extra_methods: the methods that the server adds to the policy's (SEMANTICS 7.2).
        star_always: whether `*` is answered without an Origin too (SEMANTICS 5.7).
        problems: what loading and construction found doubtful: warnings and notes, never errors.
    """

    # For the doors: `always` and `no_origin` answer a request without Origin; `memo` and `raw_memo` remember what
    # `decide` said to str and to bytes.
    __slots__ = (
        "_build", "_exact", "_malformed", "_malformed_actual", "_malformed_preflight", "_methods", "_no_origin_options",
        "_pattern_grants", "_patterns", "_profile", "_rules", "_unions", "_unlisted", "always", "credentials",
        "extra_methods", "memo", "no_origin", "problems", "raw_memo", "star_always",
    )  # fmt: skip

    def __init__(
        self,
        *,
        profile: Profile,
        credentials: bool,
        extra_methods: tuple[str, ...],
        star_always: bool,
        problems: tuple[Problem, ...],
        rules: tuple[Grant, ...],
        exact: Mapping[str, Grants],
        patterns: Wildcards,
        pattern_grants: Mapping[str, Grants],
        unlisted: Grants,  # for an origin that only `*` matches
        malformed: Grants,  # the same for an Origin outside the grammar
        always: Mapping[str, Decision],  # method -> the constant answer of SEMANTICS 5.7
        build: Callable[[Iterable[Grants]], Grants],  # the union of several
    ) -> None:
        self._profile = profile
        self.credentials: bool = credentials
        self.extra_methods: tuple[str, ...] = extra_methods
        self.star_always: bool = star_always
        self.problems: tuple[Problem, ...] = problems
        self._rules = rules
        self._exact = exact
        self._patterns = patterns
        self._pattern_grants = pattern_grants
        self._unlisted = unlisted
        self._malformed = malformed
        self.always: Mapping[str, Decision] = always
        self._build = build
        self._unions: dict[tuple[str, ...], Grants] = {}
        self._methods = frozenset(METHODS).union(extra_methods)
        room = max(MAX_MEMO, min(len(exact), MAX_MEMO_OF_LISTED))
        self.memo: Memo = Memo(self._methods, room)
        self.raw_memo: Memo = Memo(self._methods, room)
        self.no_origin: Decision = Decision(Answer("none", "no-origin", vary=profile.vary_unmatched))
        self._no_origin_options = Decision(
            profile.bad_request("no-origin", "Insufficient information. Origin request header needed.")
        )
        self._malformed_actual = Decision(profile.refused_actual("malformed"))
        self._malformed_preflight = profile.refused_preflight("malformed")

    @property
    def profile(self) -> ProfileName:
        return self._profile.name

    def decide(
        self,
        method: str,
        origin: str | None,
        request_method: str | None = None,
        request_headers: str | None = None,
        size: int | None = None,
    ) -> Decision:
        """Decide one request. Never raises, whatever the strings hold.

        Args:
            method: the request's method, as sent.
            origin: the value of Origin; None or empty where there is none. Several lines are joined with `, `.
            request_method: the value of Access-Control-Request-Method, likewise; None where there is no such line.
            request_headers: the value of Access-Control-Request-Headers, likewise.
            size: the bytes of all Access-Control-Request-Headers lines without the joiners, where they were several
                (SEMANTICS 3.6); by default the length of `request_headers`.
        """
        if method == "OPTIONS":
            if origin and request_method is not None:
                return self._preflight(origin, request_method, request_headers, size)
            if self._profile.answers_every_options:
                return self._bad_options(request_method) if origin else self._no_origin_options
        if not origin:
            return self.always.get(method, self.no_origin)
        if self._profile.actual_like_preflight:
            return self._actual_like_preflight(method, origin, request_method, request_headers, size)
        grants = self._grants_for(origin)
        answer = grants.actual.get(method)
        if answer is None:
            return grants.actual_refusal
        return Decision(answer, origin if answer.echo else None)

    def explain(
        self,
        method: str,
        origin: str | None,
        request_method: str | None = None,
        request_headers: str | None = None,
        size: int | None = None,
    ) -> Explanation:
        """The same answer as `decide` gives, with every rule's why. For people; not made for every request."""
        from ._desk.explain import explain_with

        return explain_with(self, method, origin, request_method, request_headers, size)

    def _grants_for(self, origin: str) -> Grants:
        """What the policy gives `origin`, a non-empty string (SEMANTICS 3.2 to 3.4)."""
        grants = self._exact.get(origin)
        if grants is not None:
            return grants
        if not self._profile.is_origin(origin):
            return self._malformed
        found = self._patterns.matching(origin)
        if not found:
            return self._unlisted
        grants = self._pattern_grants[found[0]]
        if len(found) == 1 or all(self._pattern_grants[pattern] is grants for pattern in found):
            return grants
        return self._union(tuple(sorted(found)))

    def _union(self, patterns: tuple[str, ...]) -> Grants:
        """What several patterns give together. A union is dear to make, and few are ever asked for."""
        union = self._unions.get(patterns)
        if union is None:
            union = self._build(self._pattern_grants[pattern] for pattern in patterns)
            remember(self._unions, patterns, union, MAX_MEMO)
        return union

    def _preflight(self, origin: str, request_method: str, request_headers: str | None, size: int | None) -> Decision:
        grants = self._grants_for(origin)
        chain = grants.chains.get(request_method)
        if chain is None:
            return self._unmatched_preflight(grants, request_method)
        names = requested_names(request_headers, size)
        if names is None:
            return self._refuse(self._malformed_preflight, request_method)
        grant = chain.choose(names)
        if grant is None:
            return self._refuse(chain.preflight_refusal, request_method)
        answer = grant.preflight
        return Decision(answer, origin if answer.echo else None, ", ".join(names) if names else None)

    def _unmatched_preflight(self, grants: Grants, request_method: str) -> Decision:
        """No rule gives the origin this method, or the method is none that a rule could give."""
        if self._profile.answers_every_options and request_method not in self._methods:
            return self._bad_options(request_method)
        if not is_token(request_method):
            return self._refuse(self._malformed_preflight, request_method)
        return self._refuse(grants.preflight_refusal, request_method)

    def _refuse(self, answer: Answer, request_method: str) -> Decision:
        if self._profile.refusal_names_method:
            answer = self._profile.refused_preflight(answer.reason, answer.rule, request_method)
        return Decision(answer)

    def _bad_options(self, request_method: str | None) -> Decision:
        """Profile `s3`: an OPTIONS request that is no preflight S3 knows."""
        return Decision(
            self._profile.bad_request(
                "malformed", f"Invalid Access-Control-Request-Method: {shown(request_method or '')}"
            )
        )

    def _actual_like_preflight(
        self, method: str, origin: str, request_method: str | None, request_headers: str | None, size: int | None
    ) -> Decision:
        """Profile `s3`: the CORS request headers take part in an actual request (SEMANTICS 3.7)."""
        always = self.always.get(method)
        if always is not None:
            return always
        grants = self._grants_for(origin)
        chain = grants.chains.get(method if request_method is None else request_method)
        if chain is None:
            return grants.actual_refusal
        names = requested_names(request_headers, size)
        if names is None:
            return self._malformed_actual
        grant = chain.choose(names)
        if grant is None:
            return Decision(chain.actual_refusal)
        answer = grant.actual
        return Decision(answer, origin if answer.echo else None, ", ".join(names) if names else None)


def grants_for(engine: Engine, origin: str) -> Grants:
    """For the desk: what the policy gives `origin`, a non-empty string."""
    return engine._grants_for(origin)  # noqa: SLF001 - its own room, and no part of what users build on


def rules_of(engine: Engine) -> tuple[Grant, ...]:
    """For the desk: the policy's rules, compiled."""
    return engine._rules  # noqa: SLF001 - its own room, and no part of what users build on


def profile_of(engine: Engine) -> Profile:
    """For the doors and the desk: what the engine's profile says, whose name is public."""
    return engine._profile  # noqa: SLF001 - its own room, and no part of what users build on
