"""The measurements, each a function that returns figures.

`run.py` starts each in a process of its own, so that none inherits caches, specialised code or memory from another:

    python benchmarks/measure.py in_process asgi allowed
"""

from __future__ import annotations

import dataclasses
import gc
import itertools
import json
import random
import statistics
import subprocess
import sys
import time
import tracemalloc
from functools import partial
from typing import TYPE_CHECKING, Any

import apps
import contenders
import timing
from contenders import BARE, FLOOR, NOTHING, OURS
from workloads import ORIGIN, REQUESTS, RULE, Request, Rule, asgi_call, wsgi_call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SECONDS = 6.0  # for one interleaved run
CORS = "access-control-"


# --------------------------------------------------------- one request through one door


def answer_asgi(app: Any, request: Request) -> tuple[int, dict[str, str]]:
    """Status and headers of one answer, names in lower case."""
    messages: list[Any] = []
    apps.drive_asgi(app, [asgi_call(request, messages)])
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in messages[0]["headers"]}
    return messages[0]["status"], headers


def answer_wsgi(app: Any, request: Request) -> tuple[int, dict[str, str]]:
    """Status and headers of one answer, names in lower case."""
    messages: list[Any] = []
    apps.drive_wsgi(app, [wsgi_call(request, messages)])
    status, headers = messages[0]
    return int(status[:3]), {name.lower(): value for name, value in headers}


def check_the_floor(floor: tuple[int, dict[str, str]], ours: tuple[int, dict[str, str]]) -> None:
    """Refuse to measure where the floor does not answer as this package does: it would be no floor."""

    def essence(answer: tuple[int, dict[str, str]]) -> tuple[int, dict[str, str]]:
        return answer[0], {name: value for name, value in answer[1].items() if name.startswith(CORS) or name == "vary"}

    if essence(floor) != essence(ours):
        message = f"the floor answers {floor}, {OURS} answers {ours}"
        raise ValueError(message)


def asgi_batch(drive: Any, app: Any, requests: Iterator[Request]) -> timing.Batch:
    """A batch that sends the next of `requests` through `app`."""
    return lambda count: drive(app, [asgi_call(next(requests)) for _ in range(count)])


def wsgi_batch(drive: Any, app: Any, request: Request) -> timing.Batch:
    """A batch that sends `request` through `app`."""
    return lambda count: drive(app, [wsgi_call(request) for _ in range(count)])


def against(rounds: dict[str, list[float]], name: str, base: str, *, is_preflight: bool) -> dict[str, Any]:
    """The figures of one contender: time over its base, and its own work in units of the floor's.

    Own work is the time beyond what runs without it: the application, or nothing where a preflight is answered alone.
    """
    over = timing.ratio(rounds[name], rounds[base])
    without, floor_without = (NOTHING, NOTHING) if is_preflight else (base, BARE)
    median = {contender: statistics.median(figures) for contender, figures in rounds.items()}
    work, least = median[name] - median[without], median[FLOOR] - median[floor_without]
    return {"time": [over.value, over.spread], "work": work / least}


def in_process(protocol: str, key: str, framework: str = "") -> dict[str, Any]:
    """One request through every contender of a protocol, without a server; for WSGI also inside a framework."""
    request = REQUESTS[key]
    base = framework or BARE
    if protocol == "asgi":
        made = {name: contenders.asgi_contender(name, request, RULE) for name in contenders.ASGI}
        check_the_floor(answer_asgi(made[FLOOR][1], request), answer_asgi(made[OURS][1], request))
        batches = {n: asgi_batch(a.drive_asgi, app, itertools.repeat(request)) for n, (a, app) in made.items()}
    else:
        inside = framework or None
        names = contenders.wsgi_names(inside)
        made_wsgi = {name: contenders.wsgi_contender(name, request, RULE, inside) for name in names}
        check_the_floor(answer_wsgi(made_wsgi[FLOOR][1], request), answer_wsgi(made_wsgi[OURS][1], request))
        batches = {n: wsgi_batch(a.drive_wsgi, app, request) for n, (a, app) in made_wsgi.items()}
    rounds = timing.interleave(batches, SECONDS)
    shown = [name for name in rounds if name not in (NOTHING, base)]
    return {name: against(rounds, name, base, is_preflight=request.is_preflight) for name in shown}


# --------------------------------------------------------------------- many of a thing


def gets(origins: Iterable[str]) -> Iterator[Request]:
    """GETs from each of `origins` in turn, for ever."""
    return (dataclasses.replace(REQUESTS["allowed"], origin=origin) for origin in itertools.cycle(origins))


def subdomains(count: int) -> list[str]:
    """Many origins, each under one of `count` wildcard hosts and none of them twice."""
    return [f"https://t{number}.site{number % count}.example" for number in range(20_000)]


def many_policies() -> dict[str, tuple[list[Rule], list[str], str]]:
    """Title: the policy, the origins that ask, and the title of the same decision under a policy with one."""
    exact = [f"https://h{number}.example" for number in range(10_000)]
    shuffled = random.Random(2).sample(exact, len(exact))
    wild = [f"https://*.site{number}.example" for number in range(1_000)]
    all_exact, all_wild = [Rule(origins=tuple(exact))], [Rule(origins=tuple(wild))]
    rules = [Rule(origins=(origin,)) for origin in exact[:1_000]]
    one, one_wild, one_wild_new = "one origin", "one wildcard host", "one wildcard host, a new origin each time"
    return {
        one: ([RULE], [ORIGIN], one),
        "10,000 origins, one asks": (all_exact, exact[-1:], one),
        "10,000 origins, each asks in turn": (all_exact, shuffled, one),
        "1,000 rules, the last one's origin asks": (rules, [exact[999]], one),
        "1,000 rules, each one's origin in turn": (rules, [o for o in shuffled if o in set(exact[:1_000])], one),
        one_wild: ([Rule(origins=("https://*.site0.example",))], ["https://t.site0.example"], one_wild),
        "1,000 wildcard hosts, one origin asks": (all_wild, ["https://t.site999.example"], one_wild),
        one_wild_new: ([Rule(origins=("https://*.site0.example",))], subdomains(1), one_wild_new),
        "1,000 wildcard hosts, a new origin each time": (all_wild, subdomains(1_000), one_wild_new),
    }


def compiled(rules: list[Rule]) -> Any:
    """The engine of a policy."""
    from r2style_cors import Policy

    return Policy.parse([rule.dashboard() for rule in rules]).compile()


def decide_batch(engine: Any, calls: Iterator[tuple[str | None, ...]]) -> timing.Batch:
    """A batch of decisions, each on strings that no earlier one has hashed."""

    def batch(count: int) -> int:
        fresh = [tuple(None if text is None else text.encode().decode() for text in next(calls)) for _ in range(count)]
        start = time.perf_counter_ns()
        for call in fresh:
            engine.decide(*call)
        return time.perf_counter_ns() - start

    return batch


def get_calls(origins: Iterable[str]) -> Iterator[tuple[str | None, ...]]:
    """Arguments of `decide` for GETs from each of `origins` in turn, for ever."""
    return (("GET", origin, None, None) for origin in itertools.cycle(origins))


def many() -> dict[str, Any]:
    """The cost of a decision under large policies, over that of the same decision under a policy with one."""
    policies = many_policies()
    decide = {title: decide_batch(compiled(rules), get_calls(asking)) for title, (rules, asking, _) in policies.items()}
    doors = {
        title: asgi_batch(apps.drive_asgi, contenders.our_asgi(apps.asgi(apps.SHORT), rules), gets(asking))
        for title, (rules, asking, _) in policies.items()
    }
    peer = {
        title: asgi_batch(apps.drive_asgi, contenders.starlette(apps.asgi(apps.SHORT), rules), gets(asking))
        for title, (rules, asking, _) in policies.items()
    }
    figures: dict[str, Any] = {}
    for column, batches in {"decide": decide, "door": doors, "starlette": peer}.items():
        rounds = timing.interleave(batches, 2 * SECONDS)
        for title, (_, _, base) in policies.items():
            over = timing.ratio(rounds[title], rounds[base])
            figures.setdefault(title, {})[column] = [over.value, over.spread]
    return {title: row for title, row in figures.items() if policies[title][2] != title}


SIZES = (1, 10, 100, 1_000, 10_000, 100_000)
ASKING = 500  # origins that ask in turn, spread over the whole policy


def growing() -> dict[str, Callable[[int], tuple[list[Rule], list[str]]]]:
    """What grows: for a size, the policy, and the origins that ask."""

    def spread(origins: list[str]) -> list[str]:
        return random.Random(4).sample(origins, min(ASKING, len(origins)))

    def exact(size: int) -> tuple[list[Rule], list[str]]:
        origins = [f"https://h{number}.example" for number in range(size)]
        return [Rule(origins=tuple(origins))], spread(origins)

    def rules(size: int) -> tuple[list[Rule], list[str]]:
        origins = [f"https://h{number}.example" for number in range(size)]
        return [Rule(origins=(origin,)) for origin in origins], spread(origins)

    def wild(size: int) -> tuple[list[Rule], list[str]]:
        origins = [f"https://*.site{number}.example" for number in range(size)]
        return [Rule(origins=tuple(origins))], [origin.replace("*", "www") for origin in spread(origins)]

    return {"origins": exact, "rules": rules, "wildcard hosts": wild}


def growth() -> dict[str, dict[str, list[list[float]]]]:
    """Kind of growth -> contender -> [size, time of a GET over that of the same contender with the smallest policy]."""
    return {
        kind: {name: curve(wrap, policy, sizes(kind)) for name, wrap in growers(kind).items()}
        for kind, policy in growing().items()
    }


def growers(kind: str) -> dict[str, Callable[[Any, Any], Any]]:
    """Who takes part: Starlette's middleware has one rule."""
    peers = {} if kind == "rules" else {"starlette": contenders.starlette}
    return {OURS: contenders.our_asgi, **peers}


def sizes(kind: str) -> tuple[int, ...]:
    """How large policies become: a hundred thousand rules are more than anybody reads, this package included."""
    return SIZES[:-1] if kind == "rules" else SIZES


def curve(
    wrap: Callable[[Any, Any], Any], policy: Callable[[int], tuple[list[Rule], list[str]]], sizes: tuple[int, ...]
) -> list[list[float]]:
    """One contender's time at every size."""
    batches = {}
    for size in sizes:
        rules, asking = policy(size)
        batches[str(size)] = asgi_batch(apps.drive_asgi, wrap(apps.asgi(apps.SHORT), rules), gets(asking))
    rounds = timing.interleave(batches, SECONDS)
    return [[size, timing.ratio(rounds[str(size)], rounds[str(sizes[0])]).value] for size in sizes]


# ------------------------------------------------------------------- hostile requests


def hostile_requests() -> dict[str, Iterator[Request]]:
    """Title: requests that are made to cost much. All names asked for are allowed, so that nobody may stop early."""
    preflight = REQUESTS["preflight"]

    def asking(requested: str) -> Iterator[Request]:
        return itertools.repeat(dataclasses.replace(preflight, request_headers=requested))

    def get(origin: str) -> Iterator[Request]:
        return itertools.repeat(dataclasses.replace(REQUESTS["allowed"], origin=origin))

    return {
        "ordinary preflight": itertools.repeat(preflight),
        "preflight, 100 KB of allowed names": asking(",".join(["content-type"] * 8_000)),
        "preflight, 100 KB of commas": asking("," * 100_000),
        "GET, 8 KB of Origin": get("https://" + "a" * 8_150 + ".site1.example"),
        "GET, 8 KB of dots for Origin": get("https://a" + ".a" * 4_080),
        "GET, 1 KB of Origin with 500 labels": get("https://a" + ".a" * 500 + ".example"),
    }


def hostile() -> dict[str, Any]:
    """The cost of hostile requests under a policy with 1,000 wildcard hosts, over that of an ordinary preflight."""
    rules = [Rule(origins=(ORIGIN, *(f"https://*.site{number}.example" for number in range(1_000))))]
    figures: dict[str, Any] = {}
    for name, wrap in {OURS: contenders.our_asgi, "starlette": contenders.starlette}.items():
        app = wrap(apps.asgi(apps.SHORT), rules)
        batches = {title: asgi_batch(apps.drive_asgi, app, asked) for title, asked in hostile_requests().items()}
        rounds = timing.interleave(batches, SECONDS)
        for title in rounds:
            over = timing.ratio(rounds[title], rounds["ordinary preflight"])
            figures.setdefault(title, {})[name] = [over.value, over.spread]
    return {title: row for title, row in figures.items() if title != "ordinary preflight"}


def lists_of_names(size: int, separator: str, names: Iterable[str]) -> Iterator[str]:
    """Lists of as many of `names` as `size` bytes hold, each in an order of its own, so that no memo helps."""
    fitting, room = [], size + len(separator)
    for name in names:
        room -= len(name) + len(separator)
        if room < 0:
            break
        fitting.append(name)
    shuffle = random.Random(3).shuffle
    while True:
        shuffle(fitting)
        yield separator.join(fitting)


def split_batch(texts: Iterator[str]) -> timing.Batch:
    """The yardstick for a list of names: to lower it and to split it."""

    def batch(count: int) -> int:
        fresh = list(itertools.islice(texts, count))
        start = time.perf_counter_ns()
        for text in fresh:
            text.lower().split(",")
        return time.perf_counter_ns() - start

    return batch


def names() -> dict[str, Any]:
    """The cost of a preflight with a list of requested names under the cap, over splitting the same bytes."""
    sizes = (1_024, 4_096, 8_192)
    listed = itertools.cycle(RULE.headers)
    new = [f"x-amz-{number}" for number in range(1_000)]
    letters = itertools.cycle("abcdefghijklmnopqrstuvwxyz")
    lists: dict[str, tuple[str, Callable[[], Iterator[str]]]] = {
        **{f"{size:,} bytes of listed names": ("", partial(lists_of_names, size, ",", listed)) for size in sizes},
        "8,192 bytes of distinct names, any allowed": ("*", partial(lists_of_names, 8_192, ",", new)),
        "8,192 bytes of distinct names, `x-amz-*` allowed": ("x-amz-*", partial(lists_of_names, 8_192, ",", new)),
        "8,192 bytes of distinct names, a space on both sides": ("x-amz-*", partial(lists_of_names, 8_192, " , ", new)),
        "8,192 bytes of single letters, any allowed": ("*", partial(lists_of_names, 8_192, ",", letters)),
        "8,192 commas": ("", partial(itertools.repeat, "," * 8_192)),
    }
    figures = {}
    for title, (name, texts) in lists.items():
        engine = compiled([dataclasses.replace(RULE, headers=(name,)) if name else RULE])
        calls = (("OPTIONS", ORIGIN, "PUT", text) for text in texts())
        rounds = timing.interleave({"decide": decide_batch(engine, calls), "split": split_batch(texts())}, SECONDS / 2)
        over = timing.ratio(rounds["decide"], rounds["split"])
        figures[title] = [over.value, over.spread]
    return figures


def decide_each(engine: Any, numbers: range) -> int:
    """Decide for one distinct origin a number; the bytes that are allocated afterwards."""
    for number in numbers:
        engine.decide("GET", f"https://t{number}.site{number % 1_000}.example", None, None)
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def memory() -> dict[str, Any]:
    """Bytes kept after a million more distinct origins than the first ten thousand."""
    figures = {}
    wild = [Rule(origins=tuple(f"https://*.site{number}.example" for number in range(1_000)))]
    for title, engine in {"one origin": compiled([RULE]), "1,000 wildcard hosts": compiled(wild)}.items():
        tracemalloc.start()
        before = decide_each(engine, range(10_000))
        figures[title] = decide_each(engine, range(10_000, 1_010_000)) - before
        tracemalloc.stop()
    return figures


# ------------------------------------------------------------------------ once, at start


def timed(work: Callable[[], object]) -> timing.Batch:
    """A batch that runs `work` so many times."""

    def batch(count: int) -> int:
        start = time.perf_counter_ns()
        for _ in range(count):
            work()
        return time.perf_counter_ns() - start

    return batch


def sized_policies() -> dict[str, tuple[int, Callable[[int], list[Rule]]]]:
    """What a policy may have much of: a usual number of it, and the rules with any number of it."""
    return {
        "origins": (1_000, lambda count: [Rule(origins=tuple(f"https://h{n}.example" for n in range(count)))]),
        "wildcard hosts": (1_000, lambda count: [Rule(origins=tuple(f"https://*.h{n}.example" for n in range(count)))]),
        "rules": (100, lambda count: [Rule(origins=(f"https://h{n}.example",)) for n in range(count)]),
    }


def compiling() -> dict[str, Any]:
    """Reading and compiling a policy with ten times as much in it, over the same with as much."""
    from r2style_cors import Policy

    figures: dict[str, Any] = {}
    for title, (count, rules) in sized_policies().items():
        small, large = ([rule.dashboard() for rule in rules(number)] for number in (count, 10 * count))
        pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
            "read": (partial(Policy.parse, small), partial(Policy.parse, large)),
            "compile": (Policy.parse(small).compile, Policy.parse(large).compile),
        }
        row = figures[f"{10 * count:,} {title} over {count:,}"] = {}
        for step, (less, more) in pairs.items():
            rounds = timing.interleave({"less": timed(less), "more": timed(more)}, SECONDS / 2)
            over = timing.ratio(rounds["more"], rounds["less"])
            row[step] = [over.value, over.spread]
    return figures


IMPORTS = {
    "nothing": "pass",
    "r2style_cors.asgi": "import r2style_cors.asgi",
    "r2style_cors.wsgi": "import r2style_cors.wsgi",
    "r2style_cors.policy": "import r2style_cors.policy",
    "asgi_cors": "import asgi_cors",
    "starlette.middleware.cors": "import starlette.middleware.cors",
    "flask_cors": "import flask_cors",
    "corsheaders.middleware": "import corsheaders.middleware",
}


def importing() -> dict[str, Any]:
    """The start of an interpreter that imports a module, over that of one that imports nothing."""
    batches = {
        name: timed(partial(subprocess.run, [sys.executable, "-c", code], check=True)) for name, code in IMPORTS.items()
    }
    rounds = timing.interleave(batches, 5 * SECONDS)
    over = {name: timing.ratio(rounds[name], rounds["nothing"]) for name in batches if name != "nothing"}
    return {name: [figure.value, figure.spread] for name, figure in over.items()}


MEASUREMENTS = {
    work.__name__: work for work in (in_process, many, growth, hostile, names, memory, compiling, importing)
}

if __name__ == "__main__":
    print(json.dumps(MEASUREMENTS[sys.argv[1]](*sys.argv[2:])))
