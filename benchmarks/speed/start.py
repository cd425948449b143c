"""start: seconds from a fresh process to an import, or to the end of --help.

The whole process counts, interpreter included. All run with bytecode already there, in a folder of this run, so that
nothing is written into the project. torch and polars alone show what lies under the others.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.speed.contestant import ROOT, ContestantError, child_environment, peers_python
from benchmarks.speed.options import Options, progress
from benchmarks.speed.report import Column, Report
from benchmarks.speed.statistics import interleaved, ratio

__all__ = ["run"]

EMPTY, IMPORT, HELP, READY = "python alone", "import gatecast", "gatecast --help", "from gatecast import Forecaster"
OURS = {
    EMPTY: ("-c", "pass"),
    IMPORT: ("-c", "import gatecast"),
    HELP: ("-m", "gatecast", "--help"),
    READY: ("-c", "from gatecast import Forecaster"),
    "import torch": ("-c", "import torch"),
}
PEERS = {
    "neuralforecast": "from neuralforecast import NeuralForecast; from neuralforecast.models import LSTM",
    "darts": "from darts.models import BlockRNNModel",
}


def run(options: Options) -> Report:
    """Start each a few times, in turn."""
    rounds = options.rounds(5)
    python, reason = peers_python()
    commands = {name: [sys.executable, *words] for name, words in OURS.items()}
    if python is not None:
        commands |= {f"import {name}": [str(python), "-c", code] for name, code in PEERS.items()}
    skipped = dict.fromkeys(PEERS, reason) if python is None else {}
    with tempfile.TemporaryDirectory() as folder:
        environment = _environment(options.threads, folder)
        turns = {name: partial(_seconds, name, command, environment) for name, command in commands.items()}
        for name, turn in turns.items():
            progress(f"start · {name}")
            turn()  # writes the bytecode, reads the files once
        times = {name: median(values) for name, values in interleaved(turns, rounds).items()}
    rows = [
        {"what": name, "seconds": seconds, "ratio": ratio(seconds, times[READY])} for name, seconds in times.items()
    ]
    return Report(
        "start",
        "Seconds of a fresh process, interpreter included.",
        (Column("what", "what"), Column("seconds", "seconds"), Column("ratio", "ratio", "x")),
        rows,
        {f"{name} over a ready Forecaster": ratio(times.get(f"import {name}"), times[READY]) for name in PEERS},
        (
            f"ratio: over `{READY}`. `import gatecast` and `--help` load neither torch nor polars; "
            "Forecaster does, as do the peers.",
        ),
        skipped,
        {"threads": options.threads, "repeats": rounds},
    )


def _environment(threads: int, folder: str) -> dict[str, str]:
    environment = child_environment(threads) | {"PYTHONPYCACHEPREFIX": folder}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def _seconds(name: str, command: list[str], environment: dict[str, str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, cwd=_elsewhere(), capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise ContestantError(f"{name}: {(done.stderr.strip() or 'no message').splitlines()[-1]}")
    return seconds


def _elsewhere() -> Path:
    """A folder with no packages in it: `python -c` imports from where it stands."""
    return Path(os.devnull).parent if os.path.isdir("/dev") else ROOT.parent
