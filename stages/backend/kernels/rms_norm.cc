// RMSNorm, with a weight or without (a weight of no elements), and its gradients. Types of input and result may differ, so that a
// residual stream in float becomes the bfloat16 that a product takes in the same pass.
#include <cmath>

#include "kernels.h"
#include "op.h"
#include "parallel.h"
#include "partial_sums.h"

namespace alignflow {
namespace {

template <class T>
ALIGNFLOW_INLINE float meanSquare(const T* x, int64_t width) {
  Floats squares[2] = {};
  int64_t i = 0;
  for (; i + 2 * kLanes <= width; i += 2 * kLanes) {
    const Floats a = load(x + i), b = load(x + i + kLanes);
    squares[0] += a * a;
    squares[1] += b * b;
  }
  for (; i < width; i += kLanes) {
    const Floats a = load(x + i, width - i);
    squares[0] += a * a;
  }
  return sum(squares[0] + squares[1]) / width;
}

template <class In, class Out>
void forward(const In* x, const float* weight, float eps, int64_t width, Out* y, float* scale, int64_t from, int64_t to) {
  for (int64_t row = from; row < to; row++) {
    const In* own = x + row * width;
    const float factor = 1.0f / std::sqrt(meanSquare(own, width) + eps);
    scale[row] = factor;
    for (int64_t i = 0; i < width; i += kLanes) {
      const Floats unit = load(own + i, width - i) * factor;
      store(y + row * width + i, weight ? unit * load(weight + i, width - i) : unit, width - i);
    }
  }
}

/** With u = x s and s = 1 / rms(x), y = u w: dx = s (dy w - u mean(dy w u)), dw = sum over rows of dy u. `x` may be u itself. */
template <class Grad, class In, class Out>
void backward(const Grad* dy, const In* x, bool isUnit, const float* scale, const float* weight, int64_t width, Out* dx, float* dWeight,
              int64_t from, int64_t to) {
  for (int64_t row = from; row < to; row++) {
    const Grad* d = dy + row * width;
    const In* own = x + row * width;
    const float toUnit = isUnit ? 1.0f : scale[row];
    Floats along = {};
    for (int64_t i = 0; i < width; i += kLanes) {
      const Floats product = load(d + i, width - i) * load(own + i, width - i) * toUnit;
      if (weight) {
        store(dWeight + i, load(dWeight + i, width - i) + product, width - i);
        along += product * load(weight + i, width - i);
      } else {
        along += product;
      }
    }
    const float mean = sum(along) / width;
    for (int64_t i = 0; i < width; i += kLanes) {
      Floats wanted = load(d + i, width - i);
      if (weight) wanted *= load(weight + i, width - i);
      store(dx + row * width + i, scale[row] * (wanted - load(own + i, width - i) * (toUnit * mean)), width - i);
    }
  }
}

void rmsNorm(Run& run) {
  const int64_t width = run.width(0), rows = run.rows(0);
  run.expect(run.size(1) == 0 || run.size(1) == width, "the weight has another length than the last axis");
  byType(run.isBfloat16(0), [&](auto* in) {
    byType(run.givesBfloat16(0), [&](auto* out) {
      typedef std::remove_pointer_t<decltype(in)> In;
      typedef std::remove_pointer_t<decltype(out)> Out;
      const float eps = run.attribute(0);
      const In* x = run.in<In>(0);
      const float* weight = run.size(1) ? run.in<float>(1) : nullptr;
      Out* y = run.out<Out>(0, run.shape(0));
      float* scale = run.out<float>(1, {rows});
      parallel(rows, 3 * width, [=](int64_t from, int64_t to) { forward(x, weight, eps, width, y, scale, from, to); });
    });
  });
}

/** Inputs: dy, x or u, scale, weight. */
void rmsNormGradient(Run& run) {
  const int64_t width = run.width(1), rows = run.rows(1);
  run.expect(run.shape(0) == run.shape(1) && run.size(2) == rows, "gradient, input and scale do not fit together");
  run.expect(run.size(3) == 0 || run.size(3) == width, "the weight has another length than the last axis");
  byType(run.isBfloat16(0), [&](auto* grad) {
    byType(run.isBfloat16(1), [&](auto* in) {
      byType(run.givesBfloat16(0), [&](auto* out) {
        typedef std::remove_pointer_t<decltype(grad)> Grad;
        typedef std::remove_pointer_t<decltype(in)> In;
        typedef std::remove_pointer_t<decltype(out)> Out;
        const bool isUnit = run.attribute(0) != 0;
        const Grad* dy = run.in<Grad>(0);
        const In* x = run.in<In>(1);
        const float* scale = run.in<float>(2);
        const float* weight = run.size(3) ? run.in<float>(3) : nullptr;
        Out* dx = run.out<Out>(0, run.shape(1));
        float* dWeight = run.out<float>(1, run.shape(3));
        if (weight) {
          partialSums(rows, width, 4 * width, dWeight, [=](float* sums, int64_t from, int64_t to) {
            backward(dy, x, isUnit, scale, weight, width, dx, sums, from, to);
          });
        } else {
          parallel(rows, 4 * width, [=](int64_t from, int64_t to) {
            backward(dy, x, isUnit, scale, weight, width, dx, nullptr, from, to);
          });
        }
      });
    });
  });
}

}  // namespace

void registerRmsNorm() {
  registerOp({"AlignflowRmsNorm", {"x: T", "weight: float"}, {"y: Out", "scale: float"}, {"T", "Out"}, {"eps"}, {0, -1}, rmsNorm});
  registerOp({"AlignflowRmsNormGradient",
              {"dy: Grad", "x: T", "scale: float", "weight: float"},
              {"dx: Out", "dweight: float"},
              {"Grad", "T", "Out"},
              {"unit"},
              {1, 3},
              rmsNormGradient});
}

}  // namespace alignflow
