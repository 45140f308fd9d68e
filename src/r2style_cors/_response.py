"""A decision's headers merged into an application's response (SEMANTICS 5.4 and 5.5), for str and for bytes alike.

The doors take the fast way themselves: a response whose header names are all *ordinary* (not Vary, not one of the six
CORS headers) just gets the decision's pairs appended. Names are learned as they are spelt, so that telling an ordinary
one costs a set look-up; everything else comes here.
"""

from __future__ import annotations

from ._fetch import CORS_RESPONSE_HEADERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from ._decision import Decision

    # str for WSGI, bytes for ASGI; an application's pairs may be tuples or lists.
    Text: TypeAlias = Any
    Pair: TypeAlias = tuple[Text, Text]

MAX_LEARNED = 512  # ordinary names that a door remembers
MAX_NAME = 64  # bytes of a name worth remembering
MAX_MERGED = 64  # values of Vary that a door remembers
MAX_VALUE = 256  # characters of one worth remembering


def merged_vary(lines: list[str], names: tuple[str, ...]) -> str:
    """The last of a response's Vary lines, with those of `names` added that no line has.

    What is there keeps its place and its spelling. `*` says more than any name could and is left alone (RFC 9110,
    section 12.5.5).
    """
    there = {item.strip(" \t").lower() for line in lines for item in line.split(",")}
    missing = [name for name in names if name.lower() not in there]
    if "*" in there or not missing:
        return lines[-1]
    last = lines[-1].rstrip(" \t,")
    return ", ".join([last, *missing] if last else missing)


class Response:
    """How one door edits its applications' response headers."""

    __slots__ = ("_cors", "_keep", "_merged", "_raw", "_vary", "ordinary")

    def __init__(self, *, raw: bool, keep_app_headers: bool) -> None:
        """`raw` is whether the application speaks bytes (ASGI) or str (WSGI)."""
        self._raw = raw
        self._keep = keep_app_headers
        self._vary = self._of("vary")
        self._cors = frozenset(self._of(name.lower()) for name in CORS_RESPONSE_HEADERS)
        self._merged: dict[tuple[Text, tuple[str, ...]], Text] = {}
        self.ordinary: set[Text] = set()

    def edit(self, headers: list[Pair], decision: Decision) -> tuple[list[Pair], bool]:
        """`headers` with those of `decision`, and whether any of the application's own went. Nothing is changed in place."""
        vary: list[int] = []
        cors: list[int] = []
        ordinary = self.ordinary
        at = 0
        for pair in headers:
            if pair[0] not in ordinary:
                self._sort_out(pair[0], at, vary, cors)
            at += 1  # noqa: SIM113 - enumerate makes a tuple for each header
        joined = headers + (decision.raw_extra if self._raw else decision.extra)
        if vary and decision.answer.vary:
            joined.pop()
            joined[vary[-1]] = self._merge(headers, vary, decision.answer.vary)
        if not cors or (self._keep and not decision.answer.allowed):
            return joined, False
        return [pair for at, pair in enumerate(joined) if at not in cors], True

    def _sort_out(self, name: Text, at: int, vary: list[int], cors: list[int]) -> None:
        """Note where Vary and the six CORS headers stand, and learn other names as they are spelt."""
        lower = name.lower()
        if lower == self._vary:
            vary.append(at)
        elif lower in self._cors:
            cors.append(at)
        elif len(self.ordinary) < MAX_LEARNED and len(name) <= MAX_NAME:
            self.ordinary.add(name)

    def _merge(self, headers: list[Pair], vary: list[int], names: tuple[str, ...]) -> Pair:
        """The last of the Vary lines that stand at `vary`, with `names` merged in, having seen them all."""
        last = headers[vary[-1]]
        if len(vary) > 1:
            merged = self._merged_anew([headers[at][1] for at in vary], names)
        else:
            known = self._merged.get((last[1], names))
            merged = self._merged_anew([last[1]], names) if known is None else known
            if known is None and len(self._merged) < MAX_MERGED and len(merged) <= MAX_VALUE:
                self._merged[last[1], names] = merged
        return (last[0], merged)

    def _merged_anew(self, lines: list[Text], names: tuple[str, ...]) -> Text:
        if not self._raw:
            return merged_vary(lines, names)
        return merged_vary([line.decode("latin-1") for line in lines], names).encode("latin-1")

    def _of(self, name: str) -> Text:
        return name.encode() if self._raw else name
