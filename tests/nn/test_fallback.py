"""Everywhere else the layer IS ``torch.nn.LSTM``: its results, bit by bit, and its errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn.utils.rnn import PackedSequence

from gatecast.nn import LSTM, function
from gatecast.nn import lstm as module

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def unused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernels must not be reached."""

    def reached(*_: object) -> None:
        raise AssertionError("the kernels were reached")

    monkeypatch.setattr(module, "run", reached)


def pair(*sizes: int, **settings: Any) -> tuple[LSTM, torch.nn.LSTM]:
    torch.manual_seed(0)
    ours, theirs = LSTM(*sizes, **settings), torch.nn.LSTM(*sizes, **settings)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def assert_same(found: Any, expected: Any) -> None:
    assert type(found) is type(expected)
    if isinstance(expected, Tensor):
        assert torch.equal(found, expected)
    elif isinstance(expected, str):
        assert found == expected
    elif expected is not None:
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            assert_same(a, b)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.usefixtures("unused")
def test_other_types(dtype: torch.dtype) -> None:
    ours, theirs = pair(3, 4, 2, dtype=dtype)
    x = torch.randn(5, 2, 3, dtype=dtype)
    assert_same(ours(x), theirs(x))
    assert_same(ours.last(x, steps=2)[0], theirs(x)[0][-2:])


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.usefixtures("unused")
def test_projections() -> None:
    ours, theirs = pair(3, 4, proj_size=2, batch_first=True)
    x = torch.randn(5, 2, 3)
    assert_same(ours(x), theirs(x))
    assert_same(ours.last(x)[0], theirs(x)[0][:, -1:])
    assert_same(ours.last(x[0])[0], theirs(x[0])[0][-1:])


@pytest.mark.usefixtures("unused")
def test_autocast() -> None:
    ours, theirs = pair(3, 4)
    x = torch.randn(5, 2, 3)
    with torch.autocast("cpu", torch.bfloat16):  # an error of torch where the machine has no such instructions
        assert_same(outcome(lambda: ours(x)), outcome(lambda: theirs(x)))


@pytest.mark.usefixtures("unused")
def test_meta_tensors() -> None:
    out, (h, _) = LSTM(3, 4, device="meta")(torch.randn(5, 2, 3, device="meta"))
    assert out.shape == (5, 2, 4)
    assert h.is_meta
    with torch._subclasses.FakeTensorMode():
        assert LSTM(3, 4)(torch.randn(5, 2, 3))[0].shape == (5, 2, 4)


def outcome(call: Callable[[], Any]) -> Any:
    """What a call gives, or the error that it raises."""
    try:
        return call()
    except Exception as error:  # compared, whatever it is
        return f"{type(error).__name__}: {error}"


TRANSFORMS: dict[str, Callable[[Any, Tensor], Any]] = {
    "vmap": lambda layer, x: torch.func.vmap(lambda z: layer(z)[0])(x),  # an error in torch 2.13
    "grad": lambda layer, x: torch.func.grad(lambda z: layer(z)[0].pow(2).sum())(x[0]),
    "jacrev": lambda layer, x: torch.func.jacrev(lambda z: layer(z)[0].sum(0))(x[0]),
    "jvp": lambda layer, x: torch.func.jvp(lambda z: layer(z)[0], (x[0],), (x[1],)),
}


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("unused")
def test_transforms_of_functions(name: str) -> None:
    ours, theirs = pair(3, 4)
    x = torch.randn(6, 5, 2, 3)
    assert_same(outcome(lambda: TRANSFORMS[name](ours, x)), outcome(lambda: TRANSFORMS[name](theirs, x)))


@pytest.mark.parametrize("with_graph", [True, False])
@pytest.mark.filterwarnings("ignore")  # torch scripts its rules for this at first use
@pytest.mark.usefixtures("unused")
def test_forward_mode(with_graph: bool) -> None:
    """An error in torch 2.13, which has no rule for an LSTM in float32; not a derivative that is lost."""
    x, way = torch.randn(5, 2, 3), torch.randn(5, 2, 3)

    def tangent(layer: torch.nn.LSTM) -> Any:
        with torch.set_grad_enabled(with_graph), forward_ad.dual_level():
            return forward_ad.unpack_dual(layer(forward_ad.make_dual(x, way))[0]).tangent

    ours, theirs = pair(3, 4)
    found = outcome(lambda: tangent(ours))
    assert found is not None
    assert_same(found, outcome(lambda: tangent(theirs)))


@pytest.mark.usefixtures("unused")
def test_watching_modes() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    counts = []
    for layer in pair(3, 4):
        with FlopCounterMode(display=False) as counter:
            layer(torch.randn(5, 2, 3))
        counts.append(counter.get_total_flops())
    assert counts[0] == counts[1]


class Tagged(Tensor):
    """A tensor class of somebody else."""


@pytest.mark.usefixtures("unused")
def test_other_kinds_of_tensors() -> None:
    ours, theirs = pair(3, 4)
    x = torch.randn(5, 2, 3)
    for other in (x.as_subclass(Tagged), x.to_sparse(), x.to_mkldnn()):
        assert_same(outcome(lambda x=other: ours(x)), outcome(lambda x=other: theirs(x)))


# ---------------------------------------------------------------- compilers


class Model(torch.nn.Module):
    def __init__(self, layer: torch.nn.LSTM) -> None:
        super().__init__()
        self.lstm = layer
        self.head = torch.nn.Linear(layer.hidden_size, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.lstm(x)[0])
        return out


@pytest.mark.filterwarnings("ignore")  # torch's compilers warn of themselves
def test_script_and_trace() -> None:
    model = Model(LSTM(3, 4, 2))
    x, longer = torch.randn(5, 2, 3), torch.randn(9, 2, 3)
    before = dict(model.state_dict())
    scripted = torch.jit.script(model)
    assert torch.allclose(scripted(longer), model(longer), atol=1e-6)
    assert isinstance(LSTM(3, 4).__prepare_scriptable__(), torch.nn.LSTM)
    traced = torch.jit.trace(model, x, check_trace=False)
    assert torch.allclose(traced(x), model(x), atol=1e-6)
    assert "aten::lstm" in str(traced.inlined_graph)
    assert all(torch.equal(before[name], value) for name, value in scripted.state_dict().items())


@pytest.mark.parametrize("given", [False, True])
def test_symbolic_tracing_sees_one_call_as_of_a_layer_of_torch(given: bool) -> None:
    class Both(Model):
        def forward(self, x: Tensor) -> Tensor:
            state = (x[:1, :, :1].expand(1, 2, 4), x[:1, :, :1].expand(1, 2, 4)) if given else None
            out: Tensor = self.head(self.lstm(x, state)[0])
            return out

    ours, theirs = (torch.fx.symbolic_trace(Both(layer)) for layer in pair(3, 4))
    theirs.head.load_state_dict(ours.head.state_dict())
    assert [str(n.target) for n in ours.graph.nodes if n.op == "call_module"] == ["lstm", "head"]
    for length in (5, 9):
        x = torch.randn(length, 2, 3)
        assert torch.allclose(ours(x), theirs(x), atol=1e-6)


def test_symbolic_tracing_of_the_layer_alone_fails_as_in_torch() -> None:
    found, expected = (outcome(lambda layer=layer: torch.fx.symbolic_trace(layer)) for layer in pair(3, 4))
    assert expected.startswith("TraceError")
    assert found == expected


@pytest.mark.filterwarnings("ignore")  # torch moves its quantization elsewhere
def test_dynamic_quantization_leaves_the_layer_as_it_is() -> None:
    model, x = Model(LSTM(3, 4)), torch.randn(5, 2, 3)
    quantized = torch.ao.quantization.quantize_dynamic(model, {torch.nn.LSTM})
    assert type(quantized.lstm) is LSTM
    assert_same(quantized(x), model(x))


@pytest.mark.filterwarnings("ignore")
def test_export() -> None:
    model = Model(LSTM(3, 4))
    x = torch.randn(5, 2, 3)
    exported = torch.export.export(model, (x,))
    assert torch.allclose(exported.module()(x), model(x), atol=1e-6)
    assert any("lstm" in str(node.target) for node in exported.graph.nodes)


@pytest.mark.filterwarnings("ignore")
def test_compile() -> None:
    model = Model(LSTM(3, 4))
    x = torch.randn(5, 2, 3)
    compiled = torch.compile(model, backend="eager")
    assert torch.allclose(compiled(x), model(x), atol=1e-6)
    torch._dynamo.reset()  # forgets which frames it has given up
    with torch._dynamo.config.patch(allow_rnn=True):
        whole = torch.compile(model, backend="eager", fullgraph=True)
        assert torch.allclose(whole(x), model(x), atol=1e-6)
    compiled(x).sum().backward()
    assert model.lstm.weight_hh_l0.grad is not None


# ---------------------------------------------------------------- errors

WRONG: dict[str, Callable[[torch.nn.LSTM], Any]] = {
    "features": lambda layer: layer(torch.zeros(5, 2, 4)),
    "axes": lambda layer: layer(torch.zeros(5, 2, 3, 1)),
    "one axis": lambda layer: layer(torch.zeros(3)),
    "type": lambda layer: layer(torch.zeros(5, 2, 3, dtype=torch.float64)),
    "integers": lambda layer: layer(torch.zeros(5, 2, 3, dtype=torch.int64)),
    "no steps": lambda layer: layer(torch.zeros(0, 2, 3)),
    "state of another batch": lambda layer: layer(torch.zeros(5, 2, 3), (torch.zeros(1, 3, 4), torch.zeros(1, 3, 4))),
    "cell state of other size": lambda layer: layer(torch.zeros(5, 2, 3), (torch.zeros(1, 2, 4), torch.zeros(1, 2, 5))),
    "flat state": lambda layer: layer(torch.zeros(5, 2, 3), (torch.zeros(1, 4), torch.zeros(1, 4))),
    "batch in the state": lambda layer: layer(torch.zeros(5, 3), (torch.zeros(1, 2, 4), torch.zeros(1, 2, 4))),
    "state of another type": lambda layer: layer(torch.zeros(5, 2, 3), (torch.zeros(1, 2, 4).double(),) * 2),
    "state is one": lambda layer: layer(torch.zeros(5, 2, 3), (torch.zeros(1, 2, 4),)),
    "packed features": lambda layer: layer(PackedSequence(torch.zeros(5, 4), torch.tensor([2, 2, 1]))),
    "packed state": lambda layer: layer(
        PackedSequence(torch.zeros(5, 3), torch.tensor([2, 2, 1])), (torch.zeros(1, 3, 4), torch.zeros(1, 3, 4))
    ),
}


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.usefixtures("unused")
def test_what_does_not_fit_gets_the_error_of_torch(what: str) -> None:
    ours, theirs = pair(3, 4)
    expected = outcome(lambda: WRONG[what](theirs))
    assert "Error: " in expected
    assert outcome(lambda: WRONG[what](ours)) == expected


@pytest.mark.parametrize("sizes", [[2, 3, 1], [2, 0, 3], [3, 3], [2, 2], [2, 1]])
@pytest.mark.usefixtures("unused")
def test_a_packed_sequence_that_is_none_is_left_to_torch(sizes: list[int]) -> None:
    """Sizes that rise, are 0, or do not sum up to the six rows of data, as nobody's function makes them."""
    ours, theirs = pair(3, 4)
    packed = PackedSequence(torch.randn(6, 3), torch.tensor(sizes))
    if sizes == [3, 3]:
        packed = packed._replace(data=packed.data[:5])
    assert_same(outcome(lambda: ours(packed)), outcome(lambda: theirs(packed)))


@pytest.mark.parametrize("shape", [(5, 0, 3), (1, 0, 3)])
@pytest.mark.parametrize("ways", [1, 2])
def test_an_empty_batch(shape: tuple[int, ...], ways: int) -> None:
    ours, theirs = pair(3, 4, 2, bidirectional=ways == 2)
    found, expected = ours(torch.zeros(shape)), theirs(torch.zeros(shape))
    assert_same(found, expected)
    found[0].sum().backward()
    assert ours.last(torch.zeros(shape))[0].shape == (1, 0, 4 * ways)


@pytest.mark.parametrize("weight", ["weight_ih_l0", "weight_hh_l0", "bias_hh_l0"])
@pytest.mark.usefixtures("unused")
def test_weights_of_another_shape_do_not_reach_the_kernels(weight: str) -> None:
    ours, theirs = pair(3, 4)
    shape = ours.get_parameter(weight).shape
    for layer in (ours, theirs):
        setattr(layer, weight, torch.nn.Parameter(torch.zeros(shape[0] + 4, *shape[1:])))
    x = torch.randn(5, 2, 3)
    assert_same(outcome(lambda: ours(x)), outcome(lambda: theirs(x)))


def test_last_says_what_it_cannot_do() -> None:
    layer = LSTM(3, 4)
    with pytest.raises(ValueError, match="steps = -1: give a count"):
        layer.last(torch.zeros(5, 2, 3), steps=-1)
    with pytest.raises(TypeError, match="read h_n"):
        layer.last(torch.nn.utils.rnn.pack_sequence([torch.zeros(5, 3)]))  # type: ignore[arg-type]


def test_without_kernels_all_of_it_is_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KERNELS", None)
    monkeypatch.setattr(function, "KERNELS", None)
    ours, theirs = pair(3, 4, 2)
    x = torch.randn(5, 2, 3)
    assert_same(ours(x), theirs(x))
    assert_same(ours.last(x, steps=3)[0], theirs(x)[0][-3:])
