"""Gradients that can be differentiated once more, or that come in batches: by torch's own operations.

Gradient penalties, Hessian products and ``is_grads_batched`` are rare beside training, so they cost a second forward.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from gatecast.nn.plan import Task

__all__ = ["differentiable_gradients"]


def differentiable_gradients(
    task: Task, saved: Sequence[Tensor | None], wanted: Sequence[bool], given: Sequence[Tensor | None]
) -> list[Tensor | None]:
    """Gradients of input, h_0, c_0 and the weights, as far as wanted, with a graph where one is asked for.

    Args:
        task: the call that is gone through again.
        saved: input, h_0, c_0 (None = zeros) and the weights.
        wanted: which of them want a gradient.
        given: gradients of the outputs of the kept steps, of h_n and of c_n.

    Raises:
        RuntimeError: the call drew a dropout mask, which a second forward cannot draw again.
    """
    if task.dropout:
        raise RuntimeError(
            "gatecast.nn.LSTM cannot be differentiated twice, nor its gradients batched, with dropout drawn between "
            "its layers: call eval(), set dropout to 0, or use torch.nn.LSTM."
        )
    keep_graph = torch.is_grad_enabled()
    with torch.enable_grad():
        # Views, for the tensors may come one from another further up, and that part is not to be gone through here.
        views = [None if t is None else t.view_as(t) if keep_graph else t.detach().requires_grad_() for t in saved]
        outputs = [out for out, g in zip(_outputs(task, views), given, strict=True) if g is not None]
        inputs = [view for view, want in zip(views, wanted, strict=True) if want and view is not None]
        found = torch.autograd.grad(
            outputs,
            inputs,
            [g for g in given if g is not None],
            create_graph=keep_graph,
            allow_unused=True,
        )
    rest = iter(found)
    return [next(rest) if want else None for want in wanted]


def _outputs(task: Task, tensors: Sequence[Tensor | None]) -> tuple[Tensor, Tensor, Tensor]:
    """What the kernels computed, by torch."""
    input, h0, c0 = tensors[:3]
    weights = [t for t in tensors[3:] if t is not None]
    assert input is not None
    zeros = input.new_zeros(task.layers * task.directions, task.batch, task.hidden)
    state = [zeros if h0 is None else h0, zeros if c0 is None else c0]
    both_ways = task.directions == 2
    if task.lengths is None:
        out, h_n, c_n = torch.lstm(
            input, state, weights, task.bias, task.layers, 0.0, True, both_ways, task.batch_first
        )
    else:
        packed = pack_padded_sequence(input, task.lengths, task.batch_first)
        data, h_n, c_n = torch.lstm(
            packed.data, packed.batch_sizes, state, weights, task.bias, task.layers, 0.0, True, both_ways
        )
        out, _ = pad_packed_sequence(packed._replace(data=data), task.batch_first, total_length=task.steps)
    return out.narrow(1 if task.batch_first else 0, task.steps - task.keep, task.keep), h_n, c_n
