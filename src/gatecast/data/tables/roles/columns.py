"""Find out which column of a table is what: series, time, target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from gatecast.data.tables.numerals import PLAIN_HINTS, Hints
from gatecast.data.tables.roles.looks import Looks
from gatecast.data.tables.times.parts import clock_in, parts_in
from gatecast.data.tables.times.words import DATE_NAMES, called_like_a_time, plain_name
from gatecast.errors import PanelError, Part, Setting, did_you_mean, joined, listed, shown

__all__ = ["Roles", "as_names", "check_names", "choose_columns"]

_TIME_NAMES = (
    *("ds", "date", "datetime", "timestamp", "time", "month", "day", "week", "year", "quarter", "hour", "minute"),
)
_STEP_NAMES = (*_TIME_NAMES, "t", "step", "index", "period")
_SERIES_NAMES = ("unique_id", "series_id", "series", "item_id", "id")
CHOICES = 3  # columns that may be the target, named with what says so
# Of two columns of dates the one that begins the step.
_SPANS = (
    ("von", "bis"),
    ("from", "to"),
    ("start", "end"),
    ("begin", "end"),
    ("startdate", "enddate"),
    ("datumvon", "datumbis"),
)


@dataclass(frozen=True)
class Roles:
    """Names of the columns by role; ``wide``: each target column is one series.

    Args:
        series: the columns whose values name a series; none: there is one series, or ``wide`` holds.
        time: the columns that make up the time; none: rows are steps.
        notes: what was not obvious in finding them.
    """

    series: tuple[str, ...] = ()
    time: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    future: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    wide: bool = False
    named_target: bool = field(default=False)
    notes: tuple[Part, ...] = ()

    @property
    def taken(self) -> tuple[str, ...]:
        """Every column that has a role."""
        return (*self.series, *self.time, *self.targets, *self.past, *self.future, *self.static)

    def noting(self, note: Part) -> Roles:
        """The same with one more note."""
        return replace(self, notes=(*self.notes, note))


def as_names(names: str | Sequence[str] | None) -> tuple[str, ...]:
    """One name, several or none, as a tuple. Raises PanelError for what is no name."""
    if names is None:
        return ()
    given: tuple[Any, ...] = (
        (names,) if isinstance(names, str | bytes) or not isinstance(names, Iterable) else tuple(names)
    )
    if wrong := [name for name in given if not isinstance(name, str)]:
        numbers = [repr(str(name)) for name in wrong if isinstance(name, int)]
        hint = f" Write {', '.join(numbers)}." if len(numbers) == len(wrong) else ""
        raise PanelError(f"columns are named by text; got {listed([shown(name) for name in wrong])}.{hint}")
    return given


def check_names(names: Sequence[str], columns: Sequence[str]) -> None:
    """Raise PanelError for names that are no columns, all at once, or that have two roles."""
    absent = [f"{name!r}{did_you_mean(name, columns)}" for name in names if name not in columns]
    if absent:
        raise PanelError(f"there is no column {listed(absent)}. The columns are {_shown(columns)}.")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PanelError(f"column {listed([repr(name) for name in twice])} was given two roles; give it one.")


def choose_columns(
    frame: pl.DataFrame, given: Roles, wide: bool | None, hints: Hints = PLAIN_HINTS, *, put_together: bool = False
) -> Roles:
    """Fill in the roles that were not named.

    Args:
        frame: the table.
        given: the roles that were named.
        wide: whether each column of numbers is a series.
        hints: how numbers in text are written.
        put_together: whether several rows of one time become one value, and so need no column that tells them apart.

    Raises:
        PanelError: the table can be read in several ways, or in none.
    """
    check_names(given.taken, frame.columns)
    looks = Looks(frame, hints)
    roles = replace(given, named_target=bool(given.targets))
    ignored = _row_numbers(looks, roles)
    if not roles.time:
        roles = _find_time(looks, roles, ignored)
    if roles.time:
        shown = [name for name in ignored if name not in roles.time and name != ""]
        for name in shown:
            roles = roles.noting(f"column {name!r} only counts the rows: it is left out")
    if not roles.series and not wide:
        roles = _find_series(looks, roles, ignored, put_together)
    if not roles.time and roles.series:
        told = f"no column holds times. The columns are {_shown(frame.columns)}. Pass "
        raise PanelError(told, Setting("time", of="read"), ".")
    if roles.targets:
        return replace(roles, wide=bool(wide))
    return _find_targets(looks, roles, wide, ignored, put_together)


def _left(looks: Looks, roles: Roles, ignored: Sequence[str] = ()) -> list[str]:
    return [name for name in looks.frame.columns if name not in roles.taken and name not in ignored]


def _row_numbers(looks: Looks, roles: Roles) -> tuple[str, ...]:
    """Columns that only count the rows; one of them is the time where nothing else is."""
    return tuple(name for name in _left(looks, roles) if looks.counts_rows(name))


# ---------------------------------------------------------------- time


def _find_time(looks: Looks, roles: Roles, ignored: tuple[str, ...]) -> Roles:
    left = _left(looks, roles, ignored)
    dated = looks.all_of(left, "date")
    if len(dated) > 1:
        dated = _one_of(dated)
    if len(dated) > 1:
        shown = listed([repr(name) for name in dated])
        named = joined(" or ", [Setting("time", name, of="read") for name in dated[:CHOICES]])
        raise PanelError(f"columns {shown} all hold dates. Pass ", *named, ": the one that the series run over.")
    if dated:
        return _with_clock(looks, replace(roles, time=(dated[0],)), left)
    if parts := parts_in([looks.frame[name] for name in left]):
        return replace(roles, time=parts)
    numeric = [n for n in looks.all_of(left, "number") if n.lower() in _STEP_NAMES or called_like_a_time(n)]
    if numeric:
        best = min(numeric, key=lambda n: _STEP_NAMES.index(n.lower()) if n.lower() in _STEP_NAMES else 99)
        return _with_clock(looks, replace(roles, time=(best,)), left)
    _refuse_unread(looks, roles, left)
    counting = [name for name in ignored if name]
    return replace(roles, time=(counting[0],)) if counting and counting[0].lower() in _STEP_NAMES else roles


def _one_of(names: list[str]) -> list[str]:
    """The columns of dates that are called as times usually are; the beginning of a span."""
    plain = {plain_name(name): name for name in names}
    for begin, end in _SPANS:
        if len(names) == 2 and begin in plain and end in plain:
            return [plain[begin]]
    named = [name for name in names if name.lower() in _TIME_NAMES]
    if named:
        return [min(named, key=lambda n: _TIME_NAMES.index(n.lower()))]
    named = [name for name in names if plain_name(name) in DATE_NAMES]
    return named if len(named) == 1 else names


def _with_clock(looks: Looks, roles: Roles, left: list[str]) -> Roles:
    """Add the column that holds the time of day, where dates repeat that it tells apart."""
    frame, (date,) = looks.frame, roles.time
    others = [frame[name] for name in left if name != date]
    clock = clock_in(others)
    if clock is None:
        return roles
    dates, both = frame[date].n_unique(), frame.select(date, clock).n_unique()
    return replace(roles, time=(date, clock)) if both > dates else roles


def _refuse_unread(looks: Looks, roles: Roles, left: list[str]) -> None:
    """A column that is called like a time, or differs in every row, may be the time: it is never left out."""
    called = [name for name in left if name in looks.unreadable_times]
    if called:
        name, cell = called[0], looks.frame[called[0]].drop_nulls().head(1).to_list()
        shown = f" such as {cell[0]!r}" if cell else ""
        raise PanelError(
            f"column {name!r} is called like a time, and its cells{shown} cannot be read as times. Write them as dates "
            "(2024-01-31, 2024-W05, 2024Q1, 2024-01), rename or drop the column, or pass ",
            Setting("time", of="read"),
            " with another one.",
        )
    if clocks := looks.all_of(left, "clock"):
        raise PanelError(
            f"column {clocks[0]!r} holds times of day, such as {looks.frame[clocks[0]].drop_nulls()[0]!r}, and no "
            "column holds their dates. Add the date, drop the column, or pass ",
            Setting("time", of="read"),
            " with another one.",
        )
    words = [name for name in looks.all_of(left, "word") if looks.differs(name)]
    if words and not roles.series and roles.targets:
        cell = looks.frame[words[0]][0]
        raise PanelError(
            f"column {words[0]!r} differs in every row, such as {cell!r}, and cannot be read as a time; no other "
            "column holds times. Write them as dates, drop the column, or pass ",
            Setting("time", of="read"),
            ".",
        )


# ---------------------------------------------------------------- series


def _repeats(looks: Looks, roles: Roles) -> bool:
    """Whether times repeat, more than a few doubled rows do."""
    return bool(roles.time) and looks.frame.select(roles.time).n_unique() < 0.9 * looks.frame.height


def _find_series(looks: Looks, roles: Roles, ignored: tuple[str, ...], put_together: bool) -> Roles:
    """The column named like one, or the words or numbers that tell apart the rows of one time."""
    left = _left(looks, roles, ignored)
    repeats = _repeats(looks, roles)
    for name in _SERIES_NAMES:
        if name == "id" and name in left and not repeats and roles.time and looks.differs(name):
            roles = roles.noting(f"column {name!r} differs in every row: it names no series and is left out")
            left.remove(name)
        elif name in left:
            return replace(roles, series=(name,))
    texts = looks.all_of(left, "word")
    alike = [name for name in texts if looks.frame.height > 1 and looks.frame[name].n_unique() == 1]
    if alike and roles.time:
        roles = roles.noting(f"column {listed([repr(name) for name in alike])} is the same in every row: left out")
        texts = [name for name in texts if name not in alike]
    if not repeats:
        return _without_repeats(looks, roles, texts)
    if len(texts) == 1 and not _is_doubled(looks, texts[0], roles.time):
        return replace(roles, series=(texts[0],))
    words = looks.keys(texts, roles.time)
    if words and len(words) < len(texts):
        named, others = (listed([repr(name) for name in texts if (name in words) == some]) for some in (True, False))
        verb = "tells" if len(words) == 1 else "tell"
        told = f"{named} {verb} the rows of one time apart: the series; column {others} has no role and is left out"
        return replace(roles, series=words).noting(told)
    mixed = words or looks.keys([*texts, *looks.all_of(left, "number")], roles.time)
    if mixed and put_together:
        named = listed([repr(name) for name in mixed])
        roles = roles.noting(f"rows of one time that {named} tells apart are put together")
    elif mixed:
        raise _keys_wanted(looks, roles, mixed)
    return replace(roles, series=(texts[0],)) if len(texts) == 1 else _without_repeats(looks, roles, texts)


def _is_doubled(looks: Looks, key: str, times: tuple[str, ...]) -> bool:
    """Whether a key leaves many rows of one time together; a few times tell, whatever the order of the rows."""
    frame, first = looks.frame, looks.frame[times[0]]
    asked = [first[k] for k in (0, frame.height // 2, frame.height - 1)]
    rows = frame.select(key, *times).filter(first.is_in([cell for cell in asked if cell is not None]))
    return rows.n_unique() < 0.9 * rows.height


def _keys_wanted(looks: Looks, roles: Roles, keys: tuple[str, ...]) -> PanelError:
    """Times repeat, and these columns tell their rows apart."""
    rows = looks.frame.height / looks.frame.select(roles.time).n_unique()
    named = listed([repr(name) for name in keys])
    verb = "tells" if len(keys) == 1 else "tell"
    value = keys[0] if len(keys) == 1 else keys
    told = f"each time has {rows:,.3g} rows, and {named} {verb} them apart. Pass "
    return PanelError(told, Setting("series", value, of="read"), ".")


def _without_repeats(looks: Looks, roles: Roles, texts: list[str]) -> Roles:
    if not texts:
        return roles
    if roles.targets:
        if _repeats(looks, roles) or not roles.time:
            return roles
        unused = listed([repr(name) for name in texts])
        return roles.noting(f"column {unused} has no role and is left out") if len(texts) == 1 else roles
    raise PanelError(
        f"it is unclear what column {listed([repr(name) for name in texts])} is. The columns are "
        f"{_shown(looks.frame.columns)}. Pass ",
        Setting("series", of="read"),
        " if it names the series, or ",
        Setting("target", of="read"),
        " and ",
        Setting("time", of="read"),
        " to leave it out.",
    )


# ---------------------------------------------------------------- targets


def _find_targets(looks: Looks, roles: Roles, wide: bool | None, ignored: tuple[str, ...], put_together: bool) -> Roles:
    left = looks.all_of(_left(looks, roles, ignored), "number", "truth")
    numbers = looks.all_of(left, "number")
    left = numbers or left
    if not left and roles.time:  # what seemed to count the rows is all that there is to forecast
        left = [name for name in ignored if name and name not in roles.taken]
    if not roles.series and wide is None and len(left) > 1 and roles.time and "y" not in left:
        if _repeats(looks, roles) and not put_together and (keys := looks.keys(left, roles.time)):
            raise _keys_wanted(looks, roles, keys)
        wide = True
    if wide and left:
        beside = [repr(name) for name in _left(looks, roles, ignored) if name not in left]
        roles = roles.noting(f"column {listed(beside)} holds no numbers and is left out") if beside else roles
        return replace(roles, targets=tuple(left), wide=True)
    if "y" in left:
        return replace(roles, targets=("y",))
    if len(left) == 1:
        return replace(roles, targets=tuple(left))
    raise _target_wanted(looks, roles, left)


def _target_wanted(looks: Looks, roles: Roles, left: Sequence[str]) -> PanelError:
    """What is to be forecast is not clear: the columns that it may be, each with what says so."""
    shown = f"The columns are {_shown(looks.frame.columns)}."
    others = " (and ", Setting("series", of="read"), ", ", Setting("time", of="read"), ")"
    if not left:
        return PanelError(f"no column holds numbers. {shown} Pass ", Setting("target", of="read"), *others, ".")
    named = joined(" or ", [Setting("target", name, of="read") for name in left[:CHOICES]])
    told = f"columns {listed([repr(n) for n in left])} could all be the target. {shown} Pass "
    if roles.series and roles.time:
        return PanelError(told, *named, ".")
    wide = Setting("wide", True, of="read"), " if each column is a series."
    return PanelError(told, *named, *others, ", or ", *wide)


def _shown(columns: Sequence[str]) -> str:
    return listed([repr(name) for name in columns], 12)
