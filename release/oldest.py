"""Run the tests on the oldest versions that `pyproject.toml` allows: `python release/oldest.py [ARGUMENTS OF PYTEST]`.

Every dependency, extra and framework is installed at its lower bound; what the tests themselves need comes as it is
newest. Where a bound is not true, raise it in `pyproject.toml`. uv is that of the dependency group `release`, and the
interpreter should be the oldest that is allowed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from environment import ROOT, Environment, tool

EXTRAS = ".[cli,demo,s3,cloudflare]"

# Left out: what needs a browser, a whole rack of servers, or newer tools than the bounds are about (the last one: a boto3
# that can sign without a checksum of its own).
LEFT_OUT = [
    "--ignore=tests/browser",
    "--ignore=tests/matrix",
    "--deselect=tests/test_asgi.py::test_handshakes_on_uvicorn[websockets-sansio-websockets]",  # from Uvicorn 0.35 on
    "--deselect=tests/test_docs.py::test_commands_are_told_as_they_are",  # the page is written by a newer typer
    "--deselect=tests/test_bucket_example.py::test_other_bytes_than_were_signed_are_not_kept[when_required-XAmzContentSHA256Mismatch]",
]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# An old library beside a new one is told that something is deprecated, which is not ours to mend.
WARNINGS = "filterwarnings=default"


def main() -> None:
    """Make the environment and run the tests in it; ends as pytest ends."""
    wanted = sys.argv[1:] or ["tests"]
    with tempfile.TemporaryDirectory() as scratch:
        environment = Environment(Path(scratch) / "environment")
        install(environment, "--resolution", "lowest-direct", "-e", EXTRAS, "--group", "examples")
        kept = Path(scratch) / "kept.txt"
        kept.write_text("".join(f"{line}\n" for line in oldest(environment)), encoding="utf-8")
        print(kept.read_text(encoding="utf-8"), end="")
        install(environment, "-c", str(kept), "-e", EXTRAS, *tools(group("test")))
        command: list[str | Path] = [
            environment.python,
            "-m",
            "pytest",
            "-q",
            "-o",
            WARNINGS,
            "-p",
            "no:cacheprovider",
            *LEFT_OUT,
        ]
        sys.exit(subprocess.run([*command, *wanted], cwd=ROOT, check=False).returncode)


def install(environment: Environment, *arguments: str) -> None:
    """Install with uv, which can choose the lowest versions."""
    tool("uv", "pip", "install", "-q", "--python", environment.python, *arguments)


def oldest(environment: Environment) -> list[str]:
    """What is installed of all dependencies, the extras', and the frameworks that the doors are for, as `name==version`."""
    extras = PROJECT["project"]["optional-dependencies"].values()
    lists = [PROJECT["project"]["dependencies"], *extras, group("examples")]
    bounded = {requirement.partition(">=")[0].lower() for some in lists for requirement in some}
    listed = environment.ask("import pip; pip.main(['list', '--format=json', '--disable-pip-version-check'])")
    found = {entry["name"].lower(): entry["version"] for entry in json.loads(listed)}
    return [f"{name}=={found[name]}" for name in sorted(bounded)]


def group(name: str) -> list[str]:
    """The requirements of a dependency group, and of those that it includes."""
    entries = PROJECT["dependency-groups"][name]
    lists = [[entry] if isinstance(entry, str) else group(entry["include-group"]) for entry in entries]
    return [requirement for some in lists for requirement in some]


def tools(requirements: list[str]) -> list[str]:
    """Those that go with the oldest versions: the client that Starlette's newest asks for needs newer ones."""
    return [one for one in requirements if not one.startswith("httpx2")]


if __name__ == "__main__":
    main()
