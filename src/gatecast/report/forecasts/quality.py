"""How good was it? The scores of earlier forecasts of the same kind, and what they mean, folded away."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gatecast.report.markup import folded, paragraph, section
from gatecast.report.summary import glossary, score_table, tiles, verdict

if TYPE_CHECKING:
    from gatecast.workflow import ForecastResult

__all__ = ["doubt", "quality"]


def doubt(result: ForecastResult) -> str:
    """The first sentence of the verdict, for the top of the page."""
    first = re.split(r"(?<=\.)\s+(?=[A-Z])", result.verdict, maxsplit=1)[0]
    return paragraph(f"How good such forecasts were: {first}", "trust")


def quality(result: ForecastResult) -> str:
    """Verdict, main figures and score table; of a forecast that nothing was held out for, why not."""
    if result.evaluation is None:
        told = paragraph(f"Nothing could be held out, so nothing was checked. {result.problem}")
        return section("quality", "How good was it?", told)
    held = result.evaluation
    origins = held.scores.origins
    count = f"{origins:,} earlier time{'s' if origins > 1 else ''}"
    about = f"The same kind of model forecast from {count}, knowing only what came before, and was scored on what came."
    inner = "\n".join([paragraph(about), verdict(held), tiles(held), score_table(held), glossary()])
    return section("quality", "How good was it?", folded("Scores and verdict on held-out data", inner))
