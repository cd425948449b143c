"""A ``Fitted`` as a document and arrays, and back."""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np
import torch

from gatecast.data.frequency import Frequency
from gatecast.ensemble.blend import Blend, SeriesWeights
from gatecast.ensemble.calibration import Calibration
from gatecast.ensemble.expert import Expert, SmoothingExpert
from gatecast.ensemble.fitted import FitRecord, Fitted
from gatecast.ensemble.trained import TrainedCandidate
from gatecast.errors import ConfigError, ModelFileError
from gatecast.model.config import LSTMConfig
from gatecast.model.heads import Head, make_head
from gatecast.planning.settings import Settings
from gatecast.pretrained.expert import PretrainedExpert, gate_beside
from gatecast.storage.checks import network_shape
from gatecast.storage.document import CandidateDocument, FitSummary, FittedDocument, GateDocument, MemberRecord
from gatecast.training.device import drawing, pick_device
from gatecast.training.loop import Record
from gatecast.training.member import Member, NetworkShape
from gatecast.windows.covariate_scale import CovariateScale

__all__ = ["arrays_of", "candidate_arrays", "candidate_document", "candidate_from", "document_of", "fitted_from"]


def document_of(fitted: Fitted) -> FittedDocument:
    """All of what was learned that is not a tensor."""
    blend = fitted.blend
    weighted = list(zip(blend.experts, blend.weights, strict=True))
    return FittedDocument(
        settings=_settings(fitted),
        schema=fitted.schema,
        frequency=fitted.frequency.to_text(),
        candidates=tuple(
            candidate_document(one, weight) for one, weight in weighted if isinstance(one, TrainedCandidate)
        ),
        smoothing=sum(weight for one, weight in weighted if isinstance(one, SmoothingExpert)),
        gate=next((_gate(one, weight) for one, weight in weighted if isinstance(one, PretrainedExpert)), None),
        errors=blend.errors,
        series=() if blend.own is None else blend.own.ids,
        record=FitSummary(**{name: value for name, value in vars(fitted.record).items() if name != "seconds"}),
        birth=fitted.birth,
        names=fitted.names,
        backend=fitted.backend,  # type: ignore[arg-type]  # checked when the document is read back
    )


def candidate_document(trained: TrainedCandidate, weight: float) -> CandidateDocument:
    """A candidate without its tensors."""
    if not isinstance(trained.plan.network, LSTMConfig):
        kind = type(trained.plan.network).__name__
        raise ModelFileError(f"a model file holds LSTMs alone, not the network of a {kind}.")
    return CandidateDocument(
        weight=weight,
        plan=trained.plan,
        ids=() if trained.statistics is None else trained.ids,
        calibration=_kind_of(trained.calibration),
        validation_error=trained.validation_error,
        members=tuple(_member_record(member.record) for member in trained.members),
        interrupted=trained.interrupted,
    )


def _member_record(record: Record) -> MemberRecord:
    """How a training went, without the seconds of its epochs."""
    held = dataclasses.asdict(record)
    history = [{name: number for name, number in row.items() if name != "seconds"} for row in held["history"]]
    return MemberRecord(**held | {"history": history})


def _gate(expert: PretrainedExpert, weight: float) -> GateDocument:
    return GateDocument(weight, expert.weights, expert.periods)


def _settings(fitted: Fitted) -> Settings:
    """The settings; where single ones of network or training were changed, the whole that came of it."""
    settings = fitted.settings
    if fitted.blend.untrained:
        return settings
    whole = {n: getattr(fitted.plan, n) for n in ("network", "training") if isinstance(getattr(settings, n), dict)}
    return dataclasses.replace(settings, **whole)


def _kind_of(calibration: Calibration) -> Literal["none", "stretch", "offset"]:
    if calibration.stretch_HQ is not None:
        return "stretch"
    return "none" if calibration.offset_HCQ is None else "offset"


def arrays_of(fitted: Fitted) -> dict[str, np.ndarray]:
    """The tensors of what was learned by name."""
    blend = fitted.blend
    weights = {} if blend.own is None else {"weights": blend.own.weight_NE}
    return weights | {
        f"candidate.{k}.{name}": array
        for k, trained in enumerate(blend.trained)
        for name, array in candidate_arrays(trained).items()
    }


def candidate_arrays(trained: TrainedCandidate) -> dict[str, np.ndarray]:
    """The tensors of a candidate by name."""
    optional = {
        "statistics": trained.statistics,
        "calibration.stretch": trained.calibration.stretch_HQ,
        "calibration.offset": trained.calibration.offset_HCQ,
    }
    arrays = {name: array for name, array in optional.items() if array is not None}
    arrays["covariates.location"] = trained.covariates.location_V
    arrays["covariates.spread"] = trained.covariates.spread_V
    for k, member in enumerate(trained.members):
        parameters = member.network.state_dict()
        arrays |= {f"member.{k}.{name}": tensor.cpu().numpy() for name, tensor in parameters.items()}
    return arrays


def fitted_from(document: FittedDocument, arrays: dict[str, np.ndarray]) -> Fitted:
    """What was learned. Document and arrays must have been checked."""
    trained = [
        candidate_from(document, one, _below(f"candidate.{k}.", arrays)) for k, one in enumerate(document.candidates)
    ]
    experts: list[Expert] = [*trained]
    weights = [one.weight for one in document.candidates]
    if document.gate is not None:
        experts.append(_gate_of(document, document.gate, trained))
        weights.append(document.gate.weight)
    if document.smoothing:
        plan = document.candidates[0].plan
        experts.append(SmoothingExpert(plan.framing.horizon, plan.season))
        weights.append(document.smoothing)
    own = SeriesWeights(document.series, arrays["weights"]) if document.series else None
    return Fitted(
        document.settings,
        Blend(tuple(experts), tuple(weights), document.errors, own, document.record.interrupted),
        document.schema,
        Frequency.from_text(document.frequency),
        document.names,
        document.backend,
        FitRecord(None, **vars(document.record)),
        document.birth,
    )


def _gate_of(document: FittedDocument, gate: GateDocument, trained: list[TrainedCandidate]) -> PretrainedExpert:
    if trained:
        return gate_beside(gate.periods, trained[0], gate.weights)
    return PretrainedExpert(document.settings.horizon, gate.periods, document.settings.quantiles, gate.weights)


def _below(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays whose names begin so, by the rest of their names."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def candidate_from(document: FittedDocument, one: CandidateDocument, arrays: dict[str, np.ndarray]) -> TrainedCandidate:
    """The trained members of one candidate; ``arrays`` are its own."""
    training, quantiles = one.plan.training, document.settings.quantiles
    head, offset = make_head(training.loss, quantiles), arrays.get("calibration.offset")
    levels = head.quantiles if offset is None else quantiles
    shape = network_shape(document, one)
    members = [_member(one, k, shape, head, _below(f"member.{k}.", arrays)) for k in range(len(one.members))]
    return TrainedCandidate(
        plan=one.plan,
        members=tuple(members),
        head=head,
        covariates=CovariateScale(arrays["covariates.location"], arrays["covariates.spread"]),
        statistics=arrays.get("statistics"),
        ids=one.ids,
        calibration=Calibration(levels, arrays.get("calibration.stretch"), offset),
        device=_device(training.device),
        interrupted=one.interrupted,
        validation_error=one.validation_error,
    )


def _member(
    one: CandidateDocument, k: int, shape: tuple[int, int, int, int, int], head: Head, arrays: dict[str, np.ndarray]
) -> Member:
    """A network with the weights of member k, ready to predict."""
    features, horizon, targets, _, future = shape
    with drawing(seed=0):  # a fresh network draws weights, which are replaced
        network = NetworkShape(features, horizon, targets, future).build(one.plan.network, head)
    network.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()})
    network = network.to(_device(one.plan.training.device)).eval()
    return Member(network, Record(**vars(one.members[k])))


def _device(wanted: str) -> torch.device:
    """The device of the training where this machine has it, else the best one here."""
    try:
        device = pick_device(wanted)
    except ConfigError:
        return pick_device("auto")
    here = torch.cuda.device_count() if device.type == "cuda" else 1
    return device if (device.index or 0) < here else pick_device("auto")
