"""Many threads and one engine, one door: what is remembered is shared, and nobody is given somebody else's answer.

The memos are made tiny, so that they are filled and emptied all the time, and threads are made to take turns as often as
the interpreter can. Under free threading (`python3.14t`) they run at once.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

import r2style_cors.asgi
import r2style_cors.wsgi
from r2style_cors import Decision, Engine, Policy, _engine, _response
from support.doors import at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

THREADS = 6
TURNS = 400  # of each thread
RULES: list[Any] = [
    {"AllowedOrigins": ["https://*.a.example", "https://b*.a.example"], "AllowedMethods": ["GET"], "ExposeHeaders": ["ETag"]},
    {"AllowedOrigins": ["https://b*.a.example"], "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["x-*"]},
]  # fmt: skip


@pytest.fixture(autouse=True)
def turns() -> Iterator[None]:
    """Threads take turns as often as can be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An engine that forgets everything after a few requests."""
    monkeypatch.setattr(_engine, "MAX_MEMO", 5)
    monkeypatch.setattr(_response, "MAX_LEARNED", 2)
    monkeypatch.setattr(_response, "MAX_MERGED", 2)
    return Policy.parse(RULES).compile()


def together(work: Callable[[int], None]) -> None:
    """Run `work` in every thread at once, for each turn with its own number; what it raises is raised here."""
    barrier = Barrier(THREADS)

    def thread(first: int) -> None:
        barrier.wait()
        for turn in range(TURNS):
            work(first + turn)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(thread, range(THREADS)))


def origin(number: int) -> str:
    """One of a few origins; some match one rule, some both, and some none."""
    return f"https://{'ab'[number % 2]}{number % 11}.{'a' if number % 3 else 'c'}.example"


def test_decisions(engine: Engine) -> None:
    """Every decision made beside others is the one that is made alone."""

    def ask(engine: Engine, number: int) -> tuple[Decision, Decision]:
        return engine.decide("GET", origin(number)), engine.decide("OPTIONS", origin(number), "PUT", f"x-{number % 7}")

    alone = {number: ask(Policy.parse(RULES).compile(), number) for number in range(THREADS + TURNS)}

    def work(number: int) -> None:
        assert ask(engine, number) == alone[number]

    together(work)


def expected(number: int) -> tuple[str | None, str]:
    """The origin that comes back, and the name that only this request's answer has."""
    return (origin(number) if number % 3 else None), f"x-own-{number % 5}"


def test_asgi(engine: Engine) -> None:
    """Every answer through one ASGI door has its own request's origin and its own application's headers."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        own = expected(scope["number"])[1].encode()
        headers = [(own, b"1"), (b"vary", own)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

    door = r2style_cors.asgi.CORSMiddleware(app, policy=engine)

    async def ask(number: int) -> None:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [(b"origin", origin(number).encode())]
        scope = {"type": "http", "method": "GET", "path": "/", "headers": headers, "number": number}
        await door(scope, None, send)  # nobody receives
        check(number, {name.decode(): value.decode() for name, value in sent[0]["headers"]})

    together(lambda number: at_once(ask(number)))


def check(number: int, headers: dict[str, str]) -> None:
    """The headers belong to the request of that number."""
    allowed, own = expected(number)
    assert headers.get("access-control-allow-origin") == allowed
    assert headers["vary"] == f"{own}, Origin"
    assert headers[own] == "1"


def test_wsgi(engine: Engine) -> None:
    """Every answer through one WSGI door has its own request's origin and its own application's headers."""

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        own = expected(environ["number"])[1]
        start_response("200 OK", [(own, "1"), ("Vary", own)])
        return [b""]

    door = r2style_cors.wsgi.CORSMiddleware(app, policy=engine)

    def work(number: int) -> None:
        started: list[Any] = []
        environ = {"REQUEST_METHOD": "GET", "HTTP_ORIGIN": origin(number), "number": number}
        door(environ, lambda *given: started.append(given))  # type: ignore[arg-type]  # nobody writes
        check(number, {name.lower(): value for name, value in started[0][1]})

    together(work)


def test_what_is_remembered_stays_bounded(engine: Engine) -> None:
    """Threads that fill a memo at once fill it by no more than one entry each."""
    together(lambda number: engine.memo.keep_actual("GET", str(number), engine.no_origin))
    assert len(engine.memo.actual["GET"]) <= 5 + THREADS
