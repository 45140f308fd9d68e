"""Requests over a raw connection, HTTP/1.1 and HTTP/2: header lines as they are given, the response as it arrives."""

from __future__ import annotations

import http.client
import socket
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded, StreamReset
from websockets.sync.client import connect

from support.listening import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.messages import Headers

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Ask:
    """One request. A name may come on several lines."""

    method: str = "GET"
    path: str = "/hello"
    headers: Headers = ()
    body: bytes = b""


@dataclass(frozen=True)
class Got:
    """What came back: header lines in their order, and the body."""

    status: int
    headers: Headers
    body: bytes


Between: TypeAlias = "Callable[[], None]"  # called once, when the first bytes of the body are there


def nothing() -> None:
    """What most requests do between the first bytes of a body and its end."""


def http1(port: int, ask: Ask, between: Between = nothing) -> Got:
    """Send one request over HTTP/1.1."""
    with closing(http.client.HTTPConnection(HOST, port, timeout=PATIENCE_SECONDS)) as connection:
        connection.putrequest(ask.method, ask.path)
        for name, value in ask.headers:
            connection.putheader(name, value)
        if ask.body:
            connection.putheader("Content-Length", str(len(ask.body)))
        connection.endheaders(ask.body or None)
        response = connection.getresponse()
        first = response.read1(65536)
        between()
        return Got(response.status, tuple(response.getheaders()), first + response.read())


def http2(port: int, ask: Ask, between: Between = nothing) -> Got:
    """Send one request over HTTP/2, in the clear and without an upgrade (RFC 9113, section 3.3)."""
    with socket.create_connection((HOST, port), PATIENCE_SECONDS) as connected:
        return Http2(connected, port).exchange(ask, between)


class Http2:
    """One HTTP/2 connection, for one request."""

    def __init__(self, connected: socket.socket, port: int) -> None:
        self.socket = connected
        self.port = port
        self.h2 = H2Connection(H2Configuration(client_side=True, header_encoding="latin-1"))
        self.status = 0
        self.headers: Headers = ()
        self.body = b""
        self.ended = False

    def exchange(self, ask: Ask, between: Between) -> Got:
        """Send the request as the server has room for it, and read the response to its end."""
        self.h2.initiate_connection()
        pseudo = [
            (":method", ask.method),
            (":scheme", "http"),
            (":authority", f"{HOST}:{self.port}"),
            (":path", ask.path),
        ]
        lines = [(name.lower(), value) for name, value in ask.headers]
        self.h2.send_headers(1, [*pseudo, *lines], end_stream=not ask.body)
        rest = self.send(ask.body)
        begun = False
        while not self.ended:
            self.receive()
            rest = self.send(rest)
            if self.body and not begun:
                begun = True
                between()
        return Got(self.status, self.headers, self.body)

    def send(self, body: bytes) -> bytes:
        """Send as much of `body` as the windows allow; give what is left."""
        while body and (room := min(self.h2.local_flow_control_window(1), self.h2.max_outbound_frame_size)):
            self.h2.send_data(1, body[:room], end_stream=len(body) <= room)
            body = body[room:]
        self.socket.sendall(self.h2.data_to_send())
        return body

    def receive(self) -> None:
        """Take what the server sends next."""
        data = self.socket.recv(65536)
        assert data, "the server hung up"
        for event in self.h2.receive_data(data):
            assert not isinstance(event, StreamReset), "the server reset the stream"
            if isinstance(event, ResponseReceived):
                self.take_headers(event)
            elif isinstance(event, DataReceived):
                self.body += event.data or b""
                self.h2.acknowledge_received_data(event.flow_controlled_length or 0, 1)
            elif isinstance(event, StreamEnded):
                self.ended = True

    def take_headers(self, event: ResponseReceived) -> None:
        """Keep the status and the header lines."""
        pairs = tuple((str(name), str(value)) for name, value in event.headers or ())
        self.status = int(dict(pairs)[":status"])
        self.headers = tuple(pair for pair in pairs if not pair[0].startswith(":"))


def websocket_echo(port: int, origin: str, message: str) -> str | bytes:
    """What a WebSocket answers to `message`, its handshake sent from a page of `origin`."""
    with connect(f"ws://{HOST}:{port}/echo", additional_headers={"Origin": origin}, proxy=None) as websocket:
        websocket.send(message)
        return websocket.recv(PATIENCE_SECONDS)
