#include "partial_sums.h"

#include <algorithm>
#include <vector>

namespace alignflow {

constexpr int64_t kRowsInBlock = 64;
constexpr int64_t kMostBlocks = 32;

void partialSums(int64_t rows, int64_t width, int64_t cost, float* total,
                 const std::function<void(float* sums, int64_t from, int64_t to)>& work) {
  const int64_t blocks = std::max<int64_t>(1, std::min(kMostBlocks, rows / kRowsInBlock));
  std::vector<float> sums(blocks * width);
  parallel(blocks, cost * (rows / blocks), [&](int64_t from, int64_t to) {
    for (int64_t block = from; block < to; block++)
      work(sums.data() + block * width, block * rows / blocks, (block + 1) * rows / blocks);
  });
  std::fill(total, total + width, 0.0f);
  for (int64_t block = 0; block < blocks; block++)
    for (int64_t i = 0; i < width; i++) total[i] += sums[block * width + i];
}

}  // namespace alignflow
