"""Backtests against a plain loop over folds and origins; what is kept after a stop, and in a folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gatecast.backtesting.adaptive import adapted
from gatecast.backtesting.backtest import Backtest, backtest
from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.errors import ConfigError, ModelFileError, WindowError
from gatecast.forecaster import Forecaster
from gatecast.progress import Silent
from gatecast.statistical.rivals import Rival
from gatecast.training.loop import Loop

PanelOf = Callable[..., Panel]
pytestmark = pytest.mark.usefixtures("one_thread")


def quick(horizon: int = 3, kind: type[Forecaster] = Forecaster, **changes: Any) -> Forecaster:
    settings: dict[str, Any] = {
        "lookback": 8,
        "scaling": "difference+standard",
        "network": {"hidden_size": 4, "skip": 2},
        "training": {"max_epochs": 2, "steps_per_epoch": 2, "batch_size": 16},
        "members": 1,
        "progress": False,
    }
    settings["training"] |= changes.pop("training", {})
    return kind(horizon, **settings | changes)


@pytest.fixture
def ragged(panel_of: PanelOf) -> Panel:
    """Three series of different length and level."""
    rng = np.random.default_rng(2)
    return panel_of([20 * n + rng.normal(size=steps).cumsum() for n, steps in enumerate((44, 36, 50))])


@dataclass
class Calls:
    """What a backtest asked of its forecasters, in order."""

    fit: list[Panel] = field(default_factory=list)
    refit_on: list[Panel] = field(default_factory=list)
    forecast_from: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    seen = Calls()
    fit, refit_on, forecast_from = Forecaster.fit, Forecaster.refit_on, Forecaster.forecast_from

    def watched_fit(self: Forecaster, data: Any, *words: Any, **named: Any) -> Forecaster:
        seen.fit.append(data)
        return fit(self, data, *words, **named)

    def watched_refit_on(self: Forecaster, data: Any, *words: Any, **named: Any) -> Forecaster:
        seen.refit_on.append(data)
        return refit_on(self, data, *words, **named)

    def watched_forecast_from(self: Forecaster, panel: Panel, series_B: Any, origin_B: Any) -> np.ndarray:
        seen.forecast_from.append((series_B, origin_B))
        return forecast_from(self, panel, series_B, origin_B)

    monkeypatch.setattr(Forecaster, "fit", watched_fit)
    monkeypatch.setattr(Forecaster, "refit_on", watched_refit_on)
    monkeypatch.setattr(Forecaster, "forecast_from", watched_forecast_from)
    return seen


def stopped_at(monkeypatch: pytest.MonkeyPatch, name: str, number: int) -> Silent:
    """A listener that stops the work at the beginning of a method's call with that number, 1 the first."""
    listener, count, method = Silent(), iter(range(1, 1000)), getattr(Forecaster, name)

    def stopping(self: Forecaster, *words: Any, **named: Any) -> Any:
        if next(count) == number:
            listener.stop.set()
        return method(self, *words, **named)

    monkeypatch.setattr(Forecaster, name, stopping)
    return listener


def stopped_in_epoch(monkeypatch: pytest.MonkeyPatch, when: Callable[[], bool]) -> Silent:
    """A listener that stops a training at the beginning of an epoch."""
    listener, steps = Silent(), Loop.steps

    def stopping(self: Loop) -> Any:
        if when():
            listener.stop.set()
        return steps(self)

    monkeypatch.setattr(Loop, "steps", stopping)
    return listener


def blocks(made: Backtest) -> np.ndarray:
    """(N, O, H, C, Q) forecasts."""
    values = made.evaluation.forecast_BHCQ
    return values.reshape(len(made.evaluation.panel), made.origins, *values.shape[1:])


# ---------------------------------------------------------------- the same as a plain loop


@pytest.mark.parametrize("window", ["expanding", "sliding"])
@pytest.mark.parametrize("refit", [False, True, 2])
def test_a_backtest_equals_a_plain_loop(ragged: Panel, refit: bool | int, window: Any) -> None:
    horizon, origins, stride = 3, 5, 2
    made = backtest(quick(), ragged, origins=origins, stride=stride, refit=refit, window=window, progress=False)
    size = origins if refit is False else int(refit)
    for o in range(origins):
        first_of_fold = o - o % size
        # steps of each series up to origin o, which is ``origins - 1 - o`` strides before the last one
        known = [int(T) - horizon - (origins - 1 - first_of_fold) * stride for T in ragged.length]
        begin = first_of_fold * stride if window == "sliding" else 0
        model = quick().fit(ragged.slice(begin, np.array(known)))
        for n in range(len(ragged)):
            past = int(ragged.length[n]) - horizon - (origins - 1 - o) * stride
            alone = model.predict(ragged.slice(0, past).select([n])).values_NHCQ[0]
            np.testing.assert_allclose(blocks(made)[n, o], alone, rtol=1e-5)
            b = n * origins + o
            np.testing.assert_array_equal(
                made.scores.truth_BHC[b, :, 0], ragged.series(n)[past : past + horizon, 0].astype(np.float64)
            )
            assert (made.evaluation.series_B[b], made.evaluation.origin_B[b]) == (n, ragged.first[n] + past - 1)
    assert (made.origins, made.planned, made.stride, made.interrupted) == (origins, origins, stride, False)
    assert [(r.fold.begin, r.fold.end) for r in made.folds] == [
        (o, min(o + size, origins)) for o in range(0, origins, size)
    ]
    np.testing.assert_allclose(made.scores.forecasts["lstm"], made.evaluation.forecast_BHCQ[..., 2])


def test_future_covariates_are_those_of_each_origin(panel_of: PanelOf) -> None:
    rng = np.random.default_rng(1)
    promo = rng.normal(size=60)
    schema = Schema(("y",), future=(Column("promo"),))
    panel = panel_of([np.column_stack([3 * promo + rng.normal(0, 0.1, 60), promo])], schema)
    made = backtest(quick(scaling="standard"), panel, origins=4, stride=5, progress=False)
    first = int(made.evaluation.origin_B[0])
    model = quick(scaling="standard").fit(panel.slice(0, first + 1))
    for b, origin in enumerate(made.evaluation.origin_B):
        future = panel.slice(int(origin) + 1, int(origin) + 4).future
        alone = model.predict(panel.slice(0, int(origin) + 1), future=future).values_NHCQ[0]
        np.testing.assert_allclose(made.evaluation.forecast_BHCQ[b], alone, rtol=1e-5)


@pytest.mark.parametrize("refit", [False, True, 2])
def test_one_pass_forecasts_all_origins_of_a_fold_and_nothing_is_copied(
    ragged: Panel, calls: Calls, refit: bool | int
) -> None:
    made = backtest(quick(), ragged, origins=5, stride=2, refit=refit, progress=False)
    assert len(calls.forecast_from) == len(made.folds) == len(calls.fit)
    assert [len(origin_B) for _, origin_B in calls.forecast_from] == [
        3 * (r.fold.end - r.fold.begin) for r in made.folds
    ]
    assert all(train.values_RV is ragged.values_RV for train in calls.fit)
    assert made.evaluation.panel.values_RV is ragged.values_RV


def test_an_expanding_window_grows_and_a_sliding_one_does_not(ragged: Panel, calls: Calls) -> None:
    made = backtest(quick(), ragged, origins=3, stride=4, refit=True, progress=False)
    assert [train.length.tolist() for train in calls.fit] == [[33, 25, 39], [37, 29, 43], [41, 33, 47]]
    assert [record.steps for record in made.folds] == [97, 109, 121]
    calls.fit.clear()
    made = backtest(quick(), ragged, origins=3, stride=4, refit=True, window="sliding", progress=False)
    assert [train.length.tolist() for train in calls.fit] == [[33, 25, 39]] * 3
    assert [(train.first - ragged.first).tolist() for train in calls.fit] == [[0] * 3, [4] * 3, [8] * 3]
    assert [record.steps for record in made.folds] == [97] * 3


def test_the_model_that_is_given_stays_as_it_is(ragged: Panel) -> None:
    model = quick()
    before = dict(vars(model))
    made = backtest(model, ragged, origins=2, refit=True, progress=False)
    assert vars(model) == before
    assert made.model is not model
    fitted = quick().fit(ragged.slice(0, 30))
    known, forecast = dict(vars(fitted)), fitted.predict().values_NHCQ.tobytes()
    again = backtest(fitted, ragged, origins=2, refit=True, warm=True, progress=False)
    assert vars(fitted) == known
    assert fitted.predict().values_NHCQ.tobytes() == forecast
    first = backtest(quick(), ragged, origins=2, refit=True, warm=True, progress=False)
    np.testing.assert_array_equal(blocks(again), blocks(first), err_msg="what was learned before plays no part")


def test_a_clone_shares_nothing_learned_unless_asked(ragged: Panel) -> None:
    class Mine(Forecaster):
        extra = 0

    model = quick(kind=Mine)
    model.extra = 3  # type: ignore[attr-defined]
    model.fit(ragged)
    twin, learned = model.clone(), model.clone(fitted=True)
    for one in (twin, learned):
        assert type(one) is Mine
        assert one.extra == 3
        assert (one.horizon, one.lookback, one.scaling, one.quantiles) == (3, 8, model.scaling, model.quantiles)
    assert not [name for name in vars(twin) if name.endswith("_")]
    with pytest.raises(ConfigError, match="not fitted yet"):
        twin.predict(ragged)
    before = model.predict(ragged).values_NHCQ.tobytes()
    assert learned.predict(ragged).values_NHCQ.tobytes() == before
    learned.refit_on(ragged.slice(0, 30))
    twin.fit(ragged.slice(0, 25))
    assert model.predict(ragged).values_NHCQ.tobytes() == before
    assert model.panel_ is ragged


# ---------------------------------------------------------------- scores


def test_scores_of_series_and_origins_go_together_with_the_overall_ones(ragged: Panel) -> None:
    made = backtest(quick(), ragged, origins=4, stride=2, progress=False)
    series, origins = made.per_series(), made.per_origin()
    assert list(series) == ["s0", "s1", "s2"]
    assert list(origins) == [0, 1, 2, 3]
    for method in ("lstm", "naive", "mean"):
        for metric in ("mae", "mase", "smape"):
            overall = made.scores.table[method][metric]
            assert np.mean([table[method][metric] for table in series.values()]) == pytest.approx(overall)
            assert np.mean([table[method][metric] for table in origins.values()]) == pytest.approx(overall)
    error = np.abs(blocks(made)[..., 0, 2] - made.scores.truth_BHC.reshape(3, 4, 3)).mean(axis=2)
    assert [table["lstm"]["mae"] for table in series.values()] == pytest.approx(error.mean(axis=1))
    assert [table["lstm"]["mae"] for table in origins.values()] == pytest.approx(error.mean(axis=0))


def test_all_but_the_forecasts_is_plain_data(ragged: Panel) -> None:
    made = backtest(quick(), ragged, origins=4, stride=2, refit=3, window="sliding", progress=False)
    found = json.loads(json.dumps(made.to_dict(), allow_nan=False))
    assert [fold["origins"] for fold in found["folds"]] == [[0, 3], [3, 4]]
    assert {key: found[key] for key in ("origins", "planned", "stride", "refit", "window", "adaptive")} == {
        "origins": 4, "planned": 4, "stride": 2, "refit": 3, "window": "sliding", "adaptive": False,
    }  # fmt: skip
    assert found["scores"]["lstm"]["mae"] == pytest.approx(made.scores.table["lstm"]["mae"])
    assert (found["left_out"], found["notes"], found["series"]) == ([], [], 3)
    assert str(made) == str(made.scores)


def test_adaptive_intervals_follow_from_origin_to_origin(ragged: Panel) -> None:
    settings: dict[str, Any] = {"origins": 6, "stride": 1, "refit": 4, "progress": False}
    plain, followed = backtest(quick(), ragged, **settings), backtest(quick(), ragged, adaptive=True, **settings)
    truth = np.array([[ragged.series(n)[T - 8 + o : T - 5 + o] for o in range(6)] for n, T in enumerate(ragged.length)])
    wanted = adapted(blocks(plain), truth, (0.025, 0.1, 0.5, 0.9, 0.975), 1)
    np.testing.assert_array_equal(blocks(followed), wanted)
    assert (blocks(followed) != blocks(plain)).any()
    np.testing.assert_array_equal(blocks(followed)[..., 2], blocks(plain)[..., 2])
    assert (followed.adaptive, plain.adaptive) == (True, False)


# ---------------------------------------------------------------- which series, which origins


def test_series_that_are_too_short_are_left_out_and_named(panel_of: PanelOf) -> None:
    rng = np.random.default_rng(0)
    panel = panel_of([rng.normal(size=steps).cumsum() for steps in (40, 10, 45, 8)])
    made = backtest(quick(lookback=None), panel, origins=3, stride=3, progress=False)
    assert made.evaluation.panel.ids == ("s0", "s2")
    assert made.left_out == ("s1", "s3")
    assert made.notes == ("2 of 4 series are too short and left out: s1, s3.",)
    assert str(made).endswith(made.notes[0])
    assert set(made.per_series()) == {"s0", "s2"}
    with pytest.raises(WindowError, match="no series has more than 58 steps, which 3 origins of 3 steps, 27 apart"):
        backtest(quick(), panel, origins=3, stride=27, progress=False)


def test_rows_after_the_last_target_are_no_truth(panel_of: PanelOf) -> None:
    y = np.random.default_rng(0).normal(size=40).cumsum()
    longer = panel_of([np.concatenate([y, np.full(5, np.nan)])])
    made, wanted = (backtest(quick(), panel, origins=2, progress=False) for panel in (longer, panel_of([y])))
    np.testing.assert_array_equal(blocks(made), blocks(wanted))
    np.testing.assert_array_equal(made.scores.truth_BHC, wanted.scores.truth_BHC)


@pytest.mark.parametrize(("steps", "origins", "stride"), [(60, 4, 3), (60, 20, 1), (40, 9, 2)])
def test_the_stride_is_the_horizon_or_what_fits(panel_of: PanelOf, steps: int, origins: int, stride: int) -> None:
    panel = panel_of([np.random.default_rng(0).normal(size=steps).cumsum()])
    made = backtest(quick(), panel, origins=origins, progress=False)
    assert made.stride == made.scores.stride == stride
    assert np.diff(made.evaluation.origin_B).tolist() == [stride] * (origins - 1)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"origins": 0}, "origins must be at least 1; got 0"),
        ({"stride": -2}, "stride must be at least 1; got -2"),
        ({"refit": -1}, "refit must be False, True or a number of origins"),
        ({"window": "rolling"}, "window='rolling' is unknown"),
    ],
)
def test_settings_out_of_range_are_told(ragged: Panel, calls: Calls, wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        backtest(quick(), ragged, progress=False, **wrong)
    assert not calls.fit


def test_a_first_fold_too_short_for_intervals_is_told(panel_of: PanelOf) -> None:
    panel = panel_of([np.random.default_rng(0).normal(size=19).cumsum()])
    model = quick(lookback=2, scaling="difference", training={"loss": "mse"})
    with pytest.raises(WindowError, match=r"too short to hold something back.*the loss pinball, or validation=0"):
        backtest(model, panel, origins=4, stride=3, refit=True, progress=False)
    model = quick(lookback=2, scaling="difference", training={"loss": "mse", "validation": 0.0})
    assert blocks(backtest(model, panel, origins=4, stride=3, refit=True, progress=False)).shape[-1] == 1


# ---------------------------------------------------------------- warm


def test_a_warm_fold_goes_on_from_the_weights_of_the_one_before(
    ragged: Panel, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gatecast.ensemble import fitting as ensemble

    train_members = vars(ensemble)["train_members"]
    started: list[Any] = []
    ended: list[Any] = []

    def watched(job: Any, trainings: Any, all_weights: Any, *words: Any) -> Any:
        (weights,) = all_weights  # one member
        started.append(None if weights is None else {name: one.clone() for name, one in weights.items()})
        members = train_members(job, trainings, all_weights, *words)
        ended.append({name: one.clone() for name, one in members[0].network.state_dict().items()})
        return members

    monkeypatch.setattr(ensemble, "train_members", watched)
    model = quick(training={"start": "random", "max_epochs": 8, "lr": 0.02})
    made = backtest(model, ragged, origins=3, refit=True, warm=True, progress=False)
    assert made.model.fitted_.main.common_epoch > 0, "else there are no weights to go on from"
    # the first fold trains with a validation tail, then on everything; the others go on from there
    assert [weights is None for weights in started] == [True, True, False, False]
    for before, after in ((1, 2), (2, 3)):
        assert all(torch.equal(started[after][name], ended[before][name]) for name in ended[before])
        assert not all(torch.equal(ended[after][name], ended[before][name]) for name in ended[before])
    assert (len(calls.fit), len(calls.refit_on)) == (1, 2)
    assert [panel.length.tolist() for panel in calls.refit_on] == [[38, 30, 44], [41, 33, 47]]
    cold = backtest(model, ragged, origins=3, refit=True, progress=False)
    np.testing.assert_array_equal(blocks(made)[:, 0], blocks(cold)[:, 0])
    assert (blocks(made)[:, 1:] != blocks(cold)[:, 1:]).any()


# ---------------------------------------------------------------- stops


def test_a_stop_between_two_folds_keeps_the_ones_before(ragged: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = backtest(quick(), ragged, origins=5, stride=2, refit=2, progress=False)
    with monkeypatch.context() as patch:
        listener = stopped_at(patch, "forecast_from", 1)
        made = backtest(quick(), ragged, origins=5, stride=2, refit=2, progress=listener)
    assert (made.origins, made.planned, made.interrupted, len(made.folds)) == (2, 5, True, 1)
    assert made.notes == ("Interrupted: 2 of 5 origins are scored.",)
    np.testing.assert_array_equal(blocks(made), blocks(whole)[:, :2])
    assert made.evaluation.origin_B.tolist() == whole.evaluation.origin_B.reshape(3, 5)[:, :2].ravel().tolist()
    assert list(made.per_origin()) == [0, 1]
    assert made.per_origin()[1]["lstm"]["mae"] == pytest.approx(whole.per_origin()[1]["lstm"]["mae"])
    assert made.to_dict()["origins"] == 2


def test_a_stop_in_a_later_fold_ends_with_it(ragged: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = backtest(quick(), ragged, origins=5, stride=2, refit=2, progress=False)
    made = backtest(quick(), ragged, origins=5, stride=2, refit=2, progress=stopped_at(monkeypatch, "fit", 2))
    assert (made.origins, made.planned, made.interrupted, len(made.folds)) == (4, 5, True, 2)
    assert made.notes == ("Interrupted: 4 of 5 origins are scored.",)
    assert made.model.record_["interrupted"]
    np.testing.assert_array_equal(blocks(made)[:, :2], blocks(whole)[:, :2])
    assert np.isfinite(blocks(made)).all()


def test_a_stop_before_the_first_fold_scores_that_one(ragged: Panel) -> None:
    listener = Silent()
    listener.stop.set()
    made = backtest(quick(), ragged, origins=3, refit=True, progress=listener)
    assert (made.origins, made.notes) == (1, ("Interrupted: 1 of 3 origins are scored.",))


@pytest.mark.parametrize("number", [1, 2])
def test_a_second_ctrl_c_leaves_nothing_to_score(ragged: Panel, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    fit, count = Forecaster.fit, iter(range(1, 1000))
    monkeypatch.setattr(
        Forecaster, "fit", lambda *words, **named: _ctrl_c() if next(count) == number else fit(*words, **named)
    )  # fmt: skip
    with pytest.raises(KeyboardInterrupt):
        backtest(quick(), ragged, origins=3, refit=True, progress=False)


@pytest.mark.parametrize("refit", [False, 1])
def test_a_stop_inside_a_training_scores_what_it_has(
    ragged: Panel, monkeypatch: pytest.MonkeyPatch, refit: bool | int
) -> None:
    count = iter(range(100))
    listener = stopped_in_epoch(monkeypatch, lambda: next(count) == 1)
    made = backtest(quick(), ragged, origins=3, refit=refit, progress=listener)
    assert made.origins == (1 if refit else 3)
    assert made.model.record_["interrupted"]
    words = "1 of 3 origins are scored" if refit else "the last training was cut short; its forecasts are scored"
    assert made.notes == (f"Interrupted: {words}.",)


# ---------------------------------------------------------------- folder


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
@pytest.mark.parametrize("warm", [False, True])
def test_a_resumed_backtest_is_that_of_one_go(
    ragged: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: Calls, warm: bool, killed: bool
) -> None:
    model = quick(scaling="standard+fitted", training={"start": "random", "max_epochs": 4})
    settings: dict[str, Any] = {"origins": 5, "stride": 2, "refit": 2, "warm": warm, "progress": False}
    whole = backtest(model, ragged, **settings)
    with monkeypatch.context() as patch:
        if killed:
            fit, count = Forecaster.fit, iter(range(1, 1000))
            patch.setattr(Forecaster, "refit_on", _ctrl_c)
            patch.setattr(
                Forecaster, "fit", lambda *words, **named: fit(*words, **named) if next(count) == 1 else _ctrl_c()
            )  # fmt: skip
            with pytest.raises(KeyboardInterrupt):
                backtest(model, ragged, checkpoint=tmp_path / "bt", **settings)
        else:
            listener = stopped_at(patch, "forecast_from", 1)
            part = backtest(model, ragged, checkpoint=tmp_path / "bt", **settings | {"progress": listener})
            assert part.origins == 2
    names = ["backtest.json", "fold-000.gatecast", "fold-000.safetensors"]
    assert sorted(path.name for path in (tmp_path / "bt").iterdir()) == names
    for seen in (calls.fit, calls.refit_on, calls.forecast_from):
        seen.clear()
    done = backtest(model, ragged, checkpoint=tmp_path / "bt", **settings)
    assert (len(calls.fit), len(calls.refit_on), len(calls.forecast_from)) == ((0, 2, 2) if warm else (2, 0, 2))
    same(done, whole)
    again = backtest(model, ragged, checkpoint=tmp_path / "bt", **settings)
    assert (len(calls.fit), len(calls.refit_on), len(calls.forecast_from)) == ((0, 2, 2) if warm else (2, 0, 2))
    same(again, whole)
    assert again.folds == done.folds
    assert again.model.predict().values_NHCQ.tobytes() == whole.model.predict().values_NHCQ.tobytes()
    restored, kept = again.model.fitted_.main.validation_error, whole.model.fitted_.main.validation_error
    assert restored == kept > 0, "the file of the fold holds it"


def _ctrl_c(*_: Any, **__: Any) -> Any:
    raise KeyboardInterrupt


def same(made: Backtest, wanted: Backtest) -> None:
    """All but the time that it took."""
    assert made.evaluation.forecast_BHCQ.tobytes() == wanted.evaluation.forecast_BHCQ.tobytes()
    assert timeless(made.to_dict()) == timeless(wanted.to_dict())
    for one, other in zip(made.folds, wanted.folds, strict=True):
        assert timeless([vars(one)]) == timeless([vars(other)])


def timeless(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: timeless(item) for key, item in value.items() if key != "seconds"}
    return [timeless(item) for item in value] if isinstance(value, list) else repr(value)


def test_a_fold_without_its_forecasts_is_trained_again(ragged: Panel, tmp_path: Path, calls: Calls) -> None:
    settings: dict[str, Any] = {"origins": 3, "refit": True, "checkpoint": tmp_path, "progress": False}
    whole = backtest(quick(), ragged, **settings)
    (tmp_path / "fold-001.safetensors").unlink()
    (tmp_path / "fold-001.gatecast").write_bytes(b"half of a model")
    calls.fit.clear()
    same(backtest(quick(), ragged, **settings), whole)
    assert [train.length.tolist() for train in calls.fit] == [[38, 30, 44]]


def test_a_half_trained_fold_is_not_kept(
    ragged: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: Calls
) -> None:
    settings: dict[str, Any] = {"origins": 3, "refit": True, "checkpoint": tmp_path, "progress": False}
    with monkeypatch.context() as patch:
        listener = stopped_in_epoch(patch, lambda: len(calls.fit) == 2)
        part = backtest(quick(), ragged, **settings | {"progress": listener})
    assert (part.origins, part.model.record_["interrupted"]) == (2, True)
    assert not list(tmp_path.glob("fold-001.*"))
    same(backtest(quick(), ragged, **settings), backtest(quick(), ragged, **settings | {"checkpoint": None}))


@pytest.mark.parametrize(
    ("changes", "differs"),
    [
        ({"model": {"seed": 1}}, "settings"),
        ({"model": {"training": {"max_epochs": 3}}}, "settings"),
        ({"data": "value"}, "data"),
        ({"data": "name"}, "data"),
        ({"origins": 4}, "origins"),
        ({"stride": 1}, "origins"),
        ({"refit": 2}, "refit"),
        ({"window": "sliding"}, "window"),
        ({"warm": True}, "warm"),
    ],
)
def test_the_folder_of_another_backtest_is_refused(
    ragged: Panel, tmp_path: Path, calls: Calls, changes: dict[str, Any], differs: str
) -> None:
    settings: dict[str, Any] = {"origins": 3, "stride": 3, "refit": False, "checkpoint": tmp_path, "progress": False}
    backtest(quick(), ragged, **settings)
    held = {path: path.read_bytes() for path in tmp_path.iterdir()}
    calls.fit.clear()
    panel = ragged
    if changes.get("data") == "value":
        panel = replace(ragged, values_RV=ragged.values_RV.copy())
        panel.values_RV[-1] += 1
    elif changes.get("data") == "name":
        panel = replace(ragged, ids=("s0", "s1", "other"))
    other = {key: value for key, value in changes.items() if key not in ("model", "data")}
    with pytest.raises(ConfigError, match=rf"holds another backtest \({differs} differ\). Choose an empty") as told:
        backtest(quick(**changes.get("model", {})), panel, **settings | other)
    assert "\n" not in str(told.value)
    assert not calls.fit
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == held


def test_where_the_series_lie_in_the_buffer_makes_no_other_backtest(
    ragged: Panel, tmp_path: Path, panel_of: PanelOf, calls: Calls
) -> None:
    settings: dict[str, Any] = {"origins": 3, "checkpoint": tmp_path, "progress": False}
    fitted = quick().fit(ragged)
    backtest(fitted, ragged, **settings)
    calls.fit.clear()
    moved = replace(ragged, values_RV=np.concatenate([ragged.values_RV[:9], ragged.values_RV]), first=ragged.first + 9)
    backtest(quick(), moved, **settings)
    assert not calls.fit


def _flip_a_number(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(bytes(data))


DAMAGE: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "cut": ("fold-001.safetensors", lambda path: path.write_bytes(path.read_bytes()[:-40])),
    "empty": ("fold-001.safetensors", lambda path: path.write_bytes(b"")),
    "a number": ("fold-001.safetensors", _flip_a_number),
    "another fold": (
        "fold-001.safetensors", lambda path: path.write_bytes(path.with_name("fold-000.safetensors").read_bytes())
    ),
    "a model in its place": (
        "fold-001.safetensors", lambda path: path.write_bytes(path.with_name("fold-001.gatecast").read_bytes())
    ),
    "no model": ("fold-001.gatecast", lambda path: path.unlink()),
    "cut model": ("fold-001.gatecast", lambda path: path.write_bytes(path.read_bytes()[:-40])),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_fold_is_named_with_a_remedy_that_helps(
    ragged: Panel, tmp_path: Path, calls: Calls, damage: str
) -> None:
    settings: dict[str, Any] = {"origins": 2, "refit": True, "checkpoint": tmp_path / "bt", "progress": False}
    whole = backtest(quick(), ragged, **settings)
    name, harm = DAMAGE[damage]
    harm(tmp_path / "bt" / name)
    with pytest.raises(ModelFileError, match=r"^fold 1 in \S+/bt cannot be read: .* Delete fold-001.saf") as told:
        backtest(quick(), ragged, **settings)
    assert str(told.value).count("\n") == 0
    (tmp_path / "bt" / "fold-001.safetensors").unlink()
    calls.fit.clear()
    same(backtest(quick(), ragged, **settings), whole)
    assert len(calls.fit) == 1


@pytest.mark.parametrize("text", ["{", "[]", "{}", "\udce4"])
def test_a_folder_with_a_damaged_mark_is_refused(ragged: Panel, tmp_path: Path, text: str) -> None:
    (tmp_path / "backtest.json").write_text(text, errors="surrogateescape")
    with pytest.raises(ConfigError, match=r"(holds another|cannot hold a) backtest.* Choose an(other| empty)"):
        backtest(quick(), ragged, origins=2, checkpoint=tmp_path, progress=False)


def test_a_file_in_place_of_the_folder_is_told(ragged: Panel, tmp_path: Path) -> None:
    (tmp_path / "bt").write_text("")
    with pytest.raises(ConfigError, match=r"bt cannot hold a backtest: .*\. Choose another folder"):
        backtest(quick(), ragged, origins=2, checkpoint=tmp_path / "bt", progress=False)


# ---------------------------------------------------------------- rivals


def test_without_the_library_a_note_says_so(ragged: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatecast.statistical.rivals.rivals_installed", lambda: False)
    made = backtest(quick(), ragged, origins=2, rivals="auto", progress=False)
    assert made.notes == (
        "No statistical rivals: the statistical rivals need statsforecast: pip install 'gatecast[rivals]'.",
    )
    assert made.scores.rivals == ()


@pytest.mark.parametrize("wrong", ["autoets", ["autoets"]])
def test_an_unknown_rival_is_told_before_any_training(ragged: Panel, calls: Calls, wrong: Any) -> None:
    with pytest.raises(ConfigError, match=r"no such rival: 'autoets' \(did you mean 'auto_ets'\?\)"):
        backtest(quick(), ragged, origins=2, rivals=wrong, progress=False)
    assert not calls.fit


def test_rivals_forecast_from_the_same_origins(ragged: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def last_value(
        values_RC: Any, first_B: Any, origin_B: Any, horizon: int, season: int, names: Any, *rest: Any, **_: Any
    ) -> Any:
        asked.update(first_B=first_B, origin_B=origin_B, season=season, names=names, quantiles=rest[0])
        point = np.repeat(values_RC[origin_B].astype(np.float64)[:, None], horizon, axis=1)
        return {names[0]: Rival(point, np.repeat(point[..., None], 5, axis=-1), 1.5)}

    monkeypatch.setattr("gatecast.backtesting.backtest.rival_forecasts", last_value)
    made = backtest(quick(), ragged, origins=3, stride=2, season=7, rivals=["auto_ets"], progress=False)
    np.testing.assert_array_equal(asked["origin_B"], made.evaluation.origin_B)
    np.testing.assert_array_equal(asked["first_B"], np.repeat(ragged.first, 3))
    assert (asked["season"], asked["names"]) == (7, ("auto_ets",))
    assert asked["quantiles"] == (0.025, 0.1, 0.5, 0.9, 0.975)
    assert made.scores.rivals == ("auto_ets",)
    assert made.scores.table["auto_ets"]["mae"] == pytest.approx(made.scores.table["naive"]["mae"])
    assert (made.scores.season, made.scores.seconds["auto_ets"]) == (7, 1.5)
    assert made.scores.seconds["lstm"] == pytest.approx(made.folds[0].seconds)


def test_ctrl_c_while_rivals_are_fitted_leaves_them_out(ragged: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatecast.backtesting.backtest.rival_forecasts", _ctrl_c)
    made = backtest(quick(), ragged, origins=3, stride=2, rivals=["auto_ets"], progress=False)
    assert (made.origins, made.scores.rivals) == (3, ())
    assert made.notes == ("Interrupted: the statistical rivals are left out.",)
