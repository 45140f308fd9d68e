"""What the commands have in common: options, exit statuses, where they read from and write to, and how they fail."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn, TypeAlias

import typer
from rich.console import Console
from rich.text import Text

from .._text import visible
from ..errors import PolicyError

if TYPE_CHECKING:
    from .._profiles import ProfileName
    from ..policy import Policy

FINDINGS = 1  # something was found, or refused
MISUSE = 2  # the command could not be carried out as it was called

# What several commands take, by one name and in the same words.
File: TypeAlias = Annotated[str, typer.Argument(metavar="FILE", help="The policy, in any form; - is standard input.")]
Form: TypeAlias = Literal["dashboard", "api", "s3", "xml", "terraform"]
Origin: TypeAlias = Annotated[
    str, typer.Option(metavar="ORIGIN", help="The origin of the page: scheme://name[:port], or null.")
]
Method: TypeAlias = Annotated[str, typer.Option(metavar="METHOD", help="The method that the page uses.")]
Headers: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="HEADER", help="A header that the page sets: 'name: value', or a name alone. Repeatable."),
]
Profile: TypeAlias = Annotated[Literal["r2", "s3"], typer.Option(metavar="r2|s3", help="By R2's rules, or by S3's.")]
Credentials: TypeAlias = Annotated[bool, typer.Option("--credentials", help="The server allows credentials.")]
ExtraMethods: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="METHOD", help="A method that the server adds to the policy's. Repeatable."),
]
EndpointUrl: TypeAlias = Annotated[
    str | None, typer.Option(metavar="URL", help="With s3://: where the S3 API is, if not at AWS.")
]
Jurisdiction: TypeAlias = Annotated[
    str | None, typer.Option(metavar="NAME", help="With r2://: the bucket's jurisdiction, such as eu.")
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def fail(message: str, status: int = MISUSE) -> NoReturn:
    """Say `message`, which may quote what cannot be seen, on standard error, and exit with `status`."""
    lines = map(visible, message.split("\n"))
    Console(stderr=True).print(Text("\n".join(lines), "red"), soft_wrap=True)
    raise typer.Exit(status)


def read_bytes(file: str) -> bytes:
    """The bytes of `file`, or of standard input where it is `-`.

    Raises:
        PolicyError: there is no such file, or it cannot be read, or is too large.

    """
    from .._forms import read_file, read_standard_input

    return read_standard_input() if file == "-" else read_file(file)


def read_policy(file: str, profile: ProfileName = "r2") -> Policy:
    """The policy in `file`, or in standard input where it is `-`; where it is not good, say why and exit with 2."""
    from ..policy import Policy

    try:
        return Policy.parse(read_bytes(file), profile)
    except PolicyError as error:
        fail(str(PolicyError(error.problems, error.form, "standard input" if file == "-" else file)))


def write_file(name: str, text: str) -> None:
    """Put `text` in the place of the file, whole or not at all; where that is not possible, say so and exit with 2."""
    from .._desk.files import replace_file

    try:
        replace_file(Path(name), text.encode())
    except OSError as error:
        fail(f"{name} cannot be written: {error.strerror}.")
