"""What is decided: the engine beside the slow twin, over policies and requests that have to do with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import twin
from choices import Choices
from r2style_cors import Policy, PolicyError

if TYPE_CHECKING:
    from r2style_cors._profiles import ProfileName

METHODS = ("GET", "PUT", "POST", "DELETE", "HEAD")
ORIGINS = (
    "https://a.example", "*", "https://*.a.example", "https://b.a.example", "http://a.example:8080", "https://*a.example",
    "https://b*.a.example", "https://a.*", "http://[::1]:1", "capacitor://localhost", "https://*-a.example:8080",
)  # fmt: skip
ONLY_S3 = ("null", "", "A*", "*/", "https://a.example:*", "a,b")
NAMES = ("x-a", "*", "x-*", "*-a", "X-B", "content-type", "x*a", "a")
MIDDLES = ("", "a", "b.", "a.b", "-", "/", ":8080", "b.a")


class Material:
    """A policy and its requests, as bytes choose them."""

    def __init__(self, data: bytes) -> None:
        self.choices = Choices(data)
        profile: ProfileName = self.choices.one(("r2", "s3"))
        self.options = twin.Options(
            profile=profile,
            credentials=self.choices.one((None, True, False)),
            extra_methods=self.choices.one(((), ("PATCH",), ("PURGE", "PATCH"))),
            star_always=self.choices.flag(),
        )
        pool = ORIGINS if profile == "r2" else ORIGINS + ONLY_S3
        self.origins = self.choices.several(lambda: self.choices.nearly(self.choices.one(pool)), 3, least=1)
        self.rules = self.choices.several(self.rule, 4, least=1)

    def rule(self) -> dict[str, Any]:
        """One rule, of origins that other rules list too."""
        choices = self.choices
        rule: dict[str, Any] = {
            "AllowedOrigins": choices.several(lambda: choices.one(self.origins), 2, least=1),
            "AllowedMethods": choices.several(lambda: choices.one(METHODS), 3, least=1),
            "AllowedHeaders": choices.several(lambda: choices.nearly(choices.one(NAMES)), 3),
        }
        if choices.flag():
            rule["ExposeHeaders"] = ["ETag", "x-B"]
            rule["MaxAgeSeconds"] = choices.below(256)
        return rule

    def request(self) -> twin.Lines:
        """A request; any of its headers may be missing, odd, or there twice."""
        method = "OPTIONS" if self.choices.flag() else self.method()
        return twin.Lines(method, self.lines(self.origin), self.lines(self.method), self.lines(self.names))

    def lines(self, make: Any) -> list[str]:
        """One line mostly, or none, or two."""
        return [make() for _ in range(self.choices.one((1, 1, 1, 0, 2)))]

    def origin(self) -> str:
        """An origin that matches, or nearly."""
        pattern = self.choices.one(self.origins)
        return self.choices.nearly(pattern.replace("*", self.choices.one(MIDDLES)))

    def method(self) -> str:
        """A method that a rule may list, or nearly."""
        return self.choices.nearly(self.choices.one((*METHODS, "PATCH", "PURGE", "OPTIONS", "get")))

    def names(self) -> str:
        """A list of header names that rules may list, or nearly."""
        names = self.choices.several(lambda: self.choices.one(NAMES).replace("*", "a"), 3)
        return self.choices.nearly(self.choices.one((",", ", ", ",,", "\t,")).join(names))


def engine(data: bytes) -> None:
    """The engine, asked twice, answers as the slow twin does; a policy that it refuses is a PolicyError."""
    material = Material(data)
    options = material.options
    try:
        compiled = Policy.parse(material.rules, profile=options.profile).compile(
            options.profile, options.credentials, options.extra_methods, options.star_always
        )
    except PolicyError:
        return
    for _ in range(3):
        request = material.request()
        decision = twin.ask(compiled.decide, request)
        expected = twin.answer(material.rules, options, request)
        assert twin.verdict(decision) == expected, (material.rules, options, request)
        assert twin.ask(compiled.decide, request) == decision
        assert twin.ask(compiled.explain, request).decision == decision
