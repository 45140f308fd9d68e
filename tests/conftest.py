"""What holds for every test: it leaves logging as it found it. Litestar, for one, sets up that of the whole process."""

from __future__ import annotations

import logging
import signal
from logging.handlers import QueueHandler
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

# A shell that starts a run in the background has it ignore Ctrl-C, and so would everything that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def logging_is_left_alone() -> Iterator[None]:
    """Put back the root logger's level, and take away the queues that a framework has given it."""
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)
    for handler in root.handlers[:]:
        if isinstance(handler, QueueHandler):
            root.removeHandler(handler)
