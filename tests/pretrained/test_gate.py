"""The gate: rising quantiles and weights that add up to 1, whatever its weights and whatever the bank says."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor

from gatecast.pretrained.bank import CHANNELS, EXPERTS
from gatecast.pretrained.gate import KNOWN, LEAST_SPREAD, LEVELS, MIDDLE, Gate, Weighed, _of_errors

from .gates import fresh, shaken

COUNT, STEPS, HORIZON, SEASON = 5, 12, 6, 4


@dataclass(frozen=True)
class Asked:
    """What the bank said, as tensors."""

    forecast_BHK: Tensor
    error_BK2: Tensor
    channel_BTC: Tensor
    ahead_H: Tensor

    def of(self, gate: Gate, season: int = SEASON) -> Weighed:
        with torch.no_grad():
            return gate(self.forecast_BHK, self.error_BK2, self.channel_BTC, self.ahead_H, season)

    def part(self, at: slice) -> Asked:
        return Asked(self.forecast_BHK[at], self.error_BK2[at], self.channel_BTC[at], self.ahead_H)


def asked(seed: int = 0, size: float = 3.0, silent: float = 0.3, count: int = COUNT) -> Asked:
    """Random answers of a bank: forecasts of some size, some experts silent, some errors not known."""
    random = torch.Generator().manual_seed(seed)
    forecast_BHK = (size * torch.randn(count, HORIZON, len(EXPERTS), generator=random)).clamp(-1e3, 1e3)
    silent_BK = torch.rand(count, len(EXPERTS), generator=random) < silent
    silent_BK[:, EXPERTS.index("last value")] = False
    forecast_BHK = forecast_BHK.masked_fill(silent_BK[:, None], torch.nan)
    error_BK2 = (size * torch.randn(count, len(EXPERTS), 2, generator=random)).abs().clamp(max=1e6)
    unknown_BK = silent_BK | (torch.rand(count, len(EXPERTS), generator=random) < silent)
    error_BK2 = error_BK2.masked_fill(unknown_BK[..., None], torch.nan)
    channel_BTC = torch.asinh(size * torch.randn(count, STEPS, CHANNELS, generator=random))
    return Asked(forecast_BHK, error_BK2, channel_BTC, torch.arange(1, HORIZON + 1))


# ---------------------------------------------------------------- at the start


def test_at_the_start_the_median_is_the_mean_of_those_that_speak() -> None:
    bank = asked()
    weighed = bank.of(fresh())
    speaks_BHK = ~torch.isnan(bank.forecast_BHK)
    torch.testing.assert_close(weighed.quantiles_BHQ[..., MIDDLE], torch.nanmean(bank.forecast_BHK, -1))
    torch.testing.assert_close(weighed.weights_BHK, speaks_BHK / speaks_BHK.sum(-1, keepdim=True))


def test_at_the_start_the_quantiles_are_normal_and_as_wide_as_the_experts_differ() -> None:
    bank = asked()
    quantiles_BHQ = bank.of(fresh()).quantiles_BHQ
    median_BH1 = quantiles_BHQ[..., MIDDLE, None]
    unit_BH1 = torch.nanmean((bank.forecast_BHK - median_BH1).abs(), -1, keepdim=True) + LEAST_SPREAD
    score_Q = torch.tensor([NormalDist().inv_cdf(level) for level in LEVELS])
    torch.testing.assert_close(quantiles_BHQ, median_BH1 + unit_BH1 * score_Q, atol=1e-4, rtol=1e-4)


def test_it_is_small() -> None:
    assert sum(parameter.numel() for parameter in Gate().parameters()) < 1_000_000


def test_the_same_seed_makes_the_same_gate() -> None:
    for one, other in zip(fresh().parameters(), fresh().parameters(), strict=True):
        assert torch.equal(one, other)


# ---------------------------------------------------------------- with any weights


@example(seed=0, size=30.0, bank_size=1e9)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.sampled_from((0.1, 1.0, 5.0, 30.0)),
    bank_size=st.sampled_from((0.0, 1e-6, 1.0, 100.0, 1e9)),
)
def test_quantiles_never_cross(seed: int, size: float, bank_size: float) -> None:
    quantiles_BHQ = asked(seed, bank_size).of(shaken(seed, size)).quantiles_BHQ
    assert quantiles_BHQ.shape == (COUNT, HORIZON, len(LEVELS))
    assert torch.isfinite(quantiles_BHQ).all()
    assert (quantiles_BHQ.diff(dim=-1) >= 0).all()


@given(
    seed=st.integers(0, 2**32 - 1), size=st.sampled_from((0.1, 0.5, 1.5)), silent=st.sampled_from((0.0, 0.3, 0.97, 1.0))
)
def test_weights_are_shared_among_those_that_speak(seed: int, size: float, silent: float) -> None:
    bank = asked(seed, silent=silent)
    weights_BHK = bank.of(shaken(seed, size)).weights_BHK
    torch.testing.assert_close(weights_BHK.sum(-1), torch.ones(COUNT, HORIZON))
    assert (weights_BHK >= 0).all()
    assert (weights_BHK[torch.isnan(bank.forecast_BHK)] == 0).all()


def test_the_only_one_that_speaks_has_all_the_weight() -> None:
    bank = asked(silent=1.0)
    weights_BHK = bank.of(shaken(0, 0.5)).weights_BHK
    assert (weights_BHK[..., EXPERTS.index("last value")] == 1).all()


@pytest.mark.parametrize("fill", [0.0, 1e3, -1e3])
@pytest.mark.parametrize("error", [0.0, 1e6, torch.nan])
@pytest.mark.parametrize("channel", [0.0, 700.0, -700.0])
def test_finite_whatever_the_bank_says(fill: float, error: float, channel: float) -> None:
    bank = Asked(
        torch.full((2, HORIZON, len(EXPERTS)), fill),
        torch.full((2, len(EXPERTS), 2), error),
        torch.full((2, STEPS, CHANNELS), channel),
        torch.tensor([1, 2, 3, 50, 1000, 100_000]),
    )
    bank.forecast_BHK[1] = torch.nan  # nobody speaks
    bank.forecast_BHK[0, :, ::2] *= -1
    for gate in (fresh(), shaken(3, 1.0)):
        for season in (1, 2, 168):
            weighed = bank.of(gate, season)
            assert torch.isfinite(weighed.quantiles_BHQ).all()
            torch.testing.assert_close(weighed.weights_BHK.sum(-1), torch.ones(2, HORIZON))


@pytest.mark.parametrize("seed", range(3))
def test_gradients_are_finite_where_experts_say_nothing(seed: int) -> None:
    gate, bank = shaken(seed, 0.3), asked(seed, silent=0.6)
    weighed = gate(bank.forecast_BHK, bank.error_BK2, bank.channel_BTC, bank.ahead_H, SEASON)
    weighed.quantiles_BHQ.sum().backward()
    for name, parameter in gate.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


# ---------------------------------------------------------------- each series by itself


def test_a_series_alone_and_among_others() -> None:
    gate, bank = shaken(1, 0.2), asked(count=40)
    together = bank.of(gate)
    near = 1e-6 * float(together.quantiles_BHQ.abs().max())
    for b in (0, 7, 39):
        alone = bank.part(slice(b, b + 1)).of(gate)
        torch.testing.assert_close(alone.quantiles_BHQ[0], together.quantiles_BHQ[b], atol=near, rtol=1e-6)
        torch.testing.assert_close(alone.weights_BHK[0], together.weights_BHK[b], atol=1e-6, rtol=1e-6)


def test_a_step_alone_and_among_others() -> None:
    gate, bank = shaken(1, 0.2), asked()
    together = bank.of(gate)
    near = 1e-6 * float(together.quantiles_BHQ.abs().max())
    at = [1, 4]
    some = Asked(bank.forecast_BHK[:, at], bank.error_BK2, bank.channel_BTC, bank.ahead_H[at]).of(gate)
    torch.testing.assert_close(some.quantiles_BHQ, together.quantiles_BHQ[:, at], atol=near, rtol=1e-6)


def test_errors_are_read_beside_the_best_one() -> None:
    error_BK2 = asked().error_BK2
    error_BK2[1], error_BK2[2, :, 1] = torch.nan, torch.nan
    read_BE = _of_errors(error_BK2)
    for error_K2, read_E in zip(error_BK2.tolist(), read_BE.tolist(), strict=True):
        log_K2 = [[math.log(error + KNOWN) for error in pair] for pair in error_K2]  # nan stays
        best_2 = [min([pair[i] for pair in log_K2 if pair[i] == pair[i]], default=0.0) for i in (0, 1)]
        relative = [min(5.0, pair[i] - best_2[i]) if pair[i] == pair[i] else 0.0 for pair in log_K2 for i in (0, 1)]
        some = any(pair[0] == pair[0] for pair in log_K2)
        assert read_E == pytest.approx([*relative, *best_2, float(some)], abs=1e-5)


@pytest.mark.parametrize("what", ["forecast_BHK", "error_BK2", "channel_BTC", "ahead_H", "season"])
def test_it_reads_all_that_it_is_given(what: str) -> None:
    gate, bank = shaken(2, 0.3), asked(silent=0.0)
    given_to_it = {name: getattr(bank, name) for name in ("forecast_BHK", "error_BK2", "channel_BTC", "ahead_H")}
    if what != "season":
        given_to_it[what] = given_to_it[what] + 1
    weighed = Asked(**given_to_it).of(gate, SEASON + (what == "season"))
    assert not torch.allclose(weighed.weights_BHK, bank.of(gate).weights_BHK)


@pytest.mark.parametrize("steps", [1, 3, 16, 40])
def test_it_reads_every_step_however_many_there_are(steps: int) -> None:
    gate, bank = shaken(0, 0.3), asked()
    channel_BTC = torch.randn(COUNT, steps, CHANNELS, generator=torch.Generator().manual_seed(1))
    other_BTC = channel_BTC.clone()
    other_BTC[:, 0] += 3
    one, other = (
        Asked(bank.forecast_BHK, bank.error_BK2, some_BTC, bank.ahead_H).of(gate).quantiles_BHQ
        for some_BTC in (channel_BTC, other_BTC)
    )
    assert torch.isfinite(one).all()
    assert ((one - other).abs().amax((1, 2)) > 0).all()
