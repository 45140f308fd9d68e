"""The bare applications and the loops that drive them; `timing.copy_of` gives each contender its own copy of both.

The copies matter: CPython specialises bytecode for what passes through it, and contenders that shared one code object
would spoil each other's, which never happens in a server that runs one of them.
"""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from workloads import ASGIApp, ASGICall, Receive, Scope, Send

SHORT = [("content-type", "text/plain"), ("content-length", "2")]
LONG = [
    ("content-type", "application/json"),
    ("content-length", "2"),
    ("date", "Tue, 24 Nov 2026 09:00:00 GMT"),
    ("cache-control", "private, max-age=0, must-revalidate"),
    ("etag", '"1f0c9d"'),
    ("last-modified", "Mon, 23 Nov 2026 09:00:00 GMT"),
    ("vary", "Accept-Encoding"),
    ("strict-transport-security", "max-age=31536000"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("x-request-id", "9b2f6c1e"),
    ("server-timing", "app;dur=1.2"),
    ("link", "</style.css>; rel=preload"),
    ("accept-ranges", "bytes"),
]


def title(name: str) -> str:
    """A header name as WSGI applications usually write it: `Content-Type`."""
    return "-".join(word.capitalize() for word in name.split("-"))


def asgi(headers: list[tuple[str, str]]) -> ASGIApp:
    """The bare ASGI application: 200, `headers`, two bytes."""
    raw = [(name.encode(), value.encode()) for name, value in headers]

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": list(raw)})
        await send({"type": "http.response.body", "body": b"ok"})

    return app


def wsgi(headers: list[tuple[str, str]]) -> WSGIApplication:
    """The bare WSGI application: 200, `headers`, two bytes."""
    pairs = [(title(name), value) for name, value in headers]

    def app(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", list(pairs))
        return [b"ok"]

    return app


async def asgi_nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """An ASGI application that does nothing: what a call itself costs."""


def wsgi_nothing(_environ: WSGIEnvironment, _start_response: StartResponse) -> Iterable[bytes]:
    """A WSGI application that does nothing: what a call itself costs."""
    return ()


async def _run_asgi(app: ASGIApp, calls: list[ASGICall]) -> int:
    start = perf_counter_ns()
    for scope, receive, send in calls:
        await app(scope, receive, send)
    return perf_counter_ns() - start


def drive_asgi(app: ASGIApp, calls: list[ASGICall]) -> int:
    """Nanoseconds for `calls`. No event loop is needed, since nothing in a call ever waits."""
    run = _run_asgi(app, calls)
    try:
        run.send(None)
    except StopIteration as end:
        return int(end.value)
    message = "the application waited for something"
    raise RuntimeError(message)


def drive_wsgi(app: WSGIApplication, calls: list[tuple[WSGIEnvironment, StartResponse]]) -> int:
    """Nanoseconds for `calls`, each response read and closed as a server does."""
    start = perf_counter_ns()
    for environ, start_response in calls:
        body = app(environ, start_response)
        for _ in body:
            pass
        close = getattr(body, "close", None)
        if close is not None:
            close()
    return perf_counter_ns() - start
