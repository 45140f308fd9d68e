"""What the doors have in common: which engine they open with, what a refusal tells, and what they log."""

from __future__ import annotations

from ._decision import Decision
from ._engine import Engine
from ._text import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike
    from typing import Any, TypeAlias

    from ._profiles import ProfileName
    from .policy import Policy

    PolicySource: TypeAlias = str | PathLike[str] | Policy | Engine | list[Any] | dict[str, Any]

    # Origin, Access-Control-Request-Method, Access-Control-Request-Headers, and the size of the last's lines
    Asked: TypeAlias = tuple[str | None, str | None, str | None, int | None]

FORBIDDEN = 403
_ASKED = ("origin", "request_method", "request_headers")  # as the fields of a log record are called
KEY = "r2style_cors"  # of the decision in an ASGI scope or a WSGI environ


def open_engine(
    policy: PolicySource,
    *,
    profile: ProfileName,
    credentials: bool | None,
    extra_methods: Sequence[str],
    star_always: bool,
) -> Engine:
    """The engine that a door opens with.

    Args:
        policy: a path, a Policy, parsed JSON, or an Engine that is ready.
        profile, credentials, extra_methods, star_always: see `Policy.compile`.

    Raises:
        PolicyError: the policy cannot be enforced, or an option is unsafe with it.
        TypeError: `policy` is none of these, or an option stands beside an Engine, which has its own.
    """
    if isinstance(policy, Engine):
        if (profile, credentials, tuple(extra_methods), star_always) != ("r2", None, (), False):
            message = "profile, credentials, extra_methods and star_always belong to Policy.compile(): an Engine has its own"
            raise TypeError(message)
        return policy
    return _read(policy, profile).compile(
        profile=profile, credentials=credentials, extra_methods=extra_methods, star_always=star_always
    )


def _read(policy: object, profile: ProfileName) -> Policy:
    from os import PathLike

    from .policy import Policy, load_policy

    if isinstance(policy, Policy):
        return policy
    if isinstance(policy, (str, PathLike)):
        return load_policy(policy, profile=profile)
    if isinstance(policy, (list, dict)):
        return Policy.parse(policy, profile=profile)
    message = f"policy is a {type(policy).__name__}; it must be a path, a Policy, parsed JSON or an Engine"
    raise TypeError(message)


class Refusals:
    """What one door tells of refusals: a log record each, and in the open only where `debug` is on (SEMANTICS 4.3)."""

    __slots__ = ("_logger", "_warned", "debug", "heard", "level")

    def __init__(self, engine: Engine, *, debug: bool) -> None:
        import logging  # not at the top: importing a door should cost nothing but the door

        self.debug = debug
        self.level = logging.WARNING if debug else logging.DEBUG
        self._logger = logging.getLogger(KEY)
        self.heard = self._logger.isEnabledFor
        self._warned: set[str] = set()
        for problem in engine.problems:
            if problem.severity == "warning":
                self._logger.warning("CORS policy: %s", problem)

    def log(self, decision: Decision, method: str, path: str, asked: Asked) -> None:
        """One structured record; its fields stand in `record.cors`, values from the request escaped and cut."""
        fields = {"kind": decision.kind, "reason": decision.reason, "rule": decision.rule}
        values = zip(("method", "path", *_ASKED), (method, path, *asked[:3]), strict=True)
        told = {name: shown(value) for name, value in values if value is not None}
        self._logger.log(
            self.level,
            "CORS %s refused (%s): %s",
            decision.kind,
            decision.reason,
            " ".join(f"{name}={value!r}" for name, value in told.items()),
            extra={"cors": {**fields, **told}},
        )

    def preflight(self, engine: Engine, decision: Decision, method: str, path: str, asked: Asked) -> Decision:
        """Log a refused preflight; return the answer to send, which says why where `debug` is on.

        That is for development: it tells any client what the policy says.
        """
        self.log(decision, method, path, asked)
        if not self.debug or decision.status != FORBIDDEN:
            return decision
        sentence = engine.explain(method, *asked).sentence
        request_method = shown(asked[1] or "")
        return Decision(engine.profile.refused_preflight(decision.reason, decision.rule, request_method, sentence))

    def handshake(self, path: str, origin: str | None) -> None:
        """Log a refused WebSocket handshake."""
        fields = {"kind": "websocket", "reason": "origin", "path": shown(path), "origin": shown(origin or "")}
        self._logger.log(
            self.level, "CORS websocket refused: %s from %s", fields["path"], fields["origin"], extra={"cors": fields}
        )

    def warn_of_outer_door(self, path: str) -> None:
        self._warn_once(
            "outer",
            "Two CORS middleware are stacked: the outer one has decided %s, so this one passes everything through. "
            "Remove one of them.",
            path,
        )

    def warn_of_app_headers(self, path: str) -> None:
        self._warn_once(
            "app",
            "The application sets CORS headers of its own, first seen at %s. They are removed: the policy is their only "
            "author. keep_app_headers=True keeps them where no rule applies.",
            path,
        )

    def _warn_once(self, topic: str, message: str, path: str) -> None:
        if topic not in self._warned:
            self._warned.add(topic)
            self._logger.warning(message, shown(path))
