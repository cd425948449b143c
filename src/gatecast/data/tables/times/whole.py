"""Times written as numbers: steps, years, 202401, 20240131, epochs, serials of spreadsheets, decimal years."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from gatecast.data.frequency_names import SECOND
from gatecast.data.tables.times import words
from gatecast.data.tables.times.cells import moment
from gatecast.data.tables.times.choice import Reading
from gatecast.data.tables.times.texts import iso_weeks

__all__ = ["read_whole"]

_STEP_NAMES = ("t", "step", "index", "timestep", "timeidx", "time_idx", "no", "nr", "")
_YEAR_NAMES = (*words.PART_NAMES["year"], *words.DATE_NAMES, "period")
# The first day of the serials that spreadsheets keep, and the years in which tables lie.
_EXCEL_ZERO, _FIRST_YEAR, _LAST_YEAR = "1899-12-30", 1500, 2199
_EPOCHS = ((1, 8, 10, "seconds"), (1_000, 12, 13, "milliseconds"), (1_000_000, 15, 16, "microseconds"))


def read_whole(numbers: pl.Series, name: str) -> list[Reading]:
    """The readings of different numbers (int64 or float64, none null) of one column."""
    whole = numbers.cast(pl.Int64, strict=False)
    if not (whole.cast(pl.Float64) == numbers.cast(pl.Float64)).fill_null(False).all():
        return [*_fractions(numbers.cast(pl.Float64)), Reading(_none(numbers), "steps", 9)]
    named = words.called_like_a_time(name)
    steps = Reading(whole, "steps", 0 if words.plain_name(name) in _STEP_NAMES else 4)
    frame = whole.to_frame("n")
    years = _years(frame) if words.plain_name(name) in _YEAR_NAMES else []
    return [*years, *_digits(frame, name), *_epochs(whole, named), *_serials(whole.cast(pl.Float64), named), steps]


def _none(numbers: pl.Series) -> pl.Series:
    return pl.Series([None] * len(numbers), dtype=pl.Int64)


def _years(frame: pl.DataFrame) -> list[Reading]:
    if not frame["n"].is_between(1000, 2999).all():
        return []
    times = frame.select(moment(pl.col("n"), pl.lit(1), pl.lit(1)).alias("t"))["t"]
    return [Reading(times, "years", 0, "{Y}")]


def _split(frame: pl.DataFrame, *widths: int) -> list[pl.Expr]:
    """The digits of numbers, cut from the left."""
    made, left = [], sum(widths)
    for width in widths:
        made.append(pl.col("n") // 10 ** (left - width) % 10**width)
        left -= width
    return made


def _digits(frame: pl.DataFrame, name: str) -> Iterator[Reading]:
    """Numbers whose digits are year, month and so on; all have as many digits."""
    low, high = frame["n"].min(), frame["n"].max()
    width = len(str(high))
    if not isinstance(low, int) or low <= 0 or len(str(low)) != width:
        return
    week_named = "week" in words.plain_name(name) or words.plain_name(name) in words.PART_NAMES["week"]
    for reading in _of_width(frame, width, 0 if week_named else 2):
        years = reading.times.dt.year()
        if years.is_between(_FIRST_YEAR, _LAST_YEAR).fill_null(False).all():
            yield reading


def _of_width(frame: pl.DataFrame, width: int, week_rank: int) -> Iterator[Reading]:
    one = pl.lit(1)

    def made(date: pl.Expr) -> pl.Series:
        return frame.select(date.cast(pl.Datetime("us")).alias("t"))["t"]

    if width == 5:
        year, quarter = _split(frame, 4, 1)
        month = pl.when(quarter.is_between(1, 4)).then(quarter * 3 - 2).otherwise(None)
        yield Reading(made(moment(year, month, one)), "quarters", 1, "{Y}{q}", told=True)
    if width == 6:
        year, second = _split(frame, 4, 2)
        yield Reading(made(moment(year, second, one)), "months", 1, "{Y}{m}", told=True)
        yield Reading(iso_weeks(frame, year, second), "ISO weeks", week_rank, "{G}{V}", told=True)
        short, month, day = _split(frame, 2, 2, 2)
        full = pl.when(short < 70).then(short + 2000).otherwise(short + 1900)
        yield Reading(made(moment(full, month, day)), "days", 3, "{y}{m}{d}", told=True)
    if width == 7:
        year, day = _split(frame, 4, 3)
        then = moment(year, one, one) + pl.duration(days=day - 1)
        sound = day.is_between(1, 366) & (then.dt.year() == year)  # 366 in leap years alone
        yield Reading(made(pl.when(sound).then(then)), "days of the year", 1, "{Y}{j}", told=True)
    if width in (8, 10, 12, 14):
        year, month, day, *clock = _split(frame, 4, 2, 2, *[2] * ((width - 8) // 2))
        hour, minute, second = (*clock, *[pl.lit(0)] * 3)[:3]
        sound = (hour < 24) & (minute < 60) & (second < 60)
        date = moment(year, month, day) + pl.duration(hours=hour, minutes=minute, seconds=second)
        marks = "{Y}{m}{d}" + "".join(("{H}", "{M}", "{S}")[: len(clock)])
        yield Reading(made(pl.when(sound).then(date)), "dates", 0, marks)


def _epochs(numbers: pl.Series, named: bool) -> Iterator[Reading]:
    """Time since 1970 in seconds, milliseconds, microseconds or nanoseconds."""
    if not named or not len(numbers):
        return
    digits = len(str(int(numbers.abs().median() or 0)))  # type: ignore[arg-type]
    for per_second, least, most, unit in _EPOCHS:
        if least <= digits <= most:
            times = (numbers * (SECOND // per_second)).cast(pl.Datetime("us"))
            yield Reading(times, f"{unit} since 1970", 1, told=True)
    if 18 <= digits <= 19:
        yield Reading((numbers // 1000).cast(pl.Datetime("us")), "nanoseconds since 1970", 1, told=True)


def _serials(numbers: pl.Series, named: bool) -> Iterator[Reading]:
    if not named or not numbers.is_between(15_000, 80_000).all():
        return
    zero = pl.Series([_EXCEL_ZERO]).str.to_datetime("%Y-%m-%d", time_unit="us")[0]
    # seconds are what a float holds of a day
    passed = ((numbers * 86_400).round() * SECOND).cast(pl.Int64).cast(pl.Duration("us"))
    yield Reading((passed + zero).cast(pl.Datetime("us")), "days as spreadsheets count them", 2, told=True)


def _fractions(numbers: pl.Series) -> Iterator[Reading]:
    """Decimal years (1749.042), serials with a time of day, epochs with fractions."""
    if numbers.is_between(1000, 2999).all():
        yield from _decimal_years(numbers)
    yield from _serials(numbers, True)
    if numbers.is_between(1e8, 1e10).all():
        times = (numbers * SECOND).round().cast(pl.Int64).cast(pl.Datetime("us"))
        yield Reading(times, "seconds since 1970", 1, told=True)
    if numbers.is_between(1e11, 1e13).all():
        times = (numbers * (SECOND // 1000)).round().cast(pl.Int64).cast(pl.Datetime("us"))
        yield Reading(times, "milliseconds since 1970", 1, told=True)


def _decimal_years(numbers: pl.Series) -> Iterator[Reading]:
    """Years with months as their fraction: the beginning (1960.25) or the middle (1749.042) of the month."""
    frame = numbers.to_frame("x").with_columns(y=pl.col("x").floor().cast(pl.Int64))
    twelfth = (pl.col("x") - pl.col("y")) * 12
    for shift, words_ in ((0.0, "years with months as fractions"), (0.5, "years with middles of months as fractions")):
        month = (twelfth - shift).round().cast(pl.Int64)
        near = ((twelfth - shift - month).abs() < 0.07) & month.is_between(0, 11)
        date = moment(pl.col("y"), month + 1, pl.lit(1))
        times = frame.select(pl.when(near).then(date).cast(pl.Datetime("us")).alias("t"))["t"]
        yield Reading(times, words_, 1, told=True)
    hundredth = ((pl.col("x") - pl.col("y")) * 100).round().cast(pl.Int64)
    exact = ((pl.col("x") - pl.col("y")) * 100 - hundredth).abs() < 1e-6
    date = moment(pl.col("y"), pl.when(exact & hundredth.is_between(1, 12)).then(hundredth), pl.lit(1))
    times = frame.select(date.cast(pl.Datetime("us")).alias("t"))["t"]
    yield Reading(times, "months after the point", 1, told=True)
