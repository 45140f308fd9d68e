"""One line each: Starlette and FastAPI, Flask, Django; their 500s, what is installed twice or too late, system checks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import django
import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette

from r2style_cors import Engine, PathPolicies, Policy, PolicyError, asgi, wsgi
from r2style_cors.flask import init_app
from r2style_cors.starlette import install

if TYPE_CHECKING:
    from collections.abc import Callable

settings.configure(ALLOWED_HOSTS=["*"], MIDDLEWARE=[], INSTALLED_APPS=["r2style_cors.django"], USE_TZ=True)
django.setup()

from r2style_cors.django import CORSMiddleware, check_settings  # noqa: E402 - Django has to be set up first

ORIGIN = "https://app.example"
RULES: list[Any] = [{"AllowedOrigins": [ORIGIN], "AllowedMethods": ["GET"]}]
PATH = "r2style_cors.django.CORSMiddleware"


def asgi_get(app: Any, path: str) -> tuple[int, dict[str, str], bool]:
    """Status and headers of a GET from the allowed origin, and whether the exception went on to the server."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [(b"origin", ORIGIN.encode())],
    }
    raised = False

    async def run() -> None:
        await app(scope, receive, send)

    try:
        asyncio.run(run())
    except ZeroDivisionError:
        raised = True
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}, raised


@pytest.mark.parametrize("debug", [False, True], ids=["debug off", "debug on"])
@pytest.mark.parametrize("kind", [Starlette, FastAPI])
def test_starlette_500(kind: Any, debug: bool) -> None:
    """5.6: the 500 of an unhandled exception carries its CORS headers, and the exception still reaches the server."""
    app = kind(debug=debug)
    app.add_route("/boom", lambda _: 1 / 0)
    install(app, RULES)
    status, headers, raised = asgi_get(app, "/boom")
    assert (status, headers["access-control-allow-origin"], headers["vary"], raised) == (500, ORIGIN, "Origin", True)
    assert asgi_get(app, "/nowhere")[1]["access-control-allow-origin"] == ORIGIN


def test_starlette_installed_once_and_in_time() -> None:
    """A second policy, and one that comes after the first request, raise; a bad policy raises at once."""
    app = Starlette()
    with pytest.raises(PolicyError):
        install(app, [])
    install(app, RULES)
    with pytest.raises(RuntimeError, match="installed on this application already"):
        install(app, RULES)
    late = Starlette()
    asgi_get(late, "/")
    with pytest.raises(RuntimeError, match="built its middleware"):
        install(late, RULES)


def test_flask_500_and_installed_once_and_in_time() -> None:
    """Flask's own 500 stands inside the door; a second policy, and one after the first request, raise."""
    app = Flask(__name__)
    app.add_url_rule("/boom", view_func=lambda: str(1 / 0))
    init_app(app, RULES)
    response = app.test_client().get("/boom", headers={"Origin": ORIGIN})
    assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (500, ORIGIN)
    with pytest.raises(RuntimeError, match="installed on this application already"):
        init_app(app, RULES)
    late = Flask(__name__)
    late.test_client().get("/")
    with pytest.raises(RuntimeError, match="answered a request already"):
        init_app(late, RULES)


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets Django's settings for one test."""

    def configure(**values: Any) -> None:
        for name, value in values.items():
            monkeypatch.setattr(settings, name, value, raising=False)

    configure(R2STYLE_CORS={"policy": RULES})
    return configure


def django_request(method: str = "GET", origin: str = ORIGIN, **meta: str) -> HttpRequest:
    """A request as Django hands it to a middleware."""
    request = HttpRequest()
    request.method = method
    request.path = request.path_info = "/"
    request.META = {"REQUEST_METHOD": method, "HTTP_ORIGIN": origin, **meta}
    return request


def view(_: HttpRequest) -> HttpResponse:
    """A view that sets a header of its own, and Vary."""
    response = HttpResponse("x")
    response["Access-Control-Allow-Origin"] = "https://other.example"
    response["Access-Control-Max-Age"] = "5"
    response["Vary"] = "Cookie"
    return response


async def async_view(request: HttpRequest) -> HttpResponse:
    """The same, awaited."""
    return view(request)


def answer(get_response: Any, request: HttpRequest) -> HttpResponse:
    """What the middleware answers, sync or async."""
    response: Any = CORSMiddleware(get_response)(request)
    answered: HttpResponse = asyncio.run(response) if asyncio.iscoroutine(response) else response
    return answered


@pytest.mark.parametrize("get_response", [view, async_view], ids=["sync", "async"])
def test_django_middleware(configured: Any, get_response: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The middleware answers preflights, decorates responses, merges Vary, removes the view's own, and leaves the decision."""
    request = django_request()
    response = answer(get_response, request)
    assert dict(response.items()) == {
        "Content-Type": "text/html; charset=utf-8", "Access-Control-Allow-Origin": ORIGIN, "Vary": "Cookie, Origin",
    }  # fmt: skip
    assert request.META["r2style_cors"].allowed
    assert "sets CORS headers of its own" in caplog.text
    preflight = answer(get_response, django_request("OPTIONS", HTTP_ACCESS_CONTROL_REQUEST_METHOD="GET"))
    assert (preflight.status_code, "Content-Type" in preflight) == (204, False)
    assert preflight["Access-Control-Allow-Methods"] == "GET"
    refused = answer(get_response, django_request("OPTIONS", HTTP_ACCESS_CONTROL_REQUEST_METHOD="PUT"))
    assert (refused.status_code, refused["Content-Type"]) == (403, "application/xml")
    bare = answer(lambda _: HttpResponse(), django_request())
    assert (bare["Access-Control-Allow-Origin"], bare["Vary"]) == (ORIGIN, "Origin")
    denied = answer(get_response, django_request(origin="https://evil.example"))
    assert ("Access-Control-Allow-Origin" in denied, denied["Vary"]) == (False, "Cookie, Origin")


def test_django_debug_and_stacked(configured: Any, caplog: pytest.LogCaptureFixture) -> None:
    """With `debug` a refusal says why, in the log and in the open; a second middleware passes through and warns."""
    configured(R2STYLE_CORS={"policy": RULES, "debug": True})
    refused = answer(view, django_request("OPTIONS", HTTP_ACCESS_CONTROL_REQUEST_METHOD="PUT"))
    assert b"but no rule that does allows the method PUT" in refused.content
    answer(view, django_request(origin="https://evil.example"))
    assert len([record for record in caplog.records if hasattr(record, "cors")]) == 2
    assert answer(CORSMiddleware(view), django_request())["Access-Control-Allow-Origin"] == ORIGIN
    assert "stacked" in caplog.text


SETTINGS: list[tuple[str, Any, str]] = [
    ("missing", None, "must be a dict with a policy"),
    ("without a policy", {"debug": True}, "must be a dict with a policy"),
    ("an unknown option", {"policy": RULES, "origins": []}, "has no option 'origins'"),
]


@pytest.mark.parametrize(("value", "message"), [case[1:] for case in SETTINGS], ids=[case[0] for case in SETTINGS])
def test_django_setting_is_judged(configured: Any, value: Any, message: str) -> None:
    """What is wrong with the setting is said when Django starts, and by a system check."""
    configured(R2STYLE_CORS=value, MIDDLEWARE=[PATH])
    with pytest.raises(ImproperlyConfigured, match=message):
        CORSMiddleware(view)
    [found] = check_settings()
    assert (found.id, message in found.msg) == ("r2style_cors.E001", True)


CHECKS: list[tuple[str, list[str], Any, list[str]]] = [
    ("all well", [PATH], RULES, []),
    ("not installed", [], RULES, ["W001"]),
    ("not the first", ["x", PATH], RULES, ["W002"]),
    ("beside django-cors-headers", [PATH, "corsheaders.middleware.CorsMiddleware"], RULES, ["W003"]),
    ("a doubtful policy", [PATH], [{**RULES[0], "AllowedOrigins": ["https://A.example", "app://x"]}], ["origin-case"]),
    ("a bad policy", [PATH], [{**RULES[0], "AllowedMethods": ["GET", "OPTIONS"]}], ["method-options"]),
    ("no policy at all", [PATH], 7, ["E002"]),
]


@pytest.mark.parametrize(
    ("middleware", "policy", "ids"), [case[1:] for case in CHECKS], ids=[case[0] for case in CHECKS]
)
def test_django_system_checks(configured: Any, middleware: list[str], policy: Any, ids: list[str]) -> None:
    """`manage.py check` tells where the middleware stands wrong, and every problem of the policy."""
    configured(MIDDLEWARE=middleware, R2STYLE_CORS={"policy": policy})
    assert [found.id for found in check_settings()] == [f"r2style_cors.{one}" for one in ids]


def test_django_system_checks_of_an_option(configured: Any) -> None:
    """A profile that does not exist is a finding like any other, and no traceback."""
    configured(MIDDLEWARE=[PATH], R2STYLE_CORS={"policy": RULES, "profile": "gcs"})
    [found] = check_settings()
    assert (found.id, "'gcs'" in found.msg) == ("r2style_cors.E002", True)


DOORS: dict[str, Callable[..., object]] = {
    "asgi": lambda policy, **given: asgi.CORSMiddleware(Starlette(), policy, **given),
    "wsgi": lambda policy, **given: wsgi.CORSMiddleware(Flask("x"), policy, **given),
    "starlette": lambda policy, **given: install(Starlette(), policy, **given),
    "flask": lambda policy, **given: init_app(Flask("x"), policy, **given),
}
SWITCHES = ("debug", "keep_app_headers")
ENGINE: Engine = Policy.parse(RULES).compile()


@pytest.mark.parametrize("policy", [RULES, ENGINE, PathPolicies({"/": None})], ids=["rules", "an engine", "exempt"])
@pytest.mark.parametrize(
    ("door", "option"),
    [(door, option) for door in DOORS for option in SWITCHES]
    + [(door, "websocket_origin_check") for door in ("asgi", "starlette")],
)
def test_a_text_switches_nothing_on(door: str, option: str, policy: Any) -> None:
    """A text such as `"false"`, of an environment variable, is no switch: no door takes it, whatever its policy."""
    for given in ("false", "", 0, 1, None):
        with pytest.raises(TypeError, match=f"^{option} is {given!r}; it must be one of True, False$"):
            DOORS[door](policy, **{option: given})


@pytest.mark.parametrize("option", ["credentials", "star_always", "debug", "keep_app_headers"])
def test_django_switches(configured: Any, option: str) -> None:
    """Nor does Django's door, and `manage.py check` says so."""
    configured(MIDDLEWARE=[PATH], R2STYLE_CORS={"policy": RULES, option: "false"})
    with pytest.raises(TypeError, match=f"^{option} is 'false'"):
        CORSMiddleware(view)
    assert [found.id for found in check_settings()] == ["r2style_cors.E002"]
