"""The pretrained gate among the experts of a blend: panels in, quantiles at any levels out."""

from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.ensemble.expert import Expert
from gatecast.ensemble.trained import TrainedCandidate
from gatecast.nn.kernels import load
from gatecast.pretrained import expert as module
from gatecast.pretrained.bank import EXPERTS, Seasons, history_for
from gatecast.pretrained.expert import PretrainedExpert, at_levels, gate_beside, leading
from gatecast.pretrained.gate import LEVELS, MIDDLE, Gate
from gatecast.pretrained.zero_shot import forecasts

from .gates import shaken

needs_kernels = pytest.mark.skipif(load() is None, reason="the kernels are not built")

Floats = npt.NDArray[np.float64]
PanelOf = Callable[..., Panel]
HORIZON = 4
SERIES, ORIGINS = np.array([0, 1, 1]), np.array([29, 35, 49])


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """What every name of weights stands for."""
    made = shaken(2, 0.1)
    monkeypatch.setattr(module, "gate_named", lambda name: made)
    return made


def two_targets(panel_of: PanelOf, dtype: type = np.float64) -> Panel:
    """Series of 30 and 25 steps, two targets and a past covariate."""
    random = np.random.default_rng(3)
    tables = [np.column_stack([random.standard_normal((n, 2)).cumsum(0), np.arange(n)]) for n in (30, 25)]
    return panel_of(tables, Schema(("y", "z"), past=(Column("p"),)), dtype=dtype)


def asked(expert: PretrainedExpert, panel: Panel) -> Floats:
    return expert.forecast(panel, SERIES, ORIGINS, panel.length).astype(np.float64)


def made(quantiles: tuple[float, ...] = LEVELS, periods: tuple[int, ...] = (4,)) -> PretrainedExpert:
    return PretrainedExpert(HORIZON, periods, quantiles)


# ---------------------------------------------------------------- forecasts of panels


@needs_kernels
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_forecast_for_each_origin_step_target_and_level(panel_of: PanelOf, gate: Gate, dtype: type) -> None:
    panel = two_targets(panel_of, dtype)
    values_BHCQ = made((0.1, 0.5, 0.7)).forecast(panel, SERIES, ORIGINS, panel.length)
    assert values_BHCQ.shape == (3, HORIZON, 2, 3)
    assert values_BHCQ.dtype == dtype
    assert np.isfinite(values_BHCQ).all()
    assert (np.diff(values_BHCQ, axis=-1) >= 0).all()


@needs_kernels
def test_each_target_is_forecast_from_its_values_up_to_the_origin(panel_of: PanelOf, gate: Gate) -> None:
    panel = two_targets(panel_of)
    values_BHCQ = asked(made(), panel)
    for b, (n, origin) in enumerate(zip(SERIES, ORIGINS, strict=True)):
        for c in range(2):
            x = panel.target_RC[panel.first[n] : origin + 1, c]
            alone, _ = forecasts(gate, x, np.array([0]), np.array([len(x)]), HORIZON, Seasons(4))
            assert values_BHCQ[b, :, c].tobytes() == alone[0].tobytes()


@needs_kernels
def test_nothing_after_an_origin_is_read(panel_of: PanelOf, gate: Gate) -> None:
    panel = two_targets(panel_of)
    before = asked(made(), panel)[1]
    panel.values_RV[ORIGINS[1] + 1 :] = 1e6
    panel.values_RV[: panel.first[1]] = -1e6
    assert asked(made(), panel)[1].tobytes() == before.tobytes()
    panel.values_RV[ORIGINS[1], 0] += 1
    assert asked(made(), panel)[1].tobytes() != before.tobytes()


@needs_kernels
def test_a_target_without_values_has_no_forecast(panel_of: PanelOf, gate: Gate) -> None:
    panel = two_targets(panel_of)
    panel.values_RV[panel.rows(1), 1] = np.nan
    missing_BHCQ = np.isnan(asked(made(), panel))
    assert missing_BHCQ[1:, :, 1].all()
    assert not missing_BHCQ[0].any()
    assert not missing_BHCQ[:, :, 0].any()


@needs_kernels
@pytest.mark.parametrize("levels", [LEVELS, (0.5,), (0.05, 0.5, 0.99)])
def test_the_median_is_the_quantile_in_the_middle(panel_of: PanelOf, gate: Gate, levels: tuple[float, ...]) -> None:
    panel, expert = two_targets(panel_of), made(levels)
    median_BHC = expert.median(panel, SERIES, ORIGINS)
    assert median_BHC.dtype == np.float64
    np.testing.assert_allclose(median_BHC, asked(expert, panel)[..., levels.index(0.5)], rtol=1e-12)


@needs_kernels
def test_paths_have_the_quantiles(panel_of: PanelOf, gate: Gate) -> None:
    panel, expert = two_targets(panel_of), made((0.1, 0.5, 0.9))
    values_BHCQ = asked(expert, panel)
    noise_BSHC = np.random.default_rng(0).standard_normal((3, 4000, HORIZON, 2))
    noise_BSHC[:, :3] = np.array([NormalDist().inv_cdf(level) for level in expert.quantiles])[:, None, None]
    paths_BSHC = expert.paths(panel, SERIES, ORIGINS, panel.length, noise_BSHC, np.eye(HORIZON))
    np.testing.assert_allclose(np.moveaxis(paths_BSHC[:, :3], 1, 3), values_BHCQ, atol=1e-6)
    below_QBHC = (paths_BSHC[None] < np.moveaxis(values_BHCQ, 3, 0)[:, :, None]).mean(axis=2)
    for level, below_BHC in zip(expert.quantiles, below_QBHC, strict=True):
        np.testing.assert_allclose(below_BHC, level, atol=0.03)


@needs_kernels
def test_steps_of_a_path_go_together_as_asked(panel_of: PanelOf, gate: Gate) -> None:
    panel, expert = two_targets(panel_of), made()
    noise_BSHC = np.random.default_rng(0).standard_normal((3, 50, HORIZON, 2))
    rank_BSHC = expert.paths(panel, SERIES, ORIGINS, panel.length, noise_BSHC, np.ones((4, 4))).argsort(axis=1)
    assert (rank_BSHC == rank_BSHC[:, :, :1]).all()


@needs_kernels
def test_shares_of_the_simple_forecasts(panel_of: PanelOf, gate: Gate) -> None:
    share_BHCK = made().shares(two_targets(panel_of), SERIES, ORIGINS)
    assert share_BHCK.shape == (3, HORIZON, 2, len(EXPERTS))
    np.testing.assert_allclose(share_BHCK.sum(-1), 1, atol=1e-5)
    assert leading(share_BHCK[0, 0, 0])


# ---------------------------------------------------------------- what it is


@pytest.mark.parametrize(
    ("periods", "seasons"),
    [((), Seasons()), ((7,), Seasons(7)), ((168, 24), Seasons(24, 168)), ((52, 400), Seasons(52, 400))],
)
def test_it_needs_the_history_that_a_forecast_reads(periods: tuple[int, ...], seasons: Seasons) -> None:
    expert = made(periods=periods)
    as_expert: Expert = expert
    assert not as_expert.median_only
    assert as_expert.describe()
    assert expert.seasons == seasons
    assert as_expert.season == seasons.short
    assert as_expert.history_needed == history_for(seasons)


def test_the_one_beside_a_candidate_has_its_horizon_and_levels() -> None:
    framing, calibration = SimpleNamespace(horizon=9), SimpleNamespace(quantiles=(0.2, 0.5))
    trained: Any = SimpleNamespace(plan=SimpleNamespace(framing=framing), calibration=calibration)
    expert = gate_beside((12,), cast(TrainedCandidate, trained), "gate-0")
    assert expert == PretrainedExpert(9, (12,), (0.2, 0.5), "gate-0")


def test_leading_names_the_heaviest_and_leaves_out_what_is_next_to_nothing() -> None:
    share_K = np.zeros(len(EXPERTS))
    share_K[[0, 3, 5, 9]] = 0.2, 0.5, 0.2, 0.1
    assert leading(share_K) == f"0.50 {EXPERTS[3]}, 0.20 {EXPERTS[0]}, 0.20 {EXPERTS[5]}"
    assert leading(share_K, most=1) == f"0.50 {EXPERTS[3]}"
    assert leading(np.full(len(EXPERTS), 0.004)) == ""


# ---------------------------------------------------------------- levels


def rising(seed: int) -> Floats:
    """(B, H, Q) quantiles at ``LEVELS``."""
    return np.sort(np.random.default_rng(seed).standard_normal((2, 3, len(LEVELS))), axis=-1)


@given(seed=st.integers(0, 1000), levels=st.lists(st.floats(1e-6, 1 - 1e-6), min_size=1, max_size=20, unique=True))
def test_quantiles_at_any_levels_rise(seed: int, levels: list[float]) -> None:
    values_BHQ = rising(seed)
    at_BHW = at_levels(values_BHQ, tuple(sorted(levels)))
    assert at_BHW.shape == (2, 3, len(levels))
    assert (np.diff(at_BHW, axis=-1) >= -1e-12).all()
    inside = [LEVELS[0] <= level <= LEVELS[-1] for level in sorted(levels)]
    assert (at_BHW[..., inside] >= values_BHQ[..., :1] - 1e-12).all()
    assert (at_BHW[..., inside] <= values_BHQ[..., -1:] + 1e-12).all()


def test_quantiles_at_the_levels_of_the_gate_are_its_own() -> None:
    values_BHQ = rising(0)
    assert at_levels(values_BHQ, LEVELS).tobytes() == values_BHQ.tobytes()
    for q, level in enumerate(LEVELS):
        np.testing.assert_allclose(at_levels(values_BHQ, (level,))[..., 0], values_BHQ[..., q], atol=1e-12)
    assert at_levels(values_BHQ, (0.1, 0.5))[..., 1].tobytes() == values_BHQ[..., MIDDLE].tobytes()


def test_quantiles_of_a_normal_distribution_are_its_own_at_any_level() -> None:
    levels = (0.001, 0.01, 0.05, 0.33, 0.5, 0.77, 0.95, 0.999)
    of_W, of_Q = (np.array([NormalDist(3, 2).inv_cdf(level) for level in some]) for some in (levels, LEVELS))
    np.testing.assert_allclose(at_levels(of_Q[None, None], levels)[0, 0], of_W, atol=1e-9)
