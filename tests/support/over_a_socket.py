"""What a bare application behind a door answers over a socket, whatever the protocol between server and application."""

from __future__ import annotations

import http.client
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from support.messages import cors_lines, list_items

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Event

ORIGIN = "https://app.example"
OTHER = "https://other.example"
RULES: list[Any] = [{"AllowedOrigins": [ORIGIN], "AllowedMethods": ["GET", "PUT", "HEAD"], "AllowedHeaders": ["x-a"]}]
GRANTED = [("access-control-allow-origin", ORIGIN)]
FROM_ORIGIN = {"Origin": ORIGIN}
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-a"}
REFUSED_PREFLIGHT = {**PREFLIGHT, "Origin": OTHER}


@contextmanager
def asked(port: int, method: str, path: str, headers: dict[str, str]) -> Iterator[http.client.HTTPResponse]:
    """One request over a connection of its own, and its response while the block lasts."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request(method, path, headers=headers)
        yield connection.getresponse()


def assert_served_behind_a_door(port: int, released: Event) -> None:
    """A preflight granted and refused, an actual request, HEAD, two cookies, and an unbuffered stream.

    The application on `port` sets `Vary: Accept` and two cookies, and answers `one two`; of `/stream`, the `two` only
    once `released` is set.
    """
    with asked(port, "OPTIONS", "/", PREFLIGHT) as response:
        assert (response.status, response.read()) == (204, b"")
        assert response.headers["access-control-allow-headers"] == "x-a"
    with asked(port, "OPTIONS", "/", REFUSED_PREFLIGHT) as response:
        assert (response.status, response.headers.get_content_type()) == (403, "application/xml")
        assert len(response.read()) == int(response.headers["content-length"])
    for method, body in (("GET", b"one two"), ("HEAD", b"")):
        with asked(port, method, "/", FROM_ORIGIN) as response:
            assert response.read() == body
            assert cors_lines(tuple(response.headers.items())) == GRANTED
            assert list_items(response.headers.get_all("vary") or []) == ["Accept", "Origin"]
            assert response.headers.get_all("set-cookie") == ["a=1", "b=2"]
    with asked(port, "GET", "/stream", {"Origin": OTHER}) as response:
        assert response.read1(4) == b"one "
        released.set()
        assert response.read() == b"two"
        assert cors_lines(tuple(response.headers.items())) == []
