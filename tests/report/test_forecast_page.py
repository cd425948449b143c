"""The page of a forecast as text: small, harmless, and every number that of the forecast."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from gatecast.data.panel import Panel
from gatecast.data.tables.future import observed_part
from gatecast.errors import ConfigError
from gatecast.forecaster import Forecaster
from gatecast.forecasts.axes import Axes
from gatecast.forecasts.forecast import Forecast
from gatecast.forecasts.writing import written_frame
from gatecast.report.chart import chart_script
from gatecast.report.forecasts import page, write_forecast_page
from gatecast.report.forecasts.alternatives import alternatives
from gatecast.report.forecasts.content import MOST_CELLS, spreadsheet
from gatecast.report.forecasts.sentences import change, of_all, of_series
from gatecast.report.forecasts.shown import shown_of
from gatecast.report.forecasts.totals import totals, year_before
from gatecast.workflow import ForecastResult

from .conftest import HOSTILE, Foretell, dated, waves
from .outline import data_element, outline_of


def page_of(result: ForecastResult, folder: Path, command: str = "") -> str:
    write_forecast_page(result, folder / "page.html", command)
    return (folder / "page.html").read_text("utf-8")


def data_of(text: str) -> dict[str, Any]:
    return data_element(text, "forecast-data")


@pytest.mark.parametrize("name", ["foretold", "foretold_many", "foretold_ahead"])
def test_page_is_whole_small_and_alone(request: pytest.FixtureRequest, name: str, tmp_path: Path) -> None:
    text = page_of(request.getfixturevalue(name), tmp_path, "gatecast forecast '<b>' & more")
    outline = outline_of(text)
    assert len(text.encode()) < page.MOST_BYTES
    policy = outline.all("meta")[1]
    assert policy["http-equiv"] == "Content-Security-Policy"
    assert str(policy["content"]).startswith("default-src 'none'")
    addresses = [v for a in outline.all("a", "link", "script", "img") for k, v in a.items() if k in ("href", "src")]
    assert all(str(address).startswith(("#", "data:")) for address in addresses)
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text.replace("&quot;", ""))
    assert len({a["id"] for _, a in outline.found if "id" in a}) == sum("id" in a for _, a in outline.found)
    assert "gatecast forecast &#x27;&lt;b&gt;&#x27; &amp; more" in text


def test_every_value_on_the_page_is_that_of_the_forecast(foretold_many: ForecastResult, tmp_path: Path) -> None:
    made, data = foretold_many.forecast, data_of(page_of(foretold_many, tmp_path))
    entries = [entry for entry in data["entries"] if entry["keys"]]
    assert len(entries) == 10
    for entry in entries:
        n, c = made.position(entry["name"]), entry["target"]
        held = np.array(entry["quantiles"], np.float32).T
        np.testing.assert_array_equal(held, made.values_NHCQ[n, :, c])
        history = np.array(entry["history"], np.float32)
        np.testing.assert_array_equal(history, foretold_many.panel.series(n)[-len(history) :, c])
        grid = data["grids"][entry["grid"]]
        assert grid["past"] == len(history)
        assert grid["names"][grid["past"] :] == [made.axes.time_label(time) for time in made.times[n]]
        assert np.array(grid["x"][-4:], "datetime64[ms]").tolist() == made.times[n].astype("datetime64[ms]").tolist()
    together = [entry for entry in data["entries"] if not entry["keys"]]
    for c, entry in enumerate(together):
        np.testing.assert_allclose(entry["quantiles"][2], made.values[..., c].astype(float).sum(axis=0))
        assert entry["quantiles"][0] == [None] * 4, "sums over series have no interval"


def test_names_do_no_harm(foretold_many: ForecastResult, tmp_path: Path) -> None:
    text = page_of(foretold_many, tmp_path)
    outline = outline_of(text)
    assert not outline.all("img")
    assert text.count("<script") == 3 == text.count("</script>")
    assert "alert(1)</" not in text
    assert {entry["name"] for entry in data_of(text)["entries"] if entry["keys"]} == set(HOSTILE)


def test_the_sentence_adds_up(foretold: ForecastResult, tmp_path: Path) -> None:
    shown = shown_of(foretold)
    sums = totals(foretold, shown)
    total = float(foretold.forecast.values.astype(float).sum())
    before = float(foretold.panel.series(0)[-12:, 0].astype(float).sum())
    said = of_series(shown, sums, 0, 0)
    assert f"{total:,.2f} in all over the next 12 months, {change(total, before, 2)} in the same 12 months" in said
    low, high = float(sums.low_KC[0, 0]), float(sums.high_KC[0, 0])
    assert low < total < high
    drawn = foretold.model.sample(foretold.panel, paths=400).values_NSHC.astype(float).sum(axis=(2, 3))[0]
    np.testing.assert_allclose([low, high], np.quantile(drawn, [0.1, 0.9]), rtol=1e-6)
    assert f"between {low:,.2f} and {high:,.2f}" in said
    assert said.split(". ")[0] in re.sub(r"<[^>]+>", "", page_of(foretold, tmp_path)).replace("\u00a0", " ")


def test_a_year_before_is_the_same_months(foretell: Foretell, panel_of: Callable[..., Panel], tmp_path: Path) -> None:
    panel = dated(panel_of([np.arange(40.0)[:, None] + 2]))
    result = foretell(panel, 3)
    sums = totals(result, shown_of(result))
    assert sums.earlier == "in the same 3 months a year before"
    assert sums.before_NC.tolist() == [[panel.series(0)[28:31].sum()]]
    before = [*panel.series(0)[28:31, 0].tolist()]
    assert data_of(page_of(result, tmp_path))["entries"][0]["before"] == before
    short = foretell(dated(panel_of([np.arange(8.0)[:, None] + 2])), 3)
    sums = totals(short, shown_of(short))
    assert (sums.earlier, sums.before_NC.tolist()) == ("in the 3 months before", [[7 + 8 + 9]])
    assert data_of(page_of(short, tmp_path))["entries"][0]["before"] == []


def test_years_before_a_long_horizon_are_whole_ones(panel_of: Callable[..., Panel]) -> None:
    panel = dated(panel_of([np.arange(30.0)]))
    before_H = year_before(panel, 14, 0)[:, 0]
    assert before_H.tolist() == [*range(18, 30), 18, 19]
    assert np.isnan(year_before(panel.slice(20, 30), 4, 0)[:2]).all()
    assert year_before(panel.slice(20, 30), 4, 0)[2:, 0].tolist() == [20, 21]


@pytest.mark.parametrize(
    ("series", "steps", "horizon", "shown"), [(1, 900, 10, 728), (200, 900, 10, 145), (3, 90, 10, 90)]
)
def test_many_series_have_less_of_their_history(
    foretell: Foretell, panel_of: Callable[..., Panel], series: int, steps: int, horizon: int, shown: int
) -> None:
    random = np.random.default_rng(1)
    panel = dated(panel_of([100 + random.normal(size=steps) for _ in range(series)]), "1d")
    made = Forecast(np.ones((series, horizon, 1, 5)), (0.025, 0.1, 0.5, 0.9, 0.975), Axes.after(panel, horizon), panel)
    found = shown_of(ForecastResult(made, None, Forecaster(horizon), panel, None, 0.0))
    assert (found.steps, len(found.forecast), found.words) == (shown, series, "")


@pytest.mark.parametrize(("shift", "scale", "summed"), [(0, 1, True), (-20, 1, False), (0, 0.02, False)])
def test_what_is_no_amount_is_not_summed(
    foretell: Foretell, panel_of: Callable[..., Panel], shift: float, scale: float, summed: bool
) -> None:
    result = foretell(dated(panel_of([scale * (wave + shift) for wave in waves(2)])))
    sums = totals(result, shown_of(result))
    assert sums.summed_C.tolist() == [summed]
    mean_or_sum = result.forecast.values.astype(float).sum(axis=1) / (1 if summed else 4)
    np.testing.assert_allclose(sums.now_NC, mean_or_sum)
    assert bool(of_all(result.forecast, sums, 0)) == summed


def test_a_model_of_the_median_alone_has_no_interval(
    foretell: Foretell, panel_of: Callable[..., Panel], tmp_path: Path
) -> None:
    training = {"max_epochs": 1, "steps_per_epoch": 1}
    settings = {"preset": "standard", "lookback": 8, "members": 1, "network": {"hidden_size": 2}, "training": training}
    text = page_of(foretell(dated(panel_of(waves())), quantiles=(0.5,), **settings), tmp_path)
    assert "No interval: this model gives no simulated futures" in text
    assert "With a probability" not in text


def test_series_that_end_apart_are_not_drawn_together(
    foretell: Foretell, panel_of: Callable[..., Panel], tmp_path: Path
) -> None:
    panel = dated(panel_of([waves(steps=60)[0], waves(steps=50)[0]]))
    data = data_of(page_of(foretell(panel), tmp_path))
    assert [bool(entry["keys"]) for entry in data["entries"]] == [True, True]
    assert len(data["grids"]) == 2


def test_sums_begin_where_all_series_are_known(
    foretell: Foretell, panel_of: Callable[..., Panel], tmp_path: Path
) -> None:
    long, short = waves(2, steps=40)
    panel = dated(panel_of([long, short[10:]]))
    panel = replace(panel, starts=panel.frequency.advance(panel.starts, np.array([0, 10])))
    data = data_of(page_of(foretell(panel), tmp_path))
    entry = data["entries"][0]
    grid = data["grids"][entry["grid"]]
    assert entry["keys"] is None
    assert len(entry["history"]) == grid["past"] == 40
    assert entry["history"][:10] == [None] * 10
    together = panel.series(0)[10:, 0].astype(float) + panel.series(1)[:, 0].astype(float)
    np.testing.assert_allclose(entry["history"][10:], together)


def test_the_largest_series_stand_on_the_page_and_the_words_say_so(
    foretell: Foretell, panel_of: Callable[..., Panel], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result = foretell(dated(panel_of(waves(6))))
    monkeypatch.setattr("gatecast.report.forecasts.shown.MOST_SERIES", 4)
    shown = shown_of(result)
    assert shown.place_K.tolist() == [5, 4, 3, 2]
    text = page_of(result, tmp_path)
    assert "the 4 series with the largest forecasts of 6" in text
    assert "Save CSV (4 series)" in text
    whole = float(result.forecast.values.astype(float).sum())
    assert f"6 series together: {whole:,.0f} in all" in text, "sums count every series"
    monkeypatch.setattr(page, "MOST_BYTES", len(text) - 1)
    assert "the 2 series with the largest forecasts of 6" in page_of(result, tmp_path)


def test_the_spreadsheet_holds_the_table(foretold_many: ForecastResult) -> None:
    pytest.importorskip("xlsxwriter", reason="xlsxwriter is not installed: it is in the extra excel")
    pytest.importorskip("fastexcel", reason="fastexcel is not installed: it is in the extra excel")
    made = foretold_many.forecast
    held = pl.read_excel(io.BytesIO(base64.b64decode(spreadsheet(made).partition("base64,")[2])))
    asked = written_frame(made, ".xlsx")
    assert held.columns == asked.columns
    np.testing.assert_allclose(held[:, 2:].to_numpy(), asked[:, 2:].to_numpy().astype(float))
    wide = replace(made, values_NHCQ=np.zeros((1, MOST_CELLS + 1, 1, 1)))
    assert spreadsheet(wide) == ""


def test_alternatives_are_what_the_model_says(foretold_ahead: ForecastResult, tmp_path: Path) -> None:
    shown = shown_of(foretold_ahead)
    found = alternatives(foretold_ahead, shown)
    assert [(one.covariate, one.word) for one in found] == [
        ("price", "low"), ("price", "middle"), ("price", "high"), ("kind", "plain"), ("kind", "<i>fair"),
    ]  # fmt: skip
    past = observed_part(foretold_ahead.panel).future_RF[:, 0]
    for one, level in zip(found, (0.1, 0.5, 0.9), strict=False):
        assert one.value_K[0] == pytest.approx(np.quantile(past, level), rel=0.01)
    ahead = foretold_ahead.panel.series(0)[-4:]
    assert np.isnan(ahead).all()
    price = foretold_ahead.panel.future_RF[-4:, 0]
    table = pl.DataFrame({"ds": foretold_ahead.panel.times(0)[-4:], "price": price, "kind": ["<i>fair"] * 4})
    asked = foretold_ahead.model.predict(observed_part(foretold_ahead.panel), future=table)
    np.testing.assert_array_equal(found[-1].point_KHC, asked.values)
    assert not np.array_equal(asked.values, foretold_ahead.forecast.values)
    (entry,) = data_of(page_of(foretold_ahead, tmp_path))["entries"]
    np.testing.assert_array_equal(np.array(entry["other"][-1][1], np.float32), asked.values[0, :, 0])


def test_without_covariates_there_is_no_what_if(foretold: ForecastResult, tmp_path: Path) -> None:
    assert 'id="alternative"' not in page_of(foretold, tmp_path)


@pytest.mark.parametrize("steps", [5, 6])
def test_nothing_held_out_is_said(
    foretell: Foretell, panel_of: Callable[..., Panel], tmp_path: Path, steps: int
) -> None:
    result = foretell(dated(panel_of(waves(steps=steps))), 4)
    text = page_of(result, tmp_path)
    assert ("Nothing could be held out" in text) == (result.scores is None)


def test_pages_that_cannot_be_written_are_told(foretold: ForecastResult, tmp_path: Path) -> None:
    foretold.report(tmp_path / "method.html")
    assert "Forecaster(12" in (tmp_path / "method.html").read_text("utf-8")
    with pytest.raises(ConfigError, match="cannot be written"):
        foretold.report(tmp_path / "no" / "page.html")


def test_the_chart_is_small_and_says_what_it_takes() -> None:
    assert len(chart_script()) < 20_000
    assert "Chart.draw(place, {" in chart_script()


def test_a_model_that_reads_no_covariates_has_no_what_if(foretell: Foretell, foretold_ahead: ForecastResult) -> None:
    gate = foretell(foretold_ahead.panel, 4)  # of the instant preset
    shown = shown_of(gate)
    assert shown.ahead is not None
    assert alternatives(gate, shown) == []
