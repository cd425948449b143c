"""The range that forecasts may have, as a user says it and as a model file holds it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from gatecast.errors import Argument, ConfigError

__all__ = ["Bounds"]


@dataclass(frozen=True)
class Bounds:
    """Which bounds hold.

    Args:
        text: "auto" = from the data; "none"; or "LOW..HIGH", one of which may be left out.
    """

    text: str

    @classmethod
    def of(cls, given: Any) -> Bounds:
        """From what a user gives: True, False, a text, or a pair of numbers or None.

        Raises:
            ConfigError: it is none of these.

        >>> Bounds.of(True).text, Bounds.of(False).text, Bounds.of((0, None)).text, Bounds.of((0, 1.5)).text
        ('auto', 'none', '0..', '0..1.5')
        """
        if isinstance(given, bool):
            return cls("auto" if given else "none")
        if isinstance(given, str) and given in ("auto", "none"):
            return cls(given)
        pair = _parsed(given) if isinstance(given, str) else given
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise _wrong(given)
        try:
            low, high = (None if one is None else float(one) for one in pair)
        except (TypeError, ValueError) as error:
            raise _wrong(given) from error
        if not all(one is None or math.isfinite(one) for one in (low, high)):
            raise _wrong(given)
        if low is not None and high is not None and not low < high:
            raise _wrong(given)
        return cls(f"{_shown(low)}..{_shown(high)}")

    @property
    def fixed(self) -> tuple[float, float] | None:
        """The bounds that the user gave; None where they come from the data or there are none."""
        if self.text in ("auto", "none"):
            return None
        low, high = _parsed(self.text) or (None, None)
        return -math.inf if low is None else low, math.inf if high is None else high


def _parsed(text: str) -> tuple[float | None, float | None] | None:
    low, dots, high = text.partition("..")
    try:
        return (float(low) if low else None, float(high) if high else None) if dots else None
    except ValueError:
        return None


def _shown(value: float | None) -> str:
    return "" if value is None else repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _wrong(given: Any) -> ConfigError:
    return ConfigError(
        Argument("bounds", of="forecaster"),
        f" must be True, False, or a pair of two numbers, the lower one first, such as (0, 1) or (0, None); "
        f"got {given!r}.",
    )
