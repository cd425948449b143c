// Experts of the bank that know levels and trends: naive, drift, exponential smoothing, Theta, Holt, straight lines.
#pragma once

#include "bank_views.h"

namespace gatecast {

constexpr double BANK_ALPHAS[] = {0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9};
constexpr int BANK_LEVELS = 7, BANK_SLOW = 2, BANK_FAST = 4;  // places of gains 0.2 and 0.5
constexpr double HOLT_ALPHAS[] = {0.2, 0.5, 0.8, 1.0}, HOLT_BETAS[] = {0.05, 0.2, 0.5}, HOLT_PHIS[] = {0.8, 0.9, 0.98};
constexpr int HOLTS = 36, HOLT_QUICK = 13, HOLT_QUICKER = 21, HOLT_SLOW = 2;

// Levels of simple exponential smoothings with several gains (Brown 1956), and their squared errors one step ahead.
struct Levels {
    double level[BANK_LEVELS], squares[BANK_LEVELS];
    int best;
};

inline Levels smoothed(const double* v, int64_t n) {
    Levels all;
    for (int a = 0; a < BANK_LEVELS; ++a) all.level[a] = v[0], all.squares[a] = 0;
    for (int64_t t = 1; t < n; ++t)
        for (int a = 0; a < BANK_LEVELS; ++a) {
            const double error = v[t] - all.level[a];
            all.level[a] += BANK_ALPHAS[a] * error;
            all.squares[a] += error * error;
        }
    all.best = (int)(std::min_element(all.squares, all.squares + BANK_LEVELS) - all.squares);
    return all;
}

// Damped trends with several gains (Gardner and McKenzie 1985), and their squared errors one step ahead.
struct Holts {
    double level[HOLTS], slope[HOLTS], squares[HOLTS], alpha[HOLTS], beta[HOLTS], phi[HOLTS];
    int best;

    // What is added to the level h steps ahead.
    double rise(int e, int64_t h) const { return slope[e] * phi[e] * (1 - pow(phi[e], (double)h)) / (1 - phi[e]); }
};

inline void damped_trends(const double* v, int64_t n, Holts& all) {
    const int64_t start = std::min<int64_t>(5, n - 1);
    for (int e = 0; e < HOLTS; ++e) {
        all.alpha[e] = HOLT_ALPHAS[e / 9], all.beta[e] = HOLT_BETAS[e / 3 % 3], all.phi[e] = HOLT_PHIS[e % 3];
        all.level[e] = v[0], all.slope[e] = (v[start] - v[0]) / (double)start, all.squares[e] = 0;
    }
    for (int64_t t = 1; t < n; ++t)
        for (int e = 0; e < HOLTS; ++e) {
            const double slope = all.phi[e] * all.slope[e], error = v[t] - all.level[e] - slope;
            all.level[e] += slope + all.alpha[e] * error;
            all.slope[e] = slope + all.alpha[e] * all.beta[e] * error;
            all.squares[e] += error * error;
        }
    all.best = (int)(std::min_element(all.squares, all.squares + HOLTS) - all.squares);
}

// Least squares over the last steps: slope, and the line's value at the last step.
struct Line {
    double slope, last;
};

inline Line line_through(const double* v, int64_t n, int64_t last) {
    const double *x = v + n - last, middle = (double)(last - 1) / 2, mean = mean_of(x, last);
    double product = 0;
    for (int64_t t = 0; t < last; ++t) product += ((double)t - middle) * x[t];
    const double slope = product / ((double)last * ((double)last * (double)last - 1) / 12);
    return {slope, mean + slope * middle};
}

// The experts that differ from view to view: 6.
inline void add_trends(const View& view, const Levels& levels, const Holts& holts, Sink& sink) {
    const double* v = view.v;
    const int64_t n = view.n, some = std::max<int64_t>(std::min<int64_t>(n, 4), n / 3);
    const double last = v[n - 1], drift = (last - v[0]) / (double)(n - 1);
    const double recent = (last - v[n - some]) / (double)(some - 1);
    const Line line = line_through(v, n, n);
    const double alpha = BANK_ALPHAS[levels.best], level = levels.level[levels.best];
    sink.add(view, [&](int64_t h) { return last + drift * (double)h; });
    sink.add(view, [&](int64_t h) { return last + recent * (double)h; });
    sink.add(view, [&](int64_t) { return level; });
    // Theta as smoothing with half of the line's slope (Hyndman and Billah 2003)
    sink.add(view, [&](int64_t h) { return level + line.slope / 2 * ((double)h - 1 + 1 / alpha); });
    sink.add(view, [&](int64_t h) { return holts.level[HOLT_QUICK] + holts.rise(HOLT_QUICK, h); });
    sink.add(view, [&](int64_t h) { return holts.level[holts.best] + holts.rise(holts.best, h); });
}

// Those that logarithms would only repeat: 6.
inline void add_levels(const View& view, const Levels& levels, const Holts& holts, Sink& sink) {
    const double last = view.v[view.n - 1];
    const Line line = line_through(view.v, view.n, view.n);
    sink.add(view, [&](int64_t) { return last; });
    sink.add(view, [&](int64_t) { return levels.level[BANK_SLOW]; });
    sink.add(view, [&](int64_t) { return levels.level[BANK_FAST]; });
    sink.add(view, [&](int64_t h) { return holts.level[HOLT_QUICKER] + holts.rise(HOLT_QUICKER, h); });
    sink.add(view, [&](int64_t h) { return holts.level[HOLT_SLOW] + holts.rise(HOLT_SLOW, h); });
    sink.add(view, [&](int64_t h) { return line.last + line.slope * (double)h; });
}

}  // namespace gatecast
