// Pointwise losses and the pinball loss of quantiles that cannot cross, each with its gradient in the same pass.
#pragma once

#include "activations.h"
#include "kernels.h"

namespace {

using gatecast::Loss;
using gatecast::LossTask;

constexpr int64_t MOST_LEVELS = 64;
constexpr float SIDE_WEIGHT = 0.1f;   // of every level but the middle one, as in QuantileHead

// log(1 + e^x) = max(x, 0) + log(1 + z), z = e^-|x|; log(1 + z) = 2 artanh(s), s = z / (2 + z) <= 1/3, as a series
ALWAYS_INLINE Vec softplus(Vec x) {
    Vec z = exp_of(zeros() - magnitude(x));
    Vec s = z / (z + 2.0f);
    Vec s2 = s * s;
    Vec series = broadcast(2.0f / 15.0f);
    for (int k = 13; k >= 1; k -= 2) series = multiply_add(series, s2, broadcast(2.0f / (float)k));
    return multiply_add(s, series, where_negative(x, zeros(), x));
}

struct Pull {
    Vec loss, slope;   // of one output; the slope is that in the output
};

ALWAYS_INLINE Pull pinball(Vec error, float level) {
    Vec slope = where_negative(error, broadcast(1.0f - level), broadcast(-level));
    return Pull{zeros() - error * slope, slope};
}

ALWAYS_INLINE Pull pointwise(Loss kind, Vec difference) {   // forecast minus truth
    Vec size = magnitude(difference);
    Vec sign =
        where_negative(difference, broadcast(-1.0f), where_negative(zeros() - difference, broadcast(1.0f), zeros()));
    if (kind == Loss::mse) return Pull{difference * difference, difference + difference};
    if (kind == Loss::mae) return Pull{size, sign};
    Vec outside = broadcast(1.0f) - size;   // Huber 1964 with delta 1
    return Pull{where_negative(outside, size - 0.5f, difference * difference * 0.5f),
                where_negative(outside, sign, difference)};
}

// Outputs on one side of the location, from the inside out; a step moves its own output and all beyond it.
ALWAYS_INLINE Vec pinball_side(const LossTask& task, int64_t at, Vec error, int64_t first, int64_t count, float sign,
                               Vec factor, Vec& pulls) {
    Vec slope[MOST_LEVELS];
    Vec loss = zeros(), away = error;
    for (int64_t place = 0; place < count; ++place) {
        const int64_t level = sign > 0 ? task.middle - 1 - place : task.middle + 1 + place;
        away = multiply_add(softplus(load(task.raw + (first + place) * task.plane + at)), broadcast(sign), away);
        Pull pull = pinball(away, task.levels[level]);
        loss += pull.loss * SIDE_WEIGHT;
        slope[place] = pull.slope * SIDE_WEIGHT;
    }
    Vec beyond = zeros();
    for (int64_t place = count - 1; place >= 0; --place) {
        const int64_t plane = (first + place) * task.plane + at;
        beyond += slope[place];
        store(task.gradient + plane, beyond * broadcast(-sign) * sigmoid(load(task.raw + plane)) * factor);
    }
    pulls += beyond;
    return loss;
}

ALWAYS_INLINE Vec one_vector(const LossTask& task, int64_t at, Vec target, Vec weight, Vec& size) {
    Vec location = load(task.raw + at);
    Vec factor = weight * task.scale;
    size = magnitude(location - target);
    if (task.kind != Loss::pinball) {
        Pull pull = pointwise(task.kind, location - target);
        store(task.gradient + at, pull.slope * factor);
        return pull.loss;
    }
    const float share = 1.0f / (1.0f + SIDE_WEIGHT * (float)(task.raws - 1));
    Vec error = target - location;
    Pull pull = pinball(error, task.levels[task.middle]);
    Vec pulls = pull.slope, loss = pull.loss;
    factor = factor * share;
    loss += pinball_side(task, at, error, 1, task.middle, 1.0f, factor, pulls);
    loss += pinball_side(task, at, error, 1 + task.middle, task.raws - 1 - task.middle, -1.0f, factor, pulls);
    store(task.gradient + at, pulls * factor);
    return loss * share;
}

inline void loss_and_gradient(LossTask& task) {
    task.loss = task.error = 0.0;
    for (int64_t at = 0; at < task.count; at += LANES) {
        const int64_t left = task.count - at;
        const bool whole = left >= LANES;
        Vec target = whole ? load(task.target + at) : load_part(task.target + at, left);
        Vec weight = broadcast(1.0f);
        if (task.weight) {
            weight = whole ? load(task.weight + at) : load_part(task.weight + at, left);
        } else if (!whole) {
            float some[LANES] = {0};
            for (int64_t i = 0; i < left; ++i) some[i] = 1.0f;
            weight = load(some);
        }
        Vec size, loss = one_vector(task, at, target, weight, size);
        task.loss += sum_of(loss * weight);
        task.error += sum_of(size * weight);
    }
}

}  // namespace
