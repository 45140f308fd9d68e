"""Whether two policies mean the same: the same answer for every origin, method and set of request headers. For the desk.

Laws of this room:
- decided from the policies' structure, not by sampling: origins that the same rules list are one class, and every class has
  a witness; of the sets of headers that two rules win, the largest decides whether there is any;
- every request in a Difference can be sent, and the two policies answer it differently; a Difference is empty only if there
  is no such request. Left out is one limit: how long all of its request headers together may be (SEMANTICS 3.6);
- order and spelling that no browser can tell apart are no difference: the order of lists, the case of header names, ids.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, count, product
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from .. import _fetch
from .._compile import expect_policy
from .._engine import MAX_REQUEST_HEADERS, grants_for, profile_of, rules_of
from .._origins import HOST_CHARACTERS, MAX_ORIGIN_LENGTH, Wildcards, split_host_port
from .witnesses import witnesses

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .._engine import Engine, Grant
    from .._profiles import ProfileName
    from ..policy import Policy, Rule

    Rules: TypeAlias = tuple[int, ...]
    Two: TypeAlias = tuple[Rules, Rules]  # rules of the one policy, rules of the other
    Winners: TypeAlias = tuple[int | None, int | None]  # None: no rule wins
    Found: TypeAlias = "_OneGrants | _BothGrant"

_PREFLIGHT_HEADERS = (_fetch.ALLOW_ORIGIN, _fetch.ALLOW_METHODS, _fetch.MAX_AGE)
_RESPONSE_HEADERS = (*_PREFLIGHT_HEADERS, _fetch.EXPOSE_HEADERS)
ECHO = "the request's origin"  # Access-Control-Allow-Origin where the rule lists no `*` (SEMANTICS 5.3)

_TOKEN_CHARACTERS = "".join(
    sorted({*_fetch.TOKEN_CHARACTERS.lower()}, key=lambda one: (not one.isalnum(), one.isdigit(), one))
)
# What an Origin is made of under profile `s3` (SEMANTICS 8.2).
_ECHOABLE = HOST_CHARACTERS + "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in HOST_CHARACTERS + ",")


@dataclass(frozen=True, slots=True)
class GrantDifference:
    """Requests that only one of the policies grants: each of `origins`, with each of `methods`, and all `request_headers`.

    Attributes:
        only: which policy grants them: `a` or `b`.
        rule: 0-based index of the rule of that policy that does.
        origins: all listed origins of which this is true, and an example of every other kind.
        methods: some methods; Access-Control-Request-Method in a preflight.
        request_headers: the fewest header names that make the difference, for Access-Control-Request-Headers.
    """

    only: Literal["a", "b"]
    rule: int
    origins: tuple[str, ...]
    methods: tuple[str, ...]
    request_headers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HeaderDifference:
    """Requests that both policies grant, with different values of one response header.

    Attributes:
        header: the response header, such as `Access-Control-Max-Age`.
        a: its value under the first policy, or None where it is absent.
        b: its value under the second.
        rules: 0-based index of the rule that answers, in the first policy and in the second.
        origins: as in `GrantDifference`.
        methods: likewise.
        request_headers: likewise.
    """

    header: str
    a: str | None
    b: str | None
    rules: tuple[int, int]
    origins: tuple[str, ...]
    methods: tuple[str, ...]
    request_headers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """All that two policies answer differently; false where they mean the same.

    Attributes:
        grants: what one grants and the other does not.
        headers: what both grant with different response headers.
    """

    grants: tuple[GrantDifference, ...]
    headers: tuple[HeaderDifference, ...]

    def __bool__(self) -> bool:
        return bool(self.grants or self.headers)


def diff(a: Policy, b: Policy, *, profile: ProfileName = "r2") -> Difference:
    """Compare what two policies mean: which requests they grant, and with which response headers (SEMANTICS 3 to 6).

    Args:
        a: a policy.
        b: another.
        profile: `r2` or `s3` (SEMANTICS 6).

    Returns:
        The requests that they answer differently, as few as tell them all apart; empty where they mean the same.

    Raises:
        PolicyError: if the profile refuses one of them.
        TypeError: if one of them is no Policy.
        ValueError: if there is no such profile.

    """
    a, b = expect_policy(a, "a"), expect_policy(b, "b")
    policies = (a.validated_for(profile), b.validated_for(profile))
    engines = (a.compile(profile, credentials=False), b.compile(profile, credentials=False))
    return _Comparison(policies, engines).difference()


class _OneGrants(NamedTuple):
    """One of two chains of rules grants what the other refuses, whatever the origin and the method are."""

    only: Literal["a", "b"]
    rule: int
    request_headers: tuple[str, ...]

    @property
    def shows(self) -> tuple[str | None, ...]:
        """What is told by it; the same is not told again with more request headers."""
        return (self.only,)

    def told(self, origins: tuple[str, ...], methods: tuple[str, ...]) -> GrantDifference:
        """The difference, with whom it concerns."""
        return GrantDifference(self.only, self.rule, origins, methods, self.request_headers)


class _BothGrant(NamedTuple):
    """Two chains of rules grant the same with unlike response headers."""

    rules: tuple[int, int]
    header: str
    a: str | None
    b: str | None
    request_headers: tuple[str, ...]

    @property
    def shows(self) -> tuple[str | None, ...]:
        """As in `_OneGrants`."""
        return (self.header, self.a, self.b)

    def told(self, origins: tuple[str, ...], methods: tuple[str, ...]) -> HeaderDifference:
        """As in `_OneGrants`."""
        return HeaderDifference(self.header, self.a, self.b, self.rules, origins, methods, self.request_headers)


class _Comparison:
    """Two engines, and what has been found out about chains of their rules."""

    def __init__(self, policies: tuple[Policy, Policy], engines: tuple[Engine, Engine]) -> None:
        self._engines = engines
        # With request headers there is only a preflight to compare, under `r2` (SEMANTICS 3.7, 5.2): without them, both.
        self._compared = _RESPONSE_HEADERS if profile_of(engines[0]).expose_on_preflight else _PREFLIGHT_HEADERS
        self._names = _HeaderNames(engines)
        self._answers = tuple([_answer(rule) for rule in policy.rules] for policy in policies)
        self._found: dict[Two, list[Found]] = {}

    def difference(self) -> Difference:
        """All differences, those with the same cause together."""
        origins: dict[tuple[Found, tuple[str, ...]], list[str]] = {}
        for rules, members in _classes(self._engines).items():
            methods: dict[Found, list[str]] = {}
            for method, two in self._chains(rules):
                for found in self._compare(two):
                    methods.setdefault(found, []).append(method)
            for found, several in methods.items():
                origins.setdefault((found, tuple(several)), []).extend(members)
        told = [found.told(tuple(members), methods) for (found, methods), members in origins.items()]
        grants = [one for one in told if isinstance(one, GrantDifference)]
        headers = [one for one in told if isinstance(one, HeaderDifference)]
        return Difference(
            tuple(sorted(grants, key=lambda one: (one.only, one.rule))),
            tuple(sorted(headers, key=lambda one: (one.rules, one.header))),
        )

    def _chains(self, rules: Two) -> Iterator[tuple[str, Two]]:
        """Every method that one of the rules allows, with those that do. No rule allows a method that none names."""
        chosen = [
            [rules_of(engine)[index] for index in indices] for engine, indices in zip(self._engines, rules, strict=True)
        ]
        for method in dict.fromkeys(method for grant in chain(*chosen) for method in grant.methods):
            one, other = (tuple(grant.index for grant in side if method in grant.methods) for side in chosen)
            yield method, (one, other)

    def _compare(self, two: Two) -> list[Found]:
        """The differences of two chains, worked out once for each two."""
        if two not in self._found:
            found = list(chain.from_iterable(self._unlike(*winners) for winners in self._reachable(two)))
            self._found[two] = [one for one in found if not any(_covers(other, one) for other in found)]
        return self._found[two]

    def _reachable(self, two: Two) -> Iterator[tuple[Winners, tuple[str, ...]]]:
        """The rules that win together, None where none does, with the fewest request headers for which they do.

        A rule wins for the sets of headers within what it allows that lie within nothing that an earlier rule allows. If
        any set is won by both rules, so is the whole of what both allow: that is all there is to test.
        """
        names = self._names
        sides = [names.unshadowed(side, indices) for side, indices in enumerate(two)]
        for (i, (one, within)), (j, (other, also)) in product(enumerate(sides[0]), enumerate(sides[1])):
            passed = [allowed for _, allowed in (*sides[0][:i], *sides[1][:j])]
            fewest = _fewest(within & also, passed)
            if fewest is not None:
                yield (one, other), names.spelled(fewest)

    def _unlike(self, winners: Winners, request_headers: tuple[str, ...]) -> Iterator[Found]:
        """How the answers of two winners differ."""
        one, other = winners
        if one is not None and other is not None:
            yield from self._unlike_headers((one, other), request_headers)
        elif one is not None:
            yield _OneGrants("a", one, request_headers)
        elif other is not None:
            yield _OneGrants("b", other, request_headers)

    def _unlike_headers(self, rules: tuple[int, int], request_headers: tuple[str, ...]) -> Iterator[_BothGrant]:
        answers = (self._answers[0][rules[0]], self._answers[1][rules[1]])
        for header in self._compared if request_headers else _RESPONSE_HEADERS:
            a, b = answers[0][header], answers[1][header]
            if a.meaning != b.meaning:
                yield _BothGrant(rules, header, a.text, b.text, request_headers)


def _covers(one: Found, other: Found) -> bool:
    """Whether `one` tells the same with fewer request headers."""
    return one.shows == other.shows and set(one.request_headers) < set(other.request_headers)


class _Value(NamedTuple):
    """A response header as it is written, and what browsers make of it."""

    text: str | None
    meaning: Any


def _answer(rule: Rule) -> dict[str, _Value]:
    """The response headers of a rule, those of its preflights and of its actual responses (SEMANTICS 4.2, 5.2)."""
    origin = "*" if "*" in rule.allowed_origins else ECHO
    max_age = None if rule.max_age_seconds is None else str(rule.max_age_seconds)
    return {
        _fetch.ALLOW_ORIGIN: _Value(origin, origin),
        _fetch.ALLOW_METHODS: _Value(", ".join(dict.fromkeys(rule.allowed_methods)), frozenset(rule.allowed_methods)),
        _fetch.MAX_AGE: _Value(max_age, max_age),
        _fetch.EXPOSE_HEADERS: _Value(
            ", ".join(rule.expose_headers) or None, frozenset(name.lower() for name in rule.expose_headers)
        ),
    }


class _HeaderNames:
    """The request headers that the rules of two engines tell apart; a set of them is the bits of an integer.

    Besides the names that a rule spells out there is one for every combination of patterns, and one that none names.
    """

    def __init__(self, engines: tuple[Engine, Engine]) -> None:
        tests = [grant.headers for engine in engines for grant in rules_of(engine)]
        listed = sorted({name for test in tests for name in test.names if len(name) <= MAX_REQUEST_HEADERS})
        patterns = sorted({pattern for test in tests for pattern in test.patterns})
        others = witnesses(patterns, frozenset(listed), _TOKEN_CHARACTERS, MAX_REQUEST_HEADERS, ["unlisted"])
        self._names = list(dict.fromkeys([*listed, "x-unlisted", *others]))
        self._all = (1 << len(self._names)) - 1
        self._bits = {name: 1 << position for position, name in enumerate(self._names)}
        self._patterns = dict.fromkeys(patterns, 0)
        index = Wildcards(patterns, None)
        for name, bit in self._bits.items():
            for pattern in index.matching(name):
                self._patterns[pattern] |= bit
        self._allowed = [[self._allowed_by(grant) for grant in rules_of(engine)] for engine in engines]

    def unshadowed(self, side: int, indices: Rules) -> list[tuple[int | None, int]]:
        """The rules that win for some set of headers, with what each allows; last, what none of them needs to allow."""
        kept: list[tuple[int | None, int]] = []
        for index in indices:
            allowed = self._allowed[side][index]
            if all(allowed & ~earlier for _, earlier in kept):
                kept.append((index, allowed))
        return [*kept, (None, self._all)]

    def spelled(self, names: int) -> tuple[str, ...]:
        """The names in a set."""
        return tuple(self._names[bit.bit_length() - 1] for bit in _bits(names))

    def _allowed_by(self, grant: Grant) -> int:
        test = grant.headers
        if test.every:
            return self._all
        allowed = 0
        for bits in chain(
            (self._bits.get(name, 0) for name in test.names), map(self._patterns.__getitem__, test.patterns)
        ):
            allowed |= bits
        return allowed


def _fewest(within: int, passed: Sequence[int]) -> int | None:
    """A smallest set of bits within `within` that lies within none of `passed`; None where there is none."""
    chosen = 0
    for allowed in passed:
        if not chosen & ~allowed:
            missing = within & ~allowed
            if not missing:
                return None
            chosen |= missing & -missing
    for bit in _bits(chosen):  # a later choice may have made an earlier one needless
        if all((chosen ^ bit) & ~allowed for allowed in passed):
            chosen ^= bit
    return chosen


def _bits(names: int) -> Iterator[int]:
    while names:
        yield names & -names
        names &= names - 1


def _classes(engines: tuple[Engine, Engine]) -> dict[Two, list[str]]:
    """Origins by the rules of either engine that list them: every listed origin, and one of every other kind."""
    listed = dict.fromkeys(origin for engine in engines for grant in rules_of(engine) for origin in grant.origins)
    exact = dict.fromkeys(origin for origin in listed if origin and "*" not in origin)
    classes: dict[Two, list[str]] = {}
    for origin in exact:
        classes.setdefault(_rules_for(engines, origin), []).append(origin)
    others: dict[Two, list[str]] = {}
    for origin in _others(engines, [origin for origin in listed if "*" in origin and origin != "*"], exact):
        others.setdefault(_rules_for(engines, origin), [origin])
    # What a rule says to origins that it does not spell out is told first: it concerns the most.
    return {rules: members for rules, members in others.items() if rules not in classes} | classes


def _rules_for(engines: tuple[Engine, Engine], origin: str) -> Two:
    return grants_for(engines[0], origin).rules, grants_for(engines[1], origin).rules


def _others(engines: tuple[Engine, Engine], patterns: list[str], exact: dict[str, None]) -> Iterator[str]:
    """Origins that no rule spells out: of every kind that patterns tell apart, of none, `null`, and what is no origin."""
    yield "https://unlisted.example"
    if profile_of(engines[0]).wildcard_characters is None:
        yield from witnesses(patterns, exact, _ECHOABLE, MAX_ORIGIN_LENGTH, ["app", "https://unlisted.example"])
    else:
        yield from _witnesses_by_place(patterns, exact)
    yield "null"
    yield "no origin"


def _witnesses_by_place(patterns: list[str], exact: Iterable[str]) -> Iterator[str]:
    """Profile `r2`: a `*` stays within the host, so that patterns meet only under one scheme and one port."""
    hosts = _by_place(patterns)
    taken = _by_place(exact)
    for (scheme, port), several in hosts.items():
        room = MAX_ORIGIN_LENGTH - len(scheme + "://" + port)
        exact_hosts = frozenset(taken.get((scheme, port), ()))
        for host in witnesses(several, exact_hosts, HOST_CHARACTERS, room, ["app", "www"]):
            yield f"{scheme}://{host}{port}"
    schemes = {scheme for scheme, _ in (*hosts, *taken)}
    # There are always schemes that no rule names, and so an origin that no rule lists.
    yield next(f"app{number}://unlisted.example" for number in count() if f"app{number}" not in schemes)


def _by_place(origins: Iterable[str]) -> dict[tuple[str, str], list[str]]:
    """Scheme and port -> the hosts that are listed under them, patterns or not."""
    places: dict[tuple[str, str], list[str]] = {}
    for origin in origins:
        scheme, _, authority = origin.partition("://")
        host, port = split_host_port(authority)
        places.setdefault((scheme, "" if port is None else f":{port}"), []).append(host)
    return places
