"""The pieces of work that are killed; each gives all that it came to as bytes, but for the seconds that it took."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import gatecast as gc

__all__ = ["WORKS"]

Work = Callable[[Path | None, bool], bytes]
SMALL: dict[str, Any] = {"max_epochs": 6, "steps_per_epoch": 4, "batch_size": 16}
SECONDS = ("seconds", "fold_seconds", "epoch_seconds")


def _airline(folder: Path | None, small: bool) -> bytes:
    """The blend of the default procedure on the airline series."""
    few = {"candidates": 2, "members": 1, "training": SMALL} if small else {}
    model = gc.Forecaster(12, progress=False, **few)
    return _file(model.fit(gc.load_example("airline"), checkpoint=folder))


def _panel(folder: Path | None, small: bool) -> bytes:
    """One network on fifty series."""
    few = {"training": SMALL} if small else {}
    model = gc.Forecaster(7, progress=False, candidates=1, members=1, lookback=14, **few)
    return _file(model.fit(fifty(60 if small else 200), checkpoint=folder))


def _backtest(folder: Path | None, small: bool) -> bytes:
    """Four origins, two trainings each of two folds."""
    few = {"training": SMALL} if small else {"training": {"max_epochs": 30}}
    model = gc.Forecaster(6, progress=False, candidates=1, members=2, **few)
    made = gc.backtest(model, gc.load_example("airline"), origins=4, refit=2, checkpoint=folder, progress=False)
    return made.evaluation.forecast_BHCQ.tobytes() + _plain(made.to_dict()) + _file(made.model)


def _tune(folder: Path | None, small: bool) -> bytes:
    """A search, second looks, the comparison, and the training on everything."""
    training = {"training": SMALL} if small else {"training": {"max_epochs": 40}}
    model = gc.Forecaster(6, progress=False, candidates=1, members=2, scaling="difference+standard", **training)
    options: dict[str, Any] = {"trials": 4 if small else 10, "time_limit": None, "progress": False}
    made = gc.tune(model, gc.load_example("airline"), checkpoint=folder, **options)
    return _plain(made.to_dict()) + _file(made.model)


WORKS: dict[str, Work] = {"airline": _airline, "panel": _panel, "backtest": _backtest, "tune": _tune}


def fifty(steps: int) -> gc.Panel:
    """Fifty series with a week."""
    rng, step = np.random.default_rng(0), np.arange(steps)
    table = {f"s{n:02d}": 20 + n + 5 * np.sin(2 * np.pi * (step + n) / 7) + rng.normal(size=steps) for n in range(50)}
    return gc.read({"step": step, **table}, wide=True)


def _file(model: gc.Forecaster) -> bytes:
    """The model file, from memory."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="gatecast-kills-") as name:
        path = Path(name) / "m.gatecast"
        model.save(path)
        return path.read_bytes()


def _plain(value: Any) -> bytes:
    return json.dumps(_timeless(value), sort_keys=True).encode()


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items() if key not in SECONDS}
    return [_timeless(item) for item in value] if isinstance(value, list | tuple) else value
