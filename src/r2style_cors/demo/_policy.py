"""The demo's policy file: made where there is none, checked before it is saved, and followed while it changes."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from .._desk.files import replace_file
from .._source import PolicyFile
from ..errors import PolicyError
from ..policy import Policy

if TYPE_CHECKING:
    from pathlib import Path

    from .._engine import Engine
    from ..errors import Problem

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
        file: the same, for the doors: they look at it with every request.
    """

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            PolicyError: there is no good policy to begin with.
        """
        self.path = path
        self.file = PolicyFile(path, check_every=0)
        self._engine = self.file._follow(lambda data: Policy.parse(data).compile())  # noqa: SLF001 - as a door

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the file. Where one of them is an error, an older policy is in force."""
        error = self.file.last_error
        return error.problems if isinstance(error, PolicyError) else self.engine().problems

    def engine(self) -> Engine:
        """The engine in force now."""
        return self._engine.current()

    def look(self) -> None:
        """Read the file now, so that `problems` are those of this moment."""
        with suppress(PolicyError):  # `problems` tells
            self.file.reload()

    def save(self, text: str) -> None:
        """Check `text`, and only then write it to the file, and put it in force.

        Raises:
            PolicyError: `text` is no good policy; the file is left as it is.
            OSError: the file cannot be written.
        """
        content = text.encode()
        Policy.parse(content)
        replace_file(self.path, content)
        self.file.reload()
