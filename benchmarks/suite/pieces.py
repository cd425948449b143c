"""Pieces of the default procedure, and how each is switched off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["DEFAULT", "PIECES", "Piece"]


@dataclass(frozen=True)
class Piece:
    """One piece switched off.

    Args:
        name: what is left, in words.
        settings: arguments of the Forecaster that switch it off.
        defaults: numbers of the procedure that switch it off, as ``gatecast.planning.defaults.Defaults.changed`` takes
            them, where no argument does.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)


DEFAULT = Piece("full default")
PIECES = (
    Piece("instant", {"preset": "instant"}),
    Piece("one candidate", {"candidates": 1}),
    Piece("common weights", defaults={"weights.sharpness": 0.0}),
    Piece("no calendar", {"calendar": False}),
    Piece("one year wave", defaults={"calendar.most_year_waves": 1}),
    Piece("no augmentation", {"training": {"augment": 0}}),
    Piece("smoothing for gate", defaults={"weights.pretrained": False}),
    Piece("nothing untrained", defaults={"weights.untrained": 0.0}),
    Piece("measured believed", defaults={"weights.few_spans": 0.0}),
    Piece("measured ignored", defaults={"weights.few_spans": 1e12}),
    Piece("no smooth reference", defaults={"search.smooth_references": False}),
    Piece("no logarithms", defaults={"search.logarithms": False}),
    Piece("no variants", defaults={f"variants.{name}": () for name in ("depths", "level_gains", "season_gains")}),
    Piece("very best epoch", defaults={"training.as_good": 0.0}),
    Piece("one fold", defaults={"validation.most_folds": 1}),
    Piece("lr 0.003", {"training": {"lr": 3e-3}}),
    Piece("one member", {"members": 1}),
    Piece("random start", {"training": {"start": "random"}}),
    Piece("no linear skip", {"network": {"skip": 0}}),
    Piece("last step only", {"network": {"readout": 1}}),
    Piece("two layers", {"network": {"num_layers": 2}}),
    Piece("no refit", {"refit": False}),
)
