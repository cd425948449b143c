"""A backtest over all series of a source: its models see a sample, its scores everything.

sample     ── trained on ──┤o1  o2      ── trained on ──────────┤o3  o4       one model for each fold
shards     every series    │o1  o2  o3  o4│  each origin forecast by the model of its fold; sums are added
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gatecast.backtesting.folder import BacktestFolder
from gatecast.backtesting.folds import long_enough, make_folds, require_rolling, stride_that_fits
from gatecast.backtesting.record import FoldRecord
from gatecast.backtesting.rolling import Rolling
from gatecast.data.scan.sample import Sample, sampled
from gatecast.data.scan.source import PanelSource
from gatecast.data.tables.future import observed_part
from gatecast.errors import TrainingError
from gatecast.evaluation.streamed import StreamedScores
from gatecast.progress import Listener, listening
from gatecast.scale.evaluate import streamed
from gatecast.scale.models import fingerprint_of_fitted
from gatecast.scale.shards import shards_on
from gatecast.storage.files import save
from gatecast.storage.folder import how_to_go_on
from gatecast.windows.index import last_origins

if TYPE_CHECKING:
    from gatecast.forecaster import Forecaster

__all__ = ["StreamedBacktest", "backtest_source"]


@dataclass(frozen=True, eq=False)
class StreamedBacktest:
    """Scores of rolling origins over all series of a source, and how they came about.

    Args:
        scores: over all series and origins.
        folds: how each training went.
        model: the forecaster of the last fold.
        sample: what the trainings have seen.
        origins: origins per series.
        stride: steps between two origins.
        refit: when training was repeated.
        window: "expanding" or "sliding".
    """

    scores: StreamedScores
    folds: tuple[FoldRecord, ...]
    model: Forecaster
    sample: Sample
    origins: int
    stride: int
    refit: bool | int
    window: str

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data for JSON."""
        folds = [{"origins": [r.fold.begin, r.fold.end], "steps": r.steps, "epochs": r.epochs} for r in self.folds]
        how = {name: getattr(self, name) for name in ("origins", "stride", "refit", "window")}
        return {**how, "folds": folds, "sample": vars(self.sample), **self.scores.to_dict()}

    def __str__(self) -> str:
        often = "once" if len(self.folds) == 1 else f"{len(self.folds)} times"
        how = f"{self.origins:,} origins, {self.stride:,} steps apart; trained {often} on {self.sample.describe()}."
        return f"{self.scores}\n{how}"


def backtest_source(
    model: Forecaster,
    source: PanelSource,
    *,
    origins: int,
    stride: int | None,
    refit: bool | int,
    window: Literal["expanding", "sliding"],
    warm: bool,
    season: int | None,
    checkpoint: str | os.PathLike[str] | None,
    memory_limit: int | str,
    progress: bool | Listener,
) -> StreamedBacktest:
    """As ``backtest``: the models of the folds are trained on a sample, and all series are scored, shard by shard.

    Raises:
        WindowError: no series is long enough for the origins.
        ConfigError: a setting is out of range, or the folder holds another backtest.
        TrainingError: a stop came before all folds were trained.
    """
    origins, stride = require_rolling(origins, stride, window)
    folds, listener = make_folds(origins, refit), listening(progress)
    step = stride or stride_that_fits(source.lengths, model.horizon, origins)
    chosen, sample = sampled(source, memory_limit, model.seed, model.horizon + (origins - 1) * step + 2)
    panel = long_enough(observed_part(source.panel_of(chosen)), model.horizon, origins, step)
    origin_NO = last_origins(panel, model.horizon, origins, step)
    kept = None if checkpoint is None else BacktestFolder.open(checkpoint, model, panel, origin_NO, refit, window, warm)
    run = Rolling(model, panel, origin_NO, window, warm, kept, listener)
    run.folds(folds)
    if len(run.records) < len(folds) or run.last.record_["interrupted"]:
        told_so = f"stopped after {len(run.records):,} of {len(folds):,} trainings."
        raise TrainingError(f"{told_so} {how_to_go_on(checkpoint)}")
    told = {
        "files": list(source.files), "reading": dict(source.reading), "origins": origins, "stride": step,
        "season": season or run.last.fitted_.season, "folds": [[fold.begin, fold.end] for fold in folds],
    }  # fmt: skip
    with _scores_in(checkpoint, told, source, run) as (folder, models):
        told |= {"models": models, "kept": str(folder)}
        answers = shards_on(model, "scale.scoring:backtest_shard", told, source.shards, "backtest · shard")
    return StreamedBacktest(
        streamed(answers), tuple(run.records), run.last, sample, origins, step, refit, window
    )  # fmt: skip


@contextmanager
def _scores_in(
    checkpoint: str | os.PathLike[str] | None, told: dict[str, Any], source: PanelSource, run: Rolling
) -> Iterator[tuple[Path, Sequence[str]]]:
    """A folder for the sums of the shards, named by what they depend on, and the models of the folds in it."""
    with tempfile.TemporaryDirectory(prefix="gatecast-") as passing:
        models = map(fingerprint_of_fitted, run.learned)
        depends = [json.dumps(told, sort_keys=True, default=str), source.fingerprint, *models]
        name = hashlib.sha256("\0".join(depends).encode()).hexdigest()[:16]
        folder = (Path(checkpoint or passing) / f"scores-{name}").resolve()
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"fold-{k:03d}.gatecast" for k in range(len(run.learned))]
        for fitted, path in zip(run.learned, paths, strict=True):
            if not path.exists():
                save(fitted, path)
        yield folder, [str(path) for path in paths]
