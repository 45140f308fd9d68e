"""The ASGI door: reads a scope, asks the engine, and answers or decorates. It decides nothing."""

from __future__ import annotations

from types import MethodType

from ._door import KEY, Options, Refusals, open_door
from ._engine import MAX_REMEMBERED, MAX_REQUEST_HEADERS, profile_of
from ._handshake import Handshakes
from ._response import HeaderEditor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
    from typing import Any, TypeAlias

    from ._decision import Decision
    from ._door import Asked, DoorPolicy
    from ._engine import Engine
    from ._profiles import ProfileName

    Scope: TypeAlias = MutableMapping[str, Any]
    Message: TypeAlias = MutableMapping[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[Message]]
    Send: TypeAlias = Callable[[Message], Awaitable[None]]
    ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
    AnyASGIApp: TypeAlias = Callable[..., Awaitable[None]]  # each framework types scopes and messages in its own way
    Bound: TypeAlias = tuple[Send, Decision, Scope]
    Decorate: TypeAlias = Callable[[Bound, Message], Awaitable[None]]


def CORSMiddleware(  # noqa: N802 - a function, since calling an instance costs a fifth of a bare request, spelt as ASGI has it
    app: AnyASGIApp,
    policy: DoorPolicy,
    *,
    profile: ProfileName = "r2",
    credentials: bool | None = None,
    extra_methods: Sequence[str] = (),
    star_always: bool = False,
    debug: bool = False,
    keep_app_headers: bool = False,
    websocket_origin_check: bool = False,
) -> AnyASGIApp:
    """Enforces an R2 policy in front of any ASGI application.

    Preflights are answered here and never reach the application; every other request does, and its response gets the
    headers that the policy gives it (SEMANTICS 4 and 5). Bodies are never touched, nor is any other kind of scope.
    The decision is left in `scope["r2style_cors"]`, on a copy of the scope.

    Args:
        app: the application.
        policy: a path to a policy file in any of the five forms, a `Policy`, parsed JSON, a compiled `Engine`, a
            `PolicyFile` that is reloaded when it changes, or `PathPolicies` for several.
        profile: `r2`, or `s3` to answer as AWS S3 does (SEMANTICS 6).
        credentials: True to allow cookies and HTTP authentication (SEMANTICS 7.1).
        extra_methods: methods that R2 does not know, for example `("PATCH",)` (SEMANTICS 7.2).
        star_always: whether `*` is answered without an Origin too, for shared caches (SEMANTICS 5.7).
        debug: for development: refusals say why, to any client and in the log (SEMANTICS 4.3).
        keep_app_headers: whether the application's own CORS headers stay where no rule applies (SEMANTICS 5.5).
        websocket_origin_check: whether WebSocket handshakes of other origins are refused (SEMANTICS 7.4).

    Raises:
        PolicyError: the policy cannot be enforced, or an option is unsafe with it. A ValueError.
        TypeError: `policy` is none of these, an option is of the wrong type, or one stands beside an `Engine`, which has
            its own.
    """
    options = Options(
        profile=profile,
        credentials=credentials,
        extra_methods=extra_methods,
        star_always=star_always,
        debug=debug,
        keep_app_headers=keep_app_headers,
        websocket_origin_check=websocket_origin_check,
    )
    refusals = Refusals(debug=options.debug)
    decorate = _decorator(HeaderEditor(raw=True, keep_app_headers=options.keep_app_headers), refusals)

    def behind(engine: Engine, name: str | None) -> ASGIApp:
        refusals.opened(engine, name)
        handshakes = Handshakes(engine) if options.websocket_origin_check else None
        return _behind(app, engine, refusals, decorate, _other_scope(app, refusals, handshakes))

    return as_coroutine_function(open_door(policy, behind, app, options, _path))


def _behind(  # noqa: C901 - with `cors`, a request's whole way, since a call costs as much as four of its lines
    app: ASGIApp, engine: Engine, refusals: Refusals, decorate: Decorate, other_scope: ASGIApp
) -> ASGIApp:
    """`app` behind one compiled policy."""
    every_request_whole = profile_of(engine).actual_like_preflight
    memo, always, no_origin = engine.raw_memo.actual, engine.always, engine.no_origin
    debug, known, heard, level = refusals.debug, refusals.known, refusals.heard, refusals.level

    def cors(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:  # noqa: C901, PLR0912 - see `_behind`
        if scope["type"] != "http" or KEY in scope:
            return other_scope(scope, receive, send)
        method = scope["method"]
        if method == "OPTIONS" or every_request_whole:
            decision = _decide_whole(engine, method, scope["headers"])
            if decision.answer.status is not None:
                if decision.answer.refused and (debug or heard(level)):
                    decision = refusals.tell(engine, decision, method, scope["path"], _asked(scope["headers"]))
                return _answer(send, decision)
        else:
            origin = None
            for name, value in scope["headers"]:
                if name == b"origin":
                    origin = value if origin is None else b", "  # no origin, as several lines are none (SEMANTICS 3.4)
            if origin is None:
                decision = always.get(method, no_origin) if always else no_origin
            else:
                try:
                    decision = memo[method][origin]
                except KeyError:
                    decision = _decide_actual(engine, method, origin)
        if decision.answer.refused:
            try:
                told = known[level]
            except KeyError:
                told = heard(level)
            if told:
                refusals.tell(engine, decision, method, scope["path"], _asked(scope["headers"]))
        inner = scope.copy()  # type: ignore[attr-defined]  # ASGI says that it is a dict, and frameworks' types do not
        inner[KEY] = decision
        return app(inner, receive, MethodType(decorate, (send, decision, scope)))

    return cors


def as_coroutine_function(cors: ASGIApp) -> ASGIApp:
    """Have servers take `cors` for ASGI 3, although it is no coroutine function: it returns what the application returns.

    That spares each request a coroutine. Servers ask `asyncio` or `inspect` about the application or its `__call__`;
    a call goes by the type, so that the attribute set here is only ever looked at.
    """
    import inspect

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await cors(scope, receive, send)

    getattr(inspect, "markcoroutinefunction", _mark_for_asyncio)(cors)  # the former from Python 3.12 on
    cors.__dict__["__call__"] = call
    return cors


def _mark_for_asyncio(cors: ASGIApp) -> None:
    from asyncio import coroutines

    # Private, but what asyncio looked for as long as it had no way to say it; typeshed hides it.
    cors.__dict__["_is_coroutine"] = coroutines._is_coroutine  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio has no public way before 3.12


def _path(scope: Scope) -> str:
    """The path that the application sees: some servers and mounts have `root_path` in front of it, and some have not."""
    path: str = scope.get("path", "")
    root = scope.get("root_path", "").removesuffix("/")
    return path[len(root) :] if root and (path + "/").startswith(root + "/") else path


async def _answer(send: Send, decision: Decision) -> None:
    """The policy's own answer to a preflight."""
    answer = decision.answer
    await send({"type": "http.response.start", "status": answer.status, "headers": list(decision.raw_headers)})
    await send({"type": "http.response.body", "body": answer.body})


def _other_scope(app: ASGIApp, refusals: Refusals, handshakes: Handshakes | None) -> ASGIApp:
    """What becomes of another kind of scope, and of a request that an outer door has decided."""

    def pass_on(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if KEY in scope:
            refusals.warn_of_outer_door(scope["path"])
        elif scope["type"] == "websocket" and handshakes is not None:
            origin = _asked(scope["headers"])[0]
            hosts = [value for name, value in scope["headers"] if name == b"host"]
            if not handshakes.accepts(origin, b", ".join(hosts).decode("latin-1")):
                refusals.handshake(scope["path"], origin)
                return _refuse_handshake(receive, send)
        return app(scope, receive, send)

    return pass_on


async def _refuse_handshake(receive: Receive, send: Send) -> None:
    """Closing before accepting is answered with 403 by the server (ASGI, WebSocket, the Close message)."""
    await receive()  # websocket.connect
    await send({"type": "websocket.close"})


def _asked(headers: Iterable[tuple[bytes, bytes]]) -> Asked:
    """The CORS request headers, as `Engine.decide` takes them."""
    origin, request_method, request_headers, size = _whole(headers)
    return _text(origin), _text(request_method), _text(request_headers), size


def _whole(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes | None, bytes | None, bytes | None, int]:
    """The CORS request headers, several lines of one name joined (SEMANTICS 3.4, 3.5), and the size of the last's lines."""
    origin = request_method = request_headers = None
    for name, value in headers:
        if name == b"origin":
            if origin is not None:
                return _joined(headers)
            origin = value
        elif name == b"access-control-request-method":
            if request_method is not None:
                return _joined(headers)
            request_method = value
        elif name == b"access-control-request-headers":
            if request_headers is not None:
                return _joined(headers)
            request_headers = value
    return origin, request_method, request_headers, len(request_headers or b"")


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes | None, bytes | None, bytes | None, int]:
    """The same where a name comes more than once. Joining line after line would cost the square of their number."""
    lines: dict[bytes, list[bytes]] = {
        b"origin": [], b"access-control-request-method": [], b"access-control-request-headers": []
    }  # fmt: skip
    for name, value in headers:
        if name in lines:
            lines[name].append(value)
    origin, request_method, request_headers = (b", ".join(found) if found else None for found in lines.values())
    return origin, request_method, request_headers, sum(map(len, lines[b"access-control-request-headers"]))


def _text(value: bytes | None) -> str | None:
    return value if value is None else value.decode("latin-1")


def _decide_actual(engine: Engine, method: str, origin: bytes) -> Decision:
    """Decide what the memo does not know."""
    decision = engine.decide(method, origin.decode("latin-1"))
    engine.raw_memo.keep_actual(method, origin, decision)
    return decision


def _decide_whole(engine: Engine, method: str, headers: Iterable[tuple[bytes, bytes]]) -> Decision:
    """Decide with all of the CORS request headers: a preflight, or any request of a profile that reads them."""
    origin, request_method, request_headers, size = _whole(headers)
    if size > MAX_REQUEST_HEADERS:
        request_headers = b""  # refused for its size, so that nobody reads it
    memo = engine.raw_memo
    try:
        if method != "OPTIONS" or size > MAX_REMEMBERED:  # not worth its hash
            raise KeyError  # noqa: TRY301 - the one way out to the slow path
        if origin in memo.unlisted:
            return memo.unlisted[origin][request_method]
        return memo.preflights[origin][request_method][request_headers]
    except KeyError:
        decision = engine.decide(method, _text(origin), _text(request_method), _text(request_headers), size)
        if method == "OPTIONS" and size <= MAX_REMEMBERED:  # nor what `b""` stands for above
            memo.keep_preflight(origin, request_method, request_headers, decision)
        return decision


def _decorator(editor: HeaderEditor, refusals: Refusals) -> Decorate:
    """The `send` that an application gets, but for what it is bound to: the request's own `send` and its decision."""
    ordinary, vary_names = editor.ordinary, editor.vary_names

    def send_decorated(bound: Bound, message: Message) -> Awaitable[None]:
        send, decision, scope = bound
        if message["type"] == "http.response.start":
            try:
                headers = message["headers"]
                joined = headers + decision.raw_extra
            except (KeyError, TypeError):  # absent, a tuple, an iterator: all are seen in the wild
                headers = [*(message.get("headers") or ())]
                joined = headers + decision.raw_extra
            vary = None
            for pair in headers:
                if pair[0] not in ordinary:
                    if vary is None and pair[0] in vary_names:
                        vary = pair
                        continue
                    joined, replaced = editor.edit(headers, decision)
                    if replaced:
                        refusals.warn_of_app_headers(scope["path"])
                    break
            else:
                if vary is not None:
                    editor.with_vary(joined, vary, decision)
            message = message.copy()  # type: ignore[attr-defined]  # a dict, as the scope is
            message["headers"] = joined
        return send(message)

    return send_decorated
