"""`check` and `diff` beside what reading the policy takes: `python benchmarks/desk.py`.

The goal: a policy of 100 rules by 100 origins is checked, and compared with another, within ten times the time of parsing it.
"""

from __future__ import annotations

import json
from statistics import median
from time import process_time
from typing import TYPE_CHECKING, Any

from r2style_cors import Policy, check, diff

if TYPE_CHECKING:
    from collections.abc import Callable

RULES = ORIGINS = 100
ROUNDS = 5


def rules(origin: Callable[[int, int], str], *, headers: list[str]) -> list[dict[str, Any]]:
    """A policy of RULES rules with ORIGINS origins each."""
    return [
        {
            "AllowedOrigins": [origin(rule, number) for number in range(ORIGINS)],
            "AllowedMethods": ["GET", "PUT", "HEAD"][: 1 + rule % 3],
            "AllowedHeaders": [name.format(rule) for name in headers],
            "MaxAgeSeconds": rule,
        }
        for rule in range(RULES)
    ]


SHAPES: dict[str, list[dict[str, Any]]] = {
    "each rule its own origins": rules("https://app{1}.tenant{0}.example".format, headers=["x-{}"]),
    "each rule the same origins": rules("https://app{1}.example".format, headers=["x-{}", "x-amz-*"]),
    "wildcard hosts": rules("https://*.app{1}.tenant{0}.example".format, headers=["x-{}"]),
    # Patterns of two kinds meet in pairs: as many classes of origins as there are pairs, and each has its witness.
    "100 wildcard hosts of either kind": rules(
        lambda rule, number: f"https://{f't{rule}-*' if number % 20 else f'*.t{rule}'}.example", headers=["x-{}"]
    ),
    # Everything is to be said of every value: no rule can win but the first, and no origin is as it should be.
    "a problem with every origin": rules(lambda _, number: f"http://App{number}.example/", headers=["accept"]),
}


def seconds(work: Callable[[], object]) -> float:
    """How long the processor works at `work`: whatever else the machine does leaves that alone."""
    start = process_time()
    work()
    return process_time() - start


def read(data: str) -> None:
    """Read a policy, good or bad: `check` does that, and more."""
    try:
        Policy.parse(data)
    except ValueError:
        return


def ratios(shape: list[dict[str, Any]]) -> dict[str, float]:
    """How many times as long as parsing each command takes, interleaved with it; a difference is one of good policies."""
    text = json.dumps(shape)
    works: dict[str, Callable[[], object]] = {"parse": lambda: read(text), "check": lambda: check(text)}
    if not any(problem.severity == "error" for problem in check(text)):
        one, other = Policy.parse(text), Policy.parse([*shape[:-1], {**shape[-1], "MaxAgeSeconds": 7200}])
        works["diff"] = lambda: diff(one, other)
    rounds = [{name: seconds(work) for name, work in works.items()} for _ in range(ROUNDS)]
    times = {name: median(one[name] for one in rounds) for name in works}
    return {name: taken / times["parse"] for name, taken in times.items() if name != "parse"}


def main() -> None:
    """Report every shape."""
    print(f"{'times parsing':34} {'check':>6} {'diff':>6}")
    for name, shape in SHAPES.items():
        found = ratios(shape)
        print(f"{name:34}", *(f"{found[one]:6.1f}" if one in found else f"{'':>6}" for one in ("check", "diff")))


if __name__ == "__main__":
    main()
