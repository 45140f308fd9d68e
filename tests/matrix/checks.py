"""What every pair of a framework and a server has to answer, as data, and how an answer is compared."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from matrix.apps.common import COOKIES, FILES, FIRST, LAST
from matrix.client import Ask, http1, http2, websocket_echo
from support.messages import cors_lines, lines, list_items

if TYPE_CHECKING:
    from matrix.client import Got
    from matrix.servers import Served

ALLOWED, OTHER = "https://app.example", "https://other.example"
GRANTED = {"access-control-allow-origin": ALLOWED, "access-control-expose-headers": "ETag"}
PREFLIGHT_VARY = ("origin", "access-control-request-method", "access-control-request-headers")
FROM_ALLOWED = (("Origin", ALLOWED),)
UPLOAD = b"x" * 1_000_000


@dataclass(frozen=True)
class Check:
    """One request, and its status, its CORS headers and no others, the names in its Vary, and its body where it matters."""

    name: str
    ask: Ask
    status: int = 200
    cors: dict[str, str] = field(default_factory=lambda: GRANTED)
    vary: tuple[str, ...] = ("origin",)
    body: bytes | None = None
    streamed: bool = False
    cookies: int = 0

    def __str__(self) -> str:
        return self.name

    def run(self, served: Served) -> None:
        """Send the request and compare what comes back."""
        send = http2 if served.pair.server.http2 else http1
        if not self.streamed:
            self.compare(send(served.port, self.ask))
            return
        served.release.unlink(missing_ok=True)
        self.compare(send(served.port, self.ask, served.release.touch))

    def compare(self, got: Got) -> None:
        """Compare status, CORS headers, Vary, cookies and body."""
        assert got.status == self.status
        assert cors_lines(got.headers) == sorted(self.cors.items()), "exactly these CORS headers"
        names = Counter(name.lower() for name in list_items(lines(got.headers, "vary")))
        assert names.keys() >= set(self.vary), "Vary names what the answer depends on"
        assert max(names.values()) == 1, "Vary names nothing twice"
        assert len(lines(got.headers, "set-cookie")) == self.cookies
        assert self.body is None or got.body == self.body


@dataclass(frozen=True)
class Echo:
    """A WebSocket handshake from another origin passes through, as nothing else was asked for (SEMANTICS 7.4)."""

    name: str = "websocket"

    def __str__(self) -> str:
        return self.name

    def run(self, served: Served) -> None:
        """Send a message and have it back."""
        assert websocket_echo(served.port, OTHER, "hello") == "hello"


def preflight(*lines: tuple[str, str], origin: str = ALLOWED, path: str = "/hello") -> Ask:
    """A CORS-preflight request for a POST."""
    return Ask("OPTIONS", path, (("Origin", origin), ("Access-Control-Request-Method", "POST"), *lines))


def granted(requested: str = "") -> dict[str, str]:
    """The CORS headers of a preflight that is granted."""
    headers = {
        "access-control-allow-origin": ALLOWED,
        "access-control-allow-methods": "GET, HEAD, POST",
        "access-control-max-age": "600",
    }
    return headers | ({"access-control-allow-headers": requested} if requested else {})


ACRH = "Access-Control-Request-Headers"
TWO_LINES = preflight((ACRH, "x-one"), (ACRH, "x-two"))
HTTP_CHECKS = [
    Check("preflight granted", preflight((ACRH, "content-type")), 204, granted("content-type"), PREFLIGHT_VARY, b""),
    Check("preflight refused", preflight(origin=OTHER), 403, {}, PREFLIGHT_VARY),
    Check("two ACRH lines", TWO_LINES, 204, granted("x-one, x-two"), PREFLIGHT_VARY, b""),
    Check("preflight of no route", preflight(path="/nothing-here"), 204, granted(), PREFLIGHT_VARY, b""),
    Check("GET", Ask(headers=FROM_ALLOWED), body=b"hello"),
    Check("GET, other origin", Ask(headers=(("Origin", OTHER),)), cors={}, body=b"hello"),
    Check("GET, no origin", Ask(), cors={}, body=b"hello"),
    Check("HEAD", Ask("HEAD", headers=FROM_ALLOWED), body=b""),
    Check("304", Ask(path="/not-modified", headers=FROM_ALLOWED), 304, body=b""),
    Check("404", Ask(path="/nothing-here", headers=FROM_ALLOWED), 404),
    Check("405", Ask("POST", headers=FROM_ALLOWED), 405),
    Check("redirect", Ask(path="/redirect", headers=FROM_ALLOWED), 302),
    Check("500, unhandled", Ask(path="/fail", headers=FROM_ALLOWED), 500),
    Check("stream", Ask(path="/stream", headers=FROM_ALLOWED), body=FIRST + LAST, streamed=True),
    Check("events", Ask(path="/events", headers=FROM_ALLOWED), body=FIRST + LAST, streamed=True),
    Check("file", Ask(path="/files/file.txt", headers=FROM_ALLOWED), body=(FILES / "file.txt").read_bytes()),
    Check("upload", Ask("POST", "/upload", FROM_ALLOWED, UPLOAD), body=str(len(UPLOAD)).encode()),
    Check("own Vary", Ask(path="/vary", headers=FROM_ALLOWED), vary=("accept-encoding", "origin"), body=b"vary"),
    Check("own ACAO", Ask(path="/own", headers=FROM_ALLOWED), body=b"own"),
    Check("own ACAO, other origin", Ask(path="/own", headers=(("Origin", OTHER),)), cors={}, body=b"own"),
    Check("two Set-Cookie", Ask(path="/cookies", headers=FROM_ALLOWED), cookies=len(COOKIES), body=b"cookies"),
    Check("mounted", Ask(path="/mounted/hello", headers=FROM_ALLOWED), body=b"hello"),
]
ASGI_CHECKS: list[Check | Echo] = [
    *HTTP_CHECKS,
    Echo(),
    Check("lifespan", Ask(path="/started", headers=FROM_ALLOWED), body=b"started"),
]
WSGI_CHECKS: list[Check | Echo] = [*HTTP_CHECKS]
