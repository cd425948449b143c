"""Where one of two cores has nothing to do in a fit of the defaults: jobs timed on one core, the crew played on two.

Two bounds: the last training of a list stays on one core; or the kernels share it between both without loss.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.scale.cores import read_set
from benchmarks.scale.schedule import Recording, crew_seconds
from benchmarks.speed.contestant import ROOT

__all__ = ["idle"]


def idle(sets: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each set."""
    rows = []
    for name in sets:
        environment = os.environ | {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
        command = [sys.executable, "-m", "benchmarks.scale.idle", name]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True, env=environment)
        row: dict[str, Any] = {"set": name, **json.loads(done.stdout.strip().splitlines()[-1])}
        rows.append(row)
        print(
            f"{name:<12} {row['cpu']:6.1f} CPU s · outside of lists {row['serial']:.1f} s · one of two cores is alone "
            f"{row['alone']:.1f} s · gain {row['least']:.2f} x to {row['most']:.2f} x",
            flush=True,
        )
    return rows


def _main(name: str) -> None:
    import gatecast.forecaster as module

    panel, horizon = read_set(name)
    recording = Recording()
    module.executor_of = lambda _: recording
    started = time.process_time()
    module.Forecaster(horizon, progress=False).fit(panel)
    cpu = time.process_time() - started
    serial = cpu - sum(one.seconds for one in recording.lists)
    played = [crew_seconds(one, 2) for one in recording.lists]
    seconds, alone = (sum(one[k] for one in played) for k in (0, 1))
    found = {"cpu": cpu, "serial": serial, "seconds": serial + seconds, "alone": alone}
    found |= {"least": cpu / (serial + seconds), "most": cpu / (serial + seconds - alone / 2)}
    print(json.dumps(found))


if __name__ == "__main__":
    _main(sys.argv[1])
