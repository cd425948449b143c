// Updates of the parameters, one pass over memory.
#pragma once

#include "kernels.h"
#include "simd.h"

namespace {

using gatecast::Optimizer;
using gatecast::UpdateTask;

inline double sum_of_squares(const float* values, int64_t count) {
    double sum = 0.0;
    for (int64_t at = 0; at < count; at += 1024) {
        const int64_t end = count - at < 1024 ? count : at + 1024;
        Vec part = zeros();
        int64_t i = at;
        for (; i + LANES <= end; i += LANES) {
            Vec value = load(values + i);
            part = multiply_add(value, value, part);
        }
        for (; i < end; ++i) sum += (double)values[i] * values[i];
        sum += sum_of(part);
    }
    return sum;
}

ALWAYS_INLINE Vec sgd(const UpdateTask& task, Vec value, Vec gradient, Vec& first) {
    gradient = multiply_add(value, broadcast(task.decay), gradient);
    first = task.begun ? multiply_add(first, broadcast(task.momentum), gradient) : gradient;
    return multiply_add(first, broadcast(-task.lr), value);
}

ALWAYS_INLINE Vec adam(const UpdateTask& task, Vec value, Vec gradient, Vec& first, Vec& second) {
    const float beta1 = 0.9f, beta2 = 0.999f, least = 1e-8f;
    if (task.kind == Optimizer::adamw) value = value * (1.0f - task.lr * task.decay);
    if (task.kind == Optimizer::adam) gradient = multiply_add(value, broadcast(task.decay), gradient);
    first = multiply_add(gradient - first, broadcast(1.0f - beta1), first);
    second = multiply_add(gradient * gradient, broadcast(1.0f - beta2), second * beta2);
    Vec spread = square_root(second) / broadcast(sqrtf(task.correction2)) + least;
    return value - first / spread * (task.lr / task.correction1);
}

ALWAYS_INLINE Vec updated(const UpdateTask& task, Vec value, Vec gradient, Vec& first, Vec& second) {
    gradient = gradient * task.shrink;
    return task.kind == Optimizer::sgd ? sgd(task, value, gradient, first) : adam(task, value, gradient, first, second);
}

inline void update_range(const UpdateTask& task) {
    const int64_t whole = task.count / LANES * LANES, rest = task.count - whole;
    for (int64_t at = 0; at < whole; at += LANES) {
        Vec first = load(task.first + at), second = load(task.second + at);
        store(task.values + at, updated(task, load(task.values + at), load(task.gradient + at), first, second));
        store(task.first + at, first);
        store(task.second + at, second);
    }
    if (!rest) return;
    Vec first = load_part(task.first + whole, rest), second = load_part(task.second + whole, rest);
    Vec value =
        updated(task, load_part(task.values + whole, rest), load_part(task.gradient + whole, rest), first, second);
    store_part(task.values + whole, value, rest);
    store_part(task.first + whole, first, rest);
    store_part(task.second + whole, second, rest);
}

}  // namespace
