"""The pure parts of ``benchmarks.speed``: turns, medians, operations, tables, JSON, arguments, processes."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks.peers.published.common import SameOrder
from benchmarks.speed import contestant, live, machine, panels, statistics
from benchmarks.speed.__main__ import TASKS, main, warning
from benchmarks.speed.layer import SHAPES, Shape, operations
from benchmarks.speed.options import Options, Stage
from benchmarks.speed.report import Column, Report, number
from benchmarks.speed.start import IMPORT
from benchmarks.speed.time_to_accuracy import compare
from benchmarks.speed.worker import peak_mb
from rich.console import Console

# ---------------------------------------------------------------- turns and numbers


def test_contestants_alternate_and_every_round_begins_with_the_next_one() -> None:
    seen: list[str] = []
    turns = {name: (lambda name=name: seen.append(name) or len(seen)) for name in "abc"}
    results = statistics.interleaved(turns, 3, pause=0)
    assert "".join(seen) == "abcbcacab"
    assert results == {"a": [1, 6, 8], "b": [2, 4, 9], "c": [3, 5, 7]}


def test_a_geometric_mean_over_fewer_than_all_is_none() -> None:
    assert statistics.geometric_mean([1.0, 100.0]) == pytest.approx(10)
    assert statistics.geometric_mean([1.0, None]) is None
    assert statistics.middle([5.0, 1.0, None, 3.0]) == 3.0
    assert statistics.ratio(3.0, None) is None


@pytest.mark.parametrize("shape", [*SHAPES, Shape(3, 5, 7, 3, 2)])
def test_operations_are_those_of_every_matrix_product(shape: Shape) -> None:
    rows, gates, total = shape.batch * shape.steps, 4 * shape.hidden, 0
    for layer in range(shape.layers):
        inputs = shape.hidden if layer else shape.features
        total += 2 * rows * gates * inputs * (2 if layer == 0 else 3)  # forward, weights; and towards the inputs
        total += 2 * rows * gates * shape.hidden * 3
    assert operations(shape) == total


def test_an_error_that_is_not_reached_gives_no_ratio() -> None:
    assert compare("x", 10.0, 1.0, 2.0, 1.0)["ratio"] == 5
    row = compare("x", 10.0, 1.0, 2.0, 1.0001)
    assert row["ratio"] is None
    assert row["reached"] == "no"


def test_published_loops_see_the_windows_in_the_order_of_gatecast() -> None:
    rng, order = np.random.default_rng(3), SameOrder(10, 3)
    assert [list(order), list(order)] == [rng.permutation(10).tolist(), rng.permutation(10).tolist()]
    assert len(order) == 10


def test_synthetic_panels_are_positive_float32_and_the_same_whatever_comes_after() -> None:
    few, many = panels.synthetic(3, 50), panels.synthetic(3, 50)
    assert few.dtype == np.float32
    assert few.shape == (3, 50)
    assert few.min() > 0
    np.testing.assert_array_equal(few, many)
    assert not np.array_equal(few[0], few[1])


# ---------------------------------------------------------------- the screen, and JSON


def report_of(rows: list[dict[str, object]]) -> Report:
    columns = (Column("what", "what"), Column("ms", "ms"), Column("ratio", "ratio", "x"), Column("share", "of it", "%"))
    return Report("layer", "A title.", columns, rows, {"worst": 1.5, "share": None}, ("A note.",), {"darts": "absent"})


def shown(report: Report) -> str:
    console = Console(file=io.StringIO(), width=80, highlight=False, markup=False)
    report.show(console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_table_fits_and_says_who_is_missing() -> None:
    text = shown(report_of([{"what": "a", "ms": 0.01234, "ratio": 2.0, "share": 0.5}, {"what": "b", "ms": None}]))
    assert all(len(line.rstrip()) <= 80 for line in text.splitlines())
    for words in ("0.0123", "2.00x", "50 %", "darts skipped: absent.", "A note.", "worst", "1.50x"):
        assert words in text


def test_a_group_of_rows_is_named_once() -> None:
    text = shown(report_of([{"what": "group", "ms": 1.0}, {"what": "group", "ms": 2.0}, {"what": "other", "ms": 3.0}]))
    assert text.count("group") == 1
    assert text.count("other") == 1


def test_json_has_all_entries_and_no_number_that_json_lacks() -> None:
    report = report_of([{"what": "a", "ms": float("nan"), "hidden": float("inf"), "ratio": 2.0}])
    report.settings = {"threads": 2}
    found = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert found["rows"] == [{"what": "a", "ms": None, "hidden": None, "ratio": 2.0}]
    assert set(found) == {"task", "title", "settings", "machine", "rows", "summary", "skipped", "notes"}
    assert found["skipped"] == {"darts": "absent"}


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.00"), (1e-7, "1.00e-07"), (999.4, "999"), (1234.5, "1,234"), (-2.5, "-2.50"), (9.999, "10.00")],
)
def test_numbers_have_three_digits_that_count(value: float, text: str) -> None:
    assert number(value) == text


# ---------------------------------------------------------------- live


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SIZES", ((1, 300), (1, 2_100), (3, 200)))
    monkeypatch.setattr(live, "MODELS", {"candidates=1": 1})
    monkeypatch.setattr(live, "SECONDS", 1)


@pytest.mark.slow
def test_live_tells_of_all_sizes_and_who_is_absent(
    brief: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GATECAST_PEERS", str(tmp_path))
    report = live.run(Options(threads=1, repeats=1))
    ours, again = ([row for row in report.rows if row["model"] == name] for name in ("candidates=1", "reread"))
    assert [(row["series"], row["steps"]) for row in ours] == list(live.SIZES)
    assert all(row[key] > 0 for row in ours for key in ("row_us", "block_us", "forecast_ms", "predict_ms", "kb"))
    assert all(row["apart"] < 1e-6 for row in ours)
    assert [row["kb"] for row in again] == [1.2, 4 * 2_048 / 1e3, 0.8], "what is read again is kept"
    assert all(row["row_us"] == pytest.approx(1e3 * row["forecast_ms"] / row["series"]) for row in again)
    assert (report.rows[-1]["model"], report.rows[-1]["series"]) == ("river", "absent")
    assert "river" in report.skipped
    assert "absent" in shown(report)


@pytest.mark.slow
def test_live_lets_river_learn(brief: None) -> None:
    with Stage(1) as stage:
        rows = live._river(stage, Options(threads=1, repeats=1))
        if stage.skipped:
            pytest.skip(f"no river: {stage.skipped['river']}")
    assert [(row["series"], row["steps"]) for row in rows] == list(live.SIZES) * len(live.RIVER)
    assert all(row[key] > 0 for row in rows for key in ("row_us", "forecast_ms", "kb"))


# ---------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nonsense"], "invalid choice"),
        (["layer", "--threads", "0"], "must be at least 1"),
        (["layer", "--repeats", "x"], "argument --repeats"),
        (["train", "--full"], "--full belongs to the task reference"),
        ([], "required: TASK"),
    ],
)
def test_wrong_arguments_are_told(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_help_names_every_task(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(f"\n{name} " in text for name in TASKS)


def test_a_busy_machine_is_told() -> None:
    assert warning([0.0, None, 0.04]) == ()
    assert "30%" in warning([0.0, 0.3])[0]


# ---------------------------------------------------------------- machine and processes


def test_two_threads_of_one_core_come_last(tmp_path: Path) -> None:
    for cpu, siblings in enumerate(["0,2", "1,3", "0,2", "1,3"]):
        folder = tmp_path / f"cpu{cpu}" / "topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(siblings + "\n")
    assert machine.distinct_cores({0, 1, 2, 3}, 2, tmp_path) == {0, 1}
    assert machine.distinct_cores({0, 2, 3}, 2, tmp_path) == {0, 3}
    assert machine.distinct_cores({0, 2}, 2, tmp_path) == {0, 2}
    assert machine.distinct_cores({4, 5, 6}, 2, tmp_path) == {4, 5}  # a system that does not tell


def test_peers_are_skipped_with_a_reason_where_they_are_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATECAST_PEERS", str(tmp_path / "none"))
    with Stage(1) as stage:
        assert stage.peer("darts", "benchmarks.peers.darts_block_rnn") is None
    assert str(tmp_path / "none") in stage.skipped["darts"]
    assert "benchmarks/peers/setup" in stage.skipped["darts"]


def test_a_peer_that_does_not_start_is_skipped_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.setenv("GATECAST_PEERS", str(tmp_path))
    with Stage(1) as stage:
        assert stage.peer("darts", "benchmarks.peers.none_such") is None
    assert "none_such" in stage.skipped["darts"]


def test_a_contestant_answers_and_tells_its_errors() -> None:
    with contestant.Contestant("echo", "tests.benchmarks.echo", threads=1) as side:
        assert side.ask("double", value=4) == 8  # and what the call prints does not disturb the answer
        with pytest.raises(contestant.ContestantError, match=r"echo: ValueError: no 0"):
            side.ask("double", value=0)
        assert side.ask("threads") == "1"
        with pytest.raises(contestant.ContestantError, match="echo ended"):
            side.ask("leave")


def test_the_peak_of_a_process_is_its_own() -> None:
    peak = peak_mb()
    if peak is None:
        pytest.skip("this system does not tell")
    with contestant.Contestant("echo", "tests.benchmarks.echo", threads=1) as side:
        assert side.import_mb is not None
        assert side.import_mb < 60 < peak  # pytest's own memory is not counted in it
        assert side.ask("grow", megabytes=50) >= side.import_mb + 45


def test_options_know_rounds_and_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Options().rounds(5) == 5
    assert Options(repeats=2).rounds(5) == 2
    monkeypatch.setenv("GATECAST_DATA", str(tmp_path))
    assert Options().ridership is None
    (tmp_path / "ridership.tgz").touch()
    assert Options().ridership == str(tmp_path / "ridership.tgz")


def test_start_runs_and_gives_json(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.speed.start.OURS", {IMPORT: ("-c", "import gatecast"), "ready": ("-c", "pass")})
    monkeypatch.setattr("benchmarks.speed.start.READY", "ready")
    monkeypatch.setattr("benchmarks.speed.__main__.keep_to", lambda threads: "as it is")
    monkeypatch.setattr("benchmarks.speed.__main__.busy", lambda: 0.0)
    monkeypatch.setenv("GATECAST_PEERS", "/nonexistent")
    assert main(["start", "--repeats", "1", "--threads", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["what"] for row in found["rows"]] == [IMPORT, "ready"]
    assert found["settings"] == {"threads": 1, "repeats": 1}
    assert set(found["skipped"]) == {"neuralforecast", "darts"}
    assert found["machine"]["kernels"]
