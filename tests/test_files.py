"""Model files: round trips, and every way in which a file can be wrong."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import fields
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load as unpack
from safetensors.numpy import save as pack_tensors

from gatecast.data.batches import Framing
from gatecast.data.datasets import airline
from gatecast.data.panel import Panel
from gatecast.data.reading import read
from gatecast.data.scaling import Scaling
from gatecast.data.schema import Column, Schema
from gatecast.errors import ConfigError, ModelFileError
from gatecast.files import describe_file, load, save
from gatecast.forecaster import Forecaster
from gatecast.model.config import LSTMConfig
from gatecast.model.lstm import LSTMNetwork
from gatecast.model.shapes import parameter_shapes
from gatecast.selection.choose import Plan
from gatecast.storage.container import digest_of
from gatecast.storage.document import Envelope, ForecasterDocument, MemberRecord, Settings, TrainingSummary
from gatecast.training.config import TrainingConfig

DOCS = Path(__file__).resolve().parents[1] / "docs" / "format.md"
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


@pytest.fixture(scope="module")
def model() -> Forecaster:
    return quick().fit(airline())


@pytest.fixture(scope="module")
def packed(model: Forecaster, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("packed") / "m.gatecast"
    model.save(path)
    return path.read_bytes()


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
    assert json.dumps(again.history_) == json.dumps(model.history_)
    assert again.record_ == model.record_
    assert again.plan_.describe() == model.plan_.describe()
    assert settings_of(again) == settings_of(model)
    again.save(tmp_path / "again.gatecast")
    assert (tmp_path / "again.gatecast").read_bytes() == (tmp_path / "m.gatecast").read_bytes()


def settings_of(model: Forecaster) -> dict[str, Any]:
    return {field.name: getattr(model, field.name) for field in fields(Settings)}


@pytest.mark.parametrize(
    "scaling", ["standard", "fitted+standard", Scaling(base="category", category="kind", depth=2, unit=1 / 3)]
)
def test_covariates_and_categories_survive(scaling: Scaling | str, tmp_path: Path) -> None:
    history, future = known_ahead(shops())
    model = quick(scaling=scaling).fit(history)
    model.save(tmp_path / "m.gatecast")
    again = load(tmp_path / "m.gatecast")
    assert again.schema_ == history.schema
    assert (again.names_, again.backend_) == (("shop", "day"), "polars")
    subset = history.select(["c", "a"])
    for panel in (history, subset):
        before, after = (m.predict(panel, future=future).values_NHCQ for m in (model, again))
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
    assert sum(array.size for array in unpack(packed).values()) < 400


# ---------------------------------------------------------------- refusing to write


def test_an_unfitted_model_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not fitted"):
        save(quick(), tmp_path / "m.gatecast")
    assert not list(tmp_path.iterdir())


def test_an_absent_folder_is_named(model: Forecaster, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"there is no folder '.*absent'\. Make it first\.$"):
        model.save(tmp_path / "absent" / "m.gatecast")
    with pytest.raises(ModelFileError, match="it is a folder"):
        model.save(tmp_path)


def test_a_failed_write_keeps_the_old_file(
    model: Forecaster, packed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, packed)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ModelFileError, match="No space left"):
        model.save(path)
    assert path.read_bytes() == packed
    assert os.listdir(tmp_path) == [path.name]


def test_what_could_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    model = quick().fit(airline())
    next(iter(model.ensemble_.members[0].network.parameters())).data[0, 0] = float("nan")
    with pytest.raises(ModelFileError, match=r"holds NaN .*The model was not saved\.$"):
        model.save(tmp_path / "m.gatecast")
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------- hostile files


def written(folder: Path, data: bytes) -> Path:
    path = folder / "m.gatecast"
    path.write_bytes(data)
    return path


def parts_of(data: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return json.loads(header["__metadata__"]["gatecast"]), unpack(data)


def sealed(envelope: dict[str, Any], arrays: dict[str, np.ndarray], raw: str | None = None) -> bytes:
    """A file with right digests, as an attacker would make it. Written apart from the code that is tested."""
    joined = b"".join(np.ascontiguousarray(arrays[name]).tobytes() for name in sorted(arrays))
    envelope = envelope | {"tensors_sha256": hashlib.sha256(joined).hexdigest(), "sha256": "0" * 64}
    text = json.dumps(envelope)
    text = text.replace("0" * 64, hashlib.sha256(text.encode()).hexdigest())
    return pack_tensors(arrays, metadata={"gatecast": text if raw is None else raw})


def put(path: str, value: Any) -> Callable[[dict[str, Any], dict[str, np.ndarray]], None]:
    """A change of one field of the document."""

    def change(envelope: dict[str, Any], _: dict[str, np.ndarray]) -> None:
        *outer, last = path.split(".")
        at: Any = envelope["model"]
        for name in outer:
            at = at[int(name)] if isinstance(at, list) else at[name]
        at[last] = value

    return change


def tensor(name: str, change: Callable[[np.ndarray], np.ndarray | None]) -> Callable[..., None]:
    def apply(_: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        changed = change(arrays[name].copy())
        if changed is None:
            del arrays[name]
        else:
            arrays[name] = changed

    return apply


def envelope(**changes: Any) -> Callable[..., None]:
    return lambda outer, _: outer.update(changes)


def both(*changes: Callable[..., None]) -> Callable[..., None]:
    def apply(outer: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        for change in changes:
            change(outer, arrays)

    return apply


def filled(value: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda array: np.full_like(array, value)


ANYTHING = r"m\.gatecast: .+ (Get|Give) .+\.$"
WEIGHT = "member.0.lstm.weight_ih_l0"
COLUMN = {"name": "x", "categories": None}
TAMPERED: dict[str, tuple[Callable[..., None], str]] = {
    "newer format": (envelope(format=2), r"newer version, format 2; this one reads 1\. Update gatecast\.$"),
    "newer and unknown fields": (envelope(format=7, shiny=1), "format 7; this one reads 1"),
    "format 0": (envelope(format=0), "which version"),
    "format true": (envelope(format=True), "which version"),
    "format text": (envelope(format="1"), "which version"),
    "format huge": (envelope(format=int("9" * 400)), "newer version"),
    "kind unknown": (envelope(kind="wizard"), "holds a 'wizard'"),
    "kind number": (envelope(kind=3), "header.kind must be a text"),
    "envelope field": (envelope(shiny=1), "unknown 'shiny'"),
    "model is a list": (envelope(model=[1]), "model must be a map"),
    "model is empty": (envelope(model={}), "missing 'settings'"),
    "missing tensor": (tensor(WEIGHT, lambda _: None), f"tensor '{WEIGHT}' is missing"),
    "extra tensor": (lambda _, arrays: arrays.update(evil=np.zeros(3, np.float32)), "tensor 'evil' is unknown"),
    "wrong shape": (tensor(WEIGHT, lambda a: a[:-1]), re.escape("F32 [15, 2] instead of F32 [16, 2]")),
    "transposed": (tensor(WEIGHT, lambda a: np.ascontiguousarray(a.T)), "instead of"),
    "wrong dtype": (tensor(WEIGHT, lambda a: a.astype(np.float64)), "F64"),
    "integer dtype": (tensor(WEIGHT, lambda a: a.astype(np.int32)), "I32"),
    "half": (tensor("covariates.spread", lambda a: a.astype(np.float16)), "F16"),
    "NaN weight": (tensor(WEIGHT, filled(np.nan)), "holds NaN"),
    "infinite weight": (tensor("member.1.readout.bias", filled(-np.inf)), "holds NaN or infinite"),
    "negative stretch": (tensor("calibration.stretch", filled(-1)), "not above 0"),
    "NaN stretch": (tensor("calibration.stretch", filled(np.nan)), "holds NaN"),
    "hidden_size huge": (put("plan.network.hidden_size", 10**9), "instead of"),
    "hidden_size beyond 64 bits": (put("plan.network.hidden_size", 10**30), "beyond 64 bits"),
    "num_layers huge": (put("plan.network.num_layers", 10**12), "fewer tensors"),
    "hidden_size text": (
        put("plan.network.hidden_size", "32"),
        "model.plan.network.hidden_size must be a whole number",
    ),
    "hidden_size true": (put("plan.network.hidden_size", True), "whole number"),
    "hidden_size fraction": (put("plan.network.hidden_size", 4.0), "whole number"),
    "hidden_size zero": (put("plan.network.hidden_size", 0), "at least 1"),
    "dropout 1": (put("plan.network.dropout", 1), "dropout"),
    "dropout nan": (put("plan.network.dropout", "nan"), "dropout"),
    "bidirectional": (put("plan.network.bidirectional", True), "bidirectional"),
    "horizon huge": (both(put("plan.framing.horizon", 10**9), put("settings.horizon", 10**9)), "1 to 1,048,576"),
    "horizon alone": (put("settings.horizon", 4), "does not ask for"),
    "lookback huge": (put("plan.framing.lookback", 10**12), "1 to 1,048,576"),
    "lookback negative": (put("plan.framing.lookback", -1), "lookback"),
    "supervised": (put("plan.framing.supervised", 13), "supervised"),
    "unknown loss": (put("plan.training.loss", "pinbal"), r"did you mean 'pinball'"),
    "loss of another head": (put("plan.training.loss", "mse"), "does not go with the loss"),
    "loss list": (put("plan.training.loss", ["mse"]), "one of pinball"),
    "lr zero": (put("plan.training.lr", 0), "lr = 0"),
    "lr null": (put("plan.training.lr", None), "model.plan.training.lr must be a number"),
    "device": (put("plan.training.device", "cuda:0; rm"), "device"),
    "unknown field": (put("plan.network.cells", 1), "unknown 'cells'"),
    "unknown setting": (put("settings.hook", "os.system"), "unknown 'hook'"),
    "missing field": (lambda outer, _: outer["model"]["plan"].pop("season"), "missing 'season'"),
    "scaling base": (put("plan.scaling.base", "magic"), "one of none, last"),
    "scaling season": (put("plan.scaling.season", 0), "season >= 1"),
    "scaling unit": (put("plan.scaling.unit", "inf"), "unit"),
    "category absent": (
        both(put("plan.scaling.base", "category"), put("plan.scaling.category", "kind")),
        "categorical",
    ),
    "quantiles unsorted": (put("settings.quantiles", [0.5, 0.1, 0.9]), "not ascending"),
    "quantiles doubled": (put("settings.quantiles", [0.1, 0.1, 0.9]), "not ascending"),
    "quantiles outside": (put("settings.quantiles", [0.1, 0.5, 1.0]), "not ascending"),
    "quantiles nan": (put("settings.quantiles", [0.1, "nan", 0.9]), "not ascending"),
    "quantiles empty": (put("settings.quantiles", []), "not ascending"),
    "more quantiles": (put("settings.quantiles", [0.1, 0.2, 0.5, 0.9]), "instead of"),
    "targets empty": (put("schema.targets", []), "schema.targets is empty"),
    "targets text": (put("schema.targets", "Passengers"), "must be a list"),
    "target twice": (put("schema.targets", ["y", "y"]), "twice"),
    "categories number": (
        put("schema.future", [COLUMN | {"categories": 5}]),
        r"future\[0\]\.categories must be a list",
    ),
    "categories of numbers": (put("schema.future", [COLUMN | {"categories": [1, 2]}]), "must be a text"),
    "categories twice": (put("schema.future", [COLUMN | {"categories": ["a", "a"]}]), "twice"),
    "one more covariate": (put("schema.past", [COLUMN]), "instead of"),
    "surrogate": (put("schema.targets", ["\ud800"]), "no valid Unicode"),
    "line break in a name": (put("frequency", "a\nb"), "frequency"),
    "frequency unknown": (put("frequency", "fortnight"), "frequency"),
    "frequency zone": (put("frequency", "h[../../etc/passwd]"), "frequency"),
    "frequency zone unknown": (put("frequency", "h[Mars/Olympus]"), "frequency"),
    "frequency huge": (put("frequency", "99999999999999999999step"), "frequency"),
    "frequency number": (put("frequency", 12), "must be a text"),
    "no members": (put("members", []), "there are 0 members"),
    "members of the plan": (put("plan.members", 1), "there are 2 members"),
    "best_epoch": (put("members.0.best_epoch", 10**15), "best_epoch"),
    "history": (put("members.0.history", [{"epoch": "one"}]), "must be a number"),
    "penalty": (put("plan.penalty", "nan"), "plan.penalty"),
    "spread": (put("plan.spread", [[1.0]]), "plan.spread"),
    "ids without statistics": (put("ids", ["airline"]), "ids is not empty"),
    "fitted without statistics": (both(put("plan.scaling.fitted", True), put("ids", ["a"])), "'statistics' is missing"),
    "calibration unknown": (put("calibration", "guess"), "calibration"),
    "calibration none": (put("calibration", "none"), "'calibration.stretch' is unknown"),
    "names": (put("names", ["a"]), "must have 2 entries"),
    "backend": (put("backend", "os"), "backend"),
    "record": (put("record.series", -1), "below 0"),
    "time_limit": (put("settings.time_limit", [1]), "time_limit"),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_a_tampered_file_is_refused_with_one_line(case: str, packed: bytes, tmp_path: Path) -> None:
    change, message = TAMPERED[case]
    outer, arrays = parts_of(packed)
    assert load(written(tmp_path, sealed(outer, arrays))), "the untouched parts make a good file"
    change(outer, arrays)
    refuse(written(tmp_path, sealed(outer, arrays)), message)


def refuse(path: Path, message: str, *readers: Callable[[Path], Any]) -> None:
    for reader in readers or (load,):
        with pytest.raises(ModelFileError, match=message) as caught:
            reader(path)
        text = str(caught.value)
        assert text.startswith(f"{path}: ")
        assert "\n" not in text
        assert len(text) < 900
        assert text.endswith((".", "?"))


TEXTS = {
    "no JSON": "hello",
    "empty": "",
    "null": "null",
    "a list": "[]",
    "NaN": '{"format": NaN}',
    "twice": '{"format": 1, "format": 1}',
    "deep": "[" * 100_000,
    "long number": '{"format": ' + "9" * 5000 + "}",
}


@pytest.mark.parametrize("case", TEXTS)
def test_a_wrong_text_is_refused(case: str, packed: bytes, tmp_path: Path) -> None:
    refuse(written(tmp_path, sealed({}, parts_of(packed)[1], TEXTS[case])), ANYTHING, load, describe_file)


def foreign() -> dict[str, bytes]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("model.txt", "hello")
    return {
        "empty": b"",
        "one byte": b"\x00",
        "text": b"month,passengers\n1949-01,112\n" * 10,
        "pickle": pickle.dumps({"weights": [1, 2, 3]}),
        "zip": archive.getvalue(),
        "zeros": bytes(4096),
        "ones": b"\xff" * 4096,
        "random": np.random.default_rng(0).bytes(4096),
        "huge header": (2**60).to_bytes(8, "little") + b"{}",
        "other safetensors": pack_tensors({"a": np.zeros(3, np.float32)}, metadata={"format": "pt"}),
        "no metadata": pack_tensors({"a": np.zeros(3, np.float32)}),
    }


@pytest.mark.parametrize("case", foreign())
def test_a_foreign_file_is_refused(case: str, tmp_path: Path) -> None:
    refuse(written(tmp_path, foreign()[case]), ANYTHING, load, describe_file)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    refuse(tmp_path, "is a folder", load, describe_file)
    refuse(tmp_path / "absent.gatecast", r"no such file\.$", load, describe_file)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(packed: bytes, tmp_path: Path) -> None:
    path = written(tmp_path, packed)
    path.chmod(0)
    refuse(path, "ermission", load, describe_file)


def test_a_truncated_or_longer_file_is_refused(packed: bytes, tmp_path: Path) -> None:
    for length in [*range(0, 64, 7), *range(64, len(packed), 293), len(packed) - 1]:
        refuse(written(tmp_path, packed[:length]), ANYTHING, load, describe_file)
    refuse(written(tmp_path, packed + b"\0"), ANYTHING, load, describe_file)


def test_changed_bytes_are_noticed(packed: bytes, tmp_path: Path) -> None:
    start = packed.index(b"Passengers")
    renamed = packed[:start] + b"passengers" + packed[start + 10 :]
    refuse(written(tmp_path, renamed), "header was changed", load, describe_file)
    weights = bytearray(packed)
    weights[-2] ^= 1
    refuse(written(tmp_path, bytes(weights)), "tensors were changed")


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_random_damage_gives_an_error_or_a_working_model(data: st.DataObject, tmp_path_factory: Any) -> None:
    whole = _Whole.bytes_of(tmp_path_factory)
    header = int.from_bytes(whole[:8], "little") + 8
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.one_of(st.integers(0, header - 1), st.integers(0, len(whole) - 1), st.integers(0, 200)))
        damaged[place] ^= data.draw(st.integers(1, 255))
    path = written(tmp_path_factory.getbasetemp(), bytes(damaged))
    for found in outcomes(path):
        if isinstance(found, Forecaster):
            assert np.isfinite(found.predict(airline()).values_NHCQ).all()


def outcomes(path: Path) -> list[Any]:
    """What load and describe_file give, or the one line with which they refuse; anything else goes through."""
    found: list[Any] = []
    for reader in (load, describe_file):
        try:
            found.append(reader(path))
        except ModelFileError as error:
            found.append(str(error))
    assert not any(isinstance(line, str) and "\n" in line for line in found)
    return found


class _Whole:
    """A good file, made once; hypothesis wants no fixture of a function's scope."""

    found: bytes = b""

    @classmethod
    def bytes_of(cls, factory: pytest.TempPathFactory) -> bytes:
        if not cls.found:
            path = factory.mktemp("whole") / "m.gatecast"
            quick().fit(airline()).save(path)
            cls.found = path.read_bytes()
        return cls.found


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), value=JSON_VALUES)
def test_any_value_in_any_field_gives_an_error_or_a_model(
    data: st.DataObject, value: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outer, arrays = parts_of(_Whole.bytes_of(tmp_path_factory))
    at: Any = outer["model"]
    while True:
        key = data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        if isinstance(at[key], dict | list) and at[key] and data.draw(st.booleans()):
            at = at[key]
        else:
            at[key] = value
            break
    path = written(tmp_path_factory.getbasetemp(), sealed(outer, arrays))
    assert outcomes(path)


# ---------------------------------------------------------------- description and specification


def test_a_file_is_described_without_its_tensors(packed: bytes, model: Forecaster, tmp_path: Path) -> None:
    told = describe_file(written(tmp_path, packed))
    assert told["plan"] == model.plan_.describe()
    assert told["parameters"] == sum(p.numel() for m in model.ensemble_.members for p in m.network.parameters())
    assert (told["format"], told["kind"], told["targets"], told["step"]) == (1, "forecaster", ["Passengers"], "month")
    assert told["settings"]["quantiles"] == [0.1, 0.5, 0.9]
    assert told["record"] == model.record_
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_describing_needs_no_torch(packed: bytes, tmp_path: Path) -> None:
    code = (
        "import sys; from gatecast.files import describe_file, load; describe_file(sys.argv[1]); "
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
    assert [field.name for field in fields(Settings)] == list(signature(Forecaster).parameters)


def test_the_specification_names_every_field() -> None:
    text = DOCS.read_text(encoding="utf-8")
    kinds = (Envelope, ForecasterDocument, Settings, Plan, Framing, Scaling, LSTMConfig, TrainingConfig, Schema, Column)
    for kind in (*kinds, MemberRecord, TrainingSummary):
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
    assert digest_of(arrays) == outer["tensors_sha256"]
    assert np.frombuffer(spans[WEIGHT], "<f4").tolist() == arrays[WEIGHT].ravel().tolist()
