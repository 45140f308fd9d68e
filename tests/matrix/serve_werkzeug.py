"""Serve an application with Werkzeug's own server: `python -m matrix.serve_werkzeug MODULE:NAME PORT`."""

from __future__ import annotations

import sys

from werkzeug.serving import run_simple
from werkzeug.utils import import_string

if __name__ == "__main__":
    run_simple("127.0.0.1", int(sys.argv[2]), import_string(sys.argv[1]), threaded=True)
