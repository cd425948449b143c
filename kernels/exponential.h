// The exponential smoothings of gatecast/statistical/smoothing_grid.py over one window of one series, with the weights
// and the average of statistical/exponential.py: one pass over the steps, whose last ones alone are kept.
//
//     step t    levels, seasons, slopes of all smoothings      a row of a ring
//               |truth at t - forecast from t - h|, added up    from the rows h steps before
//               where t is an origin: weights, forecasts
//
// Lanes: with a season 5 alphas with each of 2 gammas, and then the 5 alphas without one; else the 5 alphas. Every lane
// does the same at every step, whatever is computed of other series and of later steps.
//
// Forecasts of logarithms are products of a few exponentials, of which many forecasts share each:
//     e^(level + season + part slope (steps_h - 1 + 1 / alpha)) = e^level e^season (e^(..h..) e^(..alpha..))^(0 1 2 3)
// where all factors are moderate and the forecast stays below its ceiling; else each is computed as it is written.
#pragma once

#include "doubles.h"
#include "kernels.h"

namespace {

using gatecast::MOST_LAGS;
using gatecast::SmoothingTask;
using gatecast::TRENDS;

constexpr double ALPHAS[] = {0.1, 0.2, 0.4, 0.7, 0.95};
constexpr double GAMMAS[] = {0.2, 0.5};
constexpr double PARTS[TRENDS] = {0.0, 0.25, 0.5, 0.75, 0.5, 1.0};  // of the long slope, the last two of the recent one
constexpr int ALPHA_COUNT = 5, SEASONAL = 10, MOST_WIDTH = gatecast::SMOOTHINGS;
constexpr double RECENT_GAIN = 0.1, RISE = 10.0, LARGEST = 700.0;
constexpr double SHARPNESS = 15.0, ALIKE_ORIGINS = 10.0, HOPELESS = 1e3;
constexpr double MODERATE = 50.0;  // products of powers of e^50 as below neither overflow nor vanish

struct Lanes {
    int64_t real, seasonal;
    double alpha[MOST_WIDTH], inverse[MOST_WIDTH], gamma[MOST_WIDTH], rest[MOST_WIDTH];
    int64_t begin[MOST_WIDTH];              // steps that make the start
    double gain[MOST_WIDTH], season_gain[MOST_WIDTH];  // of the step at hand
};

// One step that is looked ahead, h.
struct Lag {
    int64_t steps, place;               // h; from the origin (0 or less) to the newest season of the place h ahead
    double long_steps, recent_steps;    // steps_h - 1
};

const double ZEROS[MOST_WIDTH] = {0};

// What is kept of one step. All: level, season (W each), long and recent slope. Logarithms: the exponentials of both,
// those of the slopes by alpha (W each) and by lag, the ceiling, and how high a forecast can come.
enum Single : int { LONG, RECENT, CEILING, PEAK, SEASON_PEAK, LONG_LAGS = 8, RECENT_LAGS = 14, SINGLES = 24 };

template <int W>
struct Row {
    static constexpr int64_t SIZE = gatecast::smoothing_row(W);
    static_assert(SIZE == 6 * W + SINGLES, "room for a row");
    double* at;

    double* level() const { return at; }
    double* season() const { return at + W; }
    double* level_factor() const { return at + 2 * W; }
    double* season_factor() const { return at + 3 * W; }
    double* long_factor() const { return at + 4 * W; }
    double* recent_factor() const { return at + 5 * W; }
    double* single() const { return at + 6 * W; }
};

template <int W>
struct Unit {
    const double* u;      // values, or logarithms
    bool logs;
    double scale;         // what the logarithms are relative to
    int64_t mask;
    double* ring;
    double* total;        // [trend][W] errors so far
    double sum, moment, recent, highest;

    Row<W> row(int64_t t) const { return Row<W>{ring + (t & mask) * Row<W>::SIZE}; }
};

Lag lag_of(const SmoothingTask& task, int64_t h) {
    return {h, (h - 1) % task.season + 1 - task.season, (double)h - 1, task.damped[h] - 1};
}

template <int W>
void fill_lanes(Lanes& lanes, int64_t season) {
    lanes.seasonal = season > 1 ? SEASONAL : 0;
    lanes.real = lanes.seasonal + ALPHA_COUNT;
    for (int64_t e = 0; e < W; ++e) {
        const bool seasonal = e < lanes.seasonal;
        lanes.alpha[e] = ALPHAS[e % ALPHA_COUNT];
        lanes.inverse[e] = 1.0 / lanes.alpha[e];
        lanes.gamma[e] = seasonal ? GAMMAS[e / ALPHA_COUNT] : 0.0;
        lanes.rest[e] = seasonal ? 1.0 - lanes.alpha[e] : 0.0;
        lanes.begin[e] = seasonal ? season : 1;
    }
}

template <int W>
void set_gains(Lanes& lanes, int64_t t, int64_t season) {
    if (t > 10 && t >= 5 * season) return;  // they change no more: every alpha and gamma is larger than its average's
    const double start = 1.0 / (double)(t + 1), early = 1.0 / (double)(t + 2);
    const double early_season = t < season ? 0.0 : 1.0 / (double)(t / season + 1);
    for (int64_t e = 0; e < W; ++e) {
        const double least_gain = lanes.alpha[e] > early ? lanes.alpha[e] : early;
        const double season_gain = lanes.gamma[e] > early_season ? lanes.gamma[e] : early_season;
        lanes.gain[e] = t < lanes.begin[e] ? start : least_gain;
        lanes.season_gain[e] = t < season ? 0.0 : lanes.rest[e] * season_gain;
    }
}

// ---------------------------------------------------------------- one step of the recursion

template <int W>
void set_season_factors(const Lanes& lanes, const Row<W>& row) {
    Wide peak = wide(0.0);
    for (int64_t v = 0; v < lanes.seasonal; v += WIDE) {
        Wide season = load(row.season() + v);
        store(row.season_factor() + v, exp_of(season));
        peak = most(peak, magnitude(season));
    }
    const double most_season = lanes.seasonal ? most_of(peak) : 0.0;
    row.single()[SEASON_PEAK] = most_season <= MODERATE ? most_season : INFINITY;
}

// At the end of the first season its seasons are known.
template <int W>
void begin_seasons(const Lanes& lanes, const Unit<W>& unit, int64_t season, const double* level) {
    for (int64_t t = 0; t < season; ++t) {
        const Row<W> row = unit.row(t);
        for (int64_t e = 0; e < lanes.seasonal; ++e) row.season()[e] = unit.u[t] - level[e];
        if (unit.logs) set_season_factors(lanes, row);
    }
}

template <int W>
void set_slopes(Unit<W>& unit, int64_t t, double* single) {
    const double n = (double)(t + 1), cubes = n * (n * n - 1), rise = unit.u[t] - unit.u[0];
    unit.sum += rise;
    unit.moment += rise * (double)t;
    single[LONG] = (unit.moment - (double)t / 2 * unit.sum) * (12 / (cubes > 1 ? cubes : 1));
    if (t > 0) {
        const double early = 1.0 / (double)t, gain = early > RECENT_GAIN ? early : RECENT_GAIN;
        unit.recent += gain * (unit.u[t] - unit.u[t - 1] - unit.recent);
    }
    single[RECENT] = unit.recent;
}

// The exponents of what the slopes add to a forecast: by alpha, then by lag, of a quarter and of a half of them.
struct Steepness {
    double exponent[24];  // 5 + 5 by alpha, 6 + 6 by lag (those of the last one again where there are fewer), padding
    double size, rise;    // the largest of them; how much they raise a forecast at most
};

Steepness steepness_of(const Lanes& lanes, const Lag* lags, const double* single) {
    Steepness s;
    const double quarter = 0.25 * single[LONG], half = 0.5 * single[RECENT];
    double *by_alpha = s.exponent, *by_lag = s.exponent + 2 * ALPHA_COUNT;
    for (int e = 0; e < ALPHA_COUNT; ++e) {
        by_alpha[e] = quarter * lanes.inverse[e];
        by_alpha[ALPHA_COUNT + e] = half * lanes.inverse[e];
    }
    for (int k = 0; k < MOST_LAGS; ++k) {
        by_lag[k] = quarter * lags[k].long_steps;
        by_lag[MOST_LAGS + k] = half * lags[k].recent_steps;
    }
    for (int k = 2 * ALPHA_COUNT + 2 * MOST_LAGS; k < 24; ++k) s.exponent[k] = 0.0;
    Wide size = wide(0.0);
    for (int v = 0; v < 24; v += WIDE) size = most(size, magnitude(load(s.exponent + v)));
    s.size = most_of(size);
    const double of_long = 3 * (by_alpha[0] + by_lag[MOST_LAGS - 1]);
    const double of_recent = 2 * (by_alpha[ALPHA_COUNT] + by_lag[2 * MOST_LAGS - 1]);
    s.rise = of_long > of_recent ? of_long : of_recent;
    s.rise = s.rise > 0 ? s.rise : 0;
    return s;
}

// The exponentials that forecasts from this step share, and whether they may be used.
template <int W>
void set_factors(const Lanes& lanes, const Lag* lags, Unit<W>& unit, const Row<W>& row) {
    Steepness slopes = steepness_of(lanes, lags, row.single());
    for (int v = 0; v < 24; v += WIDE) store(slopes.exponent + v, exp_of(load(slopes.exponent + v)));
    for (int64_t e = 0; e < lanes.real; e += ALPHA_COUNT) {
        memcpy(row.long_factor() + e, slopes.exponent, ALPHA_COUNT * sizeof(double));
        memcpy(row.recent_factor() + e, slopes.exponent + ALPHA_COUNT, ALPHA_COUNT * sizeof(double));
    }
    for (int k = 0; k < 2 * MOST_LAGS; ++k) row.single()[LONG_LAGS + k] = slopes.exponent[2 * ALPHA_COUNT + k];
    Wide size = wide(0.0), peak = load(row.level());
    for (int64_t v = 0; v < W; v += WIDE) {
        Wide level = load(row.level() + v);
        size = most(size, magnitude(level));
        peak = most(peak, level);
        store(row.level_factor() + v, exp_of(level) * wide(unit.scale));
    }
    const bool moderate = slopes.size <= MODERATE && most_of(size) <= MODERATE;
    row.single()[PEAK] = moderate ? most_of(peak) + slopes.rise : INFINITY;
    const double high = unit.highest + RISE;
    row.single()[CEILING] = high < LARGEST ? high : LARGEST;
    set_season_factors(lanes, row);
}

template <int W>
void advance(const SmoothingTask& task, const Lanes& lanes, const Lag* lags, Unit<W>& unit, int64_t t) {
    const Row<W> row = unit.row(t);
    const double* before = t > 0 ? unit.row(t - 1).level() : ZEROS;
    const double* last = lanes.seasonal && t >= task.season ? unit.row(t - task.season).season() : ZEROS;
    for (int64_t v = 0; v < W; v += WIDE) {
        Wide level = load(before + v), season = load(last + v), error = wide(unit.u[t]) - level - season;
        store(row.level() + v, multiply_add(load(lanes.gain + v), error, level));
        store(row.season() + v, multiply_add(load(lanes.season_gain + v), error, season));
    }
    set_slopes(unit, t, row.single());
    if (unit.logs) {
        unit.highest = t == 0 || unit.u[t] > unit.highest ? unit.u[t] : unit.highest;
        set_factors(lanes, lags, unit, row);
    }
    if (lanes.seasonal && t + 1 == task.season) begin_seasons(lanes, unit, task.season, row.level());
}

// ---------------------------------------------------------------- errors of earlier forecasts

template <int W>
struct Past {             // one earlier step, as a forecast for the step at hand needs it
    Row<W> row, place;    // and what holds the newest season of the place ahead
    double long_steps, recent_steps, long_lag, recent_lag;
    bool shared;          // the shared exponentials may be used
};

template <int W>
int64_t pasts_of(const SmoothingTask& task, const Lag* lags, const Unit<W>& unit, int64_t t, Past<W>* pasts) {
    int64_t count = 0;
    for (; count < task.lag_count && t - lags[count].steps >= task.warm; ++count) {
        const Lag& lag = lags[count];
        const Row<W> row = unit.row(t - lag.steps), place = unit.row(t - lag.steps + lag.place);
        const double* single = row.single();
        pasts[count] = {row, place, lag.long_steps, lag.recent_steps, 0.0, 0.0, false};
        if (!unit.logs) continue;
        pasts[count].long_lag = single[LONG_LAGS + count];
        pasts[count].recent_lag = single[RECENT_LAGS + count];
        pasts[count].shared = single[PEAK] + place.single()[SEASON_PEAK] <= single[CEILING];
    }
    return count;
}

template <int W>
ALWAYS_INLINE void add_to_totals(double* total, int64_t v, const Wide* sum) {
    for (int d = 0; d < TRENDS; ++d) store(total + d * W + v, load(total + d * W + v) + sum[d]);
}

template <int W>
void add_errors(const Lanes& lanes, const Unit<W>& unit, const Past<W>* pasts, int64_t count, double truth) {
    for (int64_t v = 0; v < W; v += WIDE) {
        const Wide inverse = load(lanes.inverse + v);
        Wide sum[TRENDS];
        for (Wide& s : sum) s = wide(0.0);
        for (int64_t k = 0; k < count; ++k) {
            const Past<W>& past = pasts[k];
            Wide gap = wide(truth) - load(past.row.level() + v) - load(past.place.season() + v);
            Wide rise = wide(past.row.single()[LONG]) * (wide(past.long_steps) + inverse);
            Wide recent = wide(past.row.single()[RECENT]) * (wide(past.recent_steps) + inverse);
            sum[0] += magnitude(gap);
            UNROLL
            for (int d = 1; d < 4; ++d) sum[d] += magnitude(multiply_subtract(wide(PARTS[d]), rise, gap));
            UNROLL
            for (int d = 4; d < TRENDS; ++d) sum[d] += magnitude(multiply_subtract(wide(PARTS[d]), recent, gap));
        }
        add_to_totals<W>(unit.total, v, sum);
    }
}

// One forecast of a logarithm in the data's unit, for each trend.
template <int W>
inline void forecast_logs(const Unit<W>& unit, Wide base, Wide rise, Wide recent, double ceiling, Wide* forecast) {
    for (int d = 0; d < TRENDS; ++d) {
        Wide f = multiply_add(wide(PARTS[d]), d < 4 ? rise : recent, base);
        forecast[d] = exp_of(least(f, wide(ceiling))) * wide(unit.scale);
    }
}

template <int W>
void add_errors_of_logs(const Lanes& lanes, const Unit<W>& unit, const Past<W>* pasts, int64_t count, double truth) {
    for (int64_t v = 0; v < W; v += WIDE) {
        const Wide inverse = load(lanes.inverse + v), y = wide(truth);
        Wide sum[TRENDS];
        for (Wide& s : sum) s = wide(0.0);
        for (int64_t k = 0; k < count; ++k) {
            const Past<W>& past = pasts[k];
            if (past.shared) {
                Wide level = load(past.row.level_factor() + v) * load(past.place.season_factor() + v);
                Wide rise = load(past.row.long_factor() + v) * wide(past.long_lag);
                Wide recent = load(past.row.recent_factor() + v) * wide(past.recent_lag);
                Wide f = level;
                sum[0] += magnitude(y - f);
                UNROLL
                for (int d = 1; d < 4; ++d) {
                    f = f * rise;
                    sum[d] += magnitude(y - f);
                }
                f = level;
                UNROLL
                for (int d = 4; d < TRENDS; ++d) {
                    f = f * recent;
                    sum[d] += magnitude(y - f);
                }
                continue;
            }
            const double* single = past.row.single();
            Wide forecast[TRENDS], rise = wide(single[LONG]) * (wide(past.long_steps) + inverse);
            Wide recent = wide(single[RECENT]) * (wide(past.recent_steps) + inverse);
            Wide base = load(past.row.level() + v) + load(past.place.season() + v);
            forecast_logs(unit, base, rise, recent, single[CEILING], forecast);
            for (int d = 0; d < TRENDS; ++d) sum[d] += magnitude(y - forecast[d]);
        }
        add_to_totals<W>(unit.total, v, sum);
    }
}

// ---------------------------------------------------------------- forecasts

// Weights [unit][trend][W] of all smoothings, from the errors known at step t; they add up to 1.
template <int W>
void weigh(const SmoothingTask& task, const Lanes& lanes, const Unit<W>* units, int count, int64_t t, double* weight) {
    double best = INFINITY, known = 0.0, sum = 0.0;
    for (int i = 0; i < count; ++i)
        for (int d = 0; d < TRENDS; ++d)
            for (int64_t e = 0; e < lanes.real; ++e) {
                const double total = units[i].total[d * W + e];
                best = total < best ? total : best;
            }
    for (int64_t k = 0; k < task.lag_count; ++k) {
        const int64_t origins = t + 1 - task.warm - task.lags[k];
        known += origins > 0 ? (double)origins : 0.0;
    }
    known /= (double)task.lag_count;
    const double told = known / (known + ALIKE_ORIGINS), unit_of_score = best > 0 ? best : 2.2250738585072014e-308;
    for (int i = 0; i < count; ++i)
        for (int d = 0; d < TRENDS; ++d)
            for (int64_t v = 0; v < W; v += WIDE) {
                double* to = weight + (i * TRENDS + d) * W + v;
                for (int e = 0; e < WIDE; ++e) {
                    const double score = units[i].total[d * W + v + e] / unit_of_score;
                    to[e] = -SHARPNESS * told * (score < HOPELESS ? score : HOPELESS);
                }
                Wide exponential = exp_of(load(to));
                for (int e = 0; e < WIDE; ++e) to[e] = v + e < lanes.real && to[e] > -LARGEST ? exponential[e] : 0.0;
                for (int e = 0; e < WIDE; ++e) sum += to[e];
            }
    for (int64_t place = 0; place < count * TRENDS * W; ++place) weight[place] /= sum;
}

// The average around the first smoothing's forecast, so that what all agree on comes out unrounded.
template <int W>
double mixed(const Lanes& lanes, const Lag& lag, const Unit<W>* units, int count, int64_t t, const double* weight) {
    const double anchor = units[0].row(t).level()[0] + units[0].row(t + lag.place).season()[0];
    Wide apart = wide(0.0);
    for (int i = 0; i < count; ++i) {
        const Row<W> row = units[i].row(t);
        const double *season = units[i].row(t + lag.place).season(), *single = row.single();
        for (int64_t v = 0; v < W; v += WIDE) {
            const Wide inverse = load(lanes.inverse + v), base = load(row.level() + v) + load(season + v);
            Wide rise = wide(single[LONG]) * (wide(lag.long_steps) + inverse);
            Wide recent = wide(single[RECENT]) * (wide(lag.recent_steps) + inverse);
            Wide forecast[TRENDS];
            if (units[i].logs)
                forecast_logs(units[i], base, rise, recent, single[CEILING], forecast);
            else
                for (int d = 0; d < TRENDS; ++d)
                    forecast[d] = multiply_add(wide(PARTS[d]), d < 4 ? rise : recent, base);
            for (int d = 0; d < TRENDS; ++d) {
                Wide share = load(weight + (i * TRENDS + d) * W + v);
                apart = multiply_add(share, forecast[d] - wide(anchor), apart);
            }
        }
    }
    return anchor + sum_of(apart);
}

template <int W>
void forecast_from(const SmoothingTask& task, const Lanes& lanes, const Unit<W>* units, int count, int64_t t,
                   double* out) {
    double weight[2 * TRENDS * MOST_WIDTH];
    weigh(task, lanes, units, count, t, weight);
    for (int64_t h = 1; h <= task.horizon; ++h)
        out[(h - 1) * task.out_step] = mixed(lanes, lag_of(task, h), units, count, t, weight);
}

// ---------------------------------------------------------------- all steps

template <int W>
double* begin_unit(const SmoothingTask& task, bool logs, double* room, Unit<W>& unit) {
    unit = Unit<W>{};
    unit.u = logs ? task.logs : task.values;
    unit.logs = logs;
    unit.scale = logs ? task.values[0] : 1.0;
    unit.mask = task.ring_rows - 1;
    unit.total = room;
    unit.ring = room + TRENDS * W;
    double* end = unit.ring + task.ring_rows * Row<W>::SIZE;
    for (int64_t place = 0; place < TRENDS * W; ++place) unit.total[place] = 0.0;
    for (double* at = unit.ring; logs && at < end; ++at) *at = 1.0;  // the factors of lanes without a season stay so
    return end;
}

template <int W>
void smooth_window(const SmoothingTask& task) {
    Lanes lanes;
    fill_lanes<W>(lanes, task.season);
    Unit<W> units[2];
    double* room = begin_unit(task, false, task.room, units[0]);
    if (task.positive > 0) begin_unit(task, true, room, units[1]);
    Past<W> pasts[MOST_LAGS];
    Lag lags[MOST_LAGS];
    for (int64_t k = 0; k < MOST_LAGS; ++k)
        lags[k] = lag_of(task, task.lags[k < task.lag_count ? k : task.lag_count - 1]);
    int64_t next = 0;
    for (int64_t t = 0; next < task.origin_count; ++t) {
        const int count = t < task.positive ? 2 : 1;
        set_gains<W>(lanes, t, task.season);
        for (int i = 0; i < count; ++i) {
            advance(task, lanes, lags, units[i], t);
            const int64_t known = pasts_of(task, lags, units[i], t, pasts);
            if (units[i].logs)
                add_errors_of_logs(lanes, units[i], pasts, known, task.values[t]);
            else
                add_errors(lanes, units[i], pasts, known, task.values[t]);
        }
        if (t == task.origins[next]) forecast_from(task, lanes, units, count, t, task.out[next++]);
    }
}

void exponential_smoothings(const SmoothingTask& task) {
    constexpr int WITHOUT_SEASON = (ALPHA_COUNT + WIDE - 1) / WIDE * WIDE;
    if (task.season > 1)
        smooth_window<MOST_WIDTH>(task);
    else
        smooth_window<WITHOUT_SEASON>(task);
}

}  // namespace
