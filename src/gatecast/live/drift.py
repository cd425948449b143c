"""Have the errors left what they were before? A bet against it that cannot win by chance.

    anomaly scores p, uniform while errors stay as they were
    capital S: grows while they are not;  P(S ever reaches 1 / a) <= a  (Ville 1939)

The capital is the Simple Jumper martingale of Vovk, Petej, Nouretdinov, Ahlberg, Carlsson and Gammerman (2021, Retrain
or not retrain: conformal test martingales for change-point detection, algorithm 1): three bets, on errors that are
larger (e = -1), the same (0) and smaller (1), each multiplied by 1 + e (p - 1/2), between which a hundredth of the
capital jumps at every row. 1 / largest capital so far is a p-value that may be looked at after every row.

Where rows are not exchangeable, as with calm and wild weeks in turn, the rate of false alarms is higher than stated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np

__all__ = ["WIDTH", "Drift", "Wagers"]

JUMP = 0.01
CAPITAL, LARGEST, SIDE, BETS = 0, 1, 2, slice(3, 6)
WIDTH = 6  # logarithm of the capital, its largest value, which bet led then (-1, 0, 1), the shares of the three bets
FRESH = (0.0, 0.0, 0.0, 1 / 3, 1 / 3, 1 / 3)
WORDS = {-1: "larger", 0: "", 1: "smaller"}


@dataclass(frozen=True)
class Drift:
    """Whether errors one step ahead have left what they were.

    Args:
        p_value: of all series together, valid after any number of rows; 1 = nothing speaks for a drift.
        direction: of the errors where the p-value is below 1: "larger", "smaller", or "".
        series: p-value of each series by its name; some of many are small by chance.
        drifted: series whose p-value is below ``false_alarms`` over the number of series.
        false_alarms: chance that this ever says "drift" of all together while nothing changed, and the same of
            ``drifted``.
        rows: observations that the test has seen.
    """

    p_value: float
    direction: str
    series: dict[str, float]
    drifted: tuple[str, ...]
    false_alarms: float
    rows: int

    @property
    def alarm(self) -> bool:
        """Errors of all together, or of some series, have left what they were."""
        return self.p_value <= self.false_alarms or bool(self.drifted)

    def __str__(self) -> str:
        if not self.rows:
            return "no drift known: no row was observed yet"
        if not self.alarm:
            return f"no drift in {self.rows:,} rows (p {self.p_value:.2g})"
        if self.p_value <= self.false_alarms and len(self.drifted) in (0, len(self.series)):
            return f"drift: errors are {self.direction} than before (p {self.p_value:.2g})"
        named = ", ".join(self.drifted[:3]) + (", ..." if len(self.drifted) > 3 else "")
        return f"drift in {len(self.drifted):,} of {len(self.series):,} series ({named})"


class Wagers:
    """The capital of every series and target, and of all series together.

    Args:
        state_NCW: (N + 1, C, 6) as ``WIDTH`` says, all together last; None = for ``targets`` and no series.
        targets: C.
        rows: observations so far.
    """

    def __init__(self, targets: int, state_NCW: np.ndarray | None = None, rows: int = 0) -> None:
        self.state_NCW = np.tile(FRESH, (1, targets, 1)) if state_NCW is None else state_NCW
        self.rows = rows

    def add(self, count: int) -> None:
        """Make room for further series."""
        more_NCW = np.tile(FRESH, (count, self.state_NCW.shape[1], 1))
        self.state_NCW = np.concatenate([self.state_NCW[:-1], more_NCW, self.state_NCW[-1:]])

    def bet(self, series_R: np.ndarray, score_RC: np.ndarray) -> None:
        """Take in anomaly scores (R, C) of rows in the order of time; nan says nothing."""
        order = np.argsort(series_R, kind="stable")
        cuts = np.flatnonzero(np.diff(series_R[order])) + 1
        groups = [(int(series_R[part[0]]), part) for part in np.split(order, cuts) if len(part)]
        for place, part in [*groups, (-1, np.arange(len(series_R)))]:
            for c in range(score_RC.shape[1]):
                scores = score_RC[part, c]
                known = scores[np.isfinite(scores)].tolist()
                self.state_NCW[place, c] = _after(self.state_NCW[place, c].tolist(), known)
        self.rows += int(np.isfinite(score_RC).any(axis=1).sum())

    def drift(self, ids: Sequence[str], false_alarms: float) -> Drift:
        """What the capital says."""
        targets = self.state_NCW.shape[1]
        p_N = np.minimum(targets * np.exp(-self.state_NCW[..., LARGEST].max(axis=1)), 1.0)
        series = dict(zip(ids, p_N[:-1].tolist(), strict=True))
        limit = false_alarms / max(len(series), 1)
        drifted = tuple(name for name, p in series.items() if p <= limit)
        all_CW = self.state_NCW[-1]
        side = int(all_CW[all_CW[:, LARGEST].argmax(), SIDE])
        return Drift(float(p_N[-1]), WORDS[side], series, drifted, false_alarms, self.rows)


def _after(state: list[float], scores: list[float]) -> list[float]:
    """The state after some scores."""
    capital, largest, side, larger, same, smaller = state
    for p in scores:
        jump = JUMP / 3
        larger, same, smaller = ((1 - JUMP) * share + jump for share in (larger, same, smaller))
        larger, smaller = larger * (1.5 - p), smaller * (0.5 + p)
        total = larger + same + smaller
        larger, same, smaller = larger / total, same / total, smaller / total
        capital += log(total)
        if capital > largest:
            largest, side = capital, float((smaller > larger) - (larger > smaller))
    return [capital, largest, side, larger, same, smaller]
