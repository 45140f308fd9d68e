"""Cases by chance: policies, applications, and fetches. A case depends on its seed alone."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

from r2style_cors import PolicyError

from .cases import GONE, NAME, OPAQUE_HOME, ORIGINS, Json, engine

if TYPE_CHECKING:
    from collections.abc import Sequence

_PAGES: Final = (
    "https://app.example", "http://app.example", "http://www.app.example", "https://www.app.example",
    "https://cdn.example:8443", "http://other.test", "null",
)  # fmt: skip
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "DELETE")
_ASKED_METHODS: Final = (
    "GET", "GET", "GET", "get", "HEAD", "head", "POST", "POST", "Post", "PUT", "PUT", "put", "DELETE", "delete",
    "PATCH", "patch", "OPTIONS", "options", "QUERY", "x-odd",
)  # fmt: skip
_NO_METHODS: Final = ("CONNECT", "trace", "TRACK", "GE T", "")
_BODIES: Final = ("text", "search-params", "form-data", "blob", "bytes")
_BLOB_TYPES: Final = ("", "text/plain", "Application/JSON", "image/png", "text/plain;charset=utf-8", "t\u00e9xt/plain")
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_STATUSES: Final = (200, 200, 200, 201, 204, 206, 300, 304, 400, 401, 403, 404, 410, 418, 429, 500, 503)
_LONG, _TOO_LONG = 128, 129  # Fetch, section 2.2.2: bytes of a safelisted value
_REQUEST_HEADERS: Final[dict[str, tuple[str, ...]]] = {
    "Accept": ("application/json", "*/*", 'text/plain;a="b"', "a" * _LONG, "a" * _TOO_LONG, "", "a\tb", "\u00e9", "(a)"),
    "Accept-Language": ("en-GB, de;q=0.5", "en_GB", "e" * _LONG, "e" * _TOO_LONG, "", "*"),
    "Content-Language": ("de", "de, en", "d\u00e9", "d" * _LONG, "d" * _TOO_LONG),
    "Content-Type": (
        "text/plain", "text/plain;charset=UTF-8", "Application/x-www-form-urlencoded", "multipart/form-data; boundary=a",
        "application/json", 'text/plain;charset="utf-8"', "text/plain, application/json", "text/html", "plain", "",
        "text/plain;a=" + "a" * (_LONG - 13), "text/plain;a=" + "a" * (_TOO_LONG - 13), " text/plain ",
    ),
    "Range": (
        "bytes=0-", "bytes=0-99", "bytes=-5", "bytes=5-2", "bytes=0-1,2-3", "Bytes=0-1", "bytes=0 - 1", "bytes=007-008", "x",
    ),
    "Authorization": ("Basic eDp5", "Bearer token"),
    "X-Request-Id": ("1", "", "  padded\t", "\u00e9"),
    "x-amz-meta-One": ("1",),
    "If-None-Match": ('"tag"',),
    "If-Modified-Since": ("Sat, 01 Jan 2022 00:00:00 GMT",),
    "Cache-Control": ("no-cache",),
    "Save-Data": ("on", "off"),
    "DPR": ("1.0", "1."),
    "Viewport-Width": ("100", "1.5"),
    "X-HTTP-Method-Override": ("PUT", "TRACE", "GET, track"),
    "Cookie": ("a=b",),
    "Origin": ("https://forged.example",),
    "Host": ("forged.example",),
    "Sec-Forged": ("1",),
    "Proxy-Forged": ("1",),
    "Date": ("now",),
    "DNT": ("1",),
    "Access-Control-Request-Method": ("PUT",),
    "Accept-Charset": ("utf-8",),
    "Referer": ("https://forged.example/",),
    "User-Agent": ("forged",),
    "X-Long": ("x" * 2000,),
    "A.b!c": ("1",),
}  # fmt: skip
_NO_HEADERS: Final = (("a b", "1"), ("", "1"), ("X-A", "a\nb"), ("X-A", "a\0b"), ("X-A", "\u20ac"), ("X-\u00e9", "1"))
_RESPONSE_HEADERS: Final = (
    ["ETag", '"tag"'], ["X-One", "1"], ["X-One", "2"], ["x-amz-request-id", "r"], ["Content-Language", "de"],
    ["Pragma", "no-cache"], ["Expires", "0"], ["Last-Modified", "Sat, 01 Jan 2022 00:00:00 GMT"],
    ["Set-Cookie", "c=d"], ["Content-Range", "bytes 0-6/7"], ["Server-Timing", "t"], ["Vary", "Accept-Encoding"],
    ["X-Empty", ""], ["X-Padded", "a  b"], ["Authorization", "a"],
)  # fmt: skip
_EXPOSED: Final = (
    "ETag",
    "x-one",
    "X-AMZ-Request-ID",
    "Content-Range",
    "Set-Cookie",
    "X-Missing",
    "Server-Timing",
    "Vary",
    "X-Empty",
)
_MAX_AGES: Final = (0, 600, 7200, 86400, 100000)
# No `mailto:`: in the mode no-cors a redirect to one makes Firefox leave the page.
_ODD_LOCATIONS: Final = (
    "x-odd:a", "data:text/plain,a", "https://", "http://[", "//files.example/~case~/1", "1", "?query",
    "#part", "https://user:word@files.example/~case~/1", "https://user@app.example/~case~/1", "ftp://files.example/",
    "https://FILES.example/~case~/1", "https://files.example:443/~case~/1", "/~case~/1#part",
    "https://files.example/~case~/1?a=b c", "/~case~/./x/../1", "blob:x",
)  # fmt: skip

_EVERY_METHOD: Final = ", ".join(sorted(set(_ASKED_METHODS)))
_EVERY_NAME: Final = ", ".join(_REQUEST_HEADERS)
_GOOD_GRANTS: Final[dict[str, tuple[str | None, ...]]] = {
    "Access-Control-Allow-Methods": ("*", _EVERY_METHOD, _EVERY_METHOD, "PUT,DELETE"),
    "Access-Control-Allow-Headers": ("*", _EVERY_NAME, _EVERY_NAME.upper(), "*, authorization"),
}
_ODD_GRANTS: Final[dict[str, tuple[str | None, ...]]] = {
    "Access-Control-Allow-Methods": ("put", "GET;PUT", "PUT DELETE", "*, PUT", ",PUT,,", "GET", "", '"PUT"', None),
    "Access-Control-Allow-Headers": (
        "x-request-id", "X Request", "content-type;range", ",", "", "*,,x-request-id", "**", None,
    ),
}  # fmt: skip
_AGES: Final[dict[str, tuple[str | None, ...]]] = {
    "Access-Control-Max-Age": (
        "0", "600", "600", "86400", "-1", "1e3", " 600", "600, 600", "6 00", "+600", '"600"', "600.5",
        "99999999999999999999", "", None,
    ),
}  # fmt: skip


def generated(seed: str) -> Json:
    """The case of a seed. Its page decides what else may be: what is not secure is out of a secure page's reach."""
    chance = random.Random(seed)  # noqa: S311 - made again by its seed, not secret
    page = chance.choice(_PAGES)
    scheme = chance.choice(("http", "https")) if page.startswith("http:") or page == "null" else "https"
    origins = [each for each in ORIGINS if each.startswith(f"{scheme}:")]
    return _Maker(chance, page, origins).case()


class _Maker:
    """Makes one case, by its own chance."""

    def __init__(self, chance: random.Random, page: str, origins: Sequence[str]) -> None:
        self.chance = chance
        self.page = page
        self.origins = origins
        self.kind = "fetch"

    def often(self, share: float) -> bool:
        return self.chance.random() < share

    def some(self, values: Sequence[Any], most: int = 3) -> list[Any]:
        return self.chance.sample(values, self.chance.randint(0, min(most, len(values))))

    def case(self) -> Json:
        ways = {
            "fetch": 60,
            "xhr": 22,
            "image": 4,
            "module": 3,
            "font": 3,
            "script": 2,
            "stylesheet": 2,
            "video": 2,
            "audio": 2,
        }
        by = self.chance.choices(list(ways), list(ways.values()))[0]
        self.kind = by
        way = [self._origin() for _ in range(self.chance.choices((1, 2, 3, 4), (65, 20, 10, 5))[0])]
        first = {"fetch": self._fetch, "xhr": self._xhr}.get(by, self._element)
        ask = {"by": by, "url": f"{way[0]}/{NAME}/0", **first()}
        places = {origin: self._place() for origin in dict.fromkeys(way) if origin != GONE}
        self._answers(places, way)
        asks = [ask, *self._repeats(ask)]
        if by in ("fetch", "xhr") and self.often(0.05):
            asks[-1]["url"] += self.chance.choice(("#", "#part"))
        return {"page": self.page, "places": places, "fetches": asks}

    def _origin(self) -> str:
        if self.often(0.02) and self.origins[0].startswith("https:"):
            return GONE
        at_home = self.page in self.origins and self.often(0.25)
        return self.page if at_home else self.chance.choice(self.origins)

    # --- what the page asks

    def _fetch(self) -> Json:
        ask: Json = {"method": self._method(), "headers": self._headers()}
        if self.often(0.3 if ask["method"].upper() in ("GET", "HEAD") and self.often(0.1) else 0.5):
            ask |= self._body(ask["method"], stream=True)
        ask["mode"] = self.chance.choices(("cors", "no-cors", "same-origin"), (80, 14, 6))[0]
        ask["credentials"] = self.chance.choice(("omit", "same-origin", "include"))
        ask["redirect"] = self.chance.choices(("follow", "error", "manual"), (80, 10, 10))[0]
        return ask

    def _xhr(self) -> Json:
        ask: Json = {"method": self._method(), "headers": self._headers()}
        ask |= self._body(ask["method"], stream=False) if self.often(0.5) else {}
        return ask | {"with_credentials": self.often(0.4), "upload_listener": self.often(0.4)}

    def _element(self) -> Json:
        if self.kind == "font":
            return {}
        return {"crossorigin": self.chance.choice((None, "anonymous", "use-credentials"))}

    def _method(self) -> str:
        return self.chance.choice(_NO_METHODS if self.often(0.02) else _ASKED_METHODS)

    def _headers(self) -> list[list[str]]:
        names = self.some(list(_REQUEST_HEADERS), 4)
        lines = [[self._cased(name), self.chance.choice(_REQUEST_HEADERS[name])] for name in names]
        if self.often(0.06) and lines:
            lines.append([self._cased(lines[0][0]), self.chance.choice(_REQUEST_HEADERS[names[0]])])
        if self.often(0.03):
            lines += [["Accept", "a" * 120]] * self.chance.randint(7, 10)
        if self.often(0.02):
            lines.append(list(self.chance.choice(_NO_HEADERS)))
        return lines

    def _cased(self, name: str) -> str:
        return self.chance.choice((name, name, name.lower(), name.upper()))

    def _body(self, method: str, *, stream: bool) -> Json:
        if method.upper() in ("GET", "HEAD") and not self.often(0.1):
            return {}
        body = (
            "stream"
            if stream and self.often(0.08) and self.origins[0].startswith("https:")
            else self.chance.choice(_BODIES)
        )
        return {"body": body} | ({"blob_type": self.chance.choice(_BLOB_TYPES)} if body == "blob" else {})

    def _repeats(self, ask: Json) -> list[Json]:
        """The same again, with this and that changed: what a preflight cache is for."""
        if ask["by"] not in ("fetch", "xhr") or self.often(0.75):
            return []
        return [self._changed(ask) for _ in range(self.chance.randint(1, 3))]

    def _changed(self, ask: Json) -> Json:
        again = {**ask, **({"pause": 2.5} if self.often(0.06) else {})}
        if self.often(0.3):
            again["method"] = self._method()
        if self.often(0.3):
            again["headers"] = again["headers"][: self.chance.randint(0, 3)]
        if self.often(0.2):
            again |= {"with_credentials": self.often(0.5)} if ask["by"] == "xhr" else {"credentials": "include"}
        return again

    # --- what answers

    def _place(self) -> Json:
        if self.often(0.4):
            return {"answers": {}}
        while True:
            place = {
                "policy": self._policy(),
                "options": self._options(),
                "door": self.chance.choice(("asgi", "asgi", "wsgi")),
            }
            try:
                engine(place)
            except PolicyError:
                continue
            return place | {"answers": {}}

    def _policy(self) -> list[Json]:
        return [self._rule() for _ in range(self.chance.choices((1, 2, 3), (70, 20, 10))[0])]

    def _rule(self) -> Json:
        own = self.page if self.page != "null" else "*"
        wild = (
            "*",
            "https://*.example",
            "http://*.example",
            f"{self.origins[0].split(':')[0]}://*.test",
            "http://*.app.example",
        )
        origins = [own] if self.often(0.65) else self.some(wild, 2) + self.some(ORIGINS, 2)
        rule: Json = {"AllowedOrigins": origins or ["*"], "AllowedMethods": self.some(_METHODS, 5) or ["GET"]}
        if self.often(0.7):
            named = [name.lower() for name in self.some(list(_REQUEST_HEADERS), 8)]
            rule["AllowedHeaders"] = self.chance.choice((["*"], ["x-*", *named], named, ["*"])) or ["range"]
        if self.often(0.6):
            rule["ExposeHeaders"] = ["*"] if self.often(0.15) else self.some(_EXPOSED, 5) or ["etag"]
        if self.often(0.6):
            rule["MaxAgeSeconds"] = self.chance.choice(_MAX_AGES)
        return rule

    def _options(self) -> Json:
        options: Json = {"profile": "s3"} if self.often(0.15) else {}
        if self.often(0.35):
            options["credentials"] = True
        if self.often(0.2):
            options["extra_methods"] = ["PATCH"]
        return options | ({"star_always": True} if self.often(0.1) and not options.get("credentials") else {})

    def _answers(self, places: dict[str, Json], way: Sequence[str]) -> None:
        for index, origin in enumerate(way):
            if origin == GONE:
                return
            last = index == len(way) - 1
            answer = self._last() if last else self._redirect(way[index + 1], index + 1)
            self._put(places[origin], f"/{NAME}/{index}", answer)

    def _put(self, place: Json, path: str, answer: Json) -> None:
        """The answer, by its path; without a policy, with what the application itself says of CORS, and for a preflight too."""
        place["answers"][path] = answer
        if "policy" not in place:
            place["answers"][f"OPTIONS {path}"] = self._preflight()
            answer["headers"] = answer["headers"] + self._own_words(preflight=False)
        elif self.often(0.1):
            answer["headers"] = answer["headers"] + self._own_words(preflight=False)

    def _last(self) -> Json:
        headers = self.some(_RESPONSE_HEADERS, 6)
        if self.kind not in ("fetch", "xhr"):
            return {"headers": headers}
        return {"status": self.chance.choice(_STATUSES), "headers": headers}

    def _redirect(self, target: str, index: int) -> Json:
        location = f"{target}/{NAME}/{index}"
        odd = self.often(0.1)
        headers = [["Location", self.chance.choice(_ODD_LOCATIONS) if odd else location]]
        if self.kind in ("fetch", "xhr"):
            headers = self.chance.choices((headers, headers * 2, [], [["Location", ""]]), (94, 2, 2, 2))[0]
        return {"status": self.chance.choice(_REDIRECTS), "headers": headers}

    def _preflight(self) -> Json:
        status = self.chance.choice(
            (200, 204, 204, 204, 206, 299, 301, 307, 400, 404, 500) if self.often(0.3) else (200, 204)
        )
        moved = [["Location", f"/{NAME}/0"]] if status in _REDIRECTS and self.often(0.7) else []
        return {"status": status, "headers": self._own_words(preflight=True) + moved}

    def _own_words(self, *, preflight: bool) -> list[list[str]]:
        """What an application says of CORS by itself, which is often wrong."""
        good = self.often(0.6)
        words = {
            "Access-Control-Allow-Origin": self._allow_origin(good=good),
            "Access-Control-Allow-Credentials": self._one(
                ("true", "true", None) if good else ("True", "TRUE", "false", "true, true", None)
            ),
            "Access-Control-Expose-Headers": self._one(
                ("*", "ETag, X-One", "x-one ,, etag", "X One", "ETag; X-One", "Set-Cookie,x-one", "", None)
            ),
        }
        if preflight:
            words |= self._grants(good=good)
        lines = [[name, value] for name, value in words.items() if value is not None]
        twice = self.often(0.03) and lines
        return [*lines, self.chance.choice(lines)] if twice else lines

    def _one(self, values: Sequence[str | None]) -> str | None:
        return self.chance.choice(values)

    def _allow_origin(self, *, good: bool) -> str | None:
        page = self.page
        if good:
            return self._one((page, page, "*"))
        return self._one(
            (
                f"{page}/",
                f"{page}, *",
                f"{page} {page}",
                page.upper(),
                "null",
                "*",
                "",
                "https://forged.example",
                "**",
                None,
            )
        )

    def _grants(self, *, good: bool) -> dict[str, str | None]:
        words = _GOOD_GRANTS if good else _ODD_GRANTS
        return {name: self._one(values) for name, values in (words | _AGES).items()}


PAGE_HOMES: Final = {page: f"{OPAQUE_HOME}/page?null" if page == "null" else f"{page}/page" for page in _PAGES}
