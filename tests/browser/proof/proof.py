"""Cases run in a browser and in the model, and what they disagree about, shrunk."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, groupby
from typing import TYPE_CHECKING, Any, TypeAlias

from r2style_cors.browser import BROWSERS

from .browsers import driven
from .cases import Json, named
from .compare import foreseen, happened
from .generate import PAGE_HOMES, generated
from .server import served

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from .browsers import Driven
    from .server import Grounds

_AT_A_TIME = 8  # cases, in one page
_BATCH = 100  # cases, for one opening of a page
_SLOW = 4.0  # seconds: a preflight without a max age is kept for five
_TRIES = 3

Part: TypeAlias = tuple[Any, ...]  # to a part of a case: the keys that lead there


@dataclass(frozen=True)
class Disagreement:
    """A case of which the model and the browser say different things."""

    seed: str
    case: Json
    foreseen: Json
    happened: Json

    def __str__(self) -> str:
        """The case as one line of JSON, and the differences."""
        different = [
            f"  {key}\n    foreseen {json.dumps(self.foreseen[key])}\n    happened {json.dumps(self.happened[key])}"
            for key in self.foreseen
            if self.foreseen[key] != self.happened[key]
        ]
        return "\n".join([f"seed {self.seed}: {json.dumps(self.case)}", *different])


@dataclass
class Proof:
    """A browser at work, with the server that it asks."""

    browser: str
    driven: Driven
    grounds: Grounds
    fetches: int = 0
    requests: int = 0
    _names: Iterator[int] = field(default_factory=count)

    def disagreements(self, cases: Sequence[tuple[str, Json]]) -> list[Disagreement]:
        """What the model and the browser disagree about, unshrunk."""
        ordered = sorted(cases, key=lambda each: each[1]["page"])
        found: list[Disagreement] = []
        for page, group in groupby(ordered, key=lambda each: each[1]["page"]):
            of_page = list(group)
            for start in range(0, len(of_page), _BATCH):
                found += self._batch(page, of_page[start : start + _BATCH])
        return found

    def shrunk(self, found: Disagreement) -> Disagreement:
        """A case of which no part can be missing, or it would be agreed about."""
        while spare := self._spare(found.case, [(part,) for part in _parts(found.case, ())]):
            each_alone = [parts[0] for parts in spare]
            halves = [tuple(each_alone[: len(each_alone) >> times]) for times in range(len(each_alone).bit_length())]
            gone = self._spare(found.case, halves)[0]
            found = self.disagreements([(found.seed, _without(found.case, gone))])[0]
        return found

    def _spare(self, case: Json, without: Sequence[tuple[Part, ...]]) -> list[tuple[Part, ...]]:
        """Which of these groups of parts may be missing, and the case is still disagreed about."""
        smaller = [(str(number), _without(case, gone)) for number, gone in enumerate(without)]
        found = self.disagreements([each for each in smaller if _is_case(each[1])])
        return [without[number] for number in sorted(int(each.seed) for each in found)]

    def _batch(self, page: str, cases: list[tuple[str, Json]], tries: int = _TRIES) -> list[Disagreement]:
        names = [f"c{next(self._names)}" for _ in cases]
        for name, (_, case) in zip(names, cases, strict=True):
            self.grounds.serve(name, case)
        asks = [named(case, name)["fetches"] for name, (_, case) in zip(names, cases, strict=True)]
        results = self.driven.run(PAGE_HOMES[page], f"all({json.dumps(asks)}, {_AT_A_TIME})")
        found: list[Disagreement] = []
        slow: list[tuple[str, Json]] = []
        for name, (seed, case), result in zip(names, cases, results, strict=True):
            if result["taken"] > _SLOW and len(case["fetches"]) > 1 and tries:
                slow.append((seed, case))
                continue
            arrived = self.grounds.arrived.pop(name, [])
            self.fetches += len(case["fetches"])
            self.requests += len(arrived)
            model = foreseen(case, name, BROWSERS[self.browser])
            real = happened(case, name, result["results"], arrived)
            if model != real:
                found.append(Disagreement(seed, case, model, real))
        return found + (self._batch(page, slow, tries - 1) if slow else [])


@contextmanager
def proof(browser: str, folder: Path) -> Iterator[Proof]:
    """A browser that is ready to be compared, with a server; `folder` is theirs.

    Raises:
        FileNotFoundError: it is not installed.
    """
    profile = folder / "profile"
    profile.mkdir()
    with served(folder) as (grounds, port), driven(browser, port, profile) as running:
        yield Proof(browser, running, grounds)


def cases_of(seed: int, fetches: int) -> list[tuple[str, Json]]:
    """Cases with their seeds, until they have so many fetches."""
    found: list[tuple[str, Json]] = []
    total = 0
    for number in count():
        if total >= fetches:
            return found
        found.append((f"{seed}:{number}", generated(f"{seed}:{number}")))
        total += len(found[-1][1]["fetches"])
    raise AssertionError


def _without(case: Json, gone: Collection[Part]) -> Json:
    """The case without some of its parts: the last first, so that the places of the others stay what they are."""
    less: Json = json.loads(json.dumps(case))  # no two parts are one object, as they would be in a copy
    outer = {path for path in gone if not any(path[:length] in gone for length in range(1, len(path)))}
    for path in sorted(outer, reverse=True):
        holder: Any = less
        for key in path[:-1]:
            holder = holder[key]
        del holder[path[-1]]
    return less


def _parts(value: Any, path: Part) -> Iterator[Part]:
    """The paths of all items and members, the outer ones first."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield (*path, key)
    for key in keys:
        yield from _parts(value[key], (*path, key))


def _is_case(case: Json) -> bool:
    try:
        foreseen(case, "c", BROWSERS["standard"])
    except (LookupError, TypeError, ValueError):
        return False
    return True
