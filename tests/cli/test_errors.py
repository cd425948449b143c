"""Errors: their parts, their words on each surface, and their remedies as data."""

from __future__ import annotations

import ast
import copy
import json
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import gatecast as gc
from gatecast.cli.main import app
from gatecast.cli.printing import WITHOUT_OPTION, options, worded
from gatecast.errors import (
    Argument,
    Code,
    ConfigError,
    GatecastError,
    InputError,
    PanelError,
    Part,
    Setting,
    WindowError,
    joined,
)
from gatecast.forecasts.axes import Axes

SOURCE = Path(gc.__file__).parent
# What a loop names, in place of a constant: of a configuration all fields may come up.
NAMED_IN_LOOPS = {
    "model/config.py": ("network", [field.name for field in fields(gc.LSTMConfig)]),
    "training/config.py": ("training", [field.name for field in fields(gc.TrainingConfig)]),
    "planning/settings.py": ("forecaster", ["horizon", "lookback", "members", "candidates"]),
    "data/tables/shapes/queries.py": ("read", ["skip", "header", "sheet"]),
}

# a part, in Python, on the command line
WORDS: list[tuple[Part, str, str]] = [
    (Setting("target", of="read"), "target=", "--target"),
    (Setting("gaps", "missing", of="read"), "gaps='missing'", "--gaps missing"),
    (Setting("wide", True, of="read"), "wide=True", "--wide"),
    (Setting("day_first", False, of="read"), "day_first=False", "--no-day-first"),
    (Setting("calendar", False, of="forecaster"), "calendar=False", "--no-calendar"),
    (Setting("recursive", False, of="forecaster"), "recursive=False", "no --recursive"),
    (Setting("members", 3, of="forecaster"), "members=3", "--members 3"),
    (Setting("quantiles", (0.1, 0.5, 0.9), of="forecaster"), "quantiles=(0.1, 0.5, 0.9)", "--quantiles 0.1,0.5,0.9"),
    (Setting("quantiles", ..., of="forecaster"), "quantiles=...", "--quantiles"),
    (
        Setting("rivals", ("auto_ets", "auto_arima"), of="backtest"),
        "rivals=('auto_ets', 'auto_arima')",
        "--rivals auto_ets,auto_arima",
    ),
    (Setting("past", ("a", "b"), of="read"), "past=('a', 'b')", "--past a --past b"),
    (Setting("future", of="read"), "future=", "--future-columns"),
    (Setting("future", of="predict"), "future=", "--future"),
    (Setting("clip", None, of="training"), "clip=None", "--clip none"),
    (Setting("lr", 0.003, of="training"), "lr=0.003", "--lr 0.003"),
    (Setting("validation", 0, of="training"), "validation=0", "--validation 0"),
    (Setting("lookback", 12, of="forecaster", relation="<="), "lookback <= 12", "--lookback <= 12"),
    (Setting("time_limit", of="tune"), "time_limit=", "--time-limit"),
    (Argument("time_limit", of="forecaster"), "time_limit", "--time-limit"),
    (Setting("processes", 1, of="rivals"), "processes=1", ""),
    (Setting("unheard_of", 1, of="nobody"), "unheard_of=1", "unheard_of=1"),
    (Code("predict()", "the forecast"), "predict()", "the forecast"),
    (Code("evaluate()"), "evaluate()", ""),
    (("a ", (Setting("gaps", of="read"), ".")), "a gaps=.", "a --gaps."),
    (ConfigError("b ", Setting("gaps", of="read")), "b gaps=", "b --gaps"),
    ("plain target= text", "plain target= text", "plain target= text"),
]


@pytest.mark.parametrize(("part", "python", "option"), WORDS, ids=[python for _, python, _ in WORDS])
def test_words_of_each_surface(part: Part, python: str, option: str) -> None:
    error = PanelError("Pass ", part, ".")
    assert str(error) == f"Pass {python}."
    assert worded(error) == f"Pass {option}."


def test_remedies_are_plain_data() -> None:
    error = WindowError(
        Argument("lookback", of="forecaster"),
        " is long. Use ",
        joined(
            " or ",
            [
                Setting("lookback", 5, of="forecaster", relation="<="),
                (Setting("quantiles", (0.1, 0.5), of="forecaster"), ConfigError(Setting("target", of="read"))),
            ],
        ),
        Code("panel.drop_short()"),
    )
    remedies = [
        {"setting": "lookback", "of": "forecaster", "value": 5, "relation": "<="},
        {"setting": "quantiles", "of": "forecaster", "value": [0.1, 0.5]},
        {"setting": "target", "of": "read"},
    ]
    assert error.remedies == remedies
    assert json.loads(json.dumps(error.to_dict())) == {
        "kind": "WindowError",
        "message": str(error),
        "remedies": remedies,
    }


def test_an_error_of_one_text_is_as_before() -> None:
    error = InputError("no.")
    assert (str(error), error.args, error.remedies) == ("no.", ("no.",), [])
    assert isinstance(error, ValueError)
    assert str(copy.copy(PanelError("a ", Setting("gaps", of="read")))) == "a gaps="


# ---------------------------------------------------------------- every setting that a message names


def _named() -> Iterator[tuple[str, str, str]]:
    """File, owner and name of every setting and argument in the source."""
    for path in sorted(SOURCE.rglob("*.py")):
        where = path.relative_to(SOURCE).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Setting", "Argument"):
                of = next(ast.literal_eval(word.value) for word in node.keywords if word.arg == "of")
                if isinstance(node.args[0], ast.Constant):
                    yield where, of, ast.literal_eval(node.args[0])
                    continue
                owner, names = NAMED_IN_LOOPS[where]
                assert of == owner
                yield from ((where, of, name) for name in names)


NAMED = sorted({(of, name) for _, of, name in _named()} - {("network", "bidirectional"), ("training", "seed")})


def test_there_are_settings_to_check() -> None:
    assert len(NAMED) > 40
    assert {"read", "forecaster", "predict", "network", "training", "tune"} <= {of for of, _ in NAMED}


@pytest.mark.parametrize(("of", "name"), NAMED, ids=[f"{of}.{name}" for of, name in NAMED])
def test_every_setting_is_an_option_or_known_to_have_none(of: str, name: str) -> None:
    known = options().get((of, name))
    assert (known is None) == ((of, name) in WITHOUT_OPTION)
    if known is not None:
        assert known.typed in _all_options()


@pytest.mark.parametrize("key", options(), ids=".".join)
def test_every_option_exists(key: tuple[str, str]) -> None:
    assert options()[key].typed in _all_options()


@cache
def _all_options() -> set[str]:
    commands = [command for name in app if not name.startswith("-") for command in [app[name]]]
    return {
        option
        for command in commands
        for argument in command.assemble_argument_collection()
        for option in argument.names
    }


def test_no_text_names_an_argument_as_python() -> None:
    """``target=`` in plain text would reach the command line as it is."""
    named = {f"{name}=" for _, name in options()}
    for path in sorted(SOURCE.rglob("*.py")):
        to_copy = path.match("serving/jobs/tables.py")  # Python to run again
        if path.parent.name in ("cli", "report") or path.name == "symptoms.py" or to_copy:  # no error comes from there
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documented = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
                assert not [name for name in named if name in node.value], f"{path}, line {node.lineno}"


# ---------------------------------------------------------------- what was worded wrongly


def test_a_static_covariate_that_changes(run, tmp_path: Path) -> None:
    rows = "".join(f"2021-01-{d:02},{d},{d % 2}\n" for d in range(1, 29))
    (tmp_path / "shops.csv").write_text("day,sales,promo\n" + rows)
    shown = run("forecast", "shops.csv", "--target", "sales", "--static", "promo", "--horizon", 2)
    assert shown.code == 2
    assert "pass it as --past or --future-columns." in shown.err


def test_a_level_that_was_not_trained() -> None:
    origins, step = np.array([3]), gc.Frequency("step", 1)
    forecast = gc.Forecast(np.zeros((1, 2, 1, 1)), (0.5,), Axes(("a",), ("y",), origins, 2, step))
    with pytest.raises(GatecastError, match=r"Train with Forecaster\(quantiles=\.\.\.\) that contains it\.") as caught:
        forecast.quantile(0.3)
    assert worded(caught.value).endswith("Train with --quantiles that contains it.")


def test_several_problems_keep_their_remedies(run, tmp_path: Path) -> None:
    days = ("2021-01-01", "2021-01-01", "2021-01-02", "2021-01-03", "2021-01-07", "2021-01-08", "2021-01-09")
    (tmp_path / "bad.csv").write_text("day,y\n" + "".join(f"{day},{n}\n" for n, day in enumerate(days)))
    shown = run("forecast", "bad.csv", "--horizon", 2)
    assert "with --resample sum. Also: " in shown.err
    assert "pass --gaps missing to fill" in shown.err
    with pytest.raises(PanelError, match="Also: ") as caught:
        gc.read(tmp_path / "bad.csv")
    assert [remedy["setting"] for remedy in caught.value.remedies] == ["resample", "gaps"]


def test_a_problem_found_after_others_keeps_its_remedies(run, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("day,y\n2021-01-01,many\n")
    shown = run("forecast", "bad.csv", "--target", "y", "--horizon", 2)
    assert "'many' in column 'y'" in shown.err
    assert "Also: no series has two different times, so the frequency is unknown. Pass --frequency, e.g." in shown.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--time-limit", "0"), "--time-limit must be above 0 seconds"),
        (("--hidden-size", "0", "--skip", "-1"), "--hidden-size = 0 (at least 1), --skip = -1 (at least 0)"),
        (("--plateau-factor", "2"), "--plateau-factor = 2.0 (between 0 and 1)"),
        (("--lookback", "20"), "--lookback <= 18 or more history"),
    ],
)
def test_settings_out_of_range_are_named_as_options(run, tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    (tmp_path / "a.csv").write_text("day,y\n" + "".join(f"2021-01-{d:02},{d}\n" for d in range(1, 22)))
    shown = run("fit", "a.csv", "--horizon", 3, "--save", "a.gatecast", *words)
    assert shown.code == 2
    assert told in shown.err
