"""The tests of significance against formulas written out, published numbers and simulated luck."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.evaluation.scores import Scores
from gatecast.evaluation.significance import block_bootstrap, compare, diebold_mariano, overlap_of, window_errors
from gatecast.evaluation.student import t_quantile, two_sided_p

# (t, degrees of freedom): two-sided probability, from any printed table of the t distribution
TABLE = {
    (12.706, 1): 0.05,
    (4.303, 2): 0.05,
    (2.228, 10): 0.05,
    (3.169, 10): 0.01,
    (2.042, 30): 0.05,
    (1.725, 20): 0.10,
    (1.980, 120): 0.05,
}


@pytest.mark.parametrize(("t", "dof"), list(TABLE))
def test_student_t_as_printed(t: float, dof: int) -> None:
    assert two_sided_p(t, dof) == pytest.approx(TABLE[t, dof], abs=1e-4)
    assert two_sided_p(-t, dof) == two_sided_p(t, dof)
    assert t_quantile(1 - TABLE[t, dof] / 2, dof) == pytest.approx(t, abs=6e-4)


def test_student_t_at_its_ends() -> None:
    assert two_sided_p(0.0, 3) == 1
    assert two_sided_p(math.inf, 3) == 0
    assert math.isnan(two_sided_p(math.nan, 3))
    assert math.isnan(two_sided_p(1.0, 0))
    assert two_sided_p(1.0, 1) == pytest.approx(0.5)  # Cauchy


def test_student_t_equals_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    for dof in (0.5, 1, 2, 3.7, 10, 101, 1e4):
        for t in (1e-8, 1e-3, 0.3, 1, 2.5, 8, 60, 1e4):
            assert two_sided_p(t, dof) == pytest.approx(2 * stats.t.sf(t, dof), rel=1e-8, abs=1e-300)


# ---------------------------------------------------------------- Diebold-Mariano


def written_out(d: list[float], h: int) -> float:
    """The statistic as the papers define it, one sum at a time, with Bartlett weights for a negative variance."""
    n = len(d)
    mean = sum(d) / n

    def gamma(k: int) -> float:
        return sum((d[t] - mean) * (d[t - k] - mean) for t in range(k, n)) / n

    variance = (gamma(0) + 2 * sum(gamma(k) for k in range(1, h))) / n
    if variance <= 0:
        variance = (gamma(0) + 2 * sum((1 - k / h) * gamma(k) for k in range(1, h))) / n
    factor = math.sqrt((n + 1 - 2 * h + h / n * (h - 1)) / n)
    return factor * mean / math.sqrt(variance)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(4, 30), st.integers(0, 8))
def test_the_statistic_equals_the_formula(seed: int, count: int, overlap: int) -> None:
    d = np.random.default_rng(seed).normal(0.3, 1, count + overlap)
    assert diebold_mariano(d, overlap).statistic == pytest.approx(written_out(d.tolist(), overlap + 1), rel=1e-9)


def test_a_published_value() -> None:
    """The example of the package ``dieboldmariano`` on PyPI: squared errors, one step ahead, one-sided."""
    truth = np.array([10.0, 20, 30, 40, 50])
    first, second = np.array([11.0, 21, 29, 42, 53]), np.array([13.0, 26, 24, 40, 59])
    found = diebold_mariano((truth - first) ** 2 - (truth - second) ** 2)
    assert found.statistic == pytest.approx(-2.2229922805746782, rel=1e-12)
    assert found.p_better == pytest.approx(0.04515565862099125, rel=1e-9)
    assert (found.groups, found.better) == (5, 4)


def test_without_overlap_it_is_the_paired_t_test() -> None:
    stats = pytest.importorskip("scipy.stats")
    d = np.random.default_rng(3).normal(-0.2, 1, 17)
    expected = stats.ttest_1samp(d, 0.0)
    found = diebold_mariano(d)
    assert (found.statistic, found.p_value) == pytest.approx((expected.statistic, expected.pvalue))
    interval = expected.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_a_negative_variance_falls_back_to_bartlett() -> None:
    d = [1.0, -0.9, 1.1, -1.0, 0.9, -0.8, 1.0, -1.1, 1.2]
    mean = np.mean(d)
    gamma = [sum((d[t] - mean) * (d[t - k] - mean) for t in range(k, 9)) for k in range(2)]
    assert gamma[0] + 2 * gamma[1] < 0
    found = diebold_mariano(d, 1)
    assert found.statistic == pytest.approx(written_out(d, 2))
    assert 0 < found.p_value < 1


def test_the_cautious_test_takes_the_larger_variance() -> None:
    smooth = overlapping(np.random.default_rng(1), 40, 3)
    assert diebold_mariano(smooth, 3, cautious=True).statistic == diebold_mariano(smooth, 3).statistic
    rough = np.random.default_rng(0).normal(size=40)
    assert diebold_mariano(rough, 3, cautious=True).p_value >= diebold_mariano(rough, 3).p_value


def test_what_is_the_same_everywhere() -> None:
    assert diebold_mariano([0.0] * 6).p_value == 1
    assert diebold_mariano([-0.1] * 6).p_value == 0
    assert diebold_mariano([-0.1] * 6, 2, cautious=True).significant
    assert diebold_mariano([0.1] * 6).p_better == 1


def test_nothing_can_be_said_where_all_windows_overlap() -> None:
    for found in (diebold_mariano([1.0, 2, 3], 2), diebold_mariano([]), diebold_mariano([1.0]), block_bootstrap([1.0])):
        assert math.isnan(found.p_value)
        assert not found.significant
    assert math.isnan(block_bootstrap([1.0, 2, 3], 3).p_value)


def overlapping(rng: np.random.Generator, count: int, overlap: int) -> np.ndarray:
    """Differences without skill, of windows that overlap."""
    noise = rng.normal(size=count + overlap)
    return np.convolve(noise, np.ones(overlap + 1), mode="valid")


@pytest.mark.parametrize(("count", "overlap"), [(24, 0), (24, 5), (24, 11), (60, 11), (8, 3)])
def test_luck_is_seldom_taken_for_skill(count: int, overlap: int) -> None:
    rng = np.random.default_rng(count)
    found = [diebold_mariano(overlapping(rng, count, overlap), overlap, cautious=True) for _ in range(400)]
    share = np.mean([outcome.significant for outcome in found])
    assert share < 0.1  # 5 % is nominal; the standard error of the share is 1 %
    if overlap == 0:
        held = np.mean([outcome.low <= 0 <= outcome.high for outcome in found])
        assert held == pytest.approx(1 - share)


def test_skill_is_found() -> None:
    rng = np.random.default_rng(0)
    found = [diebold_mariano(overlapping(rng, 60, 2) - 3.0, 2, cautious=True).significant for _ in range(50)]
    assert np.mean(found) > 0.9


# ---------------------------------------------------------------- bootstrap


def test_the_bootstrap_of_single_differences_agrees_with_the_t_test() -> None:
    for shift in (0.0, 0.3, 0.6):
        d = np.random.default_rng(1).normal(shift, 1, 40)
        assert block_bootstrap(d).p_value == pytest.approx(diebold_mariano(d).p_value, abs=0.03)
        assert block_bootstrap(d).low == pytest.approx(diebold_mariano(d).low, abs=0.1)


def test_blocks_are_runs_of_neighbours_that_wrap_around() -> None:
    found = block_bootstrap([100.0, 1.0, 10.0], 2)
    assert found.low == pytest.approx(5.5)  # 1 and 10; single draws would give 1
    assert found.high == pytest.approx(55)  # 10 and 100, joined end to start


def test_three_equal_signs_prove_nothing() -> None:
    assert block_bootstrap([-1.0, -1.1, -0.9]).p_value == 0.25
    assert block_bootstrap([-1.0, -1.1, -0.9, -1.2]).p_value == 0.125
    assert block_bootstrap(np.full(9, -1.0)).significant


def test_the_same_seed_gives_the_same_bits() -> None:
    d = np.random.default_rng(1).normal(size=12)
    assert block_bootstrap(d, 3).p_value == block_bootstrap(d, 3).p_value


# ---------------------------------------------------------------- panels


def made(difference_NO: np.ndarray, **settings: Any) -> Scores:
    """Scores of N series and O origins in which the model's error is 10 + the difference, the other's 10."""
    series, origins = difference_NO.shape
    truth = np.zeros((series * origins, settings.pop("horizon", 3), 1))
    lstm = truth + 10 + difference_NO.reshape(-1, 1, 1)
    defaults: dict[str, Any] = {"mase_scale_BC": np.ones((series * origins, 1)), "origins": origins, "series": series}
    return Scores(truth, {"lstm": lstm, "naive": truth + 10}, **{**defaults, **settings})


def test_of_two_tests_the_more_cautious_counts() -> None:
    rng = np.random.default_rng(2)
    by_series = rng.normal(0, 1, (8, 1)) - 0.5  # series disagree, origins do not
    found = compare(made(by_series + rng.normal(0, 0.01, (8, 30))), "naive")
    assert (found.unit, found.groups, found.method) == ("series", 8, "paired t test")
    assert found.p_value == pytest.approx(diebold_mariano(by_series.ravel()).p_value, rel=0.05)
    by_origin = rng.normal(0, 1, (1, 30)) - 0.3
    found = compare(made(by_origin + rng.normal(0, 0.01, (8, 30))), "naive")
    assert (found.unit, found.groups) == ("origins", 30)
    assert found.difference == pytest.approx(by_origin.mean(), abs=0.01)
    assert found.better == (by_origin < 0).sum()


def test_groups_follow_the_numbers_given() -> None:
    difference = np.random.default_rng(4).normal(-0.2, 1, (6, 7))
    plain = compare(made(difference), "naive")
    order = np.random.default_rng(5).permutation(42)
    series_B, origin_B = np.repeat(np.arange(6), 7)[order], np.tile(np.arange(7), 6)[order]
    mixed = made(difference.reshape(1, -1)[:, order].reshape(6, 7), series_B=series_B, origin_B=origin_B)
    assert compare(mixed, "naive").p_value == pytest.approx(plain.p_value)


def test_one_series_with_few_origins_is_never_significant() -> None:
    found = compare(made(np.array([[-1.0, -1.1, -0.9, -1.05]])), "naive")
    assert (found.method, found.groups, found.better) == ("block bootstrap", 4, 4)
    assert found.p_value == 0.125


def test_overlap_makes_a_difference_less_sure() -> None:
    d = overlapping(np.random.default_rng(6), 24, 2)[None] - 2.5
    apart, sharing = (compare(made(d, stride=stride), "naive").p_value for stride in (3, 1))
    assert apart < sharing
    assert overlap_of(12, 12) == overlap_of(12, 24) == 0
    assert overlap_of(3, 2) == 1


def test_windows_without_truth_are_left_out() -> None:
    difference = np.full((6, 7), -0.5) + np.random.default_rng(0).normal(0, 0.1, (6, 7))
    whole = made(difference)
    truth = whole.truth_BHC.copy()
    truth[:7] = math.nan  # the first series
    partly = Scores(truth, whole.forecasts, mase_scale_BC=whole.mase_scale_BC, origins=7, series=6)
    assert compare(partly, "naive").p_value == pytest.approx(compare(made(difference[1:]), "naive").p_value)


def test_a_test_without_an_answer_does_not_count() -> None:
    difference = np.random.default_rng(0).normal(-1, 0.1, (6, 5))
    found = compare(made(difference, horizon=6, stride=1), "naive")  # any two of the five origins share truths
    assert (found.unit, found.significant) == ("series", True)
    assert math.isnan(compare(made(difference[:1], horizon=6, stride=1), "naive").p_value)


def test_some_steps_alone() -> None:
    truth = np.zeros((2, 4, 2))
    truth[1, 3] = math.nan
    forecast = np.broadcast_to(np.arange(1.0, 5)[None, :, None], truth.shape) * [1.0, 10.0]
    scores = Scores(truth, {"lstm": forecast, "naive": forecast}, mase_scale_BC=np.array([[1.0, 10.0], [2.0, 10.0]]))
    assert window_errors(scores, "lstm", slice(2, None)).tolist() == [3.5, (1.5 + 3) / 2]
    np.testing.assert_allclose(window_errors(scores, "lstm", slice(0, 4)), scores.per_window["lstm"])
    plain = Scores(truth, {"lstm": forecast, "naive": forecast})
    assert window_errors(plain, "lstm", slice(0, 1)).tolist() == [5.5, 5.5]
    assert np.isnan(window_errors(scores, "lstm", slice(3, 4))[1])
