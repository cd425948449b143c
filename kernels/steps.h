// The inner numbers of the step readout: 16 for each step of a line, whole vectors in every instruction set.
#pragma once

#include "activations.h"
#include "kernels.h"

namespace {

using gatecast::INNER;
using gatecast::StepsTask;

constexpr int INNER_VECTORS = (int)INNER / LANES;
static_assert(INNER % LANES == 0, "an inner number has no place");

// inner = tanh(state + sum_f future[f] weight[f])
inline void inner_of_steps(const StepsTask& task) {
    const float* future = task.future;   // (F) of one step
    float* inner = task.inner;           // (16) of one step
    for (int64_t line = 0; line < task.lines; ++line) {
        const float* state = task.state + line * task.state_row;
        for (int64_t h = 0; h < task.horizon; ++h, future += task.features, inner += INNER) {
            Vec sum[INNER_VECTORS];
            UNROLL for (int v = 0; v < INNER_VECTORS; ++v) sum[v] = load(state + v * LANES);
            for (int64_t f = 0; f < task.features; ++f) {
                Vec value = broadcast(future[f]);
                const float* weight = task.weight + f * INNER;
                UNROLL for (int v = 0; v < INNER_VECTORS; ++v)
                    sum[v] = multiply_add(value, load(weight + v * LANES), sum[v]);
            }
            UNROLL for (int v = 0; v < INNER_VECTORS; ++v) store(inner + v * LANES, tanh_of(sum[v]));
        }
    }
}

// Slopes of the inner numbers become those of what tanh was given; their sum over the steps is that of the state.
inline void inner_of_steps_back(const StepsTask& task) {
    const float* inner = task.inner;
    float* slope = task.slope;
    for (int64_t line = 0; line < task.lines; ++line) {
        Vec sum[INNER_VECTORS];
        UNROLL for (int v = 0; v < INNER_VECTORS; ++v) sum[v] = zeros();
        for (int64_t h = 0; h < task.horizon; ++h, inner += INNER, slope += INNER) {
            UNROLL for (int v = 0; v < INNER_VECTORS; ++v) {
                Vec value = load(inner + v * LANES);
                Vec before = load(slope + v * LANES) * (1.0f - value * value);
                store(slope + v * LANES, before);
                sum[v] += before;
            }
        }
        UNROLL for (int v = 0; v < INNER_VECTORS; ++v) store(task.state + line * task.state_row + v * LANES, sum[v]);
    }
}

}  // namespace
