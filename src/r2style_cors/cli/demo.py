"""`r2style-cors demo`: a page on one origin, a bucket on others, and a policy file to edit between them."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from socket import gaierror
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from .._text import visible
from ..errors import PolicyError
from ._shared import fail

if TYPE_CHECKING:
    from ..demo._serve import Demo

POLICY = Path("r2style-cors-demo") / "cors.json"

_NEEDED = ("uvicorn", "boto3", "botocore")


def demo(
    *,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="PORT", help="The page's port; 0 for any free one.")
    ] = 8000,
    policy: Annotated[
        Path, typer.Option(metavar="FILE", help="The policy file; made with a starter policy if missing.")
    ] = POLICY,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """See in a browser what a policy file grants and refuses, behind an ASGI and a WSGI server.

    Serves until Ctrl-C. An existing policy file is never overwritten.

    Exits with 0 once it is stopped, with 2 if it cannot start: the policy is not good or cannot be read, or the port is
    taken.
    """
    try:
        with _started(host, port, policy) as site:
            _announce(site)
            if open_page:
                webbrowser.open(site.origins["page"])
            site.run()
    except KeyboardInterrupt:
        Console().print("Stopped.")


def _started(host: str, port: int, policy: Path) -> Demo:
    """The demo, listening; or one line that says why not, and the exit status."""
    try:
        from ..demo._serve import Demo
    except ModuleNotFoundError as error:
        if error.name not in _NEEDED:
            raise
        fail("The demo needs uvicorn and boto3: pip install 'r2style-cors[demo]'")
    try:
        return Demo(host, port, policy)
    except PolicyError as error:
        fail(str(error))
    except OSError as error:
        fail(_why_not(error, host, port))


def _why_not(error: OSError, host: str, port: int) -> str:
    """Why the system does not let the demo start: its file, its address, or its port."""
    if error.filename is not None:
        return f"{error.filename} cannot be written: {error.strerror}."
    advice = "" if isinstance(error, gaierror) else " Another --port may be free; 0 takes any."
    return f"Cannot start on {host}, port {port}: {error}.{advice}"


def _announce(site: Demo) -> None:
    """Say where everything is."""
    file = escape(visible(str(site.policy.path.resolve())))
    made = "[green]new[/], with a starter policy" if site.created else "already there, left as it is"
    lines = [
        f"  [bold]Open this page[/]  [bold cyan]{site.origins['page']}[/]",
        f"  ASGI bucket     {site.origins['asgi']}  (Uvicorn)",
        f"  WSGI bucket     {site.origins['wsgi']}  (Werkzeug)",
        f"  Other origin    {site.origins['other']}  (asks from a frame on the page)",
        f"  Policy file     {file}  ({made})",
    ]
    if not site.policy.engine().decide("GET", site.origins["page"]).allowed:
        lines += [
            "",
            f"  [yellow]The policy grants this page no GET.[/] To see grants, add {site.origins['page']} to it.",
        ]
    console = Console(highlight=False, soft_wrap=True)
    console.print("", *lines, "", "  Edit the file, on the page or in your editor. Ctrl-C stops.", "", sep="\n")
