"""What a framework or a server does not have, so that no pair with it can be asked for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matrix.servers import Pair

ABSENT = {
    ("Django (ASGI)", "websocket"): "Django has no WebSockets",
    ("Django (ASGI)", "lifespan"): "Django has no lifespan",
    ("daphne", "lifespan"): "daphne has no lifespan",
    ("cheroot", "two ACRH lines"): "cheroot keeps only the last of several lines of this name; browsers send one",
}


def absent(pair: Pair, check: str) -> str | None:
    """Why `pair` cannot be asked for `check`; None where it can."""
    return ABSENT.get((pair.framework.name, check)) or ABSENT.get((pair.server.name, check))
