"""A model as MLflow serves it: a table in, a table out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatecast.forecaster import Forecaster, load

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Served"]


class Served:
    """What ``mlflow.pyfunc.load_model`` wraps.

    Args:
        model: a fitted model.
    """

    def __init__(self, model: Forecaster) -> None:
        self._model = model

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """The forecast as a long table.

        Args:
            model_input: the history to continue, of known or new series, as ``Forecaster.predict`` takes it; last rows
                without a target are the future covariates.
            params: of MLflow; none are known.

        Raises:
            PanelError, CovariateError, ModelFileError: the table does not have the columns of the training.
        """
        made: pd.DataFrame = self._model.predict(model_input).to_frame("pandas")
        return made


def _load_pyfunc(path: str) -> Served:
    """The entry point of MLflow's loader: a model file of Gatecast, of which nothing is executed."""
    return Served(load(path))
