"""Build what is released, and try it as people get it: `python release/check.py [FOLDER]`.

The wheel and the sdist are built into FOLDER (`dist`, unless it is given) and judged by `twine` and
`check-wheel-contents`; the sdist has to hold the files that git keeps, the wheel those of the package. Then the wheel goes
into an empty environment, where every example has to run, the command has to answer, and the types of everything public
have to be known. The tools are those of the dependency group `release`.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from environment import ROOT, Environment, tool

sys.path.insert(0, str(ROOT / "tests"))
from support.listening import PATIENCE_SECONDS, listening

EXTRAS = "cli,demo,s3,cloudflare"
REFUSED = {"Origin": "https://nobody.example", "Access-Control-Request-Method": "DELETE"}  # by every example's policy


def main() -> None:
    """Build, judge, install, try."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "dist").absolute()
    wheel = build(folder)
    with tempfile.TemporaryDirectory() as scratch:
        environment = installed(wheel, Path(scratch) / "environment")
        environment.run("-I", "-m", "r2style_cors", "--version")
        for example in sorted((ROOT / "examples").glob("*.py")):
            try_example(environment, example)
            print("runs:", example.name)
        print("types known:", f"{100 * types_known(environment, Path(scratch)):.0f} %")


def build(folder: Path) -> Path:
    """The wheel, built with the sdist into an empty `folder`, both found to be sound."""
    if folder.exists() and any(folder.iterdir()):
        sys.exit(f"{folder} is not empty: what lies there would be released too")
    tool("build", "--outdir", folder, ROOT)
    tool("twine", "check", "--strict", *folder.iterdir())
    [wheel] = folder.glob("*.whl")
    [sdist] = folder.glob("*.tar.gz")
    tool("check_wheel_contents", wheel)
    with tarfile.open(sdist) as archive:
        compare(sdist, {name.partition("/")[2] for name in archive.getnames()} - {"PKG-INFO"}, kept("."))
    held = {f"src/{name}" for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    compare(wheel, held, kept("src"))
    return wheel


def kept(folder: str) -> set[str]:
    """The files of the project that git keeps in `folder`."""
    listed = subprocess.run(["git", "ls-files", "-z", folder], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S607 - the git of whoever releases
    return {*listed.stdout.split("\0")} - {""}


def compare(package: Path, held: set[str], wanted: set[str]) -> None:
    """End the run where `package` holds another set of files than is `wanted`."""
    if held != wanted:
        sys.exit(f"{package.name} lacks {sorted(wanted - held)}, and holds {sorted(held - wanted)} too much")


def installed(wheel: Path, folder: Path) -> Environment:
    """An environment with the wheel, its extras and what the examples need, in which the wheel is what is imported."""
    environment = Environment(folder)
    environment.run("-m", "pip", "install", "-q", f"{wheel}[{EXTRAS}]", "--group", "examples")
    found = Path(environment.ask("import r2style_cors; print(r2style_cors.__file__)"))
    if not found.is_relative_to(folder):
        sys.exit(f"{found} was imported, which is not in the wheel's environment")
    return environment


def try_example(environment: Environment, example: Path) -> None:
    """Serve `example` and send it a preflight that its policy refuses."""
    with listening(environment.python, "-I", example) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        connection.request("OPTIONS", "/", headers=REFUSED)
        response = connection.getresponse()
        if response.status != http.HTTPStatus.FORBIDDEN or "Origin" not in response.headers.get("Vary", ""):
            sys.exit(f"{example.name}: no policy answered, but {response.status} {dict(response.headers)}")
        connection.close()


def types_known(environment: Environment, scratch: Path) -> float:
    """How much of the public interface has known types, by `pyright --verifytypes`; ends the run below all of it."""
    command = [sys.executable, "-m", "pyright", "--verifytypes", "r2style_cors", "--ignoreexternal", "--outputjson"]
    # Somewhere else than in the project, whose settings would have pyright look at the sources instead.
    done = subprocess.run(
        command, cwd=scratch, env=environment.variables(), capture_output=True, text=True, check=False
    )
    report = json.loads(done.stdout)["typeCompleteness"]
    score: float = report["completenessScore"]
    if score < 1:
        unknown = [symbol["name"] for symbol in report["symbols"] if not symbol["isTypeKnown"]]
        sys.exit(f"types known: {100 * score:.1f} %, but not of {', '.join(unknown) or 'anything'}")
    return score


if __name__ == "__main__":
    main()
