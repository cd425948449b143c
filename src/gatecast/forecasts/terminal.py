"""A fan chart as text: dots of Braille in a terminal that has them, plain ASCII elsewhere.

A cell of Braille holds 2 x 4 dots, so 60 columns and 12 rows are a drawing of 120 x 48:

     700 ┤                                 ┊  ░⢠⡀░
     600 ┤                         ⢠⡀      ┊ ░░⡜⢣░░
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gatecast.data.quantiles import central_pairs
from gatecast.forecasts.digits import digits_of, round_ticks

if TYPE_CHECKING:
    from gatecast.forecasts.forecast import Forecast

__all__ = ["TextLine", "shows_braille", "text_chart"]

NOISE = 1e-12  # a smaller difference is none
ROWS, LEAST_WIDTH, COMFORTABLE, MOST_TICKS = 12, 40, 70, 6
COVERAGE = 0.8
# of a cell: the bit of each dot, by row and column (Unicode 13, U+2800)
BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])


@dataclass(frozen=True)
class TextLine:
    """One line: pieces of text, each with what it shows ("axis", "history", "forecast", "band", "title")."""

    pieces: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        """The line without its kinds."""
        return "".join(text for text, _ in self.pieces).rstrip()


@dataclass(frozen=True)
class _Marks:
    """The characters of a drawing, and the dots of a cell."""

    across: int
    down: int
    history: str  # "" = Braille
    forecast: str
    band: str
    origin: str
    axis: str
    corner: str
    floor: str


BRAILLE = _Marks(2, 4, "", "", "░", "┊", "┤", "└", "─")
ASCII = _Marks(1, 1, "*", "#", ":", "|", "|", "+", "-")


def shows_braille(encoding: str | None) -> bool:
    """Whether text in an encoding can hold the characters of a chart.

    >>> shows_braille("utf-8"), shows_braille("cp1252"), shows_braille(None)
    (True, False, False)
    """
    try:
        f"⣿{BRAILLE.band}{BRAILLE.origin}{BRAILLE.axis}{BRAILLE.corner}{BRAILLE.floor}".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def text_chart(
    forecast: Forecast, series: int | str = 0, target: int = 0, *, width: int = 80, ascii_only: bool = False
) -> list[TextLine]:
    """History, median and the 80 % interval (the widest one where there is none of 80 %) of one series.

    Args:
        forecast: what to draw.
        series: position or name.
        target: position.
        width: columns of a line, at least 40.
        ascii_only: use no other characters than those of ASCII.

    Raises:
        PanelError: there is no such series.
    """
    marks = ASCII if ascii_only else BRAILLE
    width = max(width, LEAST_WIDTH)
    curves = _curves(forecast, forecast.position(series), target, (width - 8) * marks.across)
    low, high = curves.bounds()
    ticks = round_ticks(low, high, MOST_TICKS)
    digits = digits_of(np.diff(ticks)) if len(ticks) > 1 else digits_of(np.array([low, high]))
    digits = next((d for d in range(digits + 1) if len({f"{tick:.{d}f}" for tick in ticks}) == len(ticks)), digits)
    names = [f"{tick:,.{digits}f}" for tick in ticks]
    gutter = max(map(len, names), default=0)
    columns = width - gutter - 2
    grid = _Grid(marks, columns, low, high, len(curves.median))
    cells = grid.drawn(curves)
    labels = {grid.row(tick): name for tick, name in zip(ticks, names, strict=True)}
    body = [
        TextLine(((f"{labels.get(r, ''):>{gutter}} {marks.axis if r in labels else ' '}", "axis"), *_joined(row)))
        for r, row in enumerate(cells)
    ]
    title = TextLine(((_title(forecast, forecast.position(series), target), "title"),))
    floor = TextLine(((f"{'':>{gutter}} {marks.corner}{marks.floor * columns}", "axis"),))
    times = TextLine(((" " * (gutter + 2) + grid.times(curves), "axis"),))
    return [title, *body, floor, times, _key(marks, curves.band, gutter, width)]


# ---------------------------------------------------------------- what is drawn


@dataclass(frozen=True)
class _Curves:
    """T steps: history, then the horizon; nan where there is nothing to draw.

    Args:
        history: (T,) observed values.
        median: (T,) forecasts, from the last observed value on.
        low: (T,) lower end of the interval.
        high: (T,) upper end of it.
        names: T times in words.
        origin: position of the last step of the history.
        band: what the interval is called; "" without one.
    """

    history: np.ndarray
    median: np.ndarray
    low: np.ndarray
    high: np.ndarray
    names: Sequence[str]
    origin: int
    band: str

    def bounds(self) -> tuple[float, float]:
        """Lowest and highest value of the drawing: the lines, and of a band that runs away as much again."""
        core = np.concatenate([self.history, self.median])
        core = core[np.isfinite(core)]
        low, high = float(core.min()), float(core.max())
        if high - low < NOISE:
            middle = (low + high) / 2
            low = high = middle if abs(middle) > NOISE else 0.0
        span = (high - low) or abs(high)
        wide = np.concatenate([self.low, self.high])
        wide = wide[np.isfinite(wide)]
        if len(wide):
            low, high = min(low, max(float(wide.min()), low - span)), max(high, min(float(wide.max()), high + span))
        if high - low >= NOISE:
            return low, high
        return (low - span / 2, high + span / 2) if span > NOISE else (-1.0, 1.0)


def _curves(forecast: Forecast, n: int, c: int, dots: int) -> _Curves:
    """The horizon, and as much history as there are dots across, within four and two horizons."""
    horizon, times = forecast.horizon, list(forecast.times[n])
    past = np.full(1, np.nan)
    when = [forecast.origins[n]]
    if forecast.history is not None:
        tail = min(max(4 * horizon, 36), max(2 * horizon, dots - horizon))
        past = forecast.history.series(n)[-tail:, c].astype(np.float64)
        when = list(forecast.history.times(n)[-tail:])
    blank, ahead = np.full(len(past) - 1, np.nan), np.full(horizon, np.nan)
    open_at = past[-1:]  # a fan opens at the last value observed
    low_H, high_H, band = _interval(forecast, n, c)
    return _Curves(
        np.concatenate([past, ahead]),
        np.concatenate([blank, open_at, forecast.values[n, :, c].astype(np.float64)]),
        np.concatenate([blank, open_at, low_H]),
        np.concatenate([blank, open_at, high_H]),
        [forecast.axes.time_label(time) for time in (*when, *times)],
        len(past) - 1,
        band,
    )


def _interval(forecast: Forecast, n: int, c: int) -> tuple[np.ndarray, np.ndarray, str]:
    """Ends of the 80 % interval, or of the widest one, and its name."""
    levels = forecast.quantiles
    pairs = {round(levels[high] - levels[low], 6): (low, high) for low, high in central_pairs(levels)}
    if not pairs:
        none = np.full(forecast.horizon, np.nan)
        return none, none, ""
    coverage = COVERAGE if COVERAGE in pairs else max(pairs)
    low, high = pairs[coverage]
    values_HQ = forecast.values_NHCQ[n, :, c].astype(np.float64)
    return values_HQ[:, low], values_HQ[:, high], f"{100 * coverage:g} % interval"


# ---------------------------------------------------------------- cells


class _Grid:
    """Cells of text, each of some dots.

    Args:
        marks: the characters.
        columns: cells across.
        low: value at the bottom.
        high: value at the top.
        steps: T.
    """

    def __init__(self, marks: _Marks, columns: int, low: float, high: float, steps: int) -> None:
        self.marks, self.columns, self.low, self.high, self.steps = marks, columns, low, high, steps

    def x(self, step: float) -> int:
        """Dot of a step."""
        return round(step / max(self.steps - 1, 1) * (self.columns * self.marks.across - 1))

    def y(self, value: float) -> int:
        """Dot of a value, from the top; outside of the drawing where the value is."""
        dots = ROWS * self.marks.down - 1
        return round((self.high - value) / (self.high - self.low) * dots)

    def row(self, value: float) -> int:
        """Row of a value."""
        return self.y(value) // self.marks.down

    def drawn(self, curves: _Curves) -> list[list[tuple[str, str]]]:
        """Rows of cells, each a character and what it shows."""
        cells = [[(" ", "axis")] * self.columns for _ in range(ROWS)]
        origin = self.x(curves.origin) // self.marks.across
        for row in cells:
            row[origin] = (self.marks.origin, "axis")
        for r, column in self._shaded(curves):
            cells[r][column] = (self.marks.band, "band")
        for kind, values, mark in (
            ("history", curves.history, self.marks.history),
            ("forecast", curves.median, self.marks.forecast),
        ):
            dots = self._dots(values)
            for r in range(ROWS):
                for column in np.flatnonzero(dots[r]).tolist():
                    cells[r][column] = (mark or chr(0x2800 + int(dots[r, column])), kind)
        return cells

    def _dots(self, values: np.ndarray) -> np.ndarray:
        """(rows, columns) bits of the dots that a line sets."""
        bits = np.zeros((ROWS, self.columns), np.int64)
        for x, y in self._points(values):
            if 0 <= y < ROWS * self.marks.down:
                row, column = y // self.marks.down, x // self.marks.across
                bits[row, column] |= BITS[y % self.marks.down, x % self.marks.across]
        return bits

    def _points(self, values: np.ndarray) -> Iterator[tuple[int, int]]:
        """Every dot of a line: one for each column of dots, and those between two that lie far apart."""
        known = np.isfinite(values)
        for t in np.flatnonzero(known).tolist():
            here = self.x(t), self.y(values[t])
            yield here
            if t + 1 < len(values) and known[t + 1]:
                there = self.x(t + 1), self.y(values[t + 1])
                count = max(abs(there[0] - here[0]), abs(there[1] - here[1]), 1)
                for k in range(1, count):
                    yield (
                        round(here[0] + (there[0] - here[0]) * k / count),
                        round(here[1] + (there[1] - here[1]) * k / count),
                    )

    def _shaded(self, curves: _Curves) -> Iterator[tuple[int, int]]:
        """Cells inside the band."""
        known = np.flatnonzero(np.isfinite(curves.low) & np.isfinite(curves.high)).tolist()
        if len(known) < 2:
            return
        for column in range(self.x(known[0]) // self.marks.across + 1, self.columns):
            dot = (column + 0.5) * self.marks.across - 0.5
            step = dot / (self.columns * self.marks.across - 1) * (self.steps - 1)
            low, high = (float(np.interp(step, known, side[known])) for side in (curves.low, curves.high))
            for r in range(max(self.row(high), 0), min(self.row(low), ROWS - 1) + 1):
                yield r, column

    def times(self, curves: _Curves) -> str:
        """The line of times: first, last known, last; what would touch is left out, the last known one first."""
        first, last = curves.names[0], curves.names[-1]
        line = [" "] * self.columns
        known = curves.names[curves.origin]
        middle = self.x(curves.origin) // self.marks.across - len(known) // 2
        places = [(0, first), (self.columns - len(last), last), (middle, known)]
        for place, name in places:
            free = line[max(place - 2, 0) : place + len(name) + 2]
            if place >= 0 and place + len(name) <= self.columns and not "".join(free).strip():
                line[place : place + len(name)] = name
        return "".join(line)


def _joined(row: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Neighbours of one kind as one piece."""
    made: list[tuple[str, str]] = []
    for text, kind in row:
        if made and made[-1][1] == kind:
            made[-1] = (made[-1][0] + text, kind)
        else:
            made.append((text, kind))
    return made


def _title(forecast: Forecast, n: int, c: int) -> str:
    name = f"{forecast.targets[c]} of {forecast.ids[n]}" if len(forecast) > 1 else forecast.targets[c]
    return f"{name}, {forecast.horizon:,} {forecast.frequency.plural(forecast.horizon)} ahead"


def _key(marks: _Marks, band: str, gutter: int, width: int) -> TextLine:
    """What the marks stand for."""
    wide = width >= COMFORTABLE
    gap = ("   " if wide else " ", "axis")
    pieces = [
        (" " * (gutter + 2) if wide else "", "axis"),
        (marks.history * 2 or "⠤⠤", "history"),
        (" history", "axis"),
    ]
    pieces += [gap, (marks.forecast * 2 or "⠒⠒", "forecast"), (" forecast", "axis")]
    if band:
        pieces += [gap, (marks.band * 2, "band"), (f" {band}", "axis")]
    return TextLine(tuple(pieces))
