// Sixteen numbers at a time, as GCC's and Clang's vector extensions have them: one register with AVX-512, two with AVX2, four with
// SSE or NEON, with the same results in each where a fused multiply-add is there.
#pragma once
#include <cstdint>
#include <cstring>

#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif

namespace alignflow {

/** A bfloat16: the upper half of a float. */
struct bfloat16 {
  uint16_t bits;
};

constexpr int64_t kLanes = 16;
typedef float Floats __attribute__((vector_size(64)));
typedef int32_t Ints __attribute__((vector_size(64)));
typedef uint32_t Words __attribute__((vector_size(64)));
typedef uint16_t Halves __attribute__((vector_size(32)));
typedef uint8_t Bytes __attribute__((vector_size(16)));

#define ALIGNFLOW_INLINE inline __attribute__((always_inline))

ALIGNFLOW_INLINE Floats spread(float value) { return value - Floats{}; }

ALIGNFLOW_INLINE Floats load(const float* from) {
  Floats x;
  memcpy(&x, from, sizeof x);
  return x;
}

ALIGNFLOW_INLINE Floats load(const bfloat16* from) {
  Halves x;
  memcpy(&x, from, sizeof x);
  return (Floats)(__builtin_convertvector(x, Words) << 16);
}

ALIGNFLOW_INLINE void store(float* to, Floats x) { memcpy(to, &x, sizeof x); }

ALIGNFLOW_INLINE Floats load(const uint8_t* from) {
  Bytes x;
  memcpy(&x, from, sizeof x);
  return __builtin_convertvector(__builtin_convertvector(x, Ints), Floats);
}

/** To the nearest, ties to even; what is no number stays none. */
ALIGNFLOW_INLINE void store(bfloat16* to, Floats x) {
#if defined(__AVX512BF16__)
  const __m256bh halves = _mm512_cvtneps_pbh((__m512)x);
#else
  const Words bits = (Words)x;
  const Words rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const Words isNumber = (Words)(x == x);
  const Halves halves = __builtin_convertvector((rounded & isNumber) | (~isNumber & 0x7fc0), Halves);
#endif
  memcpy(to, &halves, sizeof halves);
}

/** The first `count` of sixteen, zeros behind them. */
template <class T>
ALIGNFLOW_INLINE Floats load(const T* from, int64_t count) {
  if (count >= kLanes) return load(from);
  T some[kLanes] = {};
  memcpy(some, from, count * sizeof(T));
  return load(some);
}

template <class T>
ALIGNFLOW_INLINE void store(T* to, Floats x, int64_t count) {
  if (count >= kLanes) return store(to, x);
  T some[kLanes];
  store(some, x);
  memcpy(to, some, count * sizeof(T));
}

ALIGNFLOW_INLINE Floats choose(Ints condition, Floats yes, Floats no) {
  return (Floats)((condition & (Ints)yes) | (~condition & (Ints)no));
}

ALIGNFLOW_INLINE Floats larger(Floats a, Floats b) { return choose(a > b, a, b); }

/** The lanes with the two halves of each `2 * kWidth` exchanged. */
template <int kWidth>
ALIGNFLOW_INLINE Floats exchanged(Floats x) {
#define ALIGNFLOW_LANE(i) (i) ^ kWidth
#define ALIGNFLOW_LANES                                                                                             \
  ALIGNFLOW_LANE(0), ALIGNFLOW_LANE(1), ALIGNFLOW_LANE(2), ALIGNFLOW_LANE(3), ALIGNFLOW_LANE(4), ALIGNFLOW_LANE(5), \
      ALIGNFLOW_LANE(6), ALIGNFLOW_LANE(7), ALIGNFLOW_LANE(8), ALIGNFLOW_LANE(9), ALIGNFLOW_LANE(10),               \
      ALIGNFLOW_LANE(11), ALIGNFLOW_LANE(12), ALIGNFLOW_LANE(13), ALIGNFLOW_LANE(14), ALIGNFLOW_LANE(15)
#if defined(__clang__)
  return __builtin_shufflevector(x, x, ALIGNFLOW_LANES);
#else
  return __builtin_shuffle(x, Ints{ALIGNFLOW_LANES});
#endif
}

ALIGNFLOW_INLINE float sum(Floats x) {
  x += exchanged<8>(x);
  x += exchanged<4>(x);
  x += exchanged<2>(x);
  x += exchanged<1>(x);
  return x[0];
}

ALIGNFLOW_INLINE float largest(Floats x) {
  x = larger(x, exchanged<8>(x));
  x = larger(x, exchanged<4>(x));
  x = larger(x, exchanged<2>(x));
  return larger(x, exchanged<1>(x))[0];
}

/**
 * e^x within two units in the last place; 0 below -87.3, where a float loses digits. x = n ln 2 + r with |r| <= ln 2 / 2, e^r by its
 * Taylor series.
 */
ALIGNFLOW_INLINE Floats exponential(Floats x) {
  const Floats shifted = x * 1.44269504f + 12582912.0f;  // 1.5 x 2^23: the sum has no room for a fraction
  const Floats n = shifted - 12582912.0f;
  const Floats r = (x - n * 0.693145752f) - n * 1.42860677e-6f;
  Floats series = spread(1.0f / 5040);
  series = series * r + 1.0f / 720;
  series = series * r + 1.0f / 120;
  series = series * r + 1.0f / 24;
  series = series * r + 1.0f / 6;
  series = series * r + 0.5f;
  series = series * r + 1.0f;
  series = series * r + 1.0f;
  const Ints power = ((Ints)shifted - 0x4b400000 + 127) << 23;
  const Floats value = choose(x > 88.72f, spread(__builtin_inff()), series * (Floats)power);
  return choose(x == x, choose(x < -87.3f, Floats{}, value), x);
}

}  // namespace alignflow
