"""The five reference data sets: their numbers, and the download from servers good and bad."""

from __future__ import annotations

import io
import socket
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import polars as pl
import pooch
import pytest

from gatecast.data.examples import datasets, download
from gatecast.data.examples.archive import extract_safely
from gatecast.data.examples.download import fetch_once, sha256_of
from gatecast.data.examples.ridership import RIDERSHIP_SHA256
from gatecast.errors import ConfigError, DatasetError

HEADER = "service_date,day_type,bus,rail_boardings,total_rides\n"
SMALL = HEADER + "01/02/2001,W,780827,501952,1282779\n01/01/2001,U,297192,126455,423647\n"


# -------------------------------------------------------------------- generated and embedded


def test_noisy_sine_is_the_sine_plus_noise_between_0_and_2() -> None:
    panel = datasets.noisy_sine(seed=3)
    noise = panel.series(0)[:, 0] - np.sin(0.02 * np.arange(800))
    assert panel.values_RV.shape == (800, 1)
    assert noise.min() >= 0
    assert noise.max() < 2
    assert abs(noise.mean() - 1) < 0.08
    assert abs(noise.std() - 2 / np.sqrt(12)) < 0.05


def test_noise_hangs_on_the_seed_alone() -> None:
    assert np.array_equal(datasets.noisy_sine(1).values_RV, datasets.noisy_sine(1).values_RV)
    assert not np.array_equal(datasets.noisy_sine(1).values_RV, datasets.noisy_sine(2).values_RV)
    assert np.array_equal(datasets.noisy_sine().values_RV, datasets.noisy_sine(0).values_RV)


def test_the_floor_has_the_error_of_the_noise() -> None:
    floor = datasets.noisy_sine_floor()
    rmse = [np.sqrt(np.mean((datasets.noisy_sine(s).series(0)[:, 0] - floor) ** 2)) for s in range(20)]
    assert abs(np.mean(rmse) - 1 / np.sqrt(3)) < 0.01


def test_sin_to_cos_holds_target_and_covariate() -> None:
    panel = datasets.sin_to_cos()
    t = np.linspace(0, 12 * np.pi, 200)
    assert panel.targets == ("cos",)
    assert [column.name for column in panel.schema.past] == ["sin"]
    assert np.array_equal(panel.target_RC[:, 0], np.cos(t))
    assert np.array_equal(panel.past_RP[:, 0], np.sin(t))


def test_sine_keeps_all_its_digits() -> None:
    panel = datasets.sine()
    assert panel.values_RV.dtype == np.float64
    assert np.array_equal(panel.series(0)[:, 0], np.sin(np.linspace(0, 100, 1000)))
    assert np.array_equal(panel.times(0), np.arange(1000))


def test_airline_is_the_published_series(shared_data: Path) -> None:
    panel = datasets.airline()
    table = pl.read_csv(shared_data / "airline-passengers.csv")
    assert panel.series("airline")[:, 0].tolist() == table["Passengers"].to_list()
    assert panel.times(0).astype("datetime64[M]").astype(str).tolist() == table["Month"].to_list()


def test_airline_has_its_known_sums() -> None:
    values = datasets.airline().series(0)[:, 0].astype(int)
    assert values.sum() == 40_363
    assert values[-12:].tolist() == [417, 391, 419, 461, 472, 535, 622, 606, 508, 461, 390, 432]


# -------------------------------------------------------------------- by name


@pytest.mark.parametrize("name", [name for name in datasets.EXAMPLES if name != "ridership"])
def test_an_example_is_one_series_without_gaps(name: str) -> None:
    panel = datasets.load_example(name)
    assert panel.ids == (name,)
    assert np.isfinite(panel.values_RV).all()
    assert panel.values_RV.shape == (panel.total, panel.schema.width)
    assert panel.static_NS.shape == (1, 0)


def test_an_example_takes_a_seed() -> None:
    assert np.array_equal(datasets.load_example("noisy-sine", seed=5).values_RV, datasets.noisy_sine(5).values_RV)


def test_an_unknown_example_is_told_with_the_closest() -> None:
    with pytest.raises(ConfigError, match=r"no example 'airlines' \(did you mean 'airline'\?\)\. Known: airline, "):
        datasets.load_example("airlines")


def test_an_example_without_a_file_takes_none() -> None:
    with pytest.raises(ConfigError, match="'sine' takes no file"):
        datasets.load_example("sine", data="sine.csv")


def test_no_heavy_library_is_loaded_before_it_is_used() -> None:
    heavy = {"polars", "pooch", "requests", "torch"}
    code = f"import sys, gatecast.data.examples.datasets; print({heavy} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


# -------------------------------------------------------------------- ridership: the real archive


@pytest.fixture(scope="module")
def archive(shared_data: Path) -> Path:
    return shared_data / "ridership.tgz"


def test_ridership_is_clean(archive: Path) -> None:
    panel = datasets.load_example("ridership", data=archive)
    days = panel.times("CTA")
    assert panel.describe() == "bus, rail · 1 series · 7,639 days, 2001-01-01 to 2021-11-30"
    assert (np.diff(days) == np.timedelta64(1, "D")).all()
    assert panel.schema.future[0].categories == ("A", "U", "W")
    assert (panel.future_RF.sum(axis=1) == 1).all()
    assert panel.target_RC[0].tolist() == [297_192, 126_455]
    assert panel.future_RF[0].tolist() == [0, 1, 0]
    saturday = days.astype("datetime64[D]").astype(np.int64) % 7 == 2
    assert (panel.future_RF[saturday, 2] == 0).all()


def test_ridership_holds_whole_riders(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        member = "ridership/CTA_-_Ridership_-_Daily_Boarding_Totals.csv"
        raw = pl.read_csv(tar.extractfile(member))  # type: ignore[arg-type]
    unique = raw.unique()
    panel = datasets.ridership(archive)
    assert (len(raw), len(unique)) == (7_701, 7_639)
    assert panel.target_RC.sum(axis=0, dtype=np.float64).tolist() == [
        unique["bus"].sum(),
        unique["rail_boardings"].sum(),
    ]


@pytest.mark.parametrize(
    ("begin", "mae"),
    [("2019-03", {"bus": "43915.61", "rail": "42143.27"}), ("2019-01", {"bus": "71854.85", "rail": "64815.36"})],
)
def test_the_value_7_days_before_has_the_known_error(archive: Path, begin: str, mae: dict[str, str]) -> None:
    panel = datasets.ridership(archive)
    scored = panel.between(begin, "2019-05")
    rows = scored.rows(0)
    riders_RC = panel.target_RC.astype(np.float64)
    error_C = np.abs(riders_RC[rows] - riders_RC[rows.start - 7 : rows.stop - 7]).mean(axis=0)
    assert {name: f"{error:.2f}" for name, error in zip(panel.targets, error_C, strict=True)} == mae


def test_the_archive_unpacks_to_the_folder_asked_for(archive: Path, tmp_path: Path) -> None:
    (written,) = extract_safely(archive, tmp_path / "datasets")
    assert written.stat().st_size == 268_584


# -------------------------------------------------------------------- ridership: other archives


def write_archive(path: Path, csv: str = SMALL, name: str = "ridership/table.csv") -> str:
    """Write a small .tgz; return its checksum."""
    with tarfile.open(path, "w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(csv.encode())
        tar.addfile(info, io.BytesIO(csv.encode()))
    return sha256_of(path.read_bytes())


def test_another_archive_needs_its_checksum_waived(tmp_path: Path) -> None:
    found = write_archive(tmp_path / "new.tgz")
    with pytest.raises(DatasetError, match=f"checksum differs \\(sha256 {found}, not {RIDERSHIP_SHA256}\\)"):
        datasets.ridership(tmp_path / "new.tgz")
    panel = datasets.ridership(tmp_path / "new.tgz", sha256=None)
    assert panel.target_RC.tolist() == [[297_192, 126_455], [780_827, 501_952]]
    assert files(tmp_path) == ["new.tgz"]


def test_more_riders_than_float32_can_count_keep_their_last_digit(tmp_path: Path) -> None:
    write_archive(tmp_path / "new.tgz", HEADER + "01/01/2001,U,16777217,1,16777218\n")
    assert datasets.ridership(tmp_path / "new.tgz", sha256=None).target_RC.tolist() == [[16_777_217, 1]]


FAULTS = {
    "no rows": (HEADER, "has no rows"),
    "no text": ("", "cannot be read"),
    "a column is missing": ("service_date,bus,total_rides\n01/01/2001,1,1\n", "lacks day_type, rail_boardings"),
    "a bad date": (SMALL + "2001-01-03,W,1,1,2\n", r"date '2001-01-03' \(row 3\)"),
    "a bad day type": (SMALL + "01/03/2001,X,1,1,2\n", r"day_type 'X' \(row 3\)"),
    "a bad number": (SMALL + "01/03/2001,W,many,1.5,2\n", r"bus 'many' \(row 3\), rail '1.5' \(row 3\)"),
    "no number": (SMALL + "01/03/2001,W,,1,2\n", r"bus None \(row 3\)"),
    "too few fields": (SMALL + "01/03/2001,W\n", r"bus None \(row 3\)"),
    "a missing day": (SMALL + "01/05/2001,W,1,1,2\n", "2001-01-05 follows 2001-01-02"),
    "two different rows of a day": (SMALL + "01/02/2001,W,1,1,2\n", "2001-01-02 comes twice"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_table_that_is_not_as_expected_is_told_in_one_line(tmp_path: Path, case: str) -> None:
    csv, message = FAULTS[case]
    write_archive(tmp_path / "new.tgz", csv)
    with pytest.raises(DatasetError, match=message) as caught:
        datasets.ridership(tmp_path / "new.tgz", sha256=None)
    assert "\n" not in str(caught.value)


def test_equal_rows_count_once(tmp_path: Path) -> None:
    write_archive(tmp_path / "new.tgz", SMALL + SMALL.removeprefix(HEADER))
    assert datasets.ridership(tmp_path / "new.tgz", sha256=None).total == 2


def test_a_hostile_archive_is_refused(tmp_path: Path) -> None:
    write_archive(tmp_path / "evil.tgz", name="../table.csv")
    with pytest.raises(DatasetError, match=r"refused: '\.\./table\.csv' leads out of the folder"):
        datasets.ridership(tmp_path / "evil.tgz", sha256=None)
    assert files(tmp_path) == ["evil.tgz"]


def test_a_missing_local_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no archive"):
        datasets.ridership(tmp_path / "none.tgz")


# -------------------------------------------------------------------- downloads


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


class Server(ThreadingHTTPServer):
    """Serves a folder on 127.0.0.1 and remembers what was asked for."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), partial(Handler, directory=str(folder)))

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *words: object) -> None:
        assert isinstance(self.server, Server)
        self.server.asked.append(self.path)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (tmp_path / "www").mkdir()
    with Server(tmp_path / "www") as running:
        thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_the_archive_is_downloaded_once_and_in_silence(
    tmp_path: Path, server: Server, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    checksum = write_archive(tmp_path / "www" / "r.tgz")
    cache = tmp_path / "cache"
    for _ in range(3):
        panel = datasets.ridership(url=server.url("r.tgz"), sha256=checksum, folder=cache)
    assert panel.total == 2
    assert server.asked == ["/r.tgz"]
    assert files(cache) == ["ridership.tgz"]
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_the_level_of_pooch_is_put_back(tmp_path: Path) -> None:
    logger = pooch.get_logger()
    before = logger.level
    try:
        logger.setLevel(17)
        with pytest.raises(DatasetError):
            fetch_once("r.tgz", "file:///none", "0" * 64, tmp_path)
        assert logger.level == 17
    finally:
        logger.setLevel(before)


def test_a_file_address_works_too(tmp_path: Path) -> None:
    checksum = write_archive(tmp_path / "my copy.tgz")
    url = (tmp_path / "my copy.tgz").as_uri()
    assert datasets.ridership(url=url, sha256=checksum, folder=tmp_path / "cache").total == 2


def test_a_damaged_copy_in_the_folder_is_replaced(tmp_path: Path, server: Server) -> None:
    checksum = write_archive(tmp_path / "www" / "r.tgz")
    kept = tmp_path / "ridership.tgz"
    kept.write_bytes(b"half a fi")
    assert datasets.ridership(url=server.url("r.tgz"), sha256=checksum, folder=tmp_path).total == 2
    assert sha256_of(kept.read_bytes()) == checksum


def failure(tmp_path: Path, url: str) -> str:
    """The one line of a failed download; nothing may be left in the folder."""
    with pytest.raises(DatasetError) as caught:
        datasets.ridership(url=url, folder=tmp_path / "cache")
    message = str(caught.value)
    assert message.startswith(f"could not download ridership.tgz from {url}: ")
    assert message.endswith(f"; pass --data FILE with a copy of ridership.tgz, sha256 {RIDERSHIP_SHA256}.")
    assert "\n" not in message
    assert files(tmp_path / "cache") == []
    return message


def test_a_wrong_checksum_is_told_and_the_file_thrown_away(tmp_path: Path, server: Server) -> None:
    checksum = write_archive(tmp_path / "www" / "r.tgz")
    assert f"its checksum differs (sha256 {checksum})" in failure(tmp_path, server.url("r.tgz"))


def test_a_closed_port_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert "the connection failed" in failure(tmp_path, f"http://127.0.0.1:{port}/ridership.tgz")


def test_a_missing_page_is_told(tmp_path: Path, server: Server) -> None:
    assert "status 404" in failure(tmp_path, server.url("none.tgz"))


def test_a_silent_server_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(download, "_TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert "no answer within" in failure(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}/r.tgz")


def test_a_download_without_end_is_stopped(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "www" / "large").write_bytes(bytes(10_000))
    monkeypatch.setattr(download, "_MOST_BYTES", 5_000)
    assert "larger than 5,000 bytes" in failure(tmp_path, server.url("large"))


def test_a_missing_file_address_is_told(tmp_path: Path) -> None:
    assert "No such file" in failure(tmp_path, (tmp_path / "none.tgz").as_uri())


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/r.tgz", "r.tgz", ""])
def test_an_address_of_another_kind_is_told(tmp_path: Path, url: str) -> None:
    assert "has to begin with http, https or file" in failure(tmp_path, url)


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    write_archive(tmp_path / "file")
    with pytest.raises(DatasetError, match=r"the folder .* cannot be used"):
        datasets.ridership(url="http://127.0.0.1:9/", folder=tmp_path / "file" / "cache")


def test_without_download_only_the_copy_in_the_folder_counts(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no ridership\.tgz in .*; allow the download, or pass --data FILE"):
        datasets.ridership(folder=tmp_path, download=False)
    checksum = write_archive(tmp_path / "ridership.tgz")
    with pytest.raises(DatasetError, match="is damaged"):
        datasets.ridership(folder=tmp_path, download=False)
    assert datasets.ridership(sha256=checksum, folder=tmp_path, download=False).total == 2


def test_a_download_without_checksum_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="only with its checksum"):
        datasets.ridership(sha256=None, folder=tmp_path)


def test_the_cache_folder_of_the_user_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / project)
    checksum = write_archive(tmp_path / "r.tgz")
    datasets.ridership(url=(tmp_path / "r.tgz").as_uri(), sha256=checksum)
    assert files(tmp_path / "gatecast") == ["ridership.tgz"]
