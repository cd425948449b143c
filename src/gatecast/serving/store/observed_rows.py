"""Observed rows in the store: written before they are acknowledged, read again at a start."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, Row, desc, func, insert, select

from gatecast.serving.store.tables import OBSERVATIONS, OBSERVED, SCORES

__all__ = ["Observation", "ObservedRows", "Scored"]

AT_ONCE = 500  # observations that a start reads at a time


@dataclass(frozen=True)
class Scored:
    """How far off the forecast of one target of a row was; None where there was none."""

    place: int
    series: str
    time: str
    target: str
    value: float | None
    forecast: float | None
    inside_80: bool | None
    inside_95: bool | None
    anomaly: float | None


@dataclass(frozen=True)
class Observation:
    """Rows of one request.

    Args:
        model: that follows them.
        key: the client's; None = it gave none.
        digest: SHA-256 of the request.
        revise: whether they may replace what is known.
        rows: series, time, what became of it, and the cells as they were given.
        scores: of the new ones.
        answer: what the client gets.
    """

    model: str
    key: str | None
    digest: str
    revise: bool
    rows: list[tuple[str, str, str, dict[str, Any]]]
    scores: list[Scored] = field(default_factory=list)
    answer: str = ""


class ObservedRows:
    """Observations in their order, with their rows and scores."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def known(self, model: str, key: str) -> tuple[str, str] | None:
        """The digest and the answer of an observation with this key, if it was acknowledged."""
        asked = select(OBSERVATIONS.c.digest, OBSERVATIONS.c.answer).where(
            OBSERVATIONS.c.model == model, OBSERVATIONS.c.key == key
        )
        with self._engine.connect().execution_options(reading=True) as connection:
            found = connection.execute(asked).one_or_none()
        return None if found is None else (str(found[0]), str(found[1]))

    def add(self, observations: Sequence[Observation]) -> list[int]:
        """Keep them, all or none; the number of each."""
        now, rows, scores, numbers = time.time(), list[dict[str, Any]](), list[dict[str, Any]](), list[int]()
        with self._engine.begin() as connection:
            for one in observations:
                values = {"model": one.model, "key": one.key, "digest": one.digest, "revise": int(one.revise)}
                added = connection.execute(insert(OBSERVATIONS).values(**values, answer=one.answer, created=now))
                assert added.inserted_primary_key is not None
                numbers.append(int(added.inserted_primary_key[0]))
                rows += _rows_of(one, numbers[-1])
                scores += [{"seq": numbers[-1], "model": one.model, **vars(scored)} for scored in one.scores]
            if rows:
                connection.execute(insert(OBSERVED), rows)
            if scores:
                connection.execute(insert(SCORES), scores)
        return numbers

    def after(self, model: str, seq: int) -> Iterator[tuple[int, bool, list[dict[str, Any]]]]:
        """Number, ``revise`` and rows of each later observation of a model, in their order."""
        while True:
            asked = (
                select(OBSERVATIONS.c.seq, OBSERVATIONS.c.revise)
                .where(OBSERVATIONS.c.model == model, OBSERVATIONS.c.seq > seq)
                .order_by(OBSERVATIONS.c.seq)
                .limit(AT_ONCE)
            )
            with self._engine.connect().execution_options(reading=True) as connection:
                heads = connection.execute(asked).all()
                if not heads:
                    return
                rows = connection.execute(
                    select(OBSERVED.c.seq, OBSERVED.c.cells)
                    .where(OBSERVED.c.seq.between(heads[0][0], heads[-1][0]), OBSERVED.c.model == model)
                    .order_by(OBSERVED.c.seq, OBSERVED.c.place)
                ).all()
            held: dict[int, list[dict[str, Any]]] = {number: [] for number, _ in heads}
            for number, cells in rows:
                held[number].append(json.loads(cells))
            for number, revise in heads:
                yield int(number), bool(revise), held[number]
            seq = int(heads[-1][0])

    def last(self, model: str) -> int:
        """Number of the last observation of a model; 0 = there is none."""
        asked = select(func.coalesce(func.max(OBSERVATIONS.c.seq), 0)).where(OBSERVATIONS.c.model == model)
        with self._engine.connect().execution_options(reading=True) as connection:
            return int(connection.execute(asked).scalar_one())

    def scores(self, model: str, series: str, limit: int) -> list[Scored]:
        """The newest scores of a series, the oldest of them first."""
        columns = [SCORES.c[name] for name in Scored.__dataclass_fields__]
        asked = select(*columns).where(SCORES.c.model == model, SCORES.c.series == series)
        with self._engine.connect().execution_options(reading=True) as connection:
            found = connection.execute(asked.order_by(desc(SCORES.c.seq), desc(SCORES.c.place)).limit(limit)).all()
        return [_read(row) for row in reversed(found)]

    def counts(self, model: str) -> dict[str, int]:
        """Rows of a model by what became of them."""
        asked = select(OBSERVED.c.kind, func.count()).where(OBSERVED.c.model == model).group_by(OBSERVED.c.kind)
        with self._engine.connect().execution_options(reading=True) as connection:
            return {kind: int(count) for kind, count in connection.execute(asked)}


def _read(row: Row[Any]) -> Scored:
    held = dict(row._mapping)
    inside = {name: None if held[name] is None else bool(held[name]) for name in ("inside_80", "inside_95")}
    return Scored(**{**held, **inside})


def _rows_of(one: Observation, number: int) -> Iterator[dict[str, Any]]:
    for place, (series, when, kind, cells) in enumerate(one.rows):
        text = json.dumps(cells, ensure_ascii=False)
        yield {
            "seq": number,
            "place": place,
            "model": one.model,
            "series": series,
            "time": when,
            "kind": kind,
            "cells": text,
        }
