"""The bucket for uploads: an S3-compatible one, where a presigned URL is leave to write, and the key never leaves us."""

from __future__ import annotations

import secrets
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .endpoint.app import Bucket, bucket_app
from .endpoint.client import client
from .endpoint.signature import Verifier

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import ASGIApp, Receive, Scope, Send

    from .._door import PolicySource

NAME = "uploads"
LIMIT = 10_000_000  # bytes in one upload
EXPIRES = 600  # seconds: long enough for one upload

_ACCESS_KEY = "demo"


class Uploads:
    """What may be uploaded, and where it is kept.

    Attributes:
        app: the bucket, behind the policy.
    """

    def __init__(self, root: Path, policy: PolicySource) -> None:
        self._secret = secrets.token_urlsafe(32)
        self.app = bucket_app(root, [Bucket(NAME, policy)], Verifier({_ACCESS_KEY: self._secret}), LIMIT)

    def url(self, origin: str, name: str) -> str:
        """A URL for one upload of something of that name to the bucket on `origin`. No two are the same."""
        object_ = {"Bucket": NAME, "Key": f"{secrets.token_hex(4)}/{name}"}
        url: str = _client(origin, self._secret).generate_presigned_url("put_object", object_, EXPIRES)
        return url


@lru_cache(maxsize=4)  # to make one takes long; a page goes by few names
def _client(origin: str, secret: str) -> Any:
    return client(origin, _ACCESS_KEY, secret)


def beside(uploads: ASGIApp, app: ASGIApp) -> ASGIApp:
    """`app`, but for the paths of the uploads."""

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        await (uploads if scope["path"].startswith(f"/{NAME}/") else app)(scope, receive, send)

    return routed
