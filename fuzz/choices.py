"""Bytes read as choices, so that whatever the fuzzer writes is some test, and one byte more or less is a similar one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


class Choices:
    """What `data` chooses, one byte after the other; when there are no more, the first of everything."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def below(self, limit: int) -> int:
        """A number from 0 on, below `limit`, which is 256 at most."""
        self._at += 1
        return self._data[self._at - 1] % limit if self._at <= len(self._data) else 0

    def flag(self) -> bool:
        """False or True."""
        return self.below(2) == 1

    def seldom(self) -> bool:
        """True for one byte in eight."""
        return self.below(8) == 7  # noqa: PLR2004 - the last of the eight

    def one(self, values: Sequence[T]) -> T:
        """One of `values`."""
        return values[self.below(len(values))]

    def several(self, make: Callable[[], T], most: int, least: int = 0) -> list[T]:
        """From `least` to `most` of what `make` gives."""
        return [make() for _ in range(least + self.below(most - least + 1))]

    def raw(self, most: int = 24) -> bytes:
        """Any bytes, `most` at most."""
        length = self.below(most + 1)
        self._at += length
        return self._data[self._at - length : self._at]

    def text(self, most: int = 24) -> str:
        """The same as a server hands it out (PEP 3333)."""
        return self.raw(most).decode("latin-1")

    def nearly(self, value: str) -> str:
        """`value`, or now and then something else in the middle of it."""
        if not self.seldom():
            return value
        at = self.below(len(value) + 1)
        return value[:at] + self.text(3) + value[at + self.below(2) :]

    def rest(self) -> bytes:
        """All that is left."""
        self._at, start = len(self._data), self._at
        return self._data[start:]
