"""Each departure of a browser from the standard, alone: what the standard sends, and what such a browser does."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from r2style_cors import Policy
from r2style_cors._browser.exchange import header_value
from r2style_cors.browser import BROWSERS, QUIRKS, STANDARD, Browser, Fetch, PreflightCache, Response, Site, simulate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from r2style_cors.browser import Simulation

PAGE, HERE, THERE = "https://app.example", "https://here.example", "https://there.example"
STAR = ("Access-Control-Allow-Origin", "*")
GRANT = (STAR, ("Access-Control-Allow-Methods", "*"), ("Access-Control-Allow-Headers", "*, authorization"))
KEPT = ("Access-Control-Max-Age", "100")
MINE = (("Access-Control-Allow-Origin", PAGE), ("Access-Control-Allow-Credentials", "true"))
ECHO = Policy.parse(
    [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], "AllowedHeaders": ["*"], "MaxAgeSeconds": 100}]
)
X_A = (("X-A", "1"),)
JSON = (("Content-Type", "application/json"), ("Authorization", "t"))


def site(*redirects: tuple[int, str], preflight: tuple[tuple[str, str], ...] = (*GRANT, KEPT)) -> Site:
    """A server that grants everything, and redirects from `/0`, `/1` and so on."""
    answers = {
        f"/{index}": Response(status, (STAR, ("Location", location)) if location != "-" else (STAR,))
        for index, (status, location) in enumerate(redirects)
        if status
    }
    return Site(
        answers={**answers, **{f"OPTIONS /{i}": Response(204, preflight) for i in range(4)}},
        default=Response(200, (STAR,)),
    )


class Departure(NamedTuple):
    """What is asked of which servers, and what is sent by the standard and by a browser that departs from it."""

    fetches: tuple[Fetch, ...]
    standard: str
    departs: str
    here: Site = site()
    there: Site = site()
    home: Site = site()


def ask(url: str = f"{HERE}/0", method: str = "GET", headers: Any = (), **more: Any) -> Fetch:
    """A fetch of the page."""
    return Fetch(more.pop("page", PAGE), url, method, headers, **more)


def told(found: list[Simulation]) -> str:
    """Every exchange: its method, with what a preflight is about, where to, the page's headers, and how the fetch ended."""
    return " | ".join(" > ".join([*_counted(map(_exchange, one.exchanges)), one.outcome]) for one in found)


def _counted(steps: Iterable[str]) -> Iterator[str]:
    for step, group in groupby(steps):
        times = len(list(group))
        yield step if times == 1 else f"{times} times {step}"


def _exchange(exchange: Any) -> str:
    headers = exchange.request_headers
    lines = {name.lower(): header_value(headers, name) or "" for name, _ in headers}
    origin = {None: "", PAGE: " from page"}.get(lines.pop("origin", None), " from null")
    asked = [lines.pop(f"access-control-request-{name}", "") for name in ("method", "headers")]
    about = f"({' '.join(filter(None, asked))})" if asked[0] else ""
    place = exchange.url.removeprefix("https://").replace(".example", "")
    own = "".join(f" {name}={value[:16]}" for name, value in sorted(lines.items()))
    return f"{exchange.method}{about} {place}{origin}{own}"


DEPARTURES: dict[str, Departure] = {
    "star-covers-authorization": Departure(
        (ask(headers=(("Authorization", "t"),)),),
        "OPTIONS(GET authorization) here/0 from page > blocked",
        "OPTIONS(GET authorization) here/0 from page > GET here/0 from page authorization=t > readable",
        here=site(preflight=(STAR, ("Access-Control-Allow-Headers", "*"))),
    ),
    "lines-joined": Departure(
        (ask(headers=(("Accept", "a" * 100), ("Accept", "b" * 100))),),
        "GET here/0 from page accept=aaaaaaaaaaaaaaaa > readable",
        "OPTIONS(GET accept) here/0 from page > GET here/0 from page accept=aaaaaaaaaaaaaaaa > readable",
    ),
    "listener-needs-body": Departure(
        (Fetch.xhr(PAGE, f"{HERE}/0", upload_listener=True),),
        "OPTIONS(GET) here/0 from page > GET here/0 from page > readable",
        "GET here/0 from page > readable",
    ),
    "forced-method-listed": Departure(
        (Fetch.xhr(PAGE, f"{HERE}/0", "PUT", upload_listener=True),),
        "OPTIONS(PUT) here/0 from page > PUT here/0 from page > readable",
        "OPTIONS(PUT) here/0 from page > blocked",
        here=site(preflight=(STAR,)),
    ),
    "no-user-in-redirect": Departure(
        (ask("/0"),),
        "GET app/0 > GET u@app/1 > readable",
        "GET app/0 > blocked",
        home=site((302, "https://u@app.example/1")),
    ),
    "error-mode-needs-location": Departure(
        (ask(redirect="error"), ask(f"{HERE}/1", redirect="error"), ask(f"{HERE}/2", redirect="error")),
        "GET here/0 from page > blocked | GET here/1 from page > blocked | GET here/2 from page > blocked",
        "GET here/0 from page > readable | GET here/1 from page > readable | GET here/2 from page > blocked",
        here=site((302, "-"), (302, ""), (302, "/0")),
    ),
    "negative-max-age": Departure(
        (ask(method="PUT"), ask(method="PUT")),
        "OPTIONS(PUT) here/0 from page > PUT here/0 from page > readable | PUT here/0 from page > readable",
        (
            "OPTIONS(PUT) here/0 from page > PUT here/0 from page > readable | OPTIONS(PUT) here/0 from page > "
            "PUT here/0 from page > readable"
        ),
        here=site(preflight=(*GRANT, ("Access-Control-Max-Age", "-1"))),
    ),
    "no-cors-redirect-from-null": Departure(
        (ask("/0", "POST", mode="no-cors"),),
        "POST app/0 from page > POST here/1 from page > opaque",
        "POST app/0 from page > POST here/1 from null > opaque",
        home=site((307, f"{HERE}/1")),
    ),
    "client-hints-safelisted": Departure(
        tuple(ask(headers=((name, value),)) for name, value in (("Save-Data", "on"), ("DPR", "1."), ("width", "1"))),
        (
            "OPTIONS(GET save-data) here/0 from page > GET here/0 from page save-data=on > readable | "
            "GET here/0 from page dpr=1. > readable | GET here/0 from page width=1 > readable"
        ),
        (
            "GET here/0 from page save-data=on > readable | OPTIONS(GET dpr) here/0 from page > "
            "GET here/0 from page dpr=1. > readable | GET here/0 from page width=1 > readable"
        ),
    ),
    "user-agent-dropped": Departure(
        (ask(headers=(("User-Agent", "mine"),)),),
        "OPTIONS(GET user-agent) here/0 from page > GET here/0 from page user-agent=mine > readable",
        "GET here/0 from page > readable",
    ),
    "conditional-asks-again": Departure(
        (ask(headers=(("If-None-Match", "a"),)),) * 2,
        (
            "OPTIONS(GET if-none-match) here/0 from page > GET here/0 from page if-none-match=a > readable | "
            "GET here/0 from page if-none-match=a > readable"
        ),
        (
            "OPTIONS(GET if-none-match) here/0 from page > GET here/0 from page if-none-match=a > readable | "
            "OPTIONS(GET if-none-match) here/0 from page > GET here/0 from page if-none-match=a > readable"
        ),
    ),
    "fetch-conditional-asks-again": Departure(
        (
            ask(headers=(("If-None-Match", "a"),)),
            Fetch.xhr(PAGE, f"{HERE}/0", headers=(("If-None-Match", "a"),)),
            ask(headers=(("If-None-Match", "a"),)),
        ),
        (
            "OPTIONS(GET if-none-match) here/0 from page > GET here/0 from page if-none-match=a > readable | "
            "GET here/0 from page if-none-match=a > readable | GET here/0 from page if-none-match=a > readable"
        ),
        (
            "OPTIONS(GET if-none-match) here/0 from page > GET here/0 from page if-none-match=a > readable | "
            "GET here/0 from page if-none-match=a > readable | "
            "OPTIONS(GET if-none-match) here/0 from page > GET here/0 from page if-none-match=a > readable"
        ),
    ),
    "elements-name-origin": Departure(
        (Fetch.module(PAGE, "/0"), Fetch.element(PAGE, "/0"), Fetch.element(PAGE, "/0", "video", "anonymous")),
        "GET app/0 > readable | GET app/0 > readable | GET app/0 range=bytes=0- > readable",
        "GET app/0 from page > readable | GET app/0 > readable | GET app/0 range=bytes=0- > readable",
    ),
    "media-name-origin": Departure(
        (Fetch.module(PAGE, "/0"), Fetch.element(PAGE, "/0", "video", "anonymous")),
        "GET app/0 > readable | GET app/0 range=bytes=0- > readable",
        "GET app/0 > readable | GET app/0 from page range=bytes=0- > readable",
    ),
    "media-without-range": Departure(
        (Fetch.element(PAGE, "/0", "video"),),
        "GET app/0 range=bytes=0- > readable",
        "GET app/0 > readable",
    ),
    "cache-ignores-star": Departure(
        (ask(headers=X_A),) * 2,
        (
            "OPTIONS(GET x-a) here/0 from page > GET here/0 from page x-a=1 > readable | "
            "GET here/0 from page x-a=1 > readable"
        ),
        (
            "OPTIONS(GET x-a) here/0 from page > GET here/0 from page x-a=1 > readable | "
            "OPTIONS(GET x-a) here/0 from page > GET here/0 from page x-a=1 > readable"
        ),
    ),
    "failure-keeps-cache": Departure(
        (ask(method="DELETE"), ask(method="DELETE")),
        (
            "OPTIONS(DELETE) here/0 from page > DELETE here/0 from page > blocked | "
            "OPTIONS(DELETE) here/0 from page > DELETE here/0 from page > blocked"
        ),
        "OPTIONS(DELETE) here/0 from page > DELETE here/0 from page > blocked | DELETE here/0 from page > blocked",
        here=Site(answers={"OPTIONS": Response(204, (*GRANT, KEPT))}),
    ),
    "same-location-twice": Departure(
        (ask(),),
        "GET here/0 from page > blocked",
        "GET here/0 from page > GET here/1 from page > readable",
        here=Site(
            answers={"/0": Response(302, (STAR, ("Location", "/1"), ("Location", "/1")))},
            default=Response(200, (STAR,)),
        ),
    ),
    "no-streams": Departure(
        (ask(method="POST", body="stream"), ask(method="POST", body="text")),
        (
            "OPTIONS(POST) here/0 from page > POST here/0 from page > readable | "
            "POST here/0 from page content-type=text/plain;chars > readable"
        ),
        "blocked | POST here/0 from page content-type=text/plain;chars > readable",
    ),
    "streams-are-text": Departure(
        (ask(method="POST", body="stream"),),
        "OPTIONS(POST) here/0 from page > POST here/0 from page > readable",
        "POST here/0 from page content-type=text/plain;chars > readable",
    ),
    "range-any-case": Departure(
        (ask(headers=(("Range", "Bytes=0-1"),)),),
        "OPTIONS(GET range) here/0 from page > GET here/0 from page range=Bytes=0-1 > readable",
        "GET here/0 from page range=Bytes=0-1 > readable",
    ),
    "empty-location-ignored": Departure(
        (ask(),),
        "21 times GET here/0 from page > blocked",
        "GET here/0 from page > readable",
        here=Site(default=Response(302, (STAR, ("Location", "")))),
    ),
    "location-is-text": Departure(
        (ask(), ask(f"{HERE}/3")),
        "GET here/0 from page > blocked | 21 times GET here/3 from page > blocked",
        "GET here/0 from page > GET here/1,%20/2 from page > readable | GET here/3 from page > blocked",
        here=Site(
            answers={
                "/0": Response(302, (STAR, ("Location", "/1"), ("Location", "/2"))),
                "/3": Response(302, (STAR, ("Location", ""))),
            },
            default=Response(200, (STAR,)),
        ),
    ),
    "one-cache-entry": Departure(
        (ask(headers=X_A), ask(headers=(("X-B", "1"),)), ask(headers=X_A)),
        (
            "OPTIONS(GET x-a) here/0 from page > GET here/0 from page x-a=1 > readable | "
            "OPTIONS(GET x-b) here/0 from page > GET here/0 from page x-b=1 > readable | "
            "GET here/0 from page x-a=1 > readable"
        ),
        (
            "OPTIONS(GET x-a) here/0 from page > GET here/0 from page x-a=1 > readable | "
            "OPTIONS(GET x-b) here/0 from page > GET here/0 from page x-b=1 > readable | "
            "OPTIONS(GET x-a) here/0 from page > GET here/0 from page x-a=1 > readable"
        ),
        here=Site(ECHO),
    ),
    "null-not-cached": Departure(
        (*(ask(method="PUT", page="null"),) * 2, ask(f"{HERE}/1", "PUT", page="null"), *(ask(f"{HERE}/2", "PUT"),) * 2),
        (
            "OPTIONS(PUT) here/0 from null > PUT here/0 from null > readable | PUT here/0 from null > readable | "
            "OPTIONS(PUT) here/1 from null > 21 times PUT here/1 from null > blocked | "
            "OPTIONS(PUT) here/2 from page > PUT here/2 from page > OPTIONS(PUT) there/0 from null > "
            "PUT there/0 from null > readable | PUT here/2 from page > PUT there/0 from null > readable"
        ),
        (
            "OPTIONS(PUT) here/0 from null > PUT here/0 from null > readable | OPTIONS(PUT) here/0 from null > "
            "PUT here/0 from null > readable | "
            "OPTIONS(PUT) here/1 from null > PUT here/1 from null > OPTIONS(PUT) here/1 from null > "
            "20 times PUT here/1 from null > blocked | "
            "OPTIONS(PUT) here/2 from page > PUT here/2 from page > OPTIONS(PUT) there/0 from null > "
            "PUT there/0 from null > readable | PUT here/2 from page > OPTIONS(PUT) there/0 from null > "
            "PUT there/0 from null > readable"
        ),
        here=site((0, ""), (307, "/1"), (307, f"{THERE}/0")),
    ),
    "client-hints-stay": Departure(
        (ask(headers=(("DPR", "1"),)),),
        (
            "OPTIONS(GET dpr) here/0 from page > GET here/0 from page dpr=1 > "
            "OPTIONS(GET dpr) there/1 from null > GET there/1 from null dpr=1 > readable"
        ),
        "OPTIONS(GET dpr) here/0 from page > GET here/0 from page dpr=1 > GET there/1 from null > readable",
        here=site((302, f"{THERE}/1")),
    ),
    "preflight-names-page": Departure(
        (ask(headers=X_A), ask(f"{HERE}/1", headers=X_A)),
        (
            "OPTIONS(GET x-a) here/0 from page > GET here/0 from page x-a=1 > "
            "OPTIONS(GET x-a) there/1 from null > GET there/1 from null x-a=1 > readable | "
            "OPTIONS(GET x-a) here/1 from page > GET here/1 from page x-a=1 > OPTIONS(GET x-a) app/3 from null > "
            "GET app/3 from null x-a=1 > readable"
        ),
        (
            "OPTIONS(GET x-a) here/0 from page > GET here/0 from page x-a=1 > "
            "OPTIONS(GET x-a) there/1 from page > GET there/1 from null x-a=1 > readable | "
            "OPTIONS(GET x-a) here/1 from page > GET here/1 from page x-a=1 > OPTIONS(GET x-a) app/3 from page > "
            "GET app/3 from null x-a=1 > readable"
        ),
        here=site((302, f"{THERE}/1"), (302, f"{PAGE}/3")),
    ),
    "redirect-keeps-origin": Departure(
        (ask("/0", "POST"), ask(method="POST", mode="no-cors")),
        "POST app/0 from page > GET app/1 > readable | POST here/0 from page > GET there/1 > opaque",
        "POST app/0 from page > GET app/1 from page > readable | POST here/0 from page > GET there/1 > opaque",
        home=site((301, "/1")),
        here=site((301, f"{THERE}/1")),
    ),
    "fonts-no-cors": Departure(
        (Fetch.font(PAGE, f"{HERE}/0"),),
        "GET here/0 from page > blocked",
        "GET here/0 > opaque",
        here=Site(),
    ),
    "no-sum-limit": Departure(
        (ask(headers=(("Accept", "a" * 120),) * 9),),
        "OPTIONS(GET accept) here/0 from page > GET here/0 from page accept=aaaaaaaaaaaaaaaa > readable",
        "GET here/0 from page accept=aaaaaaaaaaaaaaaa > readable",
    ),
    "get-keeps-params-type": Departure(
        (Fetch.xhr(PAGE, f"{HERE}/0", body="search-params"),),
        "GET here/0 from page > readable",
        "GET here/0 from page content-type=application/x-ww > readable",
    ),
    "redirect-restores-headers": Departure(
        (ask("/0", "PUT", JSON), Fetch.xhr(PAGE, "/0", "PUT", body="text")),
        (
            "PUT app/0 from page authorization=t content-type=application/json > GET app/1 authorization=t > "
            "GET app/2 authorization=t > readable | PUT app/0 from page content-type=text/plain;chars > "
            "GET app/1 > GET app/2 > readable"
        ),
        (
            "PUT app/0 from page authorization=t content-type=application/json > GET app/1 authorization=t > "
            "GET app/2 authorization=t content-type=application/json > readable | "
            "PUT app/0 from page content-type=text/plain;chars > GET app/1 > GET app/2 > readable"
        ),
        home=site((303, "/1"), (307, "/2")),
    ),
    "redirect-judges-first-headers": Departure(
        (ask("/0", "POST", JSON),),
        "POST app/0 from page authorization=t content-type=application/json > GET here/1 from page > readable",
        (
            "POST app/0 from page authorization=t content-type=application/json > "
            "OPTIONS(GET authorization,content-type) here/1 from page > GET here/1 from page > readable"
        ),
        home=site((302, f"{HERE}/1")),
    ),
    "redirect-restores-type": Departure(
        (ask("/0", "POST", JSON),),
        (
            "POST app/0 from page authorization=t content-type=application/json > GET app/1 authorization=t > "
            "GET app/2 authorization=t > readable"
        ),
        (
            "POST app/0 from page authorization=t content-type=application/json > GET app/1 authorization=t > "
            "GET app/2 authorization=t content-type=application/json > readable"
        ),
        home=site((302, "/1"), (307, "/2")),
    ),
    "redirect-asks-again": Departure(
        (ask(method="PUT"), ask("/0", "PUT", JSON)),
        (
            "OPTIONS(PUT) here/0 from page > PUT here/0 from page > GET here/1 from page > readable | "
            "PUT app/0 from page authorization=t content-type=application/json > GET here/2 from page > readable"
        ),
        (
            "OPTIONS(PUT) here/0 from page > PUT here/0 from page > OPTIONS(GET) here/1 from page > "
            "GET here/1 from page > readable | "
            "PUT app/0 from page authorization=t content-type=application/json > OPTIONS(GET) here/2 from page > "
            "GET here/2 from page > readable"
        ),
        home=site((303, f"{HERE}/2")),
        here=site((303, "/1")),
    ),
    "delete-becomes-get": Departure(
        (ask("/0", "DELETE"),),
        "DELETE app/0 from page > OPTIONS(DELETE) here/1 from page > DELETE here/1 from page > readable",
        "DELETE app/0 from page > GET here/1 from page > readable",
        home=site((308, f"{HERE}/1")),
    ),
    "last-line-counts": Departure(
        (
            ask(
                "/0", headers=(("Authorization", "a"), ("authorization", "b"), ("X-A", "1"), ("X-A", ""), ("X-A", "2"))
            ),
            ask("/0", "POST", (("Content-Type", "a"), ("Content-type", "b"))),
            ask("/1", "POST", (("Content-Type", "a"), ("Content-type", "b")), body="text"),
        ),
        (
            "GET app/0 authorization=a, b x-a=1, , 2 > readable | POST app/0 from page content-type=a, b > readable | "
            "POST app/1 from page content-type=a, b > POST app/2 from page content-type=a, b > readable"
        ),
        (
            "GET app/0 authorization=b x-a=, 2 > readable | POST app/0 from page content-type=b > readable | "
            "POST app/1 from page content-type=a > POST app/2 from page content-type=b > readable"
        ),
        home=site((0, ""), (307, "/2")),
    ),
    "odd-max-age": Departure(
        (ask(method="PUT"),) * 2,
        "OPTIONS(PUT) here/0 from page > PUT here/0 from page > readable | PUT here/0 from page > readable",
        (
            "OPTIONS(PUT) here/0 from page > PUT here/0 from page > readable | OPTIONS(PUT) here/0 from page > "
            "PUT here/0 from page > readable"
        ),
        here=site(preflight=(*GRANT, ("Access-Control-Max-Age", "600, 600"))),
    ),
    "no-cors-keeps-body-type": Departure(
        (ask(method="POST", body="blob", blob_type="image/png", mode="no-cors"),),
        "POST here/0 from page > opaque",
        "POST here/0 from page content-type=image/png > opaque",
    ),
    "cached-for-forced": Departure(
        (ask(headers=X_A), Fetch.xhr(PAGE, f"{HERE}/0", upload_listener=True)),
        (
            "OPTIONS(GET x-a) here/0 from page > GET here/0 from page x-a=1 > readable | "
            "OPTIONS(GET) here/0 from page > GET here/0 from page > readable"
        ),
        ("OPTIONS(GET x-a) here/0 from page > GET here/0 from page x-a=1 > readable | GET here/0 from page > readable"),
        here=site(preflight=(STAR, ("Access-Control-Allow-Headers", "x-a"), KEPT)),
    ),
    "refused-preflight-kept": Departure(
        (ask(method="PUT", headers=X_A), ask(method="PUT")),
        (
            "OPTIONS(PUT x-a) here/0 from page > blocked | OPTIONS(PUT) here/0 from page > PUT here/0 from page > "
            "readable"
        ),
        "OPTIONS(PUT x-a) here/0 from page > blocked | PUT here/0 from page > readable",
        here=site(preflight=(STAR, ("Access-Control-Allow-Methods", "PUT"), KEPT)),
    ),
    "leaves-home-with-credentials": Departure(
        (ask("/0", headers=X_A), ask("/0", headers=X_A, credentials="omit"), ask("/1", headers=X_A)),
        (
            "GET app/0 x-a=1 > OPTIONS(GET x-a) here/1 from page > GET here/1 from page x-a=1 > "
            "OPTIONS(GET x-a) there/2 from null > GET there/2 from null x-a=1 > readable | GET app/0 x-a=1 > "
            "GET here/1 from page x-a=1 > GET there/2 from null x-a=1 > readable | GET app/1 x-a=1 > blocked"
        ),
        (
            "GET app/0 x-a=1 > OPTIONS(GET x-a) here/1 from page > GET here/1 from page x-a=1 > "
            "OPTIONS(GET x-a) there/2 from null > blocked | GET app/0 x-a=1 > GET here/1 from page x-a=1 > "
            "OPTIONS(GET x-a) there/2 from null > GET there/2 from null x-a=1 > readable | GET app/1 x-a=1 > "
            "OPTIONS(GET x-a) u@here/2 from page > blocked"
        ),
        home=site((302, f"{HERE}/1"), (302, "https://u@here.example/2")),
        here=site((0, ""), (302, f"{THERE}/2")),
    ),
    "bytes-over-127-unsafe": Departure(
        (ask(headers=(("Accept", "\u00e9"),)),),
        "GET here/0 from page accept=é > readable",
        "OPTIONS(GET accept) here/0 from page > GET here/0 from page accept=é > readable",
    ),
    "comma-in-type-unsafe": Departure(
        (ask(headers=(("Content-Type", "text/plain;a=b, c"),)),),
        "GET here/0 from page content-type=text/plain;a=b,  > readable",
        ("OPTIONS(GET content-type) here/0 from page > GET here/0 from page content-type=text/plain;a=b,  > readable"),
    ),
    "kept-star-literal": Departure(
        (ask(headers=(("DPR", "1"),), method="PUT", credentials="include"), ask(headers=X_A)),
        (
            "OPTIONS(PUT dpr) here/0 from page > PUT here/0 from page dpr=1 > readable | "
            "GET here/0 from page x-a=1 > readable"
        ),
        (
            "OPTIONS(PUT dpr) here/0 from page > PUT here/0 from page dpr=1 > readable | "
            "OPTIONS(GET x-a) here/0 from page > GET here/0 from page x-a=1 > readable"
        ),
        here=Site(
            answers={
                "OPTIONS": Response(
                    204,
                    (*MINE, ("Access-Control-Allow-Methods", "PUT"), ("Access-Control-Allow-Headers", "*, dpr"), KEPT),
                )
            },
            default=Response(200, MINE),
        ),
    ),
    "kept-star-without-credentials": Departure(
        (ask(method="PUT", credentials="include"), ask(headers=X_A), ask(method="DELETE", credentials="include")),
        (
            "OPTIONS(PUT) here/0 from page > PUT here/0 from page > readable | GET here/0 from page x-a=1 > readable | "
            "DELETE here/0 from page > readable"
        ),
        (
            "OPTIONS(PUT) here/0 from page > PUT here/0 from page > readable | GET here/0 from page x-a=1 > readable | "
            "OPTIONS(DELETE) here/0 from page > blocked"
        ),
        here=Site(
            answers={
                "OPTIONS": Response(
                    204,
                    (*MINE, ("Access-Control-Allow-Methods", "*, PUT"), ("Access-Control-Allow-Headers", "*"), KEPT),
                )
            },
            default=Response(200, MINE),
        ),
    ),
    "kept-star-covers-authorization": Departure(
        (ask(headers=X_A), ask(headers=(("Authorization", "t"),))),
        (
            "OPTIONS(GET x-a) here/0 from page > GET here/0 from page x-a=1 > readable | "
            "OPTIONS(GET authorization) here/0 from page > blocked"
        ),
        (
            "OPTIONS(GET x-a) here/0 from page > GET here/0 from page x-a=1 > readable | "
            "GET here/0 from page authorization=t > readable"
        ),
        here=site(preflight=(STAR, ("Access-Control-Allow-Headers", "*"), KEPT)),
    ),
    "tainted-forgotten": Departure(
        (
            *(ask(headers=X_A),) * 2,
            ask(f"{HERE}/1", headers=X_A, page="null"),
            ask(f"{THERE}/1", headers=X_A, page="null"),
        ),
        (
            "OPTIONS(GET x-a) here/0 from page > GET here/0 from page x-a=1 > OPTIONS(GET x-a) there/1 from null > "
            "GET there/1 from null x-a=1 > readable | GET here/0 from page x-a=1 > GET there/1 from null x-a=1 > readable | "
            "OPTIONS(GET x-a) here/1 from null > GET here/1 from null x-a=1 > GET there/1 from null x-a=1 > readable | "
            "GET there/1 from null x-a=1 > readable"
        ),
        (
            "OPTIONS(GET x-a) here/0 from page > GET here/0 from page x-a=1 > OPTIONS(GET x-a) there/1 from null > "
            "GET there/1 from null x-a=1 > readable | GET here/0 from page x-a=1 > OPTIONS(GET x-a) there/1 from null > "
            "GET there/1 from null x-a=1 > readable | OPTIONS(GET x-a) here/1 from null > GET here/1 from null x-a=1 > "
            "OPTIONS(GET x-a) there/1 from null > GET there/1 from null x-a=1 > readable | "
            "GET there/1 from null x-a=1 > readable"
        ),
        here=site((302, f"{THERE}/1"), (302, f"{THERE}/1")),
    ),
    "error-mode-keeps-cache": Departure(
        (ask(method="PUT", redirect="error"), ask(method="PUT", redirect="manual"), *(ask(f"{HERE}/2", "PUT"),) * 2),
        (
            "OPTIONS(PUT) here/0 from page > PUT here/0 from page > blocked | OPTIONS(PUT) here/0 from page > "
            "PUT here/0 from page > opaque | "
            "OPTIONS(PUT) here/2 from page > 21 times PUT here/2 from page > blocked | "
            "OPTIONS(PUT) here/2 from page > 21 times PUT here/2 from page > blocked"
        ),
        (
            "OPTIONS(PUT) here/0 from page > PUT here/0 from page > blocked | PUT here/0 from page > opaque | "
            "OPTIONS(PUT) here/2 from page > 21 times PUT here/2 from page > blocked | "
            "OPTIONS(PUT) here/2 from page > 21 times PUT here/2 from page > blocked"
        ),
        here=site((302, "/1"), (0, ""), (307, "/2")),
    ),
    "cache-by-credentials": Departure(
        (ask(method="PUT", credentials="include"), ask(method="PUT"), ask(method="PUT", credentials="include")),
        (
            "OPTIONS(PUT) here/0 from page > PUT here/0 from page > readable | PUT here/0 from page > readable | "
            "PUT here/0 from page > readable"
        ),
        (
            "OPTIONS(PUT) here/0 from page > PUT here/0 from page > readable | OPTIONS(PUT) here/0 from page > "
            "PUT here/0 from page > readable | PUT here/0 from page > readable"
        ),
        here=Site(
            answers={"OPTIONS": Response(204, (*MINE, ("Access-Control-Allow-Methods", "PUT"), KEPT))},
            default=Response(200, MINE),
        ),
    ),
    "stream-leaves-same-origin": Departure(
        (ask(method="POST", body="stream", mode="same-origin"),),
        "blocked",
        "OPTIONS(POST) here/0 from page > POST here/0 from page > readable",
    ),
    "names-repeated": Departure(
        (ask(headers=(*X_A, *X_A, ("Accept", "("), ("Accept", "a"))),),
        "OPTIONS(GET accept,x-a) here/0 from page > GET here/0 from page accept=(, a x-a=1, 1 > readable",
        "OPTIONS(GET accept,x-a,x-a) here/0 from page > GET here/0 from page accept=(, a x-a=1, 1 > readable",
    ),
}


@pytest.mark.parametrize("quirk", DEPARTURES)
def test_departures(quirk: str) -> None:
    """The model follows the standard unless the browser departs from it, and then exactly there."""
    departure = DEPARTURES[quirk]
    departing = Browser("departing", quirks=frozenset(each for each in QUIRKS if each == quirk))
    assert (_wire(departure, STANDARD), _wire(departure, departing)) == (departure.standard, departure.departs)


def _wire(departure: Departure, browser: Browser) -> str:
    servers, cache = {PAGE: departure.home, HERE: departure.here, THERE: departure.there}, PreflightCache()
    return told([simulate(servers, fetch, browser=browser, cache=cache) for fetch in departure.fetches])


def test_every_departure_is_tested() -> None:
    """Each has a test here, a browser that departs so, and a sentence that says what shows it."""
    assert DEPARTURES.keys() == QUIRKS.keys() == frozenset().union(*(each.quirks for each in BROWSERS.values()))
    assert all("Seen: " in sentence for sentence in QUIRKS.values())
    assert not STANDARD.quirks
