"""Doors: one function for each way into the library, `door(answer, policy, options)`, which gives what can be asked.

Each builds the middleware as a user does, before an application that answers with `answer`. What it gives takes a
Request and gives a Response. A door also checks what its protocol promises: that the application's own objects and the
server's are untouched, and that what comes out is valid.
"""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from wsgiref.validate import validator

import r2style_cors.asgi
import r2style_cors.wsgi
from r2style_cors import Engine, Policy
from support.messages import NO_CONTENT, Answer, ApplicationError, Headers, Request, Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from r2style_cors import Decision

T = TypeVar("T")
Rules: TypeAlias = list[dict[str, Any]]
Ask: TypeAlias = Callable[[Request], Response]

ENGINE_OPTIONS = frozenset({"profile", "credentials", "extra_methods", "star_always"})
DECISION_KEY = "r2style_cors"


def decide(policy: Rules, options: Mapping[str, Any], request: Request) -> Decision:
    """Ask the engine alone, as a door would."""
    chosen = {name: value for name, value in options.items() if name in ENGINE_OPTIONS}
    engine = Policy.parse(policy, profile=chosen.get("profile", "r2")).compile(**chosen)
    return engine.decide(
        request.method,
        request.joined("origin"),
        request.joined("access-control-request-method"),
        request.joined("access-control-request-headers"),
        size=sum(map(len, request.lines("access-control-request-headers"))),
    )


def asgi(answer: Answer, policy: Any, options: Mapping[str, Any], layers: int = 1) -> Ask:
    """`r2style_cors.asgi.CORSMiddleware`, or several of them, one around the other."""
    application = AsgiApplication(answer)
    middleware: Any = application
    for _ in range(layers):
        middleware = r2style_cors.asgi.CORSMiddleware(middleware, policy=policy, **options)

    def ask(request: Request) -> Response:
        application.reached, application.decision = False, None
        scope = asgi_scope(request)
        before = copy.deepcopy(scope)
        sent, raised = at_once(asgi_exchange(middleware, scope))
        assert scope == before, "the server's scope is left alone"
        status, headers = asgi_start(sent)
        body = b"".join(message.get("body", b"") for message in sent if message["type"].endswith("response.body"))
        return Response(status, headers, body, application.reached, application.decision, raised)

    return ask


class AsgiApplication:
    """An ASGI application that answers with `answer` and remembers what it saw."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.reached = False
        self.decision: Any = None

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer over HTTP, or accept a WebSocket."""
        self.reached = True
        self.decision = scope.get(DECISION_KEY)
        await receive()
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            return
        if self.answer.raises == "before":
            raise ApplicationError
        await self.start(send)
        await send({"type": "http.response.body", "body": self.answer.body, "more_body": bool(self.answer.raises)})
        if self.answer.raises == "after":
            raise ApplicationError

    async def start(self, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        """Start the response, and see that the message and its header list are still ours afterwards."""
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.answer.headers]
        message = {"type": "http.response.start", "status": self.answer.status, "headers": headers}
        kept = copy.deepcopy(message)
        await send(message)
        assert message == kept, "the application's message is left alone"


def asgi_scope(request: Request) -> dict[str, Any]:
    """`request` as an ASGI server describes it: every line by itself, names in lower case."""
    scope: dict[str, Any] = {
        "type": "websocket" if request.websocket else "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "ws" if request.websocket else "http",
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": b"",
        "root_path": "",
        "client": ("192.0.2.1", 50000),
        "server": ("192.0.2.2", 80),
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.headers],
    }
    own: dict[str, Any] = {"subprotocols": []} if request.websocket else {"method": request.method}
    return scope | own


async def asgi_exchange(app: Any, scope: dict[str, Any]) -> tuple[list[dict[str, Any]], bool]:
    """Run one request; give the messages sent, and whether the application's own exception came out."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if scope["type"] == "websocket":
            return {"type": "websocket.connect"}
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    try:
        await app(scope, receive, send)
    except ApplicationError:
        return sent, True
    return sent, False


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine that waits for nothing returns, without the cost of an event loop."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    coroutine.close()
    raise AssertionError(coroutine)


def asgi_start(sent: list[dict[str, Any]]) -> tuple[int | None, Headers]:
    """The status and the headers of what was sent; a WebSocket closed before it is accepted is a 403 by ASGI."""
    if not sent:
        return None, ()
    first = sent[0]
    if first["type"] == "websocket.close":
        return 403, ()
    if first["type"] == "websocket.accept":
        return 101, ()
    assert all(type(name) is bytes and type(value) is bytes for name, value in first["headers"])
    return first["status"], tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in first["headers"])


def wsgi(answer: Answer, policy: Any, options: Mapping[str, Any], layers: int = 1) -> Ask:
    """`r2style_cors.wsgi.CORSMiddleware`, with the standard library's validator on both of its sides.

    The validator asks for a Content-Type in a 200 without content, which S3 does not send: there it stands inside only.
    """
    profile = policy.profile if isinstance(policy, Engine) else options.get("profile")
    application = WsgiApplication(answer)
    middleware: Any = application.validated
    for _ in range(layers):
        middleware = r2style_cors.wsgi.CORSMiddleware(middleware, policy=policy, **options)

    def ask(request: Request) -> Response:
        application.reached, application.decision = False, None
        inside_only = profile == "s3" and request.method == "OPTIONS"
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Unknown REQUEST_METHOD", module="wsgiref.validate")
            outside = middleware if inside_only else validator(middleware)
            status, headers, body, raised = wsgi_exchange(outside, wsgi_environ(request))
        assert application.untouched(), "the application's header list is left alone"
        return Response(status, headers, body, application.reached, application.decision, raised)

    return ask


class WsgiApplication:
    """A WSGI application that answers with `answer` and remembers what it saw."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.reached = False
        self.decision: Any = None
        self.headers = list(answer.headers)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        """Answer, with a body that is a generator as frameworks' are."""
        if self.answer.raises == "before":
            raise ApplicationError
        start_response(f"{self.answer.status} Some Reason", self.headers)
        return self.content()

    def validated(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """The application behind the validator, which takes a key without a dot for a CGI variable, so for a string."""
        self.reached = True
        self.decision = environ.pop(DECISION_KEY)
        return validator(self)(environ, start_response)

    def content(self) -> Iterator[bytes]:
        """The body, which a 204 and a 304 do not have."""
        yield b"" if self.answer.status in NO_CONTENT else self.answer.body
        if self.answer.raises == "after":
            raise ApplicationError

    def untouched(self) -> bool:
        """Whether the list given to `start_response` still holds what the application put there."""
        return self.headers == list(self.answer.headers)


def wsgi_environ(request: Request) -> dict[str, Any]:
    """`request` as a WSGI server describes it: the lines of one name joined by a comma (RFC 3875, section 4.1.18)."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path,
        "QUERY_STRING": "",
        "SERVER_NAME": "192.0.2.2",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name in dict.fromkeys(name.upper() for name, _ in request.headers):
        environ["HTTP_" + name.replace("-", "_")] = ",".join(request.lines(name))
    return environ


def wsgi_exchange(app: Any, environ: dict[str, Any]) -> tuple[int | None, Headers, bytes, bool]:
    """Run one request as a server does: iterate, then close."""
    started: list[tuple[str, list[tuple[str, str]]]] = []
    chunks: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[..., None]:
        started.append((status, headers))
        return chunks.append

    raised = False
    result: Any = None
    try:
        result = app(environ, start_response)
        chunks.extend(result)
    except ApplicationError:
        raised = True
    finally:
        if hasattr(result, "close"):
            result.close()
    if not started:
        return None, (), b"", raised
    status, headers = started[-1]
    return int(status[:3]), tuple(headers), b"".join(chunks), raised


DOORS: dict[str, Callable[..., Ask]] = {"asgi": asgi, "wsgi": wsgi}
