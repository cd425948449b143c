"""``gatecast watch``: rows in, lines of JSON out, and a state that survives."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.conftest import Run, table

import gatecast as gc
from gatecast.live.watching import Watch

NEW = table(46).splitlines()[41:]


def rows_of(lines: list[str]) -> list[dict[str, Any]]:
    return [{"month": line.split(",")[0], "sales": float(line.split(",")[1])} for line in lines]


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def jsonl(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_every_row_gives_a_line(run: Run, fitted: Path, sales: Path, pipe: Callable[[str], None]) -> None:
    pipe(jsonl(rows_of(NEW)))
    result = run("watch", fitted, "-", "--history", sales)
    lines = [json.loads(line) for line in result.out.splitlines()]
    assert (result.code, result.err, len(lines)) == (0, "", 6)
    model = gc.load(fitted)
    live = model.live(gc.read(sales))
    told = live.observe(rows_of(NEW))
    assert [line["sales_forecast"] for line in lines] == pytest.approx(told.forecast_RC[:, 0].tolist(), rel=1e-6)
    assert lines[0]["month"] == "2023-05-01"
    assert {line["row"] for line in lines} == {"new"}
    assert all(isinstance(line["sales_inside_80"], bool) for line in lines)
    assert all(0 <= line["sales_anomaly"] <= 1 for line in lines)


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_a_table_is_watched_too(run: Run, fitted: Path, sales: Path, tmp_path: Path, sign: str) -> None:
    path = tmp_path / "new.csv"
    path.write_text(f"month{sign}sales{sign}note\n" + "".join(f"{line.replace(',', sign)}{sign}x\n" for line in NEW))
    result = run("watch", fitted, path, "--history", sales)
    assert (result.code, len(result.out.splitlines())) == (0, 6)


def test_broken_rows_are_told_by_their_line_and_the_stream_goes_on(
    run: Run, fitted: Path, sales: Path, pipe: Callable[[str], None]
) -> None:
    lines = jsonl(rows_of(NEW)).splitlines()
    lines.insert(2, "{broken")
    lines.insert(4, '{"month": "2023-08-01", "sales": "much"}')
    lines.insert(5, "[1]")
    lines.append('{"month": "2020-01-01", "sales": 1}')
    pipe("\n".join(lines))
    result = run("watch", fitted, "-", "--history", sales)
    assert result.code == 1
    assert len(result.out.splitlines()) == 6
    told = result.err.splitlines()
    assert sorted(int(line.split(":")[1].removeprefix(" line ")) for line in told) == [3, 5, 6, 10]
    assert any("line 5: 'much' in column 'sales'" in line for line in told)
    assert any("line 10: nothing was observed: rows that contradict" in line for line in told)


def test_a_state_goes_on_where_it_was(
    run: Run, fitted: Path, sales: Path, tmp_path: Path, pipe: Callable[[str], None]
) -> None:
    state, words = tmp_path / "s.live", ("watch", fitted, "-", "--history", sales, "--state", tmp_path / "s.live")
    pipe(jsonl(rows_of(NEW[:3])))
    assert run(*words).code == 0
    pipe(jsonl(rows_of(NEW[2:])))
    again = run(*words)
    kinds = [json.loads(line)["row"] for line in again.out.splitlines()]
    assert kinds == ["known", "new", "new", "new"]
    whole = gc.load(fitted).live(gc.read(sales))
    whole.observe(rows_of(NEW))
    np.testing.assert_array_equal(gc.load_live(state).forecast().values_NHCQ, whole.forecast().values_NHCQ)


def test_the_state_of_another_model_is_refused(run: Run, fitted: Path, sales: Path, tmp_path: Path) -> None:
    gc.Forecaster(2, preset="instant").fit(gc.read(sales)).live().save(tmp_path / "s.live")
    result = run("watch", fitted, sales, "--state", tmp_path / "s.live")
    assert result.code == 2
    assert "is that of another model" in result.err
    assert run("watch", fitted, sales, "--state", tmp_path / "none" / "s.live").code == 2
    assert run("watch", fitted, tmp_path / "none.csv").code == 2


def test_nothing_is_acknowledged_before_it_is_saved(fitted: Path, sales: Path, tmp_path: Path) -> None:
    state, known = tmp_path / "s.live", list[str]()

    class Out(io.StringIO):
        def write(self, text: str) -> int:
            rows = rows_of(NEW[len(known) : len(known) + text.count("\n")])
            known.extend(gc.load_live(state).observe(rows).kinds.tolist())
            return super().write(text)

    watch = Watch(gc.load(fitted).live(gc.read(sales)), Out(), pytest.fail, state)
    assert watch.run(jsonl(rows_of(NEW)).splitlines()) == 0
    assert known == ["known"] * 6


def test_a_reader_that_goes_away_is_no_error(fitted: Path, sales: Path, tmp_path: Path) -> None:
    path = tmp_path / "new.jsonl"
    path.write_text(jsonl(rows_of(table(4000).splitlines()[41:])))
    command = f"{sys.executable} -m gatecast watch {fitted} {path} --history {sales} | head -1"
    done = subprocess.run(["bash", "-c", command], check=False, capture_output=True, text=True, timeout=120)
    assert done.stdout.count("\n") == 1
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_kill_loses_no_row_that_was_acknowledged(fitted: Path, sales: Path, tmp_path: Path) -> None:
    """Killed after a line of its answer, at each of three places; rows that nobody acknowledged are given again."""
    state, lines = tmp_path / "s.live", jsonl(rows_of(table(70).splitlines()[41:])).splitlines(keepends=True)
    command = [sys.executable, "-m", "gatecast", "watch", fitted, "-", "--history", sales, "--state", state]
    told = list[dict[str, Any]]()
    for most in (4, 9, 2, 99):
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            for _ in range(min(most, len(lines) - len(told))):
                process.stdin.write(lines[len(told)])
                process.stdin.flush()
                told.append(json.loads(process.stdout.readline()))
            if len(told) < len(lines):
                process.stdin.write(lines[len(told)])  # may be known, and saved or not, when the kill comes
                process.stdin.flush()
                process.kill()
            else:
                process.stdin.close()
    assert [row["month"] for row in told] == [json.loads(line)["month"] for line in lines]
    assert {row["row"] for row in told} <= {"new", "known"}
    whole = gc.load(fitted).live(gc.read(sales))
    whole.observe([json.loads(line) for line in lines])
    np.testing.assert_array_equal(gc.load_live(state).forecast().values_NHCQ, whole.forecast().values_NHCQ)


def test_odd_values_stop_no_stream(run: Run, fitted: Path, sales: Path, tmp_path: Path) -> None:
    """Each row is judged by itself, whatever comes with it in a block; what was taken can be saved."""
    odd = [
        '{"month": "2023-05-01", "sales": 1e300}',
        '{"month": "2023-05-01"}',
        '{"month": "2023-05-01", "sales": NaN}',
    ]
    odd += ['{"month": "2023-06-01", "sales": 1e140}', '{"month": "2023-07-01", "sales": 1e39}']
    odd += ['{"month": "2023-04-01", "sales": 7}', '{"month": "2023-08-01", "sales": 150}']
    (tmp_path / "odd.jsonl").write_text("\n".join(odd))
    result = run("watch", fitted, tmp_path / "odd.jsonl", "--history", sales, "--state", tmp_path / "s.live")
    assert (result.code, [json.loads(line)["row"] for line in result.out.splitlines()]) == (
        1,
        ["missing"] + ["new"] * 3,
    )
    told = sorted(result.err.splitlines())
    assert [line.split(":")[1] for line in told] == [" line 1", " line 2", " line 6"]
    assert "1e+300 in column 'sales', row 1 is beyond 1e+150" in told[0]
    assert "no column 'sales'" in told[1]
    assert "pass --revise to replace what is known" in told[2], "in the words of the command line"
    assert gc.load_live(tmp_path / "s.live").forecast().values_NHCQ.shape[0] == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize("history", [True, False])
def test_somebody_at_a_terminal_hears_that_series_begin_with_nothing(
    fitted: Path, sales: Path, tmp_path: Path, history: bool
) -> None:
    import pty

    (tmp_path / "new.jsonl").write_text(jsonl(rows_of(NEW[:1])))
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "gatecast", "watch", fitted, tmp_path / "new.jsonl"]
    subprocess.run(
        [*words, *(["--history", sales] if history else [])], check=True, stdout=subprocess.PIPE, stderr=theirs
    )
    os.write(theirs, b"end\n")
    said = os.read(ours, 10_000).decode()
    os.close(ours)
    os.close(theirs)
    assert ("series begin with nothing" in said) != history


def test_a_broker_that_is_not_there_is_one_line(run: Run, fitted: Path) -> None:
    for words, said in (
        (["mqtt://me:s3cret@127.0.0.1:1/rows"], "no connection: Connection refused"),
        (["mqtt://me:s3cret@127.0.0.1"], "no address of a broker"),
        (["rows.jsonl", "--reply", "answers"], "--reply goes with mqtt://"),
        (["mqtt://127.0.0.1/rows", "--reply", "rows"], "--reply rows cannot be"),
    ):
        result = run("watch", fitted, *words)
        assert (result.code, result.out) == (2, "")
        assert said in result.err
        assert "s3cret" not in result.err


def test_one_process_at_a_time_goes_on_from_a_state(run: Run, fitted: Path, sales: Path, tmp_path: Path) -> None:
    state, new = tmp_path / "sales.live", tmp_path / "new.jsonl"
    new.write_text(jsonl(rows_of(NEW)))
    command = ["watch", str(fitted), "-", "--history", str(sales), "--state", str(state)]
    with subprocess.Popen(
        [sys.executable, "-m", "gatecast", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdin is not None
        assert first.stdout is not None
        first.stdin.write(jsonl(rows_of(NEW[:2])))
        first.stdin.flush()
        assert json.loads(first.stdout.readline())["row"] == "new"
        known = state.read_bytes()
        second = run("watch", fitted, new, "--state", state)
        assert (second.code, second.out) == (2, "")
        assert "used by another process: end that one, or give another --state." in second.err
        assert state.read_bytes() == known
        first.kill()
    after = run("watch", fitted, new, "--state", state)
    assert [json.loads(line)["row"] for line in after.out.splitlines()] == ["known"] * 2 + ["new"] * 4


def test_a_model_and_a_state_that_change_places_are_told_as_such(
    run: Run, fitted: Path, sales: Path, tmp_path: Path
) -> None:
    state, new = tmp_path / "sales.live", tmp_path / "new.jsonl"
    new.write_text(jsonl(rows_of(NEW)))
    as_state = run("watch", fitted, new, "--state", fitted)
    assert as_state.code == 2
    assert "sales.gatecast holds a model, not the state of one. Give another name" in as_state.err
    assert run("watch", fitted, new, "--history", sales, "--state", state).code == 0
    as_model = run("watch", state, new)
    assert as_model.code == 2
    assert "sales.live holds the state of a live model, and gatecast watch takes the model" in as_model.err
    assert "load" not in as_state.err + as_model.err
