"""For the tests of applications behind a policy: whether a page of some origin may read what they answer.

Laws of this room:
- a request is asked as a browser asks it, and judged as the Fetch standard has a browser judge it;
- applications are called in this process, with nothing started; clients send whatever they are connected to;
- no test framework is needed: what fails is an AssertionError.
"""

from __future__ import annotations

import inspect
import logging
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, overload

from ._browser.exchange import PageRequest, actual_steps, preflight_steps, sent_lines
from ._browser.inprocess import Request, Response, call
from ._browser.safelist import is_forbidden_header, normalized_method
from ._browser.url import normal_url
from ._door import KEY
from ._engine import Engine
from ._fetch import CORS_RESPONSE_HEADERS, FORBIDDEN_METHODS, ORIGIN, REQUEST_HEADERS, REQUEST_METHOD, is_token
from ._origins import is_serialized_origin
from ._text import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from os import PathLike
    from typing import TypeAlias
    from wsgiref.types import WSGIApplication

    from werkzeug.test import Client

    from ._browser.exchange import Kind, Step
    from ._browser.inprocess import ASGIApp
    from ._browser.safelist import Lines
    from .policy import Policy

    Send: TypeAlias = Callable[[Request], Response]
    PolicyGiven: TypeAlias = str | PathLike[str] | Policy | Engine

__all__ = ["assert_cors"]

_BASE = "http://testserver"  # what applications are told that they are called; nothing is ever looked up
_TOLD_HEADERS = frozenset({"vary", "location", "content-type"}.union(name.lower() for name in CORS_RESPONSE_HEADERS))
_CORS_REQUEST_HEADERS = frozenset(name.lower() for name in (ORIGIN, REQUEST_METHOD, REQUEST_HEADERS))


class HttpxClient(Protocol):
    """What is asked of a client like `httpx.Client` and `starlette.testclient.TestClient`."""

    def request(self, method: str, url: str, *, headers: Any = ..., follow_redirects: bool = ...) -> Any:
        """Send a request."""


class RequestsSession(Protocol):
    """What is asked of a client like `requests.Session`."""

    def request(self, method: str, url: str, *, headers: Any = ..., allow_redirects: bool = ...) -> Any:
        """Send a request."""


class _Exchange(NamedTuple):
    """One request, its response, and the steps that a browser takes over it."""

    kind: Kind
    request: Request
    response: Response
    steps: tuple[Step, ...]

    @property
    def passed(self) -> bool:
        """Whether the browser goes on."""
        return self.steps[-1].passed


@overload
def assert_cors(
    target: ASGIApp | WSGIApplication | HttpxClient | Client,
    url: str = ...,
    *,
    origin: str,
    method: str = ...,
    headers: Mapping[str, str] | None = ...,
    credentials: bool = ...,
    allowed: bool = ...,
    preflight: bool | None = ...,
    actual: bool = ...,
    policy: PolicyGiven | None = ...,
) -> None: ...
@overload
def assert_cors(
    target: RequestsSession,
    url: str,
    *,
    origin: str,
    method: str = ...,
    headers: Mapping[str, str] | None = ...,
    credentials: bool = ...,
    allowed: bool = ...,
    preflight: bool | None = ...,
    actual: bool = ...,
    policy: PolicyGiven | None = ...,
) -> None: ...
def assert_cors(
    target: ASGIApp | WSGIApplication | HttpxClient | Client | RequestsSession,
    url: str = "/",
    *,
    origin: str,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    credentials: bool = False,
    allowed: bool = True,
    preflight: bool | None = None,
    actual: bool = True,
    policy: PolicyGiven | None = None,
) -> None:
    """Fail unless a page of `origin` may make this request and read the response, or unless it may not.

    Where a browser would ask first, the preflight is sent, and the request itself only if that is granted. A redirect is
    judged, and not followed. The status is of no account but for the preflight's: a page may read a 404.

    Args:
        target: an ASGI or WSGI application; an `httpx.Client`, a Starlette or FastAPI `TestClient`, a Flask or Werkzeug
            test client, a `requests.Session`.
        url: a path, or a whole URL where a client has no base of its own.
        origin: the page's origin, as a browser sends it; `null` is one.
        method: the request's method.
        headers: the headers that the page sets. Those that only a browser may set, such as `Cookie`, are sent, and not
            asked for in the preflight.
        credentials: whether the page wants cookies sent (`credentials: "include"`).
        allowed: whether the page should be able to read the response.
        preflight: True to ask first in any case, False not to; by default as a browser does.
        actual: whether to send the request itself.
        policy: a file, a `Policy` or an `Engine` that a failure is explained by. Without it, what the middleware logs in
            this process serves.

    Raises:
        AssertionError: it is not so; with what was sent, what came back, and why.
        ValueError: no browser sends such an origin, method or header, or there is nothing to send.
        TypeError: `target` is nothing of the kind.
        PolicyError: `policy` cannot be read or enforced.
    """
    __tracebackhide__ = True  # pytest shows the caller's line
    given = tuple((headers or {}).items())
    page = _page(target, url, origin, method, given, credentials)
    kinds = _kinds(page, preflight=preflight, actual=actual)
    engine = None if policy is None else _engine(policy)
    with _overheard() as records:
        last = _browse(_sender(target), url, page, kinds, given)
    if last.passed != allowed:
        raise AssertionError(_report(page, last, _reason(engine, last.request, records)))


def _page(target: object, url: str, origin: str, method: str, headers: Lines, credentials: bool) -> PageRequest:
    """What the page asks for, refused where it would prove nothing."""
    _refuse_names(method, [name for name, _ in headers])
    if not is_serialized_origin(origin):
        message = f"no browser sends the origin {origin!r}: it must be scheme://host[:port] in lower case, or null"
        raise ValueError(message)
    whole = normal_url(url, str(getattr(target, "base_url", "")) or _BASE)
    settable = tuple(line for line in headers if not is_forbidden_header(*line))
    return PageRequest(whole, origin, normalized_method(method), settable, credentials, cross_origin=True)


def _refuse_names(method: str, names: Iterable[str]) -> None:
    if not is_token(method) or method.upper() in FORBIDDEN_METHODS:
        message = f"no browser sends the method {method!r}"
        raise ValueError(message)
    for name in names:
        if not is_token(name) or name.lower() in _CORS_REQUEST_HEADERS:
            message = f"no page sets the header {name!r}; Origin and what a preflight asks follow from the arguments"
            raise ValueError(message)


def _kinds(page: PageRequest, *, preflight: bool | None, actual: bool) -> list[Kind]:
    """What to send, in this order."""
    wanted: dict[Kind, bool] = {
        "preflight": bool(page.asks_first) if preflight is None else preflight,
        "actual": actual,
    }
    if not any(wanted.values()):
        message = "there is nothing to send: actual is False, and a preflight is not needed, or not wanted"
        raise ValueError(message)
    return [kind for kind in wanted if wanted[kind]]


def _engine(policy: PolicyGiven) -> Engine:
    from .policy import Policy, load_policy

    if isinstance(policy, Engine):
        return policy
    return (policy if isinstance(policy, Policy) else load_policy(policy)).compile()


def _browse(send: Send, url: str, page: PageRequest, kinds: list[Kind], given: Lines) -> _Exchange:
    """The last exchange: a second is made only if the first passed."""
    *first, last = (partial(_exchange, send, url, page, kind, given) for kind in kinds)
    for ask in first:
        exchange = ask()
        if not exchange.passed:
            return exchange
    return last()


def _exchange(send: Send, url: str, page: PageRequest, kind: Kind, given: Lines) -> _Exchange:
    method, lines = sent_lines(page, kind)
    if kind == "actual":
        lines += tuple(line for line in given if is_forbidden_header(*line))  # what the browser adds, such as Cookie
    request = Request(method, url, lines)
    response = send(request)
    judge = preflight_steps if kind == "preflight" else actual_steps
    return _Exchange(kind, request, response, judge(page, response.status, response.headers))


def _sender(target: Any) -> Send:
    """How a request reaches `target`."""
    from werkzeug.test import Client

    if isinstance(target, Client):
        return partial(_ask_werkzeug, target)
    if callable(target):
        return lambda request: call(target, request._replace(url=normal_url(request.url, _BASE)))
    ask: Any = getattr(target, "request", None)
    known = inspect.signature(ask).parameters.keys() if callable(ask) else ()
    redirects = [name for name in ("follow_redirects", "allow_redirects") if name in known]
    if not redirects or inspect.iscoroutinefunction(ask):
        message = (
            f"target is a {type(target).__name__}; it must be an ASGI or WSGI application, an httpx.Client, a TestClient, a "
            "Flask test client, or a requests.Session"
        )
        raise TypeError(message)
    return partial(_ask_client, ask, redirects[0])


def _ask_werkzeug(client: Client, request: Request) -> Response:
    answer = client.open(request.url, method=request.method, headers=list(request.headers))
    return Response(answer.status_code, tuple(answer.headers.items()), answer.data)


def _ask_client(ask: Callable[..., Any], redirects: str, request: Request) -> Response:
    answer = ask(request.method, request.url, headers=dict(request.headers), **{redirects: False})
    return Response(answer.status_code, tuple(answer.headers.items()), answer.content)


@contextmanager
def _overheard() -> Iterator[list[logging.LogRecord]]:
    """What the doors of this process log meanwhile. Nobody else's log changes."""
    logger = logging.getLogger(KEY)
    level, usual = logger.level, logger.getEffectiveLevel()
    records: list[logging.LogRecord] = []

    def hear(record: logging.LogRecord) -> bool:
        records.append(record)
        return record.levelno >= usual

    logger.setLevel(logging.DEBUG)  # refusals are logged below what people usually listen to
    logger.addFilter(hear)
    try:
        yield records
    finally:
        logger.removeFilter(hear)
        logger.setLevel(level)


def _reason(engine: Engine | None, request: Request, records: list[logging.LogRecord]) -> list[str]:
    """Why the policy answers so, if anybody knows."""
    if engine is not None:
        asked = dict(request.headers)
        explained = engine.explain(request.method, asked[ORIGIN], asked.get(REQUEST_METHOD), asked.get(REQUEST_HEADERS))
        return [f"By the policy given: {explained.sentence}"]
    refusals = [record.getMessage() for record in records if hasattr(record, "cors")]
    return [f"The middleware says: {refusals[-1]}"] if refusals else []


def _report(page: PageRequest, exchange: _Exchange, reason: list[str]) -> str:
    """The failure, in the order in which one looks for its cause."""
    request, response = exchange.request, exchange.response
    verdict = "may read the response, and should not" if exchange.passed else "may not read the response, and should"
    asked = "; ".join(
        f"{name}: {shown(value)}" for name, value in request.headers if name.lower() in _CORS_REQUEST_HEADERS
    )
    what = "preflight" if exchange.kind == "preflight" else "request"
    lines = [
        f"A page of {page.origin} asks for {page.method} {page.url}; it {verdict}.",
        *(f"{step.sentence[0].upper()}{step.sentence[1:]} (Fetch, section {step.section})." for step in exchange.steps),
        *reason,
        f"The {what} was {request.method}, with {asked}.",
        f"The answer was {response.status}, with {_told(response.headers)}.",
    ]
    if response.body and not exchange.passed:
        lines.append(shown(response.body.decode("utf-8", "replace")))
    return "\n".join(lines)


def _told(headers: Iterable[tuple[str, str]]) -> str:
    """Those of a response's headers that matter here; the others are nobody's business in a log."""
    told = [f"{name}: {shown(value)}" for name, value in headers if name.lower() in _TOLD_HEADERS]
    return "; ".join(told) or "no CORS header"
