"""What goes astray is pulled back: the gate's median takes its place, in this series alone, and it is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.ensemble.blend import Blend
from gatecast.ensemble.guard import FAR, WIDEST, pull
from gatecast.ensemble.trained import TrainedCandidate
from gatecast.forecaster import Forecaster
from gatecast.nn.kernels import load

PanelOf = Callable[..., Panel]
LEVELS = (0.025, 0.5, 0.975)


def fan(median: float, below: float, above: float) -> np.ndarray:
    """(1, 2, 1, 3) two steps alike."""
    return np.full((1, 2, 1, 3), float(median)) + np.array([-below, 0, above])


def astray(values_BHCQ: np.ndarray, guard_BHCQ: np.ndarray, levels: tuple[float, ...] = LEVELS) -> np.ndarray:
    pulled = pull(values_BHCQ, guard_BHCQ, levels)
    return np.zeros((len(values_BHCQ), values_BHCQ.shape[2]), np.bool_) if pulled is None else pulled.astray_BC


@pytest.mark.parametrize(("median", "far"), [(3.9, False), (4.1, True), (-3.9, False), (-4.1, True)])
@pytest.mark.parametrize("sides", [(2.0, 1.0), (1.0, 2.0)])
def test_a_median_far_outside_the_wider_half_of_the_interval_is_astray(
    sides: tuple[float, float], median: float, far: bool
) -> None:
    assert FAR == 2
    assert astray(fan(median, 9, 9), fan(0, *sides)).item() is far


def test_one_step_is_enough_and_targets_are_apart() -> None:
    guard_BHCQ = np.concatenate([fan(0, 1, 1), fan(0, 1, 1)], axis=2)
    values_BHCQ = guard_BHCQ.copy()
    values_BHCQ[0, 1, 1] += 2.1
    assert astray(values_BHCQ, guard_BHCQ).tolist() == [[False, True]]


def test_other_levels_stand_for_the_same_interval() -> None:
    guard_BHCQ = fan(0, 1.2815515655, 1.2815515655)  # 80 % of a normal distribution of standard deviation 1
    for median, far in ((3.9, False), (3.93, True)):
        assert astray(fan(median, 1, 1), guard_BHCQ, (0.1, 0.5, 0.9)).item() is far


def test_a_guard_that_says_nothing_or_the_median_alone_pulls_nothing_back() -> None:
    assert not astray(fan(99, 1, 1), np.full((1, 2, 1, 3), np.nan)).any()
    assert not astray(np.full((1, 2, 1, 3), np.nan), fan(0, 1, 1)).any()
    assert not astray(fan(99, 1, 1)[..., 1:2], fan(0, 1, 1)[..., 1:2], (0.5,)).any()


@pytest.mark.parametrize(("below", "above", "factor"), [(3.0, 4.0, 1.0), (40.0, 5.0, WIDEST / 40)])
def test_the_interval_moves_along_and_has_its_width_within_reason(below: float, above: float, factor: float) -> None:
    pulled = pull(fan(99, below, above), fan(7, 1, 0.5), LEVELS)
    assert pulled is not None
    moved_BHCQ = pulled.quantiles(fan(99, below, above))
    np.testing.assert_allclose(moved_BHCQ, fan(7, factor * below, factor * above))
    paths_BSHC = np.moveaxis(fan(99, below, above), -1, 1)
    np.testing.assert_allclose(pulled.paths(paths_BSHC), np.moveaxis(moved_BHCQ, -1, 1))


def test_only_what_went_astray_moves() -> None:
    values_BHCQ = np.concatenate([fan(1, 5, 5), fan(99, 5, 5)], axis=0)
    values_BHCQ = np.concatenate([values_BHCQ, values_BHCQ[::-1]], axis=2)
    pulled = pull(values_BHCQ, np.concatenate([np.concatenate([fan(0, 1, 1)] * 2, axis=2)] * 2), LEVELS)
    assert pulled is not None
    moved_BHCQ = pulled.quantiles(values_BHCQ)
    np.testing.assert_array_equal(moved_BHCQ[[0, 1], :, [0, 1]], values_BHCQ[[0, 1], :, [0, 1]])
    np.testing.assert_allclose(moved_BHCQ[[0, 1], :, [1, 0]], np.concatenate([fan(0, 5, 5)] * 2)[:, :, 0])


# ---------------------------------------------------------------- in a blend


@dataclass(frozen=True)
class Astray(TrainedCandidate):
    """A candidate that loses its head in the series of an id."""

    victim: str = "s1"

    def forecast(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray, known_N: np.ndarray) -> np.ndarray:
        values_BHCQ = super().forecast(panel, series_B, origin_B, known_N)
        hit_B = np.array([panel.ids[n] == self.victim for n in series_B])
        return np.where(hit_B[:, None, None, None], values_BHCQ * 1e3, values_BHCQ)


def led_astray(model: Forecaster) -> Forecaster:
    other = model.clone(fitted=True)
    blend = model.fitted_.blend.each(lambda one: Astray(**vars(one)))
    other.fitted_ = replace(model.fitted_, blend=blend)
    return other


@pytest.fixture(scope="module")
def model(panel_of: PanelOf) -> Forecaster:
    if load() is None:
        pytest.skip("the kernels are not built")
    rng = np.random.default_rng(0)
    panel = panel_of([30 + rng.normal(size=60).cumsum() for _ in range(3)])
    quick = {"training": {"max_epochs": 1, "steps_per_epoch": 2}, "members": 1, "progress": False}
    return Forecaster(3, quantiles=LEVELS, **quick).fit(panel)  # type: ignore[arg-type]


def test_a_series_in_which_a_network_goes_astray_has_the_median_of_the_gate(model: Forecaster) -> None:
    usual, made = model.predict(), led_astray(model).predict()
    gate = Blend((model.fitted_.blend.experts[-1],))
    alone = replace(model.fitted_, blend=gate)
    panel = model.panel_
    alone_HCQ = alone.forecast(panel, np.arange(3), panel.stop - 1)[1]
    np.testing.assert_allclose(made.values_NHCQ[1, ..., 1], alone_HCQ[..., 1], rtol=1e-6)
    width_HC, alone_HC = (values[..., -1] - values[..., 0] for values in (made.values_NHCQ[1], alone_HCQ))
    assert (width_HC > alone_HC).all()
    assert (width_HC < 2 * WIDEST * alone_HC).all(), "the wider half tells how far both reach"
    np.testing.assert_array_equal(made.values_NHCQ[[0, 2]], usual.values_NHCQ[[0, 2]])
    assert (usual.guarded, made.guarded) == ((), ("s1",))


def test_sample_paths_too(model: Forecaster) -> None:
    usual, made = (one.sample(paths=40, seed=1).values_NSHC for one in (model, led_astray(model)))
    np.testing.assert_array_equal(made[[0, 2]], usual[[0, 2]])
    assert np.abs(made[1]).max() < 20 * np.abs(usual[1]).max(), "a thousand times as much without the guard"


@pytest.mark.parametrize("kind", ["past", "future"])
def test_what_a_covariate_tells_a_network_is_no_error(panel_of: PanelOf, kind: str) -> None:
    """The gate reads none: it cannot tell a holiday that is known in advance from a network that goes astray."""
    if load() is None:
        pytest.skip("the kernels are not built")
    rng = np.random.default_rng(0)
    schema = Schema(("y",), **{kind: (Column("promo"),)})  # type: ignore[arg-type]
    panel = panel_of([np.stack([30 + rng.normal(size=60).cumsum(), rng.random(60)], axis=1) for _ in range(3)], schema)
    quick = {"training": {"max_epochs": 1, "steps_per_epoch": 2}, "members": 1, "progress": False}
    model = led_astray(Forecaster(3, quantiles=LEVELS, **quick).fit(panel))  # type: ignore[arg-type]
    made = model.predict(future={"promo": 0.5} if kind == "future" else None)
    assert made.guarded == ()
    assert np.abs(made.values_NHCQ[1]).max() > 10 * np.abs(made.values_NHCQ[0]).max()
