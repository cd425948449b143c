"""Settings of the Forecaster from the command line: key=value, dots for what lies inside."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

__all__ = ["parse"]

RESERVED = ("horizon", "seed", "progress")


def parse(pairs: Iterable[str]) -> dict[str, Any]:
    """Keyword arguments of the Forecaster. A value is JSON where it can be read so, else text.

    Raises:
        ValueError: a pair without "=", a key given twice or within another, or one that the benchmark sets itself.

    >>> parse(["scaling=log+standard", "members=3", "training.lr=0.001", "training.loss=mae", "refit=false"])
    {'scaling': 'log+standard', 'members': 3, 'training': {'lr': 0.001, 'loss': 'mae'}, 'refit': False}
    """
    settings: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        *outer, last = key.split(".")
        if not equals or not all((*outer, last)):
            raise ValueError(f"--set takes key=value; got {pair!r}.")
        if key in RESERVED:
            raise ValueError(f"--set {key}: the benchmark sets it itself.")
        inside = settings
        for name in outer:
            inside = inside.setdefault(name, {}) if isinstance(inside, dict) else inside
        if not isinstance(inside, dict) or last in inside:
            raise ValueError(f"--set {key}: it is given twice.")
        inside[last] = _value(text)
    return settings


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
