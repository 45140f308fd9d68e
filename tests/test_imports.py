"""Which room may import which, read from the source, and what an import and a request load in a bare interpreter."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import r2style_cors

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(r2style_cors.__file__).parent
ROOMS = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}

# What runs once per request, and the doors that it runs in.
CORE = {"_decision", "_engine", "_fetch", "_origins", "_profiles", "_response", "_text"}
HOT = {*CORE, "_door", "_handshake", "asgi", "wsgi"}
DOORS = {"asgi": set(), "wsgi": set(), "starlette": {"asgi"}, "flask": {"wsgi"}, "django": set()}

# The folders, and who else imports what is in them. `_engine` explains in a function, and imports nothing of the desk before.
FOLDERS = {
    "_browser": {"_desk", "browser", "cli", "demo", "testing"},
    "_desk": {"_engine", "cli", "demo"},
    "_forms": {"_compile", "_desk", "_judge", "_schema", "_source", "cli", "policy"},
    "cli": {"__main__"},
    "demo": {"cli"},
}

# The rooms that may name a library outside the standard one; `cli` and `demo`, which are at the desk, may name others.
LIBRARIES = {
    "asgiref": {"django"},
    "boto3": {"_desk.bucket"},
    "botocore": {"_desk.bucket"},
    "cloudflare": {"_desk.bucket"},
    "django": {"django"},
    "httpx": {"_desk.probe"},
    "idna": {"_browser.url", "_rules_origin"},
    "publicsuffixlist": {"_hosts"},
    "pydantic": {"policy"},
    "pydantic_core": {"policy"},
    "werkzeug": {"_browser.inprocess", "testing"},
}


def top(room: str) -> str:
    """The folder that a room is in, or the room itself."""
    return room.partition(".")[0]


LIBRARY_ROOMS = [room for room in ROOMS if top(room) not in ("cli", "demo")]


def is_for_types(node: ast.AST) -> bool:
    """Whether a statement is `if TYPE_CHECKING:`."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports_in(node: ast.AST, *, nested: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports that are run with `node`; with `nested`, those in its functions as well."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            yield child
        elif not is_for_types(child) and (nested or not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef))):
            yield from imports_in(child, nested=nested)


def named_by(room: str, node: ast.Import | ast.ImportFrom) -> set[str]:
    """The modules that one import in `room` names: a room by its name, anything else by its first part with a colon."""
    if isinstance(node, ast.Import):
        return {f":{alias.name.partition('.')[0]}" for alias in node.names}
    if not node.level:
        return {f":{str(node.module).partition('.')[0]}"}
    package = room.split(".") if ROOMS[room].name == "__init__.py" else room.split(".")[:-1]
    base = [part for part in package if part != "__init__"][: len(package) - node.level + 1]
    base += [node.module] if node.module else []
    inside = {".".join([*base, alias.name]) for alias in node.names} & ROOMS.keys()
    return inside or ({".".join(base)} if base else {"__init__"})


@cache
def imported(room: str, *, nested: bool) -> frozenset[str]:
    """What a room imports when it is imported itself; with `nested`, at any time."""
    tree = ast.parse(ROOMS[room].read_text(encoding="utf-8"))
    return frozenset(
        name for node in imports_in(tree, nested=nested) for name in named_by(room, node) if name != ":__future__"
    )


def libraries(room: str, *, nested: bool) -> set[str]:
    """The libraries outside the standard one among them."""
    names = {name[1:] for name in imported(room, nested=nested) if name.startswith(":")}
    return names - sys.stdlib_module_names


def rooms(room: str, *, nested: bool) -> set[str]:
    """The package's own rooms among them."""
    return {name for name in imported(room, nested=nested) if not name.startswith(":")}


def test_the_graph_is_read() -> None:
    """The reader below sees what is there: rooms beside, inside and above, modules, and imports in functions."""
    assert {"policy", "_forms"} <= rooms("_desk.convert", nested=False)
    assert "_forms._reading" in rooms("_forms", nested=False)
    assert "policy" in rooms("_door", nested=True) - rooms("_door", nested=False)
    assert "policy" not in rooms("_door", nested=False)
    assert libraries("_hosts", nested=True) == {"publicsuffixlist"}
    assert rooms("cli", nested=False) >= {"__init__", "cli.matrix"}
    unknown = {name for room in ROOMS for name in rooms(room, nested=True)} - ROOMS.keys()
    assert unknown == set()


@pytest.mark.parametrize("room", sorted(HOT))
def test_hot_rooms_import_hot_rooms_alone(room: str) -> None:
    """What runs per request imports the standard library and its like, at its top nothing else of the package."""
    assert rooms(room, nested=False) <= HOT
    assert libraries(room, nested=True) == set()


@pytest.mark.parametrize("room", sorted(CORE))
def test_the_core_knows_no_door(room: str) -> None:
    """What decides knows no protocol, not even in a function."""
    assert rooms(room, nested=True).isdisjoint({*DOORS, "_door", "_handshake"})


@pytest.mark.parametrize("door", DOORS)
def test_doors_import_no_other_door(door: str) -> None:
    """A door imports no other, but for a framework's, which is its protocol's door put in the right place."""
    assert rooms(door, nested=True) & DOORS.keys() == DOORS[door]


@pytest.mark.parametrize("room", LIBRARY_ROOMS)
def test_libraries_are_named_where_they_belong(room: str) -> None:
    """A library is imported by the one room that is about it."""
    assert {library for library, there in LIBRARIES.items() if room in there} == libraries(room, nested=True)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_is_entered_by_its_users_alone(folder: str) -> None:
    """What is at the desk, and the browser's side, is imported by those who are about it, and by nothing that serves."""
    entering = {room for room in ROOMS if folder in map(top, rooms(room, nested=True))}
    assert set(map(top, entering)) == {folder, *FOLDERS[folder]}


@pytest.mark.parametrize("room", [room for room in ROOMS if top(room) != "_forms"])
def test_the_forms_are_one_room_to_others(room: str) -> None:
    """What other rooms need of the forms, they import from the folder, and none of its files."""
    assert [name for name in rooms(room, nested=True) if name.startswith("_forms.")] == []


def test_no_room_imports_itself_in_a_round() -> None:
    """Imports at the top go one way: there is no round of them."""
    left = {room: rooms(room, nested=False) - {room, "__init__"} for room in ROOMS}
    while ready := {room for room, needs in left.items() if not needs & left.keys()}:
        left = {room: needs for room, needs in left.items() if room not in ready}
    assert left == {}


def loaded(code: str) -> set[str]:
    """The modules that `code` loads in an interpreter of its own, without what the interpreter begins with."""
    lines = [
        "import sys",
        f"sys.path[:0] = {sys.path!r}",
        "before = set(sys.modules)",
        code,
        "print(*(set(sys.modules) - before))",
    ]
    found = subprocess.run(
        [sys.executable, "-I", "-S", "-c", "\n".join(lines)], capture_output=True, text=True, check=True
    )
    return set(found.stdout.split())


def own(modules: set[str]) -> set[str]:
    """The rooms among them."""
    return {name.removeprefix("r2style_cors.") for name in modules if name.startswith("r2style_cors.")}


def test_the_package_loads_nothing() -> None:
    """`import r2style_cors` loads no room; a name loads its own."""
    assert own(loaded("import r2style_cors")) == set()
    assert own(loaded("from r2style_cors import Problem")) == {"errors"}
    assert own(loaded("import r2style_cors; dir(r2style_cors)")) == set()


@pytest.mark.parametrize("door", ["asgi", "wsgi"])
def test_a_door_loads_nothing_but_hot_rooms(door: str) -> None:
    """Importing a protocol's door loads hot rooms, and of the standard library `types` alone, whose C part is `_types`."""
    modules = loaded(f"import r2style_cors.{door}")
    assert own(modules) <= HOT
    assert {name for name in modules if not name.startswith("r2style_cors")} <= {"__future__", "types", "_types"}


@pytest.mark.parametrize("door", ["starlette", "flask"])
def test_a_framework_s_door_loads_no_library(door: str) -> None:
    """Importing a framework's door loads neither the framework, which is there already, nor pydantic, which may wait."""
    modules = {name.partition(".")[0] for name in loaded(f"import r2style_cors.{door}")}
    assert modules - sys.stdlib_module_names == {"r2style_cors"}


MAKE_AND_ASK = """
import asyncio, logging
from r2style_cors import asgi, wsgi, Policy
policy = Policy.parse([{"AllowedOrigins": ["https://*.a.example"], "AllowedMethods": ["PUT"], "AllowedHeaders": ["x-*"]}])
asgi_door = asgi.CORSMiddleware(None, policy, websocket_origin_check=True)
wsgi_door = wsgi.CORSMiddleware(lambda environ, start: start("200 OK", []), policy)
before = set(sys.modules)
async def send(message): pass
for origin in ("https://x.a.example", "https://evil.example", "https://[::1]", "\\0"):
    asked = [(b"origin", origin.encode()), (b"access-control-request-method", b"PUT")]
    scope = {"type": "http", "method": "OPTIONS", "path": "/", "headers": asked}
    try: asgi_door(scope, None, send).send(None)
    except StopIteration: pass
    for method in ("OPTIONS", "PUT"):
        environ = {"REQUEST_METHOD": method, "HTTP_ORIGIN": origin, "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "PUT"}
        wsgi_door(environ, lambda *_: None)
"""


def test_requests_load_no_library() -> None:
    """Once a door is made, no request loads a library or another room; `ipaddress` is the one module that may come."""
    assert loaded(MAKE_AND_ASK) <= {"ipaddress"}
