"""The demo's policy file: read again when it changes, while the last good one stays in force.

Together with `Door` this is all that stands between a file and a middleware, so that another source may take its place.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

from ..errors import PolicyError
from ..policy import Policy, load_policy
from ._files import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .._engine import Engine
    from ..errors import Problem

Application = TypeVar("Application")


STARTER = """\
[
  {
    "AllowedOrigins": ["ORIGIN"],
    "AllowedMethods": ["GET", "HEAD", "PUT"],
    "AllowedHeaders": ["content-type"],
    "ExposeHeaders": ["ETag"],
    "MaxAgeSeconds": 600
  }
]
"""  # one rule, for the page's origin alone


def create(path: Path, origin: str) -> bool:
    """Write the starter policy where there is no file yet, and say whether there was none. Nothing is overwritten.

    Raises:
        OSError: the file or its folder cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(STARTER.replace("ORIGIN", origin))
    except FileExistsError:
        return False
    return True


class DemoPolicy:
    """A policy file and the engine in force.

    Attributes:
        path: the file.
        problems: what the last reading found. Where one of them is an error, an older policy is in force.
        version: how many readings there were; it grows with every change of the file.
    """

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            PolicyError: there is no good policy to begin with.
        """
        self.path = path
        self.problems: tuple[Problem, ...] = ()
        self.version = 1
        self._lock = Lock()
        self._stamp = _stamp(path)
        self._engine = self._read()

    def engine(self) -> Engine:
        """The engine in force now, after a look at the file."""
        with self._lock:  # the WSGI server asks from several threads
            stamp = _stamp(self.path)
            if stamp != self._stamp:
                self._stamp = stamp
                self.version += 1
                self._reread()
            return self._engine

    def save(self, text: str) -> None:
        """Check `text`, and only then write it to the file.

        Raises:
            PolicyError: `text` is no good policy; the file is left as it is.
            OSError: the file cannot be written.
        """
        content = text.encode()
        Policy.parse(content)
        write_whole(self.path, content)

    def _reread(self) -> None:
        try:
            self._engine = self._read()
        except PolicyError as error:
            self.problems = error.problems

    def _read(self) -> Engine:
        policy = load_policy(self.path)
        self.problems = policy.problems
        return policy.compile()


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes when the file does; None where there is no file to see."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


class Door(Generic[Application]):
    """A middleware around one application, made anew when the engine in force is another one."""

    def __init__(self, policy: DemoPolicy, make: Callable[[Engine], Application]) -> None:
        self._policy = policy
        self._make = make
        self._made: tuple[Engine, Application] | None = None

    def current(self) -> Application:
        """The application under the policy in force. The pair is swapped whole, so that no thread sees half of it."""
        engine, made = self._policy.engine(), self._made
        if made is None or made[0] is not engine:
            made = self._made = (engine, self._make(engine))
        return made[1]
