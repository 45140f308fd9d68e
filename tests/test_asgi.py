"""The ASGI door among the things around it: messages in order, exceptions, frameworks, and real servers."""

from __future__ import annotations

import asyncio
import copy
import importlib.util
import inspect
import logging
import socket
import threading
import warnings
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from asgiref.compatibility import guarantee_single_callable
from fastapi import FastAPI, HTTPException
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from r2style_cors import PathPolicies, Policy, PolicyFile
from r2style_cors.asgi import CORSMiddleware
from support.doors import asgi_exchange, asgi_scope, at_once
from support.messages import ApplicationError, Request
from support.over_a_socket import (
    FROM_ORIGIN,
    ORIGIN,
    OTHER,
    PREFLIGHT,
    REFUSED_PREFLIGHT,
    RULES,
    asked,
    assert_served_behind_a_door,
)
from support.served import on_uvicorn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

START: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": [(b"x-b", b"1")]}
BODY: dict[str, Any] = {"type": "http.response.body", "body": b"x"}


def request_of(method: str = "GET", origin: str = ORIGIN, *more: tuple[str, str]) -> dict[str, Any]:
    """The scope of a request from `origin`."""
    return asgi_scope(Request(method, (("Origin", origin), *more)))


def saying(*messages: dict[str, Any]) -> Any:
    """An application that sends these messages, the very same objects for every request."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    return app


def sent_by(app: Any, scope: dict[str, Any]) -> list[dict[str, Any]]:
    """What `app` sends for one request."""
    return asyncio.run(asgi_exchange(app, scope))[0]


async def nothing() -> dict[str, Any]:
    """A `receive` that nobody should need."""
    pytest.fail("receive was called")


@pytest.mark.parametrize("profile", ["r2", "s3"])
def test_an_oversized_list_of_names_is_remembered_as_no_other(profile: Any) -> None:
    """3.6: a preflight whose names are refused for their size leaves nothing behind for one that asks for none."""
    door = CORSMiddleware(saying(START, BODY), RULES, profile=profile)
    asked = (("Origin", ORIGIN), ("Access-Control-Request-Method", "PUT"))
    preflights = [
        asgi_scope(Request("OPTIONS", (*asked, ("Access-Control-Request-Headers", names))))
        for names in ("a" * 8193, "")
    ]
    assert [sent_by(door, scope)[0]["status"] for scope in preflights] == [403, 204 if profile == "r2" else 200]


class Line(bytes):
    """The value of one header line, which tells when it is joined to another by itself."""

    __slots__ = ()

    def __add__(self, _: object) -> bytes:
        """Fail: to copy all that came before for every line costs the square of their number."""
        pytest.fail("joined line after line")


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
@pytest.mark.parametrize("name", ["origin", "access-control-request-method", "access-control-request-headers"])
def test_many_lines_of_one_name_are_joined_once(name: str, method: str, debug: bool) -> None:
    """3.6, 8: the work is bounded by the bytes received, also where one request brings a name again and again."""
    asked = {"origin": ORIGIN, "access-control-request-method": "PUT", "access-control-request-headers": "x-a"}
    scope = request_of(method)
    scope["headers"] = [
        (line.encode(), Line(value.encode())) for line, value in asked.items() for _ in range(3 if line == name else 1)
    ]
    granted = method == "OPTIONS" and name == "access-control-request-headers"
    status = sent_by(CORSMiddleware(saying(START, BODY), RULES, debug=debug), scope)[0]["status"]
    assert status == (200 if method == "GET" else 204 if granted else 403)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param({}, [], id="absent"),
        pytest.param({"headers": None}, [], id="none"),
        pytest.param({"headers": ((b"x-b", b"1"),)}, [(b"x-b", b"1")], id="a tuple"),
        pytest.param({"headers": iter([(b"x-b", b"1")])}, [(b"x-b", b"1")], id="an iterator"),
        pytest.param({"headers": [[b"X-B", b"1"]]}, [[b"X-B", b"1"]], id="lists as pairs, capitals"),
    ],
)
def test_start_headers_of_every_shape(given: dict[str, Any], kept: list[Any]) -> None:
    """Headers of a response may be absent, a tuple or an iterator, and pairs may be lists; the message is left alone."""
    start = {"type": "http.response.start", "status": 200, **given}
    before = dict(start)
    [sent] = sent_by(CORSMiddleware(saying(start), RULES), request_of())
    assert sent["headers"] == [*kept, (b"access-control-allow-origin", ORIGIN.encode()), (b"vary", b"Origin")]
    assert start == before


def test_other_messages_pass_as_they_are() -> None:
    """Bodies, early hints, debug messages, trailers, pathsend and unknown messages pass untouched and in order."""
    messages: list[dict[str, Any]] = [
        BODY,
        {"type": "http.response.debug", "info": {}},
        {"type": "http.response.early_hint", "links": [b"</a.css>"]},
        {"type": "http.response.pathsend", "path": "/a"},
        {"type": "http.response.trailers", "headers": [(b"vary", b"x")]},
        {"type": "no such message"},
    ]
    sent = sent_by(CORSMiddleware(saying(*messages), RULES), request_of())
    assert all(one is other for one, other in zip(sent, messages, strict=True))


@pytest.mark.parametrize("kind", ["lifespan", "websocket", "something else", "anything else"])
def test_other_scopes_pass_as_they_are(kind: str) -> None:
    """Scopes that are no HTTP reach the application as the same object, with the same `receive` and `send`."""
    seen: list[Any] = []

    async def app(*call: Any) -> None:
        seen.extend(call)

    call = ({"type": kind, "headers": []}, object(), object())
    door: Any = CORSMiddleware(app, RULES)
    at_once(door(*call))
    assert all(one is other for one, other in zip(seen, call, strict=True))


@pytest.mark.parametrize(
    "scope",
    [
        pytest.param(request_of(), id="actual"),
        pytest.param(request_of(origin=OTHER), id="actual, refused"),
        pytest.param(request_of("OPTIONS", ORIGIN, ("Access-Control-Request-Method", "PUT")), id="preflight"),
        pytest.param(request_of("OPTIONS", OTHER, ("Access-Control-Request-Method", "PUT")), id="preflight, refused"),
    ],
)
def test_what_a_server_does_to_a_message_stays_there(scope: dict[str, Any]) -> None:
    """A server or a middleware outside may add to the header list that it gets; the next answer is as it was."""
    door = CORSMiddleware(saying(START, BODY), RULES)
    expected = copy.deepcopy(sent_by(door, scope))
    sent_by(door, scope)[0]["headers"].append((b"server", b"x"))
    assert sent_by(door, scope) == expected


def test_the_scope_is_copied_and_the_decision_is_in_the_copy() -> None:
    """The application's scope has the decision; the server's does not, and what is nested in it stays shared."""
    seen: list[Any] = []

    async def app(*call: Any) -> None:
        seen.extend(call)

    scope = {**request_of(), "state": {}}
    before = dict(scope)

    async def run() -> None:
        await CORSMiddleware(app, RULES)(scope, nothing, nothing)

    asyncio.run(run())
    inner, receive, _ = seen
    assert scope == before
    assert inner["r2style_cors"].reason == "allowed"
    assert {name: value for name, value in inner.items() if name != "r2style_cors"} == scope
    assert inner["state"] is scope["state"]
    assert receive is nothing


def test_each_chunk_is_sent_before_the_next_is_produced() -> None:
    """The body is not buffered: every chunk is out before the application goes on."""
    happened: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        for number in range(3):
            happened.append(f"produced {number}")
            await send({"type": "http.response.body", "body": b"%d" % number, "more_body": number < 2})

    async def send(message: Any) -> None:
        happened.append(f"sent {message['body'].decode()}" if "body" in message else "started")

    async def run() -> None:
        await CORSMiddleware(app, RULES)(request_of(), nothing, send)

    asyncio.run(run())
    steps = [f"{step} {number}" for number in range(3) for step in ("produced", "sent")]
    assert happened == ["started", *steps]


@pytest.mark.parametrize("said", [[], [START], [START, {**BODY, "more_body": True}]], ids=["before", "at", "after"])
def test_exceptions_go_up_unchanged(said: list[dict[str, Any]]) -> None:
    """The very exception of the application reaches the server, and the door adds no message of its own."""
    error = ApplicationError()
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await saying(*said)(scope, receive, send)
        raise error

    async def send(message: Any) -> None:
        sent.append(message)

    async def run() -> None:
        await CORSMiddleware(app, RULES)(request_of(), nothing, send)

    with pytest.raises(ApplicationError) as caught:
        asyncio.run(run())
    assert caught.value is error
    assert [message["type"] for message in sent] == [message["type"] for message in said]


def test_exceptions_of_send_reach_the_application() -> None:
    """A server that says that the client is gone says so to the application."""
    told: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await send(START)
        except OSError as error:
            told.append(str(error))

    async def send(message: Any) -> None:
        raise OSError(message["type"])

    async def run() -> None:
        await CORSMiddleware(app, RULES)(request_of(), nothing, send)

    asyncio.run(run())
    assert told == ["http.response.start"]


def test_a_preflight_is_answered_unread() -> None:
    """A preflight needs neither the application nor the request's body."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def run() -> None:
        scope = request_of("OPTIONS", ORIGIN, ("Access-Control-Request-Method", "PUT"))
        await CORSMiddleware(nothing, RULES)(scope, nothing, send)  # type: ignore[arg-type]  # a server's types are stricter than what is tested

    asyncio.run(run())
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[0]["status"] == 204


def kinds_of_door(path: Path) -> Iterator[Any]:
    """A door of every kind: one policy, several by path, and a file that may change."""
    path.write_text(Policy.parse(RULES).dump("dashboard"))
    for policy in (RULES, PathPolicies({"/": RULES}), PolicyFile(path)):
        yield CORSMiddleware(saying(START, BODY), policy)


def test_servers_see_asgi_3(tmp_path: Path) -> None:
    """Uvicorn, and asgiref in Daphne and in Django's test client, call the door as it is, with three arguments."""
    for door in kinds_of_door(tmp_path / "cors.json"):
        assert guarantee_single_callable(door) is door  # type: ignore[no-untyped-call]  # asgiref has no types here
        config = uvicorn.Config(door, log_config=None)
        config.load()
        assert config.interface == "asgi3"
        for call in (door, door.__call__):  # which is what some servers ask about, and may call
            assert sent_by(call, request_of())[0]["status"] == 200


@pytest.mark.skipif(importlib.util.find_spec("hypercorn") is None, reason="hypercorn is not installed")
def test_hypercorn_sees_asgi(tmp_path: Path) -> None:
    """Hypercorn, which serves WSGI as well, takes the door for ASGI."""
    from hypercorn.utils import is_asgi

    for door in kinds_of_door(tmp_path / "cors.json"):
        assert is_asgi(door)


@pytest.mark.skipif(not hasattr(inspect, "markcoroutinefunction"), reason="inspect marks nothing before Python 3.12")
def test_inspect_sees_a_coroutine_function() -> None:
    """From Python 3.12 on the door itself is a coroutine function to `inspect`."""
    assert inspect.iscoroutinefunction(CORSMiddleware(saying(START), RULES))


def test_asyncio_sees_a_coroutine_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where `inspect` cannot mark a function, as before Python 3.12, the door is one to `asyncio`."""
    monkeypatch.delattr(inspect, "markcoroutinefunction", raising=False)
    if not hasattr(asyncio.coroutines, "_is_coroutine"):
        pytest.skip("this Python has no mark of asyncio's own any more")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons would rather have `inspect` asked
        assert asyncio.iscoroutinefunction(CORSMiddleware(saying(START), RULES))


def test_app_headers_are_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    """5.5: the application's own CORS headers are told once per door, with the first path, and not where they stay."""
    own = {**START, "headers": [(b"Access-Control-Allow-Origin", b"*")]}
    kept = CORSMiddleware(saying(own), RULES, keep_app_headers=True)
    sent_by(kept, {**request_of(origin=OTHER), "path": "/kept"})
    assert caplog.messages == []
    door = CORSMiddleware(saying(own), RULES)
    for path in ("/fir\nst", "/second"):
        sent_by(door, {**request_of(), "path": path})
    [record] = caplog.records
    assert (record.name, record.levelno) == ("r2style_cors", logging.WARNING)
    assert "/fir\\x0ast" in record.getMessage()


LEVELS = [
    ("refused", {}, request_of(origin=OTHER), logging.DEBUG, "actual"),
    ("refused, debug", {"debug": True}, request_of(origin=OTHER), logging.WARNING, "actual"),
    (
        "refused preflight",
        {},
        request_of("OPTIONS", OTHER, ("Access-Control-Request-Method", "PUT")),
        logging.DEBUG,
        "preflight",
    ),
    (
        "refused preflight, debug",
        {"debug": True},
        request_of("OPTIONS", OTHER, ("Access-Control-Request-Method", "PUT")),
        logging.WARNING,
        "preflight",
    ),
]


@pytest.mark.parametrize(
    ("options", "scope", "level", "kind"), [case[1:] for case in LEVELS], ids=[case[0] for case in LEVELS]
)
def test_a_refusal_is_one_record(
    options: dict[str, Any], scope: dict[str, Any], level: int, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A refusal is one record with its fields, a warning in debug mode; a granted request and one without Origin none."""
    caplog.set_level(logging.DEBUG, "r2style_cors")
    door = CORSMiddleware(saying(START), RULES, **options)
    sent_by(door, request_of())
    sent_by(door, request_of("OPTIONS", ORIGIN, ("Access-Control-Request-Method", "PUT")))
    sent_by(door, asgi_scope(Request()))
    assert caplog.records == []
    sent_by(door, scope)
    [record] = caplog.records
    assert record.levelno == level
    fields = record.cors  # type: ignore[attr-defined]  # put there by the door
    assert (fields["kind"], fields["reason"], fields["origin"], fields["path"]) == (kind, "origin", OTHER, "/")


def test_a_refused_handshake_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A refused WebSocket handshake is one record, and nothing is sent but the close."""
    caplog.set_level(logging.DEBUG, "r2style_cors")
    scope = asgi_scope(Request(headers=(("Origin", OTHER), ("Host", "api.example")), path="/w\ts", websocket=True))
    door = CORSMiddleware(nothing, RULES, websocket_origin_check=True)  # type: ignore[arg-type]  # a server's types are stricter than what is tested
    assert sent_by(door, scope) == [{"type": "websocket.close"}]
    [record] = caplog.records
    fields = record.cors  # type: ignore[attr-defined]  # put there by the door
    assert fields == {"kind": "websocket", "reason": "origin", "path": "/w\\x09s", "origin": OTHER}


@pytest.mark.parametrize("kind", ["lifespan", "xyz"])
def test_only_handshakes_are_checked(kind: str) -> None:
    """7.4: the check of handshakes looks at no other scope, which need not have headers."""
    door = CORSMiddleware(saying({"type": "said"}), RULES, websocket_origin_check=True)
    assert sent_by(door, {"type": kind}) == [{"type": "said"}]


def test_a_refused_handshake_is_read_first() -> None:
    """ASGI: `websocket.connect` is received before a handshake is answered."""
    seen: list[str] = []

    async def receive() -> dict[str, Any]:
        seen.append("received")
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        seen.append(message["type"])

    door: Any = CORSMiddleware(saying(), RULES, websocket_origin_check=True)
    at_once(door(asgi_scope(Request(headers=(("Origin", OTHER),), websocket=True)), receive, send))
    assert seen == ["received", "websocket.close"]


def test_a_denied_handshake_keeps_its_own_answer() -> None:
    """The application's own denial of a handshake passes as it is: handshakes have no CORS headers."""
    denial = {"type": "websocket.http.response.start", "status": 401, "headers": [(b"x-b", b"1")]}
    scope = asgi_scope(Request(headers=(("Origin", ORIGIN), ("Host", "api.example")), websocket=True))
    [sent] = sent_by(CORSMiddleware(saying(denial), RULES, websocket_origin_check=True), scope)
    assert sent is denial


# Frameworks


def client_of(app: Any) -> Any:
    """Starlette's test client, whose newest version warns of the HTTP library that it is given."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from starlette.testclient import TestClient
    return TestClient(app, raise_server_exceptions=False)


class Broken(Exception):  # noqa: N818 - it is handled
    """An exception that the application has a handler for."""


def broken_handler(request: Any, error: Exception) -> Response:
    """Answer `Broken` with a 418."""
    return PlainTextResponse("broken", 418)


HANDLERS: Any = {Broken: broken_handler}


async def add_header(request: Any, call_next: Callable[[Any], Awaitable[Response]]) -> Response:
    """A middleware of the kind that most people write."""
    response = await call_next(request)
    response.headers["x-inside"] = "1"
    return response


def starlette_app() -> Any:
    """A Starlette application with a middleware inside, a mount, and an exception handler."""

    def fail(request: Any) -> Response:
        raise Broken

    def deny(request: Any) -> Response:
        raise HTTPException(401)

    async def chunks() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    routes = [
        Route("/", lambda _: PlainTextResponse("home")),
        Route("/broken", fail),
        Route("/denied", deny),
        Route("/stream", lambda _: StreamingResponse(chunks())),
        Mount("/sub", routes=[Route("/page", lambda _: PlainTextResponse("page"))]),
    ]
    app = Starlette(routes=routes, exception_handlers=HANDLERS)
    app.add_middleware(BaseHTTPMiddleware, dispatch=add_header)
    app.add_middleware(CORSMiddleware, policy=RULES)
    return app


def fastapi_app() -> Any:
    """The same as a FastAPI application."""
    app = FastAPI(exception_handlers=HANDLERS, openapi_url=None)

    @app.get("/", response_class=PlainTextResponse)
    def home() -> str:
        return "home"

    @app.get("/broken")
    def fail() -> None:
        raise Broken

    @app.get("/stream")
    def stream() -> StreamingResponse:
        return StreamingResponse(iter(["one ", "two"]))

    @app.get("/denied")
    def deny() -> None:
        raise HTTPException(401)

    sub = FastAPI(openapi_url=None)

    @sub.get("/page", response_class=PlainTextResponse)
    def page() -> str:
        return "page"

    app.mount("/sub", sub)
    app.middleware("http")(add_header)
    app.add_middleware(CORSMiddleware, policy=RULES)
    return app


PAGES = [
    ("GET", "/", 200, "home"),
    ("HEAD", "/", None, ""),
    ("GET", "/broken", 418, "broken"),
    ("GET", "/denied", 401, None),
    ("GET", "/stream", 200, "one two"),
    ("GET", "/sub/page", 200, "page"),
    ("GET", "/nothing-here", 404, None),
    ("PUT", "/", 405, None),
]


@pytest.mark.parametrize("make", [starlette_app, fastapi_app], ids=["Starlette", "FastAPI"])
def test_add_middleware(make: Callable[[], Any]) -> None:
    """With `app.add_middleware`, every answer that stands inside has the headers, errors and mounts included."""
    with client_of(make()) as client:
        for method, path, status, text in PAGES:
            response = client.request(method, path, headers=FROM_ORIGIN)
            assert status is None or response.status_code == status
            assert text is None or response.text == text
            assert response.headers["access-control-allow-origin"] == ORIGIN
            assert response.headers["vary"] == "Origin"
            assert response.headers["x-inside"] == "1"
        preflight = client.options("/", headers=PREFLIGHT)
        assert (preflight.status_code, "x-inside" in preflight.headers) == (204, False)
        assert client.options("/nothing-here", headers=REFUSED_PREFLIGHT).status_code == 403


@pytest.mark.parametrize("kind", [Starlette, FastAPI])
def test_add_middleware_stands_inside_the_error_layer(kind: Any) -> None:
    """5.6: the 500 of an unhandled exception is written outside of what `add_middleware` adds, and has no headers."""

    def fail(request: Any) -> Response:
        raise ApplicationError

    app = kind()
    app.add_route("/", fail)
    app.add_middleware(CORSMiddleware, policy=RULES)
    whole = CORSMiddleware(kind(routes=[Route("/", fail)]), RULES)
    for client, allowed in ((client_of(app), None), (client_of(whole), ORIGIN)):
        response = client.get("/", headers=FROM_ORIGIN)
        assert (response.status_code, response.headers.get("access-control-allow-origin")) == (500, allowed)


# Real servers


class Streamer:
    """A bare ASGI application that sends its second chunk when it is told to, and accepts every WebSocket."""

    def __init__(self) -> None:
        self.released = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close"})
            return
        cookies = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
        await send({"type": "http.response.start", "status": 200, "headers": [(b"vary", b"Accept"), *cookies]})
        await send({"type": "http.response.body", "body": b"one ", "more_body": True})
        if scope["path"] == "/stream":
            await asyncio.to_thread(self.released.wait)
        await send({"type": "http.response.body", "body": b"two"})


@pytest.mark.parametrize("protocol", ["h11", "httptools"])
def test_bare_application_on_uvicorn(protocol: str) -> None:
    """Over a socket: a preflight granted and refused, an actual request, HEAD, two cookies, and an unbuffered stream."""
    if importlib.util.find_spec(protocol) is None:
        pytest.skip(f"{protocol} is not installed")
    app = Streamer()
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        on_uvicorn(CORSMiddleware(app, RULES), listener, http=protocol),
    ):
        assert_served_behind_a_door(listener.getsockname()[1], app.released)


@pytest.mark.parametrize(("protocol", "module"), [("websockets-sansio", "websockets"), ("wsproto", "wsproto")])
def test_handshakes_on_uvicorn(protocol: str, module: str) -> None:
    """7.4: over a socket, a handshake from a listed origin or the host's own is accepted; another's is a 403."""
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version": "13",
    }
    door = CORSMiddleware(Streamer(), RULES, websocket_origin_check=True)
    with socket.create_server(("127.0.0.1", 0)) as listener, on_uvicorn(door, listener, ws=protocol, lifespan="off"):
        port = listener.getsockname()[1]
        own = f"http://127.0.0.1:{port}"
        for origin, status in ((ORIGIN, 101), (own, 101), (OTHER, 403), ("null", 403)):
            with asked(port, "GET", "/", {**upgrade, "Origin": origin}) as response:
                assert response.status == status, origin
        with asked(port, "GET", "/", upgrade) as response:
            assert response.status == 101
