"""Irregular rows into the regular steps of a panel, by a stated rule.

    rows    a ·  b c d ·    · e ·            times as they came, also several at once
    bins   |─────|─────|─────|─────|         see ``bins``
    panel    ab    cd   (none)  e            one value per bin: the rule over what was observed in it

Targets and numbers among the past covariates follow the rule. Categories and future covariates take the last value:
that is what is known at the end of the bin. A bin in which nothing was observed is missing and is not filled, also
by the sum, for nothing seen is not zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from gatecast.data.tables.problems import Problems
from gatecast.data.tables.resampling_grid import Binning
from gatecast.errors import Argument, ConfigError, Setting, did_you_mean, listed

__all__ = ["RULES", "Bins", "Rule", "check_rule", "make_bins"]

Rule = Literal["mean", "sum", "median", "min", "max", "first", "last"]
RULES: tuple[Rule, ...] = get_args(Rule)

# A wrong year among the times must not ask for all memory: so many bins per row, and so many in all, are a mistake.
_BINS_PER_ROW, _BINS = 1000, 10_000_000


def check_rule(rule: str | None) -> None:
    """Raise ConfigError for an unknown rule."""
    if rule is not None and rule not in RULES:
        told = f"={rule!r} is unknown{did_you_mean(rule, RULES)}. Known: {listed(RULES, 9)}."
        raise ConfigError(Argument("resample", of="read"), told)


@dataclass(frozen=True)
class Bins:
    """Where the rows of a table go.

    Args:
        source_R: (R,) rows of the table, in the order of series and time.
        first_B: (B,) place in ``source_R`` of the first row of each bin that has rows; bins lie one after the other.
        place_B: (B,) row of the panel of each such bin.
        length: (N,) bins of each series in the panel, empty ones among them.
        starts: (N,) time of the first bin of each series.
    """

    source_R: np.ndarray
    first_B: np.ndarray
    place_B: np.ndarray
    length: np.ndarray
    starts: np.ndarray

    def aggregate(self, values_RV: np.ndarray, rule: Rule) -> np.ndarray:
        """Rows of the table (R', V) -> rows of the panel (sum of ``length``, V); missing values take no part."""
        made_RV = np.full((int(self.length.sum()), values_RV.shape[1]), np.nan, values_RV.dtype)
        if values_RV.shape[1]:
            made_RV[self.place_B] = self._values(values_RV[self.source_R], rule)
        return made_RV

    def _values(self, values_RV: np.ndarray, rule: Rule) -> np.ndarray:
        """(B, V) one value per bin with rows."""
        if rule in ("min", "max"):
            least = np.fmin if rule == "min" else np.fmax
            return np.asarray(least.reduceat(values_RV, self.first_B, axis=0))
        seen_RV = ~np.isnan(values_RV)
        if rule in ("first", "last"):
            return self._at(values_RV, self._edge(seen_RV, rule))
        count_BV = np.add.reduceat(seen_RV, self.first_B, axis=0, dtype=np.int64)
        if rule == "median":
            return self._median(values_RV, count_BV)
        if rule == "sum":
            total_BV = np.add.reduceat(np.where(seen_RV, values_RV, 0), self.first_B, axis=0)
            return np.where(count_BV > 0, total_BV, np.nan)
        # the mean as distance from the first value: that of equal values is their value, to the last digit
        begin_BV = self._at(values_RV, self._edge(seen_RV, "first"))
        begin_RV = np.repeat(begin_BV, np.diff(self.first_B, append=len(values_RV)), axis=0)
        total_BV = np.add.reduceat(np.where(seen_RV, values_RV - begin_RV, 0), self.first_B, axis=0)
        return np.asarray(begin_BV + total_BV / np.maximum(count_BV, 1))

    def _edge(self, seen_RV: np.ndarray, rule: Rule) -> np.ndarray:
        """(B, V) place of the first or last observed row of each bin; -1 where there is none."""
        rows = len(seen_RV)
        row_R1 = np.arange(rows)[:, None]
        if rule == "last":
            return np.asarray(np.maximum.reduceat(np.where(seen_RV, row_R1, -1), self.first_B, axis=0))
        edge_BV = np.minimum.reduceat(np.where(seen_RV, row_R1, rows), self.first_B, axis=0)
        return np.where(edge_BV < rows, edge_BV, -1)

    @staticmethod
    def _at(values_RV: np.ndarray, row_BV: np.ndarray) -> np.ndarray:
        taken_BV = np.take_along_axis(values_RV, np.maximum(row_BV, 0), axis=0)
        return np.where(row_BV >= 0, taken_BV, np.nan)

    def _median(self, values_RV: np.ndarray, count_BV: np.ndarray) -> np.ndarray:
        """The middle value, or the mean of the middle two."""
        bin_R = np.repeat(np.arange(len(self.first_B)), np.diff(self.first_B, append=len(values_RV)))
        order_RV = np.stack([np.lexsort((value_R, bin_R)) for value_R in values_RV.T], axis=1)  # missing ones go last
        sorted_RV = np.take_along_axis(values_RV, order_RV, axis=0)
        first_B1 = self.first_B[:, None]
        none_BV = count_BV == 0
        low_BV = self._at(sorted_RV, np.where(none_BV, -1, first_B1 + (count_BV - 1) // 2))
        high_BV = self._at(sorted_RV, np.where(none_BV, -1, first_B1 + count_BV // 2))
        return np.asarray(low_BV + (high_BV - low_BV) / 2)


def make_bins(
    series_R: np.ndarray,
    stored_R: np.ndarray,
    order_R: np.ndarray,
    ids: tuple[str, ...],
    *,
    bins: Binning,
    problems: Problems,
) -> Bins | None:
    """Put rows into the bins of a frequency.

    Args:
        series_R: (R,) series of each row, 0 .. N-1, each with a row; sorted by series and time.
        stored_R: (R,) times in the stored form of the frequency.
        order_R: (R,) rows of the table.
        ids: N names.
        bins: the bins.
        problems: is told where the bins are far more than the rows.

    Returns:
        The bins, or None where there are too many.
    """
    frequency = bins.frequency
    number_R = bins.number(stored_R)
    new_R = np.ones(len(series_R), bool)
    new_R[1:] = (series_R[1:] != series_R[:-1]) | (number_R[1:] != number_R[:-1])
    first_B = np.flatnonzero(new_R)
    series_B, number_B = series_R[first_B], number_R[first_B]
    first_N = np.searchsorted(series_B, np.arange(len(ids)))
    last_N = np.append(first_N[1:], len(series_B)) - 1
    length_N = number_B[last_N] - number_B[first_N] + 1
    total = int(length_N.astype(float).sum())
    if total > _BINS and total > _BINS_PER_ROW * len(series_R):
        worst = int(length_N.argmax())
        span = " to ".join(frequency.label(time) for time in bins.label(number_B[[first_N[worst], last_N[worst]]]))
        told = f"{len(series_R):,} rows would become {total:,} {frequency.plural(total)}"
        remedy = ("Pass a longer step as ", Setting("frequency", of="read"), ", or correct the times.")
        problems.found.append((f"{told} (series {ids[worst]!r}: {span}). ", remedy))
        return None
    before_N = np.cumsum(length_N) - length_N
    place_B = number_B - number_B[first_N][series_B] + before_N[series_B]
    return Bins(order_R, first_B, place_B, length_N, bins.label(number_B[first_N]))
