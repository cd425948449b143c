"""The losses: one row for each, with what training, forecasting, files and help have to know of it.

A new loss is a head in a file of its own and a row here. Importing the table loads no torch: heads are found by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal

from gatecast.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from gatecast.model.heads import Head

__all__ = ["LOSSES", "Kind", "Loss", "loss_named", "losses_of"]

Kind = Literal["point", "quantile", "likelihood"]


@dataclass(frozen=True)
class Loss:
    """One row of the table.

    Args:
        name: as settings, files and the command line have it.
        head: its ``Head`` class, as module:class.
        kind: point: one number per step; quantile: one for each level; likelihood: the parameters of a distribution.
        raws: raw outputs R per step and target; None = one for each level.
        help: what it is, in a few words.
        counts: its data are whole numbers from 0 on, forecast in their own unit.
        native: the kernels train it too.
    """

    name: str
    head: str
    kind: Kind
    raws: int | None
    help: str
    counts: bool = False
    native: bool = False

    def raw_outputs(self, levels: int) -> int:
        """Raw outputs R per step and target for so many quantile levels.

        >>> [LOSSES[name].raw_outputs(5) for name in ("pinball", "student-t", "mae")]
        [5, 3, 1]
        """
        return levels if self.raws is None else self.raws

    def head_class(self) -> type[Head]:
        """The class of its head; imports it, and torch with it."""
        module, name = self.head.split(":")
        found: type[Head] = getattr(import_module(module), name)
        return found


_HEADS = "gatecast.model.heads"
_ROWS = (
    Loss("pinball", f"{_HEADS}:QuantileHead", "quantile", None, "every quantile, the median first", native=True),
    Loss("mse", f"{_HEADS}:SquaredHead", "point", 1, "squared error", native=True),
    Loss("mae", f"{_HEADS}:AbsoluteHead", "point", 1, "absolute error", native=True),
    Loss("huber", f"{_HEADS}:HuberHead", "point", 1, "squared error up to 1, absolute beyond", native=True),
    Loss("gaussian", f"{_HEADS}:GaussianHead", "likelihood", 2, "mean and standard deviation of a normal distribution"),
    Loss("student-t", f"{_HEADS}:StudentTHead", "likelihood", 3, "Student's t, which has heavy tails"),
    Loss("negative-binomial", f"{_HEADS}:NegativeBinomialHead", "likelihood", 2, "counts", counts=True),
)
LOSSES = {row.name: row for row in _ROWS}


def loss_named(name: str) -> Loss:
    """The row of a loss. Raises ConfigError for an unknown one."""
    if name not in LOSSES:
        raise ConfigError(f"unknown loss {name!r}{did_you_mean(name, LOSSES)}. Known: {', '.join(LOSSES)}.")
    return LOSSES[name]


def losses_of(*kinds: Kind, counts: bool = False) -> tuple[str, ...]:
    """Names of the losses of some kinds, for counts or not, in the order of the table.

    >>> losses_of("point")
    ('mse', 'mae', 'huber')
    """
    return tuple(row.name for row in LOSSES.values() if row.kind in kinds and row.counts == counts)
