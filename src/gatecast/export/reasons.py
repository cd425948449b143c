"""What of a model cannot become a graph, why, and what to do about each: all of it at once."""

from __future__ import annotations

from collections.abc import Iterator

from gatecast.data.allowed import Bounds
from gatecast.ensemble.expert import Expert, SmoothingExpert
from gatecast.ensemble.fitted import Fitted
from gatecast.ensemble.trained import TrainedCandidate
from gatecast.errors import Argument, ConfigError, Part, Setting, joined
from gatecast.export.heads import HEADS
from gatecast.model.lstm import LSTMNetwork
from gatecast.windows.reference import LastValue, NoReference, Seasonal

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
            Setting("preset", "default", of="forecaster"),
        )
        return
    if not networks_alone:
        yield from filter(None, map(_against_untrained, fitted.blend.experts))
    if fitted.recursive:
        yield "it goes one step at a time: fit with ", Setting("recursive", False, of="forecaster")
    schema = fitted.schema
    if schema.past or schema.future or schema.static:
        named = ", ".join(repr(column.name) for column in (*schema.past, *schema.future, *schema.static))
        yield f"it reads covariates ({named}): fit without these columns"
    if any(one.plan.framing.calendar for one in fitted.candidates):
        yield "it reads the calendar: fit with ", Setting("calendar", False, of="forecaster")
    yield from _against_parts(fitted)
    if bounds.text == "auto":
        yield (
            "its bounds come from the whole history of a series: export with ",
            Setting("bounds", False, of="export"),
            ", or with a range of your own, such as ",
            Setting("bounds", (0, None), of="export"),
        )


def _against_untrained(expert: Expert) -> Part | None:
    if isinstance(expert, TrainedCandidate):
        return None
    what = "smooths the whole history" if isinstance(expert, SmoothingExpert) else "reads up to all of the history"
    return (
        f"the {expert.describe()} in its blend {what} and has no graph: export with ",
        NETWORKS,
        " to leave it out, or fit with ",
        Setting("candidates", 1, of="forecaster"),
    )


def _against_parts(fitted: Fitted) -> Iterator[Part]:
    """What is wrong with scalings, heads and networks; each said once."""
    references = [one.plan.scaling.reference for one in fitted.candidates]
    for described in dict.fromkeys(one.describe() for one in references if not isinstance(one, REFERENCES)):
        yield (
            f"the reference {described!r} reads more than a lookback of values: fit with another ",
            Argument("scaling", of="forecaster"),
            ", such as 'difference+standard'",
        )
    for loss in dict.fromkeys(one.head.about.name for one in fitted.candidates if not isinstance(one.head, HEADS)):
        remedy = Setting("loss", "pinball", of="training")
        yield f"the quantiles of the loss {loss!r} are searched for: fit with ", remedy
    networks = {type(member.network).__name__: member.network for one in fitted.candidates for member in one.members}
    for name, network in networks.items():
        if not isinstance(network, LSTMNetwork):
            yield f"a network of the kind {name} has no graph: fit with an LSTM"
