"""The model of the browser and real browsers agree about generated fetches."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from browser.proof.browsers import EXECUTABLES, executable
from browser.proof.document import DOCUMENT, Result, with_departures, with_result
from browser.proof.generate import generated
from browser.proof.proof import Proof, cases_of, proof

if TYPE_CHECKING:
    from collections.abc import Iterator

    from browser.proof.cases import Json

SEED = 1
FETCHES = {"chromium": 300, "firefox": 100, "webkit": 100}


@pytest.fixture(scope="module", params=FETCHES)
def work(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proof]:
    """Each browser that is installed, ready to be compared."""
    name: str = request.param
    if executable(name) is None:
        missing = f"none of {', '.join(EXECUTABLES[name])} is installed"
        if name == "chromium" and os.environ.get("R2STYLE_CORS_REQUIRE_BROWSER") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    with proof(name, tmp_path_factory.mktemp(name)) as ready:
        yield ready


def test_model_and_browser_agree(work: Proof) -> None:
    """Requests, preflights, outcomes and visible headers are what the model says, in every generated case."""
    found = work.disagreements(cases_of(SEED, FETCHES[work.browser]))
    assert not found, "\n".join(str(work.shrunk(each)) for each in found[:3])
    assert work.fetches >= FETCHES[work.browser]


RULE = {"AllowedOrigins": ["https://app.example"], "AllowedMethods": ["GET"], "AllowedHeaders": ["*"]}
DEPARTING: Json = {
    "page": "https://app.example",
    "places": {"https://files.example": {"policy": [RULE], "answers": {"/~case~/0": {"headers": [["ETag", "1"]]}}}},
    "fetches": [
        {"url": "https://files.example/~case~/1", "method": "DELETE"},
        {
            "url": "https://files.example/~case~/0",
            "headers": [["Accept", "*/*"], ["Save-Data", "on"], ["X-A", "1"], ["X-A", "2"], ["Range", "Bytes=0-1"]],
        },
    ],
}
DEPARTURES = {
    "chromium": [["Save-Data", "on"]],
    "firefox": [["X-A", "1"], ["X-A", "2"]],
    "webkit": [["Range", "Bytes=0-1"]],
}


def test_a_disagreement_is_found_and_shrunk(work: Proof) -> None:
    """A model without the browser's departures is wrong about it, and shown to be by no more than one of them."""
    wrong = replace(work, browser="standard")
    (found,) = wrong.disagreements([("made", DEPARTING)])
    least = wrong.shrunk(found).case
    assert least["fetches"] == [{"url": "https://files.example/~case~/0", "headers": DEPARTURES[work.browser]}]
    assert (least["places"], work.disagreements([("made", DEPARTING)])) == ({}, [])


def test_a_seed_makes_its_case_again() -> None:
    """A case depends on its seed alone, and another seed makes another."""
    assert generated("1:7") == generated("1:7") != generated("1:8")


def test_every_dimension_is_generated() -> None:
    """Two thousand fetches have every way of fetching, mode, redirect mode, kind of body and door in them."""
    cases = [case for _, case in cases_of(SEED, 2000)]
    asks = [ask for case in cases for ask in case["fetches"]]
    places = [place for case in cases for place in case["places"].values()]
    assert {ask["by"] for ask in asks} == {
        "fetch", "xhr", "image", "module", "font", "script", "stylesheet", "video", "audio",
    }  # fmt: skip
    assert {ask.get("mode", "cors") for ask in asks} == {"cors", "no-cors", "same-origin"}
    assert {ask.get("redirect", "follow") for ask in asks} == {"follow", "error", "manual"}
    assert {ask.get("body") for ask in asks} == {None, "text", "search-params", "form-data", "blob", "bytes", "stream"}
    assert {place.get("door") for place in places} == {None, "asgi", "wsgi"}
    assert {case["page"] == "null" for case in cases} == {True, False}


def test_the_document_knows_every_departure() -> None:
    """docs/browsers.md lists the departures that the model has, no more and no others."""
    text = DOCUMENT.read_text()
    assert with_departures(text) == text


def test_a_result_takes_its_row() -> None:
    """A run with a seed that is in the document already takes the place of that row; another adds one."""
    text = "<!-- results -->\n| a |\n| - |\n| Chromium | 1 | 7 | 10 | 11 | 0 |\n<!-- end -->\n"
    text = with_result(text, Result("Chromium", "2", 7, 12, 13, 0))
    text = with_result(text, Result("Firefox", "2", 7, 12, 13, 0))
    rows = "| Chromium | 2 | 7 | 12 | 13 | 0 |\n| Firefox | 2 | 7 | 12 | 13 | 0 |"
    assert text == f"<!-- results -->\n| a |\n| - |\n{rows}\n<!-- end -->\n"
