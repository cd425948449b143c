"""Hostile files of several models: what is changed in one group, or does not go together, gives one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gatecast as gc
from gatecast.errors import ModelFileError
from gatecast.storage.files import describe_file

from .test_hostile import (
    JSON_VALUES,
    both,
    envelope,
    filled,
    parts_of,
    put,
    put_anywhere,
    refuse,
    sealed,
    tensor,
    written,
)

WEIGHT = "group.1.candidate.0.member.0.lstm.weight_ih_l0"


def table() -> gc.Panel:
    random = np.random.default_rng(1)
    return gc.read([random.normal(50, 5, 30), random.normal(50, 5, 30)])


class _Whole:
    """A good file, made once; hypothesis wants no fixture of a function's scope."""

    found: bytes = b""

    @classmethod
    def bytes_of(cls, factory: pytest.TempPathFactory) -> bytes:
        if not cls.found:
            path = factory.mktemp("whole") / "m.gatecast"
            one = gc.Forecaster(
                3, lookback=6, network={"hidden_size": 4}, training={"max_epochs": 1, "steps_per_epoch": 2},
                members=1, candidates=1, progress=False,
            )  # fmt: skip
            gc.GroupedForecaster(one, "unique_id").fit(table(), origins=1).save(path)
            cls.found = path.read_bytes()
        return cls.found


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return _Whole.bytes_of(tmp_path_factory)


def without(k: int) -> Callable[..., None]:
    """A group taken out of the document, its tensors left."""

    def change(outer: dict[str, Any], _: dict[str, np.ndarray]) -> None:
        del outer["model"]["groups"][k]

    return change


def turned(outer: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """The groups in the wrong order, tensors and all."""
    outer["model"]["groups"].reverse()
    places = {"group.0.": "group.1.", "group.1.": "group.0."}
    moved = {places[name[:8]] + name[8:]: arrays.pop(name) for name in list(arrays)}
    arrays.update(moved)


def empty(outer: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    outer["model"]["groups"].clear()
    arrays.clear()
    arrays["x"] = np.zeros(1, np.float32)


TAMPERED: dict[str, tuple[Callable[..., None], str]] = {
    "one model of many": (envelope(kind="forecaster"), "missing 'settings'"),
    "live": (envelope(kind="live"), "holds a 'live'.*Use load_live"),
    "no groups": (empty, r"there are 0 groups \(1 to 10,000\)"),
    "groups is a map": (put("groups", {}), "model.groups must be a list"),
    "a group less": (without(1), r"tensor 'group\.1\..*' is unknown"),
    "a group less, the first": (without(0), r"is unknown"),
    "twice": (put("groups.1.name", "0"), "not in order, each once"),
    "order": (turned, "not in order, each once"),
    "column": (put("column", "elsewhere"), "column is 'elsewhere', which the models do not know"),
    "column number": (put("column", 3), "model.column must be a text"),
    "verdict": (put("groups.0.verdict", None), r"model\.groups\[0\]\.verdict must be a text"),
    "outcome": (put("groups.0.judgement.outcome", "splendid"), "must be one of better, undecided, worse"),
    "judgement": (put("groups.0.judgement", {}), "missing 'outcome'"),
    "missing tensor": (tensor(WEIGHT, lambda _: None), "group '.*': tensor 'candidate.0.member.0.lstm.* is missing"),
    "extra tensor": (
        lambda _, arrays: arrays.update({"group.1.evil": np.zeros(1, np.float32)}), "group '.*': tensor 'evil' is unkn"
    ),
    "tensor of no group": (
        lambda _, arrays: arrays.update({"group.2.x": np.zeros(1, np.float32)}), "tensor 'group.2.x' is unknown"
    ),
    "NaN": (tensor(WEIGHT, filled(np.nan)), "group '.*': tensor .* holds NaN"),
    "huge": (put("groups.1.model.candidates.0.plan.network.hidden_size", 10**9), "group '.*': .*instead of"),
    "horizon": (put("groups.1.model.settings.horizon", 4), "group '.*': plan.framing.horizon is 3"),
    "schema": (put("groups.1.model.schema.targets", ["z"]), "the groups differ in schema"),
    "frequency": (put("groups.1.model.frequency", "2step"), "the groups differ in frequency"),
    "names": (put("groups.1.model.names", ["unique_id", "when"]), "the groups differ in names"),
    "quantiles": (
        both(put("groups.1.model.settings.quantiles", [0.02, 0.1, 0.5, 0.9, 0.975])), "the groups differ in quantiles"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TAMPERED)
def test_a_tampered_file_is_refused_with_one_line(case: str, packed: bytes, tmp_path: Path) -> None:
    change, message = TAMPERED[case]
    outer, arrays = parts_of(packed)
    assert gc.load_groups(written(tmp_path, sealed(outer, arrays))), "what is untouched makes a good file"
    change(outer, arrays)
    readers = (gc.load,) if outer["kind"] == "forecaster" else (gc.load_groups,)
    refuse(written(tmp_path, sealed(outer, arrays)), message, *readers)


def test_a_truncated_file_and_changed_bytes_are_noticed(packed: bytes, tmp_path: Path) -> None:
    for length in (0, 7, 60, len(packed) // 2, len(packed) - 1):
        refuse(written(tmp_path, packed[:length]), r"m\.gatecast: ", gc.load_groups, describe_file)
    weights = bytearray(packed)
    weights[-2] ^= 1
    refuse(written(tmp_path, bytes(weights)), "tensors were changed", gc.load_groups)


@given(data=st.data(), value=JSON_VALUES)
def test_any_value_in_any_field_gives_an_error_or_models(
    data: st.DataObject, value: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outer, arrays = parts_of(_Whole.bytes_of(tmp_path_factory))
    put_anywhere(outer["model"], value, data)
    path = written(tmp_path_factory.getbasetemp(), sealed(outer, arrays))
    found: list[Any] = []
    for reader in (gc.load_groups, describe_file):
        try:
            found.append(reader(path))
        except ModelFileError as error:
            found.append(str(error))
    assert not any(isinstance(line, str) and "\n" in line for line in found)
