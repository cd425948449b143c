"""What each piece of the default procedure earns on the suite: ``python -m benchmarks.suite.ablation FILE``.

FILE keeps what was measured, so that the same command goes on where it was stopped. A piece earns its place where the
suite is at least 0.3 % worse without it, MASE and WQL together, and the interval over sets excludes zero.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.speed.options import progress
from benchmarks.suite.asked import folder_of, numbers_of, scores_of
from benchmarks.suite.pieces import DEFAULT, PIECES, Piece
from benchmarks.suite.scoring import Score
from benchmarks.suite.table import geometric, interval, rows
from benchmarks.suite.tasks import SETS, settings_of

__all__ = ["changes", "earns", "main", "shown"]

LEAST = 0.003
Figures = Mapping[str, Mapping[str, float]]


def changes(base: Figures, other: Figures, figure: str) -> list[float]:
    """Ratio of a figure to that of the defaults, for every set that both have."""
    return [other[name][figure] / base[name][figure] for name in base if name in other]


def earns(ratios: Sequence[float]) -> str:
    """Whether a piece is worth having, by the ratios without it.

    >>> [earns(ratios) for ratios in ([1.02, 1.03, 1.04], [0.98, 1.03, 1.0], [0.98, 0.97, 0.96])]
    ['yes', 'level', 'no']
    """
    low, high = interval(ratios)
    mean = geometric(ratios)
    return "yes" if low > 1 and mean > 1 + LEAST else "no" if high < 1 and mean < 1 - LEAST else "level"


def shown(found: Mapping[str, Figures]) -> Table:
    """One row for each piece: changes in percent without it, with their intervals over sets."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("without it")
    for head in ("MASE %", "WQL %", "worst set", "worst single", "s", "earns"):
        table.add_column(head, justify="right")
    base = found[DEFAULT.name]
    for name, figures in found.items():
        mase, wql = changes(base, figures, "mase"), changes(base, figures, "wql")
        worst = max(zip(mase, (set_ for set_ in base if set_ in figures), strict=True))
        seconds = sum(row["seconds"] for row in figures.values())
        single = figures.get("singles", {}).get("worst", float("nan"))
        judged = "" if name == DEFAULT.name else earns([math.sqrt(m * w) for m, w in zip(mase, wql, strict=True)])
        table.add_row(
            name, _percent(mase), _percent(wql), f"{100 * (worst[0] - 1):+.1f} {worst[1]}", f"{single:.2f}",
            f"{seconds:.0f}", judged,
        )  # fmt: skip
    return table


def _percent(ratios: Sequence[float]) -> str:
    low, high = (100 * (bound - 1) for bound in interval(ratios))
    return f"{100 * (geometric(ratios) - 1):+.2f} ({low:+.1f} to {high:+.1f})"


def main(words: Sequence[str] | None = None) -> int:
    """Run from the command line; 2 = the arguments or the data are wrong."""
    parser = _options()
    asked = parser.parse_args(words)
    folder = folder_of(parser)
    found = _kept(parser, asked.file, asked.seed)
    own = [Piece(pair, defaults=numbers_of([pair])) for pair in asked.defaults]
    chosen = [one for one in PIECES if one.name in asked.piece] + own if asked.piece or own else PIECES
    for piece, name in _owed(found, [DEFAULT, *chosen], asked.sets or list(SETS)):
        figures = found.setdefault(piece.name, {})
        figures |= rows({name: _scores(piece, name, asked.seed, folder)})
        asked.file.write_text(json.dumps({"seed": asked.seed, "pieces": found}, indent=1))
    progress("")
    Console(highlight=False, width=120).print(shown(found))
    return 0


def _kept(parser: argparse.ArgumentParser, file: Path, seed: int) -> dict[str, dict[str, dict[str, float]]]:
    """What FILE holds; ends the command where that is something else."""
    if not file.exists():
        return {}
    try:
        kept = json.loads(file.read_text())
        before, pieces = kept["seed"], kept["pieces"]
    except (ValueError, KeyError, TypeError):
        parser.error(f"{file} was not written by this command. Name another file.")
    if before != seed:
        parser.error(f"{file} was measured with --seed {before}, not {seed}. Name another file.")
    found: dict[str, dict[str, dict[str, float]]] = pieces
    return found


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.suite.ablation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, help="JSON file that is written, or gone on with")
    parser.add_argument("--set", action="append", choices=SETS, dest="sets", metavar="SET", help="this set alone")
    names = [piece.name for piece in PIECES]
    parser.add_argument("--piece", action="append", default=[], choices=names, metavar="PIECE", help=", ".join(names))
    parser.add_argument("--defaults", action="append", default=[], metavar="THEME.NUMBER=VALUE", help="another number")
    parser.add_argument("--seed", type=int, default=0)
    return parser


def _owed(found: Mapping[str, Figures], pieces: Sequence[Piece], sets: Sequence[str]) -> Iterator[tuple[Piece, str]]:
    """What is not measured yet, set by set, so that a stopped run compares the same sets."""
    return ((piece, name) for name in sets for piece in pieces if name not in found.get(piece.name, {}))


def _scores(piece: Piece, name: str, seed: int, folder: Path) -> list[Score]:
    settings = settings_of({**piece.settings, "seed": seed}, dict(piece.defaults))
    return scores_of(name, folder, settings, f" · {piece.name}")


if __name__ == "__main__":
    sys.exit(main())
