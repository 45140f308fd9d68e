"""What is asked of the doors: any messages and any environs, from servers and from applications alike."""

from __future__ import annotations

import copy
import logging
import re
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import r2style_cors.asgi
import r2style_cors.wsgi
from choices import Choices
from r2style_cors import PathPolicies
from r2style_cors._door import KEY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator

Pairs = list[tuple[str, str]]

WILDCARD: list[Any] = [
    {"AllowedOrigins": ["https://*.a.example", "https://b.example"], "AllowedMethods": ["GET", "PUT"],
     "AllowedHeaders": ["x-*", "content-type"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 600},
    {"AllowedOrigins": ["https://*.example"], "AllowedMethods": ["GET"], "AllowedHeaders": ["*"]},
]  # fmt: skip
STAR: list[Any] = [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET", "POST"], "AllowedHeaders": ["*"]}]
TEXTS: list[Any] = [{"AllowedOrigins": ["a*", "*z", "*"], "AllowedMethods": ["GET"], "AllowedHeaders": ["*"]}]
SETTINGS: tuple[tuple[Any, dict[str, Any]], ...] = (
    (WILDCARD, {}),
    (WILDCARD, {"debug": True}),
    (WILDCARD, {"credentials": False, "keep_app_headers": True, "extra_methods": ("PATCH",)}),
    ([WILDCARD[0]], {"credentials": True}),
    (STAR, {}),
    (STAR, {"star_always": True}),
    (TEXTS, {"profile": "s3"}),
    (TEXTS, {"profile": "s3", "debug": True, "keep_app_headers": True}),
    (PathPolicies({"/": None, "/a": WILDCARD, "/a/b": STAR}), {"debug": True}),
)
HANDSHAKES: tuple[Any, dict[str, Any]] = (WILDCARD, {"websocket_origin_check": True})

ASKED = ("origin", "access-control-request-method", "access-control-request-headers", "host", "cookie")
SAID = (
    "content-type", "vary", "Vary", "VARY", "access-control-allow-origin", "Access-Control-Allow-Origin", "set-cookie",
    "access-control-max-age", "x-access-control-allow-origin", "Access-Control-Expose-Headers",
)  # fmt: skip
ORIGINS = ("https://b.example", "https://x.a.example", "https://x.example", "null", "a", "z", "", "http://b.example")
METHODS = ("GET", "OPTIONS", "PUT", "HEAD", "PATCH", "BREW", "")
PATHS = ("/", "/a", "/a/", "/a/b", "/a/bc", "/ab", "", "/a/b/c", "//a", "/a%2fb", "a")
VARIES = ("Origin", "accept-encoding", "*", "Accept, origin", "", ",", "Cookie, *")
TYPES = ("http.response.body", "http.response.start", "http.response.debug", "http.response.trailers", "odd", "")

SPELLINGS: tuple[Callable[..., Any], ...] = (list, tuple, iter)  # of header lists, as applications give them

CORS = re.compile(r"access-control-(allow-(origin|methods|headers|credentials)|expose-headers|max-age)")
OURS = re.compile(r"[\x20-\x7e]*")  # no CR, no LF, no other control, nothing that is not ASCII (SEMANTICS 8.2)


class OnPurpose(Exception):  # noqa: N818 - it is no error
    """What the application fails with."""


class Listener(logging.Handler):
    """Holds what is logged to SEMANTICS 8.2."""

    def emit(self, record: logging.LogRecord) -> None:
        """Values from requests are escaped."""
        assert OURS.fullmatch(record.getMessage())
        assert OURS.fullmatch(repr(getattr(record, "cors", {})))


@contextmanager
def listening(*, wanted: bool) -> Iterator[None]:
    """Have every record made, and none of them shown."""
    logger = logging.getLogger("r2style_cors")
    before, listener = (logger.level, logger.propagate), Listener()
    logger.addHandler(listener)
    logger.setLevel(logging.DEBUG if wanted else logging.CRITICAL)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(listener)
        logger.setLevel(before[0])
        logger.propagate = before[1]


class Given(NamedTuple):
    """What a request and its application bring: the answer's pairs, several starts of them, and whether it fails."""

    method: str
    path: str
    asked: Pairs
    starts: list[Pairs]
    fails: bool


def given(choices: Choices) -> Given:
    """A request that may have to do with the policies, and an application that may break every rule of HTTP."""
    return Given(
        choices.nearly(choices.one(METHODS)),
        choices.nearly(choices.one(PATHS)),
        choices.several(lambda: asked(choices), 5),
        choices.several(lambda: choices.several(lambda: said(choices), 5), 2),
        choices.seldom(),
    )


def asked(choices: Choices) -> tuple[str, str]:
    """One header of a request."""
    pools: tuple[tuple[str, ...], ...] = (
        ORIGINS,
        METHODS,
        ("x-a", "x-a,X-B", "content-type, ,", "*", ""),
        ("b.example", ""),
        ("a=b",),
    )
    at = choices.below(len(ASKED))
    return choices.nearly(ASKED[at]), choices.nearly(choices.one(pools[at]))


def said(choices: Choices) -> tuple[str, str]:
    """One header of an application's answer."""
    name = choices.one(SAID)
    return choices.nearly(name), choices.nearly(choices.one(VARIES if name.lower() == "vary" else ORIGINS))


def is_sole_author(decision: Any, setting: int) -> bool:
    """Whether the policy covers the request, and alone says its CORS headers (SEMANTICS 5.5)."""
    return decision is not None and "keep_app_headers" not in SETTINGS[setting % len(SETTINGS)][1]


def check_added(before: Pairs, after: Pairs, *, sole: bool) -> None:
    """What the door made of one header list: the application's own in order, and nothing odd that it did not say."""
    assert [pair for pair in after if not is_special(pair[0])] == [pair for pair in before if not is_special(pair[0])]
    if sole:
        check_unique(after)
    own = {value for name, value in before if is_special(name)}
    for name, value in after:
        if is_special(name) and value not in own and not (name.lower() == "vary" and extends(value, own)):
            assert OURS.fullmatch(value), (name, value)


def is_special(name: str) -> bool:
    """Whether a door may change the header."""
    return name.lower() == "vary" or CORS.fullmatch(name.lower()) is not None


def check_unique(pairs: Pairs) -> None:
    """No CORS header comes twice."""
    names = [name.lower() for name, _ in pairs if CORS.fullmatch(name.lower())]
    assert len(names) == len(set(names)), pairs


def extends(value: str, own: set[str]) -> bool:
    """Whether `value` is one of the application's own with names added, all of them in ASCII."""
    return any(value.startswith(one.rstrip(" \t,")) and OURS.fullmatch(value[len(one.rstrip(" \t,")) :]) for one in own)


def check_refusal_or_grant(status: int, pairs: Pairs, body: bytes) -> None:
    """The policy's own answer to a preflight: nothing in it but printable ASCII."""
    assert status in (200, 204, 400, 403)
    check_unique(pairs)
    for name, value in pairs:
        assert OURS.fullmatch(name + value), (name, value)
    assert OURS.fullmatch(body.decode("latin-1"))


@cache
def asgi_door(setting: int) -> Any:
    """The middleware with one of the settings, in front of an application that says what its scope holds."""

    async def app(scope: Any, _: Any, send: Any) -> None:
        scope["test.decided"].append(scope.get(KEY))
        for message in scope["test.says"]:
            await send(message)
        if scope["test.fails"]:
            raise OnPurpose

    policy, options = (*SETTINGS, HANDSHAKES)[setting]
    return r2style_cors.asgi.CORSMiddleware(app, policy=policy, **options)


def asgi(data: bytes) -> None:
    """Any scope and any messages: what comes out is what went in, but for the headers of a start."""
    choices = Choices(data)
    setting = choices.below(len(SETTINGS) + 1)
    listens, spelt = choices.flag(), choices.one(SPELLINGS)
    parts = given(choices)
    answer = asgi_messages(choices, parts.starts)
    scope: dict[str, Any] = {
        "type": choices.one(("http", "http", "http", "http", "websocket", "lifespan")),
        "method": parts.method,
        "path": parts.path,
        "root_path": choices.one(("", "/a", "/", "a")),
        "headers": encoded(parts.asked),
        "test.decided": [],
        "test.says": [spelt_as(message, spelt) for message in answer],
        "test.fails": parts.fails,
    }
    before = copy.copy(scope)
    with listening(wanted=listens):
        sent, failed = drive(asgi_door(setting), scope)
    assert scope == before, "the server's scope is left alone"
    if not scope["test.decided"]:
        check_answer(sent)
        return
    assert failed is parts.fails
    check_messages(answer, sent, sole=is_sole_author(scope["test.decided"][0], setting))


def asgi_messages(choices: Choices, starts: list[Pairs]) -> list[dict[str, Any]]:
    """What an application sends: starts with their headers, and whatever else."""
    messages: list[dict[str, Any]] = [
        {"type": "http.response.start", "status": 200, "headers": encoded(pairs)} for pairs in starts
    ]
    others = choices.several(lambda: {"type": choices.nearly(choices.one(TYPES)), "body": choices.raw(4)}, 3)
    return [*messages, *others] if choices.flag() else [*others, *messages]


def spelt_as(message: dict[str, Any], spelt: Callable[..., Any]) -> dict[str, Any]:
    """A copy of `message` with its headers as a list, a tuple or an iterator, and without any if it has none."""
    pairs = message.get("headers")
    return {**message, "headers": spelt(pairs)} if pairs else {key: message[key] for key in message if key != "headers"}


def encoded(pairs: Pairs) -> list[tuple[bytes, bytes]]:
    """Pairs as ASGI has them."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]


def decoded(pairs: Iterable[tuple[bytes, bytes]]) -> Pairs:
    """The same the other way round; a `str` among them would have broken a server."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs]


def drive(door: Any, scope: dict[str, Any]) -> tuple[list[dict[str, Any]], bool]:
    """Run one request without an event loop; what was sent, and whether the application's own failure came out."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    def run(awaitable: Awaitable[None]) -> None:
        for _ in awaitable.__await__():
            message = "nothing here waits for anything"
            raise AssertionError(message)

    try:
        run(door(scope, receive, send))
    except OnPurpose:
        return sent, True
    return sent, False


def check_answer(sent: list[dict[str, Any]]) -> None:
    """The door's own answer: two messages, or the end of a handshake."""
    if sent != [{"type": "websocket.close"}]:
        start, body = sent
        check_refusal_or_grant(start["status"], decoded(start["headers"]), body["body"])


def check_messages(said: list[dict[str, Any]], sent: list[dict[str, Any]], *, sole: bool) -> None:
    """Every message comes out, in order, the same but for its headers if it is a start."""
    assert len(said) == len(sent)
    for before, after in zip(said, sent, strict=True):
        assert {**before, "headers": None} == {**after, "headers": None}
        if before["type"] == "http.response.start":
            check_added(decoded(before.get("headers", ())), decoded(after.get("headers", ())), sole=sole)


@cache
def wsgi_door(setting: int) -> Any:
    """The middleware with one of the settings, in front of an application that says what its environ holds."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        environ["test.decided"].append(environ.get(KEY))
        for number, pairs in enumerate(environ["test.says"]):
            failed = (OnPurpose, OnPurpose(), None)
            start_response("200 OK", pairs, *([failed] if number else []))(b"written")
        yield b"body"
        if environ["test.fails"]:
            raise OnPurpose

    policy, options = SETTINGS[setting]
    return r2style_cors.wsgi.CORSMiddleware(app, policy=policy, **options)


def wsgi(data: bytes) -> None:
    """Any environ, and any use of `start_response`: what comes out is what went in, but for the headers."""
    choices = Choices(data)
    setting = choices.below(len(SETTINGS))
    listens, spelt = choices.flag(), choices.one(SPELLINGS[:2])
    parts = given(choices)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": parts.method,
        "SCRIPT_NAME": choices.one(("", "/a")),
        "PATH_INFO": parts.path,
        "test.decided": [],
        "test.says": [spelt(pairs) for pairs in parts.starts],
        "test.fails": parts.fails,
    }
    environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in parts.asked}
    with listening(wanted=listens):
        started, body, failed = serve(wsgi_door(setting), environ)
    if not environ["test.decided"]:
        [(status, pairs)] = started
        check_refusal_or_grant(int(status[:3]), pairs, body)
        return
    assert failed is parts.fails
    assert body == b"written" * len(parts.starts) + b"body"
    decision = environ["test.decided"][0]
    for before, (_, after) in zip(parts.starts, started, strict=True):
        check_added(before, after, sole=is_sole_author(decision, setting))
        assert decision is None or type(after) is list  # PEP 3333


def serve(door: Any, environ: dict[str, Any]) -> tuple[list[tuple[str, Pairs]], bytes, bool]:
    """Run one request: every start, the body, and whether the application's own failure came out."""
    started: list[tuple[str, Pairs]] = []
    chunks: list[bytes] = []

    def start_response(status: str, headers: Pairs, exc_info: Any = None) -> Callable[[bytes], None]:  # noqa: ARG001 - PEP 3333 has it
        started.append((status, headers))
        return chunks.append

    try:
        chunks.extend(door(environ, start_response))
    except OnPurpose:
        return started, b"".join(chunks), True
    return started, b"".join(chunks), False
