// A series as the experts of the bank see it: as it is, without its season, or as logarithms without their season.
#pragma once

#include <math.h>
#include <stdint.h>

#include <algorithm>

namespace gatecast {

enum class Unit { PLAIN, SUM, PRODUCT, LOGARITHM };  // how a forecast comes back: f, f + s, f s, e^(f + s)

struct View {
    Unit unit;
    const double* v;        // (n)
    int64_t n, season;
    const double* seasons;  // (season) of each place in the cycle
    double ceiling;         // no forecast of a logarithm is higher

    // What a forecast f of h steps ahead, 1 .., is in the data's own unit.
    double back(double f, int64_t h) const {
        if (unit == Unit::PLAIN) return f;
        const double s = seasons[(n - 1 + h) % season];
        if (unit == Unit::SUM) return f + s;
        if (unit == Unit::PRODUCT) return f * s;
        return exp(std::min(f + s, ceiling));
    }
};

// Takes the forecasts of one expert after the other: H doubles each.
struct Sink {
    double* out;
    int64_t horizon;
    int64_t taken = 0;

    double* next() { return out + horizon * taken++; }
    void skip(int64_t experts) {
        for (int64_t k = 0; k < experts; ++k) std::fill_n(next(), horizon, NAN);
    }
    template <typename Forecast>
    void add(const View& view, const Forecast& forecast) {
        double* to = next();
        for (int64_t h = 1; h <= horizon; ++h) to[h - 1] = view.back(forecast(h), h);
    }
};

inline double mean_of(const double* x, int64_t n) {
    double sum = 0;
    for (int64_t t = 0; t < n; ++t) sum += x[t];
    return sum / (double)n;
}

// Centred moving average over a season, (n); at both ends the nearest one (Hyndman and Athanasopoulos 2021, 3.4).
inline void moving_average(const double* x, int64_t n, int64_t season, double* to) {
    const int64_t half = season / 2;
    const double ends = season % 2 ? 1.0 : 0.5;
    for (int64_t t = half; t < n - half; ++t) {
        double sum = ends * (x[t - half] + x[t + half]);
        for (int64_t i = t - half + 1; i < t + half; ++i) sum += x[i];
        to[t] = sum / (double)season;
    }
    for (int64_t t = 0; t < half; ++t) to[t] = to[half];
    for (int64_t t = n - half; t < n; ++t) to[t] = to[n - half - 1];
}

// Classical decomposition: seasons (m) that add up to 0, or are 1 on average where `product`. There are two seasons.
inline void classical_seasons(const double* x, int64_t n, int64_t season, bool product, double* average, double* to) {
    const int64_t half = season / 2;
    moving_average(x, n, season, average);
    double total = 0;
    for (int64_t place = 0; place < season; ++place) {
        double sum = 0;
        int64_t count = 0;
        for (int64_t t = place; t < n - half; t += season) {
            if (t < half) continue;
            sum += product ? x[t] / average[t] : x[t] - average[t];
            ++count;
        }
        to[place] = count ? sum / (double)count : (product ? 1.0 : 0.0);
        total += to[place];
    }
    for (int64_t place = 0; place < season; ++place) {
        if (product) to[place] = std::min(std::max(to[place] * (double)season / total, 0.05), 20.0);
        else to[place] -= total / (double)season;
    }
}

}  // namespace gatecast
