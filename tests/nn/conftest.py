"""What the tests of the layers share: twins in float64, and a comparison that is strict where it can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType

import pytest
import torch
from torch import Tensor

from gatecast.nn import LSTM, kernels

Twins = Callable[..., tuple[LSTM, torch.nn.LSTM]]
Agree = Callable[..., None]


@pytest.fixture(scope="session")
def compiled() -> ModuleType:
    """The compiled kernels; without them ``gatecast.nn.LSTM`` is ``torch.nn.LSTM``, and some tests have no object."""
    extension = kernels.load()
    if extension is None:
        pytest.skip(f"no compiled kernels: {kernels.reason()}")
    return extension


def _variants() -> tuple[str, ...]:
    extension = kernels.load()
    return extension.variants() if extension else ("none",)


@pytest.fixture(params=_variants())
def variant(request: pytest.FixtureRequest, compiled: ModuleType) -> Iterator[str]:
    """Each instruction set that this machine can run, in turn."""
    before = compiled.variant()
    compiled.use(request.param)
    yield request.param
    compiled.use(before)


@pytest.fixture(scope="session")
def twins() -> Twins:
    """A layer, and torch's with the same weights in float64."""

    def make(*sizes: int, seed: int = 0, **settings: object) -> tuple[LSTM, torch.nn.LSTM]:
        torch.manual_seed(seed)
        ours = LSTM(*sizes, **settings)
        exact = torch.nn.LSTM(*sizes, **settings).double()
        exact.load_state_dict(ours.state_dict())
        return ours, exact

    return make


@pytest.fixture(scope="session")
def agree() -> Agree:
    """Float32 against float64: 1e-5 of the largest entry, and 3e-5 of every entry that is no small one."""

    def check(found: Tensor | None, exact: Tensor | None, words: object = "", within: float = 1e-5) -> None:
        assert (found is None) == (exact is None), words
        if found is None or exact is None:
            return
        assert found.shape == exact.shape, words
        if not exact.numel():
            return
        error, size = (found.detach().double() - exact.detach()).abs(), exact.detach().abs()
        largest = size.max()
        # a lone small number may be what is left of large ones: float32 has no digits for it beyond 1.2e-7
        assert error.max() <= max(within * largest, torch.finfo(torch.float32).eps), (
            words,
            float(error.max() / largest),
        )
        high = size > 0.1 * largest
        if high.any():
            assert (error[high] / size[high]).max() <= 3 * within, words

    return check
