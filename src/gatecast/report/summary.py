"""The top of the page: the verdict, the figures that matter most, the table of scores, and the words used."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gatecast.evaluation.layout import METRIC_TITLES, decimals, percent
from gatecast.evaluation.measures import level_key
from gatecast.report.markup import Row, escape, folded, paragraph, table

if TYPE_CHECKING:
    from gatecast.backtesting.backtest import Backtest
    from gatecast.backtesting.result import Evaluation
    from gatecast.evaluation.scores import Scores

__all__ = ["description", "glossary", "score_table", "tiles", "title", "verdict"]

WORDS = {
    "Origin": "The last step that a forecast may know. Rolling origins: the same forecast made again and again, later "
    "each time.",
    "MASE": "Mean absolute error over that of the seasonal naive forecast on the training data (without a season: of "
    "repeating the last value); below 1 is better than that.",
    "sMAPE": "Absolute error over the mean size of truth and forecast, in percent, 0 to 200.",
    "Coverage": "The share of truths inside an interval. A good 80 % interval covers 80 %.",
    "MSIS": "Width of an interval plus a penalty for each truth outside, scaled as MASE is; lower is better.",
    "Skill": "The share of another method's error that the LSTM saves; below zero it is worse.",
    "Naive forecasts": "Forecasts that cost nothing: the last value, the value one season before, the mean, the "
    "straight line.",
    "p": "How likely so large a difference would be if both methods were equally good (paired test over origins and "
    "series).",
}


def title(result: Backtest) -> str:
    """What was forecast, and how far."""
    scores, targets = result.scores, result.evaluation.panel.targets
    named = ", ".join(targets[:3]) + (f" and {len(targets) - 3} more" if len(targets) > 3 else "")
    return f"{named}: {scores.horizon:,} {result.evaluation.panel.frequency.plural(scores.horizon)} ahead"


def description(result: Backtest) -> str:
    """One line: the data, the origins, and the notes of the backtest."""
    unit = result.evaluation.panel.frequency
    stride = f", {result.stride} {unit.plural(result.stride)} apart" if result.origins > 1 else ""
    origins = f"{result.origins} origin{'s' if result.origins > 1 else ''} per series{stride}"
    trained = "trained once, before the first"
    if result.refit:
        trained = (
            "trained anew at each"
            if result.refit is True or result.refit == 1
            else f"trained anew every {result.refit} origins"
        )
    return " ".join([f"{result.evaluation.panel.describe()} · {origins}, {trained}.", *result.notes])


def verdict(result: Backtest | Evaluation) -> str:
    """The verdict: its first sentence large, coloured by outcome; what looks wrong as a list."""
    scores = result.scores
    said = scores.verdict.removesuffix(" ".join(scores.symptoms)).strip()
    wrong = scores.symptoms if said != scores.verdict else ()
    first, *rest = re.split(r"(?<=\.)\s+(?=[A-Z])", said, maxsplit=1)
    items = "".join(f"<li>{escape(text)}</li>" for text in wrong)
    listed = f"<h3>What looks wrong, and what to try</h3>\n<ul>{items}</ul>" if items else ""
    return (
        f'<section id="verdict" class="verdict {scores.outcome}" aria-labelledby="verdict-title">\n'
        f'<h2 id="verdict-title">Verdict</h2>\n{paragraph(first, "lead")}\n{paragraph(" ".join(rest))}\n{listed}'
        "</section>"
    )


def tiles(result: Backtest | Evaluation) -> str:
    """A few figures in large type."""
    scores = result.scores
    row, metric = scores.table[scores.model], scores.headline
    shown = [(METRIC_TITLES[metric], _number(row[metric], metric), "the LSTM's error; lower is better")]
    if scores.baselines:
        skill = scores.skill[scores.baselines[0]].get(metric, math.nan)
        shown.append(("Skill", _signed(skill), f"against {scores.title(scores.baselines[0])}, the best naive forecast"))
    for level in scores.levels:
        held = row.get(f"coverage_{level_key(level)}", math.nan)
        shown.append(
            (
                f"{level_key(level)} % interval",
                "-" if math.isnan(held) else f"{100 * held:.0f} %",
                "of the truths inside",
            )
        )
    items = "".join(
        f"<div><dt>{escape(name)}</dt><dd><b>{escape(value)}</b> <span>{escape(words)}</span></dd></div>"
        for name, value, words in shown
    )
    return f'<dl class="tiles">{items}</dl>'


def score_table(result: Backtest | Evaluation) -> str:
    """All methods: errors, coverage, the LSTM's skill against each, with the best of each column in bold."""
    scores = result.scores
    metrics = [
        m
        for m in _metrics(scores)
        if any(math.isfinite(scores.table[name].get(m, math.nan)) for name in scores.methods)
    ]
    covers = [f"coverage_{level_key(level)}" for level in scores.levels]
    columns = [*metrics, *covers, *(f"msis_{level_key(level)}" for level in scores.levels[-1:])]
    best = {column: _best(scores, column) for column in columns}
    places = {m: decimals([scores.table[name].get(m, math.nan) for name in scores.methods], m) for m in columns}
    rows = []
    for name in scores.methods:
        row = scores.table[name]
        cells = [_cell(row.get(column, math.nan), column, places[column]) for column in columns]
        cells += [_skill(scores, name), _p(scores, name)]
        if scores.seconds:
            cells.append(f"{scores.seconds[name]:,.1f}" if name in scores.seconds else "")
        bold = frozenset(k for k, column in enumerate(columns) if name in best[column])
        rows.append(Row(scores.title(name), cells, bold, _kind(scores, name)))
    heads = [
        "method",
        *(_head(column) for column in columns),
        "LSTM's skill",
        "p",
        *(["seconds"] if scores.seconds else []),
    ]
    counts = scores.counts
    caption = f"Scores over {counts['points']:,} points; the best of each column is bold."
    if counts["missing"] or counts["no_history"]:
        caption += (
            f" {counts['missing'] + counts['no_history']:,} points without truth or history are left out for all."
        )
    return table(heads, rows, caption, "scores")


def glossary() -> str:
    """The words of the page."""
    items = "".join(f"<dt>{escape(word)}</dt><dd>{escape(text)}</dd>" for word, text in WORDS.items())
    return folded("The words on this page", f"<dl>{items}</dl>")


# ---------------------------------------------------------------- inside


def _metrics(scores: Scores) -> Sequence[str]:
    """The relative errors, and the absolute one where it means something: for one series, or where it ranks."""
    single = scores.series == 1 or scores.headline == "mae"
    return ("mase", "smape", *(("mae",) if single else ()), "owa")


def _head(column: str) -> str:
    kind, _, level = column.partition("_")
    if kind == "coverage":
        return f"{level} % covers"
    return f"MSIS {level} %" if kind == "msis" else METRIC_TITLES[column]


def _cell(value: float, column: str, places: int) -> str:
    if math.isnan(value):
        return ""
    return f"{100 * value:.0f} %" if column.startswith("coverage") else f"{value:,.{places}f}"


def _best(scores: Scores, column: str) -> set[str]:
    """The methods with the least score, or with the coverage nearest to nominal, as they are shown."""
    nominal = float(column.partition("_")[2]) if column.startswith("coverage") else 0.0
    factor = 100 if nominal else 1
    values = {n: scores.table[n].get(column, math.nan) for n in scores.methods if n not in scores.references}
    away = {
        n: abs(round(factor * value, 0 if nominal else 6) - nominal)
        for n, value in values.items()
        if math.isfinite(value)
    }
    return {n for n, distance in away.items() if distance == min(away.values())}


def _kind(scores: Scores, name: str) -> str:
    return "model" if name == scores.model else "rival" if name in scores.rivals else "naive"


def _skill(scores: Scores, name: str) -> str:
    if name == scores.model or name in scores.references:
        return ""
    ours, theirs = (scores.table[key][scores.headline] for key in (scores.model, name))
    return _signed(1 - ours / theirs) if theirs > 0 and math.isfinite(ours) else ""


def _p(scores: Scores, name: str) -> str:
    test = scores.significance.get(name)
    if test is None or math.isnan(test.p_value):
        return ""
    return "< 0.001" if test.p_value < 0.001 else f"{test.p_value:.{3 if test.p_value < 0.0995 else 2}f}"


def _signed(share: float) -> str:
    if math.isnan(share):
        return "-"
    return f"{'+' if share > 0 else '−' if share < 0 else ''}{percent(abs(share))}"


def _number(value: float, metric: str) -> str:
    return "-" if math.isnan(value) else f"{value:,.{decimals([value], metric)}f}"
