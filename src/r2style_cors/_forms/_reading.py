"""What a form hands on: the rules in the model's names, with the places where their values stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._rules import HOLE, LISTS, REQUIRED
from ._keys import field_path, rule_path
from ._tree import PARSED, Report, Spot

if TYPE_CHECKING:
    from .._rules import Location
    from ._tree import Node


@dataclass(slots=True)
class Draft:
    """One rule as it was written.

    Attributes:
        path: of the rule.
        spot: of the rule.
        values: plain values by field; HOLE where nothing can be said.
        spots: where the fields and their entries stand.
        homes: by field, the path and the place of the object that misses it.

    """

    path: str
    spot: Spot
    values: dict[str, Any] = field(default_factory=dict)
    spots: dict[Location, Spot] = field(default_factory=dict)
    homes: dict[str, tuple[str, Spot]] = field(default_factory=dict)

    def spot_of(self, at: Location) -> Spot:
        """Find the place of a field or an entry."""
        return self.spots.get(at, self.spot)

    def home_of(self, name: str) -> tuple[str, Spot]:
        """Find the object in which a field is missing: its path and its place."""
        return self.homes.get(name, (self.path, self.spot))

    def put(self, name: str, node: Node, value: object) -> None:
        """Keep the value of a field, and the places of its entries."""
        self.values[name] = value
        self.spots[(name,)] = node.spot
        if isinstance(node.value, list):
            self.spots.update({(name, index): item.spot for index, item in enumerate(node.value)})

    def forgive(self) -> None:
        """Say nothing of what is missing, where broken syntax may have hidden it."""
        for name in REQUIRED:
            self.values.setdefault(name, HOLE)


@dataclass(slots=True)
class Reading:
    """One document as it was read.

    Attributes:
        form: the recognised form, or None.
        prefix: the path of what the rules are wrapped in, such as `result.`.
        report: the problems of reading.
        drafts: the rules; None where there are none to judge.
        spot: where the list of rules stands.
        path: the path of the list of rules.
        size: the size of the document in bytes.

    """

    form: str | None
    report: Report
    prefix: str = ""
    drafts: list[Draft] | None = None
    spot: Spot = PARSED
    path: str = ""
    size: int = 0


def reading_of(rules: list[dict[str, Any]]) -> Reading:
    """Make a reading of rules that nobody wrote down, in the model's names."""
    drafts = [Draft(rule_path("dashboard", "", index), PARSED, values) for index, values in enumerate(rules)]
    size = sum(len(str(values)) for values in rules)
    return Reading("dashboard", Report(), drafts=drafts, size=size)


def path_of(form: str, draft: Draft, at: Location) -> str:
    """Write the full path of a field or an entry of a rule."""
    return draft.path + field_path(form, at)


def is_list_field(name: str) -> bool:
    """Whether a field holds a list."""
    return name in LISTS
