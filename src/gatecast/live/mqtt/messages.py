"""Messages: the rows in them, where their answer goes, and how it reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gatecast.errors import InputError, PanelError
from gatecast.live.watching import row_of_json

__all__ = ["Answer", "Message", "answer_of"]

Row = dict[str, Any]


@dataclass(frozen=True)
class Message:
    """A message as it came.

    Args:
        number: the how manieth of this run, from 1.
        connection: the how manieth connection brought it.
        mid: its number at the broker, to acknowledge it by; 0 where nothing is to be acknowledged.
        again: whether the broker says that it may have come before.
        topic: where it was published.
        payload: a JSON object, or a list of them.
        response: the topic that asks for the answer; None = none does.
        correlation: goes back with the answer.
    """

    number: int
    connection: int
    mid: int
    again: bool
    topic: str
    payload: bytes
    response: str | None = None
    correlation: bytes | None = None

    @property
    def key(self) -> tuple[str, bytes, bytes | None]:
        """What two deliveries of one message have in common."""
        return self.topic, self.payload, self.correlation

    def rows(self) -> list[Row]:
        """Its rows. Raises PanelError."""
        try:
            held = json.loads(self.payload.decode())
        except (ValueError, RecursionError) as error:
            raise PanelError("the message is no JSON.") from error
        rows = held if isinstance(held, list) else [held]
        if not rows:
            raise PanelError("the message holds no row.")
        return [row_of_json(row) for row in rows]


@dataclass(frozen=True)
class Answer:
    """What is said of a message.

    Args:
        message: which.
        text: JSON: an object for an object, a list for a list, {"error": ...} for what could not be taken.
        topic: where it goes; None = to nobody.
    """

    message: Message
    text: str
    topic: str | None


def answer_of(message: Message, told: Sequence[str] | InputError, reply: str | None) -> Answer:
    """The answer to a message.

    Args:
        message: which.
        told: a line of JSON for each of its rows, or what was wrong.
        reply: topic of the answers that no message asks for; they hold no errors.
    """
    if isinstance(told, InputError):
        return Answer(message, json.dumps({"error": str(told)}, ensure_ascii=False), message.response)
    lines = [line.rstrip("\n") for line in told]
    listed = message.payload.lstrip()[:1] == b"["
    return Answer(message, f"[{', '.join(lines)}]" if listed else lines[0], message.response or reply)
