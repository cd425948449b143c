"""What of a model cannot become a graph, why, and what to do about each: all of it at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gatecast.data.allowed import Bounds
from gatecast.ensemble.expert import Expert, SmoothingExpert
from gatecast.ensemble.fitted import Fitted
from gatecast.ensemble.trained import TrainedCandidate
from gatecast.errors import ConfigError, Part, Setting, joined
from gatecast.export.heads import HEADS
from gatecast.model.lstm import LSTMNetwork
from gatecast.windows.reference import LastValue, NoReference, Reference, Seasonal

__all__ = ["reasons_against", "require_exportable"]

NETWORKS = Setting("part", "networks", of="export")
REFERENCES = (NoReference, LastValue, Seasonal)


def require_exportable(fitted: Fitted, bounds: Bounds, networks_alone: bool) -> None:
    """Raise ConfigError that names everything that cannot be exported.

    Args:
        fitted: the model.
        bounds: of the graph.
        networks_alone: the experts that were not trained are left out.
    """
    reasons = list(reasons_against(fitted, bounds, networks_alone))
    if reasons:
        raise ConfigError("this model cannot be exported: ", joined("; ", reasons), ".")


def reasons_against(fitted: Fitted, bounds: Bounds, networks_alone: bool) -> Iterator[Part]:
    """Each as the parts of a message; none where all can be exported."""
    if fitted.blend.untrained:
        yield (
            "it is the pretrained gate, whose bank of simple forecasts reads the whole history and has no graph: fit "
            "with ",
            Setting("preset", "standard", of="forecaster"),
        )
        return
    if not networks_alone:
        scaling = _scaling_with_graph(fitted)
        yield from filter(None, (_against_untrained(expert, scaling) for expert in fitted.blend.experts))
    if fitted.recursive:
        yield "it goes one step at a time: fit with ", Setting("recursive", False, of="forecaster")
    if fitted.frequency.unit == "business" and any(one.plan.framing.calendar for one in fitted.candidates):
        yield "it reads the calendar of business days: fit with ", Setting("calendar", False, of="forecaster")
    yield from _against_parts(fitted)
    if bounds.text == "auto":
        yield (
            "its bounds come from the whole history of a series: export with ",
            Setting("bounds", "none", of="export"),
            " or with a range of your own (",
            Setting("bounds", "0..", of="export"),
            " for none below 0)",
        )


def _against_untrained(expert: Expert, scaling: Setting) -> Part | None:
    if isinstance(expert, TrainedCandidate):
        return None
    what = "smooths the whole history" if isinstance(expert, SmoothingExpert) else "reads up to all of the history"
    return (
        f"the {expert.describe()} in its blend {what} and has no graph: export with ",
        NETWORKS,
        " to leave it out, or fit one candidate with ",
        scaling,
    )


def _scaling_with_graph(fitted: Fitted) -> Setting:
    """A scaling for this model that has a graph: of the heaviest candidate with one, else as its season suggests."""
    known = [one.plan.scaling for one in fitted.candidates if isinstance(one.plan.scaling.reference, REFERENCES)]
    main = fitted.plan.scaling
    anchor: Reference = Seasonal(fitted.season) if fitted.season > 1 else LastValue()
    chosen = known[0] if known else replace(main, reference=anchor)
    return Setting("scaling", chosen.describe(), of="forecaster")


def _against_parts(fitted: Fitted) -> Iterator[Part]:
    """What is wrong with scalings, heads and networks; each said once."""
    references = [one.plan.scaling.reference for one in fitted.candidates]
    for described in dict.fromkeys(one.describe() for one in references if not isinstance(one, REFERENCES)):
        yield (
            f"the reference {described!r} reads more than a lookback of values: fit with another one, such as ",
            _scaling_with_graph(fitted),
        )
    for loss in dict.fromkeys(one.head.about.name for one in fitted.candidates if not isinstance(one.head, HEADS)):
        remedy = Setting("loss", "pinball", of="training")
        yield f"the quantiles of the loss {loss!r} are searched for: fit with ", remedy
    networks = {type(member.network).__name__: member.network for one in fitted.candidates for member in one.members}
    for name, network in networks.items():
        if not isinstance(network, LSTMNetwork):
            yield f"a network of the kind {name} has no graph: fit with an LSTM"
