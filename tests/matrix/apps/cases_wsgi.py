"""Every request case behind the WSGI middleware, whichever the header `X-Case` asks for."""

from __future__ import annotations

from functools import cache
from typing import Any

from r2style_cors.wsgi import CORSMiddleware
from support.cases import load_cases
from support.doors import WsgiApplication
from support.messages import Answer

CASES = load_cases()


@cache
def door(number: int) -> Any:
    """The middleware of one case, around an application that answers as the case says."""
    case = CASES[number]
    return CORSMiddleware(WsgiApplication(case.app), policy=case.policy, **case.options)


def app(environ: Any, start_response: Any) -> Any:
    """Hand the request to the case that it names; without a name it is the harness that asks whether anybody is here."""
    number = environ.get("HTTP_X_CASE")
    chosen = WsgiApplication(Answer()) if number is None else door(int(number))
    return chosen(environ, start_response)
