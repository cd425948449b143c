"""Frames of sktime as panels: y and X with the time in the last level of their index, the series in those before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.data.frequency import Frequency
from gatecast.data.panel import Panel
from gatecast.data.tables.future import observed_part
from gatecast.data.tables.reading import read
from gatecast.errors import PanelError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["future_of", "instances_of", "joined_rows", "lags_of", "panel_of"]

_SERIES, _TIME = "series", "time"


def panel_of(y: pd.DataFrame, X: pd.DataFrame | None) -> Panel:
    """A panel of N series, in the order of their first rows: the columns of y are targets, those of X known ahead."""
    table = _keys(y.index, instances_of(y))
    targets = _names(y, "y")
    table |= {name: y.iloc[:, c].to_numpy() for c, name in enumerate(targets)}
    known = _covariates(X.loc[y.index], targets) if X is not None else {}
    return read(
        _frame(table | known),
        series=_SERIES,
        time=_TIME,
        target=targets,
        future=list(known),
        frequency=_frequency(y.index),
        categories=_categories(X, targets),
    )


def future_of(X: pd.DataFrame, y: pd.DataFrame) -> Any:
    """The rows of the covariates that follow y, as ``Forecaster.predict`` takes them."""
    X = X[X.index > y.index.max()] if y.index.nlevels == 1 else X[~X.index.isin(y.index)]
    return _frame(_keys(X.index, instances_of(y)) | _covariates(X, _names(y, "y")))


def instances_of(y: pd.DataFrame) -> list[Any]:
    """What names each series: a label, or a tuple of them; one None for a single series."""
    return [None] if y.index.nlevels == 1 else list(_without_times(y.index).unique())


def lags_of(panel: Panel) -> np.ndarray:
    """(N,) steps that the last observed value of each series lies before the last time of all."""
    ends = panel.frequency.advance(panel.starts, panel.length - 1)
    history = observed_part(panel)
    last_N = history.frequency.advance(history.starts, history.length - 1)
    return history.frequency.position(last_N, np.broadcast_to(ends.max(), last_N.shape))[0]


def joined_rows(old: pd.DataFrame | None, new: pd.DataFrame | None) -> pd.DataFrame | None:
    """The rows of both, in order; where both have one, the new one."""
    import pandas as pd

    if old is None or new is None:
        return new if old is None else old
    both = pd.concat([old, new])
    return both[~both.index.duplicated(keep="last")].sort_index()


def _frame(columns: dict[str, Any]) -> Any:
    import pandas as pd

    return pd.DataFrame(columns)


def _keys(index: pd.Index, instances: list[Any]) -> dict[str, Any]:
    """Series by their number: a label may be anything; periods by the time of their beginning."""
    import pandas as pd

    times = index.get_level_values(-1)
    if isinstance(times, pd.PeriodIndex):
        times = times.to_timestamp()
    if index.nlevels == 1:
        return {_SERIES: ["0"] * len(index), _TIME: times}
    number = {instance: str(n) for n, instance in enumerate(instances)}
    keys = _without_times(index)
    if unknown := [key for key in keys.unique() if key not in number]:
        raise PanelError(f"X has rows of {unknown[0]!r}, which y does not have.")
    return {_SERIES: [number[key] for key in keys], _TIME: times}


def _without_times(index: Any) -> Any:
    return index.droplevel(-1)


def _names(frame: pd.DataFrame, kind: str, taken: Sequence[str] = ()) -> list[str]:
    """The names of columns as they are, unless they are numbers, or taken by another column."""
    taken = (_SERIES, _TIME, *taken)
    plain = [name if isinstance(name, str) and name.strip() else kind for name in frame.columns]
    clear = len(set(plain)) == len(plain) and not set(plain) & set(taken)
    return plain if clear else [f"{kind}{c}: {name}" for c, name in enumerate(frame.columns)]


def _covariates(X: pd.DataFrame, taken: Sequence[str]) -> dict[str, Any]:
    """Numbers as they are, everything else as text, which is a category."""
    columns = (X.iloc[:, c] for c in range(X.shape[1]))
    return {
        name: column.to_numpy() if column.dtype.kind in "iuf" else column.astype(object).map(str).to_numpy()
        for name, column in zip(_names(X, "x", taken), columns, strict=True)
    }


def _categories(X: pd.DataFrame | None, taken: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Those of columns that say all that there are."""
    if X is None:
        return {}
    names = _names(X, "x", taken)
    declared = {name: getattr(X.iloc[:, c].dtype, "categories", None) for c, name in enumerate(names)}
    return {name: tuple(map(str, held)) for name, held in declared.items() if held is not None}


def _frequency(index: pd.Index) -> Frequency | None:
    """That of the index, where it has one that Gatecast knows by its name."""
    word = getattr(index.get_level_values(-1), "freqstr", None)
    if not word:
        return None
    try:
        return Frequency.of(word)
    except PanelError:
        return None
