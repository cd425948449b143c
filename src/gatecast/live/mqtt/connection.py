"""A connection to a broker that comes back: messages into a queue, answers out, acknowledged when all is done."""

from __future__ import annotations

import importlib
import queue
import threading
from collections.abc import Callable
from typing import Any

from gatecast.errors import ConfigError
from gatecast.live.mqtt.address import Broker
from gatecast.live.mqtt.messages import Answer, Message

__all__ = ["Connection"]

AHEAD = 1000  # messages that a broker may send before the first of them is acknowledged
PATIENCE = 15.0  # seconds for the first connection
SLOWEST = 30  # seconds between two attempts


class Connection:
    """Follows the topics of a broker by MQTT 5, each message at least once.

    Args:
        broker: where, and what.
        name: who this is; the broker keeps what comes while somebody of this name is away.
        kept: seconds that it does so.
        complain: takes one line.
    """

    def __init__(self, broker: Broker, name: str, kept: int, complain: Callable[[str], None]) -> None:
        self._broker, self._complain, self._kept = broker, complain, kept
        self._arrived: queue.Queue[Message] = queue.Queue()
        self._count = self._connections = 0
        self._confirmed: set[int] = set()  # answers that the broker has
        self._settled = threading.Event()  # whether the first attempt has come to something
        self.failure: str | None = None
        self._client = self._client_of(name)

    def open(self) -> None:
        """Connect. Raises ConfigError where that is refused, or nobody is there."""
        settings = _properties("CONNECT", SessionExpiryInterval=self._kept, ReceiveMaximum=AHEAD)
        try:
            self._client.connect(
                self._broker.host, self._broker.port, keepalive=30, clean_start=False, properties=settings
            )
        except OSError as error:
            raise ConfigError(f"{self._broker}: no connection: {error.strerror or error}.") from None
        self._client.loop_start()
        if not self._settled.wait(PATIENCE):
            self.failure = "the broker does not answer"
        if self.failure is not None:
            self.close()
            raise ConfigError(f"{self._broker}: {self.failure}.")

    def close(self) -> None:
        """Leave; the broker keeps what is not acknowledged."""
        self._client.disconnect()
        self._client.loop_stop()

    def arrived(self, most: int, patience: float) -> list[Message]:
        """The messages that are there, ``most`` of them; none where none comes in time."""
        found: list[Message] = []
        try:
            found.append(self._arrived.get(timeout=patience))
            while len(found) < most:
                found.append(self._arrived.get_nowait())
        except queue.Empty:
            pass
        return found

    def publish(self, answer: Answer) -> int:
        """Send an answer, also later, where the connection has gone; the number that ``confirmed`` takes."""
        correlation = answer.message.correlation
        held = {} if correlation is None else {"CorrelationData": correlation}
        settings = _properties("PUBLISH", ContentType="application/json", **held)
        sent: int = self._client.publish(answer.topic, answer.text.encode(), qos=1, properties=settings).mid
        return sent

    def confirmed(self, number: int) -> bool:
        """Whether the broker has an answer; that is said once."""
        if number in self._confirmed:
            self._confirmed.discard(number)
            return True
        return False

    def acknowledge(self, message: Message) -> bool:
        """Tell the broker that a message is done with; False where it came by a connection that has gone."""
        if message.connection != self._connections:
            return False
        if message.mid:
            self._client.ack(message.mid, 1)
        return True

    # ---------------------------------------------------------------- called by paho, in its own thread

    def _client_of(self, name: str) -> Any:
        try:
            paho: Any = importlib.import_module("paho.mqtt.client")
        except ImportError as error:
            raise ConfigError(f"{self._broker} needs paho-mqtt: pip install 'gatecast[mqtt]'.") from error
        made = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTv5, manual_ack=True)
        made.reconnect_delay_set(1, SLOWEST)
        made.max_inflight_messages_set(AHEAD)
        made.on_connect, made.on_disconnect, made.on_message = self._connected, self._lost, self._took
        made.on_subscribe, made.on_publish = self._subscribed, self._published
        if self._broker.user is not None:
            made.username_pw_set(self._broker.user, self._broker.password)
        if self._broker.tls:
            made.tls_set()
        return made

    def _connected(self, client: Any, _: Any, __: Any, reason: Any, ___: Any) -> None:
        from paho.mqtt.subscribeoptions import SubscribeOptions

        if reason.is_failure:
            self._fail(f"the broker refuses the connection: {reason}", for_good=self._connections == 0)
            return
        self._connections += 1
        # What a topic retains comes once, not with every connection.
        client.subscribe(self._broker.topic, options=SubscribeOptions(qos=1, retainHandling=1))

    def _subscribed(self, _: Any, __: Any, ___: int, reasons: list[Any], ____: Any) -> None:
        if reasons[0].is_failure:
            self._fail(f"the broker refuses the topic: {reasons[0]}", for_good=True)
        elif self._connections > 1:
            self._complain(f"{self._broker}: connected again.")
        self._settled.set()

    def _took(self, _: Any, __: Any, message: Any) -> None:
        self._count += 1
        asked = message.properties
        self._arrived.put(
            Message(
                number=self._count,
                connection=self._connections,
                mid=message.mid if message.qos else 0,
                again=bool(message.dup),
                topic=message.topic,
                payload=bytes(message.payload),
                response=getattr(asked, "ResponseTopic", None),
                correlation=getattr(asked, "CorrelationData", None),
            )
        )

    def _published(self, _: Any, __: Any, number: int, reason: Any, ___: Any) -> None:
        self._confirmed.add(number)
        if reason.is_failure:
            self._complain(f"{self._broker}: the broker refuses an answer: {reason}.")

    def _lost(self, _: Any, __: Any, ___: Any, reason: Any, ____: Any) -> None:
        if reason.is_failure and self._connections:
            self._complain(f"{self._broker}: the connection was lost ({reason}); trying again.")

    def _fail(self, why: str, *, for_good: bool) -> None:
        if for_good:
            self.failure = self.failure or why
            self._settled.set()
        else:
            self._complain(f"{self._broker}: {why}; trying again.")


def _properties(packet: str, **values: Any) -> Any:
    from paho.mqtt import packettypes, properties

    made: Any = properties.Properties(getattr(packettypes.PacketTypes, packet))  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(made, name, value)
    return made
