"""Parquet files that are larger than memory, on the command line: scanned once, read a shard at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatecast.cli.building import read_options, roles_of
from gatecast.cli.models.groups import columns_of, loaded
from gatecast.cli.options import DataOptions, given
from gatecast.cli.printing import Screen
from gatecast.cli.results.verdicts import exit_code
from gatecast.errors import ConfigError

if TYPE_CHECKING:
    from gatecast.data.panel import Panel
    from gatecast.data.scan.source import PanelSource
    from gatecast.evaluation.streamed import StreamedScores
    from gatecast.forecaster import Forecaster
    from gatecast.scale.models import Model

__all__ = ["NO_CHART", "backtest_shards", "evaluate_shards", "predict_into", "sample_of"]

SCANNED = ("series", "time", "target", "past", "future", "static", "frequency")  # arguments of read, and of scan
KNOWN = ("series", "time", "target", "past", "static", "frequency", "gaps", "future_columns")
NO_CHART = "is for tables that are read whole, not for --memory-limit"
WHERE = ("engine", "workers", "address")


def predict_into(screen: Screen, path: Path, file: str | None, data: DataOptions, running: Any, output: str) -> int:
    """Forecast all series of a source into a folder."""
    model = loaded(path, given(running))
    source = _source(file, data, columns_of(model))
    screen.wrapped(source.describe())
    made = model.predict(source, output=output)
    screen.labelled("forecast", f"{made.forecast:,} of {made.series:,} series, {made.rows:,} rows")
    if made.problems:
        screen.labelled("problems", f"{made.problems:,} series: {made.path}/problems")
    screen.note(f"written: {output}")
    counts = {name: getattr(made, name) for name in ("series", "forecast", "problems", "rows")}
    screen.result = {"command": "predict", "model": str(path), **counts, "files": [output]}
    return screen.finish()


def sample_of(
    screen: Screen, file: str | None, data: DataOptions, limit: str, arguments: dict[str, Any], per: str | None = None
) -> Panel:
    """The sample of a source that a fit is to see; where there is a model for each group, one of every group."""
    from gatecast.data.scan.sample import sampled

    source = _source(file, data)
    screen.wrapped(source.describe())
    if per is not None:
        from gatecast.forecaster import Forecaster
        from gatecast.groups.training import sampled_groups

        panel, samples = sampled_groups(source, per, Forecaster(**{"horizon": 1, **arguments}), limit)
        for name, sample in samples.items():
            screen.labelled("sample", f"{name}: {sample.describe()}")
        return panel
    chosen, sample = sampled(source, limit, arguments.get("seed", 0), arguments.get("horizon", 1) + 2)
    screen.labelled("sample", sample.describe())
    return source.panel_of(chosen)


def evaluate_shards(
    screen: Screen,
    file: str | None,
    data: DataOptions,
    arguments: dict[str, Any],
    path: Path | None,
    origins: int | None,
    stride: int | None,
    limit: str,
    fail_unless: Any,
) -> int:
    """Score all series of a source; a model that is not given is trained on a sample before the first origin."""
    from gatecast.backtesting.assess import evaluate

    if path is None:
        source = _source(file, data)
        screen.wrapped(source.describe())
        model: Model = _trained(source, arguments, origins or 1, stride, limit)
        screen.labelled("sample", model.sample_.describe())
    else:
        model = loaded(path, {name: arguments[name] for name in WHERE if name in arguments})
        source = _source(file, data, columns_of(model))
        screen.wrapped(source.describe())
    made = evaluate(model, source, origins=origins, stride=stride)
    _show(screen, str(made), made)
    screen.result = {"command": "evaluate", "evaluation": made.to_dict()}
    return screen.finish(exit_code(False, made.outcome, fail_unless))


def _trained(
    source: PanelSource, arguments: dict[str, Any], origins: int, stride: int | None, limit: str
) -> Forecaster:
    """A model that was trained on a sample of what lies before the first origin."""
    made = _new(arguments)
    return made.fit(source, memory_limit=limit, held_back=made.horizon + (origins - 1) * (stride or made.horizon))


def backtest_shards(
    screen: Screen,
    file: str | None,
    data: DataOptions,
    arguments: dict[str, Any],
    rolling: Any,
    checkpoint: Path | None,
    limit: str,
    fail_unless: Any,
) -> int:
    """Backtest on all series of a source; the models of the folds are trained on a sample."""
    from gatecast.backtesting.backtest import backtest

    if rolling.adaptive or rolling.rivals not in ("auto", "none"):
        raise ConfigError("--adaptive and --rivals are for tables that are read whole. Leave out --memory-limit.")
    source = _source(file, data)
    screen.wrapped(source.describe())
    how = {name: getattr(rolling, name) for name in ("stride", "window", "warm", "season")}
    origins = {} if rolling.origins is None else {"origins": rolling.origins}
    made = backtest(
        _new(arguments), source, refit=rolling.refit or False, checkpoint=checkpoint, memory_limit=limit, **how,
        **origins,
    )  # fmt: skip
    _show(screen, str(made), made.scores)
    screen.result = {"command": "backtest", "evaluation": made.to_dict()}
    return screen.finish(exit_code(False, made.scores.outcome, fail_unless))


def _new(arguments: dict[str, Any]) -> Forecaster:
    """A forecaster that is to be trained on a source."""
    from gatecast.forecaster import Forecaster

    if "horizon" not in arguments:
        raise ConfigError("the horizon of a source is not guessed: give --horizon.")
    return Forecaster(**arguments)


def _show(screen: Screen, text: str, scores: StreamedScores) -> None:
    """The scores, and how many series have none."""
    for line in text.splitlines():
        screen.line(line)
    if scores.problems:
        name, _, reason = scores.problems[0]
        screen.labelled("left out", f"{len(scores.problems):,} series, such as {name}: {reason}")


def _source(file: str | None, data: DataOptions, model: Forecaster | None = None) -> PanelSource:
    """The source of a pattern, a folder or a file, with the columns of a model if one is given."""
    from gatecast.data.scan.source import files_of, scan

    if file is None:
        raise ConfigError("give Parquet files: a folder, or a pattern in quotes such as 'sales/*.parquet'.")
    odd = [name for name, value in vars(data).items() if name not in KNOWN and value != getattr(DataOptions(), name)]
    if odd:
        raise ConfigError(
            f"--{odd[0].replace('_', '-')} is for tables that are read whole, not for Parquet a shard at a time."
        )
    asked = {name: value for name, value in read_options(data).items() if name in SCANNED}
    if model is not None:
        import polars as pl

        names = pl.scan_parquet(files_of(file)[0]).collect_schema().names()
        asked = {name: value for name, value in roles_of(model, asked, names).items() if name in asked}
        asked["frequency"] = asked["frequency"] if isinstance(asked["frequency"], str) else asked["frequency"].to_text()
    return scan(file, gaps=data.gaps, **asked)
