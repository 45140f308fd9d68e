"""A policy file from one form to another, and what of the file is not policy and so stays behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._forms import BODY_KEYS, REPLY_KEYS, Report, plain, read_json, step, to_text
from ..policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._profiles import ProfileName


@dataclass(frozen=True, slots=True)
class Conversion:
    """A policy in another form.

    Attributes:
        text: the policy, written in that form.
        policy: the policy.
        dropped: the paths of what stood beside the rules and is in `text` no more.
    """

    text: str
    policy: Policy
    dropped: tuple[str, ...]


def convert(
    data: bytes | str | Policy,
    form: str,
    *,
    profile: ProfileName = "r2",
    account_id: str | None = None,
    bucket_name: str | None = None,
) -> Conversion:
    """Write a policy in another form; reading that again gives an equal policy, which is tried here (SEMANTICS 1.5).

    Args:
        data: the text of a policy file in any form, as bytes or str, or a policy. A str is never a path.
        form: `dashboard`, `api`, `s3`, `xml` or `terraform`.
        profile: `r2`, or `s3` to judge a file as S3 would.
        account_id: for `terraform`, the account; by default the one that a Terraform file names.
        bucket_name: for `terraform`, the bucket; likewise.

    Raises:
        PolicyError: the file is no good policy, or what is written would be none, for example too large.
        ValueError: there is no such form or profile, the form has no place for account and bucket, or what is written
            would not be read as the same policy.
        TypeError: `data` is none of these.
    """
    text = "" if isinstance(data, Policy) else to_text(data)
    policy = data if isinstance(data, Policy) else Policy.parse(data, profile)
    around = dict(_around(text, policy.form)) if text else {}
    given = {"account_id": account_id, "bucket_name": bucket_name}
    kept = {name: value for name, value in (around.items() if form == "terraform" else ()) if name in given}
    names = kept | {name: value for name, value in given.items() if value is not None}
    written = policy.dump(form, **names)
    if Policy.parse(written, policy.profile) != policy:
        message = f"the policy would not be the same when read from the form {form!r}"
        raise ValueError(message)
    return Conversion(written, policy, tuple(path for path in around if path not in kept))


def _around(text: str, form: str) -> Iterator[tuple[str, Any]]:
    """What stands beside the rules of a file that is a good policy: path and value."""
    if form == "xml":
        return
    document = plain(read_json(text, Report(), strict=False))
    if form == "s3" and "ResponseMetadata" in document:
        yield "ResponseMetadata", document["ResponseMetadata"]
    elif form == "api":
        yield from ((key, value) for key, value in document.items() if key in REPLY_KEYS)
    elif form == "terraform":
        yield from _around_body(document)


def _around_body(document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    if "resource" in document:
        ((kind, named),) = document["resource"].items()
        ((name, document),) = named.items()
        yield f"resource.{kind}{step(name)}", name
    yield from ((key, value) for key, value in document.items() if key in BODY_KEYS)
