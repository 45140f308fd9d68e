"""7.5: a policy file that changes while it is in force, on real files, threads and forks."""

from __future__ import annotations

import os
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from r2style_cors import PathPolicies, Policy, PolicyError, PolicyFile, _source, wsgi

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OLD, NEW = "https://old.example", "https://new.example"


def text(origin: str) -> str:
    """A policy for one origin."""
    return Policy.parse([{"AllowedOrigins": [origin], "AllowedMethods": ["GET"]}]).dump("dashboard")


def allowed(door: Any, origin: str) -> bool:
    """Whether the door grants a GET to `origin`."""
    seen: dict[str, str] = {}
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_ORIGIN": origin}
    door(environ, lambda _, headers: seen.update(headers))
    return seen.get("Access-Control-Allow-Origin") == origin


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether `condition` comes true within a generous bound."""
    end = time.monotonic() + 10
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def application(environ: Any, start_response: Any) -> list[bytes]:
    """Answer nothing, with a 200."""
    start_response("200 OK", [])
    return []


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that grants the old origin."""
    file = tmp_path / "cors.json"
    file.write_text(text(OLD))
    return file


def door_of(file: PolicyFile) -> Any:
    """A WSGI door that follows `file`."""
    return wsgi.CORSMiddleware(application, file)


def in_place(path: Path) -> None:
    """Write over the file."""
    path.write_text(text(NEW))


def renamed(path: Path) -> None:
    """Put another file in its place."""
    other = path.with_suffix(".new")
    other.write_text(text(NEW))
    other.rename(path)


def flipped(path: Path) -> None:
    """Point a link at another folder, as Kubernetes does it for a ConfigMap."""
    folder = path.parent / "..2026"
    folder.mkdir()
    (folder / "cors.json").write_text(text(NEW))
    link = path.parent / "..data"
    link.symlink_to(folder)
    path.unlink()
    path.symlink_to(link / "cors.json")


@pytest.mark.parametrize("change", [in_place, renamed, flipped])
def test_every_way_to_change_a_file(path: Path, change: Callable[[Path], None]) -> None:
    """However the file is changed, the new policy comes into force, and the status says so."""
    file = PolicyFile(path, check_every=0)
    door = door_of(file)
    before = file.digest
    assert allowed(door, OLD)
    change(path)
    assert eventually(lambda: allowed(door, NEW))
    assert not allowed(door, OLD)
    assert file.digest not in (None, before)
    assert (file.last_error, file.loaded_at is not None) == (None, True)


def broken(path: Path) -> None:
    """Write half of a policy."""
    path.write_text(text(NEW)[:30])


def folder(path: Path) -> None:
    """Put a folder in its place, which nobody can read as a file."""
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("change", [broken, os.remove, folder], ids=["half-written", "deleted", "unreadable"])
def test_a_bad_file_changes_nothing(
    path: Path, change: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    """The last good policy stays in force, the problems are logged once and told, and the file may come back."""
    file = PolicyFile(path, check_every=0)
    door = door_of(file)
    digest = file.digest
    change(path)
    assert eventually(lambda: allowed(door, OLD) and file.last_error is not None)
    assert isinstance(file.last_error, PolicyError)
    assert file.last_error.problems
    assert eventually(lambda: allowed(door, OLD) and not file._reading.locked())  # noqa: SLF001
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert (file.digest, allowed(door, NEW)) == (digest, False)
    if path.is_dir():
        path.rmdir()
    path.write_text(text(OLD))
    caplog.set_level("INFO", "r2style_cors")
    assert eventually(lambda: allowed(door, OLD) and file.last_error is None)
    assert "again the one in force" in caplog.text


def test_between_looks_a_change_waits(path: Path) -> None:
    """Within `check_every` seconds nobody looks at the file; `reload` does at once, in line."""
    file = PolicyFile(path, check_every=3600)
    door = door_of(file)
    assert allowed(door, OLD)
    path.write_text(text(NEW))
    assert allowed(door, OLD)
    file.reload()
    assert allowed(door, NEW)


def test_reload_raises(path: Path) -> None:
    """`reload` raises what is wrong, and leaves the last good policy in force."""
    file = PolicyFile(path, check_every=3600)
    door = door_of(file)
    broken(path)
    with pytest.raises(PolicyError) as caught:
        file.reload()
    assert str(file.last_error) == str(caught.value)
    assert allowed(door, OLD)


def test_an_option_may_refuse_a_new_file(path: Path) -> None:
    """A file that is good by itself is refused where an option of the door makes it unsafe."""
    file = PolicyFile(path, check_every=3600)
    door: Any = wsgi.CORSMiddleware(application, file, credentials=True)
    path.write_text(text("*"))
    with pytest.raises(PolicyError, match="credentials-wide"):
        file.reload()
    assert allowed(door, OLD)


def test_all_doors_of_a_file_change_together(path: Path) -> None:
    """Two doors, one of them among PathPolicies, follow one file; the second is made of what is in force."""
    file = PolicyFile(path, check_every=3600)
    first = door_of(file)
    path.write_text("not yet good")
    second: Any = wsgi.CORSMiddleware(application, PathPolicies({"/": file}))
    assert allowed(first, OLD)
    assert allowed(second, OLD)
    path.write_text(text(NEW))
    file.reload()
    assert allowed(first, NEW)
    assert allowed(second, NEW)


def test_a_bad_file_at_the_start_raises(path: Path) -> None:
    """A door is not made of a file that cannot be enforced; before one is made the status is empty."""
    broken(path)
    file = PolicyFile(path)
    with pytest.raises(PolicyError):
        door_of(file)
    assert (file.loaded_at, file.digest) == (None, None)


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_check_every_is_a_time(seconds: float) -> None:
    """`check_every` is a number of seconds, 0 or more."""
    with pytest.raises(ValueError, match="0 or more"):
        PolicyFile("cors.json", seconds)


def test_no_thread_no_harm(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no thread can be started the request goes on under the old policy, and the next look tries again."""
    file = PolicyFile(path, check_every=0)
    door = door_of(file)

    def refuse(_: Any) -> None:
        message = "can't start new thread"
        raise RuntimeError(message)

    path.write_text(text(NEW))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert allowed(door, OLD)
    assert isinstance(file.last_error, RuntimeError)
    assert eventually(lambda: allowed(door, NEW))


def test_a_forked_child_goes_on(path: Path) -> None:
    """A child forked while a thread of its parent was reading is not locked for ever, and sees later changes."""
    file = PolicyFile(path, check_every=0)
    door = door_of(file)
    with file._reading:  # noqa: SLF001 - as a reading thread holds it
        child = os.fork()
        if child == 0:
            path.write_text(text(NEW))
            os._exit(0 if allowed(door, OLD) is not None and eventually(lambda: allowed(door, NEW)) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_file_that_settled_is_not_read_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file whose time lies well back is read once, however often it is looked at."""
    os.utime(path, (1_000_000_000, 1_000_000_000))
    file = PolicyFile(path, check_every=0)
    door = door_of(file)
    monkeypatch.setattr(_source, "read_file", lambda _: pytest.fail("it was read again"))
    assert all(allowed(door, OLD) for _ in range(5))


@pytest.mark.parametrize(("prefixes", "count"), [(["a"], 1), (["/a", "/a/"], 1), (["a", "b"], 2)])
def test_path_prefixes_refused(prefixes: list[str], count: int) -> None:
    """7.3: a prefix begins with `/` and stands once; all that is wrong is told at once."""
    with pytest.raises(PolicyError) as caught:
        PathPolicies(dict.fromkeys(prefixes))
    assert [problem.code for problem in caught.value.problems] == ["path-prefix"] * count


def test_reload_of_what_is_in_force(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Reading the file that is in force changes nothing, with a door and without, and one failure is logged once."""
    file = PolicyFile(path, check_every=3600)
    file.reload()
    assert file.loaded_at is None
    door = door_of(file)
    loaded = file.loaded_at
    file.reload()
    file.reload()
    assert (file.loaded_at, allowed(door, OLD)) == (loaded, True)
    path.unlink()
    for _ in range(2):
        with pytest.raises(PolicyError):
            file.reload()
    assert len(caplog.records) == 1


def test_a_lock_does_not_outlive_a_fork(path: Path) -> None:
    """What a child runs after a fork frees a lock that a thread of its parent held, and leaves a free one alone."""
    file = PolicyFile(path, check_every=0)
    door = door_of(file)
    for held in (True, False):
        if held:
            file._reading.acquire()  # noqa: SLF001 - as a reading thread holds it
        _source._after_fork()  # noqa: SLF001 - as a child calls it
        origin = NEW if held else OLD
        path.write_text(text(origin))
        assert eventually(partial(allowed, door, origin))
