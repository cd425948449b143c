"""kill -9: what was acknowledged is there once, and jobs go on. More kills: ``python -m benchmarks.serve.kills``."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.serve.kills import killed


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_or_doubled(store_url: str, tmp_path: Path) -> None:
    outcome = killed(store_url, tmp_path, times=2, pause=0.02)
    assert outcome.sound, outcome
    assert outcome.kills == 2
    assert outcome.acknowledged > 20
    assert outcome.resumed == outcome.jobs == 1
