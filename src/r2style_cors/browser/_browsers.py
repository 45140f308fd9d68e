"""Browsers as data: how long they keep a preflight's answer, and where they do not follow the standard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._browser import Quirk

# What each difference is, and what shows it. Chromium's were seen in Chromium 156.
QUIRKS: Final[Mapping[Quirk, str]] = {
    "star-covers-authorization": (
        "`Access-Control-Allow-Headers: *` allows Authorization too, against section 4.8, step 7.6. "
        "Seen: a GET with Authorization passed its preflight by `*`."
    ),
    "lines-joined": (
        "Header lines that a page appends to one name are joined before they are judged, against section 2.2.2, which "
        "judges each line. Seen: two lines of Accept with 100 bytes each had a preflight."
    ),
    "listener-needs-body": (
        "Listening to an XMLHttpRequest's upload makes a preflight only if there is a body (XMLHttpRequest, section "
        "3.5.6, makes one in any case). Seen: a GET with a listener had none."
    ),
    "forced-method-listed": (
        "A forced preflight has to list its method too, against section 4.8, step 7.4. Seen: a PUT with an upload "
        "listener failed without Access-Control-Allow-Methods."
    ),
    "no-user-in-redirect": (
        "A redirect to a URL with a user or a password is never followed, against section 4.5, which allows it within the "
        "page's own origin and in the mode no-cors. Seen: both failed."
    ),
    "error-mode-needs-location": (
        "The redirect mode `error` stops only at redirects that have a Location, against section 4.4. Seen: a 302 without "
        "Location was readable."
    ),
    "negative-max-age": (
        "A negative Access-Control-Max-Age is 0, against section 4.8, step 7.9, by which it is 5. Seen: the second PUT "
        "after `-1` had a preflight again."
    ),
    "no-cors-redirect-from-null": (
        "In the mode no-cors, any redirect to another origin makes Origin `null`, against section 2.2.5, by which one from "
        "the page's own origin keeps it. Seen: a POST that the page's origin redirected by 307 said `null`."
    ),
}


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser, as far as it matters here.

    Attributes:
        name: its name.
        max_age_cap: the most seconds that it keeps a preflight's answer; None for no limit.
        quirks: where it departs from the standard: keys of `QUIRKS`.

    """

    name: str
    max_age_cap: int | None = None
    quirks: frozenset[Quirk] = frozenset()


STANDARD: Final = Browser("standard")
CHROMIUM: Final = Browser("chromium", 7200, frozenset(QUIRKS))
FIREFOX: Final = Browser("firefox", 86400)
WEBKIT: Final = Browser("webkit", 600)
BROWSERS: Final[Mapping[str, Browser]] = {each.name: each for each in (STANDARD, CHROMIUM, FIREFOX, WEBKIT)}
