"""Policy files that change, and doors that are asked what they answer."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

import r2style_cors.asgi
import r2style_cors.wsgi
from support.doors import at_once
from support.listening import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

PAGE = "https://page.example"


def policy(exposed: str, **more: Any) -> list[dict[str, Any]]:
    """A policy that is told from others by the header that it exposes."""
    return [{"AllowedOrigins": [PAGE], "AllowedMethods": ["GET"], "ExposeHeaders": [exposed], **more}]


def replace(path: Path, text: str | list[dict[str, Any]]) -> None:
    """Put a new file in place of `path` by an atomic rename."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text if isinstance(text, str) else json.dumps(text), "utf-8")
    os.replace(fresh, path)  # noqa: PTH105 - the system call that is meant


def wsgi_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """An application without CORS headers of its own."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]


def wsgi_door(source: Any, **options: Any) -> Any:
    """`wsgi_app` behind a policy."""
    return r2style_cors.wsgi.CORSMiddleware(wsgi_app, source, **options)


def wsgi_headers(door: Any, path: str = "/", **environ: str) -> dict[str, str]:
    """The headers of a GET from `PAGE`, names in lower case."""
    started: list[Any] = []
    asked = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": path, "HTTP_ORIGIN": PAGE, **environ}
    door(asked, lambda *start: started.append(start))
    return {name.lower(): value for name, value in started[0][1]}


async def asgi_app(scope: Any, receive: Any, send: Any) -> None:
    """An application without CORS headers of its own, which accepts every WebSocket."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
    else:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})


def asgi_door(source: Any, **options: Any) -> Any:
    """`asgi_app` behind a policy."""
    return r2style_cors.asgi.CORSMiddleware(asgi_app, source, **options)


def asgi_messages(door: Any, path: str = "/", origin: str = PAGE, **scope: Any) -> list[Any]:
    """What is sent in answer to a GET."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"api.example"), (b"origin", origin.encode())]
    asked = {"type": "http", "method": "GET", "path": path, "root_path": "", "headers": headers, **scope}
    at_once(door(asked, receive, send))
    return sent


def asgi_headers(door: Any, path: str = "/", **scope: Any) -> dict[str, str]:
    """The headers of a GET from `PAGE`."""
    start = asgi_messages(door, path, **scope)[0]
    return {name.decode(): value.decode() for name, value in start["headers"]}


def exposed(headers: dict[str, str]) -> str | None:
    """The header that the policy in force exposes, which tells the policies apart."""
    return headers.get("access-control-expose-headers")


def wait_until(condition: Callable[[], bool]) -> None:
    """Return as soon as `condition` holds; fail where it never does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.002)
