"""Which WebSocket handshakes are accepted (SEMANTICS 7.4). Browsers send cookies with them, and no preflight before."""

from __future__ import annotations

from ._engine import profile_of, rules_of
from ._origins import Wildcards

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._engine import Engine


class Handshakes:
    """The origins that a policy lists for GET by name or by a wildcard host; `*` and `null` grant no handshake."""

    __slots__ = ("_is_origin", "_named", "_patterns")

    def __init__(self, engine: Engine) -> None:
        """Raises PolicyError where only `*` could grant a handshake from another site."""
        granting = [grant for grant in rules_of(engine) if "GET" in grant.methods]
        listed = {origin for grant in granting for origin in grant.origins} - {"*", "null"}
        if not listed and any(grant.star for grant in granting):
            raise _only_star()
        profile = profile_of(engine)
        self._is_origin = profile.is_origin
        self._named = frozenset(origin for origin in listed if "*" not in origin)
        self._patterns = Wildcards((origin for origin in listed if "*" in origin), profile.wildcard_characters)

    def accepts(self, origin: str | None, host: str) -> bool:
        """Whether a handshake with this Origin (None where there is none) and Host, lines joined, is accepted."""
        if not origin:
            return True
        if origin == "null" or not self._is_origin(origin):  # under `s3` a policy may list `null`, or what matches it
            return False
        authority = origin.partition("://")[2]
        if authority and authority == host.lower():
            return True
        return origin in self._named or bool(self._patterns.matching(origin))


def _only_star() -> Exception:
    from .errors import PolicyError, Problem

    message = (
        "websocket_origin_check needs origins: `*` grants no WebSocket handshake, and no other origin may GET. List those "
        "that you trust, one by one."
    )
    problem = Problem("websocket-star", "error", "", None, None, "*", message)
    return PolicyError((problem,))
