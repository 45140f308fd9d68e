"""How a decision's headers are merged into an application's response (SEMANTICS 5.4 and 5.5), and what a door learns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

import r2style_cors.asgi
import r2style_cors.wsgi
from r2style_cors import Decision, Policy
from r2style_cors._response import MAX_LEARNED, MAX_MERGED, MAX_NAME, MAX_VALUE, HeaderEditor, merged_vary
from support.doors import asgi_exchange, at_once, wsgi_exchange

if TYPE_CHECKING:
    from collections.abc import Callable

Headers: TypeAlias = list[tuple[str, str]]

ORIGIN = "https://app.example"
RULES: list[Any] = [{"AllowedOrigins": [ORIGIN], "AllowedMethods": ["GET"]}]
ENGINE = Policy.parse(RULES).compile()
ALLOWED = ENGINE.decide("GET", ORIGIN)
REFUSED = ENGINE.decide("PUT", ORIGIN)
S3 = ("Origin", "Access-Control-Request-Headers", "Access-Control-Request-Method")

MERGED: list[tuple[str, list[str], tuple[str, ...], str]] = [
    ("one name", ["Accept"], ("Origin",), "Accept, Origin"),
    ("there already", ["Origin"], ("Origin",), "Origin"),
    ("there in another case", ["oRIGIN"], ("Origin",), "oRIGIN"),
    ("there in an earlier line", ["Origin", "Accept"], ("Origin",), "Accept"),
    ("only part of a name", ["X-Origin, Origin-Agent-Cluster"], ("Origin",), "X-Origin, Origin-Agent-Cluster, Origin"),
    ("the application's own repeats", ["Accept, accept"], ("Origin",), "Accept, accept, Origin"),
    ("a name that only ends alike", ["XOrigin"], ("Origin",), "XOrigin, Origin"),
    ("a name of one letter", ["X"], ("Origin",), "X, Origin"),
    ("odd spacing is kept", ["Accept ,\tCookie"], ("Origin",), "Accept ,\tCookie, Origin"),
    ("a comma at the end", ["Accept,  "], ("Origin",), "Accept, Origin"),
    ("empty", [""], ("Origin",), "Origin"),
    ("only commas", [", ,"], ("Origin",), "Origin"),
    ("a star", ["*"], ("Origin",), "*"),
    ("a star among names", ["Accept, *"], ("Origin",), "Accept, *"),
    ("a star in an earlier line", ["*", "Accept"], ("Origin",), "Accept"),
    ("a star inside a name is none", ["x-*"], ("Origin",), "x-*, Origin"),
    ("three names in their order", ["Accept"], S3, "Accept, " + ", ".join(S3)),
    ("three names, the middle one there", [S3[1].lower()], S3, f"{S3[1].lower()}, {S3[0]}, {S3[2]}"),
    ("nothing to add", ["Accept"], (), "Accept"),
]


@pytest.mark.parametrize(("lines", "names", "merged"), [case[1:] for case in MERGED], ids=[case[0] for case in MERGED])
def test_merged_vary(lines: list[str], names: tuple[str, ...], merged: str) -> None:
    """The last line of Vary gets what no line has; what is there keeps its place and its spelling."""
    assert merged_vary(lines, names) == merged
    assert merged_vary([*lines[:-1], merged], names) == merged, "merging again changes nothing"


OWN = ("access-control-max-age", "1")
EDITED: list[tuple[str, Headers, Decision, bool, Headers, bool]] = [
    ("nothing", [], REFUSED, False, [("Vary", "Origin")], False),
    ("two lines of Vary", [("VARY", "a"), ("X", "1"), ("vary", "b")], REFUSED, False,
     [("VARY", "a"), ("X", "1"), ("vary", "b, Origin")], False),
    ("own header goes", [OWN, ("X", "1")], REFUSED, False, [("X", "1"), ("Vary", "Origin")], True),
    ("own header stays", [OWN, ("X", "1")], REFUSED, True, [OWN, ("X", "1"), ("Vary", "Origin")], False),
    ("own header goes where a rule applies", [OWN, ("vary", "a")], ALLOWED, True,
     [("vary", "a, Origin"), ("Access-Control-Allow-Origin", ORIGIN)], True),
    ("own header between", [("vary", "a"), OWN, ("vary", "b"), OWN], REFUSED, False,
     [("vary", "a"), ("vary", "b, Origin")], True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("headers", "decision", "keep", "edited", "replaced"),
    [case[1:] for case in EDITED],
    ids=[case[0] for case in EDITED],
)
@pytest.mark.parametrize("raw", [False, True], ids=["str", "bytes"])
def test_edit(
    headers: Headers,
    decision: Decision,
    keep: bool,
    edited: Headers,
    replaced: bool,
    raw: bool,
) -> None:
    """Headers come out edited, as str and as bytes alike, twice over; the application's own list is as it was."""
    editor = HeaderEditor(raw=raw, keep_app_headers=keep)
    given: Any = [(name.encode(), value.encode()) for name, value in headers] if raw else [*headers]
    before = [*given]
    for _ in range(2):
        out, gone = editor.edit(given, decision)
        assert lowered(out) == lowered(edited), "names of the decision's own are lower-case in bytes"
        assert gone is replaced
    assert given == before


def lowered(pairs: list[tuple[Any, Any]]) -> Headers:
    """`pairs` as str, names in lower case."""

    def text(part: str | bytes) -> str:
        return part if isinstance(part, str) else part.decode()

    return [(text(name).lower(), text(value)) for name, value in pairs]


def asgi(headers_of: list[Headers]) -> list[Headers]:
    """What an ASGI server gets of an application's headers, response by response."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(name.encode(), value.encode()) for name, value in scope["says"]]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

    door = r2style_cors.asgi.CORSMiddleware(app, RULES)
    asked = {"type": "http", "method": "GET", "path": "/", "headers": [(b"origin", ORIGIN.encode())]}
    starts = [at_once(asgi_exchange(door, {**asked, "says": headers}))[0][0] for headers in headers_of]
    return [[(name.decode(), value.decode()) for name, value in start["headers"]] for start in starts]


def wsgi(headers_of: list[Headers]) -> list[Headers]:
    """The same of a WSGI server."""

    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", environ["says"])
        return []

    door = r2style_cors.wsgi.CORSMiddleware(app, RULES)
    asked = {"REQUEST_METHOD": "GET", "HTTP_ORIGIN": ORIGIN}
    return [[*wsgi_exchange(door, {**asked, "says": headers})[1]] for headers in headers_of]


OURS, VARY = ("Access-Control-Allow-Origin", ORIGIN), ("Vary", "Origin")
LONG = ("y" * (MAX_NAME + 1), "1")
RESPONSES: list[tuple[Headers, Headers]] = [
    ([("X", "1")], [("X", "1"), OURS, VARY]),
    ([("X", "1"), ("Vary", "a")], [("X", "1"), ("Vary", "a, Origin"), OURS]),
    ([("VARY", "a"), ("X", "1")], [("VARY", "a, Origin"), ("X", "1"), OURS]),
    ([("Vary", "a"), ("VARY", "b")], [("Vary", "a"), ("VARY", "b, Origin"), OURS]),
    ([("vary", "Origin")], [("vary", "Origin"), OURS]),
    ([("Vary", "*")], [("Vary", "*"), OURS]),
    ([("Vary", "a"), LONG], [("Vary", "a, Origin"), LONG, OURS]),
    ([("X", "1"), ("X", "2")], [("X", "1"), ("X", "2"), OURS, VARY]),
    ([("Access-Control-Allow-Origin", "*"), ("Vary", "a")], [("Vary", "a, Origin"), OURS]),
    ([("Vary", "Vary")], [("Vary", "Vary, Origin"), OURS]),  # from here on values that are spelt like names
    ([("Y", "Vary")], [("Y", "Vary"), OURS, VARY]),
    ([("Access-Control-Max-Age", "X")], [OURS, VARY]),
]


@pytest.mark.parametrize("through", [asgi, wsgi])
def test_what_a_door_learns_never_shows(through: Callable[[list[Headers]], list[Headers]]) -> None:
    """Names and values that a door has seen before, in any order and case, come out as those that it has not."""
    ours = {pair: (pair[0].lower(), pair[1]) for pair in (OURS, VARY) if through is asgi}
    for order in (RESPONSES, [*RESPONSES, *reversed(RESPONSES), *RESPONSES], *([one] for one in RESPONSES)):
        expected = [[ours.get(pair, pair) for pair in pairs] for _, pairs in order]
        assert through([given for given, _ in order]) == expected


def test_learning_is_bounded() -> None:
    """An application that makes up names and values of Vary costs no memory, and has its headers all the same."""
    editor = HeaderEditor(raw=False, keep_app_headers=False)
    for number in range(MAX_LEARNED + 10):
        headers = [(f"X-{number}", "1"), ("Vary", f"a{number}")]
        out, _ = editor.edit(headers, REFUSED)
        assert out == [headers[0], ("Vary", f"a{number}, Origin")]
        editor.with_vary(joined := [*headers, *REFUSED.extra], headers[1], REFUSED)
        assert joined == out
    editor.edit([("y" * (MAX_NAME + 1), "1"), ("Vary", "v" * MAX_VALUE)], REFUSED)
    assert len(editor.ordinary) == MAX_LEARNED
    assert len(editor._merged) == MAX_MERGED  # noqa: SLF001 - what is remembered shows nowhere else


def test_long_names_and_values_are_not_remembered() -> None:
    """A long name or a long Vary is worked out for every response anew."""
    editor = HeaderEditor(raw=False, keep_app_headers=False)
    headers = [("y" * (MAX_NAME + 1), "1"), ("Vary", "v" * MAX_VALUE)]
    out, _ = editor.edit(headers, REFUSED)
    assert out == [headers[0], ("Vary", "v" * MAX_VALUE + ", Origin")]
    assert editor.ordinary == set()
    assert editor._merged == {}  # noqa: SLF001 - the same
