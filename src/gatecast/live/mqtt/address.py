"""The address of topics at a broker: ``mqtt://user@host:1883/plant/+/rows``, or mqtts:// for TLS."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from gatecast.data.tables.databases.address import without_passwords
from gatecast.errors import ConfigError

__all__ = ["Broker", "is_broker", "matches", "parse_broker"]

_ADDRESS = re.compile(
    r"mqtt(?P<tls>s?)://(?:(?P<user>[^:@/]*)(?::(?P<word>[^@/]*))?@)?"
    r"(?P<host>\[[0-9a-fA-F:.]+\]|[^:/@\s]+)(?::(?P<port>\d{1,5}))?/(?P<topic>.+)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Broker:
    """Where to connect, and what to follow there.

    Args:
        host: name or number.
        port: 1883, or 8883 with TLS, where the address has none.
        topic: of the rows; + and # stand for any level and for all levels below.
        tls: whether the connection is encrypted and the broker's certificate checked.
        user: name; None = nobody in particular.
        password: of the address, else that of MQTT_PASSWORD.
    """

    host: str
    port: int
    topic: str
    tls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        """Without the password."""
        user = f"{self.user}@" if self.user else ""
        return f"mqtt{'s' if self.tls else ''}://{user}{self.host}:{self.port}/{self.topic}"


def is_broker(text: str) -> bool:
    """Whether this is meant as the address of a broker.

    >>> is_broker("mqtt://localhost/rows"), is_broker("rows.jsonl")
    (True, False)
    """
    return re.match(r"mqtts?:", text, re.IGNORECASE) is not None


def parse_broker(text: str) -> Broker:
    """Take an address apart.

    Raises:
        ConfigError: it is none; the message shows no password.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None or not 0 < int(found["port"] or 1) < 65536:
        raise ConfigError(
            f"{without_passwords(text)} is no address of a broker. Write mqtt://host/topic, or "
            "mqtts://user@host:8883/topic with the password in MQTT_PASSWORD."
        )
    topic, tls = unquote(found["topic"]), bool(found["tls"])
    _check_filter(topic)
    word = unquote(found["word"]) if found["word"] else os.environ.get("MQTT_PASSWORD")
    user = unquote(found["user"]) if found["user"] else None
    port = int(found["port"] or (8883 if tls else 1883))
    return Broker(found["host"].strip("[]"), port, topic, tls, user, word if user else None)


def _check_filter(topic: str) -> None:
    levels = topic.split("/")
    wrong = [level for level in levels if level not in "+#" and re.search(r"[+#\0]", level)]
    if wrong or "#" in levels[:-1] or len(topic.encode()) > 65535:
        raise ConfigError(f"no topic is called {topic!r}: + stands for a whole level, and # for the last ones.")


def matches(topic: str, followed: str) -> bool:
    """Whether what is published to a topic reaches who follows.

    >>> matches("plant/3/rows", "plant/+/rows"), matches("plant/3/rows", "$share/all/plant/#"), matches("a", "a/+")
    (True, True, False)
    """
    wanted = followed.split("/")
    if wanted[0] == "$share":
        wanted = wanted[2:]
    given = topic.split("/")
    if wanted[-1] == "#":
        wanted, given = wanted[:-1], given[: len(wanted) - 1]
    return len(wanted) == len(given) and all(one in ("+", other) for one, other in zip(wanted, given, strict=True))
