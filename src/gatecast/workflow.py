"""The whole workflow in one call: read, hold out, score beside the naive forecasts, train on everything, forecast.

1  train on ──────────────┤ scored │     what the forecast is worth
2  train on ───────────────────────│·····H·····      the forecast
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any

from gatecast.backtesting.held_out import CHANGED, folders_of, held_out, seconds_left
from gatecast.backtesting.importance import Importance, covariate_importance
from gatecast.backtesting.result import Evaluation
from gatecast.backtesting.use import MODEL, Used, forecast_by, require_use, used_after, with_competitors
from gatecast.data.panel import Panel
from gatecast.data.tables.future import extend, observed_part
from gatecast.data.tables.intake import as_panel
from gatecast.data.tables.reading import read_covariates
from gatecast.errors import WindowError
from gatecast.evaluation.judgement import OutcomeName, undecided
from gatecast.evaluation.scores import Scores
from gatecast.forecaster import Forecaster
from gatecast.forecasts.forecast import Forecast
from gatecast.planning.horizon import default_horizon
from gatecast.pretrained.expert import gate_in, leading, mean_shares

__all__ = [
    "ForecastResult",
    "data_facts",
    "forecast",
    "forecast_facts",
    "forecast_with",
    "importance_facts",
    "known_future",
    "model_facts",
]


GATECAST = Used.named(MODEL)


@dataclass(frozen=True, eq=False)
class ForecastResult:
    """A forecast, what it is worth, and the model that made it.

    Args:
        forecast: of every series, with intervals.
        evaluation: forecasts and scores on held-out origins; None where there was too little data to hold any out.
        model: trained on everything.
        panel: the data.
        problem: why there is no evaluation; None where there is one.
        seconds: of all trainings.
        future: the future covariates as they were given.
        importance: what the covariates contribute, where that was asked for and there is something to say.
        used: what forecasts: the model, or what was asked for in its place. Where the model takes no part it is left as
            it was trained before the held-out origins.
    """

    forecast: Forecast
    evaluation: Evaluation | None
    model: Forecaster
    panel: Panel
    problem: WindowError | None
    seconds: float
    future: Any = None
    importance: Importance | None = None
    used: Used = GATECAST

    @property
    def scores(self) -> Scores | None:
        """The score table of the held-out origins."""
        return None if self.evaluation is None else self.evaluation.scores

    @property
    def verdict(self) -> str:
        """Whether the model was worth it, in words."""
        return f"No verdict: {self.problem}" if self.evaluation is None else self.evaluation.verdict

    @property
    def outcome(self) -> OutcomeName:
        """The same in one word: "better", "undecided" (also where nothing could be held out) or "worse"."""
        return "undecided" if self.scores is None else self.scores.outcome

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data, as ``gatecast forecast --json`` prints it."""
        return {
            "data": data_facts(self.panel),
            "model": model_facts(self.model, self.seconds),
            "evaluation": None if self.evaluation is None else self.evaluation.to_dict(),
            "verdict": self._verdict_facts(),
            "used": {"name": self.used.name, "title": self.used.title, "reason": self.used.reason},
            "forecast": forecast_facts(self.forecast),
            "guarded": list(self.forecast.guarded),
            "bounded": list(self.forecast.bounded),
            "late": list(self.forecast.late),
            **({} if self.importance is None else {"importance": importance_facts(self.importance)}),
        }

    def report(self, path: str | os.PathLike[str], command: str = "") -> None:
        """Write the forecast as one HTML page under 1 MB, which makes no request and needs no other file.

        Args:
            path: the file; an existing one is replaced.
            command: what made it, as the page should say it; "" = the settings of the model.

        Raises:
            ConfigError: the file cannot be written.
        """
        from gatecast.report.forecasts import write_forecast_page

        write_forecast_page(self, path, command)

    def _verdict_facts(self) -> dict[str, Any]:
        judgement = undecided("nothing held out") if self.scores is None else self.scores.judgement
        return {**judgement.to_dict(), "text": self.verdict}

    def __str__(self) -> str:
        return self.verdict if self.evaluation is None else str(self.evaluation)


def forecast(
    data: Any,
    horizon: int | None = None,
    *,
    future: Any | None = None,
    origins: int | None = None,
    explain: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
    use: str = MODEL,
    **settings: Any,
) -> ForecastResult:
    """Forecast a table, and say how far the forecast can be trusted.

    Trains on what lies before the held-out origins and scores there, beside the naive forecasts; then trains the same
    choice on everything and forecasts.

    Args:
        data: a Panel, or what ``gatecast.read`` takes.
        horizon: steps to forecast; None = one season, or 12 steps, or a sixth of a typical series if that is less.
        future: future covariates over the horizon: a panel or table, or constants such as ``{"day_type": "W"}``.
        origins: held-out origins that the score is taken from; None = as many as fit, up to 3.
        explain: also measure on held-out windows what each covariate contributes (``ForecastResult.importance``).
        checkpoint: a folder that keeps where the trainings stand, as for ``Forecaster.fit``.
        use: what forecasts in the end: "gatecast"; "best", whatever had the least error on the held-out origins; the
            name of a naive forecast ("seasonal_naive", ...) or of a statistical rival ("auto_ets", ...); "blend", the
            mean of Gatecast, AutoETS, AutoTheta and AutoARIMA. The verdict is on Gatecast's model all the same.
        **settings: of the ``Forecaster``, such as ``seed=1`` or ``time_limit=60``.

    Raises:
        PanelError, CovariateError, ConfigError: the data or a setting do not fit (all are ValueError).
        WindowError: the series are too short, for the ``origins`` where these are given.
        TrainingError: the loss is no longer finite.

    >>> import gatecast as gc
    >>> made = gc.forecast(gc.load_example("airline"), horizon=3, origins=1, candidates=1, training={"max_epochs": 1})
    >>> made.forecast.horizon, made.scores.origins
    (3, 1)
    """
    panel = as_panel(data)
    model = Forecaster(default_horizon(panel) if horizon is None else horizon, **settings)
    return forecast_with(
        model, panel, future=future, origins=origins, explain=explain, checkpoint=checkpoint, use=use
    )  # fmt: skip


def forecast_with(
    model: Forecaster,
    panel: Panel,
    *,
    future: Any | None = None,
    origins: int | None = None,
    explain: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
    use: str = MODEL,
) -> ForecastResult:
    """As ``forecast``, with a Forecaster that is not fitted yet."""
    require_use(use)
    ahead = known_future(panel, model.horizon, future)
    started = time.monotonic()
    first, everything = folders_of(checkpoint)
    evaluation, problem = held_out(model, panel, origins, first)
    importance = None
    if explain and evaluation is not None:
        # before it is trained on these windows
        importance = covariate_importance(model, panel, evaluation)
    evaluation = evaluation and with_competitors(evaluation, model, use)
    used = used_after(evaluation, use)
    untrained = evaluation is not None and model.fitted_.blend.untrained
    if evaluation is None:
        model.fit(panel, checkpoint=everything)
    elif used.trained and not model.record_["interrupted"]:
        model.refit_on(panel, seconds_left(model.time_limit, started), checkpoint=everything)
    seconds = time.monotonic() - started
    if evaluation is not None and untrained != model.fitted_.blend.untrained:  # what was scored is not what forecasts
        evaluation, problem = None, WindowError(CHANGED)
    made = forecast_by(used, model, observed_part(panel), panel, ahead, evaluation)
    return ForecastResult(made, evaluation, model, panel, problem, seconds, ahead, importance, used)


def known_future(panel: Panel, horizon: int, future: Any) -> Any:
    """The future covariates, known to be complete over the horizon: better said now than after the training."""
    history = observed_part(panel)
    if horizon > int(history.length.max()):
        return future  # no training takes such a horizon, and its rows may not fit into memory
    if future is not None and not isinstance(future, Panel) and panel.schema.future:
        future = read_covariates(future, history, horizon=horizon if isinstance(future, dict) else None)
    extend(history, panel, horizon, future, keep=1)
    return future


# ---------------------------------------------------------------- as plain data


def data_facts(panel: Panel) -> dict[str, Any]:
    """What a panel is."""
    label = panel.time_label
    last = panel.frequency.advance(panel.starts, panel.length - 1)
    return {
        "description": panel.describe(),
        "targets": panel.targets,
        "columns": column_facts(panel),
        "series": len(panel),
        "rows": panel.total,
        "frequency": panel.frequency.to_text(),
        "begin": label(panel.starts.min()),
        "end": label(last.max()),
        "notes": [str(note) for note in panel.notes],
    }


def column_facts(panel: Panel) -> list[dict[str, str]]:
    """The columns of a panel with their roles and types, those that name series and times first."""
    labels, schema = panel.labels, panel.schema
    keys = labels.keys or (panel.names[0],)
    held = [value if labels.keys else (value,) for _, value in labels.values[:1]] or [("",) * len(keys)]
    pairs = zip(keys, held[0], strict=True)
    found = [(key, "series", "integer" if isinstance(item, int) else "text") for key, item in pairs]
    step = "step" if panel.frequency.unit == "step" else "date"
    written = [(s.column, "integer" if s.whole else "date" if s.text == "date" else "text") for s in labels.times]
    found += [(name, "time", kind) for name, kind in written or [(panel.names[1], step)]]
    found += [(target, "target", "number") for target in schema.targets]
    for role in ("past", "future", "static"):
        found += [(c.name, role, "number" if c.categories is None else "category") for c in getattr(schema, role)]
    return [{"name": name, "role": role, "type": kind} for name, role, kind in found]


def model_facts(model: Forecaster, seconds: float) -> dict[str, Any]:
    """What was chosen, and how long the training took."""
    import torch

    fitted = model.fitted_
    plan = None if fitted.blend.untrained else fitted.plan
    return {
        "chosen": fitted.describe(),
        "blend": fitted.blend.facts(),
        "gate": _gate_words(model),
        "horizon": model.horizon,
        "lookback": None if plan is None else plan.framing.lookback,
        "scaling": None if plan is None else plan.scaling.describe(),
        "season": fitted.season,
        "bounds": fitted.settings.bounds,
        "members": 0 if plan is None else plan.members,
        "train_seconds": round(seconds, 3),
        "device": "cpu" if plan is None else str(fitted.main.device),
        "threads": torch.get_num_threads(),
        "interrupted": fitted.record.interrupted,
    }


def _gate_words(model: Forecaster) -> str:
    """The simple forecasts that the pretrained gate trusts most at the end of the data; "" where it takes no part."""
    gate = gate_in(model.fitted_.blend)
    if gate is None or not hasattr(model, "panel_"):
        return ""
    return leading(mean_shares(gate, observed_part(model.panel_)))


def importance_facts(importance: Importance) -> dict[str, Any]:
    """What the covariates contribute: mean growth of the error, and what 80 % of the repetitions gave."""
    return {
        "windows": importance.windows,
        "repeats": importance.repeats,
        "covariates": [
            {"covariate": one.covariate, "kind": one.kind, "growth": one.mean, "spread": one.spread}
            for one in importance.contributions
        ],
    }


def forecast_facts(made: Forecast) -> list[dict[str, Any]]:
    """One object per series and target."""
    label, times = made.axes.time_label, made.times
    held = dict(made.axes.labels.values)  # ids as the table has them
    return [
        {
            "series": held.get(name, name),
            "target": target,
            "time": [int(t) if made.frequency.unit == "step" else label(t) for t in times[n]],
            "forecast": made.values[n, :, c],
            "quantiles": {f"{q:g}": made.values_NHCQ[n, :, c, k] for k, q in enumerate(made.quantiles)},
        }
        for n, name in enumerate(made.ids)
        for c, target in enumerate(made.targets)
    ]
