"""The linear probe: which scaling and how much history suit the data, judged by ridge regressions in milliseconds.

For every candidate scaling the probe fits the network's own linear part and scores it in the data's own unit, on folds
that lie after what it was fitted on (rolling origins). What is good for the line is a good start for the LSTM on it.

    fold 1   train ─────────┤ check ├
    fold 2   train ─────────────────┤ check ├
    fold 3   train ─────────────────────────┤ check |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from gatecast.data.panel import Panel
from gatecast.data.rows import windows_at
from gatecast.planning.defaults import DEFAULTS, Defaults
from gatecast.training.ridge import Moments
from gatecast.windows.channels import Layout
from gatecast.windows.covariate_scale import CovariateScale
from gatecast.windows.reader import WindowReader
from gatecast.windows.scaling import Scaling
from gatecast.windows.shape import Framing
from gatecast.windows.spans import Spans

__all__ = ["Probe", "fold_shares", "longest_skip", "probe", "quick_error", "window_weights"]

MOST_COMPARED = 48  # steps of the horizon


@dataclass(frozen=True)
class Probe:
    """How one candidate did.

    Args:
        scaling: the candidate.
        lookback: the steps that its statistics were taken from.
        skip: the best number of steps of the linear part.
        penalty: the best ridge penalty.
        error: mean absolute error over the folds, relative to the mean step of each series.
        spread_HC: (H, C) mean absolute error in output units, out of sample; None where nothing could be checked.
    """

    scaling: Scaling
    lookback: int
    skip: int
    penalty: float = 1e-2
    error: float = np.nan
    spread_HC: np.ndarray | None = None


def fold_shares(total: int, defaults: Defaults = DEFAULTS) -> tuple[float, ...]:
    """Where the folds cut each series: three folds of small data, one of large."""
    return defaults.linear.cuts if total < defaults.sizes.small else defaults.linear.cuts[-2:]


def longest_skip(panel: Panel, scaling: Scaling, framing: Framing, columns: int) -> int:
    """Steps that a linear part can read with so many columns at most; one at least."""
    features = Layout(panel.schema, scaling, framing, panel.frequency).features
    return max(1, min(framing.lookback, columns // features))


def probe(
    panel: Panel, scaling: Scaling, lookback: int, horizon: int, skips: list[int], defaults: Defaults = DEFAULTS
) -> Probe | None:
    """Score one scaling with several lengths of the linear part; None where no fold has windows on both sides."""
    linear = defaults.linear
    folds = [
        fold
        for cuts in pairwise(fold_shares(panel.total, defaults))
        if (fold := _fold(panel, cuts, scaling, Framing(lookback, horizon), skips[-1], defaults)) is not None
    ]
    if not folds:
        return None
    penalties = linear.penalties
    error_KP = np.mean([[fold.errors(skip, penalties) for skip in skips] for fold in folds], axis=0)
    k, p = divmod(int(np.argmin(error_KP)), len(penalties))
    spread_Y = np.mean([fold.spread(skips[k], penalties[p]) for fold in folds], axis=0)
    spread_HC = spread_Y.reshape(horizon, -1)
    return Probe(scaling, lookback, skips[k], penalties[p], float(error_KP[k, p]), spread_HC)


def quick_error(panel: Panel, scaling: Scaling, framing: Framing, defaults: Defaults = DEFAULTS) -> float:
    """The error of a short linear part on few windows, to compare variants of one base; nan without any check."""
    linear = defaults.linear
    skip = min(longest_skip(panel, scaling, framing, linear.quick_columns), linear.quick_skip)
    folds = [
        fold
        for cuts in pairwise(fold_shares(panel.total, defaults))
        if (fold := _fold(panel, cuts, scaling, framing, skip, defaults, linear.quick_share)) is not None
    ]
    if not folds:
        return np.nan
    return float(np.mean([min(fold.errors(skip, linear.penalties)) for fold in folds]))


@dataclass(frozen=True)
class _Fold:
    """Regression rows of both sides of a cut, and the way back to the data's unit."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_check: np.ndarray
    y_check: np.ndarray
    unit: _Unit
    width: int
    horizon: int

    @cached_property
    def moments(self) -> Moments:
        """Of all columns: shorter linear parts read the last ones."""
        return Moments.of(self.x_train, self.y_train)

    @cached_property
    def truth_MY(self) -> np.ndarray:
        """What came, in the data's unit."""
        return self.unit.restore(self.y_check)

    @cached_property
    def compared(self) -> np.ndarray:
        """Outputs that errors are taken of: neighbours on a long horizon tell the same."""
        outputs_HC = np.arange(self.y_train.shape[1]).reshape(self.horizon, -1)
        return outputs_HC[:: -(-self.horizon // MOST_COMPARED)].ravel()

    def errors(self, skip: int, penalties: Sequence[float]) -> list[float]:
        """For every penalty: the weighted error in the data's unit."""
        moments, x_check = self._linear_part(skip)
        unit, truth_MY = self._compared_with
        errors = []
        for ridge in moments.of_targets(self.compared).solve(penalties):
            error_M = np.abs(unit.restore(ridge.predict(x_check)) - truth_MY).mean(axis=1)
            errors.append(float(error_M @ unit.weight_M))
        return errors

    def spread(self, skip: int, penalty: float) -> np.ndarray:
        """(Y,) mean absolute error of the outputs."""
        moments, x_check = self._linear_part(skip)
        return np.asarray(np.abs(moments.solve((penalty,))[0].predict(x_check) - self.y_check).mean(axis=0))

    @cached_property
    def _compared_with(self) -> tuple[_Unit, np.ndarray]:
        """Unit and truths of these outputs."""
        return self.unit.of_outputs(self.compared), self.truth_MY[:, self.compared]

    def _linear_part(self, skip: int) -> tuple[Moments, np.ndarray]:
        """What it reads: before the cut, summed up, and (M, P) after it."""
        columns = skip * self.width
        return self.moments.last(columns), self.x_check[:, -columns:].astype(np.float64)


@dataclass(frozen=True)
class _Unit:
    """The way back from output units, and the weight of each window (1 / its series' mean step)."""

    scaling: Scaling
    centre_MY: np.ndarray
    spread_MY: np.ndarray
    weight_M: np.ndarray

    def of_outputs(self, outputs: np.ndarray) -> _Unit:
        """That of some outputs alone."""
        return replace(self, centre_MY=self.centre_MY[:, outputs], spread_MY=self.spread_MY[:, outputs])

    def restore(self, output_MY: np.ndarray) -> np.ndarray:
        u_MY = self.centre_MY + self.spread_MY * output_MY
        return self.scaling.inverse(self.scaling.bound(u_MY, self.centre_MY))


def _fold(
    panel: Panel,
    shares: tuple[float, float],
    scaling: Scaling,
    framing: Framing,
    skip: int,
    defaults: Defaults,
    share: float = 1.0,
) -> _Fold | None:
    """Rows of (a share of) the windows before and after a cut; None where one side has none."""
    part, train, cut_N = _parts(panel, shares, framing.horizon)
    if not len(cut_N):
        return None
    spans = _spans(framing)
    covariates = CovariateScale.fit(train, scaling.scale != "none")
    train_windows, check_windows = spans.all_windows(train), spans.tail_windows(part, cut_N)
    x_train, y_train, _ = _rows(
        *train_windows.spread(int(defaults.samples.start * share)), train, train, scaling, framing, covariates, skip
    )
    x_check, y_check, unit = _rows(
        *check_windows.spread(int(defaults.samples.check * share)), part, train, scaling, framing, covariates, skip
    )  # fmt: skip
    if len(x_train) < 2 or not len(x_check):
        return None
    return _Fold(x_train, y_train, x_check, y_check, unit, x_train.shape[1] // skip, framing.horizon)


def _parts(panel: Panel, shares: tuple[float, float], horizon: int) -> tuple[Panel, Panel, np.ndarray]:
    """The series that a cut leaves something of, up to the end of the check and up to the cut, and the cuts (N,)."""
    cut_N, end_N = ((panel.length * share).astype(np.int64) for share in shares)
    cut_N = np.minimum(cut_N, end_N - horizon)  # the check holds one horizon at least
    usable = np.flatnonzero(cut_N >= horizon + 2)
    part = (panel if len(usable) == len(panel) else panel.select(usable)).slice(0, end_N[usable])
    return part, part.slice(0, cut_N[usable]), cut_N[usable]


def _spans(framing: Framing) -> Spans:
    return Spans(framing.lookback, framing.horizon, padded=True, least=min(framing.lookback, 3))


def _rows(
    series_B: np.ndarray,
    origin_B: np.ndarray,
    panel: Panel,
    trained: Panel,
    scaling: Scaling,
    framing: Framing,
    covariates: CovariateScale,
    skip: int,
) -> tuple[np.ndarray, np.ndarray, _Unit]:
    """Rows of some windows: (M, skip * F), (M, H * C), their unit; unknown truths are left out.

    Of a large panel most series have no window here: only those that have one are looked at. ``trained`` gives the
    statistics of a fitted scaling.
    """
    used, series_B = np.unique(series_B, return_inverse=True)
    reader = WindowReader(panel.select(used), scaling, framing, covariates)
    if scaling.fitted:
        reader.fitted = WindowReader(trained.select(used), scaling, framing, covariates).fit_statistics()
    batch = reader.read(series_B, origin_B)
    assert batch.target_BKHC is not None
    count = len(origin_B)
    x_MP = batch.context_BLF[:, -skip:].reshape(count, skip * reader.features)
    outputs = int(np.prod(batch.target_BKHC.shape[1:]))
    y_MY, centre_MY = (a.reshape(count, outputs) for a in (batch.target_BKHC, batch.reference_BKHC))
    spread_MY = np.broadcast_to(batch.spread_BC[:, None], batch.target_BKHC[:, 0].shape).reshape(y_MY.shape)
    known_M = np.arange(len(y_MY))
    if batch.weight_BKHC is not None:
        known_M = np.flatnonzero(batch.weight_BKHC.reshape(y_MY.shape).all(axis=1))
    weight_M = window_weights(reader.panel, series_B[known_M])
    unit = _Unit(reader.scaling, centre_MY[known_M], spread_MY[known_M], weight_M / max(len(weight_M), 1))
    return x_MP[known_M], y_MY[known_M], unit


def window_weights(panel: Panel, series_B: np.ndarray) -> np.ndarray:
    """(B,) what an absolute error in each window counts, so that large series do not decide alone.

    The error in units of the series' mean step, as MASE has it (halved); series whose steps are large beside their size
    count a little more, as they do in sMAPE.
    """
    step_B = _per_series(panel, series_B, _step_sizes)
    size_B = _per_series(panel, series_B, _sizes)
    share = float(np.mean(step_B / size_B)) if len(series_B) else 1.0
    weight_B: np.ndarray = (1 / step_B + share / size_B) / 2
    return weight_B


def _per_series(panel: Panel, series_B: np.ndarray, measure: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """(B,) a measure of (N, T, C) values of each window's series; of what is observed; 1 where nothing is."""
    wanted, back_B = np.unique(series_B, return_inverse=True)
    found_N = np.empty(len(wanted))
    for length in np.unique(panel.length[wanted]):
        alike = np.flatnonzero(panel.length[wanted] == length)
        target_NTC = windows_at(panel.target_RC, panel.first[wanted[alike]], int(length))
        whole_N = np.isfinite(target_NTC).all(axis=(1, 2))
        found_N[alike[whole_N]] = measure(target_NTC[whole_N])
        for n in np.flatnonzero(~whole_N):
            known_TC = target_NTC[n][np.isfinite(target_NTC[n]).all(axis=1)]
            found_N[alike[n]] = measure(known_TC[None])[0] if len(known_TC) else 1.0
    return found_N[back_B]


def _sizes(target_NTC: np.ndarray) -> np.ndarray:
    """(N,) mean absolute value; 1 where that is 0."""
    size_N = np.abs(target_NTC).mean(axis=(1, 2), dtype=np.float64)
    return np.where(size_N != 0, size_N, 1)


def _step_sizes(target_NTC: np.ndarray) -> np.ndarray:
    """(N,) mean absolute step; the mean size where nothing moves, 1 where that is 0."""
    count, steps, width = target_NTC.shape
    size_N = np.abs(target_NTC).reshape(count, steps * width).mean(axis=1)
    if steps == 1:
        return np.where(size_N != 0, size_N, 1)
    step_N = np.abs(np.diff(target_NTC, axis=1)).reshape(count, (steps - 1) * width).mean(axis=1)
    return np.where(step_N != 0, step_N, np.where(size_N != 0, size_N, 1))
