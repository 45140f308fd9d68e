"""`r2style-cors pull`: a live bucket's policy, once or for as long as it runs."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .._desk.bucket import refuse_misplaced
from .._text import visible
from ._live import find_bucket, read_bucket
from ._shared import EndpointUrl, Form, Jurisdiction, Profile, fail, write_file

if TYPE_CHECKING:
    from .._desk.bucket import Bucket
    from .._profiles import ProfileName


def pull(
    bucket: Annotated[str, typer.Argument(metavar="BUCKET", help="s3://BUCKET or r2://ACCOUNT/BUCKET.")],
    *,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="The file to write; - is standard output.")
    ] = "-",
    to: Annotated[Form, typer.Option(metavar="FORM", help="dashboard, api, s3, xml or terraform.")] = "dashboard",
    every: Annotated[
        float | None, typer.Option(min=1, metavar="SECONDS", help="Keep FILE like the bucket's policy.")
    ] = None,
    profile: Profile = "r2",
    endpoint_url: EndpointUrl = None,
    jurisdiction: Jurisdiction = None,
) -> None:
    """Read a live bucket's policy. Nothing is ever written to a bucket.

    Credentials come from the environment or from the configuration of boto3 (s3://) or cloudflare (r2://).

    With --every it keeps looking until it is stopped: FILE is replaced, whole, when the bucket's policy is good and means
    something else, so that web servers can read FILE and need no credentials. Each change of state is one line.

    Exits with 0, with 1 if the bucket has no policy, or with 2 if it cannot be read or FILE not be written.
    """
    try:
        refuse_misplaced([bucket], endpoint_url, jurisdiction)
    except ValueError as error:
        fail(str(error))
    found = find_bucket(bucket, endpoint_url, jurisdiction)
    if every is None:
        _once(found, output, to, profile)
    elif output == "-":
        fail("--every needs a file to keep: -o FILE")
    else:
        _keep(found, Path(output), to, profile, every)


def _once(bucket: Bucket, output: str, form: str, profile: ProfileName) -> None:
    text = read_bucket(bucket, profile).dump(form)
    if output == "-":
        typer.echo(text.encode("utf-8"), nl=False)
        return
    write_file(output, text)
    _say(f"Wrote {output} from {bucket}.")


def _keep(bucket: Bucket, output: Path, form: str, profile: ProfileName, every: float) -> None:
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
