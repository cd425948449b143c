// A series as the experts of the bank see it: as it is, without its season, or as logarithms without their season.
#pragma once

#include "doubles.h"

namespace bank {
namespace {

ALWAYS_INLINE double lower(double a, double b) { return b < a ? b : a; }
ALWAYS_INLINE double higher(double a, double b) { return a < b ? b : a; }
ALWAYS_INLINE int64_t lower(int64_t a, int64_t b) { return b < a ? b : a; }
ALWAYS_INLINE int64_t higher(int64_t a, int64_t b) { return a < b ? b : a; }
ALWAYS_INLINE void fill_with(double value, double* to, int64_t count) {
    for (int64_t i = 0; i < count; ++i) to[i] = value;
}

constexpr double LEAST = 1e-140;  // a size of numbers that are all 0: its square is still above 0

struct Series {
    int64_t n, season, long_season;
    bool positive;
    double size, step;  // mean absolute value, and change from step to step: the unit, above 0

    bool seasonal() const { return season > 1 && n >= 2 * season + 1; }
};

enum class Unit { PLAIN, SUM, PRODUCT, LOGARITHM };  // how a forecast comes back: f, f + s, f s, e^(f + s)

struct View {
    Unit unit;
    const double* v;        // (n)
    int64_t n, season;
    const double* seasons;  // (season) of each place in the cycle
    double ceiling;         // no forecast of a logarithm is higher

    // What the forecasts of the steps after the end are in the data's own unit, in their place.
    void restore(double* forecast, int64_t horizon) const {
        if (unit == Unit::PLAIN) return;
        int64_t place = n % season;
        for (int64_t h = 0; h < horizon; ++h) {
            const double s = seasons[place];
            forecast[h] = unit == Unit::PRODUCT ? forecast[h] * s : forecast[h] + s;
            if (++place == season) place = 0;
        }
        if (unit != Unit::LOGARITHM) return;
        for (int64_t h = 0; h < horizon; h += WIDE) {
            double some[WIDE] = {0};
            const int64_t count = lower(horizon - h, (int64_t)WIDE);
            for (int64_t i = 0; i < count; ++i) some[i] = lower(forecast[h + i], ceiling);
            store(some, exp_of(load(some)));
            for (int64_t i = 0; i < count; ++i) forecast[h + i] = some[i];
        }
    }
};

// Takes the forecasts of one expert after the other: H doubles each.
struct Sink {
    double* out;
    int64_t horizon;
    int64_t taken = 0;

    double* next() { return out + horizon * taken++; }
    void skip(int64_t experts) {
        for (int64_t k = 0; k < experts; ++k) fill_with(NAN, next(), horizon);
    }
    // The forecast is asked for the steps 1 .. H ahead, in this order.
    template <typename Forecast>
    void add(const View& view, const Forecast& forecast) {
        double* to = next();
        for (int64_t h = 1; h <= horizon; ++h) to[h - 1] = forecast(h);
        view.restore(to, horizon);
    }
};

// Additions that do not wait for each other.
inline double sum_of_all(const double* x, int64_t n) {
    double part[8] = {0};
    int64_t t = 0;
    for (; t + 8 <= n; t += 8)
        for (int i = 0; i < 8; ++i) part[i] += x[t + i];
    for (int i = 0; t < n; ++t, ++i) part[i] += x[t];
    return ((part[0] + part[4]) + (part[1] + part[5])) + ((part[2] + part[6]) + (part[3] + part[7]));
}

inline double mean_of(const double* x, int64_t n) { return sum_of_all(x, n) / (double)n; }

// Centred moving average over a season (Hyndman and Athanasopoulos 2021, 3.4); the ends, half a season each, have none.
// Sums of 1, 2, 4, .. steps make up that of a season. `room` holds n doubles.
inline void moving_average(const double* x, int64_t n, int64_t season, double* room, double* to) {
    const int64_t half = season / 2, count = n - 2 * half, between = 2 * half - 1;
    const double ends = season % 2 ? 1.0 : 0.5;
    double* inner = to + half;
    for (int64_t t = 0; t < count; ++t) inner[t] = ends * (x[t] + x[t + 2 * half]);
    memcpy(room, x, (size_t)n * sizeof(double));
    for (int64_t width = 1, begin = 1; width <= between; width *= 2) {
        if (between & width) {
            for (int64_t t = 0; t < count; ++t) inner[t] += room[t + begin];
            begin += width;
        }
        for (int64_t t = 0; t + 2 * width <= n; ++t) room[t] += room[t + width];
    }
    for (int64_t t = 0; t < count; ++t) inner[t] /= (double)season;
}

// Classical decomposition: the seasons add up to 0, or are 1 on average where `product`. What a step is beside the
// moving average hangs on half a season before and after it, so it is worked out once for all ends of what is known;
// the sums of the places in the cycle go on from one end to the next.
class Decomposition {
public:
    static int64_t room_size(int64_t n, int64_t season) { return 2 * n + 2 * season; }

    Decomposition(const double* x, int64_t n, int64_t season, bool product, double* room)
        : season_(season), half_(season / 2), reached_(half_), product_(product), sums_(room), counts_(room + season),
          beside_(room + 2 * season) {
        fill_with(0.0, room, 2 * season);
        if (season < 2 || n < 2 * season) return;
        moving_average(x, n, season, beside_ + n, beside_);
        for (int64_t t = half_; t < n - half_; ++t) beside_[t] = product ? x[t] / beside_[t] : x[t] - beside_[t];
    }

    // (m) of the first n steps, two seasons at least; n does not fall.
    void seasons(int64_t n, double* to) {
        int64_t place = reached_ % season_;
        for (; reached_ < n - half_; ++reached_) {
            sums_[place] += beside_[reached_], counts_[place] += 1;
            if (++place == season_) place = 0;
        }
        double total = 0;
        for (int64_t i = 0; i < season_; ++i) total += to[i] = sums_[i] / counts_[i];
        for (int64_t i = 0; i < season_; ++i) {
            if (product_) to[i] = lower(higher(to[i] * (double)season_ / total, 0.05), 20.0);
            else to[i] -= total / (double)season_;
        }
    }

private:
    int64_t season_, half_, reached_;
    bool product_;
    double *sums_, *counts_, *beside_;
};

// The series without its season, as a product or a sum.
inline void without_season(const double* x, int64_t n, int64_t season, const double* seasons, bool product,
                           double* to) {
    for (int64_t begin = 0; begin < n; begin += season) {
        const int64_t count = lower(season, n - begin);
        for (int64_t i = 0; i < count; ++i)
            to[begin + i] = product ? x[begin + i] / seasons[i] : x[begin + i] - seasons[i];
    }
}

}  // namespace
}  // namespace bank
