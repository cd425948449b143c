"""What a reader would try first on the reference data: ``python -m benchmarks.accuracy.classics``.

Airline: the airline model, ARIMA(0,1,1)(0,1,1) of logarithms by statsforecast, fitted anew at months 100 to 143.
Ridership: LightGBM, trees for the growth of each target from the day before, by lags, day types and calendar, from all
days before 2019 or grown anew every four weeks. LightGBM is installed for it alone: ``pip install lightgbm``.
"""

from __future__ import annotations

import argparse

import numpy as np

import gatecast as gc
from benchmarks.accuracy.sets import data_folder

SPANS = {"validation": ("2019-02-26", "2019-05-31"), "test": ("2019-07-27", "2021-11-30")}  # as in demos/ridership.py
LAGS = (*range(1, 29), 35, 42, 49, 56)
BEGIN = 56  # rows whose lags are known
EVERY = 28  # days between two trainings
PARAMETERS = {"objective": "mae", "learning_rate": 0.05, "num_leaves": 31, "seed": 0, "num_threads": 1, "verbose": -1}
ROUNDS = 500


def airline() -> dict[str, float]:
    """RMSE and MAE of one month ahead, thousands of passengers."""
    from statsforecast.models import ARIMA

    values_T = gc.load_example("airline").series(0)[:, 0].astype(float)
    guessed = []
    for origin in range(100, 144):
        model = ARIMA(order=(0, 1, 1), season_length=12, seasonal_order=(0, 1, 1))
        guessed.append(float(np.exp(model.forecast(y=np.log(values_T[:origin]), h=1)["mean"][0])))
    error = np.array(guessed) - values_T[100:144]
    return {"rmse": float(np.sqrt((error**2).mean())), "mae": float(np.abs(error).mean())}


def ridership() -> dict[str, float]:
    """MAE of one day ahead, riders, mean of both targets, by span and by whether the trees are grown anew."""
    panel = gc.load_example("ridership", data=data_folder() / "ridership.tgz")
    values_TV = panel.values_RV.astype(float)
    day_T = panel.times(0).astype("datetime64[D]")
    found = {}
    for span, (first, last) in SPANS.items():
        scored = np.flatnonzero((day_T >= np.datetime64(first)) & (day_T <= np.datetime64(last)))
        for name, every in (("once", len(scored)), ("anew", EVERY)):
            errors = []
            for target in range(len(panel.targets)):
                features_TF = _features(values_TV, day_T, target)
                growth_T = np.diff(np.log(values_TV[:, target]))
                for begin in range(0, len(scored), every):
                    part = scored[begin : begin + every]
                    end = int(np.searchsorted(day_T, np.datetime64("2019-01-01"))) if every > EVERY else part[0]
                    grown = _trees(features_TF[BEGIN:end], growth_T[BEGIN - 1 : end - 1])
                    guess = values_TV[part - 1, target] * np.exp(grown.predict(features_TF[part]))
                    errors.append(np.abs(guess - values_TV[part, target]))
            found[f"{span}, {name}"] = float(np.concatenate(errors).mean())
    return found


def _trees(features_RF: np.ndarray, target_R: np.ndarray):  # type: ignore[no-untyped-def]  # a library without types
    import lightgbm

    return lightgbm.train(PARAMETERS, lightgbm.Dataset(features_RF, target_R), ROUNDS)


def _features(values_TV: np.ndarray, day_T: np.ndarray, target: int) -> np.ndarray:
    """(T, F) what is known the day before: logarithms of past values less yesterday's, kinds of days, the calendar."""
    value_T, kind_T = np.log(values_TV[:, target]), values_TV[:, -1]
    lagged = [np.roll(value_T, lag) - np.roll(value_T, 1) for lag in LAGS[1:]]
    kinds = [np.roll(kind_T, lag) for lag in (0, 1, 2, 7)]
    weekday_T = (day_T.astype(int) + 3) % 7
    year_T = (day_T - day_T.astype("datetime64[Y]")).astype(int)
    return np.column_stack([*lagged, *kinds, weekday_T, year_T])


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=["airline", "ridership"])
    for name in parser.parse_args().sets:
        for figure, value in {"airline": airline, "ridership": ridership}[name]().items():
            print(f"{name:10s} {figure:18s} {value:,.1f}")


if __name__ == "__main__":
    main()
