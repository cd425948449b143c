"""The five reference systems, each on the public API: as their articles publish them, and Gatecast's own way."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatecast.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from gatecast.demos.comparison import Comparison
    from gatecast.demos.result import DemoResult

__all__ = ["SYSTEMS", "compare", "run"]

SYSTEMS = ("noisy-sine", "sin-to-cos", "airline", "sine", "ridership")


def run(
    name: str,
    *,
    as_published: bool = False,
    lookback: int | None = None,
    seed: int = 0,
    data: Path | None = None,
    plot: Path | None = None,
) -> DemoResult:
    """Run one reference system.

    Args:
        name: one of ``SYSTEMS``.
        as_published: the article's exact settings.
        lookback: 1 or 4, for airline as published.
        seed: seed of everything random.
        data: a local copy of ridership.tgz; without it the archive is downloaded once.
        plot: folder for the pictures; None = none.

    Raises:
        ConfigError: an unknown system, or an option that does not belong to it.
        DatasetError: the archive cannot be had.
    """
    if name not in SYSTEMS:
        raise ConfigError(f"there is no demo {name!r}{did_you_mean(name, SYSTEMS)}. Known: {', '.join(SYSTEMS)}.")
    options: dict[str, Any] = {}
    if name == "airline":
        options["lookback"] = lookback
    elif lookback is not None:
        raise ConfigError(f"lookback belongs to the demo 'airline', not to {name!r}.")
    if name == "ridership":
        options["data"] = data
    elif data is not None:
        raise ConfigError(f"data belongs to the demo 'ridership', not to {name!r}.")
    if plot is not None:
        plot.mkdir(parents=True, exist_ok=True)
    module = importlib.import_module(f"gatecast.demos.{name.replace('-', '_')}")
    result: DemoResult = module.run(as_published, seed, plot, **options)
    return result


def compare(
    name: str, *, lookback: int | None = None, seed: int = 0, data: Path | None = None, plot: Path | None = None
) -> Comparison:
    """Run one reference system both ways, and score both on the same targets.

    Args:
        name: one of ``SYSTEMS``.
        lookback: of airline as published: 1 or 4; None = 4, the better one.
        seed: seed of everything random.
        data: a local copy of ridership.tgz; without it the archive is downloaded once.
        plot: file for the picture: .png, .pdf or .svg; None = none.

    Raises:
        ConfigError: an unknown system, an option that does not belong to it, or the picture cannot be written.
        DatasetError: the archive cannot be had.
    """
    from gatecast.demos.comparison import Comparison

    if name == "airline" and lookback is None:
        lookback = 4
    published = run(name, as_published=True, lookback=lookback, seed=seed, data=data)
    both = Comparison(published, run(name, seed=seed, data=data))
    if plot is not None:
        both.plot(plot)
    return both
