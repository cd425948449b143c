"""``benchmarks.accuracy`` on made-up data: spans, figures, the log, tables, JSON, arguments, peers."""

from __future__ import annotations

import io
import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from benchmarks.accuracy import naive, ours, peers, record, run, spans, systems
from benchmarks.accuracy.__main__ import main
from benchmarks.accuracy.report import show
from benchmarks.accuracy.scores import Outcome, summary
from benchmarks.accuracy.sets import SETS, Group, Request
from benchmarks.accuracy.settings import parse
from rich.console import Console

import gatecast as gc
from gatecast.demos.result import DemoResult

H = 8
OTHER = SETS["m3"][3]
METHOD_KEYS = {"smape", "mase", "owa", "seconds", "peak_mb", "spread", "per_group"}


def long(rows: dict[str, np.ndarray], first: int = 1) -> pl.DataFrame:
    tables = [pl.DataFrame({"unique_id": i, "ds": np.arange(first, first + len(y)), "y": y}) for i, y in rows.items()]
    return pl.concat(tables)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """M3's "other" and "yearly" with a few random walks, one of them too short to be cut; a log of its own."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "data"
    folder.mkdir()
    for name, horizon, lengths in (("other", H, (60, 45, 20, 17)), ("yearly", 6, (30, 24))):
        whole = {f"{name}{n}": 50 + np.abs(rng.normal(0.3, 1, t + horizon).cumsum()) for n, t in enumerate(lengths)}
        train, test = ({i: y[cut] for i, y in whole.items()} for cut in (slice(-horizon), slice(-horizon, None)))
        long(train).write_parquet(folder / f"m3_{name}_train.parquet")
        long(test).write_parquet(folder / f"m3_{name}_test.parquet")
    names = [f"{name}{n}" for name in ("yearly", "other") for n in range(4)]
    pl.DataFrame({"unique_id": names, "category": ["MICRO", "MACRO"] * 4}).write_parquet(folder / "m3_static.parquet")
    monkeypatch.setenv("GATECAST_DATA", str(folder))
    log = tmp_path / "log.md"
    log.write_text("# Log\n\n")
    monkeypatch.setattr(record, "LOG", log)
    monkeypatch.setattr(record, "RESULTS", tmp_path / "results")
    return folder


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Instead of fits: the last value plus half the seed, so that every seed has figures of its own."""
    seen: list[tuple[str, int]] = []

    def ask(request: Request, group: Group, call: str, seed: int) -> dict[str, Any]:
        seen.append((group.name, seed))
        panel = spans.training(group, request.folder, request.inner)
        last = [float(panel.series(n)[-1, 0]) + 0.5 * seed for n in range(len(panel))]
        values = [[value] * group.horizon for value in last]
        plan = f"plan of {group.name}"
        return {"ids": list(panel.ids), "forecast": values, "seconds": 2.0 + seed, "peak_mb": 300.0, "plan": plan}

    monkeypatch.setattr(run, "_ask", ask)
    return seen


def by_hand(folder: Path, group: str, horizon: int, seed: int) -> tuple[float, float, int]:
    """SMAPE, MASE (m = 1) of the fits above on the test part, and its points: series by series."""
    train, test = (pl.read_parquet(folder / f"m3_{group}_{part}.parquet") for part in ("train", "test"))
    rows = []
    for (name,), part in train.group_by("unique_id", maintain_order=True):
        x, y = part["y"].to_numpy(), test.filter(pl.col("unique_id") == name)["y"].to_numpy()
        f = x[-1] + 0.5 * seed
        rows.append((np.mean(200 * abs(y - f) / (abs(y) + abs(f))), np.mean(abs(y - f)) / np.mean(abs(np.diff(x)))))
    return *np.mean(rows, axis=0), len(rows) * horizon


def found(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


# ---------------------------------------------------------------- figures


def test_figures_are_those_of_the_definitions(
    data: Path, fits: list[tuple[str, int]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SETS, "m3", (SETS["m3"][0], OTHER))
    result = found(capsys, "m3", "--seeds", "3")
    assert fits == [("yearly", 0), ("yearly", 1), ("yearly", 2), ("other", 0), ("other", 1), ("other", 2)]
    mine, base = result["methods"]["gatecast"], result["methods"]["naive2"]
    hand = {g: [by_hand(data, g, h, seed) for seed in range(3)] for g, h in (("yearly", 6), ("other", H))}
    for group, rows in hand.items():
        smape, mase, _ = np.mean(rows, axis=0)
        row = mine["per_group"][group]
        assert row["smape"] == pytest.approx(smape, rel=1e-6)
        assert row["mase"] == pytest.approx(mase, rel=1e-6)
        owas = [0.5 * (r[0] / rows[0][0] + r[1] / rows[0][1]) for r in rows]  # without a season naive2 is seed 0
        assert row["owa"] == pytest.approx(np.mean(owas), rel=1e-6)
        assert row["spread"]["owa"] == pytest.approx(max(owas) - min(owas), rel=1e-5)
        assert row["plans"] == [f"plan of {group}"]
    together = [
        np.average([hand[g][seed][0] for g in hand], weights=[hand[g][0][2] for g in hand]) for seed in range(3)
    ]
    assert mine["smape"] == pytest.approx(np.mean(together), rel=1e-6)  # by point: longer horizons weigh more
    assert mine["spread"]["smape"] == pytest.approx(max(together) - min(together), rel=1e-5)
    assert base["owa"] == 1
    assert (mine["seconds"], mine["peak_mb"]) == (6.0, 300.0)  # the mean seed of both groups
    assert all(set(row) == METHOD_KEYS for row in result["methods"].values())
    assert result["set"] == "m3"


def test_the_inner_span_ends_each_training_series_and_opens_no_test_file(
    data: Path, fits: list[tuple[str, int]], capsys: pytest.CaptureFixture[str]
) -> None:
    for path in data.glob("*_test.parquet"):
        path.unlink()
    before = record.LOG.read_text()
    result = found(capsys, "m3", "--inner", "--group", "other", "--seeds", "1", "--set", "members=3")
    assert result["settings"] == {"members": 3}
    assert record.LOG.read_text() == before
    panel, truth_NH = spans.training(OTHER, data, True), spans.truth(OTHER, data, True)
    assert panel.ids == ("other0", "other1", "other2")  # 17 steps are less than 2 H + 2
    whole = pl.read_parquet(data / "m3_other_train.parquet").filter(pl.col("unique_id") == "other2")["y"].to_numpy()
    np.testing.assert_allclose(panel.series("other2")[:, 0], whole[:-H], rtol=1e-6)
    np.testing.assert_array_equal(truth_NH[2], whole[-H:])
    categories = panel.schema.static[0].categories
    assert categories is not None
    told = [categories[int(row.argmax())] for row in panel.static_NS]
    assert told == ["MICRO", "MACRO", "MICRO"], "the series know their categories"


def test_forecasts_of_other_series_are_refused(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_ask", lambda *_: {"ids": ["other1", "other0"]})
    with pytest.raises(ValueError, match="not of the series"):
        run.measure(Request("m3", data, ("other",), 1))


def test_a_test_file_of_other_series_is_refused(
    data: Path, fits: list[tuple[str, int]], capsys: pytest.CaptureFixture[str]
) -> None:
    long({"other0": np.arange(H) * 1.0}).write_parquet(data / "m3_other_test.parquet")
    with pytest.raises(SystemExit) as stop:
        main(["m3", "--group", "other", "--seeds", "1"])
    assert stop.value.code == 2
    assert "m3_other: the test file does not hold 8 steps" in capsys.readouterr().err


def test_a_group_without_figures_leaves_no_total() -> None:
    row = Outcome({"smape": 10.0, "mase": 1.0}, 1.0, points=(6, 6))
    methods = summary({"naive2": {"a": [row], "b": [row]}, "peer": {"a": [row]}}, ("a", "b"), {"peer": {"b": "broke"}})
    assert methods["peer"]["smape"] is None
    assert methods["peer"]["per_group"]["a"]["owa"] == 1
    assert methods["peer"]["error"] == {"b": "broke"}


# ---------------------------------------------------------------- fits


def test_a_fit_has_a_process_of_its_own(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    setting = ("--set", "training.max_epochs=1", "--set", "members=1", "--set", "lookback=4", "--set", "scaling=none")
    result = found(capsys, "m3", "--group", "other", "--seeds", "1", "--inner", "--threads", "1", *setting)
    mine = result["methods"]["gatecast"]
    assert mine["per_group"]["other"]["plans"][0].startswith("lookback 4")
    assert mine["smape"] > 0
    assert mine["seconds"] > 0
    assert mine["peak_mb"] is None or 50 < mine["peak_mb"] < 2000


def test_a_setting_that_there_is_not_ends_the_run_in_one_line(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["m3", "--group", "other", "--inner", "--set", "memmbers=3"]) == 1
    err = capsys.readouterr().err
    assert "memmbers" in err
    assert err.count("\n") == 1


class LastValue:
    """Instead of a Forecaster."""

    plan_ = type("Plan", (), {"describe": lambda self: "the last value"})()
    quantiles = (0.1, 0.5, 0.9)

    def __init__(self, horizon: int, **settings: Any) -> None:
        self.horizon = horizon

    def fit(self, panel: gc.Panel) -> LastValue:
        self.steps = panel.length.tolist()
        assert self.steps == [30, 30]
        return self

    def forecast_from(self, panel: gc.Panel, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
        values_BH = np.repeat(panel.target_RC[origin_B], self.horizon, axis=1)
        return values_BH[:, :, None, None] + np.array([-1.0, 0.0, 1.0])


def test_etth1_takes_every_origin_whose_targets_are_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hours = pl.datetime_range(pl.datetime(2016, 7, 1), pl.datetime(2016, 7, 3, 1), "1h", eager=True)
    y_T = np.sin(np.arange(50.0)) + np.arange(50.0)
    pl.DataFrame({"date": hours, "HUFL": 5 * y_T + 100, "OT": -y_T}).write_parquet(tmp_path / "etth1.parquet")
    for module in (spans, ours, naive):
        monkeypatch.setattr(module, "ETTH1_ROWS", {True: (30, 40), False: (40, 50)})
    monkeypatch.setattr(spans, "ETTH1_SCALE", 25)
    monkeypatch.setattr(gc, "Forecaster", LastValue)
    group = Group("etth1", "", 3, 4)
    reply = ours.rolling([*vars(group).values()], str(tmp_path), True, 0, {})
    scaled_T = (y_T - y_T[:25].mean()) / y_T[:25].std()
    error_WH = np.array([scaled_T[o + 1 : o + 4] - scaled_T[o] for o in range(29, 37)])
    assert reply["figures"]["mse"] == pytest.approx((error_WH**2).mean(), rel=1e-5)  # the sign of OT plays no part
    assert reply["figures"]["mae"] == pytest.approx(abs(error_WH).mean(), rel=1e-5)
    rows = naive.etth1_naive(group, tmp_path, True)
    assert rows["naive"].figures["mse"] == pytest.approx(reply["figures"]["mse"], rel=1e-6)
    error_WH = np.array([scaled_T[o + 1 : o + 4] - scaled_T[o - 3 : o] for o in range(29, 37)])
    assert rows["seasonal_naive"].figures["mse"] == pytest.approx((error_WH**2).mean(), rel=1e-5)


def test_inside_airline_the_last_months_of_the_training_are_scored() -> None:
    result = systems.inner("airline", Path(), 0, {"members": 1, "training": {"max_epochs": 1}})
    methods = result.spans["airline"]
    y = gc.load_example("airline").series(0)[:, 0].astype(float)
    target = np.arange(76, 100)
    assert methods["naive"]["rmse"] == pytest.approx(np.sqrt(np.mean((y[target] - y[target - 1]) ** 2)))
    growth = y[target - 1] * y[target - 12] / y[target - 13]
    assert methods["growth"]["rmse"] == pytest.approx(np.sqrt(np.mean((y[target] - growth) ** 2)))
    assert {"gatecast", "seasonal_naive", "naive2"} <= set(methods)


def test_ridership_spans_are_the_published_ones(shared_data: Path) -> None:
    rows = {name: target_B for name, _, target_B in systems._naive_spans("ridership", shared_data)}
    assert {name: len(target_B) for name, target_B in rows.items()} == {
        "ridership-validation": 95,
        "ridership-test": 858,
    }
    ((_, panel, target_B), _) = systems._naive_spans("ridership", shared_data)
    assert str(panel.times(0)[target_B[0] - panel.first[0]])[:10] == "2019-02-26"


@pytest.mark.parametrize("system", ["airline", "ridership", "sine"])
def test_the_test_spans_are_those_of_the_demo(
    system: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo itself is not run: its test spans are looked at by measurements alone."""
    errors = {"mse": 1.0, "rmse": 1.0, "mae": 1.0}
    methods = {"lstm": errors, "naive": errors, "floor": errors, "lstm_all_steps": errors}
    scores = dict.fromkeys(("train", "validation", "test"), methods)
    result = DemoResult(system, False, 7, 0.1, scores, "a plan", "", "")
    monkeypatch.setattr(systems.demos, "run", lambda name, seed, data: result)
    folder = request.getfixturevalue("shared_data") if system == "ridership" else Path()
    found = systems.test(system, folder, 7)
    names = ("ridership-validation", "ridership-test") if system == "ridership" else (system,)
    assert tuple(found.spans) == names
    more = {"airline": {"naive2", "growth"}, "ridership": {"naive2"}, "sine": set()}[system]
    assert all(set(rows) == {"gatecast", "naive"} | more for rows in found.spans.values())
    if system == "airline":
        assert found.spans[system]["growth"]["rmse"] == pytest.approx(
            16.2, abs=0.05
        )  # the naive figure that is known of it


# ---------------------------------------------------------------- peers


@pytest.fixture
def peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment with one good peer, one that fails and one that is not there."""
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.setenv("GATECAST_PEERS", str(tmp_path / "venv"))
    module = "tests.benchmarks.last_value_peer"
    absent = f"{peers.HOME}.none_such"
    monkeypatch.setattr(peers, "PEERS", {"good": (module, {}), "bad": (module, {"model": "x"}), "gone": (absent, {})})


@pytest.mark.usefixtures("fits", "peer")
def test_peers_are_scored_and_a_broken_one_ends_nothing(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("m3", "--inner", "--group", "other", "--seeds", "1", "--peers", "--threads", "1")
    methods = found(capsys, *words)["methods"]
    for measure in ("smape", "mase", "owa"):
        assert methods["good"][measure] == pytest.approx(methods["naive"][measure], rel=1e-9)
        assert methods["bad"][measure] is None
    assert "no x" in methods["bad"]["error"]["other"]
    assert "none_such" in methods["gone"]["error"]["other"]
    assert main(list(words)) == 0
    text = capsys.readouterr().out
    assert "bad has no figures (other): bad: ValueError: no x" in text
    assert all(len(line) <= 80 for line in text.splitlines())


@pytest.mark.usefixtures("fits")
def test_without_an_environment_the_peers_say_so(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATECAST_PEERS", "/nonexistent")
    methods = found(capsys, "m3", "--inner", "--group", "other", "--seeds", "1", "--peers")["methods"]
    assert {name for name, row in methods.items() if "error" in row} == set(peers.PEERS)
    assert "benchmarks/peers/setup" in methods["AutoETS"]["error"]["other"]


def test_every_group_has_settings_that_its_series_bear() -> None:
    shortest = {"hourly": 700, "weekly": 80, "yearly": 14, "quarterly": 16, "monthly": 48, "other": 63}  # data/README
    groups = [group for name in ("m4-hourly", "m4-weekly", "m3") for group in SETS[name]]
    assert all(peers.SETTINGS[g.name].lookback + g.horizon <= shortest[g.name] for g in groups)


# ---------------------------------------------------------------- log and files


@pytest.mark.usefixtures("fits")
def test_each_scoring_of_a_test_part_adds_a_line(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = found(capsys, "m3", "--group", "other", "--seeds", "2")
    found(capsys, "m3", "--group", "other", "--seeds", "1")
    first, second = record.LOG.read_text().splitlines()[2:]
    row = result["methods"]["gatecast"]
    assert first.startswith(f"- {date.today()} · {record.commit()} · m3 · seeds 0 to 1 · other: ")
    assert f"sMAPE {row['smape']:.3f}".lower() in first.lower()
    assert first.endswith("other chose plan of other")
    assert "· seed 0 ·" in second


@pytest.mark.usefixtures("fits")
def test_a_log_that_cannot_be_written_is_told(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "LOG", data / "none" / "log.md")
    monkeypatch.setattr(record, "RESULTS", data / "m3_other_train.parquet" / "results")
    assert main(["m3", "--group", "other", "--seeds", "1", "--save"]) == 0
    streams = capsys.readouterr()
    assert "could not be written down" in streams.err
    assert "nothing is saved" in streams.err
    assert "gatecast" in streams.out


@pytest.mark.usefixtures("fits")
def test_a_saved_file_is_dated_and_an_earlier_one_stays(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        result = found(capsys, "m3", "--group", "other", "--seeds", "1", "--save", "--inner")
    stem = f"{date.today()}-m3-inner"
    assert sorted(path.name for path in record.RESULTS.iterdir()) == [f"{stem}-2.json", f"{stem}.json"]
    kept = json.loads((record.RESULTS / f"{stem}.json").read_text())
    assert kept["methods"]["naive"]["smape"] == result["methods"]["naive"]["smape"]
    assert set(kept["versions"]) == {"gatecast", "python", "torch", "numpy"}
    assert kept["commit"] == record.commit()


def test_outside_a_checkout_the_commit_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "ROOT", tmp_path)
    assert record.commit() == "unknown"


# ---------------------------------------------------------------- for people


def shown(result: dict[str, Any]) -> str:
    stream = io.StringIO()
    show(result, Console(file=stream, width=80))
    assert all(len(line) <= 80 for line in stream.getvalue().splitlines())
    return " ".join(stream.getvalue().split())


def test_reference_systems_are_judged_one_by_one() -> None:
    def rows(rmse: float, mae: float) -> list[Outcome]:
        return [Outcome({"rmse": rmse, "mae": mae}, 1.0, 200.0, "a plan")]

    outcomes = {
        "gatecast": {"airline": rows(15, 9), "ridership-test": rows(60_000, 25_000)},
        "naive": {"airline": rows(49, 9), "ridership-test": rows(70_000, 30_000)},
        "drift": {"airline": rows(50, 9)},
        "same_category": {"ridership-test": rows(90_000, 22_000)},
    }
    result = {"set": "reference", "inner": False, "seeds": 1, "methods": summary(outcomes, (), {})}
    assert {result["methods"]["gatecast"][name] for name in ("smape", "mase", "owa")} == {None}
    text = shown(result)
    assert "Gatecast is better than the best naive forecast on airline (RMSE 15; repeat last 49)" in text
    assert (
        "it is NOT better than the best naive forecast on ridership-test (MAE 25,000; last of the same category 22,000)"
    ) in text
    assert "airline, ridership-test: chose a plan" in text
    assert "drift" not in text


@pytest.mark.usefixtures("fits")
def test_the_table_says_what_is_best(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["m3", "--group", "other", "--group", "yearly", "--seeds", "2"]) == 0
    text = capsys.readouterr().out
    assert all(len(line) <= 80 for line in text.splitlines())
    for words in ("m3 · test part · seeds 2", "all points", "seasonal naive", "other: chose plan of other", "sMAPE"):
        assert words in text


# ---------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["m5"], "invalid choice: 'm5'"),
        (["m3", "--set", "members=3"], "--set goes with --inner only"),
        (["m3", "--horizon", "96"], "--horizon belongs to etth1"),
        (["etth1", "--horizon", "100"], "invalid choice: 100"),
        (["etth1", "--peers"], "--peers belongs to"),
        (["m3", "--group", "weekly"], "m3 has no group weekly; it has yearly"),
        (["m3", "--seeds", "0"], "must be at least 1"),
        (["m3", "--inner", "--set", "members"], "key=value"),
        (["m3", "--inner", "--set", "seed=3"], "sets it itself"),
        (["reference", "--inner", "--group", "sin-to-cos", "--set", "members=3"], "SequenceRegressor"),
        (["m3", "--no-log"], "unrecognized arguments: --no-log"),
        (["m4-hourly"], "m4_hourly_train.parquet, m4_hourly_test.parquet not found"),
        (["reference"], "ridership.tgz not found"),
    ],
)
def test_wrong_arguments_are_told_in_one_line(
    data: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(words)
    err = capsys.readouterr().err
    assert stop.value.code == 2
    assert message in err
    assert err.count("\n") == 1


def test_data_that_are_not_there_are_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("GATECAST_DATA", "/nonexistent")
    with pytest.raises(SystemExit) as stop:
        main(["m3"])
    assert stop.value.code == 2
    assert "no data at /nonexistent; set GATECAST_DATA" in capsys.readouterr().err


@pytest.mark.parametrize("pairs", [["a.b=1", "a=2"], ["a=1", "a.b=2"], ["a=1", "a=1"], ["=1"], ["a..b=1"]])
def test_settings_that_contradict_are_refused(pairs: list[str]) -> None:
    with pytest.raises(ValueError, match="--set"):
        parse(pairs)


def test_help_names_every_set(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(name in text for name in SETS)
