"""One rival fitted to one history, through ``statsforecast``; as a program, many of them, read from stdin.

Everything that touches the library stands here: which class and season a name means, what its warnings and its use of
numpy's global random state are allowed to do, and what happens where a model cannot be fitted.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_ETS_SEASON", "Fitted", "Setup", "Task", "fit", "fits", "serve"]

Floats = NDArray[np.float64]

MOST_ETS_SEASON = 24
"""The longest season that AutoETS models (as in R's forecast::ets); the library drops a longer one silently."""

_CLASSES = {
    "auto_ets": "AutoETS",
    "auto_theta": "AutoTheta",
    "auto_arima": "AutoARIMA",
    "mstl": "MSTL",
    "optimized_theta": "DynamicOptimizedTheta",
}


class Setup(NamedTuple):
    """What all fits of one call share: steps ahead, central levels in percent (ascending), seasons (shortest first)."""

    horizon: int
    levels: tuple[float, ...]
    seasons: tuple[int, ...]


class Task(NamedTuple):
    """A history without missing values (T,), and the steps between its end and the forecast origin."""

    name: str
    history: Floats
    gap: int


class Fitted(NamedTuple):
    """A forecast (H, 1 + 2 levels): the point, then low and high of each level; ``problem`` says why it fell back."""

    values: Floats
    seconds: float
    problem: str


def fits(setup: Setup, tasks: Sequence[Task]) -> Iterator[Fitted]:
    """Fit one task after the other."""
    for task in tasks:
        yield fit(setup, task)


def fit(setup: Setup, task: Task) -> Fitted:
    """Fit and forecast; where the model fails, forecast with (seasonal) naive and say so.

    Args:
        setup: steps, levels and seasons.
        task: the model's name and the history, at least one value.
    """
    _library()  # the import is no part of the model's time
    started = time.perf_counter()
    try:
        values, problem = _forecast(_model(setup, task), setup, task), ""
    except Exception as error:
        # For a history that a model cannot use the library raises anything, plain Exception too. The caller reports it.
        said = " ".join(f"{type(error).__name__}: {error}".split())
        values, problem = _forecast(_fallback(setup, task), setup, task), said[:200]
    return Fitted(values, time.perf_counter() - started, problem)


def _library() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations inside the library and what it imports are not ours to mend
        return importlib.import_module("statsforecast.models")


def _model(setup: Setup, task: Task) -> Any:
    season, seasons = setup.seasons[0], setup.seasons
    if task.name == "auto_ets" and season > MOST_ETS_SEASON:
        season = 1
    if task.name == "mstl" and len(task.history) < 2 * seasons[-1]:
        # The library answers with a season fitted to each point alone and an interval of width zero.
        raise ValueError(f"{len(task.history)} values are fewer than two seasons of {seasons[-1]}")
    return getattr(_library(), _CLASSES[task.name])(season_length=list(seasons) if task.name == "mstl" else season)


def _fallback(setup: Setup, task: Task) -> Any:
    season = setup.seasons[0]
    seasonal = season > 1 and len(task.history) >= 2 * season
    return _library().SeasonalNaive(season_length=season) if seasonal else _library().Naive()


def _forecast(model: Any, setup: Setup, task: Task) -> Floats:
    """Forecast past the gap. Raises ValueError where the point forecast is not finite."""
    state = np.random.get_state()  # noqa: NPY002 -- the library seeds this; the user's draws must not change
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            # 0/0 in the autocorrelation of a constant series, and the like: the result is checked below.
            warnings.simplefilter("ignore")
            steps = setup.horizon + task.gap
            found = model.forecast(y=task.history.copy(), h=steps, level=list(setup.levels) or None)
    finally:
        np.random.set_state(state)  # noqa: NPY002 -- as above
    columns = ["mean", *(f"{end}-{level}" for level in setup.levels for end in ("lo", "hi"))]
    values = np.stack([np.asarray(found[c], dtype=np.float64) for c in columns], axis=-1)[task.gap :]
    if not np.isfinite(values[:, 0]).all():
        raise ValueError("the forecast is not finite")
    return values


# ---------------------------------------------------------------- as a program


def serve() -> None:
    """Read a setup and tasks from stdin as JSON, write one line of JSON per fit to stdout.

    JSON writes float64 so that the same bits are read, and executes nothing.
    """
    lines, sys.stdout = sys.stdout, sys.stderr  # what the library might print must not get between the lines
    asked = json.load(sys.stdin)
    setup = Setup(asked["horizon"], tuple(asked["levels"]), tuple(asked["seasons"]))
    tasks = [Task(name, np.asarray(history, dtype=np.float64), gap) for name, history, gap in asked["tasks"]]
    for values, seconds, problem in fits(setup, tasks):
        lines.write(json.dumps([values.tolist(), seconds, problem]) + "\n")
        lines.flush()


if __name__ == "__main__":
    serve()
