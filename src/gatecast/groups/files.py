"""One file for the models of all groups. The format is specified in docs/format.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gatecast.groups.part import Part
from gatecast.storage.files import GROUPS_FORM, PathLike, naming
from gatecast.storage.groups import GroupDocument, GroupsDocument, below, prefix_of
from gatecast.storage.packing import arrays_of, document_of, fitted_from

if TYPE_CHECKING:
    from gatecast.groups.part import Parts

__all__ = ["read_parts", "write_parts"]


def write_parts(column: str, parts: Mapping[str, Part], path: PathLike) -> None:
    """Write all models to one file, atomically. The same models give the same bytes.

    Raises:
        ModelFileError: the file cannot be written, or holds what could not be read back.
    """
    with naming(path, "The models were not saved."):
        groups = [GroupDocument(n, p.judgement, p.verdict, document_of(p.model.fitted_)) for n, p in parts.items()]
        arrays = {
            prefix_of(k) + name: array
            for k, part in enumerate(parts.values())
            for name, array in arrays_of(part.model.fitted_).items()
        }
        GROUPS_FORM.write(path, GroupsDocument(column, tuple(groups)), arrays)


def read_parts(path: PathLike) -> tuple[str, Parts]:
    """The column and the models of a file. Everything is checked before anything is built.

    Raises:
        ModelFileError: there is no such file, or it is damaged, from a newer version, or contradicts itself.
    """
    with naming(path, "Get an intact copy, or train the models again."):
        document, arrays = GROUPS_FORM.read(path)
        return document.column, {
            one.name: Part.of(fitted_from(one.model, below(k, arrays)), str(path), one.judgement, one.verdict)
            for k, one in enumerate(document.groups)
        }
