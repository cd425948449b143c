"""Clock changes, zones, and gaps that have a reason."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

import gatecast as gc
from gatecast.data.tables.reading import read
from gatecast.errors import PanelError

Write = Callable[..., Path]


def naive(zone: str, begin: dt.datetime, count: int, minutes: int = 60) -> str:
    start = begin.replace(tzinfo=dt.UTC)
    times = [(start + dt.timedelta(minutes=minutes * i)).astimezone(ZoneInfo(zone)) for i in range(count)]
    return "time,mw\n" + "".join(f"{t:%Y-%m-%d %H:%M},{500 + i}\n" for i, t in enumerate(times))


CHANGES: dict[str, tuple[str, dt.datetime, int, int]] = {
    "Berlin, both": ("Europe/Berlin", dt.datetime(2024, 3, 1), 24 * 250, 60),
    "Berlin, autumn": ("Europe/Berlin", dt.datetime(2024, 10, 1), 24 * 60, 60),
    "Berlin, spring": ("Europe/Berlin", dt.datetime(2024, 3, 1), 24 * 60, 60),
    "Berlin, quarters of an hour": ("Europe/Berlin", dt.datetime(2024, 10, 1), 4 * 24 * 40, 15),
    "London": ("Europe/London", dt.datetime(2023, 3, 1), 24 * 250, 60),
    "New York": ("America/New_York", dt.datetime(2023, 1, 1), 24 * 365, 60),
    "Sydney": ("Australia/Sydney", dt.datetime(2023, 1, 1), 24 * 365, 60),
}


@pytest.mark.parametrize("name", CHANGES)
def test_clock_changes_of_naive_times(csv: Write, name: str) -> None:
    zone, begin, count, minutes = CHANGES[name]
    path = csv(naive(zone, begin, count, minutes))
    if "spring" in name:
        with pytest.raises(PanelError, match=rf"as in {zone}\. Pass timezone='{zone}'") as caught:
            read(path)
        assert "sum" not in str(caught.value)
    else:
        found = read(path)
        assert str(found.notes[0]).endswith(f"these are local times of {zone} (timezone='{zone}')")
        assert np.array_equal(found.values_RV, read(path, timezone=zone).values_RV)
    panel = read(path, timezone=zone)
    assert panel.series(0)[:, 0].tolist() == [500 + i for i in range(count)]
    assert panel.times(0)[0] == np.datetime64(begin, "us")
    backwards = path.read_text().splitlines()
    again = read(csv("\n".join([backwards[0], *backwards[:0:-1]]) + "\n"), timezone=zone)
    assert np.array_equal(again.values_RV, panel.values_RV)


def test_rows_that_are_doubled_for_another_reason(csv: Write) -> None:
    text = naive("Europe/Berlin", dt.datetime(2024, 10, 1), 24 * 60)
    with pytest.raises(PanelError, match="has 2 rows for 2024-10-05"):
        read(csv(text + "2024-10-05 07:00,1\n"))


@pytest.mark.parametrize("zone", ["Europe/Berlni", "nowhere", "+1"])
def test_unknown_zones(csv: Write, zone: str) -> None:
    with pytest.raises(gc.errors.ConfigError, match="timezone"):
        read(csv("t,y\n1,2\n"), timezone=zone)


def test_a_wall_time_that_the_clock_skips(csv: Write) -> None:
    path = csv("time,y\n" + "".join(f"2024-03-31 {h:02}:00,{h}\n" for h in range(24)))
    with pytest.raises(PanelError, match=r"'2024-03-31 02:00' .* does not exist in Europe/Berlin"):
        read(path, timezone="Europe/Berlin")


DAY = "2024-06-01"
WEST = dt.timezone(-dt.timedelta(hours=8))
INDIA, EAST = dt.timezone(dt.timedelta(hours=5, minutes=30)), dt.timezone(dt.timedelta(hours=1))
OFFSETS: dict[str, tuple[list[dt.datetime], str]] = {
    "days": ([dt.datetime(2024, 6, 1 + i, tzinfo=INDIA) for i in range(30)], "30 days, 2024-06-01 to 2024-06-30"),
    "months": ([dt.datetime(2022, i, 1, tzinfo=EAST) for i in range(1, 13)], "12 months, 2022-01 to 2022-12"),
    "years": ([dt.datetime(2000 + i, 1, 1, tzinfo=EAST) for i in range(20)], "20 years, 2000 to 2019"),
    "hours": ([dt.datetime(2024, 6, 1, i, 0, tzinfo=INDIA) for i in range(2)], f"2 hours, {DAY} 00:00 to {DAY} 01:00"),
    "west": ([dt.datetime(2024, 6, 1 + i, tzinfo=WEST) for i in range(9)], "9 days, 2024-06-01 to 2024-06-09"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ["csv", "pandas", "parquet"])
@pytest.mark.parametrize("name", OFFSETS)
def test_offsets(csv: Write, tmp_path: Path, name: str, kind: str) -> None:
    times, told = OFFSETS[name]
    frame = pd.DataFrame({"time": pd.DatetimeIndex(times), "y": range(len(times))})
    frame.to_parquet(tmp_path / "t.parquet")
    text = "time,y\n" + "".join(f"{t.isoformat()},{i}\n" for i, t in enumerate(times))
    source: Any = {"csv": csv(text), "pandas": frame, "parquet": tmp_path / "t.parquet"}[kind]
    panel = read(source)
    assert panel.describe() == f"y · 1 series · {told}"
    out = panel.to_frame("polars")["time"]
    assert [t.replace(tzinfo=None) for t in out.dt.replace_time_zone(None)] == [t.replace(tzinfo=None) for t in times]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
@pytest.mark.parametrize("step", ["D", "h"])
def test_offsets_that_change_with_the_clock(csv: Write, zone: str, step: str) -> None:
    times = pd.date_range("2024-01-01", "2024-12-01", freq=step, tz=zone)
    panel = read(csv("time,y\n" + "".join(f"{t.isoformat()},{i}\n" for i, t in enumerate(times))))
    assert panel.frequency.to_text() == f"{step}[{zone}]"
    assert panel.length.tolist() == [len(times)]
    assert f"those of {zone}" in str(panel.notes[0])
    assert panel.to_frame("pandas")["time"].tolist() == times.tolist()


def shops(closed: dict[str, tuple[int, ...]], count: int = 200) -> str:
    days = [dt.date(2024, 1, 1) + dt.timedelta(days=i) for i in range(count)]
    rows = [f"{s},{d},{50 + 10 * (d.weekday() == 5)}" for d in days for s in closed if d.weekday() not in closed[s]]
    return "store,day,units\n" + "\n".join(rows) + "\n"


CLOSED: dict[str, tuple[dict[str, tuple[int, ...]], str]] = {
    "one on Sundays": ({"a": (), "b": (6,)}, "series 'b' has no Sundays"),
    "both on Sundays": ({"a": (6,), "b": (6,)}, "2 of 2 series have no Sundays"),
    "some on Mondays": ({"a": (), "b": (0,), "c": (0,)}, "2 of 3 series have no Mondays"),
    "two weekdays": ({"a": (), "b": (0, 6)}, "series 'b' has no Mondays .* series 'b' has no Sundays"),
    "weekends": ({"a": (), "b": (5, 6)}, "no Saturdays"),
}


@pytest.mark.parametrize("name", CLOSED)
def test_closed_weekdays(csv: Write, name: str) -> None:
    closed, told = CLOSED[name]
    path = csv(shops(closed))
    with pytest.raises(PanelError, match=f"{told}.*Pass gaps='zero' where no row means 0, or gaps='missing'"):
        read(path)
    zero, missing = read(path, gaps="zero"), read(path, gaps="missing")
    empty = np.isnan(missing.values_RV)
    assert empty.any()
    assert (zero.values_RV[empty] == 0).all()
    assert np.array_equal(zero.values_RV[~empty], missing.values_RV[~empty])
    assert f"{int(empty.sum())} days without a row are taken as 0" in str(zero.notes[-1])


def test_other_gaps_are_told_beside_closed_days(csv: Write) -> None:
    text = shops({"a": (), "b": (6,)}).replace("a,2024-02-07,50\n", "")
    with pytest.raises(PanelError, match=r"'b' has no Sundays .*; series 'a' has no row for 2024-02-07"):
        read(csv(text))


def test_zeros_in_resampled_steps(csv: Write) -> None:
    path = csv("at,n\n2024-01-01 10:00,1\n2024-01-01 11:00,2\n2024-01-04 09:00,5\n")
    assert read(path, frequency="D", resample="sum", gaps="zero").series(0)[:, 0].tolist() == [3, 0, 0, 5]
