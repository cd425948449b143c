"""What a program has asked torch for elsewhere does not change a forecast: shorter types, another default type."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch

from gatecast import Forecaster
from gatecast.nn.kernels import load
from gatecast.pretrained import weights

TINY: dict[str, Any] = {"preset": "fast", "network": {"hidden_size": 4}, "training": {"max_epochs": 2}}
PRESETS: list[dict[str, Any]] = [{"preset": "instant"}, TINY]
SERIES = np.random.default_rng(0).normal(size=90).cumsum()


@contextmanager
def autocast() -> Iterator[None]:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        yield


@contextmanager
def double() -> Iterator[None]:
    weights.gate_named.cache_clear()  # the next one is built under this default
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


def made(**settings: Any) -> Forecaster:
    return Forecaster(4, progress=False, **settings).fit(SERIES)


@pytest.mark.parametrize("elsewhere", [autocast, double])
@pytest.mark.parametrize("settings", PRESETS, ids=["instant", "trained"])
@pytest.mark.skipif(load() is None, reason="the kernels are not built")
def test_a_forecast_is_the_same(elsewhere: Any, settings: dict[str, Any]) -> None:
    model = made(**settings)
    expected = model.predict().values_NHCQ
    with elsewhere():
        assert model.predict().values_NHCQ.tobytes() == expected.tobytes()
        again = made(**settings).predict().values_NHCQ
    if elsewhere is autocast or settings is not TINY:  # other defaults draw other random numbers
        assert again.tobytes() == expected.tobytes()
    assert np.isfinite(again).all()
    assert made(**settings).predict().values_NHCQ.tobytes() == expected.tobytes()
