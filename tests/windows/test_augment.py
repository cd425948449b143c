"""Made-up copies of series: what they keep, what they move, and by how much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.windows.augment import Alterations, augmented

PanelOf = Callable[..., Panel]
USUAL = Alterations()


def two_series(panel_of: PanelOf, steps: int = 400) -> Panel:
    """Two targets and a known covariate; the buffer holds more than the series do."""
    panel = panel_of([np.ones(steps + 20), np.full(steps, 5.0)])
    values_RV = np.column_stack([panel.values_RV, 10 * panel.values_RV, np.arange(len(panel.values_RV))])
    schema = Schema(targets=("a", "b"), future=(Column("day"),))
    return replace(panel, values_RV=values_RV.astype(np.float32), schema=schema).slice(20, steps + 20)


def factors(panel: Panel, copies: int = 1, seed: int = 0, how: Alterations = USUAL) -> np.ndarray:
    """(R, C) factors of the first copy."""
    shown = augmented(panel, copies, seed, how)
    many = len(panel)
    return np.concatenate([shown.series(many + n) / panel.series(n) for n in range(many)])


def test_no_copies_are_the_panel_itself(panel_of: PanelOf) -> None:
    panel = panel_of([np.ones(30)])
    assert augmented(panel, 0, 7) is panel


@pytest.mark.parametrize("copies", [1, 3])
def test_the_series_stay_and_the_copies_have_all_but_their_values(panel_of: PanelOf, copies: int) -> None:
    panel = two_series(panel_of)
    shown = augmented(panel, copies, 0)
    assert len(shown) == 2 * (copies + 1)
    assert shown.ids == panel.ids * (copies + 1)
    for n in range(len(shown)):
        like = n % 2
        assert shown.starts[n] == panel.starts[like]
        assert shown.length[n] == panel.length[like]
        own, there = shown.values_RV[shown.rows(n)], panel.values_RV[panel.rows(like)]
        assert own[:, 2].tolist() == there[:, 2].tolist(), "covariates are as they were"
        assert (own[:, :2] == there[:, :2]).all() == (n < 2)
        assert (own[:, :2] > 0).all()
    assert shown.values_RV.dtype == panel.values_RV.dtype


def test_missing_values_stay_missing(panel_of: PanelOf) -> None:
    panel = panel_of([np.where(np.arange(300) % 7 == 3, np.nan, 2.0)])
    copy = augmented(panel, 1, 0).series(1)
    assert (np.isnan(copy) == np.isnan(panel.series(0))).all()


def test_the_seed_decides(panel_of: PanelOf) -> None:
    panel = two_series(panel_of)
    assert (factors(panel, seed=3) == factors(panel, seed=3)).all()
    assert (factors(panel, seed=3) != factors(panel, seed=4)).any()
    shown = augmented(panel, 2, 3)
    assert (shown.series(2) != shown.series(4)).any(), "copies differ"


def test_a_level_stays_moves_in_some_steps_and_stays_again(panel_of: PanelOf) -> None:
    level_RC = np.log(factors(two_series(panel_of, 4000), how=Alterations(odd=0.0, longest_move=5)))[:4000]
    still_R = np.abs(np.diff(level_RC[:, 0])) < 1e-5
    moves = np.flatnonzero(still_R[:-1] & ~still_R[1:])
    assert len(moves) == pytest.approx(4000 * USUAL.moves, rel=0.4)
    assert still_R.mean() > 0.95
    run = np.diff(np.flatnonzero(np.diff(np.concatenate([[True], still_R, [True]]).astype(int)) != 0))[::2]
    assert run.max() <= 10, "two moves may meet, and none takes more than five steps"
    assert np.corrcoef(level_RC.T)[0, 1] > 0.7, "targets move together, though not by the same"
    assert (level_RC[:, 0] != level_RC[:, 1]).any()


def test_every_series_begins_at_a_level_of_its_own(panel_of: PanelOf) -> None:
    factor_RC = factors(two_series(panel_of), how=Alterations(odd=0.0, moves=0.0))
    for rows in (slice(0, 400), slice(400, 800)):
        assert np.ptp(factor_RC[rows], axis=0) == pytest.approx([0, 0], abs=1e-6)
    assert abs(factor_RC[0, 0] / factor_RC[-1, 0] - 1) > 1e-3


def test_odd_steps_are_rare_come_in_ones_and_twos_and_are_mostly_low(panel_of: PanelOf) -> None:
    how = Alterations(moves=0.0, levels=0.0, apart=0.0)
    size_R = np.log(factors(two_series(panel_of, 20_000), how=how)[:, 0])
    odd_R = np.abs(size_R) > 1e-5
    assert odd_R.mean() == pytest.approx(1.5 * USUAL.odd, rel=0.2)
    assert size_R[odd_R].mean() == pytest.approx(USUAL.drop, abs=0.1)
    assert size_R[odd_R].std() == pytest.approx(USUAL.oddities, rel=0.15)
    pairs = odd_R[:-1] & odd_R[1:]
    assert np.isclose(size_R[:-1], size_R[1:], atol=1e-5)[pairs].mean() > 0.85, "two days of one storm"
