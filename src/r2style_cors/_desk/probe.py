"""Asking a live server as a browser would: the real preflight and request, and whether a page may read the answer."""

from __future__ import annotations

import asyncio
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import httpx

from .. import __version__
from .._browser.exchange import PageRequest, header_value, is_mixed_content, list_values
from .._browser.safelist import normalized_method
from .._browser.url import has_user, normal_url, origin_of
from .._browser.walk import Exchange, Received, Walk
from .._compile import expect_policy
from .._engine import Engine
from .._fetch import (
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
from .._hosts import host_of, is_loopback
from .._origins import is_serialized_origin
from .._text import shown
from ..errors import PolicyError
from .suspects import Seen, Suspect, of_exchange, of_request, settable, suspect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .._browser.safelist import Lines
    from .._browser.walk import Sending
    from .._profiles import ProfileName
    from ..policy import Policy

Verdict: TypeAlias = Literal["readable", "blocked", "preflight-passed", "not-sent", "unreachable"]

READING_METHODS = frozenset({"GET", "HEAD"})  # those that are sent without being told to (RFC 9110, section 9.2.1)
DEFAULT_TIMEOUT = 10.0  # seconds, for all of it


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
            compiled with them, unless it does not go with them (SEMANTICS 7.1).
        send: whether a method other than GET and HEAD is sent.
        timeout: how many seconds all of it may take.

    Raises:
        TypeError: `policy` is neither a Policy nor an Engine.
        ValueError: the URL, the origin, the method or a header is none that a page can use.
    """
    request, left_out = _page_request(url, origin, method, headers, credentials=credentials)
    engine = policy if policy is None or isinstance(policy, Engine) else compiled(policy, credentials=credentials)
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


def compiled(
    policy: Policy, profile: ProfileName = "r2", *, credentials: bool, extra_methods: Sequence[str] = ()
) -> Engine:
    """The policy as a server for such pages enforces it; without credentials where it does not go with them."""
    policy = expect_policy(policy)
    if credentials:
        with suppress(PolicyError):
            return policy.compile(profile, credentials=True, extra_methods=extra_methods)
    return policy.compile(profile, extra_methods=extra_methods)


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
    try:
        target = normal_url(url)
    except ValueError as error:
        message = f"{error}: write it whole, with http:// or https://"
        raise ValueError(message) from None
    if has_user(target):
        message = "a page cannot ask for a URL with a user or a password in it"
        raise ValueError(message)
    kept, left_out = settable(tuple(map(_checked, headers)))
    crosses = origin_of(target) != origin
    return PageRequest(target, origin, normalized_method(method), kept, credentials, crosses), left_out


def _checked(header: tuple[str, str]) -> tuple[str, str]:
    name, value = header[0], header[1].strip(" \t")
    printable = all(character == "\t" or character >= " " for character in value) and "\x7f" not in value
    if not is_token(name) or not printable or not value.isascii():
        message = f"{shown(name)!r} with the value {shown(value)!r} is no header"
        raise ValueError(message)
    return name, value


class _Walk:
    """One fetch of a page, driven against real servers."""

    def __init__(self, request: PageRequest, *, send: bool) -> None:
        self.send = send
        self.suspects: list[Suspect] = []
        self._walk = Walk(request)

    @property
    def exchanges(self) -> Sequence[Exchange]:
        """What was sent and what came back, so far."""
        return self._walk.exchanges

    async def within(self, seconds: float) -> Verdict:
        """Walk, at most so long."""
        try:
            async with asyncio.timeout(seconds):
                return await self._all()
        except TimeoutError:
            url = self._walk.request.url
            return self._unreachable("timeout", f"{url} did not answer within {seconds:g} seconds.")
        except httpx.HTTPError as error:
            return self._unreachable(*_reach_failure(error, self._walk.request.url))

    async def _all(self) -> Verdict:
        sendings = self._walk.sendings()
        sending = next(sendings)  # a walk in the mode cors begins by sending something
        while True:
            verdict = self._unasked(sending)
            if verdict is not None:
                return verdict
            received = await _send(sending.method, sending.request.url, sending.headers)
            try:
                following = sendings.send(received)
            except StopIteration as end:
                self._suspect(sending)
                return "readable" if end.value is None else "blocked"
            self._suspect(sending)
            sending = following

    def _unasked(self, sending: Sending) -> Verdict | None:
        """The verdict where this is not to be sent: a browser would not, or nobody said that we may."""
        request = sending.request
        if is_mixed_content(request):
            message = f"{request.url} is asked over http by a page at {request.origin}; it was not sent."
            self.suspects.append(suspect("mixed-content", message))
            return "blocked"
        if sending.kind == "preflight" or request.method in READING_METHODS or self.send:
            return None
        return self._unsent(request.method)

    def _suspect(self, sending: Sending) -> None:
        """Look at the last exchange."""
        last = self.exchanges[-1]
        seen = Seen(sending.kind == "preflight", sending.request, last.status, last.response_headers, last.steps)
        self.suspects.extend(of_exchange(seen))

    def _unsent(self, method: str) -> Verdict:
        self.suspects.append(suspect("not-sent", f"{method} may change something: the request itself was not sent."))
        asked = self.exchanges and self.exchanges[-1].kind == "preflight"
        return "preflight-passed" if asked else "not-sent"

    def _unreachable(self, code: str, message: str) -> Verdict:
        self.suspects.append(suspect(code, message))
        return "unreachable"


async def _send(method: str, url: str, lines: Lines) -> Received:
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
    return Received(response.status_code, heads[0], response.reason_phrase)


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
    return "protocol", f"{where} did not answer in HTTP: {shown(str(error).rstrip('.'))}."


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
