// Rotary position embedding: x cos + rotateHalf(x) sin in each head, or the inverse rotation, which is its gradient.
#include "kernels.h"
#include "op.h"
#include "parallel.h"

namespace alignflow {
namespace {

/** One row. `sin` has the sign of its term: minus in the first half of each head. */
template <class T>
void rotate(const T* x, const float* cos, const float* sin, float direction, int64_t width, int64_t half, T* y) {
  for (int64_t head = 0; head < width; head += 2 * half) {
    for (int64_t i = head; i < head + half; i += kLanes) {
      const int64_t left = head + half - i, j = i + half;
      const Floats first = load(x + i, left), second = load(x + j, left);
      store(y + i, first * load(cos + i, left) + direction * second * load(sin + i, left), left);
      store(y + j, second * load(cos + j, left) + direction * first * load(sin + j, left), left);
    }
  }
}

void rope(Run& run) {
  const int64_t width = run.width(0), positions = run.rows(1);
  const int64_t half = width / static_cast<int64_t>(run.attribute(0)) / 2;
  run.expect(run.width(1) == width && run.shape(1) == run.shape(2), "tables and input have different widths");
  run.expect(positions > 0 && run.rows(0) % positions == 0, "the rows are no multiple of the positions");
  run.expect(half > 0 && width % (2 * half) == 0, "the width is no multiple of the heads");
  byType(run.isBfloat16(0), [&](auto* type) {
    typedef std::remove_pointer_t<decltype(type)> T;
    const T* x = run.in<T>(0);
    const float* cos = run.in<float>(1);
    const float* sin = run.in<float>(2);
    const float direction = run.attribute(1);
    T* y = run.out<T>(0, run.shape(0));
    parallel(run.rows(0), 3 * width, [=](int64_t from, int64_t to) {
      for (int64_t row = from; row < to; row++) {
        const int64_t position = row % positions * width;
        rotate(x + row * width, cos + position, sin + position, direction, width, half, y + row * width);
      }
    });
  });
}

}  // namespace

void registerRope() {
  registerOp({"AlignflowRope", {"x: T", "cos: float", "sin: float"}, {"y: T"}, {"T"}, {"heads", "direction"}, {0}, rope});
}

}  // namespace alignflow
