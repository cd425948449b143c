// Experts of the bank that learn from the series itself: ridge autoregressions on chosen lags.
#pragma once

#include "bank_moments.h"
#include "bank_views.h"

namespace bank {
namespace {

constexpr double BANK_PENALTY = 3.0, BANK_FARTHEST = 30.0;  // the most that a forecast may reach, in sigmas

// Solve a symmetric positive definite system in place by Cholesky's method; the solution takes the place of b.
// A column is subtracted from all that lie right of it at once, so that no sum is waited for; the diagonal holds
// reciprocals. Where rounding leaves no positive pivot the solution is 0.
inline void solve(double (&a)[MOST_REGRESSORS][MOST_REGRESSORS], double (&b)[MOST_REGRESSORS], int size) {
    for (int j = 0; j < size; ++j) {
        if (!(a[j][j] > 0)) return fill_with(0, b, size);
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
// penalty is in units of the series' own size). What is regressed is what is known of the series less its mean. What is
// kept is the series less the mean of its first steps; the mean of what is known is `shift_` above that. As the first
// steps are a good part of what is known, and the changes of the mean small beside the variance, the sums of products
// can be put right without a loss of digits.
class Autoregression {
public:
    // `first` is the least that will be known; `room` holds n doubles. To be told what is known before it forecasts.
    Autoregression(const double* v, int64_t n, int64_t first, double* room)
        : first_(first), centre_(mean_of(v, first)), w_(room) {
        for (int64_t t = 0; t < n; ++t) w_[t] = v[t] - centre_;
    }

    void know(int64_t n) {
        n_ = n;
        shift_ = n == first_ ? 0 : mean_of(w_, n);
        const double square = product(w_, w_, n) / (double)n - shift_ * shift_;
        size_ = sqrt(higher(square, 0)) + 1e-9 * fabs(centre_ + shift_) + LEAST;
    }

    // H forecasts in the series' own unit. False: it is too short. `room` holds the longest lag and H doubles.
    bool forecast(Moments& moments, int64_t horizon, double* room, double* to) const {
        const LagList& lags = moments.lags;
        const int64_t longest = lags.longest();
        if (n_ < longest + 6) return false;
        double a[MOST_REGRESSORS][MOST_REGRESSORS], b[MOST_REGRESSORS];
        moments.go_on(w_, n_);
        centred(moments, a, b);
        for (int i = 0; i < lags.count; ++i) a[i][i] += BANK_PENALTY;
        solve(a, b, lags.count);
        for (int64_t t = 0; t < longest; ++t) room[t] = w_[n_ - longest + t] - shift_;
        const double farthest = BANK_FARTHEST * size_;
        double* u = room + longest;
        double last = u[-1];  // of lag 1, which every list begins with; it comes last, so that all else need not wait
        for (int64_t h = 0; h < horizon; ++h) {
            double sum = 0;
            for (int i = lags.count - 1; i > 0; --i) sum += b[i] * u[h - lags.lag[i]];
            u[h] = last = lower(higher(sum + b[0] * last, -farthest), farthest);
        }
        for (int64_t h = 0; h < horizon; ++h) to[h] = u[h] + shift_ + centre_;
        return true;
    }

private:
    void centred(const Moments& moments, double (&a)[MOST_REGRESSORS][MOST_REGRESSORS],
                 double (&b)[MOST_REGRESSORS]) const {
        const int64_t from = moments.lags.longest(), steps = n_ - from;
        // Sum of (x - s)(y - s) = sum of x y - s (sum of x - steps s / 2) - s (sum of y - steps s / 2)
        double moved[MOST_REGRESSORS + 1] = {0};
        for (int i = 0; shift_ != 0 && i <= moments.lags.count; ++i) {
            const int64_t p = moments.lag(i);
            const double sum = (double)n_ * shift_ - sum_of_all(w_, from - p) - sum_of_all(w_ + n_ - p, p);
            moved[i] = shift_ * (sum - (double)steps * shift_ / 2);
        }
        const double square = size_ * size_;
        for (int i = 1; i <= moments.lags.count; ++i)
            for (int j = 0; j <= i; ++j) {
                const double sum = (moments.sum[i][j] - moved[i] - moved[j]) / square;
                if (j) a[i - 1][j - 1] = sum;
                else b[i - 1] = sum;
            }
    }

    int64_t first_, n_ = 0;
    double centre_, shift_ = 0, size_ = 0;
    double* w_;
};

// Changes over some steps, whose forecasts are added up again (Box and Jenkins 1970).
class Integrated {
public:
    // `first` is the least that will be known; `room` holds n doubles.
    Integrated(const double* v, int64_t n, int64_t first, int64_t step, double* room)
        : v_(v), step_(step), changes_(changes(v, n, step, room), n - step, higher(1, first - step), room) {}

    void know(int64_t n) {
        n_ = n;
        changes_.know(n - step_);
    }
    bool forecast(Moments& moments, int64_t horizon, double* room, double* to) const {
        if (!changes_.forecast(moments, horizon, room, to)) return false;
        for (int64_t h = 0; h < horizon; ++h) to[h] += h < step_ ? v_[n_ - step_ + h] : to[h - step_];
        return true;
    }

private:
    static const double* changes(const double* v, int64_t n, int64_t step, double* to) {
        for (int64_t t = step; t < n; ++t) to[t - step] = v[t] - v[t - step];
        return to;
    }

    const double* v_;
    int64_t step_, n_ = 0;
    Autoregression changes_;
};

// Of the series: 1.
template <typename Regression>
void add_regression(const View& view, const Regression& regression, Moments& moments, double* room, Sink& sink) {
    double* to = sink.next();
    if (regression.forecast(moments, sink.horizon, room, to)) view.restore(to, sink.horizon);
    else fill_with(NAN, to, sink.horizon);
}
template <typename Regression>
void add_regression(const View& view, const Regression& regression, const LagList& lags, double* room, Sink& sink) {
    Moments moments(lags);
    add_regression(view, regression, moments, room, sink);
}

// Level and changes of a series.
struct Both {
    Autoregression levels;
    Integrated changes;

    // Each room holds n doubles.
    Both(const double* v, int64_t n, int64_t first, double* room, double* other)
        : levels(v, n, first, room), changes(v, n, first, 1, other) {}
    void know(int64_t n) { levels.know(n), changes.know(n); }
};

// The regressions of the series as it is, over ever more of it.
class Regressions {
public:
    Regressions(const double* v, int64_t n, int64_t first, int64_t m, int64_t longer, double* room, double* other)
        : both_(v, n, first, room, other), two_seasons_(longer > 1),
          lists_{first_lags(2), m > 1 ? with_lags(m) : first_lags(4), m > 1 ? with_lags(m, m + 1) : first_lags(8),
                 first_lags(12), with_lags(m, m + 1, longer, longer + 1)} {}

    void add(const View& view, double* room, Sink& sink) {
        both_.know(view.n);
        for (int i = 0; i < LISTS; ++i) {
            if ((i == MANY && view.n < ENOUGH_FOR_MANY) || (i == LONG && !two_seasons_)) {
                sink.skip(2);
                continue;
            }
            add_regression(view, both_.levels, lists_[i].of_levels, room, sink);
            add_regression(view, both_.changes, lists_[i].of_changes, room, sink);
        }
    }

private:
    struct List {
        Moments of_levels, of_changes;
        List(const LagList& lags) : of_levels(lags), of_changes(lags) {}
    };
    static constexpr int LISTS = 5, MANY = 3, LONG = 4, ENOUGH_FOR_MANY = 40;

    Both both_;
    bool two_seasons_;
    List lists_[LISTS];
};

// One of the changes over a season.
class SeasonalRegression {
public:
    // `room` holds n doubles.
    SeasonalRegression(const double* v, int64_t n, int64_t first, int64_t season, double* room)
        : season_(season), changes_(v, n, first, lower(season, n - 1), room), moments_(first_lags(2)) {}

    void add(const View& view, double* room, Sink& sink) {
        if (season_ < 2 || view.n <= 2 * season_ + 8) return sink.skip(1);
        changes_.know(view.n);
        add_regression(view, changes_, moments_, room, sink);
    }

private:
    int64_t season_;
    Integrated changes_;
    Moments moments_;
};

}  // namespace
}  // namespace bank
