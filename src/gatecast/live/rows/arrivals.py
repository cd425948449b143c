"""What becomes of each row that comes in: new, known, completed, revised, ahead of its time, or refused.

    kept rows      ...  observed (the last step with a target)  | ahead: covariates known in advance | none yet
    a row there    known · completed · a contradiction            new, or ahead where it has no target

Everything is decided, and everything that is refused is told, before anything changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from gatecast.data.schema import Schema
from gatecast.errors import Argument, PanelError, Part, Setting, joined, listed
from gatecast.live.memory import Memory
from gatecast.live.rows.given import Incoming
from gatecast.live.rows.incoming import require_static

__all__ = ["AHEAD", "COMPLETED", "KNOWN", "MISSING", "NEW", "REVISED", "WORDS", "Arrivals", "Rules", "arrivals"]

NEW, KNOWN, COMPLETED, REVISED, AHEAD, MISSING = range(6)
WORDS = ("new", "known", "completed", "revised", "ahead", "missing")
SHOWN = 3


@dataclass(frozen=True)
class Rules:
    """What is taken.

    Args:
        schema: the columns.
        revise: rows that contradict what is known replace it.
        most_missing: steps that may be missing in a row, and that covariates may be ahead.
        positive: targets have to be above 0, for the model takes logarithms.
    """

    schema: Schema
    revise: bool
    most_missing: int
    positive: bool


@dataclass(frozen=True)
class Arrivals:
    """Rows sorted by series and step; all of their series are in the memory.

    Args:
        order_R: place of each among the rows as they were given.
        series_R: place of its series in the memory.
        step_R: its step.
        values_RV: what the memory is to hold there.
        kind_R: NEW, KNOWN, ... (see ``WORDS``).
        seen_RC: whether a target came with it.
    """

    order_R: np.ndarray
    series_R: np.ndarray
    step_R: np.ndarray
    values_RV: np.ndarray
    kind_R: np.ndarray
    seen_RC: np.ndarray

    @property
    def scored_R(self) -> np.ndarray:
        """(R,) rows whose targets were not known before, with a step before them to forecast from."""
        fresh_R = (self.kind_R == NEW) & self.seen_RC.any(axis=1)
        return np.asarray(fresh_R & (self.step_R > 0))


def arrivals(memory: Memory, incoming: Incoming, rules: Rules) -> Arrivals:
    """Sort rows in; new series are added to the memory, without rows, once nothing is wrong.

    Raises:
        PanelError: rows lie in the past, contradict what is known, off the grid, behind too long a gap, or are given
            twice; all of them are told.
        CovariateError: a new series has no static covariates.
    """
    place_M = np.array([memory.places.get(name, -1) for name in incoming.ids], np.int64)
    new_M = np.flatnonzero(place_M < 0)
    require_static(incoming.static_MS[new_M], [incoming.ids[m] for m in new_M], rules.schema)
    step_R, starts, off_R = _steps(memory, incoming, place_M)
    order_R = np.lexsort((step_R, incoming.series_R))
    code_R, step_R, off_R = incoming.series_R[order_R], step_R[order_R], off_R[order_R]
    values_RV = incoming.values_RV[order_R]
    known_M = np.where(place_M >= 0, place_M, 0)
    if len(memory):
        stored_RV = memory.read(known_M[code_R], step_R)
        stored_RV[place_M[code_R] < 0] = np.nan
        observed_M = np.where(place_M >= 0, memory.observed[known_M], -1)
        dropped_M = np.where(place_M >= 0, memory.dropped[known_M], 0)
    else:
        stored_RV, observed_M = np.full_like(values_RV, np.nan), np.full(len(place_M), -1)
        dropped_M = np.zeros(len(place_M), np.int64)
    look = _Look(rules, code_R, step_R, values_RV, stored_RV, observed_M[code_R])
    times_R = None if incoming.times_R is None else incoming.times_R[order_R]
    _refuse(look, off_R, step_R < dropped_M[code_R], incoming.ids, memory, times_R)
    if len(new_M):
        memory.add([incoming.ids[m] for m in new_M], starts[new_M], incoming.static_MS[new_M])
        place_M = np.array([memory.places[name] for name in incoming.ids], np.int64)
    taken_RV = np.where(np.isfinite(values_RV), values_RV, stored_RV)
    return Arrivals(order_R, place_M[code_R], step_R, taken_RV, look.kind_R, look.seen_RC)


def _steps(memory: Memory, incoming: Incoming, place_M: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Step (R,) of each row, start (M,) of each series, and whether a row is off the grid (R,)."""
    series_R, times_R, count = incoming.series_R, incoming.times_R, len(place_M)
    if times_R is None:
        follow_M = np.where(place_M >= 0, memory.observed[place_M] if len(memory) else -1, -1) + 1
        order_R = np.argsort(series_R, kind="stable")
        nth_R = np.empty(len(series_R), np.int64)
        heads = np.searchsorted(series_R[order_R], np.arange(count))
        nth_R[order_R] = np.arange(len(series_R)) - heads[series_R[order_R]]
        starts = np.ones(count, memory.starts.dtype)
        return follow_M[series_R] + nth_R, starts, np.zeros(len(series_R), np.bool_)
    starts = np.empty(count, memory.starts.dtype)
    known = place_M >= 0
    starts[known] = memory.starts[place_M[known]]
    order_R = np.lexsort((times_R, series_R))
    heads = np.searchsorted(series_R[order_R], np.flatnonzero(~known))
    starts[~known] = times_R[order_R[heads]] if len(heads) else starts[~known]
    if not len(series_R):
        return np.empty(0, np.int64), starts, np.empty(0, np.bool_)
    step_R, on_R = memory.frequency.position(starts[series_R], times_R)
    return step_R, starts, ~on_R


class _Look:
    """Rows beside what is stored at their steps; sorted by series and step."""

    def __init__(
        self, rules: Rules, code_R: np.ndarray, step_R: np.ndarray, values_RV: np.ndarray, stored_RV: np.ndarray,
        observed_R: np.ndarray,
    ) -> None:  # fmt: skip
        self.rules, self.code_R, self.step_R = rules, code_R, step_R
        self.values_RV, self.stored_RV, self.observed_R = values_RV, stored_RV, observed_R
        count = len(rules.schema.targets)
        given_RV, held_RV = np.isfinite(values_RV), np.isfinite(stored_RV)
        self.differs_RV = given_RV & held_RV & ~_same(values_RV, stored_RV)
        self.adds_RV = given_RV & ~held_RV
        self.seen_RC = given_RV[:, :count]
        again_R = (np.diff(code_R, prepend=-1) == 0) & (np.diff(step_R, prepend=-1) == 0)
        self.again_R = again_R  # the same series and step as the row before
        late_R = self.adds_RV[:, :count].any(axis=1) & (step_R < observed_R)
        self.contradicts_R = self.differs_RV.any(axis=1) | late_R
        self.kind_R = self._kinds()

    def _kinds(self) -> np.ndarray:
        beyond_R = self.step_R > self.observed_R
        seen_R = self.seen_RC.any(axis=1)
        empty_R = np.isnan(self.values_RV).all(axis=1)
        adds_R, held_R = self.adds_RV.any(axis=1), np.isfinite(self.stored_RV).any(axis=1)
        kind_R = np.where(beyond_R, np.where(seen_R, NEW, np.where(empty_R, MISSING, AHEAD)), KNOWN)
        kind_R = np.where(~beyond_R & adds_R, COMPLETED, kind_R)
        kind_R = np.where(beyond_R & ~seen_R & ~adds_R & held_R, KNOWN, kind_R)
        kind_R = np.where(self.contradicts_R & ~(beyond_R & seen_R), REVISED, kind_R)
        return np.asarray(np.where(self.again_R, KNOWN, kind_R))

    @property
    def twice_R(self) -> np.ndarray:
        """(R,) rows with the time of the row before, which say something else."""
        before_RV = np.concatenate([self.values_RV[:1], self.values_RV[:-1]])
        both_nan = np.isnan(before_RV) & np.isnan(self.values_RV)
        return np.asarray(self.again_R & ~(both_nan | _same(self.values_RV, before_RV)).all(axis=1))

    @property
    def far_R(self) -> np.ndarray:
        """(R,) rows too many steps after the last observed one of their series, those of the same call counted."""
        seen_R = self.seen_RC.any(axis=1)
        span = max(self.step_R.max(initial=0), self.observed_R.max(initial=0)) + 2
        reached_R = np.where(seen_R, self.step_R, -1)
        reached_R = np.maximum(reached_R, self.observed_R) + self.code_R * span
        before_R = np.maximum.accumulate(np.concatenate([[-1], reached_R[:-1]])) - self.code_R * span
        before_R = np.maximum(before_R, self.observed_R)
        return np.asarray(self.step_R - before_R > self.rules.most_missing + 1)

    @property
    def low_R(self) -> np.ndarray:
        """(R,) rows with a target that has no logarithm."""
        count = len(self.rules.schema.targets)
        return np.asarray((self.values_RV[:, :count] <= 0).any(axis=1) & self.rules.positive)


def _same(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Equal numbers, or the same one after rounding to float32, in which tables are kept."""
    with np.errstate(over="ignore", invalid="ignore"):
        narrow = a.astype(np.float32) == b.astype(np.float32)
        rounded = (b == b.astype(np.float32)) | (a == a.astype(np.float32))
    return np.asarray((a == b) | (narrow & rounded))


# ---------------------------------------------------------------- what is refused


def _refuse(
    look: _Look, off_R: np.ndarray, past_R: np.ndarray, ids: tuple[str, ...], memory: Memory,
    times_R: np.ndarray | None,
) -> None:  # fmt: skip
    """Raise PanelError with every row that cannot be taken."""

    def told(rows_R: np.ndarray) -> str:
        rows = np.flatnonzero(rows_R)
        shown = [
            f"{ids[look.code_R[r]]!r} at {_label(memory, times_R, look.step_R, r, off_R[r])}" for r in rows[:SHOWN]
        ]
        more = f" ({len(rows):,} rows)" if len(rows) > SHOWN else ""
        return listed(shown, SHOWN) + more

    problems = list(_problems(look, off_R, past_R & ~off_R, memory, told))
    if problems:
        raise PanelError("nothing was observed: ", *joined(" Also: ", problems))


def _problems(
    look: _Look, off_R: np.ndarray, past_R: np.ndarray, memory: Memory, say: Callable[[np.ndarray], str]
) -> Iterator[Part]:
    fine_R = ~off_R & ~past_R
    if off_R.any():
        yield f"rows off the grid of one {memory.frequency.name}: {say(off_R)}. Correct their times."
    if past_R.any():
        yield (
            f"rows of the past, before the steps that are kept: {say(past_R)}. Leave them out, or begin anew with the "
            "whole history."
        )
    twice_R = look.twice_R & fine_R
    if twice_R.any():
        yield f"several rows of one series and time that differ: {say(twice_R)}. Give one of them."
    contradicts_R = look.contradicts_R & fine_R & ~look.again_R
    if contradicts_R.any() and not look.rules.revise:
        yield (
            f"rows that contradict what is known, or fill what was missing in the past: {say(contradicts_R)}. "
            "Correct them, or pass ", Setting("revise", True, of="observe"), " to replace what is known.",
        )  # fmt: skip
    far_R = look.far_R & fine_R
    if far_R.any():
        limit = look.rules.most_missing
        yield (
            f"rows more than {limit:,} missing steps after the last observed one: {say(far_R)}. Correct their times, "
            "or allow more with ", Argument("most_missing", of="live"), ".",
        )  # fmt: skip
    low_R = look.low_R & fine_R
    if low_R.any():
        yield (
            f"the model takes logarithms, and targets are not above 0: {say(low_R)}. Give them as missing, or train "
            "with another scaling."
        )


def _label(memory: Memory, times_R: np.ndarray | None, step_R: np.ndarray, r: int, off: bool) -> str:
    if times_R is None:
        return f"step {step_R[r]}"
    exact = str(times_R[r]).removesuffix(".000000").removesuffix("T00:00:00").replace("T", " ")
    return exact if off else memory.frequency.label(times_R[r])
