// What one instruction set offers to the rest: a table of functions over plain buffers, and the tasks that they take.
//
// Names: n rows of a batch, T steps, F features, D hidden units. Dp = D rounded up to whole vectors. Gates lie in
// blocks, one block for each vector of units: [i, f, g, o][lanes]; a row of gates has 4 Dp numbers.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace gatecast {

struct BankRequest;  // bank.h

// What a layer reads: one piece, or two side by side (both directions of the layer below).
struct Input {
    int pieces;
    const float* base[2];     // at the first time step and row
    ptrdiff_t row[2];         // strides
    ptrdiff_t step[2];
    int64_t width[2];
};

// Rows of numbers without steps.
inline Input one_piece(const float* base, ptrdiff_t row, int64_t width) {
    Input input = {};
    input.pieces = 1;
    input.base[0] = base;
    input.row[0] = row;
    input.width[0] = width;
    return input;
}

// One layer in one direction, as torch keeps it: (4D, F), (4D, D), (4D), (4D); biases may be null.
struct Weights {
    const float* input;
    const float* hidden;
    const float* input_bias;
    const float* hidden_bias;
};

struct Gradients {
    float* input;
    float* hidden;
    float* input_bias;
    float* hidden_bias;
};

// Steps are counted in the order of processing: slot s + 1 holds the state after step s, slot 0 the state before all.
struct ForwardTask {
    int64_t rows, steps, units;
    Input input;
    const float* packed;
    bool tiled;                   // packed for tiles
    bool reverse;
    const int64_t* lengths;       // (n), falling; null = all T
    const float* first_hidden;    // (n, D); null = zeros
    const float* first_cell;
    float* hidden;                // [slot][n][Dp]
    float* cell;
    float* gates;                 // [step][n][4 Dp]; null = not kept
    int64_t hidden_slots;         // T + 1, or 2: used in turn
    int64_t cell_slots;           // T + 1, or 1: updated in place
    float* out;                   // null = nowhere
    ptrdiff_t out_row, out_step;
    int64_t out_first;            // time steps before this one are not written
    float* last_hidden;           // (n, D)
    float* last_cell;
    float* room;                  // for tiles, see forward_room
};

struct BackwardTask {
    ForwardTask forward;
    const float* packed;          // for the gradient of the hidden state, see pack_backward
    const float* packed_input;    // for the gradient of the input; null = not wanted
    const float* out_gradient;    // null = none
    ptrdiff_t out_row, out_step;
    const float* last_hidden;     // (n, D) gradients of the final state; null = zeros
    const float* last_cell;
    float* first_hidden;          // (n, D) gradients of the initial state; null = not wanted
    float* first_cell;
    float* input_gradient;        // null = not wanted
    ptrdiff_t input_row, input_step;
    bool input_add;               // add to what is there
    float* room;                  // work space, see backward_room
    int64_t room_steps;           // steps whose gate gradients are collected before they go into the weights
    float* weight_gradient;       // [F + D + 1][4 Dp]: input, hidden, bias; is added to
};

struct MaskTask {  // dropout of one step's rows: to = from * keep / (1 - rate), the same for the same place
    const float* from;
    float* to;
    int64_t count;                // a whole number of vectors
    uint32_t seed, place, bound;
    float keep;
};

// weight of output c and input k: weight[c * output + k * input]
struct DenseWeights {
    const float* weight;
    ptrdiff_t output, input;
    int64_t outputs, inputs;
    const float* bias;            // null = zeros
};

// out[r][c] = bias[c] + sum_k pieces[r][k] packed[k][c]
struct DenseTask {
    int64_t rows, columns;
    Input input;
    const float* packed;
    float* out;
    ptrdiff_t out_row;
    bool add;
};

// sum[m][c] += sum_r left[r][m] right[r][c]
struct OuterTask {
    int64_t rows, left_columns, right_columns;   // right_columns: whole vectors
    const float* left;
    ptrdiff_t left_row;
    const float* right;
    ptrdiff_t right_row;
    float* sum;
    ptrdiff_t sum_row;
};

// Step readout: some lines, each with H steps that have F future covariates; 16 inner numbers per step,
// as StepReadout of gatecast/model/lstm.py has.
constexpr int64_t INNER = 16;

struct StepsTask {
    int64_t lines, horizon, features;
    float* state;                 // [line][16]: is read forward, and written (its gradient) backward
    ptrdiff_t state_row;
    const float* future;          // [line][H][F]
    const float* weight;          // [F][16]
    float* inner;                 // [line][H][16]: is written forward, and read backward
    float* slope;                 // [line][H][16], backward: of the inner numbers, then of what tanh was given
};

enum class Loss : int { mse, mae, huber, pinball };

// Loss and its gradient over planes of raw outputs (R, count), all of them elementwise.
struct LossTask {
    Loss kind;
    int64_t count;
    int64_t raws;                 // R; for the pinball loss: location, then steps below, then steps above
    int64_t middle;               // position of the location's level
    const float* levels;          // (R), rising
    const float* raw;
    float* gradient;
    ptrdiff_t plane;              // stride of the planes, a whole number of vectors, at least count
    const float* target;
    const float* weight;          // null = 1 everywhere
    float scale;                  // of the gradient
    double loss, error;           // sums: loss, absolute error of the location
};

enum class Optimizer : int { none, sgd, adam, adamw };

// One update of a range of the parameters (Kingma and Ba 2015; Loshchilov and Hutter 2019), as torch.optim has it.
struct UpdateTask {
    Optimizer kind;
    int64_t count;
    float* values;
    const float* gradient;
    float* first;                 // momentum, or mean of the gradients
    float* second;                // mean of their squares
    float shrink;                 // what the gradient is multiplied by: clipping
    float lr, momentum, decay;
    float correction1, correction2;   // 1 - beta^step
    bool begun;                   // sgd: there is a momentum already
};

// Exponential smoothings of one window of a series, and their average at some origins, as
// gatecast/statistical/exponential.py has it.
constexpr int TRENDS = 6;
constexpr int MOST_LAGS = 6;
constexpr int64_t SMOOTHINGS = 16;  // at most, whole vectors

struct SmoothingTask {
    int64_t season, warm, horizon;
    const int64_t* lags;          // steps ahead that are judged, rising
    int64_t lag_count;
    const double* damped;         // (H + 1) phi + phi^2 + .. + phi^h
    const double* values;         // (T), all present
    const double* logs;           // their logarithms less the first one; of the positive steps
    int64_t positive;             // so many values from the first on are above 0
    const int64_t* origins;       // steps, rising
    int64_t origin_count;
    double* const* out;           // (H) of each origin
    ptrdiff_t out_step;
    int64_t ring_rows;            // a power of two above the longest lag and the season together, or above T
    double* room;                 // work space, see smoothing_room
};

// What the pretrained gate says of one series: its layers above the LSTM, packed by pack_dense; see gate.h.
struct GateTask {
    int64_t horizon, experts, mixing, levels, middle;
    float least_spread;
    const float *step, *mix, *logits, *shape;   // packed layers
    const float* series;          // (M padded) what the first layer made of what is known of the series
    const float* forecast;        // (H, K); NaN = the expert cannot say
    const float* ahead;           // (H, ahead_row)
    ptrdiff_t ahead_row;
    float* quantiles;             // (H, Q)
    float* weights;               // (H, K)
    float* room;                  // H rows of 4 K + 2 M + Q + 1 numbers, each of them padded
};

struct Kernels {
    const char* name;
    int lanes;
    bool tiles;                   // forward can use them, see tiles.h
    void (*pack_forward)(const Weights&, int64_t features, int64_t units, bool hidden, bool tiled, float* packed);
    void (*pack_backward)(const float* weight, int64_t columns, int64_t units, float* packed);
    void (*forward)(const ForwardTask&);
    void (*backward)(const BackwardTask&);
    void (*unpack_gradients)(const float* const* sums, int64_t count, int64_t features, int64_t units, bool hidden,
                             const Gradients&);
    void (*mask)(const MaskTask&);
    void (*pack_dense)(const DenseWeights&, float* packed);
    void (*dense)(const DenseTask&);
    void (*outer)(const OuterTask&);
    void (*inner_of_steps)(const StepsTask&);
    void (*inner_of_steps_back)(const StepsTask&);
    void (*loss)(LossTask&);
    double (*squares)(const float* values, int64_t count);
    void (*update)(const UpdateTask&);
    void (*exponential_smoothings)(const SmoothingTask&);
    int64_t (*bank_room)(const BankRequest&);  // work space of one thread, in doubles
    void (*bank_series)(const BankRequest&, int64_t series, double* room);
    void (*gate_lines)(const GateTask&);
};

inline int64_t padded(int64_t count, int64_t lanes) { return (count + lanes - 1) / lanes * lanes; }

// Sizes in floats.
inline int64_t forward_pack_size(int64_t features, int64_t units, int64_t lanes) {
    return lanes + 4 * padded(units, lanes) * (padded(features, 32) + padded(units, 32) + 1);  // tiles are whole ones
}
inline int64_t forward_room(int64_t features, int64_t units) {  // a line, 32 lines in halves, twice the sums of 32 rows
    const int64_t line = padded(features, 32) + padded(units, 32);
    return line + 32 * (line + 32) + 2 * 32 * 64;
}
inline int64_t backward_pack_size(int64_t columns, int64_t units, int64_t lanes) {
    return 4 * units * padded(columns, lanes);
}
inline int64_t dense_pack_size(int64_t inputs, int64_t outputs, int64_t lanes) {
    return padded(outputs, lanes) * (inputs + 1);
}
inline int64_t gate_stride(int64_t units, int64_t lanes) { return 4 * padded(units, lanes) + 16; }  // no power of two
inline int64_t backward_room(int64_t rows, int64_t units, int64_t lanes, int64_t room_steps) {
    return 2 * rows * padded(units, lanes) + room_steps * rows * gate_stride(units, lanes);
}
constexpr int64_t smoothing_row(int64_t width) { return 6 * width + 24; }  // in doubles
inline int64_t smoothing_room(int64_t ring_rows) {                         // two rings and the totals
    return 2 * ring_rows * smoothing_row(SMOOTHINGS) + 2 * TRENDS * SMOOTHINGS;
}
inline int64_t weight_sum_size(int64_t features, int64_t units, int64_t lanes) {
    return 4 * padded(units, lanes) * (features + units + 1);
}

}  // namespace gatecast
