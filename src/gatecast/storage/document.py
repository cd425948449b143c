"""What a model file says besides its tensors, as dataclasses: their fields are the format (docs/format.md)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import Any, Literal

from gatecast.data.birth import Birth
from gatecast.data.schema import Schema
from gatecast.errors import ModelFileError
from gatecast.planning.plan import Plan
from gatecast.planning.settings import Settings
from gatecast.storage.codec import Json, decode, encode, parse, write
from gatecast.storage.container import AdvisedError

__all__ = [
    "FORMAT",
    "CandidateDocument",
    "Envelope",
    "FitSummary",
    "FittedDocument",
    "MemberRecord",
    "seal",
    "unseal",
]

FORMAT = 7


@dataclass(frozen=True)
class MemberRecord:
    """How the training of one member went: the fields of ``training.loop.Record``."""

    best_epoch: int
    best_error: float
    validation: list[float]
    interrupted: bool
    out_of_time: bool
    history: list[dict[str, float]]


@dataclass(frozen=True)
class FitSummary:
    """How a fit went: the fields of ``ensemble.fitted.FitRecord``, which needs torch, without the time it took.

    Nothing of the wall clock is stored, so that the same fit gives the same bytes.
    """

    series: int
    steps: int
    epochs: list[int]
    interrupted: bool


@dataclass(frozen=True)
class CandidateDocument:
    """One trained candidate without its tensors, whose names begin with ``candidate.`` and its number.

    Args:
        weight: of its forecasts.
        plan: what was chosen.
        ids: the series that the tensor ``statistics`` has rows for; empty without it.
        calibration: which calibration tensor there is.
        validation_error: mean absolute error on the validation fold, in output units; nan where it is not known.
        members: one record per member.
        interrupted: a stop ended its training.
    """

    weight: float
    plan: Plan
    ids: tuple[str, ...]
    calibration: Literal["none", "stretch", "offset"]
    validation_error: float
    members: tuple[MemberRecord, ...]
    interrupted: bool


@dataclass(frozen=True)
class GateDocument:
    """The pretrained gate in a blend.

    Args:
        weight: in the blend.
        weights: name of its weights, which come with the package.
        periods: seasonal periods in steps; empty = none.
    """

    weight: float
    weights: str
    periods: tuple[int, ...]


@dataclass(frozen=True)
class FittedDocument:
    """A fitted forecaster without its tensors.

    Args:
        settings: what the user asked for.
        schema: the columns and their categories.
        frequency: canonical text of the frequency.
        candidates: those that forecast together, the main one first.
        smoothing: weight of the exponential smoothing; all weights add up to 1.
        gate: the pretrained gate; null = it takes no part.
        errors: (what, validation error) of all that was compared.
        series: those with weights of their own, the rows of the tensor ``weights``; empty without it.
        record: how the training went as a whole.
        birth: what it has seen, without the data.
        names: the names of the series and time columns in the source of the training data.
        backend: the library of its frame.
    """

    settings: Settings
    schema: Schema
    frequency: str
    candidates: tuple[CandidateDocument, ...]
    smoothing: float
    gate: GateDocument | None
    errors: tuple[tuple[str, float], ...]
    series: tuple[str, ...]
    record: FitSummary
    birth: Birth
    names: tuple[str, str]
    backend: Literal["pandas", "polars", "pyarrow"]


@dataclass(frozen=True)
class Envelope:
    """The outermost object, the same for every kind of model and every later format.

    Args:
        format: version of the format.
        gatecast: version that wrote the file.
        kind: what ``model`` is.
        model: the document of that kind.
        tensors_sha256: of all tensors' bytes in the order of their names.
        sha256: of this very text, with these 64 digits written as zeros.
    """

    format: int
    gatecast: str
    kind: str
    model: Any
    tensors_sha256: str
    sha256: str


def seal(kind: str, model: Json, version: str, tensors_sha256: str) -> str:
    """The text of the file, its own digest in it."""
    envelope = Envelope(FORMAT, version, kind, model, tensors_sha256, "0" * 64)
    digest = hashlib.sha256(write(encode(envelope)).encode()).hexdigest()
    return write(encode(replace(envelope, sha256=digest)))


def unseal(text: str) -> Envelope:
    """Read the text, after checking that this version can, and that nothing in it was changed."""
    parsed = parse(text)
    version = parsed.get("format") if isinstance(parsed, dict) else None
    if type(version) is not int or version < 1:
        raise ModelFileError("does not say which version of the format it has.")
    if version > FORMAT:
        raise AdvisedError(
            f"was written by a newer version, format {str(version)[:20]}; this one reads {FORMAT}. Update gatecast."
        )
    if version < FORMAT:
        raise AdvisedError(
            f"has format {version}, from before the first release; this version reads {FORMAT}. Train anew."
        )
    envelope = decode(Envelope, parsed, "header")
    digest = envelope.sha256
    if not re.fullmatch("[0-9a-f]{64}", digest) or text.count(digest) != 1:
        raise ModelFileError("header.sha256 must be 64 hexadecimal digits that stand nowhere else.")
    if hashlib.sha256(text.replace(digest, "0" * 64).encode()).hexdigest() != digest:
        raise ModelFileError("its header was changed after it was written (SHA-256 differs).")
    return envelope
