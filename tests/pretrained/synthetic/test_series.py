"""Batches of made-up series: a function of their arguments, fit for use, and as diverse as real ones."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.pretrained.synthetic import FAMILIES, of_family, series
from gatecast.pretrained.synthetic.worlds import LARGEST, sound

SEASONS = ((), (4,), (7,), (12,), (24,), (52,), (24, 168), (7, 365))


def fit_for_use(values_BT: np.ndarray) -> bool:
    finite = np.isfinite(values_BT).all() and np.abs(values_BT).max() < LARGEST
    return bool(finite and (np.ptp(values_BT, axis=1) > 0).all())


def digest(values_BT: np.ndarray) -> str:
    return hashlib.sha256(values_BT.tobytes()).hexdigest()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**40),
    index=st.integers(0, 2**40),
    count=st.integers(1, 40),
    steps=st.integers(3, 300),
    seasons=st.sampled_from(SEASONS),
)
def test_every_batch_is_fit_for_use(seed: int, index: int, count: int, steps: int, seasons: tuple[int, ...]) -> None:
    values_BT = series(seed, index, count, steps, seasons)
    assert values_BT.shape == (count, steps)
    assert values_BT.dtype == np.float64
    assert fit_for_use(values_BT)
    assert sound(values_BT).all() or steps < 12  # the walk that replaces others may end far off in a few steps


def test_a_batch_is_a_function_of_its_arguments() -> None:
    first_BT = series(3, 5, 64, 90, (12,))
    series(3, 6, 64, 90, (12,))  # others in between change nothing
    np.testing.assert_array_equal(first_BT, series(3, 5, 64, 90, (12,)))
    for other_BT in (series(3, 6, 64, 90, (12,)), series(4, 5, 64, 90, (12,)), series(5, 3, 64, 90, (12,))):
        assert not np.isclose(first_BT, other_BT).all(axis=1).any()


def test_other_processes_make_the_same() -> None:
    program = (
        "import hashlib; from gatecast.pretrained.synthetic import series; "
        "print(hashlib.sha256(series(1, 2, 50, 60, (4,)).tobytes()).hexdigest())"
    )
    shown = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert shown.strip() == digest(series(1, 2, 50, 60, (4,)))


@pytest.mark.parametrize("seasons", [(), (4,), (24, 168)], ids=str)
@pytest.mark.parametrize("steps", [14, 60, 400])
@pytest.mark.parametrize("name", FAMILIES)
def test_families_draw_finite_series(name: str, steps: int, seasons: tuple[int, ...]) -> None:
    signal_BT = FAMILIES[name].draw(np.random.default_rng(1), 30, steps, seasons)
    assert signal_BT.shape == (30, steps)
    assert np.isfinite(signal_BT).all()
    values_BT = of_family(name, 1, 2, 30, steps, seasons)
    assert fit_for_use(values_BT)
    assert len(np.unique(values_BT, axis=0)) == 30


@pytest.mark.parametrize("name", FAMILIES)
def test_few_series_are_replaced(name: str) -> None:
    """A family that needs the fallback often is not what it says."""
    signal_BT = FAMILIES[name].draw(np.random.default_rng(2), 300, 100, (12,))
    assert sound(signal_BT).mean() > 0.97


def test_weights_favour_the_four_classical_families() -> None:
    classical = {"ets_additive", "ets_multiplicative", "structural", "arima", "airline", "random_walk"}
    classical |= {"trend_season_irregular"}
    total = sum(family.weight for family in FAMILIES.values())
    assert 0.55 < sum(FAMILIES[name].weight for name in classical) / total < 0.7
    assert all(family.weight > 0 and family.source for family in FAMILIES.values())


def test_worlds_are_of_all_kinds() -> None:
    values_BT = np.concatenate([series(0, index, 256, 80, (12,)) for index in range(4)])
    level_B = np.abs(values_BT).mean(axis=1)
    step_B = np.abs(np.diff(values_BT, axis=1)).mean(axis=1)
    assert 0.8 < (values_BT > 0).all(axis=1).mean() < 0.97
    assert 0.15 < (values_BT == np.round(values_BT)).all(axis=1).mean() < 0.45
    assert (values_BT.max(axis=1) < 0).any()
    assert np.quantile(level_B, 0.05) < 0.2
    assert np.quantile(level_B, 0.95) > 1e4
    low, high = np.quantile(step_B / level_B, [0.05, 0.95])
    assert low < 0.01
    assert 0.2 < high < 2.0


def test_unfit_series_are_found() -> None:
    t_T = np.arange(10.0)
    bad_BT = np.array([t_T * np.nan, t_T * 1e9, t_T * 0 + 0.1, np.where(t_T < 7, t_T, 1e4), np.where(t_T < 7, 3, t_T)])
    assert not sound(bad_BT).any()
    assert sound(np.array([t_T, -t_T * 1e7])).all()


@pytest.mark.parametrize(("steps", "seasons"), [(2, ()), (50, (1,)), (50, (12, 0))])
def test_too_few_steps_are_refused(steps: int, seasons: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="at least 3 steps, and 2 for each season"):
        series(0, 0, 4, steps, seasons)


def test_unknown_families_are_refused() -> None:
    with pytest.raises(KeyError):
        of_family("prophecy", 0, 0, 4, 50, ())
