"""The JSON reader: strict about what is right, precise about what is wrong, bounded whatever comes."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r2style_cors._forms._json import read_json
from r2style_cors._forms._tree import Report, plain
from r2style_cors._rules import HOLE

if TYPE_CHECKING:
    from r2style_cors.errors import Problem


def read(text: str, *, strict: bool = False) -> tuple[Any, tuple[Problem, ...]]:
    """The value of a text, and what is wrong with its syntax."""
    report = Report()
    node = read_json(text, report, strict=strict)
    return (HOLE if node.value is HOLE else plain(node)), report.problems()


# name, text, (code, line, column, fix) of every problem, and the value that is understood all the same
MISTAKES: list[tuple[str, str, list[tuple[str, int, int, str | None]], Any]] = [
    ("trailing comma in an array", "[1,\n 2 ,]", [("trailing-comma", 2, 4, None)], [1, 2]),
    ("trailing comma in an object", '{"a": 1,}', [("trailing-comma", 1, 8, None)], {"a": 1}),
    (
        "every trailing comma",
        '[{"a": [1,],},]',
        [("trailing-comma", 1, 10, None), ("trailing-comma", 1, 12, None), ("trailing-comma", 1, 14, None)],
        [{"a": [1]}],
    ),
    ("line comment", "[1] // one", [("json-syntax", 1, 5, None)], [1]),
    ("block comment", "[/* one\n*/ 1]", [("json-syntax", 1, 2, None)], [1]),
    ("hash comment", "# one\n[1]", [("json-syntax", 1, 1, None)], [1]),
    ("unclosed comment", "[1] /* one", [("json-syntax", 1, 5, None)], [1]),
    ("single quotes", "['a\\'b']", [("json-syntax", 1, 2, '"a\'b"')], ["a'b"]),
    ("typographic quotes", "[\u201ca\u201d]", [("json-syntax", 1, 2, '"a"')], ["a"]),
    ("typographic single quotes", "[\u2018a\u2019]", [("json-syntax", 1, 2, '"a"')], ["a"]),
    ("key without quotes", "{a: 1}", [("json-syntax", 1, 2, '"a"')], {"a": 1}),
    ("literal as a key", "{true: 1}", [("json-syntax", 1, 2, '"true"')], {"true": 1}),
    ("number as a key", "{1: 1}", [("json-syntax", 1, 2, '"1"')], {"1": 1}),
    ("value without quotes", "[GET]", [("json-syntax", 1, 2, '"GET"')], ["GET"]),
    (
        "origin without quotes",
        "[https://a.example]",
        [("json-syntax", 1, 2, '"https://a.example"')],
        ["https://a.example"],
    ),
    ("missing comma in an array", '["a" "b"]', [("json-syntax", 1, 6, ', "b"')], ["a", "b"]),
    ("missing comma before a bracket", "[[] []]", [("json-syntax", 1, 5, ", [")], [[], []]),
    ("missing comma in an object", '{"a": 1\n"b": 2}', [("json-syntax", 2, 1, ', "b"')], {"a": 1, "b": 2}),
    ("missing colon", '{"a" 1}', [("json-syntax", 1, 6, ": 1")], {"a": 1}),
    ("missing value", '{"a": }', [("json-syntax", 1, 2, None)], {"a": None}),
    ("missing value before a comma", '{"a", "b": 1}', [("json-syntax", 1, 2, None)], {"a": None, "b": 1}),
    ("missing key", '{"a": 1, [2]}', [("json-syntax", 1, 10, None)], {"a": 1}),
    ("missing key and comma", '{"a": 1 2}', [("json-syntax", 1, 9, None)], {"a": 1}),
    ("stray colon", '["a": 1]', [("json-syntax", 1, 5, None), ("json-syntax", 1, 7, ", 1")], ["a", 1]),
    ("stray comma", "[,1]", [("json-syntax", 1, 2, None)], [1]),
    ("double comma", "[1,,2]", [("json-syntax", 1, 4, None)], [1, 2]),
    ("stray bracket", "[1}]", [("json-syntax", 1, 3, None)], [1]),
    ("stray sign", "[1, €]", [("json-syntax", 1, 5, None), ("trailing-comma", 1, 3, None)], [1]),
    ("missing bracket before another", '{"a": [1}', [("json-syntax", 1, 7, None)], {"a": [1]}),
    ("missing brackets at the end", '[{"a": 1', [("json-syntax", 1, 1, None), ("json-syntax", 1, 2, None)], [{"a": 1}]),
    ("key at the end", '{"a"', [("json-syntax", 1, 1, None), ("json-syntax", 1, 2, None)], {"a": None}),
    ("unclosed string", '["a,\n"b"]', [("json-syntax", 1, 2, '"a"')], [None, "b"]),
    ("unclosed string before a backslash", '["a\\\n]', [("json-syntax", 1, 2, '"a\\\\"')], [None]),
    ("unclosed key", '{"a\n:1}', [("json-syntax", 1, 2, '"a"')], {"a": 1}),
    ("string that ends in another quote", "[\"a'\n]", [("json-syntax", 1, 2, '"a\'"')], [None]),
    ("bad escape", '["\\x"]', [("json-syntax", 1, 3, "\\\\x")], ["x"]),
    ("bad unicode escape", '["\\u12"]', [("json-syntax", 1, 3, "\\\\u")], ["u12"]),
    ("tab in a string", '["a\tb"]', [("json-syntax", 1, 4, "\\t")], ["a\tb"]),
    ("control character in a string", '["\x01"]', [("json-syntax", 1, 3, "\\u0001")], ["\x01"]),
    ("no-break space", "[\u00a01]", [("json-syntax", 1, 2, None)], [1]),
    ("byte order mark in the middle", "[\ufeff1]", [("json-syntax", 1, 2, None)], [1]),
    ("NaN", "[NaN]", [("json-syntax", 1, 2, None)], [None]),
    ("minus infinity", "[-Infinity]", [("json-syntax", 1, 2, None)], [None]),
    ("undefined", "[undefined]", [("json-syntax", 1, 2, None)], [None]),
    ("Python's True", "[True]", [("json-syntax", 1, 2, "true")], [True]),
    ("Python's None", "[None]", [("json-syntax", 1, 2, "null")], [None]),
    ("leading zero", "[01]", [("json-syntax", 1, 2, "1")], [1]),
    ("leading point", "[.5]", [("json-syntax", 1, 2, "0.5")], [0.5]),
    ("trailing point", "[5.]", [("json-syntax", 1, 2, "5")], [5]),
    ("plus sign", "[+5]", [("json-syntax", 1, 2, "5")], [5]),
    ("underscore", "[86_400]", [("json-syntax", 1, 2, "86400")], [86400]),
    ("unit", "[3600s]", [("json-syntax", 1, 2, None)], [None]),
    ("text after the document", "[1] [2]", [("json-syntax", 1, 5, None)], [1]),
    ("comma after the document", "[1],", [("json-syntax", 1, 4, None)], [1]),
    ("prose", "hello: [1", [("json-syntax", 1, 1, None)], HOLE),
    ("punctuation", "]", [("json-syntax", 1, 1, None)], HOLE),
    ("noise", "€€", [("json-syntax", 1, 1, None)], HOLE),
    ("comment alone", "// nothing", [("json-syntax", 1, 1, None)], HOLE),
    ("column after a carriage return", "[1,\r2,\r\n x\n]", [("json-syntax", 3, 2, '"x"')], [1, 2, "x"]),
    ("column after other planes", '["\U0001f600", x]', [("json-syntax", 1, 7, '"x"')], ["\U0001f600", "x"]),
    ("duplicate key", '{"a": 1, "\\u0061": 2}', [("duplicate-key", 1, 10, None)], {"a": 2}),
]


@pytest.mark.parametrize(
    ("text", "problems", "value"), [case[1:] for case in MISTAKES], ids=[case[0] for case in MISTAKES]
)
def test_mistake(text: str, problems: list[tuple[str, int, int, str | None]], value: Any) -> None:
    """Each mistake has its code, place and fix, and what was meant is read all the same."""
    found, said = read(text)
    assert sorted((one.code, one.line, one.column, one.fix) for one in said) == sorted(problems)
    assert found == value


def test_path_of_a_mistake() -> None:
    """A mistake is placed by the path of what it stands in."""
    _, said = read('{"rules": [{"allowed": {"a b": [1,], "a": 1, "a": 2}}]}')
    assert [problem.path for problem in said] == ['rules[0].allowed["a b"]', "rules[0].allowed.a"]
    _, said = read('{"a": {"b": 01, "c" 2, "d": , e: 3, \'f\': 4}}')
    assert [problem.path for problem in said] == ["a.b", "a.c", "a.d", "a", "a"]


def test_trailing_comma_is_an_error_when_strict() -> None:
    """A trailing comma is a warning, and an error when the reader is strict."""
    assert [problem.severity for problem in read("[1,]")[1]] == ["warning"]
    assert [problem.severity for problem in read("[1,]", strict=True)[1]] == ["error"]


def test_lone_surrogate() -> None:
    """The escape of half a surrogate pair is grammatical: the fields refuse it, not the reader."""
    assert read('["\\ud800", "\\ud83d\\ude00", "\\udc00\\ud800"]') == (["\ud800", "\U0001f600", "\udc00\ud800"], ())


def test_numbers_beyond_reason() -> None:
    """Numbers that no field accepts are read without harm."""
    found, said = read(f"[1e999, -1e999, {'9' * 5000}, {'9' * 30}]")
    assert said == ()
    assert found == [math.inf, -math.inf, math.inf, int("9" * 30)]


def test_deep_nesting() -> None:
    """64 levels are read; a level more is one problem, at the bracket that is too many, and nothing is judged."""
    assert read("[" * 64 + "]" * 64)[1] == ()
    for text in ("[" * 65 + "]" * 65, "[" * 10_000, '{"a":' * 10_000):
        found, (problem,) = read(text)
        assert found is HOLE
        assert (problem.code, problem.line, problem.path) == ("too-deep", 1, "")
        assert text[(problem.column or 0) - 1] in "[{"


@pytest.mark.parametrize("count", [40, 100])
def test_many_mistakes(count: int) -> None:
    """A file with forty mistakes shows forty, and with a hundred, a hundred."""
    assert len(read("[" + "x\n," * count + "1]")[1]) == count


def test_too_many_mistakes() -> None:
    """Beyond a hundred of a kind, a note says how many were left out; other kinds are still told."""
    _, said = read("[" + "x," * 250 + '{"a": 1, "a": 2},]')
    assert [problem.code for problem in said].count("json-syntax") == 101
    assert {"duplicate-key", "trailing-comma"} <= {problem.code for problem in said}
    assert (said[-1].severity, said[-1].message) == ("note", "150 more problems of this kind are not listed.")
    _, said = read("[" + '{"a": 1, "a": 2},' * 101 + "{}]")
    assert len(said) == 101


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(json_values, st.sampled_from([{}, {"indent": 2}, {"ensure_ascii": False}]))
def test_reads_what_json_writes(value: Any, style: dict[str, Any]) -> None:
    """What the standard library writes is read back without a word."""
    text = json.dumps(value, **style)
    found, said = read(text)
    assert said == ()
    assert found == value


def strict_json(text: str) -> bool:
    """Whether the standard library reads `text` as RFC 8259 wants it, and without a key twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    def no_constant(name: str) -> Any:
        raise ValueError(name)

    try:
        json.loads(text, object_pairs_hook=once, parse_constant=no_constant)
    except (ValueError, AssertionError):
        return False
    return True


@settings(deadline=None)
@given(st.text(alphabet="[]{},:\"\\ \n\t01-.eEu+tfnalsr/*#x'\u201c\u201d", max_size=30))
def test_agrees_with_the_standard_library(text: str) -> None:
    """The reader says nothing of a text exactly if the standard library accepts it."""
    _, said = read(text)
    if text.strip(" \n\t\r"):
        assert (said == ()) == strict_json(text)


@settings(deadline=None)
@given(st.text(alphabet="[]{},:\"\\ \n\r\t01-.ux'/*#\u201c\u201d\u00a0é\U0001f600", max_size=60))
def test_positions_are_inside(text: str) -> None:
    """Every problem stands on a character of the text."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for problem in read(text)[1]:
        assert problem.line is not None
        assert problem.column is not None
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= max(1, len(lines[problem.line - 1]))
        assert problem.message.encode("utf-8")
