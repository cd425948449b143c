"""A fitted Forecaster as a document and arrays, and back."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import numpy as np
import torch

from gatecast.calibration import Calibration
from gatecast.data.batches import CovariateScale
from gatecast.data.frequency import Frequency
from gatecast.errors import ConfigError
from gatecast.forecaster import Forecaster
from gatecast.model.heads import Head, make_head
from gatecast.storage.checks import network_shape
from gatecast.storage.document import ForecasterDocument, MemberRecord, PartDocument, Settings, TrainingSummary
from gatecast.training.blend import Blend, OwnShares, Part
from gatecast.training.device import pick_device
from gatecast.training.ensemble import Ensemble
from gatecast.training.loop import Record
from gatecast.training.member import Member, NetworkShape

__all__ = ["arrays_of", "document_of", "forecaster_from"]


def document_of(model: Forecaster) -> ForecasterDocument:
    """All of a fitted forecaster that is not a tensor."""
    return ForecasterDocument(
        settings=_settings(model),
        schema=model.schema_,
        frequency=model.frequency_.to_text(),
        parts=tuple(_part_document(part) for part in model.blend_.parts),
        smoothing=model.blend_.smoothing,
        errors=model.blend_.errors,
        series=() if model.blend_.own is None else model.blend_.own.ids,
        record=TrainingSummary(**model.record_),
        names=model.names_,
        backend=model.backend_,  # type: ignore[arg-type]  # checked when the document is read back
    )


def _part_document(part: Part) -> PartDocument:
    ensemble = part.ensemble
    return PartDocument(
        weight=part.weight,
        plan=part.plan,
        ids=() if ensemble.statistics is None else ensemble.ids,
        calibration=_kind_of(ensemble.calibration),
        members=tuple(MemberRecord(**dataclasses.asdict(member.record)) for member in ensemble.members),
        interrupted=ensemble.interrupted,
    )


def _settings(model: Forecaster) -> Settings:
    """The arguments; where single settings were changed, the whole that came of it."""
    arguments = _same_fields(Settings, model)
    for name in ("network", "training"):
        if isinstance(arguments[name], dict):
            arguments[name] = getattr(model.plan_, name)
    return Settings(**arguments)


def _same_fields(kind: type[Any], source: object) -> dict[str, Any]:
    return {field.name: getattr(source, field.name) for field in dataclasses.fields(kind)}


def _kind_of(calibration: Calibration) -> Literal["none", "stretch", "offset"]:
    if calibration.stretch_HQ is not None:
        return "stretch"
    return "none" if calibration.offset_HCQ is None else "offset"


def arrays_of(model: Forecaster) -> dict[str, np.ndarray]:
    """The tensors of a fitted forecaster by name."""
    blend = model.blend_
    shares = {} if blend.own is None else {"shares": blend.own.share_NK}
    return shares | {
        f"part.{k}.{name}": array
        for k, part in enumerate(blend.parts)
        for name, array in _ensemble_arrays(part.ensemble).items()
    }


def _ensemble_arrays(ensemble: Ensemble) -> dict[str, np.ndarray]:
    optional = {
        "statistics": ensemble.statistics,
        "calibration.stretch": ensemble.calibration.stretch_HQ,
        "calibration.offset": ensemble.calibration.offset_HCQ,
    }
    arrays = {name: array for name, array in optional.items() if array is not None}
    arrays["covariates.location"] = ensemble.covariates.location_V
    arrays["covariates.spread"] = ensemble.covariates.spread_V
    for k, member in enumerate(ensemble.members):
        parameters = member.network.state_dict()
        arrays |= {f"member.{k}.{name}": tensor.cpu().numpy() for name, tensor in parameters.items()}
    return arrays


def forecaster_from(document: ForecasterDocument, arrays: dict[str, np.ndarray]) -> Forecaster:
    """A fitted forecaster, without data. Document and arrays must have been checked."""
    model = Forecaster(**_same_fields(Settings, document.settings))
    parts = [
        Part(part.plan, _ensemble(document, part, _below(f"part.{k}.", arrays)), part.weight)
        for k, part in enumerate(document.parts)
    ]
    own = OwnShares(document.series, arrays["shares"]) if document.series else None
    model.blend_ = Blend(tuple(parts), document.smoothing, document.errors, own)
    model.schema_ = document.schema
    model.frequency_ = Frequency.from_text(document.frequency)
    model.history_ = model.ensemble_.history
    model.record_ = dataclasses.asdict(document.record)
    model.names_, model.backend_ = document.names, document.backend
    return model


def _below(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays whose names begin so, by the rest of their names."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _ensemble(document: ForecasterDocument, part: PartDocument, arrays: dict[str, np.ndarray]) -> Ensemble:
    """The trained members of one part; ``arrays`` are its own."""
    training, quantiles = part.plan.training, document.settings.quantiles
    head, device, offset = (
        make_head(training.loss, quantiles),
        _device(training.device),
        arrays.get("calibration.offset"),
    )
    shape = network_shape(document, part)
    members = [_member(part, k, shape, head, _below(f"member.{k}.", arrays)) for k in range(len(part.members))]
    return Ensemble(
        members=tuple(members),
        head=head,
        covariates=CovariateScale(arrays["covariates.location"], arrays["covariates.spread"]),
        statistics=arrays.get("statistics"),
        ids=part.ids,
        calibration=Calibration(
            head.quantiles if offset is None else quantiles, arrays.get("calibration.stretch"), offset
        ),
        device=device,
        interrupted=part.interrupted,
    )


def _member(
    part: PartDocument, k: int, shape: tuple[int, int, int, int, int], head: Head, arrays: dict[str, np.ndarray]
) -> Member:
    """A network with the weights of member k, ready to predict."""
    features, horizon, targets, _, future = shape
    with torch.random.fork_rng(devices=[]):  # a fresh network draws weights; the user's random numbers stay as they are
        network = NetworkShape(features, horizon, targets, future).build(part.plan.network, head)
    network.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()})
    network = network.to(_device(part.plan.training.device)).eval()
    return Member(network, Record(**_same_fields(MemberRecord, part.members[k])))


def _device(wanted: str) -> torch.device:
    """The device of the training where this machine has it, else the best one here."""
    try:
        device = pick_device(wanted)
    except ConfigError:
        return pick_device("auto")
    here = torch.cuda.device_count() if device.type == "cuda" else 1
    return device if (device.index or 0) < here else pick_device("auto")
