"""``gatecast demo``: the five reference systems."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from gatecast.cli.options import DATA, MODEL, OUTPUT, Json, Whole
from gatecast.cli.printing import Screen
from gatecast.errors import ConfigError

__all__ = ["demo"]


def demo(
    name: Literal["noisy-sine", "sin-to-cos", "airline", "sine", "ridership"],
    /,
    *,
    as_published: Annotated[bool, Parameter(group=MODEL, negative="")] = False,
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
        lookback: 1 or 4, for airline.
        seed: Seed of everything random.
        data: A local copy of the archive of ridership.
        plot: Write the pictures into this folder.
        json: Print one JSON object.
    """
    if plot is not None and (plot.exists() and not plot.is_dir()):
        raise ConfigError(f"--plot {plot} is a file; give a folder for the pictures.")
    from gatecast.demos import run

    result = run(name, as_published=as_published, lookback=lookback, seed=seed, data=data, plot=plot)
    screen = Screen(json)
    for line in str(result).splitlines():
        screen.line(line)
    screen.result = {"command": "demo", "demo": result.to_dict()}
    return screen.finish()
