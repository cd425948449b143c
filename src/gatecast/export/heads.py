"""Heads and calibration as nodes: from raw outputs to quantiles, float32 as in ``model.heads``."""

from __future__ import annotations

import numpy as np
import torch

from gatecast.data.quantiles import middle
from gatecast.ensemble.calibration import Calibration
from gatecast.export.graph import Value, concat
from gatecast.model.distributions import DOF_TERMS, student_t_terms_at
from gatecast.model.heads import LEAST_SCALE, GaussianHead, Head, PointHead, QuantileHead, StudentTHead

__all__ = ["HEADS", "calibrated", "head_outputs"]

HEADS = (PointHead, QuantileHead, GaussianHead, StudentTHead)


def head_outputs(head: Head, raw_BHCR: Value) -> Value:
    """Quantiles (B, H, C, Q) of raw outputs."""
    if isinstance(head, PointHead):
        return raw_BHCR
    location = raw_BHCR[..., :1]
    if isinstance(head, QuantileHead):
        return _stepped(location, raw_BHCR[..., 1:].function("Softplus"), head)
    score_Q = torch.special.ndtri(torch.tensor(head.quantiles, dtype=torch.float64)).numpy()
    scale = raw_BHCR[..., 1:2].function("Softplus") + LEAST_SCALE
    if isinstance(head, GaussianHead):
        return location + scale * score_Q
    assert isinstance(head, StudentTHead), f"{type(head).__name__} has no graph"
    dof = (raw_BHCR[..., 2:3].function("Softplus") + 2.0).clip(-np.inf, 1000.0)
    return location + scale * _student_t(score_Q, dof)


def _stepped(location: Value, step: Value, head: QuantileHead) -> Value:
    """Outwards from the middle level, one positive step at a time: a sum over the steps so far."""
    below, above = middle(head.quantiles), len(head.quantiles) - 1 - middle(head.quantiles)
    weight_SQ = np.zeros((below + above, below + 1 + above))
    weight_SQ[:below, :below] = -np.triu(np.ones((below, below)))[:, ::-1]
    weight_SQ[below:, below + 1 :] = np.triu(np.ones((above, above)))
    return location if not below + above else location + step @ weight_SQ


def _student_t(score_Q: np.ndarray, dof: Value) -> Value:
    """(..., Q) quantiles for degrees of freedom (..., 1); see ``distributions.student_t_quantile``."""
    place = 4.0 / dof.cast(np.float64) - 1.0
    terms = [place * 0.0 + 1.0, place]
    while len(terms) < DOF_TERMS:
        terms.append(place * terms[-1] * 2.0 - terms[-2])
    stretch = concat(terms, 3) @ student_t_terms_at(torch.from_numpy(score_Q)).numpy().T
    return (stretch.function("Exp") * score_Q).cast(np.float32)


def calibrated(calibration: Calibration, output_BHCQ: Value) -> Value:
    """See ``Calibration.apply``."""
    if calibration.offset_HCQ is not None:
        return output_BHCQ + calibration.offset_HCQ
    if calibration.stretch_HQ is None:
        return output_BHCQ
    at = calibration.middle
    median = output_BHCQ[..., at : at + 1]
    stretched = (output_BHCQ - median) * calibration.stretch_HQ[:, None] + median
    return stretched.sorted(len(calibration.quantiles))
