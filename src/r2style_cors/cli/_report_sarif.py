"""What `check` found, as SARIF 2.1.0, which code scanning services read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .. import __version__
from .._codes import CODES
from ._report import instead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..errors import Problem
    from ._report import Checked

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(files: Sequence[Checked], *, complete: bool) -> str:
    """The log of one run. `complete` says whether every file could be read."""
    codes = sorted({problem.code for file in files for problem in file.problems})
    run = {
        "tool": {"driver": {"name": "r2style-cors", "version": __version__, "rules": [_rule(code) for code in codes]}},
        "invocations": [{"executionSuccessful": complete}],
        "columnKind": "utf16CodeUnits",
        "results": [_result(problem, file, codes) for file in files for problem in file.problems],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(name: str) -> dict[str, Any]:
    code = CODES[name]
    return {
        "id": name,
        "shortDescription": {"text": code.meaning},
        "fullDescription": {"text": f"{code.meaning} {code.why}"},
        "help": {"text": code.instead},
        "defaultConfiguration": {"level": code.severity},
    }


def _result(problem: Problem, file: Checked, codes: Sequence[str]) -> dict[str, Any]:
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": _uri(file.name)}, "region": _region(problem, file)}
    }
    if problem.path:
        location["logicalLocations"] = [{"fullyQualifiedName": problem.path}]
    return {
        "ruleId": problem.code,
        "ruleIndex": codes.index(problem.code),
        "level": problem.severity,
        "message": {"text": f"{problem.message} {instead(problem)}"},
        "locations": [location],
    }


def _uri(name: str) -> str:
    """A relative path stays relative, to wherever the log is read."""
    path = Path(name)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix().encode("utf-8", "surrogateescape"))


def _region(problem: Problem, file: Checked) -> dict[str, int]:
    """Where the value stands, in UTF-16 units, which is what most readers of SARIF count in."""
    line = problem.line or 1
    start = 1 + _units(file.text.before(problem) if file.text else "")
    return {
        "startLine": line,
        "startColumn": start,
        "endLine": line,
        "endColumn": start + _units(file.value_of(problem)),
    }


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
