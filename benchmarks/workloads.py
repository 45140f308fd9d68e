"""What is asked and under which policy: rules, browser-like requests, and their spelling for ASGI and WSGI."""

from __future__ import annotations

import io
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Any], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]
ASGICall: TypeAlias = tuple[Scope, Receive, Send]

ORIGIN = "https://app.example"
STRANGER = "https://elsewhere.example"


@dataclass(frozen=True)
class Rule:
    """One rule, from which each contender's configuration is made."""

    origins: tuple[str, ...] = (ORIGIN,)
    methods: tuple[str, ...] = ("GET", "PUT", "POST")
    headers: tuple[str, ...] = ("content-type", "authorization", "x-amz-date")
    expose: tuple[str, ...] = ("etag", "x-request-id")
    max_age: int = 600

    def dashboard(self) -> dict[str, Any]:
        """The rule as the R2 dashboard writes it."""
        return {
            "AllowedOrigins": list(self.origins),
            "AllowedMethods": list(self.methods),
            "AllowedHeaders": list(self.headers),
            "ExposeHeaders": list(self.expose),
            "MaxAgeSeconds": self.max_age,
        }


@dataclass(frozen=True)
class Request:
    """One request; `long_response` asks for the application with fifteen headers, one of them Vary."""

    title: str
    method: str = "GET"
    origin: str | None = None
    request_method: str | None = None
    request_headers: str | None = None
    long_response: bool = False

    @property
    def is_preflight(self) -> bool:
        """Whether a middleware answers it alone."""
        return self.request_method is not None

    def headers(self) -> list[tuple[str, str]]:
        """Ten headers as a desktop browser sends them, and those of the CORS protocol where a browser puts them."""
        cors = (
            ("access-control-request-method", self.request_method),
            ("access-control-request-headers", self.request_headers),
            ("origin", self.origin),
        )
        return [*BEFORE, *((name, value) for name, value in cors if value is not None), *AFTER]


BEFORE = [
    ("host", "api.example"),
    ("connection", "keep-alive"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"),
    ("accept", "*/*"),
]
AFTER = [
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-mode", "cors"),
    ("sec-fetch-dest", "empty"),
    ("referer", "https://app.example/"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-US,en;q=0.9"),
]

RULE = Rule()
PREFLIGHT_NAMES = "authorization,content-type,x-amz-date"
REQUESTS = {
    "no-origin": Request("GET without Origin"),
    "allowed": Request("GET, allowed", origin=ORIGIN),
    "denied": Request("GET, denied", origin=STRANGER),
    "preflight": Request("preflight, granted", "OPTIONS", ORIGIN, "PUT", PREFLIGHT_NAMES),
    "refused": Request("preflight, refused", "OPTIONS", STRANGER, "PUT", PREFLIGHT_NAMES),
    "long": Request("GET, allowed, 15 response headers and Vary", origin=ORIGIN, long_response=True),
}


class Connection:
    """Stands in for what a server keeps for one request; does no work, and keeps the response only where asked to."""

    __slots__ = ("messages",)

    def __init__(self, messages: list[Any] | None = None) -> None:
        self.messages = messages

    async def receive(self) -> Message:
        """The request's empty body."""
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Any) -> None:
        """Take a message of the response."""
        if self.messages is not None:
            self.messages.append(message)

    def start_response(
        self, status: str, headers: list[tuple[str, str]], _exc_info: Any = None
    ) -> Callable[[bytes], object]:
        """Take the start of a WSGI response."""
        if self.messages is not None:
            self.messages.append((status, headers))
        return len


def asgi_scope(request: Request) -> dict[str, Any]:
    """A scope as a server makes it: new bytes for each request, so that no hash is already known."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
        "scheme": "http",
        "method": request.method,
        "root_path": "",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in request.headers()],
        "state": {},
    }


def asgi_call(request: Request, messages: list[Any] | None = None) -> ASGICall:
    """What an ASGI application is called with for `request`."""
    connection = Connection(messages)
    return asgi_scope(request), connection.receive, connection.send


def environ_key(name: str) -> str:
    """`HTTP_ORIGIN` for `origin`."""
    return "HTTP_" + name.upper().replace("-", "_")


def wsgi_call(request: Request, messages: list[Any] | None = None) -> tuple[dict[str, Any], Any]:
    """What a WSGI application is called with for `request`; new strings for each request."""
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers():
        environ[environ_key(name)] = value.encode().decode("latin-1")
    return environ, Connection(messages).start_response
