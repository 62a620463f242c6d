// Sums over rows that come to the same bits with any number of threads.
#pragma once
#include <functional>

#include "parallel.h"

namespace alignflow {

/**
 * Adds up what `work` adds to `sums` [width] for rows `from` to `to`. Rows go in blocks of a number that depends on `rows` alone, each
 * with sums of its own, which are added in their order.
 * @param cost of a row, as for `parallel`
 */
void partialSums(int64_t rows, int64_t width, int64_t cost, float* total,
                 const std::function<void(float* sums, int64_t from, int64_t to)>& work);

}  // namespace alignflow
