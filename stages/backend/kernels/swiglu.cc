// gate sigmoid(gate) up (arXiv 2002.05202), and its gradients: one pass each.
#include "kernels.h"
#include "op.h"
#include "parallel.h"

namespace alignflow {
namespace {

template <class T>
void forward(const T* gate, const T* up, T* y, int64_t from, int64_t to) {
  for (int64_t i = from; i < to; i += kLanes) {
    const Floats g = load(gate + i, to - i);
    store(y + i, g / (1.0f + exponential(-g)) * load(up + i, to - i), to - i);
  }
}

/** d silu / d gate = s + silu (1 - s), s the sigmoid. */
template <class T>
void backward(const T* dy, const T* gate, const T* up, T* dGate, T* dUp, int64_t from, int64_t to) {
  for (int64_t i = from; i < to; i += kLanes) {
    const Floats g = load(gate + i, to - i);
    const Floats d = load(dy + i, to - i);
    const Floats sigmoid = 1.0f / (1.0f + exponential(-g));
    const Floats silu = g * sigmoid;
    store(dGate + i, d * load(up + i, to - i) * (sigmoid + silu * (1.0f - sigmoid)), to - i);
    store(dUp + i, d * silu, to - i);
  }
}

void swiglu(Run& run) {
  run.expect(run.shape(0) == run.shape(1), "gate and up have different shapes");
  byType(run.isBfloat16(0), [&](auto* type) {
    typedef std::remove_pointer_t<decltype(type)> T;
    const T* gate = run.in<T>(0);
    const T* up = run.in<T>(1);
    T* y = run.out<T>(0, run.shape(0));
    parallel(run.size(0), 4, [=](int64_t from, int64_t to) { forward(gate, up, y, from, to); });
  });
}

void swigluGradient(Run& run) {
  run.expect(run.shape(0) == run.shape(1) && run.shape(0) == run.shape(2), "gradient, gate and up have different shapes");
  byType(run.isBfloat16(0), [&](auto* type) {
    typedef std::remove_pointer_t<decltype(type)> T;
    const T* dy = run.in<T>(0);
    const T* gate = run.in<T>(1);
    const T* up = run.in<T>(2);
    T* dGate = run.out<T>(0, run.shape(1));
    T* dUp = run.out<T>(1, run.shape(2));
    parallel(run.size(1), 5, [=](int64_t from, int64_t to) { backward(dy, gate, up, dGate, dUp, from, to); });
  });
}

}  // namespace

void registerSwiglu() {
  registerOp({"AlignflowSwiglu", {"gate: T", "up: T"}, {"y: T"}, {"T"}, {}, {0}, swiglu});
  registerOp({"AlignflowSwigluGradient", {"dy: T", "gate: T", "up: T"}, {"dgate: T", "dup: T"}, {"T"}, {}, {1, 2}, swigluGradient});
}

}  // namespace alignflow
