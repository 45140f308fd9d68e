"""Several policies by path (SEMANTICS 7.3), and WebSocket handshakes by path (7.4)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from r2style_cors import PathPolicies, Policy, PolicyError, PolicyFile
from r2style_cors._source import Routes
from support.doors import at_once
from support.policy_files import (
    asgi_door,
    asgi_headers,
    asgi_messages,
    exposed,
    policy,
    replace,
    wsgi_app,
    wsgi_door,
    wsgi_headers,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

PREFIXES = ("/", "/assets/", "/api", "/api/v2", "/api/v2/private", "/caf\u00e9", "/a//b")
EXEMPT = "/api/v2/private"


def tell(prefix: str) -> str:
    """The header that the policy of a prefix exposes."""
    return f"x-{PREFIXES.index(prefix)}"


POLICIES = PathPolicies({prefix: None if prefix == EXEMPT else policy(tell(prefix)) for prefix in PREFIXES})

# The path as the application sees it, and the prefix whose policy decides.
DECIDED = {
    "/": "/",
    "": "/",
    "/assets": "/assets/",
    "/assets/": "/assets/",
    "/assets/font.woff2": "/assets/",
    "/assetsx": "/",
    "/asset": "/",
    "/Assets/font.woff2": "/",
    "/ASSETS": "/",
    "//assets/font.woff2": "/",
    "/./assets/font.woff2": "/",
    "/x/../assets/font.woff2": "/",
    "/assets/../api": "/assets/",
    "/assets%2Ffont.woff2": "/",
    "/assets+x": "/",
    "/assets;v=1": "/",
    "/assets\\font.woff2": "/",
    "/api": "/api",
    "/api/": "/api",
    "/api//v2": "/api",
    "/api/v2": "/api/v2",
    "/api/v2/": "/api/v2",
    "/api/v2.0": "/api",
    "/api/v20/things": "/api",
    "/api/v2/privately": "/api/v2",
    "/api/v2/private": EXEMPT,
    "/api/v2/private/x": EXEMPT,
    "/caf\u00e9/menu": "/caf\u00e9",
    "/cafe\u0301/menu": "/",
    "/a/b": "/",
    "/a//b": "/a//b",
    "/a//b/c": "/a//b",
    "*": None,
    "api": None,
}


def asked_by_asgi(path: str) -> dict[str, str]:
    """The headers for a path that an ASGI server decoded."""
    return asgi_headers(asgi_door(POLICIES), path)


def asked_by_wsgi(path: str) -> dict[str, str]:
    """The headers for a path that a WSGI server decoded: its bytes as latin-1 (PEP 3333)."""
    return wsgi_headers(wsgi_door(POLICIES), path.encode().decode("latin-1"))


@pytest.mark.parametrize("ask", [asked_by_asgi, asked_by_wsgi], ids=["asgi", "wsgi"])
@pytest.mark.parametrize(("path", "prefix"), DECIDED.items(), ids=[ascii(path) for path in DECIDED])
def test_the_longest_prefix_decides(ask: Callable[[str], dict[str, str]], path: str, prefix: str | None) -> None:
    """The longest prefix that ends at a `/` of the path decides, letter for letter; exempt or uncovered, there is no header."""
    headers = ask(path)
    if prefix in (None, EXEMPT):
        assert not [name for name in headers if name.startswith("access-control-") or name == "vary"]
    else:
        assert exposed(headers) == tell(str(prefix))


@pytest.mark.parametrize(
    ("raw", "prefix"),
    {
        "/assets%2Ffont.woff2": "/assets/",
        "/%61ssets": "/assets/",
        "/assets%252Ffont.woff2": "/",
        "/assets%20": "/",
        "/api/v2%2fprivate": EXEMPT,
        "/caf%C3%A9": "/caf\u00e9",
        "/caf%E9": "/",
    }.items(),
)
def test_the_decoded_path_decides(raw: str, prefix: str) -> None:
    """What a client encodes, the server decodes once, and the policy is that of the path which the application sees."""
    decoded = unquote(raw, "latin-1")
    headers = wsgi_headers(wsgi_door(POLICIES), decoded)
    assert exposed(headers) == (None if prefix == EXEMPT else tell(prefix))
    seen = decoded.encode("latin-1").decode("utf-8", "replace")
    assert exposed(asgi_headers(asgi_door(POLICIES), seen)) == exposed(headers)


# root_path and path as servers and mounts give them, and the path below the mount.
MOUNTS = {
    "root_path in front": ("/mount", "/mount/api/x", "/api"),
    "root_path stripped": ("/mount", "/api/x", "/api"),
    "the mount itself": ("/mount", "/mount", "/"),
    "the mount itself with a slash": ("/mount", "/mount/", "/"),
    "not on a boundary": ("/mount", "/mounted/api", "/"),
    "a slash at its end": ("/mount/", "/mount/api", "/api"),
    "only a slash": ("/", "/api", "/api"),
    "empty": ("", "/api", "/api"),
    "as the prefix": ("/api", "/api/api/x", "/api"),
    "hides the prefix": ("/api", "/api/x", "/"),
    "another case": ("/Mount", "/mount/api", "/"),
}


@pytest.mark.parametrize(("root", "path", "prefix"), MOUNTS.values(), ids=MOUNTS.keys())
def test_asgi_mount(root: str, path: str, prefix: str) -> None:
    """Paths are compared below `root_path`, whether the server puts it in front of the path or not."""
    assert exposed(asgi_headers(asgi_door(POLICIES), path, root_path=root)) == tell(prefix)


def test_asgi_scope_without_root_path() -> None:
    """A scope may come without `root_path`, and `lifespan` has no path: it reaches the application."""
    door, seen = asgi_door(POLICIES), []
    assert exposed(asgi_headers(door, "/api")) == tell("/api")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)

    import r2style_cors.asgi

    door_of_one: Any = r2style_cors.asgi.CORSMiddleware(app, POLICIES)
    at_once(door_of_one({"type": "lifespan"}, None, None))
    assert seen == [{"type": "lifespan"}]


def test_wsgi_mount() -> None:
    """`SCRIPT_NAME` takes no part: `PATH_INFO` is what lies below the mount."""
    door = wsgi_door(POLICIES)
    assert exposed(wsgi_headers(door, "/api/x", SCRIPT_NAME="/assets")) == tell("/api")
    assert exposed(wsgi_headers(door, "", SCRIPT_NAME="/assets")) == tell("/")


def test_starlette_mount() -> None:
    """Behind Starlette's `Mount`, a door compares paths below the mount."""
    from starlette.applications import Starlette
    from starlette.routing import Mount

    app: Any = Starlette(routes=[Mount("/mount", asgi_door(POLICIES))])
    assert exposed(_asked_of_starlette(app, "/mount/api/x")) == tell("/api")
    assert exposed(_asked_of_starlette(app, "/mount/assets")) == tell("/assets/")


def _asked_of_starlette(app: Any, path: str) -> dict[str, str]:
    return asgi_headers(app, path, query_string=b"", scheme="http", server=("api.example", 80))


def test_werkzeug_mount() -> None:
    """Behind Werkzeug's dispatcher, a door compares paths below the mount."""
    from werkzeug.middleware.dispatcher import DispatcherMiddleware

    app = DispatcherMiddleware(wsgi_app, {"/mount": wsgi_door(POLICIES)})
    assert exposed(wsgi_headers(app, "/mount/api/x")) == tell("/api")
    assert exposed(wsgi_headers(app, "/api/x")) is None


def test_nothing_is_decided_where_no_prefix_covers() -> None:
    """An uncovered path reaches the application untouched: no decision, and an OPTIONS request is the application's."""
    seen: list[Any] = []

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        seen.append(dict(environ))
        return wsgi_app(environ, start_response)

    import r2style_cors.wsgi

    door: Any = r2style_cors.wsgi.CORSMiddleware(app, PathPolicies({"/api": policy("x"), "/api/own": None}))
    preflight = {"REQUEST_METHOD": "OPTIONS", "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "GET"}
    for path in ("/", "/api/own"):
        assert wsgi_headers(door, path, **preflight) == {"content-type": "text/plain"}
    assert [sorted(environ) for environ in seen] == [
        sorted([*preflight, "SCRIPT_NAME", "PATH_INFO", "HTTP_ORIGIN"])
    ] * 2
    assert "access-control-allow-methods" in wsgi_headers(door, "/api", **preflight)
    assert len(seen) == 2


def test_every_kind_of_policy_has_its_place(tmp_path: Path) -> None:
    """A path, a Policy, parsed JSON and a file that changes stand side by side, each under its prefix."""
    for name in ("fixed", "changing"):
        (tmp_path / f"{name}.json").write_text(json.dumps(policy(f"x-{name}")), "utf-8")
    changing = PolicyFile(tmp_path / "changing.json", check_every=float("inf"))
    parts: dict[str, Any] = {
        "/path": tmp_path / "fixed.json",
        "/policy": Policy.parse(policy("x-policy")),
        "/json": policy("x-json"),
        "/file": changing,
    }
    door = wsgi_door(PathPolicies(parts))
    found = {prefix: exposed(wsgi_headers(door, prefix)) for prefix in parts}
    assert found == {"/path": "x-fixed", "/policy": "x-policy", "/json": "x-json", "/file": "x-changing"}
    replace(tmp_path / "changing.json", policy("x-changed"))
    changing.reload()
    assert exposed(wsgi_headers(door, "/file")) == "x-changed"
    engine = Policy.parse(policy("x-engine")).compile()
    assert exposed(wsgi_headers(wsgi_door(PathPolicies({"/": engine})), "/any")) == "x-engine"


@pytest.mark.parametrize("make", [asgi_door, wsgi_door], ids=["asgi", "wsgi"])
def test_policies_by_path_do_not_nest(make: Callable[[Any], Any]) -> None:
    """PathPolicies inside others would cover no path, and enforce nothing: they are refused, and the prefix is named."""
    inner: Any = PathPolicies({"/v2": policy("x")})
    with pytest.raises(TypeError, match=r"^the policy of '/api' is a PathPolicies; it must be one policy"):
        make(PathPolicies({"/api/": inner}))


@pytest.mark.parametrize("given", [None, 3, [("/api", "cors.json")], "cors.json"], ids=repr)
def test_policies_by_path_are_a_mapping(given: Any) -> None:
    """What is no mapping is a TypeError that says what may stand there."""
    with pytest.raises(TypeError, match=f"^policies is a {type(given).__name__}; it must be a dict of path prefixes"):
        PathPolicies(given)


def test_no_prefix_is_refused() -> None:
    """Without a prefix no policy would be enforced: that is a problem, and no door that stands open."""
    with pytest.raises(PolicyError) as raised:
        PathPolicies({})
    assert [(problem.code, problem.severity) for problem in raised.value.problems] == [("path-prefix", "error")]


def test_what_it_was_made_of_may_change() -> None:
    """The mapping is copied: changing it later changes nothing."""
    parts: dict[str, Any] = {"/api": policy("x")}
    policies = PathPolicies(parts)
    parts["/"] = policy("y")
    assert list(policies.policies) == ["/api"]


@pytest.mark.parametrize(
    ("prefixes", "messages"),
    [
        (["api"], ["must begin with `/`"]),
        ([""], ["must begin with `/`"]),
        (["https://a.example/api"], ["must begin with `/`"]),
        (["/api", "/api/"], ["stands twice"]),
        (["*", "/a/", "/a"], ["must begin with `/`", "stands twice"]),
    ],
    ids=str,
)
def test_prefixes_are_refused(prefixes: list[str], messages: list[str]) -> None:
    """Prefixes that cannot be, or that stand twice, are refused all at once."""
    with pytest.raises(PolicyError) as raised:
        PathPolicies(dict.fromkeys(prefixes))
    assert len(raised.value.problems) == len(messages)
    for problem, message in zip(raised.value.problems, messages, strict=True):
        assert problem.code == "path-prefix"
        assert message in problem.message
        assert problem.value in prefixes


@pytest.mark.parametrize("prefix", ["api", " /api", "api/", ""])
def test_the_prefix_to_write_instead_is_a_good_one(prefix: str) -> None:
    """What a refused prefix is to become is not refused again."""
    with pytest.raises(PolicyError) as raised:
        PathPolicies({prefix: None})
    [problem] = raised.value.problems
    assert problem.fix == ('"/api"' if prefix else '"/"')


def test_a_bad_policy_is_told_when_the_door_is_made(tmp_path: Path) -> None:
    """A door of several policies is made of good ones only."""
    with pytest.raises(PolicyError) as raised:
        wsgi_door(PathPolicies({"/api": str(tmp_path / "missing.json")}))
    assert raised.value.source == str(tmp_path / "missing.json")


def test_a_doubtful_policy_is_told_by_name(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A warning names the file that it is about, followed or not; where a policy has none, its path; else nothing."""
    doubtful = [{"AllowedOrigins": ["https://App.example"], "AllowedMethods": ["GET"]}]
    file = tmp_path / "cors.json"
    file.write_text(json.dumps(doubtful), encoding="utf-8")
    wsgi_door(PathPolicies({"/": doubtful, "/file": str(file), "/followed": PolicyFile(file)}))
    wsgi_door(doubtful)
    names = [record.getMessage().partition(": ")[0] for record in caplog.records]
    assert names == ["CORS policy /", f"CORS policy {file}", f"CORS policy {file}", "CORS policy"]


def test_many_prefixes_are_found_as_a_search_finds_them() -> None:
    """The table of prefixes agrees with the obvious search through all of them, for every path over a small alphabet."""
    from itertools import product

    words = ["".join(letters) for size in range(5) for letters in product("/aA", repeat=size)]
    prefixes = [word for word in words if word == "" or (word.startswith("/") and not word.endswith("/"))]
    routes = Routes({prefix: prefix or "root" for prefix in prefixes[::3]})
    for path in words:
        covering = [each for each in prefixes[::3] if path == each or path.startswith(each + "/")]
        longest = max(covering, key=len, default=None)
        assert routes.find(path) == (longest if longest is None else longest or "root")


@pytest.mark.parametrize(
    ("path", "origin", "answer"),
    [
        ("/live", "https://page.example", "websocket.accept"),
        ("/live", "https://evil.example", "websocket.close"),
        ("/live/x", "https://evil.example", "websocket.close"),
        ("/live", "https://api.example", "websocket.accept"),
        ("/open", "https://evil.example", "websocket.accept"),
        ("/other", "https://evil.example", "websocket.accept"),
    ],
)
def test_handshakes_are_checked_by_path(path: str, origin: str, answer: str) -> None:
    """A handshake is judged by the policy of its path; exempt and uncovered paths accept what the application accepts."""
    policies = PathPolicies({"/live": policy("x"), "/open": None})
    door = asgi_door(policies, websocket_origin_check=True)
    messages = asgi_messages(door, path, origin, type="websocket")
    assert [message["type"] for message in messages] == [answer]


def test_a_prefix_is_a_text() -> None:
    """What is no text is refused as such."""
    with pytest.raises(TypeError, match=r"not 3$"):
        PathPolicies({3: "cors.json"})  # type: ignore[dict-item]  # the wrong type is what is tested
