"""What covariates contribute: much for what the forecasts follow, nothing at all for what they never read."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import gatecast as gc
from gatecast.backtesting.assess import evaluate
from gatecast.backtesting.importance import MEANING, Importance, covariate_importance
from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema

H, T = 3, 60
TINY: dict[str, Any] = {
    "lookback": 6, "scaling": "difference+standard", "network": {"hidden_size": 2, "skip": 1}, "members": 1,
    "training": {"max_epochs": 1, "steps_per_epoch": 2}, "progress": False,
}  # fmt: skip


class Reader:
    """A forecaster that gives back one column of the horizon, or of the last step known, or of the static ones."""

    def __init__(self, column: int, of: str = "future") -> None:
        self.column, self.of, self.horizon = column, of, H
        self.fitted_ = SimpleNamespace(blend=SimpleNamespace(untrained=False), levels=(0.5,))

    def forecast_from(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
        if self.of == "static":
            value_BH = np.repeat(panel.static_NS[series_B, self.column][:, None], H, axis=1)
        else:
            ahead = np.arange(1, H + 1) if self.of == "future" else np.zeros(H, np.int64)
            value_BH = panel.values_RV[origin_B[:, None] + ahead, self.column]
        return np.asarray(value_BH[:, :, None, None])


@pytest.fixture
def panel(panel_of: Callable[..., Panel]) -> Panel:
    """Two series of target, a past covariate, two future ones of which one has categories, and a static one."""
    random = np.random.default_rng(3)
    schema = Schema(
        ("y",), past=(Column("p"),), future=(Column("f"), Column("g", ("a", "b"))), static=(Column("s"),)
    )  # fmt: skip
    arrays = []
    for n in range(2):
        p, f = random.normal(size=(2, T))
        g = random.integers(0, 2, T)
        y = f + 0.1 * random.normal(size=T) + 10 * n
        arrays.append(np.column_stack([y, p, f, g == 0, g == 1]))
    return panel_of(arrays, schema, static=np.array([[0.0], [10.0]], np.float32))


def held(panel: Panel) -> Any:
    """An evaluation with two origins in each series."""
    series_B = np.array([0, 0, 1, 1])
    origin_B = panel.first[series_B] + np.array([40, T - H - 1] * 2)
    return SimpleNamespace(
        panel=panel, series_B=series_B, origin_B=origin_B, scores=SimpleNamespace(mase_scale_BC=np.ones((4, 1)))
    )


def growth_of(model: Any, panel: Panel, **changes: Any) -> dict[str, np.ndarray]:
    found = covariate_importance(model, panel, held(panel), **changes)
    assert found is not None
    assert [one.mean for one in found.contributions] == sorted((one.mean for one in found.contributions), reverse=True)
    return {one.covariate: one.growth_R for one in found.contributions}


@pytest.mark.parametrize(
    ("column", "of", "name"), [(1, "past", "p"), (2, "future", "f"), (4, "future", "g"), (0, "static", "s")]
)
def test_only_what_is_read_contributes(panel: Panel, column: int, of: str, name: str) -> None:
    growth = growth_of(Reader(column, of), panel)
    assert set(growth) == {"p", "f", "g", "s"}
    assert all((growth[other] == 0).all() for other in set(growth) - {name})
    assert (growth[name] != 0).any()
    if name in "fs":
        assert growth[name].mean() > 0.05


def test_windows_lie_between_the_origins_and_nothing_is_changed(panel: Panel) -> None:
    before = panel.values_RV.copy(), panel.static_NS.copy()
    found = covariate_importance(Reader(2), panel, held(panel), repeats=3)  # type: ignore[arg-type]
    assert found is not None
    assert (found.windows, found.repeats) == (2 * (T - H - 40), 3)
    assert all(len(one.growth_R) == 3 for one in found.contributions)
    np.testing.assert_array_equal(before[0], panel.values_RV)
    np.testing.assert_array_equal(before[1], panel.static_NS)


def test_a_seed_gives_the_same_figures(panel: Panel) -> None:
    first, again, other = (growth_of(Reader(2), panel, seed=seed)["f"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_growth_is_that_of_the_error(panel: Panel) -> None:
    """A naive oracle: one series moved by hand."""
    alone = panel.select([0])
    evaluation = held(panel)
    evaluation.panel, evaluation.series_B, evaluation.origin_B = alone, np.zeros(1, np.int64), np.array([50])
    evaluation.scores.mase_scale_BC = np.ones((1, 1))
    found = covariate_importance(Reader(2), alone, evaluation, repeats=1, seed=7)  # type: ignore[arg-type]
    assert found is not None
    (growth,) = (one.growth_R[0] for one in found.contributions if one.covariate == "f")
    y, f = (alone.values_RV[51 : 51 + H, k].astype(float) for k in (0, 2))
    steps = int(np.random.default_rng((7, 1)).integers(1, T))
    moved = np.roll(alone.values_RV[:T, 2], steps)[51 : 51 + H].astype(float)
    assert growth == pytest.approx(np.abs(y - moved).mean() / np.abs(y - f).mean() - 1, rel=1e-5)


def test_the_model_has_not_seen_the_windows(panel: Panel) -> None:
    made = gc.forecast(panel.slice(0, T - H), H, explain=True, future=panel.future, **TINY)
    assert isinstance(made.importance, gc.Importance)
    model = gc.Forecaster(H, **TINY)
    evaluation = evaluate(model, panel.slice(0, T - H), origins=made.scores.origins if made.scores else 0)
    alone = covariate_importance(model, panel.slice(0, T - H), evaluation)
    assert alone is not None
    assert str(alone) == str(made.importance)
    assert made.to_dict()["importance"]["covariates"][0]["covariate"] == alone.contributions[0].covariate


def test_words_say_what_it_does_not_mean(panel: Panel) -> None:
    found = covariate_importance(Reader(2), panel, held(panel))  # type: ignore[arg-type]
    assert isinstance(found, Importance)
    assert " ".join(str(found).split()).endswith(MEANING)
    assert max(map(len, str(found).splitlines())) <= 80


def test_without_covariates_there_is_nothing_to_say(panel_of: Callable[..., Panel]) -> None:
    plain = panel_of([np.arange(40.0)])
    assert gc.forecast(plain, H, explain=True, preset="instant").importance is None
    assert "importance" not in gc.forecast(plain, H, preset="instant").to_dict()
