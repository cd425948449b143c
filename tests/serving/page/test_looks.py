"""How the page looks and reads: no wider than a phone, and without serious findings of axe-core, in light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from .conftest import Open
from .visited import overflow, until

PHONE, DESK = 390, 1280
READY = {
    "forecast": "#newcomer",
    "what-if/shop": "#what-said",
    "live/airline": "#live .state.on",
    "jobs": "#jobs :is(table, .empty)",
}
SERIOUS = {"serious", "critical"}


def findings(page: Any) -> list[str]:
    """What axe-core calls serious or critical: the rule and the first place."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright",
        reason="axe-playwright-python is not installed: it is in the extra test",
    )
    found = axe.Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in SERIOUS]


def shown(visits: Open, part: str, **options: Any) -> Any:
    page = visits(**options).open(part)
    page.wait_for_selector(READY[part])
    return page


@pytest.mark.parametrize("part", READY)
def test_a_phone_shows_all_of_it(visits: Open, followed: httpx.Client, part: str) -> None:
    page = shown(visits, part, width=PHONE)
    assert overflow(page) <= 0
    assert findings(page) == []


def test_axe_finds_what_is_wrong(visits: Open, followed: httpx.Client) -> None:
    """The tool itself: a picture without words and a field without a name are found."""
    page = shown(visits, "jobs")
    page.evaluate("document.querySelector('#jobs').append(document.createElement('input'), new Image())")
    assert {one.split(":")[0] for one in findings(page)} >= {"image-alt", "label"}


def test_a_table_and_its_forecast_fit(visits: Open, followed: httpx.Client) -> None:
    page = shown(visits, "forecast", width=PHONE)
    page.click("text=Try a made-up shop")
    page.wait_for_selector("#future input")
    for one in page.locator("details:visible > summary").all():
        one.click()
    assert overflow(page) <= 0
    assert findings(page) == []
    page.click("text=Try the airline example")
    page.wait_for_selector("#read-as:has-text('Passengers')")
    page.click("#start")
    page.wait_for_selector("#verdict")
    assert overflow(page) <= 0
    assert findings(page) == []


@pytest.mark.slow
@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("part", READY)
def test_the_dark_page_reads_as_well(visits: Open, followed: httpx.Client, part: str, width: int) -> None:
    page = shown(visits, part, width=width, scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 26)"
    assert overflow(page) <= 0
    assert findings(page) == []


@pytest.mark.slow
def test_a_shop_from_table_to_what_if(visits: Open, followed: httpx.Client) -> None:
    """The whole way with training: roles, covariates ahead, progress, the model that is kept, what-if, live."""
    page = shown(visits, "forecast", width=DESK, scheme="dark")
    page.click("text=Try a made-up shop")
    page.wait_for_selector("#future input")
    page.select_option("#limit", "60")
    page.fill("#horizon", "5")
    page.wait_for_selector("#future tbody tr:nth-child(7)", state="detached")
    page.fill("[aria-label='All steps: price']", "1.8")
    until(page, lambda: page.input_value("#name"))
    page.fill("#name", "trained-shop")
    page.click("#start")
    page.wait_for_selector(".progress .stage:text('epoch')")
    page.wait_for_selector("#verdict", timeout=120_000)
    request = followed.get("/v1/jobs").json()["jobs"][0]["request"]
    assert {row["price"] for row in request["future"]} == {1.8}
    assert {row["shop"] for row in request["future"]} == {"north", "south"}
    assert page.locator(".code pre").first.inner_text().endswith(" --future future.csv")
    with page.expect_download() as waiting:
        page.click("text=Save future.csv")
    held = pl.read_csv(Path(waiting.value.path()))
    assert held.columns == ["shop", "day", "price", "promo"]
    assert held.height == 10
    assert findings(page) == []
    page.click("text=try what-if")
    page.wait_for_selector("#what-said")
    assert page.input_value("#what-if-model") == "trained-shop"
    said = []
    for percent in ("-20", "20"):
        page.locator("#what-if input[type=range]").fill(percent)
        page.wait_for_selector(f"#what-if output:text('{percent[-2:]} %')")
        page.wait_for_timeout(500)
        said.append(page.inner_text("#what-said"))
    assert "(+" in said[0]  # a lower price sells more
    assert "(−" in said[1]
