"""Reversible scaling: what the network sees instead of raw values, and the way back.

    y   --unit, log-->   u   --(u - location) / spread-->    z        the level, as the network reads it
                         u   --(u - reference) / spread-->   e        the residual: what the reference left over

A forecast is ``location + spread * output`` or, where there is a reference (differencing), ``reference + spread *
output``, and then the logarithm is undone. The reference is the forecast that the network has to improve, see
``gatecast.windows.reference``. Statistics come from the window itself (window-local) or from the training span of the
series (fitted), and in both cases from nothing after the first origin that they serve.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gatecast.errors import ConfigError, did_you_mean, listed, misfits, shown
from gatecast.windows.reference import REFERENCES, NoReference, Reference, parse_reference
from gatecast.windows.references.reference import exact

__all__ = ["Scaling", "location_and_spread", "mean_size", "residual_size"]

Scale = Literal["none", "standard", "mean", "last"]
LARGEST_LOG_STEP = float(np.log(1e3))  # a forecast may leave its reference by a factor of a thousand, not to infinity
LARGEST_LOG = 80.0  # its exponential is still a float32
NOTHING = NoReference()
PART = re.compile(r'[^+:]*(?::(?:"(?:[^"]|"")*"[^+]*|[^+]*))?', re.DOTALL)  # a "+" in quotes joins nothing


@dataclass(frozen=True)
class Scaling:
    """How values are made ready for the network.

    Args:
        log: take logarithms first; every value has to be above zero.
        reference: what the forecast is measured from (``gatecast.windows.reference``): ``NoReference()``;
            ``LastValue()`` (differencing); ``Seasonal(season, depth)`` (seasonal differencing); ``Category(name,
            depth)`` (the usual value of the same category of day, say); ``Smooth(season, alpha, gamma)`` (level and
            season of an exponential smoothing of the whole series so far).
        scale: "none"; "standard" (mean 0, spread 1); "mean" (divide by the mean size); "last" (from the last value,
            in units of the mean step).
        fitted: statistics of the series' training span instead of the window's own.
        unit: divide by this constant first.
    """

    log: bool = False
    reference: Reference = NOTHING
    scale: Scale = "none"
    fitted: bool = False
    unit: float = 1.0

    def __post_init__(self) -> None:
        if wrong := [f"{name} {must}; got {shown(getattr(self, name))}" for name, must in misfits(self)]:
            raise ConfigError(f"scaling: {listed(wrong, len(wrong))}.")
        if not isinstance(self.reference, Reference):
            raise ConfigError(f"scaling: reference must be one such as LastValue(); got {shown(self.reference)}.")
        if not 0 < self.unit < np.inf:
            raise ConfigError(f"scaling needs unit > 0, finite; got {self.unit}.")

    @property
    def season(self) -> int:
        """Steps of the reference's season; 1 = it has none."""
        return self.reference.period

    @property
    def category(self) -> str | None:
        """The categorical future covariate that the reference reads, if any."""
        return self.reference.column

    @classmethod
    def parse(cls, text: str) -> Scaling:
        """Read ``"log+seasonal-difference:12+standard"``: names joined by "+", a number or name after ":".

        >>> Scaling.parse("log+seasonal-difference:12+standard").describe()
        'log+seasonal-difference:12+standard'

        Raises:
            ConfigError: a part is unknown.
        """
        fields: dict[str, object] = {}
        said_by: dict[str, str] = {}
        for part in _parts(text):
            name, _, argument = part.strip().partition(":")
            for field, value in _fields_of(name, argument).items():
                if field in fields:
                    raise ConfigError(f"scaling {text!r} has both {said_by[field]!r} and {name!r}: keep one of them.")
                fields[field], said_by[field] = value, name
        return cls(**fields)  # type: ignore[arg-type]

    def describe(self) -> str:
        """The text that ``parse`` reads back as exactly this scaling."""
        parts = ["log"] if self.log else []
        parts += [self.reference.describe()] if self.reference.anchored else []
        parts += [self.scale] if self.scale != "none" else []
        parts += ["fitted"] if self.fitted else []
        parts += [f"unit:{exact(self.unit)}"] if self.unit != 1 else []
        return "+".join(parts) or "none"

    def transform(self, values: np.ndarray) -> np.ndarray:
        """Elementwise way in: y -> u, same shape and dtype. Not positive under log -> ConfigError."""
        if self.log:
            self.require_positive(not (values <= 0).any())
        return self.apply(values)

    def apply(self, values: np.ndarray) -> np.ndarray:
        """``transform`` for values that are known to be positive where that is needed."""
        scaled = values / np.asarray(self.unit, values.dtype) if self.unit != 1 else values
        return np.log(scaled) if self.log else scaled

    def require_positive(self, positive: bool) -> None:
        """Raise ConfigError where not all values have a logarithm."""
        if not positive:
            raise ConfigError("scaling 'log' needs values above zero; use another scaling, or shift the target.")

    def inverse(self, transformed: np.ndarray) -> np.ndarray:
        """Elementwise way back: u -> y."""
        values = np.exp(transformed) if self.log else transformed
        return values * np.asarray(self.unit, values.dtype) if self.unit != 1 else values

    def bound(self, forecast: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """Keep a forecast in logs within a factor of a thousand of its reference, so that exp() stays finite."""
        if not self.log:
            return forecast
        if not self.reference.anchored and self.scale in ("none", "mean"):
            return np.clip(forecast, -LARGEST_LOG, LARGEST_LOG)  # its reference is 0, which says nothing of its size
        return reference + np.clip(forecast - reference, -LARGEST_LOG_STEP, LARGEST_LOG_STEP)


FIELDS: dict[str, dict[str, object]] = {
    "none": {},
    "log": {"log": True},
    "standard": {"scale": "standard"},
    "mean": {"scale": "mean"},
    "last": {"scale": "last"},
    "fitted": {"fitted": True},
    "unit": {},
}


def _parts(text: str) -> Iterator[str]:
    """What stands between the "+", those in quotes left alone.

    >>> list(_parts('log+category-difference:"a+b"/2+mean'))
    ['log', 'category-difference:"a+b"/2', 'mean']
    """
    at = 0
    while True:
        found = PART.match(text, at)
        assert found is not None  # it may be empty
        yield found[0]
        at = found.end() + 1  # behind the "+"
        if at > len(text):
            return


def _fields_of(name: str, argument: str) -> dict[str, object]:
    """The fields that one part of a scaling's text sets."""
    if name in REFERENCES and name not in FIELDS:
        return {"reference": parse_reference(name, argument)}
    if name not in FIELDS:
        known = list(dict.fromkeys([*FIELDS, *REFERENCES]))
        raise ConfigError(f"unknown scaling {name!r}{did_you_mean(name, known)}. Known: {listed(known, 20)}.")
    if name == "unit":
        try:
            return {"unit": float(argument)}
        except ValueError as error:
            raise ConfigError(f"scaling {name!r} needs a number after ':'; got {argument!r}.") from error
    if argument:
        raise ConfigError(f"scaling {name!r} takes no value; got {argument!r}.")
    return FIELDS[name]


def location_and_spread(u_BTC: np.ndarray, seen_BTC: np.ndarray | None, scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    """Location and spread of T steps: (B, T, C) and the mask of what was observed -> (B, C) and (B, C).

    Without a mask all of it was. A spread of 0 (a constant window) is 1: the values are shifted, not divided.
    """
    zero_BC = np.zeros((u_BTC.shape[0], u_BTC.shape[2]), u_BTC.dtype)
    if scale == "none":
        return zero_BC, zero_BC + 1
    if scale == "mean":
        return zero_BC, mean_size(u_BTC, seen_BTC)
    if scale == "last":
        return _last_seen(u_BTC, seen_BTC), mean_size(np.diff(u_BTC, axis=1), _pairs(seen_BTC))
    count_BC = _count(u_BTC, seen_BTC)
    # summed in float64: else the mean of equal float32 values is not their value, and its error looks like a spread
    # (a copy in float64: a sum that converts piece by piece depends on the place of a window in its batch)
    wide_BTC = _only(u_BTC, seen_BTC).astype(np.float64)
    mean_BC = wide_BTC.sum(axis=1) / count_BC
    wide_BTC -= mean_BC[:, None]
    wide_BTC = _only(wide_BTC, seen_BTC)
    spread_BC = np.sqrt(np.multiply(wide_BTC, wide_BTC, out=wide_BTC).sum(axis=1) / count_BC)
    return mean_BC, _one_where_zero(spread_BC, mean_BC)


def mean_size(u_BTC: np.ndarray, seen_BTC: np.ndarray | None) -> np.ndarray:
    """Mean absolute value over the observed steps (None: all are), (B, C); 1 where that is 0."""
    size_BC = _mean_size(u_BTC, seen_BTC)
    return _one_where_zero(size_BC, size_BC)


def residual_size(
    residual_BTC: np.ndarray,
    known_BTC: np.ndarray | None,
    u_BTC: np.ndarray,
    seen_BTC: np.ndarray | None,
    log: bool,
) -> np.ndarray:
    """(B, C) mean absolute residual; where none is known or all are 0, the mean step of the level stands in.

    A window without any movement gets 1 % of its level: an output of a few tenths must not move it visibly.
    """
    size_BC, level_BC = _mean_size(residual_BTC, known_BTC), _mean_size(u_BTC, seen_BTC)
    tiny_BC = np.finfo(u_BTC.dtype).eps * 4 * level_BC
    moves_BC = size_BC > tiny_BC
    if moves_BC.all():
        return size_BC.astype(u_BTC.dtype, copy=False)
    step_BC = _mean_size(np.diff(u_BTC, axis=1), _pairs(seen_BTC))
    still_BC = np.full_like(level_BC, 0.01) if log else np.where(level_BC > 0, 0.01 * level_BC, 1)
    moving_BC = np.where(step_BC > tiny_BC, step_BC, still_BC)
    return np.where(moves_BC, size_BC, moving_BC).astype(u_BTC.dtype)


def _mean_size(u_BTC: np.ndarray, seen_BTC: np.ndarray | None) -> np.ndarray:
    """(B, C) mean absolute value over the observed steps; 0 without any."""
    return np.abs(_only(u_BTC, seen_BTC)).sum(axis=1) / _count(u_BTC, seen_BTC)


def _only(u_BTC: np.ndarray, seen_BTC: np.ndarray | None) -> np.ndarray:
    """The values that were observed, the others 0."""
    return u_BTC if seen_BTC is None else np.where(seen_BTC, u_BTC, 0)


def _count(u_BTC: np.ndarray, seen_BTC: np.ndarray | None) -> np.ndarray | np.int64:
    """(B, C) number of observed steps, at least 1; int64, so that a mean comes in float64 with or without a mask."""
    return np.int64(max(u_BTC.shape[1], 1)) if seen_BTC is None else np.maximum(seen_BTC.sum(axis=1), 1)


def _pairs(seen_BTC: np.ndarray | None) -> np.ndarray | None:
    """(B, T - 1, C) whether a step and the one before it were observed."""
    return None if seen_BTC is None else seen_BTC[:, 1:] & seen_BTC[:, :-1]


def _last_seen(u_BTC: np.ndarray, seen_BTC: np.ndarray | None) -> np.ndarray:
    """(B, C) value of the last observed step; that of the last step where none was observed."""
    if seen_BTC is None:
        return u_BTC[:, -1]
    back_BC = seen_BTC[:, ::-1].argmax(axis=1)
    last_B1C = u_BTC.shape[1] - 1 - back_BC[:, None]
    value_BC: np.ndarray = np.take_along_axis(u_BTC, last_B1C, axis=1)[:, 0]
    return value_BC


def _one_where_zero(spread_BC: np.ndarray, level_BC: np.ndarray) -> np.ndarray:
    """A spread that is only rounding noise of its level counts as zero, and zero becomes one."""
    tiny_BC = np.finfo(spread_BC.dtype).eps * 4 * np.abs(level_BC)
    return np.where(spread_BC > tiny_BC, spread_BC, 1).astype(spread_BC.dtype)
