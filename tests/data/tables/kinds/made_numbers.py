"""Columns of numbers that a generator writes by every usual habit: cells, and the values that they mean."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

__all__ = ["MARKS", "STYLES", "numbers"]

GERMAN = str.maketrans(",.", ".,")
# What a cell says, and what it means, of a number between -1e6 and 1e6.
STYLES: dict[str, Callable[[float], tuple[str, float]]] = {
    "plain": lambda v: (repr(v), v),
    "whole": lambda v: (f"{round(v)}", round(v)),
    "one decimal": lambda v: (f"{v:.1f}", round(v, 1)),
    "English": lambda v: (f"{v:,.2f}", round(v, 2)),
    "Swiss": lambda v: (f"{v:,.2f}".replace(",", "'"), round(v, 2)),
    "Swiss, typographic": lambda v: (f"{v:,.2f}".replace(",", "’"), round(v, 2)),
    "spaces": lambda v: (f"{v:,.2f}".replace(",", " "), round(v, 2)),
    "euros": lambda v: (f"€{v:,.2f}" if v >= 0 else f"-€{-v:,.2f}", round(v, 2)),
    "dollars": lambda v: (f"${v:,.2f}" if v >= 0 else f"($ {-v:,.2f})", round(v, 2)),
    "USD": lambda v: (f"USD {v:,.2f}", round(v, 2)),
    "percent": lambda v: (f"{v / 1e4:.2f} %", round(v / 1e4, 2)),
    "percent, close": lambda v: (f"{v / 1e4:.1f}%", round(v / 1e4, 1)),
    "accounting": lambda v: (f"{v:,.2f}" if v >= 0 else f"({-v:,.2f})", round(v, 2)),
    "trailing minus": lambda v: (f"{v:,.2f}" if v >= 0 else f"{-v:,.2f}-", round(v, 2)),
    "typographic minus": lambda v: (f"{v:.2f}".replace("-", "\u2212"), round(v, 2)),
    "plus": lambda v: (f"{v:+.2f}", round(v, 2)),
    "exponent": lambda v: (f"{v:.16e}", v),
    "capital exponent": lambda v: (f"{v:.3E}", float(f"{v:.3e}")),
    "tiny": lambda v: (repr(v * 1e-300), v * 1e-300),
    "huge": lambda v: (repr(v * 1e140), v * 1e140),
    "sixteen digits": lambda v: (f"{round(v * 1e9)}", round(v * 1e9)),
    "K": lambda v: (f"{v / 1e3:.1f}K", float(f"{v / 1e3:.1f}") * 1e3),
    "Mio": lambda v: (f"{v:.2f} Mio", float(f"{v:.2f}") * 1e6),
    "mixed scales": lambda v: STYLES["K" if abs(v) > 1e4 else "one decimal"](v),
    "whole thousands": lambda v: (f"{round(v):,}", round(v)),
    "truths": lambda v: ("true" if v > 0 else "false", v > 0),
    "capital truths": lambda v: ("TRUE" if v > 0 else "FALSE", v > 0),
    "German": lambda v: (f"{v:,.2f}".translate(GERMAN), round(v, 2)),
    "German euros": lambda v: (f"{v:,.2f} €".translate(GERMAN), round(v, 2)),
    "German thousands": lambda v: (f"{round(v):,}".translate(GERMAN), round(v)),
    "French": lambda v: (f"{v:,.2f}".replace(",", "\u202f").replace(".", ","), round(v, 2)),
    "decimal comma": lambda v: (f"{v:.2f}".replace(".", ","), round(v, 2)),
    "comma percent": lambda v: (f"{v / 1e4:.2f} %".replace(".", ","), round(v / 1e4, 2)),
    "comma K": lambda v: (f"{v / 1e3:.1f}k".replace(".", ","), float(f"{v / 1e3:.1f}") * 1e3),
}
WITH_COMMA = {"German", "German euros", "German thousands", "French", "decimal comma", "comma percent", "comma K"}
OF_BOTH = {"whole", "truths", "capital truths", "sixteen digits"}
BY_SIGN = {",": sorted(WITH_COMMA | OF_BOTH), ".": sorted(set(STYLES) - WITH_COMMA)}  # a file has one decimal sign
MARKS = ["", "", "", "NA", "n/a", "NaN", "?", "-", "..", "null", "#N/A", "k.A."]
ALIKE = {"whole thousands": ",", "German thousands": "."}  # two readings where each number has one sign


def numbers(rng: random.Random, count: int, sign: str, *, whole_column: bool = True) -> tuple[list[str], list[float]]:
    """(count,) cells in one style, and their values with nan for missing ones; true and false only as a column."""
    style = rng.choice([name for name in BY_SIGN[sign] if whole_column or "truths" not in name])
    size = rng.choice([1.0, 100.0, 3e3, 1e6])
    holes, mark = rng.choice([0.0, 0.0, 0.1, 0.4]), rng.choice(MARKS)
    begin, below = rng.uniform(0, size), rng.random() < 0.5
    cells, values = [], []
    for k in range(count):
        v = rng.uniform(-size, size) if rng.random() < 0.5 else begin + rng.gauss(0, size / 50)
        v = 1_234_567.0 if style in ALIKE and k == 0 else v if below else abs(v)
        cell, value = STYLES[style](v)
        if k and rng.random() < holes:
            cell, value = mark, math.nan
        cells.append(cell)
        values.append(float(value) + 0.0)
    return cells, values
