"""The demonstration without a browser: its bucket, its policy file, its recorder, its page's server, its ports."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import tempfile
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from r2style_cors import Policy, PolicyError, convert, load_policy, matrix
from r2style_cors.demo import _bucket, _examine, _page, _policy, _recorder, _serve, _uploads

if TYPE_CHECKING:
    from collections.abc import Iterator

ORIGIN = "http://localhost:8000"
DOORS = ("asgi", "wsgi")
SEED_TYPES = {
    "data.json": "application/json",
    "dots.ttf": "font/ttf",
    "harbour.svg": "image/svg+xml",
    "hello.txt": "text/plain",
}


@contextmanager
def served(site: _serve.Demo) -> Iterator[httpx.Client]:
    """A client of the demo, which runs in a thread meanwhile."""
    thread = Thread(target=site.run)
    thread.start()
    try:
        with httpx.Client(base_url=site.origins["page"], trust_env=False) as client:
            yield client
    finally:
        site.stop()
        thread.join()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[_serve.Demo, httpx.Client]]:
    """One running demo for the tests that leave its policy alone."""
    file = tmp_path_factory.mktemp("demo") / "cors.json"
    with _serve.Demo("127.0.0.1", 0, file) as site, served(site) as client:
        yield site, client


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[_serve.Demo, httpx.Client]]:
    """A running demo for one test that changes its policy."""
    with _serve.Demo("127.0.0.1", 0, tmp_path / "policy" / "cors.json") as site, served(site) as client:
        yield site, client


@pytest.fixture
def bucket(tmp_path: Path) -> _bucket.Bucket:
    """A bucket with the packaged files."""
    made = _bucket.Bucket(tmp_path)
    made.seed()
    return made


@pytest.fixture
def policy(tmp_path: Path) -> _policy.DemoPolicy:
    """The starter policy in a file."""
    _policy.create(tmp_path / "cors.json", ORIGIN)
    return _policy.DemoPolicy(tmp_path / "cors.json")


def allows(policy: _policy.DemoPolicy, method: str) -> bool:
    """Whether the policy in force lets the page's origin use `method`."""
    return policy.engine().decide(method, ORIGIN, None, None).allowed


def with_method(policy: _policy.DemoPolicy, method: str) -> str:
    """The policy file's text with one more method."""
    return policy.path.read_text(encoding="utf-8").replace('"PUT"', f'"PUT", "{method}"')


def preflight(method: str, headers: str | None = None, origin: str = ORIGIN) -> dict[str, str]:
    """The headers of a CORS-preflight request."""
    named = {} if headers is None else {"Access-Control-Request-Headers": headers}
    return {"Origin": origin, "Access-Control-Request-Method": method, **named}


# The bucket.


@pytest.mark.parametrize("name", _bucket.SEEDS)
def test_bucket_starts_with_the_packaged_files(bucket: _bucket.Bucket, name: str) -> None:
    """Each packaged file is there, whole, with its own type and length."""
    answer = bucket.answer("GET", name)
    content = (Path(_bucket.__file__).parent / "files" / name).read_bytes()
    assert (answer.status, answer.body) == (200, content)
    assert answer.headers["Content-Type"] == SEED_TYPES[name]
    assert answer.headers["Content-Length"] == str(len(content))


def test_bucket_keeps_what_is_put(bucket: _bucket.Bucket) -> None:
    """A file that is put comes back with the ETag that the PUT named; other content has another."""
    first = bucket.answer("PUT", "note", b"one")
    assert bucket.answer("GET", "note").body == b"one"
    assert bucket.answer("GET", "note").headers["ETag"] == first.headers["ETag"]
    assert bucket.answer("GET", "note").headers["Content-Type"] == "application/octet-stream"
    assert bucket.answer("PUT", "note", b"two").headers["ETag"] != first.headers["ETag"]


def test_bucket_head_is_get_without_its_body(bucket: _bucket.Bucket) -> None:
    """HEAD has the status and the headers of GET, and nothing after them."""
    get, head = bucket.answer("GET", "hello.txt"), bucket.answer("HEAD", "hello.txt")
    assert (head.status, head.headers, head.body) == (get.status, get.headers, b"")


def test_bucket_forgets_what_is_deleted(bucket: _bucket.Bucket) -> None:
    """DELETE removes a file, and is content where there is none."""
    statuses = [bucket.answer(method, "hello.txt").status for method in ("DELETE", "DELETE", "GET", "HEAD")]
    assert statuses == [204, 204, 404, 404]


@pytest.mark.parametrize(
    "key", ["", ".", "..", ".hidden", "a/b", "../hello.txt", "a%2Fb", "a b", "é", "a\n", "a" * 101]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_bucket_refuses_other_keys(bucket: _bucket.Bucket, method: str, key: str, tmp_path: Path) -> None:
    """A key outside the flat key space is refused whatever the method, and no file comes of it."""
    before = sorted(tmp_path.iterdir())
    assert bucket.answer(method, key, b"x").status == 400
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("method", ["POST", "PATCH", "OPTIONS", "get"])
def test_bucket_names_its_methods(bucket: _bucket.Bucket, method: str) -> None:
    """Any other method is answered 405 with the list of those that there are."""
    answer = bucket.answer(method, "hello.txt")
    assert (answer.status, answer.headers) == (405, {"Allow": "GET, HEAD, PUT, DELETE"})


@pytest.mark.parametrize(("size", "status"), [(_bucket.LIMIT, 200), (_bucket.LIMIT + 1, 413)], ids=["full", "over"])
@pytest.mark.parametrize("door", DOORS)
def test_servers_bound_a_file(shared: tuple[_serve.Demo, httpx.Client], door: str, size: int, status: int) -> None:
    """Behind either server a file of the limit is kept, and one byte more is refused."""
    site, client = shared
    url = f"{site.origins[door]}/big-{door}-{size}"
    assert client.put(url, content=b"x" * size).status_code == status
    kept = client.get(url)
    assert len(kept.content) == size if status == 200 else kept.status_code == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "POST", "OPTIONS"])
def test_servers_answer_alike(shared: tuple[_serve.Demo, httpx.Client], method: str) -> None:
    """ASGI and WSGI give the same status and the same headers; only the server's own differ."""
    site, client = shared
    client.put(f"{site.origins['asgi']}/kept.txt", content=b"kept")
    answers = [client.request(method, f"{site.origins[door]}/kept.txt") for door in DOORS]
    names = ("allow", "content-type", "content-length", "etag", "vary")
    asgi, wsgi = ((answer.status_code, [answer.headers.get(name) for name in names]) for answer in answers)
    assert asgi == wsgi


# The policy file.


def test_starter_policy_is_good(tmp_path: Path) -> None:
    """The starter policy has no problem of any severity, and says what the page explains."""
    assert _policy.create(tmp_path / "new" / "cors.json", ORIGIN)
    policy = load_policy(tmp_path / "new" / "cors.json")
    assert policy.problems == ()
    assert policy.form == "dashboard"


def test_policy_file_is_never_overwritten(tmp_path: Path) -> None:
    """A file that is there is left as it is."""
    file = tmp_path / "cors.json"
    file.write_text("mine", encoding="utf-8")
    assert not _policy.create(file, ORIGIN)
    assert file.read_text(encoding="utf-8") == "mine"


def test_policy_follows_its_file(policy: _policy.DemoPolicy) -> None:
    """A change of the file is in force at the next look; without one the engine is the same object."""
    assert not allows(policy, "DELETE")
    assert policy.engine() is policy.engine()
    policy.path.write_text(with_method(policy, "DELETE"), encoding="utf-8")
    policy.look()
    assert allows(policy, "DELETE")


@pytest.mark.parametrize("harm", ["invalid", "deleted", "folder"])
def test_policy_keeps_the_last_good_one(policy: _policy.DemoPolicy, harm: str) -> None:
    """A file that is invalid, gone or no file at all leaves the old policy in force and says so; a mended one heals."""
    good = with_method(policy, "DELETE")
    policy.path.unlink()
    if harm == "invalid":
        policy.path.write_text("[", encoding="utf-8")
    if harm == "folder":
        policy.path.mkdir()
    policy.look()
    assert allows(policy, "PUT")
    assert any(problem.severity == "error" for problem in policy.problems)
    if harm == "folder":
        policy.path.rmdir()
    policy.path.write_text(good, encoding="utf-8")
    policy.look()
    assert allows(policy, "DELETE")
    assert policy.problems == ()


def test_policy_saves_only_what_is_good(policy: _policy.DemoPolicy) -> None:
    """A text with errors is refused with all of them, and the file stays byte for byte."""
    before = policy.path.read_bytes()
    text = with_method(policy, "OPTIONS").replace(ORIGIN, ORIGIN + "/")
    with pytest.raises(PolicyError) as caught:
        policy.save(text)
    assert {problem.code for problem in caught.value.problems} == {"method-options", "origin-path"}
    assert policy.path.read_bytes() == before


def test_policy_refuses_to_begin_badly(tmp_path: Path) -> None:
    """Without a good policy to begin with there is no demo."""
    (tmp_path / "cors.json").write_text("{}", encoding="utf-8")
    with pytest.raises(PolicyError):
        _policy.DemoPolicy(tmp_path / "cors.json")


def test_saved_policy_is_the_engine(policy: _policy.DemoPolicy) -> None:
    """What was saved is in force before the saving returns."""
    policy.save(with_method(policy, "DELETE"))
    assert allows(policy, "DELETE")


# The recorder.

REASONS: list[tuple[str, dict[str, str], bool, str]] = [
    ("GET", {"Origin": ORIGIN}, True, "rule 0 covers this origin and what was asked"),
    ("OPTIONS", preflight("PUT", "content-type"), True, "rule 0 covers this origin and what was asked"),
    ("GET", {"Origin": "http://localhost:9"}, False, "no rule covers this origin"),
    ("DELETE", {"Origin": ORIGIN}, False, "rule 0 covers this origin, but not the method"),
    ("OPTIONS", preflight("GET", "x-team"), False, "rule 0 covers this origin and the method, but not every header"),
    ("OPTIONS", preflight("P T"), False, "the request is malformed"),
    ("GET", {}, False, "the request names no origin"),
]


@pytest.mark.parametrize(
    ("method", "headers", "allowed", "because"),
    REASONS,
    ids=["actual", "preflight", "origin", "method", "headers", "malformed", "no-origin"],
)
def test_recorder_says_why(
    *, policy: _policy.DemoPolicy, method: str, headers: dict[str, str], allowed: bool, because: str
) -> None:
    """Each reason of a decision has its words, and names rules as people count them."""
    recorder = _recorder.Recorder(policy)
    recorder.note(_recorder.Asked("1", method, "/x", list(headers.items())), 200, [])
    (exchange,) = recorder.about("1")
    assert exchange.allowed is allowed
    assert exchange.because.startswith(because)


def test_recorder_keeps_the_headers_of_the_protocol(policy: _policy.DemoPolicy) -> None:
    """What CORS looks at is kept as it was written; everything else is left out."""
    asked = [("Origin", ORIGIN), ("accept", "*/*"), ("X-Team", "blue"), ("Content-Type", "text/plain")]
    answered = [("Vary", "Origin"), ("server", "x"), ("Access-Control-Allow-Origin", "*")]
    recorder = _recorder.Recorder(policy)
    recorder.note(_recorder.Asked("1", "GET", "/x", asked), 200, answered)
    (exchange,) = recorder.about("1")
    assert exchange.asked == [asked[0], asked[2], asked[3]]
    assert exchange.answered == [answered[0], answered[2]]


@pytest.mark.parametrize("key", ["", "a b", "a" * 65, "<b>", "a\n"])
def test_recorder_passes_over_other_ids(policy: _policy.DemoPolicy, key: str) -> None:
    """A request without a well-formed id is not noted."""
    recorder = _recorder.Recorder(policy)
    recorder.note(_recorder.Asked(key, "GET", "/x", []), 200, [])
    assert recorder.about(key) == ()


def test_recorder_is_bounded(policy: _policy.DemoPolicy) -> None:
    """The oldest ids go first, and one id fills up, so that nothing grows without end."""
    recorder = _recorder.Recorder(policy)
    for number in range(_recorder.KEPT_IDS + 2):
        recorder.note(_recorder.Asked(str(number), "GET", "/x", []), 200, [])
    for _ in range(_recorder.KEPT_EXCHANGES + 2):
        recorder.note(_recorder.Asked("9", "GET", "/x", []), 200, [])
    assert recorder.about("0") == recorder.about("1") == ()
    assert len(recorder.about("2")) == 1
    assert len(recorder.about("9")) == _recorder.KEPT_EXCHANGES


@pytest.mark.parametrize("door", DOORS)
def test_exchanges_are_what_left_the_server(shared: tuple[_serve.Demo, httpx.Client], door: str) -> None:
    """The page learns of a preflight and its actual request exactly what the client saw of them."""
    site, client = shared
    url, origin = f"{site.origins[door]}/note.json?id=seen-{door}", site.origins["page"]
    answers = [
        client.options(url, headers=preflight("PUT", "content-type", origin)),
        client.put(url, headers={"Origin": origin, "Content-Type": "application/json"}, content=b"{}"),
    ]
    noted = client.get(f"/exchanges?id=seen-{door}").json()
    assert [exchange["preflight"] for exchange in noted] == [True, False]
    assert [exchange["path"] for exchange in noted] == ["/note.json", "/note.json"]
    for exchange, answer in zip(noted, answers, strict=True):
        assert exchange["status"] == answer.status_code
        assert exchange["allowed"]
        seen = {(name.lower(), value) for name, value in exchange["answered"]}
        wire = {pair for pair in answer.headers.multi_items() if pair[0] == "vary" or "access-control" in pair[0]}
        assert seen == wire
        assert ("access-control-allow-origin", origin) in seen


def test_exchanges_of_an_unknown_id_are_none(shared: tuple[_serve.Demo, httpx.Client]) -> None:
    """An id that nobody used has no exchanges."""
    _, client = shared
    assert client.get("/exchanges?id=nobody").json() == []
    assert client.get("/exchanges").json() == []


# The page's server.


def test_setup_names_the_origins(shared: tuple[_serve.Demo, httpx.Client]) -> None:
    """The page learns the four origins by the host name that it was opened with, and the policy file."""
    site, client = shared
    setup = client.get("/setup").json()
    assert setup == {"origins": site.origins, "file": str(site.policy.path)}
    by_address = client.get(site.origins["page"].replace("localhost", "127.0.0.1") + "/setup").json()
    assert by_address["origins"]["asgi"] == site.origins["asgi"].replace("localhost", "127.0.0.1")


PAGE = Path(_page.__file__).parent / "page"
PARTS = sorted(str(path.relative_to(PAGE)) for path in PAGE.rglob("*.*"))


@pytest.mark.parametrize("name", ["", *PARTS])
def test_page_and_its_parts_are_served(shared: tuple[_serve.Demo, httpx.Client], name: str) -> None:
    """Everything that the page loads is there, under a policy that lets in nothing from anywhere else."""
    site, client = shared
    answer = client.get(f"/{name}")
    rules = dict(rule.split(" ", 1) for rule in answer.headers["content-security-policy"].split("; "))
    buckets = f"{site.origins['asgi']} {site.origins['wsgi']}"
    assert answer.status_code == 200
    assert rules == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": f"'self' {buckets}",
        "img-src": f"'self' {buckets}",
        "font-src": buckets,
        "frame-src": site.origins["other"],
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/frame.js", 200), ("/attempt.js", 200), ("/policy", 404)])
def test_other_origin_serves_the_frame_alone(shared: tuple[_serve.Demo, httpx.Client], path: str, status: int) -> None:
    """The other origin has the frame, which the page alone may show, and nothing to read or to save."""
    site, client = shared
    answer = client.get(site.origins["other"] + path)
    assert answer.status_code == status
    assert f"frame-ancestors {site.origins['page']}" in answer.headers["content-security-policy"]
    for what in ("connect", "img", "font"):
        buckets = f"{what}-src {site.origins['asgi']} {site.origins['wsgi']};"
        assert buckets in answer.headers["content-security-policy"]


HOSTS = [
    ("localhost:1", 200),
    ("localhost", 200),
    ("LOCALHOST", 200),
    ("127.0.0.1:1", 200),
    ("192.168.7.7", 200),
    ("[::1]:1", 200),
    ("rebound.example", 421),
    ("localhost.rebound.example", 421),
    ("127.0.0.1.rebound.example", 421),
    ("[::1%25zone]", 421),
    ("[", 421),
    ("", 421),
]


@pytest.mark.parametrize(("host", "status"), HOSTS)
def test_page_is_served_to_names_that_no_one_rebinds(
    shared: tuple[_serve.Demo, httpx.Client], host: str, status: int
) -> None:
    """A host name that someone else's DNS could point here is refused."""
    _, client = shared
    assert client.get("/policy", headers={"Host": host}).status_code == status


SAVES_REFUSED: dict[str, dict[str, str]] = {
    "no-origin": {"Origin": ""},
    "another-origin": {"Origin": "http://rebound.example"},
    "another-port": {"Origin": "http://localhost:1"},
    "opaque-origin": {"Origin": "null"},
    "cross-site": {"Sec-Fetch-Site": "cross-site"},
    "same-site": {"Sec-Fetch-Site": "same-site"},
    "plain-text": {"Content-Type": "text/plain"},
    "form": {"Content-Type": "application/x-www-form-urlencoded"},
    "no-type": {"Content-Type": ""},
}


RECEIVERS = [("PUT", "/policy"), ("POST", "/examine"), ("POST", "/rewrite"), ("POST", "/presign")]


def own_headers(site: _serve.Demo) -> dict[str, str]:
    """What the page's own request to save carries."""
    return {"Origin": site.origins["page"], "Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}


@pytest.mark.parametrize(("method", "path"), RECEIVERS)
@pytest.mark.parametrize("change", SAVES_REFUSED.values(), ids=SAVES_REFUSED)
def test_only_the_page_saves(
    *, shared: tuple[_serve.Demo, httpx.Client], change: dict[str, str], method: str, path: str
) -> None:
    """A request with a text that does not come from the page is refused before its text is read."""
    site, client = shared
    before = site.policy.path.read_bytes()
    text = with_method(site.policy, "DELETE")
    answer = client.request(method, path, headers=own_headers(site) | change, json={"text": text, "form": "xml"})
    assert answer.status_code == 403
    assert answer.json()["message"].endswith(".")
    assert site.policy.path.read_bytes() == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[",
        b"[]",
        b"3",
        b"{}",
        b'{"text": 1}',
        b"\xff",
        b'{"text": "\\ud800"}',
        b"[" * 60_000,
        b'{"text": "' + b" " * 66_000 + b'"}',
    ],
    ids=["empty", "broken", "list", "number", "no-text", "no-string", "no-utf8", "half-a-pair", "deep", "large"],
)
@pytest.mark.parametrize(("method", "path"), RECEIVERS)
def test_page_sends_texts(*, shared: tuple[_serve.Demo, httpx.Client], method: str, path: str, body: bytes) -> None:
    """Anything but a small JSON object with a text is refused without harm."""
    site, client = shared
    answer = client.request(method, path, headers=own_headers(site), content=body)
    assert (answer.status_code, list(answer.json())) == (400, ["message"])


def test_save_explains_an_invalid_policy(own: tuple[_serve.Demo, httpx.Client]) -> None:
    """Every problem comes back with its place, and the file and the policy in force stay as they were."""
    site, client = own
    before = site.policy.path.read_bytes()
    text = with_method(site.policy, "OPTIONS").replace('"http', '"https://*.*.example", "http')
    answer = client.put("/policy", headers=own_headers(site), json={"text": text})
    assert answer.status_code == 422
    found = {problem["code"]: problem for problem in answer.json()["problems"]}
    assert {code: (found[code]["line"], found[code]["severity"]) for code in found} == {
        "origin-wildcards": (3, "error"),
        "method-options": (4, "error"),
    }
    assert all(problem["column"] > 1 and problem["message"] for problem in found.values())
    assert site.policy.path.read_bytes() == before
    assert client.get("/policy").json() == {"text": before.decode(), "problems": []}


@pytest.mark.parametrize("door", DOORS)
def test_saved_policy_is_in_force(own: tuple[_serve.Demo, httpx.Client], door: str) -> None:
    """A saved policy is written to the file and answers the next request, behind either server."""
    site, client = own
    text, url = with_method(site.policy, "DELETE"), f"{site.origins[door]}/scratch.txt"
    asked = preflight("DELETE", origin=site.origins["page"])
    assert client.options(url, headers=asked).status_code == 403
    answer = client.put("/policy", headers=own_headers(site), json={"text": text})
    assert answer.json() == {"text": text, "problems": []}
    assert site.policy.path.read_text(encoding="utf-8") == text
    assert client.options(url, headers=asked).status_code == 204


def test_page_sees_a_broken_file(own: tuple[_serve.Demo, httpx.Client]) -> None:
    """A file broken in one's own editor is shown with its problems, while the old policy answers."""
    site, client = own
    site.policy.path.write_text("[\n  nonsense\n]", encoding="utf-8")
    shown: dict[str, Any] = client.get("/policy").json()
    assert shown["text"] == "[\n  nonsense\n]"
    assert shown["problems"][0]["line"] == 2
    answer = client.get(f"{site.origins['wsgi']}/hello.txt", headers={"Origin": site.origins["page"]})
    assert answer.headers["access-control-allow-origin"] == site.origins["page"]


def test_page_sees_a_lost_file(own: tuple[_serve.Demo, httpx.Client]) -> None:
    """Where the file's folder is gone, the page says so, and so does an attempt to save."""
    site, client = own
    text = site.policy.path.read_text(encoding="utf-8")
    shutil.rmtree(site.policy.path.parent)
    shown = client.get("/policy").json()
    assert (shown["text"], [problem["code"] for problem in shown["problems"]]) == ("", ["file"])
    answer = client.put("/policy", headers=own_headers(site), content=json.dumps({"text": text}))
    assert (answer.status_code, list(answer.json())) == (500, ["message"])


# What is said of a text that is not saved yet.


def question(text: str, fetch: dict[str, Any] | None = None) -> _examine.Question:
    """What the page asks: about a text, and a fetch of a file in a bucket on another origin."""
    described = None if fetch is None else {"page": ORIGIN, "url": "http://localhost:8001/hello.txt", **fetch}
    return _examine.Question.model_validate_json(json.dumps({"text": text, "fetch": described}))


STARTER = _policy.STARTER.replace("ORIGIN", ORIGIN)


def test_examined_text_has_its_findings(bucket: _bucket.Bucket) -> None:
    """Every finding of `check` is there, with where it ends and what is known of its code; a mark counts for no column."""
    text = STARTER.replace('"PUT"]', '"PUT", "OPTIONS"]').replace('"ETag"', '"*"')
    for mark in ("", "\ufeff"):
        said = _examine.examine(question(mark + text), bucket)
        found = [
            (problem["code"], text.splitlines()[problem["line"] - 1][problem["column"] - 1 : problem["end_column"] - 1])
            for problem in said["problems"]
        ]
        assert found == [("method-options", '"OPTIONS"'), ("expose-wildcard", '"*"')]
        assert all(problem["why"] and problem["instead"] for problem in said["problems"])
        assert (said["form"], said["matrix"], said["fetch"]) == ("dashboard", None, None)


@pytest.mark.parametrize("text", ["", "{}", "nonsense", "<a>"])
def test_examined_text_that_is_no_policy(bucket: _bucket.Bucket, text: str) -> None:
    """A text without a form has problems and nothing else."""
    said = _examine.examine(question(text, {}), bucket)
    assert said["problems"]
    assert (said["form"], said["matrix"], said["fetch"]) == (None, None, None)


def test_examined_policy_has_its_matrix(bucket: _bucket.Bucket) -> None:
    """A good text has the matrix of its policy, and without a described fetch no simulation."""
    said = _examine.examine(question(STARTER), bucket)
    assert said["problems"] == []
    assert said["matrix"] == asdict(matrix(Policy.parse(STARTER)))
    assert said["fetch"] is None


DESCRIBED: dict[str, tuple[dict[str, Any], str, list[str], list[str | None]]] = {
    "get": ({}, "readable", ["GET"], ["allowed"]),
    "put": ({"method": "PUT", "body": "x"}, "readable", ["OPTIONS", "PUT"], ["allowed", "allowed"]),
    "delete": ({"method": "DELETE"}, "blocked", ["OPTIONS"], ["method"]),
    "other": ({"page": "https://app.example"}, "blocked", ["GET"], ["origin"]),
    "xhr": ({"kind": "xhr", "method": "PUT", "body": "x"}, "readable", ["OPTIONS", "PUT"], ["allowed", "allowed"]),
    "xhr-cookies": ({"kind": "xhr", "credentials": "include"}, "blocked", ["GET"], ["allowed"]),
    "no-cors": ({"mode": "no-cors"}, "opaque", ["GET"], [None]),
    "image": ({"kind": "image"}, "opaque", ["GET"], [None]),
    "image-anonymous": ({"kind": "image-anonymous"}, "readable", ["GET"], ["allowed"]),
    "font": ({"kind": "font"}, "readable", ["GET"], ["allowed"]),
    "module": ({"kind": "module"}, "readable", ["GET"], ["allowed"]),
    "unsent": ({"mode": "same-origin"}, "blocked", [], []),
}


@pytest.mark.parametrize(("fetch", "outcome", "methods", "reasons"), DESCRIBED.values(), ids=DESCRIBED)
def test_described_fetch_is_simulated(
    *, bucket: _bucket.Bucket, fetch: dict[str, Any], outcome: str, methods: list[str], reasons: list[str | None]
) -> None:
    """The model says what is sent and what comes of it, and for every request with an origin the policy's why."""
    said = _examine.examine(question(STARTER, fetch), bucket.rehearsal())["fetch"]
    assert said["outcome"] == outcome
    assert [exchange["method"] for exchange in said["exchanges"]] == methods
    assert [why and why["reason"] for why in said["why"]] == reasons
    assert (said["suggestion"] is not None) is (reasons[-1:] in (["origin"], ["method"]))


def test_refused_fetch_has_a_suggestion(bucket: _bucket.Bucket) -> None:
    """What would grant a refused preflight is said in words, and as the rule should be written."""
    fetch = {"method": "DELETE", "headers": [["x-team", "blue"]]}
    said = _examine.examine(question(STARTER, fetch), bucket)["fetch"]
    assert json.loads(said["suggestion"]["fragment"])["AllowedMethods"] == ["GET", "HEAD", "PUT", "DELETE"]
    assert json.loads(said["suggestion"]["fragment"])["AllowedHeaders"] == ["content-type", "x-team"]
    assert said["why"][0]["rules"][0]["headers"] == ({"name": "x-team", "allowed": False},)
    assert "blocked by CORS policy" in said["message"]


def test_described_fetch_may_be_none(bucket: _bucket.Bucket) -> None:
    """What is no fetch is refused in words."""
    said = _examine.examine(question(STARTER, {"page": "app.example"}), bucket)["fetch"]
    assert list(said) == ["refusal"]
    assert "is no origin" in said["refusal"]


@pytest.mark.parametrize(
    "fetch", [{"kind": "iframe"}, {"method": 1}, {"headers": [["a"]]}, {"size": "1"}, {"body": None}]
)
def test_described_fetch_has_known_keys(shared: tuple[_serve.Demo, httpx.Client], fetch: dict[str, Any]) -> None:
    """A description that is none of the page's is refused, and the answer says what is wrong."""
    site, client = shared
    described = {"page": ORIGIN, "url": f"{site.origins['asgi']}/hello.txt", **fetch}
    answer = client.post("/examine", headers=own_headers(site), json={"text": STARTER, "fetch": described})
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Send text, fetch as JSON: ")


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_model_changes_nothing(bucket: _bucket.Bucket, tmp_path: Path, method: str) -> None:
    """The model's bucket answers as the real one does, and no file comes or goes."""
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    rehearsed = bucket.rehearsal().answer(method, "hello.txt", b"other")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert rehearsed == bucket.answer(method, "hello.txt", b"other")


def test_examining_is_not_logged(own: tuple[_serve.Demo, httpx.Client], caplog: pytest.LogCaptureFixture) -> None:
    """What is doubtful about a text is told to the page, and not to the terminal with every keystroke."""
    site, client = own
    fetch = {"page": ORIGIN, "url": f"{site.origins['asgi']}/hello.txt"}
    text = STARTER.replace('"ETag"', '"*"')
    answer = client.post("/examine", headers=own_headers(site), json={"text": text, "fetch": fetch})
    assert [problem["code"] for problem in answer.json()["problems"]] == ["expose-wildcard"]
    assert caplog.records == []
    assert site.policy.path.read_text(encoding="utf-8") != text


@pytest.mark.parametrize("form", ["dashboard", "api", "s3", "xml", "terraform"])
def test_a_text_is_rewritten(shared: tuple[_serve.Demo, httpx.Client], form: str) -> None:
    """A policy comes back in the form that is asked for, and the same policy; what the form cannot hold is named."""
    site, client = shared
    text = json.dumps({"success": True, "result": json.loads(convert(STARTER, "api").text)})
    answer = client.post("/rewrite", headers=own_headers(site), json={"text": text, "form": form}).json()
    written = Policy.parse(answer["text"])
    assert (written, written.form) == (Policy.parse(STARTER), form)
    assert answer["dropped"] == list(convert(text, form).dropped)


def test_what_is_no_policy_is_not_rewritten(shared: tuple[_serve.Demo, httpx.Client]) -> None:
    """A text that cannot be read has no other form, and the page is told so in a line."""
    site, client = shared
    answer = client.post("/rewrite", headers=own_headers(site), json={"text": "[", "form": "xml"})
    assert answer.status_code == 422
    assert "\n" not in answer.json()["message"]


# Uploads.


def presigned(site: _serve.Demo, client: httpx.Client, name: str = "a b/\N{SHIP}'\".txt") -> str:
    """The URL that the page is given for an upload of something of that name."""
    answer = client.post("/presign", headers=own_headers(site), json={"name": name, "size": 3})
    url: str = answer.json()["url"]
    return url


def test_an_upload_is_signed_and_kept(shared: tuple[_serve.Demo, httpx.Client]) -> None:
    """A URL that the page is given puts an object into the bucket, and is the only way in; no two are the same."""
    site, client = shared
    url = presigned(site, client)
    assert url.startswith(f"{site.origins['asgi']}/uploads/")
    answer = client.put(url, content=b"123", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.headers["etag"]) == (200, f'"{hashlib.md5(b"123").hexdigest()}"')  # noqa: S324 - S3's ETag is an MD5
    assert presigned(site, client) != url
    refused = [
        client.put(url.partition("?")[0], content=b"123"),
        client.put(url.replace("Expires=600", "Expires=601"), content=b"123"),
        client.put(url.replace("/uploads/", "/uploads/x"), content=b"123"),
        client.get(url),
    ]
    assert [answer.status_code for answer in refused] == [403] * 4


def test_an_upload_is_where_the_page_is(shared: tuple[_serve.Demo, httpx.Client]) -> None:
    """A page that was opened by its address gets a URL with that address, which is good."""
    site, client = shared
    page = site.origins["page"].replace("localhost", "127.0.0.1")
    body = {"name": "x", "size": 1}
    url = client.post(f"{page}/presign", headers=own_headers(site) | {"Origin": page}, json=body).json()["url"]
    assert url.startswith("http://127.0.0.1:")
    assert client.put(url, content=b"x").status_code == 200


def test_an_upload_is_bounded(shared: tuple[_serve.Demo, httpx.Client]) -> None:
    """Nothing too large is signed for, and nothing too large is kept by a URL that was signed for less."""
    site, client = shared
    body = {"name": "x", "size": _uploads.LIMIT + 1}
    answer = client.post("/presign", headers=own_headers(site), json=body)
    assert (answer.status_code, list(answer.json())) == (413, ["message"])
    url = presigned(site, client)
    answer = client.put(url, content=b"x" * (_uploads.LIMIT + 1))
    assert (answer.status_code, "EntityTooLarge" in answer.text) == (400, True)
    assert client.put(url, content=b"x" * _uploads.LIMIT).status_code == 200


def test_uploads_are_behind_the_policy_file(own: tuple[_serve.Demo, httpx.Client]) -> None:
    """The policy in force decides for uploads as for all else, and what crossed the wire is kept by the signature."""
    site, client = own
    asked = preflight("PUT", "content-type", site.origins["page"])
    url = presigned(site, client)
    assert client.options(url, headers=asked).status_code == 204
    site.policy.save(site.policy.path.read_text(encoding="utf-8").replace('"content-type"', '"x-team"'))
    assert client.options(url, headers=asked).status_code == 403
    noted = client.get("/exchanges", params={"id": url.rpartition("X-Amz-Signature=")[2]}).json()
    assert [(one["status"], one["allowed"]) for one in noted] == [(204, True), (403, False)]


def test_nothing_is_left_of_a_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the demo go its files and what was uploaded; the policy file stays."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with _serve.Demo("127.0.0.1", 0, tmp_path / "cors.json") as site, served(site) as client:
        assert client.put(presigned(site, client), content=b"123").status_code == 200
        assert any(file.is_file() for file in folder.rglob("uploads/*"))
    assert list(folder.iterdir()) == []
    assert (tmp_path / "cors.json").exists()


# The ports.


def test_ports_are_neighbours_where_they_are_free(tmp_path: Path) -> None:
    """A taken neighbour is replaced by a free port; the page has the port that was asked for."""
    page, taken = port_with_taken_neighbour()
    with closing(taken), _serve.Demo("127.0.0.1", page, tmp_path / "cors.json") as site:
        held = taken.getsockname()[1]
        ports = [int(origin.rpartition(":")[2]) for origin in site.origins.values()]
    assert ports[0] == page
    assert held not in ports
    assert len(set(ports)) == 4


def port_with_taken_neighbour() -> tuple[int, socket.socket]:
    """A free port, and a socket that holds the one after it."""
    while True:
        taken = socket.create_server(("127.0.0.1", 0))
        page = taken.getsockname()[1] - 1
        try:
            socket.create_server(("127.0.0.1", page)).close()
        except OSError:
            taken.close()
        else:
            return page, taken


def test_last_port_has_no_neighbours(tmp_path: Path) -> None:
    """The highest port there is serves the page as well as any other."""
    try:
        site = _serve.Demo("127.0.0.1", 65535, tmp_path / "cors.json")
    except OSError:
        pytest.skip("the highest port is taken")
    with site:
        assert site.origins["page"] == "http://localhost:65535"


def test_taken_page_port_is_an_error(tmp_path: Path) -> None:
    """The page's own port is never replaced, and a failed start makes no policy file."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken, pytest.raises(OSError, match="in use"):
        _serve.Demo("127.0.0.1", taken.getsockname()[1], tmp_path / "cors.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("127.0.0.1", "localhost"),
        ("0.0.0.0", "localhost"),  # noqa: S104 - to be shown, not bound
        ("::1", "localhost"),
        ("192.168.7.7", "192.168.7.7"),
        ("fd00::7", "[fd00::7]"),
        ("laptop.local", "laptop.local"),
    ],
)
def test_hosts_are_shown_as_a_browser_writes_them(host: str, name: str) -> None:
    """Loopbacks are shown as `localhost`, IPv6 addresses in brackets, anything else as it was given."""
    assert _page.Ports(1, 2, 3, 4).origins(_serve.shown_host(host))["wsgi"] == f"http://{name}:3"


def test_demo_speaks_ipv6(tmp_path: Path) -> None:
    """On an IPv6 loopback everything works as on an IPv4 one."""
    try:
        site = _serve.Demo("::1", 0, tmp_path / "cors.json")
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with site, served(site) as client:
        address = site.origins["wsgi"].replace("localhost", "[::1]")
        assert client.get(f"{address}/hello.txt").status_code == 200
