"""The endpoint: `/BUCKET/KEY`, with GET, HEAD, PUT and DELETE, as an application that knows nothing of CORS.

The CORS policies stand in front of it, one for each bucket, as R2 has them.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from werkzeug.http import http_date, parse_etags, parse_range_header
from werkzeug.sansio.http import is_resource_modified

from ..._source import PathPolicies
from ...starlette import install
from .digests import Digests
from .errors import S3Error
from .signature import Asked, Verifier, parse_query
from .store import Folder, Stored

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

    from ..._door import PolicySource

METHODS = ("GET", "HEAD", "PUT", "DELETE")
MAX_KEY = 1024  # bytes of UTF-8
LIMIT = 25 * 1024 * 1024  # bytes of one object
DRAIN = 1024 * 1024  # bytes of a refused upload that are still read, so that the client comes to read the answer

_KEPT = ("cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires")
_DEFAULT_TYPE = "binary/octet-stream"


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket: its name, its CORS policy, and whether everybody may read it without a signature."""

    name: str
    policy: PolicySource
    public: bool = False


def bucket_app(root: Path, buckets: Iterable[Bucket], verifier: Verifier, limit: int = LIMIT) -> Starlette:
    """The endpoint with the policies of its buckets in front.

    Args:
        root: the folder in which each bucket has its own.
        buckets: those that there are.
        verifier: who may write, and who may read what is not public.
        limit: the most bytes that one object may have.

    Raises:
        PolicyError: a policy cannot be enforced.
    """
    buckets = tuple(buckets)
    app = Starlette()
    app.router.default = Endpoint(root, buckets, verifier, limit)  # a route's path would not match every key
    install(app, PathPolicies({f"/{bucket.name}": bucket.policy for bucket in buckets}))
    return app


class Endpoint:
    """Answers one request about one object. Whatever it cannot do is refused in S3's words."""

    def __init__(self, root: Path, buckets: Iterable[Bucket], verifier: Verifier, limit: int) -> None:
        self._buckets = {bucket.name: (bucket, Folder(root / bucket.name, limit)) for bucket in buckets}
        self._verifier = verifier
        self._acts: dict[str, Any] = {"GET": _get, "HEAD": _head, "PUT": _put, "DELETE": _delete}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        request = Request(scope, receive)
        body = request.stream()
        try:
            response = await self._answer(request, body)
        except S3Error as error:
            response = await _refusal(error, body)
        except ClientDisconnect:
            return  # nobody is left who would read an answer
        await response(scope, receive, send)

    async def _answer(self, request: Request, body: AsyncIterator[bytes]) -> Response:
        asked = _asked(request)
        name, key = _place(asked.path)
        if name not in self._buckets:
            raise S3Error(code="NoSuchBucket")
        bucket, folder = self._buckets[name]
        if not key or asked.method not in METHODS:
            raise S3Error(code="MethodNotAllowed", Allow=", ".join(METHODS) if key else "")
        if asked.is_signed or not (bucket.public and asked.method in ("GET", "HEAD")):
            self._authorize(asked)
        _check_parameters(asked)
        response: Response = await self._acts[asked.method](folder, key, request, body)
        return response

    def _authorize(self, asked: Asked) -> None:
        if not asked.is_signed:
            raise S3Error(code="AccessDenied")
        self._verifier.verify(asked)


def _asked(request: Request) -> Asked:
    scope = request.scope
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
    query = parse_query(scope["query_string"].decode("latin-1"))
    return Asked(request.method, scope["raw_path"], query, headers)


def _place(path: bytes) -> tuple[str, str]:
    """The bucket and the key that a path names. An encoded slash is a slash: to S3, a key is only text."""
    try:
        name, _, key = unquote_to_bytes(path).decode().removeprefix("/").partition("/")
    except UnicodeDecodeError:
        raise S3Error(code="InvalidURI") from None
    if "\0" in key:
        raise S3Error(code="InvalidURI")
    if len(key.encode()) > MAX_KEY:
        raise S3Error(code="KeyTooLongError")
    return name, key


def _check_parameters(asked: Asked) -> None:
    """`?acl`, `?uploads`, a copy: other operations have the same methods, and none may be taken for a plain one."""
    for name, _ in asked.query:
        if name != "x-id" and not name.lower().startswith("x-amz-"):
            raise S3Error(code="NotImplemented", message=f"The query parameter {name!a} is not implemented.")
    if asked.header("x-amz-copy-source") is not None or asked.parameter("x-amz-copy-source") is not None:
        raise S3Error(code="NotImplemented", message="Copying is not implemented.")


async def _refusal(error: S3Error, body: AsyncIterator[bytes]) -> Response:
    """What a client reads that sends first and listens then: most do, and see a broken connection else."""
    left = DRAIN
    with suppress(ClientDisconnect):
        async for block in body:
            left -= len(block)
            if left < 0:
                break
    return error.response()


async def _get(folder: Folder, key: str, request: Request, _body: AsyncIterator[bytes]) -> Response:
    stored = folder.open(key)
    with ExitStack() as opened:
        opened.enter_context(stored.file)
        status, headers, part = _read(stored, request)
        if status == HTTPStatus.NOT_MODIFIED:
            return Response(None, status, headers)
        opened.pop_all()  # the response closes it
    return StreamingResponse(stored.blocks(*part), status, headers)


async def _head(folder: Folder, key: str, request: Request, _body: AsyncIterator[bytes]) -> Response:
    stored = folder.open(key)
    with stored.file:
        status, headers, _ = _read(stored, request)
    return Response(None, status, headers)


async def _put(folder: Folder, key: str, request: Request, body: AsyncIterator[bytes]) -> Response:
    headers = dict(request.headers)
    kept = {name: value for name, value in headers.items() if name in _KEPT or name.startswith("x-amz-meta-")}
    about = await folder.put(key, {"content-type": _DEFAULT_TYPE, **kept}, body, Digests(headers))
    return Response(None, HTTPStatus.OK, {"ETag": f'"{about.etag}"'})


async def _delete(folder: Folder, key: str, _request: Request, _body: AsyncIterator[bytes]) -> Response:
    folder.delete(key)
    return Response(None, HTTPStatus.NO_CONTENT)


def _read(stored: Stored, request: Request) -> tuple[HTTPStatus, dict[str, str], tuple[int, int]]:
    """Status, headers and part of the object; 304 where the client has it already (RFC 9110, section 13)."""
    asked, etag, modified, size = (
        request.headers,
        f'"{stored.about.etag}"',
        http_date(stored.modified),
        stored.about.size,
    )
    headers = {**stored.about.headers, "ETag": etag, "Last-Modified": modified, "Accept-Ranges": "bytes"}
    if (wanted := parse_etags(asked.get("if-match"))) and stored.about.etag not in wanted:
        raise S3Error(code="PreconditionFailed")
    since, none = asked.get("if-modified-since"), asked.get("if-none-match")
    if not is_resource_modified(
        http_if_modified_since=since, http_if_none_match=none, etag=etag, last_modified=modified
    ):
        return HTTPStatus.NOT_MODIFIED, headers, (0, 0)
    part = _part(asked.get("range"), size) if asked.get("if-range") in (None, etag, modified) else None
    start, stop = part or (0, size)
    headers["Content-Length"] = str(stop - start)
    if part is None:
        return HTTPStatus.OK, headers, (start, stop)
    return HTTPStatus.PARTIAL_CONTENT, {**headers, "Content-Range": f"bytes {start}-{stop - 1}/{size}"}, part


def _part(asked: str | None, size: int) -> tuple[int, int] | None:
    """The part of the object that a Range header names; None for all of it, as where several are asked for."""
    wanted = parse_range_header(asked)
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1:
        return None
    part = wanted.range_for_length(size)
    if part is None:
        raise S3Error(code="InvalidRange", Content_Range=f"bytes */{size}")
    return part
