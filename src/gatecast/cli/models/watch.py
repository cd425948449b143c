"""``gatecast watch``: a saved model follows rows as they come."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from gatecast.cli.building import read_panel
from gatecast.cli.files import PIPE, require_writable
from gatecast.cli.options import DATA, OUTPUT, DataOptions
from gatecast.cli.printing import complain
from gatecast.errors import ConfigError

if TYPE_CHECKING:
    from gatecast.live.live import Live

__all__ = ["watch"]


def watch(
    model: Path,
    rows: Path,
    /,
    *,
    history: Annotated[str | None, Parameter(group=DATA)] = None,
    revise: Annotated[bool, Parameter(group=DATA, negative="")] = False,
    state: Annotated[Path | None, Parameter(group=OUTPUT)] = None,
) -> int:
    """Follow rows as they come: a line of JSON out for each, with its forecast, error and anomaly score.

    Args:
        model: A file that gatecast fit or forecast --save wrote.
        rows: JSON lines, or CSV with a header; - is what comes through a pipe.
        history: The history to begin with, where there is no state yet.
        revise: Rows that contradict what is known replace it.
        state: Keep the state in this file, and go on from it. A row is printed once the state that knows it is saved.
    """
    require_writable(state, (), "--state")
    live = _followed(model, history, state)
    from gatecast.live.watching import Watch

    watching = Watch(live, sys.stdout, complain, state, revise=revise)
    try:
        if str(rows) == PIPE:
            broken = watching.run(sys.stdin)
        else:
            with open(rows, encoding="utf-8-sig", errors="replace") as lines:
                broken = watching.run(lines)
    except KeyboardInterrupt:
        return 130
    return 1 if broken else 0


def _followed(model: Path, history: str | None, state: Path | None) -> Live:
    """The live model to go on with: that of the state, else one that begins."""
    from gatecast.forecaster import load
    from gatecast.live.files import load_live
    from gatecast.storage.files import document_in

    if state is not None and state.exists():
        live = load_live(state)
        if document_in(state) != document_in(model):
            raise ConfigError(f"the state in {state} is that of another model than {model}. Give another --state.")
        return live
    fitted = load(model)
    return fitted.live(None if history is None else read_panel(history, DataOptions(), fitted))
