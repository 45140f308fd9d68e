"""`assert_cors`: on applications and clients of every kind, what it sends, what it fails for, and what it says then."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fastapi
import fastapi.testclient
import flask
import httpx
import pytest
import requests
import starlette.testclient
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

import r2style_cors.asgi
import r2style_cors.flask
import r2style_cors.starlette
import r2style_cors.wsgi
from r2style_cors import Policy, PolicyError
from r2style_cors.testing import assert_cors
from support.served import asgi_server, wsgi_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGE, OTHER = "https://page.example", "https://other.example"
RULES = [
    {
        "AllowedOrigins": [PAGE],
        "AllowedMethods": ["GET", "PUT"],
        "AllowedHeaders": ["content-type", "x-asked"],
        "MaxAgeSeconds": 60,
    }
]
POLICY = Policy.parse(RULES)


def starlette_app() -> Any:
    """Starlette, with a redirect beside a page."""
    methods = ["GET", "PUT"]
    routes = [
        Route("/", lambda _: PlainTextResponse("ok"), methods=methods),
        Route("/moved", lambda _: PlainTextResponse("", 302, {"Location": "/"}), methods=methods),
        Route("/astray", lambda _: PlainTextResponse("", 302, {"Location": "ftp://files.example"}), methods=methods),
    ]
    app = Starlette(routes=routes)
    r2style_cors.starlette.install(app, POLICY)
    return app


def fastapi_app() -> Any:
    """FastAPI with nothing but a policy: every answer is a 404."""
    app = fastapi.FastAPI()
    r2style_cors.starlette.install(app, POLICY)
    return app


def flask_app() -> Any:
    """Flask with a page."""
    app = flask.Flask("notes")
    app.add_url_rule("/", view_func=lambda: "ok", methods=["GET", "PUT"])
    r2style_cors.flask.init_app(app, POLICY)
    return app


def wsgi_notes(environ: Any, start_response: Any) -> list[bytes]:
    """Answer with a line."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"note\n"]


async def silent(scope: Any, receive: Any, send: Any) -> None:
    """Answer nothing at all."""


TARGETS: dict[str, Callable[[], Any]] = {
    "starlette": starlette_app,
    "fastapi": fastapi_app,
    "flask": flask_app,
    "asgi door": lambda: r2style_cors.asgi.CORSMiddleware(starlette_app(), POLICY),
    "wsgi door": lambda: r2style_cors.wsgi.CORSMiddleware(wsgi_notes, POLICY),
    "starlette client": lambda: starlette.testclient.TestClient(starlette_app()),
    "fastapi client": lambda: fastapi.testclient.TestClient(fastapi_app()),
    "flask client": lambda: flask_app().test_client(),
    "httpx client": lambda: httpx.Client(transport=httpx.WSGITransport(flask_app()), base_url="http://api.example"),
}


@pytest.fixture(params=TARGETS.values(), ids=[*TARGETS])
def target(request: pytest.FixtureRequest) -> Any:
    """An application or a client, with `POLICY` in front."""
    return request.param()


REQUESTS: dict[str, tuple[dict[str, Any], bool]] = {
    "a GET": ({"origin": PAGE}, True),
    "a GET with a header": ({"origin": PAGE, "headers": {"X-Asked": "1"}}, True),
    "a PUT": ({"origin": PAGE, "method": "put", "headers": {"Content-Type": "application/json"}}, True),
    "a GET asked for first": ({"origin": PAGE, "preflight": True}, True),
    "a preflight alone": ({"origin": PAGE, "method": "PUT", "actual": False}, True),
    "a PUT not asked for": ({"origin": PAGE, "method": "PUT", "preflight": False}, True),
    "a cookie": ({"origin": PAGE, "headers": {"Cookie": "a=b"}}, True),
    "another origin": ({"origin": OTHER}, False),
    "another origin's PUT": ({"origin": OTHER, "method": "PUT"}, False),
    "the origin null": ({"origin": "null"}, False),
    "another method": ({"origin": PAGE, "method": "DELETE"}, False),
    "a method in lower case": ({"origin": PAGE, "method": "patch"}, False),
    "another header": ({"origin": PAGE, "headers": {"X-Other": "1"}}, False),
    "credentials": ({"origin": PAGE, "credentials": True}, False),
}


@pytest.mark.parametrize(("asked", "allowed"), REQUESTS.values(), ids=REQUESTS.keys())
def test_it_passes_where_it_is_so(target: Any, asked: dict[str, Any], allowed: bool) -> None:
    """What the policy allows may be read, what it does not may not, and the opposite fails, on every kind of target."""
    assert_cors(target, **asked, allowed=allowed)
    with pytest.raises(AssertionError):
        assert_cors(target, **asked, allowed=not allowed)


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_django(kind: str) -> None:
    """Django's handlers are applications as others are. This one has nothing but a policy: every answer is a 404."""
    import django
    from django.conf import settings
    from django.test import override_settings
    from django.utils.module_loading import import_string

    if not settings.configured:
        settings.configure()
    django.setup()
    middleware = {"MIDDLEWARE": ["r2style_cors.django.CORSMiddleware"], "R2STYLE_CORS": {"policy": POLICY}}
    with override_settings(**middleware, ALLOWED_HOSTS=["*"], ROOT_URLCONF=type("Urls", (), {"urlpatterns": []})):
        app: Any = import_string(f"django.core.handlers.{kind}.{kind.upper()}Handler")()
        assert_cors(app, "/missing", origin=PAGE, method="PUT")
        assert_cors(app, "/missing", origin=OTHER, allowed=False)


@pytest.fixture(params=[asgi_server, wsgi_server], ids=["uvicorn", "wsgiref"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where a server of this machine listens, with `POLICY` in front."""
    with request.param(POLICY.compile()) as url:
        yield url


def test_clients_of_a_server(url: str) -> None:
    """`requests` and `httpx` ask a real server, by its whole URL."""
    with requests.Session() as session, httpx.Client() as client:
        for target in (session, client):
            assert_cors(target, url, origin=PAGE, method="PUT")
            assert_cors(target, url, origin=OTHER, allowed=False)
            with pytest.raises(AssertionError, match="Access-Control-Allow-Origin is missing"):
                assert_cors(target, url, origin=OTHER)


class Heard:
    """A WSGI application that remembers what it was asked, and answers as it is told."""

    def __init__(self, *answers: tuple[str, dict[str, str]], body: bytes = b"") -> None:
        self.answers = list(answers)
        self.body = body
        self.asked: list[dict[str, str]] = []

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        """Note, and answer."""
        told = {key: value for key, value in environ.items() if key == "REQUEST_METHOD" or key.startswith("HTTP_")}
        self.asked.append(told)
        status, headers = self.answers.pop(0)
        start_response(status, list(headers.items()))
        return [self.body]


GRANT = {"Access-Control-Allow-Origin": PAGE, "Access-Control-Allow-Headers": "x-b,x-a"}


def test_it_asks_as_a_browser() -> None:
    """The preflight names method and headers, sorted in lower case; the request carries what page and browser set."""
    app = Heard(("204 No Content", GRANT), ("200 OK", GRANT))
    headers = {"X-B": "2", "X-A": "1", "Accept": "*/*", "Cookie": "a=b"}
    assert_cors(app, "/x?y=1", origin=PAGE, method="post", headers=headers)
    host = {"HTTP_HOST": "testserver"}
    asked = {"HTTP_ACCESS_CONTROL_REQUEST_METHOD": "POST", "HTTP_ACCESS_CONTROL_REQUEST_HEADERS": "x-a,x-b"}
    sent = {"HTTP_X_A": "1", "HTTP_X_B": "2", "HTTP_ACCEPT": "*/*", "HTTP_COOKIE": "a=b"}
    assert app.asked == [
        {"REQUEST_METHOD": "OPTIONS", "HTTP_ORIGIN": PAGE, **host, **asked},
        {"REQUEST_METHOD": "POST", "HTTP_ORIGIN": PAGE, **host, **sent},
    ]


def test_a_refused_preflight_is_the_end() -> None:
    """After a refused preflight the request is not sent."""
    app = Heard(("403 Forbidden", {}))
    assert_cors(app, origin=PAGE, method="PUT", allowed=False)
    assert [asked["REQUEST_METHOD"] for asked in app.asked] == ["OPTIONS"]


def test_redirects_are_judged_and_not_followed() -> None:
    """A page may follow a redirect that carries the headers, unless it leads nowhere."""
    for target in (starlette_app(), starlette.testclient.TestClient(starlette_app())):
        assert_cors(target, "/moved", origin=PAGE)
        assert_cors(target, "/moved", origin=OTHER, allowed=False)
        assert_cors(target, "/astray", origin=PAGE, allowed=False)


REFUSED = Heard(("403 Forbidden", {"Vary": "Origin", "X-Own": "1"}), body=b"<Error>\n")
REPORTS: dict[str, tuple[Callable[[], Any], dict[str, Any], str]] = {
    "an origin": (
        lambda: Heard(("200 OK", {})),
        {"origin": OTHER},
        """\
A page of https://other.example asks for GET http://testserver/; it may not read the response, and should.
Access-Control-Allow-Origin is missing; the origin that asks is https://other.example (Fetch, section 4.10).
The request was GET, with Origin: https://other.example.
The answer was 200, with no CORS header.""",
    ),
    "a preflight, by the policy given": (
        lambda: REFUSED,
        {"origin": PAGE, "method": "PUT", "headers": {"X-Other": "1"}, "policy": POLICY},
        """\
A page of https://page.example asks for PUT http://testserver/; it may not read the response, and should.
Access-Control-Allow-Origin is missing; the origin that asks is https://page.example (Fetch, section 4.10).
By the policy given: {sentence}
The preflight was OPTIONS, with Origin: https://page.example; Access-Control-Request-Method: PUT; \
Access-Control-Request-Headers: x-other.
The answer was 403, with Vary: Origin.
<Error>\\x0a""",
    ),
    "an answer too free": (
        lambda: Heard(("200 OK", {"Access-Control-Allow-Origin": "*", "Set-Cookie": "secret"}), body=b"note"),
        {"origin": OTHER, "allowed": False, "headers": {"Cookie": "secret"}},
        """\
A page of https://other.example asks for GET http://testserver/; it may read the response, and should not.
Access-Control-Allow-Origin is * (Fetch, section 4.10).
The request was GET, with Origin: https://other.example.
The answer was 200, with Access-Control-Allow-Origin: *.""",
    ),
}


@pytest.mark.parametrize(("make", "asked", "report"), REPORTS.values(), ids=REPORTS.keys())
def test_a_failure_says_what_came_back(make: Callable[[], Any], asked: dict[str, Any], report: str) -> None:
    """What was asked, the step that failed, the policy's own reason, and the CORS headers that came back; no cookie."""
    sentence = POLICY.compile().explain("OPTIONS", PAGE, "PUT", "x-other").sentence
    with pytest.raises(AssertionError) as raised:
        assert_cors(make(), **asked)
    assert str(raised.value) == report.replace("{sentence}", sentence)


@pytest.mark.parametrize("given", ["file", "Path", "Policy", "Engine"])
def test_a_policy_explains(given: str, tmp_path: Path) -> None:
    """A policy in each form of it explains a failure."""
    file = tmp_path / "cors.json"
    file.write_text(json.dumps(RULES), "utf-8")
    policies: dict[str, Any] = {"file": str(file), "Path": file, "Policy": POLICY, "Engine": POLICY.compile()}
    sentence = POLICY.compile().explain("GET", OTHER).sentence
    with pytest.raises(AssertionError) as raised:
        assert_cors(flask_app(), origin=OTHER, policy=policies[given])
    assert f"By the policy given: {sentence}" in str(raised.value)


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_the_middleware_explains(target: Any, method: str) -> None:
    """Without a policy to ask, what the middleware logs in this process tells the reason."""
    with pytest.raises(AssertionError, match=r"The middleware says: CORS \w+ refused \(origin\): .*other\.example"):
        assert_cors(target, origin=OTHER, method=method)


def test_the_log_stays_as_it_was(caplog: pytest.LogCaptureFixture) -> None:
    """Listening to the middleware writes nothing into anybody's log, and leaves levels and filters as they were."""
    logger = logging.getLogger("r2style_cors")
    before = (logger.level, list(logger.filters))
    assert_cors(flask_app(), origin=OTHER, allowed=False)
    assert caplog.records == []
    assert (logger.level, logger.filters) == before
    caplog.set_level(logging.DEBUG, "r2style_cors")
    assert_cors(flask_app(), origin=OTHER, allowed=False)
    assert len(caplog.records) == 1


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "an origin with a path": ({"origin": f"{PAGE}/"}, "no browser sends the origin"),
    "an origin in upper case": ({"origin": "HTTPS://PAGE.EXAMPLE"}, "no browser sends the origin"),
    "no origin": ({"origin": ""}, "no browser sends the origin"),
    "no method": ({"origin": PAGE, "method": ""}, "no browser sends the method ''"),
    "two methods": ({"origin": PAGE, "method": "GET, PUT"}, "no browser sends the method"),
    "a forbidden method": ({"origin": PAGE, "method": "trace"}, "no browser sends the method 'trace'"),
    "a header name that is none": ({"origin": PAGE, "headers": {"x y": "1"}}, "no page sets the header 'x y'"),
    "Origin among the headers": ({"origin": PAGE, "headers": {"Origin": OTHER}}, "no page sets the header 'Origin'"),
    "nothing to send": ({"origin": PAGE, "actual": False}, "there is nothing to send"),
    "nothing wanted": ({"origin": PAGE, "method": "PUT", "preflight": False, "actual": False}, "nothing to send"),
    "no URL": ({"origin": PAGE, "url": "ftp://files.example"}, "no http or https URL"),
}


@pytest.mark.parametrize(("asked", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_what_proves_nothing_is_refused(asked: dict[str, Any], message: str) -> None:
    """What no browser sends proves nothing, and is refused before anything is sent."""
    app = Heard()
    with pytest.raises(ValueError, match=message):
        assert_cors(app, **asked)
    assert app.asked == []


@pytest.mark.parametrize("target", [None, "app:app", httpx.AsyncClient(), object()], ids=lambda it: type(it).__name__)
def test_other_targets_are_refused(target: Any) -> None:
    """What is no application and no client that we know is refused by its type."""
    with pytest.raises(TypeError, match=f"target is a {type(target).__name__}; it must be an ASGI or WSGI application"):
        assert_cors(target, origin=PAGE)


def test_a_policy_that_cannot_be_read(tmp_path: Path) -> None:
    """A policy to explain by is read before anything is sent."""
    app = Heard()
    with pytest.raises(PolicyError):
        assert_cors(app, origin=PAGE, policy=tmp_path / "missing.json")
    assert app.asked == []


def test_an_application_that_fails() -> None:
    """What the application raises is the test's own to see, and one that answers nothing is told."""

    def failing(environ: Any, start_response: Any) -> list[bytes]:
        raise LookupError

    with pytest.raises(LookupError):
        assert_cors(failing, origin=PAGE)
    with pytest.raises(AssertionError, match="has started no response"):
        assert_cors(silent, origin=PAGE)


def test_an_application_that_fails_under_way() -> None:
    """Once a response has been started it is judged, as a page sees its headers; Starlette's own 500 is one."""

    def fail(_: Any) -> Any:
        raise LookupError

    app: Any = Starlette(routes=[Route("/", fail)])
    r2style_cors.starlette.install(app, POLICY)
    assert_cors(app, origin=PAGE)
    assert_cors(app, origin=OTHER, allowed=False)


def test_the_page_shows_a_failure_as_it_is() -> None:
    """The failure in docs/testing.md is the one that its example raises."""
    page = (Path(__file__).parent.parent / "docs" / "testing.md").read_text(encoding="utf-8")
    shown = page.partition("```text\n")[2].partition("\n```")[0]
    rules = [{"AllowedOrigins": ["https://www.example.com"], "AllowedMethods": ["GET", "HEAD", "PUT"]}]
    policy = Policy.parse(rules)
    app = r2style_cors.wsgi.CORSMiddleware(wsgi_notes, policy)
    with pytest.raises(AssertionError) as raised:
        assert_cors(app, origin="https://www.example.org", method="PUT", policy=policy)
    assert str(raised.value) == shown
