// Vectors of the widest kind that one instruction set has, and the handful of operations that the kernels need.
//
// Everything here has internal linkage: the same source is compiled once per instruction set, and the linker must never
// take a function of a wide set for a narrow one.
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#include <immintrin.h>
#define GATECAST_LANES 16
#elif defined(__AVX2__)
#include <immintrin.h>
#define GATECAST_LANES 8
#elif defined(__ARM_NEON) || defined(__aarch64__)
#include <arm_neon.h>
#define GATECAST_LANES 4
#elif defined(__SSE2__) || defined(_M_X64)
#include <emmintrin.h>
#define GATECAST_LANES 4
#else
#define GATECAST_LANES 4
#endif

#if defined(__GNUC__)
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 32")
#else
#define ALWAYS_INLINE __forceinline
#define UNROLL
#endif

namespace {

constexpr int LANES = GATECAST_LANES;

// Rows that one micro-kernel works on: rows x 4 accumulators, 4 vectors of weights and a broadcast fit the registers.
#if GATECAST_LANES == 16 || defined(__aarch64__)
constexpr int MOST_ROWS = 6;
#else
constexpr int MOST_ROWS = 3;
#endif

#if defined(__GNUC__)

typedef float Vec __attribute__((vector_size(LANES * 4)));
typedef uint32_t UintVec __attribute__((vector_size(LANES * 4)));
typedef float LooseVec __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

ALWAYS_INLINE Vec load(const float* from) { return *reinterpret_cast<const LooseVec*>(from); }
ALWAYS_INLINE void store(float* to, Vec value) { *reinterpret_cast<LooseVec*>(to) = value; }
ALWAYS_INLINE UintVec bits(Vec value) { return (UintVec)value; }
ALWAYS_INLINE Vec from_bits(UintVec value) { return (Vec)value; }

#else  // a compiler without vector types: plain arrays, which it may vectorise by itself

template <typename T>
struct Array {
    T lane[LANES];
    T& operator[](int i) { return lane[i]; }
    T operator[](int i) const { return lane[i]; }
};
typedef Array<float> Vec;
typedef Array<uint32_t> UintVec;

#define GATECAST_EACH(kind, op)                                                                                  \
    ALWAYS_INLINE kind operator op(kind a, kind b) {                                                             \
        for (int i = 0; i < LANES; ++i) a.lane[i] = a.lane[i] op b.lane[i];                                      \
        return a;                                                                                                \
    }                                                                                                            \
    template <typename Scalar>                                                                                   \
    ALWAYS_INLINE kind operator op(kind a, Scalar b) {                                                           \
        for (int i = 0; i < LANES; ++i) a.lane[i] = a.lane[i] op b;                                              \
        return a;                                                                                                \
    }
GATECAST_EACH(Vec, +)
GATECAST_EACH(Vec, -)
GATECAST_EACH(Vec, *)
GATECAST_EACH(Vec, /)
GATECAST_EACH(UintVec, +)
GATECAST_EACH(UintVec, *)
GATECAST_EACH(UintVec, ^)
GATECAST_EACH(UintVec, &)
GATECAST_EACH(UintVec, <<)
GATECAST_EACH(UintVec, >>)
#undef GATECAST_EACH
ALWAYS_INLINE Vec& operator+=(Vec& a, Vec b) { return a = a + b; }
ALWAYS_INLINE Vec operator-(float a, Vec b) {
    for (int i = 0; i < LANES; ++i) b.lane[i] = a - b.lane[i];
    return b;
}
ALWAYS_INLINE Vec operator/(float a, Vec b) {
    for (int i = 0; i < LANES; ++i) b.lane[i] = a / b.lane[i];
    return b;
}
ALWAYS_INLINE Vec load(const float* from) {
    Vec value;
    memcpy(value.lane, from, sizeof value);
    return value;
}
ALWAYS_INLINE void store(float* to, Vec value) { memcpy(to, value.lane, sizeof value); }
ALWAYS_INLINE UintVec bits(Vec value) {
    UintVec same;
    memcpy(same.lane, value.lane, sizeof same);
    return same;
}
ALWAYS_INLINE Vec from_bits(UintVec value) {
    Vec same;
    memcpy(same.lane, value.lane, sizeof same);
    return same;
}

#endif

ALWAYS_INLINE Vec broadcast(float value) {
#if defined(__AVX512F__) && defined(__GNUC__)
    return (Vec)_mm512_set1_ps(value);
#elif defined(__AVX2__) && defined(__GNUC__)
    return (Vec)_mm256_set1_ps(value);
#elif defined(__GNUC__) && GATECAST_LANES == 4
    return Vec{value, value, value, value};
#else
    Vec all;
    for (int i = 0; i < LANES; ++i) all[i] = value;
    return all;
#endif
}

ALWAYS_INLINE Vec zeros() { return broadcast(0.0f); }

// sum + a * b, in one rounding where the machine has it
ALWAYS_INLINE Vec multiply_add(Vec a, Vec b, Vec sum) {
#if defined(__AVX512F__) && defined(__GNUC__)
    return (Vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)sum);
#elif defined(__FMA__) && defined(__AVX2__) && defined(__GNUC__)
    return (Vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)sum);
#elif defined(__aarch64__) && defined(__GNUC__)
    return (Vec)vfmaq_f32((float32x4_t)sum, (float32x4_t)a, (float32x4_t)b);
#else
    return sum + a * b;
#endif
}

// a / b, rounded as a division is: exactly 1 where a is b. A table of reciprocals and two corrections leave the slow
// divider alone.
ALWAYS_INLINE Vec divided(Vec a, Vec b) {
#if defined(__AVX512F__) && defined(__GNUC__)
    __m512 top = (__m512)a, bottom = (__m512)b, one_over = _mm512_rcp14_ps(bottom);
    one_over = _mm512_fmadd_ps(_mm512_fnmadd_ps(bottom, one_over, _mm512_set1_ps(1.0f)), one_over, one_over);
    __m512 quotient = _mm512_mul_ps(top, one_over);
    return (Vec)_mm512_fmadd_ps(_mm512_fnmadd_ps(quotient, bottom, top), one_over, quotient);
#else
    return a / b;
#endif
}

// value kept within -limit .. limit; NaN stays NaN
ALWAYS_INLINE Vec clamp(Vec value, float limit) {
#if defined(__AVX512F__) && defined(__GNUC__)
    __m512 low = _mm512_max_ps(_mm512_set1_ps(-limit), (__m512)value);
    return (Vec)_mm512_min_ps(_mm512_set1_ps(limit), low);
#elif defined(__AVX2__) && defined(__GNUC__)
    __m256 low = _mm256_max_ps(_mm256_set1_ps(-limit), (__m256)value);
    return (Vec)_mm256_min_ps(_mm256_set1_ps(limit), low);
#elif defined(__GNUC__)
    Vec high = broadcast(limit), low = broadcast(-limit);
    value = value < low ? low : value;
    return value > high ? high : value;
#else
    for (int i = 0; i < LANES; ++i) {
        if (value[i] < -limit) value[i] = -limit;
        if (value[i] > limit) value[i] = limit;
    }
    return value;
#endif
}

// keep where a number of 32 random bits is at least `bound`, else 0
ALWAYS_INLINE Vec keep_from(UintVec random, uint32_t bound, Vec keep) {
#if defined(__GNUC__)
    UintVec mask = (UintVec)(random >= bound);
    return (Vec)((UintVec)keep & mask);
#else
    for (int i = 0; i < LANES; ++i)
        if (random[i] < bound) keep[i] = 0.0f;
    return keep;
#endif
}

ALWAYS_INLINE Vec magnitude(Vec value) { return from_bits(bits(value) & 0x7fffffffu); }

// then where value < 0, else otherwise (also for NaN)
ALWAYS_INLINE Vec where_negative(Vec value, Vec then, Vec otherwise) {
#if defined(__GNUC__)
    return value < zeros() ? then : otherwise;
#else
    for (int i = 0; i < LANES; ++i)
        if (value[i] < 0.0f) otherwise[i] = then[i];
    return otherwise;
#endif
}

ALWAYS_INLINE Vec square_root(Vec value) {
#if defined(__AVX512F__) && defined(__GNUC__)
    return (Vec)_mm512_sqrt_ps((__m512)value);
#elif defined(__AVX2__) && defined(__GNUC__)
    return (Vec)_mm256_sqrt_ps((__m256)value);
#elif defined(__SSE2__) && defined(__GNUC__)
    return (Vec)_mm_sqrt_ps((__m128)value);
#elif defined(__aarch64__) && defined(__GNUC__)
    return (Vec)vsqrtq_f32((float32x4_t)value);
#else
    for (int i = 0; i < LANES; ++i) value[i] = sqrtf(value[i]);
    return value;
#endif
}

ALWAYS_INLINE UintVec counting(uint32_t first) {
    UintVec count;
    for (int i = 0; i < LANES; ++i) count[i] = first + (uint32_t)i;
    return count;
}

ALWAYS_INLINE float sum_of(Vec value) {
    float sum = 0.0f;
    for (int i = 0; i < LANES; ++i) sum += value[i];
    return sum;
}

inline Vec load_part(const float* from, ptrdiff_t count) {
    float room[LANES] = {0};
    memcpy(room, from, (size_t)count * sizeof(float));
    return load(room);
}

inline void store_part(float* to, Vec value, ptrdiff_t count) {
    float room[LANES];
    store(room, value);
    memcpy(to, room, (size_t)count * sizeof(float));
}

}  // namespace
