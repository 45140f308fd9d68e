"""`r2style-cors matrix`: a policy as a table of origins and methods."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .._text import shown
from ._shared import AsJson, Credentials, ExtraMethods, File, Profile, fail, read_policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._desk.matrix import Cell, CellGrant, Matrix, Row

_REFUSED, _STYLES = "-", {"none": "green", "named": "cyan", "all": "yellow"}
_GAP = 2


def matrix(
    file: File,
    *,
    profile: Profile = "r2",
    credentials: Credentials = False,
    extra_method: ExtraMethods = None,
    as_json: AsJson = False,
) -> None:
    """Show a policy as a table: what each origin gets by each method, and which headers it may ask for.

    The rows are the origins that the policy lists, any other origin, and null.

    --json prints one object: `methods`, and `rows` with `origin`, `kind` (listed, wildcard, unlisted or null) and
    `cells`, by method, each with `granted`, `headers` (none, named, all, or null) and `grants` (each with `rule`,
    `headers` and `names`).

    Exits with 0, or with 2 if there is no policy to show.
    """
    from .._desk.matrix import matrix as table_of

    try:
        policy = read_policy(file, profile)
        found = table_of(policy, profile=profile, credentials=credentials or None, extra_methods=extra_method or [])
    except ValueError as error:  # PolicyError too
        fail(str(error))
    if as_json:
        typer.echo(json.dumps(_as_json(found), indent=2))
    else:
        _print(Console(highlight=False), found)


def _as_json(found: Matrix) -> dict[str, Any]:
    """The documented keys: the fields of Matrix and of what it holds, and for each cell what they come to."""
    rows = [
        {"origin": row.origin, "kind": row.kind, "cells": {cell.method: _cell_as_json(cell) for cell in row.cells}}
        for row in found.rows
    ]
    return {"methods": found.methods, "rows": rows}


def _cell_as_json(cell: Cell) -> dict[str, Any]:
    return {"granted": cell.granted, "headers": cell.headers, "grants": [asdict(grant) for grant in cell.grants]}


def _print(console: Console, found: Matrix) -> None:
    """The table, or where it is too wide, a line for each origin; then what the words in it mean."""
    marks = _marks(found)
    if _width(found, marks) <= console.width:
        console.print(_table(found, marks))
    else:
        for row in found.rows:
            console.print(_origin(row), Padding(_line(row, marks), (0, 0, 0, _GAP)), sep="\n")
    console.print()
    console.print(_legend(found, marks))


def _marks(found: Matrix) -> dict[tuple[str, ...], str]:
    """A short name for each set of named headers, in the order in which they are met."""
    grants = [grant for row in found.rows for cell in row.cells for grant in cell.grants]
    sets = dict.fromkeys(grant.names for grant in grants if grant.names)
    return {names: f"h{number}" for number, names in enumerate(sets, 1)}


def _mark(grant: CellGrant, marks: dict[tuple[str, ...], str]) -> str:
    return marks.get(grant.names, grant.headers)


def _words(cell: Cell, marks: dict[tuple[str, ...], str]) -> dict[str, str]:
    """What a cell says, and its styles: what its rules give, without what another of them gives anyway."""
    found = {_mark(grant, marks): grant.headers for grant in cell.grants}
    if cell.headers == "all":
        found = {"all": "all"}
    elif len(found) > 1:
        found.pop("none", None)
    return {word: _STYLES[kind] for word, kind in found.items()} or {_REFUSED: "red"}


def _text(cell: Cell, marks: dict[tuple[str, ...], str]) -> Text:
    return Text("|").join(Text(word, style=style) for word, style in _words(cell, marks).items())


def _origin(row: Row) -> Text:
    return Text(shown(row.origin), style="italic" if row.kind == "unlisted" else "bold")


def _width(found: Matrix, marks: dict[tuple[str, ...], str]) -> int:
    first = max(_origin(row).cell_len for row in found.rows)
    columns = [
        max(len(method), *(_text(row.cells[at], marks).cell_len for row in found.rows))
        for at, method in enumerate(found.methods)
    ]
    return first + sum(column + _GAP for column in columns)


def _table(found: Matrix, marks: dict[tuple[str, ...], str]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for name in ("", *found.methods):
        table.add_column(shown(name), no_wrap=True)
    for row in found.rows:
        table.add_row(_origin(row), *(_text(cell, marks) for cell in row.cells))
    return table


def _line(row: Row, marks: dict[tuple[str, ...], str]) -> Text:
    cells = (Text.assemble(shown(cell.method), " ", _text(cell, marks)) for cell in row.cells)
    return Text(", ").join(cells)


def _legend(found: Matrix, marks: dict[tuple[str, ...], str]) -> Table:
    """The meaning of each word that the table uses."""
    used = {word for row in found.rows for cell in row.cells for word in _words(cell, marks)}
    table = Table.grid(padding=(0, _GAP, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for word, style, meaning in _meanings(marks):
        if word in used:
            table.add_row(Text(word, style=style), Text(meaning))
    if any("|" in _text(cell, marks).plain for row in found.rows for cell in row.cells):
        table.add_row(Text("|"), Text("a preflight may ask for either set of headers, but not for both"))
    return table


def _meanings(marks: dict[tuple[str, ...], str]) -> Iterator[tuple[str, str, str]]:
    yield _REFUSED, "red", "refused"
    yield "none", _STYLES["none"], "granted; a preflight may ask for no header"
    for names, word in marks.items():
        yield word, _STYLES["named"], f"granted; a preflight may ask for {shown(', '.join(names))}"
    yield "all", _STYLES["all"], "granted; a preflight may ask for any header"
