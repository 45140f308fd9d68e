"""Every request case behind the ASGI middleware, whichever the header `X-Case` asks for."""

from __future__ import annotations

from functools import cache
from typing import Any

from r2style_cors.asgi import CORSMiddleware
from support.cases import load_cases
from support.doors import AsgiApplication
from support.messages import Answer

CASES = load_cases()


@cache
def door(number: int) -> Any:
    """The middleware of one case, around an application that answers as the case says."""
    case = CASES[number]
    return CORSMiddleware(AsgiApplication(case.app), policy=case.policy, **case.options)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Hand the request to the case that it names; without a name it is the harness that asks whether anybody is here."""
    assert scope["type"] == "http", "there is no lifespan here, which servers take as an answer"
    number = dict(scope["headers"]).get(b"x-case")
    await (AsgiApplication(Answer()) if number is None else door(int(number)))(scope, receive, send)
