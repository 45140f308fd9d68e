"""CORS from one policy file, in the format that Cloudflare R2 enforces on a bucket, for any ASGI or WSGI application.

The names below are imported when they are first used (PEP 562), so that a door such as `r2style_cors.asgi` costs
nothing but itself.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._decision import Decision
    from ._desk.bucket import BucketError, pull
    from ._desk.check import check
    from ._desk.convert import Conversion, convert
    from ._desk.diff import Difference, diff
    from ._desk.explain import Explanation, explain
    from ._desk.fix import Fixed, fix
    from ._desk.matrix import Matrix, matrix
    from ._desk.probe import Probe, probe
    from ._desk.suggest import Suggestion, suggest
    from ._engine import Engine
    from ._source import PathPolicies, PolicyFile
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
    "BucketError": "_desk.bucket",
    "Conversion": "_desk.convert",
    "Decision": "_decision",
    "Difference": "_desk.diff",
    "Engine": "_engine",
    "Explanation": "_desk.explain",
    "Fixed": "_desk.fix",
    "Matrix": "_desk.matrix",
    "PathPolicies": "_source",
    "Policy": "policy",
    "PolicyError": "errors",
    "PolicyFile": "_source",
    "Probe": "_desk.probe",
    "Problem": "errors",
    "Rule": "policy",
    "Suggestion": "_desk.suggest",
    "check": "_desk.check",
    "convert": "_desk.convert",
    "diff": "_desk.diff",
    "explain": "_desk.explain",
    "fix": "_desk.fix",
    "load_policy": "policy",
    "matrix": "_desk.matrix",
    "policy_schema": "policy",
    "probe": "_desk.probe",
    "pull": "_desk.bucket",
    "suggest": "_desk.suggest",
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
