"""The process of the jobs: a line of JSON in for each, lines of JSON out about it. It ends with the one that began it.

    {"kind", "folder", "request", "shown", "unpacked", "rows"} ──▶ {"progress"} {"log"} ... {"done"} or {"failed"}

It has no access to the store, and knows no token.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from gatecast.serving.jobs.process import QUERY

if TYPE_CHECKING:
    from gatecast.serving.jobs.tasks import Made

__all__ = ["main"]

SECONDS = 0.2  # between two words on progress
ASKED = 143  # exit code: as that of a process that SIGTERM has ended


class Told:
    """A listener whose words go to the parent."""

    def __init__(self, out: TextIO) -> None:
        self.stop, self.busy = threading.Event(), False
        self._out, self._stage, self._told = out, "", 0.0
        self._lock = threading.Lock()

    def say(self, **line: Any) -> None:
        """A line to the parent."""
        from pydantic_core import to_json

        with self._lock:
            self._out.write(to_json(line, inf_nan_mode="null", fallback=_plain).decode() + "\n")
            self._out.flush()

    def on_progress(self, stage: str, done: int = 0, of: int = 0, figures: Mapping[str, float] | None = None) -> None:
        """Tell it, five times a second at most, and every new stage."""
        now = time.monotonic()
        if stage != self._stage or now - self._told > SECONDS:
            self._stage, self._told = stage, now
            self.say(progress={"stage": stage, "done": done, "of": of, "figures": dict(figures or {})})

    def end(self) -> None:
        """Nothing is left to say."""


def _plain(value: Any) -> Any:
    """Numbers and arrays of numpy as those of Python."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


def _settle(cores: str, memory: int) -> None:
    """Keep to some cores and so much memory, and leave when the parent does."""
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core) for core in cores.split(",")})
    if hasattr(os, "nice"):
        os.nice(5)

    try:
        import resource

        used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (used + memory, used + memory))
    except (ImportError, OSError, ValueError):
        return  # no such limits on this system


def _stop(told: Told) -> None:
    """Ask the work to end where it is, which writes its checkpoint; what it has reached by then is no result."""
    told.stop.set()
    if not told.busy:
        os._exit(ASKED)


def _ask(line: dict[str, Any]) -> int:
    """Rows of a query into the file of its table; nothing else is loaded for it."""
    from gatecast.serving.jobs.databases import ask

    return ask(line["request"], Path(line["folder"], line["table"]), line["rows"])


def _made(line: dict[str, Any], told: Told) -> Made:
    from gatecast.serving.jobs.tables import Upload
    from gatecast.serving.jobs.tasks import TASKS, Context

    folder = Path(line["folder"])
    upload = Upload(folder / line["table"], line["shown"], line["unpacked"], line["rows"])
    return TASKS[line["kind"]](line["request"], Context(folder, upload, told))


def _run(line: dict[str, Any], told: Told) -> None:
    from gatecast.errors import GatecastError

    told.busy = True
    try:
        if line["kind"] == QUERY:
            told.say(done={"result": {"rows": _ask(line)}, "artifacts": [], "live": False})
            return
        made = _made(line, told)
        if told.stop.is_set():
            os._exit(ASKED)
    except GatecastError as error:
        told.say(failed={"status": 422, "detail": str(error), "remedies": error.remedies})
    except MemoryError:
        told.say(
            failed={
                "status": 422,
                "detail": "This takes more memory than the limit memory allows.",
                "remedy": "Upload fewer rows, or a shorter horizon.",
            }
        )
    except Exception as error:
        told.say(failed={"status": 500, "detail": f"The work ended with an error of the kind {type(error).__name__}."})
    else:
        files = [{"name": one.name, "media_type": one.media_type} for one in made.artifacts]
        told.say(done={"result": made.result, "artifacts": files, "live": made.live is not None})
    finally:
        told.busy = False


def main(out: TextIO | None = None) -> None:
    """Work until stdin ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cores", default="")
    parser.add_argument("--memory", type=int, default=2**32)
    given = parser.parse_args()
    told = Told(out or os.fdopen(os.dup(1), "w", encoding="utf-8"))
    signal.signal(signal.SIGTERM, lambda *_: _stop(told))
    os.dup2(2, 1)  # what a library prints is no answer
    waiting: list[str] = []
    ready = threading.Condition()

    def listen() -> None:
        for text in sys.stdin:
            with ready:
                waiting.append(text)
                ready.notify()
        os._exit(0)  # the parent has ended, or has closed the pipe to say so

    threading.Thread(target=listen, daemon=True).start()
    _settle(given.cores, given.memory)
    told.say(ready=True)
    while True:
        with ready:
            ready.wait_for(lambda: bool(waiting))
            line = waiting.pop(0)
        _run(json.loads(line), told)


if __name__ == "__main__":
    main()
