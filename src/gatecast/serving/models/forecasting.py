"""Forecasts of many requests in one pass, a piece of each at a time.

history of a request ──▶ panel ─┐
history of another   ──▶ panel ─┼──▶ one panel ──▶ one forecast ──▶ cut ──▶ answers
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gatecast.data.panel import Panel
from gatecast.errors import GatecastError
from gatecast.forecasts.axes import Axes
from gatecast.forecasts.finite import require_finite
from gatecast.forecasts.forecast import Forecast
from gatecast.serving.models.batches import Task
from gatecast.serving.models.histories import Histories, Layout, Table, Together, future_of
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


@dataclass(frozen=True)
class Part:
    """The part of a work that answers one request.

    Args:
        task: the request.
        cut: its series.
        layout: how it writes series and times; None = as the panel of the work.
    """

    task: Task[Any]
    cut: slice
    layout: Layout | None = None


@dataclass(eq=False)
class Work:
    """Forecasts that are being made: what was read, and the pieces that are done.

    Args:
        served: the model.
        parts: the requests that it answers.
        history: what was observed; None for series that the model follows.
        read: what the forecast reads: the history, and covariates after it.
        origin_N: the rows of ``read`` that it starts from.
        ids: the series.
        future: covariates, for series that the model follows.
        done: series that are forecast.
        pieces: their forecasts.
    """

    served: Served
    parts: list[Part]
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

    @property
    def wanted(self) -> bool:
        """Somebody waits for it, and some of it is left to do."""
        return self.done < self.total and not all(part.task.answer.done() for part in self.parts)

    def fail(self, error: BaseException) -> None:
        """Tell everybody that it came to nothing."""
        for part in self.parts:
            part.task.done(error)

    def answer(self) -> None:
        """Give every request its forecasts."""
        if len(self.parts) == 1 and self.parts[0].layout is None:
            self.parts[0].task.done(self.pieces)
            return
        for part in self.parts:
            part.task.done(list(self._cut(part)))

    def _cut(self, part: Part) -> Iterator[Forecast]:
        at = 0
        for piece in self.pieces:
            begin, stop = max(part.cut.start - at, 0), min(part.cut.stop - at, len(piece))
            if begin < stop:
                yield _cut(piece, slice(begin, stop), part.layout)
            at += len(piece)


def begun(tasks: Sequence[Task[Any]], served: Served, histories: Histories) -> list[Work]:
    """Read what is asked of a model; those that cannot be read are answered."""
    works, tables, asking = list[Work](), list[Table](), list[Task[Any]]()
    for task in tasks:
        asked: Ahead = task.asked
        if asked.history is None or isinstance(asked.history, Panel) or asked.future is not None:
            works += _alone(task, asked, histories)
        else:
            tables.append(asked.history)
            asking.append(task)
    if tables:
        together, others = histories.read(tables)
        works += [work for one in together for work in _joint(one, asking, served)]
        for place, found in others.items():
            works += _of_panel(asking[place], served, found, None)
    return works


def _alone(task: Task[Any], asked: Ahead, histories: Histories) -> list[Work]:
    """The work of one request."""
    served = asked.served
    try:
        if asked.history is None:
            ids = asked.ids if asked.ids is not None else followed(served)
            part = Part(task, slice(0, len(ids)))
            return [Work(served, [part], None, None, np.zeros(0, np.int64), ids, future_of(asked.future))]
        panel = asked.history if isinstance(asked.history, Panel) else histories.panel(asked.history)
    except Exception as error:
        task.done(error)
        return []
    return _of_panel(task, served, panel, asked.future)


def _of_panel(task: Task[Any], served: Served, panel: Panel | Exception, future: Any) -> list[Work]:
    try:
        if isinstance(panel, Exception):
            raise panel
        history, read, origin_N = served.fitted.reading(panel, future_of(future))
    except Exception as error:
        task.done(error)
        return []
    return [Work(served, [Part(task, slice(0, len(history)))], history, read, origin_N, history.ids)]


def _joint(together: Together, asking: Sequence[Task[Any]], served: Served) -> list[Work]:
    """One work for all plain requests; where that fails, one for each, so that the one to blame is told."""
    parts = [
        Part(asking[place], cut, layout)
        for place, cut, layout in zip(together.places, together.cuts, together.layouts, strict=True)
    ]
    try:
        history, read, origin_N = served.fitted.reading(together.panel)
    except GatecastError:
        found = list[Work]()
        for part in parts:
            own = _with(together.panel.select(np.arange(part.cut.start, part.cut.stop)), part.layout)
            found += _of_panel(part.task, served, own, None)
        return found
    return [Work(served, parts, history, read, origin_N, history.ids)]


def _with(panel: Panel, layout: Layout | None) -> Panel:
    return panel if layout is None else replace(panel, names=layout.names, labels=layout.labels)


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
        if len(works) == 1 and len(works[0].parts) == 1:
            works[0].fail(error)
            return
        for work in works if len(works) > 1 else _apart(works[0]):  # one of them is to blame
            passed([work])
        return
    for work in works:
        if work.done >= work.total:
            work.answer()


def _apart(work: Work) -> list[Work]:
    """A work for each request."""
    assert work.history is not None
    assert work.read is not None
    found = []
    for part in work.parts:
        places = np.arange(part.cut.start, part.cut.stop)
        own = _with(work.history.select(places), part.layout)
        alone = [Part(part.task, slice(0, len(places)))]
        found.append(Work(work.served, alone, own, work.read.select(places), work.origin_N[places], own.ids))
    return found


def _of_histories(works: Sequence[Work], share: int) -> None:
    parts = [np.arange(work.done, min(work.done + share, work.total)) for work in works]
    panels, origins = list[Panel](), list[np.ndarray]()
    for work, part in zip(works, parts, strict=True):
        assert work.read is not None
        panels.append(work.read if len(part) == work.total else work.read.select(part))
        origins.append(work.origin_N[part])
    together, origin_B = _together(panels, origins)
    fitted = works[0].served.fitted
    made = fitted.forecast_with_facts(together, np.arange(len(together)), origin_B)
    at = 0
    for work, part in zip(works, parts, strict=True):
        cut = slice(at, at + len(part))
        at += len(part)
        assert work.history is not None
        history = work.history if len(part) == work.total else work.history.select(part)
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
    buffers, heads, begins, at = list[np.ndarray](), list[np.ndarray](), list[np.ndarray](), 0
    for panel, origin_N in zip(panels, origins, strict=True):
        low, high = int(panel.first.min()), int(panel.stop.max())
        buffers.append(panel.values_RV[low:high])
        heads.append(panel.first - low + at)
        begins.append(origin_N - low + at)
        at += high - low
    joined = replace(
        panels[0],
        values_RV=np.concatenate(buffers),
        first=np.concatenate(heads),
        length=np.concatenate([panel.length for panel in panels]),
        ids=tuple(name for panel in panels for name in panel.ids),
        starts=np.concatenate([panel.starts for panel in panels]),
        static_NS=np.concatenate([panel.static_NS for panel in panels]),
        notes=(),
    )
    return joined, np.concatenate(begins)


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
            known[name] = _cut(made, slice(n, n + 1), None)
    for work, part in zip(works, parts, strict=True):
        work.pieces += [known[name] for name in part]
        work.done += len(part)


def _cut(made: Forecast, cut: slice, layout: Layout | None) -> Forecast:
    """The forecasts of some series."""
    axes = made.axes
    names, labels = (axes.names, axes.labels) if layout is None else (layout.names, layout.labels)
    ids = axes.ids[cut]
    own = Axes(ids, axes.targets, axes.origins[cut], axes.horizon, axes.frequency, axes.backend, names, labels)
    facts = {}
    for fact in ("guarded", "cold", "bounded"):
        all_of_it = getattr(made, fact)
        facts[fact] = tuple(name for name in ids if name in all_of_it) if all_of_it else ()
    return Forecast(made.values_NHCQ[cut], made.quantiles, own, None, **facts)
