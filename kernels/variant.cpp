// The kernels of one instruction set. Compiled once for each, with -DGATECAST_VARIANT=name and the flags of that set.
#include "bank_series.h"
#include "exponential.h"
#include "gate_lines.h"
#include "layer.h"
#include "losses.h"
#include "optimizers.h"
#include "steps.h"

namespace {

using gatecast::Gradients;
using gatecast::Weights;

// Columns of a torch matrix (4D, count) as rows of [gate][lane] for one block of units; padding units get zeros.
float* pack_columns(const float* weight, int64_t count, int64_t units, int64_t first, float* to) {
    const int64_t real = units - first < LANES ? units - first : LANES;
    for (int64_t k = 0; k < count; ++k) {
        for (int v = 0; v < 4; ++v, to += LANES) {
            const float* from = weight + (v * units + first) * count + k;
            for (int64_t lane = 0; lane < real; ++lane) to[lane] = from[lane * count];
            for (int64_t lane = real; lane < LANES; ++lane) to[lane] = 0.0f;
        }
    }
    return to;
}

// Per block of units: [bias][F][D] rows of [4][lanes]. Hidden weights that no step meets are left out.
void pack_forward(const Weights& weights, int64_t features, int64_t units, bool hidden, bool tiled, float* packed) {
    if (tiled) return pack_layer_in_tiles(weights, features, units, hidden, packed);
    for (int64_t first = 0; first < units; first += LANES) {
        packed = pack_bias(weights, units, first, packed);
        packed = pack_columns(weights.input, features, units, first, packed);
        packed = hidden ? pack_columns(weights.hidden, units, units, first, packed) : packed + units * 4 * LANES;
    }
}

void copy_padded(const float* from, int64_t count, int64_t width, float* to) {
    memcpy(to, from, (size_t)count * sizeof(float));
    for (int64_t c = count; c < width; ++c) to[c] = 0.0f;
}

// Rows of a torch matrix (4D, columns) in the order of gate_stretches, in panels of up to four vectors of columns.
void pack_backward(const float* weight, int64_t columns, int64_t units, float* packed) {
    const int64_t full = units / LANES * LANES;
    for (int64_t at = 0; at < columns; at += PANEL * LANES) {
        const int64_t vectors = (columns - at + LANES - 1) / LANES;
        const int64_t width = (vectors < PANEL ? vectors : PANEL) * LANES;
        const int64_t real = columns - at < width ? columns - at : width;
        for (int64_t first = 0; first < units; first += LANES) {
            const int64_t lanes = first < full ? LANES : units - full;
            for (int v = 0; v < 4; ++v)
                for (int64_t lane = 0; lane < lanes; ++lane, packed += width)
                    copy_padded(weight + (v * units + first + lane) * columns + at, real, width, packed);
        }
    }
}

void put_gate_rows(const float* values, int64_t units, int64_t first, float* to, int64_t columns, int64_t column) {
    const int64_t real = units - first < LANES ? units - first : LANES;
    for (int v = 0; v < 4; ++v)
        for (int64_t lane = 0; lane < real; ++lane)
            to[(v * units + first + lane) * columns + column] = values[v * LANES + lane];
}

// Gradients of hidden weights that met a state of 0 alone: 0, or NaN where that of the gate is not finite.
void put_no_state(const float* values, int64_t units, int64_t first, float* to) {
    const int64_t real = units - first < LANES ? units - first : LANES;
    for (int v = 0; v < 4; ++v)
        for (int64_t lane = 0; lane < real; ++lane) {
            float* row = to + (v * units + first + lane) * units;
            for (int64_t column = 0; column < units; ++column) row[column] = 0.0f * values[v * LANES + lane];
        }
}

// The sums of all threads, added in their order, as torch keeps gradients.
void unpack_gradients(const float* const* sums, int64_t count, int64_t features, int64_t units, bool hidden,
                      const Gradients& to) {
    const int64_t Gp = 4 * padded(units, LANES);
    for (int64_t first = 0; first < units; first += LANES) {
        for (int64_t m = 0; m < features + units + 1; m += m + 1 == features && !hidden ? units + 1 : 1) {
            float total[4 * LANES];
            for (int v = 0; v < 4; ++v) {
                const int64_t at = m * Gp + 4 * first + v * LANES;
                Vec sum = load(sums[0] + at);
                for (int64_t i = 1; i < count; ++i) sum += load(sums[i] + at);
                store(total + v * LANES, sum);
            }
            if (m < features) {
                if (to.input) put_gate_rows(total, units, first, to.input, features, m);
            } else if (m < features + units) {
                if (to.hidden) put_gate_rows(total, units, first, to.hidden, units, m - features);
            } else {
                if (!hidden && to.hidden) put_no_state(total, units, first, to.hidden);
                if (to.input_bias) put_gate_rows(total, units, first, to.input_bias, 1, 0);
                if (to.hidden_bias) put_gate_rows(total, units, first, to.hidden_bias, 1, 0);
            }
        }
    }
}

// A number of 32 random bits for each place (a hash with full avalanche, by C. Wellons).
ALWAYS_INLINE UintVec hashed(UintVec x) {
    x = x ^ (x >> 16);
    x = x * 0x7feb352du;
    x = x ^ (x >> 15);
    x = x * 0x846ca68bu;
    return x ^ (x >> 16);
}

void mask(const gatecast::MaskTask& task) {
    UintVec seed = hashed(counting(task.seed) * 0u + task.seed);
    for (int64_t at = 0; at < task.count; at += LANES) {
        UintVec random = hashed(counting(task.place + (uint32_t)at) + seed);
        store(task.to + at, load(task.from + at) * keep_from(random, task.bound, broadcast(task.keep)));
    }
}

// Per panel of outputs: [bias][inputs] rows of up to four vectors.
void pack_dense(const gatecast::DenseWeights& from, float* packed) {
    for (int64_t at = 0; at < from.outputs; at += PANEL * LANES) {
        const int64_t left = from.outputs - at, vectors = (left + LANES - 1) / LANES;
        const int64_t width = (vectors < PANEL ? vectors : PANEL) * LANES;
        const int64_t real = left < width ? left : width;
        for (int64_t c = 0; c < width; ++c) *packed++ = from.bias && c < real ? from.bias[at + c] : 0.0f;
        for (int64_t k = 0; k < from.inputs; ++k, packed += width) {
            const float* column = from.weight + at * from.output + k * from.input;
            for (int64_t c = 0; c < real; ++c) packed[c] = column[c * from.output];
            for (int64_t c = real; c < width; ++c) packed[c] = 0.0f;
        }
    }
}

void dense(const gatecast::DenseTask& task) {
    Stretch stretches[2];
    for (int p = 0; p < task.input.pieces; ++p)
        stretches[p] = Stretch{task.input.base[p], task.input.row[p], task.input.width[p]};
    dense_panels(task.rows, stretches, task.input.pieces, true, task.packed, task.out, task.out_row, task.columns,
                 task.add);
}

void outer(const gatecast::OuterTask& task) {
    add_outer(task.rows, task.left, task.left_row, task.left_columns, task.right, task.right_row, task.right_columns,
              task.sum, task.sum_row);
}

void forward(const ForwardTask& task) { forward_layer(task); }
void backward(const BackwardTask& task) { backward_layer(task); }
void loss(gatecast::LossTask& task) { loss_and_gradient(task); }
double squares(const float* values, int64_t count) { return sum_of_squares(values, count); }
void update(const gatecast::UpdateTask& task) { update_range(task); }

}  // namespace

#define GATECAST_TEXT(name) #name
#define GATECAST_NAME_OF(name) GATECAST_TEXT(name)
#define GATECAST_JOIN(a, b) a##b
#define GATECAST_TABLE(name) GATECAST_JOIN(kernels_, name)

namespace gatecast {
extern const Kernels GATECAST_TABLE(GATECAST_VARIANT);
const Kernels GATECAST_TABLE(GATECAST_VARIANT) = {
    GATECAST_NAME_OF(GATECAST_VARIANT), LANES, HAS_TILES, pack_forward, pack_backward, forward, backward,
    unpack_gradients, mask, pack_dense, dense, outer, inner_of_steps, inner_of_steps_back, loss, squares, update,
    exponential_smoothings, bank::room_size, bank::series, gate_lines,
};
}  // namespace gatecast
