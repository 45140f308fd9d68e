"""The page's own server, on another origin than the bucket: it has the keys, and gives the page presigned URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response

EXPIRES = 600  # seconds: long enough for one upload
MAX_NAME = 200  # characters of an object's name that are signed


def site_app(page: Path, endpoint: str, s3: Any) -> Starlette:
    """The page, where the bucket is, and `/presign`, which gives URLs to whoever asks.

    A real one asks first who that is: a presigned URL is leave to write.
    """

    async def setup(_request: Request) -> Response:
        return JSONResponse({"endpoint": endpoint})

    async def presign(request: Request) -> Response:
        name = request.query_params.get("name", "")[:MAX_NAME] or "unnamed"
        urls = {
            action: s3.generate_presigned_url(operation, {"Bucket": "uploads", "Key": name}, EXPIRES)
            for action, operation in (("put", "put_object"), ("get", "get_object"))
        }
        return JSONResponse(urls)

    return Starlette(
        routes=[
            Route("/setup", setup),
            Route("/presign", presign, methods=["POST"]),
            Mount("/", StaticFiles(directory=page, html=True)),
        ]
    )
