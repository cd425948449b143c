"""Intervals of a live model that follow what is observed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.live.conftest import model_of, table
from tests.live.test_scoring import noise, steady

import gatecast as gc
from gatecast.backtesting.adaptive import adapted
from gatecast.cli.main import main
from gatecast.data.panel import Panel
from gatecast.live.state import widths

PanelOf = Callable[..., Panel]
pytestmark = pytest.mark.usefixtures("one_thread")
FUTURE = {"kind": "b"}
CALM, JUMP, END = 400, 1000, 2000


def louder(seed: int = 0) -> np.ndarray:
    """A season with noise that trebles."""
    y = noise(seed, END)
    season = 50 + 10 * np.sin(np.arange(END) * 2 * np.pi / 24)
    return np.where(np.arange(END) < JUMP, y, season + 3 * (y - season))


@pytest.fixture(scope="module")
def told() -> dict[bool, gc.Observed]:
    """What was said of every row after the training, by whether the intervals were adaptive.

    A network that reads its scale off its window widens its intervals by itself; this one does not.
    """
    model, rows = steady(scaling="seasonal-difference:24/5+standard+fitted"), {"y": louder()[CALM:]}
    return {adaptive: model.live(adaptive=adaptive).observe(rows) for adaptive in (False, True)}


def covered(told: gc.Observed, coverage: float, begin: int, end: int) -> float:
    return float(told.inside(coverage)[begin - CALM : end - CALM].mean())


def test_coverage_recovers_after_the_noise_has_trebled(told: dict[bool, gc.Observed]) -> None:
    for level, plain in ((0.8, 0.6), (0.95, 0.75)):
        assert covered(told[True], level, CALM + 100, JUMP) == pytest.approx(level, abs=0.04)
        assert covered(told[True], level, JUMP + 50, END) == pytest.approx(level, abs=0.04)
        assert covered(told[False], level, JUMP + 50, END) < plain
    np.testing.assert_array_equal(told[True].forecast_RC, told[False].forecast_RC)


def test_it_is_the_method_of_the_backtest_for_one_series_and_one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    model, y = steady(), louder()[:700]
    plain, live = model.live(), model.live(adaptive=True)
    made, followed = [], []
    for t in range(CALM, 460):
        made.append(plain.forecast().values_NHCQ[0])
        followed.append(live.forecast().values_NHCQ[0])
        for one in (plain, live):
            one.observe({"y": y[t]})
    truth = y[None, CALM:460, None, None]
    expected = adapted(np.array(made)[None], truth, model.fitted_.levels, 1, widths.RATE)
    np.testing.assert_allclose(np.array(followed)[None], expected, rtol=1e-5)
    assert not np.allclose(followed[-1], made[-1])


@pytest.mark.parametrize("name", ["difference", "smooth", "recursive", "all of them"])
def test_rows_may_come_in_any_way(panel_of: PanelOf, name: str, tmp_path: Path) -> None:
    model, panel = model_of(panel_of, name), table(panel_of, 4, (80, 60, 2), 0.1)
    history, rest = panel.slice(0, panel.length - 20), panel.slice(np.maximum(panel.length - 20, 0), panel.length)
    begin = history.drop_short(1)
    at_once, one_by_one = (model.live(begin, adaptive=True) for _ in range(2))
    whole = at_once.observe(rest)
    for t in range(20):
        for n in (2, 0, 1):
            if t < rest.length[n]:
                one_by_one.observe(rest.select([n]).slice(t, t + 1))
        if t == 7:
            one_by_one.save(tmp_path / "s.live")
            one_by_one = gc.load_live(tmp_path / "s.live")
    assert one_by_one.adaptive
    np.testing.assert_allclose(one_by_one._widths.factor_NCQ, at_once._widths.factor_NCQ)
    assert not np.allclose(at_once._widths.factor_NCQ[0], 1)
    np.testing.assert_array_equal(at_once._widths.factor_NCQ[2], 1)
    ids = ["s0", "s1"]
    one, other = (live.forecast(ids, future=FUTURE).values_NHCQ for live in (at_once, one_by_one))
    np.testing.assert_allclose(one, other, rtol=1e-6)
    middle = model.fitted_.middle
    batch = model.predict(panel.select(ids), future=FUTURE).values_NHCQ
    np.testing.assert_allclose(one[..., middle], batch[..., middle], rtol=1e-6)
    assert not np.allclose(one, batch)
    assert np.isfinite(whole.score_RC).any()


def test_wide_intervals_stay_in_the_range_of_the_data() -> None:
    counts = np.random.default_rng(0).poisson(0.3, size=200).astype(float)
    live = gc.Forecaster(2, preset="instant").fit(counts).live(adaptive=True)
    assert live.forecast().values.min() >= 0
    live.observe({"y": np.full(30, 40.0)})
    live.observe({"y": np.zeros(3)})
    assert live._widths.factor_NCQ.max() > 2
    assert live.forecast().values.min() >= 0


def test_a_state_without_adaptive_intervals_is_not_gone_on_with_by_chance(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gc.Forecaster(2, preset="instant").fit(noise(0, 60)).save(tmp_path / "m.gatecast")
    (tmp_path / "rows.jsonl").write_text("".join(f'{{"y": {y}}}\n' for y in noise(1, 60)))
    command = ["watch", str(tmp_path / "m.gatecast"), str(tmp_path / "rows.jsonl"), "--state"]
    assert main([*command, str(tmp_path / "plain.live")]) == 0
    assert main([*command, str(tmp_path / "wide.live"), "--adaptive"]) == 0
    assert gc.load_live(tmp_path / "wide.live").adaptive
    assert main([*command, str(tmp_path / "plain.live"), "--adaptive"]) == 2
    assert "are not adaptive" in capsys.readouterr().err
