"""Servers in threads of this process, each on a socket of this machine, and our own doors before a small application there."""

from __future__ import annotations

import socket
from contextlib import closing, contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import uvicorn

import r2style_cors.asgi
import r2style_cors.wsgi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from r2style_cors import Engine


@contextmanager
def on_uvicorn(app: Any, listener: socket.socket, **settings: Any) -> Iterator[None]:
    """Uvicorn with `app` on a socket that is open already, while the block lasts."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, **settings))
    thread = Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def running(server: Any) -> Iterator[None]:
    """A server of the standard library's kind, while the block lasts."""
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


class Quiet(WSGIRequestHandler):
    """The standard library's handler without its access log."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


async def asgi_notes(scope: Any, receive: Any, send: Any) -> None:
    """Answer with a line."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"note\n"})


def wsgi_notes(environ: Any, start_response: Any) -> list[bytes]:
    """Answer with a line."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"note\n"]


@contextmanager
def asgi_server(engine: Engine) -> Iterator[str]:
    """Our ASGI door, served by Uvicorn."""
    app = r2style_cors.asgi.CORSMiddleware(asgi_notes, policy=engine)
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as listener,
        on_uvicorn(app, listener, lifespan="off", ws="none"),
    ):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/notes/7"


@contextmanager
def wsgi_server(engine: Engine) -> Iterator[str]:
    """Our WSGI door, served by the standard library."""
    app = r2style_cors.wsgi.CORSMiddleware(wsgi_notes, policy=engine)
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server, running(server):
        yield f"http://127.0.0.1:{server.server_port}/notes/7"
