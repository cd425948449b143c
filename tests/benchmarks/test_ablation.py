"""``benchmarks.suite.ablation``: what rows say, and that every piece changes something that is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from benchmarks.suite import ablation
from benchmarks.suite.ablation import changes, earns, main
from benchmarks.suite.pieces import DEFAULT, PIECES, Piece
from benchmarks.suite.scoring import Score

import gatecast as gc
from gatecast.planning.choose import candidates
from gatecast.planning.defaults import DEFAULTS
from gatecast.planning.settings import Settings
from gatecast.windows.references.smooth import Smooth
from gatecast.windows.scaling import Scaling

NAMES = [piece.name for piece in PIECES]


# ---------------------------------------------------------------- what rows say


def test_a_piece_earns_where_the_forecast_is_worse_without_it() -> None:
    base = {"a": {"mase": 1.0}, "b": {"mase": 2.0}, "c": {"mase": 3.0}}
    other = {"a": {"mase": 1.1}, "b": {"mase": 2.4}}
    assert changes(base, other, "mase") == pytest.approx([1.1, 1.2])
    assert earns([1.1, 1.2]) == "yes"
    assert earns([1.001, 1.002]) == "level", "less than 0.3 %"
    assert earns([0.9, 1.2]) == "level", "the interval holds zero"
    assert earns([0.9, 0.8]) == "no"


def test_a_run_goes_on_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def scores(piece: Piece, name: str, seed: int, folder: Path) -> list[Score]:
        asked.append(f"{piece.name} {name}")
        if len(asked) == 3:
            raise KeyboardInterrupt
        return [Score(0.5, 0.6 if piece == DEFAULT else 0.7, 3, 0.8, 0.95, 10, 1, "drift")]

    monkeypatch.setattr(ablation, "_scores", scores)
    monkeypatch.setattr(ablation, "folder_of", lambda _: tmp_path)
    words = [str(tmp_path / "kept.json"), "--set", "singles", "--set", "airline", "--piece", "no variants"]
    with pytest.raises(KeyboardInterrupt):
        main(words)
    assert main(words) == 0
    assert asked[3:] == ["full default airline", "no variants airline"]
    shown = capsys.readouterr().out
    assert "+16.67 (+16.7 to +16.7)" in shown
    assert all(len(line) <= 120 for line in shown.splitlines())
    for more, said in ((["--seed", "1"], "was measured with --seed 0, not 1"), ([], "was not written by this command")):
        with pytest.raises(SystemExit, match="2"):
            main(words + more)
        assert said in capsys.readouterr().err
        (tmp_path / "kept.json").write_text("[]")


# ---------------------------------------------------------------- what pieces name


def test_pieces_name_what_is_there() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert all(bool(piece.settings) != bool(piece.defaults) for piece in PIECES)


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
