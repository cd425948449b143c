// The pretrained gate above its LSTM: weights packed once, and forecasts of many series weighed with them.
#pragma once

#include <stdint.h>

#include "kernels.h"
#include "memory.h"

namespace gatecast {

constexpr int64_t AHEAD_FEATURES = 4;

// A layer as torch keeps it.
struct GateLayer {
    const float *weight, *bias;     // (outputs, inputs), (outputs); bias null = zeros
};

struct GateShape {
    int64_t units, experts, mixing, levels, middle;   // D of the LSTM, K, M, Q, place of the level 0.5
    float least_spread, known;      // what is added to how far the experts are apart, and to a past error
    int64_t known_size() const { return 2 * units + 2 * experts + 3; }
};

struct GateRequest {
    int64_t count, states, horizon, season;
    int64_t first_ahead;            // steps ahead of the first forecast; 1 and more
    const float* output;            // (B, states, D) last outputs of the LSTM
    const float* error;             // (B, K, 2) past errors of the experts; NaN = not known
    const float* forecast;          // (H, K) of each series; NaN = the expert cannot say
    int64_t forecast_row;           // from one series to the next
    float* quantiles;               // (B, H, Q)
    float* weights;                 // (B, H, K)
};

class PackedGate {
public:
    // layers: of the series, of the step, the mixing one, the logits, the shape.
    PackedGate(const GateShape& shape, const GateLayer (&layers)[5], const Kernels& kernels);

    const GateShape& shape() const { return shape_; }
    void weigh(const GateRequest& request, int64_t threads) const;

private:
    void weigh_some(const GateRequest& request, const float* ahead, int64_t first, int64_t count, float* room) const;
    void read_known(const GateRequest& request, int64_t b, float* to) const;
    int64_t room_size(int64_t horizon) const;

    GateShape shape_;
    const Kernels& kernels_;
    Block packed_[5];
};

}  // namespace gatecast
