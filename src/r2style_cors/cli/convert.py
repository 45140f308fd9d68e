"""`r2style-cors convert`: a policy file from one form to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .._text import shown, visible
from ..errors import PolicyError
from ._shared import File, Form, Profile, fail, read_bytes, write_file

if TYPE_CHECKING:
    from .._desk.convert import Conversion
    from .._profiles import ProfileName


def convert(
    file: File,
    *,
    to: Annotated[Form, typer.Option(metavar="FORM", help="dashboard, api, s3, xml or terraform.")],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="OUT", help="The file to write; - is standard output.")
    ] = "-",
    account_id: Annotated[str | None, typer.Option(metavar="ID", help="For terraform: the account to name.")] = None,
    bucket: Annotated[str | None, typer.Option(metavar="NAME", help="For terraform: the bucket to name.")] = None,
    profile: Profile = "r2",
) -> None:
    """Write a policy in another form: dashboard, api, s3, xml or terraform.

    What stands beside the rules and is no policy is left out, and named on standard error. OUT is replaced only once
    the new text is complete and has been read back as the same policy; a file that is not replaced stays as it was.

    Exits with 0 if it was written, with 2 if not.
    """
    converted = _converted(file, to, profile, account_id, bucket)
    if converted.dropped:
        typer.echo(f"Left out, since it is no policy: {', '.join(map(shown, converted.dropped))}", err=True)
    if output == "-":
        typer.echo(converted.text.encode("utf-8"), nl=False)  # whatever the terminal's encoding: it is a policy file
        return
    write_file(output, converted.text)
    typer.echo(f"{visible(output)} is written, in the form {to}.", err=True)


def _converted(file: str, form: str, profile: ProfileName, account_id: str | None, bucket: str | None) -> Conversion:
    from .._desk.convert import convert as written_as

    try:
        return written_as(read_bytes(file), form, profile=profile, account_id=account_id, bucket_name=bucket)
    except PolicyError as error:
        fail(str(PolicyError(error.problems, error.form, "standard input" if file == "-" else file)))
    except ValueError as error:
        fail(str(error))
