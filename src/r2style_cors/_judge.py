"""The verdict on a document that has been read: its rules, and every problem with its place in the author's own form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._forms import KEYS, literal, path_of
from ._rules import judge_rule, judge_size

if TYPE_CHECKING:
    from ._forms import Draft, Reading, Report
    from ._profiles import ProfileName
    from ._rules import Finding
    from .errors import Problem
    from .policy import Policy


@dataclass(frozen=True, slots=True)
class Verdict:
    """A reading that has been judged: what the models' constructors need not judge again."""

    reading: Reading
    profile: ProfileName
    rules: list[dict[str, Any]]
    problems: tuple[Problem, ...]


def judge_reading(reading: Reading, profile: ProfileName) -> Verdict:
    """Judge every rule of a document that has been read; all that is wrong stands in the verdict's problems."""
    report = reading.report.copy()
    rules: list[dict[str, Any]] = []
    if reading.drafts is not None:
        for one in judge_size(len(reading.drafts), reading.size):
            report.add(one.code, reading.path, reading.spot, one.message, severity=one.severity)
        for draft in reading.drafts:
            clean, findings = judge_rule(draft.values, profile, any_case=reading.form == "terraform")
            rules.append(clean)
            for finding in findings:
                _report(finding, draft, str(reading.form), report)
    return Verdict(reading, profile, rules, report.problems())


def _report(finding: Finding, draft: Draft, form: str, report: Report) -> None:
    """Turn a finding into a problem, with its place in the author's own form."""
    one, at = finding.fault, finding.at
    if one.code == "missing-key":
        path, spot = draft.home_of(str(at[0]))
        message = f"The required key `{KEYS[form][str(at[0])][-1]}` is missing here."
        report.add(one.code, path, spot, message)
        return
    fix = None if one.mended is None else str(one.mended) if form == "xml" else literal(one.mended)
    spot, path = draft.spot_of(at), path_of(form, draft, at)
    report.add(one.code, path, spot, one.message, value=finding.value, fix=fix, severity=one.severity)


def document_of(policy: Policy) -> Reading:
    """The document that a policy was made of, as it was read."""
    return policy._verdict.reading  # noqa: SLF001 - the one room beside its own that looks at it
