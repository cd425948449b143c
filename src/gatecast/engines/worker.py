"""A process that does tasks: a name and a text go in, a text comes out. Nothing but JSON is read, nothing is unpickled.

    python -m gatecast.engines.worker        one JSON line per task on stdin, one per answer on stdout

A task is a function of this package, named "module:function"; what is large goes through files that its text names.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from gatecast import errors
from gatecast.errors import GatecastError

__all__ = ["TASKS", "outcome_of", "perform"]

TASKS = (
    "storage.parcels:train",
    "scale.tasks:forecast_shard",
    "scale.scoring:score_shard",
    "scale.scoring:backtest_shard",
)


def perform(name: str, text: str) -> str:
    """Do a task. Its failure is an answer too: whoever asked raises it."""
    try:
        if name not in TASKS:
            raise errors.ConfigError(f"{name!r} is no task of this version of gatecast.")
        module, _, function = name.partition(":")
        task: Callable[[Any], Any] = getattr(importlib.import_module(f"gatecast.{module}"), function)
        return json.dumps({"result": task(json.loads(text))})
    except Exception as error:
        return json.dumps({"error": type(error).__name__, "message": str(error)})


def outcome_of(answer: str) -> Any:
    """What a task gave. Raises what it raised, by the same name where that is an error of Gatecast."""
    found = json.loads(answer)
    if "error" not in found:
        return found["result"]
    kind = getattr(errors, found["error"], None)
    if isinstance(kind, type) and issubclass(kind, GatecastError):
        raise kind(found["message"])
    raise RuntimeError(f"a worker failed with {found['error']}: {found['message']}")


def main() -> None:
    """Answer until stdin ends; what tasks print goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        name, text = json.loads(line)
        answers.write(perform(name, text) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
