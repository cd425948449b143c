"""Fits of one seed in several threads of the caller's: the same bytes as alone, and the threads as they were."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import gatecast as gc
from gatecast.nn import LSTM
from gatecast.nn.kernels import load
from gatecast.nn.threads import kernel_threads, kernels_use_always, torch_on_one_thread
from gatecast.training.device import drawing


def frame(steps: int = 60) -> pl.DataFrame:
    rng, week = np.random.default_rng(0), np.sin(np.arange(steps) * 2 * np.pi / 7)
    parts = [
        pl.DataFrame({"series": name, "step": np.arange(steps), "y": 100 * k + 10 * week + rng.normal(0, 1, steps)})
        for k, name in enumerate("ab", 1)
    ]
    return pl.concat(parts)


@pytest.mark.parametrize("network", [{}, {"num_layers": 2, "dropout": 0.2}])
def test_fits_at_once_are_the_fits_of_one_after_the_other(threads: Any, network: dict[str, Any]) -> None:
    threads(2)
    panel = gc.read(frame(), series="series", time="step", target="y")

    def fit(_: int) -> np.ndarray:
        model = gc.Forecaster(7, members=2, candidates=2, network=network, training={"max_epochs": 1}, progress=False)
        return model.fit(panel).predict().values

    alone = fit(0)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(fit, range(8)))
    assert all(np.array_equal(alone, one) for one in together)


def test_torch_keeps_its_threads_whoever_leaves_last(threads: Any) -> None:
    threads(2)
    with ThreadPoolExecutor(1) as pool:
        outer = torch_on_one_thread()
        outer.__enter__()
        inner = torch_on_one_thread()
        pool.submit(inner.__enter__).result()
        assert (torch.get_num_threads(), pool.submit(torch.get_num_threads).result()) == (1, 1)
        outer.__exit__(None, None, None)
        assert kernel_threads() == 2
        pool.submit(inner.__exit__, None, None, None).result()
        assert (kernel_threads(), pool.submit(kernel_threads).result()) == (2, 2)
        assert (torch.get_num_threads(), pool.submit(torch.get_num_threads).result()) == (2, 2)


def test_who_draws_is_alone_with_the_generator() -> None:
    def draws(seed: int) -> list[float]:
        with drawing(seed):
            return [float(torch.rand(())) for _ in range(200)]

    alone = [draws(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(draws, range(4))) == alone


def test_the_seed_is_that_of_torch() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        expected = torch.randn(5)
        begun = torch.random.get_rng_state()
        with drawing(7):
            assert torch.equal(torch.randn(5), expected)
        assert torch.equal(torch.random.get_rng_state(), begun)


def test_a_seed_costs_nothing_where_torch_has_no_other_device() -> None:
    """``torch.manual_seed`` keeps the call stack for each device that is not there, for ever."""
    if torch.cuda.is_available():
        pytest.skip("there is one")
    before = len(torch.cuda._queued_calls)
    with drawing(7):
        pass
    assert len(torch.cuda._queued_calls) == before


@pytest.mark.skipif(load() is None, reason="the kernels are not there")
def test_cores_that_become_free_change_no_gradient() -> None:
    """As when the jobs beside one end while it trains a network that torch's own derivatives go through."""
    torch.manual_seed(0)
    layer, inputs = LSTM(8, 32, batch_first=True), torch.randn(64, 40, 8)

    def gradients(free: int) -> bytes:
        kernels_use_always(lambda: free)
        layer.zero_grad()
        layer(inputs)[0].square().sum().backward()
        return b"".join(p.grad.numpy().tobytes() for p in layer.parameters())

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(gradients, 1).result() == pool.submit(gradients, 2).result()
