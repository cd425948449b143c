"""Accuracy over many kinds of data, inside their training parts: ``python -m benchmarks.accuracy suite --inner``.

Every figure is a ratio to the best naive forecast of the same task. A rule of the default procedure is measured by
replacing its number: ``--defaults weights.untrained=0.5``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from rich.console import Console

from benchmarks.accuracy.settings import parse
from benchmarks.speed.options import progress
from benchmarks.suite.asked import folder_of, numbers_of, scores_of
from benchmarks.suite.table import rows, show
from benchmarks.suite.tasks import SETS, settings_of

__all__ = ["main"]


def main(words: Sequence[str] | None = None) -> int:
    """Run from the command line; 2 = the arguments or the data are wrong."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.accuracy suite", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inner", action="store_true", required=True, help="the test parts stay closed: always")
    parser.add_argument(
        "--set", action="append", choices=SETS, dest="sets", metavar="SET", help="this set alone; again"
    )
    parser.add_argument("--setting", action="append", default=[], metavar="KEY=VALUE", help="of the Forecaster")
    parser.add_argument(
        "--defaults", action="append", default=[], metavar="THEME.NUMBER=VALUE", help="a number of them"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args(words)
    folder = folder_of(parser)
    settings = settings_of({**parse(asked.setting), "seed": asked.seed}, numbers_of(asked.defaults))
    figures = rows({name: scores_of(name, folder, settings) for name in dict.fromkeys(asked.sets or SETS)})
    progress("")
    if asked.json:
        print(json.dumps(figures, indent=1))
    else:
        show(figures, Console(highlight=False, width=100))
    return 0


if __name__ == "__main__":
    sys.exit(main())
