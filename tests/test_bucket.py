"""Live buckets: read by the real libraries over HTTP, and every way in which that fails."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from r2style_cors import BucketError, Policy, PolicyError, pull
from r2style_cors._desk.bucket import BucketReader, bucket_at
from support.buckets import (
    ACCOUNT,
    S3,
    SECRET,
    TOKEN,
    Server,
    api_error,
    api_reply,
    set_credentials,
    set_no_credentials,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

RULE = {"AllowedOrigins": ["https://app.example.com"], "AllowedMethods": ["GET"], "MaxAgeSeconds": 60, "ID": "app"}
API_RULE = {"id": "app", "allowed": {"origins": RULE["AllowedOrigins"], "methods": ["GET"]}, "maxAgeSeconds": 60}
POLICY = Policy.parse([RULE])
R2 = f"r2://{ACCOUNT}/bucket"


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    """A running S3."""
    server = S3()
    yield server
    server.stop()


@pytest.fixture
def cloudflare(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A running API, at which the library's own configuration points."""
    server = Server()
    monkeypatch.setenv("CLOUDFLARE_BASE_URL", server.url)
    yield server
    server.close()


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    set_credentials(monkeypatch)


def failure(bucket: str, **options: Any) -> BucketError:
    """Why a bucket cannot be read; what is told quotes no credential, nor does the chain of causes."""
    with pytest.raises(BucketError) as raised:
        pull(bucket, **options)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
    assert not {SECRET, TOKEN, "AKIAEXAMPLE"} & set(str(raised.value).split())
    assert not any(secret in str(raised.value) for secret in (SECRET, TOKEN, "AKIAEXAMPLE"))
    return raised.value


def test_s3_policy(s3: S3) -> None:
    """The S3 API's policy, read by boto3."""
    s3.put("policy", [RULE])
    policy = pull("s3://policy", endpoint_url=s3.url)
    assert (policy, policy.form) == (POLICY, "s3")


def test_r2_policy(cloudflare: Server) -> None:
    """The Cloudflare API's policy, read by its own library, with the token of the environment."""
    cloudflare.answer = api_reply([API_RULE])
    policy = pull(R2, jurisdiction="eu")
    ((path, headers),) = cloudflare.asked
    assert (policy, policy.form) == (POLICY, "api")
    assert path == f"/accounts/{ACCOUNT}/r2/buckets/bucket/cors"
    assert (headers["authorization"], headers["cf-r2-jurisdiction"]) == (f"Bearer {TOKEN}", "eu")


def test_r2_without_a_jurisdiction(cloudflare: Server) -> None:
    """Nothing is said of a jurisdiction unless there is one."""
    cloudflare.answer = api_reply([API_RULE])
    pull(R2)
    assert "cf-r2-jurisdiction" not in cloudflare.asked[0][1]


@pytest.mark.parametrize(
    ("answer", "reason", "told"),
    [
        (api_error(404, 10059, "The CORS configuration does not exist."), "no-policy", f"{R2} has no CORS policy."),
        (api_reply([]), "no-policy", f"{R2} has no CORS policy."),
        ((200, '{"success": true, "result": null}'), "no-policy", f"{R2} has no CORS policy."),
        (api_error(404, 10006, "No such bucket."), "no-bucket", f"{R2}: there is no such bucket."),
        (
            api_error(403, 10000, f"Not with {TOKEN}: {{headers}}"),
            "refused",
            f"{R2} cannot be read: the service answers 403 10000.",
        ),
        ((502, "<html>{headers}"), "refused", f"{R2} cannot be read: the service answers 502."),
        ((200, "<html>{headers}"), "refused", f"{R2} cannot be read: cloudflare raises JSONDecodeError."),
        ((200, "[]"), "refused", f"{R2} cannot be read: cloudflare raises TypeError."),
    ],
    ids=["no-policy", "no-rules", "no-result", "no-bucket", "forbidden", "bad-gateway", "no-json", "another-json"],
)
def test_r2_failures(cloudflare: Server, answer: tuple[int, str], reason: str, told: str) -> None:
    """What the API says is wrong is told by its codes, not in its words."""
    cloudflare.answer = answer
    found = failure(R2)
    assert (found.reason, str(found)) == (reason, told)


@pytest.mark.parametrize(
    ("code", "reason", "told"),
    [
        ("NoSuchCORSConfiguration", "no-policy", "s3://bucket has no CORS policy."),
        ("NoSuchBucket", "no-bucket", "s3://bucket: there is no such bucket."),
        ("AccessDenied", "refused", "s3://bucket cannot be read: the service answers AccessDenied."),
        (f"/{SECRET}", "refused", "s3://bucket cannot be read: the service answers with an error."),
    ],
    ids=["no-policy", "no-bucket", "denied", "code-that-is-none"],
)
def test_s3_failures(code: str, reason: str, told: str) -> None:
    """What the S3 API says is wrong is told by its code, not in its words."""
    server = Server("application/xml")
    server.answer = (403, f"<Error><Code>{code}</Code><Message>Not with {SECRET}: {{headers}}</Message></Error>")
    try:
        found = failure("s3://bucket", endpoint_url=server.url)
    finally:
        server.close()
    assert (found.reason, str(found)) == (reason, told)


def test_s3_bucket_without_rules() -> None:
    """A policy without rules is none."""
    server = Server("application/xml")
    server.answer = (200, "<CORSConfiguration/>")
    try:
        assert failure("s3://bucket", endpoint_url=server.url).reason == "no-policy"
    finally:
        server.close()


def test_moto_without_a_policy(s3: S3) -> None:
    """A bucket without a policy says so, over HTTP."""
    s3.put("bare", None)
    assert failure("s3://bare", endpoint_url=s3.url).reason == "no-policy"
    assert failure("s3://missing", endpoint_url=s3.url).reason == "no-bucket"


@pytest.mark.parametrize("bucket", ["s3://bucket", R2], ids=["s3", "r2"])
def test_no_credentials(monkeypatch: pytest.MonkeyPatch, bucket: str) -> None:
    """Without credentials it says where they are looked for."""
    set_no_credentials(monkeypatch)
    found = failure(bucket)
    assert found.reason == "credentials"
    assert "finds no credentials in the environment or its configuration" in str(found)


def test_unreachable(monkeypatch: pytest.MonkeyPatch, s3: S3) -> None:
    """Where nothing listens, it says so, without the URL, which might have a password in it."""
    server = Server()
    server.close()
    monkeypatch.setenv("CLOUDFLARE_BASE_URL", server.url)
    assert failure(R2).reason == "unreachable"
    found = failure("s3://bucket", endpoint_url=server.url.replace("//", f"//{SECRET}:{SECRET}@"))
    assert (found.reason, str(found)) == (
        "unreachable",
        "s3://bucket cannot be reached: boto3 raises EndpointConnectionError.",
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"endpoint_url": "nonsense"}, "the endpoint's URL is no URL."),
        ({"profile_name": "other"}, "finds no credentials"),
        ({"region": "no region"}, "boto3 raises InvalidRegionError."),
    ],
    ids=["endpoint", "profile", "region"],
)
def test_s3_misconfigured(monkeypatch: pytest.MonkeyPatch, options: dict[str, str], told: str) -> None:
    """What boto3 itself refuses is told in a few words."""
    if "profile_name" in options:
        monkeypatch.setenv("AWS_PROFILE", options["profile_name"])
    if "region" in options:
        monkeypatch.setenv("AWS_DEFAULT_REGION", options["region"])
    assert told in str(failure("s3://bucket", endpoint_url=options.get("endpoint_url")))


@pytest.mark.parametrize(
    ("bucket", "module", "extra"),
    [("s3://bucket", "boto3.session", "s3"), (R2, "cloudflare", "cloudflare")],
    ids=["s3", "r2"],
)
def test_missing_extra(monkeypatch: pytest.MonkeyPatch, bucket: str, module: str, extra: str) -> None:
    """Without the library one line says how to install it."""
    monkeypatch.setitem(sys.modules, module, None)
    found = failure(bucket)
    assert found.reason == "extra"
    assert str(found).endswith(f"pip install 'r2style-cors[{extra}]'")


NO_BUCKET_NAME = "BUCKET is at least two letters, digits, `.`, `_` or `-`, and begins with one of the first two."


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "This begins with neither."),
        ("cors.json", "This begins with neither."),
        ("https://bucket", "This begins with neither."),
        ("s3://", NO_BUCKET_NAME),
        ("s3://x", NO_BUCKET_NAME),
        ("s3://-x", NO_BUCKET_NAME),
        ("s3://b\u00fccher", NO_BUCKET_NAME),
        ("s3:///key", "This has too many slashes behind s3://."),
        ("s3://bucket/key", "This has too many slashes behind s3://."),
        ("r2://bucket", "This has too few slashes behind r2://."),
        ("r2://a/b/c", "This has too many slashes behind r2://."),
        ("r2://a-b/bucket", "ACCOUNT is letters, digits and `_`."),
        ("r2:///bucket", "ACCOUNT is letters, digits and `_`."),
        ("r2://account/", NO_BUCKET_NAME),
        (f"s3://key:{SECRET}@bucket", NO_BUCKET_NAME),
    ],
)
def test_what_is_no_bucket(text: str, fault: str) -> None:
    """A name that is none is refused, with the part that is at fault, and not quoted."""
    found = failure(text)
    written = "A live bucket is written s3://BUCKET or r2://ACCOUNT/BUCKET."
    assert (found.reason, str(found)) == ("name", f"{written} {fault}")


@pytest.mark.parametrize(
    ("bucket", "options"),
    [("s3://bucket", {"jurisdiction": "eu"}), (R2, {"endpoint_url": "https://a.example"})],
    ids=["s3", "r2"],
)
def test_options_of_the_other_service(bucket: str, options: Any) -> None:
    """An option that would have no effect is refused."""
    with pytest.raises(ValueError, match="and none is"):
        pull(bucket, **options)


def test_refused_policy(cloudflare: Server) -> None:
    """A policy that the profile refuses is refused with all its problems, and the bucket's name."""
    cloudflare.answer = api_reply([{"allowed": {"origins": ["http://localhost:*", "null"], "methods": ["GET"]}}])
    with pytest.raises(PolicyError) as raised:
        pull(R2)
    assert [problem.code for problem in raised.value.problems] == ["origin-port-wildcard", "origin-null"]
    assert str(raised.value).startswith(R2)
    assert len(pull(R2, profile="s3").rules) == 1


def test_reader_survives_death_and_return(s3: S3) -> None:
    """A reader outlives its server, and reads again when it is back."""
    s3.put("policy", [RULE])
    reader = BucketReader(bucket_at("s3://policy", s3.url))
    assert reader.read() == POLICY
    s3.stop()
    with pytest.raises(BucketError, match="cannot be reached"):
        reader.read()
    s3.start()
    assert reader.read() == POLICY
