"""Pyramid, wrapped whole. An exception view writes its 500s; without one the server would, outside the policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPFound, HTTPMethodNotAllowed
from pyramid.response import Response
from pyramid.wsgi import wsgiapp2

from matrix.apps.common import COOKIES, FILES, OWN_CORS, POLICY, VARY, chunks
from r2style_cors.wsgi import CORSMiddleware

if TYPE_CHECKING:
    from pyramid.request import Request


def hello(request: Request) -> Any:
    if request.method not in {"GET", "HEAD"}:
        raise HTTPMethodNotAllowed
    return Response("hello", content_type="text/plain")


def not_modified(request: Request) -> Any:
    return Response(status=304)


def redirect(request: Request) -> Any:
    raise HTTPFound("/hello")


def fail(request: Request) -> Any:
    raise RuntimeError("on purpose")


def error(context: Exception, request: Request) -> Any:
    return Response("failed", status=500)


def stream(request: Request) -> Any:
    return Response(app_iter=chunks(), content_type="text/plain")


def events(request: Request) -> Any:
    return Response(app_iter=chunks(), content_type="text/event-stream")


def upload(request: Request) -> Any:
    return Response(str(len(request.body)))


def vary(request: Request) -> Any:
    return Response("vary", headers=VARY)


def own(request: Request) -> Any:
    return Response("own", headers=OWN_CORS)


def cookies(request: Request) -> Any:
    response = Response("cookies")
    for name, value in COOKIES.items():
        response.set_cookie(name, value)
    return response


def made(routes: dict[str, Any]) -> Any:
    """A Pyramid application with `routes`, and its files where it has them."""
    with Configurator() as config:
        for path, view in routes.items():
            config.add_route(path, path)
            config.add_view(view, route_name=path)
        config.add_static_view("/files", str(FILES))
        config.add_exception_view(error, context=Exception)
        return config.make_wsgi_app()


ROUTES = {
    "/hello": hello,
    "/not-modified": not_modified,
    "/redirect": redirect,
    "/fail": fail,
    "/stream": stream,
    "/events": events,
    "/upload": upload,
    "/vary": vary,
    "/own": own,
    "/cookies": cookies,
    "/mounted/*subpath": wsgiapp2(made({"/hello": hello})),
}
app = CORSMiddleware(made(ROUTES), POLICY)
