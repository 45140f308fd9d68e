"""A Flask application that serves a font to one site, as `policies/dashboard.json` says.

Run it with `python examples/flask_app.py --port 8000`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from flask import Flask, Response

from r2style_cors.flask import init_app

POLICY = Path(__file__).parent / "policies" / "dashboard.json"

app = Flask(__name__)
init_app(app, POLICY)


@app.get("/font.woff2")
def font() -> Response:
    """Answer with the four bytes that every WOFF2 file begins with; they stand for a font."""
    return Response(b"wOF2", mimetype="font/woff2")


def main() -> None:
    """Serve the application on a port of this machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    app.run(port=parser.parse_args().port)


if __name__ == "__main__":
    main()
