// Smoothings over time of many series at once; the series are shared among threads, each is computed by one.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace gatecast {

// Averages of exponential smoothings, of gatecast/statistical/exponential.py.
struct SmoothingRequest {
    const char* values;           // (R, C) float64 or float32; NaN = missing
    ptrdiff_t row, column;        // strides in bytes
    bool wide;                    // float64
    const int64_t* first;         // (B) first row of the series of each origin
    const int64_t* origin;        // (B) last row that may be used
    int64_t count, columns, horizon, season;
    const int64_t* lags;          // steps ahead that are judged, rising
    int64_t lag_count;
    double* out;                  // (B, H, C)
};
void exponential_smoothings(const SmoothingRequest& request, int64_t threads);

// Level and season at every step, of gatecast/windows/smoothing.py.
template <typename T>
struct LevelRequest {
    const T* values;              // (P, C) the series one after the other, all present
    const int64_t* first;         // (N) row of each series in the results
    const int64_t* length;        // (N)
    const int64_t* before;        // (N) steps before the first row; 0 = the series begins there. Else `level` and
                                  // `seasons` hold the first `season` rows already, and there are so many at least.
    int64_t count, columns, season;
    double alpha, gamma;
    T* level;                     // (R, C)
    T* seasons;                   // (R, C); is not touched where the season is 1 or a series has no whole one
};
template <typename T>
void smooth_levels(const LevelRequest<T>& request, int64_t threads);

}  // namespace gatecast
