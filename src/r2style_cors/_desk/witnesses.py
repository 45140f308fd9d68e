"""Texts that stand for all others: one for every combination of patterns that some text matches. For the desk.

Laws of this room:
- a pattern is a prefix, a `*` and a suffix; the texts that match it begin with the one, end with the other, and are at
  least as long as both together;
- every combination of patterns that a text can match, and that is no exact text, has a witness; nothing is sampled;
- a witness too many is harmless: whoever asks for witnesses decides each of them again.

Why that is exact. Take any text, the longest prefix P and the longest suffix S of the patterns that it matches. If the text
is shorter than P and S together, it is one of the few texts in which they overlap, and those are all listed. Else it
matches the same patterns as P, any middle, S, unless the middle completes a longer prefix or suffix. A middle that leaves
them all behind exists unless the longer ones use up every character; then the text is itself the beginning of one of
them, and those are listed too.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import chain, islice, product, takewhile
from typing import TYPE_CHECKING

from .._origins import Wildcards

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence


def witnesses(
    patterns: Iterable[str], exact: Collection[str], alphabet: str, room: int, likely: Sequence[str] = ()
) -> Iterator[str]:
    """Texts of 1 to `room` characters, at least one for every combination of `patterns` that some text matches.

    Args:
        patterns: with one `*` each, which stands for any number of characters of `alphabet`.
        exact: texts that need no witness, being witnesses themselves.
        alphabet: the characters of all texts, the most readable first.
        room: how long a text may be.
        likely: middles to try first, since people read the witnesses.
    """
    usable = [one for one in dict.fromkeys(patterns) if len(one) <= room + 1 and not one.strip(alphabet + "*")]
    space = _Space([(one.partition("*")[0], one.partition("*")[2]) for one in usable], alphabet)
    index = Wildcards(usable, None)
    for prefix, suffix in space.pairs():
        ways = space.ways_out(prefix, suffix)
        if ways is not None:
            wanted = set(index.matching(prefix + ways[0] + ways[1] + suffix))
            middles = chain(likely, _middles(ways, alphabet, room - len(prefix + suffix)))
            texts = (prefix + middle + suffix for middle in middles)
            fitting = (text for text in texts if 0 < len(text) <= room and text not in exact)
            yield from islice((text for text in fitting if set(index.matching(text)) == wanted), 1)
        overlaps = (prefix + suffix[size:] for size in range(1, len(suffix) + 1) if prefix.endswith(suffix[:size]))
        yield from (text for text in overlaps if len(text) <= room)
    yield from space.beginnings()


def _middles(ways: tuple[str, str], alphabet: str, room: int) -> Iterator[str]:
    """Middles that leave all longer prefixes and suffixes behind; then, where room is short, all that there are."""
    yield from (ways[0] + word + ways[1] for word in _words(alphabet, room - len(ways[0] + ways[1])))
    yield from _words(alphabet, room)


def _words(alphabet: str, longest: int) -> Iterator[str]:
    """All words, the shorter ones first."""
    return chain.from_iterable(map("".join, product(alphabet, repeat=length)) for length in range(longest + 1))


class _Space:
    """How the prefixes and the suffixes of patterns lie to each other."""

    def __init__(self, split: list[tuple[str, str]], alphabet: str) -> None:
        self._split = split
        self._prefixes = _Edge((prefix for prefix, _ in split), alphabet)
        self._suffixes = _Edge((suffix[::-1] for _, suffix in split), alphabet)

    @property
    def _open(self) -> bool:
        """Whether every prefix and every suffix can be left behind, which only dozens of crafted patterns prevent."""
        return self._prefixes.open and self._suffixes.open

    def pairs(self) -> Iterable[tuple[str, str]]:
        """The pairs of a longest prefix and a longest suffix that a text's patterns can have, and perhaps others."""
        if not self._open:
            return product(self._prefixes.texts, (suffix[::-1] for suffix in self._suffixes.texts))
        return dict.fromkeys(chain([("", "")], self._nested()))

    def _nested(self) -> Iterator[tuple[str, str]]:
        """Prefix of one pattern, suffix of another, where both patterns begin and end like the pair."""
        by_suffix: dict[str, list[str]] = {}
        for prefix, suffix in sorted(self._split):
            by_suffix.setdefault(suffix, []).append(prefix)
        for shorter, suffix in self._split:
            for start in range(len(suffix) + 1):
                prefixes = by_suffix.get(suffix[start:], [])
                begun = islice(prefixes, bisect_left(prefixes, shorter), None)
                yield from ((prefix, suffix) for prefix in takewhile(lambda one: one.startswith(shorter), begun))  # noqa: B023 - used at once

    def ways_out(self, prefix: str, suffix: str) -> tuple[str, str] | None:
        """What to put after `prefix` and before `suffix` to leave all longer ones behind, if that can be done."""
        after, before = self._prefixes.way_out(prefix), self._suffixes.way_out(suffix[::-1])
        return None if after is None or before is None else (after, before[::-1])

    def beginnings(self) -> Iterator[str]:
        """What could be left behind by no way out: the beginnings of prefixes, the ends of suffixes."""
        if not self._open:
            yield from filter(None, self._prefixes.inner)
            yield from (end[::-1] for end in self._suffixes.inner if end)


class _Edge:
    """The beginnings of texts, and how to leave them behind."""

    def __init__(self, texts: Iterable[str], alphabet: str) -> None:
        self.texts = dict.fromkeys(chain([""], texts))
        self.inner = {text[:end] for text in self.texts for end in range(len(text))}
        self._alphabet = alphabet
        self._ways: dict[str, str | None] = {}
        self.open = all(self.way_out(text) is not None for text in self.texts)

    def way_out(self, text: str) -> str | None:
        """The shortest word after `text` that rules out every longer text; None where each ends in one."""
        if text not in self._ways:
            self._ways[text] = self._find_way_out(text)
        return self._ways[text]

    def _find_way_out(self, text: str) -> str | None:
        if text not in self.inner:
            return ""
        words = [""]
        while words:
            longer = [
                word + letter for word in words for letter in self._alphabet if text + word + letter not in self.texts
            ]
            for word in longer:
                if text + word not in self.inner:
                    return word
            words = longer
        return None
