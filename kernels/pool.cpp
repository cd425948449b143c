#include "pool.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

#if defined(__linux__)
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#endif

#if defined(_WIN32)
#include <process.h>
#define getpid _getpid
#else
#include <unistd.h>
#endif

#if defined(__SSE2__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace gatecast {

namespace {

#if defined(__SSE2__) || defined(_M_X64)
uint64_t control() { return _mm_getcsr(); }
void set_control(uint64_t value) { _mm_setcsr((unsigned)value); }
constexpr uint64_t FLUSH = 0x8040;  // results and operands
#elif defined(__aarch64__) && defined(__GNUC__)
uint64_t control() {
    uint64_t value;
    asm volatile("mrs %0, fpcr" : "=r"(value));
    return value;
}
void set_control(uint64_t value) { asm volatile("msr fpcr, %0" ::"r"(value)); }
constexpr uint64_t FLUSH = 1u << 24;
#else
uint64_t control() { return 0; }
void set_control(uint64_t) {}
constexpr uint64_t FLUSH = 0;
#endif

void rest() {
#if defined(__SSE2__) || defined(_M_X64)
    _mm_pause();
#elif defined(__aarch64__) && defined(__GNUC__)
    asm volatile("yield");
#endif
}

constexpr int64_t MOST_THREADS = 200;
constexpr int SPINS = 2000;  // tens of microseconds: a sleeping thread takes as long to wake

// One loop at a time. `state_` tells in one word which round it is, how many threads may help, and how many indices are
// left to claim; a claim by compare-and-swap cannot hit another round, and while a claimed index is at work its round
// cannot end. So nobody waits for a helper that has not begun.
class Pool {
public:
    explicit Pool(int pid) : pid_(pid) {}

    int pid() const { return pid_; }

    bool try_enter() { return busy_.try_lock(); }
    void leave() { busy_.unlock(); }

    // Only between try_enter and leave.
    void run(int64_t count, int64_t threads, void (*body)(void*, int64_t), void* context) {
        grow(threads - 1);
        body_ = body;
        context_ = context;
        count_ = count;
        pending_.store(count);
        {
            std::lock_guard<std::mutex> lock(mutex_);
            state_.store(word(++round_, (uint64_t)threads - 1, (uint64_t)count));
        }
        begin_.notify_all();
        work(0, false);
        for (int spin = 0; spin < SPINS && pending_.load() > 0; ++spin) rest();
        if (pending_.load() > 0) {
            std::unique_lock<std::mutex> lock(mutex_);
            end_.wait(lock, [this] { return pending_.load() == 0; });
        }
    }

private:
    static uint64_t word(uint64_t round, uint64_t helpers, uint64_t left) { return round << 40 | helpers << 32 | left; }
    static uint64_t left(uint64_t state) { return state & 0xffffffffu; }
    static uint64_t helpers(uint64_t state) { return state >> 32 & 0xff; }

    // Where the system has no more threads to give those that are there, and the caller, do the work.
    void grow(int64_t threads) {
        try {
            for (; size_ < threads; ++size_) {
                uint64_t number = (uint64_t)size_;
                std::thread([this, number] { serve(number); }).detach();
            }
        } catch (const std::system_error&) {
        }
    }

    static bool open_to(uint64_t state, uint64_t number) { return left(state) > 0 && number < helpers(state); }

    // Claim and do indices until none is left.
    void work(uint64_t number, bool helper) {
        uint64_t state = state_.load();
        while (helper ? open_to(state, number) : left(state) > 0) {
            if (!state_.compare_exchange_weak(state, state - 1)) continue;
            body_(context_, count_ - (int64_t)left(state));
            if (pending_.fetch_sub(1) == 1 && helper) {
                std::lock_guard<std::mutex> lock(mutex_);
                end_.notify_one();
            }
            state = state_.load();
        }
    }

    void serve(uint64_t number) {
        set_control(control() | FLUSH);
        for (;;) {
            for (int spin = 0; spin < SPINS && !open_to(state_.load(), number); ++spin) rest();
            if (!open_to(state_.load(), number)) {
                std::unique_lock<std::mutex> lock(mutex_);
                begin_.wait(lock, [this, number] { return open_to(state_.load(), number); });
            }
            work(number, true);
        }
    }

    const int pid_;
    std::mutex busy_, mutex_;
    std::condition_variable begin_, end_;
    std::atomic<uint64_t> state_{0};
    std::atomic<int64_t> pending_{0};
    void (*body_)(void*, int64_t) = nullptr;
    void* context_ = nullptr;
    int64_t count_ = 0, size_ = 0;
    uint64_t round_ = 0;
};

// A forked process has none of its parent's threads: it gets a pool of its own. Pools are never destroyed, since their
// threads run until the process ends.
Pool& pool() {
    static std::atomic<Pool*> current{nullptr};
    Pool* found = current.load();
    int pid = (int)getpid();
    while (!found || found->pid() != pid) {
        Pool* fresh = new Pool(pid);
        if (current.compare_exchange_strong(found, fresh)) return *fresh;
        delete fresh;
    }
    return *found;
}

// ---------------------------------------------------------------- threads of OpenMP

// Torch's OpenMP threads wait for work actively for some milliseconds. A second set of threads would have to share the
// processor with them, so where torch's library is loaded its threads are used. (It is found among what is loaded, not
// linked.) A forked process has none of its parent's threads, and OpenMP would wait for them: there the pool above
// serves.
typedef void (*TeamLoop)(void (*body)(void*), void* context, unsigned threads, unsigned flags);

std::atomic<int> home{0};  // the process that may use the threads of OpenMP; 0 = none

#if defined(__linux__)
// Whether this process is the copy of another one, which may have had threads, and runs the same program.
bool is_copy() {
    constexpr unsigned FORKED_WITHOUT_EXEC = 0x40;  // PF_FORKNOEXEC of the kernel, see proc(5)
    unsigned flags = 0;
    char text[512] = {0};
    FILE* file = fopen("/proc/self/stat", "r");
    if (!file) return false;
    const size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    const char* name_end = length ? strrchr(text, ')') : nullptr;
    return name_end && sscanf(name_end + 1, " %*c %*d %*d %*d %*d %*d %u", &flags) == 1 && flags & FORKED_WITHOUT_EXEC;
}

int remember_team(dl_phdr_info* loaded, size_t, void* found) {
    const char* name = loaded->dlpi_name ? strrchr(loaded->dlpi_name, '/') : nullptr;
    if (!name || (!strstr(name, "libgomp") && !strstr(name, "libiomp5") && !strstr(name, "libomp"))) return 0;
    void* library = dlopen(loaded->dlpi_name, RTLD_NOW | RTLD_NOLOAD);
    void* loop = library ? dlsym(library, "GOMP_parallel") : nullptr;
    if (!loop) return 0;
    const bool torch = strstr(loaded->dlpi_name, "torch") != nullptr;
    if (torch || !*static_cast<void**>(found)) *static_cast<void**>(found) = loop;
    return torch;
}

int count_loaded(dl_phdr_info* loaded, size_t, void* count) {
    *static_cast<unsigned long long*>(count) = loaded->dlpi_adds;
    return 1;
}

// Looked for again when something was loaded since: the first loop may come before torch.
TeamLoop team_loop() {
    static std::atomic<void*> loop{nullptr};
    static std::atomic<unsigned long long> searched{0};
    unsigned long long loaded = 0;
    dl_iterate_phdr(count_loaded, &loaded);
    if (searched.load() != loaded) {
        void* found = nullptr;
        dl_iterate_phdr(remember_team, &found);
        loop.store(found);
        searched.store(loaded);
    }
    return reinterpret_cast<TeamLoop>(loop.load());
}
#else
bool is_copy() { return false; }
TeamLoop team_loop() { return nullptr; }
#endif

struct SharedLoop {
    void (*body)(void*, int64_t);
    void* context;
    int64_t count;
    std::atomic<int64_t> next;
};

void take_part(void* shared) {
    FlushDenormals flush;
    SharedLoop& loop = *static_cast<SharedLoop*>(shared);
    for (int64_t index; (index = loop.next.fetch_add(1)) < loop.count;) loop.body(loop.context, index);
}

}  // namespace

FlushDenormals::FlushDenormals(bool flush) : before_(control()) {
    set_control(flush ? before_ | FLUSH : before_ & ~FLUSH);
}
FlushDenormals::~FlushDenormals() { set_control(before_); }

void remember_process() { home.store(is_copy() ? 0 : (int)getpid()); }

void parallel(int64_t count, int64_t threads, void (*body)(void*, int64_t), void* context) {
    FlushDenormals flush;
    if (threads > count) threads = count;
    if (threads > MOST_THREADS) threads = MOST_THREADS;
    const TeamLoop team = threads > 1 && (int)getpid() == home.load() ? team_loop() : nullptr;
    if (team) {
        SharedLoop loop = {body, context, count, {0}};
        team(take_part, &loop, (unsigned)threads, 0);
        return;
    }
    if (threads > 1) {
        Pool& shared = pool();
        if (shared.try_enter()) {
            shared.run(count, threads, body, context);
            shared.leave();
            return;
        }
    }
    for (int64_t index = 0; index < count; ++index) body(context, index);
}

}  // namespace gatecast
