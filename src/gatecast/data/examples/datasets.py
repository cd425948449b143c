"""The data of the five reference systems: three generated series, one embedded, one downloaded.

name          target         steps   what it is
------------  -------------  ------  -------------------------------------------
noisy-sine    y                 800  a slow sine under uniform noise
sin-to-cos    cos               200  the past covariate "sin" tells it all
airline       Passengers        144  months, thousands of passengers
sine          y               1,000  a sine without noise
ridership     bus, rail       7,639  days, riders; the type of each day is known
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gatecast.data.examples.airline import PASSENGERS
from gatecast.data.examples.archive import extract_safely
from gatecast.data.examples.ridership import ridership
from gatecast.data.frequency import Frequency
from gatecast.data.panel import Panel
from gatecast.data.schema import Column, Schema
from gatecast.errors import ConfigError, did_you_mean, listed

__all__ = [
    "EXAMPLES",
    "airline",
    "extract_safely",
    "load_example",
    "noisy_sine",
    "noisy_sine_floor",
    "ridership",
    "sin_to_cos",
    "sine",
]

EXAMPLES: dict[str, str] = {
    "airline": "monthly airline passengers in thousands, 1949 to 1960",
    "noisy-sine": "800 steps of a slow sine under uniform noise",
    "sin-to-cos": "200 steps of a cosine, to be told from the sine",
    "sine": "1,000 steps of a sine without noise",
    "ridership": "daily bus and rail riders in Chicago, 2001 to 2021; downloaded once",
}

_NOISY_STEPS = np.arange(800)


def load_example(name: str, *, seed: int = 0, data: Path | str | None = None) -> Panel:
    """Load a reference data set by name.

    Args:
        name: one of ``EXAMPLES``.
        seed: of the noise in "noisy-sine"; the others have none.
        data: a local archive of "ridership"; it is downloaded once without.

    Raises:
        ConfigError: there is no such data set, or it takes no file.
        DatasetError: "ridership" cannot be had.

    >>> load_example("airline")
    <Panel Passengers · 1 series · 144 months, 1949-01 to 1960-12>
    """
    if name not in EXAMPLES:
        known = listed(list(EXAMPLES), len(EXAMPLES))
        raise ConfigError(f"there is no example {name!r}{did_you_mean(name, EXAMPLES)}. Known: {known}.")
    if data is not None and name != "ridership":
        raise ConfigError(f"the example {name!r} takes no file; only 'ridership' is read from one.")
    if name == "ridership":
        return ridership(data)
    if name == "noisy-sine":
        return noisy_sine(seed)
    return {"airline": airline, "sin-to-cos": sin_to_cos, "sine": sine}[name]()


def noisy_sine(seed: int = 0) -> Panel:
    """sin(0.02 t) + 2 U(0, 1) for t = 0..799: values_RV (800, 1) float64. The noise hangs on the seed alone."""
    noise_R = np.random.Generator(np.random.PCG64(seed)).random(len(_NOISY_STEPS))
    return _steps(np.sin(0.02 * _NOISY_STEPS) + 2 * noise_R, Schema(targets=("y",)), "noisy-sine")


def noisy_sine_floor() -> np.ndarray:
    """(800,) float64: "noisy-sine" without noise but with the noise's mean, which no forecast can beat on average."""
    return np.asarray(np.sin(0.02 * _NOISY_STEPS) + 1)


def sin_to_cos() -> Panel:
    """200 points t of [0, 12 pi]: values_RV (200, 2) float64, the target cos t and the past covariate sin t."""
    t_R = np.linspace(0, 12 * np.pi, 200)
    schema = Schema(targets=("cos",), past=(Column("sin"),))
    return _steps(np.column_stack([np.cos(t_R), np.sin(t_R)]), schema, "sin-to-cos")


def sine() -> Panel:
    """Sin t on 1,000 points t of [0, 100]: values_RV (1000, 1) float64."""
    return _steps(np.sin(np.linspace(0, 100, 1000)), Schema(targets=("y",)), "sine")


def airline() -> Panel:
    """Monthly airline passengers 1949-01 to 1960-12: values_RV (144, 1) float32, in thousands.

    Source: Box and Jenkins, Time Series Analysis: Forecasting and Control, series G.
    """
    values_RV = np.array(PASSENGERS, np.float32)[:, None]
    start = np.array(["1949-01-01"], "datetime64[us]")
    return _single(values_RV, Schema(targets=("Passengers",)), "airline", start, Frequency.from_text("MS"))


def _steps(values: np.ndarray, schema: Schema, name: str) -> Panel:
    """One series on the integer steps 0, 1, ... It stays float64: the errors to be measured come down to 1e-3."""
    values_RV = values.reshape(len(values), schema.width)
    return _single(values_RV, schema, name, np.zeros(1, np.int64), Frequency("step", 1))


def _single(values_RV: np.ndarray, schema: Schema, name: str, start: np.ndarray, frequency: Frequency) -> Panel:
    return Panel(
        values_RV=values_RV,
        first=np.zeros(1, np.int64),
        length=np.array([len(values_RV)], np.int64),
        ids=(name,),
        starts=start,
        frequency=frequency,
        schema=schema,
        static_NS=np.zeros((1, 0), np.float32),
    )
