// Vectors of doubles, as simd.h has vectors of floats, and their exponential.
#pragma once

#include "simd.h"

namespace {

constexpr int WIDE = LANES / 2;  // doubles of a vector

#if defined(__GNUC__)

typedef double Wide __attribute__((vector_size(WIDE * 8)));
typedef int64_t WideBits __attribute__((vector_size(WIDE * 8)));
typedef double LooseWide __attribute__((vector_size(WIDE * 8), aligned(8), may_alias));

ALWAYS_INLINE Wide load(const double* from) { return *reinterpret_cast<const LooseWide*>(from); }
ALWAYS_INLINE void store(double* to, Wide value) { *reinterpret_cast<LooseWide*>(to) = value; }

ALWAYS_INLINE Wide wide(double value) {
#if defined(__AVX512F__)
    return (Wide)_mm512_set1_pd(value);
#elif defined(__AVX2__)
    return (Wide)_mm256_set1_pd(value);
#else
    return Wide{value, value};
#endif
}

ALWAYS_INLINE Wide magnitude(Wide value) { return (Wide)((WideBits)value & INT64_MAX); }

ALWAYS_INLINE Wide least(Wide a, Wide b) {
#if defined(__AVX512F__)
    return (Wide)_mm512_min_pd((__m512d)a, (__m512d)b);
#elif defined(__AVX2__)
    return (Wide)_mm256_min_pd((__m256d)a, (__m256d)b);
#else
    WideBits below = a < b;
    return (Wide)(((WideBits)a & below) | ((WideBits)b & ~below));
#endif
}

ALWAYS_INLINE Wide most(Wide a, Wide b) {
#if defined(__AVX512F__)
    return (Wide)_mm512_max_pd((__m512d)a, (__m512d)b);
#elif defined(__AVX2__)
    return (Wide)_mm256_max_pd((__m256d)a, (__m256d)b);
#else
    WideBits above = a > b;
    return (Wide)(((WideBits)a & above) | ((WideBits)b & ~above));
#endif
}

// sum + a * b, in one rounding where the machine has it
ALWAYS_INLINE Wide multiply_add(Wide a, Wide b, Wide sum) {
#if defined(__AVX512F__)
    return (Wide)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)sum);
#elif defined(__FMA__) && defined(__AVX2__)
    return (Wide)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)sum);
#else
    return sum + a * b;
#endif
}

// sum - a * b, in one rounding where the machine has it
ALWAYS_INLINE Wide multiply_subtract(Wide a, Wide b, Wide sum) {
#if defined(__AVX512F__)
    return (Wide)_mm512_fnmadd_pd((__m512d)a, (__m512d)b, (__m512d)sum);
#elif defined(__FMA__) && defined(__AVX2__)
    return (Wide)_mm256_fnmadd_pd((__m256d)a, (__m256d)b, (__m256d)sum);
#else
    return sum - a * b;
#endif
}

// e^x to two units in the last place for |x| <= 708; below that e^-708, above e^708.
//
// e^x = 2^n e^r with n the nearest whole number to x / ln 2, |r| <= ln 2 / 2, and e^r by its Taylor series.
ALWAYS_INLINE Wide exp_of(Wide x) {
    x = most(least(x, wide(708.0)), wide(-708.0));
    const Wide to_nearest = wide(6755399441055744.0);  // 1.5 * 2^52: adding it rounds to a whole number
    Wide shifted = multiply_add(x, wide(1.4426950408889634074), to_nearest);
    Wide n = shifted - to_nearest;
    Wide r = multiply_subtract(n, wide(6.93145751953125e-1), x);  // ln 2 in two parts: the first has few digits
    r = multiply_subtract(n, wide(1.42860682030941723212e-6), r);
    // (e^r - 1) / r = even(r^2) + r odd(r^2): two chains of operations, which do not wait for each other
    Wide squared = r * r;
    Wide even = multiply_add(wide(1.0 / 6227020800.0), squared, wide(1.0 / 39916800));
    Wide odd = multiply_add(wide(1.0 / 479001600), squared, wide(1.0 / 3628800));
    even = multiply_add(even, squared, wide(1.0 / 362880));
    odd = multiply_add(odd, squared, wide(1.0 / 40320));
    even = multiply_add(even, squared, wide(1.0 / 5040));
    odd = multiply_add(odd, squared, wide(1.0 / 720));
    even = multiply_add(even, squared, wide(1.0 / 120));
    odd = multiply_add(odd, squared, wide(1.0 / 24));
    even = multiply_add(even, squared, wide(1.0 / 6));
    odd = multiply_add(odd, squared, wide(0.5));
    even = multiply_add(even, squared, wide(1.0));
    Wide p = multiply_add(odd, r, even);
    Wide power = (Wide)(((WideBits)shifted << 52) + (int64_t)0x3ff0000000000000);
    return multiply_add(power * p, r, power);
}

#else  // a compiler without vector types: plain arrays, which it may vectorise by itself

typedef Array<double> Wide;

#define GATECAST_EACH(op)                                                   \
    ALWAYS_INLINE Wide operator op(Wide a, Wide b) {                        \
        for (int i = 0; i < WIDE; ++i) a.lane[i] = a.lane[i] op b.lane[i];  \
        return a;                                                           \
    }
GATECAST_EACH(+)
GATECAST_EACH(-)
GATECAST_EACH(*)
#undef GATECAST_EACH
ALWAYS_INLINE Wide& operator+=(Wide& a, Wide b) { return a = a + b; }
ALWAYS_INLINE Wide load(const double* from) {
    Wide value = {};
    memcpy(value.lane, from, WIDE * sizeof(double));
    return value;
}
ALWAYS_INLINE void store(double* to, Wide value) { memcpy(to, value.lane, WIDE * sizeof(double)); }
ALWAYS_INLINE Wide wide(double value) {
    Wide all = {};
    for (int i = 0; i < WIDE; ++i) all[i] = value;
    return all;
}
ALWAYS_INLINE Wide magnitude(Wide value) {
    for (int i = 0; i < WIDE; ++i) value[i] = fabs(value[i]);
    return value;
}
ALWAYS_INLINE Wide least(Wide a, Wide b) {
    for (int i = 0; i < WIDE; ++i) a[i] = a[i] < b[i] ? a[i] : b[i];
    return a;
}
ALWAYS_INLINE Wide most(Wide a, Wide b) {
    for (int i = 0; i < WIDE; ++i) a[i] = a[i] > b[i] ? a[i] : b[i];
    return a;
}
ALWAYS_INLINE Wide multiply_add(Wide a, Wide b, Wide sum) { return sum + a * b; }
ALWAYS_INLINE Wide multiply_subtract(Wide a, Wide b, Wide sum) { return sum - a * b; }
ALWAYS_INLINE Wide exp_of(Wide x) {
    for (int i = 0; i < WIDE; ++i) x[i] = exp(x[i]);
    return x;
}

#endif

ALWAYS_INLINE double sum_of(Wide value) {
    double sum = 0.0;
    for (int i = 0; i < WIDE; ++i) sum += value[i];
    return sum;
}

ALWAYS_INLINE double most_of(Wide value) {
    double most = value[0];
    for (int i = 1; i < WIDE; ++i) most = value[i] > most ? value[i] : most;
    return most;
}

}  // namespace
