"""How the commands read tables: with the names that a model holds, and with rows at any times."""

from __future__ import annotations

from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest

from gatecast.cli.options import DataOptions
from gatecast.data.tables.resampling import RULES

ODD = "bestellt am,Filiale Nr.,geliefert am,Gebiet,Menge (kg),Preis"
NAMES = ["--time", "geliefert am", "--series", "Filiale Nr.", "--target", "Menge (kg)", "--past", "Preis"]


def odd_table(path: Path, rows: int = 40, header: str = ODD) -> Path:
    """Two columns of dates, two of text, two of numbers: nobody could guess which is what."""
    days = np.datetime64("2024-01-01") + np.arange(rows)
    lines = [
        f"{day - 3},{shop},{day},{area},{50 + 7 * np.sin(k) + k:.2f},{k % 3}"
        for shop, area in (("007", "Nord"), ("x 1", "Süd"))
        for k, day in enumerate(days)
    ]
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def odd_model(run, tmp_path: Path, tiny: list[str]) -> Path:
    """A model of that table."""
    table = odd_table(tmp_path / "odd.csv")
    result = run("fit", table, *NAMES, "--horizon", 3, "--save", "odd.gatecast", *tiny)
    assert result.code == 0, result.err
    return tmp_path / "odd.gatecast"


def test_a_model_reads_tables_with_its_own_names(run, odd_model: Path, tmp_path: Path) -> None:
    table = odd_table(tmp_path / "odd.csv")
    assert run("forecast", table).code == 2  # without a model the user has to say it
    named = run("predict", odd_model, table, *NAMES, "--json")
    silent = run("predict", odd_model, table, "--json")
    assert (silent.code, silent.err) == (0, "")
    assert silent.json["forecast"] == named.json["forecast"]
    assert [part["series"] for part in silent.json["forecast"]] == ["007", "x 1"]
    assert silent.json["forecast"][0]["time"] == ["2024-02-10", "2024-02-11", "2024-02-12"]


def test_a_model_is_scored_with_its_own_names(run, odd_model: Path, tmp_path: Path) -> None:
    later = odd_table(tmp_path / "later.csv", 49)
    result = run("evaluate", later, "--model", odd_model, "--json")
    assert result.code == 0, result.err
    assert result.json["data"]["series"] == 2
    assert result.json["data"]["targets"] == ["Menge (kg)"]


def test_names_that_the_user_gives_win(run, odd_model: Path, tmp_path: Path) -> None:
    header = ODD.replace("bestellt am", "geliefert am").replace(",geliefert am", ",Ankunft", 1)
    header = header.replace("Filiale Nr.", "Laden")
    other = odd_table(tmp_path / "other.csv", header=header)
    result = run("predict", odd_model, other, "--time", "Ankunft", "--series", "Laden", "--json")
    assert result.code == 0, result.err
    assert result.json["forecast"][0]["time"][0] == "2024-02-10"
    # the column of the model's own time name holds other dates here
    ordered = run("predict", odd_model, other, "--series", "Laden", "--json")
    assert ordered.json["forecast"][0]["time"][0] == "2024-02-07"


def test_names_that_a_table_lacks_are_guessed_as_ever(run, fitted: Path, tmp_path: Path, make_table) -> None:
    (tmp_path / "renamed.csv").write_text(make_table().replace("month,", "Monat,"))
    result = run("predict", fitted, "renamed.csv", "--json")
    assert result.code == 0, result.err
    assert result.json["forecast"][0]["time"][0] == "2023-05"


def test_the_time_zone_of_a_model_holds(run, tmp_path: Path, tiny: list[str]) -> None:
    """The file tells instants; the days are those of the zone that the training named."""
    hours = np.datetime64("2024-03-01T00:00") - np.timedelta64(60, "m") + 60 * np.arange(24 * 40)
    rows = [f"{hour}:00Z,{k % 24}" for k, hour in enumerate(hours)]
    (tmp_path / "hours.csv").write_text("\n".join(["wann,kW", *rows]))
    zone = ["--frequency", "D[Europe/Berlin]", "--resample", "mean"]
    assert run("fit", "hours.csv", *zone, "--horizon", 3, "--save", "m.gatecast", *tiny).code == 0
    made = run("predict", "m.gatecast", "hours.csv", "--resample", "mean", "--json")
    assert made.code == 0, made.err
    assert made.json["data"]["frequency"] == "D[Europe/Berlin]"
    assert made.json["data"]["begin"] == "2024-03-01"


# ---------------------------------------------------------------- rows at any times


@pytest.fixture
def visits(tmp_path: Path) -> Path:
    """Some rows a day, at any time, on one day none, some at the same moment."""
    rng = np.random.default_rng(0)
    minutes = np.sort(rng.integers(0, 60 * 24 * 60, 400))
    minutes = minutes[minutes // (24 * 60) != 31]
    times = np.datetime64("2024-01-01T00:00") + np.append(minutes, minutes[-1])
    path = tmp_path / "visits.csv"
    path.write_text("at,spent\n" + "".join(f"{time},{k % 9}\n" for k, time in enumerate(times)))
    return path


def test_forecast_fit_predict_and_evaluate_resample(run, visits: Path, tiny: list[str]) -> None:
    plain = run("forecast", visits, "--horizon", 3, *tiny)
    assert plain.code == 2
    assert "--resample mean" in plain.err
    assert "--resample sum" in plain.err
    words = ["--resample", "sum", "--frequency", "D"]
    unnamed = run("forecast", visits, "--horizon", 3, *words[:2], *tiny)
    assert unnamed.code == 2
    assert "no step between the times is clear" in unnamed.err
    assert "Pass --frequency with" in unnamed.err
    made = run("forecast", visits, "--horizon", 3, *words, "--json", *tiny)
    assert made.code == 0, made.err
    assert (made.json["data"]["rows"], made.json["data"]["frequency"]) == (60, "D")
    assert made.json["forecast"][0]["time"] == ["2024-03-01", "2024-03-02", "2024-03-03"]
    assert all(value is not None for value in made.json["forecast"][0]["forecast"])
    assert run("fit", visits, "--horizon", 3, *words, "--save", "m.gatecast", *tiny).code == 0
    again = run("predict", "m.gatecast", visits, "--resample", "sum", "--json")  # the model knows its frequency
    assert again.code == 0, again.err
    assert again.json["data"] == made.json["data"]
    scored = run("evaluate", visits, "--horizon", 3, *words, "--json", *tiny)
    assert scored.code == 0, scored.err
    assert np.isfinite(scored.json["evaluation"]["scores"]["lstm"]["mae"])


def test_future_covariates_at_any_times(run, tmp_path: Path, tiny: list[str]) -> None:
    hours = np.datetime64("2024-01-01T07:00") + 7 * 60 * np.arange(150)
    rows = "".join(f"{hour},{k % 9},{k % 2}\n" for k, hour in enumerate(hours))
    (tmp_path / "past.csv").write_text("at,spent,open\n" + rows)
    ahead = hours[-1] + 11 * 60 * np.arange(1, 9)
    (tmp_path / "ahead.csv").write_text("at,open\n" + "".join(f"{hour},1\n" for hour in ahead))
    words = ["--target", "spent", "--future-columns", "open", "--frequency", "D", "--resample", "mean"]
    made = run("forecast", "past.csv", *words, "--horizon", 2, "--future", "ahead.csv", "--json", *tiny)
    assert made.code == 0, made.err
    assert run("fit", "past.csv", *words, "--horizon", 2, "--save", "m.gatecast", *tiny).code == 0
    again = run("predict", "m.gatecast", "past.csv", "--resample", "mean", "--future", "ahead.csv", "--json")
    assert again.code == 0, again.err
    assert again.json["forecast"][0]["time"] == made.json["forecast"][0]["time"]


def test_the_option_offers_every_rule_and_no_other(run, visits: Path) -> None:
    hint = get_type_hints(DataOptions)["resample"]
    assert get_args(get_args(hint)[0]) == RULES
    assert run("forecast", visits, "--resample", "meen").code == 2
    assert "an example has its own columns" in run("forecast", "--example", "airline", "--resample", "sum").err
