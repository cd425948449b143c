// What the future covariates of one step mean, given the state: one small network shared by all steps (StepReadout of
// gatecast/model/lstm.py).
//
//     hidden of a line --> from_state (16) --+
//                                            +--> tanh --> out (C * R) --> added to all raw outputs of that step
//     future of a step --> from_future (16) -+
//
// A line is an origin of a window. from_state is not here: it reads what the readout reads, and is 16 columns more of
// the trainer's product.
#pragma once

#include <stdint.h>

#include "kernels.h"
#include "memory.h"

namespace gatecast {

struct StepShape {
    int64_t horizon, targets, raws, features;   // H, C, R, F of the future covariates; F 0 = no step readout
};

// One chunk's lines, and where their numbers lie.
struct StepDesk {
    int64_t lines;
    float* state;              // [line][16]: forward from_state's outputs, backward their gradients
    ptrdiff_t state_row;
    float* future;             // [line][H][F]
    float* inner;              // [line][H][16]: what tanh gave, kept for the way back
    float* room;               // one block of lines: outputs [line][H][C * R padded], slopes [line][H][16]
    float* planes;             // [R][plane]: forward raw outputs, to be added to; backward their gradients
    ptrdiff_t plane;
};

class StepReadout {
public:
    StepReadout(const StepShape& shape, const Kernels& kernels);

    // Sizes in floats.
    int64_t future_row() const { return shape_.horizon * shape_.features; }                        // of one line
    int64_t inner_size(int64_t lines) const { return used() ? lines * shape_.horizon * INNER : 0; }
    int64_t room_size() const { return used() ? block_lines() * shape_.horizon * (out_row() + INNER) : 0; }
    int64_t sum_size() const { return used() ? (outputs() + shape_.features) * INNER : 0; }

    bool used() const { return shape_.features > 0; }
    void pack(const float* from_future, const float* out);            // (16, F), (C * R, 16)
    void forward(const StepDesk& desk) const;
    void backward(const StepDesk& desk, float* sums) const;           // sums: are added to
    void put_gradients(const float* sums, float* from_future, float* out) const;

private:
    int64_t outputs() const { return shape_.targets * shape_.raws; }
    int64_t out_row() const { return padded(outputs(), kernels_.lanes); }
    int64_t block_lines() const;
    template <typename Each>
    void each_block(const StepDesk& desk, const Each& each) const;
    template <typename Each>
    void each_output(const StepDesk& desk, int64_t first, int64_t lines, const Each& each) const;
    StepsTask task(const StepDesk& desk, int64_t first, int64_t lines) const;

    StepShape shape_;
    const Kernels& kernels_;
    Block future_pack_, out_pack_, out_back_;   // future_pack_: [F][16]
};

}  // namespace gatecast
