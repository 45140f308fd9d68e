"""Browsers that are driven: each opens a page through the proxy, and runs the page's own script.

Chromium is driven by Playwright, Firefox by its WebDriver BiDi, and WebKit by its WebDriver.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import httpx
from playwright.sync_api import sync_playwright
from websockets.sync.client import connect

from support.listening import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from websockets.sync.client import ClientConnection

_PATIENCE = 300  # seconds
EXECUTABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "firefox": ("firefox-esr", "firefox"),
    "webkit": ("WebKitWebDriver",),
}
_MINI_BROWSERS = "*/webkit2gtk-4.*/MiniBrowser"


class Driven(Protocol):
    """A browser that is running."""

    version: str

    def run(self, url: str, script: str) -> Any:
        """Open `url`, and give what `script`, an expression, comes to: JSON, as text."""


def executable(name: str) -> str | None:
    """Where the browser is installed."""
    return next(filter(None, map(shutil.which, EXECUTABLES[name])), None)


@contextmanager
def driven(name: str, proxy: int, folder: Path) -> Iterator[Driven]:
    """Start a browser that uses the proxy at the port `proxy`, with a profile in `folder`.

    Raises:
        FileNotFoundError: it is not installed.
    """
    found = executable(name)
    if found is None:
        message = f"none of {', '.join(EXECUTABLES[name])} is installed"
        raise FileNotFoundError(message)
    with _DRIVERS[name](found, proxy, folder) as browser:
        yield browser


class _Chromium:
    def __init__(self, browser: Any) -> None:
        self.version = browser.version
        self._page = browser.new_context(ignore_https_errors=True).new_page()

    def run(self, url: str, script: str) -> Any:
        self._page.goto(url)
        return json.loads(self._page.evaluate(script))


@contextmanager
def _chromium(found: str, proxy: int, _folder: Path) -> Iterator[_Chromium]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found,
            args=["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
            proxy={"server": f"socks5://127.0.0.1:{proxy}"},
        )
        yield _Chromium(browser)
        browser.close()


class _Firefox:
    """Firefox over WebDriver BiDi (WebDriver BiDi, sections 7.1, 7.3 and 7.6)."""

    def __init__(self, connection: ClientConnection) -> None:
        self._socket = connection
        self._numbers = count(1)
        found = self._call("session.new", {"capabilities": {"alwaysMatch": {"acceptInsecureCerts": True}}})
        self.version = found["capabilities"]["browserVersion"]
        self._context = self._call("browsingContext.getTree", {})["contexts"][0]["context"]

    def run(self, url: str, script: str) -> Any:
        self._call("browsingContext.navigate", {"context": self._context, "url": url, "wait": "complete"})
        target = {"context": self._context}
        found = self._call("script.evaluate", {"expression": script, "target": target, "awaitPromise": True})
        return json.loads(found["result"]["value"])

    def close(self) -> None:
        self._call("browser.close", {})

    def _call(self, method: str, params: dict[str, Any]) -> Any:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while (answer := json.loads(self._socket.recv(timeout=_PATIENCE))).get("id") != number:
            pass
        if answer["type"] == "error":
            raise RuntimeError(answer["message"])
        return answer["result"]


@contextmanager
def _firefox(found: str, proxy: int, folder: Path) -> Iterator[_Firefox]:
    preferences = {
        "network.proxy.type": 1, "network.proxy.socks": "127.0.0.1", "network.proxy.socks_port": proxy,
        "network.proxy.socks_version": 5, "network.proxy.socks_remote_dns": True,
    }  # fmt: skip
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()]
    (folder / "user.js").write_text("".join(lines))
    port = free_port()
    command = [found, "--headless", "--no-remote", "--profile", str(folder), f"--remote-debugging-port={port}"]
    with _process(command):
        _until_ready(lambda: socket.create_connection(("127.0.0.1", port)).close())
        with connect(f"ws://127.0.0.1:{port}/session", max_size=None) as connection:
            browser = _Firefox(connection)
            yield browser
            browser.close()


class _WebKit:
    """WebKit over WebDriver (WebDriver, sections 8.1, 10.1 and 13.2.2)."""

    def __init__(self, port: int, binary: str, proxy: int) -> None:
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=_PATIENCE, trust_env=False)
        options = {"binary": binary, "args": ["--automation", f"--proxy=socks5://127.0.0.1:{proxy}"]}
        wanted = {"acceptInsecureCerts": True, "webkitgtk:browserOptions": options}
        session = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.version = session["capabilities"]["browserVersion"]
        self._session = f"/session/{session['sessionId']}"
        self._call("POST", f"{self._session}/timeouts", {"script": 1000 * _PATIENCE})

    def run(self, url: str, script: str) -> Any:
        self._call("POST", f"{self._session}/url", {"url": url})
        body = f"const done = arguments[0]; ({script}).then(done, (error) => done(String(error)));"
        return json.loads(self._call("POST", f"{self._session}/execute/async", {"script": body, "args": []}))

    def close(self) -> None:
        self._call("DELETE", self._session, None)
        self._client.close()

    def _call(self, method: str, path: str, content: Any) -> Any:
        answer = self._client.request(method, path, json=content).json()["value"]
        if isinstance(answer, dict) and "error" in answer:
            raise RuntimeError(answer["message"])
        return answer


@contextmanager
def _webkit(found: str, proxy: int, folder: Path) -> Iterator[_WebKit]:
    binary = _mini_browser()
    port = free_port()
    environment = os.environ | {"WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1", "HOME": str(folder)}
    with ExitStack() as stack:
        if "DISPLAY" not in environment:
            environment["DISPLAY"] = stack.enter_context(_display())
        stack.enter_context(_process([found, f"--port={port}"], environment))
        browser = _until_ready(lambda: _WebKit(port, binary, proxy))
        yield browser
        browser.close()


def _mini_browser() -> str:
    return str(next(Path("/usr/lib").glob(_MINI_BROWSERS)))


@contextmanager
def _display() -> Iterator[str]:
    """A display that nobody sees, at a number of its own choice."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "800x600x24", "-nolisten", "tcp"]
    with _process(command, pass_fds=(writing,)):
        os.close(writing)
        with os.fdopen(reading) as number:
            yield f":{number.readline().strip()}"


@contextmanager
def _process(
    command: list[str], environment: Mapping[str, str] | None = None, *, pass_fds: tuple[int, ...] = ()
) -> Iterator[None]:
    silent = subprocess.DEVNULL
    process = subprocess.Popen(command, env=environment, stdin=silent, stdout=silent, stderr=silent, pass_fds=pass_fds)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _until_ready(start: Callable[[], Any]) -> Any:
    """What `start` gives, as soon as something listens."""
    end = time.monotonic() + 60
    while True:
        try:
            return start()
        except (OSError, httpx.TransportError):
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


_DRIVERS: Final[Mapping[str, Callable[[str, int, Path], AbstractContextManager[Driven]]]] = {
    "chromium": _chromium,
    "firefox": _firefox,
    "webkit": _webkit,
}
