// Which windows the exponential smoothings of many origins run over: those of one run have the same column, start,
// season and warm-up, and are done in one pass. See gatecast/statistical/exponential.py for the rules.
#include <math.h>

#include <algorithm>
#include <atomic>
#include <tuple>
#include <vector>

#include "dispatch.h"
#include "memory.h"
#include "pool.h"
#include "smoothing.h"

namespace gatecast {

namespace {

constexpr int64_t SEASONS_KEPT = 24, STEPS_KEPT = 240;
constexpr double PHI = 0.95;

struct Item {
    int64_t column, start, season, warm, origin, index;

    auto run() const { return std::tie(column, start, season, warm); }
    bool operator<(const Item& other) const {
        return std::tie(column, start, season, warm, origin) <
               std::tie(other.column, other.start, other.season, other.warm, other.origin);
    }
};

struct Run {
    int64_t begin, end;        // its items
    int64_t steps, ring_rows;
};

double value_at(const SmoothingRequest& from, int64_t row, int64_t column) {
    const char* at = from.values + row * from.row + column * from.column;
    return from.wide ? *reinterpret_cast<const double*>(at) : (double)*reinterpret_cast<const float*>(at);
}

double* forecast_of(const SmoothingRequest& to, const Item& item) {
    return to.out + item.index * to.horizon * to.columns + item.column;
}

Item item_of(const SmoothingRequest& request, int64_t index, int64_t column, int64_t begin) {
    const int64_t origin = request.origin[index], keep = std::max(SEASONS_KEPT * request.season, STEPS_KEPT);
    const int64_t start = begin + keep * std::max<int64_t>(0, (origin - begin) / keep - 1), steps = origin - start + 1;
    const int64_t season = steps < 2 * request.season ? 1 : request.season;
    return {column, start, season, std::min(season + 2, steps / 2), origin, index};
}

// The windows of all origins that have an observation, sorted; the others' forecasts are nan.
std::vector<Item> items_of(const SmoothingRequest& request) {
    std::vector<Item> items;
    items.reserve((size_t)(request.count * request.columns));
    for (int64_t column = 0; column < request.columns; ++column) {
        int64_t first = -1, begin = 0;  // rows first .. begin - 1 are known to be missing
        for (int64_t index = 0; index < request.count; ++index) {
            const int64_t origin = request.origin[index];
            if (request.first[index] != first) first = begin = request.first[index];
            while (begin <= origin && isnan(value_at(request, begin, column))) ++begin;
            if (begin <= origin) {
                items.push_back(item_of(request, index, column, begin));
                continue;
            }
            double* out = forecast_of(request, Item{column, 0, 0, 0, 0, index});
            for (int64_t h = 0; h < request.horizon; ++h) out[h * request.columns] = NAN;
        }
    }
    std::sort(items.begin(), items.end());
    return items;
}

int64_t ring_rows_of(const SmoothingRequest& request, const Item& item, int64_t steps) {
    const int64_t needed = std::min(steps, request.lags[request.lag_count - 1] + item.season);
    int64_t rows = 1;
    while (rows <= needed) rows *= 2;
    return rows;
}

std::vector<Run> runs_of(const SmoothingRequest& request, const std::vector<Item>& items) {
    std::vector<Run> runs;
    const int64_t count = (int64_t)items.size();
    for (int64_t begin = 0, end = 0; begin < count; begin = end) {
        while (end < count && items[(size_t)end].run() == items[(size_t)begin].run()) ++end;
        const Item &one = items[(size_t)begin], &last = items[(size_t)end - 1];
        const int64_t steps = last.origin - one.start + 1;
        runs.push_back({begin, end, steps, ring_rows_of(request, one, steps)});
    }
    return runs;
}

// The window's values, the last one carried over gaps, and their logarithms up to the first that is not positive.
int64_t read_window(const SmoothingRequest& request, const Item& item, int64_t steps, double* values, double* logs) {
    int64_t row = item.start;
    while (isnan(value_at(request, row, item.column))) --row;  // a window begins at or after an observation
    double last = value_at(request, row, item.column);
    for (int64_t t = 0; t < steps; ++t) {
        const double value = value_at(request, item.start + t, item.column);
        values[t] = last = isnan(value) ? last : value;
    }
    int64_t positive = 0;
    for (; positive < steps && values[positive] > 0; ++positive) logs[positive] = log(values[positive]);
    for (int64_t t = positive - 1; t >= 0; --t) logs[t] -= logs[0];
    return positive;
}

struct Work {
    const SmoothingRequest& request;
    const std::vector<Item>& items;
    const std::vector<Run>& runs;
    std::vector<double> damped;
    std::vector<int64_t> origins;     // different ones of each run, at the places of its items
    std::vector<double*> outs;
    int64_t room;                     // doubles of one thread
};

void smooth_run(Work& work, const Run& run, double* room) {
    FlushDenormals keep_small_numbers(false);
    const SmoothingRequest& request = work.request;
    const Item& first = work.items[(size_t)run.begin];
    int64_t* origins = work.origins.data() + run.begin;
    double** outs = work.outs.data() + run.begin;
    int64_t count = 0;
    for (int64_t i = run.begin; i < run.end; ++i) {
        const Item& item = work.items[(size_t)i];
        const int64_t step = item.origin - item.start;
        if (count && origins[count - 1] == step) continue;
        origins[count] = step;
        outs[count++] = forecast_of(request, item);
    }
    double *values = room, *logs = room + run.steps;
    const int64_t positive = read_window(request, first, run.steps, values, logs);
    chosen().exponential_smoothings({first.season, first.warm, request.horizon, request.lags, request.lag_count,
                                     work.damped.data(), values, logs, positive, origins, count, outs,
                                     (ptrdiff_t)request.columns, run.ring_rows, logs + run.steps});
    for (int64_t i = run.begin + 1; i < run.end; ++i) {
        const Item &item = work.items[(size_t)i], &before = work.items[(size_t)i - 1];
        if (item.origin != before.origin) continue;
        double *to = forecast_of(request, item), *from = forecast_of(request, before);
        for (int64_t h = 0; h < request.horizon; ++h) to[h * request.columns] = from[h * request.columns];
    }
}

}  // namespace

void exponential_smoothings(const SmoothingRequest& request, int64_t threads) {
    const std::vector<Item> items = items_of(request);
    const std::vector<Run> runs = runs_of(request, items);
    if (runs.empty()) return;
    Work work = {request, items, runs, std::vector<double>((size_t)request.horizon + 1),
                 std::vector<int64_t>(items.size()), std::vector<double*>(items.size()), 0};
    for (int64_t h = 0; h <= request.horizon; ++h)
        work.damped[(size_t)h] = PHI * (1 - pow(PHI, (double)h)) / (1 - PHI);
    for (const Run& run : runs) work.room = std::max(work.room, 2 * run.steps + smoothing_room(run.ring_rows));
    threads = std::max<int64_t>(1, std::min(threads, (int64_t)runs.size()));
    Block block(2 * work.room * threads);  // here, for a thread that finds no memory ends the process
    std::atomic<int64_t> next{0};
    parallel(threads, threads, [&](int64_t thread) {
        double* room = reinterpret_cast<double*>(block.data()) + thread * work.room;
        for (int64_t i; (i = next.fetch_add(1)) < (int64_t)runs.size();) smooth_run(work, runs[(size_t)i], room);
    });
}

}  // namespace gatecast
