"""When the compiled kernels may not serve: under every mode of torch that has to see the operations one by one.

Some of torch's modes can be asked about by undocumented functions only. Where a later torch lacks one of them, the
answer is "the mode is on": the layer is then slower, and never wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.compiler import is_compiling

__all__ = ["is_batched", "is_plain", "keeps_graph", "require_memory", "torch_has_to_serve"]


def _undocumented(path: str, unknown: Any = True) -> Callable[..., Any]:
    """A function of ``torch._C`` by its dotted name, or one that answers ``unknown``."""
    found: Any = torch._C
    for name in path.split("."):
        found = getattr(found, name, None)
    return found if callable(found) else lambda *_: unknown


_autocasts = _undocumented("_is_any_autocast_enabled")
_dispatch_modes = _undocumented("_len_torch_dispatch_stack")
_is_tracing = _undocumented("_is_tracing")
_transforms = _undocumented("_are_functorch_transforms_active")
keeps_graph = _undocumented("_autograd._get_current_graph_task_keep_graph")
is_batched = _undocumented("_functorch.is_legacy_batchedtensor", False)

_PLAIN = frozenset((Tensor, torch.nn.Parameter))
_FLOAT32, _STRIDED = torch.float32, torch.strided


def torch_has_to_serve() -> bool:
    """Whether torch compiles, traces, transforms, casts or watches what is computed now."""
    return bool(
        is_compiling()
        or _is_tracing()
        or _transforms()
        or _autocasts()
        or _dispatch_modes()
        or getattr(forward_ad, "_current_level", 0) >= 0  # no level is -1
    )


def is_plain(tensor: Tensor) -> bool:
    """Whether a tensor is float32 numbers in this machine's memory as they stand there, and nothing more."""
    return (
        type(tensor) in _PLAIN
        and tensor.dtype is _FLOAT32
        and tensor.is_cpu
        and tensor.layout is _STRIDED
        and not tensor.is_neg()
    )


def require_memory(*tensors: Tensor | None) -> None:
    """That the storage of plain tensors holds all that they reach: it can be freed or cut under them.

    Raises:
        RuntimeError: a storage is too small; a kernel would read what belongs to others.
    """
    for tensor in tensors:
        if tensor is None:
            continue
        has = tensor.untyped_storage().nbytes()
        reach = tensor.numel()  # right for contiguous tensors, which nearly all are
        if not tensor.is_contiguous():
            steps = zip(tensor.shape, tensor.stride(), strict=True)
            reach = 1 + sum((size - 1) * stride for size, stride in steps) if reach else 0
        needed = 4 * (tensor.storage_offset() + reach)
        if has < needed:
            shape = "x".join(map(str, tensor.shape))
            raise RuntimeError(
                f"A tensor of shape {shape} in gatecast.nn.LSTM needs {needed:,} bytes, but its storage has been freed "
                f"or cut: it holds {has:,}."
            )
