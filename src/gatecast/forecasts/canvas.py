"""The frame around pictures: figures, panels, axes, titles, and the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gatecast.data.frequency import to_wall
from gatecast.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gatecast.data.frequency import Frequency

__all__ = [
    "INK",
    "MOST_PANELS",
    "PIXELS",
    "PathLike",
    "dress",
    "empty_figure",
    "finish",
    "left_out",
    "on_axis",
    "panel_name",
    "panels",
    "require_size",
    "title_and_legend",
]

INK = "#333333"
MOST_PANELS = 12
PIXELS = 200  # of a PNG to the inch: twice those of a screen, so that it is sharp on any
LEAST_SIDE, MOST_SIDE = 200, 10_000
PathLike = str | Path | None


def panels(
    pairs: list[tuple[int, int]],
    names: list[str],
    draw: Callable[[Axes, tuple[int, int]], None],
    title: str,
    targets: Sequence[str],
    frequency: Frequency,
    size: tuple[int, int] | None = None,
) -> Figure:
    """One panel per pair of series and target, at most 12."""
    pairs = pairs[:MOST_PANELS]
    columns = 1 if len(pairs) <= 2 else 2 if len(pairs) <= 4 else 3
    rows = -(-len(pairs) // columns)
    wide, high = 8.0, 4.5 if len(pairs) == 1 else 0.9 + (2.6 if columns < 3 else 1.9) * rows
    if size is not None:
        wide, high = size[0] / PIXELS, size[1] / PIXELS
    figure = empty_figure(wide, high)
    grid = figure.subplots(rows, columns, squeeze=False)
    for n, axes in enumerate(grid.flat):
        if n >= len(pairs):
            axes.set_axis_off()
            continue
        draw(axes, pairs[n])
        if len(pairs) > 1:
            axes.set_title(_short(names[n]), fontsize=9, loc="left", color=INK, parse_math=False)
        if columns == 3:
            axes.tick_params(labelsize=7)
        if n + columns >= len(pairs):
            axes.set_xlabel(frequency.name, fontsize=9, color=INK)
    if len(pairs) == 1:
        grid[0, 0].set_ylabel(targets[pairs[0][1]], color=INK, parse_math=False)
    elif len(targets) == 1:
        figure.supylabel(targets[0], fontsize=9, color=INK, parse_math=False)
    title_and_legend(figure, title)
    return figure


def require_size(size: tuple[int, int] | None) -> None:
    """Raise ConfigError for a size in pixels that no picture should have."""
    if size is not None and not all(LEAST_SIDE <= side <= MOST_SIDE for side in size):
        raise ConfigError(
            f"a picture of {size[0]} x {size[1]} pixels cannot be drawn: both sides lie between {LEAST_SIDE} and "
            f"{MOST_SIDE:,}, such as 1600 x 900."
        )


def empty_figure(width: float, height: float) -> Figure:
    """An empty figure at 100 points per inch, on a canvas that needs no screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=100, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def dress(axes: Axes, frequency: Frequency | None, times: np.ndarray, label: str) -> None:
    """Light grid, no box, dates in short."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#bbbbbb")
    axes.grid(color="#e6e6e6", lw=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, labelsize=8, length=3)
    axes.margins(x=0.02)
    if label:
        axes.set_ylabel(label, color=INK, parse_math=False)
    if np.asarray(times).dtype.kind == "M":
        # with fewer than 7 ticks, 31 to 35 months (or 61 to 71 hours) have no step that fits, and matplotlib complains
        locator: Any = AutoDateLocator(minticks=3, maxticks=7)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    elif len(times):
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    if axes.get_yscale() == "linear" and max(map(abs, axes.get_ylim())) >= 1000:
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    if frequency is not None and label:
        axes.set_xlabel(frequency.name, color=INK)


def title_and_legend(figure: Figure, title: str) -> None:
    """Title on the left, legend below the data."""
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=11, color=INK, parse_math=False)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    if handles:
        figure.legend(
            handles,
            labels,
            loc="outside lower center",
            ncols=5 if figure.get_figwidth() > 5 else 2,
            frameon=False,
            fontsize=9,
        )


def on_axis(times: np.ndarray, frequency: Frequency | None) -> np.ndarray:
    """Times as people read them: local ones where the data have a time zone."""
    if frequency is not None and frequency.stores_utc and frequency.timezone is not None:
        return to_wall(np.asarray(times), frequency.timezone)
    return np.asarray(times)


def panel_name(ids: Sequence[str], targets: Sequence[str], pair: tuple[int, int]) -> str:
    n, c = pair
    if len(targets) == 1:
        return ids[n]
    return targets[c] if len(ids) == 1 else f"{ids[n]} · {targets[c]}"


def left_out(pairs: list[tuple[int, int]], whole: int) -> str:
    shown = min(len(pairs), MOST_PANELS)
    return "" if shown == whole else f" ({shown} of {whole:,} shown)"


def _short(name: str) -> str:
    return name if len(name) <= 36 else f"{name[:35]}…"


def finish(figure: Figure, path: PathLike) -> Figure:
    if path is None:
        return figure
    try:
        figure.savefig(path, dpi=PIXELS)
    except (ValueError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else "the name ends in .png, .pdf or .svg"
        raise ConfigError(f"the picture cannot be written to {str(path)!r}: {reason}.") from error
    return figure
