"""The playground in a browser: findings while one types, the matrix, one fetch by the model and in truth, the link."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from r2style_cors import Policy, convert, matrix
from support.demo_page import LAPTOP, PHONE, opened, settled, wait

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from r2style_cors.demo._serve import Demo
    from support.demo_page import Scheme

FORMS = ("dashboard", "api", "s3", "xml", "terraform")
VIEWS = ("checks", "fetch", "matrix", "r2")


def typed(page: Page, text: str) -> None:
    """Write a text into the editor, and wait for what is found in it."""
    page.fill("#text", text)
    settled(page)


def describe(page: Page, fields: dict[str, str]) -> None:
    """Describe a fetch in the form."""
    page.click("#tab-fetch")
    for name, value in fields.items():
        field = page.locator(f"[name={name}]")
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    settled(page)


def really(page: Page) -> None:
    """Have this browser ask, and wait for what it did."""
    page.click("#ask")
    page.wait_for_selector("#real:not(:has(:disabled)) .said:not([data-stale]) .agreement")


def shape(page: Page, side: str) -> tuple[str | None, list[str]]:
    """What came of the fetch on one side, and the requests on the wire."""
    said = page.locator(f"#{side} .said")
    requests = said.locator("summary code").all_inner_texts()
    return said.locator(".result").get_attribute("data-outcome"), requests


# The editor.


@pytest.mark.parametrize("form", FORMS)
def test_a_finding_is_underlined_as_one_types(browser: Browser, demo: Demo, form: str) -> None:
    """In every form a mistake is underlined, and listed with why it is one; its button puts the caret there."""
    text = convert(demo.policy.path.read_bytes(), form).text
    put, options = (">PUT<", ">OPTIONS<") if form == "xml" else ('"PUT"', '"OPTIONS"')
    with opened(browser, demo.origins["page"]) as page:
        typed(page, text.replace(put, options))
        assert page.locator("#marks mark").all_inner_texts() == [options.strip("<>")]
        assert page.locator("#marks mark").get_attribute("data-severity") == "error"
        assert page.locator("#problems li").get_attribute("data-code") == "method-options"
        assert page.inner_text("#found") == "1 error"
        assert page.get_attribute("#text", "aria-invalid") == "true"
        page.locator("#problems").get_by_role("button").click()
        caret = page.evaluate("document.activeElement.selectionStart")
        assert page.input_value("#text")[caret:].startswith(options.strip("<>"))
        typed(page, text)
        assert page.locator("#marks mark").count() == page.locator("#problems li").count() == 0
        assert page.input_value("#form") == form


def test_an_unwise_policy_is_told_of(browser: Browser, demo: Demo) -> None:
    """What can be enforced and is unwise is underlined otherwise, and the model answers all the same."""
    with opened(browser, demo.origins["page"]) as page:
        typed(page, '[{"AllowedOrigins": ["http://app.example"], "AllowedMethods": ["GET", "HEAD"]}]')
        assert page.locator("#problems li").get_attribute("data-code") == "origin-http"
        assert page.locator("#marks mark").get_attribute("data-severity") == "warning"
        assert page.get_attribute("#text", "aria-invalid") == "false"
        page.click("#tab-fetch")
        assert page.locator("#model .result").is_visible()


def test_nothing_is_told_of_a_text_that_is_too_large(browser: Browser, demo: Demo) -> None:
    """A text that the demo does not read is said to be too large; what was found in the one before it is not shown."""
    with opened(browser, demo.origins["page"], expected=("400 (Bad Request)",)) as page:
        typed(page, "[1]")
        typed(page, "1" * 70_000)
        assert page.inner_text("#found").startswith("That is too large")
        assert page.locator("#problems li").count() == page.locator("#marks mark").count() == 0
        page.click("#tab-matrix")
        assert page.inner_text("#matrix .scroll").startswith("That is too large")


def test_columns_count_characters(browser: Browser, demo: Demo) -> None:
    """A character that JavaScript counts as two units moves no underline."""
    with opened(browser, demo.origins["page"]) as page:
        typed(page, '[{"ID": "\N{SHIP}\N{SAILBOAT}\U0001f5fc", "AllowedOrigins": ["*"], "AllowedMethods": ["PATCH"]}]')
        assert page.locator("#marks mark[data-severity=error]").all_inner_texts() == ['"PATCH"']


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_underlines_lie_under_their_text(browser: Browser, demo: Demo, size: tuple[int, int]) -> None:
    """The layer behind the editor has its letters, its lines and its scroll position."""
    lines = [f'    "https://a-rather-long-name-of-a-host-{number}.example",' for number in range(60)]
    text = '[{"AllowedOrigins": [\n' + "\n".join(lines)
    look = """id => { const at = document.getElementById(id), style = getComputedStyle(at);
      const { x, y } = at.getBoundingClientRect();
      return [style.font, style.whiteSpace, style.overflowWrap, style.tabSize, style.paddingLeft, style.paddingTop,
        x, y, at.scrollTop, at.scrollLeft, at.clientWidth]; }"""
    with opened(browser, demo.origins["page"], size) as page:
        typed(page, text)
        page.evaluate("document.querySelector('#text').scrollTo({ top: 300, left: 40 })")
        page.wait_for_function("() => document.querySelector('#marks').scrollTop === 300")
        assert page.evaluate(look, "marks") == page.evaluate(look, "text")


def test_a_policy_is_shown_in_every_form(browser: Browser, demo: Demo) -> None:
    """Chosen one after the other, the forms say the same, and nothing of it is saved until one saves it."""
    policy = Policy.parse(demo.policy.path.read_bytes())
    before = demo.policy.path.read_bytes()
    with opened(browser, demo.origins["page"]) as page:
        for form in (*FORMS[1:], "dashboard"):
            before_it = page.input_value("#text")
            page.select_option("#form", form)
            page.wait_for_function("text => document.querySelector('#text').value !== text", arg=before_it)
            settled(page)
            shown = Policy.parse(page.input_value("#text"))
            assert (shown, shown.form) == (policy, form)
            assert page.input_value("#form") == form
        assert page.inner_text("#state") == "Not saved yet."
    assert demo.policy.path.read_bytes() == before


def test_a_broken_policy_stays_in_its_form(browser: Browser, demo: Demo) -> None:
    """What cannot be read cannot be put in another form; the page says so, and the text stays."""
    broken = '[{"AllowedOrigins": ["*"], "AllowedMethods": ["PATCH"]}]'
    with opened(browser, demo.origins["page"], expected=("status of 422",)) as page:
        typed(page, broken)
        page.select_option("#form", "xml")
        page.wait_for_selector("#state[data-kind=error]")
        assert page.inner_text("#state").startswith("It stays in its form: ")
        assert (page.input_value("#form"), page.input_value("#text")) == ("dashboard", broken)


# The matrix.


def test_matrix_is_that_of_the_text(browser: Browser, demo: Demo) -> None:
    """Every cell says what `matrix` says of the text in the editor; of a text that is no policy there is none."""
    text = json.dumps([
        {"AllowedOrigins": ["https://*.example.com"], "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["x-a", "x-b"]},
        {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], "AllowedHeaders": ["*"]},
        {"AllowedOrigins": ["https://b.example"], "AllowedMethods": ["HEAD"]},
    ])  # fmt: skip
    told = {"none": "no header", "all": "any header"}
    expected = [
        [row.origin]
        + [
            "\n".join(f"rule {one.rule}: {told.get(one.headers, ', '.join(one.names))}" for one in cell.grants) or "no"
            for cell in row.cells
        ]
        for row in matrix(Policy.parse(text)).rows
    ]
    with opened(browser, demo.origins["page"]) as page:
        page.click("#tab-matrix")
        typed(page, text)
        rows = page.locator("#matrix tbody tr")
        assert [rows.nth(at).locator("th, td").all_inner_texts() for at in range(rows.count())] == expected
        typed(page, "[")
        assert rows.count() == 0
        assert "no policy yet" in page.inner_text("#matrix")


# One fetch, by the model and in truth.

PUT = {"method": "PUT", "path": "/note.json", "headers": "content-type: application/json", "body": "{}"}
GET = {"method": "GET", "path": "/data.json", "headers": "", "body": ""}
READS = ["GET → 200"]
ASKED: dict[str, tuple[dict[str, str], str, list[str]]] = {
    "put": (PUT, "readable", ["OPTIONS → 204", "PUT → 200"]),
    "get": (GET, "readable", READS),
    "head": (GET | {"method": "HEAD"}, "readable", ["HEAD → 200"]),
    "missing-file": (GET | {"path": "nowhere.txt"}, "readable", ["GET → 404"]),
    "query": (GET | {"path": "/data.json?part=1"}, "readable", READS),
    "safelisted-header": (GET | {"headers": "Accept-Language: de"}, "readable", READS),
    "method-refused": (GET | {"method": "DELETE"}, "blocked", ["OPTIONS → 403"]),
    "method-case": (GET | {"method": "patch"}, "blocked", ["OPTIONS → 403"]),
    "method-forbidden": (GET | {"method": "TRACE"}, "blocked", []),
    "header-refused": (GET | {"headers": "x-team: blue\n\nx-crew: red"}, "blocked", ["OPTIONS → 403"]),
    "header-broken": (GET | {"headers": "x team"}, "blocked", []),
    "body-in-a-get": (GET | {"body": "x"}, "blocked", []),
    "credentials": (GET | {"credentials": "include"}, "blocked", READS),
    "no-cors": (GET | {"mode": "no-cors"}, "opaque", READS),
    "no-cors-put": (PUT | {"mode": "no-cors"}, "blocked", []),
    "same-origin": (GET | {"mode": "same-origin"}, "blocked", []),
    "xhr": (PUT | {"kind": "xhr"}, "readable", ["OPTIONS → 204", "PUT → 200"]),
    "xhr-get-with-a-body": (GET | {"kind": "xhr", "body": "x"}, "readable", READS),
    "xhr-refused": (GET | {"kind": "xhr", "method": "DELETE"}, "blocked", ["OPTIONS → 403"]),
    "xhr-credentials": (GET | {"kind": "xhr", "credentials": "include"}, "blocked", READS),
    "image": ({"kind": "image"}, "opaque", READS),
    "image-anonymous": ({"kind": "image-anonymous"}, "readable", READS),
    "image-credentials": ({"kind": "image-credentials"}, "blocked", READS),
    "font": ({"kind": "font"}, "readable", READS),
}


@pytest.mark.parametrize(("fields", "outcome", "requests"), ASKED.values(), ids=ASKED)
def test_the_model_and_this_browser_agree(
    *, browser: Browser, demo: Demo, fields: dict[str, str], outcome: str, requests: list[str]
) -> None:
    """Whatever is described, the model foresees what this browser does: the requests, what came of it, what is read."""
    with opened(browser, demo.origins["page"], expected=("Failed to load resource", "Fetch API cannot load")) as page:
        describe(page, fields)
        really(page)
        assert shape(page, "model") == shape(page, "real") == (outcome, requests)
        assert page.inner_text("#real .agreement") == "The model and this browser agree."


FROM_THE_FRAME = {
    "fetch": (GET, READS),
    "put": (PUT, ["OPTIONS → 403"]),
    "xhr": (GET | {"kind": "xhr"}, READS),
    "image": ({"kind": "image-anonymous"}, READS),
    "font": ({"kind": "font"}, READS),
}


@pytest.mark.parametrize(("fields", "requests"), FROM_THE_FRAME.values(), ids=FROM_THE_FRAME)
@pytest.mark.parametrize("listed", [False, True], ids=["unlisted", "listed"])
def test_another_origin_asks_from_its_frame(
    *, browser: Browser, demo: Demo, fields: dict[str, str], requests: list[str], listed: bool
) -> None:
    """The frame's origin is blocked until the policy lists it, and the model says so before."""
    other = demo.origins["other"]
    with opened(browser, demo.origins["page"], expected=("Failed to load resource", "Fetch API cannot load")) as page:
        if listed:
            typed(page, page.input_value("#text").replace('["http', f'["{other}", "http'))
        describe(page, {"page": other, **fields})
        really(page)
        assert page.inner_text("#real .agreement") == "The model and this browser agree."
        outcome, wire = shape(page, "real")
        assert outcome == ("readable" if listed else "blocked")
        assert wire == (["OPTIONS → 204", "PUT → 200"] if listed and fields == PUT else requests)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"page": "https://app.example"}, "Only the model is asked: this browser can ask from"),
        ({"page": "null"}, "Only the model is asked: this browser can ask from"),
        ({"kind": "module"}, "Only the model is asked: this page lets no script in"),
    ],
    ids=["another-origin", "opaque-origin", "module"],
)
def test_what_this_browser_cannot_ask(browser: Browser, demo: Demo, fields: dict[str, str], why: str) -> None:
    """Where this browser cannot ask, the page says why, and the model answers."""
    with opened(browser, demo.origins["page"]) as page:
        describe(page, fields)
        assert page.is_disabled("#ask")
        assert page.inner_text("#why-not").startswith(why)
        assert page.locator("#model .result").is_visible()


def test_no_such_fetch(browser: Browser, demo: Demo) -> None:
    """A page that is no origin is refused in words, and nobody is asked."""
    with opened(browser, demo.origins["page"]) as page:
        describe(page, {"page": "app.example"})
        assert "is no origin" in page.inner_text("#model .said")
        assert page.is_disabled("#ask")


def test_a_refusal_is_explained(browser: Browser, demo: Demo) -> None:
    """Rule by rule and step by step it is said why, with the console's words and what would grant it."""
    with opened(browser, demo.origins["page"]) as page:
        describe(page, GET | {"method": "DELETE", "headers": "x-team: blue"})
        said = page.locator("#model .said")
        rule = said.locator(".rules tbody tr")
        assert rule.locator("th, td").all_inner_texts() == ["0", "yes", "no", "x-team no"]
        assert "Fetch 4.10" in said.locator(".steps [data-passed=false]").inner_text()
        assert "blocked by CORS policy" in said.locator(".console").inner_text()
        assert '"DELETE"' in said.locator(".fragment").inner_text()
        page.select_option("[name=browser]", "firefox")
        settled(page)
        assert "Cross-Origin Request Blocked" in said.locator(".console").inner_text()


def test_a_fetch_that_never_leaves_is_explained(browser: Browser, demo: Demo) -> None:
    """A step that fails before anything is sent is shown by itself."""
    with opened(browser, demo.origins["page"]) as page:
        describe(page, GET | {"mode": "same-origin"})
        assert "Fetch 4.1" in page.inner_text("#model .said > .steps")
        assert page.locator("#model .exchange").count() == 0


def test_an_unsaved_policy_is_saved_before_it_is_asked(browser: Browser, demo: Demo) -> None:
    """The model follows the text at once; the button saves it first, and then this browser does the same."""
    with opened(browser, demo.origins["page"]) as page:
        describe(page, GET | {"method": "DELETE"})
        typed(page, page.input_value("#text").replace('"PUT"', '"PUT", "DELETE"'))
        assert shape(page, "model") == ("readable", ["OPTIONS → 204", "DELETE → 204"])
        assert page.inner_text("#ask") == "Save the policy, and ask"
        really(page)
        assert shape(page, "real") == shape(page, "model")
        assert '"DELETE"' in demo.policy.path.read_text(encoding="utf-8")
        wait(page, 2)


def test_an_old_answer_is_marked(browser: Browser, demo: Demo) -> None:
    """What this browser did is marked as soon as the fetch is another one, until it is asked again."""
    with opened(browser, demo.origins["page"]) as page:
        describe(page, GET)
        really(page)
        describe(page, {"method": "HEAD"})
        assert page.get_attribute("#real .said", "data-stale") == "true"
        assert "has changed" in page.inner_text("#why-not")
        really(page)
        assert page.inner_text("#why-not") == ""


def test_a_disagreement_is_told(browser: Browser, demo: Demo) -> None:
    """Where this browser does not do what was foreseen, the page says what: here the file is no picture."""
    with opened(browser, demo.origins["page"]) as page:
        describe(page, {"kind": "image-anonymous"})
        describe(page, {"path": "/hello.txt"})
        really(page)
        assert page.inner_text("#real .agreement") == "The model said otherwise: readable, and not blocked."


@pytest.mark.parametrize("door", ["asgi", "wsgi"])
def test_either_bucket_is_asked(browser: Browser, demo: Demo, door: str) -> None:
    """The described fetch asks the bucket that is chosen above."""
    with opened(browser, demo.origins["page"]) as page:
        urls: list[str] = []
        page.on("request", lambda request: urls.append(request.url))
        describe(page, GET)
        page.check(f"[name=door][value={door}]")
        really(page)
        asked = [url for url in urls if "id=real-" in url and "/exchanges" not in url]
        assert asked
        assert all(url.startswith(demo.origins[door]) for url in asked)


# The link.


def state_of(url: str) -> Any:
    """What a link carries."""
    encoded = url.partition("#state=")[2]
    return json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))


def link_with(state: object) -> str:
    """A fragment that carries `state`."""
    return "#state=" + base64.urlsafe_b64encode(json.dumps(state).encode()).decode().rstrip("=")


def test_a_link_carries_everything(browser: Browser, demo: Demo) -> None:
    """Opened elsewhere, a link shows text, fetch, bucket and view again, and neither saves nor sends any of it."""
    before = demo.policy.path.read_bytes()
    with opened(browser, demo.origins["page"]) as page:
        page.check("[name=door][value=wsgi]")
        describe(page, PUT | {"page": demo.origins["other"], "body": "\N{SHIP} é"})
        typed(page, page.input_value("#text").replace("600", "601"))
        page.click("#link")
        page.wait_for_selector("#linked:not(:empty)")
        url, text = page.url, page.input_value("#text")
    assert state_of(url)["asked"]["page"] == "other"
    with opened(browser, url) as page:
        page.wait_for_selector("#model .result")
        assert page.input_value("#text") == text
        assert page.inner_text("#state") == "Not saved yet."
        assert page.is_checked("[name=door][value=wsgi]")
        assert page.get_attribute("#tab-fetch", "aria-selected") == "true"
        values = [page.input_value(f"[name={name}]") for name in ("page", "method", "headers", "body")]
        assert values == [demo.origins["other"], "PUT", PUT["headers"], "\N{SHIP} é"]
        assert page.locator("#real .result").count() == 0
    assert demo.policy.path.read_bytes() == before


def test_a_link_is_followed_on_the_open_page(browser: Browser, demo: Demo) -> None:
    """A link pasted over the open page's address is shown without a reload."""
    with opened(browser, demo.origins["page"]) as page:
        link = link_with({"policy": "[]", "asked": {"page": "null", "unknown": "x"}, "view": "tab-matrix"})
        page.evaluate("link => { location.hash = link; }", link)
        page.wait_for_selector("#view-matrix:not([hidden])")
        assert page.input_value("#text") == "[]"
        assert page.input_value("[name=page]") == "null"


@pytest.mark.parametrize(
    "fragment",
    [
        "#state=",
        "#state=***",
        "#state=_w",
        link_with(None),
        link_with({"policy": 1, "asked": {}}),
        link_with({"policy": ""}),
    ],
    ids=["empty", "no-base64", "no-utf-8", "null", "no-text", "half"],
)
def test_a_damaged_link_is_told_of(browser: Browser, demo: Demo, fragment: str) -> None:
    """A fragment that holds no state changes nothing, and the page says so."""
    with opened(browser, demo.origins["page"] + "/" + fragment) as page:
        assert page.inner_text("#linked") == "This link cannot be read."
        assert page.input_value("#text") == demo.policy.path.read_text(encoding="utf-8")


# For everyone.


def test_all_of_it_from_the_keyboard(browser: Browser, demo: Demo) -> None:
    """Without a mouse: to the tabs, through them by arrows, into the form, and to the button that asks."""
    focused = "document.activeElement.id || document.activeElement.name"
    with opened(browser, demo.origins["page"]) as page:

        def tab_to(wanted: str) -> None:
            for _ in range(40):
                page.keyboard.press("Tab")
                if page.evaluate(focused) == wanted:
                    return
            pytest.fail(f"{wanted} cannot be reached")

        tab_to("text")
        tab_to("tab-checks")
        page.keyboard.press("ArrowLeft")
        assert page.evaluate(focused) == "tab-r2"
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        assert page.evaluate(focused) == "tab-fetch"
        page.keyboard.press("End")
        page.keyboard.press("Home")
        page.keyboard.press("a")
        assert page.evaluate(focused) == "tab-checks"
        page.keyboard.press("ArrowRight")
        tab_to("method")
        page.keyboard.press("Control+a")
        page.keyboard.type("DELETE")
        settled(page)
        tab_to("ask")
        page.keyboard.press("Enter")
        page.wait_for_selector("#real .agreement")
        assert shape(page, "real") == ("blocked", ["OPTIONS → 403"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_axe_finds_nothing(browser: Browser, demo: Demo, size: tuple[int, int], scheme: Scheme) -> None:
    """In every view, with findings, a refusal and this browser's answer on the page: no violation, and nothing too wide."""
    with opened(browser, demo.origins["page"], size, scheme) as page:
        describe(page, GET | {"method": "DELETE"})
        really(page)
        typed(page, page.input_value("#text").replace('"ETag"', '"*"'))
        page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
        for view in VIEWS:
            page.click(f"#tab-{view}")
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
            assert page.evaluate("document.documentElement.scrollWidth") == size[0]


def test_nothing_comes_from_elsewhere(browser: Browser, demo: Demo) -> None:
    """Everything that the page loads comes from the demo's own four ports."""
    with browser.new_context() as context:
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(demo.origins["page"])
        wait(page, 1)
        describe(page, PUT)
        really(page)
        ours = tuple(f"{origin}/" for origin in demo.origins.values())
        assert len(asked) > 20
        assert [url for url in asked if not url.startswith(ours)] == []
