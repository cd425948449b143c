#include "stack.h"

#include <string.h>

#include "dispatch.h"
#include "pool.h"

namespace gatecast {

namespace {

constexpr int64_t ROWS_WITHOUT_TRAINING = 32;     // states of one step stay in the nearest cache; see tiles.h
constexpr int64_t LEAST_UNITS_IN_TILES = 64;      // a narrower layer is done before a tile is full
constexpr int64_t ROWS_TO_COLLECT = 96;           // inner length of a weight gradient's product ...
constexpr int64_t FLOATS_TO_COLLECT = 64 * 1024;  // ... as long as what it reads stays in the second cache

int64_t chunk_count(int64_t batch, int64_t threads, bool training) {
    if (training) return threads < batch ? threads : batch;
    int64_t chunks = (batch + ROWS_WITHOUT_TRAINING - 1) / ROWS_WITHOUT_TRAINING;
    if (chunks < threads) chunks = threads < batch ? threads : batch;
    return (chunks + threads - 1) / threads * threads < batch ? (chunks + threads - 1) / threads * threads : chunks;
}

int64_t collected_steps(int64_t rows, int64_t steps, int64_t units, int64_t lanes) {
    int64_t wanted = (ROWS_TO_COLLECT + rows - 1) / rows;
    int64_t fitting = FLOATS_TO_COLLECT / (rows * gate_stride(units, lanes));
    int64_t chosen = wanted < fitting ? wanted : fitting;
    if (chosen < 1) chosen = 1;
    return chosen < steps ? chosen : steps;
}

// Zeros for the steps after each row's end.
void clear_past(const int64_t* lengths, const Room& room, int64_t steps, float* values, ptrdiff_t row, ptrdiff_t step,
                int64_t width) {
    for (int64_t r = room.first; r < room.first + room.rows; ++r)
        for (int64_t t = lengths[r]; t < steps; ++t)
            memset(values + r * row + t * step, 0, (size_t)width * sizeof(float));
}

}  // namespace

Stack::Stack(const StackShape& shape, int64_t threads, bool training, Dropout dropout, int64_t count, bool halves)
    : shape_(shape), kernels_(chosen()), threads_(threads),
      chunks_(chunk_count(shape.batch, count ? count : threads, training)),
      padded_(padded(shape.units, kernels_.lanes)), training_(training),
      tiled_(halves && !training && kernels_.tiles && shape.units >= LEAST_UNITS_IN_TILES), dropout_(dropout) {
    Parts packs(nullptr), sums(nullptr);
    for (int64_t cell = 0; cell < cells(); ++cell) {
        const int64_t F = features(cell / shape.directions);
        pack_at_.push_back(packs.used());
        packs.take(forward_pack_size(F, shape.units, kernels_.lanes));
        sum_at_.push_back(sums.used());
        sums.take(weight_sum_size(F, shape.units, kernels_.lanes));
    }
    sum_size_ = sums.used();
    packs_ = Block(packs.used());
    if (!training) return;
    Parts sizes(nullptr);
    for (int64_t chunk = 0; chunk < chunks_; ++chunk) lay_out(chunk, sizes);
    states_ = Block(sizes.used());
    Parts parts(states_.data());
    for (int64_t chunk = 0; chunk < chunks_; ++chunk) rooms_.push_back(lay_out(chunk, parts));
}

Room Stack::lay_out(int64_t chunk, Parts& parts) const {
    Room room;
    room.first = first_row(chunk);
    room.rows = first_row(chunk + 1) - room.first;
    const int64_t state = room.rows * padded_, T = shape_.steps;
    for (int64_t layer = 0; layer < shape_.layers; ++layer) {
        const bool read_on = training_ || layer + 1 < shape_.layers;
        for (int64_t direction = 0; direction < shape_.directions; ++direction) {
            Room::Cell cell;
            cell.hidden_slots = read_on ? T + 1 : 2;
            cell.cell_slots = training_ ? T + 1 : 1;
            cell.hidden = parts.take(cell.hidden_slots * state);
            cell.cell = parts.take(cell.cell_slots * state);
            cell.gates = training_ ? parts.take(4 * T * state) : nullptr;
            room.cells.push_back(cell);
        }
        const bool drops = training_ && dropout_.rate > 0.0f && layer > 0;
        room.dropped.push_back(drops ? parts.take(T * room.rows * span()) : nullptr);
    }
    const int64_t widest = shape_.layers > 1 && features(1) > shape_.features ? features(1) : shape_.features;
    room.work = tiled_ ? parts.take(forward_room(widest, shape_.units)) : nullptr;
    return room;
}

// ---------------------------------------------------------------- forward

void Stack::pack(const Weights* weights, bool hidden) {
    parallel(cells(), threads_, [&](int64_t cell) {
        kernels_.pack_forward(weights[cell], features(cell / shape_.directions), shape_.units, hidden, tiled_,
                              packs_.data() + pack_at_[(size_t)cell]);
    });
}

void Stack::forward(const StackData& data, const Weights* weights) {
    pack(weights, shape_.steps > 1 || data.h0 || data.c0);
    parallel(chunks_, threads_, [&](int64_t chunk) { forward_chunk(data, chunk); });
}

void Stack::forward_chunk(const StackData& data, int64_t chunk) {
    if (training_) return run_layers(data, rooms_[(size_t)chunk]);
    Parts size(nullptr);
    lay_out(chunk, size);
    Block states(size.used());
    Parts parts(states.data());
    run_layers(data, lay_out(chunk, parts));
}

void Stack::run_layers(const StackData& data, const Room& room) const {
    if (data.lengths && data.out)
        clear_past(data.lengths, room, shape_.steps, data.out, shape_.out_row, shape_.out_step,
                   shape_.directions * shape_.units);
    for (int64_t layer = 0; layer < shape_.layers; ++layer) {
        if (room.dropped[(size_t)layer]) drop(room, layer);
        for (int64_t direction = 0; direction < shape_.directions; ++direction)
            kernels_.forward(task(data, room, layer, direction));
    }
}

ForwardTask Stack::task(const StackData& data, const Room& room, int64_t layer, int64_t direction) const {
    const int64_t cell = layer * shape_.directions + direction, D = shape_.units;
    const int64_t state = (cell * shape_.batch + room.first) * D;
    const Room::Cell& place = room.cells[(size_t)cell];
    const bool handed_out = layer + 1 == shape_.layers && data.out;
    ForwardTask task;
    task.rows = room.rows;
    task.steps = shape_.steps;
    task.units = D;
    task.input = inputs(data, room, layer);
    task.packed = packs_.data() + pack_at_[(size_t)cell];
    task.tiled = tiled_;
    task.reverse = direction == 1;
    task.lengths = data.lengths ? data.lengths + room.first : nullptr;
    task.first_hidden = data.h0 ? data.h0 + state : nullptr;
    task.first_cell = data.c0 ? data.c0 + state : nullptr;
    task.hidden = place.hidden;
    task.cell = place.cell;
    task.gates = place.gates;
    task.hidden_slots = place.hidden_slots;
    task.cell_slots = place.cell_slots;
    task.out = handed_out ? data.out + room.first * shape_.out_row + direction * D : nullptr;
    task.out_row = shape_.out_row;
    task.out_step = shape_.out_step;
    task.out_first = shape_.steps - shape_.keep;
    task.last_hidden = data.hn + state;
    task.last_cell = data.cn + state;
    task.room = room.work;
    return task;
}

Input Stack::inputs(const StackData& data, const Room& room, int64_t layer) const {
    Input input = {};
    if (layer == 0) {
        input.pieces = 1;
        input.base[0] = data.x + room.first * shape_.x_row;
        input.row[0] = shape_.x_row;
        input.step[0] = shape_.x_step;
        input.width[0] = shape_.features;
        return input;
    }
    const float* dropped = room.dropped[(size_t)layer];
    if (!dropped) return outputs(room, layer - 1);
    input.pieces = 1;
    input.base[0] = dropped;
    input.row[0] = span();
    input.step[0] = room.rows * span();
    input.width[0] = shape_.directions * shape_.units;
    return input;
}

// Slot s + 1 holds what step s gave; the reverse direction began with the last time.
Input Stack::outputs(const Room& room, int64_t layer) const {
    Input input = {};
    input.pieces = (int)shape_.directions;
    const ptrdiff_t slot = room.rows * padded_;
    for (int p = 0; p < input.pieces; ++p) {
        const float* hidden = room.cells[(size_t)(layer * shape_.directions + p)].hidden;
        input.base[p] = hidden + (p ? shape_.steps : 1) * slot;
        input.row[p] = padded_;
        input.step[p] = p ? -slot : slot;
        input.width[p] = shape_.units;
    }
    return input;
}

Input Stack::outputs(int64_t chunk) const { return outputs(rooms_[(size_t)chunk], shape_.layers - 1); }

// ---------------------------------------------------------------- dropout

MaskTask Stack::mask(int64_t layer, int64_t place) const {
    MaskTask task = {};
    task.seed = (uint32_t)(dropout_.seed ^ dropout_.seed >> 32) + 0x9e3779b9u * (uint32_t)layer;
    task.place = (uint32_t)place;
    task.bound = dropout_.rate >= 1.0f ? 0xffffffffu : (uint32_t)((double)dropout_.rate * 4294967296.0);
    task.keep = dropout_.rate >= 1.0f ? 0.0f : 1.0f / (1.0f - dropout_.rate);
    return task;
}

// Both directions side by side without padding between them, as the gradient of the inputs lies.
void Stack::drop(const Room& room, int64_t layer) const {
    Input below = outputs(room, layer - 1);
    for (int64_t t = 0; t < shape_.steps; ++t) {
        for (int64_t r = 0; r < room.rows; ++r) {
            for (int p = 0; p < below.pieces; ++p) {  // the padding of one direction is overwritten by the next
                const int64_t at = p * shape_.units;
                MaskTask one = mask(layer, (t * shape_.batch + room.first + r) * span() + at);
                one.from = below.base[p] + t * below.step[p] + r * below.row[p];
                one.to = room.dropped[(size_t)layer] + (t * room.rows + r) * span() + at;
                one.count = padded_;
                kernels_.mask(one);
            }
        }
    }
}

void Stack::drop_gradient(const Room& room, int64_t layer, float* gradient) const {
    for (int64_t t = 0; t < shape_.steps; ++t) {
        for (int64_t r = 0; r < room.rows; ++r) {
            MaskTask one = mask(layer, (t * shape_.batch + room.first + r) * span());
            one.to = gradient + (t * room.rows + r) * span();
            one.from = one.to;
            one.count = span();
            kernels_.mask(one);
        }
    }
}

// ---------------------------------------------------------------- backward

void Stack::pack_back(const Weights* weights, bool hidden, bool input_wanted) {
    const int64_t lanes = kernels_.lanes, D = shape_.units;
    back_at_.clear();
    back_input_at_.clear();
    Parts sizes(nullptr);
    for (int64_t cell = 0; cell < cells(); ++cell) {
        const int64_t layer = cell / shape_.directions;
        back_at_.push_back(sizes.used());
        sizes.take(backward_pack_size(D, D, lanes));
        back_input_at_.push_back(layer || input_wanted ? sizes.used() : -1);
        if (layer || input_wanted) sizes.take(backward_pack_size(features(layer), D, lanes));
    }
    backs_ = Block(sizes.used());
    parallel(cells(), threads_, [&](int64_t cell) {
        const int64_t input_at = back_input_at_[(size_t)cell];
        if (hidden) kernels_.pack_backward(weights[cell].hidden, D, D, backs_.data() + back_at_[(size_t)cell]);
        if (input_at >= 0)
            kernels_.pack_backward(weights[cell].input, features(cell / shape_.directions), D,
                                   backs_.data() + input_at);
    });
    sums_ = Block(chunks_ * sum_size_);
}

void Stack::backward(const StackData& data, const StackGradients& gradients, const Weights* weights,
                     const Gradients* wanted) {
    const bool hidden = shape_.steps > 1 || data.h0 || data.c0 || data.lengths || gradients.h0 || gradients.c0;
    pack_back(weights, hidden, gradients.x != nullptr);
    parallel(chunks_, threads_, [&](int64_t chunk) {
        const float* out = gradients.out ? gradients.out + first_row(chunk) * gradients.out_row : nullptr;
        backward_chunk(data, gradients, out, chunk);
    });
    sum_gradients(wanted, hidden);
}

void Stack::backward_chunk(const StackData& data, const StackGradients& gradients, const float* out, int64_t chunk) {
    const Room& room = rooms_[(size_t)chunk];
    const int64_t D = shape_.units, T = shape_.steps, lanes = kernels_.lanes;
    const int64_t collected = collected_steps(room.rows, T, D, lanes), between = T * room.rows * span();
    float* sums = sums_.data() + chunk * sum_size_;
    memset(sums, 0, (size_t)sum_size_ * sizeof(float));
    if (data.lengths && gradients.x)
        clear_past(data.lengths, room, T, gradients.x, gradients.x_row, gradients.x_step, shape_.features);
    Parts size(nullptr);
    size.take(backward_room(room.rows, D, lanes, collected));
    for (int i = 0; i < 2 && shape_.layers > 1; ++i) size.take(between);
    Block block(size.used());
    Parts parts(block.data());
    float* work = parts.take(backward_room(room.rows, D, lanes, collected));
    float* upper = shape_.layers > 1 ? parts.take(between) : nullptr;   // gradient of the layer's outputs
    float* lower = shape_.layers > 1 ? parts.take(between) : nullptr;   // and of its inputs
    for (int64_t layer = shape_.layers - 1; layer >= 0; --layer) {
        const bool top = layer + 1 == shape_.layers;
        for (int64_t direction = 0; direction < shape_.directions; ++direction) {
            const size_t cell = (size_t)(layer * shape_.directions + direction);
            const int64_t state = ((int64_t)cell * shape_.batch + room.first) * D;
            BackwardTask back = {};
            back.forward = task(data, room, layer, direction);
            back.packed = backs_.data() + back_at_[cell];
            back.packed_input = back_input_at_[cell] >= 0 ? backs_.data() + back_input_at_[cell] : nullptr;
            if (top) {
                back.out_gradient = out ? out + direction * D : nullptr;
                back.out_row = gradients.out_row;
                back.out_step = gradients.out_step;
            } else {
                back.forward.out_first = 0;
                back.out_gradient = upper + direction * D;
                back.out_row = span();
                back.out_step = room.rows * span();
            }
            back.last_hidden = gradients.hn ? gradients.hn + state : nullptr;
            back.last_cell = gradients.cn ? gradients.cn + state : nullptr;
            back.first_hidden = gradients.h0 ? gradients.h0 + state : nullptr;
            back.first_cell = gradients.c0 ? gradients.c0 + state : nullptr;
            if (layer) {
                back.input_gradient = lower;
                back.input_row = span();
                back.input_step = room.rows * span();
            } else if (gradients.x) {
                back.input_gradient = gradients.x + room.first * gradients.x_row;
                back.input_row = gradients.x_row;
                back.input_step = gradients.x_step;
            }
            back.input_add = direction == 1;
            back.room = work;
            back.room_steps = collected;
            back.weight_gradient = sums + sum_at_[cell];
            kernels_.backward(back);
        }
        if (layer && room.dropped[(size_t)layer]) drop_gradient(room, layer, lower);
        float* swapped = upper;
        upper = lower;
        lower = swapped;
    }
}

void Stack::sum_gradients(const Gradients* wanted, bool hidden) {
    parallel(cells(), threads_, [&](int64_t cell) {
        std::vector<const float*> sums;
        for (int64_t chunk = 0; chunk < chunks_; ++chunk)
            sums.push_back(sums_.data() + chunk * sum_size_ + sum_at_[(size_t)cell]);
        kernels_.unpack_gradients(sums.data(), chunks_, features(cell / shape_.directions), shape_.units, hidden,
                                  wanted[cell]);
    });
}

}  // namespace gatecast
