"""Every request case through the engine and every door, and what holds for all cases together."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from support.cases import Case, load_cases
from support.doors import Ask, asgi, decide, wsgi
from support.messages import cors_lines, error_elements

if TYPE_CHECKING:
    from support.messages import Response

CASES = load_cases()
LAYERS = {"alone": 1, "stacked": 2}  # of which the outer one decides, and the inner one passes everything through
MAY_REPEAT = frozenset({"set-cookie", "vary"})

# What one request cannot show, and where it is shown instead.
NOT_SHOWN = {
    "7.3": "paths bind several policies; the tests of path policies show it",
    "7.5": "a reload takes a second file and a second request; the tests of policy files show it",
}
CLAUSES = {
    "3": range(1, 8),
    "4": range(1, 6),
    "5": range(1, 8),
    "6": None,
    "7": range(1, 6),
    "8": range(1, 4),
    "9": None,
}


def cases_for(door: str) -> list[Any]:
    """The cases that `door` can express, each under its own name."""
    return [pytest.param(case, id=case.name) for case in CASES if door in case.doors]


@pytest.mark.parametrize("case", cases_for("engine"))
def test_engine(case: Case) -> None:
    """The engine alone gives the decision, its status and its headers."""
    decision = decide(case.policy, case.options, case.request)
    check_decision(case, decision)
    assert decision.status == (None if case.expect["reached"] else case.expect["status"])
    if not case.app.raises and not cors_lines(case.app.headers):
        assert dict(cors_lines(decision.headers)) == case.expect["cors"]
    assert decision.raw_headers == tuple((k.lower().encode(), v.encode("latin-1")) for k, v in decision.headers)


@pytest.mark.parametrize("layers", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("case", cases_for("asgi"))
def test_asgi(case: Case, layers: int) -> None:
    """The ASGI door answers as the case says, twice over, and leaves the engine's decision in the scope."""
    check_door(case, asgi(case.app, case.policy, case.options, layers))


@pytest.mark.parametrize("layers", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("case", cases_for("wsgi"))
def test_wsgi(case: Case, layers: int) -> None:
    """The WSGI door answers as the case says, twice over, and leaves the engine's decision in the environ."""
    check_door(case, wsgi(case.app, case.policy, case.options, layers))


def check_door(case: Case, ask: Ask) -> None:
    """Send the case through a door, and compare everything that came out."""
    response = ask(case.request)
    assert ask(case.request) == response, "what is remembered never shows"
    expect = case.expect
    assert response.reached is expect["reached"]
    assert response.status == expect["status"]
    assert response.raised is expect.get("raises", False)
    assert response.cors() == sorted(expect["cors"].items()), "exactly these CORS headers"
    check_headers(case, response)
    check_body(expect, response.body)
    if response.reached and not case.request.websocket:
        check_decision(case, response.decision)
        assert response.decision == decide(case.policy, case.options, case.request)


def check_decision(case: Case, decision: Any) -> None:
    """Compare what SEMANTICS 8.3 calls the decision."""
    for name in ("kind", "allowed", "reason", "rule"):
        assert getattr(decision, name) == case.expect[name], name


def check_headers(case: Case, response: Response) -> None:
    """Compare Vary and the other headers that the case names; no header may come twice of our doing."""
    if "vary" in case.expect:
        assert response.vary() == case.expect["vary"]
    for name, value in case.expect.get("headers", {}).items():
        wanted = [] if value is None else [value] if isinstance(value, str) else value
        assert response.lines(name) == wanted, name
    own = Counter(name.lower() for name, _ in case.app.headers)
    for name, count in Counter(name.lower() for name, _ in response.headers).items():
        assert count == 1 or name in MAY_REPEAT or count == own[name], f"{name} came {count} times"
    for name, value in response.headers:
        assert re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name)
        assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value), name


def check_body(expect: dict[str, Any], body: bytes) -> None:
    """Compare the body: as text, by its parts, or as the elements of an XML error."""
    text = body.decode()
    if "body" in expect:
        assert text == expect["body"]
    contained = expect.get("body_contains", [])
    for part in [contained] if isinstance(contained, str) else contained:
        assert part in text
    for part in expect.get("body_lacks", []):
        assert part not in text
    if "xml" in expect:
        found = error_elements(body)
        assert {name: found[name] for name in expect["xml"]} == expect["xml"]


def test_names_are_unique() -> None:
    """A case is found by its name, so no two share one."""
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []


def test_requests_are_unique() -> None:
    """No case says what another one says already."""
    names: dict[str, list[str]] = {}
    for case in CASES:
        content = repr((case.policy, sorted(case.options.items()), case.request, case.app))
        names.setdefault(content, []).append(case.name)
    assert [doubled for doubled in names.values() if len(doubled) > 1] == []


def test_every_clause_is_shown() -> None:
    """Every clause that one request can show is named by a case, and no case names a clause that does not exist."""
    numbers = {f"{part}.{n}" if rows else part for part, rows in CLAUSES.items() for n in rows or (0,)}
    named = {clause for case in CASES for clause in case.clauses}
    assert named == numbers - NOT_SHOWN.keys()


def test_every_case_says_what_it_shows() -> None:
    """The line of text that documents a case is there, and is one line."""
    assert [case.name for case in CASES if not case.shows.strip() or "\n" in case.shows] == []
