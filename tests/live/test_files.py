"""Files of live models: they go on as if nothing had been; what is damaged or hostile gives one line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load as unpack
from safetensors.numpy import save as pack_tensors
from tests.live.conftest import NAMES, model_of, table

import gatecast as gc
from gatecast.data.panel import Panel
from gatecast.errors import ModelFileError
from gatecast.storage.files import describe_file

PanelOf = Callable[..., Panel]
pytestmark = pytest.mark.usefixtures("one_thread")
FUTURE = {"kind": "b"}
SAVED = [name for name in NAMES if name not in ("all of them",)]  # weights of a smoothing are those of the others


@pytest.mark.parametrize("name", SAVED)
def test_a_loaded_model_goes_on_as_if_nothing_had_been(panel_of: PanelOf, name: str, tmp_path: Path) -> None:
    model, panel = model_of(panel_of, name), table(panel_of, 4, (80, 60), 0.1)
    live = model.live(panel.slice(0, panel.length - 9), held_back=5)
    path = tmp_path / "s.live"
    live.save(path)
    loaded = gc.load_live(path)
    assert (loaded.ids, loaded.describe(), loaded.steps_kept) == (live.ids, live.describe(), live.steps_kept)
    for begin in (9, 4):
        rows = panel.slice(panel.length - begin, panel.length - begin + 5)
        one, other = live.observe(rows), loaded.observe(rows)
        np.testing.assert_array_equal(one.anomaly_RC, other.anomaly_RC)
        np.testing.assert_array_equal(one.forecast_RC, other.forecast_RC)
    streamed, whole = loaded.forecast(future=FUTURE), model.predict(panel, future=FUTURE)
    np.testing.assert_allclose(streamed.values_NHCQ, whole.values_NHCQ, rtol=1e-6)
    live.save(path)
    first = path.read_bytes()
    loaded.save(path)
    assert path.read_bytes() == first, "the same rows give the same bytes"


def test_a_model_without_any_series_is_kept_too(panel_of: PanelOf, tmp_path: Path) -> None:
    gc.Live(model_of(panel_of, "smooth").fitted_).save(tmp_path / "s.live")
    loaded = gc.load_live(tmp_path / "s.live")
    assert len(loaded) == 0
    loaded.observe(table(panel_of, 4, (30,)))
    assert loaded.ids == ("s0",)


def test_names_of_series_keep_their_types(panel_of: PanelOf, tmp_path: Path) -> None:
    rows = {"unique_id": [7] * 30 + [8] * 30, "ds": [*range(30)] * 2, "y": [*map(float, range(60))]}
    model = gc.Forecaster(2, preset="instant").fit(pl.DataFrame(rows))
    live = model.live()
    live.observe({"unique_id": 9, "ds": 3, "y": 1.0})
    live.save(tmp_path / "s.live")
    for one in (live, gc.load_live(tmp_path / "s.live")):
        assert one.forecast().to_frame()["unique_id"].to_list() == [7, 7, 8, 8, 9, 9]


def test_info_tells_what_a_live_file_holds(panel_of: PanelOf, tmp_path: Path) -> None:
    model_of(panel_of, "difference").live(table(panel_of, 4, (60, 50))).save(tmp_path / "s.live")
    told = describe_file(tmp_path / "s.live")
    assert (told["kind"], told["series"]) == ("live", 2)
    assert told["steps"] == 26


def test_a_live_file_is_no_model_and_a_model_is_no_live_file(panel_of: PanelOf, tmp_path: Path) -> None:
    model = model_of(panel_of, "difference")
    model.save(tmp_path / "m.gatecast")
    model.live().save(tmp_path / "s.live")
    with pytest.raises(ModelFileError, match=r"s\.live: holds a 'live'; this reads a 'forecaster'\. Use load_live"):
        gc.load(tmp_path / "s.live")
    with pytest.raises(ModelFileError, match=r"m\.gatecast: holds a 'forecaster'; this reads a 'live'\. Use load\("):
        gc.load_live(tmp_path / "m.gatecast")
    with pytest.raises(ModelFileError, match="no such file"):
        gc.load_live(tmp_path / "none")


# ---------------------------------------------------------------- hostile files


@pytest.fixture(scope="module")
def packed(panel_of: PanelOf, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("live") / "s.live"
    model_of(panel_of, "smooth").live(table(panel_of, 4, (80, 20)), held_back=9).save(path)
    return path.read_bytes()


def parts_of(data: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return json.loads(header["__metadata__"]["gatecast"]), unpack(data)


def sealed(envelope: dict[str, Any], arrays: dict[str, np.ndarray]) -> bytes:
    """A file with right digests, as an attacker would make it."""
    joined = b"".join(np.ascontiguousarray(arrays[name]).tobytes() for name in sorted(arrays))
    envelope = envelope | {"tensors_sha256": hashlib.sha256(joined).hexdigest(), "sha256": "0" * 64}
    text = json.dumps(envelope)
    text = text.replace("0" * 64, hashlib.sha256(text.encode()).hexdigest())
    return pack_tensors({n: np.ascontiguousarray(a) for n, a in arrays.items()}, metadata={"gatecast": text})


def put(name: str, value: Any) -> Callable[..., None]:
    return lambda model, arrays: model.update({name: value})


def tensor(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[..., None]:
    return lambda model, arrays: arrays.update({name: change(arrays[name].copy())})


def filled(value: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda array: np.full_like(array, value)


TAMPERED: dict[str, tuple[Callable[..., None], str]] = {
    "a series more": (put("ids", ["s0", "s1", "s2"]), "starts has 2 entries for 3 series"),
    "a name twice": (put("ids", ["s0", "s0"]), "ids holds a name twice"),
    "lengths huge": (put("lengths", [10**12, 10**12]), r"instead of F64 \[2000000000000, 5\]"),
    "lengths beyond": (put("lengths", [2**50, 1]), "above 1,099,511,627,776"),
    "lengths zero": (put("lengths", [0, 42]), "has no row"),
    "dropped negative": (put("dropped", [-1, 0]), "below 0"),
    "dropped of a short one": (put("dropped", [58, 5]), "dropped steps that its forecasts read"),
    "begun later": (put("begun", [99, 0]), "begun is more than dropped"),
    "starts far": (put("starts", [2**62, 1]), "times that there are not"),
    "starts text": (put("starts", ["1", "2"]), "whole number"),
    "held fewer": (put("held", []), "held has 0 entries for 2 targets"),
    "held alarms": (put("held", [{"rows": 3, "alarms": 4, "left": 0}] * 2), "more alarms than rows"),
    "held left": (put("held", [{"rows": 3, "alarms": 0, "left": 4}] * 2), "more alarms than rows"),
    "held short": (put("held", [{"rows": 1, "alarms": 0, "left": 1}] * 2), r"'live\.held\.0' is F64"),
    "labels": (put("labels", {"times": [], "keys": [], "names": ["a"], "values": [{}], "offset": ""}), "no name"),
    "most_missing": (put("most_missing", -1), "below 0"),
    "unknown field": (put("shiny", 1), "unknown 'shiny'"),
    "rows infinite": (tensor("live.rows", filled(np.inf)), "infinite"),
    "rows without logarithm": (tensor("live.rows", filled(-1.0)), "no logarithm"),
    "rows gone": (tensor("live.rows", filled(np.nan)), "does not begin with an observed one"),
    "alarms later": (tensor("live.alarms", filled(1e9)), "no step of its series"),
    "alarms halves": (tensor("live.alarms", filled(0.5)), "no step of its series"),
    "tail negative": (tensor("live.tail.0", filled(-1.0)), "below 0"),
    "rows fewer": (tensor("live.rows", lambda a: a[:-1]), "instead of F64"),
    "rows narrow": (tensor("live.rows", lambda a: a.astype(np.float32)), "F32"),
    "state fewer": (tensor("live.state.0", lambda a: a[:, :, :-1]), "instead of F64"),
    "state infinite": (tensor("live.state.0", filled(np.inf)), "infinite"),
    "held nan": (tensor("live.held.0", filled(np.nan)), "holds NaN"),
    "held negative": (tensor("live.held.1", filled(-1)), "below 0"),
    "adaptive without widths": (put("adaptive", True), r"tensor 'live\.widths' is missing"),
    "widths unasked": (lambda model, arrays: arrays.update({"live.widths": np.ones((2, 2, 5))}), "is unknown"),
    "extra": (lambda model, arrays: arrays.update({"live.evil": np.zeros(3)}), "'live.evil' is unknown"),
    "model of it": (lambda model, arrays: model["model"].update(smoothing=-1.0), "not all of them 0 or more"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_tampered_file_gives_one_line(packed: bytes, tmp_path: Path, what: str) -> None:
    change, message = TAMPERED[what]
    envelope, arrays = parts_of(packed)
    change(envelope["model"], arrays)
    path = tmp_path / "s.live"
    path.write_bytes(sealed(envelope, arrays))
    with pytest.raises(ModelFileError, match=message) as caught:
        gc.load_live(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("factor", [0.0, 9.0, np.nan])
def test_widths_that_no_row_can_have_left_are_refused(panel_of: PanelOf, tmp_path: Path, factor: float) -> None:
    path = tmp_path / "s.live"
    model_of(panel_of, "difference").live(table(panel_of, 4, (30,)), adaptive=True).save(path)
    envelope, arrays = parts_of(path.read_bytes())
    arrays["live.widths"][0, 0, 1] = factor
    path.write_bytes(sealed(envelope, arrays))
    with pytest.raises(ModelFileError, match=r"'live\.widths' holds factors that are not between 0\.2 and 5"):
        gc.load_live(path)


@given(st.integers(0, 2**32), st.integers(0, 255))
@settings(max_examples=60)
def test_a_damaged_byte_is_found(packed: bytes, tmp_path_factory: pytest.TempPathFactory, place: int, put: int) -> None:
    damaged = bytearray(packed)
    damaged[place % len(packed)] ^= put or 1
    path = tmp_path_factory.mktemp("damaged") / "s.live"
    path.write_bytes(bytes(damaged))
    with pytest.raises(ModelFileError, match=r"s\.live: "):
        gc.load_live(path)


def test_states_that_are_no_numbers_are_told_when_they_are_used(packed: bytes, tmp_path: Path) -> None:
    envelope, arrays = parts_of(packed)
    arrays["live.state.0"][:] = np.nan
    path = tmp_path / "s.live"
    path.write_bytes(sealed(envelope, arrays))
    with pytest.raises(ModelFileError, match=r"s\.live: no finite forecast of 's0'"):
        gc.load_live(path).forecast("s0", future=FUTURE)
