"""The page of a forecast in a real browser: it draws, tells, lists and saves what the forecast says."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from gatecast.forecasts.digits import digits_of
from gatecast.forecasts.writing import write_forecast
from gatecast.report.forecasts import write_forecast_page
from gatecast.workflow import ForecastResult

from .conftest import HOSTILE
from .watched import Watched, contrast, opened

PHONE, DESK = 360, 1280
FITTED = """[...document.querySelectorAll('.chart')].every(
  place => place.dataset.width == Math.floor(place.querySelector('.chart-stage').clientWidth))"""


single = opened("foretold", write_forecast_page, DESK, FITTED)
many = opened("foretold_many", write_forecast_page, DESK, FITTED)
ahead = opened("foretold_ahead", write_forecast_page, DESK, FITTED)


@pytest.mark.parametrize("width", [PHONE, 390, DESK])
@pytest.mark.parametrize("name", ["single", "many", "ahead"])
def test_page_fits_draws_and_asks_for_nothing(request: pytest.FixtureRequest, name: str, width: int) -> None:
    watcher: Watched = request.getfixturevalue(name)
    page = watcher.at(width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    box = page.evaluate("document.querySelector('#plot svg').getBoundingClientRect().toJSON()")
    assert 0 <= box["left"] < box["right"] <= width
    assert page.evaluate("document.querySelector('#plot .line.forecast path').getTotalLength()") > 20
    texts = page.evaluate(
        """[...document.querySelectorAll('#plot .axes text')].map(one => {
             const { left, right, top } = one.getBoundingClientRect(); return [left, right, top]; })"""
    )
    assert len(texts) >= 4
    assert all(0 <= left < right <= width for left, right, _ in texts)
    watcher.assert_quiet()


def rows_of(page: Any) -> list[list[str]]:
    rows: list[list[str]] = page.evaluate(
        "[...document.querySelectorAll('#table tr')].map(row => [...row.children].map(cell => cell.textContent))"
    )
    return rows


def expected(result: ForecastResult, n: int, c: int) -> list[list[str]]:
    """The table as Python writes it."""
    made = result.forecast
    values_HQ = made.values_NHCQ[n, :, c].astype(float)
    recent = result.panel.series(n)[-made.horizon :, c].astype(float)
    digits = digits_of(np.concatenate([values_HQ.ravel(), recent]))
    return [
        [made.axes.time_label(time), *(f"{values_HQ[h, q]:,.{digits}f}" for q in (2, 1, 3, 0, 4))]
        for h, time in enumerate(made.times[n])
    ]


def test_the_table_says_what_the_forecast_says(single: Watched, foretold: ForecastResult) -> None:
    heads, *rows = rows_of(single.at(DESK))
    assert [head.replace("\u00a0", " ") for head in heads] == [
        "month", "forecast", "80 % low", "80 % high", "95 % low", "95 % high",
    ]  # fmt: skip
    assert rows == expected(foretold, 0, 0)


def test_each_series_can_be_chosen(many: Watched, foretold_many: ForecastResult) -> None:
    page = many.at(DESK)
    assert page.evaluate("document.querySelectorAll('#series option').length") == 6
    for target in (0, 1):
        page.select_option("#target", str(target))
        for n, name in enumerate(HOSTILE):
            page.evaluate(
                """name => { const list = document.getElementById("series");
                  list.selectedIndex = [...list.options].findIndex(one => one.textContent === name);
                  list.dispatchEvent(new Event("change")); }""",
                name,
            )
            assert rows_of(page)[1:] == expected(foretold_many, n, target), name
            assert page.inner_text("#said").replace("\u00a0", " ").startswith(f"{name} · ")
    page.click('[data-pick="1"][data-measure="0"]')
    assert page.evaluate("document.querySelector('#target').value") == "0"
    chosen = page.evaluate("document.querySelector('tr.chosen button').textContent")
    assert page.evaluate("document.querySelector('#series').selectedOptions[0].textContent") == chosen
    many.assert_quiet()


@pytest.mark.parametrize("name", ["single", "many"])
def test_the_csv_is_that_of_output(request: pytest.FixtureRequest, name: str) -> None:
    watcher: Watched = request.getfixturevalue(name)
    result: ForecastResult = request.getfixturevalue({"single": "foretold", "many": "foretold_many"}[name])
    page = watcher.at(DESK)
    with page.expect_download() as waiting:
        page.click("#csv")
    held = pl.read_csv(Path(waiting.value.path()).read_bytes().removeprefix(b"\xef\xbb\xbf"))
    file = io.BytesIO()
    write_forecast(result.forecast, file, ".csv")
    asked = pl.read_csv(file.getvalue())
    assert held.columns == asked.columns
    keys = held.columns[:2]
    held, asked = held.sort(keys), asked.sort(keys)
    assert held.select(keys).equals(asked.select(keys))
    for column in held.columns[2:]:
        np.testing.assert_array_equal(held[column].cast(pl.Float32), asked[column].cast(pl.Float32))


def test_pointing_and_keys_tell_the_values(single: Watched, foretold: ForecastResult) -> None:
    page = single.at(DESK)
    page.focus("#plot svg")
    page.keyboard.press("ArrowRight")
    told = page.inner_text("#plot .chart-tip").replace("\u00a0", " ")
    first = expected(foretold, 0, 0)[0]
    assert first[0] in told
    for part in (f"forecast\n{first[1]}", f"80 % interval\n{first[2]} to {first[3]}"):
        assert part in told
    page.keyboard.press("Escape")
    assert page.evaluate("document.querySelector('#plot .chart-tip').hidden")
    page.hover("#plot svg", position={"x": 300, "y": 100})
    assert "observed" in page.inner_text("#plot .chart-tip")
    page.mouse.move(0, 0)
    single.assert_quiet()


def test_lines_stand_where_the_values_are(single: Watched, foretold: ForecastResult) -> None:
    """The median's path against the axis: two ticks give the scale, and the values follow from it."""
    page = single.at(DESK)
    path, ticks = page.evaluate(
        """[document.querySelector('#plot .forecast path').getAttribute('d'),
            [...document.querySelectorAll('#plot .axes text[text-anchor=end]')].map(
              one => [one.textContent, Number(one.getAttribute('y')) - 4])]"""
    )
    (low, y_low), (high, y_high) = ((float(text.replace(",", "")), y) for text, y in (ticks[0], ticks[-1]))
    drawn = [float(point.split(",")[1]) for point in path.removeprefix("M").split("L")]
    values = low + (np.array(drawn) - y_low) / (y_high - y_low) * (high - low)
    expect = [foretold.panel.series(0)[-1, 0], *foretold.forecast.values[0, :, 0]]
    np.testing.assert_allclose(values, expect, atol=0.005 * (high - low))


def test_what_if_draws_a_line_and_tells_the_sum(ahead: Watched, foretold_ahead: ForecastResult) -> None:
    page = ahead.at(DESK)
    names = page.evaluate("[...document.querySelectorAll('#alternative option')].map(one => one.textContent)")
    assert names[0] == "as given"
    assert names[-1] == "kind = <i>fair"
    page.select_option("#alternative", "4")
    said = page.inner_text("#what-said").replace("\u00a0", " ")
    now = foretold_ahead.forecast.values.astype(float).sum()
    assert said.startswith("With kind = <i>fair in every step: ")
    digits = len(said.split("as given ")[1].split()[0].partition(".")[2])
    assert f"as given {now:,.{digits}f} (" in said
    assert page.evaluate("document.querySelector('#plot .line.other path').getTotalLength()") > 20
    page.select_option("#alternative", "")
    assert page.evaluate("document.querySelector('#plot .line.other')") is None
    ahead.assert_quiet()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out(many: Watched, scheme: str) -> None:
    page = many.at(DESK, scheme)
    for selector in ("figcaption", ".caption", ".about", "#plot .axes text", "#plot .key li", ".totals button"):
        assert contrast(page, selector) >= 4.5, selector


def test_paper_holds_all_without_buttons(many: Watched) -> None:
    page = many.at(DESK, "dark")
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 680, "height": 1000})
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("document.documentElement.scrollWidth") <= 680
    for selector in (".buttons", ".picker"):
        assert page.evaluate("s => document.querySelector(s).getBoundingClientRect().height", selector) == 0
    box = page.evaluate("document.querySelector('#plot svg').getBoundingClientRect().toJSON()")
    assert 0 < box["right"] <= 680
    many.assert_quiet()


def test_the_table_can_be_copied_and_the_spreadsheet_saved(single: Watched, foretold: ForecastResult) -> None:
    pytest.importorskip("xlsxwriter", reason="xlsxwriter is not installed: it is in the extra excel")
    page = single.at(DESK)
    page.click("#copy")
    page.wait_for_selector("#done:text('Copied.')")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<textarea id=paste></textarea>')")
    page.focus("#paste")
    page.keyboard.press("Control+V")
    pasted = [line.split("\t") for line in page.input_value("#paste").splitlines()]
    page.evaluate("document.getElementById('paste').remove()")
    assert pasted[1:] == [[cell.replace(",", "") for cell in row] for row in expected(foretold, 0, 0)]
    with page.expect_download() as waiting:
        page.click("#xlsx")
    assert waiting.value.suggested_filename == "forecast.xlsx"
    assert Path(waiting.value.path()).read_bytes().startswith(b"PK")
    single.assert_quiet()
