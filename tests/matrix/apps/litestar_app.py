"""Litestar, wrapped whole: its own error layer stands inside."""

from __future__ import annotations

from typing import Any

from litestar import Litestar, MediaType, Request, WebSocket, asgi, get, head, post, websocket
from litestar.datastructures import State  # noqa: TC002 - Litestar reads the annotations
from litestar.response import Redirect, Response, Stream
from litestar.static_files import create_static_files_router
from litestar.types import Receive, Scope, Send  # noqa: TC002 - Litestar reads the annotations

from matrix.apps.common import COOKIES, FILES, OWN_CORS, POLICY, VARY, chunks_async
from r2style_cors.asgi import CORSMiddleware


@get("/hello", media_type=MediaType.TEXT)
async def hello() -> str:
    return "hello"


@head("/hello")
async def hello_head() -> None:
    return None


@get("/not-modified", status_code=304)
async def not_modified() -> None:
    return None


@get("/redirect", status_code=302)
async def redirect() -> Redirect:
    return Redirect("/hello", status_code=302)


@get("/fail")
async def fail() -> None:
    raise RuntimeError("on purpose")


@get("/stream")
async def stream() -> Stream:
    return Stream(chunks_async(), media_type="text/plain")


@get("/events")
async def events() -> Stream:
    return Stream(chunks_async(), media_type="text/event-stream")


@post("/upload", status_code=200, media_type=MediaType.TEXT)
async def upload(request: Request[Any, Any, Any]) -> str:
    return str(len(await request.body()))


@get("/vary")
async def vary() -> Response[str]:
    return Response("vary", headers=VARY, media_type=MediaType.TEXT)


@get("/own")
async def own() -> Response[str]:
    return Response("own", headers=OWN_CORS, media_type=MediaType.TEXT)


@get("/cookies")
async def cookies() -> Response[str]:
    return Response("cookies", cookies=COOKIES, media_type=MediaType.TEXT)


@get("/started", media_type=MediaType.TEXT)
async def started(state: State) -> str:
    return str(state.get("started", "not started"))


@websocket("/echo")
async def echo(socket: WebSocket[Any, Any, Any]) -> None:
    await socket.accept()
    await socket.send_text(await socket.receive_text())
    await socket.close()


@asgi("/mounted", is_mount=True, copy_scope=True)
async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
    await Litestar([hello], openapi_config=None)(scope, receive, send)


def start(application: Litestar) -> None:
    application.state.started = "started"


HANDLERS: list[Any] = [
    hello,
    hello_head,
    not_modified,
    redirect,
    fail,
    stream,
    events,
    upload,
    vary,
    own,
    cookies,
    started,
    echo,
    mounted,
    create_static_files_router("/files", directories=[FILES]),
]
litestar_app: Any = Litestar(HANDLERS, on_startup=[start])  # its own types of messages are narrower than ASGI's
app = CORSMiddleware(litestar_app, POLICY)
