"""Starlette, behind `r2style_cors.starlette.install`."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from matrix.apps.common import COOKIES, FILES, OWN_CORS, POLICY, VARY, chunks_async
from r2style_cors.starlette import install

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.websockets import WebSocket


async def hello(request: Request) -> Response:
    return PlainTextResponse("hello")


async def not_modified(request: Request) -> Response:
    return Response(status_code=304)


async def redirect(request: Request) -> Response:
    return RedirectResponse("/hello", status_code=302)


async def fail(request: Request) -> Response:
    raise RuntimeError("on purpose")


async def stream(request: Request) -> Response:
    return StreamingResponse(chunks_async(), media_type="text/plain")


async def events(request: Request) -> Response:
    return StreamingResponse(chunks_async(), media_type="text/event-stream")


async def upload(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def vary(request: Request) -> Response:
    return PlainTextResponse("vary", headers=VARY)


async def own(request: Request) -> Response:
    return PlainTextResponse("own", headers=OWN_CORS)


async def cookies(request: Request) -> Response:
    response = PlainTextResponse("cookies")
    for name, value in COOKIES.items():
        response.set_cookie(name, value)
    return response


async def started(request: Request) -> Response:
    return PlainTextResponse(getattr(request.app.state, "started", "not started"))


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(await websocket.receive_text())
    await websocket.close()


@asynccontextmanager
async def lifespan(application: Starlette) -> AsyncIterator[None]:
    application.state.started = "started"
    yield


app = Starlette(
    lifespan=lifespan,
    routes=[
        Route("/hello", hello),
        Route("/not-modified", not_modified),
        Route("/redirect", redirect),
        Route("/fail", fail),
        Route("/stream", stream),
        Route("/events", events),
        Route("/upload", upload, methods=["POST"]),
        Route("/vary", vary),
        Route("/own", own),
        Route("/cookies", cookies),
        Route("/started", started),
        WebSocketRoute("/echo", echo),
        Mount("/mounted", Starlette(routes=[Route("/hello", hello)])),
        Mount("/files", StaticFiles(directory=FILES)),
    ],
)
install(app, POLICY)
