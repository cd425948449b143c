"""A forecast as one HTML page without any request: the answer first, then chart, table, what-if, how good it was.

ForecastResult  ->  shown (which series)  ->  totals, sentences, alternatives  ->  one file: HTML, CSS, data, chart.js
"""

from __future__ import annotations

from gatecast.report.forecasts.page import write_forecast_page

__all__ = ["write_forecast_page"]
