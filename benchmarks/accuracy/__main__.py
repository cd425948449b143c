"""Accuracy of Gatecast's defaults on public benchmarks, beside the naive forecasts and, if asked for, other libraries.

    python -m benchmarks.accuracy m4-weekly --peers
    python -m benchmarks.accuracy suite --inner
    python -m benchmarks.accuracy m3 --inner --group other --set members=3 --set training.lr=0.001

Settings are chosen with --inner, which holds back the end of every training series and never opens a test file. Each
scoring of a test part adds a line to benchmarks/accuracy/log.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import date
from typing import Any, NoReturn

from rich.console import Console

from benchmarks.accuracy import record
from benchmarks.accuracy.peers import measure_peers
from benchmarks.accuracy.report import show
from benchmarks.accuracy.run import measure
from benchmarks.accuracy.scores import Outcomes, summary
from benchmarks.accuracy.sets import ETTH1, HORIZONS, REFERENCE, SETS, DataError, Request, data_folder
from benchmarks.accuracy.settings import parse
from benchmarks.arguments import count
from benchmarks.speed.contestant import ContestantError
from benchmarks.speed.report import WIDTH
from benchmarks.suite.__main__ import main as suite
from gatecast.errors import GatecastError

__all__ = ["main"]


class _Parser(argparse.ArgumentParser):
    """Errors in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def main(words: Sequence[str] | None = None) -> int:
    """Run from the command line; 0 = done, 1 = a fit failed, 2 = the arguments or the data are wrong."""
    words = sys.argv[1:] if words is None else words
    if words[:1] == ["suite"]:
        return suite(words[1:])
    parser = _options()
    asked = parser.parse_args(words)
    request = _request(parser, asked)
    failed: dict[str, dict[str, str]] = {}
    try:
        request.require_data()
        outcomes = measure(request)
        if asked.peers:
            failed = measure_peers(request, outcomes)
    except (DataError, GatecastError) as error:
        parser.error(str(error))
    except ContestantError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    result = _result(request, outcomes, failed)
    if not request.inner:
        record.log(result, date.today(), record.commit(), record.LOG)
    if asked.save:
        _save(result)
    if asked.json:
        print(json.dumps(result, indent=1, allow_nan=False))
    else:
        console = Console(highlight=False, markup=False, emoji=False)
        console.width = min(console.width, WIDTH)
        show(result, console)
    return 0


def _options() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m benchmarks.accuracy",
        description=(__doc__ or "").split("\n")[0],
        epilog="Sets: " + ", ".join(SETS) + ". Data: GATECAST_DATA, or else ../shared/data.",
    )
    parser.add_argument("set", choices=SETS, metavar="SET", help="what to measure; see below")
    parser.add_argument("--peers", action="store_true", help="other libraries too (M4 and M3); see benchmarks/peers")
    parser.add_argument("--seeds", type=count, default=3, help="fits with the seeds 0, 1, ...; default 3")
    parser.add_argument("--inner", action="store_true", help="score inside the training part; the test stays closed")
    parser.add_argument("--group", action="append", default=[], help="this group or system alone; may be repeated")
    parser.add_argument("--horizon", type=int, choices=HORIZONS, help="of etth1; default 96")
    parser.add_argument(
        "--set", dest="settings", action="append", default=[], metavar="KEY=VALUE",
        help="a setting of the Forecaster, such as members=3 or training.lr=0.001; with --inner only; may be repeated",
    )  # fmt: skip
    parser.add_argument("--threads", type=count, default=2, help="threads of each fit; default 2")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--save", action="store_true", help="write a dated file to benchmarks/accuracy/results")
    return parser


def _request(parser: argparse.ArgumentParser, asked: argparse.Namespace) -> Request:
    """The measurement asked for; leaves with one line where options do not go together."""
    if asked.settings and not asked.inner:
        parser.error("--set goes with --inner only: a test part is scored with the defaults alone.")
    if asked.horizon and asked.set != ETTH1:
        parser.error(f"--horizon belongs to {ETTH1}.")
    if asked.peers and asked.set in (REFERENCE, ETTH1):
        parser.error("--peers belongs to m4-hourly, m4-weekly and m3.")
    try:
        settings = parse(asked.settings)
    except ValueError as error:
        parser.error(str(error))
    names = [group.name for group in SETS[asked.set]]
    if unknown := [name for name in asked.group if name not in names]:
        parser.error(f"{asked.set} has no group {', '.join(unknown)}; it has {', '.join(names)}.")
    groups = tuple(asked.group)
    if settings and asked.set == REFERENCE:  # it is no Forecaster that solves it
        if "sin-to-cos" in groups:
            parser.error("--set belongs to the Forecaster; sin-to-cos is solved by a SequenceRegressor.")
        groups = groups or tuple(name for name in names if name != "sin-to-cos")
    return Request(asked.set, data_folder(), groups, asked.seeds, asked.inner, asked.horizon, settings, asked.threads)


def _result(request: Request, outcomes: Outcomes, failed: dict[str, dict[str, str]]) -> dict[str, Any]:
    names = () if request.name in (REFERENCE, ETTH1) else [group.name for group in request.parts]
    return {
        "set": request.name,
        "inner": request.inner,
        "seeds": request.seeds,
        "threads": request.threads,
        **({"groups": list(request.groups)} if request.groups else {}),
        **({"horizon": request.parts[0].horizon} if request.name == ETTH1 else {}),
        **({"settings": request.settings} if request.settings else {}),
        "methods": summary(outcomes, names, failed),
    }


def _save(result: dict[str, Any]) -> None:
    try:
        path = record.save(result, date.today(), record.commit(), record.RESULTS)
        print(f"saved {path}", file=sys.stderr)
    except OSError as error:
        print(f"nothing is saved in {record.RESULTS}: {error.strerror}.", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
