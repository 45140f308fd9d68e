"""The simulation: a fetch of a page, driven to its end against servers in this process."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from .browsers import STANDARD
from .console import Failure, messages
from .exchange import REDIRECT_STATUSES, PageRequest, Step, visible_lines
from .inprocess import Request
from .page import new_request
from .servers import answering
from .url import normal_url, without_user
from .walk import Exchange, Walk

if TYPE_CHECKING:
    from .browsers import Browser
    from .cache import PreflightCache
    from .page import Fetch
    from .safelist import Lines
    from .servers import Ask, Server
    from .walk import Sending

Outcome: TypeAlias = Literal["readable", "opaque", "blocked"]
ResponseType: TypeAlias = Literal["basic", "cors", "opaque", "opaqueredirect", "error"]


@dataclass(frozen=True, slots=True)
class Simulation:
    """What came of a fetch.

    Attributes:
        fetch: what the page asked for.
        browser: the name of the browser that was simulated.
        outcome: `readable`; `opaque` where the page gets a response and cannot read it; `blocked` where it gets none.
        type: the response's type, as `Response.type` has it; `error` where there is none.
        url: the last URL that was asked.
        status: the status that the page sees; 0 where it sees none.
        headers: the response headers that the page can read: lower-cased, sorted, lines of one name joined.
        exchanges: the requests on the wire, in their order, with their responses and the steps over them.
        blocked_by: the step that failed, or None.
        console: the message that a developer would look for, as pairs of a browser's name and its words.
    """

    fetch: Fetch
    browser: str
    outcome: Outcome
    type: ResponseType
    url: str
    status: int
    headers: Lines
    exchanges: tuple[Exchange, ...]
    blocked_by: Step | None
    console: tuple[tuple[str, str], ...]

    @property
    def preflights(self) -> tuple[Exchange, ...]:
        """The preflights among the exchanges."""
        return tuple(each for each in self.exchanges if each.kind == "preflight")

    @property
    def message(self) -> str | None:
        """What the console of the simulated browser says, Chromium's by default; None where nothing is known."""
        return dict(self.console).get("chromium" if self.browser == STANDARD.name else self.browser)

    def as_json(self) -> dict[str, Any]:
        """All of it as what JSON knows: the attributes, `console` by browser, and the fetch without its content."""
        found = asdict(self)
        del found["fetch"]["content"]
        return {**found, "console": dict(self.console)}


def simulate(
    server: Server,
    fetch: Fetch,
    *,
    browser: Browser = STANDARD,
    cache: PreflightCache | None = None,
    now: float = 0.0,
) -> Simulation:
    """Say what a browser does with `fetch`, step by step of the Fetch standard, without a network.

    Args:
        server: an `Engine` or a `Policy`, whose application answers 200; a `Site`, which describes what it answers; an
            ASGI or WSGI application, which is called in this process; or a mapping of origins to these, others being
            out of reach. Anything but a mapping answers for every origin. An application that raises answers a bare 500.
        fetch: what the page asks for.
        browser: `STANDARD`, or one that is simulated as it is: `CHROMIUM`, `FIREFOX` or `WEBKIT`, each with the time for which
            it keeps a preflight's answer, and with its departures: the places where it was seen to send, to ask or to let
            read something else than the standard says. `QUIRKS` says what each is, and `Browser.quirks` whose.
        cache: what earlier preflights allow; without one, every preflight is sent.
        now: the time in seconds, by whatever clock the simulations that share a cache are told.

    Raises:
        TypeError: `server` is nothing of the kind.
        PolicyError: its policy cannot be enforced. A ValueError.
    """
    ask = answering(server)
    request = new_request(fetch, browser.quirks)
    if isinstance(request, Step):
        asked = PageRequest(normal_url(fetch.url), fetch.page, fetch.method, (), credentials=False, cross_origin=False)
        return _blocked(Failure(fetch, asked, None, request), browser, ())
    walk = Walk(request, cache=cache, now=now, cap=browser.max_age_cap)
    failed = _drive(walk, ask, fetch)
    if failed is None:
        return _response(walk, fetch, browser)
    judged = walk.exchanges[-1] if walk.exchanges and failed in walk.exchanges[-1].steps else None
    return _blocked(Failure(fetch, walk.request, judged, failed), browser, tuple(walk.exchanges))


def _drive(walk: Walk, ask: Ask, fetch: Fetch) -> Step | None:
    """Have everything answered; the step that failed, if any."""
    sendings = walk.sendings()
    try:
        sending = next(sendings)
        while True:
            sending = sendings.send(ask(_wire(sending, fetch)))
    except StopIteration as end:
        failed: Step | None = end.value
        return failed


def _wire(sending: Sending, fetch: Fetch) -> Request:
    """The request as an application sees it. A method that lost its body on the way is GET (section 4.5)."""
    has_body = sending.kind == "actual" and sending.method not in ("GET", "HEAD")
    return Request(
        sending.method, without_user(sending.request.url), sending.headers, fetch.content if has_body else b""
    )


def _response(walk: Walk, fetch: Fetch, browser: Browser) -> Simulation:
    """The filtered response (section 2.2.6)."""
    request, last = walk.request, walk.exchanges[-1]
    kind: ResponseType = request.tainting
    if request.redirect == "manual" and last.status in REDIRECT_STATUSES:
        kind = "opaqueredirect"
    readable = kind in ("basic", "cors")
    return Simulation(
        fetch,
        browser.name,
        "readable" if readable else "opaque",
        kind,
        request.url,
        last.status if readable else 0,
        () if kind == "opaqueredirect" else visible_lines(request, last.response_headers),
        tuple(walk.exchanges),
        None,
        (),
    )


def _blocked(failure: Failure, browser: Browser, exchanges: tuple[Exchange, ...]) -> Simulation:
    return Simulation(
        failure.fetch,
        browser.name,
        "blocked",
        "error",
        failure.request.url,
        0,
        (),
        exchanges,
        failure.step,
        messages(failure),
    )
