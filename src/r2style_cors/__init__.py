"""CORS from one policy file, in the format that Cloudflare R2 enforces on a bucket, for any ASGI or WSGI application.

The names below are imported when they are first used (PEP 562), so that a door such as `r2style_cors.asgi` costs
nothing but itself.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._decision import Decision
    from ._engine import Engine
    from ._source import PathPolicies, PolicyFile
    from .errors import PolicyError, Problem
    from .policy import Policy, Rule, load_policy

__version__ = "0.1.0"
__all__ = [
    "Decision",
    "Engine",
    "PathPolicies",
    "Policy",
    "PolicyError",
    "PolicyFile",
    "Problem",
    "Rule",
    "load_policy",
]

_ROOMS = {
    "Decision": "_decision",
    "Engine": "_engine",
    "PathPolicies": "_source",
    "Policy": "policy",
    "PolicyError": "errors",
    "PolicyFile": "_source",
    "Problem": "errors",
    "Rule": "policy",
    "load_policy": "policy",
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
