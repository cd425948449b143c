"""Single settings that change a chosen configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

from gatecast.errors import ConfigError, did_you_mean, listed
from gatecast.model.config import LSTMConfig
from gatecast.training.config import TrainingConfig

__all__ = ["changed"]

Config = TypeVar("Config", LSTMConfig, TrainingConfig)


def changed(config: Config, changes: Mapping[str, Any]) -> Config:
    """The configuration with single settings replaced.

    Raises:
        ConfigError: a name is unknown, a value is out of range, or two do not go together.

    >>> changed(LSTMConfig(skip=3), {"hidden_size": 64}).skip
    3
    """
    known = [field.name for field in fields(config)]
    unknown = [f"{name!r}{did_you_mean(str(name), known)}" for name in changes if name not in known]
    if unknown:
        what = "network" if isinstance(config, LSTMConfig) else "training"
        raise ConfigError(f"{what} has no setting {listed(unknown)}. Known: {listed(known, len(known))}.")
    return replace(config, **changes)
