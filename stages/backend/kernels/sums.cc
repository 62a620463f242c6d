// Sums that training needs of large tensors: of two, over rows, and of all squares.
#include <vector>

#include "kernels.h"
#include "op.h"
#include "partial_sums.h"

namespace alignflow {
namespace {

template <class T>
void addRows(const T* x, int64_t width, float* sums, int64_t from, int64_t to) {
  for (int64_t row = from; row < to; row++)
    for (int64_t i = 0; i < width; i += kLanes)
      store(sums + i, load(sums + i, width - i) + load(x + row * width + i, width - i), width - i);
}

void sumRows(Run& run) {
  const int64_t width = run.width(0), rows = run.rows(0);
  byType(run.isBfloat16(0), [&](auto* type) {
    typedef std::remove_pointer_t<decltype(type)> T;
    const T* x = run.in<T>(0);
    partialSums(rows, width, width, run.out<float>(0, {width}),
                [=](float* sums, int64_t from, int64_t to) { addRows(x, width, sums, from, to); });
  });
}

template <class A, class B>
void addTo(const A* a, const B* b, float* sum, int64_t from, int64_t to) {
  for (int64_t i = from; i < to; i += kLanes) store(sum + i, load(a + i, to - i) + load(b + i, to - i), to - i);
}

void add(Run& run) {
  run.expect(run.shape(0) == run.shape(1), "what is added has different shapes");
  const int64_t size = run.size(0);
  byType(run.isBfloat16(0), [&](auto* left) {
    byType(run.isBfloat16(1), [&](auto* right) {
      const auto* a = run.in<std::remove_pointer_t<decltype(left)>>(0);
      const auto* b = run.in<std::remove_pointer_t<decltype(right)>>(1);
      float* sum = run.over<float>(0, run.isBfloat16(0) ? 1 : 0);
      parallel(size, 3, [=](int64_t from, int64_t to) { addTo(a, b, sum, from, to); });
    });
  });
}

/** Squares are added in float by sixteens, their sums in double. */
void sumSquares(Run& run) {
  constexpr int64_t kBlock = 1 << 14;
  const int64_t size = run.size(0), blocks = (size + kBlock - 1) / kBlock;
  const float* x = run.in<float>(0);
  std::vector<double> sums(blocks);
  parallel(blocks, kBlock, [&](int64_t from, int64_t to) {
    for (int64_t block = from; block < to; block++) {
      const int64_t end = size < (block + 1) * kBlock ? size : (block + 1) * kBlock;
      Floats squares = {};
      for (int64_t i = block * kBlock; i < end; i += kLanes) {
        const Floats values = load(x + i, end - i);
        squares += values * values;
      }
      sums[block] = sum(squares);
    }
  });
  double total = 0;
  for (const double part : sums) total += part;
  *run.out<float>(0, {}) = total;
}

}  // namespace

void registerSums() {
  registerOp({"AlignflowAdd", {"a: A", "b: B"}, {"sum: float"}, {"A", "B"}, {}, {0}, add});
  registerOp({"AlignflowSumRows", {"x: T"}, {"sum: float"}, {"T"}, {}, {-1}, sumRows});
  registerOp({"AlignflowSumSquares", {"x: float"}, {"sum: float"}, {}, {}, {-1}, sumSquares});
}

}  // namespace alignflow
