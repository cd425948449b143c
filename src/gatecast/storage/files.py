"""Model files: save, load, describe. The format is specified in docs/format.md; nothing in a file is ever executed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from gatecast.data.frequency import Frequency
from gatecast.errors import ConfigError, InputError, ModelFileError, listed
from gatecast.evaluation.blended import GATE, SMOOTHING
from gatecast.storage.checks import check_document, check_tensors, check_values
from gatecast.storage.codec import decode, encode, parse, write
from gatecast.storage.container import AdvisedError, Container, TensorType, opened, type_of
from gatecast.storage.document import Envelope, FittedDocument, unseal
from gatecast.storage.groups import GROUPS, GroupsDocument, below, check_group_values, check_groups
from gatecast.storage.live import LIVE, LiveDocument, check_live, check_live_values
from gatecast.storage.sealed import require_untouched, write_sealed

if TYPE_CHECKING:
    from gatecast.data.schema import Column
    from gatecast.ensemble.fitted import Fitted

__all__ = [
    "GROUPS_FORM", "LIVE_FORM", "PathLike", "describe_file", "document_in", "kind_of", "load", "naming", "save",
]  # fmt: skip

FORECASTER = "forecaster"
READERS = {FORECASTER: "load()", LIVE: "load_live()", GROUPS: "load_groups(), or take the model of one group from it"}
LONGEST_MESSAGE = 600

PathLike = str | os.PathLike[str]
Document = TypeVar("Document")


@dataclass(frozen=True)
class Form(Generic[Document]):
    """What the files of one kind hold, and what must hold in them. Everything is checked before anything is built.

    Args:
        kind: of the file.
        document: the class of what it says, a dataclass.
        check: raises ModelFileError for a document that contradicts itself, or does not go with the tensors.
        check_values: raises ModelFileError where a tensor holds a number that cannot be there.
    """

    kind: str
    document: type[Document]
    check: Callable[[Document, Mapping[str, TensorType]], None]
    check_values: Callable[[Document, Mapping[str, np.ndarray]], None]

    def write(self, path: PathLike, value: Document, arrays: Mapping[str, np.ndarray]) -> None:
        """Write a file, atomically, that can be read back. The same value gives the same bytes."""
        written = encode(value)
        document = decode(self.document, parse(write(written)), "model")
        self.check(document, {name: type_of(array) for name, array in arrays.items()})
        self.check_values(document, arrays)
        write_sealed(Path(path), self.kind, written, arrays)

    def read(self, path: PathLike) -> tuple[Document, dict[str, np.ndarray]]:
        """What a file holds."""
        with opened(Path(path)) as container:
            envelope = _unsealed(container, self.kind)
            document = self.header(envelope, container)
            arrays = container.arrays()
        self.check_values(document, arrays)
        require_untouched(envelope, arrays)
        return document, arrays

    def header(self, envelope: Envelope, container: Container) -> Document:
        """What an open file says, without its tensors."""
        document = decode(self.document, envelope.model, "model")
        self.check(document, container.tensors)
        return document


def _check(document: FittedDocument, tensors: Mapping[str, TensorType]) -> None:
    check_document(document)
    check_tensors(document, tensors)


MODEL_FORM = Form(FORECASTER, FittedDocument, _check, lambda _, arrays: check_values(arrays))
LIVE_FORM = Form(LIVE, LiveDocument, check_live, check_live_values)
GROUPS_FORM = Form(GROUPS, GroupsDocument, check_groups, check_group_values)


def save(fitted: Fitted, path: PathLike) -> None:
    """Write what was learned to a file, atomically. No data is stored. The same model gives the same bytes.

    Raises:
        ModelFileError: the file cannot be written, or the model holds what could not be read back.
    """
    from gatecast.storage.packing import arrays_of, document_of

    with naming(path, "The model was not saved."):
        MODEL_FORM.write(path, document_of(fitted), arrays_of(fitted))


def load(path: PathLike) -> Fitted:
    """Read what was learned from a file. Everything is checked before anything is built.

    Raises:
        ModelFileError: there is no such file, or it is damaged, from a newer version, or contradicts itself.
    """
    with naming(path, "Get an intact copy, or train the model again."):
        document, arrays = MODEL_FORM.read(path)
        from gatecast.storage.packing import fitted_from

        return fitted_from(document, arrays)


def describe_file(path: PathLike) -> dict[str, Any]:
    """What a model file holds, from its header alone, as plain data; needs no torch.

    Raises:
        ModelFileError: as ``load``, save for what only the tensors' values show.
    """
    with naming(path, "Get an intact copy, or train the model again."), opened(Path(path)) as container:
        envelope = unseal(container.text)
        return {
            "file": str(path),
            "bytes": Path(path).stat().st_size,
            "format": envelope.format,
            "gatecast": envelope.gatecast,
            "kind": envelope.kind,
            **(_groups_described if envelope.kind == GROUPS else _model_described)(envelope, container),
            "parameters": _parameters(container.tensors),
            "tensors": len(container.tensors),
        }


def kind_of(path: PathLike) -> str:
    """What a file says that it holds: "forecaster", "live", "groups". Raises ModelFileError where it is damaged."""
    with naming(path, "Get an intact copy, or train the model again."), opened(Path(path)) as container:
        return unseal(container.text).kind


def require_no_groups(path: PathLike, taker: str) -> None:
    """Raise ConfigError for a file with a model for each group, where ``taker`` takes a single one."""
    if kind_of(path) != GROUPS:
        return
    names = [one["name"] for one in describe_file(path)["groups"]]
    raise ConfigError(
        f"{path} holds a model for each of {listed(names, 5)}, and {taker} takes one. Write the model of one group to "
        f"a file of its own, in Python: gatecast.load_groups({str(path)!r}).parts_[{names[0]!r}].model.save("
        "'one.gatecast')."
    )


def _parameters(tensors: Mapping[str, TensorType]) -> int:
    """Weights of all networks."""
    return sum(tensor.size for name, tensor in tensors.items() if ".member." in f".{name}")


def _model_described(envelope: Envelope, container: Container) -> dict[str, Any]:
    document, about = _model_in(envelope, container)
    return about | _described(document)


def _groups_described(envelope: Envelope, container: Container) -> dict[str, Any]:
    """The column, and of each group its verdict and its model."""
    document = GROUPS_FORM.header(envelope, container)
    about = [_described(one.model) for one in document.groups]
    common = ("horizon", "targets", "past", "future", "static", "frequency", "step")
    return {
        "column": document.column,
        "groups": [
            {
                "name": one.name,
                "judgement": encode(one.judgement),
                "verdict": one.verdict,
                "parameters": _parameters(below(k, container.tensors)),
                **{key: value for key, value in told.items() if key not in common},
            }
            for k, (one, told) in enumerate(zip(document.groups, about, strict=True))
        ],
        **{key: about[0][key] for key in common},
    }


def document_in(path: PathLike) -> FittedDocument:
    """The model in a file of either kind, from its header alone. Raises ModelFileError as ``describe_file`` does."""
    with naming(path, "Get an intact copy, or train the model again."), opened(Path(path)) as container:
        return _model_in(unseal(container.text), container)[0]


def _model_in(envelope: Envelope, container: Container) -> tuple[FittedDocument, dict[str, Any]]:
    """The model of a file of either kind, and what a live one holds besides."""
    if envelope.kind != LIVE:
        return MODEL_FORM.header(_unsealed(container, FORECASTER), container), {}
    live = LIVE_FORM.header(envelope, container)
    return live.model, {"series": len(live.ids), "steps": sum(live.lengths)}


def _described(document: FittedDocument) -> dict[str, Any]:
    schema = document.schema
    main = document.candidates[0] if document.candidates else None
    trained = f"until {document.birth.describe(Frequency.from_text(document.frequency))}"
    trained += "".join(
        f"; further than {one.until} ({one.metric.upper()} {one.before:.3g} before, {one.after:.3g} after)"
        for one in document.birth.lineage
    )
    return {
        "plan": GATE if main is None else main.plan.describe(),
        "horizon": document.settings.horizon,
        "trained": trained,
        "birth": _birth(document),
        "blend": _blend(document),
        "settings": encode(document.settings),
        "chosen": None if main is None else encode(main.plan),
        "targets": list(schema.targets),
        "past": _columns(schema.past),
        "future": _columns(schema.future),
        "static": _columns(schema.static),
        "frequency": document.frequency,
        "step": Frequency.from_text(document.frequency).name,
        "members": 0 if main is None else len(main.members),
        "epochs": [] if main is None else [member.best_epoch for member in main.members],
        "calibration": "none" if main is None else main.calibration,
        "record": encode(document.record),
        "interrupted": any(one.interrupted for one in document.candidates),
    }


def _birth(document: FittedDocument) -> dict[str, Any]:
    """What the training saw, and until when by series."""
    birth = document.birth
    ends = [{"until": text, "series": list(names)} for text, names in birth.ends]
    return {
        "ends": ends,
        "data_sha256": birth.data_sha256,
        "versions": dict(birth.versions),
        "lineage": [vars(one) for one in birth.lineage],
    }


def _blend(document: FittedDocument) -> dict[str, Any]:
    """What forecasts together, each with its weight, and the validation errors that the weights came from."""
    experts: list[dict[str, Any]] = [
        {"weight": one.weight, "name": one.plan.describe(), "members": len(one.members), "chosen": encode(one.plan)}
        for one in document.candidates
    ]
    if document.gate is not None:
        experts.append({"weight": document.gate.weight, "name": GATE})
    if document.smoothing:
        experts.append({"weight": document.smoothing, "name": SMOOTHING})
    return {"experts": experts, "errors": encode(document.errors), "own_weights": len(document.series)}


def _columns(columns: tuple[Column, ...]) -> list[dict[str, Any]]:
    return [{"name": c.name, "categories": None if c.categories is None else list(c.categories)} for c in columns]


def _unsealed(container: Container, kind: str) -> Envelope:
    """The envelope of an open file. Raises ModelFileError where it holds something else."""
    envelope = unseal(container.text)
    if envelope.kind in READERS and envelope.kind != kind:
        raise AdvisedError(f"holds a {envelope.kind!r}; this reads a {kind!r}. Use {READERS[envelope.kind]}.")
    if envelope.kind != kind:
        raise ModelFileError(f"holds a {envelope.kind[:40]!r}; this version reads {', '.join(READERS)}.")
    return envelope


@contextmanager
def naming(path: PathLike, remedy: str) -> Iterator[None]:
    """Every failure becomes one line with the file's name and what to do."""
    try:
        yield
    except InputError as error:
        line = " ".join(str(error).split())
        line = line if len(line) <= LONGEST_MESSAGE else f"{line[:LONGEST_MESSAGE]}..."
        raise ModelFileError(f"{path}: {line}{'' if isinstance(error, AdvisedError) else f' {remedy}'}") from error
