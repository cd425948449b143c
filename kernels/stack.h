// A stack of LSTM layers, one or both ways, over one batch: split into chunks of rows, each done by one thread from the
// first step of the first layer to the last step of the last.
#pragma once

#include <stdint.h>

#include <vector>

#include "kernels.h"
#include "memory.h"

namespace gatecast {

struct StackShape {
    int64_t batch, steps, features, units, layers, directions;
    ptrdiff_t x_row, x_step, out_row, out_step;
    int64_t keep;                  // last steps that are handed out
};

struct StackData {
    const float* x;
    const int64_t* lengths;        // (batch), falling; null = all steps
    const float* h0;               // (layers * directions, batch, units); null = zeros
    const float* c0;
    float* out;                    // at the first kept step; null = nowhere
    float* hn;
    float* cn;
};

struct StackGradients {            // null = not there, or not wanted
    const float* out;
    const float* hn;
    const float* cn;
    float* x;
    float* h0;
    float* c0;
    ptrdiff_t out_row, out_step, x_row, x_step;
};

struct Dropout {
    float rate = 0.0f;
    uint64_t seed = 0;
};

// What the states of one chunk's rows need, and where they lie.
struct Room {
    int64_t first, rows;
    struct Cell {
        float* hidden;             // [slot][rows][Dp]
        float* cell;
        float* gates;              // null = not kept
        int64_t hidden_slots, cell_slots;
    };
    std::vector<Cell> cells;       // one for each layer and direction
    // Per layer [step][rows][directions * Dp]: its inputs after dropout, compact; null = none.
    std::vector<float*> dropped;
    float* work;                   // of one layer at a time
};

class Stack {
public:
    // parts: chunks of a training; 0 = as many as threads. Sums over rows depend on the parts, never on the threads.
    // halves: products of two bf16 for each number will do, where they are faster; not in a training, see tiles.h
    Stack(const StackShape& shape, int64_t threads, bool training, Dropout dropout, int64_t parts = 0,
          bool halves = false);

    void forward(const StackData& data, const Weights* weights);
    void backward(const StackData& data, const StackGradients& gradients, const Weights* weights,
                  const Gradients* wanted);

    // The parts of the two, for a trainer that does more with each chunk before it goes on.
    int64_t chunks() const { return chunks_; }
    int64_t first_row(int64_t chunk) const { return shape_.batch * chunk / chunks_; }
    // hidden: some step meets the hidden weights; with one step and no state before it none does
    void pack(const Weights* weights, bool hidden);
    void pack_back(const Weights* weights, bool hidden, bool input_wanted);
    void forward_chunk(const StackData& data, int64_t chunk);
    // out: gradient of the chunk's kept outputs, at its first row; null = none
    void backward_chunk(const StackData& data, const StackGradients& gradients, const float* out, int64_t chunk);
    void sum_gradients(const Gradients* wanted, bool hidden);
    Input outputs(int64_t chunk) const;   // of the top layer, in the order of time

    void draw(uint64_t seed) { dropout_.seed = seed; }   // other units to drop in the next pass
    const StackShape& shape() const { return shape_; }
    const Kernels& kernels() const { return kernels_; }

private:
    int64_t cells() const { return shape_.layers * shape_.directions; }
    int64_t features(int64_t layer) const { return layer ? shape_.directions * shape_.units : shape_.features; }
    int64_t span() const { return shape_.directions * padded_; }
    Room lay_out(int64_t chunk, Parts& parts) const;
    Input inputs(const StackData& data, const Room& room, int64_t layer) const;
    Input outputs(const Room& room, int64_t layer) const;
    ForwardTask task(const StackData& data, const Room& room, int64_t layer, int64_t direction) const;
    void run_layers(const StackData& data, const Room& room) const;
    void drop(const Room& room, int64_t layer) const;
    void drop_gradient(const Room& room, int64_t layer, float* gradient) const;
    MaskTask mask(int64_t layer, int64_t place) const;

    StackShape shape_;
    const Kernels& kernels_;
    int64_t threads_, chunks_, padded_;
    bool training_, tiled_;
    Dropout dropout_;
    std::vector<int64_t> pack_at_, back_at_, back_input_at_, sum_at_;  // where each cell's part begins
    int64_t sum_size_ = 0;
    Block packs_, backs_, sums_, states_;
    std::vector<Room> rooms_;
};

}  // namespace gatecast
