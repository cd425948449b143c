"""Calendar channels against plain dates, and where they stand in a window."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from gatecast.data.frequency import Frequency
from gatecast.data.panel import Panel
from gatecast.windows.calendar import Calendar, Cycle, cycles_within, waves_of, year_waves_within
from gatecast.windows.covariate_scale import CovariateScale
from gatecast.windows.reader import WindowReader
from gatecast.windows.scaling import Scaling
from gatecast.windows.shape import Framing

PanelOf = Callable[..., Panel]
YEAR = 365.2425


def dated(panel_of: PanelOf, frequency: str, starts: list[str], steps: int = 2000) -> Panel:
    panel = panel_of([np.arange(steps, dtype=float) + 1] * len(starts))
    return replace(panel, frequency=Frequency.from_text(frequency), starts=np.array(starts, "datetime64[us]"))


def phase(moment: datetime.datetime, cycle: Cycle, frequency: Frequency) -> float:
    """The part of the cycle that has passed, from the fields of a date."""
    day = (moment.hour * 60 + moment.minute) / 1440
    if cycle == "day":
        return day
    if cycle == "week":
        return moment.weekday() / 5 if frequency.unit == "business" else (moment.weekday() + day) / 7
    if frequency.unit == "month":
        return (moment.month - 1) / 12
    return ((moment - datetime.datetime(1970, 1, 1)).total_seconds() / 86400) % YEAR / YEAR


@pytest.mark.parametrize("year_waves", [1, 3])
@pytest.mark.parametrize(
    ("frequency", "cycles", "starts"),
    [
        ("h", ("day", "week", "year"), ["2023-12-31T22:00", "2024-02-28T05:00"]),
        ("15min", ("day", "week"), ["2024-01-01T00:15", "1969-12-31T23:45"]),
        ("D", ("week", "year"), ["2024-02-28", "1969-12-29"]),
        ("W", ("year",), ["2024-01-03"]),
        ("MS", ("year",), ["1949-01-01", "2024-12-01"]),
        ("QS", ("year",), ["2020-04-01"]),
        ("B", ("week",), ["2024-02-29"]),
    ],
)
def test_channels_are_sines_and_cosines_of_the_dates(
    panel_of: PanelOf, frequency: str, cycles: tuple[Cycle, ...], starts: list[str], year_waves: int
) -> None:
    panel = dated(panel_of, frequency, starts)
    calendar = Calendar.of(panel, cycles, year_waves)
    wanted_waves = waves_of(cycles, panel.frequency, year_waves)
    step_BT = np.array([[0, 1, 2, 700], [-3, 5, 11, 1999]])
    for n in range(len(panel)):
        found = calendar.channels(np.array([n, n]), step_BT)
        for cycle, waves, channels_BTX in zip(cycles, wanted_waves, found, strict=True):
            for (b, t), step in np.ndenumerate(step_BT):
                moment = panel.frequency.advance(panel.starts[n], int(step)).astype("datetime64[us]").item()
                turns = [2 * math.pi * phase(moment, cycle, panel.frequency) * k for k in range(1, waves + 1)]
                wanted = [math.sin(a) for a in turns] + [math.cos(a) for a in turns]
                assert channels_BTX[b, t] == pytest.approx(wanted, abs=3e-3), (cycle, moment)


@pytest.mark.parametrize(
    ("frequency", "steps", "waves"),
    [("D", 60, 1), ("D", 1460, 1), ("D", 1461, 2), ("D", 6574, 6), ("D", 50_000, 6), ("MS", 120, 5), ("s", 10**5, 1)],
)
def test_the_year_gets_a_wave_for_two_years_of_history(
    panel_of: PanelOf, frequency: str, steps: int, waves: int
) -> None:
    assert year_waves_within(dated(panel_of, frequency, ["2020-01-01"], steps)) == waves


@pytest.mark.parametrize(
    ("frequency", "steps", "cycles"),
    [
        ("h", 36, ("day",)),
        ("h", 252, ("day", "week")),
        ("h", 20_000, ("day", "week", "year")),
        ("D", 10, ()),
        ("D", 500, ("week",)),
        ("D", 560, ("week", "year")),
        ("W", 78, ()),
        ("W", 79, ("year",)),
        ("MS", 18, ("year",)),
        ("QS", 5, ()),
        ("YS", 100, ()),
        ("B", 400, ("week", "year")),
    ],
)
def test_a_cycle_counts_where_the_data_hold_one_and_a_half(
    panel_of: PanelOf, frequency: str, steps: int, cycles: tuple[str, ...]
) -> None:
    assert cycles_within(dated(panel_of, frequency, ["2020-01-01"], steps)) == cycles


def test_whole_steps_have_no_calendar(panel_of: PanelOf) -> None:
    assert cycles_within(panel_of([np.arange(5000.0)])) == ()


def reader_of(panel: Panel, lookback: int = 6, cycles: tuple[Cycle, ...] = ("week",)) -> WindowReader:
    framing = Framing(lookback, 2, calendar=cycles)
    return WindowReader(panel, Scaling.parse("standard"), framing, CovariateScale.fit(panel, True))


def test_the_network_reads_the_calendar_of_the_next_step(panel_of: PanelOf) -> None:
    panel = dated(panel_of, "D", ["2024-01-01"], 40)
    reader = reader_of(panel)
    context_BLF = reader.read(np.array([0]), np.array([20])).context_BLF
    assert context_BLF.shape[-1] == reader.features == 5
    assert context_BLF[0, :, 1:] == pytest.approx(
        reader.calendar.channels(np.array([0]), np.arange(16, 22)[None])[0][0]
    )


def test_a_slice_a_series_start_and_a_horizon_beyond_the_panel_change_no_date(panel_of: PanelOf) -> None:
    whole = dated(panel_of, "D", ["2024-01-01", "2024-03-05"], 40)
    cut = whole.slice(11, 31)
    for n in (0, 1):
        many, one = np.array([n]), whole.first[n] + np.array([25])
        later = reader_of(cut).read(many, one, targets=False).context_BLF[..., 1:]
        assert later == pytest.approx(reader_of(whole).read(many, one, targets=False).context_BLF[..., 1:])
        early = reader_of(whole).read(many, whole.first[n] + np.array([2]), targets=False).context_BLF[0, :, 1:]
        assert early == pytest.approx(reader_of(whole).calendar.channels(many, np.arange(-2, 4)[None])[0][0], abs=3e-3)
        beyond = reader_of(whole).after(many, whole.stop[n] - np.array([2]), 4)[1]
        assert beyond is not None
        assert beyond[0] == pytest.approx(reader_of(whole).calendar.channels(many, np.arange(40, 44)[None])[0][0])
