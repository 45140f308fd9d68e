"""A bare WSGI application, without any framework, that a player on another origin reads, as `policies/s3.json` says.

Run it with `python examples/wsgi_app.py --port 8000`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING
from wsgiref.simple_server import make_server

from r2style_cors.wsgi import CORSMiddleware

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

POLICY = Path(__file__).parent / "policies" / "s3.json"


def film(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer with the one part of a film that it has."""
    start_response("206 Partial Content", [("Content-Type", "video/mp4"), ("Content-Range", "bytes 0-3/4")])
    return [b"film"]


app = CORSMiddleware(film, policy=POLICY)


def main() -> None:
    """Serve the application on a port of this machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    with make_server("127.0.0.1", parser.parse_args().port, app) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
