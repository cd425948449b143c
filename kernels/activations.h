// exp, sigmoid, tanh, log and asinh of a vector, to about 2e-7.
//
// e^x = 2^n e^r with n the nearest whole number to x / ln 2; e^r - 1 on |r| <= ln 2 / 2 is r + r^2 P(r), P of degree 5
// (coefficients of the Cephes library, S. L. Moshier). e^r - 1 instead of e^r keeps tanh exact near 0.
#pragma once

#include "simd.h"

namespace {

struct Exponential {
    Vec power;       // 2^n
    Vec remainder;   // e^r - 1
};

ALWAYS_INLINE Exponential exponential(Vec x) {
    const float to_nearest = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number
    Vec shifted = multiply_add(x, broadcast(1.44269504f), broadcast(to_nearest));
    Vec n = shifted - to_nearest;
    Vec r = multiply_add(n, broadcast(-0.693359375f), x);  // ln 2 in two parts: the first has few digits
    r = multiply_add(n, broadcast(2.12194440e-4f), r);
    Vec p = broadcast(1.9875691500e-4f);
    p = multiply_add(p, r, broadcast(1.3981999507e-3f));
    p = multiply_add(p, r, broadcast(8.3334519073e-3f));
    p = multiply_add(p, r, broadcast(4.1665795894e-2f));
    p = multiply_add(p, r, broadcast(1.6666665459e-1f));
    p = multiply_add(p, r, broadcast(5.0000001201e-1f));
    Exponential e;
    e.remainder = multiply_add(r * r, p, r);
    e.power = from_bits((bits(shifted) << 23) + 0x3f800000u);
    return e;
}

ALWAYS_INLINE Vec exp_of(Vec x) {
    Exponential e = exponential(clamp(x, 87.0f));
    return multiply_add(e.power, e.remainder, e.power);
}

// Both reach exactly 1 (and -1 or 0) where float32 has no number between; their slopes are then exactly 0.
ALWAYS_INLINE Vec sigmoid(Vec x) {
    Exponential e = exponential(clamp(zeros() - x, 88.3f));
    return divided(broadcast(1.0f), multiply_add(e.power, e.remainder, e.power + 1.0f));  // below 1e-38 flushed to 0
}

// t / (t + 2) with t = e^2x - 1
ALWAYS_INLINE Vec tanh_of(Vec x) {
    Exponential e = exponential(clamp(x + x, 80.0f));
    Vec t = multiply_add(e.power, e.remainder, e.power - 1.0f);
    return divided(t, t + 2.0f);
}

// log y of y >= 1, to about 1e-7: y = 2^k (1 + f) with 1 + f near 1, and s = f / (2 + f)   (the way of fdlibm)
ALWAYS_INLINE Vec log_of(Vec y) {
    const UintVec moved = bits(y) + (0x3f800000u - 0x3f3504f3u);
    const Vec k = from_bits(((moved >> 23) - 127u) + 0x4b000000u) - 8388608.0f;
    const Vec f = from_bits((moved & 0x7fffffu) + 0x3f3504f3u) - 1.0f;
    const Vec s = divided(f, f + 2.0f), z = s * s;
    Vec r = broadcast(0.24279078841f);
    r = multiply_add(r, z, broadcast(0.28498786688f));
    r = multiply_add(r, z, broadcast(0.40000972152f));
    r = multiply_add(r, z, broadcast(0.66666662693f)) * z;
    const Vec half = f * f * 0.5f;
    return multiply_add(k, broadcast(0.69314718056f), f - (half - s * (half + r)));
}

ALWAYS_INLINE Vec asinh_of(Vec x) {
    const Vec size = magnitude(x);
    const Vec value = log_of(size + square_root(multiply_add(x, x, broadcast(1.0f))));
    return where_negative(x, zeros() - value, value);
}

}  // namespace
