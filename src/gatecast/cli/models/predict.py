"""``gatecast predict``: forecast new data with a saved model."""

# ruff: noqa: B008, D417 -- the groups of options are frozen dataclasses, which hold the docs of their fields

from __future__ import annotations

from pathlib import Path

from gatecast.cli.building import read_future, read_panel
from gatecast.cli.files import destination, is_folder, require_pictures, require_room, to_future, write_results
from gatecast.cli.models.groups import columns_of, loaded
from gatecast.cli.models.sources import predict_into
from gatecast.cli.options import DataOptions, Future, Json, Output, PictureOptions, Plot, RunningOptions
from gatecast.cli.printing import Screen
from gatecast.cli.sections import show_chart, show_forecast, show_panel

__all__ = ["predict"]


def predict(
    model: Path,
    file: str | None = None,
    /,
    *,
    data: DataOptions = DataOptions(),
    future: Future = (),
    output: Output = None,
    plot: Plot = None,
    picture: PictureOptions = PictureOptions(),
    json: Json = False,
    running: RunningOptions = RunningOptions(),
) -> int:
    """Forecast what follows a table with a saved model.

    Args:
        model: A file that gatecast fit or forecast --save wrote.
        file: The history to continue, of known or new series.
        future: Table of future covariates, or NAME=VALUE for each.
        output: Write all forecasts to .csv, .parquet, .jsonl or .xlsx, or append them to DATABASE#TABLE; or, of Parquet
            files larger than memory, into a folder such as out/, a shard at a time.
        plot: Write a fan chart to .png, .pdf or .svg.
        json: Print one JSON object.
    """
    if is_folder(output):
        return predict_into(Screen(json), model, file, data, running, str(output))
    place = destination(output)
    require_pictures(plot, picture)
    known = to_future(future)
    fitted = loaded(model)
    screen = Screen(json)
    panel = read_panel(file, data, columns_of(fitted))
    show_panel(screen, panel)
    require_room(place, len(panel) * fitted.horizon)
    screen.line()
    made = fitted.predict(panel, future=read_future(panel, known, data))
    written = write_results(made, place, plot, picture, model)
    show_forecast(screen, made, output)
    if picture.chart:
        show_chart(screen, made)
    screen.files(written)
    from gatecast.workflow import data_facts, forecast_facts

    screen.result = {
        "command": "predict",
        "model": str(model),
        "data": data_facts(panel),
        "forecast": forecast_facts(made) if json else [],
        "guarded": list(made.guarded),
        "bounded": list(made.bounded),
        "late": list(made.late),
        "files": written,
    }
    return screen.finish()
