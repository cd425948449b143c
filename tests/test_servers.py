"""The servers that other tests talk to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def test_databases_are_apart(postgres: Any) -> None:
    one, other = postgres.database(), postgres.database()
    postgres.run("create table shop (y int); insert into shop values (7)", one)
    assert postgres.run("select y from shop", one) == "7"
    assert postgres.run("select count(*) from information_schema.tables where table_name = 'shop'", other) == "0"
    assert postgres.password not in repr(postgres)


def test_a_broker_starts_again_at_its_port(mosquitto: Callable[..., Any]) -> None:
    broker = mosquitto()
    broker.stop()
    broker.start()
    assert broker.process is not None
    assert broker.process.poll() is None
