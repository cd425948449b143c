// Level and season at every step of many series. Each operation rounds on its own, as numpy's do: compiled without
// fused operations, with the small numbers that float32 has below 1e-38.
#include <algorithm>
#include <vector>

#include "pool.h"
#include "smoothing.h"

namespace gatecast {

namespace {

constexpr int64_t TOGETHER = 4096;  // rows of one thread's turn, at least

template <typename T>
void begin_series(const T* u, int64_t steps, const LevelRequest<T>& request, T* level, T* seasons) {
    const int64_t columns = request.columns, season = request.season;
    for (int64_t c = 0; c < columns; ++c) {
        double sum = 0;  // equal values have their own value as mean
        for (int64_t t = 0; t < std::min(steps, season); ++t) {
            sum += (double)u[t * columns + c];
            level[t * columns + c] = (T)(sum / (double)(t + 1));
        }
        if (season == 1 || steps < season) continue;
        const T whole = level[(season - 1) * columns + c];
        for (int64_t t = 0; t < season; ++t) seasons[t * columns + c] = u[t * columns + c] - whole;
    }
}

template <typename T>
void smooth_series(const T* u, int64_t steps, int64_t skipped, const LevelRequest<T>& request, T* level, T* seasons) {
    const int64_t columns = request.columns, season = request.season;
    if (skipped == 0) begin_series(u, steps, request, level, seasons);
    int64_t seen = (skipped + season) / season;    // whole seasons before the step at hand,
    int64_t until = (seen + 1) * season - skipped;  // and where the next one ends
    for (int64_t t = season; t < steps; ++t) {
        if (t == until) {
            ++seen;
            until += season;
        }
        const T gain = (T)std::max(request.alpha, 1.0 / (double)(t + skipped + 2));
        const T season_gain = (T)(std::max(request.gamma, 1.0 / (double)(seen + 1)) * (1 - request.alpha));
        const T *before = level + (t - 1) * columns, *last = seasons + (t - season) * columns;
        for (int64_t c = 0; c < columns; ++c) {
            T error = u[t * columns + c] - before[c];
            if (season > 1) {
                error -= last[c];
                const T change = error * season_gain;
                seasons[t * columns + c] = change + last[c];
            }
            error *= gain;
            level[t * columns + c] = before[c] + error;
        }
    }
}

}  // namespace

template <typename T>
void smooth_levels(const LevelRequest<T>& request, int64_t threads) {
    std::vector<int64_t> offset((size_t)request.count + 1, 0), turns;
    for (int64_t n = 0; n < request.count; ++n) {
        offset[(size_t)n + 1] = offset[(size_t)n] + request.length[n];
        if (turns.empty() || offset[(size_t)n] - offset[(size_t)turns.back()] >= TOGETHER) turns.push_back(n);
    }
    const int64_t count = (int64_t)turns.size();
    turns.push_back(request.count);
    parallel(count, threads, [&](int64_t turn) {
        FlushDenormals keep_small_numbers(false);
        for (int64_t n = turns[(size_t)turn]; n < turns[(size_t)turn + 1]; ++n) {
            const int64_t at = request.first[n] * request.columns;
            smooth_series(request.values + offset[(size_t)n] * request.columns, request.length[n], request.before[n],
                          request, request.level + at, request.seasons + at);
        }
    });
}

template void smooth_levels(const LevelRequest<float>&, int64_t);
template void smooth_levels(const LevelRequest<double>&, int64_t);

}  // namespace gatecast
