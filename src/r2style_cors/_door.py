"""What the doors have in common: which engine they open with, what a refusal tells, and what they log."""

from __future__ import annotations

from ._decision import Decision
from ._engine import Engine, profile_of
from ._text import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from os import PathLike
    from typing import Any, TypeAlias

    from ._profiles import ProfileName
    from ._source import PathPolicies, PolicyFile
    from .policy import Policy

    PolicySource: TypeAlias = str | PathLike[str] | Policy | Engine | PolicyFile | list[Any] | dict[str, Any]
    DoorPolicy: TypeAlias = PolicySource | PathPolicies
    App: TypeAlias = Callable[..., Any]  # as the protocol of the door has it
    PathOf: TypeAlias = Callable[[Any], str]
    Make: TypeAlias = Callable[[Engine, str | None], App]

    # Origin, Access-Control-Request-Method, Access-Control-Request-Headers, and the size of the last's lines
    Asked: TypeAlias = tuple[str | None, str | None, str | None, int | None]

FORBIDDEN = 403
_ASKED = ("origin", "request_method", "request_headers")  # as the fields of a log record are called
KEY = "r2style_cors"  # of the decision in a scope or an environ, of an application that has a policy, and of the log
ALREADY = "a policy is installed on this application already: one decides; PathPolicies binds several to paths"
REQUEST_METHOD = "HTTP_ACCESS_CONTROL_REQUEST_METHOD"  # as PEP 3333 spells the names of headers
REQUEST_HEADERS = "HTTP_ACCESS_CONTROL_REQUEST_HEADERS"


def check_switch(name: str, value: object, *others: object) -> None:
    """Refuse what is neither True nor False: `"false"`, of an environment variable, would count as true."""
    allowed = (True, False, *others)
    if not any(value is one for one in allowed):
        message = f"{name} is {value!r}; it must be one of {', '.join(map(repr, allowed))}"
        raise TypeError(message)


class Options:
    """What a door was made with, and how it compiles its policies."""

    __slots__ = (
        "credentials", "debug", "extra_methods", "keep_app_headers", "profile", "star_always", "websocket_origin_check",
    )  # fmt: skip

    def __init__(
        self,
        *,
        profile: ProfileName,
        credentials: bool | None,
        extra_methods: Sequence[str],
        star_always: bool,
        debug: bool,
        keep_app_headers: bool,
        websocket_origin_check: bool = False,
    ) -> None:
        """Raises TypeError where a switch of the door is none; those of the policy are judged when it is compiled."""
        check_switch("debug", debug)
        check_switch("keep_app_headers", keep_app_headers)
        check_switch("websocket_origin_check", websocket_origin_check)
        self.profile: ProfileName = profile
        self.credentials = credentials
        self.extra_methods = extra_methods
        self.star_always = star_always
        self.debug = debug
        self.keep_app_headers = keep_app_headers
        self.websocket_origin_check = websocket_origin_check

    def compile(self, policy: Policy) -> Engine:
        return policy.compile(self.profile, self.credentials, self.extra_methods, self.star_always)

    def accept(self, engine: Engine) -> Engine:
        """An engine that is ready has options of its own."""
        usual = (self.profile, self.credentials, self.star_always) == ("r2", None, False)
        if not usual or self.extra_methods not in ((), [], frozenset()):
            message = (
                "profile, credentials, extra_methods and star_always belong to Policy.compile(): an Engine has its own"
            )
            raise TypeError(message)
        return engine


def open_door(
    policy: DoorPolicy, make: Make, app: App, options: Options, path_of: PathOf, name: str | None = None
) -> App:
    """The application behind its policies.

    Args:
        policy: a path, a Policy, parsed JSON, an Engine, a PolicyFile, or PathPolicies of such.
        make: puts the application behind one compiled policy, whose name it is told.
        app: the application, for paths that no policy covers.
        options: what to compile with.
        path_of: the path that the application sees, from the first argument of a call to it.
        name: of a policy that comes from no file.

    Raises:
        PolicyError: a policy cannot be enforced, or an option is unsafe with it.
        TypeError: `policy` is none of these, or an option stands beside an Engine, which has its own.
    """
    if isinstance(policy, Engine):
        return make(options.accept(policy), name)
    from ._source import PathPolicies, PolicyFile, Routes
    from .errors import PolicyError

    if isinstance(policy, PathPolicies):
        behind = {
            prefix: app if part is None else _part(prefix, part, make, app, options, path_of)
            for prefix, part in policy.policies.items()
        }
        find = Routes(behind).find

        def routed(request: Any, *rest: Any) -> Any:
            return (find(path_of(request)) or app)(request, *rest)

        return routed
    if isinstance(policy, PolicyFile):
        follower = policy._follow(lambda data: make(options.compile(_parsed(data, options)), policy.path))  # noqa: SLF001 - for doors
        current = follower.current

        def following(*request: Any) -> Any:
            return current()(*request)

        return following
    name = _file_name(policy) or name
    try:
        return make(options.compile(_read(policy, options.profile)), name)
    except PolicyError as error:
        raise PolicyError(error.problems, error.form, name) from None


def _part(prefix: str, policy: PolicySource, make: Make, app: App, options: Options, path_of: PathOf) -> App:
    """The application behind the policy of one path, which names a policy that has no file."""
    from ._source import PathPolicies

    if isinstance(policy, PathPolicies):  # its prefixes would be compared with whole paths, and cover none
        message = f"the policy of {prefix or '/'!r} is a PathPolicies; it must be one policy: write whole prefixes side by side"
        raise TypeError(message)
    return open_door(policy, make, app, options, path_of, prefix or "/")


def _file_name(policy: object) -> str | None:
    from os import PathLike, fspath

    return fspath(policy) if isinstance(policy, (str, PathLike)) else None


def _parsed(data: bytes, options: Options) -> Policy:
    from .policy import Policy

    return Policy.parse(data, options.profile)


def _read(policy: object, profile: ProfileName) -> Policy:
    from os import PathLike

    from .policy import Policy, load_policy

    if isinstance(policy, Policy):
        return policy
    if isinstance(policy, (str, PathLike)):
        return load_policy(policy, profile)
    if isinstance(policy, (list, dict)):
        return Policy.parse(policy, profile)
    message = (
        f"policy is a {type(policy).__name__}; it must be a path, a Policy, parsed JSON, an Engine, a PolicyFile or "
        "PathPolicies"
    )
    raise TypeError(message)


def asked_of_environ(environ: Mapping[str, Any]) -> Asked:
    """The CORS request headers, as `Engine.decide` takes them. Servers join several lines of one name themselves."""
    return environ.get("HTTP_ORIGIN"), environ.get(REQUEST_METHOD), environ.get(REQUEST_HEADERS), None


class Refusals:
    """What one door tells of refusals: a log record each, and in the open only where `debug` is on (SEMANTICS 4.3)."""

    __slots__ = ("_logger", "_warned", "debug", "heard", "known", "level")

    def __init__(self, *, debug: bool) -> None:
        import logging  # not at the top: importing a door should cost nothing but the door

        self.debug = debug
        self.level = logging.WARNING if debug else logging.DEBUG
        self._logger = logging.getLogger(KEY)
        self.heard = self._logger.isEnabledFor
        # What the logger remembers of that question: as good as asking, for a fifth of the price. Where it remembers nothing,
        # it is asked: a KeyError, since looking first costs a second look, and another thread may empty it in between.
        self.known: dict[int, bool] = getattr(self._logger, "_cache", {})
        self._warned: set[str] = set()

    def opened(self, engine: Engine, name: str | None) -> None:
        """Tell what is doubtful about a policy that comes into force."""
        for problem in engine.problems:
            if problem.severity == "warning":
                self._logger.warning("CORS policy%s: %s", f" {name}" if name else "", problem)

    def _log(self, decision: Decision, method: str, path: str, asked: Asked) -> None:
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

    def tell(self, engine: Engine, decision: Decision, method: str, path: str, asked: Asked) -> Decision:
        """Log a refusal; return it, and where `debug` is on, a preflight's as one that says why.

        That is for development: it tells any client what the policy says.
        """
        self._log(decision, method, path, asked)
        if not self.debug or decision.status != FORBIDDEN:
            return decision
        sentence = f"{engine.explain(method, *asked).sentence} [{decision.reason}]"
        request_method = shown(asked[1] or "")
        return Decision(profile_of(engine).refused_preflight(decision.reason, decision.rule, request_method, sentence))

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
