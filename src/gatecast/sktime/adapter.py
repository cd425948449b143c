"""Gatecast behind the interface of sktime."""

from __future__ import annotations

import importlib
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from gatecast.errors import ConfigError
from gatecast.forecaster import Forecaster
from gatecast.sktime.tables import future_of, instances_of, joined_rows, lags_of, panel_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GatecastForecaster"]


def _base() -> Any:
    """Sktime's class; without sktime a stand-in, so that this module can be imported and say what is missing."""
    try:
        return importlib.import_module("sktime.forecasting.base").BaseForecaster
    except ImportError:
        return object


_Base: Any = _base()


class GatecastForecaster(_Base):  # type: ignore[misc]
    """LSTM forecasts of one or many series, with quantiles.

    Many series, a panel or a hierarchy, are learned by one model. Columns of X are covariates that are known ahead,
    numbers or categories; ``predict`` needs each of them for all steps up to the last one of ``fh``.

    Parameters
    ----------
    preset : str, default="standard"
        "standard" trains LSTMs on the data, "fast" one, "best" more; "instant" trains nothing and forecasts at once, by
        the pretrained gate.
    time_limit : float, optional
        Seconds that the training may take, roughly.
    quantiles : tuple of float, default=(0.025, 0.1, 0.5, 0.9, 0.975)
        Levels to train, 0.5 among them. Others are interpolated between these, and beyond the outer ones the forecast
        goes on as a normal distribution would.
    seed : int, default=0
        Seed of everything random.
    settings : dict, optional
        Further arguments of ``gatecast.Forecaster``, such as {"lookback": 24, "members": 1}.

    Attributes
    ----------
    model_ : gatecast.Forecaster
        The fitted model, to be saved with ``model_.save(path)``.

    Examples
    --------
    >>> from sktime.datasets import load_airline  # doctest: +SKIP
    >>> from gatecast.sktime import GatecastForecaster
    >>> forecaster = GatecastForecaster(preset="instant")  # doctest: +SKIP
    >>> forecaster.fit(load_airline(), fh=[1, 2, 3]).predict_interval(coverage=0.8)  # doctest: +SKIP
    """

    _tags: ClassVar[dict[str, Any]] = {
        "python_dependencies": "gatecast",
        "object_type": "forecaster",
        "y_inner_mtype": ["pd.DataFrame", "pd-multiindex", "pd_multiindex_hier"],
        "X_inner_mtype": ["pd.DataFrame", "pd-multiindex", "pd_multiindex_hier"],
        "capability:multivariate": True,
        "capability:exogenous": True,
        "capability:categorical_in_X": True,
        "capability:missing_values": True,
        "capability:pred_int": True,
        "capability:pred_int:insample": False,
        "capability:insample": False,
        "capability:unequal_length": True,
        "capability:update": True,
        "capability:non_contiguous_X": False,
        "requires-fh-in-fit": True,
        "X-y-must-have-same-index": True,
    }

    def __init__(
        self,
        preset: str = "standard",
        time_limit: float | None = None,
        quantiles: tuple[float, ...] = (0.025, 0.1, 0.5, 0.9, 0.975),
        seed: int = 0,
        settings: dict[str, Any] | None = None,
    ) -> None:
        if _Base is object:
            raise ConfigError("GatecastForecaster needs sktime: pip install 'gatecast[sktime]'.")
        self.preset = preset
        self.time_limit = time_limit
        self.quantiles = quantiles
        self.seed = seed
        self.settings = settings
        super().__init__()

    def _fit(self, y: pd.DataFrame, X: pd.DataFrame | None = None, fh: Any = None) -> GatecastForecaster:
        self._seen_y: Any = y
        self._seen_X: Any = X
        self._panel = panel_of(y, X)
        horizon = int(max(self._steps(fh))) + int(lags_of(self._panel).max())
        held: dict[str, Any] = {"preset": self.preset, "time_limit": self.time_limit, "quantiles": self.quantiles}
        model = Forecaster(horizon, **held | {"seed": self.seed, "progress": False} | (self.settings or {}))
        self.model_ = model.fit(self._panel)
        return self

    def _update(self, y: pd.DataFrame, X: pd.DataFrame | None = None, update_params: bool = True) -> GatecastForecaster:
        """Forecast from newer data; with ``update_params`` what was chosen is trained again on all of them."""
        self._seen_y, self._seen_X = joined_rows(self._seen_y, y), joined_rows(self._seen_X, X)
        self._panel = panel_of(self._seen_y, self._seen_X)
        if update_params:
            self.model_ = self.model_.clone(fitted=True).refit_on(self._panel)
        return self

    def _predict(self, fh: Any, X: pd.DataFrame | None = None) -> pd.DataFrame:
        import pandas as pd

        values_RCQ, levels = self._ahead(fh, X), self.model_.quantiles
        values_RC = values_RCQ[..., sorted(levels).index(0.5)]
        return pd.DataFrame(values_RC, index=self._index(fh), columns=self._seen_y.columns)

    def _predict_quantiles(self, fh: Any, X: pd.DataFrame | None, alpha: list[float]) -> pd.DataFrame:
        import pandas as pd

        values_RCA = at_levels(self._ahead(fh, X), sorted(self.model_.quantiles), alpha)
        names = self._get_varnames()
        columns = pd.MultiIndex.from_product([names, alpha])
        return pd.DataFrame(values_RCA.reshape(len(values_RCA), -1), index=self._index(fh), columns=columns)

    def _ahead(self, fh: Any, X: pd.DataFrame | None) -> np.ndarray:
        """(R, C, Q) for all series and the steps of ``fh``."""
        future = None if X is None or self._seen_X is None else future_of(X, self._seen_y)
        values_NHCQ = self.model_.predict(self._panel, future=future).values_NHCQ
        step_NF = lags_of(self._panel)[:, None] + np.array(self._steps(fh))[None, :] - 1
        if step_NF.max() >= self.model_.horizon:
            raise ConfigError(
                f"the forecast is for {self.model_.horizon} steps after the last value of each series; step "
                f"{step_NF.max() + 1} was asked for. Fit again, with the whole fh."
            )
        chosen = np.take_along_axis(values_NHCQ, step_NF[:, :, None, None], axis=1)
        return np.asarray(chosen.reshape(-1, *values_NHCQ.shape[2:]), np.float64)

    def _steps(self, fh: Any) -> list[int]:
        """Steps after the cutoff, from 1."""
        return [int(step) for step in fh.to_relative(self.cutoff)]

    def _index(self, fh: Any) -> pd.Index:
        """The index of a forecast: the times, for each series."""
        import pandas as pd

        times = fh.to_absolute_index(self.cutoff)
        if self._seen_y.index.nlevels == 1:
            return times
        keys = [key if isinstance(key, tuple) else (key,) for key in instances_of(self._seen_y)]
        return pd.MultiIndex.from_tuples(
            [(*key, time) for key in keys for time in times], names=self._seen_y.index.names
        )

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Settings that take no time, as sktime's own tests ask for them."""
        tiny = {"lookback": 2, "scaling": "standard", "members": 1, "network": {"hidden_size": 2}}
        brief = {"max_epochs": 1, "steps_per_epoch": 1}
        return [{"preset": "instant"}, {"seed": 1, "settings": {**tiny, "training": brief}}]


def at_levels(values: np.ndarray, levels: list[float], wanted: list[float]) -> np.ndarray:
    """Quantiles (..., A) at other levels than those of ``values`` (..., Q).

    Straight lines over the standard normal quantiles of the levels, which go on beyond the outer ones: exact for a
    normal distribution, and at the levels themselves.

    Raises:
        ConfigError: there is one level, and another one is wanted.
    """
    if len(levels) == 1 and wanted != levels:
        raise ConfigError(f"the model has the quantile {levels[0]:g} alone. Fit with more quantiles.")
    known, asked = (np.array([NormalDist().inv_cdf(level) for level in some]) for some in (levels, wanted))
    right = np.clip(np.searchsorted(known, asked), 1, max(len(known) - 1, 1))
    left = right - 1
    right = np.minimum(right, len(known) - 1)
    width = np.where(right > left, known[right] - known[left], 1.0)
    share = (asked - known[left]) / width
    return np.asarray(values[..., left] + share * (values[..., right] - values[..., left]))
