"""Fair timing: interleaved batches in shuffled order, medians, and ratios with their spread."""

from __future__ import annotations

import gc
import importlib.util
import random
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Batch = Callable[[int], int]  # runs so many requests; returns nanoseconds

BATCH_NANOSECONDS = 300_000  # long enough for the clock, short enough that a neighbour's burst spoils few batches
MOST_PER_BATCH = 64
WARM_UP_BATCHES = 30
FEWEST_ROUNDS = 15


@dataclass(frozen=True)
class Ratio:
    """The ratio of two medians, and half the inter-quartile range of the ratio of single rounds."""

    value: float
    spread: float = 0.0

    def __str__(self) -> str:
        return f"{short(self.value)} ± {short(self.spread)}" if self.spread >= 0.005 else short(self.value)


def short(value: float) -> str:
    """A ratio as one reads it: three digits, no more."""
    if value < 10:
        return f"{value:.2f}"
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def copy_of(name: str) -> Any:
    """A second copy of a module of this folder, with code objects of its own (see `apps`)."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def batch_size(batch: Batch) -> int:
    """How many requests make a batch of the wanted length; warms the code up on the way."""
    one = min(batch(1) for _ in range(5))
    size = max(1, min(MOST_PER_BATCH, BATCH_NANOSECONDS // max(one, 1)))
    if one < BATCH_NANOSECONDS:
        for _ in range(WARM_UP_BATCHES):
            batch(size)
    return size


def interleave(batches: Mapping[str, Batch], seconds: float) -> dict[str, list[float]]:
    """Nanoseconds per request of each batch, one figure a round, for about `seconds`.

    Each round runs all batches, in an order shuffled anew so that nobody always follows the same neighbour. Each batch
    runs twice, and the first is not counted: it brings its own code and data back into the processor's caches.
    """
    sizes = {name: batch_size(batch) for name, batch in batches.items()}
    rounds: dict[str, list[float]] = {name: [] for name in batches}
    order, shuffle = list(batches), random.Random(1).shuffle
    gc.collect()
    gc.freeze()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline or len(rounds[order[0]]) < FEWEST_ROUNDS:
        shuffle(order)
        for name in order:
            batches[name](sizes[name])
            rounds[name].append(batches[name](sizes[name]) / sizes[name])
    gc.unfreeze()
    return rounds


def ratio(above: Sequence[float], below: Sequence[float]) -> Ratio:
    """How many times `below` the figures `above` are; both of one interleaved run."""
    singles = sorted(a / b for a, b in zip(above, below, strict=True))
    quarter = len(singles) // 4
    spread = (singles[-1 - quarter] - singles[quarter]) / 2
    return Ratio(statistics.median(above) / statistics.median(below), spread)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
