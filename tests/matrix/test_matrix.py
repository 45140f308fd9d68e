"""Every framework on every server, over real sockets: exactly the CORS headers of the policy, and nothing broken.

By default a representative part runs, in which every framework and every server comes once at least.
`R2STYLE_CORS_MATRIX=all` runs all of it, and so does `python tests/matrix/run.py`, which also writes docs/matrix.md.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from matrix.checks import ASGI_CHECKS, WSGI_CHECKS, Check, Echo
from matrix.exceptions import absent
from matrix.servers import PAIRS, Pair, Served, representative, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

CHOSEN = PAIRS if os.environ.get("R2STYLE_CORS_MATRIX") == "all" else representative()


@pytest.fixture(scope="module")
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A pair that runs, for all of its checks."""
    pair: Pair = request.param
    with serve(pair, tmp_path_factory.mktemp("pair")) as running:
        yield running


@pytest.mark.parametrize("check", ASGI_CHECKS, ids=str)
@pytest.mark.parametrize("served", [pair for pair in CHOSEN if pair.asgi], ids=str, indirect=True)
def test_asgi_pair(served: Served, check: Check | Echo) -> None:
    """Over a socket, an ASGI framework on a server answers one check as the policy says."""
    run(served, check)


@pytest.mark.parametrize("check", WSGI_CHECKS, ids=str)
@pytest.mark.parametrize("served", [pair for pair in CHOSEN if not pair.asgi], ids=str, indirect=True)
def test_wsgi_pair(served: Served, check: Check | Echo) -> None:
    """Over a socket, a WSGI framework on a server answers one check as the policy says."""
    run(served, check)


def run(served: Served, check: Check | Echo) -> None:
    """Run a check, unless the framework or the server has nothing that it could be asked of."""
    if reason := absent(served.pair, check.name):
        pytest.skip(reason)
    check.run(served)


@pytest.mark.parametrize("kind", ["framework", "server"])
def test_representative_part_leaves_nothing_out(kind: str) -> None:
    """Every framework and every server of the whole matrix is in the part that always runs."""
    assert {getattr(pair, kind) for pair in representative()} == {getattr(pair, kind) for pair in PAIRS}
