"""The bucket of `examples/bucket`, served over a socket of this machine with its own policies, and clients for it."""

from __future__ import annotations

import shutil
import socket
import subprocess
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

import pytest
from page_server import site_app

from r2style_cors.demo.endpoint.app import Bucket, bucket_app
from r2style_cors.demo.endpoint.client import client
from r2style_cors.demo.endpoint.signature import Verifier
from support.listening import PATIENCE_SECONDS
from support.served import on_uvicorn

if TYPE_CHECKING:
    from collections.abc import Iterator


EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "bucket"
ACCESS_KEY, SECRET_KEY = "local", "not-a-secret"  # as in presign.mjs
LIMIT = 200_000
QUIETLY: dict[str, Any] = {"lifespan": "off", "ws": "none", "log_level": "critical"}
PAGE_ORIGIN = "http://localhost:3000"  # in the policies; the origin of a page that a test serves takes its place

Change: TypeAlias = tuple[str, str, str]  # in which policy what is replaced by what


@dataclass
class Served:
    """A running bucket: where it is, where its objects are, boto3's client for it, and how far ahead its clock is."""

    url: str
    root: Path
    s3: Any
    ahead: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        """The time by the bucket's clock."""
        return datetime.now(UTC) + self.ahead

    def presigned(
        self, operation: str, key: str = "notes.txt", expires: int = 600, bucket: str = "uploads", **more: Any
    ) -> str:
        """A URL that boto3 signs."""
        url: str = self.s3.generate_presigned_url(operation, {"Bucket": bucket, "Key": key, **more}, expires)
        return url

    def at(self, key: str, bucket: str = "public") -> str:
        """The plain URL of an object."""
        return f"{self.url}/{bucket}/{quote(key)}"

    def files(self, bucket: str = "uploads") -> list[Path]:
        """The files that the bucket has on disk, those that are being written among them."""
        return list((self.root / bucket).iterdir())


def opened(stack: ExitStack) -> tuple[socket.socket, int]:
    """A listening socket and its port."""
    listener = stack.enter_context(closing(socket.create_server(("127.0.0.1", 0))))
    return listener, listener.getsockname()[1]


def policy(folder: Path, name: str, page: str, old: str = "", new: str = "") -> Path:
    """One of the example's policies, for the page's origin, with `old` replaced by `new`."""
    text = (EXAMPLE / "policies" / f"{name}.json").read_text(encoding="utf-8")
    assert old in text
    file = folder / f"{name}.json"
    file.write_text(text.replace(old, new).replace(PAGE_ORIGIN, page), encoding="utf-8")
    return file


@contextmanager
def bucket(root: Path, page: str = PAGE_ORIGIN, change: Change = ("", "", "")) -> Iterator[Served]:
    """The bucket, empty."""
    root.mkdir(exist_ok=True)
    with ExitStack() as stack:
        listener, port = opened(stack)
        url = f"http://127.0.0.1:{port}"
        served = Served(url, root, stack.enter_context(closing(client(url, ACCESS_KEY, SECRET_KEY))))
        changes = {change[0]: change[1:]}
        buckets = [
            Bucket(name, policy(root, name, page, *changes.get(name, ("", ""))), public=name == "public")
            for name in ("public", "uploads")
        ]
        app = bucket_app(root, buckets, Verifier({ACCESS_KEY: SECRET_KEY}, served.now), LIMIT)
        stack.enter_context(on_uvicorn(app, listener, **QUIETLY))
        yield served


@contextmanager
def bucket_and_page(root: Path, change: Change = ("", "", "")) -> Iterator[tuple[Served, str]]:
    """The bucket, and the origin of the page that uses it."""
    with ExitStack() as stack:
        listener, port = opened(stack)
        page = f"http://localhost:{port}"
        served = stack.enter_context(bucket(root, page, change))
        stack.enter_context(on_uvicorn(site_app(EXAMPLE / "page", served.url, served.s3), listener, **QUIETLY))
        yield served, page


def found(program: str) -> str:
    """Where a program is; where it is not installed, the test is skipped."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


def installed_presigner(folder: Path) -> Path:
    """`presign.mjs` with the AWS SDK beside it; where that cannot be installed, the test is skipped."""
    found("node")
    for file in ("package.json", "presign.mjs", ".npmrc"):
        shutil.copy(EXAMPLE / "presign" / file, folder)
    command = [found("npm"), "install", "--no-audit", "--no-fund"]
    try:
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("npm cannot install the AWS SDK in time")
    if ran.returncode:
        pytest.skip(f"npm cannot install the AWS SDK: {ran.stderr[:200]}")
    return folder / "presign.mjs"


def presigned_by_sdk(script: Path, served: Served, key: str) -> str:
    """The URL that the script prints."""
    command = [found("node"), str(script), "uploads", key, served.url]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
