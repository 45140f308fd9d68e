"""Reading a live bucket's policy, by the S3 API or by Cloudflare's own. For the desk, never for a request.

Laws of this room:
- nothing is ever written to a bucket;
- credentials come from the environment and from those libraries' own configuration; none is read or shown here;
- a failure is told in our words, with the service's error code at most: a library's message may quote what it sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ..errors import PolicyError
from ..policy import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .._profiles import ProfileName

    Ask: TypeAlias = Callable[[], dict[str, Any]]  # gives a policy as parsed JSON, empty where there is none

Reason: TypeAlias = Literal["name", "extra", "no-policy", "no-bucket", "credentials", "refused", "unreachable"]

_CONNECT_TIMEOUT, _READ_TIMEOUT = 5, 10  # seconds
_ATTEMPTS = 2
_S3_REASONS: dict[str, Reason] = {"NoSuchCORSConfiguration": "no-policy", "NoSuchBucket": "no-bucket"}
_R2_REASONS: dict[str, Reason] = {"10059": "no-policy", "10006": "no-bucket"}
_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "ProfileNotFound")
_PARTS: dict[str, tuple[str, ...]] = {"s3": ("BUCKET",), "r2": ("ACCOUNT", "BUCKET")}
_SPELLINGS = {
    "ACCOUNT": (r"\w+", "ACCOUNT is letters, digits and `_`."),
    "BUCKET": (
        r"[A-Za-z0-9][\w.-]+",
        "BUCKET is at least two letters, digits, `.`, `_` or `-`, and begins with one of the first two.",
    ),
}
_MESSAGES: dict[Reason, str] = {
    "name": "A live bucket is written s3://BUCKET or r2://ACCOUNT/BUCKET. {fault}",
    "extra": "{bucket} cannot be read without {library}: pip install 'r2style-cors[{extra}]'",
    "no-policy": "{bucket} has no CORS policy.",
    "no-bucket": "{bucket}: there is no such bucket.",
    "credentials": "{bucket} cannot be read: {library} finds no credentials in the environment or its configuration.",
    "refused": "{bucket} cannot be read: {detail}.",
    "unreachable": "{bucket} cannot be reached: {detail}.",
}


class BucketError(Exception):
    """A live bucket's policy that could not be read.

    Attributes:
        reason: `name` (no bucket is written so), `extra` (a library is missing), `no-policy`, `no-bucket`, `credentials`
            (there are none), `refused` (or not understood) or `unreachable`.
    """

    def __init__(self, *, reason: Reason, **about: object) -> None:
        self.reason: Reason = reason
        super().__init__(_MESSAGES[reason].format(**about))


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where a bucket is: `s3://NAME`, or `r2://ACCOUNT/NAME`."""

    service: Literal["s3", "r2"]
    name: str
    account: str = ""
    endpoint_url: str | None = None
    jurisdiction: str | None = None

    def __str__(self) -> str:
        return "/".join(filter(None, (f"{self.service}:/", self.account, self.name)))


def is_bucket(text: str) -> bool:
    """Whether `text` is meant as a bucket, and not as a file."""
    return text.startswith(("s3://", "r2://"))


def bucket_at(text: str, endpoint_url: str | None = None, jurisdiction: str | None = None) -> Bucket:
    """The bucket that `text` names; raises BucketError, `name`, where it names none."""
    if not is_bucket(text):
        raise BucketError(reason="name", fault="This begins with neither.")
    service: Literal["s3", "r2"] = "s3" if text.startswith("s3") else "r2"
    *account, name = _parts(service, text.partition("://")[2])
    return Bucket(service, name, "".join(account), endpoint_url, jurisdiction)


def _parts(service: str, path: str) -> list[str]:
    """What stands between the slashes; the error says which part is wrong and quotes none, since it may be a secret."""
    parts, names = path.split("/"), _PARTS[service]
    if len(parts) != len(names):
        many = "many" if len(parts) > len(names) else "few"
        raise BucketError(reason="name", fault=f"This has too {many} slashes behind {service}://.")
    for part, name in zip(parts, names, strict=True):
        spelling, words = _SPELLINGS[name]
        if not re.fullmatch(spelling, part, re.ASCII):
            raise BucketError(reason="name", fault=words)
    return parts


def refuse_misplaced(sources: Iterable[str], endpoint_url: str | None, jurisdiction: str | None) -> None:
    """Raise ValueError for an option that is for buckets of a service which none of `sources` names."""
    for option, value, service in (
        ("An endpoint URL", endpoint_url, "s3://"),
        ("A jurisdiction", jurisdiction, "r2://"),
    ):
        if value is not None and not any(source.startswith(service) for source in sources):
            message = f"{option} is for a bucket that is written {service}, and none is."
            raise ValueError(message)


def pull(
    bucket: str, *, endpoint_url: str | None = None, jurisdiction: str | None = None, profile: ProfileName = "r2"
) -> Policy:
    """Read the CORS policy of a live bucket.

    Args:
        bucket: `s3://BUCKET` (S3, R2, MinIO; extra `s3`) or `r2://ACCOUNT/BUCKET` (Cloudflare's API; extra `cloudflare`).
        endpoint_url: with `s3://`, where the S3 API is, as `https://ACCOUNT.r2.cloudflarestorage.com`; AWS by default.
        jurisdiction: with `r2://`, where the bucket has to stay, such as `eu`.
        profile: `r2` or `s3`, to judge the policy by (SEMANTICS 6).

    Returns:
        The policy.

    Raises:
        BucketError: the bucket has none, or it cannot be read; `reason` says why.
        PolicyError: what the bucket has is refused by the profile.
        ValueError: there is no such profile, or an option is for the other service.

    """
    refuse_misplaced([bucket], endpoint_url, jurisdiction)
    return BucketReader(bucket_at(bucket, endpoint_url, jurisdiction), profile).read()


class BucketReader:
    """Reads one bucket's policy, as often as it is asked to."""

    def __init__(self, bucket: Bucket, profile: ProfileName = "r2") -> None:
        self.bucket = bucket
        self.profile: ProfileName = profile
        self._service = _SERVICES[bucket.service]
        self._ask: Ask | None = None

    def read(self) -> Policy:
        """The policy as it is now; raises as `pull` does."""
        found = self._answer()
        if not found:
            raise BucketError(reason="no-policy", bucket=self.bucket)
        try:
            return Policy.parse(found, self.profile)
        except PolicyError as error:
            raise PolicyError(error.problems, error.form, str(self.bucket)) from None

    def _answer(self) -> dict[str, Any]:
        service = self._service
        try:
            if self._ask is None:
                self._ask = service.connect(self.bucket)
            return self._ask()
        except Exception as error:  # noqa: BLE001 - whatever it is, its own message may quote a credential
            self._ask = None  # a credential may have been replaced meanwhile
            reason, detail = service.failure(error)
            about = {"bucket": self.bucket, "library": service.library, "extra": service.extra, "detail": detail}
            raise BucketError(reason=reason, **about) from None


def _connect_s3(bucket: Bucket) -> Ask:
    from boto3.session import Session
    from botocore.config import Config

    config = Config(
        connect_timeout=_CONNECT_TIMEOUT,
        read_timeout=_READ_TIMEOUT,
        retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
    )
    client = Session().client("s3", endpoint_url=bucket.endpoint_url, config=config)

    def ask() -> dict[str, Any]:
        rules = client.get_bucket_cors(Bucket=bucket.name).get("CORSRules")
        return {"CORSRules": rules} if rules else {}

    return ask


def _s3_failure(error: Exception) -> tuple[Reason, str]:
    name = type(error).__name__
    if isinstance(error, ModuleNotFoundError):
        return "extra", ""
    if name in _CREDENTIALS:
        return "credentials", ""
    from botocore.exceptions import ClientError, HTTPClientError
    from botocore.exceptions import ConnectionError as NoConnection

    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        return _S3_REASONS.get(code, "refused"), f"the service answers {_shortened(code)}"
    if type(error) is ValueError:
        return "refused", "the endpoint's URL is no URL"
    return "unreachable" if isinstance(error, NoConnection | HTTPClientError) else "refused", f"boto3 raises {name}"


def _connect_r2(bucket: Bucket) -> Ask:
    from cloudflare import Cloudflare, Timeout

    limits = Timeout(_READ_TIMEOUT, connect=_CONNECT_TIMEOUT)
    buckets = Cloudflare(timeout=limits, max_retries=_ATTEMPTS - 1).r2.buckets
    headers = {"cf-r2-jurisdiction": bucket.jurisdiction} if bucket.jurisdiction else {}

    def ask() -> dict[str, Any]:
        # The answer itself, and not the library's model of it, which leaves out what it does not know.
        answer = buckets.cors.with_raw_response.get(bucket.name, account_id=bucket.account, extra_headers=headers)
        result = answer.http_response.json()["result"]
        return dict(result) if result and result["rules"] else {}

    return ask


def _r2_failure(error: Exception) -> tuple[Reason, str]:
    name = type(error).__name__
    if isinstance(error, ModuleNotFoundError):
        return "extra", ""
    from cloudflare import APIConnectionError, APIStatusError

    if isinstance(error, APIStatusError):
        codes = re.findall(r"'code': (\d+)", str(error.body))
        reasons: list[Reason] = [*(_R2_REASONS[code] for code in codes if code in _R2_REASONS), "refused"]
        return (reasons or ["refused"])[
            0
        ], f"the service answers {_shortened(' '.join([str(error.status_code), *codes]))}"
    if isinstance(error, TypeError) and "authentication" in str(error):
        return "credentials", ""
    return "unreachable" if isinstance(error, APIConnectionError) else "refused", f"cloudflare raises {name}"


def _shortened(code: str) -> str:
    """A service's error code, if it is one."""
    return code if re.fullmatch(r"[A-Za-z0-9. ]{1,60}", code) else "with an error"


@dataclass(frozen=True, slots=True)
class _Service:
    """One way to ask for a bucket's policy."""

    library: str
    extra: str
    connect: Callable[[Bucket], Ask]
    failure: Callable[[Exception], tuple[Reason, str]]


_SERVICES = {
    "s3": _Service("boto3", "s3", _connect_s3, _s3_failure),
    "r2": _Service("cloudflare", "cloudflare", _connect_r2, _r2_failure),
}
