"""Writing a file whole: whoever reads it finds the old content or the new one, never a half, also after a power cut."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all, with the mode that the file has; raises OSError.

    The new file is on the disk before it takes the old one's place, and its name before this returns.
    """
    target = Path(os.path.realpath(path))  # a link stays one
    _expect_writable(target)
    fresh = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with fresh.open("xb") as file:
            file.write(content)
            file.flush()
            if target.exists():
                fresh.chmod(stat.S_IMODE(target.stat().st_mode))
            os.fsync(file.fileno())
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)
    _sync_folder(target.parent)


def _expect_writable(target: Path) -> None:
    """Refuse what is to be left alone, though the folder would let it be replaced: a device, and a read-only file."""
    if not target.exists():
        return
    if not target.is_file():
        raise OSError(errno.EINVAL, "it is not a file", os.fspath(target))
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "it is read-only", os.fspath(target))


def _sync_folder(folder: Path) -> None:
    """Put a folder's names on the disk, where the system can open a folder."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:  # as on Windows, or where one may write in a folder but not list it
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
