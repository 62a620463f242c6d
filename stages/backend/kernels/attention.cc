// Scaled dot-product attention (arXiv 1706.03762, section 3.2), a head of a sequence at a time: its products stay in the cache, and no
// weights are kept for the gradient, which computes them again from the logarithm of each row's sum (arXiv 2205.14135).
#include <cmath>

#include "kernels.h"
#include "op.h"
#include "parallel.h"
#include "product.h"

namespace alignflow {
namespace {

ALIGNFLOW_INLINE int64_t padded(int64_t length) { return (length + kLanes - 1) / kLanes * kLanes; }

/** How sequences and heads lie in q, k and v, and what of a mask belongs to each. */
struct Layout {
  int64_t batch, heads, queries, keys;
  /** Of a head. */
  int64_t width;
  float scale;
  /** [1 or batch, 1 or heads, 1 or queries, keys], or null. */
  const float* mask;
  int64_t maskBatch, maskHead, maskQuery;

  int64_t tasks() const { return batch * heads; }
  int64_t row() const { return heads * width; }
  int64_t queryAt(int64_t task) const { return task / heads * queries * row() + task % heads * width; }
  int64_t keyAt(int64_t task) const { return task / heads * keys * row() + task % heads * width; }
  const float* maskOf(int64_t task) const {
    return mask ? mask + task / heads * maskBatch + task % heads * maskHead : nullptr;
  }
  int64_t cost() const { return queries * keys * width / 4; }
};

/** Memory of a thread for one head, which the next head takes over: it holds anything. */
class Scratch {
 public:
  explicit Scratch(int64_t floats) {
    if (static_cast<int64_t>(memory().size()) < floats) memory().resize(floats);
    next_ = memory().data();
  }

  float* matrix(int64_t rows, int64_t columns) {
    float* const place = next_;
    next_ += rows * columns;
    return place;
  }

 private:
  static std::vector<float>& memory() {
    static thread_local std::vector<float> own;
    return own;
  }
  float* next_;
};

/** Rows of a head, as floats times a factor, one behind the other: [rows, padded(width)], zeros behind the width. */
template <class T>
void gather(const T* from, int64_t rows, int64_t stride, int64_t width, float factor, float* to) {
  const int64_t toRow = padded(width);
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < width; j += kLanes) store(to + i * toRow + j, load(from + i * stride + j, width - j) * factor);
}

/** The same transposed: [width, padded(rows)], zeros behind the rows. */
void transpose(const float* from, int64_t rows, int64_t width, float* to) {
  const int64_t fromRow = padded(width), toRow = padded(rows);
  for (int64_t i = 0; i < rows; i += kLanes)
    for (int64_t j = 0; j < width; j++)
      for (int64_t k = 0; k < kLanes; k++) to[j * toRow + i + k] = i + k < rows ? from[(i + k) * fromRow + j] : 0.0f;
}

template <class T>
void scatter(const float* from, int64_t rows, int64_t stride, int64_t width, float factor, T* to) {
  const int64_t fromRow = padded(width);
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < width; j += kLanes) store(to + i * stride + j, load(from + i * fromRow + j) * factor, width - j);
}

void addMask(float* products, const float* mask, int64_t keys) {
  for (int64_t j = 0; j < keys; j += kLanes) store(products + j, load(products + j) + load(mask + j, keys - j));
}

/** Products of a row to weights, in place; zeros behind the keys. Returns the logarithm of the sum of the exponentials. */
float softmax(float* row, int64_t keys) {
  const float none = -__builtin_inff();
  for (int64_t j = keys; j < padded(keys); j++) row[j] = none;
  Floats most = spread(none);
  for (int64_t j = 0; j < keys; j += kLanes) most = larger(load(row + j), most);
  const float maximum = largest(most);
  Floats sums = {};
  for (int64_t j = 0; j < keys; j += kLanes) {
    const Floats power = exponential(load(row + j) - maximum);
    store(row + j, power);
    sums += power;
  }
  const float total = sum(sums);
  for (int64_t j = 0; j < keys; j += kLanes) store(row + j, load(row + j) * (1.0f / total));
  return maximum + std::log(total);
}

template <class T>
void forwardHead(const Layout& l, int64_t task, const T* q, const T* k, const T* v, T* y, float* logSums) {
  const int64_t wide = padded(l.width), long_ = padded(l.keys);
  Scratch scratch((l.queries + l.keys) * wide + (l.width + l.queries) * long_);
  float* queries = scratch.matrix(l.queries, wide);
  float* keys = scratch.matrix(l.keys, wide);
  float* turned = scratch.matrix(l.width, long_);
  float* weights = scratch.matrix(l.queries, long_);
  gather(q + l.queryAt(task), l.queries, l.row(), l.width, l.scale, queries);
  gather(k + l.keyAt(task), l.keys, l.row(), l.width, 1, keys);
  transpose(keys, l.keys, l.width, turned);
  product({queries, wide, 1}, turned, long_, l.queries, l.width, l.keys, weights, long_);
  const float* mask = l.maskOf(task);
  for (int64_t i = 0; i < l.queries; i++) {
    if (mask) addMask(weights + i * long_, mask + i * l.maskQuery, l.keys);
    logSums[task * l.queries + i] = softmax(weights + i * long_, l.keys);
  }
  gather(v + l.keyAt(task), l.keys, l.row(), l.width, 1, keys);
  product({weights, long_, 1}, keys, wide, l.queries, l.keys, l.width, queries, wide);
  scatter(queries, l.queries, l.row(), l.width, 1, y + l.queryAt(task));
}

/** Tensors of a gradient. */
template <class T>
struct Gradients {
  const T *dy, *q, *k, *v, *y;
  const float* logSums;
  T *dq, *dk, *dv;
};

/** With P the weights: dV = P^T dY; dP = dY V^T; dS = P (dP - rowsum(dY Y)); dQ = scale dS K; dK = scale dS^T Q. */
template <class T>
void backwardHead(const Layout& l, int64_t task, const Gradients<T>& g) {
  const int64_t wide = padded(l.width), long_ = padded(l.keys), longest = l.queries > l.keys ? l.queries : l.keys;
  Scratch scratch((2 * l.queries + l.keys + longest) * wide + (l.width + 2 * l.queries) * long_);
  float* queries = scratch.matrix(l.queries, wide);
  float* keys = scratch.matrix(l.keys, wide);
  float* turned = scratch.matrix(l.width, long_);
  float* weights = scratch.matrix(l.queries, long_);
  float* slopes = scratch.matrix(l.queries, long_);
  float* dy = scratch.matrix(l.queries, wide);
  float* result = scratch.matrix(longest, wide);
  gather(g.q + l.queryAt(task), l.queries, l.row(), l.width, l.scale, queries);
  gather(g.k + l.keyAt(task), l.keys, l.row(), l.width, 1, keys);
  gather(g.dy + l.queryAt(task), l.queries, l.row(), l.width, 1, dy);
  transpose(keys, l.keys, l.width, turned);
  product({queries, wide, 1}, turned, long_, l.queries, l.width, l.keys, weights, long_);
  // The rows of v are needed as columns only: the memory of the result holds them before there is one.
  gather(g.v + l.keyAt(task), l.keys, l.row(), l.width, 1, result);
  transpose(result, l.keys, l.width, turned);
  product({dy, wide, 1}, turned, long_, l.queries, l.width, l.keys, slopes, long_);
  const float* mask = l.maskOf(task);
  for (int64_t i = 0; i < l.queries; i++) {
    float* weight = weights + i * long_;
    float* slope = slopes + i * long_;
    if (mask) addMask(weight, mask + i * l.maskQuery, l.keys);
    const T* y = g.y + l.queryAt(task) + i * l.row();
    Floats inner = {};
    for (int64_t j = 0; j < l.width; j += kLanes) inner += load(y + j, l.width - j) * load(dy + i * wide + j);
    const float along = sum(inner);
    const float logSum = g.logSums[task * l.queries + i];
    for (int64_t j = 0; j < l.keys; j += kLanes) {
      const Floats p = exponential(load(weight + j) - logSum);
      store(weight + j, p);
      store(slope + j, p * (load(slope + j) - along));
    }
  }
  product({weights, 1, long_}, dy, wide, l.keys, l.queries, l.width, result, wide);
  scatter(result, l.keys, l.row(), l.width, 1, g.dv + l.keyAt(task));
  product({slopes, 1, long_}, queries, wide, l.keys, l.queries, l.width, result, wide);
  scatter(result, l.keys, l.row(), l.width, 1, g.dk + l.keyAt(task));
  product({slopes, long_, 1}, keys, wide, l.queries, l.keys, l.width, result, wide);
  scatter(result, l.queries, l.row(), l.width, l.scale, g.dq + l.queryAt(task));
}

/** The layout of inputs q, k, v and mask from `first` on; a mask of no elements is none. */
Layout layoutOf(const Run& run, int first, int mask) {
  Layout l = {};
  l.batch = run.attribute(0);
  l.heads = run.attribute(1);
  l.scale = run.attribute(2);
  const int64_t width = run.width(first);
  run.expect(l.batch > 0 && l.heads > 0 && width % l.heads == 0, "the width is no multiple of the heads");
  run.expect(run.rows(first) % l.batch == 0 && run.rows(first + 1) % l.batch == 0, "the rows are no multiple of the batch");
  run.expect(run.shape(first + 1) == run.shape(first + 2) && run.width(first + 1) == width, "q, k and v do not fit together");
  l.queries = run.rows(first) / l.batch;
  l.keys = run.rows(first + 1) / l.batch;
  l.width = width / l.heads;
  if (run.size(mask) == 0) return l;
  const Shape& shape = run.shape(mask);
  run.expect(shape.size() == 4 && (shape[0] == 1 || shape[0] == l.batch) && (shape[1] == 1 || shape[1] == l.heads) &&
                 (shape[2] == 1 || shape[2] == l.queries) && shape[3] == l.keys,
             "the mask is not [1 or batch, 1 or heads, 1 or queries, keys]");
  l.mask = run.in<float>(mask);
  l.maskQuery = shape[2] == 1 ? 0 : l.keys;
  l.maskHead = shape[1] == 1 ? 0 : shape[2] * l.keys;
  l.maskBatch = shape[0] == 1 ? 0 : shape[1] * shape[2] * l.keys;
  return l;
}

void attention(Run& run) {
  const Layout l = layoutOf(run, 0, 3);
  byType(run.isBfloat16(0), [&](auto* type) {
    typedef std::remove_pointer_t<decltype(type)> T;
    const T *q = run.in<T>(0), *k = run.in<T>(1), *v = run.in<T>(2);
    T* y = run.out<T>(0, run.shape(0));
    float* logSums = run.out<float>(1, {l.batch, l.heads, l.queries});
    parallel(l.tasks(), l.cost(), [&](int64_t from, int64_t to) {
      for (int64_t task = from; task < to; task++) forwardHead(l, task, q, k, v, y, logSums);
    });
  });
}

/** Inputs: dy, q, k, v, mask, y, logarithms of the sums. */
void attentionGradient(Run& run) {
  const Layout l = layoutOf(run, 1, 4);
  run.expect(run.shape(0) == run.shape(1) && run.shape(5) == run.shape(1) && run.size(6) == l.tasks() * l.queries,
             "gradient, result and sums do not fit the queries");
  byType(run.isBfloat16(1), [&](auto* type) {
    typedef std::remove_pointer_t<decltype(type)> T;
    const Gradients<T> g = {run.in<T>(0),     run.in<T>(1), run.in<T>(2),
                            run.in<T>(3),     run.in<T>(5), run.in<float>(6),
                            run.out<T>(0, run.shape(1)), run.out<T>(1, run.shape(2)), run.out<T>(2, run.shape(3))};
    parallel(l.tasks(), 3 * l.cost(), [&](int64_t from, int64_t to) {
      for (int64_t task = from; task < to; task++) backwardHead(l, task, g);
    });
  });
}

}  // namespace

void registerAttention() {
  const std::vector<const char*> numbers = {"batch", "heads", "scale"};
  registerOp({"AlignflowAttention", {"q: T", "k: T", "v: T", "mask: float"}, {"y: T", "log_sums: float"}, {"T"}, numbers, {0, -1}, attention});
  registerOp({"AlignflowAttentionGradient",
              {"dy: T", "q: T", "k: T", "v: T", "mask: float", "y: T", "log_sums: float"},
              {"dq: T", "dk: T", "dv: T"},
              {"T"},
              numbers,
              {1, 2, 3},
              attentionGradient});
}

}  // namespace alignflow
