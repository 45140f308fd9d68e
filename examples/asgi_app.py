"""A bare ASGI application, without any framework, that any page may read, as `policies/s3.xml` says.

Run it with `python examples/asgi_app.py --port 8000`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from r2style_cors.asgi import CORSMiddleware

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

POLICY = Path(__file__).parent / "policies" / "s3.xml"


async def hello(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer every HTTP request with one line, and do nothing for anything else."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"hello\n"})


app = CORSMiddleware(hello, policy=POLICY)


def main() -> None:
    """Serve the application on a port of this machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    uvicorn.run(app, host="127.0.0.1", port=parser.parse_args().port, lifespan="off")


if __name__ == "__main__":
    main()
