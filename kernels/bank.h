// The bank of simple forecasts of gatecast/pretrained/bank.py: many series at once, each computed by one thread.
#pragma once

#include <stdint.h>

namespace gatecast {

constexpr int64_t BANK_EXPERTS = 59, BANK_CHANNELS = 15, BANK_ERRORS = 2;

struct BankRequest {
    const double* values;           // the series one after the other; NaN = missing, but the last value is there
    const int64_t *first, *length;  // (B) where each begins, and its steps, 3 at least
    int64_t count, season, long_season, horizon;  // season 1 = none, long_season 0 = none
    int64_t steps;                  // T, last steps of a series that channels are given of
    float* forecast;                // (B, H, K) in units of the series; NaN = this expert cannot say
    float* error;                   // (B, K, 2) mean absolute errors of the near and far steps of its past forecasts
    float* channel;                 // (B, T, C)
    double* unit;                   // (B, 2) the last value and the mean absolute step
    // What all series share:
    int64_t longest;                // steps
    const float *sine, *cosine;     // (season) of each place in the cycle
    const float* age;               // (T) what the network reads of 0, 1, .. steps before the last one
};
void bank_of_forecasts(BankRequest request, int64_t threads);  // what all series share is filled in there

}  // namespace gatecast
