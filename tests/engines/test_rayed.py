"""Which Ray cluster a process works on: one of its own, unless one is named."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .engines import on_ray

pytestmark = on_ray

STARTED = """
from gatecast.engines.rayed import Ray
engine = Ray(1)
import ray
print(ray.get_runtime_context().gcs_address)
"""


@pytest.fixture
def remembered() -> Iterator[Path]:
    """Ray's folder, with the address that ``ray start`` leaves there. Short, for its sockets' names have a limit."""
    with tempfile.TemporaryDirectory(prefix="r", ignore_cleanup_errors=True) as folder:
        (Path(folder) / "ray").mkdir()
        (Path(folder) / "ray" / "ray_current_cluster").write_text("127.0.0.1:9")
        yield Path(folder)


def test_a_cluster_that_another_run_has_started_is_not_joined(remembered: Path) -> None:
    environment = {**os.environ, "RAY_TMPDIR": str(remembered)}
    words = [sys.executable, "-c", STARTED]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert ":" in done.stdout
