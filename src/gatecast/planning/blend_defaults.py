"""The numbers that decide what follows the choice of candidates: their training, their weights, their intervals."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["AugmentationDefaults", "CalibrationDefaults", "TrainingDefaults", "ValidationDefaults", "WeightDefaults"]


@dataclass(frozen=True)
class TrainingDefaults:
    """How candidates are trained, and again on all data.

    Args:
        as_good: An epoch whose validation error is so little above the best one's, as a share, or in nats where the
            loss is a likelihood, is as good: the last such epoch is taken, for a longer training does better on more
            data.
        side_weight: Of the pinball loss of every level but the middle one: all levels share one network, and with
            equal weights the point forecast pays for the intervals. The compiled kernels know this number alone.
        warm_epochs: A warm training has one epoch for so many.
        warm_rate: Its learning rate is the usual one divided by this.
    """

    as_good: float = 0.03
    side_weight: float = 0.1
    warm_epochs: int = 4
    warm_rate: float = 3.0


@dataclass(frozen=True)
class ValidationDefaults:
    """The validation folds that the weights of a blend come from.

    Args:
        most_folds: Of small data: a single one may lie in a part of the year that is like no other.
        least_data: A fold trains on at least this share of all data: networks that have seen less say nothing of those
            that see all.
    """

    most_folds: int = 3
    least_data: float = 0.5


@dataclass(frozen=True)
class WeightDefaults:
    """The weights of a blend.

    Args:
        picks: Weights are multiples of one in so many, or of less picks where more do not help.
        nearly: Candidates whose error is at most so many times the best one's are nearly as good.
        least: A candidate below this share of the largest weight is dropped: not worth a second training.
        few_spans: After so many spans of one horizon what was measured counts half.
        pretrained: Whether the pretrained gate takes the place of the exponential smoothing.
        untrained: Cautious weight of the expert without training.
        sharpness: How far the errors of single series move their weights: at 4, a candidate whose error in a series is
            a quarter above the best one's keeps 1 / e of its weight there; 0 = all series have the same weights.
    """

    picks: int = 8
    nearly: float = 1.1
    least: float = 0.1
    few_spans: float = 20
    pretrained: bool = True
    untrained: float = 0.8
    sharpness: float = 4.0


@dataclass(frozen=True)
class AugmentationDefaults:
    """Whether augmented series are trained beside the real ones.

    Args:
        long: Steps of a typical series: less tell neither its habits nor what augmented series cost.
        far: Between two stable levels in logarithms, as a multiple of the standard deviation of augmented levels: the
            augmented ones usually lie no further apart.
        growth: An error that grows by less, as a share, has not grown.
        parts: Of the validation fold, whose means show how sure a growth is.
    """

    long: int = 2_000
    far: float = 2.0
    growth: float = 0.01
    parts: int = 20


@dataclass(frozen=True)
class CalibrationDefaults:
    """How intervals are calibrated.

    Args:
        per_step: Known errors of a point forecast that each step ahead needs to be calibrated by itself.
        half: Spans of one horizon after which a measured stretch counts half.
        optimism: n training windows make quantiles too narrow by about 1 + this / n: M3 monthly, single series.
        fewest: Smallest number of training windows that the corrections are made for.
        most: Largest stretch that is taken as measured; its inverse is the smallest one.
    """

    per_step: int = 40
    half: float = 5.0
    optimism: float = 3.0
    fewest: float = 3.0
    most: float = 5.0
