"""The weights of a blend: what is best on the folds, how far that counts, and what each series says itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatecast.ensemble.weights import (
    _picked,
    common_weights,
    mean_error,
    series_weights,
    sharpness,
)
from gatecast.planning.defaults import DEFAULTS

SEEDS = st.integers(0, 10**6)
USUAL = DEFAULTS.weights


def errors_of(seed: int, candidates: int, windows: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    size_K = np.exp(rng.normal(size=candidates))
    error_KBHC = size_K[:, None, None, None] * (rng.normal(size=(candidates, windows, 3, 1)) + rng.normal())
    unknown_BHC = rng.random((windows, 3, 1)) < 0.2
    unknown_BHC[:, 0] = False  # each window knows one truth at least
    error_KBHC[:, unknown_BHC] = np.nan
    return error_KBHC, rng.random(windows) + 0.1


def plain_error(error_BHC: np.ndarray, weight_B: np.ndarray) -> float:
    """Weighted mean over the windows of the mean over their known truths, step by step."""
    return float(sum(w * np.abs(e[np.isfinite(e)]).mean() for e, w in zip(error_BHC, weight_B, strict=True)))


@settings(max_examples=80, deadline=None)
@given(SEEDS, st.integers(2, 9), st.integers(1, 6), st.floats(0, 0.99))
def test_shares_are_those_of_a_mean(seed: int, candidates: int, windows: int, measured: float) -> None:
    weight_K = common_weights(*errors_of(seed, candidates, windows), measured)
    assert weight_K.shape == (candidates,)
    assert (weight_K >= 0).all()
    assert weight_K.sum() == pytest.approx(1)
    kept_K = weight_K[:-1][weight_K[:-1] > 0]
    assert len(kept_K), "one candidate at least is trained"
    assert (kept_K >= USUAL.least * kept_K.max() * (1 - 1e-9)).all()


def test_full_belief_follows_the_evidence() -> None:
    weight_B = np.full(5, 0.2)
    error_KBHC = np.stack([np.full((5, 3, 1), size) for size in (1.0, -1.0, 5.0, 3.0)])
    assert common_weights(error_KBHC, weight_B, 1.0) == pytest.approx([0.5, 0.5, 0, 0])
    best = np.stack([np.full((5, 3, 1), size) for size in (2.0, 0.5, 3.0)])
    assert common_weights(best, weight_B, 1.0) == pytest.approx([0, 1, 0])


def test_without_evidence_the_untrained_expert_gets_most_and_the_others_share_the_rest() -> None:
    weight_B = np.full(5, 0.2)
    left = (1 - USUAL.untrained) / 2
    for size in (0.5, 1, 3):  # what it erred on a fold that says nothing plays no part
        error_KBHC = np.ones((3, 5, 3, 1)) * np.array([1, 1, size])[:, None, None, None]
        assert common_weights(error_KBHC, weight_B, 0.0) == pytest.approx([left, left, USUAL.untrained])


def test_without_belief_those_that_are_nearly_the_best_share() -> None:
    weight_B = np.full(5, 0.2)
    size_K = np.array([1, USUAL.nearly * 1.01, USUAL.nearly * 0.99, 1])
    weight_K = common_weights(np.ones((4, 5, 3, 1)) * size_K[:, None, None, None], weight_B, 0.0)
    assert weight_K[1] == 0
    assert weight_K[0] == weight_K[2] > 0


def test_what_gets_little_is_dropped() -> None:
    error_KBHC = np.stack([np.full((5, 3, 1), size) for size in (1.0, 1.05, 2.0)])
    # the second gets (1 - measured) / 2 of the candidates' share and nothing from the picks
    assert common_weights(error_KBHC, np.full(5, 0.2), 0.95)[1] == 0
    assert common_weights(error_KBHC, np.full(5, 0.2), 0.2)[1] > 0


@settings(max_examples=80, deadline=None)
@given(SEEDS, st.integers(1, 6), st.integers(1, 6))
def test_no_pick_makes_the_mean_worse(seed: int, candidates: int, windows: int) -> None:
    error_KBHC, weight_B = errors_of(seed, candidates, windows)
    picks = _picked(error_KBHC, weight_B, USUAL)
    alone_K = [mean_error(error_BHC, weight_B) for error_BHC in error_KBHC]
    errors = [mean_error(error_KBHC[picks[: n + 1]].mean(axis=0), weight_B) for n in range(len(picks))]
    assert 1 <= len(picks) <= USUAL.picks
    assert errors[0] == pytest.approx(min(alone_K))
    assert (np.diff(errors) < 0).all()


def test_where_nothing_is_wrong_the_shares_are_those_of_a_mean_too() -> None:
    weight_K = common_weights(np.zeros((3, 5, 3, 1)), np.full(5, 0.2), 0.5)
    assert (weight_K >= 0).all()
    assert weight_K.sum() == pytest.approx(1)


@settings(max_examples=80, deadline=None)
@given(SEEDS, st.integers(1, 6), st.integers(1, 12))
def test_the_mean_error_is_that_of_a_plain_loop(seed: int, candidates: int, windows: int) -> None:
    error_KBHC, weight_B = errors_of(seed, candidates, windows)
    for error_BHC in error_KBHC:
        assert mean_error(error_BHC, weight_B) == pytest.approx(plain_error(error_BHC, weight_B))


# ---------------------------------------------------------------- of each series


def plain_own(
    error_KBHC: np.ndarray, series_B: np.ndarray, weight_K: np.ndarray, sharpness_N: np.ndarray
) -> list[list[float]]:
    """The same, one series, target and candidate after the other."""
    rows = []
    for n, sharp in enumerate(sharpness_N):
        relative = np.zeros(len(weight_K))
        for c in range(error_KBHC.shape[-1]):
            size = np.array([np.abs(e[series_B == n, :, c]) for e in error_KBHC]).reshape(len(weight_K), -1)
            known = np.isfinite(size[0])
            mean = size[:, known].mean(axis=1) if known.any() else np.ones(len(weight_K))
            relative += mean / (mean[weight_K > 0].mean() or 1.0)
        best = relative[weight_K > 0].min()
        row = weight_K * np.exp(-sharp * np.minimum(relative / best - 1, 1e3))
        rows.append(list(row / row.sum()))
    return rows


@settings(max_examples=80, deadline=None)
@given(SEEDS, st.integers(2, 5), st.integers(1, 12), st.integers(1, 3))
@example(1950, 5, 2, 1)  # a candidate a thousand times worse than the best: its weight is bounded below
def test_own_weights_are_those_of_a_plain_loop(seed: int, candidates: int, windows: int, targets: int) -> None:
    rng = np.random.default_rng(seed)
    error_KBHC = np.concatenate([errors_of(seed + c, candidates, windows)[0] for c in range(targets)], axis=-1)
    series_B, weight_K = rng.integers(0, 4, windows), rng.random(candidates) * (rng.random(candidates) < 0.7)
    weight_K[0] += 0.1
    sharpness_N = rng.random(4) * 6
    got = series_weights(error_KBHC, series_B, weight_K / weight_K.sum(), sharpness_N)
    np.testing.assert_allclose(got, plain_own(error_KBHC, series_B, weight_K / weight_K.sum(), sharpness_N))
    assert (got[:, weight_K == 0] == 0).all(), "nothing is trained again for one series"


def test_a_series_that_was_never_wrong_or_never_seen_keeps_the_common_weights() -> None:
    weight_K = np.array([0.5, 0.3, 0.2])
    error_KBHC = np.zeros((3, 2, 4, 1))
    got = series_weights(error_KBHC, np.array([0, 0]), weight_K, np.full(2, USUAL.sharpness))
    np.testing.assert_allclose(got, [weight_K, weight_K])


def test_the_unit_of_a_series_does_not_matter() -> None:
    error_KBHC, _ = errors_of(1, 3, 6)
    series_B, weight_K = np.array([0, 0, 0, 1, 1, 1]), np.array([0.5, 0.3, 0.2])
    unit_B = np.where(series_B == 0, 1e6, 1e-3)[:, None, None]
    got = series_weights(error_KBHC, series_B, weight_K, np.full(2, 3.0))
    np.testing.assert_allclose(series_weights(error_KBHC * unit_B, series_B, weight_K, np.full(2, 3.0)), got)


def test_a_better_candidate_gains_with_the_spans_seen_and_in_one_span_nothing() -> None:
    weight_K, error_KBHC = np.array([0.5, 0.5]), np.ones((2, 3, 1, 1))
    error_KBHC[1] = 1.25
    got = series_weights(error_KBHC, np.arange(3), weight_K, sharpness(np.array([1.0, 3.0, 1e9])))
    assert got[0] == pytest.approx(weight_K)
    assert 0.5 < got[1, 0] < got[2, 0]
    assert got[2, 1] / got[2, 0] == pytest.approx(np.exp(-0.25 * USUAL.sharpness * 2 / 3))


# ---------------------------------------------------------------- numbers that switch a piece off


def test_the_cautious_weight_of_the_untrained_expert_may_be_another() -> None:
    given = (np.ones((3, 5, 3, 1)), np.full(5, 0.2), 0.0)
    assert common_weights(*given, weights=replace(USUAL, untrained=0.5))[-1] == pytest.approx(0.5)
    assert common_weights(*given, weights=replace(USUAL, untrained=0.0))[-1] == 0


def test_without_sharpness_all_series_have_the_common_weights() -> None:
    assert sharpness(np.array([3.0, 4.0])).all()
    assert not sharpness(np.array([3.0, 4.0]), replace(USUAL, sharpness=0.0)).any()
