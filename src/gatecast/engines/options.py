"""Where the work runs, as the user says it: arguments of a Forecaster and options of the commands.

None of this is a setting of a model: the same seed gives the same bytes on every engine, and no model file has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Literal, get_args

from gatecast.errors import Argument, ConfigError, did_you_mean, joined

__all__ = ["ENGINES", "EngineName", "EngineOptions"]

EngineName = Literal["serial", "threads", "processes", "ray"]
ENGINES: tuple[str, ...] = get_args(EngineName)


@dataclass(frozen=True)
class EngineOptions:
    """Where independent work runs: candidates, folds and members, refits, trials, shards of a source.

    Args:
        engine: serial, threads, processes, or ray (extra "ray"); the results are the same bytes on each.
        workers: Jobs at a time; as many as there are cores by default, or what a Ray cluster has room for.
        address: A running Ray cluster, such as auto or ray://head:10001; without it one is started on this machine.
    """

    engine: EngineName = "threads"
    workers: int | None = None
    address: str | None = None

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            hint = did_you_mean(str(self.engine), ENGINES)
            raise ConfigError(
                Argument("engine", of="forecaster"), f" must be {joined_names()}; got {self.engine!r}{hint}."
            )
        given: object = self.workers
        whole = isinstance(given, Integral) and not isinstance(given, bool)
        if given is not None and not (whole and int(str(given)) >= 1):
            told = f" must be a whole number, at least 1; got {self.workers!r}."
            raise ConfigError(joined("", [(Argument("workers", of="forecaster"), told)]))
        if self.address is not None and self.engine != "ray":
            raise ConfigError(
                Argument("address", of="forecaster"), f" is that of a Ray cluster; the engine is {self.engine}."
            )

    @property
    def workers_here(self) -> int | None:
        """Jobs at a time on this machine, as far as the user says; None = as many as there are cores."""
        return 1 if self.engine == "serial" else None if self.engine == "ray" else self.workers


def joined_names() -> str:
    """The engines in words."""
    return f"{', '.join(ENGINES[:-1])} or {ENGINES[-1]}"
