"""The WSGI door: reads an environ, asks the engine, and answers or decorates. It decides nothing."""

from __future__ import annotations

from types import MethodType

from ._door import KEY, REQUEST_HEADERS, REQUEST_METHOD, Options, Refusals, asked_of_environ, open_door
from ._engine import MAX_REMEMBERED, profile_of
from ._response import HeaderEditor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, TypeAlias
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from ._decision import Decision
    from ._door import DoorPolicy
    from ._engine import Engine
    from ._profiles import ProfileName

    Bound: TypeAlias = tuple[StartResponse, Decision, WSGIEnvironment]
    Decorate: TypeAlias = Callable[..., Callable[[bytes], object]]


def CORSMiddleware(  # noqa: N802 - a function, since calling an instance costs half a bare request, spelt as WSGI has it
    app: WSGIApplication,
    policy: DoorPolicy,
    *,
    profile: ProfileName = "r2",
    credentials: bool | None = None,
    extra_methods: Sequence[str] = (),
    star_always: bool = False,
    debug: bool = False,
    keep_app_headers: bool = False,
) -> WSGIApplication:
    """Enforces an R2 policy in front of any WSGI application.

    Preflights are answered here and never reach the application; every other request does, and its response gets the
    headers that the policy gives it (SEMANTICS 4 and 5). The application's iterable is returned as it is.
    The decision is left in `environ["r2style_cors"]`.

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
    )
    refusals = Refusals(debug=options.debug)
    decorate = _decorator(HeaderEditor(raw=False, keep_app_headers=options.keep_app_headers), refusals)

    def behind(engine: Engine, name: str | None) -> WSGIApplication:
        refusals.opened(engine, name)
        return _behind(app, engine, refusals, decorate)

    return open_door(policy, behind, app, options, _path_seen)


def _behind(  # noqa: C901 - and so is `cors`, a request's whole way, since a call costs as much as four of its lines
    app: WSGIApplication, engine: Engine, refusals: Refusals, decorate: Decorate
) -> WSGIApplication:
    """`app` behind one compiled policy."""
    every_request_whole = profile_of(engine).actual_like_preflight
    memo, preflights, unlisted = engine.memo.actual, engine.memo.preflights, engine.memo.unlisted
    always, no_origin = engine.always, engine.no_origin
    debug, known, heard, level = refusals.debug, refusals.known, refusals.heard, refusals.level

    # Asking whether a key is there and then reading it costs half of what `get` does.
    def cors(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:  # noqa: C901, PLR0912 - see `_behind`
        if KEY in environ:
            refusals.warn_of_outer_door(_path(environ))
            return app(environ, start_response)
        method = environ["REQUEST_METHOD"]
        if method == "OPTIONS":
            try:
                origin = environ["HTTP_ORIGIN"]
                if origin in unlisted:
                    decision = unlisted[origin][environ[REQUEST_METHOD]]
                else:
                    names = environ[REQUEST_HEADERS] if REQUEST_HEADERS in environ else None  # noqa: SIM401 - `get` costs twice as much
                    if names is not None and len(names) > MAX_REMEMBERED:  # not worth its hash
                        raise KeyError  # noqa: TRY301 - the one way out to the slow path
                    decision = preflights[origin][environ[REQUEST_METHOD]][names]
            except KeyError:
                decision = _decide_options(engine, environ)
        elif every_request_whole:
            decision = engine.decide(method, *asked_of_environ(environ))
        elif "HTTP_ORIGIN" in environ:
            try:
                decision = memo[method][environ["HTTP_ORIGIN"]]
            except KeyError:
                decision = _decide_actual(engine, method, environ["HTTP_ORIGIN"])
        else:
            decision = always.get(method, no_origin) if always else no_origin
        answer = decision.answer
        if answer.refused:
            try:
                told = debug or known[level]
            except KeyError:
                told = heard(level)
            if told:
                decision = refusals.tell(engine, decision, method, _path(environ), asked_of_environ(environ))
                answer = decision.answer
        environ[KEY] = decision
        if answer.status is not None:
            start_response(answer.status_line, [*decision.headers])
            return [answer.body]
        return app(environ, MethodType(decorate, (start_response, decision, environ)))

    return cors


def _path_seen(environ: WSGIEnvironment) -> str:
    """The path that the application sees. WSGI hands out its bytes as latin-1 (PEP 3333); they are UTF-8."""
    path: str = environ.get("PATH_INFO", "")
    return path.encode("latin-1").decode("utf-8", "replace")


def _decide_actual(engine: Engine, method: str, origin: str) -> Decision:
    """Decide what the memo does not know."""
    decision = engine.decide(method, origin)
    engine.memo.keep_actual(method, origin, decision)
    return decision


def _decide_options(engine: Engine, environ: WSGIEnvironment) -> Decision:
    """The same for a request of method OPTIONS, be it a preflight or not."""
    origin, request_method, request_headers, _ = asked_of_environ(environ)
    decision = engine.decide("OPTIONS", origin, request_method, request_headers)
    engine.memo.keep_preflight(origin, request_method, request_headers, decision)
    return decision


def _path(environ: WSGIEnvironment) -> str:
    path: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return path


def _decorator(editor: HeaderEditor, refusals: Refusals) -> Decorate:
    """The `start_response` that an application gets, but for what it is bound to: the server's and the decision."""
    ordinary, vary_names = editor.ordinary, editor.vary_names

    def start_decorated(
        bound: Bound, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], object]:
        start_response, decision, environ = bound
        try:
            joined = headers + decision.extra
        except TypeError:  # PEP 3333 wants a list, and not every application gives one
            headers = list(headers)
            joined = headers + decision.extra
        vary = None
        for pair in headers:
            if pair[0] not in ordinary:
                if vary is None and pair[0] in vary_names:
                    vary = pair
                    continue
                joined, replaced = editor.edit(headers, decision)
                if replaced:
                    refusals.warn_of_app_headers(_path(environ))
                break
        else:
            if vary is not None:
                editor.with_vary(joined, vary, decision)
        if exc_info is None:
            return start_response(status, joined)
        return start_response(status, joined, exc_info)

    return start_decorated
