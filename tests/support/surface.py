"""The public surface, written down: every name that people may build on, with its signature, as the sources have it.

It is read from the syntax trees, so that it is the same under every Python and every version of what is imported.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from typer.main import get_command

import r2style_cors
from r2style_cors.cli import app

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(r2style_cors.__file__).parent

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


def surface() -> str:
    """Everything public, a line each: the package's names, those of its modules, the commands."""
    rooms = r2style_cors._ROOMS  # noqa: SLF001 - where each name lives
    lines = ["r2style_cors"]
    for name, room in sorted(rooms.items()):
        lines += ("    " + line for line in described(name, definitions(room)[name]))
    for module in public_modules():
        lines.append(f"r2style_cors.{module}")
        for name, node in sorted(public(module).items()):
            if rooms.get(name) != module:
                lines += ("    " + line for line in described(name, node))
    return "\n".join([*lines, *commands()]) + "\n"


def public_modules() -> list[str]:
    """The modules whose names do not begin with `_`; the packages beside them are for people, not for programs."""
    return sorted(path.stem for path in PACKAGE.glob("[!_]*.py"))


def public(module: str) -> dict[str, ast.stmt]:
    """A module's functions and classes without `_`, and what it lists of other rooms in `__all__`."""
    found = definitions(module)
    own = {name: node for name, node in found.items() if isinstance(node, Function | ast.ClassDef) and name[0] != "_"}
    listed = found.get("__all__")
    wanted = set(ast.literal_eval(listed.value)) if isinstance(listed, ast.Assign) else set()
    return own | {
        alias.name: definitions(str(node.module))[alias.name]
        for node in tree_of(module).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name in wanted
    }


def definitions(module: str) -> dict[str, ast.stmt]:
    """What a module defines, by name."""
    found: dict[str, ast.stmt] = {}
    for node in tree_of(module).body:
        if isinstance(node, Function | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            found[ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)] = node
    return found


def tree_of(module: str) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(PACKAGE.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8"))


def described(name: str, node: ast.stmt) -> Iterator[str]:
    """A constant, a function, or a class with its members."""
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(map(ast.unparse, node.bases))
        yield f"class {name}({bases})" if bases else f"class {name}"
        yield from (f"    {member}" for member in sorted(members(node)))
    else:
        yield signature(node) if isinstance(node, Function) else name


def members(node: ast.ClassDef) -> Iterator[str]:
    """Its public methods and properties, how it is made, and its fields, where its docstring lists them."""
    told = set(re.findall(r"^    (\w+):", ast.get_docstring(node) or "", re.MULTILINE))
    for child in node.body:
        if isinstance(child, Function) and is_for_users(node.name, child.name):
            yield " ".join([*(f"@{ast.unparse(one)}" for one in child.decorator_list), signature(child)])
        elif isinstance(child, ast.AnnAssign) and ast.unparse(child.target) in told:
            yield ast.unparse(child)
    for inner in ast.walk(node):
        if isinstance(inner, ast.AnnAssign) and isinstance(inner.target, ast.Attribute) and inner.target.attr in told:
            yield f"{inner.target.attr}: {ast.unparse(inner.annotation)}"


def is_for_users(of: str, name: str) -> bool:
    """Whether a method is: engines and decisions are made by the package alone."""
    return name[0] != "_" or (name == "__init__" and of not in ("Decision", "Engine"))


def signature(node: Function) -> str:
    """A function's name, parameters and result."""
    result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{node.name}({ast.unparse(node.args)}){result}"


def commands() -> Iterator[str]:
    """Every command with its arguments and options."""
    group: Any = get_command(app)
    for name in sorted(group.commands):
        parameters = group.commands[name].params
        yield " ".join(["r2style-cors", name, *sorted(spelt(one) for one in parameters)])


def spelt(parameter: Any) -> str:
    """An argument by its name, an option by how it is typed; brackets where it may be left out."""
    typed = "/".join(parameter.opts + parameter.secondary_opts)
    text = parameter.name.upper() if parameter.param_type_name == "argument" else typed
    return text if parameter.required else f"[{text}]"
