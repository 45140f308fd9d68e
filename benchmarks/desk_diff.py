"""`diff` beside what reading the two policies takes: `python benchmarks/desk_diff.py`.

The goal is a difference of two policies of 100 rules by 100 origins within ten times the time of parsing one of them.
"""

from __future__ import annotations

import json
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from r2style_cors import Policy, diff

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
}


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    start = perf_counter()
    work()
    return perf_counter() - start


def ratio(shape: list[dict[str, Any]]) -> float:
    """How many times as long a difference takes as parsing does; the policies differ in their last rule."""
    text = json.dumps(shape)
    one, other = Policy.parse(text), Policy.parse([*shape[:-1], {**shape[-1], "MaxAgeSeconds": 7200}])
    pairs = [(seconds(lambda: diff(one, other)), seconds(lambda: Policy.parse(text))) for _ in range(ROUNDS)]
    return median(difference for difference, _ in pairs) / median(parsing for _, parsing in pairs)


def main() -> None:
    """Report every shape."""
    for name, shape in SHAPES.items():
        print(f"{name:32} {ratio(shape):6.1f} times parsing")


if __name__ == "__main__":
    main()
