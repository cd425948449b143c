"""The parts of a running service, as the endpoints reach them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from gatecast.data.tables.databases.address import Address
from gatecast.serving.http.counts import Counts
from gatecast.serving.http.events import Hub
from gatecast.serving.http.tokens import Token, Tokens
from gatecast.serving.jobs.process import Worker
from gatecast.serving.jobs.runner import Jobs
from gatecast.serving.limits import Limits
from gatecast.serving.models.desk import Desk
from gatecast.serving.routes.turns import Turns
from gatecast.serving.store.observed_rows import Observation
from gatecast.serving.store.store import Store

__all__ = ["Service", "Serving", "holder_of"]


@dataclass(eq=False)
class Service:
    """All of a service but its HTTP."""

    store: Store
    limits: Limits
    tokens: Tokens
    counts: Counts
    hub: Hub
    desk: Desk
    jobs: Jobs
    reader: Worker
    tables: Turns
    histories: Turns
    databases: Mapping[str, Address] = field(default_factory=dict)
    ready: bool = False
    closed: bool = False
    under_way: dict[tuple[str, str], asyncio.Future[tuple[str, str]]] = field(default_factory=dict)  # by model and key

    @classmethod
    def of(
        cls, store: Store, limits: Limits, tokens: Tokens, databases: Mapping[str, Address] | None = None
    ) -> Service:
        """A service on a store, whose jobs may ask these databases; ``start`` begins its jobs."""
        hub, counts = Hub(limits.streams), Counts()

        def published(observation: Observation) -> None:
            counts.rows.inc(len(observation.rows))
            topic = f"model {observation.model}"
            for scored in observation.scores:
                facts = {name: value for name, value in vars(scored).items() if name != "place"}
                hub.publish(topic, {"event": "observed", "model": observation.model, **facts})

        desk = Desk(store, limits, published)
        jobs = Jobs(
            store,
            limits,
            lambda name, content: desk.change_now(lambda: desk.catalogue.put(name, content)),
            lambda job, event: hub.publish(f"job {job}", event),
            databases,
        )
        reader = Worker(limits.memory, alone=False)
        tables, histories = Turns(1, limits.tables, "tables"), Turns(2, limits.waiting, "large histories")
        return cls(store, limits, tokens, counts, hub, desk, jobs, reader, tables, histories, dict(databases or {}))

    def start(self) -> None:
        """Take up the jobs."""
        self.jobs.start()
        self.reader.start()
        self.ready = True

    def close(self) -> None:
        """Answer what waits, leave jobs where they stand, keep the live models, and close the store; once."""
        if self.closed:
            return
        self.closed = True
        self.ready = False
        self.hub.close()
        self.jobs.close()
        self.reader.close()
        self.desk.close()
        self.store.close()


def _service(request: Request) -> Service:
    found: Service = request.app.state.service
    return found


async def _serving(request: Request) -> Service:
    return _service(request)


async def _holder(request: Request) -> Token:
    found: Token = request.scope["token"]
    return found


Serving = Annotated[Service, Depends(_serving)]
holder_of = Depends(_holder)
