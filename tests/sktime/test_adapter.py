"""The forecaster of sktime: its own test suite, and that what comes out is what Gatecast forecasts."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gatecast as gc
from gatecast.sktime.adapter import at_levels

pytestmark = pytest.mark.slow  # sktime is heavy: the extra for tests lacks it

STEPS = [1, 3, 4]


@pytest.fixture
def forecaster() -> Iterator[Any]:
    """The class; sktime, which warns of its own changes to come, may do so."""
    pytest.importorskip("sktime", reason="the extra sktime is not installed")
    from gatecast.sktime import GatecastForecaster

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield GatecastForecaster


def test_sktimes_own_suite_passes_whole(forecaster: Any) -> None:
    from sktime.utils.estimator_checks import check_estimator

    found = check_estimator(forecaster, verbose=0)
    failed = {name: outcome for name, outcome in found.items() if outcome != "PASSED"}
    assert not failed
    assert len(found) > 500


def months(values: np.ndarray, start: str = "2001-01") -> pd.Series:
    return pd.Series(values, index=pd.period_range(start, periods=len(values), freq="M"))


def waves(rows: int = 40, seed: int = 1) -> np.ndarray:
    return 10 + np.sin(np.arange(rows) * np.pi / 6) + np.random.default_rng(seed).normal(0, 0.1, rows)


@pytest.mark.parametrize("index", ["period", "date", "business", "whole"])
def test_a_forecast_is_that_of_gatecast(forecaster: Any, index: str) -> None:
    y = months(waves())
    if index == "date":
        y.index = y.index.to_timestamp(how="end").normalize().rename("when")
    elif index == "business":
        y.index = pd.bdate_range("2001-01-01", periods=len(y))
    elif index == "whole":
        y.index = range(5, 5 + len(y))
    made = forecaster(preset="instant").fit(y, fh=STEPS)
    panel = gc.read(pd.DataFrame({"ds": getattr(y.index, "to_timestamp", lambda: y.index)(), "y": y.to_numpy()}))
    expected = gc.Forecaster(4, preset="instant", progress=False).fit(panel).predict()
    at = [step - 1 for step in STEPS]
    np.testing.assert_allclose(made.predict(), expected.values[0, at, 0])
    bounds = made.predict_interval(coverage=0.8).to_numpy()
    np.testing.assert_allclose(bounds.T, [one[0, at, 0] for one in expected.interval(0.8)])
    assert list(made.predict().index) == list(made.fh.to_absolute_index(y.index[-1:]))


def test_series_of_a_panel_are_learned_by_one_model_and_end_at_their_own_times(forecaster: Any) -> None:
    long, short = months(waves(40, 1)), months(waves(37, 2))
    y = pd.concat({("shop", "b"): long, ("shop", "a"): short}, names=["kind", "store", "month"]).to_frame("sold")
    made = forecaster(preset="instant").fit(y, fh=STEPS)
    assert made.model_.horizon == 4 + 3
    found = made.predict()
    panel = gc.read([waves(40, 1), waves(37, 2)])
    expected = gc.Forecaster(7, preset="instant", progress=False).fit(panel).predict()
    at = np.array(STEPS) - 1
    by_store = found["sold"].to_numpy().reshape(2, 3)
    assert [key[1] for key in found.index][::3] == ["b", "a"]
    assert {str(key[2]) for key in found.index} == {"2004-05", "2004-07", "2004-08"}
    assert abs(by_store[0] - expected.values[0, at, 0]).max() < 0.2  # months have a calendar, steps have none
    assert abs(by_store[1] - expected.values[1, at + 3, 0]).max() < 0.2


def test_covariates_move_the_forecast_and_have_to_be_known(forecaster: Any) -> None:
    rng = np.random.default_rng(5)
    price, kind = rng.normal(size=64), rng.choice(["Mo", "Tu"], 64)
    y = months(5 * price[:60] + 3 * (kind[:60] == "Mo"))
    X = pd.DataFrame({"price": price, "kind": kind}, index=pd.period_range("2001-01", periods=64, freq="M"))
    tiny = {"lookback": 3, "scaling": "standard", "members": 1, "training": {"max_epochs": 1, "steps_per_epoch": 1}}
    made = forecaster(settings=tiny).fit(y, X=X.iloc[:60], fh=STEPS)
    found = made.predict(X=X.iloc[60:])
    times = pd.date_range("2001-01-01", periods=64, freq="MS")
    table = pd.DataFrame({"ds": times, "y": [*y, *[np.nan] * 4], "price": price, "kind": kind})
    panel = gc.read(table, target="y", future=["price", "kind"], frequency="M")
    expected = gc.Forecaster(4, progress=False, **tiny).fit(panel).predict()
    np.testing.assert_allclose(found, expected.values[0, [0, 2, 3], 0])
    moved = X.iloc[60:].assign(price=X["price"] + 1)
    assert (made.predict(X=moved) != found).all()
    np.testing.assert_allclose(made.predict(X=X), found)  # rows of the past are no hindrance
    with pytest.raises(gc.GatecastError, match="price"):
        made.predict(X=X.iloc[60:62])
    with pytest.raises(gc.GatecastError, match="We"):
        made.predict(X=X.iloc[60:].assign(kind="We"))


def test_newer_data_move_the_cutoff_with_and_without_training(forecaster: Any) -> None:
    y = months(waves(48))
    kept = forecaster(preset="instant").fit(y.iloc[:40], fh=STEPS)
    before = kept.predict()
    kept.update(y.iloc[40:], update_params=False)
    assert str(kept.predict().index[0]) == "2005-01"
    again = forecaster(preset="instant").fit(y, fh=STEPS)
    np.testing.assert_allclose(kept.predict(), again.predict())
    assert not np.allclose(kept.predict(), before)
    trained = forecaster(**forecaster.get_test_params()[1]).fit(y.iloc[:40], fh=STEPS)
    seen = trained.model_
    trained.update(y.iloc[40:])
    assert trained.model_ is not seen
    assert trained.model_.fitted_.plan == seen.fitted_.plan


def test_steps_beyond_those_of_fit_are_refused(forecaster: Any) -> None:
    made = forecaster(preset="instant").fit(months(waves()), fh=STEPS)
    with pytest.raises(ValueError, match=r"fh|step 9"):
        made.predict(fh=[9])


def test_other_levels_are_those_of_a_normal_distribution() -> None:
    from statistics import NormalDist

    normal = NormalDist(3, 2)
    levels = [0.025, 0.1, 0.5, 0.9, 0.975]
    values = np.array([[normal.inv_cdf(level) for level in levels]])
    wanted = [0.001, 0.025, 0.2, 0.5, 0.7, 0.975, 0.99]
    np.testing.assert_allclose(at_levels(values, levels, wanted)[0], [normal.inv_cdf(level) for level in wanted])
    np.testing.assert_array_equal(at_levels(values, levels, levels), values)
    np.testing.assert_array_equal(at_levels(values[:, 2:3], [0.5], [0.5]), values[:, 2:3])
    with pytest.raises(gc.GatecastError, match="more quantiles"):
        at_levels(values[:, 2:3], [0.5], [0.9])


def test_without_sktime_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "sktime"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sktime", None)
    for name in ("gatecast.sktime", "gatecast.sktime.adapter"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    from gatecast.sktime import GatecastForecaster

    with pytest.raises(gc.GatecastError, match=r"pip install 'gatecast\[sktime\]'"):
        GatecastForecaster()
