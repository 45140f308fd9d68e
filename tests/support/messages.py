"""Requests and responses as plain data, the same for every door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias
from xml.etree import ElementTree as ET

Headers: TypeAlias = tuple[tuple[str, str], ...]

CORS_PREFIX = "access-control-"
NO_CONTENT = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Request:
    """One request: header lines as the client sends them, so a name may come several times."""

    method: str = "GET"
    headers: Headers = ()
    path: str = "/"
    websocket: bool = False

    def lines(self, name: str) -> list[str]:
        """The values of every line named `name`, in order."""
        return lines(self.headers, name)

    def joined(self, name: str) -> str | None:
        """All lines named `name` as one value (RFC 9110, section 5.3); None where there is none."""
        found = self.lines(name)
        return ", ".join(found) if found else None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the application behind the door says; `raises` is "before" or "after" the start of its response."""

    status: int = 200
    headers: Headers = (("Content-Type", "text/plain"),)
    body: bytes = b"the application"
    raises: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """What came out of the door. `status` is None where nothing was started."""

    status: int | None
    headers: Headers
    body: bytes
    reached: bool
    decision: Any
    raised: bool = False

    def lines(self, name: str) -> list[str]:
        """The values of every line named `name`, in order."""
        return lines(self.headers, name)

    def cors(self) -> list[tuple[str, str]]:
        """Every CORS response header, repeats included, sorted by name."""
        return cors_lines(self.headers)

    def vary(self) -> list[str]:
        """The names in Vary, over all its lines, in order."""
        return list_items(self.lines("vary"))


class ApplicationError(Exception):
    """Raised by an application that fails on purpose."""


def lines(headers: Headers, name: str) -> list[str]:
    """The values of every line named `name`, in order."""
    return [value for key, value in headers if key.lower() == name.lower()]


def cors_lines(headers: Headers) -> list[tuple[str, str]]:
    """Every CORS response header, repeats included, sorted by name."""
    return sorted((name.lower(), value) for name, value in headers if name.lower().startswith(CORS_PREFIX))


def list_items(values: list[str]) -> list[str]:
    """The items of a comma-separated list over several lines; empty items do not count (RFC 9110, section 5.6.1)."""
    items = [item.strip(" \t") for value in values for item in value.split(",")]
    return [item for item in items if item]


def error_elements(body: bytes) -> dict[str, str | None]:
    """The children of an `<Error>` document and their text; fails where the body is no well-formed XML."""
    error = ET.fromstring(body)  # noqa: S314 - the document is the library's own
    assert error.tag == "Error"
    return {element.tag: element.text for element in error}
