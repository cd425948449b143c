"""What each covariate contributes, as a table with bars, and what that does not mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatecast.backtesting.importance import MEANING, Contribution
from gatecast.report.markup import escape, paragraph, section

if TYPE_CHECKING:
    from gatecast.workflow import ForecastResult

__all__ = ["contributions"]


def contributions(result: ForecastResult) -> str:
    """The section; nothing where nobody asked for it, or there is nothing to say."""
    if result.importance is None:
        return ""
    found = result.importance
    most = max(*(one.spread[1] for one in found.contributions), 0.0) or 1.0
    rows = "\n".join(_row(one, most) for one in found.contributions)
    table = (
        '<div class="scroll" tabindex="0" role="region" aria-label="Contributions of the covariates">\n'
        '<table class="contributions" aria-label="Contributions of the covariates"><tbody>\n'
        f"{rows}\n</tbody></table></div>"
    )
    return section("covariates", "What the covariates contribute", paragraph(found.method), table, paragraph(MEANING))


def _row(one: Contribution, most: float) -> str:
    """Name, bar with its spread, figures."""
    low, high = (100 * min(max(end, 0.0), most) / most for end in one.spread)
    wide = 100 * min(max(one.mean, 0.0), most) / most
    bar = (
        f'<span class="bar"><span class="mean" style="width:{wide:.1f}%"></span>'
        f'<span class="spread" style="left:{low:.1f}%;width:{max(high - low, 0.0):.1f}%"></span></span>'
    )
    said = escape(str(one).removeprefix(f"{one.covariate}: "))
    return f'<tr><th scope="row">{escape(one.covariate)}</th><td aria-hidden="true">{bar}</td><td>{said}</td></tr>'
