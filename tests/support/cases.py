"""The request cases of `tests/cases`: read, spelled out, ready for a door. `tests/cases/README.md` has the format."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.messages import NO_CONTENT, Answer, Headers, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent.parent / "cases"
DOOR_NAMES = ("engine", "asgi", "wsgi")


@dataclass(frozen=True)
class Case:
    """One request to one policy, and everything that has to come of it."""

    name: str
    clauses: tuple[str, ...]
    shows: str
    policy: list[dict[str, Any]]
    options: dict[str, Any]
    request: Request
    app: Answer
    expect: dict[str, Any]
    doors: tuple[str, ...]

    def __str__(self) -> str:
        return self.name


def load_cases() -> list[Case]:
    """Every case of every file, in the order of the files' names."""
    return [case for path in sorted(FOLDER.glob("*.json")) for case in read_file(path)]


def read_file(path: Path) -> Iterator[Case]:
    """The cases of one file; a case's name is led by the file's."""
    document = json.loads(path.read_text(encoding="utf-8"))
    for entry in document["cases"]:
        yield read_case(path.stem, document["policies"], entry)


def read_case(topic: str, policies: dict[str, Any], entry: dict[str, Any]) -> Case:
    """One case, spelled out. A key that the format does not have is a mistake of its author."""
    known = {"name", "clause", "shows", "policy", "options", "request", "app", "expect", "doors"}
    assert entry.keys() <= known, f"{entry['name']}: {entry.keys() - known}"
    return Case(
        name=f"{topic}: {entry['name']}",
        clauses=tuple(entry["clause"].split()),
        shows=entry["shows"],
        policy=policies[entry["policy"]],
        options=read_options(entry.get("options", {})),
        request=read_request(entry["request"]),
        app=read_answer(entry.get("app", {})),
        expect=read_expectation(entry["expect"]),
        doors=tuple(entry.get("doors", DOOR_NAMES)),
    )


def read_options(options: dict[str, Any]) -> dict[str, Any]:
    """The middleware's keywords; JSON has no tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}


def read_request(entry: dict[str, Any]) -> Request:
    """The request; a header's value may be a list of parts (`spell`)."""
    headers = tuple((name, spell(value)) for name, value in entry.get("headers", []))
    return Request(entry.get("method", "GET"), headers, entry.get("path", "/"), entry.get("websocket", False))


def read_answer(entry: dict[str, Any]) -> Answer:
    """The application's answer, text unless its status forbids content."""
    status = entry.get("status", 200)
    content_type: Headers = () if status in NO_CONTENT else (("Content-Type", "text/plain"),)
    headers = content_type + tuple((name, value) for name, value in entry.get("headers", []))
    body = b"" if status in NO_CONTENT else b"the application"
    return Answer(status, headers, body, entry.get("raises", ""))


def read_expectation(entry: dict[str, Any]) -> dict[str, Any]:
    """What is expected, its long CORS values spelled out."""
    return entry | {"cors": {name.lower(): spell(value) for name, value in entry.get("cors", {}).items()}}


def spell(value: str | list[Any]) -> str:
    """A value as text: `["x-", ["a", 3]]` is `x-aaa`, so that a long value stays readable in a file."""
    if isinstance(value, str):
        return value
    return "".join(part if isinstance(part, str) else part[0] * part[1] for part in value)
