"""Batches are the same, bit for bit, however many of them are read at once and whether they are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.training import batch as module
from gatecast.training.batch import TensorBatch, WindowSource, to_tensors, units_of
from gatecast.windows.covariate_scale import CovariateScale
from gatecast.windows.reader import WindowReader
from gatecast.windows.scaling import Scaling
from gatecast.windows.shape import Framing
from gatecast.windows.spans import Spans

PanelOf = Callable[..., Panel]
SCHEMA = Schema(("y",), past=(Column("rain"),), future=(Column("kind", ("a", "b")),))
CPU = torch.device("cpu")


def make_source(
    panel_of: PanelOf, rng: np.random.Generator, gaps: float, scaling: str, **options: object
) -> WindowSource:
    """Series of very different lengths; most windows of the short ones begin before they do."""
    tables = []
    for steps in (9, 40, 14):
        table = np.column_stack(
            [np.exp(rng.normal(size=(steps, 2)).cumsum(0) * 0.1), np.eye(2)[rng.integers(0, 2, steps)]]
        )
        table[1:, 0][rng.random(steps - 1) < gaps] = np.nan
        tables.append(table)
    panel = panel_of(tables, SCHEMA)
    framing = Framing(8, 3, 3, observed=True)
    reader = WindowReader(panel, Scaling.parse(scaling), framing, CovariateScale.fit(panel, True))
    index = Spans(8, 3, padded=True, least=3).all_windows(panel)
    settings = {"batch_size": 5, "shuffle": True, "steps_per_epoch": None, "device": CPU, "units": True, **options}
    return WindowSource(reader, index, **settings)  # type: ignore[arg-type]


def parts(batch: TensorBatch) -> list[torch.Tensor]:
    weight = torch.ones_like(batch.target_BKHC) if batch.weight_BKHC is None else batch.weight_BKHC
    assert batch.future_BKHF is not None
    assert batch.units is not None
    return [batch.context_BLF, batch.future_BKHF, batch.target_BKHC, weight, batch.units.centre, batch.units.spread]


def one_by_one(source: WindowSource, rng: np.random.Generator) -> list[TensorBatch]:
    """Every batch in a call of its own."""
    batches = []
    for numbers_B in source._numbers(rng):
        read = source.reader.read(*source.index.locate(numbers_B))
        batches.append(to_tensors(read, CPU, units_of(read, source.reader.scaling, CPU)))
    return batches


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10**9),
    st.sampled_from([0.0, 0.2]),
    st.sampled_from(["none", "standard", "difference+standard", "seasonal-difference:2/2+mean", "log+last"]),
    st.sampled_from([None, 1, 7]),
    st.sampled_from([0, 1 << 20]),
    st.sampled_from([1, 3000, 1 << 20]),
)
def test_batches_are_the_same_however_they_are_read(
    panel_of: PanelOf, seed: int, gaps: float, scaling: str, steps: int | None, kept: int, at_once: int
) -> None:
    source = make_source(panel_of, np.random.default_rng(seed), gaps, scaling, steps_per_epoch=steps)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "KEPT_BYTES", kept)
        patch.setattr(module, "RUN_BYTES", at_once)
        rng, again = np.random.default_rng(seed), np.random.default_rng(seed)
        for _ in range(3):  # from the second epoch on at the latest, small windows are kept
            expected, got = one_by_one(source, rng), list(source.epoch(again))
            assert len(got) == len(expected) == source.steps()
            for mine, theirs in zip(got, expected, strict=True):
                assert all(torch.equal(a, b) for a, b in zip(parts(mine), parts(theirs), strict=True))
                assert mine.weight_BKHC is None or not bool(mine.weight_BKHC.all())
        assert rng.bit_generator.state == again.bit_generator.state


def test_a_run_holds_as_many_batches_as_fit(panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_source(panel_of, np.random.default_rng(0), 0.0, "standard", units=False)
    runs = list(source.runs(np.random.default_rng(0)))
    assert [sum(run.sizes) for run in runs] == [len(source.index)]
    monkeypatch.setattr(module, "RUN_BYTES", 2 * 5 * source._window_bytes)
    runs = list(replace(source).runs(np.random.default_rng(0)))
    assert {len(run.sizes) for run in runs[:-1]} == {2}
    assert [len(run.batch.context_BLF) for run in runs] == [sum(run.sizes) for run in runs]
    for run in runs:
        assert run.batch.context_BLF.is_contiguous()
        assert run.batch.target_BKHC.is_contiguous()


def test_windows_are_read_once_only_where_that_pays(panel_of: PanelOf, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_source(
        panel_of, np.random.default_rng(0), 0.0, "standard", units=False, batch_size=4, steps_per_epoch=2
    )
    read, rng = [], np.random.default_rng(0)
    original = WindowReader.read

    def counted(self: WindowReader, series_B: np.ndarray, *rest: object, **options: object) -> object:
        read.append(len(series_B))
        return original(self, series_B, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(WindowReader, "read", counted)
    windows, epochs = len(source.index), 0
    while 8 * (epochs + 1) < windows:  # 8 windows an epoch
        list(source.epoch(rng))
        epochs += 1
    assert epochs > 1
    assert read == [8] * epochs
    list(source.epoch(rng))
    assert sum(read) == 8 * epochs + windows
    list(source.epoch(rng))
    assert sum(read) == 8 * epochs + windows
