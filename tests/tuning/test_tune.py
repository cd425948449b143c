from __future__ import annotations

import json
import pickle
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gatecast as gc
from gatecast.backtesting.leakage import with_other_future
from gatecast.data.panel import Panel
from gatecast.errors import ConfigError, ModelFileError, TrainingError, WindowError
from gatecast.tuning import finals, search, tune
from gatecast.tuning.clock import Clock
from gatecast.tuning.inner import Inner, cut_outer

Tiny = Callable[..., gc.Forecaster]


def run(model: gc.Forecaster, panel: Panel, trials: int = 4, **options: Any) -> Any:
    return gc.tune(model, panel, trials=trials, **{"time_limit": None, "progress": False, **options})


def told(tuning: Any) -> list[tuple[Any, ...]]:
    """What a search came to, without the seconds."""
    return [(t.number, t.state, t.score, t.folds, json.dumps(t.changes)) for t in tuning.evidence.tried]


def scores_by(monkeypatch: pytest.MonkeyPatch, rule: Callable[[dict[str, Any]], float]) -> list[dict[str, Any]]:
    """Replace the inner score by a rule on the arguments; returns the arguments asked for."""
    seen: list[dict[str, Any]] = []

    def fake(
        inner: Inner, number: int, arguments: dict[str, Any], limit: float | None, states: Path | None
    ) -> tuple[float, bool]:
        seen.append(arguments)
        return rule(arguments), False

    monkeypatch.setattr(search, "scored", fake)
    monkeypatch.setattr(finals, "scored", fake)
    return seen


def by_settings(arguments: dict[str, Any]) -> float:
    """A score that only depends on the settings, and takes no training."""
    training = arguments["training"]
    return abs(np.log(training.get("lr", 3e-3) / 1e-2)) + (arguments["lookback"] or 30) / 30 + len(training)


def is_default(arguments: dict[str, Any]) -> bool:
    return arguments["lookback"] is None and set(arguments["training"]) == {
        "max_epochs",
        "steps_per_epoch",
        "batch_size",
    }


def outer_errors(monkeypatch: pytest.MonkeyPatch, default: float, found: float) -> None:
    """Forecasts on the outer origins that miss the truth by so much."""

    class Fitted:
        def __init__(self, model: gc.Forecaster, error: float) -> None:
            self.model, self.error = model, error

        def __getattr__(self, name: str) -> Any:
            return getattr(self.model, name)

        def forecast_from(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
            truth_BHC = panel.target_RC[origin_B[:, None] + np.arange(1, self.model.horizon + 1)]
            return np.repeat(truth_BHC[..., None] + self.error, 3, axis=-1)

    def fitted(arguments: dict[str, Any], panel: Panel, limit: float | None, states: Path | None) -> Any:
        return Fitted(search.fitted(arguments, panel, limit, states), default if is_default(arguments) else found)

    monkeypatch.setattr(finals, "fitted", fitted)


def test_the_default_is_the_first_trial_and_the_model_is_the_settings(tiny: Tiny, panel: Panel) -> None:
    model = tiny()
    tuning = run(model, panel)
    assert tuning.trials[0]["changes"] == {}
    assert len(tuning.trials) == 4
    assert not hasattr(model, "fitted_")
    again = gc.Forecaster(**tuning.settings).fit(panel)
    np.testing.assert_array_equal(tuning.model.predict().values, again.predict().values)
    assert json.loads(json.dumps(tuning.to_dict()))["verdict"]["text"] == tuning.verdict
    assert max(map(len, str(tuning).splitlines())) <= 80


@pytest.mark.parametrize("change", ["targets", "missing"])
def test_the_search_never_sees_the_outer_span(tiny: Tiny, panel: Panel, change: str) -> None:
    before, whole = cut_outer(panel, 3, 3, 3)
    other = with_other_future(whole, before.stop - 1)
    if change == "missing":
        values_RV = whole.values_RV.copy()
        for n in range(len(whole)):
            values_RV[before.stop[n] : whole.stop[n] - 1] = np.nan
        other = gc.Panel(**{**vars_of(whole), "values_RV": values_RV})
    assert not np.array_equal(other.values_RV, whole.values_RV, equal_nan=True)
    honest, changed = (run(tiny(scaling=None), data, stride=3) for data in (panel, other))
    assert told(honest) == told(changed)
    assert honest.evidence.looks == changed.evidence.looks
    assert honest.found == changed.found or honest.found.changes == changed.found.changes


def vars_of(panel: Panel) -> dict[str, Any]:
    return {name: getattr(panel, name) for name in Panel.__dataclass_fields__}


def test_inner_truths_lie_before_the_outer_origins(tiny: Tiny, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Inner] = []
    make = tune.inner_origins
    monkeypatch.setattr(tune, "inner_origins", lambda *args: seen.append(make(*args)) or seen[-1])
    tuning = run(tiny(), panel, trials=1, stride=3)
    inner = seen[0]
    first_outer_N = panel.stop - 1 - 3 - 2 * 3
    assert (inner.origin_NO.max(axis=1) + 3 == first_outer_N).all()
    for fold in inner.folds:
        assert (inner.train[fold.number].stop - 1 == inner.origin_NO[:, fold.begin]).all()
        assert inner.train[fold.number].values_RV is panel.values_RV
    assert tuning.inner_origins == inner.origin_NO.shape[1] == 12


def test_a_better_trial_is_kept(tiny: Tiny, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = scores_by(monkeypatch, lambda a: 1.0 if is_default(a) else 0.5)
    outer_errors(monkeypatch, default=2.0, found=1.0)
    tuning = run(tiny(members=2), panel)
    assert tuning.helped
    assert tuning.settings["members"] == 2
    assert tuning.verdict.startswith("Tuning helped: 50 % better than the default on 3 origins of 2 series")
    assert tuning.settings["training"]["steps_per_epoch"] == 2
    assert not is_default(tuning.settings)
    assert tuning.model.lookback == tuning.settings["lookback"]
    searched, looked = [a for a in seen if not a["refit"]], [a for a in seen if a["refit"]]
    assert {a["seed"] for a in searched}.isdisjoint({a["seed"] for a in looked})
    assert all(a["members"] == 1 for a in seen)


def test_a_seed_of_the_training_is_a_fresh_one_too(tiny: Tiny, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    training = {"max_epochs": 1, "steps_per_epoch": 2, "batch_size": 8, "seed": 5}
    seen = scores_by(monkeypatch, lambda a: 1.0 if "lr" not in a["training"] else 0.5)
    tuning = run(tiny(training=training), panel)
    assert {a["training"]["seed"] for a in seen if not a["refit"]} == {5}
    assert 5 not in {a["training"]["seed"] for a in seen if a["refit"]}
    assert tuning.settings["training"]["seed"] == 5


@pytest.mark.parametrize(
    ("inner", "outer", "said"),
    [
        (1.0, 0.5, "none of 3 other trials was better"),
        (0.99, 0.5, "is 1.0 % better than the default on the inner origins, where 2.0 % are asked for"),
        (0.5, 3.0, "what looked 50 % better in the search is 50 % worse than the default on 3 origins"),
    ],
)
def test_the_default_is_kept_where_nothing_is_better(
    tiny: Tiny, panel: Panel, monkeypatch: pytest.MonkeyPatch, inner: float, outer: float, said: str
) -> None:
    scores_by(monkeypatch, lambda a: 1.0 if is_default(a) else inner)
    outer_errors(monkeypatch, default=2.0, found=outer)
    tuning = run(tiny(), panel)
    assert not tuning.helped
    assert is_default(tuning.settings)
    assert tuning.verdict.startswith("Tuning did NOT help")
    assert said in tuning.verdict
    assert "the default is kept" in tuning.verdict


def test_a_lucky_seed_does_not_win(tiny: Tiny, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    scores_by(monkeypatch, lambda a: 1.0 if is_default(a) else 1.5 if a["refit"] else 0.5)
    outer_errors(monkeypatch, default=2.0, found=1.0)
    tuning = run(tiny(), panel)
    assert not tuning.helped
    assert "50 % worse than the default on the inner origins" in tuning.verdict


def test_what_was_given_stays(tiny: Tiny, panel: Panel) -> None:
    tuning = run(tiny(lookback=6), panel, trials=8)
    changed = [trial["changes"] for trial in tuning.trials]
    assert {name for changes in changed for name in changes} == {"training"}
    assert {name for changes in changed for name in changes.get("training", {})} <= {"lr", "loss"}
    config = gc.TrainingConfig(max_epochs=1, steps_per_epoch=2, seed=3)
    tuning = run(tiny(training=config), panel, trials=3)
    assert all(set(trial["changes"]) <= {"lookback"} for trial in tuning.trials)
    assert tuning.settings["training"]["seed"] == 3
    with pytest.raises(ConfigError, match="nothing to tune"):
        run(tiny(lookback=6, training=config), panel)


def test_a_study_goes_on_as_if_it_had_never_stopped(
    tiny: Tiny, panel: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores_by(monkeypatch, by_settings)
    whole = run(tiny(), panel, trials=10)
    file = tmp_path / "my study"
    first = run(tiny(), panel, trials=5, checkpoint=file)
    second = run(tiny(), panel, trials=10, checkpoint=file)
    assert told(second)[:5] == told(first)
    assert told(second) == told(whole)
    assert len({json.dumps(trial["changes"]) for trial in second.trials}) == 10


def test_finished_trials_are_not_run_again(
    tiny: Tiny, panel: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores_by(monkeypatch, by_settings)
    first = run(tiny(), panel, checkpoint=tmp_path / "a")
    monkeypatch.setattr(search, "scored", lambda *_: pytest.fail("a trial was run"))
    second = run(tiny(), panel, checkpoint=tmp_path / "a")
    assert told(first) == told(second)
    assert first.verdict == second.verdict


def test_a_killed_trial_is_run_again(tiny: Tiny, panel: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores_by(monkeypatch, by_settings)
    file = tmp_path / "a"
    whole = run(tiny(), panel, trials=13)
    run(tiny(), panel, trials=12, checkpoint=file)
    last = file / "trial-011.safetensors"
    last.unlink()  # as a process leaves it that is killed in its twelfth trial
    assert told(run(tiny(), panel, trials=13, checkpoint=file)) == told(whole)


@pytest.mark.parametrize("what", ["data", "settings", "seed", "origins"])
def test_the_study_of_other_work_is_refused(tiny: Tiny, panel: Panel, tmp_path: Path, what: str) -> None:
    file = tmp_path / "a"
    run(tiny(), panel, trials=1, checkpoint=file)
    model, data, options = tiny(), panel, dict[str, Any]()
    if what == "data":
        data = with_other_future(panel, panel.stop - 2)
    elif what == "settings":
        model = tiny(quantiles=(0.25, 0.5, 0.75))
    else:
        options[what] = 2
    with pytest.raises(ConfigError, match=rf"a holds another tuning \(.*{what}.* differ\)"):
        run(model, data, trials=1, checkpoint=file, **options)


def test_a_folder_of_something_else_is_refused(tiny: Tiny, panel: Panel, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a folder")
    with pytest.raises(ConfigError, match="text cannot hold a tuning"):
        run(tiny(), panel, checkpoint=tmp_path / "text")
    assert (tmp_path / "text").read_text() == "not a folder"


@pytest.mark.parametrize("name", ["trial-001", "look-0"])
def test_a_damaged_file_is_named_with_its_remedy(
    tiny: Tiny, panel: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    scores_by(monkeypatch, lambda a: 1.0 if is_default(a) else 0.5)
    run(tiny(), panel, checkpoint=tmp_path)
    path = tmp_path / f"{name}.safetensors"
    path.write_bytes(path.read_bytes()[:-3] + b"}}}")
    with pytest.raises(ModelFileError, match=rf"{path.name} cannot be read: .* Delete it"):
        run(tiny(), panel, checkpoint=tmp_path)


def test_a_version_of_before_is_another_tuning(tiny: Tiny, panel: Panel, tmp_path: Path) -> None:
    run(tiny(), panel, trials=1, checkpoint=tmp_path)
    mark = tmp_path / "tune.json"
    mark.write_text(mark.read_text().replace(f'"{gc.__version__}"', '"0.0.1"'))
    with pytest.raises(ConfigError, match=r"another tuning \(gatecast differ\)"):
        run(tiny(), panel, trials=1, checkpoint=tmp_path)


def test_nothing_is_pickled_printed_or_left_behind(
    tiny: Tiny, panel: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import optuna

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("pickled")

    monkeypatch.chdir(tmp_path)
    scores_by(monkeypatch, by_settings)
    run(tiny(), panel)
    assert not list(tmp_path.iterdir())
    optuna.logging.set_verbosity(optuna.logging.INFO)
    for name in ("dumps", "loads", "dump", "load", "Pickler", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    run(tiny(), panel, checkpoint=tmp_path / "a")
    run(tiny(), panel, checkpoint=tmp_path / "a", trials=5)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert not [path for path in (tmp_path / "a").iterdir() if path.is_dir()], "what is finished needs no states"
    out, err = capfd.readouterr()
    assert out == err == ""
    assert optuna.logging.get_verbosity() == optuna.logging.INFO


def test_optuna_is_silent_while_it_works(tiny: Tiny, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    import optuna

    levels: list[int] = []
    scores_by(monkeypatch, lambda _: levels.append(optuna.logging.get_verbosity()) or 1.0)
    run(tiny(), panel)
    assert set(levels) == {optuna.logging.WARNING}


def test_the_same_settings_are_not_trained_twice(tiny: Tiny, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = scores_by(monkeypatch, lambda a: 1.0 if "loss" not in a["training"] else 0.5)
    training = {"max_epochs": 1, "steps_per_epoch": 2, "batch_size": 8, "lr": 1e-3}
    tuning = gc.tune(tiny(lookback=6, training=training), panel, time_limit=60, progress=False)
    assert len([a for a in seen if not a["refit"]]) == 3 * 3  # three losses on three folds
    assert len(tuning.trials) < 100


def test_what_is_left_of_the_time_is_shared() -> None:
    clock = Clock(10.0, started=time.monotonic() - 6)
    assert clock.share(0.5) == pytest.approx(2.0, abs=0.2)
    assert clock.before(1.0) == pytest.approx(3.0, abs=0.2)
    assert clock.before(100.0) < 0
    assert Clock(10.0).before(100.0) == pytest.approx(5.0, abs=0.2)
    assert Clock(None).share(0.5) is None


def interrupting(monkeypatch: pytest.MonkeyPatch, calls: set[int], where: Any = search) -> None:
    """Ctrl-C in some of the trainings, counted from 1."""
    done, real = [0], where.scored

    def scored(*arguments: Any) -> Any:
        done[0] += 1
        if done[0] in calls:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(where, "scored", scored)


def test_ctrl_c_keeps_the_best_and_the_study_goes_on(
    tiny: Tiny, panel: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores_by(monkeypatch, by_settings)
    file = tmp_path / "a"
    whole = run(tiny(), panel, trials=4)
    with monkeypatch.context() as patch:
        interrupting(patch, {8})  # in the second fold of the third trial
        cut = run(tiny(), panel, trials=4, checkpoint=file)
    assert cut.interrupted
    assert told(cut) == told(whole)[:2]
    assert cut.scores is not None
    assert "Stopped by Ctrl-C after 2 trials." in cut.verdict
    assert len(cut.model.predict()) == 2
    assert told(run(tiny(), panel, trials=4, checkpoint=file)) == told(whole)


def test_ctrl_c_keeps_a_clear_winner(tiny: Tiny, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    scores_by(monkeypatch, lambda a: 1.0 if is_default(a) else 0.5)
    outer_errors(monkeypatch, default=2.0, found=1.0)
    interrupting(monkeypatch, {8})
    tuning = run(tiny(), panel, trials=50)
    assert tuning.interrupted
    assert tuning.helped


def test_a_second_ctrl_c_ends_everything(tiny: Tiny, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupting(monkeypatch, {8})

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(finals, "fitted", stop)
    with pytest.raises(KeyboardInterrupt):
        run(tiny(), panel)


def test_ctrl_c_in_the_comparison_keeps_the_default(tiny: Tiny, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    scores_by(monkeypatch, lambda a: 1.0 if is_default(a) else 0.5)
    monkeypatch.setattr(finals, "fitted", stop)
    tuning = run(tiny(), panel)
    assert tuning.interrupted
    assert tuning.scores is None
    assert is_default(tuning.settings)
    assert "could not be compared" in tuning.verdict
    assert "inner MASE" in str(tuning)


def test_ctrl_c_inside_a_training_ends_the_search(tiny: Tiny, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    fit, calls = gc.Forecaster.fit, [0]

    def stopped(self: gc.Forecaster, *arguments: Any, **more: Any) -> Any:
        calls[0] += 1
        fit(self, *arguments)
        record = replace(self.fitted_.record, interrupted=calls[0] == 5)
        self.fitted_ = replace(self.fitted_, record=record)
        return self

    monkeypatch.setattr(gc.Forecaster, "fit", stopped)
    tuning = run(tiny(), panel)
    assert tuning.interrupted
    assert len(tuning.trials) == 1


def test_nothing_to_keep_before_the_default_is_scored(
    tiny: Tiny, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupting(monkeypatch, {1})
    with pytest.raises(KeyboardInterrupt):
        run(tiny(), panel)


def test_bad_trials_stop_after_their_first_fold(tiny: Tiny, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = scores_by(monkeypatch, lambda a: a["training"].get("lr", 3e-3))
    tuning = run(tiny(), panel, trials=20)
    pruned = [trial for trial in tuning.trials if trial["state"] == "pruned"]
    assert pruned
    assert all(len(trial["folds"]) < 3 for trial in pruned)
    once = {str(trial["changes"]): len(trial["folds"]) for trial in tuning.trials}  # the same settings are scored once
    assert len([a for a in seen if not a["refit"]]) == sum(once.values())
    assert tuning.trials[0]["state"] == "complete"


def test_failed_trials_are_told_and_do_not_win(tiny: Tiny, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    def rule(arguments: dict[str, Any]) -> float:
        if arguments["training"].get("loss") == "student-t":
            raise TrainingError("the loss became nan")
        return float("nan") if arguments["training"].get("loss") == "gaussian" else 1.0

    scores_by(monkeypatch, rule)
    tuning = run(tiny(), panel, trials=10)
    failed = [trial for trial in tuning.trials if trial["state"] == "failed"]
    assert {trial["problem"][:8] for trial in failed} == {"the loss", "no score"}
    assert all(trial["score"] is None for trial in failed)
    json.dumps(tuning.to_dict(), allow_nan=False)
    assert tuning.found is None


def test_the_time_limit_holds_for_everything(tiny: Tiny, panel: Panel) -> None:
    started = time.monotonic()
    tuning = gc.tune(tiny(), panel, time_limit=1.5, progress=False)
    assert time.monotonic() - started < 4
    assert len(tuning.trials) > 1
    assert tuning.scores is not None
    assert tuning.settings["time_limit"] is None is tuning.model.time_limit


def test_too_little_time_is_said(tiny: Tiny, panel: Panel) -> None:
    tuning = gc.tune(tiny(), panel, time_limit=0.01, progress=False)
    assert "no time for a trial beside the default" in tuning.verdict
    assert is_default(tuning.settings)


def test_numbers_out_of_range_are_refused(tiny: Tiny, panel: Panel) -> None:
    for options in ({"trials": 0}, {"origins": 0}, {"stride": 0}):
        with pytest.raises(ConfigError, match="must be at least 1; got 0"):
            gc.tune(tiny(), panel, **options)
    with pytest.raises(ConfigError, match="above 0 seconds"):
        gc.tune(tiny(), panel, time_limit=0)
    with pytest.raises(ConfigError, match="without an end"):
        gc.tune(tiny(), panel, time_limit=None)
    with pytest.raises(WindowError, match="no series has"):
        gc.tune(tiny(30), panel, trials=1)
    with pytest.raises(WindowError, match="before the first held-out origin"):
        gc.tune(tiny(20), panel, trials=1, stride=20)


def test_without_optuna_nothing_is_begun(tiny: Tiny, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr(tune, "as_panel", lambda _: pytest.fail("work was begun"))
    with pytest.raises(ConfigError, match=r"pip install 'gatecast\[tune\]'"):
        run(tiny(), panel)


def test_settings_that_fail_on_the_outer_span_are_not_kept(
    tiny: Tiny, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fitted(arguments: dict[str, Any], data: Panel, limit: float | None, states: Path | None) -> gc.Forecaster:
        if not is_default(arguments):
            raise TrainingError("the loss became inf")
        return search.fitted(arguments, data, limit, states)

    scores_by(monkeypatch, lambda a: 1.0 if is_default(a) else 0.5)
    monkeypatch.setattr(finals, "fitted", fitted)
    tuning = run(tiny(), panel)
    assert not tuning.helped
    assert "what was found fails on the held-out origins" in tuning.verdict
    assert "the loss became inf" in tuning.verdict
    assert max(map(len, tuning.table().splitlines())) <= 80
