// g(t) = t (1 + erf t), the core of the exact GELU, and its gradient: one pass each.
#include "kernels.h"
#include "op.h"
#include "parallel.h"

namespace alignflow {
namespace {

/** 1 + erf t, and e^(-t^2), of which its slope is made. */
struct Gate {
  Floats value;
  Floats density;
};

/**
 * With u = 1 / (1 + |t| / 2), e^(t^2) erfc |t| is u times a polynomial in u, fitted to 3e-7 of its value by least squares on 60 Chebyshev
 * nodes of 0 <= |t| <= 10.
 */
ALIGNFLOW_INLINE Gate gateOf(Floats t) {
  const Floats size = choose(t < 0.0f, -t, t);
  const Floats u = 1.0f / (1.0f + 0.5f * size);
  Floats series = spread(-0.06010871f);
  series = series * u + 0.2894461f;
  series = series * u - 0.49682958f;
  series = series * u + 0.28851515f;
  series = series * u - 0.03339902f;
  series = series * u + 0.20536043f;
  series = series * u + 0.24247938f;
  series = series * u + 0.28245384f;
  series = series * u + 0.28208236f;
  const Floats density = exponential(-(t * t));
  const Floats complement = series * u * density;
  return {choose(t < 0.0f, complement, 2.0f - complement), density};
}

template <class T>
void forward(const T* x, T* y, int64_t from, int64_t to) {
  for (int64_t i = from; i < to; i += kLanes) {
    const Floats t = load(x + i, to - i);
    store(y + i, t * gateOf(t).value, to - i);
  }
}

/** g'(t) = 1 + erf t + t (2 / sqrt pi) e^(-t^2). */
template <class T>
void backward(const T* dy, const T* x, T* dx, int64_t from, int64_t to) {
  for (int64_t i = from; i < to; i += kLanes) {
    const Floats t = load(x + i, to - i);
    const Gate gate = gateOf(t);
    store(dx + i, load(dy + i, to - i) * (gate.value + t * 1.12837917f * gate.density), to - i);
  }
}

void gelu(Run& run) {
  byType(run.isBfloat16(0), [&](auto* type) {
    typedef std::remove_pointer_t<decltype(type)> T;
    const T* x = run.in<T>(0);
    T* y = run.out<T>(0, run.shape(0));
    parallel(run.size(0), 4, [=](int64_t from, int64_t to) { forward(x, y, from, to); });
  });
}

void geluGradient(Run& run) {
  run.expect(run.shape(0) == run.shape(1), "the gradient has another shape than the input");
  byType(run.isBfloat16(0), [&](auto* type) {
    typedef std::remove_pointer_t<decltype(type)> T;
    const T* dy = run.in<T>(0);
    const T* x = run.in<T>(1);
    const int64_t size = run.size(0);
    T* dx = run.over<T>(0, 0);
    parallel(size, 4, [=](int64_t from, int64_t to) { backward(dy, x, dx, from, to); });
  });
}

}  // namespace

void registerGelu() {
  registerOp({"AlignflowGelu", {"x: T"}, {"y: T"}, {"T"}, {}, {0}, gelu});
  registerOp({"AlignflowGeluGradient", {"dy: T", "x: T"}, {"dx: T"}, {"T"}, {}, {0}, geluGradient});
}

}  // namespace alignflow
