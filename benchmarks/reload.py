"""What requests notice of a policy file that is read beside them: `python benchmarks/reload.py`.

Writes the table of docs/reload.md. All are ratios of one run: a request while the file is read, by the same at rest;
and the longest request of a reading, by the time that `reload()` takes in line, which is what the thread spares it.
"""

from __future__ import annotations

import json
import logging
import math
import sys
from itertools import chain
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import apps
from timing import short, table

from r2style_cors import PolicyFile
from r2style_cors.wsgi import CORSMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGE = Path(__file__).parent.parent / "docs" / "reload.md"
BEGIN = "<!-- written by benchmarks/reload.py -->\n"
HEAD = (
    "origins in the policy",
    "a request while it is read, median",
    "99th percentile",
    "the longest of a reading",
    "the same, by the time of `reload()`",
)
SIZES = (1, 100, 10_000)
RELOADS = 20
AT_REST = 2_000  # requests after each reading


def rules(origins: int, generation: int) -> str:
    """A policy of so many origins, as JSON; generations differ."""
    return json.dumps(
        [
            {
                "AllowedOrigins": [f"https://app{number}.example" for number in range(origins)],
                "AllowedMethods": ["GET"],
                "MaxAgeSeconds": generation,
            }
        ]
    )


class Door:
    """A WSGI door of a file, and the time that each request takes."""

    def __init__(self, path: Path, check_every: float) -> None:
        self.path = path
        self.file = PolicyFile(path, check_every)
        self._app = CORSMiddleware(apps.wsgi(apps.SHORT), self.file)

    def request(self) -> int:
        """Nanoseconds of one request."""
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "SCRIPT_NAME": "", "HTTP_ORIGIN": "https://app0.example"}
        start = perf_counter_ns()
        self._app(environ, _start_response)
        return perf_counter_ns() - start

    def requests_until_changed(self) -> Iterator[int]:
        """The same of request after request, until another policy is in force."""
        before = self.file.digest
        while self.file.digest == before:
            yield self.request()

    def replace(self, text: str) -> None:
        """Put a new file in place of the old one."""
        fresh = self.path.with_suffix(".new")
        fresh.write_text(text, "utf-8")
        fresh.rename(self.path)


def _start_response(_status: str, _headers: list[tuple[str, str]], _exc_info: Any = None) -> Callable[[bytes], object]:
    return lambda _: None


def measured(origins: int) -> list[object]:
    """One row of the table."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "cors.json"
        path.write_text(rules(origins, 0), "utf-8")
        looking, still = Door(path, check_every=0), Door(path, check_every=math.inf)
        readings: list[list[int]] = []
        at_rest: list[int] = []  # between the readings, so that both see the machine in the same moods
        in_line: list[int] = []
        for generation in range(1, RELOADS + 1):
            looking.replace(rules(origins, generation))
            readings.append(list(looking.requests_until_changed()))
            at_rest += [looking.request() for _ in range(AT_REST)]
            start = perf_counter_ns()
            still.file.reload()
            in_line.append(perf_counter_ns() - start)
    usual, longest = median(at_rest), min(map(max, readings))  # whatever else the machine does only adds to it
    during = [*chain(*readings)]
    figures = median(during) / usual, quantiles(during, n=100)[-1] / usual, longest / usual, longest / min(in_line)
    return [f"{origins:,}", *map(short, figures)]


def main() -> int:
    """Measure every size, print the table, and write it into the page."""
    logging.getLogger("r2style_cors").setLevel(logging.ERROR)  # each size beyond S3's limit would be told of each time
    text = table(HEAD, [measured(origins) for origins in SIZES])
    print(text)
    PAGE.write_text(f"{PAGE.read_text('utf-8').partition(BEGIN)[0]}{BEGIN}\n{text}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
