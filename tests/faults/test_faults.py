"""Under load, while its policy file changes and breaks and its workers come and go, an application loses and mixes up nothing.

This is the short of it. `python tests/faults/run.py` runs it at full length, and writes docs/faults.md.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING
from wsgiref.simple_server import make_server

import pytest

from faults.apps import bare_wsgi
from faults.load import POLICIES, Failure, Load, answer, asked, expected
from faults.scenes import CHANGE_EVERY, Kill, Scene, every, scene
from r2style_cors import Policy
from support.served import Quiet, running

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="processes are not told of here")  # noqa: PTH110 - no path is built

AT_ONCE = 500
ENOUGH_CHANGES = 9  # every kind of change, and one more
MOST_ROUNDS = 200

FAULTS: dict[str, tuple[str, Callable[[Scene], None], Callable[[Scene], int]]] = {
    "restarts": ("gunicorn gthread", Scene.restart, lambda stage: stage.restarts),
    "kills": ("gunicorn sync", Scene.kill, lambda stage: len(stage.kills)),
    "changes alone": ("uvicorn", lambda _: None, lambda _: 1),
}


@pytest.mark.parametrize(("server", "act", "acted"), FAULTS.values(), ids=FAULTS.keys())
def test_nothing_is_lost(
    tmp_path: Path, server: str, act: Callable[[Scene], None], acted: Callable[[Scene], int]
) -> None:
    """Every answer is the old or the new policy's, whole, and only what a killed worker held may fail."""
    with scene(server, tmp_path, closing=act is Scene.restart) as stage:
        with every(CHANGE_EVERY, stage.change), every(0.4, lambda: act(stage)):
            rounds = 0
            while stage.changes < ENOUGH_CHANGES or not acted(stage):
                stage.load.send(AT_ONCE)
                rounds += 1
                assert rounds < MOST_ROUNDS
        stage.load.send(AT_ONCE)
    tally = stage.load.tally
    assert (tally.mixtures, stage.lost()) == ([], [])
    assert set(tally.answers) == set(POLICIES)
    assert len(tally.answers) + len(tally.failures) == (rounds + 1) * AT_ONCE


def test_an_answer_of_no_policy_is_noticed() -> None:
    """What these tests rest on: of an application without a policy, every answer is noticed, and so is one without any."""
    with make_server("127.0.0.1", 0, bare_wsgi, handler_class=Quiet) as server, running(server):
        load = Load(server.server_port)
        load.send(20)
    assert (len(load.tally.mixtures), load.tally.answers, load.tally.failures) == (20, [], [])
    load.send(20)
    assert len(load.tally.failures) == 20


def test_no_answer_is_of_both_policies() -> None:
    """Whatever is asked, the two policies answer differently, and a header that came twice is the answer of neither."""
    old, new = (Policy.parse(rules).compile() for rules in POLICIES.values())
    for request in (asked(10), asked(11)):
        answers = [expected(engine.decide(*request)) for engine in (old, new)]
        assert answers[0] != answers[1]
        status, headers = answers[0]
        assert answer(status, [*headers, next(iter(headers))]) not in answers


EXCUSES = {
    "a connection of the killed worker": (Failure("reset", 1.0, 7), True),
    "a connection that was not answered before": (Failure("reset", 1.0, None), True),
    "a connection of another worker": (Failure("reset", 1.0, 8), False),
    "a connection opened afterwards": (Failure("reset", 3.0, None), False),
}


@pytest.mark.parametrize(("failure", "excused"), EXCUSES.values(), ids=EXCUSES.keys())
def test_only_what_it_held_may_fail(failure: Failure, excused: bool) -> None:
    """A killed worker excuses the failures of connections that it held, or may have held, and no others."""
    assert Kill(worker=7, gone=2.0).excuses(failure) is excused


def test_what_goes_wrong_meanwhile_is_raised() -> None:
    """An action that fails does not go unnoticed in its thread."""
    acted = threading.Event()

    def act() -> None:
        acted.set()
        raise LookupError

    with pytest.raises(LookupError), every(0, act):
        assert acted.wait(20)
