// Work space that is reused: fresh pages would cost a fault each, at every step.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace gatecast {

// A block of floats, aligned to a cache line, not zeroed; it goes back to the store when it dies.
class Block {
public:
    Block() = default;
    explicit Block(int64_t floats);
    ~Block();
    Block(Block&& other) noexcept;
    Block& operator=(Block&& other) noexcept;
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;

    float* data() const { return data_; }

private:
    float* data_ = nullptr;
    size_t bytes_ = 0;
};

// Hands out parts of one block, one after the other, each at the begin of a cache line.
class Parts {
public:
    explicit Parts(float* base) : base_(base) {}
    float* take(int64_t floats) {
        float* part = base_ ? base_ + used_ : nullptr;
        used_ += (floats + 15) / 16 * 16;
        return part;
    }
    int64_t used() const { return used_; }

private:
    float* base_;
    int64_t used_ = 0;
};

}  // namespace gatecast
