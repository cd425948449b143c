"""The command ``gatecast``: its commands, and what becomes of errors."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Parameter

import gatecast
from gatecast.cli.files import PIPE
from gatecast.cli.printing import (
    READER_LEFT,
    complain,
    keep_quiet,
    note_command,
    show_what_can_be_shown,
    silence_stdout,
    worded,
)
from gatecast.cli.session import EVERY_COMMAND, options_from_elsewhere, session_of
from gatecast.data.tables.databases.address import without_passwords
from gatecast.errors import GatecastError

__all__ = ["EXAMPLES", "app", "main"]

WRONG_INPUT, INTERRUPTED = 2, 130
ALLOCATIONS = 50_000  # between two searches for garbage

app = App(
    name="gatecast",
    help="Honest time-series forecasts with LSTMs: a table in, a forecast out, the naive ones beside it.",
    version=f"gatecast {gatecast.__version__}",
    version_flags=["--version", "-V"],
    help_format="plaintext",  # a reader of Markdown would take as long to load as all the rest
    default_parameter=Parameter(show_default=False),
    result_action="return_value",
    suppress_keyboard_interrupt=False,
    config=options_from_elsewhere,
    help_epilogue=EVERY_COMMAND,
)
_FIT = "What is not given is chosen from the data. More options, of network and training: gatecast fit --help."
_COMMANDS = {
    "forecast": f"Forecast a table, and say how far the forecast can be trusted.\n\n{_FIT}",
    "fit": "Train on a table and save the model.\n\nWhat is not given is chosen from the data, or has its default.",
    "predict": "Forecast what follows a table with a saved model.",
    "watch": "Follow rows as they come with a saved model: forecasts, errors and anomaly scores, a line for each.",
    "check": "Say whether a saved model is still what it was: age, error, coverage, drift. Exit code 3 if not.",
    "update": "Train a saved model further with newer rows, and keep that only if it forecasts the newest ones better.",
    "evaluate": "Score on held-out data, beside the naive forecasts.\n\nWith --model, a saved model is scored as it "
    f"is, on data that it has not seen. {_FIT}",
    "backtest": f"What the forecasts would have been: rolling origins, beside naive ones and rivals.\n\n{_FIT}",
    "tune": f"Search for better settings, and say whether they are.\n\n{_FIT}",
    "demo": "Run one of the five reference systems.",
    "look": "Say what is read of a table, column by column, what is odd, and what to run next.",
    "serve": "Forecast over HTTP, follow rows, and train in the background, until Ctrl-C.",
    "export": "Write a saved model as an ONNX graph, which runs without Gatecast.",
    "info": "Versions, devices, and what a model file holds.",
    "completion": "Print the script that lets a shell complete commands and options.",
}
# Three of each, at the end of its help.
EXAMPLES = {
    "forecast": (
        "gatecast forecast sales.csv --target units --horizon 14",
        "gatecast forecast sales.csv --series store --output forecast.csv",
        "gatecast forecast sales.csv --preset instant --fail-unless better",
    ),
    "fit": (
        "gatecast fit sales.csv --horizon 14 --save sales.gatecast",
        "gatecast fit sales.csv --future-columns promo --save sales.gatecast",
        "gatecast fit sales.csv --time-limit 60 --seed 7 --save sales.gatecast",
    ),
    "predict": (
        "gatecast predict sales.gatecast newer.csv",
        "gatecast predict sales.gatecast newer.csv --output forecast.xlsx",
        "gatecast predict sales.gatecast newer.csv --json",
    ),
    "check": (
        "gatecast check sales.gatecast newer.csv",
        "gatecast check sales.gatecast newer.csv --json",
        "tail -n +2 newer.csv | cat old.csv - | gatecast check sales.gatecast -",
    ),
    "update": (
        "gatecast update sales.gatecast newer.csv",
        "gatecast update sales.gatecast newer.csv --save sales.gatecast",
        "gatecast update sales.gatecast newer.csv --time-limit 60 --json",
    ),
    "evaluate": (
        "gatecast evaluate sales.csv --horizon 14 --origins 6",
        "gatecast evaluate newer.csv --model sales.gatecast",
        "gatecast evaluate sales.csv --horizon 14 --fail-unless better --json",
    ),
    "backtest": (
        "gatecast backtest sales.csv --horizon 14 --report sales.html",
        "gatecast backtest sales.csv --horizon 14 --origins 12 --refit 4",
        "gatecast backtest sales.csv --horizon 14 --preset instant --rivals none",
    ),
    "tune": (
        "gatecast tune sales.csv --horizon 14 --time-limit 600",
        "gatecast tune sales.csv --horizon 14 --trials 30 --checkpoint tuning",
        "gatecast tune sales.csv --horizon 14 --save sales.gatecast",
    ),
    "demo": ("gatecast demo airline", "gatecast demo airline --as-published", "gatecast demo sine --plot pictures"),
    "look": ("gatecast look sales.csv", "gatecast look sales.xlsx --header 3", "cat sales.csv | gatecast look -"),
    "watch": (
        "gatecast watch sales.gatecast new.jsonl",
        "cat rows.jsonl | gatecast watch sales.gatecast - --state sales.live",
        "gatecast watch sales.gatecast mqtt://broker/rows --reply answers",
    ),
    "serve": (
        "gatecast serve sales.gatecast",
        "gatecast serve sales.gatecast --store postgresql://gatecast@localhost/gatecast",
        "gatecast serve --host 0.0.0.0 --token-file tokens.txt",
    ),
    "export": (
        "gatecast export sales.gatecast sales.onnx",
        "gatecast export sales.gatecast sales.onnx --part networks",
        "gatecast export sales.gatecast sales.onnx --json",
    ),
    "completion": (
        "gatecast completion bash > ~/.local/share/bash-completion/completions/gatecast",
        "gatecast completion zsh > ~/.zfunc/_gatecast",
        "gatecast completion fish > ~/.config/fish/completions/gatecast.fish",
    ),
    "info": ("gatecast info", "gatecast info sales.gatecast", "gatecast info sales.gatecast --json"),
}
_OF_MODELS = ("check", "export", "info", "predict", "serve", "update", "watch")
for _place, (_name, _help) in enumerate(_COMMANDS.items()):
    _shown = "Examples:\n" + "".join(f"  {line}\n" for line in EXAMPLES[_name])
    _path = f"gatecast.cli.{'models.' if _name in _OF_MODELS else ''}{_name}:{_name}"
    app.command(_path, name=_name, help=_help, sort_key=_place, help_epilogue=_shown)


def _with_pipe(words: list[str]) -> list[str]:
    """A lone dash is the table that comes through a pipe, unless it is the value of an option.

    >>> _with_pipe(["look", "-", "--na", "-"])
    ['look', 'stdin:', '--na', '-']
    """
    before = ["", *words[:-1]]
    return [PIPE if w == "-" and not b.startswith("-") else w for b, w in zip(before, words, strict=False)]


def _asked_for_help(words: list[str]) -> list[str]:
    """``gatecast help COMMAND`` is ``gatecast COMMAND --help``.

    >>> _asked_for_help(["help", "fit"]), _asked_for_help(["fit", "help"])
    (['fit', '--help'], ['fit', 'help'])
    """
    return [*words[1:], "--help"] if words[:1] == ["help"] else words


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: words after ``gatecast``; None = those of the process.

    Returns:
        The exit code: 0; 2 for what the user can put right; 3 for a verdict that is not the one asked for; 130 after
        Ctrl-C, 143 after SIGTERM; 141 where the reader of the output has gone.
    """
    typed = list(sys.argv[1:] if argv is None else argv)
    if argv is None:
        _look_for_garbage_seldom()
    note_command(typed)
    show_what_can_be_shown()
    try:
        session, left = session_of(typed)
    except GatecastError as error:
        return _failed(error, typed)
    words = _with_pipe(_asked_for_help(left))
    keep_quiet(session.quiet)
    try:
        with session.running(words[0] if words else "") as log:
            code = _run(words)
            log.write("end", exit_code=code)
    except GatecastError as error:  # the log cannot be written
        return _failed(error, words)
    return code


def _look_for_garbage_seldom() -> None:
    """Python would look through torch's modules, which stay, ten times as they load, and again as the process ends.

    These searches take 0.1 s and 0.25 s, a fifth of a short command.
    """
    gc.set_threshold(ALLOCATIONS)
    atexit.register(gc.freeze)


def _run(words: list[str]) -> int:
    """Run one command, and say what went wrong."""
    try:
        code = app(words, exit_on_error=False, print_error=False)
        sys.stdout.flush()
    except BrokenPipeError:
        silence_stdout()
        return READER_LEFT
    except (CycloptsError, GatecastError, OSError, MemoryError, KeyboardInterrupt) as error:
        return _failed(error, words)
    return code if isinstance(code, int) else 0


def _failed(error: BaseException, words: Sequence[str]) -> int:
    """Say in one line what went wrong, as JSON too where that was asked for; the exit code."""
    message = _message(error)
    code = INTERRUPTED if isinstance(error, KeyboardInterrupt) else WRONG_INPUT
    complain(message)
    if "--json" in words:
        from gatecast.cli.results.objects import envelope, write_json

        facts = error.to_dict() if isinstance(error, GatecastError) else {"kind": _kind(error), "remedies": []}
        write_json(envelope({"command": words[0]}, code, {**facts, "message": without_passwords(message)}))
    return code


def _message(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted before there was anything to show."
    if isinstance(error, MemoryError):
        return "there is not enough memory for this. Use a shorter horizon or lookback, or fewer series."
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'} cannot be used: {error.strerror or error}."
    return worded(error) if isinstance(error, Exception) else str(error)


def _kind(error: BaseException) -> str:
    """The name of the error for programs: those of the command line's parser are one kind."""
    return "UsageError" if isinstance(error, CycloptsError) else type(error).__name__
