"""``benchmarks.accuracy.ablation``: what rows say, and that every piece changes something that is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from benchmarks.accuracy import ablation, record, run
from benchmarks.accuracy.ablation import BASES, PIECES, Piece, compared, earns, percent, together
from benchmarks.accuracy.scores import OURS, Outcome
from benchmarks.accuracy.sets import Request
from benchmarks.speed.contestant import ContestantError, child_environment

import gatecast as gc
from gatecast.planning.choose import candidates
from gatecast.planning.defaults import DEFAULTS
from gatecast.planning.settings import Settings
from gatecast.windows.references.smooth import Smooth
from gatecast.windows.scaling import Scaling

NAMES = [piece.name for piece in PIECES]


# ---------------------------------------------------------------- what rows say


def test_a_piece_earns_where_the_forecast_is_worse_without_it() -> None:
    assert percent(11, 10) == 10
    assert percent(10, 10) == 0
    assert together([100.0, -50.0]) == 0  # a mean of changes would be 25
    assert [earns(change) for change in (5, 0.2, 0, -0.2, -5)] == ["yes", "level", "level", "level", "no"]


def test_rows_are_compared_with_their_own_default() -> None:
    pieces = [*BASES, Piece("a"), Piece("b", against="default on torch"), Piece("c")]
    found: dict[str, dict[str, float] | str] = {
        "full default": {"x": 10.0, "y": 1.0},
        "default on torch": {"x": 20.0, "y": 2.0},
        "a": {"x": 20.0, "y": 2.0},
        "b": {"x": 20.0, "y": 2.0},
        "c": "it broke",
    }
    first, _, a, b, c = compared(found, pieces)
    assert "changes" not in first
    assert (a["changes"], a["earns"]) == ({"x": 100, "y": 100}, "yes")
    assert (b["change"], b["earns"]) == (0, "level")
    assert c == {"piece": "c", "error": "it broke"}
    assert [set(row) for row in compared(found | {"full default": "broke"}, pieces[2:3])] == [{"piece", "figures"}]


def figures_of(request: Request) -> dict[str, dict[str, list[Outcome]]]:
    """Instead of fits: half a percent worse with other numbers, better with one member."""
    assert request.inner
    share = 0.9 if request.settings == {"members": 1} else 1.005 if request.defaults else 1.0
    row = Outcome(dict.fromkeys(("rmse", "mae", "smape", "mase"), 5000 * share))
    return {OURS: {group: [row, row] for group in request.groups}}


def test_the_tables_are_80_columns_wide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ablation, "measure", figures_of)
    monkeypatch.setattr(Request, "require_data", lambda self: None)
    monkeypatch.setattr(record, "RESULTS", tmp_path)
    assert ablation.main(["--seeds", "2", "--save"]) == 0
    assert ablation.main(["--seeds", "2", "--save"]) == 0
    text = capsys.readouterr().out
    assert all(len(line) <= 80 for line in text.splitlines())
    assert all(name in text for name in NAMES)
    assert "2 seeds" in text
    assert len(list(tmp_path.glob("ablation-*.md"))) == 2
    assert ablation.main(["--piece", "levels alike"]) == 0
    assert "full default" not in capsys.readouterr().out
    assert ablation.main(["--json", "--set", "m3", "--piece", "one member", "--piece", "no variants"]) == 0
    rows = {row["piece"]: row for row in json.loads(capsys.readouterr().out)["sets"]["m3"]}
    assert list(rows) == ["full default", "no variants", "one member"]
    assert list(rows["one member"]["figures"])[:3] == ["quarterly sMAPE", "quarterly MASE", "monthly sMAPE"]
    assert rows["one member"]["change"] == pytest.approx(-10)
    assert [rows[name]["earns"] for name in ("no variants", "one member")] == ["yes", "no"]


# ---------------------------------------------------------------- what pieces name


def test_pieces_name_what_is_there() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert {piece.against for piece in PIECES} <= {piece.name for piece in BASES}
    assert all(bool(piece.settings) != bool(piece.defaults) for piece in PIECES)
    assert all(piece.kernels == (piece.against != "default on torch") for piece in PIECES)


@pytest.mark.parametrize("piece", [piece for piece in PIECES if piece.settings], ids=lambda piece: piece.name)
def test_settings_are_those_of_a_forecaster_and_not_its_defaults(piece: Piece) -> None:
    panel = gc.load_example("airline")
    wanted = gc.Forecaster(1, **piece.settings)
    usual = gc.Forecaster(1)
    for name in {"candidates", "refit", "members"} & set(piece.settings):
        assert getattr(wanted, name) != getattr(usual, name)
    nested = {"network", "training"} & set(piece.settings)
    if not nested:
        return
    plan, other = (
        candidates(panel, Settings(1, 12, Scaling(), one.network, one.training, 1))[0] for one in (wanted, usual)
    )
    for kind in nested:
        for name, value in piece.settings[kind].items():
            assert getattr(getattr(plan, kind), name) == value != getattr(getattr(other, kind), name)


@pytest.mark.parametrize("piece", [piece for piece in PIECES if piece.defaults], ids=lambda piece: piece.name)
def test_numbers_are_those_of_the_procedure_and_not_its_defaults(piece: Piece) -> None:
    sent = json.loads(json.dumps(piece.defaults))  # as a fit's own process gets them
    assert DEFAULTS.changed(sent).changes() == piece.defaults


PLANNED = ("no smooth reference", "no logarithms", "no variants", "one year wave")


@pytest.mark.parametrize("name", PLANNED)
def test_candidates_are_left_out(name: str) -> None:
    panel = gc.load_example("airline")
    (piece,) = (piece for piece in PIECES if piece.name == name)
    usual, changed = (candidates(panel, Settings(1), DEFAULTS.changed(d)) for d in ({}, piece.defaults))
    before, after = (" ".join(what for what, _ in plans[0].candidates) for plans in (usual, changed))
    word = {"no smooth reference": "smooth", "no logarithms": "log"}.get(name)
    if word:
        assert word in before
        assert word not in after
    if name == "no variants":
        assert {p.scaling.reference.alpha for p in changed if isinstance(p.scaling.reference, Smooth)} == {
            DEFAULTS.search.level_gain
        }
        assert after != before
    if name == "one year wave":
        assert [plans[0].framing.year_waves for plans in (usual, changed)] == [6, 1]


LATER = [piece for piece in PIECES if piece.defaults and piece.name not in PLANNED]


@pytest.mark.parametrize("piece", LATER, ids=lambda piece: piece.name)
@pytest.mark.usefixtures("one_thread")
def test_what_follows_the_choice_changes_a_fit(piece: Piece, fit: Any) -> None:
    """Weights, epochs, folds, the loss."""
    usual, changed = fit({}), fit(piece.defaults)
    assert usual.tobytes() != changed.tobytes()


@pytest.fixture(scope="module")
def fit() -> Any:
    random = np.random.default_rng(3)
    walks = [np.exp(3 + (0.05 + 0.05 * n) * random.normal(size=120).cumsum()) for n in range(3)]
    steps = np.tile(np.arange(120), 3)
    panel = gc.read(
        pl.DataFrame({"unique_id": np.repeat(["a", "b", "c"], 120), "ds": steps, "y": np.concatenate(walks)})
    )
    kept: dict[str, Any] = {}

    def forecast(changes: dict[str, Any]) -> Any:
        if (key := json.dumps(changes)) not in kept:
            training = {"max_epochs": 6, "steps_per_epoch": 5, "batch_size": 32}
            model = gc.Forecaster(
                1, training=training, members=1, candidates=4, progress=False, defaults=DEFAULTS.changed(changes)
            ).fit(panel)
            kept[key] = model.predict().values_NHCQ
        return kept[key]

    return forecast


def test_a_test_part_is_scored_with_the_defaults(tmp_path: Path) -> None:
    for changes in ({"defaults": {"weights.sharpness": 0.0}}, {"kernels": False}):
        with pytest.raises(ValueError, match="on inner spans only"):
            run.measure(Request("m3", tmp_path, **changes))  # type: ignore[arg-type]


def test_numbers_reach_the_process_of_a_fit(tmp_path: Path) -> None:
    request = Request("reference", tmp_path, ("airline",), 1, True, defaults={"weights.sharpnes": 0.0})
    with pytest.raises(ContestantError, match=r"did you mean 'weights\.sharpness'"):
        run.measure(request)


def test_a_process_without_kernels_trains_on_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATECAST_KERNELS", raising=False)
    code = "from gatecast.nn import kernels; assert kernels.load() is None"
    with run.engine(kernels=False):
        subprocess.run([sys.executable, "-c", code], env=child_environment(1), check=True)
    with run.engine(kernels=True):
        assert "GATECAST_KERNELS" not in os.environ
    assert "GATECAST_KERNELS" not in os.environ
