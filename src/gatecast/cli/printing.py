"""What people read: one screen of text, 80 columns wide; and what programs read: one JSON object."""

from __future__ import annotations

import json
import math
import sys
import textwrap
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    import numpy as np

__all__ = ["WIDTH", "Screen", "complain", "number_format", "write_json"]

WIDTH = 80


class Screen:
    """Prints for people, or collects for programs.

    Args:
        as_json: print nothing but one JSON object at the end.
    """

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json
        self.result: dict[str, Any] = {}
        self._console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)

    def line(self, text: str = "", style: str | None = None) -> None:
        """Print a line as it is."""
        if not self.as_json:
            self._console.print(Text(text, style or ""), soft_wrap=True)

    def labelled(self, label: str, text: str, indent: int = 9) -> None:
        """Print "label    text", wrapped under the text; nothing where there is no text."""
        gap = " " * max(indent, len(label) + 2)
        wrapped = textwrap.wrap(text, WIDTH - len(gap), break_long_words=False, break_on_hyphens=False)
        for n, part in enumerate(wrapped):
            self.line(label.ljust(len(gap)) + part if n == 0 else gap + part)

    def wrapped(self, text: str, style: str | None = None) -> None:
        """Print a paragraph."""
        for part in textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False):
            self.line(part, style)

    def scores(self, scores: Any) -> None:
        """Print the score table; the verdict stands out on a terminal."""
        text = str(scores)
        verdict = scores.verdict.split()[0]
        styled = False
        for n, part in enumerate(text.splitlines()):
            styled = styled or part.startswith((verdict, "No verdict"))
            colour = "yellow" if scores.verdict.startswith("N") else "green"
            self.line(part, colour if styled and n else "bold" if n == 0 else None)

    def note(self, text: str) -> None:
        """Say something on the side: on the screen, or on stderr where stdout is for JSON."""
        if self.as_json:
            print(text, file=sys.stderr)
        else:
            self.wrapped(text, "dim")

    def close(self) -> None:
        """Print the JSON object."""
        if self.as_json:
            write_json(self.result)


def complain(message: str) -> None:
    """One line on stderr."""
    text = " ".join(message.split())
    Console(file=sys.stderr, highlight=False, markup=False, emoji=False).print(
        Text.assemble(("error:", "bold red"), f" {text}"), soft_wrap=True
    )


def write_json(result: dict[str, Any]) -> None:
    """One strict JSON object on stdout: what is not finite is null."""
    print(json.dumps(plain(result), ensure_ascii=False, allow_nan=False))


def plain(value: Any) -> Any:
    """Numpy and odd floats as JSON has them.

    >>> import numpy as np
    >>> plain({"a": np.float32(0.5), "b": [float("nan")], "c": np.arange(2)})
    {'a': 0.5, 'b': [None], 'c': [0, 1]}
    """
    import numpy as np

    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int | bool) else str(value)


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
