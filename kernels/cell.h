// One step of an LSTM layer for some rows: gates from products in registers, then the cell, then what training keeps.
//
//     i, f, o = sigmoid(...)   g = tanh(...)   c = f c_before + i g   h = o tanh(c)        (torch's order: i, f, g, o)
#pragma once

#include "activations.h"
#include "products.h"

namespace {

struct Gates {
    Vec input, forget, candidate, output;
};

// A division for each gate: one for all four would leave a saturated gate a rounding error away from 1, whose slope is
// then not 0; Adam makes steps of full size from slopes however small.
ALWAYS_INLINE Gates activate(const Vec (&raw)[4]) {
    return Gates{sigmoid(raw[0]), sigmoid(raw[1]), tanh_of(raw[2]), sigmoid(raw[3])};
}

// The biases of one block of units, [4][lanes], input's and hidden's together; padding units get zeros.
inline float* pack_bias(const gatecast::Weights& weights, int64_t units, int64_t first, float* to) {
    for (int v = 0; v < 4; ++v)
        for (int64_t lane = 0; lane < LANES; ++lane, ++to) {
            const int64_t row = v * units + first + lane;
            *to = first + lane < units && weights.input_bias ? weights.input_bias[row] : 0.0f;
            if (first + lane < units && weights.hidden_bias) *to += weights.hidden_bias[row];
        }
    return to;
}

// Forward: one block of units (a vector of each gate) for some rows.
struct ForwardBlock {
    const Stretch* stretches;
    int count;
    const float* bias;          // [4][lanes]
    const float* weights;       // [inner][4][lanes]
    const float* cell_before;   // [n][Dp] at this block; null = zeros
    float* cell;
    float* hidden;
    float* gates;               // [n][4 Dp] at this block; null = not kept
    int64_t state_row;          // Dp

    template <int ROWS>
    ALWAYS_INLINE void rows(int64_t first_row) const {
        Tile<ROWS, 4> tile;
        UNROLL for (int v = 0; v < 4; ++v) {
            Vec start = load(bias + v * LANES);
            UNROLL for (int r = 0; r < ROWS; ++r) tile.sum[r][v] = start;
        }
        const float* next = weights;
        for (int i = 0; i < count; ++i) next = accumulate(tile, stretches[i], first_row, next);
        UNROLL for (int r = 0; r < ROWS; ++r) finish(tile.sum[r], first_row + r);
    }

    // On to the next vector of units, whose weights are found by the caller.
    ALWAYS_INLINE void next_units() {
        if (cell_before) cell_before += LANES;
        cell += LANES;
        hidden += LANES;
        if (gates) gates += 4 * LANES;
    }

    ALWAYS_INLINE void finish(const Vec (&raw)[4], int64_t row) const {
        Gates gate = activate(raw);
        int64_t at = row * state_row;
        Vec c = gate.input * gate.candidate;
        if (cell_before) c = multiply_add(gate.forget, load(cell_before + at), c);
        store(cell + at, c);
        store(hidden + at, gate.output * tanh_of(c));
        if (!gates) return;
        float* to = gates + 4 * at;
        store(to, gate.input);
        store(to + LANES, gate.forget);
        store(to + 2 * LANES, gate.candidate);
        store(to + 3 * LANES, gate.output);
    }
};

// Backward through one cell: gradients of the four gates before their activation, and of the cell before.
struct CellGradient {
    Vec gate[4];
    Vec cell_before;
};

ALWAYS_INLINE CellGradient cell_gradient(const Gates& gate, Vec cell, Vec cell_before, Vec hidden_gradient,
                                         Vec cell_gradient) {
    Vec squashed = tanh_of(cell);
    Vec through = hidden_gradient * gate.output;
    Vec dc = multiply_add(through, 1.0f - squashed * squashed, cell_gradient);
    CellGradient back;
    Vec di = dc * gate.candidate, df = dc * cell_before, dg = dc * gate.input, dout = hidden_gradient * squashed;
    back.gate[0] = di * gate.input * (1.0f - gate.input);
    back.gate[1] = df * gate.forget * (1.0f - gate.forget);
    back.gate[2] = dg * (1.0f - gate.candidate * gate.candidate);
    back.gate[3] = dout * gate.output * (1.0f - gate.output);
    back.cell_before = dc * gate.forget;
    return back;
}

}  // namespace
