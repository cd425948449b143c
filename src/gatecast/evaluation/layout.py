"""The score table as text, 80 columns wide unless another width is asked for."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gatecast.data.html import html_table
from gatecast.evaluation.measures import level_key

if TYPE_CHECKING:
    from gatecast.evaluation.scores import Scores

__all__ = ["METRIC_TITLES", "decimals", "percent", "score_html", "score_parts", "score_table"]

WIDTH = 80

METRIC_TITLES = {"mase": "MASE", "smape": "sMAPE", "mae": "MAE", "rmse": "RMSE", "owa": "OWA"}

# The fewest decimals and the fewest significant digits that the smallest score of a column is shown with.
_DIGITS = {"mase": (2, 2), "smape": (1, 2), "owa": (3, 3)}


def score_table(scores: Scores) -> str:
    """Print the methods below each other, then what was left out, then the verdict."""
    table, *words = score_parts(scores)
    wrapped = [line for text in words for line in textwrap.wrap(text, WIDTH, break_long_words=False)]
    return "\n".join([table, *wrapped])


def score_parts(scores: Scores, width: int = WIDTH) -> list[str]:
    """The table, a sentence on each kind of points that was left out, the verdict.

    Args:
        scores: what is shown.
        width: letters of a line; the columns that say least are left out for it.
    """
    columns = [("", [scores.title(name) for name in scores.methods]), *_columns(scores)]
    # The relative errors say most; what does not fit in the line goes, the absolute ones first.
    covers = [_covers(level) for level in scores.levels]
    for droppable in ("MAE", "RMSE", "seconds", "sMAPE", *covers[:0:-1]):
        if _width(columns) > width:
            columns = [column for column in columns if column[0] != droppable]
    lines = [_line(row, columns) for row in (None, *range(len(scores.methods)))]
    return ["\n".join(lines), *_left_out(scores.counts), scores.verdict]


def score_html(scores: Scores, notes: Sequence[str] = ()) -> str:
    """The same for notebooks, with all columns."""
    columns = {"method": [scores.title(name) for name in scores.methods], **dict(_columns(scores))}
    return html_table("Scores", columns, [*_left_out(scores.counts), scores.verdict, *notes])


def decimals(values: Sequence[float], metric: str = "") -> int:
    """Choose the number of decimals that shows the smallest of the scores well.

    >>> decimals([48.5, 102.98]), decimals([0.61, 2.5], "mase"), decimals([25_766.0])
    (1, 2, 0)
    """
    least, digits = _DIGITS.get(metric, (0, 3))
    sizes = [abs(value) for value in values if math.isfinite(value) and value != 0]
    if not sizes:
        return least
    return min(max(least, digits - 1 - math.floor(math.log10(min(sizes)))), 6)


def percent(share: float) -> str:
    """Write a share in percent, with a decimal where it is small.

    >>> percent(0.61), percent(0.052), percent(0.9999)
    ('61 %', '5.2 %', 'more than 99 %')
    """
    if 0.995 <= share < 1:
        return "more than 99 %"
    rounded = round(100 * share, 1 if abs(share) < 0.0995 else 0) + 0.0  # -0.0 would show its sign
    return f"{rounded:,.{1 if abs(share) < 0.0995 else 0}f} %"


def _columns(scores: Scores) -> list[tuple[str, list[str]]]:
    table, methods = scores.table, scores.methods
    columns = []
    for metric, title in METRIC_TITLES.items():
        values = [table[name].get(metric, math.nan) for name in methods]
        if any(math.isfinite(value) for value in values):
            columns.append((title, _cells(values, metric)))
    for level in scores.levels:
        shares = [table[name].get(f"coverage_{level_key(level)}", math.nan) for name in methods]
        columns.append((_covers(level), ["-" if math.isnan(share) else f"{100 * share:.0f} %" for share in shares]))
    if scores.baselines:
        skills = [scores.skill.get(name, {}).get(scores.headline, math.nan) for name in methods]
        columns.append(("skill", ["-" if math.isnan(skill) else percent(skill) for skill in skills]))
    if scores.seconds:
        spent = [scores.seconds.get(name, math.nan) for name in methods]
        columns.append(("seconds", ["-" if math.isnan(t) else f"{t:,.{1 if t < 9.95 else 0}f}" for t in spent]))
    return columns


def _covers(level: float) -> str:
    return f"{level_key(level)} % covers"


def _cells(values: Sequence[float], metric: str) -> list[str]:
    places = decimals(values, metric)
    cells = ["-" if math.isnan(value) else f"{value:,.{places}f}" for value in values]
    if max(map(len, cells)) <= 13:
        return cells
    return ["-" if math.isnan(value) else f"{value:.3g}" for value in values]


def _widths(columns: Sequence[tuple[str, list[str]]]) -> list[int]:
    return [max(map(len, (title, *cells))) for title, cells in columns]


def _width(columns: Sequence[tuple[str, list[str]]]) -> int:
    return sum(_widths(columns)) + 3 * (len(columns) - 1)


def _line(row: int | None, columns: Sequence[tuple[str, list[str]]]) -> str:
    """Write one row, or the heading for None: the name on the left, numbers on the right."""
    texts = [title if row is None else cells[row] for title, cells in columns]
    padded = [text.rjust(width) for text, width in zip(texts, _widths(columns), strict=True)]
    return "   ".join([texts[0].ljust(len(padded[0])), *padded[1:]]).rstrip()


def _left_out(counts: dict[str, int]) -> list[str]:
    total = counts["points"] + counts["missing"] + counts["no_history"]
    reasons = {
        "missing": "have no truth and are left out",
        "no_history": "have no history for a naive forecast and are left out",
        "no_scale": "have no MASE (the history repeats itself, or is too short)",
    }
    return [
        f"{counts[key]:,} of {total:,} points {reason}."
        for key, reason in reasons.items()
        if 0 < counts[key] < total or (key != "no_scale" and counts[key])
    ]
