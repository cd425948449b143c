"""Sample paths: whole futures that the model holds for possible, drawn from its distributions.

one step at a time   L steps of history ─▶ state ─▶ draw ─▶ step ─▶ draw ─▶ step ─▶ ...   a copy of the state per path
all steps at once    calibrated quantiles of each step, joined by one normal variable per path and step

A draw is a normal score z, turned into a value by the quantile function: linear in z between the scores of the
calibrated levels, the outermost pieces going on beyond them, which gives normal tails. A head that is a distribution
has every quantile of its own; calibration shifts it by what it shifts the levels, linear in z in the same way.

Direct forecasts are joined by a Gaussian copula: the scores of one path are correlated over the steps as the model's
own errors were. The copula of forecast errors is that of Pinson et al. 2009, "From probabilistic forecasts to
statistical scenarios of short-term wind power production"; related is the Schaake shuffle (Clark et al. 2004). Several
targets are drawn independently of each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gatecast.ensemble.copula import correlation_over_steps, default_correlation, root
from gatecast.ensemble.predictor import Predictor
from gatecast.errors import ConfigError, Setting
from gatecast.model.heads import DistributionHead, Units
from gatecast.model.losses import losses_of
from gatecast.model.protocol import Network, State
from gatecast.windows.channels import Drawn
from gatecast.windows.index import WindowIndex
from gatecast.windows.reader import WindowReader
from gatecast.windows.shape import Batch

__all__ = [
    "interpolated",
    "joined_paths",
    "joined_quantiles",
    "scores_of",
    "step_correlation",
    "stepwise_paths",
    "with_spread",
]

ROWS_AT_ONCE = 32_768  # paths computed together
ERROR_WINDOWS = 1024
FARTHEST_SCORE = 3.0  # of an error: beyond, the quantiles say little
SPREAD_PATHS = 256


# ---------------------------------------------------------------- quantile functions


def interpolated(score: np.ndarray, known_Q: np.ndarray, values_Q: np.ndarray) -> np.ndarray:
    """Values at normal scores (..., S), linear between the known ones (Q,) -> (..., Q); the outer pieces go on."""
    if len(known_Q) == 1:
        return np.broadcast_to(values_Q, score.shape)
    left = np.clip(np.searchsorted(known_Q, score, side="right") - 1, 0, len(known_Q) - 2)
    low, high = (np.take_along_axis(values_Q, left + side, axis=-1) for side in (0, 1))
    weight = (score - known_Q[left]) / (known_Q[left + 1] - known_Q[left])
    result: np.ndarray = low + weight * (high - low)
    return result


def scores_of(truth: np.ndarray, known_Q: np.ndarray, values_Q: np.ndarray) -> np.ndarray:
    """The way back: truths (...) and quantiles (..., Q) at known scores -> normal scores (...), -3 to 3."""
    if len(known_Q) == 1:
        return truth - values_Q[..., 0]
    left = np.clip((truth[..., None] > values_Q).sum(-1) - 1, 0, len(known_Q) - 2)[..., None]
    low, high = (np.take_along_axis(values_Q, left + side, axis=-1)[..., 0] for side in (0, 1))
    left = left[..., 0]
    share = (truth - low) / np.maximum(high - low, 1e-6)
    score: np.ndarray = known_Q[left] + share * (known_Q[left + 1] - known_Q[left])
    return np.clip(score, -FARTHEST_SCORE, FARTHEST_SCORE)


def level_scores(predictor: Predictor) -> np.ndarray:
    """(Q,) normal scores of the calibrated levels. Raises ConfigError where the median is all that there is."""
    levels = predictor.calibration.quantiles
    if len(levels) == 1 and predictor.head.about.kind != "likelihood":
        points = ", ".join(losses_of("point"))
        raise ConfigError(
            "sample paths need to know how far a forecast may be off; this model gives the median alone. "
            f"Train with several quantiles, and with validation where the loss is one of {points}."
        )
    scores_Q: np.ndarray = torch.special.ndtri(torch.tensor(levels, dtype=torch.float64)).numpy()
    return scores_Q


def _outputs_at(
    predictor: Predictor, raws: list[Tensor], units: Units | None, score_BHCS: np.ndarray, known_Q: np.ndarray
) -> np.ndarray:
    """Calibrated outputs (B, H, C, S) at normal scores, averaged over the raw outputs (B, H, C, R) of the members."""
    head = predictor.head
    plain_BHCQ = torch.stack([head.outputs(raw, units) for raw in raws]).mean(0).cpu().numpy()
    calibrated_BHCQ = predictor.calibration.apply(plain_BHCQ)
    if not isinstance(head, DistributionHead):
        return interpolated(score_BHCS, known_Q, calibrated_BHCQ)
    score = torch.from_numpy(score_BHCS)
    own_BHCS = torch.stack([head.at_scores(raw, score.to(raw), units) for raw in raws]).mean(0).cpu().numpy()
    return own_BHCS + interpolated(score_BHCS, known_Q, calibrated_BHCQ - plain_BHCQ)


# ---------------------------------------------------------------- all steps at once


def joined_paths(
    predictor: Predictor,
    reader: WindowReader,
    series_B: np.ndarray,
    origin_B: np.ndarray,
    noise_BSHC: np.ndarray,
    correlation_HH: np.ndarray,
) -> np.ndarray:
    """Paths (B, S, H, C) of a direct model in the data's own unit: its quantiles joined by a Gaussian copula.

    Args:
        predictor: the ensemble.
        reader: where to read.
        series_B: series of each forecast.
        origin_B: row of each origin.
        noise_BSHC: independent standard normal numbers.
        correlation_HH: of the normal scores over the steps.
    """
    known_Q = level_scores(predictor)
    root_HH = root(correlation_HH)
    parts = []
    for at in _chunks(len(origin_B), noise_BSHC.shape[1]):
        batch = reader.read(series_B[at], origin_B[at], targets=False, origins=1)
        raws, _ = _encoded(predictor, batch, predictor.networks)
        score_BHCS = np.einsum("hk,bskc->bhcs", root_HH, noise_BSHC[at])
        units = predictor.units(reader, batch, last=True)
        output_BHCS = _outputs_at(predictor, raws, units, score_BHCS, known_Q)
        parts.append(predictor.settled(reader.restore(batch, output_BHCS)))
    return np.moveaxis(np.concatenate(parts), 3, 1)


def joined_quantiles(
    values_BHCQ: np.ndarray, levels: tuple[float, ...], noise_BSHC: np.ndarray, correlation_HH: np.ndarray
) -> np.ndarray:
    """Paths (B, S, H, C) from quantiles alone, joined as in ``joined_paths``.

    Args:
        values_BHCQ: quantiles in the data's own unit.
        levels: theirs.
        noise_BSHC: independent standard normal numbers.
        correlation_HH: of the normal scores over the steps.
    """
    known_Q = torch.special.ndtri(torch.tensor(levels, dtype=torch.float64)).numpy()
    score_BHCS = np.einsum("hk,bskc->bhcs", root(correlation_HH), noise_BSHC)
    return np.moveaxis(interpolated(score_BHCS, known_Q, values_BHCQ), 3, 1)


def step_correlation(predictor: Predictor, reader: WindowReader, index: WindowIndex) -> np.ndarray:
    """(H, H) of the model's errors, from windows with known truths; see ``copula.correlation_over_steps``."""
    count, horizon = len(index), reader.framing.horizon
    if count < 2:
        return default_correlation(horizon)
    series_M, origin_M = index.spread(ERROR_WINDOWS)
    batch = reader.read(series_M, origin_M, origins=1)
    assert batch.target_BKHC is not None
    quantiles_MHCQ = predictor.calibration.apply(predictor.outputs(reader, series_M, origin_M))
    score_MHC = scores_of(batch.target_BKHC[:, 0], level_scores(predictor), quantiles_MHCQ)
    known_MHC = np.ones_like(score_MHC) if batch.weight_BKHC is None else batch.weight_BKHC[:, 0]
    return correlation_over_steps(score_MHC, known_MHC, count, len(np.unique(series_M)))


# ---------------------------------------------------------------- one step at a time


def stepwise_paths(
    predictor: Predictor, reader: WindowReader, series_B: np.ndarray, origin_B: np.ndarray, noise_BSHC: np.ndarray
) -> np.ndarray:
    """Paths (B, S, H, C) of a one-step model in the data's own unit: every draw is read as if observed.

    The history is encoded once per member; then each step of a path is one step of the network. Path s follows member
    s modulo K. Location and spread stay those of the window before the origin.

    Args:
        predictor: the ensemble.
        reader: where to read; its framing has horizon 1.
        series_B: series of each forecast.
        origin_B: row of each origin.
        noise_BSHC: independent standard normal numbers.

    Raises:
        ConfigError: the network folds steps, or the reference cannot be made one step at a time.
    """
    if reader.scaling.reference.walk_rows is None:
        raise ConfigError(
            f"sample paths of a recursive model cannot use the scaling {reader.scaling.describe()}: its reference is "
            "the whole history's. Use ",
            Setting("recursive", False, of="forecaster"),
            ".",
        )
    known_Q = level_scores(predictor)
    members = len(predictor.networks)
    values_BSHC = np.empty(noise_BSHC.shape, reader.u_RC.dtype)
    for at in _chunks(len(origin_B), -(-noise_BSHC.shape[1] // members)):
        batch = reader.read(series_B[at], origin_B[at], targets=False, origins=1)
        for k, network in enumerate(predictor.networks[: noise_BSHC.shape[1]]):
            walk = _Walk.begin(
                predictor, network, reader, batch, series_B[at], origin_B[at], noise_BSHC[at, k::members]
            )
            values_BSHC[at, k::members] = walk.values(known_Q)
    return values_BSHC


def with_spread(
    predictor: Predictor,
    reader: WindowReader,
    series_B: np.ndarray,
    origin_B: np.ndarray,
    values_BHCQ: np.ndarray,
) -> np.ndarray:
    """Recursive forecasts (B, H, C, Q) with the quantiles of 256 paths from the second step on.

    A median that is fed back knows of one step's uncertainty alone; draws that are fed back add it up. The median stays
    as it is. The normal scores are the same for every origin. Where paths cannot be walked (folded steps,
    category-difference, smooth, no quantiles) nothing changes.
    """
    horizon, targets, levels = values_BHCQ.shape[1:]
    stuck = not all(network.can_step for network in predictor.networks)
    if min(horizon, levels) == 1 or stuck or reader.scaling.reference.walk_rows is None:
        return values_BHCQ
    noise_SHC = _even_noise(horizon * targets).reshape(SPREAD_PATHS, horizon, targets)
    middle, result_BHCQ = predictor.calibration.middle, values_BHCQ.copy()
    for at in _chunks(len(origin_B), SPREAD_PATHS):
        noise_BSHC = np.broadcast_to(noise_SHC, (at.stop - at.start, *noise_SHC.shape))
        paths_BSHC = stepwise_paths(predictor, reader, series_B[at], origin_B[at], noise_BSHC)
        spread_QBHC = np.quantile(paths_BSHC, predictor.calibration.quantiles, axis=1, method="weibull")
        result_BHCQ[at, 1:] = np.moveaxis(spread_QBHC, 0, -1)[:, 1:]
    median_BHC1 = values_BHCQ[..., middle : middle + 1]
    result_BHCQ[..., :middle] = np.minimum(result_BHCQ[..., :middle], median_BHC1)
    result_BHCQ[..., middle + 1 :] = np.maximum(result_BHCQ[..., middle + 1 :], median_BHC1)
    result_BHCQ[..., middle] = median_BHC1[..., 0]
    return predictor.settled(result_BHCQ)


def _even_noise(numbers: int) -> np.ndarray:
    """(S, numbers) normal scores that fill the space evenly: a scrambled Sobol sequence (Owen 1998).

    Widths of intervals then err by 3 to 4 %, where independent draws, or a Latin hypercube, err by 5 to 7 %.
    """
    if numbers > torch.quasirandom.SobolEngine.MAXDIM:
        return np.random.default_rng(0).standard_normal((SPREAD_PATHS, numbers))
    engine = torch.quasirandom.SobolEngine(numbers, scramble=True, seed=0)  # type: ignore[no-untyped-call]
    share = engine.draw(SPREAD_PATHS, dtype=torch.float64)
    scores: np.ndarray = torch.special.ndtri(share.clamp(1e-6, 1 - 1e-6)).numpy()
    return scores


@dataclass
class _Walk:
    """The paths of one member on their way: P rows, S per origin.

    Args:
        after: (P, H, W) of each channel after the origin; None for those that the drawn values decide.
        raw: (P, 1, C, R) outputs for the next step.
        state: of the network after the steps so far.
        tail_PSF: the last steps of the context, as many as a step of the network reads.
        reference_PC: what an output of 0 means at the next step.
        u_PTC: the values that the reference may look at, with room for the horizon.
    """

    predictor: Predictor
    network: Network
    reader: WindowReader
    noise_PHC: np.ndarray
    after: list[np.ndarray | None]
    location_PC: np.ndarray
    level_PC: np.ndarray
    spread_PC: np.ndarray
    raw: Tensor
    state: State
    tail_PSF: Tensor
    reference_PC: np.ndarray
    u_PTC: np.ndarray
    first_P: np.ndarray
    back: int
    paths: int

    @classmethod
    def begin(
        cls,
        predictor: Predictor,
        network: Network,
        reader: WindowReader,
        batch: Batch,
        series_B: np.ndarray,
        origin_B: np.ndarray,
        noise_BSHC: np.ndarray,
    ) -> _Walk:
        """Encode the history once, and copy what comes of it for every path."""
        _, paths, horizon, targets = noise_BSHC.shape
        (raw,), (state,) = _encoded(predictor, batch, [network])
        tail_BSF = torch.from_numpy(batch.context_BLF[:, -network.tail :]).to(predictor.device)
        back = reader.scaling.reference.walk_rows
        assert back is not None
        first_B = reader.first_rows(series_B, origin_B)[:, 0]
        row_BT = np.maximum(origin_B[:, None] + np.arange(1 - back, 1), first_B[:, None])
        room = ((0, 0), (0, horizon), (0, 0))

        def copied(array: np.ndarray) -> np.ndarray:
            return np.repeat(array, paths, axis=0)

        return cls(
            predictor,
            network,
            reader,
            noise_BSHC.reshape(-1, horizon, targets),
            [None if part is None else copied(part) for part in reader.after(series_B, origin_B, horizon)],
            copied(batch.location_BC),
            copied(batch.level_BC),
            copied(batch.spread_BC),
            raw.repeat_interleave(paths, 0),
            state.repeat(paths),
            tail_BSF.repeat_interleave(paths, 0),
            copied(batch.reference_BKHC[:, -1, 0]),
            np.pad(copied(reader.u_RC[row_BT]), room),
            copied(first_B - (origin_B - back + 1)),
            back,
            paths,
        )

    def values(self, known_Q: np.ndarray) -> np.ndarray:
        """Walk to the horizon: (B, S, H, C)."""
        horizon = self.noise_PHC.shape[1]
        values_PHC = np.empty(self.noise_PHC.shape, self.reader.u_RC.dtype)
        for step in range(horizon):
            u_PC = self._drawn(step, known_Q)
            values_PHC[:, step] = self.predictor.settled(self.reader.scaling.inverse(u_PC))
            if step < horizon - 1:
                u_PC = self.reader.scaling.transform(values_PHC[:, step]) if self.predictor.head.counts else u_PC
                self._go_on(step, u_PC)
        return values_PHC.reshape(-1, self.paths, *values_PHC.shape[1:])

    def _drawn(self, step: int, known_Q: np.ndarray) -> np.ndarray:
        """(P, C) the next values, transformed but not scaled."""
        unit, units = self.reader.scaling.unit, None
        if self.predictor.head.counts:
            centre, spread = (
                torch.tensor(unit * part).to(self.raw)[:, None] for part in (self.reference_PC, self.spread_PC)
            )
            units = Units(centre, spread)
        score_P1C1 = self.noise_PHC[:, step, None, :, None]
        output_PC = _outputs_at(self.predictor, [self.raw], units, score_P1C1, known_Q)[:, 0, :, 0]
        u_PC = (self.reference_PC + self.spread_PC * output_PC).astype(self.u_PTC.dtype)
        return self.reader.scaling.bound(u_PC, self.reference_PC)

    def _go_on(self, step: int, u_PC: np.ndarray) -> None:
        """Read the drawn values as the window's next step."""
        reference = self.reader.scaling.reference
        known_P1 = (self.back + step - reference.residual_from >= self.first_P)[:, None]
        residual_PC = np.where(known_P1, (u_PC - self.reference_PC) / self.spread_PC, 0)
        drawn = Drawn((u_PC - self.location_PC) / self.level_PC, residual_PC)
        parts = [
            channel.drawn(drawn) if part is None else part[:, step]
            for channel, part in zip(self.reader.layout.places, self.after, strict=True)
        ]
        new_PF = np.concatenate([part.astype(np.float32, copy=False) for part in parts], axis=1)
        new_P1F = torch.from_numpy(new_PF).to(self.tail_PSF)[:, None]
        self.tail_PSF = torch.cat([self.tail_PSF[:, 1:], new_P1F], 1)
        with torch.inference_mode():
            raw_P1HCR, self.state = self.network.step(self.tail_PSF, self.state)
        self.raw = raw_P1HCR[:, -1]
        self.u_PTC[:, self.back + step] = u_PC
        if reference.anchored:
            reference_PC = reference.next(self.u_PTC, self.first_P, self.back + step)
            self.reference_PC = np.where(np.isnan(reference_PC), u_PC, reference_PC)


# ---------------------------------------------------------------- shared


def _encoded(predictor: Predictor, batch: Batch, networks: Sequence[Network]) -> tuple[list[Tensor], list[State]]:
    """Raw outputs (B, H, C, R) of the last origin and the state after it, of each network."""
    context_BLF, future_BKHF = predictor.tensors(batch)
    with torch.inference_mode():
        pairs = [network(context_BLF, future_BKHF, origins=1) for network in networks]
    return [raw[:, -1] for raw, _ in pairs], [state for _, state in pairs]


def _chunks(count: int, paths: int) -> Iterator[slice]:
    size = max(ROWS_AT_ONCE // max(paths, 1), 1)
    return (slice(at, min(at + size, count)) for at in range(0, count, size))
