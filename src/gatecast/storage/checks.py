"""What must hold in a model file beyond the types of its fields: ranges, what goes together, and the tensors."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from gatecast.data.frequency import Frequency
from gatecast.data.schema import Schema, width_of
from gatecast.errors import InputError, ModelFileError, listed
from gatecast.model.config import LSTMConfig
from gatecast.model.losses import loss_named
from gatecast.model.networks import parameter_shapes
from gatecast.planning.settings import LONGEST
from gatecast.pretrained.weights import names
from gatecast.storage.container import TensorType
from gatecast.storage.document import CandidateDocument, FittedDocument, GateDocument
from gatecast.windows.calendar import waves_of
from gatecast.windows.channels import Layout

__all__ = ["check_document", "check_tensors", "check_values", "features", "levels_of", "network_shape"]

MOST_CANDIDATES = 64
MOST_PERIODS, MOST_STEPS = 4, 10**6


def check_document(document: FittedDocument) -> None:
    """Raise ModelFileError with every contradiction found, before anything is built from the document."""
    instant = document.settings.instant
    least, most = (0, 0) if instant else (1, MOST_CANDIDATES)
    if not least <= len(document.candidates) <= most:
        raise ModelFileError(f"there are {len(document.candidates)} candidates ({least} to {most}).")
    if instant and (document.gate is None or document.smoothing):
        raise ModelFileError("settings.preset is 'instant', but the gate is not what forecasts.")
    problems = [*_schema(document.schema), *_blend(document), *_record(document)]
    for k, one in enumerate(document.candidates):
        found = [*_plan(document, one), *_names(document, one), *_members(one)]
        problems += found if len(document.candidates) == 1 else [f"candidate {k}: {problem}" for problem in found]
    _tell(problems)
    _frequency(document.frequency)
    _tell(list(_birth(document)))
    _tell([problem for one in document.candidates for problem in _calendar(document, one)])


def _blend(document: FittedDocument) -> Iterator[str]:
    trained, gate = document.candidates, document.gate
    others = document.smoothing + (gate.weight if gate is not None else 0)
    weights = [*(one.weight for one in trained), *([gate.weight] if gate is not None else []), document.smoothing]
    if gate is not None:
        yield from _gate(gate)
    if not all(0 <= weight < math.inf for weight in weights):
        yield f"the weights of the experts are {listed(weights)}, not all of them 0 or more"
    elif abs(sum(weights) - 1) > 1e-6:
        yield f"the weights of the experts add up to {sum(weights):.9g}, not to 1"
    if document.series:
        yield from _once("series", document.series)
    if document.settings.recursive and (len(trained) > 1 or others):
        yield "settings.recursive is true, which a blend cannot be"
    if len({_levels(document, one) for one in trained}) > 1:
        yield "the candidates do not forecast the same quantiles"
    yield from (f"the error of {name[:40]!r} is {error}" for name, error in document.errors if not math.isfinite(error))


def _gate(gate: GateDocument) -> Iterator[str]:
    if gate.weights not in names():
        yield f"gate.weights is {gate.weights[:40]!r}; this version has {listed(names())}"
    if not all(1 < period < MOST_STEPS for period in gate.periods) or len(gate.periods) > MOST_PERIODS:
        yield f"gate.periods are {listed(list(gate.periods), 9)}, not a few periods of 2 steps or more"


def levels_of(document: FittedDocument) -> int:
    """Number of quantiles that a model forecasts."""
    return _levels(document, document.candidates[0]) if document.candidates else len(document.settings.quantiles)


def _levels(document: FittedDocument, one: CandidateDocument) -> int:
    """Number of quantiles that a candidate forecasts: a point loss without calibration has the middle one alone."""
    point = loss_named(one.plan.training.loss).kind == "point" and one.calibration == "none"
    return 1 if point else len(document.settings.quantiles)


def _plan(document: FittedDocument, one: CandidateDocument) -> Iterator[str]:
    settings, plan = document.settings, one.plan
    framing, scaling = plan.framing, plan.scaling
    spans = {
        "settings.horizon": settings.horizon,
        "plan.framing.lookback": framing.lookback,
        "plan.framing.horizon": framing.horizon,
        "plan.framing.training_origins": framing.training_origins,
        "plan.framing.year_waves": framing.year_waves,
        **{f"plan.scaling.{name}": value for name, value in vars(scaling.reference).items() if isinstance(value, int)},
        "plan.season": plan.season,
    }
    yield from (f"{name} is {value} (1 to {LONGEST:,})" for name, value in spans.items() if not 1 <= value <= LONGEST)
    if framing.horizon != (1 if settings.recursive else settings.horizon):
        yield f"plan.framing.horizon is {framing.horizon}, which settings.horizon {settings.horizon} does not ask for"
    if max(framing.training_origins, plan.network.patch) > framing.lookback:
        yield f"plan.framing.lookback is {framing.lookback}, less than network.patch or framing.training_origins"
    if plan.network.bidirectional:
        yield "plan.network.bidirectional is true, which no forecast can be"
    for name, number in (("plan.scaling.unit", scaling.unit), ("plan.penalty", plan.penalty)):
        if not 0 < number < math.inf:
            yield f"{name} is {number} (above 0, finite)"
    width = len(document.schema.targets)
    if plan.spread and (len(plan.spread) != framing.horizon or any(len(row) != width for row in plan.spread)):
        yield f"plan.spread does not have {framing.horizon} rows of {width} numbers"
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d{1,3})?", plan.training.device):
        yield f"plan.training.device is {plan.training.device[:40]!r} (auto, cpu, cuda, cuda:1 or mps)"


def _schema(schema: Schema) -> Iterator[str]:
    covariates = [*schema.past, *schema.future, *schema.static]
    yield from _once("schema.targets", schema.targets)
    yield from _once("schema", [*schema.targets, *(column.name for column in covariates)])
    for column in covariates:
        if column.categories is not None:
            yield from _once(f"the categories of {column.name[:40]!r}", column.categories)


def _once(what: str, names: Iterable[str]) -> Iterator[str]:
    """A list of names must hold one at least, and none twice."""
    names = list(names)
    if not names:
        yield f"{what} is empty"
    if len(set(names)) < len(names):
        yield f"{what} holds a name twice"


def _names(document: FittedDocument, one: CandidateDocument) -> Iterator[str]:
    plan = one.plan
    if plan.scaling.fitted:
        yield from _once("ids", one.ids)
    elif one.ids:
        yield "ids is not empty though the scaling is not fitted"
    if one.calibration == ("stretch" if loss_named(plan.training.loss).kind == "point" else "offset"):
        yield f"calibration is {one.calibration!r}, which does not go with the loss {plan.training.loss!r}"
    if plan.scaling.category is not None:
        try:
            document.schema.category_slice(plan.scaling.category)
        except InputError as error:
            yield f"plan.scaling.category: {str(error).removesuffix('.')}"


def _record(document: FittedDocument) -> Iterator[str]:
    record = document.record
    if min(record.series, record.steps, *record.epochs, 0) < 0:
        yield "record holds a number below 0"


def _birth(document: FittedDocument) -> Iterator[str]:
    birth = document.birth
    if not re.fullmatch("[0-9a-f]{64}", birth.data_sha256):
        yield "birth.data_sha256 is not 64 hexadecimal digits"
    problem = birth.problem(Frequency.from_text(document.frequency))
    if problem:
        yield problem
    elif sum(len(names) for _, names in birth.ends) != document.record.series:
        yield "birth.ends does not name as many series as record.series says"


def _members(one: CandidateDocument) -> Iterator[str]:
    plan = one.plan
    if not 1 <= len(one.members) <= plan.members:
        yield f"there are {len(one.members)} members; the plan has {plan.members}"
    for k, member in enumerate(one.members):
        if not 0 <= member.best_epoch <= plan.training.max_epochs:
            yield f"members[{k}].best_epoch is {member.best_epoch} (0 to {plan.training.max_epochs})"


def _frequency(text: str) -> None:
    try:
        frequency = Frequency.from_text(text)
        if frequency.timezone is not None:
            ZoneInfo(frequency.timezone)
    except (InputError, ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ModelFileError(f"frequency is {text[:40]!r}, which cannot be read ({error}).") from error
    if frequency.count >= 2**53 or frequency.to_text() != text:
        raise ModelFileError(f"frequency is {text[:40]!r}, not as it would be written.")


def _calendar(document: FittedDocument, one: CandidateDocument) -> Iterator[str]:
    cycles = one.plan.framing.calendar
    waves = _waves(document, one)
    if len(set(cycles)) < len(cycles) or not all(waves):
        yield f"plan.framing.calendar is {listed(cycles)}, which steps of {document.frequency} do not have once each"


def _waves(document: FittedDocument, one: CandidateDocument) -> tuple[int, ...]:
    framing = one.plan.framing
    return waves_of(framing.calendar, Frequency.from_text(document.frequency), framing.year_waves)


# ---------------------------------------------------------------- tensors


def features(document: FittedDocument, one: CandidateDocument) -> int:
    """Channels of the networks' context, as ``WindowReader.features`` counts them on a panel."""
    frequency = Frequency.from_text(document.frequency)
    return Layout(document.schema, one.plan.scaling, one.plan.framing, frequency).features


def network_shape(document: FittedDocument, one: CandidateDocument) -> tuple[int, int, int, int, int]:
    """Features, horizon, targets, raw outputs and future channels: what ``parameter_shapes`` takes."""
    schema, plan = document.schema, one.plan
    raws = loss_named(plan.training.loss).raw_outputs(len(document.settings.quantiles))
    return features(document, one), plan.framing.horizon, len(schema.targets), raws, width_of(schema.future)


def check_tensors(document: FittedDocument, found: Mapping[str, TensorType]) -> None:
    """Raise ModelFileError unless exactly the tensors are there that the document needs, each of its shape and dtype.

    What is there bounds what will be allocated: sizes that the file does not hold are never believed.
    """
    wanted: dict[str, tuple[tuple[str, ...], tuple[int, ...]]] = {}
    if document.series:
        experts = len(document.candidates) + bool(document.smoothing) + (document.gate is not None)
        wanted["weights"] = (("F32",), (len(document.series), experts))
    for k, one in enumerate(document.candidates):
        network = one.plan.network
        layers = network.num_layers if isinstance(network, LSTMConfig) else 1
        if layers * len(one.members) > len(found):
            raise ModelFileError(f"plan.network.num_layers is {layers}; there are fewer tensors.")
        wanted |= {f"candidate.{k}.{name}": kind for name, kind in _wanted(document, one).items()}
    missing, extra = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
    problems = [f"tensor {name!r} is missing" for name in missing] + [f"tensor {name!r} is unknown" for name in extra]
    for name in sorted(wanted.keys() & found.keys()):
        dtypes, shape = wanted[name]
        if found[name].dtype not in dtypes or found[name].shape != shape:
            problems.append(f"tensor {name!r} is {found[name]} instead of {' or '.join(dtypes)} {list(shape)}")
    _tell(problems)


def _wanted(document: FittedDocument, one: CandidateDocument) -> dict[str, tuple[tuple[str, ...], tuple[int, ...]]]:
    """Allowed dtypes and shape of every tensor of a one."""
    schema, plan = document.schema, one.plan
    covariates = width_of((*schema.past, *schema.future, *schema.static))
    single, double, either = ("F32",), ("F64",), ("F32", "F64")
    wanted: dict[str, tuple[tuple[str, ...], tuple[int, ...]]] = {
        "covariates.location": (either, (covariates,)),
        "covariates.spread": (either, (covariates,)),
    }
    if plan.scaling.fitted:
        wanted["statistics"] = (either, (len(one.ids), 3, len(schema.targets)))
    levels = len(document.settings.quantiles)
    if one.calibration == "stretch":
        wanted["calibration.stretch"] = (double, (plan.framing.horizon, levels))
    if one.calibration == "offset":
        wanted["calibration.offset"] = (single, (plan.framing.horizon, len(schema.targets), levels))
    shapes = parameter_shapes(plan.network, *network_shape(document, one))
    for k in range(len(one.members)):
        wanted |= {f"member.{k}.{name}": (single, shape) for name, shape in shapes.items()}
    return wanted


def check_values(arrays: Mapping[str, np.ndarray]) -> None:
    """Raise ModelFileError where a tensor holds a NaN or infinite number, or a spread that is not above 0."""
    problems = [
        f"tensor {name!r} holds NaN or infinite numbers" for name, a in arrays.items() if not np.isfinite(a).all()
    ]
    positive = {name: a for name, a in arrays.items() if name.endswith((".covariates.spread", ".calibration.stretch"))}
    positive |= {name: a[:, 1:] for name, a in arrays.items() if name.endswith(".statistics")}
    problems += [
        f"tensor {name!r} holds spreads that are not above 0" for name, a in positive.items() if not (a > 0).all()
    ]
    share_NK = arrays.get("weights")
    if share_NK is not None and not ((share_NK >= 0).all() and np.allclose(share_NK.sum(axis=1), 1, atol=1e-4)):
        problems.append("tensor 'weights' holds weights below 0, or some that do not add up to 1")
    _tell(problems)


def _tell(problems: list[str]) -> None:
    if problems:
        raise ModelFileError(f"{listed(problems, 4)}.")
