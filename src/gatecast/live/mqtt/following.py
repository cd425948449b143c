"""Follow the topics of a broker: rows in, what is said of them out, nothing lost and nothing counted twice.

    messages ──▶ a block of what is there ──▶ observe ──▶ answers, confirmed by the broker ──▶ save the state
             ──▶ acknowledge the messages

A message is acknowledged last. What ends before that is delivered again by the broker: to a process that began anew,
whose saved state does not know the rows; or after a lost connection, to this one, which remembers having answered. A
row that a state does know is a repetition, which ``Live.observe`` ignores.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import TextIO

from gatecast.errors import ConfigError, GatecastError, InputError, PanelError
from gatecast.live.halves import in_halves
from gatecast.live.live import Live
from gatecast.live.mqtt.address import Broker, matches
from gatecast.live.mqtt.connection import Connection
from gatecast.live.mqtt.messages import Answer, Message, Row, answer_of
from gatecast.live.observed import Observed
from gatecast.live.watching import lines_of

__all__ = ["Following"]

BLOCK = 500  # messages observed at once
GRACE = 10.0  # seconds for answers to arrive when this is to stop
WAIT = 0.2  # seconds between two looks at whether to stop


class Following:
    """Feeds messages to a live model.

    Args:
        live: what observes.
        connection: brings the messages.
        broker: of the connection; its topic is what is followed.
        reply: topic of the answers that no message asks for; None = they are printed.
        out: where those go then.
        complain: takes one line about a message that was not taken.
        state: file to keep the state in; None = nowhere.
        revise: as for ``Live.observe``.
    """

    def __init__(
        self, live: Live, connection: Connection, broker: Broker, reply: str | None, out: TextIO,
        complain: Callable[[str | GatecastError], None], state: Path | None = None, *, revise: bool = False,
    ) -> None:  # fmt: skip
        if reply is not None and (matches(reply, broker.topic) or set(reply) & set("+#")):
            raise ConfigError(
                f"--reply {reply} cannot be: answers go to one topic, which is none of those followed ({broker.topic})."
            )
        self._live, self._connection, self._broker, self._reply = live, connection, broker, reply
        self._out, self._complain, self._state, self._revise = out, complain, state, revise
        self._done: set[object] = set()  # answered messages that the broker does not know to be done
        self.broken = 0

    def run(self, stop: Event) -> int:
        """Until it is told to stop; the number of messages that were not taken. Raises ConfigError."""
        self._connection.open()
        try:
            while not stop.is_set() and self._connection.failure is None:
                if block := self._connection.arrived(BLOCK, WAIT):
                    self._take(block, stop)
        finally:
            self._connection.close()
        if self._connection.failure is not None:
            raise ConfigError(f"{self._broker}: {self._connection.failure}.")
        return self.broken

    def _take(self, block: list[Message], stop: Event) -> None:
        known = [message for message in block if message.again and message.key in self._done]
        answers = self._observe([message for message in block if message not in known])
        if not self._sent(answers, stop):
            return  # the state that knows these rows is not saved: they will come again
        if self._state is not None and answers:
            self._live.save(self._state)
        for message in block:
            if self._connection.acknowledge(message):
                self._done.discard(message.key)
            else:
                self._done.add(message.key)

    def _observe(self, messages: Sequence[Message]) -> list[Answer]:
        """All of them; those that are wrong have an answer that says so."""
        rows: list[tuple[Message, list[Row]]] = []
        answers: list[Answer] = []
        for message in messages:
            try:
                rows.append((message, message.rows()))
            except PanelError as error:
                answers.append(self._refused(message, error))
        return sorted([*answers, *self._observed(rows)], key=lambda answer: answer.message.number)

    def _observed(self, messages: list[tuple[Message, list[Row]]]) -> Iterator[Answer]:
        for some, told in in_halves(messages, self._all_at_once):
            if isinstance(told, InputError):
                yield self._refused(some[0][0], told)
                continue
            lines = iter(lines_of(told))
            yield from (answer_of(message, [next(lines) for _ in rows], self._reply) for message, rows in some)

    def _all_at_once(self, messages: Sequence[tuple[Message, list[Row]]]) -> Observed:
        return self._live.observe([row for _, rows in messages for row in rows], revise=self._revise)

    def _refused(self, message: Message, error: InputError) -> Answer:
        self.broken += 1
        self._complain(PanelError(f"message {message.number:,}: ", error))
        return answer_of(message, error, self._reply)

    def _sent(self, answers: list[Answer], stop: Event) -> bool:
        """Whether all answers have arrived."""
        waiting = []
        for answer in answers:
            if answer.topic is None:
                if not answer.text.startswith('{"error"'):
                    self._out.write(f"{answer.text}\n")
            elif matches(answer.topic, self._broker.topic) or set(answer.topic) & set("+#"):
                self._complain(f"message {answer.message.number:,} asks for an answer where its own topic is followed.")
            else:
                waiting.append(self._connection.publish(answer))
        self._out.flush()
        given_up = math.inf
        while waiting := [number for number in waiting if not self._connection.confirmed(number)]:
            if self._connection.failure is not None or time.monotonic() > given_up:
                return False
            if stop.is_set() and given_up == math.inf:
                given_up = time.monotonic() + GRACE
            time.sleep(0.002)
        return True
