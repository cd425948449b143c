// Experts of the bank that learn from the series itself: ridge autoregressions on chosen lags.
#pragma once

#include "bank_channels.h"
#include "bank_smoothings.h"
#include "bank_views.h"

namespace bank {
namespace {

constexpr int MOST_REGRESSORS = 12;
constexpr double BANK_PENALTY = 3.0, BANK_FARTHEST = 30.0;  // the most that a forecast may reach, in sigmas

struct LagList {
    int count;
    int64_t lag[MOST_REGRESSORS];  // rising

    int64_t longest() const { return lag[count - 1]; }
};

// Solve a symmetric positive definite system in place by Cholesky's method; the solution takes the place of b.
// A column is subtracted from all that lie right of it at once, so that no sum is waited for; the diagonal holds
// reciprocals.
inline void solve(double (&a)[MOST_REGRESSORS][MOST_REGRESSORS], double (&b)[MOST_REGRESSORS], int size) {
    for (int j = 0; j < size; ++j) {
        a[j][j] = 1 / sqrt(a[j][j]);
        b[j] *= a[j][j];
        for (int i = j + 1; i < size; ++i) a[i][j] *= a[j][j];
        for (int i = j + 1; i < size; ++i) {
            for (int k = j + 1; k <= i; ++k) a[i][k] -= a[i][j] * a[k][j];
            b[i] -= a[i][j] * b[j];
        }
    }
    for (int i = size - 1; i >= 0; --i) {
        b[i] *= a[i][i];
        for (int k = 0; k < i; ++k) b[k] -= a[i][k] * b[i];
    }
}

// Regresses a series on its own lags and goes on from its end (Yule 1927; Hoerl and Kennard 1970 for the ridge, whose
// penalty is in units of the series' own size).
class Autoregression {
public:
    // `room` holds n + H doubles: the series less its mean, and what comes after it.
    Autoregression(const double* v, int64_t n, double* room) : n_(n), mean_(mean_of(v, n)), u_(room) {
        for (int64_t t = 0; t < n; ++t) u_[t] = v[t] - mean_;
        size_ = sqrt(product(u_, u_, n) / (double)n) + 1e-9 * fabs(mean_) + LEAST;
    }

    // H forecasts in the series' own unit. False: it is too short.
    bool forecast(const LagList& lags, int64_t horizon, double* to) {
        if (n_ < lags.longest() + 6) return false;
        double a[MOST_REGRESSORS][MOST_REGRESSORS], b[MOST_REGRESSORS];
        moments(lags, a, b);
        for (int i = 0; i < lags.count; ++i) a[i][i] += BANK_PENALTY;
        solve(a, b, lags.count);
        const double farthest = BANK_FARTHEST * size_;
        for (int64_t t = n_; t < n_ + horizon; ++t) {
            double sum = 0;  // the last step comes last: all else need not wait for it
            for (int i = lags.count - 1; i >= 0; --i) sum += b[i] * u_[t - lags.lag[i]];
            u_[t] = lower(higher(sum, -farthest), farthest);
        }
        for (int64_t h = 0; h < horizon; ++h) to[h] = u_[n_ + h] + mean_;
        return true;
    }

private:
    // Sums of products of every two lags, and of each with the step itself, over the steps that have all of them.
    // Where both lags have neighbours in the list the sum is that of these, but for one product at either end.
    void moments(const LagList& lags, double (&a)[MOST_REGRESSORS][MOST_REGRESSORS],
                 double (&b)[MOST_REGRESSORS]) const {
        const int size = lags.count + 1;
        const int64_t from = lags.longest(), steps = n_ - from;
        const double *begin = u_ + from, *end = u_ + n_;
        int64_t lag[MOST_REGRESSORS + 1] = {0};  // the step itself is the lag 0
        for (int i = 0; i < lags.count; ++i) lag[i + 1] = lags.lag[i];
        const double square = size_ * size_;
        double sum[MOST_REGRESSORS + 1][MOST_REGRESSORS + 1];
        for (int i = 0; i < size; ++i)
            for (int j = 0; j <= i; ++j) {
                const int64_t p = lag[i], q = lag[j];
                if (j && lag[i - 1] == p - 1 && lag[j - 1] == q - 1)
                    sum[i][j] = sum[i - 1][j - 1] + begin[-p] * begin[-q] - end[-p] * end[-q];
                else sum[i][j] = product(begin - p, begin - q, steps);
                if (j) a[i - 1][j - 1] = sum[i][j] / square;
                else if (i) b[i - 1] = sum[i][0] / square;
            }
    }

    int64_t n_;
    double mean_, size_;
    double* u_;
};

// Of the series: 1.
inline void add_regression(const View& view, Autoregression& levels, const LagList& lags, Sink& sink) {
    double* to = sink.next();
    if (levels.forecast(lags, sink.horizon, to)) view.restore(to, sink.horizon);
    else fill_with(NAN, to, sink.horizon);
}

// Changes over some steps, whose forecasts are added up again (Box and Jenkins 1970).
class Integrated {
public:
    // `room` holds 2 n + H doubles.
    Integrated(const View& view, int64_t step, double* room)
        : view_(view), step_(step), changes_(changes(view, step, room), view.n - step, room + view.n) {}

    // Of the series: 1.
    void add(const LagList& lags, Sink& sink) {
        double* to = sink.next();
        if (!changes_.forecast(lags, sink.horizon, to)) {
            fill_with(NAN, to, sink.horizon);
            return;
        }
        for (int64_t h = 0; h < sink.horizon; ++h) to[h] += h < step_ ? view_.v[view_.n - step_ + h] : to[h - step_];
        view_.restore(to, sink.horizon);
    }

private:
    static const double* changes(const View& view, int64_t step, double* to) {
        for (int64_t t = step; t < view.n; ++t) to[t - step] = view.v[t] - view.v[t - step];
        return to;
    }

    View view_;
    int64_t step_;
    Autoregression changes_;
};

}  // namespace
}  // namespace bank
