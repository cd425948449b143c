"""The two kinds of models that forecast shards: one for all series, and one for each group of them."""

from __future__ import annotations

import hashlib
import os
from typing import TypeAlias

from gatecast.data.schema import Schema
from gatecast.ensemble.fitted import Fitted
from gatecast.forecaster import Forecaster, load
from gatecast.groups.grouped import GroupedForecaster, load_groups
from gatecast.storage.codec import encode, write
from gatecast.storage.container import digest_of
from gatecast.storage.files import kind_of
from gatecast.storage.groups import GROUPS
from gatecast.storage.packing import arrays_of, document_of

__all__ = ["Model", "fingerprint_of", "fingerprint_of_fitted", "load_model", "schema_of"]

Model: TypeAlias = Forecaster | GroupedForecaster


def load_model(path: str | os.PathLike[str]) -> Model:
    """The model or the models of a file. Raises ModelFileError as ``gatecast.load``."""
    return load_groups(path) if kind_of(path) == GROUPS else load(path)


def schema_of(model: Model) -> Schema:
    """The columns of the training."""
    return model.schema if isinstance(model, GroupedForecaster) else model.fitted_.schema


def fingerprint_of(model: Model) -> str:
    """SHA-256 of what the forecasts depend on: all that a model file holds."""
    if isinstance(model, GroupedForecaster):
        parts = [f"{name}\0{fingerprint_of(part.model)}" for name, part in model.parts_.items()]
        return hashlib.sha256("\0".join([model.groups, *parts]).encode()).hexdigest()
    return fingerprint_of_fitted(model.fitted_)


def fingerprint_of_fitted(fitted: Fitted) -> str:
    """The same of what was learned."""
    text = write(encode(document_of(fitted)))
    return hashlib.sha256((text + digest_of(arrays_of(fitted))).encode()).hexdigest()
