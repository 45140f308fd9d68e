"""A case: what a page asks, one fetch after the other, and what answers. Plain JSON, so that it can be printed and shrunk.

`~case~` stands for the name that a case is given when it runs: its URLs are its own, and no cache knows them.
"""

from __future__ import annotations

import io
import json
import wave
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from r2style_cors import Engine, Policy
from r2style_cors.browser import Fetch, Response, Site

if TYPE_CHECKING:
    from collections.abc import Mapping

Json: TypeAlias = dict[str, Any]

NAME: Final = "~case~"
OPAQUE_HOME: Final = "http://app.example"  # where a page with the origin `null` is served, in a sandbox
GONE: Final = "https://gone.invalid"  # where nothing answers
ORIGINS: Final = tuple(
    f"{scheme}://{host}"
    for scheme in ("http", "https")
    for host in ("app.example", "www.app.example", "files.example", "cdn.example:8443", "other.test")
)
_OPTIONS = ("profile", "credentials", "extra_methods", "star_always")


def _silence() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(b"\x80" * 800)
    return file.getvalue()


def _demo_file(name: str) -> bytes:
    return (files("r2style_cors.demo") / "files" / name).read_bytes()


# What each way of fetching can use, and its type.
CONTENTS: Final[Mapping[str, tuple[str, bytes]]] = {
    "fetch": ("text/plain", b"content"),
    "xhr": ("text/plain", b"content"),
    "image": ("image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'),
    "script": ("text/javascript", b"0"),
    "module": ("text/javascript", b"export {}"),
    "stylesheet": ("text/css", b"p { color: red }"),
    "font": ("font/ttf", _demo_file("dots.ttf")),
    "video": ("audio/wav", _silence()),
    "audio": ("audio/wav", _silence()),
}


_NOT_FOUND: Final = Response(404, (("Content-Length", "0"),))


def named(case: Json, name: str) -> Json:
    """The case under its name."""
    return cast("Json", json.loads(json.dumps(case).replace(NAME, name)))


def fetches(case: Json) -> list[Fetch]:
    """The fetches of a case, for the model."""
    return [_fetch(case["page"], ask) for ask in case["fetches"]]


def _fetch(page: str, ask: Json) -> Fetch:
    by = ask.get("by", "fetch")
    asked: Any = {key: value for key, value in ask.items() if key not in ("by", "pause")}
    if "headers" in asked:
        asked["headers"] = tuple((name, value) for name, value in asked["headers"])
    if by == "fetch":
        return Fetch(page, **asked)
    own: dict[str, Any] = {"xhr": Fetch.xhr, "module": Fetch.module, "font": Fetch.font}
    return own[by](page, **asked) if by in own else Fetch.element(page, kind=by, **asked)


def servers(case: Json) -> dict[str, Any]:
    """What answers at each origin, for the model: methods arrive in upper case there too (ASGI, HTTP connection scope)."""
    return {origin: _upper(site.app()) for origin, site in sites(case).items()}


def _upper(app: Any) -> Any:
    def call(environ: Any, start_response: Any) -> Any:
        return app({**environ, "REQUEST_METHOD": environ["REQUEST_METHOD"].upper()}, start_response)

    return call


def sites(case: Json) -> dict[str, Site]:
    """What answers at each origin; where the case says nothing, a 404."""
    kind = case["fetches"][0].get("by", "fetch")
    found = dict.fromkeys(ORIGINS, Site(default=_NOT_FOUND))
    return found | {origin: _site(place, kind) for origin, place in case["places"].items()}


def _site(place: Json, kind: str) -> Site:
    answers = {key: _response(each, kind) for key, each in place.get("answers", {}).items()}
    return Site(engine(place), answers, _NOT_FOUND)


def engine(place: Json) -> Engine | None:
    """The policy of a place, ready to decide; None where it has none.

    Raises:
        PolicyError: it is refused.
    """
    if not place.get("policy"):
        return None
    options = {key: value for key, value in place.get("options", {}).items() if key in _OPTIONS}
    return Policy.parse(place["policy"], profile=options.get("profile", "r2")).compile(**options)


def _response(answer: Json, kind: str) -> Response:
    """What an application answers, with the length of its body, which a server would add otherwise."""
    status = answer.get("status", 200)
    content_type, content = CONTENTS[kind]
    body = b"" if status in (204, 304) else content
    own = tuple((name, value) for name, value in answer.get("headers", ()))
    length = () if status == 204 else (("Content-Length", str(len(body))),)
    stated = () if any(name.lower() == "content-type" for name, _ in own) else (("Content-Type", content_type),)
    return Response(status, (*own, *stated, ("Cache-Control", "no-store"), *length), body)
