"""One line for Starlette and FastAPI: the door outside everything, the layer that writes 500s included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._door import ALREADY, KEY
from .asgi import CORSMiddleware

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from starlette.applications import Starlette

    from ._door import DoorPolicy
    from ._profiles import ProfileName
    from .asgi import ASGIApp, Receive, Scope, Send


def install(
    app: Starlette,
    policy: DoorPolicy,
    *,
    profile: ProfileName = "r2",
    credentials: bool | None = None,
    extra_methods: Sequence[str] = (),
    star_always: bool = False,
    debug: bool = False,
    keep_app_headers: bool = False,
    websocket_origin_check: bool = False,
) -> None:
    """Put a Starlette or FastAPI application behind a policy, outermost whenever it is called.

    `app.add_middleware` puts a middleware inside the layer that turns an unhandled exception into a 500, whose response
    then has no CORS headers, so that a page cannot even read that it failed. This stands outside that layer
    (SEMANTICS 5.6).

    `app` must not have answered anything yet. `policy`, `profile`, `credentials`, `extra_methods`, `star_always`, `debug`,
    `keep_app_headers` and `websocket_origin_check` are those of `r2style_cors.asgi.CORSMiddleware`.

    Raises:
        PolicyError: the policy cannot be enforced, or an option is unsafe with it. A ValueError.
        TypeError: as `CORSMiddleware` raises.
        RuntimeError: a policy is installed already, or the application has built its middleware.
    """
    if hasattr(app.state, KEY):
        raise RuntimeError(ALREADY)
    if app.middleware_stack is not None:
        message = "the application has built its middleware already: install the policy before the first request"
        raise RuntimeError(message)
    stack: list[ASGIApp] = []  # what Starlette builds at the first call

    def inside(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return stack[0](scope, receive, send)

    door = CORSMiddleware(
        inside,
        policy,
        profile=profile,
        credentials=credentials,
        extra_methods=extra_methods,
        star_always=star_always,
        debug=debug,
        keep_app_headers=keep_app_headers,
        websocket_origin_check=websocket_origin_check,
    )
    build = app.build_middleware_stack

    def build_behind_door() -> ASGIApp:
        stack[:] = [build()]
        return door

    app.build_middleware_stack = build_behind_door  # type: ignore[method-assign]  # the one seam outside it
    setattr(app.state, KEY, True)
