"""What every channel keeps to, and a toy one that is added in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.data.frequency import Frequency
from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.forecaster import Forecaster, load
from gatecast.model.config import LSTMConfig
from gatecast.model.lstm import LSTMNetwork
from gatecast.storage.files import describe_file
from gatecast.training.config import TrainingConfig
from gatecast.windows import channels
from gatecast.windows.channels import CHANNELS, Channel, Drawn, Layout, StepChannel, Steps
from gatecast.windows.covariate_scale import CovariateScale
from gatecast.windows.reader import WindowReader
from gatecast.windows.scaling import Scaling
from gatecast.windows.shape import Framing

PanelOf = Callable[..., Panel]
SCHEMA = Schema(
    ("y", "z"),
    past=(Column("rain"),),
    future=(Column("price"), Column("kind", ("a", "b"))),
    static=(Column("size"), Column("where", ("north", "south", "west"))),
)


class Age(StepChannel):
    """A toy: how old the series is at each step, and the square of that."""

    name = "age"

    def width(self, layout: Layout) -> int:
        return 2 if layout.framing.lookback < 20 else 0

    def of(self, steps: Steps) -> np.ndarray:
        return np.stack([steps.next_BT / 100, steps.next_BT**2 / 1e4], axis=2)


NAMES = [*(channel.name for channel in CHANNELS), Age.name]


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy comes last, so that "observed" does not."""
    monkeypatch.setattr(channels, "CHANNELS", (*CHANNELS, Age()))


def panel_with(panel_of: PanelOf, seed: int = 0, gaps: float = 0.0, schema: Schema = SCHEMA) -> Panel:
    """Three series of hours; the first targets are observed."""
    rng = np.random.default_rng(seed)
    targets = len(schema.targets)
    tables = []
    for steps in (70, 45, 60):
        values = np.exp(rng.normal(size=(steps, targets)).cumsum(axis=0) * 0.1 + 2)
        values[1:][rng.random((steps - 1, targets)) < gaps] = np.nan
        covariates = [rng.normal(size=(steps, 2)), np.eye(2)[rng.integers(0, 2, steps)]] if schema.future else []
        tables.append(np.column_stack([values, *covariates]))
    static = np.column_stack([rng.normal(size=3), np.eye(3)]) if schema.static else None
    panel = panel_of(tables, schema, static=static, dtype=np.float64)
    starts = np.datetime64("2024-02-20T05", "us") + rng.integers(0, 4000, 3).astype("timedelta64[h]")
    return replace(panel, frequency=Frequency.from_text("h"), starts=starts)


def reader_of(panel: Panel, scaling: str, framing: Framing) -> WindowReader:
    reader = WindowReader(panel, Scaling.parse(scaling), framing, CovariateScale.fit(panel, True))
    reader.fitted = reader.fit_statistics() if reader.scaling.fitted else None
    return reader


FULL = Framing(8, 2, 3, observed=True, calendar=("day", "week", "year"), year_waves=2)
BARE = Framing(30, 2)
SCALINGS = ("standard", "difference+standard", "log+seasonal-difference:3/2+mean", "smooth:3/0.3/0.2+standard+fitted")


def channel_of(reader: WindowReader, name: str) -> tuple[Channel, slice]:
    return next((channel, place) for channel, place in reader.layout.places.items() if channel.name == name)


# ---------------------------------------------------------------- widths and places


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("framing", [FULL, BARE, replace(FULL, calendar=("week",))], ids=["full", "bare", "week"])
@pytest.mark.parametrize("schema", [SCHEMA, Schema(("y",)), Schema(("y", "z"))], ids=["all", "one", "two"])
def test_the_width_says_what_is_read(panel_of: PanelOf, scaling: str, framing: Framing, schema: Schema) -> None:
    panel = panel_with(panel_of, schema=schema)
    reader = reader_of(panel, scaling, framing)
    series_B, origin_B = np.array([0, 1, 2, 2]), panel.first[[0, 1, 2, 2]] + np.array([40, 3, 35, 58])
    both = reader.read(series_B, origin_B, targets=False), reader._read_any(series_B, origin_B, False, 1)
    for batch in both:
        assert batch.context_BLF.shape == (4, framing.lookback, reader.layout.features)
    assert reader.features == reader.layout.features == sum(c.width(reader.layout) for c in reader.layout.places)
    for part, channel in zip(reader.after(series_B, origin_B, 5), reader.layout.places, strict=True):
        if part is None:
            nothing = Drawn(*np.zeros((2, 4, len(schema.targets))))
            part = channel.drawn(nothing)[:, None].repeat(5, axis=1)  # noqa: PLW2901
        assert part.shape == (4, 5, channel.width(reader.layout)), channel.name


@pytest.mark.parametrize("framing", [FULL, BARE, replace(FULL, observed=False)], ids=["full", "bare", "unobserved"])
def test_places_follow_each_other_in_the_order_of_the_list(panel_of: PanelOf, framing: Framing) -> None:
    layout = reader_of(panel_with(panel_of), "difference", framing).layout
    stops = [0, *(place.stop for place in layout.places.values())]
    assert [place.start for place in layout.places.values()] == stops[:-1]
    assert [c.name for c in layout.places] == [name for name in NAMES if layout.columns(name) != slice(0, 0)]
    assert layout.columns("no such channel") == slice(0, 0)
    assert layout.columns("observed") == (slice(24, 25) if framing == FULL else slice(0, 0))


def test_every_channel_is_held_to_the_contract(panel_of: PanelOf) -> None:
    assert [channel.name for channel in reader_of(panel_with(panel_of), "difference", FULL).layout.places] == NAMES
    assert len(set(NAMES)) == len(NAMES)


# ---------------------------------------------------------------- two readers


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from([0.0, 0.1]), st.sampled_from(SCALINGS))
def test_both_readers_read_the_same(panel_of: PanelOf, name: str, seed: int, gaps: float, scaling: str) -> None:
    rng = np.random.default_rng(seed)
    panel = panel_with(panel_of, seed, gaps)
    reader = reader_of(panel, scaling, FULL)
    columns = reader.layout.columns(name)
    series_B = rng.integers(0, 3, 20)
    origin_B = panel.first[series_B] + (rng.random(20) * panel.length[series_B]).astype(np.int64)
    first_B = reader.first_rows(series_B, origin_B)[:, 0]
    regular_B = reader._regular.finds(series_B, first_B, origin_B, 3, measured=reader._measured, targets=False)
    read = reader.read(series_B, origin_B, targets=False).context_BLF[..., columns]
    general = reader._read_any(series_B, origin_B, False, 3).context_BLF[..., columns]
    np.testing.assert_allclose(read, general, rtol=2e-6, atol=2e-6)
    assert regular_B.any() or gaps


# ---------------------------------------------------------------- sample paths


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "scaling", ["standard+fitted", "difference+standard+fitted", "log+seasonal-difference:3/2+mean"]
)
@pytest.mark.parametrize("steps", [1, 4])
def test_the_next_step_of_a_path_is_what_the_reader_reads_later(
    panel_of: PanelOf, name: str, scaling: str, steps: int
) -> None:
    """The path draws what comes; past covariates are unknown to it, so that they are made missing here."""
    panel = panel_with(panel_of)
    series_B, origin_B = np.arange(3), panel.first + 35
    for n in range(3):
        panel.values_RV[panel.first[n] + 36 : panel.stop[n], panel.schema.past_slice] = np.nan
    reader = reader_of(panel, scaling, FULL)
    reader.fitted = reader.fit_statistics()  # a path keeps the statistics of its origin
    if name not in [channel.name for channel in reader.layout.places]:
        return
    channel, columns = channel_of(reader, name)
    later = reader.read(series_B, origin_B + steps, targets=False).context_BLF[:, -1, columns]
    found = reader.after(series_B, origin_B, steps)[list(reader.layout.places).index(channel)]
    if found is None:
        now = reader.read(series_B, origin_B + steps - 1, targets=False, origins=1)
        u_PC = reader.u_RC[origin_B + steps]
        residual_PC = (u_PC - now.reference_BKHC[:, -1, 0]) / now.spread_BC
        next_PF = channel.drawn(Drawn((u_PC - now.location_BC) / now.level_BC, residual_PC))
    else:
        next_PF = found[:, -1]
    np.testing.assert_allclose(next_PF, later, rtol=1e-6, atol=1e-6)


# ---------------------------------------------------------------- storage and training


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("schema", [SCHEMA, Schema(("y",))], ids=["all", "one"])
@pytest.mark.parametrize("lookback", [9, 21], ids=["with toy", "without toy"])
@pytest.mark.parametrize("recursive", [False, True])
def test_the_model_file_knows_the_width_of_the_network(
    panel_of: PanelOf, schema: Schema, lookback: int, recursive: bool, tmp_path: Path
) -> None:
    """It computes it from settings alone and refuses other tensors, so that what is saved and read has that width."""
    panel = panel_with(panel_of, gaps=0.05, schema=schema)
    panel = replace(panel, values_RV=panel.values_RV.astype(np.float32), static_NS=panel.static_NS.astype(np.float32))
    known = panel.slice(0, panel.length - 3)
    model = Forecaster(
        3, lookback=lookback, scaling="difference+standard", network=LSTMConfig(hidden_size=4, skip=2), members=1,
        training=TrainingConfig(max_epochs=2, steps_per_epoch=4), recursive=recursive, calendar=True, progress=False,
    ).fit(known)  # fmt: skip
    plan = model.plan_
    features = Layout(panel.schema, plan.scaling, plan.framing, panel.frequency).features
    assert model.fitted_.main.members[0].network.lstm.input_size == features
    at = np.arange(3), known.stop - 1
    values = model.forecast_from(panel, *at)
    assert np.isfinite(values).all()
    model.save(tmp_path / "m.gatecast")
    assert describe_file(tmp_path / "m.gatecast")["tensors"] > 0
    assert load(tmp_path / "m.gatecast").forecast_from(panel, *at).tobytes() == values.tobytes()


@pytest.mark.parametrize("patch", [1, 2])
def test_training_begins_without_a_reaction_to_what_was_observed(panel_of: PanelOf, patch: int) -> None:
    layout = reader_of(panel_with(panel_of), "difference", FULL).layout
    columns, features = layout.columns("observed"), layout.features
    assert columns.stop < features, "it need not be the last channel"
    network = LSTMNetwork(LSTMConfig(hidden_size=4, patch=patch), features, 2, 2, 3, 0)
    with torch.no_grad():
        network.lstm.get_parameter("weight_ih_l0").fill_(1.0)
    network.ignore_input(())
    weight_GX = network.lstm.get_parameter("weight_ih_l0").detach().numpy()
    assert (weight_GX == 1).all()
    network.ignore_input(range(columns.start, columns.stop))
    silent_PF = (weight_GX == 0).all(axis=0).reshape(patch, features)
    assert silent_PF[:, columns].all()
    assert silent_PF.sum() == patch
