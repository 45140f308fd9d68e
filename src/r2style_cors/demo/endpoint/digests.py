"""What a client promised about the bytes of an upload, and whether they came."""

from __future__ import annotations

import base64
import hashlib
import hmac
import zlib
from typing import TYPE_CHECKING, Protocol

from .errors import S3Error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PAYLOAD_HEADER = "x-amz-content-sha256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"

_NO_CHECKSUM = "x-amz-checksum-type"  # says how, not what


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


class _Crc32:
    """The checksum that AWS clients add when they are not told otherwise."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


def _md5() -> _Digest:
    return hashlib.md5(usedforsecurity=False)


def _sha1() -> _Digest:
    return hashlib.sha1(usedforsecurity=False)


_KINDS: dict[str, Callable[[], _Digest]] = {
    "content-md5": _md5,
    "x-amz-checksum-crc32": _Crc32,
    "x-amz-checksum-sha1": _sha1,
    "x-amz-checksum-sha256": hashlib.sha256,
}


class Digests:
    """The digests that the headers of an upload promise.

    A checksum in the query of a presigned URL is none: it was made before there were bytes, and AWS clients put that of no
    bytes there.

    Args:
        headers: the request's, names in lower case.

    Raises:
        S3Error: `NotImplemented`, one is promised that is not known here.
    """

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._promised: list[tuple[_Digest, str, str]] = []  # as it grows; its text at the end; the code if it differs
        for name, value in headers.items():
            if name in _KINDS:
                self._promised.append((_KINDS[name](), _base64_as_hex(value), "BadDigest"))
            elif name.startswith("x-amz-checksum-") and name != _NO_CHECKSUM:
                raise S3Error(code="NotImplemented", message=f"The header {name} is not implemented.")
        payload = headers.get(PAYLOAD_HEADER, UNSIGNED_PAYLOAD)
        if payload.startswith("STREAMING-"):
            raise S3Error(code="NotImplemented", message=f"The payload {payload!a} is not implemented.")
        if payload != UNSIGNED_PAYLOAD:
            self._promised.append((hashlib.sha256(), payload, "XAmzContentSHA256Mismatch"))

    def update(self, block: bytes) -> None:
        """More bytes."""
        for digest, _, _ in self._promised:
            digest.update(block)

    def compare(self) -> None:
        """All bytes are here; raises S3Error where they are others than promised."""
        for digest, promised, code in self._promised:
            if not hmac.compare_digest(digest.digest().hex().encode(), promised.encode()):
                raise S3Error(code=code)


def _base64_as_hex(text: str) -> str:
    """The digest in a header, which S3 clients send in Base64; no digest where it is none."""
    try:
        return base64.b64decode(text, validate=True).hex()
    except ValueError:
        return ""
