"""Instructions for each request, counted by valgrind: the same figures on a busy machine as on an idle one.

    python benchmarks/instructions.py                             # ASGI and WSGI, about ten minutes
    python benchmarks/instructions.py asgi --requests allowed

Every count is that of a process with many requests less that of one with few, so that starting, importing and
compiling cancel out. Needs `valgrind`.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys

import contenders
from contenders import BARE, FLOOR, NOTHING
from timing import short, table
from workloads import REQUESTS, RULE, asgi_call, wsgi_call

FEW, MANY = 200, 500
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


def main() -> None:
    """Print a table for each protocol that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("protocols", nargs="*", help="asgi, wsgi")
    parser.add_argument("--requests", nargs="*", choices=REQUESTS, default=list(REQUESTS))
    wanted = parser.parse_args()
    for protocol in wanted.protocols or CONTENDERS:
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
