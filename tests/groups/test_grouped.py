"""One model for each group: which group a series is in, the same as models apart, one file, clear refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.engines.engines import QUICK, SOME

import gatecast as gc
from gatecast.errors import ConfigError, ModelFileError, PanelError, WindowError
from gatecast.groups.column import groups_of
from gatecast.serving.models.served import opened
from gatecast.storage.files import describe_file

H, T = 3, 40
KEYS = [("south", 1), ("north", 1), ("south", 2), ("north", 2)]


def table(keys: list[tuple[str, int]] = KEYS, steps: int = T) -> pl.DataFrame:
    random = np.random.default_rng(3)
    days = np.datetime64("2024-01-01") + np.arange(steps)
    return pl.concat([
        pl.DataFrame({"region": region, "item": item, "day": days, "sales": random.normal(50 + item, 5, steps)})
        for region, item in keys
    ])  # fmt: skip


def read(frame: pl.DataFrame | None = None) -> gc.Panel:
    return gc.read(table() if frame is None else frame, series=["region", "item"], time="day", target="sales")


def model(groups: str = "region", **more: Any) -> gc.GroupedForecaster:
    return gc.GroupedForecaster(gc.Forecaster(H, **{**QUICK, **more}), groups)


@pytest.fixture(scope="module")
def fitted() -> gc.GroupedForecaster:
    return model().fit(read(), origins=1)


@pytest.fixture
def saved(fitted: gc.GroupedForecaster, tmp_path: Path) -> Path:
    fitted.save(tmp_path / "m.gatecast")
    return tmp_path / "m.gatecast"


# ---------------------------------------------------------------- which group


def test_a_key_column_a_static_covariate_and_the_series_themselves_make_groups() -> None:
    assert groups_of(read(), "region") == ["south", "north", "south", "north"]
    assert groups_of(read(), "item") == ["1", "1", "2", "2"]
    named = table().with_columns(pl.format("{}/{}", "region", "item").alias("shop"))
    panel = gc.read(named, series="shop", time="day", target="sales", static=["region", "item"])
    assert groups_of(panel, "region") == ["south", "north", "south", "north"]
    assert groups_of(panel, "item") == ["1", "1", "2", "2"]
    assert groups_of(panel, "shop") == list(panel.ids)


def test_a_column_that_is_not_of_whole_series_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"'regoin' is no column .*did you mean 'region'.* There are region, item"):
        model("regoin").fit(read())
    with pytest.raises(ConfigError, match="'sales' is no column that says something of whole series"):
        model("sales").fit(read())


# ---------------------------------------------------------------- fit, predict, evaluate


def test_it_forecasts_as_the_models_of_the_groups_would_apart(fitted: gc.GroupedForecaster) -> None:
    panel, made = read(), fitted.predict()
    assert list(fitted.parts_) == ["north", "south"]
    assert made.ids == panel.ids
    for _, rows in (("north", [1, 3]), ("south", [0, 2])):
        apart = gc.Forecaster(H, **QUICK)
        before = panel.select(rows)
        gc.evaluate(apart, before, origins=1)
        expected = apart.refit_on(before).predict()
        np.testing.assert_array_equal(made.values_NHCQ[rows], expected.values_NHCQ)


def test_every_group_has_a_verdict_unless_none_is_asked_for(fitted: gc.GroupedForecaster) -> None:
    for part in fitted.parts_.values():
        assert part.judgement is not None
        assert "over 1 origin of 3 days in 2 series" in part.verdict
    assert "2 groups: 2 undecided" in repr(fitted)
    without = model().fit(read(), origins=0)
    assert [part.outcome for part in without.parts_.values()] == ["none", "none"]
    assert "nothing was held out" in without.parts_["north"].verdict


def test_scores_are_those_of_the_groups_and_of_all_windows(fitted: gc.GroupedForecaster) -> None:
    panel, fresh = read(), model()
    scores = gc.evaluate(fresh, panel, origins=2, season=1)
    assert list(scores.groups) == ["north", "south"]
    windows = sum(len(one.series_B) for one in scores.groups.values())
    assert (scores.total.series, scores.total.windows) == (4, windows)
    mae = np.mean([one.scores.table["lstm"]["mae"] for one in scores.groups.values()])  # of as many points each
    assert scores.total.table["lstm"]["mae"] == pytest.approx(mae)
    assert "north" in str(scores)
    assert scores.verdict in str(scores)
    assert set(json.loads(json.dumps(scores.to_dict(), default=str))) == {"groups", "total"}
    with pytest.raises(ConfigError, match="trained on"):
        gc.evaluate(fitted, panel)


@pytest.mark.parametrize(("engine", "workers"), SOME)
def test_every_engine_gives_the_same_bytes(saved: Path, tmp_path: Path, engine: str, workers: int) -> None:
    model(engine=engine, workers=workers).fit(read(), origins=1).save(tmp_path / "other")
    assert (tmp_path / "other").read_bytes() == saved.read_bytes()


def test_future_covariates_go_to_the_group_of_their_series() -> None:
    frame = table().with_columns((pl.col("day").dt.day() % 7 == 0).cast(pl.Float64).alias("promo"))
    frame = frame.with_columns(pl.col("sales") + 50 * pl.col("promo"))
    panel = gc.read(frame, series=["region", "item"], time="day", target="sales", future="promo")
    history, ahead = panel.split(horizon=H)
    made = model().fit(history, origins=0)
    as_panel = made.predict(future=ahead.future)
    as_table = made.predict(future=frame.filter(pl.col("day") > pl.lit(np.datetime64("2024-02-06"))).drop("sales"))
    np.testing.assert_array_equal(as_panel.values, as_table.values)
    assert (as_panel.values != made.predict(future={"promo": 1.0}).values).any()


def test_groups_with_too_little_data_are_named_at_once() -> None:
    short = pl.concat([table(), table([("east", 1)], 3), table([("west", 1)], 2)])
    with pytest.raises(WindowError, match=r"2 groups have too little data .*'east' \(3 steps.*'west' \(2 steps"):
        model().fit(read(short))


def test_what_shows_in_training_only_is_named_at_once_too() -> None:
    few = pl.concat([table(), table([("east", 1), ("west", 1)], 24)])
    with pytest.raises(WindowError, match=r"2 groups have too little data .*'east' \(a lookback .*'west' \(a lookback"):
        model(lookback=20).fit(read(few), origins=0)


def test_a_new_group_has_no_model(fitted: gc.GroupedForecaster) -> None:
    with pytest.raises(PanelError, match=r"no model was trained for region 'nort' \(did you mean 'north'\?\)\. There"):
        fitted.predict(read(table([("nort", 1), ("south", 1)])))


# ---------------------------------------------------------------- one file


def test_a_file_holds_all_groups(fitted: gc.GroupedForecaster, saved: Path, tmp_path: Path) -> None:
    loaded = gc.load_groups(saved)
    np.testing.assert_array_equal(loaded.predict(table()).values_NHCQ, fitted.predict().values_NHCQ)
    assert (loaded.groups, list(loaded.parts_)) == ("region", ["north", "south"])
    assert loaded.parts_["north"].judgement == fitted.parts_["north"].judgement
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == saved.read_bytes()
    loaded.parts_["north"].model.save(tmp_path / "north")
    assert gc.load(tmp_path / "north").predict(read().select([1, 3])).ids == ("north · 1", "north · 2")
    with pytest.raises(ConfigError, match="pass the history"):
        loaded.predict()


def test_a_file_is_described_from_its_header(saved: Path) -> None:
    told = describe_file(saved)
    assert (told["kind"], told["column"], told["horizon"]) == ("groups", "region", H)
    assert [(one["name"], one["record"]["series"]) for one in told["groups"]] == [("north", 2), ("south", 2)]
    assert told["parameters"] == sum(one["parameters"] for one in told["groups"]) > 0


def test_what_reads_one_model_says_what_to_do(saved: Path) -> None:
    with pytest.raises(ModelFileError, match=r"holds a 'groups'.*load_groups\(\), or take the model of one group"):
        gc.load(saved)
    with pytest.raises(ModelFileError, match="model of one group"):
        opened(saved.read_bytes())  # as the service does
    loaded = gc.load_groups(saved)
    with pytest.raises(AttributeError, match=r"live is for one model.*parts_\['north'\]\.model\.live\."):
        loaded.live(table())
    with pytest.raises(AttributeError, match="no attribute 'fly'"):
        loaded.fly()
    with pytest.raises(ConfigError, match="not fitted"):
        model().predict(table())


def test_stopped_before_all_groups_were_trained(tmp_path: Path) -> None:
    from gatecast.errors import TrainingError
    from gatecast.progress import Silent

    class Stops(Silent):
        def on_progress(self, stage: str, done: int = 0, of: int = 0, figures: Any = None) -> None:
            if stage == "fit · group":
                self.stop.set()

    with pytest.raises(TrainingError, match=r"before these groups were trained: south\. .*checkpoint"):
        model(progress=Stops(), engine="serial").fit(read(), origins=0)


# ---------------------------------------------------------------- sources


@pytest.fixture(params=["keys", "static"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> gc.PanelSource:
    frame = table()
    if request.param == "keys":
        frame.write_parquet(tmp_path / "0.parquet")
        return gc.scan(tmp_path, series=["region", "item"], time="day", target="sales", shard_rows=50)
    frame = frame.with_columns(pl.format("{}/{}", "region", "item").alias("shop")).drop("item")
    frame.write_parquet(tmp_path / "0.parquet")
    return gc.scan(tmp_path, series="shop", time="day", target="sales", static="region", shard_rows=50)


def test_a_source_is_fitted_forecast_and_scored_by_group(source: gc.PanelSource, tmp_path: Path) -> None:
    made = model(engine="serial").fit(source, origins=0)
    panel = next(iter(source.panels()))
    assert {name: part.model.fitted_.record.series for name, part in made.parts_.items()} == {"north": 2, "south": 2}
    assert made.parts_["north"].model.sample_.describe() == "all 2 series"
    written = made.predict(source, output=tmp_path / "out")
    assert (written.forecast, written.rows) == (4, 4 * H)
    first = written.scan().collect().filter(pl.lit(True))["sales"].to_numpy()[:H]
    np.testing.assert_allclose(first, made.predict(panel.select([0])).values[0, :, 0], rtol=1e-5)
    scores = gc.evaluate(model(engine="serial"), source, origins=2)
    assert (scores.series, scores.windows) == (4, 8)


# ---------------------------------------------------------------- something else in the place of a model


TAKE_ONE = (gc.backtest, gc.leakage_check, gc.tune, gc.check, gc.update, lambda m, p: gc.film(m, p, "film.html"))


@pytest.mark.parametrize("take", TAKE_ONE)
def test_what_works_on_one_model_names_the_way_to_it(take: Any, fitted: gc.GroupedForecaster) -> None:
    with pytest.raises(ConfigError, match=r"takes a Forecaster; got one for each group\. Take that of a group"):
        take(fitted, read())


@pytest.mark.parametrize("take", [*TAKE_ONE, gc.evaluate, lambda m, p: gc.GroupedForecaster(m, "region").fit(p)])
@pytest.mark.parametrize(
    ("given", "told"),
    [("m.gatecast", "'m.gatecast'. Load it"), (gc.Forecaster, "the class Forecaster. Make one"), (5, "int. Make one")],
)
def test_what_is_no_model_is_said_to_be_none(take: Any, given: Any, told: str) -> None:
    with pytest.raises(ConfigError, match=f"takes a Forecaster; got {told}"):
        take(given, read())


@pytest.mark.parametrize("groups", [None, 3, ["region", "item"]])
def test_groups_are_those_of_one_column(groups: Any) -> None:
    with pytest.raises(ConfigError, match="groups is the name of one column; got"):
        model(groups).fit(read())
