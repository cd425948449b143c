"""A live model at a real Mosquitto: every row once, every answer at least once, whatever breaks."""

from __future__ import annotations

import io
import json
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gatecast as gc
from gatecast.errors import ConfigError
from gatecast.live.mqtt.address import parse_broker
from gatecast.live.mqtt.connection import Connection
from gatecast.live.mqtt.following import Following

paho = pytest.importorskip("paho.mqtt.client", reason="the extra mqtt is not installed")
START = 40  # rows of the history
ROWS = [{"ds": n + 1, "y": round(10 + np.sin(n), 3)} for n in range(200)]


@pytest.fixture(scope="module")
def model() -> gc.Forecaster:
    return gc.Forecaster(3, preset="instant").fit(gc.read([row["y"] for row in ROWS[:START]]))


class Other:
    """Somebody else at the broker, who sends rows and hears answers."""

    def __init__(self, port: int, *topics: str, user: str | None = None, password: str | None = None) -> None:
        self.heard: queue.Queue[tuple[str, Any, bytes | None]] = queue.Queue()
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="other", protocol=paho.MQTTv5)
        if user:
            self.client.username_pw_set(user, password)
        ready = threading.Event()
        self.client.on_connect = lambda *_: [self.client.subscribe(topic, qos=1) for topic in topics]
        self.client.on_subscribe = lambda *_: ready.set()
        self.client.on_message = lambda _, __, got: self.heard.put(
            (got.topic, json.loads(got.payload), getattr(got.properties, "CorrelationData", None))
        )
        self.client.reconnect_delay_set(1, 1)
        self.client.connect("127.0.0.1", port, clean_start=False, properties=_properties(SessionExpiryInterval=600))
        self.client.loop_start()
        assert ready.wait(20)

    def send(self, topic: str, payload: Any, **asked: Any) -> None:
        text = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.client.publish(topic, text, qos=1, properties=_properties("PUBLISH", **asked)).wait_for_publish(20)

    def hears(self, count: int, patience: float = 30) -> list[tuple[str, Any, bytes | None]]:
        return [self.heard.get(timeout=patience) for _ in range(count)]

    def leave(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def _properties(packet: str = "CONNECT", **values: Any) -> Any:
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

    made = Properties(getattr(PacketTypes, packet))
    for name, value in values.items():
        setattr(made, name, value)
    return made


@pytest.fixture
def other() -> Iterator[Callable[..., Other]]:
    made: list[Other] = []

    def make(*arguments: Any, **options: Any) -> Other:
        made.append(Other(*arguments, **options))
        return made[-1]

    yield make
    for one in made:
        one.leave()


@contextmanager
def followed(live: gc.Live, url: str, reply: str | None = None, state: Path | None = None) -> Iterator[Any]:
    """A model that follows, in a thread of its own; what it printed, and what it complained of."""
    told: list[str] = []
    out, stop = io.StringIO(), threading.Event()
    broker = parse_broker(url)

    def tell(line: object) -> None:
        told.append(str(line))

    following = Following(live, Connection(broker, "watch", 600, tell), broker, reply, out, tell, state)
    thread = threading.Thread(target=following.run, args=(stop,), daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not following._connection._settled.is_set() and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        yield out, told
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def test_rows_are_answered_where_they_ask_for_it(
    model: gc.Forecaster, mosquitto: Any, other: Callable[..., Other]
) -> None:
    broker = mosquitto()
    friend = other(broker.port, "answers/#")
    expected = model.live().observe(ROWS[START : START + 5]).to_frame("polars").to_dicts()
    with followed(model.live(), broker.url("plant/+"), "answers/all") as (_, told):
        asked = {"ResponseTopic": "answers/mine", "CorrelationData": b"\x00\xff17"}
        friend.send("plant/1", ROWS[START], **asked)
        friend.send("plant/2", ROWS[START + 1 : START + 3], CorrelationData=b"pair")
        friend.send("plant/2", b"{nothing", **asked)
        friend.send("plant/2", {"ds": 1, "y": 1e9})
        friend.send("plant/2", ROWS[START + 3], ResponseTopic="plant/loop")
        friend.send("plant/2", ROWS[START], **asked)
        friend.send("plant/2", ROWS[START + 4])
        heard = friend.hears(5)
    assert [one[0] for one in heard] == ["answers/mine", "answers/all", "answers/mine", "answers/mine", "answers/all"]
    assert [one[2] for one in heard] == [b"\x00\xff17", b"pair", b"\x00\xff17", b"\x00\xff17", None]
    first, pair, wrong, again, last = (one[1] for one in heard)
    assert wrong == {"error": "the message is no JSON."}
    assert (first["row"], again["row"], again["y_forecast"]) == ("new", "known", None)
    for told_row, row in zip((first, *pair, last), [*expected[:3], expected[4]], strict=True):
        assert told_row["y_forecast"] == pytest.approx(row["y_forecast"], rel=1e-6)
        assert told_row["y_anomaly"] == pytest.approx(row["y_anomaly"], rel=1e-6)
        assert isinstance(told_row["y_inside_80"], bool)
    assert any("message 3: the message is no JSON" in line for line in told)
    assert any("message 4: " in line for line in told)
    assert any("message 5 asks for an answer where its own topic" in line for line in told)


def test_without_a_topic_for_answers_they_are_printed(
    model: gc.Forecaster, mosquitto: Any, other: Callable[..., Other]
) -> None:
    broker = mosquitto()
    friend = other(broker.port, "none")
    with followed(model.live(), broker.url("rows")) as (out, _):
        friend.send("rows", ROWS[START])
        deadline = time.monotonic() + 20
        while not out.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
    assert json.loads(out.getvalue())["ds"] == START + 1


def test_a_broker_that_goes_away_and_comes_back_loses_nothing(
    model: gc.Forecaster, mosquitto: Any, other: Callable[..., Other], tmp_path: Path
) -> None:
    broker = mosquitto()
    friend = other(broker.port, "answers")
    live, state = model.live(), tmp_path / "s.live"
    with followed(live, broker.url("rows"), "answers", state) as (_, told):
        for n, row in enumerate(ROWS[START : START + 60]):
            if n in (20, 40):
                broker.stop()
                broker.start()
            friend.client.publish("rows", json.dumps(row), qos=1)
        deadline = time.monotonic() + 40
        seen: dict[int, Any] = {}
        while len(seen) < 60 and time.monotonic() < deadline:
            row = friend.hears(1)[0][1]
            seen.setdefault(row["ds"], row)
    assert sorted(seen) == list(range(START + 1, START + 61))
    assert all(row["row"] == "new" and row["y_forecast"] is not None for row in seen.values())
    assert any("the connection was lost" in line for line in told)
    assert any("connected again" in line for line in told)
    assert len(gc.load_live(state).forecast().history) == 1
    expected = model.live()
    expected.observe(ROWS[START : START + 60])
    np.testing.assert_allclose(gc.load_live(state).forecast().values, expected.forecast().values)


def command(model: Path, url: str, *more: object) -> list[str]:
    return [sys.executable, "-m", "gatecast", "watch", str(model), url, *map(str, more)]


@pytest.mark.slow
def test_kills_lose_no_row_and_count_none_twice(
    model: gc.Forecaster, mosquitto: Any, other: Callable[..., Other], tmp_path: Path
) -> None:
    broker = mosquitto("allow_anonymous true", "max_queued_messages 0", "max_inflight_messages 20")
    friend = other(broker.port, "answers")
    model.save(tmp_path / "m.gatecast")
    with (tmp_path / "history.csv").open("w") as file:
        file.write("ds,y\n" + "".join(f"{row['ds']},{row['y']}\n" for row in ROWS[:START]))
    words = command(tmp_path / "m.gatecast", broker.url("rows"), "--reply", "answers", "--state", tmp_path / "s.live",
                    "--history", tmp_path / "history.csv")  # fmt: skip
    rng = np.random.default_rng(7)
    seen: dict[int, list[Any]] = {}
    process = subprocess.Popen(words, stderr=subprocess.PIPE)
    seen_first = False
    for n, row in enumerate(ROWS[START:]):
        if not seen_first:  # from here on the broker keeps what comes while nobody follows
            time.sleep(0.5)
        friend.send("rows", row)
        if n == 0:
            while not seen_first:
                friend.send("rows", row)
                seen_first = friend.heard.qsize() > 0 or process.poll() is not None
                time.sleep(0.1)
        if n % 40 == 39:
            time.sleep(rng.uniform(0.0, 0.02))
            process.kill()
            process.communicate()
            process = subprocess.Popen(words, stderr=subprocess.PIPE)
            time.sleep(rng.uniform(0.5, 2.0))
    deadline = time.monotonic() + 60
    while len(seen) < len(ROWS) - START and time.monotonic() < deadline:
        row = friend.hears(1)[0][1]
        seen.setdefault(row["ds"], []).append(row)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors.decode()
    assert errors == b""
    assert sorted(seen) == [row["ds"] for row in ROWS[START:]]
    assert all(any(row["row"] == "new" for row in rows) for rows in seen.values())
    expected = model.live()
    expected.observe(ROWS[START:])
    found = gc.load_live(tmp_path / "s.live")
    assert found.steps_kept == expected.steps_kept
    np.testing.assert_allclose(found.forecast().values, expected.forecast().values)


@pytest.fixture
def guarded(mosquitto: Any, tmp_path: Path) -> Any:
    """A broker that wants to know who comes, and lets "me" read rows alone."""
    if shutil.which("mosquitto_passwd") is None:
        pytest.skip("no mosquitto_passwd: apt-get install mosquitto")
    words, rights = tmp_path / "words", tmp_path / "rights"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(words), "me", "s3cret"], check=True, capture_output=True)
    rights.write_text("user me\ntopic read rows\n")
    return mosquitto("allow_anonymous false", f"password_file {words}", f"acl_file {rights}")


def test_who_is_not_let_in_is_told_so_in_one_line(
    model: gc.Forecaster, guarded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MQTT_PASSWORD", "wr0ng")
    for secret in ("me:wr0ng", "", "me"):
        broker = parse_broker(guarded.url("rows", secret))
        following = Following(model.live(), Connection(broker, "w", 1, print), broker, None, io.StringIO(), print)
        with pytest.raises(ConfigError, match=r"refuses the connection: Not authorized\.$") as raised:
            following.run(threading.Event())
        assert "wr0ng" not in str(raised.value)


def test_the_password_comes_from_the_environment(
    model: gc.Forecaster, guarded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MQTT_PASSWORD", "s3cret")
    with followed(model.live(), guarded.url("rows", "me")) as (_, told):
        assert told == []
    broker = parse_broker(guarded.url("nothing/#", "me"))
    assert "s3cret" not in f"{broker!r} {broker}"


def test_nobody_there_is_one_line(model: gc.Forecaster, tmp_path: Path) -> None:
    broker = parse_broker("mqtt://127.0.0.1:1/rows")
    following = Following(model.live(), Connection(broker, "w", 1, print), broker, None, io.StringIO(), print)
    with pytest.raises(ConfigError, match=r"^mqtt://127\.0\.0\.1:1/rows: no connection: Connection refused\.$"):
        following.run(threading.Event())


@pytest.mark.parametrize("reply", ["rows/1", "rows/#", "+"])
def test_answers_do_not_come_back_as_rows(model: gc.Forecaster, reply: str) -> None:
    broker = parse_broker("mqtt://127.0.0.1:1/rows/#")
    with pytest.raises(ConfigError, match="--reply"):
        Following(model.live(), Connection(broker, "w", 1, print), broker, reply, io.StringIO(), print)


def test_without_paho_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)
    with pytest.raises(ConfigError, match=r"pip install 'gatecast\[mqtt\]'"):
        Connection(parse_broker("mqtt://127.0.0.1/rows"), "w", 1, print)
