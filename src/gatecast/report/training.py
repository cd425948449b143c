"""What the model was, how it was chosen, and how its training went."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.evaluation.blended import blend_lines, blend_reason, blend_title
from gatecast.evaluation.measures import level_key, pair_of
from gatecast.model.config import LSTMConfig, NetworkConfig
from gatecast.report.drawing import BLUE, VERMILION, axis, frame, line, tint
from gatecast.report.markup import Figure, Key, Row, folded, paragraph, table

if TYPE_CHECKING:
    from gatecast.backtesting.backtest import Backtest
    from gatecast.backtesting.record import FoldRecord
    from gatecast.forecaster import Forecaster
    from gatecast.planning.choose import Plan

__all__ = ["chosen", "curves", "settings", "untrained"]

MOST_TRIED = 12
MOST_FOLDS = 12
MOST_CURVES = 40  # lines of one kind


def curves(result: Backtest) -> Figure | None:
    """Training and validation loss by epoch, a thin line per member and fold, the mean thick; None without epochs."""
    runs = [rows for record in result.folds for rows in _members(record)]
    kinds = {"train_loss": ("training", VERMILION), "validation_loss": ("validation", BLUE)}
    data: list[dict[str, Any]] = []
    keys: list[Key] = []
    means: dict[str, np.ndarray] = {}
    for field, (name, colour) in kinds.items():
        lines = [
            ([row["epoch"] for row in rows if field in row], [row[field] for row in rows if field in row])
            for rows in runs
        ]
        lines = [(epochs, losses) for epochs, losses in lines if epochs]
        if not lines:
            continue
        shown = lines[:: -(-len(lines) // MOST_CURVES)]
        data += [line(epochs, losses, name, tint(colour, 0.35), 1, hoverinfo="skip") for epochs, losses in shown]
        mean = _mean_curve(lines)
        means[field] = np.array(mean[1])
        data.append(line(*mean, name, colour, 2.6, mode="lines+markers", marker={"size": 5}, hovertemplate="%{y:.4~g}"))
        keys.append(Key(f"{name}, mean", colour))
    if not data:
        return None
    keys.append(Key("each member and fold", "var(--soft)", "thin"))
    layout = frame(300, xaxis=axis("epoch", showgrid=False, rangemode="tozero"), yaxis=axis("loss"))
    members = f"{len(runs)} trainings" if len(runs) > 1 else "One training"
    return Figure(
        "curves", "Loss by epoch", _curve_words(means), f"{members}. The loss is in scaled units: only its course "
        "says something. Training loss is taken on changing weights, validation loss at the end of an epoch.",
        data, layout, keys,
    )  # fmt: skip


def chosen(result: Backtest) -> str:
    """Tables: the model; the candidates that were tried; the folds."""
    model = result.model
    if model.fitted_.blend.untrained:
        return paragraph(
            "Nothing was trained: the pretrained gate of the package weighed simple forecasts at every origin."
        )
    plan = model.plan_
    return "\n".join(
        [
            table(
                ["", ""],
                [Row(name, [text]) for name, text in _model_facts(result)],
                "The model of the last fold",
                "pairs",
            ),
            _candidates(model) if plan.candidates else paragraph(_not_tried(model)),
            _folds(result.folds),
        ]
    )


def settings(result: Backtest) -> str:
    """Table of what was asked for, and of the versions: enough to run it again."""
    asked = {name: value for name, value in sorted(vars(result.model.settings).items()) if name != "progress"}
    backtest = {
        "origins": result.planned, "stride": result.stride, "refit": result.refit, "window": result.window,
        "adaptive": result.adaptive, "rivals": ", ".join(result.scores.rivals) or "none",
    }  # fmt: skip
    versions = {name: _version(name) for name in ("gatecast", "torch", "numpy", "plotly")}
    versions["python"] = platform.python_version()
    rows = [
        *(Row(f"backtest {name}", [_said(value)]) for name, value in backtest.items()),
        *(Row(name, [_said(value)]) for name, value in asked.items()),
        *(Row(f"version of {name}", [value]) for name, value in versions.items()),
    ]
    return folded(
        "Settings and versions", table(["", ""], rows, "What was asked for, and with which versions", "pairs")
    )


# ---------------------------------------------------------------- inside


def _members(record: FoldRecord) -> list[list[dict[str, float]]]:
    """The logged epochs of each member of a fold."""
    numbers = sorted({int(row.get("member", 0)) for row in record.history})
    return [[row for row in record.history if int(row.get("member", 0)) == k] for k in numbers]


def _mean_curve(lines: list[tuple[list[float], list[float]]]) -> tuple[list[float], list[float]]:
    """Mean loss at each epoch that all trainings have logged, as far as the shortest goes."""
    common = sorted(set.intersection(*(set(epochs) for epochs, _ in lines)))
    table = [dict(zip(epochs, losses, strict=True)) for epochs, losses in lines]
    return common, [float(np.mean([one[epoch] for one in table])) for epoch in common]


def _curve_words(means: Mapping[str, np.ndarray]) -> str:
    checked = means.get("validation_loss")
    if checked is None or not len(checked):
        return "No span was held out for validation: there was too little data for it, or it was switched off."
    best = int(np.argmin(checked))
    words = f"The mean validation loss is lowest at the {_th(best + 1)} of {len(checked)} logged epochs."
    if best < len(checked) - 1 and checked[-1] > 1.05 * checked[best]:
        words += (
            f" Afterwards it rises by {100 * (checked[-1] / checked[best] - 1):.0f} %: longer training would fit noise."
        )
    return words


def _th(n: int) -> str:
    """An ordinal number: 1st, 2nd, 3rd, 11th."""
    ending = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


def _network_words(network: NetworkConfig) -> str:
    if not isinstance(network, LSTMConfig):
        return network.describe()
    layers = f"{network.num_layers} layer{'s' if network.num_layers > 1 else ''} of {network.hidden_size} units"
    if not network.skip:
        return f"LSTM, {layers}"
    steps = f"{network.skip} step{'s' if network.skip > 1 else ''}"
    return f"LSTM, {layers}, and a linear part that reads the last {steps}"


def _model_facts(result: Backtest) -> Iterable[tuple[str, str]]:
    model, plan = result.model, result.model.plan_
    network, framing, main = plan.network, plan.framing, model.fitted_.main
    yield from _blend_facts(model)
    yield "network", _network_words(network)
    yield "weights", f"{main.parameters:,} per network"
    yield "members", f"{len(main.members)} network{'s' if len(main.members) > 1 else ''}, forecasts averaged"
    yield "lookback", f"{framing.lookback} steps, the last {framing.training_origins} of them trained as origins"
    yield "scaling", plan.scaling.describe()
    yield "season", f"{plan.season} steps" if plan.season > 1 else "none found"
    yield "loss", plan.training.loss
    yield "epochs", _epochs(model)
    yield "intervals", _calibration(model)
    yield "training time", f"{sum(record.seconds for record in result.folds):,.1f} s in all"
    yield "device", str(main.device)


def _blend_facts(model: Forecaster) -> Iterable[tuple[str, str]]:
    """The plan in one line; of a blend a line per expert, why it is one, and whom the other facts are about."""
    blend, main = model.fitted_.blend, model.plan_.describe()
    experts = blend.described()
    lines = blend_lines(experts)
    if not lines:
        yield "in one line", main
        return
    reason = blend_reason(blend.errors, blend.own_weights)
    yield "in one line", f"{blend_title(experts)}. {reason}".strip()
    for weight, name in lines:
        yield f"weight {weight}", name
    if len(blend.trained) > 1:
        yield "main candidate", f"{main}; what follows, and the curves, are about it"


def untrained(model: Forecaster) -> bool:
    """Whether no epoch was better on the validation fold than the start: the networks stand where they began."""
    main = model.fitted_.main
    # trained once more on all data, the members stop at the epoch that was best for all of them together
    return (main.common_epoch if model.refit else max(main.epochs)) == 0


def _epochs(model: Forecaster) -> str:
    main = model.fitted_.main
    best = ", ".join(str(epoch) for epoch in main.epochs)
    if not untrained(model):
        checked = model.refit and all(member.record.validation for member in main.members)
        again = f"; best for all together, and used on all data: {main.common_epoch}" if checked else ""
        return best + again
    start = ", a regression" if model.plan_.training.start == "ridge" else ""
    return f"{best}: no epoch was better on the validation fold than the start{start}; the LSTM itself is untrained"


def _calibration(model: Forecaster) -> str:
    """What calibration did to the intervals, in words."""
    calibration = model.fitted_.main.calibration
    if calibration.stretch_HQ is not None:
        from gatecast.evaluation.measures import central_levels

        said = []
        for level in central_levels(calibration.quantiles):
            factor = float(np.mean(calibration.stretch_HQ[:, pair_of(calibration.quantiles, level)]))
            said.append(f"{level_key(level)} % by {factor:.2f}")
        return f"half-widths stretched by calibration: {', '.join(said)}" if said else "not calibrated"
    if calibration.offset_HCQ is not None:
        return "quantiles of the errors on held-out origins"
    return "as the network gives them" if len(calibration.quantiles) > 1 else "none: the median alone"


def _candidates(model: Forecaster) -> str:
    plan = model.plan_
    tried = sorted(plan.candidates, key=lambda one: one[1])
    kept = {name for one in model.fitted_.candidates for name in _probed(one.plan)}
    shown = [one for n, one in enumerate(tried) if n < MOST_TRIED or one[0] in kept]
    rows = [
        Row(
            name, [f"{error:.3f}", "chosen" if name in kept else ""], frozenset({0, 1}) if name in kept else frozenset()
        )
        for name, error in shown
    ]
    left = f" (the best {len(shown)} of {len(tried)})" if len(shown) < len(tried) else ""
    return table(
        ["candidate", "relative validation error", ""], rows,
        f"Scalings that were tried{left}, with a ridge regression in place of the network. What is not tied to a past "
        "value, or needs a long lookback, has to win by a margin.",
    )  # fmt: skip


def _probed(plan: Plan) -> set[str]:
    """What a plan was called when it was a candidate: its lookback may have grown by the training origins."""
    lookbacks = {plan.framing.lookback, plan.framing.lookback - plan.framing.training_origins + 1}
    return {f"lookback {steps} · {plan.scaling.describe()}" for steps in lookbacks}


def _not_tried(model: Forecaster) -> str:
    if model.scaling is not None:
        return "The scaling was given, so no candidates were tried."
    return "No candidates were tried: there was too little data to compare them on, or nothing was left to choose."


def _folds(records: tuple[FoldRecord, ...]) -> str:
    rows = [
        Row(
            str(record.fold.number + 1),
            [
                _origins(record),
                f"{record.steps:,}", f"{record.seconds:,.1f}", ", ".join(map(str, record.epochs)), record.chosen,
            ],
        )
        for record in records[:MOST_FOLDS]
    ]  # fmt: skip
    left = f" (the first {MOST_FOLDS} of {len(records)})" if len(records) > MOST_FOLDS else ""
    return table(
        ["fold", "origins", "steps trained on", "seconds", "epochs of the members", "chosen"],
        rows,
        f"Trainings{left}",
        "folds",
    )


def _origins(record: FoldRecord) -> str:
    first, last = record.fold.begin + 1, record.fold.end
    return f"{first} to {last}" if last > first else str(last)


def _said(value: Any) -> str:
    """A setting as people write it."""
    if value is None or value == {}:
        return "chosen from the data"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if hasattr(value, "describe"):
        return str(value.describe())
    if is_dataclass(value):
        value = {one.name: getattr(value, one.name) for one in fields(value)}
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return ", ".join(f"{item:g}" for item in value) if isinstance(value, tuple | list) else str(value)


def _version(package: str) -> str:
    import gatecast

    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return gatecast.__version__ if package == "gatecast" else "not installed"
