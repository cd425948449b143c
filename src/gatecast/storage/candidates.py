"""One trained candidate as a sealed file: how it travels from a worker, in the form that model files have."""

from __future__ import annotations

from pathlib import Path

from gatecast.data.birth import Birth
from gatecast.data.panel import Panel
from gatecast.ensemble.trained import TrainedCandidate
from gatecast.errors import ModelFileError
from gatecast.planning.settings import Settings
from gatecast.storage.codec import decode
from gatecast.storage.document import CandidateDocument, FitSummary, FittedDocument
from gatecast.storage.packing import candidate_arrays, candidate_document, candidate_from
from gatecast.storage.sealed import read_sealed, write_sealed

__all__ = ["read_candidate", "write_candidate"]

KIND = "candidate"


def write_candidate(trained: TrainedCandidate, path: Path) -> None:
    """Write a candidate, atomically."""
    write_sealed(path, KIND, candidate_document(trained, 1.0), candidate_arrays(trained))


def read_candidate(path: Path, quantiles: tuple[float, ...], panel: Panel) -> TrainedCandidate:
    """Read a candidate.

    Args:
        path: of the file.
        quantiles: levels that the fit gives out.
        panel: of the columns that it was trained on.

    Raises:
        ModelFileError: the file is damaged, or holds something else.
    """
    envelope, arrays = read_sealed(path)
    if envelope.kind != KIND:
        raise ModelFileError(f"{path.name} holds no candidate.")
    one = decode(CandidateDocument, envelope.model, KIND)
    document = FittedDocument(
        Settings(one.plan.framing.horizon, quantiles=quantiles), panel.schema, panel.frequency.to_text(), (one,), 0.0,
        None, (), (), FitSummary(0, 0, [], False), Birth((), "", {}), panel.names, "polars",
    )  # fmt: skip
    return candidate_from(document, one, arrays)
