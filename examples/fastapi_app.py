"""A FastAPI application that an editor on another origin may write to, as `policies/api.json` says.

Run it with `python examples/fastapi_app.py --port 8000`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from r2style_cors.starlette import install

POLICY = Path(__file__).parent / "policies" / "api.json"

app = FastAPI()
install(app, POLICY)


@app.get("/notes/{number}")
def read_note(number: int) -> dict[str, int]:
    """Answer with the note's number; a real application would answer with the note."""
    return {"number": number}


@app.put("/notes/{number}")
def write_note(number: int, note: dict[str, str]) -> dict[str, int]:
    """Take a note and answer with its number and its length."""
    return {"number": number, "length": len(note.get("text", ""))}


def main() -> None:
    """Serve the application on a port of this machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    uvicorn.run(app, host="127.0.0.1", port=parser.parse_args().port)


if __name__ == "__main__":
    main()
