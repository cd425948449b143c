"""What the gate is trained on: batches of made-up series with what followed, each a function of (seed, index) alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gatecast.pretrained.bank import Bank, Seasons, bank_of, steps_read
from gatecast.pretrained.synthetic import series, with_gaps

__all__ = ["Lesson", "lesson_of", "lesson_plan"]

STEPS_JUDGED = 10  # steps of a horizon that count in one batch, drawn at random
SERIES, LONG = 256, 220  # series of a batch; half of them where they are longer than so many steps


@dataclass(frozen=True)
class Kind:
    """One kind of data.

    Args:
        seasons: periods in steps.
        share: of all batches.
        steps: shortest and longest history, drawn evenly in logarithms.
        horizon: shortest and longest.
    """

    seasons: tuple[int, ...]
    share: float
    steps: tuple[int, int]
    horizon: tuple[int, int]


KINDS = (
    Kind((), 0.24, (8, 260), (6, 24)),
    Kind((), 0.11, (10, 60), (4, 8)),  # years
    Kind((4,), 0.13, (12, 160), (4, 12)),
    Kind((12,), 0.24, (26, 320), (12, 24)),
    Kind((7,), 0.07, (20, 320), (7, 28)),
    Kind((24,), 0.05, (60, 480), (24, 48)),
    Kind((24, 168), 0.05, (345, 760), (24, 48)),
    Kind((52,), 0.06, (60, 520), (13, 26)),
    Kind((5,), 0.02, (20, 200), (5, 20)),
    Kind((6,), 0.01, (20, 200), (6, 18)),
    Kind((48,), 0.01, (110, 400), (24, 48)),
    Kind((30,), 0.01, (70, 300), (14, 30)),
)


@dataclass(frozen=True)
class Plan:
    """Sizes of one batch."""

    seasons: tuple[int, ...]
    steps: int
    horizon: int
    count: int
    ahead_H: np.ndarray


@dataclass(frozen=True)
class Lesson:
    """One batch.

    Args:
        bank: what the gate reads; its forecasts are those of the steps ``ahead_H``.
        truth_BH: what followed, in units of each series.
        scale_B: size of the seasonal naive errors, in the same unit: what an error is measured by.
        ahead_H: steps ahead.
        season: m; 1 = none.
    """

    bank: Bank
    truth_BH: np.ndarray
    scale_B: np.ndarray
    ahead_H: np.ndarray
    season: int


def lesson_plan(seed: int, index: int) -> Plan:
    """The sizes of a batch."""
    random = np.random.default_rng([seed, index, 0])
    kind = KINDS[random.choice(len(KINDS), p=[kind.share for kind in KINDS])]
    steps, horizon = (int(np.exp(random.uniform(*np.log((low, high + 1))))) for low, high in (kind.steps, kind.horizon))
    ahead_H = np.sort(random.permutation(horizon)[:STEPS_JUDGED]) + 1
    return Plan(kind.seasons, steps, horizon, SERIES if steps <= LONG else SERIES // 2, ahead_H)


def lesson_of(seed: int, index: int) -> Lesson:
    """The batch of an index. Series that say nothing, for they hardly move, are left out."""
    plan = lesson_plan(seed, index)
    values_BT = series(seed, index, plan.count, plan.steps + plan.horizon, plan.seasons)
    past_BT, future_BH = values_BT[:, : plan.steps], values_BT[:, plan.steps :]
    seasons = Seasons.of(plan.seasons)
    seen_BT = with_gaps(seed, index, past_BT)
    first_B = np.arange(plan.count) * plan.steps
    length_B = np.full(plan.count, plan.steps)
    bank = bank_of(seen_BT.ravel(), first_B, length_B, plan.horizon, seasons, min(plan.steps, steps_read(seasons)))
    truth_BH = bank.in_unit(future_BH)
    season = seasons.short if plan.steps > seasons.short else 1
    scale_B = _scale(past_BT, future_BH, season) / bank.step_B
    usable_B = (np.abs(truth_BH).max(1) < 300) & (scale_B > 1e-3) & np.isfinite(scale_B)
    at = plan.ahead_H - 1
    kept = Bank(
        bank.forecast_BHK[usable_B][:, at], bank.error_BK2[usable_B], bank.channel_BTC[usable_B], bank.last_B[usable_B],
        bank.step_B[usable_B],
    )  # fmt: skip
    return Lesson(kept, truth_BH[usable_B][:, at], scale_B[usable_B], plan.ahead_H, seasons.short)


def _scale(past_BT: np.ndarray, future_BH: np.ndarray, season: int) -> np.ndarray:
    """(B,) the mean seasonal naive error of the past, as in MASE, and that of past and future: their geometric mean.

    With the past alone a few series that break off would decide every training step. With the mean of both, breaks
    would count so little that forecasts move too little and intervals are too narrow.
    """
    before_B = np.abs(past_BT[:, season:] - past_BT[:, :-season]).mean(1)
    horizon = future_BH.shape[1]
    naive_BH = past_BT[:, past_BT.shape[1] - season + np.arange(horizon) % season]
    after_B = np.abs(future_BH - naive_BH).mean(1)
    scale_B: np.ndarray = np.sqrt(before_B * (before_B + after_B) / 2)
    return scale_B
