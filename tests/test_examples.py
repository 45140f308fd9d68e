"""The examples run as they are, and answer over a socket exactly what their policies say."""

from __future__ import annotations

import http.client
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from r2style_cors import Policy, load_policy
from support.listening import PATIENCE_SECONDS, listening

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = Path(__file__).parent.parent / "examples"
CORS_PREFIX = "access-control-"
PREFLIGHT_VARY = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


@dataclass(frozen=True)
class Exchange:
    """One request to an example, and what it has to answer."""

    method: str
    path: str
    request: dict[str, str]
    status: int
    vary: str
    cors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Example:
    """One example: its file, and a preflight and an actual request, each granted and refused."""

    file: str
    preflight: Exchange
    granted: Exchange
    refused_preflight: Exchange
    refused: Exchange


def preflight(path: str, origin: str, method: str, headers: str | None = None) -> tuple[str, str, dict[str, str]]:
    """Method, path and headers of a CORS-preflight request."""
    request = {"Origin": origin, "Access-Control-Request-Method": method}
    return "OPTIONS", path, request if headers is None else {**request, "Access-Control-Request-Headers": headers}


EXCHANGES = [
    Example(
        "fastapi_app.py",
        Exchange(
            *preflight("/notes/7", "https://editor.example.com", "PUT", "authorization,content-type"),
            204,
            PREFLIGHT_VARY,
            {
                "access-control-allow-origin": "https://editor.example.com",
                "access-control-allow-methods": "GET, HEAD, PUT, DELETE",
                "access-control-allow-headers": "authorization, content-type",
                "access-control-max-age": "600",
            },
        ),
        Exchange(
            "GET",
            "/notes/7",
            {"Origin": "https://editor.example.com"},
            200,
            "Origin",
            {
                "access-control-allow-origin": "https://editor.example.com",
                "access-control-expose-headers": "ETag",
            },
        ),
        Exchange(*preflight("/notes/7", "https://www.example.com", "PUT", "content-type"), 403, PREFLIGHT_VARY),
        Exchange("GET", "/notes/7", {"Origin": "https://elsewhere.example"}, 200, "Origin"),
    ),
    Example(
        "flask_app.py",
        Exchange(
            *preflight("/font.woff2", "http://localhost:3000", "GET"),
            204,
            PREFLIGHT_VARY,
            {
                "access-control-allow-origin": "http://localhost:3000",
                "access-control-allow-methods": "GET, HEAD",
                "access-control-max-age": "3600",
            },
        ),
        Exchange(
            "GET",
            "/font.woff2",
            {"Origin": "https://www.example.com"},
            200,
            "Origin",
            {"access-control-allow-origin": "https://www.example.com"},
        ),
        Exchange(*preflight("/font.woff2", "http://localhost:3000", "GET", "x-token"), 403, PREFLIGHT_VARY),
        Exchange("GET", "/font.woff2", {"Origin": "http://localhost:3001"}, 200, "Origin"),
    ),
    Example(
        "asgi_app.py",
        Exchange(
            *preflight("/", "null", "GET"),
            204,
            PREFLIGHT_VARY,
            {
                "access-control-allow-origin": "*",
                "access-control-allow-methods": "GET, HEAD",
                "access-control-max-age": "7200",
            },
        ),
        Exchange(
            "GET", "/", {"Origin": "https://anybody.example"}, 200, "Origin", {"access-control-allow-origin": "*"}
        ),
        Exchange(*preflight("/", "https://anybody.example", "DELETE"), 403, PREFLIGHT_VARY),
        Exchange("POST", "/", {"Origin": "https://anybody.example"}, 200, "Origin"),
    ),
    Example(
        "wsgi_app.py",
        Exchange(
            *preflight("/", "https://player.example.com", "GET", "range"),
            204,
            PREFLIGHT_VARY,
            {
                "access-control-allow-origin": "https://player.example.com",
                "access-control-allow-methods": "GET, HEAD",
                "access-control-allow-headers": "range",
                "access-control-max-age": "7200",
            },
        ),
        Exchange(
            "GET",
            "/",
            {"Origin": "https://player.example.com", "Range": "bytes=0-3"},
            206,
            "Origin",
            {
                "access-control-allow-origin": "https://player.example.com",
                "access-control-expose-headers": "Content-Range, Accept-Ranges",
            },
        ),
        Exchange(*preflight("/", "https://player.example.com.evil.example", "GET", "range"), 403, PREFLIGHT_VARY),
        Exchange("GET", "/", {"Origin": "http://player.example.com"}, 206, "Origin"),
    ),
]


@pytest.fixture(params=EXCHANGES, ids=lambda example: example.file, scope="module")
def served(request: pytest.FixtureRequest) -> Iterator[tuple[Example, int]]:
    """An example that runs in a process of its own, and its port."""
    example: Example = request.param
    with listening(sys.executable, EXAMPLES / example.file) as port:
        yield example, port


def answer(exchange: Exchange, port: int) -> tuple[int, str | None, dict[str, str]]:
    """Status, Vary and CORS headers of what the server on `port` answers to `exchange`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    try:
        connection.request(exchange.method, exchange.path, headers=exchange.request)
        response = connection.getresponse()
        response.read()
    finally:
        connection.close()
    pairs = [(name.lower(), value) for name, value in response.getheaders()]
    cors = [(name, value) for name, value in pairs if name.startswith(CORS_PREFIX)]
    assert len(dict(cors)) == len(cors), f"a CORS header is repeated: {cors}"
    return response.status, response.getheader("Vary"), dict(cors)


@pytest.mark.parametrize("kind", ["preflight", "granted", "refused_preflight", "refused"])
def test_example_answers_as_its_policy_says(served: tuple[Example, int], kind: str) -> None:
    """Over a socket, each example gives the status, the Vary and exactly the CORS headers of its policy."""
    example, port = served
    exchange: Exchange = getattr(example, kind)
    assert answer(exchange, port) == (exchange.status, exchange.vary, exchange.cors)


FORMS = {
    "dashboard.json": "dashboard",
    "api.json": "api",
    "s3.json": "s3",
    "s3.xml": "xml",
    "bucket.tf.json": "terraform",
}


def test_there_is_one_policy_of_each_form() -> None:
    """The folder of policies holds the five files that its page lists, and no other."""
    page = (EXAMPLES / "policies" / "README.md").read_text(encoding="utf-8")
    files = {path.name for path in (EXAMPLES / "policies").iterdir()} - {"README.md"}
    assert files == set(FORMS)
    assert {name for name in FORMS if f"| `{name}` | `{FORMS[name]}` |" in page} == files


@pytest.mark.parametrize(("file", "form"), FORMS.items(), ids=FORMS)
def test_policy_is_recognised_without_a_problem(file: str, form: str) -> None:
    """Each example policy is read as the form its page names, with no warning and no note."""
    policy = load_policy(EXAMPLES / "policies" / file, strict=True)
    assert (policy.form, policy.problems) == (form, ())


@pytest.mark.parametrize("form", FORMS.values())
@pytest.mark.parametrize("file", FORMS)
def test_policy_says_the_same_in_every_form(file: str, form: str) -> None:
    """Each example policy, written in any of the five forms and read again, is the policy it was."""
    policy = load_policy(EXAMPLES / "policies" / file)
    assert Policy.parse(policy.dump(form)) == policy
