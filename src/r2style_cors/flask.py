"""One line for Flask: the door around `wsgi_app`, so that error pages and extensions stand inside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._door import ALREADY, KEY
from .wsgi import CORSMiddleware

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Flask

    from ._door import DoorPolicy
    from ._profiles import ProfileName


def init_app(
    app: Flask,
    policy: DoorPolicy,
    *,
    profile: ProfileName = "r2",
    credentials: bool | None = None,
    extra_methods: Sequence[str] = (),
    star_always: bool = False,
    debug: bool = False,
    keep_app_headers: bool = False,
) -> None:
    """Put a Flask application behind a policy.

    Flask writes the 500 of an unhandled exception behind `wsgi_app`, so that it carries its CORS headers; in debug mode
    the interactive debugger writes it, in front of the application, and it does not (SEMANTICS 5.6).

    `app` must not have answered anything yet. `policy`, `profile`, `credentials`, `extra_methods`, `star_always`, `debug` and
    `keep_app_headers` are those of `r2style_cors.wsgi.CORSMiddleware`.

    Raises:
        PolicyError: the policy cannot be enforced, or an option is unsafe with it. A ValueError.
        TypeError: as `CORSMiddleware` raises.
        RuntimeError: a policy is installed already, or the application has answered a request.
    """
    if KEY in app.extensions:
        raise RuntimeError(ALREADY)
    if app._got_first_request:  # noqa: SLF001 - Flask's own extensions look at it, and there is no other name
        message = "the application has answered a request already: install the policy before the first"
        raise RuntimeError(message)
    door = CORSMiddleware(
        app.wsgi_app,
        policy,
        profile=profile,
        credentials=credentials,
        extra_methods=extra_methods,
        star_always=star_always,
        debug=debug,
        keep_app_headers=keep_app_headers,
    )
    app.wsgi_app = door  # type: ignore[method-assign, assignment]  # as Flask documents it
    app.extensions[KEY] = True
