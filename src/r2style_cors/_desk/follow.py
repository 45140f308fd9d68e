"""Keeping a policy file like a live bucket's policy, beside a fleet's web servers. For the desk, never for a request.

Laws of this room:
- the file changes only when the bucket's policy is good and means something else than the file's (SEMANTICS 7.5);
- it changes whole: whoever reads it finds the old policy or the new one, also after a power cut;
- whatever fails, the file stays; each change of state is one line, and nothing else is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import PolicyError
from ..policy import load_policy
from .bucket import BucketError
from .diff import diff
from .files import replace_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..policy import Policy
    from .bucket import BucketReader
    from .diff import Difference

LONGEST_WAIT = 300.0  # seconds between two looks after many failures, unless looks are rarer anyway


class BucketFollower:
    """A file that follows a bucket's policy."""

    def __init__(self, reader: BucketReader, path: Path, form: str, say: Callable[[str], None]) -> None:
        """Follow `reader`'s bucket in the file at `path`, written in `form`; tell changes to `say`, a line each."""
        self._reader = reader
        self._path = path
        self._form = form
        self._say = say
        self._trouble: str | None = None
        self._failures = 0

    def look(self) -> None:
        """Read the bucket once, and write the file if there is cause. Raises nothing that a network or a disk can cause."""
        try:
            self._settle(self._reader.read())
        except (BucketError, PolicyError, OSError) as error:
            self._failures += 1
            trouble = self._in_a_line(error)
            if trouble != self._trouble:
                self._say(f"{trouble} {self._path} is left as it is.")
            self._trouble = trouble
        else:
            self._failures = 0

    def wait(self, every: float) -> float:
        """How many seconds to wait before the next look: `every`, and after failures longer, within bounds."""
        return min(every * 2.0 ** min(self._failures, 16), max(every, LONGEST_WAIT))

    def _settle(self, policy: Policy) -> None:
        """Write `policy` if the file says something else, or nothing good."""
        news = self._news(policy)
        if news is not None:
            replace_file(self._path, policy.dump(self._form).encode())
        if self._trouble is not None:
            self._say(f"{self._reader.bucket} can be followed again.")
            self._trouble = None
        if news is not None:
            self._say(f"Wrote {self._path} from {self._reader.bucket}: {news}.")

    def _news(self, policy: Policy) -> str | None:
        """What `policy` says that the file does not; None where they mean the same."""
        profile = self._reader.profile
        try:
            present = load_policy(self._path, profile)
        except PolicyError:
            return "there was no good policy"
        found = diff(present, policy, profile=profile)
        return summary(found) if found else None

    def _in_a_line(self, error: Exception) -> str:
        if isinstance(error, PolicyError):
            errors = [problem for problem in error.problems if problem.severity == "error"]
            more = f" There are {len(errors) - 1} more." if len(errors) > 1 else ""
            return f"The policy of {self._reader.bucket} is not good: {errors[0]}{more}"
        if isinstance(error, OSError):
            return f"{self._path} cannot be written: {error.strerror}."
        return str(error)


def summary(found: Difference) -> str:
    """How much two policies differ, in a few words."""
    grants, headers = len(found.grants), len(found.headers)
    return f"differences in what is granted: {grants}, in response headers: {headers}"
