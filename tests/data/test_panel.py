"""The panel: cutting moves ranges and copies nothing."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.data.frequency import Frequency
from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.data.tables.reading import read
from gatecast.errors import PanelError, WindowError


def make_panel(lengths: list[int]) -> Panel:
    """Monthly series with one target and one categorical future covariate; the target is the row number."""
    length = np.array(lengths)
    R = int(length.sum())
    kind_R2 = np.eye(2)[np.arange(R) % 2]
    return Panel(
        values_RV=np.column_stack([np.arange(R), kind_R2]).astype(np.float32),
        first=np.cumsum(length) - length,
        length=length,
        ids=tuple(f"s{n}" for n in range(len(lengths))),
        starts=np.full(len(lengths), np.datetime64("2019-01-01", "us")),
        frequency=Frequency("month"),
        schema=Schema(("y",), future=(Column("kind", ("a", "b")),)),
        static_NS=np.zeros((len(lengths), 0)),
    )


@settings(max_examples=60)
@given(st.lists(st.integers(2, 30), min_size=1, max_size=5), st.data())
def test_split_parts_make_up_the_whole_and_share_the_buffer(lengths: list[int], data: st.DataObject) -> None:
    panel = make_panel(lengths)
    horizon = data.draw(st.integers(1, min(lengths) - 1))
    before, after = panel.split(horizon)
    for name in panel.ids:
        whole = np.concatenate([before.series(name), after.series(name)])
        assert np.array_equal(whole, panel.series(name))
        assert np.array_equal(np.concatenate([before.times(name), after.times(name)]), panel.times(name))
    assert before.values_RV is panel.values_RV
    assert after.values_RV is panel.values_RV
    assert (after.length == horizon).all()


@settings(max_examples=60)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=5), st.integers(-5, 35), st.integers(-5, 35))
def test_slice_is_python_slicing_of_each_series(lengths: list[int], begin: int, end: int) -> None:
    panel = make_panel(lengths)
    cut = panel.slice(max(begin, 0), max(end, 0))
    expected = {name: panel.series(name)[max(begin, 0) : max(end, 0)] for name in panel.ids}
    assert cut.ids == tuple(name for name, rows in expected.items() if len(rows))
    for name in cut.ids:
        assert np.array_equal(cut.series(name), expected[name])


def test_split_by_fraction_and_label() -> None:
    panel = make_panel([24, 12])
    assert panel.split(fraction=0.75)[0].length.tolist() == [18, 9]
    before, after = panel.split(at="2019-07")
    assert before.length.tolist() == [6, 6]
    assert str(after.starts[0])[:10] == "2019-07-01"
    with pytest.raises(PanelError, match="exactly one"):
        panel.split()
    with pytest.raises(WindowError, match="'s1'"):
        panel.split(horizon=12)


def test_between_includes_both_ends() -> None:
    panel = make_panel([24, 12])
    kept = panel.between("2019-03", "2019-12")
    assert kept.length.tolist() == [10, 10]
    assert panel.between("2020").ids == ("s0",)
    with pytest.raises(PanelError, match="nothing lies between"):
        panel.between("2030")


def test_select_and_drop_short() -> None:
    panel = make_panel([24, 12, 5])
    assert panel.select(["s2", "s0"]).length.tolist() == [5, 24]
    assert panel.drop_short(12).ids == ("s0", "s1")
    with pytest.raises(PanelError, match="did you mean"):
        panel.select(["s22"])


def test_future_and_words() -> None:
    panel = make_panel([24, 12])
    assert panel.future.targets == ()
    assert np.array_equal(panel.future.values_RV, panel.future_RF)
    assert panel.describe() == "y · 2 series · 12 to 24 months, 2019-01 to 2020-12"
    assert "no series" in panel.drop_short(99).describe()


def test_frame_round_trip_of_a_cut_panel() -> None:
    panel = make_panel([24, 12]).slice(3, 20)
    back = read(panel.to_frame("polars"), future="kind")
    assert back.ids == panel.ids
    assert back.schema == panel.schema
    for name in panel.ids:
        assert np.array_equal(back.series(name), panel.series(name))
        assert np.array_equal(back.times(name), panel.times(name))
    assert isinstance(panel.to_frame(), pl.DataFrame)


@pytest.mark.parametrize("position", [2, 99, -3])
def test_a_position_beyond_the_series_is_an_error(position: int) -> None:
    panel = read({"id": ["a", "b"] * 3, "step": [1, 1, 2, 2, 3, 3], "y": [1.0, 2, 3, 4, 5, 6]}, series="id")
    assert [panel.position(n) for n in (0, 1, "b")] == [0, 1, 1]
    with pytest.raises(PanelError, match=f"no series {position}: positions run from 0 to 1"):
        panel.position(position)
