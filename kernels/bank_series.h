// One series in the bank of simple forecasts: which experts there are, and how they did so far.
// See gatecast/pretrained/bank.py, which names the experts in this order.
#pragma once

#include "bank_channels.h"
#include "bank_regressions.h"
#include "bank_seasons.h"
#include "bank_trends.h"

namespace bank {
namespace {

using gatecast::BANK_ERRORS;
using gatecast::BANK_EXPERTS;

constexpr int64_t PAST_ORIGINS = 3, SOME_STEPS = 6, MOST_PAST_STEPS = 24, SHARE_OF_PAST = 5;
constexpr double RISE = 3.0;  // a forecast from logarithms stays below e^3 times the highest value

// Work space of one thread, in doubles.
struct Room {
    double *values, *adjusted, *logs, *log_adjusted, *decomposed, *log_decomposed, *seasons, *log_seasons, *winters,
        *log_winters, *levels, *changes, *all_levels, *all_changes, *by_seasons, *log_by_seasons, *ahead, *forecast,
        *past, *squeezed;
    int64_t size = 0;

    Room(const BankRequest& request, double* base) {  // no base: only the size is asked for
        const int64_t n = request.longest, season = request.season, horizon = request.horizon;
        const int64_t most_ahead = higher(horizon, MOST_PAST_STEPS);
        const auto take = [&](int64_t doubles) {
            size += doubles;
            return base ? base + size - doubles : nullptr;
        };
        values = take(n), adjusted = take(n), logs = take(n), log_adjusted = take(n);
        decomposed = take(Decomposition::room_size(n, season));
        log_decomposed = take(Decomposition::room_size(n, season));
        seasons = take(season), log_seasons = take(season);
        winters = take(WINTERS_ROW * season), log_winters = take(WINTERS_ROW * season);
        levels = take(n), changes = take(n), all_levels = take(n), all_changes = take(n);
        by_seasons = take(n), log_by_seasons = take(n);
        ahead = take(higher(higher(season, request.long_season) + 1, MOST_REGRESSORS) + most_ahead);
        forecast = take(BANK_EXPERTS * horizon), past = take(BANK_EXPERTS * MOST_PAST_STEPS);
        squeezed = take(Squeezed::ROWS * Squeezed::row(request.steps) / 2);
    }
};

// What goes on from one end of what is known to the next: seasons, smoothings and regressions of the series and of its
// logarithms.
struct Running {
    Decomposition decomposed, log_decomposed;
    Smoothed trends, log_trends;
    Winters winters, log_winters;
    Regressions regressions;
    SeasonalRegression by_seasons, log_by_seasons;
    double highest_log = 0;
    int64_t reached = 1;

    // `first` is the least that will be known.
    Running(const Series& s, int64_t first, const Room& room)
        : decomposed(room.values, s.n, s.season, s.positive, room.decomposed),
          log_decomposed(room.logs, s.positive ? s.n : 0, s.season, false, room.log_decomposed),
          winters(room.values, s.season, room.winters), log_winters(room.logs, s.season, room.log_winters),
          regressions(room.values, s.n, first, s.season, s.long_season, room.all_levels, room.all_changes),
          by_seasons(room.values, s.n, first, s.season, room.by_seasons),
          log_by_seasons(s.positive ? room.logs : room.values, s.n, first, s.season, room.log_by_seasons) {
        trends = begun_trends(room.values, s.n);
        if (winters.can_begin(s.n)) winters.begin();
        if (!s.positive) return;
        highest_log = room.logs[0];
        log_trends = begun_trends(room.logs, s.n);
        if (log_winters.can_begin(s.n)) log_winters.begin();
    }
    void go_on(const Series& s, const Room& room) {
        bank::go_on(room.values, reached, s.n, trends);
        if (s.positive) bank::go_on(room.logs, reached, s.n, log_trends);
        for (int64_t t = reached; s.positive && t < s.n; ++t) highest_log = higher(highest_log, room.logs[t]);
        reached = s.n;
    }
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
View adjusted_view(const Series& s, const Room& room, Running& running) {
    if (!s.seasonal()) return {Unit::PLAIN, room.values, s.n, 1, NOTHING, 0};
    running.decomposed.seasons(s.n, room.seasons);
    without_season(room.values, s.n, s.season, room.seasons, s.positive, room.adjusted);
    return {s.positive ? Unit::PRODUCT : Unit::SUM, room.adjusted, s.n, s.season, room.seasons, 0};
}

View log_view(const Series& s, const Room& room, Running& running) {
    const double ceiling = running.highest_log + RISE;
    if (!s.seasonal()) return {Unit::LOGARITHM, room.logs, s.n, 1, NOTHING, ceiling};
    running.log_decomposed.seasons(s.n, room.log_seasons);
    without_season(room.logs, s.n, s.season, room.log_seasons, false, room.log_adjusted);
    return {Unit::LOGARITHM, room.log_adjusted, s.n, s.season, room.log_seasons, ceiling};
}

// ---------------------------------------------------------------- experts

void add_regressions_without_season(const View& adjusted, const Room& room, Sink& sink) {
    if (adjusted.unit == Unit::PLAIN) return sink.skip(4);
    Both both(adjusted.v, adjusted.n, adjusted.n, room.levels, room.changes);
    both.know(adjusted.n);
    for (int lags : {2, 4}) {
        add_regression(adjusted, both.levels, first_lags(lags), room.ahead, sink);
        add_regression(adjusted, both.changes, first_lags(lags), room.ahead, sink);
    }
}

void add_logarithms(const Series& s, const Room& room, Running& running, Sink& sink) {
    const View view = log_view(s, room, running), logs = {Unit::LOGARITHM, room.logs, s.n, 1, NOTHING, view.ceiling};
    if (s.seasonal()) add_trends(view, Trends(view, trends_of(view.v, s.n)), sink);
    else add_trends(view, Trends(view, running.log_trends), sink);
    add_winters(logs, running.log_winters, sink);
    Integrated changes(view.v, view.n, view.n, 1, room.changes);
    changes.know(view.n);
    for (int lags : {2, 4}) add_regression(view, changes, first_lags(lags), room.ahead, sink);
    running.log_by_seasons.add(logs, room.ahead, sink);
}

// All forecasts of the series up to step n, which is not before the last one that was asked for.
void forecast_all(const Series& s, const Room& room, Running& running, Sink sink) {
    const View plain = {Unit::PLAIN, room.values, s.n, 1, NOTHING, 0}, adjusted = adjusted_view(s, room, running);
    const auto add_both = [&](const View& view, const Smoothed& smoothed) {
        const Trends trends(view, smoothed);
        add_trends(view, trends, sink);
        add_levels(view, trends, sink);
    };
    running.go_on(s, room);
    add_both(plain, running.trends);
    if (s.seasonal()) add_both(adjusted, trends_of(adjusted.v, s.n));
    else sink.skip(12);
    add_seasonal_naive(plain, s.season, sink);
    add_long_season(plain, s.season, s.long_season, sink);
    add_winters(plain, running.winters, sink);
    const double mean = mean_of(room.values, s.n);
    const int64_t some = lower(s.n, higher(s.season, 12));
    const double recent = mean_of(room.values + s.n - some, some);
    sink.add(plain, [&](int64_t) { return mean; });
    sink.add(plain, [&](int64_t) { return recent; });
    running.regressions.add(plain, room.ahead, sink);
    add_regressions_without_season(adjusted, room, sink);
    running.by_seasons.add(plain, room.ahead, sink);
    if (s.positive) add_logarithms(s, room, running, sink);
    else sink.skip(10);
}

// ---------------------------------------------------------------- how they did

// The earlier origins: ends of what was known, so many steps apart.
struct Past {
    int64_t n, steps, origins;

    explicit Past(const Series& s) : n(s.n), origins(PAST_ORIGINS) {
        const int64_t wanted = lower(higher(s.season, SOME_STEPS), MOST_PAST_STEPS);
        const int64_t least = higher(7, s.season > 1 ? 2 * s.season + 3 : 0);
        steps = higher(1, lower(wanted, n / SHARE_OF_PAST));
        while (origins && end(origins) < least) --origins;
    }
    int64_t end(int64_t origin) const { return n - origin * steps; }
    int64_t first_end() const { return end(origins); }
};

// (K, 2) mean absolute errors, near and far, of forecasts from up to three earlier origins; NaN where there are none.
void past_errors(const Series& s, const Past& past, const Room& room, Running& running, float* errors) {
    const int64_t steps = past.steps, near = (steps + 2) / 3;
    double sum[BANK_EXPERTS][BANK_ERRORS] = {{0}};
    int count[BANK_EXPERTS] = {0};
    for (int64_t origin = past.origins; origin >= 1; --origin) {
        Series before = s;
        before.n = past.end(origin);
        forecast_all(before, room, running, Sink{room.past, steps});
        for (int64_t k = 0; k < BANK_EXPERTS; ++k) {
            const double *forecast = room.past + k * steps, *truth = room.values + before.n;
            if (isnan(forecast[0])) continue;
            ++count[k];
            sum[k][0] += mean_distance(forecast, truth, near);
            sum[k][1] += steps > near ? mean_distance(forecast + near, truth + near, steps - near) : 0;
        }
    }
    for (int64_t k = 0; k < BANK_EXPERTS; ++k)
        for (int64_t i = 0; i < BANK_ERRORS; ++i) {
            const double mean = sum[k][steps > near ? i : 0] / (double)count[k] / s.step;  // 0 / 0 is NaN
            errors[k * BANK_ERRORS + i] = count[k] ? (float)lower(mean, 1e6) : NAN;
        }
}

// ---------------------------------------------------------------- a series

Series series_of(const BankRequest& request, int64_t b, const double* x) {
    Series s = {request.length[b], request.season, request.long_season, true, 0, 0};
    for (int64_t t = 0; t < s.n; ++t) {
        s.positive = s.positive && x[t] > 0;
        s.size += fabs(x[t]);
        if (t) s.step += fabs(x[t] - x[t - 1]);
    }
    s.size /= (double)s.n;
    s.step = s.step / (double)(s.n - 1) + 1e-9 * s.size + LEAST;
    return s;
}

// All forecasts in units of the series, step by step.
void write_forecasts(const Series& s, const double* forecast, int64_t horizon, double last, float* to) {
    const double units = 1 / s.step;
    for (int64_t k = 0; k < BANK_EXPERTS; ++k)
        for (int64_t h = 0; h < horizon; ++h)
            to[h * BANK_EXPERTS + k] = (float)((forecast[k * horizon + h] - last) * units);
}

void series(const BankRequest& request, int64_t b, double* base) {
    const Room room(request, base);
    const double* given = request.values + request.first[b];
    fill(given, request.length[b], room.values);
    const Series s = series_of(request, b, room.values);
    for (int64_t t = 0; s.positive && t < s.n; ++t) room.logs[t] = log(room.values[t]);
    const Past past(s);
    Running running(s, past.first_end(), room);
    past_errors(s, past, room, running, request.error + b * BANK_EXPERTS * BANK_ERRORS);
    forecast_all(s, room, running, Sink{room.forecast, request.horizon});
    const double last = room.values[s.n - 1], *adjusted = s.seasonal() ? room.adjusted : room.values;
    write_forecasts(s, room.forecast, request.horizon, last, request.forecast + b * request.horizon * BANK_EXPERTS);
    const int64_t missing = higher(0, request.steps - s.n) * BANK_CHANNELS;
    float* channels = request.channel + b * request.steps * BANK_CHANNELS;
    for (int64_t i = 0; i < missing; ++i) channels[i] = 0;
    write_channels(request, s, room.values, adjusted, given, reinterpret_cast<float*>(room.squeezed),
                   channels + missing);
    request.unit[2 * b] = last, request.unit[2 * b + 1] = s.step;
}

int64_t room_size(const BankRequest& request) { return Room(request, nullptr).size; }

}  // namespace
}  // namespace bank
