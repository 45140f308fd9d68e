"""A virtual environment made for one purpose, with nothing in it but what it is given."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent


class Environment:
    """An empty virtual environment of the interpreter that runs this.

    Attributes:
        scripts: the folder of its commands.
        python: its interpreter.
    """

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=True)
        self.scripts = folder / ("Scripts" if os.name == "nt" else "bin")
        self.python = self.scripts / "python"
        self.run("-m", "pip", "install", "-q", "-U", "pip")  # an interpreter's own may not know dependency groups

    def run(self, *arguments: str | Path) -> None:
        """Run its interpreter in the root of the project; raises CalledProcessError where that fails."""
        subprocess.run([self.python, *arguments], cwd=ROOT, check=True, env=self.variables())

    def ask(self, code: str) -> str:
        """What `code` prints there, started in a folder that holds none of the project's files."""
        command: list[str | Path] = [self.python, "-I", "-c", code]
        return subprocess.run(command, cwd=self.scripts, check=True, capture_output=True, text=True).stdout.strip()

    def variables(self) -> dict[str, str]:
        """The variables under which tools take this environment for the active one."""
        path = os.pathsep.join([str(self.scripts), os.environ.get("PATH", "")])
        return {**os.environ, "PATH": path, "VIRTUAL_ENV": str(self.scripts.parent)}


def tool(name: str, *arguments: str | Path) -> None:
    """Run a tool of the environment that this runs in; raises CalledProcessError where it finds something."""
    subprocess.run([sys.executable, "-m", name, *arguments], cwd=ROOT, check=True)
