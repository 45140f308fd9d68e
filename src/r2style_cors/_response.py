"""A decision's headers merged into an application's response (SEMANTICS 5.4 and 5.5), for str and for bytes alike.

The doors take the fast way themselves: a response whose header names are all *ordinary* (not Vary, not one of the six
CORS headers) just gets the decision's pairs appended, and one Vary among them is merged. Names are learned as they are
spelt, so that telling them apart costs a set look-up; everything else comes here.
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


class HeaderEditor:
    """How one door edits its applications' response headers."""

    __slots__ = ("_cors", "_keep", "_merged", "_raw", "_vary", "ordinary", "vary_names")

    def __init__(self, *, raw: bool, keep_app_headers: bool) -> None:
        """`raw` is whether the application speaks bytes (ASGI) or str (WSGI)."""
        self._raw = raw
        self._keep = keep_app_headers
        self._vary = self._of("vary")
        self._cors = frozenset(self._of(name.lower()) for name in CORS_RESPONSE_HEADERS)
        self._merged: dict[tuple[Text, tuple[str, ...]], Text] = {}
        self.ordinary: set[Text] = set()
        self.vary_names: set[Text] = set()

    def with_vary(self, joined: list[Pair], vary: Pair, decision: Decision) -> None:
        """Merge Vary in `joined`, the response's headers and those of `decision`; `vary` is their one special pair."""
        names = decision.answer.vary
        if names:
            joined.pop()  # the decision's own Vary
            joined[joined.index(vary)] = (vary[0], self._merged.get((vary[1], names)) or self._merge([vary[1]], names))

    def edit(self, headers: list[Pair], decision: Decision) -> tuple[list[Pair], bool]:
        """`headers` with those of `decision`, and whether any of the application's own went. Nothing is changed in place."""
        vary, cors = self._sort_out(headers)
        joined = headers + (decision.raw_extra if self._raw else decision.extra)
        names = decision.answer.vary
        if vary and names:
            joined.pop()
            last = headers[vary[-1]]
            joined[vary[-1]] = (last[0], self._merge([headers[at][1] for at in vary], names))
        if not cors or (self._keep and not decision.answer.allowed):
            return joined, False
        return [pair for at, pair in enumerate(joined) if at not in cors], True

    def _sort_out(self, headers: list[Pair]) -> tuple[list[int], list[int]]:
        """Where Vary and the six CORS headers stand. Names are learned on the way, as they are spelt."""
        vary: list[int] = []
        cors: list[int] = []
        for at, pair in enumerate(headers):
            name = pair[0]
            lower = name.lower()
            if lower == self._vary:
                vary.append(at)
                self.vary_names.add(name)  # there are sixteen spellings
            elif lower in self._cors:
                cors.append(at)
            elif len(self.ordinary) < MAX_LEARNED and len(name) <= MAX_NAME:
                self.ordinary.add(name)
        return vary, cors

    def _merge(self, lines: list[Text], names: tuple[str, ...]) -> Text:
        """The last of the Vary `lines` with `names` merged in. What one line becomes is remembered."""
        merged = self._merged_anew(lines, names)
        if len(lines) == 1 and len(self._merged) < MAX_MERGED and len(merged) <= MAX_VALUE:
            self._merged[lines[0], names] = merged
        return merged

    def _merged_anew(self, lines: list[Text], names: tuple[str, ...]) -> Text:
        if not self._raw:
            return merged_vary(lines, names)
        return merged_vary([line.decode("latin-1") for line in lines], names).encode("latin-1")

    def _of(self, name: str) -> Text:
        return name.encode() if self._raw else name
