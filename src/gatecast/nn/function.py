"""The seam between torch and the kernels: one node of the graph for all layers, directions and steps of an LSTM.

The kernels see addresses and strides only. What they need again for the way back lies in a block of their own (the
memory), which is handed back as soon as torch frees its graph; the tensors that the way back reads are saved through
torch, so that a change in place between forward and backward is found as for any layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gatecast.nn.again import differentiable_gradients
from gatecast.nn.guards import is_batched, keeps_graph, require_memory
from gatecast.nn.kernels import load
from gatecast.nn.plan import Task

__all__ = ["KERNELS", "run"]

KERNELS = load()

Outputs = tuple[Tensor, Tensor, Tensor]


def run(task: Task, input: Tensor, h0: Tensor | None, c0: Tensor | None, weights: Sequence[Tensor]) -> Outputs:
    """Outputs of the kept steps, h_n and c_n; with a graph where one of the tensors wants a gradient."""
    if torch.is_grad_enabled() and _any_wants_gradient(input, h0, c0, weights):
        return _apply(task, input, h0, c0, *weights)
    return _forward(task, input, h0, c0, weights, task.dropout > 0)[0]


def _any_wants_gradient(input: Tensor, h0: Tensor | None, c0: Tensor | None, weights: Sequence[Tensor]) -> bool:
    for weight in weights:  # any() over a generator takes four times as long, and this runs at every call
        if weight.requires_grad:
            return True
    return input.requires_grad or (h0 is not None and h0.requires_grad) or (c0 is not None and c0.requires_grad)


class _Layers(torch.autograd.Function):
    """The kernels as a node of torch's graph."""

    @staticmethod
    def forward(ctx: Any, task: Task, input: Tensor, h0: Tensor | None, c0: Tensor | None, *weights: Tensor) -> Outputs:
        outputs, ctx.memory = _forward(task, input, h0, c0, weights, True)
        # torch saves its output and refuses to go back once that was written to; in two directions it saves the halves.
        kept = outputs[0] if task.directions == 1 else None
        ctx.save_for_backward(input, h0, c0, *weights, kept)
        ctx.set_materialize_grads(False)
        ctx.task = task
        return outputs

    @staticmethod
    def backward(ctx: Any, *given: Tensor | None) -> tuple[Tensor | None, ...]:
        saved, wanted = ctx.saved_tensors[:-1], ctx.needs_input_grad[1:]
        require_memory(*saved)  # freed since the forward?
        if torch.is_grad_enabled() or any(is_batched(g) for g in given if g is not None):
            return None, *differentiable_gradients(ctx.task, saved, wanted, given)
        gradients = _backward(ctx.task, ctx.memory, saved, wanted, given)
        if not keeps_graph():
            ctx.memory = None
        return None, *gradients


# Function.apply itself looks for transforms and dead wrappers of them; there are none here, see guards.
_apply: Any = super(torch.autograd.Function, _Layers).apply


def _forward(
    task: Task, input: Tensor, h0: Tensor | None, c0: Tensor | None, weights: Sequence[Tensor], train: bool
) -> tuple[Outputs, Any]:
    batch, steps, features, hidden, layers, directions, keep, batch_first, bias, lengths, *how = task
    threads, dropout, seed, halves = how
    width = hidden * directions
    if batch_first:
        x_batch, x_step, _ = input.stride()
        out, out_batch, out_step = input.new_empty(batch, keep, width), keep * width, width
    else:
        x_step, x_batch, _ = input.stride()
        out, out_batch, out_step = input.new_empty(keep, batch, width), width, batch * width
    h_n, c_n = input.new_empty(layers * directions, batch, hidden), input.new_empty(layers * directions, batch, hidden)
    shape = (batch, steps, features, hidden, layers, directions, x_batch, x_step, out_batch, out_step, keep)
    addresses = _addresses(weights, bias)
    data = (
        input.data_ptr(),
        0 if lengths is None else lengths.data_ptr(),
        0 if h0 is None else h0.data_ptr(),
        0 if c0 is None else c0.data_ptr(),
        out.data_ptr(),
        h_n.data_ptr(),
        c_n.data_ptr(),
    )
    memory = KERNELS.lstm_forward(  # type: ignore[union-attr]
        shape, data, addresses, threads, train, dropout, seed, halves
    )
    return (out, h_n, c_n), memory


def _backward(
    task: Task,
    memory: Any,
    saved: Sequence[Any],
    wanted: Sequence[bool],
    given: Sequence[Tensor | None],
) -> list[Tensor | None]:
    require_memory(*given)
    input, h0, c0, *weights = saved
    input = _dense(input)
    weights = [weight.contiguous() for weight in weights]
    d_out = None if given[0] is None else _dense(given[0].resolve_neg())
    d_h, d_c = (None if g is None else g.resolve_neg().contiguous() for g in given[1:])
    empty = torch.empty_like
    gradients = [
        empty(t, memory_format=torch.contiguous_format) if want else None
        for t, want in zip((input, h0, c0, *weights), wanted, strict=True)
    ]
    d_x = gradients[0]
    data = (input.data_ptr(), *[0 if t is None else t.data_ptr() for t in (d_out, d_h, d_c, *gradients[:3])])
    strides = (
        *_strides(input, task.batch_first),
        *((0, 0) if d_out is None else _strides(d_out, task.batch_first)),
        *((0, 0) if d_x is None else _strides(d_x, task.batch_first)),
    )
    KERNELS.lstm_backward(  # type: ignore[union-attr]
        memory, data, strides, _addresses(weights, task.bias), _addresses(gradients[3:], task.bias)
    )
    return gradients


def _addresses(tensors: Sequence[Tensor | None], bias: bool) -> tuple[int, ...]:
    """Four addresses for each layer and direction; 0 where there is nothing."""
    found = [0 if t is None else t.data_ptr() for t in tensors]
    if not bias:
        found = [address for n in range(0, len(found), 2) for address in (*found[n : n + 2], 0, 0)]
    return tuple(found)


def _dense(tensor: Tensor) -> Tensor:
    """A tensor whose last axis is contiguous."""
    return tensor if tensor.stride()[2] == 1 else tensor.contiguous()


def _strides(tensor: Tensor, batch_first: bool) -> tuple[int, int]:
    """Strides of batch and step."""
    first, second, _ = tensor.stride()
    return (first, second) if batch_first else (second, first)
