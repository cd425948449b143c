"""Make the pictures of the tutorials and of the README from the code that these pages show.

Run as ``python docs/pictures.py [PAGE ...]``, such as ``tutorial-3-airline``; without a page all are made, which trains
everything at full length and takes some minutes. Every Python block of a page runs in order, and every command that
compares; the pictures that they write go to ``docs/images``. ``diagrams`` draws those of no page.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
IMAGES = DOCS / "images"
PAGES = tuple(sorted(page.stem for page in DOCS.glob("tutorial-*.md")))
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WIDTHS, COLOURS = (1000, 900, 800, 700, 600), (256, 128, 64, 32, 16)  # pixels and colours of a picture
MOST_BYTES = 60_000
COMMAND = "gatecast forecast --example airline --horizon 12"
TERMINAL_WIDTH = 80


def main(names: list[str]) -> None:
    """Make the pictures of the pages that are named, or of all."""
    for name in names or [*PAGES, "terminal", "diagrams"]:
        with working_folder() as folder:
            if name == "terminal":
                draw_terminal(folder / "terminal.svg")
            elif name == "diagrams":
                draw_cell(folder / "lstm-cell.png")
                draw_way(folder / "how-it-works.png")
            else:
                run_page(DOCS / f"{name}.md")
            for picture in keep(folder):
                print(f"{picture.relative_to(DOCS.parent)}  {picture.stat().st_size / 1000:.0f} kB")


@contextlib.contextmanager
def working_folder() -> Iterator[Path]:
    """A folder of its own as the current one."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        try:
            yield Path(name)
        finally:
            os.chdir(before)


def run_page(page: Path) -> None:
    """Run the Python blocks of a page in order, and its comparisons."""
    from gatecast.cli.main import main as gatecast

    text = page.read_text(encoding="utf-8")
    namespace: dict[str, Any] = {"__name__": page.stem}
    for found in BLOCK.finditer(text):
        if found[1] == "python":
            line = text[: found.start(2)].count("\n")
            exec(compile("\n" * line + found[2], str(page), "exec"), namespace)
            continue
        for command in found[2].splitlines():
            words = shlex.split(command, comments=True)
            if "--compare" in words and gatecast(words[2:]) != 0:
                raise SystemExit(f"{page.name}: {command} failed")


def keep(folder: Path) -> Iterator[Path]:
    """Move the pictures that a page shows to docs/images, made small."""
    shown = {
        name for page in (DOCS.parent / "README.md", *DOCS.glob("*.md"))
        for name in re.findall(r"images/([\w.-]+)\)", page.read_text(encoding="utf-8"))
    }  # fmt: skip
    for picture in sorted(folder.iterdir()):
        if picture.name not in shown:
            continue
        target = IMAGES / picture.name
        if picture.suffix == ".png":
            shrink(picture, target)
        else:
            target.write_bytes(picture.read_bytes())
        yield target


def shrink(picture: Path, target: Path) -> None:
    """A PNG that is small enough: of fewer colours, then of fewer pixels."""
    from PIL import Image

    with Image.open(picture) as image:
        drawn = image.convert("RGB")
    for width, colours in itertools.product(WIDTHS, COLOURS):
        small = drawn.resize((width, round(drawn.height * width / drawn.width)), Image.Resampling.LANCZOS)
        plain = small.quantize(colours, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        plain.save(target, optimize=True)
        if target.stat().st_size <= MOST_BYTES:
            return


def draw_terminal(path: Path) -> None:
    """What the first command of the README prints, as a picture of a terminal."""
    from rich.console import Console
    from rich.text import Text

    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(TERMINAL_WIDTH), "TERM": "xterm-256color"}
    program = [sys.executable, "-m", *COMMAND.split()]
    shown = subprocess.run(program, capture_output=True, text=True, check=True, env=environment).stdout
    with (path.parent / "unused").open("w") as unused:
        console = Console(record=True, width=TERMINAL_WIDTH, file=unused, force_terminal=True, legacy_windows=False)
        console.print(Text(f"$ {COMMAND}", style="bold"))
        console.print(Text.from_ansi(shown))
    svg = console.export_svg(title="gatecast", unique_id="terminal")
    path.write_text(svg, encoding="utf-8")


def _canvas(width: float, height: float) -> tuple[Any, Any]:
    """A figure without axes, one unit to the inch."""
    from gatecast.forecasts.canvas import empty_figure

    figure = empty_figure(width, height)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()
    return figure, axes


def _box(axes: Any, x: float, y: float, text: str, colour: str, size: tuple[float, float] = (1.1, 0.5)) -> None:
    from matplotlib.patches import FancyBboxPatch

    left, low = x - size[0] / 2, y - size[1] / 2
    axes.add_patch(FancyBboxPatch((left, low), *size, boxstyle="round,pad=0.04", fc=colour, ec="#333333", lw=1))
    axes.text(x, y, text, ha="center", va="center", fontsize=9, color="#222222")


def _arrow(axes: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": "#333333", "lw": 1.2})


def draw_cell(path: Path) -> None:
    """The LSTM cell: memory along the top, state along the bottom, the gates between them."""
    figure, axes = _canvas(8, 3.6)
    gate, plain, circle = "#c7dfee", "#f6dcc4", "#ffffff"
    axes.text(0.15, 3.0, "memory c", fontsize=10)
    axes.text(7.2, 3.0, "c'", fontsize=10)
    axes.text(0.15, 0.35, "state h, input x", fontsize=10)
    axes.text(7.2, 1.55, "h'", fontsize=10)
    for x, text, colour in ((1.9, "f  forget", gate), (3.2, "i  input", gate), (4.5, "g  candidate", plain),
                            (5.9, "o  output", gate)):  # fmt: skip
        _box(axes, x, 1.1, text, colour)
        _arrow(axes, (x, 0.42), (x, 0.82))
    axes.plot([1.5, 5.9], [0.42, 0.42], color="#333333", lw=1.2)
    for x, y, sign in ((1.9, 3.0, "×"), (3.85, 2.1, "×"), (3.85, 3.0, "+"), (5.9, 2.1, "×")):
        axes.text(x, y, sign, ha="center", va="center", fontsize=12,
                  bbox={"boxstyle": "circle", "fc": circle, "ec": "#333333"})  # fmt: skip
    _box(axes, 5.9, 2.62, "tanh", "#eeeeee", (0.6, 0.25))
    _arrow(axes, (0.95, 3.0), (1.7, 3.0))
    _arrow(axes, (2.1, 3.0), (3.65, 3.0))
    _arrow(axes, (4.05, 3.0), (7.1, 3.0))
    _arrow(axes, (1.9, 1.4), (1.9, 2.78))
    _arrow(axes, (3.2, 1.4), (3.72, 1.93))
    _arrow(axes, (4.5, 1.4), (3.98, 1.93))
    _arrow(axes, (3.85, 2.32), (3.85, 2.78))
    _arrow(axes, (5.9, 3.0), (5.9, 2.8))
    _arrow(axes, (5.9, 2.46), (5.9, 2.3))
    _arrow(axes, (5.9, 1.4), (5.9, 1.9))
    axes.plot([6.1, 6.75], [2.1, 2.1], color="#333333", lw=1.2)
    axes.plot([6.75, 6.75], [2.1, 1.6], color="#333333", lw=1.2)
    _arrow(axes, (6.75, 1.6), (7.1, 1.6))
    figure.savefig(path, dpi=200)


def draw_way(path: Path) -> None:
    """The way of a forecast, from the table to the verdict."""
    figure, axes = _canvas(9, 2.9)
    blue, orange, grey = "#c7dfee", "#f6dcc4", "#eeeeee"
    for x, y, text, colour in (
        (0.8, 1.8, "table", grey),
        (2.5, 1.8, "windows", grey),
        (4.4, 2.4, "LSTM candidates", blue),
        (4.4, 1.8, "pretrained gate", blue),
        (4.4, 1.0, "naive forecasts", orange),
        (6.2, 2.1, "blend", blue),
        (8.0, 2.1, "forecast,\nintervals", blue),
        (8.0, 1.0, "scores,\nverdict", orange),
    ):
        _box(axes, x, y, text, colour, (1.3, 0.42))
    for start, end in (
        ((1.5, 1.8), (1.8, 1.8)),
        ((3.2, 1.85), (3.7, 2.35)),
        ((3.2, 1.8), (3.7, 1.8)),
        ((3.2, 1.75), (3.7, 1.1)),
        ((5.1, 2.4), (5.5, 2.2)),
        ((5.1, 1.8), (5.5, 2.0)),
        ((6.9, 2.1), (7.3, 2.1)),
        ((5.1, 1.0), (7.3, 1.0)),
        ((8.0, 1.84), (8.0, 1.26)),
    ):
        _arrow(axes, start, end)
    axes.text(0.15, 0.35, "Chosen and weighted on spans that training did not see; scored on origins of the past.",
              fontsize=9, color="#333333")  # fmt: skip
    figure.savefig(path, dpi=200)


if __name__ == "__main__":
    main(sys.argv[1:])
