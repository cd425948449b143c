"""The rows of a shard as panels: series that cannot be read or forecast are set aside, the others are not held up.

a b c d e f   fails          a b c        d e f   fails      d     e f   fails     e       f
└─ halves ──▶  works        └─ halves ──▶    works   └─ halves ──▶   fails   works
└─ a problem, with its reason
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from gatecast.errors import ConfigError, GatecastError, WindowError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["PROBLEM_COLUMNS", "Problem", "problem_frame", "worked"]

Made = TypeVar("Made")
Problem = tuple[str, str, str]  # series, kind, reason
PROBLEM_COLUMNS = ("series", "kind", "reason")
LONGEST_REASON = 300


def worked(
    frame: pl.DataFrame, keys: Sequence[str], work: Callable[[pl.DataFrame], Made]
) -> Iterator[Made | list[Problem]]:
    """What ``work`` makes of as many rows at a time as it can, and a problem for each series that it cannot take.

    Raises:
        ConfigError: of ``work``: that is no matter of single series.
    """
    try:
        yield work(frame)
        return
    except ConfigError:
        raise
    except GatecastError as error:
        reason = " ".join(str(error).split())[:LONGEST_REASON]
        kind = "short" if isinstance(error, WindowError) else "failed"
    names = frame.select(keys).unique(maintain_order=True)
    if names.height < 2:
        yield [(_name(names), kind, reason)]
        return
    for begin, stop in ((0, names.height // 2), (names.height // 2, names.height)):
        half = frame.join(names.slice(begin, stop - begin), on=list(keys), how="semi", maintain_order="left")
        yield from worked(half, keys, work)


def problem_frame(problems: Sequence[Problem]) -> pl.DataFrame:
    """Problems as a table: series, kind ("short" or "failed"), reason."""
    import polars as pl

    return pl.DataFrame(list(problems), schema=dict.fromkeys(PROBLEM_COLUMNS, pl.String), orient="row")


def _name(names: pl.DataFrame) -> str:
    from gatecast.data.tables.intake import KEY_JOIN

    return KEY_JOIN.join(map(str, names.row(0)))
