"""The parts of a screen that several commands show: what was chosen, how training went, the forecast."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from gatecast.cli.printing import Screen, as_option, number_format
from gatecast.data.quantiles import central_pairs
from gatecast.errors import listed
from gatecast.evaluation.blended import blend_lines, blend_reason, blend_title

if TYPE_CHECKING:
    import numpy as np

    from gatecast.backtesting.importance import Importance
    from gatecast.data.panel import Panel
    from gatecast.forecaster import Forecaster
    from gatecast.forecasts.forecast import Forecast

__all__ = ["show_blend", "show_chart", "show_chosen", "show_forecast", "show_importance", "show_model", "show_panel"]

ROWS = 12
TARGETS = 3
BETWEEN = " " * 6
DRAWN = {"axis": "dim", "band": "blue", "forecast": "bold cyan", "history": "", "title": "bold"}
GUARDED = "Implausible forecasts of trained networks are replaced by those of the pretrained gate"
BOUNDED = "Kept in the range of the data, such as not below 0 (--no-bounds leaves forecasts free)"
NOTES = 8  # lines on how a table was read


def show_panel(screen: Screen, panel: Panel) -> None:
    """What was read, and what was not obvious in reading it."""
    screen.wrapped(panel.describe())
    for note in panel.notes[:NOTES]:
        screen.labelled("read", note.worded(as_option))
    if len(panel.notes) > NOTES:
        screen.labelled("read", f"and {len(panel.notes) - NOTES:,} more: gatecast look FILE")


def show_model(screen: Screen, model: Forecaster, seconds: float) -> None:
    """What was chosen, and how training went."""
    from gatecast.workflow import model_facts

    facts = model_facts(model, seconds)
    show_chosen(screen, model)
    if facts["gate"]:
        screen.labelled("gate", f"trusts {facts['gate']}")
    device = "" if facts["device"] == "cpu" else f" on {facts['device']}"
    threads = f"{facts['threads']} thread{'' if facts['threads'] == 1 else 's'}"
    stopped = " · interrupted, the best so far is kept" if facts["interrupted"] else ""
    if model.fitted_.blend.untrained and model.preset != "instant":
        screen.labelled("trained", "nothing: the series are too short; the pretrained gate forecasts them")
    elif model.fitted_.blend.untrained:
        screen.labelled("trained", f"nothing: forecasts of the instant preset come at once ({seconds:.1f} s)")
    else:
        screen.labelled("trained", f"{seconds:.1f} s, {threads}{device}{stopped}")
    _show_unread(screen, model)
    screen.line()


def _show_unread(screen: Screen, model: Forecaster) -> None:
    """Covariates that are in the table and not in the forecast."""
    schema = model.fitted_.schema
    names = [column.name for column in (*schema.past, *schema.future, *schema.static)]
    if names and model.fitted_.blend.untrained:
        remedy = "; --preset fast trains a model that does" if model.preset == "instant" else ""
        screen.labelled("unread", f"{listed(names, 5)}: the pretrained gate reads no covariates{remedy}", 9)


def show_chosen(screen: Screen, model: Forecaster, label: str = "chosen") -> None:
    """The plan in one line; of a blend one line per expert, and why it is one."""
    if not show_blend(screen, model.fitted_.blend.facts(), label):
        screen.labelled(label, model.fitted_.describe())


def show_blend(screen: Screen, blend: dict[str, Any], label: str, indent: int = 9) -> bool:
    """A line for each expert of a blend and one that says why; nothing, and False, for one expert alone."""
    experts = [(expert["weight"], expert["name"]) for expert in blend["experts"]]
    title = blend_title(experts)
    if title:
        screen.labelled(label, title, indent)
        for weight, name in blend_lines(experts):
            screen.labelled(f"  {weight}", name, indent)
        screen.labelled("", blend_reason(blend["errors"], blend["own_weights"]), indent)
    return bool(title)


def show_forecast(screen: Screen, forecast: Forecast, output: Any = None) -> None:
    """The first rows of the first series, more of them beside each other where they fit, and how to get the rest."""
    targets = forecast.targets[:TARGETS]
    rows = min(max(ROWS // len(targets), 4), forecast.horizon)
    stacks, shown = _stacks(forecast, len(targets), rows, screen.width)
    heads = {len(stacks[0]) - (rows + 1) * (c + 1) for c in range(len(targets))}
    for n, parts in enumerate(zip_longest(*stacks, fillvalue="")):
        wide = [part.ljust(max(map(len, stack))) for part, stack in zip(parts, stacks, strict=True)]
        screen.line(BETWEEN.join(wide).rstrip(), "bold" if n in heads else None)
    left = len(forecast) * forecast.horizon * len(forecast.targets) - shown * len(targets)
    if left > 0 and output is None:
        screen.line(f"... {left:,} more value{'' if left == 1 else 's'}: --output FILE")
    if forecast.late:
        newest = forecast.axes.time_label(forecast.origins.max())
        screen.wrapped(
            _told(f"Late series end before {newest}, and their forecasts begin earlier", forecast.late, len(forecast))
        )
    if forecast.guarded:
        screen.wrapped(_told(GUARDED, forecast.guarded, len(forecast)))
    if forecast.bounded:
        screen.wrapped(_told(BOUNDED, forecast.bounded, len(forecast)))


def show_chart(screen: Screen, forecast: Forecast) -> None:
    """The first series as a drawing of the terminal's width, in the characters that it has."""
    from gatecast.forecasts.terminal import text_chart

    screen.line()
    for line in text_chart(forecast, width=screen.width, ascii_only=not screen.shows_braille):
        screen.pieces([(text, DRAWN[kind]) for text, kind in line.pieces])


def show_importance(screen: Screen, importance: Importance | None) -> None:
    """What each covariate contributes, and what that does not mean."""
    screen.line()
    if importance is None:
        screen.wrapped("Nothing to explain: no covariate was read, or nothing could be held out.", "yellow")
        return
    from gatecast.backtesting.importance import MEANING

    screen.wrapped(importance.method)
    wide = max(len(one.covariate) for one in importance.contributions)
    for one in importance.contributions:
        screen.line(f"  {one.covariate:<{wide}}  {str(one).removeprefix(f'{one.covariate}: ')}")
    screen.wrapped(MEANING, "dim")


def _told(what: str, names: tuple[str, ...], count: int) -> str:
    """What was done to forecasts, and to which.

    >>> _told("So it is", ("a", "b", "c", "d"), 20)
    'So it is: 4 of 20 series (a, b, c, ...).'
    """
    shown = ", ".join((*names[:3], *(["..."] if len(names) > 3 else [])))
    return f"{what}." if count == 1 else f"{what}: {len(names):,} of {count:,} series ({shown})."


def _stacks(forecast: Forecast, targets: int, rows: int, width: int) -> tuple[list[list[str]], int]:
    """The next rows, and then the next series, for as long as they fit beside each other; and the steps in them."""
    stacks: list[list[str]] = []
    shown = 0
    for n in range(len(forecast)):
        for begin in range(0, forecast.horizon, rows):
            steps = slice(begin, min(begin + rows, forecast.horizon))
            stack = _stack(forecast, n, targets, steps, rows)
            stacks.append(stack)
            if len(stacks) > 1 and sum(max(map(len, one)) + len(BETWEEN) for one in stacks) - len(BETWEEN) > width:
                return stacks[:-1], shown
            shown += steps.stop - begin
    return stacks, shown


def _stack(forecast: Forecast, n: int, targets: int, steps: slice, rows: int) -> list[str]:
    """The targets of a series below each other, in the same lines for every series."""
    name = "" if len(forecast) == 1 else f"series {forecast.ids[n]}" if steps.start == 0 else "further on"
    lines = [name] if name else []
    for c in range(targets):
        block = _block(forecast, n, c, steps, forecast.targets[c] if len(forecast.targets) > 1 else "forecast")
        lines += block + [""] * (rows + 1 - len(block))
    return lines


def _block(forecast: Forecast, n: int, c: int, steps: slice, heading: str) -> list[str]:
    """Heading and rows of one target of a series."""
    shown_HQ = forecast.values_NHCQ[n, steps, c].astype("float64")
    style = number_format(shown_HQ, float(sorted(shown_HQ[:, -1] - shown_HQ[:, 0])[len(shown_HQ) // 2]))
    labels = [forecast.axes.time_label(time) for time in forecast.times[n, steps]]
    first = forecast.frequency.name if " " not in forecast.frequency.name else "time"
    middle = [format(value, style) for value in forecast.values[n, steps, c].astype("float64")]
    wide = max(len(first), *map(len, labels))
    number = max(len(heading[:30]), *map(len, middle))
    bounds = [_bounds(title, shown_HQ[:, pair], style) for title, pair in _intervals(forecast)]
    columns = list(zip(*bounds, strict=True)) or [()] * (len(labels) + 1)
    heads = [
        f"{first:<{wide}}   {heading[:30]:>{number}}",
        *(f"{a:<{wide}}   {b:>{number}}" for a, b in zip(labels, middle, strict=True)),
    ]
    return ["   ".join((head, *column)).rstrip() for head, column in zip(heads, columns, strict=True)]


def _intervals(forecast: Forecast) -> list[tuple[str, list[int]]]:
    """Title and quantile positions of the narrowest and the widest central interval; of the outer quantiles if none."""
    levels = forecast.quantiles
    if len(levels) == 1:
        return []
    pairs = central_pairs(levels)
    if not pairs:
        return [(f"quantiles {levels[0]:g} .. {levels[-1]:g}", [0, len(levels) - 1])]
    shown = [pairs[-1], pairs[0]][: len(pairs)]
    return [(f"{100 * (levels[high] - levels[low]):g} % interval", [low, high]) for low, high in shown]


def _bounds(title: str, shown_H2: np.ndarray, style: str) -> list[str]:
    """Heading and rows of one interval, all of one width."""
    low, high = ([format(value, style) for value in shown_H2[:, side]] for side in (0, 1))
    wide = max(map(len, low))
    texts = [title, *(f"{a:>{wide}} .. {b}" for a, b in zip(low, high, strict=True))]
    return [text.ljust(max(map(len, texts))) for text in texts]
