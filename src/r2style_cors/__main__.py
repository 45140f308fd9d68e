"""`python -m r2style_cors`, and the `r2style-cors` command."""

from __future__ import annotations

import sys

_FOR_COMMANDS = ("typer", "rich")


def main() -> None:
    """Run the command line, or say in one line what to install for it."""
    try:
        from .cli import app
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _FOR_COMMANDS:
            raise
        print("The command line needs typer and rich: pip install 'r2style-cors[cli]'", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    app(prog_name="r2style-cors")


if __name__ == "__main__":
    main()
