"""A model knows until when it was trained: what came later is scored, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import gatecast as gc
from gatecast.backtesting.newer.unseen import unseen_part
from gatecast.errors import ConfigError, WindowError

INSTANT: dict[str, Any] = {"preset": "instant", "progress": False}


def panel(lengths: dict[str, int], start: str = "2022-01-01") -> gc.Panel:
    rows = [
        (name, np.datetime64(start, "D") + t, float(t % 7 + n))
        for n, (name, length) in enumerate(lengths.items())
        for t in range(length)
    ]
    return gc.read(pl.DataFrame(rows, schema=["id", "ds", "y"], orient="row"), series="id", time="ds", target="y")


def loaded(data: gc.Panel, folder: Path, horizon: int = 7) -> gc.Forecaster:
    gc.Forecaster(horizon, **INSTANT).fit(data).save(folder / "m.gatecast")
    return gc.load(folder / "m.gatecast")


def test_a_file_knows_where_each_series_ended(tmp_path: Path) -> None:
    model = loaded(panel({"a": 60, "b": 50, "c": 60}), tmp_path)
    until = {name: str(time)[:10] for name, time in model.trained_until().items()}
    assert until == {"a": "2022-03-01", "b": "2022-02-19", "c": "2022-03-01"}
    assert model.fitted_.birth.describe(model.fitted_.frequency) == "2022-02-19 to 2022-03-01 (by series)"
    assert set(model.fitted_.birth.versions) == {"torch", "numpy"}


def test_whole_steps_are_known_too(tmp_path: Path) -> None:
    table = pl.DataFrame({"t": range(40), "y": [float(t % 5) for t in range(40)]})
    model = loaded(gc.read(table, time="t", target="y"), tmp_path)
    assert list(model.trained_until().values()) == [39]


def test_only_what_came_later_is_scored(tmp_path: Path) -> None:
    model = loaded(panel({"a": 60, "b": 60}), tmp_path)
    later = unseen_part(model, panel({"a": 81, "b": 75}), origins=3)
    assert (later.origins, later.panel.ids) == (2, ("a", "b"))
    assert "120 days up to 2022-03-01 were seen in training" in later.left_out
    made = gc.evaluate(model, later.panel, origins=later.origins)
    assert made.times_BH.min() > np.datetime64("2022-03-01")


def test_series_with_too_little_that_is_new_are_named(tmp_path: Path) -> None:
    model = loaded(panel({"a": 60, "b": 60}), tmp_path)
    later = unseen_part(model, panel({"a": 70, "b": 64, "new": 30}))
    assert later.panel.ids == ("a", "new")
    assert "1 of 3 series have fewer than 7 new steps: 'b'." in later.left_out


@pytest.mark.parametrize(("length", "words"), [(60, "has nothing after it"), (63, "has 3 days after it")])
def test_nothing_new_is_no_score(tmp_path: Path, length: int, words: str) -> None:
    model = loaded(panel({"a": 60}), tmp_path)
    with pytest.raises(WindowError, match=f"trained until 2022-03-01, and the table {words}.*needs 7 days"):
        unseen_part(model, panel({"a": length}))


def test_a_loaded_model_is_not_scored_on_what_it_has_seen(tmp_path: Path) -> None:
    model = loaded(panel({"a": 60}), tmp_path)
    with pytest.raises(ConfigError, match="was trained on 'a' until 2022-03-01"):
        gc.evaluate(model, panel({"a": 60}), origins=2)
    assert gc.evaluate(model, panel({"a": 60}), origins=2, in_sample=True).scores.origins == 2


def test_the_fingerprint_tells_data_apart() -> None:
    one, same, other, longer = (
        gc.Forecaster(3, **INSTANT).fit(data).fitted_.birth.data_sha256
        for data in (panel({"a": 50}), panel({"a": 50}), panel({"b": 50}), panel({"a": 51}))
    )
    assert one == same
    assert len({one, other, longer}) == 3


@pytest.mark.parametrize("settings", [INSTANT, {"candidates": 2, "members": 2, "training": {"max_epochs": 3}}], ids=str)
def test_two_fits_give_the_same_bytes(tmp_path: Path, settings: dict[str, Any]) -> None:
    for name in ("one", "two"):
        gc.Forecaster(7, **{"progress": False, **settings}).fit(panel({"a": 60, "b": 55})).save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_late_series_are_named() -> None:
    model = gc.Forecaster(7, **INSTANT).fit(panel({"a": 60, "b": 50}))
    assert model.predict().late == ("b",)
    assert model.predict(panel({"a": 60, "b": 60})).late == ()


def test_dates_of_tables_at_predict_may_be_told() -> None:
    days = np.datetime64("2023-01-01", "D") + np.arange(120)
    table = pl.DataFrame(
        {"ds": days, "y": [t % 7 + 1.0 for t in range(120)], "promo": [t % 9 == 0 for t in range(120)]}
    )
    table = table.with_columns(pl.col("promo").cast(pl.Int64))
    settings: dict[str, Any] = {"members": 1, "candidates": 1, "progress": False, "training": {"max_epochs": 2}}
    model = gc.Forecaster(7, **settings).fit(gc.read(table, target="y", future="promo"))
    ahead = pl.DataFrame({"ds": days[-1] + np.arange(1, 8), "promo": [0] * 7})
    wanted = model.predict(future=ahead).values_NHCQ
    text = ahead.with_columns(pl.col("ds").dt.strftime("%d/%m/%Y"))
    for day_first in (None, True):
        assert (model.predict(future=text, day_first=day_first).values_NHCQ == wanted).all()
    with pytest.raises(gc.GatecastError):
        model.predict(future=text, day_first=False)
