"""The trainings of all groups, one list on the engine: the longest first, so that no core is left alone with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from gatecast.backtesting.held_out import scored_then_fitted
from gatecast.data.panel import Panel
from gatecast.data.scan.sample import Sample, bytes_of, sampled
from gatecast.data.scan.source import PanelSource
from gatecast.errors import ConfigError, Setting, TrainingError, WindowError, listed
from gatecast.forecaster import VERY_SHORT, Forecaster
from gatecast.groups.column import members_of, sources_of
from gatecast.groups.part import Part, Parts
from gatecast.progress import Listener, listening, stopping
from gatecast.storage.folder import how_to_go_on
from gatecast.storage.parcels import executor_of

__all__ = ["panels_of", "sampled_groups", "trained"]


def panels_of(
    data: Panel | PanelSource, column: str, model: Forecaster, limit: int | str, held_back: int
) -> tuple[dict[str, Panel], dict[str, Sample]]:
    """Group -> its panel; of a source the samples that a fit sees, all within the limit, and what they are.

    Raises:
        ConfigError: no such column says something of whole series.
        WindowError: groups have too little data for a training; all of them are named.
    """
    samples: dict[str, Sample] = {}
    if isinstance(data, PanelSource):
        data, samples = sampled_groups(data, column, model, limit, held_back)
    panels = {name: data.select(rows) for name, rows in members_of(data, column).items()}
    _require_length(model, {name: panel.length for name, panel in panels.items()})
    return panels, samples


def sampled_groups(
    source: PanelSource, column: str, model: Forecaster, limit: int | str, held_back: int = 0
) -> tuple[Panel, dict[str, Sample]]:
    """A sample of the series of every group, as one panel: all models know the same categories."""
    import polars as pl

    sources = sources_of(source, column)
    _require_length(model, {name: one.lengths - held_back for name, one in sources.items()})
    share, least = bytes_of(limit) // len(sources), held_back + model.horizon + 2
    drawn = {name: sampled(one, share, model.seed, least) for name, one in sources.items()}
    panel = source.panel_of(pl.concat([rows for rows, _ in drawn.values()]))
    samples = {name: sample for name, (_, sample) in drawn.items()}
    return panel.slice(0, panel.length - held_back) if held_back else panel, samples


def _require_length(model: Forecaster, lengths: Mapping[str, np.ndarray]) -> None:
    """Better said now than after the trainings of all the others."""
    settings = model.settings
    least = settings.direct_horizon + (settings.lookback or 2)
    longest = {name: int(length_N.max()) for name, length_N in lengths.items()}
    untrained = [name for name, steps in longest.items() if model.horizon <= steps <= VERY_SHORT and settings.free]
    _require_enough({
        name: WindowError(f"{steps:,} steps at most, of {least:,}")
        for name, steps in longest.items()
        if steps < least and name not in untrained and not settings.instant
    })  # fmt: skip


def trained(model: Forecaster, panels: Mapping[str, Panel], origins: int | None, folder: Path | None) -> Parts:
    """Train a copy of a model on each panel, and score it on held-out origins.

    Raises:
        WindowError: groups have too little data for a training; all of them are named.
        TrainingError: a stop came before all groups were trained.
    """
    listener, done = listening(model.progress), dict[str, Part]()
    short = dict[str, WindowError]()
    places = {name: k for k, name in enumerate(panels)}

    def train(name: str) -> None:
        if listener.stop.is_set():
            return
        listener.on_progress("fit · group", len(done) + 1, len(panels))
        copy = _heard(model, listener)
        where = None if folder is None else folder / f"group-{places[name]:04d}"
        try:
            found = scored_then_fitted(copy, panels[name], origins, where)
        except WindowError as error:
            short[name] = error
            return
        copy.progress = model.progress
        done[name] = Part.after(copy, found)

    try:
        with stopping(listener):
            executor_of(model.running).map(train, sorted(panels, key=lambda name: (-panels[name].total, name)))
    finally:
        listener.end()
    _require_enough(short)
    _require_all([name for name in panels if name not in done], folder)
    parts = {name: done[name] for name in panels}
    _require_one_table(parts)
    return parts


def _heard(model: Forecaster, listener: Listener) -> Forecaster:
    """A copy whose training tells, and is stopped by, the listener of the whole."""
    copy = model.clone()
    copy.progress = listener
    return copy


def _require_enough(short: Mapping[str, WindowError]) -> None:
    if not short:
        return
    reasons = [f"{name!r} ({str(short[name]).rstrip('.')})" for name in sorted(short)]
    raise WindowError(
        f"{len(short):,} group{'s have' if len(short) > 1 else ' has'} too little data to train on: "
        f"{listed(reasons, 9)}. Leave such series out, or put them into a larger group."
    )


def _require_all(missing: list[str], folder: Path | None) -> None:
    if missing:
        raise TrainingError(f"stopped before these groups were trained: {listed(missing, 9)}. {how_to_go_on(folder)}")


def _require_one_table(parts: Parts) -> None:
    """Raise ConfigError where the forecasts of the groups have not the same quantiles."""
    bare = [name for name, part in parts.items() if len(part.model.fitted_.levels) == 1]
    if bare and len(bare) < len(parts):
        raise ConfigError(
            f"a point loss gives no intervals to {listed(bare, 9)}, which {'have' if len(bare) > 1 else 'has'} too "
            f"little to hold something back, and gives some to the other groups. Use ",
            Setting("loss", "pinball", of="training"),
            ".",
        )
