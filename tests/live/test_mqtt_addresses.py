"""Addresses of brokers, and which topics reach whom."""

from __future__ import annotations

import pytest

from gatecast.errors import ConfigError
from gatecast.live.mqtt.address import Broker, matches, parse_broker


@pytest.mark.parametrize(
    ("text", "wanted", "shown"),
    [
        ("mqtt://h/rows", Broker("h", 1883, "rows"), "mqtt://h:1883/rows"),
        ("mqtts://h/a/+/b", Broker("h", 8883, "a/+/b", tls=True), "mqtts://h:8883/a/+/b"),
        ("MQTT://me@h:99/a/#", Broker("h", 99, "a/#", user="me", password="env"), "mqtt://me@h:99/a/#"),
        (
            "mqtt://me:s%2Fx@[::1]/a%20b",
            Broker("::1", 1883, "a b", user="me", password="s/x"),
            "mqtt://me@::1:1883/a b",
        ),
        ("mqtt://h/$share/all/rows/#", Broker("h", 1883, "$share/all/rows/#"), "mqtt://h:1883/$share/all/rows/#"),
    ],
)
def test_an_address_is_taken_apart(text: str, wanted: Broker, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MQTT_PASSWORD", "env")
    assert parse_broker(text) == wanted
    assert str(parse_broker(text)) == shown
    assert "s/x" not in repr(parse_broker(text))


@pytest.mark.parametrize(
    "text",
    ["mqtt://h", "mqtt://h/", "mqtt:/h/rows", "mqtt://h:port/rows", "mqtt://h:99999/rows", "mqtt://me:s3cret@/rows",
     "mqtt:/me:s3cret@h/rows", "mqtt://me:s3/cret@h/rows", "mqtt://h/a+b", "mqtt://h/#/a", "mqtt://h/a#"],
)  # fmt: skip
def test_what_is_none_is_refused_without_its_password(text: str) -> None:
    with pytest.raises(ConfigError, match=r"no address of a broker|no topic is called") as raised:
        parse_broker(text)
    assert "s3" not in str(raised.value)


@pytest.mark.parametrize(
    ("topic", "followed", "reaches"),
    [
        ("a/b", "a/b", True), ("a/b", "a", False), ("a", "a/b", False), ("a/b", "a/+", True), ("a/b/c", "a/+", False),
        ("a/b/c", "a/#", True), ("a", "a/#", True), ("b", "a/#", False), ("a/b", "#", True), ("a", "$share/g/a", True),
    ],
)  # fmt: skip
def test_topics_match_as_a_broker_matches_them(topic: str, followed: str, reaches: bool) -> None:
    assert matches(topic, followed) is reaches
