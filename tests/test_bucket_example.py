"""The bucket of `examples/bucket`: what S3 clients may do with it over a socket, and how it refuses all else."""

from __future__ import annotations

import hashlib
import re
import signal
import socket
import ssl
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlsplit
from xml.etree import ElementTree as ET

import httpx
import pytest
import requests
from botocore.exceptions import ClientError

from r2style_cors.demo.endpoint.app import DRAIN
from r2style_cors.demo.endpoint.client import client
from r2style_cors.demo.endpoint.digests import Digests
from r2style_cors.demo.endpoint.errors import S3Error
from r2style_cors.testing import assert_cors
from support.bucket_example import (
    ACCESS_KEY,
    EXAMPLE,
    LIMIT,
    PAGE_ORIGIN,
    SECRET_KEY,
    Served,
    bucket,
    found,
    installed_presigner,
    presigned_by_sdk,
)
from support.listening import PATIENCE_SECONDS, started
from support.policy_files import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TEXT = b"0123456789"
ETAG = f'"{hashlib.md5(TEXT, usedforsecurity=False).hexdigest()}"'
WEEK = 604_800
HTTP = httpx.Client(  # one for all: to make one takes longer than a request
    verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), limits=httpx.Limits(max_keepalive_connections=0)
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A running bucket."""
    with bucket(tmp_path_factory.mktemp("root")) as found:
        yield found


@pytest.fixture
def served(running: Served) -> Served:
    """The running bucket, with nothing in it, and its clock right."""
    running.ahead = timedelta()
    for file in running.files("public") + running.files("uploads"):
        file.unlink()
    return running


@pytest.fixture
def digits(served: Served) -> str:
    """The URL of a public object with ten digits."""
    HTTP.put(served.presigned("put_object", "digits", bucket="public"), content=TEXT).raise_for_status()
    return served.at("digits")


@pytest.fixture(scope="module")
def presigner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`presign.mjs`, ready to run."""
    return installed_presigner(tmp_path_factory.mktemp("presign"))


def refusal(response: httpx.Response) -> tuple[int, str, str]:
    """Status, code and message of S3's error document."""
    assert response.headers["content-type"] == "application/xml"
    document = ET.fromstring(response.content)  # noqa: S314 - our own server's
    return response.status_code, document.findtext("Code", ""), document.findtext("Message", "")


# Presigned URLs


def test_sdk_signs_and_curl_uploads(served: Served, presigner: Path) -> None:
    """A URL that AWS's JavaScript makes, and the one line of curl that documentation shows, put an object there."""
    url = presigned_by_sdk(presigner, served, "a folder/été.txt")
    command = [found("curl"), "-sS", "--fail", "-X", "PUT", url, "-H", "Content-Type: text/plain", "-d", "123"]
    subprocess.run(command, check=True, capture_output=True)
    stored = served.s3.get_object(Bucket="uploads", Key="a folder/été.txt")
    assert (stored["Body"].read(), stored["ContentType"]) == (b"123", "text/plain")


def test_boto3_signs_and_requests_uploads(served: Served) -> None:
    """The same with boto3; a URL for reading gives back what was sent, and its type."""
    sent = requests.put(served.presigned("put_object"), data=TEXT, headers={"Content-Type": "text/csv"}, timeout=60)
    assert (sent.status_code, sent.headers["ETag"]) == (200, ETAG)
    read = HTTP.get(served.presigned("get_object"))
    assert (read.content, read.headers["content-type"], read.headers["etag"]) == (TEXT, "text/csv", ETAG)


def test_the_application_of_the_documentation_signs(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docs/uploads.md: its application gives its page a URL, by which the page uploads the type that it named, and no other."""
    page = (EXAMPLE.parent.parent / "docs" / "uploads.md").read_text(encoding="utf-8")
    [python] = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    [policy] = re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "cors.json").write_text(policy, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name, value in (
        ("ENDPOINT_URL_S3", served.url),
        ("ACCESS_KEY_ID", ACCESS_KEY),
        ("SECRET_ACCESS_KEY", SECRET_KEY),
    ):
        monkeypatch.setenv(f"AWS_{name}", value)
    names: dict[str, Any] = {"__name__": "uploads"}
    exec(compile(python, "uploads.md", "exec"), names)
    json_type = {"Content-Type": "application/json"}
    assert_cors(names["app"], "/uploads", origin="http://localhost:5173", method="POST", headers=json_type)
    signed = names["sign"]({"name": "a photo.png", "type": "image/png"})
    assert refusal(HTTP.put(signed["url"], content=TEXT, headers={"Content-Type": "text/html"}))[0] == 403
    assert HTTP.put(signed["url"], content=TEXT, headers={"Content-Type": "image/png"}).headers["etag"] == ETAG
    assert served.s3.head_object(Bucket="uploads", Key=signed["key"])["ContentType"] == "image/png"


def test_boto3_calls(served: Served) -> None:
    """Plain calls of boto3, signed in a header with the digest of the body, write, read, look at and remove an object."""
    about = {"Bucket": "uploads", "Key": "plain/~(calls)'!*.bin"}
    kept = {"ContentType": "text/plain", "CacheControl": "no-store", "Metadata": {"team": "docs"}}
    assert served.s3.put_object(**about, Body=TEXT, **kept)["ETag"] == ETAG
    head = served.s3.head_object(**about)
    assert {name: head[name] for name in kept} == kept
    assert (head["ContentLength"], head["ETag"]) == (len(TEXT), ETAG)
    assert served.s3.get_object(**about, Range="bytes=2-3")["Body"].read() == b"23"
    served.s3.delete_object(**about)
    with pytest.raises(ClientError, match="NoSuchKey"):
        served.s3.get_object(**about)


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_checksums_in_headers_are_compared(served: Served, algorithm: str) -> None:
    """A checksum that boto3 sends in a header is that of the object, or nothing is kept."""
    about = {"Bucket": "uploads", "Key": "sum", "Body": TEXT, "ChecksumAlgorithm": algorithm}
    assert served.s3.put_object(**about)["ETag"] == ETAG
    with pytest.raises(ClientError, match="BadDigest"):
        served.s3.put_object(**{**about, f"Checksum{algorithm}": "AAAAAA=="})
    assert served.s3.get_object(Bucket="uploads", Key="sum")["Body"].read() == TEXT


def test_url_is_good_until_it_expires(served: Served) -> None:
    """A URL for a week works in its last minute, and not in the minute after."""
    url = served.presigned("put_object", expires=WEEK)
    served.ahead = timedelta(seconds=WEEK, minutes=-1)
    assert HTTP.put(url, content=TEXT).status_code == 200
    served.ahead = timedelta(seconds=WEEK, minutes=1)
    assert refusal(HTTP.put(url, content=TEXT)) == (403, "AccessDenied", "Request has expired")


def test_signed_content_type_is_honoured(served: Served) -> None:
    """A URL that was signed for one content type is good for no other."""
    url = served.presigned("put_object", ContentType="text/plain")
    other = HTTP.put(url, content=TEXT, headers={"Content-Type": "text/html"})
    assert refusal(other)[:2] == (403, "SignatureDoesNotMatch")
    assert HTTP.put(url, content=TEXT, headers={"Content-Type": "text/plain"}).status_code == 200


def changed(url: str, *drop: str, **new: str) -> str:
    """A presigned URL with some parameters replaced, or dropped; `_` stands for `-`."""
    replaced = {name.replace("_", "-"): value for name, value in new.items()}
    query = {**dict(parse_qsl(urlsplit(url).query)), **replaced}
    pairs = [f"{quote(name)}={quote(value, safe='')}" for name, value in query.items() if name not in drop]
    return f"{url.partition('?')[0]}?{'&'.join(pairs)}"


QUERY_ERROR = (400, "AuthorizationQueryParametersError")
NO_MATCH = (403, "SignatureDoesNotMatch")

TAMPERED: dict[str, tuple[Callable[[str], str], tuple[int, str]]] = {
    "signature": (lambda url: changed(url, X_Amz_Signature="0" * 64), NO_MATCH),
    "signature-non-ascii": (lambda url: changed(url, X_Amz_Signature="é"), NO_MATCH),
    "key": (lambda url: url.replace("notes.txt", "other.txt"), NO_MATCH),
    "bucket": (lambda url: url.replace("/uploads/", "/public/"), NO_MATCH),
    "longer-life": (lambda url: changed(url, X_Amz_Expires="601"), NO_MATCH),
    "more-parameters": (lambda url: changed(url, x_amz_meta_team="docs"), NO_MATCH),
    "signed-header-absent": (lambda url: changed(url, X_Amz_SignedHeaders="host;x-none"), NO_MATCH),
    "host-unsigned": (lambda url: changed(url, X_Amz_SignedHeaders="accept"), NO_MATCH),
    "access-key": (
        lambda url: url.replace(f"Credential={ACCESS_KEY}", "Credential=stranger"),
        (403, "InvalidAccessKeyId"),
    ),
    "expires-never": (lambda url: changed(url, X_Amz_Expires="0"), QUERY_ERROR),
    "expires-after-a-week": (lambda url: changed(url, X_Amz_Expires=str(WEEK + 1)), QUERY_ERROR),
    "expires-text": (lambda url: changed(url, X_Amz_Expires="soon"), QUERY_ERROR),
    "expires-digits": (lambda url: changed(url, X_Amz_Expires="9" * 5000), QUERY_ERROR),
    "date-text": (lambda url: changed(url, X_Amz_Date="today"), QUERY_ERROR),
    "date-other-day": (lambda url: changed(url, X_Amz_Date="20200101T000000Z"), QUERY_ERROR),
    "credential-text": (lambda url: changed(url, X_Amz_Credential=ACCESS_KEY), QUERY_ERROR),
    "algorithm": (lambda url: changed(url, X_Amz_Algorithm="AWS4-ECDSA-P256-SHA256"), QUERY_ERROR),
    "no-algorithm": (lambda url: changed(url, "X-Amz-Algorithm"), (403, "AccessDenied")),
    **{
        f"no-{name}": (lambda url, name=name: changed(url, f"X-Amz-{name}"), QUERY_ERROR)  # type: ignore[misc]  # mypy knows no type of a default in a lambda
        for name in ("Credential", "Date", "Expires", "SignedHeaders", "Signature")
    },
}


@pytest.mark.parametrize(("change", "expected"), TAMPERED.values(), ids=TAMPERED)
def test_changed_url_is_refused(served: Served, change: Callable[[str], str], expected: tuple[int, str]) -> None:
    """A presigned URL in which anything was changed writes nothing."""
    url = change(served.presigned("put_object"))
    assert refusal(HTTP.put(url, content=TEXT))[:2] == expected
    assert served.files() == []


REFUSED_REQUESTS: dict[str, tuple[str, dict[str, str], tuple[int, str]]] = {
    "other-method": ("DELETE", {}, NO_MATCH),
    "other-host": ("PUT", {"Host": "bucket.example"}, NO_MATCH),
    "unsigned-amz-header": ("PUT", {"x-amz-meta-team": "docs"}, (403, "AccessDenied")),
    "two-signatures": ("PUT", {"Authorization": "Bearer t"}, (400, "InvalidArgument")),
}


@pytest.mark.parametrize(("method", "headers", "expected"), REFUSED_REQUESTS.values(), ids=REFUSED_REQUESTS)
def test_changed_request_is_refused(
    served: Served, method: str, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    """A good URL does not serve for another method or host, nor with headers that its maker did not sign."""
    response = HTTP.request(method, served.presigned("put_object"), content=TEXT, headers=headers)
    assert refusal(response)[:2] == expected
    assert served.files() == []


def test_url_from_the_future_is_refused(served: Served) -> None:
    """A URL whose maker's clock is hours ahead is not valid yet; some minutes are forgiven."""
    url = served.presigned("put_object")
    served.ahead = timedelta(minutes=-10)
    assert HTTP.put(url, content=TEXT).status_code == 200
    served.ahead = timedelta(hours=-2)
    assert refusal(HTTP.put(url, content=TEXT)) == (403, "AccessDenied", "Request is not valid yet")


def authorization(**changed_parts: str) -> str:
    """An Authorization header that is well-formed, with some parts changed."""
    parts = {"credential": f"{ACCESS_KEY}/20260101/auto/s3/aws4_request", "headers": "host", "signature": "0" * 64}
    return "AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={headers}, Signature={signature}".format(
        **{**parts, **changed_parts}
    )


MALFORMED = (400, "AuthorizationHeaderMalformed")
SIGNED = {"x-amz-content-sha256": "UNSIGNED-PAYLOAD", "x-amz-date": "20260101T000000Z"}

HEADERS: dict[str, tuple[dict[str, str], tuple[int, str]]] = {
    "other-scheme": ({"Authorization": "Bearer t"}, MALFORMED),
    "other-service": (
        {**SIGNED, "Authorization": authorization(credential="local/20260101/auto/ec2/aws4_request")},
        MALFORMED,
    ),
    "no-payload": ({"x-amz-date": SIGNED["x-amz-date"], "Authorization": authorization()}, (400, "InvalidRequest")),
    "no-date": ({"x-amz-content-sha256": "UNSIGNED-PAYLOAD", "Authorization": authorization()}, MALFORMED),
    "old": ({**SIGNED, "Authorization": authorization()}, (403, "RequestTimeTooSkewed")),
}


@pytest.mark.parametrize(("headers", "expected"), HEADERS.values(), ids=HEADERS)
def test_bad_authorization_header_is_refused(
    served: Served, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    """What is no signature, or an old one, is refused with S3's code for it."""
    assert refusal(HTTP.put(served.at("key", "uploads"), content=TEXT, headers=headers))[:2] == expected


def swap(request: Any, **_: Any) -> None:
    """Put another body into a request that is signed already."""
    request.body = TEXT[::-1]


@pytest.mark.parametrize(
    ("when", "code"), [("when_supported", "BadDigest"), ("when_required", "XAmzContentSHA256Mismatch")]
)
def test_other_bytes_than_were_signed_are_not_kept(
    served: Served, when: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a header's signature covers a digest of the body, another body is refused after it came."""
    monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", when)
    with closing(client(served.url, ACCESS_KEY, SECRET_KEY)) as s3:
        s3.meta.events.register("before-send.s3.PutObject", swap)
        with pytest.raises(ClientError, match=code):
            s3.put_object(Bucket="uploads", Key="key", Body=TEXT)
    assert served.files() == []


PROMISES = {
    "md5": ({"content-md5": "AAAA"}, "BadDigest"),
    "no-base64": ({"content-md5": "?"}, "BadDigest"),
    "unknown-checksum": ({"x-amz-checksum-crc64nvme": "AAAA"}, "NotImplemented"),
    "signed-chunks": ({"x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}, "NotImplemented"),
}


@pytest.mark.parametrize(("headers", "code"), PROMISES.values(), ids=PROMISES)
def test_promise_that_is_not_kept_is_refused(headers: dict[str, str], code: str) -> None:
    """A digest in a header has to be that of the body, and one that cannot be computed is not passed over."""
    with pytest.raises(S3Error) as refused:
        Digests(headers).compare()
    assert refused.value.code == code


# Reading


def test_public_bucket_is_for_reading(served: Served, digits: str) -> None:
    """Everybody reads from the public bucket, nobody writes without a signature, and the other bucket is closed."""
    assert HTTP.get(digits).content == TEXT
    for method, url in (("PUT", digits), ("DELETE", digits), ("GET", served.at("digits", "uploads"))):
        assert refusal(HTTP.request(method, url)) == (403, "AccessDenied", "Access Denied")
    assert HTTP.get(digits).content == TEXT


def test_signature_counts_in_the_public_bucket(served: Served, digits: str) -> None:
    """A signature that is there is verified, even where none is needed."""
    url = served.presigned("get_object", "digits", bucket="public")
    assert HTTP.get(url).content == TEXT
    assert refusal(HTTP.get(changed(url, X_Amz_Signature="0" * 64)))[:2] == NO_MATCH


RANGES: dict[str, tuple[dict[str, str], int, bytes, str | None]] = {
    "first": ({"Range": "bytes=0-3"}, 206, b"0123", "bytes 0-3/10"),
    "rest": ({"Range": "bytes=7-"}, 206, b"789", "bytes 7-9/10"),
    "last": ({"Range": "bytes=-2"}, 206, b"89", "bytes 8-9/10"),
    "beyond": ({"Range": "bytes=8-99"}, 206, b"89", "bytes 8-9/10"),
    "all": ({"Range": "bytes=0-"}, 206, TEXT, "bytes 0-9/10"),
    "several": ({"Range": "bytes=0-1,4-5"}, 200, TEXT, None),
    "other-unit": ({"Range": "lines=0-1"}, 200, TEXT, None),
    "senseless": ({"Range": "bytes=3-1"}, 200, TEXT, None),
    "still-the-same": ({"Range": "bytes=0-1", "If-Range": ETAG}, 206, b"01", "bytes 0-1/10"),
    "changed-since": ({"Range": "bytes=0-1", "If-Range": '"other"'}, 200, TEXT, None),
}


@pytest.mark.parametrize(("headers", "status", "content", "content_range"), RANGES.values(), ids=RANGES)
def test_range(digits: str, headers: dict[str, str], status: int, content: bytes, content_range: str | None) -> None:
    """One range of bytes is answered with that part (RFC 9110, section 14); HEAD gives the headers alone."""
    for method, body in (("GET", content), ("HEAD", b"")):
        response = HTTP.request(method, digits, headers=headers)
        assert (response.status_code, response.content) == (status, body)
        assert response.headers.get("content-range") == content_range
        assert response.headers["content-length"] == str(len(content))
        assert response.headers["accept-ranges"] == "bytes"


def test_range_that_is_not_there(digits: str) -> None:
    """A range beyond the end is refused, with the size that there is."""
    response = HTTP.get(digits, headers={"Range": "bytes=10-"})
    assert refusal(response)[:2] == (416, "InvalidRange")
    assert response.headers["content-range"] == "bytes */10"


CONDITIONS: dict[str, tuple[dict[str, str], int]] = {
    "has-it": ({"If-None-Match": ETAG}, 304),
    "has-it-weakly": ({"If-None-Match": f"W/{ETAG}"}, 304),
    "has-another": ({"If-None-Match": '"other"'}, 200),
    "since-long-after": ({"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}, 304),
    "since-long-before": ({"If-Modified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"}, 200),
    "etag-before-date": (
        {"If-None-Match": '"other"', "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
        200,
    ),
    "wants-it": ({"If-Match": ETAG}, 200),
    "wants-another": ({"If-Match": '"other"'}, 412),
}


@pytest.mark.parametrize(("headers", "status"), CONDITIONS.values(), ids=CONDITIONS)
def test_condition(digits: str, headers: dict[str, str], status: int) -> None:
    """A condition is answered as RFC 9110, section 13, has it: 304 for who has the object, 412 for who wants another."""
    response = HTTP.get(digits, headers=headers)
    assert response.status_code == status
    assert (response.content == TEXT) == (status == 200)


def test_304_has_its_cors_headers(digits: str) -> None:
    """A page may read a 304 as it may read the object: the policy stands in front of both."""
    response = HTTP.get(digits, headers={"Origin": PAGE_ORIGIN, "If-None-Match": ETAG})
    assert (response.status_code, response.headers["access-control-allow-origin"]) == (304, PAGE_ORIGIN)


def test_last_modified_is_that_of_the_upload(digits: str) -> None:
    """`Last-Modified` is a date, and asked with it again the object is not sent again."""
    date = HTTP.get(digits).headers["last-modified"]
    assert HTTP.get(digits, headers={"If-Modified-Since": date}).status_code == 304


# Names


KEYS = {
    "encoded-slash": "a%2Fb",
    "dots": "../../../../etc/passwd",
    "only-dots": "..",
    "slashes": "//a//b/",
    "hidden": ".hidden",
    "longest": "k" * 1024,
    "unicode": "naïve ☕.txt",
    "odd": "a?b#c&d=e+f;g%20h\\i\r\n<j>",
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_key_is_only_a_name(served: Served, key: str) -> None:
    """A key of any characters is one object, inside the bucket's folder, and found under the same key alone."""
    served.s3.put_object(Bucket="uploads", Key=key, Body=TEXT)
    assert [path.parent for path in served.files()] == [served.root / "uploads"]
    assert served.s3.get_object(Bucket="uploads", Key=key)["Body"].read() == TEXT
    with pytest.raises(ClientError, match="NoSuchKey"):
        served.s3.get_object(Bucket="uploads", Key=f"{key}x"[-1024:])


def test_dots_do_not_lead_to_another_bucket(served: Served, digits: str) -> None:
    """`..` in a path is no step up: neither out of the folder nor into another bucket."""
    secret = served.root / "secret.txt"
    secret.write_bytes(TEXT)
    for path in ("/public/../secret.txt", "/public/%2e%2e/secret.txt", "/public/..%2fsecret.txt"):
        assert raw_get(served, path).startswith(b"HTTP/1.1 404")
    assert raw_get(served, f"/public/%2e%2e/public/{urlsplit(digits).path}").startswith(b"HTTP/1.1 404")


def connected(served: Served) -> socket.socket:
    """A connection to the bucket, to say on it what no client would say."""
    return socket.create_connection(("127.0.0.1", urlsplit(served.url).port or 0))


def raw_get(served: Served, path: str) -> bytes:
    """What is answered to a path that is sent as it stands: clients tidy paths up."""
    with connected(served) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: bucket\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


NAMES: dict[str, tuple[str, str, tuple[int, str]]] = {
    "no-object": ("GET", "/public/none", (404, "NoSuchKey")),
    "no-bucket": ("GET", "/private/none", (404, "NoSuchBucket")),
    "no-bucket-at-all": ("GET", "/", (404, "NoSuchBucket")),
    "bucket-itself": ("GET", "/public/", (405, "MethodNotAllowed")),
    "bucket-without-slash": ("PUT", "/public", (405, "MethodNotAllowed")),
    "post": ("POST", "/public/digits", (405, "MethodNotAllowed")),
    "options-without-origin": ("OPTIONS", "/public/digits", (405, "MethodNotAllowed")),
    "nul": ("GET", "/public/a%00b", (400, "InvalidURI")),
    "no-utf-8": ("GET", "/public/%ff", (400, "InvalidURI")),
    "too-long": ("GET", f"/public/{'k' * 1025}", (400, "KeyTooLongError")),
    "other-operation": ("GET", "/public/digits?acl", (501, "NotImplemented")),
    "other-operation-odd": ("GET", "/public/digits?%01<&x=1", (501, "NotImplemented")),
    "copy": ("GET", "/public/digits?x-amz-copy-source=a", (501, "NotImplemented")),
}


@pytest.mark.parametrize(("method", "path", "expected"), NAMES.values(), ids=NAMES)
def test_what_is_not_there(served: Served, digits: str, method: str, path: str, expected: tuple[int, str]) -> None:
    """What names no object, or asks for more than objects, is refused with S3's code for it."""
    assert digits
    assert refusal(HTTP.request(method, served.url + path))[:2] == expected


def test_methods_are_told(served: Served) -> None:
    """A method that there is not is answered with those that there are (RFC 9110, section 15.5.6)."""
    assert HTTP.post(served.at("key")).headers["allow"] == "GET, HEAD, PUT, DELETE"


def test_copy_is_no_upload(served: Served) -> None:
    """CopyObject, which is a PUT with a header, does not overwrite an object with nothing."""
    served.s3.put_object(Bucket="uploads", Key="key", Body=TEXT)
    with pytest.raises(ClientError, match="NotImplemented"):
        served.s3.copy_object(Bucket="uploads", Key="key", CopySource="uploads/other")
    assert served.s3.get_object(Bucket="uploads", Key="key")["Body"].read() == TEXT


def test_symbolic_link_is_not_followed(served: Served, digits: str) -> None:
    """A link in the bucket's folder, with the very name of an object, leads nowhere."""
    (file,) = served.files("public")
    elsewhere = file.rename(served.root / "elsewhere")
    file.symlink_to(elsewhere)
    assert refusal(HTTP.get(digits))[:2] == (404, "NoSuchKey")


# Writing


@pytest.mark.parametrize("blocks", [1, 4], ids=["length-told", "chunked"])
def test_too_large_is_refused_while_it_comes(served: Served, blocks: int) -> None:
    """More bytes than the limit are not kept, whether their number is told before or not; the limit itself is."""

    def put(size: int) -> httpx.Response:
        body = b"x" * size
        parts = iter([body[part::blocks] for part in range(blocks)])
        return HTTP.put(served.presigned("put_object"), content=body if blocks == 1 else parts)

    assert put(LIMIT).status_code == 200
    assert refusal(put(LIMIT + 1))[:2] == (400, "EntityTooLarge")
    assert len(served.files()) == 1
    assert served.s3.head_object(Bucket="uploads", Key="notes.txt")["ContentLength"] == LIMIT


def test_answer_to_a_refused_upload_is_readable(served: Served) -> None:
    """A client that sends all before it listens reads why it was refused, and not of a broken connection."""
    response = HTTP.put(served.at("key", "uploads"), content=b"x" * 900_000)
    assert refusal(response)[:2] == (403, "AccessDenied")


def test_refused_upload_is_not_read_for_ever(served: Served) -> None:
    """A refused upload without an end is answered after a while all the same."""
    head = b"PUT /uploads/key HTTP/1.1\r\nHost: bucket\r\nContent-Length: 9000000000\r\n\r\n"
    with connected(served) as connection:
        connection.sendall(head + b"x" * (DRAIN + 1))
        assert connection.recv(65536).startswith(b"HTTP/1.1 403")


def upload_in_parts(served: Served) -> socket.socket:
    """A connection on which an upload of the ten digits has sent five."""
    parts, connection = urlsplit(served.presigned("put_object")), connected(served)
    head = f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(TEXT)}\r\n\r\n"
    connection.sendall(head.encode() + TEXT[:5])
    return connection


def test_object_is_replaced_in_one_step(served: Served) -> None:
    """While an upload comes, readers have the old object; when all of it is there, the new one."""
    served.s3.put_object(Bucket="uploads", Key="notes.txt", Body=b"old")
    with closing(upload_in_parts(served)) as connection:
        wait_until(lambda: len(served.files()) == 2)
        assert HTTP.get(served.presigned("get_object")).content == b"old"
        connection.sendall(TEXT[5:])
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    assert HTTP.get(served.presigned("get_object")).content == TEXT
    assert len(served.files()) == 1


def test_upload_that_breaks_off_leaves_nothing(served: Served) -> None:
    """A client that goes away in the middle leaves the old object, and no part of the new one."""
    served.s3.put_object(Bucket="uploads", Key="notes.txt", Body=b"old")
    with closing(upload_in_parts(served)):
        wait_until(lambda: len(served.files()) == 2)
    wait_until(lambda: len(served.files()) == 1)
    assert HTTP.get(served.presigned("get_object")).content == b"old"


def test_reader_keeps_the_object_that_it_began(served: Served, tmp_path: Path) -> None:
    """An object that is replaced and removed while it is read is read to its end."""
    served.s3.put_object(Bucket="uploads", Key="notes.txt", Body=b"x" * LIMIT)
    with HTTP.stream("GET", served.presigned("get_object")) as response:
        blocks = response.iter_raw(1000)
        first = next(blocks)
        served.s3.delete_object(Bucket="uploads", Key="notes.txt")
        assert first + b"".join(blocks) == b"x" * LIMIT


# The policies


def test_policy_is_that_of_the_bucket(served: Served) -> None:
    """A preflight is answered by the policy of the bucket that it names, before anything is signed or looked for."""
    asked = {"Origin": PAGE_ORIGIN, "Access-Control-Request-Method": "PUT"}
    answers = {name: HTTP.options(served.at("key", name), headers=asked) for name in ("uploads", "public")}
    assert {name: answer.status_code for name, answer in answers.items()} == {"uploads": 204, "public": 403}


def test_refusal_is_readable_by_the_page(served: Served) -> None:
    """S3's errors have their CORS headers too, so that a page learns why it was refused."""
    response = HTTP.get(served.at("none"), headers={"Origin": PAGE_ORIGIN})
    assert refusal(response)[:2] == (404, "NoSuchKey")
    assert response.headers["access-control-allow-origin"] == PAGE_ORIGIN


def test_public_policy_is_the_documented_one() -> None:
    """The public bucket's policy is the example of R2's documentation, without its comma too many."""
    text = (EXAMPLE / "policies" / "public.json").read_text(encoding="utf-8")
    assert re.sub(r"\s", "", text) == '[{"AllowedOrigins":["http://localhost:3000"],"AllowedMethods":["GET"]}]'


# The program


def test_program_serves_both(tmp_path: Path) -> None:
    """`serve.py` serves the bucket with a font in it, and the page, which is given URLs that work."""
    ports = free_ports()
    command = [sys.executable, str(EXAMPLE / "serve.py"), "--root", str(tmp_path / "data")]
    command += ["--port", str(ports[0]), "--page-port", str(ports[1])]
    with started(*command) as process:
        wait_until(lambda: process.poll() is not None or all(map(is_open, ports)))
        site, endpoint = (f"http://127.0.0.1:{port}" for port in reversed(ports))
        assert HTTP.get(f"{site}/setup").json() == {"endpoint": endpoint}
        assert HTTP.get(f"{endpoint}/public/dots.ttf").headers["content-type"] == "font/ttf"
        urls = HTTP.post(f"{site}/presign", params={"name": "a b.txt"}).json()
        assert HTTP.put(urls["put"], content=TEXT).status_code == 200
        assert HTTP.get(urls["get"]).content == TEXT
        assert "page.js" in HTTP.get(site).text
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) in (0, -signal.SIGTERM)


def free_ports() -> tuple[int, int]:
    """Two ports on which nothing listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as one, closing(socket.create_server(("127.0.0.1", 0))) as two:
        return one.getsockname()[1], two.getsockname()[1]


def is_open(port: int) -> bool:
    """Whether something listens on the port."""
    with closing(socket.socket()) as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0
