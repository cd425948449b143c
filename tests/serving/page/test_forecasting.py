"""From a table to a forecast, in a real browser."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from .visited import Visit, rows, texts, until

PAINT = 1000  # milliseconds


def read(page: Any, name: str, content: bytes) -> None:
    page.set_input_files("#file", {"name": name, "mimeType": "application/octet-stream", "buffer": content})
    page.wait_for_selector(f".told h3:text-is('{name}')")
    page.wait_for_selector("#table:not([aria-busy]) .told :is(.columns, .alarm)")


def test_a_newcomer_sees_at_once_what_to_do(visit: Visit, service: httpx.Client) -> None:
    page = visit.open()
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    assert paint < PAINT
    assert page.inner_text("h1:visible") == "Forecast a table"
    assert page.locator("#newcomer li").count() == 3
    assert "script-src 'self'" in service.get("/").headers["content-security-policy"]
    page.click("text=Try the airline example")
    assert page.inner_text("#read-as") == "Read as: Passengers · 1 series · 144 months, 1949-01 to 1960-12"
    assert page.is_hidden("#newcomer")
    assert page.input_value("#horizon") == "12"


def test_a_pasted_table_tells_its_bad_rows(visit: Visit) -> None:
    page = visit.open()
    page.click("summary:text('Paste a table instead')")
    good = "month\tsales\n" + "\n".join(f"{2001 + k // 12}-{k % 12 + 1:02d}\t{100 + k}" for k in range(30))
    page.fill("#pasted", good.replace("\t107", "\toops"))
    page.click("text=Read what was pasted")
    page.wait_for_selector(".told .alarm")
    assert "'oops' in column 'sales', row 9 of pasted.csv is no number" in page.inner_text(".told .alarm")
    assert page.is_hidden("#ask")
    page.fill("#pasted", good.replace("2001-08\t107\n", ""))
    page.click("text=Read what was pasted")
    page.wait_for_selector(".told .alarm:has-text('2001-08')")
    page.click("text=Read with gaps = missing")
    page.wait_for_selector("#read-as")
    assert "30 months" in page.inner_text("#read-as")
    assert page.is_visible("#ask")
    page.fill("#pasted", "")
    page.click("text=Read what was pasted")
    assert page.inner_text("#said") == "There is nothing to read yet."


def test_roles_are_chosen_from_lists(visit: Visit, shop_table: dict[str, list[Any]]) -> None:
    page = visit.open()
    file = io.BytesIO()
    pl.DataFrame(shop_table).write_parquet(file)
    read(page, "shops.parquet", file.getvalue())
    assert "could all be the target" in page.inner_text(".told .alarm")
    chosen = page.locator("[aria-label='Role of units']").evaluate("list => list.selectedOptions[0].text")
    assert chosen == "not chosen: perhaps the target"
    page.select_option("[aria-label='Role of units']", "target")
    page.wait_for_selector("#read-as")
    page.focus("[aria-label='Role of price']")
    page.select_option("[aria-label='Role of price']", "future")
    page.wait_for_selector("#future input")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Role of price"
    assert page.inner_text("#read-as") == "Read as: units · 2 series · 60 days, 2024-01-01 to 2024-02-29"
    assert "repeat the last known value" in page.inner_text("#future-note")
    page.fill("#horizon", "3")
    until(page, lambda: len(rows(page, "#future")) == 4)
    assert [row[0] for row in rows(page, "#future")] == ["all steps", "2024-03-01", "2024-03-02", "2024-03-03"]
    page.fill("[aria-label='price, 2024-03-02']", "2")
    assert page.locator("#future .filled").count() == 2
    page.select_option("#future select", "south")  # changed alike
    assert page.input_value("[aria-label='price, 2024-03-02']") == "2"


def test_several_columns_name_the_series(visit: Visit) -> None:
    page = visit.open()
    cells = [f"{r},{s},{2000 + k},{k}" for r in ("eu", "us") for s in ("a", "b") for k in range(20)]
    read(page, "stores.csv", "\n".join(["region,store,year,units", *cells]).encode())
    assert "below" in page.inner_text(".told .alarm .remedy")
    page.click("text=Read with series = region, store")
    page.wait_for_selector("#read-as")
    assert "4 series" in page.inner_text("#read-as")
    assert page.input_value("[aria-label='Role of store']") == "series"


def test_a_spreadsheet_is_read(visit: Visit, airline: dict[str, list[Any]]) -> None:
    pytest.importorskip("xlsxwriter", reason="xlsxwriter is not installed: it is in the extra excel")
    file = io.BytesIO()
    pl.DataFrame(airline).write_excel(file)
    page = visit.open()
    read(page, "air.xlsx", file.getvalue())
    assert "144 months" in page.inner_text("#read-as")


def test_a_file_can_be_dropped(visit: Visit) -> None:
    page = visit.open()
    page.wait_for_selector(".drop")
    page.evaluate(
        """() => {
          const data = new DataTransfer(), lines = Array.from({length: 20}, (_, k) => `${2000 + k},${k}`);
          data.items.add(new File([`year,y\\n${lines.join("\\n")}`], "dropped.csv"));
          const dropped = new DragEvent("drop", {dataTransfer: data, bubbles: true});
          document.querySelector(".drop").dispatchEvent(dropped);
        }"""
    )
    page.wait_for_selector("#read-as")
    assert "20 years" in page.inner_text("#read-as")


def test_hostile_names_are_text(visit: Visit) -> None:
    page = visit.open()
    lines = [f"{2000 + k},{k}" for k in range(20)]
    read(page, "<img src=x onerror=alert(1)>.csv", "\n".join(["year,<script>alert(2)</script>", *lines]).encode())
    assert "<script>alert(2)</script>" in page.inner_text("#read-as")
    assert page.locator(".told :is(img, script)").count() == 0


def test_a_forecast_with_all_that_belongs_to_it(visit: Visit, service: httpx.Client) -> None:
    page = visit.open()
    page.click("text=Try the airline example")
    page.wait_for_selector("#start")
    until(page, lambda: page.input_value("#name").startswith("airline-"))  # "airline" is taken
    page.click("#start")
    page.wait_for_selector(".progress, #verdict")
    page.wait_for_selector("#verdict")
    job = service.get("/v1/jobs").json()["jobs"][0]["id"]
    facts = service.get(f"/v1/jobs/{job}").json()
    result = facts["result"]
    assert page.url.endswith(f"#forecast/{job}")
    assert page.evaluate("document.activeElement.id") == "result-title"
    assert result["verdict"]["text"] in page.inner_text("#verdict")
    assert page.get_attribute("#verdict", "class") == f"verdict {result['verdict']['outcome']}"
    made = result["forecast"][0]
    expected = [[time, f"{value:.0f}"] for time, value in zip(made["time"], made["forecast"], strict=True)]
    assert [row[:2] for row in rows(page, "#numbers")] == expected
    scores = {row[0]: row[1] for row in rows(page, ".scores")}
    assert scores["pretrained gate"] == f"{result['evaluation']['scores']['lstm']['mase']:.2f}"
    assert scores["seasonal naive"] == f"{result['evaluation']['scores']['seasonal_naive']['mase']:.2f}"
    assert texts(page, ".code pre") == [result["command"], result["python"]]
    assert "--horizon 12" in result["command"]
    for title, name in (("CSV", "forecast.csv"), ("PNG", "forecast.png"), ("Report page", "report.html")):
        with page.expect_download() as waiting:
            page.click(f"#files button:text-is('{title}')")
        held = Path(waiting.value.path()).read_bytes()
        assert held == service.get(f"/v1/jobs/{job}/artifacts/{name}").content
        assert waiting.value.suggested_filename == f"airline-{name}"
    assert {"Excel", "Model"} <= set(texts(page, "#files button"))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("[aria-label='Copy command']")
    page.wait_for_selector("#said:text('Copied.')")
    assert page.evaluate("navigator.clipboard.readText()") == result["command"]


def test_the_chart_of_a_forecast_that_was_made_before(
    visit: Visit, service: httpx.Client, airline: dict[str, list[Any]]
) -> None:
    """By its address; it zooms, and shows the held-out forecast beside what came."""
    request = {"kind": "forecast", "horizon": 12, "settings": {"preset": "instant"}}
    upload = {"file": ("air.csv", pl.DataFrame(airline).write_csv().encode())}
    job = service.post("/v1/jobs", files=upload, data={"request": json.dumps(request)}).json()["id"]
    page = visit.page
    until(page, lambda: service.get(f"/v1/jobs/{job}").json()["state"] == "done")
    visit.open(f"forecast/{job}")
    page.wait_for_selector("#verdict")
    span = lambda: page.inner_text(".zoom .span")  # noqa: E731 -- said four times
    assert span() == "1954-12 to 1961-12"
    page.click("[aria-label='The whole history']")
    assert span() == "1949-01 to 1961-12"
    page.click("[aria-label='Zoom in']")
    assert span().endswith("to 1961-12")
    page.click("[aria-label='Earlier']")
    assert not span().endswith("to 1961-12")
    page.click("[aria-label='The whole history']")
    box = page.locator(".plot svg").bounding_box()
    for x, step in ((0.3, page.mouse.down), (0.6, page.mouse.up)):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + 100, steps=4)
        step()
    begin, end = span().split(" to ")
    assert "1951" < begin < "1954" < end < "1958"
    page.select_option("#compare", "past")
    held = service.get(f"/v1/jobs/{job}").json()["result"]["held_out"][0]
    assert [row[0] for row in rows(page, "#numbers")] == held["time"] == [f"1960-{month:02d}" for month in range(1, 13)]
    assert "held-out" in page.get_attribute(".plot svg", "aria-label")
    page.focus(".plot svg")
    page.keyboard.press("ArrowRight")
    tip = page.inner_text(".chart-tip")
    assert "1960-01" in tip
    assert "observed\n417" in tip
    assert f"forecast\n{held['forecast'][0]:.0f}" in tip
