"""The page: its order, its head, and the file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gatecast.report.accuracy import by_origin, by_series, by_step
from gatecast.report.document import document, own_text, write_page
from gatecast.report.fans import fans, picked
from gatecast.report.gate import gate
from gatecast.report.intervals import intervals
from gatecast.report.library import plotly_javascript, require_report_library
from gatecast.report.markup import Figure, data_script, escape, figure, paragraph, section
from gatecast.report.memory import memory
from gatecast.report.summary import description, glossary, score_table, tiles, title, verdict
from gatecast.report.training import chosen, curves, settings

if TYPE_CHECKING:
    from gatecast.backtesting.backtest import Backtest

__all__ = ["write_report"]

CONTENTS = {
    "scores": "Scores", "forecasts": "Forecasts", "errors": "Errors", "intervals": "Intervals", "memory": "Memory",
    "model": "Model",
}  # fmt: skip


def write_report(result: Backtest, path: str | os.PathLike[str]) -> None:
    """Write a backtest as one self-contained HTML page, which makes no request and needs no other file.

    Args:
        result: what ``backtest`` returned.
        path: the file, such as "report.html"; an existing one is replaced.

    Raises:
        ConfigError: plotly is missing, or the file cannot be written.
    """
    require_report_library()
    write_page(_page(result), path)


def _page(result: Backtest) -> str:
    """The whole page as text."""
    figures: list[Figure] = []

    def shown(*drawn: Figure | None) -> str:
        here = [one for one in drawn if one is not None]
        figures.extend(here)
        return "\n".join(figure(one) for one in here)

    picks = picked(result)
    middle = picks[0] if len(picks) < 3 else picks[1]
    sections = {
        "scores": score_table(result),
        "forecasts": shown(*fans(result, picks)),
        "errors": "\n".join(filter(None, (shown(by_step(result), by_origin(result)), by_series(result)))),
        "intervals": shown(*intervals(result)),
        "memory": shown(gate(result, middle), memory(result, middle)),
        "model": "\n".join([chosen(result), shown(curves(result)), settings(result)]),
    }
    kept = {name: body for name, body in sections.items() if body}
    links = "".join(f'<li><a href="#{name}">{CONTENTS[name]}</a></li>' for name in kept)
    parts = [
        f'<header>\n<p class="kind">Backtest of an LSTM forecast</p>\n<h1>{escape(title(result))}</h1>\n'
        f"{paragraph(description(result), 'about')}\n</header>",
        verdict(result),
        tiles(result),
        f'<nav aria-label="On this page"><ul>{links}</ul></nav>',
        *(section(name, TITLES[name], body) for name, body in kept.items()),
        f"<footer>\n{glossary()}\n</footer>",
    ]
    return document(
        title(result), "\n".join(parts),
        data=data_script(figures), scripts=(plotly_javascript(), own_text("gatecast.report", "page.js")),
        skip=("scores", "the scores"),
    )  # fmt: skip


TITLES = {
    "scores": "The LSTM beside the others",
    "forecasts": "What was forecast, and what came",
    "errors": "Where the error is",
    "intervals": "How far the intervals can be trusted",
    "memory": "What the LSTM remembers, and when it lets go",
    "model": "What the model was, and how it was chosen",
}
