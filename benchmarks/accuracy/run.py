"""Measure Gatecast and the naive forecasts: one process per fit, one after the other."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

import numpy as np

from benchmarks.accuracy.naive import etth1_naive, naive_forecasts, scale
from benchmarks.accuracy.scores import OURS, Outcome, Outcomes, figures
from benchmarks.accuracy.sets import ETTH1, REFERENCE, DataError, Group, Request
from benchmarks.accuracy.spans import training, truth
from benchmarks.speed.contestant import Contestant
from benchmarks.speed.options import progress

__all__ = ["measure"]

WORKER = "benchmarks.accuracy.ours"


def measure(request: Request) -> Outcomes:
    """All groups with all seeds.

    Raises:
        DataError: a file is missing, or is not what it should be.
        ContestantError: a fit failed.
    """
    request.require_data()
    outcomes: Outcomes = {}
    for group in request.parts:
        rows = {REFERENCE: _reference, ETTH1: _etth1}.get(request.name, _series)(request, group)
        for method, name, outcome in rows:
            outcomes.setdefault(method, {}).setdefault(name, []).append(outcome)
    progress("")
    return outcomes


Rows = list[tuple[str, str, Outcome]]  # method, group, what it reached


def _series(request: Request, group: Group) -> Rows:
    """All fits first: what came after the training is read when they are done."""
    replies = [_ask(request, group, "forecast", seed) for seed in range(request.seeds)]
    panel = training(group, request.folder, request.inner, np.float64)
    if any(tuple(reply["ids"]) != panel.ids for reply in replies):
        raise DataError(f"{group.name}: the forecasts are not of the series that are scored.")
    truth_NH, scale_N = truth(group, request.folder, request.inner), scale(group, panel)
    rows: Rows = []
    for reply in replies:
        found, points = figures(truth_NH, np.array(reply["forecast"]), scale_N)
        rows.append((OURS, group.name, _outcome(reply, found, points)))
    return rows + [(name, group.name, row) for name, row in naive_forecasts(group, panel, truth_NH).items()]


def _etth1(request: Request, group: Group) -> Rows:
    replies = [_ask(request, group, "rolling", seed) for seed in range(request.seeds)]
    rows: Rows = [(OURS, group.name, _outcome(reply, reply["figures"])) for reply in replies]
    return rows + [(n, group.name, row) for n, row in etth1_naive(group, request.folder, request.inner).items()]


def _reference(request: Request, group: Group) -> Rows:
    rows: Rows = []
    for seed in range(request.seeds):
        reply = _ask(request, group, "reference", seed)
        for span, methods in reply["spans"].items():
            for method, found in methods.items():
                rows.append((method, span, _outcome(reply, found) if method == OURS else Outcome(found)))
    return rows


def _outcome(reply: dict[str, Any], found: dict[str, float], points: tuple[int, int] = (1, 1)) -> Outcome:
    return Outcome(found, reply["seconds"], reply["peak_mb"], reply["plan"], points)


def _ask(request: Request, group: Group, call: str, seed: int) -> Any:
    progress(f"{request.name} · {group.name} · seed {seed}")
    where: Any = group.name if call == "reference" else list(astuple(group))
    with Contestant(f"{group.name}, seed {seed}", WORKER, threads=request.threads) as side:
        return side.ask(
            call,
            **{"system" if call == "reference" else "group": where},
            folder=str(request.folder),
            inner=request.inner,
            seed=seed,
            settings=request.settings,
        )
