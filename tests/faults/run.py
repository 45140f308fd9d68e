"""Run the faults at full length and write docs/faults.md: `python tests/faults/run.py`. Exit status 1 where one is not met."""

from __future__ import annotations

import sys
import tempfile
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

TESTS = Path(__file__).parent.parent
sys.path.insert(0, str(TESTS))

from faults.scenes import CHANGE_EVERY, Scene, every, scene  # noqa: E402 - they are found by the line above

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

PAGE = TESTS.parent / "docs" / "faults.md"
BEGIN = "<!-- written by tests/faults/run.py -->\n"
MEBIBYTE = 1 << 20
MOST_GROWTH = 2 * MEBIBYTE
RESTART_EVERY = 1.0  # seconds
KILL_EVERY = 3.0
BARE = "uvicorn, 2 workers, no policy"


@dataclass(frozen=True)
class Trial:
    """A server, what is done to its workers, and how many requests it gets.

    Attributes:
        warm_up: how many requests it gets before its memory is first read.
        own_losses: how many requests the server may lose whatever application it runs.
    """

    server: str
    fault: str
    requests: int
    warm_up: int = 0
    own_losses: int = 0

    def workers(self, stage: Scene) -> AbstractContextManager[None]:
        """What is done to the workers meanwhile."""
        if self.fault == "restarts":
            return every(RESTART_EVERY, stage.restart)
        return every(KILL_EVERY, stage.kill) if self.fault == "kills" else nullcontext()


GUNICORNS = ("gunicorn sync", "gunicorn gthread")
TRIALS = [
    *(Trial(server, "", 100_000, warm_up=20_000) for server in ("uvicorn", *GUNICORNS)),
    *(Trial(server, "restarts", 20_000) for server in GUNICORNS),
    *(Trial(server, "restarts", 20_000, own_losses=20) for server in ("uvicorn, 2 workers", BARE)),
    *(Trial(server, "kills", 20_000) for server in ("uvicorn, 2 workers", *GUNICORNS)),
]


@dataclass(frozen=True)
class Outcome:
    """What came of a trial; `growth` is that of the worker that grew most, in bytes."""

    trial: Trial
    stage: Scene
    growth: int | None

    @property
    def borne(self) -> bool:
        """Whether nothing was lost or mixed up, both policies answered, and the memory is flat."""
        tally = self.stage.load.tally
        return (
            len(self.stage.lost()) <= self.trial.own_losses
            and (self.growth is None or self.growth < MOST_GROWTH)
            and (self.trial.server == BARE or (not tally.mixtures and set(tally.answers) == {"old", "new"}))
        )


def tried(trial: Trial) -> Outcome:
    """The outcome of one trial."""
    with (
        tempfile.TemporaryDirectory() as folder,
        scene(trial.server, Path(folder), closing=trial.fault == "restarts") as stage,
        every(CHANGE_EVERY, stage.change),
        trial.workers(stage),
    ):
        stage.load.send(trial.warm_up)
        before = stage.memory()
        stage.load.send(trial.requests)
        after = stage.memory()
    growth = [after[worker] - before[worker] for worker in before if worker in after]
    return Outcome(trial, stage, max(growth, default=None))


def row(outcome: Outcome) -> str:
    """One row of the table."""
    trial, stage, tally = outcome.trial, outcome.stage, outcome.stage.load.tally
    policies = trial.server != BARE
    done = {"restarts": f"{stage.restarts} restarts", "kills": f"{len(stage.kills)} kills"}.get(trial.fault, "")
    lost = len(stage.lost())
    cells = [
        trial.server,
        done,
        f"{len(tally.answers) + len(tally.mixtures) + len(tally.failures):,}",
        f"{stage.changes:,}",
        f"{tally.answers.count('old'):,} / {tally.answers.count('new'):,}" if policies else "",
        f"{len(tally.mixtures):,}" if policies else "",
        f"{lost:,}",
        f"{len(tally.failures) - lost:,}" if stage.kills else "",
        "" if outcome.growth is None else f"{outcome.growth / MEBIBYTE:.2f} MiB",
    ]
    return f"| {' | '.join(cells)} |"


def write(rows: list[str]) -> None:
    """Put the table and the versions into the page, after what is written by hand."""
    by_hand = PAGE.read_text(encoding="utf-8").partition(BEGIN)[0]
    titles = (
        "server",
        "its workers",
        "requests",
        "changes of the file",
        "old / new",
        "neither",
        "failed",
        "held",
        "growth",
    )
    head = [f"| {' | '.join(titles)} |", "|---|---" + "|--:" * 7 + "|"]
    versions = ", ".join(f"{name} {version(name)}" for name in ("uvicorn", "gunicorn"))
    PAGE.write_text(
        f"{by_hand}{BEGIN}\n" + "\n".join([*head, *rows, "", f"Run with {versions}."]) + "\n", encoding="utf-8"
    )


def main() -> int:
    """Run every trial, print its row, write the page."""
    rows, borne = [], True
    for trial in TRIALS:
        outcome = tried(trial)
        borne = borne and outcome.borne
        rows.append(row(outcome))
        print(rows[-1], flush=True)  # noqa: T201 - it reports
        if not outcome.borne:
            print(*outcome.stage.lost()[:3], *outcome.stage.load.tally.mixtures[:3], sep="\n", flush=True)  # noqa: T201 - it reports
    write(rows)
    return 0 if borne else 1


if __name__ == "__main__":
    sys.exit(main())
