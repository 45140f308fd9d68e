"""Writing a file whole: a reader sees the old content or the new one, never a half."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step. The file keeps its mode, and a symbolic link stays one."""
    target = path.resolve()
    handle, temporary = tempfile.mkstemp(prefix=".", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        if target.exists():
            shutil.copymode(target, temporary)
        Path(temporary).replace(target)
    except OSError:
        Path(temporary).unlink()
        raise
