"""What was once wrong with other CORS packages, by its advisory, asked of our doors.

Each case names the package and what it did. It asks twice: as somebody who may, so that the policy is seen to work, and
as the attacker of the advisory.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Any

import pytest

from r2style_cors import PathPolicies, Policy, PolicyError
from support.doors import DOORS
from support.messages import Answer, Request

ALLOW_ORIGIN = "access-control-allow-origin"
FRIEND = "https://example.com"
ATTACKER = "https://attacker.example"


def rule(*origins: str) -> dict[str, Any]:
    """A rule in the dashboard's form."""
    return {"AllowedOrigins": list(origins), "AllowedMethods": ["GET"], "AllowedHeaders": ["*"]}


def actual(origin: str, path: str = "/") -> Request:
    """A GET by a page of `origin`."""
    return Request("GET", (("Origin", origin),), path)


@dataclass(frozen=True)
class Advisory:
    """One advisory: what was published, what went wrong there, and the two requests that tell."""

    id: str
    was: str
    policy: Any
    friend: Request
    attacker: Request

    def __str__(self) -> str:
        return self.id


PATHS = PathPolicies(
    {"/": [rule(FRIEND)], "/public": [rule("*")], "/public/private": [rule(FRIEND)], "/a b": [rule("*")]}
)

ADVISORIES = [
    Advisory(
        "CVE-2026-37737",
        "sanic-cors: a pattern was not anchored at its end, so that a host could go on after it",
        [rule("https://*.example.com")],
        actual("https://www.example.com"),
        actual("https://www.example.com.attacker.example"),
    ),
    Advisory(
        "CVE-2022-1996",
        "go-restful: a pattern was anchored at neither end, so that a listed name anywhere in the origin was enough",
        [rule(FRIEND)],
        actual(FRIEND),
        actual("https://example.com.attacker.example"),
    ),
    Advisory(
        "GHSA-vhxv-fg4m-p2w8",
        "jub0bs/cors: of two listed origins, one's name could be put in front of the other's",
        [rule("https://foo.example", "https://bar.example")],
        actual("https://bar.example"),
        actual("https://barfoo.example"),
    ),
    Advisory(
        "CVE-2019-25211",
        "gin-contrib/cors: a `*` at the end of an origin swallowed the character before it, and with it the border of a name",
        [rule("https://example.*")],
        actual("https://example.org"),
        actual("https://exampleXattacker.example"),
    ),
    Advisory(
        "no advisory: a suffix without its dot",
        "flask-cors 6.0.5: `https://*.example.com` allowed a name that only ends alike",
        [rule("https://*.example.com")],
        actual("https://www.example.com"),
        actual("https://attackerexample.com"),
    ),
    Advisory(
        "no advisory: a wildcard without bounds",
        "Starlette, where a `.*` was listed: a wildcard went on past the host, into a path that is the attacker's",
        [rule("https://*.example.com")],
        actual("https://www.example.com"),
        actual("https://attacker.example/.example.com"),
    ),
    Advisory(
        "CVE-2024-6866",
        "flask-cors: paths were compared without their case, so that one path got another's policy",
        PATHS,
        actual(FRIEND, "/Public"),
        actual(ATTACKER, "/Public"),
    ),
    Advisory(
        "CVE-2024-6844",
        "flask-cors: a `+` in a path was read as a space, so that one path got another's policy",
        PATHS,
        actual(FRIEND, "/a+b"),
        actual(ATTACKER, "/a+b"),
    ),
    Advisory(
        "CVE-2024-6839",
        "flask-cors: the longer pattern of a path won, not the closer one, so that a part got the whole's laxer policy",
        PATHS,
        actual(FRIEND, "/public/private/a"),
        actual(ATTACKER, "/public/private/a"),
    ),
]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("advisory", ADVISORIES, ids=str)
def test_the_attacker_is_given_nothing(advisory: Advisory, door: str) -> None:
    """A page that may read the answer gets its origin back; the attacker's page gets no CORS header at all."""
    ask = DOORS[door](Answer(), advisory.policy, {})
    friend = ask(advisory.friend)
    assert friend.lines(ALLOW_ORIGIN) == advisory.friend.lines("origin")
    attacker = ask(advisory.attacker)
    assert (attacker.cors(), attacker.reached) == ([], True)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
@pytest.mark.parametrize("profile", ["r2", "s3"])
def test_cve_2018_20744_no_origin_is_echoed_because_of_a_star(profile: str, method: str, door: str) -> None:
    """rs/cors answered `*` with the origin of whoever asked; here `*` is answered with `*`, and without credentials."""
    request = Request(method, (("Origin", ATTACKER), ("Access-Control-Request-Method", "GET")))
    answer = DOORS[door](Answer(), [rule("*")], {"profile": profile})(request)
    assert answer.lines(ALLOW_ORIGIN) == ["*"]
    assert answer.lines("access-control-allow-credentials") == []


@pytest.mark.parametrize("door", DOORS)
def test_cve_2023_49803_credentials_are_for_who_is_listed(door: str) -> None:
    """@koa/cors echoed everybody where nobody was listed; here a list cannot be empty, and others are given nothing."""
    with pytest.raises(PolicyError, match="empty-list"):
        Policy.parse([rule()])
    answer = DOORS[door](Answer(), [rule(FRIEND)], {"credentials": True})(actual(ATTACKER))
    assert answer.cors() == []


@pytest.mark.parametrize("origin", ["*", "https://*", "https://*.com", "https://*.github.io", "https://example.*"])
def test_cve_2024_25124_credentials_do_not_go_with_everybody(origin: str) -> None:
    """Fiber let `*` stand beside credentials; here neither `*` nor what anyone can register a name under may."""
    with pytest.raises(PolicyError) as caught:
        Policy.parse([rule(origin)]).compile(credentials=True)
    assert [problem.code for problem in caught.value.problems] == ["credentials-wide"]


@pytest.mark.parametrize("door", DOORS)
def test_cve_2026_54290_a_star_beside_others_takes_no_credentials(door: str) -> None:
    """Hono echoed origins, with credentials, under its default of `*`; under `s3`, where they are the default, `*` has none."""
    policy = [rule(FRIEND), rule("*")]
    friend, attacker = (DOORS[door](Answer(), policy, {"profile": "s3"})(actual(one)) for one in (FRIEND, ATTACKER))
    assert ("access-control-allow-credentials", "true") in friend.cors()
    assert (attacker.lines(ALLOW_ORIGIN), attacker.lines("access-control-allow-credentials")) == (["*"], [])


FORGED = "/a\r\nWARNING:root:forged\x1b[2J\u2028"  # a second line for the log, and an escape for the terminal


@pytest.mark.parametrize("debug", [False, True], ids=["debug off", "debug on"])
@pytest.mark.parametrize("door", DOORS)
def test_cve_2024_1681_a_request_forges_no_line_of_the_log(
    door: str, debug: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """flask-cors wrote paths into its log as they came; here each record is one line of printable ASCII."""
    caplog.set_level(logging.DEBUG, logger="r2style_cors")
    path = FORGED.encode().decode("latin-1")
    request = Request("OPTIONS", (("Origin", ATTACKER), ("Access-Control-Request-Method", "GET")), path)
    DOORS[door](Answer(), [rule(FRIEND)], {"debug": debug})(request)
    [record] = caplog.records
    assert re.fullmatch(r"[\x20-\x7e]+", record.getMessage())
    assert "forged" in record.getMessage()


@pytest.mark.parametrize("door", DOORS)
def test_cve_2024_6221_private_networks_are_not_opened(door: str) -> None:
    """flask-cors let public pages into private networks unless told otherwise; here no such header is ever sent."""
    request = Request(
        "OPTIONS",
        (
            ("Origin", FRIEND),
            ("Access-Control-Request-Method", "GET"),
            ("Access-Control-Request-Private-Network", "true"),
        ),
    )
    answer = DOORS[door](Answer(), [rule(FRIEND)], {})(request)
    assert answer.status == 204
    assert not [name for name, _ in answer.headers if "private-network" in name.lower()]


LISTS = {
    "spaces, within the limit": (" " * 8191 + "a", 204),
    "commas, within the limit": ("," * 8191 + "a", 204),
    "spaces, beyond it": (" " * 8192 + "a", 403),
    "spaces inside a name": ("a" + " " * 4000 + "b", 403),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(("names", "status"), LISTS.values(), ids=LISTS)
def test_cve_2026_69207_no_list_of_headers_takes_long(door: str, names: str, status: int) -> None:
    """Hono took quadratic time over white space, rs/cors memory for each comma; here a list has a limit, and is read once."""
    request = Request(
        "OPTIONS",
        (("Origin", FRIEND), ("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Headers", names)),
    )
    answer = DOORS[door](Answer(), [rule(FRIEND)], {})(request)
    assert answer.status == status
    assert answer.lines("access-control-allow-headers") == (["a"] if status == 204 else [])
