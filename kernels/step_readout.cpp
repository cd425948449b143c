#include "step_readout.h"

#include <string.h>

namespace gatecast {

namespace {

const int64_t BLOCK_STEPS = 256;   // steps of some lines whose outputs stay in the nearest cache

}  // namespace

StepReadout::StepReadout(const StepShape& shape, const Kernels& kernels) : shape_(shape), kernels_(kernels) {
    if (!used()) return;
    future_pack_ = Block(shape.features * INNER);
    out_pack_ = Block(dense_pack_size(INNER, outputs(), kernels.lanes));
    out_back_ = Block(dense_pack_size(outputs(), INNER, kernels.lanes));
}

int64_t StepReadout::block_lines() const { return shape_.horizon < BLOCK_STEPS ? BLOCK_STEPS / shape_.horizon : 1; }

void StepReadout::pack(const float* from_future, const float* out) {
    if (!used()) return;
    for (int64_t f = 0; f < shape_.features; ++f)
        for (int64_t i = 0; i < INNER; ++i) future_pack_.data()[f * INNER + i] = from_future[i * shape_.features + f];
    kernels_.pack_dense({out, INNER, 1, outputs(), INNER, nullptr}, out_pack_.data());
    kernels_.pack_dense({out, 1, INNER, INNER, outputs(), nullptr}, out_back_.data());
}

// Calls each(first line, lines) for blocks of lines.
template <typename Each>
void StepReadout::each_block(const StepDesk& desk, const Each& each) const {
    const int64_t most = block_lines();
    for (int64_t first = 0; first < desk.lines; first += most)
        each(first, desk.lines - first < most ? desk.lines - first : most);
}

// Calls each(number of a plane, number of a row) for the outputs of some lines: planes hold (line, h, c) for each raw
// number, rows hold (c, r) for each step.
template <typename Each>
void StepReadout::each_output(const StepDesk& desk, int64_t first, int64_t lines, const Each& each) const {
    const int64_t H = shape_.horizon, C = shape_.targets, R = shape_.raws;
    float* place = desk.planes + first * H * C;
    float* row = desk.room;
    for (int64_t step = 0; step < lines * H; ++step, row += out_row())
        for (int64_t c = 0; c < C; ++c, ++place)
            for (int64_t r = 0; r < R; ++r) each(place[r * desk.plane], row[c * R + r]);
}

StepsTask StepReadout::task(const StepDesk& desk, int64_t first, int64_t lines) const {
    StepsTask task = {};
    task.lines = lines;
    task.horizon = shape_.horizon;
    task.features = shape_.features;
    task.state = desk.state + first * desk.state_row;
    task.state_row = desk.state_row;
    task.future = desk.future + first * future_row();
    task.weight = future_pack_.data();
    task.inner = desk.inner + first * shape_.horizon * INNER;
    task.slope = desk.room + block_lines() * shape_.horizon * out_row();
    return task;
}

void StepReadout::forward(const StepDesk& desk) const {
    if (!used()) return;
    each_block(desk, [&](int64_t first, int64_t lines) {
        const StepsTask block = task(desk, first, lines);
        const int64_t steps = lines * shape_.horizon;
        kernels_.inner_of_steps(block);
        // the padding too: whole vectors are stored faster than parts
        kernels_.dense({steps, out_row(), one_piece(block.inner, INNER, INNER), out_pack_.data(), desk.room,
                        (ptrdiff_t)out_row(), false});
        each_output(desk, first, lines, [](float& raw, float added) { raw += added; });
    });
}

void StepReadout::backward(const StepDesk& desk, float* sums) const {
    if (!used()) return;
    float* future_sum = sums + outputs() * INNER;   // [C * R][16], then [F][16]
    each_block(desk, [&](int64_t first, int64_t lines) {
        const StepsTask block = task(desk, first, lines);
        const int64_t steps = lines * shape_.horizon;
        each_output(desk, first, lines, [](float slope, float& to) { to = slope; });
        kernels_.outer({steps, outputs(), INNER, desk.room, (ptrdiff_t)out_row(), block.inner, (ptrdiff_t)INNER, sums,
                        (ptrdiff_t)INNER});
        kernels_.dense({steps, INNER, one_piece(desk.room, out_row(), outputs()), out_back_.data(), block.slope,
                        (ptrdiff_t)INNER, false});
        kernels_.inner_of_steps_back(block);
        kernels_.outer({steps, shape_.features, INNER, block.future, (ptrdiff_t)shape_.features, block.slope,
                        (ptrdiff_t)INNER, future_sum, (ptrdiff_t)INNER});
    });
}

void StepReadout::put_gradients(const float* sums, float* from_future, float* out) const {
    if (!used()) return;
    memcpy(out, sums, (size_t)(outputs() * INNER) * sizeof(float));
    const float* future_sum = sums + outputs() * INNER;
    for (int64_t f = 0; f < shape_.features; ++f)
        for (int64_t i = 0; i < INNER; ++i) from_future[i * shape_.features + f] = future_sum[f * INNER + i];
}

}  // namespace gatecast
