"""A Ray cluster of three nodes on this machine that loses a worker, and then a whole node, while it forecasts.

python -m benchmarks.scale.cluster DATA WORK
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

__all__ = ["cluster"]

HORIZON = 14
QUICK: dict[str, Any] = {"candidates": 1, "members": 1, "training": {"max_epochs": 3, "steps_per_epoch": 10}}


def cluster(data: Path, work: Path, shard_rows: int = 100_000) -> list[dict[str, Any]]:
    """Forecast on the cluster and serially; one row: what was lost, doubled, and whether the bytes are the same."""
    import gatecast as gc

    source = gc.scan(data, series="series", time="day", target="y", shard_rows=shard_rows)
    model = gc.Forecaster(HORIZON, progress=False, engine="serial", **QUICK).fit(source, memory_limit="50MB")
    row = {"series": len(source), "shards": len(source.shards), **_on_ray(model, source, work)}
    started = time.perf_counter()
    model.set_params(engine="serial", address=None).predict(source, output=work / "serial")
    row["serial seconds"] = time.perf_counter() - started
    manifests = [json.loads((work / one / "manifest.json").read_text()) for one in ("ray", "serial")]
    rows = gc_rows(work / "ray")
    row |= {
        "rows": manifests[0]["rows"],
        "lost": len(source) * HORIZON - len(rows),
        "doubled": len(rows) - rows.unique(["series", "day"]).height,
        "same bytes": manifests[0] == manifests[1] and _bytes(work / "ray") == _bytes(work / "serial"),
    }
    print(" · ".join(f"{name} {value}" for name, value in row.items()), flush=True)
    return [row]


def _on_ray(model: Any, source: Any, work: Path) -> dict[str, Any]:
    """The forecast on three nodes, of which one is lost on the way, after a worker."""
    import ray
    from ray.cluster_utils import Cluster

    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    others = [nodes.add_node(num_cpus=1) for _ in range(2)]
    nodes.wait_for_nodes()
    model.set_params(engine="ray", address=nodes.address, workers=None)
    killed: dict[str, Any] = {}
    ended = threading.Event()

    def harm() -> None:
        _until(work / "ray" / "_shards", max(len(source.shards) // 5, 1), ended)
        pid = _worker_of(others[1])
        if pid:
            os.kill(pid, signal.SIGKILL)
        killed["worker killed at"] = _done(work / "ray" / "_shards")
        _until(work / "ray" / "_shards", max(len(source.shards) // 3, 2), ended)
        nodes.remove_node(others[0], allow_graceful=False)
        killed["node lost at"] = _done(work / "ray" / "_shards")

    thread = threading.Thread(target=harm)
    thread.start()
    started = time.perf_counter()
    try:
        model.predict(source, output=work / "ray")
    finally:
        ended.set()
        thread.join()
    killed["ray seconds"] = time.perf_counter() - started
    ray.shutdown()
    nodes.shutdown()
    return killed


def gc_rows(folder: Path) -> Any:
    """The keys of all rows that were written."""
    import polars as pl

    return pl.scan_parquet(folder / "forecast" / "*.parquet").select("series", "day").collect()


def _bytes(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (folder / "forecast").iterdir()}


def _done(records: Path) -> int:
    return len(list(records.glob("*.json"))) if records.exists() else 0


def _until(records: Path, count: int, ended: threading.Event) -> None:
    while _done(records) < count and not ended.wait(0.01):
        pass


def _worker_of(node: Any) -> int | None:
    """A process that works on a node of this cluster: a child of its raylet."""
    raylets = {one.process.pid for one in node.all_processes["raylet"]}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if (
                parent in raylets
                and b"ray::" in (entry / "cmdline").read_bytes()
                and b"IDLE" not in (entry / "cmdline").read_bytes()
            ):
                return int(entry.name)
        except OSError:
            continue
    return None


if __name__ == "__main__":
    cluster(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
