"""Run the whole matrix and write docs/matrix.md: `python tests/matrix/run.py`. Exit status 1 where a check fails."""

from __future__ import annotations

import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

TESTS = Path(__file__).parent.parent
sys.path.insert(0, str(TESTS))

from matrix.checks import ASGI_CHECKS, WSGI_CHECKS  # noqa: E402 - they are found by the line above
from matrix.exceptions import absent  # noqa: E402 - after the path is set
from matrix.servers import PAIRS, Pair, serve  # noqa: E402 - after the path is set

PAGE = TESTS.parent / "docs" / "matrix.md"
BEGIN = "<!-- written by tests/matrix/run.py -->\n"
PACKAGES = (
    "fastapi starlette litestar quart django falcon flask pyramid bottle "
    "uvicorn httptools hypercorn granian daphne gunicorn gevent waitress cheroot werkzeug"
)


def outcomes(pair: Pair) -> dict[str, str]:
    """Every check of one pair, with what went wrong; empty where nothing did."""
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder, serve(pair, Path(folder)) as served:
        for check in ASGI_CHECKS if pair.asgi else WSGI_CHECKS:
            if absent(pair, check.name):
                continue
            try:
                check.run(served)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what the row tells
                found[check.name] = repr(error)
            else:
                found[check.name] = ""
    return found


def row(pair: Pair, found: dict[str, str]) -> str:
    """One row of the table: how many checks hold, which do not, and which cannot be asked."""
    checks = ASGI_CHECKS if pair.asgi else WSGI_CHECKS
    failed = [name for name, error in found.items() if error]
    left_out = [f"{check}: {reason}" for check in checks if (reason := absent(pair, check.name))]
    remarks = "; ".join([*(f"**fails: {name}**" for name in failed), *left_out])
    return f"| {pair.framework.name} | {pair.server.name} | {len(found) - len(failed)} of {len(found)} | {remarks} |"


def write(rows: list[str]) -> None:
    """Put the table and the versions into the page, after what is written by hand."""
    by_hand = PAGE.read_text(encoding="utf-8").partition(BEGIN)[0]
    head = ["| framework | server | checks that hold | not asked, and why |", "|---|---|---|---|"]
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES.split())
    PAGE.write_text(
        f"{by_hand}{BEGIN}\n" + "\n".join([*head, *rows, "", f"Run with {versions}."]) + "\n", encoding="utf-8"
    )


def main() -> int:
    """Run every pair, print its row, write the page."""
    rows = []
    failures = 0
    for pair in PAIRS:
        found = outcomes(pair)
        rows.append(row(pair, found))
        print(rows[-1], flush=True)  # noqa: T201 - it reports
        for name, error in found.items():
            if error:
                failures += 1
                print(f"    {name}: {error}", flush=True)  # noqa: T201 - it reports
    write(rows)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
