"""A picture sheet of made-up series: one row for each family, eight examples in it, all with their own scale.

python -m benchmarks.pretrained.sheet sheet.png
python -m benchmarks.pretrained.sheet hourly.png --steps 500 --seasons 24 168 --seed 3
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from gatecast.pretrained.synthetic import FAMILIES, of_family

EXAMPLES = 8


def draw(path: Path, seed: int, steps: int, seasons: tuple[int, ...]) -> None:
    """Write the sheet; the ending of the path decides its format."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.2 * EXAMPLES, 1.15 * len(FAMILIES)), layout="constrained")
    axes = figure.subplots(len(FAMILIES), EXAMPLES)
    for name, row in zip(FAMILIES, axes, strict=True):
        for axis, values_T in zip(row, of_family(name, seed, 0, EXAMPLES, steps, seasons), strict=True):
            axis.plot(values_T, linewidth=0.7)
            axis.tick_params(labelsize=4, length=1)
        row[0].set_ylabel(name.replace("_", "\n"), fontsize=7)
    figure.savefig(path, dpi=80)


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw one sheet."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pretrained.sheet", description=__doc__.split("\n")[0])
    parser.add_argument("path", type=Path, help="picture to write, such as sheet.png")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--seasons", type=int, nargs="*", default=[12], help="periods in steps")
    told = parser.parse_args(arguments)
    draw(told.path, told.seed, told.steps, tuple(told.seasons))
    return 0


if __name__ == "__main__":
    sys.exit(main())
