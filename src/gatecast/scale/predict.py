"""Forecasts of all series of a source, shard by shard, into a folder.

out/forecast/part-000000.parquet   the long table of the forecasts, one row per series and step
out/problems/part-000003.parquet   series that could not be forecast: series, kind, reason
out/_gatecast.json                 which model and which source; only the same goes on there
out/_shards/000000.json            what is done; a file appears after its parts are whole
out/manifest.json, out/_SUCCESS    at the end: counts and SHA-256 of every part
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gatecast.data.scan.source import PanelSource
from gatecast.errors import ModelFileError
from gatecast.scale.models import Model, fingerprint_of
from gatecast.scale.shards import shards_on
from gatecast.scale.tasks import part_name, record_of
from gatecast.storage.container import write_atomically
from gatecast.storage.folder import marked_folder

if TYPE_CHECKING:
    import polars as pl

__all__ = ["WrittenForecast", "predict_source"]

MODEL, SUCCESS, MANIFEST = "_model.gatecast", "_SUCCESS", "manifest.json"


@dataclass(frozen=True)
class WrittenForecast:
    """Forecasts of a source that lie in a folder.

    Args:
        path: of the folder.
        series: series of the source.
        forecast: series with a forecast.
        problems: series without one.
        rows: of the forecasts.
    """

    path: Path
    series: int
    forecast: int
    problems: int
    rows: int

    def scan(self) -> pl.LazyFrame:
        """The forecasts as a lazy polars table."""
        import polars as pl

        return pl.scan_parquet(self.path / "forecast" / "*.parquet")

    def problem_table(self) -> pl.DataFrame:
        """The series without a forecast: series, kind ("short" or "failed"), reason."""
        import polars as pl

        from gatecast.scale.parts import problem_frame

        files = sorted((self.path / "problems").glob("*.parquet"))
        return pl.concat([pl.read_parquet(file) for file in files]) if files else problem_frame([])


def predict_source(model: Model, source: PanelSource, output: str | os.PathLike[str]) -> WrittenForecast:
    """Forecast every series of a source; the same call goes on where an earlier one was ended, whatever ended it.

    Raises:
        ConfigError: the folder holds other forecasts, or cannot be used.
        ModelFileError: a part was changed after it was written.
    """
    folder = Path(output).resolve()
    folder = marked_folder(folder, "_gatecast.json", {"source": source.fingerprint, "model": fingerprint_of(model)},
                           "a forecast of a source")  # fmt: skip
    if (found := _finished(folder)) is not None:
        return found
    for name in ("forecast", "problems", "_shards"):
        (folder / name).mkdir(exist_ok=True)
    model.save(folder / MODEL)
    known = {number for shard in source.shards if record_of(folder, number := shard.number).exists()}
    todo = [shard for shard in source.shards if shard.number not in known]
    told = {
        "files": list(source.files), "reading": dict(source.reading),
        "model": str(folder / MODEL), "output": str(folder),
    }  # fmt: skip
    shards_on(model, "scale.tasks:forecast_shard", told, todo, "predict · shard", len(known))
    return _finish(folder, source)


def _finish(folder: Path, source: PanelSource) -> WrittenForecast:
    """Write the manifest from the records, then the mark that all is there."""
    records = [json.loads(record_of(folder, shard.number).read_text()) for shard in source.shards]
    counts = {key: sum(one[key] for one in records) for key in ("series", "forecast", "problems", "rows")}
    manifest = {**counts, "shards": records}
    write_atomically(folder / MANIFEST, json.dumps(manifest, indent=1).encode())
    write_atomically(folder / SUCCESS, b"")
    (folder / MODEL).unlink(missing_ok=True)
    return WrittenForecast(folder, **counts)


def _finished(folder: Path) -> WrittenForecast | None:
    """What an earlier call has finished, with every part as it was written."""
    if not (folder / SUCCESS).exists():
        return None
    manifest = json.loads((folder / MANIFEST).read_text())
    for one in manifest["shards"]:
        for kind, key in (("forecast", "sha256"), ("problems", "problems_sha256")):
            path = folder / kind / part_name(one["shard"])
            if one[key] is not None and (not path.exists() or _sha256(path) != one[key]):
                raise ModelFileError(f"{path} is not as it was written. Delete the folder, and forecast anew.")
    return WrittenForecast(folder, *(manifest[key] for key in ("series", "forecast", "problems", "rows")))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
