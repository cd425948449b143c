#include "gate.h"

#include <math.h>

#include <algorithm>
#include <vector>

#include "pool.h"

namespace gatecast {

namespace {

constexpr int64_t SERIES_AT_ONCE = 12;  // whose first layer is one product: its weights are read once for them
constexpr float FARTHEST_BEHIND = 5.0f;

// (H, 4) how far ahead, in steps and in seasons.
std::vector<float> ahead_features(int64_t first, int64_t horizon, int64_t season) {
    std::vector<float> features;
    for (int64_t step = first; step < first + horizon; ++step) {
        const float h = (float)step;
        const float seasons = season > 1 ? std::min(h / (float)season, 8.0f) / 4 : 0.0f;
        features.insert(features.end(), {logf(h) / 3, 1 / h, std::min(h, 64.0f) / 32, seasons});
    }
    return features;
}

}  // namespace

PackedGate::PackedGate(const GateShape& shape, const GateLayer (&layers)[5], const Kernels& kernels)
    : shape_(shape), kernels_(kernels) {
    const int64_t M = shape.mixing, K = shape.experts;
    const int64_t inputs[5] = {shape.known_size(), K + AHEAD_FEATURES, M, M, M}, outputs[5] = {M, M, M, K,
                                                                                              shape.levels + 1};
    for (int i = 0; i < 5; ++i) {
        packed_[i] = Block(dense_pack_size(inputs[i], outputs[i], kernels.lanes));
        kernels.pack_dense({layers[i].weight, inputs[i], 1, outputs[i], inputs[i], layers[i].bias}, packed_[i].data());
    }
}

// The state of the LSTM: its last outputs and their mean; and logarithms of the past errors beside the best one's.
void PackedGate::read_known(const GateRequest& request, int64_t b, float* to) const {
    const int64_t D = shape_.units, K = shape_.experts;
    const float* output = request.output + b * request.states * D;
    std::copy_n(output + (request.states - 1) * D, D, to);
    float* mean = to + D;
    std::fill_n(mean, D, 0.0f);
    for (int64_t t = 0; t < request.states; ++t)
        for (int64_t d = 0; d < D; ++d) mean[d] += output[t * D + d];
    for (int64_t d = 0; d < D; ++d) mean[d] /= (float)request.states;
    const float* error = request.error + b * K * 2;
    float *behind = mean + D, *best = behind + 2 * K;
    best[0] = best[1] = INFINITY, best[2] = 0.0f;
    for (int64_t i = 0; i < 2 * K; ++i) {
        behind[i] = logf(error[i] + shape_.known);
        if (!isnan(error[i])) best[i % 2] = std::min(best[i % 2], behind[i]);
        if (i % 2 == 0 && !isnan(error[i])) best[2] = 1.0f;
    }
    for (int64_t i = 0; i < 2; ++i)
        if (!std::isfinite(best[i])) best[i] = 0.0f;
    for (int64_t i = 0; i < 2 * K; ++i)
        behind[i] = isnan(error[i]) ? 0.0f : std::min(behind[i] - best[i % 2], FARTHEST_BEHIND);
}

int64_t PackedGate::room_size(int64_t horizon) const {
    const int64_t lanes = kernels_.lanes, M = padded(shape_.mixing, lanes);
    const int64_t line = 4 * padded(shape_.experts, lanes) + 2 * M + padded(shape_.levels + 1, lanes);
    return SERIES_AT_ONCE * (shape_.known_size() + M) + horizon * line;
}

void PackedGate::weigh_some(const GateRequest& request, const float* ahead, int64_t first, int64_t count,
                            float* room) const {
    const int64_t known = shape_.known_size(), M = padded(shape_.mixing, kernels_.lanes), H = request.horizon;
    float *read = room, *series = read + SERIES_AT_ONCE * known, *lines = series + SERIES_AT_ONCE * M;
    for (int64_t i = 0; i < count; ++i) read_known(request, first + i, read + i * known);
    std::fill_n(series, count * M, 0.0f);
    kernels_.dense({count, shape_.mixing, one_piece(read, known, known), packed_[0].data(), series, M, false});
    for (int64_t i = 0; i < count; ++i) {
        const int64_t b = first + i;
        kernels_.gate_lines({H, shape_.experts, shape_.mixing, shape_.levels, shape_.middle, shape_.least_spread,
                             packed_[1].data(), packed_[2].data(), packed_[3].data(), packed_[4].data(), series + i * M,
                             request.forecast + b * request.forecast_row, ahead, AHEAD_FEATURES,
                             request.quantiles + b * H * shape_.levels, request.weights + b * H * shape_.experts,
                             lines});
    }
}

void PackedGate::weigh(const GateRequest& request, int64_t threads) const {
    const std::vector<float> ahead = ahead_features(request.first_ahead, request.horizon, request.season);
    const int64_t blocks = (request.count + SERIES_AT_ONCE - 1) / SERIES_AT_ONCE;
    threads = std::max<int64_t>(1, std::min(threads, blocks));
    const int64_t size = padded(room_size(request.horizon), 16);
    Block rooms(size * threads);  // here, for a thread that finds no memory ends the process
    parallel(threads, threads, [&](int64_t thread) {
        FlushDenormals flush;
        for (int64_t block = thread; block < blocks; block += threads) {
            const int64_t first = block * SERIES_AT_ONCE, count = std::min(SERIES_AT_ONCE, request.count - first);
            weigh_some(request, ahead.data(), first, count, rooms.data() + thread * size);
        }
    });
}

}  // namespace gatecast
