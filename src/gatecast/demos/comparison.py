"""An article's settings and Gatecast's own way on the same targets, in one table and in one picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.demos.result import TITLES, DemoResult, Errors, Span, digits, errors, strict
from gatecast.forecasts.canvas import INK, dress, empty_figure, finish, on_axis, title_and_legend
from gatecast.forecasts.plots import BLUE, GREY, ORANGE, VERMILION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Comparison"]

PUBLISHED, OWN = "published", "own"
NAMES = {**TITLES, PUBLISHED: "LSTM as published", OWN: "Gatecast's own way"}
MOST_POINTS = 150  # of a line in the picture; beyond them lines cover each other


@dataclass(frozen=True)
class Comparison:
    """Both ways of one reference system.

    Args:
        published: the run on the article's settings.
        own: the run of Gatecast's own way.
    """

    published: DemoResult
    own: DemoResult

    @property
    def spans(self) -> dict[str, Span]:
        """Span -> truth and forecasts of both ways and of the naive methods, on the targets that both have."""
        return {name: _joined(self.published.spans[name], span) for name, span in self.own.spans.items()}

    @property
    def scores(self) -> dict[str, dict[str, Errors]]:
        """Span -> method -> mse, rmse, mae."""
        return {
            name: {method: _mean_errors(span.truth_TC, forecast_TC) for method, forecast_TC in span.forecasts.items()}
            for name, span in self.spans.items()
        }

    def to_dict(self) -> dict[str, Any]:
        """One JSON object; a number that is undefined is null."""
        return {
            "system": self.own.system,
            "seed": self.own.seed,
            "scores": {
                span: {name: {key: strict(value) for key, value in row.items()} for name, row in methods.items()}
                for span, methods in self.scores.items()
            },
            "published": self.published.to_dict(),
            "own": self.own.to_dict(),
        }

    def __str__(self) -> str:
        lines = [f"{self.own.system} · as published, and Gatecast's own way · seed {self.own.seed}"]
        for name, span in self.spans.items():
            lines += ["", f"{f'{name}, {len(span.times_T):,} targets':32s}{'RMSE':>12s}{'MAE':>12s}"]
            for method, row in self.scores[name].items():
                lines.append(f"{NAMES.get(method, method):32s}{digits(row['rmse']):>12s}{digits(row['mae']):>12s}")
        lines += [
            "",
            f"as published  {self.published.train_seconds:.1f} s · {self.published.chosen}",
            f"own way       {self.own.train_seconds:.1f} s · {self.own.chosen}",
        ]
        return "\n".join(lines)

    def plot(self, path: Path | str | None = None) -> Figure:
        """The end of the test part with both forecasts, and the RMSE of every method beside it."""
        span = self.spans["test"]
        figure = empty_figure(9, 4.2)
        lines, bars = figure.subplots(1, 2, width_ratios=(2, 1))
        _lines(lines, span)
        _bars(bars, {NAMES.get(name, name): row["rmse"] for name, row in self.scores["test"].items()})
        title_and_legend(figure, f"{self.own.system}: as published, and Gatecast's own way")
        return finish(figure, path)


def _mean_errors(truth_TC: np.ndarray, forecast_TC: np.ndarray) -> Errors:
    """mse, rmse and mae of each target, in the mean over the targets, as ``gc.evaluate`` has them."""
    per_target = [errors(truth_TC[:, c], forecast_TC[:, c]) for c in range(truth_TC.shape[1])]
    return {key: float(np.mean([row[key] for row in per_target])) for key in per_target[0]}


def _joined(published: Span, own: Span) -> Span:
    """One span of the targets that two have in common."""
    times_T, mine_T, theirs_T = np.intersect1d(own.times_T, published.times_T, return_indices=True)
    naive = {name: forecast_TC[mine_T] for name, forecast_TC in own.forecasts.items() if name != "lstm"}
    lstms = {PUBLISHED: published.forecasts["lstm"][theirs_T], OWN: own.forecasts["lstm"][mine_T]}
    return Span(times_T, own.truth_TC[mine_T], {**lstms, **naive}, own.targets, own.frequency)


def _lines(axes: Axes, span: Span) -> None:
    """Truth and both forecasts of the first target."""
    shown = slice(-MOST_POINTS, None)
    when_T = on_axis(span.times_T[shown], span.frequency)
    axes.plot(when_T, span.truth_TC[shown, 0], color=INK, lw=2.8, label="truth")  # seen beneath what lies on it
    for name, colour in ((PUBLISHED, ORANGE), (OWN, BLUE)):
        axes.plot(when_T, span.forecasts[name][shown, 0], color=colour, lw=1.3, label=NAMES[name])
    dress(axes, span.frequency, span.times_T[shown], span.targets[0])


def _bars(axes: Axes, rmse: dict[str, float]) -> None:
    """A bar for every method, the smallest error on top."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    ranked = sorted(rmse, key=lambda name: -rmse[name])
    colours = {NAMES[PUBLISHED]: ORANGE, NAMES[OWN]: BLUE, NAMES["floor"]: VERMILION}
    axes.barh(ranked, [rmse[name] for name in ranked], color=[colours.get(name, GREY) for name in ranked], height=0.6)
    for row, name in enumerate(ranked):
        axes.text(rmse[name], row, f" {digits(rmse[name])}", va="center", fontsize=8, color=INK)
    dress(axes, None, np.zeros(0), "")
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}" if max(rmse.values()) >= 1000 else "{x:g}"))
    axes.set_xlim(0, 1.3 * max(rmse.values()))
    axes.set_xlabel("RMSE, all of the test part", color=INK, fontsize=9)
