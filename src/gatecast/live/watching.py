"""Follow a stream of lines: rows in, a line of JSON out for each, the state on disk before a row is acknowledged.

    lines ──▶ a block of what is there ──▶ observe ──▶ pending ──▶ save the state ──▶ print

A reader thread fills a queue, so that blocks are as long as the input is ahead. A row that cannot be taken is told with
the number of its line, and the stream goes on.
"""

from __future__ import annotations

import csv
import datetime
import json
import math
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from gatecast.errors import GatecastError, InputError, PanelError
from gatecast.live.halves import in_halves
from gatecast.live.live import Live
from gatecast.live.observed import Observed

__all__ = ["Watch", "lines_of", "plain_rows", "row_of_json"]

BLOCK, AHEAD = 500, 5000  # rows observed at once, lines read ahead at most
SECONDS = 1.0  # between two times that the state is saved while rows keep coming
DELIMITERS = ",;\t|"

Row = tuple[int, dict[str, Any]]


class Watch:
    """Feeds lines to a live model.

    Args:
        live: what observes.
        out: where lines of JSON go.
        complain: takes what one line is to say about a row that was not taken.
        state: file to keep the state in; None = nowhere.
        revise: as for ``Live.observe``.
    """

    def __init__(
        self, live: Live, out: TextIO, complain: Callable[[GatecastError], None], state: Path | None = None, *,
        revise: bool = False,
    ) -> None:  # fmt: skip
        self._live, self._out, self._complain, self._state, self._revise = live, out, complain, state, revise
        self._pending: list[str] = []
        self._saved = time.monotonic()
        self._read = _Lines()
        self.broken = 0

    def run(self, lines: Iterable[str]) -> int:
        """Until the lines end; the number of rows that were not taken."""
        waiting: queue.Queue[str | None] = queue.Queue(AHEAD)
        threading.Thread(target=_fill, args=(lines, waiting), daemon=True).start()
        try:
            while (block := _next(waiting)) is not None:
                self._observe(list(self._parsed(block)))
                if waiting.empty() or time.monotonic() - self._saved > SECONDS:
                    self.acknowledge()
        finally:
            self.acknowledge()
        return self.broken

    def acknowledge(self) -> None:
        """Save the state, then print what is pending."""
        self._saved = time.monotonic()
        if not self._pending:
            return
        if self._state is not None:
            self._live.save(self._state)
        pending, self._pending = self._pending, []
        self._out.write("".join(pending))
        self._out.flush()

    def _parsed(self, block: list[str]) -> Iterator[Row]:
        for line in block:
            try:
                if (row := self._read.row(line)) is not None:
                    yield self._read.number, row
            except PanelError as error:
                self._tell(self._read.number, error)

    def _observe(self, rows: list[Row]) -> None:
        """All of them; those that are refused are told."""
        for some, told in in_halves(rows, lambda part: self._live.observe([r for _, r in part], revise=self._revise)):
            if isinstance(told, InputError):
                self._tell(some[0][0], told)
            else:
                self._pending += lines_of(told)

    def _tell(self, number: int, error: InputError) -> None:
        self.broken += 1
        self._complain(PanelError(f"line {number:,}: ", error))


class _Lines:
    """Rows from lines of JSON, or of CSV with a header; the first line says which."""

    def __init__(self) -> None:
        self.number = 0
        self._columns: list[str] | None = None
        self._delimiter = ","
        self._json: bool | None = None

    def row(self, line: str) -> dict[str, Any] | None:
        """The row of the next line; None for the header and for an empty line. Raises PanelError."""
        self.number += 1
        text = line.strip("\ufeff\r\n ")
        if not text:
            return None
        if self._json is None:
            self._json = text.startswith("{")
        return self._of_json(text) if self._json else self._of_csv(text)

    def _of_json(self, text: str) -> dict[str, Any]:
        try:
            row = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise PanelError(f"no JSON ({error}).") from error
        return row_of_json(row)

    def _of_csv(self, text: str) -> dict[str, Any] | None:
        if self._columns is None:
            self._delimiter = max(DELIMITERS, key=text.count)
            self._columns = self._cells(text)
            return None
        cells = self._cells(text)
        if len(cells) != len(self._columns):
            raise PanelError(f"{len(cells)} cells; the header has {len(self._columns)}.")
        return {name: cell or None for name, cell in zip(self._columns, cells, strict=True)}

    def _cells(self, text: str) -> list[str]:
        return [cell.strip() for cell in next(csv.reader([text], delimiter=self._delimiter))]


def row_of_json(row: Any) -> dict[str, Any]:
    """What was read of JSON as a row. Raises PanelError where it is none."""
    if not isinstance(row, dict) or any(isinstance(cell, dict | list) for cell in row.values()):
        raise PanelError("a row has to be one JSON object of plain values.")
    return row


def _fill(lines: Iterable[str], waiting: queue.Queue[str | None]) -> None:
    """Put all lines into a queue, and None at their end."""
    try:
        for line in lines:
            waiting.put(line)
    finally:
        waiting.put(None)


def _next(waiting: queue.Queue[str | None]) -> list[str] | None:
    """The lines that are there, one at least; None at the end."""
    first = waiting.get()
    if first is None:
        return None
    block = [first]
    while len(block) < BLOCK:
        try:
            line = waiting.get_nowait()
        except queue.Empty:
            break
        if line is None:
            waiting.put(None)  # for the next call
            break
        block.append(line)
    return block


def plain_rows(told: Observed) -> list[dict[str, Any]]:
    """What was said of each row, by column, as JSON has it; nan is None."""
    rows = told.to_frame("polars").iter_rows(named=True)
    return [{name: _plain(name, cell) for name, cell in row.items()} for row in rows]


def lines_of(told: Observed) -> Iterator[str]:
    """A line of JSON for each row."""
    for plain in plain_rows(told):
        yield json.dumps(plain, ensure_ascii=False, separators=(", ", ": "), allow_nan=False) + "\n"


def _plain(name: str, cell: Any) -> Any:
    """A cell as JSON has it; nan is null, and 1.0 of "inside" and "alarm" is true."""
    if isinstance(cell, datetime.datetime):
        midnight = cell.tzinfo is None and cell.time() == datetime.time()
        return cell.date().isoformat() if midnight else cell.isoformat()
    if isinstance(cell, datetime.date):
        return cell.isoformat()
    if isinstance(cell, float):
        if not math.isfinite(cell):
            return None
        return bool(cell) if name.endswith(("_inside_80", "_inside_95", "_alarm")) else cell
    return cell
