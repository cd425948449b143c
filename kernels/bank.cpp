// The bank of simple forecasts: each series is computed by one thread. See bank_series.h.
#include "bank.h"

#include <math.h>

#include <algorithm>
#include <atomic>

#include "dispatch.h"
#include "memory.h"
#include "pool.h"

namespace gatecast {

namespace {

// What the network reads of a step's place in the cycle and of its age, which is the same for all series.
class Tables {
public:
    explicit Tables(BankRequest& request) : numbers_(2 * request.season + request.steps) {
        const int64_t season = request.season;
        float *sine = numbers_.data(), *cosine = sine + season, *age = cosine + season;
        for (int64_t place = 0; place < season; ++place) {
            const double turned = 2 * 3.14159265358979323846 * (double)place / (double)season;
            sine[place] = (float)sin(turned), cosine[place] = (float)cos(turned);
        }
        for (int64_t i = 0; i < request.steps; ++i) age[i] = (float)(log1p((double)i) / 5);
        request.sine = sine, request.cosine = cosine, request.age = age;
    }

private:
    Block numbers_;
};

}  // namespace

void bank_of_forecasts(BankRequest request, int64_t threads) {
    if (!request.count) return;
    request.longest = *std::max_element(request.length, request.length + request.count);
    const Tables tables(request);
    const Kernels& kernels = chosen();
    const int64_t size = kernels.bank_room(request);
    threads = std::max<int64_t>(1, std::min(threads, request.count));
    Block block(2 * size * threads);  // here, for a thread that finds no memory ends the process
    std::atomic<int64_t> next{0};
    parallel(threads, threads, [&](int64_t thread) {
        FlushDenormals keep_small_numbers(false);
        double* room = reinterpret_cast<double*>(block.data()) + thread * size;
        for (int64_t b; (b = next.fetch_add(1)) < request.count;) kernels.bank_series(request, b, room);
    });
}

}  // namespace gatecast
