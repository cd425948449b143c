"""One quiet progress line on a terminal; nothing anywhere else."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field

__all__ = ["Progress"]

SECONDS_BETWEEN = 0.2


@dataclass
class Progress:
    """Rewrites one line on stderr while it is a terminal.

    Args:
        enabled: False = silent everywhere.
    """

    enabled: bool = True
    _shown: float = field(default=0.0, repr=False)

    def __post_init__(self) -> None:
        self.enabled = self.enabled and sys.stderr.isatty()

    def show(self, text: str) -> None:
        """Show a text in place of the last one, at most five times a second."""
        now = time.monotonic()
        if self.enabled and now - self._shown > SECONDS_BETWEEN:
            self._shown = now
            sys.stderr.write(f"\r\x1b[2K{text[:79]}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Leave an empty line behind."""
        if self.enabled and self._shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
