"""Other libraries on the M sets: one process per method and group, in the environment of the peers.

Each gets the training series and gives back a point forecast; it is scored here, like all others. One seed: their
figures have no spread.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.accuracy.naive import scale
from benchmarks.accuracy.scores import Outcome, Outcomes, figures
from benchmarks.accuracy.sets import Group, Request
from benchmarks.accuracy.spans import training, truth
from benchmarks.speed.contestant import Contestant, ContestantError, peers_python
from benchmarks.speed.options import progress
from gatecast.data.panel import Panel

__all__ = ["PEERS", "SETTINGS", "measure_peers"]

HOME = "benchmarks.peers.accuracy"
PEERS: dict[str, tuple[str, dict[str, str]]] = {  # name -> module, further arguments of its call
    "neuralforecast LSTM": (f"{HOME}.neuralforecast_lstm", {}),
    "darts BlockRNN": (f"{HOME}.darts_block_rnn", {}),
    "GluonTS DeepAR": (f"{HOME}.gluonts_deepar", {}),
    "AutoETS": (f"{HOME}.statistical", {"model": "AutoETS"}),
    "DynamicOptimizedTheta": (f"{HOME}.statistical", {"model": "DynamicOptimizedTheta"}),
}


class Settings(NamedTuple):
    """What every peer is told of a group: sensible, not tuned.

    Args:
        lookback: steps that the LSTMs read; as many as the shortest series allow, two seasons or horizons at most.
        frequency: what DeepAR takes its lags from.
        theta: the season of DynamicOptimizedTheta; AutoETS has the metric's.
    """

    lookback: int
    frequency: str
    theta: int


SETTINGS = {
    "hourly": Settings(168, "h", 168),
    "weekly": Settings(52, "W", 52),
    "yearly": Settings(8, "YE", 1),
    "quarterly": Settings(8, "QE", 4),
    "monthly": Settings(24, "ME", 12),
    "other": Settings(16, "YE", 1),
}


def measure_peers(request: Request, outcomes: Outcomes) -> dict[str, dict[str, str]]:
    """Add the peers' outcomes; gives back method -> group -> why there is none."""
    failed: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for group in request.parts:
            panel = training(group, request.folder, request.inner, np.float64)
            path = Path(folder) / f"{group.name}.npz"
            np.savez(path, values=_values(panel), length=panel.length)
            replies = {name: _forecast(request, group, name, path, len(panel)) for name in PEERS}
            truth_NH, scale_N = truth(group, request.folder, request.inner), scale(group, panel)
            for name, reply in replies.items():
                if isinstance(reply, str):
                    failed.setdefault(name, {})[group.name] = reply
                    continue
                found, points = figures(truth_NH, np.array(reply["forecast"], np.float64), scale_N)
                outcome = Outcome(found, reply["seconds"], reply["peak_mb"], points=points)
                outcomes.setdefault(name, {})[group.name] = [outcome]
    progress("")
    return failed


def _forecast(request: Request, group: Group, name: str, path: Path, count: int) -> dict[str, Any] | str:
    """What a peer answers, or why there is no answer."""
    python, reason = peers_python()
    if python is None:
        return reason
    progress(f"{request.name} · {group.name} · {name}")
    module, more = PEERS[name]
    settings = SETTINGS[group.name]
    season = settings.theta if name == "DynamicOptimizedTheta" else group.season
    told = {
        "lookback": settings.lookback,
        "frequency": settings.frequency,
        "season": season,
        "threads": request.threads,
        **more,
    }
    try:
        with Contestant(name, module, threads=request.threads, python=python) as side:
            reply: dict[str, Any] = side.ask("forecast", data=str(path), horizon=group.horizon, **told)
    except ContestantError as error:
        return str(error)
    shape = np.shape(reply["forecast"])
    return reply if shape == (count, group.horizon) else f"{name} forecast {shape} instead of {(count, group.horizon)}"


def _values(panel: Panel) -> np.ndarray:
    """(R,) the series one after the other, without what is cut off them."""
    return np.concatenate([panel.series(n)[:, 0] for n in range(len(panel))])
