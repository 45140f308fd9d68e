"""Where a door's policy comes from when it is not one fixed policy: a file that changes, or several by path.

Laws of this room:
- a request is decided by one compiled policy, whole: what changes is which one (SEMANTICS 7.5);
- a bad file changes nothing but the status, and is logged once;
- a request pays one clock read; the first after `check_every` seconds pays one `stat` besides, and nothing raises;
- no clock that anybody can set takes part.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import weakref
from collections.abc import Mapping
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from ._door import KEY
from ._forms import read_file
from .errors import PolicyError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._door import PolicySource

Ready = TypeVar("Ready")
State: TypeAlias = tuple[object, ...]  # what `stat` tells of a file

_logger = logging.getLogger(KEY)

# A file that was seen to change is read once more this many seconds later: it may have been read half-way, or changed
# again within one tick of its file system's clock, so that its `stat` does not tell.
_SETTLING = 2.0


class FileFollower(Generic[Ready]):
    """What one door made of a policy file, made anew whenever the file's policy changes."""

    __slots__ = ("__weakref__", "_file", "build", "ready")

    ready: Ready

    def __init__(self, file: PolicyFile, build: Callable[[bytes], Ready]) -> None:
        self._file = file
        self.build: Callable[[bytes], Ready] = build

    def current(self) -> Ready:
        """What is in force now. Looks at the file when its time has come, and never waits for it to be read."""
        if monotonic() >= self._file.next_look:
            self._file._look()  # noqa: SLF001 - its own file
        return self.ready


class PolicyFile:
    """A policy file that may change while the application runs (SEMANTICS 7.5).

    Give it to a door in place of a path. The file is read when the door is made. After that a changed file comes into
    force within `check_every` seconds and the next request; one that is missing, unreadable or invalid leaves the last
    good policy in force, is logged once with all its problems, and is told by `last_error`. Atomic renames, writes in
    place, and symbolic links that are pointed elsewhere are all noticed. A forked process goes on from what it inherited.

    Args:
        path: the file, in any of the five forms. A relative one is taken from the working directory of this moment.
        check_every: seconds between two looks at the file; 0 looks at every request, `math.inf` never.

    Attributes:
        path: the file, as an absolute path.
        loaded_at: when the policy in force was read, or None before a door is made.
        last_error: why the newest file is not in force, a PolicyError unless the process lacks memory or threads; None
            where it is.
        digest: the SHA-256 of the file in force, in hexadecimal, or None before a door is made.

    Raises:
        ValueError: `check_every` is negative or NaN.
        TypeError: `check_every` is no number.
    """

    def __init__(self, path: str | os.PathLike[str], check_every: float = 2.0) -> None:
        if isinstance(check_every, bool) or not isinstance(check_every, int | float):
            message = f"check_every is {check_every!r}; it must be a number of seconds, 0 or more"
            raise TypeError(message)
        if not check_every >= 0:
            message = f"check_every is {check_every!r}; it must be a number of seconds, 0 or more"
            raise ValueError(message)
        self.path: str = os.fspath(Path(path).absolute())  # servers change their working directory
        self.check_every: float = check_every
        self.loaded_at: datetime | None = None
        self.last_error: Exception | None = None
        self.digest: str | None = None
        self.next_look: float = 0.0  # on the monotonic clock
        self._read_again = inf  # likewise
        self._seen: State = ()
        self._data: bytes | None = None  # the file in force
        self._followers: weakref.WeakSet[FileFollower[Any]] = weakref.WeakSet()  # doors come and go in a test suite
        self._reading = threading.Lock()
        _every_file.add(self)

    def reload(self) -> None:
        """Read the file now, and put it in force at every door. Before a door is made there is nobody to judge it.

        It waits for a reading that is under way. A signal handler may have interrupted one, and starts a thread instead.

        Raises:
            PolicyError: the file is missing, unreadable or invalid, or an option of a door does not go with it. The last
                good policy stays in force.
        """
        with self._reading:
            try:
                self._load()
            except Exception as error:
                self._failed(error)
                raise

    def _follow(self, build: Callable[[bytes], Ready]) -> FileFollower[Ready]:
        """For doors: build something of the file in force, and again whenever that changes.

        Raises:
            PolicyError: the file is missing, unreadable or invalid.
            Exception: whatever `build` raises.
        """
        follower = FileFollower(self, build)
        with self._reading:
            if self._data is None:
                self._load(follower)
                self.next_look = monotonic() + self.check_every
            else:
                follower.ready = build(self._data)
            self._followers.add(follower)
        return follower

    def _look(self) -> None:
        """One `stat`. What it finds is read on a thread of its own, and requests go on meanwhile. Never raises."""
        now = monotonic()
        self.next_look = now + self.check_every
        if (now >= self._read_again or self._state() != self._seen) and self._reading.acquire(blocking=False):
            try:
                threading.Thread(target=self._load_apart, name="r2style_cors policy file", daemon=True).start()
            except Exception as error:  # noqa: BLE001 - no thread to be had just now: the next look tries again
                self._failed(error)
                self._reading.release()

    def _forked(self) -> None:
        """In a child process: a thread that was reading did not come along, and must not hold its lock for ever."""
        if self._reading.locked():
            self._reading = threading.Lock()
            self._seen = ()  # whatever it was doing is to be done again

    def _load_apart(self) -> None:
        try:
            self._load()
        except Exception as error:  # noqa: BLE001 - whatever it is, the old policy stays in force and the status tells
            self._failed(error)
        finally:
            self._reading.release()

    def _load(self, *new: FileFollower[Any]) -> None:
        """Read the file, and put it in force if it is another than the one that is."""
        before, self._seen = self._seen, self._state()  # before reading: a change in between is seen at the next look
        self._read_again = monotonic() + _SETTLING
        try:
            data = read_file(self.path)
            if self._seen == before:
                self._read_again = inf  # read twice in one state: a third time would tell nothing new
            followers = (*self._followers, *new)
            if followers:  # else there is nobody yet who could say whether it is a good policy
                self._put_in_force(data, followers)
        except PolicyError as error:
            raise PolicyError(error.problems, error.form, self.path) from None

    def _put_in_force(self, data: bytes, followers: tuple[FileFollower[Any], ...]) -> None:
        """Build everything anew, and only then swap."""
        digest = hashlib.sha256(data).hexdigest()
        if digest != self.digest:
            for follower, ready in [(follower, follower.build(data)) for follower in followers]:
                follower.ready = ready
            changed = self._data is not None
            self._data, self.digest, self.loaded_at, self.last_error = data, digest, datetime.now(UTC), None
            if changed:
                _logger.info("CORS policy file %s has changed; the new policy is in force.", self.path)
        elif self.last_error is not None:
            self.last_error = None
            _logger.info("CORS policy file %s is again the one in force.", self.path)

    def _failed(self, error: Exception) -> None:
        if str(error) != str(self.last_error):
            _logger.error("CORS policy file not loaded; the last good policy stays in force. %s", error)
        # Another of the same kind: the one that was raised keeps alive whatever its traceback has seen.
        self.last_error = PolicyError(*error.args) if isinstance(error, PolicyError) else error

    def _state(self) -> State:
        """What tells one state of the file from another; symbolic links are followed."""
        try:
            found = Path(self.path).stat()
        except (OSError, ValueError) as error:  # ValueError: a path with a NUL
            return (str(error),)
        # The time of the last change of status tells of permissions too, and no program can set it.
        return (found.st_ctime_ns, found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev)


_every_file: weakref.WeakSet[PolicyFile] = weakref.WeakSet()


def _after_fork() -> None:
    for file in _every_file:
        file._forked()  # noqa: SLF001 - its own kind


# Where processes cannot fork, there is nothing to register with.
getattr(os, "register_at_fork", dict)(after_in_child=_after_fork)


class PathPolicies:
    """Several policies, each for a part of the paths (SEMANTICS 7.3).

    A prefix is literal and case-sensitive, and ends at a `/` of the path; the longest wins. Paths are compared as the
    application sees them, below its mount point, and nothing is normalised. A path that no prefix covers, or one whose
    value is None, passes as if there were no middleware.

    Args:
        policies: prefix to policy: a path, a `Policy`, parsed JSON, an `Engine`, a `PolicyFile`, or None to exempt.

    Raises:
        PolicyError: there is no prefix, or one does not begin with `/`, or stands twice (a `/` at its end does not count).
        TypeError: `policies` is no mapping, or a prefix is no text.
    """

    def __init__(self, policies: Mapping[str, PolicySource | None]) -> None:
        given: object = policies
        if not isinstance(given, Mapping):
            message = f"policies is a {type(given).__name__}; it must be a dict of path prefixes and their policies"
            raise TypeError(message)
        prefixes: list[object] = list(policies)
        others = [prefix for prefix in prefixes if not isinstance(prefix, str)]
        if others:
            message = f"a path prefix is a text such as '/api', not {others[0]!r}"
            raise TypeError(message)
        self.policies: dict[str, PolicySource | None] = {}
        problems = [] if policies else [_no_prefix()]
        for prefix, policy in policies.items():
            key = prefix.removesuffix("/")
            if not prefix.startswith("/"):
                message = f"The path prefix {prefix!r} must begin with `/`."
                problems.append(
                    Problem("path-prefix", "error", "", None, None, prefix, message, f'"/{prefix.strip(" /")}"')
                )
            elif key in self.policies:
                message = f"The path prefix {prefix!r} stands twice: a `/` at the end does not count."
                problems.append(Problem("path-prefix", "error", "", None, None, prefix, message))
            self.policies[key] = policy
        if problems:
            raise PolicyError(tuple(problems))


def _no_prefix() -> Problem:
    """Without a prefix, every path would pass as if there were no middleware."""
    message = 'There is no path prefix, so that no policy is enforced. "/" covers every path.'
    return Problem("path-prefix", "error", "", None, None, {}, message)


class Routes(Generic[Ready]):
    """Something for each prefix, chosen by the longest that covers a path. The work is bounded by the prefixes' number."""

    __slots__ = ("_lengths", "_table")

    def __init__(self, table: Mapping[str, Ready]) -> None:
        self._table = table
        self._lengths = sorted({len(prefix) for prefix in table}, reverse=True)

    def find(self, path: str) -> Ready | None:
        """What belongs to `path`, or None."""
        for length in self._lengths:
            if path[length : length + 1] in ("", "/") and len(path) >= length:
                found = self._table.get(path[:length])
                if found is not None:
                    return found
        return None
