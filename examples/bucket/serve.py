"""The bucket on one origin, and a page that uses it on another.

Run it with `python examples/bucket/serve.py`, and open http://localhost:3000.
"""

from __future__ import annotations

import argparse
import asyncio
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from page_server import site_app

from r2style_cors.demo.endpoint.app import LIMIT, Bucket, bucket_app
from r2style_cors.demo.endpoint.client import client
from r2style_cors.demo.endpoint.digests import Digests
from r2style_cors.demo.endpoint.signature import Verifier
from r2style_cors.demo.endpoint.store import Folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HERE = Path(__file__).parent
BUCKETS = (
    Bucket("public", HERE / "policies" / "public.json", public=True),
    Bucket("uploads", HERE / "policies" / "uploads.json"),
)
ACCESS_KEY, SECRET_KEY = "local", "not-a-secret"  # for this machine, which alone is served
FONT = "dots.ttf"


async def serve(root: Path, port: int, page_port: int) -> None:
    """Put a font into the public bucket, and serve both until the process is told to stop."""
    endpoint = f"http://127.0.0.1:{port}"
    bucket = bucket_app(root, BUCKETS, Verifier({ACCESS_KEY: SECRET_KEY}))
    site = site_app(HERE / "page", endpoint, client(endpoint, ACCESS_KEY, SECRET_KEY))
    await Folder(root / "public", LIMIT).put(FONT, {"content-type": "font/ttf"}, font(), Digests({}))
    configs = (uvicorn.Config(bucket, "127.0.0.1", port), uvicorn.Config(site, "127.0.0.1", page_port))
    await asyncio.gather(*(uvicorn.Server(config).serve() for config in configs))


async def font() -> AsyncIterator[bytes]:
    """The font that comes with the package's demonstration."""
    yield (files("r2style_cors.demo") / "files" / FONT).read_bytes()


def main() -> None:
    """Read the command line, and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path("bucket-data"), help="where the objects are")
    parser.add_argument("--port", type=int, default=9000, help="the bucket's")
    parser.add_argument("--page-port", type=int, default=3000, help="the page's, which the policies name")
    given = parser.parse_args()
    asyncio.run(serve(given.root, given.port, given.page_port))


if __name__ == "__main__":
    main()
