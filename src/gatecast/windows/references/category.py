"""The usual value of the category that the target's step will have, which is known in advance.

at origin t     median of the last d values up to t whose steps were of the category of t+h
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Self, final

import numpy as np

from gatecast.errors import ConfigError
from gatecast.windows.references.reference import Before, BoundReference, Reference

if TYPE_CHECKING:
    from gatecast.data.panel import Panel
    from gatecast.data.schema import Schema
    from gatecast.windows.targets import TargetRows

__all__ = ["Category", "category_table"]

QUOTED = re.compile(r'"((?:[^"]|"")*)"(?:/(.*))?', re.DOTALL)


@final
@dataclass(frozen=True)
class Category(Reference):
    """The usual value of the same category, of day say; where it has not come yet, the last value.

    Args:
        name: of the categorical future covariate.
        depth: the median of that many values of the category (1 = the latest one alone).
    """

    name: str
    depth: int = 1

    word: ClassVar[str] = "category-difference"
    wants: ClassVar[str] = "the name of a categorical future covariate, such as category-difference:day/6,"
    goes_on: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not self.name or self.depth < 1:
            raise ConfigError(f"{self.word} needs {self.wants} with depth >= 1; got {self.name!r} and {self.depth}.")

    @classmethod
    def parse(cls, argument: str) -> Self:
        """Read ``name``, ``name/depth`` or, for a name that the text could not hold else, ``"name"/depth``.

        >>> Category.parse("day/6"), Category.parse('"day + night"/2')
        (Category(name='day', depth=6), Category(name='day + night', depth=2))
        """
        if not argument:
            raise ValueError
        if argument.startswith('"'):
            quoted = QUOTED.fullmatch(argument)
            if quoted is None:
                raise ValueError
            return cls(quoted[1].replace('""', '"'), 1 if quoted[2] is None else int(quoted[2]))
        name, slash, depth = argument.rpartition("/")
        return cls(name, int(depth)) if slash else cls(argument)

    def describe(self) -> str:
        """As ``parse`` reads it: the last slash is always that of the depth, "+" and outer spaces stand in quotes."""
        name = self.name
        depth = f"/{self.depth}" if self.depth > 1 or "/" in name else ""
        if "+" in name or name != name.strip() or name.startswith('"'):
            name = '"' + name.replace('"', '""') + '"'
        return f"{self.word}:{name}{depth}"

    def bind(self, panel: Panel, rows: TargetRows) -> BoundReference:
        return _CategoryRows(self, panel, rows, None)

    def resume(self, panel: Panel, rows: TargetRows, before: Before) -> BoundReference:
        return _CategoryRows(self, panel, rows, before)

    def state_shape(self, schema: Schema) -> tuple[int, ...]:
        """The last ``depth`` values of each category; nan where there is none."""
        columns = schema.category_slice(self.name)
        return columns.stop - columns.start, self.depth, len(schema.targets)

    @property
    def reach(self) -> int:
        return 0

    @property
    def column(self) -> str:
        return self.name


@final
class _CategoryRows(BoundReference):
    def __init__(self, reference: Category, panel: Panel, rows: TargetRows, before: Before | None) -> None:
        self._reference, self._panel, self._rows, self._before = reference, panel, rows, before

    def state_at(self, series_M: np.ndarray, row_M: np.ndarray) -> np.ndarray:
        panel, depth = self._panel, self._reference.depth
        observed_R, groups = self._observed_R
        state_MGDC = np.full((len(series_M), groups, depth, len(panel.targets)), np.nan)
        for m, (n, row) in enumerate(zip(series_M.tolist(), row_M.tolist(), strict=True)):
            rows = slice(int(panel.first[n]), row)
            for group in range(groups):
                values_MC = self._rows[rows][observed_R[rows] == group]
                padded_MC = _padded(values_MC, depth, None if self._before is None else self._before.state[n, group])
                if len(padded_MC):
                    state_MGDC[m, group] = padded_MC[-depth:]
        return state_MGDC

    def at(self, series_B: np.ndarray, first_B1: np.ndarray, origin_BK: np.ndarray, horizon: int) -> np.ndarray:
        usual_RGC, category_R = self._tables
        origin_BK1 = origin_BK[:, :, None]
        target_BKH = np.minimum(origin_BK1 + np.arange(1, horizon + 1), len(category_R) - 1)
        usual_BKHC = usual_RGC[origin_BK1, category_R[target_BKH]]
        return np.where(np.isnan(usual_BKHC), self._rows[origin_BK][:, :, None], usual_BKHC)

    @cached_property
    def _tables(self) -> tuple[np.ndarray, np.ndarray]:
        """(R, G, C) usual value of each category, and (R,) the category of each row."""
        panel, depth = self._panel, self._reference.depth
        observed_R, groups = self._observed_R
        state = None if self._before is None else self._before.state
        table_RGC = category_table(self._rows, panel.first, panel.length, observed_R, groups, depth, state)
        return table_RGC, self._category_R

    @cached_property
    def _category_R(self) -> np.ndarray:
        """(R,) the category of each row."""
        columns = self._panel.schema.category_slice(self._reference.name)
        return np.asarray(self._panel.values_RV[:, columns].argmax(axis=1))

    @property
    def _observed_R(self) -> tuple[np.ndarray, int]:
        """(R,) the category of each row that was observed, else -1, for a filled value is that of another one; G."""
        columns, seen_RC = self._panel.schema.category_slice(self._reference.name), self._rows.seen_RC
        category_R = self._category_R
        observed_R = category_R if seen_RC is None else np.where(seen_RC.all(axis=1), category_R, -1)
        return observed_R, columns.stop - columns.start


def category_table(
    u_RC: np.ndarray | TargetRows, first: np.ndarray, length: np.ndarray, category_R: np.ndarray, groups: int,
    depth: int, before_NGDC: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """(R, G, C): at each row, the median of the last ``depth`` values of each category in that series; NaN before any.

    A median, so that one odd day (a storm, a strike) does not become tomorrow's reference. ``before_NGDC`` are the last
    values before the first row of each series, nan for none.
    """
    table_RGC = np.full((len(u_RC), groups, u_RC.shape[1]), np.nan, u_RC.dtype)
    for n in range(len(first)):
        rows = slice(int(first[n]), int(first[n] + length[n]))
        for group in range(groups):
            before_DC = None if before_NGDC is None else before_NGDC[n, group]
            table_RGC[rows, group] = _running_median(u_RC[rows], category_R[rows] == group, depth, before_DC)
    return table_RGC


def _running_median(u_TC: np.ndarray, chosen_T: np.ndarray, depth: int, before_DC: np.ndarray | None) -> np.ndarray:
    """(T, C) median of the last ``depth`` chosen values up to each step; NaN before the first."""
    result_TC = np.full_like(u_TC, np.nan)
    chosen_MC = u_TC[chosen_T]
    padded_MC = _padded(chosen_MC, depth, before_DC)
    if not len(padded_MC):
        return result_TC
    median_MC = np.median(np.lib.stride_tricks.sliding_window_view(padded_MC, depth, axis=0), axis=-1)
    place_T = np.cumsum(chosen_T) + len(median_MC) - len(chosen_MC) - 1
    result_TC[place_T >= 0] = median_MC[place_T[place_T >= 0]]
    return result_TC


def _padded(chosen_MC: np.ndarray, depth: int, before_DC: np.ndarray | None) -> np.ndarray:
    """Values with the ``depth`` before them in front; where there are none, with the first one repeated."""
    if before_DC is not None and np.isfinite(before_DC).all():
        return np.concatenate([before_DC.astype(chosen_MC.dtype), chosen_MC])
    return np.concatenate([np.repeat(chosen_MC[:1], depth - 1, axis=0), chosen_MC])
