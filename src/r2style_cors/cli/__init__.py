"""The command line, `r2style-cors` and `python -m r2style_cors`: one module for each command."""

from __future__ import annotations

from typing import Annotated

import typer

from .. import __version__
from .check import check
from .convert import convert
from .demo import demo
from .diff import diff
from .explain import explain
from .matrix import matrix
from .probe import probe
from .pull import pull
from .schema import schema
from .simulate import simulate

app: typer.Typer = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.command()(check)
app.command()(explain)
app.command()(matrix)
app.command()(simulate)
app.command()(probe)
app.command()(diff)
app.command()(pull)
app.command()(convert)
app.command()(schema)
app.command()(demo)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def main(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """CORS from one policy file, in the format that Cloudflare R2 enforces on a bucket."""
