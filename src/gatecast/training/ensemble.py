"""Training a plan: members on the training part with a validation tail, then once more on everything.

1  train on ──────────────────┤ tail ├   the tail stops, restores and calibrates
2  train on ──────────────────────────   same schedule, stopped at the epoch that was best in 1
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from gatecast.calibration import Calibration, Evidence
from gatecast.data.augment import augmented
from gatecast.data.batches import CovariateScale, WindowReader
from gatecast.data.panel import Panel
from gatecast.data.windows import WindowIndex, require_steps
from gatecast.errors import WindowError
from gatecast.model.heads import DistributionHead, Head, PointHead, make_head
from gatecast.prediction import Predictor
from gatecast.progress import Progress
from gatecast.selection.choose import Plan
from gatecast.training.batch import WindowSource
from gatecast.training.counts import COUNTS, require_counts
from gatecast.training.device import pick_device
from gatecast.training.loop import Row
from gatecast.training.member import VALIDATION_WINDOWS, Job, Member, NetworkShape, seeded
from gatecast.training.together import train_members

__all__ = ["Ensemble", "Trainer", "fit_ensemble", "pooled", "recalibrated", "train_again"]

CALIBRATION_WINDOWS = 4096
AS_GOOD = 0.03


@dataclass(frozen=True)
class Ensemble:
    """Trained members and all that is needed to read data for them.

    Args:
        members: K trained networks with their records.
        head: what their outputs mean.
        covariates: scale of the covariates.
        statistics: (N, 3, C) location and spreads per series of the training data, for a fitted scaling; else None.
        ids: the N series of ``statistics``.
        calibration: from the validation tail.
        device: where they compute.
        interrupted: Ctrl-C came during training.
        tail_error: mean absolute error on the validation tail, in output units; nan where it is not known (it is not
            saved).
    """

    members: tuple[Member, ...]
    head: Head
    covariates: CovariateScale
    statistics: np.ndarray | None
    ids: tuple[str, ...]
    calibration: Calibration
    device: torch.device
    interrupted: bool = False
    tail_error: float = math.nan

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

        Which of several epochs within 3 % is the very best is a matter of luck; the later one has used more of its
        schedule, whose end, with a small learning rate, is worth more than that.
        """
        rows = [member.record.validation for member in self.members]
        shared = min(map(len, rows))
        if not shared:
            return max(self.epochs)
        error = np.mean([row[:shared] for row in rows], axis=0)
        if not np.isfinite(error).any():
            return 0
        if self.likely:
            return int(np.nanargmin(error))
        return int(np.flatnonzero(error <= (1 + AS_GOOD) * np.nanmin(error))[-1])

    @property
    def likely(self) -> bool:
        """The loss is a likelihood: its differences are no shares of it, and its widths drift in a longer training."""
        return isinstance(self.head, DistributionHead)

    @property
    def out_of_time(self) -> bool:
        """The time limit stopped a member."""
        return any(member.record.out_of_time for member in self.members)

    @property
    def epochs(self) -> list[int]:
        """The epoch whose weights each member has."""
        return [member.record.best_epoch for member in self.members]

    def reader(self, plan: Plan, panel: Panel, known_until: np.ndarray | None = None) -> WindowReader:
        """Reads a panel as in training. Series not seen there get statistics of their own steps < ``known_until``."""
        reader = WindowReader(panel, plan.scaling, plan.framing, self.covariates)
        if self.statistics is not None:
            known = {name: n for n, name in enumerate(self.ids)}
            place_M = np.array([known.get(name, -1) for name in panel.ids], np.int64)
            reader.fitted = self.statistics[place_M]
            if len(new := np.flatnonzero(place_M < 0)):
                past = panel.select(new) if known_until is None else panel.select(new).slice(0, known_until[new])
                reader.fitted[new] = WindowReader(past, plan.scaling, plan.framing, self.covariates).fit_statistics()
        return reader


def fit_ensemble(
    plan: Plan,
    panel: Panel,
    validation: Panel | None,
    *,
    quantiles: tuple[float, ...],
    refit: bool,
    deadline: float = math.inf,
    progress: Progress | None = None,
) -> Ensemble:
    """Train all members of a plan.

    Args:
        plan: what to train.
        panel: the data, observed part only.
        validation: a panel of its own to validate on; None = the tail of ``panel``.
        quantiles: levels to give out.
        refit: train once more on everything after validating on the tail.
        deadline: ``time.monotonic()`` at which to stop.
        progress: the progress line.
    """
    job = Trainer(plan, quantiles, deadline, progress or Progress(False))
    first = None if validation is not None else job.validated(panel, budget=0.5 if refit else 1.0)
    if first is not None:
        return first if not refit or first.interrupted else job.repeat(panel, first)
    if validation is None:
        return job.run(panel, None)
    require_steps(validation, plan.framing.lookback, plan.framing.horizon)
    return job.run(panel, (validation, plan.spans.all_windows(validation)))


def train_again(
    plan: Plan,
    panel: Panel,
    before: Ensemble,
    progress: Progress,
    deadline: float = math.inf,
    *,
    warm: bool = False,
) -> Ensemble:
    """Train the same plan on other data: same epochs, same penalties, same calibration.

    ``warm`` goes on from the weights of ``before`` with a falling learning rate, for a quarter of the epochs.
    ``before`` itself comes back where that was interrupted, or ended by the deadline before half of the epochs.
    """
    if warm and before.common_epoch:
        return Trainer(_warm(plan, before), before.calibration.quantiles, deadline, progress, warm=True).repeat(
            panel, before
        )
    return Trainer(plan, before.calibration.quantiles, deadline, progress).repeat(panel, before)


def recalibrated(
    plan: Plan, ensemble: Ensemble, panel: Panel, begin_N: np.ndarray, quantiles: tuple[float, ...], windows: float
) -> Ensemble:
    """The same networks with intervals fitted anew to the end of a panel, which they were not trained on.

    Args:
        plan: what was trained.
        ensemble: the networks.
        panel: newer data, observed part only.
        begin_N: (N,) first step of each series whose forecast counts.
        quantiles: levels to give out.
        windows: spans of one horizon that the training saw.

    Raises:
        WindowError: no window fits.
    """
    index = plan.spans.tail_windows(panel, begin_N)
    if not len(index):
        raise WindowError(
            f"no series has {plan.framing.horizon} new steps after what training saw. Wait for more data, or fit anew."
        )
    return calibrated(ensemble, _source_of(plan, ensemble, panel, index), quantiles, windows)


def pooled(plan: Plan, judged: Sequence[tuple[Ensemble, Panel]], quantiles: tuple[float, ...]) -> Ensemble:
    """The first ensemble with intervals fitted to the tails of all, each of which its ensemble was not trained on.

    They are believed as far as the first one's own tail: the others have learned from less.

    Args:
        plan: what all of them are.
        judged: ensembles, and the panels whose tails they were validated on.
        quantiles: levels to give out.
    """
    sources = [
        _source_of(plan, ensemble, panel, plan.spans.tail_windows(panel, plan.cut(panel))) for ensemble, panel in judged
    ]
    checked = [_checked(ensemble, source) for (ensemble, _), source in zip(judged, sources, strict=True)]
    outputs, truths = zip(*checked, strict=True)
    first, panel = judged[0]
    windows = panel.slice(0, plan.cut(panel)).total / plan.framing.horizon
    calibration = Calibration.fit(
        quantiles, np.concatenate(outputs), np.concatenate(truths), Evidence(_spans(sources[0]), windows),
        point=isinstance(first.head, PointHead),
    )  # fmt: skip
    return replace(first, calibration=calibration)


def _source_of(plan: Plan, ensemble: Ensemble, panel: Panel, index: WindowIndex) -> WindowSource:
    return WindowSource(
        ensemble.reader(plan, panel), index, plan.training.batch_size, False, None, ensemble.device
    )  # fmt: skip


@dataclass
class Trainer:
    """Trains the members of a plan."""

    plan: Plan
    quantiles: tuple[float, ...]
    deadline: float
    progress: Progress
    warm: bool = field(default=False)

    def validated(self, panel: Panel, *, budget: float = 1.0) -> Ensemble | None:
        """Train on all but the tail of ``panel`` and validate on that; None where there is no tail to hold back."""
        plan = self.plan
        cut_N = plan.cut(panel)
        if not plan.training.validation or not (cut_N < panel.length).any():
            return None
        train_panel, tail = panel.slice(0, cut_N), plan.spans.tail_windows(panel, cut_N)
        if not len(tail) or not len(plan.spans.all_windows(train_panel)):
            return None
        return self.run(train_panel, (panel, tail), budget=budget)

    def run(
        self,
        panel: Panel,
        held_back: tuple[Panel, WindowIndex] | None,
        *,
        after: Ensemble | None = None,
        budget: float = 1.0,
    ) -> Ensemble:
        """Train on all windows of ``panel``; validate on the windows held back; or repeat what ``after`` found."""
        plan, device = self.plan, pick_device(self.plan.training.device)
        head = make_head(plan.training.loss, self.quantiles)
        if head.counts:
            for data in (panel,) if held_back is None else (panel, held_back[0]):
                require_counts(data, plan.scaling)
        covariates = CovariateScale.fit(panel, plan.scaling.scale != "none")
        reader = WindowReader(panel, plan.scaling, plan.framing, covariates)
        reader.fitted = reader.fit_statistics() if plan.scaling.fitted else None
        shell = Ensemble((), head, covariates, reader.fitted, panel.ids, Calibration(head.quantiles), device)
        shown = augmented(panel, plan.training.augment or 0, plan.training.seed)  # copies have the names of the series
        reader = reader if shown is panel else shell.reader(plan, shown)
        source, check = self._source(reader, plan.spans.all_windows(shown), device), None
        if held_back is not None:
            check = self._source(shell.reader(plan, held_back[0], None), held_back[1], device)
        members = self._members(source, check, head, after, budget)
        del reader, source  # what a reader keeps of a large panel is larger than the panel
        interrupted = any(member.record.interrupted for member in members)
        ensemble = replace(shell, members=tuple(members), interrupted=interrupted)
        if after is not None:
            return replace(ensemble, calibration=after.calibration, tail_error=after.tail_error)
        windows = panel.total / plan.framing.horizon
        return calibrated(ensemble, check, self.quantiles, windows)

    def repeat(self, panel: Panel, before: Ensemble) -> Ensemble:
        """Train on ``panel`` as long as was best for ``before``, which stays where that was not to be finished.

        A half-trained network is no better for having seen more data.
        """
        try:
            again = self.run(panel, None, after=before)
        except KeyboardInterrupt:
            return replace(before, interrupted=True)
        if again.interrupted:
            return replace(before, interrupted=True)
        if _cut_short(again, before):
            return before
        return replace(again, members=_histories_kept(again.members, before.members))

    def _source(self, reader: WindowReader, index: WindowIndex, device: torch.device) -> WindowSource:
        training = self.plan.training
        return WindowSource(
            reader, index, training.batch_size, training.shuffle, training.steps_per_epoch, device,
            units=training.loss == COUNTS,
        )  # fmt: skip

    def _members(
        self, source: WindowSource, check: WindowSource | None, head: Head, after: Ensemble | None, budget: float
    ) -> list[Member]:
        """All members, or as many as the deadline and the user allow, but one at least."""
        plan, panel = self.plan, source.reader.panel
        shape = NetworkShape(
            source.reader.features, plan.framing.horizon, len(panel.targets), source.reader.future_width
        )  # fmt: skip
        job = Job(
            shape,
            plan.network,
            head,
            source,
            None if check is None else list(check.spread(VALIDATION_WINDOWS, origins=1)),
            penalty=plan.penalty,
            spread_Y=np.array(plan.spread).ravel() if plan.spread else None,
            until=None if after is None or self.warm else after.common_epoch,
        )
        trainings = [seeded(plan.training, k) for k in range(plan.members)]
        weights = [_weights(after, k) if self.warm and after is not None else None for k in range(plan.members)]
        deadline = time.monotonic() + (self.deadline - time.monotonic()) * budget
        return train_members(job, trainings, weights, self.progress, deadline)


def calibrated(
    ensemble: Ensemble, check: WindowSource | None, quantiles: tuple[float, ...], windows: float
) -> Ensemble:
    """The ensemble with a calibration from held-back windows, as far as there are any, and its error there.

    Args:
        ensemble: what forecasts; it has not seen their targets.
        check: the windows; None = there are none.
        quantiles: levels to give out.
        windows: spans of one horizon that the training saw.
    """
    if check is None:
        if isinstance(ensemble.head, PointHead):
            return replace(ensemble, calibration=Calibration(ensemble.head.quantiles))
        nothing = np.full((1, ensemble.members[0].network.shape[0], 1), np.nan)
        zeros = np.zeros((*nothing.shape, len(quantiles)))
        return replace(ensemble, calibration=Calibration.fit(quantiles, zeros, nothing, Evidence(0, windows)))
    output_BHCQ, truth_BHC = _checked(ensemble, check)
    point = isinstance(ensemble.head, PointHead)
    calibration = Calibration.fit(quantiles, output_BHCQ, truth_BHC, Evidence(_spans(check), windows), point=point)
    middle = 0 if point else calibration.middle
    error_BHC = np.abs(output_BHCQ[..., middle] - truth_BHC)
    error = float(np.nanmean(error_BHC)) if np.isfinite(error_BHC).any() else math.nan
    return replace(ensemble, calibration=calibration, tail_error=error)


def _checked(ensemble: Ensemble, check: WindowSource) -> tuple[np.ndarray, np.ndarray]:
    """Outputs (B, H, C, Q) and scaled truths (B, H, C; nan = unknown) of windows that were not trained on."""
    series_B, origin_B = check.index.spread(CALIBRATION_WINDOWS)
    output_BHCQ = ensemble.predictor.outputs(check.reader, series_B, origin_B)
    batch = check.reader.read(series_B, origin_B, origins=1)
    assert batch.target_BKHC is not None
    truth_BHC = batch.target_BKHC[:, 0]
    if batch.weight_BKHC is not None:
        truth_BHC = np.where(batch.weight_BKHC[:, 0] > 0, truth_BHC, np.nan)
    return output_BHCQ, truth_BHC


def _warm(plan: Plan, before: Ensemble) -> Plan:
    """The plan with a short training that does not first raise the learning rate again."""
    epochs = -(-before.common_epoch // 4)
    return replace(plan, training=replace(plan.training, max_epochs=epochs, schedule="cosine", lr=plan.training.lr / 3))


def _weights(before: Ensemble, member: int) -> dict[str, torch.Tensor]:
    """The weights that a member starts from: those of the same member."""
    return before.members[min(member, len(before.members) - 1)].network.state_dict()


def _spans(check: WindowSource) -> float:
    """Horizons, one after the other, that the targets of a typical series' windows cover."""
    windows_N = np.diff(check.index.ends, prepend=0)
    horizon = check.reader.framing.horizon
    return float((np.median(windows_N[windows_N > 0]) + horizon - 1) / horizon) if windows_N.any() else 0.0


def _cut_short(again: Ensemble, before: Ensemble) -> bool:
    """The deadline left less than half of the members, or one of them less than half of its epochs."""
    records = [member.record for member in again.members]
    whole_epochs = min(record.best_epoch - record.out_of_time for record in records)
    cut = any(record.out_of_time for record in records) or len(records) < len(before.members)
    return cut and (2 * whole_epochs < before.common_epoch or 2 * len(records) < len(before.members))


def _histories_kept(members: tuple[Member, ...], before: tuple[Member, ...]) -> tuple[Member, ...]:
    """The new weights with the history of the training that was validated."""
    return tuple(replace(member, record=before[min(k, len(before) - 1)].record) for k, member in enumerate(members))
