"""The doors of the frameworks, driven in one process: what stands inside, and where a 500 has its CORS headers."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import falcon
import falcon.asgi
import httpx
import pytest
from bottle import Bottle
from fastapi import FastAPI
from flask import Flask
from flask import redirect as flask_redirect
from litestar import Litestar
from litestar import get as litestar_get
from litestar.testing import TestClient as LitestarClient
from pyramid.config import Configurator
from pyramid.response import Response as PyramidResponse
from quart import Quart
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse

import r2style_cors.asgi
import r2style_cors.wsgi
from r2style_cors import PathPolicies, PolicyFile
from r2style_cors.flask import init_app
from r2style_cors.starlette import install
from support.doors import wsgi_environ, wsgi_exchange
from support.messages import ApplicationError, Request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

ORIGIN = "https://app.example"
FROM_ORIGIN = {"Origin": ORIGIN}
RULES: list[Any] = [{"AllowedOrigins": [ORIGIN], "AllowedMethods": ["GET"], "ExposeHeaders": ["ETag"]}]
STAR: list[Any] = [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}]
GET = Request("GET", tuple(FROM_ORIGIN.items()))
PREFLIGHT = {**FROM_ORIGIN, "Access-Control-Request-Method": "GET"}
GRANTED = {"access-control-allow-origin": ORIGIN, "access-control-expose-headers": "ETag"}


def cors(headers: Any) -> dict[str, str]:
    """The CORS headers of a response."""
    return {name.lower(): value for name, value in headers.items() if name.lower().startswith("access-control-")}


def ask(app: Any, method: str, path: str, headers: dict[str, str], *, raises: bool = False) -> httpx.Response:
    """Ask an ASGI application. An exception that comes out is raised, or is a 500, as every server has it."""

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=raises)
        async with httpx.AsyncClient(transport=transport, base_url="http://api.example") as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(asked())


def get(app: Any, path: str = "/") -> httpx.Response:
    """Ask an ASGI application for a path, from the allowed origin."""
    return ask(app, "GET", path, FROM_ORIGIN)


async def fail(*_: Any) -> Any:
    """Fail, as a route, an exception handler or a middleware of any kind."""
    raise ApplicationError


def in_route(app: Starlette) -> None:
    """A route fails."""
    app.add_route("/", fail)


def in_exception_handler(app: Starlette) -> None:
    """A route fails, and so does the handler of its exception."""
    app.add_route("/", fail)
    app.add_exception_handler(ApplicationError, fail)


def in_error_page(app: Starlette) -> None:
    """A route fails, and the application has a page of its own for that."""

    async def page(*_: Any) -> PlainTextResponse:
        return PlainTextResponse("sorry", 500)

    app.add_route("/", fail)
    app.add_exception_handler(Exception, page)


def in_middleware(app: Starlette) -> None:
    """A middleware fails."""
    app.add_middleware(BaseHTTPMiddleware, dispatch=fail)


FAILURES = [in_route, in_exception_handler, in_error_page, in_middleware]


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("debug", [False, True], ids=["debug off", "debug on"])
@pytest.mark.parametrize("kind", [Starlette, FastAPI])
def test_starlette_500(kind: Any, debug: bool, failure: Callable[[Starlette], None]) -> None:
    """5.6: wherever the exception comes from, Starlette's 500 has its CORS headers, with `debug` on and off."""
    app = kind(debug=debug)
    install(app, RULES)
    failure(app)
    response = get(app)
    assert (response.status_code, cors(response.headers), response.headers["vary"]) == (500, GRANTED, "Origin")


@pytest.mark.parametrize("kind", [Starlette, FastAPI])
def test_starlette_policy_stands_outside_later_middleware(kind: Any) -> None:
    """A middleware that is added after the policy, and answers by itself, still stands inside; preflights never reach it."""
    asked = []

    async def refuse(request: Any, _: Any) -> PlainTextResponse:
        asked.append(request.method)
        return PlainTextResponse("who are you?", 401)

    app = kind()
    install(app, RULES)
    app.add_middleware(BaseHTTPMiddleware, dispatch=refuse)
    assert cors(get(app).headers) == GRANTED
    assert ask(app, "OPTIONS", "/", PREFLIGHT).status_code == 204
    assert asked == ["GET"]


def test_starlette_lifespan() -> None:
    """The lifespan passes through the door, and requests after it are answered by the same application."""
    seen = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        seen.append("started")
        yield
        seen.append("stopped")

    app = Starlette(lifespan=lifespan)
    install(app, RULES)
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    asyncio.run(app({"type": "lifespan", "state": {}}, receive, send))
    assert (seen, sent) == (["started", "stopped"], ["lifespan.startup.complete", "lifespan.shutdown.complete"])
    assert cors(get(app).headers) == GRANTED


def test_starlette_mount_with_a_door_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    """Of a mounted application's policy and its parent's, the parent's decides; the inner one warns once."""
    parent, child = FastAPI(), FastAPI()
    install(parent, RULES)
    install(child, STAR)
    parent.mount("/child", child)
    for _ in range(2):
        assert cors(get(parent, "/child/openapi.json").headers) == GRANTED
    assert [record.levelno for record in caplog.records if "stacked" in record.message] == [logging.WARNING]


def test_starlette_mount_alone_and_by_path() -> None:
    """A policy covers the mounted application that it is installed on, or the path that it is bound to, and no other."""
    child, parent = FastAPI(), FastAPI()
    install(child, RULES)
    parent.mount("/child", child)
    bound = FastAPI()
    bound.mount("/child", FastAPI())
    install(bound, PathPolicies({"/child": RULES}))
    for app in (parent, bound):
        assert cors(get(app, "/child/openapi.json").headers) == GRANTED
        outside = get(app, "/openapi.json")
        assert (cors(outside.headers), "vary" in outside.headers) == ({}, False)


@pytest.mark.parametrize("kind", [Starlette, FastAPI])
def test_starlette_failed_install_leaves_the_application_alone(kind: Any) -> None:
    """An install that raises installs nothing: the next one, with a policy that is good, does."""
    app = kind()
    with pytest.raises(ValueError, match="OPTIONS"):
        install(app, [{"AllowedOrigins": [ORIGIN], "AllowedMethods": ["OPTIONS"]}])
    install(app, RULES)
    assert cors(get(app).headers) == GRANTED


def test_install_follows_a_file(tmp_path: Path) -> None:
    """A `PolicyFile` that changes comes into force behind an application that is installed already."""
    file = tmp_path / "cors.json"
    file.write_text('[{"AllowedOrigins": ["https://other.example"], "AllowedMethods": ["GET"]}]', encoding="utf-8")
    policy = PolicyFile(file)
    app = Starlette()
    install(app, policy)
    assert cors(get(app).headers) == {}
    file.write_text('[{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}]', encoding="utf-8")
    policy.reload()
    assert cors(get(app).headers) == {"access-control-allow-origin": "*"}


def test_flask_hooks_and_error_handlers_stand_inside() -> None:
    """What an error handler or a `before_request` answers has its CORS headers; a preflight reaches neither."""
    app = Flask(__name__)
    init_app(app, RULES)
    app.register_error_handler(404, lambda _: flask_redirect("/elsewhere"))
    asked = []
    app.before_request(lambda: asked.append("asked"))
    assert cors(app.test_client().get("/nowhere", headers=FROM_ORIGIN).headers) == GRANTED
    assert app.test_client().options("/", headers=PREFLIGHT).status_code == 204
    assert asked == ["asked"]


def test_flask_failed_install_leaves_the_application_alone() -> None:
    """An `init_app` that raises installs nothing: the next one, with a policy that is good, does."""
    app = Flask(__name__)
    with pytest.raises(ValueError, match="OPTIONS"):
        init_app(app, [{"AllowedOrigins": [ORIGIN], "AllowedMethods": ["OPTIONS"]}])
    init_app(app, RULES)
    assert cors(app.test_client().get("/", headers=FROM_ORIGIN).headers) == GRANTED


def starlette_added() -> Any:
    """Starlette with the policy as a middleware of its own, which its 500 does not pass."""
    app = Starlette()
    app.add_route("/", fail)
    app.add_middleware(r2style_cors.asgi.CORSMiddleware, policy=RULES)
    return app


def litestar() -> Any:
    """Litestar, wrapped whole."""

    @litestar_get("/")
    async def route() -> None:
        raise ApplicationError

    whole: Any = Litestar([route], logging_config=None)  # the logging of this process is not its own
    return r2style_cors.asgi.CORSMiddleware(whole, RULES)


def quart(**config: bool) -> Any:
    """Quart, with the middleware on `asgi_app`."""
    app: Any = Quart(__name__)
    app.config.update(config)
    app.get("/")(fail)
    app.asgi_app = r2style_cors.asgi.CORSMiddleware(app.asgi_app, RULES)
    return app


def quart_testing() -> Any:
    """Quart that shows a traceback, which it writes itself."""
    return quart(TESTING=True)


def quart_propagating() -> Any:
    """Quart that lets exceptions through, as its configuration asks."""
    return quart(PROPAGATE_EXCEPTIONS=True)


class FalconFailure:
    """A Falcon resource that fails."""

    def on_get(self, *_: Any) -> None:
        """Fail over WSGI."""
        raise ApplicationError


class FalconFailureAsync:
    """The same over ASGI."""

    async def on_get(self, *_: Any) -> None:
        """Fail."""
        raise ApplicationError


def falcon_asgi() -> Any:
    """Falcon over ASGI, wrapped whole."""
    app: Any = falcon.asgi.App()
    app.add_route("/", FalconFailureAsync())
    return r2style_cors.asgi.CORSMiddleware(app, RULES)


def plain_asgi() -> Any:
    """An application without a framework."""
    return r2style_cors.asgi.CORSMiddleware(fail, RULES)


def falcon_wsgi() -> Any:
    """Falcon over WSGI, wrapped whole."""
    app = falcon.App()
    app.add_route("/", FalconFailure())
    return r2style_cors.wsgi.CORSMiddleware(app, RULES)


def fail_wsgi(*_: Any) -> Any:
    """Fail, as a view of any framework or a whole application."""
    raise ApplicationError


def flask(**config: bool) -> Any:
    """Flask, behind `init_app`."""
    app = Flask(__name__)
    app.config.update(config)
    app.add_url_rule("/", view_func=fail_wsgi)
    init_app(app, RULES)
    return app


def flask_testing() -> Any:
    """Flask that lets exceptions through, as its configuration asks."""
    return flask(TESTING=True)


def flask_propagating() -> Any:
    """The same, asked for by the other name."""
    return flask(PROPAGATE_EXCEPTIONS=True)


def pyramid(*, view: bool) -> Any:
    """Pyramid, wrapped whole, with an exception view or without."""
    with Configurator() as config:
        config.add_route("fail", "/")
        config.add_view(fail_wsgi, route_name="fail")
        if view:
            config.add_exception_view(lambda *_: PyramidResponse("sorry", status=500), context=Exception)
        return r2style_cors.wsgi.CORSMiddleware(config.make_wsgi_app(), RULES)


def pyramid_with_view() -> Any:
    """Pyramid with an exception view."""
    return pyramid(view=True)


def pyramid_without_view() -> Any:
    """Pyramid without one."""
    return pyramid(view=False)


def bottle(*, catchall: bool = True) -> Any:
    """Bottle, wrapped whole."""
    app: Any = Bottle()
    app.config["catchall"] = catchall
    app.get("/")(fail_wsgi)
    return r2style_cors.wsgi.CORSMiddleware(app, RULES)


def bottle_without_catchall() -> Any:
    """Bottle that lets exceptions through."""
    return bottle(catchall=False)


def plain_wsgi() -> Any:
    """An application without a framework."""
    return r2style_cors.wsgi.CORSMiddleware(fail_wsgi, RULES)


@pytest.mark.parametrize("make", [litestar, quart, quart_testing, falcon_asgi])
def test_asgi_500_inside(make: Callable[[], Any]) -> None:
    """5.6: a framework that is wrapped whole writes its 500 inside, with CORS headers."""
    response = get(make())
    assert (response.status_code, cors(response.headers)) == (500, GRANTED)


@pytest.mark.parametrize("make", [starlette_added, quart_propagating, plain_asgi])
def test_asgi_500_outside(make: Callable[[], Any]) -> None:
    """5.6: where an exception passes the door, it goes on unchanged, and the 500 that follows has no CORS headers."""
    response = get(make())
    assert (response.status_code, cors(response.headers)) == (500, {})
    with pytest.raises((ApplicationError, ExceptionGroup)) as raised:  # newer Quart runs requests in a task group
        ask(make(), "GET", "/", FROM_ORIGIN, raises=True)
    error = raised.value
    assert [type(one) for one in getattr(error, "exceptions", [error])] == [ApplicationError]


@pytest.mark.parametrize("make", [flask, falcon_wsgi, pyramid_with_view, bottle])
def test_wsgi_500_inside(make: Callable[[], Any]) -> None:
    """5.6: a framework with an error layer of its own writes its 500 inside, with CORS headers."""
    status, headers, _, raised = wsgi_exchange(make(), wsgi_environ(GET))
    assert (status, cors(dict(headers)), raised) == (500, GRANTED, False)


OUTSIDE_WSGI = [flask_testing, flask_propagating, pyramid_without_view, bottle_without_catchall, plain_wsgi]


@pytest.mark.parametrize("make", OUTSIDE_WSGI)
def test_wsgi_500_outside(make: Callable[[], Any]) -> None:
    """5.6: where nothing inside handles an exception, it goes on to the server, whose 500 knows no policy."""
    assert wsgi_exchange(make(), wsgi_environ(GET)) == (None, (), b"", True)


def test_litestar_takes_what_the_middleware_gives() -> None:
    """Litestar's test client takes its application from behind the middleware, and so do its types, which mypy looks at."""

    @litestar_get("/")
    async def seven() -> int:
        return 7

    with LitestarClient(r2style_cors.asgi.CORSMiddleware(Litestar([seven], logging_config=None), RULES)) as client:
        response = client.get("/", headers=FROM_ORIGIN)
    assert (response.text, cors(response.headers)) == ("7", GRANTED)
