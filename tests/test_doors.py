"""What the doors promise beside a decision: the protocols' odd corners, logging, stacking, and how they are made."""

from __future__ import annotations

import asyncio
import inspect
import logging
import logging.handlers
from typing import Any
from wsgiref.util import FileWrapper

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from uvicorn import Config

from r2style_cors import Engine, PathPolicies, Policy, PolicyError, PolicyFile, asgi, wsgi
from r2style_cors._engine import MAX_MEMO

ORIGIN = "https://app.example"
RULES: list[Any] = [
    {"AllowedOrigins": [ORIGIN], "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["x-a"], "ExposeHeaders": ["ETag"]}
]
STARTED: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
GRANTED = [(b"access-control-allow-origin", ORIGIN.encode()), (b"access-control-expose-headers", b"ETag")]
VARY = (b"vary", b"Origin")


def http(method: str = "GET", *headers: tuple[bytes, bytes], path: str = "/", **more: Any) -> dict[str, Any]:
    """The scope of a request from the listed origin."""
    return {"type": "http", "method": method, "path": path, "headers": [(b"origin", ORIGIN.encode()), *headers], **more}


def exchange(app: Any, scope: dict[str, Any], received: tuple[dict[str, Any], ...] = ()) -> list[dict[str, Any]]:
    """What `app` sends for `scope`."""
    sent: list[dict[str, Any]] = []
    incoming = list(received)

    async def receive() -> dict[str, Any]:
        return incoming.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def run() -> None:
        await app(scope, receive, send)

    asyncio.run(run())
    return sent


def saying(*messages: dict[str, Any]) -> Any:
    """An ASGI application that sends these messages, and no more."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    return app


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
    """Headers of a response may be absent, a tuple or an iterator, and pairs may be lists."""
    start = {"type": "http.response.start", "status": 200, **given}
    before = dict(start)
    [sent] = exchange(asgi.CORSMiddleware(saying(start), RULES), http())
    assert sent["headers"] == [*kept, *GRANTED, VARY]
    assert start == before


def test_other_messages_pass_as_they_are() -> None:
    """Early hints, debug messages, trailers, pathsend and unknown messages pass untouched and in order."""
    messages: list[dict[str, Any]] = [
        {"type": "http.response.debug", "info": {}},
        {"type": "http.response.early_hint", "links": [b"</a.css>"]},
        {"type": "http.response.pathsend", "path": "/a"},
        {"type": "http.response.trailers", "headers": [(b"vary", b"x")]},
        {"type": "no such message"},
    ]
    sent = exchange(asgi.CORSMiddleware(saying(*messages), RULES), http())
    assert all(one is other for one, other in zip(sent, messages, strict=True))


@pytest.mark.parametrize("kind", ["lifespan", "websocket", "something else", "anything else"])
def test_other_scopes_pass_as_they_are(kind: str) -> None:
    """Scopes that are no HTTP reach the application as the same object, with the same `receive` and `send`."""
    seen: list[Any] = []

    async def app(*call: Any) -> None:
        seen.extend(call)

    scope = {"type": kind, "headers": []}
    call = (scope, object(), object())
    door: Any = asgi.CORSMiddleware(app, RULES)

    async def run() -> None:
        await door(*call)

    asyncio.run(run())
    assert all(one is other for one, other in zip(seen, call, strict=True))


def test_servers_take_the_door_for_asgi_3() -> None:
    """asyncio, inspect and Uvicorn's automatic choice all find a coroutine function, fixed policy or not."""
    for policy in (RULES, PathPolicies({"/": RULES})):
        door: Any = asgi.CORSMiddleware(saying(STARTED), policy)
        assert inspect.iscoroutinefunction(door) or inspect.iscoroutinefunction(door.__call__)
        config = Config(door, log_config=None)
        config.load()
        assert config.interface == "asgi3"
        assert exchange(door.__call__, http())[0]["status"] == 200


def test_starlette_and_a_mount() -> None:
    """`add_middleware` works as people type it, and a mounted application sees the decision of the door outside."""
    seen: list[Any] = []

    def home(request: Any) -> PlainTextResponse:
        seen.append(request.scope["r2style_cors"].allowed)
        return PlainTextResponse("x")

    app = Starlette(routes=[Mount("/sub", routes=[Route("/", home)])])
    app.add_middleware(asgi.CORSMiddleware, policy=RULES)
    scope = http(path="/sub/", query_string=b"", root_path="", scheme="http", server=("testserver", 80), client=None)
    sent = exchange(app, scope, ({"type": "http.request"},))
    assert GRANTED[0] in sent[0]["headers"]
    assert seen == [True]


def test_stacked_doors_warn_once(caplog: pytest.LogCaptureFixture) -> None:
    """Of two doors the outer one decides; the inner one passes everything through and says so once."""
    inner = asgi.CORSMiddleware(saying(STARTED), [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}])
    outer = asgi.CORSMiddleware(inner, RULES)
    for _ in range(2):
        assert (b"access-control-allow-origin", ORIGIN.encode()) in exchange(outer, http())[0]["headers"]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "stacked" in caplog.text


@pytest.mark.parametrize("keep", [False, True], ids=["removed", "kept where no rule applies"])
def test_app_headers_are_told_once(caplog: pytest.LogCaptureFixture, keep: bool) -> None:
    """The application's own CORS headers are removed with one warning that names the first path, unless they are kept."""
    start = {**STARTED, "headers": [(b"Access-Control-Allow-Origin", b"https://other.example"), (b"Vary", b"Accept")]}
    door = asgi.CORSMiddleware(saying(start), RULES, keep_app_headers=keep)
    scope = {**http(path="/first"), "headers": []}
    for _ in range(2):
        headers = exchange(door, scope)[0]["headers"]
        assert (b"Vary", b"Accept, Origin") in headers
        assert (start["headers"][0] in headers) is keep
    assert [record.getMessage().count("/first") for record in caplog.records] == ([] if keep else [1])


@pytest.mark.parametrize("debug", [False, True])
def test_one_log_record_for_a_refusal(caplog: pytest.LogCaptureFixture, debug: bool) -> None:
    """A refusal is one record with its fields, escaped and cut, at DEBUG or, while developing, at WARNING."""
    caplog.set_level(logging.DEBUG, "r2style_cors")
    door: Any = wsgi.CORSMiddleware(plain, RULES, debug=debug)
    environ = {"REQUEST_METHOD": "OPTIONS", "PATH_INFO": "/a\nb", "HTTP_ORIGIN": "https://evil.example"}
    environ["HTTP_ACCESS_CONTROL_REQUEST_METHOD"] = "PUT"
    environ["HTTP_ACCESS_CONTROL_REQUEST_HEADERS"] = "x" * 300
    list(door(environ, lambda *_: None))
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_ORIGIN": "https://evil.example"}
    list(door(environ, lambda *_: lambda _: None))
    assert [record.levelno for record in caplog.records] == [logging.WARNING if debug else logging.DEBUG] * 2
    fields = caplog.records[0].cors  # type: ignore[attr-defined]  # put there by the door
    assert (fields["reason"], fields["rule"], fields["path"]) == ("origin", None, "/a\\x0ab")
    assert len(fields["request_headers"]) == 200


def test_a_silent_logger_costs_no_record() -> None:
    """Where nobody listens, a refusal makes no record, and one granted request makes none in any case."""
    logger = logging.getLogger("r2style_cors")
    handler = logging.handlers.BufferingHandler(100)
    logger.addHandler(handler)
    try:
        door = asgi.CORSMiddleware(saying(STARTED), RULES)
        for headers in ([(b"origin", b"https://evil.example")], [(b"origin", ORIGIN.encode())]):
            exchange(door, {**http(), "headers": headers})
            exchange(door, {**http(), "headers": headers})
    finally:
        logger.removeHandler(handler)
    assert handler.buffer == []


HANDSHAKES = [
    ("no Origin", [], True),
    ("the host's own", [(b"origin", b"https://api.example:8443"), (b"host", b"API.example:8443")], True),
    ("listed", [(b"origin", ORIGIN.encode()), (b"host", b"api.example")], True),
    ("a wildcard host", [(b"origin", b"https://x.wild.example"), (b"host", b"api.example")], True),
    ("only `*`", [(b"origin", b"https://evil.example"), (b"host", b"api.example")], False),
    ("null", [(b"origin", b"null"), (b"host", b"null")], False),
    ("malformed", [(b"origin", b"https://evil.example/"), (b"host", b"api.example")], False),
    ("two Origin lines", [(b"origin", ORIGIN.encode()), (b"origin", ORIGIN.encode()), (b"host", b"a.example")], False),
]


@pytest.mark.parametrize(
    ("headers", "accepted"), [case[1:] for case in HANDSHAKES], ids=[case[0] for case in HANDSHAKES]
)
def test_websocket_origin_check(headers: list[tuple[bytes, bytes]], accepted: bool) -> None:
    """7.4: a handshake is accepted without Origin, from the host itself or a listed origin; `*` and null grant none."""
    rules = [
        {"AllowedOrigins": ["*", ORIGIN], "AllowedMethods": ["GET"]},
        {"AllowedOrigins": ["https://*.wild.example"], "AllowedMethods": ["GET"]},
    ]
    door = asgi.CORSMiddleware(saying({"type": "websocket.accept"}), rules, websocket_origin_check=True)
    for others in (
        [],
        [(b"accept", b"*/*"), (b"upgrade", b"websocket")],
    ):  # names before and behind those that are read
        scope = {"type": "websocket", "path": "/ws", "headers": [*others[:1], *headers, *others[1:]]}
        sent = exchange(door, scope, ({"type": "websocket.connect"},))
        assert sent == [{"type": "websocket.accept" if accepted else "websocket.close"}]


@pytest.mark.parametrize("kind", ["lifespan", "xyz"])
def test_only_handshakes_are_checked(kind: str) -> None:
    """7.4: the check of handshakes looks at no other scope, which need not have headers."""
    door = asgi.CORSMiddleware(saying({"type": "said"}), RULES, websocket_origin_check=True)
    assert exchange(door, {"type": kind}) == [{"type": "said"}]


def test_a_refused_handshake_is_read_first() -> None:
    """ASGI: `websocket.connect` is received before a handshake is answered."""
    door = asgi.CORSMiddleware(saying(), RULES, websocket_origin_check=True)
    incoming = [{"type": "websocket.connect"}]
    seen: list[Any] = []

    async def receive() -> dict[str, Any]:
        seen.append(incoming[0])
        return incoming.pop()

    async def send(message: Any) -> None:
        seen.append(message)

    async def run() -> None:
        await door(
            {"type": "websocket", "path": "/", "headers": [(b"origin", b"https://other.example")]}, receive, send
        )

    asyncio.run(run())
    assert seen == [{"type": "websocket.connect"}, {"type": "websocket.close"}]


@pytest.mark.parametrize("listed", ["null", "nul*"])
def test_null_grants_no_handshake(listed: str) -> None:
    """7.4: nor does `null` where a policy lists it, or what matches it, as profile `s3` allows."""
    rules = [{"AllowedOrigins": [listed, ORIGIN], "AllowedMethods": ["GET"]}]
    door = asgi.CORSMiddleware(
        saying({"type": "websocket.accept"}), rules, profile="s3", credentials=False, websocket_origin_check=True
    )
    for origin, answer in (("null", "close"), (ORIGIN, "accept")):
        scope = {"type": "websocket", "path": "/ws", "headers": [(b"origin", origin.encode())]}
        assert exchange(door, scope, ({"type": "websocket.connect"},)) == [{"type": f"websocket.{answer}"}]


@pytest.mark.parametrize(("origins", "profile"), [(["*"], "r2"), (["*", "null"], "s3")])
def test_websocket_check_needs_an_origin(origins: list[str], profile: Any) -> None:
    """7.4: it is refused at construction where only `*` and `null` could grant a handshake."""
    rules = [{"AllowedOrigins": origins, "AllowedMethods": ["GET"]}]
    with pytest.raises(PolicyError) as caught:
        asgi.CORSMiddleware(saying(), rules, profile=profile, websocket_origin_check=True)
    assert [problem.code for problem in caught.value.problems] == ["websocket-star"]


def wsgi_environ(**more: Any) -> dict[str, Any]:
    """The environ of a request from the listed origin."""
    return {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "SCRIPT_NAME": "", "HTTP_ORIGIN": ORIGIN, **more}


def plain(environ: Any, start_response: Any) -> list[bytes]:
    """Answer nothing, with a 200."""
    start_response("200 OK", [])
    return []


def test_wsgi_returns_what_the_application_returns() -> None:
    """The application's iterable is the very object that the server gets, its file wrapper too."""
    body = FileWrapper(__import__("io").BytesIO(b"x"))

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return body

    door: Any = wsgi.CORSMiddleware(app, RULES)
    assert door(wsgi_environ(), lambda *_: None) is body


def test_wsgi_start_response_late_twice_and_tuple() -> None:
    """`start_response` may be called while iterating, a second time with exc_info, with a tuple; `write` is the server's."""
    calls: list[Any] = []
    write = object()

    def start(*args: Any) -> Any:
        calls.append(args)
        return write

    def app(environ: Any, start_response: Any) -> Any:
        assert start_response("200 OK", (("X-B", "1"),)) is write
        yield b""
        start_response("500 Oops", [("X-B", "1")], ("type", "value", "traceback"))

    door: Any = wsgi.CORSMiddleware(app, RULES)
    list(door(wsgi_environ(), start))
    cors = [("Access-Control-Allow-Origin", ORIGIN), ("Access-Control-Expose-Headers", "ETag"), ("Vary", "Origin")]
    assert calls == [
        ("200 OK", [("X-B", "1"), *cors]),
        ("500 Oops", [("X-B", "1"), *cors], ("type", "value", "traceback")),
    ]


def test_wsgi_removes_and_merges() -> None:
    """An application's own header goes, its Vary is merged, whatever their case, and one warning tells the path."""
    headers = [("access-control-ALLOW-origin", "*"), ("VARY", "Accept"), ("vary", "Cookie")]
    before = list(headers)
    calls: list[Any] = []

    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", headers)
        return []

    door: Any = wsgi.CORSMiddleware(app, RULES)
    door(wsgi_environ(HTTP_ORIGIN="https://evil.example"), lambda *args: calls.append(args))
    assert calls == [("200 OK", [("VARY", "Accept"), ("vary", "Cookie, Origin")])]
    assert headers == before


def test_vary_is_remembered_as_it_is_spelt() -> None:
    """The second response with the same Vary takes the short way, and comes out the same."""
    door = asgi.CORSMiddleware(saying({**STARTED, "headers": [(b"Vary", b"Accept"), (b"x-b", b"1")]}), RULES)
    first, second = (exchange(door, http())[0]["headers"] for _ in range(2))
    assert first == second == [(b"Vary", b"Accept, Origin"), (b"x-b", b"1"), *GRANTED]


def test_wsgi_vary_is_remembered_and_long_names_pass() -> None:
    """The same through WSGI, beside a name too long to be worth remembering."""
    long = ("X-" + "b" * 80, "1")

    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Vary", "Accept"), *([long] if environ["PATH_INFO"] == "/long" else [])])
        return []

    door: Any = wsgi.CORSMiddleware(app, RULES)
    calls: list[Any] = []
    for path in ("/", "/", "/long"):
        door(wsgi_environ(PATH_INFO=path), lambda _, headers: calls.append(headers))
    cors = [("Access-Control-Allow-Origin", ORIGIN), ("Access-Control-Expose-Headers", "ETag")]
    merged = ("Vary", "Accept, Origin")
    assert calls == [[merged, *cors], [merged, *cors], [merged, long, *cors]]


def test_vary_stays_alone_where_nothing_is_to_be_merged() -> None:
    """`star_always` adds no Vary, and the application's own stays as it is (5.7)."""
    door = asgi.CORSMiddleware(
        saying({**STARTED, "headers": [(b"vary", b"Accept")]}),
        [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}],
        star_always=True,
    )
    for _ in range(2):
        headers = exchange(door, {**http(), "headers": []})[0]["headers"]
        assert headers == [(b"vary", b"Accept"), (b"access-control-allow-origin", b"*")]


ENGINE = Policy.parse(RULES).compile()


@pytest.mark.parametrize(
    "options",
    [
        {"profile": "s3"},
        {"credentials": False},
        {"extra_methods": ("PATCH",)},
        {"extra_methods": None},
        {"star_always": True},
    ],
    ids=lambda options: "{}={}".format(*next(iter(options.items()))),
)
def test_options_beside_an_engine(options: Any) -> None:
    """An Engine has options of its own: others beside it are a TypeError."""
    with pytest.raises(TypeError, match="an Engine has its own"):
        asgi.CORSMiddleware(saying(), ENGINE, **options)


def test_policy_of_every_kind(tmp_path: Any) -> None:
    """A path, text or not, a Policy, parsed JSON, an Engine and a PolicyFile all open the same door."""
    path = tmp_path / "cors.json"
    path.write_text(Policy.parse(RULES).dump("dashboard"))
    for policy in (path, str(path), Policy.parse(RULES), RULES, {"CORSRules": RULES}, ENGINE, PolicyFile(path)):
        door = asgi.CORSMiddleware(saying(STARTED), policy)
        assert exchange(door, http())[0]["headers"] == [*STARTED["headers"], *GRANTED, VARY]


def test_policy_of_no_kind() -> None:
    """Anything else is a TypeError that says what may stand there."""
    with pytest.raises(TypeError, match="policy is a int; it must be a path, a Policy"):
        wsgi.CORSMiddleware(lambda *_: [], 7)  # type: ignore[arg-type]  # the wrong type is what is tested


def test_policies_by_path() -> None:
    """7.3: the longest prefix on a segment's boundary decides; None exempts; what is uncovered passes untouched."""
    star = [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}]
    door = asgi.CORSMiddleware(saying(STARTED), PathPolicies({"/a": RULES, "/a/open/": star, "/a/none": None}))

    def origin(path: str, **more: Any) -> Any:
        return dict(exchange(door, http(path=path, **more))[0]["headers"]).get(b"access-control-allow-origin")

    assert origin("/a") == origin("/a/x") == ORIGIN.encode()
    assert origin("/a/open") == origin("/a/open/x") == b"*"
    assert [origin(path) for path in ("/a/none/x", "/ab", "/A", "/", "//a")] == [None] * 5
    assert origin("/mount/a", root_path="/mount") == ORIGIN.encode()
    assert origin("/mounted/a", root_path="/mount") is None


def test_wsgi_paths_are_utf_8() -> None:
    """7.3: PATH_INFO is compared as the UTF-8 that it is, below SCRIPT_NAME."""
    door: Any = wsgi.CORSMiddleware(plain, PathPolicies({"/é": RULES}))
    calls: list[Any] = []
    for path in ("/é", "/e"):
        door(
            wsgi_environ(PATH_INFO=path.encode().decode("latin-1"), SCRIPT_NAME="/x"), lambda *args: calls.append(args)
        )
    assert [len(headers) for _, headers in calls] == [3, 0]


def test_wsgi_stacked_doors_warn(caplog: pytest.LogCaptureFixture) -> None:
    """The inner of two WSGI doors passes through and warns."""
    door: Any = wsgi.CORSMiddleware(wsgi.CORSMiddleware(plain, RULES), RULES)
    calls: list[Any] = []
    door(wsgi_environ(), lambda *args: calls.append(args))
    assert [name for name, _ in calls[0][1]].count("Vary") == 1
    assert "stacked" in caplog.text


@pytest.mark.parametrize("door", [asgi.CORSMiddleware, wsgi.CORSMiddleware], ids=["asgi", "wsgi"])
def test_doubtful_policies_are_told(door: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Warnings of the file and of the options are logged when a door opens; notes are not."""
    rules = [{"AllowedOrigins": ["https://A.example", "app://x"], "AllowedMethods": ["PUT"]}]
    door(saying(), rules, extra_methods=("patch",))
    assert [record.getMessage().rpartition("[")[2][:-2].split("]")[0] for record in caplog.records] != []
    assert all(code in caplog.text for code in ("[origin-case]", "[extra-method-case]"))
    assert "origin-scheme-unusual" not in caplog.text


NOT_OURS: list[Any] = [{"AllowedOrigins": ["https://other.example"], "AllowedMethods": ["GET"]}]
LEARNED = [("content-type", "text/plain"), ("vary", "accept")]
NAMES_AS_VALUES = {
    "a CORS header": ([("access-control-max-age", "content-type")], []),
    "an ordinary header": ([("x-new", "vary")], [("x-new", "vary")]),
}


@pytest.mark.parametrize(("given", "kept"), NAMES_AS_VALUES.values(), ids=NAMES_AS_VALUES)
def test_a_value_is_no_name(given: list[tuple[str, str]], kept: list[tuple[str, str]]) -> None:
    """What an ASGI door has learned of names is asked of names: a value that is spelt like one changes nothing."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({**STARTED, "headers": [(name.encode(), value.encode()) for name, value in scope["says"]]})

    door = asgi.CORSMiddleware(app, NOT_OURS)
    exchange(door, http(says=LEARNED))
    [start] = exchange(door, http(says=given))
    assert start["headers"] == [*((name.encode(), value.encode()) for name, value in kept), VARY]


@pytest.mark.parametrize(("given", "kept"), NAMES_AS_VALUES.values(), ids=NAMES_AS_VALUES)
def test_wsgi_a_value_is_no_name(given: list[tuple[str, str]], kept: list[tuple[str, str]]) -> None:
    """The same of a WSGI door."""
    said: list[Any] = []

    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", environ["says"])
        return []

    door: Any = wsgi.CORSMiddleware(app, NOT_OURS)
    for says in (LEARNED, given):
        door(wsgi_environ(says=says), lambda _, headers: said.append(headers))
    assert said[1] == [*kept, ("Vary", "Origin")]


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_s3_keeps_preflights_and_requests_apart(method: str) -> None:
    """3.7, 6: under `s3` a GET may hold a preflight's very headers; what is said to it is not said to the preflight."""
    asked = [(b"access-control-request-method", b"PUT"), (b"access-control-request-headers", b"x-a")]
    door = asgi.CORSMiddleware(saying(STARTED), RULES, profile="s3")
    assert len(exchange(door, http(method, *asked))) == 1
    assert len(exchange(door, http("OPTIONS", *asked))) == 2, "the door's own answer, and not the application's"
    assert len(exchange(door, http(method, *asked))) == 1


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_wsgi_s3_keeps_preflights_and_requests_apart(method: str) -> None:
    """The same of a WSGI door."""
    reached: list[str] = []

    def app(environ: Any, start_response: Any) -> list[bytes]:
        reached.append(environ["REQUEST_METHOD"])
        return plain(environ, start_response)

    door: Any = wsgi.CORSMiddleware(app, RULES, profile="s3")
    headers = {"HTTP_ACCESS_CONTROL_REQUEST_METHOD": "PUT", "HTTP_ACCESS_CONTROL_REQUEST_HEADERS": "x-a"}
    for one in (method, "OPTIONS", method):
        door(wsgi_environ(REQUEST_METHOD=one, **headers), lambda *_: None)
    assert reached == [method, method]


def test_engine_is_exported() -> None:
    """`Policy.compile` makes the Engine that the package exports."""
    assert isinstance(ENGINE, Engine)


def test_memory_is_bounded() -> None:
    """However many origins ask, an engine remembers a bounded number of decisions, and answers right all the while."""
    engine = Policy.parse([{"AllowedOrigins": ["https://*.wild.example"], "AllowedMethods": ["GET"]}]).compile()
    door: Any = wsgi.CORSMiddleware(plain, engine)
    for number in range(MAX_MEMO + 10):
        origin = f"https://o{number}.wild.example"
        seen: list[Any] = []

        def start(_: str, headers: Any, seen: list[Any] = seen) -> Any:
            seen.append(headers)

        door(wsgi_environ(HTTP_ORIGIN=origin), start)
        assert seen == [[("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]]
    assert len(engine.memo.actual["GET"]) == 10
