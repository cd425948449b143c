"""Acceptance: forecasts of known worth get the verdict that they deserve, and intervals that are right look right."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gatecast.evaluation.metrics import crps, mase, msis, wql
from gatecast.evaluation.scales import mase_scale
from gatecast.evaluation.scores import Scores

Simulate = Callable[..., Scores]

SHAPES: dict[str, dict[str, int]] = {
    "one step": {"origins": 60},
    "year by year": {"origins": 24, "horizon": 12, "stride": 12},
    "overlapping": {"origins": 24, "horizon": 12},
    "panel": {"series": 20, "origins": 3, "horizon": 12, "stride": 12},
}
every_shape = pytest.mark.parametrize("shape", SHAPES)


def around(best: np.ndarray, last: np.ndarray) -> np.ndarray:
    """The best forecast and noise of a third of its error: what a good network learns."""
    return best + 0.3 * np.random.default_rng(2).normal(size=best.shape)


def copied(best: np.ndarray, last: np.ndarray) -> np.ndarray:
    return last + 0.05 * np.random.default_rng(1).normal(size=last.shape)


@every_shape
def test_of_pure_noise_nothing_beats_the_mean(simulate: Simulate, shape: str) -> None:
    for seed in range(10):
        verdict = simulate("noise", seed, change=around, **SHAPES[shape]).verdict
        assert verdict.startswith(("NOT better than mean", "NOT clearly better than mean"))
        assert "Lag copy" not in verdict


@every_shape
def test_of_a_random_walk_nothing_beats_the_last_value(simulate: Simulate, shape: str) -> None:
    openings = [simulate("random walk", seed, change=copied, **SHAPES[shape]).verdict for seed in range(20)]
    assert sum(verdict.startswith("Better") for verdict in openings) <= 1
    told = [verdict for verdict in openings if "Lag copy" in verdict and "looks like a random walk" in verdict]
    assert len(told) >= 17


@every_shape
def test_a_copy_of_the_last_value_is_not_better(simulate: Simulate, shape: str) -> None:
    for seed in range(10):
        verdict = simulate("season", seed, change=copied, **SHAPES[shape]).verdict
        assert verdict.startswith("NOT ")
        assert "Lag copy" in verdict
        assert "Try a scaling with differences" in verdict


@pytest.mark.parametrize("shape", ["one step", "year by year", "panel"])
def test_skill_is_called_skill(simulate: Simulate, shape: str) -> None:
    for seed in range(10):
        verdict = simulate("season", seed, change=around, **SHAPES[shape]).verdict
        assert verdict.startswith("Better than ")
        assert "NOT" not in verdict
        assert "Lag copy" not in verdict


def test_luck_is_not_called_skill(simulate: Simulate) -> None:
    """Two forecasts of the same worth: one is not better than the other, whatever the score says."""
    called = []
    for seed in range(60):
        scores = simulate("noise", seed, change=around, origins=30)
        other = around(scores.forecasts["mean"], scores.forecasts["mean"]) + 0.3 * np.random.default_rng(seed).normal(
            size=scores.truth_BHC.shape
        )
        pair = Scores(
            scores.truth_BHC,
            {"lstm": scores.forecasts["lstm"], "mean": other},
            mase_scale_BC=scores.mase_scale_BC,
            origins=30,
        )
        called.append(pair.verdict.startswith("Better"))
    assert np.mean(called) < 0.15


@every_shape
def test_true_quantiles_cover_what_they_say(simulate: Simulate, shape: str) -> None:
    tables = [simulate("season", seed, **SHAPES[shape]).table["lstm"] for seed in range(20)]
    for level in (80, 95):
        coverage = np.mean([table[f"coverage_{level}"] for table in tables])
        assert coverage == pytest.approx(level / 100, abs=0.03)
    widths = [(table["width_80"], table["width_95"]) for table in tables]
    np.testing.assert_allclose(widths, [[2 * 1.281552, 2 * 1.959964]] * 20, rtol=1e-6)


def test_true_quantiles_have_the_least_msis_and_wql(simulate: Simulate) -> None:
    right, narrow, wide = (simulate("season", spread=s, series=30, origins=20).table["lstm"] for s in (1.0, 0.6, 1.7))
    for metric in ("msis_80", "msis_95", "wql", "pinball"):
        assert right[metric] < min(narrow[metric], wide[metric])


# ---------------------------------------------------------------- formulas of other libraries, written out


@pytest.fixture
def case() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(8)
    truth = rng.normal(10, 3, (4, 6))
    return {
        "truth": truth,
        "history": rng.normal(10, 3, (4, 40)),
        "quantiles": np.sort(rng.normal(10, 3, (4, 6, 5)), axis=-1),
        "paths": rng.normal(10, 3, (4, 6, 50)),
    }


LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)


def test_msis_as_gluonts_defines_it(case: dict[str, np.ndarray]) -> None:
    """mean(U - L + 2/a (L - Y)[Y < L] + 2/a (Y - U)[Y > U]) / seasonal error, per series."""
    low, high, alpha, m = case["quantiles"][..., 0], case["quantiles"][..., 4], 0.05, 4
    per_series = []
    for n in range(4):
        seasonal_error = np.mean(np.abs(case["history"][n, m:] - case["history"][n, :-m]))
        numerator = np.mean(
            high[n]
            - low[n]
            + 2.0 / alpha * (low[n] - case["truth"][n]) * (case["truth"][n] < low[n])
            + 2.0 / alpha * (case["truth"][n] - high[n]) * (case["truth"][n] > high[n])
        )
        per_series.append(numerator / seasonal_error)
    scale = mase_scale(case["history"].reshape(-1, 1), np.arange(4) * 40, [40] * 4, m)[:, 0]
    np.testing.assert_allclose(msis.per_series(case["truth"], low, high, 0.95, scale), per_series)
    scores = Scores(
        case["truth"][..., None],
        {"lstm": case["quantiles"][..., 2, None]},
        mase_scale_BC=scale[:, None],
        quantiles=LEVELS,
        quantile_forecasts={"lstm": case["quantiles"][:, :, None]},
    )
    assert scores.table["lstm"]["msis_95"] == pytest.approx(np.mean(per_series))
    held = (low <= case["truth"]) & (case["truth"] <= high)
    assert scores.table["lstm"]["coverage_95"] == held.mean()
    assert scores.table["lstm"]["acd_95"] == abs(held.mean() - 0.95)


def test_wql_as_gluonts_and_autogluon_define_it(case: dict[str, np.ndarray]) -> None:
    """The mean over levels of 2 sum |(y - f)([y <= f] - q)| / sum |y|."""
    losses = []
    for q, level in enumerate(LEVELS):
        f = case["quantiles"][..., q]
        loss = 2 * np.abs((case["truth"] - f) * ((case["truth"] <= f) - level)).sum()
        losses.append(loss / np.abs(case["truth"]).sum())
    assert wql(case["truth"], case["quantiles"], LEVELS) == pytest.approx(np.mean(losses))


def test_scaled_crps_as_utilsforecast_approximates_it(case: dict[str, np.ndarray]) -> None:
    """CRPS is twice the pinball loss, averaged over all levels: many levels of the paths come near to it."""
    levels = (np.arange(1000) + 0.5) / 1000
    total = 0.0
    for level in levels:
        f = np.quantile(case["paths"], level, axis=-1, method="inverted_cdf")
        error = case["truth"] - f
        total += 2 * np.maximum(level * error, (level - 1) * error).mean()
    assert crps(case["truth"], case["paths"]) == pytest.approx(total / 1000, rel=1e-3)


def test_mase_of_a_mean_forecast_on_noise_is_known(simulate: Simulate) -> None:
    """E|e| over E|e - e'| is 1 / sqrt(2)."""
    scores = simulate("noise", series=50, origins=50)
    value = mase(scores.truth_BHC[..., 0], scores.forecasts["lstm"][..., 0], np.full(2500, 2 / np.sqrt(np.pi)))
    assert value == pytest.approx(1 / np.sqrt(2), abs=0.03)
