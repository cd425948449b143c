"""The compiled bank of simple forecasts: what its description says, and of each series by itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatecast.errors import InputError
from gatecast.nn.kernels import load
from gatecast.nn.threads import kernels_use
from gatecast.pretrained.bank import CHANNELS, EXPERTS, FARTHEST, SHORTEST, Bank, Seasons, bank_of

from . import naive_bank

pytestmark = pytest.mark.skipif(load() is None, reason="the kernels are not built")

Floats = npt.NDArray[np.float64]
PERIODS = ((), (4,), (12,), (3, 12))
KINDS = ("walk", "noise", "positive", "seasonal", "line", "counts", "constant", "zeros", "one jump")
SOME = Seasons(4, 12)


def made(kind: str, n: int, seed: int = 0, magnitude: float = 1.0) -> Floats:
    """A series of some kind."""
    random = np.random.default_rng(seed)
    t_T, noise_T = np.arange(n, dtype=np.float64), random.standard_normal(n)
    series: dict[str, Floats] = {
        "walk": noise_T.cumsum(),
        "noise": noise_T,
        "positive": np.exp(noise_T.cumsum() * 0.3),
        "seasonal": (20 + 0.1 * t_T) * (1 + 0.5 * np.sin(t_T * np.pi / 2)) + noise_T,
        "line": 3.5 - 0.25 * t_T,
        "counts": random.poisson(0.7, n).astype(np.float64),
        "constant": np.full(n, -7.3),
        "zeros": np.zeros(n),
        "one jump": np.where(t_T < n // 2, 1.0, 9.0),
    }
    return series[kind] * magnitude


def with_missing(x: Floats, share: float, late: int, seed: int) -> Floats:
    """Some values missing inside, and all of the first ``late``; never the last one."""
    missing = np.random.default_rng(seed).random(len(x)) < share
    missing[:late] = True
    missing[-1] = False
    return np.where(missing, np.nan, x)


def bank_alone(x: Floats, horizon: int = 8, seasons: Seasons = SOME, steps: int = 30) -> Bank:
    return bank_of(x, np.array([0]), np.array([len(x)]), horizon, seasons, steps)


def bank_together(
    series: Sequence[Floats], horizon: int = 8, seasons: Seasons = SOME, steps: int = 30, first: int = 0
) -> Bank:
    length_B = np.array([len(x) for x in series])
    first_B = first + np.cumsum(length_B) - length_B
    return bank_of(np.concatenate([np.full(first, 1e9), *series]), first_B, length_B, horizon, seasons, steps)


def raw(bank: Bank, b: int) -> list[bytes]:
    """All that the bank says of one series, byte for byte."""
    arrays = (bank.forecast_BHK, bank.error_BK2, bank.channel_BTC, bank.last_B, bank.step_B)
    return [np.ascontiguousarray(array[b]).tobytes() for array in arrays]


# ---------------------------------------------------------------- the naive bank


@pytest.mark.parametrize("periods", PERIODS, ids=str)
@example(kind="positive", n=3, horizon=20, exponent=0, share=0.0, late=0, seed=0, steps=96)
@example(kind="seasonal", n=120, horizon=20, exponent=0, share=0.2, late=9, seed=0, steps=96)
@given(
    kind=st.sampled_from(KINDS),
    n=st.integers(3, 120),
    horizon=st.integers(1, 20),
    exponent=st.integers(-15, 15),
    share=st.sampled_from((0.0, 0.1, 0.6)),
    late=st.sampled_from((0, 0, 1, 7, 200)),
    seed=st.integers(0, 2**32 - 1),
    steps=st.integers(1, 130),
)
def test_says_what_the_naive_bank_says(
    periods: tuple[int, ...],
    kind: str,
    n: int,
    horizon: int,
    exponent: int,
    share: float,
    late: int,
    seed: int,
    steps: int,
) -> None:
    x = with_missing(made(kind, n, seed, 10.0**exponent), share, late, seed)
    assert_says_what_the_naive_bank_says(x, horizon, Seasons.of(periods), steps)


@pytest.mark.parametrize("periods", PERIODS, ids=str)
def test_experts_begin_to_speak_where_the_naive_ones_do(periods: tuple[int, ...]) -> None:
    for n in range(3, 46):
        assert_says_what_the_naive_bank_says(made("seasonal", n, n), 5, Seasons.of(periods), 20)


def assert_says_what_the_naive_bank_says(x: Floats, horizon: int, seasons: Seasons, steps: int) -> None:
    bank = bank_alone(x, horizon, seasons, steps)
    naive = naive_bank.answer(x, seasons.short, seasons.long, horizon, steps)
    near = 1e-5 + 1e-13 * np.nanmax(np.abs(x)) / naive.step  # in steps, which are small where a series hardly moves
    for k, name in enumerate(EXPERTS):  # by name: this is the order, too
        np.testing.assert_allclose(bank.forecast_BHK[0, :, k], naive.forecast_HK[:, k], 1e-5, near, err_msg=name)
        np.testing.assert_allclose(bank.error_BK2[0, k], naive.error_K2[k], 1e-5, near, err_msg=name)
    np.testing.assert_allclose(bank.channel_BTC[0], naive.channel_TC, 1e-5, near)
    np.testing.assert_allclose([bank.last_B[0], bank.step_B[0]], [naive.last, naive.step], 1e-12)


def test_experts_have_names_of_their_own() -> None:
    assert len(EXPERTS) == len(set(EXPERTS)) == 59
    assert EXPERTS[:2] == ("drift", "recent drift")
    assert EXPERTS.index("seasonal naive") == 24
    assert EXPERTS[-1] == "seasonal ARI of logarithms"


def test_all_experts_speak_of_a_long_positive_series_with_two_seasons() -> None:
    bank = bank_alone(made("seasonal", 60))
    assert np.isfinite(bank.forecast_BHK).all()
    assert np.isfinite(bank.error_BK2).all()


# ---------------------------------------------------------------- each series by itself


@pytest.mark.parametrize("after", [[np.nan] * 40, [1e9, -1e9] * 20, [0.0] * 40], ids=["nan", "large", "zeros"])
def test_nothing_after_the_end_is_read(after: list[float]) -> None:
    x = with_missing(made("seasonal", 50), 0.1, 3, 5)
    length = np.array([len(x)])
    longer = bank_of(np.concatenate([x, after]), np.array([0]), length, 8, SOME, 30)
    assert raw(longer, 0) == raw(bank_alone(x), 0)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_a_series_alone_and_among_others(threads: int) -> None:
    series = [
        with_missing(made(kind, n, n), share, n % 5, n)
        for kind in KINDS
        for n, share in ((3, 0.0), (7, 0.0), (31, 0.3), (90, 0.1), (44, 0.0))
    ]
    with kernels_use(1):
        alone = [raw(bank_alone(x), 0) for x in series]
    with kernels_use(threads):
        together = bank_together(series, first=11)
        backwards = bank_together(series[::-1])
    assert [raw(together, b) for b in range(len(series))] == alone
    assert [raw(backwards, b) for b in range(len(series))] == alone[::-1]


def test_series_may_overlap_in_the_buffer() -> None:
    x = made("walk", 60)
    bank = bank_of(x, np.array([0, 0, 20]), np.array([60, 40, 40]), 8, SOME, 30)
    assert [raw(bank, b) for b in range(3)] == [raw(bank_alone(part), 0) for part in (x, x[:40], x[20:])]


def test_near_steps_do_not_depend_on_the_horizon() -> None:
    x = made("seasonal", 60)
    near, far = bank_alone(x, 3), bank_alone(x, 20)
    assert far.forecast_BHK[:, :3].tobytes() == near.forecast_BHK.tobytes()
    assert far.error_BK2.tobytes() == near.error_BK2.tobytes()


def test_no_series_at_all() -> None:
    bank = bank_of(np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64), 8, SOME, 30)
    assert bank.forecast_BHK.shape == (0, 8, len(EXPERTS))
    assert bank.channel_BTC.shape == (0, 30, CHANNELS)


# ---------------------------------------------------------------- units


@pytest.mark.parametrize("kind", ["walk", "noise", "positive", "seasonal"])
@pytest.mark.parametrize("factor", [1000.0, 0.001, 1e-12, 1e-30, 1e30])
def test_the_unit_of_the_data_does_not_matter(kind: str, factor: float) -> None:
    x = 50 * made(kind, 70, 4)
    bank, scaled = bank_alone(x), bank_alone(factor * x)
    np.testing.assert_allclose(scaled.forecast_BHK, bank.forecast_BHK, 1e-4, 1e-4)
    np.testing.assert_allclose(scaled.error_BK2, bank.error_BK2, 1e-4, 1e-4)
    np.testing.assert_allclose(scaled.channel_BTC, bank.channel_BTC, 1e-4, 1e-4)
    np.testing.assert_allclose(scaled.step_B, factor * bank.step_B, 1e-9)


def test_a_unit_is_the_mean_absolute_step_and_leads_back() -> None:
    x = np.array([1.0, 3.0, 2.0, 6.0])
    bank = bank_alone(x, horizon=4)
    assert bank.last_B[0] == 6
    assert bank.step_B[0] == pytest.approx(7 / 3)
    assert bank.forecast_BHK[0, 1, EXPERTS.index("drift")] == pytest.approx(2 * 5 / 3 / (7 / 3))
    assert (bank.forecast_BHK[0, :, EXPERTS.index("last value")] == 0).all()
    values_BH = np.array([[1.0, 6.0, 0.5, -3.0]])
    np.testing.assert_allclose(bank.restored(bank.in_unit(values_BH)[..., None])[..., 0], values_BH, atol=1e-12)


@example(kind="positive", n=80, exponent=300, periods=(12,), seed=0, share=0.0)
@example(kind="walk", n=80, exponent=160, periods=(3, 12), seed=0, share=0.0)
@example(kind="positive", n=80, exponent=-310, periods=(4,), seed=0, share=0.0)
@given(
    kind=st.sampled_from(KINDS),
    n=st.integers(3, 60),
    exponent=st.sampled_from((-310, -300, -160, -30, -9, 0, 9, 30, 150, 160, 300)),
    periods=st.sampled_from(PERIODS),
    seed=st.integers(0, 2**32 - 1),
    share=st.sampled_from((0.0, 0.3)),
)
def test_forecasts_are_finite_or_an_expert_says_nothing(
    kind: str, n: int, exponent: int, periods: tuple[int, ...], seed: int, share: float
) -> None:
    x = with_missing(made(kind, n, seed, 10.0**exponent), share, 0, seed)
    bank = bank_alone(x, 20, Seasons.of(periods))
    silent_K = np.isnan(bank.forecast_BHK[0, 0])
    assert (np.isnan(bank.forecast_BHK[0]) == silent_K).all()
    assert (np.abs(bank.forecast_BHK[0][:, ~silent_K]) <= FARTHEST).all()
    assert not silent_K[: len(naive_bank.trends(naive_bank.plain(np.arange(3.0)), np.ones(1)))].any()
    assert not np.isinf(bank.error_BK2).any()
    assert np.isfinite(bank.channel_BTC).all()
    assert bank.step_B[0] > 0


@pytest.mark.parametrize("late", [1, 3, 20])
@pytest.mark.parametrize("before", [0.0, 1e-6])
@pytest.mark.parametrize(("periods", "n"), [((), 260), ((12,), 240), ((24, 168), 760)])
def test_a_jump_at_the_end_leaves_what_was_known_before_it_as_it_was(
    periods: tuple[int, ...], n: int, before: float, late: int
) -> None:
    """What is known grows from one past origin to the next, and its mean with it: no digit of the past may be lost."""
    random, seasons = np.random.default_rng(n), Seasons.of(periods)
    x = before * random.normal(size=n)
    x[-late:] = random.integers(1, 10, late)
    bank = bank_alone(x, seasons=seasons)
    expected = naive_bank.past_errors(x, False, seasons.short, seasons.long, float(bank.step_B[0]))
    np.testing.assert_allclose(bank.error_BK2[0], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("n", range(3, 12))
def test_short_series_have_forecasts_and_past_errors_as_soon_as_an_origin_has_seven_steps(n: int) -> None:
    bank = bank_alone(made("walk", n), seasons=Seasons())
    plain = [EXPERTS.index(name) for name in ("drift", "theta", "best damped trend", "straight line", "mean")]
    assert np.isfinite(bank.forecast_BHK[0][:, plain]).all()
    assert np.isfinite(bank.error_BK2[0, plain]).all() == (n > 7)
    assert (bank.channel_BTC[0, : 30 - n] == 0).all()
    assert (bank.channel_BTC[0, 30 - n :, CHANNELS - 2] == 1).all()


# ---------------------------------------------------------------- what cannot be asked


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_short_a_series_is_an_error(n: int) -> None:
    with pytest.raises(InputError, match=f"needs {SHORTEST} steps of a series; got {n}"):
        bank_of(np.arange(9.0), np.array([0, 4]), np.array([4, n]), 3, Seasons(), 5)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_missing_last_value_is_an_error(value: float) -> None:
    x = np.append(np.arange(8.0), value)
    with pytest.raises(InputError, match="last value of a series is missing"):
        bank_of(x, np.array([0, 0]), np.array([8, 9]), 3, Seasons(), 5)
    bank_of(x, np.array([0]), np.array([8]), 3, Seasons(), 5)
