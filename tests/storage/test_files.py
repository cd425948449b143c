"""Model files: round trips, writing, the description, the specification."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.numpy import load as unpack

from gatecast.data.examples.datasets import airline
from gatecast.data.frequency import Frequency
from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.data.tables.reading import read
from gatecast.engines.options import EngineOptions
from gatecast.ensemble.blend import Blend
from gatecast.ensemble.expert import SmoothingExpert
from gatecast.errors import ConfigError, ModelFileError
from gatecast.forecaster import Forecaster, load
from gatecast.model.config import LSTMConfig
from gatecast.model.lstm import LSTMNetwork
from gatecast.model.networks import parameter_shapes
from gatecast.planning.choose import Plan
from gatecast.planning.settings import Settings
from gatecast.storage.container import digest_of
from gatecast.storage.document import (
    CandidateDocument,
    Envelope,
    FitSummary,
    FittedDocument,
    GateDocument,
    MemberRecord,
)
from gatecast.storage.files import describe_file
from gatecast.training.config import TrainingConfig
from gatecast.windows.reference import Category, Smooth
from gatecast.windows.scaling import Scaling
from gatecast.windows.shape import Framing

DOCS = Path(__file__).resolve().parents[2] / "docs" / "format.md"
NETWORK = LSTMConfig(hidden_size=4)


def quick(loss: str = "pinball", horizon: int = 3, **more: Any) -> Forecaster:
    training = TrainingConfig(max_epochs=1, steps_per_epoch=2, loss=loss, device="cpu")  # type: ignore[arg-type]
    wanted: dict[str, Any] = {"lookback": 12, "network": NETWORK, "training": training, "members": 2, "progress": False}
    return Forecaster(horizon, **(wanted | more))


def shops(steps: int = 60) -> Panel:
    """Three series with past, future and static covariates, some of them categories."""
    rng = np.random.default_rng(0)
    t = np.arange(steps)
    parts = [
        pl.DataFrame(
            {
                "shop": [name] * steps,
                "day": t,
                "units": 50 + 10 * np.sin(t / 3) + rng.normal(size=steps),
                "visits": rng.normal(size=steps),
                "kind": np.where(t % 7 < 5, "work", "rest"),
                "price": rng.normal(size=steps),
                "region": [region] * steps,
            }
        )
        for name, region in (("a", "north"), ("b", "south"), ("c", "north"))
    ]
    roles: dict[str, Any] = {"past": ["visits"], "future": ["kind", "price"], "static": ["region"]}
    return read(pl.concat(parts), series="shop", time="day", target="units", **roles)


SCALINGS = ("difference+standard", "log+fitted+standard", "smooth:12/0.2/0.4+standard")
ERRORS = (("lookback 12 · difference+standard", 12.5), ("exponential smoothing", 14.0), ("blend", 12.0))


def blended(panel: Panel, **more: Any) -> Forecaster:
    """Three candidates and an exponential smoothing."""
    models = [quick(scaling=text, **more).fit(panel) for text in SCALINGS]
    experts = (*(m.fitted_.main for m in models), SmoothingExpert(models[0].horizon, models[0].fitted_.season))
    models[0].fitted_ = replace(models[0].fitted_, blend=Blend(experts, (0.45, 0.2, 0.15, 0.2), ERRORS))
    return models[0]


@pytest.fixture(scope="module")
def three() -> Forecaster:
    return blended(airline())


@pytest.fixture(scope="module")
def model() -> Forecaster:
    return quick().fit(airline())


@pytest.fixture(scope="module")
def packed(model: Forecaster, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("packed") / "m.gatecast"
    model.save(path)
    return path.read_bytes()


def written(folder: Path, data: bytes) -> Path:
    path = folder / "m.gatecast"
    path.write_bytes(data)
    return path


# ---------------------------------------------------------------- round trips


def known_ahead(panel: Panel) -> tuple[Panel, Panel]:
    """The history to predict from, and the future covariates after it."""
    history, after = panel.split(horizon=3)
    return history, after.future


@pytest.mark.parametrize(
    "model",
    [
        quick(),
        quick("mse"),
        quick("huber", scaling="fitted+standard"),
        quick(scaling="log+seasonal-difference:12+standard+fitted"),
        quick(recursive=True),
        quick(network=None, members=1),
        quick(lookback=None, quantiles=(0.05, 0.25, 0.5, 0.75, 0.95)),
        quick(network=LSTMConfig(hidden_size=3, num_layers=2, dropout=0.1, skip=5, patch=2)),
        quick(training=TrainingConfig(max_epochs=1, steps_per_epoch=1, validation=0, clip=float("inf"))),
    ],
    ids=["plain", "mse", "huber-fitted", "fitted", "recursive", "chosen", "five", "deep", "no-validation"],
)
def test_a_loaded_model_forecasts_the_same_bytes(model: Forecaster, tmp_path: Path) -> None:
    model.fit(airline())
    model.save(tmp_path / "m.gatecast")
    again = load(tmp_path / "m.gatecast")
    other = airline().slice(3, 90)
    for panel in (airline(), other):
        before, after = model.predict(panel), again.predict(panel)
        assert before.values_NHCQ.tobytes() == after.values_NHCQ.tobytes()
        assert before.values_NHCQ.dtype == after.values_NHCQ.dtype
    untimed = [{name: number for name, number in row.items() if name != "seconds"} for row in model.history_]
    assert json.dumps(again.history_) == json.dumps(untimed)
    assert again.record_ == model.record_ | {"seconds": None}
    assert again.plan_.describe() == model.plan_.describe()
    assert settings_of(again) == settings_of(model)
    again.save(tmp_path / "again.gatecast")
    assert (tmp_path / "again.gatecast").read_bytes() == (tmp_path / "m.gatecast").read_bytes()


def test_covariates_in_double_precision_keep_it(tmp_path: Path) -> None:
    """The scale of a covariate is as exact as the panel's numbers: in float32 a large one would move every value."""
    panel = shops()
    values_RV = panel.values_RV.astype(np.float64)
    values_RV[:, 1] += 1e8
    panel = replace(panel, values_RV=values_RV)
    model = quick().fit(panel)
    model.save(tmp_path / "m.gatecast")
    history, future = known_ahead(panel)
    again = load(tmp_path / "m.gatecast")
    assert again.fitted_.main.covariates.location_V.dtype == np.float64
    before, after = model.predict(history, future=future), again.predict(history, future=future)
    assert before.values_NHCQ.tobytes() == after.values_NHCQ.tobytes()


def test_single_settings_are_stored_as_the_whole_that_came_of_them(tmp_path: Path) -> None:
    model = quick(network={"hidden_size": 4}, training={"max_epochs": 1, "steps_per_epoch": 1}).fit(airline())
    model.save(tmp_path / "m.gatecast")
    again = load(tmp_path / "m.gatecast")
    assert (again.network, again.training) == (model.plan_.network, model.plan_.training)
    again.save(tmp_path / "again.gatecast")
    assert (tmp_path / "again.gatecast").read_bytes() == (tmp_path / "m.gatecast").read_bytes()


def test_a_loaded_blend_does_all_that_it_did_before(three: Forecaster, tmp_path: Path) -> None:
    three.save(tmp_path / "m.gatecast")
    again = load(tmp_path / "m.gatecast")
    first, other = airline().slice(0, 120), airline().slice(3, 90)
    before, after = three.fitted_.blend, again.fitted_.blend
    assert [one.plan for one in after.trained] == [one.plan for one in before.trained]
    assert after.experts[-1] == before.experts[-1] == SmoothingExpert(3, three.fitted_.season)
    assert (after.weights, after.errors, after.interrupted) == (before.weights, before.errors, before.interrupted)
    again.save(tmp_path / "again.gatecast")
    assert (tmp_path / "again.gatecast").read_bytes() == (tmp_path / "m.gatecast").read_bytes()
    for panel in (airline(), other):
        told, found = (m.predict(panel).values_NHCQ for m in (three, again))
        assert told.tobytes() == found.tobytes()
        alone = three.clone(fitted=True)
        alone.fitted_ = replace(three.fitted_, blend=Blend((three.fitted_.main,)))
        assert not np.allclose(told, alone.predict(panel).values_NHCQ), "else the blend says nothing"
    twins = [three.clone(fitted=True), again.clone(fitted=True)]
    del twins[0].panel_  # a loaded model has none, and paths are joined by the errors on what was seen
    paths = [twin.sample(first, paths=5, seed=3).values_NSHC for twin in twins]
    assert paths[0].tobytes() == paths[1].tobytes()
    results = [twin.refit_on(first).predict().values_NHCQ for twin in twins]
    assert results[0].tobytes() == results[1].tobytes()
    results = [twin.recalibrate(airline(), origins=5).predict(other).values_NHCQ for twin in twins]
    assert results[0].tobytes() == results[1].tobytes()


def test_one_candidate_twice_keeps_both_weights(tmp_path: Path) -> None:
    model = quick(scaling="difference+standard").fit(airline())
    main, smoothing = model.fitted_.main, SmoothingExpert(3, model.fitted_.season)
    model.fitted_ = replace(model.fitted_, blend=Blend((main, main, smoothing), (0.5, 0.25, 0.25)))
    model.save(tmp_path / "m.gatecast")
    again = load(tmp_path / "m.gatecast")
    assert again.fitted_.blend.weights == (0.5, 0.25, 0.25)
    assert again.predict(airline()).values_NHCQ.tobytes() == model.predict(airline()).values_NHCQ.tobytes()


@pytest.mark.parametrize("more", [{}, {"training": TrainingConfig(max_epochs=1, steps_per_epoch=1, validation=0)}])
def test_the_validation_error_survives_where_it_is_known(more: dict[str, Any], tmp_path: Path) -> None:
    model = quick(**more).fit(airline())
    model.save(tmp_path / "m.gatecast")
    found = load(tmp_path / "m.gatecast").fitted_.main.validation_error
    assert found == pytest.approx(model.fitted_.main.validation_error, abs=0, nan_ok=True)
    assert (found > 0) is not bool(more), "nan without validation"


def test_what_fit_blends_survives(tmp_path: Path) -> None:
    training = {"max_epochs": 1, "steps_per_epoch": 2, "device": "cpu"}
    wanted: dict[str, Any] = {"network": {"hidden_size": 4}, "members": 1, "candidates": 3, "progress": False}
    model = Forecaster(3, training=training, **wanted).fit(airline())
    assert model.fitted_.blend.errors
    model.save(tmp_path / "m.gatecast")
    again = load(tmp_path / "m.gatecast")
    assert (again.candidates, again.fitted_.blend.errors) == (3, model.fitted_.blend.errors)
    before, after = (m.predict(airline()).values_NHCQ for m in (model, again))
    assert before.tobytes() == after.tobytes()


def test_weights_of_series_and_the_calendar_survive(tmp_path: Path, panel_of: Callable[..., Panel]) -> None:
    rng = np.random.default_rng(0)
    plain = panel_of([np.exp(3 + 0.1 * rng.normal(size=200).cumsum()) for _ in range(3)])
    starts = np.array(["2024-01-01", "2024-02-01", "2024-03-03"], "datetime64[us]")
    panel = replace(plain, frequency=Frequency.from_text("D"), starts=starts)
    quick: dict[str, Any] = {"training": {"max_epochs": 1, "steps_per_epoch": 2, "device": "cpu"}, "members": 1}
    model = Forecaster(3, candidates=3, progress=False, **quick).fit(panel)
    assert model.plan_.framing.calendar == ("week",)
    assert model.fitted_.blend.own is not None
    model.save(tmp_path / "m.gatecast")
    again = load(tmp_path / "m.gatecast")
    assert again.fitted_.blend.own is not None
    assert again.fitted_.blend.own.ids == panel.ids
    assert again.fitted_.blend.own.weight_NE.tobytes() == model.fitted_.blend.own.weight_NE.tobytes()
    assert describe_file(tmp_path / "m.gatecast")["blend"]["own_weights"] == 3
    for asked in (panel.select([2, 0]), replace(panel, ids=("s1", "new", "other"))):
        before, after = (m.predict(asked).values_NHCQ for m in (model, again))
        assert before.tobytes() == after.tobytes()
    common = again.predict(replace(panel, ids=("a", "b", "c"))).values_NHCQ
    assert (common != again.predict(panel).values_NHCQ).any(), "own weights make a difference"


def test_covariates_of_a_blend_survive(tmp_path: Path) -> None:
    history, future = known_ahead(shops())
    model = blended(history)
    model.save(tmp_path / "m.gatecast")
    before, after = (m.predict(history, future=future).values_NHCQ for m in (model, load(tmp_path / "m.gatecast")))
    assert before.tobytes() == after.tobytes()


def settings_of(model: Forecaster) -> dict[str, Any]:
    return {field.name: getattr(model, field.name) for field in fields(Settings)}


@pytest.mark.parametrize(
    "scaling",
    [
        "standard",
        "fitted+standard",
        Scaling(reference=Category("kind", 2), unit=1 / 3),
        Scaling(reference=Smooth(3, 0.3, 0.1)),
    ],
)
def test_covariates_and_categories_survive(scaling: Scaling | str, tmp_path: Path) -> None:
    history, future = known_ahead(shops())
    model = quick(scaling=scaling).fit(history)
    model.save(tmp_path / "m.gatecast")
    again = load(tmp_path / "m.gatecast")
    assert again.fitted_.schema == history.schema
    assert (again.fitted_.names, again.fitted_.backend) == (("shop", "day"), "polars")
    subset = history.select(["c", "a"])
    for panel in (history, subset):
        before, after = (m.predict(panel, future=future).values_NHCQ for m in (model, again))
        assert before.tobytes() == after.tobytes()


def test_what_was_observed_survives(tmp_path: Path) -> None:
    panel = airline()
    panel.values_RV[[5, 100]] = np.nan
    model = quick(scaling="difference+standard").fit(panel)
    assert model.plan_.framing.observed
    model.save(tmp_path / "m.gatecast")
    before, after = (m.predict(panel).values_NHCQ for m in (model, load(tmp_path / "m.gatecast")))
    assert before.tobytes() == after.tobytes()


def test_a_loaded_model_trains_again_as_the_first_one_does(model: Forecaster, packed: bytes, tmp_path: Path) -> None:
    path = written(tmp_path, packed)
    results = [load(path).refit_on(airline().slice(0, 100)).predict().values_NHCQ for _ in range(2)]
    first = quick().fit(airline()).refit_on(airline().slice(0, 100)).predict().values_NHCQ
    assert first.tobytes() == results[0].tobytes() == results[1].tobytes()


def test_saving_twice_gives_the_same_bytes_and_leaves_no_drafts(model: Forecaster, tmp_path: Path) -> None:
    model.save(tmp_path / "a.gatecast")
    first = (tmp_path / "a.gatecast").read_bytes()
    model.save(str(tmp_path / "a.gatecast"))
    assert (tmp_path / "a.gatecast").read_bytes() == first
    assert os.listdir(tmp_path) == ["a.gatecast"]


def test_loading_leaves_the_random_numbers_alone(packed: bytes, tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    load(written(tmp_path, packed))
    assert torch.equal(torch.rand(1), expected)


def test_no_data_is_stored(packed: bytes, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"holds no data: pass the history"):
        load(written(tmp_path, packed)).predict()
    assert sum(array.size for array in unpack(packed).values()) < 440


# ---------------------------------------------------------------- refusing to write


def test_an_unfitted_model_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not fitted"):
        quick().save(tmp_path / "m.gatecast")
    assert not list(tmp_path.iterdir())


def test_an_absent_folder_is_named(model: Forecaster, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"there is no folder '.*absent'\. Make it first\.$"):
        model.save(tmp_path / "absent" / "m.gatecast")
    with pytest.raises(ModelFileError, match="it is a folder"):
        model.save(tmp_path)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failed_write_keeps_the_old_file(
    step: str, model: Forecaster, packed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, packed)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(ModelFileError, match="No space left"):
        model.save(path)
    assert path.read_bytes() == packed
    assert os.listdir(tmp_path) == [path.name]


def test_what_could_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    model = quick().fit(airline())
    next(iter(model.fitted_.main.members[0].network.parameters())).data[0, 0] = float("nan")
    with pytest.raises(ModelFileError, match=r"holds NaN .*The model was not saved\.$"):
        model.save(tmp_path / "m.gatecast")
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------- description and specification


def test_a_file_is_described_without_its_tensors(packed: bytes, model: Forecaster, tmp_path: Path) -> None:
    told = describe_file(written(tmp_path, packed))
    assert told["plan"] == model.plan_.describe()
    assert told["parameters"] == sum(p.numel() for m in model.fitted_.main.members for p in m.network.parameters())
    assert (told["format"], told["kind"], told["targets"], told["step"]) == (7, "forecaster", ["Passengers"], "month")
    assert told["settings"]["quantiles"] == [0.025, 0.1, 0.5, 0.9, 0.975]
    assert {"seconds": None, **told["record"]} == model.record_ | {"seconds": None}
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_a_blend_is_described(three: Forecaster, packed: bytes, tmp_path: Path) -> None:
    three.save(tmp_path / "three.gatecast")
    told = describe_file(tmp_path / "three.gatecast")
    assert told["plan"] == three.plan_.describe()
    blend, experts = three.fitted_.blend, told["blend"]["experts"]
    assert [(one["weight"], one["name"]) for one in experts] == blend.described()
    assert [one["members"] for one in experts[:-1]] == [2, 2, 2]
    assert experts[-1] == {"weight": 0.2, "name": "exponential smoothing"}
    assert told["blend"]["errors"] == [list(pair) for pair in ERRORS]
    members = [member for one in blend.trained for member in one.members]
    assert told["parameters"] == sum(weights.numel() for m in members for weights in m.network.parameters())
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    alone = describe_file(written(tmp_path, packed))["blend"]
    assert ([one["weight"] for one in alone["experts"]], alone["errors"], alone["own_weights"]) == ([1.0], [], 0)


def test_a_blend_whose_weights_do_not_add_up_is_not_saved(three: Forecaster, tmp_path: Path) -> None:
    wrong = three.clone(fitted=True)
    wrong.fitted_ = replace(three.fitted_, blend=replace(three.fitted_.blend, weights=(0.45, 0.2, 0.15, 0.5)))
    with pytest.raises(ModelFileError, match=r"add up to 1\.3, not to 1\. The model was not saved\.$"):
        wrong.save(tmp_path / "m.gatecast")


def test_describing_needs_no_torch(packed: bytes, tmp_path: Path) -> None:
    code = (
        "import sys; from gatecast.storage.files import describe_file, load; describe_file(sys.argv[1]); "
        "sys.exit(bool({'torch', 'polars', 'pandas', 'matplotlib'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code, str(written(tmp_path, packed))], check=True)


@pytest.mark.parametrize(
    ("config", "shape"),
    [
        (LSTMConfig(hidden_size=3), (2, 1, 1, 1, 4)),
        (LSTMConfig(hidden_size=3, num_layers=3, skip=5), (4, 6, 2, 3, 0)),
        (LSTMConfig(hidden_size=2, patch=4), (3, 2, 1, 5, 7)),
        (LSTMConfig(hidden_size=2, num_layers=2, bidirectional=True, init="uniform"), (3, 2, 1, 1, 1)),
    ],
)
def test_shapes_are_those_of_the_network(config: LSTMConfig, shape: tuple[int, int, int, int, int]) -> None:
    state = LSTMNetwork(config, *shape).state_dict()
    assert parameter_shapes(config, *shape) == {name: tuple(tensor.shape) for name, tensor in state.items()}


def test_settings_are_the_arguments_of_the_forecaster() -> None:
    """Where the work runs is no setting of a model: no file has it."""
    known = [field.name for kind in (Settings, EngineOptions) for field in fields(kind)]
    assert [*known, "defaults"] == list(signature(Forecaster).parameters)


def test_the_specification_names_every_field() -> None:
    text = DOCS.read_text(encoding="utf-8")
    kinds = (Envelope, FittedDocument, Settings, Plan, Framing, Scaling, LSTMConfig, TrainingConfig, Schema, Column)
    for kind in (*kinds, MemberRecord, CandidateDocument, GateDocument, FitSummary):
        missing = [field.name for field in fields(kind) if f"`{field.name}`" not in text]
        assert not missing, f"docs/format.md says nothing of {kind.__name__}: {missing}"


def test_the_specification_suffices_to_read_a_file(packed: bytes) -> None:
    """A reader made from docs/format.md alone: layout, digests, one weight."""
    size = int.from_bytes(packed[:8], "little")
    header = json.loads(packed[8 : 8 + size])
    text = header.pop("__metadata__")["gatecast"]
    outer = json.loads(text)
    assert hashlib.sha256(text.replace(outer["sha256"], "0" * 64).encode()).hexdigest() == outer["sha256"]
    spans = {name: packed[8 + size :][slice(*entry["data_offsets"])] for name, entry in header.items()}
    joined = b"".join(spans[name] for name in sorted(spans))
    assert hashlib.sha256(joined).hexdigest() == outer["tensors_sha256"]
    arrays = unpack(packed)
    weight = "candidate.0.member.0.lstm.weight_ih_l0"
    assert digest_of(arrays) == outer["tensors_sha256"]
    assert np.frombuffer(spans[weight], "<f4").tolist() == arrays[weight].ravel().tolist()
