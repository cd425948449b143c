"""Tables in Arrow's stream format, in and out.

A few bytes of Arrow can stand for very many: a column of nulls, or compressed buffers. So the heads of its messages are
read first; they say how many rows there are, and whether something is compressed.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from gatecast.forecasts.forecast import Forecast
from gatecast.serving.limits import Limits
from gatecast.serving.problems import Problem

__all__ = ["frame_of", "stream_of"]

CONTINUES = 0xFFFFFFFF
DICTIONARY, RECORDS = 2, 3  # kinds of messages, as Message.fbs of Arrow numbers them


def frame_of(raw: bytes, limits: Limits) -> dict[str, list[Any]]:
    """The columns of a stream. Raises Problem for what is none, or too large."""
    rows = 0
    try:
        for length, compressed in _batches(raw):
            rows += length
            if compressed:
                raise Problem(
                    415, "Compressed Arrow is not read.", where="body", remedy="Write the stream without compression."
                )
            if length < 0 or rows > limits.rows:
                raise Problem(
                    413,
                    f"The table has more than {limits.rows:,} rows.",
                    where="body",
                    limit=limits.rows,
                    remedy="Send fewer rows at a time.",
                )
        frame = pl.read_ipc_stream(io.BytesIO(raw))
    except (pl.exceptions.PolarsError, struct.error, IndexError, ValueError, OSError, pl.exceptions.PanicException):
        raise Problem(
            400, "The body is no stream of Arrow.", where="body", remedy="Write it with Arrow's IPC stream format."
        ) from None
    if frame.height > limits.rows or frame.width > 1000:
        raise Problem(413, "The table has too many rows or columns.", where="body", limit=limits.rows)
    return {name: [_cell(cell) for cell in frame[name].to_list()] for name in frame.columns}


def _cell(cell: Any) -> Any:
    """Dates as text, as JSON has them."""
    return cell.isoformat() if hasattr(cell, "isoformat") else cell


def stream_of(pieces: Sequence[Forecast], steps: int, levels: Sequence[int]) -> bytes:
    """Forecasts as a long table, cut to the steps and levels that are asked for."""
    frames = []
    for made in pieces:
        frame: pl.DataFrame = made.to_frame("polars")
        kept = [n * made.horizon + h for n in range(len(made)) for h in range(steps)]
        dropped = [
            f"{target}_q{made.quantiles[q]:g}"
            for target in made.targets
            for q in range(len(made.quantiles))
            if q not in levels
        ]
        frames.append(frame[kept].drop(dropped, strict=False))
    out = io.BytesIO()
    pl.concat(frames).write_ipc_stream(out)
    return out.getvalue()


def _batches(raw: bytes) -> Iterator[tuple[int, bool]]:
    """Rows of each batch, and whether its buffers are compressed."""
    at = 0
    while at + 8 <= len(raw):
        size = struct.unpack_from("<I", raw, at)[0]
        at += 4
        if size == CONTINUES:
            size = struct.unpack_from("<I", raw, at)[0]
            at += 4
        if not size:
            return
        head = raw[at : at + size]
        message = struct.unpack_from("<I", head, 0)[0]
        kind = head[_field(head, message, 1)] if _field(head, message, 1) else 0
        body = _field(head, message, 3)
        if kind in (DICTIONARY, RECORDS):
            yield _batch(head, message, kind)
        at += size + (struct.unpack_from("<q", head, body)[0] if body else 0)


def _batch(head: bytes, message: int, kind: int) -> tuple[int, bool]:
    table = _table(head, _field(head, message, 2))
    if kind == DICTIONARY:
        table = _table(head, _field(head, table, 1))
    length = _field(head, table, 0)
    return (struct.unpack_from("<q", head, length)[0] if length else 0), bool(_field(head, table, 3))


def _table(head: bytes, at: int) -> int:
    """Where the table lies that an offset points to."""
    return at + int(struct.unpack_from("<I", head, at)[0])


def _field(head: bytes, table: int, number: int) -> int:
    """Where a field of a table of FlatBuffers lies; 0 = it is not there."""
    entries = table - struct.unpack_from("<i", head, table)[0]
    size = struct.unpack_from("<H", head, entries)[0]
    if 4 + 2 * number >= size:
        return 0
    offset = struct.unpack_from("<H", head, entries + 4 + 2 * number)[0]
    return table + int(offset) if offset else 0
