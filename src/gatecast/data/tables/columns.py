"""Decide which column of a table is what, and say which ones exist where that is in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gatecast.data.tables.dates import looks_like_dates
from gatecast.data.tables.numbers import looks_like_numbers
from gatecast.errors import PanelError, Setting, did_you_mean, listed

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Roles", "as_names", "check_names", "choose_columns"]

_TIME_NAMES = (
    "ds",
    "date",
    "datetime",
    "timestamp",
    "time",
    "month",
    "day",
    "week",
    "year",
    "quarter",
    "hour",
    "minute",
)
_STEP_NAMES = (*_TIME_NAMES, "t", "step", "index", "period")
_SERIES_NAMES = ("unique_id", "series_id", "series", "item_id", "id")


@dataclass(frozen=True)
class Roles:
    """Names of the columns by role; ``wide``: each target column is one series."""

    series: str | None
    time: str | None
    targets: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    future: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    wide: bool = False
    named_target: bool = field(default=False)

    @property
    def taken(self) -> tuple[str, ...]:
        """Every column that has a role."""
        one = [name for name in (self.series, self.time) if name is not None]
        return (*one, *self.targets, *self.past, *self.future, *self.static)


def as_names(names: str | Sequence[str] | None) -> tuple[str, ...]:
    """One name, several or none, as a tuple."""
    return () if names is None else (names,) if isinstance(names, str) else tuple(names)


def check_names(names: Sequence[str], columns: Sequence[str]) -> None:
    """Raise PanelError for names that are no columns, all at once, or that have two roles."""
    absent = [f"{name!r}{did_you_mean(name, columns)}" for name in names if name not in columns]
    if absent:
        raise PanelError(f"there is no column {listed(absent)}. The columns are {_shown(columns)}.")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PanelError(f"column {listed([repr(name) for name in twice])} was given two roles; give it one.")


def choose_columns(frame: pl.DataFrame, given: Roles, wide: bool | None) -> Roles:
    """Fill in the roles that were not named.

    Raises:
        PanelError: the table can be read in several ways, or in none.
    """
    check_names(given.taken, frame.columns)
    roles = replace(given, named_target=bool(given.targets))
    if roles.time is None:
        roles = replace(roles, time=_find_time(frame, roles))
    if roles.series is None and not wide:
        roles = replace(roles, series=_find_series(frame, roles))
    if roles.time is None and roles.series is not None:
        told = f"no column holds times. The columns are {_shown(frame.columns)}. Pass "
        raise PanelError(told, Setting("time", of="read"), ".")
    if roles.targets:
        return replace(roles, wide=bool(wide))
    return _find_targets(frame, roles, wide)


def _left(frame: pl.DataFrame, roles: Roles) -> list[str]:
    return [name for name in frame.columns if name not in roles.taken]


def _find_time(frame: pl.DataFrame, roles: Roles) -> str | None:
    left = _left(frame, roles)
    dated = [name for name in left if _dated(frame[name])]
    numeric = [name for name in left if name.lower() in _STEP_NAMES and looks_like_numbers(frame[name])]
    if len(dated) > 1:
        dated = [min(named, key=lambda n: _TIME_NAMES.index(n.lower()))] if (named := _among(dated)) else dated
    if len(dated) > 1:
        shown = listed([repr(name) for name in dated])
        told = f"columns {shown} all hold dates. Pass "
        raise PanelError(told, Setting("time", of="read"), " with the one that the series run over.")
    return dated[0] if dated else min(numeric, key=lambda n: _STEP_NAMES.index(n.lower()), default=None)


def _among(names: list[str]) -> list[str]:
    return [name for name in names if name.lower() in _TIME_NAMES]


def _dated(column: pl.Series) -> bool:
    import polars as pl

    return column.dtype.is_temporal() or (column.dtype == pl.String and looks_like_dates(column))


def _find_series(frame: pl.DataFrame, roles: Roles) -> str | None:
    """The column named like one, or the only text column, if times repeat (else it can tell no series apart)."""
    left = _left(frame, roles)
    for name in _SERIES_NAMES:
        if name in left:
            return name
    texts = [name for name in left if not looks_like_numbers(frame[name]) and not _dated(frame[name])]
    if not texts:
        return None
    # a few doubled rows make no panel
    repeats = roles.time is not None and frame[roles.time].n_unique() < 0.9 * frame.height
    if len(texts) == 1 and repeats:
        return texts[0]
    if roles.targets and not repeats:
        return None
    raise PanelError(
        f"it is unclear what column {listed([repr(name) for name in texts])} is. The columns are "
        f"{_shown(frame.columns)}. Pass ",
        Setting("series", of="read"),
        " if it names the series, or ",
        Setting("target", of="read"),
        " and ",
        Setting("time", of="read"),
        " to leave it out.",
    )


def _find_targets(frame: pl.DataFrame, roles: Roles, wide: bool | None) -> Roles:
    left = [name for name in _left(frame, roles) if looks_like_numbers(frame[name])]
    if roles.series is None and wide is None and len(left) > 1 and roles.time is not None and "y" not in left:
        wide = True
    if wide and left:
        return replace(roles, targets=tuple(left), wide=True)
    if "y" in left:
        return replace(roles, targets=("y",))
    if len(left) == 1:
        return replace(roles, targets=tuple(left))
    what = f"columns {listed([repr(n) for n in left])} could all be the target" if left else "no column holds numbers"
    others = (" (and ", Setting("series", of="read"), ", ", Setting("time", of="read"), "), or ")
    wide_too = (*others, Setting("wide", True, of="read"), " if each column is a series") if left else ()
    told = f"{what}. The columns are {_shown(frame.columns)}. Pass "
    raise PanelError(told, Setting("target", of="read"), wide_too, ".")


def _shown(columns: Sequence[str]) -> str:
    return listed([repr(name) for name in columns], 12)
