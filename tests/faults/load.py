"""Sustained requests, each from an origin of its own, and each answer held against what the two policies say."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from faults.apps import WORKER
from r2style_cors import Policy
from support.policy_files import policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from r2style_cors import Decision, Engine

CONNECTIONS = 8
PATIENCE_SECONDS = 120  # a machine may have other things to do, and a server may have to start a worker first
PREFLIGHT_EVERY = 10

# For no request do these two answer alike, so that each answer tells which policy gave it.
POLICIES = {
    "old": policy("x-old", AllowedOrigins=["https://*.page.example"], AllowedHeaders=["x-asked"], MaxAgeSeconds=1),
    "new": policy("x-new", AllowedOrigins=["*"], AllowedHeaders=["x-asked"], MaxAgeSeconds=2),
}

Answer: TypeAlias = tuple[int, frozenset[tuple[str, str]]]


class Asked(NamedTuple):
    """A request, as an engine takes it."""

    method: str
    origin: str
    request_method: str | None = None
    request_headers: str | None = None

    def lines(self) -> dict[str, str]:
        """The request's headers."""
        names = ("Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers")
        return {name: value for name, value in zip(names, self[1:], strict=True) if value is not None}


def asked(number: int) -> Asked:
    """One of the requests; no two have the same origin."""
    origin = f"https://p{number}.page.example"
    return Asked("GET", origin) if number % PREFLIGHT_EVERY else Asked("OPTIONS", origin, "GET", "x-asked")


def answer(status: int, headers: Iterable[tuple[str, str]]) -> Answer:
    """What of an answer is up to CORS. A header that came twice is no answer of any policy."""
    told = [(name.lower(), value) for name, value in headers]
    return status, frozenset(
        (name, f"{value}, {times} times" if times > 1 else value)
        for (name, value), times in Counter(told).items()
        if name == "vary" or name.startswith("access-control-")
    )


def expected(decision: Decision) -> Answer:
    """The answer of a policy."""
    vary = [("Vary", ", ".join(decision.vary))] if decision.status is None else []
    return answer(decision.status or 200, [*decision.headers, *vary])


@dataclass(frozen=True)
class Failure:
    """A request without an answer: what happened, when its connection was opened, and whose it was, if that is known."""

    error: str
    opened: float
    worker: int | None


@dataclass
class Tally:
    """What came of all requests: the policy that gave each answer, answers that neither gives, and failures."""

    answers: list[str] = field(default_factory=list)
    mixtures: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    workers: list[int] = field(default_factory=list)


@dataclass
class Load:
    """Requests on several connections at once.

    Attributes:
        port: where the server listens.
        closing: whether each request has a connection of its own.
        tally: what came of them so far.
    """

    port: int
    closing: bool = False
    tally: Tally = field(default_factory=Tally)
    engines: Mapping[str, Engine] = field(
        default_factory=lambda: {name: Policy.parse(rules).compile() for name, rules in POLICIES.items()}
    )
    numbers: Iterator[int] = field(default_factory=count)

    def send(self, requests: int) -> None:
        """Send so many requests, and return when all are answered or have failed."""
        left = iter(range(requests))  # whose `next` no thread can interrupt
        threads = [threading.Thread(target=self._client, args=(left,), daemon=True) for _ in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _client(self, left: Iterator[int]) -> None:
        connection = Connection(self.port)
        for _ in left:
            if self.closing or connection.over:
                connection.close()
                connection = Connection(self.port)
            self._ask(connection, asked(next(self.numbers)))
        connection.close()

    def _ask(self, connection: Connection, request: Asked) -> None:
        try:
            response = connection.ask(request, closing=self.closing)
        except (OSError, HTTPException) as error:
            connection.over = True
            self.tally.failures.append(Failure(repr(error), connection.opened, connection.worker))
            return
        if connection.worker is not None:
            self.tally.workers.append(connection.worker)
        found = answer(response.status, response.getheaders())
        names = [name for name, engine in self.engines.items() if expected(engine.decide(*request)) == found]
        self.tally.answers.extend(names)
        if not names:
            self.tally.mixtures.append(f"{request}: {found}")


class Connection:
    """One connection to the server; it is opened by its first request."""

    def __init__(self, port: int) -> None:
        self._http = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        self.opened = monotonic()
        self.worker: int | None = None
        self.over = False

    def ask(self, request: Asked, *, closing: bool) -> HTTPResponse:
        """Send a request, and read its answer to the end."""
        lines = request.lines() | ({"Connection": "close"} if closing else {})
        self._http.request(request.method, "/", headers=lines)
        # Some servers send head and body in two segments, and the second waits until the first is acknowledged.
        self._http.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        response = self._http.getresponse()
        response.read()
        self.over = response.will_close
        told = response.getheader(WORKER)
        if told is not None:
            self.worker = int(told)
        return response

    def close(self) -> None:
        """Close it."""
        self._http.close()
