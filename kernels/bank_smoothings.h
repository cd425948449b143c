// Where the bank of simple forecasts spends its time: smoothings of one series with many gains, and sums of products.
#pragma once

#include "doubles.h"

namespace bank {
namespace {

constexpr int MOST_GAINS = 48;  // whole blocks of three vectors, of every instruction set; so is any smaller number

// Of smoothings side by side. With level l, slope b and damping phi, the next value is expected to be l + phi b:
//     error = v - level - phi slope - season;  level += phi slope + a error, slope = phi slope + b error
// What is expected, e, and the rise in it, r = phi slope, need two operations from one step to the next, not four:
//     error = v - e - season;  e += phi r + (a + phi b) error, r = phi r + phi b error, season += c error
struct Gains {
    double of_expected[MOST_GAINS], of_rise[MOST_GAINS], of_season[MOST_GAINS], phi[MOST_GAINS];

    constexpr void set(int place, double level, double slope, double damping, double season = 0) {
        phi[place] = damping, of_rise[place] = damping * slope, of_season[place] = season;
        of_expected[place] = level + of_rise[place];
    }
};
struct Smoothed {
    double expected[MOST_GAINS], rise[MOST_GAINS], squares[MOST_GAINS];  // squared errors one step ahead, added up

    double level(int place) const { return expected[place] - rise[place]; }
    int best(int first, int count) const {
        int place = first;
        for (int e = first + 1; e < first + count; ++e)
            if (squares[e] < squares[place]) place = e;
        return place;
    }
};
struct SmoothTask {
    const Gains* gains;
    int count;                    // smoothings, a multiple of 24
    const double* values;
    int64_t begin, end;           // steps to go on over
    double* seasons;              // [place][count]; null = without a season
    int64_t season;
};

// Vectors of smoothings side by side: each step waits for the one before it, so many at once; what is kept of them
// stays in registers.
constexpr int GAINS_AT_ONCE = 3, MORE_AT_ONCE = LANES == 16 ? 6 : 3;

template <bool SEASONAL, int VECTORS>
void smooth_some(const SmoothTask& task, int first, Smoothed& to) {
    const Gains& gains = *task.gains;
    Wide expected[VECTORS], rise[VECTORS], squares[VECTORS];
    UNROLL for (int i = 0; i < VECTORS; ++i) {
        const int at = first + i * WIDE;
        expected[i] = load(to.expected + at), rise[i] = load(to.rise + at), squares[i] = load(to.squares + at);
    }
    int64_t place = SEASONAL ? task.begin % task.season : 0;
    for (int64_t t = task.begin; t < task.end; ++t) {
        const Wide value = wide(task.values[t]);
        UNROLL for (int i = 0; i < VECTORS; ++i) {
            const int at = first + i * WIDE;
            Wide error;
            if (SEASONAL) {
                double* season = task.seasons + place * task.count + at;
                const Wide before = load(season);
                error = (value - before) - expected[i];
                store(season, multiply_add(load(gains.of_season + at), error, before));
            } else {
                error = value - expected[i];
            }
            const Wide damped = load(gains.phi + at) * rise[i];
            expected[i] = multiply_add(load(gains.of_expected + at), error, expected[i] + damped);
            rise[i] = multiply_add(load(gains.of_rise + at), error, damped);
            squares[i] = multiply_add(error, error, squares[i]);
        }
        if (SEASONAL && ++place == task.season) place = 0;
    }
    UNROLL for (int i = 0; i < VECTORS; ++i) {
        const int at = first + i * WIDE;
        store(to.expected + at, expected[i]), store(to.rise + at, rise[i]), store(to.squares + at, squares[i]);
    }
}

template <bool SEASONAL>
void smooth_all(const SmoothTask& task, Smoothed& to) {
    int first = 0;
    for (; first + MORE_AT_ONCE * WIDE <= task.count; first += MORE_AT_ONCE * WIDE)
        smooth_some<SEASONAL, MORE_AT_ONCE>(task, first, to);
    for (; first < task.count; first += GAINS_AT_ONCE * WIDE) smooth_some<SEASONAL, GAINS_AT_ONCE>(task, first, to);
}

void smooth(const SmoothTask& task, Smoothed& to) {
    if (task.seasons) smooth_all<true>(task, to);
    else smooth_all<false>(task, to);
}

double product(const double* a, const double* b, int64_t count) {
    Wide sums[4] = {wide(0.0), wide(0.0), wide(0.0), wide(0.0)};  // additions that do not wait for each other
    int64_t t = 0;
    for (; t + 4 * WIDE <= count; t += 4 * WIDE)
        UNROLL for (int i = 0; i < 4; ++i)
            sums[i] = multiply_add(load(a + t + i * WIDE), load(b + t + i * WIDE), sums[i]);
    for (; t + WIDE <= count; t += WIDE) sums[0] = multiply_add(load(a + t), load(b + t), sums[0]);
    double sum = sum_of((sums[0] + sums[1]) + (sums[2] + sums[3]));
    for (; t < count; ++t) sum += a[t] * b[t];
    return sum;
}

// The mean of |a - b|.
double mean_distance(const double* a, const double* b, int64_t count) {
    Wide sums = wide(0.0);
    int64_t t = 0;
    for (; t + WIDE <= count; t += WIDE) sums = sums + magnitude(load(a + t) - load(b + t));
    double sum = sum_of(sums);
    for (; t < count; ++t) sum += fabs(a[t] - b[t]);
    return sum / (double)count;
}

}  // namespace
}  // namespace bank
