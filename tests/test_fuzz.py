"""The fuzzing targets: each of them runs here from its seeds, and for a moment guided by coverage where atheris is there."""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys
from pathlib import Path

import pytest

import reading
from r2style_cors import Policy, _engine
from targets import TARGETS

ROOT = Path(__file__).parent.parent
RUNS = 300  # of changed seeds, for each target
SECONDS = 3  # of guided fuzzing, for each target
WITHOUT_ATHERIS = "atheris, of the dependency group `fuzz`, is not installed"


def changed(seed: bytes, dice: random.Random) -> bytes:
    """`seed` with up to four of its bytes replaced, doubled or taken out."""
    data = bytearray(seed or b"?")
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(data) or 1)
        data[at : at + dice.randint(0, 1)] = dice.choice([b"", bytes([dice.randrange(256)]), data[at : at + 2] * 2])
    return bytes(data)


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_and_their_neighbours(name: str) -> None:
    """No seed, and nothing close to one, shows a mistake."""
    target = TARGETS[name]
    dice = random.Random(name)  # noqa: S311 - the same every time
    for seed in target.seeds:
        target.run(seed)
    for _ in range(RUNS):
        target.run(changed(dice.choice(list(target.seeds)), dice))


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason=WITHOUT_ATHERIS)
@pytest.mark.parametrize("name", TARGETS)
def test_guided_by_coverage(name: str, tmp_path: Path) -> None:
    """A short run that coverage guides finds nothing."""
    command = [sys.executable, str(ROOT / "fuzz" / "fuzz.py"), name, f"--seconds={SECONDS}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_mistake_in_a_list_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The target for header lists sees a list that is read wrongly: here the limit on its size is off by one."""
    monkeypatch.setattr(_engine, "MAX_REQUEST_HEADERS", 8193)
    with pytest.raises(AssertionError):
        reading.header_list(b"a" * 8193)


def test_a_mistake_in_a_form_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The target for policies sees one that is written wrongly: here a form that forgets the maximum age."""
    dump = Policy.dump

    def forgetful(policy: Policy, form: str) -> str:
        return dump(policy, form).replace("600", "60")

    monkeypatch.setattr(Policy, "dump", forgetful)
    with pytest.raises(AssertionError):
        reading.policy(TARGETS["dashboard"].seeds[4])
