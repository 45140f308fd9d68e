"""Main fetch, HTTP fetch, HTTP-redirect fetch and CORS-preflight fetch (Fetch, sections 4.1, 4.4, 4.5 and 4.8).

Nothing is sent here. Whoever drives a walk takes what it wants sent and gives it what came back: `simulate` from
applications in this process, `probe` from servers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from .cache import entries_of
from .exchange import Step, actual_steps, is_redirect, preflight_steps, sent_lines
from .redirects import redirected
from .url import origin_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from .cache import PreflightCache
    from .exchange import Kind, PageRequest
    from .safelist import Lines


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request that was sent, what came back, and what a browser makes of it.

    Attributes:
        kind: `preflight`, or `actual` for the request itself.
        method: the method that was sent: OPTIONS for a preflight.
        url: where to.
        why: why a browser asks first; empty for an actual request.
        request_headers: the headers that were sent for the page's sake.
        status: the status of the response; 0 where none came.
        reason: its reason phrase, which may be empty.
        response_headers: all its header lines, in their order.
        steps: the steps of the Fetch standard up to the first that failed.

    """

    kind: Kind
    method: str
    url: str
    why: tuple[str, ...]
    request_headers: Lines
    status: int
    reason: str
    response_headers: Lines
    steps: tuple[Step, ...]

    @property
    def passed(self) -> bool:
        """Whether every step passed."""
        return all(step.passed for step in self.steps)


class Sending(NamedTuple):
    """What is to be sent."""

    kind: Kind
    request: PageRequest
    method: str
    headers: Lines


class Received(NamedTuple):
    """What came back."""

    status: int
    headers: Lines
    reason: str = ""


_GRANTS = ("allow-methods", "authorization", "allow-headers")  # what a preflight may pass all but
_CACHED = Step("4.9", "preflight-cache", passed=True, sentence="an earlier preflight allows it: none is sent")


class Walk:
    """One fetch, hop by hop.

    Attributes:
        request: the request as it stands.
        exchanges: what was sent and what came back.

    """

    def __init__(
        self, request: PageRequest, *, cache: PreflightCache | None = None, now: float = 0.0, cap: int | None = None
    ) -> None:
        self.request = request
        self.exchanges: list[Exchange] = []
        self._cache = None if cache is None else entries_of(cache)
        self._now = now
        self._cap = cap
        self._asked_first = False

    def sendings(self) -> Generator[Sending, Received | None, Step | None]:
        """What is to be sent, in turn; None is sent back where nothing answers. Gives the step that failed, if any."""
        if self._cache is not None:
            self._cache.begin(self.request)
        while True:
            failed = _refused(self.request) or (yield from self._http_fetch())
            if failed is not None:
                self._forget(failed)
                return failed
            last = self.exchanges[-1]
            if self.request.redirect != "follow" or not is_redirect(
                last.status, last.response_headers, self.request.quirks
            ):
                return None
            self.request = redirected(self.request, last.status, last.response_headers)

    def _http_fetch(self) -> Generator[Sending, Received | None, Step | None]:
        """One hop (section 4.4): the preflight where there has to be one, and the request itself."""
        why = self.request.asks_first
        before: tuple[Step, ...] = ()
        if why:
            self._asked_first = True
            if self._cached():
                before = (_CACHED,)
            else:
                preflight = yield from self._exchange("preflight", why, ())
                self._keep(preflight)
                if not preflight.passed:
                    return preflight.steps[-1]
        if self.request.stopped:
            return Step("4.5", "redirect-location", passed=False, sentence=self.request.stopped)
        actual = yield from self._exchange("actual", (), before)
        return None if actual.passed else actual.steps[-1]

    def _cached(self) -> bool:
        kept = self._cache is not None and self._cache.allows(self.request, self._now)
        return kept and not self.request.asks_again

    def _forget(self, failed: Step) -> None:
        """What failed after it had needed a preflight is asked about anew (section 4.1)."""
        quirks = self.request.quirks
        keeps = {"failure-keeps-cache", "refused-preflight-kept"} & quirks
        by_mode = failed.check == "redirect-mode" and "error-mode-keeps-cache" in quirks
        if self._cache is not None and self._asked_first and not keeps and not by_mode:
            self._cache.clear(self.request)

    def _keep(self, preflight: Exchange) -> None:
        refused = preflight.steps[-1].check in _GRANTS and "refused-preflight-kept" in self.request.quirks
        if self._cache is not None and (preflight.passed or refused):
            self._cache.store(self.request, preflight.response_headers, self._now, self._cap)

    def _exchange(
        self, kind: Kind, why: tuple[str, ...], before: tuple[Step, ...]
    ) -> Generator[Sending, Received | None, Exchange]:
        request = self.request
        method, lines = sent_lines(request, kind)
        received = yield Sending(kind, request, method, lines)
        status, headers, reason = received or Received(0, ())
        check = preflight_steps if kind == "preflight" else actual_steps
        steps = (*before, *check(request, status, headers)) if received else (_no_answer(request),)
        exchange = Exchange(kind, method, request.url, why, lines, status, reason, headers, steps)
        self.exchanges.append(exchange)
        return exchange


def _refused(request: PageRequest) -> Step | None:
    """What the mode forbids before anything is sent (section 4.1)."""
    let = request.body == "stream" and "stream-leaves-same-origin" in request.quirks
    if request.cross_origin and request.mode == "same-origin" and not let:
        sentence = f"the mode is same-origin, and {origin_of(request.url)} is another origin"
        return Step("4.1", "same-origin-mode", passed=False, sentence=sentence)
    if request.tainting == "opaque" and request.redirect != "follow":
        sentence = f"the mode is no-cors, and the redirect mode is {request.redirect}"
        return Step("4.1", "no-cors-redirect", passed=False, sentence=sentence)
    return None


def _no_answer(request: PageRequest) -> Step:
    return Step("4.7", "network", passed=False, sentence=f"nothing answers at {origin_of(request.url)}")
