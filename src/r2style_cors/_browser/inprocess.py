"""Calling an ASGI or a WSGI application in this process: one request, one response, and no socket."""

from __future__ import annotations

import asyncio
import inspect
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeAlias
    from wsgiref.types import WSGIApplication

    from .safelist import Lines

    ASGIApp: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]


class Request(NamedTuple):
    """What an application is asked."""

    method: str
    url: str
    headers: Lines = ()
    body: bytes = b""


class Response(NamedTuple):
    """What a server answers.

    Attributes:
        status: the status.
        headers: the header lines, in their order; several of one name are several lines.
        body: the body.

    """

    status: int = 200
    headers: Lines = ()
    body: bytes = b""


def call(app: Any, request: Request) -> Response:
    """One response of an ASGI or a WSGI application. What it raises before it has started one is the caller's."""
    return call_asgi(app, request) if is_asgi(app) else call_wsgi(app, request)


def is_asgi(app: Callable[..., Any]) -> bool:
    """Whether `app` is awaited, or takes three arguments: scope, receive, send; WSGI has two."""
    call = getattr(app, "__call__", app)  # noqa: B004 - what it is, not whether it is
    if inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(call):
        return True
    try:
        parameters = inspect.signature(app).parameters.values()
    except (TypeError, ValueError):  # a callable of a C extension may have none to tell
        return False
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(each.kind in positional and each.default is each.empty for each in parameters) == 3  # noqa: PLR2004 - scope, receive, send


def call_wsgi(app: WSGIApplication, request: Request) -> Response:
    """One response of a WSGI application."""
    from werkzeug.test import EnvironBuilder, run_wsgi_app

    parts = urlsplit(request.url)
    builder = EnvironBuilder(
        parts.path or "/",
        f"{parts.scheme}://{parts.netloc}",
        parts.query,
        method=request.method,
        headers=list(request.headers),
        input_stream=BytesIO(request.body),
        content_length=len(request.body) if request.body else None,
    )
    body, status, headers = run_wsgi_app(app, builder.get_environ(), buffered=True)
    return Response(int(status.split(" ")[0]), tuple(headers), b"".join(body))


def call_asgi(app: ASGIApp, request: Request) -> Response:
    """One response, on a thread and a loop of its own: in an asynchronous caller this thread's loop is running already."""
    with ThreadPoolExecutor(1) as pool:
        messages = pool.submit(copy_context().run, asyncio.run, _messages(app, request)).result()
    start = messages[0]
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in start.get("headers", ()))
    return Response(start["status"], headers, b"".join(message.get("body", b"") for message in messages))


def _scope(request: Request) -> dict[str, Any]:
    url = urlsplit(request.url)
    lines = [("host", url.netloc), *request.headers]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": url.scheme,
        "path": unquote(url.path) or "/",
        "raw_path": url.path.encode(),
        "query_string": url.query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in lines],
        "client": ("127.0.0.1", 50000),
        "server": (url.hostname, url.port or (443 if url.scheme == "https" else 80)),
    }


async def _messages(app: ASGIApp, request: Request) -> list[Any]:
    """The messages of one response, its start first. An exception is the caller's, unless a response has been started."""
    requests = [{"type": "http.request", "body": request.body, "more_body": False}]
    answered = asyncio.Event()
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        if requests:
            return requests.pop()
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if sent or message["type"] == "http.response.start":
            sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            answered.set()

    try:
        await app(_scope(request), receive, send)
    except Exception:
        if not sent:
            raise
    if not sent:
        message = "the application has started no response"
        raise AssertionError(message)
    return sent
