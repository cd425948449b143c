// The layers of the pretrained gate above its LSTM, for all steps ahead of one series; gatecast/pretrained/gate.py has
// the same in torch, which it is trained by.
#pragma once

#include "activations.h"
#include "products.h"

namespace {

using gatecast::GateTask;

constexpr float OUT_OF_QUESTION = -1e4f;

// log(1 + e^x), above 0 for every x that a float's exponential can tell
ALWAYS_INLINE Vec softplus_of(Vec x) {
    const Vec u = exp_of(zeros() - magnitude(x)), y = u + 1.0f;
    const Vec small = log_of(y) + divided(u - (y - 1.0f), y);
    return where_negative(x, zeros(), x) + small;
}

// x times the share of a normal distribution below it; the error function by formula 7.1.26 of Abramowitz and Stegun
ALWAYS_INLINE Vec gelu_of(Vec x) {
    const Vec size = magnitude(x) * 0.70710678f;
    const Vec t = divided(broadcast(1.0f), multiply_add(size, broadcast(0.3275911f), broadcast(1.0f)));
    Vec p = broadcast(1.061405429f);
    p = multiply_add(p, t, broadcast(-1.453152027f));
    p = multiply_add(p, t, broadcast(1.421413741f));
    p = multiply_add(p, t, broadcast(-0.284496736f));
    p = multiply_add(p, t, broadcast(0.254829592f)) * t;
    const Vec rest = p * exp_of(zeros() - size * size) * 0.5f;  // of the farther side
    return x * where_negative(x, rest, 1.0f - rest);
}

template <typename Each>
ALWAYS_INLINE void in_place(float* values, int64_t count, const Each& each) {  // whole vectors
    for (int64_t at = 0; at < count; at += LANES) store(values + at, each(load(values + at)));
}

inline void dense_lines(const GateTask& task, Stretch first, Stretch second, const float* packed, float* out,
                        int64_t outputs, bool add) {
    const Stretch stretches[2] = {first, second};
    const int count = second.length ? 2 : 1;
    dense_panels(task.horizon, stretches, count, true, packed, out, padded(outputs, LANES), outputs, add);
}

// Softmax over the experts that can say something; gives how far they are apart: mean and mean distance from it.
struct Judged {
    float mean, apart;
};
inline Judged judge(int64_t experts, const float* forecast, const float* usable, float* logits) {
    Vec highest = broadcast(OUT_OF_QUESTION);
    for (int64_t k = 0; k < experts; k += LANES) {
        const Vec logit = load(logits + k) + (1.0f - load(usable + k)) * OUT_OF_QUESTION;
        store(logits + k, logit);
        highest = where_negative(highest - logit, logit, highest);
    }
    float most = highest[0];
    for (int lane = 1; lane < LANES; ++lane) most = highest[lane] > most ? highest[lane] : most;
    Vec total = zeros(), mean = zeros(), apart = zeros();
    for (int64_t k = 0; k < experts; k += LANES) {
        const Vec weight = exp_of(load(logits + k) - most) * load(usable + k);
        store(logits + k, weight);
        total += weight;
        mean = multiply_add(weight, load(forecast + k), mean);
    }
    const float share = 1.0f / sum_of(total), middle = sum_of(mean) * share;
    for (int64_t k = 0; k < experts; k += LANES) {
        const Vec weight = load(logits + k) * share;
        store(logits + k, weight);
        apart = multiply_add(weight, magnitude(load(forecast + k) - middle), apart);
    }
    return {middle, sum_of(apart)};
}

// Rising quantiles from a move of the median, a common width and a distance for each gap between two levels.
inline void put_quantiles(const GateTask& task, Judged judged, const float* shape, float* to) {
    const int64_t gaps = task.levels - 1, wide = padded(2 + gaps, LANES);
    float distance[4 * LANES];
    for (int64_t at = 0; at < wide; at += LANES) store(distance + at, softplus_of(load(shape + at)));
    const float unit = judged.apart + task.least_spread, median = judged.mean + shape[0] * unit;
    const float width = unit * exp_of(clamp(broadcast(shape[1]), 5.0f))[0];
    float below = 0.0f, above = 0.0f;
    to[task.middle] = median;
    for (int64_t q = task.middle - 1; q >= 0; --q) to[q] = median - (below += distance[2 + q] * width);
    for (int64_t q = task.middle; q < gaps; ++q) to[q + 1] = median + (above += distance[2 + q] * width);
}

// Where the numbers of one series lie in the work space; every row is a whole number of vectors.
struct GateRoom {
    int64_t experts, mixing, shape;
    float *forecast, *usable, *given, *mixed, *again, *logits, *shapes;

    explicit GateRoom(const GateTask& task)
        : experts(padded(task.experts, LANES)), mixing(padded(task.mixing, LANES)),
          shape(padded(task.levels + 1, LANES)) {
        float* next = task.room;
        const auto take = [&](int64_t row) { return (next += task.horizon * row) - task.horizon * row; };
        forecast = take(experts), usable = take(experts), given = take(experts), logits = take(experts);
        mixed = take(mixing), again = take(mixing), shapes = take(shape);
    }
};

// What the experts forecast, and which of them can: 1 or 0.
inline void read_forecasts(const GateTask& task, const GateRoom& room) {
    for (int64_t h = 0; h < task.horizon; ++h) {
        const float* from = task.forecast + h * task.experts;
        float *forecast = room.forecast + h * room.experts, *usable = room.usable + h * room.experts;
        for (int64_t k = 0; k < room.experts; ++k) {
            const bool there = k < task.experts && !isnan(from[k]);
            forecast[k] = there ? from[k] : 0.0f;
            usable[k] = there ? 1.0f : 0.0f;
        }
        for (int64_t k = 0; k < room.experts; k += LANES)
            store(room.given + h * room.experts + k, asinh_of(load(forecast + k)));
    }
}

void gate_lines(const GateTask& task) {
    const GateRoom room(task);
    const int64_t lines = task.horizon;
    const Stretch none = {nullptr, 0, 0}, ahead = {task.ahead, task.ahead_row, task.ahead_row};
    read_forecasts(task, room);
    for (int64_t h = 0; h < lines; ++h) memcpy(room.mixed + h * room.mixing, task.series, room.mixing * sizeof(float));
    dense_lines(task, {room.given, room.experts, task.experts}, ahead, task.step, room.mixed, task.mixing, true);
    in_place(room.mixed, lines * room.mixing, [](Vec x) { return gelu_of(x); });
    dense_lines(task, {room.mixed, room.mixing, task.mixing}, none, task.mix, room.again, task.mixing, false);
    in_place(room.again, lines * room.mixing, [](Vec x) { return gelu_of(x); });
    const Stretch mixed = {room.again, room.mixing, task.mixing};
    memset(room.logits, 0, lines * room.experts * sizeof(float));  // there are none beside the experts
    dense_lines(task, mixed, none, task.logits, room.logits, task.experts, false);
    dense_lines(task, mixed, none, task.shape, room.shapes, task.levels + 1, false);
    for (int64_t h = 0; h < lines; ++h) {
        float* weights = room.logits + h * room.experts;
        const int64_t at = h * room.experts;
        const Judged judged = judge(room.experts, room.forecast + at, room.usable + at, weights);
        put_quantiles(task, judged, room.shapes + h * room.shape, task.quantiles + h * task.levels);
        memcpy(task.weights + h * task.experts, weights, task.experts * sizeof(float));
    }
}

}  // namespace
