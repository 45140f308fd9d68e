"""The demonstration's page in a browser: opening it, and waiting for what it does by itself."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from support.listening import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Page

Scheme = Literal["light", "dark"]

LAPTOP = (1366, 900)
PHONE = (390, 844)

# What the browser itself says of a refusal; anything else on the console is a fault of the page.
BROWSERS_OWN = ("has been blocked by CORS policy", "net::ERR_FAILED")


@contextmanager
def opened(
    browser: Browser,
    url: str,
    size: tuple[int, int] = LAPTOP,
    scheme: Scheme = "light",
    expected: tuple[str, ...] = (),
) -> Iterator[Page]:
    """The page, opened and with its first run done; at the end its console has held nothing but what is expected."""
    faults: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if not any(words in message.text for words in BROWSERS_OWN + expected):
            faults.append(message.text)

    with browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, has_touch=size == PHONE
    ) as context:
        context.set_default_timeout(1000 * PATIENCE_SECONDS)
        page = context.new_page()
        page.on("console", hear)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(url)
        wait(page, 1)
        yield page
    assert faults == []


def wait(page: Page, run: int) -> None:
    """Wait for the end of the run with this number, or of a later one: the page starts one too when the file changes."""
    page.wait_for_function(
        "run => { const { state, run: done } = document.querySelector('#checks').dataset;"
        " return state === 'done' && Number(done) >= run; }",
        arg=run,
    )


def settled(page: Page) -> None:
    """Wait until what the page says is of the text and the fetch that it shows: a pause, and the answer after it."""
    page.wait_for_function("() => document.body.dataset.examined === 'true'")
