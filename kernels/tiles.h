// Products of wide layers in the processor's tiles (AMX), which multiply bf16 and add in float32.
//
//     a = a1 + a2, b = b1 + b2: each number as two bf16, 16 bits of it        (Henry, Tang and Heinecke 2019)
//     a b ~ a1 b1 + a2 b1 + a1 b2: a2 b2, below 2^-16 of it, is left out
//
// So a sum is 1e-5 of its largest products from float32's, at three products for one: for layers that ask for it. A row
// goes the same way however many others are there: its numbers do not depend on them.
//
// Packed: [16 floats: infinite or not], then for each block of units
//     [bias: 4 x 16 floats] and for each 32 inputs, then each 32 hidden units, and each gate
//     [first halves: 16 pairs x 16 units x 2] [second halves]
#pragma once

#include "cell.h"

namespace {

constexpr int64_t TILE_ROWS = 16, TILE_INNER = 32, TILE = TILE_ROWS * TILE_INNER;

typedef uint16_t Half;  // the bits of a bf16

#if defined(__AMX_BF16__) && defined(__AVX512BF16__)

constexpr bool HAS_TILES = true;

// ---------------------------------------------------------------- numbers in two halves

struct Halves {
    __m512i first, second;  // of 32 numbers
    bool infinite;
};

ALWAYS_INLINE __m512 as_floats(__m256i halves) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

// What the first half leaves; nothing where that is infinite.
ALWAYS_INLINE __m512 left_of(__m512 value, __m512 first, __mmask16 infinite) {
    return _mm512_maskz_sub_ps((__mmask16)~infinite, value, first);
}

ALWAYS_INLINE Halves halves_of(const float* from) {
    const __m512 low = _mm512_loadu_ps(from), high = _mm512_loadu_ps(from + 16);
    Halves halves;
    halves.first = (__m512i)_mm512_cvtne2ps_pbh(high, low);
    const __m512 low_first = as_floats(_mm512_castsi512_si256(halves.first));
    const __m512 high_first = as_floats(_mm512_extracti64x4_epi64(halves.first, 1));
    const __mmask16 low_infinite = _mm512_fpclass_ps_mask(low_first, 0x18);
    const __mmask16 high_infinite = _mm512_fpclass_ps_mask(high_first, 0x18);
    halves.second = (__m512i)_mm512_cvtne2ps_pbh(left_of(high, high_first, high_infinite),
                                                 left_of(low, low_first, low_infinite));
    halves.infinite = (low_infinite | high_infinite) != 0;
    return halves;
}

ALWAYS_INLINE float number(Half first, Half second) {
    const uint32_t bits[2] = {(uint32_t)first << 16, (uint32_t)second << 16};
    float parts[2];
    memcpy(parts, bits, sizeof parts);
    return parts[0] + parts[1];
}

// ---------------------------------------------------------------- weights

// Columns of a torch matrix (4D, count) for one block of units. Returns whether one is infinite.
inline bool pack_tiles(const float* weight, int64_t count, int64_t units, int64_t first, Half*& to) {
    const __m512i pairs = _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                                             _mm512_set1_epi32(TILE_ROWS));
    const int64_t real = units - first < TILE_ROWS ? units - first : TILE_ROWS;
    bool infinite = false;
    for (int64_t k = 0; k < count; k += TILE_INNER) {
        const int64_t width = count - k < TILE_INNER ? count - k : TILE_INNER;
        for (int gate = 0; gate < 4; ++gate, to += 2 * TILE) {
            if (real < TILE_ROWS) memset(to, 0, 2 * TILE * sizeof(Half));
            for (int64_t lane = 0; lane < real; ++lane) {
                float line[TILE_INNER] = {0};
                memcpy(line, weight + (gate * units + first + lane) * count + k, (size_t)width * sizeof(float));
                const Halves halves = halves_of(line);
                _mm512_i32scatter_epi32(to + 2 * lane, pairs, halves.first, 4);
                _mm512_i32scatter_epi32(to + TILE + 2 * lane, pairs, halves.second, 4);
                infinite |= halves.infinite;
            }
        }
    }
    return infinite;
}

inline int64_t tiles_of(int64_t count) { return padded(count, TILE_INNER) / TILE_INNER; }

inline void pack_layer_in_tiles(const gatecast::Weights& weights, int64_t features, int64_t units, bool hidden,
                                float* packed) {
    float* header = packed;
    packed += LANES;
    bool infinite = false;
    for (int64_t first = 0; first < units; first += LANES) {
        packed = pack_bias(weights, units, first, packed);
        Half* to = reinterpret_cast<Half*>(packed);
        infinite |= pack_tiles(weights.input, features, units, first, to);
        if (hidden) infinite |= pack_tiles(weights.hidden, units, units, first, to);
        packed += 4 * TILE * (tiles_of(features) + tiles_of(units));
    }
    *header = infinite ? 1.0f : 0.0f;
}

// ---------------------------------------------------------------- rows

constexpr int64_t ROWS_AT_ONCE = 2 * TILE_ROWS;  // weights come from the second cache: each serves two tiles of rows
constexpr int64_t SUMS = ROWS_AT_ONCE * 4 * LANES;

// What some rows of a step read, in halves, and the sums of two blocks of units: one at work, one to be finished.
class TileRoom {
public:
    TileRoom(int64_t features, int64_t units, float* room)
        : inputs_(padded(features, TILE_INNER)), inner_(inputs_ + padded(units, TILE_INNER)),
          row_(inner_ + (inner_ / TILE_INNER % 2 ? 0 : TILE_INNER)),  // lines in different parts of the cache
          room_(room) {
        memset(line(), 0, (size_t)inner_ * sizeof(float));
    }

    int64_t tiles(bool hidden) const { return (hidden ? inner_ : inputs_) / TILE_INNER; }
    size_t row_bytes() const { return (size_t)row_ * sizeof(Half); }
    Half* first(int64_t row) const { return reinterpret_cast<Half*>(room_ + inner_) + row * row_; }
    Half* second(int64_t row) const { return first(row + ROWS_AT_ONCE); }
    float* sums(int64_t turn) const {  // [32][4][16]
        return room_ + inner_ + ROWS_AT_ONCE * row_ + turn % 2 * SUMS;
    }
    bool infinite(int64_t row) const { return infinite_ >> row & 1; }

    // The stretches of some rows; those of the inputs first.
    void read(const Stretch* stretches, int inputs, int count, int64_t first_row, int64_t rows) {
        infinite_ = 0;
        for (int64_t r = 0; r < rows; ++r) {
            float* to = line();
            for (int i = 0; i < count; ++i) {
                if (i == inputs) to = line() + inputs_;
                const Stretch& stretch = stretches[i];
                memcpy(to, stretch.base + (first_row + r) * stretch.row, (size_t)stretch.length * sizeof(float));
                to += stretch.length;
            }
            for (int64_t k = 0; k < tiles(count > inputs) * TILE_INNER; k += TILE_INNER) {
                const Halves halves = halves_of(line() + k);
                _mm512_storeu_si512(first(r) + k, halves.first);
                _mm512_storeu_si512(second(r) + k, halves.second);
                infinite_ |= (uint32_t)halves.infinite << r;
            }
        }
    }

private:
    float* line() const { return room_; }

    int64_t inputs_, inner_, row_;
    float* room_;
    uint32_t infinite_ = 0;
};

// Sums of a block of units that become its states, a few rows at a time while the tiles work on the next block.
struct Unfinished {
    ForwardBlock block;
    const float* bias;
    const float* sums;
    int64_t first, rows, done;

    ALWAYS_INLINE void go_on(int64_t count) {
        const int64_t to = done + count < rows ? done + count : rows;
        for (; done < to; ++done) {
            Vec raw[4];
            UNROLL for (int v = 0; v < 4; ++v) raw[v] = load(sums + (done * 4 + v) * LANES) + load(bias + v * LANES);
            block.finish(raw, first + done);
        }
    }
};

// Tiles 4 and 5 hold rows, 6 and 7 weights, 0 to 3 sums: of the four gates of one tile of rows, or of two of two.
inline void configure_tiles(int64_t rows) {
    struct {
        uint8_t palette, start, reserved[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } config = {};
    config.palette = 1;
    const uint8_t upper = (uint8_t)(rows < TILE_ROWS ? rows : TILE_ROWS);
    const uint8_t lower = (uint8_t)(rows > TILE_ROWS ? rows - TILE_ROWS : rows);
    const uint8_t all[8] = {upper, upper, lower, lower, upper, lower, TILE_ROWS, TILE_ROWS};
    for (int tile = 0; tile < 8; ++tile) {
        config.bytes[tile] = 64;
        config.rows[tile] = all[tile];
    }
    _tile_loadconfig(&config);
}

constexpr size_t SUM_ROW = 4 * LANES * sizeof(float);

#define GATECAST_ADD_GATE(gate)                                  \
    _tile_loadd(6, weights + (gate) * 2 * TILE, 64);             \
    _tile_dpbf16ps(gate, 5, 6);                                  \
    _tile_dpbf16ps(gate, 4, 6);                                  \
    _tile_loadd(7, weights + (gate) * 2 * TILE + TILE, 64);      \
    _tile_dpbf16ps(gate, 4, 7)

// All gates of up to 16 rows. The products are added up in the order that add_pair has.
inline void add_tiles(const TileRoom& room, int64_t tiles, const Half* weights, float* sums, Unfinished& before) {
    const int64_t meanwhile = (before.rows + tiles - 1) / tiles;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t k = 0; k < tiles; ++k, weights += 8 * TILE) {
        _tile_loadd(4, room.first(0) + k * TILE_INNER, room.row_bytes());
        _tile_loadd(5, room.second(0) + k * TILE_INNER, room.row_bytes());
        GATECAST_ADD_GATE(0);
        GATECAST_ADD_GATE(1);
        GATECAST_ADD_GATE(2);
        GATECAST_ADD_GATE(3);
        before.go_on(meanwhile);
    }
    _tile_stored(0, sums, SUM_ROW);
    _tile_stored(1, sums + LANES, SUM_ROW);
    _tile_stored(2, sums + 2 * LANES, SUM_ROW);
    _tile_stored(3, sums + 3 * LANES, SUM_ROW);
}

#undef GATECAST_ADD_GATE

// Two gates of 17 to 32 rows.
inline void add_pair(const TileRoom& room, int64_t tiles, const Half* weights, float* sums, Unfinished& before) {
    const int64_t meanwhile = (before.rows + 2 * tiles - 1) / (2 * tiles);
    const size_t stride = room.row_bytes();
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t k = 0; k < tiles; ++k, weights += 8 * TILE) {
        const Half *upper = room.first(0) + k * TILE_INNER, *lower = room.first(TILE_ROWS) + k * TILE_INNER;
        const Half *upper_rest = room.second(0) + k * TILE_INNER, *lower_rest = room.second(TILE_ROWS) + k * TILE_INNER;
        _tile_loadd(4, upper_rest, stride);
        _tile_loadd(6, weights, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, weights + 2 * TILE, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, lower_rest, stride);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
        _tile_loadd(4, upper, stride);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, lower, stride);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
        _tile_loadd(6, weights + TILE, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(2, 5, 6);
        _tile_loadd(7, weights + 3 * TILE, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(3, 5, 7);
        before.go_on(meanwhile);
    }
    _tile_stored(0, sums, SUM_ROW);
    _tile_stored(1, sums + LANES, SUM_ROW);
    _tile_stored(2, sums + TILE_ROWS * 4 * LANES, SUM_ROW);
    _tile_stored(3, sums + TILE_ROWS * 4 * LANES + LANES, SUM_ROW);
}

// The same one by one for a row with infinite factors: infinity times a second half may be no number.
inline void add_one_by_one(const TileRoom& room, int64_t tiles, const Half* weights, int64_t row, float* sums) {
    for (int64_t at = 0; at < 4 * LANES; ++at) {
        const Half* column = weights + at / LANES * 2 * TILE + at % LANES * 2;
        float sum = 0.0f;
        for (int64_t k = 0; k < tiles * TILE_INNER; ++k) {
            const Half* weight = column + k / TILE_INNER * 8 * TILE + k % TILE_INNER / 2 * 2 * TILE_ROWS + k % 2;
            sum += number(room.first(row)[k], room.second(row)[k]) * number(weight[0], weight[TILE]);
        }
        sums[row * 4 * LANES + at] = sum;
    }
}

// One step of a layer for some rows. inputs: how many of the stretches are no hidden state.
inline void forward_step_in_tiles(TileRoom& room, const Stretch* stretches, int inputs, int count, int64_t rows,
                                  const float* packed, ForwardBlock block) {
    const bool infinite = packed[0] != 0.0f;
    const int64_t tiles = room.tiles(count > inputs), block_size = 4 * LANES + 4 * TILE * room.tiles(true);
    for (int64_t first = 0; first < rows; first += ROWS_AT_ONCE) {
        const int64_t here = rows - first < ROWS_AT_ONCE ? rows - first : ROWS_AT_ONCE;
        configure_tiles(here);
        room.read(stretches, inputs, count, first, here);
        Unfinished before = {};
        ForwardBlock units = block;
        const float* bias = packed + LANES;
        for (int64_t unit = 0; unit < block.state_row; unit += LANES, bias += block_size, units.next_units()) {
            const Half* weights = reinterpret_cast<const Half*>(bias + 4 * LANES);
            float* sums = room.sums(unit / LANES);
            if (here > TILE_ROWS) {
                add_pair(room, tiles, weights, sums, before);
                add_pair(room, tiles, weights + 4 * TILE, sums + 2 * LANES, before);
            } else {
                add_tiles(room, tiles, weights, sums, before);
            }
            before.go_on(here);
            for (int64_t r = 0; r < here; ++r)
                if (infinite || room.infinite(r)) add_one_by_one(room, tiles, weights, r, sums);
            before = Unfinished{units, bias, sums, first, here, 0};
        }
        before.go_on(here);
    }
    _tile_release();
}

#else

constexpr bool HAS_TILES = false;

struct TileRoom {
    TileRoom(int64_t, int64_t, float*) {}
};
inline void pack_layer_in_tiles(const gatecast::Weights&, int64_t, int64_t, bool, float*) {}
inline void forward_step_in_tiles(TileRoom&, const Stretch*, int, int, int64_t, const float*, ForwardBlock) {}

#endif

}  // namespace
