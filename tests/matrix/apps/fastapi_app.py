"""FastAPI, behind `r2style_cors.starlette.install`."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles

from matrix.apps.common import COOKIES, FILES, OWN_CORS, POLICY, VARY, chunks_async
from r2style_cors.starlette import install

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def lifespan(application: FastAPI) -> AsyncIterator[None]:
    application.state.started = "started"
    yield


app = FastAPI(lifespan=lifespan)
mounted = FastAPI()
install(app, POLICY)


@app.api_route("/hello", methods=["GET", "HEAD"])
@mounted.get("/hello")
async def hello() -> PlainTextResponse:
    return PlainTextResponse("hello")


@app.get("/not-modified")
async def not_modified() -> Response:
    return Response(status_code=304)


@app.get("/redirect")
async def redirect() -> RedirectResponse:
    return RedirectResponse("/hello", status_code=302)


@app.get("/fail")
async def fail() -> None:
    raise RuntimeError("on purpose")


@app.get("/stream")
async def stream() -> StreamingResponse:
    return StreamingResponse(chunks_async(), media_type="text/plain")


@app.get("/events")
async def events() -> StreamingResponse:
    return StreamingResponse(chunks_async(), media_type="text/event-stream")


@app.post("/upload")
async def upload(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


@app.get("/vary")
async def vary() -> PlainTextResponse:
    return PlainTextResponse("vary", headers=VARY)


@app.get("/own")
async def own() -> PlainTextResponse:
    return PlainTextResponse("own", headers=OWN_CORS)


@app.get("/cookies")
async def cookies() -> PlainTextResponse:
    response = PlainTextResponse("cookies")
    for name, value in COOKIES.items():
        response.set_cookie(name, value)
    return response


@app.get("/started")
async def started(request: Request) -> PlainTextResponse:
    return PlainTextResponse(getattr(request.app.state, "started", "not started"))


@app.websocket("/echo")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(await websocket.receive_text())
    await websocket.close()


app.mount("/mounted", mounted)
app.mount("/files", StaticFiles(directory=FILES))
