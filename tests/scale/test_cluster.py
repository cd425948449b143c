"""A real Ray cluster of three nodes on this machine loses a worker and a node: no row is lost or doubled."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.scale.made import make

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
def test_a_cluster_that_loses_a_worker_and_a_node_loses_no_row(tmp_path: Path) -> None:
    data = make(tmp_path, 300, 60)
    words = [sys.executable, "-m", "benchmarks.scale.cluster", str(data), str(tmp_path / "work"), "600"]
    (tmp_path / "work").mkdir()
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    shown = done.stdout.splitlines()[-1]
    assert "lost 0 · doubled 0 · same bytes True" in shown, shown
    assert "node lost at" in shown
