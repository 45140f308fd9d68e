"""`convert`: every form to every form, what is left out, and what happens to the file that is written."""

from __future__ import annotations

import json
import os
import resource
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import r2style_cors
from r2style_cors import Policy, PolicyError, Rule, load_policy
from r2style_cors._desk.convert import Conversion, convert
from support.renderings import POLICIES, assert_golden, run

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMS = ("dashboard", "api", "s3", "xml", "terraform")
FILES = {
    "dashboard.json": "dashboard",
    "api.json": "api",
    "s3.json": "s3",
    "s3.xml": "xml",
    "bucket.tf.json": "terraform",
}
RULES: list[dict[str, Any]] = [{"AllowedOrigins": ["https://a.example"], "AllowedMethods": ["GET"]}]
API: dict[str, Any] = {"rules": [{"allowed": {"origins": ["https://a.example"], "methods": ["GET"]}}]}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("file", FILES)
def test_every_form_to_every_form(file: str, form: str) -> None:
    """Whatever the file's form, the output has the form that was asked for, and is the same policy."""
    ran = run(["convert", str(POLICIES / file), "--to", form])
    written = Policy.parse(ran.out)
    assert ran.status == 0
    assert (written, written.form) == (load_policy(POLICIES / file), form if form != "terraform" else written.form)


@pytest.mark.parametrize("form", FORMS)
def test_rendering(form: str) -> None:
    """The forms as they are written."""
    assert_golden(f"convert-{form}", run(["convert", str(POLICIES / "api.json"), "--to", form]).out)


S3_REPLY = {"CORSRules": RULES, "ResponseMetadata": {"HTTPStatusCode": 200}}
API_REPLY = {"success": True, "errors": [], "messages": [], "result": API}
BODY = {"account_id": "a", "bucket_name": "b", "jurisdiction": "eu", **API}
NAMED = {"resource": {"cloudflare_r2_bucket_cors": {"my.name": BODY}}}
RESOURCE = 'resource.cloudflare_r2_bucket_cors["my.name"]'
DROPPED: dict[str, tuple[Any, str, str]] = {
    "nothing of the dashboard's": (RULES, "xml", ""),
    "nothing of a bare s3": ({"CORSRules": RULES}, "api", ""),
    "nothing of a bare api": (API, "s3", ""),
    "s3 reply": (S3_REPLY, "dashboard", "ResponseMetadata"),
    "s3 reply to s3": (S3_REPLY, "s3", "ResponseMetadata"),
    "api reply": (API_REPLY, "api", "success, errors, messages"),
    "terraform body": (BODY, "dashboard", "account_id, bucket_name, jurisdiction"),
    "terraform body to terraform": (BODY, "terraform", "jurisdiction"),
    "terraform resource": (NAMED, "xml", f"{RESOURCE}, account_id, bucket_name, jurisdiction"),
    "terraform resource to terraform": (NAMED, "terraform", f"{RESOURCE}, jurisdiction"),
}


@pytest.mark.parametrize(("document", "form", "dropped"), DROPPED.values(), ids=DROPPED)
def test_what_is_left_out(document: Any, form: str, dropped: str) -> None:
    """What stands beside the rules and is no policy is named on standard error, and is not in the output."""
    ran = run(["convert", "-", "--to", form], text=json.dumps(document))
    assert ran.status == 0
    assert ran.err == (f"Left out, since it is no policy: {dropped}\n" if dropped else "")
    assert Policy.parse(ran.out) == Policy.parse(RULES)
    for key in ("ResponseMetadata", "success", "jurisdiction", "my.name"):
        assert key not in ran.out


def test_trailing_comma_is_mended() -> None:
    """A file that is read with a warning is written without what was doubtful."""
    ran = run(["convert", "-", "--to", "s3"], text=json.dumps({"CORSRules": RULES})[:-1] + ",}")
    assert (ran.status, json.loads(ran.out)) == (0, {"CORSRules": RULES})


@pytest.mark.parametrize(
    ("arguments", "account", "bucket"),
    [
        (["--account-id", "x", "--bucket", "y"], "x", "y"),
        (["--bucket", "y"], "a", "y"),
        ([], "a", "b"),
    ],
    ids=["both", "bucket", "neither"],
)
def test_terraform_names(arguments: list[str], account: str, bucket: str) -> None:
    """Account and bucket are those that were given, else those that the Terraform file names."""
    ran = run(["convert", "-", "--to", "terraform", *arguments], text=json.dumps(BODY))
    found = json.loads(ran.out)
    assert (found["account_id"], found["bucket_name"]) == (account, bucket)


def test_s3_policies() -> None:
    """A policy that only S3 accepts is converted under S3's rules, and refused under R2's."""
    text = json.dumps([{"AllowedOrigins": ["http://localhost:*"], "AllowedMethods": ["GET"]}])
    assert run(["convert", "-", "--to", "xml"], text=text).status == 2
    ran = run(["convert", "-", "--to", "xml", "--profile", "s3"], text=text)
    assert (ran.status, Policy.parse(ran.out, "s3")) == (0, Policy.parse(text, "s3"))


def test_names_cannot_write_to_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file's name is shown with what cannot be seen escaped."""
    monkeypatch.chdir(tmp_path)
    ran = run(["convert", "-", "--to", "xml", "-o", "\x1b[31m"], text=json.dumps(RULES))
    assert (ran.status, ran.err) == (0, "\\x1b[31m is written, in the form xml.\n")


MISUSES: dict[str, tuple[list[str], str]] = {
    "names elsewhere": (["--to", "api", "--bucket", "b"], "have a place in the form 'terraform' alone"),
    "no form": ([], "--to"),
}


@pytest.mark.parametrize(("arguments", "said"), MISUSES.values(), ids=MISUSES)
def test_misuse(arguments: list[str], said: str, tmp_path: Path) -> None:
    """A call that makes no sense is misuse, and the output file is not touched."""
    out = tmp_path / "out"
    out.write_text("before", encoding="utf-8")
    ran = run(["convert", "-", *arguments, "-o", str(out)], text=json.dumps(RULES))
    assert (ran.status, ran.out, out.read_text(encoding="utf-8")) == (2, "", "before")
    assert said in ran.err


def test_bad_policy_is_reported_whole(tmp_path: Path) -> None:
    """All errors of the file are named, with their places, and nothing is written."""
    out = tmp_path / "out"
    bad = tmp_path / "bad.json"
    bad.write_text('[{"AllowedOrigins": ["https://a/"], "AllowedMethods": ["OPTIONS"]}]', encoding="utf-8")
    ran = run(["convert", str(bad), "--to", "xml", "-o", str(out)])
    assert (ran.status, ran.out, out.exists()) == (2, "", False)
    assert ran.err.startswith(f"{bad}: 2 errors")
    assert "standard input: 2 errors" in run(["convert", "-", "--to", "xml"], text=bad.read_text(encoding="utf-8")).err


def test_output_file(tmp_path: Path) -> None:
    """The file is written whole, the standard output stays empty, and the standard error says so."""
    out = tmp_path / "cors.xml"
    ran = run(["convert", str(POLICIES / "api.json"), "--to", "xml", "-o", str(out)])
    assert (ran.status, ran.out, ran.err) == (0, "", f"{out} is written, in the form xml.\n")
    assert load_policy(out) == load_policy(POLICIES / "api.json")
    assert [path.name for path in tmp_path.iterdir()] == ["cors.xml"]


def test_output_may_be_the_input(tmp_path: Path) -> None:
    """A file can be converted in its place; its permissions stay, and so does a link to it."""
    file, link = tmp_path / "cors.json", tmp_path / "link.json"
    file.write_text(json.dumps(RULES), encoding="utf-8")
    file.chmod(0o640)
    link.symlink_to(file)
    assert run(["convert", str(link), "--to", "api", "-o", str(link)]).status == 0
    assert link.is_symlink()
    assert json.loads(file.read_text(encoding="utf-8")) == API
    assert file.stat().st_mode & 0o777 == 0o640


def test_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    """A new file may be read by whom the user's mask lets."""
    before = os.umask(0o027)
    try:
        run(["convert", str(POLICIES / "api.json"), "--to", "xml", "-o", str(tmp_path / "out")])
    finally:
        os.umask(before)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("out", ["", "/dev/null"], ids=["directory", "device"])
def test_only_files_are_replaced(tmp_path: Path, out: str) -> None:
    """A directory or a device is not replaced by a file."""
    ran = run(["convert", str(POLICIES / "api.json"), "--to", "xml", "-o", out or str(tmp_path)])
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == f"{out or tmp_path} cannot be written: it is not a file.\n"
    assert not Path(out or tmp_path).is_file()


def test_output_that_cannot_be_written(tmp_path: Path) -> None:
    """A folder that is not there is said in one line."""
    ran = run(["convert", str(POLICIES / "api.json"), "--to", "xml", "-o", str(tmp_path / "none" / "out")])
    assert (ran.status, ran.err) == (2, f"{tmp_path / 'none' / 'out'} cannot be written: No such file or directory.\n")


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let the system refuse files that grow beyond `size`, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_that_is_not_replaced_stays(tmp_path: Path) -> None:
    """Where writing breaks off half-way, the old file is whole, and no half of a new one is left."""
    out = tmp_path / "out"
    out.write_text("before", encoding="utf-8")
    with files_of_at_most(100):
        ran = run(["convert", str(POLICIES / "api.json"), "--to", "xml", "-o", str(out)])
    assert (ran.status, ran.err) == (2, f"{out} cannot be written: File too large.\n")
    assert out.read_text(encoding="utf-8") == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_too_large_when_written() -> None:
    """A policy that would be too large in its new form is refused before anything is written."""
    compact = json.dumps([{"AllowedOrigins": [f"https://{n}.a" for n in range(60_000)], "AllowedMethods": ["GET"]}])
    with pytest.raises(PolicyError, match="too-large"):
        convert(compact, "xml")


def test_what_would_change_is_not_written() -> None:
    """A policy put together behind the judge's back is not written as another one."""
    rule = Rule(allowed_origins=["https://a.example"], allowed_methods=["GET"])
    capitals = rule.model_copy(update={"allowed_origins": ("https://A.example",)})
    with pytest.raises(ValueError, match="would not be the same"):
        convert(Policy(rules=[rule]).model_copy(update={"rules": (capitals,)}), "api")


def test_names_of_the_package() -> None:
    """The function and its result are importable from the package, and a Policy can be given as well."""
    assert (r2style_cors.convert, r2style_cors.Conversion) == (convert, Conversion)
    policy = Policy.parse(RULES)
    assert convert(policy, "api") == Conversion(policy.dump("api"), policy, ())
