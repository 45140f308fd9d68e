"""Browsers as data: how long they keep a preflight's answer, and where they do not follow the standard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .departures import Quirk

# What each difference is, and what shows it. Chromium's were seen in Chromium 156.
QUIRKS: Final[Mapping[Quirk, str]] = {
    "lines-joined": (
        "Header lines that a page appends to one name are joined before they are judged, against section 2.2.2, which "
        "judges each line. Seen: two lines of Accept with 100 bytes each had a preflight."
    ),
    "last-line-counts": (
        "Of several lines of Authorization or Content-Type the last one counts, and of any name the last that is empty with "
        "those after it, against section 2.2.2, which joins them; but with a body, before any redirect, the first "
        "Content-Type. Seen: on the wire."
    ),
    "names-repeated": (
        "A name that is set twice is asked for twice, against section 2.2.2. Seen: `x-a,x-a` in Access-Control-Request-Headers."
    ),
    "no-sum-limit": (
        "All safelisted values together may be longer than 1024 bytes, against section 2.2.2. Seen: nine lines of Accept "
        "with 120 bytes each had no preflight."
    ),
    "user-agent-dropped": (
        "A page's User-Agent is left out without a word, against section 2.2.2, which no longer forbids it. Seen: a GET with "
        "User-Agent had no preflight."
    ),
    "client-hints-safelisted": (
        "Client hints (DPR, Downlink, ECT, Save-Data, Viewport-Width and their like) with a fitting value need no preflight, "
        "against section 2.2.2. Seen: a GET with `Save-Data: on` had none, and one with `Save-Data: off` had one."
    ),
    "range-any-case": (
        "A Range is safelisted however its unit is written, against section 2.2.2. Seen: `Bytes=0-1` had no preflight."
    ),
    "bytes-over-127-unsafe": (
        "Accept and Content-Type are safelisted only in ASCII, against section 2.2.2. Seen: a GET with Accept `\u00e9` had a "
        "preflight."
    ),
    "comma-in-type-unsafe": (
        "A Content-Type with a comma in it is not safelisted, against section 2.2.2, by which it may stand in a parameter. "
        "Seen: `text/plain;a=b, c` had a preflight."
    ),
    "get-keeps-params-type": (
        "An XMLHttpRequest with the method GET keeps the Content-Type of a URLSearchParams that it does not send, against "
        "XMLHttpRequest, section 3.5.6. Seen: on the wire."
    ),
    "no-cors-keeps-body-type": (
        "The Content-Type that a body brings is sent in the mode no-cors too, whatever it is, against section 5.4. Seen: "
        "`image/png` of a blob."
    ),
    "no-streams": ("A stream is no body, against section 5.2. Seen: a POST of one was not sent."),
    "streams-are-text": (
        "A stream as a body is sent as the text `[object ReadableStream]`, against section 5.2. Seen: a POST of one had no "
        "preflight, and the type text/plain."
    ),
    "stream-leaves-same-origin": (
        "With a stream as its body a fetch in the mode same-origin reaches other origins, against section 4.1. Seen: a DELETE "
        "had a preflight."
    ),
    "listener-needs-body": (
        "Listening to an XMLHttpRequest's upload makes a preflight only if there is a body (XMLHttpRequest, section "
        "3.5.6, makes one in any case). Seen: a GET with a listener had none."
    ),
    "elements-name-origin": (
        "Elements whose mode is cors say Origin to the page's own origin too, against section 3.2. Seen: a module of the "
        "page's own origin was asked for with Origin."
    ),
    "media-name-origin": (
        "So do media elements. Seen: a `<video crossorigin>` of the page's own origin was asked for with Origin."
    ),
    "media-without-range": (
        "Media elements first ask without Range, against HTML, section 4.8.11.5. Seen: a WAV file was."
    ),
    "fonts-no-cors": (
        "An `@font-face` is fetched in the mode no-cors, against CSS Fonts, section 4.8.2. Seen: a font of another origin was "
        "asked for without Origin, and used without Access-Control-Allow-Origin."
    ),
    "star-covers-authorization": (
        "`Access-Control-Allow-Headers: *` allows Authorization too, against section 4.8, step 7.6. "
        "Seen: a GET with Authorization passed its preflight by `*`."
    ),
    "forced-method-listed": (
        "A forced preflight has to list its method too, against section 4.8, step 7.4. Seen: a PUT with an upload "
        "listener failed without Access-Control-Allow-Methods, and that a listener's OPTIONS had a preflight served no other."
    ),
    "negative-max-age": (
        "A negative Access-Control-Max-Age is 0, against section 4.8, step 7.9, by which it is 5. Seen: the second PUT "
        "after `-1` had a preflight again."
    ),
    "odd-max-age": (
        "An Access-Control-Max-Age that is no number keeps nothing, against section 4.8, step 7.9, by which it is 5. Seen: "
        "after `600, 600` the second GET with a listener had a preflight again."
    ),
    "cache-ignores-star": (
        "A `*` in a preflight's answer is not kept, against section 4.9. Seen: the second of two GETs with a header that `*` "
        "had allowed had a preflight again."
    ),
    "kept-star-literal": (
        "A `*` that answered a preflight with credentials allows nothing later either, against section 4.9, by which it serves "
        "requests without. Seen: after a QUERY with credentials a GET with an unsafe Accept-Language, without, had a preflight."
    ),
    "kept-star-without-credentials": (
        "A `*` that is kept allows nothing to a request with credentials, against section 4.9. Seen: after a DELETE with "
        "credentials, which `*` did not allow, another had a preflight."
    ),
    "kept-star-covers-authorization": (
        "A `*` that is kept allows Authorization too, against section 4.9. Seen: the second of two GETs with Authorization, "
        "which `*` had allowed, had no preflight."
    ),
    "cache-by-credentials": (
        "What a preflight with credentials allows does not serve requests without, against section 4.9. Seen: a GET without, "
        "after a POST with, had a preflight."
    ),
    "one-cache-entry": (
        "One answer is kept for an origin and a URL: the last, until a request comes that it does not allow; against section "
        "4.9. Seen: POST with a header, then DELETE, which was refused, then the POST again, which had a preflight again."
    ),
    "null-not-cached": (
        "For the origin `null` nothing is kept, but for a page without an origin among the redirects of one fetch, from the "
        "first on; against section 4.9. Seen: a sandboxed page's second POST had a preflight again, and of a PUT that was "
        "redirected to its own URL again and again the first two had one."
    ),
    "tainted-forgotten": (
        "Where redirects have made Origin `null`, what is kept ends with the fetch, against section 4.9. Seen: the second of "
        "two GETs with a header, each redirected by a third origin, had a preflight there again."
    ),
    "cached-for-forced": (
        "A forced preflight is left out where there is any answer for the URL that allows the rest, against section 4.4. Seen: "
        "a GET with a header, then one with a listener to its upload, which a redirect had led to the same URL."
    ),
    "conditional-asks-again": (
        "A request with If-None-Match, or another condition, has a preflight even where the cache allows it, against section "
        "4.4. Seen: the second of two such GETs had one too."
    ),
    "fetch-conditional-asks-again": (
        "So does one by `fetch`, but not by XMLHttpRequest. Seen: the second of two such GETs by `fetch` had one, the second "
        "of two by XMLHttpRequest none."
    ),
    "failure-keeps-cache": (
        "What a preflight allowed is kept although the request itself failed, against section 4.1. Seen: a second DELETE, "
        "after one whose response could not be read, had none."
    ),
    "refused-preflight-kept": (
        "What a preflight allows is kept although it does not allow what was asked, against section 4.8. Seen: after a GET "
        "with DPR, which was refused, one with a listener needed no preflight."
    ),
    "error-mode-keeps-cache": (
        "What a preflight allowed is kept where the request failed for its redirect mode `error`, against section 4.1. Seen: "
        "after a POST in that mode had met a 307, a GET with the same header needed no preflight; after redirects that led "
        "nowhere, and after 20 of a DELETE, there was one."
    ),
    "empty-location-ignored": (
        "A redirect with an empty Location is no redirect, against section 2.2.6, by which it leads to the same URL. Seen: a "
        "308 with one was readable."
    ),
    "error-mode-needs-location": (
        "The redirect mode `error` stops only at redirects that have a Location, against section 4.4. Seen: a 302 without "
        "Location was readable."
    ),
    "same-location-twice": (
        "Several Location lines are followed if they are equal, against section 2.2.6. Seen: two equal ones were."
    ),
    "location-is-text": (
        "Location is one text: several lines are joined by a comma, and an empty one leads nowhere; against section 2.2.6, by "
        "which several fail and an empty one leads to the same URL. Seen: two lines `/1` led to `/1, /1`, and a 302 with an "
        "empty one failed."
    ),
    "no-user-in-redirect": (
        "A redirect to a URL with a user or a password is never followed, against section 4.5, which allows it within the "
        "page's own origin and in the mode no-cors. Seen: both failed."
    ),
    "no-cors-redirect-from-null": (
        "In the mode no-cors, any redirect to another origin makes Origin `null`, against section 2.2.5, by which one from "
        "the page's own origin keeps it. Seen: a POST that the page's origin redirected by 307 said `null`."
    ),
    "preflight-names-page": (
        "After redirects that make Origin `null`, a preflight still says the page's origin, against section 3.2. Seen: the "
        "preflight of a PUT that a third origin had redirected did, and the PUT said `null`."
    ),
    "client-hints-stay": (
        "A page's client hints do not follow a redirect to another origin, against section 4.5. Seen: DPR was not sent there."
    ),
    "delete-becomes-get": (
        "DELETE becomes GET where a redirect leads to another origin, against section 4.5. Seen: after a 308."
    ),
    "redirect-keeps-origin": (
        "Origin, once said, is said to the end of all redirects, against section 3.2. Seen: a POST that the page's own origin "
        "redirected by 301 became a GET with Origin."
    ),
    "redirect-asks-again": (
        "What needed a preflight, or had headers at first that need one, has one after a redirect to another origin too, "
        "against section 4.1. Seen: a PUT that a 303 had made a GET had one, and so had a PUT of JSON within the page's own "
        "origin that a 303 had made a GET to another."
    ),
    "redirect-restores-headers": (
        "What a redirect took away is back after the next, against section 4.5. Seen: a PUT that a 303 had made a GET said "
        "Content-Type again after a 302."
    ),
    "redirect-restores-type": (
        "A Content-Type that a redirect took away is back after one by 307 or 308, against section 4.5. Seen: on the wire."
    ),
    "redirect-judges-first-headers": (
        "A preflight after a redirect asks for every header that the page had set, against section 4.5, and the request sends "
        "all but those that the last redirect took away. Seen: the preflight of a GET, made of a POST by a 302 to another "
        "origin, asked for Authorization and Content-Type."
    ),
    "leaves-home-with-credentials": (
        "Of a fetch that began at the page's own origin, a redirect by another has to allow credentials if home would get "
        "them, and one to a URL with a user fails only after a preflight, against sections 4.5 and 4.10. Seen: home, then a "
        "second origin whose redirect had Access-Control-Allow-Origin `*`."
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
CHROMIUM: Final = Browser(
    "chromium",
    7200,
    frozenset({
        "lines-joined", "user-agent-dropped", "client-hints-safelisted", "stream-leaves-same-origin",
        "listener-needs-body", "elements-name-origin", "star-covers-authorization", "forced-method-listed",
        "negative-max-age", "kept-star-literal", "one-cache-entry", "null-not-cached", "cached-for-forced",
        "conditional-asks-again", "failure-keeps-cache", "empty-location-ignored", "error-mode-needs-location",
        "same-location-twice", "no-user-in-redirect", "no-cors-redirect-from-null", "client-hints-stay",
    }),
)  # fmt: skip
FIREFOX: Final = Browser(
    "firefox",
    86400,
    frozenset({
        "last-line-counts", "names-repeated", "no-sum-limit", "bytes-over-127-unsafe", "comma-in-type-unsafe",
        "streams-are-text", "star-covers-authorization", "forced-method-listed", "odd-max-age", "cache-ignores-star",
        "cache-by-credentials", "cached-for-forced", "fetch-conditional-asks-again", "error-mode-keeps-cache",
        "same-location-twice", "preflight-names-page", "redirect-asks-again", "redirect-restores-headers",
    }),
)  # fmt: skip
WEBKIT: Final = Browser(
    "webkit",
    600,
    frozenset({
        "lines-joined", "range-any-case", "get-keeps-params-type", "no-cors-keeps-body-type", "no-streams",
        "elements-name-origin", "media-name-origin", "media-without-range", "fonts-no-cors",
        "star-covers-authorization", "forced-method-listed", "negative-max-age", "kept-star-without-credentials",
        "kept-star-covers-authorization", "one-cache-entry", "tainted-forgotten", "cached-for-forced",
        "failure-keeps-cache", "refused-preflight-kept", "error-mode-needs-location", "location-is-text",
        "delete-becomes-get", "redirect-keeps-origin", "redirect-asks-again", "redirect-restores-type",
        "redirect-judges-first-headers", "leaves-home-with-credentials",
    }),
)  # fmt: skip
BROWSERS: Final[Mapping[str, Browser]] = {each.name: each for each in (STANDARD, CHROMIUM, FIREFOX, WEBKIT)}
