"""What the commands that read live buckets have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._desk.bucket import Bucket, BucketError, BucketReader, bucket_at, is_bucket
from ..errors import PolicyError
from ._shared import FINDINGS, MISUSE, fail, read_policy

if TYPE_CHECKING:
    from .._profiles import ProfileName
    from ..policy import Policy


def find_bucket(text: str, endpoint_url: str | None, jurisdiction: str | None) -> Bucket:
    """The bucket that `text` names; where it names none, say so and exit with 2."""
    try:
        return bucket_at(text, endpoint_url, jurisdiction)
    except BucketError as error:
        fail(str(error))


def read_bucket(bucket: Bucket, profile: ProfileName) -> Policy:
    """The bucket's policy; where it has none, say so and exit with 1, and with 2 where it cannot be read."""
    try:
        return BucketReader(bucket, profile).read()
    except BucketError as error:
        fail(str(error), FINDINGS if error.reason == "no-policy" else MISUSE)
    except PolicyError as error:
        fail(str(error))


def read_any(source: str, profile: ProfileName, endpoint_url: str | None, jurisdiction: str | None) -> Policy:
    """The policy of a live bucket, of a file, or in standard input."""
    if is_bucket(source):
        return read_bucket(find_bucket(source, endpoint_url, jurisdiction), profile)
    return read_policy(source, profile)
