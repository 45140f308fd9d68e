"""`r2style-cors pull`: a live bucket's policy, once or for as long as it runs."""

from __future__ import annotations

import signal
import time
from pathlib import Path  # noqa: TC003 - typer reads the annotation
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .._desk.bucket import refuse_misplaced
from .._profiles import profile_named
from .._text import visible
from ._live import find_bucket, read_bucket
from ._shared import fail

if TYPE_CHECKING:
    from .._desk.bucket import Bucket


def pull(
    bucket: Annotated[str, typer.Argument(metavar="BUCKET", help="s3://BUCKET or r2://ACCOUNT/BUCKET.")],
    *,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write it.")] = None,
    to: Annotated[
        Literal["dashboard", "api", "s3", "xml", "terraform"], typer.Option(help="The form to write it in.")
    ] = "dashboard",
    every: Annotated[
        float | None, typer.Option(min=1, metavar="SECONDS", help="Keep FILE like the bucket's policy.")
    ] = None,
    profile: Annotated[str, typer.Option(metavar="r2|s3", help="Judge it as R2 or as S3 does.")] = "r2",
    endpoint_url: Annotated[str | None, typer.Option(help="With s3://: where the S3 API is, if not at AWS.")] = None,
    jurisdiction: Annotated[str | None, typer.Option(help="With r2://: the bucket's jurisdiction, such as eu.")] = None,
) -> None:
    """Read a live bucket's policy. Nothing is ever written to a bucket.

    Credentials come from the environment or from the configuration of boto3 (s3://) or cloudflare (r2://).

    With --every it keeps looking until it is stopped: FILE is replaced, whole, when the bucket's policy is good and means
    something else, so that web servers can read FILE and need no credentials. Each change of state is one line.

    Exits with 0, with 1 if the bucket has no policy, or with 2 if it cannot be read or FILE not be written.
    """
    try:
        profile_named(profile)
        refuse_misplaced([bucket], endpoint_url, jurisdiction)
    except ValueError as error:
        fail(str(error))
    found = find_bucket(bucket, endpoint_url, jurisdiction)
    if every is None:
        _once(found, output, to, profile)
    elif output is None:
        fail("--every needs a file to keep: -o FILE")
    else:
        _keep(found, output, to, profile, every)


def _once(bucket: Bucket, output: Path | None, form: str, profile: str) -> None:
    policy = read_bucket(bucket, profile)
    if output is None:
        typer.echo(policy.dump(form).encode("utf-8"), nl=False)
        return
    from .._desk.files import replace_file

    try:
        replace_file(output, policy.dump(form).encode())
    except OSError as error:
        fail(f"{output} cannot be written: {error.strerror}.")
    _say(f"Wrote {output} from {bucket}.")


def _keep(bucket: Bucket, output: Path, form: str, profile: str, every: float) -> None:
    """Follow the bucket until SIGINT or SIGTERM."""
    from .._desk.bucket import BucketReader
    from .._desk.follow import BucketFollower

    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell made a background job deaf to SIGINT
        signal.signal(number, signal.default_int_handler)
    try:
        follower = BucketFollower(BucketReader(bucket, profile), output, form, _say)
        _say(f"Following {bucket} in {output}.")
        while True:
            follower.look()
            time.sleep(follower.wait(every))
    except KeyboardInterrupt:
        _say("Stopped.")


def _say(line: str) -> None:
    typer.echo(visible(line))
