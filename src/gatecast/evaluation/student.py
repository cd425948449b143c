"""Student's t distribution, from the regularised incomplete beta function; tails to ten digits, in plain Python."""

from __future__ import annotations

import math

__all__ = ["t_quantile", "two_sided_p"]

_TINY = 1e-300
_STEPS = 10_000


def two_sided_p(statistic: float, dof: float) -> float:
    """Probability that t with ``dof`` degrees of freedom lies at least this far from zero, on either side.

    >>> round(two_sided_p(2.228139, 10), 6)
    0.05
    """
    if math.isnan(statistic) or not dof > 0:
        return math.nan
    if math.isinf(statistic):
        return 0.0
    return _incomplete_beta(dof / 2, 0.5, dof / (dof + statistic**2))


def t_quantile(probability: float, dof: float) -> float:
    """The t value below which a share of the distribution lies, for shares above one half, by bisection.

    >>> round(t_quantile(0.975, 10), 4)
    2.2281
    """
    tail, low, high = 2 * (1 - probability), 0.0, 1.0
    while two_sided_p(high, dof) > tail:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if two_sided_p(middle, dof) > tail else (low, middle)
    return (low + high) / 2


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """I_x(a, b), 0 <= x <= 1, by the continued fraction that converges fast on its side of the mean."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    """Evaluate the continued fraction of the incomplete beta function from the front (Lentz 1976)."""
    c, d = 1.0, 1 / _apart(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for coefficient in (even, odd):
            d = 1 / _apart(1 + coefficient * d)
            c = _apart(1 + coefficient / c)
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value


def _apart(value: float) -> float:
    """Keep a denominator off zero."""
    return value if abs(value) > _TINY else _TINY
