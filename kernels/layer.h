// All time steps of one layer in one direction, for one thread's rows; no step waits for another thread.
#pragma once

#include "tiles.h"

namespace {

using gatecast::BackwardTask;
using gatecast::ForwardTask;

// Where the states of a task lie, and which rows are there at each step.
struct Course {
    const ForwardTask& task;
    int64_t Dp;

    explicit Course(const ForwardTask& of) : task(of), Dp(padded(of.units, LANES)) {}

    int64_t time(int64_t step) const { return task.reverse ? task.steps - 1 - step : step; }
    float* hidden(int64_t slot) const { return task.hidden + slot % task.hidden_slots * task.rows * Dp; }
    float* cell(int64_t slot) const { return task.cell + slot % task.cell_slots * task.rows * Dp; }
    float* gates(int64_t step) const { return task.gates ? task.gates + step * task.rows * 4 * Dp : nullptr; }

    // rows whose sequence covers the time of this step: lengths fall
    int64_t active(int64_t step) const {
        if (!task.lengths) return task.rows;
        int64_t count = task.rows, t = time(step);
        while (count > 0 && task.lengths[count - 1] <= t) --count;
        return count;
    }

    int input(int64_t step, Stretch* stretches) const {
        const gatecast::Input& in = task.input;
        for (int p = 0; p < in.pieces; ++p)
            stretches[p] = Stretch{in.base[p] + time(step) * in.step[p], in.row[p], in.width[p]};
        return in.pieces;
    }

    int64_t features() const { return task.input.width[0] + (task.input.pieces > 1 ? task.input.width[1] : 0); }
};

// (n, D) from outside into rows [from, to) of a padded state; null = zeros
inline void load_state(float* state, const float* given, int64_t from, int64_t to, int64_t units, int64_t Dp) {
    for (int64_t r = from; r < to; ++r) {
        float* row = state + r * Dp;
        memset(row, 0, (size_t)Dp * sizeof(float));
        if (given) memcpy(row, given + r * units, (size_t)units * sizeof(float));
    }
}

inline void save_state(float* out, ptrdiff_t out_row, const float* state, int64_t from, int64_t to, int64_t units,
                       int64_t Dp) {
    for (int64_t r = from; r < to; ++r) memcpy(out + r * out_row, state + r * Dp, (size_t)units * sizeof(float));
}

// Rows that begin at this step (reversed ragged batches begin one after the other) get the initial state.
inline void begin_rows(const Course& course, int64_t step, int64_t from, int64_t to) {
    const ForwardTask& task = course.task;
    load_state(course.hidden(step), task.first_hidden, from, to, task.units, course.Dp);
    load_state(course.cell(step), task.first_cell, from, to, task.units, course.Dp);
}

// Rows that end at this step hand out their final state.
inline void end_rows(const Course& course, int64_t step, int64_t from, int64_t to) {
    const ForwardTask& task = course.task;
    save_state(task.last_hidden, task.units, course.hidden(step + 1), from, to, task.units, course.Dp);
    save_state(task.last_cell, task.units, course.cell(step + 1), from, to, task.units, course.Dp);
}

// Where a step's units go; the weights are those of the way in which it is done.
inline ForwardBlock first_block(const Course& course, int64_t step, bool from_zero) {
    ForwardBlock block = {};
    block.cell_before = from_zero ? nullptr : course.cell(step);
    block.cell = course.cell(step + 1);
    block.hidden = course.hidden(step + 1);
    block.gates = course.gates(step);
    block.state_row = course.Dp;
    return block;
}

struct InRegisters {
    const Course& course;

    void step(int64_t step, int64_t rows, bool from_zero) const {
        Stretch stretches[3];
        ForwardBlock block = first_block(course, step, from_zero);
        block.stretches = stretches;
        block.count = course.input(step, stretches);
        if (!from_zero) stretches[block.count++] = Stretch{course.hidden(step), course.Dp, course.task.units};
        const int64_t inner = course.features() + course.task.units;
        const float* packed = course.task.packed;
        for (int64_t unit = 0; unit < course.Dp; unit += LANES, block.next_units()) {
            block.bias = packed;
            block.weights = packed + 4 * LANES;
            in_row_blocks(rows, block);
            packed += (inner + 1) * 4 * LANES;
        }
    }
};

struct InTiles {
    const Course& course;
    TileRoom room;

    explicit InTiles(const Course& of) : course(of), room(of.features(), of.task.units, of.task.room) {}

    void step(int64_t step, int64_t rows, bool from_zero) {
        Stretch stretches[3];
        const int inputs = course.input(step, stretches);
        stretches[inputs] = Stretch{course.hidden(step), course.Dp, course.task.units};
        forward_step_in_tiles(room, stretches, inputs, from_zero ? inputs : inputs + 1, rows, course.task.packed,
                              first_block(course, step, from_zero));
    }
};

template <typename Way>
void forward_steps(const Course& course, Way way) {
    const ForwardTask& task = course.task;
    int64_t rows = 0;
    for (int64_t step = 0; step < task.steps; ++step) {
        int64_t active = course.active(step);
        if (step == 0 || active > rows) begin_rows(course, step, step ? rows : 0, active);
        rows = active;
        way.step(step, rows, step == 0 && !task.first_hidden && !task.first_cell);
        int64_t t = course.time(step);
        if (task.out && t >= task.out_first)
            save_state(task.out + (t - task.out_first) * task.out_step, task.out_row, course.hidden(step + 1), 0, rows,
                       task.units, course.Dp);
        int64_t staying = step + 1 < task.steps ? course.active(step + 1) : 0;
        if (staying < rows) end_rows(course, step, staying, rows);
    }
}

inline void forward_layer(const ForwardTask& task) {
    Course course(task);
    if (task.tiled) return forward_steps(course, InTiles(course));
    forward_steps(course, InRegisters{course});
}

// ---------------------------------------------------------------- backward

// Gate gradients of one step: out gradient + what comes back through time -> d gates, d cell
inline void backward_step(const BackwardTask& task, const Course& course, int64_t step, int64_t rows, float* dh,
                          float* dc, float* dgates) {
    const ForwardTask& forward = task.forward;
    const int64_t Dp = course.Dp, units = forward.units, stride = gatecast::gate_stride(units, LANES);
    const int64_t t = course.time(step);
    const bool given = task.out_gradient && t >= forward.out_first;
    const float* out = given ? task.out_gradient + (t - forward.out_first) * task.out_step : nullptr;
    const float* gates = course.gates(step);
    const float* cell = course.cell(step + 1);
    const float* before = course.cell(step);
    for (int64_t r = 0; r < rows; ++r) {
        for (int64_t unit = 0; unit < Dp; unit += LANES) {
            const int64_t at = r * Dp + unit;
            const float* g = gates + 4 * at;
            Gates gate = {load(g), load(g + LANES), load(g + 2 * LANES), load(g + 3 * LANES)};
            Vec hidden = load(dh + at);
            if (out) {
                const float* from = out + r * task.out_row + unit;
                hidden += unit + LANES <= units ? load(from) : load_part(from, units - unit);
            }
            CellGradient back = cell_gradient(gate, load(cell + at), load(before + at), hidden, load(dc + at));
            float* to = dgates + r * stride + 4 * unit;
            UNROLL for (int v = 0; v < 4; ++v) store(to + v * LANES, back.gate[v]);
            store(dc + at, back.cell_before);
        }
    }
}

// Rows of gate gradients as stretches of the inner dimension, without the padding units.
inline int gate_stretches(const float* dgates, int64_t units, Stretch* stretches) {
    const ptrdiff_t stride = gatecast::gate_stride(units, LANES);
    const int64_t full = units / LANES * LANES, rest = units - full;
    int count = 0;
    if (full) stretches[count++] = Stretch{dgates, stride, 4 * full};
    for (int v = 0; rest && v < 4; ++v) stretches[count++] = Stretch{dgates + 4 * full + v * LANES, stride, rest};
    return count;
}

// sum += input^T gate gradients over steps [from, to), all rows being there. The longer of rows and steps is the inner
// loop; where both lie one after the other there is only one.
inline void collect_input(const Stretch& first, ptrdiff_t step_stride, int64_t rows, int64_t steps, const float* dgates,
                          ptrdiff_t stride, int64_t Gp, float* sum) {
    if (steps == 1 || step_stride == rows * first.row) {
        add_outer(rows * steps, first.base, first.row, first.length, dgates, stride, Gp, sum, Gp);
    } else if (rows >= steps) {
        for (int64_t s = 0; s < steps; ++s)
            add_outer(rows, first.base + s * step_stride, first.row, first.length, dgates + s * rows * stride, stride,
                      Gp, sum, Gp);
    } else {
        for (int64_t r = 0; r < rows; ++r)
            add_outer(steps, first.base + r * first.row, step_stride, first.length, dgates + r * stride, rows * stride,
                      Gp, sum, Gp);
    }
}

// The collected gate gradients of steps [from, to) go into the weights.
inline void collect(const BackwardTask& task, const Course& course, int64_t from, int64_t to, const float* dgates) {
    const ForwardTask& forward = task.forward;
    const int64_t Gp = 4 * course.Dp, n = forward.rows;
    const ptrdiff_t stride = gatecast::gate_stride(forward.units, LANES);
    float* hidden_sum = task.weight_gradient + course.features() * Gp;
    float* bias_sum = hidden_sum + forward.units * Gp;
    const bool from_zero = !forward.first_hidden && !forward.first_cell;
    const int64_t at_once = forward.lengths ? 1 : to - from;  // ragged rows lie apart
    for (int64_t step = from; step < to; step += at_once) {
        const float* right = dgates + (step - from) * n * stride;
        const int64_t rows = course.active(step);
        const int64_t skipped = step == 0 && from_zero ? 1 : 0;  // the state before all steps is zero
        Stretch pieces[2];
        int count = course.input(step, pieces);
        float* sum = task.weight_gradient;
        for (int p = 0; p < count; ++p) {
            ptrdiff_t step_stride = forward.reverse ? -forward.input.step[p] : forward.input.step[p];
            collect_input(pieces[p], step_stride, rows, at_once, right, stride, Gp, sum);
            sum += pieces[p].length * Gp;
        }
        if (at_once > skipped)
            add_outer((at_once - skipped) * rows, course.hidden(step + skipped), course.Dp, forward.units,
                      right + skipped * n * stride, stride, Gp, hidden_sum, Gp);
        add_rows(at_once * rows, right, stride, Gp, bias_sum);
    }
}

inline void backward_layer(const BackwardTask& task) {
    const ForwardTask& forward = task.forward;
    Course course(forward);
    const int64_t n = forward.rows, units = forward.units, Dp = course.Dp, state = n * Dp;
    const ptrdiff_t stride = gatecast::gate_stride(units, LANES);
    float* dh = task.room;
    float* dc = dh + state;
    float* ring = dc + state;
    load_state(dh, task.last_hidden, 0, n, units, Dp);
    load_state(dc, task.last_cell, 0, n, units, Dp);
    const bool first_wanted = task.first_hidden || task.first_cell;
    int64_t upper = forward.steps;
    while (upper > 0) {
        int64_t lower = upper > task.room_steps ? upper - task.room_steps : 0;
        for (int64_t step = upper - 1; step >= lower; --step) {
            const int64_t rows = course.active(step);
            float* dgates = ring + (step - lower) * n * stride;
            backward_step(task, course, step, rows, dh, dc, dgates);
            Stretch stretches[5];
            int count = gate_stretches(dgates, units, stretches);
            if (step > 0 || first_wanted || forward.lengths)
                dense_panels(rows, stretches, count, false, task.packed, dh, Dp, Dp, false);
            if (task.input_gradient)
                dense_panels(rows, stretches, count, false, task.packed_input,
                             task.input_gradient + course.time(step) * task.input_step, task.input_row,
                             course.features(), task.input_add);
        }
        collect(task, course, lower, upper, ring);
        upper = lower;
    }
    if (task.first_hidden) save_state(task.first_hidden, units, dh, 0, n, units, Dp);
    if (task.first_cell) save_state(task.first_cell, units, dc, 0, n, units, Dp);
}

}  // namespace
