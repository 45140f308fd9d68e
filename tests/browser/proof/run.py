"""Compare the model of a browser with the browser, fetch by fetch.

    python tests/browser/proof/run.py --browser chromium --count 2000 --seed 1

Cases that the two disagree about are printed, shrunk, with their seeds. The exit status is 1 if there are any.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from browser.proof.browsers import EXECUTABLES
from browser.proof.document import DOCUMENT, Result, with_result
from browser.proof.proof import cases_of, proof


def main() -> int:
    """What was asked for on the command line."""
    options = _options()
    logging.disable(logging.WARNING)  # of policies that are unwise on purpose
    cases = [("given", json.loads(options.case.read_text()))] if options.case else cases_of(options.seed, options.count)
    with tempfile.TemporaryDirectory() as folder, proof(options.browser, Path(folder)) as work:
        start = time.monotonic()
        found = work.disagreements(cases)
        took = time.monotonic() - start
        result = Result.of(work, options.seed, len(found))
        _say(f"{result}, {work.fetches / took:.0f} fetches a second")
        for each in found[: options.shown]:
            _say(str(work.shrunk(each) if options.shrink else each))
    if options.write:
        DOCUMENT.write_text(with_result(DOCUMENT.read_text(), result))
    return int(bool(found))


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - it reports


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--browser", choices=list(EXECUTABLES), default="chromium")
    parser.add_argument("--count", type=int, default=2000, help="how many fetches, at least")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", type=Path, help="a file with one case, as it was printed, instead of generated ones")
    parser.add_argument("--shown", type=int, default=5, help="how many disagreements are shrunk and printed")
    parser.add_argument("--write", action="store_true", help="write the result into docs/browsers.md")
    parser.add_argument("--no-shrink", dest="shrink", action="store_false")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
