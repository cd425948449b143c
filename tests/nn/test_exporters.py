"""torch's exporters and tracers see an ordinary LSTM: what they write computes what the layer does."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from torch import Tensor

from gatecast.nn import LSTM
from gatecast.nn.kernels import load

onnx = pytest.importorskip("onnx", reason="the extra 'onnx' is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")


class Last(torch.nn.Module):
    """Reads the last output, in one of the two ways."""

    def __init__(self, layer: LSTM, *, alone: bool) -> None:
        super().__init__()
        self.layer, self.alone = layer, alone

    def forward(self, input: Tensor) -> Tensor:
        output: Tensor = self.layer.last(input)[0] if self.alone else self.layer(input)[0]
        return output[:, -1]


@pytest.fixture(params=[False, True], ids=["forward", "last"])
def network(request: pytest.FixtureRequest) -> Last:
    torch.manual_seed(0)
    return Last(LSTM(3, 8, num_layers=2, batch_first=True), alone=request.param).eval()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning", "ignore::UserWarning")
def test_onnx_of_torch_holds_lstm_nodes_and_is_right(network: Last) -> None:
    if load() is None:
        pytest.skip("without the kernels there is nothing to be seen here")
    file = io.BytesIO()
    torch.onnx.export(
        network, (torch.randn(2, 7, 3),), file, dynamo=False, input_names=["x"], dynamic_axes={"x": {0: "b", 1: "t"}}
    )
    graph = onnx.load_from_string(file.getvalue()).graph
    assert [node.op_type for node in graph.node].count("LSTM") == 2
    session = onnxruntime.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])
    other = torch.randn(5, 11, 3)
    (output,) = session.run(None, {"x": other.numpy()})
    np.testing.assert_allclose(output, network(other).detach().numpy(), atol=1e-6)


@pytest.mark.filterwarnings("ignore:The tensor attributes:UserWarning")  # of torch.nn.LSTM too
def test_export_of_torch_is_right_on_other_data(network: Last) -> None:
    program = torch.export.export(network, (torch.randn(2, 7, 3),))
    assert any("lstm" in str(node.target) for node in program.graph.nodes)
    other = torch.randn(2, 7, 3)
    np.testing.assert_allclose(program.module()(other).detach().numpy(), network(other).detach().numpy(), atol=1e-6)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_a_trace_is_right_on_other_data(network: Last) -> None:
    with torch.no_grad():
        traced = torch.jit.trace(network, (torch.randn(2, 7, 3),))
        other = torch.randn(2, 7, 3)
        np.testing.assert_allclose(traced(other).numpy(), network(other).numpy(), atol=1e-6)
