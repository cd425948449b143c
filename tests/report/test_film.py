"""The film of the gates: a frame for each moment, what is drawn is what the network did, and it fits a phone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.live.conftest import model_of, table

import gatecast as gc
from gatecast.errors import ConfigError, PanelError, WindowError
from gatecast.live.state.gates import gate_windows

from .watched import Watched, opened

PHONE, DESK = 390, 1280


@pytest.fixture(scope="module")
def airline() -> gc.Forecaster:
    few: dict[str, Any] = {"candidates": 1, "members": 1, "training": {"max_epochs": 2, "steps_per_epoch": 2}}
    return gc.Forecaster(6, lookback=14, progress=False, **few).fit(gc.load_example("airline"))


def written(model: gc.Forecaster, path: Path) -> None:
    gc.film(model, gc.load_example("airline"), path, steps=60, frames=7)


film_page = opened("airline", written, PHONE)


def figure_of(path: Path) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="figures">(.*?)</script>', path.read_text(), re.DOTALL)
    assert found is not None
    drawn: dict[str, Any] = json.loads(found[1])["gates-plot"]
    return drawn


def test_every_frame_holds_the_gates_of_its_moment(airline: gc.Forecaster, tmp_path: Path) -> None:
    written(airline, tmp_path / "film.html")
    drawn, panel = figure_of(tmp_path / "film.html"), gc.load_example("airline")
    at = np.linspace(144 - 60, 143, 7).astype(int)
    labels = [panel.frequency.label(panel.times(0)[step]) for step in at]
    assert [one["label"] for one in drawn["layout"]["sliders"][0]["steps"]] == labels
    windows = gate_windows(airline.fitted_, panel, at)
    order = np.argsort(np.concatenate([w.forget_TD for w in windows]).mean(axis=0), kind="stable")
    for frame, window in zip(drawn["frames"], windows, strict=True):
        assert frame["traces"] == [1, 2, 3, 4, 5, 6]
        read, now, *maps = frame["data"]
        assert read["y"] == window.values_TC[:, 0].tolist()
        assert now["y"] == read["y"][-1:]
        for drawn_map, name in zip(maps, ("forget_TD", "input_TD", "output_TD", "cell_TD"), strict=True):
            np.testing.assert_allclose(np.array(drawn_map["z"]), getattr(window, name)[:, order].T, atol=0.05)


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_it_moves_in_a_browser_and_asks_for_nothing(film_page: Watched, width: int) -> None:
    page = film_page.at(width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shown = "JSON.stringify(document.getElementById('gates-plot').data[3].z)"
    page.evaluate("Plotly.animate('gates-plot', ['0'], {frame: {duration: 0, redraw: true}, mode: 'immediate'})")
    page.wait_for_timeout(100)
    first = page.evaluate(shown)
    page.locator(".updatemenu-button").first.click()
    page.wait_for_timeout(600)
    assert page.evaluate(shown) != first
    film_page.assert_quiet()


@pytest.mark.parametrize("name", ["difference", "smooth", "category", "fitted"])
def test_a_live_model_shows_the_gates_of_the_whole_history(panel_of: Any, name: str) -> None:
    model, panel = model_of(panel_of, name), table(panel_of, 4, (120, 90))
    live = model.live(panel)
    assert live.steps_kept < panel.total
    found = live.gates("s1")
    whole = gate_windows(model.fitted_, panel.select([1]), np.array([89]))[0]
    assert len(found) == 8
    for part in vars(found):
        np.testing.assert_allclose(
            getattr(found, part).astype(float), getattr(whole, part).astype(float), rtol=1e-5, atol=1e-6
        )
    kept_TD = found.forget_TD[1:] * found.cell_TD[:-1]
    assert (np.abs(found.cell_TD[1:] - kept_TD) <= found.input_TD[1:] + 1e-6).all(), "what is added is at most the gate"
    with pytest.raises(PanelError, match="there is no series 's9'"):
        live.gates("s9")


def test_what_cannot_be_shown_gives_one_line(airline: gc.Forecaster, panel_of: Any, tmp_path: Path) -> None:
    panel = gc.load_example("airline")
    with pytest.raises(WindowError, match="has 15 steps; its film needs 16"):
        gc.film(airline, panel.slice(0, 15), tmp_path / "a.html")
    with pytest.raises(ConfigError, match="at least 2 steps and frames"):
        gc.film(airline, panel, tmp_path / "a.html", frames=1)
    with pytest.raises(ConfigError, match="instant preset cannot be asked for its gates"):
        model_of(panel_of, "instant").live(table(panel_of, 4, (90,))).gates("s0")
    with pytest.raises(ConfigError, match="cannot be written"):
        gc.film(airline, panel, tmp_path / "no" / "a.html")
