"""The score over all series of a source: shards are scored side by side, and their sums added."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatecast.data.scan.source import PanelSource
from gatecast.errors import WindowError
from gatecast.evaluation.streamed import StreamedScores
from gatecast.groups.grouped import GroupedForecaster
from gatecast.scale.shards import shards_on

if TYPE_CHECKING:
    from gatecast.scale.models import Model

__all__ = ["evaluate_source", "streamed"]


def evaluate_source(
    model: Model, source: PanelSource, origins: int, stride: int | None, season: int | None
) -> StreamedScores:
    """Score a model on the last origins of every series of a source.

    A model that is not fitted is first trained on a sample of what lies before the first origin, and stays so.

    Raises:
        WindowError: no series is long enough.
        ConfigError: the model has seen what it would be scored on.
    """
    step = stride or model.horizon
    if not model.is_fitted:
        _fit_before(model, source, model.horizon + (origins - 1) * step)
    with tempfile.TemporaryDirectory(prefix="gatecast-") as folder:
        path = Path(folder) / "model.gatecast"
        model.save(path)
        told = {
            "files": list(source.files), "reading": dict(source.reading), "model": str(path),
            "origins": origins, "stride": step, "season": season or _season_of(model),
        }  # fmt: skip
        answers = shards_on(model, "scale.scoring:score_shard", told, source.shards, "evaluate · shard")
    return streamed(answers)


def streamed(answers: Sequence[Mapping[str, Any]]) -> StreamedScores:
    """The scores over all shards, from what each gave. Raises WindowError where no series could be scored."""
    parts = [sums for answer in answers for sums in answer["sums"]]
    problems = [tuple(problem) for answer in answers for problem in answer["problems"]]
    if not parts:
        raise WindowError(f"no series could be scored: {problems[0][2]}. Use fewer origins or a shorter horizon.")
    return StreamedScores(parts, problems)


def _fit_before(model: Model, source: PanelSource, held_back: int) -> None:
    """Train on a sample of what lies before the first origin."""
    if isinstance(model, GroupedForecaster):
        model.fit(source, origins=0, held_back=held_back)
    else:
        model.fit(source, held_back=held_back)


def _season_of(model: Model) -> int | None:
    """The season that all series have in common; None where each group has its own."""
    return None if isinstance(model, GroupedForecaster) else model.fitted_.season
