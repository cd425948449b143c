"""What is kept of a measurement: a line in the log of test scorings, and a dated file if asked for."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gatecast as gc
from benchmarks.accuracy.scores import OURS
from benchmarks.speed.contestant import ROOT
from benchmarks.speed.report import number

__all__ = ["LOG", "RESULTS", "commit", "log", "log_line", "save", "versions"]

HERE = Path(__file__).resolve().parent
LOG, RESULTS = HERE / "log.md", HERE / "results"
COLUMNS = 120
NOT_FIGURES = ("seconds", "peak_mb")


def log(result: Mapping[str, Any], day: date, at: str, path: Path) -> None:
    """Add an item; an installation that cannot be written is told about and no reason to stop."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(log_line(result, day, at) + "\n")
    except OSError as error:
        print(f"this look at a test part could not be written down in {path}: {error.strerror}.", file=sys.stderr)


def log_line(result: Mapping[str, Any], day: date, at: str) -> str:
    """Date, commit, set, seeds, the figures and the plans of Gatecast: one item of a list."""
    row = result["methods"][OURS]
    total = f"together: {_figures(row)}" if len(row["per_group"]) > 1 and _figures(row) else ""
    parts = [*filter(None, [total]), *(f"{n}: {_figures(r)}" for n, r in row["per_group"].items())]
    plans = [f"{name} chose {' / '.join(r['plans'])}" for name, r in row["per_group"].items() if r.get("plans")]
    seeds = f"seeds 0 to {result['seeds'] - 1}" if result["seeds"] > 1 else "seed 0"
    horizon = f" (horizon {result['horizon']})" if result.get("horizon") else ""
    words = [day.isoformat(), at, f"{result['set']}{horizon}", seeds, "; ".join(parts), "; ".join(plans)]
    line = "- " + " · ".join(word.replace("\n", " ") for word in words)
    return "\n".join(
        textwrap.wrap(line, COLUMNS, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    )


def save(result: Mapping[str, Any], day: date, at: str, folder: Path) -> Path:
    """Write a dated result file and return its path; an earlier one of the same day stays.

    Raises:
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    words = [result["set"], *([str(result["horizon"])] if result.get("horizon") else [])]
    stem = f"{day.isoformat()}-{'-'.join([*words, *(['inner'] if result['inner'] else [])])}"
    path, again = folder / f"{stem}.json", 1
    while path.exists():
        again += 1
        path = folder / f"{stem}-{again}.json"
    whole = {"date": day.isoformat(), "commit": at, "versions": versions(), **result}
    path.write_text(json.dumps(whole, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return path


def commit() -> str:
    """The commit of the sources, "+changes" where src is not as committed; "unknown" outside a checkout."""
    try:
        head, changed = _git("rev-parse", "--short", "HEAD"), _git("status", "--porcelain", "--", "src")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + ("+changes" if changed else "")


def versions() -> dict[str, str]:
    """Of what the figures depend on."""
    libraries = {name: version(name) for name in ("torch", "numpy")}
    return {"gatecast": gc.__version__, "python": platform.python_version(), **libraries}


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def _figures(row: Mapping[str, Any]) -> str:
    known = {k: v for k, v in row.items() if isinstance(v, float) and k not in NOT_FIGURES}
    return ", ".join(f"{name} {_exact(value)}" for name, value in known.items())


def _exact(value: float) -> str:
    """Three decimals where there is something before them."""
    return f"{value:,.3f}" if 0.1 <= abs(value) < 1e5 else number(value)
