"""`probe` against real servers of this machine: right ones, wrong ones, and none at all."""

from __future__ import annotations

import asyncio
import re
import socket
from contextlib import closing, contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest

from r2style_cors import Policy, load_policy, probe
from r2style_cors._browser.safelist import is_safelisted_header, needs_preflight, preflight_reasons, unsafe_header_names
from r2style_cors._browser.url import origin_of
from r2style_cors._desk.suspects import SUSPECTS
from support.renderings import POLICIES
from support.scripted import ACAC, ACAH, ACAM, ACAO, ACEH, SCENARIOS, Scenario, Scripted, servers
from support.served import asgi_server, wsgi_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from r2style_cors import Engine

EDITOR = "https://editor.example.com"
CANNOT_BE_SEEN = {  # found before anything is answered, each by a test of its own below
    "mixed-content", "dns", "connect", "tls", "timeout", "protocol", "same-origin", "not-sent", "policy-differs",
    "policy-refuses",
}  # fmt: skip


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_scenario(scenario: Scenario) -> None:
    """The verdict and the suspects; a blocked page's last step failed, and every step before it passed."""
    with servers(scenario.answers) as site:
        found = probe(
            f"{site.here}/",
            origin=site.page,
            method=scenario.method,
            headers=scenario.headers,
            credentials=scenario.credentials,
            send=True,
        )
    assert (found.verdict, tuple(dict.fromkeys(one.code for one in found.suspects))) == (
        scenario.verdict,
        scenario.codes,
    )
    steps = [step for exchange in found.exchanges for step in exchange.steps]
    assert all(step.passed for step in steps[:-1])
    assert [(got.method, got.path) for got in site.received] == [
        (sent.method, "/" + sent.url.split("/", 3)[3]) for sent in found.exchanges
    ]
    if scenario.verdict == "readable":
        assert steps[-1].passed
    elif "redirect-location" not in scenario.codes:
        assert not steps[-1].passed


def test_every_suspect_is_met() -> None:
    """Every code is shown by a scenario or by a test of its own, and none stands for nothing."""
    met = {code for scenario in SCENARIOS.values() for code in scenario.codes}
    assert met | CANNOT_BE_SEEN == SUSPECTS.keys()
    assert met.isdisjoint(CANNOT_BE_SEEN)


def test_what_is_sent_is_what_a_browser_sends() -> None:
    """The preflight names the method and the unsafe headers, sorted; the request carries them; neither has a body."""
    scenario = SCENARIOS["granted-lists"]
    with servers(scenario.answers) as site:
        probe(f"{site.here}/", origin=site.page, method="put", headers=scenario.headers, send=True)
        preflight, actual = site.received
    assert preflight.method == "OPTIONS"
    assert preflight.headers["origin"] == actual.headers["origin"] == site.page
    assert preflight.headers["access-control-request-method"] == "PUT"
    assert preflight.headers["access-control-request-headers"] == "content-type,x-a"
    assert "content-type" not in preflight.headers
    assert (actual.method, actual.headers["content-type"], actual.headers["x-a"]) == ("PUT", "application/json", "1")
    assert actual.headers.get("content-length", "0") == "0"


@pytest.mark.parametrize("send", [False, True], ids=["by-default", "told-to"])
def test_writing_is_sent_only_when_told_to(*, send: bool) -> None:
    """A PUT stops after its preflight unless `send` is given."""
    with servers(SCENARIOS["granted-preflight"].answers) as site:
        found = probe(f"{site.here}/", origin=site.page, method="PUT", send=send)
    assert [one.method for one in site.received] == (["OPTIONS", "PUT"] if send else ["OPTIONS"])
    assert found.verdict == ("readable" if send else "preflight-passed")
    assert [one.code for one in found.suspects] == ([] if send else ["not-sent"])


def test_writing_without_a_preflight_sends_nothing() -> None:
    """A POST of plain text has no preflight: without `send` there is nothing to send."""
    with servers({}) as site:
        found = probe(f"{site.here}/", origin=site.page, method="POST")
    assert (found.verdict, found.exchanges, site.received) == ("not-sent", (), [])


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_same_origin_is_not_checked(method: str) -> None:
    """A page at the URL's own origin reads without any CORS header; a browser names its origin when it writes."""
    with servers({method: Scripted()}) as site:
        found = probe(f"{site.here}/", origin=site.here, method=method, headers=[("x-a", "1")], send=True)
    assert (found.verdict, [one.code for one in found.suspects]) == ("readable", ["same-origin"])
    assert ("origin" in site.received[0].headers) is (method == "POST")


def test_same_origin_redirect_may_name_a_user() -> None:
    """Within the page's own origin a redirect may carry a user and a password."""
    with servers({"GET": Scripted(302, (("Location", "{here_with_user}/next"),)), "GET /next": Scripted()}) as site:
        found = probe(f"{site.here}/", origin=site.here)
    assert (found.verdict, site.received[1].headers["authorization"][:6]) == ("readable", "Basic ")


def test_redirect_to_a_host_that_has_no_ascii_form() -> None:
    """A host that IDNA refuses ends the fetch as any other Location that is no URL."""
    with servers({"GET": Scripted(302, ((ACAO, "*"), ("Location", "http://-\xe9/")))}) as site:
        found = probe(f"{site.here}/", origin=site.page)
    assert (found.verdict, found.suspects[-1].code) == ("blocked", "redirect-location")


def test_mixed_content_is_not_sent() -> None:
    """A secure page never asks over http, except this machine itself."""
    found = probe("http://nowhere.invalid/", origin="https://www.example.com")
    assert (found.verdict, [one.code for one in found.suspects], found.exchanges) == ("blocked", ["mixed-content"], ())
    with servers(SCENARIOS["granted-star"].answers) as site:
        assert probe(site.here, origin="https://www.example.com").verdict == "readable"


def test_redirect_to_mixed_content() -> None:
    """The same is so on the way: a redirect of a secure page to http is not followed."""
    moved = Scripted(302, ((ACAO, "*"), ("Location", "http://nowhere.invalid/")))
    with servers({"GET": moved}) as site:
        found = probe(site.here, origin="https://www.example.com")
    codes = ["redirect-other-origin", "redirect-null-origin", "mixed-content"]
    assert (found.verdict, [one.code for one in found.suspects]) == ("blocked", codes)


@contextmanager
def raw_server(answer: Callable[[socket.socket, Event], None]) -> Iterator[str]:
    """A server of one connection that does with it what `answer` does."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        over = Event()

        def serve() -> None:
            connection = listening.accept()[0]
            with connection:
                connection.recv(65536)
                answer(connection, over)

        thread = Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            over.set()
            thread.join()


def silent(_: socket.socket, over: Event) -> None:
    """Take the request and say nothing."""
    over.wait()


def trickling(connection: socket.socket, over: Event) -> None:
    """Send header lines for ever, each soon enough for a client that only counts the pauses."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not over.wait(0.02):
        try:
            connection.sendall(b"x: y\r\n")
        except OSError:  # the client has gone
            return


def babbling(connection: socket.socket, _: Event) -> None:
    """Answer in another protocol."""
    connection.sendall(b"220 mail.example.com ESMTP\r\n")


def hanging_up(_: socket.socket, __: Event) -> None:
    """Answer nothing, and close the connection."""


def endless(connection: socket.socket, over: Event) -> None:
    """Send a body that never ends."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 999999999999\r\n\r\n")
    while not over.is_set():
        try:
            connection.sendall(b"x" * 65536)
        except OSError:  # the client has gone
            return


@pytest.mark.parametrize("answer", [silent, trickling], ids=["silent", "trickling"])
def test_time_limit_is_on_the_whole(answer: Callable[[socket.socket, Event], None]) -> None:
    """A server that says nothing, and one that never comes to an end, are left when the time is over."""
    with raw_server(answer) as url:
        found = probe(url, origin=EDITOR, timeout=0.3)
    assert (found.verdict, [one.code for one in found.suspects]) == ("unreachable", ["timeout"])


def test_body_is_left_where_it_is() -> None:
    """The head of a response is enough: a body without end does not matter."""
    with raw_server(endless) as url:
        assert probe(url, origin=EDITOR).verdict == "readable"


@pytest.mark.parametrize("answer", [babbling, hanging_up])
def test_another_protocol(answer: Callable[[socket.socket, Event], None]) -> None:
    """A port that does not speak HTTP is said to be one, in one sentence."""
    with raw_server(answer) as url:
        found = probe(url, origin=EDITOR)
    assert (found.verdict, [one.code for one in found.suspects]) == ("unreachable", ["protocol"])
    assert re.search(r"[^.]\.$", found.suspects[0].message)


def test_nothing_listens() -> None:
    """A port that nobody listens on."""
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        found = probe(f"http://127.0.0.1:{bound.getsockname()[1]}/", origin=EDITOR)
    assert (found.verdict, [one.code for one in found.suspects]) == ("unreachable", ["connect"])


@pytest.mark.parametrize("name", ["nowhere.invalid", "a" * 64], ids=["unknown", "impossible"])
def test_name_that_is_not_known(name: str) -> None:
    """A name that no DNS has, and one that none can have."""
    found = probe(f"http://{name}/", origin="http://www.example.com")
    assert (found.verdict, [one.code for one in found.suspects]) == ("unreachable", ["dns"])


def test_no_secure_connection() -> None:
    """A server that speaks plain HTTP where https is asked for."""
    with raw_server(babbling) as url:
        found = probe(url.replace("http:", "https:"), origin=EDITOR)
    assert (found.verdict, [one.code for one in found.suspects]) == ("unreachable", ["tls"])


def test_environment_proxy_is_not_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a browser, a proxy of the environment does not stand before loopback."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with servers(SCENARIOS["granted-star"].answers) as site:
        assert probe(site.here, origin=EDITOR).verdict == "readable"


MISUSES: dict[str, dict[str, Any]] = {
    "origin-slash": {"origin": f"{EDITOR}/"},
    "origin-case": {"origin": "https://Editor.example.com"},
    "url-relative": {"url": "/notes"},
    "url-scheme": {"url": "ftp://127.0.0.1/"},
    "url-user": {"url": "http://me:secret@127.0.0.1/"},
    "url-port": {"url": "http://127.0.0.1:port/"},
    "method-forbidden": {"method": "trace"},
    "method-token": {"method": "G T"},
    "header-name": {"headers": [("x y", "1")]},
    "header-value": {"headers": [("x-a", "1\r\nx-b: 2")]},
    "header-text": {"headers": [("x-a", "\xe9")]},
}


@pytest.mark.parametrize("asked", MISUSES.values(), ids=MISUSES)
def test_misuse_is_a_value_error(asked: dict[str, Any]) -> None:
    """What no page can ask is refused before anything is sent, without repeating a password."""
    with pytest.raises(ValueError, match=r".") as raised:
        probe(**{"url": "http://127.0.0.1:1/", "origin": EDITOR, **asked})
    assert "secret" not in str(raised.value)


def test_inside_an_event_loop() -> None:
    """A notebook, or any other caller inside an event loop, may probe."""

    async def inside() -> str:
        return probe(site.here, origin=EDITOR).verdict

    with servers(SCENARIOS["granted-star"].answers) as site:
        assert asyncio.run(inside()) == "readable"


# --- with a policy


REQUESTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "granted": ("api.json", {"origin": EDITOR, "method": "PUT", "headers": [("content-type", "a/b")]}, "readable"),
    "refused": ("api.json", {"origin": EDITOR, "method": "PUT", "headers": [("x-trace", "1")]}, "blocked"),
    "actual": ("api.json", {"origin": "https://www.example.com"}, "readable"),
    "actual-refused": ("api.json", {"origin": "https://www.example.net"}, "blocked"),
    "star": ("s3.xml", {"origin": "null"}, "readable"),
    "credentials": ("api.json", {"origin": EDITOR, "method": "PUT", "credentials": True}, "readable"),
}


@pytest.mark.parametrize("server", [asgi_server, wsgi_server], ids=["asgi", "wsgi"])
@pytest.mark.parametrize(("file", "asked", "verdict"), REQUESTS.values(), ids=REQUESTS)
def test_our_doors_do_what_the_policy_says(
    server: Callable[[Engine], Any], file: str, asked: dict[str, Any], verdict: str
) -> None:
    """Every header that the policy gives is seen, granted or refused, through both doors over a socket."""
    policy = load_policy(POLICIES / file)
    with server(policy.compile(credentials=asked.get("credentials"))) as url:
        found = probe(url, policy=policy, send=True, **asked)
    assert found.verdict == verdict
    assert found.compared
    assert [one for one in found.compared if not one.agrees] == []
    assert found.agrees
    assert ("policy-refuses" in [one.code for one in found.suspects]) is (verdict == "blocked")


RULE = {
    "AllowedOrigins": ["{page}"], "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["x-a", "x-b"],
    "ExposeHeaders": ["ETag", "Date"], "MaxAgeSeconds": 60,
}  # fmt: skip
VARY = ("Vary", "origin, Access-Control-Request-Method, Access-Control-Request-Headers")
SAME = ((ACAO, "{page}"), (ACAM, "PUT"), (ACAM, "GET"), (ACAH, "X-B,x-a"), ("Access-Control-Max-Age", "60"), VARY)


def compared(preflight: Scripted, actual: Scripted, **options: Any) -> set[tuple[int, str]]:
    """What differs between the policy and these two answers, as place and name."""
    with servers({"OPTIONS": preflight, "PUT": actual}) as site:
        rule = {**RULE, "AllowedOrigins": [site.page]}
        headers = [("x-a", "1"), ("x-b", "2")]
        policy = Policy.parse([rule])
        found = probe(site.here, origin=site.page, method="PUT", headers=headers, send=True, policy=policy, **options)
    differing = {(one.exchange, one.name) for one in found.compared if not one.agrees}
    assert ("policy-differs" in [one.code for one in found.suspects]) is bool(differing)
    return differing


ACTUAL = ((ACAO, "{page}"), (ACEH, "date"), (ACEH, "etag"), ("Vary", "Accept-Encoding"), ("Vary", "*"))
DIFFERENCES: dict[str, tuple[Scripted, Scripted, set[tuple[int, str]]]] = {
    "none": (Scripted(204, SAME), Scripted(200, ACTUAL), set()),
    "status": (Scripted(200, SAME), Scripted(404, ACTUAL), {(0, "status")}),
    "methods": (Scripted(204, (*SAME, (ACAM, "DELETE"))), Scripted(200, ACTUAL), {(0, ACAM)}),
    "headers": (Scripted(204, (*SAME, (ACAH, "x-c"))), Scripted(200, ACTUAL), {(0, ACAH)}),
    "max-age": (
        Scripted(204, (*SAME, ("Access-Control-Max-Age", "60"))),
        Scripted(200, ACTUAL),
        {(0, "Access-Control-Max-Age")},
    ),
    "expose": (Scripted(204, SAME), Scripted(200, (ACTUAL[0], ACTUAL[1], ACTUAL[3], ACTUAL[4])), {(1, ACEH)}),
    "origin-and-vary": (Scripted(204, SAME), Scripted(200, ((ACAO, "*"), *ACTUAL[1:4])), {(1, ACAO), (1, "Vary")}),
    "credentials-are-the-servers-affair": (
        Scripted(204, (*SAME, (ACAC, "true"))),
        Scripted(200, (*ACTUAL, (ACAC, "true"))),
        set(),
    ),
}


@pytest.mark.parametrize(("preflight", "actual", "expected"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_differences(preflight: Scripted, actual: Scripted, expected: set[tuple[int, str]]) -> None:
    """Header by header: lists compare as sets, names without case, Vary by what it has to name."""
    assert compared(preflight, actual) == expected


def test_credentials_are_compared_when_asked_with() -> None:
    """With credentials the policy is compiled with them, and their header has to be there."""
    assert compared(Scripted(204, SAME), Scripted(200, ACTUAL), credentials=True) == {
        (0, "Access-Control-Allow-Credentials")
    }


def test_only_the_first_server_is_compared() -> None:
    """The policy says nothing of an origin that a redirect leads to."""
    with servers(SCENARIOS["redirect-other"].answers) as site:
        policy = load_policy(POLICIES / "s3.xml")
        found = probe(f"{site.here}/", origin=site.page, policy=policy)
    assert {one.exchange for one in found.compared} == {0}
    assert len(found.exchanges) == 2


def test_constant_answers_have_no_vary_to_compare() -> None:
    """With `star_always` the policy asks for no Vary, and none is missed."""
    engine = load_policy(POLICIES / "s3.xml").compile(star_always=True)
    with asgi_server(engine) as url:
        found = probe(url, origin=url.rpartition("/notes")[0], policy=engine)
    assert found.agrees
    assert [one.name for one in found.compared] == [ACAO]


def test_policy_that_does_not_go_with_credentials() -> None:
    """A policy of `*` is compared as it can be enforced, without credentials, and the browser's verdict counts them."""
    policy = load_policy(POLICIES / "s3.xml")
    with servers(SCENARIOS["granted-star"].answers) as running:
        found = probe(f"{running.here}/", origin=running.page, credentials=True, policy=policy)
    assert (found.verdict, found.suspects[0].code) == ("blocked", "star-with-credentials")
    assert [one for one in found.compared if one.name == ACAC and not one.agrees] == []


# --- what a browser sends without asking

LONG = "x" * 129
SAFELISTED: dict[str, tuple[str, str, bool]] = {
    "accept": ("Accept", "text/html, */*;q=0.8", True),
    "accept-unsafe": ("accept", 'text/"html"', False),
    "accept-control": ("accept", "a\x01", False),
    "accept-tab": ("accept", "a\tb", True),
    "accept-long": ("accept", LONG, False),
    "accept-128": ("accept", LONG[:-1], True),
    "language": ("Accept-Language", "de-CH, en;q=0.5, *", True),
    "language-unsafe": ("content-language", "de_CH", False),
    "form": ("content-type", "application/x-www-form-urlencoded", True),
    "multipart": ("content-type", "Multipart/Form-Data; boundary=a", True),
    "text": ("content-type", " text/plain;charset=utf-8", True),
    "json": ("content-type", "application/json", False),
    "type-quoted": ("content-type", 'text/plain; charset="utf-8"', False),
    "type-missing": ("content-type", "", False),
    "range": ("range", "bytes=0-", True),
    "range-both": ("range", "bytes=5-10", True),
    "range-backwards": ("range", "bytes=10-5", False),
    "range-last": ("range", "bytes=-5", False),
    "range-several": ("range", "bytes=0-1,3-4", False),
    "range-unit": ("range", "items=0-1", False),
    "range-none": ("range", "bytes=5", False),
    "other": ("x-a", "", False),
}


@pytest.mark.parametrize(("name", "value", "safelisted"), SAFELISTED.values(), ids=SAFELISTED)
def test_safelisted_request_headers(name: str, value: str, *, safelisted: bool) -> None:
    """Fetch, section 2.2.2, value by value."""
    assert is_safelisted_header(name, value) is safelisted
    assert preflight_reasons("GET", [(name, value)]) == (
        ()
        if safelisted
        else (f"the header {name.lower()} is not CORS-safelisted{'' if name == 'x-a' else ' with this value'}",)
    )


def test_safelisted_values_together() -> None:
    """More than 1024 bytes of safelisted values make all of them unsafe."""
    headers = [("Accept", LONG[:-1])] * 8
    assert unsafe_header_names(headers) == ()
    assert unsafe_header_names([*headers, ("accept-language", "d")]) == ("accept", "accept-language")


@pytest.mark.parametrize(
    ("method", "headers", "first"),
    [
        ("GET", {}, False),
        ("POST", {"Content-Type": "text/plain"}, False),
        ("POST", {"Content-Type": "application/json"}, True),
        ("POST", {"Content-Type": ""}, True),
        ("POST", {"Content-Type": None}, None),
        ("POST", {"Content-Type": None, "Accept": "*/*"}, None),
        ("GET", {"Range": None, "X-A": None}, True),
        ("GET", {"Range": None, "Accept": "("}, True),
        ("PUT", {}, True),
        ("PUT", {"Content-Type": None}, True),
        ("get", {}, True),
    ],
)
def test_needs_preflight(method: str, headers: dict[str, str | None], *, first: bool | None) -> None:
    """Method and headers decide; where a value is not known that would decide, so is the answer."""
    assert needs_preflight(method, iter(headers.items())) is first


ORIGINS = {
    "http://127.0.0.1:80/a?b": "http://127.0.0.1",
    "https://www.Example.com:443": "https://www.example.com",
    "https://[::1]:8443/": "https://[::1]:8443",
    "http://localhost:443/": "http://localhost:443",
}


@pytest.mark.parametrize(("url", "origin"), ORIGINS.items(), ids=ORIGINS)
def test_origin_of_a_url(url: str, origin: str) -> None:
    """Scheme, host in lower case, and the port unless it is the scheme's own."""
    assert origin_of(url) == origin
