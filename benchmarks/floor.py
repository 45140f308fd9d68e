"""The floor: the least that a correct middleware has to do for one rule of exact origins, as cheaply as we know.

It grants and refuses as the R2 profile does, sends `Vary` on everything, merges it into the application's, and removes
the CORS headers that the application set. It leaves out what a user needs besides: `*` and wildcard hosts, several
rules, a repeated Origin line, the decision in the scope or environ, logs, paths, reloading. A middleware that does all
of that cannot be cheaper; how much dearer it is, is what the tables say.

What keeps it cheap: it reads the request's headers once and stops at Origin; a request's way to write its response is a
function made ready at the start and bound to `send`; it has no coroutine of its own; and names of response headers are
compared as they are spelt, once learned.
"""

from __future__ import annotations

from types import MethodType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from workloads import ASGIApp, Message, Receive, Rule, Scope, Send

OURS = frozenset(
    f"access-control-{name}"
    for name in ("allow-origin", "allow-methods", "allow-headers", "allow-credentials", "expose-headers", "max-age")
)
PREFLIGHT_VARY = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
REFUSAL = (
    b"<Error><Code>AccessForbidden</Code><Message>This CORS request is not allowed by the policy.</Message></Error>"
)
MEMO = 256  # distinct header names, Vary values and lists of requested headers that are remembered
LONGEST = 8192

Pair = tuple[Any, Any]  # a header as the protocol spells it: two str (WSGI) or two bytes (ASGI)


def as_text(name: str, value: str) -> Pair:
    """A header for WSGI."""
    return name, value


def as_bytes(name: str, value: str) -> Pair:
    """A header for ASGI."""
    return name.lower().encode(), value.encode()


def plain_text(value: Any) -> str:
    """A name or value of either protocol as text."""
    return value if isinstance(value, str) else value.decode("latin-1")


def grant_headers(rule: Rule, origin: str) -> list[tuple[str, str]]:
    """What an actual response gets when `rule` applies, Vary apart."""
    expose = [("Access-Control-Expose-Headers", ", ".join(rule.expose))] if rule.expose else []
    return [("Access-Control-Allow-Origin", origin), *expose]


def preflight_headers(rule: Rule, origin: str) -> list[tuple[str, str]]:
    """What a granted preflight gets, the allowed headers apart."""
    return [
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Methods", ", ".join(rule.methods)),
        ("Access-Control-Max-Age", str(rule.max_age)),
        ("Vary", PREFLIGHT_VARY),
    ]


class HeaderTest:
    """The requested headers of a preflight against those that a rule allows."""

    def __init__(self, rule: Rule, spell: Callable[[str, str], Pair]) -> None:
        self.allowed = frozenset(rule.headers)
        self.spell = spell
        self.memo: dict[Any, Pair] = {}

    def answer(self, requested: Any) -> Pair | None:
        """Access-Control-Allow-Headers, or None where some header is not allowed."""
        if len(requested) > LONGEST:
            return None
        if len(requested) > MEMO:
            return self.test(requested)
        pair = self.memo.get(requested)
        if pair is None:
            pair = self.test(requested)
            if pair is not None and len(self.memo) < MEMO:
                self.memo[requested] = pair
        return pair

    def test(self, requested: Any) -> Pair | None:
        """The same, without the memo."""
        names = dict.fromkeys(name.strip(" \t") for name in plain_text(requested).lower().split(","))
        names.pop("", None)
        return self.spell("Access-Control-Allow-Headers", ", ".join(names)) if self.allowed.issuperset(names) else None


class Merge:
    """Adds `extra` and `Vary: Origin` to a response's headers."""

    def __init__(self, extra: list[tuple[str, str]], spell: Callable[[str, str], Pair]) -> None:
        self.spell = spell
        self.extra = [spell(name, value) for name, value in extra]
        self.whole = [*self.extra, spell("Vary", "Origin")]
        self.ordinary: set[Any] = set()  # names, as spelt, that need no attention
        self.varies = {spell("Vary", "")[0], spell("vary", "")[0]}
        self.merged: dict[Any, Pair] = {}

    def with_vary(self, headers: Any, vary: Pair) -> list[Pair]:
        """Ordinary headers, and one Vary among them, which is replaced where it stands."""
        pair = self.merged.get(vary[1])
        if pair is None:
            pair = self.merge([plain_text(vary[1])])
            if len(self.merged) < MEMO:
                self.merged[vary[1]] = pair
        joined = [*headers, *self.extra]
        joined[headers.index(vary)] = pair
        return joined

    def merge(self, values: list[str]) -> Pair:
        """One Vary of the application's values and of ours."""
        items = [item.strip() for item in ", ".join(values).split(",") if item.strip()]
        if not {"*", "origin"}.intersection(item.lower() for item in items):
            items.append("Origin")
        return self.spell("Vary", ", ".join(items))

    def learn(self, headers: Iterable[Pair]) -> list[Pair]:
        """The slow way: a name that was never seen, a second Vary, or a CORS header of the application's own."""
        varies, kept = [], []
        for pair in headers:
            lower = plain_text(pair[0]).lower()
            if lower == "vary":
                varies.append(plain_text(pair[1]))
            elif lower not in OURS:
                kept.append(pair)
                if len(self.ordinary) < MEMO:
                    self.ordinary.add(pair[0])
        return [*kept, *self.extra, self.merge(varies)]


def asgi_writer(extra: list[tuple[str, str]]) -> Callable[[Send, Message], Awaitable[None]]:
    """A function to bind to `send`, which adds `extra` and Vary to the response."""
    merge = Merge(extra, as_bytes)
    ordinary, varies, whole, learn, with_vary = merge.ordinary, merge.varies, merge.whole, merge.learn, merge.with_vary

    def write(send: Send, message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            headers = message.get("headers") or []
            vary = None
            for pair in headers:
                if pair[0] not in ordinary:
                    if vary is not None or pair[0] not in varies:
                        joined = learn(headers)
                        break
                    vary = pair
            else:
                joined = [*headers, *whole] if vary is None else with_vary(headers, vary)
            message = message.copy()
            message["headers"] = joined
        return send(message)

    return write


async def _answer(send: Send, start: Message, body: Message) -> None:
    await send(start)
    await send(body)


def asgi_preflight(app: ASGIApp, plain: Any, rule: Rule) -> Callable[[Scope, Receive, Send, bytes], Awaitable[None]]:
    """Answers an OPTIONS with an Origin; without a requested method, `app` does."""
    answers = {
        origin.encode(): [as_bytes(*header) for header in preflight_headers(rule, origin)] for origin in rule.origins
    }
    methods = frozenset(method.encode() for method in rule.methods)
    header_test = HeaderTest(rule, as_bytes)
    refused = [as_bytes("Content-Type", "application/xml"), as_bytes("Vary", PREFLIGHT_VARY)]
    refusal: Message = {"type": "http.response.start", "status": 403, "headers": refused}
    refusal_body: Message = {"type": "http.response.body", "body": REFUSAL}
    no_body: Message = {"type": "http.response.body", "body": b""}

    def preflight(scope: Scope, receive: Receive, send: Send, origin: bytes) -> Awaitable[None]:
        method = requested = None
        for name, value in scope["headers"]:
            if name == b"access-control-request-method":
                method = value
            elif name == b"access-control-request-headers":
                requested = value
        if method is None:
            return app(scope, receive, MethodType(plain, send))
        headers = answers.get(origin) if method in methods else None
        if headers is not None and requested is not None:
            allowed = header_test.answer(requested)
            headers = None if allowed is None else [*headers, allowed]
        if headers is None:
            return _answer(send, refusal, refusal_body)
        return _answer(send, {"type": "http.response.start", "status": 204, "headers": headers}, no_body)

    return preflight


def asgi(app: ASGIApp, rule: Rule) -> ASGIApp:
    """`app` behind the floor."""
    plain = asgi_writer([])
    writers = {origin.encode(): asgi_writer(grant_headers(rule, origin)) for origin in rule.origins}
    methods = frozenset(rule.methods)
    preflight = asgi_preflight(app, plain, rule)

    def cors(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http":
            return app(scope, receive, send)
        for name, value in scope["headers"]:
            if name == b"origin":
                origin = value
                break
        else:
            return app(scope, receive, MethodType(plain, send))
        method = scope["method"]
        if method == "OPTIONS":
            return preflight(scope, receive, send, origin)
        writer = writers.get(origin) if method in methods else None
        return app(scope, receive, MethodType(writer or plain, send))

    return cors


def wsgi_writer(extra: list[tuple[str, str]]) -> Callable[..., Callable[[bytes], object]]:
    """A function to bind to `start_response`, which adds `extra` and Vary to the response."""
    merge = Merge(extra, as_text)
    ordinary, varies, whole, learn, with_vary = merge.ordinary, merge.varies, merge.whole, merge.learn, merge.with_vary

    def write(
        start_response: StartResponse, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], object]:
        vary = None
        for pair in headers:
            if pair[0] not in ordinary:
                if vary is not None or pair[0] not in varies:
                    joined = learn(headers)
                    break
                vary = pair
        else:
            joined = headers + whole if vary is None else with_vary(headers, vary)
        if exc_info is None:
            return start_response(status, joined)
        return start_response(status, joined, exc_info)

    return write


def wsgi_preflight(
    app: WSGIApplication, plain: Any, rule: Rule
) -> Callable[[WSGIEnvironment, StartResponse, str], Iterable[bytes]]:
    """Answers an OPTIONS with an Origin; without a requested method, `app` does."""
    answers = {origin: preflight_headers(rule, origin) for origin in rule.origins}
    methods = frozenset(rule.methods)
    header_test = HeaderTest(rule, as_text)

    def preflight(environ: WSGIEnvironment, start_response: StartResponse, origin: str) -> Iterable[bytes]:
        method = environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD")
        if method is None:
            return app(environ, MethodType(plain, start_response))
        headers = answers.get(origin) if method in methods else None
        requested = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS")
        if headers is not None and requested is not None:
            allowed = header_test.answer(requested)
            headers = None if allowed is None else [*headers, allowed]
        if headers is None:
            start_response("403 Forbidden", [("Content-Type", "application/xml"), ("Vary", PREFLIGHT_VARY)])
            return [REFUSAL]
        start_response("204 No Content", headers.copy())
        return []

    return preflight


def wsgi(app: WSGIApplication, rule: Rule) -> WSGIApplication:
    """`app` behind the floor."""
    plain = wsgi_writer([])
    writers = {origin: wsgi_writer(grant_headers(rule, origin)) for origin in rule.origins}
    methods = frozenset(rule.methods)
    preflight = wsgi_preflight(app, plain, rule)

    def cors(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        origin = environ.get("HTTP_ORIGIN")
        if origin is None:
            return app(environ, MethodType(plain, start_response))
        method = environ["REQUEST_METHOD"]
        if method == "OPTIONS":
            return preflight(environ, start_response, origin)
        writer = writers.get(origin) if method in methods else None
        return app(environ, MethodType(writer or plain, start_response))

    return cors
