"""Our own doors before a small application, served over a socket of this machine."""

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
    config = uvicorn.Config(
        r2style_cors.asgi.CORSMiddleware(asgi_notes, policy=engine), lifespan="off", ws="none", log_level="error"
    )
    server = uvicorn.Server(config)
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        thread = Thread(target=server.run, args=[[listening]])
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/notes/7"
        finally:
            server.should_exit = True
            thread.join()


class Quiet(WSGIRequestHandler):
    """Logs nothing."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def wsgi_server(engine: Engine) -> Iterator[str]:
    """Our WSGI door, served by the standard library."""
    app = r2style_cors.wsgi.CORSMiddleware(wsgi_notes, policy=engine)
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/notes/7"
        finally:
            server.shutdown()
            thread.join()
