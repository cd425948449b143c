#include "trainer.h"

#include <math.h>
#include <string.h>

#include "dispatch.h"
#include "pool.h"

namespace gatecast {

namespace {

std::vector<Weights> as_weights(const Parameters& values) {
    std::vector<Weights> weights;
    for (const Gradients& cell : values.lstm)
        weights.push_back({cell.input, cell.hidden, cell.input_bias, cell.hidden_bias});
    return weights;
}

const float ONE = 1.0f;

double sum_of(const float* values, int64_t count) {
    double sum[8] = {0.0};
    for (int64_t i = 0; i < count; ++i) sum[i & 7] += values[i];
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

}  // namespace

// Rows are ordered by origin, then by window: (k, b).
struct Trainer::Desk {
    int64_t first, rows;       // windows of the chunk
    int64_t lines, count;      // lines = K * rows, count = lines * Y
    ptrdiff_t plane;
    float* raw;                // [lines][width]: forward the raw outputs, backward their gradients
    float* hidden;             // [lines][Dp]: gradient of the hidden states
    float* planes;             // [R][plane]
    float* slopes;             // [R][plane]
    float* target;             // [plane]
    float* weight;             // [plane], null = all known
    float* padded;             // [rows][(skip - 1 + L) * F] where an origin has fewer than `skip` steps before it
    float* future;             // [lines][H * F2]
    float* inner;              // of the step readout, and its room
    float* step_room;
};

Trainer::Trainer(const NetworkShape& shape, const Training& training, const Parameters& values,
                 const Parameters& gradients, const Flat& flat)
    : shape_(shape), training_(training), values_(values), gradients_(gradients), flat_(flat), kernels_(chosen()),
      steps_({shape.horizon, shape.targets, shape.raws, shape.future}, kernels_),
      D_padded_(padded(shape.units, kernels_.lanes)), width_(padded(columns(), kernels_.lanes)),
      weights_(as_weights(values)) {
    const int64_t lanes = kernels_.lanes;
    arranged_ = Block((shape.units + 1) * columns());
    readout_pack_ = Block(dense_pack_size(shape.units, columns(), lanes));
    readout_back_ = Block(dense_pack_size(columns(), shape.units, lanes));
    skip_pack_ = Block(dense_pack_size(recent_width(), shape.outputs(), lanes));
}

// A stack is made once for each size of a batch: an epoch's last one is often smaller.
Stack& Trainer::stack_for(int64_t rows) {
    for (const std::unique_ptr<Stack>& stack : stacks_)
        if (stack->shape().batch == rows) return *stack;
    const int64_t steps = shape_.lookback / shape_.patch, features = shape_.patch * shape_.features;
    const int64_t row = shape_.lookback * shape_.features;
    StackShape shape = {rows, steps, features, shape_.units, shape_.layers, 1, row, features, 0, 0, shape_.origins};
    if (stacks_.size() > 2) stacks_.clear();
    const Dropout dropout = {training_.dropout, 0};
    stacks_.push_back(std::make_unique<Stack>(shape, training_.threads, true, dropout, training_.parts));
    return *stacks_.back();
}

StepResult Trainer::step(const TrainingBatch& batch, int64_t number, float lr) {
    FlushDenormals flush;
    Stack& stack = stack_for(batch.rows);
    stack.draw((training_.seed + 1) * 0x9e3779b97f4a7c15u + (uint64_t)number);
    prepare(stack);
    const int64_t values = batch.rows * shape_.origins * shape_.outputs(), chunks = stack.chunks();
    double known = (double)values;
    if (batch.weight) {
        known = sum_of(batch.weight, values);
        if (known < 1.0) known = 1.0;
    }
    std::vector<double> loss((size_t)chunks), error((size_t)chunks);
    if ((int64_t)readout_sums_.size() < chunks) readout_sums_.resize((size_t)chunks);
    last_states_ = Block(2 * shape_.layers * batch.rows * shape_.units);
    parallel(chunks, training_.threads, [&](int64_t index) {
        chunk(stack, batch, (float)(1.0 / known), index, &loss[(size_t)index], &error[(size_t)index]);
    });
    stack.sum_gradients(gradients_.lstm.data(), stack.shape().steps > 1);
    sum_readout(chunks);
    double total = 0.0, total_error = 0.0;
    for (int64_t i = 0; i < chunks; ++i) {
        total += loss[(size_t)i];
        total_error += error[(size_t)i];
    }
    return StepResult{(float)(total / known), (float)(total_error / known), update(number, lr)};
}

// ---------------------------------------------------------------- weights as the products want them

// Rows of the readout from (output, raw) to (raw, output), so that each raw number is a plane of its own; after them
// those of from_state, which reads the same hidden states.
void Trainer::arrange_readout() {
    const int64_t Y = shape_.outputs(), R = shape_.raws, D = shape_.units;
    float* weight = arranged_.data();
    float* bias = weight + columns() * D;
    for (int64_t r = 0; r < R; ++r) {
        for (int64_t y = 0; y < Y; ++y) {
            memcpy(weight + (r * Y + y) * D, values_.readout + (y * R + r) * D, (size_t)D * sizeof(float));
            bias[r * Y + y] = values_.readout_bias[y * R + r];
        }
    }
    if (!steps_.used()) return;
    memcpy(weight + R * Y * D, values_.from_state, (size_t)(INNER * D) * sizeof(float));
    memcpy(bias + R * Y, values_.from_state_bias, (size_t)INNER * sizeof(float));
}

void Trainer::prepare(Stack& stack) {
    const int64_t D = shape_.units;
    const bool hidden = stack.shape().steps > 1;
    stack.pack(weights_.data(), hidden);
    stack.pack_back(weights_.data(), hidden, false);
    arrange_readout();
    const float* weight = arranged_.data();
    kernels_.pack_dense({weight, D, 1, columns(), D, weight + columns() * D}, readout_pack_.data());
    kernels_.pack_dense({weight, 1, D, D, columns(), nullptr}, readout_back_.data());
    steps_.pack(values_.from_future, values_.out);
    if (shape_.skip)
        kernels_.pack_dense({values_.skip, recent_width(), 1, shape_.outputs(), recent_width(), nullptr},
                            skip_pack_.data());
}

// ---------------------------------------------------------------- one chunk of windows

void Trainer::chunk(Stack& stack, const TrainingBatch& batch, float scale, int64_t index, double* loss, double* error) {
    const int64_t K = shape_.origins, Y = shape_.outputs(), R = shape_.raws, L = shape_.lookback, F = shape_.features;
    Desk desk = {};
    desk.first = stack.first_row(index);
    desk.rows = stack.first_row(index + 1) - desk.first;
    desk.lines = K * desk.rows;
    desk.count = desk.lines * Y;
    desk.plane = padded(desk.count, kernels_.lanes);
    const bool short_past = shape_.skip && shape_.skip + K - 1 > L;
    float* base = nullptr;
    Block room;
    for (int pass = 0; pass < 2; ++pass) {  // first how much, then where
        Parts parts(base);
        desk.raw = parts.take(desk.lines * width_);
        desk.hidden = parts.take(desk.lines * D_padded_);
        desk.planes = parts.take(R * desk.plane);
        desk.slopes = parts.take(R * desk.plane);
        desk.target = parts.take(desk.plane);
        desk.weight = batch.weight ? parts.take(desk.plane) : nullptr;
        desk.padded = short_past ? parts.take(desk.rows * (shape_.skip - 1 + L) * F) : nullptr;
        desk.future = parts.take(desk.lines * steps_.future_row());
        desk.inner = parts.take(steps_.inner_size(desk.lines));
        desk.step_room = parts.take(steps_.room_size());
        if (pass == 0) {
            room = Block(parts.used());
            base = room.data();
        }
    }
    const int64_t states = shape_.layers * batch.rows * shape_.units;
    StackData data = {};
    data.x = batch.context + (L % shape_.patch) * F;
    data.hn = last_states_.data();
    data.cn = last_states_.data() + states;
    stack.forward_chunk(data, index);
    read_out(stack, batch, index, desk);
    to_planes(batch, desk.first, desk);
    steps_.forward(step_desk(desk, desk.planes));
    LossTask task = {};
    task.kind = training_.loss;
    task.count = desk.count;
    task.raws = R;
    task.middle = training_.middle;
    task.levels = training_.levels.data();
    task.raw = desk.planes;
    task.gradient = desk.slopes;
    task.plane = desk.plane;
    task.target = desk.target;
    task.weight = desk.weight;
    task.scale = scale;
    kernels_.loss(task);
    *loss = task.loss;
    *error = task.error;
    from_planes(desk);
    readout_gradients(stack, batch, index, desk);
    StackGradients gradients = {};
    gradients.out_row = D_padded_;
    gradients.out_step = desk.rows * D_padded_;
    stack.backward_chunk(data, gradients, desk.hidden, index);
}

// Calls each(first line, lines, stride of lines in the raw outputs' lines, recent steps, their stride) for products
// over many lines at once: all windows of one origin, or all origins of one window.
template <typename Each>
void Trainer::each_recent(const TrainingBatch& batch, const Desk& desk, const Each& each) const {
    const int64_t K = shape_.origins, L = shape_.lookback, F = shape_.features, S = shape_.skip;
    const float* context = desk.padded ? desk.padded : batch.context + desk.first * L * F;
    const int64_t length = desk.padded ? S - 1 + L : L;
    const float* first = context + (length - K - S + 1) * F;   // recent steps of the first origin and window
    if (desk.rows >= K) {
        for (int64_t k = 0; k < K; ++k) each(k * desk.rows, desk.rows, 1, first + k * F, length * F);
    } else {
        for (int64_t b = 0; b < desk.rows; ++b) each(b, K, desk.rows, first + b * length * F, F);
    }
}

void Trainer::read_out(const Stack& stack, const TrainingBatch& batch, int64_t index, const Desk& desk) const {
    const int64_t L = shape_.lookback, F = shape_.features, steps = shape_.lookback / shape_.patch;
    Input hidden = stack.outputs(index);
    hidden.base[0] += (steps - shape_.origins) * hidden.step[0];
    kernels_.dense({desk.lines, columns(), hidden, readout_pack_.data(), desk.raw, (ptrdiff_t)width_, false});
    if (!shape_.skip) return;
    if (desk.padded) {
        const int64_t before = (shape_.skip - 1) * F, own = L * F;
        for (int64_t b = 0; b < desk.rows; ++b) {
            float* row = desk.padded + b * (before + own);
            memset(row, 0, (size_t)before * sizeof(float));
            memcpy(row + before, batch.context + (desk.first + b) * own, (size_t)own * sizeof(float));
        }
    }
    each_recent(batch, desk, [&](int64_t line, int64_t lines, int64_t stride, const float* recent, ptrdiff_t row) {
        const Input input = one_piece(recent, row, recent_width());
        kernels_.dense({lines, shape_.outputs(), input, skip_pack_.data(), desk.raw + line * width_,
                        (ptrdiff_t)(stride * width_), true});
    });
}

void Trainer::to_planes(const TrainingBatch& batch, int64_t first, const Desk& desk) const {
    const int64_t K = shape_.origins, Y = shape_.outputs();
    const size_t bytes = (size_t)Y * sizeof(float), tail = (size_t)(desk.plane - desk.count) * sizeof(float);
    for (int64_t r = 0; r < shape_.raws; ++r) {
        float* plane = desk.planes + r * desk.plane;
        for (int64_t line = 0; line < desk.lines; ++line)
            memcpy(plane + line * Y, desk.raw + line * width_ + r * Y, bytes);
        memset(plane + desk.count, 0, tail);
    }
    for (int64_t k = 0; k < K; ++k) {
        for (int64_t b = 0; b < desk.rows; ++b) {
            const int64_t to = (k * desk.rows + b) * Y, from = ((first + b) * K + k) * Y;
            memcpy(desk.target + to, batch.target + from, bytes);
            if (desk.weight) memcpy(desk.weight + to, batch.weight + from, bytes);
            if (!steps_.used()) continue;
            const int64_t row = steps_.future_row();
            memcpy(desk.future + (k * desk.rows + b) * row, batch.future + ((first + b) * K + k) * row,
                   (size_t)row * sizeof(float));
        }
    }
}

// from_state's columns lie behind the raw outputs; planes: forward those of the outputs, backward of their slopes.
StepDesk Trainer::step_desk(const Desk& desk, float* planes) const {
    StepDesk steps = {};
    steps.lines = desk.lines;
    steps.state = desk.raw + shape_.raws * shape_.outputs();
    steps.state_row = width_;
    steps.future = desk.future;
    steps.inner = desk.inner;
    steps.room = desk.step_room;
    steps.planes = planes;
    steps.plane = desk.plane;
    return steps;
}

void Trainer::from_planes(const Desk& desk) const {
    const int64_t Y = shape_.outputs();
    for (int64_t r = 0; r < shape_.raws; ++r)
        for (int64_t line = 0; line < desk.lines; ++line)
            memcpy(desk.raw + line * width_ + r * Y, desk.slopes + r * desk.plane + line * Y,
                   (size_t)Y * sizeof(float));
    const int64_t real = columns();
    for (int64_t line = 0; line < desk.lines; ++line)
        memset(desk.raw + line * width_ + real, 0, (size_t)(width_ - real) * sizeof(float));
}

void Trainer::readout_gradients(const Stack& stack, const TrainingBatch& batch, int64_t index, const Desk& desk) {
    const int64_t Yp = padded(shape_.outputs(), kernels_.lanes);
    Block& block = readout_sums_[(size_t)index];
    if (!block.data()) block = Block(sum_size());
    float* sums = block.data();
    memset(sums, 0, (size_t)sum_size() * sizeof(float));
    steps_.backward(step_desk(desk, desk.slopes), sums + steps_sum());   // also writes from_state's columns, read below
    Input hidden = stack.outputs(index);
    const int64_t steps = shape_.lookback / shape_.patch;
    const float* states = hidden.base[0] + (steps - shape_.origins) * hidden.step[0];
    kernels_.outer({desk.lines, columns(), D_padded_, desk.raw, (ptrdiff_t)width_, states, (ptrdiff_t)D_padded_, sums,
                    (ptrdiff_t)D_padded_});
    kernels_.outer(
        {desk.lines, 1, width_, &ONE, 0, desk.raw, (ptrdiff_t)width_, sums + columns() * D_padded_, (ptrdiff_t)width_});
    if (shape_.skip) {
        float* skip = sums + columns() * D_padded_ + width_;
        each_recent(batch, desk, [&](int64_t line, int64_t lines, int64_t stride, const float* recent, ptrdiff_t row) {
            kernels_.outer({lines, recent_width(), Yp, recent, row, desk.raw + line * width_,
                            (ptrdiff_t)(stride * width_), skip, (ptrdiff_t)Yp});
        });
    }
    const Input slopes = one_piece(desk.raw, width_, columns());
    kernels_.dense({desk.lines, D_padded_, slopes, readout_back_.data(), desk.hidden, (ptrdiff_t)D_padded_, false});
}

// ---------------------------------------------------------------- gradients and update

void Trainer::sum_readout(int64_t chunks) {
    const int64_t Y = shape_.outputs(), R = shape_.raws, D = shape_.units;
    const int64_t Yp = padded(Y, kernels_.lanes), size = sum_size();
    float* sum = readout_sums_[0].data();
    for (int64_t i = 1; i < chunks; ++i) {
        const float* other = readout_sums_[(size_t)i].data();
        for (int64_t at = 0; at < size; ++at) sum[at] += other[at];
    }
    const float* bias = sum + columns() * D_padded_;
    const float* skip = bias + width_;
    for (int64_t r = 0; r < R; ++r) {
        for (int64_t y = 0; y < Y; ++y) {
            memcpy(gradients_.readout + (y * R + r) * D, sum + (r * Y + y) * D_padded_, (size_t)D * sizeof(float));
            gradients_.readout_bias[y * R + r] = bias[r * Y + y];
        }
    }
    for (int64_t y = 0; y < Y && shape_.skip; ++y)
        for (int64_t m = 0; m < recent_width(); ++m) gradients_.skip[y * recent_width() + m] = skip[m * Yp + y];
    if (!steps_.used()) return;
    for (int64_t i = 0; i < INNER; ++i)
        memcpy(gradients_.from_state + i * D, sum + (R * Y + i) * D_padded_, (size_t)D * sizeof(float));
    memcpy(gradients_.from_state_bias, bias + R * Y, (size_t)INNER * sizeof(float));
    steps_.put_gradients(sum + steps_sum(), gradients_.from_future, gradients_.out);
}

float Trainer::update(int64_t number, float lr) {
    const float norm = (float)sqrt(kernels_.squares(flat_.gradient, flat_.count));
    UpdateTask task = {};
    task.kind = training_.optimizer;
    task.count = flat_.count;
    task.values = flat_.values;
    task.gradient = flat_.gradient;
    task.first = flat_.first;
    task.second = flat_.second;
    task.shrink = training_.clip > 0.0f && norm > training_.clip ? training_.clip / (norm + 1e-6f) : 1.0f;
    task.lr = lr;
    task.momentum = training_.momentum;
    task.decay = training_.decay;
    task.correction1 = (float)(1.0 - pow(0.9, (double)number + 1.0));
    task.correction2 = (float)(1.0 - pow(0.999, (double)number + 1.0));
    task.begun = number > 0;
    if (task.kind != Optimizer::none) kernels_.update(task);
    return norm;
}

}  // namespace gatecast
