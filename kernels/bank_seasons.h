// Experts of the bank that know the season: seasonal naive ones and the smoothings of Holt and Winters.
#pragma once

#include <optional>

#include "bank_views.h"
#include "dispatch.h"

namespace gatecast {

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

inline const Gains& winters_gains() {
    static const Gains all = [] {
        Gains gains = {};
        for (int e = 0; e < WINTERS; ++e) {
            gains.level[e] = WINTERS_ALPHAS[e % 3], gains.phi[e] = WINTERS_PHI;
            gains.slope[e] = gains.level[e] * WINTERS_BETAS[e / 9];
            gains.season[e] = WINTERS_GAMMAS[e / 3 % 3] * (1 - gains.level[e]);
        }
        return gains;
    }();
    return all;
}

// Smoothings of level, damped trend and season (Winters 1960), each begun with the first two seasons.
struct Winters {
    const double* v;
    int64_t season, reached;
    Smoothed all;
    double* seasons;  // [place][smoothing]

    Winters(const double* values, int64_t m, double* room) : v(values), season(m), reached(m), all(), seasons(room) {
        const double first = mean_of(v, m), trend = (mean_of(v + m, m) - first) / (double)m;
        for (int e = 0; e < WINTERS; ++e) {
            all.level[e] = first;
            all.slope[e] = winters_gains().slope[e] > 0 ? trend : 0;
        }
        for (int64_t place = 0; place < m; ++place)
            std::fill_n(seasons + place * WINTERS_ROW, WINTERS_ROW, v[place] - first);
    }
    void go_on(int64_t end) {
        chosen().smooth({&winters_gains(), WINTERS_ROW, v, reached, end, seasons, season}, all);
        reached = end;
    }
};

// The one that did best one step ahead: 1. Of logarithms it is the multiplicative one. `winters` is not begun where the
// series is too short for it.
inline void add_winters(const View& view, int64_t season, std::optional<Winters>& winters, Sink& sink) {
    const int64_t n = view.n;
    if (season < 2 || n < 2 * season + 2) return sink.skip(1);
    winters->go_on(n);
    const Smoothed& all = winters->all;
    const int64_t e = std::min_element(all.squares, all.squares + WINTERS) - all.squares;
    int64_t place = n % season;
    double power = 1, sum = 0;
    sink.add(view, [&](int64_t) {
        power *= WINTERS_PHI, sum += power;
        const double now = winters->seasons[place * WINTERS_ROW + e];
        if (++place == season) place = 0;
        return all.level[e] + all.slope[e] * sum + now;
    });
}

}  // namespace gatecast
