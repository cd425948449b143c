"""What each piece of the default procedure earns: switched off alone, on inner spans, beside the full default.

python -m benchmarks.accuracy.ablation --save
python -m benchmarks.accuracy.ablation --set m3 --group other --piece "one member"
"""

from __future__ import annotations

import argparse
import io
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.accuracy import record
from benchmarks.accuracy.report import NAMES, figure, measure_of
from benchmarks.accuracy.run import measure
from benchmarks.accuracy.scores import OURS
from benchmarks.accuracy.sets import ETTH1, REFERENCE, SETS, DataError, Request, data_folder
from benchmarks.arguments import count
from benchmarks.speed.contestant import ContestantError
from benchmarks.speed.report import WIDTH

__all__ = ["BASES", "PIECES", "Piece", "columns", "compared", "earns", "main", "percent", "together"]

LEVEL = 0.2  # percent
GROUPS = {"m3": ("quarterly", "monthly", "other"), REFERENCE: ("airline", "ridership")}  # of other sets all
Figures = Mapping[str, float]


@dataclass(frozen=True)
class Piece:
    """One piece switched off.

    Args:
        name: what is left, in words.
        settings: arguments of the Forecaster that switch it off.
        defaults: numbers of the procedure that switch it off, as ``gatecast.planning.defaults.Defaults.changed`` takes
            them, where no argument does.
        kernels: train with the compiled kernels, which have the weight of the quantiles built in.
        against: name of the row of ``BASES`` that it is compared with.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    kernels: bool = True
    against: str = "full default"


BASES = (Piece("full default"), Piece("default on torch", kernels=False))
PIECES = (
    Piece("one candidate", {"candidates": 1}),
    Piece("common weights", defaults={"weights.sharpness": 0.0}),
    Piece("no calendar", {"calendar": False}),
    Piece("one year wave", defaults={"calendar.most_year_waves": 1}),
    Piece("no augmentation", {"training": {"augment": 0}}),
    Piece("smoothing for gate", defaults={"weights.pretrained": False}),
    Piece("nothing untrained", defaults={"weights.untrained": 0.0}),
    Piece("measured alone", defaults={"weights.measured": 1.0}),
    Piece("measured ignored", defaults={"weights.measured": 0.0}),
    Piece("no smooth reference", defaults={"search.smooth_references": False}),
    Piece("no logarithms", defaults={"search.logarithms": False}),
    Piece("no log pairs", defaults={"weights.log_pairs": False}),
    Piece("no variants", defaults={f"variants.{name}": () for name in ("depths", "level_gains", "season_gains")}),
    Piece("very best epoch", defaults={"training.as_good": 0.0}),
    Piece("one fold", defaults={"validation.most_folds": 1}),
    Piece("lr 0.003", {"training": {"lr": 3e-3}}),
    Piece("one member", {"members": 1}),
    Piece("random start", {"training": {"start": "random"}}),
    Piece("no linear skip", {"network": {"skip": 0}}),
    Piece("last step only", {"network": {"readout": 1}}),
    Piece("two layers", {"network": {"num_layers": 2}}),
    Piece("no refit", {"refit": False}),
    Piece("levels alike", defaults={"training.side_weight": 1.0}, kernels=False, against="default on torch"),
)


def percent(value: float, base: float) -> float:
    """By how much a figure is worse than another one.

    >>> percent(1.5, 1.2)
    25.0
    """
    return round(100 * (value / base - 1), 9)  # without the last digits, which are rounding


def together(changes: Sequence[float]) -> float:
    """The geometric mean of some changes in percent.

    >>> together([300.0, -75.0]), together([21.0, 0.0])
    (0.0, 10.0)
    """
    return percent(math.exp(float(np.mean(np.log1p(np.array(changes) / 100)))), 1)


def earns(change: float) -> str:
    """Whether a piece is worth having, by the change without it in percent.

    >>> [earns(change) for change in (0.21, 0.2, -0.2, -0.21)]
    ['yes', 'level', 'level', 'no']
    """
    return "yes" if change > LEVEL else "no" if change < -LEVEL else "level"


def columns(name: str, groups: Sequence[str]) -> list[tuple[str, str]]:
    """(group, measure) of each column of a set.

    >>> columns("reference", ["airline", "ridership"]), columns("m3", ["other"])
    ([('airline', 'rmse'), ('ridership', 'mae')], [('other', 'smape'), ('other', 'mase')])
    """
    if name == REFERENCE:
        return [(group, measure_of(name, group)) for group in groups]
    return [(group, which) for group in groups for which in (("mse", "mae") if name == ETTH1 else ("smape", "mase"))]


def compared(found: Mapping[str, Figures | str], pieces: Sequence[Piece]) -> list[dict[str, Any]]:
    """Rows: figures, changes in percent and what follows; or why there are none.

    Args:
        found: name of a row -> column -> error; or the reason why there is none.
        pieces: what the rows are, the defaults among them.
    """
    rows = []
    for piece in pieces:
        mine, base = found[piece.name], found.get(piece.against, "it was not asked for")
        row: dict[str, Any] = {"piece": piece.name}
        if isinstance(mine, str):
            rows.append(row | {"error": mine})
            continue
        row["figures"] = dict(mine)
        if piece not in BASES and not isinstance(base, str):
            changes = {column: percent(value, base[column]) for column, value in mine.items()}
            whole = together(list(changes.values()))
            row |= {"against": piece.against, "changes": changes, "change": whole, "earns": earns(whole)}
        rows.append(row)
    return rows


def main(words: Sequence[str] | None = None) -> int:
    """Run from the command line; 0 = done, 1 = a fit failed (its row says why), 2 = arguments or data are wrong."""
    parser = _options()
    asked = parser.parse_args(words)
    chosen = [piece for piece in PIECES if not asked.piece or piece.name in asked.piece]
    pieces = [one for one in BASES if one.name in {piece.against for piece in chosen}] + chosen
    requests = [_request(parser, name, asked) for name in asked.sets or GROUPS]
    day, at = date.today().isoformat(), record.commit()  # as the fits begin: they take long
    try:
        for request in requests:
            request.require_data()
        sets = {request.name: compared(_found(request, pieces), pieces) for request in requests}
    except DataError as error:
        parser.error(str(error))
    result = {"date": day, "commit": at, "seeds": asked.seeds, "sets": sets}
    if asked.save:
        print(f"saved {_save(result, record.RESULTS)}", file=sys.stderr)
    print(json.dumps(result, indent=1) if asked.json else _text(result))
    return int(any("error" in row for rows in sets.values() for row in rows))


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy.ablation", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument(
        "--set", dest="sets", action="append", choices=SETS, help="default: m3 and reference; may be repeated"
    )
    parser.add_argument("--group", action="append", default=[], help="this group or system alone; may be repeated")
    parser.add_argument(
        "--piece", action="append", choices=[piece.name for piece in PIECES], help="this piece alone; may be repeated"
    )
    parser.add_argument("--seeds", type=count, default=1, help="fits with the seeds 0, 1, ...; default 1")
    parser.add_argument("--threads", type=count, default=2, help="threads of each fit; default 2")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    parser.add_argument("--save", action="store_true", help="write a dated file to benchmarks/accuracy/results")
    return parser


def _request(parser: argparse.ArgumentParser, name: str, asked: argparse.Namespace) -> Request:
    usual = GROUPS.get(name, tuple(group.name for group in SETS[name]))
    groups = tuple(group.name for group in SETS[name] if group.name in (asked.group or usual))
    if not groups or "sin-to-cos" in groups:  # that one is solved by a SequenceRegressor
        parser.error(f"{name} has no such group, or it has no Forecaster. Usual groups: {', '.join(usual)}.")
    return Request(name, data_folder(), groups, asked.seeds, True, threads=asked.threads)


def _found(request: Request, pieces: Sequence[Piece]) -> dict[str, Figures | str]:
    """Mean errors over the seeds, by piece and column. A piece that fails does not end the others."""
    found: dict[str, Figures | str] = {}
    for piece in pieces:
        print(f"{request.name} · {piece.name}", file=sys.stderr)
        try:
            rows = measure(request.switched(piece.settings, piece.defaults, piece.kernels))[OURS]
        except ContestantError as error:
            found[piece.name] = str(error)
            continue
        found[piece.name] = {
            f"{group} {NAMES[which]}": float(np.mean([row.figures[which] for row in rows[group]]))
            for group, which in columns(request.name, request.groups)
        }
    return found


def _text(result: Mapping[str, Any]) -> str:
    """A table per set; under each figure its change in percent."""
    seeds = result["seeds"]
    lines = [f"inner spans · {result['date']} · commit {result['commit']} · {seeds} seed{'s' if seeds > 1 else ''}"]
    for name, rows in result["sets"].items():
        stream = io.StringIO()
        Console(file=stream, width=WIDTH, highlight=False, markup=False, emoji=False).print(_table(name, rows))
        lines += ["", *(line.rstrip() for line in stream.getvalue().splitlines())]
        lines += [f"{row['piece']} has no figures: {row['error']}" for row in rows if "error" in row]
    return "\n".join(lines)


def _table(name: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column(name, no_wrap=True)
    heads = next((list(row["figures"]) for row in rows if "figures" in row), [])
    for head in (*heads, "all %", "earns"):
        table.add_column(head.replace(" ", "\n", 1), justify="right")
    for row in rows:
        cells = ["-"] * len(heads)
        if "figures" in row:
            cells = [figure(value, head.split()[-1].lower()) for head, value in row["figures"].items()]
        if "changes" in row:
            cells = [f"{cell}\n{row['changes'][head]:+.2f}" for cell, head in zip(cells, heads, strict=True)]
        whole = f"{row['change']:+.2f}" if "change" in row else ""
        table.add_row(row["piece"], *cells, whole, row.get("earns", ""))
    return table


def _save(result: Mapping[str, Any], folder: Path) -> Path:
    """Write a dated file; an earlier one of the same day stays."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"ablation-{result['date']}"
    names = (f"{stem}{f'-{again}' if again > 1 else ''}.md" for again in range(1, 1000))
    path = next(folder / name for name in names if not (folder / name).exists())
    path.write_text(f"# What each piece earns\n\n```\n{_text(result)}\n```\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    sys.exit(main())
