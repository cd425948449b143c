"""Hostile model files: foreign, cut, damaged, tampered with. Each gives one line, or a model that works."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load as unpack
from safetensors.numpy import save as pack_tensors

from gatecast.data.examples.datasets import airline
from gatecast.errors import ModelFileError
from gatecast.forecaster import Forecaster, load
from gatecast.model.config import LSTMConfig
from gatecast.storage.files import describe_file
from gatecast.training.config import TrainingConfig


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return _Whole.bytes_of(tmp_path_factory)


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


def fitted(envelope: dict[str, Any], _: dict[str, np.ndarray]) -> None:
    """The scaling of the plan with statistics of the whole series."""
    plan = envelope["model"]["candidates"][0]["plan"]
    plan["scaling"] += "+fitted"


def filled(value: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda array: np.full_like(array, value)


ANYTHING = r"m\.gatecast: .+ (Get|Give) .+\.$"
WEIGHT = "candidate.0.member.0.lstm.weight_ih_l0"
COLUMN = {"name": "x", "categories": None}
TAMPERED: dict[str, tuple[Callable[..., None], str]] = {
    "newer format": (envelope(format=8), r"newer version, format 8; this one reads 7\. Update gatecast\.$"),
    "older format": (envelope(format=5), r"has format 5, from before the first release; .* Train anew\.$"),
    "newer and unknown fields": (envelope(format=8, shiny=1), "format 8; this one reads 7"),
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
    "half": (tensor("candidate.0.covariates.spread", lambda a: a.astype(np.float16)), "F16"),
    "NaN weight": (tensor(WEIGHT, filled(np.nan)), "holds NaN"),
    "infinite weight": (tensor("candidate.0.member.1.readout.bias", filled(-np.inf)), "holds NaN or infinite"),
    "negative stretch": (tensor("candidate.0.calibration.stretch", filled(-1)), "not above 0"),
    "NaN stretch": (tensor("candidate.0.calibration.stretch", filled(np.nan)), "holds NaN"),
    "hidden_size huge": (put("candidates.0.plan.network.hidden_size", 10**9), "instead of"),
    "hidden_size beyond 64 bits": (put("candidates.0.plan.network.hidden_size", 10**30), "beyond 64 bits"),
    "num_layers huge": (put("candidates.0.plan.network.num_layers", 10**12), "fewer tensors"),
    "hidden_size text": (
        put("candidates.0.plan.network.hidden_size", "32"),
        r"model\.candidates\[0\]\.plan\.network.hidden_size must be a whole number",
    ),
    "hidden_size true": (put("candidates.0.plan.network.hidden_size", True), "whole number"),
    "hidden_size fraction": (put("candidates.0.plan.network.hidden_size", 4.0), "whole number"),
    "hidden_size zero": (put("candidates.0.plan.network.hidden_size", 0), "at least 1"),
    "dropout 1": (put("candidates.0.plan.network.dropout", 1), "dropout"),
    "dropout nan": (put("candidates.0.plan.network.dropout", "nan"), "dropout"),
    "bidirectional": (put("candidates.0.plan.network.bidirectional", True), "bidirectional"),
    "horizon huge": (
        both(put("candidates.0.plan.framing.horizon", 10**9), put("settings.horizon", 10**9)),
        "horizon must be at most 1,048,576",
    ),
    "horizon alone": (put("settings.horizon", 4), "does not ask for"),
    "lookback huge": (put("candidates.0.plan.framing.lookback", 10**12), "1 to 1,048,576"),
    "lookback negative": (put("candidates.0.plan.framing.lookback", -1), "lookback"),
    "training_origins": (put("candidates.0.plan.framing.training_origins", 13), "training_origins"),
    "unknown loss": (put("candidates.0.plan.training.loss", "pinbal"), r"did you mean 'pinball'"),
    "loss of another head": (put("candidates.0.plan.training.loss", "mse"), "does not go with the loss"),
    "loss list": (put("candidates.0.plan.training.loss", ["mse"]), "one of pinball"),
    "lr zero": (put("candidates.0.plan.training.lr", 0), "lr = 0"),
    "lr null": (
        put("candidates.0.plan.training.lr", None),
        r"model\.candidates\[0\]\.plan\.training.lr must be a number",
    ),
    "device": (put("candidates.0.plan.training.device", "cuda:0; rm"), "device"),
    "unknown field": (put("candidates.0.plan.network.cells", 1), "unknown 'cells'"),
    "unknown setting": (put("settings.hook", "os.system"), "unknown 'hook'"),
    "missing field": (lambda outer, _: outer["model"]["candidates"][0]["plan"].pop("season"), "missing 'season'"),
    "scaling unknown": (put("candidates.0.plan.scaling", "magic"), "unknown scaling 'magic'"),
    "scaling season": (put("candidates.0.plan.scaling", "seasonal-difference:0"), "season >= 1"),
    "scaling season huge": (put("candidates.0.plan.scaling", f"seasonal-difference:{10**12}"), "1 to 1,048,576"),
    "scaling depth huge": (put("candidates.0.plan.scaling", f"seasonal-difference:1/{10**12}"), "1 to 1,048,576"),
    "scaling unit": (put("candidates.0.plan.scaling", "unit:inf"), "unit"),
    "scaling in other words": (
        put("candidates.0.plan.scaling", "standard+log"),
        "as it would be written: 'log[+]",
    ),
    "scaling as fields": (put("candidates.0.plan.scaling", {"log": True}), "scaling must be a text"),
    "scaling of settings": (put("settings.scaling", "log+"), "model.settings.scaling: unknown scaling ''"),
    "category absent": (
        put("candidates.0.plan.scaling", "category-difference:kind"),
        "categorical",
    ),
    "quantiles unsorted": (put("settings.quantiles", [0.5, 0.1, 0.9]), "not ascending"),
    "quantiles doubled": (put("settings.quantiles", [0.1, 0.1, 0.9]), "not ascending"),
    "quantiles outside": (put("settings.quantiles", [0.1, 0.5, 1.0]), "not ascending"),
    "quantiles nan": (put("settings.quantiles", [0.1, "nan", 0.9]), "not ascending"),
    "quantiles without the middle": (put("settings.quantiles", [0.1, 0.4, 0.9]), "lack 0.5"),
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
    "frequency in other words": (put("frequency", "monthly"), "not as it would be written"),
    "frequency number": (put("frequency", 12), "must be a text"),
    "no members": (put("candidates.0.members", []), "there are 0 members"),
    "members of the plan": (put("candidates.0.plan.members", 1), "there are 2 members"),
    "validation error of text": (put("candidates.0.validation_error", "low"), "validation_error must be a number"),
    "no validation error": (
        lambda outer, _: outer["model"]["candidates"][0].pop("validation_error"),
        "missing 'validation_error'",
    ),
    "best_epoch": (put("candidates.0.members.0.best_epoch", 10**15), "best_epoch"),
    "history": (put("candidates.0.members.0.history", [{"epoch": "one"}]), "must be a number"),
    "penalty": (put("candidates.0.plan.penalty", "nan"), "plan.penalty"),
    "spread": (put("candidates.0.plan.spread", [[1.0]]), "plan.spread"),
    "ids without statistics": (put("candidates.0.ids", ["airline"]), "ids is not empty"),
    "fitted without statistics": (
        both(fitted, put("candidates.0.ids", ["a"])),
        "'candidate.0.statistics' is missing",
    ),
    "calibration unknown": (put("candidates.0.calibration", "guess"), "calibration"),
    "calibration none": (put("candidates.0.calibration", "none"), "'candidate.0.calibration.stretch' is unknown"),
    "names": (put("names", ["a"]), "must have 2 entries"),
    "backend": (put("backend", "os"), "backend"),
    "record": (put("record.series", -1), "below 0"),
    "time_limit": (put("settings.time_limit", [1]), "time_limit"),
    "time_limit zero": (put("settings.time_limit", 0), "time_limit must be above 0"),
    "time_limit nan": (put("settings.time_limit", "nan"), "time_limit must be above 0"),
    "lookback of the settings zero": (put("settings.lookback", 0), "lookback must be at least 1"),
    "members of the settings zero": (put("settings.members", 0), "members must be at least 1"),
    "members of the settings negative": (put("settings.members", -(2**62)), "members must be at least 1"),
    "candidates of the settings zero": (put("settings.candidates", 0), "candidates must be at least 1"),
    "bidirectional in the settings": (put("settings.network.bidirectional", True), "cannot be bidirectional"),
}


def several(count: int) -> Callable[..., None]:
    """So many candidates, all of them like the first one."""
    return lambda outer, _: outer["model"].update(candidates=outer["model"]["candidates"][:1] * count)


def even(outer: dict[str, Any], _: dict[str, np.ndarray]) -> None:
    """Weights that add up to 1."""
    candidates = [dict(one) for one in outer["model"]["candidates"]]
    for one in candidates:
        one["weight"] = 0.75 / len(candidates)
    outer["model"]["candidates"] = candidates


def without_its_tensors(outer: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    for name in [name for name in arrays if name.startswith("candidate.1.")]:
        del arrays[name]


def renumbered(outer: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    name = "candidate.1.calibration.stretch"
    arrays[name.replace("candidate.1.", "candidate.01.")] = arrays.pop(name)


NO_WEIGHTS = "weights of the experts are .*, not all of them 0 or more"
TAMPERED_BLENDS: dict[str, tuple[Callable[..., None], str]] = {
    "weight nan": (put("candidates.1.weight", "nan"), NO_WEIGHTS),
    "weight infinite": (put("candidates.1.weight", "inf"), NO_WEIGHTS),
    "weight -1": (both(put("candidates.1.weight", -1), put("candidates.0.weight", 1.75)), NO_WEIGHTS),
    "weight text": (put("candidates.1.weight", "0.5"), "weight must be a number"),
    "weight absent": (lambda outer, _: outer["model"]["candidates"][1].pop("weight"), "missing 'weight'"),
    "weights too large": (put("candidates.0.weight", 0.5000021), r"add up to 1\.0000021, not to 1"),
    "weights too small": (put("candidates.0.weight", 0), "add up to 0.5, not to 1"),
    "smoothing nan": (put("smoothing", "nan"), NO_WEIGHTS),
    "smoothing -1": (both(put("smoothing", -1), put("candidates.0.weight", 1.75)), NO_WEIGHTS),
    "smoothing null": (put("smoothing", None), "smoothing must be a number"),
    "errors nan": (put("errors", [["blend", "nan"]]), "the error of 'blend' is nan"),
    "errors of one": (put("errors", [["blend"]]), "must have 2 entries"),
    "no candidates": (put("candidates", []), r"there are 0 candidates \(1 to 64\)"),
    "too many candidates": (several(65), r"there are 65 candidates \(1 to 64\)"),
    "more candidates than tensors": (both(several(4), even), "'candidate.2.* is missing"),
    "candidate without members": (put("candidates.1.members", []), "candidate 1: there are 0 members"),
    "candidate without a prefix": (without_its_tensors, "'candidate.1.calibration.stretch' is missing"),
    "candidate with another prefix": (renumbered, "'candidate.01.calibration.stretch' is unknown"),
    "candidate of another horizon": (put("candidates.1.plan.framing.horizon", 2), "1: plan.framing.horizon is 2"),
    "candidate of another size": (put("candidates.1.plan.network.hidden_size", 10**9), "'candidate.1.* instead of"),
    "candidate of many layers": (put("candidates.1.plan.network.num_layers", 10**12), "fewer tensors"),
    "candidate of a point loss": (
        both(
            put("candidates.1.plan.training.loss", "mse"),
            put("candidates.1.calibration", "none"),
            tensor("candidate.1.calibration.stretch", lambda _: None),
        ),
        "do not forecast the same quantiles",
    ),
    "NaN weight": (tensor("candidate.1.member.0.readout.bias", filled(np.nan)), "holds NaN"),
    "negative spread": (tensor("candidate.1.calibration.stretch", filled(-1)), "not above 0"),
    "series twice": (put("series", ["a", "a"]), "series holds a name twice"),
    "more series than weights": (put("series", ["a", "b", "c"]), r"'weights' is F32 \[2, 3\] instead of F32 \[3, 3\]"),
    "weights without series": (put("series", []), "tensor 'weights' is unknown"),
    "series without weights": (tensor("weights", lambda _: None), "tensor 'weights' is missing"),
    "own weights that add up to 2": (tensor("weights", lambda array: 2 * array), "do not add up to 1"),
    "own weight below 0": (tensor("weights", lambda a: a + np.array([[0.5, -0.5, 0], [0, 0, 0]], a.dtype)), "below 0"),
    "own weight nan": (tensor("weights", filled(np.nan)), "holds NaN"),
    "cycle that no month has": (put("candidates.1.plan.framing.calendar", ["week"]), "steps of M do not have once"),
    "cycle twice": (put("candidates.0.plan.framing.calendar", ["year", "year"]), "do not have once each"),
    "cycle unknown": (put("candidates.0.plan.framing.calendar", ["moon"]), "'moon'"),
    "cycle without its channels": (put("candidates.0.plan.framing.calendar", ["year"]), "'candidate.0.* instead of"),
    "recursive": (
        both(
            put("settings.recursive", True),
            put("candidates.0.plan.framing.horizon", 1),
            put("candidates.1.plan.framing.horizon", 1),
        ),
        "which a blend cannot be",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TAMPERED_BLENDS)
def test_a_tampered_blend_is_refused_with_one_line(case: str, packed: bytes, tmp_path: Path) -> None:
    """The good file as a blend: its one candidate twice, a smoothing, and two series with weights of their own."""
    change, message = TAMPERED_BLENDS[case]
    outer, arrays = parts_of(packed)
    arrays |= {name.replace("candidate.0.", "candidate.1."): array.copy() for name, array in arrays.items()}
    several(2)(outer, arrays)
    outer = json.loads(json.dumps(outer))  # so that the two candidates can be changed apart
    both(put("candidates.0.weight", 0.5), put("candidates.1.weight", 0.25), put("smoothing", 0.25))(outer, arrays)
    put("series", ["a", "b"])(outer, arrays)
    arrays["weights"] = np.array([[0.2, 0.3, 0.5], [1, 0, 0]], np.float32)
    good = load(written(tmp_path, sealed(outer, arrays)))
    assert np.isfinite(good.predict(airline()).values_NHCQ).all()
    change(outer, arrays)
    refuse(written(tmp_path, sealed(outer, arrays)), message)


@pytest.mark.parametrize("case", TAMPERED)
def test_a_tampered_file_is_refused_with_one_line(case: str, packed: bytes, tmp_path: Path) -> None:
    change, message = TAMPERED[case]
    outer, arrays = parts_of(packed)
    assert load(written(tmp_path, sealed(outer, arrays))), "what is untouched makes a good file"
    change(outer, arrays)
    refuse(written(tmp_path, sealed(outer, arrays)), message)


def without_logarithm(outer: dict[str, Any], _: dict[str, np.ndarray]) -> None:
    """Numbers as they are, so that the largest of them overflow."""
    plan = outer["model"]["candidates"][0]["plan"]
    plan["scaling"] = plan["scaling"].removeprefix("log+")


HUGE = {
    "infinity minus infinity": tensor("candidate.0.member.0.readout.weight", filled(3e38)),
    "the other way": tensor("candidate.0.member.0.readout.weight", filled(-3e38)),
    "overflow": both(without_logarithm, tensor("candidate.0.member.1.readout.bias", filled(3e38))),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numpy's, of the overflow
@pytest.mark.parametrize("case", HUGE)
@pytest.mark.parametrize("method", ["predict", "sample"])
def test_huge_numbers_in_a_good_file_are_told_not_forecast(
    case: str, method: str, packed: bytes, tmp_path: Path
) -> None:
    outer, arrays = parts_of(packed)
    HUGE[case](outer, arrays)
    path = written(tmp_path, sealed(outer, arrays))
    model = load(path)
    with pytest.raises(ModelFileError, match=r"of 'airline' \(1 of 1 series\): the numbers .* are damaged\. Get"):
        getattr(model, method)(airline())
    with pytest.raises(ModelFileError) as caught:
        getattr(model.clone(fitted=True), method)(airline())
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


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
    "no JSON": ("hello", "JSON text cannot be read"),
    "empty": ("", "JSON text cannot be read"),
    "null": ("null", "does not say which version"),
    "a list": ("[]", "does not say which version"),
    "NaN": ('{"format": NaN}', "NaN is no JSON"),
    "twice": ('{"format": 1, "format": 1}', "a key stands there twice"),
    "deep": ("[" * 100_000, "JSON text cannot be read"),
    "long number": ('{"format": ' + "9" * 5000 + "}", "JSON text cannot be read"),
}


@pytest.mark.parametrize("case", TEXTS)
def test_a_wrong_text_is_refused(case: str, packed: bytes, tmp_path: Path) -> None:
    text, message = TEXTS[case]
    refuse(written(tmp_path, sealed({}, parts_of(packed)[1], text)), message, load, describe_file)


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
            training = TrainingConfig(max_epochs=1, steps_per_epoch=2, device="cpu")
            network = LSTMConfig(hidden_size=4)
            model = Forecaster(3, lookback=12, network=network, training=training, members=2, progress=False)
            model.fit(airline()).save(path)
            cls.found = path.read_bytes()
        return cls.found


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def put_anywhere(at: Any, value: Any, data: st.DataObject) -> None:
    """Change one field of a document, at any depth."""
    while True:
        key = data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        if not (isinstance(at[key], dict | list) and at[key] and data.draw(st.booleans())):
            at[key] = value
            return
        at = at[key]


@given(data=st.data(), value=JSON_VALUES)
def test_any_value_in_any_field_gives_an_error_or_a_model(
    data: st.DataObject, value: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outer, arrays = parts_of(_Whole.bytes_of(tmp_path_factory))
    put_anywhere(outer["model"], value, data)
    path = written(tmp_path_factory.getbasetemp(), sealed(outer, arrays))
    assert outcomes(path)
