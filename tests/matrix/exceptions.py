"""What a framework, a server or the two together do not have with or without a policy, so that it cannot be asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matrix.servers import Pair

ABSENT = {
    ("Django (ASGI)", "websocket"): "Django has no WebSockets",
    ("Django (ASGI)", "lifespan"): "Django has no lifespan",
    ("daphne", "lifespan"): "daphne has no lifespan",
    ("cheroot", "two ACRH lines"): "cheroot keeps only the last of several lines of this name; browsers send one",
    ("Quart on daphne", "websocket"): "daphne names no scheme, which Quart wants; so it is without the policy",
}


def absent(pair: Pair, check: str) -> str | None:
    """Why `pair` cannot be asked for `check`; None where it can."""
    names = (pair.framework.name, pair.server.name, str(pair))
    return next((reason for name in names if (reason := ABSENT.get((name, check)))), None)
