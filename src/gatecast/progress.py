"""What long work says on its way, and how it is asked to stop.

    fit, backtest, tune ──on_progress(stage, done, of, figures)──▶ Listener     a line on a terminal, a job of a service
                        ◀──────────── stop.is_set() ──────────────

A stop is a wish that the work looks at between two steps: it ends with what was reached. Ctrl-C and SIGTERM set it.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Protocol

__all__ = ["Listener", "Silent", "TerminalLine", "listening", "stopping"]

SECONDS_BETWEEN = 0.2
COLUMNS = 79


class Listener(Protocol):
    """Hears how far long work is, and can end it.

    Attributes:
        stop: set it, from any thread, and the work ends soon with what it has reached.
    """

    stop: threading.Event

    def on_progress(self, stage: str, done: int = 0, of: int = 0, figures: Mapping[str, float] | None = None) -> None:
        """Take in that ``done`` of ``of`` pieces of a stage are finished.

        Args:
            stage: what is going on, such as "training · 3 members · epoch".
            done: pieces finished, or the number of the one that begins.
            of: pieces in all; 0 = nobody knows.
            figures: numbers by name, such as the loss.
        """
        ...

    def end(self) -> None:
        """Take in that the work is over."""
        ...


@dataclass
class Silent:
    """A listener that shows nothing."""

    stop: threading.Event = field(default_factory=threading.Event)

    def on_progress(self, stage: str, done: int = 0, of: int = 0, figures: Mapping[str, float] | None = None) -> None:
        """Show nothing."""

    def end(self) -> None:
        """Show nothing."""


@dataclass
class TerminalLine:
    """Rewrites one line on stderr, at most five times a second, while that is a terminal."""

    stop: threading.Event = field(default_factory=threading.Event)
    _shown: float = field(default=0.0, repr=False)

    def on_progress(self, stage: str, done: int = 0, of: int = 0, figures: Mapping[str, float] | None = None) -> None:
        """Show "stage done of of · name figure · ..."."""
        now = time.monotonic()
        if now - self._shown > SECONDS_BETWEEN and sys.stderr.isatty():
            self._shown = now
            count = f" {done:,} of {of:,}" if of else ""
            numbers = "".join(f" · {name} {value:.4g}" for name, value in (figures or {}).items())
            sys.stderr.write(f"\r\x1b[2K{f'{stage}{count}{numbers}'[:COLUMNS]}")
            sys.stderr.flush()

    def end(self) -> None:
        """Leave an empty line behind."""
        if self._shown and sys.stderr.isatty():
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()


def listening(progress: bool | Listener) -> Listener:
    """The listener that a user's ``progress`` argument stands for: a terminal line, none, or their own."""
    if isinstance(progress, bool):
        return TerminalLine() if progress else Silent()
    return progress


class _Stopper:
    """A signal handler: the first signal sets the event, a second one raises KeyboardInterrupt."""

    def __init__(self, stop: threading.Event) -> None:
        self.stop = stop

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        if self.stop.is_set():
            raise KeyboardInterrupt
        self.stop.set()


@contextmanager
def stopping(listener: Listener) -> Iterator[None]:
    """While it lasts Ctrl-C and SIGTERM set ``listener.stop``; a second Ctrl-C raises KeyboardInterrupt.

    Signals reach the main thread alone: elsewhere nothing changes. Inside another ``stopping`` the outer one goes on;
    whoever nests them shares one listener. A handler that the caller has put in place of Python's own one stays.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual: dict[signal.Signals, Any] = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
    }
    handler = _Stopper(listener.stop)
    taken = [number for number, default in usual.items() if signal.getsignal(number) is default]
    for number in taken:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, usual[number])
