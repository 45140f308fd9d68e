"""Instructions for each request, counted by valgrind: the same figures on a busy machine as on an idle one.

    python benchmarks/instructions.py                             # ASGI and WSGI, about ten minutes
    python benchmarks/instructions.py asgi --requests allowed
    python benchmarks/instructions.py --check                     # this package against the counts that are kept, five minutes
    python benchmarks/instructions.py --keep                      # keep today's, after a change that is worth them

Every count is that of a process with many requests less that of one with few, so that starting, importing and
compiling cancel out. Needs `valgrind`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

import contenders
from contenders import BARE, FLOOR, NOTHING, OURS
from timing import short, table
from workloads import REQUESTS, RULE, asgi_call, wsgi_call

FEW, MANY = 200, 500
KEPT = Path(__file__).with_name("instructions.json")
TOLERANCE = 0.08  # the same thing differs by less than a hundredth in one environment, and by up to four in another

Counts: TypeAlias = dict[str, int]  # of the package and of the floor

CONTENDERS = {
    "asgi": dict.fromkeys(contenders.ASGI, ""),
    "wsgi": {
        **dict.fromkeys(contenders.wsgi_names(None), ""),
        **{name: framework for framework, (_, peer) in contenders.FRAMEWORKS.items() for name in (framework, peer)},
    },
}


def go(protocol: str, key: str, name: str, framework: str, count: int) -> None:
    """Send a request through a contender `count` times; this is the process that is counted."""
    request = REQUESTS[key]
    if protocol == "asgi":
        used, app = contenders.asgi_contender(name, request, RULE)
        for _ in range(count):
            used.drive_asgi(app, [asgi_call(request)])
    else:
        used, app_wsgi = contenders.wsgi_contender(name, request, RULE, framework or None)
        for _ in range(count):
            used.drive_wsgi(app_wsgi, [wsgi_call(request)])


def count(*arguments: str) -> int:
    """The instructions of one process."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable, __file__, *arguments]
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    collected = re.search(r"Collected : (\d+)", result.stderr)
    if result.returncode or collected is None:
        raise RuntimeError(result.stderr[-800:])
    return int(collected[1])


def per_request(protocol: str, key: str, name: str, framework: str) -> float:
    """The instructions of one request through one contender, those that make the request included."""
    few, many = (count("go", protocol, key, name, framework, str(number)) for number in (FEW, MANY))
    return (many - few) / (MANY - FEW)


def row(protocol: str, key: str) -> dict[str, float]:
    """Each middleware's own work for a request, in units of the floor's (see `measure.against`)."""
    counts = {name: per_request(protocol, key, name, inside) for name, inside in CONTENDERS[protocol].items()}
    bases = {peer: framework for framework, (_, peer) in contenders.FRAMEWORKS.items()}
    without = {name: NOTHING if REQUESTS[key].is_preflight else bases.get(name, BARE) for name in counts}
    work = {name: counts[name] - counts[without[name]] for name in counts}
    shown = [name for name in counts if name not in (NOTHING, BARE, *contenders.FRAMEWORKS)]
    return {name: work[name] / work[FLOOR] for name in shown}


def work(protocol: str, key: str) -> Counts:
    """The instructions that this package and the floor add to a request; for a preflight, all that it takes."""
    base = NOTHING if REQUESTS[key].is_preflight else BARE
    ours, floor, without = (round(per_request(protocol, key, name, "")) for name in (OURS, FLOOR, base))
    return {"ours": ours - without, "floor": floor - without}


def all_work(protocols: list[str], requests: list[str]) -> dict[str, dict[str, Counts]]:
    """The same for several requests, as many at a time as there are processors: the counts do not notice."""
    asked = [(protocol, key) for protocol in protocols for key in requests]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        counted = list(pool.map(work, *zip(*asked, strict=True)))
    found: dict[str, dict[str, Counts]] = {protocol: {} for protocol in protocols}
    for (protocol, key), counts in zip(asked, counted, strict=True):
        found[protocol][key] = counts
    return found


def python() -> str:
    """Whose instructions they are: other minor versions have other bytecode."""
    return ".".join(platform.python_version_tuple()[:2])


def keep(protocols: list[str], requests: list[str]) -> None:
    """Write today's counts beside those of other versions of Python."""
    kept = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {}
    of_python = kept.setdefault(python(), {})
    for protocol, counts in all_work(protocols, requests).items():
        of_python.setdefault(protocol, {}).update(counts)
    KEPT.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n", "utf-8")


def check(protocols: list[str], requests: list[str]) -> int:
    """Print this package's work in units of the floor's beside what is kept; 1 where it has grown.

    The counts themselves are another compiler's on another machine; of the two, both are.
    """
    kept = json.loads(KEPT.read_text("utf-8"))[python()]
    grown = False
    rows = []
    for protocol, found in all_work(protocols, requests).items():
        for key, now in found.items():
            before = kept[protocol][key]
            ratio, ratio_before = (counts["ours"] / counts["floor"] for counts in (now, before))
            more = ratio > ratio_before * (1 + TOLERANCE)
            grown = grown or more
            figures = [f"{before['ours']:,}", f"{now['ours']:,}", short(ratio_before), short(ratio)]
            rows.append([f"{protocol.upper()}, {REQUESTS[key].title}", *figures, "**more**" if more else ""])
    print(table(["request", "instructions kept", "now", "by the floor, kept", "now", ""], rows))
    return int(grown)


def main() -> None:
    """Print a table for each protocol that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("protocols", nargs="*", help="asgi, wsgi")
    parser.add_argument("--requests", nargs="*", choices=REQUESTS, default=list(REQUESTS))
    parser.add_argument("--check", action="store_true", help="compare this package with the counts that are kept")
    parser.add_argument("--keep", action="store_true", help="keep its counts")
    wanted = parser.parse_args()
    protocols = wanted.protocols or list(CONTENDERS)
    if wanted.keep:
        keep(protocols, wanted.requests)
        return
    if wanted.check:
        sys.exit(check(protocols, wanted.requests))
    for protocol in protocols:
        rows = {key: row(protocol, key) for key in wanted.requests}
        columns = list(next(iter(rows.values())))
        cells = [[REQUESTS[key].title, *map(short, figures.values())] for key, figures in rows.items()]
        print(table([f"{protocol.upper()} request", *columns], cells), end="\n\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["go"]:
        _, _, protocol, key, name, framework, count_wanted = sys.argv
        go(protocol, key, name, framework, int(count_wanted))
    else:
        main()
