"""One stage in a process of its own, under a limit of memory; one JSON line says what it took.

The limit is RLIMIT_DATA: private memory that can be written (heap, arenas, stacks, anonymous mappings). RLIMIT_AS, as
``ulimit -v`` sets it, would count the reserved address space of torch's libraries and of thread stacks, several GB that
nobody touches. The peak is that of the resident set, files that are mapped included.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

__all__ = ["STAGES", "main"]

HORIZON = 14
LIMIT = 2_000_000_000


def _source(data: str) -> Any:
    import gatecast as gc

    return gc.scan(data, series="series", time="day", target="y")


def fit(data: str, work: Path, engine: dict[str, Any]) -> dict[str, Any]:
    """Train on a sample."""
    import gatecast as gc

    model = gc.Forecaster(HORIZON, progress=False, candidates=2, **engine)
    model.fit(_source(data), held_back=HORIZON, memory_limit="500MB")
    model.save(work / "model.gatecast")
    return {"rows": model.sample_.rows, "sample": model.sample_.describe()}


def scan(data: str, work: Path, engine: dict[str, Any]) -> dict[str, Any]:
    """The one pass over the files, which all other stages begin with."""
    return {"rows": _source(data).rows}


def predict(data: str, work: Path, engine: dict[str, Any]) -> dict[str, Any]:
    """Forecast all series."""
    import gatecast as gc

    source = _source(data)
    model = gc.load(work / "model.gatecast").set_params(progress=False, **engine)
    made = model.predict(source, output=work / "out")
    return {"rows": source.rows, "written": made.rows, "problems": made.problems}


def evaluate(data: str, work: Path, engine: dict[str, Any]) -> dict[str, Any]:
    """Score all series on what the training has not seen."""
    import gatecast as gc

    source = _source(data)
    model = gc.load(work / "model.gatecast").set_params(progress=False, **engine)
    scores = gc.evaluate(model, source)
    return {"rows": source.rows, "mase": scores.table["lstm"]["mase"], "verdict": scores.verdict}


def naive(data: str, work: Path, engine: dict[str, Any]) -> dict[str, Any]:
    """Statsforecast's seasonal naive on Ray: a task per file reads it, forecasts it and writes the same columns."""
    import ray

    files = sorted(Path(data).glob("*.parquet"))
    (work / "naive").mkdir(exist_ok=True)

    @ray.remote(num_cpus=1)
    def one(file: str, output: str) -> int:
        import polars as pl
        from statsforecast import StatsForecast
        from statsforecast.models import Naive

        frame = pl.read_parquet(file).rename({"series": "unique_id", "day": "ds"})
        made = StatsForecast([Naive()], freq="1d").forecast(df=frame, h=HORIZON, level=[80, 95])
        made.write_parquet(output)
        return int(made.height)

    ray.init(num_cpus=engine.get("workers", 2), include_dashboard=False, log_to_driver=False)
    rows = sum(ray.get([one.remote(str(file), str(work / "naive" / file.name)) for file in files]))
    return {"rows": 0, "written": rows}


STAGES = {"scan": scan, "fit": fit, "predict": predict, "evaluate": evaluate, "naive": naive}


def main(words: list[str]) -> None:
    """Run a stage: its name, the data, the working folder, the engine as JSON, whether the limit holds."""
    name, data, work, engine, limited = words
    if limited == "limited":
        resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, LIMIT))
    started = time.perf_counter()
    found = STAGES[name](data, Path(work), json.loads(engine))
    seconds = time.perf_counter() - started
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu = usage.ru_utime + usage.ru_stime
    print(json.dumps({**found, "seconds": seconds, "cpu": cpu, "peak_mb": usage.ru_maxrss / 1000}))


if __name__ == "__main__":
    main(sys.argv[1:])
