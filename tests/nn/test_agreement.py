"""Outputs, states and gradients against ``torch.nn.LSTM`` in float64, over the whole range of calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.utils.parametrizations import weight_norm
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from gatecast.nn import LSTM
from gatecast.nn.function import run
from gatecast.nn.plan import Task

pytestmark = pytest.mark.usefixtures("one_thread")

QUICK = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SIZES = st.fixed_dictionaries(
    {
        "features": st.integers(1, 20),
        "hidden": st.sampled_from([1, 2, 5, 7, 8, 16, 17, 31, 33]),
        "batch": st.integers(1, 19),
        "steps": st.integers(1, 9),
        "seed": st.integers(0, 99),
        "state": st.booleans(),
    }
)
KINDS = st.fixed_dictionaries(
    {
        "num_layers": st.integers(1, 3),
        "bias": st.booleans(),
        "batch_first": st.booleans(),
        "bidirectional": st.booleans(),
    }
)
LAYOUTS = ("dense", "transposed", "windows", "one row for all", "every other feature", "reversed")


def laid_out(layout: str, first: int, second: int, features: int) -> Tensor:
    """Numbers (first, second, F) whose strides are not those of a fresh tensor."""
    if layout == "transposed":
        return torch.randn(second, first, features).transpose(0, 1)
    if layout == "windows":
        return torch.randn(first + second, features).unfold(0, second, 1)[:first].transpose(1, 2)
    if layout == "one row for all":
        return torch.randn(1, second, features).expand(first, second, features)
    if layout == "every other feature":
        return torch.randn(first, second, 2 * features)[..., ::2]
    if layout == "reversed":
        return torch.randn(first, second, features, dtype=torch.cfloat).conj().imag  # marked as negated, stride 2
    return torch.randn(first, second, features)


def states_of(layer: torch.nn.LSTM, batch: int) -> tuple[Tensor, Tensor]:
    shape = (layer.num_layers * (2 if layer.bidirectional else 1), batch, layer.hidden_size)
    return torch.randn(shape), torch.randn(shape[0], 1, shape[2]).expand(shape)


def same(tensor: Tensor) -> Tensor:
    return tensor.detach().double().requires_grad_()


def backward(layer: torch.nn.LSTM, output: Tensor, state: tuple[Tensor, Tensor], weights: list[Tensor]) -> None:
    """A loss in which every entry of the outputs and of both states counts differently."""
    loss = sum((w.to(t) * t).sum() for w, t in zip(weights, (output, *state), strict=True))
    layer.zero_grad()
    loss.backward()  # type: ignore[union-attr]


def compare(
    agree: Any, ours: LSTM, exact: torch.nn.LSTM, input: Tensor, hx: Any, call: Callable[[Any, Any, Any], Any]
) -> None:
    """Run both by ``call(layer, input, hx)`` -> output, (h, c), and compare all that comes back, gradients too."""
    ours_in = input.detach().requires_grad_()
    ours_hx = None if hx is None else tuple(t.detach().requires_grad_() for t in hx)
    exact_in, exact_hx = same(input), None if hx is None else tuple(same(t) for t in hx)
    output, state = call(ours, ours_in, ours_hx)
    true_output, true_state = call(exact, exact_in, exact_hx)
    for name, a, b in zip(["out", "h", "c"], (output, *state), (true_output, *true_state), strict=True):
        agree(a, b, name)
    weights = [torch.randn(t.shape) for t in (output, *state)]
    backward(ours, output, state, weights)
    backward(exact, true_output, true_state, weights)
    agree(ours_in.grad, exact_in.grad, "input")
    if ours_hx is not None and exact_hx is not None:
        agree(ours_hx[0].grad, exact_hx[0].grad, "h0")
        agree(ours_hx[1].grad, exact_hx[1].grad, "c0")
    for (name, a), b in zip(ours.named_parameters(), exact.parameters(), strict=True):
        agree(a.grad, b.grad, name)


def plainly(layer: torch.nn.LSTM, input: Tensor, hx: Any) -> Any:
    return layer(input, hx)


@QUICK
@given(sizes=SIZES, kinds=KINDS, layout=st.sampled_from(LAYOUTS))
def test_tensors(twins: Any, agree: Any, sizes: dict[str, int], kinds: dict[str, Any], layout: str) -> None:
    ours, exact = twins(sizes["features"], sizes["hidden"], seed=sizes["seed"], **kinds)
    batch, steps = sizes["batch"], sizes["steps"]
    first, second = (batch, steps) if kinds["batch_first"] else (steps, batch)
    input = laid_out(layout, first, second, sizes["features"])
    compare(agree, ours, exact, input, states_of(ours, batch) if sizes["state"] else None, plainly)


@QUICK
@given(sizes=SIZES, kinds=KINDS, sorted_=st.booleans(), data=st.data())
def test_packed_sequences(
    twins: Any, agree: Any, sizes: dict[str, int], kinds: dict[str, Any], sorted_: bool, data: st.DataObject
) -> None:
    ours, exact = twins(sizes["features"], sizes["hidden"], seed=sizes["seed"], **kinds)
    batch, steps = sizes["batch"], sizes["steps"]
    lengths = data.draw(st.lists(st.integers(1, steps), min_size=batch, max_size=batch))
    lengths = sorted(lengths, reverse=True) if sorted_ else lengths

    def call(layer: torch.nn.LSTM, input: Tensor, hx: Any) -> Any:
        packed = pack_padded_sequence(input, torch.tensor(lengths), enforce_sorted=sorted_)
        output, state = layer(packed, hx)
        assert isinstance(output, PackedSequence)
        assert torch.equal(output.batch_sizes, packed.batch_sizes)
        assert (output.sorted_indices is None) == sorted_
        return output.data, state

    input = torch.randn(max(lengths), batch, sizes["features"])
    compare(agree, ours, exact, input, states_of(ours, batch) if sizes["state"] else None, call)


@QUICK
@given(sizes=SIZES, kinds=KINDS, count=st.integers(0, 10))
def test_last_steps(twins: Any, agree: Any, sizes: dict[str, int], kinds: dict[str, Any], count: int) -> None:
    ours, exact = twins(sizes["features"], sizes["hidden"], seed=sizes["seed"], **kinds)
    batch, steps = sizes["batch"], sizes["steps"]
    first, second = (batch, steps) if kinds["batch_first"] else (steps, batch)

    def call(layer: torch.nn.LSTM, input: Tensor, hx: Any) -> Any:
        if isinstance(layer, LSTM):
            return layer.last(input, hx, count)
        output, state = layer(input, hx)
        return output[:, -count:] if kinds["batch_first"] else output[-count:], state

    input = torch.randn(first, second, sizes["features"])
    compare(agree, ours, exact, input, states_of(ours, batch) if sizes["state"] else None, call)


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("ways", [1, 2])
@pytest.mark.parametrize("with_state", [True, False])
def test_without_a_batch(twins: Any, agree: Any, batch_first: bool, ways: int, with_state: bool) -> None:
    ours, exact = twins(3, 6, 2, batch_first=batch_first, bidirectional=ways == 2)
    input = torch.randn(7, 3)
    hx = (torch.randn(2 * ways, 6), torch.randn(2 * ways, 6)) if with_state else None
    compare(agree, ours, exact, input, hx, plainly)

    def last(layer: torch.nn.LSTM, input: Tensor, hx: Any) -> Any:
        if isinstance(layer, LSTM):
            return layer.last(input, hx, 2)
        output, state = layer(input, hx)
        return output[-2:], state

    compare(agree, ours, exact, input, hx, last)


@pytest.mark.parametrize(
    ("features", "hidden", "batch", "steps"), [(1, 1, 1, 1), (3, 700, 1, 3), (300, 5, 70, 2), (2, 64, 64, 50)]
)
def test_extreme_sizes(twins: Any, agree: Any, features: int, hidden: int, batch: int, steps: int) -> None:
    ours, exact = twins(features, hidden)
    compare(agree, ours, exact, torch.randn(steps, batch, features), states_of(ours, batch), plainly)


@pytest.mark.parametrize("hidden", [1, 8, 24, 50])
def test_every_instruction_set(twins: Any, agree: Any, variant: str, hidden: int) -> None:
    ours, exact = twins(5, hidden, 2, bidirectional=True)
    compare(agree, ours, exact, torch.randn(12, 9, 5), states_of(ours, 9), plainly)

    def packed(layer: torch.nn.LSTM, input: Tensor, hx: Any) -> Any:
        output, state = layer(pack_padded_sequence(input, torch.tensor([12, 7, 7, 5, 1, 1, 1, 1, 1])), hx)
        return output.data, state

    compare(agree, ours, exact, torch.randn(12, 9, 5), states_of(ours, 9), packed)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_every_count_of_threads(
    twins: Any, agree: Any, threads: Any, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr("gatecast.nn.threads.FLOPS_PER_THREAD", 1)
    threads(count)
    ours, exact = twins(5, 12, 2, bidirectional=True)
    compare(agree, ours, exact, torch.randn(12, 19, 5), states_of(ours, 19), plainly)


def test_the_kernels_serve(compiled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other tests compare torch with itself where they do not."""
    tasks: list[Task] = []

    def seen(task: Task, *tensors: Any) -> Any:
        tasks.append(task)
        return run(task, *tensors)

    monkeypatch.setattr("gatecast.nn.lstm.run", seen)
    layer, x = LSTM(3, 4), torch.randn(5, 2, 3)
    layer(x)
    layer(x[:, 0])
    layer(pack_padded_sequence(x, torch.tensor([5, 2])))
    layer.last(x, steps=2)
    LSTM(3, 4, bidirectional=True).last(x, steps=2)
    weight_norm(layer, "weight_hh_l0")
    layer(x)
    torch.func.functional_call(LSTM(3, 4), {"bias_hh_l0": torch.zeros(16)}, (x,))
    assert [task.keep for task in tasks] == [5, 5, 5, 2, 5, 5, 5]
    assert [task.lengths is None for task in tasks] == [True, True, False, True, True, True, True]


@QUICK
@given(
    features=st.integers(1, 40),
    units=st.sampled_from([64, 70, 128]),
    batch=st.integers(1, 70),
    steps=st.integers(1, 9),
    kinds=KINDS,
    layout=st.sampled_from(LAYOUTS),
    state=st.booleans(),
)
def test_wide_layers_without_gradients(
    twins: Any, features: int, units: int, batch: int, steps: int, kinds: dict[str, Any], layout: str, state: bool
) -> None:
    """In halves they are done in tiles where the processor has them: a state before all, ragged ends."""
    ours, exact = twins(features, units, **kinds)
    ours.bf16x3 = True
    first, second = (batch, steps) if kinds["batch_first"] else (steps, batch)
    rows = laid_out(layout, first, second, features)
    hx = states_of(ours, batch) if state else None
    lengths = torch.randint(1, steps + 1, (batch,)).sort(descending=True).values
    packed = pack_padded_sequence(rows, lengths, batch_first=kinds["batch_first"])
    with torch.no_grad():
        for given in (rows, packed):
            found, true = ours(given, hx), exact(given.double(), hx and tuple(same(t).detach() for t in hx))
            outputs = [out.data if isinstance(out, PackedSequence) else out for out in (found[0], true[0])]
            for a, b in zip((outputs[0], *found[1]), (outputs[1], *true[1]), strict=True):
                assert float((a - b).abs().max()) < 2e-5  # with states of up to 4; those of series stay below 1


@pytest.mark.parametrize("halves", [False, True])
@pytest.mark.parametrize("units", [33, 64, 128])
def test_a_row_does_not_depend_on_the_others(variant: str, units: int, halves: bool) -> None:
    torch.manual_seed(0)
    layer = LSTM(7, units, 2, batch_first=True).eval()
    layer.bf16x3 = halves
    rows = torch.randn(50, 12, 7)
    with torch.no_grad():
        together = layer(rows)[0]
        for count in (1, 15, 16, 17, 33):
            assert torch.equal(layer(rows[:count])[0], together[:count])
            assert torch.equal(layer(rows[-count:])[0], together[-count:])


@pytest.mark.parametrize(("halves", "most"), [(False, 5e-7), (True, 5e-6)])
def test_how_far_wide_layers_are_from_float64(twins: Any, variant: str, halves: bool, most: float) -> None:
    """After 200 steps of two layers; products of one bf16 would be a thousandth apart."""
    ours, exact = twins(12, 128, 2, batch_first=True)
    ours.bf16x3 = halves
    rows = torch.randn(64, 200, 12)
    with torch.no_grad():
        difference = (ours(rows)[0] - exact(rows.double())[0]).abs()
    assert float(difference.max()) < most
