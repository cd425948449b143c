"""What the service takes at most; every number has its unit and can be set with ``--limit NAME=VALUE``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from gatecast.errors import ConfigError, did_you_mean

__all__ = ["LIMITS", "Limits"]

MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """Limits of the service.

    Args:
        body: bytes of a request's body.
        in_flight: bytes of all bodies together that are being worked on.
        upload: bytes of an uploaded table or model.
        unpacked: bytes of an uploaded file once it is unpacked.
        series: series of a request.
        rows: rows of a request, of all its series together.
        table_rows: rows of an uploaded table.
        waiting: requests for forecasts and for new rows that wait for their turn; more are turned away.
        tables: uploaded tables that wait to be looked at.
        queue: jobs that wait.
        jobs: jobs that are kept, with their files; the oldest finished ones give way.
        models: models in the store.
        rate: requests a second of one token, on average over ten seconds; without tokens there is no such limit.
        seconds: that an answer may take.
        body_seconds: that the head of a request may take to arrive, and its body too.
        job_seconds: that a job may take.
        memory: bytes that a process for tables and jobs may take.
        streams: open streams of events.
    """

    body: int = 16 * MIB
    in_flight: int = 256 * MIB
    upload: int = 64 * MIB
    unpacked: int = 512 * MIB
    series: int = 10_000
    rows: int = 200_000
    table_rows: int = 5_000_000
    waiting: int = 512
    tables: int = 16
    queue: int = 32
    jobs: int = 200
    models: int = 1_000
    rate: int = 200
    seconds: int = 60
    body_seconds: int = 30
    job_seconds: int = 6 * 3600
    memory: int = 4096 * MIB
    streams: int = 64

    def changed(self, words: Sequence[str]) -> Limits:
        """The same with some of them changed by words such as "body=1000000". Raises ConfigError."""
        known = [field.name for field in fields(self)]
        found = dict[str, int]()
        for word in words:
            name, _, text = word.partition("=")
            if name not in known:
                raise ConfigError(
                    f"there is no limit {name!r}{did_you_mean(name, known)}. There are {', '.join(known)}."
                )
            if not text.isdecimal() or int(text) < 1:
                raise ConfigError(f"the limit {name} has to be a whole number above 0; got {text!r}.")
            found[name] = int(text)
        return Limits(**{**vars(self), **found})


LIMITS = Limits()
