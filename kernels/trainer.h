// Whole training steps of a forecasting network: LSTM layers, readout, linear skip, loss, clipping and optimiser.
//
//     context (B, L, F) --> LSTM --> hidden of the last K steps --> readout --+
//              |                                   |                         |
//              +--> recent steps of each origin ---|--> skip (location only) +--> raw outputs (K, B, R, Y) --> loss
//                                                  |                         |
//     future (B, K, H, F2) ------------------------+--> step readout --------+
//
// The network of gatecast/model/lstm.py, to the letter; Y = H * C outputs with R raw numbers each. Parameters lie where
// torch has them, as parts of one flat tensor, and are updated in place.
#pragma once

#include <stdint.h>

#include <memory>
#include <vector>

#include "kernels.h"
#include "memory.h"
#include "stack.h"
#include "step_readout.h"

namespace gatecast {

struct NetworkShape {
    int64_t lookback, features, patch;     // L raw steps of F channels, `patch` of them folded into one LSTM step
    int64_t units, layers;
    int64_t origins, horizon, targets, raws;   // K, H, C, R
    int64_t skip;                          // raw steps that the skip reads; 0 = none
    int64_t future;                        // future covariates F2 of each step ahead; 0 = no step readout

    int64_t outputs() const { return horizon * targets; }   // Y
};

// Addresses of the parameters, or of their gradients.
struct Parameters {
    std::vector<Gradients> lstm;
    float* readout;                        // (Y * R, D)
    float* readout_bias;
    float* skip;                           // (Y, skip * F)
    float* from_state;                     // (16, D): the step readout's
    float* from_state_bias;
    float* from_future;                    // (16, F2)
    float* out;                            // (C * R, 16)
};

struct Training {
    Loss loss;
    std::vector<float> levels;
    int64_t middle;
    Optimizer optimizer;
    float momentum, decay, clip;           // clip 0 = none
    float dropout;
    uint64_t seed;
    int64_t threads;
    int64_t parts;                         // of a batch; they are summed in their order, on any number of threads
};

// Everything flat: all parameters, their gradients, and what the optimiser remembers of each.
struct Flat {
    int64_t count;
    float *values, *gradient, *first, *second;
};

struct TrainingBatch {
    int64_t rows;
    const float* context;                  // (B, L, F)
    const float* target;                   // (B, K, Y)
    const float* weight;                   // null = all known
    const float* future;                   // (B, K, H, F2), null without a step readout
};

struct StepResult {
    float loss, error, norm;
};

class Trainer {
public:
    Trainer(const NetworkShape& shape, const Training& training, const Parameters& values, const Parameters& gradients,
            const Flat& flat);

    // One step; `number` counts the steps taken before.
    StepResult step(const TrainingBatch& batch, int64_t number, float lr);
    bool needs_future() const { return steps_.used(); }

private:
    struct Desk;    // one chunk's room for what comes after the LSTM

    int64_t recent_width() const { return shape_.skip * shape_.features; }
    int64_t columns() const { return shape_.raws * shape_.outputs() + (steps_.used() ? INNER : 0); }
    int64_t steps_sum() const {
        return columns() * D_padded_ + width_ + recent_width() * padded(shape_.outputs(), kernels_.lanes);
    }
    int64_t sum_size() const { return steps_sum() + steps_.sum_size(); }
    StepDesk step_desk(const Desk& desk, float* planes) const;
    Stack& stack_for(int64_t rows);
    void arrange_readout();
    void prepare(Stack& stack);
    void chunk(Stack& stack, const TrainingBatch& batch, float scale, int64_t index, double* loss, double* error);
    void read_out(const Stack& stack, const TrainingBatch& batch, int64_t index, const Desk& desk) const;
    void to_planes(const TrainingBatch& batch, int64_t first, const Desk& desk) const;
    void from_planes(const Desk& desk) const;
    void readout_gradients(const Stack& stack, const TrainingBatch& batch, int64_t index, const Desk& desk);
    void sum_readout(int64_t chunks);
    float update(int64_t number, float lr);
    template <typename Each>
    void each_recent(const TrainingBatch& batch, const Desk& desk, const Each& each) const;

    NetworkShape shape_;
    Training training_;
    Parameters values_, gradients_;
    Flat flat_;
    const Kernels& kernels_;
    StepReadout steps_;
    int64_t D_padded_, width_;             // width_: of one line, padded: R * Y raw outputs, 16 from_state
    std::vector<std::unique_ptr<Stack>> stacks_;
    std::vector<Weights> weights_;
    Block arranged_, readout_pack_, readout_back_, skip_pack_;
    // Per chunk: readout and from_state [columns][Dp], bias [width], skip [skip * F][Y padded], steps.
    std::vector<Block> readout_sums_;
    Block last_states_;
};

}  // namespace gatecast
