"""What a demo hands back: scores in the data's own unit, words, and pictures if asked for."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gatecast.backtesting.result import Evaluation
from gatecast.data.frequency import Frequency

__all__ = ["TITLES", "DemoResult", "Errors", "Span", "digits", "errors", "errors_of", "strict"]

Errors = dict[str, float]
TITLES = {
    "lstm": "LSTM",
    "naive": "repeat last",
    "seasonal_naive": "seasonal naive",
    "same_category": "last of the same category",
    "lstm_all_steps": "LSTM, every step of the window",
    "floor": "the curve without noise",
}


@dataclass(frozen=True, eq=False)
class Span:
    """What was forecast in a part of the data, one step ahead.

    Args:
        times_T: (T,) times of the targets.
        truth_TC: (T, C) what came.
        forecasts: method -> (T, C), the model's first.
        targets: C names.
        frequency: of the times.
    """

    times_T: np.ndarray
    truth_TC: np.ndarray
    forecasts: dict[str, np.ndarray]
    targets: tuple[str, ...]
    frequency: Frequency

    @classmethod
    def of(cls, found: Evaluation) -> Span:
        """That of an evaluation of one series at horizon 1."""
        forecasts = {name: np.asarray(found.scores.forecasts[name])[:, 0] for name in found.scores.methods}
        truth_TC = np.asarray(found.scores.truth_BHC)[:, 0]
        return cls(found.times_BH[:, 0], truth_TC, forecasts, found.panel.targets, found.panel.frequency)


@dataclass(frozen=True)
class DemoResult:
    """One run of a reference system.

    Args:
        system: its name.
        as_published: the article's settings, or Gatecast's own way.
        seed: seed of the run.
        train_seconds: seconds of training.
        scores: span -> method -> mse, rmse, mae.
        chosen: the settings in one line.
        published: what the article reports, in one line.
        verdict: one sentence about the test span.
        notes: further lines for people.
        details: further entries for --json.
        spans: span -> truth and forecasts, for pictures.
    """

    system: str
    as_published: bool
    seed: int
    train_seconds: float
    scores: dict[str, dict[str, Errors]]
    chosen: str
    published: str
    verdict: str
    notes: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """One JSON object; a number that is undefined is null."""
        return {
            "system": self.system,
            "as_published": self.as_published,
            "seed": self.seed,
            "train_seconds": round(self.train_seconds, 3),
            "scores": {
                span: {name: {key: strict(value) for key, value in row.items()} for name, row in methods.items()}
                for span, methods in self.scores.items()
            },
            "chosen": self.chosen,
            "published": self.published,
            "verdict": self.verdict,
            **self.details,
        }

    def __str__(self) -> str:
        way = "as published" if self.as_published else "Gatecast's own way"
        lines = [
            f"{self.system} · {way} · seed {self.seed}",
            f"chosen   {self.chosen}",
            f"trained  {self.train_seconds:.1f} s",
        ]
        for span, methods in self.scores.items():
            lines += ["", f"{span:32s}{'RMSE':>12s}{'MAE':>12s}"]
            for name, row in methods.items():
                lines.append(f"{TITLES.get(name, name):32s}{digits(row['rmse']):>12s}{digits(row['mae']):>12s}")
        for words in (*self.notes, self.verdict, f"The article reports: {self.published}"):
            lines += ["", *textwrap.wrap(words, 80, subsequent_indent="  ")]
        return "\n".join(lines)


def errors(truth: np.ndarray, forecast: np.ndarray) -> Errors:
    """mse, rmse and mae over all points."""
    error = np.asarray(forecast, np.float64) - truth
    mse = float(np.mean(error**2))
    return {"mse": mse, "rmse": math.sqrt(mse), "mae": float(np.abs(error).mean())}


def errors_of(evaluation: Evaluation) -> dict[str, Errors]:
    """mse, rmse and mae of every method of an evaluation, the model's first."""
    table = evaluation.scores.table
    return {name: {key: table[name][key] for key in ("mse", "rmse", "mae")} for name in evaluation.scores.methods}


def strict(value: float) -> float | None:
    """A number for JSON: null where it is undefined."""
    return value if math.isfinite(value) else None


def digits(value: float) -> str:
    """Enough digits to compare, none to drown in."""
    if not math.isfinite(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2f}" if abs(value) >= 10 else f"{value:.3g}"
