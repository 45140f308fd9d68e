"""A real browser comes to the same verdict as `probe`, server by misbehaving server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.scripted import SCENARIOS, Scenario, servers

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FETCH = """
([url, method, headers, credentials]) =>
    fetch(url, {method, headers, credentials: credentials ? "include" : "omit", cache: "no-store"})
        .then(() => "readable", () => "blocked")
"""


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_browser_agrees(browser: Browser, scenario: Scenario) -> None:
    """A page that asks as the scenario does may read the answer where the scenario says so, and nowhere else."""
    with servers(scenario.answers) as site, browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{site.page}/")
        asked = [f"{site.here}/", scenario.method, dict(scenario.headers), scenario.credentials]
        assert page.evaluate(FETCH, asked) == (scenario.chromium or scenario.verdict)
