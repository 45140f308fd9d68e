"""R2's own page in a browser: the public font, the presigned upload, and the common issues with their fixes."""

from __future__ import annotations

import hashlib
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from support.bucket_example import found
from support.demo_page import LAPTOP, PHONE, opened, settled, wait

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

    from r2style_cors.demo._serve import Demo
    from support.demo_page import Scheme

ISSUES = Path(__file__).parent.parent.parent / "docs" / "troubleshooting"
PICTURE = {"name": "a picture.png", "mimeType": "image/png", "buffer": b"x" * 300_000}
ETAG = f'"{hashlib.md5(PICTURE["buffer"]).hexdigest()}"'  # type: ignore[arg-type] # noqa: S324 - S3's ETag is an MD5


def follow(page: Page, link: Locator) -> None:
    """Open an issue by its link, which the page hears of after the click, and wait for what it says of the text."""
    link.click()
    page.wait_for_selector("#issue:focus")
    settled(page)


def upload(page: Page) -> None:
    """Choose a picture, send it, and wait for what came of it."""
    page.click("#tab-r2")
    page.set_input_files("[name=file]", PICTURE)  # type: ignore[arg-type]  # playwright's type of a file is its own
    page.click("#send")
    page.wait_for_selector("#uploaded .result")


def without(page: Page, old: str, new: str) -> None:
    """Take something out of the policy, and leave the saving to the page."""
    text = page.input_value("#text")
    assert old in text
    page.fill("#text", text.replace(old, new))
    settled(page)


def uploaded(page: Page) -> tuple[str | None, list[str], str]:
    """What came of an upload: the verdict, the requests on the wire, and all that is said of it."""
    place = page.locator("#uploaded")
    verdict = place.locator(".result").get_attribute("data-outcome")
    return verdict, place.locator("summary code").all_inner_texts(), place.inner_text()


# The public bucket.


def test_documented_policy_grants_the_font(browser: Browser, demo: Demo) -> None:
    """R2's example is put into the editor with its comma, which is told of; saved, it grants the font to this page."""
    line = "[...document.fonts].map(({ family, status }) => [family, status])"
    before = demo.policy.path.read_bytes()
    with opened(browser, demo.origins["page"]) as page:
        page.click("#tab-r2")
        page.click("#documented")
        settled(page)
        assert demo.policy.path.read_bytes() == before
        codes = page.locator("#problems li").evaluate_all("all => all.map(({ dataset }) => dataset.code)")
        assert "trailing-comma" in codes
        page.click("#save")
        wait(page, 2)
        assert page.get_attribute("#public-font", "data-verdict") == "granted"
        assert page.evaluate(line) == [["R2style Dots", "loaded"]]
        without(page, demo.origins["page"], "https://www.example.com")
        page.click("#save")
        wait(page, 3)
        assert page.get_attribute("#public-font", "data-verdict") == "refused"
        assert page.evaluate(line) == [["R2style Dots", "error"]]
        assert "no Access-Control-Allow-Origin" in page.inner_text("#public-font .exchange")


# The presigned URL.


def test_a_url_is_made_and_curl_uploads(browser: Browser, demo: Demo) -> None:
    """The line that is shown uploads as it stands, and can be copied; the key is nowhere on the page."""
    with opened(browser, demo.origins["page"]) as page:
        page.click("#tab-r2")
        page.click("#presign")
        page.wait_for_selector("#signed:not([hidden])")
        url, line = page.inner_text("#signed-url"), page.inner_text("#curl")
        assert line == f'curl -X PUT "{url}" -H "Content-Type: text/plain" -d "123"'
        command = [found("curl"), "-sS", "--fail", *shlex.split(line)[1:]]
        subprocess.run(command, check=True, capture_output=True)
        page.click("#copy")
        page.wait_for_selector("#upload-state:not(:empty)")
        assert page.inner_text("#upload-state") in ("Copied.", "It is selected.")


def test_an_upload_is_read(browser: Browser, demo: Demo) -> None:
    """With the starter policy a file goes up with progress, and the page reads the ETag of it."""
    with opened(browser, demo.origins["page"]) as page:
        upload(page)
        verdict, requests, said = uploaded(page)
        assert (verdict, requests) == ("readable", ["OPTIONS → 204", "PUT → 200"])
        assert ETAG in said
        assert page.evaluate("document.querySelector('#upload progress').value") == 1
        assert "content-type: image/png" in said


def test_a_text_is_uploaded(browser: Browser, demo: Demo) -> None:
    """Without a file the text goes up, and no content type that needs leave."""
    with opened(browser, demo.origins["page"]) as page:
        page.click("#tab-r2")
        page.fill("#upload [name=text]", "abc")
        page.click("#send")
        page.wait_for_selector("#uploaded .result")
        _, requests, said = uploaded(page)
        assert requests == ["OPTIONS → 204", "PUT → 200"]
        assert hashlib.md5(b"abc").hexdigest() in said  # noqa: S324 - S3's ETag is an MD5
        assert "access-control-request-headers" not in said


LACKING = {
    "content-type": ('"content-type"', '"x-team"', "In rule 0, add content-type to AllowedHeaders."),
    "method": (', "PUT"', "", "In rule 0, add PUT to AllowedMethods."),
    "origin": ("http://", "https://", " to AllowedOrigins."),
}


@pytest.mark.parametrize(("old", "new", "sentence"), LACKING.values(), ids=LACKING)
def test_what_an_upload_lacks_is_named(*, browser: Browser, demo: Demo, old: str, new: str, sentence: str) -> None:
    """Without its line in the policy the file is not even sent, and the page says which line that is."""
    with opened(browser, demo.origins["page"]) as page:
        without(page, old, new)
        assert page.text_content("#send") == "Save the policy, and upload"
        upload(page)
        verdict, requests, said = uploaded(page)
        assert (verdict, requests) == ("blocked", ["OPTIONS → 403"])
        assert "The request itself is not sent." in said
        assert sentence in said
        wait(page, 2)


def test_an_etag_that_is_not_exposed_is_named(browser: Browser, demo: Demo) -> None:
    """Where the policy does not expose it, the upload succeeds, and the page says that it is withheld, and by what."""
    with opened(browser, demo.origins["page"]) as page:
        without(page, '"ETag"', '"x-team"')
        upload(page)
        verdict, requests, said = uploaded(page)
        assert (verdict, requests) == ("readable", ["OPTIONS → 204", "PUT → 200"])
        assert "is withheld from the page" in said
        assert "In rule 0, add ETag to ExposeHeaders." in said
        assert ETAG not in said
        wait(page, 2)


def test_a_bad_policy_is_not_uploaded_by(browser: Browser, demo: Demo) -> None:
    """A text with errors is not saved, and so nothing is uploaded."""
    with opened(browser, demo.origins["page"], expected=("status of 422",)) as page:
        page.fill("#text", "[")
        page.click("#tab-r2")
        page.click("#send")
        page.wait_for_selector("#state[data-kind=error]")
        assert page.locator("#uploaded .result").count() == 0


def test_too_large_a_file_is_refused(browser: Browser, demo: Demo) -> None:
    """The page's server signs for nothing that the bucket would refuse, and the page says so."""
    with opened(browser, demo.origins["page"], expected=("status of 413",)) as page:
        page.click("#tab-r2")
        page.set_input_files("[name=file]", PICTURE | {"buffer": b"x" * 10_000_001})  # type: ignore[arg-type]  # playwright's type of a file is its own
        page.click("#send")
        page.wait_for_selector("#upload-state:not(:empty)")
        assert page.inner_text("#upload-state") == "The bucket takes 10000000 bytes at most."
        assert page.locator("#uploaded .result").count() == 0


# The common issues: what the model says of the fault, and of the fix. `no policy` is one with an error.

SEEN = {
    "no-origin": ("opaque", "readable"),
    "origin-slash": ("no policy", "readable"),
    "etag": ("readable", "readable"),
    "content-type": ("blocked", "readable"),
    "http-https": ("blocked", "readable"),
    "server-origin": ("blocked", "readable"),
    "port-wildcard": ("no policy", "readable"),
    "wildcard-apex": ("blocked", "readable"),
    "null-origin": ("blocked", "readable"),
    "credentials": ("blocked", "readable"),
    "font": ("blocked", "readable"),
    "no-cors": ("opaque", "readable"),
    "patch": ("blocked", "readable"),
}
MODEL_ALONE = {("wildcard-apex", 0), ("wildcard-apex", 1), ("null-origin", 0)}


@pytest.mark.parametrize("name", SEEN)
def test_an_issue_and_its_fix(browser: Browser, demo: Demo, name: str) -> None:
    """Both links of an issue open what they say, unsaved, with the sentence beside it; and this browser bears it out."""
    at = list(SEEN).index(name)
    with opened(browser, demo.origins["page"], expected=("Failed to load resource", "Fetch API cannot load")) as page:
        page.click("#tab-r2")
        item = page.locator("#issues li").nth(at)
        title, sentence = item.locator("h3").inner_text(), item.locator("p").first.inner_text()
        for which, expected in enumerate(SEEN[name]):
            place = item if which == 0 else page.locator("#issue")
            follow(page, place.get_by_role("link").nth(which))
            assert page.inner_text("#issue h2") == title
            assert sentence in page.inner_text("#issue")
            assert page.locator("#issue [aria-current]").inner_text().startswith(("The fault", "The fix")[which])
            same = page.input_value("#text") == demo.policy.path.read_text(encoding="utf-8")  # a fix of the fetch alone
            assert page.inner_text("#state") == ("In force." if same else "Not saved yet.")
            assert shown(page) == expected
            assert page.is_disabled("#ask") is ((name, which) in MODEL_ALONE or expected == "no policy")
            if page.is_enabled("#ask"):
                bears_out(page)
        page.get_by_role("button", name="All issues").click()
        assert item.is_visible()


def shown(page: Page) -> str | None:
    """What the model says, or that the text is no policy."""
    if page.locator("#problems [data-severity=error]").count():
        assert page.inner_text("#model .said") == "This is no policy yet."
        return "no policy"
    return page.locator("#model .result").get_attribute("data-outcome")


def bears_out(page: Page) -> None:
    """Have this browser ask, and find that it does the same."""
    page.click("#ask")
    page.wait_for_selector("#real:not(:has(:disabled)) .said:not([data-stale]) .agreement")
    assert page.inner_text("#real .agreement") == "The model and this browser agree."


def test_issues_are_those_of_the_documents(browser: Browser, demo: Demo) -> None:
    """Each issue has its page among those on troubleshooting; the documentation's three come first."""
    pages = {"no-origin": "curl"}
    assert all((ISSUES / f"{pages.get(name, name)}.md").exists() for name in SEEN)
    with opened(browser, demo.origins["page"]) as page:
        assert page.locator("#issues li").count() == len(SEEN)


def test_the_fix_of_a_header_is_a_finding(browser: Browser, demo: Demo) -> None:
    """The fault of an ETag is read from what the page sees and from what is found in the policy; the fix has neither."""
    with opened(browser, demo.origins["page"]) as page:
        page.click("#tab-r2")
        follow(page, page.locator("#issues li").nth(2).get_by_role("link").first)
        assert "etag" not in page.inner_text("#model .readout")
        assert page.locator("#problems [data-code=etag-not-exposed]").count() == 1
        follow(page, page.locator("#issue").get_by_role("link").nth(1))
        assert "etag" in page.inner_text("#model .readout")
        assert page.locator("#problems [data-code=etag-not-exposed]").count() == 0


def test_an_issue_is_opened_twice(browser: Browser, demo: Demo) -> None:
    """The same link, once more, brings back what was edited meanwhile."""
    with opened(browser, demo.origins["page"]) as page:
        page.click("#tab-r2")
        follow(page, page.locator("#issues li").nth(3).get_by_role("link").first)
        text = page.input_value("#text")
        page.fill("#text", "[]")
        follow(page, page.locator("#issue").get_by_role("link").first)
        assert page.input_value("#text") == text


# For everyone.


def test_r2_page_from_the_keyboard(browser: Browser, demo: Demo) -> None:
    """Without a mouse: through the form to the upload, and on to an issue."""
    with opened(browser, demo.origins["page"]) as page:
        page.focus("#tab-r2")
        page.keyboard.press("Enter")

        def tab_to(selector: str) -> None:
            for _ in range(40):
                page.keyboard.press("Tab")
                if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                    return
            pytest.fail(f"{selector} cannot be reached")

        tab_to("#documented")
        tab_to("#upload [name=text]")
        page.keyboard.press("Enter")
        page.wait_for_selector("#uploaded .result")
        tab_to("#issues a")
        page.keyboard.press("Enter")
        page.wait_for_selector("#issue:focus")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_axe_finds_nothing_on_r2_page(browser: Browser, demo: Demo, size: tuple[int, int], scheme: Scheme) -> None:
    """With a refused upload and an issue on the page: no violation, and nothing too wide."""
    with opened(browser, demo.origins["page"], size, scheme) as page:
        without(page, '"content-type"', '"x-team"')
        upload(page)
        for issue in (False, True):
            page.click("#tab-r2")
            if issue:
                follow(page, page.locator("#issues li").nth(2).get_by_role("link").first)
            page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
            found_there = Axe().run(page)
            assert found_there.violations_count == 0, found_there.generate_report()
            assert page.evaluate("document.documentElement.scrollWidth") == size[0]
        wait(page, 2)
