"""What every reference says of itself, and what it does once it is bound to the rows of a panel.

    u_t              transformed target at row t
    at(o)_h          reference of row o + h, made at origin o from rows <= o alone
    residual_t       u_t - at(t - 1)_1: what the reference made one step before left over

Shapes: B windows, K origins, H steps ahead, L lookback, T rows, C targets, P sample paths.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from gatecast.errors import ConfigError

if TYPE_CHECKING:
    from gatecast.data.panel import Panel
    from gatecast.data.schema import Schema
    from gatecast.windows.targets import TargetRows

__all__ = ["REAL_STEPS", "Before", "Block", "BoundReference", "Periodic", "Reference", "exact"]

REAL_STEPS = 3  # observed steps before a first forecast is trained


@dataclass(frozen=True)
class Block:
    """Regular windows, well inside their series with nothing missing, as a reference sees them.

    Args:
        u_BTC: transformed targets of rows in a row, the first one ``Reference.lead`` rows before the window's.
        series_B: series of each window.
        origin_B: row of each origin.
        lookback: L.
        horizon: H.
        origins: K, the last steps of the window.
    """

    u_BTC: np.ndarray
    series_B: np.ndarray
    origin_B: np.ndarray
    lookback: int
    horizon: int
    origins: int


@dataclass(frozen=True)
class Before:
    """What a reference has to know of the rows of N series that are not there any more.

    Args:
        steps: (N,) how many they are; 0 = the series begins with its first row.
        state: (N, ...) numbers, as each kind of reference needs them, in transformed units.
    """

    steps: np.ndarray
    state: np.ndarray


class BoundReference(ABC):
    """A reference over the rows of one panel."""

    def state_at(self, series_M: np.ndarray, row_M: np.ndarray) -> np.ndarray:
        """(M, ...) state of some series whose rows before ``row_M`` go; only where ``Reference.goes_on``.

        At these rows every target is observed, and a window with its season follows.
        """
        raise NotImplementedError

    @abstractmethod
    def at(self, series_B: np.ndarray, first_B1: np.ndarray, origin_BK: np.ndarray, horizon: int) -> np.ndarray:
        """Reference of the ``horizon`` steps after each origin, (B, K, H, C). Reads rows <= origin only.

        Args:
            series_B: series of each window.
            first_B1: row where it begins; nothing before it counts.
            origin_BK: rows >= ``first_B1``.
            horizon: H.
        """

    def blocks(self, block: Block) -> tuple[np.ndarray, np.ndarray]:
        """The same for regular windows, as views wherever that says it; only where ``Reference.in_blocks``.

        (B, T, C) reference of the window's rows, each made one step before, T >= L. Where T = L + H the rows after the
        origin are measured from it too, whichever origin they are forecast from.
        (B, K, H, C) reference of the steps after each of the K origins.
        """
        raise NotImplementedError


class Reference(ABC):
    """What a forecast is measured from: the simple forecast that the network has to improve.

    A kind of reference is a final frozen dataclass, listed by its word in ``gatecast.windows.reference.REFERENCES``.
    """

    word: ClassVar[str]  # its name in the text of a scaling
    wants: ClassVar[str] = "a number"  # what has to follow the word and a colon
    anchored: ClassVar[bool] = True  # False: there is nothing to measure from but the location of the window
    has_whole_history: ClassVar[bool] = False  # it follows the series from its beginning: a short window is enough
    in_blocks: ClassVar[bool] = False  # regular windows can be read by ``BoundReference.blocks``
    lead: ClassVar[int] = 0  # rows before the window that ``blocks`` wants to see too
    goes_on: ClassVar[bool] = False  # it reads all rows so far, and can go on from a state in place of the first ones

    # ---------------------------------------------------------------- text

    @classmethod
    @abstractmethod
    def parse(cls, argument: str) -> Reference:
        """Read what follows the word and a colon. Raises ValueError."""

    @abstractmethod
    def describe(self) -> str:
        """Word, colon and argument: the text that reads back as exactly this reference."""

    # ---------------------------------------------------------------- what it reads

    @abstractmethod
    def bind(self, panel: Panel, rows: TargetRows) -> BoundReference:
        """The reference over ``rows``, the transformed targets of a panel; nothing is computed before it is read."""

    def resume(self, panel: Panel, rows: TargetRows, before: Before) -> BoundReference:
        """The same over series that have lost their first rows; only where ``goes_on``."""
        raise NotImplementedError

    def state_shape(self, schema: Schema) -> tuple[int, ...]:
        """Shape of the state of one series; only where ``goes_on``."""
        raise NotImplementedError

    @property
    @abstractmethod
    def reach(self) -> int:
        """Rows of its series before a window that the references of the window's rows look at."""

    @property
    def observed_reach(self) -> int:
        """Of these, how many have to be observed in a regular window."""
        return self.reach

    @property
    def history_needed(self) -> int | None:
        """Steps that have to lie before lookback and horizon, with some to spare; None = all that there are."""
        return None

    @property
    def period(self) -> int:
        """Steps of its season; 1 = none."""
        return 1

    @property
    def main_season(self) -> int | None:
        """The season of the data that its choice takes for granted, if any."""
        return None

    @property
    def column(self) -> str | None:
        """The categorical future covariate that it reads, if any."""
        return None

    @property
    def residual_from(self) -> int:
        """Step of a series, counted from 0, from which residuals are known."""
        return 1

    @property
    def real_steps(self) -> int:
        """Steps of a series that its first trained origin waits for, where a window is measured by its own values."""
        return REAL_STEPS

    # ---------------------------------------------------------------- one step at a time

    @property
    def walk_rows(self) -> int | None:
        """Rows, up to and with the newest one, that ``next`` looks at; None: sample paths cannot be walked."""
        return None

    def next(self, u_PTC: np.ndarray, first_P: np.ndarray, at: int) -> np.ndarray:
        """(P, C) reference of the step after step ``at`` of private rows; only where ``walk_rows`` is not None.

        Args:
            u_PTC: values of each path; what comes after ``at`` is not read.
            first_P: step at which each path's series begins, below 0 where that is before its first row here.
            at: the newest step, at least ``walk_rows`` - 1.
        """
        raise NotImplementedError

    # ---------------------------------------------------------------- others like it

    @property
    def family(self) -> tuple[str, int]:
        """Equal for references so alike that one of them is enough among the candidates."""
        return self.word, self.period

    def variants(self, field: str, values: Iterable[float], steps: float) -> tuple[Reference, ...]:
        """The same with other values of a field that may be chosen freely; none where it has no such field.

        ``steps`` is the length of a typical series.
        """
        return ()


class Periodic(Reference):
    """A reference with a season: residuals are known, and training begins, one season later."""

    season: int

    @property
    def period(self) -> int:
        return self.season

    @property
    def residual_from(self) -> int:
        return self.season

    @property
    def real_steps(self) -> int:
        return REAL_STEPS + self.season


def exact(number: float) -> str:
    """The shortest text that reads back as the same number, without "+", which joins the parts of a scaling.

    >>> exact(0.1), exact(1 / 3), exact(1e20)
    ('0.1', '0.3333333333333333', '1e20')
    """
    number = float(number)
    short = f"{number:g}"
    return (short if float(short) == number else repr(number)).replace("e+", "e")


def nothing(word: str, argument: str) -> None:
    """Raise ConfigError where something follows a word that takes no value."""
    if argument:
        raise ConfigError(f"scaling {word!r} takes no value; got {argument!r}.")
