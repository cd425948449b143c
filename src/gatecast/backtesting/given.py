"""What a function takes as the model to work on."""

from __future__ import annotations

import os
from typing import Any

from gatecast.errors import ConfigError

__all__ = ["require_model"]


def require_model(model: Any, what: str) -> None:
    """Raise ConfigError where something else than one forecaster is given, such as its class or its file.

    >>> require_model("airline.gatecast", "check")
    Traceback (most recent call last):
    gatecast.errors.ConfigError: check takes a Forecaster; got 'airline.gatecast'. Load it: gatecast.load(...).
    """
    if not isinstance(model, type) and hasattr(model, "forecast_from"):
        return
    if isinstance(model, str | os.PathLike):
        got, remedy = f"{os.fspath(model)!r}", "Load it: gatecast.load(...)."
    elif isinstance(model, type):
        got, remedy = f"the class {model.__name__}", f"Make one: {model.__name__}(...)."
    elif hasattr(model, "groups"):
        got, remedy = "one for each group", "Take that of a group: parts_[...].model."
    else:
        got, remedy = f"{type(model).__name__}", "Make one: Forecaster(...)."
    raise ConfigError(f"{what} takes a Forecaster; got {got}. {remedy}")
