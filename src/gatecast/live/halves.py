"""Many pieces of rows observed at once, although one of them may be refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from gatecast.errors import InputError

__all__ = ["in_halves"]

Piece = TypeVar("Piece")
Told = TypeVar("Told")


def in_halves(
    pieces: Sequence[Piece], observe: Callable[[Sequence[Piece]], Told]
) -> Iterator[tuple[Sequence[Piece], Told | InputError]]:
    """All at once; where that is refused, in halves, until the pieces that are wrong are alone.

    Args:
        pieces: in their order.
        observe: takes some of them, all or none.

    Yields:
        Pieces that were taken, with what was told of them; or one alone, with why it was not.
    """
    if not pieces:
        return
    try:
        told = observe(pieces)
    except InputError as error:
        if len(pieces) == 1:
            yield pieces, error
            return
        half = len(pieces) // 2
        yield from in_halves(pieces[:half], observe)
        yield from in_halves(pieces[half:], observe)
        return
    yield pieces, told
