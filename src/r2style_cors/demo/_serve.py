"""Four ports in one process: page, ASGI bucket and other origin in one event loop, the WSGI bucket in threads."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING, Self

import uvicorn
from werkzeug.serving import WSGIRequestHandler, make_server

from .. import asgi, wsgi
from ._bucket import Bucket, asgi_bucket, wsgi_bucket
from ._page import Answers, Ports, other_app, page_app
from ._policy import DemoPolicy, create
from ._recorder import Recorder, record_asgi, record_wsgi
from ._uploads import Uploads, beside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Receive, Scope, Send
    from werkzeug.serving import BaseWSGIServer

LAST_PORT = 65535


class Demo:
    """The demonstration. Its ports listen once it is made; `run` serves them until it is interrupted or stopped.

    A context manager, which leaves nothing behind but the policy file.

    Attributes:
        origins: the origins by name: `page`, `asgi`, `wsgi`, `other`. The page is at its origin.
        created: whether the policy file was made now.
        policy: the policy file.
    """

    def __init__(self, host: str, port: int, file: Path) -> None:
        """Bind the ports and read the policy `file`, which is created where there is none.

        Raises:
            OSError: a port cannot be bound, or the policy file cannot be made.
            PolicyError: the policy is not good.
        """
        with contextlib.ExitStack() as cleanup:
            sockets = _listen(host, port, cleanup)
            ports = Ports(*(listening.getsockname()[1] for listening in sockets))
            self.origins = ports.origins(shown_host(host))
            self.created = create(file, self.origins["page"])
            self.policy = DemoPolicy(file)
            bucket = Bucket(_folder(cleanup))
            bucket.seed()
            uploads = Uploads(_folder(cleanup), self.policy.file)
            self._connect(host, ports, bucket, uploads, sockets)
            cleanup.callback(self._threads.server_close)
            self._cleanup = cleanup.pop_all()

    def run(self) -> None:
        """Serve. Ends with KeyboardInterrupt after Ctrl-C, or quietly after `stop`."""
        with _serving(self._threads):
            self._loop.run(self._sockets)

    def stop(self) -> None:
        """Make `run` return, from another thread."""
        self._loop.should_exit = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def _connect(self, host: str, ports: Ports, bucket: Bucket, uploads: Uploads, sockets: list[socket.socket]) -> None:
        recorder = Recorder(self.policy)
        files = asgi.CORSMiddleware(asgi_bucket(bucket), self.policy.file)
        apps = {
            ports.page: page_app(Answers(ports, self.policy, recorder, bucket.rehearsal(), uploads), host),
            ports.asgi: record_asgi(beside(uploads.app, files), recorder),
            ports.other: other_app(ports, host),
        }
        config = uvicorn.Config(
            _by_port(apps),
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=1,
        )
        self._loop = uvicorn.Server(config)
        page, asgi_port, wsgi_port, other = sockets
        self._sockets = [page, asgi_port, other]
        app = record_wsgi(wsgi.CORSMiddleware(wsgi_bucket(bucket), self.policy.file), recorder)
        self._threads = make_server(host, ports.wsgi, app, threaded=True, request_handler=_Quiet, fd=wsgi_port.fileno())


def _folder(cleanup: contextlib.ExitStack) -> Path:
    """A new folder, which goes with everything in it."""
    return Path(cleanup.enter_context(TemporaryDirectory(prefix="r2style-cors-")))


class _Quiet(WSGIRequestHandler):
    """Says nothing of ordinary requests; errors still reach the terminal."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Pass over a request that was answered."""


def _listen(host: str, port: int, cleanup: contextlib.ExitStack) -> list[socket.socket]:
    """Sockets for page, ASGI bucket, WSGI bucket, other origin: `port`, and the three after it where they are free."""
    sockets = [cleanup.enter_context(_bound(host, port))]
    sockets.extend(cleanup.enter_context(_bound_near(host, port and port + offset)) for offset in (1, 2, 3))
    return sockets


def _bound_near(host: str, port: int) -> socket.socket:
    if port <= LAST_PORT:
        with contextlib.suppress(OSError):  # the port is taken
            return _bound(host, port)
    return _bound(host, 0)


def _bound(host: str, port: int) -> socket.socket:
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


def shown_host(host: str) -> str:
    """The host in the URLs that we print: browsers call a loopback `localhost`, whichever address it has."""
    if host in ("127.0.0.1", "::1", "0.0.0.0", "::"):  # noqa: S104 - to be shown, not bound
        return "localhost"
    return f"[{host}]" if ":" in host else host


def _by_port(apps: dict[int, ASGIApp]) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await apps[scope["server"][1]](scope, receive, send)

    return app


@contextlib.contextmanager
def _serving(server: BaseWSGIServer) -> Iterator[None]:
    """Run the threaded server beside whatever the block does."""
    thread = Thread(target=server.serve_forever, name="wsgi-bucket", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
