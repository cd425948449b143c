// Experts of the bank that know levels and trends: naive, drift, exponential smoothing, Theta, Holt, straight lines.
#pragma once

#include "bank_smoothings.h"
#include "bank_views.h"

namespace bank {
namespace {

constexpr double BANK_ALPHAS[] = {0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9};
constexpr int BANK_LEVELS = 7, BANK_SLOW = 2, BANK_FAST = 4;  // places of gains 0.2 and 0.5
constexpr double HOLT_ALPHAS[] = {0.2, 0.5, 0.8, 1.0}, HOLT_BETAS[] = {0.05, 0.2, 0.5}, HOLT_PHIS[] = {0.8, 0.9, 0.98};
constexpr int HOLTS = 36, HOLT_QUICK = 13, HOLT_QUICKER = 21, HOLT_SLOW = 2;
static_assert(HOLTS + BANK_LEVELS <= MOST_GAINS, "room for all");

// Damped trends (Gardner and McKenzie 1985), then simple exponential smoothings (Brown 1956), whose slope is none.
constexpr Gains trend_gains() {
    Gains gains = {};
    for (int e = 0; e < HOLTS; ++e) {
        const double level = HOLT_ALPHAS[e / 9];
        gains.set(e, level, level * HOLT_BETAS[e / 3 % 3], HOLT_PHIS[e % 3]);
    }
    for (int a = 0; a < BANK_LEVELS; ++a) gains.set(HOLTS + a, BANK_ALPHAS[a], 0, 0);
    return gains;
}
constexpr Gains TREND_GAINS = trend_gains();  // by the compiler: a set that a machine lacks must not run at loading

inline Smoothed begun_trends(const double* v, int64_t n) {
    const int64_t start = lower(5, n - 1);
    const double slope = (v[start] - v[0]) / (double)start;
    Smoothed all = {};
    for (int e = 0; e < MOST_GAINS; ++e) {
        all.rise[e] = e < HOLTS ? TREND_GAINS.phi[e] * slope : 0;
        all.expected[e] = v[0] + all.rise[e];
    }
    return all;
}

inline void go_on(const double* v, int64_t begin, int64_t end, Smoothed& all) {
    smooth({&TREND_GAINS, MOST_GAINS, v, begin, end, nullptr, 0}, all);
}

inline Smoothed trends_of(const double* v, int64_t n) {
    Smoothed all = begun_trends(v, n);
    go_on(v, 1, n, all);
    return all;
}

// Least squares: slope, and the line's value at the last step.
struct Line {
    double slope, last;
};

inline Line line_through(const double* v, int64_t n) {
    const double middle = (double)(n - 1) / 2, mean = mean_of(v, n);
    double part[4] = {0};
    for (int64_t t = 0; t < n; ++t) part[t % 4] += ((double)t - middle) * v[t];
    const double moment = (part[0] + part[1]) + (part[2] + part[3]);
    const double slope = moment / ((double)n * ((double)n * (double)n - 1) / 12);
    return {slope, mean + slope * middle};
}

struct Trends {
    const Smoothed& smoothed;
    Line line;
    int best_holt, best_level;  // one step ahead

    Trends(const View& view, const Smoothed& all)
        : smoothed(all), line(line_through(view.v, view.n)), best_holt(all.best(0, HOLTS)),
          best_level(all.best(HOLTS, BANK_LEVELS) - HOLTS) {}
    double level(int place) const { return smoothed.level(HOLTS + place); }
    void add_holt(const View& view, int e, Sink& sink) const {
        const double phi = TREND_GAINS.phi[e], level = smoothed.level(e), rise = smoothed.rise[e];
        double power = 1, sum = 0;  // 1 + phi + .. + phi^(h - 1)
        sink.add(view, [&](int64_t) {
            sum += power, power *= phi;
            return level + rise * sum;
        });
    }
};

// The experts that differ from view to view: 6.
inline void add_trends(const View& view, const Trends& trends, Sink& sink) {
    const double* v = view.v;
    const int64_t n = view.n, some = higher(lower(n, 4), n / 3);
    const double last = v[n - 1], drift = (last - v[0]) / (double)(n - 1);
    const double recent = (last - v[n - some]) / (double)(some - 1), slope = trends.line.slope;
    const double alpha = BANK_ALPHAS[trends.best_level], level = trends.level(trends.best_level);
    sink.add(view, [&](int64_t h) { return last + drift * (double)h; });
    sink.add(view, [&](int64_t h) { return last + recent * (double)h; });
    sink.add(view, [&](int64_t) { return level; });
    // Theta as smoothing with half of the line's slope (Hyndman and Billah 2003)
    sink.add(view, [&](int64_t h) { return level + slope / 2 * ((double)h - 1 + 1 / alpha); });
    trends.add_holt(view, HOLT_QUICK, sink);
    trends.add_holt(view, trends.best_holt, sink);
}

// Those that logarithms would only repeat: 6.
inline void add_levels(const View& view, const Trends& trends, Sink& sink) {
    const double last = view.v[view.n - 1];
    sink.add(view, [&](int64_t) { return last; });
    sink.add(view, [&](int64_t) { return trends.level(BANK_SLOW); });
    sink.add(view, [&](int64_t) { return trends.level(BANK_FAST); });
    trends.add_holt(view, HOLT_QUICKER, sink);
    trends.add_holt(view, HOLT_SLOW, sink);
    sink.add(view, [&](int64_t h) { return trends.line.last + trends.line.slope * (double)h; });
}

}  // namespace
}  // namespace bank
