"""The servers of the matrix: how each is started, on a free port of this machine, and that it always ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from matrix.apps.common import RELEASE
from matrix.client import Ask, http1
from support.listening import PATIENCE_SECONDS, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parent.parent
ENOUGH_OF_A_LOG = 4000


@dataclass(frozen=True)
class Framework:
    """A framework, and the module that has its application."""

    name: str
    module: str


@dataclass(frozen=True)
class Server:
    """A server, and the arguments that start it; `{app}` and `{port}` stand for what differs."""

    name: str
    arguments: str
    http2: bool = False

    def command(self, module: str, port: int) -> list[str]:
        """The command that serves `module` on `port`."""
        return [sys.executable, "-m", *self.arguments.format(app=f"matrix.apps.{module}:app", port=port).split()]


@dataclass(frozen=True)
class Pair:
    """A framework on a server."""

    framework: Framework
    server: Server
    asgi: bool

    def __str__(self) -> str:
        return f"{self.framework.name} on {self.server.name}"


@dataclass(frozen=True)
class Served:
    """A pair that runs: its port, and the file that lets its streams go on."""

    pair: Pair
    port: int
    release: Path


ASGI_FRAMEWORKS = [
    Framework("FastAPI", "fastapi_app"),
    Framework("Starlette", "starlette_app"),
    Framework("Litestar", "litestar_app"),
    Framework("Quart", "quart_app"),
    Framework("Django (ASGI)", "django_asgi"),
    Framework("Falcon (ASGI)", "falcon_asgi"),
]
WSGI_FRAMEWORKS = [
    Framework("Flask", "flask_app"),
    Framework("Django (WSGI)", "django_wsgi"),
    Framework("Pyramid", "pyramid_app"),
    Framework("Bottle", "bottle_app"),
    Framework("Falcon (WSGI)", "falcon_wsgi"),
]
UVICORN = "uvicorn {app} --port {port} --log-level warning --http"
GUNICORN = "gunicorn {app} --bind 127.0.0.1:{port} --log-level warning --worker-class"
ASGI_SERVERS = [
    Server("uvicorn h11", f"{UVICORN} h11"),
    Server("uvicorn httptools", f"{UVICORN} httptools"),
    Server("hypercorn HTTP/1.1", "hypercorn {app} --bind 127.0.0.1:{port}"),
    Server("hypercorn HTTP/2", "hypercorn {app} --bind 127.0.0.1:{port}", http2=True),
    Server("granian", "granian {app} --interface asgi --port {port} --no-log"),
    Server("daphne", "daphne {app} --bind 127.0.0.1 --port {port} --verbosity 0"),
]
WSGI_SERVERS = [
    Server("gunicorn sync", f"{GUNICORN} sync"),
    Server("gunicorn gthread", f"{GUNICORN} gthread"),
    Server("gunicorn gevent", f"{GUNICORN} gevent"),
    Server("waitress", "waitress --listen 127.0.0.1:{port} {app}"),
    Server("granian WSGI", "granian {app} --interface wsgi --port {port} --no-log"),
    Server("cheroot", "cheroot {app} --bind 127.0.0.1:{port}"),
    Server("werkzeug", "matrix.serve_werkzeug {app} {port}"),
]
PAIRS = [
    *(Pair(framework, server, asgi=True) for framework in ASGI_FRAMEWORKS for server in ASGI_SERVERS),
    *(Pair(framework, server, asgi=False) for framework in WSGI_FRAMEWORKS for server in WSGI_SERVERS),
]


def representative() -> list[Pair]:
    """Some of the pairs, in which every framework and every server comes once at least."""
    asgi = [Pair(*both, asgi=True) for both in zip(ASGI_FRAMEWORKS, ASGI_SERVERS, strict=True)]
    frameworks = [*WSGI_FRAMEWORKS, *WSGI_FRAMEWORKS][: len(WSGI_SERVERS)]
    return [*asgi, *(Pair(*both, asgi=False) for both in zip(frameworks, WSGI_SERVERS, strict=True))]


@contextmanager
def serve(pair: Pair, folder: Path) -> Iterator[Served]:
    """Run a pair in a process of its own while the block lasts; `folder` takes its log and its release file."""
    served = Served(pair, free_port(), folder / "release")
    paths = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": paths, RELEASE: str(served.release)}
    log = folder / "log"
    command = pair.server.command(pair.framework.module, served.port)
    with (
        log.open("wb") as out,
        subprocess.Popen(
            command, cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        ) as process,
    ):
        try:
            wait_for(process, served.port, log)
            yield served
        finally:
            end(process)


def wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Return when the application answers; raise when its server ends or never does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError):
            http1(port, Ask())
            return
        time.sleep(0.05)
    message = f"the server does not answer: {log.read_text(encoding='utf-8', errors='replace')[-ENOUGH_OF_A_LOG:]}"
    raise RuntimeError(message)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a server and every worker that it started: they are one process group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
