"""Requests a second over a real connection: uvicorn and gunicorn, and `wrk` or, where there is none, our own client.

As a module, it is the application that they serve; the environment says which contender.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apps
import contenders
from contenders import BARE, FLOOR, FRAMEWORKS, OURS
from workloads import REQUESTS, RULE, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENDER = "R2STYLE_CORS_BENCHMARK"
SECONDS = 1
ROUNDS = 9
CONNECTIONS = 16
PATIENCE_SECONDS = 20
FLASK, FLASK_CORS = "Flask", FRAMEWORKS["Flask"][1]
OURS_BEFORE_FLASK = f"{OURS} before Flask"

_UVICORN = """-m uvicorn --factory served:application --interface asgi3 --http httptools --loop uvloop --lifespan off
    --no-access-log --log-level error --no-server-header --no-date-header --port"""
_GUNICORN = """-m gunicorn served:application() --worker-class gthread --workers 1 --threads 1 --keep-alive 60
    --log-level error --bind 127.0.0.1:"""
# Each contender, and what its requests a second are divided by.
SERVED: dict[str, dict[str, str]] = {
    _UVICORN: {FLOOR: BARE, OURS: BARE, "starlette": BARE},
    _GUNICORN: {FLOOR: BARE, OURS: BARE, FLASK_CORS: FLASK, OURS_BEFORE_FLASK: FLASK},
}


def application() -> Any:
    """What is served, as the environment says (`uvicorn --factory`, and a call for gunicorn)."""
    server, name = os.environ[CONTENDER].split(":")
    if server == "uvicorn":
        return contenders.asgi_contender(name, REQUESTS["allowed"], RULE)[1]
    framework = FLASK if name in (FLASK, FLASK_CORS, OURS_BEFORE_FLASK) else None
    name = OURS if name == OURS_BEFORE_FLASK else name
    return contenders.wsgi_contender(name, REQUESTS["allowed"], RULE, framework)[1]


def free_port() -> int:
    """A port of this machine on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    """Return when something listens on `port`."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    message = f"nothing listens on port {port}"
    raise TimeoutError(message)


@contextmanager
def serving(arguments: str, name: str) -> Iterator[int]:
    """A server with one contender on the last processor; yields its port."""
    port = free_port()
    command = [sys.executable, *f"{arguments} {port}".replace(": ", ":").split()]
    environment = {**os.environ, CONTENDER: f"{server_of(arguments)}:{name}"}
    with subprocess.Popen(command, cwd=Path(__file__).parent, env=environment) as server:
        try:
            os.sched_setaffinity(server.pid, {max(os.sched_getaffinity(0))})
            wait_for(port)
            yield port
        finally:
            server.send_signal(signal.SIGTERM)


def server_of(arguments: str) -> str:
    """Which server a command line starts."""
    return arguments.split()[1]


def wrk(port: int, request: Request) -> float:
    """Requests a second, as `wrk` counts them on the first processor."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s"]
    for name, value in request.headers():
        command += ["-H", f"{apps.title(name)}: {value}"]  # it knows its own Host by the capital
    result = subprocess.run([*command, f"http://127.0.0.1:{port}/"], capture_output=True, text=True, check=True)
    if found := re.search(r"Socket errors.*|Non-2xx.*", result.stdout):
        message = f"{found[0]} of the server on port {port}"
        raise ValueError(message)
    figure = re.search(r"Requests/sec:\s+([\d.]+)", result.stdout)
    if figure is None:
        raise ValueError(result.stdout)
    return float(figure[1])


def client(port: int, request: Request) -> float:
    """Requests a second, one after the other on one connection."""
    lines = [f"{request.method} / HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers())]
    message = ("\r\n".join(lines) + "\r\n\r\n").encode()
    count, start = 0, time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        while time.perf_counter() - start < SECONDS:
            connection.sendall(message)
            received = b""
            while not received.endswith(b"\r\n\r\nok"):
                received += connection.recv(4096)
            count += 1
    return count / (time.perf_counter() - start)


def served(arguments: str) -> dict[str, Any]:
    """Requests a second of each contender over those of its base: the quartiles of the rounds."""
    load = wrk if shutil.which("wrk") else client
    bases = SERVED[arguments]
    names = sorted({*bases, *bases.values()})
    processors = os.sched_getaffinity(0)
    figures: dict[str, Any] = {}
    with ExitStack() as stack:
        stack.callback(os.sched_setaffinity, 0, processors)
        ports = {name: stack.enter_context(serving(arguments, name)) for name in names}
        os.sched_setaffinity(0, {min(processors)})
        for key in ("no-origin", "allowed"):
            rates: dict[str, list[float]] = {name: [] for name in names}
            for number in range(ROUNDS + 1):  # the first warms up
                for name in random.Random(number).sample(names, len(names)):
                    rates[name].append(load(ports[name], REQUESTS[key]))
            for name, base in bases.items():
                singles = [a / b for a, b in zip(rates[name][1:], rates[base][1:], strict=True)]
                figures.setdefault(REQUESTS[key].title, {})[name] = statistics.quantiles(singles, n=4)
    return figures


if __name__ == "__main__":
    print(json.dumps({server_of(arguments): served(arguments) for arguments in SERVED}))
