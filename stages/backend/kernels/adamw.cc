// The update of a parameter by AdamW (arXiv 1711.05101) in one pass over it, its two averages and its gradient.
#include <cmath>

#include "kernels.h"
#include "op.h"
#include "parallel.h"

namespace alignflow {
namespace {

/** What is the same for all elements, in the order of the input `factors`. */
struct Factors {
  float keep1, take1, keep2, take2;
  /** Added to the root of the second average. */
  float epsilon;
  float rate;
  /** What decay leaves of the parameter. */
  float left;
};

ALIGNFLOW_INLINE Floats root(Floats x) {
  float all[kLanes];
  store(all, x);
  for (int i = 0; i < kLanes; i++) all[i] = std::sqrt(all[i]);
  return load(all);
}

void update(const float* parameter, const float* first, const float* second, const float* gradient, Factors f, float* newParameter,
            float* newFirst, float* newSecond, int64_t from, int64_t to) {
  for (int64_t i = from; i < to; i += kLanes) {
    const int64_t n = to - i;
    // A gradient that is not taken may be no number.
    const Floats g = f.take1 == 0.0f ? Floats{} : load(gradient + i, n);
    const Floats m = load(first + i, n) * f.keep1 + g * f.take1;
    const Floats v = load(second + i, n) * f.keep2 + g * g * f.take2;
    store(newFirst + i, m, n);
    store(newSecond + i, v, n);
    store(newParameter + i, load(parameter + i, n) * f.left - m / (root(v) + f.epsilon) * f.rate, n);
  }
}

void adamw(Run& run) {
  for (int i = 1; i < 4; i++) run.expect(run.shape(i) == run.shape(0), "averages or gradient have another shape than the parameter");
  run.expect(run.size(4) == 7, "there must be seven factors");
  const float *parameter = run.in<float>(0), *first = run.in<float>(1), *second = run.in<float>(2), *gradient = run.in<float>(3);
  const float* f = run.in<float>(4);
  const Factors factors = {f[0], f[1], f[2], f[3], f[4], f[5], f[6]};
  const int64_t size = run.size(0);
  float* newParameter = run.out<float>(0, run.shape(0));
  float* newFirst = run.out<float>(1, run.shape(0));
  float* newSecond = run.out<float>(2, run.shape(0));
  parallel(size, 7, [=](int64_t from, int64_t to) {
    update(parameter, first, second, gradient, factors, newParameter, newFirst, newSecond, from, to);
  });
}

}  // namespace

void registerAdamw() {
  registerOp({"AlignflowAdamw",
              {"parameter: float", "first: float", "second: float", "gradient: float", "factors: float"},
              {"new_parameter: float", "new_first: float", "new_second: float"},
              {},
              {},
              {0, 0, 0},
              adamw});
}

}  // namespace alignflow
