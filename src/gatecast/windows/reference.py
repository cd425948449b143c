"""Every kind of reference by its word: the ONE table that the text of a scaling is read with.

A new kind is a file like those in ``gatecast.windows.references`` and an entry here.

    difference                   LastValue                     the last value
    seasonal-difference:12/3     Seasonal(12, 3)               median of the same place in 3 seasons
    category-difference:day/6    Category("day", 6)            median of the last 6 steps of the same category
    smooth:12/0.2/0.4            Smooth(12, 0.2, 0.4)          exponential smoothing of the whole series so far
"""

from __future__ import annotations

from gatecast.errors import ConfigError
from gatecast.windows.references.category import Category
from gatecast.windows.references.reference import REAL_STEPS, Block, BoundReference, Reference
from gatecast.windows.references.seasonal import Seasonal
from gatecast.windows.references.simple import LastValue, NoReference
from gatecast.windows.references.smooth import Smooth

__all__ = [
    "REAL_STEPS",
    "REFERENCES",
    "Block",
    "BoundReference",
    "Category",
    "LastValue",
    "NoReference",
    "Reference",
    "Seasonal",
    "Smooth",
    "parse_reference",
]

REFERENCES: dict[str, type[Reference]] = {
    kind.word: kind for kind in (NoReference, LastValue, Seasonal, Category, Smooth)
}


def parse_reference(word: str, argument: str) -> Reference:
    """The reference that a word of ``REFERENCES`` and what follows its colon say.

    >>> parse_reference("seasonal-difference", "12/3")
    Seasonal(season=12, depth=3)

    Raises:
        ConfigError: the argument is none that this kind takes.
    """
    kind = REFERENCES[word]
    try:
        return kind.parse(argument)
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError(f"scaling {word!r} needs {kind.wants} after ':'; got {argument!r}.") from error
