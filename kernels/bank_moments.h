// The sums that regressions of a series on its own lags are made of.
#pragma once

#include <initializer_list>

#include "bank_smoothings.h"

namespace bank {
namespace {

constexpr int MOST_REGRESSORS = 12;

struct LagList {
    int count;
    int64_t lag[MOST_REGRESSORS];  // rising from 1

    int64_t longest() const { return lag[count - 1]; }
};

inline LagList first_lags(int count) {
    LagList lags = {count, {0}};
    for (int i = 0; i < count; ++i) lags.lag[i] = i + 1;
    return lags;
}

// The first two lags and then others, each once and rising.
template <typename... Lags>
LagList with_lags(Lags... others) {
    LagList lags = first_lags(2);
    for (int64_t lag : {others...})
        if (lag > lags.longest()) lags.lag[lags.count++] = lag;
    return lags;
}

// Sums of products of every two lags of a series, and of each with the step itself, over the steps that have all of
// them. More and more steps become known: only the new ones are added.
class Moments {
public:
    Moments(const LagList& of) : lags(of), reached_(of.longest()) {
        for (int i = 0; i < lags.count; ++i) lag_[i + 1] = lags.lag[i];  // the step itself is the lag 0
    }

    // Where the lags p - 1 and q - 1 are in the list too, the sum of w[t - p] w[t - q] over all t in [a, b) is theirs
    // but for one product at either end: theirs + w[a - p] w[a - q] - w[b - p] w[b - q].
    void go_on(const double* w, int64_t end) {
        if (end <= reached_) return;
        const double *from = w + reached_, *to = w + end;
        double part[MOST_REGRESSORS + 1][MOST_REGRESSORS + 1];
        for (int i = 0; i <= lags.count; ++i)
            for (int j = 0; j <= i; ++j) {
                const int64_t p = lag_[i], q = lag_[j];
                if (j && lag_[i - 1] == p - 1 && lag_[j - 1] == q - 1)
                    part[i][j] = part[i - 1][j - 1] + from[-p] * from[-q] - to[-p] * to[-q];
                else part[i][j] = product(from - p, from - q, end - reached_);
                sum[i][j] += part[i][j];
            }
        reached_ = end;
    }
    int64_t lag(int i) const { return lag_[i]; }

    const LagList lags;
    double sum[MOST_REGRESSORS + 1][MOST_REGRESSORS + 1] = {{0}};

private:
    int64_t lag_[MOST_REGRESSORS + 1] = {0};
    int64_t reached_;
};

}  // namespace
}  // namespace bank
