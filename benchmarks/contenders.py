"""The contenders: each takes a bare application and a rule, and returns the application with that rule enforced.

The peers are imported by name, when they are used: they have no types, and each costs memory that the others should
not pay.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, Any

import timing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from wsgiref.types import WSGIApplication

    from workloads import ASGIApp, Request, Rule

OURS = "r2style-cors"
FLOOR = "floor"
BARE = "bare"
NOTHING = "nothing"


def rules_of(rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """The policy in the dashboard's form."""
    return [rule.dashboard() for rule in rules]


def our_asgi(app: ASGIApp, rules: Sequence[Rule]) -> ASGIApp:
    """`app` behind this package."""
    from r2style_cors.asgi import CORSMiddleware

    return CORSMiddleware(app, policy=rules_of(rules))


def our_wsgi(app: WSGIApplication, rules: Sequence[Rule]) -> WSGIApplication:
    """`app` behind this package."""
    from r2style_cors.wsgi import CORSMiddleware

    return CORSMiddleware(app, policy=rules_of(rules))


def starlette(app: ASGIApp, rules: Sequence[Rule]) -> ASGIApp:
    """`app` behind Starlette's middleware. It knows one rule; of several, all origins get the first one's."""
    first = rules[0]
    origins = [origin for rule in rules for origin in rule.origins]
    wild = any("*" in origin for origin in origins)
    regex = "|".join(re.escape(origin).replace(r"\*", r"[a-z0-9._-]*") for origin in origins)
    wrapped: ASGIApp = import_module("starlette.middleware.cors").CORSMiddleware(
        app,
        **{"allow_origin_regex": regex} if wild else {"allow_origins": origins},
        allow_methods=first.methods,
        allow_headers=first.headers,
        expose_headers=first.expose,
        max_age=first.max_age,
    )
    return wrapped


def asgi_cors(app: ASGIApp, rules: Sequence[Rule]) -> ASGIApp:
    """`app` behind asgi-cors, which sends neither Vary nor exposed headers; its `max_age` breaks under httptools."""
    first = rules[0]
    wrapped: ASGIApp = import_module("asgi_cors").asgi_cors(
        app, hosts=list(first.origins), headers=list(first.headers), methods=list(first.methods)
    )
    return wrapped


def bare_asgi(app: ASGIApp, _rules: Sequence[Rule]) -> ASGIApp:
    """`app` alone."""
    return app


def floor_asgi(app: ASGIApp, rules: Sequence[Rule]) -> ASGIApp:
    """`app` behind the floor, which knows one rule."""
    wrapped: ASGIApp = timing.copy_of("floor").asgi(app, rules[0])
    return wrapped


def nothing_asgi(_app: ASGIApp, _rules: Sequence[Rule]) -> ASGIApp:
    """What a call itself costs."""
    nothing: ASGIApp = timing.copy_of("apps").asgi_nothing
    return nothing


ASGI = {
    NOTHING: nothing_asgi,
    BARE: bare_asgi,
    FLOOR: floor_asgi,
    OURS: our_asgi,
    "starlette": starlette,
    "asgi-cors": asgi_cors,
}


def asgi_contender(name: str, request: Request, rule: Rule) -> tuple[Any, ASGIApp]:
    """One contender's own copy of `apps`, and its application."""
    apps = timing.copy_of("apps")
    return apps, ASGI[name](apps.asgi(apps.LONG if request.long_response else apps.SHORT), [rule])


def flask_app(headers: list[tuple[str, str]], rule: Rule, *, cors: bool) -> Any:
    """A Flask application with one route; with flask-cors where `cors` is set."""
    flask = import_module("flask")
    app = flask.Flask("site")

    def home() -> Any:
        return flask.Response(b"ok", headers=headers)

    app.add_url_rule("/", view_func=home, methods=list(rule.methods))
    if cors:
        import_module("flask_cors").CORS(
            app,
            origins=list(rule.origins),
            methods=list(rule.methods),
            allow_headers=list(rule.headers),
            expose_headers=list(rule.expose),
            max_age=rule.max_age,
        )
    return app


def django_app(headers: list[tuple[str, str]], rule: Rule, *, cors: bool) -> Any:
    """A Django application with one view; with django-cors-headers where `cors` is set.

    A process has one configuration, but a handler reads its middleware when it is made.
    """
    conf = import_module("django.conf")
    http = import_module("django.http")
    if not conf.settings.configured:
        conf.settings.configure(
            ALLOWED_HOSTS=["*"],
            ROOT_URLCONF=type("urls", (), {"urlpatterns": []}),
            CORS_ALLOWED_ORIGINS=list(rule.origins),
            CORS_ALLOW_METHODS=list(rule.methods),
            CORS_ALLOW_HEADERS=list(rule.headers),
            CORS_EXPOSE_HEADERS=list(rule.expose),
            CORS_PREFLIGHT_MAX_AGE=rule.max_age,
        )
        import_module("django").setup()
        conf.settings.ROOT_URLCONF.urlpatterns.append(
            import_module("django.urls").path("", lambda _request: http.HttpResponse(b"ok", headers=dict(headers)))
        )
    conf.settings.MIDDLEWARE = ["corsheaders.middleware.CorsMiddleware"] if cors else []
    return import_module("django.core.handlers.wsgi").WSGIHandler()


FRAMEWORKS = {"Flask": (flask_app, "flask-cors"), "Django": (django_app, "django-cors-headers")}


def wsgi_names(framework: str | None) -> tuple[str, ...]:
    """Who takes part: without a framework, or in front of it and inside it."""
    inside = (framework, FRAMEWORKS[framework][1]) if framework else ()
    return NOTHING, BARE, FLOOR, *inside, OURS


def wsgi_contender(name: str, request: Request, rule: Rule, framework: str | None) -> tuple[Any, WSGIApplication]:
    """One contender's own copy of `apps`, and its application; `framework` is what this package stands in front of."""
    apps = timing.copy_of("apps")
    headers = apps.LONG if request.long_response else apps.SHORT
    if name == NOTHING:
        return apps, apps.wsgi_nothing
    if framework and name in (framework, FRAMEWORKS[framework][1], OURS):
        app = FRAMEWORKS[framework][0](headers, rule, cors=name not in (framework, OURS))
    else:
        app = apps.wsgi(headers)
    if name == FLOOR:
        return apps, timing.copy_of("floor").wsgi(app, rule)
    return apps, our_wsgi(app, [rule]) if name == OURS else app
