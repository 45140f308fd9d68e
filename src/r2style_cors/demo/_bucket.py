"""The bucket: a few small files that are read, written and deleted by name. It knows nothing of CORS.

The logic is here once, without a framework. The two applications below it only translate, so that what differs between
the ASGI and the WSGI server on the page is the door and nothing else.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import dataclass
from mimetypes import MimeTypes
from pathlib import Path
from typing import TYPE_CHECKING

import starlette.requests
import starlette.responses
import werkzeug.wrappers

from .._desk.files import replace_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from starlette.types import ASGIApp, Receive, Scope, Send

SEEDS = ("data.json", "dots.ttf", "harbour.svg", "hello.txt")
LIMIT = 1_000_000  # bytes in one file
BLOCK = 65_536

# A flat key space. A name never begins with a dot, so none climbs out of the directory or names a file being written.
_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")

_TYPES = MimeTypes()
_TYPES.add_type("font/ttf", ".ttf")  # which Python's own table lacks before 3.13


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bucket says to one request."""

    status: int
    headers: dict[str, str]
    body: bytes = b""


class Bucket:
    """Files in one directory, by flat names."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._methods: dict[str, Callable[[Path, bytes], Answer]] = {
            "GET": self._get,
            "HEAD": self._head,
            "PUT": self._put,
            "DELETE": self._delete,
        }

    def seed(self) -> None:
        """Copy the packaged files into the directory."""
        for name in SEEDS:
            shutil.copyfile(Path(__file__).parent / "files" / name, self._directory / name)

    def answer(self, method: str, key: str, body: bytes = b"") -> Answer:
        """Do what one request asks. Any key and any method has an answer; none raises."""
        act = self._methods.get(method)
        if act is None:
            return Answer(405, {"Allow": ", ".join(self._methods)})
        if not _KEY.fullmatch(key):
            return _text(400, "A key is 1 to 100 letters, digits, dots, hyphens or underscores.")
        return act(self._directory / key, body)

    def _get(self, path: Path, _body: bytes) -> Answer:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return _text(404, "No file has this key.")
        kind = _TYPES.guess_type(path.name)[0] or "application/octet-stream"
        return Answer(200, {"Content-Type": kind, "Content-Length": str(len(content)), "ETag": _etag(content)}, content)

    def _head(self, path: Path, body: bytes) -> Answer:
        answer = self._get(path, body)
        return Answer(answer.status, answer.headers)

    def _put(self, path: Path, body: bytes) -> Answer:
        if len(body) > LIMIT:
            return _text(413, f"A file has at most {LIMIT} bytes.")
        self._write(path, body)
        return Answer(200, {"Content-Length": "0", "ETag": _etag(body)})

    def _delete(self, path: Path, _body: bytes) -> Answer:
        self._remove(path)
        return Answer(204, {})

    def _write(self, path: Path, body: bytes) -> None:
        replace_file(path, body)

    def _remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def rehearsal(self) -> Bucket:
        """The same files with the same answers, of which nothing comes: nothing is written and nothing deleted."""
        return _Rehearsal(self._directory)


class _Rehearsal(Bucket):
    def _write(self, path: Path, body: bytes) -> None:
        """Leave the file as it is."""

    def _remove(self, path: Path) -> None:
        """Leave the file where it is."""


def _etag(content: bytes) -> str:
    """A strong validator (RFC 9110, section 8.8.3): the content's own digest."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _text(status: int, message: str) -> Answer:
    body = f"{message}\n".encode()
    return Answer(status, {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body))}, body)


def asgi_bucket(bucket: Bucket) -> ASGIApp:
    """The bucket as an ASGI application, by way of Starlette."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = starlette.requests.Request(scope, receive)
        body = b""
        async for block in request.stream():
            body += block
            if len(body) > LIMIT:  # enough to know the answer, and no more than that is kept
                break
        answer = bucket.answer(request.method, scope["path"][1:], body)
        response = starlette.responses.Response(answer.body, answer.status, answer.headers)
        await response(scope, receive, send)

    return app


class _Untyped(werkzeug.wrappers.Response):
    """A response that claims no content type of its own where the bucket names none."""

    default_mimetype = None


def wsgi_bucket(bucket: Bucket) -> WSGIApplication:
    """The bucket as a WSGI application, by way of Werkzeug."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = werkzeug.wrappers.Request(environ)
        body = b""
        while len(body) <= LIMIT and (block := request.stream.read(BLOCK)):
            body += block
        answer = bucket.answer(request.method, request.path[1:], body)
        response = _Untyped([answer.body], answer.status, answer.headers)
        return response(environ, start_response)

    return app
