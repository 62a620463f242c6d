// x + branch, a sample's branch multiplied by its factor (drop path), and the branch's gradient. The stream is float, a branch may be
// bfloat16.
#include "kernels.h"
#include "op.h"
#include "parallel.h"

namespace alignflow {
namespace {

/** Elements of a sample; no factors are one sample of factor 1. */
int64_t perSample(const Run& run, int values, int factors) {
  const int64_t samples = run.size(factors) == 0 ? 1 : run.size(factors);
  run.expect(run.size(values) % samples == 0, "the rows are no multiple of the factors");
  return run.size(values) / samples;
}

/** Calls `each(i, count, factor)` for every sixteen elements, none of which has two samples in it. */
template <class F>
ALIGNFLOW_INLINE void bySample(const float* factors, int64_t elements, int64_t from, int64_t to, F each) {
  for (int64_t i = from; i < to;) {
    const int64_t end = to < (i / elements + 1) * elements ? to : (i / elements + 1) * elements;
    const float factor = factors ? factors[i / elements] : 1.0f;
    for (; i < end; i += kLanes) each(i, end - i, factor);
    i = end;
  }
}

void residual(Run& run) {
  run.expect(run.shape(0) == run.shape(1), "stream and branch have different shapes");
  const int64_t size = run.size(0), elements = perSample(run, 1, 2);
  const float* factors = run.size(2) ? run.in<float>(2) : nullptr;
  byType(run.isBfloat16(1), [&](auto* type) {
    typedef std::remove_pointer_t<decltype(type)> T;
    const float* x = run.in<float>(0);
    const T* branch = run.in<T>(1);
    float* y = run.over<float>(0, 0);
    parallel(size, 3, [=](int64_t from, int64_t to) {
      bySample(factors, elements, from, to, [=](int64_t i, int64_t count, float factor) __attribute__((always_inline)) {
        store(y + i, load(x + i, count) + load(branch + i, count) * factor, count);
      });
    });
  });
}

void branchGradient(Run& run) {
  const int64_t size = run.size(0), elements = perSample(run, 0, 1);
  const float* factors = run.size(1) ? run.in<float>(1) : nullptr;
  byType(run.givesBfloat16(0), [&](auto* type) {
    typedef std::remove_pointer_t<decltype(type)> T;
    const float* dy = run.in<float>(0);
    T* dBranch = run.out<T>(0, run.shape(0));
    parallel(size, 2, [=](int64_t from, int64_t to) {
      bySample(factors, elements, from, to, [=](int64_t i, int64_t count, float factor) __attribute__((always_inline)) {
        store(dBranch + i, load(dy + i, count) * factor, count);
      });
    });
  });
}

}  // namespace

void registerResidual() {
  registerOp({"AlignflowResidual", {"x: float", "branch: T", "factors: float"}, {"y: float"}, {"T"}, {}, {0}, residual});
  registerOp({"AlignflowBranchGradient", {"dy: float", "factors: float"}, {"dbranch: Out"}, {"Out"}, {}, {0}, branchGradient});
}

}  // namespace alignflow
