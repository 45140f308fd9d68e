"""Measure, and write the tables of `docs/performance.md`.

python benchmarks/run.py                 # everything: about ten minutes
python benchmarks/run.py asgi hostile    # some sections; the tables of the others stay as they are
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contenders import FLOOR, FRAMEWORKS, OURS
from timing import Ratio, short, table
from workloads import REQUESTS

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "performance.md"
PLOTS = PAGE.parent / "plots"
PEERS = ("starlette", "asgi-cors", "flask", "flask-cors", "django", "django-cors-headers", "uvicorn", "gunicorn")


def measure(script: str, *arguments: str) -> Any:
    """The figures that one measurement prints, taken in a process of its own."""
    print("measuring", script, *arguments, file=sys.stderr)
    result = subprocess.run([sys.executable, str(HERE / script), *arguments], stdout=subprocess.PIPE, check=True)
    return json.loads(result.stdout)


def cell(figure: list[float]) -> str:
    """A ratio and its spread as they stand in a table."""
    return str(Ratio(*figure))


def two_tables(columns: list[str], workers: list[str], figures: dict[str, dict[str, Any]]) -> str:
    """Time over the base, and the own work of `workers` in units of the floor's, a row for each request."""
    titles = {key: REQUESTS[key].title for key in figures}
    times = [[titles[key], *(cell(row[name]["time"]) for name in columns)] for key, row in figures.items()]
    work = [[titles[key], *(short(row[name]["work"]) for name in workers)] for key, row in figures.items()]
    return "\n\n".join(
        [
            "Time of a request, over that of the bare application:",
            table(["request", *columns], times),
            "The middleware's own work, in units of the floor's:",
            table(["request", *workers], work),
        ]
    )


def asgi() -> str:
    """Every request through the ASGI contenders."""
    figures = {key: measure("measure.py", "in_process", "asgi", key) for key in REQUESTS}
    return two_tables([FLOOR, OURS, "starlette", "asgi-cors"], [OURS, "starlette", "asgi-cors"], figures)


def wsgi() -> str:
    """Every request through the WSGI contenders: alone, and inside Flask and Django."""
    figures: dict[str, dict[str, Any]] = {}
    for key in REQUESTS:
        row = figures[key] = measure("measure.py", "in_process", "wsgi", key)
        for framework, (_, peer) in FRAMEWORKS.items():
            inside = measure("measure.py", "in_process", "wsgi", key, framework)
            row[peer] = inside[peer]
            row[f"{OURS} in {framework}"] = inside[OURS]
    columns, workers = [FLOOR, OURS], [OURS]
    for framework, (_, peer) in FRAMEWORKS.items():
        columns += [f"{OURS} in {framework}", peer]
        workers.append(peer)
    return two_tables(columns, workers, figures)


def many() -> str:
    """Large policies."""
    rows = [[title, *map(cell, row.values())] for title, row in measure("measure.py", "many").items()]
    return table(["policy, and who asks", "`Engine.decide`", f"{OURS}, ASGI", "starlette, ASGI"], rows)


def growth() -> str:
    """Policies of growing size, as a plot for each kind of growth."""
    figures = measure("measure.py", "growth")
    PLOTS.mkdir(exist_ok=True)
    for kind, curves in figures.items():
        plot(kind, curves)
    return "\n\n".join(f"![Time of a GET over the number of {kind}](plots/{slug(kind)}.svg)" for kind in figures)


def slug(kind: str) -> str:
    """The name of a plot's file."""
    return kind.replace(" ", "-")


def plot(kind: str, curves: dict[str, list[list[float]]]) -> None:
    """One plot: a contender's time over that of its own smallest policy."""
    pyplot = importlib.import_module("matplotlib.pyplot")
    importlib.import_module("matplotlib").rcParams["svg.hashsalt"] = kind  # the same figures make the same file
    figure, axes = pyplot.subplots(figsize=(6.4, 3.2), layout="constrained")
    for name, points in curves.items():
        axes.plot(*zip(*points, strict=True), marker="o", label=name)
    axes.set(xscale="log", yscale="log", xlabel=f"number of {kind}", ylabel="time of a GET, over that with one")
    axes.set_ylim(0.7, max(10, axes.get_ylim()[1]))  # a decade at least, so that what is flat looks flat
    axes.legend()
    axes.grid(visible=True, alpha=0.3)
    figure.savefig(PLOTS / f"{slug(kind)}.svg", metadata={"Date": None})
    pyplot.close(figure)


def hostile() -> str:
    """Requests made to cost much."""
    rows = [[title, *map(cell, row.values())] for title, row in measure("measure.py", "hostile").items()]
    names = [[title, cell(figure)] for title, figure in measure("measure.py", "names").items()]
    memory = [
        [title, f"{kept / 1024:,.0f} KiB" if kept > 0 else "none"]
        for title, kept in measure("measure.py", "memory").items()
    ]
    return "\n\n".join(
        [
            "Time over that of an ordinary preflight through the same middleware:",
            table(["request, under a policy with 1,000 wildcard hosts", OURS, "starlette"], rows),
            'Time of a preflight\'s decision over that of `lower().split(",")` of the same bytes:',
            table(["Access-Control-Request-Headers", "`Engine.decide`"], names),
            "Memory kept after a million more distinct origins:",
            table(["policy", "growth"], memory),
        ]
    )


def compiling() -> str:
    """Reading and compiling ten times as much."""
    rows = [[title, *map(cell, row.values())] for title, row in measure("measure.py", "compiling").items()]
    return table(["policy", "`Policy.parse`", "`Policy.compile`"], rows)


def importing() -> str:
    """The price of an import."""
    rows = [[f"`{name}`", cell(figure)] for name, figure in measure("measure.py", "importing").items()]
    return table(["import", "start of the interpreter, over an empty one"], rows)


def served() -> str:
    """Requests a second over a connection."""
    parts = []
    for server, figures in measure("served.py").items():
        columns = next(iter(figures.values())).keys()
        rows = [
            [title, *(f"{middle:.2f} ({lower:.2f} to {upper:.2f})" for lower, middle, upper in row.values())]
            for title, row in figures.items()
        ]
        parts += [f"{server}:", table(["request", *columns], rows)]
    return "\n\n".join(parts)


def versions() -> str:
    """What was compared."""
    peers = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PEERS)
    return f"Python {platform.python_version()}; {peers}."


SECTIONS: dict[str, Callable[[], str]] = {
    work.__name__: work for work in (versions, asgi, wsgi, many, growth, hostile, compiling, importing, served)
}


def write(section: str, text: str) -> None:
    """Put `text` between the section's marks in the page."""
    page = PAGE
    marked = re.compile(rf"(<!-- {section} -->\n).*?(\n?<!-- end -->)", re.DOTALL)
    page.write_text(marked.sub(lambda match: match[1] + text + match[2], page.read_text("utf-8")), "utf-8")


def main() -> None:
    """Run the sections that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", choices=[*SECTIONS, []], help=", ".join(SECTIONS))
    for section in parser.parse_args().sections or SECTIONS:
        write(section, SECTIONS[section]())


if __name__ == "__main__":
    main()
