// Experts of the bank that know the season: seasonal naive ones and the smoothings of Holt and Winters.
#pragma once

#include "bank_smoothings.h"
#include "bank_views.h"

namespace bank {
namespace {

constexpr double WINTERS_ALPHAS[] = {0.1, 0.3, 0.6}, WINTERS_GAMMAS[] = {0.05, 0.2, 0.5}, WINTERS_BETAS[] = {0.0, 0.1};
constexpr double WINTERS_PHI = 0.95;
constexpr int WINTERS = 18, WINTERS_ROW = 24;  // smoothings, and room for them in whole vectors
static_assert(WINTERS_ROW <= MOST_GAINS, "room for all");

// Repeats the last season, moved by its drift, averaged with the one before; and the mean of each place: 4.
inline void add_seasonal_naive(const View& plain, int64_t season, Sink& sink) {
    const double* v = plain.v;
    const int64_t n = plain.n;
    if (season < 2 || n < 2 * season) return sink.skip(4);
    const double drift = mean_of(v + n - season, season) - mean_of(v + n - 2 * season, season);
    const auto before = [&](int64_t h, int64_t seasons) { return v[n - seasons * season + (h - 1) % season]; };
    sink.add(plain, [&](int64_t h) { return before(h, 1); });
    sink.add(plain, [&](int64_t h) { return before(h, 1) + drift * (double)((h - 1) / season + 1); });
    sink.add(plain, [&](int64_t h) { return (before(h, 1) + before(h, 2)) / 2; });
    sink.add(plain, [&](int64_t h) {
        double sum = 0;
        int64_t count = 0;
        for (int64_t t = n - season + (h - 1) % season; t >= 0; t -= season, ++count) sum += v[t];
        return sum / (double)count;
    });
}

// The same place of the longer season, also moved by how the level of a short season has changed since: 3.
inline void add_long_season(const View& plain, int64_t season, int64_t longer, Sink& sink) {
    const double* v = plain.v;
    const int64_t n = plain.n;
    if (longer < 2 || n < longer + season) return sink.skip(3);
    const double moved = mean_of(v + n - season, season) - mean_of(v + n - longer - season, season);
    const int64_t two = n >= 2 * longer ? 2 : 1;
    const auto before = [&](int64_t h, int64_t seasons) { return v[n - seasons * longer + (h - 1) % longer]; };
    sink.add(plain, [&](int64_t h) { return before(h, 1); });
    sink.add(plain, [&](int64_t h) { return before(h, 1) + moved; });
    sink.add(plain, [&](int64_t h) { return (before(h, 1) + before(h, two)) / 2; });
}

constexpr Gains winters_gains() {
    Gains gains = {};
    for (int e = 0; e < WINTERS; ++e) {
        const double level = WINTERS_ALPHAS[e % 3], of_season = WINTERS_GAMMAS[e / 3 % 3] * (1 - level);
        gains.set(e, level, level * WINTERS_BETAS[e / 9], WINTERS_PHI, of_season);
    }
    return gains;
}
constexpr Gains WINTERS_GAINS = winters_gains();

// Smoothings of level, damped trend and season (Winters 1960), each begun with the first two seasons, which the series
// has to have.
struct Winters {
    const double* v;
    int64_t season, reached;
    Smoothed all;
    double* seasons;  // [place][smoothing]

    Winters(const double* values, int64_t m, double* room) : v(values), season(m), reached(m), all(), seasons(room) {}
    bool can_begin(int64_t n) const { return season > 1 && n >= 2 * season + 2; }
    void begin() {
        const double first = mean_of(v, season), trend = (mean_of(v + season, season) - first) / (double)season;
        for (int e = 0; e < WINTERS; ++e) {
            all.rise[e] = WINTERS_GAINS.of_rise[e] > 0 ? WINTERS_PHI * trend : 0;
            all.expected[e] = first + all.rise[e];
        }
        for (int64_t place = 0; place < season; ++place)
            fill_with(v[place] - first, seasons + place * WINTERS_ROW, WINTERS_ROW);
    }
    void go_on(int64_t end) {
        smooth({&WINTERS_GAINS, WINTERS_ROW, v, reached, end, seasons, season}, all);
        reached = end;
    }
};

// The one that did best one step ahead: 1. Of logarithms it is the multiplicative one.
inline void add_winters(const View& view, Winters& winters, Sink& sink) {
    const int64_t n = view.n, season = winters.season;
    if (!winters.can_begin(n)) return sink.skip(1);
    winters.go_on(n);
    const int e = winters.all.best(0, WINTERS);
    const double level = winters.all.level(e), rise = winters.all.rise[e];
    int64_t place = n % season;
    double power = 1, sum = 0;
    sink.add(view, [&](int64_t) {
        sum += power, power *= WINTERS_PHI;
        const double now = winters.seasons[place * WINTERS_ROW + e];
        if (++place == season) place = 0;
        return level + rise * sum + now;
    });
}

}  // namespace
}  // namespace bank
