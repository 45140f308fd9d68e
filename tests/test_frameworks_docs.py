"""The pages of the frameworks and of migrations: what they show answers as they say, and the lists they have are whole."""

from __future__ import annotations

import asyncio
import re
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import django
import httpx
import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import re_path

from matrix.checks import ASGI_CHECKS
from matrix.servers import PAIRS
from support.doors import wsgi_environ, wsgi_exchange
from support.messages import Request, cors_lines, lines
from support.pages import ROOT, blocks, python

if TYPE_CHECKING:
    from pathlib import Path

    from support.messages import Headers

DOCS = ROOT / "docs"
ORIGIN, OTHER = "https://www.example.com", "https://elsewhere.example"
GRANTED = [("access-control-allow-origin", ORIGIN), ("access-control-expose-headers", "ETag")]
PREFLIGHT_VARY = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
# The page, the name of its application, how it is asked, and a path that has a route.
APPLICATIONS = [
    ("frameworks/starlette", "app", "asgi", "/items/7"),
    ("frameworks/flask", "app", "wsgi", "/items/7"),
    ("frameworks/litestar", "app", "asgi", "/items"),
    ("frameworks/quart", "app", "asgi", "/items/7"),
    ("frameworks/falcon", "app", "asgi", "/items/7"),
    ("frameworks/falcon", "wsgi_app", "wsgi", "/items/7"),
    ("frameworks/pyramid", "app", "wsgi", "/items/7"),
    ("frameworks/bottle", "app", "wsgi", "/items/7"),
    ("frameworks/plain", "app", "asgi", "/"),
    ("frameworks/plain", "wsgi_app", "wsgi", "/"),
    ("migrating/starlette", "app", "asgi", "/"),
    ("migrating/flask-cors", "app", "wsgi", "/api/item"),
]
DJANGO_PAGES = [("frameworks/django", "/items/7"), ("migrating/django-cors-headers", "/api/items/7")]
Answered = tuple[int | None, "Headers", bytes]


def file(page: str) -> Path:
    """The file of a page."""
    return DOCS / f"{page}.md"


def read(page: str) -> str:
    """The text of a page."""
    return file(page).read_text(encoding="utf-8")


def policies(page: str) -> list[str]:
    """The policies that a page shows as JSON."""
    return [block.text for block in blocks(file(page)) if block.language == "json"]


def run(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the Python of a page leaves behind, run beside the policy that it shows, or else the one of the index."""
    [policy] = policies(page) or policies("frameworks/index")
    (folder / "cors.json").write_text(policy, encoding="utf-8")
    monkeypatch.chdir(folder)
    module = ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", module)  # where Litestar and Pyramid look up what they are given
    exec(compile(python(file(page)), page, "exec", dont_inherit=True), vars(module))
    return vars(module)


def ask_asgi(app: Any, request: Request) -> Answered:
    """Ask an ASGI application in this process."""

    async def ask() -> Answered:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api.example") as client:
            response = await client.request(request.method, request.path, headers=list(request.headers))
            return response.status_code, tuple(response.headers.multi_items()), response.content

    return asyncio.run(ask())


def ask_wsgi(app: Any, request: Request) -> Answered:
    """Ask a WSGI application in this process."""
    return wsgi_exchange(app, wsgi_environ(request))[:3]


def ask_django(_: Any, request: Request) -> Answered:
    """Ask the Django project whose settings are in force."""
    response = Client().generic(request.method, request.path, headers=dict(request.headers))
    return response.status_code, tuple(response.items()), response.content


ASK = {"asgi": ask_asgi, "wsgi": ask_wsgi, "django": ask_django}


def check(protocol: str, app: Any, path: str) -> None:
    """A preflight and an actual request, each granted and refused, answer as the policy of the pages says."""
    ask = ASK[protocol]
    method = ("Access-Control-Request-Method", "PUT")
    requested = ("Access-Control-Request-Headers", "content-type")
    status, headers, body = ask(app, Request("OPTIONS", (("Origin", ORIGIN), method, requested), path))
    names = dict(cors_lines(headers))
    assert (status, body, names["access-control-allow-headers"]) == (204, b"", "content-type")
    assert (names["access-control-allow-origin"], names["access-control-max-age"]) == (ORIGIN, "600")
    assert lines(headers, "vary") == [PREFLIGHT_VARY]
    status, headers, _ = ask(app, Request("OPTIONS", (("Origin", OTHER), method), path))
    assert (status, cors_lines(headers)) == (403, [])
    for origin, cors in ((ORIGIN, GRANTED), (OTHER, [])):
        status, headers, _ = ask(app, Request("GET", (("Origin", origin),), path))
        assert (status, cors_lines(headers), lines(headers, "vary")) == (200, cors, ["Origin"])


@pytest.mark.parametrize(
    ("page", "name", "protocol", "path"), APPLICATIONS, ids=lambda value: value.strip("/") or "root"
)
def test_page(page: str, name: str, protocol: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The application that a page makes, typed as it stands there, answers as its policy says."""
    check(protocol, run(page, tmp_path, monkeypatch)[name], path)


urlpatterns = [re_path("", lambda _: HttpResponse("7"))]


@pytest.mark.parametrize(("page", "path"), DJANGO_PAGES, ids=[page for page, _ in DJANGO_PAGES])
def test_django_page(page: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings that a page shows make a project that answers as its policy says, and that passes its own checks."""
    if not settings.configured:
        settings.configure()
        django.setup()
    shown = {name: value for name, value in run(page, tmp_path, monkeypatch).items() if name.isupper()}
    with override_settings(**shown, ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECURE_SSL_REDIRECT=False):
        check("django", None, path)
        assert [found.id for found in run_checks() if "r2style_cors" in str(found.id)] == []


def test_migrated_starlette_grants_what_it_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before and after the migration, the same requests are granted the same: origin, methods, exposed headers, max age."""
    names = run("migrating/starlette", tmp_path, monkeypatch)
    preflight = Request("OPTIONS", (("Origin", ORIGIN), ("Access-Control-Request-Method", "PUT")))
    for request in (preflight, Request("GET", (("Origin", ORIGIN),)), Request("GET", (("Origin", OTHER),))):
        before, after = (dict(cors_lines(ask_asgi(names[name], request)[1])) for name in ("before", "app"))
        if "access-control-allow-origin" not in after:  # Starlette names what is exposed to whomever asks
            assert "access-control-allow-origin" not in before
            continue
        before.pop("access-control-allow-headers", None)  # its whole list, asked for or not
        assert after == before


def test_migrated_flask_covers_the_same_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the old `resources` left alone has no CORS header and no Vary."""
    app = run("migrating/flask-cors", tmp_path, monkeypatch)["app"]
    for path, status in (("/private", 200), ("/apiary", 404)):
        answered, headers, _ = ask_wsgi(app, Request("GET", (("Origin", ORIGIN),), path))
        assert (answered, cors_lines(headers), lines(headers, "vary")) == (status, [], [])


def test_sub_application_of_the_starlette_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The part that has a policy of its own answers by it, and the rest by the other."""
    parts = run("frameworks/starlette", tmp_path, monkeypatch)["parts"]
    request = (("Origin", OTHER),)
    assert cors_lines(ask_asgi(parts, Request("GET", request, "/public/docs"))[1]) == [
        ("access-control-allow-origin", "*")
    ]
    assert cors_lines(ask_asgi(parts, Request("GET", request, "/docs"))[1]) == []


def test_index_names_every_page() -> None:
    """Every page of a framework is in the index."""
    pages = {path.name for path in (DOCS / "frameworks").glob("*.md")} - {"index.md"}
    assert set(re.findall(r"\]\(([\w-]+\.md)\)", read("frameworks/index"))) == pages


def test_every_page_is_run() -> None:
    """Every page with Python in it is one of those above."""
    pages = {f"{path.parent.name}/{path.stem}" for path in DOCS.glob("[fm]*/*.md")}
    run_above = {page for page, *_ in APPLICATIONS} | {page for page, _ in DJANGO_PAGES}
    assert {page for page in pages if python(file(page))} == run_above


def test_matrix_page_has_every_pair_and_no_failure() -> None:
    """The table of docs/matrix.md has one row for each pair, in order, and no check fails in it."""
    rows = [row.split(" | ") for row in read("matrix").splitlines() if re.search(r"\| \d+ of \d+ \|", row)]
    assert [f"{row[0][2:]} on {row[1]}" for row in rows] == [str(pair) for pair in PAIRS]
    assert [row for row in rows if len(set(row[2].split(" of "))) != 1] == []


def test_matrix_page_says_what_is_checked() -> None:
    """Every check has its word in the first table of docs/matrix.md."""
    told = read("matrix").partition("<!--")[0]
    assert [str(check) for check in ASGI_CHECKS if str(check) not in told] == []
