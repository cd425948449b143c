"""Figures that the pages quote are those of ``benchmarks/results.json``, and each of them stands in a measured file.

A figure names where it is shown: "page | first cell of the row | heading of the column" in a table, or
"page " words in its text. Every number of a column of which one is named has to be named.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
FIGURES: list[dict[str, Any]] = json.loads((ROOT / "benchmarks" / "results.json").read_text("utf-8"))["figures"]
NUMBER = re.compile(r"(?<![\w.,-])\d+(?:,\d{3})*(?:\.\d+)?")  # not that of M4, nor of a name
ALL_COLUMNS = {"README.md"}  # pages whose tables hold nothing that is not measured
# Pages whose prose quotes figures, and what looks like one there and is a setting, a size or a level.
PROSE = ["README.md", "docs/caveats.md", "docs/pretrained.md", "docs/scale.md", "docs/howto-live.md"]
PROSE += sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("tutorial-*.md"))
MEASURED = re.compile(
    r"(?<![\w.,/^-])\d+(?:,\d{3})+(?:\.\d+)?(?![\w-])|(?<![\w.,/-])\d+\.\d+(?![\w.-])|"
    r"(?<![\w.,/^-])\d+(?:\.\d+)?(?= (?:%|s\b|ms\b|seconds|minutes|times\b))"
)
NOT_MEASURED = re.compile(
    r"(?:intervals? of )?80 (?:%|and 95 %)|95 %|Python 3\.11|rows 11,520 to 14,399|first 8,640|last 2,000 errors|"
    r"limit of 0\.001|more than 1,000 of them|times 1\.03, or 1\.2 without|series of 1,000 steps, 3\.4 kB|"
    r"(?:30,000 to )?100,000 series|1,400,000 rows|1\.2 hours|200,000 parts|sin t = 0\.5|below 0\.0001|"
    r"2,000 epochs|1,000 points|up to 20,000"
)


def places() -> dict[str, list[str]]:
    """Values by the cell that they are shown in."""
    found = defaultdict(list)
    for figure in FIGURES:
        for place in figure["shown"]:
            if '"' not in place:
                found[place].append(figure["value"])
    return found


PLACES = places()
PAGES = sorted({place.split(" | ")[0] for place in PLACES})


def cells_of(page: str) -> Iterator[tuple[str, str, list[str]]]:
    """Place, column and numbers of the cells of a page's tables."""
    head: list[str] = []
    for line in (ROOT / page).read_text("utf-8").splitlines():
        if not line.startswith("|"):
            head = []
            continue
        cells = [cell.strip().replace("**", "") for cell in line.strip("|").split("|")]
        if not head:
            head = cells
        elif set(line) - set("|- "):
            for column, cell in zip(head[1:], cells[1:], strict=True):
                yield f"{page} | {cells[0]} | {column}", column, NUMBER.findall(cell)


@pytest.mark.parametrize("page", PAGES)
def test_tables_show_what_was_measured(page: str) -> None:
    cells = list(cells_of(page))
    watched = {column for place, column, _ in cells if place in PLACES or page in ALL_COLUMNS}
    wrong = {
        place: (numbers, PLACES.get(place, []))
        for place, column, numbers in cells
        if column in watched and sorted(numbers) != sorted(PLACES.get(place, []))
    }
    assert not wrong, "shown, and measured: see benchmarks/results.json"
    absent = {place for place in PLACES if place.startswith(f"{page} | ")} - {place for place, *_ in cells}
    assert not absent, "no such cell"


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure["name"])
def test_a_figure_stands_in_a_measured_file_and_in_its_text(figure: dict[str, Any]) -> None:
    assert set(figure) == {"name", "value", "unit", "command", "file", "at", "shown"}
    assert figure["file"].startswith("benchmarks/")
    text = (ROOT / figure["file"]).read_text("utf-8")
    value = figure["value"]
    digits = len(value.partition(".")[2])
    if figure["file"].endswith(".json"):
        found = json.loads(text)
        for key in figure["at"]:
            found = found[key]
        held = [float(found)]
    else:
        assert " ".join(figure["at"].split()) in " ".join(text.split())
        held = [float(number.replace(",", "")) for number in NUMBER.findall(figure["at"])]
    held += [100 * share for share in held if figure["unit"] == "%"]
    assert any(abs(number - float(value.replace(",", ""))) <= 0.5000001 * 10**-digits for number in held), held
    assert figure["shown"]
    for place in figure["shown"]:
        page, mark, words = place.partition(' " ')
        if mark:
            assert value in words
            assert words in " ".join((ROOT / page).read_text("utf-8").split())


@pytest.mark.parametrize("page", PROSE)
def test_prose_shows_what_was_measured(page: str) -> None:
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text("utf-8"), flags=re.DOTALL)
    text = re.sub(r"^(?:\|.*|    .*)$", "", text, flags=re.MULTILINE)
    text = " ".join(re.sub(r"`[^`]*`", "``", text).split())
    places = [place.partition(' " ') for figure in FIGURES for place in figure["shown"]]
    named = [re.escape(words) for where, mark, words in places if mark and where == page]
    known = [hit.span() for one in (*named, NOT_MEASURED.pattern) for hit in re.finditer(one, text)]
    hits = [hit.span() for hit in MEASURED.finditer(text)]
    unknown = [(begin, end) for begin, end in hits if not any(b <= begin and end <= e for b, e in known)]
    found = [text[max(0, begin - 40) : end + 20] for begin, end in unknown]
    assert not found, "name these in benchmarks/results.json, or say it without a figure"


def test_names_are_told_apart() -> None:
    assert len({figure["name"] for figure in FIGURES}) == len(FIGURES)
