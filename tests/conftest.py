"""Fixtures that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the benchmark data; tests that need it are skipped where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("GATECAST_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"benchmark data not found at {folder}; set GATECAST_DATA to the folder that holds it")
    return folder
