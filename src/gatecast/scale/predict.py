"""Forecasts of all series of a source, shard by shard, into a folder.

out/forecast/part-000000.parquet   the long table of the forecasts, one row per series and step
out/problems/part-000003.parquet   series that could not be forecast: series, kind, reason
out/_gatecast.json                 which model and which source; only the same goes on there
out/_shards/000000.json            what is done; a file appears after its parts are whole
out/manifest.json, out/_SUCCESS    at the end: counts and SHA-256 of every part
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gatecast.data.scan.source import PanelSource
from gatecast.errors import ModelFileError
from gatecast.scale.models import Model, fingerprint_of
from gatecast.scale.places import Place, is_url
from gatecast.scale.shards import shards_on
from gatecast.scale.tasks import part_name, record_of

if TYPE_CHECKING:
    import polars as pl

__all__ = ["WrittenForecast", "predict_source"]

SUCCESS, MANIFEST = "_SUCCESS", "manifest.json"
LAZY = {"s3", "gs", "az", "abfs", "hf"}  # URLs that polars reads by itself, as far as it needs the rows


@dataclass(frozen=True)
class WrittenForecast:
    """Forecasts of a source that lie in a folder.

    Args:
        path: of the folder; its URL where it was given as one.
        series: series of the source.
        forecast: series with a forecast.
        problems: series without one.
        rows: of the forecasts.
    """

    path: Path | str
    series: int
    forecast: int
    problems: int
    rows: int

    def scan(self) -> pl.LazyFrame:
        """The forecasts as a lazy polars table."""
        import polars as pl

        place = Place.of(self.path)
        scheme = place.root.split("://")[0]
        if not is_url(place.root) or scheme in LAZY:
            return pl.scan_parquet(place.file("forecast/*.parquet"))
        return pl.concat([_table(place, name).lazy() for name in self._parts("forecast", "sha256")])

    def problem_table(self) -> pl.DataFrame:
        """The series without a forecast: series, kind ("short" or "failed"), reason."""
        import polars as pl

        from gatecast.scale.parts import problem_frame

        names = self._parts("problems", "problems_sha256")
        return pl.concat([_table(Place.of(self.path), name) for name in names]) if names else problem_frame([])

    def _parts(self, kind: str, key: str) -> list[str]:
        """The files of one kind, as the manifest has them."""
        shards = json.loads(_held(Place.of(self.path), MANIFEST))["shards"]
        return [f"{kind}/{part_name(one['shard'])}" for one in shards if one[key] is not None]


def predict_source(model: Model, source: PanelSource, output: str | os.PathLike[str]) -> WrittenForecast:
    """Forecast every series of a source; the same call goes on where an earlier one was ended, whatever ended it.

    Raises:
        ConfigError: the folder holds other forecasts, or cannot be used.
        ModelFileError: a part was changed after it was written.
    """
    place, known = Place.of(output), fingerprint_of(model)
    place.mark("_gatecast.json", {"source": source.fingerprint, "model": known}, "a forecast of a source")
    if (found := _finished(place)) is not None:
        return found
    if isinstance(place.path, Path):
        for name in ("forecast", "problems", "_shards"):
            (place.path / name).mkdir(exist_ok=True)
    file = f"_model-{known[:16]}.gatecast"
    with tempfile.TemporaryDirectory(prefix="gatecast-") as folder:
        model.save(Path(folder) / file)
        place.write(file, (Path(folder) / file).read_bytes())
    done = {shard.number for shard in source.shards if place.read(record_of(shard.number)) is not None}
    todo = [shard for shard in source.shards if shard.number not in done]
    told = {
        "files": list(source.files), "reading": dict(source.reading),
        "model": place.file(file), "output": place.root,
    }  # fmt: skip
    shards_on(model, "scale.tasks:forecast_shard", told, todo, "predict · shard", len(done))
    made = _finish(place, source)
    place.remove(file)
    return made


def _finish(place: Place, source: PanelSource) -> WrittenForecast:
    """Write the manifest from the records, then the mark that all is there."""
    records = [json.loads(_held(place, record_of(shard.number))) for shard in source.shards]
    counts = {key: sum(one[key] for one in records) for key in ("series", "forecast", "problems", "rows")}
    manifest = {**counts, "shards": records}
    place.write(MANIFEST, json.dumps(manifest, indent=1).encode())
    place.write(SUCCESS, b"")
    return WrittenForecast(place.path, **counts)


def _finished(place: Place) -> WrittenForecast | None:
    """What an earlier call has finished, with every part as it was written."""
    if place.read(SUCCESS) is None:
        return None
    manifest = json.loads(_held(place, MANIFEST))
    for one in manifest["shards"]:
        for kind, key in (("forecast", "sha256"), ("problems", "problems_sha256")):
            name = f"{kind}/{part_name(one['shard'])}"
            if one[key] is not None and _sha256(place.read(name)) != one[key]:
                raise ModelFileError(
                    f"{place.file(name)} is not as it was written. Delete the folder, and forecast anew."
                )
    return WrittenForecast(place.path, *(manifest[key] for key in ("series", "forecast", "problems", "rows")))


def _held(place: Place, name: str) -> bytes:
    """A file that has to be there."""
    data = place.read(name)
    if data is None:
        raise ModelFileError(
            f"{place.file(name)} is not there: it was deleted, or workers do not see the same files. Give a place that "
            f"all of them see."
        )
    return data


def _table(place: Place, name: str) -> pl.DataFrame:
    import polars as pl

    return pl.read_parquet(io.BytesIO(_held(place, name)))


def _sha256(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha256(data).hexdigest()
