"""What the commands have in common: their exit statuses, where they read from, and how they fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from .._text import visible
from ..errors import PolicyError

if TYPE_CHECKING:
    from ..policy import Policy

FINDINGS = 1  # something was found, or refused
MISUSE = 2  # the command could not be carried out as it was called


def fail(message: str, status: int = MISUSE) -> NoReturn:
    """Say `message`, which may quote what cannot be seen, on standard error, and exit with `status`."""
    lines = map(visible, message.split("\n"))
    Console(stderr=True).print(Text("\n".join(lines), "red"), soft_wrap=True)
    raise typer.Exit(status)


def read_bytes(file: str) -> bytes:
    """The bytes of `file`, or of standard input where it is `-`.

    Raises:
        PolicyError: there is no such file, or it cannot be read, or is too large.

    """
    from .._forms import read_file, read_standard_input

    return read_standard_input() if file == "-" else read_file(file)


def read_policy(file: str, profile: str = "r2") -> Policy:
    """The policy in `file`, or in standard input where it is `-`; where it is not good, say why and exit with 2."""
    from ..policy import Policy

    try:
        return Policy.parse(read_bytes(file), profile)
    except PolicyError as error:
        fail(str(PolicyError(error.problems, error.form, "standard input" if file == "-" else file)))
