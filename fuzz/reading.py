"""What is read: policies in their five forms, origins, patterns, lists of header names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import twin
from choices import Choices
from r2style_cors import Policy, PolicyError
from r2style_cors._codes import CODES
from r2style_cors._engine import requested_names
from r2style_cors._origins import HOST_CHARACTERS, Wildcards, is_echoable, is_serialized_origin

if TYPE_CHECKING:
    from r2style_cors._profiles import ProfileName

FORMS = ("dashboard", "api", "s3", "xml", "terraform")
MAX_ORIGIN = 1024  # SEMANTICS 3.4
HOST_PARTS = ("", "a", "b", ".", "a.", ".a", "-a", "a.b", ".a.b", "b.a.b")


def policy(data: bytes) -> None:
    """Whatever is read is a policy or a PolicyError. A policy is the same after a journey through any form."""
    choices = Choices(data)
    profile: ProfileName = choices.one(("r2", "s3"))
    strict, as_text = choices.flag(), choices.flag()
    document = choices.rest()
    try:
        found = Policy.parse(document.decode("latin-1") if as_text else document, profile=profile, strict=strict)
    except PolicyError as error:
        check_error(error)
        return
    assert found.form in FORMS
    assert all(problem.severity != "error" for problem in found.problems)
    if profile == "r2":
        for form in FORMS:
            assert Policy.parse(found.dump(form)) == found, form
    check_options(found, profile)


def check_error(error: PolicyError) -> None:
    """An error says what is wrong, and where: lines and columns are counted from 1."""
    assert any(problem.severity == "error" for problem in error.problems)
    for problem in error.problems:
        assert problem.code in CODES, problem.code
        assert (problem.line is None) == (problem.column is None)
        assert (problem.line or 1) >= 1
        assert (problem.column or 1) >= 1
        assert str(problem)


def check_options(found: Policy, profile: ProfileName) -> None:
    """A policy compiles; with credentials it compiles or is a PolicyError."""
    assert found.compile(profile=profile).problems[: len(found.problems)] == found.problems
    try:
        found.compile(profile=profile, credentials=True, extra_methods=("PATCH",), star_always=True)
    except PolicyError as error:
        check_error(error)


def origin(data: bytes) -> None:
    """The grammar of an origin is that of the slow twin, of which a policy takes a part and mends the case."""
    text = data.decode("latin-1")
    sound = text == "null" or (len(text) <= MAX_ORIGIN and twin.is_serialized(text))
    assert is_serialized_origin(text) is sound
    assert is_echoable(text) is (re.fullmatch(r"[\x21-\x2b\x2d-\x7e]{1,1024}", text) is not None)
    try:
        found = Policy.parse([{"AllowedOrigins": [text], "AllowedMethods": ["GET"]}])
    except PolicyError as error:
        check_error(error)
        return
    [listed] = found.rules[0].allowed_origins
    assert listed == text.lower()
    assert listed == "*" or twin.is_serialized(listed.replace("*", "a", 1))
    sent = listed.replace("*", "a", 1) if listed != "*" else "https://a.example"
    decision = found.compile().decide("GET", sent)
    assert decision.allowed is (len(sent) <= MAX_ORIGIN)


def wildcards(data: bytes) -> None:
    """The index of patterns finds what trying them one by one finds, each of them once."""
    choices = Choices(data)
    profile: ProfileName = choices.one(("r2", "s3"))

    def piece() -> str:
        return "".join(choices.several(lambda: choices.one(HOST_PARTS), 3)) + choices.text(2).replace("*", "")

    patterns = choices.several(lambda: f"{piece()}*{piece()}", 5, least=1)
    text = choices.text(12) if choices.seldom() else piece() + piece() + piece()
    found = Wildcards(patterns, None if profile == "s3" else HOST_CHARACTERS).matching(text)
    assert sorted(found) == sorted({one for one in patterns if twin.wildcard_matches(one, text, profile)})


def header_list(data: bytes) -> None:
    """The list of requested header names, over one line or several, is read as the slow twin reads it."""
    lines = data.decode("latin-1").split("\n")
    assert requested_names(", ".join(lines), sum(map(len, lines))) == twin.requested_names(lines)
    whole = data.decode("latin-1")
    assert requested_names(whole) == twin.requested_names([whole])
