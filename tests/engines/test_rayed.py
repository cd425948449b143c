"""Which Ray cluster a process works on: one of its own, unless one is named."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .engines import on_ray

pytestmark = on_ray

STARTED = """
import sys
from gatecast.engines.rayed import Ray
engine = Ray(1)
import ray
print(ray.get_runtime_context().gcs_address, flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[str]:
    """The address of a cluster that another process of this machine has started."""
    words = [sys.executable, "-c", STARTED]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.communicate("\n", timeout=60)


def test_the_cluster_of_another_process_is_not_joined(other: str) -> None:
    assert other
    words = [sys.executable, "-c", STARTED]
    done = subprocess.run(words, input="\n", capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() not in ("", other)
