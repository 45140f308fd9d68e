"""`matrix`: the table, its truth, and what a program reads."""

from __future__ import annotations

import json
import re
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import r2style_cors
from r2style_cors import Policy, PolicyError
from r2style_cors._desk.matrix import Matrix, matrix
from support.renderings import POLICIES, TERMINALS, assert_golden, assert_keys_are_told, run

A, B = "https://a.example", "https://b.example"
COLOURED = re.compile("\x1b\\[(?:[0-9]+;)*3[0-7]m")
# Every kind of cell: none, named, all, two sets, and a set that adds nothing.
MIXED = json.dumps(
    [
        {"AllowedOrigins": [A], "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["x-b", "X-A"]},
        {"AllowedOrigins": [A, "https://*.example"], "AllowedMethods": ["GET"], "AllowedHeaders": ["x-c-*"]},
        {"AllowedOrigins": [A, B], "AllowedMethods": ["PUT"]},
        {"AllowedOrigins": [B], "AllowedMethods": ["PUT", "DELETE"], "AllowedHeaders": ["*"]},
        {"AllowedOrigins": ["*"], "AllowedMethods": ["HEAD"]},
    ]
)


@pytest.mark.parametrize("file", sorted(path.name for path in POLICIES.iterdir() if path.suffix != ".md"))
def test_rendering(file: str) -> None:
    """The examples at 80 columns."""
    ran = run(["matrix", str(POLICIES / file)])
    assert (ran.status, ran.err) == (0, "")
    assert_golden(f"matrix-{file.replace('.', '-')}", ran.out)


@pytest.mark.parametrize("terminal", TERMINALS)
def test_every_kind_of_cell(terminal: str) -> None:
    """The words stand for themselves: piped, without colour and in colour they are the same."""
    ran = run(["matrix", "-", "--extra-method", "PATCH"], text=MIXED, terminal=terminal)
    assert_golden(f"matrix-mixed-{terminal}", ran.out.replace("\x1b", "<ESC>"))
    assert (COLOURED.search(ran.out) is not None) is (terminal == "colour")


def test_narrow() -> None:
    """Where the table does not fit, each origin has lines of its own."""
    ran = run(["matrix", "-"], text=MIXED, width=40)
    assert_golden("matrix-narrow", ran.out)
    assert max(map(len, ran.out.split("\n"))) <= 40


def test_json() -> None:
    """The documented keys and no others."""
    text = json.dumps(
        [{"AllowedOrigins": [A, "https://*.example"], "AllowedMethods": ["GET"], "AllowedHeaders": ["X-A"]}]
    )
    ran = run(["matrix", "-", "--json"], text=text)
    granted = {"granted": True, "headers": "named", "grants": [{"rule": 0, "headers": "named", "names": ["x-a"]}]}
    refused: dict[str, Any] = {"granted": False, "headers": None, "grants": []}
    others = dict.fromkeys(["PUT", "POST", "DELETE", "HEAD"], refused)
    assert ran.status == 0
    assert json.loads(ran.out) == {
        "methods": ["GET", "PUT", "POST", "DELETE", "HEAD"],
        "rows": [
            {"origin": A, "kind": "listed", "cells": {"GET": granted, **others}},
            {"origin": "https://*.example", "kind": "wildcard", "cells": {"GET": granted, **others}},
            {"origin": "any other origin", "kind": "unlisted", "cells": {"GET": refused, **others}},
            {"origin": "null", "kind": "null", "cells": {"GET": refused, **others}},
        ],
    }


def test_json_keys_are_told() -> None:
    """The description names every key that is printed, and no other."""
    assert_keys_are_told("matrix", run(["matrix", str(POLICIES / "api.json"), "--json"]).out, named={"cells"})


def cell_words(found: Matrix) -> dict[tuple[str, str], str | None]:
    """Origin and method, and what the cell comes to."""
    return {(row.origin, cell.method): cell.headers for row in found.rows for cell in row.cells}


def test_wildcards_answer_for_all_that_they_match() -> None:
    """A pattern's row is what every origin that it matches gets, not what an exact one or a narrower pattern adds."""
    rules: list[dict[str, Any]] = [
        {"AllowedOrigins": ["https://*.example", "https://*"], "AllowedMethods": ["GET"]},
        {"AllowedOrigins": ["https://unlisted.example", "https://x*.example"], "AllowedMethods": ["PUT"]},
    ]
    words = cell_words(matrix(Policy.parse(rules)))
    assert (words["https://*.example", "GET"], words["https://*.example", "PUT"]) == ("none", None)
    assert (words["https://x*.example", "GET"], words["https://x*.example", "PUT"]) == ("none", "none")
    assert words["any other origin", "GET"] is None


def test_s3_patterns() -> None:
    """Under S3's rules a port may be a wildcard, and `null` may be listed."""
    rules = [{"AllowedOrigins": ["http://localhost:*", "null"], "AllowedMethods": ["GET"]}]
    words = cell_words(matrix(Policy.parse(rules, "s3"), profile="s3"))
    assert (words["http://localhost:*", "GET"], words["null", "GET"], words["any other origin", "GET"]) == (
        "none",
        "none",
        None,
    )


ORIGINS = [A, B, "https://*.example", "https://b*.example", "*"]
RULES = st.fixed_dictionaries(
    {
        "AllowedOrigins": st.lists(st.sampled_from(ORIGINS), min_size=1, unique=True),
        "AllowedMethods": st.lists(st.sampled_from(["GET", "PUT"]), min_size=1, unique=True),
    },
    optional={"AllowedHeaders": st.lists(st.sampled_from(["x-a", "x-b", "*"]), min_size=1, unique=True)},
)


@settings(deadline=None)
@given(rules=st.lists(RULES, min_size=1, max_size=4))
def test_cells_are_what_the_engine_decides(rules: list[dict[str, Any]]) -> None:
    """For any policy: a preflight from a cell's origin is granted for exactly the headers that one of its grants gives."""
    policy = Policy.parse(rules)
    engine, found = policy.compile(), matrix(policy)
    real = {"any other origin": "https://elsewhere.invalid"}
    for row in found.rows:
        origin = real.get(row.origin, row.origin.replace("*", "zz"))
        if row.origin == "https://*.example" or row.kind != "wildcard":
            for cell, names in product(row.cells, ((), ("x-a",), ("x-b",), ("x-a", "x-b"))):
                allowed = any(one.headers == "all" or {*names} <= {*one.names} for one in cell.grants)
                assert engine.decide("OPTIONS", origin, cell.method, ",".join(names)).allowed == allowed
                assert cell.granted == engine.decide(cell.method, origin).allowed


def test_names_of_the_package() -> None:
    """The function and its result are importable from the package."""
    assert (r2style_cors.matrix, r2style_cors.Matrix) == (matrix, Matrix)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--credentials"], "[credentials-wide]"),
        ([], ""),
    ],
    ids=["credentials", "fine"],
)
def test_misuse(arguments: list[str], said: str) -> None:
    """An option that does not go with the policy is misuse, with the reason on standard error."""
    ran = run(["matrix", "-", *arguments], text=MIXED)
    assert ran.status == (2 if said else 0)
    assert said in ran.err
    assert bool(ran.out) is not bool(said)


def test_options_raise() -> None:
    """The function raises what `Policy.compile` raises."""
    with pytest.raises(PolicyError, match="credentials-wide"):
        matrix(Policy.parse(MIXED), credentials=True)
