"""The Django door in a project: Django's own test clients, sync and async, its checks, and what stands around it."""

from __future__ import annotations

import asyncio
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
import pytest
from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.core.wsgi import get_wsgi_application
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path
from django.utils.decorators import sync_only_middleware

from matrix.client import Ask, http1
from r2style_cors import PathPolicies, PolicyFile, asgi, wsgi
from support.doors import asgi_scope, asgi_start, wsgi_environ, wsgi_exchange
from support.listening import listening
from support.messages import Request, cors_lines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from django.http import HttpRequest

    from support.messages import Headers

EXAMPLE = Path(__file__).parent.parent / "examples" / "django_app.py"
ORIGIN = "https://app.example"
RULES: list[Any] = [{"AllowedOrigins": [ORIGIN], "AllowedMethods": ["GET"], "ExposeHeaders": ["ETag"]}]
GRANTED = {"access-control-allow-origin": ORIGIN, "access-control-expose-headers": "ETag"}
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
DOOR = "r2style_cors.django.CORSMiddleware"
SECURITY = "django.middleware.security.SecurityMiddleware"
GZIP = "django.middleware.gzip.GZipMiddleware"
PROJECT: dict[str, Any] = {
    "ALLOWED_HOSTS": ["*"],
    "INSTALLED_APPS": ["r2style_cors.django"],
    "MIDDLEWARE": [DOOR, "django.middleware.common.CommonMiddleware"],
    "R2STYLE_CORS": {"policy": RULES},
    "ROOT_URLCONF": __name__,
    "SECURE_SSL_REDIRECT": False,
}


class OnPurpose(Exception):  # noqa: N818 - it is no error
    """What the views below fail with."""


def plain(_: HttpRequest) -> HttpResponse:
    """A sync view with two cookies and a long body."""
    response = HttpResponse("x" * 1000)
    response.set_cookie("one", "1")
    response.set_cookie("two", "2")
    return response


def own(request: HttpRequest) -> HttpResponse:
    """A view that sets CORS headers and Vary itself, and tells what was decided."""
    response = HttpResponse(request.META["r2style_cors"].reason)
    response["Access-Control-Allow-Origin"] = "https://other.example"
    response["Access-Control-Max-Age"] = "5"
    response["Vary"] = "Cookie"
    return response


async def awaited(_: HttpRequest) -> HttpResponse:
    """An async view."""
    return HttpResponse("awaited")


def fail(_: HttpRequest) -> HttpResponse:
    """A view that fails."""
    raise OnPurpose


produced: list[str] = []


def stream(_: HttpRequest) -> StreamingHttpResponse:
    """A view that streams, and notes what it has produced."""

    def chunks() -> Iterator[str]:
        for chunk in ("first", "last"):
            produced.append(chunk)
            yield chunk

    return StreamingHttpResponse(chunks())


def stream_async(_: HttpRequest) -> StreamingHttpResponse:
    """The same, awaited."""

    async def chunks() -> AsyncIterator[str]:
        for chunk in ("first", "last"):
            produced.append(chunk)
            yield chunk

    return StreamingHttpResponse(chunks())


def file(_: HttpRequest) -> FileResponse:
    """A view that answers with a file."""
    return FileResponse(io.BytesIO(b"a file"), filename="file.txt")


urlpatterns = [
    path("plain", plain),
    path("own", own),
    path("awaited", awaited),
    path("fail", fail),
    path("stream", stream),
    path("stream-async", stream_async),
    path("file", file),
    path("api/plain", plain),
]


@sync_only_middleware
def synchronous(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A middleware that Django has to run in a thread, as many still are."""

    def handle(request: Any) -> Any:
        response = get_response(request)
        response["X-Synchronous"] = "yes"
        return response

    return handle


@pytest.fixture(scope="module")
def configured() -> None:
    """Django, set up once in a process: another module of these tests may have come first."""
    if not settings.configured:
        settings.configure()
        django.setup()
    settings.SECRET_KEY = "not one"  # noqa: S105 - Django cannot so much as set it back to nothing


@pytest.fixture(autouse=True)
def project(configured: None) -> Iterator[None]:
    """The project of these tests, for one test."""
    with override_settings(**PROJECT):
        yield


def get_sync(url: str, method: str = "GET", headers: dict[str, str] | None = None) -> Any:
    """Ask over Django's WSGI handler."""
    return Client(raise_request_exception=False).generic(method, url, headers=headers or {"Origin": ORIGIN})


def get_async(url: str, method: str = "GET", headers: dict[str, str] | None = None) -> Any:
    """Ask over Django's ASGI handler."""
    client: Any = AsyncClient(raise_request_exception=False)
    return asyncio.run(client.generic(method, url, headers=headers or {"Origin": ORIGIN}))


BOTH = pytest.mark.parametrize("get", [get_sync, get_async], ids=["sync", "async"])


def cors(response: Any) -> dict[str, str]:
    """The CORS headers of a response."""
    return {name.lower(): value for name, value in response.items() if name.lower().startswith("access-control-")}


@BOTH
@pytest.mark.parametrize("url", ["/plain", "/awaited", "/file", "/nowhere"])
def test_actual_request(get: Any, url: str) -> None:
    """Sync and async views, a file and a 404 have the CORS headers of the policy, on both of Django's handlers."""
    response = get(url)
    assert (cors(response), response["Vary"]) == (GRANTED, "Origin")
    response.close()


@BOTH
@pytest.mark.parametrize("debug", [False, True], ids=["DEBUG off", "DEBUG on"])
@pytest.mark.parametrize("middleware", [[DOOR], [DOOR, f"{__name__}.synchronous"]], ids=["alone", "before another"])
def test_500(get: Any, debug: bool, middleware: list[str]) -> None:
    """5.6: Django's 500 has its CORS headers, with DEBUG on and off, whatever other middleware there is."""
    with override_settings(DEBUG=debug, MIDDLEWARE=middleware):
        response = get("/fail")
    assert (response.status_code, cors(response), response["Vary"]) == (500, GRANTED, "Origin")


def test_500_that_django_is_told_not_to_write() -> None:
    """5.6: with DEBUG_PROPAGATE_EXCEPTIONS an exception goes on through the door unchanged."""
    with override_settings(DEBUG_PROPAGATE_EXCEPTIONS=True), pytest.raises(OnPurpose):
        Client().get("/fail", headers={"Origin": ORIGIN})


@BOTH
@pytest.mark.parametrize("order", [[DOOR, "synchronous"], ["synchronous", DOOR]], ids=["outside", "inside"])
def test_beside_a_middleware_that_is_only_sync(get: Any, order: list[str]) -> None:
    """The door takes the side that it is asked for: around and within a middleware that knows no async."""
    with override_settings(MIDDLEWARE=[f"{__name__}.{name}" if name == "synchronous" else name for name in order]):
        response = get("/awaited")
    assert (cors(response), response["X-Synchronous"]) == (GRANTED, "yes")


def test_async_chain_stays_async() -> None:
    """Under ASGI the door is awaited in the event loop, so that Django needs no thread for it."""
    from r2style_cors.django import CORSMiddleware

    async def get_response(_: Any) -> HttpResponse:
        return HttpResponse()

    assert iscoroutinefunction(CORSMiddleware(get_response))
    assert not iscoroutinefunction(CORSMiddleware(lambda _: HttpResponse()))


@BOTH
def test_preflight(get: Any) -> None:
    """A preflight is answered before the URLs are looked at: 204 without a body, or 403; its other headers are the policy's."""
    granted = get("/nowhere", "OPTIONS", PREFLIGHT)
    assert (granted.status_code, granted.content, "Content-Type" in granted) == (204, b"", False)
    assert cors(granted) == {"access-control-allow-origin": ORIGIN, "access-control-allow-methods": "GET"}
    refused = get("/nowhere", "OPTIONS", PREFLIGHT | {"Origin": "https://other.example"})
    assert (refused.status_code, cors(refused), refused["Content-Type"]) == (403, {}, "application/xml")


@BOTH
@pytest.mark.parametrize(
    ("origin", "reason", "added"), [(ORIGIN, "allowed", GRANTED), ("https://evil.example", "origin", {})]
)
def test_a_view_s_own_headers(
    get: Any, origin: str, reason: str, added: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """5.5: what a view says of CORS is removed, with a warning, its Vary is merged; 8.3: it finds the decision."""
    response = get("/own", headers={"Origin": origin})
    assert (response.content, cors(response), response["Vary"]) == (reason.encode(), added, "Cookie, Origin")
    assert "sets CORS headers of its own" in caplog.text


@BOTH
def test_debug(get: Any, caplog: pytest.LogCaptureFixture) -> None:
    """4.3: with `debug` a refusal says why, in the log and, of a preflight, in the open."""
    with override_settings(R2STYLE_CORS={"policy": RULES, "debug": True}):
        refused = get("/plain", "OPTIONS", PREFLIGHT | {"Access-Control-Request-Method": "PUT"})
        get("/plain", headers={"Origin": "https://evil.example"})
    assert b"but no rule that does allows the method PUT" in refused.content
    assert [record.levelname for record in caplog.records if hasattr(record, "cors")] == ["WARNING", "WARNING"]


@BOTH
def test_options_that_is_no_preflight(get: Any) -> None:
    """OPTIONS without Access-Control-Request-Method reaches the view (SEMANTICS 4.1)."""
    response = get("/plain", "OPTIONS", {"Origin": ORIGIN})
    assert (response.status_code, response.content[:1], cors(response)) == (200, b"x", {})


@BOTH
def test_cookies_and_vary(get: Any) -> None:
    """Both cookies stay, and Vary is merged with what other middleware put there."""
    with override_settings(MIDDLEWARE=[DOOR, GZIP]):
        response = get("/plain", "GET", {"Origin": ORIGIN, "Accept-Encoding": "gzip"})
    assert sorted(response.cookies) == ["one", "two"]
    assert (response["Vary"], response["Content-Encoding"]) == ("Accept-Encoding, Origin", "gzip")


def test_streams() -> None:
    """A stream passes through untouched: its headers are there before any of it is produced."""
    produced.clear()
    response = get_sync("/stream")
    assert (cors(response), produced) == (GRANTED, [])
    chunks = iter(response.streaming_content)
    assert (next(chunks), produced) == (b"first", ["first"])
    assert (next(chunks), produced) == (b"last", ["first", "last"])


def test_async_streams() -> None:
    """The same under ASGI."""

    async def read() -> None:
        produced.clear()
        response: Any = await AsyncClient().get("/stream-async", headers={"Origin": ORIGIN})
        assert (cors(response), produced) == (GRANTED, [])
        chunks = aiter(response.streaming_content)
        assert (await anext(chunks), produced) == (b"first", ["first"])
        assert (await anext(chunks), produced) == (b"last", ["first", "last"])

    asyncio.run(read())


@BOTH
def test_redirect_to_https_inside(get: Any) -> None:
    """SECURE_SSL_REDIRECT inside: preflights are answered, not redirected, and the redirect has its CORS headers."""
    with override_settings(MIDDLEWARE=[DOOR, SECURITY], SECURE_SSL_REDIRECT=True):
        assert get("/plain", "OPTIONS", PREFLIGHT).status_code == 204
        redirect = get("/plain")
    assert (redirect.status_code, cors(redirect)) == (301, GRANTED)


@BOTH
def test_redirect_to_https_outside(get: Any) -> None:
    """SECURE_SSL_REDIRECT outside redirects preflights, which no browser follows; `manage.py check` warns of the order."""
    with override_settings(MIDDLEWARE=[SECURITY, DOOR], SECURE_SSL_REDIRECT=True):
        assert get("/plain", "OPTIONS", PREFLIGHT).status_code == 301
        assert "r2style_cors.W002" in checked()


@BOTH
def test_policies_by_path(get: Any) -> None:
    """Policies are bound to the paths that the URLs see; others have no header and no Vary."""
    with override_settings(R2STYLE_CORS={"policy": PathPolicies({"/api": RULES})}):
        assert cors(get("/api/plain")) == GRANTED
        outside = get("/plain")
    assert (cors(outside), "Vary" in outside) == ({}, False)


def test_policy_file_that_changes(tmp_path: Path) -> None:
    """A changed file comes into force in a project that runs."""
    policy = tmp_path / "cors.json"
    policy.write_text('[{"AllowedOrigins": ["https://other.example"], "AllowedMethods": ["GET"]}]', encoding="utf-8")
    followed = PolicyFile(policy)
    with override_settings(R2STYLE_CORS={"policy": followed}):
        client = Client(headers={"Origin": ORIGIN})
        assert cors(client.get("/plain")) == {}
        policy.write_text('[{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}]', encoding="utf-8")
        followed.reload()
        assert cors(client.get("/plain")) == {"access-control-allow-origin": "*"}


def test_two_in_one_project(caplog: pytest.LogCaptureFixture) -> None:
    """Of two doors in MIDDLEWARE the outer decides; the inner warns once."""
    with override_settings(MIDDLEWARE=[DOOR, DOOR]):
        client = Client(headers={"Origin": ORIGIN})
        assert [cors(client.get("/plain")) for _ in range(2)] == [GRANTED, GRANTED]
    assert len([record for record in caplog.records if "stacked" in record.message]) == 1


async def headers_over_asgi(app: Any, request: Request) -> Headers:
    """The headers of the response to `request`, whose client stays until it is there: Django waits for it to go."""
    incoming = [{"type": "http.request"}]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not incoming:
            await asyncio.Event().wait()
        return incoming.pop()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(asgi_scope(request), receive, send)
    return asgi_start(sent)[1]


@pytest.mark.parametrize("protocol", ["asgi", "wsgi"])
def test_a_door_around_the_project_decides(protocol: str, caplog: pytest.LogCaptureFixture) -> None:
    """5.5: of a door around a whole project and Django's own the outer one decides; the inner adds nothing, and warns once."""
    rules: list[Any] = [{"AllowedOrigins": ["https://other.example"], "AllowedMethods": ["GET"]}]
    request = Request(headers=(("Host", "testserver"), ("Origin", ORIGIN)), path="/plain")
    door, project = (asgi, get_asgi_application) if protocol == "asgi" else (wsgi, get_wsgi_application)
    outer: Any = door.CORSMiddleware(project(), rules, keep_app_headers=True)
    for _ in range(2):
        if protocol == "asgi":
            headers = asyncio.run(headers_over_asgi(outer, request))
        else:
            headers = wsgi_exchange(outer, wsgi_environ(request))[1]
        assert cors_lines(headers) == []
    assert len([record for record in caplog.records if "stacked" in record.message]) == 1


def test_example_runs() -> None:
    """The Django example runs as it is, and answers a preflight and an actual request as `policies/api.json` says."""
    origin = ("Origin", "https://editor.example.com")
    method = ("Access-Control-Request-Method", "PUT")
    with listening(sys.executable, EXAMPLE) as port:
        granted = http1(port, Ask("OPTIONS", "/notes/7", (origin, method)))
        actual = http1(port, Ask("GET", "/notes/7", (origin,)))
    assert (granted.status, dict(cors_lines(granted.headers))["access-control-allow-origin"]) == (204, origin[1])
    expected = [("access-control-allow-origin", origin[1]), ("access-control-expose-headers", "ETag")]
    assert (actual.status, actual.body, cors_lines(actual.headers)) == (200, b'{"number": 7}', expected)


def checked(*tags: str) -> str:
    """What `manage.py check` writes."""
    written = io.StringIO()
    call_command("check", *(f"--tag={tag}" for tag in tags), stdout=written, stderr=written)
    return written.getvalue()


@pytest.mark.parametrize("tags", [(), ("security",)], ids=["all checks", "by tag"])
def test_check_of_a_good_project(tags: tuple[str, ...]) -> None:
    """`manage.py check` has nothing to say where all is well."""
    assert "r2style_cors" not in checked(*tags)


def test_check_tells_where_and_what_instead() -> None:
    """`manage.py check` fails on a policy that cannot be enforced: every problem, where it stands, and what to write."""
    rules = [{"AllowedOrigins": [f"{ORIGIN}/"], "AllowedMethods": ["GET", "PATCH"]}]
    with override_settings(R2STYLE_CORS={"policy": rules}), pytest.raises(SystemCheckError) as raised:
        checked()
    told = str(raised.value)
    assert "(r2style_cors.origin-path)" in told
    assert "(r2style_cors.method-unsupported)" in told
    assert f'"{ORIGIN}"' in told


def test_check_names_the_file(tmp_path: Path) -> None:
    """What is wrong or doubtful about a file is told with its name."""
    file = tmp_path / "cors.json"
    for origin, code in {"https://app.example/": "origin-path", "https://App.example": "origin-case"}.items():
        file.write_text(f'[{{"AllowedOrigins": ["{origin}"], "AllowedMethods": ["GET"]}}]', encoding="utf-8")
        with override_settings(R2STYLE_CORS={"policy": str(file)}):
            found = [one for one in run_checks() if one.id == f"r2style_cors.{code}"]
        assert [one.msg.partition(": ")[0] for one in found] == [str(file)]


def test_check_warns_without_failing() -> None:
    """A doubtful policy is a warning of `manage.py check`, which can be silenced by its id."""
    doubtful = {"policy": [{"AllowedOrigins": ["https://App.example"], "AllowedMethods": ["GET"]}]}
    with override_settings(R2STYLE_CORS=doubtful):
        assert "(r2style_cors.origin-case)" in checked()
        with override_settings(SILENCED_SYSTEM_CHECKS=["r2style_cors.origin-case"]):
            assert "origin-case)" not in checked()
