"""A page that uses the bucket of `examples/bucket` from another origin: what works is what the policy says."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from support.bucket_example import (
    LIMIT,
    PAGE_ORIGIN,
    Served,
    bucket_and_page,
    installed_presigner,
    presigned_by_sdk,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from support.bucket_example import Change

FILE = b"x" * (LIMIT - 1)
ETAG = f'"{hashlib.md5(FILE, usedforsecurity=False).hexdigest()}"'
PUT = """
async ([url, text]) => {
    const response = await fetch(url, { method: "PUT", headers: { "Content-Type": "text/plain" }, body: text })
    return [response.status, response.headers.get("ETag"), await response.text()]
}
"""


@dataclass
class Opened:
    """The page in a browser, its bucket, and what the console said."""

    page: Page
    bucket: Served
    console: list[str] = field(default_factory=list)

    def upload(self) -> None:
        """Choose a file, and send it."""
        self.page.set_input_files("#file", {"name": "a file.bin", "mimeType": "image/png", "buffer": FILE})
        self.page.click("#upload button")
        self.page.wait_for_selector("#result[data-state]")

    def state(self, name: str) -> str | None:
        """What the page says of its font or its upload: `good` or `withheld`."""
        return self.page.get_attribute(f"#{name}", "data-state")


@contextmanager
def opened(browser: Browser, root: Path, change: Change = ("", "", "")) -> Iterator[Opened]:
    """The page, opened, with the font in its bucket asked for."""
    font = files("r2style_cors.demo") / "files" / "dots.ttf"
    with bucket_and_page(root, change) as (served, origin), browser.new_context() as context:
        served.s3.put_object(Bucket="public", Key=font.name, Body=font.read_bytes(), ContentType="font/ttf")
        found = Opened(context.new_page(), served)
        found.page.on("console", lambda message: found.console.append(message.text))
        found.page.goto(origin)
        found.page.wait_for_selector("#font[data-state]")
        yield found


def test_font_of_another_origin(browser: Browser, tmp_path: Path) -> None:
    """With the policy of R2's documentation a font from the bucket sets a line of the page."""
    with opened(browser, tmp_path) as found:
        assert found.state("font") == "good"
        assert found.page.evaluate("[...document.fonts].map(({ status }) => status)") == ["loaded"]
        assert found.console == []


def test_font_without_leave(browser: Browser, tmp_path: Path) -> None:
    """With a policy for another page the same font is withheld, and the console says why."""
    with opened(browser, tmp_path, ("public", PAGE_ORIGIN, "http://localhost:1")) as found:
        assert found.state("font") == "withheld"
        assert found.page.evaluate("[...document.fonts].map(({ status }) => status)") == ["error"]
        assert "blocked by CORS policy: No 'Access-Control-Allow-Origin' header" in found.console[0]


def test_upload_with_progress(browser: Browser, tmp_path: Path) -> None:
    """A file goes from the page to the bucket by a presigned URL; its progress is seen, and its ETag is read."""
    with opened(browser, tmp_path) as found:
        found.upload()
        assert found.state("result") == "good"
        assert found.page.inner_text("#result") == f"The bucket answered 200; its ETag: {ETAG}"
        assert found.page.evaluate("document.getElementById('progress').value") == 1
        stored = found.bucket.s3.get_object(Bucket="uploads", Key="a file.bin")
        assert (stored["Body"].read(), stored["ContentType"]) == (FILE, "image/png")
        assert found.console == []


LACKING: dict[str, Change] = {
    "origin": ("uploads", PAGE_ORIGIN, "http://localhost:1"),
    "method": ("uploads", ',\n      "PUT"', ""),
    "content-type": ("uploads", "content-type", "x-other"),
}
UNANSWERED = "Response to preflight request doesn't pass access control check: No 'Access-Control-Allow-Origin' header"


@pytest.mark.parametrize("change", LACKING.values(), ids=LACKING)
def test_upload_without_leave(browser: Browser, tmp_path: Path, change: Change) -> None:
    """Where the policy lacks the page's origin, PUT, or the content type, the file is not even sent."""
    with opened(browser, tmp_path, change) as found:
        found.upload()
        assert found.state("result") == "withheld"
        assert UNANSWERED in found.console[0]
        assert found.bucket.files() == []


def test_upload_with_an_etag_that_is_not_exposed(browser: Browser, tmp_path: Path) -> None:
    """Where the policy does not expose it, the file arrives, but the page cannot read its ETag."""
    with opened(browser, tmp_path, ("uploads", "ETag", "x-other")) as found:
        found.upload()
        assert found.state("result") == "withheld"
        assert found.page.inner_text("#result") == "The bucket answered 200; its ETag: not for this page to read"
        assert found.console == ['Refused to get unsafe header "ETag"']
        assert len(found.bucket.files()) == 1


def test_url_of_the_sdk_in_a_page(browser: Browser, tmp_path: Path) -> None:
    """A URL that AWS's JavaScript makes serves a page as well; one that has expired is refused readably."""
    script = installed_presigner(tmp_path)
    with opened(browser, tmp_path / "root") as found:
        url = presigned_by_sdk(script, found.bucket, "123.txt")
        etag = hashlib.md5(b"123", usedforsecurity=False).hexdigest()
        assert found.page.evaluate(PUT, [url, "123"]) == [200, f'"{etag}"', ""]
        found.bucket.ahead = timedelta(days=8)
        status, _, document = found.page.evaluate(PUT, [url, "456"])
        assert (status, "<Message>Request has expired</Message>" in document) == (403, True)
