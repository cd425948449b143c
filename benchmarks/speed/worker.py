"""A contestant's end of the line: calls come in on stdin, answers go out on stdout, one JSON object a line.

Standard library only, for the peers' environment runs it too.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["peak_mb", "serve"]


def serve(calls: Mapping[str, Callable[..., Any]]) -> None:
    """Answer calls until stdin ends. What libraries print goes to stderr, so that it cannot disturb the answers."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    print(json.dumps({"result": {"peak_mb": peak_mb()}}), file=answers)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"result": calls[request.pop("call")](**request)}
        except Exception as error:  # told to the caller, who stops the run with it
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers)


def peak_mb() -> float | None:
    """Most memory (10^6 bytes, resident) that this process has held so far; None where the system does not tell.

    On Linux from /proc: ``ru_maxrss`` there begins with the memory of the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(row for row in status.read_text().splitlines() if row.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    try:
        import resource
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most * 1024 / 1e6
