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

A message says what is wrong, where, what the limit is, and what to do; all problems of a kind come at once. It is made
of parts: plain text, and the settings that it names, as data. Each surface words those its own way: the API as Python,
the command line as options, a service as JSON.

    raise PanelError(f"{where} has no row. Pass ", Setting("gaps", "missing", of="read"), " to fill it as missing.")

    str(error)             "... Pass gaps='missing' to fill it as missing."
    error.worded(style)    "... Pass --gaps missing to fill it as missing."       the style of the command line
    error.remedies         [{"setting": "gaps", "of": "read", "value": "missing"}]
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import EllipsisType
from typing import Any, Literal, TypeAlias

__all__ = [
    "Argument",
    "Code",
    "ConfigError",
    "CovariateError",
    "DatasetError",
    "GatecastError",
    "InputError",
    "LeakageError",
    "ModelFileError",
    "Note",
    "PanelError",
    "Part",
    "Setting",
    "TrainingError",
    "Value",
    "WindowError",
    "did_you_mean",
    "joined",
    "listed",
]

_LONGEST = 4000  # characters of a message

Value: TypeAlias = "str | bool | int | float | tuple[Value, ...] | None"


@dataclass(frozen=True)
class Argument:
    """An argument that a message is about: ``time_limit``.

    Args:
        name: as Python has it.
        of: what takes it: "read", "forecaster", "network", "training", "predict", "backtest", "tune", ...
    """

    name: str
    of: str = field(kw_only=True)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Setting:
    """A remedy: an argument to set, and to what.

    Args:
        name: as Python has it.
        value: what to set it to; "" leaves that to the reader (``target=``), and so does ``...`` (``quantiles=...``).
        of: what takes it, as for ``Argument``.
        relation: of the argument to the value.

    >>> str(Setting("gaps", "missing", of="read")), str(Setting("lookback", 12, of="forecaster", relation="<="))
    ("gaps='missing'", 'lookback <= 12')
    """

    name: str
    value: Value | EllipsisType = ""
    of: str = field(kw_only=True)
    relation: Literal["=", "<", "<="] = field(default="=", kw_only=True)

    @property
    def is_open(self) -> bool:
        """Whether the value is left to the reader."""
        return self.value == "" or self.value is ...

    def __str__(self) -> str:
        if self.relation != "=":
            return f"{self.name} {self.relation} {self.value!r}"
        return f"{self.name}={'...' if self.value is ... else '' if self.is_open else repr(self.value)}"

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it; without "value" where that is left to the reader, with "relation" where it is not "="."""
        told: dict[str, Any] = {"setting": self.name, "of": self.of}
        if not self.is_open:
            told["value"] = list(self.value) if isinstance(self.value, tuple) else self.value
        return told if self.relation == "=" else {**told, "relation": self.relation}


@dataclass(frozen=True)
class Code:
    """Python in a message, such as a call, and the words for it where nobody writes Python.

    Args:
        text: as the API says it.
        words: as other surfaces say it; "" leaves it out.
    """

    text: str
    words: str = ""

    def __str__(self) -> str:
        return self.text


# A tuple is a piece of text of several parts; an error in an error gives its own text.
Part: TypeAlias = "str | Argument | Setting | Code | GatecastError | tuple[Part, ...]"


class GatecastError(Exception):
    """Base class of every error that Gatecast raises on purpose.

    Args:
        parts: the message: texts, and the arguments and settings that it names.
    """

    def __init__(self, *parts: Part) -> None:
        super().__init__(*parts)

    def __str__(self) -> str:
        return self.worded(str)

    def worded(self, style: Callable[[Argument | Setting | Code], str]) -> str:
        """The message, with everything that is not plain text as ``style`` says it."""
        return _clipped("".join(part if isinstance(part, str) else style(part) for part in _flat(self.args)))

    @property
    def remedies(self) -> list[dict[str, Any]]:
        """The settings that would help, as plain data: {"setting", "of", "value"}."""
        return [part.to_dict() for part in _flat(self.args) if isinstance(part, Setting)]

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it: {"kind", "message", "remedies"}."""
        return {"kind": type(self).__name__, "message": str(self), "remedies": self.remedies}


class Note:
    """What was done in a way that is not obvious, in one line; worded by each surface as an error is.

    Args:
        parts: texts, and the arguments and settings that it names.

    >>> str(Note("1.011 is read as 1011 (", Setting("decimal", ",", of="read"), ")"))
    "1.011 is read as 1011 (decimal=',')"
    """

    def __init__(self, *parts: Part) -> None:
        self.parts = parts

    def __str__(self) -> str:
        return self.worded(str)

    def __repr__(self) -> str:
        return f"<Note {self}>"

    def worded(self, style: Callable[[Argument | Setting | Code], str]) -> str:
        """The line, with everything that is not plain text as ``style`` says it."""
        return _clipped("".join(part if isinstance(part, str) else style(part) for part in _flat(self.parts)))


def _clipped(text: str) -> str:
    """A message that a screen can show, whatever was in the table."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} [...] {text[-_LONGEST // 2 :]}"


def _flat(parts: Iterable[Part]) -> Iterator[str | Argument | Setting | Code]:
    """Single parts, those of tuples and of inner errors among them."""
    for part in parts:
        if isinstance(part, GatecastError):
            yield from _flat(part.args)
        elif isinstance(part, tuple):
            yield from _flat(part)
        else:
            yield part


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


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the closest known name, or an empty string.

    >>> did_you_mean("pasengers", ["month", "passengers"])
    " (did you mean 'passengers'?)"
    >>> did_you_mean("zzz", ["month"])
    ''
    """
    close = difflib.get_close_matches(str(name), list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def listed(items: Sequence[object], limit: int = 5) -> str:
    """Join items with commas, the first ``limit`` of them, and say how many are left out.

    >>> listed(["a", "b", "c"], limit=2)
    'a, b and 1 more'
    """
    shown = ", ".join(str(item) for item in items[:limit])
    left_out = len(items) - limit
    return shown if left_out <= 0 else f"{shown} and {left_out:,} more"


def joined(separator: str, parts: Iterable[Part]) -> tuple[Part, ...]:
    """Parts with a separator between them.

    >>> joined(" or ", ["a", "b"])
    ('a', ' or ', 'b')
    """
    return tuple(piece for part in parts for piece in (separator, part))[1:]
