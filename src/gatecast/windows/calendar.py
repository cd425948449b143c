"""Where a step lies in the day, the week and the year, as smooth waves that the network reads.

    phase of t+1 in its cycle, 0 to 1   --sin, cos of 1, 2, .. turns-->   channels

Waves, because the end of a cycle is next to its beginning and neighbouring steps are alike; several, because weekdays
and holidays are no simple wave. A phase is arithmetic on the series' start, so that no table of times is ever made.
With a time zone, steps below a day are UTC instants: there the hour of the clock moves by one with summer time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from gatecast.data.frequency import Frequency
from gatecast.data.frequency_names import DAY, WEEK
from gatecast.data.panel import Panel

__all__ = ["Calendar", "CalendarChoice", "Cycle", "cycles_within", "steps_in", "waves_of", "year_waves_within"]

Cycle = Literal["day", "week", "year"]
LENGTHS: dict[Cycle, float] = {"day": DAY, "week": WEEK, "year": 365.2425 * DAY}  # microseconds
WAVES: dict[Cycle, int] = {"day": 2, "week": 2}  # of the year as many as its repetitions can tell
TIE = 0.5 + 1e-6  # halves are rounded up, whatever the last digits of a phase are
PLACES = 5040  # of the table of waves: it divides by hours, weekdays, months and weekly hours
MONDAY = 4 * DAY  # 1970-01-01 was a Thursday; the first Monday


@dataclass(frozen=True)
class CalendarChoice:
    """What of the calendar a network reads, by how much of it the data hold.

    Args:
        cycles: A day, week or year is read where a typical series holds so many of them.
        years_per_wave: Years of history for each wave of the year: its shape is only seen once a year.
        most_year_waves: Waves of the year.
    """

    cycles: float = 1.5
    years_per_wave: float = 2
    most_year_waves: int = 6


USUAL = CalendarChoice()


def cycles_within(panel: Panel, choice: CalendarChoice = USUAL) -> tuple[Cycle, ...]:
    """The cycles that a step divides and of which half of the series hold enough."""
    steps = float(np.median(panel.length))
    per_cycle = {cycle: steps_in(cycle, panel.frequency) for cycle in LENGTHS}
    return tuple(cycle for cycle, count in per_cycle.items() if 2 <= count <= steps / choice.cycles)


def year_waves_within(panel: Panel, choice: CalendarChoice = USUAL) -> int:
    """Waves of the year that half of the series are long enough for."""
    per_year = steps_in("year", panel.frequency)
    years = float(np.median(panel.length)) / per_year if per_year else 0
    return int(np.clip(years // choice.years_per_wave, 1, choice.most_year_waves))


def waves_of(cycles: tuple[Cycle, ...], frequency: Frequency, year_waves: int = 1) -> tuple[int, ...]:
    """Waves of each cycle, each of which is two channels; fewer where a cycle has few steps.

    >>> waves_of(("week", "year"), Frequency.from_text("D")), waves_of(("year",), Frequency.from_text("h"), 3)
    ((2, 1), (3,))
    """
    wanted = WAVES | {"year": year_waves}
    return tuple(min(wanted[cycle], int(steps_in(cycle, frequency) // 2)) for cycle in cycles)


def steps_in(cycle: Cycle, frequency: Frequency) -> float:
    """Steps of one cycle; 0 where the frequency knows nothing of it."""
    if frequency.unit == "fixed":
        return LENGTHS[cycle] / frequency.count
    if frequency.unit == "business":
        return {"day": 0, "week": 5, "year": 260.8875}[cycle] / frequency.count
    return 12 / frequency.count if frequency.unit == "month" and cycle == "year" else 0


@dataclass(frozen=True)
class Calendar:
    """Calendar channels of the rows of a panel.

    Args:
        phase_NY: (N, Y) phase of each series' first row in Y cycles, 0 to 1.
        stride_Y: what one step adds to it.
        wave_Y: waves of each cycle, each with a sine and a cosine.
        cycles: the Y cycles.
    """

    phase_NY: np.ndarray
    stride_Y: np.ndarray
    wave_Y: tuple[int, ...]
    cycles: tuple[Cycle, ...]

    @classmethod
    def of(cls, panel: Panel, cycles: tuple[Cycle, ...], year_waves: int = 1) -> Calendar:
        """The calendar of a panel's series in some cycles; its frequency must know them."""
        phase_NY = np.zeros((len(panel), len(cycles)))
        for y, cycle in enumerate(cycles):
            phase_NY[:, y] = _phase(panel.starts, cycle, panel.frequency)
        stride_Y = 1 / np.array([steps_in(cycle, panel.frequency) for cycle in cycles])
        return cls(phase_NY, stride_Y, waves_of(cycles, panel.frequency, year_waves), cycles)

    @property
    def width(self) -> int:
        """Channels: a sine and a cosine of each wave."""
        return 2 * sum(self.wave_Y)

    def channels(self, series_B: np.ndarray, step_BT: np.ndarray) -> list[np.ndarray]:
        """One (B, T, 2 waves) float32 array per cycle, of the steps counted from each series' first row."""
        return [self.channel(cycle, series_B, step_BT) for cycle in self.cycles]

    def channel(self, cycle: Cycle, series_B: np.ndarray, step_BT: np.ndarray) -> np.ndarray:
        """The (B, T, 2 waves) float32 of one of the cycles."""
        y = self.cycles.index(cycle)
        phase_BT = self.phase_NY[series_B, y][:, None] + step_BT * self.stride_Y[y]
        place_BT = np.floor(phase_BT * PLACES + TIE).astype(np.int64) % PLACES
        return _table(self.wave_Y[y])[place_BT]


def _phase(starts: np.ndarray, cycle: Cycle, frequency: Frequency) -> np.ndarray:
    """(N,) phase of the starts, 0 to 1."""
    if frequency.unit == "month":
        return starts.astype("datetime64[M]").astype(np.int64) % 12 / 12
    if frequency.unit == "business" and cycle == "week":
        return np.busday_count("1970-01-05", starts.astype("datetime64[D]")) % 5 / 5
    since = starts.astype("datetime64[us]").astype(np.int64) - (MONDAY if cycle == "week" else 0)
    return since % LENGTHS[cycle] / LENGTHS[cycle]


@cache
def _table(waves: int) -> np.ndarray:
    """(PLACES, 2 waves) sines and cosines of 1 .. ``waves`` turns."""
    turn_PW = 2 * np.pi * np.arange(PLACES)[:, None] / PLACES * np.arange(1, waves + 1)
    return np.concatenate([np.sin(turn_PW), np.cos(turn_PW)], axis=1).astype(np.float32)
