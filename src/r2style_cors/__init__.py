"""CORS from one policy file, in the format that Cloudflare R2 enforces on a bucket, for any ASGI or WSGI application.

The names below are imported when they are first used (PEP 562), so that a door such as `r2style_cors.asgi` costs
nothing but itself.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._bucket import BucketError, pull
    from ._check import check
    from ._convert import Conversion, convert
    from ._decision import Decision
    from ._diff import Difference, diff
    from ._engine import Engine
    from ._explain import Explanation, explain
    from ._fix import Fixed, fix
    from ._matrix import Matrix, matrix
    from ._probe import Probe, probe
    from ._source import PathPolicies, PolicyFile
    from ._suggest import Suggestion, suggest
    from .errors import PolicyError, Problem
    from .policy import Policy, Rule, load_policy, policy_schema

__version__ = "1.0.0"
__all__ = [
    "BucketError",
    "Conversion",
    "Decision",
    "Difference",
    "Engine",
    "Explanation",
    "Fixed",
    "Matrix",
    "PathPolicies",
    "Policy",
    "PolicyError",
    "PolicyFile",
    "Probe",
    "Problem",
    "Rule",
    "Suggestion",
    "check",
    "convert",
    "diff",
    "explain",
    "fix",
    "load_policy",
    "matrix",
    "policy_schema",
    "probe",
    "pull",
    "suggest",
]

_ROOMS = {
    "BucketError": "_bucket",
    "Conversion": "_convert",
    "Decision": "_decision",
    "Difference": "_diff",
    "Engine": "_engine",
    "Explanation": "_explain",
    "Fixed": "_fix",
    "Matrix": "_matrix",
    "PathPolicies": "_source",
    "Policy": "policy",
    "PolicyError": "errors",
    "PolicyFile": "_source",
    "Probe": "_probe",
    "Problem": "errors",
    "Rule": "policy",
    "Suggestion": "_suggest",
    "check": "_check",
    "convert": "_convert",
    "diff": "_diff",
    "explain": "_explain",
    "fix": "_fix",
    "load_policy": "policy",
    "matrix": "_matrix",
    "policy_schema": "policy",
    "probe": "_probe",
    "pull": "_bucket",
    "suggest": "_suggest",
}


def __getattr__(name: str) -> object:
    room = _ROOMS.get(name)
    if room is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module

    value = getattr(import_module(f".{room}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
