// The two loops in which the bank of simple forecasts spends its time: smoothings with many gains, sums of products.
#pragma once

#include "doubles.h"
#include "kernels.h"

namespace {

// Vectors of smoothings side by side: each step waits for the one before it, so many at once; what is kept of them
// stays in registers.
constexpr int GAINS_AT_ONCE = 3, MORE_AT_ONCE = LANES == 16 ? 6 : 3;

// error = v - level - phi slope - season;  level += phi slope + a error, slope = phi slope + b error, season += c error
template <bool SEASONAL, int VECTORS>
void smooth_some(const gatecast::SmoothTask& task, int64_t first, gatecast::Smoothed& to) {
    Wide level[VECTORS], slope[VECTORS], squares[VECTORS];
    UNROLL for (int i = 0; i < VECTORS; ++i) {
        const int64_t at = first + i * WIDE;
        level[i] = load(to.level + at), slope[i] = load(to.slope + at), squares[i] = load(to.squares + at);
    }
    int64_t place = SEASONAL ? task.begin % task.season : 0;
    for (int64_t t = task.begin; t < task.end; ++t) {
        const Wide value = wide(task.values[t]);
        UNROLL for (int i = 0; i < VECTORS; ++i) {
            const int64_t at = first + i * WIDE;
            const Wide rise = load(task.gains->phi + at) * slope[i], expected = level[i] + rise;
            Wide error = value - expected;
            if (SEASONAL) {
                double* season = task.seasons + place * task.count + at;
                const Wide before = load(season);
                error = error - before;
                store(season, multiply_add(load(task.gains->season + at), error, before));
            }
            level[i] = multiply_add(load(task.gains->level + at), error, expected);
            slope[i] = multiply_add(load(task.gains->slope + at), error, rise);
            squares[i] = multiply_add(error, error, squares[i]);
        }
        if (SEASONAL && ++place == task.season) place = 0;
    }
    UNROLL for (int i = 0; i < VECTORS; ++i) {
        const int64_t at = first + i * WIDE;
        store(to.level + at, level[i]), store(to.slope + at, slope[i]), store(to.squares + at, squares[i]);
    }
}

template <bool SEASONAL>
void smooth_all(const gatecast::SmoothTask& task, gatecast::Smoothed& to) {
    int64_t first = 0;
    for (; first + MORE_AT_ONCE * WIDE <= task.count; first += MORE_AT_ONCE * WIDE)
        smooth_some<SEASONAL, MORE_AT_ONCE>(task, first, to);
    for (; first < task.count; first += GAINS_AT_ONCE * WIDE) smooth_some<SEASONAL, GAINS_AT_ONCE>(task, first, to);
}

void smooth(const gatecast::SmoothTask& task, gatecast::Smoothed& to) {
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

}  // namespace
