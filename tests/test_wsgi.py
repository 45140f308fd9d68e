"""The WSGI door among the things around it: the odd corners of PEP 3333, exceptions, and real servers."""

from __future__ import annotations

import copy
import io
import logging
import sys
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import make_server
from wsgiref.util import FileWrapper
from wsgiref.validate import validator

import pytest
import werkzeug.serving

from r2style_cors import PathPolicies
from r2style_cors.wsgi import CORSMiddleware
from support.doors import wsgi_environ, wsgi_exchange
from support.messages import ApplicationError, Request, cors_lines
from support.over_a_socket import (
    GRANTED,
    ORIGIN,
    OTHER,
    RULES,
    assert_served_behind_a_door,
)
from support.served import Quiet, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ADDED = [("Access-Control-Allow-Origin", ORIGIN), ("Vary", "Origin")]
HEADERS = [("Content-Type", "text/plain")]


def environ_of(method: str = "GET", origin: str = ORIGIN, *more: tuple[str, str]) -> dict[str, Any]:
    """The environ of a request from `origin`."""
    return wsgi_environ(Request(method, (("Origin", origin), *more)))


class Server:
    """What a server is to a WSGI application: it remembers every start, and what was written."""

    def __init__(self) -> None:
        self.starts: list[tuple[Any, ...]] = []
        self.written: list[bytes] = []

    def start_response(self, *start: Any) -> Callable[[bytes], None]:
        """Remember the arguments as they are."""
        self.starts.append(start)
        return self.written.append


def call(app: Any, environ: dict[str, Any]) -> tuple[Server, Any]:
    """Call `app` once; give the server that it saw and what it returned."""
    server = Server()
    return server, app(environ, server.start_response)


def starting(headers: Any, body: Any = ()) -> Any:
    """An application that starts with `headers`, the very same object for every request, and returns `body`."""

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", headers)
        return body

    return app


class Closing:
    """A body that remembers being closed."""

    def __init__(self) -> None:
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield b"x"

    def close(self) -> None:
        """Count the calls."""
        self.closed += 1


@pytest.mark.parametrize(
    "body",
    [[b"x"], (b"x",), iter([b"x"]), Closing(), FileWrapper(io.BytesIO(b"x"))],
    ids=lambda body: type(body).__name__,
)
def test_the_iterable_is_returned_as_it_is(body: Any) -> None:
    """A list with a length, a file wrapper, and what has a `close` all reach the server unwrapped, and unread."""
    _, returned = call(CORSMiddleware(starting(HEADERS, body), RULES), environ_of())
    assert returned is body
    assert list(returned) == [b"x"], "the door has taken nothing of it"


def test_closing_is_the_server_s_business() -> None:
    """The server closes the body once, also where it stops half-way; the door never does."""
    body = Closing()
    _, returned = call(CORSMiddleware(starting(HEADERS, body), RULES), environ_of())
    next(iter(returned))
    assert body.closed == 0
    returned.close()
    assert body.closed == 1


class OwnList(list[tuple[str, str]]):
    """A subclass of list, as some frameworks have."""


@pytest.mark.parametrize(
    ("make", "kept"),
    [
        pytest.param(list, HEADERS, id="list"),
        pytest.param(OwnList, HEADERS, id="subclass of list"),
        pytest.param(tuple, HEADERS, id="tuple"),
        pytest.param(iter, HEADERS, id="iterator"),
        pytest.param(lambda pairs: [[*pair] for pair in pairs], [["Content-Type", "text/plain"]], id="lists as pairs"),
    ],
)
def test_headers_of_every_shape(make: Callable[[Any], Any], kept: Any) -> None:
    """Whatever an application gives for headers, the server gets a list, and the application's own is unchanged."""
    headers = make(HEADERS)
    before = None if make is iter else copy.deepcopy(headers)
    server, _ = call(CORSMiddleware(starting(headers), RULES), environ_of())
    [(_, sent)] = server.starts
    assert type(sent) is list
    assert sent == [*kept, *ADDED]
    assert before is None or headers == before


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param(environ_of(), id="actual"),
        pytest.param(environ_of(origin=OTHER), id="actual, refused"),
        pytest.param(environ_of("OPTIONS", ORIGIN, ("Access-Control-Request-Method", "PUT")), id="preflight"),
        pytest.param(environ_of("OPTIONS", OTHER, ("Access-Control-Request-Method", "PUT")), id="preflight, refused"),
    ],
)
def test_what_a_server_does_to_headers_stays_there(environ: dict[str, Any]) -> None:
    """A server or a middleware outside may add to the list that it gets; the next answer is as it was."""
    door = CORSMiddleware(starting(HEADERS), RULES)
    before = copy.deepcopy(HEADERS)
    expected = copy.deepcopy(call(door, dict(environ))[0].starts)
    call(door, dict(environ))[0].starts[0][1].append(("Server", "x"))
    assert call(door, dict(environ))[0].starts == expected
    assert before == HEADERS


def test_start_response_late() -> None:
    """An application that is a generator starts only when it is iterated, and has the headers nevertheless."""

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", HEADERS)
        yield b"x"

    server, body = call(CORSMiddleware(app, RULES), environ_of())
    assert server.starts == []
    assert list(body) == [b"x"]
    assert server.starts == [("200 OK", [*HEADERS, *ADDED])]


def fail() -> None:
    """Raise what an application raises."""
    raise ApplicationError


def test_start_response_twice() -> None:
    """A second start, with `exc_info`, is decorated anew, and `exc_info` reaches the server; the first has none to give."""
    raised: list[Any] = []

    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", HEADERS)
        try:
            fail()
        except ApplicationError:
            raised.append(sys.exc_info())
            start_response("500 Oops", HEADERS, raised[0])
        return []

    server, _ = call(CORSMiddleware(app, RULES), environ_of())
    assert server.starts == [("200 OK", [*HEADERS, *ADDED]), ("500 Oops", [*HEADERS, *ADDED], raised[0])]


def test_exc_info_by_name() -> None:
    """An application may name `exc_info`, also to say that there is none."""

    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", HEADERS, exc_info=None)
        return []

    server, _ = call(CORSMiddleware(app, RULES), environ_of())
    assert server.starts == [("200 OK", [*HEADERS, *ADDED])]


def test_start_response_never() -> None:
    """An application that never starts stays the server's problem: the door invents nothing."""
    server, body = call(CORSMiddleware(lambda *_: [b"x"], RULES), environ_of())
    assert (server.starts, body) == ([], [b"x"])


def test_write_is_the_server_s_own() -> None:
    """What `start_response` returns is the server's `write`."""

    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", HEADERS)(b"written")
        return [b"x"]

    server, body = call(CORSMiddleware(app, RULES), environ_of())
    assert (server.written, body) == ([b"written"], [b"x"])


@pytest.mark.parametrize("started", [False, True], ids=["before the start", "after the start"])
def test_exceptions_go_up_unchanged(started: bool) -> None:
    """The very exception of the application reaches the server, and the door starts nothing of its own."""
    error = ApplicationError()

    def app(environ: Any, start_response: Any) -> list[bytes]:
        if started:
            start_response("200 OK", HEADERS)
        raise error

    server = Server()
    with pytest.raises(ApplicationError) as caught:
        CORSMiddleware(app, RULES)(environ_of(), server.start_response)
    assert caught.value is error
    assert len(server.starts) == started


def test_each_chunk_is_out_before_the_next_is_produced() -> None:
    """The body is not buffered: the server has every chunk before the application goes on."""
    happened: list[str] = []

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", HEADERS)
        for number in range(3):
            happened.append(f"produced {number}")
            yield b"x"

    _, body = call(CORSMiddleware(app, RULES), environ_of())
    for number, _ in enumerate(body):
        happened.append(f"sent {number}")
    assert happened == [f"{step} {number}" for number in range(3) for step in ("produced", "sent")]


def test_the_environ_is_the_server_s() -> None:
    """The application gets the very environ, with the decision in it and nothing else changed."""
    seen: list[Any] = []

    def app(environ: Any, start_response: Any) -> list[bytes]:
        seen.append(environ)
        return starting(HEADERS, [])(environ, start_response)  # type: ignore[no-any-return]  # the test's own callable is untyped here

    environ = environ_of()
    before = dict(environ)
    call(CORSMiddleware(app, RULES), environ)
    assert seen[0] is environ
    assert environ.pop("r2style_cors").reason == "allowed"
    assert environ == before


def test_a_preflight_is_answered_unread() -> None:
    """A preflight needs neither the application nor the request's body, and its answer is valid WSGI."""

    def app(*_: Any) -> list[bytes]:
        pytest.fail("the application was reached")

    environ = environ_of("OPTIONS", ORIGIN, ("Access-Control-Request-Method", "PUT"))
    status, headers, body, _ = wsgi_exchange(validator(CORSMiddleware(app, RULES)), environ)
    assert (status, body) == (204, b"")
    assert cors_lines(headers) == [("access-control-allow-methods", "GET, PUT, HEAD"), *GRANTED]


@pytest.mark.parametrize("debug", [False, True])
def test_what_is_said_to_a_preflight_is_left_too(debug: bool) -> None:
    """8.3: every decision is left in the environ, so that a layer outside, or the server's log, can tell of refusals."""
    door = CORSMiddleware(starting(HEADERS), RULES, debug=debug)
    for method, reason in (("PUT", "allowed"), ("POST", "method")):
        environ = environ_of("OPTIONS", ORIGIN, ("Access-Control-Request-Method", method))
        server, _ = call(door, environ)
        decision = environ["r2style_cors"]
        assert (decision.reason, list(decision.headers)) == (reason, server.starts[0][1])


def test_a_bare_environ(caplog: pytest.LogCaptureFixture) -> None:
    """7.3: an environ without a path, as PEP 3333 allows it, has the empty path, which `/` covers, and which is logged."""
    caplog.set_level(logging.DEBUG, "r2style_cors")
    door = CORSMiddleware(starting(HEADERS), PathPolicies({"/": RULES, "/a": None}))
    server, _ = call(door, {"REQUEST_METHOD": "GET", "HTTP_ORIGIN": ORIGIN})
    assert server.starts == [("200 OK", [*HEADERS, *ADDED])]
    call(door, {"REQUEST_METHOD": "GET", "HTTP_ORIGIN": OTHER})
    assert caplog.records[0].cors["path"] == ""  # type: ignore[attr-defined]  # put there by the door


def test_paths_that_are_no_utf_8() -> None:
    """7.3, 8.1: a path that is no UTF-8 is compared all the same, and matches no prefix that it does not spell."""
    door = CORSMiddleware(starting(HEADERS), PathPolicies({"/é": RULES}))
    for path, added in (("/Ã©/x", ADDED), ("/é/x", []), ("/\xff", [])):
        server, _ = call(door, {**environ_of(), "PATH_INFO": path})
        assert server.starts == [("200 OK", [*HEADERS, *added])]


def test_app_headers_are_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    """5.5: the application's own CORS headers are told once per door, with the first path, and not where they stay."""
    own = [*HEADERS, ("access-control-allow-origin", "*")]
    kept = CORSMiddleware(starting(own), RULES, keep_app_headers=True)
    call(kept, environ_of(origin=OTHER))
    assert caplog.messages == []
    door = CORSMiddleware(starting(own), RULES)
    for path in ("/first", "/second"):
        call(door, {**environ_of(), "SCRIPT_NAME": "/mount", "PATH_INFO": path})
    [record] = caplog.records
    assert (record.name, record.levelno) == ("r2style_cors", logging.WARNING)
    assert "/mount/first" in record.getMessage()


@pytest.mark.parametrize(("options", "level"), [({}, logging.DEBUG), ({"debug": True}, logging.WARNING)], ids=str)
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_a_refusal_is_one_record(
    method: str, options: dict[str, Any], level: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A refusal is one record with its fields, a warning in debug mode; a granted request and one without Origin none."""
    caplog.set_level(logging.DEBUG, "r2style_cors")
    door = CORSMiddleware(starting(HEADERS), RULES, **options)
    requested = ("Access-Control-Request-Method", "PUT")
    call(door, environ_of(method, ORIGIN, requested))
    call(door, wsgi_environ(Request()))
    assert caplog.records == []
    call(door, environ_of(method, OTHER, requested, ("Access-Control-Request-Headers", "x" * 300)))
    [record] = caplog.records
    fields = record.cors  # type: ignore[attr-defined]  # put there by the door
    assert (record.levelno, fields["origin"], fields["method"], fields["path"]) == (level, OTHER, method, "/")
    assert (fields["request_method"], fields["request_headers"]) == ("PUT", "x" * 200)


# Real servers


class Streamer:
    """A bare WSGI application that yields its second chunk when it is told to."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        """Answer one request."""
        cookies = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
        start_response("200 OK", [*HEADERS, ("Vary", "Accept"), *cookies])
        if environ["REQUEST_METHOD"] != "HEAD":
            yield b"one "
            if environ["PATH_INFO"] == "/stream":
                self.released.wait()
            yield b"two"


class QuietWerkzeug(werkzeug.serving.WSGIRequestHandler):
    """Werkzeug's handler without its access log."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def on_wsgiref(app: Any) -> Iterator[int]:
    """The standard library's server, with its validator outside the door."""
    with make_server("127.0.0.1", 0, validator(app), handler_class=Quiet) as server, running(server):
        yield server.server_port


@contextmanager
def on_werkzeug(app: Any) -> Iterator[int]:
    """Werkzeug's development server."""
    server = werkzeug.serving.make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietWerkzeug)
    with closing(server.socket), running(server):
        yield server.server_port


@pytest.mark.parametrize("serve", [on_wsgiref, on_werkzeug])
def test_bare_application_on_a_server(serve: Any) -> None:
    """Over a socket: a preflight granted and refused, an actual request, HEAD, two cookies, and an unbuffered stream."""
    app = Streamer()
    with serve(CORSMiddleware(app, RULES)) as port:
        assert_served_behind_a_door(port, app.released)
