"""Models and live states in the store."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from gatecast.serving.store.tables import LIVE_STATES, MODELS, OBSERVATIONS, OBSERVED, SCORES

__all__ = ["ModelRow", "ModelRows", "digest_of"]


def digest_of(content: bytes) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class ModelRow:
    """A model in the store, without its content."""

    name: str
    digest: str
    about: dict[str, Any]
    created: float


class ModelRows:
    """Models by name, and where their live models stood."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self) -> list[ModelRow]:
        """Every model, by name."""
        columns = MODELS.c.name, MODELS.c.digest, MODELS.c.about, MODELS.c.created
        with self._engine.connect().execution_options(reading=True) as connection:
            found = connection.execute(select(*columns).order_by(MODELS.c.name)).all()
        return [ModelRow(name, digest, json.loads(about), created) for name, digest, about, created in found]

    def count(self) -> int:
        """Number of models."""
        with self._engine.connect().execution_options(reading=True) as connection:
            return int(connection.execute(select(func.count()).select_from(MODELS)).scalar_one())

    def content(self, name: str) -> bytes | None:
        """The file of a model."""
        with self._engine.connect().execution_options(reading=True) as connection:
            found = connection.execute(select(MODELS.c.content).where(MODELS.c.name == name)).scalar_one_or_none()
        return None if found is None else bytes(found)

    def state(self, name: str) -> tuple[int, bytes] | None:
        """The live model as it was saved, and the last observation in it."""
        asked = select(LIVE_STATES.c.seq, LIVE_STATES.c.content).where(LIVE_STATES.c.model == name)
        with self._engine.connect().execution_options(reading=True) as connection:
            found = connection.execute(asked).one_or_none()
        return None if found is None else (int(found[0]), bytes(found[1]))

    def put(self, name: str, content: bytes, about: dict[str, Any], state: tuple[int, bytes] | None) -> None:
        """Keep a model, in place of one of the same name, and where its live model stands."""
        row = {"digest": digest_of(content), "content": content, "about": json.dumps(about), "created": time.time()}
        with self._engine.begin() as connection:
            changed = connection.execute(update(MODELS).where(MODELS.c.name == name).values(**row))
            if not changed.rowcount:
                connection.execute(insert(MODELS).values(name=name, **row))
            if state is not None:
                _put_state(connection, name, *state)

    def save_state(self, name: str, seq: int, content: bytes) -> None:
        """Keep where a live model stands, so that the next start reads fewer rows."""
        with self._engine.begin() as connection:
            _put_state(connection, name, seq, content)

    def remove(self, name: str) -> bool:
        """Drop a model with all of its rows; whether there was one."""
        with self._engine.begin() as connection:
            of_it = select(OBSERVATIONS.c.seq).where(OBSERVATIONS.c.model == name)
            for table in (SCORES, OBSERVED):
                connection.execute(delete(table).where(table.c.seq.in_(of_it)))
            for table in (OBSERVATIONS, LIVE_STATES):
                connection.execute(delete(table).where(table.c.model == name))
            return bool(connection.execute(delete(MODELS).where(MODELS.c.name == name)).rowcount)


def _put_state(connection: Connection, name: str, seq: int, content: bytes) -> None:
    row = {"seq": seq, "content": content, "saved": time.time()}
    if not connection.execute(update(LIVE_STATES).where(LIVE_STATES.c.model == name).values(**row)).rowcount:
        connection.execute(insert(LIVE_STATES).values(model=name, **row))
