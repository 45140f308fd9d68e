"""Policies and requests that have to do with each other, made by Hypothesis.

Each policy is made of a few values that its rules share, and each request of what the policy lists, of what its patterns
match, and of what only looks so: rules are then passed over, and found by order and not by chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, TypeAlias

from hypothesis import strategies as st

import twin
from r2style_cors import Policy

if TYPE_CHECKING:
    from r2style_cors import Engine
    from r2style_cors._profiles import ProfileName

Rules: TypeAlias = list[dict[str, Any]]

# What policies list: few values over one alphabet, so that rules share them. Every pattern of `TANGLE` matches its origins.
KNOTS = ["https://b.a.example", "https://bb.a.example"]
TANGLE = [
    *KNOTS, "https://*.a.example", "https://*a.example", "https://b*.example", "https://b*a.example", "https://*.example",
    "https://*", "https://b*", "https://b*.a.example",
]  # fmt: skip
R2_ORIGINS = [
    *TANGLE, "https://b.a*a.example", "https://*-a.example", "https://b.*", "HTTPS://BA.Example",
    "http://b.a.example:8080", "http://*.example:8080", "https://[::1]",
]  # fmt: skip
SAFE_ORIGINS = [*KNOTS, "https://*.a.example", "https://b*.a.example", "https://*b.a.example", "http://a.example:8080"]
S3_ORIGINS = [
    *KNOTS, "h*", "*e", "https://*", "*.a.example", "*a.example", "https://b*", "HTTPS://*", "null", "",
    "https://b.a.example:*", "a,b", "*,b", "a b", "\xe9", "b*a", "ba",
]  # fmt: skip
METHODS = ["GET", "PUT", "POST", "DELETE", "HEAD"]
HEADERS = ["*", "x-a", "X-B", "x-*", "*-a", "x*a", "x-b*", "a"]
EXTRAS: list[dict[str, Any]] = [
    {}, {"ExposeHeaders": ["ETag"]}, {"ExposeHeaders": ["x-B", "ETag"], "MaxAgeSeconds": 0}, {"MaxAgeSeconds": 86400},
]  # fmt: skip

# How policies are served: their profile, what they may list then, `*` too or not, and the `credentials` that go with it.
SERVED: list[tuple[ProfileName, list[str], list[list[str]], list[bool | None]]] = [
    ("r2", TANGLE, [[], ["*"]], [None]),
    ("r2", R2_ORIGINS, [[], ["*"]], [None, False]),
    ("r2", SAFE_ORIGINS, [[]], [True]),
    ("s3", S3_ORIGINS, [[], ["*"]], [None, True, False]),
]
EXTRA_METHODS: list[tuple[str, ...]] = [(), ("PATCH",), ("PATCH", "PUT"), ("PURGE", "PATCH")]

# What requests hold beside what policies list; `ODD` by header, each the lines of it.
MIDDLES = ["", "b", "b.", "a.b", "-", "x-", "/", ":8080", "B", "b,"]
ODD_METHODS = ["", "PATCH", "PURGE", "OPTIONS", "get", "G,T", "GET ", "\xe9"]
ODD: list[list[list[str]]] = [
    [[], [""], ["", ""], ["null"], ["https://["], ["https://[::g]"], ["https://a:0"], ["https://a:65535"],
     ["https://a:65536"], ["https://a:01"], ["https://" + "b" * 1016], ["https://" + "b" * 1017]],
    [[], *([method] for method in ODD_METHODS), ["GET", "GET"]],
    [[""], [" ,\t,"], ["x a"], ["x-a:"], ["\xe9"], ["x-a" + "," * 8189], ["x-a" + "," * 8190], ["x-a", "," * 8189],
     ["x-a", "," * 8190]],
]  # fmt: skip
SEPARATORS = [",", ", ", ",\t,", " ,,"]
NEAR = "a.b-*/:@,X \x00\xe9"
SELDOM = st.sampled_from([False] * 8 + [True])


@dataclass(frozen=True)
class World:
    """A policy, how it is served, and the parts of requests: it is asked each with each."""

    rules: Rules
    options: twin.Options
    methods: list[str]
    origins: list[list[str]]
    request_methods: list[list[str]]
    request_headers: list[list[str]]

    def engine(self) -> Engine:
        """The compiled policy."""
        return compiled(self.rules, self.options)

    def joined(self) -> World:
        """The same as a WSGI application sees it: the lines of one header are joined by a comma."""

        def join(part: list[list[str]]) -> list[list[str]]:
            return [[",".join(lines)] if lines else [] for lines in part]

        origins, request_methods, request_headers = map(
            join, (self.origins, self.request_methods, self.request_headers)
        )
        return World(self.rules, self.options, self.methods, origins, request_methods, request_headers)

    def answers(self) -> list[tuple[twin.Lines, twin.Verdict]]:
        """Every request that the parts make, and what the twin says to it."""
        parts = product(self.methods, self.origins, self.request_methods, self.request_headers)
        requests = [twin.Lines(*one) for one in parts]
        return [(request, twin.answer(self.rules, self.options, request)) for request in requests]


def compiled(rules: Rules, options: twin.Options) -> Engine:
    """The engine for `rules`."""
    return Policy.parse(rules, profile=options.profile).compile(**vars(options))


@st.composite
def some(draw: st.DrawFn, values: list[str], least: int = 1) -> list[str]:
    """Some of `values`; seldom the first of them comes twice."""
    chosen = draw(st.integers(least, 2 ** len(values) - 1))
    found = [value for place, value in enumerate(values) if chosen & 1 << place]
    return found + found[:1] * draw(SELDOM)


@st.composite
def policies(draw: st.DrawFn) -> tuple[Rules, twin.Options]:
    """Up to five rules over a few origins, methods and headers, so that many match one request; and how they are served."""

    def few(values: list[str]) -> list[str]:
        return draw(st.lists(st.sampled_from(values), min_size=4, max_size=5, unique=True))

    profile, listed, stars, credentials = draw(st.sampled_from(SERVED))
    origins, methods, headers = few(listed) + draw(st.sampled_from(stars)), few(METHODS), few(HEADERS)
    rules = [
        {
            "AllowedOrigins": draw(some(origins)),
            "AllowedMethods": draw(some(methods)),
            "AllowedHeaders": draw(some(headers, least=0)),
            **draw(st.sampled_from(EXTRAS)),
        }
        for _ in range(draw(st.integers(2, 5)))
    ]
    extra_methods, star_always = draw(st.sampled_from(EXTRA_METHODS)), draw(st.booleans())
    return rules, twin.Options(profile, draw(st.sampled_from(credentials)), extra_methods, star_always)


@st.composite
def nearly(draw: st.DrawFn, value: str) -> str:
    """`value` with one character put in, taken out, replaced or in the other case."""
    at = draw(st.integers(0, max(0, len(value) - 1)))
    old, rest = value[at : at + 1], value[at + 1 :]
    middle: str = draw(st.sampled_from([old.swapcase(), "", *NEAR, *(one + old for one in NEAR)]))
    return value[:at] + middle + rest


@st.composite
def lines(draw: st.DrawFn, values: st.SearchStrategy[str]) -> list[list[str]]:
    """The lines of one header, three times: two of `values`, and what is like one of them, or both at once."""
    one, other = draw(values), draw(values)
    return [[one], [other], draw(nearly(one).map(lambda near: [near]) | st.sampled_from([[one.lower()], [one, other]]))]


def asked(rules: Rules, key: str, middles: list[str]) -> list[str]:
    """What the rules list there, and what their patterns match."""
    listed = dict.fromkeys(value for rule in rules for value in rule[key])
    return [value.replace("*", middle) for value in listed or ["*"] for middle in middles]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A policy, and a few of everything that a request can hold; one header holds everything odd, one after the other."""
    rules, options = draw(policies())
    origins = st.sampled_from(asked(rules, "AllowedOrigins", MIDDLES))
    methods = st.sampled_from(asked(rules, "AllowedMethods", [""]))
    names = st.lists(st.sampled_from(asked(rules, "AllowedHeaders", ["", "a", "-"])), min_size=1, max_size=3)
    parts = [
        [[draw(st.sampled_from(KNOTS))], *draw(lines(origins))],
        [[], *draw(lines(methods))],
        [[], *draw(lines(st.builds(str.join, st.sampled_from(SEPARATORS), names)))],
    ]
    odd = draw(st.integers(0, 2))
    parts = [part[:2] + ODD[place] if place == odd else part for place, part in enumerate(parts)]
    return World(rules, options, ["OPTIONS", draw(methods), draw(st.sampled_from(ODD_METHODS))], *parts)
