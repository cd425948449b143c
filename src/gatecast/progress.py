"""What long work says on its way, and how it is asked to stop.

    fit, backtest, tune ──on_progress(stage, done, of, figures)──▶ Listener     a line on a terminal, a job of a service
                        ◀──────────── stop.is_set() ──────────────

A stop is a wish that the work looks at between two steps: it ends with what was reached. Ctrl-C and SIGTERM set it.
"""

from __future__ import annotations

import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, ClassVar, Protocol

from gatecast.errors import ConfigError, shown

__all__ = ["Course", "Listener", "Silent", "TerminalLine", "code_of_stop", "listening", "shown_by", "stopping"]

SECONDS_BETWEEN = 0.2
SECONDS_THAT_ARE_LONG = 60.0
SECONDS_UNTIL_SURE = 1.0  # before that nothing is said of the seconds left


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
class Pace:
    """How fast a stage goes on, from its own beginning."""

    stage: str = ""
    first: int = 0
    begun: float = 0.0

    def left(self, stage: str, done: int, of: int, now: float) -> float | None:
        """Seconds until the end of a stage; None while nobody knows."""
        if stage != self.stage or done < self.first:
            self.stage, self.first, self.begun = stage, done, now
        passed, pieces = now - self.begun, done - self.first
        if not of or pieces < 1 or passed < SECONDS_UNTIL_SURE:
            return None
        return passed / pieces * (of - done)


@dataclass
class TerminalLine:
    """Rewrites one line on stderr, at most five times a second, while that is a terminal."""

    stop: threading.Event = field(default_factory=threading.Event)
    _shown: float = field(default=0.0, repr=False)
    _pace: Pace = field(default_factory=Pace, repr=False)

    def on_progress(self, stage: str, done: int = 0, of: int = 0, figures: Mapping[str, float] | None = None) -> None:
        """Show "stage done of of · share · seconds left · name figure · ..."."""
        now = time.monotonic()
        left = self._pace.left(stage, done, of, now)
        if now - self._shown > SECONDS_BETWEEN and sys.stderr.isatty():
            self._shown = now
            line = progress_line(stage, done, of, left, figures, stopping=self.stop.is_set())
            sys.stderr.write(f"\r\x1b[2K{line[: shutil.get_terminal_size().columns - 1]}")
            sys.stderr.flush()

    def end(self) -> None:
        """Leave an empty line behind."""
        if self._shown and sys.stderr.isatty():
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()


def progress_line(
    stage: str, done: int, of: int, left: float | None, figures: Mapping[str, float] | None, *, stopping: bool = False
) -> str:
    """What a terminal shows of long work.

    >>> progress_line("training · epoch", 41, 100, 25.2, {"loss": 0.1234567})
    'training · epoch 41 of 100 · 41 % · 25 s left · loss 0.1235 · Ctrl-C keeps the best so far'
    """
    count = f" {done:,} of {of:,} · {100 * done // of} %" if of else ""
    time_left = "" if left is None else f" · {_duration(left)} left"
    numbers = "".join(f" · {name} {value:.4g}" for name, value in (figures or {}).items())
    hint = "stopping after this step; Ctrl-C again ends at once" if stopping else "Ctrl-C keeps the best so far"
    faster = "" if left is None or left < SECONDS_THAT_ARE_LONG else " · the preset fast takes less"
    return f"{stage}{count}{time_left}{numbers} · {hint}{faster}"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


_SHOWN_BY: ContextVar[Callable[[], Listener]] = ContextVar("shown_by", default=TerminalLine)


@contextmanager
def shown_by(make: Callable[[], Listener]) -> Iterator[None]:
    """While it lasts ``progress=True`` stands for the listener that this makes, in place of a line on the terminal."""
    before = _SHOWN_BY.set(make)
    try:
        yield
    finally:
        _SHOWN_BY.reset(before)


class Course:
    """A listener for many trainings that are known to come: it tells another one how far all of them are together.

    Their figures are not passed on: side by side they are those of one training and then of another.

    Args:
        heard: the other one.
        stage: what all of it is.
        epochs: of all trainings, at most; some may end early, or not take place.
    """

    def __init__(self, heard: Listener, stage: str, epochs: int) -> None:
        self.heard, self.stage, self.epochs, self.stop = heard, stage, epochs, heard.stop
        self._done, self._lock = 0, threading.Lock()

    def on_progress(self, stage: str, done: int = 0, of: int = 0, figures: Mapping[str, float] | None = None) -> None:
        """Count an epoch; anything else is passed on."""
        if not stage.endswith("epoch"):
            self.heard.on_progress(stage, done, of, figures)
            return
        with self._lock:
            self._done = min(self._done + 1, self.epochs)
            self.heard.on_progress(self.stage, self._done, self.epochs)

    def end(self) -> None:
        """One training is over, and others go on."""


def listening(progress: bool | Listener) -> Listener:
    """The listener that a user's ``progress`` argument stands for: a terminal line, none, or their own."""
    if isinstance(progress, bool):
        return _SHOWN_BY.get()() if progress else Silent()
    if isinstance(progress, type) or not hasattr(progress, "on_progress"):
        raise ConfigError(f"progress must be True, False or a Listener; got {shown(progress)}.")
    return progress


class _Stopper:
    """A signal handler: the first signal sets the event, a second one raises KeyboardInterrupt."""

    first: ClassVar[int] = signal.SIGINT  # of a stop that a signal asked for

    def __init__(self, stop: threading.Event) -> None:
        self.stop = stop
        _Stopper.first = signal.SIGINT

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        if self.stop.is_set():
            raise KeyboardInterrupt
        _Stopper.first = number
        self.stop.set()


def code_of_stop() -> int:
    """The exit code of a process that was stopped and shows what it reached: 130 by Ctrl-C, 143 by SIGTERM.

    >>> code_of_stop()
    130
    """
    return 128 + _Stopper.first


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
