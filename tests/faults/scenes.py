"""A server under load, and what is done to it meanwhile: its policy file changes, workers restart or are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from faults.apps import POLICY
from faults.load import POLICIES, Load
from matrix.servers import end
from support.listening import free_port
from support.policy_files import replace, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from faults.load import Failure

TESTS = Path(__file__).parent.parent
CHANGE_EVERY = 0.05  # seconds
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

UVICORN = "uvicorn --port {port} --log-level warning --timeout-keep-alive 60 --ws none"
PATIENT = "--timeout-worker-healthcheck 60 --timeout-graceful-shutdown 20"  # a machine may have other things to do
GUNICORN = (
    "gunicorn --bind 127.0.0.1:{port} --log-level warning --keep-alive 60 --preload --workers 2 --graceful-timeout 20"
)
SERVERS = {
    "uvicorn": f"{UVICORN} --factory faults.apps:asgi",
    "uvicorn, 2 workers": f"{UVICORN} --workers 2 {PATIENT} --factory faults.apps:asgi",
    "uvicorn, 2 workers, no policy": f"{UVICORN} --workers 2 {PATIENT} faults.apps:bare_asgi",
    "gunicorn sync": f"{GUNICORN} --worker-class sync faults.apps:wsgi()",
    "gunicorn gthread": f"{GUNICORN} --worker-class gthread --threads 4 faults.apps:wsgi()",
}


@dataclass(frozen=True)
class Kill:
    """A worker that was killed, and when it was gone."""

    worker: int
    gone: float

    def excuses(self, failure: Failure) -> bool:
        """Whether the worker may have held the connection that failed."""
        return failure.worker in (None, self.worker) and failure.opened <= self.gone


@dataclass
class Scene:
    """A server that runs, the requests that it gets, and what has been done to it."""

    process: subprocess.Popen[bytes]
    path: Path
    load: Load
    changes: int = 0
    restarts: int = 0
    kills: list[Kill] = field(default_factory=list)

    def change(self) -> None:
        """Give the policy file its next content, every other time a broken one; by renames, and in place."""
        old, new = (json.dumps(rules) for rules in POLICIES.values())
        text = (old[:40], new, new[:40], old)[self.changes % 4]
        if self.changes // 4 % 2:
            replace(self.path, text)
        else:
            self.path.write_text(text, "utf-8")
        self.changes += 1

    def restart(self) -> None:
        """Have all workers replaced by new ones, gracefully."""
        self.process.send_signal(signal.SIGHUP)
        self.restarts += 1

    def kill(self) -> None:
        """Kill the worker that answered last, without warning; none where the last kill is not yet made up for."""
        worker = next(filter(alive, self.load.tally.workers[-1:]), None)
        if worker is not None:
            os.kill(worker, signal.SIGKILL)
            wait_until(lambda: not alive(worker))
            self.kills.append(Kill(worker, time.monotonic()))

    def lost(self) -> list[Failure]:
        """The failures that no kill excuses."""
        failures = self.load.tally.failures
        return [failure for failure in failures if not any(kill.excuses(failure) for kill in self.kills)]

    def memory(self) -> dict[int, int]:
        """How many bytes of memory each worker that lives holds."""
        return {worker: resident(worker) for worker in set(self.load.tally.workers) if alive(worker)}


def alive(process: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def resident(process: int) -> int:
    """The resident set of a process, in bytes."""
    return int(Path(f"/proc/{process}/statm").read_text("utf-8").split()[1]) * PAGE_BYTES


@contextmanager
def scene(server: str, folder: Path, *, closing: bool = False) -> Iterator[Scene]:
    """Run a server in `folder`, which takes its policy file and its log, and end it with all of its workers.

    Where `closing` is true, each request has a connection of its own.
    """
    path, port = folder / "cors.json", free_port()
    path.write_text(json.dumps(POLICIES["old"]), "utf-8")
    command = [sys.executable, "-m", *SERVERS[server].format(port=port).split()]
    environment = os.environ | {"PYTHONPATH": str(TESTS), POLICY: str(path)}
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        ) as process,
    ):
        try:
            wait_until(lambda: answers(port))
            yield Scene(process, path, Load(port, closing))
        finally:
            end(process)


def answers(port: int) -> bool:
    """Whether a server answers."""
    load = Load(port, closing=True)
    load.send(1)
    return not load.tally.failures


@contextmanager
def every(seconds: float, act: Callable[[], None]) -> Iterator[None]:
    """Do something again and again while the block lasts. What goes wrong in it is raised at the end."""
    over = threading.Event()
    errors: list[Exception] = []

    def run() -> None:
        try:
            while not over.wait(seconds):
                act()
        except Exception as error:  # noqa: BLE001 - it is raised below
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if errors:
        raise errors[0]
