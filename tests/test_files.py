"""Files that are written whole."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from r2style_cors._desk.files import replace_file

if TYPE_CHECKING:
    from pathlib import Path


def test_mode_and_link_stay(tmp_path: Path) -> None:
    """A replaced file keeps its mode, and a link stays a link to it; a new file gets the usual mode."""
    target, link, usual = tmp_path / "target.json", tmp_path / "cors.json", tmp_path / "usual"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    usual.touch()
    replace_file(link, b"new\n")
    replace_file(tmp_path / "fresh.json", b"")
    assert (target.read_text(), link.is_symlink()) == ("new\n", True)
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert (tmp_path / "fresh.json").stat().st_mode == usual.stat().st_mode
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cors.json", "fresh.json", "target.json", "usual"]


def test_interrupted_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped before the new file is safely on the disk, the old one is there, whole, and nothing besides."""
    path = tmp_path / "cors.json"
    path.write_text("old")

    def stopped(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", stopped)
    with pytest.raises(KeyboardInterrupt):
        replace_file(path, b"new")
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["cors.json"]


def test_folder_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a folder cannot be opened, as on Windows, the file is replaced all the same."""

    def refused(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "open", refused)
    replace_file(tmp_path / "cors.json", b"new")
    assert (tmp_path / "cors.json").read_text() == "new"


def test_nothing_is_left_of_a_failure(tmp_path: Path) -> None:
    """Where the last step fails, the target is untouched and no half-written file stays behind."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        replace_file(tmp_path / "folder", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
