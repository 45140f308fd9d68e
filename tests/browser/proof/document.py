"""docs/browsers.md: what was compared, and where each browser departs from the standard."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from r2style_cors.browser import BROWSERS, QUIRKS

if TYPE_CHECKING:
    from .proof import Proof

DOCUMENT: Final = Path(__file__).parents[3] / "docs" / "browsers.md"
_RESULTS = re.compile("(<!-- results -->\n[^\n]*\n\\| -[^\n]*\n)(.*?)\n?(?=<!-- end -->)", re.DOTALL)
_DEPARTURES = re.compile("(<!-- departures -->\n)(.*?)(?=<!-- end -->)", re.DOTALL)
_NAMES: Final = {"chromium": "Chromium", "firefox": "Firefox", "webkit": "WebKitGTK"}


class Result(NamedTuple):
    """One row: what one run compared."""

    browser: str
    version: str
    seed: int
    fetches: int
    requests: int
    disagreements: int

    @classmethod
    def of(cls, work: Proof, seed: int, disagreements: int) -> Result:
        """What a run has come to."""
        return cls(_NAMES[work.browser], work.driven.version, seed, work.fetches, work.requests, disagreements)

    def __str__(self) -> str:
        """The row as a sentence."""
        asked = f"{self.fetches} fetches, {self.requests} requests"
        return f"{self.browser} {self.version}, seed {self.seed}: {asked}, {self.disagreements} cases disagreed about"

    def row(self) -> str:
        """The row of the table."""
        return f"| {' | '.join(map(str, tuple(self)))} |"


def with_result(text: str, result: Result) -> str:
    """The document with a run's row in its place, and all departures as the model has them."""
    return with_departures(_RESULTS.sub(lambda found: f"{found[1]}{_rows(found[2], result)}\n", text))


def _rows(before: str, result: Result) -> str:
    given = [*filter(None, before.splitlines()), result.row()]
    rows = {tuple(row.split(" | ")[:3:2]): row for row in given}
    return "\n".join(sorted(rows.values()))


def with_departures(text: str) -> str:
    """The document with all departures from the standard as the model has them."""
    return _DEPARTURES.sub(lambda found: f"{found[1]}{_departures()}\n", text)


def _departures() -> str:
    rows = [f"| `{quirk}` | {' | '.join(_marks(quirk))} | {sentence} |" for quirk, sentence in QUIRKS.items()]
    head = f"| departure | {' | '.join(_NAMES.values())} | what it is, and what shows it |"
    return "\n".join([head, "| --- | :-: | :-: | :-: | --- |", *rows])


def _marks(quirk: str) -> list[str]:
    return ["×" if quirk in BROWSERS[name].quirks else "" for name in _NAMES]  # noqa: RUF001 - a cross, for a reader
