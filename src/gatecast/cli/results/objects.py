"""JSON objects: one schema for all commands, described in docs/json.md."""

from __future__ import annotations

import json
import math
import sys
from typing import Any

__all__ = ["SCHEMA", "envelope", "plain", "write_json"]

SCHEMA = 1


def envelope(result: dict[str, Any], code: int, error: dict[str, Any] | None = None) -> dict[str, Any]:
    """What every JSON object of the command line begins with; see docs/json.md."""
    from gatecast import __version__

    version = result.get("gatecast", __version__)  # of a model file: the one that wrote it
    head = {"schema": SCHEMA, "gatecast": version, "command": result.get("command"), "exit_code": code}
    return {**head, "error": error or result.get("problem"), **{n: v for n, v in result.items() if n not in head}}


def write_json(result: dict[str, Any]) -> None:
    """One strict JSON object on stdout: what is not finite is null, what the encoding lacks is escaped."""
    text = json.dumps(plain(result), ensure_ascii=False, allow_nan=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(plain(result), allow_nan=False)
    print(text)


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
