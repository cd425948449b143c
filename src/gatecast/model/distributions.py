"""Distributions as functions of tensors: negative log densities to train with, quantiles to forecast with.

Densities keep to the network's precision and device and have finite gradients for any finite argument. Quantiles are
computed in float64 on the CPU, for nothing is trained through them; they take normal scores ``z = ndtri(level)`` in
place of levels, which are exact in both tails.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor, nn

__all__ = [
    "gaussian_loss",
    "log_softplus",
    "negative_binomial_loss",
    "negative_binomial_quantile",
    "student_t_loss",
    "student_t_quantile",
    "student_t_terms_at",
]

HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)
FAR = 1e4  # deviations beyond which the Gaussian loss grows linearly: squares of larger ones could overflow
FARTHEST = 1e12  # deviations beyond which no loss grows: their gradients could overflow

# ---------------------------------------------------------------- Gaussian and Student-t


def gaussian_loss(error: Tensor, scale: Tensor) -> Tensor:
    """Negative log density of a normal variable with location 0; linear beyond 10,000 deviations."""
    deviation = (error / scale).clamp(-FARTHEST, FARTHEST)
    zero = torch.zeros_like(deviation)
    return HALF_LOG_TAU + scale.log() + nn.functional.huber_loss(deviation, zero, reduction="none", delta=FAR)


def student_t_loss(error: Tensor, scale: Tensor, dof: Tensor) -> Tensor:
    """Negative log density of a Student-t variable with location 0."""
    deviation = (error / scale).clamp(-FARTHEST, FARTHEST) / dof.sqrt()
    log_square = 2 * torch.hypot(torch.ones_like(deviation), deviation).log()  # log(1 + d^2) without squaring
    constant = torch.lgamma(dof / 2) - torch.lgamma((dof + 1) / 2) + 0.5 * (dof * math.pi).log()
    return constant + scale.log() + 0.5 * (dof + 1) * log_square


FARTHEST_SCORE = 6.0  # a level of 1e-9
SCORE_TERMS, DOF_TERMS = 20, 16


def student_t_quantile(score: Tensor, dof: Tensor) -> Tensor:
    """Quantiles of Student's t at normal scores, relative error below 1e-6 for dof >= 2 and levels of 1e-9 and above.

    ``log(quantile / score)`` is smooth in ``score^2`` and in ``1 / dof``: a polynomial of 20 x 16 Chebyshev terms,
    fitted once to the inverse of the incomplete beta function, replaces a search for every number.

    Args:
        score: (..., Q) or (Q,).
        dof: (...) degrees of freedom, 2 or more.

    Returns:
        (..., Q) in float64.
    """
    score, dof = score.detach().cpu().double(), dof.detach().cpu().double()
    in_score = student_t_terms_at(score)
    in_dof = _chebyshev(4 / dof - 1, DOF_TERMS)
    stretch = (in_dof @ in_score.T) if score.ndim == 1 else (in_score * in_dof[..., None, :]).sum(-1)
    return score * stretch.exp()


def student_t_terms_at(score: Tensor) -> Tensor:
    """(..., DOF_TERMS) at normal scores (...): of ``log(quantile / score)`` in the Chebyshev terms of 4 / dof - 1."""
    place = 2 * (score.clamp(-FARTHEST_SCORE, FARTHEST_SCORE) / FARTHEST_SCORE) ** 2 - 1
    return _chebyshev(place, SCORE_TERMS) @ _student_t_terms()


def _chebyshev(x: Tensor, terms: int) -> Tensor:
    """(...) in -1..1 -> (..., terms): the polynomials T_0, T_1, ... at x."""
    values = [torch.ones_like(x), x]
    while len(values) < terms:
        values.append(2 * x * values[-1] - values[-2])
    return torch.stack(values, -1)


@lru_cache(maxsize=1)
def _student_t_terms() -> Tensor:
    """(SCORE_TERMS, DOF_TERMS) coefficients, by interpolation at the Chebyshev nodes of both variables."""
    score_nodes, dof_nodes = (
        torch.cos(math.pi * (torch.arange(terms, dtype=torch.float64) + 0.5) / terms)
        for terms in (SCORE_TERMS, DOF_TERMS)
    )
    score = FARTHEST_SCORE * ((score_nodes + 1) / 2).sqrt()[:, None]
    dof = 4 / (dof_nodes + 1)
    wanted = (_student_t_search(score, dof) / score).log()
    left = torch.linalg.solve(_chebyshev(score_nodes, SCORE_TERMS), wanted)
    both: Tensor = torch.linalg.solve(_chebyshev(dof_nodes, DOF_TERMS), left.T)
    return both.T


def _student_t_search(score: Tensor, dof: Tensor) -> Tensor:
    """Quantiles at positive scores by Newton's method on the logarithms of x and of its tail.

    That function is concave, so the steps close in from one side after the first one.
    """
    wanted = torch.special.log_ndtr(-score)
    x = (score + 0 * dof).clone()
    for _ in range(30):
        log_tail = math.log(0.5) + _log_incomplete_beta(dof / 2, torch.full_like(dof, 0.5), dof / (dof + x**2))
        log_density = -student_t_loss(x, torch.ones_like(x), dof)
        x = x * ((log_tail - wanted) / (x * (log_density - log_tail).exp())).exp()
    return x


def _log_incomplete_beta(a: Tensor, b: Tensor, x: Tensor) -> Tensor:
    """Log of the regularised incomplete beta function by its continued fraction (Abramowitz and Stegun 26.5.8)."""
    swap = x > (a + 1) / (a + b + 2)  # there the fraction of the complement converges faster
    first, second = torch.where(swap, b, a), torch.where(swap, a, b)
    y = torch.where(swap, 1 - x, x)
    fraction = torch.ones_like(y)
    for k in range(200, 0, -1):
        m = k // 2
        if k % 2:
            term = -(first + m) * (first + second + m) * y / ((first + 2 * m) * (first + 2 * m + 1))
        else:
            term = m * (second - m) * y / ((first + 2 * m - 1) * (first + 2 * m))
        fraction = 1 + term / fraction
    log_beta = torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)
    log_part = first * y.log() + second * torch.log1p(-y) - first.log() - log_beta - fraction.log()
    return torch.where(swap, torch.log1p(-log_part.exp()), log_part)


# ---------------------------------------------------------------- negative binomial

EXACT = 500.0  # counts up to which the probabilities are summed; the approximation is off by one count at most there


def log_softplus(x: Tensor) -> Tensor:
    """log(log(1 + e^x)), about x itself where that is far below 0."""
    return torch.where(x > -15, nn.functional.softplus(x.clamp_min(-15)).log(), x)


def negative_binomial_loss(count: Tensor, mean: Tensor, log_mean: Tensor, size: Tensor) -> Tensor:
    """Negative log probability of a count; the variance is ``mean + mean^2 / size``.

    The logarithms of the gamma function are written as Stirling's formula and its rest, and what is large in it is
    taken together before it is rounded: logarithms of ratios near 1.
    """
    rest = _stirling_rest(count + size) - _stirling_rest(size) - _stirling_rest(count + 1)
    # log((count + size) / (mean + size)), and log of (count + size) mean / ((mean + size) (count + 1))
    more = _log_ratio((count - mean) / (mean + size), torch.log1p(count / size) - torch.log1p(mean / size))
    hit = _log_ratio(
        (size * (mean - count - 1) - mean) / (mean + size) / (count + 1),
        ((count + size) / (mean + size)).log() - torch.log1p(count) + log_mean,
    )
    loss = HALF_LOG_TAU - 1 + 0.5 * (torch.log1p(count / size) + torch.log1p(count)) - rest
    return loss - size * more - count * hit


def _log_ratio(difference: Tensor, logarithm: Tensor) -> Tensor:
    """log(1 + difference) for a small difference, else the logarithm as given."""
    near = difference.abs() < 0.5
    return torch.where(near, torch.log1p(torch.where(near, difference, 0)), logarithm)


def _stirling_rest(x: Tensor) -> Tensor:
    """lgamma(x) less Stirling's formula (x - 1/2) log x - x + log(2 pi) / 2."""
    small = x.clamp(max=8)
    exact = torch.lgamma(small) - (small - 0.5) * small.log() + small - HALF_LOG_TAU
    large = x.clamp(min=8)
    return torch.where(x < 8, exact, (1 / 12 - (1 / 360 - 1 / (1260 * large**2)) / large**2) / large)


def negative_binomial_quantile(score: Tensor, mean: Tensor, size: Tensor) -> Tensor:
    """Smallest count whose probability of not being exceeded reaches each level.

    Exact, by adding up probabilities, where twelve deviations above the mean are at most 500. Else that of the shifted
    gamma distribution with the same mean, variance and skewness, with the usual correction by a half.

    Args:
        score: (..., Q) or (Q,) normal scores of the levels.
        mean: (...) above 0.
        size: (...) above 0.

    Returns:
        (..., Q) whole numbers in float64.
    """
    mean, size = mean.detach().cpu().double(), size.detach().cpu().double()
    shape = (*mean.shape, score.shape[-1])
    score_MQ = score.detach().cpu().double().expand(shape).reshape(-1, shape[-1])
    mean_M, size_M = mean.reshape(-1), size.reshape(-1)
    few_M = mean_M + 12 * (mean_M + mean_M**2 / size_M).sqrt() <= EXACT
    count_MQ = torch.empty_like(score_MQ)
    for chosen_M, quantile in ((few_M, _summed_quantile), (~few_M, _gamma_like_quantile)):
        if chosen_M.any():
            count_MQ[chosen_M] = quantile(score_MQ[chosen_M], mean_M[chosen_M], size_M[chosen_M])
    return count_MQ.reshape(shape)


def _summed_quantile(score_MQ: Tensor, mean_M: Tensor, size_M: Tensor) -> Tensor:
    """Add up probabilities from 0 on; rows that have reached all of their levels are left behind."""
    level_AQ = torch.special.ndtr(score_MQ).clamp_max(1 - 1e-12)
    result_MQ, count_AQ = torch.zeros_like(level_AQ), torch.zeros_like(level_AQ)
    row_A, growth_A, size_A = torch.arange(len(mean_M)), mean_M / (size_M + mean_M), size_M
    part_A = (-size_M * torch.log1p(mean_M / size_M)).exp()
    below_A = part_A.clone()
    for count in range(1, int(20 * EXACT)):
        short_AQ = below_A[:, None] < level_AQ
        active_A = short_AQ.any(-1)
        if not active_A.any():
            break
        count_AQ += short_AQ
        if count % 8 == 0 and active_A.double().mean() < 0.8:
            result_MQ[row_A] = count_AQ
            row_A, growth_A, size_A, part_A, below_A, level_AQ, count_AQ = (
                rows[active_A] for rows in (row_A, growth_A, size_A, part_A, below_A, level_AQ, count_AQ)
            )
        part_A = part_A * growth_A * ((size_A + count - 1) / count)
        below_A = below_A + part_A
    result_MQ[row_A] = count_AQ
    return result_MQ


def _gamma_like_quantile(score_MQ: Tensor, mean_M: Tensor, size_M: Tensor) -> Tensor:
    """Quantiles of the gamma distribution with the same first three moments (Pearson's type III)."""
    mean_M1, size_M1 = mean_M[:, None], size_M[:, None]
    deviation = (mean_M1 + mean_M1**2 / size_M1).sqrt()
    root_shape = (
        2 * (mean_M1 / (size_M1 + 2 * mean_M1) * (size_M1 + mean_M1) / (size_M1 + 2 * mean_M1) * size_M1).sqrt()
    )
    shape_MQ = (root_shape**2).expand_as(score_MQ)
    gamma = _gamma_quantile(score_MQ.reshape(-1), shape_MQ.reshape(-1)).view_as(score_MQ)
    value = mean_M1 + deviation * (gamma - root_shape**2) / root_shape
    return (value - 0.5).ceil().clamp_min(0)


def _gamma_quantile(score_M: Tensor, shape_M: Tensor) -> Tensor:
    """Quantiles of the gamma distribution with scale 1.

    Wilson and Hilferty's cube root (1931), or the leading term of the distribution function for small shapes, then
    Newton's method on the logarithms of x and of the nearer tail, both of which are concave.
    """
    cube_M = 1 - 1 / (9 * shape_M) + score_M / (3 * shape_M.sqrt())
    leading_M = (torch.special.log_ndtr(score_M) + torch.lgamma(shape_M + 1)) / shape_M
    log_x_M = torch.where((shape_M > 1) & (cube_M > 0.2), (shape_M * cube_M.clamp_min(0.1) ** 3).log(), leading_M)
    log_x_M = log_x_M.clamp(-600, 600)
    row_A = torch.nonzero(shape_M < 1000)[:, 0]  # beyond, the cube root is right to a tenth of a thousandth
    for _ in range(20):
        x_A, shape_A, score_A = log_x_M[row_A], shape_M[row_A], score_M[row_A]
        log_tail_A = _log_nearer_tail(shape_A, x_A.exp(), score_A > 0)
        log_slope_A = shape_A * x_A - x_A.exp() - torch.lgamma(shape_A) - log_tail_A
        step_A = (log_tail_A - torch.special.log_ndtr(-score_A.abs())) / log_slope_A.clamp(-300, 300).exp()
        step_A = torch.where(score_A > 0, step_A, -step_A).clamp(-2, 2)
        log_x_M[row_A] = (x_A + step_A).clamp(-600, 600)
        row_A = row_A[(step_A.abs() > 1e-5) & (log_x_M[row_A].abs() < 600)]
        if not len(row_A):
            break
    return log_x_M.exp()


def _log_nearer_tail(shape_A: Tensor, x_A: Tensor, upper_A: Tensor) -> Tensor:
    """Log probability of the gamma distribution above x where ``upper_A``, else below it."""
    tail_A = torch.empty_like(x_A)
    tail_A[upper_A] = torch.special.gammaincc(shape_A[upper_A], x_A[upper_A])
    tail_A[~upper_A] = torch.special.gammainc(shape_A[~upper_A], x_A[~upper_A])
    return tail_A.clamp_min(1e-300).log()
