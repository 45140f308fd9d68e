"""Takes the pictures of the playground beside this file: on a laptop, light and dark, and on a phone.

`python docs/images/take.py` takes them anew, in the Chromium that is installed. They show the demonstration on its usual
ports, which have to be free.
"""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING, Literal, NamedTuple

from PIL import Image
from playwright.sync_api import sync_playwright

from r2style_cors.demo._serve import Demo

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FOLDER = Path(__file__).resolve().parent
PORT = 8000
COLOURS = 256  # enough for flat grounds and smooth letters, at half of the bytes


class Picture(NamedTuple):
    """One picture: the size of the window, its scheme, and where to scroll to."""

    name: str
    size: tuple[int, int]
    scheme: Literal["light", "dark"]
    top: str


PICTURES = (
    Picture("playground-light", (1280, 1080), "light", "body"),
    Picture("playground-dark", (1280, 1080), "dark", "body"),
    Picture("playground-phone", (390, 844), "light", ".views"),
)


def main() -> None:
    """Serve the demonstration from an empty folder, and take every picture of it."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        os.chdir(folder)  # the page shows the path of its file
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        with Demo("127.0.0.1", PORT, Path("r2style-cors-demo/cors.json")) as site:
            thread = Thread(target=site.run, daemon=True)
            thread.start()
            for picture in PICTURES:
                _take(browser, site.origins["page"], picture)
            site.stop()
            thread.join()


def _take(browser: Browser, url: str, picture: Picture) -> None:
    width, height = picture.size
    view = {"width": width, "height": height}
    with browser.new_context(viewport=view, color_scheme=picture.scheme, reduced_motion="reduce") as context:  # type: ignore[arg-type]  # a scheme is a text here, and a Literal to playwright
        page = context.new_page()
        page.goto(url)
        _show_a_refusal(page)
        page.locator(picture.top).evaluate("top => scrollTo(0, top.getBoundingClientRect().top + scrollY - 12)")
        page.mouse.move(0, 0)
        _save(page.screenshot(), FOLDER / f"{picture.name}.png")


def _show_a_refusal(page: Page) -> None:
    """A PUT with a header that the policy does not list, and one finding in the policy."""
    page.wait_for_selector("#checks[data-state=done]")
    page.click("#tab-fetch")
    page.fill("#text", page.input_value("#text").replace("600", "864000"))
    page.fill("[name=headers]", "content-type: application/json\nx-team: blue")
    page.wait_for_selector("body[data-examined=true]")
    page.click("#ask")
    page.wait_for_selector("#real .agreement")


def _save(taken: bytes, path: Path) -> None:
    """With fewer colours, which no eye misses, the file is small."""
    image = Image.open(io.BytesIO(taken)).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
