"""How doors are made, of which policies and with which options, and what becomes of two of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from r2style_cors import Policy, PolicyError, PolicyFile, asgi, wsgi
from support.doors import DOORS
from support.messages import Answer, Request

if TYPE_CHECKING:
    from pathlib import Path

ORIGIN = "https://app.example"
RULES: list[Any] = [
    {"AllowedOrigins": [ORIGIN], "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["x-a"], "ExposeHeaders": ["ETag"]}
]


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI application that nobody calls."""


@pytest.mark.parametrize(("origins", "profile"), [(["*"], "r2"), (["*", "null"], "s3")])
def test_websocket_check_needs_an_origin(origins: list[str], profile: Any) -> None:
    """7.4: it is refused at construction where only `*` and `null` could grant a handshake."""
    rules = [{"AllowedOrigins": origins, "AllowedMethods": ["GET"]}]
    with pytest.raises(PolicyError) as caught:
        asgi.CORSMiddleware(nothing, rules, profile=profile, websocket_origin_check=True)
    assert [problem.code for problem in caught.value.problems] == ["websocket-star"]


ENGINE = Policy.parse(RULES).compile()
FROM_ORIGIN = Request(headers=(("Origin", ORIGIN),))


@pytest.mark.parametrize(
    "options",
    [
        {"profile": "s3"},
        {"credentials": False},
        {"extra_methods": ("PATCH",)},
        {"extra_methods": None},
        {"star_always": True},
    ],
    ids=lambda options: "{}={}".format(*next(iter(options.items()))),
)
def test_options_beside_an_engine(options: Any) -> None:
    """An Engine has options of its own: others beside it are a TypeError."""
    with pytest.raises(TypeError, match="an Engine has its own"):
        asgi.CORSMiddleware(nothing, ENGINE, **options)


@pytest.mark.parametrize("door", DOORS)
def test_policy_of_every_kind(tmp_path: Path, door: str) -> None:
    """A path, text or not, a Policy, parsed JSON, an Engine and a PolicyFile all open the same door."""
    path = tmp_path / "cors.json"
    path.write_text(Policy.parse(RULES).dump("dashboard"))
    for policy in (path, str(path), Policy.parse(RULES), RULES, {"CORSRules": RULES}, ENGINE, PolicyFile(path)):
        response = DOORS[door](Answer(), policy, {})(FROM_ORIGIN)
        assert response.cors() == [("access-control-allow-origin", ORIGIN), ("access-control-expose-headers", "ETag")]


def test_policy_of_no_kind() -> None:
    """Anything else is a TypeError that says what may stand there."""
    with pytest.raises(TypeError, match="policy is a int; it must be a path, a Policy"):
        wsgi.CORSMiddleware(lambda *_: [], 7)  # type: ignore[arg-type]  # the wrong type is what is tested


@pytest.mark.parametrize("door", [asgi.CORSMiddleware, wsgi.CORSMiddleware], ids=["asgi", "wsgi"])
def test_doubtful_policies_are_told(door: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Warnings of the file and of the options are logged when a door opens; notes are not."""
    rules = [{"AllowedOrigins": ["https://A.example", "app://x"], "AllowedMethods": ["PUT"]}]
    door(nothing, rules, extra_methods=("patch",))
    assert all(code in caplog.text for code in ("[origin-case]", "[extra-method-case]"))
    assert "origin-scheme-unusual" not in caplog.text


@pytest.mark.parametrize("door", DOORS)
def test_stacked_doors_warn_once(door: str, caplog: pytest.LogCaptureFixture) -> None:
    """5.5: of two doors the inner one passes everything through, and says so once."""
    ask = DOORS[door](Answer(), RULES, {}, layers=2)
    assert ask(FROM_ORIGIN) == ask(FROM_ORIGIN)
    [record] = caplog.records
    assert (record.levelname, "stacked" in record.getMessage()) == ("WARNING", True)
