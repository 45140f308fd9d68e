"""Policies that change (SEMANTICS 7.5): real files, real threads, real forks."""
# ruff: noqa: SLF001 - a test waits until a reading is over, and nobody else has to

from __future__ import annotations

import gc
import json
import logging
import math
import os
import shutil
import socket
import subprocess
import sys
import textwrap
import threading
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from r2style_cors import PathPolicies, PolicyError, PolicyFile, _source
from r2style_cors._engine import Grant
from support.listening import PATIENCE_SECONDS
from support.policy_files import (
    PAGE,
    asgi_door,
    asgi_headers,
    exposed,
    policy,
    replace,
    wait_until,
    wsgi_door,
    wsgi_headers,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OLD, NEW = policy("x-old"), policy("x-new")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A policy file that holds `OLD`."""
    path = tmp_path / "cors.json"
    path.write_text(json.dumps(OLD), "utf-8")
    return path


def in_force(door: Any) -> str | None:
    """The header that tells which policy answers a request now."""
    return exposed(wsgi_headers(door))


def settle(file: PolicyFile, door: Any, met: Callable[[], bool]) -> None:
    """Send requests until `met` holds and no reading is under way."""
    wait_until(lambda: in_force(door) is not None and met() and not file._reading.locked())


def configmap(folder: Path) -> Path:
    """A ConfigMap as Kubernetes mounts it, which holds `OLD`."""
    (folder / "..1").mkdir()
    (folder / "..1" / "cors.json").write_text(json.dumps(OLD), "utf-8")
    (folder / "..data").symlink_to("..1")
    (folder / "cors.json").symlink_to("..data/cors.json")
    return folder / "cors.json"


def flip(path: Path) -> None:
    """The ConfigMap changes: a new folder, and one rename of the link to it."""
    folder = path.parent
    (folder / "..2").mkdir()
    (folder / "..2" / "cors.json").write_text(json.dumps(NEW), "utf-8")
    (folder / "..tmp").symlink_to("..2")
    (folder / "..tmp").rename(folder / "..data")
    shutil.rmtree(folder / "..1")


def write_in_place(path: Path) -> None:
    """The same file gets new content, of the same length here."""
    path.write_text(json.dumps(NEW), "utf-8")


def write_with_old_times(path: Path) -> None:
    """New content of the same length in the same file, whose times are then set back, as `rsync` and `touch -r` do."""
    times = path.stat()
    path.write_text(json.dumps(NEW), "utf-8")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def write_with_future_times(path: Path) -> None:
    """New content from a machine whose clock is years ahead."""
    path.write_text(json.dumps(NEW), "utf-8")
    os.utime(path, (4e9, 4e9))


def delete_and_write(path: Path) -> None:
    """The file goes, and comes again."""
    path.unlink()
    path.write_text(json.dumps(NEW), "utf-8")


CHANGES = {
    "a rename over it": lambda path: replace(path, NEW),
    "written in place": write_in_place,
    "written in place, times set back": write_with_old_times,
    "times in the future": write_with_future_times,
    "deleted and written": delete_and_write,
    "a ConfigMap flips": flip,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_comes_into_force(tmp_path: Path, change: Callable[[Path], None]) -> None:
    """However a file is changed, the new policy answers before long."""
    file = PolicyFile(configmap(tmp_path), check_every=0)
    if change is not flip:
        (tmp_path / "cors.json").unlink()
        (tmp_path / "cors.json").write_text(json.dumps(OLD), "utf-8")
    door = wsgi_door(file)
    assert in_force(door) == "x-old"
    change(tmp_path / "cors.json")
    settle(file, door, lambda: in_force(door) == "x-new")
    assert file.digest == sha256((tmp_path / "cors.json").read_bytes()).hexdigest()
    assert file.last_error is None


def become_socket(path: Path) -> None:
    """A thing that has a state, but cannot be read, whoever asks."""
    path.unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def become_loop(path: Path) -> None:
    """A symbolic link that leads to itself."""
    path.unlink()
    path.symlink_to(path)


def become_directory(path: Path) -> None:
    """Docker makes a directory where the file to be mounted is missing."""
    path.unlink()
    path.mkdir()


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "deleted": (lambda path: path.unlink(), "file"),
    "a directory": (become_directory, "file"),
    "a socket": (become_socket, "file"),
    "a link to itself": (become_loop, "file"),
    "empty": (lambda path: path.write_text(""), "empty-file"),
    "half-written": (lambda path: path.write_text(json.dumps(NEW)[:40]), "json-syntax"),
    "over 1 MiB": (lambda path: path.write_text(" " * (1 << 21)), "too-large"),
    "not UTF-8": (lambda path: path.write_bytes(b"\xff\xff"), "encoding"),
    "refused by a rule": (lambda path: path.write_text(json.dumps(policy("x y"))), "header-token"),
    "refused with credentials": (
        lambda path: path.write_text(json.dumps(policy("x-new", AllowedOrigins=["*"]))),
        "credentials-wide",
    ),
}


@pytest.mark.parametrize(("fault", "code"), FAULTS.values(), ids=FAULTS.keys())
def test_a_bad_file_changes_nothing_but_the_status(
    path: Path, fault: Callable[[Path], object], code: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The last good policy answers on, the fault is logged once with its problems, and a good file ends it."""
    file = PolicyFile(path, check_every=0)
    door = wsgi_door(file, credentials=True)
    before = (file.digest, file.loaded_at)
    fault(path)
    settle(file, door, lambda: file.last_error is not None)
    file._read_again = 0.0
    settle(file, door, lambda: file._read_again > 0)
    assert in_force(door) == "x-old"
    assert (file.digest, file.loaded_at) == before
    assert isinstance(file.last_error, PolicyError)
    assert code in {problem.code for problem in file.last_error.problems}
    assert file.last_error.source == str(path)
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(told) == 1
    assert str(file.last_error) in told[0]
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    path.write_text(json.dumps(NEW), "utf-8")
    settle(file, door, lambda: in_force(door) == "x-new")
    assert file.last_error is None


def test_a_fault_is_logged_again_after_a_good_file(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Once is once each time: the same fault after a good file is news again, and so is the file of before."""
    caplog.set_level(logging.INFO, "r2style_cors")
    file = PolicyFile(path, math.inf)
    door = wsgi_door(file)
    for text in ("[", "[", json.dumps(OLD), "["):
        path.write_text(text, "utf-8")
        if text == "[":
            with pytest.raises(PolicyError):
                file.reload()
        else:
            file.reload()
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO", "ERROR"]
    assert in_force(door) == "x-old"


def test_permissions_are_noticed(path: Path) -> None:
    """A new file that may not be read leaves the old policy; it comes into force when it may be read, with the same times."""
    script = """
        import os, sys
        from pathlib import Path
        from r2style_cors import PolicyFile
        from support.policy_files import exposed, policy, replace, wait_until, wsgi_door, wsgi_headers

        path = Path(sys.argv[1]) / "cors.json"
        wsgi_door(policy("x-old"))  # imports what others may not
        if os.getuid() == 0:  # who may read anything
            os.chmod(path.parent, 0o777)
            os.setuid(65534)
        replace(path, policy("x-old"))
        file = PolicyFile(path, check_every=0)
        door = wsgi_door(file)
        fresh = path.with_suffix(".fresh")
        replace(fresh, policy("x-new"))
        fresh.chmod(0)
        fresh.rename(path)
        wait_until(lambda: bool(wsgi_headers(door)) and file.last_error is not None)
        print("Permission denied" in str(file.last_error), exposed(wsgi_headers(door)))
        path.chmod(0o600)
        wait_until(lambda: exposed(wsgi_headers(door)) == "x-new" and file.last_error is None)
        print(exposed(wsgi_headers(door)))
    """
    folder = path.parent
    for parent in [folder, *folder.parents][:3]:  # pytest's own, closed to others
        parent.chmod(parent.stat().st_mode | 0o055)
    path.unlink()
    assert run(script, str(folder)).split() == ["True", "x-old", "x-new"]


def run(script: str, *arguments: str) -> str:
    """What a script prints in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(__file__)}  # noqa: PTH120 - a text for the environment
    command = [
        sys.executable,
        "-X",
        "dev",
        "-W",
        "ignore::DeprecationWarning",
        "-c",
        textwrap.dedent(script),
        *arguments,
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=2 * PATIENCE_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_reload_is_at_once(path: Path) -> None:
    """Nobody looks at a file with `check_every=math.inf`; `reload()` puts it in force in line, at every door."""
    file = PolicyFile(path, check_every=math.inf)
    doors = wsgi_door(file), asgi_door(file)
    path.write_text(json.dumps(NEW), "utf-8")
    assert (in_force(doors[0]), exposed(asgi_headers(doors[1]))) == ("x-old", "x-old")
    file.reload()
    assert (in_force(doors[0]), exposed(asgi_headers(doors[1]))) == ("x-new", "x-new")


def test_reload_raises(path: Path) -> None:
    """`reload()` raises what is wrong, and what the status keeps of it holds no frame of the caller."""
    file = PolicyFile(path, check_every=math.inf)
    door = wsgi_door(file)
    path.write_text('[{"AllowedOrigins": ["https://a.example/"]}]', "utf-8")
    with pytest.raises(PolicyError, match="origin-path") as raised:
        file.reload()
    assert raised.value.source == str(path)
    assert file.last_error is not None
    assert (str(file.last_error), file.last_error.__traceback__) == (str(raised.value), None)
    assert file.last_error.__context__ is None
    assert in_force(door) == "x-old"


def test_an_unexpected_error_is_kept_as_it_is(path: Path) -> None:
    """Whatever stops a new policy, the old one stays in force and the status tells."""
    fail: list[Exception] = []

    def build(data: bytes) -> bytes:
        if fail:
            raise fail[0]
        return data

    file = PolicyFile(path, check_every=0)
    follower = file._follow(build)
    fail.append(MemoryError("no more"))
    path.write_text(json.dumps(NEW), "utf-8")
    wait_until(lambda: json.loads(follower.current()) == OLD and file.last_error is fail[0])


def test_status(path: Path) -> None:
    """A health check reads when the policy in force was read, from what bytes, and why a newer one is not."""
    file = PolicyFile(path)
    assert (file.path, file.loaded_at, file.digest, file.last_error) == (str(path), None, None, None)
    before = datetime.now(UTC)
    wsgi_door(file)
    loaded_at = file.loaded_at
    assert loaded_at is not None
    assert before <= loaded_at <= datetime.now(UTC)
    assert file.digest == sha256(path.read_bytes()).hexdigest()
    file.reload()
    assert file.loaded_at is loaded_at, "what is in force was not read anew"


@pytest.mark.parametrize("seconds", [-1, -0.001, math.nan])
def test_check_every_is_checked(seconds: float) -> None:
    """Seconds that are none are refused at once."""
    with pytest.raises(ValueError, match="check_every"):
        PolicyFile("cors.json", seconds)


@pytest.mark.parametrize("name", ["missing.json", "nul\0.json", ".", "\ud800.json"], ids=ascii)
def test_a_door_needs_a_file(tmp_path: Path, name: str) -> None:
    """A door cannot be made of a file that cannot be read; the error names the file."""
    with pytest.raises(PolicyError) as raised:
        wsgi_door(PolicyFile(tmp_path / name))
    assert [problem.code for problem in raised.value.problems] == ["file"]
    assert raised.value.source == str(tmp_path / name)


def test_a_door_is_made_of_the_file_as_it_is_then(path: Path) -> None:
    """A first door that failed leaves nothing behind: the next is made of the mended file."""
    file = PolicyFile(path, check_every=math.inf)
    path.write_text("[", "utf-8")
    file.reload()  # nothing to put in force anywhere yet
    with pytest.raises(PolicyError):
        wsgi_door(file)
    assert (file.loaded_at, file.digest) == (None, None)
    path.write_text(json.dumps(NEW), "utf-8")
    file.reload()
    assert file.digest is None
    assert in_force(wsgi_door(file)) == "x-new"


def test_a_later_door_starts_from_the_policy_in_force(path: Path) -> None:
    """A door that is made while the file is broken gets the last good policy, and later ones with the others."""
    file = PolicyFile(path, check_every=math.inf)
    first = wsgi_door(file)
    path.write_text("[", "utf-8")
    second = wsgi_door(PathPolicies({"/": file}))
    assert (in_force(first), in_force(second)) == ("x-old", "x-old")
    path.write_text(json.dumps(NEW), "utf-8")
    file.reload()
    assert (in_force(first), in_force(second)) == ("x-new", "x-new")


def test_a_relative_path_stays_where_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers change their working directory after the application is made."""
    monkeypatch.chdir(path.parent)
    file = PolicyFile("cors.json", check_every=math.inf)
    door = wsgi_door(file)
    monkeypatch.chdir("/")
    replace(path, NEW)
    file.reload()
    assert in_force(door) == "x-new"


def test_doors_of_one_file_change_together(path: Path) -> None:
    """A policy that one of two doors refuses comes into force at neither."""
    file = PolicyFile(path, check_every=math.inf)
    doors = wsgi_door(file), wsgi_door(file, credentials=True)
    replace(path, policy("x-new", AllowedOrigins=["*"]))
    with pytest.raises(PolicyError, match="credentials"):
        file.reload()
    assert [in_force(door) for door in doors] == ["x-old", "x-old"]


def test_doors_are_forgotten(path: Path) -> None:
    """A test suite makes many doors of one file: those that are gone are not compiled for any more."""
    file = PolicyFile(path, check_every=math.inf)
    kept = [wsgi_door(file) for _ in range(20)][:1]
    gc.collect()
    assert len(file._followers) == 1
    replace(path, NEW)
    file.reload()
    assert in_force(kept[0]) == "x-new"


def test_a_replaced_policy_is_gone_at_once(path: Path) -> None:
    """A policy that is replaced leaves nothing to the cycle collector, which may not come for a long time."""
    path.write_text(
        json.dumps(policy("x-old", AllowedOrigins=[PAGE, "https://*.example", "https://p*.example"])), "utf-8"
    )
    file = PolicyFile(path, check_every=math.inf)
    door = wsgi_door(file)
    assert exposed(wsgi_headers(door, HTTP_ORIGIN="https://people.example")) == "x-old"
    wsgi_headers(door, REQUEST_METHOD="OPTIONS", HTTP_ACCESS_CONTROL_REQUEST_METHOD="PUT")
    gc.collect()
    gc.disable()
    try:
        before = grants()
        replace(path, NEW)
        file.reload()
        assert in_force(door) == "x-new"
        assert grants() == before
    finally:
        gc.enable()


def grants() -> int:
    """How many parts of compiled policies there are in this process. There is one for each rule."""
    return sum(type(each) is Grant for each in gc.get_objects())  # `isinstance` would wake lazy objects of others


class Clock:
    """A monotonic clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of policy files."""
    clock = Clock()
    monkeypatch.setattr(_source, "monotonic", clock)
    return clock


def count_calls(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> list[object]:
    """Have a function note its calls."""
    calls: list[object] = []
    original = getattr(owner, name)

    def counted(*arguments: Any) -> Any:
        calls.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(owner, name, counted)
    return calls


def test_a_request_pays_a_clock_read(path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the interval no request looks at the file; the first after it looks once."""
    file = PolicyFile(path, check_every=5)
    door = wsgi_door(file)
    file.reload()  # the second reading of a new file
    in_force(door)
    looks = count_calls(monkeypatch, PolicyFile, "_state")
    counts = []
    for now in (1001, 1004.9, 1005, 1006, 1009.9, 1010):
        clock.now = now
        in_force(door)
        counts.append(len(looks))
    assert counts == [0, 0, 1, 1, 1, 2]


def test_a_changed_file_is_read_once_more(path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """What changed again without a sign in its `stat` is found by a second reading soon after; there is no third."""
    file = PolicyFile(path, check_every=0)
    door = wsgi_door(file)
    monkeypatch.setattr(PolicyFile, "_state", lambda _: ("the same",))
    file.reload()
    reads = count_calls(monkeypatch, _source, "read_file")
    path.write_text(json.dumps(NEW), "utf-8")
    for now, expected in ((1001.9, "x-old"), (1002, "x-new"), (1010, "x-new")):
        clock.now = now
        in_force(door)
        wait_until(lambda: not file._reading.locked())
        assert in_force(door) == expected
    assert len(reads) == 1


def test_requests_go_on_while_a_file_is_read(path: Path) -> None:
    """Requests are answered under the old policy while the new one is built, and nobody builds it twice."""
    go_on = threading.Event()
    builds: list[str] = []

    def build(data: bytes) -> str:
        builds.append(threading.current_thread().name)
        if len(builds) > 1:
            assert go_on.wait(PATIENCE_SECONDS)
        header: str = json.loads(data)[0]["ExposeHeaders"][0]
        return header

    file = PolicyFile(path, check_every=0)
    follower = file._follow(build)
    replace(path, NEW)
    wait_until(lambda: follower.current() == "x-old" and len(builds) > 1)
    assert [follower.current() for _ in range(100)] == ["x-old"] * 100
    go_on.set()
    wait_until(lambda: follower.current() == "x-new")
    assert builds == [threading.current_thread().name, "r2style_cors policy file"]


def test_no_thread_to_be_had(path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Where no thread can be started, requests are answered on, it is logged once, and a later look succeeds."""
    file = PolicyFile(path, check_every=0)
    door = wsgi_door(file)

    def fail(_: threading.Thread) -> None:
        message = "can't start new thread"
        raise RuntimeError(message)

    replace(path, NEW)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", fail)
        assert [in_force(door) for _ in range(3)] == ["x-old"] * 3
    assert str(file.last_error) == "can't start new thread"
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    settle(file, door, lambda: in_force(door) == "x-new")
    assert file.last_error is None


def test_no_answer_is_a_mixture(path: Path) -> None:
    """Under eight threads of requests and a file that changes all the time, every answer is one policy's, whole."""
    policies = [policy("x-old"), policy("x-new", AllowedOrigins=["*"])]
    file = PolicyFile(path, check_every=0)
    door = wsgi_door(file)
    answers: list[set[tuple[str | None, str | None]]] = [set() for _ in range(8)]
    over = threading.Event()

    def ask(seen: set[tuple[str | None, str | None]]) -> None:
        while not over.wait(0.0005):  # or eight threads leave the one that reads no time to do it
            headers = wsgi_headers(door)
            seen.add((headers.get("access-control-allow-origin"), exposed(headers)))

    threads = [threading.Thread(target=ask, args=(seen,), daemon=True) for seen in answers]
    for thread in threads:
        thread.start()
    try:
        for number in range(60):
            text = "[" if number % 3 == 2 else json.dumps(policies[number % 2])
            replace(path, text)
            digest = sha256(text.encode()).hexdigest()
            wait_until(lambda good=digest, bad=text == "[": file.last_error is not None if bad else file.digest == good)  # type: ignore[misc]  # mypy knows no type of a default in a lambda
    finally:
        over.set()  # whatever went wrong: threads that go on asking would keep the tests from ending
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
    assert set().union(*answers) == {("https://page.example", "x-old"), ("*", "x-new")}


FORKED = """
    import faulthandler, os, sys, threading
    from pathlib import Path
    from r2style_cors import PolicyFile
    from support.policy_files import exposed, policy, replace, wait_until, wsgi_door, wsgi_headers

    path = Path(sys.argv[1])
    file = PolicyFile(path, check_every=0)
    door = wsgi_door(file)
    held, go_on = threading.Event(), threading.Event()
    parent = os.getpid()

    def build(data):
        if threading.current_thread() is not threading.main_thread() and os.getpid() == parent:
            held.set()
            go_on.wait(20)
        return data

    slow = file._follow(build)  # noqa: SLF001 - as a door
    replace(path, policy("x-new"))
    wsgi_headers(door)
    held.wait(20)  # a thread of this process reads, and holds the lock
    child = os.fork()
    faulthandler.dump_traceback_later(30, exit=True)  # a process that hangs says where, and ends
    first = "x-old" if b"x-old" in slow.ready else "x-new"
    if child:
        _, status = os.waitpid(child, 0)
        go_on.set()
    wait_until(lambda: exposed(wsgi_headers(door)) == "x-new" and b"x-new" in slow.current())
    if child:
        print(first, os.waitstatus_to_exitcode(status))
    else:
        os._exit(0 if first == "x-old" else 1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot fork here")
def test_a_fork_while_a_file_is_read(path: Path) -> None:
    """A child that was forked while its parent read the file starts from the old policy, and reads the new one itself."""
    assert run(FORKED, str(path)).split() == ["x-old", "0"]


def test_a_lock_does_not_outlive_a_fork(path: Path) -> None:
    """After a fork a lock that a thread of the parent held is free again, and a free one and what was seen are kept."""
    file = PolicyFile(path, check_every=0)
    door = wsgi_door(file)
    before = (file._reading, file._seen)
    _source._after_fork()
    assert (file._reading, file._seen) == before
    file._reading.acquire()
    _source._after_fork()
    replace(path, NEW)
    wait_until(lambda: in_force(door) == "x-new")


def test_gevent(path: Path) -> None:
    """With the standard library patched by gevent, a change comes into force as it does elsewhere."""
    pytest.importorskip("gevent", reason="gevent is not installed")
    script = """
        from gevent import monkey
        monkey.patch_all()
        import sys
        from pathlib import Path
        from r2style_cors import PolicyFile
        from support.policy_files import exposed, policy, replace, wait_until, wsgi_door, wsgi_headers

        path = Path(sys.argv[1])
        door = wsgi_door(PolicyFile(path, check_every=0))
        replace(path, policy("x-new"))
        wait_until(lambda: exposed(wsgi_headers(door)) == "x-new")
        print(exposed(wsgi_headers(door)))
    """
    assert run(script, str(path)) == "x-new\n"


@pytest.mark.parametrize("seconds", ["2", None, True], ids=repr)
def test_check_every_is_a_number(seconds: Any) -> None:
    """What is no number is refused by name, and so are True and False, which would count as one."""
    with pytest.raises(TypeError, match=f"^check_every is {seconds!r}; it must be a number of seconds"):
        PolicyFile("cors.json", seconds)
