"""Forked workers forecast, whatever their parent had loaded or run; where polars would hang they say so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gatecast as gc
from gatecast.data.schema import Schema
from gatecast.nn.kernels import load

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system knows no fork"),
    pytest.mark.skipif(load() is None, reason="the kernels are not built"),
]

HEADER = """
import multiprocessing, os, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np

def say(what):
    os.write(1, f"{what}\\n".encode())  # at once, for several processes write

def forked(work):
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            print(type(error).__name__, error, flush=True)
        os._exit(0)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if os.waitpid(child, os.WNOHANG)[0]:
            return
        time.sleep(0.02)
    os.kill(child, 9)
    print("HANG", flush=True)

def smooth():
    from gatecast.nn.threads import kernels_use
    from gatecast.statistical.exponential import exponential_smoothing
    with kernels_use(2):
        y = np.arange(40000.0)[:, None]
        say(exponential_smoothing(y, np.arange(100) * 400, np.arange(1, 101) * 400 - 1, 2).shape)

def layer():
    import torch
    from gatecast.nn import LSTM
    from gatecast.nn.threads import kernels_use
    with torch.no_grad(), kernels_use(2):
        say(tuple(LSTM(8, 64, batch_first=True)(torch.zeros(64, 40, 8))[0].shape))

def threads_of_torch():
    import torch
    torch.set_num_threads(2)
    assert torch.rand(1000, 1000).exp().sum() > 0
"""


def printed(program: str, *words: str) -> list[str]:
    """Lines that a program prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", HEADER + program, *words], check=False, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a blend: networks and an exponential smoothing."""
    panel = gc.Panel(
        values_RV=(100 + np.arange(150) % 7 * 5.0).astype(np.float32)[:, None],
        first=np.zeros(1, np.int64),
        length=np.full(1, 150),
        ids=("a",),
        starts=np.array(["2023-01-01"], "datetime64[us]"),
        frequency=gc.Frequency("fixed", 86_400_000_000),
        schema=Schema(("y",)),
        static_NS=np.zeros((1, 0), np.float32),
    )
    path = tmp_path_factory.mktemp("model") / "m.gatecast"
    gc.Forecaster(3, members=1, time_limit=3, progress=False).fit(panel).save(path)
    return path


@pytest.mark.parametrize(
    "before",
    [
        "threads_of_torch()",
        "import gatecast._kernels; threads_of_torch()",
        "import gatecast._kernels; smooth()",
        "threads_of_torch(); layer(); smooth()",
    ],
    ids=["torch", "kernels, torch", "pool", "all"],
)
def test_threads_serve_in_a_child_whatever_its_parent_did(before: str) -> None:
    lines = printed(f"{before}\nprint('--', flush=True)\nforked(lambda: (smooth(), layer()))")
    assert lines[lines.index("--") + 1 :] == ["(100, 2, 1)", "(64, 40, 64)"]


def test_a_child_of_a_child_and_several_at_once() -> None:
    program = """
threads_of_torch(); layer()
children = [multiprocessing.get_context("fork").Process(target=lambda: forked(smooth)) for _ in range(3)]
for child in children: child.start()
for child in children: child.join(60)
print([child.exitcode for child in children])
"""
    assert printed(program) == ["(64, 40, 64)", *["(100, 2, 1)"] * 3, "[0, 0, 0]"]


TABLE = """
import gatecast as gc
frame = {"ds": np.datetime64("2023-01-01") + np.arange(60), "y": 100 + np.arange(60) % 7 * 5.0}
def read():
    import polars as pl
    return gc.read(pl.DataFrame(frame))
def predict(panel=None):
    print(model.predict(panel or read()).values.shape[:2], flush=True)
"""


def test_a_worker_forecasts_a_table_with_a_model_that_its_parent_loaded(model: Path) -> None:
    assert printed(TABLE + "model = gc.load(sys.argv[1])\nforked(predict)", str(model)) == ["(1, 3)"]


def test_a_worker_whose_parent_has_read_a_table_says_that_it_cannot() -> None:
    (line,) = printed(TABLE + "read()\nforked(read)")
    assert line.startswith("ConfigError this process was forked from one that had already read a table")
    assert "POLARS_MAX_THREADS=1" in line
    assert "HANG" not in printed(TABLE + "read()\nimport gatecast.nn.kernels\nforked(smooth)")
