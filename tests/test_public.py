"""What is public: that it is all there, says what it means, and is the same at every door."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import inspect
import pickle
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import r2style_cors
import r2style_cors.asgi
import r2style_cors.flask
import r2style_cors.starlette
import r2style_cors.wsgi
from r2style_cors import Engine, Policy, PolicyError, Problem
from support.renderings import assert_golden
from support.surface import surface

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from r2style_cors.errors import Severity

PACKAGE = Path(r2style_cors.__file__).parent

# The names that people build on. More may come; none of these may go.
FIXED = {
    "Decision", "Engine", "PathPolicies", "Policy", "PolicyError", "PolicyFile", "Problem", "Rule", "load_policy",
}  # fmt: skip
DOORS: dict[str, Callable[..., Any]] = {
    "asgi.CORSMiddleware": r2style_cors.asgi.CORSMiddleware,
    "wsgi.CORSMiddleware": r2style_cors.wsgi.CORSMiddleware,
    "starlette.install": r2style_cors.starlette.install,
    "flask.init_app": r2style_cors.flask.init_app,
}
COMPILE_OPTIONS = {"profile": "r2", "credentials": None, "extra_methods": (), "star_always": False}
DOOR_OPTIONS = {**COMPILE_OPTIONS, "debug": False, "keep_app_headers": False}
ASGI_OPTIONS = {**DOOR_OPTIONS, "websocket_origin_check": False}


def public_objects() -> Iterator[tuple[str, Any]]:
    """Every public name of the package and of its doors, and the public functions of its classes."""
    exported = [(name, getattr(r2style_cors, name)) for name in r2style_cors.__all__]
    for name, value in [*exported, *DOORS.items()]:
        yield name, value
        if inspect.isclass(value):
            yield from ((f"{name}.{inner}", method) for inner, method in functions_of(value))


def functions_of(cls: type) -> Iterator[tuple[str, Any]]:
    """The public functions that a class defines itself."""
    for name, value in vars(cls).items():
        function = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
        if not name.startswith("_") and inspect.isfunction(function):
            yield name, function


OBJECTS = dict(public_objects())
TOLD_ELSEWHERE = {"Engine.explain": "its arguments are those of Engine.decide, which a test below makes sure of"}
MODULES = ["", ".asgi", ".errors", ".flask", ".policy", ".starlette", ".wsgi"]


@pytest.mark.parametrize("name", OBJECTS)
def test_docstrings(name: str) -> None:
    """Everything public has a docstring that begins with a sentence, and one that takes arguments names each of them."""
    value = OBJECTS[name]
    text = inspect.getdoc(value) or ""
    assert re.match(r"[A-Z*`].*[.:]$", text.partition("\n\n")[0].replace("\n", " ")), "a sentence comes first"
    if inspect.isfunction(value):
        taken = [name for name in inspect.signature(value).parameters if name not in ("self", "cls", "app")]
        untold = [one for one in taken if not re.search(rf"\b{one}\b", text)]
        assert len(taken) < 2 or untold == [] or name in TOLD_ELSEWHERE


@pytest.mark.parametrize("name", [name for name, value in OBJECTS.items() if inspect.isclass(value)])
def test_attributes_are_documented(name: str) -> None:
    """Each public attribute of a class is told in the class's docstring, or has its own."""
    cls = OBJECTS[name]
    attributes = {inner for inner, value in vars(cls).items() if isinstance(value, property) and not value.__doc__}
    attributes |= {inner for inner in getattr(cls, "__annotations__", {}) if not inner.startswith("_")}
    told = inspect.getdoc(cls) or ""
    internal = {"Decision": {"answer", "extra", "raw_extra"}}.get(name, set())
    assert {inner for inner in attributes if not inner.startswith("_") and f"{inner}:" not in told} == internal


@pytest.mark.parametrize("module", MODULES)
def test_modules_say_what_they_are(module: str) -> None:
    """A public module opens with a caption."""
    caption = (importlib.import_module(f"r2style_cors{module}").__doc__ or "").partition("\n\n")[0]
    assert re.match(r"[A-Z].*\.$", caption.replace("\n", " "))


def test_exported_names() -> None:
    """The names are sorted, all there, listed by `dir`, and the same for type checkers as when running."""
    names = r2style_cors.__all__
    assert names == sorted(names)
    assert set(names) >= FIXED
    assert set(names) <= set(dir(r2style_cors))
    tree = ast.parse(Path(r2style_cors.__file__).read_text(encoding="utf-8"))
    [for_types] = [node for node in tree.body if isinstance(node, ast.If)]
    typed = {
        alias.name: node.module for node in for_types.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert typed == r2style_cors._ROOMS  # noqa: SLF001 - the two lists have to say the same
    assert list(typed) == sorted(typed, key=lambda name: (str(typed[name]), not name[0].isupper(), name))
    assert typed.keys() == set(names)


def test_a_name_that_is_not_there() -> None:
    """Another name is an AttributeError, in the interpreter's own words, and stays one for `hasattr`."""
    assert not hasattr(r2style_cors, "CORSMiddleware")
    with pytest.raises(AttributeError, match=r"^module 'r2style_cors' has no attribute 'Polici'$"):
        getattr(r2style_cors, "Polici")  # noqa: B009 - spelt so for the type checkers
    with pytest.raises(ImportError, match="cannot import name 'Polici'"):
        exec("from r2style_cors import Polici")


def test_a_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """After its first use a name is an ordinary one of the module."""
    monkeypatch.delattr(r2style_cors, "PolicyFile")  # which looks it up itself, at the latest here
    first = r2style_cors.PolicyFile
    assert vars(r2style_cors)["PolicyFile"] is first
    assert r2style_cors.PolicyFile is first


def test_version_and_typing() -> None:
    """The version is that of the distribution, and the package says that it is typed."""
    assert importlib.metadata.version("r2style-cors") == r2style_cors.__version__
    assert (PACKAGE / "py.typed").exists()


def options_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The parameters with defaults, and what they are."""
    parameters = inspect.signature(function).parameters.items()
    return {name: one.default for name, one in parameters if one.default is not one.empty}


@pytest.mark.parametrize("name", DOORS)
def test_every_door_has_the_same_options(name: str) -> None:
    """The options are the same at every door, with the same defaults, after `app` and `policy`, and only by name."""
    parameters = inspect.signature(DOORS[name]).parameters
    assert [*parameters][:2] == ["app", "policy"]
    assert options_of(DOORS[name]) == (
        ASGI_OPTIONS if name in ("asgi.CORSMiddleware", "starlette.install") else DOOR_OPTIONS
    )
    assert {parameters[option].kind for option in options_of(DOORS[name])} == {inspect.Parameter.KEYWORD_ONLY}


def test_compile_has_the_options_of_a_door() -> None:
    """An Engine that is made beforehand can have whatever a door would have made it with."""
    assert options_of(Policy.compile) == COMPILE_OPTIONS


def test_explain_asks_what_decide_asks() -> None:
    """`Engine.explain` takes the arguments of `Engine.decide`."""
    explain, decide = (inspect.signature(function).parameters for function in (Engine.explain, Engine.decide))
    assert explain == decide


def problem(severity: Severity = "error", **more: Any) -> Problem:
    """A problem, good for most."""
    given = {"path": "[0]", "line": None, "column": None, "value": 1, "message": "It is odd.", "fix": None, **more}
    return Problem("some-code", severity, **given)


PROBLEMS = [
    ("no place", problem(path=""), "the policy: It is odd. [some-code]"),
    ("a path", problem(), "[0]: It is odd. [some-code]"),
    ("a place", problem(line=2, column=3), "line 2, column 3, [0]: It is odd. [some-code]"),
    ("a fix", problem(fix='"x"'), '[0]: It is odd. [some-code] Write "x" instead.'),
]


@pytest.mark.parametrize(("one", "text"), [case[1:] for case in PROBLEMS], ids=[case[0] for case in PROBLEMS])
def test_problems_as_text(one: Problem, text: str) -> None:
    """1.4: a problem says where, what, its code, and what to write instead."""
    assert str(one) == text


ERRORS = [
    ("one", PolicyError((problem(),)), "policy: 1 error\n  [0]: It is odd. [some-code]"),
    ("none", PolicyError(()), "policy: 0 errors"),
    (
        "of a file, with a warning",
        PolicyError((problem("warning"), problem(), problem(path="[1]")), "api", "cors.json"),
        "cors.json: 2 errors\n  [0]: It is odd. [some-code]\n  [1]: It is odd. [some-code]",
    ),
]


@pytest.mark.parametrize(("error", "text"), [case[1:] for case in ERRORS], ids=[case[0] for case in ERRORS])
def test_policy_error(error: PolicyError, text: str) -> None:
    """A PolicyError is a ValueError that lists its errors, and comes whole out of another process."""
    assert isinstance(error, ValueError)
    assert str(error) == text
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - its own bytes
    assert (type(again), again.problems, again.form, again.source) == (
        PolicyError,
        error.problems,
        error.form,
        error.source,
    )


def test_the_surface_is_as_it_was_written_down() -> None:
    """No public name, signature, field, command or option goes or changes unnoticed: `tests/golden/public-api.txt`."""
    assert_golden("public-api", surface())


WORDS = re.compile(r"white-?list|black-?list|simple (CORS )?request|complex request", re.IGNORECASE)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_standard_s_words(path: Path) -> None:
    """The Fetch standard's words are used throughout; S3's own message, which is quoted, is the one exception."""
    text = path.read_text(encoding="utf-8").replace("are not whitelisted by the ", "")
    assert WORDS.findall(text) == []
