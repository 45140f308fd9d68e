"""Policy to Engine: runs once per policy, and finishes every answer that the policy alone determines."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from . import _fetch
from ._decision import Answer, Decision
from ._door import check_switch
from ._engine import Chain, Engine, Grant, Grants, HeaderTest
from ._forms import path_of
from ._hosts import host_of, is_loopback, registrable_domain, wildcard_domain
from ._judge import document_of
from ._origins import Wildcards, is_echoable
from ._profiles import profile_named
from .errors import PolicyError, Problem
from .policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from ._decision import Pairs, RawPairs, Reason
    from ._profiles import Profile, ProfileName
    from ._rules import Location
    from .policy import Rule

WRITING_METHODS = frozenset({"PUT", "POST", "DELETE"})  # SEMANTICS 7.2
REFUSED_METHODS = _fetch.FORBIDDEN_METHODS | {"OPTIONS"}


def compile_policy(
    policy: Policy,
    *,
    profile: ProfileName,
    credentials: bool | None,
    extra_methods: Sequence[str],
    star_always: bool,
) -> Engine:
    """Compile `policy`; see `Policy.compile`.

    Raises:
        PolicyError: the policy is not valid under `profile`, or an option is unsafe with it (SEMANTICS 7).
        ValueError: there is no such profile.
        TypeError: an option has the wrong type.
    """
    check_switch("credentials", credentials, None)
    check_switch("star_always", star_always)
    rules_of = profile_named(profile)
    policy = policy.validated_for(profile)
    rules = policy.rules
    problems = [*_credential_problems(policy, rules_of, credentials), *_method_problems(extra_methods)]
    if any(problem.severity == "error" for problem in problems):
        raise PolicyError(tuple(problems), policy.form)
    effective = rules_of.credentials if credentials is None else credentials
    return _Compiler(
        rules, rules_of, effective, tuple(extra_methods), star_always, (*policy.problems, *problems)
    ).engine()


def expect_policy(value: object, name: str = "policy") -> Policy:
    """`value` itself, which the argument `name` holds; raises TypeError where it is no Policy."""
    if not isinstance(value, Policy):
        message = f"{name} is a {type(value).__name__}; it must be a Policy, as load_policy and Policy.parse give one"
        raise TypeError(message)
    return value


class _Compiler:
    """What one compilation shares: the rules' grants, and the chains and unions already made of them."""

    def __init__(
        self,
        rules: Sequence[Rule],
        profile: Profile,
        credentials: bool,
        extra_methods: tuple[str, ...],
        star_always: bool,
        problems: tuple[Problem, ...],
    ) -> None:
        self.profile = profile
        self.credentials = credentials
        self.extra_methods = extra_methods
        self.star_always = star_always
        self.problems = problems
        # Refusals differ by reason and rule, and are many times fewer than what origins and methods give.
        self._refused_actual = refused_actual = cache(profile.refused_actual)
        self._refused_preflight = cache(profile.refused_preflight)
        # Not by way of `self`: an engine that is replaced goes at once, and does not wait for the cycle collector.
        self._refusal = cache(lambda reason, rule: Decision(refused_actual(reason, rule)))
        self._pairs: dict[Pairs | RawPairs, Any] = {}
        self.grants = tuple(self._grant(index, rule) for index, rule in enumerate(rules))
        self.stars = tuple(grant.index for grant in self.grants if grant.star)
        self.always = self._always(rules) if star_always else {}
        self._unions: dict[tuple[int, ...], Grants] = {}

    def engine(self) -> Engine:
        exact, patterns = self._origins()
        index = Wildcards(patterns, self.profile.wildcard_characters)
        for origin, rules in exact.items():
            for pattern in index.matching(origin):
                rules.update(patterns[pattern])
        return Engine(
            profile=self.profile,
            credentials=self.credentials,
            extra_methods=self.extra_methods,
            star_always=self.star_always,
            problems=self.problems,
            rules=self.grants,
            exact={origin: self._union(rules) for origin, rules in exact.items()},
            patterns=index,
            pattern_grants={pattern: self._union(rules) for pattern, rules in patterns.items()},
            unlisted=self._union(()),
            malformed=self._grants(self.stars, "malformed"),
            always={method: Decision(answer) for method, answer in self.always.items()},
            build=self.merge,
        )

    def merge(self, several: Iterable[Grants]) -> Grants:
        """The union of what several origins' rules give, for an origin that several patterns match."""
        return self._grants(tuple(sorted({rule for grants in several for rule in grants.rules})), "origin")

    def _origins(self) -> tuple[dict[str, set[int]], dict[str, set[int]]]:
        """The policy's origins, exact ones and patterns, each with the rules that list it."""
        exact: dict[str, set[int]] = {}
        patterns: dict[str, set[int]] = {}
        for grant in self.grants:
            for origin in grant.origins:
                if origin == "*":
                    continue
                if "*" in origin:
                    patterns.setdefault(origin, set()).add(grant.index)
                elif is_echoable(origin):  # no other value is ever matched (SEMANTICS 8.2)
                    exact.setdefault(origin, set()).add(grant.index)
        return exact, patterns

    def _union(self, rules: Iterable[int]) -> Grants:
        """What `rules` give together with those that list `*`: made once for each such set."""
        key = tuple(sorted(rules))
        grants = self._unions.get(key)
        if grants is None:
            everything = tuple(sorted({*key, *self.stars}))
            grants = self._unions[key] = self._grants(everything, "origin")
        return grants

    def _grants(self, rules: tuple[int, ...], unmatched: Reason) -> Grants:
        """What `rules` give, in their order. `unmatched` is the reason of a refusal where there are none."""
        by_method: dict[str, list[Grant]] = {}
        for rule in rules:
            for method in self.grants[rule].methods:
                by_method.setdefault(method, []).append(self.grants[rule])
        chains: dict[tuple[Grant, ...], Chain] = {}  # most methods of a policy share theirs
        for group in map(tuple, by_method.values()):
            if group not in chains:
                chains[group] = self._chain(group)
        reason: Reason = "method" if rules else unmatched
        first = rules[0] if rules else None
        return Grants(
            rules,
            actual={method: self.always.get(method, group[0].actual) for method, group in by_method.items()},
            chains={method: chains[tuple(group)] for method, group in by_method.items()},
            actual_refusal=self._refusal(reason, first),
            preflight_refusal=self._refused_preflight(reason, first),
        )

    def _chain(self, grants: tuple[Grant, ...]) -> Chain:
        """The rules of one origin and method, with the names that each allows turned about: name to rules."""
        every = 0
        bits: dict[str, int] = {}
        pattern_bits: dict[str, int] = {}
        for position, grant in enumerate(grants):
            bit = 1 << position
            every |= bit if grant.headers.every else 0
            for name in grant.headers.names:
                bits[name] = bits.get(name, 0) | bit
            for pattern in grant.headers.patterns:
                pattern_bits[pattern] = pattern_bits.get(pattern, 0) | bit
        patterns = Wildcards(pattern_bits, None)
        for name in bits:
            bits[name] |= every
            for pattern in patterns.matching(name):
                bits[name] |= pattern_bits[pattern]
        return Chain(
            grants,
            actual_refusal=self._refused_actual("headers", grants[0].index),
            preflight_refusal=self._refused_preflight("headers", grants[0].index),
            bits=bits,
            every=every,
            patterns=patterns,
            pattern_bits=pattern_bits,
        )

    def _grant(self, index: int, rule: Rule) -> Grant:
        """One rule, its answers finished."""
        star = "*" in rule.allowed_origins
        methods = self._methods(rule)
        return Grant(
            index,
            id=rule.id,
            origins=rule.allowed_origins,
            methods=methods,
            headers=_header_test(rule),
            star=star,
            actual=self._actual(index, rule, methods, self.profile.vary_actual),
            preflight=self._preflight(index, rule, methods),
        )

    def _methods(self, rule: Rule) -> tuple[str, ...]:
        """The rule's methods without repeats, then the server's own where the rule lets pages write (SEMANTICS 7.2)."""
        methods = rule.allowed_methods
        extra = self.extra_methods if WRITING_METHODS.intersection(methods) else ()
        return tuple(dict.fromkeys((*methods, *extra)))

    def _actual(self, index: int, rule: Rule, methods: tuple[str, ...], vary: tuple[str, ...]) -> Answer:
        """What an actual response carries (SEMANTICS 5.2, 6)."""
        star, headers = self._common(rule)
        if self.profile.actual_like_preflight:
            headers += [(_fetch.ALLOW_METHODS, ", ".join(methods)), *_max_age(rule)]
        headers += _expose(rule)
        return self._shared(Answer("actual", "allowed", rule=index, headers=tuple(headers), vary=vary, echo=not star))

    def _preflight(self, index: int, rule: Rule, methods: tuple[str, ...]) -> Answer:
        """The whole answer to a preflight, but for the origin and the requested names (SEMANTICS 4.2, 6)."""
        star, headers = self._common(rule)
        headers += [(_fetch.ALLOW_METHODS, ", ".join(methods)), *_max_age(rule)]
        if self.profile.expose_on_preflight:
            headers += _expose(rule)
        vary = self.profile.vary_preflight
        headers += [*self.profile.preflight_extra, ("Vary", ", ".join(vary))]
        status = self.profile.preflight_status
        return self._shared(
            Answer("preflight", "allowed", rule=index, status=status, headers=tuple(headers), vary=vary, echo=not star)
        )

    def _shared(self, answer: Answer) -> Answer:
        """Rules that say the same share their headers: many rules then fit into the processor's caches."""
        for name in ("headers", "raw_headers", "vary_pair", "raw_vary_pair"):
            pairs = getattr(answer, name)
            setattr(answer, name, self._pairs.setdefault(pairs, pairs))
        return answer

    def _common(self, rule: Rule) -> tuple[bool, list[tuple[str, str]]]:
        """Whether the rule lists `*`; the origin and credentials headers, the origin only where it is constant."""
        star = "*" in rule.allowed_origins
        headers = [(_fetch.ALLOW_ORIGIN, "*")] if star else []
        if self.credentials and not star:
            headers.append((_fetch.ALLOW_CREDENTIALS, "true"))
        return star, headers

    def _always(self, rules: Sequence[Rule]) -> dict[str, Answer]:
        """Method -> the constant answer, where the first rule that names the method lists `*` (SEMANTICS 5.7)."""
        first: dict[str, Grant] = {}
        for grant in self.grants:
            for method in grant.methods:
                first.setdefault(method, grant)
        return {
            method: self._actual(grant.index, rules[grant.index], grant.methods, ())
            for method, grant in first.items()
            if grant.star
        }


def _header_test(rule: Rule) -> HeaderTest:
    names = [name.lower() for name in rule.allowed_headers]
    return HeaderTest(
        "*" in names,
        frozenset(name for name in names if "*" not in name),
        tuple(dict.fromkeys(name for name in names if "*" in name and name != "*")),
    )


def _max_age(rule: Rule) -> list[tuple[str, str]]:
    return [] if rule.max_age_seconds is None else [(_fetch.MAX_AGE, str(rule.max_age_seconds))]


def _expose(rule: Rule) -> list[tuple[str, str]]:
    return [(_fetch.EXPOSE_HEADERS, ", ".join(rule.expose_headers))] if rule.expose_headers else []


def _credential_problems(policy: Policy, profile: Profile, credentials: bool | None) -> Iterator[Problem]:
    """What SEMANTICS 7.1 refuses or warns of; 6 makes a warning of it under `s3`."""
    if not (profile.credentials if credentials is None else credentials):
        return
    reading = document_of(policy)
    for rule, draft in zip(policy.rules, reading.drafts or (), strict=True):
        for at, problem in _credential_findings(rule, profile, asked=credentials is True):
            spot = draft.spot_of(at)
            path = path_of(str(reading.form), draft, at)
            yield replace(problem, path=path, line=spot.line, column=spot.column)


def _credential_findings(rule: Rule, profile: Profile, *, asked: bool) -> Iterator[tuple[Location, Problem]]:
    """The same for one rule; `asked` is whether credentials were asked for, and are not just the profile's way."""
    for position, origin in enumerate(rule.allowed_origins):
        at = ("allowed_origins", position)
        reason = _too_wide(origin)
        if reason is not None:
            message = (
                f"With credentials, {origin!r} is too wide: {reason}. List the origins that you trust, one by one."
            )
            yield at, Problem("credentials-wide", profile.wide_credentials, "", None, None, origin, message)
        elif asked and origin.startswith("http://") and not is_loopback(host_of(origin)):
            message = f"With credentials, {origin!r} trusts everyone on the network between: http is not encrypted."
            mended = f'"https{origin.removeprefix("http")}"'
            yield at, Problem("credentials-http", "warning", "", None, None, origin, message, mended)
    if asked and "*" in rule.expose_headers:
        message = (
            "With credentials, an exposed `*` is the literal name `*`: a page would read no header by it (Fetch, section "
            "3.3.3). List the names of the headers that pages read."
        )
        at = ("expose_headers", rule.expose_headers.index("*"))
        yield at, Problem("credentials-expose", "error", "", None, None, "*", message)


def _too_wide(origin: str) -> str | None:
    """Why `origin` may not be trusted with credentials, or None (SEMANTICS 7.1)."""
    if origin == "*":
        return "it is every page on the web"
    host = host_of(origin)
    if "*" not in origin or is_loopback(host) or (host and "*" not in host):  # under s3, a `*` may stand in the port
        return None
    domain = wildcard_domain(origin)
    if domain and registrable_domain(domain) is not None:
        return None
    return f"anyone can register a name under {domain!r}" if domain else "anyone can register a name that it matches"


def _method_problems(extra_methods: Sequence[object]) -> Iterator[Problem]:
    """What SEMANTICS 7.2 refuses or warns of."""
    if not isinstance(extra_methods, str | list | tuple | set | frozenset):
        message = f"extra_methods is {extra_methods!r}; it must be a list of methods"
        raise TypeError(message)
    if isinstance(extra_methods, str):
        yield Problem(
            "wrong-type", "error", "extra_methods", None, None, extra_methods,
            "extra_methods is a list of methods, not one string.", f'("{extra_methods}",)',
        )  # fmt: skip
        return
    for position, method in enumerate(extra_methods):
        path = f"extra_methods[{position}]"
        if not isinstance(method, str) or not _fetch.is_token(method):
            message = f"{method!r} is no method: a method is a token (RFC 9110, section 5.6.2)."
            yield Problem("extra-method-token", "error", path, None, None, method, message)
        elif method.upper() in REFUSED_METHODS:
            message = f"{method!r} cannot be added: " + (
                "preflights are answered by the policy itself."
                if method.upper() == "OPTIONS"
                else "no browser lets a page send it (Fetch, section 2.2.1)."
            )
            yield Problem("extra-method-forbidden", "error", path, None, None, method, message)
        elif method != method.upper():
            message = f"Methods are compared with their case: {method!r} does not allow {method.upper()!r}."
            yield Problem("extra-method-case", "warning", path, None, None, method, message, f'"{method.upper()}"')
