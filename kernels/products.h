// Matrix products in registers: a few rows times one panel of packed weights, and sums of outer products.
//
//     rows  x  panel          accumulators stay in registers over the whole inner loop;
//     [ a ]    [b0 b1 b2 b3]  each weight vector is used by all rows, each number of a row by all vectors of the panel
#pragma once

#include "kernels.h"
#include "simd.h"

namespace {

using gatecast::padded;

constexpr int PANEL = 4;  // vectors of one panel

// A stretch of the inner dimension that lies contiguous in each row.
struct Stretch {
    const float* base;
    ptrdiff_t row;
    int64_t length;
};

template <int ROWS, int VECTORS>
struct Tile {
    Vec sum[ROWS][VECTORS];
};

// sum += rows x weights over one stretch; returns where the weights of the next stretch begin
template <int ROWS, int VECTORS>
ALWAYS_INLINE const float* accumulate(Tile<ROWS, VECTORS>& tile, const Stretch& stretch, int64_t first_row,
                                      const float* weights) {
    const float* row[ROWS];
    UNROLL for (int r = 0; r < ROWS; ++r) row[r] = stretch.base + (first_row + r) * stretch.row;
    for (int64_t k = 0; k < stretch.length; ++k) {
        Vec weight[VECTORS];
        UNROLL for (int v = 0; v < VECTORS; ++v) weight[v] = load(weights + v * LANES);
        UNROLL for (int r = 0; r < ROWS; ++r) {
            Vec value = broadcast(row[r][k]);
            UNROLL for (int v = 0; v < VECTORS; ++v) tile.sum[r][v] = multiply_add(value, weight[v], tile.sum[r][v]);
        }
        weights += VECTORS * LANES;
    }
    return weights;
}

// Calls body.template rows<R>(first_row) for blocks of nearly equal size that cover all rows.
template <typename Body>
ALWAYS_INLINE void in_row_blocks(int64_t rows, const Body& body) {
    int64_t blocks = (rows + MOST_ROWS - 1) / MOST_ROWS, row = 0;
    for (int64_t block = 0; block < blocks; ++block) {
        int64_t size = (rows - row + blocks - block - 1) / (blocks - block);
        switch (size) {
            case 1: body.template rows<1>(row); break;
            case 2: body.template rows<2>(row); break;
            case 3: body.template rows<3>(row); break;
#if GATECAST_LANES == 16 || defined(__aarch64__)
            case 4: body.template rows<4>(row); break;
            case 5: body.template rows<5>(row); break;
            case 6: body.template rows<6>(row); break;
#endif
            default: break;
        }
        row += size;
    }
}

// ---------------------------------------------------------------- rows x packed panels -> rows

template <int VECTORS>
struct DenseBlock {
    const Stretch* stretches;
    int count;
    const float* bias;     // one panel, or null
    const float* weights;  // one panel
    float* out;            // at the panel's first column
    ptrdiff_t out_row;
    int64_t columns;       // how many of them are real
    bool add;

    template <int ROWS>
    ALWAYS_INLINE void rows(int64_t first_row) const {
        Tile<ROWS, VECTORS> tile;
        UNROLL for (int r = 0; r < ROWS; ++r)
            UNROLL for (int v = 0; v < VECTORS; ++v) tile.sum[r][v] = bias ? load(bias + v * LANES) : zeros();
        const float* next = weights;
        for (int i = 0; i < count; ++i) next = accumulate(tile, stretches[i], first_row, next);
        UNROLL for (int r = 0; r < ROWS; ++r)
            UNROLL for (int v = 0; v < VECTORS; ++v)
                put(out + (first_row + r) * out_row + v * LANES, tile.sum[r][v], columns - v * LANES);
    }

    ALWAYS_INLINE void put(float* to, Vec value, int64_t room) const {
        if (room >= LANES) {
            store(to, add ? load(to) + value : value);
        } else if (room > 0) {
            store_part(to, add ? load_part(to, room) + value : value, room);
        }
    }
};

// Panels of up to four vectors; packed: per panel [bias row][inner][vectors] or without the bias row.
template <int VECTORS>
void dense_panel(int64_t rows, const Stretch* stretches, int count, int64_t inner, bool with_bias, const float*& packed,
                 float* out, ptrdiff_t out_row, int64_t columns, bool add) {
    const int64_t width = VECTORS * LANES;
    const float* bias = with_bias ? packed : nullptr;
    const float* weights = with_bias ? packed + width : packed;
    in_row_blocks(rows, DenseBlock<VECTORS>{stretches, count, bias, weights, out, out_row, columns, add});
    packed = weights + inner * width;
}

inline void dense_panels(int64_t rows, const Stretch* stretches, int count, bool with_bias, const float* packed,
                         float* out, ptrdiff_t out_row, int64_t columns, bool add) {
    int64_t inner = 0;
    for (int i = 0; i < count; ++i) inner += stretches[i].length;
    int64_t vectors = padded(columns, LANES) / LANES;
    for (int64_t done = 0; done < vectors; done += PANEL) {
        float* to = out + done * LANES;
        int64_t left = columns - done * LANES;
        switch (vectors - done < PANEL ? vectors - done : PANEL) {
            case 1: dense_panel<1>(rows, stretches, count, inner, with_bias, packed, to, out_row, left, add); break;
            case 2: dense_panel<2>(rows, stretches, count, inner, with_bias, packed, to, out_row, left, add); break;
            case 3: dense_panel<3>(rows, stretches, count, inner, with_bias, packed, to, out_row, left, add); break;
            default: dense_panel<4>(rows, stretches, count, inner, with_bias, packed, to, out_row, left, add); break;
        }
    }
}

// ---------------------------------------------------------------- sums of outer products

// sum[m][c] += sum over rows of left[row][m] * right[row][c], for a block of m and one panel of c
template <int VECTORS>
struct OuterBlock {
    int64_t length;
    const float* left;
    ptrdiff_t left_row;
    const float* right;
    ptrdiff_t right_row;
    float* sum;
    ptrdiff_t sum_row;

    template <int ROWS>
    ALWAYS_INLINE void rows(int64_t first) const {
        Tile<ROWS, VECTORS> tile;
        float* to = sum + first * sum_row;
        UNROLL for (int r = 0; r < ROWS; ++r)
            UNROLL for (int v = 0; v < VECTORS; ++v) tile.sum[r][v] = load(to + r * sum_row + v * LANES);
        const float* a = left + first;
        const float* b = right;
        for (int64_t k = 0; k < length; ++k, a += left_row, b += right_row) {
            Vec column[VECTORS];
            UNROLL for (int v = 0; v < VECTORS; ++v) column[v] = load(b + v * LANES);
            UNROLL for (int r = 0; r < ROWS; ++r) {
                Vec value = broadcast(a[r]);
                UNROLL for (int v = 0; v < VECTORS; ++v)
                    tile.sum[r][v] = multiply_add(value, column[v], tile.sum[r][v]);
            }
        }
        UNROLL for (int r = 0; r < ROWS; ++r)
            UNROLL for (int v = 0; v < VECTORS; ++v) store(to + r * sum_row + v * LANES, tile.sum[r][v]);
    }
};

inline void add_outer(int64_t rows, const float* left, ptrdiff_t left_row, int64_t left_columns, const float* right,
                      ptrdiff_t right_row, int64_t right_columns, float* sum, ptrdiff_t sum_row) {
    for (int64_t at = 0; at < right_columns; at += PANEL * LANES) {
        const float* b = right + at;
        float* to = sum + at;
        switch ((right_columns - at) / LANES) {
            case 1: in_row_blocks(left_columns, OuterBlock<1>{rows, left, left_row, b, right_row, to, sum_row}); break;
            case 2: in_row_blocks(left_columns, OuterBlock<2>{rows, left, left_row, b, right_row, to, sum_row}); break;
            case 3: in_row_blocks(left_columns, OuterBlock<3>{rows, left, left_row, b, right_row, to, sum_row}); break;
            default: in_row_blocks(left_columns, OuterBlock<4>{rows, left, left_row, b, right_row, to, sum_row}); break;
        }
    }
}

// sum[c] += sum over rows of right[row][c]
inline void add_rows(int64_t rows, const float* right, ptrdiff_t right_row, int64_t right_columns, float* sum) {
    for (int64_t at = 0; at < right_columns; at += LANES) {
        Vec total = load(sum + at);
        for (int64_t k = 0; k < rows; ++k) total += load(right + k * right_row + at);
        store(sum + at, total);
    }
}

}  // namespace
