// The bank of simple forecasts: which experts there are, how they did so far, and what the network reads of a series.
// See gatecast/pretrained/bank.py, which names them in this order.
#include "bank.h"

#include <atomic>
#include <initializer_list>

#include "bank_regressions.h"
#include "bank_seasons.h"
#include "bank_trends.h"
#include "memory.h"
#include "pool.h"

namespace gatecast {

namespace {

constexpr int64_t PAST_ORIGINS = 3, SOME_STEPS = 6, MOST_PAST_STEPS = 24, SHARE_OF_PAST = 5;
constexpr double RISE = 3.0;  // a forecast from logarithms stays below e^3 times the highest value

// Work space of one thread, in doubles.
struct Room {
    double *values, *adjusted, *logs, *log_adjusted, *average, *seasons, *log_seasons, *winters, *regression, *forecast,
        *past;

    static int64_t size(int64_t n, int64_t season, int64_t horizon) {
        return 5 * n + 2 * season + WINTERS * (season + 4) + 2 * (n + horizon) +
               BANK_EXPERTS * (horizon + MOST_PAST_STEPS);
    }
    Room(double* base, int64_t n, int64_t season, int64_t horizon) {
        const auto take = [&](int64_t doubles) { return (base += doubles) - doubles; };
        values = take(n), adjusted = take(n), logs = take(n), log_adjusted = take(n), average = take(n);
        seasons = take(season), log_seasons = take(season), winters = take(WINTERS * (season + 4));
        regression = take(2 * (n + horizon)), forecast = take(BANK_EXPERTS * horizon);
        past = take(BANK_EXPERTS * MOST_PAST_STEPS);
    }
};

struct Series {
    int64_t n, season, long_season;
    bool positive;

    bool seasonal() const { return season > 1 && n >= 2 * season + 1; }
};

const double NOTHING[1] = {0};

// ---------------------------------------------------------------- views

// Missing values lie on the line between their neighbours; the first one that is there goes on to the left.
void fill(const double* from, int64_t n, double* to) {
    int64_t known = -1;
    for (int64_t t = 0; t < n; ++t) {
        if (isnan(from[t])) continue;
        const double before = from[known < 0 ? t : known], rise = (from[t] - before) / (double)(t - known);
        for (int64_t i = known + 1; i < t; ++i) to[i] = before + rise * (double)(i - known);
        to[t] = from[t];
        known = t;
    }
}

// The view without its season: a product where all values are above zero, else a sum. As it is without one.
View adjusted_view(const Series& s, const Room& room) {
    if (!s.seasonal()) return {Unit::PLAIN, room.values, s.n, 1, NOTHING, 0};
    classical_seasons(room.values, s.n, s.season, s.positive, room.average, room.seasons);
    for (int64_t t = 0; t < s.n; ++t) {
        const double season = room.seasons[t % s.season];
        room.adjusted[t] = s.positive ? room.values[t] / season : room.values[t] - season;
    }
    return {s.positive ? Unit::PRODUCT : Unit::SUM, room.adjusted, s.n, s.season, room.seasons, 0};
}

double highest(const double* x, int64_t n) { return *std::max_element(x, x + n); }

View log_view(const Series& s, const Room& room) {
    const double ceiling = highest(room.logs, s.n) + RISE;
    if (!s.seasonal()) return {Unit::LOGARITHM, room.logs, s.n, 1, NOTHING, ceiling};
    classical_seasons(room.logs, s.n, s.season, false, room.average, room.log_seasons);
    for (int64_t t = 0; t < s.n; ++t) room.log_adjusted[t] = room.logs[t] - room.log_seasons[t % s.season];
    return {Unit::LOGARITHM, room.log_adjusted, s.n, s.season, room.log_seasons, ceiling};
}

// ---------------------------------------------------------------- experts

void add_view(const View& view, bool levels, Sink& sink) {
    const Levels smooth = smoothed(view.v, view.n);
    Holts holts;
    damped_trends(view.v, view.n, holts);
    add_trends(view, smooth, holts, sink);
    if (levels) add_levels(view, smooth, holts, sink);
}

LagList first_lags(int count) {
    LagList lags = {count, {0}};
    for (int i = 0; i < count; ++i) lags.lag[i] = i + 1;
    return lags;
}

// The first two lags and then others, each once and rising.
LagList with_lags(std::initializer_list<int64_t> others) {
    LagList lags = first_lags(2);
    for (int64_t lag : others)
        if (lag > lags.longest()) lags.lag[lags.count++] = lag;
    return lags;
}

void add_regressions(const Series& s, const View& plain, const View& adjusted, const Room& room, Sink& sink) {
    const int64_t m = s.season, longer = s.long_season;
    const auto both = [&](const View& view, const LagList& lags) {
        add_regression(view, lags, room.regression, sink);
        add_integrated(view, lags, 1, room.regression, sink);
    };
    both(plain, first_lags(2));
    both(plain, m > 1 ? with_lags({m}) : first_lags(4));
    both(plain, m > 1 ? with_lags({m, m + 1}) : first_lags(8));
    if (s.n >= 40) both(plain, first_lags(12));
    else sink.skip(2);
    if (longer > 1) both(plain, with_lags({m, m + 1, longer, longer + 1}));
    else sink.skip(2);
    if (adjusted.unit == Unit::PLAIN) return sink.skip(4);
    both(adjusted, first_lags(2));
    both(adjusted, first_lags(4));
}

// All forecasts of the series up to step n.
void forecast_all(const Series& s, const Room& room, Sink sink) {
    const View plain = {Unit::PLAIN, room.values, s.n, 1, NOTHING, 0}, adjusted = adjusted_view(s, room);
    add_view(plain, true, sink);
    if (s.seasonal()) add_view(adjusted, true, sink);
    else sink.skip(12);
    add_seasonal_naive(plain, s.season, sink);
    add_long_season(plain, s.season, s.long_season, sink);
    add_winters(plain, s.season, room.winters, sink);
    const double mean = mean_of(room.values, s.n);
    const int64_t some = std::min(s.n, std::max<int64_t>(s.season, 12));
    const double recent = mean_of(room.values + s.n - some, some);
    sink.add(plain, [&](int64_t) { return mean; });
    sink.add(plain, [&](int64_t) { return recent; });
    add_regressions(s, plain, adjusted, room, sink);
    const bool by_seasons = s.season > 1 && s.n > 2 * s.season + 8;
    if (by_seasons) add_integrated(plain, first_lags(2), s.season, room.regression, sink);
    else sink.skip(1);
    if (!s.positive) return sink.skip(10);
    const View view = log_view(s, room), logs = {Unit::LOGARITHM, room.logs, s.n, 1, NOTHING, view.ceiling};
    add_view(view, false, sink);
    add_winters(logs, s.season, room.winters, sink);
    add_integrated(view, first_lags(2), 1, room.regression, sink);
    add_integrated(view, first_lags(4), 1, room.regression, sink);
    if (by_seasons) add_integrated(logs, first_lags(2), s.season, room.regression, sink);
    else sink.skip(1);
}

// ---------------------------------------------------------------- how they did

// (K, 2) mean absolute errors, near and far, of forecasts from up to three earlier origins; NaN where there are none.
void past_errors(const Series& s, const Room& room, double step, float* errors) {
    const int64_t wanted = std::min(std::max<int64_t>(s.season, SOME_STEPS), MOST_PAST_STEPS);
    const int64_t steps = std::max<int64_t>(1, std::min(wanted, s.n / SHARE_OF_PAST)), near = (steps + 2) / 3;
    const int64_t least = std::max<int64_t>(7, s.season > 1 ? 2 * s.season + 3 : 0);
    double sum[BANK_EXPERTS][BANK_ERRORS] = {{0}};
    int count[BANK_EXPERTS] = {0};
    for (int64_t origin = 1; origin <= PAST_ORIGINS && s.n - origin * steps >= least; ++origin) {
        Series before = s;
        before.n = s.n - origin * steps;
        forecast_all(before, room, Sink{room.past, steps});
        for (int64_t k = 0; k < BANK_EXPERTS; ++k) {
            const double *forecast = room.past + k * steps, *truth = room.values + before.n;
            if (isnan(forecast[0])) continue;
            ++count[k];
            for (int64_t h = 0; h < steps; ++h)
                sum[k][h >= near] += fabs(forecast[h] - truth[h]) / (double)(h < near ? near : steps - near);
        }
    }
    for (int64_t k = 0; k < BANK_EXPERTS; ++k)
        for (int64_t i = 0; i < BANK_ERRORS; ++i) {
            const double mean = sum[k][steps > near ? i : 0] / (double)count[k] / step;  // 0 / 0 is NaN
            errors[k * BANK_ERRORS + i] = (float)std::min(mean, 1e6);
            if (!count[k]) errors[k * BANK_ERRORS + i] = NAN;
        }
}

// ---------------------------------------------------------------- what the network reads

double squeezed(double x) { return asinh(x); }

void write_channels(const Series& s, const Room& room, const double* given, double step, int64_t rows, float* to) {
    const double *x = room.values, *v = s.seasonal() ? room.adjusted : room.values, last = x[s.n - 1];
    double size = 0, level = v[0], fast = v[0], slope = 0;
    for (int64_t t = 0; t < s.n; ++t) size += fabs(x[t]) / (double)s.n;
    const double relative = log(step / (size + 1e-12) + 1e-6) / 5, length = log((double)s.n) / 5;
    const double turn = 2 * M_PI / (double)s.season;
    for (int64_t t = 0; t < s.n; ++t) {
        const double off = v[t] - level, fast_off = v[t] - fast - 0.9 * slope;
        level += 0.2 * off, fast += 0.9 * slope + 0.5 * fast_off, slope = 0.9 * slope + 0.1 * fast_off;
        if (t < s.n - rows) continue;
        const auto change = [&](int64_t lag) { return lag > 0 && t >= lag ? (x[t] - x[t - lag]) / step : 0.0; };
        const double channels[BANK_CHANNELS] = {
            squeezed((x[t] - last) / step), squeezed((v[t] - v[s.n - 1]) / step), squeezed(change(1)),
            s.season > 1 ? squeezed(change(s.season)) : 0.0, squeezed(change(s.long_season)), squeezed(off / step),
            squeezed(fast_off / step), s.season > 1 ? sin(turn * (double)t) : 0.0,
            s.season > 1 ? cos(turn * (double)t) : 0.0, log((double)s.season) / 3, log1p((double)(s.n - 1 - t)) / 5,
            relative, length, isnan(given[t]) ? 0.0 : 1.0, s.positive ? 1.0 : 0.0};
        for (int64_t c = 0; c < BANK_CHANNELS; ++c) *to++ = (float)channels[c];
    }
}

void one_series(const BankRequest& request, int64_t b, const Room& room) {
    FlushDenormals keep_small_numbers(false);
    const double* given = request.values + request.first[b];
    Series s = {request.length[b], request.season, request.long_season, true};
    fill(given, s.n, room.values);
    double step = 0, size = 0;
    for (int64_t t = 0; t < s.n; ++t) {
        const double x = room.values[t];
        s.positive = s.positive && x > 0;
        size += fabs(x) / (double)s.n;
        if (t) step += fabs(x - room.values[t - 1]) / (double)(s.n - 1);
    }
    step += 1e-9 * size + 1e-12;
    for (int64_t t = 0; s.positive && t < s.n; ++t) room.logs[t] = log(room.values[t]);
    past_errors(s, room, step, request.error + b * BANK_EXPERTS * BANK_ERRORS);
    forecast_all(s, room, Sink{room.forecast, request.horizon});
    const double last = room.values[s.n - 1];
    float* to = request.forecast + b * request.horizon * BANK_EXPERTS;
    for (int64_t h = 0; h < request.horizon; ++h)
        for (int64_t k = 0; k < BANK_EXPERTS; ++k)
            *to++ = (float)((room.forecast[k * request.horizon + h] - last) / step);
    const int64_t rows = std::min(request.steps, s.n);
    float* channels = request.channel + b * request.steps * BANK_CHANNELS;
    std::fill_n(channels, (request.steps - rows) * BANK_CHANNELS, 0.0f);
    write_channels(s, room, given, step, rows, channels + (request.steps - rows) * BANK_CHANNELS);
    request.unit[2 * b] = last, request.unit[2 * b + 1] = step;
}

}  // namespace

void bank_of_forecasts(const BankRequest& request, int64_t threads) {
    if (!request.count) return;
    const int64_t longest = *std::max_element(request.length, request.length + request.count);
    const int64_t size = Room::size(longest, request.season, request.horizon);
    threads = std::max<int64_t>(1, std::min(threads, request.count));
    Block block(2 * size * threads);  // here, for a thread that finds no memory ends the process
    std::atomic<int64_t> next{0};
    parallel(threads, threads, [&](int64_t thread) {
        double* base = reinterpret_cast<double*>(block.data()) + thread * size;
        const Room room(base, longest, request.season, request.horizon);
        for (int64_t b; (b = next.fetch_add(1)) < request.count;) one_series(request, b, room);
    });
}

}  // namespace gatecast
