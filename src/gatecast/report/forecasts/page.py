"""The page of a forecast: its order, its words, and the file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

import gatecast
from gatecast.data.tables.future import observed_part
from gatecast.evaluation.layout import percent
from gatecast.forecasts.digits import digits_of
from gatecast.report.chart import chart_script, chart_style
from gatecast.report.document import document, own_text, write_page
from gatecast.report.forecasts.alternatives import alternatives
from gatecast.report.forecasts.content import Content, page_data, spreadsheet
from gatecast.report.forecasts.contributions import contributions
from gatecast.report.forecasts.quality import doubt, quality
from gatecast.report.forecasts.sentences import of_all, of_series, span_of
from gatecast.report.forecasts.shown import shown_of
from gatecast.report.forecasts.totals import COVERAGE, totals
from gatecast.report.markup import data_element, escape, paragraph, section

if TYPE_CHECKING:
    from gatecast.workflow import ForecastResult

__all__ = ["write_forecast_page"]

MOST_BYTES = 1_000_000
MOST_TARGETS = 3  # with a sentence of their own at the top


def write_forecast_page(result: ForecastResult, path: str | os.PathLike[str], command: str = "") -> None:
    """Write a forecast as one self-contained HTML page under 1 MB, which makes no request and needs no other file.

    Only one series with tens of thousands of steps ahead can take more.

    Args:
        result: what ``forecast`` returned.
        path: the file, such as "forecast.html"; an existing one is replaced.
        command: what made it, as it was typed; "" = the settings of the model in its place.

    Raises:
        ConfigError: the file cannot be written.
    """
    shown = shown_of(result)
    content = Content(result, shown, totals(result, shown), alternatives(result, shown))
    text = _page(content, command)
    while len(text.encode("utf-8", "replace")) > MOST_BYTES and len(content.shown.forecast) > 1:
        content = content.first(len(content.shown.forecast) // 2)
        text = _page(content, command)
    write_page(text, path)


def _page(content: Content, command: str) -> str:
    made = content.result.forecast
    heading = f"{', '.join(made.targets[:MOST_TARGETS])}: {made.horizon:,} {made.frequency.plural(made.horizon)} ahead"
    parts = [
        f'<header>\n<p class="kind">Forecast</p>\n<h1>{escape(heading)}</h1>\n'
        f"{paragraph(f'{observed_part(content.result.panel).describe()}.', 'about')}\n</header>",
        _answer(content),
        section("chart", "What is to come", _picker(content), _CHART, _what_if(content)),
        _series_table(content),
        section("values", "The numbers", _downloads(content), _TABLE),
        contributions(content.result),
        quality(content.result),
        section("origin", "How it was made", _origin(content.result, command)),
    ]
    return document(
        heading, "\n".join(filter(None, parts)),
        data=data_element("forecast-data", page_data(content)),
        scripts=(chart_script(), own_text(__package__, "forecast.js")),
        styles=(chart_style(), own_text(__package__, "forecast.css")),
        skip=("values", "the numbers"),
    )  # fmt: skip


# ---------------------------------------------------------------- parts


def _answer(content: Content) -> str:
    """One sentence for who reads no further; then how sure it is, and how good such forecasts were."""
    made, sums = content.result.forecast, content.sums
    said = []
    for c in range(min(len(made.targets), MOST_TARGETS)):
        whole = of_all(made, sums, c) if len(made) > 1 else of_series(content.shown, sums, 0, c)
        said.append(whole or _many(content, c))
    first, _, rest = said[0].partition(". ")
    lines = [paragraph(f"{first.removesuffix('.')}.", "lead"), paragraph(rest), *(paragraph(text) for text in said[1:])]
    if len(made) > 1 and any(sums.summed_C):
        lines.append(
            paragraph("The sum of all series has no interval: how their errors go together is not known.", "aside")
        )
    elif sums.no_interval:
        lines.append(paragraph(f"No interval: {sums.no_interval}.", "aside"))
    lines.append(doubt(content.result))
    inner = "\n".join(filter(None, lines))
    return f'<section id="answer" class="verdict answer" aria-label="The answer">\n{inner}\n</section>'


def _many(content: Content, c: int) -> str:
    """Of several series whose sum says nothing: how many go up and down."""
    made, sums = content.result.forecast, content.sums
    now_N, before_N = sums.now_NC[:, c], sums.before_NC[:, c]
    told_N = np.isfinite(before_N)
    said = f"{made.targets[c]}: {len(made):,} series over {span_of(made)}"
    if not told_N.any():
        return f"{said}."
    up = int((now_N > before_N)[told_N].sum())
    return f"{said}: {up:,} of {int(told_N.sum()):,} are on average higher than {sums.earlier}."


def _picker(content: Content) -> str:
    """A list of the series, and of the targets where there are several; the script fills it."""
    made = content.shown.forecast
    lists = []
    if content.shown.whole > 1:
        lists.append('<label>Series <select id="series"></select></label>')
    if len(made.targets) > 1:
        lists.append('<label>Target <select id="target"></select></label>')
    if not lists:
        return ""
    return f'<div class="picker">{"".join(lists)}</div>\n{paragraph(content.shown.words, "caption")}'


_CHART = """<p id="said" class="finding" aria-live="polite"></p>
<figure class="drawing"><div id="plot"></div>
<figcaption><span id="reading"></span> <span class="pointing">Point at the chart, or use the arrow keys, to
read the values.</span></figcaption>
</figure>
<p id="far-box" class="far" hidden><label><input type="checkbox" id="far"> More of the history</label></p>
<noscript><p>The chart and the numbers are drawn by a script of this file, which this viewer does not run. Open the
file in a browser.</p></noscript>"""


def _what_if(content: Content) -> str:
    """The list of alternatives; nothing where the model knows no future covariate."""
    if not content.alternatives:
        return ""
    return (
        '<div class="what-if" id="what-if"><h3>What if?</h3>\n'
        '<label>Over the whole horizon <select id="alternative"></select></label>\n'
        '<p id="what-said" class="finding" aria-live="polite"></p>\n'
        f"{paragraph(_WHAT_IT_IS, 'caption')}\n</div>"
    )


_WHAT_IT_IS = (
    "What the model makes of another value in every step, all else as it was given. It learned what went together in "
    "the past; that is no proof that changing the one changes the other."
)


def _series_table(content: Content) -> str:
    """Totals of the series shown, the largest first; each row chooses its series."""
    shown, sums = content.shown, content.sums
    if shown.whole == 1:
        return ""
    parts = []
    for c, target in enumerate(shown.forecast.targets):
        what = "Total" if sums.summed_C[c] else "Average"
        heads = [what, f"{percent(COVERAGE)} interval", _ago(content), "change"]
        top = "".join(f'<th scope="col">{escape(head)}</th>' for head in ("series", *heads))
        rows = "\n".join(_row(content, k, c) for k in range(len(shown.forecast)))
        name = escape(f"{target}: {what.lower()} over {span_of(shown.forecast)}, by series")
        parts.append(
            f'<p class="caption">{name}</p><div class="scroll tall" tabindex="0" role="region" aria-label="{name}">\n'
            f'<table class="totals" aria-label="{name}"><thead><tr>{top}</tr></thead><tbody>\n{rows}\n</tbody>'
            "</table></div>"
        )
    return section("series-table", "Series by series", *parts)


def _ago(content: Content) -> str:
    """The earlier span as a heading: "a year before", "8 weeks before"."""
    made = content.result.forecast
    span = f"{made.horizon:,} {made.frequency.plural(made.horizon)}" if made.horizon > 1 else made.frequency.plural(1)
    return content.sums.earlier.removeprefix("in the ").removeprefix(f"same {span} ") or "before"


def _row(content: Content, k: int, c: int) -> str:
    shown, sums = content.shown, content.sums
    n = int(shown.place_K[k])
    now, before = float(sums.now_NC[n, c]), float(sums.before_NC[n, c])
    low, high = float(sums.low_KC[k, c]), float(sums.high_KC[k, c])
    digits = digits_of(shown.forecast.values_NHCQ[k, :, c].astype(np.float64))
    cells = [
        f"{now:,.{digits}f}",
        f"{low:,.{digits}f} to {high:,.{digits}f}" if np.isfinite(low) else "-",
        f"{before:,.{digits}f}" if np.isfinite(before) else "-",
        _signed(now, before),
    ]
    head = f'<button type="button" data-pick="{k}" data-measure="{c}">{escape(shown.forecast.ids[k])}</button>'
    return f'<tr><th scope="row">{head}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>'


def _signed(now: float, before: float) -> str:
    if not np.isfinite(before) or before <= 0:
        return "-"
    share = now / before - 1
    if abs(share) < 0.0005:
        return "0 %"
    return f"{'+' if share > 0 else '−' if share < 0 else ''}{percent(abs(share))}"


def _downloads(content: Content) -> str:
    sheet = spreadsheet(content.result.forecast)
    which = "" if len(content.shown.forecast) == content.shown.whole else f" ({len(content.shown.forecast):,} series)"
    buttons = [
        '<button type="button" id="copy">Copy this table</button>',
        f'<button type="button" id="csv">Save CSV{which}</button>',
    ]
    if sheet:
        buttons.append(f'<a class="button" id="xlsx" download="forecast.xlsx" href="{sheet}">Save XLSX</a>')
    return f'<p class="buttons">{"".join(buttons)}<span id="done" role="status"></span></p>'


_TABLE = (
    '<p class="caption" id="table-name"></p>\n'
    '<div class="scroll" tabindex="0" role="region" aria-labelledby="table-name"><table id="table" '
    'aria-labelledby="table-name"><thead></thead><tbody></tbody></table></div>'
)


def _used(result: ForecastResult) -> str:
    """What forecast in place of the model."""
    if result.used.is_model:
        return ""
    reason = f" ({result.used.reason})" if result.used.reason else ""
    return f"The forecast is by {result.used.title}{reason}."


def _origin(result: ForecastResult, command: str) -> str:
    untrained = result.model.fitted_.blend.untrained
    trained = "Nothing was trained." if untrained else f"Trained in {result.seconds:,.1f} s."
    how = command or repr(result.model).strip("<>")
    guarded = ""
    if result.forecast.guarded:
        count = len(result.forecast.guarded)
        guarded = (
            f"In {count:,} of {len(result.forecast):,} series an implausible forecast of a trained network was "
            "replaced by that of the pretrained gate."
        )
    return "\n".join(
        [
            f'<div class="scroll"><pre id="command">{escape(how)}</pre></div>',
            paragraph(_used(result)),
            paragraph(f"{result.model.fitted_.describe()}. {trained}"),
            paragraph(guarded),
            paragraph(f"gatecast {gatecast.__version__}", "caption"),
        ]
    )
