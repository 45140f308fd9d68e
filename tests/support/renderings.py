"""What a command prints, as a person sees it, beside the renderings that are kept in `tests/golden`."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from r2style_cors import cli

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

GOLDEN = Path(__file__).parent.parent / "golden"
POLICIES = Path(__file__).parent.parent.parent / "examples" / "policies"
PIPED = {"NO_COLOR": None, "FORCE_COLOR": None, "TERM": "dumb"}
TERMINALS: dict[str, dict[str, str | None]] = {
    "piped": PIPED,
    "no-colour": {"NO_COLOR": "1", "FORCE_COLOR": "1", "TERM": "xterm-256color"},
    "colour": {"NO_COLOR": None, "FORCE_COLOR": "1", "TERM": "xterm-256color"},
}


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def told(self) -> str:
        """What stands on standard error, in one line and without a frame around it."""
        return " ".join(re.sub("[\u2500-\u257f]", " ", self.err).split())


def run(arguments: Sequence[str], *, text: str | None = None, width: int = 80, terminal: str = "piped") -> Ran:
    """Run a command with `text` on its standard input, and `width` columns to print on."""
    environment = {**TERMINALS[terminal], "COLUMNS": str(width)}
    result = CliRunner().invoke(cli.app, [*arguments], input=text, env=environment)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


def assert_keys_are_told(command: str, *printed: str, named: Collection[str] = ()) -> None:
    """Compare the keys of what a command has printed with those that its description tells, neither more nor fewer.

    An object under a key in `named` has keys of its own, such as the names of headers, which nobody can tell.
    """
    told = re.search(r"--json prints.*?\n\n", getattr(cli, command).__doc__, re.DOTALL)
    assert told is not None
    assert _keys([json.loads(text) for text in printed], named) == set(re.findall(r"`(\w+)`", told[0]))


def _keys(value: Any, named: Collection[str]) -> set[str]:
    """The keys of all objects in `value`."""
    if isinstance(value, list):
        return set().union(*(_keys(item, named) for item in value))
    if not isinstance(value, dict):
        return set()
    inner = [list(item.values()) if key in named and isinstance(item, dict) else item for key, item in value.items()]
    return {*value}.union(_keys(inner, named))


def assert_golden(name: str, text: str) -> None:
    """Compare `text` with the rendering of that name, but for spaces at line ends.

    To keep new renderings, run the tests once with R2STYLE_CORS_KEEP=1, and read what has changed.
    """
    lines = "\n".join(line.rstrip(" ") for line in text.split("\n"))
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("R2STYLE_CORS_KEEP"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(lines, encoding="utf-8")
    assert lines == path.read_text(encoding="utf-8")
