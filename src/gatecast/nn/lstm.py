"""``LSTM``: ``torch.nn.LSTM`` with its work on a CPU done by compiled kernels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.fx import Proxy
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from gatecast.nn.function import KERNELS, run
from gatecast.nn.guards import is_plain, require_memory, torch_has_to_serve
from gatecast.nn.plan import Task, plan_of
from gatecast.nn.threads import kernel_threads, steady_threads, worthwhile_threads

__all__ = ["LSTM"]

State = tuple[Tensor, Tensor]
Outputs = tuple[Tensor, Tensor, Tensor]  # outputs of the steps, h_n, c_n


class LSTM(torch.nn.LSTM):
    """``torch.nn.LSTM``, faster on a CPU: same arguments, parameters, ``state_dict``, shapes and results.

    In float32 on a CPU the forward and the backward pass of all layers, directions and steps run in Gatecast's compiled
    kernels. Everything else is left to ``torch.nn.LSTM``: other devices and types, ``proj_size``, autocast,
    ``torch.compile``, ``torch.export``, tracing and scripting, the transforms of ``torch.func``, forward-mode
    derivatives, and an installation without the kernels.

    - Dropout between the layers draws one seed from torch's generator, so ``torch.manual_seed`` governs it; its masks
      are not those of ``torch.nn.LSTM``.
    - The same seed gives the same bytes at the same number of threads (``torch.set_num_threads``). Small batches use
      fewer threads than that.
    - ``torch.fx`` sees one call, as for torch's modules. ``quantize_dynamic`` leaves the layer in float32: to quantize,
      load its ``state_dict`` into a ``torch.nn.LSTM``.
    - Second derivatives (``create_graph=True``) go through torch's operations; with dropout drawn they are an error.

    Args:
        *args: as for ``torch.nn.LSTM``: ``input_size``, ``hidden_size``, ``num_layers``, ``bias``, ``batch_first``,
            ``dropout``, ``bidirectional``, ``proj_size``, ``device``, ``dtype``.
        **kwargs: the same by name.

    >>> layer = LSTM(3, 8, num_layers=2, batch_first=True)
    >>> output, (h_n, c_n) = layer(torch.zeros(4, 20, 3))
    >>> output.shape, h_n.shape, c_n.shape
    (torch.Size([4, 20, 8]), torch.Size([2, 4, 8]), torch.Size([2, 4, 8]))
    """

    bf16x3 = False
    """Whether wide layers may compute outputs without gradients from two bf16 for each number, three of whose four
    products are added up in float32: twice as fast on processors with AMX, and 1e-5 of a gate's sum from float32."""

    def forward(self, input: Any, hx: State | None = None) -> Any:
        """As ``torch.nn.LSTM``: outputs of every step, and the state after the last.

        Args:
            input: (T, B, F), with ``batch_first`` (B, T, F); (T, F) without a batch; or a ``PackedSequence``.
            hx: h_0 and c_0, (layers * directions, B, D) each, without a batch (layers * directions, D); None = zeros.

        Returns:
            The outputs, (T, B, directions * D) or as the input, and ``(h_n, c_n)`` of the shapes of ``hx``.
        """
        done: Any = None
        if KERNELS is not None and not torch_has_to_serve() and not self.proj_size:
            done = self._packed(input, hx) if isinstance(input, PackedSequence) else self._dense(input, hx, 0)
        if done is None and isinstance(input, Proxy):
            done = _as_leaf(self, input, hx)
        return super().forward(input, hx) if done is None else done

    def last(self, input: Tensor, hx: State | None = None, steps: int = 1) -> tuple[Tensor, State]:
        """The outputs of the last steps alone, and the state: cheaper than all outputs where only these are read.

        A layer in one direction neither writes the other outputs nor goes through their gradients. Hooks of the module
        are not called.

        Args:
            input: (T, B, F), with ``batch_first`` (B, T, F), or (T, F) without a batch.
            hx: as in ``forward``.
            steps: K, the steps wanted; 0, or more than T, means all.

        Returns:
            Outputs (K, B, directions * D), with ``batch_first`` (B, K, directions * D), and ``(h_n, c_n)``.

        Raises:
            TypeError: the input is a ``PackedSequence``, whose rows end at steps of their own: use h_n.
            ValueError: ``steps`` is negative.
        """
        if isinstance(input, PackedSequence):
            raise TypeError("last() takes a tensor: the rows of a PackedSequence end at different steps; read h_n.")
        if steps < 0:
            raise ValueError(f"steps = {steps}: give a count of last steps, or 0 for all.")
        if KERNELS is not None and not torch_has_to_serve() and not self.proj_size:
            done = self._dense(input, hx, steps)
            if done is not None:
                return done
        output, state = super().forward(input, hx)
        return _last_of(output, steps, 1 if self.batch_first and output.dim() == 3 else 0), state

    def _dense(self, input: Tensor, hx: State | None, steps: int) -> tuple[Tensor, State] | None:
        """Outputs of the last steps (0 = all) of a tensor; None where torch has to serve, or to complain."""
        if not is_plain(input) or not (hx is None or (isinstance(hx, tuple | list) and len(hx) == 2)):
            return None
        batch_first = self.batch_first
        if input.dim() == 3:
            done = self._run(input, hx, None, steps, batch_first)
            return None if done is None else (done[0], done[1:])
        if input.dim() != 2 or (hx is not None and not all(state.dim() == 2 for state in hx)):
            return None
        states = None if hx is None else (hx[0].unsqueeze(1), hx[1].unsqueeze(1))
        done = self._run(input.unsqueeze(1), states, None, steps, False)
        return None if done is None else (done[0].squeeze(1), (done[1].squeeze(1), done[2].squeeze(1)))

    def _packed(self, packed: PackedSequence, hx: State | None) -> tuple[PackedSequence, State] | None:
        """Ragged rows: padded, run with their lengths, packed again; None where torch has to serve, or to complain."""
        data, sizes, order, place = packed
        if not (is_plain(data) and data.dim() == 2 and _is_falling(sizes, len(data))):
            return None
        require_memory(data)
        states = None if hx is None else self.permute_hidden(hx, order)
        if int(sizes[-1]) == int(sizes[0]):
            done = self._run(data.view(len(sizes), -1, data.shape[1]), states, None, 0, False)
            output = None if done is None else done[0].flatten(0, 1)
        else:
            padded, lengths = pad_packed_sequence(PackedSequence(data, sizes))
            done = self._run(padded, states, lengths, 0, False)
            output = None if done is None else pack_padded_sequence(done[0], lengths).data
        if done is None or output is None:
            return None
        return PackedSequence(output, sizes, order, place), self.permute_hidden(done[1:], place)

    def _run(
        self, input: Tensor, hx: State | None, lengths: Tensor | None, steps: int, batch_first: bool
    ) -> Outputs | None:
        """The kernels on (T, B, F), or (B, T, F) with ``batch_first``; None where something does not fit."""
        hidden, layers, training = self.hidden_size, self.num_layers, self.training
        plan = plan_of(self.input_size, hidden, layers, self.bias, self.bidirectional)
        rows, length, features = input.shape
        if not batch_first:
            rows, length = length, rows
        if features != self.input_size or not rows or not length:
            return None
        h0 = c0 = None
        if hx is not None:
            h0, c0 = hx
            shape = (plan.states, rows, hidden)
            if not (is_plain(h0) and is_plain(c0) and h0.shape == shape and c0.shape == shape):
                return None
            require_memory(h0, c0)
            h0, c0 = h0.contiguous(), c0.contiguous()
        weights = self._weights(plan.weights)
        if weights is None:
            return None
        require_memory(input)
        if input.stride()[2] != 1:
            input = input.contiguous()
        wanted = min(steps, length) or length
        keep = wanted if plan.directions == 1 else length
        most = steady_threads() if torch.is_grad_enabled() else kernel_threads()  # gradients are summed by thread
        threads = worthwhile_threads(rows, plan.flops * rows * length, most)
        dropout = self.dropout if training and layers > 1 else 0.0
        seed = _draw_seed() if dropout else 0
        task = Task(
            rows, length, features, hidden, layers, plan.directions, keep, batch_first, self.bias, lengths, threads,
            dropout, seed, self.bf16x3,
        )  # fmt: skip
        out, h_n, c_n = run(task, input, h0, c0, weights)
        return out if keep == wanted else _last_of(out, wanted, 1 if batch_first else 0), h_n, c_n

    def _weights(self, names: tuple[tuple[str, tuple[int, ...]], ...]) -> list[Tensor] | None:
        """The weights as they are at this call (they may be parametrised); None where one is unusual."""
        parameters = self._parameters  # asked directly: an attribute of a module costs ten times as much
        found = []
        for name, shape in names:
            weight = parameters.get(name)
            if weight is None:
                weight = getattr(self, name, None)
            if weight is None or weight.shape != shape or not is_plain(weight):
                return None
            require_memory(weight)
            found.append(weight.contiguous())
        return found

    def __prepare_scriptable__(self) -> torch.nn.LSTM:
        """What ``torch.jit.script`` compiles instead: a plain ``torch.nn.LSTM`` on the same parameters."""
        plain = torch.nn.LSTM.__new__(torch.nn.LSTM)
        plain.__dict__ = self.__dict__
        return plain


def _as_leaf(layer: LSTM, input: Proxy, hx: Any) -> Proxy | None:
    """One call in the graph of ``torch.fx``, as of torch's own modules; None where the layer is the traced whole."""
    tracer: Any = input.tracer
    if layer is tracer.root:
        return None
    call: Proxy = tracer.create_proxy("call_module", tracer.path_of_module(layer), (input, hx), {})
    return call


def _last_of(output: Tensor, steps: int, axis: int) -> Tensor:
    """The last ``steps`` of an axis; all where they are 0 or too many."""
    length = output.shape[axis]
    wanted = min(steps, length) or length
    return output.narrow(axis, length - wanted, wanted)


def _draw_seed() -> int:
    """A seed from torch's generator, so that ``torch.manual_seed`` governs the dropout masks."""
    return int(torch.randint(2**63 - 1, ()))


def _is_falling(sizes: Tensor, total: int) -> bool:
    """Whether the batch sizes of a ``PackedSequence`` make one: rows that end one after the other."""
    counts = sizes.tolist()
    return bool(counts) and counts[-1] > 0 and sum(counts) == total and counts == sorted(counts, reverse=True)
