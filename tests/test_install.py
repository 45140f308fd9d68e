"""One line each: Starlette, Flask, Django; what is installed twice or too late, system checks, and switches."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import django
import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from flask import Flask
from starlette.applications import Starlette

from r2style_cors import Engine, PathPolicies, Policy, PolicyError, asgi, wsgi
from r2style_cors.flask import init_app
from r2style_cors.starlette import install
from support.doors import asgi_exchange, asgi_scope
from support.messages import Request

if TYPE_CHECKING:
    from collections.abc import Callable

settings.configure(ALLOWED_HOSTS=["*"], MIDDLEWARE=[], INSTALLED_APPS=["r2style_cors.django"], USE_TZ=True)
django.setup()

from r2style_cors.django import CORSMiddleware, check_settings  # noqa: E402 - Django has to be set up first

ORIGIN = "https://app.example"
RULES: list[Any] = [{"AllowedOrigins": [ORIGIN], "AllowedMethods": ["GET"]}]
PATH = "r2style_cors.django.CORSMiddleware"


def test_starlette_installed_once_and_in_time() -> None:
    """A second policy, and one that comes after the first request, raise; a bad policy raises at once."""
    app = Starlette()
    with pytest.raises(PolicyError):
        install(app, [])
    install(app, RULES)
    with pytest.raises(RuntimeError, match="installed on this application already"):
        install(app, RULES)
    late = Starlette()
    asyncio.run(asgi_exchange(late, asgi_scope(Request())))  # not `at_once`: its 404 once came from a thread
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
        CORSMiddleware(lambda _: HttpResponse())
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
        CORSMiddleware(lambda _: HttpResponse())
    assert [found.id for found in check_settings()] == ["r2style_cors.E002"]
