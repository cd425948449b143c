"""What a worker does with one shard: plain data in, plain data out; models and rows come from files that these name."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from gatecast.data.scan.index import Shard
from gatecast.data.scan.source import as_panel_of, frame_of
from gatecast.errors import WindowError
from gatecast.scale.models import Model, load_model, schema_of
from gatecast.scale.parts import Problem, problem_frame, worked
from gatecast.scale.places import Place, fetched, is_url

if TYPE_CHECKING:
    import polars as pl

    from gatecast.data.panel import Panel

__all__ = ["forecast_shard", "model_of", "panel_for", "part_name", "record_of", "shard_of"]


def forecast_shard(told: Mapping[str, Any]) -> dict[str, Any]:
    """Forecast all series of a shard and write them as one Parquet file, and those with a problem as another.

    Args:
        told: shard, files and reading of the source, model and output folder as paths.

    Returns:
        What the manifest says of the shard.
    """
    import polars as pl

    shard, model = shard_of(told), model_of(told["model"])
    keys = told["reading"]["series"]

    def forecast(frame: pl.DataFrame) -> pl.DataFrame:
        made: pl.DataFrame = model.predict(panel_for(frame, model, told)).to_frame("polars")
        return made

    frames, problems = list[pl.DataFrame](), list[Problem]()
    for made in worked(frame_of(shard, told["files"], keys), keys, forecast):
        if isinstance(made, list):
            problems += made
        else:
            frames.append(made)
    output, horizon = Place.of(told["output"]), model.horizon
    whole = pl.concat(frames, how="vertical_relaxed") if frames else None
    record = {
        "shard": shard.number,
        "series": shard.series,
        "rows": 0 if whole is None else whole.height,
        "forecast": 0 if whole is None else whole.height // horizon,
        "problems": len(problems),
        "sha256": None if whole is None else _written(whole, output, f"forecast/{part_name(shard.number)}"),
        "problems_sha256": _written(problem_frame(problems), output, f"problems/{part_name(shard.number)}")
        if problems
        else None,
    }
    output.write(record_of(shard.number), json.dumps(record).encode())  # after its parts: now it is done
    return record


def record_of(number: int) -> str:
    """The file that says that a shard is done."""
    return f"_shards/{number:06d}.json"


def part_name(number: int) -> str:
    """Name of the file of a shard."""
    return f"part-{number:06d}.parquet"


def shard_of(told: Mapping[str, Any]) -> Shard:
    """The shard that a task is about."""
    return Shard(**{**told["shard"], "keys": tuple(map(tuple, told["shard"]["keys"]))})


def model_of(path: str) -> Model:
    """The model in a file, read once by every worker; the name of one at a URL says what it holds."""
    return _model(path, 0 if is_url(path) else os.stat(path).st_mtime_ns)


@lru_cache(maxsize=64)  # the folds of a backtest
def _model(path: str, _changed: int) -> Model:
    if not is_url(path):
        return load_model(path)
    copy = fetched(path)
    try:
        return load_model(copy)
    finally:
        copy.unlink()


def panel_for(frame: pl.DataFrame, model: Model, told: Mapping[str, Any]) -> Panel:
    """Rows as a panel that has the columns and categories of the model."""
    schema = schema_of(model)
    covariates = (*schema.past, *schema.future, *schema.static)
    known = {column.name: column.categories for column in covariates if column.categories is not None}
    panel = as_panel_of(frame, {**told["reading"], "categories": known})
    if not len(panel):
        raise WindowError("there is no series.")
    return panel


def _written(frame: pl.DataFrame, output: Place, name: str) -> str:
    """Write a table, whole or not at all; SHA-256 of its bytes."""
    import io

    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    data = buffer.getvalue()
    output.write(name, data)
    return hashlib.sha256(data).hexdigest()
