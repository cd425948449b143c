"""Every number that decides the default procedure, each with its unit and its reason; an experiment replaces some.

    replace(DEFAULTS, weights=replace(DEFAULTS.weights, sharpness=0.0))     one set of weights for all series
    DEFAULTS.changed({"weights.sharpness": 0.0})                            the same

"Steps in all" are the steps of all series together; a "typical series" has the median length. Numbers that packages
below this one need are declared there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from gatecast.errors import ConfigError, did_you_mean
from gatecast.planning.blend_defaults import (
    AugmentationDefaults,
    CalibrationDefaults,
    TrainingDefaults,
    ValidationDefaults,
    WeightDefaults,
)
from gatecast.training.ridge import PENALTIES
from gatecast.training.samples import Samples
from gatecast.windows.augment import Alterations
from gatecast.windows.calendar import CalendarChoice

__all__ = [
    "DEFAULTS",
    "Defaults",
    "LinearDefaults",
    "SearchDefaults",
    "SeasonDefaults",
    "SizeDefaults",
    "TimeDefaults",
    "VariantDefaults",
]


@dataclass(frozen=True)
class SeasonDefaults:
    """Seasonal periods, and the horizon where none is given.

    Args:
        seasons: A period counts where a typical series holds so many seasons of it.
        longest: Steps of the longest period, and of the longest lookback: a longer one only costs time.
        series: Series whose autocorrelations are averaged, the longest ones.
        peak: Least autocorrelation at a period, where the calendar names none.
        nearly: Of the highest peak: the shortest period that reaches it is taken, for its multiples peak as well.
        weeks: Pairs of a day and a week in steps: what repeats every 24 or 48 steps is most likely a day, and a week
            may repeat too.
        otherwise: Steps to forecast, and to look back at least, where there is no season.
        horizon_parts: The horizon takes at most one of so many parts of a typical series.
    """

    seasons: int = 2
    longest: int = 400
    series: int = 100
    peak: float = 0.2
    nearly: float = 0.9
    weeks: tuple[tuple[int, int], ...] = ((24, 168), (48, 336))
    otherwise: int = 12
    horizon_parts: int = 6


@dataclass(frozen=True)
class SearchDefaults:
    """Which candidates there are, and which of them are trained.

    Args:
        most_trained: Candidates that are trained where the validation folds tell all; fewer, the less they tell.
        clearly_worse: A candidate whose linear error is so many times the best one's is not trained: a line that is so
            much worse promises little for a network.
        seasons_read: Lookback in seasons.
        long_lookback: The second lookback in steps that is tried where there is no season: it averages noise away.
        smooth_lookback: Least lookback in steps behind a smoothing, which has seen all that came before.
        lookback_share: Most of a typical series that a lookback takes.
        logarithms: Whether all candidates are tried with a logarithm too, where all values are above 0.
        smooth_references: Whether an exponential smoothing is tried as a reference.
        level_gain: Gain of its level, before variants.
        season_gain: Gain of its season, before variants.
        category_depth: Steps of a category whose median is a reference: one odd day among them does not move it.
        most_categories: Categories of a covariate that may be a reference.
    """

    most_trained: int = 6
    clearly_worse: float = 1.4
    seasons_read: int = 2
    long_lookback: int = 64
    smooth_lookback: int = 4
    lookback_share: float = 2 / 3
    logarithms: bool = True
    smooth_references: bool = True
    level_gain: float = 0.2
    season_gain: float = 0.4
    category_depth: int = 6
    most_categories: int = 24


@dataclass(frozen=True)
class LinearDefaults:
    """The linear baseline search: ridge regressions that rank candidates.

    Args:
        skips: Lengths of the linear part to try in steps, beside those of the seasons.
        rows_per_step: A linear part has no more than one step for so many steps in all.
        columns: What a linear part may read at most, steps times features: time grows with the third power.
        penalties: Ridge penalties to try.
        cuts: Where three folds cut each series; the last of them alone where data are not small.
        quick_skip: Steps of the linear part where variants of one reference are compared.
        quick_columns: What it may read at most there, steps times features.
        quick_share: Of the windows that are taken for that.
    """

    skips: tuple[int, ...] = (1, 2, 3, 4, 8, 16, 32, 64)
    rows_per_step: int = 8
    columns: int = 1024
    penalties: tuple[float, ...] = PENALTIES
    cuts: tuple[float, ...] = (0.5, 0.65, 0.8, 1.0)
    quick_skip: int = 8
    quick_columns: int = 256
    quick_share: float = 0.3


@dataclass(frozen=True)
class VariantDefaults:
    """Variants of one reference.

    Args:
        depths: Seasons that a seasonal reference may average, beside one.
        level_gains: Gains of the level that a smoothing may have.
        season_gains: Gains of the season that it may have.
        worth: A variant has to lower the linear error to this share of the plain reference's: less may be luck.
    """

    depths: tuple[int, ...] = (2, 3, 7)
    level_gains: tuple[float, ...] = (0.05, 0.1, 0.4, 0.7)
    season_gains: tuple[float, ...] = (0.2,)
    worth: float = 0.97


@dataclass(frozen=True)
class SizeDefaults:
    """Sizes that the amount of data can fill.

    Args:
        tiny: Steps in all below which the shortest training is enough.
        modest: Steps in all below which epochs are short, so that the best one is found finely.
        small: Steps in all below which a network is narrow and learns in large steps, and one fold is too little to
            choose on.
        few: Steps in all below which several steps of each window are trained; above, there are windows enough, and
            more steps of each train a network worse.
        many: Steps in all from which trainings are long, and one member is as good as several.
        hidden: Units of a network for small, few and other data.
        rates: Learning rates for small and few data; likelihoods go astray with them and keep the usual one.
        epochs: For data below tiny, modest, few and many steps, and above.
        steps: Training steps of an epoch, for the same five.
        batch: Windows of a training step, for the same five.
        members: Networks below many steps, where one is cheap and the draw matters most; and above.
        heavy: Horizon times steps of the linear part from which there is one network and one validation fold: a
            training takes seconds, and of so many weights most are the regression's, whatever the draw.
        read_per_origin: Steps of a window that are only read, for each training origin.
        most_origins_of_few: Training origins of a window at most, of few data.
        most_origins: The same for other data.
        steps_ahead: Training origins of a window times the horizon, at most: those of long horizons overlap so much
            that more of them cost time alone.
        origin_parts: Training origins take at most one of so many parts of a typical series, or of a given lookback.
        long_origins: Of few long series there are up to so many times as many training origins as steps only read.
        most_trained: Training origins of such a window times the horizon.
        windows: Such a window's training origins fit so many times into a typical series.
    """

    tiny: int = 300
    modest: int = 2_000
    small: int = 5_000
    few: int = 20_000
    many: int = 50_000
    hidden: tuple[int, int, int] = (16, 32, 64)
    rates: tuple[float, float] = (1e-2, 6e-3)
    epochs: tuple[int, int, int, int, int] = (20, 40, 40, 20, 20)
    steps: tuple[int, int, int, int, int] = (10, 10, 20, 25, 50)
    batch: tuple[int, int, int, int, int] = (32, 32, 32, 128, 128)
    members: tuple[int, int] = (3, 1)
    heavy: int = 50_000
    read_per_origin: int = 2
    most_origins_of_few: int = 32
    most_origins: int = 12
    steps_ahead: int = 1024
    origin_parts: int = 3
    long_origins: int = 3
    most_trained: int = 48
    windows: int = 12


@dataclass(frozen=True)
class TimeDefaults:
    """How a time limit is divided.

    Args:
        choice: Share that the choice of candidates may take.
        validation: Share that the trainings before the validation folds may take, where all data are trained on after
            them.
        windows: Windows that things are checked on at most where there is a limit.
    """

    choice: float = 0.25
    validation: float = 0.5
    windows: int = 512


@dataclass(frozen=True, repr=False)
class Defaults:
    """Every number that decides the default procedure.

    Args:
        season: Seasonal periods and the default horizon.
        search: Which candidates there are.
        linear: The linear baseline search that ranks them.
        variants: Variants of their references.
        sizes: Of networks, windows, trainings.
        calendar: What of the calendar networks read.
        time: How a time limit is divided.
        training: How candidates are trained.
        samples: Windows that stand for all.
        validation: The validation folds.
        weights: Of the candidates in the blend.
        augmentation: Whether there are augmented series.
        alterations: How augmented series differ from the real ones.
        calibration: Of the intervals.
    """

    season: SeasonDefaults = field(default_factory=SeasonDefaults)
    search: SearchDefaults = field(default_factory=SearchDefaults)
    linear: LinearDefaults = field(default_factory=LinearDefaults)
    variants: VariantDefaults = field(default_factory=VariantDefaults)
    sizes: SizeDefaults = field(default_factory=SizeDefaults)
    calendar: CalendarChoice = field(default_factory=CalendarChoice)
    time: TimeDefaults = field(default_factory=TimeDefaults)
    training: TrainingDefaults = field(default_factory=TrainingDefaults)
    samples: Samples = field(default_factory=Samples)
    validation: ValidationDefaults = field(default_factory=ValidationDefaults)
    weights: WeightDefaults = field(default_factory=WeightDefaults)
    augmentation: AugmentationDefaults = field(default_factory=AugmentationDefaults)
    alterations: Alterations = field(default_factory=Alterations)
    calibration: CalibrationDefaults = field(default_factory=CalibrationDefaults)

    def __repr__(self) -> str:
        """What differs from the default.

        >>> DEFAULTS, DEFAULTS.changed({"weights.sharpness": 0.0})
        (Defaults(), Defaults({'weights.sharpness': 0.0}))
        """
        changes = self.changes()
        return f"Defaults({changes if changes else ''})"

    def changes(self) -> dict[str, Any]:
        """Path of a field -> value, of those that differ from the default; what ``changed`` takes."""
        usual = Defaults()
        return {
            f"{theme.name}.{one.name}": value
            for theme in fields(self)
            for one in fields(getattr(self, theme.name))
            if (value := getattr(getattr(self, theme.name), one.name)) != getattr(getattr(usual, theme.name), one.name)
        }

    def changed(self, changes: Mapping[str, Any]) -> Defaults:
        """These defaults with single numbers replaced.

        Args:
            changes: path of a field, such as "weights.sharpness" -> its value; lists become tuples.

        Raises:
            ConfigError: a path is unknown.
        """
        made = self
        for path, value in changes.items():
            theme, _, name = path.partition(".")
            if path not in (known := _paths(self)):
                raise ConfigError(f"defaults have no {path!r}{did_you_mean(path, known)}.")
            made = replace(made, **{theme: replace(getattr(made, theme), **{name: _tupled(value)})})
        return made


def _paths(defaults: Defaults) -> list[str]:
    return [f"{theme.name}.{one.name}" for theme in fields(defaults) for one in fields(getattr(defaults, theme.name))]


def _tupled(value: Any) -> Any:
    """As JSON has lists."""
    return tuple(map(_tupled, value)) if isinstance(value, list | tuple) else value


DEFAULTS = Defaults()
