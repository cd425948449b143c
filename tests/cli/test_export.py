"""``gatecast export``: a file that ONNX Runtime reads, or one line that says why not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import HEAD, Run

pytest.importorskip("onnx", reason="the extra 'onnx' is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")
FIT = ["--horizon", 3, "--lookback", 6, "--scaling", "difference+standard", "--max-epochs", 1, "--members", 1]


@pytest.fixture
def model(run: Run, sales: Path) -> Path:
    assert run("fit", sales, *FIT, "--no-calendar", "--save", "m.gatecast").code == 0
    return Path("m.gatecast")


def test_a_graph_is_written_and_described(run: Run, model: Path) -> None:
    shown = run("export", model, "m.onnx", "--bounds", "0..")
    assert shown.code == 0, shown.err
    assert "7 steps" in shown.out
    found = run("export", model, "m.onnx", "--bounds", "none", "--json").json
    assert set(found) == HEAD | {"model", "graph", "files"}
    texts = onnxruntime.InferenceSession("m.onnx").get_modelmeta().custom_metadata_map
    assert json.loads(texts["gatecast"]) == found["graph"]
    assert found["graph"]["bounds"] == "none"


def test_what_is_refused_is_said_in_options(run: Run, model: Path) -> None:
    result = run("export", model, "m.onnx")
    assert result.code == 2
    assert "export with --bounds none" in result.err
    assert not Path("m.onnx").exists()
    assert "It ends in .onnx" in run("export", model, "m.json").err
