"""A file that follows a live bucket: written when the bucket means something else, and never lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from r2style_cors import Policy, load_policy
from r2style_cors._desk.bucket import BucketReader, bucket_at
from r2style_cors._desk.follow import BucketFollower
from support.buckets import ACCOUNT, S3, Server, api_error, api_reply, set_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUCKET = f"r2://{ACCOUNT}/bucket"
BAD = f"The policy of {BUCKET} is not good: rules[0].allowed.origins[0]: "


def api_rule(*methods: str, max_age: int = 60) -> dict[str, object]:
    """A rule as Cloudflare's API gives it."""
    return {"allowed": {"origins": ["https://app.example.com"], "methods": list(methods)}, "maxAgeSeconds": max_age}


class Followed:
    """A follower of a bucket behind a running API, with the lines that it said."""

    def __init__(self, path: Path, server: Server) -> None:
        self.path = path
        self.server = server
        self.said: list[str] = []
        self.follower = BucketFollower(BucketReader(bucket_at(BUCKET)), path, "dashboard", self.said.append)

    def look(self, answer: tuple[int, str]) -> list[str]:
        """What is said of a look at a bucket that answers so."""
        self.server.answer = answer
        self.said.clear()
        self.follower.look()
        return list(self.said)


@pytest.fixture
def followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Followed]:
    """A follower whose file is not there yet."""
    set_credentials(monkeypatch)
    monkeypatch.chdir(tmp_path)
    server = Server()
    monkeypatch.setenv("CLOUDFLARE_BASE_URL", server.url)
    yield Followed(tmp_path / "cors.json", server)
    server.close()


def test_first_look_makes_the_file(followed: Followed) -> None:
    """A file that is missing is made, and that is said once."""
    expected = f"Wrote {followed.path} from {BUCKET}: there was no good policy."
    assert followed.look(api_reply([api_rule("GET")])) == [expected]
    assert followed.look(api_reply([api_rule("GET")])) == []
    assert load_policy(followed.path).rules[0].allowed_methods == ("GET",)


def written(path: Path) -> tuple[int, int]:
    """Which file stands at `path`, and when it was written. When it was last read may change."""
    found = path.stat()
    return found.st_ino, found.st_mtime_ns


def test_other_words_leave_the_file(followed: Followed) -> None:
    """A file that means the same is not touched, in whatever form and words it is."""
    policy = Policy.parse(
        [{"AllowedOrigins": ["https://app.example.com"], "AllowedMethods": ["PUT", "GET"], "MaxAgeSeconds": 60}]
    )
    followed.path.write_text(policy.dump("xml"))
    before = written(followed.path)
    assert followed.look(api_reply([api_rule("GET", "PUT"), api_rule("PUT")])) == []
    assert written(followed.path) == before


def test_other_meaning_replaces_the_file(followed: Followed) -> None:
    """A policy that means something else is written, and one line says how much is else."""
    followed.look(api_reply([api_rule("GET")]))
    told = "differences in what is granted: 1, in response headers: 1."
    assert followed.look(api_reply([api_rule("GET", "PUT")])) == [f"Wrote {followed.path} from {BUCKET}: {told}"]
    assert load_policy(followed.path).rules[0].allowed_methods == ("GET", "PUT")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (api_error(404, 10059, "none"), f"{BUCKET} has no CORS policy."),
        (api_error(403, 10000, "no"), f"{BUCKET} cannot be read: the service answers 403 10000."),
        (
            api_reply([{"allowed": {"origins": ["null"], "methods": ["GET"]}}]),
            f"{BAD}The origin `null` cannot be allowed: any page can send it. [origin-null]",
        ),
        (
            api_reply([{"allowed": {"origins": ["https://a.example/", "null"], "methods": ["get"]}}]),
            (
                f"{BAD}An origin ends after its host or port, without a path and without a `/`. [origin-path] "
                'Write "https://a.example" instead. There are 2 more.'
            ),
        ),
    ],
    ids=["no-policy", "refused", "bad-policy", "worse-policy"],
)
def test_failures_leave_the_file(followed: Followed, answer: tuple[int, str], told: str) -> None:
    """Whatever is wrong with the bucket, the file stays, and one line says so, when it begins and when it ends."""
    followed.look(api_reply([api_rule("GET")]))
    before = followed.path.read_bytes()
    assert followed.look(answer) == [f"{told} {followed.path} is left as it is."]
    assert followed.look(answer) == []
    assert followed.path.read_bytes() == before
    assert followed.look(api_reply([api_rule("GET")])) == [f"{BUCKET} can be followed again."]
    assert followed.look(api_reply([api_rule("GET")])) == []


def test_edited_file_is_set_right(followed: Followed) -> None:
    """A file that somebody has broken or deleted is written again."""
    reply = api_reply([api_rule("GET")])
    followed.look(reply)
    followed.path.write_text("[")
    assert len(followed.look(reply)) == 1
    followed.path.unlink()
    assert len(followed.look(reply)) == 1
    assert followed.path.exists()


def test_file_that_cannot_be_written(followed: Followed) -> None:
    """Where the folder is missing one line says so; when it is there, so is the file."""
    path = followed.path.parent / "missing" / "cors.json"
    followed.follower = BucketFollower(BucketReader(bucket_at(BUCKET)), path, "dashboard", followed.said.append)
    reply = api_reply([api_rule("GET")])
    assert followed.look(reply) == [f"{path} cannot be written: No such file or directory. {path} is left as it is."]
    path.parent.mkdir()
    assert [line.split()[0] for line in followed.look(reply)] == [BUCKET, "Wrote"]


def test_network_death_and_return(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that dies and returns costs two lines, and what changed meanwhile is written."""
    set_credentials(monkeypatch)
    server = S3()
    said: list[str] = []
    path = tmp_path / "cors.json"
    follower = BucketFollower(BucketReader(bucket_at("s3://fleet", server.url)), path, "s3", said.append)
    server.put("fleet", [{"AllowedOrigins": ["https://a.example"], "AllowedMethods": ["GET"]}])
    follower.look()
    server.stop()
    waits = []
    for _ in range(3):
        follower.look()
        waits.append(follower.wait(10))
    server.start()
    server.put("fleet", [{"AllowedOrigins": ["https://b.example"], "AllowedMethods": ["GET"]}])
    follower.look()
    server.stop()
    assert waits == [20, 40, 80]
    assert follower.wait(10) == 10
    assert [line.removeprefix("s3://fleet ").split()[:2] for line in said] == [
        ["Wrote", str(path)],
        ["cannot", "be"],
        ["can", "be"],
        ["Wrote", str(path)],
    ]
    assert json.loads(path.read_text())["CORSRules"][0]["AllowedOrigins"] == ["https://b.example"]


@pytest.mark.parametrize(("every", "longest"), [(1, 300), (60, 300), (3600, 3600)])
def test_waits_are_bounded(followed: Followed, every: float, longest: float) -> None:
    """However often it fails, it looks again within five minutes, or when it would have anyway."""
    for _ in range(20):
        followed.look(api_error(403, 10000, "no"))
    assert followed.follower.wait(every) == longest
