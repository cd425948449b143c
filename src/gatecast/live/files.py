"""Files of live models: the model and what is kept of its series. The format is specified in docs/format.md."""

from __future__ import annotations

import numpy as np

from gatecast.data.labels import Labels
from gatecast.data.ranges import Ranges
from gatecast.data.rows import row_ranges
from gatecast.errors import ModelFileError
from gatecast.live.drift import Wagers
from gatecast.live.live import Live
from gatecast.live.scoring import HeldBack
from gatecast.storage.files import LIVE_FORM, PathLike, naming
from gatecast.storage.live import PREFIX, HeldDocument, LabelsDocument, LiveDocument
from gatecast.storage.packing import arrays_of, document_of, fitted_from

__all__ = ["load_live", "save"]


def save(live: Live, path: PathLike) -> None:
    """Write model and memory to one file, atomically. The same rows in the same order give the same bytes.

    Raises:
        ModelFileError: the file cannot be written, or holds what could not be read back.
    """
    with naming(path, "The live model was not saved."):
        LIVE_FORM.write(path, _document_of(live), arrays_of(live.fitted) | _arrays_of(live))


def load_live(path: PathLike) -> Live:
    """Read a live model: it goes on where ``Live.save`` left it. Everything is checked before anything is built.

    Raises:
        ModelFileError: there is no such file, or it is damaged, from a newer version, or contradicts itself.
    """
    with naming(path, "Get an intact copy, or begin anew with model.live(history)."):
        document, arrays = LIVE_FORM.read(path)
        return _live_from(document, arrays, str(path))


# ---------------------------------------------------------------- a live model as a document and arrays


def _document_of(live: Live) -> LiveDocument:
    memory, labels = live._memory, live._labels
    plain = [(name, value) for name, value in labels.values if _is_plain(value)]
    starts = memory.starts.astype(np.int64)  # microseconds, or whole steps
    return LiveDocument(
        model=document_of(live.fitted),
        most_missing=live.most_missing,
        wide=live._precision.wide,
        adaptive=live.adaptive,
        ids=tuple(memory.ids),
        starts=tuple(starts.tolist()),
        dropped=tuple(memory.dropped.tolist()),
        begun=tuple(live._remembered.begun.tolist()),
        lengths=tuple(memory.length.tolist()),
        observed=live._wagers.rows,
        held=tuple(HeldDocument(held.rows, held.alarms, held.left) for held in live._held),
        labels=LabelsDocument(
            labels.times, labels.keys, tuple(name for name, _ in plain), [value for _, value in plain], labels.offset
        ),
    )


def _is_plain(value: object) -> bool:
    """A name that a file can hold; others, such as dates, come out as text."""
    parts = value if isinstance(value, tuple) else (value,)
    return all(isinstance(part, str | int | float | bool) for part in parts)


def _arrays_of(live: Live) -> dict[str, np.ndarray]:
    memory, precision, remembered = live._memory, live._precision, live._remembered
    every = np.arange(len(memory))
    sums = (precision.last_NC, precision.log_NC, precision.moves_NC, precision.worst_NC)
    widths = {} if live._widths is None else {"live.widths": live._widths.factor_NCQ}
    return widths | {
        "live.rows": memory.gathered(every, memory.dropped, memory.steps),
        "live.static": memory.static_NS,
        "live.precision": np.stack(sums),
        "live.ranges": _stacked(remembered.ranges),
        "live.drift": live._wagers.state_NCW,
        "live.alarms": live._alarms.last_NCS,
        **{f"live.held.{c}": held.sizes for c, held in enumerate(live._held)},
        **{f"live.tail.{c}": held.tail for c, held in enumerate(live._held)},
        **{f"live.state.{place}": states for place, states in remembered.states.items()},
    }


def _stacked(ranges: Ranges) -> np.ndarray:
    """(N, C, 5) lowest and highest value, how often a top was reached, values that were no whole numbers."""
    ends_NC2 = np.stack([ranges.lowest_NC, ranges.highest_NC], axis=-1)
    return np.concatenate([ends_NC2, ranges.tops_NCK, ranges.parts_NC[..., None]], axis=-1)


def _live_from(document: LiveDocument, arrays: dict[str, np.ndarray], file: str) -> Live:
    """Document and arrays must have been checked."""
    fitted = fitted_from(document.model, {n: array for n, array in arrays.items() if not n.startswith(PREFIX)})
    live = Live(fitted, document.most_missing, document.adaptive)
    labels = document.labels
    values = [tuple(value) if isinstance(value, list) else value for value in labels.values]
    live._labels = Labels(labels.times, labels.keys, tuple(zip(labels.names, values, strict=True)), labels.offset)
    dropped, length = (np.array(part, np.int64) for part in (document.dropped, document.lengths))
    starts = np.array(document.starts, np.int64).astype(live._memory.starts.dtype)
    live._memory.add(list(document.ids), starts, arrays["live.static"], dropped)
    _fill(live, length, arrays)
    live._remembered.begun[:] = document.begun
    if live._widths is not None:
        live._widths.factor_NCQ = arrays["live.widths"]
    live._precision.wide = document.wide
    live._held = [
        HeldBack(arrays[f"live.held.{c}"], one.rows, one.alarms, arrays[f"live.tail.{c}"], one.left)
        for c, one in enumerate(document.held)
    ]
    live._alarms.last_NCS = arrays["live.alarms"]
    live._wagers = Wagers(len(live._held), arrays["live.drift"], document.observed)
    live._file = file
    steps = live._kept.steps
    if dropped.any() and (steps is None or (length[dropped > 0] < steps).any()):
        raise ModelFileError("a series has dropped steps that its forecasts read.")
    return live


def _fill(live: Live, length: np.ndarray, arrays: dict[str, np.ndarray]) -> None:
    """What a file holds of the series, which are in the memory by name."""
    memory, precision, remembered = live._memory, live._precision, live._remembered
    precision.add(len(memory))
    remembered.add()
    values_RV, series_R = arrays["live.rows"], np.repeat(np.arange(len(memory)), length)
    step_R = row_ranges(memory.dropped, length)
    memory.write(series_R, step_R, values_RV)
    seen_R = np.isfinite(values_RV[:, : len(live.fitted.schema.targets)]).any(axis=1)
    memory.saw(series_R[seen_R], step_R[seen_R])
    sums = precision.last_NC, precision.log_NC, precision.moves_NC, precision.worst_NC
    for held_NC, stored_NC in zip(sums, arrays["live.precision"], strict=True):
        held_NC[:] = stored_NC
    stacked_NCX = arrays["live.ranges"]
    remembered.ranges = Ranges(*(stacked_NCX[..., x] for x in (0, 1, slice(2, -1), -1)))
    for place, states in remembered.states.items():
        states[:] = arrays[f"live.state.{place}"]
