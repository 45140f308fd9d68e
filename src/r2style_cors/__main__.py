"""`python -m r2style_cors`, and the `r2style-cors` command."""

from __future__ import annotations

import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NoReturn

_FOR_COMMANDS = ("typer", "rich")


def main() -> None:
    """Run the command line; or say in one line what to install for it, or what the system refuses."""
    try:
        from .cli import app
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _FOR_COMMANDS:
            raise
        _end("The command line needs typer and rich: pip install 'r2style-cors[cli]'")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # it may be closed, or somebody else's
            stream.reconfigure(errors="backslashreplace")  # a character that it cannot encode is shown all the same
    try:
        app(prog_name="r2style-cors")
    except OSError as error:  # a pipe that nobody reads any more is not among them: that ends the command quietly
        with suppress(OSError, AttributeError):  # where there is none, it is None
            sys.stdout.close()  # what it still holds cannot be written when Python ends, either
        _end(f"The command cannot go on: {error}")


def _end(message: str) -> NoReturn:
    """Say why on standard error, as far as that can be written, and exit with the status of misuse."""
    with suppress(OSError, ValueError):  # a stream that is full, or closed
        print(message, file=sys.stderr)  # noqa: T201 - that is what it is for
    sys.exit(2)


if __name__ == "__main__":
    main()
