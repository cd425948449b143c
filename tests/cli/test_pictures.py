"""What a forecast looks like from the command line: page, picture, chart in the terminal."""

from __future__ import annotations

import io
import sys
import webbrowser
from pathlib import Path

import pytest

from gatecast.cli.main import main

from .conftest import TINY, Run, table

NOW = ["--preset", "instant", "--horizon", "6"]


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    path = tmp_path / "sales of May.csv"
    path.write_text(table(60), encoding="utf-8")
    return path


def test_report_is_written_and_says_its_command(run: Run, sales: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: bool(opened.append(address)))
    result = run("forecast", sales.name, *NOW, "--report", "page.html", "--open")
    assert result.code == 0
    assert "written: page.html" in result.out
    text = Path("page.html").read_text("utf-8")
    assert "gatecast forecast &#x27;sales of May.csv&#x27; --preset instant" in text
    assert opened == [Path("page.html").resolve().as_uri()]
    assert "no browser was found: open page.html yourself" in result.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--open"], "--open opens the page of --report"),
        (["--report", "page.pdf"], "--report page.pdf has an unknown kind"),
        (["--report", "no/page.html"], "does not exist"),
        (["--plot-title", "A"], "give --plot forecast.png too"),
        (["--plot", "a.png", "--plot-size", "12"], "Write pixels as 1600x900"),
        (["--plot", "a.png", "--plot-size", "12x900"], "a picture of 12 x 900 pixels cannot be drawn"),
    ],
)
def test_what_cannot_be_drawn_is_told_before_the_work(run: Run, sales: Path, words: list[str], said: str) -> None:
    result = run("forecast", sales.name, *NOW, *words)
    assert (result.code, result.out) == (2, "")
    assert said in result.err


def test_picture_has_title_and_size(run: Run, sales: Path) -> None:
    words = ["--plot", "fan.png", "--plot-title", "May", "--plot-size", "800x600"]
    assert run("forecast", sales.name, *NOW, *words).code == 0
    assert Path("fan.png").read_bytes()[16:24] == (800).to_bytes(4, "big") + (600).to_bytes(4, "big")


@pytest.mark.parametrize("width", [80, 140])
def test_chart_fills_the_terminal(run: Run, sales: Path, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    result = run("forecast", sales.name, *NOW, "--chart")
    chart = result.out[result.out.index("sales, 6 months ahead") :].splitlines()
    assert max(map(len, chart)) == width
    assert any("\u2800" < letter < "\u2900" for letter in "".join(chart))
    assert "sales, 6 months ahead" not in run("forecast", sales.name, *NOW, "--chart", "--json").out


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_chart_is_ascii_where_nothing_else_can_be_shown(
    sales: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    screen = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["forecast", str(sales), *NOW, "--chart"]) == 0
    screen.flush()
    text = screen.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
    chart = text[text.index("sales, 6 months ahead") :]
    assert "?" not in chart
    assert chart.count("*") > 20 < chart.count("#") + 20


def test_predict_draws_too(run: Run, sales: Path) -> None:
    assert run("forecast", sales.name, *NOW, "--save", "model.gatecast").code == 0
    result = run("predict", "model.gatecast", sales.name, "--chart", "--plot", "a.png", "--plot-title", "B")
    assert result.code == 0
    assert "sales, 6 months ahead" in result.out
    assert Path("a.png").exists()


def test_explain_says_what_covariates_contribute(run: Run, sales: Path) -> None:
    rows = sales.read_text("utf-8").splitlines()
    priced = [f"{rows[0]},price", *(f"{row},{n % 7}" for n, row in enumerate(rows[1:]))]
    Path("priced.csv").write_text("\n".join([*priced, *(f"2025-0{m}-01,,3" for m in (1, 2))]) + "\n", encoding="utf-8")
    words = ["forecast", "priced.csv", "--target", "sales", "--future-columns", "price", "--horizon", "2", *TINY]
    result = run(*words, "--explain", "--report", "page.html")
    assert result.code == 0
    assert "This says what the model leans on, not what causes what" in " ".join(result.out.split())
    shown = next(line for line in result.out.splitlines() if line.startswith("  price  "))
    assert shown.removeprefix("  price  ") in Path("page.html").read_text("utf-8").replace("\u00a0", " ")
    assert run(*words, "--explain", "--json").json["importance"]["covariates"][0]["covariate"] == "price"
    assert "Nothing to explain" in run("forecast", sales.name, *NOW, "--explain").out
