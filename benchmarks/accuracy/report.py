"""A result for people: one table of 80 columns, what was chosen, and one sentence."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.accuracy.scores import OURS
from benchmarks.accuracy.sets import MAIN
from benchmarks.accuracy.systems import GROWTH
from benchmarks.speed.report import WIDTH
from gatecast.statistical.naive import TITLES

__all__ = ["NAIVE_TITLES", "best_naive", "figure", "measure_of", "sentence", "show"]

NAIVE_TITLES = {**TITLES, GROWTH: "last year's growth"}
NAMES = {"smape": "sMAPE", "mase": "MASE", "owa": "OWA", "mse": "MSE", "rmse": "RMSE", "mae": "MAE"}
COMPETITION, ROLLING, STEPWISE = ("smape", "mase", "owa"), ("mse", "mae"), ("rmse", "mae")
ALL = "all points"
QUIET = ("drift", "mean")  # shown only where they are the best naive forecast
Row = Mapping[str, Any]


def show(result: Row, console: Console) -> None:
    """Print it."""
    groups = _groups(result)
    title = f"{result['set']} · {'inner span' if result['inner'] else 'test part'} · seeds {result['seeds']}"
    settings = [f"{name} {value}" for name, value in result.get("settings", {}).items()]
    console.print(Text(" · ".join([title, *settings]), "bold"))
    console.print(_table(result, groups))
    for lines in (*_reasons(result), *_choices(result), sentence(result)):
        console.print()
        console.print(Text(textwrap.fill(lines, WIDTH, subsequent_indent="  ")))


def measure_of(name: str, group: str) -> str:
    """What a set or a span of it is judged by: MAE for ridership, as its article; else see ``MAIN``."""
    return "mae" if group.startswith("ridership") else MAIN[name]


def best_naive(methods: Mapping[str, Row], measure: str, skip: Sequence[str] = ()) -> tuple[str, float] | None:
    """The naive forecast with the least error, and that error; rows by method."""
    known = {n: row[measure] for n, row in methods.items() if n in NAIVE_TITLES and row.get(measure) is not None}
    found = {name: value for name, value in known.items() if name not in skip}
    return min(found.items(), key=lambda pair: pair[1]) if found else None


def sentence(result: Row) -> str:
    """Whether Gatecast is better than the best naive forecast, where, and by how much."""
    groups = _groups(result)
    judged = groups if result["set"] == "reference" else dict([next(iter(groups.items()))])
    better: list[str] = []
    worse: list[str] = []
    for group, methods in judged.items():
        measure = measure_of(result["set"], group)
        best, ours = best_naive(methods, measure), methods.get(OURS, {}).get(measure)
        if best is None or ours is None:
            continue
        where = f"on {group} " if len(judged) > 1 else ""
        text = f"{where}({NAMES[measure]} {figure(ours, measure)}; {NAIVE_TITLES[best[0]]} {figure(best[1], measure)})"
        (better if ours < best[1] else worse).append(text)
    said = ["better than the best naive forecast " + ", ".join(better)] if better else []
    said += ["NOT better than the best naive forecast " + ", ".join(worse)] if worse else []
    return f"Gatecast is {'; it is '.join(said)}." if said else "There is no naive forecast to compare with."


def figure(value: float | None, measure: str = "") -> str:
    """Three decimals for the competitions' measures and errors near 1, digits that count for others.

    >>> figure(12.3456, "smape"), figure(20639.2, "mae"), figure(0.00681234, "rmse"), figure(16.2, "rmse"), figure(None)
    ('12.346', '20,639', '0.006812', '16.2', '-')
    """
    if value is None:
        return "-"
    if measure in (*COMPETITION, *ROLLING) and (measure in COMPETITION or 0.1 <= value < 10):
        return f"{value:.3f}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _groups(result: Row) -> dict[str, dict[str, Row]]:
    """Group -> method -> row; first all points together where there are several groups with one unit."""
    groups: dict[str, dict[str, Row]] = {}
    for method, row in result["methods"].items():
        for name in row["per_group"]:
            groups.setdefault(name, {})[method] = row["per_group"][name]
        for name in row.get("error", {}):
            groups.setdefault(name, {})[method] = {}
    if len(groups) > 1 and result["set"] != "reference":
        return {ALL: dict(result["methods"]), **groups}
    return groups


def _table(result: Row, groups: Mapping[str, Mapping[str, Row]]) -> Table:
    shown = {"reference": STEPWISE, "etth1": ROLLING}.get(result["set"], COMPETITION)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    heads = [*(["group"] if len(groups) > 1 else []), "method"]
    for head in heads:
        table.add_column(head, no_wrap=True)
    for head in (*(NAMES[name] for name in shown), "spread", "s", "MB"):
        table.add_column(head, justify="right", no_wrap=True)
    for group, methods in groups.items():
        measure = measure_of(result["set"], group)
        best = best_naive(methods, measure)
        for place, (method, row) in enumerate(_sorted(methods, best)):
            first = [group if not place else ""] if len(groups) > 1 else []
            spread = (row.get("spread") or {}).get(measure)
            cells = [figure(row.get(name), name) for name in shown]
            sizes = [_size(row.get("seconds"), 1), _size(row.get("peak_mb"), 0)]
            known = figure(
                spread or None if method in NAIVE_TITLES else spread, measure
            )  # the naive ones have no seeds
            table.add_row(*first, NAIVE_TITLES.get(method, method), *cells, known, *sizes)
    return table


def _size(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def _sorted(methods: Mapping[str, Row], best: tuple[str, float] | None) -> Iterator[tuple[str, Row]]:
    """Gatecast first; the quiet ones not at all."""
    hidden = [name for name in QUIET if best is None or name != best[0]]
    yield from sorted(((n, r) for n, r in methods.items() if n not in hidden), key=lambda pair: pair[0] != OURS)


def _reasons(result: Row) -> list[str]:
    """Why a method has no figure; one line where the reason is the same for all groups."""
    lines = []
    for method, row in result["methods"].items():
        reasons: dict[str, list[str]] = {}
        for group, reason in row.get("error", {}).items():
            reasons.setdefault(reason, []).append(group)
        lines += [f"{method} has no figures ({', '.join(names)}): {reason}" for reason, names in reasons.items()]
    return lines


def _choices(result: Row) -> list[str]:
    found = result["methods"].get(OURS, {}).get("per_group", {})
    plans: dict[str, list[str]] = {}
    for group, row in found.items():
        plans.setdefault(" / ".join(row.get("plans", ())), []).append(group)
    return [f"{', '.join(groups)}: chose {plan}" for plan, groups in plans.items() if plan]
