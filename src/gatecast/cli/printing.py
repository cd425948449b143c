"""What people read: one screen of text, as wide as the terminal; and what programs read: one JSON object."""

from __future__ import annotations

import codecs
import io
import math
import os
import shlex
import sys
import textwrap
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from gatecast.data.tables.databases.address import without_passwords
from gatecast.errors import Argument, Code, GatecastError, Setting
from gatecast.planning.typed import RENAMED, typed_option

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from gatecast.data.tables.databases.address import Address

__all__ = [
    "READER_LEFT",
    "Option",
    "Screen",
    "as_option",
    "command_line",
    "complain",
    "keep_quiet",
    "note_command",
    "number_format",
    "options",
    "remark",
    "show_what_can_be_shown",
    "silence_stdout",
    "worded",
]

NARROWEST, USUAL, WIDEST = 40, 80, 140  # columns; the usual ones where nothing says how many there are
READER_LEFT = 141
# Arguments that a message names and no command takes, with the words for them.
WITHOUT_OPTION = {
    ("drift", "false_alarms"): "false_alarms",
    ("fit", "held_back"): "held_back",
    ("leakage_check", "train"): "train",
    ("live", "held_back"): "held_back",
    ("live", "most_missing"): "most_missing",
    ("read_covariates", "horizon"): "a horizon",
    ("refresh", "time_limit"): "time_limit",
    ("rivals", "processes"): "",
    ("split", "at"): "a time",
    ("split", "fraction"): "a share",
    ("split", "horizon"): "a horizon",
}
_words: ContextVar[tuple[str, ...]] = ContextVar("words", default=())
_quiet: ContextVar[bool] = ContextVar("quiet", default=False)
_ALIKE = {"·": ".", "−": "-", "–": "-", "…": "...", "è": "e", "±": "+-", "×": "x"}


def note_command(words: Sequence[str]) -> None:
    """Keep what was typed after ``gatecast``, without the passwords in it."""
    _words.set(tuple(map(without_passwords, words)))


def keep_quiet(quiet: bool) -> None:
    """Whether screens print nothing."""
    _quiet.set(quiet)


def command_line() -> str:
    """The command that runs, as it can be typed again."""
    return shlex.join(("gatecast", *_words.get()))


def show_what_can_be_shown() -> None:
    """Let stdout replace what its encoding lacks, such as that of a pipe on Windows, by what looks alike, or by "?"."""
    codecs.register_error("gatecast", _alike)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="gatecast")


def _alike(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_ALIKE.get(letter, "?") for letter in error.object[error.start : error.end]), error.end


def silence_stdout() -> None:
    """What is left to say goes nowhere, also at the interpreter's end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Paper(Console):
    """A console that says where its reader has left, in place of ending the process."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


class Screen:
    """Prints for people, or collects for programs.

    Args:
        as_json: print nothing but one JSON object at the end.
    """

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json
        self.result: dict[str, Any] = {}
        self._left = False
        self._silent = as_json or _quiet.get()
        self._console = _Paper(file=sys.stdout, highlight=False, markup=False, emoji=False)

    def line(self, text: str = "", style: str | None = None) -> None:
        """Print a line as it is; nothing more once the reader (head, a pager) has gone, for the work goes on."""
        if self._silent or self._left:
            return
        try:
            self._console.print(Text(text, style or ""), soft_wrap=True)
        except BrokenPipeError:
            self._left = True
            silence_stdout()

    def pieces(self, parts: Sequence[tuple[str, str]]) -> None:
        """Print a line of pieces, each with its style."""
        if not self._silent:
            text = Text.assemble(*parts)
            text.rstrip()
            self._console.print(text, soft_wrap=True)

    @property
    def width(self) -> int:
        """Columns of a line: those of the terminal or of COLUMNS, within bounds; 80 for a pipe."""
        told = self._console.width if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit() else USUAL
        return min(max(told, NARROWEST), WIDEST)

    @property
    def shows_braille(self) -> bool:
        """Whether what is printed can hold dots of Braille."""
        from gatecast.forecasts.terminal import shows_braille

        return shows_braille(self._console.encoding)

    def labelled(self, label: str, text: str, indent: int = 9, style: str | None = None) -> None:
        """Print "label    text", wrapped under the text; nothing where there is no text."""
        gap = " " * max(indent, len(label) + 2)
        wrapped = textwrap.wrap(text, self.width - len(gap), break_long_words=False, break_on_hyphens=False)
        for n, part in enumerate(wrapped):
            self.line(label.ljust(len(gap)) + part if n == 0 else gap + part, style)

    def onward(self, command: str) -> None:
        """Print the command to run next, on one line however long, so that it can be copied."""
        self.line(f"next     {command}")

    def wrapped(self, text: str, style: str | None = None) -> None:
        """Print a paragraph."""
        for part in textwrap.wrap(text, self.width, break_long_words=False, break_on_hyphens=False):
            self.line(part, style)

    def table(self, text: str) -> None:
        """Print the lines of a table, its heading in bold."""
        for n, part in enumerate(text.splitlines()):
            self.line(part, "bold" if n == 0 else None)

    def note(self, text: str) -> None:
        """Say something on the side: on the screen, or on stderr where stdout is for JSON."""
        if self.as_json:
            if not _quiet.get():
                print(text, file=sys.stderr)
        else:
            self.wrapped(text, "dim")

    def files(self, paths: Sequence[Path | Address]) -> None:
        """Name the files that were written."""
        for path in paths:
            self.note(f"written: {path}")

    def finish(self, code: int = 0) -> int:
        """Print the JSON object; the exit code, which is 141 where nobody reads any more."""
        if self.as_json:
            from gatecast.cli.results.objects import envelope, write_json

            write_json(envelope(self.result, code))
        return READER_LEFT if self._left else code


def complain(message: str | GatecastError) -> None:
    """One line on stderr."""
    message = message if isinstance(message, str) else worded(message)
    text = without_passwords(" ".join(message.split()))
    Console(file=sys.stderr, highlight=False, markup=False, emoji=False).print(
        Text.assemble(("error:", "bold red"), f" {text}"), soft_wrap=True
    )


def remark(message: str) -> None:
    """One line on stderr for somebody who sits there; nothing in a pipe or a file, where lines are errors."""
    if sys.stderr.isatty():
        Console(file=sys.stderr, highlight=False, markup=False, emoji=False).print(Text(message, "bright_black"))


# ---------------------------------------------------------------- errors in the words of the command line


def worded(error: Exception) -> str:
    """The message of an error, the arguments of the API in it as options.

    >>> worded(GatecastError("Pass ", Setting("gaps", "missing", of="read"), " or ", Setting("future", of="read"), "."))
    'Pass --gaps missing or --future-columns.'
    """
    return error.worded(as_option) if isinstance(error, GatecastError) else str(error)


def as_option(part: Argument | Setting | Code) -> str:
    if isinstance(part, Code):
        return part.words
    key = (part.of, part.name)
    option = options().get(key)
    if option is None:
        return WITHOUT_OPTION.get(key, str(part))
    if isinstance(part, Argument) or part.is_open:
        return option.typed
    if part.relation != "=":
        return f"{option.typed} {part.relation} {part.value}"
    if part.value is False and not option.negative:
        return f"no {option.typed}"
    value = part.value
    if option.commas and isinstance(value, tuple):
        value = ",".join(map(str, value))
    return " ".join(typed_option(option.name, value))


@dataclass(frozen=True)
class Option:
    """An option of the command line.

    Args:
        name: that of its field.
        negative: whether there is a --no- form of it.
        commas: whether several values stand in one text, with commas.
    """

    name: str
    negative: bool
    commas: bool

    @property
    def typed(self) -> str:
        """Such as "--day-first"."""
        return f"--{self.name.replace('_', '-')}"


@cache
def options() -> dict[tuple[str, str], Option]:
    """The options, by what takes the argument and the argument's name (see ``gatecast.errors.Argument``)."""
    from gatecast.cli.backtest import BacktestOptions
    from gatecast.cli.evaluate import evaluate
    from gatecast.cli.fit import fit
    from gatecast.cli.forecast import forecast
    from gatecast.cli.models.export import export
    from gatecast.cli.models.predict import predict
    from gatecast.cli.models.watch import watch
    from gatecast.cli.options import DataOptions, ModelOptions, NetworkOptions, RunningOptions, TrainingOptions
    from gatecast.cli.tune import tune

    homes: tuple[tuple[str, Any, tuple[str, ...] | None], ...] = (
        ("read", DataOptions, None),
        ("forecaster", ModelOptions, None),
        ("network", NetworkOptions, None),
        ("training", TrainingOptions, None),
        ("forecaster", RunningOptions, None),
        ("backtest", BacktestOptions, None),
        ("predict", predict, ("future",)),
        ("forecast", forecast, ("use",)),
        ("evaluate", evaluate, ("origins", "stride")),
        ("fit", fit, ("memory_limit",)),
        ("groups", fit, ("per",)),
        ("export", export, ("part", "bounds")),
        ("observe", watch, ("revise",)),
        ("tune", tune, ("trials", "origins", "stride", "checkpoint")),
        ("tune", ModelOptions, ("time_limit",)),
    )
    made = {}
    for of, home, names in homes:
        hints = get_type_hints(home, include_extras=True)
        made.update({(of, name): _option(name, hints[name]) for name in names or hints})
    return made | {(of, name): made[of, option] for (of, name), option in RENAMED.items()}


def _option(name: str, hint: Any) -> Option:
    kind, *notes = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    negative = all(note.negative != () for note in notes if isinstance(note, Parameter))
    return Option(name, negative, commas=kind is str)


def number_format(values: np.ndarray, narrow: float = math.inf) -> str:
    """The format that shows values beside each other: three digits of their range, thousands set apart.

    Args:
        values: what is shown, of any shape.
        narrow: a difference that should be seen as well, such as the width of an interval.

    >>> import numpy as np
    >>> number_format(np.array([447.2, 622.0])), number_format(np.array([10.013, 10.052]))
    (',.0f', ',.4f')
    """
    import numpy as np

    finite = values[np.isfinite(values)]
    if not len(finite):
        return ",.0f"
    spread = float(finite.max() - finite.min()) or float(np.abs(finite).max()) or 1.0
    places = min(max(2 - math.floor(math.log10(spread)), _places_of(narrow)), 6 - math.floor(math.log10(spread)))
    return ".4g" if places > 8 or np.abs(finite).max() >= 1e13 else f",.{max(places, 0)}f"


def _places_of(difference: float) -> int:
    """Decimals that show a difference with one digit."""
    return -math.floor(math.log10(difference)) if 0 < difference < math.inf else 0
