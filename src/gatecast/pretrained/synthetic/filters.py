"""Linear filters over time for many series at once, without a loop over the steps.

An autoregression with one pole p doubles its reach with every pass, for

    1 / (1 - p L) = (1 + p L) (1 + p^2 L^2) (1 + p^4 L^4) ..

Poles, not coefficients, are what is drawn: inside the unit circle every filter is stable.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gatecast.pretrained.synthetic.draws import Floats

__all__ = ["autoregress", "delayed", "moving_average", "oscillate", "standardised"]

Number = TypeVar("Number", np.float64, np.complex128)


def autoregress(value_BT: Floats, pole_B1: Floats | float, lag: int = 1) -> Floats:
    """x_t = value_t + pole x_(t-lag), from x = 0 before the first step; |pole| <= 1. A pole of 1 sums up.

    >>> autoregress(np.ones((1, 4)), 0.5)
    array([[1.   , 1.5  , 1.75 , 1.875]])
    """
    out_BT = value_BT.copy()
    _double(out_BT, np.asarray(pole_B1, dtype=np.float64), lag)
    return out_BT


def _double(out_BT: NDArray[Number], gain: NDArray[Number], lag: int) -> None:
    while lag < out_BT.shape[1] and np.abs(gain).max(initial=0.0) > 1e-12:
        out_BT[:, lag:] += gain * out_BT[:, :-lag]
        gain, lag = gain * gain, 2 * lag


def oscillate(value_BT: Floats, radius_B1: Floats, period_B1: Floats) -> Floats:
    """AR(2) with the complex poles radius e^(+-2 pi i / period), radius < 1: a stochastic cycle; period > 2 steps."""
    pole_B1 = radius_B1 * np.exp(2j * np.pi / period_B1)
    out_BT = value_BT.astype(np.complex128)
    _double(out_BT, pole_B1, 1)
    return np.asarray((pole_B1 * out_BT).imag / pole_B1.imag)


def delayed(value_BT: Floats, lag: int) -> Floats:
    """value_(t-lag); 0 before the first step."""
    out_BT = np.zeros_like(value_BT)
    out_BT[:, lag:] = value_BT[:, : max(value_BT.shape[1] - lag, 0)]
    return out_BT


def moving_average(value_BT: Floats, weight_B1: Floats, lag: int = 1) -> Floats:
    """value_t + weight value_(t-lag)."""
    return np.asarray(value_BT + weight_B1 * delayed(value_BT, lag))


def standardised(value_BT: Floats) -> Floats:
    """Mean 0 and standard deviation 1 over the steps; 0 where a series is constant."""
    steps = value_BT.shape[1]
    centred_BT = value_BT - np.add.reduce(value_BT, axis=1, keepdims=True) / steps
    deviation_B1 = np.sqrt(np.add.reduce(np.square(centred_BT), axis=1, keepdims=True) / steps)
    return np.asarray(centred_BT / np.where(deviation_B1 > 1e-12, deviation_B1, 1.0))
