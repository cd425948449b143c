"""Tables for notebooks: what stands in them, and that text of others stays text."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pytest

import gatecast as gc
from gatecast.data.html import ROWS, html_facts, html_table, numbers
from gatecast.evaluation.scores import Scores
from gatecast.forecasts.axes import Axes

EVIL = "<script>alert('x')</script>&"


class Reader(HTMLParser):
    """The cells of a table, row by row, and the paragraphs beside it; tags must be closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.lines: list[str] = []
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag == "p":
            self.lines.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data
        elif "p" in self.open:
            self.lines[-1] += data


def panel_of(series: int, name: str = "s") -> gc.Panel:
    import polars as pl

    ids = [f"{name}{n}" for n in range(series) for _ in range(4)]
    times = [k for _ in range(series) for k in range(1, 5)]
    return gc.read(pl.DataFrame({"unique_id": ids, "ds": times, "y": [1.5, None, 3.0, 4.0] * series}))


def forecast_of(series: int, targets: int = 1, horizon: int = 6) -> gc.Forecast:
    values = 1000.0 * np.arange(series * horizon * targets * 3).reshape(series, horizon, targets, 3)
    names = tuple(f"t{c}" for c in range(targets))
    ids, origins = tuple(f"{EVIL}{n}" for n in range(series)), np.full(series, 3)
    return gc.Forecast(values, (0.1, 0.5, 0.9), Axes(ids, names, origins, horizon, gc.Frequency("step", 1)))


def test_text_is_escaped_everywhere() -> None:
    for html in (html_table(EVIL, {EVIL: [EVIL]}, [EVIL]), html_facts(EVIL, {EVIL: EVIL}, [EVIL])):
        read = Reader(html)
        assert "<script>" not in html
        assert read.lines == [EVIL, EVIL]
        assert all(cell == EVIL for row in read.rows for cell in row)
        assert "script" not in read.tags


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0.0, 0.0], ["0", "0"]),
        ([1234567.0, -3.0], ["1,234,567", "-3"]),
        ([0.5, np.nan], ["0.5000", "-"]),
        ([1e20], ["1e+20"]),
        ([1e-9, 0.0], ["1e-09", "0"]),
        ([np.inf, 12.0], ["inf", "12.00"]),
        ([], []),
    ],
)
def test_numbers_of_a_column_have_the_same_decimals(values: list[float], texts: list[str]) -> None:
    assert numbers(values) == texts


@pytest.mark.parametrize("series", [1, ROWS, ROWS + 3])
def test_a_panel_shows_its_first_series(series: int) -> None:
    panel = panel_of(series)
    read = Reader(panel._repr_html_())
    assert read.rows[0] == ["series", "steps", "begin", "end", "missing"]
    assert read.rows[1] == ["s0", "4", "1", "4", "1"]
    assert len(read.rows) == 1 + min(series, ROWS)
    assert read.lines == [panel.describe(), *(["3 more series"] if series > ROWS else [])]


def test_a_panel_escapes_its_names() -> None:
    assert Reader(panel_of(1, EVIL)._repr_html_()).rows[1][0] == f"{EVIL}0"
    assert "no series" in panel_of(1).select([])._repr_html_()


def test_a_forecast_shows_its_first_rows() -> None:
    forecast = forecast_of(3)
    read = Reader(forecast._repr_html_())
    assert read.rows[0] == ["unique_id", "ds", "t0", "t0_q0.1", "t0_q0.5", "t0_q0.9"]
    assert read.rows[1] == [f"{EVIL}0", "4", "1,000", "0", "1,000", "2,000"]
    assert read.rows[7][:2] == [f"{EVIL}1", "4"]
    assert len(read.rows) == 1 + ROWS
    assert read.lines == ["Forecast of 3 series · 6 steps · quantiles 0.1, 0.5, 0.9", "8 more rows"]
    assert Reader(forecast_of(1, targets=9)._repr_html_()).lines[1:] == ["24 more columns"]


def test_paths_show_their_quantiles() -> None:
    values = np.arange(11.0)[None, :, None, None] * np.ones((1, 1, 2, 1))
    paths = gc.SamplePaths(values, Axes((EVIL,), ("y",), np.array([3]), 2, gc.Frequency("step", 1)))
    read = Reader(paths._repr_html_())
    assert read.rows[0] == ["unique_id", "ds", "y_q0.1", "y_q0.5", "y_q0.9"]
    assert read.rows[1:] == [[EVIL, time, "1.000", "5.000", "9.000"] for time in ("4", "5")]


def test_scores_show_every_method_and_the_verdict() -> None:
    truth = np.arange(24.0).reshape(4, 6, 1)
    made = {"lstm": truth + 1, "repeat_last": truth + 2}
    scores = Scores(truth, made, mase_scale_BC=np.ones((4, 1)))
    read = Reader(scores._repr_html_())
    assert read.rows[0][:2] == ["method", "MASE"]
    assert [row[1] for row in read.rows[1:]] == ["1.00", "2.00"]
    assert read.lines[0] == "Scores"
    assert read.lines[-1] == scores.verdict
