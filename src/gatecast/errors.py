"""Every error that Gatecast raises on purpose.

    GatecastError
    ├── InputError (also a ValueError)      what was given cannot be used
    │   ├── PanelError                      the table, its times or its numbers
    │   ├── CovariateError                  covariates and categories
    │   ├── WindowError                     series too short for lookback and horizon
    │   ├── ConfigError                     a setting out of its range
    │   └── ModelFileError                  a model file that is damaged or does not fit
    ├── DatasetError                        a reference data set could not be had
    ├── LeakageError                        a forecast knows what comes after its origin
    └── TrainingError                       the training went wrong

A message says what is wrong, where, what the limit is, and what to do; all problems of a kind come at once.
The command line prints the message and exits with code 2.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

__all__ = [
    "ConfigError",
    "CovariateError",
    "DatasetError",
    "GatecastError",
    "InputError",
    "LeakageError",
    "ModelFileError",
    "PanelError",
    "TrainingError",
    "WindowError",
    "did_you_mean",
    "listed",
]


class GatecastError(Exception):
    """Base class of every error that Gatecast raises on purpose."""


class InputError(GatecastError, ValueError):
    """What was given cannot be used as it is."""


class PanelError(InputError):
    """The table, its times or its numbers do not make a panel."""


class CovariateError(InputError):
    """A covariate is missing, incomplete, or has an unknown category."""


class WindowError(InputError):
    """A series is too short for the lookback and the horizon."""


class ConfigError(InputError):
    """A setting is out of its range or does not go with another one."""


class ModelFileError(InputError):
    """A model file is damaged, unknown, or was trained for other columns."""


class DatasetError(GatecastError):
    """A reference data set could not be downloaded, checked or unpacked."""


class LeakageError(GatecastError):
    """A forecast moved when what lies after its origin was changed."""


class TrainingError(GatecastError):
    """The training cannot go on."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the closest known name, or an empty string.

    >>> did_you_mean("pasengers", ["month", "passengers"])
    " (did you mean 'passengers'?)"
    >>> did_you_mean("zzz", ["month"])
    ''
    """
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def listed(items: Sequence[object], limit: int = 5) -> str:
    """Join items with commas, the first ``limit`` of them, and say how many are left out.

    >>> listed(["a", "b", "c"], limit=2)
    'a, b and 1 more'
    """
    shown = ", ".join(str(item) for item in items[:limit])
    left_out = len(items) - limit
    return shown if left_out <= 0 else f"{shown} and {left_out:,} more"
