"""A blend in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.evaluation.blended import blend_lines, blend_reason, blend_title


@pytest.mark.parametrize(
    ("blend", "said"),
    [
        (90.0, "the blend was 10 % better than the best candidate alone."),
        (100.2, "the blend was as good as the best candidate alone."),
        (103.0, "the blend was 3 % worse than the best candidate alone; so short a span counts only in part."),
    ],
)
def test_the_best_candidate_is_the_measure(blend: float, said: str) -> None:
    errors = [("a", 120.0), ("b", 100.0), ("exponential smoothing", 50.0), ("blend", blend)]
    assert blend_reason(errors).endswith(said)


def test_that_series_have_weights_of_their_own_is_said() -> None:
    errors = [("a", 100.0), ("blend", 90.0)]
    assert blend_reason(errors, 3) == blend_reason(errors) + " Each series has weights of its own, near these."
    assert blend_reason([], 3) == ""


@pytest.mark.parametrize(
    "errors",
    [
        [],
        [("a", 1.0)],
        [("exponential smoothing", 1.0), ("blend", 1.0)],
        [("a", 0.0), ("blend", 0.0)],
    ],
    ids=["nothing", "no blend", "no candidate", "no error"],
)
def test_where_nothing_was_compared_nothing_is_said(errors: list[tuple[str, float]]) -> None:
    assert blend_reason(errors) == ""


def test_one_expert_alone_has_no_lines() -> None:
    assert blend_lines([(1.0, "a")]) == []
    assert blend_title([(1.0, "a")]) == ""
    pair = [(0.9, "a"), (0.1, "exponential smoothing")]
    assert blend_lines(pair) == [("0.90", "a"), ("0.10", "exponential smoothing")]
    assert blend_title(pair) == "a blend of one candidate and an exponential smoothing"


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=20))
def test_shown_weights_add_up_to_one(sizes: list[float]) -> None:
    weights = [size / sum(sizes) for size in sizes]
    shown = [float(text) for text, _ in blend_lines([(weight, "a") for weight in weights])]
    assert sum(shown) == pytest.approx(1)
    assert all(abs(a - b) < 0.01 + 1e-9 for a, b in zip(shown, weights, strict=True))
