"""JSON: one schema for all commands, as docs/json.md describes it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from .conftest import HEAD, Run

DOCS = Path(__file__).parents[2] / "docs" / "json.md"
DATA = {"description", "targets", "columns", "series", "rows", "frequency", "begin", "end", "notes"}
MODEL = {
    "chosen",
    "blend",
    "gate",
    "horizon",
    "lookback",
    "scaling",
    "season",
    "members",
    "train_seconds",
    "device",
    "bounds",
}
MODEL |= {"threads", "interrupted"}
VERDICT = {"outcome", "reason", "against", "metric", "gain", "p_value", "origins", "text", "next"}
INSTANT = ["--horizon", 3, "--preset", "instant"]
PARTS = {
    "forecast": ["data", "model", "evaluation", "verdict", "used", "forecast", "guarded", "bounded", "late", "files"],
    "evaluate": ["data", "model", "evaluation", "verdict", "left_out", "files"],
    "backtest": ["data", "model", "evaluation", "verdict", "backtest", "seconds", "files"],
    "fit": ["data", "model", "history", "files"],
}
MORE: dict[str, list[Any]] = {"fit": ["--save", "m.gatecast"], "backtest": ["--rivals", "none", "--origins", 6]}
ERRORS = {
    "no file": (["forecast", "absent.csv", "--json"], "PanelError"),
    "unknown option": (["forecast", "--horizont", 3, "--json"], "UsageError"),
    "bad setting": (["fit", "t.csv", "--save", "m", "--horizon", 0, "--json"], "ConfigError"),
    "no model": (["predict", "absent.gatecast", "t.csv", "--json"], "ModelFileError"),
    "no folder": (["forecast", "t.csv", "--output", "no/where.csv", "--json"], "ConfigError"),
    "unreadable": (["look", "bad.csv", "--json"], "PanelError"),
}


@pytest.mark.parametrize("command", PARTS)
def test_the_parts_of_a_command(run: Run, sales: Path, command: str) -> None:
    result = run(command, sales, *INSTANT, *MORE.get(command, []), "--json")
    found = result.json
    assert set(found) == HEAD | set(PARTS[command]), result.err
    assert (found["schema"], found["command"], found["exit_code"], found["error"]) == (1, command, 0, None)
    assert set(found["data"]) == DATA
    assert set(found["model"]) >= MODEL
    assert result.out.count("\n") == 1
    if "verdict" in found:
        assert set(found["verdict"]) == VERDICT
        assert found["verdict"]["outcome"] in ("better", "undecided", "worse")
        assert set(found["evaluation"]["verdict"]) == VERDICT - {"next"}
        assert found["verdict"]["next"].startswith("gatecast ")


@pytest.mark.parametrize("case", ERRORS)
def test_an_error_is_an_object_too(run: Run, sales: Path, case: str) -> None:
    Path("t.csv").write_text(sales.read_text())
    Path("bad.csv").write_text("day,y\nsoon,1\nlater,2\n")
    words, kind = ERRORS[case]
    result = run(*words)
    assert (result.code, result.json["exit_code"], result.json["error"]["kind"]) == (2, 2, kind)
    assert {"kind", "message", "remedies"} == set(result.json["error"])


def test_ids_keep_their_type(run: Run) -> None:
    rows = [{"shop": s, "month": f"2024-{m:02}-01", "units": s * m} for s in (3, 11) for m in range(1, 13)]
    Path("t.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = run("forecast", "t.jsonl", "--series", "shop", *INSTANT, "--json").json
    assert [part["series"] for part in found["forecast"]] == [3, 11]
    assert found["data"]["columns"] == [
        {"name": "shop", "role": "series", "type": "integer"},
        {"name": "month", "role": "time", "type": "date"},
        {"name": "units", "role": "target", "type": "number"},
    ]


def test_several_key_columns_are_a_list(run: Run) -> None:
    keys = [(s, i, m) for s in "ab" for i in (1, 2) for m in range(1, 13)]
    rows = [{"store": s, "item": i, "month": f"2024-{m:02}-01", "units": m} for s, i, m in keys]
    Path("t.jsonl").write_text("\n".join(map(json.dumps, rows)))
    words = ["--series", "store", "--series", "item", *INSTANT, "--json"]
    found = run("forecast", "t.jsonl", *words).json
    assert [part["series"] for part in found["forecast"]] == [["a", 1], ["a", 2], ["b", 1], ["b", 2]]
    assert [(c["name"], c["type"]) for c in found["data"]["columns"][:2]] == [("store", "text"), ("item", "integer")]


@pytest.mark.parametrize(("wanted", "code"), [("better", 3), ("undecided", 0)])
def test_fail_unless(run: Run, sales: Path, wanted: str, code: int) -> None:
    for command in ("forecast", "evaluate"):
        result = run(command, sales, *INSTANT, "--json", "--fail-unless", wanted)
        assert result.json["verdict"]["outcome"] == "undecided"
        assert (result.code, result.json["exit_code"], result.json["error"]) == (code, code, None)


def test_the_next_command_runs(run: Run, sales: Path) -> None:
    Path("t.csv").write_text(sales.read_text())
    onward = run("forecast", "t.csv", *INSTANT, "--json").json["verdict"]["next"].split()[1:]
    assert onward[:2] == ["backtest", "t.csv"]
    again = run(*onward, "--rivals", "none", "--json")
    assert again.code == 0, again.err
    assert again.json["verdict"]["next"].startswith("gatecast ")


def test_the_page_has_an_entry_for_every_field() -> None:
    text = DOCS.read_text("utf-8")
    fields = HEAD | DATA | MODEL | VERDICT | {part for parts in PARTS.values() for part in parts} - {"seconds"}
    assert not [name for name in fields if not re.search(rf"[`\"]{name}[`\"]", text)]
