"""What holds for every command: -q, --log, options from a file and from the environment."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

import pytest

from gatecast.cli.main import main
from gatecast.cli.session import Log, Logged
from gatecast.progress import Pace, Silent, TerminalLine, listening, progress_line, shown_by

FORECAST = ["forecast", "--example", "airline", "--preset", "instant", "--origins", "1"]


def test_quiet_prints_nothing_and_writes_all(tmp_path, capsys) -> None:
    assert main([*FORECAST, "-q", "--output", str(tmp_path / "f.csv")]) == 0
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "")
    assert (tmp_path / "f.csv").exists()
    assert main(["forecast", "nowhere.csv", "--quiet"]) == 2
    assert "nowhere.csv" in capsys.readouterr().err
    assert main([*FORECAST, "-q", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["exit_code"] == 0


def test_a_log_has_a_line_for_each_step_and_no_path(tmp_path, capsys) -> None:
    path = tmp_path / "run.jsonl"
    words = ["fit", "--example", "airline", "--horizon", "3", "--candidates", "1", "--max-epochs", "2"]
    assert main([*words, "--save", str(tmp_path / "secret.gatecast"), f"--log={path}"]) == 0
    assert main(["forecast", str(tmp_path / "secret.csv"), "--log", str(path)]) == 2
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["event"] for line in lines if line["event"] != "progress"] == ["begin", "end", "begin", "end"]
    assert [line["exit_code"] for line in lines if line["event"] == "end"] == [0, 2]
    progress = [line for line in lines if line["event"] == "progress"]
    assert progress
    assert {"stage", "done", "of", "figures", "time", "seconds"} < set(progress[0])
    assert "secret" not in path.read_text()


def test_a_log_that_cannot_be_written_is_said(tmp_path, capsys) -> None:
    assert main([*FORECAST, "--log", str(tmp_path / "no" / "run.jsonl")]) == 2
    assert "--log run.jsonl cannot be written" in capsys.readouterr().err
    assert main([*FORECAST, "--log"]) == 2
    assert "--log needs a file" in capsys.readouterr().err


def test_a_logged_listener_can_be_stopped() -> None:
    shown = Silent()
    logged = Logged(Log(), shown)
    logged.stop.set()
    assert shown.stop.is_set()


def horizon_of(words: list[str], capsys) -> int:
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)["model"]["horizon"]


def test_what_is_typed_wins_over_environment_over_file(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gatecast.toml").write_text("[forecast]\nhorizon = 5\n[fit]\nhorizon = 9\n")
    assert horizon_of(FORECAST, capsys) == 5
    monkeypatch.setenv("GATECAST_FORECAST_HORIZON", "4")
    assert horizon_of(FORECAST, capsys) == 4
    assert horizon_of([*FORECAST, "--horizon", "3"], capsys) == 3


def test_options_from_elsewhere_are_named(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gatecast.toml").write_text("[forecast]\nhorizon = 5\n")
    assert main(FORECAST) == 0
    told = capsys.readouterr()
    assert "options from gatecast.toml: --horizon" in told.err
    assert "--horizon 5" in told.out  # in the command to run next


@pytest.mark.parametrize(
    ("text", "told"),
    [("[forecast]\nhorizn = 5\n", "horizn"), ("[forecast\n", "gatecast.toml cannot be read"),
     ("[forecast]\nhorizon = 'x'\n", "whole number")],
)  # fmt: skip
def test_a_file_that_is_wrong_is_one_line(tmp_path, capsys, monkeypatch, text: str, told: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gatecast.toml").write_text(text)
    assert main(FORECAST) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error:")
    assert told in error


def test_variables_that_mean_something_else_are_no_options(capsys, monkeypatch) -> None:
    monkeypatch.setenv("GATECAST_DATA", "/nowhere")
    assert main(FORECAST) == 0
    assert "options from" not in capsys.readouterr().err


# ---------------------------------------------------------------- the progress line


def test_seconds_left_come_from_the_stage_itself() -> None:
    pace = Pace()
    assert pace.left("a", 1, 10, 100.0) is None
    assert pace.left("a", 2, 10, 100.5) is None
    assert pace.left("a", 5, 10, 104.0) == pytest.approx(5.0)
    assert pace.left("b", 1, 10, 105.0) is None  # another stage has a pace of its own
    assert pace.left("b", 1, 0, 109.0) is None


def test_the_line_says_how_to_stop_and_that_it_stops() -> None:
    assert progress_line("fold", 3, 0, None, None) == "fold · Ctrl-C keeps the best so far"
    assert "3 min left" in progress_line("fold", 3, 8, 170.0, {})
    assert "stopping after this step" in progress_line("fold", 3, 8, 170.0, {}, stopping=True)


def test_progress_may_be_shown_by_another_listener() -> None:
    made: list[Silent] = []

    def make() -> Silent:
        made.append(Silent(threading.Event()))
        return made[-1]

    with shown_by(make):
        assert listening(True) is made[0]
        assert isinstance(listening(False), Silent)
    assert isinstance(listening(True), TerminalLine)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_complete_commands_and_options(capsys, shell: str) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "backtest" in script
    assert "fail-unless" in script


def test_a_program_that_has_loaded_pydantic_can_run_a_command() -> None:
    """It checks the defaults of all options then, and one of them stands for "not given"."""
    pytest.importorskip("pydantic", reason="pydantic is not installed")
    program = "import pydantic; from gatecast.cli.main import app; print(app.parse_args(%r)[1].arguments['model'].seed)"
    words = ["fit", "x.csv", "--horizon", "3", "--save", "y", "--seed", "4"]
    done = subprocess.run([sys.executable, "-c", program % words], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "4", done.stderr
