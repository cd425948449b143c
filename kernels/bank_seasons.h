// Experts of the bank that know the season: seasonal naive ones and the smoothings of Holt and Winters.
#pragma once

#include "bank_views.h"

namespace gatecast {

constexpr double WINTERS_ALPHAS[] = {0.1, 0.3, 0.6}, WINTERS_GAMMAS[] = {0.05, 0.2, 0.5}, WINTERS_BETAS[] = {0.0, 0.1};
constexpr double WINTERS_PHI = 0.95;
constexpr int WINTERS = 18;

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

// The smoothing of level, damped trend and season (Winters 1960) that did best one step ahead, of 18: 1.
// `room` holds 18 (m + 4) doubles. Of logarithms it is the multiplicative one.
inline void add_winters(const View& view, int64_t season, double* room, Sink& sink) {
    const double* v = view.v;
    const int64_t n = view.n;
    if (season < 2 || n < 2 * season + 2) return sink.skip(1);
    double *level = room, *slope = room + WINTERS, *squares = room + 2 * WINTERS, *seasons = room + 3 * WINTERS;
    const double first = mean_of(v, season), trend = (mean_of(v + season, season) - first) / (double)season;
    double alpha[WINTERS], beta[WINTERS], gain[WINTERS];
    for (int e = 0; e < WINTERS; ++e) {
        alpha[e] = WINTERS_ALPHAS[e % 3], beta[e] = WINTERS_BETAS[e / 9];
        gain[e] = WINTERS_GAMMAS[e / 3 % 3] * (1 - alpha[e]);
        level[e] = first, slope[e] = beta[e] > 0 ? trend : 0, squares[e] = 0;
        for (int64_t place = 0; place < season; ++place) seasons[place * WINTERS + e] = v[place] - first;
    }
    for (int64_t t = season; t < n; ++t) {
        double* now = seasons + t % season * WINTERS;
        for (int e = 0; e < WINTERS; ++e) {
            const double rise = WINTERS_PHI * slope[e], error = v[t] - level[e] - rise - now[e];
            level[e] += rise + alpha[e] * error;
            slope[e] = rise + alpha[e] * beta[e] * error;
            now[e] += gain[e] * error;
            squares[e] += error * error;
        }
    }
    const int e = (int)(std::min_element(squares, squares + WINTERS) - squares);
    sink.add(view, [&](int64_t h) {
        const double rise = slope[e] * WINTERS_PHI * (1 - pow(WINTERS_PHI, (double)h)) / (1 - WINTERS_PHI);
        return level[e] + rise + seasons[(n - 1 + h) % season * WINTERS + e];
    });
}

}  // namespace gatecast
