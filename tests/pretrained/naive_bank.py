"""The bank of simple forecasts of one series, written from its description and with no thought of speed.

Forecasts are by name, so that a test sees which is which; nan = the expert cannot say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gatecast.pretrained.bank import EXPERTS

Floats = npt.NDArray[np.float64]
Forecasts = dict[str, Floats]  # (H,) each

GAINS = np.array([0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9])
HOLT = [(alpha, beta, phi) for alpha in (0.2, 0.5, 0.8, 1.0) for beta in (0.05, 0.2, 0.5) for phi in (0.8, 0.9, 0.98)]
WINTERS = [(alpha, gamma, beta) for beta in (0.0, 0.1) for gamma in (0.05, 0.2, 0.5) for alpha in (0.1, 0.3, 0.6)]
WINTERS_PHI = 0.95
RIDGE, MOST_SIGMAS = 3.0, 30.0


@dataclass(frozen=True)
class View:
    """A series as an expert sees it, and the way from a forecast of it (H,) back to the data's own unit."""

    v: Floats
    back: Callable[[Floats], Floats]


@dataclass(frozen=True)
class Answer:
    """What the bank says of one series, in units of it where ``Bank`` is."""

    forecast_HK: Floats
    error_K2: Floats
    channel_TC: Floats
    last: float
    step: float


def answer(given: Floats, season: int, longer: int, horizon: int, steps: int) -> Answer:
    """The whole bank."""
    x = filled(given)
    step = float(np.abs(np.diff(x)).mean() + 1e-9 * np.abs(x).mean() + 1e-140)
    positive = bool((x > 0).all())
    by_name = forecasts(x, positive, season, longer, horizon)
    forecast_HK = np.stack([(by_name[name] - x[-1]) / step for name in EXPERTS], axis=1)
    assert set(by_name) == set(EXPERTS)
    return Answer(
        np.clip(forecast_HK, -1e3, 1e3),
        past_errors(x, positive, season, longer, step),
        channels(given, x, positive, season, longer, step, steps),
        float(x[-1]),
        step,
    )


def filled(given: Floats) -> Floats:
    """Missing values on the line between their neighbours, those before the first one equal to it."""
    known = np.flatnonzero(~np.isnan(given))
    return np.interp(np.arange(len(given)), known, given[known])


# ---------------------------------------------------------------- views


def has_seasons(n: int, season: int) -> bool:
    return season > 1 and n > 2 * season


def moving_average(x: Floats, season: int) -> Floats:
    """Centred, over one season; with an even one half of either end's value. At both ends the nearest one."""
    half, n = season // 2, len(x)
    weights = np.ones(season) if season % 2 else np.concatenate([[0.5], np.ones(season - 1), [0.5]])
    inner = [weights @ x[t - half : t + half + 1] / season for t in range(half, n - half)]
    return np.concatenate([np.full(half, inner[0]), inner, np.full(half, inner[-1])])


def classical_seasons(x: Floats, season: int, product: bool) -> Floats:
    """(m,) mean of each place in the cycle, beside the moving average; the ends that have none do not count."""
    average, half = moving_average(x, season), season // 2
    beside = x / average if product else x - average
    seasons = np.array(
        [np.mean([beside[t] for t in range(half, len(x) - half) if t % season == place]) for place in range(season)]
    )
    return np.clip(seasons / seasons.mean(), 0.05, 20) if product else seasons - seasons.mean()


def plain(x: Floats) -> View:
    return View(x, lambda f_H: f_H)


def without_season(x: Floats, positive: bool, season: int) -> View:
    if not has_seasons(len(x), season):
        return plain(x)
    seasons = classical_seasons(x, season, product=positive)
    place_T = np.arange(len(x)) % season
    if positive:
        return View(x / seasons[place_T], lambda f_H: f_H * seasons[(len(x) + np.arange(len(f_H))) % season])
    return View(x - seasons[place_T], lambda f_H: f_H + seasons[(len(x) + np.arange(len(f_H))) % season])


def logarithms(x: Floats) -> View:
    highest = np.log(x).max() + 3
    return View(np.log(x), lambda f_H: np.exp(np.minimum(f_H, highest)))


def logarithms_without_season(x: Floats, season: int) -> View:
    if not has_seasons(len(x), season):
        return logarithms(x)
    highest = np.log(x).max() + 3
    apart = without_season(np.log(x), positive=False, season=season)
    return View(apart.v, lambda f_H: np.exp(np.minimum(apart.back(f_H), highest)))


# ---------------------------------------------------------------- all experts


def forecasts(x: Floats, positive: bool, season: int, longer: int, horizon: int) -> Forecasts:
    """All of them, (H,) in the data's own unit."""
    n = len(x)
    h_H = np.arange(1, horizon + 1.0)
    silent = np.full(horizon, np.nan)
    said: Forecasts = dict.fromkeys(EXPERTS, silent)
    apart = without_season(x, positive, season)
    some = min(n, max(season, 12))
    said |= trends(plain(x), h_H) | levels(plain(x), h_H)
    if has_seasons(n, season):
        said |= renamed(trends(apart, h_H) | levels(apart, h_H), "{}, season apart")
    said |= seasonal_naive(x, season, horizon) | longer_season(x, season, longer, horizon)
    said["Holt-Winters"] = winters(plain(x), season, horizon)
    said["mean"] = np.full(horizon, x.mean())
    said["recent mean"] = np.full(horizon, x[-some:].mean())
    said |= regressions(x, season, longer, horizon)
    if has_seasons(n, season):
        for lags in (2, 4):
            said[f"AR({lags}), season apart"] = autoregression(apart, first(lags), horizon)
            said[f"ARI({lags},1), season apart"] = integrated(apart, first(lags), 1, horizon)
    by_seasons = season > 1 and n > 2 * season + 8
    if by_seasons:
        said["seasonal ARI"] = integrated(plain(x), first(2), season, horizon)
    if positive:
        logs = logarithms_without_season(x, season)
        said |= renamed(trends(logs, h_H), "{} of logarithms")
        said["Holt-Winters of logarithms"] = winters(logarithms(x), season, horizon)
        for lags in (2, 4):
            said[f"ARI({lags},1) of logarithms"] = integrated(logs, first(lags), 1, horizon)
        if by_seasons:
            said["seasonal ARI of logarithms"] = integrated(logarithms(x), first(2), season, horizon)
    return said


def renamed(said: Forecasts, pattern: str) -> Forecasts:
    return {pattern.format(name): f_H for name, f_H in said.items()}


# ---------------------------------------------------------------- levels and trends


def smoothed(v: Floats) -> tuple[Floats, Floats]:
    """Levels of simple exponential smoothings with all gains, and their squared errors one step ahead."""
    level, squares = np.full(len(GAINS), v[0]), np.zeros(len(GAINS))
    for value in v[1:]:
        error = value - level
        level = level + GAINS * error
        squares = squares + error**2
    return level, squares


def damped_trends(v: Floats, h_H: Floats) -> tuple[dict[tuple[float, float, float], Floats], Floats]:
    """Forecasts of all damped trends by (alpha, beta, phi), and their squared errors one step ahead."""
    alpha, beta, phi = np.array(HOLT).T
    start = min(5, len(v) - 1)
    level, slope, squares = np.full(len(HOLT), v[0]), np.full(len(HOLT), (v[start] - v[0]) / start), np.zeros(len(HOLT))
    for value in v[1:]:
        expected = level + phi * slope
        error = value - expected
        level = expected + alpha * error
        slope = phi * slope + alpha * beta * error
        squares = squares + error**2
    ahead = [np.cumsum(phi[:, None] ** h_H, axis=1)[e] * slope[e] + level[e] for e in range(len(HOLT))]
    return dict(zip(HOLT, ahead, strict=True)), squares


def straight_line(v: Floats) -> tuple[float, float]:
    """Least squares: slope, and value at the first step."""
    t = np.arange(len(v)) - (len(v) - 1) / 2
    slope = float((t * (v - v.mean())).sum() / (t * t).sum())
    return slope, float(v.mean() + slope * t[0])


def trends(view: View, h_H: Floats) -> Forecasts:
    v, n = view.v, len(view.v)
    level, squares = smoothed(v)
    holt, holt_squares = damped_trends(v, h_H)
    best = int(np.argmin(squares))
    some = max(min(n, 4), n // 3)
    slope, _ = straight_line(v)
    said = {
        "drift": v[-1] + (v[-1] - v[0]) / (n - 1) * h_H,
        "recent drift": v[-1] + (v[-1] - v[n - some]) / (some - 1) * h_H,
        "smoothed level": np.full(len(h_H), level[best]),
        "theta": level[best] + slope / 2 * (h_H - 1 + 1 / GAINS[best]),
        "damped trend": holt[0.5, 0.2, 0.9],
        "best damped trend": holt[HOLT[int(np.argmin(holt_squares))]],
    }
    return {name: view.back(f_H) for name, f_H in said.items()}


def levels(view: View, h_H: Floats) -> Forecasts:
    v, n = view.v, len(view.v)
    level, _ = smoothed(v)
    holt, _ = damped_trends(v, h_H)
    slope, begin = straight_line(v)
    said = {
        "last value": np.full(len(h_H), v[-1]),
        "slow level": np.full(len(h_H), level[list(GAINS).index(0.2)]),
        "fast level": np.full(len(h_H), level[list(GAINS).index(0.5)]),
        "quick damped trend": holt[0.8, 0.2, 0.8],
        "slow damped trend": holt[0.2, 0.05, 0.98],
        "straight line": begin + slope * (n - 1 + h_H),
    }
    return {name: view.back(f_H) for name, f_H in said.items()}


# ---------------------------------------------------------------- seasons


def repeated(cycle: Floats, horizon: int) -> Floats:
    return np.resize(cycle, horizon)


def seasonal_naive(x: Floats, m: int, horizon: int) -> Forecasts:
    if m < 2 or len(x) < 2 * m:
        return {}
    last, before = x[-m:], x[-2 * m : -m]
    seasons_ahead_H = 1 + np.arange(horizon) // m
    places = np.array([np.mean(x[::-1][m - 1 - place :: m]) for place in range(m)])
    return {
        "seasonal naive": repeated(last, horizon),
        "seasonal naive with drift": repeated(last, horizon) + (last.mean() - before.mean()) * seasons_ahead_H,
        "mean of two seasons": repeated((last + before) / 2, horizon),
        "seasonal mean": repeated(places, horizon),
    }


def longer_season(x: Floats, m: int, longer: int, horizon: int) -> Forecasts:
    n = len(x)
    if longer < 2 or n < longer + m:
        return {}
    last = x[-longer:]
    before = x[-2 * longer : -longer] if n >= 2 * longer else last
    moved = x[-m:].mean() - x[n - longer - m : n - longer].mean()
    return {
        "longer season": repeated(last, horizon),
        "longer season, level moved": repeated(last, horizon) + moved,
        "mean of two longer seasons": repeated((last + before) / 2, horizon),
    }


def winters(view: View, m: int, horizon: int) -> Floats:
    """The best one step ahead of the smoothings of level, damped trend and additive season."""
    v, n = view.v, len(view.v)
    if m < 2 or n < 2 * m + 2:
        return np.full(horizon, np.nan)
    made = [smoothed_with_season(v, m, horizon, *gains) for gains in WINTERS]
    best = int(np.argmin([squares for _, squares in made]))
    return view.back(made[best][0])


def smoothed_with_season(
    v: Floats, m: int, horizon: int, alpha: float, gamma: float, beta: float
) -> tuple[Floats, float]:
    first_mean, second_mean = v[:m].mean(), v[m : 2 * m].mean()
    level, slope = float(first_mean), float(second_mean - first_mean) / m if beta > 0 else 0.0
    season, squares = (v[:m] - first_mean).tolist(), 0.0
    for t, value in list(enumerate(v.tolist()))[m:]:
        rise = WINTERS_PHI * slope
        error = value - level - rise - season[t % m]
        level, slope = level + rise + alpha * error, rise + alpha * beta * error
        season[t % m] += gamma * (1 - alpha) * error
        squares += error * error
    rises = np.cumsum(WINTERS_PHI ** np.arange(1, horizon + 1.0)) * slope
    return level + rises + np.array([season[(len(v) + h) % m] for h in range(horizon)]), squares


# ---------------------------------------------------------------- autoregressions


def first(count: int) -> list[int]:
    return list(range(1, count + 1))


def regressions(x: Floats, m: int, longer: int, horizon: int) -> Forecasts:
    by_name: dict[str, list[int]] = {
        "2 lags": first(2),
        "season's lag": sorted({1, 2, m}) if m > 1 else first(4),
        "lags around the season": sorted({1, 2, m, m + 1}) if m > 1 else first(8),
    }
    if len(x) >= 40:
        by_name["12 lags"] = first(12)
    if longer > 1:
        by_name["lags of both seasons"] = sorted({1, 2, m, m + 1, longer, longer + 1})
    said: Forecasts = {}
    for name, lags in by_name.items():
        said[f"AR of {name}"] = autoregression(plain(x), lags, horizon)
        said[f"AR of changes, {name}"] = integrated(plain(x), lags, 1, horizon)
    return said


def regressed(v: Floats, lags: Sequence[int], horizon: int) -> Floats:
    """Ridge regression of the standardised series on its own lags, then step by step; nan where it is too short."""
    n, longest = len(v), max(lags)
    if n < longest + 6:
        return np.full(horizon, np.nan)
    mean, size = v.mean(), v.std() + 1e-9 * abs(v.mean()) + 1e-140
    u = list((v - mean) / size)
    x_RL = np.array([[u[t - lag] for lag in lags] for t in range(longest, n)])
    with_penalty = np.concatenate([x_RL, np.sqrt(RIDGE) * np.eye(len(lags))])
    wanted = np.concatenate([u[longest:], np.zeros(len(lags))])
    weights = np.linalg.lstsq(with_penalty, wanted, rcond=None)[0]
    for t in range(n, n + horizon):
        u.append(np.clip(sum(w * u[t - lag] for w, lag in zip(weights, lags, strict=True)), -MOST_SIGMAS, MOST_SIGMAS))
    return np.array(u[n:]) * size + mean


def autoregression(view: View, lags: Sequence[int], horizon: int) -> Floats:
    return view.back(regressed(view.v, lags, horizon))


def integrated(view: View, lags: Sequence[int], step: int, horizon: int) -> Floats:
    """Of the changes over ``step`` steps, added up again."""
    v = list(view.v)
    if len(v) <= step:
        return np.full(horizon, np.nan)
    for change in regressed(view.v[step:] - view.v[:-step], lags, horizon):
        v.append(v[-step] + change)
    return view.back(np.array(v[len(view.v) :]))


# ---------------------------------------------------------------- how they did, and what the network reads


def past_errors(x: Floats, positive: bool, season: int, longer: int, step: float) -> Floats:
    """(K, 2) of forecasts from up to three earlier origins, a near third of the steps and the others."""
    n = len(x)
    steps = max(1, min(max(season, 6), 24, n // 5))
    near = -(-steps // 3)
    least = max(7, 2 * season + 3 if season > 1 else 0)
    found: dict[str, list[list[float]]] = {name: [] for name in EXPERTS}
    for origin in (n - steps, n - 2 * steps, n - 3 * steps):
        if origin < least:
            continue
        truth = x[origin : origin + steps]
        for name, f_H in forecasts(x[:origin], positive, season, longer, steps).items():
            off = np.abs(f_H - truth) / step
            if not np.isnan(off[0]):
                found[name].append([off[:near].mean(), off[near:].mean() if near < steps else off[:near].mean()])
    of_K = [np.mean(found[name], axis=0) if found[name] else np.full(2, np.nan) for name in EXPERTS]
    return np.minimum(np.array(of_K), 1e6)


def channels(given: Floats, x: Floats, positive: bool, season: int, longer: int, step: float, steps: int) -> Floats:
    """(T, C) of the last steps; zeros before a short series."""
    n, size = len(x), np.abs(x).mean()
    v = without_season(x, positive, season).v
    level = fast = v[0]
    slope = 0.0
    rows = []
    for t in range(n):
        off, fast_off = v[t] - level, v[t] - (fast + 0.9 * slope)
        level = level + 0.2 * off
        fast, slope = fast + 0.9 * slope + 0.5 * fast_off, 0.9 * slope + 0.1 * fast_off
        turn = 2 * np.pi * t / season
        rows.append([
            np.arcsinh((x[t] - x[-1]) / step),
            np.arcsinh((v[t] - v[-1]) / step),
            np.arcsinh((x[t] - x[t - 1]) / step) if t else 0,
            np.arcsinh((x[t] - x[t - season]) / step) if season > 1 and t >= season else 0,
            np.arcsinh((x[t] - x[t - longer]) / step) if longer and t >= longer else 0,
            np.arcsinh(off / step),
            np.arcsinh(fast_off / step),
            np.sin(turn) if season > 1 else 0,
            np.cos(turn) if season > 1 else 0,
            np.log(season) / 3,
            np.log(n - t) / 5,
            np.log(step / (size + 1e-140) + 1e-6) / 5,
            np.log(n) / 5,
            not np.isnan(given[t]),
            positive,
        ])  # fmt: skip
    return np.concatenate([np.zeros((steps, len(rows[0]))), np.array(rows, np.float64)])[-steps:]
