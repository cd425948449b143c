"""What the file of a live model says besides its tensors, and what must hold in it (docs/format.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from gatecast.data.frequency import Frequency
from gatecast.data.labels import Spelling
from gatecast.data.schema import width_of
from gatecast.errors import ModelFileError, listed
from gatecast.forecasts.following import NARROWEST, WIDEST
from gatecast.storage.checks import check_document, check_tensors, check_values, levels_of
from gatecast.storage.container import TensorType
from gatecast.storage.document import FittedDocument

__all__ = ["LIVE", "HeldDocument", "LabelsDocument", "LiveDocument", "check_live", "check_live_values"]

LIVE = "live"
PREFIX = "live."
HELD = ("held", "tail")  # errors that are held back, and those of them that say how far out one is
MOST_HELD = 10_000
MOST_STEPS = 2**40
EARLIEST, LATEST = -62_135_596_800_000_000, 253_402_300_799_999_999  # microseconds: the years 1 to 9999
DAY = 86_400_000_000
WAGERS = 6  # numbers of the test for drift, of each series and target


@dataclass(frozen=True)
class HeldDocument:
    """Held-back errors of one target, without the tensors of their sizes."""

    rows: int
    alarms: int
    left: int


@dataclass(frozen=True)
class LabelsDocument:
    """How the data write their series and times: the fields of ``data.labels.Labels``, ``values`` in two lists."""

    times: tuple[Spelling, ...]
    keys: tuple[str, ...]
    names: tuple[str, ...]
    values: list[Any]
    offset: str


@dataclass(frozen=True)
class LiveDocument:
    """A live model without its tensors.

    Args:
        model: what forecasts.
        most_missing: steps that may be missing in a row.
        wide: the history came in float64.
        adaptive: the widths of intervals follow what is observed.
        ids: names of the N series.
        starts: time of the first step of each, a whole number or microseconds since 1970.
        dropped: steps of each that are kept no more.
        begun: of these, those before its first observed target.
        lengths: steps of each that are kept.
        held: of each target.
        observed: rows that the test for drift has seen.
        labels: how series and times are written.
    """

    model: FittedDocument
    most_missing: int
    wide: bool
    adaptive: bool
    ids: tuple[str, ...]
    starts: tuple[int, ...]
    dropped: tuple[int, ...]
    begun: tuple[int, ...]
    lengths: tuple[int, ...]
    held: tuple[HeldDocument, ...]
    observed: int
    labels: LabelsDocument


def check_live(document: LiveDocument, found: Mapping[str, TensorType]) -> None:
    """Raise ModelFileError with every contradiction found, before anything is built from the document."""
    check_document(document.model)
    own = {name: kind for name, kind in found.items() if name.startswith(PREFIX)}
    check_tensors(document.model, {name: kind for name, kind in found.items() if name not in own})
    _tell([*_counts(document), *_labels(document.labels)])
    _tell([*_times(document), *_tensors(document, own)])


def _counts(document: LiveDocument) -> Iterator[str]:
    lists = {name: getattr(document, name) for name in ("starts", "dropped", "begun", "lengths")}
    count = len(document.ids)
    yield from (f"{name} has {len(held)} entries for {count} series" for name, held in lists.items()
                if len(held) != count)  # fmt: skip
    if len(set(document.ids)) < count:
        yield "ids holds a name twice"
    if len(document.held) != len(document.model.schema.targets):
        yield f"held has {len(document.held)} entries for {len(document.model.schema.targets)} targets"
    counted = [document.most_missing, document.observed, *document.dropped, *document.begun]
    if min(counted) < 0 or min([*document.lengths, 1]) < 1:
        yield "a number of steps is below 0, or a series has no row"
    elif any(begun > dropped for begun, dropped in zip(document.begun, document.dropped, strict=False)):
        yield "begun is more than dropped"
    if max([document.most_missing, *document.dropped, *document.lengths, 0]) > MOST_STEPS:
        yield f"a number of steps is above {MOST_STEPS:,}"
    if any(not 0 <= count <= one.rows for one in document.held for count in (one.alarms, one.left)):
        yield "held has more alarms than rows"


def _labels(labels: LabelsDocument) -> Iterator[str]:
    if len(labels.names) != len(labels.values):
        yield "labels.names and labels.values have different lengths"
    width = len(labels.keys)
    for value in labels.values:
        parts = value if isinstance(value, list) and len(value) == width else [value]
        if not all(isinstance(part, str | int | float | bool) for part in parts):
            yield "labels.values holds what is no name"
            return


def _times(document: LiveDocument) -> Iterator[str]:
    """Every time that will be computed has to be one."""
    frequency, horizon = Frequency.from_text(document.model.frequency), document.model.settings.horizon
    per_step = {"step": 1, "fixed": 1, "business": 3 * DAY, "month": 31 * DAY}[frequency.unit] * frequency.count
    low, high = (-(2**62), 2**62) if frequency.unit == "step" else (EARLIEST, LATEST)
    steps = zip(document.starts, document.dropped, document.lengths, strict=True)
    ends = [start + (dropped + length + horizon) * per_step for start, dropped, length in steps]
    if ends and not (low <= min(document.starts) and max(ends) <= high):
        yield "starts lead to times that there are not"


def _tensors(document: LiveDocument, found: Mapping[str, TensorType]) -> Iterator[str]:
    """Names, dtypes and shapes."""
    wanted = _wanted(document)
    for name, rows in ((f"live.{what}.{c}", one.rows) for c, one in enumerate(document.held) for what in HELD):
        kind = found.get(name)
        if kind is not None and len(kind.shape) == 1 and kind.size <= min(MOST_HELD, rows):
            wanted[name] = kind.shape
    yield from (f"tensor {name!r} is missing" for name in sorted(wanted.keys() - found.keys()))
    yield from (f"tensor {name!r} is unknown" for name in sorted(found.keys() - wanted.keys()))
    for name in sorted(wanted.keys() & found.keys()):
        if found[name] != TensorType("F64", wanted[name]):
            yield f"tensor {name!r} is {found[name]} instead of F64 {list(wanted[name])}"


def _wanted(document: LiveDocument) -> dict[str, tuple[int, ...]]:
    """Shape of every tensor."""
    schema, count = document.model.schema, len(document.ids)
    targets = len(schema.targets)
    wanted: dict[str, tuple[int, ...]] = {
        "live.rows": (sum(document.lengths), schema.width),
        "live.static": (count, width_of(schema.static)),
        "live.precision": (4, count, targets),
        "live.ranges": (count, targets, 5),
        "live.drift": (count + 1, targets, WAGERS),
        "live.alarms": (count, targets, 2),
        **{f"live.{what}.{c}": (0,) for c in range(targets) for what in HELD},
    }
    if document.adaptive:
        wanted["live.widths"] = (count, targets, levels_of(document.model))
    for place, one in enumerate(document.model.candidates):
        reference = one.plan.scaling.reference
        if reference.goes_on:
            wanted[f"live.state.{place}"] = (count, *reference.state_shape(schema))
    return wanted


def check_live_values(document: LiveDocument, arrays: Mapping[str, np.ndarray]) -> None:
    """Raise ModelFileError where a tensor holds a number that cannot be there."""
    check_values({name: array for name, array in arrays.items() if not name.startswith(PREFIX)})
    own = {name: array for name, array in arrays.items() if name.startswith(PREFIX)}
    problems = [f"tensor {name!r} holds infinite numbers" for name, array in own.items() if np.isinf(array).any()]
    whole = ["live.static", "live.drift", *(f"live.{what}.{c}" for c in range(len(document.held)) for what in HELD)]
    problems += [f"tensor {name!r} holds NaN" for name in whole if np.isnan(own[name]).any()]
    alarms_NCS = own["live.alarms"]
    ends_N11 = np.add(document.dropped, document.lengths).reshape(-1, 1, 1)
    if not ((alarms_NCS >= -1) & (alarms_NCS < ends_N11) & (alarms_NCS == np.rint(alarms_NCS))).all():
        problems.append("tensor 'live.alarms' holds what is no step of its series")
    tails = own["live.precision"][2:], own["live.ranges"][..., 2:], own["live.drift"][..., 3:]
    counts = [*(own[name] for name in whole[2:]), *tails]
    if any((counted < 0).any() for counted in counts):
        problems.append("a count or a size is below 0")
    if document.adaptive and not ((own["live.widths"] >= NARROWEST) & (own["live.widths"] <= WIDEST)).all():
        problems.append(f"tensor 'live.widths' holds factors that are not between {NARROWEST:g} and {WIDEST:g}")
    shares_NC = own["live.drift"][..., 3:].sum(axis=-1)
    if not np.allclose(shares_NC, 1.0, atol=1e-6):
        problems.append("shares of tensor 'live.drift' do not add up to 1")
    targets_RC = own["live.rows"][:, : len(document.model.schema.targets)]
    logarithms = any(one.plan.scaling.log for one in document.model.candidates)
    if logarithms and (targets_RC <= 0).any():
        problems.append("tensor 'live.rows' holds targets that have no logarithm")
    ends = np.cumsum([0, *document.lengths])
    starts = [begin for (begin, _), dropped in zip(pairwise(ends), document.dropped, strict=True) if dropped]
    states = [array for name, array in own.items() if name.startswith("live.state.")]
    if states and not np.isfinite(targets_RC[starts]).all():
        problems.append("a series with dropped steps does not begin with an observed one")
    _tell(problems)


def _tell(problems: list[str]) -> None:
    if problems:
        raise ModelFileError(f"{listed(problems, 4)}.")
