"""Fixtures that all tests share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

# Networks and matrices of the tests are small: more threads would only wait for each other. Read when torch and numpy
# are loaded, and by the processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import hypothesis
import numpy as np
import pytest

from gatecast.data.frequency import Frequency
from gatecast.data.panel import Panel
from gatecast.data.schema import Schema

# A run of the tests is the same each time; HYPOTHESIS_PROFILE=random searches further.
hypothesis.settings.register_profile("ci", derandomize=True, max_examples=30, deadline=None, database=None)
hypothesis.settings.register_profile("random", max_examples=200, deadline=None, database=None, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

pytest_plugins = ["tests.servers"]  # a PostgreSQL and a Mosquitto, started where a test asks for them

PanelOf = Callable[..., Panel]
CHROMIUM = Path("/usr/bin/chromium")
# Known to work as root and without a network.
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the benchmark data; tests that need it are skipped where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("GATECAST_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"benchmark data not found at {folder}; set GATECAST_DATA to the folder that holds it")
    return folder


@pytest.fixture(scope="session")
def panel_of() -> PanelOf:
    """Makes a panel from one array per series, (T,) or (T, V)."""

    def make(
        arrays: Sequence[np.ndarray],
        schema: Schema | None = None,
        static: np.ndarray | None = None,
        dtype: type = np.float32,
    ) -> Panel:
        tables: list[np.ndarray] = [np.asarray(a, np.float64).reshape(len(a), -1).astype(dtype) for a in arrays]
        length = np.array([len(t) for t in tables])
        return Panel(
            values_RV=np.concatenate(tables),
            first=np.cumsum(length) - length,
            length=length,
            ids=tuple(f"s{n}" for n in range(len(tables))),
            starts=np.ones(len(tables), np.int64),
            frequency=Frequency("step"),
            schema=schema or Schema(("y",)),
            static_NS=np.zeros((len(tables), 0), np.float32) if static is None else static,
        )

    return make


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Small networks are slower on more threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    """Sets the number of threads, and puts it back."""
    import torch

    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: it is in the extra test"
    )
    if not CHROMIUM.exists():
        pytest.skip(
            f"no browser at {CHROMIUM} ({shutil.which('chromium') or 'none on the path'}): apt install chromium"
        )
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield opened
        opened.close()
