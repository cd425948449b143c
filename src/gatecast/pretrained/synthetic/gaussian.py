"""Gaussian processes in forms that cost O(T), and graphs that make one series of several of them.

Shapes: B series, T steps, J frequencies.
"""

from __future__ import annotations

import numpy as np

from gatecast.pretrained.synthetic.draws import Floats, Seasons, chance, choice, log_uniform, normal, uniform
from gatecast.pretrained.synthetic.filters import autoregress, standardised
from gatecast.pretrained.synthetic.seasons import seasonal

__all__ = ["causal_graph", "gaussian_process", "matern", "periodic", "smooth"]

FREQUENCIES = 12


def gaussian_process(rng: np.random.Generator, count: int, steps: int, seasons: Seasons) -> Floats:
    """(B, T) of sums and products of kernels, as KernelSynth (Ansari et al. 2024), noise included.

    Kernels: linear, squared exponential or rational quadratic, Matern 1/2 to 5/2, periodic with the periods of the
    data or others.
    """
    parts = [
        smooth(rng, count, steps),
        matern(rng, count, steps),
        periodic(rng, count, steps, log_uniform(rng, count, 4.0, max(8.0, steps / 2.0))),
        normal(rng, count, 2.0) * np.linspace(-1.0, 1.0, steps),
    ]
    total_BT = rng.standard_normal((count, steps)) * log_uniform(rng, count, 0.02, 1.0)
    for part_BT, share in zip(parts, (0.6, 0.5, 0.2, 0.4), strict=True):
        factor_BT = np.where(chance(rng, count, 0.15), parts[0], 1.0)
        total_BT += log_uniform(rng, count, 0.3, 3.0) * chance(rng, count, share) * part_BT * factor_BT
    on_B1 = chance(rng, count, 0.8)
    for period in seasons:
        cycle_BT = periodic(rng, count, steps, np.full((count, 1), float(period)))
        total_BT += log_uniform(rng, count, 0.05, 5.0) * on_B1 * chance(rng, count, 0.8) * cycle_BT
    return total_BT


def smooth(rng: np.random.Generator, count: int, steps: int) -> Floats:
    """(B, T) squared exponential or rational quadratic by random cosines (Rahimi & Recht 2007), variance 1."""
    length_B1 = log_uniform(rng, count, 3.0, max(6.0, float(steps)))
    frequency_BJ = rng.standard_normal((count, FREQUENCIES)) / length_B1
    tails_B1 = rng.standard_gamma(1.5, (count, 1)) / 1.5
    frequency_BJ *= np.where(chance(rng, count, 0.3), np.sqrt(tails_B1), 1.0)
    phase_BJ = rng.uniform(0.0, 2 * np.pi, (count, FREQUENCIES))
    total_BT = np.zeros((count, steps))
    for j in range(FREQUENCIES):
        total_BT += np.cos(frequency_BJ[:, j : j + 1] * np.arange(steps) + phase_BJ[:, j : j + 1])
    return total_BT * np.sqrt(2.0 / FREQUENCIES)


def matern(rng: np.random.Generator, count: int, steps: int) -> Floats:
    """(B, T) Matern 1/2, 3/2 or 5/2 as one, two or three equal poles (Hartikainen & Sarkka 2010), variance 1."""
    pole_B1 = np.exp(-1.0 / log_uniform(rng, count, 2.0, max(4.0, steps / 3.0)))
    order_B1 = rng.integers(1, 4, (count, 1))
    value_BT = rng.standard_normal((count, steps))
    for j in range(1, 4):
        value_BT = autoregress(value_BT, np.where(j <= order_B1, pole_B1, 0.0))
    return standardised(value_BT)


def periodic(rng: np.random.Generator, count: int, steps: int, period_B1: Floats) -> Floats:
    """(B, T) of the periodic kernel exp(-2 sin^2(pi t / period) / l^2) (MacKay 1998), variance about 1.

    Its cosine series has the weights I_j(1 / l^2) of the von Mises density, taken from the kernel by a transform.
    """
    angle_A = 2 * np.pi * np.arange(32) / 32
    kernel_BA = np.exp((np.cos(angle_A) - 1.0) / np.square(log_uniform(rng, count, 0.4, 2.0)))
    weight_BJ = np.maximum(np.fft.rfft(kernel_BA, axis=1).real[:, 1:7], 0.0)
    weight_BJ /= weight_BJ.sum(axis=1, keepdims=True)
    angle_BT = 2 * np.pi * np.arange(steps) / period_B1
    total_BT = np.zeros((count, steps))
    for j in range(1, 7):
        heard_B1 = np.sqrt(2.0 * weight_BJ[:, j - 1 : j]) * (2 * j <= period_B1)
        total_BT += heard_B1 * np.cos(j * angle_BT + uniform(rng, count, 0.0, 2 * np.pi))
    return total_BT


def causal_graph(rng: np.random.Generator, count: int, steps: int, seasons: Seasons) -> Floats:
    """(B, T) of a small causal graph as in CauKer (Xie et al. 2025): three roots, two nodes between, one that is seen.

    Each node is a linear or nonlinear map of lagged parents. Noise and, for most series with seasons, a season.
    """
    lags = min(12, steps // 3)
    long = steps + 2 * lags
    roots = [smooth(rng, count, long), matern(rng, count, long)]
    roots.append(standardised(seasonal(rng, count, long, seasons) + 0.5 * rng.standard_normal((count, long))))
    middle = [_node(rng, roots, lags) for _ in range(2)]
    seen_BT = _node(rng, [*middle, roots[0][:, lags:]], lags)
    noise_BT = rng.standard_normal((count, steps)) * log_uniform(rng, count, 0.03, 0.5)
    return np.asarray(seen_BT + noise_BT + 0.3 * seasonal(rng, count, steps, seasons, share=0.6))


def _node(rng: np.random.Generator, parents: list[Floats], lags: int) -> Floats:
    """(B, T - lags) of parents (B, T): each with a lag of its own and a weight, then one of six maps."""
    count, steps = parents[0].shape
    total_BT = np.zeros((count, steps - lags))
    for parent_BT in parents:
        at_BT = np.arange(lags, steps) - rng.integers(0, lags + 1, (count, 1))
        total_BT += normal(rng, count) * np.take_along_axis(parent_BT, at_BT, axis=1)
    x_BT = standardised(total_BT)
    maps = (x_BT, np.tanh(2.0 * x_BT), np.maximum(x_BT, 0.0), np.sin(x_BT), np.abs(x_BT), np.exp(0.5 * x_BT))
    return np.asarray(np.choose(choice(rng, count, (0.4, 0.15, 0.15, 0.1, 0.1, 0.1)), maps))
