"""Quart, with the ASGI middleware on `asgi_app`: its own error layer stands inside."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Quart, Response, request, websocket
from quart import redirect as redirect_to

from matrix.apps.common import COOKIES, FILES, OWN_CORS, POLICY, VARY, chunks_async
from r2style_cors.asgi import CORSMiddleware

app = Quart(__name__, static_folder=str(FILES), static_url_path="/files")
mounted = Blueprint("mounted", __name__, url_prefix="/mounted")
state: dict[str, str] = {}


@app.before_serving
async def start() -> None:
    state["started"] = "started"


@app.get("/hello")
@mounted.get("/hello")
async def hello() -> Response:
    return Response("hello", mimetype="text/plain")


@app.get("/not-modified")
async def not_modified() -> Response:
    return Response(status=304)


@app.get("/redirect")
async def redirect() -> Any:
    return redirect_to("/hello")


@app.get("/fail")
async def fail() -> Response:
    raise RuntimeError("on purpose")


@app.get("/stream")
async def stream() -> Response:
    return Response(chunks_async(), mimetype="text/plain")


@app.get("/events")
async def events() -> Response:
    return Response(chunks_async(), mimetype="text/event-stream")


@app.post("/upload")
async def upload() -> Response:
    return Response(str(len(await request.get_data())))


@app.get("/vary")
async def vary() -> Response:
    return Response("vary", headers=VARY)


@app.get("/own")
async def own() -> Response:
    return Response("own", headers=OWN_CORS)


@app.get("/cookies")
async def cookies() -> Response:
    response = Response("cookies")
    for name, value in COOKIES.items():
        response.set_cookie(name, value)
    return response


@app.get("/started")
async def started() -> Response:
    return Response(state.get("started", "not started"))


@app.websocket("/echo")
async def echo() -> None:
    await websocket.send(await websocket.receive())


app.register_blueprint(mounted)
app.asgi_app = CORSMiddleware(app.asgi_app, POLICY)  # type: ignore[method-assign, assignment]  # as Quart documents it
