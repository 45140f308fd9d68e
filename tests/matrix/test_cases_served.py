"""The request cases over real sockets: what a server does to a request and to a response changes no answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from matrix.client import Ask, http1, http2
from matrix.servers import ASGI_SERVERS, WSGI_SERVERS, Framework, Pair, Served, serve
from support.cases import Case, load_cases
from support.messages import Response
from test_cases import check_body, check_headers

if TYPE_CHECKING:
    from pathlib import Path

    from matrix.client import Got

CASES = list(enumerate(load_cases()))
PAIRS = [
    *(Pair(Framework("Cases (ASGI)", "cases_asgi"), server, asgi=True) for server in ASGI_SERVERS),
    *(Pair(Framework("Cases (WSGI)", "cases_wsgi"), server, asgi=False) for server in WSGI_SERVERS),
]
# What HTTP clients and servers agree to carry; the rest is for the doors' own tests, which have no server before them.
METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
FIELD_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
MAX_FIELD, MAX_FIELDS = 4096, 90
MANY = 400


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.server.name)
def test_cases_over_a_socket(pair: Pair, tmp_path: Path) -> None:
    """Behind a real server every case that HTTP can carry is answered as at the door."""
    cases = [(number, case) for number, case in CASES if carried(case, pair)]
    assert len(cases) > MANY
    failed: dict[str, str] = {}
    with serve(pair, tmp_path) as served:
        for number, case in cases:
            try:
                compare(case, exchange(served, number, case))
            except (AssertionError, OSError) as error:
                failed[case.name] = str(error)
    assert failed == {}


def carried(case: Case, pair: Pair) -> bool:
    """Whether a client can send the request, and the server hands it on as it was sent."""
    request = case.request
    names = [name.lower() for name, _ in request.headers]
    return (
        ("asgi" if pair.asgi else "wsgi") in case.doors
        and not request.websocket
        and not case.app.raises
        and request.method in METHODS
        and len(names) <= MAX_FIELDS
        and "host" not in names  # which is the client's own
        and all(FIELD_VALUE.fullmatch(value) and len(value) <= MAX_FIELD for _, value in request.headers)
        and all(value.isascii() for _, value in case.app.headers)
        and (len(set(names)) == len(names) or pair.server.name != "cheroot")  # which keeps the last line of a name
    )


def exchange(served: Served, number: int, case: Case) -> Got:
    """Send a case's request."""
    send = http2 if served.pair.server.http2 else http1
    return send(
        served.port, Ask(case.request.method, case.request.path, (*case.request.headers, ("X-Case", str(number))))
    )


def compare(case: Case, got: Got) -> None:
    """Compare what came back with what the case says; what only a door sees is left to the doors' tests."""
    expect = case.expect
    response = Response(got.status, got.headers, got.body, reached=expect["reached"], decision=None)
    assert response.status == expect["status"]
    assert response.cors() == sorted(expect["cors"].items()), "exactly these CORS headers"
    check_headers(case, response)
    if case.request.method != "HEAD":
        check_body(expect, response.body)
