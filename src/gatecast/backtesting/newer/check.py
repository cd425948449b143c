"""Is a model still what it was? Its age, error, coverage and drift on what came after its training.

training of the model ───────┤
the table             ───────┼────────── new ─────────│
                             │ forecasts from rolling origins: error beside the naive ones, coverage
                             │ rows one after the other:       drift
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from gatecast.backtesting.assess import evaluate
from gatecast.backtesting.given import require_model
from gatecast.backtesting.newer.unseen import Unseen, unseen_of
from gatecast.backtesting.result import Evaluation
from gatecast.data.panel import Panel
from gatecast.data.tables.future import observed_part
from gatecast.errors import WindowError
from gatecast.evaluation.layout import METRIC_TITLES, decimals
from gatecast.evaluation.student import two_sided_p
from gatecast.live.drift import Drift
from gatecast.live.live import Live

if TYPE_CHECKING:
    from gatecast.ensemble.fitted import Fitted
    from gatecast.forecaster import Forecaster

__all__ = ["Check", "Finding", "check"]

Verdict = Literal["fine", "off", "unknown"]

FALSE_ALARMS = 0.01  # of each finding
ORIGINS = 12  # at most
FEWEST_WINDOWS = 8  # that coverage is judged by
MOST_ROWS = 10_000  # that drift is looked for in: each is forecast from the row before
GROWN, FEWEST_ERRORS, MOST_SEEN = 1.5, 3, 24  # of errors: the growth that matters; windows to judge it by
PROMISED = 100  # errors that the calibration stands for: a file holds none that were held back
OLD = 0.5  # new steps, in lengths of the training


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Args:
        name: "age", "error", "coverage" or "drift".
        verdict: "fine", "off", or "unknown" where there is too little to say.
        words: what was found, in a line.
        figures: numbers by name.
    """

    name: str
    verdict: Verdict
    words: str
    figures: dict[str, float]


@dataclass(frozen=True, eq=False)
class Check:
    """What was found about a model on newer data.

    Args:
        findings: age, error, coverage, drift.
        left_out: what could not be scored, in words; "" for nothing.
        evaluation: the scores, where there is a horizon of new steps.
        drift: the test for drift, where rows could be followed.
    """

    findings: tuple[Finding, ...]
    left_out: str = ""
    evaluation: Evaluation | None = None
    drift: Drift | None = None

    @property
    def verdict(self) -> Verdict:
        """Off where any finding is; fine where any is known and none is off; else unknown."""
        found = {finding.verdict for finding in self.findings if finding.name != "age" or finding.verdict == "off"}
        return "off" if "off" in found else "fine" if "fine" in found else "unknown"

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        found = {f.name: {"verdict": f.verdict, "text": f.words, **f.figures} for f in self.findings}
        return {"verdict": self.verdict, **found, "left_out": self.left_out or None}

    def __str__(self) -> str:
        return "\n".join(f"{f.name:<9}{f.verdict:<8} {f.words}" for f in self.findings)


def check(model: Forecaster, data: Any) -> Check:
    """Look at a fitted model on newer data: how old it is, its error, coverage and drift on what it has not seen.

    Args:
        model: fitted, or loaded from a file.
        data: a Panel, or what ``gatecast.read`` takes: the history and what came after the training.

    Raises:
        PanelError, ConfigError: the data do not have the columns of the training, or the model is not fitted.

    >>> import gatecast as gc
    >>> panel = gc.load_example("airline")
    >>> model = gc.Forecaster(6, preset="instant").fit(panel.split(horizon=24)[0])
    >>> gc.check(model, panel).verdict
    'fine'
    """
    require_model(model, "check")
    panel = observed_part(model.panel_of(data))
    model.fitted_.require_same_columns(panel)
    new_N = model.fitted_.new_steps(panel)
    age = _age(model.fitted_, panel, new_N)
    try:
        part = unseen_of(model, panel, new_N, ORIGINS)
    except WindowError as error:
        nothing = [Finding(name, "unknown", str(error), {}) for name in ("error", "coverage")]
        drift, found = _drift(model, panel, new_N)
        return Check((age, *nothing, drift), drift=found)
    scored = evaluate(model, part.panel, origins=part.origins)
    drift, found = _drift(model, panel, new_N)
    return Check((age, _error(model, scored, part), _coverage(scored), drift), part.left_out, scored, found)


def _age(fitted: Fitted, panel: Panel, new_N: np.ndarray) -> Finding:
    """How much is new, beside what training saw of a typical series."""
    known = fitted.trained_until()
    unknown = sum(name not in known for name in panel.ids)
    seen_N = np.array([name in known for name in panel.ids])
    new = int(np.median(new_N[seen_N])) if seen_N.any() else 0
    trained = fitted.record.steps / max(fitted.record.series, 1)
    unit = panel.frequency.plural
    told = f"trained until {fitted.birth.describe(panel.frequency)}"
    told += f"; {new:,} {unit(new)} came since" if new else "; nothing came since"
    if unknown:
        told += f"; {unknown:,} of {len(panel):,} series are new to it"
    off = new > OLD * trained
    if off:
        told += f", on {trained:,.0f} that it has seen"
    return Finding("age", "off" if off else "fine", f"{told}.", {"new_steps": float(new), "unknown": float(unknown)})


def _error(model: Forecaster, scored: Evaluation, part: Unseen) -> Finding:
    """Worse than the best naive forecast, or than it was on the end of what training saw."""
    scores = scored.scores
    metric, best = scores.headline, scores.baselines[0]
    ours, theirs = scores.table[scores.model][metric], scores.table[best][metric]
    shown = f".{decimals([ours, theirs])}f"
    words = (
        f"{METRIC_TITLES[metric]} {format(ours, shown)}, {scores.title(best)} {format(theirs, shown)}: "
        f"{scores.outcome}. {part.words[0].upper()}{part.words[1:]}."
    )
    figures = {metric: ours, f"{metric}_naive": theirs}
    growth = _growth(scored, _in_training(model, part))
    if growth is not None:
        figures["growth"] = growth[0]
        words += f" It errs {growth[0]:.2g} times as much as at the end of its training"
        words += f" (p {growth[1]:.2g})." if growth[1] < FALSE_ALARMS else ", which may be chance."
    grown = growth is not None and growth[0] > GROWN and growth[1] < FALSE_ALARMS
    return Finding("error", "off" if grown or scores.outcome == "worse" else "fine", words, figures)


def _in_training(model: Forecaster, part: Unseen) -> Evaluation | None:
    """How the model fits the end of what training saw; None where that is too short."""
    seen = part.panel.slice(0, part.panel.length - part.new_N)
    long = seen.drop_short(model.horizon + max(model.fitted_.least_history, 2))
    if not len(long):
        return None
    room = (int(long.length.min()) - max(model.fitted_.least_history, 2)) // model.horizon
    return evaluate(model, long, origins=int(np.clip(room, 1, MOST_SEEN)), in_sample=True)


def _growth(new: Evaluation, old: Evaluation | None) -> tuple[float, float] | None:
    """Ratio of geometric mean errors, and its p-value (Welch's test on the logarithms of the windows' errors)."""
    if old is None or new.scores.headline != old.scores.headline:
        return None
    logs = []
    for one in (new, old):
        error_B = one.scores.per_window[one.scores.model]
        logs.append(np.log(error_B[np.isfinite(error_B) & (error_B > 0)]))
    if min(len(part) for part in logs) < FEWEST_ERRORS:
        return None
    spread = [float(part.var(ddof=1)) / len(part) for part in logs]
    difference = float(logs[0].mean() - logs[1].mean())
    if not sum(spread) > 0:
        return None
    freedom = sum(spread) ** 2 / sum(s**2 / (len(part) - 1) for s, part in zip(spread, logs, strict=True))
    return math.exp(difference), two_sided_p(difference / math.sqrt(sum(spread)), freedom)


def _coverage(scored: Evaluation) -> Finding:
    """What share of the truths the intervals cover; off where that is no chance."""
    scores, figures, off = scored.scores, dict[str, float](), False
    windows = len(scored.series_B)
    for level in scores.levels:
        found_B = scores.window_scores(scores.model, f"coverage_{100 * level:g}")
        found_B = found_B[np.isfinite(found_B)]
        if not len(found_B):
            continue
        share = float(found_B.mean())
        # windows hold several steps that err together: each counts once, and at least as a coin of that chance would
        spread = max(float(found_B.std()), math.sqrt(level * (1 - level))) / math.sqrt(len(found_B))
        figures[f"coverage_{100 * level:g}"] = share
        off = off or abs(share - level) > 2.58 * spread
    told = ", ".join(f"{name.removeprefix('coverage_')} % cover {100 * share:.0f} %" for name, share in figures.items())
    if not figures:
        return Finding("coverage", "unknown", "the model gives no intervals.", {})
    if windows < FEWEST_WINDOWS:
        return Finding("coverage", "unknown", f"{told}; {windows} forecasts are too few to judge.", figures)
    return Finding("coverage", "off" if off else "fine", f"{told} ({windows:,} forecasts).", figures)


def _drift(model: Forecaster, panel: Panel, new_N: np.ndarray) -> tuple[Finding, Drift | None]:
    """Follow the new rows of series that the model knows, and ask whether their errors changed."""
    followed = _followed(model.fitted_, panel, new_N)
    if followed is None:
        return Finding("drift", "unknown", "no series that it knows has a history and new rows.", {}), None
    seen, new, told = followed
    live = Live.after(model.fitted_, seen, promised=PROMISED)
    live.observe(new)
    drift = live.drift(FALSE_ALARMS)
    verdict: Verdict = "off" if drift.alarm else "fine"
    return Finding("drift", verdict, f"{drift}{told}.", {"p_value": drift.p_value, "rows": float(drift.rows)}), drift


def _followed(fitted: Fitted, panel: Panel, new_N: np.ndarray) -> tuple[Panel, Panel, str] | None:
    """What training saw and what came after it, of as many series as there is time for; and a word on the others."""
    kept = np.flatnonzero((new_N > 0) & (panel.length - new_N >= fitted.least_history))
    if not len(kept):
        return None
    most = max(int(MOST_ROWS / new_N[kept].mean()), 1)
    told = f", of {most:,} of {len(kept):,} series" if most < len(kept) else ""
    chosen = kept[np.linspace(0, len(kept) - 1, min(most, len(kept))).astype(np.int64)]
    part = panel.select(chosen)
    cut_N = part.length - np.minimum(new_N[chosen], MOST_ROWS)
    return part.slice(0, cut_N), part.slice(cut_N, part.length), told
