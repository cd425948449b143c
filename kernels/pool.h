// Threads that stay, and a loop shared among them.
#pragma once

#include <stdint.h>

namespace gatecast {

// Called once, when the module is loaded: this process may use the threads of OpenMP, a fork of it may not.
void remember_process();

// Calls body(0) .. body(count - 1), each once, on the caller and up to threads - 1 others; returns when all are done.
// Where the threads are busy with another caller's loop, the caller does it all by itself: the same result, later.
void parallel(int64_t count, int64_t threads, void (*body)(void* context, int64_t index), void* context);

template <typename Body>
void parallel(int64_t count, int64_t threads, const Body& body) {
    auto call = [](void* context, int64_t index) { (*static_cast<const Body*>(context))(index); };
    parallel(count, threads, call, const_cast<void*>(static_cast<const void*>(&body)));
}

// Numbers below 1e-38 count as zero while this lives: they carry nothing and every operation on them is slow. With
// `false` they count, within a loop where they would not.
class FlushDenormals {
public:
    explicit FlushDenormals(bool flush = true);
    ~FlushDenormals();
    FlushDenormals(const FlushDenormals&) = delete;
    FlushDenormals& operator=(const FlushDenormals&) = delete;

private:
    uint64_t before_;
};

}  // namespace gatecast
