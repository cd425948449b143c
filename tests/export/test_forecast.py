"""An exported graph forecasts what ``predict`` does, for every scaling, reference and head, or says why it cannot."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gatecast
from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.ensemble.blend import Blend, SeriesWeights
from gatecast.ensemble.expert import SmoothingExpert
from gatecast.errors import ConfigError, ModelFileError
from gatecast.export.forecast import networks_of
from gatecast.forecaster import Forecaster
from gatecast.model.config import LSTMConfig
from gatecast.training.config import TrainingConfig

pytest.importorskip("onnx", reason="the extra 'onnx' is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")

PanelOf = Callable[..., Panel]
pytestmark = pytest.mark.usefixtures("one_thread")
H, LOOKBACK, TARGETS = 5, 8, ("y", "z")
LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
QUICK = TrainingConfig(max_epochs=1, steps_per_epoch=2, batch_size=16)
LARGEST = 1e-5  # difference from ``predict``, relative to the largest value of a forecast

MODELS: dict[str, dict[str, Any]] = {
    f"{scaling} / {loss}": {"scaling": scaling, "training": replace(QUICK, loss=loss)}
    for scaling, losses in {
        "none": ("pinball",),
        "standard": ("pinball", "mse", "gaussian", "student-t"),
        "mean": ("huber",),
        "last": ("mae",),
        "log+mean": ("gaussian",),
        "log+standard+fitted": ("pinball", "mse"),
        "difference+standard": ("pinball", "mse", "gaussian", "student-t"),
        "difference+mean+fitted": ("gaussian",),
        "log+difference+last": ("pinball",),
        "unit:3+difference": ("pinball",),
        "seasonal-difference:4+standard": ("pinball", "mse", "gaussian"),
        "seasonal-difference:3/3+mean": ("pinball",),
        "log+seasonal-difference:4/2+standard": ("pinball", "student-t"),
        "seasonal-difference:4+standard+fitted": ("pinball",),
    }.items()
    for loss in losses
} | {
    "members": {"scaling": "difference+standard", "members": 3},
    "deep": {"scaling": "standard", "network": LSTMConfig(hidden_size=3, num_layers=3, skip=LOOKBACK)},
    "folded": {"scaling": "standard", "network": LSTMConfig(hidden_size=3, patch=3)},
    "padded": {"scaling": "difference+standard", "lookback": None},
    "the median alone": {"scaling": "difference+standard", "quantiles": (0.5,)},
    "upper levels": {"scaling": "difference+standard", "quantiles": (0.5, 0.9, 0.99)},
    "bounded": {"scaling": "standard", "bounds": (7, 7.5)},
}


def numbers(seed: int, steps: int) -> np.ndarray:
    """(T, 2) positive walks with a season of four steps."""
    rng = np.random.default_rng(seed)
    season_T = 0.3 * np.sin(np.arange(steps) * np.pi / 2)
    return np.asarray(np.exp(2 + 0.05 * rng.normal(size=(steps, 2)).cumsum(axis=0) + season_T[:, None]))


def table(panel_of: PanelOf, seed: int = 0, lengths: tuple[int, ...] = (60, 45, 52)) -> Panel:
    return panel_of([numbers(seed + 10 * n, steps) for n, steps in enumerate(lengths)], Schema(TARGETS))


@cache
def model_of(panel_of: PanelOf, name: str) -> Forecaster:
    """A model by its name; tests leave it as it is."""
    usual: dict[str, Any] = {
        "lookback": LOOKBACK, "network": LSTMConfig(hidden_size=4, skip=2), "training": QUICK, "members": 1,
        "quantiles": LEVELS, "progress": False, "bounds": False,
    }  # fmt: skip
    return Forecaster(H, **usual | MODELS[name]).fit(table(panel_of))


def blend_of(panel_of: PanelOf, *names: str, smoothing: float = 0.0, own: bool = False) -> Forecaster:
    """Some models blended, with other weights for each series where wanted."""
    model = model_of(panel_of, names[0]).clone(fitted=True)
    experts = [model_of(panel_of, name).fitted_.main for name in names]
    weights = np.arange(1.0, len(names) + 1)
    weights *= (1 - smoothing) / weights.sum()
    ids = model.fitted_.main.ids or ("s0", "s1", "s2")
    rows = np.random.default_rng(0).dirichlet(np.ones(len(names)), len(ids)).astype(np.float32)
    blend = Blend(tuple(experts), tuple(weights.tolist()), own=SeriesWeights(ids, rows) if own else None)
    if smoothing:
        blend = replace(blend, experts=(*blend.experts, SmoothingExpert(H, 4)), weights=(*blend.weights, smoothing))
    model.fitted_ = replace(model.fitted_, blend=blend)
    return model


def session_of(model: Forecaster, path: Path, **options: Any) -> Any:
    model.export(path, **options)
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def told_by(session: Any) -> dict[str, Any]:
    return dict(json.loads(session.get_modelmeta().custom_metadata_map["gatecast"]))


def run(session: Any, panel: Panel) -> np.ndarray:
    """What a graph says of the end of every series of a panel."""
    told = told_by(session)
    history = np.stack([panel.target_RC[stop - told["history"] : stop] for stop in panel.stop])
    given: dict[str, np.ndarray] = {"history": history.astype(np.float64)}
    if told["series"]:
        given["series"] = np.array([told["series"].index(name) if name in told["series"] else -1 for name in panel.ids])
    (forecast,) = session.run(None, given)
    return np.asarray(forecast)


def largest_difference(forecast_NHCQ: np.ndarray, whole_NHCQ: np.ndarray) -> float:
    """Relative to the largest value of each forecast: a quantile may lie near 0."""
    assert forecast_NHCQ.shape == whole_NHCQ.shape
    size_N1C1 = np.abs(whole_NHCQ).max(axis=(1, 3), keepdims=True)
    return float((np.abs(forecast_NHCQ - whole_NHCQ) / size_N1C1).max())


@pytest.mark.parametrize("name", MODELS)
def test_a_graph_forecasts_what_predict_does(panel_of: PanelOf, tmp_path: Path, name: str) -> None:
    model = model_of(panel_of, name)
    session = session_of(model, tmp_path / "model.onnx")
    panel = table(panel_of)
    whole = model.predict(panel).values_NHCQ
    assert largest_difference(run(session, panel), whole) < LARGEST
    first = panel.select([0])
    assert largest_difference(run(session, first), whole[:1]) < LARGEST
    wide = table(panel_of, 3, (60,) * 1000) if not told_by(session)["series"] else panel
    assert largest_difference(run(session, wide), model.predict(wide).values_NHCQ) < LARGEST


@pytest.mark.parametrize("own", [False, True])
def test_a_blend_of_networks(panel_of: PanelOf, tmp_path: Path, own: bool) -> None:
    names = (
        "difference+standard / pinball",
        "log+standard+fitted / pinball",
        "seasonal-difference:4+standard / pinball",
    )
    model = blend_of(panel_of, *names, own=own)
    panel = table(panel_of)
    session = session_of(model, tmp_path / "model.onnx")
    assert largest_difference(run(session, panel), model.predict(panel).values_NHCQ) < LARGEST
    turned = panel.select([2, 0, 1])
    assert largest_difference(run(session, turned), model.predict(turned).values_NHCQ) < LARGEST


def test_a_series_that_is_new_has_the_common_weights_but_no_statistics_of_its_own(
    panel_of: PanelOf, tmp_path: Path
) -> None:
    names = ("difference+standard / pinball", "seasonal-difference:4+standard / pinball")
    model = blend_of(panel_of, *names, own=True)
    panel = replace(table(panel_of, 7), ids=("s1", "new", "other"))
    session = session_of(model, tmp_path / "model.onnx")
    assert largest_difference(run(session, panel), model.predict(panel).values_NHCQ) < LARGEST
    fitted = session_of(model_of(panel_of, "log+standard+fitted / pinball"), tmp_path / "fitted.onnx")
    known_N = np.isfinite(run(fitted, panel)).all(axis=(1, 2, 3))
    assert known_N.tolist() == [True, False, False]


def test_a_constant_history_and_large_steady_values(panel_of: PanelOf, tmp_path: Path) -> None:
    for name in (
        "standard / pinball",
        "difference+standard / pinball",
        "log+difference+last / pinball",
        "mean / huber",
    ):
        model = model_of(panel_of, name)
        session = session_of(model, tmp_path / "model.onnx")
        for array in (np.full((30, 2), 7.5), np.linspace(1e8, 1e8 + 30, 60).reshape(30, 2)):
            panel = panel_of([array], Schema(TARGETS), dtype=np.float64)
            assert largest_difference(run(session, panel), model.predict(panel).values_NHCQ) < LARGEST


@pytest.mark.parametrize("wrong", [np.nan, 0.0, -1.0])
def test_what_cannot_be_read_gives_nan_and_spoils_no_other_series(
    panel_of: PanelOf, tmp_path: Path, wrong: float
) -> None:
    session = session_of(model_of(panel_of, "log+mean / gaussian"), tmp_path / "model.onnx")
    history = np.full((3, LOOKBACK, 2), 5.0)
    history[1, 2, 0] = wrong
    (forecast,) = session.run(None, {"history": history})
    assert np.isnan(forecast[1]).all()
    assert np.isfinite(forecast[[0, 2]]).all()


def test_metadata_say_what_goes_in_and_what_comes_out(panel_of: PanelOf, tmp_path: Path) -> None:
    told = told_by(session_of(model_of(panel_of, "bounded"), tmp_path / "model.onnx"))
    experts = told.pop("experts")
    assert [weight for weight, _ in experts] == [1.0]
    assert told == {
        "gatecast": gatecast.__version__, "format": "gatecast-forecast-1", "targets": ["y", "z"], "frequency": "step",
        "series_column": "unique_id", "time_column": "ds", "history": LOOKBACK, "horizon": H, "bounds": "7..7.5",
        "quantiles": list(LEVELS), "part": "all", "series": [], "past": [], "future": [], "static": [], "time": None,
    }  # fmt: skip


def test_one_model_gives_one_file(panel_of: PanelOf, tmp_path: Path) -> None:
    for name in ("a", "b"):
        model_of(panel_of, "members").export(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


# ---------------------------------------------------------------- refused


def test_the_networks_of_a_blend_go_alone_where_that_is_asked_for(panel_of: PanelOf, tmp_path: Path) -> None:
    names = ("difference+standard / pinball", "seasonal-difference:4+standard / pinball")
    model = blend_of(panel_of, *names, smoothing=0.4)
    path = tmp_path / "model.onnx"
    with pytest.raises(
        ConfigError, match=r"exponential smoothing .* part='networks' .* scaling='difference\+standard'"
    ):
        model.export(path)
    assert not path.exists()
    session = session_of(model, path, part="networks")
    assert told_by(session)["part"] == "networks"
    assert sum(weight for weight, _ in told_by(session)["experts"]) == pytest.approx(1)
    alone = model.clone(fitted=True)
    alone.fitted_ = networks_of(model.fitted_)
    panel = table(panel_of)
    assert largest_difference(run(session, panel), alone.predict(panel).values_NHCQ) < LARGEST


def test_bounds_of_the_data_are_refused_or_replaced(panel_of: PanelOf, tmp_path: Path) -> None:
    model = model_of(panel_of, "standard / pinball").clone(fitted=True)
    model.fitted_ = replace(model.fitted_, settings=replace(model.fitted_.settings, bounds="auto"))
    with pytest.raises(ConfigError, match=r"bounds='none' or .*bounds='0\.\.'"):
        model.export(tmp_path / "model.onnx")
    session = session_of(model, tmp_path / "model.onnx", bounds=(None, 7))
    assert told_by(session)["bounds"] == "..7"
    assert run(session, table(panel_of)).max() == 7


def test_everything_that_is_refused_is_named_at_once(panel_of: PanelOf, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    walk = np.column_stack([rng.poisson(20, 60), rng.normal(size=60)])
    panel = panel_of([walk], Schema(("y",), past=(Column("rain"),)))
    training = replace(QUICK, loss="negative-binomial")
    model = Forecaster(
        2, lookback=8, scaling="smooth:4/0.3/0.2+standard", training=training, recursive=True, progress=False
    ).fit(panel)  # fmt: skip
    with pytest.raises(ConfigError) as caught:
        model.export(tmp_path / "model.onnx")
    message = str(caught.value)
    for said in ("smooth:4/0.3/0.2", "'negative-binomial'", "recursive=False", "bounds='none'"):
        assert said in message
    assert "\n" not in message
    assert {"setting": "loss", "of": "training", "value": "pinball"} in caught.value.remedies


def test_the_gate_alone_is_refused(panel_of: PanelOf, tmp_path: Path) -> None:
    model = Forecaster(H, preset="instant").fit(table(panel_of))
    with pytest.raises(ConfigError, match=r"pretrained gate.* preset='standard'"):
        model.export(tmp_path / "model.onnx", part="networks")


def test_wrong_arguments_and_places(panel_of: PanelOf, tmp_path: Path) -> None:
    model = model_of(panel_of, "members")
    with pytest.raises(ConfigError, match=r"part must be .*did you mean 'networks'"):
        model.export(tmp_path / "model.onnx", part="network")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="not fitted yet"):
        Forecaster(H).export(tmp_path / "model.onnx")
    with pytest.raises(ModelFileError, match="there is no folder"):
        model.export(tmp_path / "nowhere" / "model.onnx")


def test_a_missing_library_is_named(panel_of: PanelOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatecast.export.graph.importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'gatecast\[onnx\]'"):
        model_of(panel_of, "members").export(tmp_path / "model.onnx")
