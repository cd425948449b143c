"""A backtest as one self-contained HTML page: the verdict first, then what it rests on.

    Backtest  ->  sections (words, tables, figures as plain data)  ->  one file: HTML, CSS, data, plotly.js

Each section has a module of its own and returns HTML; ``page`` puts them together. The page of a forecast has a folder
of its own (``forecasts``), and charts that need no library (``chart``).
"""

from __future__ import annotations

from gatecast.report.forecasts import write_forecast_page
from gatecast.report.library import require_report_library
from gatecast.report.page import write_report

__all__ = ["require_report_library", "write_forecast_page", "write_report"]
