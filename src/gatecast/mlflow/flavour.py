"""A flavour of MLflow that keeps Gatecast's own model file: nothing is pickled, and nothing in it is executed."""

from __future__ import annotations

import importlib
import os
import tempfile
from pathlib import Path
from typing import Any

import gatecast
from gatecast.errors import ConfigError, ModelFileError
from gatecast.forecaster import Forecaster, load

__all__ = ["load_model", "log_model", "save_model"]

_FLAVOUR, _FILE = "gatecast", "model.gatecast"


def save_model(model: Forecaster, path: str | os.PathLike[str], mlflow_model: Any = None, **options: Any) -> None:
    """Write a folder that MLflow reads as a model.

    Args:
        model: a fitted model.
        path: of the folder, which must not be there yet.
        mlflow_model: MLflow's own description, where that has begun.
        **options: of ``mlflow.pyfunc.save_model``, such as ``signature`` or ``metadata``.

    Raises:
        ConfigError: the model is not fitted, or MLflow is missing.
    """
    pyfunc, described = _module("mlflow.pyfunc"), mlflow_model or _module("mlflow.models").Model()
    described.add_flavor(_FLAVOUR, gatecast_version=gatecast.__version__, data=f"data/{_FILE}")
    options.setdefault("pip_requirements", [f"gatecast=={gatecast.__version__}", "pandas"])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / _FILE
        model.save(file)
        pyfunc.save_model(
            str(path), loader_module="gatecast.mlflow", data_path=str(file), mlflow_model=described, **options
        )


def log_model(model: Forecaster, name: str = "model", **options: Any) -> Any:
    """Keep a model with the active run, or with a new one.

    Args:
        model: a fitted model.
        name: of the model in the run.
        **options: of ``mlflow.models.Model.log`` and of ``save_model``, such as ``registered_model_name``.

    Returns:
        MLflow's ``ModelInfo``; ``load_model(info.model_uri)`` gives the model again.

    Raises:
        ConfigError: the model is not fitted, or MLflow is missing.
    """
    if not model.is_fitted:
        raise ConfigError("this Forecaster is not fitted yet: call fit() first.")
    kind = _module("mlflow.models").Model
    return kind.log(
        artifact_path=None, name=name, flavor=importlib.import_module("gatecast.mlflow"), model=model, **options
    )


def load_model(model_uri: str | os.PathLike[str]) -> Forecaster:
    """A model that was kept, as a Forecaster. ``mlflow.pyfunc.load_model`` gives what MLflow serves.

    Args:
        model_uri: such as "runs:/.../model", "models:/sales/3", or the path of a folder.

    Raises:
        ModelFileError: what is there is no model of Gatecast, or is damaged.
        ConfigError: MLflow is missing.
    """
    folder = Path(_module("mlflow.artifacts").download_artifacts(str(model_uri)))
    held = _module("mlflow.models").Model.load(str(folder)).flavors.get(_FLAVOUR)
    if held is None:
        raise ModelFileError(f"{model_uri} is no model of Gatecast. Keep one with gatecast.mlflow.log_model.")
    return load(folder / held["data"])


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigError("gatecast.mlflow needs MLflow: pip install 'gatecast[mlflow]'.") from error
