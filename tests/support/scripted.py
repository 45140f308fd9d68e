"""Servers that answer as they are told, right or wrong, and the scenarios that are played on them."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ACAO, ACAC = "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"
ACAM, ACAH, ACEH = "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Expose-Headers"
GRANT = ((ACAO, "{page}"), ("Vary", "Origin"))
STAR = ((ACAO, "*"),)


@dataclass(frozen=True)
class Scripted:
    """One answer. In the values `{page}`, `{here}` and `{other}` stand for the origins of the three servers."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Received:
    """One request, as it arrived."""

    method: str
    path: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Scenario:
    """What a page asks of the server `here`, how that answers, and what a probe has to say of it."""

    shows: str
    answers: Mapping[str, Scripted]  # "METHOD", or "METHOD /path" where that differs
    verdict: str
    codes: tuple[str, ...] = ()
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    credentials: bool = False
    chromium: str | None = None  # its own verdict, where it does not follow the standard


@dataclass
class Servers:
    """Three origins of this machine: the page's, and two that answer from the script."""

    page: str
    here: str
    other: str
    received: list[Received] = field(default_factory=list)


@contextmanager
def servers(answers: Mapping[str, Scripted]) -> Iterator[Servers]:
    """The three, serving. The page itself is empty."""
    page = {"GET": Scripted(200, (("Content-Type", "text/html"),))}
    with ExitStack() as stack:
        listening = [stack.enter_context(_listening()) for _ in range(3)]
        ports = [server.server_address[1] for server in listening]
        names = ("localhost", "127.0.0.1", "127.0.0.1")
        page_origin, here, other = (f"http://{name}:{port}" for name, port in zip(names, ports, strict=True))
        found = Servers(page_origin, here, other)
        for server, script in zip(listening, (page, answers, answers), strict=True):
            server.RequestHandlerClass = type("Handler", (_Handler,), {"script": script, "servers": found})
        yield found


@contextmanager
def _listening() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    """Answers every method from the script, with header lines exactly as they stand there."""

    script: ClassVar[Mapping[str, Scripted]] = {}
    servers: ClassVar[Servers]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def answer(self) -> None:
        """Send what the script has for this method and path."""
        received = Received(self.command, self.path, {name.lower(): value for name, value in self.headers.items()})
        self.servers.received.append(received)
        scripted = self.script.get(f"{self.command} {self.path}") or self.script[self.command]
        self.send_response_only(scripted.status)
        here = self.servers.here
        places = {"page": self.servers.page, "here": here, "other": self.servers.other}
        places["here_with_user"] = here.replace("://", "://user:password@")
        for name, value in scripted.headers:
            self.send_header(name, value.format(**places))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the tests tell."""


def _preflight(*headers: tuple[str, str], status: int = 204) -> dict[str, Scripted]:
    """A script for a PUT: this answer to its preflight, and a good one to the request."""
    return {"OPTIONS": Scripted(status, headers), "PUT": Scripted(200, GRANT), "patch": Scripted(200, GRANT)}


def _get(*headers: tuple[str, str], status: int = 200) -> dict[str, Scripted]:
    return {"GET": Scripted(status, headers), "OPTIONS": Scripted(204, (*GRANT, (ACAH, "*, authorization")))}


def _moved(target: str, *, status: int = 302, last: tuple[tuple[str, str], ...] = STAR) -> dict[str, Scripted]:
    """A script in which `/` redirects to `target`, and `/next` answers."""
    granted = Scripted(204, ((ACAO, "*"), (ACAM, "PUT"), (ACAH, "content-type, authorization")))
    moved, there = Scripted(status, (*STAR, ("Location", target))), Scripted(200, last)
    of_path = {f"{method} /next": there for method in ("GET", "PUT", "POST")}
    return {"OPTIONS": granted, **dict.fromkeys(("GET", "PUT", "POST"), moved), **of_path}


JSON = (("Content-Type", "application/json"),)
TOKEN = (("Authorization", "Bearer t"),)

SCENARIOS: dict[str, Scenario] = {
    "granted": Scenario("A GET with its own origin allowed is readable.", _get(*GRANT), "readable"),
    "granted-star": Scenario("`*` allows any origin.", _get(*STAR), "readable"),
    "granted-preflight": Scenario(
        "A PUT of JSON is readable after its preflight.",
        _preflight(*GRANT, (ACAM, "PUT"), (ACAH, "Content-Type")),
        "readable",
        method="PUT",
        headers=JSON,
    ),
    "granted-stars": Scenario(
        "Without credentials `*` allows methods and headers too.",
        _preflight(*STAR, (ACAM, "*"), (ACAH, "*")),
        "readable",
        method="PUT",
        headers=JSON,
    ),
    "granted-credentials": Scenario(
        "With credentials the origin is named, and credentials are allowed.",
        _get(*GRANT, (ACAC, "true")),
        "readable",
        credentials=True,
    ),
    "granted-lists": Scenario(
        "Lists may stand on several lines, with white space and empty items.",
        _preflight(*GRANT, (ACAM, "GET,, "), (ACAM, "\tPUT"), (ACAH, "x-a"), (ACAH, "CONTENT-TYPE")),
        "readable",
        method="PUT",
        headers=(*JSON, ("X-A", "1")),
    ),
    "granted-safelisted-method": Scenario(
        "A preflight for a header need not list GET.",
        {"OPTIONS": Scripted(204, (*GRANT, (ACAH, "x-a"))), "GET": Scripted(200, GRANT)},
        "readable",
        headers=(("x-a", "1"),),
    ),
    "post-safelisted": Scenario(
        "A POST of plain text is sent without a preflight.",
        {"POST": Scripted(200, GRANT)},
        "readable",
        method="POST",
        headers=(("content-type", "text/plain; charset=utf-8"),),
    ),
    "error-granted": Scenario("A 404 with CORS headers is readable.", _get(*GRANT, status=404), "readable"),
    "allow-origin-missing": Scenario("No CORS header at all.", _get(), "blocked", ("allow-origin-missing",)),
    "error-response": Scenario(
        "A 500 written outside the CORS layer.", _get(status=500), "blocked", ("error-response",)
    ),
    "allow-origin-repeated": Scenario(
        "Two layers add the header.", _get(*GRANT, *GRANT), "blocked", ("allow-origin-repeated",)
    ),
    "allow-origin-two-values": Scenario(
        "One line with two values.", _get((ACAO, "{page}, {page}")), "blocked", ("allow-origin-repeated",)
    ),
    "allow-origin-slash": Scenario(
        "A slash at the end of the origin.", _get((ACAO, "{page}/")), "blocked", ("allow-origin-slash",)
    ),
    "allow-origin-pattern": Scenario(
        "A pattern in place of an origin.", _get((ACAO, "http://*.example.com")), "blocked", ("allow-origin-pattern",)
    ),
    "allow-origin-other": Scenario(
        "A fixed value, of another origin.", _get((ACAO, "{other}")), "blocked", ("allow-origin-other",)
    ),
    "allow-origin-empty": Scenario("An empty value.", _get((ACAO, "")), "blocked", ("allow-origin-other",)),
    "cached-age": Scenario("A cache's copy without CORS headers.", _get(("Age", "12")), "blocked", ("cached-copy",)),
    "cached-cloudflare": Scenario(
        "A copy made for another origin.",
        _get((ACAO, "{other}"), ("CF-Cache-Status", "HIT"), ("Age", "0")),
        "blocked",
        ("cached-copy",),
    ),
    "cached-x-cache": Scenario(
        "The same, from another cache.", _get(("X-Cache", "Hit from edge")), "blocked", ("cached-copy",)
    ),
    "cached-miss": Scenario(
        "A cache that asked the server is no suspect.",
        _get(("CF-Cache-Status", "MISS"), ("Age", "0")),
        "blocked",
        ("allow-origin-missing",),
    ),
    "star-with-credentials": Scenario(
        "`*` does not count with credentials.",
        _get(*STAR, (ACAC, "true")),
        "blocked",
        ("star-with-credentials",),
        credentials=True,
    ),
    "star-methods-with-credentials": Scenario(
        "Nor does it for methods.",
        _preflight(*GRANT, (ACAC, "true"), (ACAM, "*")),
        "blocked",
        ("star-with-credentials",),
        method="PUT",
        credentials=True,
    ),
    "star-headers-with-credentials": Scenario(
        "Nor for headers.",
        _preflight(*GRANT, (ACAC, "true"), (ACAM, "PUT"), (ACAH, "*")),
        "blocked",
        ("star-with-credentials",),
        method="PUT",
        headers=JSON,
        credentials=True,
    ),
    "allow-credentials-missing": Scenario(
        "Credentials without leave.", _get(*GRANT), "blocked", ("allow-credentials-missing",), credentials=True
    ),
    "allow-credentials-case": Scenario(
        "Only `true` in lower case is leave.",
        _get(*GRANT, (ACAC, "True")),
        "blocked",
        ("allow-credentials-missing",),
        credentials=True,
    ),
    "preflight-redirect": Scenario(
        "A preflight is redirected.",
        _preflight(("Location", "/next"), status=301),
        "blocked",
        ("preflight-redirect",),
        method="PUT",
    ),
    "preflight-401": Scenario(
        "Authentication in front.", _preflight(status=401), "blocked", ("preflight-authentication",), method="PUT"
    ),
    "preflight-403": Scenario("A refusal.", _preflight(status=403), "blocked", ("preflight-refused",), method="PUT"),
    "preflight-404": Scenario(
        "A router that knows no OPTIONS.", _preflight(status=404), "blocked", ("preflight-unrouted",), method="PUT"
    ),
    "preflight-405": Scenario(
        "The same, with CORS headers.",
        _preflight(*GRANT, (ACAM, "PUT"), status=405),
        "blocked",
        ("preflight-unrouted",),
        method="PUT",
    ),
    "preflight-501": Scenario(
        "OPTIONS is not implemented.", _preflight(status=501), "blocked", ("preflight-unrouted",), method="PUT"
    ),
    "preflight-500": Scenario(
        "The preflight fails inside.", _preflight(status=500), "blocked", ("preflight-server-error",), method="PUT"
    ),
    "preflight-400": Scenario(
        "Any other status.", _preflight(*GRANT, status=400), "blocked", ("preflight-status",), method="PUT"
    ),
    "preflight-without-origin": Scenario(
        "A preflight's 204 without CORS headers.",
        _preflight(),
        "blocked",
        ("allow-origin-missing",),
        method="PUT",
    ),
    "list-syntax": Scenario(
        "A list that is none.", _preflight(*GRANT, (ACAM, "PUT GET")), "blocked", ("list-syntax",), method="PUT"
    ),
    "method-not-allowed": Scenario(
        "The list lacks the method.",
        _preflight(*GRANT, (ACAM, "GET, HEAD")),
        "blocked",
        ("method-not-allowed",),
        method="PUT",
    ),
    "method-none": Scenario(
        "There is no list of methods.", _preflight(*GRANT), "blocked", ("method-not-allowed",), method="PUT"
    ),
    "method-case": Scenario(
        "`patch` is not put in upper case.",
        _preflight(*GRANT, (ACAM, "PATCH")),
        "blocked",
        ("method-case",),
        method="patch",
    ),
    "header-not-allowed": Scenario(
        "The list lacks a header.",
        _preflight(*GRANT, (ACAM, "PUT"), (ACAH, "content-type")),
        "blocked",
        ("header-not-allowed",),
        method="PUT",
        headers=(*JSON, ("x-trace", "1")),
    ),
    "header-none": Scenario(
        "There is no list of headers, and Authorization is asked for.",
        _preflight(*GRANT, (ACAM, "PUT")),
        "blocked",
        ("header-not-allowed",),
        method="PUT",
        headers=TOKEN,
    ),
    "star-authorization": Scenario(
        "`*` does not cover Authorization.",
        _preflight(*GRANT, (ACAM, "PUT"), (ACAH, "*")),
        "blocked",
        ("star-authorization",),
        method="PUT",
        headers=TOKEN,
        chromium="readable",
    ),
    "etag-not-exposed": Scenario(
        "An ETag that the page cannot read.",
        _get(*GRANT, ("ETag", '"1"')),
        "readable",
        ("etag-not-exposed",),
    ),
    "etag-exposed": Scenario("An exposed ETag.", _get(*GRANT, ("ETag", '"1"'), (ACEH, "etag")), "readable"),
    "etag-exposed-by-star": Scenario("`*` exposes it.", _get(*STAR, ("ETag", '"1"'), (ACEH, "*")), "readable"),
    "vary-missing": Scenario("A named origin without Vary.", _get((ACAO, "{page}")), "readable", ("vary-missing",)),
    "vary-star": Scenario("`Vary: *` is enough.", _get((ACAO, "{page}"), ("Vary", "*")), "readable"),
    "redirect-here": Scenario("A redirect within one origin.", _moved("/next"), "readable"),
    "redirect-other": Scenario(
        "A redirect to a third origin makes the request's origin null, which `*` allows.",
        _moved("{other}/next"),
        "readable",
        ("redirect-other-origin", "redirect-null-origin"),
    ),
    "redirect-null": Scenario(
        "The page's origin is not enough there.",
        _moved("{other}/next", last=GRANT),
        "blocked",
        ("redirect-other-origin", "redirect-null-origin", "allow-origin-other"),
    ),
    "redirect-null-allowed": Scenario(
        "The literal `null` is.",
        _moved("{other}/next", last=((ACAO, "null"), ("Vary", "Origin"))),
        "readable",
        ("redirect-other-origin", "redirect-null-origin"),
    ),
    "redirect-authorization": Scenario(
        "Authorization is taken away on the way to another origin.",
        _moved("{other}/next"),
        "readable",
        ("redirect-other-origin", "redirect-authorization", "redirect-null-origin"),
        headers=TOKEN,
    ),
    "redirect-home": Scenario(
        "A redirect back to the page's own origin is checked too, and has no CORS headers.",
        _moved("{page}/"),
        "blocked",
        ("redirect-other-origin", "redirect-null-origin", "allow-origin-missing"),
    ),
    "redirect-put": Scenario(
        "A 307 keeps the method, and the preflight is asked again.",
        _moved("{other}/next", status=307),
        "readable",
        ("redirect-other-origin", "redirect-null-origin"),
        method="PUT",
        headers=JSON,
    ),
    "redirect-see-other": Scenario(
        "A 303 makes a GET of it, and drops what describes the body.",
        _moved("/next", status=303),
        "readable",
        method="PUT",
        headers=JSON,
    ),
    "redirect-post": Scenario(
        "So does a 302 after a POST.", _moved("/next", status=302), "readable", method="POST", headers=JSON
    ),
    "redirect-endless": Scenario(
        "After twenty redirects a browser gives up.", _moved("/"), "blocked", ("redirect-count",)
    ),
    "redirect-unreadable": Scenario(
        "A redirect without CORS headers is not followed.",
        {"GET": Scripted(302, (("Location", "/next"),)), "GET /next": Scripted(200, STAR)},
        "blocked",
        ("allow-origin-missing",),
    ),
    "redirect-nowhere": Scenario(
        "A redirect status without Location is an answer as any other.", _get(*STAR, status=302), "readable"
    ),
    "redirect-scheme": Scenario(
        "A redirect to another scheme.", _moved("data:text/plain,hello"), "blocked", ("redirect-location",)
    ),
    "redirect-port": Scenario(
        "A redirect to no URL.", _moved("http://127.0.0.1:port/"), "blocked", ("redirect-location",)
    ),
    "redirect-host": Scenario(
        "A redirect to a host that none can have.", _moved("http://a b/"), "blocked", ("redirect-location",)
    ),
    "redirect-user": Scenario(
        "A redirect with a user in it.", _moved("http://user@127.0.0.1:1/"), "blocked", ("redirect-location",)
    ),
    "header-forbidden": Scenario(
        "A header that only the browser sets is left out.",
        _get(*STAR),
        "readable",
        ("header-forbidden",),
        headers=(("Cookie", "a=b"),),
    ),
}
