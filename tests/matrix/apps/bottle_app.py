"""Bottle, wrapped whole: its own error layer stands inside."""

# Bottle has no types, and what is inferred of it is wrong.
# pyright: reportCallIssue=false, reportArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bottle import Bottle, HTTPResponse, request, static_file
from bottle import redirect as redirect_to

from matrix.apps.common import COOKIES, FILES, OWN_CORS, POLICY, VARY, chunks
from r2style_cors.wsgi import CORSMiddleware

if TYPE_CHECKING:
    from collections.abc import Iterator

bottle_app = Bottle()
mounted = Bottle()


@bottle_app.get("/hello")
@mounted.get("/hello")
def hello() -> Any:
    return HTTPResponse("hello", content_type="text/plain")


@bottle_app.get("/not-modified")
def not_modified() -> Any:
    return HTTPResponse(status=304)


@bottle_app.get("/redirect")
def redirect() -> None:
    redirect_to("/hello", 302)


@bottle_app.get("/fail")
def fail() -> None:
    raise RuntimeError("on purpose")


@bottle_app.get("/stream")
def stream() -> Iterator[bytes]:
    return chunks()


@bottle_app.get("/events")
def events() -> Any:
    return HTTPResponse(chunks(), content_type="text/event-stream")


@bottle_app.post("/upload")
def upload() -> str:
    return str(len(request.body.read()))


@bottle_app.get("/vary")
def vary() -> Any:
    return HTTPResponse("vary", headers=VARY)


@bottle_app.get("/own")
def own() -> Any:
    return HTTPResponse("own", headers=OWN_CORS)


@bottle_app.get("/cookies")
def cookies() -> Any:
    response = HTTPResponse("cookies")
    for name, value in COOKIES.items():
        response.set_cookie(name, value)
    return response


@bottle_app.get("/files/<name>")
def file(name: str) -> Any:
    return static_file(name, root=str(FILES))


bottle_app.mount("/mounted/", mounted)
app = CORSMiddleware(bottle_app, POLICY)
