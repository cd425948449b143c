"""``gatecast fit``: train on a table and keep the model."""

# ruff: noqa: B008, D417 -- the groups of options are frozen dataclasses, which hold the docs of their fields

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from gatecast.cli.building import forecaster, read_panel, settings
from gatecast.cli.files import PLOT_KINDS, require_writable
from gatecast.cli.models.groups import fit_groups, require_no
from gatecast.cli.models.sources import sample_of
from gatecast.cli.options import (
    MODEL,
    OUTPUT,
    Checkpoint,
    DataOptions,
    Json,
    MemoryLimit,
    ModelOptions,
    NetworkOptions,
    Plot,
    RunningOptions,
    TrainingOptions,
)
from gatecast.cli.printing import Screen
from gatecast.cli.sections import show_model, show_panel
from gatecast.progress import code_of_stop

__all__ = ["fit"]


def fit(
    file: str | None = None,
    /,
    *,
    data: DataOptions = DataOptions(),
    model: ModelOptions = ModelOptions(),
    per: Annotated[str | None, Parameter(group=MODEL)] = None,
    save: Annotated[Path, Parameter(group=OUTPUT)],
    plot: Plot = None,
    checkpoint: Checkpoint = None,
    memory_limit: MemoryLimit = None,
    json: Json = False,
    network: NetworkOptions = NetworkOptions(),
    training: TrainingOptions = TrainingOptions(),
    running: RunningOptions = RunningOptions(),
) -> int:
    """Train on a table and save the model.

    Args:
        file: The table: CSV, Parquet, JSON, XLSX, ODS or the address of a database; - for what comes through a pipe.
        per: Train one model for each value of this column, such as region: a --static covariate or a --series column.
        save: File for the model, such as sales.gatecast.
        plot: Write the loss curves to .png, .pdf or .svg.
        checkpoint: Keep where the training stands in this folder; the same command goes on there after it was ended.
        memory_limit: Train on a sample of the series of Parquet files, which takes so much memory, such as 2GB.
        json: Print one JSON object.
    """
    require_writable(save, (), "--save")
    require_writable(plot, PLOT_KINDS, "--plot")
    arguments = settings(model, network, training, running)
    screen = Screen(json)
    if memory_limit is None:
        panel = read_panel(file, data)
    else:
        panel = sample_of(screen, file, data, memory_limit, arguments, per)
    if per is not None:
        require_no(plot=plot)
        return fit_groups(screen, panel, arguments, per, save, checkpoint)
    show_panel(screen, panel)
    fitted, note = forecaster(panel, arguments)
    screen.labelled("horizon", note)
    started = time.monotonic()
    fitted.fit(panel, checkpoint=checkpoint)
    seconds = time.monotonic() - started
    fitted.save(save)
    if plot is not None:
        from gatecast.forecasts.plots import loss_chart

        loss_chart(fitted.history_, path=plot)
    written = [path for path in (save, plot) if path is not None]
    show_model(screen, fitted, seconds)
    screen.files(written)
    from gatecast.workflow import data_facts, model_facts

    screen.result = {
        "command": "fit",
        "data": data_facts(panel),
        "model": model_facts(fitted, seconds),
        "history": fitted.history_,
        "files": written,
    }
    return screen.finish(code_of_stop() if fitted.record_["interrupted"] else 0)
