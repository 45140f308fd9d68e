"""An application that names the process it runs in, behind a policy file that changes, or bare to compare with."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import r2style_cors.asgi
import r2style_cors.wsgi
from r2style_cors import PolicyFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

POLICY = "R2STYLE_CORS_FAULTS_POLICY"  # the environment variable that names the file
WORKER = "x-worker"  # the header that names the process
CHECK_EVERY = 0.02  # more often than the file changes
HEADERS = [("content-type", "text/plain"), ("content-length", "3"), (WORKER, "{}")]


def headers() -> list[tuple[str, str]]:
    """The headers of a response of this process."""
    return [(name, value.format(os.getpid())) for name, value in HEADERS]


async def bare_asgi(scope: Any, receive: Any, send: Any) -> None:
    """Answer `ok`."""
    if scope["type"] == "http":
        lines = [(name.encode(), value.encode()) for name, value in headers()]
        await send({"type": "http.response.start", "status": 200, "headers": lines})
        await send({"type": "http.response.body", "body": b"ok\n"})


def bare_wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer `ok`."""
    start_response("200 OK", headers())
    return [b"ok\n"]


def asgi() -> Any:
    """The ASGI application behind the file."""
    return r2style_cors.asgi.CORSMiddleware(bare_asgi, PolicyFile(os.environ[POLICY], CHECK_EVERY))


def wsgi() -> Any:
    """The WSGI application behind the file."""
    return r2style_cors.wsgi.CORSMiddleware(bare_wsgi, PolicyFile(os.environ[POLICY], CHECK_EVERY))
