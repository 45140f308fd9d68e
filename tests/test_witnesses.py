"""Witnesses: one for every combination of patterns that some text matches, and none is missed."""

from __future__ import annotations

from itertools import product
from string import ascii_lowercase

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from r2style_cors._desk.witnesses import witnesses

ALPHABET = "ab"
READABLE = ascii_lowercase + "0123456789.-"
PARTS = st.text(ALPHABET, max_size=3)
PATTERNS = st.lists(st.builds("{}*{}".format, PARTS, PARTS), max_size=6)


def matches(pattern: str, text: str) -> bool:
    """Whether `text` matches `pattern`, as slowly and obviously as can be."""
    prefix, suffix = pattern.split("*")
    return len(text) >= len(prefix + suffix) and text.startswith(prefix) and text.endswith(suffix)


def combinations(patterns: list[str], texts: list[str]) -> set[frozenset[str]]:
    """The combinations of `patterns` that `texts` match."""
    return {frozenset(pattern for pattern in patterns if matches(pattern, text)) for text in texts}


@given(patterns=PATTERNS, taken=st.sets(st.text(ALPHABET, min_size=1, max_size=4)), room=st.integers(1, 7))
@example(patterns=["a*", "b*"], taken=set(), room=4)  # every text begins with one of them
@example(patterns=["*a", "*b", "aa*"], taken={"a"}, room=2)
@example(patterns=["aa*", "*aa", "a*a"], taken={"aa"}, room=3)  # they overlap
@example(patterns=["aaa*"], taken=set(), room=2)  # longer than any text
@settings(max_examples=400, deadline=None)
def test_every_combination_has_a_witness(patterns: list[str], taken: set[str], room: int) -> None:
    """The witnesses match exactly those combinations that all texts together match, counted one by one."""
    all_texts = ["".join(word) for length in range(1, room + 1) for word in product(ALPHABET, repeat=length)]
    found = list(witnesses(patterns, taken, ALPHABET, room))
    assert all(0 < len(text) <= room for text in found)
    free = [text for text in found if text not in taken]
    assert combinations(patterns, free) == combinations(patterns, [text for text in all_texts if text not in taken])


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        pytest.param(["*.example.com"], ["app.example.com"], id="after-a-star"),
        pytest.param(["x-amz-*"], ["x-amz-app"], id="before-a-star"),
        pytest.param(["*.a.b", "app*.a.b"], ["b.a.b", "appapp.a.b"], id="likely-one-is-taken-by-another-pattern"),
    ],
)
def test_witnesses_are_readable(patterns: list[str], expected: list[str]) -> None:
    """A likely middle is used where it makes no other pattern match."""
    found = list(witnesses(patterns, (), READABLE, 40, ["app"]))
    assert [text for text in expected if text not in found] == []


def test_patterns_that_never_meet_do_not_multiply() -> None:
    """Patterns that have nothing to do with each other cost what each costs alone."""
    patterns = [f"{number}-*.pages.dev" for number in range(300)] + [f"*.{number}.com" for number in range(300)]
    assert len(list(witnesses(patterns, (), READABLE, 64))) < 1300
