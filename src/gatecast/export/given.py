"""What a caller of a graph gives, and what the network reads of it beside the targets.

    history (B, W, C)        the last W steps of each series
    past    (B, W, P)        past covariates of the same steps
    future  (B, W + H, F)    future covariates of the same steps and of the H after them
    static  (B, S)           constants of each series
    time    (B,)             time of the last step, a whole number
    series  (B,)             place of each series in the list of those with numbers of their own

Only history is always there. Categories are columns of 0 and 1, one for each.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatecast.data.frequency import Frequency
from gatecast.data.schema import Column, Schema
from gatecast.export.graph import Graph, Value, concat
from gatecast.windows.calendar import LENGTHS, MONDAY, PLACES, TIE, Cycle, steps_in, waves_of
from gatecast.windows.channels import Layout
from gatecast.windows.covariate_scale import CovariateScale

__all__ = ["Given", "column_names", "time_unit"]


@dataclass(frozen=True)
class Given:
    """The inputs of a graph, float64 but for time and series (int64); None = there is no such input.

    Args:
        history: (B, W, C).
        steps: W.
        others: the others, by name.
    """

    history: Value
    steps: int
    others: Mapping[str, Value]

    @classmethod
    def of(cls, graph: Graph, schema: Schema, told: Mapping[str, Any]) -> Given:
        """The inputs of a graph whose metadata are ``told``."""
        steps, horizon = told["history"], told["horizon"]
        about = "the last steps of each series, the newest at the end"
        history = graph.input("history", np.float64, ("windows", steps, len(schema.targets)), about)
        others = {}
        for name, rows, said in (
            ("past", (steps,), "past covariates of the same steps"),
            ("future", (steps + horizon,), "future covariates of the same steps and of those to forecast"),
            ("static", (), "constants of each series"),
        ):
            if columns := told[name]:
                others[name] = graph.input(name, np.float64, ("windows", *rows, len(columns)), said)
        if unit := told["time"]:
            others["time"] = graph.input("time", np.int64, ("windows",), f"time of the last step, in {unit}")
        if told["series"]:
            said = "place of each one's series in the list; -1 = another"
            others["series"] = graph.input("series", np.int64, ("windows",), said)
        return cls(history, steps, others)

    def channels(self, layout: Layout, scale: CovariateScale) -> dict[str, Value]:
        """By name, what the network reads beside level and residual: (B, L, W) float32 each, or (B, 1, W)."""
        lookback, found = layout.framing.lookback, {}
        if "past" in self.others:
            found["past"] = self._scaled("past", layout.schema, scale)[:, -lookback:]
        if "future" in self.others:  # what is known of the step after each
            begin = self.steps - lookback + 1
            found["future"] = self._scaled("future", layout.schema, scale)[:, begin : begin + lookback]
        if "static" in self.others:
            width = len(column_names(layout.schema.static))
            found["static"] = self._scaled("static", layout.schema, scale).reshape(0, 1, width)
        for cycle in layout.framing.calendar:
            found[cycle] = _waves(self.others["time"], cycle, layout)
        return found

    def ahead(self, schema: Schema, scale: CovariateScale) -> Value | None:
        """(B, H, F) future covariates of the steps to forecast, float32."""
        return self._scaled("future", schema, scale)[:, self.steps :] if "future" in self.others else None

    def _scaled(self, name: str, schema: Schema, scale: CovariateScale) -> Value:
        """A missing one is the mean, which is 0; see ``CovariateScale``."""
        widths = [len(column_names(columns)) for columns in (schema.past, schema.future, schema.static)]
        place = ("past", "future", "static").index(name)
        columns = slice(sum(widths[:place]), sum(widths[: place + 1]))
        scaled = (self.others[name] - scale.location_V[columns]) / scale.spread_V[columns]
        missing = scaled.graph.node("IsNaN", scaled, dtype=np.bool_)
        return missing.where(0.0, scaled).cast(np.float32)


def column_names(columns: Sequence[Column]) -> list[str]:
    """The columns of an input: a category is "name=category"."""
    return [
        name
        for one in columns
        for name in ([one.name] if one.categories is None else [f"{one.name}={label}" for label in one.categories])
    ]


def time_unit(frequency: Frequency, read: bool) -> str | None:
    """What the time of a step is counted in, where it is read."""
    if not read:
        return None
    return "months since 1970-01" if frequency.unit == "month" else "microseconds since 1970-01-01"


def _waves(time_B: Value, cycle: Cycle, layout: Layout) -> Value:
    """(B, L, 2 waves) where the step after each lies in a cycle; see ``windows.calendar``."""
    frequency, lookback = layout.frequency, layout.framing.lookback
    length = 12 if frequency.unit == "month" else round(LENGTHS[cycle])
    since_B = time_B - (MONDAY if cycle == "week" else 0)
    phase_B1 = (since_B % length).cast(np.float64).reshape(-1, 1) / float(length)
    after_L = np.arange(2 - lookback, 2) / steps_in(cycle, frequency)
    place_BL1 = ((phase_B1 + after_L) * float(PLACES) + TIE).function("Floor").reshape(0, lookback, 1)
    waves = waves_of((cycle,), frequency, layout.framing.year_waves)[0]
    turn_BLW = place_BL1 * (2 * math.pi / PLACES * np.arange(1, waves + 1))
    return concat([turn_BLW.function("Sin"), (turn_BLW + math.pi / 2).function("Sin")], 2).cast(np.float32)
