"""Cells of text as the fields of a time: year, month, day, time of day, offset. All by columns, none cell by cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatecast.data.frequency_names import DAY, HOUR, MINUTE, SECOND
from gatecast.data.tables.times.words import MONTHS, WEEKDAYS

if TYPE_CHECKING:
    import polars as pl

__all__ = ["CLOCK", "fields", "full_year", "moment", "normal", "offset_of", "time_of_day"]

_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_FIND_MONTH = rf"^(?P<pre>.*?(?:^|[^\pL]))(?P<month>{_MONTH})(?P<post>\.?(?:$|[^\pL].*))$"

# Abbreviations that say one offset only.
_NAMED = {
    **{"cet": "+01", "cest": "+02", "mez": "+01", "mesz": "+02", "bst": "+01", "wet": "+00", "west": "+01"},
    **{"eet": "+02", "eest": "+03", "est": "-05", "edt": "-04", "cst": "-06", "cdt": "-05", "mst": "-07"},
    **{"mdt": "-06", "pst": "-08", "pdt": "-07"},
}

# The time of day at the end of a date; a span such as 00:00 - 01:00 is called by its beginning.
CLOCK = (
    r"(?:t|,? | - |,|-)(?P<H>[0-9]{1,2})(?:[:.h] ?(?P<M>[0-9]{2})(?:[:.](?P<S>[0-9]{2})(?:[.,](?P<f>[0-9]{1,9}))?)?)? ?"
    r"(?P<half>[ap]\.?m\.?)? ?(?P<zone>z|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2}|utc|gmt|"
    rf"{'|'.join(_NAMED)})?"
    r"(?:\[[a-z_/]+\])?(?: ?(?:-|to|bis|/) ?[0-9][0-9 :.t/-]*(?:[ap]\.?m\.?)?)?(?: ?\([a-z/ ]+\))?"
)


def normal(text: pl.Series) -> pl.Series:
    """Lower case, one kind of digits, dashes and spaces; months in words become @07@, weekdays go."""
    import polars as pl

    text = text.str.strip_chars()
    if text.str.contains(r"[^\x00-\x7F]").any():
        text = text.str.normalize("NFKC").str.replace_all(r"[–—−]", "-")
        text = (
            text.str.replace_all(r"[年月년월] ?", "-").str.replace_all(r"[日일]", "").str.replace_all(r"[時시] ?", ":")
        )
        text = text.str.strip_chars_end("-")
    text = text.str.to_lowercase().str.replace_all(r"\s+", " ")
    if not text.str.contains(r"[a-z]").any():
        return text
    text = text.str.replace(r"(?: o'?clock| uhr)$", "")
    parts = text.to_frame("t").select(pl.col("t").str.extract_groups(_FIND_MONTH)).unnest("t")
    numbers = parts["month"].replace_strict(list(MONTHS), list(MONTHS.values()), default=None, return_dtype=pl.Int64)
    named = pl.format("{}@{}@{}", "pre", pl.col("n").cast(str).str.zfill(2), pl.col("post").str.strip_chars_start("."))
    found = parts.with_columns(n=numbers).select(named.alias("t"))["t"]
    text = found.zip_with(found.is_not_null(), text)
    return text.str.replace(rf"^(?:{WEEKDAYS})\.?,? ([0-9@])", "$1")


def fields(text: pl.Series, pattern: str) -> pl.DataFrame:
    """The named groups of a pattern that fits the whole cell, as text; null where it does not fit."""
    import polars as pl

    return text.to_frame("t").select(pl.col("t").str.extract_groups(f"^(?:{pattern})$")).unnest("t")


def full_year(column: str) -> pl.Expr:
    """Years of two digits lie between 1970 and 2069."""
    import polars as pl

    year = pl.col(column).cast(pl.Int64)
    short = pl.col(column).str.len_chars() <= 2
    return pl.when(short & (year < 70)).then(year + 2000).when(short).then(year + 1900).otherwise(year)


def moment(year: pl.Expr, month: pl.Expr, day: pl.Expr) -> pl.Expr:
    """The date of three numbers, null where there is none; years outside 1000 to 2999 are no years."""
    import polars as pl

    sound = year.is_between(1000, 2999) & month.is_between(1, 12) & day.is_between(1, 31)
    date = pl.format("{}-{}-{}", year, month.cast(str).str.zfill(2), day.cast(str).str.zfill(2))
    return pl.when(sound).then(date).str.to_datetime("%Y-%m-%d", time_unit="us", strict=False)


def time_of_day(parts: pl.DataFrame) -> pl.Series:
    """Microseconds since midnight of the groups of ``CLOCK``: 0 without them, null for no time of day."""
    import polars as pl

    hour, minute, second = (pl.col(name).cast(pl.Int64).fill_null(0) for name in "HMS")
    half = pl.col("half").str.slice(0, 1)
    hour = pl.when(half == "p").then(hour % 12 + 12).when(half == "a").then(hour % 12).otherwise(hour)
    sound = (hour < 24) | ((hour == 24) & (minute == 0) & (second == 0))
    sound &= (minute < 60) & (second < 60) & (half.is_null() | pl.col("H").cast(pl.Int64).is_between(1, 12))
    fraction = pl.col("f").str.pad_end(6, "0").str.slice(0, 6).cast(pl.Int64).fill_null(0)
    total = hour * HOUR + minute * MINUTE + second * SECOND + fraction
    return parts.select(pl.when(sound.fill_null(True)).then(total).alias("c"))["c"]


def offset_of(zone: pl.Series) -> pl.Series:
    """("+02:00", "z", null) as microseconds east of Greenwich; null where there is no zone."""
    import polars as pl

    zone = zone.replace(list(_NAMED), list(_NAMED.values()))
    digits = zone.str.replace_all(r"[^0-9]", "")
    hours = digits.str.slice(0, 2).cast(pl.Int64, strict=False).fill_null(0)
    minutes = digits.str.slice(2, 2).cast(pl.Int64, strict=False).fill_null(0)
    sign = zone.str.starts_with("-").cast(pl.Int64) * -2 + 1
    return sign * (hours * (DAY // 24) + minutes * MINUTE)
