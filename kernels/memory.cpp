#include "memory.h"

#if !defined(_WIN32)
#include <pthread.h>
#endif

#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace gatecast {

namespace {

constexpr size_t LINE = 64;
constexpr size_t KEPT_BLOCKS = 8;
constexpr size_t KEPT_BYTES = size_t(256) << 20;  // larger blocks go back to the system at once

struct Free {
    float* data;
    size_t bytes;
};

class Store {
public:
    float* take(size_t bytes, size_t* actual) {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            size_t best = free_.size();
            for (size_t i = 0; i < free_.size(); ++i) {
                bool fits = free_[i].bytes >= bytes && free_[i].bytes <= 2 * bytes;
                if (fits && (best == free_.size() || free_[i].bytes < free_[best].bytes)) best = i;
            }
            if (best < free_.size()) {
                Free found = free_[best];
                free_.erase(free_.begin() + (ptrdiff_t)best);
                kept_ -= found.bytes;
                *actual = found.bytes;
                return found.data;
            }
        }
        *actual = bytes;
        return static_cast<float*>(::operator new(bytes, std::align_val_t(LINE)));
    }

    void give(float* data, size_t bytes) noexcept {
        std::vector<Free> old;
        {
            std::lock_guard<std::mutex> lock(mutex_);
            if (bytes > KEPT_BYTES) {
                old.push_back({data, bytes});
            } else {
                free_.push_back({data, bytes});
                kept_ += bytes;
                while (free_.size() > KEPT_BLOCKS || kept_ > KEPT_BYTES) {
                    old.push_back(free_.front());
                    kept_ -= free_.front().bytes;
                    free_.erase(free_.begin());
                }
            }
        }
        for (const Free& block : old) ::operator delete(block.data, std::align_val_t(LINE));
    }

    void lock() { mutex_.lock(); }
    void unlock() { mutex_.unlock(); }

private:
    std::mutex mutex_;
    std::vector<Free> free_;
    size_t kept_ = 0;
};

Store& store();

#if !defined(_WIN32)
void lock_store() { store().lock(); }
void unlock_store() { store().unlock(); }
#endif

Store* new_store() {
#if !defined(_WIN32)
    pthread_atfork(lock_store, unlock_store, unlock_store);  // no copy of the process finds it locked for ever
#endif
    return new Store;
}

Store& store() {
    static Store* only = new_store();  // outlives every block, whatever the order at the end of the process
    return *only;
}

}  // namespace

Block::Block(int64_t floats) {
    size_t bytes = ((size_t)(floats > 0 ? floats : 1) * sizeof(float) + LINE - 1) / LINE * LINE;
    data_ = store().take(bytes, &bytes_);
}

Block::~Block() {
    if (data_) store().give(data_, bytes_);
}

Block::Block(Block&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

Block& Block::operator=(Block&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
}

}  // namespace gatecast
