// What the network reads of a series: (T, C) numbers of its last steps.
#pragma once

#include "activations.h"
#include "bank.h"
#include "bank_views.h"
#include "kernels.h"

namespace bank {
namespace {

using gatecast::BANK_CHANNELS;
using gatecast::BankRequest;

// Numbers of any size, in mean absolute steps, one row for each channel; asinh makes them small.
class Squeezed {
public:
    enum { LEVEL, ADJUSTED, CHANGE, SEASONAL, LONG, ERROR, FAST_ERROR, ROWS };

    static int64_t row(int64_t steps) { return gatecast::padded(steps, LANES); }

    Squeezed(float* room, int64_t steps) : row_(row(steps)), values_(room) {
        for (int64_t i = 0; i < ROWS * row_; ++i) values_[i] = 0;
    }
    float* operator[](int channel) { return values_ + channel * row_; }
    void squeeze() {
        for (int64_t i = 0; i < ROWS * row_; i += LANES) store(values_ + i, asinh_of(load(values_ + i)));
    }

private:
    int64_t row_;
    float* values_;
};

// Errors one step ahead of a slow level (gain 0.2) and of a faster one (0.5) with a slope (0.1, damped by 0.9), from
// the first step on. As in bank_smoothings.h, what is expected and its rise are kept: gains 0.5 + 0.9 * 0.1, 0.9 * 0.1.
inline void put_errors(const double* v, int64_t n, int64_t rows, double step, Squeezed& to) {
    double slow = v[0], fast = v[0], rise = 0;  // what is expected of the next step, and its rise
    for (int64_t t = 0; t < n; ++t) {
        const double off = v[t] - slow, fast_off = v[t] - fast, damped = 0.9 * rise;
        slow += 0.2 * off;
        fast = (fast + damped) + 0.59 * fast_off, rise = damped + 0.09 * fast_off;
        if (t < n - rows) continue;
        to[Squeezed::ERROR][t - n + rows] = (float)(off / step);
        to[Squeezed::FAST_ERROR][t - n + rows] = (float)(fast_off / step);
    }
}

inline void put_changes(const double* x, int64_t lag, int64_t n, int64_t rows, double step, float* to) {
    if (lag < 1) return;
    for (int64_t t = higher(n - rows, lag); t < n; ++t) to[t - n + rows] = (float)((x[t] - x[t - lag]) / step);
}

// `x` is the series without gaps, `v` that without its season, `given` the one with gaps.
inline void write_channels(const BankRequest& request, const Series& s, const double* x, const double* v,
                           const double* given, float* room, float* to) {
    const int64_t rows = lower(request.steps, s.n), first = s.n - rows;
    const double step = s.step;
    Squeezed squeezed(room, rows);
    for (int64_t i = 0; i < rows; ++i) {
        squeezed[Squeezed::LEVEL][i] = (float)((x[first + i] - x[s.n - 1]) / step);
        squeezed[Squeezed::ADJUSTED][i] = (float)((v[first + i] - v[s.n - 1]) / step);
    }
    put_changes(x, 1, s.n, rows, step, squeezed[Squeezed::CHANGE]);
    put_changes(x, s.season > 1 ? s.season : 0, s.n, rows, step, squeezed[Squeezed::SEASONAL]);
    put_changes(x, s.long_season, s.n, rows, step, squeezed[Squeezed::LONG]);
    put_errors(v, s.n, rows, step, squeezed);
    squeezed.squeeze();
    const float relative = (float)(log(step / (s.size + LEAST) + 1e-6) / 5), length = (float)(log((double)s.n) / 5);
    const float period = (float)(log((double)s.season) / 3), positive = s.positive ? 1.0f : 0.0f;
    for (int64_t i = 0, place = first % s.season; i < rows; ++i, place = place + 1 == s.season ? 0 : place + 1) {
        for (int c = 0; c < Squeezed::ROWS; ++c) *to++ = squeezed[c][i];
        *to++ = s.season > 1 ? request.sine[place] : 0.0f;
        *to++ = s.season > 1 ? request.cosine[place] : 0.0f;
        *to++ = period, *to++ = request.age[rows - 1 - i], *to++ = relative, *to++ = length;
        *to++ = isnan(given[first + i]) ? 0.0f : 1.0f, *to++ = positive;
    }
}

}  // namespace
}  // namespace bank
