"""What holds for every command: -q, --log, and options that come from a file or from the environment."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from gatecast.errors import ConfigError
from gatecast.progress import Listener, Silent, TerminalLine, shown_by

if TYPE_CHECKING:
    from cyclopts import App
    from cyclopts.argument import ArgumentCollection

__all__ = ["EVERY_COMMAND", "Session", "options_from_elsewhere", "session_of"]

QUIET, LOG = ("-q", "--quiet"), "--log"
FILE, PREFIX = "gatecast.toml", "GATECAST_"
SECONDS_BETWEEN = 1.0  # of two lines on the progress of one stage
EVERY_COMMAND = (
    "Every command: -q prints nothing but errors, --log FILE.jsonl adds a line of JSON for each step. Options may also "
    "come from gatecast.toml ([forecast] horizon = 14) and from the environment (GATECAST_FORECAST_HORIZON=14)."
)


@dataclass
class Session:
    """How a command tells of itself.

    Args:
        quiet: nothing but errors, and what was asked for as JSON.
        log: file that gets a line of JSON for each step; None = none.
    """

    quiet: bool = False
    log: Path | None = None

    @contextmanager
    def running(self, command: str) -> Iterator[Log]:
        """While it lasts progress is shown, and logged, as the user asked."""
        shown = Silent if self.quiet else TerminalLine
        with self._stream() as stream:
            log = Log(stream)
            log.write("begin", command=command)
            with shown_by(shown if stream is None else lambda: Logged(log, shown())):
                yield log

    def _stream(self) -> AbstractContextManager[TextIO | None]:
        if self.log is None:
            return nullcontext()
        try:
            return self.log.open("a", encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"--log {self.log.name} cannot be written: {error.strerror}.") from None


@dataclass
class Log:
    """Lines of JSON about a command; nowhere without a stream. No argument, path or value is in them."""

    stream: TextIO | None = None
    begun: float = field(default_factory=time.monotonic)

    def write(self, event: str, **facts: Any) -> None:
        """Add a line."""
        if self.stream is None:
            return
        passed = round(time.monotonic() - self.begun, 3)
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self.stream.write(json.dumps({"time": now, "seconds": passed, "event": event, **facts}) + "\n")
        self.stream.flush()


@dataclass
class Logged:
    """A listener that writes what it hears to a log, and passes it on."""

    log: Log
    shown: Listener
    stop: threading.Event = field(init=False)
    _stage: str = ""
    _written: float = 0.0

    def __post_init__(self) -> None:
        self.stop = self.shown.stop

    def on_progress(self, stage: str, done: int = 0, of: int = 0, figures: Mapping[str, float] | None = None) -> None:
        """Write a line for every new stage, for its end, and once a second between."""
        now = time.monotonic()
        if stage != self._stage or (of and done == of) or now - self._written > SECONDS_BETWEEN:
            self._stage, self._written = stage, now
            self.log.write("progress", stage=stage, done=done, of=of, figures=dict(figures or {}))
        self.shown.on_progress(stage, done, of, figures)

    def end(self) -> None:
        """Pass it on."""
        self.shown.end()


def session_of(words: Sequence[str]) -> tuple[Session, list[str]]:
    """What holds for every command, and the words that are left.

    >>> session_of(["fit", "-q", "a.csv", "--log", "run.jsonl"])
    (Session(quiet=True, log=PosixPath('run.jsonl')), ['fit', 'a.csv'])
    """
    session, left, rest = Session(), list[str](), list(words)
    while rest:
        word = rest.pop(0)
        if word in QUIET:
            session.quiet = True
        elif word == LOG:
            if not rest:
                raise ConfigError("--log needs a file, such as run.jsonl.")
            session.log = Path(rest.pop(0))
        elif word.startswith(f"{LOG}="):
            session.log = Path(word.partition("=")[2])
        else:
            left.append(word)
    return session, left


def options_from_elsewhere(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Add options from the environment and from ``gatecast.toml``, and say on stderr that they were.

    What is typed comes first, then the environment, then the file.
    """
    found = Path(FILE).is_file()
    if not found and not any(name.startswith(PREFIX) for name in os.environ):
        return
    from cyclopts.config import Env, Toml

    Env(PREFIX, source="the environment", show=False)(app, commands, arguments)
    if found:
        _require_toml(Path(FILE))
        Toml(FILE, source=FILE)(app, commands, arguments)
    for source in ("the environment", FILE):
        named = [one.name for one in arguments if any(token.source == source for token in one.tokens)]
        if named:
            print(f"options from {source}: {', '.join(named)}", file=sys.stderr)


def _require_toml(path: Path) -> None:
    import tomllib

    try:
        tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{FILE} cannot be read: {error}.") from None
