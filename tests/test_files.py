"""Files that are written whole."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from r2style_cors._desk.files import replace_file


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


def test_read_only_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that its owner has made read-only is left alone, though its folder can be written."""
    path = tmp_path / "cors.json"
    path.write_text("old")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everything
    with pytest.raises(PermissionError, match="it is read-only"):
        replace_file(path, b"new")
    assert path.read_text() == "old"


@pytest.mark.skipif(not Path("/dev/null").is_char_device(), reason="there are no such devices")
def test_device_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device is not replaced by a file, which root could do; nothing is written beside it."""
    monkeypatch.setattr(Path, "open", pytest.fail)
    with pytest.raises(OSError, match="it is not a file"):
        replace_file(Path("/dev/null"), b"new")


def test_nothing_is_left_of_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the last step fails, the target is untouched and no half-written file stays behind."""
    path = tmp_path / "cors.json"
    path.write_text("old")

    def refused(*_: object) -> Path:
        raise PermissionError

    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(PermissionError):
        replace_file(path, b"new")
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["cors.json"]


def test_folder_stays(tmp_path: Path) -> None:
    """A folder is not replaced by a file."""
    with pytest.raises(OSError, match="it is not a file"):
        replace_file(tmp_path, b"new")
