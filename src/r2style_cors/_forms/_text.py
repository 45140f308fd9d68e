"""From a file, or bytes, to text: size and encoding (SEMANTICS 1.1, and the first codes of section 1)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ._tree import MAX_BYTES, START, LineIndex, refuse

if TYPE_CHECKING:
    import os

    from ..errors import PolicyError

_BYTE_ORDER_MARK = "\ufeff"
# Longest first: the mark of UTF-32 begins with that of UTF-16.
_OTHER_MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


def read_file(path: str | os.PathLike[str]) -> bytes:
    """Read a policy file, but never more than one byte over the limit; raises PolicyError (`file`)."""
    if path == "":  # which would be the working directory, as where a variable is not set
        raise refuse(START, "file", "The name of the policy file is empty.")
    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except IsADirectoryError:
        raise refuse(START, "file", "This is a directory; name the policy file in it.") from None
    except FileNotFoundError:
        raise refuse(START, "file", f"There is no such file.{_instead(path)}") from None
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL
        raise _unreadable(error, more=_instead(path)) from None


def _instead(path: str | os.PathLike[str]) -> str:
    """What to do where somebody gave the policy itself in place of its path."""
    is_policy = str(path).lstrip()[:1] in ("[", "{", "<")
    return " The text of a policy is read by `Policy.parse`." if is_policy else ""


def read_standard_input() -> bytes:
    """Read a policy from standard input, as `read_file` reads a file; raises PolicyError (`file`)."""
    if sys.stdin is None:  # as where a shell is told `<&-`
        raise refuse(START, "file", "Standard input is closed.")
    try:
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    except OSError as error:  # as where it was opened for writing alone
        raise _unreadable(error, "Standard input") from None


def _unreadable(error: OSError | ValueError, what: str = "The file", more: str = "") -> PolicyError:
    reason = getattr(error, "strerror", None) or str(error)
    return refuse(START, "file", f"{what} cannot be read: {reason}.{more}")


def to_text(data: object) -> str:
    """Decode a policy, without its byte order mark.

    Raises:
        PolicyError: `too-large`, `encoding` or `empty-file`.
        TypeError: it is no text.

    """
    if not isinstance(data, bytes | str):
        message = f"data is a {type(data).__name__}; it must be the text of a policy, as bytes or str, and not a path"
        raise TypeError(message)
    text = _decode(data) if isinstance(data, bytes) else _check(data)
    text = text.removeprefix(_BYTE_ORDER_MARK)
    if not text.strip():
        raise refuse(
            START, "empty-file", "There is nothing here but white space." if text else "There is nothing here."
        )
    return text


def _decode(data: bytes) -> str:
    _limit(len(data))
    for mark, name in _OTHER_MARKS.items():
        if data.startswith(mark):
            raise refuse(START, "encoding", f"The text is {name}; save it as UTF-8.")
    if b"\0" in data[:4]:  # RFC 4627, section 3: how JSON in UTF-16 and UTF-32 without a mark begins
        raise refuse(START, "encoding", "The text is not UTF-8, but looks like UTF-16 or UTF-32; save it as UTF-8.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8").removeprefix(_BYTE_ORDER_MARK)
        message = f"The byte 0x{data[error.start]:02x} is not part of UTF-8 text; save the file as UTF-8."
        raise refuse(LineIndex(before).spot(len(before)), "encoding", message) from None


def _check(text: str) -> str:
    """Check a text that is decoded already: lone surrogates are bytes that a decoder could not read."""
    _limit(len(text))
    try:
        _limit(len(text.encode("utf-8")))
    except UnicodeEncodeError as error:
        before = text[: error.start].removeprefix(_BYTE_ORDER_MARK)
        message = "This character is half of a surrogate pair, which is no text."
        raise refuse(LineIndex(before).spot(len(before)), "encoding", message) from None
    return text


def _limit(size: int) -> None:
    if size > MAX_BYTES:
        raise refuse(START, "too-large", "A policy is 1 MiB at most; this is larger.")
