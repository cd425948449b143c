"""Forecasts of many requests in one pass, a piece of each at a time.

history of a request ──▶ panel ─┐
history of another   ──▶ panel ─┼──▶ one panel ──▶ one forecast ──▶ cut ──▶ answers
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gatecast.data.panel import Panel
from gatecast.data.tables.future import observed_part
from gatecast.errors import GatecastError
from gatecast.forecasts.axes import Axes
from gatecast.forecasts.finite import require_finite
from gatecast.forecasts.forecast import Forecast
from gatecast.serving.models.batches import Task
from gatecast.serving.models.histories import Histories, Table
from gatecast.serving.models.served import Served

__all__ = ["SERIES_AT_ONCE", "Ahead", "Work", "begun", "passed"]

SERIES_AT_ONCE = 128  # of one pass: the longest that a request waits for another one's piece


@dataclass(frozen=True)
class Ahead:
    """A forecast that is asked for.

    Args:
        served: the model.
        history: rows or columns, or a panel that was made of them; None = the series that the model follows.
        ids: of these, None = all of them.
        future: covariates over the horizon.
    """

    served: Served
    history: Table | Panel | None = None
    ids: tuple[str, ...] | None = None
    future: Any = None


@dataclass(eq=False)
class Work:
    """A forecast that is being made: what was read, and the pieces that are done.

    Args:
        task: what was asked.
        served: the model.
        history: what was observed; None for series that the model follows.
        read: what the forecast reads: the history, and covariates after it.
        origin_N: the rows of ``read`` that it starts from.
        ids: series that the model follows.
        done: series that are forecast.
        pieces: their forecasts.
    """

    task: Task[Any]
    served: Served
    history: Panel | None
    read: Panel | None
    origin_N: np.ndarray
    ids: tuple[str, ...]
    future: Any = None
    done: int = 0
    pieces: list[Forecast] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Number of series."""
        return len(self.ids)

    @property
    def group(self) -> tuple[Any, ...]:
        """Works of one group can be made in one pass."""
        if self.read is None:
            return (id(self.served), self.served.version, None if self.future is None else id(self))
        return (id(self.served), self.read.values_RV.dtype)


def begun(task: Task[Any], asked: Ahead, histories: Histories) -> Work:
    """Read what was asked. Raises GatecastError for what cannot be forecast."""
    served, fitted = asked.served, asked.served.fitted
    if asked.history is None:
        ids = asked.ids if asked.ids is not None else followed(served)
        return Work(task, served, None, None, np.zeros(0, np.int64), ids, asked.future)
    panel = asked.history if isinstance(asked.history, Panel) else histories.panel(asked.history)
    fitted.require_same_columns(panel)
    history = observed_part(panel)
    fitted.require_lookback(history)
    read, origin_N = fitted.continued(history, panel, asked.future)
    return Work(task, served, history, read, origin_N, history.ids)


def followed(served: Served) -> tuple[str, ...]:
    """Series that have a value; asking for none of them raises what ``Live.forecast`` does."""
    memory = served.live._memory
    ids = tuple(memory.ids[n] for n in np.flatnonzero(memory.observed >= 0).tolist())
    if not ids:
        served.live.forecast()
    return ids


def passed(works: Sequence[Work]) -> None:
    """Make a piece of every work of one group; they are answered where that was the last one."""
    share = max(SERIES_AT_ONCE // len(works), 1)
    try:
        if works[0].read is None:
            _of_followed(works, share)
        else:
            _of_histories(works, share)
    except Exception as error:
        if len(works) == 1 or not isinstance(error, GatecastError):
            for work in works:
                work.task.done(error)
            return
        for work in works:  # one of them is to blame
            passed([work])
        return
    for work in works:
        if work.done >= work.total:
            work.task.done(work.pieces)


def _of_histories(works: Sequence[Work], share: int) -> None:
    parts = [np.arange(work.done, min(work.done + share, work.total)) for work in works]
    panels, origins = list[Panel](), list[np.ndarray]()
    for work, part in zip(works, parts, strict=True):
        assert work.read is not None
        panels.append(work.read.select(part))
        origins.append(work.origin_N[part])
    together, origin_B = _together(panels, origins)
    fitted = works[0].served.fitted
    made = fitted.forecast_with_facts(together, np.arange(len(together)), origin_B)
    at = 0
    for work, part in zip(works, parts, strict=True):
        cut = slice(at, at + len(part))
        at += len(part)
        assert work.history is not None
        history = work.history.select(part)
        require_finite(made.values_BHCQ[cut], history, None)
        facts = {"guarded": made.guarded_B[cut], "bounded": made.bounded_B[cut]}
        named = {fact: tuple(history.ids[n] for n in np.flatnonzero(which_N)) for fact, which_N in facts.items()}
        axes = Axes.after(history, fitted.horizon)
        work.pieces.append(Forecast(made.values_BHCQ[cut], fitted.levels, axes, None, **named))
        work.done += len(part)


def _together(panels: Sequence[Panel], origins: Sequence[np.ndarray]) -> tuple[Panel, np.ndarray]:
    """Panels one after the other in one buffer, and the origin rows there."""
    if len(panels) == 1:
        return panels[0], origins[0]
    first = panels[0]
    buffers, heads, at, begins = list[np.ndarray](), list[np.ndarray](), 0, list[np.ndarray]()
    for panel, origin_N in zip(panels, origins, strict=True):
        low, high = int(panel.first.min()), int(panel.stop.max())
        buffers.append(panel.values_RV[low:high])
        heads.append(panel.first - low + at)
        begins.append(origin_N - low + at)
        at += high - low
    return (
        replace(
            first,
            values_RV=np.concatenate(buffers),
            first=np.concatenate(heads),
            length=np.concatenate([panel.length for panel in panels]),
            ids=tuple(name for panel in panels for name in panel.ids),
            starts=np.concatenate([panel.starts for panel in panels]),
            static_NS=np.concatenate([panel.static_NS for panel in panels]),
            notes=(),
        ),
        np.concatenate(begins),
    )


def _of_followed(works: Sequence[Work], share: int) -> None:
    """Of series that the model follows; what was forecast since their last row is not forecast again."""
    served = works[0].served
    parts = [work.ids[work.done : work.done + share] for work in works]
    if works[0].future is not None:
        made = served.live.forecast(parts[0], future=works[0].future)
        works[0].pieces.append(made)
        works[0].done += len(parts[0])
        return
    known = served.forecasts
    missing = list(dict.fromkeys(name for part in parts for name in part if name not in known))
    if missing:
        made = served.live.forecast(missing)
        for n, name in enumerate(missing):
            known[name] = _single(made, n)
    for work, part in zip(works, parts, strict=True):
        work.pieces += [known[name] for name in part]
        work.done += len(part)


def _single(made: Forecast, n: int) -> Forecast:
    """The forecast of one series."""
    name = made.ids[n]
    axes = replace(made.axes, ids=(name,), origins=made.axes.origins[n : n + 1])
    facts = {fact: tuple(one for one in getattr(made, fact) if one == name) for fact in ("guarded", "cold", "bounded")}
    return Forecast(made.values_NHCQ[n : n + 1], made.quantiles, axes, None, **facts)
