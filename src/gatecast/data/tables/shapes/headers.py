"""The table within rows of cells: title block, names, units, body and footer.

Monthly report                   left out
date      ;sales     ;promo      names
;[kg]     ;                      units, left out
2024-01-01;12        ;           body
Total     ;12                    left out, as is a note below the table
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from gatecast.data.tables.shapes.table import AS_FOUND, Layout
from gatecast.data.tables.times.read import looks_like_dates
from gatecast.data.tables.times.words import TOTALS
from gatecast.errors import PanelError, Part, Setting, listed

__all__ = ["Body", "find_body", "looks_like_data"]

Row = tuple[int, list[str]]

_NUMBER = re.compile(r"^[^A-Za-z0-9]{0,4}\d[\d.,'’ \u00a0\u202f]*(?:e[+-]?\d+)?[^A-Za-z0-9]{0,3}$", re.IGNORECASE)
_CODES = "USD|EUR|GBP|CHF|JPY|SEK|NOK|DKK|PLN|CZK|AUD|CAD|BRL|INR|kr"
_AMOUNT = re.compile(  # 1.2K, USD 5.00, 12,5 kr, true: no names of columns either
    rf"^(?:(?:{_CODES}) ?)?[^A-Za-z0-9]{{0,4}}\d[\d.,'’ \u00a0\u202f]*(?:[KMB]|bn|mn|mio|mln|mrd|tsd|{_CODES})?\.?$|"
    r"^(?:true|false)$",
    re.IGNORECASE,
)
_TIME = re.compile(r"^\d{1,4}[-/.:]\d{1,2}([-/.:]\d{1,4})?([T ].*)?$|^\d{4}-?[QWMHK]", re.IGNORECASE)
_UNIT = re.compile(
    r"^[\[(].*[\])]$|^[€$£%°]$|^(?:[kmgt]?w(?:h|atts?)?|eur|usd|gbp|°?[cfk]|[cmk]?m|mm|m/s|km/h|hpa|k?pa|bar|[mk]?g|kg|"
    r"t|l|m³|m3|m2|m²|pcs|units?|st(?:ü|u)ck|stk|pieces|count|ppm|hours?|min|sec|s|ms|hz|[mk]?v|[mk]?a|1000|mio)\.?$",
    re.IGNORECASE,
)
_COMMENT = ("#", "//", "%%")
_MOST_RAGGED = 0.1  # of all rows; more of them are no accident


@dataclass(frozen=True)
class Body:
    """The table within the rows.

    Args:
        names: of the columns.
        rows: number and cells of each row, all as wide as the names.
        notes: what was left out.
    """

    names: list[str]
    rows: list[Row]
    notes: list[Part] = field(default_factory=list)


def find_body(rows: Sequence[Row], file: str, layout: Layout = AS_FOUND) -> Body:
    """Find the table in the rows of a file.

    Args:
        rows: number (as people count) and cells of each row; empty ones keep apart what is above and below them.
        file: its name, for messages.
        layout: what the user says.

    Raises:
        PanelError: there is no header, or too many rows have other numbers of cells than it.
    """
    notes: list[Part] = []
    rows, apart = _filled([row for row in rows if row[0] > layout.skip])
    if not rows:
        raise PanelError(f"{file} has no rows{' after those skipped' if layout.skip else ''}.")
    rows, comments = _without_comments(rows, layout)
    width = _width(rows)
    begin = _header_at(rows, width, layout, apart)
    if begin:
        notes.append(_left_out(rows[:begin], "before the table"))
    if comments:
        notes.append(_left_out(comments, "with a comment"))
    body, names = rows[begin:], list[str]()
    if layout.header != 0:
        names, body = _names(body, file, notes)
    width = len(names) or max(width, 1)
    names = names or [f"column_{k}" for k in range(1, width + 1)]
    names, body = _widened(names, body, file)
    body = _without_footer(body, len(names), notes, apart)
    return Body(names, _even(body, len(names), file, notes), notes)


def _filled(rows: Sequence[Row]) -> tuple[list[Row], set[int]]:
    """The rows that hold something, and the numbers of those that follow an empty one."""
    held = [any(cell.strip() for cell in cells) for _, cells in rows]
    apart = {rows[k][0] for k in range(1, len(rows)) if held[k] and not held[k - 1]}
    return [row for row, some in zip(rows, held, strict=True) if some], apart


def _filled_cells(cells: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in cells)


def looks_like_data(cells: Sequence[str]) -> bool:
    """Whether a row holds nothing but numbers and times."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    return bool(filled) and len(filled) == len(cells) and all(_holds_data(cell) for cell in filled)


def _holds_data(cell: str) -> bool:
    return bool(_NUMBER.match(cell) or _TIME.match(cell) or _AMOUNT.match(cell))


def _left_out(rows: Sequence[Row], why: str) -> str:
    numbers = [number for number, _ in rows]
    first = ", ".join(cell for cell in rows[0][1] if cell.strip())[:40]
    named = f"row {numbers[0]}" if len(rows) == 1 else f"rows {listed(numbers)}"
    return f"{named} ({first!r}) {why} {'is' if len(rows) == 1 else 'are'} left out"


def _without_comments(rows: list[Row], layout: Layout) -> tuple[list[Row], list[Row]]:
    """Rows without comments; a commented row of names, right above the data, stays."""
    marked = [k for k, (_, cells) in enumerate(rows) if cells[0].lstrip().startswith(_COMMENT)]
    if not marked or len(marked) > len(rows) / 2:
        return rows, []
    plain = [row for k, row in enumerate(rows) if k not in set(marked)]
    last = max((k for k in marked if rows[k][0] < plain[0][0]), default=None)
    if last is not None and looks_like_data(plain[0][1]) and len(rows[last][1]) == len(plain[0][1]) > 1:
        number, cells = rows[last]
        head = (number, [cells[0].lstrip("#/% "), *cells[1:]])
        return [head, *plain], [rows[k] for k in marked if k != last]
    return plain, [rows[k] for k in marked]


def _width(rows: Sequence[Row]) -> int:
    """How many cells most rows have; those of the first row where no number is that of half of them."""
    counts = Counter(len(cells) for _, cells in rows)
    width, often = max(counts.items(), key=lambda item: (item[1], item[0]))
    return width if often > len(rows) / 2 else len(rows[0][1])


def _header_at(rows: Sequence[Row], width: int, layout: Layout, apart: set[int]) -> int:
    """Position of the row that holds the names."""
    if layout.header:
        found = [k for k, (number, _) in enumerate(rows) if number == layout.header]
        if not found:
            raise PanelError("there is no row ", str(layout.header), " to take the names of the columns from.")
        return found[0]
    if layout.header == 0 or width < 2:
        return 0
    for k in range(_below_title(rows, width, apart), min(len(rows), 100)):
        cells = rows[k][1]
        if _filled_cells(cells) == 1 and width > 2 and k + 1 < len(rows):
            continue
        if len(cells) == width or _fits_beside(rows, k, width):
            return k
    return 0


def _below_title(rows: Sequence[Row], width: int, apart: set[int]) -> int:
    """Where rows begin that an empty row keeps apart from a title block: names, or others that have more cells."""
    first = full = 0
    for k in range(1, min(20, len(rows) - 1)):
        above = rows[k - 1][1]
        full += _filled_cells(above) > width / 2 and any(_holds_data(cell.strip()) for cell in above)
        if full > 1:  # these are rows of the table
            break
        if rows[k][0] in apart:
            most = max(_filled_cells(cells) for _, cells in rows[first:k])
            fewer = k - first > 1 and most < _filled_cells(rows[k][1])
            if most <= width / 2 or fewer or not any(_holds_data(cell.strip()) for cell in rows[k][1]):
                first = k
    return first


def _fits_beside(rows: Sequence[Row], k: int, width: int) -> bool:
    """Whether a row of one cell less or more holds the names: right above the data, or they end in a separator."""
    cells = rows[k][1]
    if abs(len(cells) - width) != 1 or len(cells) < 1 or k + 1 >= len(rows):
        return False
    if any(_holds_data(cell.strip()) for cell in cells if cell.strip()):
        return False
    return len(rows[k + 1][1]) == width and any(_holds_data(cell.strip()) for cell in rows[k + 1][1])


def _names(rows: list[Row], file: str, notes: list[Part]) -> tuple[list[str], list[Row]]:
    """Names from the first row, or the first few; a row of units below them is left out."""
    head = [cell.strip() for cell in rows[0][1]]
    more = 1
    while more < min(4, len(rows) - 1) and not _is_body(rows, more):
        more += 1
    if more == 1 or more == len(rows) or not _is_body(rows, more):
        _refuse_data(head, file)
        return head, rows[1:]
    levels = [rows[k][1] for k in range(1, more)]
    units = [k for k, level in enumerate(levels, 1) if _are_units(level)]
    if units:
        notes.append(_left_out([rows[k] for k in units], "with units"))
    joined = [rows[k][1] for k in range(more) if k not in units]
    if len(joined) > 1:
        head = _joined(joined)
        notes.append(
            f"the names of the columns stand in rows {listed([rows[k][0] for k in range(more)])}: {head[-1]!r}"
        )
    return head, rows[more:]


def _is_body(rows: Sequence[Row], k: int) -> bool:
    """Whether a row below the names holds data: its first cell has a digit, or some cell is a number or a time.

    "Q1 2024" is a name in a row of names, and a time where the next row has one there too.
    """
    cells = [cell.strip() for cell in rows[k][1]]
    if any(sign.isdigit() for sign in cells[0]) or any(_holds_data(cell) for cell in cells if cell):
        return True
    below = [cell.strip() for cell in rows[k + 1][1]] if k + 1 < len(rows) else []
    return any(_is_time_in_words(one) and _is_time_in_words(other) for one, other in zip(cells, below, strict=False))


def _is_time_in_words(cell: str) -> bool:
    letters, digits = (any(map(kind, cell)) for kind in (str.isalpha, str.isdigit))
    return letters and digits and looks_like_dates(pl.Series([cell]))


def _are_units(cells: Sequence[str]) -> bool:
    filled = [cell.strip() for cell in cells if cell.strip()]
    hits = sum(bool(_UNIT.match(cell)) for cell in filled)
    return bool(filled) and hits >= max(1, (len(filled) - 1) / 2)


def _joined(levels: Sequence[Sequence[str]]) -> list[str]:
    """Names of several rows: what spans several columns stands over the first of them only."""
    made = [""] * max(map(len, levels))
    for k, level in enumerate(levels):
        held = ""
        for c, cell in enumerate(level):
            held = cell.strip() or (held if k + 1 < len(levels) and c else "")
            made[c] = f"{made[c]} {held}".strip()
    return made


def _refuse_data(head: list[str], file: str) -> None:
    """A first row of nothing but numbers and dates is data: the header is missing."""
    if looks_like_data(head):
        shown = listed([repr(name) for name in head], 3)
        raise PanelError(
            f"the first row of {file} holds {shown} where column names should be. Add a header row, or pass ",
            Setting("header", 0, of="read"),
            ".",
        )


def _widened(names: list[str], rows: list[Row], file: str) -> tuple[list[str], list[Row]]:
    """Names for rows of one cell more: an empty one at the end, or names of rows at the beginning."""
    while len(names) > 1 and not names[-1] and not any(len(c) >= len(names) and c[-1].strip() for _, c in rows):
        names = names[:-1]
        rows = [(n, cells[: len(names)]) for n, cells in rows]
    longer = [cells for _, cells in rows if len(cells) == len(names) + 1]
    if len(longer) < 0.9 * len(rows) or not rows:
        return names, rows
    if not any(cells[-1].strip() for cells in longer):
        return names, [(n, cells[: len(names)] if len(cells) == len(names) + 1 else cells) for n, cells in rows]
    if any(_TIME.match(cells[0].strip()) for cells in longer[:20]):
        raise PanelError(
            f"{file} cannot be read: its rows have {len(names) + 1} fields and its header {len(names)}, such as "
            f"{longer[0][-2].strip()!r}, {longer[0][-1].strip()!r}. Are these decimal commas without quotes?"
        )
    return ["", *names], rows


def _without_footer(rows: list[Row], width: int, notes: list[Part], apart: set[int]) -> list[Row]:
    """Rows without what stands below the table: notes of one cell, and totals."""
    end = _above_lone_cells(rows, apart)
    while end > 2 and width > 1 and _is_footer(rows[end - 1][1], rows[: end - 1]):
        end -= 1
    if end < len(rows):
        notes.append(_left_out(rows[end:], "below the table"))
    return rows[:end]


def _above_lone_cells(rows: Sequence[Row], apart: set[int]) -> int:
    """Where rows of one cell of words begin that an empty row keeps apart from all others; else the end of the rows."""
    begin = len(rows)
    while begin > 2:
        filled = [cell.strip() for cell in rows[begin - 1][1] if cell.strip()]
        if len(filled) > 1 or _holds_data(filled[0]):
            break
        begin -= 1
    usual = _filled_cells(rows[0][1]) if rows else 0
    return begin if 2 <= begin < len(rows) and usual > 1 and rows[begin][0] in apart else len(rows)


def _is_footer(cells: Sequence[str], above: Sequence[Row]) -> bool:
    filled = [cell.strip() for cell in cells if cell.strip()]
    usual = _filled_cells(above[0][1])
    if re.match(TOTALS, filled[0], re.IGNORECASE):
        place = next(k for k, cell in enumerate(cells) if cell.strip())
        return not any(len(row) > place and row[place].strip() == filled[0] for _, row in above)  # a series of its own
    if not cells[0].strip() and all(row[0].strip() for _, row in above):
        return _adds_up(cells, above)
    return len(filled) == 1 < usual and not _holds_data(filled[0]) and not _is_short(cells, above)


def _adds_up(cells: Sequence[str], above: Sequence[Row]) -> bool:
    """Whether a row without a name or time is the sum of some column above it, but for rounding."""
    for k, cell in enumerate(cells):
        digits = re.sub(r"\D", "", cell)
        column = [re.sub(r"\D", "", row[k]) for _, row in above if len(row) > k]
        if digits and any(column):
            total = sum(int(one) for one in column if one and len(one) < 19)
            if total and abs(int(digits) - total) <= total / 100:
                return True
    return False


def _is_short(cells: Sequence[str], above: Sequence[Row]) -> bool:
    """Whether a lone cell stands in a column whose other cells are words as well: a row of a table with gaps."""
    place = next(k for k, cell in enumerate(cells) if cell.strip())
    column = [row[place].strip() for _, row in above if len(row) > place]
    return not any(_holds_data(cell) for cell in column) and len(cells) == len(above[0][1])


def _even(rows: list[Row], width: int, file: str, notes: list[Part]) -> list[Row]:
    """Rows of one width: short ones are filled up, long ones left out; both are told."""
    short = [row for row in rows if len(row[1]) < width]
    long = [row for row in rows if any(cell.strip() for cell in row[1][width:])]
    ragged = [*short, *long]
    if len(ragged) > max(_MOST_RAGGED * len(rows), 1 if len(rows) > 3 else 0):
        ragged.sort()
        told = listed([f"row {n} has {len(cells)}" for n, cells in ragged], 3)
        raise PanelError(
            f"{file} cannot be read: {told} fields, the header {width} ({len(ragged):,} of {len(rows):,} rows). "
            "Is the header further down? Pass ",
            Setting("header", of="read"),
            " with its row, or correct the rows.",
        )
    if long:
        told = listed([f"row {n} with {len(cells)} fields in place of {width}" for n, cells in long], 3)
        notes.append(f"{told} {'is' if len(long) == 1 else 'are'} left out")
    if short:
        told = listed([f"row {n} with {len(cells)} of {width} fields" for n, cells in short], 3)
        notes.append(f"{told}: the others are taken as missing")
    dropped = {n for n, _ in long}
    return [(n, (cells + [""] * width)[:width]) for n, cells in rows if n not in dropped]
