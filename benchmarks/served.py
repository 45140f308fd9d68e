"""Requests a second over a real connection: uvicorn, and `wrk` or, where there is none, a client of our own.

As a module, it is the application that uvicorn serves; the environment says which contender.
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
import floor
from contenders import BARE, FLOOR, OURS
from workloads import REQUESTS, RULE, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENDER = "R2STYLE_CORS_BENCHMARK"
SECONDS = 1
ROUNDS = 15
CONNECTIONS = 16
PATIENCE_SECONDS = 20
SERVED = (BARE, FLOOR, OURS, "starlette")


def application() -> Any:
    """What uvicorn serves, as the environment says (`uvicorn --factory`)."""
    app = apps.asgi(apps.SHORT)
    wrap: dict[str, Any] = {
        BARE: lambda: app,
        FLOOR: lambda: floor.asgi(app, RULE),
        OURS: lambda: contenders.our_asgi(app, [RULE]),
        "starlette": lambda: contenders.starlette(app, [RULE]),
    }
    return wrap[os.environ[CONTENDER]]()


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
def uvicorn(name: str) -> Iterator[int]:
    """A uvicorn that serves one contender on the last processor; yields its port."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "--factory",
        "served:application",
        "--port",
        str(port),
        "--interface",
        "asgi3",
    ]
    command += [
        "--http",
        "httptools",
        "--loop",
        "uvloop",
        "--lifespan",
        "off",
        "--no-access-log",
        "--log-level",
        "error",
    ]
    command += ["--no-server-header", "--no-date-header"]
    environment = {**os.environ, CONTENDER: name}
    with subprocess.Popen(command, cwd=Path(__file__).parent, env=environment) as server:
        try:
            os.sched_setaffinity(server.pid, {max(os.sched_getaffinity(0))})
            wait_for(port)
            yield port
        finally:
            server.send_signal(signal.SIGTERM)


def wrk(port: int, request: Request) -> float:
    """Requests a second, as `wrk` counts them on the first processor."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s"]
    for name, value in request.headers():
        command += ["-H", f"{name}: {value}"]
    result = subprocess.run([*command, f"http://127.0.0.1:{port}/"], capture_output=True, text=True, check=True)
    if found := re.search(r"Socket errors.*|Non-2xx.*", result.stdout):
        raise ValueError(found[0])
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


def served() -> dict[str, Any]:
    """Requests a second of each contender over those of the bare application: the quartiles of the rounds."""
    load = wrk if shutil.which("wrk") else client
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    figures: dict[str, Any] = {}
    with ExitStack() as stack:
        ports = {name: stack.enter_context(uvicorn(name)) for name in SERVED}
        os.sched_setaffinity(0, {0})
        for key in ("no-origin", "allowed"):
            rates: dict[str, list[float]] = {name: [] for name in SERVED}
            for number in range(ROUNDS + 1):  # the first warms up
                for name in random.Random(number).sample(SERVED, len(SERVED)):
                    rates[name].append(load(ports[name], REQUESTS[key]))
            for name in SERVED[1:]:
                singles = [a / b for a, b in zip(rates[name][1:], rates[BARE][1:], strict=True)]
                figures.setdefault(REQUESTS[key].title, {})[name] = statistics.quantiles(singles, n=4)
    return figures


if __name__ == "__main__":
    print(json.dumps(served()))
