"""What holds of every expert, trained or not; and that an expert of any kind moves a blend by its weight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.ensemble.blend import Blend, SeriesWeights
from gatecast.ensemble.expert import Expert, SmoothingExpert
from gatecast.errors import ModelFileError
from gatecast.forecaster import Forecaster
from gatecast.model.config import LSTMConfig
from gatecast.training.config import TrainingConfig

PanelOf = Callable[..., Panel]
pytestmark = pytest.mark.usefixtures("one_thread")
H, C = 3, 2
LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
SCHEMA = Schema(("y", "z"), past=(Column("rain"),), future=(Column("kind", ("a", "b")),))
QUICK = TrainingConfig(max_epochs=2, steps_per_epoch=2, batch_size=16)


@dataclass(frozen=True)
class LastValue:
    """A toy: the last value goes on. It reads one step and knows no intervals."""

    median_only = True
    history_needed = 1

    def describe(self) -> str:
        return "last value"

    def forecast(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray, known_N: np.ndarray) -> np.ndarray:
        return np.repeat(panel.target_RC[origin_B].astype(np.float64)[:, None, :, None], H, axis=1)


@dataclass(frozen=True)
class Window:
    """Another toy: quantiles of the last twelve values, the same for every step."""

    median_only = False
    history_needed = 12

    def describe(self) -> str:
        return "quantiles of twelve values"

    def forecast(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray, known_N: np.ndarray) -> np.ndarray:
        recent_BLC = panel.target_RC[origin_B[:, None] + np.arange(-11, 1)].astype(np.float64)
        quantiles_BCQ = np.moveaxis(np.quantile(recent_BLC, LEVELS, axis=1), 0, -1)
        return np.repeat(quantiles_BCQ[:, None], H, axis=1)


TRAINED: dict[str, dict[str, Any]] = {
    "as it is": {"scaling": "none"},
    "difference": {"scaling": "difference+standard", "members": 2},
    "log season": {"scaling": "log+seasonal-difference:4/2+standard"},
    "fitted": {"scaling": "log+standard+fitted"},
    "category": {"scaling": "category-difference:kind/3+standard"},
    "smoothing as reference": {"scaling": "log+smooth:4/0.3/0.2+standard"},
    "point loss": {"scaling": "last", "training": replace(QUICK, loss="mae")},
    "deep": {"scaling": "mean", "network": LSTMConfig(hidden_size=3, num_layers=2, skip=2)},
    "padded": {"scaling": "difference+standard", "lookback": None},
}
OTHERS: dict[str, Callable[[], Expert]] = {
    "smoothing": lambda: SmoothingExpert(H, 1),
    "smoothing with a season": lambda: SmoothingExpert(H, 4),
    "toy median": LastValue,
    "toy quantiles": Window,
}
NAMES = (*TRAINED, *OTHERS)
every_expert = pytest.mark.parametrize("name", NAMES)


def table(panel_of: PanelOf, seed: int = 1, lengths: tuple[int, ...] = (60, 45, 52)) -> Panel:
    """Positive walks with a season of four steps, a past covariate and a category that is known ahead."""
    rng = np.random.default_rng(seed)
    season_T = 0.3 * np.sin(np.arange(max(lengths)) * np.pi / 2)
    tables = [
        np.column_stack(
            [
                np.exp(2 + 0.05 * rng.normal(size=(T, C)).cumsum(axis=0) + season_T[:T, None]),
                rng.normal(size=T),
                np.eye(2)[rng.integers(0, 2, T)],
            ]
        )
        for T in lengths
    ]  # fmt: skip
    return panel_of(tables, SCHEMA)


@cache
def fitted(panel_of: PanelOf, name: str) -> Forecaster:
    """A trained candidate alone; tests leave it as it is."""
    usual: dict[str, Any] = {
        "lookback": 8, "network": LSTMConfig(hidden_size=4, skip=2), "training": QUICK, "members": 1,
        "quantiles": LEVELS, "progress": False,
    }  # fmt: skip
    return Forecaster(H, **usual | TRAINED[name]).fit(table(panel_of, seed=0))


def expert(panel_of: PanelOf, name: str) -> Expert:
    return fitted(panel_of, name).fitted_.main if name in TRAINED else OTHERS[name]()


def asked(panel: Panel, *steps_before_the_end: int) -> tuple[np.ndarray, np.ndarray]:
    """Series and origins (B,): so many steps before the end of every series."""
    series_B = np.repeat(np.arange(len(panel)), len(steps_before_the_end))
    origin_B = (panel.stop[:, None] - 1 - np.array(steps_before_the_end)).ravel()
    return series_B, origin_B


def forecast(one: Expert, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
    """With statistics from what lies before every origin alone."""
    known_N = panel.length.copy()
    np.minimum.at(known_N, series_B, origin_B + 1 - panel.first[series_B])
    return one.forecast(panel, series_B, origin_B, known_N)


# ---------------------------------------------------------------- what holds of every expert


@every_expert
def test_a_forecast_has_a_row_for_every_origin_and_quantiles_or_the_median(panel_of: PanelOf, name: str) -> None:
    one, panel = expert(panel_of, name), table(panel_of)
    series_B, origin_B = asked(panel, 3, 9)
    values_BHCQ = forecast(one, panel, series_B, origin_B)
    assert values_BHCQ.shape == (6, H, C, 1 if one.median_only else len(LEVELS))
    assert values_BHCQ.dtype in (np.float32, np.float64)
    assert np.isfinite(values_BHCQ).all()
    assert (np.diff(values_BHCQ, axis=-1) >= 0).all()
    times_BHC = values_BHCQ[..., values_BHCQ.shape[-1] // 2] / panel.target_RC[origin_B][:, None]
    assert (times_BHC > 0.1).all(), "in the data's own unit"
    assert (times_BHC < 10).all(), "in the data's own unit"
    assert forecast(one, panel, series_B[:0], origin_B[:0]).shape == (0, *values_BHCQ.shape[1:])


@every_expert
def test_it_says_what_it_is_in_one_line(panel_of: PanelOf, name: str) -> None:
    one = expert(panel_of, name)
    assert one.describe().strip()
    assert "\n" not in one.describe()
    assert isinstance(one.median_only, bool)
    assert one.history_needed is None or one.history_needed >= 1


@every_expert
def test_the_order_of_series_and_origins_does_not_matter(panel_of: PanelOf, name: str) -> None:
    one, panel = expert(panel_of, name), table(panel_of)
    series_B, origin_B = asked(panel, 3, 9)
    straight = forecast(one, panel, series_B, origin_B)
    order_B = np.random.default_rng(0).permutation(6)
    np.testing.assert_allclose(forecast(one, panel, series_B[order_B], origin_B[order_B]), straight[order_B], rtol=1e-5)
    order_N = np.array([2, 0, 1])
    moved = panel.select(order_N)
    np.testing.assert_allclose(
        forecast(one, moved, *asked(moved, 3, 9)).reshape(3, 2, *straight.shape[1:]),
        straight.reshape(3, 2, *straight.shape[1:])[order_N],
        rtol=1e-5,
    )


@every_expert
def test_one_series_and_one_origin_at_a_time_give_the_same(panel_of: PanelOf, name: str) -> None:
    one, panel = expert(panel_of, name), table(panel_of)
    series_B, origin_B = asked(panel, 3, 9)
    known_N = panel.length - 9
    together = one.forecast(panel, series_B, origin_B, known_N)
    for b in range(6):
        alone = panel.select(series_B[[b]])
        at = alone.first + origin_B[b] - panel.first[series_B[b]]
        np.testing.assert_allclose(
            one.forecast(alone, np.zeros(1, np.int64), at, known_N[series_B[[b]]])[0], together[b], rtol=1e-5
        )


@every_expert
@pytest.mark.parametrize("put", [np.nan, np.inf, 1e30, 1.0, 1e3])
@pytest.mark.parametrize("seen", [True, False], ids=["known series", "new series"])
def test_rows_after_the_origin_change_nothing(panel_of: PanelOf, name: str, put: float, seen: bool) -> None:
    """Targets and past covariates; the category is known ahead. A later origin of the same series may read more."""
    one, panel = expert(panel_of, name), table(panel_of)
    if not seen:
        panel = replace(panel, ids=("new", "newer", "newest"))
    plausible = 0 < put < 1e6
    series_B, origin_B = asked(panel, 12, *(4 for _ in range(plausible)))
    each = slice(None, None, 1 + plausible)
    before = forecast(one, panel, series_B, origin_B)
    values_RV = panel.values_RV.copy()
    for stop in panel.stop:
        values_RV[stop - 12 : stop, : C + 1] = put
    after = forecast(one, replace(panel, values_RV=values_RV), series_B, origin_B)
    assert after[each].tobytes() == before[each].tobytes()
    earlier_RV = panel.values_RV.copy()
    earlier_RV[origin_B[each], :C] *= 1.1
    moved = forecast(one, replace(panel, values_RV=earlier_RV), series_B, origin_B)
    assert (moved[each] != before[each]).any(axis=(1, 2, 3)).all(), "the origin itself is read"


@every_expert
def test_the_history_that_it_needs_is_enough(panel_of: PanelOf, name: str) -> None:
    one, panel = expert(panel_of, name), table(panel_of, lengths=(90, 75, 82))
    series_B, origin_B = asked(panel, H)
    whole = forecast(one, panel, series_B, origin_B)
    if one.history_needed is None:  # all of it, which is whole
        return
    cut = panel.slice(panel.length - H - one.history_needed, panel.length)
    assert cut.length.tolist() == [one.history_needed + H] * 3
    assert forecast(one, cut, series_B, origin_B).tobytes() == whole.tobytes()


@every_expert
def test_it_leaves_the_data_alone(panel_of: PanelOf, name: str) -> None:
    one, panel = expert(panel_of, name), table(panel_of)
    series_B, origin_B = asked(panel, 3)
    kept = panel.values_RV.tobytes(), series_B.tobytes(), origin_B.tobytes()
    first = forecast(one, panel, series_B, origin_B)
    assert (panel.values_RV.tobytes(), series_B.tobytes(), origin_B.tobytes()) == kept
    assert forecast(one, panel, series_B, origin_B).tobytes() == first.tobytes(), "the same again"


def test_a_smoothing_that_has_seen_no_value_says_so(panel_of: PanelOf) -> None:
    y = np.column_stack([np.arange(30.0), np.r_[np.full(20, np.nan), np.arange(10.0)]])
    values_BHC1 = forecast(SmoothingExpert(H, 1), panel_of([y], Schema(("y", "z"))), *map(np.array, ([0], [15])))
    assert np.isfinite(values_BHC1[0, :, 0]).all()
    assert np.isnan(values_BHC1[0, :, 1]).all()


# ---------------------------------------------------------------- in a blend


def blended(panel_of: PanelOf, toy: Expert, weight: float, **more: Any) -> tuple[Forecaster, Blend]:
    model = fitted(panel_of, "difference").clone(fitted=True)
    blend = Blend((model.fitted_.main, toy), (1 - weight, weight), **more)
    model.fitted_ = replace(model.fitted_, blend=blend)
    return model, blend


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_a_toy_without_quantiles_moves_the_median_by_its_weight(panel_of: PanelOf, weight: float) -> None:
    model, _ = blended(panel_of, LastValue(), weight)
    panel = table(panel_of)
    trained = fitted(panel_of, "difference").predict(panel, future={"kind": "a"}).values_NHCQ
    values = model.predict(panel, future={"kind": "a"}).values_NHCQ
    last_NHC = np.repeat(panel.target_RC[panel.stop - 1][:, None], H, axis=1)
    median_NHC = (1 - weight) * trained[..., 2] + weight * last_NHC
    np.testing.assert_allclose(values[..., 2], median_NHC, rtol=1e-5)
    factor_NHC1 = (median_NHC / trained[..., 2])[..., None]
    np.testing.assert_allclose(
        values, trained * factor_NHC1, rtol=1e-5, err_msg="all that is above 0 moves by a factor"
    )
    assert weight == 0 or np.abs(values - trained).max() > 0.01


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_a_toy_with_quantiles_moves_every_quantile_by_its_weight(panel_of: PanelOf, weight: float) -> None:
    model, _ = blended(panel_of, Window(), weight)
    panel = table(panel_of)
    trained = fitted(panel_of, "difference").predict(panel, future={"kind": "a"}).values_NHCQ
    window = Window().forecast(panel, np.arange(3), panel.stop - 1, panel.length)
    values = model.predict(panel, future={"kind": "a"}).values_NHCQ
    np.testing.assert_allclose(values, (1 - weight) * trained + weight * window, rtol=1e-5)


def test_what_a_toy_cannot_say_is_what_the_others_say(panel_of: PanelOf) -> None:
    class Silent(LastValue):
        def forecast(self, panel: Panel, series_B: np.ndarray, *rest: Any) -> np.ndarray:
            return np.where(series_B[:, None, None, None] == 1, np.nan, super().forecast(panel, series_B, *rest))

    model, _ = blended(panel_of, Silent(), 0.5)
    panel = table(panel_of)
    trained = fitted(panel_of, "difference").predict(panel, future={"kind": "a"}).values_NHCQ
    values = model.predict(panel, future={"kind": "a"}).values_NHCQ
    np.testing.assert_allclose(values[1], trained[1], rtol=1e-6)
    assert (np.abs(values[[0, 2]] / trained[[0, 2]] - 1).max(axis=(1, 2, 3)) > 1e-4).all()


def test_a_series_may_have_weights_of_its_own_for_a_toy(panel_of: PanelOf) -> None:
    own = SeriesWeights(("s1",), np.array([[0.0, 1.0]], np.float32))
    model, _ = blended(panel_of, LastValue(), 0.0, own=own)
    panel = table(panel_of)
    trained = fitted(panel_of, "difference").predict(panel, future={"kind": "a"}).values_NHCQ
    values = model.predict(panel, future={"kind": "a"}).values_NHCQ
    np.testing.assert_allclose(values[[0, 2]], trained[[0, 2]], rtol=1e-6)
    last_HC = np.repeat(panel.target_RC[panel.stop[[1]] - 1], H, axis=0)
    np.testing.assert_allclose(values[1, ..., 2], last_HC, rtol=1e-5)


def test_a_blend_reads_as_much_as_its_neediest_expert(panel_of: PanelOf) -> None:
    main = fitted(panel_of, "difference").fitted_.main
    assert main.history_needed is not None
    assert main.history_needed > 12
    assert Blend((main, LastValue()), (0.5, 0.5)).history_needed == main.history_needed
    assert Blend((main, replace(SmoothingExpert(H, 1))), (0.5, 0.5)).history_needed is None

    class Far(LastValue):
        history_needed = 500

    assert Blend((main, Far()), (0.5, 0.5)).history_needed == 500


def test_a_blend_tells_of_a_toy(panel_of: PanelOf) -> None:
    model, blend = blended(panel_of, LastValue(), 0.25)
    assert blend.described() == [(0.75, model.plan_.describe()), (0.25, "last value")]
    assert (blend.main, blend.trained) == (model.fitted_.main, (model.fitted_.main,))
    assert model.fitted_.blended


def test_paths_follow_the_blend_that_a_toy_moves(panel_of: PanelOf) -> None:
    model, _ = blended(panel_of, LastValue(), 0.8)
    panel, ahead = table(panel_of), {"kind": "a"}
    quantiles_NHCQ = model.predict(panel, future=ahead).values_NHCQ
    paths_NSHC = model.sample(panel, future=ahead, paths=2000).values_NSHC
    width_NHC = quantiles_NHCQ[..., 4] - quantiles_NHCQ[..., 0]
    assert (np.abs(np.median(paths_NSHC, axis=1) - quantiles_NHCQ[..., 2]) < 0.1 * width_NHC).all()


def test_a_model_with_an_expert_that_files_do_not_know_is_not_saved(panel_of: PanelOf, tmp_path: Path) -> None:
    model, _ = blended(panel_of, LastValue(), 0.25)
    with pytest.raises(ModelFileError, match=r"add up to 0.75, not to 1\. The model was not saved\.$"):
        model.save(tmp_path / "m.gatecast")
