"""`r2style-cors check`: what is wrong, doubtful or unwise about policy files, and mending what has one safe answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer
from rich.console import Console
from rich.text import Text

from .._desk.spans import PolicyText
from .._forms import MAX_BYTES
from .._text import visible
from ..errors import PolicyError
from ._report import Checked, as_json, counts, github
from ._report_sarif import sarif
from ._report_text import diff, report, summary
from ._shared import FINDINGS, MISUSE, fail, read_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .._desk.check import Target
    from .._desk.fix import Fixed
    from ..errors import Problem


class _Task(NamedTuple):
    """What is to be done with each file."""

    target: Target
    wanted: Callable[[str], bool]
    fix: bool
    write: bool

    def some(self, problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
        """Those of the problems that are asked for."""
        return tuple(problem for problem in problems if self.wanted(problem.code))


class _Done(NamedTuple):
    """What was done with one file: what is to be told of it, whether that is all, and its diff."""

    checked: Checked
    complete: bool = True
    diff: tuple[str, str] = ("", "")


def check(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILE", help="Policies, in any form; - is standard input.")
    ] = None,
    *,
    target: Annotated[
        Literal["r2", "s3", "wrangler", "dashboard"],
        typer.Option("--for", metavar="r2|s3|wrangler|dashboard", help="Who is to read the files."),
    ] = "r2",
    select: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="Only these codes. Repeatable, or with commas.")
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="Not these codes. Repeatable, or with commas.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail, as errors do.")] = False,
    format: Annotated[
        Literal["text", "json", "github", "sarif"] | None,
        typer.Option(metavar="text|json|github|sarif", help="How to print what is found.", show_default="text"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what has one safe answer, and show it as a diff.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --fix: write nothing.")] = False,
    codes: Annotated[bool, typer.Option("--list", help="List every code.")] = False,
    explain: Annotated[str | None, typer.Option(metavar="CODE", help="Say what a code means.")] = None,
) -> None:
    """Say everything that is wrong, doubtful or unwise about policy files, and what to write instead.

    --for says who reads the files: R2 or S3, in all forms that they know; wrangler, in the form api alone; the R2
    dashboard, in its own alone.

    --fix keeps everything else to the byte, and tells what is left. A file in another form than its reader knows is
    converted, if nothing is lost by that. With -, the text goes to standard output, and what is told to standard error.

    --json prints one object: `files` (each with `file`, `problems`, and the number `fixable`, or with --fix `fixed`),
    and the numbers of `errors`, `warnings` and `notes`. Each problem has `code`, `severity`, `path`, `line`, `column`,
    `end_column`, `value`, `message`, `why`, `fix` (or null) and `instead`. With --list it prints a list, and with
    --explain one object, with `code`, `severity`, `meaning`, `why`, `instead` and `fixable`.

    Exits with 0 if there is no error, with 1 if there is one (with --strict: or a warning), also one of syntax, and with 2
    if a file cannot be read or written, or the command was misused.
    """
    form = _format(format, json=json)
    if codes or explain is not None:
        given = {
            "FILE": files, "--for": target != "r2", "--select": select, "--ignore": ignore, "--strict": strict,
            "--fix": fix, "--dry-run": dry_run, f"--format {form}": form not in ("text", "json"),
            "each other": codes and explain is not None,
        }  # fmt: skip
        _refuse_beside_codes(given)
        _tell_codes(explain, as_json=form == "json")
        return
    task = _task(target, select, ignore, fix=fix, write=fix and not dry_run)
    _refuse_misuse(files or [], fix=fix, dry_run=dry_run)
    done = [_do(name, task) for name in files or []]
    _tell(done, form, task)
    raise typer.Exit(_status(done, strict=strict))


def _tell_codes(name: str | None, *, as_json: bool) -> None:
    from ._report_codes import explained, listed

    try:
        told = listed(as_json=as_json) if name is None else explained(name, as_json=as_json)
    except ValueError as error:
        fail(str(error))
    if isinstance(told, str):
        typer.echo(told)
    else:
        Console(highlight=False).print(told)


def _task(target: str, select: list[str] | None, ignore: list[str] | None, *, fix: bool, write: bool) -> _Task:
    from .._desk.check import TARGETS

    selected, ignored = _codes(select), _codes(ignore)
    return _Task(
        TARGETS[target],
        lambda code: (code in selected or not selected) and code not in ignored,
        fix=fix,
        write=write,
    )


def _codes(options: list[str] | None) -> frozenset[str]:
    """The codes that an option names; where one is none, say so and exit with 2."""
    from .._codes import CODES
    from ._report_codes import no_code

    named = frozenset(code.strip() for option in options or [] for code in option.split(","))
    unknown = sorted(named - CODES.keys())
    if unknown:
        fail(no_code(unknown[0]))
    return named


def _format(format: str | None, *, json: bool) -> str:
    """The format that is asked for by either option; where they differ, say so and exit with 2."""
    if json and format not in (None, "json"):
        fail(f"--json does not go with --format {format}.")
    return "json" if json else format or "text"


def _refuse_beside_codes(given: Mapping[str, object]) -> None:
    """Refuse what has no meaning where codes are told and no file is checked."""
    for name, value in given.items():
        if value:
            fail(f"--list and --explain tell of codes, and do not go with {name}.")


def _refuse_misuse(files: Sequence[str], *, fix: bool, dry_run: bool) -> None:
    if not files:
        fail("Name at least one policy file; - is standard input.")
    if list(files).count("-") > 1:
        fail("Standard input can be read only once.")
    if dry_run and not fix:
        fail("--dry-run goes with --fix.")


def _do(name: str, task: _Task) -> _Done:
    """Check one file, and mend it."""
    from .._desk.fix import fix

    shown = "standard input" if name == "-" else name
    data, complete = b"", False
    try:
        data, complete = read_bytes(name), True
        fixed = fix(data, task.target.profile, forms=task.target.forms, wanted=task.wanted)
    except PolicyError as error:  # there is no text in it
        if task.write and name == "-" and len(data) <= MAX_BYTES:  # what comes out may replace what went in
            typer.echo(data, nl=False)
        return _Done(Checked(shown, _text(data), task.some(error.problems)), complete)
    if task.fix:
        return _mend(name, shown, data, fixed, task)
    return _Done(Checked(shown, _text(data), task.some(fixed.found), len(fixed.mended)))


def _mend(name: str, shown: str, data: bytes, fixed: Fixed, task: _Task) -> _Done:
    text, written = fixed.text.encode("utf-8"), True
    if task.write and name == "-":
        typer.echo(text, nl=False)
    elif task.write and text != data:
        written = _write(name, fixed.text)
    checked = Checked(shown, _text(text), task.some(fixed.problems), len(fixed.mended))
    return _Done(checked, written, (data.decode("utf-8"), fixed.text))


def _write(name: str, text: str) -> bool:
    """Put the mended text in the place of the file, whole or not at all; says whether that was possible."""
    from .._desk.files import replace_file

    try:
        replace_file(Path(name), text.encode())
    except OSError as error:
        told = Text(f"{visible(name)} cannot be written: {error.strerror}.", "red")
        Console(stderr=True, highlight=False).print(told, soft_wrap=True)
        return False
    return True


def _text(data: bytes) -> PolicyText | None:
    """What can be shown of a file."""
    if len(data) > MAX_BYTES:
        return None
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    return PolicyText(text) if text.strip() and "\0" not in text else None


def _tell(done: Sequence[_Done], format: str, task: _Task) -> None:
    """Print the report; on standard error, where the mended text is on standard output."""
    files = [one.checked for one in done]
    aside = task.write and any(file.name == "standard input" for file in files)
    console = Console(stderr=aside, highlight=False)
    for one in done:
        beside = console if format == "text" else Console(stderr=True, highlight=False)
        for line in diff(one.checked.name, *one.diff):
            beside.print(line, soft_wrap=True)
    if format == "text":
        for part in report(files, console.width):
            console.print(part, soft_wrap=isinstance(part, Text))
        console.print(summary(files, fixed=task.fix))
    elif format == "json":
        typer.echo(as_json(files, fixed=task.fix), err=aside)
    elif format == "sarif":
        typer.echo(sarif(files, complete=all(one.complete for one in done)), err=aside)
    else:
        for annotation in github(files):
            typer.echo(annotation, err=aside)


def _status(done: Sequence[_Done], *, strict: bool) -> int:
    if not all(one.complete for one in done):
        return MISUSE
    found = counts(one.checked for one in done)
    return FINDINGS if found["error"] or (strict and found["warning"]) else 0
