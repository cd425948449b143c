"""Frames out, in the library asked for, with their time zone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from gatecast.data.frames import table_to_frame, time_column
from gatecast.data.frequency import Frequency
from gatecast.data.tables.reading import read
from gatecast.errors import ConfigError, PanelError

KINDS = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.Table}


@pytest.mark.parametrize("backend", KINDS)
def test_backends_and_categories(backend: str) -> None:
    source = pl.DataFrame({"ds": [1, 2, 3], "y": [1.0, None, 3.0], "kind": ["u", None, "v"]})
    frame = read(source, future="kind", target="y").to_frame(backend)
    assert isinstance(frame, KINDS[backend])
    back = read(frame, future="kind", target="y")
    assert back.backend == backend
    assert back.schema.future[0].categories == ("u", "v")
    expected = np.array([[1, 1, 0], [np.nan, np.nan, np.nan], [3, 0, 1]])
    assert np.array_equal(back.values_RV, expected, equal_nan=True)


@pytest.mark.parametrize("step", ["h", "D", "W", "MS"])
@pytest.mark.parametrize("backend", KINDS)
def test_clock_changes_are_no_gap_and_zones_come_back(step: str, backend: str) -> None:
    times = pd.date_range("2024-03-01", "2024-11-30", freq=step, tz="Europe/Berlin")
    panel = read(pd.DataFrame({"y": np.arange(float(len(times)))}, index=times))
    frame = panel.to_frame(backend)
    again = read(frame)
    assert again.frequency.timezone == "Europe/Berlin"
    back = again.to_frame("pandas")["ds"]
    assert (back.to_numpy() == times.to_numpy()).all()
    assert str(back.dt.tz) == "Europe/Berlin"


def test_midnight_that_a_clock_change_skips() -> None:
    times = pd.date_range("2023-04-24", "2023-05-02").tz_localize("Africa/Cairo", nonexistent="shift_forward")
    panel = read(pd.Series(1.0, index=times, name="v"))
    assert panel.frequency.to_text() == "D[Africa/Cairo]"
    assert (panel.to_frame()["ds"] == times).all()


def test_columns_to_frame() -> None:
    times = time_column(Frequency.from_text("h[UTC]"), np.array(["2024-01-01"], "datetime64[us]"))
    frame = table_to_frame({"id": np.array(["a"]), "ds": times, "y": np.array([1.0])}, "pandas")
    assert str(frame["ds"].dt.tz) == "UTC"
    with pytest.raises(ConfigError, match="no backend 'excel'"):
        table_to_frame({}, "excel")


def test_a_zone_is_not_guessed() -> None:
    days = pd.date_range("2024-01-01", periods=3)
    with pytest.raises(PanelError, match="have no time zone"):
        read(pd.Series(1.0, index=days), frequency="D[Europe/Berlin]")
    other = read(pd.Series(1.0, index=days.tz_localize("UTC")), frequency="h[Europe/Berlin]", gaps="missing")
    assert other.describe().endswith("49 hours, 2024-01-01 01:00 to 2024-01-03 01:00")
