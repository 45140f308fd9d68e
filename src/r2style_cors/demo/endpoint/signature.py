"""Signatures of requests, in the URL or in the Authorization header: AWS Signature Version 4.

A signature is verified by making it again, with the signer of botocore and from what the request says that it signed.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, unquote_to_bytes

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from .digests import PAYLOAD_HEADER
from .errors import S3Error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ALGORITHM = "AWS4-HMAC-SHA256"
MAX_EXPIRES = 604_800  # seconds: a week
MAX_SKEW = timedelta(minutes=15)

_TIMESTAMP = "%Y%m%dT%H%M%SZ"
_PARAMETERS = ("X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature")
_CREDENTIAL = re.compile(r"([^/]+)/(\d{8})/([^/]+)/s3/aws4_request")
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} +Credential=(?P<credential>[^\s,]+), *SignedHeaders=(?P<headers>[^\s,]+), *Signature=(?P<signature>\w+)"
)

Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came: the path is still percent-encoded, the query is not, header names are in lower case."""

    method: str
    path: bytes
    query: Pairs
    headers: Pairs

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        return next((value for found, value in self.headers if found == name), None)

    def parameter(self, name: str) -> str | None:
        """The first query parameter of that name."""
        return next((value for found, value in self.query if found == name), None)

    @property
    def is_signed(self) -> bool:
        """Whether it claims a signature."""
        return self._in_query or self._in_header

    @property
    def _in_query(self) -> bool:
        return self.parameter("X-Amz-Algorithm") is not None

    @property
    def _in_header(self) -> bool:
        return self.header("authorization") is not None

    @property
    def claim(self) -> _Claim:
        """What it says about its signature; raises S3Error where that makes no sense."""
        if self._in_query and self._in_header:
            raise S3Error(code="InvalidArgument")
        return _query_claim(self) if self._in_query else _header_claim(self)


def parse_query(raw: str) -> Pairs:
    """The parameters of a query, decoded. A `+` stands for itself, as S3 has it."""
    pairs = (part.partition("=") for part in raw.split("&") if part)
    return [(unquote(name), unquote(value)) for name, _, value in pairs]


@dataclass(frozen=True, slots=True)
class _Claim:
    signer: type[Any]
    access_key: str
    region: str
    at: datetime
    signed_headers: Sequence[str]
    signature: str
    expires: timedelta | None  # only of a URL


def _query_claim(asked: Asked) -> _Claim:
    code = "AuthorizationQueryParametersError"
    values = [asked.parameter(name) or "" for name in _PARAMETERS]
    if not all(values) or asked.parameter("X-Amz-Algorithm") != ALGORITHM:
        raise S3Error(code=code, message=f"A presigned URL has {ALGORITHM} and: {', '.join(_PARAMETERS)}.")
    credential, at, expires, headers, signature = values
    access_key, region, moment = _scope(credential, at, code)
    return _Claim(S3SigV4QueryAuth, access_key, region, moment, headers.split(";"), signature, _expires(expires))


def _header_claim(asked: Asked) -> _Claim:
    code = "AuthorizationHeaderMalformed"
    found = _AUTHORIZATION.fullmatch(asked.header("authorization") or "")
    if found is None:
        raise S3Error(code=code)
    if asked.header(PAYLOAD_HEADER) is None:
        raise S3Error(code="InvalidRequest")
    access_key, region, moment = _scope(found["credential"], asked.header("x-amz-date") or "", code)
    return _Claim(S3SigV4Auth, access_key, region, moment, found["headers"].split(";"), found["signature"], None)


def _scope(credential: str, at: str, code: str) -> tuple[str, str, datetime]:
    """The access key, the region and the moment of a signature."""
    found = _CREDENTIAL.fullmatch(credential)
    moment = _moment(at)
    if found is None or moment is None or not at.startswith(found[2]):
        message = "The credential is KEY/YYYYMMDD/REGION/s3/aws4_request, and the date YYYYMMDDTHHMMSSZ on that day."
        raise S3Error(code=code, message=message)
    return found[1], found[3], moment


def _moment(at: str) -> datetime | None:
    try:
        return datetime.strptime(at, _TIMESTAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def _expires(seconds: str) -> timedelta:
    if not re.fullmatch(r"[0-9]{1,6}", seconds) or not 1 <= int(seconds) <= MAX_EXPIRES:
        raise S3Error(
            code="AuthorizationQueryParametersError", message=f"X-Amz-Expires is a number from 1 to {MAX_EXPIRES}."
        )
    return timedelta(seconds=int(seconds))


class Verifier:
    """Says whether a request was signed with a known key, and may still be used.

    Args:
        keys: access key to secret key.
        now: the time.
    """

    def __init__(self, keys: dict[str, str], now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._keys = keys
        self._now = now

    def verify(self, asked: Asked) -> None:
        """Return if the request is signed well; raise S3Error where it is not."""
        claim = asked.claim
        secret = self._keys.get(claim.access_key)
        if secret is None:
            raise S3Error(code="InvalidAccessKeyId")
        self._check_time(claim)
        _check_headers(asked, claim)
        expected = _signature(asked, claim, Credentials(claim.access_key, secret))
        if not hmac.compare_digest(expected.encode(), claim.signature.encode()):
            raise S3Error(code="SignatureDoesNotMatch")

    def _check_time(self, claim: _Claim) -> None:
        now = self._now()
        if claim.expires is None:
            if abs(now - claim.at) > MAX_SKEW:
                raise S3Error(code="RequestTimeTooSkewed")
        elif now < claim.at - MAX_SKEW:
            raise S3Error(code="AccessDenied", message="Request is not valid yet")
        elif now > claim.at + claim.expires:
            raise S3Error(code="AccessDenied", message="Request has expired")


def _check_headers(asked: Asked, claim: _Claim) -> None:
    """A header that S3 acts on has to be signed: whoever was given a URL could add one else."""
    unsigned = {name for name, _ in asked.headers if name.startswith("x-amz-")} - set(claim.signed_headers)
    if unsigned:
        names = ", ".join(sorted(unsigned))
        raise S3Error(
            code="AccessDenied", message=f"There were headers present in the request which were not signed: {names}"
        )


def _signature(asked: Asked, claim: _Claim, credentials: Credentials) -> str:
    path = quote(unquote_to_bytes(asked.path), safe="/-_.~")
    query = [(name, value) for name, value in asked.query if name != "X-Amz-Signature"]
    request = AWSRequest(asked.method, f"http://signed{path}", params=query)
    for name, value in asked.headers:
        if name in claim.signed_headers:
            request.headers[name] = value  # which adds one more, where there is one of that name
    request.context["timestamp"] = claim.at.strftime(_TIMESTAMP)
    signer = claim.signer(credentials, "s3", claim.region)
    return str(signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request))
