"""A blend in words: what it is made of, and what held-back data said of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["blend_lines", "blend_reason", "blend_title"]

SMOOTHING, BLEND = "exponential smoothing", "blend"  # all other names of errors are structures


def blend_title(parts: int, smoothing: float) -> str:
    """What is blended; empty where there is one structure alone.

    >>> blend_title(3, 0.0), blend_title(1, 0.5), blend_title(1, 0.0)
    ('a blend of 3 structures', 'a blend of one structure and an exponential smoothing', '')
    """
    if parts == 1 and not smoothing:
        return ""
    structures = f"{parts} structures" if parts > 1 else "one structure"
    return f"a blend of {structures}{f' and an {SMOOTHING}' if smoothing else ''}"


def blend_lines(parts: Iterable[tuple[float, str]], smoothing: float) -> list[tuple[str, str]]:
    """Weight and description of all that forecasts together; nothing where there is one structure alone.

    Args:
        parts: weight and plan of each structure.
        smoothing: weight of the exponential smoothing.

    >>> blend_lines([(0.5, "lookback 24 · log"), (0.3, "lookback 12 · last")], 0.2)
    [('0.50', 'lookback 24 · log'), ('0.30', 'lookback 12 · last'), ('0.20', 'exponential smoothing')]
    """
    together = [*parts, *([(smoothing, SMOOTHING)] if smoothing else [])]
    shown = _hundredths([weight for weight, _ in together])
    return [(f"{n / 100:.2f}", name) for n, (_, name) in zip(shown, together, strict=True)] if len(together) > 1 else []


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
    """Why it is a blend: its error on held-back data beside that of the best structure; empty where nobody compared.

    The weights were chosen on the same data, which the sentence says, for that flatters the blend.

    Args:
        errors: (what, error) of every structure, of the smoothing and of the blend.
        own: series that have weights of their own.

    >>> blend_reason([("lookback 24 · log", 10.0), ("exponential smoothing", 12.0), ("blend", 9.6)])
    'On the held-back data that set the weights, the blend was 4 % better than the best structure alone.'
    """
    blend = [error for name, error in errors if name == BLEND]
    alone = [error for name, error in errors if name not in (SMOOTHING, BLEND)]
    if not blend or not alone or not min(alone) > 0:
        return ""
    gain = round(100 * (1 - blend[0] / min(alone)))
    outcome = f"{gain} % better than" if gain > 0 else f"{-gain} % worse than" if gain < 0 else "as good as"
    rest = "; so short a span is only partly believed" if gain < 0 else ""
    told = f"On the held-back data that set the weights, the blend was {outcome} the best structure alone{rest}."
    return f"{told} Each series has weights of its own, near these." if own else told
