"""The browser's side, algorithm by algorithm of the Fetch standard. What is said of Chromium was seen in Chromium 156."""

from __future__ import annotations

import dataclasses
import doctest
import json
import logging
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import r2style_cors.browser
from r2style_cors import Policy
from r2style_cors._browser.safelist import is_forbidden_header
from r2style_cors._browser.url import normal_url
from r2style_cors.asgi import CORSMiddleware
from r2style_cors.browser import (
    BROWSERS,
    CHROMIUM,
    FIREFOX,
    STANDARD,
    WEBKIT,
    Fetch,
    PreflightCache,
    Response,
    Simulation,
    Site,
    Step,
    simulate,
)
from support.scripted import ACAC, ACAH, ACAM, ACAO, ACEH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from r2style_cors.browser import Browser

ACMA = "Access-Control-Max-Age"
PAGE, HERE, OTHER = "https://app.example", "https://files.example", "https://cdn.example"
STAR, GRANT = ((ACAO, "*"),), ((ACAO, PAGE),)
OPEN = Response(204, ((ACAO, "*"), (ACAM, "*"), (ACAH, "*, authorization")))
TO_ALL = Site(answers={"OPTIONS": OPEN}, default=Response(200, STAR))
RULE = {
    "AllowedOrigins": [PAGE],
    "AllowedMethods": ["GET", "PUT"],
    "AllowedHeaders": ["x-a"],
    "ExposeHeaders": ["ETag"],
}
POLICY = Policy.parse([RULE])


def ask(url: str = f"{HERE}/a", method: str = "GET", headers: tuple[tuple[str, str], ...] = (), **more: Any) -> Fetch:
    """A `fetch()` of the page."""
    return Fetch(more.pop("page", PAGE), url, method, headers, **more)


def wire(found: Simulation) -> list[str]:
    """The requests on the wire, each as its method and URL."""
    return [f"{each.method} {each.url}" for each in found.exchanges]


def sent(found: Simulation, index: int = -1) -> dict[str, str]:
    """The headers of one request on the wire, which has none twice."""
    lines = found.exchanges[index].request_headers
    assert len(dict(lines)) == len(lines)
    return dict(lines)


def asked_for(found: Simulation) -> str | None:
    """Access-Control-Request-Headers of the preflight; None where there is no preflight."""
    return sent(found, 0).get("Access-Control-Request-Headers", "") if found.preflights else None


def failure(found: Simulation) -> Step:
    """The step that failed."""
    assert found.blocked_by is not None
    return found.blocked_by


METHODS = {
    "get": ("GET", False), "Head": ("HEAD", False), "post": ("POST", False), "pUt": ("PUT", True),
    "delete": ("DELETE", True), "options": ("OPTIONS", True), "patch": ("patch", True), "PATCH": ("PATCH", True),
    "Chicken": ("Chicken", True),
}  # fmt: skip


@pytest.mark.parametrize(("written", "method", "preflight"), [(w, *m) for w, m in METHODS.items()], ids=METHODS)
def test_methods(written: str, method: str, *, preflight: bool) -> None:
    """2.2.1: six methods are put in upper case, and three need no preflight."""
    site = Site(answers={"OPTIONS": Response(204, ((ACAO, "*"), (ACAM, method)))}, default=Response(200, STAR))
    found = simulate(site, ask(method=written))
    assert found.exchanges[-1].method == method
    assert len(found.preflights) == preflight
    assert found.type == "cors"


LINES: dict[str, tuple[tuple[tuple[str, str], ...], str | None]] = {
    "none": ((), None),
    "sorted, in lower case, once each": (
        (("X-B", "1"), ("x-a", "1"), ("X-a2", "2"), ("Authorization", "t"), ("X-A", "3")),
        "authorization,x-a,x-a2,x-b",
    ),
    "safelisted": ((("Accept", "text/html"), ("Content-Language", "de")), None),
    "128 bytes": ((("Accept", "a" * 128),), None),
    "129 bytes": ((("Accept", "a" * 129),), "accept"),
    "1024 bytes in all": ((("Accept", "a" * 128),) * 8, None),
    "1025 bytes in all": ((*((("Accept", "a" * 128),) * 8), ("Content-Language", "d")), "accept,content-language"),
    "beyond ASCII": ((("Accept", "a\xe9"),), None),
    "a quotation mark": ((("Accept", 'a;b="c"'),), "accept"),
    "a language": ((("Accept-Language", "a_b"),), "accept-language"),
    "white space is taken off": ((("Content-Type", " text/plain\t"),), None),
    "a parameter": ((("Content-Type", "TEXT/plain ; charset=utf-8"),), None),
    "two types": ((("Content-Type", "text/plain, application/json"),), "content-type"),
    "no type": ((("Content-Type", ""),), "content-type"),
    "a range": ((("Range", "bytes=0-"),), None),
    "a range to": ((("Range", "bytes=00-10"),), None),
    "the last bytes": ((("Range", "bytes=-10"),), "range"),
    "a backward range": ((("Range", "bytes=5-1"),), "range"),
    "a range with a space": ((("Range", "bytes= 0-"),), "range"),
    "two ranges": ((("Range", "bytes=0-1,3-4"),), "range"),
    "a unit in upper case": ((("Range", "BYTES=0-"),), "range"),
    "a method that is overridden": ((("X-HTTP-Method", "PUT"),), "x-http-method"),
    "forbidden headers": ((("Cookie", "1"), ("Sec-X", "1"), ("Proxy-A", "1"), ("DNT", "1"), ("Set-Cookie", "1")), None),
    "a forbidden method that is overridden": ((("X-HTTP-Method-Override", "GET, trace"),), None),
}


@pytest.mark.parametrize(("headers", "names"), LINES.values(), ids=LINES)
def test_unsafe_names(headers: tuple[tuple[str, str], ...], names: str | None) -> None:
    """2.2.2 and 4.8: which headers make a preflight, and how it names them: sorted, in lower case, without a space."""
    assert asked_for(simulate(TO_ALL, ask(method="POST", headers=headers))) == names


def test_forbidden_headers_are_left_out() -> None:
    """5.1: a forbidden header is kept out without a word; the order and the spelling of the rest stay."""
    headers = (("X-B", " 1 "), ("Cookie", "1"), ("X-Method-Override", "TRACK"), ("x-a", "2"))
    found = simulate(TO_ALL, ask(headers=headers))
    assert found.exchanges[-1].request_headers == (("Origin", PAGE), ("X-B", "1"), ("x-a", "2"))
    assert not is_forbidden_header("X-Method-Override", "TRACKER")


BODIES: dict[str, tuple[str, str, str | None]] = {
    "text": ("text", "text/plain;charset=UTF-8", None),
    "search-params": ("search-params", "application/x-www-form-urlencoded;charset=UTF-8", None),
    "form-data": ("form-data", "multipart/form-data; boundary=----boundary", None),
    "bytes": ("bytes", "", None),
    "blob": ("blob", "", None),
    "blob-json": ("blob Application/JSON", "application/json", "content-type"),
    "blob-text": ("blob Text/Plain", "text/plain", None),
    "blob-not-ascii": ("blob t\xe9/x", "", None),
    "stream": ("stream", "", ""),
}


@pytest.mark.parametrize(("body", "content_type", "names"), BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("by", ["fetch", "xhr"])
def test_bodies(by: Any, body: str, content_type: str, names: str | None) -> None:
    """5.2: the Content-Type that a body brings, and whether it makes a preflight; a stream always does."""
    kind, _, blob_type = body.partition(" ")
    found = simulate(TO_ALL, ask(method="POST", body=kind, blob_type=blob_type, initiator=by))
    assert sent(found).get("Content-Type", "") == content_type
    assert asked_for(found) == names


def test_a_script_s_type_is_kept() -> None:
    """5.4: a body brings no type where the script set one."""
    found = simulate(TO_ALL, ask(method="POST", headers=(("content-type", "text/css"),), body="text"))
    assert sent(found) == {"Origin": PAGE, "content-type": "text/css"}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "url-user": ({"url": "https://user:password@files.example/"}, "includes credentials: https://user:password@files"),
    "method-token": ({"method": "a b"}, "'a b' is not a valid HTTP method."),
    "method-forbidden": ({"method": "TRACE"}, "'TRACE' HTTP method is unsupported."),
    "method-no-cors": ({"method": "put", "mode": "no-cors"}, "'PUT' is unsupported in no-cors mode."),
    "header-name": ({"headers": (("a b", "1"),)}, "Failed to execute 'append' on 'Headers': Invalid name"),
    "header-value": ({"headers": (("a", "1\n2"),)}, "Failed to execute 'append' on 'Headers': Invalid value"),
    "body-method": ({"body": "text"}, "Request with GET/HEAD method cannot have body."),
    "body-stream": ({"method": "POST", "body": "stream", "mode": "no-cors"}, 'should be"same-origin" or "cors"'),
}


@pytest.mark.parametrize(("check", "asked", "said"), [(c, *r) for c, r in REFUSED.items()], ids=REFUSED)
def test_the_script_throws(check: str, asked: dict[str, Any], said: str) -> None:
    """5.4: before anything is sent; with the words of Chromium."""
    found = simulate(TO_ALL, ask(**asked))
    assert (found.outcome, found.type, found.exchanges, failure(found).section) == ("blocked", "error", (), "5.4")
    assert failure(found).check == check
    assert said in (found.message or "")


def test_a_value_of_other_characters() -> None:
    """5.1: a value is a string of bytes; the euro sign is none."""
    found = simulate(TO_ALL, ask(headers=(("a", "\u20ac"),)))
    assert failure(found).check == "header-value"


def test_xhr() -> None:
    """XMLHttpRequest: lines of one name are joined, a body is dropped where the method has none, credentials follow."""
    found = simulate(TO_ALL, Fetch.xhr(PAGE, HERE, headers=(("X-a", "1"), ("b", "3"), ("x-A", "2")), body="text"))
    assert found.exchanges[-1].request_headers == (("Origin", PAGE), ("X-a", "1, 2"), ("b", "3"))
    credentialed = simulate(TO_ALL, Fetch.xhr(PAGE, HERE, with_credentials=True))
    assert credentialed.outcome == "blocked"
    assert credentialed.message == (
        f"Access to XMLHttpRequest at '{HERE}/' from origin '{PAGE}' has been blocked by CORS policy: The value of the "
        "'Access-Control-Allow-Origin' header in the response must not be the wildcard '*' when the request's credentials "
        "mode is 'include'. The credentials mode of requests initiated by the XMLHttpRequest is controlled by the "
        "withCredentials attribute."
    )


UPLOADS = {
    "with a body": (Fetch.xhr(PAGE, HERE, "POST", body="text", upload_listener=True), 1, 1),
    "without a body": (Fetch.xhr(PAGE, HERE, "POST", upload_listener=True), 1, 0),
    "unheard": (Fetch.xhr(PAGE, HERE, "POST", body="text"), 0, 0),
    "by fetch": (ask(method="POST", body="text", upload_listener=True), 0, 0),
}


@pytest.mark.parametrize(("fetch", "standard", "chromium"), UPLOADS.values(), ids=UPLOADS)
def test_upload_listeners(fetch: Fetch, standard: int, chromium: int) -> None:
    """2.2.5: whoever listens to an upload has a preflight made; in Chromium only if there is a body."""
    assert len(simulate(TO_ALL, fetch).preflights) == standard
    assert len(simulate(TO_ALL, fetch, browser=CHROMIUM).preflights) == chromium


@pytest.mark.parametrize(
    ("browser", "outcome"), [(STANDARD, "readable"), (CHROMIUM, "blocked")], ids=["standard", "chromium"]
)
def test_a_forced_preflight_without_a_list(browser: Browser, outcome: str) -> None:
    """4.8, step 7.4: it grants its own method where there is no list; not in Chromium."""
    site = Site(answers={"OPTIONS": Response(204, STAR)}, default=Response(200, STAR))
    fetch = Fetch.xhr(PAGE, HERE, "PUT", body="text", upload_listener=True)
    assert simulate(site, fetch, browser=browser).outcome == outcome
    assert simulate(site, ask(method="PUT"), browser=browser).outcome == "blocked"


ELEMENTS: dict[str, tuple[Fetch, str, dict[str, str]]] = {
    "img": (Fetch.element(PAGE, HERE), "opaque", {}),
    "img anonymous": (Fetch.element(PAGE, HERE, "image", "anonymous"), "readable", {"Origin": PAGE}),
    "img use-credentials": (Fetch.element(PAGE, HERE, "image", "use-credentials"), "blocked", {"Origin": PAGE}),
    "img at home": (Fetch.element(PAGE, "/a.png"), "readable", {}),
    "script": (Fetch.element(PAGE, HERE, "script"), "opaque", {}),
    "module": (Fetch.module(PAGE, HERE), "readable", {"Origin": PAGE}),
    "module use-credentials": (Fetch.module(PAGE, HERE, "use-credentials"), "blocked", {"Origin": PAGE}),
    "style sheet": (Fetch.element(PAGE, HERE, "stylesheet"), "opaque", {}),
    "font": (Fetch.font(PAGE, HERE), "readable", {"Origin": PAGE}),
    "video": (Fetch.element(PAGE, HERE, "video"), "opaque", {"Range": "bytes=0-"}),
    "video anonymous": (
        Fetch.element(PAGE, HERE, "video", "anonymous", first=500),
        "readable",
        {"Origin": PAGE, "Range": "bytes=500-"},
    ),
    "img with a user": (Fetch.element(PAGE, "https://u:p@files.example/"), "opaque", {}),
    "audio": (Fetch.element(PAGE, HERE, "audio"), "opaque", {"Range": "bytes=0-"}),
}


@pytest.mark.parametrize(("fetch", "outcome", "headers"), ELEMENTS.values(), ids=ELEMENTS)
def test_elements(fetch: Fetch, outcome: str, headers: dict[str, str]) -> None:
    """HTML 2.5.4: without `crossorigin` the mode is no-cors, but for modules and fonts; none of them has a preflight."""
    found = simulate(TO_ALL, fetch)
    assert (found.outcome, wire(found)) == (outcome, [f"GET {fetch.url}"])
    assert sent(found) == headers


class Grant(NamedTuple):
    """An answer to the preflight of a request, and the check that fails; None where none does."""

    fetch: Fetch
    headers: tuple[tuple[str, str], ...]
    failed: str | None
    status: int = 204


PUT = ask(method="PUT")
INCLUDE: dict[str, Any] = {"credentials": "include"}
NAMED = ((ACAO, PAGE), (ACAC, "true"))
PREFLIGHTS: dict[str, Grant] = {
    "granted": Grant(PUT, (*GRANT, (ACAM, "GET, PUT")), None),
    "299": Grant(PUT, (*GRANT, (ACAM, "PUT")), None, 299),
    "304": Grant(PUT, (*GRANT, (ACAM, "PUT")), "status", 304),
    "403": Grant(PUT, (*GRANT, (ACAM, "PUT")), "status", 403),
    "403 without headers": Grant(PUT, (), "allow-origin", 403),
    "redirect": Grant(PUT, (*STAR, ("Location", "/")), "status", 307),
    "no method": Grant(PUT, GRANT, "allow-methods"),
    "another method": Grant(PUT, (*GRANT, (ACAM, "GET, put")), "allow-methods"),
    "any method": Grant(PUT, (*GRANT, (ACAM, "*")), None),
    "any method, with credentials": Grant(ask(method="PUT", **INCLUDE), (*NAMED, (ACAM, "*")), "allow-methods"),
    "no list of methods": Grant(PUT, (*GRANT, (ACAM, '"PUT"')), "list-syntax"),
    "two lines": Grant(PUT, (*GRANT, (ACAM, " GET\t,,"), (ACAM, "\tPUT")), None),
    "patch": Grant(ask(method="patch"), (*GRANT, (ACAM, "PATCH")), "allow-methods"),
    "a safelisted method": Grant(
        ask(method="POST", headers=(("x-a", "1"),)), (*GRANT, (ACAH, "X-A"), (ACAM, "GET")), None
    ),
    "no header": Grant(ask(headers=(("x-a", "1"),)), (*GRANT, (ACAH, "")), "allow-headers"),
    "no list of headers": Grant(ask(headers=(("x-a", "1"),)), (*GRANT, (ACAH, "x-a x-b")), "list-syntax"),
    "any header": Grant(ask(headers=(("x-a", "1"),)), (*GRANT, (ACAH, "*")), None),
    "any header, with credentials": Grant(
        ask(headers=(("x-a", "1"),), **INCLUDE), (*NAMED, (ACAH, "*")), "allow-headers"
    ),
    "Authorization by name": Grant(ask(headers=(("Authorization", "t"),)), (*GRANT, (ACAH, "AUTHORIZATION")), None),
    "Authorization by *": Grant(ask(headers=(("Authorization", "t"),)), (*GRANT, (ACAH, "*")), "authorization"),
    "Authorization comes first": Grant(
        ask(headers=(("Accept", "("), ("Authorization", "t"))), (*GRANT, (ACAH, "x")), "authorization"
    ),
    "no credentials": Grant(ask(method="PUT", **INCLUDE), (*GRANT, (ACAM, "PUT")), "allow-credentials"),
}


@pytest.mark.parametrize("case", PREFLIGHTS.values(), ids=PREFLIGHTS)
def test_preflight(case: Grant) -> None:
    """4.8: what a preflight's answer has to say; only if it does, the request itself is sent."""
    site = Site(answers={"OPTIONS": Response(case.status, case.headers)}, default=Response(200, NAMED))
    found = simulate(site, case.fetch)
    assert (found.blocked_by and found.blocked_by.check) == case.failed
    assert [each.kind for each in found.exchanges] == ["preflight"] + ["actual"] * (case.failed is None)
    assert found.exchanges[0].passed is (case.failed is None)
    assert sent(found, 0)["Access-Control-Request-Method"] == case.fetch.method


def test_preflight_carries_nothing_else() -> None:
    """4.8: the preflight has none of the request's own headers, and no body; the request has both."""
    bodies: list[tuple[str, bytes]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        bodies.append((scope["method"], (await receive())["body"]))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    async def with_cors(scope: Any, receive: Any, send: Any) -> None:
        async def answer(message: Any) -> None:
            headers = [(b"access-control-allow-origin", b"*"), (b"access-control-allow-headers", b"content-type")]
            await send({**message, "headers": headers})

        await app(scope, receive, answer)

    found = simulate(with_cors, ask(method="POST", body="blob", blob_type="a/b", content=b"abc"))
    assert bodies == [("OPTIONS", b""), ("POST", b"abc")]
    assert sent(found, 0) == {
        "Origin": PAGE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    assert sent(found) == {"Origin": PAGE, "Content-Type": "a/b"}


class Check(NamedTuple):
    """A response to a request, the check that fails, and words of Chromium's console."""

    headers: tuple[tuple[str, str], ...]
    failed: str | None
    said: str = ""
    credentials: Any = "same-origin"
    page: str = PAGE


CHECKS: dict[str, Check] = {
    "named": Check(GRANT, None),
    "star": Check(STAR, None),
    "spaces around": Check(((ACAO, f" {PAGE}\t"),), None),
    "missing": Check(
        (), "allow-origin", "No 'Access-Control-Allow-Origin' header is present on the requested resource."
    ),
    "empty": Check(((ACAO, ""),), "allow-origin", "contains the invalid value ''."),
    "no origin": Check(((ACAO, "foo"),), "allow-origin", "contains the invalid value 'foo'."),
    "another": Check(
        ((ACAO, "https://a.b"),), "allow-origin", "'https://a.b' that is not equal to the supplied origin"
    ),
    "a slash": Check(((ACAO, f"{PAGE}/"),), "allow-origin", "that is not equal to the supplied origin"),
    "upper case": Check(((ACAO, PAGE.upper()),), "allow-origin", "that is not equal to the supplied origin"),
    "null": Check(((ACAO, "null"),), "allow-origin", "has a value 'null' that is not equal to the supplied origin"),
    "two lines": Check(((ACAO, "*"), (ACAO, "*")), "allow-origin", "contains multiple values '*, *', but only one"),
    "two values": Check(((ACAO, f"{PAGE}, {PAGE}"),), "allow-origin", f"multiple values '{PAGE}, {PAGE}'"),
    "omit": Check(STAR, None, credentials="omit"),
    "star, include": Check(
        (*STAR, (ACAC, "true")), "allow-origin", "must not be the wildcard '*' when", credentials="include"
    ),
    "named, include": Check(GRANT, "allow-credentials", "is '' which must be 'true'", credentials="include"),
    "True, include": Check(
        (*GRANT, (ACAC, "True")), "allow-credentials", "is 'True' which must be 'true'", credentials="include"
    ),
    "twice, include": Check(
        (*GRANT, (ACAC, "true"), (ACAC, "true")), "allow-credentials", "is 'true, true' which", credentials="include"
    ),
    "true, include": Check((*GRANT, (ACAC, "true")), None, credentials="include"),
    "an opaque origin": Check(((ACAO, "null"),), None, page="null"),
    "an opaque origin, star": Check(STAR, None, page="null"),
    "an opaque origin, include": Check(((ACAO, "null"), (ACAC, "true")), None, credentials="include", page="null"),
    "an opaque origin, missing": Check((), "allow-origin", "from origin 'null' has been blocked", page="null"),
}


@pytest.mark.parametrize("case", CHECKS.values(), ids=CHECKS)
def test_cors_check(case: Check) -> None:
    """4.10: Access-Control-Allow-Origin and -Credentials against the origin and the credentials mode."""
    found = simulate(Site(default=Response(200, case.headers)), ask(credentials=case.credentials, page=case.page))
    assert (found.blocked_by and found.blocked_by.check) == case.failed
    assert case.said in (found.message or "")
    assert sent(found) == {"Origin": case.page}
    if case.failed:
        assert (found.type, found.status, found.headers) == ("error", 0, ())
        assert found.blocked_by in found.exchanges[-1].steps
        assert failure(found).section == "4.10"


def test_an_opaque_page_is_nowhere_at_home() -> None:
    """4.1: an opaque origin is the same origin as no URL, not even as the one that it was loaded from."""
    found = simulate(TO_ALL, ask(page="null", url=PAGE))
    assert (found.type, sent(found)) == ("cors", {"Origin": "null"})


SAME_ORIGIN = {"GET": {}, "HEAD": {}, "POST": {"Origin": PAGE}, "PUT": {"Origin": PAGE}, "OPTIONS": {"Origin": PAGE}}


@pytest.mark.parametrize(("method", "headers"), SAME_ORIGIN.items(), ids=SAME_ORIGIN)
@pytest.mark.parametrize("mode", ["cors", "no-cors", "same-origin"])
def test_same_origin(mode: Any, method: str, headers: dict[str, str]) -> None:
    """4.1 and 3.2: nothing is asked first or checked; Origin goes with what is neither GET nor HEAD."""
    found = simulate(Site(default=Response(418, (("X-A", "1"), ("Set-Cookie", "a=b")))), ask("/a", method, mode=mode))
    if mode == "no-cors" and method in ("PUT", "OPTIONS"):
        assert found.outcome == "blocked"
        return
    assert (found.outcome, found.type, found.status, found.headers) == ("readable", "basic", 418, (("x-a", "1"),))
    assert (wire(found), sent(found)) == ([f"{method} {PAGE}/a"], headers)


SENT = (
    ("X-A", "1"), ("ETag", "e"), ("Set-Cookie", "a=b"), ("Date", "d"), ("Content-Type", "text/plain"), ("x-a", "2"),
    ("Pragma", "p"), ("Set-Cookie2", "c"), ("Last-Modified", "l"),
)  # fmt: skip
ALWAYS = {"content-type": "text/plain", "last-modified": "l", "pragma": "p"}
EVERY = {**ALWAYS, "access-control-allow-origin": "*", "date": "d", "etag": "e", "x-a": "1, 2"}
EXPOSED: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "nothing": ((), ALWAYS),
    "names": (("x-a", "ETAG,,"), {**ALWAYS, "etag": "e", "x-a": "1, 2"}),
    "star": (("*",), {**EVERY, "access-control-expose-headers": "*"}),
    "star and a name": (("*, x-b",), {**EVERY, "access-control-expose-headers": "*, x-b"}),
    "a forbidden name": (("Set-Cookie, x-a",), {**ALWAYS, "x-a": "1, 2"}),
    "no list": (("x-a, b c",), ALWAYS),
    "star in no list": (("*, b c",), ALWAYS),
}


@pytest.mark.parametrize(("lines", "visible"), EXPOSED.values(), ids=EXPOSED)
def test_exposed_headers(lines: tuple[str, ...], visible: dict[str, str]) -> None:
    """2.2.6 and 4.1: a page of another origin reads the safelisted response headers and the exposed ones."""
    exposed = tuple((ACEH, line) for line in lines)
    found = simulate(Site(default=Response(201, (*STAR, *exposed, *SENT))), ask())
    assert (found.outcome, found.type, found.status) == ("readable", "cors", 201)
    assert found.headers == tuple(sorted(visible.items()))


def test_exposed_star_with_credentials() -> None:
    """4.1: with credentials `*` is the name of a header."""
    site = Site(default=Response(200, (*NAMED, (ACEH, "*"), ("*", "star"), *SENT)))
    assert dict(simulate(site, ask(**INCLUDE)).headers) == {"*": "star", **ALWAYS}


def test_no_cors() -> None:
    """4.1 and 2.2.6: in the mode no-cors nothing is checked, and nothing is seen."""
    found = simulate(Site(default=Response(500, SENT)), ask(mode="no-cors"))
    assert (found.outcome, found.type, found.status, found.headers) == ("opaque", "opaque", 0, ())
    assert found.exchanges[0].request_headers == ()
    assert [step.check for step in found.exchanges[0].steps] == ["opaque"]


GUARDED: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "names": (
        {"headers": (("x-a", "1"), ("Accept", "b"), ("Range", "bytes=0-1"), ("Content-Type", "application/json"))},
        {"Accept": "b"},
    ),
    "a value that grows too long": ({"headers": (("Accept", "a" * 100), ("accept", "b" * 27))}, {"Accept": "a" * 100}),
    "the type of a body": ({"method": "POST", "body": "blob", "blob_type": "application/json"}, {"Origin": PAGE}),
    "the type of a text": (
        {"method": "POST", "body": "text", "headers": (("Content-Type", "a/b"),)},
        {"Origin": PAGE, "Content-Type": "text/plain;charset=UTF-8"},
    ),
}


@pytest.mark.parametrize(("asked", "headers"), GUARDED.values(), ids=GUARDED)
def test_no_cors_guard(asked: dict[str, Any], headers: dict[str, str]) -> None:
    """5.1: the mode no-cors keeps every header out that is not safelisted; 3.2: a POST has an Origin all the same."""
    assert sent(simulate(TO_ALL, ask(mode="no-cors", **asked))) == headers


MODES: dict[str, tuple[dict[str, Any], str, str]] = {
    "same-origin": (
        {"mode": "same-origin"},
        "same-origin-mode",
        f'cannot load {HERE}/a. Request mode is "same-origin" but the URL\'s origin is not same as the request origin {PAGE}.',
    ),
    "no-cors, manual": (
        {"mode": "no-cors", "redirect": "manual"},
        "no-cors-redirect",
        f'Fetch API cannot load {HERE}/a. Request mode is "no-cors" but the redirect mode is not "follow".',
    ),
    "no-cors, error": ({"mode": "no-cors", "redirect": "error"}, "no-cors-redirect", "the redirect mode is not"),
}


@pytest.mark.parametrize(("asked", "check", "said"), MODES.values(), ids=MODES)
def test_modes_that_forbid(asked: dict[str, Any], check: str, said: str) -> None:
    """4.1: what the mode forbids is not even sent."""
    found = simulate(TO_ALL, ask(**asked))
    assert (failure(found).section, failure(found).check, found.exchanges) == ("4.1", check, ())
    assert said in (found.message or "")


def moved(
    status: int, location: str, last: Response | None = None, headers: tuple[tuple[str, str], ...] = STAR
) -> Site:
    """A site whose `/a` redirects."""
    answers = {"OPTIONS": OPEN, "/a": Response(status, (*headers, ("Location", location)))}
    return Site(answers=answers, default=last or Response(200, STAR))


REDIRECTED: dict[str, tuple[int, str, str, list[str]]] = {
    "302 GET": (302, "GET", "/b", ["GET /a", "GET /b"]),
    "301 POST": (301, "POST", "/b", ["POST /a", "GET /b"]),
    "302 POST": (302, "POST", "/b", ["POST /a", "GET /b"]),
    "303 POST": (303, "POST", "/b", ["POST /a", "GET /b"]),
    "307 POST": (307, "POST", "/b", ["POST /a", "POST /b"]),
    "308 POST": (308, "POST", "/b", ["POST /a", "POST /b"]),
    "302 PUT": (302, "PUT", "/b", ["OPTIONS /a", "PUT /a", "OPTIONS /b", "PUT /b"]),
    "303 PUT": (303, "PUT", "/b", ["OPTIONS /a", "PUT /a", "GET /b"]),
    "303 HEAD": (303, "HEAD", "/b", ["HEAD /a", "HEAD /b"]),
    "300 GET": (300, "GET", "/b", ["GET /a"]),
    "a fragment": (302, "GET", "/b#c", ["GET /a", "GET /b"]),
}


@pytest.mark.parametrize(("status", "method", "location", "sends"), REDIRECTED.values(), ids=REDIRECTED)
def test_redirect_methods(status: int, method: str, location: str, sends: list[str]) -> None:
    """4.5: which redirects make a GET of a request, and that a preflight is made again."""
    found = simulate(moved(status, location), ask(method=method, body=None if method in ("GET", "HEAD") else "text"))
    assert [one.replace(HERE, "") for one in wire(found)] == sends
    assert ("Content-Type" in sent(found)) is (found.exchanges[-1].method in ("POST", "PUT"))
    assert found.url == HERE + sends[-1].split(" ")[1]


ORIGINS: dict[str, tuple[list[str], list[str | None]]] = {
    "within another origin": ([HERE, HERE, HERE], [PAGE, PAGE, PAGE]),
    "to a third": ([HERE, OTHER], [PAGE, "null"]),
    "home": ([HERE, PAGE], [PAGE, "null"]),
    "from home": ([PAGE, HERE], [None, PAGE]),
    "from home and on": ([PAGE, HERE, OTHER], [None, PAGE, "null"]),
    "from home and back": ([PAGE, HERE, PAGE], [None, PAGE, "null"]),
    "null stays": ([HERE, OTHER, OTHER], [PAGE, "null", "null"]),
}


def along(*origins: str) -> Mapping[str, Site]:
    """Sites of which each redirects to the next, at `/0`, `/1`, and so on."""
    answers: dict[str, dict[str, Response]] = {origin: {"OPTIONS": OPEN} for origin in origins}
    for index, (here, there) in enumerate(pairwise(origins)):
        answers[here][f"/{index}"] = Response(302, (*STAR, ("Location", f"{there}/{index + 1}")))
    return {origin: Site(answers=each, default=Response(200, STAR)) for origin, each in answers.items()}


@pytest.mark.parametrize(("way", "named"), ORIGINS.values(), ids=ORIGINS)
def test_redirect_origins(way: list[str], named: list[str | None]) -> None:
    """2.2.5: once another origin sends the request on to a third, its origin is null, and stays it."""
    found = simulate(along(*way), ask(f"{way[0]}/0"))
    assert wire(found) == [f"GET {origin}/{index}" for index, origin in enumerate(way)]
    assert [dict(each.request_headers).get("Origin") for each in found.exchanges] == named
    assert (found.outcome, found.type) == ("readable", "cors")


def test_a_third_origin_has_to_allow_null() -> None:
    """4.10: the page's own origin is no longer enough; the console names where the redirect began."""
    sites = along(HERE, OTHER)
    sites = {**sites, OTHER: Site(default=Response(200, GRANT))}
    found = simulate(sites, ask(f"{HERE}/0"))
    assert (found.outcome, found.url) == ("blocked", f"{OTHER}/1")
    start = f"Access to fetch at '{OTHER}/1' (redirected from '{HERE}/0') from origin '{PAGE}' has been blocked"
    assert (found.message or "").startswith(start)
    assert dict(found.console)["webkit"].startswith("Origin null is not allowed")


def test_authorization_stays_behind() -> None:
    """4.5: it is not taken to another origin; within one it is."""
    headers = (("Authorization", "t"), ("x-a", "1"))
    across = simulate(along(HERE, OTHER), ask(f"{HERE}/0", headers=headers))
    assert [dict(each.request_headers).get("Access-Control-Request-Headers") for each in across.preflights] == [
        "authorization,x-a",
        "x-a",
    ]
    assert "Authorization" not in sent(across)
    assert sent(simulate(along(HERE, HERE), ask(f"{HERE}/0", headers=headers)))["Authorization"] == "t"


ENDS: dict[str, tuple[dict[str, Any], Site, str, str | None]] = {
    "mode error": ({"redirect": "error"}, moved(302, "/b"), "redirect-mode", "net::ERR_FAILED"),
    "mode error at home": ({"url": "/a", "redirect": "error"}, moved(302, "/b"), "redirect-mode", "net::ERR_FAILED"),
    "endless": ({}, moved(302, "/a"), "redirect-count", "net::ERR_TOO_MANY_REDIRECTS"),
    "another scheme": ({}, moved(302, "data:text/plain,a"), "redirect-location", "net::ERR_UNSAFE_REDIRECT"),
    "no URL": ({}, moved(302, "http://a b/"), "redirect-location", None),
    "no URL, relative": ({}, moved(302, "//[/"), "redirect-location", None),
    "two Locations": ({}, moved(302, "/b", headers=(*STAR, ("Location", "/c"))), "redirect-location", None),
    "a user": ({}, moved(302, "https://u:p@cdn.example/"), "redirect-location", "contains a username and password"),
    "a user at home": ({}, moved(302, "https://u@app.example/"), "redirect-location", "contains a username"),
    "a user, from home": ({"url": "/a"}, moved(302, "https://u@cdn.example/"), "redirect-location", "a username"),
    "a stream": ({"method": "POST", "body": "stream"}, moved(307, "/b"), "redirect-body", None),
    "unreadable": ({}, moved(302, "/b", headers=()), "allow-origin", "No 'Access-Control-Allow-Origin' header"),
    "same-origin mode": (
        {"url": "/a", "mode": "same-origin"},
        moved(302, f"{HERE}/b"),
        "same-origin-mode",
        None,
    ),
}


@pytest.mark.parametrize(("asked", "site", "check", "said"), ENDS.values(), ids=ENDS)
def test_redirects_that_fail(asked: dict[str, Any], site: Site, check: str, said: str | None) -> None:
    """4.4 and 4.5: where a redirect is not followed."""
    found = simulate(site, ask(**asked))
    assert (found.outcome, failure(found).check) == ("blocked", check)
    assert (said in (found.message or "")) if said else (found.message is None)
    assert len(found.exchanges) == (21 if check == "redirect-count" else 1 + len(found.preflights))


def test_a_user_stays_with_the_browser() -> None:
    """RFC 9110, section 4.2.4: what is before the @ is no part of the request."""
    found = simulate(wsgi_notes, Fetch.element(PAGE, "https://u:p@files.example/", "image", "anonymous"))
    assert dict(found.headers)["x-seen"].endswith('"files.example"]')


def test_redirects_that_are_allowed() -> None:
    """4.5: a user is followed at home and in the mode no-cors, a stream after a 303, and twenty redirects are few."""
    assert wire(simulate(moved(302, "https://u:p@app.example/"), ask("/a")))[1] == "GET https://u:p@app.example/"
    assert simulate(moved(302, "https://u@cdn.example/"), ask(mode="no-cors")).outcome == "opaque"
    assert simulate(moved(303, "/b"), ask(method="POST", body="stream")).outcome == "readable"
    assert simulate(along(*[HERE] * 21), ask(f"{HERE}/0")).outcome == "readable"
    assert simulate(along(*[HERE] * 22), ask(f"{HERE}/0")).outcome == "blocked"


def test_no_cors_across_origins() -> None:
    """4.1: once opaque, a response stays it; 3.2: a POST names null after a third origin."""
    sites = {PAGE: moved(307, f"{HERE}/a"), HERE: moved(307, f"{OTHER}/b"), OTHER: Site()}
    found = simulate(sites, ask("/a", "POST", mode="no-cors"))
    assert (found.type, [dict(each.request_headers)["Origin"] for each in found.exchanges]) == (
        "opaque",
        [PAGE, PAGE, "null"],
    )


@pytest.mark.parametrize("headers", [(("Location", "/b"),), ()], ids=["with Location", "without Location"])
def test_manual_redirects(headers: tuple[tuple[str, str], ...]) -> None:
    """4.4: the mode manual gives a response of which nothing is seen, once it has passed the CORS check."""
    found = simulate(Site(default=Response(302, (*STAR, *headers))), ask(redirect="manual"))
    assert (found.outcome, found.type, found.status, found.headers) == ("opaque", "opaqueredirect", 0, ())
    assert simulate(Site(default=Response(302, headers)), ask(redirect="manual")).outcome == "blocked"
    assert simulate(TO_ALL, ask(redirect="manual")).type == "cors"


def test_redirect_without_location() -> None:
    """4.5: it is a response as any other, but for the mode error, which Chromium does not apply to it."""
    site = Site(default=Response(302, STAR))
    assert (simulate(site, ask()).outcome, simulate(site, ask()).status) == ("readable", 302)
    assert simulate(site, ask(redirect="error")).outcome == "blocked"
    assert simulate(site, ask(redirect="error"), browser=CHROMIUM).outcome == "readable"


def test_nothing_answers() -> None:
    """4.7: an origin that nobody serves is a network error, for the preflight too."""
    for found in (simulate({}, ask(method="PUT")), simulate(along(HERE, OTHER), ask(f"{OTHER}x.example/"))):
        assert (failure(found).section, failure(found).check) == ("4.7", "network")
        assert (found.exchanges[-1].status, found.exchanges[-1].reason, found.message) == (0, "", None)


class Later(NamedTuple):
    """A fetch at some second, and how many preflights are sent."""

    now: float
    fetch: Fetch
    preflights: int
    outcome: str = "readable"


X_A, X_B = (("X-A", "1"),), (("x-b", "1"),)
CACHED: dict[str, tuple[tuple[tuple[str, str], ...], list[Later]]] = {
    "until it expires": (
        ((ACAM, "PUT"), (ACMA, "100")),
        [Later(0, PUT, 1), Later(99.9, PUT, 0), Later(100, PUT, 1), Later(150, PUT, 0)],
    ),
    "five seconds without a header": (
        ((ACAM, "PUT"),),
        [Later(0, PUT, 1), Later(4.9, PUT, 0), Later(5, PUT, 1)],
    ),
    "five seconds for no number": (
        ((ACAM, "PUT"), (ACMA, "1h")),
        [Later(0, PUT, 1), Later(4.9, PUT, 0), Later(5, PUT, 1)],
    ),
    "five seconds for two lines": (
        ((ACAM, "PUT"), (ACMA, "10"), (ACMA, "20")),
        [Later(0, PUT, 1), Later(4.9, PUT, 0), Later(5, PUT, 1)],
    ),
    "none for zero": (((ACAM, "PUT"), (ACMA, "0")), [Later(0, PUT, 1), Later(0, PUT, 1)]),
    "a very long time": (((ACAM, "PUT"), (ACMA, "9" * 5000)), [Later(0, PUT, 1), Later(1e11, PUT, 0)]),
    "every method and name that was listed": (
        ((ACAM, "PUT, DELETE"), (ACAH, "x-a"), (ACMA, "100")),
        [
            Later(0, PUT, 1),
            Later(1, ask(method="DELETE"), 0),
            Later(2, ask(method="PUT", headers=X_A), 0),
            Later(3, ask(method="PATCH"), 1, "blocked"),
        ],
    ),
    "failure forgets all": (
        ((ACAM, "PUT"), (ACMA, "100")),
        [Later(0, PUT, 1), Later(1, ask(method="PUT", headers=X_B), 1, "blocked"), Later(2, PUT, 1)],
    ),
    "by URL and origin": (
        ((ACAM, "PUT"), (ACMA, "100")),
        [
            Later(0, PUT, 1),
            Later(1, ask(f"{HERE}/b", "PUT"), 1),
            Later(1, ask(method="PUT", page="null"), 1, "blocked"),
            Later(2, PUT, 0),
        ],
    ),
    "credentials serve all": (
        ((ACAM, "PUT"), (ACMA, "100")),
        [
            Later(0, ask(method="PUT", **INCLUDE), 1),
            Later(1, PUT, 0),
            Later(2, ask(method="PUT", **INCLUDE), 0),
        ],
    ),
    "without credentials only their like": (
        ((ACAM, "PUT"), (ACMA, "100")),
        [Later(0, PUT, 1), Later(1, ask(method="PUT", **INCLUDE), 1), Later(2, PUT, 0)],
    ),
    "stars, but for Authorization": (
        ((ACAM, "*"), (ACAH, "*, authorization"), (ACMA, "100")),
        [
            Later(0, ask(method="PUT", headers=X_A), 1),
            Later(1, ask(method="DELETE", headers=X_B), 0),
            Later(1, ask(headers=(("Authorization", "t"),)), 0),
        ],
    ),
    "a star does not cover Authorization": (
        ((ACAM, "*"), (ACAH, "*"), (ACMA, "100")),
        [Later(0, ask(headers=X_A), 1), Later(1, ask(headers=(("authorization", "t"),)), 1, "blocked")],
    ),
    "URLs with other fragments are others": (
        ((ACAM, "PUT"), (ACMA, "100")),
        [
            Later(0, PUT, 1),
            *(
                Later(1, dataclasses.replace(PUT, url=f"{PUT.url}#{part}"), first)
                for part, first in (("", 1), ("a b", 1), ("a%20b", 0))
            ),
        ],
    ),
    "a forced preflight keeps its method": (
        ((ACMA, "100"),),
        [
            Later(0, Fetch.xhr(PAGE, f"{HERE}/a", "POST", body="text", upload_listener=True), 1),
            Later(1, Fetch.xhr(PAGE, f"{HERE}/a", "POST", body="text", upload_listener=True), 0),
        ],
    ),
}


@pytest.mark.parametrize(("headers", "fetches"), CACHED.values(), ids=CACHED)
def test_preflight_cache(headers: tuple[tuple[str, str], ...], fetches: list[Later]) -> None:
    """4.9: what one preflight allows needs no other, until it expires."""
    site = Site(answers={"OPTIONS": Response(204, (*NAMED, *headers))}, default=Response(200, NAMED))
    cache = PreflightCache()
    for step in fetches:
        found = simulate(site, step.fetch, cache=cache, now=step.now)
        assert (len(found.preflights), found.outcome) == (step.preflights, step.outcome), step
        if not step.preflights:
            assert found.exchanges[0].steps[0].check == "preflight-cache"


@pytest.mark.parametrize(("location", "whole"), [("/b", "/b#here"), ("/b#there", "/b#there"), ("/b#", "/b#")])
def test_a_redirect_has_a_fragment(location: str, whole: str) -> None:
    """2.2.6: of a Location without a fragment it is the one before, and the preflight cache knows both apart."""
    site = Site(
        answers={
            "OPTIONS": Response(204, (*NAMED, (ACAM, "PUT"))),
            "/a": Response(307, (*NAMED, ("Location", location))),
        },
        default=Response(200, NAMED),
    )
    cache = PreflightCache()
    found = simulate(site, dataclasses.replace(PUT, url=f"{HERE}/a#here"), cache=cache)
    again = [simulate(site, dataclasses.replace(PUT, url=f"{HERE}{path}"), cache=cache) for path in (whole, "/b")]
    assert (found.url, [len(one.preflights) for one in again]) == (f"{HERE}/b", [0, 1])


def test_no_cache_no_memory() -> None:
    """Without a cache every preflight is sent, and a cache tells how much it holds."""
    assert [len(simulate(TO_ALL, PUT).preflights) for _ in range(2)] == [1, 1]
    cache = PreflightCache()
    assert len(cache) == 0
    simulate(TO_ALL, PUT, cache=cache)
    assert len(cache) == 3  # two stars and authorization


def test_the_answer_itself_clears_the_cache() -> None:
    """4.1: where the request fails after its preflight, what was kept is forgotten; without a preflight it is not."""
    allow = Response(204, (*GRANT, (ACAM, "PUT"), (ACMA, "100")))
    good, bad = (Site(answers={"OPTIONS": allow}, default=Response(200, headers)) for headers in (GRANT, ()))
    cache = PreflightCache()
    simulate(good, PUT, cache=cache)
    assert (simulate(bad, ask(), cache=cache).outcome, len(cache)) == ("blocked", 1)
    assert (simulate(bad, PUT, cache=cache).outcome, len(cache)) == ("blocked", 0)


CAPS = {STANDARD: None, CHROMIUM: 7200, FIREFOX: 86400, WEBKIT: 600}


@pytest.mark.parametrize(("browser", "cap"), CAPS.items(), ids=[each.name for each in CAPS])
def test_max_age_caps(browser: Browser, cap: int | None) -> None:
    """4.8, step 7.10: each browser's own limit."""
    site = Site(
        answers={"OPTIONS": Response(204, (*GRANT, (ACAM, "PUT"), (ACMA, "100000")))}, default=Response(200, GRANT)
    )
    cache, limit = PreflightCache(), cap or 100000
    simulate(site, PUT, browser=browser, cache=cache)
    assert simulate(site, PUT, browser=browser, cache=cache, now=limit - 1).preflights == ()
    assert simulate(site, PUT, browser=browser, cache=cache, now=limit).preflights != ()
    assert browser.max_age_cap == cap
    assert BROWSERS[browser.name] is browser


FIRST = "Response to preflight request doesn't pass access control check: "
WORDS: dict[str, tuple[Fetch, Response, dict[str, str]]] = {
    "missing": (
        PUT,
        Response(403),
        {
            "chromium": f"{FIRST}No 'Access-Control-Allow-Origin' header is present on the requested resource.",
            "firefox": "(Reason: CORS header ‘Access-Control-Allow-Origin’ missing). Status code: 403.",  # noqa: RUF001 - the quotes of Firefox
            "webkit": f"Origin {PAGE} is not allowed by Access-Control-Allow-Origin. Status code: 403",
        },
    ),
    "status": (
        PUT,
        Response(500, STAR),
        {
            "chromium": f"{FIRST}It does not have HTTP ok status.",
            "firefox": "(Reason: CORS preflight response did not succeed). Status code: 500.",
            "webkit": "Preflight response is not successful. Status code: 500",
        },
    ),
    "redirect": (
        PUT,
        Response(302, (*STAR, ("Location", "/"))),
        {
            "chromium": f"{FIRST}Redirect is not allowed for a preflight request.",
            "webkit": "Preflight response is not successful. Status code: 302",
        },
    ),
    "methods": (
        PUT,
        Response(204, (*STAR, (ACAM, "PUT G\x01ET"))),
        {
            "chromium": "policy: Cannot parse Access-Control-Allow-Methods response header field in preflight response.",
            "firefox": "(Reason: invalid token ‘PUT G\\x01ET’ in CORS header ‘Access-Control-Allow-Methods’).",  # noqa: RUF001 - the quotes of Firefox
        },
    ),
    "method": (
        PUT,
        Response(204, STAR),
        {
            "chromium": "policy: Method PUT is not allowed by Access-Control-Allow-Methods in preflight response.",
            "firefox": "(Reason: Did not find method in CORS header ‘Access-Control-Allow-Methods’).",  # noqa: RUF001 - the quotes of Firefox
            "webkit": "Method PUT is not allowed by Access-Control-Allow-Methods.",
        },
    ),
    "header": (
        ask(headers=X_A),
        Response(204, STAR),
        {
            "chromium": "policy: Request header field x-a is not allowed by Access-Control-Allow-Headers in preflight "
            "response.",
            "firefox": "(Reason: header ‘x-a’ is not allowed according to header ‘Access-Control-Allow-Headers’ from "  # noqa: RUF001 - the quotes of Firefox
            "CORS preflight response).",
            "webkit": "Request header field x-a is not allowed by Access-Control-Allow-Headers.",
        },
    ),
}


@pytest.mark.parametrize(("fetch", "answer", "words"), WORDS.values(), ids=WORDS)
def test_console(fetch: Fetch, answer: Response, words: dict[str, str]) -> None:
    """Each browser's own words; what a server sent stands in them escaped."""
    found = simulate(Site(answers={"OPTIONS": answer}), fetch)
    said = dict(found.console)
    assert said.keys() == words.keys()
    assert all(said[name].endswith(words[name]) for name in words)
    assert found.message == said["chromium"]
    assert simulate(Site(answers={"OPTIONS": answer}), fetch, browser=WEBKIT).message == said.get("webkit")


def test_engine_and_policy() -> None:
    """A policy, compiled or not, stands before an application that answers 200."""
    for server in (POLICY, POLICY.compile(), Site(POLICY)):
        found = simulate(server, ask(method="PUT", headers=X_A))
        assert (found.outcome, [each.status for each in found.exchanges]) == ("readable", [204, 200])
        assert simulate(server, ask(page=HERE, url=PAGE)).outcome == "blocked"
    assert simulate(Site(POLICY, default=Response(404, (("ETag", "e"), ("X-B", "b")))), ask()).headers == (
        ("etag", "e"),
    )


def test_answers_of_a_site() -> None:
    """Method and path come first, then the method, then the path; a status of one's own has no phrase."""
    answers = {"POST /a": Response(201), "POST": Response(202), "/a": Response(203), "/c": Response(299)}
    site = Site(answers=answers)
    asked = [("POST", "/a"), ("POST", "/b"), ("GET", "/a"), ("GET", "/b"), ("GET", "/c")]
    found = [simulate(site, ask(path, method)) for method, path in asked]
    assert [each.status for each in found] == [201, 202, 203, 200, 299]
    assert [each.exchanges[0].reason for each in found][-2:] == ["OK", ""]


async def notes(scope: Any, receive: Any, send: Any) -> None:
    """Answer with what arrived; raise on `/broken`, before or after the start, and say nothing on `/silent`."""
    if scope["path"] == "/silent":
        return
    if scope["path"] == "/broken":
        raise RuntimeError(scope["path"])
    await send({"type": "http.response.debug", "info": {}})
    seen = json.dumps([scope["method"], scope["scheme"], scope["path"], scope["query_string"].decode()])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"etag", seen.encode())]})
    if scope["path"] == "/late":
        raise RuntimeError(scope["path"])
    await send({"type": "http.response.body", "body": b"a", "more_body": True})
    await send({"type": "http.response.body", "body": b"b"})
    assert (await receive())["type"] == "http.request"
    assert (await receive())["type"] == "http.disconnect"


def test_asgi_application() -> None:
    """An ASGI application is called in this process, behind the real door."""
    found = simulate(CORSMiddleware(notes, POLICY), ask(f"{HERE}/a%20b?c=d", "PUT", X_A))
    assert found.headers == (("etag", '["PUT", "https", "/a b", "c=d"]'),)
    assert simulate(CORSMiddleware(notes, POLICY), ask(f"{HERE}/late")).outcome == "readable"


def wsgi_notes(environ: Any, start_response: Any) -> list[bytes]:
    """Answer with what arrived."""
    seen = [environ[key] for key in ("REQUEST_METHOD", "wsgi.url_scheme", "PATH_INFO", "QUERY_STRING", "HTTP_HOST")]
    start_response("200 OK", [(ACAO, "*"), (ACEH, "*"), ("X-Seen", json.dumps(seen))])
    return [environ["wsgi.input"].read()]


def test_wsgi_application() -> None:
    """So is a WSGI application; a method in lower case arrives as it is."""
    found = simulate(wsgi_notes, ask("http://files.example:8080/a%20b?c=d", "POST", body="text", content=b"abc"))
    assert dict(found.headers)["x-seen"] == '["POST", "http", "/a b", "c=d", "files.example:8080"]'
    same = simulate(wsgi_notes, ask("/", "patch"))
    assert dict(same.headers)["x-seen"].startswith('["patch", "https"')


class Instance:
    """An ASGI application as an instance, and one whose signature nobody can tell."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer as `notes` does."""
        await notes(scope, receive, send)


class Untold:
    """A WSGI application with a signature that cannot be read."""

    __signature__ = "none"

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        """Answer as `wsgi_notes` does."""
        return wsgi_notes(environ, start_response)


def test_which_protocol() -> None:
    """An instance, a plain function that gives an awaitable, and a callable without a signature are told apart."""

    def awaitable(scope: Any, receive: Any, send: Any) -> Any:
        return notes(scope, receive, send)

    for app in (Instance(), awaitable):
        assert simulate(app, ask("/x")).headers[0][0] == "etag"
    assert "x-seen" in dict(simulate(Untold(), ask("/x")).headers)


@pytest.mark.parametrize("path", ["/broken", "/silent"])
def test_application_that_fails(path: str, caplog: pytest.LogCaptureFixture) -> None:
    """What raises, or answers nothing, is a bare 500, which a page cannot read: the door is not asked for it."""
    with caplog.at_level(logging.ERROR, "r2style_cors"):
        found = simulate(CORSMiddleware(notes, POLICY), ask(f"{HERE}{path}"))
    assert (found.outcome, found.exchanges[0].status) == ("blocked", 500)
    assert f"The application failed on GET {path}." in caplog.text


def test_no_server() -> None:
    """What answers nothing is refused, by itself and in a mapping."""
    for server in (42, {HERE: None}):
        with pytest.raises(TypeError, match=r"it must be an Engine, a Policy, a Site"):
            simulate(server, ask())  # type: ignore[arg-type]  # the wrong type is what is tested


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "page": ({"page": "https://app.example/"}, "is no origin"),
    "url": ({"url": "ftp://files.example/"}, "is no http or https URL"),
    "relative to nothing": ({"page": "null", "url": "/a"}, "is no http or https URL"),
    "mode": ({"mode": "navigate"}, "mode must be one of cors, no-cors, same-origin, not 'navigate'"),
    "credentials": ({"credentials": "none"}, "credentials must be one of omit"),
    "redirect": ({"redirect": None}, "redirect must be one of follow"),
    "body": ({"body": "json"}, "body must be one of text"),
    "initiator": ({"initiator": "frame"}, "initiator must be one of fetch"),
}


@pytest.mark.parametrize(("asked", "said"), WRONG.values(), ids=WRONG)
def test_no_fetch(asked: dict[str, Any], said: str) -> None:
    """What no page can ask for is refused where it is described."""
    with pytest.raises(ValueError, match=said):
        ask(**asked)


def test_no_crossorigin() -> None:
    """An attribute's other values are refused too."""
    value: Any = "yes"
    with pytest.raises(ValueError, match="crossorigin must be one of anonymous, use-credentials, not 'yes'"):
        Fetch.element(PAGE, HERE, "image", value)


URLS = {
    "http://A.example:80": "http://a.example/",
    "https://\xfc.example:8443/\xe4?b=\xf6#x": "https://xn--tda.example:8443/%C3%A4?b=%C3%B6",
    "HTTP://[::1]:80/b c?d e": "http://[::1]/b%20c?d%20e",
    "http://u:p@A.example/%2f": "http://u:p@a.example/%2f",
    "//b.example/z": "https://b.example/z",
    "x": "https://app.example:1/q/x",
    "?#y": "https://app.example:1/q/r",
}


@pytest.mark.parametrize(("url", "normal"), URLS.items(), ids=URLS)
def test_urls(url: str, normal: str) -> None:
    """URL, section 4.5: as a browser writes it."""
    assert normal_url(url, "https://app.example:1/q/r?s") == normal


NO_URLS = [
    "data:a",
    "http://a b/",
    "http://a:port/",
    "http://-\xe9/",
    "http://[::1/",
    "http://" + "\xe9" * 254,
    "/a",
    "",
]


@pytest.mark.parametrize("url", NO_URLS, ids=map(ascii, range(len(NO_URLS))))
def test_no_urls(url: str) -> None:
    """What is no URL, or none that CORS knows, is refused."""
    with pytest.raises(ValueError, match="is no http or https URL"):
        normal_url(url)


def test_json() -> None:
    """The documented keys; all of it goes through JSON."""
    found = simulate(POLICY, ask(method="PUT"))
    written = json.loads(json.dumps(found.as_json()))
    assert list(written) == [field.name for field in dataclasses.fields(Simulation)]
    assert "content" not in written["fetch"]
    assert [each["kind"] for each in written["exchanges"]] == ["preflight", "actual"]
    assert written["blocked_by"] is None
    refused = simulate(POLICY, ask(method="DELETE")).as_json()
    assert refused["console"].keys() == {"chromium", "firefox", "webkit"}
    assert refused["blocked_by"]["section"] == "4.10"


def test_the_example_is_true() -> None:
    """What the package's documentation shows is so."""
    assert doctest.testmod(r2style_cors.browser) == (0, 5)
