"""Processes, servers above all. The standard library alone, since `release/check.py` serves the examples so too."""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE_SECONDS = 60  # for what should come at once: a machine may have other things to do
PIPED: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}


def free_port() -> int:
    """A port of this machine on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def started(*command: str | Path, **settings: Any) -> Iterator[subprocess.Popen[Any]]:
    """A process, while the block lasts: however the block ends, the process does not outlive it."""
    with subprocess.Popen(command, **settings) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def listening(*command: str | Path) -> Iterator[int]:
    """A server that is told its `--port`, while the block lasts: that port, once it listens there."""
    port = free_port()
    with started(*command, "--port", str(port)) as server:  # pytest shows what it prints where a test fails
        wait_for(server, port)
        yield port


def wait_for(server: subprocess.Popen[Any], port: int) -> None:
    """Return when `server` accepts connections on `port`; raise when it ends or never does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    message = f"nothing listens on port {port}; the exit status is {server.poll()}"
    raise RuntimeError(message)
