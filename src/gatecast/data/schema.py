"""What the columns of a panel mean: targets, past, future and static covariates, and their categories."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gatecast.errors import CovariateError, did_you_mean, listed

__all__ = ["Column", "Schema", "width_of"]


@dataclass(frozen=True)
class Column:
    """One covariate. ``categories`` is None for numbers; else the column is one-hot encoded in that order."""

    name: str
    categories: tuple[str, ...] | None = None

    @property
    def width(self) -> int:
        """Number of numeric columns that it takes in the buffer."""
        return 1 if self.categories is None else len(self.categories)

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """One-hot encode labels (T,) -> (T, width) float32. Raises CovariateError for an unknown category."""
        assert self.categories is not None
        text = np.asarray(labels).astype(str)
        unknown = sorted(set(text.tolist()) - set(self.categories))
        if unknown:
            raise CovariateError(
                f"covariate {self.name!r} has unknown categories {listed([repr(u) for u in unknown])}"
                f"{did_you_mean(unknown[0], self.categories)}. Known: {listed(self.categories, 12)}."
            )
        return (text[:, None] == np.asarray(self.categories)[None, :]).astype(np.float32)


def width_of(columns: Iterable[Column]) -> int:
    """Numeric columns that covariates take together."""
    return sum(column.width for column in columns)


@dataclass(frozen=True)
class Schema:
    """The columns of a panel's buffer, in this order: targets (C), past covariates (P), future covariates (F)."""

    targets: tuple[str, ...]
    past: tuple[Column, ...] = ()
    future: tuple[Column, ...] = ()
    static: tuple[Column, ...] = ()

    @property
    def past_slice(self) -> slice:
        """Where the past covariates lie among the buffer's columns."""
        start = len(self.targets)
        return slice(start, start + width_of(self.past))

    @property
    def future_slice(self) -> slice:
        """Where the future covariates lie among the buffer's columns."""
        start = self.past_slice.stop
        return slice(start, start + width_of(self.future))

    @property
    def width(self) -> int:
        """Number of columns of the buffer."""
        return int(self.future_slice.stop)

    def category_slice(self, name: str) -> slice:
        """Where the one-hot columns of a categorical future covariate lie. Raises CovariateError if there is none."""
        start = self.future_slice.start
        for column in self.future:
            if column.name == name and column.categories is not None:
                return slice(start, start + column.width)
            start += column.width
        known = [column.name for column in self.future if column.categories is not None]
        raise CovariateError(
            f"there is no categorical future covariate {name!r}{did_you_mean(name, known)}. Known: {listed(known)}."
        )
