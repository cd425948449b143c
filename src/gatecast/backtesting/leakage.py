"""Leakage check: does any forecast know what comes after its origin?

    panel       ─────────────o1─────────o2─────────|
    changed     ─────────────o1#########o2#########|    forecasts from o1 must be the same bytes
                ─────────────o1─────────o2#########|    and those from o1 and o2

The whole way is repeated on the changed data: choice, scaling, validation, training, calibration, forecast. Whatever
reads the future, a scaler fitted on all rows or a validation span that reaches too far, moves a forecast.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from gatecast.backtesting.folds import long_enough, make_folds, require_rolling, stride_that_fits
from gatecast.backtesting.given import require_model
from gatecast.backtesting.rolling import Rolling
from gatecast.data.panel import Panel
from gatecast.data.tables.future import observed_part
from gatecast.data.tables.intake import as_panel
from gatecast.errors import Argument, ConfigError, LeakageError
from gatecast.progress import Silent
from gatecast.windows.index import last_origins

if TYPE_CHECKING:
    from gatecast.forecaster import Forecaster

__all__ = ["LeakageReport", "leakage_check"]


@dataclass(frozen=True)
class LeakageReport:
    """What was compared, and found the same.

    Args:
        series: number of series.
        origins: origins per series.
        forecasts: numbers that were compared.
    """

    series: int
    origins: int
    forecasts: int

    def __str__(self) -> str:
        return (
            f"No leak found: {self.forecasts:,} forecast values from {self.origins:,} origins of {self.series:,} "
            f"series stayed the same, bit for bit, when all that lies after each origin was changed."
        )


def leakage_check(
    model: Forecaster,
    data: Any,
    *,
    origins: int = 3,
    stride: int | None = None,
    refit: bool | int = False,
    window: Literal["expanding", "sliding"] = "expanding",
    warm: bool = False,
    adaptive: bool = False,
    train: bool = True,
) -> LeakageReport:
    """Change what lies after each origin, and fail if any forecast moves.

    Targets and past covariates are changed; future covariates may be known, by their name. With everything trained
    anew for each origin this takes ``origins`` + 1 backtests.

    Args:
        model: a Forecaster, or a subclass with a ``fit`` or ``forecast_from`` of its own.
        data: a Panel, or what ``gatecast.read`` takes.
        origins: rolling origins per series.
        stride: steps between two of them; None = as ``backtest`` chooses it.
        refit: when training is repeated.
        window: "expanding" or "sliding".
        warm: later folds go on from the weights of the one before.
        adaptive: the quantiles follow what was observed on the way.
        train: False = check the fitted model as it is, its forecasts alone.

    Raises:
        LeakageError: a forecast moved. The message names one of them.
        WindowError: no series is long enough for the origins.
        ConfigError: a setting is out of range, or the model is not fitted and ``train`` is False.
        KeyboardInterrupt: Ctrl-C; half a check proves nothing.
    """
    require_model(model, "leakage_check")
    origins, stride = require_rolling(origins, stride, window)
    if not train and not model.is_fitted:
        argument = Argument("train", of="leakage_check")
        raise ConfigError("leakage_check(", argument, "=False) needs a fitted model: call fit() first.")
    observed = observed_part(as_panel(data))
    step = stride or stride_that_fits(observed.length, model.horizon, origins)
    panel = long_enough(observed, model.horizon, origins, step)
    folds = make_folds(origins, refit)
    origin_NO = last_origins(panel, model.horizon, origins, step)

    def forecasts(shown: Panel) -> np.ndarray:
        """(N, O, H, C, Q) forecasts from all origins."""
        if not train:
            series_B = np.repeat(np.arange(len(shown)), origins)
            forecast_BHCQ = model.forecast_from(shown, series_B, origin_NO.ravel())
            return forecast_BHCQ.reshape(*origin_NO.shape, *forecast_BHCQ.shape[1:])
        run = Rolling(model, shown, origin_NO, window, warm, None, Silent())
        run.folds(folds)
        if len(run.records) < len(folds) or run.last.record_["interrupted"]:
            raise KeyboardInterrupt
        return run.adapted(step) if adaptive else run.forecast_NOHCQ

    honest = forecasts(panel)
    for o in range(origins):
        changed = forecasts(with_other_future(panel, origin_NO[:, o]))
        _require_same(panel, origin_NO, honest[:, : o + 1], changed[:, : o + 1])
    return LeakageReport(len(panel), origins, int(honest.size))


def with_other_future(panel: Panel, origin_N: np.ndarray) -> Panel:
    """A copy in which targets and past covariates after each series' origin row are others, as plausible as before.

    Values become larger and stand in reverse order; whole numbers stay whole, positive ones positive, missing missing.
    """
    values_RV = panel.values_RV.copy()
    columns = [*range(len(panel.targets)), *range(*panel.schema.past_slice.indices(values_RV.shape[1]))]
    for n, origin in enumerate(origin_N):
        rows = slice(int(origin) + 1, int(panel.stop[n]))
        for column in columns:
            was = values_RV[rows, column]
            known = was[np.isfinite(was)]
            if len(known):
                # more than three times the largest size: then no number can come out as the one that stood there
                was[np.isfinite(was)] = 2 * known[::-1] + 4 * np.ceil(np.abs(known).max()) + 1
    return replace(panel, values_RV=values_RV)


def _require_same(panel: Panel, origin_NO: np.ndarray, honest: np.ndarray, changed: np.ndarray) -> None:
    moved = (honest != changed) & ~(np.isnan(honest) & np.isnan(changed))
    if not moved.any():
        return
    n, o, h, c, q = (int(at[0]) for at in np.nonzero(moved))
    time = panel.frequency.advance(panel.starts[n : n + 1], origin_NO[n, o] - panel.first[n])[0]
    windows = moved.any(axis=(2, 3, 4))
    raise LeakageError(
        f"the forecasts know the future: after a change of what lies behind the origin "
        f"{panel.frequency.label(time)}, step {h + 1} of {panel.targets[c]!r} in series {panel.ids[n]!r} moved from "
        f"{honest[n, o, h, c, q]:.6g} to {changed[n, o, h, c, q]:.6g} ({int(windows.sum()):,} of {windows.size:,} "
        f"windows moved). Fit scalers, covariates and whatever else learns on what lies before the origin alone."
    )
