"""Scaling: its text reads back, every one of them can be undone, and statistics look at the warm-up only."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.errors import ConfigError
from gatecast.windows.covariate_scale import CovariateScale
from gatecast.windows.reader import WindowReader
from gatecast.windows.reference import Category, LastValue, NoReference, Reference, Seasonal, Smooth
from gatecast.windows.scaling import Scaling, location_and_spread
from gatecast.windows.shape import Batch, Framing

PanelOf = Callable[..., Panel]
KINDS = [NoReference(), LastValue(), Seasonal(5), Seasonal(3, 2), Category("kind", 3), Smooth(3, 0.3, 0.5)]
SCALES: list[Literal["none", "standard", "mean", "last"]] = ["none", "standard", "mean", "last"]
KIND = Schema(("y",), future=(Column("kind", ("a", "b")),))


@st.composite
def scalings(draw: st.DrawFn) -> Scaling:
    """Every scaling that the text can say."""
    names = st.text('abc_ /:7+"', min_size=1, max_size=8) | st.text(min_size=1, max_size=4)
    references: st.SearchStrategy[Reference] = st.one_of(
        st.sampled_from([NoReference(), LastValue()]),
        st.builds(Seasonal, st.integers(1, 400), st.integers(1, 9)),
        st.builds(Category, names, st.integers(1, 9)),
        st.builds(Smooth, st.integers(1, 400), st.floats(0, 1, exclude_min=True), st.floats(0, 1)),
    )
    return Scaling(
        log=draw(st.booleans()),
        reference=draw(references),
        scale=draw(st.sampled_from(SCALES)),
        fitted=draw(st.booleans()),
        unit=draw(st.floats(0, exclude_min=True, allow_infinity=False)),
    )


@settings(max_examples=400, deadline=None)
@given(scalings())
def test_the_text_of_a_scaling_reads_back_exactly(scaling: Scaling) -> None:
    assert Scaling.parse(scaling.describe()) == scaling


@pytest.mark.parametrize(
    ("scaling", "text"),
    [
        (Scaling(), "none"),
        (Scaling(True, LastValue(), "mean", True, 0.5), "log+difference+mean+fitted+unit:0.5"),
        (Scaling(reference=Seasonal(12, 3)), "seasonal-difference:12/3"),
        (Scaling(reference=Category("day/night")), "category-difference:day/night/1"),
        (Scaling(reference=Category("a:b c", 6)), "category-difference:a:b c/6"),
        (Scaling(reference=Category("a + b", 2), scale="mean"), 'category-difference:"a + b"/2+mean'),
        (Scaling(reference=Category(' say "a"')), 'category-difference:" say ""a"""'),
        (Scaling(reference=Smooth(12, 0.2, 1 / 3), unit=1e20), "smooth:12/0.2/0.3333333333333333+unit:1e20"),
    ],
)
def test_scalings_are_written_like_this(scaling: Scaling, text: str) -> None:
    assert scaling.describe() == text
    assert Scaling.parse(text) == scaling


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "unknown scaling ''"),
        ("standart", "did you mean 'standard'"),
        ("log:3", "takes no value; got '3'"),
        ("difference:2", "takes no value"),
        ("seasonal-difference", "needs a number after ':'; got ''"),
        ("seasonal-difference:x", "needs a number"),
        ("seasonal-difference:12/x", "needs a number"),
        ("seasonal-difference:0", "season >= 1"),
        ("seasonal-difference:12/0", "depth >= 1"),
        ("category-difference", "needs the name"),
        ('category-difference:"a', "needs the name"),
        ("category-difference:a/x", "needs the name"),
        ("smooth:12", "needs season/alpha/gamma, such as"),
        ("smooth:12/x/0.1", "needs season/alpha/gamma"),
        ("smooth:12/0/0.1", "between 0 and 1; got 0.0 and 0.1"),
        ("smooth:12/0.5/1.1", "between 0 and 1"),
        ("smooth:0/0.5/0.1", "season >= 1"),
        ("unit:", "needs a number"),
        ("unit:0", "unit > 0"),
        ("unit:-1", "unit > 0"),
        ("unit:nan", "unit > 0"),
        ("unit:inf", "unit > 0"),
        ("difference+seasonal-difference:12", "both 'difference' and 'seasonal-difference'"),
        ("standard+mean", "both 'standard' and 'mean'"),
    ],
)
def test_wrong_texts_are_told(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as told:
        Scaling.parse(text)
    assert words in str(told.value)


def test_logarithm_needs_values_above_zero() -> None:
    with pytest.raises(ConfigError, match="above zero"):
        Scaling(log=True).transform(np.array([1.0, 0.0]))


def walk(kind: str, dtype: type, rng: np.random.Generator, steps: int = 60) -> np.ndarray:
    """A series that a buffer of this dtype can hold: a positive walk, or large readings that move by 1."""
    moves = rng.normal(size=steps).cumsum()
    values = 1e8 + moves.round(1) if kind == "readings" else np.exp(0.1 * moves) * 50
    return values.astype(dtype)


@pytest.mark.parametrize(("dtype", "kind"), [(np.float32, "walk"), (np.float64, "walk"), (np.float64, "readings")])
@pytest.mark.parametrize("reference", KINDS, ids=lambda kind: kind.describe())
def test_every_scaling_can_be_undone(panel_of: PanelOf, reference: Reference, dtype: type, kind: str) -> None:
    rng = np.random.default_rng(1)
    tables = [np.column_stack([walk(kind, dtype, rng), np.eye(2)[rng.integers(0, 2, 60)]]) for _ in range(2)]
    panel = panel_of(tables, KIND, dtype=dtype)
    for log, scale, fitted, unit in product([False, True], SCALES, [False, True], [1.0, 7.0]):
        scaling = Scaling(log, reference, scale, fitted, unit)
        reader = WindowReader(panel, scaling, Framing(12, 4, 3), CovariateScale.fit(panel, True))
        reader.fitted = reader.fit_statistics() if fitted else None
        series_B, origin_B = np.array([0, 0, 1]), np.array([12, 40, 115])
        batch = reader.read(series_B, origin_B)
        truth_BHC = np.stack([panel.target_RC[o + 1 : o + 5] for o in origin_B])
        back = reader.restore(batch, reader.scaled(batch, truth_BHC)[..., None])[..., 0]
        assert np.abs(back / truth_BHC - 1).max() < 1e-5, scaling
        if kind == "readings" and not log and (scale != "none" or reference.anchored):
            assert np.abs(back - truth_BHC).max() < 1e-2, scaling  # far below the moves of 1
            assert batch.target_BKHC is not None
            assert np.abs(batch.target_BKHC).max() < 100, scaling


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("level", [0.0, 0.1, 7.3, -1e8 / 3, 1e-20])
def test_a_constant_window_is_shifted_not_blown_up(scale: str, level: float, dtype: type) -> None:
    u_BTC: np.ndarray = np.full((2, 37, 1), level, dtype)
    location_BC, spread_BC = location_and_spread(u_BTC, np.ones(u_BTC.shape, bool), scale)  # type: ignore[arg-type]
    if scale == "mean":
        assert spread_BC == pytest.approx(abs(float(dtype(level))) or 1, rel=1e-5)
    else:
        assert (spread_BC == 1).all()
    assert np.abs(u_BTC - location_BC[:, None]).max() <= abs(level) * (1 if scale in ("none", "mean") else 1e-6)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.sampled_from(SCALES),
    st.booleans(),
    st.integers(1, 6),
    st.integers(2, 39),
    st.integers(0, 10**6),
)
def test_nothing_after_the_first_trained_origin_moves_what_is_before(
    panel_of: PanelOf, reference: Reference, scale: str, log: bool, training_origins: int, origin: int, seed: int
) -> None:
    """The context up to the first trained origin, its reference and its target do not know the rest of the window."""
    rng = np.random.default_rng(seed)
    table = np.column_stack([walk("walk", np.float64, rng, 50), np.eye(2)[rng.integers(0, 2, 50)]])
    table[rng.random(50) < 0.1, 0] = np.nan
    table[: rng.integers(0, 5), 0] = np.nan
    framing = Framing(10, 2, training_origins, observed=True)
    scaling = Scaling(log, reference, scale)  # type: ignore[arg-type]

    def read(table: np.ndarray) -> Batch:
        panel = panel_of([table], KIND, dtype=np.float64)
        reader = WindowReader(panel, scaling, framing, CovariateScale(np.zeros(2), np.ones(2)))
        return reader.read(np.array([0]), np.array([origin]))

    before = read(table)
    trained = np.ones(training_origins, bool) if before.weight_BKHC is None else before.weight_BKHC[0].any(axis=(1, 2))
    if not trained.any():
        return  # a window whose truths are all missing, or that begins too late
    k = int(trained.argmax())
    first = origin - training_origins + 1 + k
    changed = table.copy()
    changed[first + 1 :, 0] = rng.choice([np.nan, 1e9, 3.0], 50 - first - 1)
    after = read(changed)
    known = framing.warm_up + k
    # gaps may lead to the other of two readers, whose sums have another order: the last bit of a float64
    pairs = (
        (before.context_BLF[:, :known], after.context_BLF[:, :known], 1e-6),  # float32, what is near 0 to 1e-6
        (before.reference_BKHC[:, : k + 1], after.reference_BKHC[:, : k + 1], 0),
        (before.spread_BC, after.spread_BC, 0),
    )
    for had, has, near in pairs:
        np.testing.assert_allclose(has, had, rtol=1e-12 if not near else 1e-6, atol=near)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("reference", KINDS, ids=lambda kind: kind.describe())
def test_a_window_well_inside_its_series_trains_all_its_origins(
    panel_of: PanelOf, reference: Reference, scale: Literal["none", "standard", "mean", "last"]
) -> None:
    rng = np.random.default_rng(0)
    panel = panel_of([np.column_stack([walk("walk", np.float64, rng, 50), np.eye(2)[rng.integers(0, 2, 50)]])], KIND)
    reader = WindowReader(
        panel,
        Scaling(reference=reference, scale=scale),
        Framing(10, 2, 4),
        CovariateScale.fit(panel, True),
    )
    batch = reader.read(np.array([0, 0]), np.array([25, 47]))
    assert batch.weight_BKHC is None
    assert batch.target_BKHC is not None
    assert batch.target_BKHC.shape == (2, 4, 2, 1)
