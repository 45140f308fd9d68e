"""What answers a simulated fetch: a policy with described responses, an application, or several by origin."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from .. import wsgi
from .._door import KEY
from .._engine import Engine
from .inprocess import Response, call
from .url import origin_of
from .walk import Received

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from .._door import DoorPolicy
    from ..policy import Policy
    from .inprocess import ASGIApp, Request

    OneServer: TypeAlias = "Engine | Policy | Site | ASGIApp | WSGIApplication"
    Server: TypeAlias = OneServer | Mapping[str, OneServer]  # by their origins
    Ask: TypeAlias = Callable[[Request], Received | None]

_OK = Response()


@dataclass(frozen=True, slots=True)
class Site:
    """A server that is described: what its application answers, behind this package's own WSGI door.

    Attributes:
        policy: the policy in front, as the doors take one; None for a server that knows nothing of CORS.
        answers: what the application answers: by `METHOD /path`, else by `METHOD`, else by `/path`.
        default: what it answers where nothing of that fits.
    """

    policy: DoorPolicy | None = None
    answers: Mapping[str, Response] = field(default_factory=dict)
    default: Response = _OK

    def app(self) -> WSGIApplication:
        """The whole of it as a WSGI application."""
        return self._answer if self.policy is None else wsgi.CORSMiddleware(self._answer, self.policy)

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        fitting = (self.answers.get(key) for key in (f"{method} {path}", method, path))
        response = next((each for each in fitting if each is not None), self.default)
        start_response(_status_line(response.status), list(response.headers))
        return [response.body]


def _status_line(status: int) -> str:
    return f"{status} {phrase_of(status) or 'Unknown'}"


def phrase_of(status: int) -> str:
    """The reason phrase of a status; empty for one that nobody knows."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def answering(server: Server) -> Ask:
    """How `server` is asked; it answers None where there is nothing at the URL's origin.

    Raises:
        TypeError: `server` is nothing of the kind.
        PolicyError: its policy cannot be enforced.
    """
    if not isinstance(server, Mapping):
        app = _app_of(server)
        return lambda request: _received(_answer(app, request))
    by_origin = {origin: answering(each) for origin, each in server.items()}
    return lambda request: by_origin.get(origin_of(request.url), _nothing)(request)


def _nothing(_: Request) -> None:
    return None


def _received(response: Response) -> Received:
    headers = tuple((name, value.strip(" \t")) for name, value in response.headers)  # RFC 9112, section 5.1
    return Received(response.status, headers, phrase_of(response.status))


def _app_of(server: object) -> Any:
    from ..policy import Policy

    site = Site(server) if isinstance(server, Engine | Policy) else server
    app = site.app() if isinstance(site, Site) else site
    if not callable(app):
        message = (
            f"server is a {type(server).__name__}; it must be an Engine, a Policy, a Site, an ASGI or WSGI application, or "
            "a mapping of origins to these"
        )
        raise TypeError(message)
    return app


def _answer(app: Any, request: Request) -> Response:
    """The application's answer; where it raises, the bare 500 that a server writes, outside every door."""
    try:
        return call(app, request)
    except Exception:
        path = urlsplit(request.url).path
        logging.getLogger(KEY).exception("The application failed on %s %s.", request.method, path)
        return Response(500, (("Content-Type", "text/plain"),), b"Internal Server Error")
