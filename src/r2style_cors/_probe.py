"""Asking a live server as a browser would: the real preflight and request, and whether a page may read the answer."""

from __future__ import annotations

import asyncio
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import httpx

from . import __version__
from ._browser import (
    DEFAULT_PORTS,
    Lines,
    PageRequest,
    Step,
    actual_steps,
    header_value,
    is_mixed_content,
    is_redirect,
    list_values,
    normalized_method,
    origin_of,
    preflight_reasons,
    preflight_steps,
    redirected,
)
from ._engine import Engine
from ._fetch import (
    ALLOW_CREDENTIALS,
    ALLOW_HEADERS,
    ALLOW_METHODS,
    CORS_RESPONSE_HEADERS,
    EXPOSE_HEADERS,
    FORBIDDEN_METHODS,
    ORIGIN,
    REQUEST_HEADERS,
    REQUEST_METHOD,
    is_token,
)
from ._hosts import host_of, is_loopback
from ._origins import is_serialized_origin
from ._suspects import Seen, Suspect, of_exchange, of_request, settable, suspect
from ._text import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .policy import Policy

Kind: TypeAlias = Literal["preflight", "actual"]
Verdict: TypeAlias = Literal["readable", "blocked", "preflight-passed", "not-sent", "unreachable"]

READING_METHODS = frozenset({"GET", "HEAD"})  # those that are sent without being told to (RFC 9110, section 9.2.1)
DEFAULT_TIMEOUT = 10.0  # seconds, for all of it


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request that was sent, what came back, and what a browser makes of it.

    Attributes:
        kind: `preflight`, or `actual` for the request itself.
        method: the method that was sent: OPTIONS for a preflight.
        url: where to.
        why: why a browser asks first; empty for an actual request.
        request_headers: the headers that were sent for the page's sake.
        status: the status of the response.
        reason: its reason phrase, which may be empty.
        response_headers: all its header lines, in their order.
        steps: the steps of the Fetch standard up to the first that failed.

    """

    kind: Kind
    method: str
    url: str
    why: tuple[str, ...]
    request_headers: Lines
    status: int
    reason: str
    response_headers: Lines
    steps: tuple[Step, ...]

    @property
    def passed(self) -> bool:
        """Whether every step passed."""
        return all(step.passed for step in self.steps)


@dataclass(frozen=True, slots=True)
class Compared:
    """One header, or the status, as the policy has it and as it was seen.

    Attributes:
        exchange: the 0-based place of the exchange.
        name: the header's name, or `status`.
        expected: what the policy gives; None for no such header.
        seen: what the server sent; None for no such header.
        agrees: whether they mean the same.

    """

    exchange: int
    name: str
    expected: str | None
    seen: str | None
    agrees: bool


@dataclass(frozen=True, slots=True)
class Probe:
    """What a probe found.

    Attributes:
        url: where the page asks, normalized.
        origin: the page's origin.
        method: the page's method, normalized.
        credentials: whether the page asks with credentials.
        verdict: `readable` or `blocked`; `preflight-passed` where the request itself was not sent, `not-sent` where
            nothing was; `unreachable` where no answer came.
        exchanges: what was sent and what came back, in order.
        suspects: what is wrong or doubtful.
        compared: the policy against the answers; empty without a policy.

    """

    url: str
    origin: str
    method: str
    credentials: bool
    verdict: Verdict
    exchanges: tuple[Exchange, ...]
    suspects: tuple[Suspect, ...]
    compared: tuple[Compared, ...]

    @property
    def agrees(self) -> bool:
        """Whether the server does what the policy says; true without a policy."""
        return all(one.agrees for one in self.compared)


def probe(
    url: str,
    *,
    origin: str,
    method: str = "GET",
    headers: Iterable[tuple[str, str]] = (),
    credentials: bool = False,
    policy: Policy | Engine | None = None,
    send: bool = False,
    timeout: float = DEFAULT_TIMEOUT,
) -> Probe:
    """Ask a server as a browser would for a page, and say whether the page may read the answer.

    The preflight is sent where the Fetch standard has one sent. GET and HEAD are then sent; any other method only with
    `send`, since it may change something. Redirects are followed as a browser follows them. No body is sent or read.

    Args:
        url: an absolute `http` or `https` URL.
        origin: the origin of the page, or `null`.
        method: the method that the page uses.
        headers: the headers that the page sets, with their values.
        credentials: whether the page asks with credentials (`credentials: "include"`).
        policy: what the server ought to enforce, if its answers are to be compared. With `credentials`, a Policy is
            compiled with them.
        send: whether a method other than GET and HEAD is sent.
        timeout: how many seconds all of it may take.

    Raises:
        ValueError: the URL, the origin, the method or a header is none that a page can use.
        PolicyError: the policy does not go with credentials (SEMANTICS 7.1). A ValueError.

    """
    request, left_out = _page_request(url, origin, method, headers, credentials=credentials)
    engine = policy.compile(credentials=credentials or None) if policy and not isinstance(policy, Engine) else policy
    walk = _Walk(request, send=send)
    with ThreadPoolExecutor(1) as threads:  # so that it can be called where an event loop runs already
        verdict = threads.submit(asyncio.run, walk.within(timeout)).result()
    suspects = [*of_request(request, left_out), *walk.suspects]
    compared: tuple[Compared, ...] = ()
    if isinstance(engine, Engine):
        compared = tuple(_compare(engine, request, walk.exchanges))
        suspects += _policy_suspects(engine, request, walk.exchanges, compared)
    return Probe(
        request.url, origin, request.method, credentials, verdict, tuple(walk.exchanges), tuple(suspects), compared
    )


def _page_request(
    url: str, origin: str, method: str, headers: Iterable[tuple[str, str]], *, credentials: bool
) -> tuple[PageRequest, tuple[str, ...]]:
    """The request as a page makes it, and the names of the headers that no page may set."""
    if origin != "null" and not is_serialized_origin(origin):
        message = (
            f"{shown(origin)!r} is no origin: write scheme://name[:port], in lower case, without a path or a slash"
        )
        raise ValueError(message)
    if not is_token(method) or method.upper() in FORBIDDEN_METHODS:
        message = f"no page can use the method {shown(method)!r}"
        raise ValueError(message)
    target = _normal_url(url)
    if httpx.URL(target).userinfo:
        message = "a page cannot ask for a URL with a user or a password in it"
        raise ValueError(message)
    kept, left_out = settable(tuple(map(_checked, headers)))
    crosses = origin_of(target) != origin
    return PageRequest(target, origin, normalized_method(method), kept, credentials, crosses), left_out


def _normal_url(url: str) -> str:
    """`url` without its fragment, its host in lower case and Punycode."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        message = f"{shown(url)!r} is no URL: {error}"
        raise ValueError(message) from None
    if parsed.scheme not in DEFAULT_PORTS or not is_serialized_origin(origin_of(str(parsed))):
        message = f"{shown(url)!r} is no absolute http or https URL"
        raise ValueError(message)
    return str(parsed.copy_with(fragment=None))


def _checked(header: tuple[str, str]) -> tuple[str, str]:
    name, value = header[0], header[1].strip(" \t")
    printable = all(character == "\t" or character >= " " for character in value) and "\x7f" not in value
    if not is_token(name) or not printable or not value.isascii():
        message = f"{shown(name)!r} with the value {shown(value)!r} is no header"
        raise ValueError(message)
    return name, value


class _Walk:
    """One fetch of a page, hop by hop."""

    def __init__(self, request: PageRequest, *, send: bool) -> None:
        self.request = request
        self.send = send
        self.exchanges: list[Exchange] = []
        self.suspects: list[Suspect] = []

    async def within(self, seconds: float) -> Verdict:
        """Walk, at most so long."""
        try:
            async with asyncio.timeout(seconds):
                return await self._all()
        except TimeoutError:
            return self._unreachable("timeout", f"{self.request.url} did not answer within {seconds:g} seconds.")
        except httpx.HTTPError as error:
            return self._unreachable(*_reach_failure(error, self.request.url))

    async def _all(self) -> Verdict:
        while True:
            verdict = await self._hop()
            if verdict is not None:
                return verdict
            last = self.exchanges[-1]
            moved = redirected(self.request, last.status, last.response_headers)
            try:
                self.request = replace(moved, url=_normal_url(moved.url))
            except ValueError as error:
                self.suspects.append(suspect("redirect-location", f"A browser stops here: {error}."))
                return "blocked"

    async def _hop(self) -> Verdict | None:
        """Ask one URL; None where its answer redirects and a browser follows."""
        if is_mixed_content(self.request):
            message = f"{self.request.url} is asked over http by a page at {self.request.origin}; it was not sent."
            self.suspects.append(suspect("mixed-content", message))
            return "blocked"
        reasons = preflight_reasons(self.request.method, self.request.headers) if self.request.cross_origin else ()
        if reasons and not await self._exchange("preflight", reasons):
            return "blocked"
        if self.request.method not in READING_METHODS and not self.send:
            return self._unsent(preflight=bool(reasons))
        if not await self._exchange("actual", ()):
            return "blocked"
        last = self.exchanges[-1]
        return None if is_redirect(last.status, last.response_headers) else "readable"

    async def _exchange(self, kind: Kind, reasons: tuple[str, ...]) -> bool:
        """Send the preflight or the request, and take the browser's steps; whether all passed."""
        request = self.request
        method, lines = _sent(request, kind)
        status, reason, headers = await _send(method, request.url, lines)
        steps = (preflight_steps if kind == "preflight" else actual_steps)(request, status, headers)
        exchange = Exchange(kind, method, request.url, reasons, lines, status, reason, headers, steps)
        self.exchanges.append(exchange)
        self.suspects.extend(of_exchange(Seen(kind == "preflight", request, status, headers, steps)))
        return exchange.passed

    def _unsent(self, *, preflight: bool) -> Verdict:
        method = self.request.method
        self.suspects.append(suspect("not-sent", f"{method} may change something: the request itself was not sent."))
        return "preflight-passed" if preflight else "not-sent"

    def _unreachable(self, code: str, message: str) -> Verdict:
        self.suspects.append(suspect(code, message))
        return "unreachable"


def _sent(request: PageRequest, kind: Kind) -> tuple[str, Lines]:
    """The method and the headers that a browser sends (Fetch, sections 3.2 and 4.8)."""
    origin = (ORIGIN, request.serialized_origin)
    if kind == "preflight":
        names = request.unsafe_names
        asked = ((REQUEST_HEADERS, ",".join(names)),) if names else ()
        return "OPTIONS", (origin, (REQUEST_METHOD, request.method), *asked)
    named = request.cross_origin or request.method not in READING_METHODS
    return request.method, ((origin,) if named else ()) + request.headers


async def _send(method: str, url: str, lines: Lines) -> tuple[int, str, Lines]:
    """Send one request and read its response's head; the body is left where it is."""
    request = httpx.Request(method, url, headers=[*_base_headers(lines), *lines])
    request.method = method  # httpx puts it in upper case, browsers do not
    heads: list[Lines] = []

    async def keep_head(response: httpx.Response) -> None:
        raw = response.headers.raw
        heads.append(tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in raw))
        response.headers.pop("Location", None)  # httpx would stumble over one that is no URL

    async with _client(url) as client:
        client.event_hooks = {"response": [keep_head]}
        response = await client.send(request, stream=True)
        await response.aclose()
    return response.status_code, response.reason_phrase, heads[0]


def _base_headers(lines: Lines) -> Lines:
    base = (("User-Agent", f"r2style-cors/{__version__}"), ("Accept", "*/*"))
    return tuple(line for line in base if header_value(lines, line[0]) is None)


def _client(url: str) -> httpx.AsyncClient:
    """A client for one request. As in browsers, no proxy of the environment stands before this machine itself."""
    direct = {"http://": None, "https://": None} if is_loopback(host_of(origin_of(url))) else None
    return httpx.AsyncClient(timeout=None, mounts=direct)  # noqa: S113 - the walk as a whole has its limit


def _reach_failure(error: httpx.HTTPError, url: str) -> tuple[str, str]:
    """The code and the sentence for a request that got no response."""
    where = origin_of(url)
    causes = tuple(_causes(error))
    for cause in causes:
        if isinstance(cause, socket.gaierror | UnicodeError):
            return "dns", f"The name {host_of(where)} is not known."
        if isinstance(cause, ssl.SSLError):
            return "tls", f"No secure connection to {where}: {cause.reason or cause}."
    if isinstance(error, httpx.ConnectError):
        return "connect", f"Nothing accepts connections at {where}."
    return "protocol", f"{where} did not answer in HTTP: {shown(str(error))}."


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _compare(engine: Engine, request: PageRequest, exchanges: Sequence[Exchange]) -> Iterator[Compared]:
    for index, exchange in _governed(request, exchanges):
        yield from _compare_one(engine, request, index, exchange)


def _governed(request: PageRequest, exchanges: Sequence[Exchange]) -> Iterator[tuple[int, Exchange]]:
    """The exchanges with the server that was asked first; other origins have other policies."""
    return ((i, one) for i, one in enumerate(exchanges) if origin_of(one.url) == origin_of(request.url))


def _policy_suspects(
    engine: Engine, request: PageRequest, exchanges: Sequence[Exchange], compared: Sequence[Compared]
) -> Iterator[Suspect]:
    """What the policy has against the request, and what the server has against the policy."""
    explained = [engine.explain(one.method, *_asked(one)) for _, one in _governed(request, exchanges)]
    for sentence in dict.fromkeys(one.sentence for one in explained if one.decision.answer.refused):
        yield suspect("policy-refuses", f"The policy refuses it: {sentence}")
    names = ", ".join(dict.fromkeys(one.name for one in compared if not one.agrees))
    if names:
        yield suspect("policy-differs", f"The server does not answer as the policy says: {names}.")


def _asked(exchange: Exchange) -> tuple[str | None, str | None, str | None]:
    """The CORS request headers, as an engine takes them."""
    headers = exchange.request_headers
    return header_value(headers, ORIGIN), header_value(headers, REQUEST_METHOD), header_value(headers, REQUEST_HEADERS)


def _compare_one(engine: Engine, request: PageRequest, index: int, exchange: Exchange) -> Iterator[Compared]:
    decision = engine.decide(exchange.method, *_asked(exchange))
    if decision.status is not None:
        expected, seen = str(decision.status), str(exchange.status)
        yield Compared(index, "status", expected, seen, expected == seen)
    for name in CORS_RESPONSE_HEADERS:
        # Without credentials in play, whether the server allows them is its own affair: no policy file says it.
        if name != ALLOW_CREDENTIALS or request.credentials:
            given, got = header_value(decision.headers, name), header_value(exchange.response_headers, name)
            if given is not None or got is not None:
                yield Compared(index, name, given, got, _same(name, given, got))
    if decision.vary:
        vary = header_value(exchange.response_headers, "Vary")
        yield Compared(index, "Vary", ", ".join(decision.vary), vary, _varies(decision.vary, exchange.response_headers))


def _same(name: str, expected: str | None, seen: str | None) -> bool:
    """Whether two values of one CORS header mean the same to a browser."""
    if expected is None or seen is None:
        return expected == seen
    if name in (ALLOW_HEADERS, EXPOSE_HEADERS):
        return _names((("", expected),), "") == _names((("", seen),), "")
    if name == ALLOW_METHODS:
        return set(expected.split(", ")) == set(list_values((("", seen),), "") or ())
    return expected == seen


def _varies(expected: Iterable[str], headers: Lines) -> bool:
    seen = _names(headers, "Vary")
    return "*" in seen or {name.lower() for name in expected} <= seen


def _names(headers: Lines, name: str) -> frozenset[str]:
    return frozenset(item.lower() for item in list_values(headers, name) or ())
