"""A slow, obvious reading of SEMANTICS 3 to 8: what the engine has to answer, rule by rule, line by line.

Nothing here is indexed, remembered or shared with the library. Each step names the clause that it reads. The tests let
the twin and the engine answer the same requests; where they differ, one of them misread the clause.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from r2style_cors import Decision
    from r2style_cors._profiles import ProfileName

TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
SCHEME = re.compile(r"[a-z][a-z0-9+.\-]*")
HOST_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789._-"
PORT = re.compile(r"[1-9][0-9]{0,4}")

PREFLIGHT_VARY = ("Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers")  # 4.4
S3_VARY = ("Origin", "Access-Control-Request-Headers", "Access-Control-Request-Method")  # 6


@dataclass(frozen=True)
class Options:
    """The engine's keywords."""

    profile: ProfileName = "r2"
    credentials: bool | None = None
    extra_methods: tuple[str, ...] = ()
    star_always: bool = False


@dataclass(frozen=True)
class Lines:
    """A request as its method and its raw header lines."""

    method: str
    origin: Sequence[str] = ()
    request_method: Sequence[str] = ()
    request_headers: Sequence[str] = ()


@dataclass
class Verdict:
    """The twin's answer: the decision, the CORS headers by name, and the names for Vary."""

    kind: str
    allowed: bool
    reason: str
    rule: int | None = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    vary: tuple[str, ...] = ()


def ask(asking: Callable[..., Any], request: Lines) -> Any:
    """What `Engine.decide` or `Engine.explain` says to `request`, asked as a door asks."""
    values = (request.origin, request.request_method, request.request_headers)
    joined = (", ".join(lines) if lines else None for lines in values)
    return asking(request.method, *joined, size=sum(map(len, request.request_headers)))


def verdict(decision: Decision) -> Verdict:
    """A decision in the twin's words; Vary of an answered preflight stands among its headers."""
    headers = {name.lower(): value for name, value in decision.headers}
    assert len(headers) == len(decision.headers), "no header comes twice"
    vary = decision.vary if decision.status is None else tuple(filter(None, headers.get("vary", "").split(", ")))
    cors = {name: value for name, value in headers.items() if name.startswith("access-control-")}
    return Verdict(decision.kind, decision.allowed, decision.reason, decision.rule, decision.status, cors, vary)


def granted(kind: str, rule: int, status: int | None, headers: dict[str, str], vary: tuple[str, ...]) -> Verdict:
    """The verdict where `rule` won."""
    return Verdict(kind, allowed=True, reason="allowed", rule=rule, status=status, headers=headers, vary=vary)


def answer(rules: list[dict[str, Any]], options: Options, request: Lines) -> Verdict:
    """What the policy says to `request`."""
    origin = ", ".join(request.origin)  # 3.4: joined before anything is judged; empty as a whole counts as none
    if request.method == "OPTIONS":
        if options.profile == "s3":
            return s3_options(rules, options, request, origin)
        if origin != "" and request.request_method:  # 4.1
            return preflight(rules, options, request, origin)
    return actual(rules, options, request, origin)


def s3_options(rules: list[dict[str, Any]], options: Options, request: Lines, origin: str) -> Verdict:
    """6: S3 answers every OPTIONS itself."""
    if origin == "":
        return Verdict("preflight", allowed=False, reason="no-origin", status=400)
    known = ("GET", "PUT", "POST", "DELETE", "HEAD", *options.extra_methods)
    if ", ".join(request.request_method) not in known:
        return Verdict("preflight", allowed=False, reason="malformed", status=400)
    return preflight(rules, options, request, origin)


def preflight(rules: list[dict[str, Any]], options: Options, request: Lines, origin: str) -> Verdict:
    """4: what is answered instead of the application."""
    refusal_vary = PREFLIGHT_VARY if options.profile == "r2" else ()  # 4.4, 6
    method = ", ".join(request.request_method)  # 4.1: repeated lines join to something that is no token
    if not TOKEN.fullmatch(method):
        return Verdict("preflight", allowed=False, reason="malformed", status=403, vary=refusal_vary)
    index, reason = search(rules, options, origin, method, request.request_headers)
    if reason != "allowed":
        return Verdict("preflight", allowed=False, reason=reason, rule=index, status=403, vary=refusal_vary)
    assert index is not None
    rule = rules[index]
    headers = origin_headers(rule, options, origin)
    headers["access-control-allow-methods"] = ", ".join(methods_of(rule, options))  # 4.2
    headers |= requested_and_age(rule, request.request_headers)
    if options.profile == "s3":
        headers |= exposed(rule)
        return granted("preflight", index, 200, headers, S3_VARY)
    return granted("preflight", index, 204, headers, PREFLIGHT_VARY)


def actual(rules: list[dict[str, Any]], options: Options, request: Lines, origin: str) -> Verdict:
    """5: what is added to the application's own response."""
    s3 = options.profile == "s3"
    public = always_public(rules, options, request.method)
    if public is not None:  # 5.7, with what 6 adds to every actual response; constant, so whatever was requested
        headers = {"access-control-allow-origin": "*"} | exposed(rules[public])
        if s3:
            headers["access-control-allow-methods"] = ", ".join(methods_of(rules[public], options))
            headers |= requested_and_age(rules[public], ())
        return granted("actual", public, None, headers, ())
    refusal_vary = () if s3 else ("Origin",)  # 5.4, 6
    if origin == "":  # 5.1
        return Verdict("none", allowed=False, reason="no-origin", vary=refusal_vary)
    method = ", ".join(request.request_method) if s3 and request.request_method else request.method  # 3.7
    index, reason = search(rules, options, origin, method, request.request_headers if s3 else ())
    if reason != "allowed":
        return Verdict("actual", allowed=False, reason=reason, rule=index, vary=refusal_vary)
    assert index is not None
    rule = rules[index]
    headers = origin_headers(rule, options, origin) | exposed(rule)  # 5.2
    if s3:
        headers["access-control-allow-methods"] = ", ".join(methods_of(rule, options))
        headers |= requested_and_age(rule, request.request_headers)
    return granted("actual", index, None, headers, S3_VARY if s3 else ("Origin",))


def always_public(rules: list[dict[str, Any]], options: Options, method: str) -> int | None:
    """5.7: the first rule naming the method, where it lists `*` and `star_always` is on."""
    for index, rule in enumerate(rules):
        if options.star_always and method in methods_of(rule, options):
            return index if "*" in rule["AllowedOrigins"] else None
    return None


def search(
    rules: list[dict[str, Any]], options: Options, origin: str, method: str, header_lines: Sequence[str]
) -> tuple[int | None, str]:
    """3.1 and 8.3: the winner and `allowed`, or the first rule that got furthest and the test that it failed."""
    furthest: tuple[int | None, str] = (None, "origin" if origin_is_sound(origin, options.profile) else "malformed")
    for index, rule in enumerate(rules):
        if not origin_matches(rule, origin, options.profile):
            continue
        if furthest[0] is None:
            furthest = (index, "method")
        if method not in methods_of(rule, options):  # 3.5: a case-sensitive token
            continue
        names = requested_names(header_lines)
        if names is None:  # 3.6: no rule can allow it
            return None, "malformed"
        if all(header_allowed(rule, name) for name in names):
            return index, "allowed"
        if furthest[1] == "method":
            furthest = (index, "headers")
    return furthest


def origin_is_sound(origin: str, profile: ProfileName) -> bool:
    """3.4 and 8.2: whether anything but `*` alone may match, and the value may be echoed."""
    if not re.fullmatch(r"[\x21-\x2b\x2d-\x7e]{1,1024}", origin):
        return False
    return profile == "s3" or origin == "null" or is_serialized(origin)


def is_serialized(origin: str) -> bool:
    """2: `scheme://host[:port]`."""
    scheme, separator, rest = origin.partition("://")
    if not separator or not SCHEME.fullmatch(scheme):
        return False
    bracketed = re.fullmatch(r"\[([0-9a-f:.]+)\](:(.*))?", rest)
    plain = re.fullmatch(r"([a-z0-9._\-]+)(:(.*))?", rest)
    if bracketed and not is_ipv6(bracketed[1]):
        return False
    found = bracketed or plain
    if not found:
        return False
    return found[2] is None or (PORT.fullmatch(found[3]) is not None and int(found[3]) <= 65535)


def is_ipv6(text: str) -> bool:
    """2: an IPv6 address, as the operating system reads one."""
    try:
        socket.inet_pton(socket.AF_INET6, text)
    except OSError:
        return False
    return True


def origin_matches(rule: dict[str, Any], origin: str, profile: ProfileName) -> bool:
    """3.2 to 3.4: whether one of the rule's origins matches."""
    for pattern in rule["AllowedOrigins"]:
        if pattern == "*":
            return True
        if not origin_is_sound(origin, profile):
            continue
        if wildcard_matches(pattern if profile == "s3" else pattern.lower(), origin, profile):
            return True
    return False


def wildcard_matches(pattern: str, text: str, profile: ProfileName = "r2") -> bool:
    """3.3 and 6: one `*` for host characters, or under `s3` for anything; anchored at both ends."""
    middle = r"[\x00-\U0010ffff]*" if profile == "s3" else r"[a-z0-9.\-_]*"
    return re.fullmatch(middle.join(re.escape(part) for part in pattern.split("*")), text) is not None


def methods_of(rule: dict[str, Any], options: Options) -> list[str]:
    """4.2 and 7.2: the rule's methods in policy order, then the extra ones where it may write."""
    found: list[str] = []
    writes = {"PUT", "POST", "DELETE"} & set(rule["AllowedMethods"])
    for method in [*rule["AllowedMethods"], *(options.extra_methods if writes else ())]:
        if method not in found:
            found.append(method)
    return found


def requested_names(header_lines: Sequence[str]) -> list[str] | None:
    """3.5 and 3.6: the names of all lines, lower-cased, each once; None where the list is refused."""
    if sum(len(line) for line in header_lines) > 8192:
        return None
    names: list[str] = []
    for item in ",".join(header_lines).split(","):
        name = item.strip(" \t").lower()
        if name and not TOKEN.fullmatch(item.strip(" \t")):
            return None
        if name and name not in names:
            names.append(name)
    return names


def header_allowed(rule: dict[str, Any], name: str) -> bool:
    """2 and 3.5: compared without case; `*` allows any, and one `*` inside a name stands for anything there."""
    for pattern in rule.get("AllowedHeaders") or ():
        if re.fullmatch(".*".join(re.escape(part) for part in pattern.lower().split("*")), name):
            return True
    return False


def origin_headers(rule: dict[str, Any], options: Options, origin: str) -> dict[str, str]:
    """5.3, 6 and 7.1: ACAO, and ACAC where it belongs."""
    value = "*" if "*" in rule["AllowedOrigins"] else origin
    on_s3 = options.credentials is not False and value != "*"
    credentials = on_s3 if options.profile == "s3" else options.credentials is True
    headers = {"access-control-allow-origin": value}
    return headers | ({"access-control-allow-credentials": "true"} if credentials else {})


def exposed(rule: dict[str, Any]) -> dict[str, str]:
    """5.2: ACEH if the rule has any, as the policy spells them."""
    names = rule.get("ExposeHeaders")
    return {"access-control-expose-headers": ", ".join(names)} if names else {}


def requested_and_age(rule: dict[str, Any], header_lines: Sequence[str]) -> dict[str, str]:
    """4.2: ACAH if headers were requested, ACMA if the rule sets it."""
    headers: dict[str, str] = {}
    names = requested_names(header_lines)
    if names:
        headers["access-control-allow-headers"] = ", ".join(names)
    if rule.get("MaxAgeSeconds") is not None:
        headers["access-control-max-age"] = str(rule["MaxAgeSeconds"])
    return headers
