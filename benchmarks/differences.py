"""What the peers answer, and what this package does: asked, not read. Writes the table of docs/differences.md.

Every contender protects the same application in the way its documentation shows, and is asked the same requests.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path(__file__).parent.parent / "docs" / "differences.md"
BEGIN, END = "<!-- written by benchmarks/differences.py -->\n", "<!-- end -->\n"
ORIGIN, OTHER = "https://www.example.com", "https://other.example"

Lines: TypeAlias = "tuple[tuple[str, str], ...]"


@dataclass(frozen=True)
class Setup:
    """What a contender is told to allow, and what its application answers."""

    origins: tuple[str, ...] = (ORIGIN,)
    credentials: bool = False
    answer: Lines = ()
    fails: bool = False

    @property
    def star(self) -> bool:
        """Whether every origin is meant."""
        return self.origins == ("*",)


@dataclass(frozen=True)
class Got:
    """A response, names in lower case; status 0 where whoever was asked raised, as a server would see it."""

    status: int = 0
    headers: Lines = ()

    def all(self, name: str) -> list[str]:
        """The values of every line of that name."""
        return [value for key, value in self.headers if key == name]

    @property
    def origins(self) -> list[str]:
        """Access-Control-Allow-Origin, every line of it."""
        return self.all("access-control-allow-origin")

    @property
    def vary(self) -> list[str]:
        """The names in Vary."""
        return [name.strip().lower() for value in self.all("vary") for name in value.split(",")]


@dataclass(frozen=True)
class Ask:
    """One request."""

    method: str = "GET"
    headers: Lines = ()
    setup: Setup = field(default_factory=Setup)


METHODS, HEADERS = ("GET", "PUT"), ("x-one", "x-two")


def rules(setup: Setup) -> list[dict[str, list[str]]]:
    """The setup as a policy."""
    return [{"AllowedOrigins": list(setup.origins), "AllowedMethods": list(METHODS), "AllowedHeaders": list(HEADERS)}]


def starlette_app(setup: Setup) -> Any:
    """A Starlette application without CORS."""
    applications, responses, routing = (
        import_module(f"starlette.{name}") for name in ("applications", "responses", "routing")
    )

    async def home(_request: Any) -> Any:
        if setup.fails:
            raise RuntimeError
        response = responses.PlainTextResponse("ok")
        response.raw_headers.extend((name.encode(), value.encode()) for name, value in setup.answer)
        return response

    return applications.Starlette(routes=[routing.Route("/", home, methods=["GET", "PUT"])])


def ours(ask: Ask) -> Got:
    """`install` of this package, in Starlette."""
    app = starlette_app(ask.setup)
    install = import_module("r2style_cors.starlette").install
    install(app, rules(ask.setup), credentials=ask.setup.credentials)
    return over_asgi(app, ask)


def starlette(ask: Ask) -> Got:
    """Starlette's own middleware."""
    app = starlette_app(ask.setup)
    app.add_middleware(
        import_module("starlette.middleware.cors").CORSMiddleware,
        allow_origins=list(ask.setup.origins),
        allow_methods=METHODS,
        allow_headers=HEADERS,
        allow_credentials=ask.setup.credentials,
    )
    return over_asgi(app, ask)


def asgi_cors(ask: Ask) -> Got:
    """asgi-cors around the application; wildcard hosts have an option of their own. It has no credentials."""
    setup = ask.setup
    wild = [origin for origin in setup.origins if "*" in origin and not setup.star]
    exact = [origin for origin in setup.origins if "*" not in origin]
    wrap = import_module("asgi_cors").asgi_cors
    app = wrap(
        starlette_app(setup),
        allow_all=setup.star,
        hosts=exact,
        host_wildcards=wild,
        headers=list(HEADERS),
        methods=list(METHODS),
    )
    return over_asgi(app, ask)


def over_asgi(app: Any, ask: Ask) -> Got:
    """Send one request as an ASGI server does."""
    started: list[Got] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            lines = tuple((name.decode().lower(), value.decode()) for name, value in message["headers"])
            started.append(Got(message["status"], lines))

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": ask.method,
        "path": "/",
        "raw_path": b"/",
        "root_path": "",
        "query_string": b"",
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 50000),
        "headers": [(name.lower().encode(), value.encode()) for name, value in ask.headers],
    }
    try:
        asyncio.run(app(scope, receive, send))
    except RuntimeError:
        return started[0] if started else Got()
    return started[0]


def flask_cors(ask: Ask) -> Got:
    """flask-cors in Flask."""
    flask = import_module("flask")
    app = flask.Flask("site")

    def home() -> Any:
        if ask.setup.fails:
            raise RuntimeError
        response = flask.Response("ok")
        for name, value in ask.setup.answer:
            response.headers.add(name, value)
        return response

    app.add_url_rule("/", view_func=home, methods=list(METHODS))
    import_module("flask_cors").CORS(
        app,
        origins="*" if ask.setup.star else list(ask.setup.origins),
        methods=list(METHODS),
        allow_headers=list(HEADERS),
        supports_credentials=ask.setup.credentials,
    )
    app.logger.disabled = True
    return over_wsgi(app, ask)


def django_cors_headers(ask: Ask) -> Got:
    """django-cors-headers in Django."""
    conf, http = import_module("django.conf"), import_module("django.http")
    urls = type("urls", (), {"urlpatterns": []})
    setup = ask.setup

    def home(_request: Any) -> Any:
        if setup.fails:
            raise RuntimeError
        response = http.HttpResponse("ok")
        for name, value in setup.answer:
            response[name] = value
        return response

    if not conf.settings.configured:
        conf.settings.configure(ALLOWED_HOSTS=["*"], LOGGING_CONFIG=None)
        import_module("django").setup()
        import_module("logging").getLogger("django.request").disabled = True
    settings = {
        "ROOT_URLCONF": urls,
        "MIDDLEWARE": ["corsheaders.middleware.CorsMiddleware"],
        "CORS_ALLOWED_ORIGINS": [] if setup.star else list(setup.origins),
        "CORS_ALLOW_ALL_ORIGINS": setup.star,
        "CORS_ALLOW_METHODS": METHODS,
        "CORS_ALLOW_HEADERS": HEADERS,
        "CORS_ALLOW_CREDENTIALS": setup.credentials,
    }
    with import_module("django.test").override_settings(**settings):
        urls.urlpatterns.append(import_module("django.urls").path("", home))  # type: ignore[attr-defined]  # a module made here has no attributes that are known
        return over_wsgi(import_module("django.core.handlers.wsgi").WSGIHandler(), ask)


def over_wsgi(app: Any, ask: Ask) -> Got:
    """Send one request as a WSGI server does."""
    create = import_module("werkzeug.test").EnvironBuilder
    environ = create("/", method=ask.method, headers=list(ask.headers)).get_environ()
    status, headers = 0, []

    def start_response(line: str, lines: list[tuple[str, str]], _exc_info: object = None) -> Any:
        nonlocal status, headers
        status, headers = int(line[:3]), lines

    for _ in app(environ, start_response):
        pass
    return Got(status, tuple((name.lower(), value) for name, value in headers))


CONTENDERS: dict[str, Callable[[Ask], Got]] = {
    "r2style-cors": ours,
    "starlette": starlette,
    "flask-cors": flask_cors,
    "django-cors-headers": django_cors_headers,
    "asgi-cors": asgi_cors,
}


def preflight(*lines: tuple[str, str], origin: str = ORIGIN, method: str = "PUT") -> Ask:
    """A CORS-preflight request."""
    return Ask("OPTIONS", (("Origin", origin), ("Access-Control-Request-Method", method), *lines))


def get(origin: str | None = ORIGIN, **setup: Any) -> Ask:
    """An actual request."""
    return Ask("GET", (("Origin", origin),) if origin else (), Setup(**setup))


def granted(got: Got, name: str) -> bool:
    """Whether a browser would go on to send a PUT with the header `name`."""
    lists = [item.strip().lower() for value in got.all("access-control-allow-headers") for item in value.split(",")]
    return got.status in range(200, 300) and bool(got.origins) and name in lists


def yes(answer: bool) -> str:
    """A cell of the table."""
    return "yes" if answer else "no"


def wildcard(ask: Callable[[Ask], Got]) -> str:
    """Which origins `https://*.example.com` allows, written so."""
    asked = {
        name: get(f"https://{name}", origins=("https://*.example.com",)) for name in ("a.example.com", "xexample.com")
    }
    return ", ".join(name for name, one in asked.items() if ask(one).origins) or "none"


def star_with_credentials(ask: Callable[[Ask], Got]) -> str:
    """What `*` together with credentials comes to."""
    try:
        got = ask(get(OTHER, origins=("*",), credentials=True))
    except (AssertionError, ValueError):
        return "refused at the start"
    if got.origins == [OTHER] and got.all("access-control-allow-credentials"):
        return "every origin, with cookies"
    return "no credentials"


def slash(ask: Callable[[Ask], Got]) -> str:
    """What becomes of an origin with a slash at its end."""
    try:
        got = ask(get(origins=(f"{ORIGIN}/",)))
    except (AssertionError, ValueError):
        return "refused at the start"
    return "read as meant" if got.origins else "never matches"


def own_origin(ask: Callable[[Ask], Got]) -> str:
    """What a browser gets of an application that sets the header itself, to something else."""
    got = ask(get(answer=(("Access-Control-Allow-Origin", OTHER),)))
    return "replaced" if got.origins == [ORIGIN] else "two values" if len(got.origins) > 1 else "the application's"


ROWS: dict[str, Callable[[Callable[[Ask], Got]], str]] = {
    "`https://*.example.com`, written as an allowed origin, allows": wildcard,
    "an allowed origin written with a slash at its end": slash,
    "`*` together with credentials": star_with_credentials,
    "status of a preflight for a header that is not allowed": lambda ask: str(
        ask(preflight(("Access-Control-Request-Headers", "x-three"))).status
    ),
    "status of a preflight from an origin that is not allowed": lambda ask: str(ask(preflight(origin=OTHER)).status),
    "grants a list of headers with an empty item": lambda ask: yes(
        granted(ask(preflight(("Access-Control-Request-Headers", "x-one,"))), "x-one")
    ),
    "`Vary: Origin` on a response without `Origin`": lambda ask: yes("origin" in ask(get(None)).vary),
    "`Vary: Origin` for an origin that is not allowed": lambda ask: yes("origin" in ask(get(OTHER)).vary),
    "`Vary: Origin` on a preflight": lambda ask: yes("origin" in ask(preflight()).vary),
    "keeps an application's `Vary: Accept-Encoding`": lambda ask: yes(
        "accept-encoding" in ask(get(answer=(("Vary", "Accept-Encoding"),))).vary
    ),
    "names `Origin` once where the application does already": lambda ask: yes(
        ask(get(answer=(("Vary", "origin"),))).vary.count("origin") == 1
    ),
    "an application's own `Access-Control-Allow-Origin`": own_origin,
    "CORS headers on the 500 of an unhandled exception": lambda ask: yes(bool(ask(get(fails=True)).origins)),
}


def table() -> str:
    """The table, as Markdown."""
    names = list(CONTENDERS)
    lines = [["", *names], ["---"] * (len(names) + 1)]
    lines += [[what, *(row(ask) for ask in CONTENDERS.values())] for what, row in ROWS.items()]
    peers = ", ".join(f"{name} {version(name)}" for name in names[1:])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + f"\n\nAsked of {peers}.\n"


def main() -> None:
    """Write the table into the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    found = table()
    PAGE.write_text(f"{before}{BEGIN}\n{found}{END}{rest.partition(END)[2]}", encoding="utf-8")
    sys.stdout.write(found)


if __name__ == "__main__":
    main()
