"""Documentation runs: every Python block and every ``$ gatecast`` line of README and docs, file by file, in order.

Training is cut to a few steps here, so that the blocks can show the real settings; figures in the text are not checked.
A block after a comment ``<!-- not run: why -->`` is left out.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import gatecast.data.examples.ridership
import gatecast.forecaster
import gatecast.planning.choose
from gatecast.cli.main import main
from gatecast.planning.plan import Plan

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
GENERATED = {"api.md", "cli.md"}
PAGES = [ROOT / "README.md", *sorted(p for p in DOCS.glob("*.md") if p.name not in GENERATED)]
ALL_PAGES = [*PAGES, ROOT / "CHANGELOG.md", *sorted(DOCS.glob("decisions/*.md")), DOCS / "api.md", DOCS / "cli.md"]
FENCE = re.compile(
    r"(?P<skip><!-- not run: .+? -->\n+)?^```(?P<kind>python|console)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
SCREENSHOTS = {
    "film.png",
    "forecast-page.png",
    "report.png",
    "serve-page.png",
    "serve-page-what-if.png",
}  # of pages in a browser
MADE_ELSEWHERE = {
    *SCREENSHOTS, "terminal.svg", "how-it-works.png", "lstm-cell.png",
    *(f"tutorial-{n}-compare.png" for n in (1, 3, 4, 5)),
}  # fmt: skip
MOST_CANDIDATES, MOST_EPOCHS, MOST_STEPS = 2, 2, 5


@dataclass(frozen=True)
class Block:
    kind: str
    text: str
    line: int


def blocks_of(page: Path) -> Iterator[Block]:
    """The blocks to run, with the line that they begin at."""
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        if not found["skip"]:
            yield Block(found["kind"], found["text"], text[: found.start("text")].count("\n"))


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forecasters probe a few lengths of their linear part, and train one member of two candidates for a few steps."""
    candidates, skips = gatecast.forecaster.candidates, gatecast.planning.choose._skips
    monkeypatch.setattr(gatecast.planning.choose, "_skips", lambda *arguments: skips(*arguments)[:3])

    def cut(plan: Plan) -> Plan:
        epochs = min(plan.training.max_epochs, MOST_EPOCHS)
        steps = min(plan.training.steps_per_epoch or MOST_STEPS, MOST_STEPS)
        training = replace(plan.training, max_epochs=epochs, steps_per_epoch=steps)
        return replace(plan, training=training, members=1)

    monkeypatch.setattr(
        gatecast.forecaster, "candidates", lambda *arguments: [*map(cut, candidates(*arguments)[:MOST_CANDIDATES])]
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_blocks_run(
    page: Path,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    few_steps: None,
    one_thread: None,
) -> None:
    blocks = list(blocks_of(page))
    if any('load_example("ridership")' in block.text for block in blocks):
        archive = request.getfixturevalue("shared_data") / "ridership.tgz"
        monkeypatch.setattr(gatecast.data.examples.ridership, "fetch_once", lambda *arguments, **options: archive)
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"__name__": page.stem}
    for block in blocks:
        if block.kind == "python":
            # line numbers of the page in a traceback
            exec(compile("\n" * block.line + block.text, str(page), "exec"), namespace)
            continue
        for line in block.text.replace("\\\n", " ").splitlines():
            if line.startswith("$ gatecast "):
                words = shlex.split(line, comments=True)[2:]
                assert main(words) == 0, f"{page.name}:{block.line}: {line}\n{capsys.readouterr().err}"
    missing = {name for name in pictures_of(page) if name not in MADE_ELSEWHERE and not (tmp_path / name).exists()}
    assert not missing, f"no block of {page.name} makes these pictures"


def pictures_of(page: Path) -> set[str]:
    """The pictures of docs/images that a page shows."""
    return set(re.findall(r"\]\((?:docs/)?images/([\w.-]+)\)", page.read_text(encoding="utf-8")))


def test_pictures_are_small_and_shown() -> None:
    files = {file.name: file.stat().st_size for file in (DOCS / "images").iterdir()}
    assert set(files) == {name for page in PAGES for name in pictures_of(page)}
    assert {name for name, size in files.items() if size > 60_000} <= SCREENSHOTS


def test_the_readme_is_short_and_narrow() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 130
    assert max(map(len, lines)) <= 120


def test_the_readme_shows_what_its_command_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    block = re.search(
        r"^\$ (gatecast [^\n]*instant)\n(.*?)^```$", PAGES[0].read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert block
    assert main(shlex.split(block[1])[1:]) == 0
    printed, shown = (
        re.sub(r"\(\d+\.\d s\)", "(0.1 s)", text).split("\n") for text in (capsys.readouterr().out, block[2])
    )
    assert [line.rstrip() for line in printed] == shown


def test_the_index_names_every_page() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    pages = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")} - {"index.md"}
    assert {page for page in pages if f"]({page})" not in index} == set()


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda p: p.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        if path.startswith("http"):
            continue
        file = page.parent / path if path else page
        assert file.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors(file), f"{page.name} links to {target}"


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["api", "cli"])
def test_references_are_fresh(name: str) -> None:
    made = getattr(script("generate"), f"{name}_reference")()
    written = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    assert made == written, f"docs/{name}.md is stale: run python docs/generate.py"


TUTORIALS = sorted(DOCS.glob("tutorial-*.md"))


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_notebook_says_and_runs_what_its_tutorial_does(page: Path) -> None:
    """The blocks of the pages are run above, so that the cells are."""
    written = (DOCS / "notebooks" / f"{page.stem}.ipynb").read_text(encoding="utf-8")
    assert written == script("notebooks").notebook_of(page), "stale: run python docs/notebooks.py"
    cells = json.loads(written)["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    python = [block.text.rstrip() for block in blocks_of(page) if block.kind == "python"]
    assert [text for text in code if not text.startswith(("!", "# "))] == python
    assert len({cell["id"] for cell in cells}) == len(cells)


def test_readme_example_is_short() -> None:
    first = next(block for block in blocks_of(ROOT / "README.md") if block.kind == "python")
    assert len(first.text.splitlines()) <= 12


def test_every_pinned_package_is_pinned_once() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    names = [line.split("==")[0].lower() for line in lines]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines), "exact versions, no local builds"
