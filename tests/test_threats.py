"""What the page on security says of threats, asked of the whole: through the doors, through a file, through `check`.

The tests of the rooms say more of each; these say what the page says.
"""

from __future__ import annotations

import os
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from r2style_cors import Policy, PolicyError, check, load_policy
from support.doors import DOORS
from support.messages import Answer, Request

if TYPE_CHECKING:
    from pathlib import Path

ALLOW_ORIGIN = "access-control-allow-origin"
FRIEND = "https://friend.example"
STRANGER = "https://stranger.example"
NOT_MODIFIED = 304  # it has no content, and so no type


def rule(*origins: str) -> dict[str, Any]:
    """A rule in the dashboard's form."""
    return {"AllowedOrigins": list(origins), "AllowedMethods": ["GET"], "AllowedHeaders": ["x-known"]}


def actual(origin: str | None, method: str = "GET", *headers: tuple[str, str]) -> Request:
    """An actual request, by a page of `origin` or, where that is None, by none."""
    return Request(method, headers if origin is None else (("Origin", origin), *headers))


def preflight(origin: str, method: str = "GET", names: str = "x-known") -> Request:
    """A preflight by a page of `origin`."""
    asked = (("Access-Control-Request-Method", method), ("Access-Control-Request-Headers", names))
    return Request("OPTIONS", (("Origin", origin), *asked))


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_forged_request_is_not_stopped(method: str, door: str) -> None:
    """Forged requests: an actual request reaches the application whatever its origin; the page cannot read the answer."""
    answer = DOORS[door](Answer(), [rule(FRIEND)], {})(actual(STRANGER, method))
    assert (answer.status, answer.reached, answer.cors()) == (200, True, [])


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("request_of", [actual, preflight])
def test_null_is_granted_by_the_star_alone(request_of: Any, door: str) -> None:
    """The origin `null`: no named origin and no wildcard host is `null`; `*` is, and is answered with `*`."""
    named = DOORS[door](Answer(), [rule(FRIEND, "https://*.friend.example")], {})(request_of("null"))
    assert named.cors() == []
    anybody = DOORS[door](Answer(), [rule("*")], {})(request_of("null"))
    assert anybody.lines(ALLOW_ORIGIN) == ["*"]


def test_null_cannot_be_listed() -> None:
    """The origin `null`: a policy that names it is refused."""
    with pytest.raises(PolicyError) as caught:
        Policy.parse([rule("null")])
    assert [problem.code for problem in caught.value.problems] == ["origin-null"]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("status", [200, NOT_MODIFIED, 404, 500])
@pytest.mark.parametrize("origin", [None, FRIEND, STRANGER, "null", "no origin"])
def test_every_response_varies_by_origin(origin: str | None, status: int, door: str) -> None:
    """Cache poisoning: whoever asks and whatever is answered, a cache is told that the copy is for this Origin alone."""
    content = () if status == NOT_MODIFIED else (("Content-Type", "text/plain"),)
    answer = DOORS[door](Answer(status, (("Vary", "Accept"), *content)), [rule(FRIEND)], {})(actual(origin))
    assert answer.vary() == ["Accept", "Origin"]


@pytest.mark.parametrize("door", DOORS)
def test_reasons_are_not_stored(door: str) -> None:
    """Cache poisoning: a refusal that says why is not to be stored, since it says so to one request."""
    answer = DOORS[door](Answer(), [rule(FRIEND)], {"debug": True})(preflight(STRANGER))
    assert STRANGER.encode() in answer.body
    assert answer.lines("cache-control") == ["no-store"]


@pytest.mark.parametrize("door", DOORS)
def test_a_refusal_says_the_same_whatever_the_reason(door: str) -> None:
    """Telling too much: origin, method, header and what is none of them are refused in the same words."""
    requests = [
        preflight(STRANGER),
        preflight(FRIEND, method="DELETE"),
        preflight(FRIEND, names="x-unknown"),
        preflight(FRIEND, names=":"),
    ]
    answers = [*map(DOORS[door](Answer(), [rule(FRIEND)], {}), requests)]
    assert len({(answer.status, answer.headers, answer.body, answer.reached) for answer in answers}) == 1


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", ["Host", "X-Forwarded-Host", "Forwarded", "X-Forwarded-Proto", "Referer"])
def test_host_decides_nothing(name: str, door: str) -> None:
    """DNS rebinding: whatever else a request says of where it comes from or goes to, Origin alone is asked."""
    for told in ("friend.example", "stranger.example", f"host={FRIEND}", FRIEND):
        friend = DOORS[door](Answer(), [rule(FRIEND)], {})(actual(FRIEND, "GET", (name, told)))
        stranger = DOORS[door](Answer(), [rule(FRIEND)], {})(actual(STRANGER, "GET", (name, told)))
        assert friend.cors() == [(ALLOW_ORIGIN, FRIEND)]
        assert stranger.cors() == []


@pytest.mark.parametrize(
    ("origin", "told"),
    [
        ("https://*.com", True),
        ("https://*.co.uk", True),
        ("https://*.github.io", True),
        ("https://*.friend.example", False),
        ("https://*.my-project.pages.dev", False),
    ],
)
def test_a_wildcard_over_a_public_suffix_is_told(origin: str, told: bool) -> None:
    """Public suffixes: `check` tells of a wildcard under which anyone can have a name, credentials or not."""
    assert ("origin-public-suffix" in [problem.code for problem in check([rule(origin)])]) is told


XML = (
    "<CORSConfiguration><CORSRule><AllowedOrigin>&a;</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule>"
    "</CORSConfiguration>"
)
DECLARATIONS = {
    "an entity that doubles": "["
    + "".join(f'<!ENTITY {b} "&{a};&{a};">' for a, b in zip("bcdefg", "abcdef", strict=True))
    + "]",
    "a file": '[<!ENTITY a SYSTEM "file:///etc/passwd">]',
    "a server": '[<!ENTITY a SYSTEM "http://127.0.0.1:1/">]',
    "a parameter entity": '[<!ENTITY % a SYSTEM "http://127.0.0.1:1/"> %a;]',
    "a grammar elsewhere": 'SYSTEM "http://127.0.0.1:1/"',
}


@pytest.mark.parametrize("declaration", DECLARATIONS.values(), ids=DECLARATIONS)
def test_xml_expands_nothing(declaration: str) -> None:
    """XML: a document type declaration is the one problem that is told, so nothing in it was expanded or fetched."""
    with pytest.raises(PolicyError) as caught:
        Policy.parse(f"<!DOCTYPE CORSConfiguration {declaration}>{XML}")
    assert [problem.code for problem in caught.value.problems] == ["xml-entity"]


def test_a_large_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    """Policy files: what has no end is read up to the limit, and no further."""
    pipe = tmp_path / "cors.json"
    os.mkfifo(pipe)
    mebibyte = b" " * (1024 * 1024)
    written: list[int | None] = []

    def write() -> None:
        with suppress(BrokenPipeError), pipe.open("wb", buffering=0) as end:
            written.extend(end.write(mebibyte) for _ in range(8))

    writer = Thread(target=write, daemon=True)
    writer.start()
    with pytest.raises(PolicyError) as caught:
        load_policy(pipe)
    writer.join()
    assert [problem.code for problem in caught.value.problems] == ["too-large"]
    assert len(written) < 8
