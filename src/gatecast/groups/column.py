"""Which group every series is in: what a column that is constant in each series says.

series   north · 1   north · 2   south · 1          groups="region", a key column of several
region   north       north       south              groups="region", a static covariate
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from gatecast.data.panel import Panel
from gatecast.data.scan.source import PanelSource
from gatecast.errors import Argument, ConfigError, did_you_mean, listed

if TYPE_CHECKING:
    import polars as pl

__all__ = ["groups_of", "members_of", "sources_of"]


def groups_of(panel: Panel, column: str) -> list[str]:
    """The name of the group of each of the N series.

    Args:
        panel: all series.
        column: a static covariate, the series column, or one of several that name the series together.

    Raises:
        ConfigError: no such column says something of whole series.
    """
    keys = panel.labels.keys or (panel.names[0],)
    if column in keys:
        held = dict(panel.labels.values)
        return [_name(held[name][keys.index(column)]) if panel.labels.keys else name for name in panel.ids]
    start = 0
    for one in panel.schema.static:
        if one.name == column:
            values_NW = panel.static_NS[:, start : start + one.width]
            if one.categories is None:
                return [_name(float(value)) for value in values_NW[:, 0]]
            return [one.categories[code] for code in values_NW.argmax(axis=1)]
        start += one.width
    raise _unknown(column, [*keys, *(one.name for one in panel.schema.static)])


def members_of(panel: Panel, column: str) -> dict[str, np.ndarray]:
    """Group -> positions of its series, the groups in the order of their names. Raises ConfigError as ``groups_of``."""
    named = np.array(groups_of(panel, column), object)
    return {name: np.flatnonzero(named == name) for name in sorted(set(named.tolist()))}


def sources_of(source: PanelSource, column: str) -> dict[str, PanelSource]:
    """Group -> the source of its series, of which only the index is cut; for samples, not for shards.

    Raises:
        ConfigError: no such column says something of whole series.
    """
    static = [one.name for one in source.schema.static]
    if column not in (*source.keys, *static):
        raise _unknown(column, [*source.keys, *static])
    values = source.index[column] if column in source.keys else _static_of(source, column)
    places: dict[str, list[int]] = {}
    for n, value in enumerate(values.to_list()):
        places.setdefault(_name(value), []).append(n)
    return {name: replace(source, index=source.index[places[name]]) for name in sorted(places)}


def _static_of(source: PanelSource, column: str) -> pl.Series:
    """The static covariate of every row of the index, from one more pass over the files."""
    import polars as pl

    keys = list(source.keys)
    parts = [
        pl.scan_parquet(file).group_by(keys).agg(pl.col(column).first()).collect(engine="streaming")
        for file in source.files
    ]
    known = pl.concat(parts, how="vertical_relaxed").unique(keys, keep="first")
    return source.index.join(known, on=keys, how="left", maintain_order="left")[column]


def _name(value: object) -> str:
    """A value of the column as the name of a group: 3.0 is "3"."""
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _unknown(column: str, known: list[str]) -> ConfigError:
    return ConfigError(
        Argument("groups", of="groups"),
        f": {column!r} is no column that says something of whole series{did_you_mean(column, known)}. There are "
        f"{listed(known, 9)}. Read the table with ",
        Argument("static", of="read"),
        " or ",
        Argument("series", of="read"),
        " naming it.",
    )
