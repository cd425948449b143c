"""What long work says on its way, and how it is stopped: by a listener, by signals, from other threads."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gatecast
from gatecast.backtesting.backtest import backtest
from gatecast.errors import ConfigError
from gatecast.forecaster import Forecaster
from gatecast.nn import kernels
from gatecast.progress import (
    SECONDS_BETWEEN,
    Course,
    Listener,
    Silent,
    TerminalLine,
    listening,
    progress_line,
    stopping,
)
from gatecast.regressor import SequenceRegressor
from gatecast.training.config import TrainingConfig

posix = pytest.mark.skipif(os.name != "posix", reason="signals and terminals of POSIX")
needs_kernels = pytest.mark.skipif(kernels.load() is None, reason=f"the extension is not there: {kernels.reason()}")
HOW = "Ctrl-C keeps the best so far"
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(gatecast.__file__).parents[1])}
FOREVER = 10**6
pytestmark = pytest.mark.usefixtures("one_thread")


@dataclass
class Hearing:
    """Notes all that it hears, and may do something at the first sign of a training."""

    stop: threading.Event = field(default_factory=threading.Event)
    heard: list[tuple[str, int, int, dict[str, float]]] = field(default_factory=list)
    ends: int = 0

    def on_progress(self, stage: str, done: int = 0, of: int = 0, figures: Mapping[str, float] | None = None) -> None:
        self.heard.append((stage, done, of, dict(figures or {})))
        if stage.startswith("training") and len(self.heard) == 1:
            self.first()

    def first(self) -> None:
        """Nothing."""

    def end(self) -> None:
        self.ends += 1


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """Every test begins with Python's own handlers, which a shell may have put out of service for work in the
    background, and leaves them as they were.
    """
    outer = handlers()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    before = handlers()
    yield
    assert handlers() == before
    for number, handler in zip((signal.SIGINT, signal.SIGTERM), outer, strict=True):
        signal.signal(number, handler)


def handlers() -> tuple[Any, Any]:
    return signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)


def raised(number: signal.Signals) -> None:
    """A signal, unless it would end the whole run of the tests."""
    assert signal.getsignal(number) is not signal.SIG_DFL
    signal.raise_signal(number)


def table(steps: int = 90) -> pd.DataFrame:
    y = np.sin(0.3 * np.arange(steps)) + 0.1 * np.random.default_rng(0).normal(size=steps)
    return pd.DataFrame({"ds": pd.date_range("2020-01-01", periods=steps), "y": y})


def model(progress: bool | Listener, members: int = 1, epochs: int = 3, **more: Any) -> Forecaster:
    training = TrainingConfig(max_epochs=epochs, steps_per_epoch=2, batch_size=16, **more)
    return Forecaster(2, lookback=8, scaling="standard", members=members, training=training, progress=progress)


# ---------------------------------------------------------------- what a listener hears


@pytest.mark.parametrize("members", [1, 2])
def test_a_listener_hears_every_epoch_of_every_training(members: int) -> None:
    listener = Hearing()
    model(listener, members).fit(table())
    stage = "training · 2 members · epoch" if members > 1 else "training · epoch"
    assert {one[0] for one in listener.heard} == {stage}
    assert all(0 < done <= of == 3 * members for _, done, of, _ in listener.heard)
    first = listener.heard[: 3 * members]
    assert [done for _, done, _, _ in first] == list(range(1, 3 * members + 1))
    assert all(set(figures) == {"loss", "validation"} for *_, figures in first)
    again = listener.heard[3 * members :]
    assert all(set(figures) == {"loss"} for *_, figures in again), "on all data, nothing validates"
    assert all(np.isfinite(list(figures.values())).all() for *_, figures in listener.heard)
    assert listener.ends == 2, "of the two trainings"


def test_a_listener_hears_the_folds_of_a_backtest() -> None:
    listener = Hearing()
    backtest(model(False), table(), origins=3, refit=True, progress=listener)
    stages = [(stage, done, of) for stage, done, of, _ in listener.heard if stage.startswith("backtest")]
    assert stages == [("backtest · fold", n, 3) for n in (1, 2, 3)]
    assert "training · epoch" in {stage for stage, *_ in listener.heard}
    assert all(done <= of for _, done, of, _ in listener.heard)
    assert listener.ends


def test_what_progress_stands_for() -> None:
    own = Hearing()
    assert listening(own) is own
    assert isinstance(listening(False), Silent)
    assert isinstance(listening(True), TerminalLine)
    assert listening(True).stop is not listening(True).stop
    assert model(own).settings.progress is True, "a file holds no listener"


# ---------------------------------------------------------------- stops


@pytest.mark.parametrize("members", [1, 2])
def test_a_stop_from_another_thread_ends_a_fit_soon(members: int) -> None:
    class Stopping(Hearing):
        def first(self) -> None:
            threading.Timer(0.2, self.stop.set).start()

    begun = time.monotonic()
    fitted = model(Stopping(), members, FOREVER, schedule="constant").fit(table())
    assert time.monotonic() - begun < 20
    assert fitted.record_["interrupted"]
    assert np.isfinite(fitted.predict().values).all()
    assert fitted.history_


def test_a_stop_before_the_fit_leaves_a_model_that_forecasts() -> None:
    listener = Silent()
    listener.stop.set()
    fitted = model(listener, epochs=FOREVER).fit(table())
    assert fitted.record_["interrupted"]
    assert np.isfinite(fitted.predict().values).all()


def test_a_stop_while_training_on_newer_data_leaves_the_networks_there_are() -> None:
    listener = Hearing()
    fitted = model(listener, epochs=20).fit(table())
    before = fitted.predict(table()).values_NHCQ
    listener.stop.set()
    assert fitted.refit_on(table(120)).record_["interrupted"]
    assert fitted.predict(table()).values_NHCQ.tobytes() == before.tobytes()
    listener.stop.clear()
    assert not fitted.refit_on(table(120)).record_["interrupted"]
    assert fitted.predict(table()).values_NHCQ.tobytes() != before.tobytes()


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_fit_and_what_was_reached_is_kept(number: signal.Signals) -> None:
    class Signalled(Hearing):
        def first(self) -> None:
            raised(number)

    listener = Signalled()
    fitted = model(listener, epochs=FOREVER).fit(table())
    assert listener.stop.is_set()
    assert fitted.record_["interrupted"]
    assert fitted.fitted_.main.epochs
    assert np.isfinite(fitted.predict().values).all()


@posix
@pytest.mark.parametrize("members", [1, pytest.param(2, marks=needs_kernels)], ids=["one", "side by side"])
def test_a_second_ctrl_c_raises_and_an_earlier_fit_stays_whole(members: int) -> None:
    class Twice(Hearing):
        def first(self) -> None:
            if self.armed:
                os.kill(os.getpid(), signal.SIGINT)
                while not self.stop.is_set():  # two that come at once would count as one
                    time.sleep(0.01)
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.2)  # the main thread sees to it

        armed = False

    listener = Twice()
    import torch

    torch.set_num_threads(members)
    fitted = model(listener, members).fit(table())
    before = fitted.predict(table()).values_NHCQ.tobytes()
    listener.heard, listener.armed = [], True
    fitted.training = TrainingConfig(max_epochs=FOREVER, steps_per_epoch=2, batch_size=16)
    with pytest.raises(KeyboardInterrupt):
        fitted.fit(table())
    assert fitted.predict(table()).values_NHCQ.tobytes() == before
    with pytest.raises(KeyboardInterrupt):
        raised(signal.SIGINT)  # Python's own handler is back


@posix
def test_the_first_signal_sets_the_event_and_the_second_raises() -> None:
    for first, second in ((signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGINT)):
        listener = Silent()
        with stopping(listener):
            raised(first)
            assert listener.stop.is_set()
            with pytest.raises(KeyboardInterrupt):
                raised(second)


@posix
@pytest.mark.parametrize("fails", [False, True])
def test_handlers_are_as_before_afterwards(fails: bool) -> None:
    before = handlers()
    try:
        with stopping(Silent()):
            assert handlers()[0] is handlers()[1]
            assert handlers()[0] not in before
            if fails:
                raise ConfigError("on purpose")
    except ConfigError:
        assert fails
    assert handlers() == before


@posix
def test_a_handler_of_the_caller_stays() -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: seen.append(number))
    try:
        own = handlers()
        listener = Silent()
        with stopping(listener):
            assert handlers()[0] is own[0]
            assert handlers()[1] is not own[1]
            raised(signal.SIGINT)
        assert handlers() == own
        assert seen == [signal.SIGINT]
        assert not listener.stop.is_set()
    finally:
        signal.signal(signal.SIGINT, before)


@posix
def test_the_outer_one_goes_on_inside_another() -> None:
    outer, inner = Silent(), Silent()
    with stopping(outer):
        held = handlers()
        with stopping(inner):
            assert handlers() == held
            raised(signal.SIGTERM)
        assert handlers() == held
    assert (outer.stop.is_set(), inner.stop.is_set()) == (True, False)


def test_a_thread_other_than_main_changes_no_handler() -> None:
    before, found = handlers(), list[Any]()

    def work() -> None:
        with stopping(Silent()):
            found.append(handlers())
        found.append(model(False).fit(table()).record_["interrupted"])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert found == [before, False]


def test_a_stop_keeps_what_a_sequence_regressor_has_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(Hearing):
        def on_progress(self, *said: Any, **more: Any) -> None:
            super().on_progress(*said, **more)
            if len(self.heard) == 30:
                self.stop.set()

    listener = Late()
    monkeypatch.setattr("gatecast.regressor.listening", lambda _: listener)
    train, _ = gatecast.load_example("sin-to-cos").split(fraction=0.5)
    training = TrainingConfig(loss="mse", optimizer="adam", lr=1e-2, max_epochs=300, start="random")
    stopped = SequenceRegressor(training=training).fit(train)
    assert len(stopped.history_) == 30
    mean_error = np.abs(train.series(0)).mean()
    assert np.abs(stopped.predict(train) - train.series(0)).mean() < mean_error / 2, "it has learned something"


# ---------------------------------------------------------------- processes

FIT = """
import sys, numpy as np, gatecast as gc
from gatecast.progress import Silent

class Telling(Silent):
    def on_progress(self, *said, **more):
        if not self.stop.is_set():
            sys.stdout.write("begun\\n")  # in one piece: members tell side by side
            sys.stdout.flush()

train = gc.TrainingConfig(max_epochs=10**6, steps_per_epoch=2)
chosen = {"lookback": 12, "scaling": "difference", "training": train}
model = gc.Forecaster(3, members=int(sys.argv[1]), progress=Telling(), **chosen)
model.fit(gc.load_example("airline"))
print(model.record_["interrupted"], np.isfinite(model.predict().values).all(), flush=True)
"""

ENDLESS = """
import time
from gatecast.progress import Silent, stopping
listener = Silent()
with stopping(listener):
    print("begun", flush=True)
    while True:
        time.sleep(0.05)
        if listener.stop.is_set():
            print("stopping", flush=True)
            time.sleep(30)
"""


@contextmanager
def process(code: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Python at work, once it has said that it begins."""
    command, pipe = [sys.executable, "-c", code, *words], subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=ENVIRONMENT) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == "begun\n"
        yield started


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("members", ["1", "2"])
def test_a_process_that_is_signalled_goes_on_with_what_was_reached(number: signal.Signals, members: str) -> None:
    with process(FIT, members) as started:
        started.send_signal(number)
        out, err = started.communicate(timeout=60)
    assert (started.returncode, out.splitlines()[-1], err) == (0, "True True", "")


@posix
def test_a_second_ctrl_c_ends_a_process() -> None:
    with process(ENDLESS) as started:
        started.send_signal(signal.SIGINT)
        assert started.stdout is not None
        assert started.stdout.readline() == "stopping\n"
        started.send_signal(signal.SIGINT)
        _, err = started.communicate(timeout=60)
    assert started.returncode in (-signal.SIGINT, 130)
    assert "KeyboardInterrupt" in err


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_is_signalled_saves_and_says_so(tmp_path: Path, number: signal.Signals) -> None:
    """At a terminal, whose line says when the training has begun."""
    words = ["fit", "--example", "airline", "--horizon", "3", "--lookback", "12", "--members", "1"]
    words += ["--max-epochs", "1000000", "--steps-per-epoch", "2", "--save", str(tmp_path / "m.gatecast")]
    shown, stderr = os.openpty()
    command = [sys.executable, "-m", "gatecast", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=ENVIRONMENT) as started:
        os.close(stderr)
        assert "training · epoch" in seen_on(shown, "training · epoch")
        started.send_signal(number)
        out, _ = started.communicate(timeout=60)
    os.close(shown)
    assert started.returncode == 128 + number
    assert "interrupted, the best so far is kept" in " ".join(out.split())
    assert gatecast.load(tmp_path / "m.gatecast").record_["interrupted"]


# ---------------------------------------------------------------- the line on a terminal


def seen_on(terminal: int, awaited: str = "", seconds: float = 60.0) -> str:
    """What was written to a terminal, until the awaited words come or nothing more does."""
    text, end = b"", time.monotonic() + seconds
    while time.monotonic() < end and select.select([terminal], [], [], seconds if awaited else 0.2)[0]:
        try:
            text += os.read(terminal, 4096)
        except OSError:  # nobody writes any more
            break
        if awaited and awaited.encode() in text:
            break
    return text.decode()


@contextmanager
def terminal() -> Iterator[int]:
    """A terminal in place of stderr; gives the end that reads."""
    shown, end = os.openpty()
    before = sys.stderr
    with os.fdopen(end, "w", encoding="utf-8") as stream:
        sys.stderr = stream
        try:
            yield shown
        finally:
            sys.stderr = before
            os.close(shown)


def test_nothing_is_written_where_stderr_is_no_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    line = TerminalLine()
    line.on_progress("training · epoch", 1, 9, {"loss": 0.5})
    line.end()
    model(True).fit(table())
    assert capfd.readouterr() == ("", "")


@posix
def test_a_terminal_shows_one_line_that_is_rewritten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    line = TerminalLine()
    with terminal() as shown:
        line.on_progress("training · epoch", 1, 9000, {"loss": 0.123456, "validation": 2})
        assert seen_on(shown) == (f"\r\x1b[2Ktraining · epoch 1 of 9,000 · 0 % · loss 0.1235 · validation 2 · {HOW}")
        line._shown = time.monotonic()  # however long the terminal took
        line.on_progress("training · epoch", 2, 9000)
        assert seen_on(shown) == "", "at most five times a second"
        time.sleep(SECONDS_BETWEEN + 0.05)
        line.on_progress("reading")
        assert seen_on(shown) == f"\r\x1b[2Kreading · {HOW}", "without a number where nobody knows it"
        line.end()
        assert seen_on(shown) == "\r\x1b[2K"


@posix
def test_a_long_line_is_cut_and_what_was_never_shown_needs_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    line = TerminalLine()
    with terminal() as shown:
        line.end()
        assert seen_on(shown) == ""
        line.on_progress("x" * 200)
        assert seen_on(shown) == f"\r\x1b[2K{'x' * 59}"


@posix
def test_a_fit_shows_its_line_at_a_terminal_unless_it_is_to_be_silent() -> None:
    with terminal() as shown:
        model(False).fit(table())
        assert seen_on(shown) == ""
        model(True).fit(table())
        assert "training · epoch" in seen_on(shown)


def test_a_long_run_says_what_is_faster() -> None:
    assert "preset fast" in progress_line("training · epoch", 3, 8, 61.0, {})
    assert "preset fast" not in progress_line("training · epoch", 3, 8, 59.0, {})


def test_many_trainings_are_one_course() -> None:
    heard = Hearing()
    course = Course(heard, "training · 2 candidates · epoch", 5)
    for stage in ("training · epoch", "training · 3 members · epoch") * 3:
        course.on_progress(stage, 7, 9, {"loss": 0.1})
    course.on_progress("training · candidate", 1, 2)
    course.end()
    counts = [(stage, done, of) for stage, done, of, _ in heard.heard]
    assert counts[:6] == [("training · 2 candidates · epoch", min(n, 5), 5) for n in range(1, 7)]
    assert counts[6] == ("training · candidate", 1, 2)
    assert course.stop is heard.stop
    assert not heard.ends, "the others go on"


def test_a_fit_of_several_candidates_knows_its_end() -> None:
    heard = Hearing()
    values = {"ds": np.tile(np.arange(120), 6), "id": np.repeat(np.arange(6), 120)}
    values["y"] = np.random.default_rng(0).normal(size=720).cumsum()
    training = {"max_epochs": 2, "steps_per_epoch": 2}
    Forecaster(4, candidates=2, members=1, training=training, progress=heard).fit(gatecast.read(values))
    stages = {(stage, of) for stage, _, of, _ in heard.heard}
    assert stages == {("training · 2 candidates · epoch", 4 * (3 + 1))}, "two epochs of two, on three folds and on all"
    done = [done for _, done, _, _ in heard.heard]
    assert done == sorted(done)
    assert heard.ends == 1
