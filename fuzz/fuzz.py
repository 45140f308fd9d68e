"""Fuzz one target, or `all`, guided by coverage: `python fuzz/fuzz.py TARGET [--seconds 600] [--corpus FOLDER] [FILE...]`.

With files, each is run once instead: that is how a finding is looked at. The seeds are made by code (`targets.py`); what
is found on the way stays in the corpus folder, a temporary one unless it is given. A finding is written as `crash-...`
into the working directory, and ends the run with another status than 0.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))  # where the slow twin lives

with atheris.instrument_imports(include=["r2style_cors"]):
    from targets import TARGETS

MAX_LENGTH = 4096  # bytes of an input; the limits on size are tested elsewhere
SLOW_SECONDS = 5  # for one input: more is a finding


def main() -> None:
    """Read the arguments, write the seeds, and leave the rest to libFuzzer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=[*TARGETS, "all"])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--corpus", type=Path)
    given = parser.parse_args()
    if given.target == "all":
        fuzz_all(given.seconds)
        return
    if given.files:
        for file in given.files:
            TARGETS[given.target].run(file.read_bytes())
        return
    with tempfile.TemporaryDirectory() as scratch:
        fuzz(given.target, given.seconds, given.corpus or Path(scratch) / "corpus", Path(scratch))


def fuzz(name: str, seconds: int, corpus: Path, scratch: Path) -> None:
    """Fuzz for so many seconds; libFuzzer ends the process."""
    target = TARGETS[name]
    with atheris.instrument_imports(include=["r2style_cors"]):  # what is imported when it is first used
        for seed in target.seeds:
            target.run(seed)
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    words = scratch / "words"
    words.write_text("".join(f'"{escaped(word)}"\n' for word in [*target.words, name]), encoding="ascii")
    limits = [f"-max_total_time={seconds}", f"-max_len={MAX_LENGTH}", f"-timeout={SLOW_SECONDS}"]
    atheris.Setup([sys.argv[0], *limits, f"-dict={words}", str(corpus)], target.run)
    atheris.Fuzz()


def fuzz_all(seconds: int) -> None:
    """Fuzz every target for so many seconds, each in a process of its own; exits with 1 where one has a finding."""
    commands = {name: [sys.executable, __file__, name, f"--seconds={seconds}"] for name in TARGETS}
    found = [name for name, command in commands.items() if subprocess.run(command, check=False).returncode]
    sys.exit(f"found: {', '.join(found)}" if found else 0)


def escaped(word: str) -> str:
    r"""A word as libFuzzer's dictionaries have it: `\xNN` for every byte."""
    return "".join(f"\\x{byte:02x}" for byte in word.encode("utf-8", "surrogatepass"))


if __name__ == "__main__":
    main()
