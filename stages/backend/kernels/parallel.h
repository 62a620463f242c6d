// Work in parts on threads of our own: TensorFlow's C interface does not lend its own.
#pragma once
#include <cstdint>
#include <functional>

namespace alignflow {

/**
 * Calls `work(from, to)` on ranges that make up 0 to `count`, on all processors where it is worth while, and waits for them.
 * @param cost of one of `count`, in floats read or written
 */
void parallel(int64_t count, int64_t cost, const std::function<void(int64_t from, int64_t to)>& work);

}  // namespace alignflow
