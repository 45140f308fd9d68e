"""Flask, behind `r2style_cors.flask.init_app`."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, request
from flask import redirect as redirect_to
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from matrix.apps.common import COOKIES, FILES, OWN_CORS, POLICY, VARY, chunks
from r2style_cors.flask import init_app

app = Flask(__name__, static_folder=FILES, static_url_path="/files")
mounted = Flask("mounted")


@app.get("/hello")
@mounted.get("/hello")
def hello() -> Response:
    return Response("hello", mimetype="text/plain")


@app.get("/not-modified")
def not_modified() -> Response:
    return Response(status=304)


@app.get("/redirect")
def redirect() -> Any:
    return redirect_to("/hello")


@app.get("/fail")
def fail() -> Response:
    raise RuntimeError("on purpose")


@app.get("/stream")
def stream() -> Response:
    return Response(chunks(), mimetype="text/plain")


@app.get("/events")
def events() -> Response:
    return Response(chunks(), mimetype="text/event-stream")


@app.post("/upload")
def upload() -> Response:
    return Response(str(len(request.get_data())))


@app.get("/vary")
def vary() -> Response:
    return Response("vary", headers=VARY)


@app.get("/own")
def own() -> Response:
    return Response("own", headers=OWN_CORS)


@app.get("/cookies")
def cookies() -> Response:
    response = Response("cookies")
    for name, value in COOKIES.items():
        response.set_cookie(name, value)
    return response


app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/mounted": mounted})  # type: ignore[method-assign]  # as Werkzeug's documentation has it
init_app(app, POLICY)
