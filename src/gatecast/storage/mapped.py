"""A panel as files that other processes map into memory: they share its pages, and nothing is copied.

panel-3f..json      what it is: ids, lengths, starts, columns
panel-3f..values    the numbers, row after row, as in memory
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from gatecast.data.frequency import Frequency
from gatecast.data.panel import Panel
from gatecast.data.schema import Schema
from gatecast.storage.codec import decode, encode
from gatecast.storage.container import write_atomically

__all__ = ["map_panel", "write_panel"]


def write_panel(panel: Panel, path: Path) -> None:
    """Write the rows of all series, one series after the other; ``path`` is without its ending."""
    rows = [np.ascontiguousarray(panel.values_RV[panel.rows(n)]) for n in range(len(panel))]
    told = {
        "dtype": panel.values_RV.dtype.name,
        "width": panel.values_RV.shape[1],
        "ids": list(panel.ids),
        "length": panel.length.tolist(),
        "starts": panel.starts.astype(np.int64).tolist(),
        "dates": panel.starts.dtype.kind == "M",
        "static": panel.static_NS.astype(np.float64).tolist(),
        "statics": panel.static_NS.shape[1],
        "frequency": panel.frequency.to_text(),
        "schema": encode(panel.schema),
        "names": list(panel.names),
    }
    with path.with_suffix(".values").open("wb") as file:
        for part in rows:
            part.tofile(file)
    write_atomically(path.with_suffix(".json"), json.dumps(told).encode())


def map_panel(path: Path) -> Panel:
    """The panel again; its values are read from the file as they are used."""
    told = json.loads(path.with_suffix(".json").read_text("utf-8"))
    length, dtype = np.array(told["length"], np.int64), np.dtype(told["dtype"])
    shape = int(length.sum()), int(told["width"])
    values_RV = np.memmap(path.with_suffix(".values"), dtype, "r", shape=shape)
    starts = np.array(told["starts"], np.int64)
    return Panel(
        values_RV.view(np.ndarray),
        np.cumsum(length) - length,
        length,
        tuple(told["ids"]),
        starts.view("datetime64[us]") if told["dates"] else starts,
        Frequency.from_text(told["frequency"]),
        decode(Schema, told["schema"], "schema"),
        np.array(told["static"], dtype).reshape(len(length), int(told["statics"])),
        names=tuple(told["names"]),
    )
