"""``gatecast demo``: the five reference systems."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from gatecast.cli.files import PLOT_KINDS, require_writable
from gatecast.cli.options import DATA, MODEL, OUTPUT, Json, Whole
from gatecast.cli.printing import Screen
from gatecast.errors import ConfigError

if TYPE_CHECKING:
    from gatecast.demos.comparison import Comparison
    from gatecast.demos.result import DemoResult

__all__ = ["demo"]

System = Literal["noisy-sine", "sin-to-cos", "airline", "sine", "ridership"]


def demo(
    name: System,
    /,
    *,
    as_published: Annotated[bool, Parameter(group=MODEL, negative="")] = False,
    compare: Annotated[bool, Parameter(group=MODEL, negative="")] = False,
    lookback: Annotated[Whole | None, Parameter(group=MODEL)] = None,
    seed: Annotated[Whole, Parameter(group=MODEL)] = 0,
    data: Annotated[Path | None, Parameter(group=DATA)] = None,
    plot: Annotated[Path | None, Parameter(group=OUTPUT)] = None,
    json: Json = False,
) -> int:
    """Run one of the five reference systems.

    Args:
        name: The system.
        as_published: The article's exact settings, its figures beside the measured ones.
        compare: Both ways on the same targets, in one table and one picture.
        lookback: 1 or 4, for airline.
        seed: Seed of everything random.
        data: A local copy of the archive of ridership.
        plot: Write the pictures into this folder; with --compare, the picture to this .png, .pdf or .svg.
        json: Print one JSON object.
    """
    from gatecast import demos

    result: Comparison | DemoResult
    if compare:
        if as_published:
            raise ConfigError("--compare runs both ways; leave --as-published out.")
        require_writable(plot, PLOT_KINDS, "--plot")
        result = demos.compare(name, lookback=lookback, seed=seed, data=data, plot=plot)
    else:
        if plot is not None and (plot.exists() and not plot.is_dir()):
            raise ConfigError(f"--plot {plot} is a file; give a folder for the pictures.")
        result = demos.run(name, as_published=as_published, lookback=lookback, seed=seed, data=data, plot=plot)
    screen = Screen(json)
    for line in str(result).splitlines():
        screen.line(line)
    if plot is not None:
        screen.files([plot])
    screen.result = {"command": "demo", "demo": result.to_dict()}
    return screen.finish()
