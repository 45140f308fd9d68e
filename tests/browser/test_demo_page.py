"""The demonstration in a browser: every verdict is the browser's own, read from the page as a person reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.demo_page import LAPTOP, PHONE, opened, wait

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from r2style_cors.demo._serve import Demo
    from support.demo_page import Scheme

DOORS = ("asgi", "wsgi")
STARTER = {
    "font": "granted",
    "image": "granted",
    "get": "granted",
    "put": "granted",
    "origin": "refused",
    "method": "refused",
    "header": "refused",
}


def verdicts(page: Page) -> dict[str, str]:
    """Every verdict on the page, in its order; the page has checked none that the policy does not bear out."""
    cards = page.locator("#checks article")
    found = {}
    for index in range(cards.count()):
        card = cards.nth(index)
        verdict = card.get_attribute("data-verdict") or ""
        assert card.get_attribute("data-expected") == verdict
        assert card.locator(".verdict").inner_text() == verdict.capitalize()
        found[card.get_attribute("data-check") or ""] = verdict
    return found


def edit(page: Page, old: str, new: str) -> None:
    """Replace text in the editor and save it."""
    text = page.input_value("#text")
    assert old in text
    page.fill("#text", text.replace(old, new))
    page.click("#save")


@pytest.mark.parametrize("door", DOORS)
def test_every_verdict(browser: Browser, demo: Demo, door: str) -> None:
    """Behind either server the browser grants and refuses what the starter policy says, and the tally counts it."""
    with opened(browser, demo.origins["page"]) as page:
        if door == "wsgi":
            page.check("[name=door][value=wsgi]")
            wait(page, 2)
        assert page.locator("#checks").get_attribute("data-door") == door
        assert verdicts(page) == STARTER
        assert page.inner_text("#tally") == f"{door.upper()} bucket: 4 granted, 3 refused"


@pytest.mark.parametrize("door", DOORS)
def test_what_crossed_the_wire_is_shown(browser: Browser, demo: Demo, door: str) -> None:
    """A card shows the preflight and the actual request with the headers that the server sent."""
    with opened(browser, demo.origins["page"]) as page:
        page.check(f"[name=door][value={door}]")
        runs = 1 if door == "asgi" else 2  # another door is another run
        wait(page, runs)
        page.click("#run")
        wait(page, runs + 1)
        put = [text.lower() for text in page.locator("#put .exchange").all_inner_texts()]
        assert len(put) == 2
        assert "preflight" in put[0]
        assert "access-control-request-method: put" in put[0]
        assert "status 204" in put[0]
        assert f"access-control-allow-origin: {demo.origins['page']}" in put[0]
        assert "actual request" in put[1]
        assert "content-type: application/json" in put[1]
        assert "access-control-expose-headers: etag" in put[1]
        refused = page.inner_text("#origin .exchange").lower()
        assert f"origin: {demo.origins['other']}" in refused
        assert "status 200" in refused
        assert "no access-control-allow-origin" in refused


def test_font_and_image_are_seen(browser: Browser, demo: Demo) -> None:
    """A granted font sets its line and a granted image is drawn; refused, both are gone."""
    drawn = "document.querySelector('#image img').naturalWidth"
    fonts = "[...document.fonts].filter(({ status }) => status === 'loaded').length"
    with opened(browser, demo.origins["page"]) as page:
        assert (page.evaluate(drawn), page.evaluate(fonts)) == (480, 1)
        edit(page, '"GET", ', "")
        wait(page, 2)
        assert (page.evaluate(drawn), page.evaluate(fonts)) == (0, 0)
        assert page.locator("#image .withheld").is_visible()


@pytest.mark.parametrize(
    ("check", "old", "new", "verdict"),
    [
        ("origin", '["http', '["{other}", "http', "granted"),
        ("method", '"PUT"]', '"PUT", "DELETE"]', "granted"),
        ("header", '["content-type"]', '["content-type", "x-team"]', "granted"),
        ("put", '["content-type"]', '["accept"]', "refused"),
        ("get", '"GET", ', "", "refused"),
    ],
    ids=["origin", "method", "header", "content-type", "no-get"],
)
@pytest.mark.parametrize("door", DOORS)
def test_an_edit_flips_a_verdict(
    *, browser: Browser, demo: Demo, door: str, check: str, old: str, new: str, verdict: str
) -> None:
    """What the page advises to try is so: an edit of the policy on the page changes the browser's verdict."""
    with opened(browser, demo.origins["page"]) as page:
        page.check(f"[name=door][value={door}]")
        wait(page, 1 if door == "asgi" else 2)
        assert verdicts(page) == STARTER
        edit(page, old, new.replace("{other}", demo.origins["other"]))
        wait(page, 2 if door == "asgi" else 3)
        assert verdicts(page)[check] == verdict
        assert page.inner_text("#state") == "Saved, and in force."


def test_exposed_header_is_read(browser: Browser, demo: Demo) -> None:
    """The page reads an ETag that the policy exposes, and no other."""
    with opened(browser, demo.origins["page"]) as page:
        assert "ETag" in page.inner_text("#get .readout")
        edit(page, '["ETag"]', '["x-none"]')
        wait(page, 2)
        assert "no ETag" in page.inner_text("#get .readout")
        assert verdicts(page) == STARTER


def test_an_invalid_policy_is_explained(browser: Browser, demo: Demo) -> None:
    """Every problem is shown with its place, which a click goes to; file and verdicts stay, and so does one's text."""
    before = demo.policy.path.read_bytes()
    with opened(browser, demo.origins["page"], expected=("status of 422",)) as page:
        edit(page, '"PUT"]', '"PUT", "OPTIONS"]')
        page.wait_for_selector("#problems li")
        problem = page.locator("#problems li")
        assert problem.get_attribute("data-code") == "method-options"
        assert "OPTIONS" in problem.inner_text()
        problem.get_by_role("button").click()
        caret = page.evaluate("document.querySelector('#text').selectionStart")
        assert page.input_value("#text")[caret:].startswith('"OPTIONS"')
        assert page.inner_text("#state").startswith("Not saved.")
        page.click("#run")
        wait(page, 2)
        assert verdicts(page) == STARTER
        assert demo.policy.path.read_bytes() == before
        page.click("#revert")
        page.wait_for_selector("#problems:empty", state="attached")
        assert page.input_value("#text") == before.decode()


def test_an_edit_of_the_file_is_seen(browser: Browser, demo: Demo) -> None:
    """A policy edited in one's own editor comes into the page by itself; a broken one is explained meanwhile."""
    text = demo.policy.path.read_text(encoding="utf-8")
    with opened(browser, demo.origins["page"]) as page:
        demo.policy.path.write_text(text[:-3], encoding="utf-8")
        wait(page, 2)
        assert "last good policy stays in force" in page.inner_text("#state")
        page.wait_for_selector("#problems li")
        assert verdicts(page) == STARTER
        demo.policy.path.write_text(text.replace('"PUT"', '"PUT", "DELETE"'), encoding="utf-8")
        wait(page, 3)
        assert page.inner_text("#state") == "In force."
        assert verdicts(page)["method"] == "granted"


def test_unsaved_text_is_not_lost(browser: Browser, demo: Demo) -> None:
    """Where the file changes under an unsaved text, the page says so and leaves the text alone."""
    text = demo.policy.path.read_text(encoding="utf-8")
    with opened(browser, demo.origins["page"]) as page:
        page.fill("#text", "mine")
        demo.policy.path.write_text(text.replace('"PUT"', '"PUT", "DELETE"'), encoding="utf-8")
        wait(page, 2)
        assert page.input_value("#text") == "mine"
        assert "changed meanwhile" in page.inner_text("#state")
        page.type("#text", " and more")
        assert "changed meanwhile" in page.inner_text("#state")


def test_a_demo_that_stops_is_told_of(browser: Browser, demo: Demo) -> None:
    """Where the demo answers no more, the page claims nothing that it cannot know; once it answers again, all is told again."""
    gone = "The demo does not answer. Is it still running?"
    with opened(browser, demo.origins["page"]) as page:
        for path in ("**/policy", "**/examine"):
            page.route(path, lambda route: route.abort())
        page.wait_for_function("words => document.querySelector('#found').textContent === words", arg=gone)
        assert page.inner_text("#state") == gone
        page.unroute_all()
        page.wait_for_function("() => document.querySelector('#found').textContent.startsWith('Nothing')")
        assert page.inner_text("#state") == "In force."


def test_page_on_another_name_is_refused(browser: Browser, demo: Demo) -> None:
    """The same page, opened by its address, is another origin, and the starter policy grants it nothing."""
    with opened(browser, demo.origins["page"].replace("localhost", "127.0.0.1")) as page:
        assert set(verdicts(page).values()) == {"refused"}


def test_policy_is_saved_from_the_keyboard(browser: Browser, demo: Demo) -> None:
    """The editor is reached by its label and saves on Ctrl-S."""
    with opened(browser, demo.origins["page"]) as page:
        editor = page.get_by_label("Policy", exact=True)
        editor.fill(editor.input_value().replace('"PUT"', '"PUT", "DELETE"'))
        editor.press("Control+s")
        wait(page, 2)
        assert verdicts(page)["method"] == "granted"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("name", "size"), [("laptop", LAPTOP), ("phone", PHONE)], ids=["laptop", "phone"])
def test_page_fits(
    *,
    browser: Browser,
    demo: Demo,
    screenshots: Path,
    name: str,
    size: tuple[int, int],
    scheme: Scheme,
) -> None:
    """Nothing is wider than the window, the colours follow the scheme, and all text has contrast enough."""
    with opened(browser, demo.origins["page"], size, scheme) as page:
        page.screenshot(path=screenshots / f"{name}-{scheme}.png")
        page.screenshot(path=screenshots / f"{name}-{scheme}-full.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") == size[0]
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (luminance(ground) < 0.5) is (scheme == "dark")
        assert {text: ratio for text, ratio in contrasts(page).items() if ratio < 4.5} == {}


# Each element that has text of its own, with its colour and the first opaque ground behind it.
COLOURS = """() => [...document.querySelectorAll("body *")].filter(
  (one) => one.checkVisibility() && [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim())
).map((one) => {
  let ground = one;
  while (getComputedStyle(ground).backgroundColor === "rgba(0, 0, 0, 0)") ground = ground.parentElement;
  return [one.textContent, getComputedStyle(one).color, getComputedStyle(ground).backgroundColor];
})"""


def contrasts(page: Page) -> dict[str, float]:
    """The contrast of each text on the page with what is behind it (WCAG 2, contrast ratio)."""
    found = {}
    for text, colour, ground in page.evaluate(COLOURS):
        dark, light = sorted((luminance(colour), luminance(ground)))
        found[text] = (light + 0.05) / (dark + 0.05)
    assert len(found) > len(STARTER)
    return found


def luminance(colour: str) -> float:
    """The relative luminance of an opaque `rgb(…)` (WCAG 2)."""
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
