"""Training a plan: members beside a validation fold, then once more on everything.

1  train on ──────────────────┤ fold ├   the fold stops, restores and calibrates
2  train on ──────────────────────────   same schedule, stopped at the epoch that was best in 1
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from gatecast.data.panel import Panel
from gatecast.engines.executor import Executor
from gatecast.ensemble.calibration import Calibration, Evidence
from gatecast.ensemble.trained import TrainedCandidate
from gatecast.errors import WindowError
from gatecast.model.heads import Head, make_head
from gatecast.model.losses import loss_named
from gatecast.planning.blend_defaults import TrainingDefaults
from gatecast.planning.defaults import DEFAULTS, Defaults
from gatecast.planning.plan import Plan
from gatecast.progress import Listener, Silent
from gatecast.training.batch import WindowSource
from gatecast.training.counts import require_counts
from gatecast.training.device import pick_device, side_by_side
from gatecast.training.member import Job, Member, NetworkShape, seeded
from gatecast.training.members import train_members
from gatecast.training.state import Checkpoint
from gatecast.windows.augment import augmented
from gatecast.windows.covariate_scale import CovariateScale
from gatecast.windows.index import WindowIndex, require_steps
from gatecast.windows.reader import WindowReader

__all__ = ["Procedure", "Trainer", "fit_candidate", "pooled", "recalibrated", "train_again"]


@dataclass(frozen=True)
class Procedure:
    """What all trainings of a fit share.

    Args:
        quantiles: levels to give out.
        listener: hears of the progress, and may stop it.
        defaults: the numbers of the procedure.
        checkpoint: keeps where the trainings stand; None = nothing does.
        executor: where they run.
    """

    quantiles: tuple[float, ...]
    listener: Listener = field(default_factory=Silent)
    defaults: Defaults = DEFAULTS
    checkpoint: Checkpoint | None = None
    executor: Executor = field(default_factory=side_by_side)

    @property
    def stopped(self) -> bool:
        """The listener asked for the end."""
        return self.listener.stop.is_set()


def fit_candidate(
    plan: Plan,
    panel: Panel,
    validation: Panel | None,
    procedure: Procedure,
    *,
    refit: bool,
    deadline: float = math.inf,
) -> TrainedCandidate:
    """Train all members of a plan.

    Args:
        plan: what to train.
        panel: the data, observed part only.
        validation: a panel of its own to validate on; None = the end of ``panel``.
        procedure: how.
        refit: train once more on everything after validating on the end.
        deadline: ``time.monotonic()`` at which to stop.
    """
    job, share = Trainer(plan, procedure, deadline), procedure.defaults.time.validation
    first = None if validation is not None else job.validated(panel, budget=share if refit else 1.0)
    if first is not None:
        return first if not refit or first.interrupted else job.repeat(panel, first)
    if validation is None:
        return job.run(panel, None)
    require_steps(validation, plan.framing.lookback, plan.framing.horizon)
    return job.run(panel, (validation, plan.spans.all_windows(validation)))


def train_again(
    before: TrainedCandidate, panel: Panel, procedure: Procedure, deadline: float = math.inf, *, warm: bool = False
) -> TrainedCandidate:
    """Train the same plan on other data: same epochs, same penalties, same calibration, and so the same quantiles.

    ``warm`` goes on from the weights of ``before`` with a falling learning rate, for a quarter of the epochs.
    ``before`` itself comes back where that was interrupted, or ended by the deadline before half of the epochs.
    """
    procedure = replace(procedure, quantiles=before.calibration.quantiles)
    if warm and before.common_epoch:
        trainer = Trainer(_warm(before, procedure.defaults.training), procedure, deadline, warm=True)
        return replace(trainer.repeat(panel, before), plan=before.plan)
    return Trainer(before.plan, procedure, deadline).repeat(panel, before)


def recalibrated(
    trained: TrainedCandidate,
    panel: Panel,
    begin_N: np.ndarray,
    quantiles: tuple[float, ...],
    windows: float,
    defaults: Defaults = DEFAULTS,
) -> TrainedCandidate:
    """The same networks with intervals fitted anew to the end of a panel, which they were not trained on.

    Args:
        trained: the networks.
        panel: newer data, observed part only.
        begin_N: (N,) first step of each series whose forecast counts.
        quantiles: levels to give out.
        windows: spans of one horizon that the training saw.
        defaults: the numbers of the procedure.

    Raises:
        WindowError: no window fits.
    """
    plan = trained.plan
    index = plan.spans.tail_windows(panel, begin_N)
    if not len(index):
        raise WindowError(
            f"no series has {plan.framing.horizon} new steps after what training saw. Wait for more data, or fit anew."
        )
    return calibrated(trained, _source_of(trained, panel, index), quantiles, windows, defaults)


def pooled(
    folds: Sequence[tuple[TrainedCandidate, Panel]], quantiles: tuple[float, ...], defaults: Defaults = DEFAULTS
) -> TrainedCandidate:
    """The first candidate with intervals fitted to the validation folds of all, each of which was not trained on.

    They count as far as the first one's own fold: the others have learned from less.

    Args:
        folds: the same plan trained on less and less, and the panels whose ends validated it.
        quantiles: levels to give out.
        defaults: the numbers of the procedure.
    """
    first, panel = folds[0]
    plan, most = first.plan, defaults.samples.check
    sources = [_source_of(trained, panel, plan.spans.tail_windows(panel, plan.cut(panel))) for trained, panel in folds]
    outputs, truths = zip(
        *(_outputs_and_truths(one, s, most) for (one, _), s in zip(folds, sources, strict=True)), strict=True
    )
    windows = panel.slice(0, plan.cut(panel)).total / plan.framing.horizon
    calibration = Calibration.fit(
        quantiles,
        np.concatenate(outputs),
        np.concatenate(truths),
        Evidence(_spans(sources[0]), windows, defaults.calibration),
        point=first.head.about.kind == "point",
    )
    return replace(first, calibration=calibration)


def _source_of(trained: TrainedCandidate, panel: Panel, index: WindowIndex) -> WindowSource:
    return WindowSource(
        trained.reader(panel), index, trained.plan.training.batch_size, False, None, trained.device
    )  # fmt: skip


@dataclass(frozen=True)
class Trainer:
    """Trains the members of a plan, until a deadline; ``warm`` ones go on from weights that are there."""

    plan: Plan
    procedure: Procedure
    deadline: float = math.inf
    warm: bool = False

    def validated(self, panel: Panel, *, budget: float = 1.0) -> TrainedCandidate | None:
        """Train on all but the validation fold at the end of ``panel``; None where that leaves nothing on one side."""
        parts = self.parted(panel)
        return None if parts is None else self.run(parts[0], (panel, parts[1]), budget=budget)

    def parted(self, panel: Panel) -> tuple[Panel, WindowIndex] | None:
        """What comes before the validation fold, and the windows of the fold; None where one of them is empty."""
        plan = self.plan
        cut_N = plan.cut(panel)
        if not plan.training.validation or not (cut_N < panel.length).any():
            return None
        before, fold = panel.slice(0, cut_N), plan.spans.tail_windows(panel, cut_N)
        return (before, fold) if len(fold) and len(plan.spans.all_windows(before)) else None

    def run(
        self,
        panel: Panel,
        fold: tuple[Panel, WindowIndex] | None,
        *,
        after: TrainedCandidate | None = None,
        budget: float = 1.0,
    ) -> TrainedCandidate:
        """Train on all windows of ``panel``; validate on the windows of a fold; or repeat what ``after`` found."""
        plan, device = self.plan, pick_device(self.plan.training.device)
        defaults = self.procedure.defaults
        numbers = defaults.training
        head = make_head(plan.training.loss, self.procedure.quantiles, numbers.side_weight)
        if head.counts:
            for data in (panel,) if fold is None else (panel, fold[0]):
                require_counts(plan.training.loss, data, plan.scaling)
        covariates = CovariateScale.fit(panel, plan.scaling.scale != "none")
        reader = WindowReader(panel, plan.scaling, plan.framing, covariates)
        reader.fitted = reader.fit_statistics() if plan.scaling.fitted else None
        shell = TrainedCandidate(
            plan, (), head, covariates, reader.fitted, panel.ids, Calibration(head.quantiles), device,
            as_good=numbers.as_good,
        )  # fmt: skip
        augment, seed = plan.training.augment or 0, plan.training.seed
        shown = augmented(panel, augment, seed, defaults.alterations)  # made-up series have the real ones' names
        reader = reader if shown is panel else shell.reader(shown)
        source, check = self._source(reader, plan.spans.all_windows(shown), device), None
        if fold is not None:
            check = self._source(shell.reader(fold[0]), fold[1], device)
        members = self._members(source, check, head, after, budget)
        del reader, source  # what a reader keeps of a large panel is larger than the panel
        trained = replace(shell, members=tuple(members), interrupted=self.procedure.stopped)
        if after is not None:
            return replace(trained, calibration=after.calibration, validation_error=after.validation_error)
        windows = panel.total / plan.framing.horizon
        return calibrated(trained, check, self.procedure.quantiles, windows, defaults)

    def repeat(self, panel: Panel, before: TrainedCandidate) -> TrainedCandidate:
        """Train on ``panel`` as long as was best for ``before``, which stays where that was not to be finished.

        A half-trained network is no better for having seen more data.
        """
        again = self.run(panel, None, after=before)
        if again.interrupted:
            return replace(before, interrupted=True)
        if _cut_short(again, before):
            return before
        return replace(again, members=_histories_kept(again.members, before.members))

    def _source(self, reader: WindowReader, index: WindowIndex, device: torch.device) -> WindowSource:
        training = self.plan.training
        return WindowSource(
            reader, index, training.batch_size, training.shuffle, training.steps_per_epoch, device,
            units=loss_named(training.loss).counts,
        )  # fmt: skip

    def _members(
        self,
        source: WindowSource,
        check: WindowSource | None,
        head: Head,
        after: TrainedCandidate | None,
        budget: float,
    ) -> list[Member]:
        """All members, or as many as the deadline and the user allow, but one at least."""
        plan, panel, samples = self.plan, source.reader.panel, self.procedure.defaults.samples
        shape = NetworkShape(
            source.reader.features, plan.framing.horizon, len(panel.targets), source.reader.future_width
        )  # fmt: skip
        job = Job(
            shape,
            plan.network,
            head,
            source,
            None if check is None else list(check.spread(samples.check, origins=1)),
            penalty=plan.penalty,
            spread_Y=np.array(plan.spread).ravel() if plan.spread else None,
            until=None if after is None or self.warm else after.common_epoch,
            samples=samples,
            checkpoint=self.procedure.checkpoint,
        )
        trainings = [seeded(plan.training, k) for k in range(plan.members)]
        weights = [_weights(after, k) if self.warm and after is not None else None for k in range(plan.members)]
        deadline = time.monotonic() + (self.deadline - time.monotonic()) * budget
        procedure = self.procedure
        return train_members(job, trainings, weights, procedure.listener, deadline, procedure.executor)


def calibrated(
    trained: TrainedCandidate,
    check: WindowSource | None,
    quantiles: tuple[float, ...],
    windows: float,
    defaults: Defaults = DEFAULTS,
) -> TrainedCandidate:
    """The candidate with a calibration from held-out windows, as far as there are any, and its error there.

    Args:
        trained: what forecasts; it has not seen their targets.
        check: the windows; None = there are none.
        quantiles: levels to give out.
        windows: spans of one horizon that the training saw.
        defaults: the numbers of the procedure.
    """
    if check is None:
        if trained.head.about.kind == "point":
            return replace(trained, calibration=Calibration(trained.head.quantiles))
        nothing = np.full((1, trained.members[0].network.shape[0], 1), np.nan)
        zeros = np.zeros((*nothing.shape, len(quantiles)))
        evidence = Evidence(0, windows, defaults.calibration)
        return replace(trained, calibration=Calibration.fit(quantiles, zeros, nothing, evidence))
    output_BHCQ, truth_BHC = _outputs_and_truths(trained, check, defaults.samples.check)
    point = trained.head.about.kind == "point"
    calibration = Calibration.fit(
        quantiles, output_BHCQ, truth_BHC, Evidence(_spans(check), windows, defaults.calibration), point=point
    )
    middle = 0 if point else calibration.middle
    error_BHC = np.abs(output_BHCQ[..., middle] - truth_BHC)
    error = float(np.nanmean(error_BHC)) if np.isfinite(error_BHC).any() else math.nan
    return replace(trained, calibration=calibration, validation_error=error)


def _outputs_and_truths(trained: TrainedCandidate, check: WindowSource, windows: int) -> tuple[np.ndarray, np.ndarray]:
    """Outputs (B, H, C, Q) and scaled truths (B, H, C; nan = unknown) of windows that were not trained on."""
    series_B, origin_B = check.index.spread(windows)
    output_BHCQ = trained.predictor.outputs(check.reader, series_B, origin_B)
    batch = check.reader.read(series_B, origin_B, origins=1)
    assert batch.target_BKHC is not None
    truth_BHC = batch.target_BKHC[:, 0]
    if batch.weight_BKHC is not None:
        truth_BHC = np.where(batch.weight_BKHC[:, 0] > 0, truth_BHC, np.nan)
    return output_BHCQ, truth_BHC


def _warm(before: TrainedCandidate, numbers: TrainingDefaults) -> Plan:
    """The plan with a short training that does not first raise the learning rate again."""
    plan = before.plan
    epochs, lr = -(-before.common_epoch // numbers.warm_epochs), plan.training.lr / numbers.warm_rate
    return replace(plan, training=replace(plan.training, max_epochs=epochs, schedule="cosine", lr=lr))


def _weights(before: TrainedCandidate, member: int) -> dict[str, torch.Tensor]:
    """The weights that a member starts from: those of the same member."""
    return before.members[min(member, len(before.members) - 1)].network.state_dict()


def _spans(check: WindowSource) -> float:
    """Horizons, one after the other, that the targets of a typical series' windows cover."""
    windows_N = np.diff(check.index.ends, prepend=0)
    horizon = check.reader.framing.horizon
    return float((np.median(windows_N[windows_N > 0]) + horizon - 1) / horizon) if windows_N.any() else 0.0


def _cut_short(again: TrainedCandidate, before: TrainedCandidate) -> bool:
    """The deadline left less than half of the members, or one of them less than half of its epochs."""
    records = [member.record for member in again.members]
    whole_epochs = min(record.best_epoch - record.out_of_time for record in records)
    cut = any(record.out_of_time for record in records) or len(records) < len(before.members)
    return cut and (2 * whole_epochs < before.common_epoch or 2 * len(records) < len(before.members))


def _histories_kept(members: tuple[Member, ...], before: tuple[Member, ...]) -> tuple[Member, ...]:
    """The new weights with the history of the training that was validated."""
    return tuple(replace(member, record=before[min(k, len(before) - 1)].record) for k, member in enumerate(members))
