"""``benchmarks.accuracy.ablation``: what rows say, and that every piece names something that is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from benchmarks.accuracy import ablation, patches, record, run
from benchmarks.accuracy.ablation import DEFAULTS, PIECES, Piece, compared, earns, percent, together
from benchmarks.accuracy.scores import OURS, Outcome
from benchmarks.accuracy.sets import Request
from benchmarks.speed.contestant import ContestantError, child_environment

import gatecast as gc
from gatecast import kernels
from gatecast.data.scaling import Scaling
from gatecast.selection.choose import Wishes, structures
from gatecast.training.blend import shares
from gatecast.training.ensemble import Ensemble

NAMES = [piece.name for piece in PIECES]


# ---------------------------------------------------------------- what rows say


def test_a_piece_earns_where_the_forecast_is_worse_without_it() -> None:
    assert percent(11, 10) == 10
    assert percent(10, 10) == 0
    assert together([100.0, -50.0]) == 0  # a mean of changes would be 25
    assert [earns(change) for change in (5, 0.2, 0, -0.2, -5)] == ["yes", "level", "level", "level", "no"]


def test_rows_are_compared_with_their_own_default() -> None:
    pieces = [*DEFAULTS, Piece("a"), Piece("b", against="default on torch"), Piece("c")]
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
    """Instead of fits: half a percent worse with a patch, better with one member."""
    assert request.inner
    share = 0.9 if request.settings == {"members": 1} else 1.005 if request.patch else 1.0
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
    assert {piece.against for piece in PIECES} <= {piece.name for piece in DEFAULTS}
    assert {piece.patch for piece in (*PIECES, *DEFAULTS)} - {""} == set(patches.PATCHES)
    assert all(bool(piece.settings) != bool(piece.patch) for piece in PIECES)
    assert set(patches.TORCH) <= set(patches.PATCHES)


@pytest.mark.parametrize("piece", [piece for piece in PIECES if piece.settings], ids=lambda piece: piece.name)
def test_settings_are_those_of_a_forecaster_and_not_its_defaults(piece: Piece) -> None:
    panel = gc.load_example("airline")
    wanted = gc.Forecaster(1, **piece.settings)
    usual = gc.Forecaster(1)
    for name in {"structures", "refit", "members"} & set(piece.settings):
        assert getattr(wanted, name) != getattr(usual, name)
    nested = {"network", "training"} & set(piece.settings)
    if not nested:
        return
    plan, other = (
        structures(panel, Wishes(1, 12, Scaling(), one.network, one.training, 1, False))[0] for one in (wanted, usual)
    )
    for kind in nested:
        for name, value in piece.settings[kind].items():
            assert getattr(getattr(plan, kind), name) == value != getattr(getattr(other, kind), name)


@pytest.mark.parametrize("name", patches.PATCHES)
def test_patches_change_what_is_there(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "load", lambda: None)
    if patches.PATCHES[name] is None:
        patches.apply(name)
        return
    owner, attribute, _ = patches.target(name)
    before = getattr(owner, attribute)
    monkeypatch.setattr(owner, attribute, before)  # put back afterwards
    patches.apply(name)
    assert getattr(owner, attribute) != before


@pytest.mark.parametrize("name", patches.TORCH)
def test_a_patch_for_torch_wants_a_process_without_kernels(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "load", object)
    with pytest.raises(RuntimeError, match="kernels are loaded"):
        patches.apply(name)
    monkeypatch.delenv("GATECAST_KERNELS", raising=False)
    code = f"from benchmarks.accuracy import ours, patches; patches.apply({name!r})"
    with patches.environment(name):
        assert os.environ["GATECAST_KERNELS"] == "off"
        subprocess.run([sys.executable, "-c", code], env=child_environment(1), check=True)
    with patches.environment("best-epoch"):
        assert "GATECAST_KERNELS" not in os.environ


def test_the_smoothing_gets_no_share() -> None:
    error_KBHC = np.random.default_rng(0).normal(size=(3, 20, 4, 1)) * np.array([1, 1, 0.1]).reshape(3, 1, 1, 1)
    weight_B = np.full(20, 0.05)
    assert shares(error_KBHC, weight_B, 0.5)[-1] > 0.5
    share_K = patches.without_smoothing(shares)(error_KBHC, weight_B, 0.5)
    assert share_K[-1] == 0
    assert share_K.sum() == pytest.approx(1)


def test_the_tail_is_believed_wholly_or_not_at_all() -> None:
    error_KBHC = np.random.default_rng(1).normal(size=(3, 20, 4, 1)) * np.array([1, 1.05, 1.5]).reshape(3, 1, 1, 1)
    given = error_KBHC, np.full(20, 0.05)
    for belief in (0.0, 1.0):
        np.testing.assert_array_equal(patches.believing(belief)(shares)(*given, 0.5), shares(*given, belief))
    assert patches.believing(0.0)(shares)(*given, 0.5).tolist() != patches.believing(1.0)(shares)(*given, 0.5).tolist()


def test_the_common_epoch_is_the_very_best_one(monkeypatch: pytest.MonkeyPatch) -> None:
    record = SimpleNamespace(validation=[3.0, 2.0, 2.01, 2.5])
    one = SimpleNamespace(members=[SimpleNamespace(record=record)], likely=False)
    common_epoch: Any = Ensemble.common_epoch
    assert common_epoch.fget(one) == 2  # the last one that is as good
    owner, attribute, change = patches.target("best-epoch")
    monkeypatch.setattr(owner, attribute, change(getattr(owner, attribute)))
    assert common_epoch.fget(one) == 1


@pytest.mark.parametrize("name", ["no-smooth-base", "no-logarithms", "no-variants"])
def test_candidates_are_left_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def tried() -> str:
        _, candidates = choose._probes(panel, Wishes(1, None, None, None, None, None, False), (12,), 1)
        return " ".join(what for what, _ in candidates)

    panel = gc.load_example("airline")
    choose, attribute, change = patches.target(name)
    before = tried()
    monkeypatch.setattr(choose, attribute, change(getattr(choose, attribute)))
    after = tried()
    word = {"no-smooth-base": "smooth", "no-logarithms": "log", "no-variants": ""}[name]
    assert after != before
    if word:
        assert word in before
        assert word not in after


def test_a_test_part_takes_no_patch(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="on inner spans only"):
        run.measure(Request("m3", tmp_path, patch="torch"))


def test_a_patch_reaches_the_process_of_a_fit(tmp_path: Path) -> None:
    request = Request("reference", tmp_path, ("airline",), 1, True, patch="no-such-patch")
    with pytest.raises(ContestantError, match="no-such-patch"):
        run.measure(request)
