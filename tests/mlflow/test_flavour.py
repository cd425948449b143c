"""Models that go through a real MLflow and come back as they were."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gatecast as gc
import gatecast.mlflow

pytestmark = pytest.mark.slow  # MLflow is heavy: the extra for tests lacks it
TINY = {"lookback": 3, "members": 1, "training": {"max_epochs": 1, "steps_per_epoch": 1}, "progress": False}


@pytest.fixture
def tracked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """MLflow with a store of files in a folder of its own, and without its telemetry."""
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MLflow's own changes to come
        mlflow = pytest.importorskip("mlflow", reason="the extra mlflow is not installed")
        before = mlflow.get_tracking_uri()
        mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
        yield mlflow
        mlflow.set_tracking_uri(before)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Two series with a covariate, and four rows of it ahead."""
    rng = np.random.default_rng(2)
    frames = []
    for store in "ab":
        price = rng.normal(size=44)
        sold = np.where(np.arange(44) < 40, 10 + 3 * price, np.nan)
        times = pd.date_range("2021-01-01", periods=44, freq="D")
        frames.append(pd.DataFrame({"store": store, "day": times, "sold": sold, "price": price}))
    return pd.concat(frames, ignore_index=True)


@pytest.fixture(scope="module")
def model(table: pd.DataFrame) -> gc.Forecaster:
    return gc.Forecaster(4, **TINY).fit(gc.read(table, target="sold", future="price"))


def test_a_model_comes_back_as_it_was(tracked: Any, model: gc.Forecaster, table: pd.DataFrame) -> None:
    with tracked.start_run():
        kept = gatecast.mlflow.log_model(model, "sales", metadata={"team": "shop"})
    expected = model.predict().to_frame("pandas")
    back = gatecast.mlflow.load_model(kept.model_uri)
    pd.testing.assert_frame_equal(back.predict(table).to_frame("pandas"), expected)
    served = tracked.pyfunc.load_model(kept.model_uri)
    pd.testing.assert_frame_equal(served.predict(table), expected)
    assert served.metadata.metadata == {"team": "shop"}
    as_text = table.assign(day=table["day"].astype(str))  # as a request in JSON has it
    np.testing.assert_allclose(served.predict(as_text)["sold"], expected["sold"])


def test_a_folder_holds_the_model_file_and_nothing_pickled(tracked: Any, model: gc.Forecaster, tmp_path: Path) -> None:
    gatecast.mlflow.save_model(model, tmp_path / "saved")
    model.save(tmp_path / "direct.gatecast")
    files = {path.relative_to(tmp_path / "saved").as_posix(): path for path in (tmp_path / "saved").rglob("*.*")}
    assert files["data/model.gatecast"].read_bytes() == (tmp_path / "direct.gatecast").read_bytes()
    assert not [name for name in files if name.endswith((".pkl", ".pickle"))]
    described = (tmp_path / "saved" / "MLmodel").read_text()
    assert "loader_module: gatecast.mlflow" in described
    assert "pickle" not in described
    assert f"gatecast=={gc.__version__}" in files["requirements.txt"].read_text()
    assert gatecast.mlflow.load_model(tmp_path / "saved").horizon == 4


def test_what_is_no_model_of_gatecast_is_refused(tracked: Any, model: gc.Forecaster, tmp_path: Path) -> None:
    tracked.pyfunc.save_model(
        str(tmp_path / "other"), loader_module="gatecast.mlflow", data_path=__file__, pip_requirements=[]
    )
    with pytest.raises(gc.GatecastError, match="is no model of Gatecast"):
        gatecast.mlflow.load_model(tmp_path / "other")
    gatecast.mlflow.save_model(model, tmp_path / "saved")
    (tmp_path / "saved" / "data" / "model.gatecast").write_bytes(b"PK\x03\x04 damaged")
    with pytest.raises(gc.GatecastError, match=r"model\.gatecast"):
        gatecast.mlflow.load_model(tmp_path / "saved")
    with pytest.raises(gc.GatecastError, match="not fitted"):
        gatecast.mlflow.log_model(gc.Forecaster(3))


def test_without_mlflow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, model: gc.Forecaster) -> None:
    for name in ("mlflow", "mlflow.models", "mlflow.pyfunc", "mlflow.artifacts"):
        monkeypatch.setitem(sys.modules, name, None)
    for call in (
        lambda: gatecast.mlflow.log_model(model),
        lambda: gatecast.mlflow.save_model(model, "nowhere"),
        lambda: gatecast.mlflow.load_model("nowhere"),
    ):
        with pytest.raises(gc.GatecastError, match=r"pip install 'gatecast\[mlflow\]'"):
            call()
