"""URLs where a file or a folder is meant: refused in one line, and nothing of that name is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import TINY, Run

URL = "s3://bucket/run"


@pytest.mark.parametrize("command", ["fit", "forecast", "backtest", "tune"])
def test_a_checkpoint_is_no_url(command: str, run: Run, sales: Path, tmp_path: Path) -> None:
    save = ["--save", "m.gatecast"] if command == "fit" else []
    refused = run(command, sales, "--horizon", 3, *TINY, *save, "--checkpoint", URL)
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert f"error: {URL}" in refused.err
    assert "is a URL" in refused.err
    assert list(tmp_path.iterdir()) == [sales]


@pytest.mark.parametrize("option", ["--save", "--plot", "--report"])
def test_files_are_no_urls(option: str, run: Run, sales: Path, tmp_path: Path) -> None:
    kind = {"--save": "gatecast", "--plot": "png", "--report": "html"}[option]
    refused = run("forecast", sales, "--horizon", 3, *TINY, option, f"{URL}.{kind}")
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert f"{URL}.{kind} is a URL, and what {option} writes is kept on a file system" in refused.err
    assert list(tmp_path.iterdir()) == [sales]


def test_the_state_of_a_watch_is_no_url(run: Run, fitted: Path, sales: Path) -> None:
    refused = run("watch", fitted, sales, "--state", f"{URL}.live")
    assert (refused.code, f"{URL}.live is a URL" in refused.err) == (2, True)


@pytest.mark.parametrize("name", ["", "."])
def test_no_name_is_a_folder(name: str, run: Run, sales: Path) -> None:
    refused = run("forecast", sales, "--horizon", 3, *TINY, "--save", name)
    assert (refused.code, refused.err) == (2, "error: --save . is a folder; give the name of a file.\n")
