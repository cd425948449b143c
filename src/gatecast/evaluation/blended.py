"""A blend in words: what it is made of, and what validation said of it."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["blend_lines", "blend_reason", "blend_title"]

SMOOTHING, GATE, BLEND = "exponential smoothing", "pretrained gate", "blend"  # all other names are those of candidates
ARTICLES = {SMOOTHING: "an", GATE: "the"}
Weighted = Sequence[tuple[float, str]]


def blend_title(experts: Weighted) -> str:
    """What is blended; empty where there is one expert alone.

    Args:
        experts: weight and description of each.

    >>> blend_title([(0.4, "lookback 24 · log"), (0.3, "lookback 12 · last"), (0.3, "lookback 12 · log")])
    'a blend of 3 candidates'
    >>> blend_title([(0.5, "lookback 24 · log"), (0.5, "exponential smoothing")]), blend_title([(1.0, "lookback 24")])
    ('a blend of one candidate and an exponential smoothing', '')
    >>> blend_title([(0.5, "lookback 24 · log"), (0.5, "pretrained gate")])
    'a blend of one candidate and the pretrained gate'
    """
    if len(experts) == 1:
        return ""
    others = [f"{ARTICLES[name]} {name}" for _, name in experts if name in ARTICLES]
    trained = len(experts) - len(others)
    return f"a blend of {' and '.join([f'{trained} candidates' if trained > 1 else 'one candidate', *others])}"


def blend_lines(experts: Weighted) -> list[tuple[str, str]]:
    """Weight and description of all experts; nothing where there is one alone.

    Args:
        experts: weight and description of each.

    >>> blend_lines([(0.5, "lookback 24 · log"), (0.3, "lookback 12 · last"), (0.2, "exponential smoothing")])
    [('0.50', 'lookback 24 · log'), ('0.30', 'lookback 12 · last'), ('0.20', 'exponential smoothing')]
    """
    shown = _hundredths([weight for weight, _ in experts])
    return [(f"{n / 100:.2f}", name) for n, (_, name) in zip(shown, experts, strict=True)] if len(experts) > 1 else []


def _hundredths(weights: Sequence[float]) -> list[int]:
    """Weights in hundredths, rounded so that they add up to what the weights do: the largest remainders go up.

    >>> _hundredths([0.395, 0.395, 0.21]), _hundredths([1 / 3, 1 / 3, 1 / 3])
    ([40, 39, 21], [34, 33, 33])
    """
    whole = [int(100 * weight) for weight in weights]
    order = sorted(range(len(weights)), key=lambda k: whole[k] - 100 * weights[k])
    for k in order[: round(100 * sum(weights)) - sum(whole)]:
        whole[k] += 1
    return whole


def blend_reason(errors: Sequence[tuple[str, float]], own: int = 0) -> str:
    """Why it is a blend: its validation error beside that of the best candidate; empty where nothing was compared.

    The weights were chosen on the same data, which the sentence says, for that flatters the blend.

    Args:
        errors: (what, error) of every candidate, of the smoothing and of the blend.
        own: series that have weights of their own.

    >>> blend_reason([("lookback 24 · log", 10.0), ("exponential smoothing", 12.0), ("blend", 9.6)])
    'On the validation data that set the weights, the blend was 4 % better than the best candidate alone.'
    """
    blend = [error for name, error in errors if name == BLEND]
    alone = [error for name, error in errors if name not in (*ARTICLES, BLEND)]
    if not blend or not alone or not min(alone) > 0:
        return ""
    gain = round(100 * (1 - blend[0] / min(alone)))
    outcome = f"{gain} % better than" if gain > 0 else f"{-gain} % worse than" if gain < 0 else "as good as"
    rest = "; so short a span counts only in part" if gain < 0 else ""
    told = f"On the validation data that set the weights, the blend was {outcome} the best candidate alone{rest}."
    return f"{told} Each series has weights of its own, near these." if own else told
