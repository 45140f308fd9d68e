"""What the applications of the matrix have in common: their policy, and a stream that the client holds open."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

POLICY: list[Any] = [
    {
        "AllowedOrigins": ["https://app.example"],
        "AllowedMethods": ["GET", "HEAD", "POST"],
        "AllowedHeaders": ["content-type", "x-one", "x-two"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 600,
    }
]
FILES = Path(__file__).parent / "files"
VARY = {"Vary": "Accept-Encoding"}
OWN_CORS = {"Access-Control-Allow-Origin": "https://wrong.example"}
COOKIES = {"one": "1", "two": "2"}
FIRST, LAST, LATE = b"data: first\n\n", b"data: last\n\n", b"data: nobody came\n\n"
PATIENCE_SECONDS = 10.0  # of a stream whose client never asks for the rest
RELEASE = "R2STYLE_CORS_MATRIX_RELEASE"  # names a file that the client makes once it has read the first chunk


def released() -> bool:
    """Whether the client has the first chunk."""
    return Path(os.environ[RELEASE]).exists()


def chunks() -> Iterator[bytes]:
    """Two chunks; the second is not produced before the client has read the first."""
    yield FIRST
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not released() and time.monotonic() < deadline:
        time.sleep(0.01)
    yield LAST if released() else LATE


async def chunks_async() -> AsyncIterator[bytes]:
    """The same, awaited."""
    yield FIRST
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not released() and time.monotonic() < deadline:  # noqa: ASYNC110 - the event is in another process
        await asyncio.sleep(0.01)
    yield LAST if released() else LATE
