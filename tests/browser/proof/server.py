"""One server for every origin of every case, behind a SOCKS proxy that takes every name for this machine.

A browser that uses the proxy reaches whatever origin the case names, at whatever port. What arrives there first tells
whether it is TLS. Every request is recorded before a door sees it.
"""

from __future__ import annotations

import asyncio
import socket
from collections import defaultdict
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

import hypercorn.asyncio
import trustme
from hypercorn.config import Config
from hypercorn.middleware import AsyncioWSGIMiddleware

from r2style_cors.asgi import CORSMiddleware

from .cases import ORIGINS, Json, named, sites

if TYPE_CHECKING:
    from collections.abc import Iterator

    from r2style_cors.browser import Response, Site

_HERE = Path(__file__).parent
_TLS_HANDSHAKE = 0x16  # RFC 8446, section 5.1: the type of a client's first record
_PAGES = {"/page": ("text/html", "page.html"), "/page.js": ("text/javascript", "page.js")}
_SANDBOX = (b"content-security-policy", b"sandbox allow-scripts")  # its origin is opaque (HTML, section 7.1.5)


class Arrived(NamedTuple):
    """A request as it arrived."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]


class Grounds:
    """The cases that are served, and what arrived for each."""

    def __init__(self) -> None:
        self._apps: dict[str, dict[str, Any]] = {}
        self.arrived: defaultdict[str, list[Arrived]] = defaultdict(list)

    def serve(self, name: str, case: Json) -> None:
        """Answer for a case from now on."""
        case = named(case, name)
        doors = {origin: place.get("door", "asgi") for origin, place in case["places"].items()}
        self._apps[name] = {origin: _app(site, doors.get(origin)) for origin, site in sites(case).items()}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The whole of it as one ASGI application."""
        if scope["type"] != "http":
            return
        if scope["path"] in _PAGES:
            await _page(scope, send)
            return
        name = scope["path"].split("/")[1]
        request = _arrived(scope)
        self.arrived[name].append(request)
        apps = self._apps.get(name, {})
        origin = "/".join(request.url.split("/")[:3])
        await apps.get(origin, _Application(None))(scope, await _read(receive), send)


async def _read(receive: Any) -> Any:
    """The whole request, to be received again: what arrives after its answer makes Hypercorn end the connection."""
    messages = [await receive()]
    while messages[-1].get("more_body", False):
        messages.append(await receive())

    async def again() -> Any:
        return messages.pop(0) if messages else await receive()

    return again


def _arrived(scope: Any) -> Arrived:
    headers = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"])
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    place = (scope["raw_path"] + query).decode()
    return Arrived(scope["method"], f"{scope['scheme']}://{dict(headers)['host']}{place}", headers)


def _app(site: Site, door: str | None) -> Any:
    """The site as an application of a real server, behind the door that it names."""
    if door == "wsgi":
        return AsyncioWSGIMiddleware(site.app())
    app = _Application(site)
    return app if site.policy is None else CORSMiddleware(app, policy=site.policy)


class _Application:
    """An ASGI application that answers as its site describes."""

    def __init__(self, site: Site | None) -> None:
        self._site = site

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body", False):
            pass
        await _send(send, self._answer(scope["method"], scope["path"]))

    def _answer(self, method: str, path: str) -> Any:
        if self._site is None:
            return None
        answers = self._site.answers
        found = (answers.get(key) for key in (f"{method} {path}", method, path))
        return next((each for each in found if each is not None), self._site.default)


async def _send(send: Any, answer: Response | None) -> None:
    status, headers, body = answer or (404, (("content-length", "0"),), b"")
    lines = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


async def _page(scope: Any, send: Any) -> None:
    content_type, file = _PAGES[scope["path"]]
    sandbox = (_SANDBOX,) if scope["query_string"] == b"null" else ()
    headers = [(b"content-type", content_type.encode()), (b"cache-control", b"no-store"), *sandbox]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": (_HERE / file).read_bytes()})


@contextmanager
def served(folder: Path) -> Iterator[tuple[Grounds, int]]:
    """Serve cases, and give the port of the proxy. `folder` takes the certificate."""
    grounds = Grounds()
    with _listening() as proxy, _listening() as plain, _listening() as secure:
        config = _config(folder, plain, secure)
        loop, stop = asyncio.new_event_loop(), asyncio.Event()
        thread = Thread(target=loop.run_until_complete, args=(_run(grounds, config, proxy, plain, secure, stop),))
        thread.start()
        try:
            yield grounds, proxy.getsockname()[1]
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join()
            loop.close()


def _listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0), backlog=1000)


def _config(folder: Path, plain: socket.socket, secure: socket.socket) -> Config:
    certificate = trustme.CA().issue_cert(*{origin.split("/")[2].split(":")[0] for origin in ORIGINS})
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    for index, pem in enumerate(certificate.cert_chain_pems):
        pem.write_to_path(folder / "certificate.pem", append=index > 0)
    config = Config()
    config.bind, config.insecure_bind = [_handed_over(secure)], [_handed_over(plain)]
    config.certfile, config.keyfile = str(folder / "certificate.pem"), str(folder / "key.pem")
    config.include_date_header = config.include_server_header = False
    config.keep_alive_timeout, config.keep_alive_max_requests = 3600, 10**9
    config.errorlog = config.accesslog = None
    return config


def _handed_over(listening: socket.socket) -> str:
    """The socket as an address that Hypercorn takes; it closes what it is given."""
    return f"fd://{listening.dup().detach()}"


async def _run(
    grounds: Grounds,
    config: Config,
    proxy: socket.socket,
    plain: socket.socket,
    secure: socket.socket,
    stop: asyncio.Event,
) -> None:
    ports = plain.getsockname()[1], secure.getsockname()[1]

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await _tunnel(reader, writer, ports)
        writer.close()

    relay = await asyncio.start_server(tunnel, sock=proxy)
    application: Any = grounds
    await hypercorn.asyncio.serve(application, config, shutdown_trigger=stop.wait)
    relay.close()


async def _tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ports: tuple[int, int]) -> None:
    """One connection through the proxy (RFC 1928), to the plain port or the one with TLS."""
    await reader.readexactly((await reader.readexactly(2))[1])
    writer.write(b"\x05\x00")
    host = await _asked_host(reader)
    gone = host.endswith(b".invalid")
    writer.write(bytes([5, 4 if gone else 0, 0, 1, 0, 0, 0, 0, 0, 0]))
    first = b"" if gone else await reader.read(65536)
    if first:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", ports[first[0] == _TLS_HANDSHAKE])
        inner_writer.write(first)
        await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))


async def _asked_host(reader: asyncio.StreamReader) -> bytes:
    kind = (await reader.readexactly(4))[3]
    length = (await reader.readexactly(1))[0] if kind == 3 else {1: 4, 4: 16}[kind]
    host = await reader.readexactly(length)
    await reader.readexactly(2)
    return host


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
