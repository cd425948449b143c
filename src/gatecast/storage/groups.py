"""What the file of several models says, one for each group of series, and what must hold in it (docs/format.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatecast.errors import InputError, ModelFileError, listed
from gatecast.evaluation.judgement import Judgement
from gatecast.storage.checks import check_document, check_tensors, check_values, levels_of
from gatecast.storage.container import TensorType
from gatecast.storage.document import FittedDocument

__all__ = ["GROUPS", "GroupDocument", "GroupsDocument", "below", "check_group_values", "check_groups", "prefix_of"]

GROUPS = "groups"
MOST = 10_000  # groups in one file


@dataclass(frozen=True)
class GroupDocument:
    """The model of one group.

    Args:
        name: what the column says of its series.
        judgement: its verdict as data; None where nothing was held out.
        verdict: the same in words.
        model: without its tensors, whose names begin with ``group.`` and its number.
    """

    name: str
    judgement: Judgement | None
    verdict: str
    model: FittedDocument


@dataclass(frozen=True)
class GroupsDocument:
    """One model for each group.

    Args:
        column: that says which group a series is in.
        groups: in the order of their names.
    """

    column: str
    groups: tuple[GroupDocument, ...]


def prefix_of(k: int) -> str:
    """How the names of the tensors of group k begin."""
    return f"{GROUPS[:-1]}.{k}."


def below(k: int, found: Mapping[str, Any]) -> dict[str, Any]:
    """The tensors of group k by the names that they have in a model's own file."""
    prefix = prefix_of(k)
    return {name.removeprefix(prefix): tensor for name, tensor in found.items() if name.startswith(prefix)}


def check_groups(document: GroupsDocument, found: Mapping[str, TensorType]) -> None:
    """Raise ModelFileError for any contradiction, and unless exactly the tensors are there that the models need."""
    count = len(document.groups)
    if not 1 <= count <= MOST:
        raise ModelFileError(f"there are {count:,} groups (1 to {MOST:,}).")
    parts = [below(k, found) for k in range(count)]
    if sum(map(len, parts)) < len(found):
        known = tuple(map(prefix_of, range(count)))
        raise ModelFileError(f"tensor {min(n for n in found if not n.startswith(known))!r} is unknown.")
    for one, tensors in zip(document.groups, parts, strict=True):
        try:
            check_document(one.model)
            check_tensors(one.model, tensors)
        except InputError as error:
            raise ModelFileError(f"group {one.name[:40]!r}: {error}") from error
    if problems := list(_agreement(document)):
        raise ModelFileError(f"{listed(problems, 4)}.")


def check_group_values(document: GroupsDocument, arrays: Mapping[str, np.ndarray]) -> None:
    """Raise ModelFileError where a tensor holds a number that cannot be there."""
    for k, one in enumerate(document.groups):
        try:
            check_values(below(k, arrays))
        except ModelFileError as error:
            raise ModelFileError(f"group {one.name[:40]!r}: {error}") from error


def _agreement(document: GroupsDocument) -> Iterator[str]:
    """Forecasts of all groups stand in one table: what would not fit in there."""
    names = [one.name for one in document.groups]
    if names != sorted(set(names)):
        yield "the names of the groups are not in order, each once"
    models = [one.model for one in document.groups]
    keys, static = models[0].names[0], [column.name for column in models[0].schema.static]
    if document.column not in (*keys.split(" · "), keys, *static):
        yield f"column is {document.column[:40]!r}, which the models do not know"
    for what, of in (
        ("schema", lambda model: model.schema), ("frequency", lambda model: model.frequency),
        ("names", lambda model: model.names), ("settings.horizon", lambda model: model.settings.horizon),
        ("quantiles", lambda model: (model.settings.quantiles, levels_of(model))),
    ):  # fmt: skip
        if any(of(model) != of(models[0]) for model in models):
            yield f"the groups differ in {what}"
