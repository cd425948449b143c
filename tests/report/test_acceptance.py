"""The whole way on one example: the screen, and the page in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gatecast.cli.main import main

from .test_browser import DESK, Watched


@pytest.mark.slow
def test_airline_from_24_origins_beside_all_rivals(
    browser: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("statsforecast", reason="statsforecast is not installed: it is in the extra rivals")
    monkeypatch.setenv("COLUMNS", "80")
    page = tmp_path / "airline.html"
    words = ["--example", "airline", "--horizon", "12", "--origins", "24", "--report", str(page)]
    assert main(["backtest", *words]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.replace(str(page), "page").splitlines())) <= 80
    rows = {line[:16].strip(): line[16:].split() for line in shown.splitlines() if line[:1].isalpha()}
    head = next(line for line in shown.splitlines() if "MASE" in line)
    assert head.split()[:2] == ["MASE", "sMAPE"]
    assert "80 % covers" in head
    assert "95 % covers" in head
    scored = ["gatecast LSTM", "AutoARIMA", "AutoTheta", "AutoETS"]
    for name in scored:
        mase, smape, covers, percent = rows[name][:4]
        assert (0.4 < float(mase) < 1.5, 3 < float(smape) < 12, percent) == (True, True, "%"), name
        assert 40 <= float(covers) <= 100, name
    assert float(rows["gatecast LSTM"][0]) < float(rows["seasonal naive"][0]) < float(rows["repeat last"][0])
    assert "24, 2 months apart; trained once" in shown
    verdict = "NOT clearly better than seasonal naive"  # 24 origins that overlap are some four that do not
    assert f"{verdict}: its MASE is" in " ".join(shown.split())

    watcher = Watched(browser, page, DESK)
    watcher.at(DESK)
    watcher.assert_quiet()
    text = watcher.page.evaluate("document.querySelector('main').textContent")
    for name in (*scored, verdict):
        assert name in text
    watcher.page.context.close()
