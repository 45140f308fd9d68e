"""Objects on disk, one file each: the content, then what is known about it.

Laws of this room:
- a key is never part of a path: a file is named by the key's digest, so no key leaves the folder or is too long for it;
- a file comes into being in one step, when all of it is there; a reader has the old object or the new one, whole;
- no more than one block of an object is in memory.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import tempfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from starlette.concurrency import run_in_threadpool

from .errors import S3Error

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterator, Mapping

    from .digests import Digests

BLOCK = 65_536

_LENGTH = struct.Struct(">I")  # of what is known, at the very end of a file


@dataclass(frozen=True, slots=True)
class About:
    """What is known about an object: its key, its size in bytes, its MD5 as S3's ETag, and the headers kept with it."""

    key: str
    size: int
    etag: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Stored:
    """An object that is open for reading. Whoever has it closes `file`."""

    file: BinaryIO
    about: About
    modified: float  # seconds since 1970

    def blocks(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` up to `stop`; the file is closed after them."""
        with self.file:
            self.file.seek(start)
            while start < stop:
                block = self.file.read(min(BLOCK, stop - start))
                start += len(block)
                yield block


class Folder:
    """The objects of one bucket.

    Args:
        directory: where they are; made if it is not there.
        limit: the most bytes that one object may have.
    """

    def __init__(self, directory: Path, limit: int) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self.limit = limit

    def open(self, key: str) -> Stored:
        """The object of that name; raises S3Error, `NoSuchKey`, where there is none."""
        try:
            handle = os.open(self._path(key), os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        except OSError:  # not there, or a symbolic link that somebody put there
            raise S3Error(code="NoSuchKey") from None
        file = os.fdopen(handle, "rb")
        return Stored(file, _about(file), os.fstat(handle).st_mtime)

    async def put(self, key: str, headers: Mapping[str, str], blocks: AsyncIterable[bytes], promised: Digests) -> About:
        """Keep the bytes that come, in place of what had that name.

        Raises:
            S3Error: they are too many, `EntityTooLarge`, or not those that were promised. Nothing is kept then.
        """
        size, md5 = 0, hashlib.md5(usedforsecurity=False)
        with _in_one_step(self._path(key)) as file:
            async for block in blocks:
                size += len(block)
                if size > self.limit:
                    raise S3Error(code="EntityTooLarge")
                md5.update(block)
                promised.update(block)
                await run_in_threadpool(file.write, block)
            promised.compare()
            about = About(key, size, md5.hexdigest(), dict(headers))
            _append(file, about)
        return about

    def delete(self, key: str) -> None:
        """Remove the object of that name, if there is one."""
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._directory / hashlib.sha256(key.encode()).hexdigest()


@contextmanager
def _in_one_step(target: Path) -> Iterator[BinaryIO]:
    """A new file that takes the place of `target` if all goes well, and is removed if anything does not."""
    handle, name = tempfile.mkstemp(prefix=".", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(name).replace(target)
    except BaseException:  # a client that goes away cancels the task
        Path(name).unlink()
        raise


def _append(file: BinaryIO, about: About) -> None:
    known = json.dumps(asdict(about)).encode()
    file.write(known + _LENGTH.pack(len(known)))


def _about(file: BinaryIO) -> About:
    file.seek(-_LENGTH.size, os.SEEK_END)
    (length,) = _LENGTH.unpack(file.read())
    file.seek(-_LENGTH.size - length, os.SEEK_END)
    return About(**json.loads(file.read(length)))
