"""Models in MLflow (extra ``mlflow``): ``gatecast.mlflow.log_model``, ``save_model`` and ``load_model``."""

from gatecast.mlflow.flavour import load_model, log_model, save_model
from gatecast.mlflow.serving import _load_pyfunc

__all__ = ["_load_pyfunc", "load_model", "log_model", "save_model"]
