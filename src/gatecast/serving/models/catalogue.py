"""The models of the store, each loaded once."""

from __future__ import annotations

import re
import threading
import time
from typing import Any

from gatecast.errors import InputError, did_you_mean
from gatecast.live.live import Live
from gatecast.serving.models.served import (
    Served,
    about_file,
    live_bytes,
    live_from,
    model_bytes,
    opened,
    successor,
)
from gatecast.serving.problems import Problem
from gatecast.serving.store.model_rows import ModelRow, digest_of
from gatecast.serving.store.store import Store

__all__ = ["NAME", "Catalogue", "require_name"]

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"


def require_name(name: str) -> str:
    """A name of a model as it is; raises Problem for what could be anything else."""
    if not re.fullmatch(NAME, name):
        raise Problem(
            422,
            "The name of a model has letters, digits, dots, dashes and underscores, 64 at most, and "
            "begins with a letter or digit.",
            where="name",
            limit=64,
            remedy="Choose another name.",
        )
    return name


class Catalogue:
    """Models by name. It is changed by one thread at a time, that of the forecasts."""

    def __init__(self, store: Store, most: int) -> None:
        self._store, self._most = store, most
        self._loaded: dict[str, Served] = {}
        self._rows = {row.name: row for row in store.models.all()}
        self._lock = threading.RLock()

    def rows(self) -> list[ModelRow]:
        """All models of the store."""
        return sorted(self._rows.values(), key=lambda row: row.name)

    def row(self, name: str) -> ModelRow:
        """What is known of a model without loading it. Raises Problem where there is none of this name."""
        found = self._rows.get(name)
        if found is None:
            hint = did_you_mean(name, self._rows)
            raise Problem(
                404, f"There is no model {name[:64]!r}{hint}.", where="model", remedy="GET /v1/models lists them."
            )
        return found

    def loaded(self, name: str) -> Served | None:
        """A model that is in use already, and whole."""
        found = self._loaded.get(name)
        return None if found is None or found.broken else found

    def in_use(self) -> list[Served]:
        """All models that are loaded."""
        return list(self._loaded.values())

    def get(self, name: str) -> Served:
        """A model, loaded where it is not yet. Raises Problem where there is none of this name."""
        with self._lock:
            row, found = self.row(name), self.loaded(name)
            if found is None:
                found = self._loaded[name] = self._load(row)
            return found

    def _load(self, row: ModelRow) -> Served:
        content = self._store.models.content(row.name)
        if content is None:
            raise Problem(404, f"There is no model {row.name!r} any more.", where="model")
        fitted, _ = opened(content)
        state = self._store.models.state(row.name)
        seq, live = (0, Live(fitted)) if state is None else (state[0], live_from(state[1]))
        served = Served(row.name, row.digest, row.about, live.fitted, live, seq, seq)
        for number, revise, rows in self._store.rows.after(row.name, seq):
            live.observe(rows, revise=revise)
            served.seq = number
        return served

    def put(self, name: str, content: bytes, *, only_changed: bool = False) -> ModelRow:
        """Keep a model file under a name, and use it from now on.

        What is kept of the series that a model of this name follows goes over to the new one.

        Args:
            name: of the model.
            content: a model file, or that of a live model, whose series then are followed.
            only_changed: leave a model of this name as it is where it was made from the same file.

        Raises:
            ModelFileError: the file is damaged or unknown.
            Problem: there are too many models, or the new one does not go with the rows of the old one.
        """
        require_name(name)
        with self._lock:
            digest = digest_of(content)
            if only_changed and name in self._rows and self._rows[name].about.get("source") == digest:
                return self._rows[name]
            if name not in self._rows and len(self._rows) >= self._most:
                raise Problem(
                    409,
                    f"There are {self._most:,} models.",
                    where="name",
                    limit=self._most,
                    remedy="Delete one, or start the service with a larger limit models.",
                )
            fitted, live = opened(content)
            before = self.get(name) if name in self._rows else None
            live, seq = self._followed(fitted, live, before)
            own = content if fitted is not live.fitted or len(live) == 0 else model_bytes(fitted)
            about = {**about_file(own), "source": digest}
            self._store.models.put(name, own, about, (seq, live_bytes(live)))
            row = ModelRow(name, digest_of(own), about, time.time())
            self._rows[name] = row
            self._loaded[name] = Served(
                name, row.digest, about, fitted, live, seq, seq, 0 if before is None else before.version + 1
            )
            return row

    def _followed(self, fitted: Any, live: Live | None, before: Served | None) -> tuple[Live, int]:
        """The live model of a new model, and the last observation that it has seen."""
        if before is None:
            return Live(fitted) if live is None else live, 0
        if live is not None and not before.seq and not len(before.live):
            return live, 0
        try:
            return (successor(fitted, before.live) if live is None else live), before.seq
        except InputError as error:
            raise Problem(409, str(error), where="name", remedy="Choose another name, or delete that model.") from error

    def remove(self, name: str) -> None:
        """Drop a model with its rows. Raises Problem where there is none."""
        with self._lock:
            self.row(name)
            self._store.models.remove(name)
            self._rows.pop(name, None)
            self._loaded.pop(name, None)

    def save_states(self, least: int = 1) -> None:
        """Keep where live models stand that have seen so many observations since they were last kept."""
        with self._lock:
            for served in self.in_use():
                if served.seq - served.saved >= least and not served.broken:
                    self._store.models.save_state(served.name, served.seq, live_bytes(served.live))
                    served.saved = served.seq
