"""The troubleshooting pages are played: in a real browser, with the commands that they show, before the fix and after it.

A page is read from top to bottom. Python is added to `app.py`, a policy becomes `cors.json`, JavaScript is what the page on
http://localhost:3000 runs, and `sh` is a command. What stands in `text` is told by the line before it: what the console
shows, a policy that cannot be read, or else what the last command prints.
To keep new outputs, run the tests once with R2STYLE_CORS_KEEP=1, and read what has changed.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
import socket
import subprocess
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Error
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route
from typer.main import get_command

from r2style_cors.cli import app
from support.bucket_example import QUIETLY, found
from support.renderings import run
from support.served import on_uvicorn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

DOCS = Path(__file__).parent.parent.parent / "docs" / "troubleshooting"
INDEX = DOCS / "index.md"
PAGES = sorted(path for path in DOCS.glob("*.md") if path.stem not in ("blocked", "index"))
FENCE = re.compile(r"^(?P<label>[^\n]*)\n+```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = frozenset(get_command(app).commands)  # type: ignore[attr-defined]  # typer's type leaves out that it is a group
PAGE_PORT, SERVER_PORT = ":3000", ":8000"  # those that the pages name; free ones take their place
FIX = "\n## The fix\n"
EMPTY_PAGE = Starlette(routes=[Route("/", lambda _request: HTMLResponse("<!doctype html><title>A page</title>"))])


@dataclass(frozen=True)
class Step:
    """One block of a page: what it is, its text, and where that stands."""

    kind: str
    text: str
    start: int
    stop: int


def steps(text: str) -> list[Step]:
    """The blocks of a page, in their order."""
    return [
        Step(kind(match["label"], match["language"]), match["text"], match.start("text"), match.end("text"))
        for match in FENCE.finditer(text)
    ]


def kind(label: str, language: str) -> str:
    """What a block is, by its language, or by the line before it."""
    kinds = {"python": "app", "json": "policy", "xml": "policy", "javascript": "script", "sh": "command"}
    words = {"console": "console", "cors.json": "policy"}
    return kinds.get(language) or next((words[word] for word in words if word in label), "printed")


@dataclass
class Case:
    """A page that is being played: the ports, the files as they are by now, and the last command's output."""

    browser: Browser
    folder: Path
    page: int
    server: int
    source: str = ""
    script: str = ""
    printed: str = ""

    def here(self, text: str) -> str:
        """A text of the page, with the ports that are used here."""
        return text.replace(PAGE_PORT, f":{self.page}").replace(SERVER_PORT, f":{self.server}")

    def there(self, text: str) -> str:
        """The other way round."""
        return text.replace(f":{self.page}", PAGE_PORT).replace(f":{self.server}", SERVER_PORT)

    def play(self, step: Step) -> str | None:
        """Do what a block says; where it shows something, what is to be seen."""
        action: Any = getattr(self, f"on_{step.kind}")
        seen: str | None = action(self.here(step.text))
        return None if seen is None else "".join(f"{line.rstrip()}\n" for line in self.there(seen).splitlines())

    def on_app(self, text: str) -> None:
        """More of `app.py`."""
        self.source += text

    def on_policy(self, text: str) -> None:
        """The policy."""
        (self.folder / "cors.json").write_text(text, encoding="utf-8")

    def on_script(self, text: str) -> None:
        """What the page runs."""
        self.script = text

    def on_command(self, text: str) -> None:
        """A command, in the folder of the files; the application runs where the command names it."""
        program, *arguments = shlex.split(text)
        with self.serving() if f":{self.server}" in text else nullcontext():
            if program == "r2style-cors":
                self.printed = run(arguments).out if arguments[0] in COMMANDS else ""
            else:
                ran = subprocess.run([found(program), *arguments], capture_output=True, text=True, check=True)
                self.printed = ran.stdout

    def on_printed(self, _text: str) -> str:
        """What the last command printed."""
        return self.printed

    def on_console(self, _text: str) -> str:
        """The browser's console, with what the page's script and the browser itself write to it."""
        said: list[str] = []
        with self.serving(), self.browser.new_context() as context:
            page = context.new_page()
            page.goto(f"http://localhost:{self.page}")
            page.on("console", lambda message: said.append(message.text))
            try:
                page.evaluate(f"async () => {{\n{self.script}\n}}")
            except Error as error:
                said.append(f"Uncaught {error.message.partition('Page.evaluate: ')[2].splitlines()[0]}")
        own = (line for line in said if not line.startswith("Failed to load resource"))  # the network panel's business
        return "".join(f"{line}\n" for line in own)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """The application as its files are now, and the page's own server."""
        with ExitStack() as stack:
            for port, served in ((self.page, EMPTY_PAGE), (self.server, self.application())):
                listener = stack.enter_context(closing(socket.create_server(("127.0.0.1", port))))
                stack.enter_context(on_uvicorn(served, listener, **QUIETLY))
            yield

    def application(self) -> Any:
        """`app` of `app.py`."""
        names: dict[str, Any] = {"__name__": "app"}
        exec(compile(self.source, "app.py", "exec", dont_inherit=True), names)
        return names["app"]


def played(page: Path, case: Case) -> Iterator[tuple[Step, str]]:
    """Every block that shows something, and what is to be seen."""
    found = steps(page.read_text(encoding="utf-8"))
    if all(step.kind != "app" for step in found):
        case.on_app(next(step.text for step in steps(INDEX.read_text(encoding="utf-8")) if step.kind == "app"))
    for step in found:
        seen = case.play(step)
        if seen is not None:
            yield step, seen


def keep(page: Path, outputs: list[tuple[Step, str]]) -> None:
    """Put what was seen in place of what the page shows."""
    text = page.read_text(encoding="utf-8")
    for step, seen in reversed(outputs):
        text = text[: step.start] + seen + text[step.stop :]
    page.write_text(text, encoding="utf-8")


@pytest.fixture
def case(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    """A case that begins, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    with ExitStack() as stack:
        page, server = (free_port(stack) for _ in range(2))
    return Case(browser, tmp_path, page, server)


def free_port(stack: ExitStack) -> int:
    """A port that is free, and as long as those of the pages, so that lines are broken and marked as they show it."""
    for _ in range(100):
        port = secrets.randbelow(2000) + 7000  # none of these is a port that browsers refuse (Fetch, section 2.9)
        with suppress(OSError):
            stack.enter_context(closing(socket.create_server(("127.0.0.1", port))))
            return port
    pytest.fail("no port with four digits is free")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_is_true(page: Path, case: Case) -> None:
    """The symptom is what the browser says, the outputs are the commands', and after the fix the page has its answer."""
    outputs = list(played(page, case))
    if os.environ.get("R2STYLE_CORS_KEEP"):
        keep(page, outputs)
        return
    for step, seen in outputs:
        assert seen == step.text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_shows_the_fault_and_the_fix(page: Path) -> None:
    """A page shows something before the fix and something else after it, and a command that tells what is wrong."""
    before, after = map(steps, page.read_text(encoding="utf-8").split(FIX))
    shown = [[step.text for step in part if step.kind in ("console", "printed")] for part in (before, after)]
    assert shown[0]
    assert shown[1]
    assert shown[0] != shown[1]
    assert any(step.kind == "command" for step in before)


def test_index_lists_every_page() -> None:
    """The index has one row for each page, with words that its console, or its command, really shows."""
    rows = re.findall(r"^\| `(.+)` \| \[.+\]\((.+)\) \|$", INDEX.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(file for _, file in rows) == [page.name for page in PAGES]
    for words, file in rows:
        assert words in " ".join((DOCS / file).read_text(encoding="utf-8").split())
