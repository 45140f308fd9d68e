"""`r2style-cors schema`: the JSON Schema of a form."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer


def schema(
    form: Annotated[
        Literal["dashboard", "api", "s3", "terraform"],
        typer.Argument(metavar="FORM", help="dashboard, api, s3 or terraform."),
    ],
) -> None:
    """Print the JSON Schema, 2020-12, of a form: dashboard, api, s3 or terraform.

    It accepts every good policy, and refuses what a schema can; check says the rest. Exits with 0, or with 2 if there is
    no such form, or it is not JSON.
    """
    from ..policy import policy_schema

    typer.echo(json.dumps(policy_schema(form), indent=2))
