"""The words for frequencies: what people may write, what files hold, what messages say."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from gatecast.errors import PanelError, did_you_mean

__all__ = ["DAY", "HOUR", "MINUTE", "SECOND", "WEEK", "Parts", "Unit", "name_of", "parse", "write"]

Unit = Literal["step", "fixed", "business", "month"]

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY


class Parts(NamedTuple):
    """A frequency without its time zone: unit, size in units, day of the month (0 = the series' own, 31 = last)."""

    unit: Unit
    size: int
    day: int = 0


# Microseconds of each fixed unit, largest first: the name that people read, the alias that files hold.
_FIXED = (
    (WEEK, "week", "W"),
    (DAY, "day", "D"),
    (HOUR, "hour", "h"),
    (MINUTE, "minute", "min"),
    (SECOND, "second", "s"),
    (1000, "millisecond", "ms"),
    (1, "microsecond", "us"),
)

_ALIASES: dict[str, Parts] = {alias: Parts("fixed", size) for size, _, alias in _FIXED}
_ALIASES |= {word: Parts("fixed", size) for size, word, _ in _FIXED}
_ALIASES |= {"d": Parts("fixed", DAY), "w": Parts("fixed", WEEK), "daily": Parts("fixed", DAY)}
_ALIASES |= {"H": Parts("fixed", HOUR), "S": Parts("fixed", SECOND), "T": Parts("fixed", MINUTE)}
_ALIASES |= {"hourly": Parts("fixed", HOUR), "weekly": Parts("fixed", WEEK)}
_ALIASES |= {"B": Parts("business", 1), "business day": Parts("business", 1), "step": Parts("step", 1)}
_ALIASES |= {word: Parts("month", 1) for word in ("M", "MS", "month", "monthly", "mo")}
_ALIASES |= {word: Parts("month", 3) for word in ("Q", "QS", "quarter", "quarterly")}
_ALIASES |= {word: Parts("month", 12) for word in ("Y", "YS", "A", "AS", "year", "yearly")}
_ALIASES |= {"ME": Parts("month", 1, 31), "QE": Parts("month", 3, 31), "YE": Parts("month", 12, 31)}


def parse(text: str) -> Parts:
    """Read "h", "15min", "15 minutes", "ME", "W-SUN", "business day", "3M@30", ...

    Raises:
        PanelError: no frequency is called so.

    >>> parse("15min")
    Parts(unit='fixed', size=900000000, day=0)
    """
    found = re.fullmatch(r"\s*(\d*)\s*([A-Za-z ]+?)(?:-[A-Z]{3})?(?:@(\d{1,2}))?\s*", text)
    parts = _look_up(found[2]) if found else None
    if found is None or parts is None or found[1] in ("0", "00"):
        hint = did_you_mean(found[2] if found else text, _ALIASES)
        raise PanelError(
            f"frequency {text!r} is unknown{hint}. "
            f"Write for example 'h', '15min', 'D', 'B', 'W', 'MS', 'ME', 'QS', 'YS' or 'step'."
        )
    day = int(found[3] or parts.day)
    return parts._replace(size=parts.size * int(found[1] or 1), day=day)


def _look_up(word: str) -> Parts | None:
    """As written first, for M is a month and a lower-case m could be a minute as well."""
    plain = word.lower().removesuffix("s") if len(word) > 3 else word.lower()
    if word in _ALIASES or word == "m":
        return _ALIASES.get(word)
    upper = _ALIASES.get(word.upper()) if len(word) <= 2 else None
    return _ALIASES.get(plain) or _ALIASES.get(word.lower()) or upper


def write(parts: Parts) -> str:
    """The canonical text, which ``parse`` reads back.

    >>> write(Parts("month", 3, 31))
    '3ME'
    """
    unit, count, day = parts
    if unit == "fixed":
        size, _, alias = next(row for row in _FIXED if count % row[0] == 0)
        count //= size
    else:
        alias = {"step": "step", "business": "B", "month": "ME" if day == 31 else "M"}[unit]
    anchor = f"@{day}" if day not in (0, 31) else ""
    return f"{'' if count == 1 else count}{alias}{anchor}"


def name_of(unit: Unit, count: int) -> tuple[int, str]:
    """How many of which word make one step: (15, "minute"), (1, "quarter").

    >>> name_of("month", 3)
    (1, 'quarter')
    """
    if unit == "fixed":
        size, word, _ = next(row for row in _FIXED if count % row[0] == 0)
        return count // size, word
    if unit == "month":
        if count % 12 == 0:
            return count // 12, "year"
        return (1, "quarter") if count == 3 else (count, "month")
    return count, {"step": "step", "business": "business day"}[unit]
