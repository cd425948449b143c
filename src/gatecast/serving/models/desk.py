"""The desk: the one thread that uses the models. Forecasts, new rows and changes of the catalogue go through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gatecast.forecasts.forecast import Forecast
from gatecast.nn.threads import cores
from gatecast.serving.limits import Limits
from gatecast.serving.models.batches import Batches, Task
from gatecast.serving.models.catalogue import Catalogue
from gatecast.serving.models.forecasting import Ahead, Work, begun, passed
from gatecast.serving.models.histories import Histories
from gatecast.serving.models.observing import Rows, Writer, observed
from gatecast.serving.models.served import Served
from gatecast.serving.store.observed_rows import Observation
from gatecast.serving.store.store import Store

__all__ = ["Desk"]

KEEP_STATE_AFTER = 2_000  # observations of a model, so that a start has no more of them to read again

Change = Callable[[], Any]
Asked = Ahead | Rows | Change


class Desk:
    """Answers what needs a model.

    Args:
        store: where rows are written.
        limits: of what waits.
        published: hears of observations that are safe.
    """

    def __init__(self, store: Store, limits: Limits, published: Callable[[Observation], None]) -> None:
        self.catalogue = Catalogue(store, limits.models)
        self._limits = limits
        self._works: list[Work] = []
        self._histories: dict[int, tuple[Served, Histories]] = {}
        self._writer = Writer(store.rows, published)
        self._batches: Batches[Asked] = Batches(self._work, limits.waiting, _threads(), "gatecast-models")
        self.sizes: list[int] = []  # requests of the last passes

    @property
    def waiting(self) -> int:
        """Requests that were not answered yet."""
        return self._batches.waiting

    async def served(self, name: str) -> Served:
        """A model, loaded where it is not yet. Raises Problem where there is none."""
        found = self.catalogue.loaded(name)
        if found is not None:
            return found
        self.catalogue.row(name)
        return await self.change(lambda: self.catalogue.get(name))

    async def forecast(self, asked: Ahead) -> list[Forecast]:
        """Forecasts, in pieces."""
        return await self._batches.ask(asked, self._limits.seconds)

    async def observe(self, asked: Rows) -> str:
        """What became of rows that are stored now, as JSON."""
        return await self._batches.ask(asked, self._limits.seconds)

    async def change(self, change: Change) -> Any:
        """Run something on the thread of the models, when all rows before are stored."""
        return await self._batches.ask(change, self._limits.seconds)

    def change_now(self, change: Change) -> Any:
        """The same for a thread that waits."""
        return self._batches.call(change)

    def close(self) -> None:
        """Answer what waits, keep where the live models stand, and end."""
        self._batches.close()
        self._writer.flush()
        self.catalogue.save_states()
        self._writer.close()

    # ---------------------------------------------------------------- on the thread of the models

    def _work(self, tasks: Sequence[Task[Asked]]) -> bool:
        ahead: dict[int, list[Task[Any]]] = {}
        rows: dict[tuple[int, bool], list[Task[Any]]] = {}
        for task in tasks:
            asked = task.asked
            if isinstance(asked, Rows):
                rows.setdefault((id(asked.served), asked.revise), []).append(task)
            elif isinstance(asked, Ahead):
                ahead.setdefault(id(asked.served), []).append(task)
            else:
                self._change(task, asked)
        for asking in ahead.values():
            self._begin(asking)
        self._pass()
        for together in rows.values():
            self._observe(together)
        return bool(self._works)

    def _begin(self, tasks: list[Task[Any]]) -> None:
        served: Served = tasks[0].asked.served
        try:
            self._works += begun(tasks, served, self._histories_of(served))
        except Exception as error:
            for task in tasks:
                task.done(error)

    def _histories_of(self, served: Served) -> Histories:
        """The reader of a model's histories, with the layouts that it knows."""
        held = self._histories.get(id(served))
        if held is None or held[0] is not served:
            in_use = {id(one): one for one in self.catalogue.in_use()}
            self._histories = {k: pair for k, pair in self._histories.items() if in_use.get(k) is pair[0]}
            held = self._histories[id(served)] = served, Histories(served.fitted)
        return held[1]

    def _pass(self) -> None:
        """A piece of every work."""
        groups: dict[tuple[Any, ...], list[Work]] = {}
        for work in self._works:
            groups.setdefault(work.group, []).append(work)
        for works in groups.values():
            self.sizes.append(sum(len(work.parts) for work in works))
            passed(works)
        self._works = [work for work in self._works if work.wanted]

    def _observe(self, tasks: list[Task[Any]]) -> None:
        served: Served = tasks[0].asked.served
        current = self._current(served, tasks)
        if current is None:
            return
        observed(tasks, self._writer.write)
        if served.seq - served.saved >= KEEP_STATE_AFTER:
            self._writer.flush()
            self.catalogue.save_states(KEEP_STATE_AFTER)

    def _current(self, served: Served, tasks: list[Task[Any]]) -> Served | None:
        """The model, unless it was replaced, or has to be loaded anew, while the rows waited: they ask again then."""
        if self.catalogue.loaded(served.name) is served:
            return served
        from gatecast.serving.problems import busy

        for task in tasks:
            task.done(busy("The model was replaced in this moment.", 1, where="model", remedy="Send the rows again."))
        return None

    def _change(self, task: Task[Any], change: Change) -> None:
        self._writer.flush()
        try:
            task.done(change())
        except BaseException as error:
            task.done(error)


def _threads() -> int:
    """Threads of the kernels: a core is left to HTTP and the store, for threads that wait for a busy core lose more."""
    return max(1, cores() - 1)
