"""A headless Chromium and a running demo for the tests of the page.

Without a browser the tests are skipped, unless R2STYLE_CORS_REQUIRE_BROWSER=1 makes that a failure. Screenshots go to
the folder that R2STYLE_CORS_SCREENSHOTS names, else to a temporary one.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from r2style_cors.demo import _serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser that is installed here."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        no_browser = f"none of {', '.join(BROWSERS)} is installed"
        if os.environ.get("R2STYLE_CORS_REQUIRE_BROWSER") == "1":
            pytest.fail(no_browser)
        pytest.skip(no_browser)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[_serve.Demo]:
    """A running demo with the starter policy."""
    with _serve.Demo("127.0.0.1", 0, tmp_path / "cors.json") as site:
        thread = Thread(target=site.run)
        thread.start()
        yield site
        site.stop()
        thread.join()


@pytest.fixture(scope="module")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go."""
    named = os.environ.get("R2STYLE_CORS_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
