// Experts of the bank that learn from the series itself: ridge autoregressions on chosen lags.
#pragma once

#include "bank_views.h"

namespace gatecast {

constexpr int MOST_REGRESSORS = 12;
constexpr double BANK_PENALTY = 3.0, BANK_FARTHEST = 30.0;  // the most that a forecast may reach, in sigmas

struct LagList {
    int count;
    int64_t lag[MOST_REGRESSORS];  // rising

    int64_t longest() const { return lag[count - 1]; }
};

// Solve a symmetric positive definite system in place by Cholesky's method; the solution takes the place of b.
inline void solve(double (&a)[MOST_REGRESSORS][MOST_REGRESSORS], double (&b)[MOST_REGRESSORS], int size) {
    for (int j = 0; j < size; ++j) {
        for (int k = 0; k < j; ++k) a[j][j] -= a[j][k] * a[j][k];
        a[j][j] = sqrt(a[j][j]);
        for (int i = j + 1; i < size; ++i) {
            for (int k = 0; k < j; ++k) a[i][j] -= a[i][k] * a[j][k];
            a[i][j] /= a[j][j];
        }
    }
    for (int i = 0; i < size; ++i) {
        for (int k = 0; k < i; ++k) b[i] -= a[i][k] * b[k];
        b[i] /= a[i][i];
    }
    for (int i = size - 1; i >= 0; --i) {
        for (int k = i + 1; k < size; ++k) b[i] -= a[k][i] * b[k];
        b[i] /= a[i][i];
    }
}

// Regress a series on its own lags and go on from its end (Yule 1927; Hoerl and Kennard 1970 for the ridge).
// `u` holds n + H doubles: the standardised series, then the H forecasts in the series' own unit. False: too short.
inline bool autoregressed(const double* v, int64_t n, const LagList& lags, int64_t horizon, double* u) {
    const int64_t longest = lags.longest();
    if (n < longest + 6) return false;
    const double mean = mean_of(v, n);
    double variance = 0;
    for (int64_t t = 0; t < n; ++t) variance += (v[t] - mean) * (v[t] - mean);
    const double size = sqrt(variance / (double)n) + 1e-9 * (1e-3 + fabs(mean));
    for (int64_t t = 0; t < n; ++t) u[t] = (v[t] - mean) / size;
    double a[MOST_REGRESSORS][MOST_REGRESSORS] = {{0}}, b[MOST_REGRESSORS] = {0};
    for (int64_t t = longest; t < n; ++t)
        for (int i = 0; i < lags.count; ++i) {
            const double x = u[t - lags.lag[i]];
            b[i] += x * u[t];
            for (int j = 0; j <= i; ++j) a[i][j] += x * u[t - lags.lag[j]];
        }
    for (int i = 0; i < lags.count; ++i) a[i][i] += BANK_PENALTY;
    solve(a, b, lags.count);
    for (int64_t t = n; t < n + horizon; ++t) {
        double sum = 0;
        for (int i = 0; i < lags.count; ++i) sum += b[i] * u[t - lags.lag[i]];
        u[t] = std::min(std::max(sum, -BANK_FARTHEST), BANK_FARTHEST);
    }
    for (int64_t t = n; t < n + horizon; ++t) u[t] = u[t] * size + mean;
    return true;
}

// Of the series: 1.
inline void add_regression(const View& view, const LagList& lags, double* room, Sink& sink) {
    if (!autoregressed(view.v, view.n, lags, sink.horizon, room)) return sink.skip(1);
    sink.add(view, [&](int64_t h) { return room[view.n - 1 + h]; });
}

// Of its changes over `step` steps, which are added up again (Box and Jenkins 1970): 1. `room` holds 2 (n + H).
inline void add_integrated(const View& view, const LagList& lags, int64_t step, double* room, Sink& sink) {
    const int64_t n = view.n - step;
    double *change = room, *u = room + std::max(view.n, sink.horizon);
    if (n < 1) return sink.skip(1);
    for (int64_t t = 0; t < n; ++t) change[t] = view.v[t + step] - view.v[t];
    if (!autoregressed(change, n, lags, sink.horizon, u)) return sink.skip(1);
    for (int64_t h = 0; h < sink.horizon; ++h) {
        const double from = h < step ? view.v[view.n - step + h] : change[h - step];
        change[h] = from + u[n + h];
    }
    sink.add(view, [&](int64_t h) { return change[h - 1]; });
}

}  // namespace gatecast
