"""What a user catches: PolicyError, and the problems that it carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, doubtful or worth knowing about a policy (SEMANTICS 1.4).

    Attributes:
        code: the stable name of the problem, for example `origin-path`.
        severity: `error`, `warning` or `note`. A policy is good when it has no error.
        path: where, in the author's own form: `[0].AllowedOrigins[1]`, `rules[0].allowed.origins[1]`,
            `/CORSConfiguration/CORSRule[1]/AllowedOrigin[2]`; the empty string for the document as a whole.
        line: 1-based line of the offending value; None only where the input was already parsed.
        column: 1-based column, in characters, of its first character; None with `line`.
        value: the offending value as it was read, or None.
        message: what is wrong, in one sentence.
        fix: what to write instead, or None where nobody but the author can know.
    """

    code: str
    severity: Severity
    path: str
    line: int | None
    column: int | None
    value: Any
    message: str
    fix: str | None = None

    def __str__(self) -> str:
        where = [f"line {self.line}, column {self.column}"] if self.line is not None and self.code != "file" else []
        text = f"{', '.join([*where, self.path or 'the policy'])}: {self.message} [{self.code}]"
        return text if self.fix is None else f"{text} Write {self.fix} instead."


class PolicyError(ValueError):
    """A policy that cannot be enforced, with every reason at once.

    Attributes:
        problems: everything that was found, warnings and notes included, in the order of the file.
        form: the recognised form (`dashboard`, `api`, `s3`, `xml`, `terraform`), or None where there was none.
        source: the file's name where there is one, else None.
    """

    def __init__(self, problems: tuple[Problem, ...], form: str | None = None, source: str | None = None) -> None:
        self.problems = problems
        self.form = form
        self.source = source
        super().__init__(problems, form, source)

    def __str__(self) -> str:
        errors = [str(problem) for problem in self.problems if problem.severity == "error"]
        head = f"{self.source or 'policy'}: {len(errors)} error{'s' if len(errors) != 1 else ''}"
        return "\n".join([head, *("  " + error for error in errors)])
