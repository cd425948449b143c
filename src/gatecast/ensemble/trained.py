"""One candidate after its training: the members, and all that is needed to read data for them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from gatecast.data.panel import Panel
from gatecast.ensemble.calibration import Calibration
from gatecast.ensemble.predictor import Predictor
from gatecast.ensemble.sampling import joined_paths, stepwise_paths, with_spread
from gatecast.model.heads import Head
from gatecast.planning.defaults import DEFAULTS
from gatecast.planning.plan import Plan
from gatecast.training.loop import Row
from gatecast.training.member import Member
from gatecast.windows.covariate_scale import CovariateScale
from gatecast.windows.reader import WindowReader
from gatecast.windows.references.reference import Before

__all__ = ["Carried", "TrainedCandidate"]


@dataclass(frozen=True)
class Carried:
    """What a reference knows of the rows of some series that are kept no more.

    Args:
        places: position of each series, by name; others begin with their first row.
        before: of the series in these positions.
    """

    places: Mapping[str, int]
    before: Before

    def of(self, ids: Sequence[str]) -> Before:
        """Of series in another order."""
        place_N = np.array([self.places.get(name, -1) for name in ids], np.int64)
        state_N = self.before.state[place_N]
        state_N[place_N < 0] = np.nan
        return Before(np.where(place_N >= 0, self.before.steps[place_N], 0), state_N)


@dataclass(frozen=True)
class TrainedCandidate:
    """Trained networks of one plan that forecast as an ``Expert``.

    Args:
        plan: what was trained.
        members: K trained networks with their records.
        head: what their outputs mean.
        covariates: scale of the covariates.
        statistics: (N, 3, C) location and spreads per series of the training data, for a fitted scaling; else None.
        ids: the N series of ``statistics``.
        calibration: from the validation fold.
        device: where they compute.
        interrupted: a stop ended the training.
        validation_error: mean absolute error on the validation fold, in output units; nan where it is not known.
        as_good: see ``TrainingDefaults`` (it is not saved).
        carried: what its reference knows of rows that a panel has no more (it is not saved); None = panels are whole.
    """

    plan: Plan
    members: tuple[Member, ...]
    head: Head
    covariates: CovariateScale
    statistics: np.ndarray | None
    ids: tuple[str, ...]
    calibration: Calibration
    device: torch.device
    interrupted: bool = False
    validation_error: float = math.nan
    as_good: float = DEFAULTS.training.as_good
    carried: Carried | None = None

    median_only = False

    # ---------------------------------------------------------------- as an expert

    @property
    def history_needed(self) -> int | None:
        """Steps of history that a forecast reads; None = all of it."""
        return self.plan.history_needed

    @property
    def quantiles(self) -> tuple[float, ...]:
        """Levels of its quantiles, ascending."""
        return self.calibration.quantiles

    @property
    def season(self) -> int:
        """The main seasonal period; 1 = none."""
        return self.plan.season

    def describe(self) -> str:
        """Lookback and scaling."""
        return self.plan.describe_candidate()

    def forecast(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray, known_N: np.ndarray) -> np.ndarray:
        """Calibrated quantiles (B, H, C, Q); see ``Expert.forecast``."""
        return self.predictor.forecast(self.reader(panel, known_N), series_B, origin_B)

    # ---------------------------------------------------------------- further ways to forecast

    def forecast_recursively(
        self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray, known_N: np.ndarray, horizon: int
    ) -> np.ndarray:
        """Quantiles (B, horizon, C, Q), one step at a time: each median is read as if observed."""
        reader = self.reader(panel, known_N)
        values_BHCQ = self.predictor.recursive(reader, series_B, origin_B, horizon)
        return with_spread(self.predictor, reader, series_B, origin_B, values_BHCQ)

    def paths(
        self,
        panel: Panel,
        series_B: np.ndarray,
        origin_B: np.ndarray,
        known_N: np.ndarray,
        noise_BSHC: np.ndarray,
        joint_HH: np.ndarray,
    ) -> np.ndarray:
        """Sample paths (B, S, H, C) that have the quantiles of ``forecast``; see ``sampling.joined_paths``."""
        return joined_paths(self.predictor, self.reader(panel, known_N), series_B, origin_B, noise_BSHC, joint_HH)

    def paths_recursively(
        self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray, known_N: np.ndarray, noise_BSHC: np.ndarray
    ) -> np.ndarray:
        """Sample paths (B, S, H, C) of a model that goes one step at a time; see ``sampling.stepwise_paths``."""
        return stepwise_paths(self.predictor, self.reader(panel, known_N), series_B, origin_B, noise_BSHC)

    def every_step(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray, known_N: np.ndarray) -> np.ndarray:
        """Point forecasts (B, K, H, C) after each of the last K steps of the windows that end at the origin rows."""
        return self.predictor.every_step(self.reader(panel, known_N), series_B, origin_B)

    def median(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> np.ndarray:
        """(B, H, C) point forecasts in the data's own unit, float64."""
        values_BHCQ = self.predictor.forecast(self.reader(panel), series_B, origin_B)
        return values_BHCQ[..., min(self.calibration.middle, values_BHCQ.shape[-1] - 1)].astype(np.float64)

    def scaled_error(self, panel: Panel, series_B: np.ndarray, origin_B: np.ndarray) -> float:
        """Mean absolute error of some windows in output units, as on the validation fold; nan without any truth."""
        reader, horizon = self.reader(panel), self.plan.framing.horizon
        output_BHCQ = self.predictor.outputs(reader, series_B, origin_B)
        batch = reader.read(series_B, origin_B, targets=False, origins=1)
        truth_BHC = panel.target_RC[origin_B[:, None] + np.arange(1, horizon + 1)]
        middle = 0 if output_BHCQ.shape[-1] == 1 else self.calibration.middle
        error_BHC = np.abs(output_BHCQ[..., middle] - reader.scaled(batch, truth_BHC))
        return float(np.nanmean(error_BHC)) if np.isfinite(error_BHC).any() else math.nan

    # ---------------------------------------------------------------- what it is made of

    @property
    def parameters(self) -> int:
        """Weights of one member's network."""
        return sum(weights.numel() for weights in self.members[0].network.parameters())

    @property
    def predictor(self) -> Predictor:
        """Forecasts with the members' networks."""
        return Predictor([member.network for member in self.members], self.head, self.calibration, self.device)

    @property
    def history(self) -> list[Row]:
        """The logged epochs of all members, one plain dict each."""
        return [{"member": k, **row} for k, member in enumerate(self.members) for row in member.record.history]

    @property
    def common_epoch(self) -> int:
        """The last epoch whose mean validation error over all members is as good as the best one.

        Which of several epochs within 3 %, or 0.03 nats of a likelihood, is the very best is a matter of luck; the
        later one has used more of its schedule, whose end, with a small learning rate, is worth more than that.
        """
        rows = [member.record.validation for member in self.members]
        shared = min(map(len, rows))
        if not shared:
            return max(self.epochs)
        error = np.mean([row[:shared] for row in rows], axis=0)
        if not np.isfinite(error).any():
            return 0
        least = np.nanmin(error)
        likelihood = self.head.about.kind == "likelihood"  # its differences are no shares of it
        near = self.as_good * (1.0 if likelihood else least)
        return int(np.flatnonzero(error <= least + near)[-1])

    @property
    def out_of_time(self) -> bool:
        """The time limit stopped a member."""
        return any(member.record.out_of_time for member in self.members)

    @property
    def epochs(self) -> list[int]:
        """The epoch whose weights each member has."""
        return [member.record.best_epoch for member in self.members]

    def reader(self, panel: Panel, known_N: np.ndarray | None = None) -> WindowReader:
        """Reads a panel as in training. Series not seen there get statistics of their own steps < ``known_N``."""
        plan = self.plan
        before = None if self.carried is None else self.carried.of(panel.ids)
        reader = WindowReader(panel, plan.scaling, plan.framing, self.covariates, before=before)
        if self.statistics is not None:
            known = {name: n for n, name in enumerate(self.ids)}
            place_M = np.array([known.get(name, -1) for name in panel.ids], np.int64)
            reader.fitted = self.statistics[place_M]
            if len(new := np.flatnonzero(place_M < 0)):
                past = panel.select(new) if known_N is None else panel.select(new).slice(0, known_N[new])
                reader.fitted[new] = WindowReader(past, plan.scaling, plan.framing, self.covariates).fit_statistics()
        return reader
