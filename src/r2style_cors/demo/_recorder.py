"""What crossed the wire, kept for the page, which the browser does not let see a refused answer.

It stands outside the CORS middleware and so notes exactly what leaves. A request takes part by an `id` in its query, or
by the signature of a presigned URL, to which nothing can be added; the browser puts the same query on the preflight.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import starlette.requests
import werkzeug.wrappers

from .._fetch import ORIGIN, REQUEST_HEADERS, REQUEST_METHOD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from .._decision import Decision
    from ._policy import DemoPolicy

    ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]

Pairs = list[tuple[str, str]]

KEPT_IDS = 200
KEPT_EXCHANGES = 8  # for one id

_ID = re.compile(r"[A-Za-z0-9-]{1,64}")

_REASONS = {
    "allowed": "rule {rule} covers this origin and what was asked",
    "origin": "no rule covers this origin",
    "method": "rule {rule} covers this origin, but not the method",
    "headers": "rule {rule} covers this origin and the method, but not every header that was asked for",
    "malformed": "the request is malformed",
    "no-origin": "the request names no origin, so no rule was asked",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """The part of a request that CORS looks at."""

    id: str
    method: str
    path: str
    headers: Pairs


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer. `because` says in words how the policy came to `allowed`."""

    method: str
    path: str
    asked: Pairs
    status: int
    answered: Pairs
    preflight: bool
    allowed: bool
    because: str


class Recorder:
    """The last exchanges by their id; the oldest ids are dropped first."""

    def __init__(self, policy: DemoPolicy) -> None:
        self._policy = policy
        self._lock = Lock()
        self._exchanges: OrderedDict[str, list[Exchange]] = OrderedDict()

    def note(self, asked: Asked, status: int, answered: Iterable[tuple[str, str]]) -> None:
        """Keep one exchange, unless its id is missing, malformed or used up."""
        if not _ID.fullmatch(asked.id):
            return
        exchange = self._exchange(asked, status, [pair for pair in answered if _is_answer(pair[0].lower())])
        with self._lock:
            kept = self._exchanges.setdefault(asked.id, [])
            if len(kept) < KEPT_EXCHANGES:
                kept.append(exchange)
            if len(self._exchanges) > KEPT_IDS:
                self._exchanges.popitem(last=False)

    def about(self, key: str) -> tuple[Exchange, ...]:
        """The exchanges noted under the id `key`, the oldest first."""
        with self._lock:
            return tuple(self._exchanges.get(key, ()))

    def _exchange(self, asked: Asked, status: int, answered: Pairs) -> Exchange:
        decision = self._decide(asked)
        return Exchange(
            asked.method,
            asked.path,
            [pair for pair in asked.headers if _is_asked(pair[0].lower())],
            status,
            answered,
            decision.kind == "preflight",
            decision.allowed,
            _because(decision),
        )

    def _decide(self, asked: Asked) -> Decision:
        origin, method, headers = (_lines(asked.headers, name) for name in (ORIGIN, REQUEST_METHOD, REQUEST_HEADERS))
        return self._policy.engine().decide(asked.method, origin, method, headers)


def _id(query: Mapping[str, str]) -> str:
    return query.get("id") or query.get("X-Amz-Signature", "")


def _lines(headers: Pairs, name: str) -> str | None:
    """All lines of one header as one value (RFC 9110, section 5.3); None where there are none."""
    lines = [value for key, value in headers if key.lower() == name.lower()]
    return ", ".join(lines) if lines else None


def _because(decision: Decision) -> str:
    return _REASONS[decision.reason].format(rule=decision.rule)


def _is_asked(name: str) -> bool:
    return name in {"origin", "content-type"} or name.startswith(("access-control-request-", "x-"))


def _is_answer(name: str) -> bool:
    return name == "vary" or name.startswith("access-control-")


def record_asgi(app: ASGIApp, recorder: Recorder) -> ASGIApp:
    """Note every exchange of an ASGI application as its response starts."""

    async def recording(scope: Scope, receive: Receive, send: Send) -> None:
        request = starlette.requests.Request(scope)
        asked = Asked(_id(request.query_params), request.method, request.url.path, list(request.headers.items()))

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [(key.decode("latin-1"), value.decode("latin-1")) for key, value in message["headers"]]
                recorder.note(asked, message["status"], headers)
            await send(message)

        await app(scope, receive, noting)

    return recording


def record_wsgi(app: WSGIApplication, recorder: Recorder) -> WSGIApplication:
    """Note every exchange of a WSGI application as its response starts."""

    def recording(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = werkzeug.wrappers.Request(environ)
        asked = Asked(_id(request.args), request.method, request.path, list(request.headers.items()))

        def noting(status: str, headers: Pairs, exc_info: ExcInfo | None = None, /) -> Callable[[bytes], object]:
            recorder.note(asked, int(status[:3]), headers)
            return start_response(status, headers, exc_info)

        return app(environ, noting)

    return recording
