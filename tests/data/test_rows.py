"""Rows of a panel against plain loops over its series, in one group or many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.data import rows as module
from gatecast.data.panel import Panel
from gatecast.data.rows import all_above, all_observed, last_observed, row_ranges, series_groups, windows_at
from gatecast.data.schema import Column, Schema
from gatecast.errors import ConfigError
from gatecast.windows.scaling import Scaling
from gatecast.windows.targets import TargetRows

PanelOf = Callable[..., Panel]
SCHEMA = Schema(("y", "z"), past=(Column("rain"),))


def random_panel(panel_of: PanelOf, seed: int, gaps: float) -> Panel:
    """Series that are cut, in another order, some of them left out: there are rows between them."""
    rng = np.random.default_rng(seed)
    tables = [rng.uniform(1, 9, (int(rng.integers(2, 12)), 3)) for _ in range(rng.integers(1, 7))]
    for table in tables:
        table[rng.random(table.shape) < gaps] = np.nan
    panel = panel_of(tables, SCHEMA)
    begin = rng.integers(0, panel.length)
    cut = panel.slice(begin, np.maximum(begin + 1, panel.length - rng.integers(0, 3, len(panel))))
    return cut.select(rng.permutation(len(cut))[: int(rng.integers(1, len(cut) + 1))])


Random = (st.integers(0, 10**9), st.sampled_from([0.0, 0.1, 0.6]), st.sampled_from([1, 10, 1 << 20]))


@settings(max_examples=80, deadline=None)
@given(*Random)
def test_what_a_panel_holds(panel_of: PanelOf, seed: int, gaps: float, at_once: int) -> None:
    panel = random_panel(panel_of, seed, gaps)
    held = np.concatenate([panel.series(n) for n in range(len(panel))])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ROWS_AT_ONCE", at_once)
        groups = list(series_groups(panel.length))
        assert [n for group in groups for n in range(len(panel))[group]] == list(range(len(panel)))
        assert all(panel.length[group].sum() <= max(at_once, panel.length[group.start]) for group in groups)
        assert all_observed(panel) == bool(np.isfinite(held).all())
        for floor in (1.5, 5.0, float(np.nanmin(held, initial=np.inf))):
            assert all_above(panel, floor) == (not (held <= floor).any())


@settings(max_examples=80, deadline=None)
@given(*Random)
def test_missing_values_repeat_the_one_before(panel_of: PanelOf, seed: int, gaps: float, at_once: int) -> None:
    panel = random_panel(panel_of, seed, gaps)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ROWS_AT_ONCE", at_once)
        rows = TargetRows(panel, Scaling(log=True, unit=2.0))
    assert len(rows) == len(panel.values_RV)
    for n in range(len(panel)):
        table = panel.series(n)
        index = np.arange(panel.first[n], panel.stop[n])
        got, last = rows[index], np.full(2, np.nan, table.dtype)
        for t, row in enumerate(table):
            last = np.where(np.isfinite(row), row, last)
            assert got[t] == pytest.approx(np.log(last / 2), nan_ok=True)
        assert (rows.seen(index) == np.isfinite(table)).all()
        observed = np.flatnonzero(np.isfinite(table).any(axis=1))
        assert rows.begun[n] == panel.first[n] + (observed[0] if len(observed) else len(table))


@settings(max_examples=60, deadline=None)
@given(*Random)
def test_the_last_observed_row(panel_of: PanelOf, seed: int, gaps: float, at_once: int) -> None:
    panel = random_panel(panel_of, seed, gaps)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ROWS_AT_ONCE", at_once)
        last_NC = last_observed(panel.target_RC, panel.first, panel.stop)
    for n in range(len(panel)):
        for c in range(2):
            seen = np.flatnonzero(np.isfinite(panel.series(n)[:, c]))
            assert last_NC[n, c] == (panel.first[n] + seen[-1] if len(seen) else -1)


def test_what_is_complete_is_not_copied(panel_of: PanelOf) -> None:
    panel = panel_of([np.arange(1.0, 9.0)])
    rows = TargetRows(panel, Scaling(log=True))
    assert np.shares_memory(rows.raw_RC, panel.values_RV)
    assert rows.seen_RC is None


def test_a_value_outside_the_series_is_no_reason_to_refuse(panel_of: PanelOf) -> None:
    panel = panel_of([np.array([0.0, 3.0, 2.0, -1.0, np.nan])])
    assert TargetRows(panel.slice(1, 3), Scaling(log=True)).complete
    with pytest.raises(ConfigError, match="above zero"):
        TargetRows(panel.slice(1, 4), Scaling(log=True))


def test_windows_of_neighbouring_rows() -> None:
    values_RV = np.arange(24.0).reshape(8, 3)
    begin_B = np.array([5, 0, 5])
    expected = np.stack([values_RV[at : at + 3] for at in begin_B])
    assert (windows_at(values_RV, begin_B, 3) == expected).all()
    assert (windows_at(values_RV[:, 1:], begin_B, 3) == expected[:, :, 1:]).all()
    assert (row_ranges(np.array([4, 0]), np.array([2, 1])) == [4, 5, 0]).all()
    private = windows_at(values_RV, begin_B, 3)
    private[:] = 0
    assert values_RV[5, 0] == 15


def test_the_panel_may_be_replaced_while_rows_are_held(panel_of: PanelOf) -> None:
    panel = panel_of([np.array([1.0, np.nan, 3.0])])
    rows = TargetRows(panel, Scaling())
    replace(panel, values_RV=np.zeros_like(panel.values_RV))
    assert rows[np.array([1])][0, 0] == 1.0
