"""``gatecast watch``: a saved model follows rows as they come."""

from __future__ import annotations

import hashlib
import secrets
import signal
import socket
import sys
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

from cyclopts import Parameter

from gatecast.cli.building import read_panel
from gatecast.cli.files import PIPE, require_writable
from gatecast.cli.models.groups import one_model
from gatecast.cli.options import DATA, MODEL, OUTPUT, DataOptions
from gatecast.cli.printing import complain, remark
from gatecast.errors import ConfigError
from gatecast.live.mqtt.address import Broker, is_broker, parse_broker

if TYPE_CHECKING:
    from gatecast.live.live import Live

__all__ = ["watch"]


def watch(
    model: Path,
    rows: str,
    /,
    *,
    history: Annotated[str | None, Parameter(group=DATA)] = None,
    revise: Annotated[bool, Parameter(group=DATA, negative="")] = False,
    adaptive: Annotated[bool, Parameter(group=MODEL, negative="")] = False,
    reply: Annotated[str | None, Parameter(group=OUTPUT)] = None,
    state: Annotated[Path | None, Parameter(group=OUTPUT)] = None,
) -> int:
    """Follow rows as they come: a line of JSON out for each, with its forecast, error and anomaly score.

    Args:
        model: A file that gatecast fit or forecast --save wrote.
        rows: JSON lines, or CSV with a header; - is what comes through a pipe. Or mqtt://HOST/TOPIC: messages in JSON.
        history: The history to begin with, where there is no state yet.
        revise: Rows that contradict what is known replace it.
        adaptive: The widths of intervals follow what is observed.
        reply: Topic for the lines about messages that ask for no answer of their own; without it they are printed.
        state: Keep the state in this file, and go on from it. A row is printed once the state that knows it is saved.
    """
    require_writable(state, (), "--state")
    with nullcontext() if state is None else _alone(state):
        if is_broker(rows):
            return _follow_broker(model, parse_broker(rows), reply, history, state, revise, adaptive)
        if reply is not None:
            raise ConfigError("--reply goes with mqtt://HOST/TOPIC.")
        return _follow_lines(model, rows, history, state, revise, adaptive)


def _alone(state: Path) -> IO[bytes]:
    """Two processes would each save a state without the rows of the other."""
    from gatecast.storage.container import held_alone

    told = f"--state {state} is used by another process: end that one, or give another --state."
    return held_alone(state.resolve(), told)


def _follow_lines(model: Path, rows: str, history: str | None, state: Path | None, revise: bool, adaptive: bool) -> int:
    """Until the lines end, or Ctrl-C."""
    live = _followed(model, history, state, adaptive)
    from gatecast.live.watching import Watch

    watching = Watch(live, sys.stdout, complain, state, revise=revise)
    try:
        if rows == PIPE:
            broken = watching.run(sys.stdin)
        else:
            with open(rows, encoding="utf-8-sig", errors="replace") as lines:
                broken = watching.run(lines)
    except KeyboardInterrupt:
        return 130
    return 1 if broken else 0


def _follow_broker(
    model: Path, broker: Broker, reply: str | None, history: str | None, state: Path | None, revise: bool,
    adaptive: bool,
) -> int:  # fmt: skip
    """Until a signal: SIGTERM lets what has arrived be done, Ctrl-C leaves it to the next start."""
    from gatecast.live.mqtt.connection import Connection
    from gatecast.live.mqtt.following import Following

    name, kept = _name_at_broker(broker, state)
    connection = Connection(broker, name, kept, complain)
    live = _followed(model, history, state, adaptive)
    following = Following(live, connection, broker, reply, sys.stdout, complain, state, revise=revise)
    stop = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: stop.set())
    try:
        return 1 if following.run(stop) else 0
    except KeyboardInterrupt:
        return 130
    finally:
        signal.signal(signal.SIGTERM, before)


def _name_at_broker(broker: Broker, state: Path | None) -> tuple[str, int]:
    """Who goes on with a state has the same name again, and finds a week's messages; nobody else does."""
    if state is None:
        return f"gatecast-{secrets.token_hex(8)}", 600
    whole = f"{socket.gethostname()}\0{state.resolve()}\0{broker}"
    return f"gatecast-{hashlib.sha256(whole.encode()).hexdigest()[:16]}", 7 * 86400


def _followed(model: Path, history: str | None, state: Path | None, adaptive: bool) -> Live:
    """The live model to go on with: that of the state, else one that begins."""
    from gatecast.live.files import load_live
    from gatecast.storage.files import document_in, kind_of
    from gatecast.storage.live import LIVE

    if state is not None and state.exists():
        if kind_of(state) != LIVE:
            raise ConfigError(f"--state {state} holds a model, not the state of one. Give another name: it is made.")
        live = load_live(state)
        if document_in(state) != document_in(model):
            raise ConfigError(f"the state in {state} is that of another model than {model}. Give another --state.")
        if adaptive and not live.adaptive:
            raise ConfigError(f"the intervals of the state in {state} are not adaptive. Give another --state.")
        return live
    fitted = one_model(model, "watch")
    begin = None if history is None else read_panel(history, DataOptions(), fitted)
    live = fitted.live(begin, adaptive=adaptive)
    if begin is None:
        unit = fitted.fitted_.frequency.plural(live.least_history)
        remark(f"No --history: series begin with nothing, and forecasts are naive for {live.least_history} {unit}.")
    return live
